//! Reads a script, plays the client and the program around the session, and compares.

use proto::address::{Domain, ForwardPath};
use proto::id::SpoolId;
use proto::limits::Limits;
use proto::reply::Reply;
use proto::server::{
    Action, Attributes, Config, Mechanisms, Question, Security, Service, Session, Standing, Step, Verdict,
};
use proto::status::Status;
use std::collections::VecDeque;
use std::sync::Arc;

/// One line of a script, with its number.
#[derive(Debug)]
pub(crate) struct Item {
    number: usize,
    what: What,
}

#[derive(Debug)]
enum What {
    Limit(String, u64),
    /// What the session is for and what the client may do.
    Session(Vec<String>),
    Send(Vec<u8>),
    /// An event, as [`Driver`] writes it, with `*` for anything.
    Event(String),
    Wait(u64),
}

impl Item {
    /// Reads a script.
    pub(crate) fn parse(text: &str) -> Vec<Self> {
        let lines = text.lines().enumerate();
        let meant = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
        meant.map(|(at, line)| Self { number: at + 1, what: What::parse(line) }).collect()
    }
}

impl What {
    fn parse(line: &str) -> Self {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        match word {
            "limit" => {
                let (name, number) = rest.split_once(' ').unwrap();
                Self::Limit(name.to_owned(), number.parse().unwrap())
            }
            "session" => Self::Session(rest.split(' ').map(str::to_owned).collect()),
            "C:" => Self::Send([rest.as_bytes(), b"\r\n"].concat()),
            "C|" => Self::Send(unescape(rest)),
            "C*" => {
                let (count, text) = rest.split_once(' ').unwrap();
                Self::Send(unescape(text).repeat(count.parse().unwrap()))
            }
            "S:" => Self::Event(rest.to_owned()),
            "wait" => Self::Wait(rest.parse().unwrap()),
            "ask" | "commit" | "content" | "closed" | "secured" | "verify" | "expand" | "etrn"
            | "xclient" | "xforward" => Self::Event(line.to_owned()),
            _ => panic!("not an item: {line}"),
        }
    }
}

/// The session under test and what came of it.
pub(crate) struct Driver {
    name: String,
    size: usize,
    session: Session,
    now: u64,
    held: Vec<u8>,
    body: Vec<u8>,
    committed: Vec<u8>,
    closed: bool,
    events: VecDeque<String>,
}

impl Driver {
    /// A session with the limits that the script names, which gets its input in pieces of `size` octets.
    pub(crate) fn new(name: &str, items: &[Item], size: usize) -> Self {
        let mut limits = Limits::default();
        for item in items {
            if let What::Limit(name, number) = &item.what {
                set(&mut limits, name, *number);
            }
        }
        let session = Session::new(Arc::new(Config::new(our_name(), limits).unwrap()), standing(items), 0);
        let events = VecDeque::from([session.greeting().to_string()]);
        let (held, body, committed) = (Vec::new(), Vec::new(), Vec::new());
        Self { name: name.to_owned(), size, session, now: 0, held, body, committed, closed: false, events }
    }

    /// Runs the script to its end.
    pub(crate) fn run(mut self, items: &[Item]) {
        for (i, item) in items.iter().enumerate() {
            match &item.what {
                What::Limit(..) | What::Session(_) => {}
                What::Send(octets) => {
                    self.held.extend_from_slice(octets);
                    let more = items.get(i + 1).is_some_and(|next| matches!(next.what, What::Send(_)));
                    if !more {
                        self.deliver();
                    }
                }
                What::Wait(seconds) => self.wait(*seconds),
                What::Event(pattern) if pattern.starts_with("content ") => self.compare(pattern, item.number),
                What::Event(pattern) => self.expect(pattern, item.number),
            }
        }
        assert!(self.events.is_empty(), "{}: not expected: {:?}", self.name, self.events);
    }

    fn expect(&mut self, pattern: &str, number: usize) {
        let came = self.events.pop_front().unwrap_or_else(|| "nothing".to_owned());
        let name = &self.name;
        assert!(matches(pattern, &came), "{name}, line {number}: expected {pattern:?}, came {came:?}");
    }

    fn compare(&self, pattern: &str, number: usize) {
        let expected = unescape(pattern.strip_prefix("content ").unwrap());
        let (name, came) = (&self.name, self.committed.escape_ascii());
        assert_eq!(self.committed, expected, "{name}, line {number}: came {came}");
    }

    fn deliver(&mut self) {
        let all = std::mem::take(&mut self.held);
        for piece in all.chunks(self.size) {
            self.held.extend_from_slice(piece);
            self.pump();
            if self.is_just_secured() {
                return;
            }
        }
    }

    fn pump(&mut self) {
        loop {
            let held = std::mem::take(&mut self.held);
            let Step { consumed, action } = self.session.advance(&held, self.now);
            let go_on = self.carry_out(action);
            // What comes behind STARTTLS is thrown away.
            self.held = held[if self.is_just_secured() { held.len() } else { consumed }..].to_vec();
            if !go_on {
                return;
            }
        }
    }

    fn is_just_secured(&self) -> bool {
        self.events.back().is_some_and(|event| event == "secured")
    }

    fn carry_out(&mut self, action: Action<'_>) -> bool {
        let reply = match action {
            Action::NeedInput => return false,
            Action::Close(_) => {
                if !std::mem::replace(&mut self.closed, true) {
                    self.events.push_back("closed".to_owned());
                }
                return false;
            }
            Action::Parked => panic!("{}: parked with no question open", self.name),
            Action::Reply(reply) => Some(reply),
            Action::Ask(question) => {
                let (word, verdict) = verdict(&question);
                self.events.push_back(format!("ask {} -> {word}", question.recipient));
                self.session.answer(question.number, verdict, self.now)
            }
            Action::BeginBody => self.session.opened(Ok(()), self.now),
            Action::Body(content) => {
                self.body.extend_from_slice(content);
                None
            }
            Action::AbortBody => {
                self.body.clear();
                None
            }
            Action::EndOfBody { transaction, shape } => {
                self.committed = std::mem::take(&mut self.body);
                assert_eq!(shape, proto::message::shape_of(&self.committed));
                let (from, count) = (transaction.from, transaction.recipients.len());
                self.events.push_back(format!("commit {from} {count} {}", shape.size));
                self.session.committed(Ok(SpoolId::new(1, 2, 3, 4)), self.now)
            }
            action => self.carry_out_rarely(action),
        };
        self.events.extend(reply.map(|reply| reply.to_string()));
        true
    }

    fn carry_out_rarely(&mut self, action: Action<'_>) -> Option<Reply> {
        let now = self.now;
        match action {
            Action::StartTls => {
                self.events.push_back("secured".to_owned());
                self.session.secured(security(), now);
                None
            }
            Action::Authenticate { initial: None, .. } => self.session.challenge(b"", now),
            Action::Authenticate { initial: Some(response), .. } | Action::AuthResponse(response) => {
                self.session.authenticated(account(&response), now)
            }
            Action::Verify { number, argument, expand } => {
                self.events.push_back(format!("{} {argument}", if expand { "expand" } else { "verify" }));
                self.session.verified(number, mailboxes(&argument), now)
            }
            Action::Etrn(domain) => {
                self.events.push_back(format!("etrn {domain}"));
                let reply = Reply::new(250, Status::OK, format!("the queue of {domain} is started"));
                self.session.etrn_done(reply, now)
            }
            Action::Xclient(attributes) => {
                self.events.push_back(format!("xclient {}", listed(&attributes)));
                self.session.reintroduced(Ok(()), now)
            }
            Action::Xforward(attributes) => {
                self.events.push_back(format!("xforward {}", listed(&attributes)));
                self.session.forwarded(Ok(()), now)
            }
            _ => None,
        }
    }

    fn wait(&mut self, seconds: u64) {
        self.now += seconds * 1000;
        if let Some(reply) = self.session.expire(self.now) {
            self.events.push_back(reply.to_string());
            self.pump();
        }
    }
}

/// What the `session` lines of a script ask for.
fn standing(items: &[Item]) -> Standing {
    let mut standing = Standing { utc: 1_764_000_000_000, ..Standing::default() };
    let words = items.iter().filter_map(|item| match &item.what {
        What::Session(words) => Some(words),
        _ => None,
    });
    let plain: Arc<[String]> = Arc::new(["PLAIN".to_owned()]);
    for word in words.flatten() {
        let privileges = &mut standing.privileges;
        match word.as_str() {
            "lmtp" => standing.service = Service::Lmtp,
            "submission" => (standing.service, standing.require_auth) = (Service::Submission, true),
            "relay" => privileges.relay = true,
            "vrfy" => privileges.vrfy = true,
            "expn" => privileges.expn = true,
            "etrn" => privileges.etrn = true,
            "xclient" => (privileges.xclient, privileges.xforward) = (true, true),
            "starttls" => standing.starttls = true,
            "tls" => standing.security = Some(Box::new(security())),
            "require-tls" => standing.require_tls = true,
            "auth" => {
                standing.mechanisms = Mechanisms { plain: Arc::clone(&plain), secured: Arc::clone(&plain) }
            }
            "auth-under-tls" => standing.mechanisms.secured = Arc::clone(&plain),
            other => panic!("no session is {other}"),
        }
    }
    standing
}

fn security() -> Security {
    Security { version: "TLSv1.3".into(), cipher: "TLS13_AES_256_GCM_SHA384".into(), ..Security::default() }
}

/// There is one account, `ann`, and her password is `secret`.
fn account(response: &[u8]) -> Result<String, Reply> {
    let wrong = || Reply::new(535, Status::permanent(7, 8), "authentication credentials invalid");
    if response == b"\0ann\0secret" { Ok("ann".to_owned()) } else { Err(wrong()) }
}

/// `known` is a mailbox, `list` a list of two.
fn mailboxes(argument: &str) -> Result<Vec<String>, Reply> {
    match argument.split('@').next() {
        Some("known") => Ok(vec!["<known@example.org>".to_owned()]),
        Some("list") => Ok(vec!["<ann@example.net>".to_owned(), "<bob@example.net>".to_owned()]),
        _ => Err(Reply::new(550, Status::permanent(1, 1), "no such mailbox")),
    }
}

fn listed(attributes: &Attributes) -> String {
    let all: Vec<String> = attributes.iter().map(|(name, value)| format!("{name}={value}")).collect();
    all.join(" ")
}

fn our_name() -> Domain {
    "mail.example.org".parse().unwrap()
}

fn set(limits: &mut Limits, name: &str, number: u64) {
    match name {
        "command_line" => limits.command_line = usize::try_from(number).unwrap(),
        "message_size" => limits.message_size = number,
        "recipients" => limits.recipients = usize::try_from(number).unwrap(),
        "bad_commands" => limits.bad_commands = u32::try_from(number).unwrap(),
        "idle_commands" => limits.idle_commands = u32::try_from(number).unwrap(),
        "refusals" => limits.refusals = u32::try_from(number).unwrap(),
        _ => panic!("no limit is called {name}"),
    }
}

fn verdict(question: &Question) -> (&'static str, Verdict) {
    let recipient = &question.recipient;
    let local = recipient.domain().name() == Some("example.org") || question.to == ForwardPath::Postmaster;
    match recipient.local_part() {
        _ if !local => {
            let text = format!("relaying to {} is not allowed", recipient.domain());
            ("relay", Verdict::Refused(Reply::new(554, Status::permanent(7, 1), text)))
        }
        "nosuch" => {
            let text = format!("<{recipient}> no such user");
            ("refuse", Verdict::Refused(Reply::new(550, Status::permanent(1, 1), text)))
        }
        "later" => ("defer", Verdict::Deferred(Reply::new(451, Status::transient(3, 0), "try again later"))),
        _ => ("accept", Verdict::Accepted { route: None }),
    }
}

/// Whether `text` is what `pattern` says, where `*` stands for anything.
fn matches(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((start, rest)) => text.strip_prefix(start).is_some_and(|tail| {
            (0..=tail.len()).any(|at| tail.get(at..).is_some_and(|tail| matches(rest, tail)))
        }),
    }
}

fn unescape(text: &str) -> Vec<u8> {
    let mut octets = Vec::new();
    let mut rest = text.bytes();
    while let Some(octet) = rest.next() {
        octets.push(if octet == b'\\' { escaped(&mut rest) } else { octet });
    }
    octets
}

fn escaped(rest: &mut impl Iterator<Item = u8>) -> u8 {
    match rest.next() {
        Some(b'r') => b'\r',
        Some(b'n') => b'\n',
        Some(b'0') => 0,
        Some(b's') => b' ',
        Some(b'\\') => b'\\',
        Some(b'x') => {
            let digits: String = rest.take(2).map(char::from).collect();
            u8::from_str_radix(&digits, 16).unwrap()
        }
        other => panic!("not an escape: {other:?}"),
    }
}
