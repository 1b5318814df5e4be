//! One host: what waits for it, its connections, and what the resolver said.

use super::delivery::Delivery;
use super::hops::Hop;
use super::limits::Limits;
use super::pace::{FAIR, Pace, QUEUE, QUICK};
use super::target::Target;
use proto::client::Protection;
use proto::disposition::{Disposition, Outcome};
use std::collections::{HashSet, VecDeque};
use std::net::SocketAddr;

/// One host, as long as something waits for it or a connection stands.
#[derive(Debug)]
pub(super) struct Host {
    /// As the scheduler names it.
    pub(super) name: String,
    /// The name under which it is in the table; another one for jobs with a demand of their own.
    pub(super) key: String,
    /// How much TLS they need.
    pub(super) demand: Option<Protection>,
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
    /// Addresses with which TLS has failed, and could be done without.
    pub(super) plain: HashSet<SocketAddr>,
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
            key: name.to_owned(),
            demand: None,
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
            plain: HashSet::new(),
            failure: None,
            listed: false,
        }
    }

    /// How much TLS its connections need.
    pub(super) fn protection(&self) -> Protection {
        self.demand.unwrap_or(self.limits.protection)
    }

    /// Whether a connection of this kind may carry its jobs; where TLS failed and can be done without, plain text may.
    pub(super) fn allows(&self, protection: Protection) -> bool {
        let own = self.protection();
        protection == own || own == Protection::May && protection == Protection::Never
    }

    /// How much TLS a connection to this address needs.
    pub(super) fn protection_at(&self, address: &SocketAddr) -> Protection {
        let own = self.protection();
        if own == Protection::May && self.plain.contains(address) { Protection::Never } else { own }
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

    /// It is known where to connect; what was found about TLS there is as old as that, and forgotten.
    pub(super) fn found(&mut self, hops: Vec<Hop>, now: u64) {
        self.plain.clear();
        self.route = Route::Known(hops, now);
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

    /// An address came to nothing. Of several reasons one that may pass counts, else the last.
    pub(super) fn failed(&mut self, address: SocketAddr, why: Disposition) {
        self.bad.insert(address);
        let passing = self.failure.take_if(|other| other.outcome != Outcome::Failed);
        self.failure = Some(match passing {
            Some(other) if why.outcome == Outcome::Failed => other,
            _ => why,
        });
    }
}

/// Connections that are opened at the same time before the first was found to serve.
const FIRST: usize = 2;

/// How long the resolver's answer is used, in milliseconds.
const FRESH: u64 = 300_000;

#[cfg(test)]
mod tests {
    use super::*;
    use proto::status::Status;

    fn host() -> Host {
        let limits = Limits { sessions: 1, messages: 1, protection: Protection::May };
        Host::new("x.example", Target::parse("x.example").unwrap(), limits)
    }

    fn address(port: u16) -> SocketAddr {
        SocketAddr::from(([192, 0, 2, 1], port))
    }

    #[test]
    fn a_host_fails_for_good_only_if_every_address_does() {
        let passing = || Disposition::local(Outcome::HostDeferred, Status::transient(4, 1), "down");
        let lasting = || Disposition::local(Outcome::Failed, Status::permanent(7, 30), "no REQUIRETLS");
        for (first, second, outcome) in [
            (lasting(), lasting(), Outcome::Failed),
            (lasting(), passing(), Outcome::HostDeferred),
            (passing(), lasting(), Outcome::HostDeferred),
        ] {
            let mut host = host();
            host.failed(address(1), first);
            host.failed(address(2), second);
            assert_eq!(host.failure.map(|why| why.outcome), Some(outcome));
        }
    }

    #[test]
    fn plain_text_is_for_addresses_where_tls_failed_and_need_not_be() {
        let mut host = host();
        host.plain.insert(address(1));
        assert_eq!(host.protection_at(&address(1)), Protection::Never);
        assert_eq!(host.protection_at(&address(2)), Protection::May);
        assert!(host.allows(Protection::Never));
        host.found(Vec::new(), 0);
        assert_eq!(host.protection_at(&address(1)), Protection::May, "TLS is tried again now and then");
        host.plain.insert(address(1));
        host.demand = Some(Protection::Must);
        assert_eq!(host.protection_at(&address(1)), Protection::Must);
        assert!(!host.allows(Protection::May) && !host.allows(Protection::Never));
    }
}
