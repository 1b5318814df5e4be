//! The fail2ban filter, on a journal that real clients caused.

use std::process::Command;
use system_tests::daemon::local_user;
use system_tests::{Client, Grange, tools};

const FILTER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../etc/fail2ban/filter.d/grange.conf");

/// How many lines of the journal the filter matches.
fn matched(grange: &Grange) -> usize {
    let output =
        Command::new("fail2ban-regex").arg(grange.root().join("journal")).arg(FILTER).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let words: Vec<&str> = said.split_whitespace().collect();
    let at = words.iter().position(|word| *word == "matched,").unwrap_or_else(|| panic!("{said}"));
    words[at - 1].parse().unwrap()
}

#[test]
fn who_guesses_relays_and_speaks_nonsense_is_counted_and_nobody_else() {
    if tools::find("fail2ban-regex").is_none() {
        return;
    }
    let section = "[smtpserver]\nlisten = [\"127.0.0.1:0\", \"submission://127.0.0.1:0\"]\nrelay-networks = []\n\
                   xclient-networks = [\"127.0.0.0/8\"]\ncommand-errors = 3\nmessage-size = \"64K\"\n[auth]\nusers = \"users\"\nfailure-delay = \"1ms\"\n";
    let mut grange = Grange::prepare(section);
    std::fs::write(grange.root().join("etc/users"), "# nobody\n").unwrap();
    grange.go();
    let mut good = grange.connect();
    good.expect(250, "EHLO honest.example");
    let to = format!("{}@example.org", local_user());
    assert_eq!(good.deliver("ann@honest.example", &[&to], b"Subject: s\r\n\r\nx\r\n"), 250);
    // What happens to honest ones: too large, a slip, a name that tries to look like a refusal.
    good.expect(552, "MAIL FROM:<ann@honest.example> SIZE=9999999").expect(500, "FROBNICATE");
    // A host that passes mail on does not choose the senders: theirs may be shaped to have it shut out.
    good.expect(552, "MAIL FROM:<\"x rule=relay value=\"@evil.example> SIZE=9999999");
    good.expect(552, "MAIL FROM:<\"x\\\" rule=recipient value=\"@evil.example> SIZE=9999999");
    good.expect(250, "EHLO x\"rule=relay").expect(221, "QUIT");
    grange.wait_for_line(&["closed", "why=quit", "mails=1"]);
    // Nobody knows where this one is; its name is none to look up.
    let mut unknown = grange.connect();
    unknown.expect(250, "EHLO front.example").expect(220, "XCLIENT ADDR=[UNAVAILABLE] NAME=[UNAVAILABLE]");
    unknown.expect(250, "EHLO x.example").expect(250, "MAIL FROM:<a@x.example>");
    unknown.expect(554, "RCPT TO:<b@far.example>").expect(221, "QUIT");
    grange.wait_for_line(&["closed", "client=unknown"]);
    assert_eq!(matched(&grange), 0, "{}", grange.journal());

    let mut relay = grange.connect();
    relay.expect(250, "EHLO spam.example").expect(250, "MAIL FROM:<a@spam.example>");
    relay
        .expect(554, "RCPT TO:<b@far.example>")
        .expect(550, "RCPT TO:<nosuch@example.org>")
        .expect(221, "QUIT");
    let mut guess = Client::connect(grange.ports[1]);
    // A name and a password with NULs in front of them, in base64.
    guess.expect(250, "EHLO guess.example").expect(535, "AUTH PLAIN AGFubgBzZWNyZXQ=").expect(221, "QUIT");
    let mut nonsense = grange.connect();
    nonsense.expect(500, "ONE").expect(500, "TWO").expect(421, "THREE");
    let mut browser = grange.connect();
    browser.expect(421, "GET / HTTP/1.1");
    grange.wait_for_line(&["closed", "why=bad-commands"]);
    grange.wait_for_line(&["closed", "why=not-smtp"]);
    grange.wait_for_line(&["closed", "helo=spam.example"]);
    grange.wait_for_line(&["auth-failed", "account=ann", "mechanism=PLAIN"]);
    assert_eq!(matched(&grange), 5, "{}", grange.journal());
}
