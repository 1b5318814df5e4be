//! Giving files to an account, as root, where that account may have been before: no symbolic link is ever followed.

use crate::user::Account;
use std::fs::File;
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, lchown};
use std::path::Path;

/// Gives what stands at `path` to the account; a link itself, not what it points to. With `depth`, also what stands in a
/// directory that belonged to somebody else, so many levels down.
///
/// # Errors
/// As `lchown(2)` and `readdir(3)`.
pub fn give(path: &Path, account: &Account, depth: u32) -> io::Result<()> {
    let facts = std::fs::symlink_metadata(path)?;
    if facts.uid() == account.uid {
        return Ok(());
    }
    if facts.is_dir() && depth > 0 {
        for entry in std::fs::read_dir(path)? {
            give(&entry?.path(), account, depth - 1)?;
        }
    }
    lchown(path, Some(account.uid), Some(account.gid))
}

/// Makes a file if there is none, and gives it to the account if it is root's.
///
/// # Errors
/// As `open(2)` without following a link, and `fchown(2)`.
pub fn make_for(path: &Path, mode: u32, account: &Account) -> io::Result<()> {
    let flags = nix::fcntl::OFlag::O_NOFOLLOW.bits();
    let file = File::options().append(true).create(true).mode(mode).custom_flags(flags).open(path)?;
    if file.metadata()?.uid() == 0 {
        std::os::unix::fs::fchown(&file, Some(account.uid), Some(account.gid))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_not_followed() {
        let dir = tempfile::tempdir().unwrap();
        let (target, link) = (dir.path().join("target"), dir.path().join("link"));
        std::fs::write(&target, "").unwrap();
        std::os::unix::fs::symlink(&target, &link).unwrap();
        let account = crate::user::own_account().unwrap().unwrap();
        assert!(make_for(&link, 0o640, &account).is_err());
        if crate::privilege::is_root() {
            let stranger = crate::user::lookup_user("daemon").unwrap().unwrap();
            give(&link, &stranger, 0).unwrap();
            assert_eq!(std::fs::metadata(&target).unwrap().uid(), 0);
            assert_eq!(std::fs::symlink_metadata(&link).unwrap().uid(), stranger.uid);
        }
    }

    #[test]
    fn what_stands_below_is_given_too() {
        if !crate::privilege::is_root() {
            return;
        }
        let dir = tempfile::tempdir().unwrap();
        let inner = dir.path().join("a/b");
        std::fs::create_dir_all(&inner).unwrap();
        let stranger = crate::user::lookup_user("daemon").unwrap().unwrap();
        give(dir.path(), &stranger, 2).unwrap();
        assert_eq!(std::fs::metadata(inner).unwrap().uid(), stranger.uid);
    }
}
