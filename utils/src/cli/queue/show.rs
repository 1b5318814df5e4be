//! `grange queue show ID`: one message with all its recipients.

use super::list::as_json;
use crate::cli::ask::ask_all;
use crate::cli::human;
use crate::cli::instance::Instance;
use crate::cli::print;
use crate::cli::table::{Side, Table, clean};
use farm::clock::utc_milliseconds;
use farm::exit::{Exit, Fatal};
use ipc::control::{QueueMessage, QueueRecipient, Request};
use proto::place::Place;
use serde_json::{Value, json};

/// Asks the scheduler about one message.
///
/// # Errors
/// Grange does not run (69), there is no such message (66), or that is no id (65).
pub(crate) fn show(instance: &Instance, id: String, json: bool) -> Result<(), Fatal> {
    let absent = format!("{id}: no such message in the queue");
    let (messages, _) = ask_all::<QueueMessage>(instance, &Request::QueueShow { id })?;
    if messages.is_empty() {
        return Err(Fatal::new(Exit::NoInput, absent));
    }
    for message in &messages {
        if json {
            print::line(whole(message))?;
        } else {
            print::text(page(message, utc_milliseconds()))?;
        }
    }
    Ok(())
}

fn whole(message: &QueueMessage) -> Value {
    let mut value = as_json(&message.line);
    if let Value::Object(fields) = &mut value {
        let Place { segment, offset } = message.place;
        fields.insert("place".into(), json!({"segment": segment.to_string(), "offset": offset}));
        fields.insert("recipients".into(), message.recipients.iter().map(recipient).collect());
    }
    value
}

fn recipient(recipient: &QueueRecipient) -> Value {
    json!({
        "index": recipient.index,
        "address": recipient.address,
        "route": recipient.route,
        "state": recipient.state,
        "next": recipient.next.map(human::rfc3339),
        "attempts": recipient.attempts,
        "why": recipient.why,
    })
}

fn page(message: &QueueMessage, now: u64) -> String {
    let line = &message.line;
    let head = format!(
        "id        {}\nfrom      {}\nreceived  {} ({} ago)\nsize      {} octets ({})\nstate     {}\nplace     {} at {}\n\n",
        clean(&line.id),
        clean(&line.from),
        human::rfc3339(line.received),
        human::age(line.received, now),
        human::count(line.size),
        human::size(line.size),
        clean(&line.state),
        message.place.segment,
        message.place.offset,
    );
    let (left, right) = (Side::Left, Side::Right);
    let mut table = Table::new(&[
        ("to", left),
        ("route", left),
        ("state", left),
        ("tried", right),
        ("next", left),
        ("why", left),
    ]);
    for recipient in &message.recipients {
        table.row([
            recipient.address.clone(),
            if recipient.route.is_empty() { "-".into() } else { recipient.route.clone() },
            recipient.state.clone(),
            human::count(recipient.attempts.into()),
            recipient.next.map_or_else(|| "-".into(), |next| human::due(next, now)),
            recipient.why.clone(),
        ]);
    }
    format!("{head}{table}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use ipc::control::QueueLine;

    fn message() -> QueueMessage {
        let id = "01J8X4K2M7Q3RD0042";
        QueueMessage {
            line: QueueLine {
                id: id.into(),
                received: 1_764_000_000_000,
                size: 14_220,
                from: "<>".into(),
                to: "<ann@slow.example>".into(),
                open: 1,
                state: "waiting".into(),
                next: None,
                why: String::new(),
            },
            place: Place { segment: id.parse().unwrap(), offset: 4096 },
            recipients: vec![QueueRecipient {
                index: 0,
                address: "<ann@slow.example>".into(),
                route: "smtp!slow.example".into(),
                state: "waiting".into(),
                next: Some(1_764_000_060_000),
                attempts: 2,
                why: "421 4.7.0 busy".into(),
            }],
        }
    }

    #[test]
    fn the_page_has_a_row_for_each_recipient() {
        assert_eq!(
            page(&message(), 1_764_000_000_000),
            "id        01J8X4K2M7Q3RD0042\n\
             from      <>\n\
             received  2025-11-24T16:00:00.000Z (0s ago)\n\
             size      14,220 octets (14 KiB)\n\
             state     waiting\n\
             place     01J8X4K2M7Q3RD0042 at 4096\n\
             \n\
             to                  route              state    tried  next   why\n\
             <ann@slow.example>  smtp!slow.example  waiting      2  in 1m  421 4.7.0 busy\n"
        );
    }

    #[test]
    fn a_message_survives_the_control_socket_and_reaches_programs() {
        let line = serde_json::to_string(&message()).unwrap();
        assert_eq!(serde_json::from_str::<QueueMessage>(&line).unwrap(), message());
        assert_eq!(whole(&message())["place"]["segment"], "01J8X4K2M7Q3RD0042");
        assert_eq!(whole(&message())["recipients"][0]["attempts"], 2);
    }
}
