//! The query of a list, checked against the entity's allow-lists.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;
use std::marker::PhantomData;
use std::ops::RangeInclusive;

use chrono::{DateTime, Datelike, NaiveDate, Utc};
use rust_decimal::Decimal;
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, Visitor};
use serde_json::{Value, json};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};
use uuid::Uuid;

use super::{Compare, Field, Kind, Resource};

/// Rows of a page when the query does not say.
const LIMIT_DEFAULT: u32 = 50;
/// Rows of a page at most.
const LIMIT_MAX: u32 = 200;
/// Rows that pages by number reach; past them a cursor is demanded.
const NUMBERED_ROWS_MAX: u64 = 10_000;

/// What a list asks for: `page, limit, cursor, count, sort, select` and the entity's filters.
#[derive(Debug)]
pub struct ListQuery<R> {
    /// Page number from 1, unless a cursor is given.
    pub page: u32,
    /// Rows of a page, 1 to 200.
    pub limit: u32,
    /// Where the last page ended.
    pub cursor: Option<String>,
    /// Whether to count all rows (`count=none` says no).
    pub count: bool,
    /// What to sort by, with the direction (true: descending).
    pub sort: Vec<(&'static Field, bool)>,
    /// The members to give; all where empty.
    pub select: Vec<&'static str>,
    /// What a row must be to be among them.
    pub filters: Vec<(&'static Field, String)>,
    /// Ids of which a field must have one: what the caller may see at all.
    pub among: Vec<(&'static Field, Vec<Uuid>)>,
    resource: PhantomData<R>,
}

/// Member by member, so that an error knows at which it was met.
impl<'de, R: Resource> Deserialize<'de> for ListQuery<R> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Members(PhantomData))
    }
}

struct Members<R>(PhantomData<R>);

impl<'de, R: Resource> Visitor<'de> for Members<R> {
    type Value = ListQuery<R>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<ListQuery<R>, A::Error> {
        let mut query = ListQuery::new();
        while let Some(name) = members.next_key::<String>()? {
            members.next_value_seed(Member { query: &mut query, name: &name })?;
        }
        query.check_reach().map_err(A::Error::custom)?;
        Ok(query)
    }
}

/// One member of a query, to be set in it.
struct Member<'q, R> {
    query: &'q mut ListQuery<R>,
    name: &'q str,
}

impl<'de, R: Resource> DeserializeSeed<'de> for Member<'_, R> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        let text = match Value::deserialize(deserializer)? {
            Value::Null => return Ok(()),
            Value::String(text) => text,
            value @ (Value::Bool(_) | Value::Number(_)) => value.to_string(),
            Value::Array(_) | Value::Object(_) => {
                return Err(D::Error::custom(format!("`{}` is a text or a number", self.name)));
            }
        };
        self.query.set(self.name, text).map_err(D::Error::custom)
    }
}

impl<R: Resource> ListQuery<R> {
    fn new() -> Self {
        Self {
            page: 1,
            limit: LIMIT_DEFAULT,
            cursor: None,
            count: true,
            sort: Vec::new(),
            select: Vec::new(),
            filters: Vec::new(),
            among: Vec::new(),
            resource: PhantomData,
        }
    }

    fn check_reach(&self) -> Result<(), String> {
        if self.cursor.is_none() && u64::from(self.page) * u64::from(self.limit) > NUMBERED_ROWS_MAX
        {
            return Err(format!(
                "page {} of {} rows is past row {NUMBERED_ROWS_MAX}: go on with `cursor`, the last page's nextCursor",
                self.page, self.limit
            ));
        }
        Ok(())
    }

    fn set(&mut self, name: &str, text: String) -> Result<(), String> {
        match name {
            "page" => self.page = number(name, &text, 1, u32::MAX)?,
            "limit" => self.limit = number(name, &text, 1, LIMIT_MAX)?,
            "cursor" => self.cursor = Some(text),
            "count" => match text.as_str() {
                "none" => self.count = false,
                "exact" => self.count = true,
                _ => return Err("`count` is `exact` or `none`".to_owned()),
            },
            "sort" => self.sort = sort::<R>(&text)?,
            "select" => self.select = select::<R>(&text)?,
            _ => {
                let field = R::FIELDS.iter().find(|field| field.filter && field.name == name);
                let field = field.ok_or_else(|| unknown_filter::<R>(name))?;
                self.filters.push((field, canonical(field, &text)?));
            }
        }
        Ok(())
    }

    /// Adds an equality that the path or the caller's rights demand.
    ///
    /// # Panics
    /// Where the resource has no such field: its rows would be everybody's.
    #[must_use]
    pub fn with_filter(mut self, name: &'static str, value: String) -> Self {
        self.filters.push((narrowing::<R>(name), value));
        self
    }

    /// The same query of another view of the rows: its `SELECT` has the same alias and columns.
    pub fn of<V: Resource>(self) -> ListQuery<V> {
        let Self { page, limit, cursor, count, sort, select, filters, among, resource: _ } = self;
        let resource = PhantomData;
        ListQuery { page, limit, cursor, count, sort, select, filters, among, resource }
    }

    /// Narrows it to what the caller may see, where that is not everything.
    ///
    /// # Panics
    /// Where the resource has no such field: its rows would be everybody's.
    #[must_use]
    pub fn among(mut self, name: &'static str, ids: Option<Vec<Uuid>>) -> Self {
        let field = narrowing::<R>(name);
        self.among.extend(ids.map(|ids| (field, ids)));
        self
    }
}

fn narrowing<R: Resource>(name: &str) -> &'static Field {
    let field = R::FIELDS.iter().find(|field| field.name == name);
    field
        .unwrap_or_else(|| panic!("{} is narrowed by `{name}`, a field that it has not", R::ENTITY))
}

fn number(name: &str, text: &str, least: u32, most: u32) -> Result<u32, String> {
    let parsed = text.parse().ok().filter(|number| (least..=most).contains(number));
    parsed.ok_or_else(|| format!("`{name}` is a whole number from {least} to {most}, not `{text}`"))
}

fn sort<R: Resource>(text: &str) -> Result<Vec<(&'static Field, bool)>, String> {
    let parse = |part: &str| {
        let (name, descending) = part.strip_prefix('-').map_or((part, false), |name| (name, true));
        let field = R::FIELDS.iter().find(|field| field.sort && field.name == name);
        field.map(|field| (field, descending)).ok_or_else(|| {
            let allowed = names::<R>(|field| field.sort);
            format!("cannot sort by `{name}`; allowed: {allowed}, each with or without a leading -")
        })
    };
    let fields: Vec<_> = text.split(',').map(parse).collect::<Result<_, _>>()?;
    let mut seen = BTreeSet::new();
    if let Some((twice, _)) = fields.iter().find(|(field, _)| !seen.insert(field.name)) {
        return Err(format!("`sort` names `{}` twice", twice.name));
    }
    Ok(fields)
}

fn select<R: Resource>(text: &str) -> Result<Vec<&'static str>, String> {
    let parse = |part: &str| {
        let member = R::MEMBERS.iter().find(|member| **member == part).copied();
        member.ok_or_else(|| format!("cannot select `{part}`; allowed: {}", R::MEMBERS.join(", ")))
    };
    text.split(',').map(parse).collect()
}

fn unknown_filter<R: Resource>(name: &str) -> String {
    let filters = names::<R>(|field| field.filter);
    format!("unknown field `{name}`; allowed: page, limit, cursor, count, sort, select, {filters}")
}

fn names<R: Resource>(which: impl Fn(&Field) -> bool) -> String {
    let names: Vec<_> =
        R::FIELDS.iter().filter(|field| which(field)).map(|field| field.name).collect();
    names.join(", ")
}

/// Years that dates in a query may have: what ISO 8601 writes with four digits.
const YEARS: RangeInclusive<i32> = 1..=9999;

/// A filter's value as Postgres reads it too, if it can be compared with the field at all: our parsers take
/// more than it does (`urn:uuid:...`, `1_000`, years of five digits), and an error of its would be ours.
pub(super) fn canonical(field: &Field, text: &str) -> Result<String, String> {
    let (value, wanted) = match field.kind {
        Kind::OneOf(words) => {
            let known = words.contains(&text).then(|| text.to_owned());
            return known.ok_or_else(|| format!("`{}` is one of {}", field.name, words.join(", ")));
        }
        Kind::Uuid => (text.parse::<Uuid>().ok().map(|id| id.to_string()), "a UUID"),
        Kind::Text => (Some(text.to_owned()).filter(|text| !text.contains('\0')), "text"),
        Kind::Integer => {
            (text.parse::<i64>().ok().map(|number| number.to_string()), "a whole number")
        }
        Kind::Decimal => {
            (text.parse::<Decimal>().ok().map(|number| number.to_string()), "a decimal number")
        }
        Kind::Date => {
            let date = text.parse::<NaiveDate>().ok().filter(|date| YEARS.contains(&date.year()));
            (date.map(|date| date.to_string()), "a date such as 2026-09-01")
        }
        Kind::Timestamp => {
            let instant = text.parse::<DateTime<Utc>>().ok();
            let instant = instant.filter(|instant| YEARS.contains(&instant.year()));
            (instant.map(|instant| instant.to_rfc3339()), "an instant such as 2026-09-01T08:00:00Z")
        }
    };
    value.ok_or_else(|| format!("`{}` is {wanted}, not `{text}`", field.name))
}

impl<R> garde::Validate for ListQuery<R> {
    type Context = ();

    /// The allow-lists were checked when it was decoded.
    fn validate_into(
        &self,
        (): &(),
        _parent: &mut dyn FnMut() -> garde::Path,
        _report: &mut garde::Report,
    ) {
    }
}

impl<R: Resource> ToSchema for ListQuery<R> {
    fn name() -> Cow<'static, str> {
        format!("{}List", R::name()).into()
    }
}

impl<R: Resource> PartialSchema for ListQuery<R> {
    fn schema() -> RefOr<Schema> {
        let text = |description: String| json!({"type": "string", "description": description});
        let mut properties = json!({
            "page": {"type": "integer", "minimum": 1, "default": 1},
            "limit": {"type": "integer", "minimum": 1, "maximum": LIMIT_MAX, "default": LIMIT_DEFAULT},
            "cursor": text("nextCursor of the page before; replaces page".to_owned()),
            "count": {"type": "string", "enum": ["exact", "none"], "default": "exact"},
            "sort": text(format!("comma-separated, - for descending: {}", names::<R>(|f| f.sort))),
            "select": text(format!("comma-separated: {}", R::MEMBERS.join(", "))),
        });
        for field in R::FIELDS.iter().filter(|field| field.filter) {
            let which = match field.compare {
                Compare::Equal => format!("whose {} equals it", field.name),
                Compare::AtLeast => "at it and after it".to_owned(),
                Compare::AtMost => "at it and before it".to_owned(),
                Compare::Among => format!("that have it as {}", field.name),
            };
            properties[field.name] = text(format!("only those {which}"));
            if let Kind::OneOf(words) = field.kind {
                properties[field.name]["enum"] = json!(words);
            }
        }
        // Written above: an object schema, which always reads back.
        serde_json::from_value(json!({"type": "object", "properties": properties}))
            .unwrap_or_default()
    }
}
