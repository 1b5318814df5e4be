//! A disk that fails when it is told to, so that an operator or a test can see what a failing one does.
//!
//! Only segments are concerned: the loss of what is in a batch is the case that matters.

use spool::storage::{Access, Storage, Stored};
use std::io;
use std::os::fd::BorrowedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// How long a slow flush takes.
const SLOW: Duration = Duration::from_millis(500);

/// The switches: how many flushes will still fail, or take their time.
#[derive(Debug, Default)]
pub(super) struct Switches {
    pub(super) flush: AtomicU32,
    pub(super) slow_flush: AtomicU32,
}

/// A storage that obeys the switches.
#[derive(Debug)]
pub(super) struct Rehearsal {
    inner: Arc<dyn Storage>,
    switches: Arc<Switches>,
}

#[derive(Debug)]
struct RehearsalFile {
    inner: Arc<dyn Stored>,
    switches: Arc<Switches>,
}

/// Takes one from a counter; `false` if there is none.
fn strikes(counter: &AtomicU32) -> bool {
    counter.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok()
}

impl Rehearsal {
    pub(super) fn new(inner: Arc<dyn Storage>, switches: Arc<Switches>) -> Self {
        Self { inner, switches }
    }

    fn wrap(&self, path: &str, file: Arc<dyn Stored>) -> Arc<dyn Stored> {
        if path.starts_with("segments/") {
            Arc::new(RehearsalFile { inner: file, switches: Arc::clone(&self.switches) })
        } else {
            file
        }
    }
}

impl Storage for Rehearsal {
    fn make_directory(&self, path: &str) -> io::Result<()> {
        self.inner.make_directory(path)
    }

    fn create(&self, path: &str) -> io::Result<Arc<dyn Stored>> {
        self.inner.create(path).map(|file| self.wrap(path, file))
    }

    fn open(&self, path: &str, access: Access) -> io::Result<Arc<dyn Stored>> {
        self.inner.open(path, access).map(|file| self.wrap(path, file))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.inner.rename(from, to)
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        self.inner.remove(path)
    }

    fn list(&self, path: &str) -> io::Result<Vec<String>> {
        self.inner.list(path)
    }

    fn sync_directory(&self, path: &str) -> io::Result<()> {
        self.inner.sync_directory(path)
    }

    fn free(&self) -> io::Result<u64> {
        self.inner.free()
    }
}

impl Stored for RehearsalFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.inner.read_at(buffer, offset)
    }

    fn write_at(&self, octets: &[u8], offset: u64) -> io::Result<usize> {
        self.inner.write_at(octets, offset)
    }

    fn flush(&self) -> io::Result<()> {
        if strikes(&self.switches.slow_flush) {
            std::thread::sleep(SLOW);
        }
        if strikes(&self.switches.flush) {
            return Err(io::Error::other("the fault switch \"flush\" is set"));
        }
        self.inner.flush()
    }

    fn length(&self) -> io::Result<u64> {
        self.inner.length()
    }

    fn truncate(&self, length: u64) -> io::Result<()> {
        self.inner.truncate(length)
    }

    fn try_lock(&self) -> io::Result<bool> {
        self.inner.try_lock()
    }

    fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        self.inner.descriptor()
    }
}
