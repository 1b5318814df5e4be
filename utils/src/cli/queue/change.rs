//! `grange queue retry|hold|release|remove`: changes what waits, and says how much.

use crate::cli::arguments::Which;
use crate::cli::ask::{Line, ask, refusal};
use crate::cli::human;
use crate::cli::instance::Instance;
use crate::cli::print;
use farm::exit::Fatal;
use ipc::control::{End, Request, Selection};
use serde_json::json;

/// What to do with the messages selected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    /// Try again now.
    Retry,
    /// Keep, and try no more.
    Hold,
    /// Undo a hold.
    Release,
    /// Discard.
    Remove,
}

impl Change {
    fn request(self, selection: Selection) -> Request {
        match self {
            Self::Retry => Request::QueueRetry(selection),
            Self::Hold => Request::QueueHold(selection),
            Self::Release => Request::QueueRelease(selection),
            Self::Remove => Request::QueueRemove(selection),
        }
    }

    const fn done(self) -> &'static str {
        match self {
            Self::Retry => "due now",
            Self::Hold => "held",
            Self::Release => "released",
            Self::Remove => "removed",
        }
    }
}

/// Asks the scheduler for a change.
///
/// # Errors
/// Grange does not run (69), or some of what was named is not there (66) or no id (65); the rest was done and counted.
pub(crate) fn change(instance: &Instance, change: Change, which: Which, json: bool) -> Result<(), Fatal> {
    let mut answer = ask(instance, &change.request(selection(which)))?;
    let end = loop {
        match answer.next::<serde_json::Value>()? {
            Line::Item(_) => {}
            Line::End(end) => break end,
        }
    };
    if json {
        print::line(json!({"ok": end.ok, "count": end.count, "messages": end.messages}))?;
    } else if end.ok || end.count > 0 {
        print::line(said(change, &end))?;
    }
    if !end.ok {
        return Err(refusal(&end));
    }
    if !json && !end.messages.is_empty() {
        print::line(end.messages.join("\n"))?;
    }
    Ok(())
}

fn said(change: Change, end: &End) -> String {
    format!("{} {}", human::counted(end.count, "message"), change.done())
}

/// The command line has made sure that exactly one of the three is given.
fn selection(which: Which) -> Selection {
    match which.host {
        _ if which.all => Selection::All,
        Some(host) => Selection::Host(host),
        None => Selection::Ids(which.ids),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_selects_everything_by_accident() {
        let which = |ids: &[&str], host: Option<&str>, all| {
            selection(Which {
                ids: ids.iter().map(|id| (*id).into()).collect(),
                host: host.map(Into::into),
                all,
            })
        };
        assert_eq!(which(&["A"], None, false), Selection::Ids(vec!["A".into()]));
        assert_eq!(which(&[], Some("h"), false), Selection::Host("h".into()));
        assert_eq!(which(&[], None, true), Selection::All);
        assert_eq!(which(&[], None, false), Selection::Ids(vec![]));
    }

    #[test]
    fn it_says_what_it_did_in_numbers() {
        let end = |count| End::done(count);
        assert_eq!(said(Change::Remove, &end(1)), "1 message removed");
        assert_eq!(said(Change::Retry, &end(10_000)), "10,000 messages due now");
    }

    #[test]
    fn every_change_can_be_said_over_the_control_socket() {
        for change in [Change::Retry, Change::Hold, Change::Release, Change::Remove] {
            for selection in [Selection::All, Selection::Ids(vec!["A".into()]), Selection::Host("h".into())] {
                let request = change.request(selection);
                let line = serde_json::to_string(&request).unwrap();
                assert_eq!(serde_json::from_str::<Request>(&line).unwrap(), request, "{line}");
            }
        }
    }
}
