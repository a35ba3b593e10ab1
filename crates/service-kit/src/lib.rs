//! What every service needs once: settings, logs, shutdown, the clock, problems, metrics, tokens, pools.
//!
//! What must stay true:
//! - One vocabulary of errors ([`Problem`]) leaves every service, as `application/problem+json`.
//! - Router and node verify a token by the same code ([`token`]).
//! - The wall clock is asked in one place ([`clock`]), the environment in one place ([`config`]).
//!
//! Left alone on purpose: anything that only one service needs.

pub mod admin;
pub mod clock;
pub mod config;
pub mod metrics;
pub mod postgres;
pub mod problem;
pub mod request_id;
pub mod samples;
pub mod shutdown;
pub mod telemetry;
pub mod tls;
pub mod token;

pub use problem::Problem;
