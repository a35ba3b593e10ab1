//! What a class's seats allow. Pure.

/// Fewer seats were asked for than are taken.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{seats_taken} seats are taken: {seats_taken} or more is expected")]
pub(super) struct BelowEnrolled {
    seats_taken: i32,
}

/// Whether a class may have so many seats, and whether some of them are new.
pub(super) fn change_capacity(
    from: i32,
    to: i32,
    seats_taken: i32,
) -> Result<Change, BelowEnrolled> {
    match to {
        _ if to > from => Ok(Change::MoreSeats),
        _ if to < seats_taken => Err(BelowEnrolled { seats_taken }),
        _ => Ok(Change::NoMoreSeats),
    }
}

/// What a change of capacity means for those who wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    /// There are seats that nobody had.
    MoreSeats,
    /// There are as many as before, or fewer.
    NoMoreSeats,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capacity_may_fall_to_the_seats_taken_and_no_further() {
        assert_eq!(change_capacity(60, 31, 31), Ok(Change::NoMoreSeats));
        assert_eq!(change_capacity(60, 30, 31), Err(BelowEnrolled { seats_taken: 31 }));
    }

    #[test]
    fn only_a_higher_capacity_brings_seats() {
        assert_eq!(change_capacity(60, 61, 60), Ok(Change::MoreSeats));
        assert_eq!(change_capacity(60, 60, 60), Ok(Change::NoMoreSeats));
    }
}
