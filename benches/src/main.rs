//! The benchmarks, as one command: `cargo run --release -p sigcache-benches`.
//!
//! Everything happens in `bench/` below the target folder: an nginx of its own on a loopback port, its files, the
//! stores. What is compared is measured in one run, in turns, and the middle of the rounds counts.

mod audit;
mod cases;
mod documents;
mod eidas;
mod floors;
mod function;
mod measure;
mod mixed;
mod moto;
mod nginx;
mod openpgp;
mod publisher;
mod reading;
mod rivals;
mod s3;
mod serving;
mod shards;
mod sigcache;
mod site;
mod table;

use std::{env, fs, path::PathBuf};

use anyhow::{Context as _, Result, ensure};
use clap::{Parser, Subcommand};

use crate::{cases::Bench, nginx::Nginx, site::Signer, table::Table};

type Case = fn(&mut Bench, &mut Table) -> Result<()>;

/// By the numbers that `--only` takes.
const CASES: [(u8, &str, Case); 15] = [
    (1, "first sync", Bench::first),
    (2, "unchanged", Bench::unchanged),
    (3, "one large object", Bench::large),
    (4, "very many, unchanged", Bench::many),
    (5, "signed XML", Bench::signed_xml),
    (6, "a large JWS", Bench::large_jws),
    (7, "Release files of Debian", Bench::release_files),
    (8, "many formats", Bench::mixed),
    (9, "28 countries", Bench::countries),
    (10, "into a bucket", Bench::bucket),
    (11, "audit", Bench::audit),
    (12, "64 shards", Bench::shards),
    (13, "reading", Bench::reading),
    (14, "serving", Bench::serving),
    (15, "the function of Lambda", Bench::function),
];

#[derive(Parser)]
#[command(name = "bench", about = "Measures sigcache beside scripts that do the same")]
struct Arguments {
    /// Only these of: 1 first sync, 2 unchanged, 3 one large object, 4 very many unchanged,
    /// 5 signed XML, 6 a large JWS, 7 Release files of Debian (OpenPGP), 8 documents of many formats,
    /// 9 the 28 countries of eidas-metadata, 10 first sync into a bucket, 11 audit, 12 a million in 64 shards,
    /// 13 reading, 14 serving, 15 the function of AWS Lambda; by default all
    #[arg(long, value_delimiter = ',')]
    only: Vec<u8>,
    /// How much of the work, for a quick look (0.1 is a tenth)
    #[arg(long, default_value_t = 1.0)]
    scale: f64,
    /// How often each is measured; the middle counts
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    #[command(subcommand)]
    floor: Option<Floor>,
}

/// What the benchmark runs of itself, in a process of its own.
#[derive(Subcommand)]
#[command(hide = true)]
enum Floor {
    #[command(name = "floor-requests")]
    Requests { base: String, names: PathBuf },
    #[command(name = "floor-verification")]
    Verification { key: PathBuf, folder: PathBuf, names: PathBuf },
    #[command(name = "floor-files")]
    Files { folder: PathBuf, names: PathBuf },
    #[command(name = "floor-reads")]
    Reads { from: String, folder: PathBuf, names: PathBuf },
    #[command(name = "floor-puts")]
    Puts { endpoint: String, site: PathBuf, names: PathBuf },
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    match &arguments.floor {
        Some(Floor::Requests { base, names }) => floors::requests(base, names),
        Some(Floor::Verification { key, folder, names }) => floors::verification(key, folder, names),
        Some(Floor::Files { folder, names }) => floors::files(folder, names),
        Some(Floor::Reads { from, folder, names }) => reading::reads(from, folder, names),
        Some(Floor::Puts { endpoint, site, names }) => floors::puts(endpoint, site, names),
        None => measure_all(&arguments),
    }
}

fn measure_all(arguments: &Arguments) -> Result<()> {
    ensure!(arguments.rounds > 0 && arguments.scale > 0.0, "rounds and scale are above zero");
    let known = |number: &u8| CASES.iter().any(|(case, ..)| case == number);
    ensure!(arguments.only.iter().all(known), "there are the cases 1 to {}", CASES.len());
    ensure!(!cfg!(debug_assertions), "measure a release build: cargo run --release -p sigcache-benches");
    let executable = env::current_exe()?;
    let target = executable.parent().and_then(|folder| folder.parent()).context("not in a target folder")?;
    let chosen = |number: u8| arguments.only.is_empty() || arguments.only.contains(&number);
    let work = target.join("bench");
    let site = work.join("site");
    fs::create_dir_all(&site)?;
    // The usual one last, so that it is what is left in the target folder.
    let with_openpgp = if chosen(7) { Some(sigcache::program_with_openpgp(target, &work)?) } else { None };
    let program = sigcache::program(target)?;
    let signer = Signer::new()?;
    fs::write(site.join("key.pem"), signer.public_pem()?)?;
    let nginx = Nginx::start(&work.join("nginx"), &site)?;
    let (scale, rounds) = (arguments.scale, arguments.rounds);
    let out = work.join(format!("out-{}", std::process::id()));
    let mut bench = Bench {
        program,
        with_openpgp,
        work: work.clone(),
        out: out.clone(),
        site,
        nginx,
        signer,
        made: 0,
        scale,
        rounds,
    };

    let machine = measure::machine(&work);
    let mut table = Table::default();
    for (number, title, case) in CASES {
        if !chosen(number) {
            continue;
        }
        println!("{number}: {title}");
        case(&mut bench, &mut table).with_context(|| format!("case {number}"))?;
    }
    println!("\n{machine}; scale {scale}, the middle of {rounds} rounds\n");
    table.print();
    if out.exists() {
        fs::remove_dir_all(&out)?;
    }
    let results = work.join("results.json");
    fs::write(&results, format!("{:#}\n", table.json(&machine)))?;
    println!("\nThe same as JSON: {}", results.display());
    println!(
        "sigcache's commits survive a power cut; of the scripts only the one for the large object flushes the disk."
    );
    Ok(())
}
