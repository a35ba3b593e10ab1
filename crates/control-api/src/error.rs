//! Why a call to the control plane failed.

use serde::{Deserialize, Serialize};

/// A problem as the control plane answered it (RFC 9457).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Refusal {
    /// The HTTP status.
    pub status: u16,
    /// The stable word that programs go by.
    pub code: String,
    /// What went wrong, in a few words.
    pub title: String,
    /// What went wrong this time.
    #[serde(default)]
    pub detail: Option<String>,
    /// One entry for each wrong field.
    #[serde(default)]
    pub errors: Vec<RefusedField>,
    /// The request that it answers, for the logs.
    #[serde(default)]
    pub request_id: Option<String>,
}

/// What is wrong with one field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedField {
    /// JSON pointer to it.
    pub pointer: String,
    /// The stable word.
    pub code: String,
    /// What is allowed.
    #[serde(default)]
    pub detail: Option<String>,
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}: ", self.status, self.code)?;
        f.write_str(self.detail.as_deref().unwrap_or(&self.title))?;
        for field in &self.errors {
            write!(f, "; {}: {}", field.pointer, field.detail.as_deref().unwrap_or(&field.code))?;
        }
        Ok(())
    }
}

/// Why a call failed. Each names the component and the URL.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The settings make no client.
    #[error("control plane {url}: the client cannot be made: {reason}")]
    Setup {
        /// Its URL in the settings.
        url: String,
        /// What is wrong.
        reason: String,
    },
    /// No answer: not there, or cut off, or past the deadline.
    #[error("control plane, {method} {url}: {reason}")]
    Unreachable {
        /// The method.
        method: String,
        /// The URL.
        url: String,
        /// Why, in words.
        reason: String,
    },
    /// It refused.
    #[error("control plane, {method} {url}: {refusal}")]
    Refused {
        /// The method.
        method: String,
        /// The URL.
        url: String,
        /// What it said.
        refusal: Refusal,
    },
    /// It answered something that this build does not understand.
    #[error(
        "control plane, {method} {url}: status {status} with an answer that is not understood: {reason}"
    )]
    Garbled {
        /// The method.
        method: String,
        /// The URL.
        url: String,
        /// The HTTP status.
        status: u16,
        /// What is wrong with it.
        reason: String,
    },
}

impl ClientError {
    /// The problem, if the control plane answered one.
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Refused { refusal, .. } => Some(refusal),
            _ => None,
        }
    }

    /// Whether it did not answer, or said that it cannot now: the same call may do later.
    pub fn is_passing(&self) -> bool {
        self.is_unreachable() || self.refusal().is_some_and(|refusal| refusal.status == 503)
    }

    /// Whether the control plane did not answer at all.
    pub fn is_unreachable(&self) -> bool {
        matches!(self, Self::Unreachable { .. })
    }
}
