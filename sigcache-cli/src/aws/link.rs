//! The links, in the order in which a release passes them on its way into service, and then what watches over them.

use crate::links::links;

links! {
    Region = "region" asks "Is everything in the region that the chain names?",
    Credentials = "credentials" asks "Are there credentials, does AWS know them, and are they of this account?",
    Notification = "notification" asks "Does the upload bucket tell the topic of each new `.zip`?",
    Topic = "topic" asks "Is the topic there?",
    TopicPolicy = "topic-policy" asks "Does the topic let S3 publish for the upload bucket?",
    Subscription = "subscription" asks "Is the update function subscribed to the topic?",
    InvokePermission = "invoke-permission" asks "Does the update function let the topic invoke it?",
    UpdateFunction = "update-function" asks "Is the update function there and able to run, was its last change successful, and does it work with this chain?",
    Concurrency = "concurrency" asks "May at least one invocation of each function run at a time?",
    EndpointFunction = "endpoint-function" asks "Is the endpoint function there and able to run, and was its last change successful?",
    Alias = "alias" asks "Is the alias there, and is the version active that it stands for?",
    Schedules = "schedules" asks "Is each schedule there and enabled, and does it ask the alias for a run?",
    ProbeSchedule = "probe-schedule" asks "Is the schedule of the probe there and enabled, and does it ask the update function for one?",
    DeadLetters = "dead-letters" asks "Are the queues of what was given up there, and empty?",
    Alarms = "alarms" asks "Is each alarm there and silent, and would it tell somebody?",
    LastUpdate = "last-update" asks "Did the last update in the log end well?",
    Probe = "probe" asks "With `--probe`: does the release that is in service come through once more?",
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_and_the_schema_have_exactly_these_links() {
        let rows: Vec<(String, String)> = include_str!("../../../docs/doctor.md")
            .lines()
            .skip_while(|line| *line != "## The chain on AWS")
            .filter_map(|line| {
                let cells: Vec<&str> = line.strip_prefix("| `")?.split(" | ").collect();
                assert_eq!(cells.len(), 4, "link, question, meaning, what to do: {line}");
                Some((cells[0].trim_end_matches('`').to_owned(), cells[1].to_owned()))
            })
            .collect();
        let links: Vec<(String, String)> =
            Link::ALL.iter().map(|link| (link.as_str().to_owned(), link.asks().to_owned())).collect();
        assert_eq!(rows, links);
        let schema: serde_json::Value =
            serde_json::from_str(include_str!("../../../docs/output.schema.json")).unwrap_or_default();
        let words: Vec<&str> = Link::ALL.iter().map(|link| link.as_str()).collect();
        assert_eq!(schema["$defs"]["chain_link"]["enum"], serde_json::json!(words));
    }
}
