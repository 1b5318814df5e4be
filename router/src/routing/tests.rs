//! Routing as a whole, with users and lists of its own.

use super::*;
use crate::tables::{Lists, Lookup, Tables, Users};
use farm::config::{Paths, Routes, defaults};
use farm::tables::{Target, parse_list};
use ipc::routing::Verdict;
use proptest::prelude::*;
use proto::address::Mailbox;
use std::fs;
use std::path::Path;

struct FewUsers;

impl Users for FewUsers {
    fn lookup(&self, name: &str) -> Lookup<String> {
        match name.to_ascii_lowercase().as_str() {
            user @ ("ann" | "bob" | "root") => Lookup::Found(user.to_owned()),
            "nis" => Lookup::Temporary("users: no answer".to_owned()),
            _ => Lookup::NotFound,
        }
    }
}

struct FewLists;

impl Lists for FewLists {
    fn lookup(&self, path: &Path) -> Lookup<Vec<Target>> {
        let read = |text: &str| Lookup::Found(parse_list(text.as_bytes(), path).unwrap());
        match path.to_str() {
            Some("/l/team") => read("ann\nbob\ncid@c.example\nann@example.org\n"),
            Some("/l/self") => read(":include:/l/self\nbob\n"),
            Some("/l/huge") => {
                let one = |n: usize| Target::Address(format!("u{n}@big.example"));
                Lookup::Found((0..1_000_002).map(one).collect())
            }
            _ => Lookup::Temporary(format!("{}: gone", path.display())),
        }
    }
}

const ALIASES: &str = r"
info: ann
sales: cid@C.example
chain: info
team: :include:/l/team
several: ann, bob@b.example, nosuch
BOB: \bob, copy@b.example
ann: ann, ann@backup.example
self: self
loop: pool
pool: loop
round: dance, ann
dance: round
list-loop: :include:/l/self
gone: :include:/l/gone
huge: :include:/l/huge
dup: ann@b.example, ann@B.example, info, ann
late: nis
root: bob
";

const ROUTES: &[(&str, &str)] = &[
    ("ann@far.example", "smtp!ann-only.example"),
    ("far.example", "smtp![192.0.2.1]:2525"),
    (".far.example", "smtp!below"),
    (".deep.far.example", "hold!"),
    ("moved@example.org", "error!5.1.6 has moved"),
    ("hub.example.org", "smtp!inner.example.org"),
    ("own.example", "smtp!"),
    ("later.example", "error!4.7.0 come back"),
    ("no.example", "error!not here"),
    ("box.example", "mailbox!bob"),
];

fn tables_with(aliases: &str, routes: &[(&str, &str)]) -> (Tables, tempfile::TempDir) {
    let site = tempfile::tempdir().unwrap();
    fs::write(site.path().join("aliases"), aliases).unwrap();
    let etc = site.path().to_owned();
    let paths = Paths { etc, spool: "/s".into(), run: "/r".into(), libexec: "/l".into() };
    let mut config = defaults(&paths, "mail.example.org");
    let domains = ["mail.example.org", "example.org", "hub.example.org"];
    config.common.local_domains = domains.map(str::to_owned).to_vec();
    let pair = |(pattern, target): &(&str, &str)| ((*pattern).to_owned(), (*target).to_owned());
    config.router.routes = Routes::Inline(routes.iter().map(pair).collect());
    let lists: Box<dyn Lists> = Box::new(FewLists);
    (Tables::with(&config.common, &config.router, Box::new(FewUsers), lists), site)
}

fn tables() -> Tables {
    tables_with(ALIASES, ROUTES).0
}

fn mailbox(text: &str) -> Mailbox {
    text.parse().unwrap()
}

/// `channel!host user`, `expand`, or the reply.
fn show(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Route(route) => format!("{}!{} {}", route.channel, route.host, route.user),
        Verdict::Expand => "expand".to_owned(),
        Verdict::Refuse { status, text, .. } => format!("550 {status} {text}"),
        Verdict::Defer { status, text } => format!("451 {status} {text}"),
    }
}

fn ask(address: &str) -> String {
    show(&resolve(Some(&mailbox(address)), true, "203.0.113.9", &tables()).verdict)
}

fn by(address: &str) -> String {
    resolve(Some(&mailbox(address)), true, "203.0.113.9", &tables()).by
}

fn opened(address: &str) -> Vec<String> {
    let all = expand(&mailbox(address), &tables()).unwrap();
    all.iter()
        .map(|e| format!("{} {}!{} {}", e.address, e.route.channel, e.route.host, e.route.user))
        .collect()
}

#[test]
fn an_answer_holds_for_a_whole_domain_unless_a_user_of_it_goes_elsewhere() {
    let tables = tables();
    let whole = |address: &str| resolve(Some(&address.parse().unwrap()), true, "", &tables).whole_domain;
    for address in
        ["x@a.far.example", "x@a.deep.far.example", "x@own.example", "x@other.example", "x@[192.0.2.9]"]
    {
        assert!(whole(address), "{address}");
    }
    for address in [
        "bob@far.example",
        "ann@far.example",
        "bob@example.org",
        "info@example.org",
        "x@hub.example.org",
        "x@box.example",
        "x@no.example",
        "x@later.example",
    ] {
        assert!(!whole(address), "{address}");
    }
}

#[test]
fn local_users_are_found_without_regard_to_case_or_tag() {
    assert_eq!(ask("root@example.org"), "expand");
    let (plain, _site) = tables_with("", &[]);
    let go = |address: &str| show(&resolve(Some(&mailbox(address)), false, "c", &plain).verdict);
    for address in ["ann@example.org", "Ann@EXAMPLE.org", "ann+tag@example.org", "\"ann\"@example.org"] {
        assert_eq!(go(address), "mailbox!ann ann", "{address}");
    }
    assert_eq!(go("zoe@example.org"), "550 5.1.1 <zoe@example.org> no such user");
    assert_eq!(go("+tag@example.org"), "550 5.1.1 <+tag@example.org> no such user");
    assert_eq!(go("nis@example.org"), "451 4.3.0 <nis@example.org> cannot be decided now; try again later");
}

#[test]
fn single_aliases_are_followed_and_others_left_to_expansion() {
    assert_eq!(ask("sales@example.org"), "smtp!c.example cid@c.example");
    assert_eq!(ask("Sales+x@example.org"), "smtp!c.example cid@c.example");
    for address in ["info@example.org", "chain@example.org", "team@example.org", "several@example.org"] {
        assert_eq!(ask(address), "expand", "{address}");
    }
    assert_eq!(by("sales@example.org"), "alias (aliases:3), MX lookup");
    assert_eq!(ask("self@example.org"), "550 5.1.1 <self@example.org> no such user");
    assert_eq!(ask("loop@example.org"), "550 5.4.6 <loop@example.org> is an alias that leads back to itself");
    assert_eq!(
        ask("late@example.org"),
        "451 4.3.0 <late@example.org> cannot be decided now; try again later"
    );
}

#[test]
fn the_names_that_must_exist_do() {
    let (plain, _site) = tables_with("", &[]);
    for name in ["postmaster", "Abuse", "mailer-daemon"] {
        let address = mailbox(&format!("{name}@example.org"));
        assert_eq!(show(&resolve(Some(&address), false, "c", &plain).verdict), "mailbox!root root", "{name}");
    }
    assert_eq!(show(&resolve(None, false, "c", &plain).verdict), "mailbox!root root");
    let (aliased, _site) = tables_with("postmaster: ann\n", &[]);
    assert_eq!(show(&resolve(None, false, "c", &aliased).verdict), "mailbox!ann ann");
    assert_eq!(
        show(&resolve(Some(&mailbox("abuse@example.org")), false, "c", &aliased).verdict),
        "mailbox!ann ann"
    );
}

#[test]
fn the_most_specific_route_counts() {
    assert_eq!(ask("Ann@far.example"), "smtp!ann-only.example Ann@far.example");
    assert_eq!(ask("bob@far.example"), "smtp![192.0.2.1]:2525 bob@far.example");
    assert_eq!(ask("bob@x.far.example"), "smtp!below bob@x.far.example");
    assert_eq!(ask("bob@a.b.deep.far.example"), "hold!a.b.deep.far.example bob@a.b.deep.far.example");
    assert_eq!(ask("bob@own.example"), "smtp!own.example bob@own.example");
    assert_eq!(ask("bob@else.example"), "smtp!else.example bob@else.example");
    assert_eq!(ask("bob@[192.0.2.7]"), "smtp![192.0.2.7] bob@[192.0.2.7]");
    assert_eq!(ask("x@box.example"), "mailbox!bob bob");
    assert_eq!(by("bob@else.example"), "MX lookup");
    assert_eq!(by("bob@far.example"), "routes");
}

#[test]
fn error_routes_refuse_at_once() {
    assert_eq!(ask("moved@example.org"), "550 5.1.6 has moved");
    assert_eq!(ask("x@no.example"), "550 5.7.1 not here");
    assert!(ask("x@later.example").starts_with("451 4.7.0 "));
}

#[test]
fn exact_routes_win_over_local_domains_and_wide_ones_do_not() {
    assert_eq!(ask("ann@hub.example.org"), "smtp!inner.example.org ann@hub.example.org");
    let (relay, _site) = tables_with("", &[(".", "smtp!relay:587"), (".example.org", "smtp!wrong")]);
    let go = |address: &str| show(&resolve(Some(&mailbox(address)), true, "c", &relay).verdict);
    assert_eq!(go("ann@mail.example.org"), "mailbox!ann ann");
    assert_eq!(go("x@y.example"), "smtp!relay:587 x@y.example");
    assert_eq!(go("x@[192.0.2.7]"), "smtp!relay:587 x@[192.0.2.7]");
    assert_eq!(go("x@other.example.org"), "smtp!wrong x@other.example.org");
}

#[test]
fn a_name_means_the_same_in_u_labels_and_in_a_labels() {
    let aliases = "J\u{fc}rgen: ann\nhome: x@b\u{fc}cher.example\n";
    let routes = [
        ("j\u{fc}@b\u{fc}cher.example", "smtp!one"),
        (".b\u{fc}cher.example", "smtp!below"),
        ("xn--caf-dma.example", "smtp!cafe"),
    ];
    let (tables, _site) = tables_with(aliases, &routes);
    let go = |address: &str| show(&resolve(Some(&mailbox(address)), true, "c", &tables).verdict);
    assert_eq!(go("J\u{dc}@xn--bcher-kva.example"), "smtp!one J\u{dc}@xn--bcher-kva.example");
    assert_eq!(go("ju\u{308}@b\u{fc}cher.example"), "smtp!one ju\u{308}@b\u{fc}cher.example");
    assert_eq!(go("x@a.b\u{fc}cher.example"), "smtp!below x@a.b\u{fc}cher.example");
    assert_eq!(go("x@caf\u{e9}.example"), "smtp!cafe x@caf\u{e9}.example");
    assert_eq!(go("x@b\u{fc}cher.example"), "smtp!xn--bcher-kva.example x@b\u{fc}cher.example");
    assert_eq!(go("j\u{dc}RGEN+tag@example.org"), "mailbox!ann ann");
    assert_eq!(go("home@example.org"), "smtp!xn--bcher-kva.example x@xn--bcher-kva.example");
    let whole = |address: &str| resolve(Some(&mailbox(address)), true, "c", &tables).whole_domain;
    assert!(whole("x@caf\u{e9}.example") && !whole("x@b\u{fc}cher.example"));
}

#[test]
fn nobody_relays_without_permission() {
    let tables = tables();
    let refuse =
        |address: &str| show(&resolve(Some(&mailbox(address)), false, "203.0.113.9", &tables).verdict);
    let words = "550 5.7.1 relaying to far.example is not allowed from 203.0.113.9; authenticate on port 587";
    assert_eq!(refuse("ann@far.example"), words);
    assert!(refuse("x@[127.0.0.1]").starts_with("550 5.7.1 relaying to [127.0.0.1]"));
    assert!(refuse("x@sub.example.org").starts_with("550 5.7.1"));
    assert_eq!(refuse("ann@hub.example.org"), "smtp!inner.example.org ann@hub.example.org");
    assert_eq!(refuse("sales@example.org"), "smtp!c.example cid@c.example");
}

#[test]
fn a_table_that_cannot_be_read_defers() {
    let (broken, _site) = tables_with("nonsense\nann: bob\n", &[("a..b", "smtp!x")]);
    let go = |address: &str| resolve(Some(&mailbox(address)), true, "c", &broken);
    assert_eq!(
        show(&go("zoe@example.org").verdict),
        "451 4.3.5 <zoe@example.org> cannot be decided now; try again later"
    );
    assert!(show(&go("x@y.example").verdict).starts_with("451 4.3.5 "));
    let (broken, _site) = tables_with("nonsense\nann: bob\n", &[]);
    let decision = resolve(Some(&mailbox("zoe@example.org")), false, "c", &broken);
    assert!(decision.why.unwrap().contains("aliases:1:"));
    assert!(expand(&mailbox("zoe@example.org"), &broken).is_err());
}

#[test]
fn expansion_reaches_everyone_once() {
    assert_eq!(
        opened("several@example.org"),
        [
            "bob@b.example smtp!b.example bob@b.example",
            "nosuch@example.org error!example.org 5.1.1 <nosuch@example.org> no such user",
            "ann@example.org mailbox!ann ann",
            "ann@backup.example smtp!backup.example ann@backup.example",
        ]
    );
    assert_eq!(
        opened("team@example.org"),
        [
            "cid@c.example smtp!c.example cid@c.example",
            "ann@example.org mailbox!ann ann",
            "ann@backup.example smtp!backup.example ann@backup.example",
            "bob@example.org mailbox!bob bob",
            "copy@b.example smtp!b.example copy@b.example",
        ]
    );
    assert_eq!(opened("dup@example.org").len(), 3);
    assert_eq!(opened("info@mail.example.org")[0], "ann@mail.example.org mailbox!ann ann");
    assert_eq!(opened("x@else.example"), ["x@else.example smtp!else.example x@else.example"]);
}

#[test]
fn loops_end() {
    assert_eq!(opened("round@example.org").len(), 2);
    assert_eq!(
        opened("loop@example.org"),
        ["loop@example.org error!example.org 5.4.6 <loop@example.org> is an alias that leads back to itself"]
    );
    assert_eq!(opened("list-loop@example.org").len(), 2);
    assert_eq!(
        opened("self@example.org"),
        ["self@example.org error!example.org 5.1.1 <self@example.org> no such user"]
    );
}

#[test]
fn nesting_and_numbers_have_limits() {
    let deep: String = (0..60).map(|n| format!("a{n}: a{}\n", n + 1)).collect();
    let (tables, _site) = tables_with(&format!("{deep}a60: ann\n"), &[]);
    let all = expand(&mailbox("a0@example.org"), &tables).unwrap();
    assert!(all.len() == 1 && all[0].route.user.starts_with("5.4.6 "), "{all:?}");
    assert!(
        show(&resolve(Some(&mailbox("a0@example.org")), true, "c", &tables).verdict).starts_with("550 5.4.6")
    );
    assert_eq!(
        show(&resolve(Some(&mailbox("a20@example.org")), true, "c", &tables).verdict),
        "mailbox!ann ann"
    );
    let all = opened("huge@example.org");
    assert!(
        all.len() == 1 && all[0].contains("5.2.4 <huge@example.org> stands for more than 1000000"),
        "{all:?}"
    );
}

#[test]
fn an_expansion_is_whole_or_waits() {
    let later = expand(&mailbox("gone@example.org"), &tables()).unwrap_err();
    assert_eq!(later.to_string(), "/l/gone: gone");
    assert_eq!(later.status.to_string(), "4.3.0");
    let (tables, _site) = tables_with("x: ann, nis\n", &[]);
    assert!(expand(&mailbox("x@example.org"), &tables).is_err());
}

#[test]
fn explain_tells_the_rules() {
    let told = explain(Some(&mailbox("several@example.org")), &tables());
    assert_eq!(told.len(), 4);
    assert_eq!(told[0].by, "alias (aliases:6), MX lookup");
    assert_eq!(told[1].reply.as_deref(), Some("550 5.1.1 <nosuch@example.org> no such user"));
    assert_eq!(told[2].by, "alias (aliases:6), alias (aliases:8), local user");
    assert_eq!(told[2].route.as_deref(), Some("mailbox!ann"));
    let told = explain(Some(&mailbox("zoe@example.org")), &tables());
    assert_eq!(told[0].reply.as_deref(), Some("550 5.1.1 <zoe@example.org> no such user"));
    let told = explain(Some(&mailbox("gone@example.org")), &tables());
    assert_eq!(told[0].reply.as_deref(), Some("451 4.3.0 /l/gone: gone"));
    assert_eq!(explain(None, &tables())[0].route.as_deref(), Some("mailbox!bob"));
}

proptest! {
    #[test]
    fn what_is_accepted_can_be_expanded(local in "[a-z+\"\\\\]{1,8}", domain in "(example.org|far.example|[a-z.]{1,9})") {
        let (tables, _site) = tables_with("a: b, c\nb: a\nc: ann\nd: d\n", ROUTES);
        let Ok(address) = format!("{local}@{domain}").parse::<Mailbox>() else { return Ok(()) };
        let verdict = resolve(Some(&address), true, "c", &tables).verdict;
        let all = expand(&address, &tables);
        match verdict {
            Verdict::Route(route) => prop_assert_eq!(&all.unwrap()[0].route, &route),
            Verdict::Expand => prop_assert!(!all.unwrap().is_empty()),
            Verdict::Refuse { .. } => prop_assert!(all.unwrap().iter().all(|e| e.route.channel == "error")),
            Verdict::Defer { .. } => prop_assert!(all.is_err()),
        }
    }

    #[test]
    fn no_alias_text_panics(text in "[a-c:, \\n\\\\\"@+]{0,40}", name in "[a-c+]{1,3}") {
        let (tables, _site) = tables_with(&text, &[]);
        let address = mailbox(&format!("{name}@example.org"));
        let _ = (resolve(Some(&address), false, "c", &tables), expand(&address, &tables));
    }
}
