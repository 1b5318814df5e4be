//! The lines of `grange status` for the scheduler and its channels.

use crate::state::Scheduler;
use farm::words::{self, counted};
use ipc::control::FarmLine;
use std::collections::BTreeMap;

impl Scheduler {
    /// The scheduler's own line.
    pub(crate) fn status(&self) -> FarmLine {
        let gauges = self.queue.gauges();
        let unrouted_held = self.unrouted.iter().filter(|(_, message)| message.why_held().is_some()).count();
        let held = gauges.held + count(unrouted_held);
        let routing = count(self.unrouted.len() - unrouted_held);
        let (waiting, hosts, in_flight) =
            (gauges.recipients.waiting, count(gauges.threads), count(gauges.in_flight));
        let mut now = format!(
            "{} waiting for {}, {} in flight",
            words::count(waiting.saturating_sub(in_flight)),
            counted(hosts, "host"),
            words::count(in_flight)
        );
        for (number, word) in [(held, "held"), (routing, "in routing")] {
            if number > 0 {
                now.push_str(&format!(", {} {word}", words::count(number)));
            }
        }
        let messages = count(gauges.messages) + count(self.unrouted.len());
        let numbers = [
            ("waiting", waiting),
            ("hosts", hosts),
            ("in_flight", in_flight),
            ("held", held),
            ("routing", routing),
            ("messages", messages),
            ("delivered", gauges.recipients.delivered),
            ("failed", gauges.recipients.failed),
            ("segments", count(self.tracks.iter().count())),
            ("compacted", self.keeper.compacted()),
        ];
        FarmLine { role: "scheduler".to_owned(), now, gauges: gauge_map(&numbers), ..FarmLine::default() }
    }
}

/// A channel's line.
pub(crate) fn channel_line(scheduler: &Scheduler, channel: &str) -> FarmLine {
    let agents = scheduler.agents.iter().filter(|(_, agent)| agent.channel == channel);
    let (sessions, hosts) = agents.fold((0, 0), |(sessions, hosts), (_, agent)| {
        (sessions + u64::from(agent.gauges.0), hosts + u64::from(agent.gauges.1))
    });
    let busy = scheduler.agents.busy(channel);
    FarmLine {
        role: channel.to_owned(),
        busy: Some(u32::try_from(busy).unwrap_or(u32::MAX)),
        now: format!("{} to {}", counted(sessions, "session"), counted(hosts, "host")),
        gauges: gauge_map(&[("sessions", sessions), ("hosts", hosts)]),
        ..FarmLine::default()
    }
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

fn gauge_map(numbers: &[(&str, u64)]) -> BTreeMap<String, f64> {
    numbers.iter().map(|&(name, number)| (name.to_owned(), number as f64)).collect()
}
