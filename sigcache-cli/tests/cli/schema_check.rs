//! Any JSON held against docs/output.schema.json.

use std::{collections::BTreeMap, sync::LazyLock};

use jsonschema::Validator;
use serde_json::{Value, json};

/// By the name of the definition.
pub static VALIDATORS: LazyLock<BTreeMap<String, Validator>> = LazyLock::new(|| {
    let text = include_str!("../../../docs/output.schema.json");
    let schema: Value = serde_json::from_str(text).unwrap();
    let compile = |name: &String| {
        let one = json!({ "$schema": schema["$schema"], "$defs": schema["$defs"], "$ref": format!("#/$defs/{name}") });
        (name.clone(), jsonschema::validator_for(&one).unwrap())
    };
    schema["$defs"].as_object().unwrap().keys().map(compile).collect()
});

/// Fails with everything in `value` that is not as the `definition` says.
#[track_caller]
pub fn check(definition: &str, value: &Value) {
    let errors: Vec<String> = VALIDATORS[definition]
        .iter_errors(value)
        .map(|error| format!("{} at {}", error, error.instance_path()))
        .collect();
    assert!(errors.is_empty(), "not a {definition}:\n{}\n{value:#}", errors.join("\n"));
}
