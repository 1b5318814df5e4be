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
}

impl Disk {
    /// A spool below `root`. Free space is taken as unlimited until [`Disk::with_free_probe`] says how to ask.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into(), free: None }
    }

    /// Uses `probe` to ask for free space; the standard library has no such call.
    pub fn with_free_probe(mut self, probe: FreeProbe) -> Self {
        self.free = Some(probe);
        self
    }

    /// The directory.
    pub fn root(&self) -> &Path {
        &self.root
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
        Ok(Arc::new(DiskFile(options.open(self.path(path))?)))
    }

    fn open(&self, path: &str, access: Access) -> io::Result<Arc<dyn Stored>> {
        let write = access == Access::Write;
        Ok(Arc::new(DiskFile(OpenOptions::new().read(true).write(write).open(self.path(path))?)))
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
        File::open(self.path(path))?.sync_all()
    }

    fn free(&self) -> io::Result<u64> {
        self.free.map_or(Ok(u64::MAX), |probe| probe(&self.root))
    }
}

/// A file of the real disk.
#[derive(Debug)]
struct DiskFile(File);

impl Stored for DiskFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        FileExt::read_at(&self.0, buffer, offset)
    }

    fn write_at(&self, octets: &[u8], offset: u64) -> io::Result<usize> {
        FileExt::write_at(&self.0, octets, offset)
    }

    fn flush(&self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn length(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    fn truncate(&self, length: u64) -> io::Result<()> {
        self.0.set_len(length)
    }

    fn try_lock(&self) -> io::Result<bool> {
        match self.0.try_lock() {
            Ok(()) => Ok(true),
            Err(TryLockError::WouldBlock) => Ok(false),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        Some(self.0.as_fd())
    }
}
