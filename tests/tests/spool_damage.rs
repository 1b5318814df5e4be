//! Garbage in the middle of a spool file.

use std::collections::BTreeSet;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use system_tests::daemon::signal;
use system_tests::{Grange, Sink};

const COUNT: usize = 20;

/// Which part of a message is destroyed.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Part {
    Envelope,
    Content,
}

/// Accepts numbered messages that no scheduler has seen, and stops everything as a power cut would.
fn accepted_and_unread(port: u16) -> (Grange, Vec<String>) {
    let mut grange = Grange::relaying_to(
        port,
        "[smtpserver]\nlisten = [\"127.0.0.1:0\"]\nworkers = 1\n[scheduler]\nretry = [\"1s\"]\n",
    );
    signal(grange.pids("scheduler")[0], "-STOP");
    let mut client = grange.connect();
    client.expect(250, "EHLO client.example");
    let ids = (0..COUNT).map(|number| {
        let to = format!("rcpt-{number}@far.example");
        let content = format!("Subject: content-{number}\r\n\r\n{}\r\n", "0123456789\r\n".repeat(200));
        assert_eq!(client.deliver("you@client.example", &[&to], content.as_bytes()), 250, "{}", client.last);
        client.id()
    });
    let ids = ids.collect();
    grange.kill_all();
    (grange, ids)
}

/// Where a text stands in the segments.
fn find(grange: &Grange, text: &str) -> (PathBuf, u64) {
    let files = std::fs::read_dir(grange.root().join("spool/segments")).unwrap().flatten();
    let found = files.map(|entry| entry.path()).find_map(|path| {
        let octets = std::fs::read(&path).unwrap();
        let at = octets.windows(text.len()).position(|window| window == text.as_bytes())?;
        Some((path, u64::try_from(at).unwrap()))
    });
    found.expect("its content is stored as text")
}

/// Destroys a part of this message.
fn destroy(grange: &Grange, number: usize, part: Part) {
    let text = match part {
        Part::Envelope => format!("rcpt-{number}@far.example"),
        Part::Content => format!("Subject: content-{number}\r\n"),
    };
    let (path, at) = find(grange, &text);
    let file = std::fs::File::options().write(true).open(path).unwrap();
    file.write_all_at(b"\xff\0\xfe garbage \0\r\n", at).unwrap();
}

fn check(grange: &Grange) -> (Option<i32>, String) {
    let output = grange.grange(&["spool", "check"]);
    let said = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8_lossy(&said).into_owned())
}

/// The numbers of the messages at the sink; each must be as it was sent.
fn arrived(sink: &Sink) -> BTreeSet<usize> {
    let number = |taken: &system_tests::sink::Taken| {
        let text = String::from_utf8_lossy(&taken.content).into_owned();
        let subject =
            text.lines().find_map(|line| line.strip_prefix("Subject: content-")).expect("a subject");
        let number: usize = subject.parse().unwrap();
        assert_eq!(taken.to, [format!("RCPT TO:<rcpt-{number}@far.example>")]);
        assert!(
            text.ends_with(&"0123456789\r\n".repeat(200)) || text.ends_with("0123456789\r\n\r\n"),
            "{text}"
        );
        number
    };
    sink.taken().iter().map(number).collect()
}

#[test]
fn a_whole_spool_is_found_to_be_whole() {
    let (grange, _) = accepted_and_unread(9);
    let (code, said) = check(&grange);
    assert_eq!(code, Some(0), "{said}");
}

/// Destroys a part of the tenth message; the others arrive, and what is wrong is said.
fn the_rest_is_delivered(part: Part) {
    let sink = Sink::start();
    let (mut grange, ids) = accepted_and_unread(sink.port);
    destroy(&grange, 10, part);
    let (code, said) = check(&grange);
    assert!(code.is_some_and(|code| code != 0), "{part:?}: {said}");
    let (segment, _) = find(&grange, "rcpt-0@far.example");
    let segment = segment.file_name().unwrap().to_string_lossy().into_owned();
    assert!(said.contains(&segment), "it names the file: {said}");
    grange.go();
    sink.wait_for(COUNT - 1);
    let expected: BTreeSet<usize> = (0..COUNT).filter(|&number| number != 10).collect();
    system_tests::wait_until("all others arrive", || arrived(&sink) == expected);
    let journal = grange.journal();
    let told = journal.lines().any(|line| {
        line.contains(" damage ") && line.contains(&segment)
            || line.contains(&ids[10]) && line.contains(" deferred ") && line.contains("it is damaged")
    });
    assert!(told, "{part:?}: the journal says what is damaged: {journal}");
    assert!(!journal.lines().any(|line| line.contains(&ids[10]) && line.contains(" delivered ")));
}

#[test]
fn garbage_in_an_envelope_costs_this_message_and_no_other() {
    the_rest_is_delivered(Part::Envelope);
}

#[test]
fn garbage_in_a_content_costs_this_message_and_no_other() {
    the_rest_is_delivered(Part::Content);
}

#[test]
fn garbage_behind_the_last_message_harms_nothing() {
    let sink = Sink::start();
    let (mut grange, _) = accepted_and_unread(sink.port);
    let (path, _) = find(&grange, "rcpt-0@far.example");
    let octets = std::fs::read(&path).unwrap();
    let end = octets.iter().rposition(|&octet| octet != 0).unwrap();
    let file = std::fs::File::options().write(true).open(path).unwrap();
    let behind = (end as u64).next_multiple_of(4096) + 8192;
    file.write_all_at(&[0xa5; 5000], behind).unwrap();
    grange.go();
    sink.wait_for(COUNT);
    grange.wait_until_empty();
    assert_eq!(arrived(&sink).len(), COUNT);
}
