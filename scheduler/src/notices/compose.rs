//! The content of a notice, from what was decided and what the spool has.

use crate::log::Decided;
use proto::address::Mailbox;
use proto::disposition::{Disposition, Outcome, Reach};
use proto::dsn::{Action, Composed, Notice, NoticeRecipient, Original};
use proto::id::SpoolId;
use proto::status::Status;
use proto::terms::Terms;
use spool::log::Reported;

/// The message that a notice is about: what goes back of it, when it was accepted, and what its sender asked for.
pub(super) struct Cause {
    pub(super) id: SpoolId,
    pub(super) received: u64,
    pub(super) original: Original,
    pub(super) terms: Terms,
}

/// Builds the message. The time in it is that of its id, so that the same decision always gives the same octets.
pub(super) fn compose(
    id: SpoolId,
    decided: &Decided,
    to: &Mailbox,
    cause: Cause,
    hostname: &str,
) -> Composed {
    let now = id.milliseconds();
    let notice = Notice {
        id,
        about: cause.id,
        reporting_mta: hostname.to_owned(),
        now,
        arrival_date: cause.received,
        original_sender: to.clone(),
        recipients: decided.recipients.iter().map(|reported| recipient(reported, now)).collect(),
        original: cause.original,
        envid: cause.terms.envid,
        deliver_by: cause.terms.deliver_by.map(|by| by.until),
        utf8: is_utf8(cause.terms.utf8, to),
    };
    notice.compose()
}

/// The sender can read a notice in UTF-8: what was sent was, or the address is (RFC 6533 section 1).
pub(super) fn is_utf8(terms: bool, to: &Mailbox) -> bool {
    terms || !to.to_string().is_ascii()
}

fn recipient(reported: &Reported, now: u64) -> NoticeRecipient {
    let disposition = &reported.disposition;
    let (action, status) = action(disposition);
    let expanded = action == Action::Expanded;
    NoticeRecipient {
        final_recipient: reported.address.clone(),
        original_recipient: reported.orcpt.clone(),
        action,
        status,
        remote_mta: disposition.remote.clone(),
        diagnostic: disposition.reply.clone(),
        last_attempt: (!expanded).then_some(now),
        will_retry_until: reported.until,
    }
}

fn action(disposition: &Disposition) -> (Action, Status) {
    let status = disposition.status;
    match (disposition.outcome, disposition.reach) {
        (Outcome::Failed, _) => (Action::Failed, status.with_class(5)),
        (Outcome::Deferred | Outcome::HostDeferred, _) => (Action::Delayed, status.with_class(4)),
        (Outcome::Delivered, Reach::Mailbox) => (Action::Delivered, status.with_class(2)),
        (Outcome::Delivered, Reach::Onward | Reach::Untimed | Reach::Blind) => {
            (Action::Relayed, status.with_class(2))
        }
        (Outcome::Delivered, Reach::Expanded) => (Action::Expanded, status.with_class(2)),
    }
}
