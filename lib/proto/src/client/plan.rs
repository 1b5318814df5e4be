//! Which commands a transaction needs, and which of them go out together.

use super::{Features, Transaction};
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
}

/// The commands of one transaction by position: MAIL at 0, then each RCPT, DATA last.
///
/// It holds facts only, so that it can be compared and printed: `MAIL SIZE=1200, 3 RCPT, DATA in one burst`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    /// The parameter SIZE, if the server offers the extension.
    pub size: Option<u64>,
    /// Whether to say BODY=8BITMIME.
    pub eight_bit: bool,
    /// How many RCPT there are.
    pub recipients: usize,
    /// Whether all of it goes out in one write (RFC 2920 section 3.1), or each command waits for the reply before it.
    pub pipelined: bool,
}

impl Plan {
    /// Plans `transaction` for a server with these features, which must not refuse its shape.
    pub fn new(transaction: &Transaction, features: &Features) -> Self {
        Self {
            size: features.size.map(|_| transaction.shape.size),
            eight_bit: transaction.shape.eight_bit && features.eight_bit_mime,
            recipients: transaction.recipients.len(),
            pipelined: features.pipelining,
        }
    }

    /// The command at `position`; `None` behind DATA.
    pub fn command(&self, position: usize) -> Option<Command> {
        match position.checked_sub(1) {
            None => Some(Command::Mail),
            Some(index) if index < self.recipients => Some(Command::Rcpt(index)),
            Some(index) => (index == self.recipients).then_some(Command::Data),
        }
    }

    /// The positions that go out in one write when everything before `position` is answered.
    pub fn burst(&self, position: usize) -> Range<usize> {
        position..if self.pipelined { self.recipients + 2 } else { position + 1 }
    }

    /// The octets of the commands at these positions.
    pub fn octets(&self, positions: Range<usize>, transaction: &Transaction) -> Vec<u8> {
        let mut text = String::with_capacity(64 * positions.len());
        for command in positions.filter_map(|position| self.command(position)) {
            self.write(command, transaction, &mut text);
        }
        text.into_bytes()
    }

    fn write(&self, command: Command, transaction: &Transaction, text: &mut String) {
        // Writing to a String cannot fail.
        let _ = match command {
            Command::Mail => write!(text, "MAIL FROM:{}{}\r\n", transaction.from, self.parameters()),
            Command::Rcpt(index) => match transaction.recipients.get(index) {
                Some(mailbox) => write!(text, "RCPT TO:<{mailbox}>\r\n"),
                None => Ok(()),
            },
            Command::Data => text.write_str("DATA\r\n"),
        };
    }

    fn parameters(&self) -> String {
        let size = self.size.map(|size| format!(" SIZE={size}")).unwrap_or_default();
        let body = if self.eight_bit { " BODY=8BITMIME" } else { "" };
        size + body
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let manner = if self.pipelined { "in one burst" } else { "one by one" };
        write!(f, "MAIL{}, {} RCPT, DATA {manner}", self.parameters(), self.recipients)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::ReversePath;
    use crate::envelope::Shape;

    fn transaction() -> Transaction {
        Transaction {
            from: ReversePath::Null,
            recipients: vec!["a@example.net".parse().unwrap(), "b@example.net".parse().unwrap()],
            shape: Shape { size: 1200, eight_bit: true, ..Shape::default() },
        }
    }

    #[test]
    fn with_pipelining_everything_is_one_burst() {
        let features = Features { pipelining: true, size: Some(0), eight_bit_mime: true };
        let plan = Plan::new(&transaction(), &features);
        assert_eq!(plan.to_string(), "MAIL SIZE=1200 BODY=8BITMIME, 2 RCPT, DATA in one burst");
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
}
