//! One session: carries out what [`proto::server::Session`] asks for, with the tools of the [`Desk`].
//!
//! It decides nothing about the protocol; it knows no socket and no loop. Octets come in by
//! [`Conversation::proceed`], what is to be sent gathers in `output`.
//!
//! Invariants: a receipt exists from DATA's 354 to the reply at the end of data; while the spool has the message
//! (`handed`), the conversation must not be dropped.

use super::authenticating::Login;
use super::client::Client;
use super::desk::Desk;
use super::playing::Trial;
use super::receipt::{Receipt, not_taken};
use super::reporting::Tally;
use super::securing::Bindings;
use super::transactions::Begun;
use super::verifying::Verifying;
use super::xclient::Forward;
use crate::policy::Scopes;
use farm::profile::{self, Operation};
use ipc::routing::Generation;
use proto::address::ReversePath;
use proto::envelope::{Envelope, Shape};
use proto::message::Trace;
use proto::reply::Reply;
use proto::server::{Action, Question, Session, Standing, Transaction};
use spool::SpoolError;
use std::sync::Arc;

/// Steps of one session before the others get their turn.
const STEPS: usize = 32;

/// Why a conversation does not go on at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pause {
    /// It needs more octets.
    Input,
    /// It waits for the router or the spool.
    Parked,
    /// It has had its turn.
    Turn,
    /// The connection is to be protected before anything else is read; what has been read is to be thrown away.
    Secure,
    /// It is over once everything is sent; why, in a word.
    Over(&'static str),
}

/// How far [`Conversation::proceed`] came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Progress {
    /// Octets of the input that are used up.
    pub(super) consumed: usize,
    pub(super) pause: Pause,
}

/// A message that the spool has.
#[derive(Debug)]
pub(super) struct Handed {
    pub(super) from: ReversePath,
    pub(super) rcpts: u64,
    pub(super) size: u64,
    /// When the end of data came, in monotonic microseconds.
    pub(super) since: u64,
    /// The marks that the policy gave it, with commas between them.
    pub(super) tags: String,
}

/// One client's session.
#[derive(Debug)]
pub(super) struct Conversation {
    pub(super) number: u64,
    pub(super) client: Client,
    pub(super) session: Session,
    /// What is to be sent.
    pub(super) output: Vec<u8>,
    pub(super) tally: Tally,
    /// What went wrong with TLS, in words.
    pub(super) alert: String,
    /// What binds AUTH to a secured connection.
    pub(super) bindings: Option<Box<Bindings>>,
    /// What it has to do with accounts; nothing without AUTH.
    pub(super) login: Option<Box<Login>>,
    /// The question that is open.
    pub(super) question: Option<Question>,
    /// The VRFY or EXPN that waits for the router.
    pub(super) verifying: Option<Verifying>,
    /// Who the client is in truth, while it speaks for another one.
    pub(super) forward: Option<Box<Forward>>,
    /// The generation of each accepted recipient's route.
    pub(super) generations: Vec<Generation>,
    /// Where the worker keeps it.
    pub(super) seat: usize,
    pub(super) receipt: Option<Box<Receipt>>,
    pub(super) handed: Option<Box<Handed>>,
    /// What the policy has settled; none without a policy.
    pub(super) scopes: Option<Box<Scopes>>,
    /// The session is only played.
    pub(super) trial: Option<Box<Trial>>,
    counted: Option<Begun>,
    /// A transaction has begun at some time.
    served: bool,
    leaving: bool,
}

impl Conversation {
    /// A session at this seat that has just begun.
    pub(super) fn new(desk: &Desk, seat: usize, number: u64, client: Client, standing: Standing) -> Self {
        Self {
            number,
            client,
            session: Session::new(Arc::clone(&desk.house.config), standing, desk.now.mono),
            output: Vec::new(),
            tally: Tally::new(desk.now.mono),
            alert: String::new(),
            bindings: None,
            login: None,
            question: None,
            verifying: None,
            forward: None,
            generations: Vec::new(),
            seat,
            receipt: None,
            handed: None,
            scopes: desk.house.rulebook.exists().then(Box::default),
            trial: None,
            counted: None,
            served: false,
            leaving: false,
        }
    }

    /// Says the greeting.
    pub(super) fn greet(&mut self) {
        let greeting = self.session.greeting();
        self.say(&greeting);
    }

    /// Goes on with these octets until it needs more, must wait or has had its turn.
    pub(super) fn proceed(&mut self, desk: &mut Desk, input: &[u8]) -> Progress {
        self.session.set_room(desk.house.room);
        let mut consumed = 0;
        let mut pause = Pause::Turn;
        let mut steps = 0;
        while steps < STEPS {
            let open = self.is_in_transaction();
            self.served |= open;
            self.end_forward(open);
            if self.leaving && self.served && !open {
                self.session.drain();
            }
            let rest = input.get(consumed..).unwrap_or_default();
            let is_content = self.session.takes_content();
            let step = profile::timed(Operation::Parse, || self.session.advance(rest, desk.now.mono));
            consumed += step.consumed;
            // Content costs as many steps as it has chunks; its octets are bounded by the turn.
            steps += usize::from(!matches!(step.action, Action::Body(_)));
            // What answers a chunk answers no command, whatever the chunk looks like.
            let line = if is_content { b"BDAT" } else { rest.get(..step.consumed).unwrap_or_default() };
            if let Some(stop) = self.act(desk, line, step) {
                pause = stop;
                break;
            }
        }
        self.tally.read += octets(consumed);
        self.count_transaction(desk);
        Progress { consumed, pause }
    }

    pub(super) fn begin_body(&mut self, desk: &mut Desk) {
        let result = self.open_receipt(desk).map(|receipt| self.receipt = Some(Box::new(receipt)));
        let refused = result.is_err();
        let result = result.map_err(|error| not_taken(&error));
        if let Some(reply) = self.session.opened(result, desk.now.mono) {
            self.say(&reply);
            if refused {
                let from = self.sender();
                self.refused(desk, "DATA", &from, "", &reply);
            }
        }
    }

    fn open_receipt(&mut self, desk: &mut Desk) -> Result<Receipt, SpoolError> {
        let draft = desk.create()?;
        let origin = self.client.origin(&self.session, self.number);
        let recipient = match self.session.transaction().map(|transaction| transaction.recipients.as_slice())
        {
            Some([only]) => Some(&only.address),
            _ => None,
        };
        let host = desk.house.hostname.as_str();
        let shows_account = desk.house.shows_account;
        let (id, now) = (draft.id(), desk.now.utc);
        let field = Trace { origin: &origin, shows_account, host, id, recipient, now }.field();
        let mut receipt = Receipt::new(draft, field.into_bytes(), origin, self.sender())
            .inspect_err(|error| desk.note_spool_error("append", error, "refused a message"))?;
        receipt.fix(self.fixing(desk, id));
        Ok(receipt)
    }

    pub(super) fn take_body(&mut self, desk: &mut Desk, part: &[u8]) {
        if desk.faults.strikes("worker-die") {
            std::process::abort();
        }
        if let Some(receipt) = &mut self.receipt
            && let Err(error) = receipt.take(part)
        {
            desk.note_spool_error("append", &error, "refuses the message at its end");
        }
    }

    pub(super) fn end_of_body(&mut self, desk: &mut Desk, transaction: Transaction, shape: Shape) {
        let from = transaction.from.to_string();
        if let Err(reply) = self.hand_over(desk, transaction, shape)
            && let Some(reply) = self.session.committed(Err(reply), desk.now.mono)
        {
            self.say(&reply);
            self.refused(desk, "DATA", &from, "", &reply);
        }
    }

    /// Gives the message to the spool; [`Conversation::committed`] follows.
    fn hand_over(&mut self, desk: &mut Desk, transaction: Transaction, shape: Shape) -> Result<(), Reply> {
        let receipt = self.receipt.take().ok_or_else(|| not_taken(&SpoolError::Stopped))?;
        if let Some(refusal) = self.judge_content(desk, &transaction, shape.size) {
            return Err(refusal);
        }
        let (mut draft, shape, origin) = receipt.finish(shape, desk.house.hops)?;
        if self.is_trial() {
            self.commit_nothing(desk, draft.id());
            return Ok(());
        }
        let tags = self.mark(&mut draft);
        let Transaction { from, mut recipients, terms, .. } = transaction;
        let generations = std::mem::take(&mut self.generations);
        let mut generations = generations.iter();
        for recipient in &mut recipients {
            // A route by tables that are no longer in force is found anew in the spool pass.
            if !generations.next().is_some_and(|&generation| desk.cache.is_current(generation)) {
                recipient.route = None;
            }
        }
        self.hold_if_asked(&mut recipients);
        let rcpts = octets(recipients.len());
        let envelope = Envelope { from, recipients, received: desk.now.utc, origin, shape, terms };
        if let Err(error) = desk.commits.commit(self.seat, draft, &envelope, desk.now) {
            desk.note_spool_error("commit", &error, "refused a message");
            return Err(not_taken(&error));
        }
        let since = farm::clock::microseconds();
        self.handed = Some(Box::new(Handed { from: envelope.from, rcpts, size: shape.size, since, tags }));
        Ok(())
    }

    /// The time of the deadline has come.
    pub(super) fn expire(&mut self, desk: &mut Desk) {
        let from = self.sender();
        let Some(reply) = self.session.expire(desk.now.mono) else { return };
        self.forget_play();
        self.say(&reply);
        self.auth_expired(desk, &from, &reply);
        if self.verifying.take().is_some() {
            desk.router.withdraw(self.number);
        }
        if let Some(question) = self.question.take() {
            desk.router.withdraw(self.number);
            self.refused_recipient(desk, &question, &reply);
        }
    }

    /// Ends the session with a 421: now, or, unless `firm`, after the transaction that is open or the first one.
    pub(super) fn drain(&mut self, firm: bool) {
        self.leaving = true;
        if firm {
            self.session.drain();
        }
    }

    /// The session is over: nothing of it stays behind at the desk.
    pub(super) fn leave(&mut self, desk: &mut Desk, why: &str) {
        self.auth_cancelled(desk);
        if self.question.take().is_some() | self.verifying.take().is_some() {
            desk.router.withdraw(self.number);
        }
        self.uncount(desk);
        self.closed(desk, why);
    }

    /// Adds a reply to what is to be sent.
    pub(super) fn say(&mut self, reply: &Reply) {
        if self.trial.is_some() {
            self.explain(reply);
        }
        let before = self.output.len();
        reply.write_to(&mut self.output);
        self.tally.written += octets(self.output.len() - before);
    }

    /// The reverse-path of the open transaction, in angle brackets; empty without one.
    pub(super) fn sender(&self) -> String {
        self.session.transaction().map(|transaction| transaction.from.to_string()).unwrap_or_default()
    }

    fn is_in_transaction(&self) -> bool {
        self.session.transaction().is_some() || self.handed.is_some()
    }

    fn count_transaction(&mut self, desk: &mut Desk) {
        let open = self.session.transaction().is_some();
        if !open {
            self.uncount(desk);
        } else if self.counted.is_none() {
            self.counted = Some(desk.transactions.begin(desk.now.mono));
        }
    }

    fn uncount(&mut self, desk: &mut Desk) {
        if let Some(begun) = self.counted.take() {
            desk.transactions.end(begun, desk.now.mono);
        }
    }
}

fn octets(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}
