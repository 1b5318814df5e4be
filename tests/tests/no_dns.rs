//! Name servers that do not answer: mail waits, and never bounces.

use system_tests::name_server::{NameServer, Port};
use system_tests::{Grange, Sink, wait_until};

/// A Grange with this name server that sends to the sink's port.
fn grange(nameserver: u16, sink: &Sink) -> Grange {
    let mut grange =
        Grange::prepare(&format!("[scheduler]\nretry = [\"1h\"]\n[channel.smtp]\nport = {}\n", sink.port));
    let file = grange.root().join("etc/grange.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace("\"127.0.0.1:9\"", &format!("\"127.0.0.1:{nameserver}\""))).unwrap();
    grange.go();
    grange
}

fn send(grange: &Grange, to: &str) -> String {
    let mut client = grange.connect();
    client.expect(250, "EHLO client.example");
    assert_eq!(
        client.deliver("you@client.example", &[to], b"Subject: x\r\n\r\nx\r\n"),
        250,
        "{}",
        client.last
    );
    client.id()
}

#[test]
fn mail_waits_until_the_name_servers_answer_again() {
    let sink = Sink::start();
    let port = Port::reserve();
    let grange = grange(port.number(), &sink);
    let id = send(&grange, "ann@far.test");
    let line = grange.wait_for_line(&[&id, " deferred ", "to=<ann@far.test>"]);
    assert!(line.contains("status=4.4."), "{line}");
    wait_until("it waits", || {
        grange.queue().iter().any(|message| message["id"] == id && message["state"] == "waiting")
    });
    assert!(!grange.journal().contains(" failed "), "{}", grange.journal());
    let table = grange.root().join("dns");
    std::fs::write(&table, "far.test MX 10 mx.far.test\nmx.far.test A 127.0.0.1\n").unwrap();
    let Some(_server) = NameServer::start(port, &table) else { return };
    assert!(grange.grange(&["queue", "retry", &id]).status.success());
    sink.wait_for(1);
    grange.wait_until_empty();
    let line = grange.wait_for_line(&[&id, " delivered "]);
    assert!(line.contains("mx=mx.far.test[127.0.0.1]"), "{line}");
}

#[test]
fn what_the_name_servers_deny_fails_and_what_they_cannot_say_waits() {
    let sink = Sink::start();
    let port = Port::reserve();
    let grange = grange(port.number(), &sink);
    let table = grange.root().join("dns");
    std::fs::write(
        &table,
        "null.test MX 0 .\nbroken.test SERVFAIL\nfar.test A 127.0.0.1\n\
         two.test MX 5 dead.test\ntwo.test MX 10 far.test\ndead.test A 127.0.0.9\n",
    )
    .unwrap();
    let Some(_server) = NameServer::start(port, &table) else { return };
    for (domain, words) in [
        ("null.test", [" failed ", "status=5.1.10"]),
        ("nosuch.test", [" failed ", "status=5.1.2"]),
        ("broken.test", [" deferred ", "status=4.4."]),
        ("far.test", [" delivered ", "mx=far.test[127.0.0.1]"]),
        ("two.test", [" delivered ", "mx=far.test[127.0.0.1]"]),
    ] {
        let id = send(&grange, &format!("ann@{domain}"));
        grange.wait_for_line(&[&id, words[0], words[1]]);
    }
}

#[test]
fn a_dead_resolver_is_replaced() {
    let sink = Sink::start();
    let port = Port::reserve();
    let grange = grange(port.number(), &sink);
    let table = grange.root().join("dns");
    std::fs::write(&table, "*.test A 127.0.0.1\n").unwrap();
    let Some(_server) = NameServer::start(port, &table) else { return };
    send(&grange, "ann@one.test");
    sink.wait_for(1);
    let before = grange.pids("dns");
    system_tests::daemon::kill(before[0]);
    send(&grange, "ann@two.test");
    sink.wait_for(2);
    grange.wait_until_empty();
    wait_until("it is another one", || {
        let now = grange.pids("dns");
        now.len() == 1 && now != before
    });
}
