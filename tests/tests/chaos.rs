//! Chaos: processes of the farm die at random under a stream of numbered messages, and every message that was answered
//! 250 arrives at least once.
//!
//! `CHAOS_SECONDS` sets the length (8 in the ordinary run), `CHAOS_SEED` the choice of victims.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use system_tests::client::stuffed;
use system_tests::daemon::kill;
use system_tests::{Client, Grange, Sink, wait_for};

/// Sessions that send at the same time.
const SENDERS: u64 = 8;

/// Every so many kills it is all of the farm.
const ALL_EVERY: u64 = 10;

/// A small generator: the test's choices must be repeatable, not good.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % below.max(1)
    }
}

fn setting(name: &str, usual: u64) -> u64 {
    std::env::var(name).ok().and_then(|value| value.parse().ok()).unwrap_or(usual)
}

/// What the senders know.
#[derive(Default)]
struct Ledger {
    sent: AtomicU64,
    acknowledged: Mutex<BTreeSet<u64>>,
    stop: AtomicBool,
    port: AtomicU64,
}

impl Ledger {
    /// Sends messages over one connection until something breaks.
    fn session(&self) -> Option<()> {
        let port = u16::try_from(self.port.load(Ordering::Relaxed)).ok()?;
        let mut client = Client::try_connect(port)?;
        client.try_say("EHLO chaos.example")?;
        while !self.stop.load(Ordering::Relaxed) {
            let number = self.sent.fetch_add(1, Ordering::Relaxed);
            let accepted = client.try_say("MAIL FROM:<from@chaos.example>")? == 250
                && client.try_say(&format!("RCPT TO:<n{number}@far.example>"))? == 250
                && client.try_say("DATA")? == 354;
            if !accepted {
                return None;
            }
            let content = format!("Subject: {number}\r\n\r\n{}\r\n", "x".repeat(1000));
            client.try_send(&stuffed(content.as_bytes()))?;
            if client.try_reply()? == 250 {
                self.acknowledged.lock().unwrap().insert(number);
            }
        }
        Some(())
    }
}

/// The numbers that arrived, and how often.
fn arrivals(sink: &Sink) -> BTreeMap<u64, u64> {
    let mut arrived = BTreeMap::new();
    for taken in sink.taken() {
        for to in taken.to {
            let number = to.split(['<', '@']).nth(1).and_then(|n| n.strip_prefix('n')?.parse().ok());
            *arrived.entry(number.expect("our own recipients")).or_default() += 1;
        }
    }
    arrived
}

/// A random process of the farm, the supervisor not among them.
fn victim(grange: &Grange, dice: &mut Dice) -> Option<u32> {
    let farm: Vec<u32> =
        grange.survivors().into_iter().filter(|&pid| pid != grange.supervisor_pid()).collect();
    let at = usize::try_from(dice.roll(farm.len().try_into().ok()?)).ok()?;
    farm.get(at).copied()
}

#[test]
fn nothing_acknowledged_is_lost_when_processes_die() {
    let length = Duration::from_secs(setting("CHAOS_SECONDS", 8));
    let seed = setting("CHAOS_SEED", 0x5eed);
    let mut dice = Dice(seed | 1);
    let sink = Sink::start();
    let relay = format!(
        "[router]\nroutes = {{ \".\" = \"smtp!127.0.0.1:{}\" }}\n[scheduler]\nretry = [\"1s\"]\ncompact-after = \"1s\"\n",
        sink.port
    );
    let mut grange = Grange::start(&relay);
    let ledger = Arc::new(Ledger::default());
    ledger.port.store(grange.port.into(), Ordering::Relaxed);
    let senders: Vec<_> = (0..SENDERS)
        .map(|_| {
            let ledger = Arc::clone(&ledger);
            std::thread::spawn(move || {
                while !ledger.stop.load(Ordering::Relaxed) {
                    if ledger.session().is_none() {
                        std::thread::sleep(Duration::from_millis(10));
                    }
                }
            })
        })
        .collect();
    let end = Instant::now() + length;
    let mut kills = 0;
    while Instant::now() < end {
        std::thread::sleep(Duration::from_secs(1));
        kills += 1;
        if kills % ALL_EVERY == 4 {
            grange.kill_all();
            grange.go();
            ledger.port.store(grange.port.into(), Ordering::Relaxed);
        } else if let Some(pid) = victim(&grange, &mut dice) {
            kill(pid);
        }
    }
    ledger.stop.store(true, Ordering::Relaxed);
    for sender in senders {
        sender.join().unwrap();
    }
    let acknowledged = ledger.acknowledged.lock().unwrap().clone();
    let missing = |arrived: &BTreeMap<u64, u64>| {
        acknowledged.iter().filter(|number| !arrived.contains_key(number)).copied().collect::<Vec<_>>()
    };
    wait_for("the queue is empty", || (grange.gauge("scheduler", "messages") == 0.0).then_some(()));
    if let Ok(file) = std::env::var("CHAOS_JOURNAL") {
        std::fs::write(file, grange.told()).unwrap();
    }
    let arrived = arrivals(&sink);
    let lost = missing(&arrived);
    let duplicates: u64 = arrived.values().map(|times| times - 1).sum();
    println!(
        "seed={seed} kills={kills} sent={} acknowledged={} arrived={} duplicates={duplicates} lost={}",
        ledger.sent.load(Ordering::Relaxed),
        acknowledged.len(),
        arrived.len(),
        lost.len()
    );
    assert!(acknowledged.len() > 100, "hardly anything was accepted");
    assert!(lost.is_empty(), "lost: {lost:?}");
}
