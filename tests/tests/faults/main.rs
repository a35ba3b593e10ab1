//! Faults: a part of the platform is killed, frozen, cut off or restarted under load, and the history of what was
//! asked and answered is checked afterwards.
//!
//! Each test stops parts, so each has a platform of its own; nextest runs them one at a time (.config/nextest.toml).
//! `make soak` runs the same with more repetitions and for longer.

mod control_plane;
mod cut_off;
mod deadline;
mod exam_day;
mod jobs;
mod killed;
mod marked;
mod moves;
mod older_copy;
mod rebalance;
mod redis;
mod replica;
mod restart;
mod shard_down;
