//! Files in directories that somebody else controls: every step goes through an open directory and follows no
//! symbolic link, so that what was checked is what is used.

use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, openat, renameat};
use nix::sys::stat::{Mode, fstat, fstatat, mkdirat};
use nix::unistd::{UnlinkatFlags, fsync, unlinkat};
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

/// An open directory.
#[derive(Debug)]
pub struct Directory(OwnedFd);

impl Directory {
    /// Opens a directory by its path; symbolic links on the way to it are followed. For places that only the
    /// administrator controls.
    ///
    /// # Errors
    /// As `open(2)`.
    pub fn open(path: &Path) -> io::Result<Self> {
        Ok(Self(nix::fcntl::open(path, DIRECTORY, Mode::empty())?))
    }

    /// Opens the directory `name` in this one. A symbolic link of that name is refused.
    ///
    /// # Errors
    /// As `openat(2)`: `NotADirectory` for a symbolic link and for anything else that is no directory.
    pub fn enter(&self, name: &str) -> io::Result<Self> {
        single(name)?;
        match openat(&self.0, name, DIRECTORY | OFlag::O_NOFOLLOW, Mode::empty()) {
            Ok(directory) => Ok(Self(directory)),
            // What a symbolic link gives differs from system to system.
            Err(Errno::ELOOP | Errno::EMLINK) => Err(io::ErrorKind::NotADirectory.into()),
            Err(e) => Err(e.into()),
        }
    }

    /// As [`Directory::enter`]; makes the directory, durably, with these permissions if there is none.
    ///
    /// # Errors
    /// As `mkdirat(2)` and `openat(2)`.
    pub fn ensure(&self, name: &str, mode: u16) -> io::Result<Self> {
        match self.enter(name) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                match mkdirat(&self.0, name, permissions(mode)) {
                    Ok(()) => self.sync()?,
                    Err(Errno::EEXIST) => {}
                    Err(e) => return Err(e.into()),
                }
                self.enter(name)
            }
            other => other,
        }
    }

    /// Creates a regular file for writing that was not there before; never follows a symbolic link, never waits.
    ///
    /// # Errors
    /// As `openat(2)`: `AlreadyExists` if anything of that name is there.
    pub fn create_new(&self, name: &str, mode: u16) -> io::Result<File> {
        single(name)?;
        let flags = OFlag::O_WRONLY
            | OFlag::O_CREAT
            | OFlag::O_EXCL
            | OFlag::O_NOFOLLOW
            | OFlag::O_NONBLOCK
            | OFlag::O_CLOEXEC;
        Ok(openat(&self.0, name, flags, permissions(mode))?.into())
    }

    /// Whether a regular file of that name is here; a symbolic link is none.
    ///
    /// # Errors
    /// As `fstatat(2)`.
    pub fn has_file(&self, name: &str) -> io::Result<bool> {
        single(name)?;
        match fstatat(&self.0, name, AtFlags::AT_SYMLINK_NOFOLLOW) {
            Ok(facts) => Ok(facts.st_mode & nix::libc::S_IFMT == nix::libc::S_IFREG),
            Err(Errno::ENOENT) => Ok(false),
            Err(e) => Err(e.into()),
        }
    }

    /// When an entry of this directory was last made, removed or renamed: seconds since 1970.
    ///
    /// # Errors
    /// As `fstat(2)`.
    pub fn changed(&self) -> io::Result<i64> {
        Ok(fstat(&self.0)?.st_mtime)
    }

    /// Moves a file to another directory of the same file system, over whatever has that name there.
    ///
    /// # Errors
    /// As `renameat(2)`.
    pub fn move_to(&self, name: &str, other: &Self, new_name: &str) -> io::Result<()> {
        single(name)?;
        single(new_name)?;
        Ok(renameat(&self.0, name, &other.0, new_name)?)
    }

    /// Removes a file. It is no error if there is none.
    ///
    /// # Errors
    /// As `unlinkat(2)`.
    pub fn remove_file(&self, name: &str) -> io::Result<()> {
        single(name)?;
        match unlinkat(&self.0, name, UnlinkatFlags::NoRemoveDir) {
            Ok(()) | Err(Errno::ENOENT) => Ok(()),
            Err(e) => Err(e.into()),
        }
    }

    /// Makes the names in this directory durable.
    ///
    /// # Errors
    /// As `fsync(2)`.
    pub fn sync(&self) -> io::Result<()> {
        Ok(fsync(&self.0)?)
    }
}

/// `O_DIRECTORY` and what every descriptor wants.
const DIRECTORY: OFlag =
    OFlag::O_RDONLY.union(OFlag::O_DIRECTORY).union(OFlag::O_NONBLOCK).union(OFlag::O_CLOEXEC);

fn permissions(mode: u16) -> Mode {
    Mode::from_bits_truncate(mode.into())
}

/// One name, and not a way somewhere else.
fn single(name: &str) -> io::Result<()> {
    if name.is_empty() || name == "." || name == ".." || name.contains(['/', '\0']) {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not the name of a file in this directory"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::os::unix::fs::{PermissionsExt, symlink};

    #[test]
    fn a_file_is_made_and_moved() {
        let root = tempfile::tempdir().unwrap();
        let top = Directory::open(root.path()).unwrap();
        let (tmp, new) = (top.ensure("tmp", 0o700).unwrap(), top.ensure("new", 0o700).unwrap());
        tmp.create_new("a", 0o600).unwrap().write_all(b"text").unwrap();
        assert_eq!(tmp.create_new("a", 0o600).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        tmp.move_to("a", &new, "b").unwrap();
        new.sync().unwrap();
        assert!(!tmp.has_file("a").unwrap() && new.has_file("b").unwrap());
        assert_eq!(std::fs::read(root.path().join("new/b")).unwrap(), b"text");
        let mode = std::fs::metadata(root.path().join("new")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
        new.remove_file("b").unwrap();
        new.remove_file("b").unwrap();
        assert!(!new.has_file("b").unwrap());
        assert!(new.changed().unwrap() > 1_700_000_000);
    }

    #[test]
    fn symbolic_links_are_not_followed() {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir(root.path().join("real")).unwrap();
        symlink(root.path().join("real"), root.path().join("link")).unwrap();
        symlink("/etc/passwd", root.path().join("file")).unwrap();
        let top = Directory::open(root.path()).unwrap();
        assert_eq!(top.enter("link").unwrap_err().kind(), io::ErrorKind::NotADirectory);
        assert!(top.ensure("link", 0o700).is_err());
        assert!(top.create_new("file", 0o600).is_err());
        assert!(!top.has_file("file").unwrap());
    }

    #[test]
    fn a_name_cannot_lead_elsewhere() {
        let root = tempfile::tempdir().unwrap();
        let top = Directory::open(root.path()).unwrap();
        for name in ["", ".", "..", "../x", "a/b", "a\0b"] {
            assert_eq!(top.enter(name).unwrap_err().kind(), io::ErrorKind::InvalidInput, "{name:?}");
        }
    }
}
