//! What clients see, and what the spool and the journal hold afterwards.

use super::world::World;
use ipc::smtp_worker::FromWorker;

const HELLO: &str = "EHLO mx.example.net\r\n";
const MAIL: &str = "MAIL FROM:<news@example.net>\r\n";

fn rcpt(user: &str) -> String {
    format!("RCPT TO:<{user}@example.org>\r\n")
}

#[test]
fn a_message_is_durable_when_it_is_answered_and_the_scheduler_hears_of_it() {
    let mut world = World::new();
    let mut client = world.client();
    world.ask(&mut client, "", "220 mail.example.org ESMTP");
    world.ask(&mut client, HELLO, "250 ");
    world.ask(&mut client, &format!("{MAIL}{}DATA\r\n", rcpt("ann")), "354 ");
    let reply = world.ask(&mut client, "Subject: x\r\n\r\n..dot\r\n.\r\n", "accepted\r\n");
    let entries = world.announced(&world.scheduler_notify);
    let [(entry, content)] = entries.as_slice() else { panic!("{entries:?}") };
    assert!(reply.contains(&format!("250 2.0.0 {} accepted", entry.id)), "{reply}");
    let trace = "Received: from mx.example.net ([192.0.2.7]) by mail.example.org";
    assert!(content.starts_with(trace) && content.ends_with("\r\nSubject: x\r\n\r\n.dot\r\n"), "{content}");
    let envelope = entry.envelope.clone();
    assert_eq!(envelope.shape, proto::message::shape_of(content.as_bytes()));
    assert!(envelope.recipients.iter().all(|recipient| recipient.route.is_some()));
    assert!(world.announced(&world.router_notify).is_empty(), "the router has nothing to do");
    world.ask(&mut client, "QUIT\r\n", "221 ");
    assert_eq!(world.farewell(&mut client), "");
    world.turn();
    let journal = world.journal();
    assert!(journal.contains("accepted  session=1 client=192.0.2.7 helo=mx.example.net"), "{journal}");
    assert!(journal.contains("closed client=192.0.2.7 why=quit mails=1 rcpts=1"), "{journal}");
}

#[test]
fn what_must_be_expanded_is_told_to_the_router() {
    let mut world = World::new();
    let mut client = world.client();
    world.ask(&mut client, &format!("{HELLO}{MAIL}{}{}DATA\r\n", rcpt("ann"), rcpt("list")), "354 ");
    world.ask(&mut client, "\r\n.\r\n", "accepted\r\n");
    let entries = world.announced(&world.router_notify);
    let routed: Vec<bool> = entries[0].0.envelope.recipients.iter().map(|r| r.route.is_some()).collect();
    assert_eq!(routed, [true, false]);
}

#[test]
fn a_route_by_tables_that_are_out_of_force_is_not_stored() {
    let mut world = World::new();
    let mut client = world.client();
    world.ask(&mut client, &format!("{HELLO}{MAIL}{}", rcpt("ann")), "<ann@example.org> recipient ok");
    world.generation = 2;
    world.ask(&mut client, &format!("{}DATA\r\n", rcpt("bob")), "354 ");
    world.ask(&mut client, "\r\n.\r\n", "accepted\r\n");
    let entries = world.announced(&world.router_notify);
    let routed: Vec<bool> = entries[0].0.envelope.recipients.iter().map(|r| r.route.is_some()).collect();
    assert_eq!(routed, [false, true]);
}

#[test]
fn a_refusal_is_remembered_for_the_next_client() {
    let mut world = World::new();
    for _ in 0..2 {
        let mut client = world.client();
        let replies = world.ask(&mut client, &format!("{HELLO}{MAIL}{}DATA\r\n", rcpt("nosuch")), "554 ");
        assert!(replies.contains("550 5.1.1 no such user\r\n"), "{replies}");
        assert!(replies.contains("554 5.5.1 no valid recipients\r\n"), "{replies}");
    }
    assert_eq!(world.questions.len(), 1);
    let line = "helo=mx.example.net verb=RCPT from=<news@example.net> to=<nosuch@example.org> reply=\"550";
    assert!(world.journal().contains(line), "{}", world.journal());
}

#[test]
fn a_refusal_by_policy_has_its_own_code_and_is_not_remembered() {
    let mut world = World::new();
    for _ in 0..2 {
        let mut client = world.client();
        let replies = world.ask(&mut client, &format!("{HELLO}{MAIL}{}", rcpt("relay")), "from 192.0.2.7");
        assert!(replies.contains("554 5.7.1 relaying"), "{replies}");
    }
    assert_eq!(world.questions.len(), 2);
}

#[test]
fn the_journal_takes_no_content_for_a_command() {
    let mut world = World::new();
    let mut client = world.client();
    world.ask(&mut client, &format!("{HELLO}{MAIL}BDAT 27\r\n"), "sender ok");
    world.ask(&mut client, "RCPT TO:<bob@example.net>\r\n", "503 5.5.1 no valid");
    world.turn();
    let journal = world.journal();
    assert!(journal.contains("verb=BDAT from=<news@example.net>"), "{journal}");
    assert!(!journal.contains("bob@example.net"), "{journal}");
}

#[test]
fn xclient_names_a_client_from_scratch() {
    let mut world = World::new();
    world.trust(&tls::Material::default());
    let mut client = world.client();
    world.ask(&mut client, HELLO, "250 ");
    assert!(world.ask(&mut client, "XCLIENT LOGIN=\r\n", "\n").starts_with("501 "));
    world.ask(&mut client, "XFORWARD ADDR=198.51.100.1 NAME=other.example\r\n", "250 ");
    world.ask(&mut client, "XFORWARD ADDR=198.51.100.2\r\n", "250 ");
    let forwarded = &world.worker.seats.iter().next().unwrap().1.conversation.client;
    assert_eq!(forwarded.name.as_deref(), Some("other.example"), "several XFORWARD add up");
    world.ask(&mut client, "XCLIENT LOGIN=bob\r\n", "220 ");
    let conversation = &world.worker.seats.iter().next().unwrap().1.conversation;
    assert_eq!((conversation.client.text.as_str(), conversation.client.name.as_deref()), ("192.0.2.7", None));
    assert_eq!(conversation.session.account(), Some("bob"));
}

#[test]
fn a_session_that_is_played_never_becomes_a_real_one() {
    let mut world = World::new();
    let mut client = world.client();
    world.ask(&mut client, HELLO, "250 ");
    let conversation = &mut world.worker.seats.iter_mut().next().unwrap().1.conversation;
    conversation.session.standing_mut().privileges.play = true;
    world.ask(&mut client, "XPLAY ADDR=198.51.100.1\r\n", "");
    world.until("the master is asked", |world| {
        world.told.iter().any(|told| matches!(told, FromWorker::Consult { .. }))
    });
    world.consult();
    world.ask(&mut client, "", "220 ");
    // Nobody answers this time.
    world.ask(&mut client, "XPLAY ADDR=198.51.100.2\r\n", "451 ");
    world.ask(&mut client, &format!("{HELLO}{MAIL}{}DATA\r\n", rcpt("ann")), "354 ");
    world.ask(&mut client, "\r\n.\r\n", "trial: would be accepted");
    assert!(world.announced(&world.scheduler_notify).is_empty());
}

#[test]
fn many_hops_are_a_loop() {
    let mut world = World::new();
    let mut client = world.client();
    let content = "Received: by a\r\n".repeat(101);
    world.ask(&mut client, &format!("{HELLO}{MAIL}{}DATA\r\n", rcpt("ann")), "354 ");
    world.ask(&mut client, &format!("{content}\r\n.\r\n"), "554 5.4.6 ");
    assert!(world.announced(&world.scheduler_notify).is_empty());
}

#[test]
fn a_client_that_says_all_at_once_and_listens_is_answered_to_the_end() {
    let mut world = World::new();
    let mut client = world.client();
    let group = format!("{HELLO}{MAIL}{}DATA\r\n\r\n.\r\n{MAIL}", rcpt("ann"));
    world.ask(&mut client, &group, "220 ");
    client.stream.shutdown(std::net::Shutdown::Write).unwrap();
    let replies = world.farewell(&mut client);
    assert!(replies.contains("accepted\r\n250 2.1.0 <news@example.net> sender ok\r\n"), "{replies}");
    world.turn();
    assert!(world.journal().contains("why=eof mails=1"), "{}", world.journal());
    assert_eq!(world.worker.desk.transactions.open(), 0);
}

#[test]
fn a_large_message_arrives_whole_while_others_converse() {
    let mut world = World::new();
    let (mut large, mut small) = (world.client(), world.client());
    world.ask(&mut large, &format!("{HELLO}{MAIL}{}DATA\r\n", rcpt("ann")), "354 ");
    let line = "0123456789abcdef".repeat(60) + "\r\n";
    for _ in 0..300 {
        world.ask(&mut large, &line, "");
        world.turn();
        world.ask(&mut small, "HELP\r\n", "214 ");
    }
    world.ask(&mut large, ".\r\n", "accepted\r\n");
    let entries = world.announced(&world.scheduler_notify);
    assert!(entries[0].1.ends_with(&line.repeat(300)));
}
