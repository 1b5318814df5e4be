//! XCLIENT and XFORWARD: a host that the operator trusts speaks for another client.
//!
//! From XCLIENT on the session is that of the client it names, with that client's rights; admission has no say, since the
//! connection is the trusted host's. HELO and PROTO are not needed: the greeting that follows says both. XFORWARD
//! changes who the next message comes from in the journal and in its Received field, and no rights.
//!
//! Source: the forms that Postfix documents in XCLIENT_README and XFORWARD_README.

use super::client::Client;
use super::conversation::Conversation;
use super::desk::Desk;
use ipc::smtp_worker::Entrance;
use proto::extension::{XCLIENT, XFORWARD};
use proto::reply::{Cause, Reply};
use proto::server::{Attributes, Standing};
use proto::status::Status;
use std::net::IpAddr;

/// A client that speaks for another one, for one message.
#[derive(Debug)]
pub(super) struct Forward {
    /// Who it is.
    original: Client,
    /// The message has begun.
    used: bool,
}

/// What a host says about its client.
#[derive(Debug, Default, PartialEq, Eq)]
struct Introduction {
    /// Not said; said to be unknown; said.
    address: Option<Option<IpAddr>>,
    name: Option<Option<String>>,
    helo: Option<String>,
    login: Option<String>,
}

impl Conversation {
    /// From here on the client is another one.
    pub(super) fn xclient(&mut self, desk: &mut Desk, attributes: &Attributes) {
        let said = introduction(attributes, XCLIENT);
        let login = said.as_ref().ok().and_then(|said| said.login.clone());
        let result = said.map(|said| self.become_client(desk, &said));
        let understood = result.is_ok();
        let reply = self.session.reintroduced(result, desk.now.mono);
        if login.is_some() {
            // The connection is as protected as it was: it is the host's.
            let security = self.session.security().cloned();
            self.session.assume(login, security);
        }
        if understood {
            // A refusal of the client that is meant has its line already.
            return self.say_if(reply);
        }
        self.answer_rare(desk, "XCLIENT", reply);
    }

    fn become_client(&mut self, desk: &mut Desk, said: &Introduction) {
        self.forget_forward();
        let mut client = said.client(&self.client);
        client.may_relay = client.address.is_some_and(|ip| desk.house.may_relay(ip));
        client.helo = None;
        self.client = client;
        let entrance = Entrance { service: self.session.service(), implicit_tls: false };
        let standing = desk.house.standing(&self.client, entrance, desk.now.utc);
        let before = self.session.standing_mut();
        *before = Standing { utc: before.utc, ..standing };
        self.scopes = desk.house.rulebook.exists().then(Box::default);
        let refusal = self.judge_connect(desk);
        self.session.standing_mut().refusal = refusal.map(Box::new);
    }

    /// Who gave the next message to the client.
    pub(super) fn xforward(&mut self, desk: &mut Desk, attributes: &Attributes) {
        let result = introduction(attributes, XFORWARD).map(|mut said| {
            if self.forward.is_some() {
                said.name.get_or_insert_with(|| self.client.name.clone());
            }
            let forwarded = said.client(&self.client);
            let original = std::mem::replace(&mut self.client, forwarded);
            // Several XFORWARD commands add up.
            self.forward.get_or_insert_with(|| Box::new(Forward { original, used: false }));
        });
        let reply = self.session.forwarded(result, desk.now.mono);
        self.answer_rare(desk, "XFORWARD", reply);
    }

    /// The client is itself again after its message.
    pub(super) fn end_forward(&mut self, in_transaction: bool) {
        let Some(forward) = &mut self.forward else { return };
        forward.used |= in_transaction;
        if forward.used && !in_transaction {
            self.forget_forward();
        }
    }

    /// Nobody is spoken for any more.
    pub(super) fn forget_forward(&mut self) {
        if let Some(forward) = self.forward.take() {
            self.client = forward.original;
        }
    }
}

impl Introduction {
    /// The client that is meant, with the rights of `host`, which speaks for it.
    fn client(&self, host: &Client) -> Client {
        let address = self.address.unwrap_or(host.address);
        // The name of an address is not that of another one.
        let same = host.name.as_ref().filter(|_| address == host.address);
        let name = self.name.clone().unwrap_or_else(|| same.cloned());
        let helo = self.helo.clone().or_else(|| host.helo.clone());
        let mut client = host.at(address);
        (client.name, client.helo) = (name, helo);
        client
    }
}

fn introduction(attributes: &Attributes, known: &[&str]) -> Result<Introduction, Reply> {
    let mut said = Introduction::default();
    for (key, value) in attributes {
        let unknown = matches!(value.as_str(), "[UNAVAILABLE]" | "[TEMPUNAVAIL]");
        match key.as_str() {
            // Nobody is not an account of the empty name.
            _ if value.is_empty() => return Err(wrong(key, value)),
            "ADDR" if unknown => said.address = Some(None),
            "ADDR" => said.address = Some(Some(address(value).ok_or_else(|| wrong(key, value))?)),
            "NAME" => said.name = Some((!unknown).then(|| value.to_ascii_lowercase())),
            "HELO" if !unknown => said.helo = Some(value.clone()),
            "LOGIN" if !unknown => said.login = Some(value.clone()),
            key if known.contains(&key) => {}
            key => return Err(wrong(key, value)),
        }
    }
    Ok(said)
}

/// `192.0.2.7`, `IPV6:2001:db8::7`.
fn address(value: &str) -> Option<IpAddr> {
    let prefixed = value.get(..5).is_some_and(|prefix| prefix.eq_ignore_ascii_case("IPV6:"));
    let text = if prefixed { value.get(5..)? } else { value };
    text.parse::<IpAddr>().ok().map(|address| address.to_canonical())
}

fn wrong(key: &str, value: &str) -> Reply {
    let cause = Cause::met("syntax", format!("{key}={value}"));
    Reply::new(501, Status::permanent(5, 4), format!("bad value of {key}")).because(cause)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ipc::smtp_worker::Peer;

    fn host() -> Client {
        Client::new(&Peer::Network("127.0.0.1:4000".parse().unwrap()), |_| true)
    }

    fn said(text: &str) -> Result<Introduction, Reply> {
        let attributes = text.split(' ').filter_map(|word| word.split_once('='));
        introduction(&attributes.map(|(key, value)| (key.to_owned(), value.to_owned())).collect(), XCLIENT)
    }

    #[test]
    fn a_client_is_named_by_its_attributes() {
        let client =
            said("NAME=MX.example.net ADDR=IPV6:2001:db8::7 HELO=mx PROTO=ESMTP").unwrap().client(&host());
        assert_eq!((client.text.as_str(), client.name.as_deref()), ("2001:db8::7", Some("mx.example.net")));
        assert_eq!(client.helo.as_deref(), Some("mx"));
    }

    #[test]
    fn what_is_not_said_stays_and_what_is_unknown_does_not() {
        assert_eq!(said("NAME=a").unwrap().client(&host()).text, "127.0.0.1");
        let nobody = said("ADDR=[UNAVAILABLE] NAME=[TEMPUNAVAIL]").unwrap().client(&host());
        assert_eq!((nobody.text.as_str(), nobody.address, nobody.name), ("unknown", None, None));
    }

    #[test]
    fn the_name_of_the_host_is_not_that_of_another_address() {
        let mut named = host();
        named.name = Some("proxy.example".into());
        assert_eq!(said("ADDR=192.0.2.7").unwrap().client(&named).name, None);
        assert_eq!(said("ADDR=127.0.0.1").unwrap().client(&named).name, named.name);
    }

    #[test]
    fn what_is_no_attribute_is_refused() {
        for bad in ["ADDR=localhost", "ADDR=", "LOGIN=", "COLOUR=red", "IDENT=1"] {
            assert_eq!(said(bad).unwrap_err().code, 501, "{bad}");
        }
    }
}
