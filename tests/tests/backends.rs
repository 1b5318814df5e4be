//! The spools that keep nothing: measurements need them, and nobody shall run one by mistake.

use std::path::PathBuf;
use system_tests::maildir::without_trace;
use system_tests::{Grange, Sink, wait_until};

const CONTENT: &[u8] = b"Subject: hello\r\n\r\n.a dot, and 8 bits: \xc3\xa9\r\nbye\r\n";

fn with(backend: &str, sink: &Sink) -> Grange {
    Grange::relaying_to(sink.port, &format!("[spool]\nbackend = \"{backend}\"\n"))
}

/// The spool's directory as the farm says.
fn spool(grange: &Grange) -> PathBuf {
    grange.status()["spool"].as_str().unwrap().into()
}

/// The spool on disk holds nothing.
fn is_untouched(grange: &Grange) -> bool {
    std::fs::read_dir(grange.root().join("spool")).map_or(true, |mut names| names.next().is_none())
}

#[test]
fn memory_relays_every_octet_and_touches_no_disk() {
    let sink = Sink::start();
    let mut grange = with("memory", &sink);
    let large = [b"Subject: large\r\n\r\n".to_vec(), b"0123456789\r\n".repeat(100_000)].concat();
    let mut client = grange.connect();
    client.expect(250, "EHLO client.example");
    for content in [CONTENT, &large] {
        assert_eq!(client.deliver("you@client.example", &["ann@far.example"], content), 250);
    }
    let mut taken: Vec<_> = sink.wait_for(2).iter().map(|taken| without_trace(&taken.content)).collect();
    taken.sort_by_key(Vec::len);
    assert!(
        taken == [CONTENT.to_vec(), large],
        "{:?} octets",
        taken.iter().map(Vec::len).collect::<Vec<_>>()
    );
    grange.wait_until_empty();
    let memory = spool(&grange);
    assert!(std::fs::read_dir(memory.join("segments")).unwrap().next().is_some(), "it is there");
    assert!(is_untouched(&grange));
    grange.stop();
    assert!(!memory.exists(), "a clean stop leaves nothing");
    assert!(is_untouched(&grange));
}

#[test]
fn memory_shows_what_waits_and_forgets_it_at_a_stop() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let mut grange = Grange::relaying_to(port, "[spool]\nbackend = \"memory\"\n");
    let mut client = grange.connect();
    client.expect(250, "EHLO client.example");
    assert_eq!(client.deliver("you@client.example", &["ann@far.example"], CONTENT), 250);
    let id = client.id();
    drop(client);
    grange.wait_for_line(&[&id, "deferred"]);
    let content = grange.grange(&["queue", "cat", &id]).stdout;
    assert_eq!(without_trace(&content), CONTENT);
    let check = grange.grange(&["spool", "check"]);
    assert!(check.status.success(), "{}", String::from_utf8_lossy(&check.stderr));
    grange.stop();
    grange.go();
    assert_eq!(grange.queue().len(), 0);
    grange.stop();
}

#[test]
fn null_answers_250_and_queues_and_delivers_nothing() {
    let sink = Sink::start();
    let mut grange = with("null", &sink);
    let mut client = grange.connect();
    client.expect(250, "EHLO client.example");
    let large = b"0123456789\r\n".repeat(100_000);
    for content in [CONTENT, &large, CONTENT] {
        assert_eq!(client.deliver("you@client.example", &["ann@far.example"], content), 250);
    }
    assert_eq!(client.deliver("you@client.example", &["nobody@example.org"], CONTENT), 250);
    assert_eq!(grange.queue().len(), 0);
    assert!(std::fs::read_dir(spool(&grange).join("segments")).unwrap().next().is_none());
    assert!(is_untouched(&grange));
    grange.stop();
    assert_eq!((sink.count(), sink.connections()), (0, 0));
}

#[test]
fn who_uses_one_is_warned_at_the_start_in_the_checks_and_in_the_journal() {
    for backend in ["memory", "null"] {
        let mut grange = Grange::prepare(&format!("[spool]\nbackend = \"{backend}\"\n"));
        let warning = format!("backend = \"{backend}\": acknowledged mail is not kept");
        let check = grange.grange(&["check"]);
        assert!(String::from_utf8_lossy(&check.stdout).contains(&warning), "{check:?}");
        let check = grange.grange(&["config", "check"]);
        assert!(check.status.success() && String::from_utf8_lossy(&check.stderr).contains(&warning));
        assert_eq!(grange.json(&["config", "check"])[0]["warnings"].as_array().unwrap().len(), 1);
        for starts in 1..=2 {
            grange.go();
            assert_eq!(grange.told().matches(&warning).count(), starts, "{}", grange.told());
            let lines = || grange.journal().matches(&format!("not-kept backend={backend}")).count();
            wait_until("the journal says so", || lines() == starts);
            grange.stop();
        }
    }
}

#[test]
fn the_spool_on_disk_is_not_warned_of() {
    let grange = Grange::start("");
    assert!(!grange.told().contains("not kept") && !grange.journal().contains("not-kept"));
    assert!(!String::from_utf8_lossy(&grange.grange(&["check"]).stdout).contains("warning"));
    assert_eq!(grange.json(&["config", "check"])[0]["warnings"].as_array().unwrap().len(), 0);
}
