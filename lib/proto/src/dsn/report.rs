//! The part of a notice that programs read.
//!
//! Sources: RFC 3464 sections 2.2 (fields about the message) and 2.3 (fields about a recipient), RFC 2852 section 5
//! (Deliver-By-Date).

use super::{Action, Notice, NoticeRecipient, names};
use crate::message::{Folded, date, printable};
use crate::xtext;

/// The body of the `message/delivery-status` part: a group of fields for the message, then one for each recipient.
pub(super) fn delivery_status(notice: &Notice) -> String {
    let mut text = String::new();
    if let Some(envid) = notice.envid.as_deref().and_then(xtext::decode_text) {
        field(&mut text, "Original-Envelope-Id", &names::shown(&envid, notice.utf8));
    }
    field(&mut text, "Reporting-MTA", &format!("dns; {}", notice.reporting_mta));
    field(&mut text, "X-Grange-Id", &notice.about.to_string());
    field(&mut text, "Arrival-Date", &date(notice.arrival_date));
    if let Some(until) = notice.deliver_by {
        field(&mut text, "Deliver-By-Date", &date(until));
    }
    for recipient in &notice.recipients {
        text.push_str("\r\n");
        group(&mut text, recipient, notice.utf8);
    }
    text
}

fn group(text: &mut String, recipient: &NoticeRecipient, utf8: bool) {
    let original = recipient.original_recipient.as_deref();
    if let Some(original) = original.and_then(|orcpt| names::original(orcpt, utf8)) {
        field(text, "Original-Recipient", &original);
    }
    field(text, "Final-Recipient", &names::typed(&recipient.final_recipient, utf8));
    field(text, "Action", &recipient.action.to_string());
    field(text, "Status", &recipient.status.to_string());
    let remote = recipient.remote_mta.split('[').next().unwrap_or_default();
    if !remote.is_empty() {
        field(text, "Remote-MTA", &format!("dns; {}", printable(remote)));
    } else if !recipient.remote_mta.is_empty() {
        field(text, "Remote-MTA", &format!("dns; {}", printable(&recipient.remote_mta)));
    }
    if !recipient.diagnostic.is_empty() {
        let kind = if recipient.is_quoted() { "smtp" } else { "X-Grange" };
        field(text, "Diagnostic-Code", &format!("{kind}; {}", printable(&recipient.diagnostic)));
    }
    if let Some(tried) = recipient.last_attempt {
        field(text, "Last-Attempt-Date", &date(tried));
    }
    if let (Action::Delayed, Some(until)) = (recipient.action, recipient.will_retry_until) {
        field(text, "Will-Retry-Until", &date(until));
    }
}

/// Appends a field. A value that holds UTF-8 is a short one without control characters, in a notice that may hold it.
pub(super) fn field(text: &mut String, name: &str, value: &str) {
    if !value.is_ascii() && !value.contains(char::is_control) && value.len() <= LONGEST {
        text.push_str(&format!("{name}: {value}\r\n"));
        return;
    }
    let mut field = Folded::new(name);
    field.words(value);
    text.push_str(&field.finish());
}

/// Octets of a value that stands on one line with its name.
const LONGEST: usize = 960;
