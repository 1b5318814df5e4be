//! `grange status`: what runs, and what it does.

use super::ask::ask_all;
use super::human;
use super::instance::Instance;
use super::print;
use super::table::{Side, Table, clean};
use farm::exit::{Exit, Fatal};
use ipc::control::{FarmLine, Request, Status};

/// Asks, and prints a table.
///
/// # Errors
/// Grange does not run (69).
pub(crate) fn status(instance: &Instance, json: bool) -> Result<(), Fatal> {
    let (lines, _) = ask_all::<Status>(instance, &Request::Status)?;
    for status in &lines {
        if json {
            print::line(serde_json::to_string(status).map_err(Fatal::doing(Exit::Software, "answer"))?)?;
        } else {
            print::text(page(status))?;
        }
    }
    Ok(())
}

fn page(status: &Status) -> String {
    let head = format!(
        "grange {} on {}, up {}, spool {} ({}, {})\n",
        clean(&status.version),
        clean(&status.hostname),
        human::span(status.uptime),
        clean(&status.spool),
        human::counted(status.spool_files, "file"),
        human::size(status.spool_size),
    );
    let listening = format!("listening on {}\n", clean(&status.listening.join(" ")));
    let right = Side::Right;
    let mut table = Table::new(&[
        ("farm", Side::Left),
        ("pids", right),
        ("busy", right),
        ("idle", right),
        ("restarts", right),
        ("now", Side::Left),
    ]);
    for line in &status.farm {
        table.row(cells(line));
    }
    format!("{head}{listening}{table}")
}

fn cells(line: &FarmLine) -> [String; 6] {
    let pids = u64::try_from(line.pids.len()).unwrap_or(u64::MAX);
    // The one process that feeds the others is neither busy nor idle.
    let workers = pids.saturating_sub(u64::from(["smtpserver", "router"].contains(&line.role.as_str())));
    let (busy, idle) = match line.busy {
        Some(busy) => (human::count(busy.into()), human::count(workers.saturating_sub(busy.into()))),
        None => ("-".into(), "-".into()),
    };
    [line.role.clone(), human::count(pids), busy, idle, human::count(line.restarts), line.now.clone()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(role: &str, pids: u32, busy: Option<u32>, now: &str) -> FarmLine {
        FarmLine {
            role: role.into(),
            pids: (0..pids).collect(),
            busy,
            now: now.into(),
            ..FarmLine::default()
        }
    }

    #[test]
    fn the_page_is_what_people_expect() {
        let mut status = Status {
            version: "0.1.0".into(),
            hostname: "mail.example.org".into(),
            uptime: 3 * 86_400 + 4 * 3600 + 5,
            listening: vec!["0.0.0.0:25".into(), "[::]:25".into()],
            spool: "/var/spool/grange".into(),
            spool_files: 12,
            spool_size: 340 << 20,
            farm: vec![
                line("smtpserver", 3, Some(2), "412 sessions"),
                line("router", 4, Some(1), ""),
                line("scheduler", 1, None, "18,204 waiting for 1,377 hosts, 96 in flight"),
                line("smtp", 2, Some(1), ""),
            ],
        };
        status.farm[3].restarts = 1;
        assert_eq!(
            page(&status),
            "grange 0.1.0 on mail.example.org, up 3d 4h, spool /var/spool/grange (12 files, 340 MiB)\n\
             listening on 0.0.0.0:25 [::]:25\n\
             farm        pids  busy  idle  restarts  now\n\
             smtpserver     3     2     0         0  412 sessions\n\
             router         4     1     2         0\n\
             scheduler      1     -     -         0  18,204 waiting for 1,377 hosts, 96 in flight\n\
             smtp           2     1     1         1\n"
        );
    }
}
