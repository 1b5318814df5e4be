//! What a disposition does: to the recipient, to the vertex, to the clock of the thread.

use super::JobId;
use super::action::{Action, Attempt, Record, ThreadClock};
use super::agenda::Item;
use super::message::Message;
use super::retry;
use super::state::{End, Queue};
use super::store::Key;
use super::thread::{Tap, Thread};
use super::vertex::{Step, Vertex};
use proto::disposition::{Disposition, Outcome, Reach};
use proto::id::SpoolId;
use proto::status::Status;
use proto::terms::ByMode;

impl Queue {
    /// An agent reports what became of one recipient of a job. Ignored, with false, if the job is unknown or the
    /// recipient is settled already: dispositions are idempotent.
    pub fn settled(&mut self, job: JobId, index: u32, disposition: Disposition, now: u64) -> bool {
        self.advance(now);
        let Some(entry) = self.jobs.get_mut(&job) else { return false };
        let Ok(at) = entry.unsettled.binary_search(&index) else { return false };
        entry.unsettled.remove(at);
        let last = entry.unsettled.is_empty();
        let (vertex, round) = (entry.vertex, entry.round);
        if self.judge(vertex, round, index, disposition)
            && let Some(entry) = self.jobs.get_mut(&job)
        {
            entry.own = true;
        }
        if last {
            self.end_job(job);
        }
        self.pump();
        true
    }

    /// An agent reports a recipient of a job that an earlier scheduler gave it. False if that recipient is not open.
    pub fn settled_by_id(
        &mut self,
        message: SpoolId,
        index: u32,
        disposition: Disposition,
        now: u64,
    ) -> bool {
        self.advance(now);
        let Some(&message) = self.ids.get(&message.into()) else { return false };
        let holds = |key: &Key<Vertex>| self.recipients.contains(self.vertices[*key].recipients, index);
        let Some(vertex) = self.vertices_of(message).into_iter().find(holds) else { return false };
        if self.vertices[vertex].step == Step::InFlight {
            let job = self.jobs.iter().find(|(_, job)| job.vertex == vertex).map(|(&job, _)| job);
            return job.is_some_and(|job| self.settled(job, index, disposition, now));
        }
        self.settle_waiting(vertex, index, disposition);
        self.pump();
        true
    }

    /// Settles a recipient of a vertex that is not in flight: the attempt was made before the restart.
    fn settle_waiting(&mut self, key: Key<Vertex>, index: u32, disposition: Disposition) {
        let Vertex { thread, message, step, attempts, .. } = self.vertices[key];
        self.lift(key);
        self.place_held(key);
        if attempts == 0 {
            self.messages[message].busy -= 1;
        }
        if attempts == 0 || step != Step::Own {
            self.vertices[key].attempts = attempts.saturating_add(1);
        }
        let round = self.threads[thread].round;
        let own = self.judge(key, round, index, disposition);
        self.lift(key);
        self.settle_down(key, own || step == Step::Own);
    }

    /// Applies one disposition. True if the vertex is to wait on its own.
    fn judge(&mut self, key: Key<Vertex>, round: u32, index: u32, mut disposition: Disposition) -> bool {
        let thread = self.vertices[key].thread;
        let dead = disposition.outcome == Outcome::HostDeferred;
        let final_word = matches!(disposition.outcome, Outcome::Delivered | Outcome::Failed);
        if dead {
            self.host_failed(thread, round, &disposition);
        } else {
            self.host_alive(thread);
        }
        if !final_word {
            self.remember(key, &disposition);
            if self.is_late(self.vertices[key].message) {
                disposition = lapsed(&disposition);
            } else if self.too_old(key) {
                disposition = self.expired(thread, &disposition);
            }
        }
        if matches!(disposition.outcome, Outcome::Delivered | Outcome::Failed) {
            self.conclude(key, index, disposition);
            return false;
        }
        let shut = self.threads[thread].tap != Tap::Open;
        let next = if dead && shut { self.threads[thread].retry_at.max(self.now) } else { self.own_due(key) };
        self.journal(key, index, disposition, Some(next));
        !(dead && shut)
    }

    /// Remembers what was said about a vertex.
    fn remember(&mut self, key: Key<Vertex>, disposition: &Disposition) {
        let reason = self.reasons.remember(disposition);
        if let Some(old) = self.vertices[key].reason.replace(reason) {
            self.reasons.release(old);
        }
    }

    /// Gives a vertex a time of its own, by its own attempts; not later than it expires, so that it is tried then.
    fn own_due(&mut self, key: Key<Vertex>) -> u64 {
        let vertex = &self.vertices[key];
        let salt = self.message_salt(vertex.message);
        let due = self.now + self.schedule(vertex.thread).wait(vertex.attempts, salt);
        let expires = self.expires(key);
        let due = if expires > self.now { due.min(expires) } else { due };
        self.vertices[key].due = due;
        due
    }

    /// When a vertex that fails once more has failed for good, UTC milliseconds.
    pub(super) fn expires(&self, key: Key<Vertex>) -> u64 {
        let vertex = &self.vertices[key];
        let group = self.threads[vertex.thread].group;
        self.since(vertex.message).saturating_add(self.channels.groups[group].policy.expire)
    }

    fn too_old(&self, key: Key<Vertex>) -> bool {
        self.now >= self.expires(key)
    }

    /// The failure that a deferral becomes when time is up (RFC 3463 section 3.5: X.4.7, delivery time expired).
    fn expired(&self, thread: Key<Thread>, last: &Disposition) -> Disposition {
        let group = self.threads[thread].group;
        let span = in_words(self.channels.groups[group].policy.expire);
        let mut reply = format!("not delivered within {span}; last answer: {}", last.reply);
        reply.truncate(reply.floor_char_boundary(1_000));
        let expired = Disposition::local(Outcome::Failed, Status::permanent(4, 7), reply);
        Disposition { remote: last.remote.clone(), ..expired }
    }

    /// The final word on one recipient.
    fn conclude(&mut self, key: Key<Vertex>, index: u32, disposition: Disposition) {
        let Vertex { message, recipients, .. } = self.vertices[key];
        self.vertices[key].recipients = self.recipients.without(recipients, index);
        self.messages[message].open -= 1;
        self.counters.waiting -= 1;
        self.journal(key, index, disposition.clone(), None);
        let failed = disposition.outcome == Outcome::Failed;
        if failed {
            self.counters.failed += 1;
        } else {
            self.counters.delivered += 1;
        }
        let told =
            self.messages[message].notify && (failed || self.tells_success(message, disposition.reach));
        if told {
            let names = self.names_of(self.vertices[key].thread);
            self.collect(message, names, index, disposition);
        } else {
            let (message, place) = self.name_of(message);
            let record = Record::Done { message, place, recipients: vec![index] };
            self.actions.push_back(Action::Record(record));
        }
    }

    /// Somebody may want to hear that a recipient was reached so far. Whoever reports himself leaves nothing to tell, unless
    /// each hop is to report or the time gets lost (RFC 3461 section 5.2.2, RFC 2852 section 4.1).
    pub(super) fn tells_success(&self, message: Key<Message>, reach: Reach) -> bool {
        let special = self.specials.of(message);
        let by = special.deliver_by;
        match reach {
            Reach::Mailbox | Reach::Expanded => special.success,
            Reach::Onward => by.is_some_and(|by| by.trace),
            Reach::Untimed => by.is_some_and(|by| by.trace || by.mode == ByMode::Notify),
            Reach::Blind => special.success || by.is_some_and(|by| by.trace || by.mode == ByMode::Notify),
        }
    }

    fn journal(&mut self, key: Key<Vertex>, recipient: u32, disposition: Disposition, next: Option<u64>) {
        let Vertex { message, thread, attempts, .. } = self.vertices[key];
        let delay = self.now.saturating_sub(self.messages[message].received);
        let (message, place) = self.name_of(message);
        let (channel, host) = self.names_of(thread);
        let attempt =
            Attempt { message, place, recipient, channel, host, attempts, disposition, delay, next };
        self.actions.push_back(Action::Attempted(attempt));
    }

    /// The host does not take anything: ends the round, once, and arms the clock.
    fn host_failed(&mut self, key: Key<Thread>, round: u32, disposition: &Disposition) {
        let thread = &self.threads[key];
        if thread.round != round || !matches!(thread.tap, Tap::Open | Tap::Probing) {
            return;
        }
        let attempts = thread.attempts.saturating_add(1);
        let salt = retry::salt(self.hosts.value(thread.host)) ^ self.policy.seed;
        let retry_at = self.now + self.schedule(key).wait(attempts, salt);
        let reason = self.reasons.remember(disposition);
        let thread = &mut self.threads[key];
        if thread.attempts == 0 {
            self.scribe.shut(key);
        }
        thread.attempts = attempts;
        thread.round = thread.round.wrapping_add(1);
        thread.retry_at = retry_at;
        thread.tap = Tap::Shut;
        if let Some(old) = thread.reason.replace(reason) {
            self.reasons.release(old);
        }
        self.agenda.add(retry_at, Item::Thread(key));
        self.record_clock(key, Some(disposition.clone()));
        self.scribe.aged(key);
        self.write_on();
    }

    /// Fails up to `limit` of those that are too old, after a round that failed for all; gives how many it were. Each
    /// priority in the ready list is nearly in order of age, except that probes which failed often stand at its end.
    pub(super) fn expire_ready(&mut self, key: Key<Thread>, limit: usize) -> usize {
        let Some(last) = self.threads[key].reason else { return 0 };
        let last = self.reasons.value(last).disposition(Outcome::HostDeferred);
        let mut failed = 0;
        while failed < limit {
            // The last one takes its thread along.
            let Some(thread) = self.threads.find(key) else { break };
            let old = thread.ranks.ends(&thread.ready).find(|&vertex| self.too_old(vertex));
            let Some(vertex) = old else { break };
            let expired = self.expired(key, &last);
            self.fail_vertex(vertex, &expired);
            failed += 1;
        }
        failed
    }

    /// Fails all of a vertex that is not in flight.
    pub(super) fn fail_vertex(&mut self, vertex: Key<Vertex>, disposition: &Disposition) {
        self.lift(vertex);
        let Vertex { message, attempts, recipients, .. } = self.vertices[vertex];
        for index in self.recipients.list(recipients) {
            self.conclude(vertex, index, disposition.clone());
        }
        self.messages[message].busy -= u32::from(attempts == 0);
        self.drop_vertex(vertex);
        self.notify_if_quiet(message);
        self.finish_if_done(message);
    }

    /// Something other than silence came from the host: opens the tap.
    fn host_alive(&mut self, key: Key<Thread>) {
        let thread = &mut self.threads[key];
        if thread.tap == Tap::Open {
            return;
        }
        if thread.tap == Tap::Shut {
            self.agenda.remove(thread.retry_at, Item::Thread(key));
        }
        thread.tap = Tap::Open;
        thread.attempts = 0;
        thread.retry_at = 0;
        if let Some(reason) = thread.reason.take() {
            self.reasons.release(reason);
        }
        self.record_clock(key, None);
        self.offer(key);
    }

    fn record_clock(&mut self, key: Key<Thread>, last: Option<Disposition>) {
        let (channel, host) = self.names_of(key);
        let Thread { attempts, retry_at, .. } = self.threads[key];
        let clock = ThreadClock { channel, host, attempts, retry_at, last };
        self.actions.push_back(Action::Record(Record::Thread(clock)));
    }

    /// Ends a job all of whose recipients are settled.
    fn end_job(&mut self, job: JobId) {
        let Some(job) = self.land(job) else { return };
        self.vertices[job.vertex].kills = 0;
        self.messages[self.vertices[job.vertex].message].busy -= 1;
        self.settle_down(job.vertex, job.own);
    }

    /// Finds a vertex that was just tried, and is in no list, its place: gone, held, on its own, or with its thread.
    fn settle_down(&mut self, key: Key<Vertex>, own: bool) {
        let Vertex { message, thread, attempts, recipients, .. } = self.vertices[key];
        if self.recipients.count(recipients) == 0 {
            self.drop_vertex(key);
        } else if self.messages[message].removed {
            self.discard(key);
        } else {
            if self.messages[message].hold.is_some() {
                self.place_held(key);
            } else if own {
                self.place_own(key);
            } else {
                let end = if attempts < PROBES { End::Front } else { End::Back };
                self.place_ready(key, end);
            }
            self.record_waiting(key, own);
        }
        self.notify_if_quiet(message);
        self.finish_if_done(message);
        if self.threads.find(thread).is_some() {
            self.offer(thread);
        }
    }

    /// Says that a vertex waits.
    pub(super) fn record_waiting(&mut self, key: Key<Vertex>, own: bool) {
        let Vertex { message, thread, recipients, attempts, due, .. } = self.vertices[key];
        self.messages[message].written = true;
        let (message, place) = self.name_of(message);
        let (channel, host) = self.names_of(thread);
        let recipients = self.recipients.list(recipients);
        let due = own.then_some(due);
        let record = Record::Waiting { message, place, channel, host, recipients, attempts, due };
        self.actions.push_back(Action::Record(record));
    }
}

/// The failure of a message that has not arrived by the time that its sender set (RFC 2852 section 4.1, mode R).
pub(super) fn lapsed(last: &Disposition) -> Disposition {
    let mut reply = format!("not delivered within the time that the sender set; last answer: {}", last.reply);
    reply.truncate(reply.floor_char_boundary(1_000));
    let lapsed = Disposition::local(Outcome::Failed, Status::permanent(4, 7), reply);
    Disposition { remote: last.remote.clone(), ..lapsed }
}

/// So often a vertex is the probe for a dead host before it gives way to the next one: should the host choke on this
/// message alone, the others still get through.
pub(super) const PROBES: u16 = 3;

/// A span of milliseconds in the largest unit that holds it whole: `5 days`, `90 minutes`.
fn in_words(span: u64) -> String {
    let units = [("day", 86_400_000), ("hour", 3_600_000), ("minute", 60_000)];
    let whole = units.into_iter().find(|(_, length)| span >= *length && span.is_multiple_of(*length));
    let (name, length) = whole.unwrap_or(("second", 1000));
    let count = span / length;
    format!("{count} {name}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::in_words;

    #[test]
    fn spans_are_said_in_the_largest_unit_that_fits() {
        let said = [432_000_000, 86_400_000, 129_600_000, 5_400_000, 2_000].map(in_words);
        assert_eq!(said, ["5 days", "1 day", "36 hours", "90 minutes", "2 seconds"]);
    }
}
