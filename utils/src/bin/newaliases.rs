//! Checks the aliases, and has them read again.

use std::process::ExitCode;

fn main() -> ExitCode {
    utils::cli::newaliases()
}
