//! Clients that want to be taken for something else: other protocols, lines and octets that are none, messages within
//! messages, circles. What counts is what the client hears, what the journal says, and what arrives.

use system_tests::daemon::local_user;
use system_tests::{Client, Grange, Sink, wait_until};

const LISTEN: &str = "[smtpserver]\nlisten = [\"127.0.0.1:0\"]\n";

/// The beginning of a TLS handshake: a record of 22 (handshake), 3.1, 512 octets, in it a ClientHello of 3.3.
fn client_hello() -> Vec<u8> {
    let mut octets = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec();
    octets.extend((0..506_u16).map(|n| n.to_be_bytes()[1]));
    octets
}

fn open_to(user: &str) -> String {
    format!("EHLO client.example\r\nMAIL FROM:<you@client.example>\r\nRCPT TO:<{user}@example.org>\r\n")
}

/// A session with a transaction for this recipient.
fn opened(grange: &Grange, to: &str) -> Client {
    let mut client = grange.connect();
    client.expect(250, "EHLO client.example").expect(250, "MAIL FROM:<you@client.example>");
    client.expect(250, &format!("RCPT TO:<{to}>"));
    client
}

#[test]
fn whoever_speaks_another_protocol_is_closed_at_once_and_takes_nobody_with_him() {
    let grange = Grange::start("[smtpserver]\nlisten = [\"127.0.0.1:0\"]\nworkers = 1\n");
    let worker = grange.pids("smtpserver");
    let open = open_to(&local_user());
    let message = format!("{open}DATA\r\nSubject: x\r\n\r\n.\r\n");
    let mut foreign: Vec<Vec<u8>> = ["GET", "POST", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH"]
        .iter()
        .map(|verb| format!("{verb} / HTTP/1.1\r\nHost: mail.example.org\r\n\r\n{message}").into_bytes())
        .collect();
    foreign.push(format!("CONNECT mail.example.org:25 HTTP/1.1\r\n\r\n{message}").into_bytes());
    foreign.push(format!("EHLO client.example\r\nPOST / HTTP/1.1\r\n\r\n{message}").into_bytes());
    foreign.push(format!("{open}GET / HTTP/1.1\r\n\r\nDATA\r\nx\r\n.\r\n").into_bytes());
    foreign.push(client_hello());
    foreign.push([&client_hello(), message.as_bytes()].concat());
    for (number, octets) in foreign.iter().enumerate() {
        let mut client = grange.connect();
        client.send(octets);
        let heard = client.rest();
        let text = String::from_utf8_lossy(octets);
        assert!(heard.ends_with("421 4.7.0 this is a mail server\r\n"), "{text}: {heard}");
        assert!(!heard.contains(" accepted") && !heard.contains("354"), "{text}: {heard}");
        let why = if octets.first() == Some(&0x16) { "tls-in-clear" } else { "not-smtp" };
        let line = format!(" closed client=127.0.0.1 why={why} mails=0 ");
        let others = if why == "not-smtp" { 0 } else { foreign.len() - 2 };
        wait_until("it is told", || grange.journal().matches(&line).count() == number + 1 - others);
    }
    let refused = grange.journal().matches(" rule=not-smtp ").count();
    assert_eq!(refused, foreign.len(), "{}", grange.journal());
    assert_eq!(grange.pids("smtpserver"), worker);
    assert!(grange.mail_of(&local_user()).is_empty());
    grange.connect().expect(250, "EHLO client.example");
}

#[test]
fn a_line_that_is_too_long_is_refused_once_in_every_state_and_no_part_of_it_is_a_command() {
    let grange = Grange::start("");
    let to = format!("{}@example.org", local_user());
    let mut client = grange.connect();
    // A command behind a bare LF within the line would show by its reply.
    let long = |verb: &str| format!("{verb}{}\nQUIT\n{}", "x".repeat(5000), "y".repeat(300_000));
    let lines = [
        ("NOOP", "EHLO "),
        ("EHLO client.example", "MAIL FROM:<"),
        ("NOOP", "AUTH PLAIN "),
        ("MAIL FROM:<you@client.example>", "RCPT TO:<"),
        (&format!("RCPT TO:<{to}>"), "DATA "),
        ("NOOP", "BDAT 1"),
    ];
    for (number, (before, verb)) in lines.into_iter().enumerate() {
        client.expect(250, before);
        assert_eq!(client.say(&long(verb)), 500, "{verb}: {}", client.last);
        assert!(client.last.starts_with("500 5.5.2 line longer than 4096 octets"), "{}", client.last);
        let told = || grange.journal().matches(" rule=command-line value=longer limit=4096").count();
        wait_until("it is told", || told() == number + 1);
    }
    client.expect(354, "DATA");
    client.send(b"Subject: after all\r\n\r\n.\r\n");
    assert_eq!(client.reply(), 250, "{}", client.last);
    client.expect(221, "QUIT");
    grange.wait_for_line(&[" closed ", " why=quit mails=1 rcpts=1 refused=6 "]);
}

#[test]
fn a_line_without_an_end_costs_its_session_and_no_memory() {
    let grange = Grange::start(&format!("{LISTEN}command-timeout = \"2s\"\nworkers = 1\n"));
    let mut client = grange.connect();
    let before = grange.resident();
    let part = vec![b'x'; 1 << 20];
    let sent = (0..256).take_while(|_| client.try_send(&part).is_some()).count();
    assert!(sent >= 3, "{sent} MiB");
    let heard = client.rest();
    // It has not read our last word before it was cut off, perhaps.
    let last = heard.strip_prefix("500 5.5.2 line longer than 4096 octets\r\n").unwrap();
    assert!(last.is_empty() || last == "421 4.4.2 timeout; closing\r\n", "{heard}");
    assert!(grange.resident() < before + (8 << 10), "{before} KiB before, {} after", grange.resident());
    grange.wait_for_line(&[" refused ", " rule=command-line value=longer limit=4096"]);
    grange.wait_for_line(&[" closed ", " why=timeout mails=0 "]);
}

#[test]
fn content_that_is_one_line_of_three_mebibytes_arrives_as_it_is() {
    let grange = Grange::start("");
    let mut client = opened(&grange, &format!("{}@example.org", local_user()));
    client.expect(354, "DATA");
    let line = vec![b'x'; 3 << 20];
    client.send(b"Subject: long\r\n\r\n");
    client.send(&line);
    client.send(b"\r\n.\r\n");
    assert_eq!(client.reply(), 250, "{}", client.last);
    let mail = &grange.wait_for_mail(&local_user(), 1)[0];
    let arrived = mail.iter().filter(|octet| **octet == b'x').count();
    assert!(arrived >= line.len() && mail.ends_with(b"xx\n"), "{} octets", mail.len());
}

#[test]
fn a_nul_is_refused_wherever_it_stands() {
    let grange = Grange::start("");
    let to = format!("{}@example.org", local_user());
    let mut client = grange.connect();
    for line in [&b"EHLO cli\0ent.example"[..], b"\0EHLO client.example", b"EHLO client.example\0"] {
        client.send(&[line, b"\r\n"].concat());
        assert!(matches!(client.reply(), 500 | 501), "{line:?}: {}", client.last);
    }
    client.expect(250, "EHLO client.example");
    client.send(b"MAIL FROM:<a\0@client.example>\r\n");
    assert!(matches!(client.reply(), 500 | 501 | 553), "{}", client.last);
    client.expect(250, "MAIL FROM:<you@client.example>").expect(250, &format!("RCPT TO:<{to}>"));
    client.expect(354, "DATA");
    client.send(b"Subject: x\r\n\r\none\0two\r\n.\r\n");
    assert_eq!(client.reply(), 550, "{}", client.last);
    assert!(client.last.starts_with("550 5.6.0 NUL in line 3 of the message"), "{}", client.last);
    grange.wait_for_line(&[" refused ", " verb=DATA ", " rule=nul value=\"NUL in line 3 of the message\""]);
    let mut chunks = opened(&grange, &to);
    chunks.send(b"BDAT 16 LAST\r\nSubject: x\r\n\r\n\0\0");
    assert_eq!(chunks.reply(), 550, "{}", chunks.last);
    for client in [&mut client, &mut chunks] {
        client.expect(221, "QUIT");
    }
    wait_until("both are told", || grange.journal().matches(" why=quit mails=0 ").count() == 2);
    assert!(grange.mail_of(&local_user()).is_empty());
}

/// What another server may take for the end of data (SMTP smuggling); none of it is one.
const ENDS: [&[u8]; 12] = [
    b"\n.\n",
    b"\n.\r\n",
    b"\r\n.\n",
    b"\r.\r",
    b"\r.\r\n",
    b"\r.\n",
    b"\r\n.\r",
    b"\r\n.\r\r\n",
    b"\n\n.\r\n",
    b"\r\n.\0\r\n",
    b"\r\n\0.\r\n",
    b"\r\n.\x85\n",
];

#[test]
fn no_message_within_a_message_reaches_the_next_host() {
    let sink = Sink::start();
    let grange = Grange::relaying_to(sink.port, "");
    let inner = "MAIL FROM:<evil@client.example>\r\nRCPT TO:<bob@far.example>\r\nDATA\r\nsmuggled\r\n.\r\n";
    for (number, end) in ENDS.iter().enumerate() {
        let mut client = opened(&grange, "ann@far.example");
        client.expect(354, "DATA");
        let content = [b"Subject: one\r\n\r\nbody", *end, inner.as_bytes()].concat();
        // Whole, or with a cut within the forged end.
        for part in if number % 2 == 0 { vec![&content[..]] } else { vec![&content[..22], &content[22..]] } {
            client.send(part);
        }
        assert_eq!(client.reply(), 550, "{end:?}: {}", client.last);
        client.expect(221, "QUIT");
        let told = || {
            let journal = grange.journal();
            let rules = [" verb=DATA from=<you@client.example> ", " value=\""];
            let refused = journal.lines().filter(|line| rules.iter().all(|rule| line.contains(rule)));
            refused.filter(|line| line.contains("rule=smuggling ") || line.contains("rule=nul ")).count()
        };
        wait_until("it is told", || told() == number + 1);
    }
    // Chunks have no end but their count, and pass every line end on as it must be, or not at all.
    let mut client = opened(&grange, "ann@far.example");
    let content = format!("Subject: two\r\n\r\nbody\r\n.\r\n{inner}");
    client.send(format!("BDAT {} LAST\r\n{content}", content.len()).as_bytes());
    assert_eq!(client.reply(), 250, "{}", client.last);
    client.expect(221, "QUIT");
    sink.wait_for(1);
    grange.wait_until_empty();
    let taken = sink.taken();
    assert_eq!(taken.len(), 1, "{taken:?}");
    assert!(taken[0].content.ends_with(content.as_bytes()), "{:?}", taken[0]);
    assert!(taken[0].from.contains("you@client.example") && taken[0].to == ["RCPT TO:<ann@far.example>"]);
}

/// What stands outside quotation marks in a journal line.
fn outside(line: &str) -> String {
    let (mut quoted, mut escaped) = (false, false);
    let mut rest = String::new();
    for letter in line.chars() {
        match letter {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ if !quoted => rest.push(letter),
            _ => {}
        }
    }
    assert!(!quoted, "{line}");
    rest
}

#[test]
fn nothing_that_a_client_says_can_look_like_another_field_or_line_of_the_journal() {
    let grange = Grange::start("");
    let mut client = grange.connect();
    assert!(matches!(client.say("EHLO client.example\u{1b}[2J"), 500 | 501), "{}", client.last);
    client.expect(250, "EHLO x\"why=none").expect(250, "MAIL FROM:<\"x rule=none\"@client.example>");
    assert_eq!(client.say("RCPT TO:<\"a\\\" rule=none client=192.0.2.1 x=\\\"\"@example.org>"), 550);
    client.expect(221, "QUIT");
    let refused = outside(&grange.wait_for_line(&[" refused ", " verb=RCPT "]));
    assert!(refused.contains(" client=127.0.0.1 ") && refused.contains(" rule=recipient "), "{refused}");
    let closed = outside(&grange.wait_for_line(&[" closed "]));
    assert!(closed.contains(" why=quit ") && closed.contains(" helo= "), "{closed}");
    for line in [refused, closed] {
        assert!(!line.contains("none") && !line.contains("192.0.2.1"), "{line}");
    }
    assert!(!grange.journal().contains('\u{1b}'), "{}", grange.journal());
}

#[test]
fn one_host_more_than_the_limit_is_a_loop_and_the_limit_itself_is_none() {
    let sink = Sink::start();
    let grange = Grange::relaying_to(sink.port, &format!("{LISTEN}hops = 20\n"));
    let content = |hops| {
        let trace = "Received: from a by b;\r\n\tSun, 22 Nov 2026 00:00:00 +0000\r\n".repeat(hops);
        // What stands in the body is no trace.
        format!("{trace}Subject: round\r\n\r\n{}", "Received: x\r\n".repeat(30)).into_bytes()
    };
    let mut client = grange.connect();
    client.expect(250, "EHLO client.example");
    assert_eq!(client.deliver("you@client.example", &["ann@far.example"], &content(20)), 250);
    assert_eq!(client.deliver("you@client.example", &["ann@far.example"], &content(21)), 554);
    assert_eq!(client.last.trim(), "554 5.4.6 passed 21 hosts already; this is a mail loop");
    grange.wait_for_line(&[" refused ", " verb=DATA ", " rule=hops value=21 limit=20"]);
    sink.wait_for(1);
    grange.wait_until_empty();
    assert_eq!(sink.count(), 1);
}

#[test]
fn a_message_that_was_in_the_mailbox_before_goes_back_with_a_notice() {
    let sink = Sink::start();
    let grange = Grange::relaying_to(sink.port, "");
    let user = local_user();
    let to = format!("{user}@example.org");
    let mut client = grange.connect();
    client.expect(250, "EHLO client.example");
    let content = format!("Delivered-To: {}\r\nSubject: round\r\n\r\nx\r\n", to.to_uppercase());
    // The local part is compared as it is: the upper case one is somebody else's, until the domain alone differs.
    let same = content.replace(&user.to_uppercase(), &user);
    assert_eq!(client.deliver("you@far.example", &[&to], same.as_bytes()), 250);
    grange.wait_for_line(&[" failed ", &format!("to=<{to}>"), "status=5.4.6"]);
    sink.wait_for(1);
    let notice = sink.taken().remove(0);
    assert!(notice.from.contains("<>"), "{}", notice.from);
    assert!(String::from_utf8_lossy(&notice.content).contains("Status: 5.4.6"), "{notice:?}");
    assert!(grange.mail_of(&user).is_empty());
    // A notice that comes back is dropped, not answered.
    assert_eq!(client.deliver("", &[&to], same.as_bytes()), 250);
    grange.wait_until_empty();
    assert_eq!(sink.count(), 1);
}
