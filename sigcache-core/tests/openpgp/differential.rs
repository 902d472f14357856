//! `gpgv` and `sqv` beside us: whatever we accept, they accept over the same bytes. (Not the reverse: both take more.)

use std::{fs, path::Path, process::Command, time::SystemTime};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use sigcache_core::verify::OpenPgp;

use crate::{
    generate::Random,
    maker::{content, find, trust},
    support::installed,
};

/// What is put in somewhere, or in the place of a line.
const PIECES: &[&str] = &[
    "\n",
    "\r",
    "\r\n",
    " ",
    " \n",
    "\t\n",
    "- ",
    "-",
    "From ",
    "\0",
    "=",
    "=AAAA\n",
    "AAAA",
    "x",
    "\u{a0}",
    "\u{2028}",
    "Hash: SHA512\n",
    "Hash: SHA256\n",
    "Hash: SHA256,SHA512\n",
    "NotDashEscaped: GnuPG\n",
    "Comment: x\n",
    "Version: x\n",
    "Charset: utf-8\n",
    "-----BEGIN PGP SIGNED MESSAGE-----\n",
    "-----BEGIN PGP SIGNATURE-----\n",
    "-----BEGIN PGP MESSAGE-----\n",
    "-----END PGP SIGNATURE-----\n",
    "\n-----BEGIN PGP SIGNATURE-----\n\n",
];

const ROUNDS: usize = 2000;

fn vector(name: &str) -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/openpgp").join(name)).unwrap()
}

/// A file with one to three random changes, the same from the same seed.
fn mutate(random: &mut Random, file: &[u8]) -> Vec<u8> {
    let mut bytes = file.to_vec();
    for _ in 0..=random.below(3) {
        let at = random.below(bytes.len() + 1);
        let end = (at + 1 + random.below(8)).min(bytes.len());
        match random.below(8) {
            0 if at < bytes.len() => bytes[at] ^= 1 << random.below(8),
            1 => drop(bytes.drain(at..end)),
            2 => {
                let part = bytes[at..end].to_vec();
                let to = random.below(bytes.len() + 1);
                bytes.splice(to..to, part);
            }
            3 => lines(random, &mut bytes),
            4 => {
                let from = [&b"\n"[..], b"\r\n", b" ", b"-", b"SHA256", b"\n\n"][random.below(6)];
                let to = [&b"\n"[..], b"\r\n", b" ", b"", b"SHA512", b"\n \n"][random.below(6)];
                if let Some(at) = bytes.windows(from.len()).skip(at).position(|here| here == from).map(|next| at + next)
                {
                    bytes.splice(at..at + from.len(), to.iter().copied());
                }
            }
            // At the beginning of a line, where it is most likely to mean something.
            5 => {
                let start = bytes[..at].iter().rposition(|byte| *byte == b'\n').map_or(0, |before| before + 1);
                bytes.splice(start..start, random.pick(PIECES).bytes());
            }
            _ => drop(bytes.splice(at..at, random.pick(PIECES).bytes())),
        }
    }
    bytes
}

/// A line is moved, left out or there twice.
fn lines(random: &mut Random, bytes: &mut Vec<u8>) {
    let mut lines: Vec<Vec<u8>> = bytes.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
    if lines.is_empty() {
        return;
    }
    let (from, to) = (random.below(lines.len()), random.below(lines.len()));
    match random.below(3) {
        0 => lines.swap(from, to),
        1 => drop(lines.remove(from)),
        _ => lines.insert(to, lines[from].clone()),
    }
    *bytes = lines.concat();
}

/// The armor with the right checksum. GnuPG refuses a wrong one, which no program should do any more (RFC 9580, section
/// 6.1).
fn with_checksum(file: &[u8]) -> Vec<u8> {
    let Ok(text) = std::str::from_utf8(file) else { return file.to_vec() };
    let mut lines: Vec<&str> = text.trim_ascii().lines().collect();
    let Some(end) = lines.iter().rposition(|line| *line == "-----END PGP SIGNATURE-----") else { return file.to_vec() };
    let checksum = end.checked_sub(1).filter(|at| lines[*at].starts_with('=')).unwrap_or(end);
    let begin = lines.iter().rposition(|line| *line == "-----BEGIN PGP SIGNATURE-----").unwrap();
    let start = begin + lines[begin..].iter().position(|line| line.is_empty()).unwrap();
    let packets = STANDARD.decode(lines[start..checksum].concat()).unwrap();
    let crc = packets.iter().fold(0xb7_04ce_u32, |crc, byte| {
        (0..8).fold(crc ^ (u32::from(*byte) << 16), |crc, _| {
            let next = crc << 1;
            if next & 0x100_0000 == 0 { next } else { next ^ 0x186_4cfb }
        })
    });
    let line = format!("={}", STANDARD.encode(&crc.to_be_bytes()[1..]));
    lines.splice(checksum..end, [&*line]);
    (lines.join("\n") + "\n").into_bytes()
}

/// What was signed, where gpgv has a good signature to tell of.
fn gpgv(folder: &Path, files: &[&str]) -> Result<Vec<u8>, String> {
    let mut command = Command::new("gpgv");
    command.args(["--status-fd", "2", "--keyring", "./keyring"]);
    if files.len() == 1 {
        command.args(["--output", "-"]);
    }
    let output = command.args(files).env("GNUPGHOME", folder).current_dir(folder).output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    if told.contains("[GNUPG:] VALIDSIG") { Ok(output.stdout) } else { Err(told) }
}

fn sqv(folder: &Path, files: &[&str]) -> Result<Vec<u8>, String> {
    let output = Command::new("sqv").args(["--keyring", "keyring"]).args(files).current_dir(folder).output().unwrap();
    if output.status.success() { Ok(output.stdout) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned()) }
}

#[test]
fn what_is_accepted_beside_a_document_gpgv_and_sqv_accept() {
    let tools: Vec<&str> = ["gpgv", "sqv"].into_iter().filter(|tool| installed(tool)).collect();
    let (trust, now) = (trust(&[vector("keyring")], 1), SystemTime::now());
    let document = vector("document");
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| fs::write(folder.path().join(name), bytes).unwrap();
    write("keyring", &vector("keyring"));
    let mut random = Random::new(1);
    let mut accepted = 0;
    for round in 0..ROUNDS {
        let file = vector(["binary", "armored"][round % 2]);
        let (file, changed) = match random.below(8) {
            _ if round < 2 => (file, document.clone()),
            0 => (file, mutate(&mut random, &document)),
            _ => (mutate(&mut random, &file), document.clone()),
        };
        if find(&OpenPgp::new(".sig"), &trust, now, &[Some(&file)], &changed).is_err() {
            continue;
        }
        accepted += 1;
        assert_eq!(changed, document, "round {round}");
        write("file", &with_checksum(&file));
        write("document", &changed);
        for tool in &tools {
            let verdict = match *tool {
                "gpgv" => gpgv(folder.path(), &["file", "document"]),
                _ => sqv(folder.path(), &["file", "document"]),
            };
            // Of several signatures a bad one, or one that it does not know, is enough for gpgv; here the others count.
            let several = *tool == "gpgv" && round % 2 == 1;
            if let Err(told) = verdict.or_else(|told| if several { Ok(Vec::new()) } else { Err(told) }) {
                panic!("{tool} refuses what we accept in round {round}: {told}{}", String::from_utf8_lossy(&file));
            }
        }
    }
    // The changes are not all so coarse that nothing is left to compare.
    assert!(accepted > 20, "{accepted}");
}

#[test]
fn what_is_accepted_as_clear_signed_gpgv_accepts_and_reads_alike() {
    if !installed("gpgv") {
        return;
    }
    let (trust, now) = (trust(&[vector("keyring")], 1), SystemTime::now());
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("keyring"), vector("keyring")).unwrap();
    let mut random = Random::new(2);
    let mut accepted = 0;
    for round in 0..ROUNDS {
        let file = vector(["clear", "release", "two"][round % 3]);
        let file = if round < 3 { file } else { mutate(&mut random, &file) };
        if find(&OpenPgp::inline(), &trust, now, &[], &file).is_err() {
            continue;
        }
        accepted += 1;
        fs::write(folder.path().join("file"), with_checksum(&file)).unwrap();
        let verdict = gpgv(folder.path(), &["file"]);
        // As above. And without the header `Hash`, which has no meaning any more, it expects MD5 (RFC 4880, section 7).
        let no_hash = |told: &String| told.contains("signature digest conflict");
        if verdict.as_ref().is_err_and(|told| round % 3 == 2 || no_hash(told)) {
            continue;
        }
        let text = verdict.unwrap_or_else(|told| {
            panic!("gpgv refuses what we accept in round {round}: {told}{}", String::from_utf8_lossy(&file))
        });
        // It ends the last line, whether or not that was signed.
        let ours = [&content(&file)[..], b"\n"].concat();
        assert_eq!(String::from_utf8_lossy(&text), String::from_utf8_lossy(&ours), "round {round}");
    }
    assert!(accepted > 20, "{accepted}");
}
