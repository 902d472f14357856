//! From the upload bucket over the topic to the update function.

use http::Method;
use sigcache_core::aws::{Action, Call, Node};

use super::{
    Findings, Link, Outside,
    findings::{Held, Unfit, there},
    policy::{self, Request},
};

const APPLY: &str = "put it back as Terraform made it: `terraform apply`";

pub(super) async fn check(findings: &mut Findings, outside: &Outside) {
    let chain = &outside.deployed;
    let (topic, function) = (&chain.update_topic, &chain.update_function);
    findings.add(Link::Notification, &chain.upload_bucket, notification(outside).await);
    let attributes = self::topic(outside).await;
    let (there, policy, subscription) = match attributes {
        Ok(attributes) => (Ok(String::new()), topic_policy(outside, &attributes), subscription(outside).await),
        Err(unfit @ Unfit::Broken(_)) => (Err(unfit), Err(Unfit::after(Link::Topic)), Err(Unfit::after(Link::Topic))),
        Err(Unfit::Unknown(because)) => {
            (Err(Unfit::Unknown(because.clone())), Err(Unfit::Unknown(because)), subscription(outside).await)
        }
    };
    findings.add(Link::Topic, topic, there);
    findings.add(Link::TopicPolicy, topic, policy);
    findings.add(Link::Subscription, topic, subscription);
    findings.add(Link::InvokePermission, function, invoke_permission(outside).await);
}

/// The bucket tells the topic of each new `.zip`, and of nothing else.
async fn notification(outside: &Outside) -> Held {
    let chain = &outside.deployed;
    let path = format!("/{}?notification", Call::encoded(&chain.upload_bucket));
    let answer = outside.xml(&Call::rest(Action::GetBucketNotification, Method::GET, path)).await;
    let expected = format!("a notification of s3:ObjectCreated:* with the suffix .zip to {}", chain.update_topic);
    let broken = |found: String| Err(Unfit::new(&*expected, found, APPLY));
    let Some(answer) = there(answer)? else { return broken("no such bucket".to_owned()) };
    let told = answer.all("TopicConfiguration");
    let Some(ours) = told.iter().find(|one| one.text("Topic").as_deref() == Some(&*chain.update_topic)) else {
        let others: Vec<String> = told.iter().filter_map(|one| one.text("Topic")).collect();
        return broken(match others.is_empty() {
            true => "no notification to a topic".to_owned(),
            false => format!("a notification to {}", others.join(", ")),
        });
    };
    let events: Vec<&str> = ours.all("Event").iter().map(|event| event.text.trim()).collect();
    let all_ways = ["s3:ObjectCreated:Put", "s3:ObjectCreated:CompleteMultipartUpload"];
    if !events.contains(&"s3:ObjectCreated:*") && !all_ways.iter().all(|way| events.contains(way)) {
        return broken(format!("one of {}", events.join(", ")));
    }
    let rule = |name: &str| {
        let rules = ours.all("FilterRule");
        let rule = rules.iter().find(|rule| rule.text("Name").is_some_and(|text| text.eq_ignore_ascii_case(name)));
        rule.and_then(|rule| rule.text("Value")).unwrap_or_default()
    };
    match (rule("suffix").as_str(), rule("prefix").as_str()) {
        (".zip", "") => Ok(String::new()),
        (suffix, "") => broken(format!("the suffix {suffix:?}")),
        (_, prefix) => broken(format!("one only below the prefix {prefix:?}")),
    }
}

/// The topic's attributes.
async fn topic(outside: &Outside) -> Result<Node, Unfit> {
    let fields = [("TopicArn", outside.deployed.update_topic.as_str())];
    let answer = there(outside.xml(&Call::form(Action::GetTopicAttributes, "2010-03-31", &fields)).await)?;
    answer.ok_or_else(|| Unfit::new("a topic", "no such topic", APPLY))
}

/// S3 may publish to it, for that bucket.
fn topic_policy(outside: &Outside, attributes: &Node) -> Held {
    let chain = &outside.deployed;
    let entries = attributes.all("entry");
    let policy = entries.iter().find(|entry| entry.text("key").as_deref() == Some("Policy"));
    let policy = policy.and_then(|entry| entry.text("value")).unwrap_or_default();
    let bucket = chain.upload_bucket_arn();
    let request = Request {
        service: "s3.amazonaws.com",
        action: "sns:Publish",
        resource: &chain.update_topic,
        source: &bucket,
        account: chain.account(),
    };
    permitted(&policy, &request, &format!("a policy that lets s3.amazonaws.com publish for {bucket}"))
}

fn permitted(policy: &str, request: &Request<'_>, expected: &str) -> Held {
    let found = match policy::allows(policy, request) {
        Ok(true) => return Ok(String::new()),
        Ok(false) => format!("one that does not: {policy}"),
        Err(_) if policy.is_empty() => "no policy".to_owned(),
        Err(found) => found,
    };
    Err(Unfit::new(expected, found, APPLY))
}

/// The update function gets what is published.
async fn subscription(outside: &Outside) -> Held {
    let chain = &outside.deployed;
    let function = chain.function_arn(&chain.update_function);
    let expected = format!("a subscription of {function}");
    let (mut found, mut next) = (Vec::new(), None);
    loop {
        let mut fields = vec![("TopicArn", chain.update_topic.as_str())];
        fields.extend(next.as_deref().map(|token| ("NextToken", token)));
        let answer = outside.xml(&Call::form(Action::ListSubscriptionsByTopic, "2010-03-31", &fields)).await;
        let Some(answer) = there(answer)? else { return Err(Unfit::new(expected, "no such topic", APPLY)) };
        for member in answer.all("member") {
            let endpoint = member.text("Endpoint").unwrap_or_default();
            if endpoint == function || endpoint.starts_with(&format!("{function}:")) {
                return Ok(String::new());
            }
            found.push(endpoint);
        }
        next = answer.text("NextToken").filter(|token| !token.is_empty());
        if next.is_none() {
            break;
        }
    }
    let found = if found.is_empty() { "no subscription".to_owned() } else { format!("those of {}", found.join(", ")) };
    Err(Unfit::new(expected, found, APPLY))
}

/// The function lets the topic invoke it.
async fn invoke_permission(outside: &Outside) -> Held {
    let chain = &outside.deployed;
    let path = format!("/2015-03-31/functions/{}/policy", Call::encoded(&chain.update_function));
    let answer = there(outside.json(&Call::rest(Action::GetPolicy, Method::GET, path)).await)?;
    if answer.is_none() && matches!(there(outside.function(&chain.update_function, None).await), Ok(None)) {
        return Err(Unfit::Unknown("there is no such function".to_owned()));
    }
    let policy = answer.as_ref().and_then(|answer| answer["Policy"].as_str()).unwrap_or_default();
    let function = chain.function_arn(&chain.update_function);
    let request = Request {
        service: "sns.amazonaws.com",
        action: "lambda:InvokeFunction",
        resource: &function,
        source: &chain.update_topic,
        account: chain.account(),
    };
    permitted(policy, &request, &format!("a policy that lets sns.amazonaws.com invoke it for {}", chain.update_topic))
}
