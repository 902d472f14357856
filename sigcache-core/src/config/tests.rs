use std::collections::BTreeSet;

use super::{formats, keys, resources, settings, top};

const EXAMPLE: &str = include_str!("../../../sigcache.example.toml");

/// Every word of the parser, by the tables that it may stand in.
fn words() -> Vec<&'static str> {
    let tables = [
        top::TOP,
        top::STORE,
        top::RUN,
        settings::SETTINGS,
        keys::KEY,
        resources::RESOURCE,
        resources::COLLECTION,
        formats::CLAIMS,
    ];
    tables
        .into_iter()
        .chain(formats::EVERY_WORD.iter().copied())
        .flatten()
        .copied()
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect()
}

#[test]
fn the_example_has_every_word() {
    for word in words() {
        let stands = |line: &str| {
            let line = line.strip_prefix('#').filter(|rest| !rest.starts_with(' ')).unwrap_or(line);
            let table = [format!("[{word}]"), format!("[{word}."), format!("[[{word}]]"), format!(".{word}]")];
            let value = [format!(" {word} = "), format!("{{ {word} = ")];
            line.starts_with(&format!("{word} = "))
                || (!line.starts_with("# ") && table.iter().chain(&value).any(|text| line.contains(text)))
        };
        assert!(EXAMPLE.lines().any(stands), "`{word}` is not in sigcache.example.toml");
    }
}
