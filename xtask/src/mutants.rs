//! Proof that the simulation can fail: the protocol broken on purpose, in one way after the other, and every way must be
//! caught.
//!
//! The core is copied, each mutation is written into the copy beside what it replaces, and a word in the environment
//! chooses between the two while it runs. So the whole list costs one build, and nothing of it is in the core itself.

mod list;

use std::{
    fs,
    path::{Path, PathBuf},
    time::Instant,
};

use anyhow::{Context as _, Result, bail, ensure};

use self::list::{MUTATIONS, Mutation};
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

/// Builds the copy, shows that it holds as long as nothing is broken, and then that each mutation is caught within
/// `histories` histories.
pub(crate) fn check(histories: u32) -> Result<()> {
    let binary = build()?;
    let simulate = |mutation: &str, histories: u32| {
        let mut command = program(&binary);
        command.args(["--histories", &histories.to_string()]).env("SIGCACHE_MUTATION", mutation);
        let output = command.output().context("cannot start the simulation")?;
        Ok::<_, anyhow::Error>((output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned()))
    };
    let (held, said) = simulate("none", 50)?;
    ensure!(held, "the copy fails although nothing is broken in it\n{said}");
    let mut survived = Vec::new();
    for Mutation { name, .. } in MUTATIONS {
        let start = Instant::now();
        let (held, said) = simulate(name, histories)?;
        if held {
            println!("SURVIVED  {name}: {histories} histories held");
            survived.push(*name);
            continue;
        }
        let after = said.lines().find(|line| line.starts_with("after ")).unwrap_or("at once");
        let broken = said.lines().find_map(|line| line.split_once("broken is ")).map_or("", |(_, broken)| broken);
        println!("caught    {name}: {after}, {:.1} s, {broken}", start.elapsed().as_secs_f64());
    }
    if !survived.is_empty() {
        bail!("{} of {} mutations survived: {}", survived.len(), MUTATIONS.len(), survived.join(", "));
    }
    println!("{} mutations, each caught within {histories} histories", MUTATIONS.len());
    Ok(())
}

/// The simulation on the mutated core.
fn build() -> Result<PathBuf> {
    let folder = root().join("target/mutants");
    if folder.exists() {
        fs::remove_dir_all(&folder).context("cannot clear the folder of the copy")?;
    }
    for part in ["sigcache-core", "simulation"] {
        copy(&root().join(part), &folder.join(part))?;
    }
    fs::copy(root().join("Cargo.lock"), folder.join("Cargo.lock"))?;
    let manifest = fs::read_to_string(root().join("Cargo.toml"))?;
    let (before, rest) = manifest.split_once("members = [").context("the members of the workspace")?;
    let (_, after) = rest.split_once(']').context("the end of the members")?;
    fs::write(folder.join("Cargo.toml"), format!("{before}members = [\"sigcache-core\", \"simulation\"]{after}"))?;
    for mutation in MUTATIONS {
        for (file, right, broken) in mutation.edits {
            replace(&folder.join("sigcache-core/src").join(file), right, broken)
                .with_context(|| format!("the mutation {}", mutation.name))?;
        }
    }
    let library = folder.join("sigcache-core/src/lib.rs");
    fs::write(&library, fs::read_to_string(&library)? + SWITCH)?;
    // Where the other builds are, so that of the dependencies nothing is built again.
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
    let mut command = cargo();
    command.args(["build", "--package", "sigcache-simulation", "--manifest-path"]).arg(folder.join("Cargo.toml"));
    run(command.arg("--target-dir").arg(&target))?;
    // Out of the place where the sound one is expected.
    let binary = folder.join("mutated-simulation");
    fs::rename(target.join("debug/sigcache-simulation"), &binary).context("cannot take the built simulation")?;
    Ok(binary)
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for item in fs::read_dir(from)? {
        let item = item?;
        let target = to.join(item.file_name());
        if item.file_type()?.is_dir() {
            copy(&item.path(), &target)?;
        } else {
            fs::copy(item.path(), target)?;
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
        for Mutation { name, edits } in MUTATIONS {
            for (file, right, _) in *edits {
                let text = fs::read_to_string(root().join("sigcache-core/src").join(file)).unwrap();
                assert_eq!(text.matches(right).count(), 1, "{name}: {file}");
            }
        }
    }
}
