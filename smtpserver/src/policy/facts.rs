//! What is known at a moment of a session.

use farm::tables::Placeholder;
use proto::address::{Mailbox, ReversePath};
use proto::envelope::Recipient;
use std::borrow::Cow;
use std::net::IpAddr;

/// What rules can ask for. `None` is what nobody knows yet, or what is not there.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// The client's address; `None` for a program on this host, and for a client that a trusted host does not name.
    pub address: Option<IpAddr>,
    /// It is a program on this host.
    pub local: bool,
    /// The client as the journal prints it.
    pub client: &'a str,
    /// It may send to any domain.
    pub relay: bool,
    /// Its verified name, in lower case.
    pub name: Option<&'a str>,
    /// The listener, as in the event `listening`.
    pub listener: &'a str,
    /// The listener's service.
    pub service: &'a str,
    /// What the client called itself.
    pub helo: Option<&'a str>,
    /// The version of TLS.
    pub tls: Option<&'a str>,
    /// Who has authenticated.
    pub account: Option<&'a str>,
    /// The reverse-path.
    pub from: Option<&'a ReversePath>,
    /// The recipients that count.
    pub to: To<'a>,
    /// Octets of the message: declared, or counted.
    pub size: Option<u64>,
    /// Recipients that were accepted so far.
    pub recipients: usize,
}

/// The recipients that count in a phase.
#[derive(Debug, Clone, Copy)]
pub enum To<'a> {
    /// None is known yet.
    Nobody,
    /// The one that is asked for.
    One(&'a Mailbox),
    /// Any of these.
    Any(&'a [Recipient]),
}

impl<'a> To<'a> {
    /// The mailboxes.
    pub(super) fn mailboxes(self) -> impl Iterator<Item = &'a Mailbox> {
        let (one, all) = match self {
            Self::Nobody => (None, &[][..]),
            Self::One(mailbox) => (Some(mailbox), &[][..]),
            Self::Any(all) => (None, all),
        };
        one.into_iter().chain(all.iter().map(|recipient| &recipient.address))
    }
}

impl<'a> Facts<'a> {
    /// What stands in a text for `place`.
    pub(super) fn fill(&self, place: Placeholder) -> Cow<'a, str> {
        let known = |text: Option<&'a str>| Cow::Borrowed(text.unwrap_or("unknown"));
        match place {
            Placeholder::Client => Cow::Borrowed(self.client),
            Placeholder::Name => known(self.name),
            Placeholder::Helo => known(self.helo),
            Placeholder::Account => known(self.account),
            Placeholder::From => self.from.map_or(Cow::Borrowed("unknown"), |from| from.to_string().into()),
            Placeholder::To => {
                let first = self.to.mailboxes().next();
                first.map_or(Cow::Borrowed("unknown"), |mailbox| format!("<{mailbox}>").into())
            }
        }
    }
}
