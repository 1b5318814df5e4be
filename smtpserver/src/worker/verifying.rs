//! VRFY and EXPN: the router is asked as for a recipient, by a client that may not relay, and its word is put as an answer.
//!
//! Source: RFC 5321 sections 3.5 and 4.1.1.6.

use super::conversation::Conversation;
use super::desk::Desk;
use ipc::routing::{self, Answer};
use proto::address::Mailbox;
use proto::reply::{Cause, Reply};
use proto::status::Status;

/// A question that waits for the router.
#[derive(Debug)]
pub(super) struct Verifying {
    /// The session's number for it.
    number: u32,
    address: Mailbox,
    /// The members are wanted.
    expand: bool,
}

impl Conversation {
    /// Finds out about a mailbox or the members of a list; [`Conversation::told_members`] follows.
    pub(super) fn verify(&mut self, desk: &mut Desk, number: u32, argument: &str, expand: bool) {
        let Some(address) = mailbox(argument, &desk.house.hostname) else {
            let reply = Reply::new(501, Status::permanent(1, 3), "that is not the form of an address");
            let reply = self.session.verified(number, Err(reply.because(Cause::of("syntax"))), desk.now.mono);
            return self.answer_rare(desk, if expand { "EXPN" } else { "VRFY" }, reply);
        };
        let asked = routing::Question::Recipient {
            session: self.number,
            ticket: u64::from(number),
            address: Some(address.clone()),
            may_relay: false,
            client: self.client.text.clone(),
            members: expand,
        };
        self.verifying = Some(Verifying { number, address, expand });
        desk.router.ask(self.seat, self.number, asked);
    }

    /// The router has answered.
    pub(super) fn told_members(&mut self, desk: &mut Desk, verifying: Verifying, answer: Answer) {
        let Verifying { number, address, expand } = verifying;
        let result = found(&address, expand, answer);
        let reply = self.session.verified(number, result, desk.now.mono);
        self.answer_rare(desk, if expand { "EXPN" } else { "VRFY" }, reply);
    }
}

/// A mailbox as a person writes it: with angle brackets or not, with a domain or not.
fn mailbox(argument: &str, hostname: &str) -> Option<Mailbox> {
    let text = argument.strip_prefix('<').and_then(|rest| rest.strip_suffix('>')).unwrap_or(argument);
    if text.contains('@') { text.parse().ok() } else { format!("{text}@{hostname}").parse().ok() }
}

/// What there is to tell: a line for each mailbox, or the reply instead.
fn found(address: &Mailbox, expand: bool, answer: Answer) -> Result<Vec<String>, Reply> {
    let policy = |status: Status| status.with_class(5).to_string().starts_with("5.7.");
    match answer.verdict {
        routing::Verdict::Route(_) | routing::Verdict::Expand if expand => {
            Ok(answer.members.iter().map(|member| format!("<{member}>")).collect())
        }
        // Nothing is verified of a mailbox that another host has, under the same name (RFC 5321 section 3.5.3).
        routing::Verdict::Route(route) if route.channel != "mailbox" && route.user == address.to_string() => {
            Err(elsewhere())
        }
        routing::Verdict::Route(_) => Ok(vec![format!("<{address}>")]),
        routing::Verdict::Expand => Ok(vec![format!("<{address}> stands for others")]),
        // Of another host's mailboxes we know nothing.
        routing::Verdict::Refuse { status, .. } if policy(status) => Err(elsewhere()),
        routing::Verdict::Refuse { status, text, by } => {
            let cause = Cause::met(by, format!("<{address}>"));
            Err(Reply::new(550, status.with_class(5), text).because(cause))
        }
        routing::Verdict::Defer { status, text } => {
            let cause = Cause::met("router", format!("<{address}>"));
            Err(Reply::new(451, status.with_class(4), text).because(cause))
        }
    }
}

fn elsewhere() -> Reply {
    Reply::new(252, Status::success(1, 5), "not one of this host; send RCPT to find out")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proto::envelope::Route;

    #[test]
    fn a_person_may_write_a_mailbox_as_he_likes() {
        for text in ["ann", "<ann>", "ann@mail.example.org", "<ann@mail.example.org>"] {
            assert_eq!(mailbox(text, "mail.example.org").unwrap().to_string(), "ann@mail.example.org");
        }
        assert_eq!(mailbox("Ann Smith", "mail.example.org"), None);
    }

    fn answer(verdict: routing::Verdict, members: &[&str]) -> Answer {
        let members = members.iter().map(|member| (*member).to_owned()).collect();
        Answer { session: 1, ticket: 1, generation: 1, verdict, whole_domain: false, members }
    }

    #[test]
    fn each_word_of_the_router_has_its_answer() {
        let ann: Mailbox = "ann@example.org".parse().unwrap();
        let refuse = |subject, detail| routing::Verdict::Refuse {
            status: Status::permanent(subject, detail),
            text: "no".into(),
            by: "users".into(),
        };
        let code = |verdict| found(&ann, false, answer(verdict, &[])).unwrap_err().code;
        assert_eq!(code(refuse(1, 1)), 550);
        assert_eq!(code(refuse(7, 1)), 252);
        let route = |channel: &str, user: &str| {
            let (channel, host, user) = (channel.to_owned(), String::new(), user.to_owned());
            found(&ann, false, answer(routing::Verdict::Route(Route { channel, host, user }), &[]))
        };
        assert_eq!(route("mailbox", "ann").unwrap(), ["<ann@example.org>"]);
        assert_eq!(route("smtp", "bob@example.net").unwrap(), ["<ann@example.org>"], "there is an alias");
        assert_eq!(route("smtp", "ann@example.org").unwrap_err().code, 252, "only the next host knows");
        let list = answer(routing::Verdict::Expand, &["a@x.example", "b@y.example"]);
        assert_eq!(found(&ann, true, list).unwrap(), ["<a@x.example>", "<b@y.example>"]);
        assert_eq!(found(&ann, false, answer(routing::Verdict::Expand, &[])).unwrap().len(), 1);
    }
}
