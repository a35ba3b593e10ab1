//! Statistics of a program, over its newest curriculum.
//!
//! The courses are those of the curriculum, the classes those of the courses, the enrolments those of the
//! classes. Cached for 300 s and made stale by enrolment; so never wrong for longer than that.

use std::time::Duration;

use chrono::{DateTime, Utc};
use rust_decimal::{Decimal, RoundingStrategy};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::store;
use crate::cache::{Encoded, Key};
use crate::error::{Error, not_found};
use crate::operation::Reader;

const CACHE_TTL: Duration = Duration::from_mins(5);

/// The numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProgramStats {
    /// Distinct students that are ACTIVE or SUSPENDED in one of its classes.
    pub student_count: i64,
    /// Courses of its curriculum.
    pub course_count: i64,
    /// Classes of these courses that are ACTIVE.
    pub active_classes: i64,
    /// COMPLETED of all that are COMPLETED, DROPPED, WITHDRAWN, ACTIVE or SUSPENDED, to 4 decimals; null
    /// where there are none.
    #[serde(with = "rust_decimal::serde::float_option")]
    #[schema(value_type = Option<f64>)]
    pub completion_rate: Option<Decimal>,
    /// When they were counted.
    pub as_of: DateTime<Utc>,
}

/// The numbers of one program; 404 where there is none.
pub(super) async fn get(reader: &Reader, program: Uuid) -> Result<Encoded<ProgramStats>, Error> {
    let count = || async {
        let mut tx = reader.begin().await?;
        let row = store::stats(&mut tx, program).await?;
        tx.commit().await?;
        Ok(row.map(|row| ProgramStats {
            student_count: row.students,
            course_count: row.courses,
            active_classes: row.active_classes,
            completion_rate: rate(row.completed, row.counted),
            as_of: reader.node.now(),
        }))
    };
    if !reader.caller.cached {
        return Encoded::encode(&count().await?.ok_or_else(|| not_found("program"))?);
    }
    let item = program.to_string();
    let key = Key {
        institution: reader.caller.institution,
        epoch: reader.caller.epoch,
        entity: "program-stats",
        item: &item,
    };
    reader.node.cache.get_or_load(key, CACHE_TTL, count).await?.ok_or_else(|| not_found("program"))
}

fn rate(completed: i64, counted: i64) -> Option<Decimal> {
    let rate = Decimal::from(completed).checked_div(Decimal::from(counted))?;
    Some(rate.round_dp_with_strategy(4, RoundingStrategy::MidpointAwayFromZero))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_has_four_decimals_and_is_null_of_nothing() {
        assert_eq!(rate(0, 0), None);
        assert_eq!(rate(2, 3), Some(Decimal::new(6667, 4)));
        assert_eq!(rate(0, 7), Some(Decimal::ZERO));
    }
}
