//! Files of the spool in which little still waits are emptied and removed, and what waited arrives byte for byte.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use system_tests::maildir::without_trace;
use system_tests::{Grange, Sink, wait_until};

/// Messages of a round; `COMPACTION_MESSAGES` sets another number.
fn count() -> usize {
    std::env::var("COMPACTION_MESSAGES").ok().and_then(|number| number.parse().ok()).unwrap_or(2_000)
}

/// Of so many messages one is for the dead host.
const DEAD: usize = 100;

/// Sessions that send at the same time.
const SENDERS: usize = 4;

fn content(number: usize) -> Vec<u8> {
    let lines = if number.is_multiple_of(7 * DEAD) { 50_000 } else { 500 + number % 200 };
    format!("Subject: {number}\r\n\r\n{}", format!("{number}\r\n").repeat(lines)).into_bytes()
}

fn is_dead(number: usize) -> bool {
    number.is_multiple_of(DEAD)
}

/// Sends the messages with these numbers.
fn send(port: u16, numbers: std::ops::Range<usize>) {
    let senders = (0..SENDERS).map(|sender| {
        let numbers = numbers.clone().skip(sender).step_by(SENDERS);
        std::thread::spawn(move || {
            let mut client = system_tests::Client::connect(port);
            client.expect(250, "EHLO client.example");
            for number in numbers {
                let domain = if is_dead(number) { "dead.example" } else { "live.example" };
                let to = format!("n{number}@{domain}");
                let reply = client.deliver("you@client.example", &[&to], &content(number));
                assert_eq!(reply, 250, "{}", client.last);
            }
        })
    });
    let senders: Vec<_> = senders.collect();
    senders.into_iter().for_each(|sender| sender.join().unwrap());
}

fn segments(grange: &Grange) -> usize {
    std::fs::read_dir(grange.root().join("spool/segments")).unwrap().count()
}

fn compacted(grange: &Grange) -> usize {
    grange.journal().matches(" scheduler compacted ").count()
}

/// All that the live host shall have is there, and all that waits for the dead one waits.
fn settle(grange: &Grange, live: &Sink, sent: usize) {
    let dead = (0..sent).filter(|number| is_dead(*number)).count();
    live.wait_for(sent - dead);
    wait_until("the others wait", || grange.gauge("scheduler", "waiting") == dead as f64);
}

/// The messages that a sink took, by number, and how often.
fn arrivals(sink: &Sink) -> BTreeMap<usize, usize> {
    let mut arrived = BTreeMap::new();
    for taken in sink.taken() {
        let number =
            taken.to[0].split(['<', '@']).nth(1).and_then(|name| name.strip_prefix('n')?.parse().ok());
        let number = number.expect("our own recipients");
        assert!(without_trace(&taken.content) == content(number), "message {number} is not what was sent");
        *arrived.entry(number).or_default() += 1;
    }
    arrived
}

#[test]
fn sparse_segments_are_emptied_and_what_waited_arrives_after_a_kill_of_everything() {
    let live = Sink::start();
    let down = Arc::new(AtomicBool::new(true));
    let is_down = Arc::clone(&down);
    let dead =
        Sink::scripted(move |_| is_down.load(Ordering::Relaxed).then(|| "421 4.3.2 not now".to_owned()));
    let mut grange = Grange::start(&format!(
        "[router]\nroutes = {{ \"dead.example\" = \"smtp!127.0.0.1:{}\", \".\" = \"smtp!127.0.0.1:{}\" }}\n\
         [scheduler]\nretry = [\"1s\"]\ncompact-after = \"1s\"\n\
         [smtpserver]\nlisten = [\"127.0.0.1:0\"]\nworkers = 1\n[spool]\nsegment-size = \"1M\"\n",
        dead.port, live.port
    ));
    let count = count();
    send(grange.port, 0..count);
    settle(&grange, &live, count);
    // The one that the server writes, the one with the copies, and one that alone is not worth it.
    wait_until("the spool is small", || segments(&grange) <= 3);
    let first = compacted(&grange);
    assert!(first > 2, "{first} were emptied");
    assert_eq!(grange.gauge("scheduler", "compacted"), first as f64);

    send(grange.port, count..2 * count);
    settle(&grange, &live, 2 * count);
    wait_until("one more is emptied", || compacted(&grange) > first);
    grange.kill_all();
    grange.go();
    settle(&grange, &live, 2 * count);
    wait_until("the spool is small again", || segments(&grange) <= 3);
    let check = grange.grange(&["spool", "check"]);
    assert!(check.status.success(), "{}", String::from_utf8_lossy(&check.stdout));
    println!("{} messages, {} segments emptied, {} left", 2 * count, compacted(&grange), segments(&grange));

    down.store(false, Ordering::Relaxed);
    grange.wait_until_empty();
    let expected: BTreeMap<usize, usize> =
        (0..2 * count).filter(|number| is_dead(*number)).map(|number| (number, 1)).collect();
    assert_eq!(arrivals(&dead), expected, "each once");
    assert_eq!(arrivals(&live).len() + expected.len(), 2 * count);
    let large = std::fs::read_dir(grange.root().join("spool/large")).unwrap();
    assert_eq!(large.count(), 0, "contents of finished messages are left");
}
