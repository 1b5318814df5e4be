//! `router multiplexer` and `router worker`: started by the supervisor.

use std::process::ExitCode;

fn main() -> ExitCode {
    match std::env::args().nth(1).as_deref() {
        Some("multiplexer") => farm::skeleton::main("router", router::multiplexer::run),
        Some("worker") => farm::skeleton::main("router", router::worker::run),
        _ => farm::skeleton::started_by_hand("router"),
    }
}
