//! The authenticator process; started by the supervisor.

use std::process::ExitCode;

fn main() -> ExitCode {
    farm::skeleton::main("authd", authd::process::run)
}
