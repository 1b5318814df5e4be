//! What the operator orders: each order says how much it changed.

use super::select::{is_hop, is_under};
use crate::log::word_of;
use crate::queue::Hold;
use crate::state::Scheduler;
use farm::exit::Fatal;
use farm::journal::MessageEvent;
use ipc::control::{End, Selection};
use proto::id::SpoolId;
use spool::log::LogRecord;

impl Scheduler {
    /// Makes messages ready now.
    pub(super) fn retry(&mut self, selection: &Selection) -> End {
        let utc = self.now.utc;
        if let Selection::Ids(_) = selection {
            return self.each(selection, |scheduler, id| {
                let routing = scheduler.unrouted.hasten(|message| message.id == id);
                routing + scheduler.queue.retry_message(id, utc).messages
            });
        }
        let changed = match selection {
            Selection::Host(host) | Selection::Hop(host) => {
                let wanted = if matches!(selection, Selection::Hop(_)) { is_hop } else { is_under };
                let hosts = self.queue.hosts(|hop| wanted(hop, host));
                hosts.iter().map(|hop| self.queue.retry_host(hop, utc).messages).sum()
            }
            _ => self.unrouted.hasten(|_| true) + self.queue.retry_all(utc).messages,
        };
        done(changed, &[])
    }

    /// Keeps messages until they are released.
    pub(super) fn hold(&mut self, selection: &Selection, by: &str) -> End {
        self.each(selection, |scheduler, id| {
            let changed = match scheduler.unrouted.find(id) {
                Some(place) => {
                    let changed = scheduler.unrouted.set_held(place, Some("by the operator".into()));
                    if changed {
                        scheduler.log(&LogRecord::Held { place, why: word_of(Hold::Operator).to_owned() });
                    }
                    usize::from(changed)
                }
                None => scheduler.queue.hold(id, scheduler.now.utc).messages,
            };
            if changed > 0 {
                scheduler.note(id, MessageEvent::Held { by, why: "" });
            }
            changed
        })
    }

    /// Lets held messages go.
    pub(super) fn release(&mut self, selection: &Selection, by: &str) -> End {
        self.each(selection, |scheduler, id| {
            let changed = match scheduler.unrouted.find(id) {
                Some(place) => {
                    let changed = scheduler.unrouted.set_held(place, None);
                    if changed {
                        scheduler.log(&LogRecord::Released { place });
                    }
                    scheduler.unrouted.hasten(|message| message.id == id);
                    scheduler.expand_if_complete(place);
                    usize::from(changed)
                }
                None => scheduler.queue.release(id, scheduler.now.utc).messages,
            };
            if changed > 0 {
                scheduler.note(id, MessageEvent::Released { by });
            }
            changed
        })
    }

    /// Discards messages.
    pub(super) fn remove_messages(&mut self, selection: &Selection, by: &str) -> End {
        self.each(selection, |scheduler, id| {
            let rcpts = match scheduler.unrouted.find(id) {
                Some(place) => {
                    let entry = scheduler.records.get(&mut scheduler.spool, place);
                    let rcpts = entry.map_or(0, |entry| entry.envelope.recipients.len());
                    for part in scheduler.unrouted.remove(place) {
                        scheduler.book.finished(part);
                    }
                    scheduler.book.finished(place);
                    Some(rcpts)
                }
                None => {
                    let changed = scheduler.queue.remove(id, scheduler.now.utc);
                    (changed.messages > 0).then_some(changed.recipients)
                }
            };
            if let Some(rcpts) = rcpts {
                let rcpts = u64::try_from(rcpts).unwrap_or(u64::MAX);
                scheduler.note(id, MessageEvent::Removed { by, rcpts });
            }
            usize::from(rcpts.is_some())
        })
    }

    fn each(&mut self, selection: &Selection, mut order: impl FnMut(&mut Self, SpoolId) -> usize) -> End {
        let (ids, faults) = self.select(selection);
        let changed = ids.into_iter().map(|id| order(self, id)).sum();
        done(changed, &faults)
    }
}

fn done(changed: usize, faults: &[Fatal]) -> End {
    End {
        ok: faults.is_empty(),
        messages: faults.iter().map(ToString::to_string).collect(),
        code: faults.first().map_or(0, |fault| fault.exit.code()),
        ..End::done(u64::try_from(changed).unwrap_or(u64::MAX))
    }
}
