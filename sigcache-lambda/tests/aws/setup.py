"""Creates what Terraform creates, on an emulator, for the tests: buckets, topics, functions, and the links between them.

Reads the endpoint and where the topic is to post to from its arguments; prints the names as JSON.
"""

import io
import json
import sys
import zipfile

import boto3

endpoint, bridge = sys.argv[1:3]
names = {
    "region": "us-east-1",
    "endpoint_function": "sigcache-endpoint",
    "update_function": "sigcache-update",
    "alias": "live",
    "store_bucket": "store",
    "upload_bucket": "uploads",
    "release_bucket": "releases",
    "schedule_group": "default",
    "schedules": ["sigcache-sync"],
    "probe_schedule": "sigcache-probe",
    "alarms": ["sigcache-runs-missing"],
}


def client(service):
    return boto3.client(
        service,
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )


def bundle(text):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("bootstrap", text)
    return out.getvalue()


s3, sns, sqs, iam = client("s3"), client("sns"), client("sqs"), client("iam")
functions, scheduler, cloudwatch = client("lambda"), client("scheduler"), client("cloudwatch")

for bucket in ["store", "uploads", "releases"]:
    s3.create_bucket(Bucket=bucket)
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})

for name in ["update", "result", "alert", "alarm"]:
    names[f"{name}_topic"] = sns.create_topic(Name=f"sigcache-{name}")["TopicArn"]
sns.set_topic_attributes(
    TopicArn=names["update_topic"],
    AttributeName="Policy",
    AttributeValue=json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"Service": "s3.amazonaws.com"},
                    "Action": "sns:Publish",
                    "Resource": names["update_topic"],
                    "Condition": {"ArnEquals": {"aws:SourceArn": "arn:aws:s3:::uploads"}},
                }
            ],
        }
    ),
)

queue = sqs.create_queue(QueueName="sigcache-dead-letters")["QueueUrl"]
results = sqs.create_queue(QueueName="sigcache-results")["QueueUrl"]
names["dead_letter_queues"] = [queue]
names["results_queue"] = results
arn = sqs.get_queue_attributes(QueueUrl=results, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
sns.subscribe(TopicArn=names["result_topic"], Protocol="sqs", Endpoint=arn)

alarm_queue = sqs.create_queue(QueueName="sigcache-alarms")["QueueUrl"]
alarm_arn = sqs.get_queue_attributes(QueueUrl=alarm_queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
names["alarm_subscription"] = sns.subscribe(TopicArn=names["alarm_topic"], Protocol="sqs", Endpoint=alarm_arn)["SubscriptionArn"]

role = iam.create_role(RoleName="role", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
for function in ["sigcache-endpoint", "sigcache-update"]:
    functions.create_function(
        FunctionName=function,
        Runtime="provided.al2023",
        Handler="bootstrap",
        Role=role,
        Code={"ZipFile": bundle("placeholder of " + function)},
        Publish=True,
    )
functions.create_alias(FunctionName="sigcache-endpoint", Name="live", FunctionVersion="1")
functions.add_permission(
    FunctionName="sigcache-update",
    StatementId="topic",
    Action="lambda:InvokeFunction",
    Principal="sns.amazonaws.com",
    SourceArn=names["update_topic"],
)
update = functions.get_function(FunctionName="sigcache-update")["Configuration"]["FunctionArn"]
sns.subscribe(TopicArn=names["update_topic"], Protocol="lambda", Endpoint=update)
# What stands for the last hop: the emulator has no functions that run.
sns.subscribe(TopicArn=names["update_topic"], Protocol="http", Endpoint=bridge)

s3.put_bucket_notification_configuration(
    Bucket="uploads",
    NotificationConfiguration={
        "TopicConfigurations": [
            {
                "TopicArn": names["update_topic"],
                "Events": ["s3:ObjectCreated:*"],
                "Filter": {"Key": {"FilterRules": [{"Name": "suffix", "Value": ".zip"}]}},
            }
        ]
    },
)

target = functions.get_alias(FunctionName="sigcache-endpoint", Name="live")["AliasArn"]
for name, arn in [("sync", target), ("probe", update)]:
    scheduler.create_schedule(
        Name=f"sigcache-{name}",
        ScheduleExpression="rate(1 hour)",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={"Arn": arn, "RoleArn": role, "Input": json.dumps({"sigcache": name})},
    )
cloudwatch.put_metric_alarm(
    AlarmName="sigcache-runs-missing",
    AlarmActions=[names["alarm_topic"]],
    ComparisonOperator="LessThanThreshold",
    EvaluationPeriods=1,
    MetricName="Runs",
    Namespace="Sigcache",
    Period=3600,
    Statistic="Sum",
    Threshold=1.0,
)
print(json.dumps(names))
