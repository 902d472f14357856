//! `sigcache explain`

use serde::Serialize;
use sigcache_core::{Decision, Entry, Name, Standing, explain::explain, judge};

use crate::{
    app::App,
    args::Common,
    fault::{Ending, Fault},
    output,
};

#[derive(Serialize)]
struct Explanation<'a> {
    resource: &'a Name,
    text: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    entry: Option<&'a Entry>,
    #[serde(skip_serializing_if = "Option::is_none")]
    decision: Option<Decision>,
}

pub(crate) async fn run(common: &Common, name: &Name) -> Result<Ending, Fault> {
    let (app, resource, catalog) = App::about(common, name).await?;
    let entry = catalog.get(name);
    let report = match entry {
        Some(entry) => app.bucket.report_if_kept(entry.last.run).await?,
        None => None,
    };
    let find = |report: sigcache_core::Report| report.decisions.into_iter().find(|d| d.resource == *name);
    let decision = report.and_then(find).or_else(|| {
        // The report was cleared away; the catalog still knows how it ended.
        let last = entry?.last;
        Some(Decision::passed(name.clone(), last.outcome, last.reason))
    });
    let text = explain(&resource, entry, decision.as_ref(), app.now);
    let served = entry.and_then(|entry| {
        let (rules, receipt) = (&resource.rules, entry.receipt.as_ref()?);
        let state = judge::state(receipt, entry.checked_at, &rules.trust, &rules.policy, app.now);
        Some(entry.standing == Standing::Live && state == judge::State::Fresh)
    });
    let good = served == Some(true) && decision.as_ref().is_some_and(Decision::is_good);
    if common.json {
        output::json(&Explanation { resource: name, text, entry, decision })?;
    } else {
        let text = text.iter().map(|paragraph| wrap(paragraph, 88)).collect::<Vec<_>>().join("\n\n");
        text.lines().try_for_each(output::line)?;
    }
    Ok(if good { Ending::Good } else { Ending::NotGood })
}

/// Breaks a paragraph into lines; words longer than a line, such as digests, stay whole.
fn wrap(paragraph: &str, width: usize) -> String {
    let mut text = String::new();
    let mut column = 0;
    for word in paragraph.split_whitespace() {
        let length = word.chars().count();
        if column > 0 && column + 1 + length > width {
            text.push('\n');
            column = 0;
        } else if column > 0 {
            text.push(' ');
            column += 1;
        }
        text.push_str(word);
        column += length;
    }
    text
}
