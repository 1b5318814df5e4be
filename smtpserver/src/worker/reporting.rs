//! What the journal is told about a session.

use super::conversation::Conversation;
use super::desk::Desk;
use super::receipt::not_taken;
use farm::journal::{Accepted, Closed, MessageEvent, Refused, SessionEvent};
use farm::profile::{self, Operation};
use proto::id::SpoolId;
use proto::reply::Reply;
use proto::server::Question;
use spool::SpoolError;
use std::time::Duration;

/// Counts of one session.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tally {
    began: u64,
    mails: u64,
    rcpts: u64,
    refused: u64,
    pub(super) read: u64,
    pub(super) written: u64,
}

impl Tally {
    /// Nothing yet; the session began now.
    pub(super) fn new(now: u64) -> Self {
        Self { began: now, mails: 0, rcpts: 0, refused: 0, read: 0, written: 0 }
    }
}

impl Conversation {
    /// The spool has answered: the message is durable under this id, or it is not and nothing was promised.
    pub(super) fn committed(&mut self, desk: &mut Desk, result: Result<SpoolId, SpoolError>, batch: u64) {
        let Some(handed) = self.handed.take() else { return };
        match result {
            Ok(id) => {
                let helo = self.helo();
                let commit = farm::clock::microseconds().saturating_sub(handed.since);
                profile::took(Operation::CommitWait, Duration::from_micros(commit));
                let accepted = Accepted {
                    session: self.number,
                    client: &self.client.text,
                    helo: &helo,
                    from: &handed.from,
                    rcpts: handed.rcpts,
                    size: handed.size,
                    tls: "",
                    commit,
                    batch,
                };
                desk.note_message(id, MessageEvent::Accepted(accepted));
                desk.accepted += 1;
                self.tally.mails += 1;
                self.tally.rcpts += handed.rcpts;
                if let Some(reply) = self.session.committed(Ok(id), desk.now.mono) {
                    self.say(&reply);
                }
            }
            Err(error) => {
                if let Some(reply) = self.session.committed(Err(not_taken(&error)), desk.now.mono) {
                    self.say(&reply);
                    self.refused(desk, "DATA", &handed.from.to_string(), "", &reply);
                }
            }
        }
    }

    /// A recipient was refused.
    pub(super) fn refused_recipient(&mut self, desk: &mut Desk, question: &Question, reply: &Reply) {
        let (from, to) = (self.sender(), format!("<{}>", question.recipient));
        self.refused(desk, "RCPT", &from, &to, reply);
    }

    /// A command was refused without a question.
    pub(super) fn refused_line(&mut self, desk: &mut Desk, verb: &str, line: &[u8], reply: &Reply) {
        let path = path_in(line);
        if verb == "MAIL" {
            return self.refused(desk, verb, &path, "", reply);
        }
        let from = self.sender();
        self.refused(desk, verb, &from, &path, reply);
    }

    /// Something was refused.
    pub(super) fn refused(&mut self, desk: &mut Desk, verb: &str, from: &str, to: &str, reply: &Reply) {
        self.tally.refused += 1;
        let (helo, reply) = (self.helo(), reply.to_string());
        let client = &self.client.text;
        let refused = Refused { client, helo: &helo, verb, from, to, reply: &reply };
        desk.note_session(self.number, SessionEvent::Refused(refused));
    }

    /// The session is over.
    pub(super) fn closed(&mut self, desk: &mut Desk, why: &str) {
        let Tally { began, mails, rcpts, refused, read, written } = self.tally;
        let time = desk.now.mono.saturating_sub(began);
        let client = &self.client.text;
        let closed = Closed { client, why, mails, rcpts, refused, read, written, time };
        desk.note_session(self.number, SessionEvent::Closed(closed));
    }

    fn helo(&self) -> String {
        self.session.client().map(|client| client.name.clone()).unwrap_or_default()
    }
}

/// The verb of a command line, if its refusal belongs into the journal.
pub(super) fn verb_of(line: &[u8]) -> Option<&'static str> {
    let verb = line.trim_ascii_start().get(..4)?;
    ["MAIL", "RCPT", "DATA"].into_iter().find(|known| verb.eq_ignore_ascii_case(known.as_bytes()))
}

/// What stands in angle brackets in a command line, brackets included; empty if nothing does.
fn path_in(line: &[u8]) -> String {
    let text = String::from_utf8_lossy(line);
    let from = text.find('<').unwrap_or_default();
    let to = text.rfind('>').map_or(from, |end| end + 1);
    text.get(from..to).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_commands_of_a_transaction_are_reported() {
        assert_eq!(verb_of(b"mail from:<a@b>\r\n"), Some("MAIL"));
        assert_eq!(verb_of(b"DATA\r\n"), Some("DATA"));
        assert_eq!(verb_of(b"NOOP\r\n"), None);
        assert_eq!(verb_of(b"DA"), None);
    }

    #[test]
    fn the_path_is_taken_from_any_line() {
        assert_eq!(path_in(b"MAIL FROM:<a@b> SIZE=9\r\n"), "<a@b>");
        assert_eq!(path_in(b"MAIL FROM:>a<\r\n"), "");
        assert_eq!(path_in("RCPT TO:<\u{e4}\r\n".as_bytes()), "");
    }
}
