//! Proof that the simulation and `sigcache test` can fail: the protocol broken on purpose, then each check, in one way after
//! the other, and every way must be caught.
//!
//! The core is copied, each mutation is written into the copy beside what it replaces, and a word in the environment
//! chooses between the two while it runs. So the whole list costs one build, and nothing of it is in the core itself.

mod checks;
mod list;

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    thread,
    time::Instant,
};

use anyhow::{Context as _, Result, bail, ensure};

use self::{
    checks::CHECKS,
    list::{MUTATIONS, Mutation},
};
use crate::command::{cargo, program, root, run};

/// The switch between what is right and what is broken.
const SWITCH: &str = r#"
/// Whether this is the way in which the program is to be broken.
pub(crate) fn mutated(name: &str) -> bool {
    static CHOSEN: std::sync::LazyLock<Option<String>> =
        std::sync::LazyLock::new(|| std::env::var("SIGCACHE_MUTATION").ok());
    CHOSEN.as_deref() == Some(name)
}
"#;

/// Builds the copy, shows that it holds as long as nothing is broken, and then that each mutation is caught: those of the
/// protocol within `histories` histories, those of the checks by `sigcache test`.
pub(crate) fn check(histories: u32) -> Result<()> {
    let Built { simulation, command } = build()?;
    drill(&command)?;
    simulate(&simulation, histories)
}

/// Each broken check is noticed by `sigcache test`, in the lab of its own test.
fn drill(binary: &Path) -> Result<()> {
    let line = |(mutation, resource, twin): &checks::Check| format!("{} {resource} {twin}", mutation.name);
    let list: Vec<String> = CHECKS.iter().map(line).collect();
    let mut command = cargo();
    command.args(["test", "--workspace", "--all-features", "--locked", "--test", "cli", "--"]);
    command.args(["--ignored", "--exact", "--nocapture", "drill::each_check_that_is_broken_is_noticed"]);
    run(command.env("SIGCACHE_MUTATED", binary).env("SIGCACHE_MUTATIONS", list.join("\n")))?;
    println!("{} broken checks, each noticed by `sigcache test`", CHECKS.len());
    Ok(())
}

fn simulate(binary: &Path, histories: u32) -> Result<()> {
    let simulate = |mutation: &str, histories: u32| {
        let mut command = program(binary);
        command.args(["--histories", &histories.to_string()]).env("SIGCACHE_MUTATION", mutation);
        let output = command.output().context("cannot start the simulation")?;
        Ok::<_, anyhow::Error>((output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned()))
    };
    let (held, said) = simulate("none", 50)?;
    ensure!(held, "the copy fails although nothing is broken in it\n{said}");
    let (next, survived) = (Mutex::new(MUTATIONS.iter()), Mutex::new(Vec::new()));
    let one_after_the_other = || {
        loop {
            // The lock is let go of before the long part.
            let mutation = next.lock().unwrap_or_else(PoisonError::into_inner).next();
            let Some(Mutation { name, .. }) = mutation else { return Ok(()) };
            let start = Instant::now();
            let (held, said) = simulate(name, histories)?;
            if held {
                println!("SURVIVED  {name}: {histories} histories held");
                survived.lock().unwrap_or_else(PoisonError::into_inner).push(*name);
                continue;
            }
            let after = said.lines().find(|line| line.starts_with("after ")).unwrap_or("at once");
            let broken = said.lines().find_map(|line| line.split_once("broken is ")).map_or("", |(_, broken)| broken);
            println!("caught    {name}: {after}, {:.1} s, {broken}", start.elapsed().as_secs_f64());
        }
    };
    let cores = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        let workers: Vec<_> = (0..cores).map(|_| scope.spawn(one_after_the_other)).collect();
        let ended = workers.into_iter().map(|worker| worker.join().unwrap_or_else(|_| bail!("a worker panicked")));
        ended.collect::<Result<()>>()
    })?;
    let survived = survived.into_inner().unwrap_or_else(PoisonError::into_inner);
    if !survived.is_empty() {
        bail!("{} of {} mutations survived: {}", survived.len(), MUTATIONS.len(), survived.join(", "));
    }
    println!("{} mutations, each caught within {histories} histories", MUTATIONS.len());
    Ok(())
}

/// What stands on the mutated core.
struct Built {
    simulation: PathBuf,
    command: PathBuf,
}

fn build() -> Result<Built> {
    let folder = root().join("target/mutants");
    if folder.exists() {
        fs::remove_dir_all(&folder).context("cannot clear the folder of the copy")?;
    }
    copy(&root(), &folder)?;
    for mutation in mutations() {
        for (file, right, broken) in mutation.edits {
            replace(&folder.join("sigcache-core/src").join(file), right, broken)
                .with_context(|| format!("the mutation {}", mutation.name))?;
        }
    }
    let library = folder.join("sigcache-core/src/lib.rs");
    fs::write(&library, fs::read_to_string(&library)? + SWITCH)?;
    // Where the other builds are, and as the suite is built, with the features that tests bring: so of the dependencies
    // nothing is built again. The programs come with the tests that run them.
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
    let mut command = cargo();
    command.args([
        "test",
        "--workspace",
        "--all-features",
        "--locked",
        "--no-run",
        "--test",
        "cli",
        "--test",
        "histories",
    ]);
    command.arg("--manifest-path").arg(folder.join("Cargo.toml"));
    run(command.arg("--target-dir").arg(&target))?;
    // Out of the place where the sound ones are expected.
    let take = |name: &str| {
        let binary = folder.join(format!("mutated-{name}"));
        fs::rename(target.join("debug").join(name), &binary)
            .with_context(|| format!("cannot take the built {name}"))?;
        Ok::<_, anyhow::Error>(binary)
    };
    Ok(Built { simulation: take("sigcache-simulation")?, command: take("sigcache")? })
}

/// Of the protocol, and of the checks.
fn mutations() -> impl Iterator<Item = &'static Mutation> {
    MUTATIONS.iter().chain(CHECKS.iter().map(|(mutation, ..)| mutation))
}

/// Copies a folder without what was built in it, and without its history.
fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for item in fs::read_dir(from)? {
        let item = item?;
        let name = item.file_name();
        let target = to.join(&name);
        if !item.file_type()?.is_dir() {
            fs::copy(item.path(), target)?;
        } else if name != "target" && name != ".git" {
            copy(&item.path(), &target)?;
        }
    }
    Ok(())
}

/// Writes `broken` in the place of `right`, which must stand in the file exactly once.
fn replace(file: &Path, right: &str, broken: &str) -> Result<()> {
    let text = fs::read_to_string(file)?;
    let count = text.matches(right).count();
    ensure!(count == 1, "{} has it {count} times: {right}", file.display());
    fs::write(file, text.replace(right, broken))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// So that a change of the core says at once that the list is behind, and not the long command alone.
    #[test]
    fn what_is_to_be_broken_stands_in_the_core() {
        for Mutation { name, edits } in mutations() {
            for (file, right, _) in *edits {
                let text = fs::read_to_string(root().join("sigcache-core/src").join(file)).unwrap();
                assert_eq!(text.matches(right).count(), 1, "{name}: {file}");
            }
        }
    }
}
