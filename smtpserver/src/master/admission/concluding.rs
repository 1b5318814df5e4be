//! The end of an examination: who is let in, who is turned away, who waits for either in the tarpit.

use super::candidate::{Candidate, Who};
use super::findings::{Findings, Refusal};
use super::group::group;
use super::{Action, Admission, MOST_TARPITTED};
use ipc::smtp_worker::{Consulted, Reason, Verdict};

impl Admission {
    /// Does what is due.
    pub(crate) fn tick(&mut self, now: u64) {
        while let Some(who) = self.timers.due(now) {
            let Some(mut candidate) = self.candidates.remove(&who) else { continue };
            if candidate.silent_until.is_some_and(|until| until <= now) {
                candidate.silent_until = None;
            }
            if candidate.answers_by <= now && !candidate.awaiting.is_empty() {
                let questions = std::mem::take(&mut candidate.awaiting);
                self.unanswered(&mut candidate, questions);
            }
            self.candidates.insert(who, candidate);
            self.settle(who, now);
        }
    }

    pub(super) fn hold(&mut self, who: Who, candidate: Candidate) {
        self.timers.set(who, candidate.deadline());
        self.candidates.insert(who, candidate);
    }

    /// Goes on with a candidate as far as possible.
    pub(super) fn settle(&mut self, who: Who, now: u64) {
        let Some(candidate) = self.candidates.get(&who) else { return };
        let waits = match &candidate.tarpit {
            Some((until, _)) => *until > now,
            None => !candidate.is_complete(),
        };
        if waits {
            return self.timers.set(who, candidate.deadline());
        }
        let Some(candidate) = self.remove(who) else { return };
        match who {
            Who::Worker { child, session } => {
                let verdict = if candidate.accepted {
                    Verdict::Pass
                } else {
                    candidate.findings.verdict(self.settings.config.refuse_score)
                };
                let Findings { reasons, name } = candidate.findings;
                let consulted = Consulted { session, reasons, verdict, name };
                self.actions.push_back(Action::Consulted { child, consulted });
            }
            Who::Session(session) => {
                let end = match candidate.tarpit {
                    Some((_, refusal)) => Some((candidate.findings.name, refusal)),
                    None => self.conclude(who, candidate, now),
                };
                self.actions.extend(end.map(|(name, refusal)| match refusal {
                    Some(refusal) => Action::Refuse { session, name, refusal },
                    None => Action::Pass { session, name },
                }));
            }
        }
    }

    /// Everything is known of a held client. `None` if it goes to the tarpit; else its name, and why it is refused.
    pub(super) fn conclude(
        &mut self,
        who: Who,
        mut candidate: Candidate,
        now: u64,
    ) -> Option<(Option<String>, Option<Refusal>)> {
        let refuse_score = self.settings.config.refuse_score;
        let refusal = if candidate.accepted { None } else { candidate.findings.refusal(refuse_score) };
        self.warn(&candidate);
        let score = candidate.findings.score();
        if refusal.is_none() && score <= 0 && candidate.examined {
            let until = now.saturating_add(self.settings.config.remember);
            self.passed.put(group(candidate.client), (), until, now);
        }
        let points = u32::try_from(score).unwrap_or(0);
        let suspect =
            refusal.as_ref().map_or(points >= self.settings.config.tarpit_score, Refusal::is_for_good);
        let tarpit = self.settings.config.tarpit;
        if suspect && !candidate.accepted && tarpit > 0 && self.tarpitted < MOST_TARPITTED {
            candidate.tarpit = Some((now.saturating_add(tarpit), refusal));
            self.tarpitted += 1;
            self.hold(who, candidate);
            return None;
        }
        Some((candidate.findings.name, refusal))
    }

    fn warn(&mut self, candidate: &Candidate) {
        let would = |reason: &&Reason| match reason.verdict {
            Verdict::Pass => false,
            Verdict::Score(points) => reason.warn && points > 0,
            Verdict::Refuse(_) => reason.warn,
        };
        let (client, name) = (candidate.client, &candidate.findings.name);
        let reasons = candidate.findings.reasons.iter().filter(would).cloned();
        self.actions.extend(reasons.map(|reason| Action::Warn { client, name: name.clone(), reason }));
    }
}
