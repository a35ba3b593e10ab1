//! `lxp local` over real processes. Each test kills or stops parts, so each has a platform of its own; nextest
//! runs them one at a time (.config/nextest.toml).

mod doctor;
mod life;
mod moves;
mod nodes;
mod shards;
mod start;
mod stop;
mod support;
