use super::*;
use ipc::agent::JobRecipient;
use proto::address::ReversePath;
use proto::envelope::Shape;

fn job(number: JobNumber, file: u64, recipients: u32) -> Job {
    let recipient = |index| JobRecipient {
        index,
        address: "ann@example.org".parse().unwrap(),
        user: "ann@example.org".into(),
        terms: proto::terms::RecipientTerms::default(),
    };
    Job {
        job: number,
        id: SpoolId::new(number, 1, 1, 0),
        received: 0,
        from: ReversePath::Null,
        host: "example.org".into(),
        shape: Shape::default(),
        terms: proto::terms::Terms::default(),
        file,
        record: None,
        offset: 0,
        length: 3,
        checksum: None,
        recipients: (0..recipients).map(recipient).collect(),
    }
}

fn desk() -> Desk {
    let mut desk = Desk::default();
    desk.shelve(7, tempfile::tempfile().unwrap().into());
    desk
}

fn yes() -> Disposition {
    Disposition::local(Outcome::Delivered, Status::OK, "ok")
}

fn no() -> Disposition {
    Disposition::local(Outcome::Deferred, Status::transient(0, 0), "later")
}

fn told(desk: &mut Desk, now: u64) -> Vec<String> {
    let word = |message: FromAgent| match message {
        FromAgent::Settled { job, index, .. } => format!("settled {job} {index}"),
        FromAgent::Late { id, index, .. } => format!("late {} {index}", id.milliseconds()),
        FromAgent::Released { file } => format!("released {file}"),
        other => format!("{other:?}"),
    };
    desk.take_reports(now).into_iter().map(word).collect()
}

#[test]
fn a_recipient_is_settled_once_and_the_last_one_gives_a_credit() {
    let mut desk = desk();
    let work = desk.accept(job(1, 7, 2)).unwrap();
    desk.settle(work.ticket, 0, yes());
    desk.settle(work.ticket, 0, no());
    desk.settle(work.ticket, 9, no());
    assert_eq!((desk.take_credits(), desk.len()), (0, 1));
    desk.settle(work.ticket, 1, no());
    assert_eq!((desk.take_credits(), desk.take_credits(), desk.is_empty()), (1, 0, true));
    assert_eq!(told(&mut desk, 0), ["settled 1 0", "settled 1 1"]);
    assert!(told(&mut desk, 0).is_empty());
}

#[test]
fn a_file_is_released_when_its_last_job_is_done() {
    let mut desk = desk();
    let first = desk.accept(job(1, 7, 1)).unwrap();
    let second = desk.accept(job(2, 7, 1)).unwrap();
    desk.release(7);
    desk.settle(first.ticket, 0, yes());
    assert_eq!(told(&mut desk, 0), ["settled 1 0"]);
    desk.settle(second.ticket, 0, yes());
    assert_eq!(told(&mut desk, 0), ["settled 2 0", "released 7"]);
    desk.release(8);
    assert_eq!(told(&mut desk, 0), ["released 8"], "what was never given is not kept either");
}

#[test]
fn a_job_without_its_file_is_deferred() {
    let mut desk = desk();
    assert!(desk.accept(job(1, 99, 2)).is_none());
    assert_eq!(told(&mut desk, 0), ["settled 1 0", "settled 1 1"]);
    assert_eq!(desk.take_credits(), 1);
}

#[test]
fn what_the_dead_scheduler_may_not_know_is_late() {
    let mut desk = desk();
    let [sent, deferred, unsent, kept, dropped] = [1, 2, 3, 4, 5].map(|n| desk.accept(job(n, 7, 1)).unwrap());
    desk.settle(sent.ticket, 0, yes());
    desk.settle(deferred.ticket, 0, no());
    assert_eq!(told(&mut desk, 1_000).len(), 2);
    desk.settle(unsent.ticket, 0, no());
    desk.orphan(&[kept.ticket]);
    desk.grant_anew(10);
    assert_eq!((desk.take_credits(), desk.orphans()), (9, 1));
    assert_eq!(told(&mut desk, 2_000), ["late 1 0", "late 3 0"]);
    desk.settle(dropped.ticket, 0, yes());
    desk.settle(kept.ticket, 0, yes());
    assert_eq!((told(&mut desk, 3_000), desk.take_credits()), (vec!["late 4 0".to_owned()], 1));
}

#[test]
fn an_old_result_is_not_repeated() {
    let mut desk = desk();
    let work = desk.accept(job(1, 7, 1)).unwrap();
    desk.settle(work.ticket, 0, yes());
    assert_eq!(told(&mut desk, 0).len(), 1);
    assert!(told(&mut desk, MEMORY + 1).is_empty());
    desk.orphan(&[]);
    assert!(told(&mut desk, MEMORY + 2).is_empty());
}

#[test]
fn a_second_death_repeats_what_the_second_scheduler_was_told() {
    let mut desk = desk();
    let work = desk.accept(job(1, 7, 1)).unwrap();
    desk.settle(work.ticket, 0, yes());
    told(&mut desk, 0);
    for now in [10, 20] {
        desk.orphan(&[]);
        assert_eq!(told(&mut desk, now), ["late 1 0"]);
    }
}
