//! What the router itself answers, each with its status and code. One way from refusal to problem.

use http::StatusCode;
use service_kit::Problem;
use service_kit::token::TokenError;

/// Why a request gets an answer of the router's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    /// 431.
    #[error("the request's head is larger than 32 KiB")]
    HeadTooLarge,
    /// 408.
    #[error("the request's head did not arrive in time")]
    HeadTooSlow,
    /// 414.
    #[error("the path with its query is longer than 8 KiB")]
    UriTooLong,
    /// 400: two readers could understand the request differently.
    #[error("{0}")]
    BadRequest(&'static str),
    /// 405.
    #[error("GET, HEAD, POST, PUT, PATCH, DELETE and OPTIONS are allowed")]
    Method,
    /// 404: not a path of the API.
    #[error("the API is at /v1 and /trpc, its description at /openapi.json and /docs")]
    NotFound,
    /// 401.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// 403.
    #[error("X-Institution-Id differs from the token's institution")]
    InstitutionMismatch,
    /// 401: `/oauth/token` without a usable client id. In the body it is of no use: the request is sent on before its
    /// body is read.
    #[error(
        "HTTP basic authentication with a client id that begins with its institution's id is expected, not client_id in the body"
    )]
    ClientId,
    /// 413: a body of who has no token yet.
    #[error("the body of a request without a token is larger than 4 KiB")]
    TokenBodyTooLarge,
    /// 413.
    #[error("the body is larger than 8 MiB")]
    BodyTooLarge,
    /// 408.
    #[error("the body did not arrive in time")]
    BodyTooSlow,
    /// 404: no shard knows the institution.
    #[error("no shard knows the token's institution")]
    InstitutionUnknown,
    /// 503: nothing was applied.
    #[error("no node of the institution's shard can be reached now; nothing was applied")]
    ShardUnavailable,
    /// 503: nothing was applied, because no time was left.
    #[error("the request's deadline passed before a node could be asked; nothing was applied")]
    DeadlinePassed,
    /// 503: nothing was applied; the body is too large to be sent again.
    #[error(
        "the institution has just moved, and the body is too large to be sent on; nothing was applied"
    )]
    NotReplayable,
    /// 502: it may have been applied.
    #[error(
        "the connection to the node broke; repeat it with the same Idempotency-Key to learn what became of it"
    )]
    OutcomeUnknown,
    /// 500.
    #[error("the request could not be handled")]
    Internal,
}

impl Refusal {
    /// The problem that the client sees, without the request's id.
    pub(crate) fn problem(self) -> Problem {
        let (status, code, title) = self.parts();
        let problem = match self {
            Self::Token(error) => Problem::from(error),
            Self::Internal => Problem::internal(),
            // As clients of OAuth read it (RFC 6749, 5.2).
            Self::ClientId => Problem::new(status, code, title)
                .detail(self.to_string())
                .with("error", "invalid_client")
                .with("error_description", self.to_string()),
            _ => Problem::new(status, code, title).detail(self.to_string()),
        };
        match self {
            Self::ShardUnavailable | Self::DeadlinePassed | Self::NotReplayable => {
                problem.retry_after_s(1)
            }
            _ => problem,
        }
    }

    fn parts(self) -> (StatusCode, &'static str, &'static str) {
        use StatusCode as S;
        match self {
            Self::HeadTooLarge => {
                (S::REQUEST_HEADER_FIELDS_TOO_LARGE, "head-too-large", "Request head is too large")
            }
            Self::HeadTooSlow => (S::REQUEST_TIMEOUT, "head-too-slow", "Head is too slow"),
            Self::UriTooLong => (S::URI_TOO_LONG, "uri-too-long", "Path is too long"),
            Self::BadRequest(_) => (S::BAD_REQUEST, "bad-request", "Request is ambiguous"),
            Self::Method => (S::METHOD_NOT_ALLOWED, "method-not-allowed", "Method is not allowed"),
            Self::NotFound => (S::NOT_FOUND, "not-found", "Nothing is here"),
            Self::Token(error) => (S::UNAUTHORIZED, error.code(), "A valid bearer token is needed"),
            Self::InstitutionMismatch => {
                (S::FORBIDDEN, "institution-mismatch", "Another institution than the token's")
            }
            Self::ClientId => (S::UNAUTHORIZED, "client-id", "Client id is missing or malformed"),
            Self::BodyTooLarge | Self::TokenBodyTooLarge => {
                (S::PAYLOAD_TOO_LARGE, "body-too-large", "Body is too large")
            }
            Self::BodyTooSlow => (S::REQUEST_TIMEOUT, "body-too-slow", "Body is too slow"),
            Self::InstitutionUnknown => {
                (S::NOT_FOUND, "institution-unknown", "Institution is not known")
            }
            Self::ShardUnavailable => {
                (S::SERVICE_UNAVAILABLE, "shard-unavailable", "Shard is not available")
            }
            Self::NotReplayable => {
                (S::SERVICE_UNAVAILABLE, "cutover-timeout", "Institution is being moved")
            }
            Self::DeadlinePassed => {
                (S::SERVICE_UNAVAILABLE, "overloaded", "Too much is going on right now")
            }
            Self::OutcomeUnknown => (S::BAD_GATEWAY, "outcome-unknown", "Outcome is not known"),
            Self::Internal => (S::INTERNAL_SERVER_ERROR, "internal", "Something went wrong"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_have_the_codes_of_the_wire_page() {
        for (refusal, status, code) in [
            (Refusal::Token(TokenError::Missing), 401, "token-missing"),
            (Refusal::ClientId, 401, "client-id"),
            (Refusal::InstitutionMismatch, 403, "institution-mismatch"),
            (Refusal::InstitutionUnknown, 404, "institution-unknown"),
            (Refusal::OutcomeUnknown, 502, "outcome-unknown"),
            (Refusal::ShardUnavailable, 503, "shard-unavailable"),
            (Refusal::NotReplayable, 503, "cutover-timeout"),
        ] {
            let problem = refusal.problem();
            assert_eq!((problem.status, problem.code.as_ref()), (status, code));
        }
    }

    #[test]
    fn a_503_says_when_to_try_again() {
        assert_eq!(Refusal::ShardUnavailable.problem().retry_after_s, Some(1));
        assert_eq!(Refusal::NotReplayable.problem().retry_after_s, Some(1));
        assert_eq!(Refusal::OutcomeUnknown.problem().retry_after_s, None);
    }
}
