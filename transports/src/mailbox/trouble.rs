//! What an error of the system means for the recipient. Nothing here bounces: what is wrong with a mailbox can be
//! repaired.

use proto::disposition::{Disposition, Outcome};
use proto::message::printable;
use proto::status::Status;
use std::io::{self, ErrorKind};

/// A deferral in our own words.
pub(super) fn deferred(status: Status, words: &str) -> Disposition {
    Disposition::local(Outcome::Deferred, status, printable(words))
}

/// The deferral for an error at `what`, a path or a step.
pub(super) fn of(error: &io::Error, what: &str) -> Disposition {
    let (status, cure) = match error.kind() {
        ErrorKind::QuotaExceeded => (Status::transient(2, 2), "the user is over quota"),
        ErrorKind::StorageFull => (Status::transient(3, 1), "the file system is full"),
        ErrorKind::NotFound => (Status::transient(2, 0), "is the home directory there?"),
        ErrorKind::PermissionDenied => (Status::transient(2, 0), "the user must own the mailbox"),
        ErrorKind::ReadOnlyFilesystem => (Status::transient(3, 0), "the file system is read-only"),
        ErrorKind::NotADirectory | ErrorKind::AlreadyExists => {
            (Status::transient(2, 0), "directories are wanted here, and symbolic links are not followed")
        }
        _ => (Status::transient(3, 0), "the system refused"),
    };
    deferred(status, &format!("{what}: {error}; {cure}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quota_space_and_rights_have_codes_of_their_own() {
        let status = |kind: ErrorKind| of(&kind.into(), "x").status.to_string();
        assert_eq!(status(ErrorKind::QuotaExceeded), "4.2.2");
        assert_eq!(status(ErrorKind::StorageFull), "4.3.1");
        assert_eq!(status(ErrorKind::PermissionDenied), "4.2.0");
        assert_eq!(status(ErrorKind::NotFound), "4.2.0");
        assert_eq!(status(ErrorKind::TimedOut), "4.3.0");
    }
}
