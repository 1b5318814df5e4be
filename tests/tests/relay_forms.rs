//! A message on its way to a next hop that cannot take everything: whole, converted, or back to its sender.

use system_tests::daemon::local_user;
use system_tests::{Client, Grange, Sink};

const MIME: &str = "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n";
const ALL: [&str; 8] =
    ["PIPELINING", "8BITMIME", "CHUNKING", "BINARYMIME", "SMTPUTF8", "DSN", "MT-PRIORITY", "DELIVERBY"];

/// A Grange that relays to a sink with these extensions.
fn relaying(extensions: &[&str]) -> (Grange, Sink, Client) {
    let sink = Sink::offering(extensions);
    let grange = Grange::relaying_to(sink.port, "");
    let mut client = grange.connect();
    client.expect(250, "EHLO client.example");
    (grange, sink, client)
}

fn sender() -> String {
    format!("{}@example.org", local_user())
}

/// Sends one message with these parameters of MAIL; with BDAT if it is binary.
fn send(client: &mut Client, parameters: &str, content: &[u8]) {
    client.expect(250, &format!("MAIL FROM:<{}>{parameters}", sender()));
    client.expect(250, "RCPT TO:<bob@far.example>");
    if parameters.contains("BINARYMIME") {
        client.send(format!("BDAT {} LAST\r\n", content.len()).as_bytes());
        client.send(content);
    } else {
        client.expect(354, "DATA");
        client.send(&system_tests::client::stuffed(content));
    }
    assert_eq!(client.reply(), 250, "{}", client.last);
}

/// What stands behind the trace field that Grange adds.
fn without_trace(content: &[u8]) -> String {
    let text = String::from_utf8_lossy(content);
    let (_, rest) = text.split_once("MIME-Version").unwrap();
    format!("MIME-Version{rest}")
}

#[test]
fn eight_bit_text_is_quoted_for_a_hop_without_8bitmime() {
    let (grange, sink, mut client) = relaying(&["PIPELINING", "SIZE 10000000"]);
    let text = "\r\ncaf\u{e9}, and enough plain text for quoted-printable\r\n";
    send(&mut client, " BODY=8BITMIME", format!("{MIME}{text}").as_bytes());
    let taken = sink.wait_for(1).remove(0);
    let expected =
        format!("{MIME}Content-Transfer-Encoding: quoted-printable\r\n{text}").replace('\u{e9}', "=C3=A9");
    assert_eq!(without_trace(&taken.content), expected);
    assert_eq!(taken.from, format!("MAIL FROM:<{}> SIZE={}", sender(), taken.content.len()));
    grange.wait_for_line(&["delivered", "(sent in another encoding)"]);
}

#[test]
fn what_is_signed_comes_back_instead() {
    let (grange, sink, mut client) = relaying(&["PIPELINING"]);
    let content = format!("DKIM-Signature: v=1; bh=x\r\n{MIME}\r\ncaf\u{e9}\r\n");
    send(&mut client, " BODY=8BITMIME", content.as_bytes());
    let notice = String::from_utf8(grange.wait_for_mail(&local_user(), 1).remove(0)).unwrap();
    assert!(notice.contains("Status: 5.6.3") && notice.contains("a signature covers"), "{notice}");
    assert_eq!(sink.count(), 0);
}

#[test]
fn binary_content_goes_through_or_becomes_base64() {
    let content: Vec<u8> = format!("{MIME}\r\n").replace("text/plain; charset=utf-8", "image/x").into_bytes();
    let content = [content, (0..100_000_u32).map(|n| (n % 253) as u8).collect()].concat();
    let (_grange, sink, mut client) = relaying(&ALL);
    send(&mut client, " BODY=BINARYMIME", &content);
    let taken = sink.wait_for(1).remove(0);
    assert!(taken.chunked && taken.content.ends_with(&content), "{}", taken.from);
    assert!(taken.from.ends_with(" BODY=BINARYMIME"), "{}", taken.from);

    let (_grange, sink, mut client) = relaying(&["PIPELINING", "8BITMIME"]);
    send(&mut client, " BODY=BINARYMIME", &content);
    let taken = sink.wait_for(1).remove(0);
    let text = without_trace(&taken.content);
    assert!(text.contains("Content-Transfer-Encoding: base64\r\n\r\nAAECAwQF"), "{:.400}", text);
    assert!(!taken.chunked && text.lines().all(|line| line.len() <= 76));
}

#[test]
fn an_address_in_utf8_comes_back_from_a_hop_without_smtputf8() {
    let utf8 = |client: &mut Client| {
        client.expect(250, &format!("MAIL FROM:<{}> SMTPUTF8", sender()));
        client.expect(250, "RCPT TO:<j\u{f6}rg@far.example>");
        client.expect(354, "DATA");
        client.send(b"Subject: x\r\n\r\nhello\r\n.\r\n");
        assert_eq!(client.reply(), 250, "{}", client.last);
    };
    let (grange, sink, mut client) = relaying(&["PIPELINING", "8BITMIME"]);
    utf8(&mut client);
    let notice = String::from_utf8(grange.wait_for_mail(&local_user(), 1).remove(0)).unwrap();
    assert!(notice.contains("message/global-delivery-status"), "{notice}");
    grange.wait_for_line(&[" failed ", "status=5.6.7"]);
    assert_eq!(sink.count(), 0);

    let (_grange, sink, mut client) = relaying(&ALL);
    utf8(&mut client);
    let taken = sink.wait_for(1).remove(0);
    assert_eq!(taken.to, ["RCPT TO:<j\u{f6}rg@far.example>"]);
    assert_eq!(taken.from, format!("MAIL FROM:<{}> SMTPUTF8", sender()));
}

#[test]
fn what_the_sender_asked_for_reaches_the_next_hop() {
    let (_grange, sink, mut client) = relaying(&ALL);
    client.expect(250, "MAIL FROM:<ann@example.org> RET=HDRS ENVID=a+2Bb MT-PRIORITY=2 BY=600;N");
    client.expect(250, "RCPT TO:<bob@far.example> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;bob@elsewhere.example");
    client.expect(250, "RCPT TO:<cy@far.example>");
    client.expect(354, "DATA");
    client.send(b"Subject: x\r\n\r\nhello\r\n.\r\n");
    assert_eq!(client.reply(), 250, "{}", client.last);
    let taken = sink.wait_for(1).remove(0);
    assert!(taken.from.starts_with("MAIL FROM:<ann@example.org> RET=HDRS ENVID=a+2Bb BY="), "{}", taken.from);
    assert!(taken.from.ends_with(";N MT-PRIORITY=2"), "{}", taken.from);
    let notify = " NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;bob@elsewhere.example";
    assert_eq!(taken.to, [format!("RCPT TO:<bob@far.example>{notify}"), "RCPT TO:<cy@far.example>".into()]);
}
