//! `grange profile`: how often operations happen and how long they take, in all programs.

use super::arguments::Profile;
use super::ask::ask_all;
use super::human;
use super::instance::Instance;
use super::print;
use super::table::{Side, Table};
use farm::exit::{Exit, Fatal};
use ipc::control::Request;
use ipc::profile::{Line, Order};
use serde_json::json;

/// Switches profiling on or off, or prints a row per operation and program.
///
/// # Errors
/// Grange does not run (69), or you may not ask (77).
pub(crate) fn profile(instance: &Instance, verb: Profile, json: bool) -> Result<(), Fatal> {
    let order = match verb {
        Profile::On => Order::On,
        Profile::Off => Order::Off,
        Profile::Show => Order::Show,
    };
    let (lines, end) = ask_all::<Line>(instance, &Request::Profile { order })?;
    let state = end.messages.join("\n");
    match order {
        Order::Show if json => {
            for line in &lines {
                print::line(serde_json::to_string(line).map_err(Fatal::doing(Exit::Software, "answer"))?)?;
            }
            Ok(())
        }
        Order::Show => print::text(page(&lines, &state)),
        Order::On | Order::Off if json => print::line(json!({"profiling": order == Order::On})),
        Order::On | Order::Off => print::line(state),
    }
}

fn page(lines: &[Line], state: &str) -> String {
    if lines.is_empty() {
        return format!("{state}; nothing was counted\n");
    }
    let right = Side::Right;
    let mut table = Table::new(&[
        ("operation", Side::Left),
        ("where", Side::Left),
        ("count", right),
        ("p50", right),
        ("p90", right),
        ("p99", right),
        ("max", right),
        ("share", right),
    ]);
    for line in lines {
        table.row(cells(line));
    }
    format!("{table}{state}\n")
}

fn cells(line: &Line) -> [String; 8] {
    let share = format!("{:.1} %", line.share * 100.0);
    let [p50, p90, p99, max] = [line.p50, line.p90, line.p99, line.max].map(time);
    [line.operation.clone(), line.role.clone(), human::count(line.count), p50, p90, p99, max, share]
}

/// Nanoseconds as `840 ns`, `8.4 us`, `31 ms`, `2.5 s`, `12 min`: a decimal where there is one digit before it.
fn time(nanoseconds: u64) -> String {
    const UNITS: [(u64, &str); 4] =
        [(60_000_000_000, "min"), (1_000_000_000, "s"), (1_000_000, "ms"), (1_000, "us")];
    // What would round to the next unit is given in it, except that a minute is a minute when it is over.
    let fits = |unit: u64| nanoseconds >= unit - if unit > 1_000_000_000 { 0 } else { unit / 2_000 };
    let Some(&(unit, name)) = UNITS.iter().find(|(unit, _)| fits(*unit)) else {
        return format!("{nanoseconds} ns");
    };
    let tenths = (u128::from(nanoseconds) * 10 + u128::from(unit) / 2) / u128::from(unit);
    if tenths < 100 {
        format!("{}.{} {name}", tenths / 10, tenths % 10)
    } else {
        format!("{} {name}", (tenths + 5) / 10)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_units() {
        let shown: Vec<_> = [
            0,
            999,
            1_000,
            8_449,
            9_960,
            31_400,
            999_400,
            999_600,
            31_000_000,
            2_540_000_000,
            59_000_000_000,
            720_000_000_000,
        ]
        .map(time)
        .into();
        assert_eq!(
            shown,
            [
                "0 ns", "999 ns", "1.0 us", "8.4 us", "10 us", "31 us", "999 us", "1.0 ms", "31 ms", "2.5 s",
                "59 s", "12 min"
            ]
        );
    }

    #[test]
    fn the_page_is_what_people_expect() {
        let line = Line {
            operation: "commit-wait".into(),
            role: "smtpserver".into(),
            processes: 2,
            count: 12_345,
            p50: 4_200_000,
            p90: 8_000_000,
            p99: 31_000_000,
            max: 44_000_000,
            total: 1,
            share: 0.1234,
        };
        assert_eq!(
            page(&[line], "profiling is on"),
            "operation    where        count     p50     p90    p99    max   share\n\
             commit-wait  smtpserver  12,345  4.2 ms  8.0 ms  31 ms  44 ms  12.3 %\n\
             profiling is on\n"
        );
        assert_eq!(page(&[], "profiling is off"), "profiling is off; nothing was counted\n");
    }
}
