//! The agent of the channel `hold`; started by the supervisor for the scheduler.

use std::process::ExitCode;

fn main() -> ExitCode {
    farm::skeleton::main("hold", transports::hold::run)
}
