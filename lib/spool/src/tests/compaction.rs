//! Copying out of a sparse segment.

use super::world::{process, tuning};
use crate::storage::{Fault, Simulated};
use crate::{Body, Committed, Defect, Keeper, Segments, Spool, SpoolError, Survey, conformance, prepare};
use proto::id::SpoolId;
use std::collections::BTreeMap;

/// A segment with three messages, the second of them large, taken over by a scheduler.
struct Site {
    disk: Simulated,
    view: Simulated,
    scheduler: Segments,
    keeper: Keeper,
    segment: SpoolId,
    messages: Vec<Committed>,
}

fn content(number: usize) -> Vec<u8> {
    let size = [900, 20_000, 300][number];
    (0..size).map(|at| b'a' + u8::try_from((at + number) % 26).unwrap()).collect()
}

fn site() -> Site {
    let disk = Simulated::new();
    prepare(&disk).unwrap();
    let (_, mut writer) = process(&disk).unwrap();
    let mut messages: Vec<Committed> = Vec::new();
    for number in 0..3 {
        let mut draft = conformance::draft(&mut writer, &content(number), 5);
        draft.preserve(&["colour deep blue".to_owned(), "Later thing".to_owned()]);
        writer.commit(draft, &conformance::envelope(900), 5).unwrap();
        messages.extend(conformance::complete(&mut writer, 5)[0].committed());
    }
    drop(writer);
    let (view, mut scheduler) = process(&disk).unwrap();
    scheduler.takeover(&BTreeMap::new()).unwrap();
    let keeper = scheduler.keeper();
    Site { disk, view, scheduler, keeper, segment: messages[0].place.segment, messages }
}

impl Site {
    fn copy(&mut self, numbers: &[usize]) -> Result<crate::Copied, SpoolError> {
        let records: Vec<_> = numbers
            .iter()
            .map(|&number| (self.messages[number].id, self.messages[number].place.offset))
            .collect();
        let kept = self.scheduler.kept(self.segment)?;
        let spare = self.scheduler.draw(7)?;
        self.keeper.copy(&kept, &records, spare, 7)
    }

    fn remove(&mut self, segment: SpoolId) {
        let kept = self.scheduler.kept(segment).unwrap();
        self.keeper.remove(&kept).unwrap();
        self.scheduler.forget(segment);
    }

    fn large(&self) -> bool {
        self.disk.edit(&format!("large/{}", self.messages[1].id), |_| ()).is_ok()
    }
}

fn read(body: &Body) -> Vec<u8> {
    body.read(u64::MAX).unwrap()
}

#[test]
fn a_copy_is_the_same_message_with_every_line_it_had() {
    let mut site = site();
    let copied = site.copy(&[0, 1, 2]).unwrap();
    assert_eq!((copied.moved.len(), copied.damage.len(), copied.dealt_with), (3, 0, 3));
    let range = copied.announced.unwrap();
    assert_eq!((Some(range.segment), range.from), (site.keeper.segment(), 4096));
    for (number, (id, from, to)) in copied.moved.into_iter().enumerate() {
        assert_eq!((id, from), (site.messages[number].id, site.messages[number].place));
        let (old, new) = (site.scheduler.load(from).unwrap(), site.scheduler.load(to).unwrap());
        assert_eq!((new.id, new.copied, old.copied), (id, Some(from), None));
        assert_eq!((&new.envelope, &new.preserved, &new.held), (&old.envelope, &old.preserved, &old.held));
        assert!(new.held.is_some() && new.preserved == ["colour deep blue"]);
        let body = site.scheduler.body(&new).unwrap();
        assert_eq!(read(&body), content(number));
        assert!(body.checksum().map(|sum| sum.pass(&content(number))).unwrap().holds());
    }
}

#[test]
fn a_copy_of_a_copy_says_where_it_lay_last() {
    let mut site = site();
    let first = site.copy(&[0]).unwrap().moved[0].2;
    site.keeper.rest();
    assert_eq!(site.scheduler.takeover(&BTreeMap::new()).unwrap().segments.len(), 1);
    let kept = site.scheduler.kept(first.segment).unwrap();
    let spare = site.scheduler.draw(8).unwrap();
    let records = [(site.messages[0].id, first.offset)];
    let second = site.keeper.copy(&kept, &records, spare, 8).unwrap().moved[0].2;
    assert_ne!(second.segment, first.segment);
    let entry = site.scheduler.load(second).unwrap();
    assert_eq!((entry.copied, entry.preserved.len()), (Some(first), 1));
}

#[test]
fn a_large_content_goes_with_the_last_segment_that_refers_to_it() {
    let mut site = site();
    let to = site.copy(&[1]).unwrap().moved[0].2;
    site.remove(site.segment);
    assert!(site.large());
    assert_eq!(read(&site.scheduler.open(to).unwrap()), content(1));
    site.keeper.rest();
    site.scheduler.takeover(&BTreeMap::new()).unwrap();
    site.remove(to.segment);
    assert!(!site.large());
}

#[test]
fn a_copy_that_was_given_up_leaves_the_large_content_to_its_message() {
    let mut site = site();
    let to = site.copy(&[1]).unwrap().moved[0].2;
    site.keeper.rest();
    site.scheduler.takeover(&BTreeMap::new()).unwrap();
    site.remove(to.segment);
    assert_eq!(read(&site.scheduler.open(site.messages[1].place).unwrap()), content(1));
    site.remove(site.segment);
    assert!(!site.large());
}

#[test]
fn a_large_content_whose_record_is_in_the_open_segment_of_the_keeper_is_no_orphan() {
    let mut site = site();
    site.copy(&[1]).unwrap();
    site.remove(site.segment);
    assert_eq!(site.scheduler.takeover(&BTreeMap::new()).unwrap().orphans, []);
    assert!(site.large());
}

#[test]
fn a_damaged_record_is_not_copied_and_the_others_are() {
    let mut site = site();
    let at = usize::try_from(site.messages[2].end - 1).unwrap();
    site.disk.edit(&format!("segments/{}", site.segment), |data| data[at] ^= 1).unwrap();
    let copied = site.copy(&[0, 2]).unwrap();
    assert_eq!((copied.moved.len(), copied.dealt_with), (1, 2));
    assert!(matches!(copied.damage[..], [damage] if damage.defect == Defect::Content), "{copied:?}");
    let kept = site.scheduler.kept(site.segment).unwrap();
    let spare = site.scheduler.draw(7).unwrap();
    let forged = [(site.messages[1].id, site.messages[0].place.offset), (site.messages[0].id, u64::MAX / 2)];
    let copied = site.keeper.copy(&kept, &forged, spare, 7).unwrap();
    assert_eq!((copied.moved.len(), copied.damage.len(), copied.announced), (0, 2, None));
}

#[test]
fn a_survey_names_every_record_and_a_batch_has_its_measure() {
    let mut site = site();
    let kept = site.scheduler.kept(site.segment).unwrap();
    let Survey { records, length } = site.keeper.survey(&kept).unwrap();
    let places: Vec<_> = records.iter().map(|lying| (lying.id, lying.offset)).collect();
    let messages: Vec<_> = site.messages.iter().map(|message| (message.id, message.place.offset)).collect();
    assert_eq!((places, length), (messages, tuning().fill_step));
    let size = records[0].size;
    assert_eq!(site.messages[0].place.offset + size, site.messages[0].end);
    // The same one again and again: 1 MiB is the measure.
    let copied = site.copy(&[0; 900]).unwrap();
    assert!(
        copied.dealt_with < 900 && u64::try_from(copied.dealt_with).unwrap() * size > 900_000,
        "{copied:?}"
    );
}

#[test]
fn a_keeper_that_failed_twice_begins_again() {
    let mut site = site();
    site.copy(&[0]).unwrap();
    let before = site.view.calls();
    site.copy(&[0]).unwrap();
    let last = site.view.calls() - before - 1;
    for _ in 0..4 {
        site.view.fail_at(last, Fault::Broken);
        site.copy(&[0]).unwrap_err();
    }
    assert_eq!(site.copy(&[0, 1, 2]).unwrap().moved.len(), 3);
    for message in &site.messages {
        assert_eq!(site.scheduler.load(message.place).unwrap().id, message.id);
    }
}

#[test]
fn a_segment_of_copies_that_failed_can_be_taken_over_at_once() {
    let mut site = site();
    let to = site.copy(&[0]).unwrap().moved[0].2;
    let before = site.view.calls();
    site.copy(&[0]).unwrap();
    let last = site.view.calls() - before - 1;
    site.view.fail_at(last, Fault::Broken);
    site.copy(&[2]).unwrap_err();
    let found = site.scheduler.takeover(&BTreeMap::new()).unwrap();
    assert_eq!(found.segments.iter().map(|range| range.segment).collect::<Vec<_>>(), [to.segment]);
    assert_ne!(site.copy(&[2]).unwrap().moved[0].2.segment, to.segment);
}

#[test]
fn the_content_of_an_entry_is_opened_without_reading_its_record_again() {
    let mut site = site();
    let place = site.messages[2].place;
    let entry = site.scheduler.load(place).unwrap();
    let at = usize::try_from(place.offset).unwrap();
    site.disk.edit(&format!("segments/{}", site.segment), |data| data[at] ^= 1).unwrap();
    assert_eq!(read(&site.scheduler.body(&entry).unwrap()), content(2));
    assert!(site.scheduler.open(place).is_err());
}
