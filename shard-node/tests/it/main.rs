//! The node against a real Postgres: the guard by SQL, the API through HTTP.

mod academic;
mod guard;
mod programs;
mod support;
