//! The line of every event, and the manual page that describes them.

mod sessions;

use super::*;
use crate::farm::{Death, Report, Why};
use ipc::Role;
use proto::address::{Mailbox, ReversePath};
use proto::disposition::{Disposition, Outcome};
use proto::id::SpoolId;
use proto::status::Status;

const PAGE: &str = include_str!("../../../../man/grange-journal.5");

fn line(event: &Event<'_>) -> String {
    let mut line = String::new();
    event.write_line(&mut line);
    line
}

fn id() -> SpoolId {
    "01J8X4K2M7Q3RD0042".parse().unwrap()
}

/// An event, its golden line, and whether the page has its verb and all its keys.
fn check(event: &Event<'_>, golden: &str) {
    let text = line(event);
    assert_eq!(text, golden);
    let verb = event.verb();
    let item = PAGE.split("\n.It ").find(|item| item.starts_with(&format!("Ic {verb}\n")));
    let item = item.unwrap_or_else(|| panic!("grange-journal(5) does not describe {verb}"));
    let fields = text.split_once(verb).unwrap().1;
    for key in fields.split(' ').filter_map(|field| field.split_once('=')).map(|(key, _)| key) {
        if key.bytes().all(|c| c.is_ascii_lowercase()) && !key.is_empty() {
            assert!(
                item.contains(&format!("Cm {key}")),
                "grange-journal(5) does not describe {key} of {verb}"
            );
        }
    }
}

fn message(event: MessageEvent<'_>, golden: &str) {
    check(&Event::Message(id(), event), golden);
}

fn session(event: SessionEvent<'_>, golden: &str) {
    check(&Event::Session(0x7f3a9, event), golden);
}

fn program(name: &str, event: ProgramEvent<'_>, golden: &str) {
    check(&Event::Program(name, event), golden);
}

fn disposition(outcome: Outcome, status: Status, reply: &str) -> Disposition {
    let remote = "mx1.slow.example[198.51.100.4]".to_owned();
    Disposition { remote, ..Disposition::local(outcome, status, reply) }
}

fn ann() -> Mailbox {
    "ann@slow.example".parse().unwrap()
}

fn attempt<'a>(to: &'a Mailbox, disposition: &'a Disposition, delay: u64) -> Attempt<'a> {
    Attempt { to, channel: "smtp", host: "slow.example", delay, disposition }
}

#[test]
fn acceptance_has_its_line() {
    let from = ReversePath::Mailbox("news@example.org".parse().unwrap());
    let accepted = Accepted {
        session: 0x7f3a9,
        client: "192.0.2.7",
        helo: "mx.example.net",
        from: &from,
        rcpts: 1,
        size: 14_220,
        tls: "",
        commit: 1_850,
        batch: 12,
        account: "ann",
        tags: "big,new",
    };
    message(
        MessageEvent::Accepted(accepted),
        "01J8X4K2M7Q3RD0042 accepted  session=7f3a9 client=192.0.2.7 helo=mx.example.net \
         from=<news@example.org> rcpts=1 size=14220 tls=- commit=1.8ms batch=12 account=ann tags=big,new",
    );
    message(MessageEvent::Queued { rcpts: 17 }, "01J8X4K2M7Q3RD0042 queued    rcpts=17");
}

#[test]
fn every_outcome_has_its_line() {
    let to = ann();
    let good = disposition(Outcome::Delivered, Status::OK, "250 2.0.0 Ok: queued as 4Xy");
    let not_now = disposition(Outcome::Deferred, Status::transient(7, 0), "421 4.7.0 try again later");
    let never = disposition(Outcome::Failed, Status::permanent(1, 1), "550 5.1.1 no such user");
    message(
        MessageEvent::Delivered(attempt(&to, &good, 9_480_000)),
        "01J8X4K2M7Q3RD0042 delivered to=<ann@slow.example> channel=smtp host=slow.example \
         mx=mx1.slow.example[198.51.100.4] delay=2h38m status=2.0.0 reply=\"250 2.0.0 Ok: queued as 4Xy\"",
    );
    let sealed = Disposition { tls: "TLSv1.3".into(), ..disposition(Outcome::Delivered, Status::OK, "ok") };
    message(
        MessageEvent::Delivered(attempt(&to, &sealed, 0)),
        "01J8X4K2M7Q3RD0042 delivered to=<ann@slow.example> channel=smtp host=slow.example \
         mx=mx1.slow.example[198.51.100.4] tls=TLSv1.3 delay=0ms status=2.0.0 reply=ok",
    );
    message(
        MessageEvent::Deferred { attempt: attempt(&to, &not_now, 400), next: 300_000 },
        "01J8X4K2M7Q3RD0042 deferred  to=<ann@slow.example> channel=smtp host=slow.example \
         mx=mx1.slow.example[198.51.100.4] delay=0.4s status=4.7.0 reply=\"421 4.7.0 try again later\" next=5m",
    );
    message(
        MessageEvent::Failed(attempt(&to, &never, 400)),
        "01J8X4K2M7Q3RD0042 failed    to=<ann@slow.example> channel=smtp host=slow.example \
         mx=mx1.slow.example[198.51.100.4] delay=0.4s status=5.1.1 reply=\"550 5.1.1 no such user\"",
    );
    let unreached = Disposition::local(Outcome::HostDeferred, Status::transient(4, 1), "no route to host");
    message(
        MessageEvent::Expired { attempt: attempt(&to, &unreached, 432_000_000), attempts: 34 },
        "01J8X4K2M7Q3RD0042 expired   to=<ann@slow.example> channel=smtp host=slow.example mx=- delay=5d \
         status=4.4.1 reply=\"no route to host\" attempts=34",
    );
}

#[test]
fn what_is_done_to_a_message_has_its_line() {
    let notice = "01J8X4K2M7Q3RD0050".parse().unwrap();
    let to = ReversePath::Mailbox("news@example.org".parse().unwrap());
    message(
        MessageEvent::Notified { notice, to: &to, rcpts: 2 },
        "01J8X4K2M7Q3RD0042 notified  to=<news@example.org> notice=01J8X4K2M7Q3RD0050 rcpts=2",
    );
    let held = MessageEvent::Held { by: "uid 0", why: "" };
    message(held, "01J8X4K2M7Q3RD0042 held      by=\"uid 0\" why=-");
    message(MessageEvent::Released { by: "root" }, "01J8X4K2M7Q3RD0042 released  by=root");
    let removed = MessageEvent::Removed { by: "root", rcpts: 3 };
    message(removed, "01J8X4K2M7Q3RD0042 removed   by=root rcpts=3");
    let quarantined = MessageEvent::Quarantined { program: "router", deaths: 3 };
    message(quarantined, "01J8X4K2M7Q3RD0042 quarantined program=router deaths=3");
}

#[test]
fn who_is_turned_away_has_its_lines() {
    use ProgramEvent as E;
    let away = TurnedAway {
        client: "192.0.2.7",
        name: "",
        listener: "0.0.0.0:25",
        rule: "lists",
        value: "zen.example.org=127.0.0.4*3",
        limit: "3",
        reply: "554 5.7.1 your address is listed",
    };
    program(
        "smtpserver-master",
        E::TurnedAway(away.clone()),
        "smtpserver-master turned-away client=192.0.2.7 name=- listener=0.0.0.0:25 rule=lists \
         value=zen.example.org=127.0.0.4*3 limit=3 reply=\"554 5.7.1 your address is listed\"",
    );
    program(
        "smtpserver-master",
        E::WouldTurnAway(away),
        "smtpserver-master would-turn-away client=192.0.2.7 name=- listener=0.0.0.0:25 rule=lists \
         value=zen.example.org=127.0.0.4*3 limit=3 reply=\"554 5.7.1 your address is listed\"",
    );
    program(
        "smtpserver-master",
        E::Unanswered { client: "192.0.2.7", asked: "zen.example.org name" },
        "smtpserver-master unanswered client=192.0.2.7 asked=\"zen.example.org name\"",
    );
}

#[test]
fn the_life_of_a_program_has_its_lines() {
    use ProgramEvent as E;
    program("dns", E::Started { pid: 345, version: "0.1.0" }, "dns started pid=345 version=0.1.0");
    program("dns", E::Ready { time: 38 }, "dns ready time=38ms");
    program("dns", E::Draining { why: "stop" }, "dns draining why=stop");
    program("dns", E::Stopped { why: "stop", time: 273_600_000 }, "dns stopped why=stop time=3d4h");
    let master = "smtpserver-master";
    program(master, E::Listening { address: "[::]:25" }, "smtpserver-master listening address=[::]:25");
    let paused = E::Paused { why: "EMFILE: too many open files" };
    program(master, paused, "smtpserver-master paused why=\"EMFILE: too many open files\"");
    program(master, E::Resumed { time: 1_500 }, "smtpserver-master resumed time=1.5s");
    program("grange", E::Reloaded { time: 61_000 }, "grange reloaded time=1m1s");
    program(
        "grange",
        E::ReloadRefused { errors: 3, first: "grange.toml:7:1: unknown key \"relay-network\"" },
        r#"grange reload-refused errors=3 first="grange.toml:7:1: unknown key \"relay-network\"""#,
    );
    program(
        "grange",
        E::TlsReloaded { file: "/etc/ssl/mail.pem", certificates: 2 },
        "grange tls-reload file=/etc/ssl/mail.pem certificates=2",
    );
    let (file, why) = ("/etc/ssl/mail.key", "there is no private key in it");
    let line = |verb| format!("grange {verb} file=/etc/ssl/mail.key why=\"there is no private key in it\"");
    program("grange", E::TlsError { file, why }, &line("tls-error"));
    program("grange", E::TlsWarning { file, why }, &line("tls-warning"));
    program(
        "authd",
        E::TableMistakes { errors: 1, first: "users:3: user ann: x" },
        "authd table-mistakes errors=1 first=\"users:3: user ann: x\"",
    );
    program("authd", E::BackendLost { why: "/run/a: gone" }, "authd backend-lost why=\"/run/a: gone\"");
    program("authd", E::BackendBack, "authd backend-back");
    program(
        "grange",
        E::Fault { point: "smtpserver/flush", times: 1, by: "root" },
        "grange fault point=smtpserver/flush times=1 by=root",
    );
    program("router", E::JournalDropped { lines: 9 }, "router journal-dropped lines=9");
}

#[test]
fn the_farm_has_its_lines() {
    use ProgramEvent as E;
    let (role, child) = (Role::RouterWorker, 12);
    let death = Death { how: "signal 11".to_owned(), life: 300, deaths: 3, within: 10_000, next: 1_600 };
    program("router", E::Spawned { child, pid: 345 }, "router spawned child=12 pid=345");
    program(
        "router",
        E::Farm(&Report::Exited { role, child, death: death.clone() }),
        "router exited child=12 how=\"signal 11\" life=0.3s deaths=3 within=10s next=1.6s",
    );
    program(
        "router",
        E::Farm(&Report::SpawnFailed { role, death: Death { how: "ENOENT".to_owned(), life: 0, ..death } }),
        "router spawn-failed how=ENOENT life=0ms deaths=3 within=10s next=1.6s",
    );
    program(
        "router",
        E::Farm(&Report::Retiring { role, child, why: Why::Uses, uses: 50_000, life: 7_500_000 }),
        "router retiring child=12 why=uses uses=50000 life=2h5m",
    );
    program(
        "router",
        E::Farm(&Report::Killed { role, child, load: 2, grace: 30_000 }),
        "router killed child=12 load=2 grace=30s",
    );
    let blamed = E::Blamed { address: "<evil@example.org>", deaths: 3 };
    program("router-multiplexer", blamed, "router-multiplexer blamed address=<evil@example.org> deaths=3");
}

#[test]
fn the_spool_has_its_lines() {
    use ProgramEvent as E;
    let recovered = E::Recovered { segments: 12, messages: 18_204, time: 2_340 };
    let number = SpoolId::new(1_764_000_000_123, 9, 17, 0);
    let compacted = E::Compacted { segment: number, messages: 12, from: 16_777_216, to: 61_440, time: 20 };
    let line = format!("scheduler compacted segment={number} messages=12 from=16777216 to=61440 time=20ms");
    program("scheduler", compacted, &line);
    program("scheduler", recovered, "scheduler recovered segments=12 messages=18204 time=2.3s");
    program(
        "scheduler",
        E::Damage { segment: id(), offset: 8_192, length: 4_096, why: "checksum of the content" },
        "scheduler damage segment=01J8X4K2M7Q3RD0042 offset=8192 length=4096 why=\"checksum of the content\"",
    );
    let failure = Failure {
        operation: "flush",
        file: "segments/01J8X4K2M7Q3RD0042",
        error: "Input/output error (os error 5)",
        then: "451 to 12 sessions",
    };
    program(
        "smtpserver",
        E::SpoolError(failure),
        "smtpserver spool-error op=flush file=segments/01J8X4K2M7Q3RD0042 \
         error=\"Input/output error (os error 5)\" then=\"451 to 12 sessions\"",
    );
    program(
        "scheduler",
        E::HintsDropped { count: 4_100, why: "no such place" },
        "scheduler hints-dropped count=4100 why=\"no such place\"",
    );
}

#[test]
fn a_long_value_is_cut() {
    let why = "é".repeat(5_000);
    let text = line(&Event::Program("p", ProgramEvent::Draining { why: &why }));
    assert_eq!(text, format!("p draining why={}...", "é".repeat(1_000)));
}

proptest::proptest! {
    #[test]
    fn any_value_stays_one_line_and_one_field(value in "\\PC{0,20}|[ \"\\\\\n\r\t=a-c-]{0,12}|.{0,20}") {
        let text = line(&Event::Program("p", ProgramEvent::Draining { why: &value }));
        let shown = text.strip_prefix("p draining why=").unwrap();
        proptest::prop_assert!(!text.chars().any(char::is_control));
        if let Some(quoted) = shown.strip_prefix('"') {
            let inside = quoted.strip_suffix('"').unwrap();
            let mut escaped = false;
            for c in inside.chars() {
                proptest::prop_assert!(escaped || c != '"');
                escaped = c == '\\' && !escaped;
            }
            proptest::prop_assert!(!escaped, "the last quote is a quote");
        } else {
            proptest::prop_assert!(!shown.contains([' ', '"']));
        }
    }

    #[test]
    fn spans_and_sizes_never_lose_their_scale(value: u64) {
        for text in [Span(value).to_string(), Micros(value).to_string(), Octets(value).to_string()] {
            proptest::prop_assert!(text.len() <= 24 && !text.contains(' '), "{}", text);
        }
    }
}

#[test]
fn spans_and_sizes_read_well() {
    let spans = [0, 99, 100, 59_999, 60_000, 61_000, 3_599_999, 3_600_000, 86_400_000, 273_600_000];
    let shown: Vec<_> = spans.into_iter().map(|ms| Span(ms).to_string()).collect();
    assert_eq!(shown, ["0ms", "99ms", "0.1s", "59.9s", "1m", "1m1s", "59m59s", "1h", "1d", "3d4h"]);
    let micros: Vec<_> = [999, 1_000, 1_850, 99_999, 400_000].map(|us| Micros(us).to_string()).into();
    assert_eq!(micros, ["999us", "1ms", "1.8ms", "99.9ms", "0.4s"]);
    let sizes: Vec<_> = [1_023, 1_024, 14_997, 1 << 21, 5 << 30].map(|size| Octets(size).to_string()).into();
    assert_eq!(sizes, ["1023", "1.0KiB", "14.6KiB", "2.0MiB", "5.0GiB"]);
}
