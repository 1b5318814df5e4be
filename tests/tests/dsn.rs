//! Notices to senders.

use std::io::Write;
use std::process::{Command, Stdio};
use system_tests::daemon::local_user;
use system_tests::{Grange, Sink, tools};

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
