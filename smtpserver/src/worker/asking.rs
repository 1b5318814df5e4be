//! A session's questions about recipients: the cache first, then the router.

use super::conversation::Conversation;
use super::desk::Desk;
use super::route_cache::Key;
use super::router_link::Told;
use ipc::routing::{self, Generation};
use proto::address::ForwardPath;
use proto::reply::Reply;
use proto::server::{Question, Verdict};

/// The subject of a status that is about security or policy (RFC 3463 section 3.8).
const POLICY: u16 = 7;

impl Conversation {
    /// Finds out about a recipient; what is not in the cache is asked of the router.
    pub(super) fn ask(&mut self, desk: &mut Desk, question: Question) {
        let address = match &question.to {
            ForwardPath::Postmaster => None,
            ForwardPath::Mailbox(mailbox) => Some(mailbox.clone()),
        };
        let key: Key = (address, self.client.may_relay);
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
        };
        self.question = Some(question);
        desk.router.ask(self.seat, self.number, asked);
    }

    /// The router has answered.
    pub(super) fn told(&mut self, desk: &mut Desk, told: Told) {
        let Told { question, answer, .. } = told;
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
        let Some(reply) = self.session.answer(question.number, verdict_of(verdict), desk.now.mono) else {
            return;
        };
        self.say(&reply);
        if self.recipients() > before {
            // RSET and its like leave the generations of another transaction behind.
            self.generations.truncate(before);
            self.generations.push(generation);
        } else {
            self.refused_recipient(desk, question, &reply);
        }
    }

    fn recipients(&self) -> usize {
        self.session.transaction().map_or(0, |transaction| transaction.recipients.len())
    }
}

/// The router's word in the words of a session.
fn verdict_of(verdict: routing::Verdict) -> Verdict {
    match verdict {
        routing::Verdict::Route(route) => Verdict::Accepted { route: Some(route) },
        routing::Verdict::Expand => Verdict::Accepted { route: None },
        routing::Verdict::Refuse { status, text } => {
            let policy = status.with_class(5).to_string().starts_with(&format!("5.{POLICY}."));
            Verdict::Refused(Reply::new(if policy { 554 } else { 550 }, status.with_class(5), text))
        }
        routing::Verdict::Defer { status, text } => {
            Verdict::Deferred(Reply::new(451, status.with_class(4), text))
        }
    }
}
