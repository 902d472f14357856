//! A message to a program.

use std::{fmt, process::Stdio, time::Duration};

use async_trait::async_trait;
use tokio::{io::AsyncWriteExt as _, process};

use super::{
    channel::{Channel, DeliveryError},
    notice::Notice,
};
use crate::fetch::Retry;

/// The most time that a program may take.
const LONGEST: Duration = Duration::from_secs(30);

/// Starts a program, without a shell, which gets the message as JSON on its standard input. It has delivered the message
/// if it ends with code 0 within half a minute; else it is killed. What it prints is not kept, as it may be anything.
#[derive(Clone)]
pub struct Command {
    program: String,
    arguments: Vec<String>,
    longest: Duration,
}

impl Command {
    /// The program at this path, with these arguments.
    pub fn new(program: &str, arguments: impl IntoIterator<Item = String>) -> Self {
        Self { program: program.to_owned(), arguments: arguments.into_iter().collect(), longest: LONGEST }
    }

    /// With another limit of time.
    pub fn with_limit(mut self, longest: Duration) -> Self {
        self.longest = longest;
        self
    }
}

/// An argument may be a secret.
impl fmt::Debug for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Command").field("program", &self.program).finish_non_exhaustive()
    }
}

#[async_trait]
impl Channel for Command {
    fn fault(&self) -> Option<String> {
        match std::fs::metadata(&self.program) {
            Ok(found) if found.is_file() => None,
            Ok(_) => Some("the command is not a file".to_owned()),
            Err(error) => Some(format!("the command cannot be started: {error}")),
        }
    }

    async fn deliver(&self, notice: &Notice) -> Result<(), DeliveryError> {
        let text = serde_json::to_vec(notice).map_err(|error| DeliveryError::new(&error.to_string(), Retry::No))?;
        let mut command = process::Command::new(&self.program);
        command.args(&self.arguments).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let failed = |what: &str, error: std::io::Error| DeliveryError::new(&format!("{what}: {error}"), Retry::Yes);
        let mut child =
            command.kill_on_drop(true).spawn().map_err(|error| failed("the command cannot be started", error))?;
        let mut input = child.stdin.take();
        let work = async {
            let fed = async {
                if let Some(mut input) = input.take() {
                    // A program that does not read what it is told may still do what it is for.
                    let _ = input.write_all(&text).await;
                }
            };
            futures_util::future::join(fed, child.wait()).await.1
        };
        match tokio::time::timeout(self.longest, work).await {
            Ok(Ok(status)) if status.success() => Ok(()),
            Ok(Ok(status)) => Err(DeliveryError::new(&format!("the command ended with {status}"), Retry::Yes)),
            Ok(Err(error)) => Err(failed("the command cannot be waited for", error)),
            // Dropping it kills it.
            Err(_) => {
                Err(DeliveryError::new(&format!("the command did not end within {:?}", self.longest), Retry::Yes))
            }
        }
    }
}
