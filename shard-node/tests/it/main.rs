//! The node against a real Postgres: the guard by SQL, the API through HTTP.

mod academic;
mod audit;
mod catalogue;
mod conditions;
mod disconnects;
mod docs;
mod enrollments;
mod events;
mod guard;
mod heartbeat;
mod hostile;
mod idempotency;
mod last_walls;
mod lease;
mod limits;
mod park;
mod primary;
mod programs;
mod redis_faults;
mod references;
mod replicas;
mod shares;
mod support;
mod templates;
mod terms;
mod trpc;
