//! What administrators do with the queue.

use system_tests::{Grange, Sink, wait_until};

/// A Grange with mail for a host that answers nobody.
fn with_waiting(count: usize) -> (Grange, Vec<String>) {
    let grange = Grange::relaying_to(9, "");
    let mut client = grange.connect();
    client.expect(250, "EHLO client.example");
    let ids: Vec<String> = (0..count)
        .map(|number| {
            let to = format!("r{number}@far.example");
            assert_eq!(client.deliver("you@client.example", &[&to], b"Subject: wait\r\n\r\nhello\r\n"), 250);
            client.id()
        })
        .collect();
    wait_until("all wait", || grange.queue().iter().filter(|m| m["state"] == "waiting").count() == count);
    (grange, ids)
}

fn said(output: &std::process::Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[test]
fn the_queue_is_listed_shown_and_printed() {
    let (grange, ids) = with_waiting(3);
    let queue = grange.queue();
    assert_eq!(queue.len(), 3);
    assert!(queue.iter().all(|message| message["next"].is_u64() || message["next"].is_string()), "{queue:?}");
    let list = said(&grange.grange(&["queue", "list"]));
    for id in &ids {
        assert!(list.contains(id.as_str()), "{list}");
    }
    let show = said(&grange.grange(&["queue", "show", &ids[0]]));
    assert!(show.contains("r0@far.example") && show.contains("127.0.0.1"), "{show}");
    let cat = grange.grange(&["queue", "cat", &ids[0]]);
    assert!(cat.stdout.ends_with(b"Subject: wait\r\n\r\nhello\r\n"), "{}", said(&cat));
    let mailq = grange.command("mailq").output().unwrap();
    assert!(said(&mailq).contains(&ids[2]), "{}", said(&mailq));
}

#[test]
fn a_message_is_held_released_and_removed() {
    let (grange, ids) = with_waiting(2);
    let held = grange.grange(&["queue", "hold", &ids[0]]);
    assert!(held.status.success() && said(&held).contains('1'), "{}", said(&held));
    let states: Vec<_> = grange.queue().iter().map(|m| m["state"].as_str().unwrap().to_owned()).collect();
    assert_eq!(states.iter().filter(|state| *state == "held").count(), 1, "{states:?}");
    grange.wait_for_line(&[&ids[0], "held"]);
    assert!(grange.grange(&["queue", "release", &ids[0]]).status.success());
    grange.wait_for_line(&[&ids[0], "released"]);
    assert!(grange.grange(&["queue", "remove", &ids[0]]).status.success());
    grange.wait_for_line(&[&ids[0], "removed"]);
    wait_until("one is left", || grange.queue().len() == 1);
    let unknown = grange.grange(&["queue", "remove", &ids[0]]);
    assert_eq!(unknown.status.code(), Some(66), "{}", said(&unknown));
    let malformed = grange.grange(&["queue", "show", "nonsense"]);
    assert_eq!(malformed.status.code(), Some(65), "{}", said(&malformed));
    let nothing = grange.grange(&["queue", "list", "--host", "other.example"]);
    assert!(said(&nothing).contains("no message waits for next hop other.example"), "{}", said(&nothing));
}

#[test]
fn one_probe_settles_all_and_a_retry_delivers_all() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let grange = Grange::relaying_to(port, "");
    let mut client = grange.connect();
    client.expect(250, "EHLO client.example");
    for number in 0..100 {
        let to = format!("r{number}@far.example");
        assert_eq!(client.deliver("you@client.example", &[&to], b"Subject: wait\r\n\r\n"), 250);
    }
    wait_until("all wait", || grange.gauge("scheduler", "waiting") == 100.0);
    let sink = Sink::on(std::net::TcpListener::bind(("127.0.0.1", port)).unwrap(), |_| None);
    let retry = grange.grange(&["queue", "retry", "--all"]);
    assert!(retry.status.success(), "{}", said(&retry));
    sink.wait_for(100);
    grange.wait_until_empty();
}

#[test]
fn a_route_is_explained() {
    let grange = Grange::relaying_to(9, "");
    let route = grange.grange(&["route", "ann@far.example"]);
    assert!(said(&route).contains("smtp!127.0.0.1:9"), "{}", said(&route));
    assert_eq!(route.status.code(), Some(0));
    let route = grange.grange(&["route", "nosuch@example.org"]);
    assert!(said(&route).contains("no such user"), "{}", said(&route));
    assert_eq!(route.status.code(), Some(67));
}

#[test]
fn three_mistakes_are_reported_at_once_and_nothing_starts() {
    let grange = Grange::prepare("");
    let file = grange.root().join("etc/grange.toml");
    std::fs::write(
        &file,
        "hostname = \"mail.example.org\"\n[smtpserver]\nrelay-network = [\"::1\"]\nlisten = [\"127.0.0.1:0\"]\n\
         [scheduler]\nretry = [\"1m\", \"15 minuts\"]\nexpier = \"5d\"\n",
    )
    .unwrap();
    for arguments in [&["config", "check"][..], &["start"]] {
        let output = grange.grange(arguments);
        assert_eq!(output.status.code(), Some(78), "{}", said(&output));
        let said = said(&output);
        for mistake in [
            "grange.toml:3:1: unknown key \"relay-network\" in [smtpserver]; did you mean \"relay-networks\"?",
            "grange.toml:6:16: retry[1] = \"15 minuts\" is not a duration; write 15m",
            "grange.toml:7:1: unknown key \"expier\" in [scheduler]; did you mean \"expire\"?",
            "3 errors",
        ] {
            assert!(said.contains(mistake), "{mistake}\n{said}");
        }
    }
}

#[test]
fn mistakes_in_the_configuration_and_in_a_table_are_reported_together() {
    let grange = Grange::prepare("");
    let etc = grange.root().join("etc");
    std::fs::write(
        etc.join("grange.toml"),
        "hostname = \"mail.example.org\"\n[smtpserver]\nrelay-network = [\"::1\"]\nlisten = [\"127.0.0.1:0\"]\n\
         [router]\nroutes = \"routes\"\n[scheduler]\nretry = [\"1m\", \"15 minuts\"]\n",
    )
    .unwrap();
    std::fs::write(etc.join("routes"), "a.example  smtp!b.example\n\nc.example  smpt!d.example\n").unwrap();
    for arguments in [&["config", "check"][..], &["start"], &["start", "--foreground"]] {
        let output = grange.grange(arguments);
        assert_eq!(output.status.code(), Some(78), "{}", said(&output));
        let said = said(&output);
        for mistake in [
            "grange.toml:3:1: unknown key \"relay-network\" in [smtpserver]; did you mean \"relay-networks\"?",
            "grange.toml:8:16: retry[1] = \"15 minuts\" is not a duration; write 15m",
            "routes:3: \"smpt\" is not a configured channel; channels are smtp, mailbox, hold, error",
            "3 errors",
        ] {
            assert!(said.contains(mistake), "{mistake}\n{said}");
        }
    }
}
