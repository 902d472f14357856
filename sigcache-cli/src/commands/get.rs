//! `sigcache get`

use std::{
    io,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, anyhow};
use serde::Serialize;
use sigcache_core::{
    Digest, Name,
    read::{ReadError, VerifiedRead, read},
};
use tokio::io::{AsyncSeekExt as _, AsyncWriteExt as _};

use crate::{
    app::App,
    args::{Common, GetArgs},
    fault::{Ending, Fault},
    output,
};

/// Larger documents wait on the disk while they are verified.
const IN_MEMORY: u64 = 16 * 1024 * 1024;

#[derive(Serialize)]
struct Got<'a> {
    resource: &'a Name,
    digest: Digest,
    bytes: u64,
    output: String,
}

pub(crate) async fn run(common: &Common, args: GetArgs) -> Result<Ending, Fault> {
    if common.json && args.output.is_none() {
        return Err(Fault::usage(anyhow!(
            "--json and the document cannot both go to standard output: add --output FILE"
        )));
    }
    let (app, resource, catalog) = App::about(common, &args.name).await?;
    let entry = catalog.get(&args.name).ok_or_else(|| Fault {
        code: 1,
        error: anyhow!("{} was never synced; run `sigcache sync {}`", args.name, args.name),
    })?;
    let mut document =
        read(&*app.bucket, &resource, entry, app.now).await.map_err(|error| about(&args.name, error.into()))?;
    let range = args.range.map_or(0..document.size(), |range| range.of(document.size()));
    if args.range.is_some() && range.is_empty() {
        return Err(Fault::usage(anyhow!("there are no such bytes: {} has {}", args.name, document.size())));
    }
    let bytes = range.end - range.start;
    document = document.within(range);
    let ending = match &args.output {
        None => to_stdout(&mut document).await,
        Some(path) => write_file(&mut document, path).await,
    };
    let ending = ending.map_err(|fault| about(&args.name, fault))?;
    if let Some(path) = args.output.filter(|_| common.json) {
        let digest = document.receipt().evidence.digest;
        output::json(&Got { resource: &args.name, digest, bytes, output: path.display().to_string() })?;
    }
    Ok(ending)
}

/// The same fault, and of which resource it is, where it is one of the stored document.
fn about(name: &Name, fault: Fault) -> Fault {
    if !fault.error.is::<ReadError>() {
        return fault;
    }
    Fault { error: fault.error.context(format!("{name} was not given out")), ..fault }
}

/// Nothing goes out before all of it was verified: whoever reads the other end of a pipe cannot give bytes back. What
/// is too large for memory waits in a file without a name.
async fn to_stdout(document: &mut VerifiedRead) -> Result<Ending, Fault> {
    let mut verified: Box<dyn tokio::io::AsyncRead + Send + Unpin> = if document.size() <= IN_MEMORY {
        let mut bytes = Vec::new();
        pour(document, &mut bytes, output::unwritten).await?;
        Box::new(io::Cursor::new(bytes))
    } else {
        let unwaiting = |error| Fault::usage(anyhow::Error::new(error).context("no room for the document to wait in"));
        let mut file = tokio::fs::File::from_std(tempfile::tempfile().map_err(unwaiting)?);
        pour(document, &mut file, unwaiting).await?;
        file.rewind().await.map_err(unwaiting)?;
        Box::new(file)
    };
    hand_out(&mut verified).await
}

/// What was verified, to standard output.
pub(super) async fn hand_out(verified: &mut (impl tokio::io::AsyncRead + Unpin)) -> Result<Ending, Fault> {
    let mut out = tokio::io::stdout();
    let mut written = tokio::io::copy(verified, &mut out).await.map(drop);
    if written.is_ok() {
        written = out.flush().await;
    }
    match written {
        Ok(()) => Ok(Ending::Good),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(Ending::ReaderLeft),
        Err(error) => Err(output::unwritten(error)),
    }
}

async fn pour(
    document: &mut VerifiedRead,
    out: &mut (impl tokio::io::AsyncWrite + Send + Unpin),
    unwritten: fn(io::Error) -> Fault,
) -> Result<Ending, Fault> {
    let mut written = Ok(());
    while let (Ok(()), Some(chunk)) = (&written, document.next().await) {
        written = out.write_all(&chunk?).await;
    }
    if written.is_ok() {
        written = out.flush().await;
    }
    match written {
        Ok(()) => Ok(Ending::Good),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(Ending::ReaderLeft),
        Err(error) => Err(unwritten(error)),
    }
}

/// The file appears under its name only when the whole document was verified.
async fn write_file(document: &mut VerifiedRead, path: &Path) -> Result<Ending, Fault> {
    let unwritable = |error| Fault::usage(anyhow::Error::new(error).context("cannot write the output"));
    placed(path, async |file| pour(document, file, unwritable).await).await
}

/// The file appears under its name only when `write` has written all of it.
pub(super) async fn placed(
    path: &Path,
    write: impl AsyncFnOnce(&mut tokio::fs::File) -> Result<Ending, Fault>,
) -> Result<Ending, Fault> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.part", std::process::id()));
    let part: PathBuf = path.with_file_name(name);
    let create = tokio::fs::OpenOptions::new().read(true).write(true).create_new(true).open(&part).await;
    let mut file = create.with_context(|| format!("cannot create {}", part.display())).map_err(Fault::usage)?;
    let placed = match write(&mut file).await {
        Ok(ending) => tokio::fs::rename(&part, path)
            .await
            .map(|()| ending)
            .with_context(|| format!("cannot create {}", path.display()))
            .map_err(Fault::usage),
        Err(fault) => Err(fault),
    };
    if placed.is_err() {
        // What is left has another name and says so; it cannot be taken for the document.
        let _ = tokio::fs::remove_file(&part).await;
    }
    placed
}
