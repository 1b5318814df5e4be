//! The content of a notice, from what was decided and what the spool has.

use crate::log::Decided;
use proto::address::Mailbox;
use proto::dsn::{Action, Composed, Notice, NoticeRecipient};
use proto::id::SpoolId;
use spool::log::Reported;

/// The header section of the message that a notice is about, and when that was accepted.
pub(super) struct Cause {
    pub(super) id: SpoolId,
    pub(super) received: u64,
    pub(super) headers: Vec<u8>,
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
        headers: cause.headers,
    };
    notice.compose()
}

fn recipient(reported: &Reported, now: u64) -> NoticeRecipient {
    let disposition = &reported.disposition;
    NoticeRecipient {
        final_recipient: reported.address.clone(),
        action: Action::Failed,
        status: disposition.status.with_class(5),
        remote_mta: disposition.remote.clone(),
        diagnostic: disposition.reply.clone(),
        last_attempt: Some(now),
        will_retry_until: None,
    }
}
