//! `grange stop`: asks, and returns when everything has ended.

use super::ask::{Line, ask, is_running, refusal};
use super::instance::Instance;
use super::print;
use farm::clock::microseconds;
use farm::exit::{Exit, Fatal};
use ipc::control::Request;
use serde_json::json;
use std::time::Duration;

/// How long the supervisor may take to go after it said that all others are gone, in microseconds.
const PATIENCE: u64 = 5_000_000;

/// Stops everything.
///
/// # Errors
/// Grange does not run (69), or it did not stop.
pub(crate) fn stop(instance: &Instance, json: bool) -> Result<(), Fatal> {
    let begun = microseconds();
    let mut answer = ask(instance, &Request::Stop)?;
    match answer.next::<serde_json::Value>() {
        Ok(Line::End(end)) if !end.ok => return Err(refusal(&end)),
        Err(error) if is_running(instance) => return Err(error),
        // It has ended without a last word, which is what was asked for.
        _ => {}
    }
    let deadline = microseconds() + PATIENCE;
    while is_running(instance) {
        if microseconds() > deadline {
            return Err(Fatal::new(Exit::Temporary, "the supervisor has not ended yet; ask again"));
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    let milliseconds = (microseconds() - begun) / 1000;
    if json {
        print::line(json!({"stopped": true, "milliseconds": milliseconds}))?;
    } else {
        print::line(format_args!(
            "grange has stopped; it took {}.{} s",
            milliseconds / 1000,
            milliseconds % 1000 / 100
        ))?;
    }
    Ok(())
}
