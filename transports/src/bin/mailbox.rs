//! The agent of the channel `mailbox`; started by the supervisor for the scheduler.

use std::process::ExitCode;

fn main() -> ExitCode {
    farm::skeleton::main("mailbox", transports::mailbox::run)
}
