//! Readiness of what `lib/farm` reads and writes, for the asynchronous runtime.

use std::io;
use std::os::fd::AsRawFd;
use tokio::io::unix::AsyncFd;
use tokio::io::{Interest, Ready};

/// Lets the runtime watch a non-blocking socket. `inner` must own its descriptor and keep it for life, as the channels
/// and rendezvous of `lib/farm` do.
///
/// # Errors
/// As `epoll_ctl(2)` and its like.
#[expect(
    deprecated,
    reason = "its successor is the same but an unsafe function, and unsafe has its own crate"
)]
pub fn watch<T: AsRawFd>(inner: T) -> io::Result<AsyncFd<T>> {
    AsyncFd::new(inner)
}

/// Waits until a socket is ready in this way; for ever if there is nothing to wait for.
///
/// The readiness is taken back at once: the caller goes on until the socket would block, and a socket that becomes
/// ready meanwhile says so again.
///
/// # Errors
/// The runtime is shutting down.
pub async fn wait<T: AsRawFd>(socket: &AsyncFd<T>, interest: Option<Interest>) -> io::Result<Ready> {
    let Some(interest) = interest else { return std::future::pending().await };
    let mut guard = socket.ready(interest).await?;
    let ready = guard.ready();
    guard.clear_ready();
    Ok(ready)
}
