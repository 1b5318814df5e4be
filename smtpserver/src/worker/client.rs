//! Who is at the other end.

use ipc::smtp_worker::Peer;
use proto::envelope::Origin;
use std::net::IpAddr;

/// A client, in the forms in which it is named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Client {
    /// In the journal and to the router: `192.0.2.7`, or `uid 1000` for a program on this host.
    pub(super) text: String,
    /// It is a program on this host.
    pub(super) local: bool,
    /// It may send to any domain.
    pub(super) may_relay: bool,
    /// In the Received field: `[192.0.2.7]`, `[IPv6:2001:db8::7]`, `local uid=1000`.
    trace: String,
}

impl Client {
    /// Names the client; `may_relay` decides for addresses, programs on this host may.
    pub(super) fn new(peer: &Peer, may_relay: impl FnOnce(IpAddr) -> bool) -> Self {
        match peer {
            Peer::Local { uid } => {
                let (text, trace) = (format!("uid {uid}"), format!("local uid={uid}"));
                Self { text, local: true, may_relay: true, trace }
            }
            Peer::Network(address) => {
                let ip = address.ip().to_canonical();
                // RFC 5321 section 4.1.3.
                let trace = if ip.is_ipv4() { format!("[{ip}]") } else { format!("[IPv6:{ip}]") };
                Self { text: ip.to_string(), local: false, may_relay: may_relay(ip), trace }
            }
        }
    }

    /// Where a message comes from that this client gives in the session of this number.
    pub(super) fn origin(&self, said: Option<&proto::server::Client>, session: u64) -> Origin {
        let session = format!("{session:x}");
        if self.local {
            let (helo, protocol) = (String::new(), "LOCAL".to_owned());
            return Origin { client: self.trace.clone(), helo, protocol, session, ..Origin::default() };
        }
        Origin {
            client: self.trace.clone(),
            helo: said.map(|said| said.name.clone()).unwrap_or_default(),
            protocol: said.map_or("SMTP", proto::server::Client::protocol).to_owned(),
            session,
            ..Origin::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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

    #[test]
    fn a_local_program_is_told_by_its_user_and_not_by_what_it_says() {
        let local = Client::new(&Peer::Local { uid: 1000 }, |_| false);
        let said = proto::server::Client { name: "liar.example".into(), extended: true };
        let origin = local.origin(Some(&said), 0x2a);
        assert_eq!((origin.helo.as_str(), origin.protocol.as_str()), ("", "LOCAL"));
        assert_eq!(network("192.0.2.7:99").origin(Some(&said), 0x2a).protocol, "ESMTP");
        assert_eq!(origin.session, "2a");
    }
}
