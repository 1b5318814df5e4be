//! AUTH: what a session's client proves, and with which account it goes on.
//!
//! Decides what authd is told of the connection and what the client is told of the result: why a password was not taken
//! is for the journal only. A session that has not said AUTH holds nothing of this.

use super::accounts::{Charging, Member};
use super::auth_link::{Answered, News};
use super::conversation::Conversation;
use super::desk::Desk;
use super::run::Worker;
use farm::journal::{AuthFailed, SessionEvent};
use ipc::auth::{Begin, Charge, Failure, Grant, Octets, Tls};
use proto::reply::{Cause, Reply};
use proto::status::Status;
use std::sync::Arc;

/// What a session has to do with accounts.
#[derive(Debug, Default)]
pub(super) struct Login {
    /// The exchange under way, and by which mechanism it goes.
    exchange: Option<(u64, String)>,
    /// Who has proved itself.
    member: Option<Arc<Member>>,
    /// What waits to be counted.
    charging: Option<(u64, Charging)>,
}

impl Worker {
    /// Authd has news.
    pub(super) fn hear_authd(&mut self) {
        let heard = self.desk.authd.hear(&self.event_loop, self.desk.now.mono);
        if let Some(mechanisms) = heard.mechanisms {
            self.desk.house.members.offer(&mechanisms);
        }
        for answered in heard.answers {
            let seat = answered.seat;
            if let Some(place) = self.seats.get_mut(seat) {
                place.conversation.authd_told(&mut self.desk, answered);
                self.queue(seat);
            }
        }
    }
}

impl Conversation {
    /// The client begins an exchange.
    pub(super) fn authenticate(&mut self, desk: &mut Desk, mechanism: String, initial: Option<Vec<u8>>) {
        let begin = Begin {
            ticket: 0,
            mechanism: mechanism.clone(),
            initial: initial.map(Octets),
            client: self.client.address,
            listener: self.client.listener.clone(),
            tls: self.tls_facts(),
        };
        let ticket = desk.authd.begin(self.seat, begin);
        self.login.get_or_insert_default().exchange = Some((ticket, mechanism));
    }

    /// The client has answered a challenge.
    pub(super) fn auth_response(&mut self, desk: &mut Desk, response: Vec<u8>) {
        let ticket = self.login.as_ref().and_then(|login| login.exchange.as_ref()).map(|(ticket, _)| *ticket);
        if !ticket.is_some_and(|ticket| desk.authd.respond(self.seat, ticket, response)) {
            let failure = Failure { temporary: true, account: String::new(), reason: "authd".to_owned() };
            self.failed_to_authenticate(desk, &failure);
        }
    }

    /// The exchange is over without a result; so is whatever is counted.
    pub(super) fn auth_cancelled(&mut self, desk: &mut Desk) {
        let Some(login) = &mut self.login else { return };
        let exchange = login.exchange.take().map(|(ticket, _)| ticket);
        let charging = login.charging.take().map(|(ticket, _)| ticket);
        exchange.into_iter().chain(charging).for_each(|ticket| desk.authd.withdraw(ticket));
    }

    /// Who has authenticated, with what it may do. Whoever is only played is nobody here.
    pub(super) fn member(&self) -> Option<Arc<Member>> {
        let member = self.login.as_ref()?.member.as_ref()?;
        self.session.account().filter(|account| member.is(account)).map(|_| Arc::clone(member))
    }

    /// Asks authd to count something; what waits for that goes on in [`Conversation::charged`].
    pub(super) fn charge(&mut self, desk: &mut Desk, charge: Charge, charging: Charging) {
        let ticket = desk.authd.charge(self.seat, charge);
        self.login.get_or_insert_default().charging = Some((ticket, charging));
    }

    /// Authd has answered. What is not waited for any more comes to nothing.
    pub(super) fn authd_told(&mut self, desk: &mut Desk, answered: Answered) {
        let Some(login) = &mut self.login else { return };
        let Answered { ticket, news, .. } = answered;
        if let Some((_, charging)) = login.charging.take_if(|(own, _)| *own == ticket) {
            return match news {
                News::Charged(verdict) => self.charged(desk, charging, verdict),
                _ => self.not_charged(desk, charging),
            };
        }
        if login.exchange.as_ref().is_none_or(|(own, _)| *own != ticket) {
            return;
        }
        match news {
            News::Challenge(challenge) => {
                let reply = self.session.challenge(&challenge.0, desk.now.mono);
                self.say_if(reply);
            }
            News::Success(grant) => self.authenticated(desk, *grant),
            News::Failure(failure) => self.failed_to_authenticate(desk, &failure),
            News::Charged(_) => {}
        }
    }

    fn authenticated(&mut self, desk: &mut Desk, grant: Grant) {
        let account = grant.account.clone();
        let member = desk.house.members.member(grant);
        let Some(reply) = self.session.authenticated(Ok(account), desk.now.mono) else { return };
        let more = desk.house.privileges(&self.client, true);
        let own = &mut self.session.standing_mut().privileges;
        // With a policy, the session asks about each MAIL.
        own.policy |= member.is_watched();
        (own.vrfy, own.expn, own.etrn) = (own.vrfy | more.vrfy, own.expn | more.expn, own.etrn | more.etrn);
        self.login = Some(Box::new(Login { member: Some(Arc::new(member)), ..Login::default() }));
        self.say(&reply);
    }

    fn failed_to_authenticate(&mut self, desk: &mut Desk, failure: &Failure) {
        let exchange = self.login.as_mut().and_then(|login| login.exchange.take());
        let mechanism = exchange.map(|(_, mechanism)| mechanism).unwrap_or_default();
        let Some(reply) = self.session.authenticated(Err(refusal(failure)), desk.now.mono) else { return };
        self.say(&reply);
        self.note_auth_failure(desk, &mechanism, failure, &reply);
    }

    /// The connection is protected now: what the account of before could do is gone with it (RFC 3207 section 4.2).
    pub(super) fn forget_member(&mut self, desk: &Desk) {
        if self.login.take().is_some() {
            let less = desk.house.privileges(&self.client, false);
            let own = &mut self.session.standing_mut().privileges;
            (own.vrfy, own.expn, own.etrn) = (less.vrfy, less.expn, less.etrn);
        }
    }

    /// The time of the deadline has come, and this was said, in a transaction from this sender if there was one: nothing
    /// is waited for any more.
    pub(super) fn auth_expired(&mut self, desk: &mut Desk, from: &str, reply: &Reply) {
        let Some(login) = &mut self.login else { return };
        if let Some((ticket, mechanism)) = login.exchange.take() {
            desk.authd.withdraw(ticket);
            let failure = Failure { temporary: true, account: String::new(), reason: "timeout".to_owned() };
            self.note_auth_failure(desk, &mechanism, &failure, reply);
        } else if let Some((ticket, charging)) = login.charging.take() {
            desk.authd.withdraw(ticket);
            match charging {
                Charging::Message => self.refused(desk, "MAIL", from, "", reply),
                Charging::Recipient(question) => self.refused_recipient(desk, &question, reply),
            }
        }
    }

    fn note_auth_failure(&self, desk: &mut Desk, mechanism: &str, failure: &Failure, reply: &Reply) {
        let event = AuthFailed {
            client: &self.client.text,
            helo: self.session.client().map(|client| client.name.as_str()).unwrap_or_default(),
            mechanism,
            account: &failure.account,
            why: &failure.reason,
            reply: &reply.to_string(),
        };
        desk.note_session(self.number, SessionEvent::AuthFailed(event));
    }

    /// What authd may need to know of the connection.
    fn tls_facts(&self) -> Option<Tls> {
        let security = self.session.security()?;
        let bindings = self.bindings.as_deref();
        let certificate = security.certificate.as_ref().filter(|certificate| certificate.verified);
        let names = certificate.map(|own| own.names.iter().chain([&own.fingerprint]).cloned().collect());
        Some(Tls {
            exporter: bindings.and_then(|bindings| bindings.exporter).map(Vec::from).unwrap_or_default(),
            end_point: bindings.and_then(|bindings| bindings.end_point.clone()).unwrap_or_default(),
            names: names.unwrap_or_default(),
        })
    }

    /// The connection is protected: with a verified certificate, that is a way to authenticate, too.
    pub(super) fn offer_certified(&mut self, desk: &Desk) {
        let certificate = self.session.security().and_then(|security| security.certificate.as_ref());
        let verified = certificate.is_some_and(|certificate| certificate.verified);
        let mechanisms = &mut self.session.standing_mut().mechanisms;
        if verified && !mechanisms.secured.is_empty() {
            mechanisms.secured = desk.house.members.certified();
        }
    }
}

/// What the client is told (RFC 4954 section 6).
fn refusal(failure: &Failure) -> Reply {
    let cause = Cause::met("auth", failure.reason.clone());
    let reply = if failure.temporary {
        let text = "authentication is not possible now; try again later";
        Reply::new(454, Status::transient(7, 0), text)
    } else {
        Reply::new(535, Status::permanent(7, 8), "authentication failed")
    };
    reply.because(cause)
}
