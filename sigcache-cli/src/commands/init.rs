//! `sigcache init`

use std::{fs::OpenOptions, io::Write as _};

use anyhow::Context as _;
use serde::Serialize;

use crate::{
    args::{Common, InitArgs},
    fault::{Ending, Fault},
    output,
};

const STARTER: &str = include_str!("starter.toml");

#[derive(Serialize)]
struct Made {
    config: String,
}

pub(crate) fn run(common: &Common, args: InitArgs) -> Result<Ending, Fault> {
    let path = args.file.unwrap_or_else(|| common.config.clone());
    let create = OpenOptions::new().write(true).create_new(true).open(&path);
    let write = create.and_then(|mut file| file.write_all(STARTER.as_bytes()));
    write.with_context(|| format!("cannot create {}", path.display())).map_err(Fault::usage)?;
    if common.json {
        output::json(&Made { config: path.display().to_string() })?;
    } else if !common.quiet {
        output::line(&format!("wrote {}", path.display()))?;
        output::line("Next: put the publisher's public key and the URLs into it, then run `sigcache sync`.")?;
    }
    Ok(Ending::Good)
}
