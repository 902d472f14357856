//! The one form of tar (POSIX ustar) that a bundle has: regular files in the order of their names, nobody's, of one time.
//!
//! A reader that takes many forms of tar is where archives are attacked: links, absolute paths, a long name that overrides
//! a short one, a size that two headers say differently. Here a header must be, byte for byte, the one that
//! [`header`] would write; so there is one reading of every bundle, and nothing is ever unpacked to a path.

use std::{
    fs::File,
    io::{self, Read as _, Seek as _, SeekFrom},
};

use anyhow::{Result, bail, ensure};

/// The unit of everything.
const BLOCK: usize = 512;
/// Two blocks of zeros.
pub(super) const END: [u8; 2 * BLOCK] = [0; 2 * BLOCK];
/// The most that eleven octal digits say.
pub(super) const LARGEST: u64 = 0o77_777_777_777;
/// More than any bundle has.
const MOST_MEMBERS: usize = 2048;
const LONGEST_NAME: usize = 100;

/// The header of a member.
pub(super) fn header(name: &str, size: u64, time: u64) -> Result<[u8; BLOCK]> {
    ensure!(is_plain(name), "{name:?} cannot be the name of a member");
    ensure!(size <= LARGEST, "{name} has {size} bytes, more than the {LARGEST} that a bundle can hold");
    let mut block = [0; BLOCK];
    let mut put = |at: usize, text: &str| block[at..at + text.len()].copy_from_slice(text.as_bytes());
    put(0, name);
    put(100, "0000644");
    put(108, "0000000");
    put(116, "0000000");
    put(124, &format!("{size:011o}"));
    put(136, &format!("{:011o}", time.min(LARGEST)));
    // The sum counts these eight as spaces.
    put(148, "        ");
    put(156, "0");
    put(257, "ustar\0");
    put(263, "00");
    // The numbers of a device, as GNU tar writes them of what is none.
    put(329, "0000000");
    put(337, "0000000");
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    Ok(block)
}

/// How many zeros follow so many bytes.
pub(super) fn padding(size: u64) -> usize {
    (BLOCK - (size % BLOCK as u64) as usize) % BLOCK
}

/// A name that no program that unpacks it could put anywhere else than below the folder that it unpacks to.
fn is_plain(name: &str) -> bool {
    let part = |part: &str| !part.is_empty() && part != "." && part != "..";
    let plain = |c: u8| c.is_ascii_alphanumeric() || b"._+=@-/".contains(&c);
    (1..=LONGEST_NAME).contains(&name.len()) && name.bytes().all(plain) && name.split('/').all(part)
}

/// Where a member lies in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Member {
    pub(super) name: String,
    pub(super) size: u64,
    offset: u64,
}

/// An archive of which the headers were read.
pub(super) struct Archive {
    file: File,
    pub(super) members: Vec<Member>,
    /// The one time of all members; none in an empty archive.
    pub(super) time: Option<u64>,
}

impl Archive {
    /// Reads the headers, and refuses everything that this program would not have written so.
    pub(super) fn read(mut file: File) -> Result<Self> {
        let (mut members, mut time): (Vec<Member>, Option<u64>) = (Vec::new(), None);
        file.rewind()?;
        loop {
            let mut block = [0; BLOCK];
            fill(&mut file, &mut block)?;
            if block == [0; BLOCK] {
                fill(&mut file, &mut block)?;
                ensure!(block == [0; BLOCK], "a single block of zeros stands between the members");
                ensure!(file.read(&mut [0])? == 0, "something stands behind its end");
                return Ok(Self { file, members, time });
            }
            let (member, its_time) = understood(&block, file.stream_position()?)?;
            ensure!(time.is_none_or(|time| time == its_time), "its members have different times");
            if let Some(last) = members.last() {
                ensure!(last.name != member.name, "{} stands twice in it", member.name);
                ensure!(last.name < member.name, "its members are not in the order of their names");
            }
            ensure!(members.len() < MOST_MEMBERS, "it has more than {MOST_MEMBERS} members");
            let mut zeros = vec![0; padding(member.size)];
            file.seek(SeekFrom::Start(member.offset + member.size))?;
            fill(&mut file, &mut zeros)?;
            ensure!(zeros.iter().all(|byte| *byte == 0), "something stands behind {}", member.name);
            time = Some(its_time);
            members.push(member);
        }
    }

    pub(super) fn member(&self, name: &str) -> Option<&Member> {
        self.members.iter().find(|member| member.name == name)
    }

    /// All of a small member.
    pub(super) fn bytes(&mut self, name: &str, limit: u64) -> Result<Vec<u8>> {
        let Some(member) = self.member(name).cloned() else { bail!("it has no {name}") };
        ensure!(member.size <= limit, "{name} has {} bytes, more than the {limit} it may have", member.size);
        let mut bytes = vec![0; usize::try_from(member.size)?];
        self.file.seek(SeekFrom::Start(member.offset))?;
        fill(&mut self.file, &mut bytes)?;
        Ok(bytes)
    }

    /// A member as a file of its own, to be read in pieces.
    pub(super) fn reader(&self, name: &str) -> Result<io::Take<File>> {
        let Some(member) = self.member(name) else { bail!("it has no {name}") };
        let mut file = self.file.try_clone()?;
        file.seek(SeekFrom::Start(member.offset))?;
        Ok(file.take(member.size))
    }
}

fn fill(file: &mut File, bytes: &mut [u8]) -> Result<()> {
    match file.read_exact(bytes) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => bail!("it ends in the middle"),
        other => Ok(other?),
    }
}

fn understood(block: &[u8; BLOCK], offset: u64) -> Result<(Member, u64)> {
    let strange = "it has a member that no `sigcache export` writes";
    let text = |at: usize, length: usize| {
        let field = &block[at..at + length];
        let end = field.iter().position(|byte| *byte == 0).unwrap_or(length);
        std::str::from_utf8(&field[..end]).ok()
    };
    let number = |at: usize| u64::from_str_radix(text(at, 12)?, 8).ok();
    let (Some(name), Some(size), Some(time)) = (text(0, LONGEST_NAME), number(124), number(136)) else {
        bail!("{strange}: its header cannot be read")
    };
    ensure!(is_plain(name), "{strange}: its name is {name:?}");
    let kind = char::from(block[156]);
    ensure!(kind == '0', "{strange}: {name} is no regular file (type {kind:?})");
    ensure!(header(name, size, time)? == *block, "{strange}: the header of {name} says more than name, size and time");
    Ok((Member { name: name.to_owned(), size, offset }, time))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn archive(members: &[(&str, &[u8])]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (name, content) in members {
            bytes.extend(header(name, content.len() as u64, 7).unwrap());
            bytes.extend(*content);
            bytes.extend(vec![0; padding(content.len() as u64)]);
        }
        bytes.extend(END);
        bytes
    }

    fn read(bytes: &[u8]) -> Result<Archive> {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        file.rewind().unwrap();
        Archive::read(file)
    }

    fn refusal(bytes: &[u8]) -> String {
        read(bytes).err().map(|error| error.to_string()).unwrap_or_default()
    }

    #[test]
    fn what_is_written_is_read() {
        let long = vec![b'x'; 1025];
        let mut archive = read(&archive(&[("a", b""), ("b/c.pem", b"1"), ("d", &long)])).unwrap();
        let names: Vec<&str> = archive.members.iter().map(|member| member.name.as_str()).collect();
        assert_eq!((names, archive.time), (vec!["a", "b/c.pem", "d"], Some(7)));
        assert_eq!(archive.bytes("b/c.pem", 1).unwrap(), b"1");
        assert!(archive.bytes("d", 1024).is_err());
        let mut all = Vec::new();
        archive.reader("d").unwrap().read_to_end(&mut all).unwrap();
        assert_eq!(all, long);
    }

    #[test]
    fn attack_every_changed_bit_of_a_header_or_padding_is_refused_or_seen() {
        let sound = archive(&[("a", b"1"), ("b", b"2")]);
        let known = read(&sound).unwrap().members;
        for at in (0..sound.len()).filter(|at| at % 1024 != BLOCK || *at >= 2048) {
            for bit in 0..8 {
                let mut changed = sound.clone();
                changed[at] ^= 1 << bit;
                if let Ok(archive) = read(&changed) {
                    assert_ne!((archive.members, archive.time), (known.clone(), Some(7)), "bit {bit} of {at}");
                }
            }
        }
    }

    #[test]
    fn attack_names_that_lead_elsewhere_have_no_header() {
        let long = "x".repeat(101);
        for name in ["", "/a", "a/", "../a", "a/../b", "a//b", ".", "a/.", "a\\b", "a b", "ü", &long] {
            assert!(header(name, 0, 0).is_err(), "{name:?}");
        }
        let mut planted = archive(&[("aa/b", b"")]);
        planted[..4].copy_from_slice(b"../b");
        assert!(refusal(&planted).contains("its name is \"../b\""), "{}", refusal(&planted));
    }

    #[test]
    fn attack_links_and_long_names_and_other_kinds_are_refused() {
        for kind in [b'1', b'2', b'3', b'5', b'7', b'L', b'K', b'x', b'g', b'S', 0] {
            let mut planted = archive(&[("a", b"")]);
            planted[156] = kind;
            assert!(refusal(&planted).contains("no regular file"), "{}", refusal(&planted));
        }
    }

    #[test]
    fn attack_names_twice_or_out_of_order_are_refused() {
        assert!(refusal(&archive(&[("a", b"1"), ("a", b"2")])).contains("a stands twice"));
        assert!(refusal(&archive(&[("b", b"1"), ("a", b"2")])).contains("order"));
    }

    #[test]
    fn attack_cut_and_extended_archives_are_refused() {
        let sound = archive(&[("a", b"1")]);
        for length in 0..sound.len() {
            assert!(!refusal(&sound[..length]).is_empty(), "{length}");
        }
        assert!(refusal(&[&sound[..], b"x"].concat()).contains("behind its end"));
        assert!(refusal(&[&sound[..], &[0; BLOCK]].concat()).contains("behind its end"));
    }
}
