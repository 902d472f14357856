use std::collections::BTreeSet;

use super::{formats, keys, resources, serve, settings, store, top};

const EXAMPLE: &str = include_str!("../../../sigcache.example.toml");

/// Every word of the parser, by the tables that it may stand in.
fn words() -> Vec<&'static str> {
    let tables = [
        top::TOP,
        store::STORE,
        top::RUN,
        serve::SERVE,
        settings::SETTINGS,
        keys::KEY,
        resources::RESOURCE,
        resources::COLLECTION,
        formats::VERIFY,
        formats::CLAIMS,
    ];
    #[cfg(feature = "alerts")]
    let tables: Vec<_> = tables.into_iter().chain([super::alerts::ALERT]).collect();
    let formats = formats::FORMATS.iter().flat_map(|(_, (words, _))| words.iter().copied());
    tables.into_iter().chain(formats).flatten().copied().collect::<BTreeSet<_>>().into_iter().collect()
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

#[test]
fn every_format_has_its_page_with_exactly_its_words() {
    let docs = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/formats");
    let mut pages = std::collections::BTreeMap::<&str, BTreeSet<&str>>::new();
    for (format, (words, _)) in formats::FORMATS {
        let page = if matches!(*format, "saml-metadata" | "xmldsig") { "xml" } else { *format };
        let own = words.iter().copied().flatten().filter(|word| !formats::VERIFY.contains(word));
        pages.entry(page).or_default().extend(own);
    }
    for (page, words) in pages {
        let text = std::fs::read_to_string(docs.join(page).with_extension("md")).unwrap_or_default();
        assert!(text.contains("## What is refused") && text.contains("## What is evidence"), "{page}.md lacks a part");
        // The first table of a page is that of the words; what every `verify` has need not be in it.
        let table =
            text.lines().skip_while(|line| !line.starts_with("| word")).take_while(|line| line.starts_with('|'));
        let cells = table.filter_map(|line| line.split('|').nth(1));
        let told: BTreeSet<&str> = cells.flat_map(|cell| cell.split('`').skip(1).step_by(2)).collect();
        let told: BTreeSet<&str> = told.into_iter().filter(|word| !formats::VERIFY.contains(word)).collect();
        assert_eq!(told, words, "the words in docs/formats/{page}.md");
    }
}
