//! The agent of the channel `error`; started by the supervisor for the scheduler.

use std::process::ExitCode;

fn main() -> ExitCode {
    farm::skeleton::main("error", transports::error::run)
}
