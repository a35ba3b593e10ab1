//! A meeting, new, changed and as it is read.

use std::time::Duration;

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use garde::Validate;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sqlx::FromRow;
use utoipa::ToSchema;
use utoipa::openapi::{RefOr, Schema};
use uuid::Uuid;

use crate::domain::checks::{one_of, valid_day};
use crate::resource::{Field, Kind, Resource, Scope, nullable};

/// A day of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
#[sqlx(type_name = "text", rename_all = "UPPERCASE")]
pub enum Day {
    /// Monday.
    Mon,
    /// Tuesday.
    Tue,
    /// Wednesday.
    Wed,
    /// Thursday.
    Thu,
    /// Friday.
    Fri,
    /// Saturday.
    Sat,
    /// Sunday.
    Sun,
}

impl Day {
    /// The word in JSON and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Mon => "MON",
            Self::Tue => "TUE",
            Self::Wed => "WED",
            Self::Thu => "THU",
            Self::Fri => "FRI",
            Self::Sat => "SAT",
            Self::Sun => "SUN",
        }
    }
}

/// A time of the day on the class's own clock, such as 09:30.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, sqlx::Type)]
#[sqlx(transparent)]
pub struct LocalTime(pub NaiveTime);

const FORM: &str = "%H:%M";

impl Serialize for LocalTime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0.format(FORM))
    }
}

impl<'de> Deserialize<'de> for LocalTime {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let of_form = text.len() == "09:30".len();
        let time = NaiveTime::parse_from_str(&text, FORM).ok().filter(|_| of_form);
        let expected = "a time from 00:00 to 23:59 such as 09:30 is expected";
        time.map(Self).ok_or_else(|| serde::de::Error::custom(expected))
    }
}

/// A weekly meeting of a class.
#[derive(Debug, Clone, Serialize, Deserialize, FromRow, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ClassMeeting {
    /// Its id.
    pub id: Uuid,
    /// The class.
    pub class_id: Uuid,
    /// The day of the week.
    #[schema(schema_with = weekday)]
    pub weekday: Day,
    /// When it begins, on the class's own clock.
    #[schema(value_type = String, example = "09:30")]
    pub starts: LocalTime,
    /// When it ends, on the same day.
    #[schema(value_type = String, example = "11:00")]
    pub ends: LocalTime,
    /// Where.
    pub room: Option<String>,
    /// The first day on which it may be held; the term's where null.
    pub from: Option<NaiveDate>,
    /// The last day; the term's where null.
    pub until: Option<NaiveDate>,
    /// The clock that its times are of: the class's, or the institution's.
    pub timezone: String,
    /// Raised by every change.
    pub row_version: i64,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was changed last.
    pub updated_at: DateTime<Utc>,
}

/// The class that a path names.
#[derive(Debug)]
pub struct OfClass;

impl Scope for OfClass {
    const NAME: &'static str = "classId";
}

/// A meeting to add.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewMeeting {
    /// The class.
    #[garde(skip)]
    pub class_id: Uuid,
    /// The day of the week.
    #[garde(skip)]
    #[schema(schema_with = weekday)]
    pub weekday: Day,
    /// When it begins, on the class's own clock.
    #[garde(skip)]
    #[schema(value_type = String, example = "09:30")]
    pub starts: LocalTime,
    /// When it ends, later on the same day.
    #[garde(custom(later_than(self.starts)))]
    #[schema(value_type = String, example = "11:00")]
    pub ends: LocalTime,
    /// Where.
    #[garde(length(chars, min = 1, max = 100))]
    pub room: Option<String>,
    /// The first day on which it may be held; the term's where absent.
    #[garde(inner(custom(valid_day)))]
    pub from: Option<NaiveDate>,
    /// The last day; the term's where absent.
    #[garde(inner(custom(valid_day)))]
    pub until: Option<NaiveDate>,
}

/// A change of a meeting; what is absent stays, what is null is cleared.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PatchMeeting {
    /// Which one.
    #[garde(skip)]
    pub id: Uuid,
    /// Another day of the week.
    #[garde(skip)]
    pub weekday: Option<Day>,
    /// Another beginning.
    #[garde(skip)]
    #[schema(value_type = Option<String>, example = "09:30")]
    pub starts: Option<LocalTime>,
    /// Another end.
    #[garde(skip)]
    #[schema(value_type = Option<String>, example = "11:00")]
    pub ends: Option<LocalTime>,
    /// Another room, or none.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<String>)]
    #[garde(inner(inner(length(chars, min = 1, max = 100))))]
    pub room: Option<Option<String>>,
    /// Another first day, or the term's.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<NaiveDate>)]
    #[garde(inner(inner(custom(valid_day))))]
    pub from: Option<Option<NaiveDate>>,
    /// Another last day, or the term's.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<NaiveDate>)]
    #[garde(inner(inner(custom(valid_day))))]
    pub until: Option<Option<NaiveDate>>,
}

impl PatchMeeting {
    /// The meeting as it is to be.
    pub fn apply_to(self, mut meeting: ClassMeeting) -> ClassMeeting {
        meeting.weekday = self.weekday.unwrap_or(meeting.weekday);
        meeting.starts = self.starts.unwrap_or(meeting.starts);
        meeting.ends = self.ends.unwrap_or(meeting.ends);
        meeting.room = self.room.unwrap_or(meeting.room);
        meeting.from = self.from.unwrap_or(meeting.from);
        meeting.until = self.until.unwrap_or(meeting.until);
        meeting
    }
}

fn weekday() -> RefOr<Schema> {
    one_of("The day of the week.", &["MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"])
}

fn later_than<C>(starts: LocalTime) -> impl FnOnce(&LocalTime, &C) -> garde::Result {
    move |ends, _| {
        if *ends > starts {
            return Ok(());
        }
        Err(garde::Error::new("a time after `starts` is expected, on the same day"))
    }
}

impl Resource for ClassMeeting {
    const ENTITY: &'static str = "class_meetings";
    const KIND: &'static str = "CLASS_MEETING";
    const TOUCHES: &'static [&'static str] = &[];
    const NOUN: &'static str = "meeting";
    const SELECT: &'static str = "SELECT t.id, t.class_id, t.weekday, t.starts, t.ends, t.room, t.from_on AS \"from\", \
        t.until_on AS until, coalesce(c.timezone, i.timezone) AS timezone, t.row_version, t.created_at, t.updated_at \
        FROM class_meetings t \
        JOIN classes c ON c.institution_id = t.institution_id AND c.id = t.class_id \
        JOIN institutions i ON i.institution_id = t.institution_id AND i.id = t.institution_id";
    const FIELDS: &'static [Field] = &[
        Field::sort("id", "t.id", Kind::Uuid),
        Field::reference("classId", "t.class_id", "classes", "class"),
        Field::sort("createdAt", "t.created_at", Kind::Timestamp),
    ];
    const MEMBERS: &'static [&'static str] = &[
        "id",
        "classId",
        "weekday",
        "starts",
        "ends",
        "room",
        "from",
        "until",
        "timezone",
        "rowVersion",
        "createdAt",
        "updatedAt",
    ];
    const CACHE_TTL: Option<Duration> = None;
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_time_has_one_form() {
        let read = |text: &str| serde_json::from_value::<LocalTime>(json!(text));
        for text in ["00:00", "09:30", "23:59"] {
            let time = read(text).expect("a time");
            assert_eq!(serde_json::to_value(time).expect("a text"), text);
        }
        for text in ["24:00", "9:30", "09:30:00", "09.30", "", "٠٩:٣٠"] {
            assert!(read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_meeting_ends_after_it_began() {
        let meeting = |starts: &str, ends: &str| {
            let meeting =
                json!({"classId": Uuid::nil(), "weekday": "MON", "starts": starts, "ends": ends});
            serde_json::from_value::<NewMeeting>(meeting).expect("of the right form").validate()
        };
        assert!(meeting("09:00", "09:01").is_ok());
        assert!(meeting("09:00", "09:00").is_err() && meeting("09:00", "08:59").is_err());
    }
}
