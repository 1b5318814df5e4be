//! One job, and who of its recipients is left.
//!
//! A job goes out in transactions of [`PORTION`] recipients. A server that takes fewer answers 4.5.3 to the rest: as long
//! as each transaction delivers to somebody, those are sent at once in another one. When all of a transaction are
//! deferred, the recipients that were not tried yet share their fate: the server, or the connection, is in trouble.

use crate::agent::{Desk, Work};
use farm::clock::Moment;
use farm::profile::{Begun, Operation};
use ipc::agent::JobRecipient;
use proto::address::Mailbox;
use proto::client::{Features, Transaction};
use proto::disposition::{Disposition, Outcome};
use proto::envelope::Shape;
use proto::status::Status;
use proto::terms::RecipientTerms;

/// Recipients of one transaction at most: what every server takes.
///
/// Source: RFC 5321 section 4.5.3.1.8.
const PORTION: usize = 100;

/// A job on its way.
#[derive(Debug)]
pub(super) struct Delivery {
    /// The job.
    pub(super) work: Work,
    /// The UTC time at which the monotonic clock stood at 0, in milliseconds.
    epoch: u64,
    /// The content of the transaction under way goes out in another form than it has.
    pub(super) converted: bool,
    /// Positions in the job of the recipients of the transaction under way, or of the next.
    current: Vec<usize>,
    /// From this position on nobody was tried.
    untried: usize,
    /// Those that did not fit, and what they are told if there is no further transaction.
    surplus: Vec<(usize, Disposition)>,
    /// Somebody of the transaction got a final answer, or was delivered to.
    answered: bool,
    /// Somebody was delivered to.
    progress: bool,
    /// What the last one was told who was deferred.
    deferred: Option<Disposition>,
    /// There is no further transaction.
    last: bool,
    /// When the transaction under way began.
    pub(super) begun: Begun,
}

impl Delivery {
    /// Nobody is settled.
    pub(super) fn new(work: Work, now: Moment) -> Self {
        let untried = work.job.recipients.len().min(PORTION);
        Self {
            work,
            epoch: now.utc.saturating_sub(now.mono),
            converted: false,
            current: (0..untried).collect(),
            untried,
            surplus: Vec::new(),
            answered: false,
            progress: false,
            deferred: None,
            last: false,
            begun: Begun::default(),
        }
    }

    /// Its content goes out in one block, so that another job may wait behind it.
    pub(super) fn is_short(&self) -> bool {
        self.work.job.length <= SHORT
    }

    /// The transaction for those whose turn it is; the content has this shape when it goes out.
    pub(super) fn transaction(&self, shape: Shape, now: u64) -> Transaction {
        let job = &self.work.job;
        let current = || self.current.iter().filter_map(|&position| job.recipients.get(position));
        let asked = current().any(|recipient| recipient.terms != RecipientTerms::default());
        let wishes =
            if asked { current().map(|recipient| recipient.terms.clone()).collect() } else { Vec::new() };
        Transaction {
            from: job.from.clone(),
            recipients: current().map(forward_path).collect(),
            shape,
            terms: job.terms.clone(),
            wishes,
            utc: self.epoch.saturating_add(now),
        }
    }

    /// Makes the transaction one that the server can have: no more recipients than it takes, and only those that can be
    /// named to it. `false` if nobody is left at all.
    pub(super) fn fit(&mut self, features: &Features, desk: &mut Desk) -> bool {
        loop {
            self.limit(features.recipients.unwrap_or(PORTION));
            self.drop_unnameable(features, desk);
            if !self.current.is_empty() {
                return true;
            }
            if !self.goes_on(desk) {
                return false;
            }
        }
    }

    /// Leaves those for the next transaction that are too many, unless they were tried already.
    fn limit(&mut self, most: usize) {
        while self.current.len() > most && self.current.last().is_some_and(|last| last + 1 == self.untried) {
            self.current.pop();
            self.untried -= 1;
        }
    }

    fn drop_unnameable(&mut self, features: &Features, desk: &mut Desk) {
        let recipients = &self.work.job.recipients;
        let special =
            |&position: &usize| recipients.get(position).is_some_and(|recipient| !is_ascii(recipient));
        if features.smtp_utf8 || !self.current.iter().any(special) {
            return;
        }
        for position in std::mem::take(&mut self.current) {
            let Some(recipient) = self.work.job.recipients.get(position) else { continue };
            match features.names(&forward_path(recipient)) {
                Ok(()) => self.current.push(position),
                Err(fate) => {
                    self.answered = true;
                    self.settle(position, fate, desk);
                }
            }
        }
    }

    /// What the session says of the recipient at `index` of the transaction.
    pub(super) fn settled(&mut self, index: usize, mut disposition: Disposition, desk: &mut Desk) {
        let Some(&position) = self.current.get(index) else { return };
        if self.converted && disposition.outcome == Outcome::Delivered && disposition.reply.len() < ROOM {
            disposition.reply.push_str(CONVERTED);
        }
        match disposition.outcome {
            Outcome::Delivered => (self.progress, self.answered) = (true, true),
            Outcome::Failed => self.answered = true,
            Outcome::Deferred if disposition.status == TOO_MANY && !self.last => {
                return self.surplus.push((position, disposition));
            }
            Outcome::Deferred | Outcome::HostDeferred => self.deferred = Some(disposition.clone()),
        }
        self.settle(position, disposition, desk);
    }

    /// The transaction is over: `true` if another is due, and nobody is settled twice.
    pub(super) fn goes_on(&mut self, desk: &mut Desk) -> bool {
        std::mem::take(&mut self.begun).end(Operation::Deliver);
        let surplus = std::mem::take(&mut self.surplus);
        let (progress, answered) = (std::mem::take(&mut self.progress), std::mem::take(&mut self.answered));
        self.current.clear();
        for (position, disposition) in surplus {
            if progress && !self.last {
                self.current.push(position);
            } else {
                self.deferred = Some(disposition.clone());
                self.settle(position, disposition, desk);
            }
        }
        let trouble = self.deferred.take().filter(|_| !answered);
        if self.last {
            // Whoever was not tried is the scheduler's again.
            if self.untried < self.all() {
                desk.forget(self.work.ticket);
            }
        } else if let Some(why) = trouble {
            self.settle_all(&why, desk);
            self.current.clear();
        } else {
            let end = (self.untried + PORTION.saturating_sub(self.current.len())).min(self.all());
            self.current.extend(self.untried..end);
            self.untried = end;
        }
        !self.current.is_empty()
    }

    /// Lets this transaction be the last.
    pub(super) fn stop_after_this(&mut self) {
        self.last = true;
    }

    /// Settles everybody who is in the transaction under way, or in a later one.
    pub(super) fn settle_all(&mut self, disposition: &Disposition, desk: &mut Desk) {
        let all = self.all();
        let untried = std::mem::replace(&mut self.untried, all)..all;
        for position in self.current.iter().copied().chain(untried) {
            self.settle(position, disposition.clone(), desk);
        }
    }

    fn all(&self) -> usize {
        self.work.job.recipients.len()
    }

    fn settle(&self, position: usize, disposition: Disposition, desk: &mut Desk) {
        if let Some(recipient) = self.work.job.recipients.get(position) {
            desk.settle(self.work.ticket, recipient.index, disposition);
        }
    }
}

/// Octets of a short content.
const SHORT: u64 = 64 << 10;

/// What the session gives to a recipient beyond the server's limit.
const TOO_MANY: Status = Status::transient(5, 3);

/// What is said of a message behind the server's words.
const CONVERTED: &str = " (sent in another encoding)";

/// Octets of a reply behind which there is room for it.
const ROOM: usize = 1000 - CONVERTED.len();

fn is_ascii(recipient: &JobRecipient) -> bool {
    recipient.user.is_ascii() && !recipient.address.is_utf8()
}

/// For whom, in the words of the route: an alias may have led elsewhere.
fn forward_path(recipient: &JobRecipient) -> Mailbox {
    recipient.user.parse().unwrap_or_else(|_| recipient.address.clone())
}
