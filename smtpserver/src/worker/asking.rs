//! A session's questions about recipients: the cache first, then the router.

use super::conversation::Conversation;
use super::desk::Desk;
use super::route_cache::Key;
use super::router_link::Told;
use ipc::routing::{self, Generation};
use proto::address::ForwardPath;
use proto::reply::{Cause, Reply};
use proto::server::{Question, Verdict};
use proto::status::Status;

/// The subject of a status that is about security or policy (RFC 3463 section 3.8).
const POLICY: u16 = 7;

impl Conversation {
    /// Finds out about a recipient; what is not in the cache is asked of the router.
    pub(super) fn ask(&mut self, desk: &mut Desk, question: Question) {
        if let Some(refusal) = self.judge_recipient(desk, &question.recipient) {
            return self.refuse_recipient(desk, &question, refusal);
        }
        let address = match &question.to {
            ForwardPath::Postmaster => None,
            ForwardPath::Mailbox(mailbox) => Some(mailbox.clone()),
        };
        let may_relay = self.client.may_relay || self.session.account().is_some();
        let key: Key = (address, may_relay);
        if let Some((generation, verdict)) = desk.cache.get(&key, desk.now.mono) {
            return self.answer(desk, &question, generation, verdict);
        }
        let (address, may_relay) = key;
        let asked = routing::Question::Recipient {
            session: self.number,
            ticket: u64::from(question.number),
            address,
            may_relay,
            client: self.client.text.clone(),
            members: false,
        };
        self.question = Some(question);
        desk.router.ask(self.seat, self.number, asked);
    }

    /// The router has answered.
    pub(super) fn told(&mut self, desk: &mut Desk, told: Told) {
        let Told { question, answer, .. } = told;
        if let Some(verifying) = self.verifying.take() {
            return self.told_members(desk, verifying, answer);
        }
        if let routing::Question::Recipient { address, may_relay, .. } = question {
            desk.cache.put((address, may_relay), &answer, &self.client.text, desk.now.mono);
        }
        if let Some(question) = self.question.take() {
            self.answer(desk, &question, answer.generation, answer.verdict);
        }
    }

    fn answer(
        &mut self,
        desk: &mut Desk,
        question: &Question,
        generation: Generation,
        verdict: routing::Verdict,
    ) {
        let before = self.recipients();
        if self.is_trial() {
            self.tell_route(&format!("<{}>", question.recipient), &verdict);
        }
        let verdict = verdict_of(verdict, question);
        let Some(reply) = self.session.answer(question.number, verdict, desk.now.mono) else {
            return;
        };
        self.say(&reply);
        if self.recipients() > before {
            self.recipient_taken();
            // RSET and its like leave the generations of another transaction behind.
            self.generations.truncate(before);
            self.generations.push(generation);
        } else {
            self.refused_recipient(desk, question, &reply);
        }
    }

    /// A rule of the policy refuses a recipient; nobody else is asked.
    pub(super) fn refuse_recipient(&mut self, desk: &mut Desk, question: &Question, refusal: Reply) {
        let deferred = refusal.class() == 4;
        let verdict = if deferred { Verdict::Deferred(refusal) } else { Verdict::Refused(refusal) };
        if let Some(reply) = self.session.answer(question.number, verdict, desk.now.mono) {
            self.say(&reply);
            self.refused_recipient(desk, question, &reply);
        }
    }

    fn recipients(&self) -> usize {
        self.session.transaction().map_or(0, |transaction| transaction.recipients.len())
    }
}

/// The router's word in the words of a session.
fn verdict_of(verdict: routing::Verdict, question: &Question) -> Verdict {
    match verdict {
        routing::Verdict::Route(route) => Verdict::Accepted { route: Some(route) },
        routing::Verdict::Expand => Verdict::Accepted { route: None },
        routing::Verdict::Refuse { status, text, by } => {
            let policy = status.with_class(5).to_string().starts_with(&format!("5.{POLICY}."));
            let reply = Reply::new(if policy { 554 } else { 550 }, status.with_class(5), text);
            Verdict::Refused(reply.because(cause_of(by, status, question)))
        }
        routing::Verdict::Defer { status, text } => {
            let cause = Cause::met("router", format!("<{}>", question.recipient));
            Verdict::Deferred(Reply::new(451, status.with_class(4), text).because(cause))
        }
    }
}

/// What the journal calls a refusal of the router's; `by` is the router's word.
fn cause_of(by: String, status: Status, question: &Question) -> Cause {
    let address = format!("<{}>", question.recipient);
    match by.as_str() {
        "relaying not allowed" => Cause::beyond("relay", question.recipient.domain(), "local-domains"),
        _ if status.with_class(5).to_string().starts_with("5.1.") => Cause::met("recipient", address),
        _ => Cause { rule: by.into(), value: address, limit: String::new() },
    }
}
