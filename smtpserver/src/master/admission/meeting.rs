//! The first look at a client: what can be said without waiting.

use super::candidate::Who;
use super::findings::Findings;
use super::rules::{self, Word};
use super::{Admission, Met, Scrutiny};
use farm::config::Rule;
use farm::tables::Lookup;
use std::net::IpAddr;

/// What the first look at a client has brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    /// It is let in, whatever else could be found.
    Accept,
    /// What was found is all there is.
    Done,
    /// It is a stranger.
    GoOn,
}

impl Admission {
    /// The client of a connection that has entered is known. The reply to [`Met::Refuse`] is due at once.
    pub(crate) fn meet(&mut self, session: u64, client: IpAddr, scrutiny: Scrutiny, now: u64) -> Met {
        let sessions = self.counts.identify(client);
        let mut findings = Findings::default();
        if self.is_too_many(&mut findings, sessions)
            && let Some(refusal) = findings.refusal(u32::MAX)
        {
            return Met::Refuse(refusal);
        }
        let look = self.first_look(&mut findings, client, now, false);
        let who = Who::Session(session);
        let candidate = self.candidate(who, client, findings, (look, scrutiny), now);
        if !candidate.is_complete() {
            self.hold(who, candidate);
            return Met::Hold;
        }
        match self.conclude(who, candidate, now) {
            None => Met::Hold,
            Some((name, None)) => Met::Pass(name),
            Some((_, Some(refusal))) => Met::Refuse(refusal),
        }
    }

    /// A worker wants to know what would be done with a client that came now. Nothing is counted.
    pub(crate) fn consult(&mut self, who: Who, client: IpAddr, scrutiny: Scrutiny, now: u64) {
        let mut findings = Findings::default();
        self.is_too_many(&mut findings, self.counts.of(client).saturating_add(1));
        let look = self.first_look(&mut findings, client, now, true);
        let candidate = self.candidate(who, client, findings, (look, scrutiny), now);
        self.candidates.insert(who, candidate);
        self.settle(who, now);
    }

    /// Whether the client has more sessions than it may.
    fn is_too_many(&self, findings: &mut Findings, sessions: u32) -> bool {
        let too_many = sessions > self.settings.limits.per_client;
        if too_many {
            let warns = self.settings.warns(Rule::SessionsPerClient);
            findings.reasons.push(rules::per_client(sessions, self.settings.limits, warns));
        }
        too_many
    }

    /// What can be said without waiting. `tells` also pushes what speaks for the client, and counts nothing.
    fn first_look(&mut self, findings: &mut Findings, client: IpAddr, now: u64, tells: bool) -> Look {
        if self.look_at_address(findings, client, tells) {
            return Look::Accept;
        }
        if findings.refusal(u32::MAX).is_some() {
            return Look::Done;
        }
        if let Some(network) = self.settings.relay_network(client) {
            if tells {
                let network = format!("{}/{}", network.address, network.prefix);
                findings.reasons.push(rules::pass("relay-networks", network));
            }
            return Look::Done;
        }
        self.look_at_rate(findings, client, now, tells)
    }

    /// The access table by address; whether it lets the client in, whatever else could be found.
    fn look_at_address(&self, findings: &mut Findings, client: IpAddr, tells: bool) -> bool {
        let warns = self.settings.warns(Rule::Access);
        let table = match &self.access {
            Lookup::Found(table) => table,
            Lookup::NotFound => return false,
            Lookup::Temporary(why) | Lookup::Broken(why) => {
                findings.reasons.push(rules::no_access(why, warns));
                return false;
            }
        };
        let mut decided = false;
        for entry in table.by_address(client) {
            decided |= !entry.warn;
            match rules::access(entry, warns) {
                Word::Accept => {
                    let told = tells.then(|| rules::pass(Rule::Access.name(), entry.key.clone()));
                    findings.reasons.extend(told);
                    return true;
                }
                Word::Reason(reason) => findings.reasons.push(reason),
            }
        }
        let gap = table.gap().filter(|_| !decided);
        findings.reasons.extend(gap.map(|gap| rules::no_access(gap, warns)));
        false
    }

    fn look_at_rate(&mut self, findings: &mut Findings, client: IpAddr, now: u64, tells: bool) -> Look {
        let Some(rate) = self.settings.config.client_rate else { return Look::GoOn };
        let count = if tells { self.rates.next(client, now) } else { self.rates.count(client, rate, now) };
        if count <= rate.count {
            return Look::GoOn;
        }
        let warns = self.settings.warns(Rule::ClientRate);
        findings.reasons.push(rules::rate(count, rate, warns));
        if warns { Look::GoOn } else { Look::Done }
    }
}
