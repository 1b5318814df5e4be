//! Aliases: several targets, lists in files, loops, tables that cannot be read.

use system_tests::daemon::local_user;
use system_tests::{Client, Grange, Sink, wait_until};

/// A Grange with these aliases, whose other mail goes to the sink; `ROOT` stands for its root.
fn with_aliases(aliases: &str, sink: &Sink) -> Grange {
    let mut grange = Grange::prepare(&format!(
        "[router]\nroutes = {{ \".\" = \"smtp!127.0.0.1:{}\" }}\n[scheduler]\nretry = [\"1s\"]\n",
        sink.port
    ));
    let root = grange.root().display().to_string();
    std::fs::write(grange.root().join("etc/team"), "# the team\nann@far.example\n").unwrap();
    let text = aliases.replace("ROOT", &root).replace("USER", &local_user());
    std::fs::write(grange.root().join("etc/aliases"), text).unwrap();
    grange.go();
    grange
}

fn send(grange: &Grange, to: &[&str]) -> (u16, Client) {
    let mut client = grange.connect();
    client.expect(250, "EHLO client.example");
    let code = client.deliver("you@client.example", to, b"Subject: hello\r\n\r\nhello\r\n");
    (code, client)
}

/// The recipients at the sink, sorted.
fn recipients(sink: &Sink) -> Vec<String> {
    let mut all: Vec<String> = sink.taken().into_iter().flat_map(|taken| taken.to).collect();
    all.sort();
    all
}

#[test]
fn an_alias_with_one_target_is_followed() {
    let sink = Sink::start();
    let grange = with_aliases("info: USER\nsales: info\naway: ann@far.example\n", &sink);
    let (code, _) = send(&grange, &["Sales@example.org", "sales+extra@example.org", "away@example.org"]);
    assert_eq!(code, 250);
    grange.wait_for_mail(&local_user(), 1);
    assert_eq!(sink.wait_for(1)[0].to, ["RCPT TO:<ann@far.example>"]);
    grange.wait_until_empty();
}

#[test]
fn an_alias_with_several_targets_reaches_each_of_them_once() {
    let sink = Sink::start();
    let grange = with_aliases(
        "info: USER, ann@far.example,\n  bob@far.example, more\nmore: bob@far.example, cid@other.example\n",
        &sink,
    );
    let (code, client) = send(&grange, &["info@example.org"]);
    assert_eq!(code, 250, "{}", client.last);
    grange.wait_for_mail(&local_user(), 1);
    grange.wait_until_empty();
    assert_eq!(grange.mail_of(&local_user()).len(), 1);
    let wanted = ["ann@far.example", "bob@far.example", "cid@other.example"];
    assert_eq!(recipients(&sink), wanted.map(|to| format!("RCPT TO:<{to}>")));
    grange.wait_for_line(&[&client.id(), "queued", "rcpts=4"]);
}

#[test]
fn a_list_in_a_file_is_read_when_a_message_comes() {
    let sink = Sink::start();
    let grange = with_aliases("team: :include:ROOT/etc/team\n", &sink);
    let list = grange.root().join("etc/team");
    std::fs::write(&list, "# the team\nann@far.example\nbob@far.example, cid@far.example # three\n").unwrap();
    assert_eq!(send(&grange, &["team@example.org"]).0, 250);
    grange.wait_until_empty();
    assert_eq!(recipients(&sink).len(), 3);
    std::fs::write(&list, "dan@far.example\n").unwrap();
    assert_eq!(send(&grange, &["team@example.org"]).0, 250);
    wait_until("the new list counts", || recipients(&sink).contains(&"RCPT TO:<dan@far.example>".to_owned()));
}

#[test]
fn a_list_that_is_not_there_defers_and_never_bounces() {
    let sink = Sink::start();
    let grange = with_aliases("team: :include:ROOT/etc/team\n", &sink);
    std::fs::remove_file(grange.root().join("etc/team")).unwrap();
    let (code, client) = send(&grange, &["team@example.org"]);
    assert_eq!(code, 250, "{}", client.last);
    let id = client.id();
    wait_until("it waits", || grange.queue().iter().any(|message| message["id"] == id));
    assert!(!grange.journal().contains("notified"), "{}", grange.journal());
    std::fs::write(grange.root().join("etc/team"), "ann@far.example\n").unwrap();
    assert_eq!(sink.wait_for(1)[0].to, ["RCPT TO:<ann@far.example>"]);
    grange.wait_until_empty();
}

#[test]
fn a_loop_ends_and_is_refused_if_it_leads_nowhere() {
    let sink = Sink::start();
    let grange = with_aliases("a: b\nb: a\nc: d, ann@far.example\nd: c, USER\n", &sink);
    let mut client = grange.connect();
    client.expect(250, "EHLO client.example").expect(250, "MAIL FROM:<you@client.example>");
    client.expect(550, "RCPT TO:<a@example.org>");
    assert!(client.last.contains("5.4.6"), "{}", client.last);
    assert_eq!(send(&grange, &["c@example.org"]).0, 250);
    grange.wait_for_mail(&local_user(), 1);
    grange.wait_until_empty();
    assert_eq!(grange.mail_of(&local_user()).len(), 1);
    assert_eq!(recipients(&sink), ["RCPT TO:<ann@far.example>"]);
}

#[test]
fn a_target_that_does_not_exist_comes_back_to_the_sender() {
    let sink = Sink::start();
    let grange = with_aliases("info: nosuch, ann@far.example\n", &sink);
    let sender = format!("{}@example.org", local_user());
    let mut client = grange.connect();
    client.expect(250, "EHLO client.example");
    assert_eq!(client.deliver(&sender, &["info@example.org"], b"Subject: x\r\n\r\n"), 250);
    let notice = grange.wait_for_mail(&local_user(), 1).remove(0);
    let text = String::from_utf8_lossy(&notice).into_owned();
    assert!(text.contains("Action: failed") && text.contains("Status: 5.1.1"), "{text}");
    assert_eq!(recipients(&sink), ["RCPT TO:<ann@far.example>"]);
    grange.wait_until_empty();
}

#[test]
fn a_changed_table_counts_within_seconds_and_a_mistake_keeps_the_last_good_one() {
    let sink = Sink::start();
    let grange = with_aliases("info: USER\n", &sink);
    let file = grange.root().join("etc/aliases");
    let answers = |address: &str| {
        let mut client = grange.connect();
        client.expect(250, "EHLO client.example").expect(250, "MAIL FROM:<>");
        client.say(&format!("RCPT TO:<{address}>"))
    };
    assert_eq!(answers("fresh@example.org"), 550);
    std::fs::write(&file, format!("info: {0}\nfresh: {0}\n", local_user())).unwrap();
    wait_until("the new alias counts", || answers("fresh@example.org") == 250);
    std::fs::write(&file, "nonsense\n").unwrap();
    let mut number = 0;
    wait_until("the journal tells of the mistake", || {
        // The tables are looked at when somebody asks what no cache knows.
        number += 1;
        assert_eq!(answers(&format!("nosuch{number}@example.org")), 550);
        grange.journal().lines().any(|line| line.contains("aliases:1") && line.contains("not an alias"))
    });
    assert_eq!(answers("fresh@example.org"), 250, "the last good table stays");
}
