//! `sigcache doctor --aws`

use std::path::Path;

use serde::Serialize;
use sigcache_core::Timestamp;

use crate::{
    app,
    args::{ChainArgs, Common},
    aws::{self, Deployed, First, Outside, Row},
    fault::{Ending, Fault},
    output,
};

#[derive(Serialize)]
struct Diagnosis<'a> {
    at: Timestamp,
    whole: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    first_broken: Option<First<'a>>,
    links: &'a [Row],
}

pub(crate) async fn run(common: &Common, chain: &Path, args: &ChainArgs) -> Result<Ending, Fault> {
    let outside = Outside::new(Deployed::read(chain)?)?;
    let mut findings = aws::check(&outside, aws::Empty::IsNot).await;
    if !common.json {
        findings.print(common)?;
    }
    if args.probe {
        aws::probe(&mut findings, &outside, args.timeout).await?;
        if let Some(row) = findings.rows.last().filter(|_| !common.json) {
            row.print(common)?;
        }
    }
    let first_broken = findings.first_broken();
    let ending = if first_broken.is_none() { Ending::Good } else { Ending::NotGood };
    if common.json {
        let (at, links) = (app::now(common), &*findings.rows);
        output::json(&Diagnosis { at, whole: first_broken.is_none(), first_broken, links })?;
    } else if !common.quiet || ending != Ending::Good {
        output::line(&findings.sentence())?;
    }
    Ok(ending)
}
