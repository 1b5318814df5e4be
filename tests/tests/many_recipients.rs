//! One message for very many recipients: named one by one in a session, or by an alias that includes a list. It arrives
//! once for each, in portions that every server takes, and other mail goes past it.
//!
//! The number is 5,000; `GRANGE_TEST_RECIPIENTS` sets another, up to a million.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::time::{Duration, Instant};
use system_tests::{Client, Grange, Sink};

/// The least that the time may be, whatever the number: CI machines stall.
const PATIENCE: Duration = Duration::from_secs(30);

/// Recipients of one transaction at the sink at most.
const PORTION: usize = 100;

/// Commands that the client sends before it reads the replies.
const BURST: usize = 500;

fn many() -> usize {
    std::env::var("GRANGE_TEST_RECIPIENTS").ok().and_then(|text| text.parse().ok()).unwrap_or(5_000)
}

fn patience() -> Duration {
    PATIENCE.max(Duration::from_millis(u64::try_from(many()).unwrap()))
}

/// A Grange that takes so many recipients, has a list of as many, and gives everything to the sink.
fn grange(sink: &Sink, aliases: &str) -> Grange {
    let mut grange = Grange::prepare(&format!(
        "[smtpserver]\nlisten = [\"127.0.0.1:0\"]\nrecipients = {}\n[router]\nroutes = {{ \".\" = \"smtp!127.0.0.1:{}\" }}\n",
        many(),
        sink.port
    ));
    let aliases = aliases.replace("ROOT", &grange.root().display().to_string());
    std::fs::write(grange.root().join("etc/aliases"), aliases).unwrap();
    let list: String = (0..many()).map(|number| recipient(number) + "\n").collect();
    std::fs::write(grange.root().join("etc/everybody"), list).unwrap();
    grange.go();
    grange
}

fn greeted(grange: &Grange) -> Client {
    let mut client = grange.connect();
    client.expect(250, "EHLO client.example");
    client
}

/// Sends one message to one recipient, and waits until it is at the sink.
fn passes(grange: &Grange, sink: &Sink, to: &str) {
    let mut client = greeted(grange);
    assert_eq!(client.deliver("me@client.example", &[to], b"Subject: other\r\n\r\n"), 250);
    system_tests::wait_until("other mail passes", || {
        sink.taken().iter().any(|taken| taken.to.iter().any(|line| line.contains(to)))
    });
}

/// Waits until every recipient has the message once.
fn arrives(grange: &Grange, sink: &Sink, expected: &BTreeSet<String>) {
    let deadline = Instant::now() + patience();
    loop {
        let taken = sink.taken();
        let lines: Vec<&String> = taken.iter().flat_map(|taken| &taken.to).collect();
        let ours = lines.iter().filter(|line| !line.contains("other.example")).count();
        if ours >= expected.len() {
            assert!(taken.iter().all(|taken| taken.to.len() <= PORTION));
            let told: BTreeSet<String> =
                lines.into_iter().filter(|line| !line.contains("other.example")).cloned().collect();
            assert_eq!((ours, told.len()), (expected.len(), expected.len()), "somebody has it twice");
            assert!(told == *expected, "somebody else has it");
            break;
        }
        assert!(Instant::now() < deadline, "{ours} of {} recipients; {}", expected.len(), grange.told());
        std::thread::sleep(Duration::from_millis(50));
    }
    grange.wait_until_empty();
}

/// The recipient of this number: in one of ten domains, so that nothing is decided once for all.
fn recipient(number: usize) -> String {
    format!("u{number}@d{}.example", number % 10)
}

fn all() -> BTreeSet<String> {
    (0..many()).map(|number| format!("RCPT TO:<{}>", recipient(number))).collect()
}

#[test]
fn a_session_may_name_very_many_while_other_mail_goes_past() {
    let sink = Sink::start();
    let grange = grange(&sink, "");
    let mut client = greeted(&grange);
    client.expect(250, "MAIL FROM:<you@client.example>");
    let numbers: Vec<usize> = (0..many()).collect();
    for burst in numbers.chunks(BURST) {
        let mut text = String::new();
        for &number in burst {
            write!(text, "RCPT TO:<{}>\r\n", recipient(number)).unwrap();
        }
        client.send(text.as_bytes());
        for number in burst {
            assert_eq!(client.reply(), 250, "recipient {number}: {}", client.last);
        }
    }
    passes(&grange, &sink, "before@other.example");
    assert_eq!(client.say("RCPT TO:<one@too.many.example>"), 452, "{}", client.last);
    client.expect(354, "DATA");
    client.send(b"Subject: hello\r\n\r\nhello\r\n.\r\n");
    assert_eq!(client.reply(), 250, "{}", client.last);
    passes(&grange, &sink, "after@other.example");
    arrives(&grange, &sink, &all());
}

#[test]
fn an_alias_may_include_a_list_of_very_many_while_other_mail_goes_past() {
    let sink = Sink::start();
    let grange = grange(&sink, "everybody: :include:ROOT/etc/everybody\n");
    let mut client = greeted(&grange);
    let code = client.deliver("you@client.example", &["everybody@example.org"], b"Subject: hello\r\n\r\n");
    assert_eq!(code, 250, "{}", client.last);
    passes(&grange, &sink, "after@other.example");
    arrives(&grange, &sink, &all());
    grange.wait_for_line(&[&client.id(), "queued", &format!("rcpts={}", many())]);
}
