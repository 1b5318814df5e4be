//! The recipients of a message once everything is expanded.
//!
//! A recipient that has a route stays as it is. One without becomes what it stands for. Two with the same route are one.

use crate::routing::{NotNow, expand};
use crate::tables::Tables;
use proto::envelope::{Recipient, Route};
use spool::{Entry, Kind};
use std::collections::HashSet;

/// All recipients of the message, each with a route, in order.
///
/// # Errors
/// A table cannot be asked now; nothing of the message may be delivered before it can.
pub(super) fn expanded(recipients: &[Recipient], tables: &Tables) -> Result<Vec<Recipient>, NotNow> {
    let mut all = Vec::with_capacity(recipients.len());
    let mut routes: HashSet<Route> = recipients.iter().filter_map(|r| r.route.clone()).collect();
    for recipient in recipients {
        if recipient.route.is_some() {
            all.push(recipient.clone());
            continue;
        }
        for found in expand(&recipient.address, tables)? {
            if routes.insert(found.route.clone()) {
                all.push(Recipient::new(found.address, Some(found.route)));
            }
        }
    }
    Ok(all)
}

/// There is something to expand: a message, understood, with a recipient that has no route.
pub(super) fn is_needed(entry: &Entry) -> bool {
    let message = !matches!(entry.kind, Kind::Expansion(_));
    message && entry.held.is_none() && entry.envelope.recipients.iter().any(|r| r.route.is_none())
}
