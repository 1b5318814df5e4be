//! `smtpserver master` and `smtpserver worker`: started by the supervisor.

use std::process::ExitCode;

fn main() -> ExitCode {
    match std::env::args().nth(1).as_deref() {
        Some("master") => farm::skeleton::main("smtpserver", smtpserver::master::run),
        Some("worker") => farm::skeleton::main("smtpserver", smtpserver::worker::run),
        _ => farm::skeleton::started_by_hand("smtpserver"),
    }
}
