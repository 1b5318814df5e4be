//! A program that runs a session.

use super::super::*;
use crate::id::SpoolId;
use crate::limits::Limits;
use crate::reply::Reply;
use crate::status::Status;
use std::sync::Arc;

/// What became visible of a session: replies and questions as text, content joined.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) events: Vec<String>,
    pub(super) body: Vec<u8>,
    /// The content of the messages that were committed.
    pub(super) committed: Vec<Vec<u8>>,
}

/// Answers everything at once: `nosuch` is refused, every other recipient is taken, every message is committed, `secret` is
/// everybody's password, `evil` is refused by the policy wherever it appears.
pub(super) struct Shell {
    pub(super) session: Session,
    pub(super) held: Vec<u8>,
    pub(super) seen: Seen,
    pub(super) now: u64,
    /// No draft can be opened.
    pub(super) full: bool,
}

/// Limits that a test can reach.
pub(super) fn limits() -> Limits {
    Limits { command_line: 128, message_size: 200, recipients: 3, bad_commands: 6, ..Limits::default() }
}

/// A client that may do everything, before TLS and AUTH.
pub(super) fn everything() -> Standing {
    let privileges = Privileges {
        vrfy: true,
        expn: true,
        etrn: true,
        xclient: true,
        xforward: true,
        ..Privileges::default()
    };
    let mechanisms: Arc<[String]> = Arc::new(["PLAIN".to_owned()]);
    let mechanisms = Mechanisms { plain: Arc::clone(&mechanisms), secured: mechanisms };
    Standing { privileges, mechanisms, starttls: true, utc: 1_764_000_000_000, ..Standing::default() }
}

impl Shell {
    pub(super) fn new(limits: Limits, standing: Standing) -> Self {
        let config = Config::new("mail.example.org".parse().unwrap(), limits).unwrap();
        let session = Session::new(Arc::new(config), standing, 0);
        Self { session, held: Vec::new(), seen: Seen::default(), now: 0, full: false }
    }

    pub(super) fn plain() -> Self {
        Self::new(Limits::default(), Standing::default())
    }

    /// The events of an exchange.
    pub(super) fn hear(&mut self, text: &str) -> Vec<String> {
        self.seen.events.clear();
        self.receive(text.as_bytes());
        std::mem::take(&mut self.seen.events)
    }

    fn event(&mut self, event: impl std::fmt::Display) {
        self.seen.events.push(event.to_string());
    }

    pub(super) fn receive(&mut self, octets: &[u8]) {
        self.held.extend_from_slice(octets);
        while self.step() {}
        assert!(self.held.len() < self.session.config.limits().longest_line(), "too much is held");
    }

    /// One step; whether another one makes sense.
    fn step(&mut self) -> bool {
        let held = std::mem::take(&mut self.held);
        let Step { consumed, action } = self.session.advance(&held, self.now);
        let waits = matches!(action, Action::NeedInput | Action::Parked | Action::Close(_));
        if let Action::Close(why) = action {
            self.event(why.word());
        }
        let reply = self.carry_out(action);
        if let Some(reply) = reply {
            self.event(reply);
        }
        // What a client sends behind STARTTLS is thrown away.
        let used =
            if self.seen.events.last().is_some_and(|e| e == "secured") { held.len() } else { consumed };
        self.held = held[used..].to_vec();
        !waits
    }

    fn carry_out(&mut self, action: Action<'_>) -> Option<Reply> {
        let now = self.now;
        match action {
            Action::NeedInput | Action::Parked | Action::Close(_) => None,
            Action::Reply(reply) => Some(reply),
            Action::Ask(question) => self.session.answer(question.number, verdict(&question), now),
            Action::BeginBody => {
                let full = Reply::new(452, Status::transient(3, 1), "no space");
                self.session.opened(if self.full { Err(full) } else { Ok(()) }, now)
            }
            Action::Body(content) => {
                self.seen.body.extend_from_slice(content);
                None
            }
            Action::AbortBody => {
                self.event("abort");
                // What was handed out before depends on the split, and is thrown away.
                self.seen.body.clear();
                None
            }
            Action::EndOfBody { transaction, shape } => {
                let content = std::mem::take(&mut self.seen.body);
                assert_eq!(shape, crate::message::shape_of(&content));
                self.seen.committed.push(content);
                self.event(format!("{} x{} {}", transaction.from, transaction.recipients.len(), shape.size));
                self.session.committed(Ok(id()), now)
            }
            action => self.carry_out_rarely(action),
        }
    }

    fn carry_out_rarely(&mut self, action: Action<'_>) -> Option<Reply> {
        let now = self.now;
        match action {
            Action::StartTls => {
                self.event("secured");
                let security = Security { version: "TLSv1.3".into(), ..Security::default() };
                self.session.secured(security, now);
                None
            }
            Action::Authenticate { initial: None, .. } => self.session.challenge(b"go", now),
            Action::Authenticate { initial: Some(response), .. } | Action::AuthResponse(response) => {
                let wrong = Reply::new(535, Status::permanent(7, 8), "wrong");
                let result = if response == b"\0ann\0secret" { Ok("ann".to_owned()) } else { Err(wrong) };
                self.session.authenticated(result, now)
            }
            Action::AuthCancelled => {
                self.event("cancelled");
                None
            }
            Action::Judge(phase) => {
                self.event(format!("{phase:?}"));
                let evil = self.session.client().is_some_and(|client| client.name.contains("evil"))
                    || self.session.transaction().is_some_and(|t| t.from.to_string().contains("evil"));
                let refusal = Reply::new(550, Status::permanent(7, 1), "evil");
                self.session.judged(if evil { Judgement::Refuse(refusal) } else { Judgement::Go }, now)
            }
            Action::Verify { number, argument, .. } => {
                self.session.verified(number, Ok(vec![format!("<{argument}@example.org>")]), now)
            }
            Action::Etrn(_) => self.session.etrn_done(Reply::new(251, Status::OK, "nothing waits"), now),
            Action::Xclient(_) | Action::Play(_) => self.session.reintroduced(Ok(()), now),
            Action::Xforward(_) => self.session.forwarded(Ok(()), now),
            _ => None,
        }
    }

    /// The code of the last reply.
    pub(super) fn code(&self) -> &str {
        let replies = self.seen.events.iter().rev();
        replies.map(|event| &event[..3]).find(|code| code.parse::<u16>().is_ok()).unwrap()
    }
}

fn verdict(question: &Question) -> Verdict {
    match question.recipient.local_part() {
        "nosuch" => Verdict::Refused(Reply::new(550, Status::permanent(1, 1), "no such user")),
        _ => Verdict::Accepted { route: None },
    }
}

pub(super) fn id() -> SpoolId {
    SpoolId::new(1, 2, 3, 4)
}

/// What comes of these octets in pieces of `size`.
pub(super) fn dialogue(standing: Standing, input: &[u8], size: usize) -> Seen {
    let mut shell = Shell::new(limits(), standing);
    for piece in input.chunks(size) {
        shell.receive(piece);
    }
    // A closed session says so on every call; how many there are depends on the split.
    shell.seen.events.dedup_by(|a, b| a == b && !a.contains(' '));
    shell.seen
}
