//! The part of a notice that programs read.
//!
//! Source: RFC 3464 sections 2.2 (fields about the message) and 2.3 (fields about a recipient).

use super::{Action, Notice, NoticeRecipient};
use crate::message::{Folded, date};

/// The body of the `message/delivery-status` part: a group of fields for the message, then one for each recipient.
pub(super) fn delivery_status(notice: &Notice) -> String {
    let mut text = String::new();
    field(&mut text, "Reporting-MTA", &format!("dns; {}", notice.reporting_mta));
    field(&mut text, "X-Grange-Id", &notice.about.to_string());
    field(&mut text, "Arrival-Date", &date(notice.arrival_date));
    for recipient in &notice.recipients {
        text.push_str("\r\n");
        group(&mut text, recipient);
    }
    text
}

fn group(text: &mut String, recipient: &NoticeRecipient) {
    field(text, "Final-Recipient", &format!("rfc822; {}", recipient.final_recipient));
    field(text, "Action", &recipient.action.to_string());
    field(text, "Status", &recipient.status.to_string());
    let remote = recipient.remote_mta.split('[').next().unwrap_or_default();
    if !remote.is_empty() {
        field(text, "Remote-MTA", &format!("dns; {remote}"));
    } else if !recipient.remote_mta.is_empty() {
        field(text, "Remote-MTA", &format!("dns; {}", recipient.remote_mta));
    }
    if !recipient.diagnostic.is_empty() {
        let kind = if recipient.is_quoted() { "smtp" } else { "X-Grange" };
        field(text, "Diagnostic-Code", &format!("{kind}; {}", recipient.diagnostic));
    }
    if let Some(tried) = recipient.last_attempt {
        field(text, "Last-Attempt-Date", &date(tried));
    }
    if let (Action::Delayed, Some(until)) = (recipient.action, recipient.will_retry_until) {
        field(text, "Will-Retry-Until", &date(until));
    }
}

fn field(text: &mut String, name: &str, value: &str) {
    let mut field = Folded::new(name);
    field.words(value);
    text.push_str(&field.finish());
}
