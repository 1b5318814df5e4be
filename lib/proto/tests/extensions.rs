//! Our client against our server: whatever a sender may ask for arrives as it was asked, with and without TLS, by DATA or
//! by BDAT.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "test code")]

use proptest::prelude::*;
use proto::address::{Mailbox, ReversePath};
use proto::client::{self, Dialect, Protection, Settings, Stuffing, Timeouts};
use proto::disposition::{Disposition, Outcome};
use proto::envelope::Shape;
use proto::id::SpoolId;
use proto::limits::Limits;
use proto::message::shape_of;
use proto::server::{self, Config, Privileges, Security, Standing, Verdict};
use proto::terms::{BodyKind, ByMode, DeliverBy, Notify, RecipientTerms, Ret, Terms};
use std::sync::Arc;

const UTC: u64 = 1_750_000_000_000;

/// What came of one message.
struct Outcomes {
    /// What the server has committed, and its content.
    taken: Option<(server::Transaction, Vec<u8>)>,
    /// What the client was told of each recipient.
    settled: Vec<Disposition>,
    /// What the client sent before and behind the handshake.
    sent: [Vec<u8>; 2],
}

/// Two sessions, and the octets between them.
struct Peers {
    client: client::Session,
    server: server::Session,
    to_server: Vec<u8>,
    to_client: Vec<u8>,
    content: Vec<u8>,
    transaction: Option<client::Transaction>,
    draft: Vec<u8>,
    outcomes: Outcomes,
}

fn settings(protection: Protection) -> Settings {
    Settings {
        dialect: Dialect::Smtp,
        our_name: "mail.example.org".into(),
        peer: "mx.example.net[192.0.2.1]".into(),
        timeouts: Timeouts::default(),
        protection,
    }
}

impl Peers {
    fn new(protection: Protection, transaction: client::Transaction, content: &[u8]) -> Self {
        let config = Config::new("mx.example.net".parse().unwrap(), Limits::default()).unwrap();
        let privileges = Privileges { relay: true, ..Privileges::default() };
        let standing = Standing { privileges, starttls: true, utc: UTC, ..Standing::default() };
        let mut standing = standing;
        standing.mechanisms.plain = Arc::from(["PLAIN".to_owned()]);
        standing.mechanisms.secured = Arc::from(["PLAIN".to_owned()]);
        let server = server::Session::new(Arc::new(config), standing, 0);
        let mut to_client = Vec::new();
        server.greeting().write_to(&mut to_client);
        Self {
            client: client::Session::new(settings(protection), 0),
            server,
            to_server: Vec::new(),
            to_client,
            content: content.to_vec(),
            transaction: Some(transaction),
            draft: Vec::new(),
            outcomes: Outcomes { taken: None, settled: Vec::new(), sent: [Vec::new(), Vec::new()] },
        }
    }

    fn run(mut self) -> Outcomes {
        for _ in 0..10_000 {
            self.serve();
            if self.step() {
                return self.outcomes;
            }
        }
        unreachable!("the session never ended")
    }

    fn serve(&mut self) {
        loop {
            let input = std::mem::take(&mut self.to_server);
            let step = self.server.advance(&input, 0);
            let consumed = step.consumed;
            let reply = match step.action {
                server::Action::Reply(reply) => Some(reply),
                server::Action::Ask(question) => {
                    self.server.answer(question.number, Verdict::Accepted { route: None }, 0)
                }
                server::Action::BeginBody => self.server.opened(Ok(()), 0),
                server::Action::Body(octets) => {
                    self.draft.extend_from_slice(octets);
                    None
                }
                server::Action::EndOfBody { transaction, .. } => {
                    self.outcomes.taken = Some((transaction, std::mem::take(&mut self.draft)));
                    self.server.committed(Ok(SpoolId::new(1, 2, 3, 4)), 0)
                }
                server::Action::StartTls => {
                    assert_eq!(consumed, input.len());
                    return;
                }
                server::Action::NeedInput | server::Action::Close(_) => {
                    self.to_server = input[consumed..].to_vec();
                    return;
                }
                other => unreachable!("{other:?}"),
            };
            self.to_server = input[consumed..].to_vec();
            if let Some(reply) = reply {
                reply.write_to(&mut self.to_client);
            }
        }
    }

    fn send(&mut self, octets: &[u8]) {
        self.to_server.extend_from_slice(octets);
        self.outcomes.sent[usize::from(self.client.is_secured())].extend_from_slice(octets);
    }

    fn step(&mut self) -> bool {
        let input = std::mem::take(&mut self.to_client);
        let step = self.client.advance(&input, 0);
        self.to_client = input[step.consumed..].to_vec();
        match step.action {
            client::Action::Send(octets) => self.send(&octets),
            client::Action::StartTls => {
                self.client.secured(Ok(()), 0);
                self.server.secured(Security { version: "TLSv1.3".into(), ..Security::default() }, 0);
            }
            client::Action::Settled(_, disposition) => self.outcomes.settled.push(disposition),
            client::Action::Unusable(disposition) => self.outcomes.settled.push(disposition),
            client::Action::WantBody => self.stream(),
            client::Action::Idle => match self.transaction.take() {
                Some(transaction) => self.client.begin(transaction, 0).unwrap(),
                None => self.client.quit(0),
            },
            client::Action::NeedInput => assert!(!self.to_client.is_empty() || !self.to_server.is_empty()),
            client::Action::Close => return true,
            other @ (client::Action::Followed | client::Action::Returned(_)) => unreachable!("{other:?}"),
        }
        false
    }

    fn stream(&mut self) {
        let content = std::mem::take(&mut self.content);
        let shape = shape_of(&content);
        if self.client.features().chunks(&shape) {
            self.send(&content);
        } else {
            let mut stuffing = Stuffing::new(shape.leading_dot);
            let pieces: Vec<u8> = stuffing.pieces(&content).flatten().copied().collect();
            self.send(&pieces);
            self.send(stuffing.end());
        }
        self.client.body_sent(0);
    }
}

fn xtext() -> impl Strategy<Value = String> {
    "([a-zA-Z0-9.@_-]|\\+2B|\\+3D){1,30}"
}

fn terms() -> impl Strategy<Value = Terms> {
    let ret = prop::option::of(prop_oneof![Just(Ret::Full), Just(Ret::Headers)]);
    let by = prop::option::of((1_u64..999_999, any::<bool>(), any::<bool>()));
    let auth = prop::option::of(prop_oneof![Just("<>".to_owned()), Just("ann@example.org".to_owned())]);
    (ret, prop::option::of(xtext()), prop::option::of(-9_i8..=9), by, auth, any::<bool>()).prop_map(
        |(ret, envid, priority, by, auth, require_tls)| Terms {
            ret,
            envid,
            priority,
            deliver_by: by.map(|(seconds, returns, trace)| DeliverBy {
                until: UTC + seconds * 1000,
                mode: if returns { ByMode::Return } else { ByMode::Notify },
                trace,
            }),
            auth,
            require_tls,
            ..Terms::default()
        },
    )
}

fn wishes() -> impl Strategy<Value = RecipientTerms> {
    let notify = (any::<bool>(), any::<bool>(), any::<bool>()).prop_map(|(success, failure, delay)| Notify {
        success,
        failure,
        delay,
    });
    let orcpt = prop::option::of(xtext().prop_map(|word| format!("rfc822;{word}")));
    (prop::option::of(notify), orcpt).prop_map(|(notify, orcpt)| RecipientTerms { notify, orcpt })
}

fn addresses() -> impl Strategy<Value = Mailbox> {
    prop_oneof![
        Just("bob@example.net".parse().unwrap()),
        Just("\"b. b\"@example.net".parse().unwrap()),
        Just("j\u{f6}rg@b\u{fc}cher.example".parse().unwrap()),
        Just("ann@b\u{fc}cher.example".parse().unwrap()),
    ]
}

fn contents() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        Just(b"Subject: x\r\n\r\n.y\r\n".to_vec()),
        Just("Subject: x\r\n\r\ncaf\u{e9}\r\n".as_bytes().to_vec()),
        Just("Subject: \u{e9}\r\n\r\ncaf\u{e9}\r\n".as_bytes().to_vec()),
        Just(b"Subject: x\r\n\r\n\0a\nb\r.\r\n.\r\n\xff".to_vec()),
    ]
}

/// What the server should have understood.
fn expected(asked: &Terms, shape: &Shape, utf8: bool) -> Terms {
    let body = match (shape.binary, shape.eight_bit) {
        (true, _) => BodyKind::BinaryMime,
        (false, true) => BodyKind::EightBitMime,
        (false, false) => BodyKind::SevenBit,
    };
    Terms { body, utf8, ..asked.clone() }
}

proptest! {
    #[test]
    fn what_is_asked_for_arrives(
        mut terms in terms(),
        recipients in prop::collection::vec((addresses(), wishes()), 1..4),
        content in contents(),
        says_utf8: bool,
    ) {
        terms.utf8 = says_utf8;
        let protection = if terms.require_tls { Protection::RequireTls } else { Protection::Never };
        let shape = shape_of(&content);
        let from = ReversePath::Mailbox("ann@example.org".parse().unwrap());
        let (addresses, wishes): (Vec<Mailbox>, Vec<RecipientTerms>) = recipients.iter().cloned().unzip();
        let plain = client::Transaction::plain(from, addresses.clone(), shape);
        let transaction = client::Transaction { terms: terms.clone(), wishes: wishes.clone(), utc: UTC, ..plain };
        let outcomes = Peers::new(protection, transaction, &content).run();

        let utf8 = says_utf8 && shape.eight_bit || addresses.iter().any(Mailbox::is_utf8);
        for disposition in &outcomes.settled {
            prop_assert_eq!(disposition.outcome, Outcome::Delivered, "{:?}", disposition);
        }
        prop_assert_eq!(outcomes.settled.len(), addresses.len());
        let (taken, octets) = outcomes.taken.unwrap();
        prop_assert_eq!(octets, content);
        prop_assert_eq!(taken.terms, expected(&terms, &shape, utf8));
        prop_assert_eq!(taken.declared_size, Some(shape.size));
        for ((taken, address), wishes) in taken.recipients.iter().zip(&addresses).zip(&wishes) {
            prop_assert_eq!(taken.address.to_string(), address.to_string());
            prop_assert_eq!(&taken.terms, wishes);
        }
        if terms.require_tls {
            prop_assert_eq!(&outcomes.sent[0][..], &b"EHLO mail.example.org\r\nSTARTTLS\r\n"[..]);
        }
    }
}
