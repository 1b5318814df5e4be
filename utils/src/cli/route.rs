//! `grange route ADDRESS`: where an address goes, as the running router says.

use super::ask::ask_all;
use super::instance::Instance;
use super::print;
use super::table::{Side, Table};
use farm::exit::{Exit, Fatal};
use ipc::control::{Request, Routed};

/// Asks the router, and prints a row for each result.
///
/// # Errors
/// Grange does not run (69); some result is refused (67), is deferred (75), or there is no such address (65). The rows
/// have said why, then.
pub(crate) fn route(instance: &Instance, address: String, json: bool) -> Result<(), Fatal> {
    let (results, end) = ask_all::<Routed>(instance, &Request::Route { address })?;
    if json {
        for routed in &results {
            print::line(serde_json::to_string(routed).map_err(Fatal::doing(Exit::Software, "answer"))?)?;
        }
    } else {
        print::text(table(&results))?;
        for remark in end.messages {
            print::line(&remark)?;
        }
    }
    outcome(&results).map_or(Ok(()), |exit| Err(Fatal::new(exit, "")))
}

/// The exit code that follows from the replies: what is refused for good counts before what may go later.
fn outcome(results: &[Routed]) -> Option<Exit> {
    let replies = || results.iter().filter_map(|routed| routed.reply.as_deref());
    match replies().find(|reply| reply.starts_with('5')) {
        Some(reply) if reply.starts_with("501") => Some(Exit::Data),
        Some(_) => Some(Exit::NoUser),
        None => replies().next().map(|_| Exit::Temporary),
    }
}

fn table(results: &[Routed]) -> Table {
    let left = Side::Left;
    let mut table =
        Table::new(&[("address", left), ("route", left), ("for", left), ("by", left), ("reply", left)]);
    for routed in results {
        let or_dash = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".into());
        table.row([
            routed.address.clone(),
            or_dash(&routed.route),
            or_dash(&routed.user),
            routed.by.clone(),
            routed.reply.clone().unwrap_or_default(),
        ]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    fn replied(replies: &[&str]) -> Option<Exit> {
        let routed = |reply: &&str| Routed {
            address: "a@example.org".into(),
            route: None,
            user: None,
            by: "rule".into(),
            reply: (!reply.is_empty()).then(|| (*reply).into()),
        };
        outcome(&replies.iter().map(routed).collect::<Vec<_>>())
    }

    #[test]
    fn the_exit_code_tells_refused_from_deferred() {
        assert_eq!(replied(&["", ""]), None);
        assert_eq!(replied(&["", "451 4.3.0 later"]), Some(Exit::Temporary));
        assert_eq!(replied(&["451 4.3.0 later", "550 5.1.1 no such user"]), Some(Exit::NoUser));
        assert_eq!(replied(&["501 5.1.3 no @"]), Some(Exit::Data));
    }

    #[test]
    fn each_result_is_a_row() {
        let good = Routed {
            address: "ann@example.org".into(),
            route: Some("mailbox!ann".into()),
            user: Some("ann".into()),
            by: "local user".into(),
            reply: None,
        };
        let bad = Routed {
            address: "x@example.org".into(),
            route: None,
            user: None,
            by: "local domain".into(),
            reply: Some("550 5.1.1 <x@example.org> no such user".into()),
        };
        assert_eq!(
            table(&[good, bad]).to_string(),
            "address          route        for  by            reply\n\
             ann@example.org  mailbox!ann  ann  local user\n\
             x@example.org    -            -    local domain  550 5.1.1 <x@example.org> no such user\n"
        );
    }
}
