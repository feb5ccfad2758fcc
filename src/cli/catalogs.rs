//! Catalog files, read into a catalog without a log.

use std::path::{Path, PathBuf};

use super::Failure;
use crate::config::Config;
use crate::ledger::catalog::Catalog;
use crate::ledger::units::Timestamp;
use crate::wire::{AnyCommand, Subject, catalog_commands_from_toml, decode_command};

/// The files named on the command line, or those of the settings where none are.
pub(super) fn files(named: &[PathBuf], settings: Option<&Path>) -> Result<Vec<PathBuf>, Failure> {
    if named.is_empty() { Ok(Config::load(settings)?.catalog) } else { Ok(named.to_vec()) }
}

/// Reads catalog files in order, as if each had been published before all time.
pub(super) fn load(files: &[PathBuf]) -> Result<Catalog, Failure> {
    let mut catalog = Catalog::default();
    for file in files {
        add(&mut catalog, file)?;
    }
    Ok(catalog)
}

/// Adds one file to a catalog.
pub(super) fn add(catalog: &mut Catalog, file: &Path) -> Result<(), Failure> {
    let wrong = |why: String| Failure::Catalog(format!("{}: {}", file.display(), why.trim_end()));
    let text = std::fs::read_to_string(file).map_err(|error| wrong(format!("cannot be read: {error}")))?;
    for command in catalog_commands_from_toml(&text).map_err(wrong)? {
        let mut refusal = None;
        decode_command(Subject::Catalog, command.as_bytes(), &mut |_, decoded| {
            let applied = match decoded {
                Ok(AnyCommand::Catalog(command)) => catalog.apply(command, Timestamp::MIN),
                Ok(AnyCommand::Org(_)) => Ok(()),
                Err(rejection) => Err(rejection),
            };
            refusal = applied.err();
        });
        if let Some(rejection) = refusal {
            return Err(wrong(rejection.to_string()));
        }
    }
    Ok(())
}
