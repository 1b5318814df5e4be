//! Segments with garbage in them.

use super::world::{World, process};
use crate::storage::Simulated;
use crate::{Damage, Defect, Spool, prepare};
use proto::id::SpoolId;
use std::collections::BTreeMap;

/// Three batches of two messages of about 1,000 octets, at 4096, 8192 and 12288.
fn written() -> (Simulated, SpoolId) {
    let disk = Simulated::new();
    prepare(&disk).unwrap();
    let (view, mut writer) = process(&disk).unwrap();
    let mut world = World::default();
    for _ in 0..3 {
        world.commit(&mut writer, 1000, 1000).unwrap();
        world.commit(&mut writer, 1000, 1000).unwrap();
        assert_eq!(world.close(&mut writer, 1000), []);
    }
    let [segment] = writer.segments().unwrap()[..] else { panic!("one segment") };
    view.kill();
    (disk, segment)
}

/// Damages the segment and takes it over: the number of intact entries, and the damage reported.
fn survivors(damage: impl FnOnce(&mut Vec<u8>)) -> (usize, Vec<Damage>) {
    let (disk, segment) = written();
    disk.edit(&format!("segments/{segment}"), damage).unwrap();
    let (_, mut scheduler) = process(&disk).unwrap();
    let takeover = scheduler.takeover(&BTreeMap::new()).unwrap();
    let mut walked = Vec::new();
    let mut damages = takeover.damage;
    for range in takeover.segments {
        let found = scheduler.walk(range, usize::MAX).unwrap();
        damages.extend(found.damage.into_iter().filter(|damage| damage.defect == Defect::Envelope));
        walked.extend(found.entries);
    }
    (walked.len(), damages)
}

#[test]
fn without_damage_all_are_there() {
    assert_eq!(survivors(|_| {}), (6, vec![]));
}

#[test]
fn a_block_of_garbage_in_the_middle_costs_its_batch_and_is_reported() {
    let (left, damage) = survivors(|data| data[8192..12_288].fill(b'?'));
    assert_eq!(left, 4);
    let [damage] = damage[..] else { panic!("{damage:?}") };
    assert!(!damage.torn && damage.to == 12_288, "{damage}");
}

#[test]
fn zeros_in_the_middle_are_not_taken_for_padding() {
    let (left, damage) = survivors(|data| data[8192..12_288].fill(0));
    assert_eq!(left, 4);
    assert!(matches!(damage[..], [Damage { torn: false, to: 12_288, .. }]), "{damage:?}");
    // The second record of a batch, up to its end.
    let (left, damage) = survivors(|data| {
        let second = data[8193..].windows(32).position(|window| window == &data[8192..8224]).unwrap() + 8193;
        data[second..12_288].fill(0);
    });
    assert_eq!(left, 5);
    assert!(matches!(damage[..], [Damage { torn: false, to: 12_288, .. }]), "{damage:?}");
}

#[test]
fn a_bad_record_line_costs_one_message() {
    let (left, damage) = survivors(|data| data[8192 + 40] ^= 1);
    assert_eq!((left, damage.len()), (5, 1));
}

#[test]
fn a_bad_envelope_costs_one_message() {
    let (left, damage) = survivors(|data| data[8192 + 140] ^= 1);
    assert_eq!(left, 5);
    assert!(matches!(damage[..], [Damage { defect: Defect::Envelope, .. }]), "{damage:?}");
}

#[test]
fn a_torn_last_batch_costs_what_is_torn_and_is_told_apart() {
    let (left, damage) = survivors(|data| data[12_288..12_288 + 20].fill(0));
    assert_eq!(left, 5);
    assert!(matches!(damage[..], [Damage { torn: true, .. }]), "{damage:?}");
    let (left, damage) = survivors(|data| {
        let end = 12_288 + data[12_288..].iter().rposition(|octet| *octet != 0).unwrap();
        data[end] ^= 1;
    });
    assert_eq!(left, 5);
    assert!(matches!(damage[..], [Damage { torn: true, defect: Defect::Content, .. }]), "{damage:?}");
}

#[test]
fn a_cut_file_gives_what_is_left() {
    let (left, _) = survivors(|data| data.truncate(8192 + 600));
    assert_eq!(left, 2);
}

#[test]
fn a_segment_without_a_header_is_left_for_the_administrator() {
    let (disk, segment) = written();
    disk.edit(&format!("segments/{segment}"), |data| data[..100].fill(0)).unwrap();
    let (_, mut scheduler) = process(&disk).unwrap();
    let takeover = scheduler.takeover(&BTreeMap::new()).unwrap();
    assert_eq!((takeover.unreadable, takeover.segments.len()), (vec![segment], 0));
    assert_eq!(scheduler.segments().unwrap(), [segment]);
}

#[test]
fn a_record_copied_to_another_place_is_not_one() {
    let (left, _) = survivors(|data| {
        let batch = data[4096..8192].to_vec();
        data.resize(32_768, 0);
        data[16_384..20_480].copy_from_slice(&batch[..]);
    });
    assert_eq!(left, 6);
}
