//! The administrator's command, and the supervisor.

use std::process::ExitCode;

fn main() -> ExitCode {
    utils::cli::grange()
}
