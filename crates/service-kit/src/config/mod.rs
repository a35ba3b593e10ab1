//! Settings of a service: one TOML file, and the environment over it. Read once, at start.
//!
//! `LXP_<SERVICE>__<SECTION>__<KEY>` overrides `section.key`, for example `LXP_NODE__POSTGRES__PRIMARY`.
//! The members of a list stand between commas there.
//! An unknown key is an error that names it (the settings types deny unknown fields), never ignored.
//!
//! Every service has the same command line ([`Arguments`]), and its settings' reference is made from their types.

mod reference;

use std::io::Write as _;
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::de::DeserializeOwned;

pub use self::reference::reference;

/// The command line of a service.
#[derive(Debug, clap::Args)]
#[group(id = "what", required = true, multiple = true)]
pub struct Arguments {
    /// The settings, a TOML file; `LXP_<SERVICE>__SECTION__KEY` in the environment overrides it.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Read the settings and end: wrong ones are said, right ones are not.
    #[arg(long, requires = "config")]
    check: bool,
    /// Print what can be set, a table in Markdown, and end.
    #[arg(long)]
    settings: bool,
}

impl Arguments {
    /// The settings to run with; none where the command line asked for less than that, which is done then.
    ///
    /// # Errors
    /// When settings are missing or wrong, in themselves or for `is_right`.
    pub fn read<T: DeserializeOwned + JsonSchema>(
        &self,
        program: &str,
        prefix: &str,
        is_right: impl FnOnce(&T) -> anyhow::Result<()>,
    ) -> anyhow::Result<Option<T>> {
        let Some(file) = self.config.as_ref().filter(|_| !self.settings) else {
            write!(std::io::stdout(), "{}", reference::<T>(program, prefix))?;
            return Ok(None);
        };
        let settings = load(file, prefix)?;
        is_right(&settings)?;
        Ok((!self.check).then_some(settings))
    }
}

/// Why settings could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file, a key in it or a variable is missing or wrong.
    #[error("settings {file} (and {prefix}__* in the environment): {source}", file = .file.display())]
    Settings {
        /// The file that was named.
        file: PathBuf,
        /// The prefix of variables that override it.
        prefix: String,
        /// What is wrong, with the key.
        source: ::config::ConfigError,
    },
    /// A secret's file cannot be read.
    #[error("secret file {file}: {source}", file = .file.display())]
    Secret {
        /// The file that was named.
        file: PathBuf,
        /// Why it cannot be read.
        source: std::io::Error,
    },
}

/// Reads settings of type `T` from `file` and from variables that begin with `prefix` and two underscores.
pub fn load<T>(file: &Path, prefix: &str) -> Result<T, ConfigError>
where
    T: DeserializeOwned + JsonSchema,
{
    let variables = ::config::Environment::with_prefix(prefix)
        .prefix_separator("__")
        .separator("__")
        .try_parsing(true)
        .list_separator(",");
    let lists = reference::settings_of::<T>().into_iter().filter(reference::Setting::is_list);
    // Without one every variable would be taken for a list.
    let lists = lists.map(|setting| setting.key).chain(["none".to_owned()]);
    ::config::Config::builder()
        .add_source(::config::File::from(file).format(::config::FileFormat::Toml))
        .add_source(lists.fold(variables, |variables, key| variables.with_list_parse_key(&key)))
        .build()
        .and_then(::config::Config::try_deserialize)
        .map_err(|source| ConfigError::Settings {
            file: file.to_owned(),
            prefix: prefix.to_owned(),
            source,
        })
}

/// Reads a secret from its file, without the newline at its end.
pub fn read_secret(file: &Path) -> Result<String, ConfigError> {
    std::fs::read_to_string(file)
        .map(|text| text.trim_end().to_owned())
        .map_err(|source| ConfigError::Secret { file: file.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    struct Settings {
        listen: String,
    }

    fn load_text(text: &str) -> Result<Settings, ConfigError> {
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join("service.toml");
        std::fs::write(&file, text).expect("a file");
        load(&file, "LXP_TEST_OF_CONFIG")
    }

    #[test]
    fn a_setting_is_read() {
        assert_eq!(load_text("listen = 'x'").expect("settings").listen, "x");
    }

    #[test]
    fn an_unknown_key_is_named() {
        let error = load_text("listen = 'x'\nlissten = 'y'").expect_err("an unknown key");
        assert!(error.to_string().contains("lissten"), "{error}");
    }

    #[test]
    fn a_missing_file_is_named() {
        let error = load::<Settings>(Path::new("/nowhere/x.toml"), "X").expect_err("no file");
        assert!(error.to_string().contains("/nowhere/x.toml"), "{error}");
    }
}
