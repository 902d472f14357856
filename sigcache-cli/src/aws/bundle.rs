//! Whether an artifact is what Lambda takes, so that a wrong file is not signed.

use anyhow::{Context as _, Result, ensure};

/// The end of a zip archive, without its comment, and that comment at its longest.
const END: usize = 22;
const LONGEST_COMMENT: usize = 65_535;
/// An entry of its directory, without the name.
const ENTRY: usize = 46;

/// Fails unless `bytes` is a whole zip archive with a file `bootstrap` (APPNOTE.TXT, sections 4.3.12 and 4.3.16). What is in the
/// files nobody looks at here.
pub(crate) fn check(bytes: &[u8]) -> Result<()> {
    ensure!(bytes.starts_with(b"PK"), "it is not a zip archive, which is what Lambda takes");
    let tail = bytes.len().saturating_sub(END + LONGEST_COMMENT);
    let end = bytes[tail..].windows(END).rposition(|window| window.starts_with(b"PK\x05\x06"));
    let end = tail + end.context("it is a zip archive without its end: it was cut off")?;
    let (length, from) = (number(bytes, end + 12, 4), number(bytes, end + 16, 4));
    let directory = from.zip(length).and_then(|(from, length)| bytes.get(from..from.checked_add(length)?));
    let mut directory = directory.context("it is a zip archive whose directory is not where its end says")?;
    while directory.starts_with(b"PK\x01\x02") {
        let lengths = [28, 30, 32].map(|at| number(directory, at, 2));
        let [Some(name), Some(extra), Some(comment)] = lengths else { break };
        if directory.get(ENTRY..ENTRY + name) == Some(b"bootstrap") {
            return Ok(());
        }
        directory = directory.get(ENTRY + name + extra + comment..).unwrap_or_default();
    }
    anyhow::bail!(
        "it has no file `bootstrap`, which is what Lambda starts: cargo lambda build --profile function --output-format zip"
    )
}

/// The number of `length` bytes at `at`, the least first.
fn number(bytes: &[u8], at: usize, length: usize) -> Option<usize> {
    let bytes = bytes.get(at..at.checked_add(length)?)?;
    bytes.iter().rev().try_fold(0_usize, |number, byte| number.checked_mul(256)?.checked_add(usize::from(*byte)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made by Python's zipfile: `bootstrap`, deflated, and beside it a file of the configuration.
    const BUNDLE: &[u8] = include_bytes!("bundle.zip");

    #[test]
    fn a_whole_archive_with_the_program_passes_and_no_part_of_it() {
        check(BUNDLE).unwrap();
        for length in 0..BUNDLE.len() {
            assert!(check(&BUNDLE[..length]).is_err(), "{length}");
        }
        // Whatever a byte of the directory says, it ends with an answer.
        for at in 0..BUNDLE.len() {
            for value in [0, 1, 0x7f, 0xff] {
                let mut changed = BUNDLE.to_vec();
                changed[at] = value;
                let _ = check(&changed);
            }
        }
    }

    #[test]
    fn what_is_missing_is_said() {
        let told = |bytes: &[u8]| format!("{:#}", check(bytes).unwrap_err());
        assert!(told(b"no zip").contains("not a zip archive"));
        assert!(told(&BUNDLE[..BUNDLE.len() - 30]).contains("cut off"));
        let text = BUNDLE.iter().map(|byte| if *byte == b'b' { b'B' } else { *byte }).collect::<Vec<u8>>();
        assert!(told(&text).contains("no file `bootstrap`"));
    }
}
