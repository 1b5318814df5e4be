//! The channel `error`: every recipient fails, with the status and the text of the route.
//!
//! `error!5.1.6 this user has moved` gives 5.1.6. A text without a code is 5.0.0; a code of class 4 defers.

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
    run_agent(child, |settings, _| Ok(OneByOne::new(Refuse, settings)))
}

/// Refuses everything.
#[derive(Debug, Clone, Copy)]
pub struct Refuse;

impl Deliver for Refuse {
    fn deliver(&mut self, work: &Work, recipient: &JobRecipient, turn: &mut Turn<'_>) -> Disposition {
        turn.perhaps_die();
        refusal(&work.job.host, &recipient.user)
    }

    fn reload(&mut self, _: &Settings) {}
}

/// What the route says: the code stands alone as host, or in front of the text, which is the user or else the host.
fn refusal(host: &str, user: &str) -> Disposition {
    let (status, text) = match (Status::split(user), Status::split(host)) {
        (Some((status, text)), _) => (status, text),
        (None, Some((status, ""))) => (status, user),
        (None, Some((status, text))) => (status, text),
        (None, None) => (Status::permanent(0, 0), if user.is_empty() { host } else { user }),
    };
    let text = printable(text.trim());
    let text = if text.is_empty() { "refused by a route".to_owned() } else { text.to_string() };
    match status.class() {
        4 => Disposition::local(Outcome::Deferred, status, text),
        _ => Disposition::local(Outcome::Failed, status.with_class(5), text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn says(host: &str, user: &str) -> (Outcome, String, String) {
        let said = refusal(host, user);
        (said.outcome, said.status.to_string(), said.reply)
    }

    fn failed(status: &str, text: &str) -> (Outcome, String, String) {
        (Outcome::Failed, status.into(), text.into())
    }

    #[test]
    fn the_code_and_the_text_are_found_where_they_stand() {
        assert_eq!(says("5.1.6", "has moved"), failed("5.1.6", "has moved"));
        assert_eq!(says("5.1.6 has moved", ""), failed("5.1.6", "has moved"));
        assert_eq!(says("x", "5.7.1 no mail here"), failed("5.7.1", "no mail here"));
        assert_eq!(says("no mail here", ""), failed("5.0.0", "no mail here"));
        assert_eq!(says("5.7.1", ""), failed("5.7.1", "refused by a route"));
    }

    #[test]
    fn a_transient_code_defers_and_success_is_not_to_be_had() {
        assert_eq!(says("4.7.1", "later"), (Outcome::Deferred, "4.7.1".into(), "later".into()));
        assert_eq!(says("2.0.0", "yes"), failed("5.0.0", "yes"));
    }
}
