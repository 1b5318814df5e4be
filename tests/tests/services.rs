//! What a listener is for, and hosts that speak for their clients.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use system_tests::daemon::local_user;
use system_tests::{Grange, PATIENCE};

const TRUSTING: &str = "[smtpserver]\nlisten = [\"127.0.0.1:0\"]\nrelay-networks = [\"127.0.0.0/8\"]\n\
                        xclient-networks = [\"127.0.0.0/8\"]\n";

fn message(name: &str) -> Vec<u8> {
    format!("Subject: {name}\r\n\r\nbody\r\n").into_bytes()
}

#[test]
fn from_xclient_on_the_session_is_that_of_the_client_it_names() {
    let grange = Grange::start(TRUSTING);
    let user = format!("{}@example.org", local_user());
    let mut client = grange.connect();
    client.expect(250, "EHLO proxy.example").expect(220, "XCLIENT ADDR=192.0.2.7 NAME=mx.example.net");
    client.expect(503, "MAIL FROM:<a@example.net>").expect(250, "EHLO mx.example.net");
    assert!(!client.last.contains("XCLIENT"), "{}", client.last);
    client.expect(502, "XCLIENT ADDR=127.0.0.1").expect(250, "MAIL FROM:<a@example.net>");
    client.expect(554, "RCPT TO:<ann@far.example>").expect(250, "RSET");
    assert_eq!(client.deliver("a@example.net", &[&user], &message("named")), 250);
    grange.wait_for_line(&["refused", "client=192.0.2.7", "verb=RCPT", "rule=relay"]);
    grange.wait_for_line(&[&client.id(), "accepted", "client=192.0.2.7"]);
    let mail = String::from_utf8(grange.wait_for_mail(&local_user(), 1).remove(0)).unwrap();
    assert!(mail.contains("mx.example.net") && mail.contains("[192.0.2.7]"), "{mail}");
}

#[test]
fn xforward_names_the_sender_of_one_message_and_gives_no_rights() {
    let grange = Grange::start(TRUSTING);
    let user = format!("{}@example.org", local_user());
    let mut client = grange.connect();
    client.expect(250, "EHLO filter.example").expect(250, "XFORWARD ADDR=192.0.2.9 HELO=first.example");
    assert_eq!(client.deliver("a@example.net", &[&user], &message("one")), 250);
    grange.wait_for_line(&[&client.id(), "accepted", "client=192.0.2.9"]);
    assert_eq!(client.deliver("a@example.net", &[&user], &message("two")), 250);
    grange.wait_for_line(&[&client.id(), "accepted", "client=127.0.0.1"]);
    let all = grange.wait_for_mail(&local_user(), 2);
    let all: Vec<String> = all.into_iter().map(|mail| String::from_utf8(mail).unwrap()).collect();
    let of = |name: &str| all.iter().find(|mail| mail.contains(&format!("Subject: {name}"))).unwrap();
    assert!(of("one").contains("first.example") && of("one").contains("[192.0.2.9]"), "{}", of("one"));
    assert!(!of("two").contains("192.0.2.9"), "{}", of("two"));
}

#[test]
fn lmtp_is_spoken_at_a_socket_in_the_file_system() {
    let grange = Grange::start("[smtpserver]\nlisten = [\"127.0.0.1:0\", \"lmtp://unix:lmtp\"]\n");
    let mut stream = UnixStream::connect(grange.root().join("run/lmtp")).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let user = local_user();
    let all = format!(
        "EHLO x\r\nLHLO x\r\nMAIL FROM:<a@example.net>\r\nRCPT TO:<{user}@example.org>\r\n\
         RCPT TO:<postmaster>\r\nDATA\r\nSubject: l\r\n\r\nbody\r\n.\r\nQUIT\r\n"
    );
    stream.write_all(all.as_bytes()).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    let mut heard = String::new();
    stream.read_to_string(&mut heard).unwrap();
    let codes: Vec<&str> =
        heard.lines().filter(|line| line.as_bytes()[3] == b' ').map(|line| &line[..3]).collect();
    assert_eq!(codes, ["220", "500", "250", "250", "250", "250", "354", "250", "250", "221"], "{heard}");
    let mail = String::from_utf8(grange.wait_for_mail(&user, 1).remove(0)).unwrap();
    assert!(mail.contains("with LMTP"), "{mail}");
}

#[test]
fn a_message_that_comes_back_to_its_mailbox_is_a_loop() {
    let grange = Grange::start("");
    let user = format!("{}@example.org", local_user());
    let mut client = grange.connect();
    client.expect(250, "EHLO client.example");
    let content = format!("Delivered-To: {user}\r\nSubject: again\r\n\r\nbody\r\n");
    assert_eq!(client.deliver("", &[&user], content.as_bytes()), 250);
    grange.wait_for_line(&[&client.id(), "failed", "status=5.4.6"]);
}

#[test]
fn the_limit_of_hops_can_be_set() {
    let grange = Grange::start("[smtpserver]\nlisten = [\"127.0.0.1:0\"]\nhops = 10\n");
    let user = format!("{}@example.org", local_user());
    let mut client = grange.connect();
    client.expect(250, "EHLO client.example");
    let passed = |hosts: usize| format!("{}Subject: x\r\n\r\n", "Received: from x by y\r\n".repeat(hosts));
    assert_eq!(client.deliver("", &[&user], passed(10).as_bytes()), 250);
    assert_eq!(client.deliver("", &[&user], passed(11).as_bytes()), 554);
    grange.wait_for_line(&["refused", "rule=hops", "value=11", "limit=10"]);
}
