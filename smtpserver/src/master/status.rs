//! What `grange status` shows of the server.

use super::run::Master;
use ipc::Role;
use ipc::control::{FarmLine, Request};
use ipc::supervisor::FromChild;

/// The rate of accepted messages between two looks at the status.
#[derive(Default)]
pub(super) struct Rate {
    at: u64,
    accepted: u64,
}

impl Master {
    /// Answers an administrator.
    pub(super) fn answer(&mut self, ticket: u64, request: &str) {
        if let Some(answer) = farm::profile::answer(ticket, request) {
            return self.tell(&answer);
        }
        if let Ok(Request::Status) = serde_json::from_str(request) {
            let line = serde_json::to_string(&self.status()).unwrap_or_default();
            self.tell(&FromChild::Answer { ticket, lines: vec![line], last: true });
        }
    }

    fn status(&mut self) -> FarmLine {
        let now = self.event_loop.now().mono;
        let mut sum = self.gone;
        let mut busy = 0;
        for worker in self.workers.values() {
            busy += u32::from(worker.gauges.sessions > 0);
            sum.transactions += worker.gauges.transactions;
            sum.accepted += worker.gauges.accepted;
            sum.flushes += worker.gauges.flushes;
        }
        let seconds = (now - self.rate.at) as f64 / 1000.0;
        let rate = sum.accepted.saturating_sub(self.rate.accepted) as f64 / seconds.max(0.001);
        let share = sum.flushes as f64 / sum.accepted.max(1) as f64;
        self.rate = Rate { at: now, accepted: sum.accepted };
        let open = self.admission.open();
        let gauges = [
            ("sessions", f64::from(open)),
            ("transactions", sum.transactions as f64),
            ("accepted", sum.accepted as f64),
            ("flushes", sum.flushes as f64),
            ("held", self.held.len() as f64),
            ("turned-away", self.turned_away as f64),
        ];
        FarmLine {
            role: Role::SmtpWorker.to_string(),
            busy: Some(busy),
            now: format!("{open} sessions, {rate:.0}/s accepted, {share:.2} flushes per message"),
            gauges: gauges.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
            ..FarmLine::default()
        }
    }
}
