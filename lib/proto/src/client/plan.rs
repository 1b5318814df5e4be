//! Which commands a transaction needs, and which of them go out together.

use super::{Features, Transaction, parameters};
use std::fmt::{self, Write as _};
use std::ops::Range;

/// One command of a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Command {
    /// MAIL with the parameters of the plan.
    Mail,
    /// RCPT for the recipient with this index.
    Rcpt(usize),
    /// DATA.
    Data,
    /// BDAT with all of the content, in place of DATA; it needs no leave, but a recipient (RFC 3030 section 2).
    Chunk,
}

/// The commands of one transaction by position: MAIL at 0, then each RCPT, DATA or BDAT last.
///
/// It holds facts only, so that it can be compared and printed: `MAIL, 3 RCPT, DATA in one burst`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    /// The server's extensions.
    pub features: Features,
    /// Whether to say SMTPUTF8.
    pub utf8: bool,
    /// Whether the content goes out with BDAT.
    pub chunked: bool,
    /// How many RCPT there are.
    pub recipients: usize,
    /// Whether all of it goes out in one write (RFC 2920 section 3.1), or each command waits for the reply before it.
    pub pipelined: bool,
}

impl Plan {
    /// Plans `transaction` for a server with these features, which must not refuse it.
    pub fn new(transaction: &Transaction, features: &Features) -> Self {
        Self {
            features: *features,
            utf8: features.says_utf8(transaction),
            chunked: features.chunks(&transaction.shape),
            recipients: transaction.recipients.len(),
            pipelined: features.pipelining,
        }
    }

    /// The command at `position`; `None` behind the last.
    pub fn command(&self, position: usize) -> Option<Command> {
        let last = if self.chunked { Command::Chunk } else { Command::Data };
        match position.checked_sub(1) {
            None => Some(Command::Mail),
            Some(index) if index < self.recipients => Some(Command::Rcpt(index)),
            Some(index) => (index == self.recipients).then_some(last),
        }
    }

    /// The positions that go out in one write when everything before `position` is answered. BDAT waits until somebody is
    /// accepted, since its content goes with it.
    pub fn burst(&self, position: usize) -> Range<usize> {
        let together = if self.chunked { self.recipients + 1 } else { self.recipients + 2 };
        position..if self.pipelined && position < together { together } else { position + 1 }
    }

    /// The octets of the commands at these positions.
    pub fn octets(&self, positions: Range<usize>, transaction: &Transaction) -> Vec<u8> {
        let mut text = String::with_capacity(64 * positions.len());
        for command in positions.filter_map(|position| self.command(position)) {
            // Writing to a String cannot fail.
            let _ = self.write(command, transaction, &mut text);
        }
        text.into_bytes()
    }

    fn write(&self, command: Command, transaction: &Transaction, text: &mut String) -> fmt::Result {
        match command {
            Command::Mail => {
                text.write_str("MAIL FROM:")?;
                match transaction.from.mailbox() {
                    Some(from) => parameters::path(from, self.utf8, text)?,
                    None => text.write_str("<>")?,
                }
                parameters::of_mail(self, transaction, text)?;
            }
            Command::Rcpt(index) => {
                let Some(mailbox) = transaction.recipients.get(index) else { return Ok(()) };
                text.write_str("RCPT TO:")?;
                parameters::path(mailbox, self.utf8, text)?;
                if let Some(wishes) = transaction.wishes.get(index).filter(|_| self.features.dsn) {
                    parameters::of_rcpt(wishes, self.utf8, text)?;
                }
            }
            Command::Data => text.write_str("DATA")?,
            Command::Chunk => write!(text, "BDAT {} LAST", transaction.shape.size)?,
        }
        text.write_str("\r\n")
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let manner = if self.pipelined { "in one burst" } else { "one by one" };
        let last = if self.chunked { "BDAT" } else { "DATA" };
        write!(f, "MAIL, {} RCPT, {last} {manner}", self.recipients)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::ReversePath;
    use crate::envelope::Shape;

    fn transaction() -> Transaction {
        let recipients = vec!["a@example.net".parse().unwrap(), "b@example.net".parse().unwrap()];
        let shape = Shape { size: 1200, eight_bit: true, ..Shape::default() };
        Transaction::plain(ReversePath::Null, recipients, shape)
    }

    fn features() -> Features {
        Features { pipelining: true, size: Some(0), eight_bit_mime: true, ..Features::default() }
    }

    #[test]
    fn with_pipelining_everything_is_one_burst() {
        let plan = Plan::new(&transaction(), &features());
        assert_eq!(plan.to_string(), "MAIL, 2 RCPT, DATA in one burst");
        assert_eq!(
            String::from_utf8(plan.octets(plan.burst(0), &transaction())).unwrap(),
            "MAIL FROM:<> SIZE=1200 BODY=8BITMIME\r\n\
             RCPT TO:<a@example.net>\r\nRCPT TO:<b@example.net>\r\nDATA\r\n"
        );
    }

    #[test]
    fn without_it_each_command_stands_alone() {
        let plan = Plan::new(&transaction(), &Features::default());
        assert_eq!(plan.to_string(), "MAIL, 2 RCPT, DATA one by one");
        assert_eq!(plan.octets(plan.burst(0), &transaction()), b"MAIL FROM:<>\r\n");
        assert_eq!(plan.octets(plan.burst(2), &transaction()), b"RCPT TO:<b@example.net>\r\n");
        assert_eq!(plan.octets(plan.burst(3), &transaction()), b"DATA\r\n");
        assert_eq!(plan.command(4), None);
    }

    #[test]
    fn a_chunk_waits_for_the_replies_to_rcpt() {
        let features = Features { chunking: true, binary_mime: true, ..features() };
        let mut transaction = transaction();
        transaction.shape.binary = true;
        let plan = Plan::new(&transaction, &features);
        assert_eq!((plan.burst(0), plan.burst(3)), (0..3, 3..4));
        assert_eq!(plan.octets(plan.burst(3), &transaction), b"BDAT 1200 LAST\r\n");
        let mail = String::from_utf8(plan.octets(0..1, &transaction)).unwrap();
        assert_eq!(mail, "MAIL FROM:<> SIZE=1200 BODY=BINARYMIME\r\n");
    }
}
