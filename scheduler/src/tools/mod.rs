//! What `grange queue` and `grange status` are told.
//!
//! | file | does |
//! |---|---|
//! | `select.rs` | which messages a filter or a selection is about |
//! | `listing.rs` | `queue list`, some hundred messages per turn of the loop |
//! | `show.rs` | `queue show`, `queue cat` |
//! | `orders.rs` | `queue retry`, `hold`, `release`, `remove` |
//! | `status.rs` | the scheduler's and its channels' lines |

mod listing;
mod orders;
mod select;
mod show;
mod status;

pub(crate) use listing::Listing;
pub(crate) use status::channel_line;

use crate::state::Scheduler;
use farm::exit::Fatal;
use ipc::control::{End, Request};
use serde_json::to_string;

/// The answer to a request.
#[derive(Debug)]
pub(crate) enum Answer {
    /// All of it, the [`End`] included where there is one.
    Lines(Vec<String>),
    /// It comes in parts.
    Listing(Listing),
}

impl Scheduler {
    /// Answers what an administrator, `by` name, asks; `None` for what is not the scheduler's business.
    pub(crate) fn answer(&mut self, request: Request, by: &str) -> Option<Answer> {
        let lines = match request {
            Request::QueueList { host, sender, recipient, limit } => {
                return Some(Answer::Listing(Listing::new(host, sender, recipient, limit)));
            }
            Request::QueueShow { id } => self.show(&id),
            Request::QueueCat { id } => self.cat(&id),
            Request::QueueRetry(selection) => vec![end(&self.retry(&selection))],
            Request::QueueHold(selection) => vec![end(&self.hold(&selection, by))],
            Request::QueueRelease(selection) => vec![end(&self.release(&selection, by))],
            Request::QueueRemove(selection) => vec![end(&self.remove_messages(&selection, by))],
            Request::Status
            | Request::Stop
            | Request::Reload
            | Request::Route { .. }
            | Request::Fault { .. }
            | Request::Profile { .. } => return None,
        };
        Some(Answer::Lines(lines))
    }
}

/// The last line of an answer.
fn end(end: &End) -> String {
    to_string(end).unwrap_or_default()
}

/// The end of an answer that failed.
fn refusal(fault: &Fatal) -> Vec<String> {
    vec![end(&End::refused(fault.exit.code(), &fault.why))]
}
