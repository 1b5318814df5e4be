//! The harness of the black-box tests: real daemons in a temporary directory, on ports that the system chooses.
//!
//! Nothing here sleeps for luck: every wait is for a condition and has a deadline. Whatever a test starts is ended by
//! process id when it goes, whether the test passes or not.

pub mod certificates;
pub mod client;
pub mod daemon;
pub mod maildir;
pub mod name_server;
pub mod sink;
pub mod tools;

pub use client::Client;
pub use daemon::Grange;
pub use sink::Sink;

use std::time::{Duration, Instant};

/// How long a condition may take before the test fails. Generous, because CI machines stall.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Waits until `condition` gives something.
///
/// # Panics
/// It did not within [`PATIENCE`]; `what` says what was awaited.
pub fn wait_for<T>(what: &str, mut condition: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(value) = condition() {
            return value;
        }
        assert!(Instant::now() < deadline, "not within {PATIENCE:?}: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Waits until `condition` holds.
///
/// # Panics
/// As [`wait_for`].
pub fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    wait_for(what, || condition().then_some(()));
}
