//! The resolver process; started by the supervisor.

use std::process::ExitCode;

fn main() -> ExitCode {
    farm::skeleton::main("dns", dns::process::run)
}
