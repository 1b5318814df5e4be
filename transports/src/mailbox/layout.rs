//! Where a user's mailbox is.
//!
//! `~` at the beginning is the user's home, `%u` anywhere the user's name. What stands in front of the first part that
//! depends on the user belongs to the administrator: it must be there, and may lead over symbolic links. What follows is
//! the user's: it is made where it is missing, and symbolic links are not followed.

use std::path::{Path, PathBuf};
use sys::user::Account;

/// The place of a Maildir.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    /// The directory that must be there.
    pub(super) base: PathBuf,
    /// Names below it, one after another, down to the Maildir itself.
    pub(super) names: Vec<String>,
}

/// The path does not lead to a Maildir; what the administrator is to do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum LayoutError {
    /// No trailing slash: that would be an mbox.
    #[error(
        "path in [channel.mailbox] names an mbox, which is not supported yet; end it with a slash for a Maildir"
    )]
    Mbox,
    /// It begins neither with a slash nor with `~/`.
    #[error("path in [channel.mailbox] must begin with / or ~/")]
    Relative,
    /// It has a part `..`.
    #[error("path in [channel.mailbox] may not contain ..")]
    Parent,
    /// The user's name cannot be part of a path.
    #[error("the name of this user cannot be part of a path")]
    Name,
}

impl Place {
    /// The place that `path` means for a user.
    pub(super) fn of(path: &str, account: &Account) -> Result<Self, LayoutError> {
        if !path.ends_with('/') {
            return Err(LayoutError::Mbox);
        }
        let (base, rest) = match (path.strip_prefix("~/"), path.strip_prefix('/')) {
            (Some(rest), _) => (account.home.clone(), rest),
            (None, Some(rest)) => (PathBuf::from("/"), rest),
            (None, None) => return Err(LayoutError::Relative),
        };
        let mut place = Self { base, names: Vec::new() };
        let mut own = path.starts_with('~');
        let mut parts = rest.split('/').filter(|part| !matches!(*part, "" | ".")).peekable();
        while let Some(part) = parts.next() {
            own |= part.contains("%u") || parts.peek().is_none();
            place.descend(part, own, account)?;
        }
        Ok(place)
    }

    fn descend(&mut self, part: &str, own: bool, account: &Account) -> Result<(), LayoutError> {
        let name = part.replace("%u", &account.name);
        if part == ".." {
            return Err(LayoutError::Parent);
        }
        if name == ".." || name == "." || name.contains(['/', '\0']) {
            return Err(LayoutError::Name);
        }
        if own {
            self.names.push(name);
        } else {
            self.base.push(name);
        }
        Ok(())
    }

    /// The whole path, for people and for reading a list of names.
    pub(super) fn path(&self) -> PathBuf {
        self.names.iter().fold(self.base.clone(), |path, name| path.join(Path::new(name)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(path: &str, name: &str) -> Result<(String, String), LayoutError> {
        let account = Account { name: name.into(), uid: 1, gid: 1, home: "/home/ann".into() };
        let place = Place::of(path, &account)?;
        Ok((place.base.display().to_string(), place.names.join("/")))
    }

    fn good(base: &str, names: &str) -> Result<(String, String), LayoutError> {
        Ok((base.into(), names.into()))
    }

    #[test]
    fn the_part_that_depends_on_the_user_is_the_users() {
        assert_eq!(place("~/Maildir/", "ann"), good("/home/ann", "Maildir"));
        assert_eq!(place("~/", "ann"), good("/home/ann", ""));
        assert_eq!(place("/var/mail/%u/", "ann"), good("/var/mail", "ann"));
        assert_eq!(place("/srv/%u/a//b/", "ann"), good("/srv", "ann/a/b"));
        assert_eq!(place("/srv/all/", "ann"), good("/srv", "all"));
    }

    #[test]
    fn what_is_no_maildir_is_named() {
        assert_eq!(place("~/mbox", "ann"), Err(LayoutError::Mbox));
        assert_eq!(place("Maildir/", "ann"), Err(LayoutError::Relative));
        assert_eq!(place("~/../x/", "ann"), Err(LayoutError::Parent));
        assert_eq!(place("/srv/%u/", ".."), Err(LayoutError::Name));
        assert_eq!(place("/srv/%u/", "a/b"), Err(LayoutError::Name));
    }
}
