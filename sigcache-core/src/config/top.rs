//! The whole file, table by table.

use std::path::Path;

use toml::de::{DeTable, DeValue};

use super::{
    Config,
    build::{Build, Env},
    problem::{ConfigError, Problems},
    resources::{COLLECTION, MAX_FILE_BYTES, RESOURCE},
    settings::{SETTINGS, Settings},
    table::{Table, Value, conceal_secrets, kind, wrong},
    units::{self, Share},
};

/// Every table of the file.
pub(super) const TOP: &[&str] = &[
    "store",
    "run",
    "serve",
    "defaults",
    "keys",
    "resource",
    "collection",
    #[cfg(feature = "alerts")]
    "alert",
];

/// Every word that may stand in `[run]`.
pub(super) const RUN: &[&str] = &["concurrency", "per_host", "removal_limit"];

pub(super) fn read(text: &str, file: &str, folder: &Path, env: Env<'_>) -> Result<Config, ConfigError> {
    if text.len() > MAX_FILE_BYTES {
        return Err(ConfigError::file(file, format!("a configuration has at most {MAX_FILE_BYTES} bytes"), None));
    }
    let folder = std::path::absolute(folder)
        .map_err(|error| ConfigError::file(file, "the folder of the configuration is unknown", Some(error)))?;
    let mut problems = Problems::new(file, text);
    let document = match DeTable::parse(text) {
        Ok(document) => document,
        Err(error) => {
            // Without the line: what is broken in it may be a secret.
            let span = error.span().unwrap_or(0..0);
            problems.at(span, format!("this is not TOML: {}", error.message())).without_line();
            return Err(problems.finish().err().unwrap_or_else(|| ConfigError::file(file, "this is not TOML", None)));
        }
    };
    conceal_secrets(document.get_ref(), &mut problems);
    let mut build = Build::new(problems, folder, env);
    let top = Table::new(document.get_ref(), 0..0, "the configuration", &[TOP], &mut build.problems);

    let store = build.store(&top);
    let (concurrency, per_host, removal_limit) = build.run(&top);
    let serve = build.serve(&top);
    if let Some(keys) = top.get("keys").and_then(|value| Table::open_free(value, "[keys]", &mut build.problems)) {
        build.read_keys(&keys);
    }
    let defaults = match top.get("defaults") {
        Some(value) => build.defaults(value),
        None => Settings::default(),
    };
    for value in build.tables(&top, "resource") {
        if let Some(table) = Table::open(value, "[[resource]]", &[RESOURCE, SETTINGS], &mut build.problems) {
            build.resource(&table, &defaults);
        }
    }
    for value in build.tables(&top, "collection") {
        if let Some(table) = Table::open(value, "[[collection]]", &[COLLECTION, SETTINGS], &mut build.problems) {
            build.collection(&table, &defaults);
        }
    }
    #[cfg(feature = "alerts")]
    let alerts = {
        let values = build.tables(&top, "alert");
        build.alerts(&values)
    };
    build.check_names();
    let anchored = build.resolve_anchors();
    if build.resources.is_empty() && anchored.is_empty() && build.problems.is_empty() {
        let expected = "at least one [[resource]], or a [[collection]] with a name in its list";
        build.problems.at(0..0, "there is nothing to fetch").expected(expected);
    }
    let files = build.files_read();
    build.problems.finish()?;
    let Some(store) = store else { return Err(ConfigError::file(file, "there is no store", None)) };
    let (resources, keys) = (build.resources, build.keys);
    Ok(Config {
        store,
        resources,
        anchored,
        keys,
        concurrency,
        per_host,
        removal_limit,
        serve,
        files,
        #[cfg(feature = "alerts")]
        alerts,
    })
}

impl Build<'_> {
    fn run(&mut self, top: &Table<'_>) -> (usize, usize, f64) {
        let value = top.get("run").and_then(|value| Table::open(value, "[run]", &[RUN], &mut self.problems));
        let Some(table) = value else { return (16, 4, Share::HALF.fraction()) };
        let problems = &mut self.problems;
        let concurrency = table.whole("concurrency", 1, 10_000, problems).unwrap_or(16);
        let per_host = table.whole("per_host", 1, 10_000, problems).unwrap_or(4);
        let removal_limit = table.parsed("removal_limit", units::SHARE, problems, units::share);
        (concurrency as usize, per_host as usize, removal_limit.unwrap_or(Share::HALF).fraction())
    }

    fn defaults(&mut self, value: &Value<'_>) -> Settings {
        let Some(table) = Table::open(value, "[defaults]", &[SETTINGS], &mut self.problems) else {
            return Settings::default();
        };
        self.default_verify = table.has("verify");
        Settings::read(&table, self)
    }

    /// The tables of `[[word]]`.
    fn tables<'t>(&mut self, top: &Table<'t>, word: &str) -> Vec<&'t Value<'t>> {
        let Some(value) = top.get(word) else { return Vec::new() };
        match value.get_ref() {
            DeValue::Array(items) => items.iter().collect(),
            DeValue::Table(_) => {
                let message = format!("[{word}] stands in single brackets");
                self.problems.at(value.span(), message).expected(format!("[[{word}]], as there may be more of them"));
                Vec::new()
            }
            other => {
                wrong(word, value, &format!("tables [[{word}]], not {}", kind(other)), &mut self.problems);
                Vec::new()
            }
        }
    }
}
