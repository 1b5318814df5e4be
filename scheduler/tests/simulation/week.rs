//! Weeks of mail.

use super::hosts::{DAY, HOUR, MINUTE, SECOND};
use super::world::{Event, World};

/// Lets a week pass, then lets the queue run empty, and checks the books.
fn week(seed: u64) -> World {
    let mut world = World::new(seed, 7 * DAY);
    for (delay, event) in [
        (SECOND, Event::Arrive),
        (HOUR, Event::Die),
        (5 * HOUR, Event::Restart),
        (9 * HOUR, Event::Jump),
        (3 * HOUR, Event::Order),
    ] {
        world.plan(delay, event);
    }
    while world.mono < world.end {
        assert!(world.step());
    }
    world.release_all();
    while world.step() && world.mono < 20 * DAY {}
    for message in world.poisoned.clone() {
        world.queue.remove(message, world.utc());
    }
    world.drain();
    world
}

#[test]
fn nothing_is_lost_in_a_week() {
    for seed in 1..=3 {
        let world = week(seed);
        let ledger = &world.ledger;
        assert_eq!(world.queue.check_invariants(), Ok(()), "seed {seed}");
        assert!(
            ledger.messages.is_empty(),
            "seed {seed}: {:?} never ended",
            ledger.messages.first_key_value()
        );
        assert!(ledger.in_flight.is_empty(), "seed {seed}");
        let ends = ledger.delivered + ledger.reported + ledger.dropped + ledger.removed;
        assert_eq!(ledger.accepted, ends, "seed {seed}");
        assert!(ledger.delivered > 20_000 && ledger.reported > 1_000, "seed {seed}: {ledger:?}");
        assert_eq!(world.queue.gauges().messages, 0, "seed {seed}");
    }
}

#[test]
fn only_poison_is_held_as_poison() {
    for seed in 4..=5 {
        let world = week(seed);
        assert!(!world.poisoned.is_empty(), "seed {seed}");
        assert!(world.poisoned.is_subset(&world.poison), "seed {seed}: {:?}", world.poisoned);
    }
}

#[test]
fn dead_hosts_are_probed_by_the_clock_and_not_by_arrivals() {
    let world = week(7);
    for (host, &feeds) in world.ledger.feeds.iter().filter(|(host, _)| host.starts_with("dead")) {
        assert!(feeds < 150, "{host} was tried {feeds} times");
    }
    assert!(world.worst_delay < 5 * MINUTE, "a good host waited {} ms beside them", world.worst_delay);
}
