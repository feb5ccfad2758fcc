//! `creditd config`: the settings, as shipped and as they are in force.

use std::io::Write;
use std::path::Path;

use super::Failure;
use crate::config::{DEFAULTS, Settings};

/// Show the settings: every one with its default, or those in force.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    which: Which,
}

#[derive(Debug, clap::Subcommand)]
enum Which {
    /// Every setting with its default and what it is about: the start of a file of your own.
    Default,
    /// What is in force here: the defaults, under the file, under CREDITD_… variables. Secrets are hidden.
    Effective,
}

pub(super) fn run(file: Option<&Path>, arguments: &Arguments) -> Result<(), Failure> {
    let text = match arguments.which {
        Which::Default => DEFAULTS.to_owned(),
        Which::Effective => {
            let environment = std::env::vars_os()
                .filter_map(|(key, value)| Some((key.into_string().ok()?, value.into_string().ok()?)));
            let settings = Settings::read(file, environment)?;
            settings.check()?;
            settings.to_toml()
        }
    };
    std::io::stdout().lock().write_all(text.as_bytes())?;
    Ok(())
}
