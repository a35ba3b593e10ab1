//! The pages: their paths, names, and how often each is made anew for who watches it.

use std::time::Duration;

use shard_map::InstitutionId;

use super::{Inner, institutions, moves, overview, shards};
use crate::error::Error;

/// The pages that stand in the navigation: path and name.
pub const PAGES: [(&str, &str); 4] = [
    ("/console", "Overview"),
    ("/console/shards", "Shards"),
    ("/console/moves", "Moves"),
    ("/console/institutions", "Institutions"),
];

/// Pages end where an offset becomes costly.
const NUMBER_MAX: i64 = 50_000;

/// A page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Page {
    /// How it is, in one look.
    Overview,
    /// Shards, their load and their databases; so many a page.
    Shards(i64),
    /// Moves and plans.
    Moves,
    /// Institutions by their slugs, or one that was searched for; so many a page.
    Institutions(Option<String>, i64),
    /// One institution.
    Institution(InstitutionId),
}

impl Page {
    /// The page of a path.
    pub fn find(path: &str, query: Option<&str>) -> Option<Self> {
        let of = |name: &str| {
            let query = query.unwrap_or_default().as_bytes();
            let found = form_urlencoded::parse(query).find(|(known, _)| known == name);
            found.map(|(_, value)| value.trim().to_owned()).filter(|value| !value.is_empty())
        };
        let number = of("page").and_then(|number| number.parse().ok()).unwrap_or(1);
        let number = number.clamp(1, NUMBER_MAX);
        match path {
            "/console" => Some(Self::Overview),
            "/console/shards" => Some(Self::Shards(number)),
            "/console/moves" => Some(Self::Moves),
            "/console/institutions" => Some(Self::Institutions(of("slug"), number)),
            _ => {
                let id = path.strip_prefix("/console/institutions/")?;
                id.parse().ok().map(Self::Institution)
            }
        }
    }

    /// Its name.
    pub fn title(&self) -> &'static str {
        match self {
            Self::Overview => "Overview",
            Self::Shards(_) => "Shards",
            Self::Moves => "Moves",
            Self::Institutions(..) => "Institutions",
            Self::Institution(_) => "Institution",
        }
    }

    /// Its place in the navigation.
    pub fn nav(&self) -> &'static str {
        match self {
            Self::Overview => "/console",
            Self::Shards(_) => "/console/shards",
            Self::Moves => "/console/moves",
            Self::Institutions(..) | Self::Institution(_) => "/console/institutions",
        }
    }

    /// Its path as metrics have it.
    pub fn label(&self) -> &'static str {
        match self {
            Self::Institution(_) => "/console/institutions/{id}",
            _ => self.nav(),
        }
    }

    /// How long after it was made it is made anew.
    pub(super) fn every(&self) -> Duration {
        match self {
            Self::Moves => Duration::from_secs(1),
            Self::Overview | Self::Shards(_) => Duration::from_secs(2),
            Self::Institutions(..) | Self::Institution(_) => Duration::from_secs(5),
        }
    }

    pub(super) async fn body(&self, inner: &Inner) -> Result<String, Error> {
        match self {
            Self::Overview => overview::body(inner).await,
            Self::Shards(number) => shards::body(inner, *number).await,
            Self::Moves => moves::body(inner).await,
            Self::Institutions(slug, number) => {
                institutions::list(inner, slug.as_deref(), *number).await
            }
            Self::Institution(id) => institutions::one(inner, *id).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_page_is_found_by_its_path_and_nothing_else_is() {
        for (path, name) in PAGES {
            let page = Page::find(path, None).expect("a page");
            assert_eq!((page.nav(), page.title()), (path, name));
        }
        let found = |query| Page::find("/console/institutions", Some(query));
        assert_eq!(found("slug=a%20b&page=3"), Some(Page::Institutions(Some("a b".to_owned()), 3)));
        assert_eq!(found("slug=&page=-1"), Some(Page::Institutions(None, 1)));
        assert_eq!(Page::find("/console/institutions/x", None), None);
        assert_eq!(Page::find("/console/", None), None);
    }
}
