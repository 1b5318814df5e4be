//! The seam between the spool and the disk.
//!
//! Everything the spool does to files goes through [`Storage`] and [`Stored`], so that the crash models can stop or
//! fail any single call and forget what was not flushed. Paths are relative to the root of the spool and use `/`.
//!
//! What the spool relies on: octets written are durable once [`Stored::flush`] returned; a name is durable once
//! [`Storage::sync_directory`] on its directory returned; rename is atomic; a lock belongs to one opened file, excludes
//! every other opened file, and ends with it. Nothing is assumed about the order in which other things reach the disk.

#[cfg(any(test, feature = "testing"))]
mod cache;
mod disk;
#[cfg(any(test, feature = "testing"))]
mod simulated;

#[cfg(test)]
pub(crate) use cache::Dice;
pub use disk::{Disk, FreeProbe};
#[cfg(any(test, feature = "testing"))]
pub use simulated::{Fault, Simulated};

use std::fmt;
use std::io;
use std::os::fd::BorrowedFd;
use std::sync::Arc;

/// How a file is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// For reading; enough to lock it.
    Read,
    /// For reading and writing.
    Write,
}

/// A directory tree that holds a spool.
pub trait Storage: fmt::Debug + Send + Sync {
    /// Makes a directory, readable by its owner only; it is no error if it exists.
    ///
    /// # Errors
    /// What the storage says.
    fn make_directory(&self, path: &str) -> io::Result<()>;

    /// Creates a file that must not exist, open for reading and writing.
    ///
    /// # Errors
    /// [`io::ErrorKind::AlreadyExists`], or what else the storage says.
    fn create(&self, path: &str) -> io::Result<Arc<dyn Stored>>;

    /// Opens a file that must exist.
    ///
    /// # Errors
    /// [`io::ErrorKind::NotFound`], or what else the storage says.
    fn open(&self, path: &str, access: Access) -> io::Result<Arc<dyn Stored>>;

    /// Gives a file another name in the same directory, atomically; a file of that name is replaced.
    ///
    /// # Errors
    /// [`io::ErrorKind::NotFound`], or what else the storage says.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    /// Removes a name.
    ///
    /// # Errors
    /// [`io::ErrorKind::NotFound`], or what else the storage says.
    fn remove(&self, path: &str) -> io::Result<()>;

    /// The names in a directory, sorted.
    ///
    /// # Errors
    /// What the storage says.
    fn list(&self, path: &str) -> io::Result<Vec<String>>;

    /// Makes the names in a directory durable; the empty path is the root.
    ///
    /// # Errors
    /// What the storage says.
    fn sync_directory(&self, path: &str) -> io::Result<()>;

    /// Octets that may still be written; `u64::MAX` where that is not known.
    ///
    /// # Errors
    /// What the storage says.
    fn free(&self) -> io::Result<u64>;
}

/// An open file of the spool.
pub trait Stored: fmt::Debug + Send + Sync {
    /// Reads at an offset; fewer octets than asked for only at the end of the file.
    ///
    /// # Errors
    /// What the storage says.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;

    /// Writes at an offset with one call; the spool treats a short write as a failure.
    ///
    /// # Errors
    /// What the storage says.
    fn write_at(&self, octets: &[u8], offset: u64) -> io::Result<usize>;

    /// Makes everything written so far durable, and the length (fdatasync).
    ///
    /// # Errors
    /// What the storage says; after an error nothing may be assumed about this file any more.
    fn flush(&self) -> io::Result<()>;

    /// The length in octets.
    ///
    /// # Errors
    /// What the storage says.
    fn length(&self) -> io::Result<u64>;

    /// Cuts the file to a length.
    ///
    /// # Errors
    /// What the storage says.
    fn truncate(&self, length: u64) -> io::Result<()>;

    /// Takes the exclusive lock if it is free, and says whether it did. The lock ends when this handle is dropped.
    ///
    /// # Errors
    /// What the storage says, other than that the lock is taken.
    fn try_lock(&self) -> io::Result<bool>;

    /// The descriptor, for those who pass it to another process. A descriptor that was locked carries its lock
    /// along, therefore the spool opens a file anew for every reader.
    fn descriptor(&self) -> Option<BorrowedFd<'_>>;
}

/// Reads until the buffer is full or the file ends, and says how much was read.
pub(crate) fn read_full(file: &dyn Stored, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut done = 0;
    while let Some(rest) = buffer.get_mut(done..).filter(|rest| !rest.is_empty()) {
        match file.read_at(rest, offset + octets(done)) {
            Ok(0) => break,
            Ok(count) => done += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(done)
}

/// Writes everything with one call; a short write is the error that a full disk gives.
pub(crate) fn write_whole(file: &dyn Stored, data: &[u8], offset: u64) -> io::Result<()> {
    if file.write_at(data, offset)? == data.len() {
        Ok(())
    } else {
        Err(io::Error::from(io::ErrorKind::StorageFull))
    }
}

/// A length in memory as a number of octets on disk.
pub(crate) fn octets(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

/// A number of octets on disk as a length in memory.
pub(crate) fn length(octets: u64) -> usize {
    usize::try_from(octets).unwrap_or(usize::MAX)
}
