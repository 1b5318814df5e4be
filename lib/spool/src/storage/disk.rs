//! The real disk, through the standard library.

use super::{Access, Storage, Stored};
use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Asks how many octets may still be written below a path.
pub type FreeProbe = fn(&Path) -> io::Result<u64>;

/// A spool in a directory of a file system.
#[derive(Debug, Clone)]
pub struct Disk {
    root: PathBuf,
    free: Option<FreeProbe>,
    flushes: bool,
}

impl Disk {
    /// A spool below `root`. Free space is taken as unlimited until [`Disk::with_free_probe`] says how to ask.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into(), free: None, flushes: true }
    }

    /// Uses `probe` to ask for free space; the standard library has no such call.
    pub fn with_free_probe(mut self, probe: FreeProbe) -> Self {
        self.free = Some(probe);
        self
    }

    /// With `false`, flushing does nothing: for files that lie in memory, where no promise is kept anyway.
    pub fn with_flushes(mut self, flushes: bool) -> Self {
        self.flushes = flushes;
        self
    }

    /// The directory.
    pub fn root(&self) -> &Path {
        &self.root
    }

    fn file(&self, file: File) -> Arc<dyn Stored> {
        Arc::new(DiskFile { file, flushes: self.flushes })
    }

    fn path(&self, path: &str) -> PathBuf {
        if path.is_empty() { self.root.clone() } else { self.root.join(path) }
    }
}

impl Storage for Disk {
    fn make_directory(&self, path: &str) -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(0o700).create(self.path(path))
    }

    fn create(&self, path: &str) -> io::Result<Arc<dyn Stored>> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(true).mode(0o600);
        Ok(self.file(options.open(self.path(path))?))
    }

    fn open(&self, path: &str, access: Access) -> io::Result<Arc<dyn Stored>> {
        let write = access == Access::Write;
        Ok(self.file(OpenOptions::new().read(true).write(write).open(self.path(path))?))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        std::fs::rename(self.path(from), self.path(to))
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        std::fs::remove_file(self.path(path))
    }

    fn list(&self, path: &str) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in std::fs::read_dir(self.path(path))? {
            // A name that is not text is none of ours.
            names.extend(entry?.file_name().into_string().ok());
        }
        names.sort_unstable();
        Ok(names)
    }

    fn sync_directory(&self, path: &str) -> io::Result<()> {
        if self.flushes { File::open(self.path(path))?.sync_all() } else { Ok(()) }
    }

    fn free(&self) -> io::Result<u64> {
        self.free.map_or(Ok(u64::MAX), |probe| probe(&self.root))
    }
}

/// A file of the real disk.
#[derive(Debug)]
struct DiskFile {
    file: File,
    flushes: bool,
}

impl Stored for DiskFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        FileExt::read_at(&self.file, buffer, offset)
    }

    fn write_at(&self, octets: &[u8], offset: u64) -> io::Result<usize> {
        FileExt::write_at(&self.file, octets, offset)
    }

    fn flush(&self) -> io::Result<()> {
        if self.flushes { self.file.sync_data() } else { Ok(()) }
    }

    fn length(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    fn truncate(&self, length: u64) -> io::Result<()> {
        self.file.set_len(length)
    }

    fn try_lock(&self) -> io::Result<bool> {
        match self.file.try_lock() {
            Ok(()) => Ok(true),
            Err(TryLockError::WouldBlock) => Ok(false),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        Some(self.file.as_fd())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_flushes_nobody_asks_the_disk() {
        let directory = tempfile::tempdir().unwrap();
        for flushes in [true, false] {
            let disk = Disk::new(directory.path()).with_flushes(flushes);
            assert_eq!(disk.sync_directory("not-there").is_err(), flushes);
            // The system refuses to write a pipe back to a disk, and so tells whether it was asked.
            let (pipe, _end) = io::pipe().unwrap();
            let file = disk.file(File::from(std::os::fd::OwnedFd::from(pipe)));
            assert_eq!(file.flush().is_err(), flushes);
        }
    }
}
