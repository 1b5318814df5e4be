//! Who is let in: silence, lists, the access table, rates, and what happens when descriptors run short.

use std::path::Path;
use std::time::{Duration, Instant};
use system_tests::daemon::local_user;
use system_tests::name_server::{NameServer, Port};
use system_tests::{Client, Grange, wait_until};

/// A Grange that takes this test for a balancer, so that its clients can have any address.
fn grange(admission: &str) -> Grange {
    Grange::start(&section(admission))
}

fn section(admission: &str) -> String {
    let listen = "[smtpserver]\nlisten = [\"127.0.0.1:0\"]\nrelay-networks = []\n";
    format!("{listen}[admission]\nproxy-networks = [\"127.0.0.1\"]\n{admission}")
}

/// A client with this address that has not read the greeting yet.
fn knock(grange: &Grange, address: &str) -> Client {
    let mut client = Client::raw(grange.port);
    let family = if address.contains(':') { "TCP6" } else { "TCP4" };
    let server = if address.contains(':') { "::1" } else { "127.0.0.1" };
    client.send(format!("PROXY {family} {address} {server} 40000 25\r\n").as_bytes());
    client
}

/// The code of the first word to a client with this address.
fn greeting(grange: &Grange, address: &str) -> u16 {
    knock(grange, address).reply()
}

/// A Grange that asks this name server.
fn with_names(table: &Path, text: &str, admission: &str) -> Option<(Grange, NameServer)> {
    std::fs::write(table, text).unwrap();
    let port = Port::reserve();
    let mut grange = Grange::prepare(&section(admission));
    let file = grange.root().join("etc/grange.toml");
    let number = port.number();
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace("\"127.0.0.1:9\"", &format!("\"127.0.0.1:{number}\""))).unwrap();
    let server = NameServer::start(port, table)?;
    grange.go();
    Some((grange, server))
}

#[test]
fn who_talks_before_the_greeting_is_refused_and_reads_why() {
    let grange = grange("greet-delay = \"400ms\"\n");
    let mut hasty = knock(&grange, "192.0.2.1");
    hasty.send(b"EHLO client.example\r\n");
    assert_eq!(hasty.reply(), 554, "{}", hasty.last);
    assert!(hasty.last.starts_with("554 5.7.1 you talked before you were greeted"), "{}", hasty.last);
    assert_eq!(hasty.reply(), 0, "and it is closed");
    grange.wait_for_line(&[
        "smtpserver turned-away client=192.0.2.1 ",
        " rule=pregreet value=talked limit=400ms ",
    ]);
    let begun = Instant::now();
    let mut silent = knock(&grange, "192.0.2.2");
    assert_eq!(silent.reply(), 220, "{}", silent.last);
    assert!(begun.elapsed() >= Duration::from_millis(390), "{:?}", begun.elapsed());
    silent.expect(250, "EHLO client.example");
    // It is known now, and may even talk first.
    let mut again = knock(&grange, "192.0.2.2");
    again.send(b"EHLO client.example\r\n");
    assert_eq!(again.reply(), 220, "{}", again.last);
    assert_eq!(again.reply(), 250, "{}", again.last);
}

#[test]
fn lists_refuse_by_their_points_and_a_list_of_good_clients_outweighs_them() {
    let directory = tempfile::tempdir().unwrap();
    let table = "2.2.0.192.zen.test A 127.0.0.4\n3.2.0.192.zen.test A 127.0.0.4\n3.2.0.192.allow.test A 127.0.0.1\n\
                 4.2.0.192.zen.test A 127.0.0.9\n\
                 1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.zen.test A 127.0.0.2\n";
    let admission = "lists = [\"zen.test=127.0.0.[2..4]*3\", \"allow.test*-1\"]\n";
    let Some((grange, _server)) = with_names(&directory.path().join("dns"), table, admission) else { return };
    assert_eq!(greeting(&grange, "192.0.2.1"), 220, "in no list");
    let mut listed = knock(&grange, "192.0.2.2");
    assert_eq!(listed.reply(), 554, "{}", listed.last);
    assert_eq!(listed.last.trim(), "554 5.7.1 your address is listed by zen.test (127.0.0.4)");
    let words = ["turned-away client=192.0.2.2 ", " rule=lists value=zen.test=127.0.0.4*3 limit=3 "];
    grange.wait_for_line(&words);
    assert_eq!(greeting(&grange, "192.0.2.3"), 220, "another list speaks for it");
    assert_eq!(greeting(&grange, "192.0.2.4"), 220, "a code that does not count");
    assert_eq!(greeting(&grange, "2001:db8::1"), 554);
}

#[test]
fn without_name_servers_clients_are_let_in_after_the_time_for_lists() {
    let grange = grange("lists = [\"zen.test*3\"]\nlist-timeout = \"300ms\"\n");
    let begun = Instant::now();
    assert_eq!(greeting(&grange, "192.0.2.1"), 220);
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    grange.wait_for_line(&["smtpserver unanswered client=192.0.2.1 asked=zen.test"]);
}

#[test]
fn a_verified_name_is_found_in_the_access_table_and_a_claimed_one_is_not() {
    let directory = tempfile::tempdir().unwrap();
    let names = "1.2.0.192.in-addr.arpa PTR p1.dyn.test\np1.dyn.test A 192.0.2.1\n\
                 2.2.0.192.in-addr.arpa PTR p2.dyn.test\np2.dyn.test A 192.0.2.99\n\
                 3.2.0.192.in-addr.arpa PTR mail.dyn.test\nmail.dyn.test A 192.0.2.3\n";
    let table = directory.path().join("access");
    std::fs::write(&table, ".dyn.test reject no mail from here\nmail.dyn.test accept\n").unwrap();
    let admission = format!("access = \"{}\"\n", table.display());
    let Some((grange, _server)) = with_names(&directory.path().join("dns"), names, &admission) else {
        return;
    };
    let mut refused = knock(&grange, "192.0.2.1");
    assert_eq!(refused.reply(), 554);
    assert_eq!(refused.last.trim(), "554 5.7.1 no mail from here");
    grange.wait_for_line(&[
        "turned-away client=192.0.2.1 name=p1.dyn.test ",
        " rule=access value=.dyn.test limit=\"line 1\"",
    ]);
    assert_eq!(greeting(&grange, "192.0.2.2"), 220, "its name does not lead back");
    let mut client = knock(&grange, "192.0.2.3");
    assert_eq!(client.reply(), 220);
    client.expect(250, "EHLO client.example");
    let to = format!("{}@example.org", local_user());
    assert_eq!(
        client.deliver("you@client.example", &[&to], b"Subject: x\r\n\r\nx\r\n"),
        250,
        "{}",
        client.last
    );
    let mail = String::from_utf8(grange.wait_for_mail(&local_user(), 1).remove(0)).unwrap();
    assert!(mail.contains("mail.dyn.test [192.0.2.3]"), "{mail}");
}

#[test]
fn a_change_of_the_access_table_counts_soon_and_a_mistake_in_it_changes_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let table = directory.path().join("access");
    std::fs::write(&table, "192.0.2.0/24 reject\n192.0.2.1 accept\n").unwrap();
    let grange = grange(&format!("access = \"{}\"\n", table.display()));
    assert_eq!(greeting(&grange, "192.0.2.1"), 220);
    assert_eq!(greeting(&grange, "192.0.2.2"), 554);
    std::fs::write(&table, "192.0.2.0/24 rejct\n").unwrap();
    let greetings = || greeting(&grange, "192.0.2.2");
    wait_until("the mistake is told", || {
        assert_eq!(greetings(), 554);
        grange.journal().contains("reload-refused errors=1 ")
    });
    std::fs::write(&table, "192.0.2.2 defer 4.3.2 later\n").unwrap();
    wait_until("the change counts", || greeting(&grange, "192.0.2.2") == 421);
    assert_eq!(greeting(&grange, "192.0.2.3"), 220);
}

#[test]
fn a_table_that_never_could_be_read_lets_nobody_in() {
    let mut grange = Grange::prepare(&section("access = \"ROOT/access\"\n"));
    std::fs::write(grange.root().join("access"), "").unwrap();
    grange.go();
    // The table is not read before the first client comes.
    std::fs::write(grange.root().join("access"), "192.0.2.0/33 reject\n").unwrap();
    assert_eq!(greeting(&grange, "192.0.2.1"), 421);
    std::fs::write(grange.root().join("access"), "").unwrap();
    wait_until("it is well", || greeting(&grange, "192.0.2.1") == 220);
}

#[test]
fn who_connects_too_often_is_told_to_come_again_and_a_warning_only_tells() {
    let limited = grange("client-rate = \"2/1h\"\n");
    // One /64 is one client.
    let of = |last| format!("2001:db8::{last}");
    assert_eq!([1, 2, 3].map(|last| greeting(&limited, &of(last))), [220, 220, 421]);
    assert_eq!(greeting(&limited, "2001:db8:0:1::1"), 220);
    limited.wait_for_line(&[
        "turned-away client=2001:db8::3 ",
        " rule=client-rate value=3 limit=2/1h reply=\"421 4.7.0 ",
    ]);
    let warned = grange("client-rate = \"2/1h\"\nwarn = [\"client-rate\"]\n");
    assert_eq!([1, 2, 3].map(|last| greeting(&warned, &of(last))), [220; 3]);
    warned.wait_for_line(&["would-turn-away client=2001:db8::3 ", " rule=client-rate value=3 limit=2/1h "]);
    assert!(!warned.journal().contains(" turned-away "), "{}", warned.journal());
}

#[test]
fn a_reload_brings_new_rules_and_takes_old_ones_away() {
    let grange = grange("");
    let reload = |admission: &str| {
        grange.configure(&section(admission));
        let told = grange.grange(&["reload"]);
        assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    };
    assert_eq!(greeting(&grange, "192.0.2.1"), 220);
    std::fs::write(grange.root().join("access"), "192.0.2.1 reject\n").unwrap();
    reload("access = \"ROOT/access\"\n");
    wait_until("the table counts", || greeting(&grange, "192.0.2.1") == 554);
    reload("access = \"\"\n");
    wait_until("it counts no more", || greeting(&grange, "192.0.2.1") == 220);
    grange.configure(&section("pregreet = \"score\"\nlists = [\"zen\"]\nwarn = [\"rate\"]\n"));
    let told = grange.grange(&["reload"]);
    let text = String::from_utf8_lossy(&told.stderr).into_owned();
    assert!(!told.status.success());
    for wrong in [
        "pregreet = \"score\" is no penalty",
        "lists[0] = \"zen\" is not a DNS list",
        "warn[0] = \"rate\" is no rule",
    ] {
        assert!(text.contains(wrong), "{text}");
    }
}

#[test]
fn the_tarpit_delays_who_is_refused_for_good_and_nobody_else() {
    let directory = tempfile::tempdir().unwrap();
    let table = directory.path().join("access");
    std::fs::write(&table, "192.0.2.1 reject\n192.0.2.2 defer\n").unwrap();
    let grange = grange(&format!("access = \"{}\"\ntarpit = \"600ms\"\n", table.display()));
    let timed = |address: &str| {
        let begun = Instant::now();
        (greeting(&grange, address), begun.elapsed() >= Duration::from_millis(590))
    };
    assert_eq!(timed("192.0.2.1"), (554, true));
    assert_eq!((timed("192.0.2.2").0, timed("192.0.2.3").0), (421, 220));
}

#[test]
fn when_descriptors_run_short_the_master_waits_and_recovers_by_itself() {
    let admission = "greet-delay = \"1s\"\n";
    let mut grange =
        Grange::prepare(&section(admission).replace("relay-networks", "workers = 6\nrelay-networks"));
    grange.open_files = Some(128);
    grange.go();
    // Each has a /24 of its own, so that no other limit counts.
    let mut clients: Vec<Client> = (0..150).map(|n| knock(&grange, &format!("192.0.{n}.1"))).collect();
    grange.wait_for_line(&["smtpserver paused why=", "128 descriptors are in use"]);
    let greeted = clients.iter_mut().map(Client::reply).filter(|code| *code == 220).count();
    assert_eq!(greeted, 150, "{}", grange.told());
    grange.wait_for_line(&["smtpserver resumed "]);
    drop(clients);
    assert_eq!(greeting(&grange, "198.51.100.1"), 220);
    assert!(!grange.journal().contains("smtpserver exited"), "{}", grange.journal());
}
