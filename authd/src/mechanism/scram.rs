//! SCRAM-SHA-256 and SCRAM-SHA-256-PLUS: the client proves that it knows the password, and we prove that we know the
//! keys of it.
//!
//! States: first message wanted; proof wanted; proved, and the client has to take note of our signature.
//! Invariants: a user that does not exist goes the same way to the end as one that does; a client that could have bound
//! itself to the TLS connection and says that we did not offer it is refused, for somebody has changed our words.
//!
//! Source: RFC 5802 sections 5 to 7, RFC 7677; bindings RFC 9266 and RFC 5929.

use super::{Facts, Step, failed, malformed};
use secrets::encoding;
use secrets::opaque::prepare;
use secrets::scram::Keys;

/// The state of an exchange.
#[derive(Debug)]
pub struct Scram {
    plus: bool,
    state: State,
}

#[derive(Debug)]
enum State {
    First,
    Proof(Pending),
    Acknowledgement(String),
    Over,
}

/// What is remembered until the proof comes.
#[derive(Debug)]
struct Pending {
    user: String,
    /// Both nonces.
    nonce: String,
    /// What the proof must say about the channel: header and binding, in base64.
    channel: String,
    /// The first messages, with a comma behind each.
    said: String,
    keys: Keys,
}

/// A client's first message.
struct First<'a> {
    header: &'a str,
    flag: &'a str,
    identity: &'a str,
    bare: &'a str,
    name: &'a str,
    nonce: &'a str,
}

impl Scram {
    /// An exchange by the one with `-PLUS` or the one without.
    pub(super) fn new(plus: bool) -> Self {
        Self { plus, state: State::First }
    }

    pub(super) fn respond(&mut self, response: &[u8], facts: &Facts<'_>) -> Step {
        let Ok(text) = std::str::from_utf8(response) else { return malformed() };
        match std::mem::replace(&mut self.state, State::Over) {
            State::First => self.first(text, facts),
            State::Proof(pending) => self.proof(text, pending),
            State::Acknowledgement(user) if text.is_empty() => Step::Proved(user),
            State::Acknowledgement(user) => failed(&user, "malformed"),
            State::Over => malformed(),
        }
    }

    fn first(&mut self, text: &str, facts: &Facts<'_>) -> Step {
        let Some(first) = parse_first(text) else { return malformed() };
        let Some(user) = unescape(first.name) else { return malformed() };
        if !first.identity.is_empty() && unescape(first.identity).as_ref() != Some(&user) {
            return failed(&user, "authorization-identity");
        }
        let binding = match self.binding(first.flag, facts) {
            Ok(binding) => binding,
            Err(reason) => return failed(&user, reason),
        };
        let keys = match (facts.keys)(&user) {
            Ok(keys) => keys,
            Err(reason) => return failed(&user, reason),
        };
        let nonce = format!("{}{}", first.nonce, facts.nonce);
        let challenge = format!("r={nonce},s={},i={}", encoding::encode(&keys.salt), keys.iterations);
        let channel = encoding::encode(&[first.header.as_bytes(), binding].concat());
        let said = format!("{},{challenge},", first.bare);
        self.state = State::Proof(Pending { user, nonce, channel, said, keys });
        Step::Challenge(challenge.into_bytes())
    }

    /// What the client binds itself to.
    fn binding<'a>(&self, flag: &str, facts: &Facts<'a>) -> Result<&'a [u8], &'static str> {
        let tls = facts.tls.filter(|_| self.plus);
        let bound = match (self.plus, flag, tls) {
            (false, "n", _) => return Ok(&[]),
            (false, "y", _) if facts.offers_plus => return Err("channel-binding-stripped"),
            (false, "y", _) => return Ok(&[]),
            (true, "p=tls-exporter", Some(tls)) => &tls.exporter,
            (true, "p=tls-server-end-point", Some(tls)) => &tls.end_point,
            _ => return Err("channel-binding"),
        };
        // Without any octets there is nothing to be bound to.
        if bound.is_empty() { Err("channel-binding") } else { Ok(bound) }
    }

    fn proof(&mut self, text: &str, pending: Pending) -> Step {
        let Pending { user, nonce, channel, said, keys } = pending;
        let Some((without, proof)) = text.rsplit_once(",p=") else { return failed(&user, "malformed") };
        let mut fields = without.split(',');
        let (given_channel, given_nonce) = (fields.next(), fields.next());
        let (Some(given_channel), Some(given_nonce)) = (
            given_channel.and_then(|field| field.strip_prefix("c=")),
            given_nonce.and_then(|field| field.strip_prefix("r=")),
        ) else {
            return failed(&user, "malformed");
        };
        let Some(proof) = encoding::decode(proof) else { return failed(&user, "malformed") };
        if given_channel != channel {
            return failed(&user, "channel-binding");
        }
        let message = format!("{said}{without}");
        if given_nonce != nonce || !keys.proves(message.as_bytes(), &proof) {
            return failed(&user, "wrong-password");
        }
        let signature = encoding::encode(&keys.signature(message.as_bytes()));
        self.state = State::Acknowledgement(user);
        Step::Challenge(format!("v={signature}").into_bytes())
    }
}

/// `gs2-cbind-flag "," ["a=" identity] "," "n=" name ",r=" nonce ["," extensions]`; `None` if it is not that, or has
/// an extension that must be understood.
fn parse_first(text: &str) -> Option<First<'_>> {
    let (flag, rest) = text.split_once(',')?;
    let (identity, bare) = rest.split_once(',')?;
    let identity = if identity.is_empty() { "" } else { identity.strip_prefix("a=")? };
    let header = text.get(..text.len() - bare.len())?;
    let mut fields = bare.split(',');
    let name = fields.next()?.strip_prefix("n=")?;
    let nonce = fields.next()?.strip_prefix("r=")?;
    let printable = |octet: u8| (0x21..=0x7e).contains(&octet);
    let sound = !nonce.is_empty() && nonce.len() <= 256 && nonce.bytes().all(printable);
    sound.then_some(First { header, flag, identity, bare, name, nonce })
}

/// A name without its escapes, prepared.
fn unescape(name: &str) -> Option<String> {
    let mut parts = name.split('=');
    let mut plain = parts.next()?.to_owned();
    for part in parts {
        let (escaped, rest) = match (part.strip_prefix("2C"), part.strip_prefix("3D")) {
            (Some(rest), _) => (',', rest),
            (_, Some(rest)) => ('=', rest),
            _ => return None,
        };
        plain.push(escaped);
        plain.push_str(rest);
    }
    prepare(plain.as_bytes()).ok()
}
