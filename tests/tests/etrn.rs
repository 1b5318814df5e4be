//! Clients that have the queue of a host started.

use system_tests::{Grange, wait_until};

#[test]
fn what_waits_for_a_host_is_tried_when_its_client_says_so() {
    let grange = Grange::start(
        "[smtpserver]\nlisten = [\"127.0.0.1:0\"]\netrn = \"yes\"\n\
         [router]\nroutes = { \".\" = \"smtp!localhost:9\" }\n[scheduler]\nretry = [\"1h\"]\n",
    );
    let mut client = grange.connect();
    client.expect(250, "EHLO client.example");
    assert!(client.last.contains("ETRN"), "{}", client.last);
    assert_eq!(client.deliver("you@client.example", &["ann@far.example"], b"Subject: x\r\n\r\n"), 250);
    let attempts = || grange.journal().matches(" deferred ").count();
    wait_until("it waits", || attempts() == 1);
    client.expect(251, "ETRN other.example");
    client.expect(253, "ETRN localhost");
    assert!(client.last.contains("1 pending"), "{}", client.last);
    wait_until("it is tried", || attempts() == 2);
    client.expect(458, "ETRN localhost");
    client.expect(459, "ETRN #queue");
    client.expect(250, "NOOP");
}

#[test]
fn who_may_not_is_not_offered_it() {
    let grange = Grange::start("");
    let mut client = grange.connect();
    client.expect(250, "EHLO client.example");
    assert!(!client.last.contains("ETRN"), "{}", client.last);
    assert!(client.say("ETRN localhost") >= 500, "{}", client.last);
}
