//! The resolver against a name server that answers from a table.

use crate::support::FakeDns;
use dns::lookup::Settings;
use dns::resolver::Resolver;
use ipc::resolve::{Ask, Exchanger, Resolved};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

const TABLE: &str = "
example.test     MX  20 mx2.example.test
example.test     MX  10 MX1.Example.test
mx1.example.test A    192.0.2.1
mx1.example.test AAAA 2001:db8::1
mx2.example.test A    192.0.2.2
null.test        MX   0 .
plain.test       A    192.0.2.3
alias.test       CNAME plain.test
dangling.test    CNAME nosuch.test
loop.test        CNAME loop.test
broken.test      SERVFAIL
refused.test     REFUSED
silent.test      DROP
lame.test        REFER ns.other.test
empty.test       TXT  nothing for mail
big.test         TRUNCATE
big.test         MX   5 plain.test
halfmx.test      MX   10 broken.test
halfmx.test      MX   20 plain.test
deadmx.test      MX   10 nosuch.test
deadmx.test      MX   20 empty.test
doubtmx.test     MX   10 nosuch.test
doubtmx.test     MX   20 broken.test
self.test        MX   10 mail.my.test
self.test        MX   20 plain.test
backup.test      MX   10 plain.test
backup.test      MX   20 mail.my.test
backup.test      MX   30 mx1.example.test
quiet6.test      A    192.0.2.6
quiet6.test      DROP AAAA
broken6.test     A    192.0.2.7
broken6.test     SERVFAIL AAAA
cnamemx.test     MX   10 alias.test
slow.test        A    192.0.2.8
slow.test        DELAY 200
";

fn settings(servers: &[SocketAddr]) -> Settings {
    Settings {
        name_servers: servers.to_vec(),
        timeout: Duration::from_millis(600),
        attempts: 2,
        cache: 1_000,
        parallel: 64,
    }
}

fn block<T>(body: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(body)
}

fn resolver(servers: &[SocketAddr]) -> Resolver {
    Resolver::new(&settings(servers), &["Mail.My.Test.".into()]).unwrap()
}

fn exchangers(name: &str) -> Resolved {
    let server = FakeDns::start(TABLE);
    block(async { resolver(&[server.address]).resolve(&Ask::Exchangers(name.into())).await })
}

fn addresses(name: &str) -> Resolved {
    let server = FakeDns::start(TABLE);
    block(async { resolver(&[server.address]).resolve(&Ask::Addresses(name.into())).await })
}

fn found(resolved: Resolved) -> Vec<Exchanger> {
    match resolved {
        Resolved::Found(mut list) => {
            list.iter_mut().for_each(|exchanger| exchanger.addresses.sort());
            list
        }
        other => panic!("{other:?}"),
    }
}

fn exchanger(preference: u16, name: &str, addresses: &[&str]) -> Exchanger {
    let addresses = addresses.iter().map(|text| text.parse().unwrap()).collect();
    Exchanger { name: name.into(), preference, addresses }
}

fn not_found(resolved: Resolved) -> String {
    match resolved {
        Resolved::NotFound { why } => why,
        other => panic!("{other:?}"),
    }
}

fn temporary(resolved: Resolved) -> String {
    match resolved {
        Resolved::Temporary { why } => why,
        other => panic!("{other:?}"),
    }
}

#[test]
fn exchangers_come_by_preference_with_both_families_of_addresses() {
    assert_eq!(
        found(exchangers("Example.TEST")),
        [
            exchanger(10, "mx1.example.test", &["192.0.2.1", "2001:db8::1"]),
            exchanger(20, "mx2.example.test", &["192.0.2.2"]),
        ]
    );
}

#[test]
fn without_mx_the_domain_itself_is_the_exchanger() {
    assert_eq!(found(exchangers("plain.test")), [exchanger(0, "plain.test", &["192.0.2.3"])]);
}

#[test]
fn aliases_are_followed_for_mx_and_for_addresses() {
    assert_eq!(found(exchangers("alias.test")), [exchanger(0, "alias.test", &["192.0.2.3"])]);
    assert_eq!(found(exchangers("cnamemx.test")), [exchanger(10, "alias.test", &["192.0.2.3"])]);
    assert!(not_found(exchangers("dangling.test")).contains("does not exist"));
}

#[test]
fn an_alias_that_points_at_itself_ends() {
    let resolved = exchangers("loop.test");
    assert!(matches!(resolved, Resolved::NotFound { .. } | Resolved::Temporary { .. }), "{resolved:?}");
}

#[test]
fn a_null_mx_is_told_as_such() {
    assert_eq!(exchangers("null.test"), Resolved::NullMx);
}

#[test]
fn a_name_that_does_not_exist_is_not_found() {
    assert_eq!(not_found(exchangers("nosuch.test")), "the domain nosuch.test does not exist");
    assert_eq!(not_found(addresses("nosuch.test")), "nosuch.test does not exist");
}

#[test]
fn a_name_without_mx_and_addresses_is_not_found() {
    assert_eq!(not_found(exchangers("empty.test")), "empty.test has no address");
}

#[test]
fn failing_and_refusing_name_servers_are_temporary_and_named_with_the_question() {
    assert!(temporary(exchangers("broken.test")).contains("broken.test MX"));
    assert!(temporary(exchangers("refused.test")).contains("refused.test MX"));
    assert!(temporary(addresses("broken.test")).contains("broken.test A"));
}

#[test]
fn a_referral_is_not_taken_for_no_data() {
    assert!(temporary(exchangers("lame.test")).contains("refers"));
}

#[test]
fn a_truncated_answer_is_asked_for_again_over_tcp() {
    let server = FakeDns::start(TABLE);
    let resolved =
        block(async { resolver(&[server.address]).resolve(&Ask::Exchangers("big.test".into())).await });
    assert_eq!(found(resolved), [exchanger(5, "plain.test", &["192.0.2.3"])]);
    assert!(server.questions().contains(&"tcp big.test MX".into()));
}

#[test]
fn one_doubtful_exchanger_does_not_hide_the_others() {
    assert_eq!(
        found(exchangers("halfmx.test")),
        [exchanger(10, "broken.test", &[]), exchanger(20, "plain.test", &["192.0.2.3"])]
    );
}

#[test]
fn exchangers_without_addresses_fail_only_when_that_is_certain() {
    assert!(not_found(exchangers("deadmx.test")).contains("nosuch.test"));
    assert!(temporary(exchangers("doubtmx.test")).contains("broken.test"));
}

#[test]
fn this_host_is_never_its_own_next_hop() {
    assert!(not_found(exchangers("self.test")).contains("loops back to myself"));
    assert_eq!(found(exchangers("backup.test")), [exchanger(10, "plain.test", &["192.0.2.3"])]);
}

#[test]
fn silence_ends_in_a_temporary_answer_in_time() {
    let began = Instant::now();
    assert!(temporary(exchangers("silent.test")).contains("silent.test MX"));
    assert!(began.elapsed() < Duration::from_secs(5));
}

#[test]
fn nobody_listening_is_temporary_in_time() {
    let gone = std::net::UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let began = Instant::now();
    let resolved = block(async { resolver(&[gone]).resolve(&Ask::Exchangers("example.test".into())).await });
    assert!(temporary(resolved).contains("example.test MX"));
    assert!(began.elapsed() < Duration::from_secs(5));
}

#[test]
fn no_name_server_at_all_is_temporary() {
    let resolved = block(async { resolver(&[]).resolve(&Ask::Exchangers("example.test".into())).await });
    temporary(resolved);
}

#[test]
fn a_dead_name_server_does_not_hide_a_living_one() {
    let server = FakeDns::start(TABLE);
    let gone = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let servers = [gone.local_addr().unwrap(), server.address];
    let resolved = block(async { resolver(&servers).resolve(&Ask::Exchangers("plain.test".into())).await });
    assert_eq!(found(resolved), [exchanger(0, "plain.test", &["192.0.2.3"])]);
}

#[test]
fn a_name_server_that_is_silent_about_ipv6_does_not_stop_mail() {
    assert_eq!(found(addresses("quiet6.test")), [exchanger(0, "quiet6.test", &["192.0.2.6"])]);
    assert_eq!(found(addresses("broken6.test")), [exchanger(0, "broken6.test", &["192.0.2.7"])]);
}

#[test]
fn literals_and_the_name_of_this_machine_need_no_name_server() {
    let asked = |name: &str| {
        let ask = Ask::Addresses(name.into());
        block(async { resolver(&[]).resolve(&ask).await })
    };
    assert_eq!(found(asked("[192.0.2.1]")), [exchanger(0, "[192.0.2.1]", &["192.0.2.1"])]);
    assert_eq!(found(asked("[IPv6:2001:db8::1]")), [exchanger(0, "[ipv6:2001:db8::1]", &["2001:db8::1"])]);
    let localhost = found(asked("localhost"));
    assert!(localhost.iter().all(|exchanger| exchanger.addresses.iter().all(std::net::IpAddr::is_loopback)));
    assert!(not_found(asked("[nonsense]")).contains("not an address literal"));
}

#[test]
fn answers_and_denials_are_cached() {
    let server = FakeDns::start(TABLE);
    block(async {
        let resolver = resolver(&[server.address]);
        for name in ["plain.test", "nosuch.test"] {
            let ask = Ask::Exchangers(name.into());
            let first = resolver.resolve(&ask).await;
            assert_eq!(resolver.resolve(&ask).await, first);
            assert_eq!(server.asked(&format!("{name} MX")), 1, "{name}");
        }
    });
}

#[test]
fn a_failure_is_not_cached() {
    let server = FakeDns::start(TABLE);
    block(async {
        let resolver = resolver(&[server.address]);
        let ask = Ask::Exchangers("broken.test".into());
        temporary(resolver.resolve(&ask).await);
        server.rewrite("broken.test A 192.0.2.9\n");
        assert_eq!(found(resolver.resolve(&ask).await), [exchanger(0, "broken.test", &["192.0.2.9"])]);
    });
}
