//! The way of a message, end to end.

use system_tests::daemon::local_user;
use system_tests::maildir::without_trace;
use system_tests::{Grange, Sink, wait_until};

const HELLO: &[u8] =
    b"From: <you@client.example>\r\nSubject: hello\r\n\r\n.a dot, and 8 bits: \xc3\xa9\r\nbye\r\n";

#[test]
fn a_message_for_a_local_user_lands_in_the_maildir_unchanged() {
    let grange = Grange::start("");
    let user = local_user();
    let mut client = grange.connect();
    client.expect(250, "EHLO client.example");
    assert_eq!(client.deliver("you@client.example", &[&format!("{user}@example.org")], HELLO), 250);
    let id = client.id();
    let mail = grange.wait_for_mail(&user, 1);
    let text = String::from_utf8_lossy(&mail[0]);
    assert!(text.starts_with("Return-Path: <you@client.example>\n"), "{text}");
    assert!(text.contains(&id), "the id of the 250 is in the Received header: {text}");
    assert_eq!(without_trace(&mail[0]), HELLO);
    grange.wait_until_empty();
    grange.wait_for_line(&[&id, "accepted"]);
    grange.wait_for_line(&[&id, "delivered", "channel=mailbox"]);
}

#[test]
fn a_message_for_elsewhere_is_relayed_unchanged() {
    let sink = Sink::start();
    let grange = Grange::relaying_to(sink.port, "");
    let mut client = grange.connect();
    client.expect(250, "EHLO client.example");
    assert_eq!(client.deliver("you@client.example", &["ann@far.example", "bob@far.example"], HELLO), 250);
    let taken = sink.wait_for(1);
    assert_eq!(taken[0].to.len(), 2, "one transaction for both");
    assert!(taken[0].from.starts_with("MAIL FROM:<you@client.example>"));
    assert_eq!(without_trace(&taken[0].content), HELLO);
    grange.wait_until_empty();
}

#[test]
fn a_large_message_streams_through() {
    let sink = Sink::start();
    let grange = Grange::relaying_to(sink.port, "");
    let line = b"0123456789 abcdefghijklmnopqrstuvwxyz 0123456789 abcdefghijklmnopqrstuvwxyz\r\n";
    let mut content = b"Subject: large\r\n\r\n".to_vec();
    content.extend(line.repeat(100_000));
    let mut client = grange.connect();
    client.expect(250, "EHLO client.example");
    assert_eq!(client.deliver("you@client.example", &["ann@far.example"], &content), 250);
    let taken = sink.wait_for(1);
    assert!(without_trace(&taken[0].content) == content, "{} octets differ", taken[0].content.len());
    grange.wait_until_empty();
}

#[test]
fn many_messages_share_a_session() {
    let sink = Sink::start();
    let grange = Grange::relaying_to(sink.port, "");
    let mut client = grange.connect();
    client.expect(250, "EHLO client.example");
    for number in 0..50 {
        let content = format!("Subject: {number}\r\n\r\n{number}\r\n");
        assert_eq!(client.deliver("you@client.example", &["ann@far.example"], content.as_bytes()), 250);
    }
    client.expect(221, "QUIT");
    assert_eq!(sink.wait_for(50).len(), 50);
    grange.wait_until_empty();
}

#[test]
fn a_stop_leaves_nothing_behind_and_a_start_finds_everything() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let mut grange = Grange::relaying_to(port, "");
    let mut client = grange.connect();
    client.expect(250, "EHLO client.example");
    assert_eq!(client.deliver("you@client.example", &["ann@far.example"], HELLO), 250);
    let id = client.id();
    drop(client);
    grange.wait_for_line(&[&id, "deferred"]);
    grange.stop();
    grange.go();
    let queue = grange.queue();
    assert_eq!(queue.len(), 1, "{}", grange.told());
    assert_eq!(queue[0]["id"], id);
    let sink = Sink::on(std::net::TcpListener::bind(("127.0.0.1", port)).unwrap(), |_| None);
    assert!(grange.grange(&["queue", "retry", &id]).status.success());
    assert_eq!(without_trace(&sink.wait_for(1)[0].content), HELLO);
    grange.wait_until_empty();
}

#[test]
fn a_large_content_leaves_the_disk_when_it_is_delivered() {
    let sink = Sink::start();
    let grange = Grange::relaying_to(sink.port, "");
    let content = [b"Subject: large\r\n\r\n".to_vec(), b"0123456789\r\n".repeat(100_000)].concat();
    let mut client = grange.connect();
    client.expect(250, "EHLO client.example");
    assert_eq!(client.deliver("you@client.example", &["ann@far.example"], &content), 250);
    sink.wait_for(1);
    let large = grange.root().join("spool/large");
    wait_until("its file is gone", || std::fs::read_dir(&large).unwrap().next().is_none());
    let check = grange.grange(&["spool", "check"]);
    assert!(check.status.success(), "that is no damage: {}", String::from_utf8_lossy(&check.stdout));
}
