//! Handshakes in the turns of a worker.

use super::world::{Client, World};
use ipc::smtp_worker::Entrance;
use proto::limits::Limits;
use proto::server::Service;
use std::io::{ErrorKind, Read, Write};
use std::sync::Arc;
use tls::{ClientContext, Clock, Material, PemFile, PemPair, Session};

const NOW: u64 = 1_750_000_000;

fn certified() -> World {
    let mut world = World::new();
    world.certify(&material());
    world
}

fn material() -> Material {
    let key = rcgen::generate_simple_self_signed(vec!["mail.example.org".into()]).unwrap();
    let file = |name: &str, text: String| PemFile { name: name.into(), octets: text.into_bytes() };
    let pair = PemPair {
        chain: file("chain.pem", key.cert.pem()),
        key: file("key.pem", key.signing_key.serialize_pem()),
    };
    Material { pairs: vec![pair], ..Material::default() }
}

fn context() -> ClientContext {
    ClientContext::without_roots(Clock::new(NOW)).unwrap()
}

/// A client's end that is being secured.
struct Secured {
    client: Client,
    tls: Session,
    heard: String,
}

impl Secured {
    fn new(client: Client) -> Self {
        Self { client, tls: context().session("mail.example.org").unwrap(), heard: String::new() }
    }

    /// Sends and takes what there is; true at the end.
    fn turn(&mut self) -> bool {
        let _it_may_be_full = self.tls.send(&mut self.client.stream);
        let mut octets = [0; 20_000];
        match self.client.stream.read(&mut octets) {
            Ok(0) => return true,
            Ok(count) => self.tls.receive(&octets[..count]),
            Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock),
        }
        loop {
            let count = self.tls.read(&mut octets).unwrap();
            self.heard.push_str(std::str::from_utf8(&octets[..count]).unwrap());
            if !self.tls.has_more() {
                return false;
            }
        }
    }

    fn ask(&mut self, world: &mut World, text: &[u8], awaited: &str) -> String {
        let mut rest = text;
        let late = farm::clock::moment().mono + 10_000;
        while !self.heard.contains(awaited) {
            if !self.tls.is_handshaking() {
                rest = &rest[self.tls.write(rest)..];
            }
            let ended = self.turn();
            assert!(!ended, "closed before {awaited:?}, after {:?}", self.heard);
            assert!(farm::clock::moment().mono < late, "no {awaited:?} in {:?}", self.heard);
            world.turn();
        }
        std::mem::take(&mut self.heard)
    }
}

fn upgraded(world: &mut World) -> Secured {
    let mut client = world.client();
    world.ask(&mut client, "EHLO client.example\r\n", "250 ");
    world.ask(&mut client, "STARTTLS\r\n", "220 2.0.0");
    Secured::new(client)
}

#[test]
fn a_session_is_secured_and_forgets_what_was_said_before() {
    let mut world = certified();
    let mut client = upgraded(&mut world);
    assert!(client.ask(&mut world, b"MAIL FROM:<a@example.net>\r\n", "\n").starts_with("503 "));
    let hello = client.ask(&mut world, b"EHLO client.example\r\n", "250 ");
    assert!(!hello.contains("STARTTLS"), "{hello}");
    client.ask(&mut world, b"QUIT\r\n", "221 ");
    let late = farm::clock::moment().mono + 10_000;
    while !client.turn() {
        assert!(farm::clock::moment().mono < late);
        world.turn();
    }
    assert!(client.tls.peer_has_closed(), "it says goodbye in TLS, too");
    world.until("the end is told", |world| world.journal().contains("why=quit"));
    assert!(world.journal().contains("tls=TLSv1.3"), "{}", world.journal());
}

#[test]
fn neither_rights_nor_another_client_outlast_the_handshake() {
    let mut world = World::new();
    world.trust(&material());
    let mut client = world.client();
    world.ask(&mut client, "EHLO client.example\r\n", "250 ");
    world.ask(&mut client, "XFORWARD ADDR=198.51.100.1 HELO=other.example\r\n", "250 ");
    {
        // As AUTH in the clear leaves them.
        let conversation = &mut world.worker.seats.iter_mut().next().unwrap().1.conversation;
        conversation.session.standing_mut().privileges.vrfy = true;
        conversation.login = Some(Box::default());
    }
    world.ask(&mut client, "STARTTLS\r\n", "220 2.0.0");
    let mut client = Secured::new(client);
    let hello = client.ask(&mut world, b"EHLO client.example\r\n", "250 ");
    assert!(hello.contains("XCLIENT") && !hello.contains("VRFY"), "{hello}");
    let conversation = &world.worker.seats.iter().next().unwrap().1.conversation;
    assert_eq!(conversation.client.text, "192.0.2.7");
    assert!(conversation.login.is_none() && conversation.forward.is_none());
}

#[test]
fn what_comes_with_starttls_in_the_clear_is_thrown_away_and_told() {
    let mut world = certified();
    let mut client = world.client();
    world.ask(&mut client, "EHLO client.example\r\n", "250 ");
    let heard = world.ask(&mut client, "STARTTLS\r\nRSET\r\nNOOP\r\n", "220 2.0.0");
    assert_eq!(heard.matches("\r\n").count(), 1);
    let mut client = Secured::new(client);
    let heard = client.ask(&mut world, b"EHLO client.example\r\n", "250 ");
    assert!(heard.starts_with("250-"), "{heard}");
    world.until("it is told", |world| world.journal().contains("plaintext-after-starttls"));
    assert!(world.journal().contains("client=192.0.2.7 octets=12"), "{}", world.journal());
}

#[test]
fn on_a_door_with_tls_the_greeting_comes_behind_the_handshake() {
    let mut world = certified();
    let mut silent = world.client_at(Entrance { service: Service::Submission, implicit_tls: true });
    let client = world.client_at(Entrance { service: Service::Submission, implicit_tls: true });
    let mut client = Secured::new(client);
    assert!(client.ask(&mut world, b"", "\n").starts_with("220 "));
    let hello = client.ask(&mut world, b"EHLO client.example\r\n", "250 ");
    assert!(!hello.contains("STARTTLS"), "{hello}");
    let mut octets = [0; 10];
    assert_eq!(silent.stream.read(&mut octets).unwrap_err().kind(), ErrorKind::WouldBlock);
}

#[test]
fn a_handshake_in_single_octets_holds_up_nobody() {
    let mut world = certified();
    let mut slow = upgraded(&mut world);
    let mut hello = Vec::new();
    slow.tls.send(&mut hello).unwrap();
    let mut other = world.client();
    for octet in hello {
        slow.client.stream.write_all(&[octet]).unwrap();
        world.turn();
    }
    world.ask(&mut other, "EHLO client.example\r\n", "250 ");
    slow.ask(&mut world, b"EHLO client.example\r\n", "250 ");
}

#[test]
fn a_long_message_comes_through_whole() {
    let mut world = certified();
    let mut client = upgraded(&mut world);
    client.ask(&mut world, b"EHLO client.example\r\n", "250 ");
    let envelope = b"MAIL FROM:<a@example.net>\r\nRCPT TO:<user@example.org>\r\nDATA\r\n";
    client.ask(&mut world, envelope, "354 ");
    let line = [b'x'; 76];
    let content: Vec<u8> = (0..20_000).flat_map(|_| [line.as_slice(), b"\r\n"].concat()).collect();
    client.ask(&mut world, &[&content, b".\r\n".as_slice()].concat(), "250 2.0.0");
    let announced = world.announced(&world.scheduler_notify);
    assert!(announced[0].1.as_bytes().ends_with(&content), "all of it, in order");
    assert!(announced[0].1.contains("with ESMTPS"), "{}", &announced[0].1[..400]);
    assert!(world.journal().contains("tls=TLSv1.3"), "{}", world.journal());
}

#[test]
fn a_client_that_never_finishes_its_handshake_is_closed_in_time() {
    let mut world = certified();
    let house = &mut world.worker.desk.house;
    let limits = Limits { handshake_wait: 50, ..house.config.limits().clone() };
    house.config = Arc::new(proto::server::Config::new(house.config.hostname().clone(), limits).unwrap());
    let client = upgraded(&mut world);
    let silent = world.client_at(Entrance { service: Service::Relay, implicit_tls: true });
    world.until("both are closed", |world| world.journal().matches("why=tls-handshake").count() == 2);
    assert_eq!(world.journal().matches("alert=\"the client did not finish it in time\"").count(), 2);
    drop((client, silent));
}

#[test]
fn one_who_goes_on_in_the_clear_gets_an_alert_and_a_line_in_the_journal() {
    let mut world = certified();
    let mut client = upgraded(&mut world).client;
    client.stream.write_all(b"MAIL FROM:<a@example.net>\r\n").unwrap();
    world.until("it is closed", |world| world.journal().contains("why=tls-handshake"));
    assert!(world.journal().contains("alert=\"what the peer sent is not TLS\""), "{}", world.journal());
    let mut alert = [0; 100];
    let octets = client.stream.read(&mut alert).unwrap();
    assert_eq!((alert[0], octets), (21, 7));
}

#[test]
fn a_client_that_leaves_in_the_middle_is_told_of_as_such() {
    let mut world = certified();
    let client = world.client_at(Entrance { service: Service::Submission, implicit_tls: true });
    world.turn();
    drop(client);
    world.until("it is closed", |world| world.journal().contains("why=tls-handshake"));
    assert!(world.journal().contains("alert=\"the client went away\""), "{}", world.journal());
}
