//! Adapter files, read in order.

use std::path::{Path, PathBuf};

use super::Failure;
use crate::wire::adapter::Adapters;

/// Reads adapter files; of all of them, the first adapter that takes a message has it.
pub(super) fn load(files: &[PathBuf]) -> Result<Adapters, Failure> {
    let mut adapters = Adapters::default();
    for file in files {
        add(&mut adapters, file)?;
    }
    Ok(adapters)
}

/// Adds the adapters of one file behind those that are there. Answers their names.
pub(super) fn add(adapters: &mut Adapters, file: &Path) -> Result<Vec<String>, Failure> {
    let place = file.display().to_string();
    let text = std::fs::read_to_string(file)
        .map_err(|error| Failure::Adapters(format!("{place}: cannot be read: {error}")))?;
    let wrong = |error: crate::wire::adapter::AdapterError| Failure::Adapters(error.to_string());
    let read = Adapters::from_toml(&place, &text).map_err(wrong)?;
    let names = read.iter().map(|adapter| adapter.name.clone()).collect();
    adapters.append(&place, read).map_err(wrong)?;
    Ok(names)
}
