//! The second crash model: power cuts that forget any subset of what was not flushed, a thousand of them, several in the
//! life of each spool.

use super::world::{World, process};
use crate::storage::{Dice, Simulated};
use crate::{Segments, Spool, SpoolError, prepare};
use std::collections::BTreeMap;

/// Runs the life of a spool through four power cuts.
fn life(seed: u64) -> usize {
    let mut dice = Dice::new(seed);
    let disk = Simulated::new();
    prepare(&disk).unwrap();
    let mut world = World::default();
    let mut now = 1_000_000;
    for _ in 0..4 {
        act(&mut world, &disk, &mut dice, now);
        disk.heal();
        disk.power_cut(dice.roll());
        // The clock may have gone back meanwhile.
        now = if dice.coin() { now + 100_000 } else { now - 50_000 };
        let (view, mut spool) = world.verify(&disk, now);
        if dice.coin() {
            compact_some(&mut world, &view, &mut spool, &mut dice, now);
            disk.heal();
        } else if dice.coin() {
            remove_some(&mut world, &mut spool, &mut dice).unwrap();
        }
    }
    world.acknowledged()
}

/// Two writers do this and that; some of it is under way when the power goes.
fn act(world: &mut World, disk: &Simulated, dice: &mut Dice, now: u64) {
    let mut writers = [process(disk).unwrap(), process(disk).unwrap()];
    let mut open = Vec::new();
    for step in 0..4 + dice.below(12) {
        let now = now + step as u64 * 1000;
        let (view, writer) = &mut writers[dice.below(2)];
        match dice.below(12) {
            0..6 => {
                let size = [50, 3000, 4096, 8900, 25_000][dice.below(5)];
                world.commit(writer, size, now).unwrap();
            }
            6..10 => {
                assert_eq!(world.close(writer, now), []);
            }
            10 => open.push(world.create(writer, 20_000, now).unwrap()),
            _ => {
                // The power goes in the middle of a flush, soon.
                view.fail_at(dice.below(12) as u64, crate::storage::Fault::Stop);
                let _ = world.commit(writer, 5000, now);
                world.close(writer, now);
                return;
            }
        }
    }
}

/// Some messages are moved, some only copied when the power goes; segments that are left go.
fn compact_some(world: &mut World, view: &Simulated, spool: &mut Segments, dice: &mut Dice, now: u64) {
    let adopted: Vec<_> = spool.adopted().map(|(segment, _)| segment).collect();
    let mut keeper = spool.keeper();
    if dice.coin() {
        view.fail_at(dice.below(40) as u64, crate::storage::Fault::Stop);
    }
    for segment in adopted {
        let Ok(moves) = world.copy(spool, &mut keeper, segment, now, || dice.below(3) > 0) else { return };
        if dice.coin() {
            world.moved(moves);
        }
        // What was not moved is finished.
        if dice.coin() && world.remove(spool, segment).is_err() {
            return;
        }
        if dice.coin() {
            keeper.rest();
        }
    }
    // The power may have gone.
    let _ = remove_some(world, spool, dice);
}

fn remove_some(world: &mut World, spool: &mut Segments, dice: &mut Dice) -> Result<(), SpoolError> {
    let adopted: Vec<_> = spool.adopted().map(|(segment, _)| segment).collect();
    for segment in adopted {
        if dice.coin() {
            world.remove(spool, segment)?;
        }
    }
    Ok(())
}

#[test]
fn a_thousand_power_cuts_lose_nothing_that_was_acknowledged() {
    let lives = std::env::var("POWER_CUTS")
        .ok()
        .and_then(|cuts| cuts.parse::<u64>().ok())
        .map_or(250, |cuts| cuts / 4);
    let acknowledged: usize = (0..lives).map(life).sum();
    assert!(acknowledged > 2000, "only {acknowledged} messages were acknowledged");
}

#[test]
fn orphans_go_and_contents_with_a_record_stay() {
    let disk = Simulated::new();
    prepare(&disk).unwrap();
    let mut world = World::default();
    let (view, mut writer) = process(&disk).unwrap();
    world.commit(&mut writer, 20_000, 1000).unwrap();
    assert_eq!(world.close(&mut writer, 1000), []);
    let orphan = world.create(&mut writer, 20_000, 1000).unwrap();
    let (_, mut scheduler) = process(&disk).unwrap();
    assert_eq!(scheduler.takeover(&BTreeMap::new()).unwrap().orphans, [], "its writer is alive");
    view.kill();
    let takeover = scheduler.takeover(&BTreeMap::new()).unwrap();
    assert_eq!(takeover.orphans, [orphan.id()]);
    assert_eq!(takeover.segments.len(), 1);
    drop(scheduler);
    world.verify(&disk, 2000);
}
