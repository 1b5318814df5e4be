//! Accounts of the system.

use nix::unistd::User;
use std::io;
use std::os::fd::AsFd;
use std::path::PathBuf;

/// An account of the system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Its name.
    pub name: String,
    /// Its user id.
    pub uid: u32,
    /// Its primary group.
    pub gid: u32,
    /// Its home directory.
    pub home: PathBuf,
}

impl From<User> for Account {
    fn from(user: User) -> Self {
        Self { name: user.name, uid: user.uid.as_raw(), gid: user.gid.as_raw(), home: user.dir }
    }
}

/// Looks an account up by name, through the system's name services; `None` if there is no such account.
///
/// # Errors
/// The name services did not answer: that is "not now", and not "no such user".
pub fn lookup_user(name: &str) -> io::Result<Option<Account>> {
    if name.is_empty() || name.contains('\0') {
        return Ok(None);
    }
    Ok(User::from_name(name)?.map(Account::from))
}

/// The account of the user whose rights this process has.
///
/// # Errors
/// As [`lookup_user`].
pub fn own_account() -> io::Result<Option<Account>> {
    Ok(User::from_uid(nix::unistd::geteuid())?.map(Account::from))
}

/// The id of the user whose rights this process has.
pub fn own_id() -> u32 {
    nix::unistd::geteuid().as_raw()
}

/// The user id at the other end of a connected unix stream socket.
///
/// # Errors
/// As `getsockopt(2)` with `SO_PEERCRED` or its like.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub fn peer_user(socket: &impl AsFd) -> io::Result<u32> {
    use nix::sys::socket::{getsockopt, sockopt::PeerCredentials};
    Ok(getsockopt(socket, PeerCredentials)?.uid())
}

/// The user id at the other end of a connected unix stream socket.
///
/// # Errors
/// As `getpeereid(3)`.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub fn peer_user(socket: &impl AsFd) -> io::Result<u32> {
    Ok(nix::unistd::getpeereid(socket)?.0.as_raw())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_exists_and_nonsense_does_not() {
        assert_eq!(lookup_user("root").unwrap().unwrap().uid, 0);
        assert_eq!(lookup_user("no such user").unwrap(), None);
        assert_eq!(lookup_user("").unwrap(), None);
        assert_eq!(lookup_user("a\0b").unwrap(), None);
    }

    #[test]
    fn a_socketpair_is_ours() {
        let (here, _there) = std::os::unix::net::UnixStream::pair().unwrap();
        assert_eq!(peer_user(&here).unwrap(), own_account().unwrap().unwrap().uid);
    }
}
