//! Who asks, and where.

use std::time::Duration;

use anyhow::anyhow;
use sigcache_core::aws::{Action, AwsError, Call, Node};
use tokio::time::error::Elapsed;

use super::{
    Deployed, Outside,
    findings::{Held, Unfit},
};
use crate::fault::Fault;

/// Where nothing else has credentials the metadata of a machine is asked for some, for minutes where there is none.
const PATIENCE: Duration = Duration::from_secs(20);

pub(super) fn region(chain: &Deployed) -> Held {
    let (expected, found) = (&chain.region, chain.topic_region());
    if found == expected && !chain.account().is_empty() {
        return Ok(String::new());
    }
    let found = format!("the topic {}", chain.update_topic);
    Err(Unfit::new(
        format!("a topic of SNS in {expected}"),
        found,
        "write the chain anew: `terraform output -json chain`",
    ))
}

const ADVICE: &str = "set AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN, as `aws configure \
                      export-credentials --format env` prints them, or run this where a role is given to it";

/// Who AWS says is asking, or that nobody said it in time.
async fn caller(outside: &Outside) -> Result<Result<Node, AwsError>, Elapsed> {
    let call = Call::form(Action::GetCallerIdentity, "2011-06-15", &[]);
    tokio::time::timeout(PATIENCE, outside.xml(&call)).await
}

/// Fails where there are no credentials, or AWS does not know them: each later call would say so in its own words. Where the
/// service that knows is out of reach, the calls show it.
pub(crate) async fn known(outside: &Outside) -> Result<(), Fault> {
    let found = match caller(outside).await {
        Ok(Ok(_) | Err(AwsError::Unreachable { .. })) => return Ok(()),
        Ok(Err(error)) => error.to_string(),
        Err(_) => "none within 20 seconds".to_owned(),
    };
    Err(Fault { code: 3, error: anyhow!("AWS knows no credentials of yours: {found}; {ADVICE}") })
}

pub(super) async fn credentials(outside: &Outside) -> Held {
    const EXPECTED: &str = "credentials that AWS knows";
    let answer = match caller(outside).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(error @ AwsError::Unreachable { .. })) => {
            let advice = "look at the way to AWS, at AWS_ENDPOINT_URL, and whether there is such a region";
            return Err(Unfit::new("an answer of AWS", error.to_string(), advice));
        }
        Ok(Err(error)) => return Err(Unfit::new(EXPECTED, error.to_string(), ADVICE)),
        Err(_) => return Err(Unfit::new(EXPECTED, "none within 20 seconds", ADVICE)),
    };
    let (account, expected) = (answer.text("Account").unwrap_or_default(), outside.deployed.account());
    let who = answer.text("Arn").unwrap_or_default();
    if account != expected {
        let expected = format!("credentials of the account {expected}");
        return Err(Unfit::new(expected, who, "use credentials of the account that the chain is in"));
    }
    Ok(who)
}
