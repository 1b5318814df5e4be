//! What the journal is told about a session.

use super::conversation::Conversation;
use super::desk::Desk;
use super::receipt::not_taken;
use farm::journal::{Accepted, Closed, MessageEvent, Refused, SessionEvent};
use farm::profile::{self, Operation};
use proto::id::SpoolId;
use proto::reply::{Cause, Reply};
use proto::server::Question;
use spool::SpoolError;
use std::time::Duration;

/// Counts of one session, and what it is remembered by.
#[derive(Debug, Clone)]
pub(super) struct Tally {
    began: u64,
    mails: u64,
    rcpts: u64,
    refused: u64,
    pub(super) read: u64,
    pub(super) written: u64,
    /// What the client called itself last; the session forgets it at its end.
    helo: Option<Box<str>>,
}

/// The commands that the journal calls by their name.
const VERBS: [&str; 20] = [
    "MAIL", "RCPT", "DATA", "BDAT", "EHLO", "HELO", "LHLO", "AUTH", "STARTTLS", "RSET", "NOOP", "VRFY",
    "EXPN", "HELP", "ETRN", "QUIT", "XCLIENT", "XFORWARD", "XPLAY", "BURL",
];

impl Tally {
    /// Nothing yet; the session began now.
    pub(super) fn new(now: u64) -> Self {
        Self { began: now, mails: 0, rcpts: 0, refused: 0, read: 0, written: 0, helo: None }
    }
}

impl Conversation {
    /// The spool has answered: the message is durable under this id, or it is not and nothing was promised.
    pub(super) fn committed(&mut self, desk: &mut Desk, result: Result<SpoolId, SpoolError>, batch: u64) {
        let Some(handed) = self.handed.take() else { return };
        match result {
            Ok(id) => {
                let commit = farm::clock::microseconds().saturating_sub(handed.since);
                profile::took(Operation::CommitWait, Duration::from_micros(commit));
                let accepted = Accepted {
                    session: self.number,
                    client: &self.client.text,
                    helo: self.helo(),
                    from: &handed.from,
                    rcpts: handed.rcpts,
                    size: handed.size,
                    tls: self.tls(),
                    commit,
                    batch,
                    account: self.session.account().unwrap_or_default(),
                    tags: &handed.tags,
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
        match verb {
            "MAIL" => self.refused(desk, verb, &path_in(line), "", reply),
            "RCPT" => {
                let from = self.sender();
                self.refused(desk, verb, &from, &path_in(line), reply);
            }
            _ => {
                let from = self.sender();
                self.refused(desk, verb, &from, "", reply);
            }
        }
    }

    /// Something was refused; its cause travels with the reply.
    pub(super) fn refused(&mut self, desk: &mut Desk, verb: &str, from: &str, to: &str, reply: &Reply) {
        if self.is_trial() {
            return;
        }
        self.tally.refused += 1;
        let other = Cause::of("other");
        let Cause { rule, value, limit } = reply.cause.as_deref().unwrap_or(&other);
        let (helo, reply) = (self.helo(), reply.to_string());
        let client = &self.client.text;
        let refused = Refused { client, helo, verb, from, to, reply: &reply, rule, value, limit };
        desk.note_session(self.number, SessionEvent::Refused(refused));
    }

    /// The client has been greeted under a name.
    pub(super) fn note_name(&mut self) {
        if let Some(client) = self.session.client() {
            self.tally.helo = Some(client.name.as_str().into());
        }
    }

    /// The session is over.
    pub(super) fn closed(&mut self, desk: &mut Desk, why: &str) {
        let Tally { began, mails, rcpts, refused, read, written, ref helo } = self.tally;
        let player = self.trial.as_ref().map(|trial| trial.player.as_str());
        let closed = Closed {
            client: player.unwrap_or(&self.client.text),
            why,
            mails,
            rcpts,
            refused,
            read,
            written,
            time: desk.now.mono.saturating_sub(began),
            name: self.client.name.as_deref().unwrap_or_default(),
            helo: helo.as_deref().unwrap_or_default(),
            listener: &self.client.listener,
            tls: self.tls(),
            account: self.session.account().unwrap_or_default(),
            auth_failures: self.session.auth_failures().into(),
            bad_commands: self.session.bad_commands().into(),
            alert: &self.alert,
        };
        desk.note_session(self.number, SessionEvent::Closed(closed));
    }

    fn helo(&self) -> &str {
        self.tally.helo.as_deref().unwrap_or_default()
    }

    fn tls(&self) -> &str {
        self.session.security().map(|security| security.version.as_str()).unwrap_or_default()
    }
}

/// The verb of a command line: empty for what is no command, which may be anything, a password for one. `None` without a
/// line.
pub(super) fn verb_of(line: &[u8]) -> Option<&'static str> {
    let line = line.trim_ascii();
    let word = line.split(|octet| octet.is_ascii_whitespace() || *octet == b':').next()?;
    if word.is_empty() {
        return None;
    }
    let known = VERBS.into_iter().find(|known| word.eq_ignore_ascii_case(known.as_bytes()));
    Some(known.unwrap_or_default())
}

/// Whether a client gives its name by this line.
pub(super) fn names_itself(line: &[u8]) -> bool {
    let verb = line.trim_ascii_start().get(..4).unwrap_or_default();
    ["EHLO", "HELO", "LHLO"].iter().any(|known| verb.eq_ignore_ascii_case(known.as_bytes()))
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
    fn what_is_no_command_is_not_repeated() {
        assert_eq!(verb_of(b"mail from:<a@b>\r\n"), Some("MAIL"));
        assert_eq!(verb_of(b"DATA\r\n"), Some("DATA"));
        assert_eq!(verb_of(b"NOOP\r\n"), Some("NOOP"));
        assert_eq!(verb_of(b"AGFubgBzZWNyZXQ=\r\n"), Some(""));
        assert_eq!(verb_of(b"DA"), Some(""));
        assert_eq!(verb_of(b""), None);
    }

    #[test]
    fn the_path_is_taken_from_any_line() {
        assert_eq!(path_in(b"MAIL FROM:<a@b> SIZE=9\r\n"), "<a@b>");
        assert_eq!(path_in(b"MAIL FROM:>a<\r\n"), "");
        assert_eq!(path_in("RCPT TO:<\u{e4}\r\n".as_bytes()), "");
    }
}
