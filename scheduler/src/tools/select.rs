//! Which messages a filter or a selection is about.

use crate::queue::Filter;
use crate::state::Scheduler;
use farm::exit::{Exit, Fatal};
use ipc::control::Selection;
use proto::id::SpoolId;
use std::collections::BTreeSet;

/// Messages asked of the queue at a time.
const PAGE: usize = 10_000;

/// Whether a next hop is this host or a name under it; a port is not looked at unless it is asked for.
pub(super) fn is_under(hop: &str, wanted: &str) -> bool {
    let bare = match hop.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|octet| octet.is_ascii_digit()) => name,
        _ => hop,
    };
    [hop, bare].into_iter().any(|hop| {
        let split = hop.len().checked_sub(wanted.len());
        let tail = split.and_then(|at| hop.get(at..).map(|tail| (at, tail)));
        tail.is_some_and(|(at, tail)| {
            tail.eq_ignore_ascii_case(wanted) && (at == 0 || hop.get(..at).is_some_and(|h| h.ends_with('.')))
        })
    })
}

/// Whether a next hop is this very host; a port is not looked at unless it is asked for.
pub(super) fn is_hop(hop: &str, wanted: &str) -> bool {
    let rest = hop.len().checked_sub(wanted.len()).and_then(|_| hop.get(wanted.len()..));
    is_under(hop, wanted) && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
}

/// Whether an address as an administrator types it, with or without brackets, is this one.
pub(super) fn is_address(shown: &str, wanted: &str) -> bool {
    let bare = |text: &str| text.trim_start_matches('<').trim_end_matches('>').to_ascii_lowercase();
    bare(shown) == bare(wanted)
}

impl Scheduler {
    /// The messages of a selection, and what is wrong with it.
    pub(super) fn select(&self, selection: &Selection) -> (Vec<SpoolId>, Vec<Fatal>) {
        let mut faults = Vec::new();
        let ids = match selection {
            Selection::Ids(ids) => ids
                .iter()
                .filter_map(|text| match self.find(text) {
                    Ok(id) => Some(id),
                    Err(why) => {
                        faults.push(why);
                        None
                    }
                })
                .collect(),
            Selection::Host(host) => self.queued(Some(host), is_under).into_iter().collect(),
            Selection::Hop(host) => self.queued(Some(host), is_hop).into_iter().collect(),
            Selection::All => {
                let unrouted = self.unrouted.iter().map(|(_, message)| message.id);
                self.queued(None, is_under).into_iter().chain(unrouted).collect()
            }
        };
        (ids, faults)
    }

    /// The message of that id, if it is in the queue or waits for the router.
    pub(super) fn find(&self, text: &str) -> Result<SpoolId, Fatal> {
        let id: SpoolId = text.parse().map_err(Fatal::doing(Exit::Data, format!("{text:?}")))?;
        if self.queue.contains(id) || self.unrouted.find(id).is_some() {
            Ok(id)
        } else {
            let why = format!("{id} is not in the queue; the journal says what became of it");
            Err(Fatal::new(Exit::NoInput, why))
        }
    }

    fn queued(&self, host: Option<&str>, is_it: fn(&str, &str) -> bool) -> BTreeSet<SpoolId> {
        let mut ids = BTreeSet::new();
        let mut after = None;
        loop {
            let page = self.queue.list(&Filter::default(), after, PAGE);
            let lines = page.lines.iter();
            let chosen = lines.filter(|line| host.is_none_or(|host| is_it(&line.host, host)));
            ids.extend(chosen.map(|line| line.message));
            after = page.next;
            if after.is_none() {
                return ids;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_stands_for_the_names_under_it() {
        for hop in ["slow.example", "MX.Slow.Example", "slow.example:587", "a.slow.example:25"] {
            assert!(is_under(hop, "slow.example"), "{hop}");
        }
        for hop in ["notslow.example", "example", "slow.example.net", ""] {
            assert!(!is_under(hop, "slow.example"), "{hop}");
        }
        assert!(is_under("127.0.0.1:2526", "127.0.0.1:2526"));
        assert!(is_hop("Slow.Example:25", "slow.example") && is_hop("slow.example", "slow.example"));
        assert!(!is_hop("a.slow.example", "slow.example") && !is_hop("slow.example.net", "slow.example"));
    }

    #[test]
    fn an_address_may_be_typed_without_brackets() {
        assert!(is_address("<Ann@example.org>", "ann@EXAMPLE.org"));
        assert!(!is_address("<ann@example.org>", "an@example.org"));
        assert!(is_address("<>", "<>"));
    }
}
