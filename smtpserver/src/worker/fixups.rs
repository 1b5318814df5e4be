//! The fix-ups of a submission: its header section is held back until it is complete, then what is missing goes in front
//! of it, or the message is refused.

use super::accounts::Member;
use super::conversation::Conversation;
use super::desk::Desk;
use proto::address::{Mailbox, ReversePath};
use proto::id::SpoolId;
use proto::message::fixups::{Header, Submission, missing};
use proto::reply::Reply;
use proto::server::Service;
use std::sync::Arc;

/// A header section that is not complete yet, and what is known besides.
#[derive(Debug)]
pub(super) struct Fixing {
    header: Header,
    sender: ReversePath,
    member: Option<Arc<Member>>,
    id: String,
    host: String,
    now: u64,
}

impl Fixing {
    /// Takes the next part of the content; `true` once the section is complete.
    ///
    /// # Errors
    /// A 5xx reply.
    pub(super) fn take(&mut self, part: &[u8]) -> Result<bool, Reply> {
        self.header.take(part)
    }

    /// What goes in front, and the content so far.
    ///
    /// # Errors
    /// A 5xx reply.
    pub(super) fn finish(&self) -> Result<(Vec<u8>, &[u8]), Reply> {
        let Self { header, sender, member, id, host, now } = self;
        let owns = |mailbox: &Mailbox| member.as_ref().is_none_or(|member| member.owns(mailbox));
        let added = missing(header.held(), &Submission { sender, id, host, now: *now, owns: &owns })?;
        Ok((added, header.held()))
    }
}

impl Conversation {
    /// The fix-ups of a message with this id, if the session is for new messages.
    pub(super) fn fixing(&self, desk: &Desk, id: SpoolId) -> Option<Box<Fixing>> {
        if self.session.service() != Service::Submission {
            return None;
        }
        let transaction = self.session.transaction()?;
        Some(Box::new(Fixing {
            header: Header::default(),
            sender: transaction.from.clone(),
            member: self.member(),
            id: id.to_string(),
            host: desk.house.hostname.clone(),
            now: desk.now.utc,
        }))
    }
}
