//! One transaction behind another: its commands go out with the end of data of the one before, so that a message costs one
//! round trip instead of two.
//!
//! Source: RFC 2920 section 3.1: MAIL may stand anywhere in a group of commands, so also behind a final dot; DATA ends the
//! group, so no more than one transaction is ahead.

use super::context::Context;
use super::envelope::Envelope;
use super::state::State;
use super::{Dialect, Session, Transaction};

impl Session {
    /// Whether [`follow`](Self::follow) is welcome: the content of a transaction goes out or is out, its commands were
    /// taken in one burst, and nothing follows it yet. Nothing follows BDAT: should it fail, RSET has to come first (RFC
    /// 3030 section 2).
    pub fn takes_another(&self) -> bool {
        let ledger = match &self.state {
            State::Content(content) => content.ledger(),
            State::Confirming(confirming) => confirming.ledger(),
            _ => return false,
        };
        let Context { features, settings, next, .. } = &self.context;
        features.pipelining
            && settings.dialect == Dialect::Smtp
            && next.is_none()
            && !self.context.is_spent()
            && !features.chunks(&ledger.transaction().shape)
    }

    /// Puts a transaction behind the one under way. Gives the octets that are to be written right behind the end of data;
    /// [`Action::Followed`](super::Action::Followed) tells when its turn has come. It comes back whole ([`Action::Returned`](super::Action::Returned), after `Followed`) if
    /// the session ends before the server says anything about it.
    ///
    /// # Errors
    /// The transaction comes back, boxed, if it is not welcome, or the server cannot take a message of this shape.
    pub fn follow(&mut self, transaction: Transaction) -> Result<Vec<u8>, Box<Transaction>> {
        let fits = self.context.refusal(&transaction).is_none();
        if !self.takes_another() || !fits || transaction.recipients.is_empty() {
            return Err(Box::new(transaction));
        }
        let next = Envelope::new(transaction, &self.context);
        let octets = next.burst();
        self.context.next = Some(Box::new(next));
        Ok(octets)
    }
}

#[cfg(test)]
mod tests {
    use crate::address::ReversePath;
    use crate::client::{Action, Dialect, Protection, Session, Settings, Timeouts, Transaction};
    use crate::envelope::Shape;

    fn transaction(to: &str, size: u64) -> Transaction {
        let shape = Shape { size, ..Shape::default() };
        Transaction::plain(ReversePath::Null, vec![to.parse().unwrap()], shape)
    }

    /// What the session asks for after `text`, a word for each action.
    fn hear(session: &mut Session, text: &str) -> Vec<String> {
        let mut input = text.as_bytes();
        let mut words = Vec::new();
        loop {
            let step = session.advance(input, 0);
            input = &input[step.consumed..];
            words.push(match step.action {
                Action::Settled(index, fate) => format!("{index} {:?} {}", fate.outcome, fate.reply),
                Action::Returned(back) => format!("returned {}", back.recipients[0]),
                Action::Send(octets) => String::from_utf8(octets).unwrap(),
                Action::NeedInput => return words,
                last @ (Action::WantBody | Action::Idle | Action::Close) => {
                    words.push(format!("{last:?}"));
                    return words;
                }
                other => format!("{other:?}"),
            });
        }
    }

    /// A session with a server that offers this.
    fn connected(offer: &str) -> Session {
        let settings = Settings {
            dialect: Dialect::Smtp,
            our_name: "us".into(),
            peer: "mx".into(),
            timeouts: Timeouts::default(),
            protection: Protection::Never,
        };
        let mut session = Session::new(settings, 0);
        hear(&mut session, &format!("220 mx\r\n{offer}\r\n"));
        session
    }

    /// A session whose first transaction has its content on the way.
    fn sending(offer: &str) -> Session {
        let mut session = connected(offer);
        session.begin(transaction("a@a.example", 9), 0).unwrap();
        for reply in ["250 ok\r\n", "250 ok\r\n", "354 go\r\n"] {
            hear(&mut session, reply);
        }
        session
    }

    fn followed() -> Session {
        let mut session = sending("250-mx\r\n250-SIZE 99\r\n250 PIPELINING");
        let octets = session.follow(transaction("b@b.example", 7)).unwrap();
        assert_eq!(octets, b"MAIL FROM:<> SIZE=7\r\nRCPT TO:<b@b.example>\r\nDATA\r\n");
        assert!(!session.takes_another());
        session.body_sent(0);
        session
    }

    #[test]
    fn the_next_transaction_goes_on_where_the_last_one_ends() {
        let mut session = followed();
        let replies = "250 one\r\n250 ok\r\n250 ok\r\n354 go\r\n";
        assert_eq!(hear(&mut session, replies), ["0 Delivered 250 one", "Followed", "WantBody"]);
        assert!(session.takes_another());
        session.body_sent(0);
        assert_eq!(hear(&mut session, "250 two\r\n"), ["0 Delivered 250 two", "Idle"]);
    }

    #[test]
    fn a_message_that_is_refused_at_its_end_does_not_touch_the_one_behind_it() {
        let mut session = followed();
        assert_eq!(hear(&mut session, "554 spam\r\n"), ["0 Failed 554 spam", "Followed"]);
        assert_eq!(hear(&mut session, "250 ok\r\n250 ok\r\n354 go\r\n"), ["WantBody"]);
    }

    #[test]
    fn what_the_server_says_nothing_about_comes_back_whole() {
        for (said, fate) in
            [("421 bye\r\n", "Deferred 421 bye"), ("250 ok\r\n421 bye\r\n", "Delivered 250 ok")]
        {
            let mut session = followed();
            let back =
                ["0 ".to_owned() + fate, "Followed".into(), "returned b@b.example".into(), "Close".into()];
            assert_eq!(hear(&mut session, said), back);
        }
        let mut session = followed();
        session.lost("connection closed", 0);
        assert_eq!(hear(&mut session, "")[1..], ["Followed", "returned b@b.example", "Close"]);
    }

    #[test]
    fn a_refusal_amid_the_content_returns_the_one_behind_it() {
        let mut session = sending("250-mx\r\n250 PIPELINING");
        session.follow(transaction("b@b.example", 7)).unwrap();
        let heard = hear(&mut session, "552 too much\r\n");
        assert_eq!(heard, ["0 Failed 552 too much", "Followed", "returned b@b.example", "Close"]);
    }

    #[test]
    fn nothing_follows_a_chunk() {
        let mut session = connected("250-mx\r\n250-PIPELINING\r\n250-CHUNKING\r\n250 BINARYMIME");
        let mut binary = transaction("a@a.example", 9);
        binary.shape.binary = true;
        session.begin(binary, 0).unwrap();
        assert_eq!(hear(&mut session, "250 ok\r\n250 ok\r\n")[1..], ["BDAT 9 LAST\r\n", "WantBody"]);
        assert!(!session.takes_another() && session.follow(transaction("b@b.example", 7)).is_err());
        session.body_sent(0);
        assert!(!session.takes_another());
        // RFC 3030 section 2: after a failure nobody knows what state the server is in.
        assert_eq!(hear(&mut session, "451 no\r\n"), ["0 Deferred 451 no", "RSET\r\n"]);
    }

    #[test]
    fn nothing_follows_where_the_server_does_not_pipeline_or_cannot_take_it() {
        let mut session = sending("250 mx");
        assert!(!session.takes_another() && session.follow(transaction("b@b.example", 7)).is_err());
        let mut session = sending("250-mx\r\n250-PIPELINING\r\n250 SIZE 99");
        assert!(session.takes_another() && session.follow(transaction("b@b.example", 100)).is_err());
        let session = sending("250-mx\r\n250-PIPELINING\r\n250 LIMITS MAILMAX=1");
        assert!(session.is_spent() && !session.takes_another());
    }
}
