//! Errors and exit codes: the one place that turns results into what the shell sees.

use std::{fmt, process::ExitCode};

use sigcache_core::{Error, config::ConfigError, read::ReadError, store::StoreError};

use crate::output::plain;

/// How a command ended when it did end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Everything is as it should be.
    Good,
    /// Something is not.
    NotGood,
    /// The store failed in the course of it; what was decided was printed.
    StoreFailed,
    /// The configuration or the catalog is at fault; what was found was printed.
    Misconfigured,
    /// Who read the document left before its end (`| head`). Said in no words, by the code of a program that SIGPIPE
    /// ends.
    ReaderLeft,
}

impl From<Ending> for ExitCode {
    fn from(ending: Ending) -> Self {
        Self::from(match ending {
            Ending::Good => 0,
            Ending::NotGood => 1,
            Ending::Misconfigured => 2,
            Ending::StoreFailed => 3,
            Ending::ReaderLeft => 141,
        })
    }
}

/// Why a command did not run to its end.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) code: u8,
    pub(crate) error: anyhow::Error,
}

impl Fault {
    /// Wrong usage, configuration or key file: exit code 2.
    pub(crate) fn usage(error: impl Into<anyhow::Error>) -> Self {
        Self { code: 2, error: error.into() }
    }

    /// The sentence, then every cause, one a line. Only the report on a configuration, which is the user's own, has
    /// line breaks of its own; what a store says may not play with the terminal.
    pub(crate) fn lines(&self) -> Vec<String> {
        let line = |cause: &(dyn std::error::Error + 'static)| {
            let text = cause.to_string();
            if cause.is::<ConfigError>() {
                text.lines().map(plain).collect::<Vec<_>>().join("\n")
            } else {
                plain(&text).into_owned()
            }
        };
        self.error.chain().map(line).collect()
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.lines().join("\n  because: "))
    }
}

/// A damaged catalog needs a person, as a wrong configuration does; an unreachable store needs time.
fn store_code(error: &StoreError) -> u8 {
    if error.is_retryable() || error.is_absence() { 3 } else { 2 }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        Self { code: store_code(&error), error: error.into() }
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        let code = match &error {
            Error::Store { source, .. } => store_code(source),
            Error::Names(_) => 2,
            _ => 1,
        };
        Self { code, error: error.into() }
    }
}

impl From<ConfigError> for Fault {
    fn from(error: ConfigError) -> Self {
        Self::usage(error)
    }
}

impl From<ReadError> for Fault {
    fn from(error: ReadError) -> Self {
        let code = match &error {
            ReadError::Store(source) => store_code(source),
            _ => 1,
        };
        Self { code, error: error.into() }
    }
}
