//! Our client against our server, in memory, on a virtual clock, with faults.
//!
//! What must hold whatever happens: every recipient of every transaction gets exactly one disposition, or the whole
//! transaction comes back; what the client calls delivered is what the server has committed, octet for octet; what the
//! server has committed is never called failed.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "test code")]

use proptest::prelude::*;
use proto::address::ReversePath;
use proto::client::{self, Dialect, Protection, Settings, Stuffing, Timeouts};
use proto::disposition::Outcome;
use proto::id::SpoolId;
use proto::limits::Limits;
use proto::message::shape_of;
use proto::reply::Reply;
use proto::server::{self, Config, Verdict};
use proto::status::Status;
use std::sync::Arc;

const CONTENTS: [&str; 3] =
    ["Subject: one\r\n\r\n.\r\n..two\r\nthree\r\n", "Subject: caf\u{e9}\r\n\r\nno dots\r\n", ""];

/// Which way octets go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    ToServer,
    ToClient,
}

/// Where a server says no.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Recipient(usize),
    Draft,
    Commit,
}

/// What goes wrong.
#[derive(Debug, Clone, Default)]
struct Faults {
    /// The connection breaks when it has carried this many octets one way.
    cut: Option<(Way, usize)>,
    /// The server answers with this code.
    refusals: Vec<(Step, u16)>,
    /// The server says nothing from this step on.
    silence: Option<Step>,
    /// At most this many octets are handed over at once.
    chunk: Option<usize>,
    /// The client sends each transaction right behind the one before.
    strides: bool,
}

impl Faults {
    fn refusal(&self, step: Step) -> Option<Reply> {
        let (_, code) = self.refusals.iter().find(|(at, _)| *at == step)?;
        let status = if *code < 500 { Status::transient(0, 0) } else { Status::permanent(0, 0) };
        Some(Reply::new(*code, status, "as the test wants it"))
    }
}

/// What the client learnt about one transaction.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Fate {
    settled: Vec<(usize, Outcome)>,
    returned: usize,
}

/// A connection with its ends.
struct Pair {
    client: client::Session,
    server: server::Session,
    faults: Faults,
    now: u64,
    to_server: Vec<u8>,
    to_client: Vec<u8>,
    carried: [usize; 2],
    broken: bool,
    closed_by_server: bool,
    silent: bool,
    draft: Vec<u8>,
    committed: Vec<(Vec<String>, Vec<u8>)>,
    fates: Vec<Fate>,
    /// The transaction under way.
    current: usize,
    asked: usize,
}

impl Pair {
    fn new(faults: Faults) -> Self {
        let config = Config::new("mx.example.net".parse().unwrap(), Limits::default()).unwrap();
        let server = server::Session::new(Arc::new(config), server::Standing::default(), 0);
        let settings = Settings {
            dialect: Dialect::Smtp,
            our_name: "mail.example.org".into(),
            peer: "mx.example.net[192.0.2.1]".into(),
            timeouts: Timeouts::default(),
            protection: Protection::Never,
        };
        let greeting = server.greeting();
        let mut pair = Self {
            client: client::Session::new(settings, 0),
            server,
            faults,
            now: 0,
            to_server: Vec::new(),
            to_client: Vec::new(),
            carried: [0; 2],
            broken: false,
            closed_by_server: false,
            silent: false,
            draft: Vec::new(),
            committed: Vec::new(),
            fates: Vec::new(),
            current: 0,
            asked: 0,
        };
        pair.say(&greeting);
        pair
    }

    /// Runs both ends until the client closes.
    fn run(mut self) -> Self {
        for _ in 0..100_000 {
            self.serve();
            if self.step_client() {
                return self.check();
            }
        }
        unreachable!("the session never ended: {:?}", self.faults)
    }

    fn carry(&mut self, way: Way, octets: &[u8]) {
        let carried = &mut self.carried[usize::from(way == Way::ToClient)];
        let mut taken = octets;
        if let Some((_, limit)) = self.faults.cut.filter(|(cut, _)| *cut == way)
            && *carried + octets.len() >= limit
        {
            taken = &octets[..limit.saturating_sub(*carried)];
            self.broken = true;
        }
        *carried += octets.len();
        match way {
            Way::ToServer => self.to_server.extend_from_slice(taken),
            Way::ToClient => self.to_client.extend_from_slice(taken),
        }
    }

    fn say(&mut self, reply: &Reply) {
        let mut octets = Vec::new();
        reply.write_to(&mut octets);
        // A connection that broke on the way to the server brings nothing back, either.
        if !self.broken {
            self.carry(Way::ToClient, &octets);
        }
    }

    /// Lets the server do all it can with what it has, of which it sees a chunk at first and more as it asks for more.
    fn serve(&mut self) {
        let chunk = self.faults.chunk.unwrap_or(usize::MAX);
        let mut seen = chunk;
        while !self.closed_by_server && !self.silent {
            let input = std::mem::take(&mut self.to_server);
            let given = seen.min(input.len());
            let step = self.server.advance(&input[..given], self.now);
            let consumed = step.consumed;
            let waits = matches!(step.action, server::Action::NeedInput);
            let reply = self.obey(step.action);
            self.to_server = input[consumed..].to_vec();
            if let Some(reply) = reply {
                self.say(&reply);
            }
            if waits && given == input.len() {
                return;
            }
            seen = if waits { seen.saturating_add(chunk) - consumed } else { chunk };
        }
    }

    fn obey(&mut self, action: server::Action<'_>) -> Option<Reply> {
        match action {
            server::Action::Reply(reply) => return Some(reply),
            server::Action::Ask(question) => return self.answer(&question),
            server::Action::BeginBody => return self.open(),
            server::Action::EndOfBody { transaction, .. } => return self.commit(&transaction),
            server::Action::Body(octets) => self.draft.extend_from_slice(octets),
            server::Action::Close(_) => self.closed_by_server = true,
            _ => {}
        }
        None
    }

    fn falls_silent(&mut self, step: Step) -> bool {
        self.silent |= self.faults.silence == Some(step);
        self.silent
    }

    fn answer(&mut self, question: &server::Question) -> Option<Reply> {
        let step = Step::Recipient(self.asked % 3);
        self.asked += 1;
        if self.falls_silent(step) {
            return None;
        }
        let verdict = match self.faults.refusal(step) {
            Some(reply) if reply.code < 500 => Verdict::Deferred(reply),
            Some(reply) => Verdict::Refused(reply),
            None => Verdict::Accepted { route: None },
        };
        self.server.answer(question.number, verdict, self.now)
    }

    fn open(&mut self) -> Option<Reply> {
        if self.falls_silent(Step::Draft) {
            return None;
        }
        self.draft.clear();
        let result = self.faults.refusal(Step::Draft).map_or(Ok(()), Err);
        self.server.opened(result, self.now)
    }

    fn commit(&mut self, transaction: &server::Transaction) -> Option<Reply> {
        let result = match self.faults.refusal(Step::Commit) {
            Some(reply) => Err(reply),
            None => {
                let recipients = transaction.recipients.iter().map(|r| r.address.to_string()).collect();
                self.committed.push((recipients, std::mem::take(&mut self.draft)));
                Ok(SpoolId::new(1, 2, 3, 4))
            }
        };
        if self.falls_silent(Step::Commit) {
            return None;
        }
        self.server.committed(result, self.now)
    }

    /// One step of the client; says whether it is closed.
    fn step_client(&mut self) -> bool {
        let given = self.faults.chunk.unwrap_or(usize::MAX).min(self.to_client.len());
        let step = self.client.advance(&self.to_client[..given], self.now);
        self.to_client.drain(..step.consumed);
        match step.action {
            client::Action::Send(octets) => self.carry(Way::ToServer, &octets),
            client::Action::Settled(index, disposition) => {
                self.fates[self.current].settled.push((index, disposition.outcome));
            }
            client::Action::Followed => self.current += 1,
            client::Action::Returned(_) => self.fates[self.current].returned += 1,
            client::Action::Unusable(_) => assert!(self.fates.is_empty()),
            client::Action::StartTls => unreachable!("nobody asked for TLS"),
            client::Action::WantBody if self.ends() => {}
            client::Action::WantBody => self.stream(),
            client::Action::Idle if self.ends() => {}
            client::Action::Idle => self.begin(),
            client::Action::NeedInput => self.wait(),
            client::Action::Close => return true,
        }
        false
    }

    /// Tells the client that the connection is gone, if it is and everything that came through is read.
    fn ends(&mut self) -> bool {
        let gone = (self.broken || self.closed_by_server) && self.to_client.is_empty();
        if gone {
            self.client.lost("connection closed", self.now);
        }
        gone
    }

    /// Nothing to do: the connection is gone, more is on its way, or time passes until somebody loses patience.
    fn wait(&mut self) {
        if self.ends() || !self.to_client.is_empty() || (!self.silent && !self.to_server.is_empty()) {
            return;
        }
        if let Some(deadline) = self.client.deadline() {
            self.now = deadline;
            assert!(self.client.expire(self.now));
        }
    }

    fn begin(&mut self) {
        let Some(transaction) = transaction(self.fates.len()) else {
            return self.client.quit(self.now);
        };
        self.current = self.fates.len();
        self.fates.push(Fate::default());
        self.client.begin(transaction, self.now).unwrap();
    }

    fn stream(&mut self) {
        let content = CONTENTS[self.current].as_bytes();
        let mut stuffing = Stuffing::new(shape_of(content).leading_dot);
        let mut sent = Vec::new();
        for chunk in content.chunks(self.faults.chunk.unwrap_or(usize::MAX)) {
            stuffing.pieces(chunk).for_each(|piece| sent.extend_from_slice(piece));
        }
        sent.extend_from_slice(stuffing.end());
        if self.faults.strides
            && let Some(transaction) = transaction(self.fates.len())
        {
            sent.extend_from_slice(&self.client.follow(transaction).unwrap());
            self.fates.push(Fate::default());
        }
        self.carry(Way::ToServer, &sent);
        self.client.body_sent(self.now);
    }

    fn check(self) -> Self {
        for (number, fate) in self.fates.iter().enumerate() {
            let mut told: Vec<_> = fate.settled.iter().map(|(index, _)| *index).collect();
            told.sort_unstable();
            let expected: &[usize] = if fate.returned == 1 { &[] } else { &[0, 1, 2] };
            assert_eq!(told, expected, "{:?} {:?}", self.faults, self.fates);
            for index in 0..3 {
                let outcome = fate.settled.iter().find(|(i, _)| *i == index).map(|(_, outcome)| *outcome);
                self.check_recipient(number, index, outcome);
            }
        }
        self
    }

    fn check_recipient(&self, number: usize, index: usize, outcome: Option<Outcome>) {
        let name = recipient(number, index);
        let copies: Vec<_> = self.committed.iter().filter(|(to, _)| to.contains(&name)).collect();
        assert!(copies.len() <= 1);
        assert!(copies.iter().all(|(_, content)| content == CONTENTS[number].as_bytes()));
        let agrees = match outcome {
            Some(Outcome::Delivered) => copies.len() == 1,
            Some(Outcome::Deferred) => true,
            Some(Outcome::Failed) | None => copies.is_empty(),
            Some(Outcome::HostDeferred) => false,
        };
        assert!(agrees, "{name} {outcome:?} {copies:?} {:?}", self.faults);
    }

    fn outcomes(&self, number: usize) -> Vec<Outcome> {
        let mut settled = self.fates[number].settled.clone();
        settled.sort_unstable_by_key(|(index, _)| *index);
        settled.into_iter().map(|(_, outcome)| outcome).collect()
    }
}

/// The transaction of this number, if there is one.
fn transaction(number: usize) -> Option<client::Transaction> {
    let shape = shape_of(CONTENTS.get(number)?.as_bytes());
    let recipients = (0..3).map(|index| recipient(number, index).parse().unwrap()).collect();
    Some(client::Transaction::plain(ReversePath::Null, recipients, shape))
}

fn recipient(number: usize, index: usize) -> String {
    format!("r{index}@m{number}.example.net")
}

#[test]
fn three_messages_pass_through_one_connection() {
    for strides in [false, true] {
        let pair = Pair::new(Faults { strides, ..Faults::default() }).run();
        assert_eq!(pair.committed.len(), 3);
        for number in 0..3 {
            assert_eq!(pair.outcomes(number), [Outcome::Delivered; 3]);
        }
    }
}

#[test]
fn a_refusal_at_each_step_hits_whom_it_concerns() {
    use Outcome::{Deferred, Delivered, Failed};
    for (code, fate) in [(451, Deferred), (550, Failed), (421, Deferred)] {
        for step in [Step::Draft, Step::Commit] {
            let pair = Pair::new(Faults { refusals: vec![(step, code)], ..Faults::default() }).run();
            assert_eq!(pair.outcomes(0), [fate; 3], "{code} {step:?}");
            assert!(pair.committed.is_empty());
        }
        if code != 421 {
            let refusals = vec![(Step::Recipient(1), code)];
            let pair = Pair::new(Faults { refusals, ..Faults::default() }).run();
            assert_eq!(pair.outcomes(0), [Delivered, fate, Delivered]);
            assert_eq!(pair.outcomes(2), [Delivered, fate, Delivered]);
        }
    }
}

#[test]
fn when_nobody_is_taken_the_session_goes_on() {
    let refusals = (0..3).map(|index| (Step::Recipient(index), 550)).collect();
    let pair = Pair::new(Faults { refusals, ..Faults::default() }).run();
    assert_eq!(pair.fates.len(), 3);
    assert_eq!(pair.outcomes(2), [Outcome::Failed; 3]);
    assert!(pair.committed.is_empty());
}

#[test]
fn the_connection_may_be_cut_at_every_octet() {
    for strides in [false, true] {
        let whole = Pair::new(Faults { strides, ..Faults::default() }).run().carried;
        for (way, length) in [(Way::ToServer, whole[0]), (Way::ToClient, whole[1])] {
            for at in 0..=length {
                Pair::new(Faults { cut: Some((way, at)), strides, ..Faults::default() }).run();
            }
        }
    }
}

#[test]
fn a_silent_server_is_left_when_the_time_is_up() {
    let steps = [Step::Recipient(0), Step::Recipient(2), Step::Draft, Step::Commit];
    for (step, minutes) in steps.into_iter().zip([5, 5, 2, 10]) {
        let pair = Pair::new(Faults { silence: Some(step), ..Faults::default() }).run();
        assert_eq!(pair.outcomes(0), [Outcome::Deferred; 3], "{step:?}");
        assert_eq!(pair.now, minutes * 60_000, "{step:?}");
    }
}

proptest! {
    #[test]
    fn faults_of_all_kinds_together_lose_nobody(
        cut in prop::option::of((prop_oneof![Just(Way::ToServer), Just(Way::ToClient)], 0_usize..1600)),
        refusals in prop::collection::vec(
            (
                prop_oneof![(0_usize..3).prop_map(Step::Recipient), Just(Step::Draft), Just(Step::Commit)],
                prop_oneof![Just(421_u16), Just(452), Just(550)],
            ),
            0..3,
        ),
        chunk in prop::option::of(1_usize..40),
        strides: bool,
    ) {
        Pair::new(Faults { cut, refusals, silence: None, chunk, strides }).run();
    }
}
