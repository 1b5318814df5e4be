//! A program around a session that plays its part in memory: what it is asked it answers at once, and it watches that the
//! session keeps its word.

use proto::envelope::Shape;
use proto::id::SpoolId;
use proto::limits::Limits;
use proto::message::shape_of;
use proto::reply::Reply;
use proto::server::{
    Action, Config, Judgement, Mechanisms, Privileges, Question, Service, Session, Standing, Step, Verdict,
};
use proto::status::Status;
use std::sync::Arc;

/// What became visible of a session.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) events: Vec<String>,
    /// The messages that were taken.
    pub(crate) mails: Vec<Vec<u8>>,
}

/// A session and what is at hand.
pub(crate) struct Shell {
    session: Session,
    held: Vec<u8>,
    /// The draft that is open.
    draft: Option<Vec<u8>>,
    over: bool,
    pub(crate) seen: Seen,
}

fn limits() -> Limits {
    Limits {
        command_line: 600,
        message_size: 3000,
        recipients: 5,
        bad_commands: 30,
        idle_commands: 200,
        ..Limits::default()
    }
}

/// Each bit of `kind` is one thing that a session may be allowed.
pub(crate) fn standing(kind: u8) -> Standing {
    let bit = |number: u8| kind >> number & 1 == 1;
    let service = match kind >> 6 {
        0 | 1 => Service::Relay,
        2 => Service::Submission,
        _ => Service::Lmtp,
    };
    let privileges = Privileges {
        relay: bit(0),
        vrfy: bit(1),
        expn: bit(1),
        etrn: bit(2),
        xclient: bit(3),
        xforward: bit(3),
        policy: bit(4),
        ..Privileges::default()
    };
    let offered: Arc<[String]> = ["PLAIN".to_owned(), "LOGIN".to_owned()].into();
    let mechanisms = Mechanisms { plain: Arc::clone(&offered), secured: offered };
    Standing {
        service,
        privileges,
        mechanisms,
        starttls: bit(5),
        utc: 1_764_000_000_000,
        ..Standing::default()
    }
}

impl Shell {
    pub(crate) fn new(standing: Standing) -> Self {
        let config = Config::new("mail.example.org".parse().expect("a domain"), limits()).expect("a config");
        let session = Session::new(Arc::new(config), standing, 0);
        Self { session, held: Vec::new(), draft: None, over: false, seen: Seen::default() }
    }

    pub(crate) fn receive(&mut self, octets: &[u8]) {
        self.held.extend_from_slice(octets);
        let mut steps = 0;
        while !self.over && self.step() {
            steps += 1;
            assert!(steps < 100_000, "a session comes to rest");
        }
        let most = limits().command_line.max(proto::limits::AUTH_LINE);
        assert!(self.over || self.held.len() <= most, "{} octets are left unused", self.held.len());
    }

    /// One step; whether another one makes sense.
    fn step(&mut self) -> bool {
        let held = std::mem::take(&mut self.held);
        let Step { consumed, action } = self.session.advance(&held, 0);
        let rest = held.get(consumed..).expect("no more is used than there is").to_vec();
        let mut go_on = true;
        match action {
            Action::NeedInput => go_on = false,
            Action::Parked => panic!("everything was answered"),
            Action::Close(why) => {
                self.event(why.word());
                self.over = true;
            }
            Action::StartTls => {
                // What has not arrived yet is not thrown away, so a cut would make a difference from here on.
                self.event("starttls");
                self.over = true;
            }
            Action::Body(part) => {
                self.draft.as_mut().expect("content only for an open draft").extend_from_slice(part);
            }
            Action::AbortBody => {
                self.event("abort");
                self.draft = None;
            }
            action => self.answer(action),
        }
        self.held = rest;
        go_on
    }

    fn answer(&mut self, action: Action<'_>) {
        let reply = match action {
            Action::Reply(reply) => Some(reply),
            Action::Ask(question) => self.session.answer(question.number, verdict(&question), 0),
            Action::BeginBody => {
                assert!(self.draft.replace(Vec::new()).is_none(), "one draft at a time");
                self.session.opened(Ok(()), 0)
            }
            Action::EndOfBody { transaction, shape } => {
                self.end_of_body(transaction.recipients.len(), shape);
                self.session.committed(Ok(SpoolId::new(1, 2, 3, 4)), 0)
            }
            Action::Authenticate { initial: Some(initial), .. } => self.authenticate(&initial),
            Action::Authenticate { initial: None, .. } => self.session.challenge(b"more", 0),
            Action::AuthResponse(response) => self.authenticate(&response),
            Action::Judge(_) => self.session.judged(Judgement::Go, 0),
            Action::Verify { number, .. } => self.session.verified(number, Ok(vec!["<a@b>".into()]), 0),
            Action::Etrn(_) => self.session.etrn_done(Reply::new(250, Status::OK, "started"), 0),
            Action::Xclient(_) | Action::Play(_) => self.session.reintroduced(Ok(()), 0),
            Action::Xforward(_) => self.session.forwarded(Ok(()), 0),
            _ => None,
        };
        if let Some(reply) = reply {
            assert!((200..600).contains(&reply.code), "{reply}");
            self.event(reply);
        }
    }

    fn authenticate(&mut self, response: &[u8]) -> Option<Reply> {
        let refused = || Reply::new(535, Status::permanent(7, 8), "no");
        let result = if response == b"\0a\0b" { Ok("a".to_owned()) } else { Err(refused()) };
        self.session.authenticated(result, 0)
    }

    fn end_of_body(&mut self, recipients: usize, shape: Shape) {
        let content = self.draft.take().expect("a draft was open");
        assert!(recipients > 0 && recipients <= limits().recipients);
        assert!(shape.size <= limits().message_size);
        assert_eq!(shape, shape_of(&content), "the shape is that of the content");
        self.seen.mails.push(content);
    }

    fn event(&mut self, event: impl std::fmt::Display) {
        self.seen.events.push(event.to_string());
    }
}

fn verdict(question: &Question) -> Verdict {
    match question.recipient.local_part() {
        "no" => Verdict::Refused(Reply::new(550, Status::permanent(1, 1), "no such user")),
        "later" => Verdict::Deferred(Reply::new(451, Status::transient(3, 0), "later")),
        _ => Verdict::Accepted { route: None },
    }
}

/// What is seen of a session whose input comes in pieces of this size.
pub(crate) fn play(standing: Standing, input: &[u8], size: usize) -> Seen {
    let mut shell = Shell::new(standing);
    for piece in input.chunks(size.max(1)) {
        shell.receive(piece);
    }
    shell.seen
}
