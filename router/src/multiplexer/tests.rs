//! The desk with workers in memory.

use super::asks::Ask;
use super::desk::{Desk, Fallout};
use super::hands::Task;
use ipc::router_worker::ToRouterWorker;
use ipc::supervisor::ChildNumber;
use proptest::prelude::*;
use proto::address::Mailbox;
use proto::id::SpoolId;
use proto::place::Place;
use std::collections::BTreeSet;

fn ask(caller: usize, session: u64, name: &str) -> Ask {
    let address = Some(format!("{name}@example.org").parse::<Mailbox>().unwrap());
    Ask {
        caller,
        session,
        ticket: 0,
        address,
        may_relay: false,
        client: "192.0.2.1".into(),
        members: false,
        asked: 0,
    }
}

fn place(offset: u64) -> Place {
    Place { segment: SpoolId::new(1, 2, 3, 4), offset }
}

fn desk(workers: ChildNumber) -> Desk {
    let mut desk = Desk::new(1);
    for child in 1..=workers {
        desk.join(child, 0);
        desk.heard(child, 64, 0);
    }
    desk
}

fn ticket_of(message: &ToRouterWorker) -> u64 {
    match message {
        ToRouterWorker::Ask { ticket, .. }
        | ToRouterWorker::Expand { ticket, .. }
        | ToRouterWorker::Explain { ticket, .. } => *ticket,
        _ => panic!("no work"),
    }
}

fn name_of(message: &ToRouterWorker) -> String {
    match message {
        ToRouterWorker::Ask { address, .. } => address.as_ref().unwrap().local_part().to_owned(),
        ToRouterWorker::Expand { place, .. } => format!("message {}", place.offset),
        other => format!("{other:?}"),
    }
}

/// Everything that can be given now: worker, ticket, what.
fn given(desk: &mut Desk) -> Vec<(ChildNumber, u64, String)> {
    std::iter::from_fn(|| desk.hand_out(0))
        .map(|order| (order.child, ticket_of(&order.message), name_of(&order.message)))
        .collect()
}

/// Answers a question as a worker does.
fn answer(desk: &mut Desk, child: ChildNumber, ticket: u64) -> Option<Ask> {
    assert_eq!(desk.settle(child, ticket), Some(Task::Ask));
    desk.heard(child, 1, 0);
    desk.asks.close(ticket)
}

#[test]
fn a_session_with_5000_recipients_delays_20_small_ones_by_one_question() {
    let mut desk = Desk::new(1);
    desk.join(1, 0);
    desk.ask(ask(1, 0, "big"));
    for session in 1..=20 {
        desk.ask(ask(1, session, "small"));
    }
    let (mut big, mut small) = (0, Vec::new());
    desk.heard(1, 1, 0);
    for turn in 0.. {
        let Some((child, ticket, _)) = given(&mut desk).pop() else { break };
        let answered = answer(&mut desk, child, ticket).unwrap();
        if answered.session == 0 {
            big += 1;
            if big < 5_000 {
                desk.ask(ask(1, 0, "big"));
            }
        } else {
            small.push(turn);
        }
    }
    assert_eq!((big, small.len()), (5_000, 20));
    assert!(small.iter().all(|turn| *turn <= 20), "{small:?}");
}

#[test]
fn a_caller_with_5000_sessions_delays_another_by_one_question() {
    let mut desk = desk(1);
    (0..5_000).for_each(|session| desk.ask(ask(1, session, "many")));
    desk.ask(ask(2, 0, "one"));
    let order = given(&mut desk);
    assert_eq!(order.len(), 64, "as many as the worker has credits");
    assert!(order.iter().position(|(_, _, name)| name == "one").unwrap() <= 1);
    assert_eq!((desk.asks.waiting(), desk.asks.waiting_of(1)), (5_001 - 64, 5_001 - 64));
}

#[test]
fn a_second_question_of_a_session_takes_the_place_of_the_first() {
    let mut desk = desk(1);
    desk.ask(ask(1, 7, "first"));
    desk.ask(ask(1, 7, "second"));
    let order = given(&mut desk);
    assert_eq!(order.len(), 1);
    assert_eq!(order[0].2, "second");
    desk.ask(ask(1, 7, "third"));
    let third = given(&mut desk);
    assert_eq!(third[0].2, "third");
    assert_eq!(answer(&mut desk, 1, order[0].1), None, "nobody wants it any more");
    assert!(answer(&mut desk, 1, third[0].1).is_some());
    assert!(desk.is_answered());
}

#[test]
fn withdrawn_and_forgotten_questions_are_not_given() {
    let mut desk = desk(1);
    desk.ask(ask(1, 1, "a"));
    desk.ask(ask(1, 2, "b"));
    desk.ask(ask(2, 1, "c"));
    desk.asks.withdraw(1, 1);
    desk.forget(2);
    let names: Vec<_> = given(&mut desk).into_iter().map(|(_, _, name)| name).collect();
    assert_eq!(names, ["b"]);
}

#[test]
fn the_questions_of_a_crashed_batch_are_retried_one_by_one_and_the_guilty_one_is_found() {
    let mut desk = desk(1);
    for session in 0..10 {
        desk.ask(ask(1, session, if session == 4 { "bad" } else { "good" }));
    }
    let (mut crashes, mut answers, mut guilty) = (0, 0, Vec::new());
    let mut child = 1;
    for _ in 0..40 {
        let batch = given(&mut desk);
        if batch.is_empty() {
            break;
        }
        if crashes > 0 {
            assert_eq!(batch.len(), 1, "one by one");
        }
        if batch.iter().any(|(_, _, name)| name == "bad") {
            crashes += 1;
            guilty.extend(desk.leave(child, true, 0));
            child += 1;
            desk.join(child, 0);
            desk.heard(child, 64, 0);
        } else {
            for (child, ticket, _) in batch {
                answers += usize::from(answer(&mut desk, child, ticket).is_some());
            }
        }
    }
    assert_eq!((crashes, answers), (3, 9));
    assert_eq!(guilty, [Fallout::Guilty(ask(1, 4, "bad"))]);
    desk.ask(ask(2, 1, "bad"));
    assert!(given(&mut desk).is_empty());
    assert_eq!(desk.refused(), [ask(2, 1, "bad")]);
    assert!(desk.is_answered());
}

#[test]
fn others_are_served_while_suspects_are_tried() {
    let mut desk = desk(2);
    desk.ask(ask(1, 1, "bad"));
    let [(child, ..)] = given(&mut desk)[..] else { panic!() };
    assert!(desk.leave(child, true, 0).is_empty());
    desk.join(3, 0);
    desk.heard(3, 64, 0);
    (10..20).for_each(|session| desk.ask(ask(1, session, "good")));
    let order = given(&mut desk);
    let alone: Vec<_> = order.iter().filter(|(_, _, name)| name == "bad").collect();
    assert_eq!((alone.len(), order.len()), (1, 11));
    assert_eq!(order.iter().filter(|(child, ..)| *child == alone[0].0).count(), 1);
}

#[test]
fn a_worker_that_leaves_by_itself_is_not_held_against_its_work() {
    let mut desk = desk(1);
    desk.ask(ask(1, 1, "a"));
    desk.expansions.wish(place(9));
    assert_eq!(given(&mut desk).len(), 2);
    assert!(desk.leave(1, false, 0).is_empty());
    desk.join(2, 0);
    desk.heard(2, 64, 0);
    assert_eq!(given(&mut desk).len(), 2, "together: they are no suspects");
}

#[test]
fn a_message_that_kills_three_times_is_quarantined_and_its_companion_is_not() {
    let mut desk = desk(1);
    desk.expansions.wish(place(1));
    desk.expansions.wish(place(2));
    let mut fallout = Vec::new();
    let mut child = 1;
    for _ in 0..10 {
        let batch = given(&mut desk);
        if batch.iter().any(|(_, _, name)| name == "message 2") {
            fallout.extend(desk.leave(child, true, 0));
            child += 1;
            desk.join(child, 0);
            desk.heard(child, 64, 0);
        } else {
            for (child, ticket, _) in batch {
                assert_eq!(desk.settle(child, ticket), Some(Task::Expand(place(1))));
                desk.expansions.done(place(1), 0);
            }
        }
    }
    assert_eq!((fallout, child), (vec![Fallout::Quarantined(place(2))], 4));
    assert_eq!(desk.expansions.len(), 0);
}

#[test]
fn expansions_leave_half_of_the_workers_to_questions() {
    let mut desk = desk(4);
    (0..200).for_each(|offset| {
        desk.expansions.wish(place(offset));
    });
    let order = given(&mut desk);
    let expanding: BTreeSet<_> = order.iter().map(|(child, ..)| *child).collect();
    assert_eq!((order.len(), expanding.len()), (64, 2));
    desk.ask(ask(1, 1, "a"));
    let question = given(&mut desk);
    assert!(!expanding.contains(&question[0].0));
}

#[test]
fn with_one_worker_questions_and_expansions_share_it() {
    let mut desk = desk(1);
    desk.expansions.wish(place(1));
    desk.ask(ask(1, 1, "a"));
    desk.explain(5, "b@example.org".into());
    assert_eq!(given(&mut desk).len(), 3);
    assert_eq!(desk.leave(1, true, 0), [Fallout::Unexplained(5)]);
}

#[test]
fn a_worker_that_is_silent_with_work_in_hand_is_told() {
    let mut desk = desk(2);
    desk.ask(ask(1, 1, "a"));
    let order = given(&mut desk);
    assert!(desk.silent(299_999).is_empty());
    assert_eq!(desk.silent(300_000), [order[0].0]);
    desk.killed(order[0].0);
    assert!(desk.silent(300_000).is_empty(), "once");
}

#[derive(Debug, Clone)]
enum Step {
    Ask(usize, u64),
    Wish(u64),
    Withdraw(usize, u64),
    Answer(usize),
    Death(usize, bool),
    Forget(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (1..3_usize, 0..6_u64).prop_map(|(caller, session)| Step::Ask(caller, session)),
        2 => (0..9_u64).prop_map(Step::Wish),
        1 => (1..3_usize, 0..6_u64).prop_map(|(caller, session)| Step::Withdraw(caller, session)),
        4 => any::<usize>().prop_map(Step::Answer),
        1 => (0..3_usize, any::<bool>()).prop_map(|(worker, died)| Step::Death(worker, died)),
        1 => (1..3_usize).prop_map(Step::Forget),
    ]
}

proptest! {
    /// Whatever happens, the desk runs empty once workers stay alive and answer.
    #[test]
    fn nothing_is_forgotten(steps in proptest::collection::vec(step(), 0..200)) {
        let (mut desk, mut next) = (desk(3), 4);
        let mut hands: Vec<(ChildNumber, u64)> = Vec::new();
        let mut alive: Vec<ChildNumber> = vec![1, 2, 3];
        let settle = |desk: &mut Desk, (child, ticket)| {
            match desk.settle(child, ticket) {
                Some(Task::Ask) => drop(desk.asks.close(ticket)),
                Some(Task::Expand(place)) => desk.expansions.done(place, 0),
                other => panic!("{other:?}"),
            }
            desk.heard(child, 1, 0);
        };
        for step in steps {
            match step {
                Step::Ask(caller, session) => desk.ask(ask(caller, session, &format!("a{session}"))),
                Step::Wish(offset) => drop(desk.expansions.wish(place(offset))),
                Step::Withdraw(caller, session) => desk.asks.withdraw(caller, session),
                Step::Forget(caller) => desk.forget(caller),
                Step::Answer(n) if !hands.is_empty() => {
                    let hand = hands.swap_remove(n % hands.len());
                    settle(&mut desk, hand);
                }
                Step::Answer(_) => {}
                Step::Death(worker, died) => {
                    let child = std::mem::replace(&mut alive[worker], next);
                    desk.leave(child, died, 0);
                    hands.retain(|(other, _)| *other != child);
                    desk.join(next, 0);
                    desk.heard(next, 64, 0);
                    next += 1;
                }
            }
            hands.extend(given(&mut desk).into_iter().map(|(child, ticket, _)| (child, ticket)));
            desk.refused();
        }
        while let Some(hand) = hands.pop() {
            settle(&mut desk, hand);
            hands.extend(given(&mut desk).into_iter().map(|(child, ticket, _)| (child, ticket)));
        }
        desk.refused();
        prop_assert!(desk.is_answered());
        prop_assert_eq!((desk.expansions.len(), desk.asks.waiting()), (0, 0));
    }
}
