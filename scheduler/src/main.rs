//! The scheduler; started by the supervisor.

use std::process::ExitCode;

fn main() -> ExitCode {
    farm::skeleton::main("scheduler", scheduler::process::run)
}
