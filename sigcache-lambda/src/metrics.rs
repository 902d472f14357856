//! Metrics for CloudWatch, as lines of the log (embedded metric format): no call, no permission.

use std::io::Write as _;

use serde_json::{Map, Value, json};
use sigcache_core::Timestamp;

/// A line with `numbers`, each a metric of its own: name, unit, value. `words` stand beside them to be searched for.
pub(crate) fn line(
    namespace: &str,
    function: &str,
    now: Timestamp,
    numbers: &[(&str, &str, f64)],
    words: &[(&str, String)],
) -> String {
    let metrics: Vec<Value> = numbers.iter().map(|(name, unit, _)| json!({"Name": name, "Unit": unit})).collect();
    let mut fields = Map::new();
    let directive = json!({"Namespace": namespace, "Dimensions": [["Function"]], "Metrics": metrics});
    fields.insert("_aws".into(), json!({"Timestamp": now.as_millis(), "CloudWatchMetrics": [directive]}));
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
        let line = line("Sigcache", "f", now, &numbers, &[("run", "r1".to_owned())]);
        assert!(!line.contains('\n'));
        let value: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(value["_aws"]["Timestamp"], 1_795_521_600_123_i64);
        let directive = &value["_aws"]["CloudWatchMetrics"][0];
        assert_eq!(directive["Namespace"], "Sigcache");
        assert_eq!(directive["Dimensions"], json!([["Function"]]));
        assert_eq!(directive["Metrics"][1], json!({"Name": "OldestAgeSeconds", "Unit": "Seconds"}));
        assert_eq!((&value["Function"], &value["Fresh"], &value["run"]), (&json!("f"), &json!(3.0), &json!("r1")));
    }
}
