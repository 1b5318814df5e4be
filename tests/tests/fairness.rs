//! One session with thousands of recipients must not delay those with one.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use system_tests::{Client, Grange, PATIENCE};

/// Recipients of the large session.
const MANY: usize = 5000;

/// Small sessions at the same time.
const SMALL: usize = 20;

/// RCPT commands of each small session.
const EACH: usize = 50;

/// A small session must have its answer within this, or within so many times what it took alone.
const BOUND: (Duration, u32) = (Duration::from_millis(250), 20);

/// Somebody in a domain that nobody has asked about before, so that no cache answers.
fn address(who: &str, number: usize) -> String {
    format!("somebody@{who}-{number}.far.example")
}

/// One transaction with [`MANY`] recipients, all sent at once; its answers are read as they come.
fn large(port: u16, round: usize, answered: &AtomicUsize) {
    let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut output = stream.try_clone().unwrap();
    let mut lines = BufReader::new(stream).lines();
    let mut text = String::from("HELO large.example\r\nMAIL FROM:<from@large.example>\r\n");
    for number in 0..MANY {
        text.push_str(&format!("RCPT TO:<{}>\r\n", address(&format!("large{round}"), number)));
    }
    text.push_str("QUIT\r\n");
    let writer = std::thread::spawn(move || output.write_all(text.as_bytes()).unwrap());
    for _ in 0..3 {
        lines.next().unwrap().unwrap();
    }
    for _ in 0..MANY {
        let line = lines.next().unwrap().unwrap();
        assert!(line.starts_with("250 "), "{line}");
        answered.fetch_add(1, Ordering::Relaxed);
    }
    writer.join().unwrap();
}

/// The time of each RCPT of [`SMALL`] sessions, sorted.
fn small(port: u16, round: &str) -> Vec<Duration> {
    let sessions: Vec<_> = (0..SMALL)
        .map(|session| {
            let who = format!("{round}-{session}");
            std::thread::spawn(move || {
                let mut client = Client::connect(port);
                client.expect(250, "EHLO small.example");
                let times = (0..EACH).map(|number| {
                    client.expect(250, "MAIL FROM:<from@small.example>");
                    let began = Instant::now();
                    client.expect(250, &format!("RCPT TO:<{}>", address(&who, number)));
                    let time = began.elapsed();
                    client.expect(250, "RSET");
                    time
                });
                times.collect::<Vec<_>>()
            })
        })
        .collect();
    let mut times: Vec<Duration> = sessions.into_iter().flat_map(|session| session.join().unwrap()).collect();
    times.sort();
    times
}

fn p99(times: &[Duration]) -> Duration {
    times[times.len() * 99 / 100]
}

#[test]
fn small_sessions_do_not_wait_for_a_large_one() {
    let grange = Grange::start("");
    // The first questions load tables and start workers.
    small(grange.port, "warm");
    let alone = p99(&small(grange.port, "alone"));
    let stop = Arc::new(AtomicBool::new(false));
    let answered = Arc::new(AtomicUsize::new(0));
    let (port, stopped, counter) = (grange.port, Arc::clone(&stop), Arc::clone(&answered));
    let heavy = std::thread::spawn(move || {
        let mut round = 0;
        while !stopped.load(Ordering::Relaxed) {
            large(port, round, &counter);
            round += 1;
        }
    });
    system_tests::wait_until("the large session is under way", || answered.load(Ordering::Relaxed) > 0);
    let before = answered.load(Ordering::Relaxed);
    let beside = p99(&small(grange.port, "beside"));
    let meanwhile = answered.load(Ordering::Relaxed) - before;
    stop.store(true, Ordering::Relaxed);
    heavy.join().unwrap();
    println!(
        "p99 of RCPT in {SMALL} small sessions: {:.2} ms alone, {:.2} ms beside {MANY} recipients in one session \
         ({meanwhile} of those answered meanwhile)",
        alone.as_secs_f64() * 1000.0,
        beside.as_secs_f64() * 1000.0
    );
    assert!(meanwhile > 0, "the large session went on at the same time");
    assert!(beside <= BOUND.0.max(alone * BOUND.1), "{beside:?} beside it, {alone:?} alone");
}
