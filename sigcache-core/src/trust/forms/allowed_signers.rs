//! Allowed-signers files of OpenSSH (`ssh-keygen(1)`, "ALLOWED SIGNERS"): on each line whose a key is, what it may sign
//! and when, and the key. `PRINCIPALS [OPTIONS] TYPE BASE64 [COMMENT]`
//!
//! Everything on a line limits the key, so whatever is not understood refuses the whole file.

use super::ssh;
use crate::{
    time::Timestamp,
    trust::{
        key::{KeyError, PublicKey},
        known::damaged,
        label::{AllowedSigner, KeyLabel},
    },
};

const FORM: &str = "allowed-signers file";

/// One line.
pub(super) struct Signer {
    pub(super) key: PublicKey,
    pub(super) principals: String,
    pub(super) valid_after: Option<Timestamp>,
    pub(super) valid_before: Option<Timestamp>,
}

/// What stands between the principals and the key.
#[derive(Default)]
struct Options {
    namespaces: Option<String>,
    valid_after: Option<Timestamp>,
    valid_before: Option<Timestamp>,
}

/// Text in which the type of a key is the second or a later word of a line, and in no line the first.
pub(super) fn begins(file: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(file) else { return false };
    let mut lines = lines(text).map(|(_, line)| line.split([' ', '\t'])).peekable();
    lines.peek().is_some() && lines.all(|mut words| !words.next().is_some_and(ssh::is_type) && words.any(ssh::is_type))
}

pub(super) fn read(file: &[u8]) -> Result<Vec<Signer>, KeyError> {
    let text = std::str::from_utf8(file).map_err(|_| damaged(FORM, "not UTF-8"))?;
    let read = |(number, line)| signer(line).map_err(|fault| damaged(FORM, format!("line {number}: {fault}")));
    lines(text).map(read).collect()
}

/// The lines that say something, counted from 1 with those that do not.
fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = text.lines().enumerate().map(|(index, line)| (index + 1, line.trim_matches([' ', '\t'])));
    lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
}

fn signer(line: &str) -> Result<Signer, String> {
    let (principals, rest) = match line.strip_prefix('"') {
        Some(quoted) => quoted.split_once('"').ok_or("a quote without its end")?,
        None => line.split_once([' ', '\t']).ok_or("no key")?,
    };
    if principals.is_empty() || principals.contains(char::is_control) {
        return Err("no principals, or a control character in them".to_owned());
    }
    let rest = rest.trim_start_matches([' ', '\t']);
    let (options, key) = match rest.split([' ', '\t']).next() {
        Some(word) if ssh::is_type(word) => (Options::default(), rest),
        _ => options(rest)?,
    };
    let namespaces = options.namespaces.map(Into::into);
    let label = KeyLabel::Ssh(AllowedSigner { principals: principals.into(), namespaces });
    let key = ssh::line(key).map_err(|error| error.to_string())?.with_label(label).into();
    let (valid_after, valid_before) = (options.valid_after, options.valid_before);
    Ok(Signer { key, principals: principals.to_owned(), valid_after, valid_before })
}

/// The options at the beginning of `text`, and what is behind them.
fn options(text: &str) -> Result<(Options, &str), String> {
    let mut options = Options::default();
    let mut rest = text;
    loop {
        let end = rest.find(['=', ',', ' ', '\t']).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        let word = word.to_ascii_lowercase();
        if word == "cert-authority" {
            return Err("cert-authority: certificates are not understood here; name the keys themselves".to_owned());
        }
        let unknown = || format!("the option {word:?} is not known, or there is no key");
        let quoted = after.strip_prefix("=\"").ok_or_else(unknown)?;
        // OpenSSH lets a quote be escaped; no namespace and no time has one in it.
        let (value, after) = quoted.split_once('"').ok_or("a quote without its end")?;
        let twice = match word.as_str() {
            "namespaces" => options.namespaces.replace(value.to_owned()).is_some(),
            "valid-after" => options.valid_after.replace(time(value)?).is_some(),
            "valid-before" => options.valid_before.replace(time(value)?).is_some(),
            _ => return Err(unknown()),
        };
        if twice || value.is_empty() || value.contains('\\') {
            return Err(format!("{word} twice, empty, or with a backslash"));
        }
        match after.strip_prefix(',') {
            Some(next) => rest = next,
            None if after.starts_with([' ', '\t']) => return Ok((options, after)),
            None => return Err("something behind a quote".to_owned()),
        }
    }
}

/// `YYYYMMDD[HHMM[SS]]Z`. Without the Z, OpenSSH takes the time zone of the machine; here one file means one thing.
fn time(text: &str) -> Result<Timestamp, String> {
    let digits = text.strip_suffix('Z').filter(|digits| digits.bytes().all(|c| c.is_ascii_digit()));
    let whole = digits.filter(|digits| [8, 12, 14].contains(&digits.len())).map(|digits| format!("{digits:0<14}"));
    let time = whole.and_then(|whole| Timestamp::from_compact(&format!("{}T{}.000Z", &whole[..8], &whole[8..])));
    time.ok_or_else(|| "a time must be YYYYMMDDZ, YYYYMMDDHHMMZ or YYYYMMDDHHMMSSZ, in UTC as the Z says".to_owned())
}
