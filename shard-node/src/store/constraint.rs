//! What a violated constraint means to the user.

use crate::error::{Error, taken, unknown_reference};

/// The meaning of one constraint of the schema.
pub struct Constraint {
    /// Its name in the database.
    pub name: &'static str,
    /// What it refuses.
    pub refuses: Refuses,
    /// JSON pointer to the member at fault.
    pub pointer: &'static str,
    /// What the member is, as a noun.
    pub what: &'static str,
}

/// What a constraint refuses.
pub enum Refuses {
    /// Another row has it: 409 with this code.
    Taken(&'static str),
    /// It refers to nothing: 404.
    Unknown,
}

impl Constraint {
    /// Another row has it: 409 with this code.
    pub const fn taken(
        name: &'static str,
        code: &'static str,
        pointer: &'static str,
        what: &'static str,
    ) -> Self {
        Self { name, refuses: Refuses::Taken(code), pointer, what }
    }

    /// It refers to nothing: 404.
    pub const fn unknown(name: &'static str, pointer: &'static str, what: &'static str) -> Self {
        Self { name, refuses: Refuses::Unknown, pointer, what }
    }
}

/// The user's error where a known constraint refused, else the database's.
pub fn explain(error: sqlx::Error, known: &[Constraint]) -> Error {
    let error = Error::from(error);
    let Some(name) = error.constraint() else { return error };
    match known.iter().find(|constraint| constraint.name == name) {
        Some(Constraint { refuses: Refuses::Taken(code), pointer, what, .. }) => {
            taken(code, pointer, what)
        }
        Some(Constraint { refuses: Refuses::Unknown, pointer, what, .. }) => {
            unknown_reference(*pointer, what).into()
        }
        None => error,
    }
}
