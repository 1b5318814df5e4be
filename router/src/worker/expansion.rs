//! The recipients of a message once everything is expanded.
//!
//! A recipient that has a route stays as it is. One without becomes what it stands for. Two with the same route, for whom
//! the same was asked, are one.
//!
//! What the sender asked for goes along to whom one recipient stands for alone. To several it goes along without SUCCESS:
//! instead there is a recipient that is nothing but the report that this one was expanded.
//!
//! Source: RFC 3461 section 5.2.7.

use crate::routing::{NotNow, expand};
use crate::tables::Tables;
use proto::envelope::{Recipient, Route};
use proto::terms::{Notify, RecipientTerms};
use spool::{Entry, Kind};
use std::collections::HashSet;

/// All recipients of the message, each with a route, in order.
///
/// # Errors
/// A table cannot be asked now; nothing of the message may be delivered before it can.
pub(super) fn expanded(recipients: &[Recipient], tables: &Tables) -> Result<Vec<Recipient>, NotNow> {
    let mut all = Vec::with_capacity(recipients.len());
    let known = recipients.iter().filter_map(|r| r.route.clone().map(|route| (route, r.terms.clone())));
    let mut known: HashSet<(Route, RecipientTerms)> = known.collect();
    for recipient in recipients {
        if recipient.route.is_some() {
            all.push(recipient.clone());
            continue;
        }
        let found = expand(&recipient.address, tables)?;
        let (terms, report) = passed_on(recipient, found.len());
        let found = found.into_iter().map(|found| (found.address, found.route));
        for (address, route) in found {
            if known.insert((route.clone(), terms.clone())) {
                all.push(Recipient { address, route: Some(route), terms: terms.clone() });
            }
        }
        all.extend(report);
    }
    Ok(all)
}

/// What goes along to so many, and the report, if there is one.
fn passed_on(recipient: &Recipient, count: usize) -> (RecipientTerms, Option<Recipient>) {
    let terms = recipient.terms.clone();
    match terms.notify {
        Some(notify) if count > 1 && notify.success => {
            let rest = RecipientTerms { notify: Some(Notify { success: false, ..notify }), ..terms.clone() };
            let route = Route {
                channel: Route::EXPANDED.to_owned(),
                host: recipient.address.domain().canonical().into_owned(),
                user: recipient.address.to_string(),
            };
            (rest, Some(Recipient { address: recipient.address.clone(), route: Some(route), terms }))
        }
        _ => (terms, None),
    }
}

/// There is something to expand: a message, understood, with a recipient that has no route.
pub(super) fn is_needed(entry: &Entry) -> bool {
    let message = !matches!(entry.kind, Kind::Expansion(_));
    message && entry.held.is_none() && entry.envelope.recipients.iter().any(|r| r.route.is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recipient(notify: Option<Notify>) -> Recipient {
        let terms = RecipientTerms { notify, orcpt: Some("rfc822;list@x.example".into()) };
        Recipient { terms, ..Recipient::new("list@x.example".parse().unwrap(), None) }
    }

    const ALL: Notify = Notify { success: true, failure: true, delay: true };

    #[test]
    fn what_was_asked_for_goes_along_to_one() {
        let one = recipient(Some(ALL));
        assert_eq!(passed_on(&one, 1), (one.terms, None));
    }

    #[test]
    fn success_is_reported_once_and_not_asked_of_many() {
        let (terms, report) = passed_on(&recipient(Some(ALL)), 2);
        assert_eq!(terms.notify, Some(Notify::USUAL));
        assert_eq!(terms.orcpt.as_deref(), Some("rfc822;list@x.example"));
        let report = report.unwrap();
        assert_eq!((report.address.to_string().as_str(), report.terms.notify), ("list@x.example", Some(ALL)));
        assert_eq!(report.route.unwrap().channel, Route::EXPANDED);
        let success = Notify { failure: false, delay: false, ..ALL };
        assert_eq!(passed_on(&recipient(Some(success)), 2).0.notify, Some(Notify::NEVER));
    }

    #[test]
    fn who_does_not_ask_for_success_gets_no_report() {
        for notify in [None, Some(Notify::NEVER), Some(Notify::USUAL)] {
            let quiet = recipient(notify);
            assert_eq!(passed_on(&quiet, 9), (quiet.terms, None));
        }
    }
}
