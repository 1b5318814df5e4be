//! `grange reload`: the running Grange reads its configuration again.

use super::ask::{Line, ask};
use super::instance::Instance;
use super::print;
use farm::exit::{Exit, Fatal};
use ipc::control::Request;
use serde_json::json;

/// Asks for a reload.
///
/// # Errors
/// Grange does not run (69), you may not ask (77), or the new configuration is wrong and the old one stays (78).
pub(crate) fn reload(instance: &Instance, json: bool) -> Result<(), Fatal> {
    let mut answer = ask(instance, &Request::Reload)?;
    let end = loop {
        match answer.next::<serde_json::Value>()? {
            Line::Item(_) => {}
            Line::End(end) => break end,
        }
    };
    if json {
        print::line(json!({"ok": end.ok, "messages": end.messages}))?;
    }
    if end.ok {
        if !json {
            print::line(format_args!("{}: reloaded", instance.file.display()))?;
            for remark in &end.messages {
                print::line(remark)?;
            }
        }
        return Ok(());
    }
    let mut lines = end.messages;
    lines.push("the configuration was not taken; the old one stays".into());
    Err(Fatal::new(Exit::of(end.code).unwrap_or(Exit::Config), lines.join("\n")))
}
