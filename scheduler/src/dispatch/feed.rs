//! A job, with its descriptor: the queue names a message and recipients, the spool knows the rest.

use super::agents::FileKey;
use crate::queue::{AgentId, Feed, Hold};
use crate::state::Scheduler;
use farm::journal::MessageEvent;
use ipc::agent::{ContentSum, Job, JobRecipient, ToAgent};
use proto::disposition::{Disposition, Outcome};
use proto::status::Status;
use proto::terms::{Notify, RecipientTerms};
use spool::{Entry, SpoolError};
use std::collections::{BTreeMap, HashMap};
use std::io;
use std::os::fd::OwnedFd;

/// Why a job cannot be handed out.
#[derive(Debug, thiserror::Error)]
enum FeedError {
    /// The record or the content is not what it should be.
    #[error(transparent)]
    Spool(#[from] SpoolError),
    /// No descriptor can be had.
    #[error("descriptor: {0}")]
    Descriptor(#[from] io::Error),
}

impl FeedError {
    /// Trying again does not help.
    fn is_final(&self) -> bool {
        matches!(self, Self::Spool(SpoolError::Damaged { .. } | SpoolError::Absent(_)))
    }
}

impl Scheduler {
    /// Hands out a job.
    pub(super) fn feed(&mut self, feed: &Feed) {
        if self.agents.get(feed.agent).is_none() {
            // It has gone in this very turn.
            self.queue.job_lost(feed.job, self.now.utc);
            return;
        }
        if let Err(error) = self.try_feed(feed) {
            self.unfed(feed, &error);
        }
    }

    fn try_feed(&mut self, feed: &Feed) -> Result<(), FeedError> {
        let entry = self.records.get(&mut self.spool, feed.place)?;
        let body = self.spool.body(&entry)?;
        let (recipients, twins) = self.distinct(&entry, &feed.recipients);
        if entry.is_large() {
            self.contents.handed_out(feed.place, entry.id);
        }
        let key =
            if entry.is_large() { FileKey::Large(entry.id) } else { FileKey::Segment(feed.place.segment) };
        let duplicate = || -> io::Result<OwnedFd> {
            let descriptor = body.descriptor().ok_or(io::ErrorKind::Unsupported)?;
            descriptor.try_clone_to_owned()
        };
        let file = self.agents.give(feed.agent, key, duplicate)?;
        self.agents.took(feed.agent, feed.job, (feed.recipients.len(), twins), key);
        let job = Job {
            job: feed.job.0,
            id: entry.id,
            received: entry.envelope.received,
            from: entry.envelope.from.clone(),
            host: (*feed.host).into(),
            shape: entry.envelope.shape,
            terms: entry.envelope.terms.clone(),
            file,
            record: body.record(),
            offset: body.offset(),
            length: body.length(),
            checksum: body.checksum().map(|sum| ContentSum { start: sum.start, sum: sum.sum }),
            recipients,
        };
        if let Some(agent) = self.agents.get_mut(feed.agent) {
            agent.say(&ToAgent::Job(job));
        }
        Ok(())
    }

    /// Those for whom a job is: of several that go to the same user only the first, after whom the others follow.
    fn distinct(&self, entry: &Entry, indexes: &[u32]) -> (Vec<JobRecipient>, BTreeMap<u32, Vec<u32>>) {
        let mut recipients: Vec<JobRecipient> = Vec::with_capacity(indexes.len());
        let mut firsts: HashMap<String, u32> = HashMap::new();
        let mut twins: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        for &index in indexes {
            let Some(recipient) = self.recipient(entry, index) else { continue };
            let user = recipient.route.map(|route| route.user).unwrap_or_default();
            if indexes.len() > 1 {
                let first = *firsts.entry(user.clone()).or_insert(index);
                if first != index {
                    twins.entry(first).or_default().push(index);
                    let first = recipients.iter_mut().find(|other| other.index == first);
                    first.into_iter().for_each(|first| join(&mut first.terms, &recipient.terms));
                    continue;
                }
            }
            recipients.push(JobRecipient { index, address: recipient.address, user, terms: recipient.terms });
        }
        (recipients, twins)
    }

    /// What cannot be read is held for the operator; what could be read another time is deferred.
    fn unfed(&mut self, feed: &Feed, error: &FeedError) {
        let utc = self.now.utc;
        log::error!("message {} cannot be handed out: {error}", feed.message);
        if error.is_final() {
            self.hold_unreadable(feed, &error.to_string());
            self.queue.job_lost(feed.job, utc);
            return self.unfed_agent(feed.agent);
        }
        for &index in &feed.recipients {
            let text = format!("the spool cannot be read: {error}");
            let disposition = Disposition::local(Outcome::Deferred, Status::transient(3, 0), text);
            self.queue.settled(feed.job, index, disposition, utc);
        }
        self.unfed_agent(feed.agent);
    }

    fn hold_unreadable(&mut self, feed: &Feed, why: &str) {
        if self.queue.hold_for(feed.message, Hold::Spool, self.now.utc).messages > 0 {
            self.note(feed.message, MessageEvent::Held { by: "spool", why });
        }
    }

    /// The agent has not seen the job that it gave a credit for.
    fn unfed_agent(&mut self, id: AgentId) {
        if let Some(agent) = self.agents.get(id) {
            self.queue.hungry(id, &agent.channel, 1, &[], self.now.utc);
        }
    }
}

/// Who goes where another one goes is asked for with it: what either wants to hear is wanted.
fn join(first: &mut RecipientTerms, other: &RecipientTerms) {
    if first.notify != other.notify {
        let (a, b) = (first.wishes(), other.wishes());
        let (success, failure, delay) = (a.success || b.success, a.failure || b.failure, a.delay || b.delay);
        first.notify = Some(Notify { success, failure, delay });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_who_are_one_hear_what_either_wants() {
        let terms = |notify| RecipientTerms { notify, orcpt: None };
        let success = Notify { success: true, ..Notify::NEVER };
        for (a, b, both) in [
            (None, None, None),
            (None, Some(success), Some(Notify { success: true, ..Notify::USUAL })),
            (Some(Notify::NEVER), Some(success), Some(success)),
        ] {
            let mut first = terms(a);
            join(&mut first, &terms(b));
            assert_eq!(first.notify, both);
        }
    }
}
