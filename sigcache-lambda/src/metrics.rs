//! Metrics for CloudWatch, as lines of the log (embedded metric format): no call, no permission.

use std::io::Write as _;

use serde_json::{Map, Value, json};
use sigcache_core::Timestamp;

/// A metric: its name, its unit, its value.
pub(crate) type Number<'n> = (&'n str, &'n str, f64);

/// A line with `numbers`. `words` stand beside them to be searched for. The numbers of `in_shard` are also told of that shard
/// alone.
pub(crate) fn line(
    namespace: &str,
    function: &str,
    now: Timestamp,
    numbers: &[Number<'_>],
    words: &[(&str, String)],
    in_shard: Option<(&str, &[&str])>,
) -> String {
    let described = |(name, unit, _): &Number<'_>| json!({"Name": name, "Unit": unit});
    let metrics: Vec<Value> = numbers.iter().map(described).collect();
    let mut fields = Map::new();
    let mut directives = vec![json!({"Namespace": namespace, "Dimensions": [["Function"]], "Metrics": metrics})];
    if let Some((shard, names)) = in_shard {
        let metrics: Vec<Value> = numbers.iter().filter(|(name, ..)| names.contains(name)).map(described).collect();
        directives.push(json!({"Namespace": namespace, "Dimensions": [["Function", "Shard"]], "Metrics": metrics}));
        fields.insert("Shard".into(), shard.into());
    }
    fields.insert("_aws".into(), json!({"Timestamp": now.as_millis(), "CloudWatchMetrics": directives}));
    fields.insert("Function".into(), function.into());
    fields.extend(numbers.iter().map(|(name, _, value)| ((*name).to_owned(), json!(value))));
    fields.extend(words.iter().map(|(name, word)| ((*name).to_owned(), Value::from(word.as_str()))));
    Value::Object(fields).to_string()
}

/// Writes a line where CloudWatch takes it from.
pub(crate) fn emit(line: &str) {
    let mut out = std::io::stdout().lock();
    // Where standard output is gone there is nobody to tell.
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_one_object_with_its_metrics() {
        let now = Timestamp::from_millis(1_795_521_600_123);
        let numbers = [("Fresh", "Count", 3.0), ("OldestAgeSeconds", "Seconds", 61.5)];
        let of_shard: (&str, &[&str]) = ("1/2", &["Fresh"]);
        let line = line("Sigcache", "f", now, &numbers, &[("run", "r1".to_owned())], Some(of_shard));
        assert!(!line.contains('\n'));
        let value: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(value["_aws"]["Timestamp"], 1_795_521_600_123_i64);
        let directive = &value["_aws"]["CloudWatchMetrics"][0];
        assert_eq!(directive["Namespace"], "Sigcache");
        assert_eq!(directive["Dimensions"], json!([["Function"]]));
        assert_eq!(directive["Metrics"][1], json!({"Name": "OldestAgeSeconds", "Unit": "Seconds"}));
        let of_shard = &value["_aws"]["CloudWatchMetrics"][1];
        assert_eq!((&of_shard["Dimensions"], &value["Shard"]), (&json!([["Function", "Shard"]]), &json!("1/2")));
        assert_eq!(of_shard["Metrics"], json!([{"Name": "Fresh", "Unit": "Count"}]));
        assert_eq!((&value["Function"], &value["Fresh"], &value["run"]), (&json!("f"), &json!(3.0), &json!("r1")));
    }
}
