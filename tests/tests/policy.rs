//! The policy table: each phase, each action, and what becomes of mistakes in it.

use std::fs;
use system_tests::daemon::{kill, local_user};
use system_tests::{Client, Grange, Sink, wait_for, wait_until};

const SECTION: &str = "[smtpserver]\nlisten = [\"127.0.0.1:0\"]\nworkers = 1\npolicy = \"policy\"\n";

/// Writes the table as an editor does.
fn write(grange: &Grange, rules: &str) {
    let file = grange.root().join("etc/policy");
    fs::write(file.with_extension("new"), rules).unwrap();
    fs::rename(file.with_extension("new"), file).unwrap();
}

fn start(rules: &str, more: &str) -> Grange {
    let mut grange = Grange::prepare(&format!("{SECTION}{more}"));
    write(&grange, rules);
    grange.go();
    grange
}

#[test]
fn each_phase_refuses_in_the_operators_words() {
    let rules = "\
helo     helo=localhost                  reject that is not your name, %client
mail     from=@bad.example               reject 554 5.7.9 %from may not send
mail     size>1M                         defer 452 4.7.3 not now
rcpt     to=boss@example.org !name       reject 550 5.7.2 %to reads no mail from strangers
data     recipients>1                    reject one at a time
content  size>2K                         reject 552 5.3.4 short letters only
";
    let grange = start(rules, "[admission]\nnames = \"always\"\n");
    let user = local_user();
    let mut client = grange.connect();
    client.expect(550, "EHLO localhost");
    assert_eq!(client.last.trim(), "550 5.7.1 that is not your name, 127.0.0.1");
    client.expect(503, "MAIL FROM:<a@good.example>").expect(250, "EHLO client.example");
    client.expect(554, "MAIL FROM:<a@bad.example>");
    assert_eq!(client.last.trim(), "554 5.7.9 <a@bad.example> may not send");
    client.expect(452, "MAIL FROM:<a@good.example> SIZE=2000000").expect(250, "MAIL FROM:<a@good.example>");
    client.expect(550, "RCPT TO:<boss@example.org>");
    assert_eq!(client.last.trim(), "550 5.7.2 <boss@example.org> reads no mail from strangers");
    client.expect(250, &format!("RCPT TO:<{user}@example.org>"));
    client.expect(250, "RCPT TO:<postmaster>").expect(550, "DATA").expect(250, "RSET");
    let short = b"Subject: s\r\n\r\nx\r\n".as_slice();
    let long = [short, b"x\r\n".repeat(1000).as_slice()].concat();
    assert_eq!(client.deliver("a@good.example", &[&format!("{user}@example.org")], &long), 552);
    assert_eq!(client.last.trim(), "552 5.3.4 short letters only");
    assert_eq!(client.deliver("a@good.example", &[&format!("{user}@example.org")], short), 250);
    grange.wait_for_line(&["refused", "verb=EHLO", "helo=localhost", "rule=policy:1"]);
    let line = grange.wait_for_line(&["refused", "verb=RCPT"]);
    assert!(
        line.ends_with(
            "rule=policy:4 value=\"to=<boss@example.org> name=-\" limit=\"to=boss@example.org !name\""
        ),
        "{line}"
    );
    grange.wait_for_line(&["refused", "verb=DATA", "rule=policy:6", "limit=size>2K"]);
}

#[test]
fn a_client_can_be_refused_before_the_greeting_and_a_change_counts_at_once() {
    let grange = start("connect client=127.0.0.0/8 reject 554 5.7.1 go away, %client\n", "");
    let mut client = system_tests::Client::raw(grange.port);
    assert_eq!(client.reply(), 554);
    assert_eq!(client.last.trim(), "554 5.7.1 go away, 127.0.0.1");
    client.expect(503, "EHLO client.example").expect(221, "QUIT");
    grange.wait_for_line(&["refused", "verb=-", "rule=policy:1", "limit=client=127.0.0.0/8"]);
    write(&grange, "connect client=192.0.2.0/24 reject\n");
    wait_until("the new rules count", || system_tests::Client::raw(grange.port).reply() == 220);
}

#[test]
fn a_held_message_waits_in_the_queue_and_a_mark_stays_with_its_message() {
    let sink = Sink::start();
    let rules = "mail from=<> hold a notice from %client\nmail tag first\nrcpt to=@far.example tag far\n";
    let routes = format!("[router]\nroutes = {{ \".\" = \"smtp!127.0.0.1:{}\" }}\n", sink.port);
    let grange = start(rules, &routes);
    let mut client = grange.connect();
    client.expect(250, "EHLO client.example");
    let content = b"Subject: s\r\n\r\nx\r\n";
    assert_eq!(client.deliver("", &["ann@far.example"], content), 250, "{}", client.last);
    let held = client.id();
    assert_eq!(client.deliver("bob@b.example", &["ann@far.example"], content), 250, "{}", client.last);
    let sent = client.id();
    grange.wait_for_line(&[&sent, "accepted", "tags=first,far"]);
    grange.wait_for_line(&[&sent, "delivered"]);
    // The rule that holds ends its phase, so the mark behind it is not set.
    grange.wait_for_line(&[&held, "accepted", "tags=far"]);
    let line = grange.wait_for_line(&[&held, "deferred", "channel=hold"]);
    assert!(line.contains("a notice from 127.0.0.1"), "{line}");
    assert_eq!(grange.queue().len(), 1);
    let segments = fs::read_dir(grange.root().join("spool/segments")).unwrap().flatten();
    let all: Vec<u8> = segments.flat_map(|file| fs::read(file.path()).unwrap_or_default()).collect();
    assert!(all.windows(9).any(|octets| octets == b"\ntag far\n"), "the mark is in the spool");
}

#[test]
fn a_rule_that_warns_only_says_what_it_would_have_done() {
    let grange = start("mail from=@b.example warn reject 554 5.7.9 no\nrcpt warn tag suspect\n", "");
    let mut client = grange.connect();
    client.expect(250, "EHLO client.example").expect(250, "MAIL FROM:<bob@b.example>");
    client.expect(250, &format!("RCPT TO:<{}@example.org>", local_user()));
    let line = grange.wait_for_line(&["would-refuse", "verb=MAIL"]);
    assert!(
        line.contains(
            "reply=\"reject 554 5.7.9\" rule=policy:1 value=from=<bob@b.example> limit=from=@b.example"
        ),
        "{line}"
    );
    grange.wait_for_line(&["would-refuse", "verb=RCPT", "reply=\"tag suspect\"", "rule=policy:2"]);
    assert!(!grange.journal().contains(" refused "), "{}", grange.journal());
}

#[test]
fn a_slip_of_the_editor_keeps_the_last_good_table_and_is_told() {
    let grange = start("mail from=@bad.example reject\n", "");
    // The worker has read the table once it answers.
    grange.connect().expect(250, "EHLO client.example").expect(550, "MAIL FROM:<a@bad.example>");
    write(&grange, "mail from=@good.example rejct\n");
    let check = grange.grange(&["config", "check"]);
    let said = String::from_utf8(check.stderr).unwrap() + &String::from_utf8(check.stdout).unwrap();
    assert!(!check.status.success());
    assert!(said.contains("unknown condition or action \"rejct\"; did you mean \"reject\"?"), "{said}");
    assert!(said.contains("policy:1:25"), "{said}");
    let line = wait_for("the journal tells of it", || {
        let mut client = grange.connect();
        client.expect(250, "EHLO client.example").expect(550, "MAIL FROM:<a@bad.example>");
        client.expect(250, "MAIL FROM:<a@good.example>");
        grange.journal().lines().find(|line| line.contains("reload-refused")).map(str::to_owned)
    });
    assert!(line.contains("policy:1:25: unknown"), "{line}");
}

#[test]
fn a_table_that_cannot_be_read_defers_and_never_refuses() {
    let grange = start("mail reject\n", "");
    fs::remove_file(grange.root().join("etc/policy")).unwrap();
    let before = grange.pids("smtpserver-worker");
    let old = if before.is_empty() { grange.pids("smtpserver") } else { before };
    old.iter().for_each(|pid| kill(*pid));
    let said = wait_for("a new worker answers", || {
        let mut client = system_tests::Client::try_connect(grange.port)?;
        client.try_say("EHLO client.example")?;
        client.try_say("MAIL FROM:<a@good.example>").filter(|code| *code != 550)?;
        Some(client.last)
    });
    assert!(said.starts_with("451 4.3.5 the policy of this host cannot be read now"), "{said}");
    grange.wait_for_line(&["refused", "rule=policy", "cannot be read"]);
}

#[test]
fn a_defer_with_421_ends_the_session_in_every_phase() {
    let grange = start(
        "helo helo=gone.example defer 421 4.3.2 bye\nmail from=@gone.example defer 421 4.3.2 bye\n\
         rcpt to=gone@example.org defer 421 4.3.2 bye\ndata from=@later.example defer 421 4.3.2 bye\n\
         content size>2K defer 421 4.3.2 bye\n",
        "",
    );
    let user = local_user();
    let ended = |mut client: Client, command: &str| {
        client.expect(421, command);
        assert!(client.is_closed(), "{command}");
    };
    let begun = |from: &str| {
        let mut client = grange.connect();
        client.expect(250, "EHLO client.example").expect(250, &format!("MAIL FROM:<a@{from}>"));
        client
    };
    ended(grange.connect(), "EHLO gone.example");
    let mut client = grange.connect();
    client.expect(250, "EHLO client.example");
    ended(client, "MAIL FROM:<a@gone.example>");
    ended(begun("good.example"), "RCPT TO:<gone@example.org>");
    let mut client = begun("later.example");
    client.expect(250, &format!("RCPT TO:<{user}@example.org>"));
    ended(client, "DATA");
    let mut client = begun("good.example");
    client.expect(250, &format!("RCPT TO:<{user}@example.org>")).expect(354, "DATA");
    client.send(&b"x\r\n".repeat(1000));
    ended(client, ".");
}

#[test]
fn whatever_a_client_says_in_the_reason_of_a_hold_the_message_is_held() {
    let grange = start("mail hold \"%from\" called %helo, \u{fc}ber %client\n", "");
    let long = "x".repeat(60);
    let odd = [format!("\"a\\\"b \\\\ c=d\"@{long}.{long}.{long}.example"), "bob!x@good.example".to_owned()];
    for from in odd {
        let mut client = grange.connect();
        client.expect(250, "EHLO client.example");
        assert_eq!(client.deliver(&from, &["postmaster@example.org"], b"Subject: s\r\n\r\nx\r\n"), 250);
        let id = client.id();
        let line = grange.wait_for_line(&[&id, "deferred", "channel=hold"]);
        assert!(line.contains("called client.example, \u{fc}ber 127.0.0.1"), "{line}");
    }
    assert_eq!(grange.queue().len(), 2, "{}", grange.journal());
}
