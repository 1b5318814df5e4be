//! `mailq`, and `sendmail -bp`: the queue in the classic form.

use super::ask::ask_all;
use super::human;
use super::instance::Instance;
use super::print;
use super::queue::as_json;
use super::table::clean;
use farm::exit::{Exit, Fatal, run};
use ipc::control::{QueueLine, Request};
use jiff::tz::TimeZone;
use std::path::PathBuf;
use std::process::ExitCode;

const USAGE: &str = "usage: mailq [--root DIR] [--json]";

/// Runs `mailq` with the arguments of this process.
pub fn mailq() -> ExitCode {
    let arguments: Vec<String> =
        std::env::args_os().skip(1).map(|a| a.to_string_lossy().into_owned()).collect();
    run("mailq", || {
        let (root, json) = parse(&arguments)?;
        print_queue(&Instance::find(root)?, json)
    })
}

/// `-v` and the like are what programs say out of habit.
fn parse(arguments: &[String]) -> Result<(Option<PathBuf>, bool), Fatal> {
    let (mut root, mut json) = (None, false);
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        match argument.as_str() {
            "--json" | "-j" => json = true,
            "-v" | "-Ac" | "-Am" => {}
            "--root" => match rest.next() {
                Some(directory) => root = Some(directory.into()),
                None => return Err(Fatal::new(Exit::Usage, USAGE)),
            },
            other => match other.strip_prefix("--root=") {
                Some(directory) => root = Some(directory.into()),
                None => return Err(Fatal::new(Exit::Usage, format!("{other:?} is no option\n{USAGE}"))),
            },
        }
    }
    Ok((root, json))
}

/// Asks, and prints.
///
/// # Errors
/// Grange does not run (69), or the queue may not be seen (77).
pub(crate) fn print_queue(instance: &Instance, json: bool) -> Result<(), Fatal> {
    let request = Request::QueueList { host: None, sender: None, recipient: None, limit: None };
    let (lines, _) = ask_all::<QueueLine>(instance, &request)?;
    if json {
        for line in &lines {
            print::line(as_json(line))?;
        }
    } else {
        print::text(page(&lines, &TimeZone::system()))?;
    }
    Ok(())
}

fn page(lines: &[QueueLine], zone: &TimeZone) -> String {
    if lines.is_empty() {
        return "Mail queue is empty\n".into();
    }
    let mut page =
        String::from("-Queue ID---------  --Size--  ----Arrival Time---  -Sender/Recipient-------\n");
    for line in lines {
        let mark = match line.state.as_str() {
            "in-flight" => '*',
            "held" => '!',
            _ => ' ',
        };
        page.push_str(&format!(
            "{}{mark} {:>8}  {}  {}\n",
            clean(&line.id),
            human::size(line.size),
            human::classic(line.received, zone.clone()),
            clean(&line.from),
        ));
        if !line.why.is_empty() {
            page.push_str(&format!("{:>20}({})\n", "", clean(&line.why)));
        }
        page.push_str(&format!("{:>51}{}\n", "", clean(&line.to)));
        if line.open > 1 {
            page.push_str(&format!("{:>51}and {} more\n", "", human::count(line.open - 1)));
        }
        page.push('\n');
    }
    let octets = lines.iter().map(|line| line.size).sum();
    let requests = human::counted(u64::try_from(lines.len()).unwrap_or(u64::MAX), "Request");
    page.push_str(&format!("-- {} in {requests}.\n", human::size(octets)));
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_queue_says_so() {
        assert_eq!(page(&[], &TimeZone::UTC), "Mail queue is empty\n");
    }

    #[test]
    fn the_page_looks_as_it_always_did() {
        let line = QueueLine {
            id: "01J8X4K2M7Q3RD0042".into(),
            received: 1_764_000_000_000,
            size: 14_220,
            from: "<news@example.org>".into(),
            to: "<ann@slow.example>".into(),
            open: 2,
            state: "held".into(),
            next: None,
            why: "held by an operator".into(),
        };
        assert_eq!(
            page(&[line], &TimeZone::UTC),
            "-Queue ID---------  --Size--  ----Arrival Time---  -Sender/Recipient-------\n\
             01J8X4K2M7Q3RD0042!   14 KiB  Mon Nov 24 16:00:00  <news@example.org>\n\
             \u{20}                   (held by an operator)\n\
             \u{20}                                                  <ann@slow.example>\n\
             \u{20}                                                  and 1 more\n\
             \n\
             -- 14 KiB in 1 Request.\n"
        );
    }

    #[test]
    fn arguments_are_few() {
        let parse = |line: &str| parse(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>());
        assert_eq!(parse("--json -v --root /x").unwrap(), (Some("/x".into()), true));
        assert_eq!(parse("--root=/y").unwrap(), (Some("/y".into()), false));
        assert_eq!(parse("--root").unwrap_err().exit, Exit::Usage);
        assert_eq!(parse("-q").unwrap_err().exit, Exit::Usage);
    }
}
