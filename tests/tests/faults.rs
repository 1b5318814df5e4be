//! What fails on purpose, through `grange fault`: each gets its clear answer, and nothing acknowledged is lost.

use std::time::Duration;
use system_tests::daemon::local_user;
use system_tests::{Client, Grange, Sink, wait_for, wait_until};

const CONTENT: &[u8] = b"Subject: hello\r\n\r\nhello\r\n";

/// Lets a point strike so many times.
fn fault(grange: &Grange, point: &str, times: u32) {
    let output = grange.grange(&["fault", point, &times.to_string()]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn greeted(grange: &Grange) -> Client {
    let mut client = grange.connect();
    client.expect(250, "EHLO client.example");
    client
}

/// One message in a session of its own; 0 if the connection broke.
fn try_deliver(grange: &Grange, to: &str) -> u16 {
    let send = || {
        let mut client = Client::try_connect(grange.port)?;
        client.try_say("EHLO client.example")?;
        let accepted = client.try_say("MAIL FROM:<you@client.example>")? == 250
            && client.try_say(&format!("RCPT TO:<{to}>"))? == 250
            && client.try_say("DATA")? == 354;
        if !accepted {
            return None;
        }
        client.try_send(&system_tests::client::stuffed(CONTENT))?;
        client.try_reply()
    };
    send().unwrap_or(0)
}

/// How many processes have died by abort.
fn exits(grange: &Grange) -> usize {
    grange.journal().lines().filter(|line| line.contains(" exited ") && line.contains("signal 6")).count()
}

#[test]
fn a_failed_flush_is_answered_451_and_the_next_message_is_accepted() {
    let sink = Sink::start();
    let grange = Grange::relaying_to(sink.port, "[smtpserver]\nlisten = [\"127.0.0.1:0\"]\nworkers = 1\n");
    fault(&grange, "smtpserver/flush", 1);
    let mut client = greeted(&grange);
    assert_eq!(client.deliver("you@client.example", &["lost@far.example"], CONTENT), 451);
    assert!(client.last.starts_with("451 4.3."), "{}", client.last);
    assert_eq!(client.deliver("you@client.example", &["ann@far.example"], CONTENT), 250, "{}", client.last);
    let taken = sink.wait_for(1);
    grange.wait_until_empty();
    assert_eq!(taken[0].to, ["RCPT TO:<ann@far.example>"], "what was refused is not delivered");
    assert_eq!(sink.count(), 1);
    grange.wait_for_line(&["spool-error", "flush"]);
}

#[test]
fn after_a_failed_flush_a_restart_finds_the_accepted_message_and_no_other() {
    let mut grange = Grange::relaying_to(9, "[smtpserver]\nlisten = [\"127.0.0.1:0\"]\nworkers = 1\n");
    fault(&grange, "smtpserver/flush", 1);
    let mut client = greeted(&grange);
    assert_eq!(client.deliver("you@client.example", &["lost@far.example"], CONTENT), 451);
    assert_eq!(client.deliver("you@client.example", &["ann@far.example"], CONTENT), 250);
    let id = client.id();
    grange.kill_all();
    grange.go();
    wait_until("it is there again", || grange.queue().iter().any(|message| message["id"] == id));
    assert_eq!(grange.queue().len(), 1, "{:?}", grange.queue());
}

#[test]
fn a_disk_that_goes_on_failing_stops_the_worker_and_a_new_one_takes_its_place() {
    let sink = Sink::start();
    let grange = Grange::relaying_to(sink.port, "[smtpserver]\nlisten = [\"127.0.0.1:0\"]\nworkers = 1\n");
    let before = grange.pids("smtpserver");
    fault(&grange, "smtpserver/flush", 1000);
    let mut refused = 0;
    wait_until("a new worker accepts", || match try_deliver(&grange, "ann@far.example") {
        250 => true,
        code => {
            assert!([0, 421, 451].contains(&code), "{code}");
            refused += 1;
            false
        }
    });
    assert!(refused >= 2, "two failures and the worker gives up");
    assert_ne!(grange.pids("smtpserver"), before);
    grange.wait_until_empty();
    assert_eq!(sink.count(), 1, "what was refused is not delivered");
}

#[test]
fn a_connection_in_the_hands_of_a_dying_worker_is_served_by_another() {
    let grange = Grange::start("");
    let before = grange.pids("smtpserver");
    fault(&grange, "smtpserver/drop-connection", 1);
    let user = local_user();
    let mut sent = 0;
    // The switch takes a moment to reach the workers; whoever comes meanwhile is served, too.
    wait_until("a connection was passed on", || {
        let mut client = greeted(&grange);
        assert_eq!(client.deliver("you@client.example", &[&format!("{user}@example.org")], CONTENT), 250);
        sent += 1;
        grange.journal().lines().any(|line| line.contains(" passed ") && line.contains("client=127.0.0.1"))
    });
    grange.wait_for_mail(&user, sent);
    wait_until("it is replaced", || {
        let now = grange.pids("smtpserver");
        now.len() == before.len() && now != before
    });
}

#[test]
fn an_agent_that_dies_in_a_job_costs_nothing() {
    // A sink that takes its time, so that there is a middle of a job to die in.
    let sink = Sink::scripted(|line| {
        if line == "." {
            std::thread::sleep(Duration::from_millis(50));
        }
        None
    });
    let grange = Grange::relaying_to(sink.port, "[scheduler]\nretry = [\"1s\"]\n");
    let user = local_user();
    let cases = [("smtp", "ann@far.example".to_owned()), ("mailbox", format!("{user}@example.org"))];
    for (role, to) in cases {
        // An agent must be there to have the fault: this one delivers first.
        let mut client = greeted(&grange);
        assert_eq!(client.deliver("you@client.example", &[&to], CONTENT), 250, "{}", client.last);
        grange.wait_for_line(&[&client.id(), " delivered "]);
        let (before, dead) = (grange.pids(role), exits(&grange));
        fault(&grange, &format!("{role}/agent-die"), 1);
        assert_eq!(client.deliver("you@client.example", &[&to], CONTENT), 250, "{}", client.last);
        grange.wait_for_line(&[&client.id(), " delivered "]);
        wait_until("it is replaced", || {
            let now = grange.pids(role);
            now.len() == before.len() && now != before
        });
        // Every agent of the role had the fault, and the job went from one to the next.
        assert!(exits(&grange) - dead >= 1 && exits(&grange) - dead <= before.len(), "{role}");
    }
    grange.wait_until_empty();
    // An agent that dies behind its final dot has delivered, and cannot tell; a Maildir shows a repeat.
    assert!((2..=3).contains(&sink.count()), "{} at the sink", sink.count());
    assert_eq!(grange.mail_of(&user).len(), 2);
}

#[test]
fn an_address_that_kills_its_router_worker_is_put_off_and_the_others_go_on() {
    let grange = Grange::start("");
    // A strike makes the address deadly for whichever worker gets it.
    fault(&grange, "router/crash", 1);
    let mut guilty = greeted(&grange);
    guilty.expect(250, "MAIL FROM:<you@client.example>");
    guilty.send(b"RCPT TO:<crash@far.example>\r\n");
    let mut others = greeted(&grange);
    others.expect(250, "MAIL FROM:<you@client.example>");
    for number in 0..50 {
        others.expect(250, &format!("RCPT TO:<r{number}@far.example>"));
    }
    assert_eq!(guilty.reply(), 451, "{}", guilty.last);
    grange.wait_for_line(&["blamed", "crash@far.example"]);
    let restarts = grange.journal().lines().filter(|line| line.contains(" router exited ")).count();
    guilty.expect(451, "RCPT TO:<crash@far.example>").expect(250, "RCPT TO:<ann@far.example>");
    let after = grange.journal().lines().filter(|line| line.contains(" router exited ")).count();
    assert_eq!(restarts, after, "it is remembered: nobody dies of it again");
}

#[test]
fn a_message_that_kills_the_router_is_held_until_the_operator_wants_it_tried_again() {
    let mut grange = Grange::prepare("");
    let user = local_user();
    std::fs::write(grange.root().join("etc/aliases"), format!("staff: {user}, {user}+x\n")).unwrap();
    grange.go();
    let mut client = greeted(&grange);
    for order in ["retry", "release"] {
        // A strike makes the message deadly until it is in quarantine.
        fault(&grange, "router/crash-expand", 1);
        assert_eq!(client.deliver("you@client.example", &["staff@example.org"], CONTENT), 250);
        let id = client.id();
        grange.wait_for_line(&[&id, " quarantined ", "program=router"]);
        let line = wait_for("it is held", || grange.queue().into_iter().find(|line| line["state"] == "held"));
        assert_eq!(line["id"], id.as_str());
        assert_eq!(line["why"], "held: killed the router three times");
        let output = grange.grange(&["queue", order, &id]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        grange.wait_for_line(&[&id, " queued "]);
        grange.wait_until_empty();
    }
}

#[test]
fn a_scheduler_that_cannot_write_its_log_starts_again_from_disk() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let grange = Grange::relaying_to(port, "[scheduler]\nretry = [\"1s\"]\n");
    let mut client = greeted(&grange);
    let mut ids = Vec::new();
    for number in 0..20 {
        let to = format!("r{number}@far.example");
        assert_eq!(client.deliver("you@client.example", &[&to], CONTENT), 250, "{}", client.last);
        ids.push(client.id());
        if number == 9 {
            wait_until("ten wait", || grange.gauge("scheduler", "waiting") >= 10.0);
            let pid = grange.pids("scheduler");
            fault(&grange, "scheduler/log-write", 1);
            assert_eq!(client.deliver("you@client.example", &["x@far.example"], CONTENT), 250);
            ids.push(client.id());
            grange.wait_for_line(&["scheduler spool-error"]);
            wait_for("a new scheduler", || {
                grange.pids("scheduler").first().filter(|new| **new != pid[0]).copied()
            });
        }
    }
    wait_until("all are there", || {
        let queue = grange.queue();
        ids.iter().all(|id| queue.iter().any(|message| message["id"] == *id))
    });
    let sink = Sink::on(std::net::TcpListener::bind(("127.0.0.1", port)).unwrap(), |_| None);
    assert!(grange.grange(&["queue", "retry", "--all"]).status.success());
    sink.wait_for(ids.len());
    grange.wait_until_empty();
    assert_eq!(sink.count(), ids.len());
}

#[test]
fn only_a_known_user_may_set_a_fault() {
    let grange = Grange::start("");
    fault(&grange, "smtpserver/flush", 1);
    grange.wait_for_line(&["fault", "point=smtpserver/flush", "times=1", "by="]);
    fault(&grange, "smtpserver/flush", 0);
    let mut client = greeted(&grange);
    let to = format!("{}@example.org", local_user());
    assert_eq!(
        client.deliver("you@client.example", &[&to], CONTENT),
        250,
        "a fault that is cleared does not strike"
    );
}
