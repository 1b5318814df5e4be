//! What a client session asks of its shell.

use super::Transaction;
use crate::disposition::Disposition;

/// The next thing to do. Exactly one per call of [`Session::advance`](super::Session::advance).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// All input is used up and the server has to speak next.
    NeedInput,
    /// Write these octets, then go on.
    Send(Vec<u8>),
    /// Stream the content through [`Stuffing`](super::Stuffing), its end included; tell
    /// [`body_progress`](super::Session::body_progress) of each block that was written and, as soon as the end has gone
    /// out, [`body_sent`](super::Session::body_sent). Until then this is the answer to every call that changes nothing;
    /// what the server says in the meantime may be handed over, and may end the session.
    WantBody,
    /// Do the TLS handshake, then call [`secured`](super::Session::secured); nothing that came behind the server's reply
    /// may be kept. Until then this is the answer to every call. If the handshake fails, call
    /// [`unsecured`](super::Session::unsecured).
    StartTls,
    /// The fate of the recipient with this index in the transaction.
    Settled(usize, Disposition),
    /// A connection that had served before closed or broke before it said a word about this transaction: begin it
    /// again on another connection. No recipient of it was or will be settled.
    Returned(Transaction),
    /// The transaction is over, and the one that was sent behind it ([`follow`](super::Session::follow)) is under way now:
    /// from here on indexes are its.
    Followed,
    /// The server does not want to talk, or cannot: no transaction was begun. Try the next exchanger; if there is none,
    /// this is the disposition of everybody who waits: [`HostDeferred`](crate::disposition::Outcome::HostDeferred), or, for
    /// [`RequireTls`](super::Protection::RequireTls), what becomes of a message that requires it. The reply keeps its own
    /// code, so that a 5xx greeting can be told from a 4xx one. [`Action::Close`] follows.
    Unusable(Disposition),
    /// The session waits for [`begin`](super::Session::begin) or [`quit`](super::Session::quit).
    Idle,
    /// Close the connection; nothing else follows.
    Close,
}

/// One step of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// How many octets at the beginning of the input are done with.
    pub consumed: usize,
    /// What to do. The input is used up whenever this is `NeedInput`, `WantBody`, `StartTls`,
    /// `Idle` or `Close`.
    pub action: Action,
}
