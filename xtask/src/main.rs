//! The project's own checks: `cargo xtask test` runs all of them, each of the others one.

mod command;
mod fuzz;
mod graph;
mod imports;
mod install;
mod lambda;
mod mutants;
mod quickstart;
mod reasons;
mod servers;
mod simulate;
mod source;
mod structure;
mod terraform;
mod test;
mod tools;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "The checks of this project")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Everything that a change must pass; installs what the tests need where it can
    Test {
        /// Leave out what takes long: mutants, powerset, deny and fuzz
        #[arg(long)]
        fast: bool,
    },
    /// Installs the servers that the tests of stores need, and says where they lie
    Servers,
    /// The contract, many writers and what a server can do, on Ceph and on LocalStack; and that a server that ignores
    /// conditional creates is refused
    Stores,
    /// The core without features has no HTTP client, no TLS and no async runtime
    Deps,
    /// The declared rust-version is what the dependencies need
    Msrv,
    /// The imports of the core point one way, and `Verified` is made in one place
    Structure,
    /// The quickstart and the command on what it leaves do what the README says
    Quickstart,
    /// Whole histories of a store on a network that fails, with everything that must hold checked after each event
    Simulate {
        /// How many; with a seed and no number, that one
        #[arg(long)]
        histories: Option<u64>,
        /// The first seed
        #[arg(long)]
        seed: Option<u64>,
        /// The length of each
        #[arg(long, default_value_t = 200)]
        steps: u32,
    },
    /// The simulation catches every way in which the protocol can be broken on purpose
    Mutants {
        /// Within so many histories
        #[arg(long, default_value_t = 1000)]
        histories: u32,
    },
    /// Every reason code is asserted by a test
    Reasons,
    /// The core compiles with each of its features and each pair of them, without a warning
    Powerset,
    /// The Terraform module: validated and tested, and applied and destroyed on an emulator
    Terraform,
    /// Both functions of AWS Lambda, built for both processors, and those for Arm run under qemu
    Lambda,
    /// Licences, bans and sources of all dependencies
    Deny,
    /// Builds every fuzz target and runs each for a while
    Fuzz {
        /// How long each target runs
        #[arg(long, default_value_t = 10)]
        seconds: u32,
    },
}

fn main() -> ExitCode {
    let result = match Arguments::parse().task {
        Task::Test { fast } => test::all(if fast { test::Extent::Fast } else { test::Extent::Whole }),
        Task::Servers => servers::task(),
        Task::Stores => servers::longer(),
        Task::Deps => graph::deps(),
        Task::Msrv => graph::msrv(),
        Task::Structure => structure::check(),
        Task::Quickstart => quickstart::check(),
        Task::Simulate { histories, seed, steps } => simulate::histories(histories, seed, steps),
        Task::Mutants { histories } => mutants::check(histories),
        Task::Reasons => reasons::check(),
        Task::Powerset => tools::powerset(),
        Task::Terraform => terraform::check(),
        Task::Lambda => lambda::check(),
        Task::Deny => tools::deny(),
        Task::Fuzz { seconds } => fuzz::run_all(seconds),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
