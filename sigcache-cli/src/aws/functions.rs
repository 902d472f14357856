//! Both functions, and the alias.

use http::Method;
use serde_json::Value;
use sigcache_core::aws::{Action, Call};

use super::{
    Findings, Link, Outside,
    findings::{Held, Unfit, there},
};

pub(super) async fn check(findings: &mut Findings, outside: &Outside) {
    let chain = &outside.deployed;
    let (update, endpoint) = (&chain.update_function, &chain.endpoint_function);
    let settings = [
        ("SIGCACHE_FUNCTION", endpoint.clone()),
        ("SIGCACHE_ALIAS", chain.alias.clone()),
        ("SIGCACHE_UPLOADS", format!("s3://{}", chain.upload_bucket)),
        ("SIGCACHE_RELEASES", format!("s3://{}", chain.release_bucket)),
    ];
    findings.add(Link::UpdateFunction, update, function(outside, update, &settings).await);
    findings.add(Link::Concurrency, update, concurrency(outside, update).await);
    findings.add(Link::Concurrency, endpoint, concurrency(outside, endpoint).await);
    findings.add(Link::EndpointFunction, endpoint, function(outside, endpoint, &[]).await);
    findings.add(Link::Alias, &format!("{endpoint}:{}", chain.alias), alias(outside).await);
}

const APPLY: &str = "put it back as Terraform made it: `terraform apply`";

/// It is there, can run, took its last change, and works with this chain.
async fn function(outside: &Outside, function: &str, settings: &[(&str, String)]) -> Held {
    let state = there(outside.function(function, None).await)?;
    let state = state.ok_or_else(|| Unfit::new("a function", "no such function", APPLY))?;
    able(&state)?;
    if let Some(status @ ("Failed" | "InProgress")) = state["LastUpdateStatus"].as_str() {
        let reason = state["LastUpdateStatusReason"].as_str().unwrap_or("no reason is told");
        let advice = "look at the reason in the console of Lambda; one that is in progress ends within minutes";
        return Err(Unfit::new("a last change that was successful", format!("{status}: {reason}"), advice));
    }
    // Whoever may not decrypt the variables is told of none.
    let Some(variables) = state["Environment"]["Variables"].as_object() else { return Ok(String::new()) };
    for (name, value) in settings {
        let found = variables.get(*name).and_then(Value::as_str).unwrap_or_default();
        if found.trim_end_matches('/') != value {
            return Err(Unfit::new(format!("{name} = {value}"), format!("{found:?}"), APPLY));
        }
    }
    Ok(String::new())
}

/// A function that nobody has called for weeks is inactive, until the next call wakes it.
fn able(state: &Value) -> Result<(), Unfit> {
    match state["State"].as_str() {
        None | Some("Active" | "Inactive") => Ok(()),
        Some(other) => {
            let reason = state["StateReason"].as_str().unwrap_or("no reason is told");
            let advice = "look at the reason in the console of Lambda: most often its role, its network or its key";
            Err(Unfit::new("the state Active", format!("{other}: {reason}"), advice))
        }
    }
}

/// It may run at all.
async fn concurrency(outside: &Outside, function: &str) -> Held {
    let path = format!("/2019-09-30/functions/{}/concurrency", Call::encoded(function));
    let answer = there(outside.json(&Call::rest(Action::GetFunctionConcurrency, Method::GET, path)).await)?;
    let answer = answer.ok_or_else(|| Unfit::Unknown("there is no such function".to_owned()))?;
    match answer["ReservedConcurrentExecutions"].as_u64() {
        Some(0) => {
            let advice = "give it back what it may run, in the console of Lambda or with `terraform apply`; with 0 it is switched off";
            Err(Unfit::new("at least 1 reserved concurrent execution, or none reserved", "0", advice))
        }
        Some(number) => Ok(format!("{number} reserved")),
        None => Ok(String::new()),
    }
}

/// It is there, and the version that it stands for can run.
async fn alias(outside: &Outside) -> Held {
    let chain = &outside.deployed;
    let (function, alias) = (Call::encoded(&chain.endpoint_function), Call::encoded(&chain.alias));
    let path = format!("/2015-03-31/functions/{function}/aliases/{alias}");
    let answer = there(outside.json(&Call::rest(Action::GetAlias, Method::GET, path)).await)?;
    let answer = answer.ok_or_else(|| Unfit::new("an alias", "no such alias", APPLY))?;
    let version = answer["FunctionVersion"].as_str().unwrap_or_default().to_owned();
    let state = there(outside.function(&chain.endpoint_function, Some(&version)).await)?;
    let state = state.ok_or_else(|| {
        let advice = "deploy a release, or point the alias at a version that is there";
        Unfit::new("an alias of a version that is there", format!("version {version}, which is not there"), advice)
    })?;
    able(&state)?;
    let weights = answer["RoutingConfig"]["AdditionalVersionWeights"].as_object();
    let shared = weights.and_then(|weights| weights.iter().next());
    let shared = shared.map_or(String::new(), |(other, part)| format!(", and version {other} for {part} of the calls"));
    Ok(format!("version {version}{shared}"))
}
