//! What a reply means for a recipient.

use super::context::Context;
use super::{Dialect, Stage};
use crate::disposition::{Disposition, Outcome, Reach};
use crate::reply::Reply;
use crate::status::Status;

/// The disposition by the class of the reply; `None` for a reply that says neither yes nor no (1xx, 3xx).
pub(super) fn of(reply: &Reply, stage: Stage, context: &Context) -> Option<Disposition> {
    let outcome = match reply.code / 100 {
        2 => Outcome::Delivered,
        4 => Outcome::Deferred,
        5 => Outcome::Failed,
        _ => return None,
    };
    let status = status(reply, stage);
    let reply = one_line(&reply.to_string());
    let remote = context.settings.peer.clone();
    Some(Disposition { remote, reach: reach(context), ..Disposition::local(outcome, status, reply) })
}

/// Who reports success: a server with DSN, or the one behind LMTP, which delivers (RFC 2033 section 1).
fn reach(context: &Context) -> Reach {
    match context.settings.dialect {
        Dialect::Smtp if context.features.dsn && context.features.deliver_by.is_some() => Reach::Onward,
        Dialect::Smtp if context.features.dsn => Reach::Untimed,
        Dialect::Smtp => Reach::Blind,
        Dialect::Lmtp => Reach::Mailbox,
    }
}

/// A deferral in the words of the reply, whatever its class.
pub(super) fn deferred(reply: &Reply, peer: &str) -> Disposition {
    let status = reply.status.unwrap_or(Status::transient(0, 0)).with_class(4);
    let reply = one_line(&reply.to_string());
    Disposition { remote: peer.to_owned(), ..Disposition::local(Outcome::Deferred, status, reply) }
}

/// The server has taken as many recipients as it takes in one transaction: the others go into the next.
///
/// Source: RFC 5321 section 4.5.3.1.10, by which 552 stands for 452 here.
pub(super) fn too_many(reply: &Reply, peer: &str) -> Disposition {
    Disposition { status: Status::transient(5, 3), ..deferred(reply, peer) }
}

/// One printable line of at most 1,000 octets.
pub(super) fn one_line(text: &str) -> String {
    let words = text.split_whitespace();
    let mut line = String::new();
    for word in words {
        if !line.is_empty() {
            line.push(' ');
        }
        line.extend(word.chars().map(|c| if c.is_control() { '?' } else { c }));
    }
    let end = (0..=LONGEST_LINE.min(line.len())).rev().find(|&at| line.is_char_boundary(at));
    line.truncate(end.unwrap_or(0));
    line
}

/// The enhanced status code of the server if its class agrees with the reply, else the general one of the class.
fn status(reply: &Reply, stage: Stage) -> Status {
    let class = u8::try_from(reply.code / 100).unwrap_or(4);
    let general = match (reply.code, stage) {
        (452, Stage::Rcpt) => Status::transient(5, 3),
        _ => Status::OK.with_class(class),
    };
    reply.status.filter(|status| status.class() == class).unwrap_or(general)
}

const LONGEST_LINE: usize = 1000;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::{Protection, Settings, Timeouts};

    fn context() -> Context {
        let settings = Settings {
            dialect: Dialect::Smtp,
            our_name: "us".into(),
            peer: "mx".into(),
            timeouts: Timeouts::default(),
            protection: Protection::Never,
        };
        Context::new(settings, 0)
    }

    fn reply(code: u16, status: Option<Status>, text: &str) -> Reply {
        Reply { code, status, lines: text.split('\n').map(str::to_owned).collect(), cause: None }
    }

    #[test]
    fn the_class_decides() {
        let outcome = |code| {
            of(&reply(code, None, "x"), Stage::Rcpt, &context()).map(|d| (d.outcome, d.status.class()))
        };
        assert_eq!(outcome(250), Some((Outcome::Delivered, 2)));
        assert_eq!(outcome(450), Some((Outcome::Deferred, 4)));
        assert_eq!(outcome(550), Some((Outcome::Failed, 5)));
        assert_eq!(outcome(354), None);
    }

    #[test]
    fn a_server_with_dsn_reports_itself() {
        let mut context = context();
        let reach =
            |context: &Context| of(&reply(250, None, "x"), Stage::EndOfData, context).map(|d| d.reach);
        assert_eq!(reach(&context), Some(Reach::Blind));
        context.features.dsn = true;
        assert_eq!(reach(&context), Some(Reach::Untimed));
        context.features.deliver_by = Some(0);
        assert_eq!(reach(&context), Some(Reach::Onward));
        context.settings.dialect = Dialect::Lmtp;
        assert_eq!(reach(&context), Some(Reach::Mailbox));
    }

    #[test]
    fn a_status_that_contradicts_its_reply_is_not_believed() {
        let odd = of(&reply(550, Some(Status::transient(7, 1)), "no"), Stage::Mail, &context()).unwrap();
        assert_eq!(odd.status, Status::permanent(0, 0));
    }

    #[test]
    fn lines_are_joined_and_cleaned() {
        let long = reply(550, Some(Status::permanent(1, 1)), &format!("no\u{7}\nsuch {}", "é".repeat(900)));
        let said = of(&long, Stage::Rcpt, &context()).unwrap().reply;
        assert!(said.starts_with("550 5.1.1 no? / such é"), "{said}");
        assert!((999..=1000).contains(&said.len()));
    }
}
