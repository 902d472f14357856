//! What Lambda is told of an invocation that failed.

use std::fmt;

use lambda_runtime::Diagnostic;

/// An invocation that failed. Its kind and its text go to whoever invoked the function, and with the event to the dead
/// letters.
#[derive(Debug, Clone)]
pub struct Failed {
    kind: &'static str,
    text: String,
}

impl Failed {
    /// The event is none that this function takes.
    pub(crate) fn event(text: impl fmt::Display) -> Self {
        Self { kind: "UnknownEvent", text: text.to_string() }
    }

    /// Settings cannot be had, so that nothing can be done.
    pub(crate) fn settings(text: impl fmt::Display) -> Self {
        Self { kind: "Settings", text: text.to_string() }
    }

    /// What was asked for was not done.
    pub(crate) fn work(text: impl fmt::Display) -> Self {
        Self { kind: "NotDone", text: text.to_string() }
    }
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl From<Failed> for Diagnostic {
    fn from(Failed { kind, text }: Failed) -> Self {
        Self { error_type: kind.to_owned(), error_message: text }
    }
}
