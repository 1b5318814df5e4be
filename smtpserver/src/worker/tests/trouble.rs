//! What happens when something fails.

use super::world::World;
use ipc::control::Request;
use ipc::routing::Question;
use ipc::smtp_worker::FromWorker;
use ipc::supervisor::ToChild;

const OPEN: &str = "EHLO mx.example.net\r\nMAIL FROM:<news@example.net>\r\n";
const AGAIN: &str = "MAIL FROM:<news@example.net>\r\n";

fn data(user: &str) -> String {
    format!("RCPT TO:<{user}@example.org>\r\nDATA\r\n")
}

fn set_fault(world: &mut World, point: &str, times: u32) {
    let request = serde_json::to_string(&Request::Fault { point: point.into(), times }).unwrap();
    world.supervisor.send(&ToChild::Query { ticket: 0, uid: 0, request }).unwrap();
    world.turn();
}

#[test]
fn after_a_failed_flush_the_message_is_not_promised_and_the_next_one_is_taken() {
    let mut world = World::new();
    set_fault(&mut world, "smtpserver/flush", 1);
    let mut client = world.client();
    world.ask(&mut client, &format!("{OPEN}{}", data("ann")), "354 ");
    world.ask(&mut client, "\r\n.\r\n", "451 4.3.0 ");
    assert!(world.announced(&world.scheduler_notify).is_empty());
    world.ask(&mut client, &format!("{AGAIN}{}", data("ann")), "354 ");
    world.ask(&mut client, "\r\n.\r\n", "accepted\r\n");
    assert_eq!(world.announced(&world.scheduler_notify).len(), 1);
    let journal = world.journal();
    assert!(
        journal.contains("then=\"451 to 1 sessions\"") && journal.contains("spool-error op=flush"),
        "{journal}"
    );
    assert!(journal.contains("verb=DATA"), "{journal}");
}

#[test]
fn after_two_failed_flushes_the_worker_makes_way_for_another() {
    let mut world = World::new();
    set_fault(&mut world, "smtpserver/flush", 9);
    let mut client = world.client();
    world.ask(&mut client, &format!("{OPEN}{}", data("ann")), "354 ");
    world.ask(&mut client, "\r\n.\r\n", "451 4.3.0 ");
    world.ask(&mut client, &format!("{AGAIN}{}", data("ann")), "354 ");
    let last = world.ask(&mut client, "\r\n.\r\n", "451 4.3.0 ");
    assert!((last + &world.farewell(&mut client)).contains("421 4.3.2"));
    world.until("it leaves", |world| world.worker.has_left());
    assert!(world.told.iter().any(|told| matches!(told, FromWorker::Retiring)));
    assert!(world.worker.outcome().is_err());
}

#[test]
fn without_space_data_is_answered_452_and_the_session_goes_on() {
    let mut world = World::new();
    set_fault(&mut world, "smtpserver/space", 1);
    let mut client = world.client();
    world.ask(&mut client, &format!("{OPEN}{}", data("ann")), "452 4.3.1 no space; try again later");
    world.ask(&mut client, "DATA\r\n", "354 ");
}

#[test]
fn a_fault_of_another_program_is_none_of_ours() {
    let mut world = World::new();
    set_fault(&mut world, "scheduler/space", 1);
    let mut client = world.client();
    world.ask(&mut client, &format!("{OPEN}{}", data("ann")), "354 ");
}

#[test]
fn a_recipient_without_an_answer_is_deferred_and_its_question_withdrawn() {
    let mut world = World::new();
    let mut client = world.client();
    world.ask(&mut client, &format!("{OPEN}RCPT TO:<silent@example.org>\r\n"), "451 4.3.0 ");
    world.ask(&mut client, &data("ann"), "354 ");
    assert!(world.questions.iter().any(|question| matches!(question, Question::Withdraw { session: 1 })));
}

#[test]
fn an_open_question_is_asked_again_when_the_router_restarts() {
    let mut world = World::new();
    let mut client = world.client();
    world.ask(&mut client, "", "220 ");
    world.until("a channel", |world| !world.routers.borrow().is_empty());
    world.routers.borrow_mut().clear();
    world.ask(&mut client, &format!("{OPEN}{}", data("ann")), "354 ");
}

#[test]
fn draining_ends_the_idle_at_once_and_lets_a_transaction_finish() {
    let mut world = World::new();
    let (mut idle, mut busy) = (world.client(), world.client());
    world.ask(&mut idle, &format!("{OPEN}RSET\r\n"), "250 2.0.0 ok");
    world.ask(&mut busy, &format!("{OPEN}{}", data("ann")), "354 ");
    world.drain();
    assert!(world.farewell(&mut idle).contains("421 4.3.2"));
    assert!(!world.worker.has_left());
    let last = world.ask(&mut busy, "\r\n.\r\n", "accepted\r\n");
    assert!((last + &world.farewell(&mut busy)).contains("421 4.3.2"));
    world.until("it leaves", |world| world.worker.has_left());
    assert!(world.worker.outcome().is_ok());
}

#[test]
fn a_client_that_has_just_come_may_have_one_transaction_while_its_worker_is_replaced() {
    let mut world = World::new();
    let mut client = world.client();
    world.ask(&mut client, "", "220 ");
    world.drain();
    world.turn();
    world.ask(&mut client, &format!("{OPEN}{}", data("ann")), "354 ");
    let last = world.ask(&mut client, "\r\n.\r\n", "accepted\r\n");
    assert!((last + &world.farewell(&mut client)).contains("421 4.3.2"));
    world.until("it leaves", |world| world.worker.has_left());
}

#[test]
fn a_client_that_leaves_before_the_answer_leaves_a_message_behind_and_nothing_else() {
    let mut world = World::new();
    let mut client = world.client();
    world.ask(&mut client, &format!("{OPEN}{}", data("ann")), "354 ");
    set_fault(&mut world, "smtpserver/slow-flush", 1);
    world.ask(&mut client, "\r\n.\r\n", "");
    world.until("the commit is on its way", |world| world.worker.desk.commits.is_busy());
    drop(client);
    world.until("the session is over", |world| world.worker.seats.is_empty());
    assert_eq!(world.announced(&world.scheduler_notify).len(), 1);
    world.turn();
    assert!(world.journal().contains(" accepted  session=1"), "{}", world.journal());
    assert!(world.told.iter().any(|told| matches!(told, FromWorker::Ended(sessions) if sessions == &[1])));
}

#[test]
fn a_client_that_never_reads_costs_little() {
    let mut world = World::new();
    let client = world.client();
    let mut stream = client.stream.try_clone().unwrap();
    world.turn();
    let mut refused = 0;
    while refused < 50 {
        if std::io::Write::write(&mut stream, &b"HELP\r\n".repeat(1000)).is_err() {
            refused += 1;
        }
        world.turn();
    }
    let held: usize = world.worker.seats.iter().map(|(_, seat)| seat.conversation.output.len()).sum();
    assert!((1..64 << 10).contains(&held), "{held} octets wait");
}
