//! `sigcache reshard`

use sigcache_core::{RunId, store::StoreError};

use crate::{
    app::{App, nonce},
    args::{Common, ReshardArgs},
    fault::{Ending, Fault},
    output,
};

pub(crate) async fn run(common: &Common, args: ReshardArgs) -> Result<Ending, Fault> {
    let app = App::whole(common)?;
    let run = RunId::new(app.now, nonce()?);
    let resharded = app.bucket.reshard(args.to, run, app.now).await.map_err(|error| match error {
        StoreError::Contended { .. } => {
            let again = "a run committed meanwhile; stop all runs, and run this command again: nothing is lost";
            Fault { code: 1, error: anyhow::Error::new(error).context(again) }
        }
        error => error.into(),
    })?;
    if common.json {
        output::json(&resharded)?;
    } else if !common.quiet {
        let from: Vec<String> = resharded.from.iter().map(u32::to_string).collect();
        let from = if from.is_empty() { "none".to_owned() } else { from.join(" and ") };
        output::line(&format!("shards  {from} -> {}  {} resources known", resharded.to, resharded.resources))?;
        output::line(&format!("from now on: sigcache sync --shard I/{} for each I from 1 to {0}", resharded.to))?;
    }
    Ok(Ending::Good)
}
