//! What is awaited of a stranger, and what it brings: silence, answers of the DNS.

use super::candidate::{Candidate, Who};
use super::findings::Findings;
use super::group::group;
use super::meeting::Look;
use super::rules::{self, Word};
use super::{Action, Admission, Known, Scrutiny};
use farm::config::{Names, Rule};
use farm::tables::Lookup;
use ipc::resolve::{Ask, Resolved};
use ipc::smtp_worker::Verdict;
use std::collections::HashSet;
use std::net::IpAddr;

impl Admission {
    /// Something came from the held client.
    pub(crate) fn spoke(&mut self, session: u64, now: u64) {
        let who = Who::Session(session);
        let config = &self.settings.config;
        let warns = self.settings.warns(Rule::Pregreet);
        let Some(candidate) = self.candidates.get_mut(&who) else { return };
        if candidate.silent_until.take().is_none() {
            return;
        }
        let reason = rules::pregreet(config.pregreet, config.greet_delay, warns);
        if matches!(reason.verdict, Verdict::Refuse(_)) && !warns {
            candidate.awaiting.clear();
        }
        candidate.findings.reasons.push(reason);
        self.settle(who, now);
    }

    /// The DNS has answered, or nobody did.
    pub(crate) fn answered(&mut self, ask: &Ask, resolved: Resolved, now: u64) {
        let (known, ttl) = match resolved {
            Resolved::Listed { codes, ttl } => (Some(Known::Codes(codes)), ttl),
            Resolved::Named { name, ttl } => (Some(Known::Name(name)), ttl),
            _ => (None, 0),
        };
        if let Some(known) = &known {
            let until = now.saturating_add(u64::from(ttl.clamp(SHORTEST, LONGEST)) * 1_000);
            self.answers.put(ask.clone(), known.clone(), until, now);
        }
        for who in self.asked.remove(ask).unwrap_or_default() {
            let Some(mut candidate) = self.candidates.remove(&who) else { continue };
            if candidate.awaiting.contains(ask) {
                candidate.awaiting.retain(|awaited| awaited != ask);
                match &known {
                    Some(known) => self.learn(&mut candidate, ask, known),
                    None => self.unanswered(&mut candidate, vec![ask.clone()]),
                }
            }
            self.candidates.insert(who, candidate);
            self.settle(who, now);
        }
    }

    /// The client with all that must be awaited; questions whose answers are known are answered at once.
    pub(super) fn candidate(
        &mut self,
        who: Who,
        client: IpAddr,
        findings: Findings,
        (look, scrutiny): (Look, Scrutiny),
        now: u64,
    ) -> Candidate {
        let answers_by = now.saturating_add(self.settings.config.list_timeout);
        let mut candidate = Candidate::new(client, findings, answers_by);
        candidate.accepted = look == Look::Accept;
        if look != Look::GoOn {
            return candidate;
        }
        let consulted = matches!(who, Who::Worker { .. });
        let known = !consulted && self.passed.get(&group(client), now).is_some();
        let examined = scrutiny == Scrutiny::Full && !known;
        let config = &self.settings.config;
        candidate.examined = examined && (config.greet_delay > 0 || !config.lists.is_empty());
        if examined && !consulted && config.greet_delay > 0 {
            candidate.silent_until = Some(now.saturating_add(config.greet_delay));
        }
        let list = |zone: &str| Ask::List { zone: zone.to_owned(), client };
        let mut questions: Vec<Ask> = Vec::new();
        if self.wants_name() {
            questions.push(Ask::Name(client));
        }
        if examined {
            questions.extend(config.lists.iter().map(|one| list(&one.zone)));
        }
        let mut seen = HashSet::new();
        questions.retain(|ask| seen.insert(ask.clone()));
        questions.into_iter().for_each(|ask| self.ask(who, &mut candidate, ask, now));
        candidate
    }

    fn wants_name(&self) -> bool {
        match self.settings.config.names {
            Names::Never => false,
            Names::Access => matches!(&self.access, Lookup::Found(table) if table.has_names()),
            Names::Always => true,
        }
    }

    fn ask(&mut self, who: Who, candidate: &mut Candidate, ask: Ask, now: u64) {
        if let Some(known) = self.answers.get(&ask, now).cloned() {
            return self.learn(candidate, &ask, &known);
        }
        candidate.awaiting.push(ask.clone());
        let waiting = self.asked.entry(ask.clone()).or_default();
        if waiting.is_empty() {
            self.actions.push_back(Action::Ask(ask));
        }
        waiting.push(who);
    }

    /// The DNS said this about the client.
    fn learn(&self, candidate: &mut Candidate, ask: &Ask, known: &Known) {
        let config = &self.settings.config;
        match (ask, known) {
            (Ask::List { zone, .. }, Known::Codes(codes)) => {
                let warns = self.settings.warns(Rule::Lists);
                let lists = config.lists.iter().filter(|list| list.zone == *zone);
                let reasons = lists.map(|list| rules::listed(list, codes, config.refuse_score, warns));
                candidate.findings.reasons.extend(reasons);
            }
            (_, Known::Name(name)) => {
                candidate.findings.name.clone_from(name);
                self.look_at_name(candidate);
            }
            _ => {}
        }
    }

    /// The access table by name; an entry for the address goes before it.
    fn look_at_name(&self, candidate: &mut Candidate) {
        let findings = &mut candidate.findings;
        let (Lookup::Found(table), Some(name)) = (&self.access, &findings.name) else { return };
        if table.by_address(candidate.client).any(|entry| !entry.warn) {
            return;
        }
        for entry in table.by_name(name) {
            match rules::access(entry, self.settings.warns(Rule::Access)) {
                Word::Accept => {
                    findings.reasons.push(rules::pass(Rule::Access.name(), entry.key.clone()));
                    candidate.accepted = true;
                }
                Word::Reason(reason) => findings.reasons.push(reason),
            }
        }
    }

    pub(super) fn unanswered(&mut self, candidate: &mut Candidate, questions: Vec<Ask>) {
        for ask in &questions {
            let (rule, what) = match ask {
                Ask::List { zone, .. } => (Rule::Lists.name(), zone.as_str()),
                _ => ("names", "name"),
            };
            candidate.findings.reasons.push(rules::pass(rule, format!("{what}: no answer")));
        }
        candidate.examined = false;
        let client = candidate.client;
        self.actions.push_back(Action::Unanswered { client, questions });
    }
}

/// Bounds of the time for which an answer is kept, in seconds.
const SHORTEST: u32 = 10;
const LONGEST: u32 = 86_400;
