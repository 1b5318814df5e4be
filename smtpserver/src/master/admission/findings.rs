//! What was found out about a client, and what follows from it.
//!
//! The first rule that refuses decides; without one, the sum of the points does. A rule that only warns has no part in
//! either. The text of a reply names what the client's administrator needs to know, and nothing else of ours.

use ipc::smtp_worker::{Reason, Verdict};

/// Reasons in the order in which they were found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Findings {
    pub(crate) reasons: Vec<Reason>,
    /// The client's verified name.
    pub(crate) name: Option<String>,
}

/// Why a client is turned away, and what it is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// The rule, as in the configuration; `score` if several add up.
    pub(crate) rule: String,
    /// What was found.
    pub(crate) value: String,
    /// What it was held against; may be empty.
    pub(crate) limit: String,
    /// The reply without CRLF.
    pub(crate) reply: String,
}

impl Refusal {
    /// It is no use to come again (554).
    pub(crate) fn is_for_good(&self) -> bool {
        self.reply.starts_with('5')
    }

    /// The reply as it is sent: no longer than a client has to take (RFC 5321 section 4.5.3.1.5).
    pub(crate) fn line(&self) -> Vec<u8> {
        let mut line = self.reply.clone().into_bytes();
        line.truncate(LONGEST_LINE - 2);
        line.extend(b"\r\n");
        line
    }
}

impl Findings {
    /// The points of all rules that count.
    pub(crate) fn score(&self) -> i32 {
        self.counted().map(|(_, points)| points).fold(0, i32::saturating_add)
    }

    /// Why this client is to be turned away, if it is.
    pub(crate) fn refusal(&self, refuse_score: u32) -> Option<Refusal> {
        let refused = self.reasons.iter().filter(|reason| !reason.warn).find_map(|reason| {
            let Verdict::Refuse(reply) = &reason.verdict else { return None };
            let (rule, value, limit) = (reason.rule.clone(), reason.value.clone(), reason.limit.clone());
            Some(Refusal { rule, value, limit, reply: reply.clone() })
        });
        refused.or_else(|| self.refusal_by_score(refuse_score))
    }

    /// What follows from all of it.
    pub(crate) fn verdict(&self, refuse_score: u32) -> Verdict {
        match (self.refusal(refuse_score), self.score()) {
            (Some(refusal), _) => Verdict::Refuse(refusal.reply),
            (None, 0) => Verdict::Pass,
            (None, points) => Verdict::Score(points),
        }
    }

    fn refusal_by_score(&self, refuse_score: u32) -> Option<Refusal> {
        let score = self.score();
        if u32::try_from(score).unwrap_or(0) < refuse_score {
            return None;
        }
        let parts: Vec<String> =
            self.counted().map(|(reason, points)| format!("{}*{points}", reason.value)).collect();
        let mut rules: Vec<&str> = self.counted().map(|(reason, _)| reason.rule.as_str()).collect();
        rules.dedup();
        let rule = if let [only] = rules[..] { only } else { "score" };
        let against = self.counted().filter(|(_, points)| *points > 0).map(|(reason, _)| complaint(reason));
        let against: Vec<String> = against.take(MOST_COMPLAINTS).collect();
        Some(Refusal {
            rule: rule.to_owned(),
            value: parts.join(" "),
            limit: refuse_score.to_string(),
            reply: format!("554 5.7.1 your address {}", against.join(" and ")),
        })
    }

    fn counted(&self) -> impl Iterator<Item = (&Reason, i32)> {
        self.reasons.iter().filter(|reason| !reason.warn).filter_map(|reason| match reason.verdict {
            Verdict::Score(points) => Some((reason, points)),
            Verdict::Pass | Verdict::Refuse(_) => None,
        })
    }
}

/// Octets of a line of a reply, with its CRLF.
const LONGEST_LINE: usize = 512;

/// Complaints that are told to a client, so that its reply stays short.
const MOST_COMPLAINTS: usize = 3;

fn complaint(reason: &Reason) -> String {
    match (reason.rule.as_str(), reason.value.split_once('=')) {
        ("lists", Some((zone, codes))) => format!("is listed by {zone} ({codes})"),
        ("pregreet", _) => "talked before it was greeted".to_owned(),
        _ => "is in disfavour here".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(rule: &str, value: &str, verdict: Verdict, warn: bool) -> Reason {
        Reason { rule: rule.into(), value: value.into(), limit: String::new(), verdict, warn }
    }

    fn findings(reasons: Vec<Reason>) -> Findings {
        Findings { reasons, name: None }
    }

    #[test]
    fn the_line_of_a_refusal_is_never_longer_than_a_client_has_to_take() {
        let codes: Vec<String> = (2..34).map(|last| format!("127.0.0.{last}")).collect();
        let listed = |zone: &str| format!("{zone}.test={}", codes.join(","));
        let reasons = ["a", "b"].map(|zone| reason("lists", &listed(zone), Verdict::Score(2), false));
        let line = findings(reasons.to_vec()).refusal(3).unwrap().line();
        assert!(line.starts_with(b"554 5.7.1 your address is listed by a.test (127.0.0.2,"));
        assert!(line.ends_with(b"\r\n") && line.len() == 512, "{}", line.len());
    }

    #[test]
    fn the_first_that_refuses_decides_unless_it_only_warns() {
        let refuse = |text: &str| Verdict::Refuse(text.into());
        let found = findings(vec![
            reason("access", "a", refuse("554 warned"), true),
            reason("lists", "zen.test=127.0.0.2", Verdict::Score(9), false),
            reason("pregreet", "b", refuse("554 first"), false),
            reason("client-rate", "c", refuse("421 second"), false),
        ]);
        let refusal = found.refusal(3).unwrap();
        assert_eq!((refusal.rule.as_str(), refusal.reply.as_str()), ("pregreet", "554 first"));
        assert_eq!(found.verdict(3), refuse("554 first"));
    }

    #[test]
    fn points_add_up_to_a_refusal_that_names_its_parts() {
        let mut found = findings(vec![
            reason("lists", "zen.test=127.0.0.2", Verdict::Score(2), false),
            reason("lists", "allow.test=127.0.0.1", Verdict::Score(-1), false),
            reason("lists", "other.test=127.0.0.2", Verdict::Score(9), true),
        ]);
        assert_eq!((found.score(), found.verdict(3)), (1, Verdict::Score(1)));
        found.reasons.push(reason("pregreet", "talked", Verdict::Score(2), false));
        let refusal = found.refusal(3).unwrap();
        assert_eq!(refusal.rule, "score");
        assert_eq!(refusal.value, "zen.test=127.0.0.2*2 allow.test=127.0.0.1*-1 talked*2");
        assert_eq!(refusal.limit, "3");
        let reply =
            "554 5.7.1 your address is listed by zen.test (127.0.0.2) and talked before it was greeted";
        assert_eq!(refusal.reply, reply);
        found.reasons.truncate(1);
        assert_eq!(found.refusal(2).unwrap().rule, "lists");
        assert_eq!(found.refusal(3), None);
    }

    #[test]
    fn nothing_found_is_nothing_against_it() {
        assert_eq!(Findings::default().verdict(1), Verdict::Pass);
        assert_eq!(
            findings(vec![reason("lists", "a=b", Verdict::Score(-5), false)]).verdict(1),
            Verdict::Score(-5)
        );
    }
}
