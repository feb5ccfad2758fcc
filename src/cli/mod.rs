//! The program: arguments → one command → an exit code.
//!
//! | code | what it says |
//! |---|---|
//! | 0 | it worked |
//! | 1 | it failed |
//! | 2 | the command line is wrong |
//! | 69 | something that it depends on is not available |
//! | 78 | the settings are wrong |
//!
//! What a command is asked for goes to standard output; everything else goes to standard error.

mod adapt;
mod adapters;
mod ask;
mod catalogs;
mod check;
mod config;
mod offline;
mod rate;
mod replay;
mod serve;
mod simulate;
mod terminal;
mod token;
mod verify;
mod version;

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::config::ConfigError;

/// The variable that holds the token to show a daemon.
const TOKEN: &str = "CREDITD_TOKEN";

/// A streaming credit meter: events in, exact prepaid balances and low-credit alerts out.
#[derive(Debug, Parser)]
#[command(name = "creditd", version, max_term_width = 100, arg_required_else_help = true)]
struct Arguments {
    /// The file with the settings. Without one, the defaults and CREDITD_… variables are in force.
    #[arg(short, long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Adapt(adapt::Arguments),
    Alerts(ask::alerts::Arguments),
    Balance(ask::balance::Arguments),
    Calls(ask::calls::Arguments),
    Check(check::Arguments),
    Config(config::Arguments),
    Export(Box<ask::export::Arguments>),
    Grants(ask::grants::Arguments),
    History(ask::history::Arguments),
    Limits(ask::limits::Arguments),
    Rate(rate::Arguments),
    Replay(replay::Arguments),
    Serve(serve::Arguments),
    Simulate(Box<simulate::Arguments>),
    Spikes(Box<ask::spikes::Arguments>),
    Token(token::Arguments),
    Top(ask::top::Arguments),
    Usage(Box<ask::usage::Arguments>),
    Verify(verify::Arguments),
    Version(version::Arguments),
    WhatIf(Box<ask::what_if::Arguments>),
}

/// Why a command did not work, by what the caller can do about it.
#[derive(Debug, thiserror::Error)]
enum Failure {
    /// It failed.
    #[error("{}", in_full(.0))]
    Failed(#[from] anyhow::Error),
    /// The command line is wrong.
    #[error("{0}")]
    Usage(String),
    /// Something that it depends on is not available.
    #[error("{0}")]
    Unavailable(String),
    /// The settings are wrong.
    #[error("{0}")]
    Settings(#[from] ConfigError),
    /// A catalog file is wrong.
    #[error("{0}")]
    Catalog(String),
    /// A file of adapters is wrong.
    #[error("{0}")]
    Adapters(String),
    /// Everything was said already; only the code is left.
    #[error("")]
    Said(u8),
}

impl Failure {
    fn code(&self) -> u8 {
        match self {
            Failure::Failed(_) => 1,
            Failure::Usage(_) => 2,
            Failure::Unavailable(_) => 69,
            Failure::Settings(_) | Failure::Catalog(_) | Failure::Adapters(_) => 78,
            Failure::Said(code) => *code,
        }
    }

    /// Whether the reader of our output went away: nothing to report.
    fn is_closed_pipe(&self) -> bool {
        let Failure::Failed(error) = self else { return false };
        let broken = |e: &io::Error| e.kind() == io::ErrorKind::BrokenPipe;
        error.chain().any(|cause| cause.downcast_ref::<io::Error>().is_some_and(broken))
    }
}

/// An error with its causes, each told once: many of ours say their cause themselves.
fn in_full(error: &anyhow::Error) -> String {
    let mut text = error.to_string();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        if !text.contains(&cause) {
            text.push_str(": ");
            text.push_str(&cause);
        }
    }
    text
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Failure::Failed(error.into())
    }
}

/// Runs the command that the arguments ask for.
#[must_use]
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let parsed = match Arguments::try_parse_from(arguments) {
        Ok(parsed) => parsed,
        Err(error) => {
            // Help and version go to standard output, with 0. Nothing is left to do if they cannot be shown.
            drop(error.print());
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    match dispatch(parsed) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) if failure.is_closed_pipe() => ExitCode::SUCCESS,
        Err(failure) => {
            let text = failure.to_string();
            for line in text.lines() {
                drop(writeln!(io::stderr().lock(), "creditd: {line}"));
            }
            ExitCode::from(failure.code())
        }
    }
}

fn dispatch(Arguments { config, command }: Arguments) -> Result<(), Failure> {
    let file = config.as_deref();
    match command {
        Command::Adapt(arguments) => adapt::run(file, &arguments),
        Command::Alerts(arguments) => ask::alerts::run(file, &arguments),
        Command::Balance(arguments) => ask::balance::run(file, &arguments),
        Command::Calls(arguments) => ask::calls::run(file, &arguments),
        Command::Check(arguments) => check::run(file, &arguments),
        Command::Config(arguments) => config::run(file, &arguments),
        Command::Export(arguments) => ask::export::run(file, &arguments),
        Command::Grants(arguments) => ask::grants::run(file, &arguments),
        Command::History(arguments) => ask::history::run(file, &arguments),
        Command::Limits(arguments) => ask::limits::run(file, &arguments),
        Command::Rate(arguments) => rate::run(file, &arguments),
        Command::Replay(arguments) => replay::run(file, &arguments),
        Command::Serve(arguments) => serve::run(file, &arguments),
        Command::Simulate(arguments) => simulate::run(file, *arguments),
        Command::Token(arguments) => token::run(file, arguments),
        Command::Top(arguments) => ask::top::run(file, &arguments),
        Command::Spikes(arguments) => ask::spikes::run(file, &arguments),
        Command::Usage(arguments) => ask::usage::run(file, &arguments),
        Command::Verify(arguments) => verify::run(file, &arguments),
        Command::Version(arguments) => version::run(&arguments),
        Command::WhatIf(arguments) => ask::what_if::run(file, &arguments),
    }
}

/// The runtime of the commands that talk to a network.
fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    Ok(tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        use clap::CommandFactory;
        Arguments::command().debug_assert();
    }

    #[test]
    fn a_cause_is_told_once() {
        let cause = || io::Error::other("the disk is full");
        assert_eq!(
            in_full(&anyhow::Error::from(cause()).context("not written")),
            "not written: the disk is full"
        );
        let listen =
            crate::daemon::DaemonError::Listen { address: ([127, 0, 0, 1], 1).into(), source: cause() };
        assert_eq!(in_full(&listen.into()).matches("the disk is full").count(), 1);
    }
}
