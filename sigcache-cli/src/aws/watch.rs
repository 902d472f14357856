//! What keeps everything going, and what tells where it does not.

use std::collections::BTreeMap;

use http::Method;
use serde_json::{Value, json};
use sigcache_core::{
    aws::{Action, Call, Node},
    store::Shard,
};

use super::{
    Findings, Link, Outside,
    findings::{Held, Unfit, there},
};

const APPLY: &str = "put it back as Terraform made it: `terraform apply`";

/// So many alarms are told of in one call.
const ALARMS_AT_ONCE: usize = 100;

pub(super) async fn check(findings: &mut Findings, outside: &Outside) {
    let chain = &outside.deployed;
    let alias = chain.alias_arn();
    for name in &chain.schedules {
        let held = schedule(outside, name, &alias, |asked| syncs(asked, chain.schedules.len())).await;
        findings.add(Link::Schedules, name, held);
    }
    if chain.schedules.is_empty() {
        findings.add(Link::Schedules, "", Ok("there is none".to_owned()));
    }
    match &chain.probe_schedule {
        Some(name) => {
            let update = chain.function_arn(&chain.update_function);
            let probes = |asked: &Value| asked["sigcache"] == "probe";
            findings.add(Link::ProbeSchedule, name, schedule(outside, name, &update, probes).await);
        }
        None => findings.add(Link::ProbeSchedule, "", Ok("there is none".to_owned())),
    }
    for queue in &chain.dead_letter_queues {
        let name = queue.rsplit('/').next().unwrap_or_default();
        findings.add(Link::DeadLetters, name, dead_letters(outside, queue).await);
    }
    if !chain.alarms.is_empty() {
        findings.add(Link::Alarms, &chain.alarm_topic, told(outside).await);
    }
    for names in chain.alarms.chunks(ALARMS_AT_ONCE) {
        alarms(findings, outside, names).await;
    }
}

/// Whether it asks for a run in a store of so many shards, of which each has a schedule.
fn syncs(asked: &Value, shards: usize) -> bool {
    let shard = asked.get("shard").and_then(Value::as_str);
    let count = shard.map(|text| text.parse::<Shard>().ok().map_or(0, |shard| shard.count() as usize));
    asked["sigcache"] == "sync" && count.unwrap_or(1) == shards
}

/// It is enabled, calls the target, whichever version of it, and asks for the right thing.
async fn schedule(outside: &Outside, name: &str, target: &str, is_asked: impl Fn(&Value) -> bool) -> Held {
    let group = Call::encoded(&outside.deployed.schedule_group);
    let path = format!("/schedules/{}?groupName={group}", Call::encoded(name));
    let answer = there(outside.json(&Call::rest(Action::GetSchedule, Method::GET, path)).await)?;
    let answer = answer.ok_or_else(|| Unfit::new("a schedule", "no such schedule", APPLY))?;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let (state, found) = (text(&answer["State"]), text(&answer["Target"]["Arn"]));
    if state != "ENABLED" {
        return Err(Unfit::new("a schedule that is ENABLED", state, APPLY));
    }
    if found != target {
        return Err(Unfit::new(format!("a schedule that calls {target}"), found, APPLY));
    }
    let input = text(&answer["Target"]["Input"]);
    if !serde_json::from_str(&input).is_ok_and(|asked| is_asked(&asked)) {
        return Err(Unfit::new("a schedule that asks for what it is there for", format!("the input {input}"), APPLY));
    }
    Ok(text(&answer["ScheduleExpression"]))
}

/// Somebody hears of alarms.
async fn told(outside: &Outside) -> Held {
    let fields = [("TopicArn", outside.deployed.alarm_topic.as_str())];
    let answer = there(outside.xml(&Call::form(Action::ListSubscriptionsByTopic, "2010-03-31", &fields)).await)?;
    let answer = answer.ok_or_else(|| Unfit::new("a topic", "no such topic", APPLY))?;
    let members = answer.all("member");
    let states = members.iter().filter_map(|one| one.text("SubscriptionArn"));
    let (confirmed, waiting): (Vec<String>, Vec<String>) = states.partition(|arn| arn.starts_with("arn:"));
    match (confirmed.len(), waiting.len()) {
        (0, 0) => {
            let advice = "subscribe somebody: `emails` in Terraform, or the topic's own page in the console";
            Err(Unfit::new("somebody who is subscribed to the alarms", "nobody", advice))
        }
        (0, some) => {
            let advice = "confirm it by the link in that e-mail";
            Err(Unfit::new("somebody who has confirmed", format!("{some} that have not"), advice))
        }
        (some, _) => Ok(format!("{some} subscribed")),
    }
}

/// Nothing was given up.
async fn dead_letters(outside: &Outside, queue: &str) -> Held {
    let names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"];
    let body = json!({ "QueueUrl": queue, "AttributeNames": names });
    let answer = there(outside.json(&Call::json(Action::GetQueueAttributes, "AmazonSQS", "1.0", &body)).await)?;
    let answer = answer.ok_or_else(|| Unfit::new("a queue", "no such queue", APPLY))?;
    let number = |name: &str| answer["Attributes"][name].as_str().and_then(|text| text.parse::<u64>().ok());
    match names.iter().filter_map(|name| number(name)).sum::<u64>() {
        0 => Ok(String::new()),
        some => {
            let advice = "read them: each says what was to be done and why it was not; mend that, and purge the queue";
            Err(Unfit::new("no messages", format!("{some}"), advice))
        }
    }
}

/// They are there and silent.
async fn alarms(findings: &mut Findings, outside: &Outside, names: &[String]) {
    let members: Vec<String> = (1..=names.len()).map(|number| format!("AlarmNames.member.{number}")).collect();
    let mut fields: Vec<(&str, &str)> =
        members.iter().map(String::as_str).zip(names.iter().map(String::as_str)).collect();
    fields.extend([("AlarmTypes.member.1", "MetricAlarm"), ("AlarmTypes.member.2", "CompositeAlarm")]);
    fields.push(("MaxRecords", "100"));
    let answer = match outside.xml(&Call::form(Action::DescribeAlarms, "2010-08-01", &fields)).await {
        Ok(answer) => answer,
        Err(error) => return findings.add(Link::Alarms, "", Err(error.into())),
    };
    let lists = [answer.all("MetricAlarms"), answer.all("CompositeAlarms")].concat();
    let alarms = lists.iter().flat_map(|list| &list.children);
    let found: BTreeMap<String, &Node> = alarms.filter_map(|alarm| Some((alarm.text("AlarmName")?, alarm))).collect();
    for name in names {
        let alarm = found.get(name).ok_or_else(|| Unfit::new("an alarm", "no such alarm", APPLY));
        findings.add(Link::Alarms, name, alarm.and_then(|alarm| silent(alarm)));
    }
}

/// It has nothing to tell, and would tell it.
fn silent(alarm: &Node) -> Held {
    let state = alarm.text("StateValue");
    let tells = alarm.all("AlarmActions").iter().any(|actions| !actions.children.is_empty());
    match state.as_deref() {
        Some("ALARM") => {
            let advice = "look up this alarm in infra/README.md: there is what it means and what to do";
            Err(Unfit::new("an alarm that is silent", "ALARM", advice))
        }
        _ if alarm.text("ActionsEnabled").is_some_and(|text| text == "false") || !tells => {
            Err(Unfit::new("an alarm that tells somebody", "one whose actions are switched off", APPLY))
        }
        Some("INSUFFICIENT_DATA") => Ok("it has not seen enough yet".to_owned()),
        _ => Ok(String::new()),
    }
}
