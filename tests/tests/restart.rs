//! What survives the death of a process.

use std::collections::BTreeMap;
use system_tests::daemon::kill;
use system_tests::{Grange, wait_until};

/// Messages in the ordinary run; `RESTART_MESSAGES` sets another number.
fn messages() -> usize {
    std::env::var("RESTART_MESSAGES").ok().and_then(|number| number.parse().ok()).unwrap_or(300)
}

fn next_times(grange: &Grange) -> BTreeMap<String, String> {
    let queue = grange.queue();
    queue.iter().map(|m| (m["id"].as_str().unwrap().to_owned(), m["next"].to_string())).collect()
}

#[test]
fn a_killed_scheduler_comes_back_with_every_message_and_its_retry_time() {
    let count = messages();
    let grange = Grange::relaying_to(9, "[scheduler]\nretry = [\"1h\"]\n");
    let mut client = grange.connect();
    client.expect(250, "EHLO client.example");
    for number in 0..count {
        let to = format!("r{number}@far.example");
        assert_eq!(client.deliver("you@client.example", &[&to], b"Subject: wait\r\n\r\nhello\r\n"), 250);
    }
    wait_until("all wait", || grange.gauge("scheduler", "waiting") == count as f64);
    let before = next_times(&grange);
    let pid = grange.pids("scheduler")[0];
    kill(pid);
    wait_until("a new scheduler has them all", || {
        grange.pids("scheduler").first().is_some_and(|&new| new != pid)
            && grange.gauge("scheduler", "waiting") == count as f64
    });
    let after = next_times(&grange);
    assert_eq!(after.len(), count);
    assert!(after == before, "retry times have changed");
    println!(
        "{count} messages waited for a dead host; after kill -9 of the scheduler all are there with their times"
    );
}

#[test]
fn a_killed_worker_is_replaced_and_the_others_go_on() {
    let grange = Grange::start("");
    let mut client = grange.connect();
    client.expect(250, "EHLO client.example");
    for role in ["router", "dns", "smtpserver"] {
        let pids = grange.pids(role);
        for &pid in &pids {
            kill(pid);
        }
        wait_until("all are replaced", || {
            let now = grange.pids(role);
            now.len() == pids.len() && now.iter().all(|pid| !pids.contains(pid))
        });
        let mut client = grange.connect();
        client.expect(250, "EHLO client.example").expect(250, "MAIL FROM:<a@client.example>");
        client.expect(250, "RCPT TO:<ann@far.example>").expect(221, "QUIT");
    }
}

#[test]
fn a_killed_supervisor_takes_the_farm_with_it_and_nothing_is_lost() {
    let mut grange = Grange::relaying_to(9, "");
    let mut client = grange.connect();
    client.expect(250, "EHLO client.example");
    assert_eq!(client.deliver("you@client.example", &["ann@far.example"], b"Subject: x\r\n\r\n"), 250);
    let id = client.id();
    drop(client);
    kill(grange.supervisor_pid());
    wait_until("the farm has drained", || {
        grange.survivors().iter().all(|&pid| pid == grange.supervisor_pid())
    });
    grange.go();
    wait_until("it is there again", || grange.queue().iter().any(|message| message["id"] == id));
}
