//! The `sigcache` command: arguments in, core calls, text or JSON and an exit code out. Nothing about trust is decided
//! here.

mod app;
mod args;
#[cfg(feature = "aws")]
mod aws;
mod bundle;
mod commands;
mod doctor;
mod drill;
mod fault;
mod links;
mod output;
mod progress;
mod range;
mod serve;
#[cfg(feature = "otel")]
mod traces;

use std::process::ExitCode;

use clap::Parser as _;

use args::{Cli, Command};
use fault::{Ending, Fault};

#[tokio::main]
async fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return unparsed(&error),
    };
    output::observe(cli.common.log);
    let json = cli.common.json;
    // On a thread of the runtime: the main thread is not one, and would have to be woken for every decision.
    let ended = tokio::spawn(run(cli)).await;
    #[cfg(feature = "otel")]
    traces::flush().await;
    match ended.unwrap_or_else(|panicked| std::panic::resume_unwind(panicked.into_panic())) {
        Ok(ending) => ending.into(),
        Err(fault) => {
            output::fault(&fault, json);
            ExitCode::from(fault.code)
        }
    }
}

/// Help that was asked for, or wrong usage. What did not parse may still ask for JSON.
fn unparsed(error: &clap::Error) -> ExitCode {
    let fault = if error.use_stderr() {
        if !std::env::args_os().any(|argument| argument == "--json") {
            // Nothing more can be done where even this cannot be printed.
            let _ = error.print();
            return ExitCode::from(2);
        }
        let text = error.to_string();
        let text = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ");
        Fault::usage(anyhow::anyhow!("{}", text.strip_prefix("error: ").unwrap_or(&text)))
    } else {
        match error.print() {
            Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => output::unwritten(error),
            _ => return ExitCode::SUCCESS,
        }
    };
    output::fault(&fault, error.use_stderr());
    ExitCode::from(fault.code)
}

async fn run(cli: Cli) -> Result<Ending, Fault> {
    use commands::{
        audit, doctor, explain, export, gc, get, history, init, key_list, keys, reshard, rollback, status, sync, test,
        verify,
    };
    let common = &cli.common;
    match cli.command {
        Command::Init(args) => init::run(common, args),
        Command::Sync(args) => sync::run(common, args).await,
        Command::Serve(args) => serve::run(common, args).await,
        Command::Status { names } => status::run(common, &names).await,
        Command::Get(args) => get::run(common, args).await,
        Command::Export(args) => export::run(common, args).await,
        Command::Explain { name } => explain::run(common, &name).await,
        Command::History(args) => history::run(common, args).await,
        Command::Audit(args) => audit::run(common, args).await,
        Command::Verify(args) => verify::run(common, args).await,
        Command::Test(args) => test::run(common, args).await,
        Command::Doctor(args) => doctor::run(common, args).await,
        #[cfg(feature = "aws")]
        Command::Deploy(args) => commands::deploy::run(common, args).await,
        Command::Gc(args) => gc::run(common, args).await,
        Command::Reshard(args) => reshard::run(common, args).await,
        Command::AllowRollback(args) => rollback::run(common, args).await,
        Command::Keys => key_list::run(common).await,
        Command::Keygen(args) => keys::keygen(common, args),
        Command::Sign(args) => keys::sign(common, args),
        Command::Completions { shell } => {
            let mut command = <Cli as clap::CommandFactory>::command();
            // To memory first: `generate` panics where it cannot write.
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut command, "sigcache", &mut script);
            output::raw(&script)?;
            Ok(Ending::Good)
        }
    }
}
