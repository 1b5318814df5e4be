//! Profiling: every child is told and asked; what they say is merged by role.

use super::asked::Topic;
use super::run::Supervisor;
use farm::profile::{Histogram, Operation};
use ipc::Role;
use ipc::control::{End, Request};
use ipc::profile::{Line, Order, Times};
use ipc::supervisor::{ChildNumber, ToChild};
use std::collections::BTreeMap;

impl Supervisor {
    /// Passes the order to every child, and answers when all have obeyed.
    pub(super) fn profile(&mut self, (client, uid): (usize, u32), order: Order) {
        let children = self.ready_children(|_| true);
        let request = Request::Profile { order };
        if order != Order::Show {
            self.profiling = order == Order::On;
            let unready: Vec<_> = self.children.iter().filter(|(_, c)| !c.ready).map(|(n, _)| n).collect();
            unready.into_iter().for_each(|child| self.order(child, uid, &request));
        }
        self.gather((client, uid), Topic::Profile, children, &request);
    }

    /// A child that is started while the others count begins with them.
    pub(super) fn profile_newborn(&mut self, child: ChildNumber) {
        if self.profiling {
            self.order(child, 0, &Request::Profile { order: Order::On });
        }
    }

    fn order(&mut self, child: ChildNumber, uid: u32, request: &Request) {
        let request = serde_json::to_string(request).unwrap_or_default();
        self.say(child, &ToChild::Query { ticket: 0, uid, request });
    }

    /// The answer to an administrator, of what the children have said.
    pub(super) fn profiled(&self, said: &[(Role, String)]) -> (Vec<String>, End) {
        let rows = merged(said);
        let count = u64::try_from(rows.len()).unwrap_or(u64::MAX);
        let state = if self.profiling { "profiling is on" } else { "profiling is off" };
        let lines = rows.iter().filter_map(|row| serde_json::to_string(row).ok()).collect();
        (lines, End { messages: vec![state.to_owned()], ..End::done(count) })
    }
}

/// A row per operation and role, in the order in which a message meets them.
fn merged(said: &[(Role, String)]) -> Vec<Line> {
    let mut sums: BTreeMap<(Operation, Role), (u32, Histogram)> = BTreeMap::new();
    for (role, line) in said {
        let Some(times) = Times::of_line(line) else { continue };
        let Some(operation) = Operation::named(&times.operation) else { continue };
        let (processes, histogram) = sums.entry((operation, *role)).or_default();
        *processes += 1;
        histogram.merge(&times);
    }
    let all = sums.values().fold(0, |sum: u64, (_, histogram)| sum.saturating_add(histogram.total()));
    let row = |((operation, role), (processes, histogram)): (&(Operation, Role), &(u32, Histogram))| Line {
        operation: operation.to_string(),
        role: role.to_string(),
        processes: *processes,
        count: histogram.count(),
        p50: histogram.percentile(50),
        p90: histogram.percentile(90),
        p99: histogram.percentile(99),
        max: histogram.longest(),
        total: histogram.total(),
        share: histogram.total() as f64 / all.max(1) as f64,
    };
    sums.iter().map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(role: Role, operation: &str, buckets: &[(u16, u64)], total: u64, longest: u64) -> (Role, String) {
        let times = Times { operation: operation.into(), buckets: buckets.into(), total, longest };
        (role, times.to_line())
    }

    #[test]
    fn processes_of_a_role_are_one_row_and_shares_add_up() {
        let rows = merged(&[
            said(Role::SmtpWorker, "flush", &[(5, 3)], 15, 5),
            said(Role::AgentSmtp, "deliver", &[(9, 1)], 30, 9),
            said(Role::SmtpWorker, "flush", &[(5, 1), (7, 2)], 15, 7),
            (Role::Dns, "{\"ok\":false}".into()),
            said(Role::SmtpMaster, "of another build", &[(1, 1)], 1, 1),
        ]);
        let facts: Vec<_> = rows.iter().map(|row| (row.operation.as_str(), row.role.as_str())).collect();
        assert_eq!(facts, [("flush", "smtpserver"), ("deliver", "smtp")]);
        let flush = &rows[0];
        assert_eq!((flush.processes, flush.count, flush.total, flush.max), (2, 6, 30, 7));
        assert_eq!((flush.p50, flush.p90), (5, 7));
        assert_eq!(flush.share + rows[1].share, 1.0);
    }
}
