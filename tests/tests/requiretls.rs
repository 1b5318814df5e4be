//! TLS between two Granges, and a message that goes nowhere without.

use std::path::Path;
use std::process::Command;
use system_tests::certificates::Certificate;
use system_tests::daemon::local_user;
use system_tests::{Grange, Sink, tools};

/// A Grange with this certificate that takes mail for others and gives it to this sink.
fn receiving(certificate: &Certificate, sink: &Sink) -> Grange {
    Grange::relaying_to(sink.port, &format!("[tls]\ncertificates = [{:?}]\n", certificate.pair()))
}

/// A Grange that relays to this port and trusts this authority.
fn sending(port: u16, authority: &Path, more: &str) -> Grange {
    let authority = authority.display();
    Grange::relaying_to(port, &format!("[channel.smtp]\ntls-ca = \"{authority}\"\n{more}"))
}

/// Sends one message.
fn send(grange: &Grange, header: &str) {
    let mut client = grange.connect();
    client.expect(250, "EHLO client.example");
    let content = format!("{header}Subject: x\r\n\r\nhello\r\n");
    assert_eq!(client.deliver(&sender(), &["bob@far.example"], content.as_bytes()), 250, "{}", client.last);
}

fn sender() -> String {
    format!("{}@example.org", local_user())
}

/// Sends a message with REQUIRETLS, under TLS.
const REQUIRING: &str = r#"
import smtplib, ssl, sys
context = ssl.create_default_context()
context.check_hostname = False
context.verify_mode = ssl.CERT_NONE
client = smtplib.SMTP("127.0.0.1", int(sys.argv[1]))
client.starttls(context=context)
client.ehlo()
assert client.has_extn("requiretls"), client.esmtp_features
client.sendmail(sys.argv[2], ["bob@far.example"], b"Subject: x\r\n\r\nhello\r\n", ["REQUIRETLS"])
client.quit()
"#;

#[test]
fn mail_between_two_granges_is_encrypted() {
    let directory = tempfile::tempdir().unwrap();
    let Some(certificate) = Certificate::make(directory.path(), "127.0.0.1", "p256") else { return };
    let sink = Sink::start();
    let receiving = receiving(&certificate, &sink);
    let sending = sending(receiving.port, &certificate.chain, "");
    send(&sending, "");
    let taken = sink.wait_for(1).remove(0);
    let text = String::from_utf8(taken.content).unwrap();
    assert!(text.contains("with ESMTPS"), "{text}");
    sending.wait_for_line(&["delivered", "tls=TLSv1.3"]);
    receiving.wait_for_line(&["accepted", "tls=TLSv1.3"]);
}

#[test]
fn where_tls_must_be_a_hop_without_gets_nothing_unless_the_message_prefers_delivery() {
    let sink = Sink::start();
    let grange = sending(sink.port, Path::new(""), "tls = \"must\"\n");
    send(&grange, "");
    let line = grange.wait_for_line(&["deferred", "status=4.7.4"]);
    assert!(line.contains("TLS is required, and the server does not offer STARTTLS"), "{line}");
    assert_eq!(sink.count(), 0);

    let grange = sending(sink.port, Path::new(""), "tls = \"must\"\n");
    send(&grange, "TLS-Required: No\r\n");
    sink.wait_for(1);
}

#[test]
fn a_message_that_requires_tls_goes_as_far_as_everybody_promises_the_same() {
    let directory = tempfile::tempdir().unwrap();
    let Some(certificate) = Certificate::make(directory.path(), "127.0.0.1", "p256") else { return };
    let Some(python) = tools::find("python3") else { return };
    let sink = Sink::start();
    let receiving = receiving(&certificate, &sink);
    let tls = format!("[tls]\ncertificates = [{:?}]\n", certificate.pair());
    let sending = sending(receiving.port, &certificate.chain, &tls);
    let port = sending.port.to_string();
    let sent = Command::new(python).args(["-c", REQUIRING, &port, &sender()]).output().unwrap();
    assert!(sent.status.success(), "{}", String::from_utf8_lossy(&sent.stderr));

    sending.wait_for_line(&["delivered", "tls=TLSv1.3"]);
    let line = receiving.wait_for_line(&["failed", "to=<bob@far.example>", "status=5.7.30"]);
    assert!(line.contains("REQUIRETLS") || line.contains("TLS is required"), "{line}");
    let notice = String::from_utf8(receiving.wait_for_mail(&local_user(), 1).remove(0)).unwrap();
    assert!(notice.contains("Status: 5.7.30") && !notice.contains("\nhello"), "{notice}");
    assert_eq!(sink.count(), 0);
}

#[test]
fn a_hop_that_does_not_prove_its_name_gets_no_message_that_requires_tls() {
    let directory = tempfile::tempdir().unwrap();
    let Some(certificate) = Certificate::make(directory.path(), "127.0.0.1", "p256") else { return };
    let Some(other) = Certificate::make(directory.path(), "mail.example.net", "p256") else { return };
    let Some(python) = tools::find("python3") else { return };
    let sink = Sink::start();
    let receiving = receiving(&certificate, &sink);
    let tls = format!("[tls]\ncertificates = [{:?}]\n", certificate.pair());
    let sending = sending(receiving.port, &other.chain, &tls);
    let port = sending.port.to_string();
    let sent = Command::new(python).args(["-c", REQUIRING, &port, &sender()]).output().unwrap();
    assert!(sent.status.success(), "{}", String::from_utf8_lossy(&sent.stderr));
    let line = sending.wait_for_line(&["failed", "status=5.7.30"]);
    assert!(line.contains("does not prove its name"), "{line}");
}
