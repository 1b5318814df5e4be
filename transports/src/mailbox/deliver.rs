//! From a recipient to a disposition.

use super::layout::Place;
use super::maildir::Maildir;
use super::{binary, content, trouble};
use crate::agent::{Settings, Turn, Work};
use crate::one_by_one::Deliver;
use ipc::agent::{Job, JobRecipient};
use proto::disposition::{Disposition, Outcome};
use proto::message::{delivered_to, return_path};
use proto::status::Status;
use std::io;
use sys::privilege::Acting;
use sys::user::{Account, lookup_user};

/// Delivers into Maildirs.
#[derive(Debug)]
pub struct Mailbox {
    path: String,
    hostname: String,
    /// The configuration lets Grange itself run as root, so root may have a mailbox, too.
    root_allowed: bool,
    lookup: fn(&str) -> io::Result<Option<Account>>,
}

impl Mailbox {
    /// With the users of the system.
    pub fn new(settings: &Settings) -> Self {
        Self::with_users(settings, lookup_user)
    }

    /// With users of one's own, for tests.
    pub fn with_users(settings: &Settings, lookup: fn(&str) -> io::Result<Option<Account>>) -> Self {
        let mut mailbox = Self { path: String::new(), hostname: String::new(), root_allowed: false, lookup };
        mailbox.configure(settings);
        mailbox
    }

    fn configure(&mut self, settings: &Settings) {
        self.path.clone_from(&settings.channel.path);
        self.hostname.clone_from(&settings.common.hostname);
        self.root_allowed = settings.common.user == "root";
    }

    fn account(&self, user: &str) -> Result<Account, Disposition> {
        match (self.lookup)(user) {
            Ok(Some(account)) if account.uid == 0 && !self.root_allowed => {
                let words = "mail is not delivered with root's rights; alias root to a person";
                Err(trouble::deferred(Status::transient(3, 0), words))
            }
            Ok(Some(account)) => Ok(account),
            Ok(None) => {
                Err(Disposition::local(Outcome::Failed, Status::permanent(1, 1), format!("no user {user}")))
            }
            Err(error) => {
                let words = format!("the user database does not answer: {error}");
                Err(trouble::deferred(Status::transient(3, 0), &words))
            }
        }
    }

    fn try_to(
        &self,
        work: &Work,
        recipient: &JobRecipient,
        turn: &mut Turn<'_>,
    ) -> Result<Disposition, Disposition> {
        let account = self.account(&recipient.user)?;
        let place = Place::of(&self.path, &account)
            .map_err(|error| trouble::deferred(Status::transient(3, 5), &error.to_string()))?;
        let acting = Acting::as_user(&account).map_err(|error| not_allowed(&error, &account.name))?;
        let path = place.path().display().to_string();
        let said = |error: io::Error| trouble::of(&error, &path);
        let maildir = Maildir::open(&place).map_err(said)?;
        let name = file_name(&work.job, recipient.index, &self.hostname);
        let received = i64::try_from(work.job.received / 1000).unwrap_or(i64::MAX);
        if maildir.has(&name, received).map_err(said)? {
            return Ok(delivered("already in the mailbox"));
        }
        let trace = return_path(&work.job.from) + &delivered_to(&recipient.address);
        let write = |file: &mut std::fs::File| {
            let put = if work.job.shape.binary { binary::write } else { content::write };
            put(&trace, &work.body, &recipient.address, file)?;
            turn.perhaps_die();
            Ok(())
        };
        let refused = |error: io::Error| looped(&error).unwrap_or_else(|| said(error));
        maildir.deliver(&name, write).map_err(refused)?;
        drop(acting);
        Ok(delivered("delivered to the mailbox"))
    }
}

impl Deliver for Mailbox {
    fn deliver(&mut self, work: &Work, recipient: &JobRecipient, turn: &mut Turn<'_>) -> Disposition {
        self.try_to(work, recipient, turn).unwrap_or_else(|disposition| disposition)
    }

    fn reload(&mut self, settings: &Settings) {
        self.configure(settings);
    }
}

fn delivered(words: &str) -> Disposition {
    Disposition::local(Outcome::Delivered, Status::OK, words)
}

fn looped(error: &io::Error) -> Option<Disposition> {
    let looped = error.get_ref()?.downcast_ref::<content::Loop>()?;
    Some(Disposition::local(Outcome::Failed, Status::permanent(4, 6), looped.to_string()))
}

fn not_allowed(error: &io::Error, user: &str) -> Disposition {
    let words = match error.kind() {
        io::ErrorKind::PermissionDenied if !sys::privilege::is_root() => {
            format!("Grange runs without root's rights and cannot deliver to {user}; start it as root")
        }
        _ => format!("cannot take the rights of {user}: {error}"),
    };
    trouble::deferred(Status::transient(3, 0), &words)
}

/// The name under which this message is delivered to this recipient, whenever and how often it is tried. Characters
/// that mean something in a Maildir are written as octal numbers.
fn file_name(job: &Job, index: u32, hostname: &str) -> String {
    let hostname = hostname.replace('/', "\\057").replace(':', "\\072");
    format!("{}.{}.{index}.{hostname}", job.received / 1000, job.id)
}

#[cfg(test)]
mod tests;
