//! What a policy of a topic or a function says about one caller.

use serde_json::Value;

/// What somebody wants to do.
pub(super) struct Request<'a> {
    /// The service that does it, such as `sns.amazonaws.com`.
    pub(super) service: &'a str,
    pub(super) action: &'a str,
    pub(super) resource: &'a str,
    /// On behalf of what.
    pub(super) source: &'a str,
    /// On behalf of whom.
    pub(super) account: &'a str,
}

/// Whether the policy allows it. A condition that is not understood is taken to hold in what allows, and not to hold in
/// what denies: what is told as broken shall be.
pub(super) fn allows(policy: &str, request: &Request<'_>) -> Result<bool, String> {
    let policy: Value = serde_json::from_str(policy).map_err(|error| format!("a policy that is not JSON: {error}"))?;
    let statements = many(policy.get("Statement"));
    let applies = |effect: &str| statements.iter().any(|one| one["Effect"] == effect && covers(one, request, effect));
    Ok(applies("Allow") && !applies("Deny"))
}

fn covers(statement: &Value, request: &Request<'_>, effect: &str) -> bool {
    let principal = &statement["Principal"];
    let is_principal = principal == "*"
        || texts(principal.get("AWS")).any(|one| one == "*")
        || texts(principal.get("Service")).any(|one| one == request.service);
    let (action, resource) = (request.action.to_ascii_lowercase(), statement.get("Resource"));
    is_principal
        && texts(statement.get("Action")).any(|one| matches(&one.to_ascii_lowercase(), &action))
        && (resource.is_none() || texts(resource).any(|one| matches(one, request.resource)))
        && conditions(statement, request).all(|holds| holds.unwrap_or(effect == "Allow"))
}

/// Whether each of the conditions holds, where that can be told.
fn conditions(statement: &Value, request: &Request<'_>) -> impl Iterator<Item = Option<bool>> {
    let operators = statement.get("Condition").and_then(Value::as_object).into_iter().flatten();
    operators.flat_map(move |(operator, keys)| {
        let operator = operator.to_ascii_lowercase();
        let keys = keys.as_object().into_iter().flatten();
        keys.map(move |(key, wanted)| {
            let found = match key.to_ascii_lowercase().as_str() {
                "aws:sourcearn" => request.source,
                "aws:sourceaccount" => request.account,
                _ => return None,
            };
            match operator.trim_end_matches("ifexists") {
                "stringequals" => Some(texts(Some(wanted)).any(|one| one == found)),
                "arnequals" | "arnlike" | "stringlike" => Some(texts(Some(wanted)).any(|one| matches(one, found))),
                "stringnotequals" => Some(texts(Some(wanted)).all(|one| one != found)),
                "arnnotequals" | "arnnotlike" | "stringnotlike" => {
                    Some(texts(Some(wanted)).all(|one| !matches(one, found)))
                }
                _ => None,
            }
        })
    })
}

/// One, or a list.
fn many(value: Option<&Value>) -> Vec<&Value> {
    match value {
        Some(Value::Array(list)) => list.iter().collect(),
        Some(one) => vec![one],
        None => Vec::new(),
    }
}

fn texts(value: Option<&Value>) -> impl Iterator<Item = &str> {
    many(value).into_iter().filter_map(Value::as_str)
}

/// With `*` for any letters and `?` for one.
fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut p, mut t) = (0, 0);
    // Where the last star was, and up to where it reaches.
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(c) if *c == b'?' || *c == text[t] => (p, t) = (p + 1, t + 1),
            _ => match star {
                Some((at, reach)) => {
                    star = Some((at, reach + 1));
                    (p, t) = (at + 1, reach + 1);
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == b'*')
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const REQUEST: Request<'_> = Request {
        service: "s3.amazonaws.com",
        action: "sns:Publish",
        resource: "arn:aws:sns:eu-west-2:1:t",
        source: "arn:aws:s3:::uploads",
        account: "1",
    };

    fn with(effect: &str, changes: &Value) -> Value {
        let mut statement = json!({
            "Effect": effect, "Principal": {"Service": "s3.amazonaws.com"}, "Action": "sns:Publish",
            "Resource": "arn:aws:sns:eu-west-2:1:t",
            "Condition": {"ArnEquals": {"aws:SourceArn": "arn:aws:s3:::uploads"}, "StringEquals": {"aws:SourceAccount": "1"}},
        });
        for (name, value) in changes.as_object().unwrap() {
            statement[name] = value.clone();
        }
        statement
    }

    fn allowed(statements: &[Value]) -> bool {
        allows(&json!({ "Statement": statements }).to_string(), &REQUEST).unwrap()
    }

    #[test]
    fn what_lets_s3_publish() {
        for good in [
            json!({}),
            json!({"Principal": "*"}),
            json!({"Principal": {"AWS": "*"}}),
            json!({"Principal": {"Service": ["x", "s3.amazonaws.com"]}}),
            json!({"Action": ["SNS:Subscribe", "SNS:*"]}),
            json!({"Resource": "arn:aws:sns:*:t"}),
            json!({"Condition": {"ArnLike": {"AWS:SourceArn": ["x", "arn:aws:s3:::up*ads"]}}}),
            json!({"Condition": {"StringLikeIfExists": {"aws:SourceArn": "arn:aws:s3:*:*:upload?"}}}),
            json!({"Condition": {"Bool": {"aws:SecureTransport": "true"}}}),
        ] {
            assert!(allowed(&[with("Allow", &good)]), "{good}");
        }
        for bad in [
            json!({"Effect": "Deny"}),
            json!({"Principal": {"Service": "sqs.amazonaws.com"}}),
            json!({"Principal": {"AWS": "arn:aws:iam::1:root"}}),
            json!({"Action": "sns:Subscribe"}),
            json!({"Resource": "arn:aws:sns:eu-west-2:1:other"}),
            json!({"Condition": {"ArnEquals": {"aws:SourceArn": "arn:aws:s3:::other"}}}),
            json!({"Condition": {"StringEquals": {"aws:SourceArn": "arn:aws:s3:::*"}}}),
            json!({"Condition": {"StringEquals": {"aws:SourceAccount": "2"}}}),
            json!({"Condition": {"ArnNotLike": {"aws:SourceArn": "arn:aws:s3:::uploads"}}}),
        ] {
            assert!(!allowed(&[with("Allow", &bad)]), "{bad}");
        }
        assert!(!allowed(&[]));
        // What denies counts more, where it is meant; that calls must be encrypted is told of all of them.
        assert!(!allowed(&[with("Allow", &json!({})), with("Deny", &json!({}))]));
        let plain = json!({"Principal": "*", "Condition": {"Bool": {"aws:SecureTransport": "false"}}});
        assert!(allowed(&[with("Allow", &json!({})), with("Deny", &plain)]));
        assert!(allows("{", &REQUEST).is_err());
    }
}
