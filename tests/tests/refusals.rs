//! What is refused, and in what words.

use system_tests::daemon::local_user;
use system_tests::{Grange, Sink, wait_until};

#[test]
fn an_unknown_local_user_is_refused_in_the_session() {
    let grange = Grange::start("");
    let mut client = grange.connect();
    client.expect(250, "EHLO client.example").expect(250, "MAIL FROM:<you@client.example>");
    client.expect(550, "RCPT TO:<nosuch@example.org>");
    assert_eq!(client.last.trim(), "550 5.1.1 <nosuch@example.org> no such user");
    client.expect(554, "DATA");
    grange.wait_for_line(&["refused", "verb=RCPT", "nosuch@example.org"]);
}

#[test]
fn it_is_no_open_relay() {
    let grange = Grange::start("[smtpserver]\nlisten = [\"127.0.0.1:0\"]\nrelay-networks = []\n");
    let mut client = grange.connect();
    client.expect(250, "EHLO client.example").expect(250, "MAIL FROM:<you@client.example>");
    assert_eq!(client.say("RCPT TO:<ann@far.example>") / 100, 5);
    assert!(
        client.last.contains("5.7.1 relaying to far.example is not allowed from 127.0.0.1"),
        "{}",
        client.last
    );
    for trick in
        ["ann%far.example@example.org", "\"ann@far.example\"@example.org", "far.example!ann@example.org"]
    {
        assert_eq!(client.say(&format!("RCPT TO:<{trick}>")) / 100, 5, "{trick}: {}", client.last);
    }
    client.expect(250, &format!("RCPT TO:<{}@example.org>", local_user()));
}

#[test]
fn bad_commands_get_clear_answers_and_the_session_goes_on() {
    let grange = Grange::start("");
    let mut client = grange.connect();
    client.expect(250, "EHLO client.example");
    for (code, command) in [
        (500, "FROBNICATE"),
        (501, "MAIL FROM:you"),
        (555, "MAIL FROM:<you@client.example> FOO=BAR"),
        (503, "RCPT TO:<ann@example.org>"),
        (503, "DATA"),
        (552, "MAIL FROM:<you@client.example> SIZE=99999999999"),
        (252, "VRFY ann"),
        (214, "HELP"),
        (250, "NOOP"),
    ] {
        client.expect(code, command);
    }
    assert_eq!(client.say(&format!("NOOP {}", "x".repeat(10_000))), 500, "{}", client.last);
    client.send(b"NO\0OP\r\n");
    assert_eq!(client.reply(), 500, "{}", client.last);
    client.expect(250, "NOOP").expect(221, "QUIT");
    assert!(client.is_closed());
}

#[test]
fn a_client_that_goes_on_making_errors_is_sent_away() {
    let grange = Grange::start("[smtpserver]\nlisten = [\"127.0.0.1:0\"]\ncommand-errors = 5\n");
    let mut client = grange.connect();
    let codes: Vec<u16> = (0..5).map(|_| client.say("FROBNICATE")).collect();
    assert_eq!(codes[..4], [500; 4]);
    assert_eq!(codes[4], 421, "{}", client.last);
    assert!(client.is_closed());
}

#[test]
fn a_bare_newline_smuggles_nothing() {
    let sink = Sink::start();
    let grange = Grange::relaying_to(sink.port, "");
    for end in [&b"\n.\n"[..], b"\n.\r\n", b"\r\n.\n", b"\r.\r", b"\r\n.\r"] {
        let mut client = grange.connect();
        client.expect(250, "EHLO client.example").expect(250, "MAIL FROM:<you@client.example>");
        client.expect(250, "RCPT TO:<ann@far.example>").expect(354, "DATA");
        client.send(b"Subject: one\r\n\r\nbody");
        client.send(end);
        client.send(
            b"MAIL FROM:<evil@client.example>\r\nRCPT TO:<bob@far.example>\r\nDATA\r\nsmuggled\r\n.\r\n",
        );
        assert_eq!(client.reply(), 550, "{end:?}: {}", client.last);
        client.expect(221, "QUIT");
    }
    assert_eq!(grange.gauge("scheduler", "messages"), 0.0);
    assert_eq!(sink.count(), 0);
}

#[test]
fn a_client_that_stops_in_the_middle_leaves_nothing() {
    let grange = Grange::start("");
    let user = local_user();
    let mut client = grange.connect();
    client.expect(250, "EHLO client.example").expect(250, "MAIL FROM:<you@client.example>");
    client.expect(250, &format!("RCPT TO:<{user}@example.org>")).expect(354, "DATA");
    client.send(b"Subject: never finished\r\n\r\nhalf a li");
    drop(client);
    wait_until("its session is gone", || grange.gauge("smtpserver", "sessions") == 0.0);
    assert_eq!(grange.gauge("scheduler", "messages"), 0.0);
    assert!(grange.mail_of(&user).is_empty());
}

#[test]
fn a_thousand_recipients_are_one_message() {
    let sink = Sink::start();
    let grange = Grange::relaying_to(sink.port, "");
    let names: Vec<String> = (0..1000).map(|number| format!("r{number}@far.example")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut client = grange.connect();
    client.expect(250, "EHLO client.example");
    assert_eq!(client.deliver("you@client.example", &names, b"Subject: all\r\n\r\nhello\r\n"), 250);
    grange.wait_until_empty();
    assert_eq!(sink.taken().iter().map(|taken| taken.to.len()).sum::<usize>(), 1000);
}

#[test]
fn more_recipients_than_allowed_are_asked_to_come_again() {
    let grange = Grange::start("[smtpserver]\nlisten = [\"127.0.0.1:0\"]\nrecipients = 100\n");
    let mut client = grange.connect();
    client.expect(250, "EHLO client.example").expect(250, "MAIL FROM:<you@client.example>");
    for number in 0..100 {
        client.expect(250, &format!("RCPT TO:<r{number}@far.example>"));
    }
    client.expect(452, "RCPT TO:<one-more@far.example>");
}

#[test]
fn a_message_over_the_limit_is_refused_before_and_after() {
    let sink = Sink::start();
    let grange =
        Grange::relaying_to(sink.port, "[smtpserver]\nlisten = [\"127.0.0.1:0\"]\nmessage-size = \"64K\"\n");
    let mut client = grange.connect();
    client.expect(250, "EHLO client.example");
    assert!(client.last.contains("SIZE 65536"), "{}", client.last);
    client.expect(552, "MAIL FROM:<you@client.example> SIZE=70000");
    let content = b"0123456789\r\n".repeat(10_000);
    assert_eq!(client.deliver("you@client.example", &["ann@far.example"], &content), 552, "{}", client.last);
    assert_eq!(client.deliver("you@client.example", &["ann@far.example"], b"Subject: x\r\n\r\n"), 250);
    sink.wait_for(1);
}

#[test]
fn a_client_has_only_so_many_connections() {
    let grange = Grange::start("[smtpserver]\nlisten = [\"127.0.0.1:0\"]\nsessions-per-client = 2\n");
    let first = grange.connect();
    let _second = grange.connect();
    let mut third = system_tests::Client::raw(grange.port);
    assert_eq!(third.reply(), 421);
    assert!(third.last.starts_with("421 4.7.0 "), "{}", third.last);
    drop(first);
    wait_until("there is room again", || system_tests::Client::try_connect(grange.port).is_some());
}

#[test]
fn a_message_that_goes_round_in_circles_is_refused() {
    let grange = Grange::start("");
    let mut client = grange.connect();
    client.expect(250, "EHLO client.example");
    let content = "Received: from a by b; Sun, 22 Nov 2026 00:00:00 +0000\r\n".repeat(150) + "\r\nloop\r\n";
    assert_eq!(client.deliver("you@client.example", &["ann@far.example"], content.as_bytes()), 554);
    assert!(client.last.contains("5.4.6"), "{}", client.last);
}
