//! Carries out a session's actions, one at a time. What takes more than a few lines stands in a file of its own.

use super::conversation::{Conversation, Pause};
use super::desk::Desk;
use super::playing::would_be_accepted;
use super::reporting::{names_itself, verb_of};
use proto::reply::{Cause, Reply};
use proto::server::{Action, Step};
use proto::status::Status;

/// So many octets more than a whole message may come after it was doomed; then the session is closed.
const FLOOD: u64 = 16 << 20;

impl Conversation {
    /// Carries out one action, to which this line has led; gives a pause if it cannot go on at once.
    pub(super) fn act(&mut self, desk: &mut Desk, line: &[u8], step: Step<'_>) -> Option<Pause> {
        let limit = desk.house.config.limits().message_size;
        if let Some(receipt) = &mut self.receipt
            && receipt.waste(step.consumed) > FLOOD.saturating_add(limit)
        {
            let from = self.receipt.take().map(|receipt| receipt.from).unwrap_or_default();
            let reply = flooded(limit);
            self.say(&reply);
            self.refused(desk, "DATA", &from, "", &reply);
            return Some(Pause::Over("flood"));
        }
        match step.action {
            Action::NeedInput => return Some(Pause::Input),
            Action::Parked => return Some(Pause::Parked),
            Action::Close(why) => return Some(Pause::Over(why.word())),
            Action::StartTls => return Some(Pause::Secure),
            Action::Reply(reply) => self.answer_command(desk, line, &reply),
            Action::Ask(question) => self.ask_member(desk, question),
            Action::BeginBody => self.begin_body(desk),
            Action::Body(part) => self.take_body(desk, part),
            Action::AbortBody => self.receipt.iter_mut().for_each(|receipt| receipt.doom()),
            Action::EndOfBody { transaction, shape } => self.end_of_body(desk, transaction, shape),
            action => self.act_rarely(desk, action),
        }
        None
    }

    /// What few sessions ask for.
    fn act_rarely(&mut self, desk: &mut Desk, action: Action<'_>) {
        match action {
            Action::Authenticate { mechanism, initial } => self.authenticate(desk, mechanism, initial),
            Action::AuthResponse(response) => self.auth_response(desk, response),
            Action::AuthCancelled => self.auth_cancelled(desk),
            Action::Judge(phase) => self.judge_member(desk, phase),
            Action::Verify { number, argument, expand } => self.verify(desk, number, &argument, expand),
            Action::Etrn(domain) => self.etrn(desk, &domain),
            Action::Xclient(attributes) => self.xclient(desk, &attributes),
            Action::Xforward(attributes) => self.xforward(desk, &attributes),
            Action::Play(attributes) => self.play(desk, &attributes),
            _ => {}
        }
    }

    fn answer_command(&mut self, desk: &mut Desk, line: &[u8], reply: &Reply) {
        if line.is_empty() && reply.class() == 2 && self.is_trial() {
            // The further recipients of a message by LMTP, which nobody has taken.
            return self.say(&would_be_accepted());
        }
        self.say(reply);
        let refused = reply.class() >= 4;
        if let Some(receipt) = self.receipt.take_if(|receipt| receipt.is_doomed()) {
            if refused {
                self.refused(desk, "DATA", &receipt.from, "", reply);
            }
        } else if refused && let Some(verb) = verb_of(line).or_else(|| verb_without_line(reply)) {
            self.refused_line(desk, verb, line, reply);
        } else if names_itself(line) {
            self.note_name();
        }
    }

    /// Says what our own side has found out about a command that is not about a message.
    pub(super) fn answer_rare(&mut self, desk: &mut Desk, verb: &str, reply: Option<Reply>) {
        let Some(reply) = reply else { return };
        self.say(&reply);
        if reply.class() >= 4 {
            let from = self.sender();
            self.refused(desk, verb, &from, "", &reply);
        }
    }

    pub(super) fn say_if(&mut self, reply: Option<Reply>) {
        if let Some(reply) = reply {
            self.say(&reply);
        }
    }
}

/// What was refused by a reply that answers no line; other such replies end the session, and the event `closed` says why.
fn verb_without_line(reply: &Reply) -> Option<&'static str> {
    let cause = reply.cause.as_ref()?;
    cause.rule.starts_with("auth").then_some("AUTH")
}

/// What a client is told that goes on with a message long after it was too large. Only 421 may be sent unasked.
fn flooded(limit: u64) -> Reply {
    let cause = Cause::beyond("message-size", "more", limit);
    Reply::new(421, Status::transient(3, 4), "the message is far too large; closing").because(cause)
}
