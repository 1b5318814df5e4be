//! A trial: a program on this host plays a session as any client, sees the reason for each verdict, and nothing of it
//! is kept or counted.
//!
//! The session, the policy, the router and the drafts are the real ones. What differs: refusals are told to the program
//! and not to the journal, and a message that would be committed is dropped. A reason is a line in front of the reply it
//! leads to, `*** key=value ...`, with values written as in the journal.

use super::client::Client;
use super::conversation::Conversation;
use super::desk::Desk;
use farm::journal::{Play, SessionEvent, remark};
use ipc::routing;
use ipc::smtp_worker::{Connection, Consulted, Entrance, FromWorker, Peer, Reason, Verdict};
use proto::id::SpoolId;
use proto::reply::{Cause, Reply};
use proto::server::{Attributes, Mechanisms, Security, Standing};
use proto::status::Status;
use std::net::{IpAddr, SocketAddr};

/// What a session that is played knows beyond a real one.
#[derive(Debug)]
pub(super) struct Trial {
    /// Who plays, as the journal prints it.
    pub(super) player: String,
    /// It has begun, and never ends: the client is not the one that it was.
    begun: bool,
    /// Who is to be played once the master has said what admission would do.
    asked: Option<Played>,
}

/// Whom XPLAY names.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Played {
    peer: SocketAddr,
    name: Option<String>,
    listener: String,
    entrance: Entrance,
    account: Option<String>,
    tls: Option<String>,
}

/// A port that a client may well have, where none is named.
const SOME_PORT: u16 = 49_152;

impl Conversation {
    /// XPLAY: asks the master what it would do with that client; [`Conversation::consulted`] follows.
    pub(super) fn play(&mut self, desk: &mut Desk, attributes: &Attributes) {
        let played = match played(desk, attributes) {
            Ok(played) => played,
            Err(reply) => {
                let reply = self.session.reintroduced(Err(reply), desk.now.mono);
                return self.answer_rare(desk, "XPLAY", reply);
            }
        };
        let (session, client, listener) = (self.number, played.peer.ip(), played.listener.clone());
        desk.consults.push(FromWorker::Consult { session, client, listener });
        let player = &self.client.text;
        let new = || Box::new(Trial { player: player.clone(), begun: false, asked: None });
        self.trial.get_or_insert_with(new).asked = Some(played);
    }

    /// The master has said what admission would do: from here on the client is the one that is played.
    pub(super) fn consulted(&mut self, desk: &mut Desk, consulted: &Consulted) {
        let Some(trial) = &mut self.trial else { return };
        let Some(played) = trial.asked.take() else { return };
        trial.begun = true;
        let Played { peer, name, listener, entrance, account, tls } = played;
        let name = name.or_else(|| consulted.name.clone());
        let (session, peer) = (self.number, Peer::Network(peer));
        let connection = Connection { session, peer, listener, entrance, name };
        self.client = Client::of(&connection, |ip| desk.house.may_relay(ip));
        self.note_play(desk);
        consulted.reasons.iter().for_each(|reason| self.tell_reason(reason));
        let mut standing = desk.house.standing(&self.client, entrance, desk.now.utc);
        // The way there is not the client's: nobody can prove anything on it, nor encrypt it.
        (standing.mechanisms, standing.starttls, standing.implicit_tls) =
            (Mechanisms::default(), false, false);
        standing.privileges.play = true;
        *self.session.standing_mut() = Standing { security: None, ..standing };
        self.scopes = desk.house.rulebook.exists().then(Box::default);
        let refusal = refusal(&consulted.verdict).or_else(|| self.judge_connect(desk));
        self.session.standing_mut().refusal = refusal.map(Box::new);
        let greeting = self.session.reintroduced(Ok(()), desk.now.mono);
        self.session.assume(account, tls.map(|version| Security { version, ..Security::default() }));
        self.say_if(greeting);
    }

    /// The master has not answered in time.
    pub(super) fn forget_play(&mut self) {
        self.trial.iter_mut().for_each(|trial| trial.asked = None);
        self.trial.take_if(|trial| !trial.begun);
    }

    /// Whether nothing of what happens counts.
    pub(super) fn is_trial(&self) -> bool {
        self.trial.as_ref().is_some_and(|trial| trial.begun)
    }

    /// In a trial, the end of a message that would be committed.
    pub(super) fn commit_nothing(&mut self, desk: &Desk, id: SpoolId) {
        if self.session.committed(Ok(id), desk.now.mono).is_none() {
            return;
        }
        let held = self.scopes.as_ref().and_then(|scopes| scopes.hold()).map(str::to_owned);
        if let Some(why) = held {
            self.tell(&[("rule", "policy"), ("says", "hold"), ("value", &why)]);
        }
        let tags = self.tags();
        if !tags.is_empty() {
            self.tell(&[("rule", "policy"), ("says", "tag"), ("value", &tags)]);
        }
        self.say(&would_be_accepted());
    }

    /// The router has answered.
    pub(super) fn tell_route(&mut self, recipient: &str, verdict: &routing::Verdict) {
        let says = match verdict {
            routing::Verdict::Route(route) => format!("{}!{} for {}", route.channel, route.host, route.user),
            routing::Verdict::Expand => "expand".to_owned(),
            routing::Verdict::Refuse { status, text, by } => {
                format!("refuse {} {text} ({by})", status.with_class(5))
            }
            routing::Verdict::Defer { status, text } => format!("defer {} {text}", status.with_class(4)),
        };
        self.tell(&[("rule", "router"), ("says", &says), ("value", recipient)]);
    }

    /// Why a reply refuses something; the rules of the policy table have spoken for themselves.
    pub(super) fn explain(&mut self, reply: &Reply) {
        let Some(cause) = reply.cause.as_ref().filter(|cause| !cause.rule.starts_with("policy:")) else {
            return;
        };
        let Cause { rule, value, limit } = cause.as_ref();
        self.tell(&[("rule", rule), ("says", "refuse"), ("value", value), ("limit", limit)]);
    }

    fn tell_reason(&mut self, reason: &Reason) {
        let Reason { rule, value, limit, verdict, warn } = reason;
        let says = match verdict {
            Verdict::Pass => "pass".to_owned(),
            Verdict::Score(points) => format!("score {points}"),
            Verdict::Refuse(reply) => format!("refuse {reply}"),
        };
        let says = if *warn { format!("warn {says}") } else { says };
        self.tell(&[("rule", rule), ("says", &says), ("value", value), ("limit", limit)]);
    }

    fn tell(&mut self, fields: &[(&str, &str)]) {
        self.output.extend(trial_line(fields));
    }

    fn note_play(&self, desk: &mut Desk) {
        let Some(trial) = &self.trial else { return };
        let name = self.client.name.as_deref().unwrap_or_default();
        let (client, played, listener) = (trial.player.as_str(), &self.client.text, &self.client.listener);
        desk.note_session(self.number, SessionEvent::Play(Play { client, played, name, listener }));
    }
}

/// The answer to the content, with LMTP for each recipient.
pub(super) fn would_be_accepted() -> Reply {
    Reply::new(250, Status::OK, "trial: would be accepted")
}

/// A line in front of a reply.
pub(super) fn trial_line(fields: &[(&str, &str)]) -> Vec<u8> {
    format!("***{}\r\n", remark(fields)).into_bytes()
}

fn played(desk: &Desk, attributes: &Attributes) -> Result<Played, Reply> {
    let (mut address, mut port, mut name, mut listener) = (None, SOME_PORT, None, None);
    let (mut account, mut tls) = (None, None);
    for (key, value) in attributes {
        match key.as_str() {
            "ADDR" => address = Some(value.parse::<IpAddr>().map_err(|_| wrong(key, value))?.to_canonical()),
            "PORT" => port = value.parse().map_err(|_| wrong(key, value))?,
            "NAME" => name = Some(value.to_ascii_lowercase()),
            "LISTENER" => listener = Some(value.as_str()),
            "ACCOUNT" => account = Some(value.clone()),
            "TLS" => tls = Some(value.clone()),
            _ => return Err(wrong(key, value)),
        }
    }
    let address = address.ok_or_else(|| wrong("ADDR", ""))?;
    let (listener, entrance) = desk.house.listener(listener).ok_or_else(|| {
        let known = desk.house.listeners().join(", ");
        refused(format!("no such listener; there are {known}"), "LISTENER")
    })?;
    Ok(Played { peer: SocketAddr::new(address, port), name, listener, entrance, account, tls })
}

fn wrong(key: &str, value: &str) -> Reply {
    refused(
        format!("{key}={value} is not understood; write XPLAY ADDR=192.0.2.1 PORT=n NAME=name LISTENER=name"),
        key,
    )
}

fn refused(text: String, key: &str) -> Reply {
    Reply::new(501, Status::permanent(5, 4), text).because(Cause::met("xplay", key))
}

/// The refusal that admission would say.
fn refusal(verdict: &Verdict) -> Option<Reply> {
    let Verdict::Refuse(text) = verdict else { return None };
    let (code, rest) = text.split_once(' ')?;
    let code = code.parse().ok()?;
    Some(match Status::split(rest) {
        Some((status, text)) => Reply::new(code, status, text.trim_start()),
        None => Reply::plain(code, rest),
    })
}
