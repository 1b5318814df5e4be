//! Whose rights a process has.

use crate::user::Account;
use nix::unistd::{Gid, Uid, User, geteuid, setegid, seteuid, setgroups};
use std::ffi::CString;
use std::io;

/// This process has the rights of root.
pub fn is_root() -> bool {
    geteuid().is_root()
}

/// The name of the user whose rights this process has.
pub fn current_user() -> Option<String> {
    User::from_uid(geteuid()).ok().flatten().map(|user| user.name)
}

/// The effective ids and groups of a user, for as long as this value lives; then root's again.
///
/// Without root's rights it is only possible for the user that the process already is.
#[derive(Debug)]
pub struct Acting {
    switched: bool,
}

impl Acting {
    /// Takes the effective user id, group id and supplementary groups of `account`.
    ///
    /// # Errors
    /// `EPERM` when the process is neither root nor that user. After an error nothing has changed.
    pub fn as_user(account: &Account) -> io::Result<Self> {
        if !is_root() {
            if geteuid() == Uid::from_raw(account.uid) {
                return Ok(Self { switched: false });
            }
            return Err(io::Error::from(io::ErrorKind::PermissionDenied));
        }
        let acting = Self { switched: true };
        // From here on an error drops `acting`, which restores root.
        let name = CString::new(account.name.as_str())?;
        take_groups(&name, account.gid)?;
        setegid(Gid::from_raw(account.gid))?;
        seteuid(Uid::from_raw(account.uid))?;
        Ok(acting)
    }
}

/// The groups of a user, as `initgroups(3)`.
fn take_groups(name: &CString, gid: u32) -> io::Result<()> {
    nix::unistd::initgroups(name, Gid::from_raw(gid))?;
    Ok(())
}

impl Drop for Acting {
    fn drop(&mut self) {
        if !self.switched {
            return;
        }
        let restored = seteuid(Uid::from_raw(0)).is_ok()
            && setegid(Gid::from_raw(0)).is_ok()
            && setgroups(&[Gid::from_raw(0)]).is_ok();
        if !restored {
            // Going on with a stranger's rights would be worse than stopping: the supervisor starts a new process.
            std::process::abort();
        }
    }
}
