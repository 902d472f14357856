//! The Release files that this machine's apt fetched, with the keys that Debian ships.

use std::{fs, path::Path, time::SystemTime};

use sigcache_core::{Mark, Reason, verify::OpenPgp};

use crate::maker::{find, trust};

const LISTS: &str = "/var/lib/apt/lists";
const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

fn releases() -> Vec<(String, Vec<u8>)> {
    let files = fs::read_dir(LISTS).into_iter().flatten().flatten();
    let debian = files.filter_map(|file| {
        let name = file.file_name().into_string().ok()?;
        let chosen = name.ends_with("_InRelease") && name.contains("debian.org");
        Some((name, fs::read(file.path()).ok()?)).filter(|_| chosen)
    });
    debian.collect()
}

#[test]
fn real_release_files_verify_with_the_archive_keyring() {
    let releases = releases();
    if !Path::new(KEYRING).exists() || releases.is_empty() {
        eprintln!("SKIPPED: no {KEYRING}, or no Release file of Debian in {LISTS}");
        return;
    }
    let trust = trust(&[fs::read(KEYRING).unwrap()], 1);
    let now = SystemTime::now();
    for (name, document) in releases {
        let read = |document: &[u8]| find(&OpenPgp::deb_release(), &trust, now, &[], document);
        let evidence = read(&document).unwrap_or_else(|failure| panic!("{name}: {failure}")).evidence;
        assert!(matches!(evidence.mark, Some(Mark::Issued(_))), "{name}");
        assert!(evidence.identity.is_some(), "{name}");
        assert_eq!(evidence.valid_until.is_some(), document.windows(12).any(|at| at == b"Valid-Until:"), "{name}");
        eprintln!("{name}: {evidence:?}");
        let text = String::from_utf8(document).unwrap();
        let moved = text.replacen("Date: ", "Date:  ", 1);
        assert_eq!(read(moved.as_bytes()).unwrap_err().reason, Reason::SignatureMismatch, "{name}");
        let behind = format!("{text}Codename: sid\n");
        assert_eq!(read(behind.as_bytes()).unwrap_err().reason, Reason::MalformedDocument, "{name}");
    }
}
