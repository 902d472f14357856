//! What can go wrong with a call.

use super::Action;

/// A call to AWS failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AwsError {
    /// Nothing says in which region.
    #[error("no region: set AWS_REGION")]
    NoRegion,
    /// What the environment says cannot be used.
    #[error("the settings of AWS in the environment cannot be used: {found}")]
    Unusable {
        /// Why.
        found: String,
    },
    /// This program was not made to make this call. Its role would not be permitted to.
    #[error("{action} is not among the calls of this program")]
    NotPlanned {
        /// The call.
        action: Action,
    },
    /// Nobody on whose behalf to call.
    #[error("{action}: no credentials: {found}")]
    NoCredentials {
        /// The call.
        action: Action,
        /// What was found.
        found: String,
    },
    /// The service did not answer.
    #[error("{action}: the service does not answer: {found}")]
    Unreachable {
        /// The call.
        action: Action,
        /// What was found.
        found: String,
    },
    /// The service answered that it will not.
    #[error("{action}: {status} {code}: {message}")]
    Refused {
        /// The call.
        action: Action,
        /// The status.
        status: u16,
        /// The error code of the service, such as `AccessDeniedException`.
        code: String,
        /// What it says of it.
        message: String,
    },
    /// The function that was invoked ended in an error.
    #[error("{action}: the function ended in an error ({kind}): {answer}")]
    FunctionFailed {
        /// The call.
        action: Action,
        /// `Unhandled` or `Handled`.
        kind: String,
        /// What it answered.
        answer: String,
    },
    /// The answer is not what the service documents.
    #[error("{action}: the answer cannot be read: {found}")]
    Unreadable {
        /// The call.
        action: Action,
        /// What was found.
        found: String,
    },
}

impl AwsError {
    pub(super) fn unusable(error: object_store::Error) -> Self {
        Self::Unusable { found: crate::error_chain(&error) }
    }

    pub(super) fn unreachable(action: Action, error: &dyn std::error::Error) -> Self {
        Self::Unreachable { action, found: crate::error_chain(error) }
    }

    /// The error code of the service.
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Refused { code, .. } => Some(code),
            _ => None,
        }
    }

    /// Whether the role lacks a permission.
    pub fn is_denied(&self) -> bool {
        matches!(self, Self::Refused { status: 401 | 403, .. })
            || self.code().is_some_and(|code| code.contains("AccessDenied"))
    }

    /// Whether what was asked for is not there.
    pub fn is_absence(&self) -> bool {
        let absent = |code: &str| code.contains("NotFound") || code.contains("NoSuch");
        matches!(self, Self::Refused { status: 404, .. }) || self.code().is_some_and(absent)
    }

    /// Whether there were too many calls.
    pub fn is_throttled(&self) -> bool {
        let slow = ["Throttl", "TooManyRequests", "SlowDown", "RequestLimitExceeded"];
        let throttled = |code: &str| slow.iter().any(|word| code.contains(word));
        matches!(self, Self::Refused { status: 429, .. }) || self.code().is_some_and(throttled)
    }

    /// Whether the same call may succeed a moment later.
    pub fn is_retryable(&self) -> bool {
        self.is_throttled() || matches!(self, Self::Unreachable { .. } | Self::Refused { status: 500.., .. })
    }
}
