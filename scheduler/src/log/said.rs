//! When something is tried again and what was said about it, as the one line that a log record has for it:
//! `@1764000300000 4.7.0 mx1.slow.example[198.51.100.4] 421 try again later`.
//!
//! Both parts may be missing; `-` stands for nobody. A line that reads otherwise says nothing.

use proto::disposition::{Disposition, Outcome};

/// Prints a time (UTC milliseconds) and the last disposition.
pub(super) fn print(due: Option<u64>, last: Option<&Disposition>) -> String {
    let due = due.map(|due| format!("@{due}"));
    let last = last.map(|last| {
        let remote = last.remote.replace(' ', "_");
        let remote = if remote.is_empty() { "-" } else { remote.as_str() };
        format!("{} {remote} {}", last.status, last.reply)
    });
    due.into_iter().chain(last).collect::<Vec<_>>().join(" ")
}

/// Reads it back; `outcome` is what such a disposition was.
pub(super) fn parse(text: &str, outcome: Outcome) -> (Option<u64>, Option<Disposition>) {
    let (due, rest) = match text.strip_prefix('@') {
        Some(text) => {
            let (due, rest) = text.split_once(' ').unwrap_or((text, ""));
            (due.parse().ok(), rest)
        }
        None => (None, text),
    };
    (due, disposition(rest, outcome))
}

fn disposition(text: &str, outcome: Outcome) -> Option<Disposition> {
    let (status, rest) = text.split_once(' ')?;
    let (remote, reply) = rest.split_once(' ')?;
    let remote = if remote == "-" { "" } else { remote };
    let disposition = Disposition::local(outcome, status.parse().ok()?, reply);
    Some(Disposition { remote: remote.into(), ..disposition })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use proto::status::Status;

    proptest! {
        #[test]
        fn what_was_said_survives(due: Option<u64>, said: Option<(String, String)>) {
            let last = said.map(|(reply, remote)| Disposition {
                remote: remote.replace(' ', "_").replace('-', "x"),
                ..Disposition::local(Outcome::Deferred, Status::transient(2, 1), reply)
            });
            prop_assert_eq!(parse(&print(due, last.as_ref()), Outcome::Deferred), (due, last));
        }

        #[test]
        fn another_line_says_nothing_and_does_no_harm(text: String) {
            parse(&text, Outcome::Deferred);
        }
    }

    #[test]
    fn a_remote_with_blanks_stays_one_word() {
        let last = Disposition {
            remote: "a b".into(),
            ..Disposition::local(Outcome::HostDeferred, Status::transient(4, 1), "gone")
        };
        assert_eq!(print(Some(7), Some(&last)), "@7 4.4.1 a_b gone");
        assert_eq!(parse("", Outcome::Deferred), (None, None));
    }
}
