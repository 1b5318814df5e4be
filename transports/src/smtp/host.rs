//! One host: what waits for it, its connections, and what the resolver said.

use super::delivery::Delivery;
use super::hops::Hop;
use super::limits::Limits;
use super::pace::{FAIR, Pace, QUEUE, QUICK};
use super::target::Target;
use proto::disposition::Disposition;
use std::collections::{HashSet, VecDeque};
use std::net::SocketAddr;

/// One host, as long as something waits for it or a connection stands.
#[derive(Debug)]
pub(super) struct Host {
    /// As the scheduler names it.
    pub(super) name: String,
    /// What the name means.
    pub(super) target: Target,
    /// How much it may get.
    pub(super) limits: Limits,
    /// Jobs not begun, in order.
    pub(super) waiting: VecDeque<Delivery>,
    /// Connections without work, the latest last.
    pub(super) idle: Vec<usize>,
    /// Connections at work that may take another job in their stride.
    pub(super) roomy: Vec<usize>,
    /// How the host keeps up.
    pub(super) pace: Pace,
    /// Connections in all.
    pub(super) open: usize,
    /// Those of them that are not known to serve yet.
    pub(super) opening: usize,
    /// Some connection was found to serve.
    pub(super) proven: bool,
    /// Where to connect.
    pub(super) route: Route,
    /// Addresses that failed lately; they are tried last.
    pub(super) bad: HashSet<SocketAddr>,
    /// The host wants no more connections than it has, until then.
    pub(super) enough_until: u64,
    /// An attempt to connect has failed at every address; the others under way decide, and no further one is made.
    pub(super) spent: bool,
    /// Why the last address failed.
    pub(super) failure: Option<Disposition>,
    /// It is in the list of those that have to be looked at.
    pub(super) listed: bool,
}

/// What is known about where to connect.
#[derive(Debug)]
pub(super) enum Route {
    /// Nothing, or nothing recent.
    Unknown,
    /// The resolver is asked.
    Asked,
    /// These addresses, in this order, known since then.
    Known(Vec<Hop>, u64),
}

impl Host {
    pub(super) fn new(name: &str, target: Target, limits: Limits) -> Self {
        Self {
            name: name.to_owned(),
            target,
            limits,
            waiting: VecDeque::new(),
            idle: Vec::new(),
            roomy: Vec::new(),
            pace: Pace::default(),
            open: 0,
            opening: 0,
            proven: false,
            route: Route::Unknown,
            bad: HashSet::new(),
            enough_until: 0,
            spent: false,
            failure: None,
            listed: false,
        }
    }

    /// Whether another connection is needed and allowed.
    pub(super) fn wants_connection(&self, now: u64) -> bool {
        self.waiting.len() > self.opening && self.spreads(self.opening) && self.may_open(now)
    }

    fn may_open(&self, now: u64) -> bool {
        self.open < self.limits.sessions
            && (self.proven || self.opening < FIRST)
            && !(self.spent && self.opening > 0)
            && (self.open == 0 || now >= self.enough_until)
    }

    /// Whether the connections at work, and so many more, are too few for what waits. A quick host is served sooner by few connections that
    /// carry one message after the other than by many that carry one each.
    pub(super) fn spreads(&self, more: usize) -> bool {
        let at_work = self.open.saturating_sub(self.opening + self.idle.len()) + more;
        let longest = self.waiting.front().is_some_and(Delivery::is_short) && self.pace.is_quick();
        self.waiting.len() > if longest { QUEUE * at_work } else { 0 }
    }

    /// Whether a job may wait behind another: where that costs less time than another connection, or none can be had.
    pub(super) fn strides(&self, now: u64) -> bool {
        let most = if self.idle.is_empty() && !self.may_open(now) { FAIR } else { QUICK };
        self.pace.strides(most)
    }

    /// Nothing waits, nothing stands, nothing is expected.
    pub(super) fn is_over(&self) -> bool {
        self.waiting.is_empty() && self.open == 0 && !matches!(self.route, Route::Asked)
    }

    /// The addresses in the order to try them now; `None` if the resolver has to be asked (again).
    pub(super) fn hops(&self, now: u64) -> Option<VecDeque<Hop>> {
        let Route::Known(hops, since) = &self.route else { return None };
        if now > since.saturating_add(FRESH) {
            return None;
        }
        let (bad, good): (Vec<&Hop>, Vec<&Hop>) =
            hops.iter().partition(|hop| self.bad.contains(&hop.address));
        Some(good.into_iter().chain(bad).cloned().collect())
    }

    /// A connection is gone.
    pub(super) fn closed(&mut self, key: usize, was_opening: bool) {
        self.idle.retain(|&other| other != key);
        self.roomy.retain(|&other| other != key);
        self.open = self.open.saturating_sub(1);
        self.opening = self.opening.saturating_sub(usize::from(was_opening));
    }

    /// A connection was found to serve.
    pub(super) fn serves(&mut self, address: SocketAddr) {
        self.opening = self.opening.saturating_sub(1);
        self.proven = true;
        self.bad.remove(&address);
        self.spent = false;
        self.failure = None;
    }

    /// An address came to nothing.
    pub(super) fn failed(&mut self, address: SocketAddr, why: Disposition) {
        self.bad.insert(address);
        self.failure = Some(why);
    }
}

/// Connections that are opened at the same time before the first was found to serve.
const FIRST: usize = 2;

/// How long the resolver's answer is used, in milliseconds.
const FRESH: u64 = 300_000;
