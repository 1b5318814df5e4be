//! The channel `hold`: nothing is delivered; the message stays in the queue until the administrator decides.
//!
//! Each attempt ends in a deferral with status 4.7.1, so the message shows up in the queue with its reason. The scheduler
//! lets no message of this channel expire. Only the recipient is deferred, not the host, since whoever removes one message
//! does not mean the others.

use crate::agent::{Settings, Turn, Work, run as run_agent};
use crate::one_by_one::{Deliver, OneByOne};
use farm::config::Channel;
use farm::exit::Fatal;
use farm::skeleton::Child;
use ipc::agent::JobRecipient;
use proto::disposition::{Disposition, Outcome};
use proto::message::printable;
use proto::status::Status;

/// Runs the agent.
///
/// # Errors
/// As [`crate::agent::run`].
pub fn run(child: Child<Option<Channel>>) -> Result<(), Fatal> {
    run_agent(child, |settings, _| Ok(OneByOne::new(Hold, settings)))
}

/// Defers everything.
#[derive(Debug, Clone, Copy)]
pub struct Hold;

impl Deliver for Hold {
    fn deliver(&mut self, work: &Work, _: &JobRecipient, turn: &mut Turn<'_>) -> Disposition {
        turn.perhaps_die();
        held(&work.job.host, &work.job.id.to_string())
    }

    fn reload(&mut self, _: &Settings) {}
}

/// The deferral, with the words that the route gives as its reason.
fn held(reason: &str, id: &str) -> Disposition {
    let reason = printable(reason);
    let because = if reason.is_empty() { String::new() } else { format!(" ({reason})") };
    let words = format!("held by a route{because}; see grange queue show {id}");
    Disposition::local(Outcome::Deferred, Status::transient(7, 1), words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_of_the_route_is_told() {
        let id = "01J8X4K2M7Q3RD0042";
        let plain = held("", id);
        assert_eq!((plain.outcome, plain.status), (Outcome::Deferred, Status::transient(7, 1)));
        assert_eq!(plain.reply, "held by a route; see grange queue show 01J8X4K2M7Q3RD0042");
        assert!(held("under review\n", id).reply.starts_with("held by a route (under review"));
    }
}
