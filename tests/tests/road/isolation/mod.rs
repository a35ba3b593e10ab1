//! S1 and S10: one institution's token on another's ids, in path, query, body, bulk and batch of every operation
//! that the document has; and SQL without a tenant, on every table that has an institution.

mod document;
mod operations;
mod sql;
mod things;
