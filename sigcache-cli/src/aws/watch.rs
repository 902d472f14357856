//! What keeps everything going, and what tells where it does not.

use std::collections::BTreeMap;

use http::Method;
use serde_json::{Value, json};
use sigcache_core::aws::{Action, Call};

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
        findings.add(Link::Schedules, name, schedule(outside, name, &alias).await);
    }
    if chain.schedules.is_empty() {
        findings.add(Link::Schedules, "", Ok("there is none".to_owned()));
    }
    match &chain.probe_schedule {
        Some(name) => {
            let update = chain.function_arn(&chain.update_function);
            findings.add(Link::ProbeSchedule, name, schedule(outside, name, &update).await);
        }
        None => findings.add(Link::ProbeSchedule, "", Ok("there is none".to_owned())),
    }
    for queue in &chain.dead_letter_queues {
        let name = queue.rsplit('/').next().unwrap_or_default();
        findings.add(Link::DeadLetters, name, dead_letters(outside, queue).await);
    }
    for names in chain.alarms.chunks(ALARMS_AT_ONCE) {
        alarms(findings, outside, names).await;
    }
}

/// It is enabled and calls the target, whichever version of it.
async fn schedule(outside: &Outside, name: &str, target: &str) -> Held {
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
    Ok(text(&answer["ScheduleExpression"]))
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
    let found: BTreeMap<String, String> =
        alarms.filter_map(|alarm| Some((alarm.text("AlarmName")?, alarm.text("StateValue")?))).collect();
    for name in names {
        findings.add(Link::Alarms, name, alarm(found.get(name).map(String::as_str)));
    }
}

fn alarm(state: Option<&str>) -> Held {
    match state {
        None => Err(Unfit::new("an alarm", "no such alarm", APPLY)),
        Some("ALARM") => {
            let advice = "look up this alarm in infra/README.md: there is what it means and what to do";
            Err(Unfit::new("an alarm that is silent", "ALARM", advice))
        }
        Some("INSUFFICIENT_DATA") => Ok("it has not seen enough yet".to_owned()),
        Some(_) => Ok(String::new()),
    }
}
