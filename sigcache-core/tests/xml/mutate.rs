//! Random changes to signed documents: some break them, some only say the same in other bytes.

use crate::generate::Random;

/// What is put in somewhere.
const PIECES: &[&str] = &[
    " ",
    "\n",
    "\r",
    "\r\n",
    "\t",
    "\u{c}",
    "\u{a0}",
    "\0",
    "x",
    "<",
    ">",
    "&",
    "\"",
    "'",
    "=",
    "/",
    "]]>",
    "<!-- -->",
    "<?x?>",
    "&#32;",
    "&#13;",
    "&amp;",
    "<![CDATA[]]>",
    "<![CDATA[ ]]>",
    "<x/>",
    "<x xmlns=''/>",
    " xmlns:zz='urn:zz'",
    " xmlns=''",
    " xml:lang='en'",
    " Id='_e1'",
    " ID='list'",
    " id='x1'",
    "<!DOCTYPE x>",
    "\u{feff}",
    "<ds:Object/>",
    "AAAA",
    "é",
];

/// What is exchanged for something that may mean the same.
const EXCHANGES: &[(&str, &str)] = &[
    ("\n", "\r\n"),
    ("\n", "\r"),
    ("\n", "&#10;"),
    (" ", "&#32;"),
    (" ", "\n"),
    (" ", "\t"),
    (" ", "  "),
    ("/>", " />"),
    (">", " >"),
    ("=\"", " = \""),
    ("UTF-8", "utf-8"),
    ("UTF-8", "ISO-8859-1"),
    ("standalone=\"no\"", "standalone=\"yes\""),
    ("?>", " ?>"),
    ("&lt;", "&#60;"),
    ("&amp;", "&#x26;"),
    ("&amp;", "<![CDATA[&]]>"),
    ("e", "&#101;"),
    ("m", "<![CDATA[m]]>"),
    ("http", "&#104;ttp"),
    ("</", "<![CDATA[]]></"),
    ("ds:", "dsig:"),
    ("sha256", "sha512"),
    ("exc-c14n#", "exc-c14n#WithComments"),
    ("REC-xml-c14n-20010315", "REC-xml-c14n-20010315#WithComments"),
    ("#_e1", ""),
    ("URI=\"\"", "URI=\"#_e1\""),
    ("MII", "MI\nI"),
    ("==", "="),
    ("=</", "</"),
    ("unused", "other"),
    ("\"", "'"),
];

/// A document with one to three random changes.
pub(crate) fn mutate(random: &mut Random, document: &[u8]) -> Vec<u8> {
    let mut bytes = document.to_vec();
    for _ in 0..=random.below(3) {
        match random.below(12) {
            0 => flip(random, &mut bytes),
            1 => remove(random, &mut bytes),
            2 => repeat(random, &mut bytes),
            3 => insert(random, &mut bytes),
            4 => quotes(random, &mut bytes),
            5 => attributes(random, &mut bytes),
            6 => insert_between_tags(random, &mut bytes),
            _ => exchange(random, &mut bytes),
        }
        if bytes.is_empty() {
            break;
        }
    }
    bytes
}

fn flip(random: &mut Random, bytes: &mut [u8]) {
    let at = random.below(bytes.len());
    bytes[at] ^= 1 << random.below(8);
}

fn remove(random: &mut Random, bytes: &mut Vec<u8>) {
    let at = random.below(bytes.len());
    let end = (at + 1 + random.below(6)).min(bytes.len());
    bytes.drain(at..end);
}

fn repeat(random: &mut Random, bytes: &mut Vec<u8>) {
    let at = random.below(bytes.len());
    let end = (at + 1 + random.below(300)).min(bytes.len());
    let part = bytes[at..end].to_vec();
    let to = random.below(bytes.len());
    bytes.splice(to..to, part);
}

fn insert(random: &mut Random, bytes: &mut Vec<u8>) {
    let at = random.below(bytes.len() + 1);
    bytes.splice(at..at, random.pick(PIECES).bytes());
}

/// Where a tag ends or begins, which is where a piece is most likely to be well formed.
fn insert_between_tags(random: &mut Random, bytes: &mut Vec<u8>) {
    let Some(at) = nth(random, bytes, b"<") else { return };
    bytes.splice(at..at, random.pick(PIECES).bytes());
}

fn exchange(random: &mut Random, bytes: &mut Vec<u8>) {
    let (old, new) = EXCHANGES[random.below(EXCHANGES.len())];
    let (old, new) = if random.one_in(4) { (new, old) } else { (old, new) };
    let Some(at) = nth(random, bytes, old.as_bytes()) else { return };
    bytes.splice(at..at + old.len(), new.bytes());
}

/// The other quotes around a value.
fn quotes(random: &mut Random, bytes: &mut [u8]) {
    let Some(at) = nth(random, bytes, b"=\"") else { return };
    let Some(length) = bytes[at + 2..].iter().position(|byte| *byte == b'"') else { return };
    bytes[at + 1] = b'\'';
    bytes[at + 2 + length] = b'\'';
}

/// Two attributes that stand beside one another, the other way round.
fn attributes(random: &mut Random, bytes: &mut Vec<u8>) {
    let Some(first) = nth(random, bytes, b"\" ") else { return };
    let begin = bytes[..first].iter().rposition(|byte| *byte == b' ').map_or(0, |at| at + 1);
    let rest = &bytes[first + 2..];
    let Some(open) = rest.iter().position(|byte| *byte == b'"') else { return };
    let Some(close) = rest[open + 1..].iter().position(|byte| *byte == b'"') else { return };
    let end = first + 2 + open + 1 + close + 1;
    let (one, two) = (bytes[begin..=first].to_vec(), bytes[first + 2..end].to_vec());
    bytes.splice(begin..end, [&two, &b" "[..], &one].concat());
}

/// One of the places at which `what` stands.
fn nth(random: &mut Random, bytes: &[u8], what: &[u8]) -> Option<usize> {
    let places: Vec<usize> =
        (0..bytes.len().saturating_sub(what.len())).filter(|at| bytes[*at..].starts_with(what)).collect();
    (!places.is_empty()).then(|| places[random.below(places.len())])
}
