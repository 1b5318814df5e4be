//! What the multiplexer says of itself.

use super::run::Multiplexer;
use ipc::Role;
use ipc::control::FarmLine;

/// Counters since the start, and their state at the last look.
#[derive(Debug, Default)]
pub(super) struct Figures {
    answers: u64,
    expanded: u64,
    recipients: u64,
    /// The longest that a question waited since the last look, in milliseconds.
    slowest: u64,
    looked_at: u64,
    looked_answers: u64,
}

impl Figures {
    /// A question was answered after so many milliseconds.
    pub(super) fn answered(&mut self, after: u64) {
        self.answers += 1;
        self.slowest = self.slowest.max(after);
    }

    /// A message was expanded to so many recipients.
    pub(super) fn expanded(&mut self, recipients: u64) {
        self.expanded += 1;
        self.recipients = self.recipients.saturating_add(recipients);
    }

    /// Answers per second since the last look.
    fn look(&mut self, now: u64) -> f64 {
        let seconds = large(now.saturating_sub(self.looked_at)) / 1_000.0;
        let rate = large(self.answers - self.looked_answers) / seconds.max(0.001);
        (self.looked_at, self.looked_answers) = (now, self.answers);
        rate
    }
}

/// A count as a gauge.
fn large(count: u64) -> f64 {
    u32::try_from(count).map_or(f64::MAX, f64::from)
}

fn count(number: usize) -> f64 {
    u32::try_from(number).map_or(f64::MAX, f64::from)
}

impl Multiplexer {
    /// The line for `grange status`.
    pub(super) fn status(&mut self) -> FarmLine {
        let now = self.event_loop.now().mono;
        let rate = self.figures.look(now);
        let (open, expanding) = (self.desk.asks.len(), self.desk.expansions.len());
        let oldest = self.desk.asks.oldest().map_or(0, |asked| now.saturating_sub(asked));
        let slowest = std::mem::take(&mut self.figures.slowest);
        let guilty = self.desk.blame.guilty(now);
        let mut text = format!("{rate:.0} answers/s, {open} questions open, oldest {oldest} ms");
        if expanding > 0 {
            text.push_str(&format!(", {expanding} to expand"));
        }
        if guilty + self.desk.expansions.quarantined() > 0 {
            let messages = self.desk.expansions.quarantined();
            text.push_str(&format!(", {guilty} addresses and {messages} messages put aside"));
        }
        let gauges = [
            ("answers", large(self.figures.answers)),
            ("answers-per-second", rate),
            ("questions", count(open)),
            ("waiting", count(self.desk.asks.waiting())),
            ("oldest-ms", large(oldest)),
            ("slowest-ms", large(slowest)),
            ("callers", count(self.callers.len())),
            ("expanding", count(expanding)),
            ("expanded", large(self.figures.expanded)),
            ("expanded-recipients", large(self.figures.recipients)),
            ("blamed", count(guilty)),
            ("quarantined", count(self.desk.expansions.quarantined())),
        ];
        FarmLine {
            role: Role::RouterWorker.to_string(),
            busy: u32::try_from(self.farm.counts().busy).ok(),
            now: text,
            gauges: gauges.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
            ..FarmLine::default()
        }
    }
}
