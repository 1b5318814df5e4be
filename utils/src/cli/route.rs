//! `grange route ADDRESS`: where an address goes, as the running router says.

use super::ask::ask_all;
use super::instance::Instance;
use super::print;
use super::table::{Side, Table};
use farm::exit::{Exit, Fatal};
use ipc::control::{Request, Routed};

/// Asks the router.
///
/// # Errors
/// Grange does not run (69).
pub(crate) fn route(instance: &Instance, address: String, json: bool) -> Result<(), Fatal> {
    let (results, end) = ask_all::<Routed>(instance, &Request::Route { address })?;
    if json {
        for routed in &results {
            print::line(serde_json::to_string(routed).map_err(Fatal::doing(Exit::Software, "answer"))?)?;
        }
        return Ok(());
    }
    print::text(table(&results))?;
    for remark in end.messages {
        print::line(&remark)?;
    }
    Ok(())
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
