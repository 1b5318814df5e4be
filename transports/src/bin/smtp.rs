//! The agent of the channel `smtp`; started by the supervisor for the scheduler.

use std::process::ExitCode;

fn main() -> ExitCode {
    farm::skeleton::main("smtp", transports::smtp::run)
}
