//! Notices to senders.

use std::io::Write;
use std::process::{Command, Stdio};
use system_tests::daemon::local_user;
use system_tests::{Grange, Sink, tools, wait_until};

/// Reads a notice with Python's `email`: type, action, status, final recipient, subject of the original.
const PARSE: &str = r#"
import email, email.policy, sys
m = email.message_from_binary_file(sys.stdin.buffer, policy=email.policy.default)
assert m.get_content_type() == "multipart/report", m.get_content_type()
assert m.get_param("report-type") == "delivery-status"
text, status, headers = m.get_payload()
assert text.get_content_type() == "text/plain"
assert status.get_content_type() == "message/delivery-status"
assert not m.defects and not text.defects and not status.defects, m.defects
fields = status.get_payload()[1]
print(fields["Action"], fields["Status"], fields["Final-Recipient"], fields["Diagnostic-Code"], sep="|")
print(headers.get_content_type(), headers.get_payload().strip().splitlines()[-1], sep="|")
"#;

fn parsed(notice: &[u8]) -> Option<String> {
    let python = tools::find("python3")?;
    let mut child = Command::new(python)
        .args(["-c", PARSE])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(notice).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(notice));
    Some(String::from_utf8(output.stdout).unwrap())
}

#[test]
fn a_refusal_by_the_next_hop_comes_back_as_a_notice() {
    let sink = Sink::scripted(|line| {
        line.starts_with("RCPT TO:<nosuch@").then(|| "550 5.1.1 we know nobody of that name".to_owned())
    });
    let grange = Grange::relaying_to(sink.port, "");
    let user = local_user();
    let sender = format!("{user}@example.org");
    let mut client = grange.connect();
    client.expect(250, "EHLO client.example");
    let recipients = ["nosuch@far.example", "ann@far.example"];
    assert_eq!(client.deliver(&sender, &recipients, b"Subject: the original\r\n\r\nhello\r\n"), 250);
    let id = client.id();
    let notice = grange.wait_for_mail(&user, 1).remove(0);
    assert!(notice.starts_with(b"Return-Path: <>\n"));
    if let Some(facts) = parsed(&notice) {
        let lines: Vec<&str> = facts.lines().collect();
        assert_eq!(
            lines[0],
            "failed|5.1.1|rfc822; nosuch@far.example|smtp; 550 5.1.1 we know nobody of that name"
        );
        assert_eq!(lines[1], "text/rfc822-headers|Subject: the original");
    }
    assert_eq!(sink.wait_for(1)[0].to, ["RCPT TO:<ann@far.example>"], "the other recipient has it");
    grange.wait_until_empty();
    grange.wait_for_line(&[&id, "failed", "nosuch@far.example", "status=5.1.1"]);
    grange.wait_for_line(&[&id, "notified"]);
    assert_eq!(grange.mail_of(&user).len(), 1, "one notice, once");
}

#[test]
fn nobody_is_told_about_a_notice() {
    let sink = Sink::scripted(|line| line.starts_with("RCPT").then(|| "550 5.1.1 no".to_owned()));
    let grange = Grange::relaying_to(sink.port, "");
    let mut client = grange.connect();
    client.expect(250, "EHLO client.example");
    assert_eq!(client.deliver("", &["nosuch@far.example"], b"Subject: x\r\n\r\n"), 250);
    let id = client.id();
    grange.wait_for_line(&[&id, "failed"]);
    grange.wait_until_empty();
    assert!(!grange.journal().contains("notified"), "{}", grange.journal());
}

#[test]
fn what_expires_comes_back_as_a_notice() {
    let grange = Grange::start(
        "[router]\nroutes = { \".\" = \"smtp!127.0.0.1:9\" }\n[scheduler]\nretry = [\"1s\"]\nexpire = \"2s\"\n",
    );
    let user = local_user();
    let mut client = grange.connect();
    client.expect(250, "EHLO client.example");
    let sender = format!("{user}@example.org");
    assert_eq!(client.deliver(&sender, &["ann@far.example"], b"Subject: too late\r\n\r\n"), 250);
    let notice = grange.wait_for_mail(&user, 1).remove(0);
    if let Some(facts) = parsed(&notice) {
        assert!(facts.starts_with("failed|5.4.7|") || facts.starts_with("failed|5.4.1|"), "{facts}");
    }
    grange.wait_until_empty();
}

/// The fields of each group of the delivery-status part, as they stand.
fn report(notice: &[u8]) -> String {
    let text = String::from_utf8_lossy(notice).replace("\r\n", "\n").replace("\n\t", " ");
    let begin = text.find("Content-Type: message/").expect("a report");
    text.get(begin..).unwrap_or_default().to_owned()
}

/// Sends a message with these parameters of MAIL and RCPT.
fn send(grange: &Grange, from: &str, mail: &str, to: &[(&str, &str)]) -> String {
    let mut client = grange.connect();
    client.expect(250, "EHLO client.example");
    client.expect(250, &format!("MAIL FROM:<{from}> {mail}"));
    for (address, parameters) in to {
        client.expect(250, &format!("RCPT TO:<{address}> {parameters}"));
    }
    client.expect(354, "DATA");
    client.send(b"Subject: the original\r\n\r\nhello\r\n.\r\n");
    assert_eq!(client.reply(), 250, "{}", client.last);
    client.id()
}

#[test]
fn who_asks_for_it_hears_that_his_message_is_in_the_mailbox() {
    let grange = Grange::start("");
    let user = local_user();
    let sender = format!("{user}@example.org");
    let asked = "NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;old+2Bname@example.org";
    send(&grange, &sender, "RET=FULL ENVID=QQ+2B314159", &[(&sender, asked)]);
    let mails = grange.wait_for_mail(&user, 2);
    let notice = mails.iter().find(|mail| mail.starts_with(b"Return-Path: <>")).expect("a notice");
    let report = report(notice);
    for words in [
        "Original-Envelope-Id: QQ+314159\n",
        "Original-Recipient: rfc822; old+name@example.org\n",
        "Action: delivered\n",
        "Status: 2.",
        "Content-Type: text/rfc822-headers\n",
    ] {
        assert!(report.contains(words), "{words} is missing in\n{report}");
    }
    grange.wait_until_empty();
    assert_eq!(grange.mail_of(&user).len(), 2, "nobody is told about the notice");
}

#[test]
fn a_hop_without_dsn_is_reported_as_relayed_and_never_is_silent() {
    let sink = Sink::scripted(|line| line.starts_with("RCPT TO:<nosuch@").then(|| "550 5.1.1 no".to_owned()));
    let grange = Grange::relaying_to(sink.port, "");
    let user = local_user();
    let sender = format!("{user}@example.org");
    let to = [
        ("ann@far.example", "NOTIFY=SUCCESS"),
        ("bob@far.example", ""),
        ("nosuch@far.example", "NOTIFY=NEVER"),
    ];
    send(&grange, &sender, "", &to);
    let notice = grange.wait_for_mail(&user, 1).remove(0);
    let report = report(&notice);
    assert!(report.contains("Final-Recipient: rfc822; ann@far.example\nAction: relayed\n"), "{report}");
    assert!(!report.contains("bob@far.example") && !report.contains("nosuch@far.example"), "{report}");
    grange.wait_until_empty();
    assert_eq!(grange.mail_of(&user).len(), 1);
}

#[test]
fn the_whole_message_comes_back_to_who_wants_it() {
    let sink = Sink::scripted(|line| line.starts_with("RCPT").then(|| "550 5.1.1 no".to_owned()));
    let grange = Grange::relaying_to(sink.port, "");
    let user = local_user();
    send(&grange, &format!("{user}@example.org"), "RET=FULL", &[("ann@far.example", "")]);
    let report = report(&grange.wait_for_mail(&user, 1).remove(0));
    assert!(report.contains("Content-Type: message/rfc822\n"), "{report}");
    assert!(report.contains("\nSubject: the original\n\nhello\n"), "{report}");
}

#[test]
fn an_alias_for_several_is_reported_as_expanded() {
    let sink = Sink::start();
    let mut grange =
        Grange::prepare(&format!("[router]\nroutes = {{ \".\" = \"smtp!127.0.0.1:{}\" }}\n", sink.port));
    let aliases = "team: ann@far.example, bob@far.example\n";
    std::fs::write(grange.root().join("etc/aliases"), aliases).unwrap();
    grange.go();
    let user = local_user();
    send(&grange, &format!("{user}@example.org"), "", &[("team@example.org", "NOTIFY=SUCCESS")]);
    let report = report(&grange.wait_for_mail(&user, 1).remove(0));
    assert!(report.contains("Final-Recipient: rfc822; team@example.org\nAction: expanded\n"), "{report}");
    assert!(!report.contains("far.example"), "{report}");
    sink.wait_for(1);
    grange.wait_until_empty();
    assert_eq!(grange.mail_of(&user).len(), 1);
}

#[test]
fn a_message_that_is_late_is_returned_or_told_of_as_its_sender_asked() {
    let grange = Grange::relaying_to(9, "");
    let user = local_user();
    let sender = format!("{user}@example.org");
    let id = send(&grange, &sender, "BY=1;R", &[("ann@far.example", "")]);
    let returned = report(&grange.wait_for_mail(&user, 1).remove(0));
    assert!(returned.contains("Action: failed\nStatus: 5.4.7\n"), "{returned}");
    assert!(returned.contains("\nDeliver-By-Date: "), "{returned}");
    grange.wait_for_line(&[&id, "expired", "ann@far.example"]);
    let id = send(&grange, &sender, "BY=1;N", &[("ann@far.example", "")]);
    grange.wait_for_line(&[&id, "notified"]);
    let mails = grange.wait_for_mail(&user, 2);
    assert!(mails.iter().map(|mail| report(mail)).any(|report| report.contains("Action: delayed\n")));
    wait_until("it is still tried, and nothing else is there", || {
        let queue = grange.queue();
        queue.len() == 1 && queue.iter().all(|message| message["id"] == id.as_str())
    });
}
