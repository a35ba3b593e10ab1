//! The tables of tenants and their order, as the schema itself says: nobody can forget one.
//!
//! What must stay true: every table with an `institution_id`, but the system's own, is captured and keyed by
//! `(institution_id, id)`, or no move begins and no migration counts as done. Parents come before their children.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::PgConnection;

/// The system's own tables.
const SYSTEM: [&str; 2] = ["change_log", "ownership"];

/// A tenants' table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// Its name.
    pub name: String,
    /// Its columns, comma-separated, as they stand in a statement.
    pub columns: String,
}

/// All of them, parents first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Catalogue(pub Vec<Table>);

impl Catalogue {
    /// Where a table stands.
    pub(super) fn position(&self, name: &str) -> Option<usize> {
        self.0.iter().position(|table| table.name == name)
    }
}

/// Why no order can be given, or no catalogue read.
#[derive(Debug, thiserror::Error)]
pub enum CatalogueError {
    /// The database did not say.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    /// A table did not go through `make_tenant_table`.
    #[error("table {0} cannot move: it has no {1}")]
    Unfit(String, &'static str),
    /// Foreign keys lead in a circle.
    #[error("the foreign keys of {0} lead in a circle")]
    Circle(String),
}

#[derive(sqlx::FromRow)]
struct Found {
    name: String,
    columns: String,
    captured: bool,
    keyed: bool,
    parents: Vec<String>,
}

/// Reads the catalogue of a shard's database.
pub async fn read(connection: &mut PgConnection) -> Result<Catalogue, CatalogueError> {
    let found: Vec<Found> = sqlx::query_as(
        "SELECT c.relname::text AS name,
                (SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) FROM pg_attribute a
                  WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '') AS columns,
                EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = c.oid AND t.tgname = 'change_captured'
                           AND t.tgenabled IN ('O', 'A')) AS captured,
                EXISTS (SELECT FROM pg_constraint p WHERE p.conrelid = c.oid AND p.contype = 'p'
                           AND (SELECT array_agg(a.attname::text ORDER BY k.place)
                                FROM unnest(p.conkey) WITH ORDINALITY AS k (number, place)
                                JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.number)
                               = '{institution_id,id}') AS keyed,
                ARRAY(SELECT DISTINCT r.relname::text FROM pg_constraint f JOIN pg_class r ON r.oid = f.confrelid
                       WHERE f.conrelid = c.oid AND f.contype = 'f' AND f.confrelid <> c.oid) AS parents
         FROM pg_class c
         WHERE c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace AND c.relname <> ALL ($1)
           AND EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'institution_id'
                          AND NOT a.attisdropped)
         ORDER BY c.relname",
    )
    .bind(&SYSTEM[..])
    .fetch_all(connection)
    .await?;
    let unfit = |why: &'static str, is_fit: fn(&Found) -> bool| {
        let bad = found.iter().find(|table| !is_fit(table));
        bad.map_or(Ok(()), |table| Err(CatalogueError::Unfit(table.name.clone(), why)))
    };
    unfit("trigger change_captured", |table| table.captured)?;
    unfit("primary key (institution_id, id)", |table| table.keyed)?;
    let parents =
        found.iter().map(|table| (table.name.clone(), table.parents.iter().cloned().collect()));
    let order = parents_first(parents.collect())?;
    let mut columns: BTreeMap<_, _> =
        found.into_iter().map(|table| (table.name, table.columns)).collect();
    let tables = order.into_iter().map(|name| {
        let columns = columns.remove(&name).unwrap_or_default();
        Table { name, columns }
    });
    Ok(Catalogue(tables.collect()))
}

/// Orders tables so that each comes after its parents; among equals by name.
fn parents_first(
    mut parents: BTreeMap<String, BTreeSet<String>>,
) -> Result<Vec<String>, CatalogueError> {
    let mut order = Vec::with_capacity(parents.len());
    while !parents.is_empty() {
        let free: Vec<String> = parents
            .iter()
            .filter(|(_, above)| above.iter().all(|name| !parents.contains_key(name)))
            .map(|(name, _)| name.clone())
            .collect();
        if free.is_empty() {
            let names: Vec<_> = parents.into_keys().collect();
            return Err(CatalogueError::Circle(names.join(", ")));
        }
        for name in &free {
            parents.remove(name);
        }
        order.extend(free);
    }
    Ok(order)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(of: &[(&str, &[&str])]) -> Result<Vec<String>, CatalogueError> {
        let of = of.iter().map(|(name, above)| {
            ((*name).to_owned(), above.iter().map(|name| (*name).to_owned()).collect())
        });
        parents_first(of.collect())
    }

    #[test]
    fn parents_come_first() {
        let sorted = order(&[("a", &["c"]), ("b", &["a", "c"]), ("c", &[])]).expect("an order");
        assert_eq!(sorted, ["c", "a", "b"]);
    }

    #[test]
    fn a_circle_has_no_order() {
        let error = order(&[("a", &["b"]), ("b", &["a"]), ("c", &[])]).expect_err("a circle");
        assert!(error.to_string().contains("a, b"), "{error}");
    }
}
