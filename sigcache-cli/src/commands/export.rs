//! `sigcache export`

use anyhow::anyhow;
use serde::Serialize;
use sigcache_core::{Digest, Name};
use tokio::io::AsyncSeekExt as _;

use super::get::{hand_out, placed};
use crate::{
    app::App,
    args::{Common, ExportArgs},
    bundle::{Refused, open, pack},
    fault::{Ending, Fault},
    output,
};

#[derive(Serialize)]
struct Exported<'a> {
    resource: &'a Name,
    digest: Digest,
    bytes: u64,
    output: String,
}

pub(crate) async fn run(common: &Common, args: ExportArgs) -> Result<Ending, Fault> {
    if common.json && args.output.is_none() {
        return Err(Fault::usage(anyhow!(
            "--json and the bundle cannot both go to standard output: add --output FILE"
        )));
    }
    let (app, resource, catalog) = App::about(common, &args.name).await?;
    let entry = catalog.get(&args.name).ok_or_else(|| Fault {
        code: 1,
        error: anyhow!("{} was never synced; run `sigcache sync {}`", args.name, args.name),
    })?;
    let packed = pack(&app.bucket, &resource, entry, app.now).await?;
    let (digest, bytes) = (packed.receipt().evidence.digest, packed.size());
    let Some(path) = &args.output else {
        // Nothing goes out before all of it was verified.
        let unwaiting = |error| Fault::usage(anyhow::Error::new(error).context("no room for the bundle to wait in"));
        let mut file = tokio::fs::File::from_std(tempfile::tempfile().map_err(unwaiting)?);
        packed.write(&mut file, unwaiting).await?;
        checked(&file, unwaiting).await.map_err(|fault| about(&args.name, fault))?;
        file.rewind().await.map_err(unwaiting)?;
        return hand_out(&mut file).await;
    };
    let unwritable = |error| Fault::usage(anyhow::Error::new(error).context("cannot write the output"));
    let written = placed(path, async |file| {
        packed.write(file, unwritable).await?;
        checked(file, unwritable).await.map(|()| Ending::Good)
    });
    written.await.map_err(|fault| about(&args.name, fault))?;
    if common.json {
        output::json(&Exported { resource: &args.name, digest, bytes, output: path.display().to_string() })?;
    } else if !common.quiet {
        output::line(&format!("exported  {}  {bytes} bytes  {}", args.name, path.display()))?;
    }
    Ok(Ending::Good)
}

/// The bundle as whoever gets it will check it: what the catalog says of the keys that signed is no proof of it.
async fn checked(file: &tokio::fs::File, unreadable: fn(std::io::Error) -> Fault) -> Result<(), Fault> {
    let file = file.try_clone().await.map_err(unreadable)?.into_std().await;
    open(file, &[]).map(drop).map_err(|refused| Fault {
        code: 1,
        error: match refused {
            Refused::Verification(failure) => anyhow!("it would be refused: {failure}"),
            Refused::Bundle(error) => error.context("it would be refused"),
        },
    })
}

fn about(name: &Name, fault: Fault) -> Fault {
    Fault { error: fault.error.context(format!("{name} was not exported")), ..fault }
}
