//! ETRN: the scheduler is asked, by way of the supervisor, to try now what waits for a host.
//!
//! Source: RFC 1985 section 5.3.

use super::conversation::Conversation;
use super::desk::Desk;
use ipc::supervisor::FromChild;
use proto::reply::{Cause, Reply};
use proto::status::Status;

impl Conversation {
    /// Has a queue started; [`Conversation::queue_started`] follows.
    pub(super) fn etrn(&mut self, desk: &mut Desk, argument: &str) {
        if argument.starts_with('#') {
            let reply = Reply::new(459, Status::transient(7, 1), "there are no queues with names here");
            return self.end_etrn(desk, reply.because(Cause::met("etrn", argument)));
        }
        if self.is_trial() {
            let reply = Reply::new(250, Status::OK, "trial: the queue would be started");
            return self.end_etrn(desk, reply);
        }
        let (host, below) = match argument.strip_prefix('@') {
            Some(host) => (host, true),
            None => (argument, false),
        };
        let host = host.to_ascii_lowercase();
        desk.starts.push(FromChild::StartQueue { session: self.number, host, below });
    }

    /// So many messages are tried now, or none can be.
    pub(super) fn queue_started(&mut self, desk: &mut Desk, messages: Option<u64>) {
        let reply = match messages {
            Some(0) => Reply::new(251, Status::OK, "no messages wait for that host"),
            Some(count) => Reply::new(253, Status::OK, format!("{count} pending messages are tried now")),
            None => {
                let reply =
                    Reply::new(458, Status::transient(3, 2), "cannot start the queue now; try again later");
                reply.because(Cause::of("etrn"))
            }
        };
        self.end_etrn(desk, reply);
    }

    fn end_etrn(&mut self, desk: &mut Desk, reply: Reply) {
        let reply = self.session.etrn_done(reply, desk.now.mono);
        self.answer_rare(desk, "ETRN", reply);
    }
}
