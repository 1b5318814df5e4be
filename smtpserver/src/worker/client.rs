//! Who is at the other end.

use ipc::smtp_worker::{Connection, Peer};
use proto::envelope::Origin;
use proto::server::{Security, Service, Session};
use std::net::IpAddr;

/// A client, in the forms in which it is named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Client {
    /// In the journal and to the router: `192.0.2.7`, or `uid 1000` for a program on this host.
    pub(super) text: String,
    /// Its address; `None` for a program on this host.
    pub(super) address: Option<IpAddr>,
    /// Its name, if the DNS says it in both directions; in lower case.
    pub(super) name: Option<String>,
    /// Where it came in, as in the event `listening`.
    pub(super) listener: String,
    /// It is a program on this host.
    pub(super) local: bool,
    /// The user of that program.
    pub(super) uid: Option<u32>,
    /// It may send to any domain.
    pub(super) may_relay: bool,
    /// What the host that speaks for it says that it called itself.
    pub(super) helo: Option<String>,
    /// In the Received field: `[192.0.2.7]`, `[IPv6:2001:db8::7]`, `local uid=1000`.
    trace: String,
}

impl Client {
    /// Names the client of this connection.
    pub(super) fn of(connection: &Connection, may_relay: impl FnOnce(IpAddr) -> bool) -> Self {
        let (name, listener) = (connection.name.clone(), connection.listener.clone());
        Self { name, listener, ..Self::new(&connection.peer, may_relay) }
    }

    /// Names the client; `may_relay` decides for addresses, programs on this host may.
    pub(super) fn new(peer: &Peer, may_relay: impl FnOnce(IpAddr) -> bool) -> Self {
        match peer {
            Peer::Local { uid } => {
                let (text, trace) = (format!("uid {uid}"), format!("local uid={uid}"));
                let (address, name, listener) = (None, None, String::new());
                let uid = Some(*uid);
                Self { text, address, name, listener, local: true, uid, may_relay: true, helo: None, trace }
            }
            Peer::Network(address) => {
                let ip = address.ip().to_canonical();
                let trace = trace_of(ip);
                let (text, may_relay) = (ip.to_string(), may_relay(ip));
                let (address, name, listener) = (Some(ip), None, String::new());
                Self { text, address, name, listener, local: false, uid: None, may_relay, helo: None, trace }
            }
        }
    }

    /// The same at another address, or at one that nobody knows.
    pub(super) fn at(&self, address: Option<IpAddr>) -> Self {
        let text = address.map_or_else(|| "unknown".to_owned(), |ip| ip.to_string());
        let trace = address.map_or_else(|| "unknown".to_owned(), trace_of);
        Self { text, address, trace, local: false, uid: None, ..self.clone() }
    }

    /// Where a message comes from that this client gives now, in the session of this number.
    pub(super) fn origin(&self, session: &Session, number: u64) -> Origin {
        let account = session.account().unwrap_or_default().to_owned();
        let tls = session.security().map(Security::text).unwrap_or_default();
        let said = || session.client().map(|said| said.name.clone()).unwrap_or_default();
        let said = self.helo.clone().unwrap_or_else(said);
        // Who a program on this host is, the system knows better than the program.
        let ours = self.local && session.service() == Service::Relay;
        let (helo, protocol) = if ours { (String::new(), "LOCAL") } else { (said, session.protocol()) };
        let client = match &self.name {
            Some(name) if !self.local => format!("{name} {}", self.trace),
            _ => self.trace.clone(),
        };
        let (protocol, session) = (protocol.to_owned(), format!("{number:x}"));
        Origin { client, helo, protocol, session, account, tls }
    }
}

/// Source: RFC 5321 section 4.1.3.
fn trace_of(ip: IpAddr) -> String {
    if ip.is_ipv4() { format!("[{ip}]") } else { format!("[IPv6:{ip}]") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proto::limits::Limits;
    use proto::server::{Config, Standing};
    use std::sync::Arc;

    fn network(address: &str) -> Client {
        Client::new(&Peer::Network(address.parse().unwrap()), |_| false)
    }

    #[test]
    fn every_kind_of_client_has_its_names() {
        assert_eq!(network("192.0.2.7:99").trace, "[192.0.2.7]");
        assert_eq!(network("[2001:db8::7]:99").trace, "[IPv6:2001:db8::7]");
        assert_eq!(network("[::ffff:192.0.2.7]:99").trace, "[192.0.2.7]");
        let local = Client::new(&Peer::Local { uid: 1000 }, |_| false);
        assert_eq!((local.text.as_str(), local.trace.as_str()), ("uid 1000", "local uid=1000"));
        assert!(local.may_relay);
    }

    fn origin_of(client: &Client) -> Origin {
        let config = Config::new("mail.example.org".parse().unwrap(), Limits::default()).unwrap();
        let mut session = Session::new(Arc::new(config), Standing::default(), 0);
        session.advance(b"EHLO liar.example\r\n", 0);
        client.origin(&session, 0x2a)
    }

    #[test]
    fn a_local_program_is_told_by_its_user_and_not_by_what_it_says() {
        let origin = origin_of(&Client::new(&Peer::Local { uid: 1000 }, |_| false));
        assert_eq!((origin.helo.as_str(), origin.protocol.as_str()), ("", "LOCAL"));
        assert_eq!(origin.session, "2a");
        let origin = origin_of(&network("192.0.2.7:99"));
        assert_eq!((origin.helo.as_str(), origin.protocol.as_str()), ("liar.example", "ESMTP"));
        let named = Client { name: Some("mx.test".into()), ..network("192.0.2.7:99") };
        assert_eq!(origin_of(&named).client, "mx.test [192.0.2.7]");
    }
}
