//! Submits a message of a local program.

use std::process::ExitCode;

fn main() -> ExitCode {
    utils::submit::sendmail()
}
