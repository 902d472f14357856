"""Looks on moto at what apply made: uploads an artifact and waits for what the topic says of it, and asks whom each link names.

    python look.py ENDPOINT CHAIN.json
"""

import json
import sys

import boto3

endpoint, chain = sys.argv[1], json.load(open(sys.argv[2]))


def client(service):
    return boto3.client(service, endpoint_url=endpoint, region_name=chain["region"])


s3, sns, sqs, functions = client("s3"), client("sns"), client("sqs"), client("lambda")

# An artifact, its signature before it: the topic hears of the artifact alone.
queue = sqs.create_queue(QueueName="look")["QueueUrl"]
arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
subscription = sns.subscribe(TopicArn=chain["update_topic"], Protocol="sqs", Endpoint=arn)["SubscriptionArn"]
for key in ("one.zip.minisig", "one.zip", "probe/one.zip.minisig", "probe/one.zip"):
    s3.put_object(Bucket=chain["upload_bucket"], Key=key, Body=b"not looked into")
heard = []
while messages := sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages"):
    for message in messages:
        for record in json.loads(json.loads(message["Body"])["Message"]).get("Records", []):
            heard.append((record["s3"]["bucket"]["name"], record["s3"]["object"]["key"].replace("%2F", "/")))
        sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
assert sorted(heard) == [(chain["upload_bucket"], "one.zip"), (chain["upload_bucket"], "probe/one.zip")], heard
sns.unsubscribe(SubscriptionArn=subscription)
sqs.delete_queue(QueueUrl=queue)

subscribed = sns.list_subscriptions_by_topic(TopicArn=chain["update_topic"])["Subscriptions"]
assert [s["Endpoint"].rsplit(":", 1)[1] for s in subscribed] == [chain["update_function"]], subscribed

policy = json.loads(functions.get_policy(FunctionName=chain["update_function"])["Policy"])
callers = [(s["Principal"], s["Condition"]["ArnLike"]["AWS:SourceArn"]) for s in policy["Statement"]]
assert callers == [({"Service": "sns.amazonaws.com"}, chain["update_topic"])], policy

alias = functions.get_alias(FunctionName=chain["endpoint_function"], Name=chain["alias"])
assert alias["FunctionVersion"] == "1", alias

calls = client("scheduler")
for name in chain["schedules"]:
    target = calls.get_schedule(Name=name, GroupName=chain["schedule_group"])["Target"]
    assert target["Arn"] == alias["AliasArn"] and json.loads(target["Input"])["sigcache"] == "sync", target
probe = calls.get_schedule(Name=chain["probe_schedule"], GroupName=chain["schedule_group"])["Target"]
assert json.loads(probe["Input"]) == {"sigcache": "probe"} and probe["Arn"].endswith(chain["update_function"]), probe

alarms = client("cloudwatch").describe_alarms()["MetricAlarms"]
assert sorted(a["AlarmName"] for a in alarms) == chain["alarms"], alarms
for bucket in (chain["upload_bucket"], chain["release_bucket"], chain["store_bucket"]):
    assert s3.get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled", bucket
print(f"looked at {len(chain['schedules'])} schedules, {len(alarms)} alarms, and what an upload does")
