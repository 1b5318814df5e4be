//! The table of states and verbs at the head of `lib/proto/src/server/states.rs`, cell by cell against a real server.

use std::collections::BTreeSet;
use std::path::Path;
use system_tests::certificates::Certificate;
use system_tests::daemon::local_user;
use system_tests::{Client, Grange};

/// `ann` with the password `secret`.
const ACCOUNT: &str = "ann:$5$saltsalt$0IyaXrmV7.sGNS6tirgqHLqX/G.FBvgkYA.lpPdS5sA\n";

/// A server that offers everything to a client that may do everything.
fn generous() -> (Grange, bool) {
    let mut grange = Grange::prepare("");
    let certificate = Certificate::make(grange.root(), "mail.example.org", "p256");
    let tls = certificate.as_ref().map_or_else(String::new, |certificate| {
        format!("[tls]\ncertificates = [\"{}\"]\n", certificate.pair())
    });
    std::fs::write(grange.root().join("etc/users"), ACCOUNT).unwrap();
    std::fs::write(
        grange.root().join("etc/aliases"),
        format!("ann: {user}\nlist: {user}\n", user = local_user()),
    )
    .unwrap();
    grange.configure(&format!(
        "[smtpserver]\nlisten = [\"submission://127.0.0.1:0\"]\nvrfy = \"yes\"\nexpn = \"yes\"\netrn = \"yes\"\n\
         xclient-networks = [\"127.0.0.0/8\"]\nsessions-per-client = 1000\n\
         [auth]\nmechanisms = [\"PLAIN\"]\nfailure-delay = \"10ms\"\nfailures = 100\nsender-login = \"any\"\n{tls}"
    ));
    grange.go();
    (grange, certificate.is_some())
}

fn cells(line: &str) -> Option<Vec<String>> {
    let row = line.strip_prefix("//! |").filter(|row| !row.starts_with('-'))?;
    Some(row.trim_end_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect())
}

fn line_of(verb: &str) -> &'static str {
    match verb {
        "EHLO" => "EHLO mx.example.net",
        "HELO" => "HELO mx.example.net",
        "LHLO" => "LHLO mx.example.net",
        "MAIL" => "MAIL FROM:<news@example.net>",
        "RCPT" => "RCPT TO:<ann@example.org>",
        "RCPT-refused" => "RCPT TO:<nosuch@example.org>",
        "DATA" => "DATA",
        "BDAT" => "BDAT 3\r\na",
        "BDAT-last" => "BDAT 3 LAST\r\na",
        "RSET" => "RSET",
        "NOOP" => "NOOP",
        "VRFY" => "VRFY ann@example.org",
        "EXPN" => "EXPN list@example.org",
        "ETRN" => "ETRN example.net",
        "HELP" => "HELP",
        "AUTH" => "AUTH PLAIN AGFubgBzZWNyZXQ=",
        "AUTH-begin" => "AUTH PLAIN",
        "STARTTLS" => "STARTTLS",
        "XCLIENT" => "XCLIENT ADDR=192.0.2.1",
        "XFORWARD" => "XFORWARD ADDR=192.0.2.1",
        "QUIT" => "QUIT",
        "SEND" => "SEND FROM:<a@b>",
        "GET" => "GET / HTTP/1.1",
        "XYZZY" => "XYZZY",
        other => panic!("{other} is no row"),
    }
}

/// A client in this state.
fn bring_to(grange: &Grange, state: &str) -> Client {
    let verbs: &[&str] = match state {
        "connected" => &[],
        "identified" => &["EHLO"],
        "authenticating" => &["EHLO", "AUTH-begin"],
        "transacting" => &["EHLO", "MAIL"],
        "with-recipient" => &["EHLO", "MAIL", "RCPT"],
        "between" => &["EHLO", "MAIL", "RCPT", "BDAT"],
        other => panic!("{other} is no column"),
    };
    let mut client = grange.connect();
    for verb in verbs {
        let code = client.say(line_of(verb));
        assert!(code < 400, "{verb} on the way to {state}: {}", client.last);
    }
    client
}

#[test]
fn every_cell_holds_against_the_daemon() {
    let (grange, tls) = generous();
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../lib/proto/src/server/states.rs");
    let source = std::fs::read_to_string(source).unwrap();
    let mut rows = source.lines().filter_map(cells);
    let states = rows.next().unwrap();
    let (mut executed, mut wrong) = (0, BTreeSet::new());
    for row in rows.filter(|row| tls || row[0] != "STARTTLS") {
        // Whoever is unwelcome here never gets as far as a session.
        for (state, cell) in states.iter().zip(&row).skip(1).filter(|(state, _)| *state != "unwelcome") {
            let (code, next) = cell.split_once(' ').unwrap_or((cell, state));
            let mut client = bring_to(&grange, state);
            let mut came = client.say(line_of(&row[0]));
            if state == "authenticating" && row[0].starts_with("BDAT") {
                // The line is a response, and what should have been its chunk a command.
                came = client.reply();
            }
            if came.to_string() != code {
                wrong.insert(format!("{} in {state}: {}", row[0], client.last.trim()));
            }
            if next == "closing" && !client.is_closed() {
                wrong.insert(format!("{} in {state} leaves the session open", row[0]));
            }
            executed += 1;
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(executed >= 23 * 6, "{executed}");
}
