//! `creditd version`: what is running here.

use std::io::Write;

use serde_json::json;

use super::Failure;
use super::terminal::{Format, csv_field};

/// Tell the version, how it was built, and for what machine.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// How it is written.
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let profile = if cfg!(debug_assertions) { "debug" } else { "release" };
    let facts = [
        ("version", env!("CARGO_PKG_VERSION").to_owned()),
        ("profile", profile.to_owned()),
        ("target", format!("{}-{}", std::env::consts::ARCH, std::env::consts::OS)),
        ("least_rust", env!("CARGO_PKG_RUST_VERSION").to_owned()),
        ("license", env!("CARGO_PKG_LICENSE").to_owned()),
    ];
    let mut out = std::io::stdout().lock();
    match arguments.output {
        Format::Table => {
            let [(_, version), (_, profile), (_, target), ..] = &facts;
            writeln!(out, "creditd {version} ({profile}, {target})")?;
        }
        Format::Json => {
            let object: serde_json::Map<_, _> =
                facts.into_iter().map(|(name, value)| (name.to_owned(), json!(value))).collect();
            writeln!(out, "{}", serde_json::Value::Object(object))?;
        }
        Format::Csv => {
            writeln!(out, "{}", facts.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(","))?;
            writeln!(
                out,
                "{}",
                facts.iter().map(|(_, value)| csv_field(value)).collect::<Vec<_>>().join(",")
            )?;
        }
    }
    Ok(())
}
