//! What earlier phases have settled, and for how long.
//!
//! What is settled at connect holds for the session, at helo until the client names itself anew, at mail, rcpt and data
//! for the transaction. An accept at rcpt holds for that recipient alone.

use super::{Ruling, Verdict};
use farm::tables::Phase;

/// What is settled for a session.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scopes {
    session: Marks,
    client: Marks,
    transaction: Marks,
    /// Of the recipient that is asked for; it counts once that one is taken.
    recipient: Marks,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Marks {
    accepted: bool,
    hold: Option<String>,
    tags: Vec<String>,
}

impl Scopes {
    /// A phase begins: what was settled in it before no longer counts. Says whether its rules are to be asked.
    pub fn begin(&mut self, phase: Phase) -> bool {
        match phase {
            Phase::Connect => *self = Self::default(),
            Phase::Helo => (self.client, self.transaction) = (Marks::default(), Marks::default()),
            Phase::Mail => self.transaction = Marks::default(),
            Phase::Rcpt => self.recipient = Marks::default(),
            Phase::Data | Phase::Content => {}
        }
        !(self.session.accepted || self.client.accepted || self.transaction.accepted)
    }

    /// Takes down what the rules of a phase have said.
    pub fn settle(&mut self, phase: Phase, ruling: &Ruling<'_>) {
        if ruling.steps.is_empty() {
            return;
        }
        let marks = match phase {
            Phase::Connect => &mut self.session,
            Phase::Helo => &mut self.client,
            Phase::Rcpt => &mut self.recipient,
            Phase::Mail | Phase::Data | Phase::Content => &mut self.transaction,
        };
        marks.tags.extend(ruling.tags().map(str::to_owned));
        match &ruling.verdict {
            Verdict::Accept => marks.accepted = true,
            Verdict::Hold(why) => marks.hold = Some(why.clone()),
            Verdict::Go | Verdict::Refuse(_) => {}
        }
    }

    /// The recipient that was asked for last has been taken: what was said about it is said about the message.
    pub fn recipient_taken(&mut self) {
        let Marks { accepted: _, hold, tags } = std::mem::take(&mut self.recipient);
        self.transaction.tags.extend(tags);
        self.transaction.hold = self.transaction.hold.take().or(hold);
    }

    /// Why the message of the open transaction is held; `None` if it is not.
    pub fn hold(&self) -> Option<&str> {
        [&self.session, &self.client, &self.transaction].into_iter().find_map(|marks| marks.hold.as_deref())
    }

    /// The marks of the message of the open transaction, each once, in the order in which they were given.
    pub fn tags(&self) -> Vec<&str> {
        let mut all: Vec<&str> = Vec::new();
        for tag in [&self.session, &self.client, &self.transaction].into_iter().flat_map(|marks| &marks.tags)
        {
            if !all.contains(&tag.as_str()) {
                all.push(tag);
            }
        }
        all
    }
}
