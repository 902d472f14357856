//! `sigcache deploy`

use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow};
use object_store::{Error as ObjectError, path::Path as Key};
use serde::Serialize;
use sigcache_core::{Digest, human_span, trust::PublicKey};
use sigcache_lambda::update::{PROBES, Record, Release, SIGNATURE_SUFFIX, Step};

use super::{private_key::PrivateKey, signature, verify::read_small};
use crate::{
    app,
    args::{Common, DeployArgs},
    aws::{self, Deployed, Findings, First, Followed, Follower, Outside, Row},
    fault::{Ending, Fault},
    output,
};

/// What Lambda takes from a bucket, unzipped.
const MAX_ARTIFACT_BYTES: u64 = 250 << 20;

#[derive(Serialize)]
struct Deployment<'a> {
    bucket: &'a str,
    key: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<&'a str>,
    digest: Digest,
    size: usize,
    /// Whether the alias stands for this artifact.
    good: bool,
    text: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    record: Option<&'a Record>,
    /// Of the chain, where there is no record.
    #[serde(skip_serializing_if = "Option::is_none")]
    first_broken: Option<First<'a>>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    links: &'a [Row],
}

pub(crate) async fn run(common: &Common, args: DeployArgs) -> Result<Ending, Fault> {
    let chain = Deployed::read(&args.chain)?;
    let key = object_key(&args, &chain)?;
    let release = sign(common, &args, &chain)?;
    let outside = Outside::new(chain)?;
    aws::check_credentials(&outside).await?;
    let chain = &outside.deployed;
    let follower = Follower::new(outside.log()?, &key).await.map_err(aws::unread)?;
    let deadline = Instant::now() + args.timeout;
    let told = |text: String| if common.json || common.quiet { Ok(()) } else { output::line(&text) };
    let sent = release.send(&outside.uploads()?, &key).await.map_err(|error| unsent(error, &chain.upload_bucket))?;
    let (digest, size) = (Digest::of(&release.artifact), release.artifact.len());
    let bucket = &chain.upload_bucket;
    told(format!("uploaded  s3://{bucket}/{key}{SIGNATURE_SUFFIX}"))?;
    told(format!("uploaded  s3://{bucket}/{key}  {size} bytes  {digest}"))?;
    let step = |step: &Step| match common.json || (common.quiet && step.passed) {
        true => Ok(()),
        false => output::line(&line(step)),
    };
    let followed = follower.follow(sent.version.as_deref(), deadline, step).await?;
    let (record, findings, text) = match followed {
        Followed::Ended(record) => {
            let text = record.text();
            (Some(record), Findings::default(), text)
        }
        Followed::UnderWay(record) => {
            let text = format!("{}; it has not ended within {}", record.text(), human_span(args.timeout));
            (Some(record), Findings::default(), text)
        }
        Followed::Nothing => {
            let findings = aws::check(&outside, aws::Empty::IsWhole).await;
            let text = no_event(chain, &key, args.timeout, &findings);
            (None, findings, text)
        }
    };
    let good = record.as_ref().is_some_and(|record| record.outcome.is_good());
    if common.json {
        output::json(&Deployment {
            bucket,
            key: &key,
            version: sent.version.as_deref(),
            digest,
            size,
            good,
            text: &text,
            record: record.as_deref(),
            first_broken: findings.first_broken(),
            links: &findings.rows,
        })?;
    } else {
        findings.print(common)?;
        if !good || !common.quiet {
            output::line(&text)?;
        }
    }
    Ok(if good { Ending::Good } else { Ending::NotGood })
}

/// What it is called in the upload bucket: the same each time, so that the events of several can be put in order.
fn object_key(args: &DeployArgs, chain: &Deployed) -> Result<String, Fault> {
    let key = args.name.clone().unwrap_or_else(|| format!("{}.zip", chain.endpoint_function));
    let fits = Key::parse(&key).is_ok() && key.len() > ".zip".len() && key.ends_with(".zip");
    if !fits || key.starts_with(PROBES) {
        return Err(Fault::usage(anyhow!(
            "{key:?} cannot be the name of an upload: the chain is told of names that end in .zip, and those below \
             {PROBES} are probes"
        )));
    }
    Ok(key)
}

/// The artifact with its signature, by a key that the update function will trust.
fn sign(common: &Common, args: &DeployArgs, chain: &Deployed) -> Result<Release, Fault> {
    let key = PrivateKey::read(&args.key)?;
    let public = signature::minisign_public(&key).map_err(Fault::usage)?;
    let public = PublicKey::parse(public.as_bytes()).map_err(Fault::usage)?;
    if !chain.release_fingerprints()?.contains(&public.fingerprint()) {
        let error = anyhow!(
            "{} is not the key of a release key of this chain ({}), so the update function would refuse what it signs; \
             nothing was uploaded. Release keys are set in Terraform (release_keys)",
            args.key.display(),
            args.chain.display()
        );
        return Err(Fault { code: 1, error });
    }
    let path = &args.artifact;
    let artifact = read_small(path, MAX_ARTIFACT_BYTES)?;
    aws::check_bundle(&artifact)
        .with_context(|| format!("{} cannot be deployed", path.display()))
        .map_err(Fault::usage)?;
    let signature = signature::minisign(&key, &*artifact, path, app::now(common));
    let signature = signature.with_context(|| format!("cannot sign {}", path.display())).map_err(Fault::usage)?;
    Ok(Release { artifact: artifact.into(), signature: signature.into() })
}

fn unsent(error: ObjectError, bucket: &str) -> Fault {
    let text = match aws::is_denied(&error) {
        true => format!("you lack the permission s3:PutObject on the bucket {bucket}, or your credentials are wrong"),
        false => format!("cannot upload to the bucket {bucket}"),
    };
    Fault { code: 3, error: anyhow::Error::new(error).context(text) }
}

/// A step of the update function, in a line.
fn line(step: &Step) -> String {
    let Step { link, found, .. } = step;
    if step.passed {
        return format!("ok        {link:15}  {found}");
    }
    let reason = step.reason.map_or("", |reason| reason.as_str());
    let expected = step.expected.as_ref().map_or(String::new(), |expected| format!("expected {expected}, "));
    format!("broken    {link:15}  {reason}  {expected}found {found}")
}

/// No record: something between the bucket and the function is broken, and what that is can be seen from outside.
fn no_event(chain: &Deployed, key: &str, time: Duration, findings: &Findings) -> String {
    let text = format!("the update function wrote down nothing about {key} within {}", human_span(time));
    let log = match findings.first_broken() {
        Some(_) => String::new(),
        None => format!(" Look at the log /aws/lambda/{}.", chain.update_function),
    };
    format!("{text}. {}{log}", findings.sentence())
}
