//! The `creditd` program.

fn main() -> std::process::ExitCode {
    creditd::cli::run(std::env::args_os())
}
