//! What each rule says: one function for each, from what was found to a [`Reason`].
//!
//! Sources of the codes: RFC 5321 section 4.2.2 (421, 554), RFC 3463 (4.3.2, X.7.0, X.7.1).

use super::counts::Limits;
use super::findings::Refusal;
use farm::config::{DnsList, Penalty, Rate, Rule};
use farm::tables::{AccessAction, AccessEntry};
use ipc::smtp_worker::{Reason, Verdict};
use std::net::Ipv4Addr;

/// What the access table says to a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Word {
    /// It is let in without any further examination.
    Accept,
    /// Something else.
    Reason(Reason),
}

/// There is no place for anybody.
pub(super) fn full(open: u32, limits: Limits) -> Refusal {
    Refusal {
        rule: "sessions".to_owned(),
        value: (u64::from(open) + 1).to_string(),
        limit: limits.sessions.to_string(),
        reply: "421 4.3.2 too many connections; try again later".to_owned(),
    }
}

/// The client would have so many sessions.
pub(super) fn per_client(sessions: u32, limits: Limits, warn: bool) -> Reason {
    Reason {
        rule: Rule::SessionsPerClient.name().to_owned(),
        value: sessions.to_string(),
        limit: limits.per_client.to_string(),
        verdict: refuse("421 4.7.0 too many connections from your address; try again later".to_owned()),
        warn,
    }
}

/// The client has connected so often of late.
pub(super) fn rate(connections: u64, rate: Rate, warn: bool) -> Reason {
    let period = farm::config::print_duration(rate.window);
    let reply = format!(
        "421 4.7.0 {connections} connections from your address in {period}, {} allowed; try again later",
        rate.count
    );
    Reason {
        rule: Rule::ClientRate.name().to_owned(),
        value: connections.to_string(),
        limit: rate.to_string(),
        verdict: refuse(reply),
        warn,
    }
}

/// The access table has this entry for the client.
pub(super) fn access(entry: &AccessEntry, warn: bool) -> Word {
    let warn = warn || entry.warn;
    let verdict = match &entry.action {
        Ok(AccessAction::Accept) if !warn => return Word::Accept,
        Ok(AccessAction::Accept) => Verdict::Pass,
        Ok(AccessAction::Score(points)) => Verdict::Score(*points),
        Ok(AccessAction::Reject(text)) => refuse(with_status("554", "5.7.1", "access denied", text)),
        Ok(AccessAction::Defer(text)) => {
            refuse(with_status("421", "4.7.0", "access denied for now; try again later", text))
        }
        Err(_) => refuse(BROKEN_TABLE.to_owned()),
    };
    let limit = format!("line {}", entry.line);
    Word::Reason(Reason {
        rule: Rule::Access.name().to_owned(),
        value: entry.key.clone(),
        limit,
        verdict,
        warn,
    })
}

/// The access table cannot be read, so that nobody knows what it says.
pub(super) fn no_access(why: &str, warn: bool) -> Reason {
    Reason {
        rule: Rule::Access.name().to_owned(),
        value: why.to_owned(),
        limit: String::new(),
        verdict: refuse(BROKEN_TABLE.to_owned()),
        warn,
    }
}

/// The client talked before it was greeted.
pub(super) fn pregreet(penalty: Penalty, delay: u64, warn: bool) -> Reason {
    let verdict = match penalty {
        Penalty::Refuse => refuse("554 5.7.1 you talked before you were greeted".to_owned()),
        Penalty::Score(points) => Verdict::Score(points),
    };
    Reason {
        rule: Rule::Pregreet.name().to_owned(),
        value: "talked".to_owned(),
        limit: farm::config::print_duration(delay),
        verdict,
        warn,
    }
}

/// A list has the client with these codes; none means it has it not.
pub(super) fn listed(list: &DnsList, codes: &[Ipv4Addr], refuse_score: u32, warn: bool) -> Reason {
    let counted: Vec<String> =
        codes.iter().filter(|code| list.counts(**code)).map(ToString::to_string).collect();
    let (value, verdict) = if counted.is_empty() {
        (list.zone.clone(), Verdict::Pass)
    } else {
        (format!("{}={}", list.zone, counted.join(",")), Verdict::Score(list.points))
    };
    Reason { rule: Rule::Lists.name().to_owned(), value, limit: refuse_score.to_string(), verdict, warn }
}

/// Something that speaks for the client, or says nothing about it.
pub(super) fn pass(rule: &str, value: String) -> Reason {
    let rule = rule.to_owned();
    Reason { rule, value, limit: String::new(), verdict: Verdict::Pass, warn: false }
}

const BROKEN_TABLE: &str = "421 4.3.0 local trouble with a table; try again later";

fn refuse(reply: String) -> Verdict {
    Verdict::Refuse(reply)
}

/// The operator's text as a reply; it may begin with an enhanced status code of its own.
fn with_status(code: &str, status: &str, usual: &str, text: &str) -> String {
    let text = if text.is_empty() { usual } else { text };
    let first = text.split(' ').next().unwrap_or_default();
    let class = status.split('.').next().unwrap_or_default();
    let numbers: Vec<&str> = first.split('.').collect();
    let number = |part: &str| (1..=3).contains(&part.len()) && part.bytes().all(|c| c.is_ascii_digit());
    match numbers[..] {
        [own, subject, detail] if own == class && number(subject) && number(detail) => {
            format!("{code} {text}")
        }
        _ => format!("{code} {status} {text}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use farm::config::Syntax;

    fn entry(action: AccessAction) -> AccessEntry {
        AccessEntry { key: "192.0.2.0/24".into(), line: 7, warn: false, action: Ok(action) }
    }

    fn reply(entry: &AccessEntry) -> String {
        match access(entry, false) {
            Word::Reason(Reason { verdict: Verdict::Refuse(reply), .. }) => reply,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_operators_text_is_told_with_his_status_or_a_usual_one() {
        assert_eq!(reply(&entry(AccessAction::Reject("".into()))), "554 5.7.1 access denied");
        assert_eq!(reply(&entry(AccessAction::Reject("go away".into()))), "554 5.7.1 go away");
        assert_eq!(reply(&entry(AccessAction::Reject("5.3.2 closed".into()))), "554 5.3.2 closed");
        assert_eq!(reply(&entry(AccessAction::Reject("4.3.2 closed".into()))), "554 5.7.1 4.3.2 closed");
        assert_eq!(reply(&entry(AccessAction::Defer("wait".into()))), "421 4.7.0 wait");
        let broken = AccessEntry { action: Err("x".into()), ..entry(AccessAction::Accept) };
        assert!(reply(&broken).starts_with("421 4.3.0 "));
    }

    #[test]
    fn a_warning_accepts_nobody() {
        let warned = AccessEntry { warn: true, ..entry(AccessAction::Accept) };
        assert!(matches!(
            access(&warned, false),
            Word::Reason(Reason { verdict: Verdict::Pass, warn: true, .. })
        ));
        assert_eq!(access(&entry(AccessAction::Accept), false), Word::Accept);
    }

    #[test]
    fn only_the_codes_that_count_score() {
        let list = DnsList::parse("l.test=127.0.0.[2..4]*2").unwrap();
        let code = |last| Ipv4Addr::new(127, 0, 0, last);
        let found = listed(&list, &[code(3), code(9), code(4)], 3, false);
        assert_eq!((found.value.as_str(), found.verdict), ("l.test=127.0.0.3,127.0.0.4", Verdict::Score(2)));
        assert_eq!(listed(&list, &[code(9)], 3, false).verdict, Verdict::Pass);
    }
}
