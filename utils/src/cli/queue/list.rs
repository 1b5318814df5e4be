//! `grange queue list`: a line per message.

use crate::cli::arguments::List;
use crate::cli::ask::ask_all;
use crate::cli::human;
use crate::cli::instance::Instance;
use crate::cli::print;
use crate::cli::table::{Side, Table, clean};
use farm::clock::utc_milliseconds;
use farm::exit::Fatal;
use ipc::control::{QueueLine, Request};
use serde_json::{Value, json};

/// Asks the scheduler, and prints a table.
///
/// # Errors
/// Grange does not run (69).
pub(crate) fn list(instance: &Instance, options: List, json: bool) -> Result<(), Fatal> {
    let none = nothing(&options);
    let List { host, sender, recipient, limit } = options;
    let request = Request::QueueList { host, sender, recipient, limit };
    let (lines, end) = ask_all::<QueueLine>(instance, &request)?;
    if json {
        for line in &lines {
            print::line(as_json(line))?;
        }
        return Ok(());
    }
    if lines.is_empty() {
        print::line(clean(&none))?;
    } else {
        print::text(table(&lines, utc_milliseconds()))?;
        print::line(human::counted(u64::try_from(lines.len()).unwrap_or(u64::MAX), "message"))?;
    }
    for remark in end.messages {
        print::line(&remark)?;
    }
    Ok(())
}

/// What is said when nothing was found: what was looked for, since a slip in it looks like an empty queue.
fn nothing(options: &List) -> String {
    let mut text = String::new();
    for (words, value) in [("from", &options.sender), ("to", &options.recipient)] {
        if let Some(value) = value {
            text.push_str(&format!(" {words} {value}"));
        }
    }
    match &options.host {
        Some(host) => format!("no message{text} waits for next hop {host}"),
        None if text.is_empty() => "nothing waits".into(),
        None => format!("no message{text} waits"),
    }
}

/// The line for programs: times in RFC 3339.
pub(crate) fn as_json(line: &QueueLine) -> Value {
    json!({
        "id": line.id,
        "received": human::rfc3339(line.received),
        "size": line.size,
        "from": line.from,
        "to": line.to,
        "open": line.open,
        "state": line.state,
        "next": line.next.map(human::rfc3339),
        "why": line.why,
    })
}

fn table(lines: &[QueueLine], now: u64) -> Table {
    let (left, right) = (Side::Left, Side::Right);
    let mut table = Table::new(&[
        ("id", left),
        ("age", right),
        ("size", right),
        ("from", left),
        ("to", left),
        ("state", left),
        ("next", left),
        ("why", left),
    ]);
    for line in lines {
        let to = match line.open {
            0 | 1 => line.to.clone(),
            open => format!("{} and {} more", line.to, human::count(open - 1)),
        };
        table.row([
            line.id.clone(),
            human::age(line.received, now),
            human::size(line.size),
            line.from.clone(),
            to,
            line.state.clone(),
            line.next.map_or_else(|| "-".into(), |next| human::due(next, now)),
            line.why.clone(),
        ]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line() -> QueueLine {
        QueueLine {
            id: "01J8X4K2M7Q3RD0042".into(),
            received: 1_764_000_000_000,
            size: 14_220,
            from: "<news@example.org>".into(),
            to: "<ann@slow.example>".into(),
            open: 3,
            state: "waiting".into(),
            next: Some(1_764_007_200_000 + 38 * 60_000),
            why: "421 4.7.0 try again later (mx1.slow.example)".into(),
        }
    }

    #[test]
    fn people_see_relative_times() {
        let held = QueueLine { open: 1, state: "held".into(), next: None, why: String::new(), ..line() };
        assert_eq!(
            table(&[line(), held], 1_764_007_200_000).to_string(),
            "id                  age    size  from                to                             state    next    why\n\
             01J8X4K2M7Q3RD0042   2h  14 KiB  <news@example.org>  <ann@slow.example> and 2 more  waiting  in 38m  421 4.7.0 try again later (mx1.slow.example)\n\
             01J8X4K2M7Q3RD0042   2h  14 KiB  <news@example.org>  <ann@slow.example>             held     -\n"
        );
    }

    #[test]
    fn nothing_found_says_what_was_looked_for() {
        let said = |host: Option<&str>, sender: Option<&str>| {
            let (host, sender) = (host.map(Into::into), sender.map(Into::into));
            nothing(&List { host, sender, recipient: None, limit: None })
        };
        assert_eq!(said(None, None), "nothing waits");
        assert_eq!(said(Some("slow.example"), None), "no message waits for next hop slow.example");
        assert_eq!(said(None, Some("ann@x.example")), "no message from ann@x.example waits");
    }

    #[test]
    fn programs_see_rfc_3339() {
        let value = as_json(&line());
        assert_eq!(value["received"], "2025-11-24T16:00:00.000Z");
        assert_eq!(value["next"], "2025-11-24T18:38:00.000Z");
        assert_eq!(value["size"], 14_220);
    }
}
