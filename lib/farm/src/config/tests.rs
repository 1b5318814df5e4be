//! The configuration as a whole.

use super::*;
use proptest::prelude::*;
use std::fs;
use std::path::{Path, PathBuf};

mod agree;

fn paths(etc: &Path) -> Paths {
    Paths { etc: etc.to_owned(), spool: "/s".into(), run: "/run/grange".into(), libexec: "/l".into() }
}

fn parse(text: &str) -> Result<Config, Vec<String>> {
    let file = Path::new("/etc/grange/grange.toml");
    Config::parse(text, file, &paths(Path::new("/nonexistent")), "Host.Example.org")
        .map_err(|problems| problems.iter().map(|problem| format!("grange: {problem}")).collect())
}

fn wrong(text: &str) -> Vec<String> {
    parse(text).unwrap_err()
}

fn directory(files: &[(&str, &str)]) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = directory.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    directory
}

fn load(directory: &tempfile::TempDir) -> Result<Config, Vec<String>> {
    let etc = directory.path();
    let strip = |problem: &Problem| problem.to_string().replace(&format!("{}/", etc.display()), "");
    Config::load(&etc.join("grange.toml"), &paths(etc), "h.example")
        .map_err(|problems| problems.iter().map(strip).collect())
}

#[test]
fn an_empty_file_is_a_working_site() {
    let config = parse("").unwrap();
    assert_eq!(config, defaults(&paths(Path::new("/nonexistent")), "host.example.org"));
    assert_eq!(config.common.local_domains, ["host.example.org"]);
    assert_eq!(config.channels.keys().collect::<Vec<_>>(), ["error", "hold", "mailbox", "smtp"]);
    assert_eq!(config.router.aliases, None);
}

#[test]
fn a_single_host_takes_ten_lines() {
    let text = r#"
hostname = "Mail.example.org"
local-domains = ["example.org", "mail.Example.org", "bücher.example"]
[smtpserver]
listen = ["*:25", "*:587"]
relay-networks = ["127.0.0.0/8", "::1"]
[channel.mailbox]
path = "~/Maildir/"
"#;
    let config = parse(text).unwrap();
    assert_eq!(config.common.local_domains, ["example.org", "mail.example.org", "xn--bcher-kva.example"]);
    assert_eq!(config.smtpserver.listen.len(), 4);
    assert!(config.smtpserver.relay_networks[1].contains("::1".parse().unwrap()));
}

#[test]
fn a_hub_and_its_tuning_are_read() {
    let text = r#"
hostname = "app1.example.org"
[router]
routes = { "." = "smtp!relay.example.org:587", "a.example" = "error!5.7.1 no" }
[scheduler]
retry = ["1m", "5m"]
[channel.smtp]
agents = 2
idle = "1m30s"
[[channel.smtp.host]]
match = ["*.slow.example", "Gmail.com"]
sessions-per-host = 4
retry = ["2h"]
[dns]
nameservers = ["127.0.0.1:5353", "::1"]
"#;
    let config = parse(text).unwrap();
    let Routes::Inline(pairs) = &config.router.routes else { panic!("not inline") };
    assert_eq!(pairs.len(), 2);
    assert_eq!(config.scheduler.retry, [60_000, 300_000]);
    let smtp = &config.channels["smtp"];
    assert_eq!((smtp.agents, smtp.idle, smtp.sessions), (2, 90_000, 500));
    assert_eq!(smtp.hosts[0].patterns, ["*.slow.example", "gmail.com"]);
    assert_eq!(smtp.hosts[0].retry.as_deref(), Some(&[7_200_000][..]));
    assert_eq!(config.common.local_domains, ["app1.example.org"]);
}

#[test]
fn three_mistakes_are_reported_at_once() {
    let text = r#"# /etc/grange/grange.toml
hostname = "mail.example.org"
local-domains = ["example.org"]

[smtpserver]
listen = ["*:25"]
relay-network = ["192.0.2.0/24"]

[scheduler]
expire = 0
retry = ["1m", "5m",
         "15 minuts"]
"#;
    assert_eq!(
        wrong(text),
        [
            "grange: /etc/grange/grange.toml:7:1: unknown key \"relay-network\" in [smtpserver]; did you mean \"relay-networks\"?",
            "grange: /etc/grange/grange.toml:10:10: expire = 0 is out of range; it goes from 1s to 366d",
            "grange: /etc/grange/grange.toml:12:10: retry[2] = \"15 minuts\" is not a duration; write 15m",
        ]
    );
}

#[test]
fn every_kind_of_mistake_names_its_cure() {
    let text = r#"
hostname = 5
user = ""
journal = "file"
local-domain = []
smtpsever = {}
[spool]
memory-limit = "8 MB"
[smtpserver]
listen = ["localhost:25"]
relay-networks = "10.0.0.0/8"
workers = "two"
sessions = -1
[router]
routes = { "a..b" = "smtp!x", "c" = "d" }
[dns]
nameservers = ["ns.example"]
[channel.smpt]
[channel.hold]
port = 25
[channel.mailbox]
path = "/var/mail/x"
[[channel.smtp.host]]
sessions-per-host = 3
"#;
    let expected = r#"
2:12: hostname = 5 is not a string; write it in quotes, one alone
3:8: user = "" is not a user's name
4:11: journal = "file" is no target; write "stderr", "syslog" or a path
5:1: unknown key "local-domain"; did you mean "local-domains"?
6:1: unknown key "smtpsever"; did you mean "smtpserver"?
8:16: memory-limit = "8 MB" is not a size; write 8M
10:11: listen[0] = "localhost:25" is not an address to listen on; write "*:25", "127.0.0.1:25", "[::1]:25" or "unix:/path", with "smtp://", "submission://", "submissions://" or "lmtp://" in front if the port does not tell
11:18: relay-networks = "10.0.0.0/8" is not a list; write it in brackets
12:11: workers = "two" is not a number; write digits, without quotes
13:12: sessions = -1 is not a number; write digits, without quotes
15:12: "a..b" is not a pattern; write user@domain, domain, .domain or .
15:37: "d" is not a target; write channel!host, as in smtp!relay.example.org:587
17:16: nameservers[0] = "ns.example" is not the address of a name server; write "192.0.2.1" or "192.0.2.1:53"
18:10: unknown channel "smpt"; did you mean "smtp"?
20:1: unknown key "port" in [channel.hold]; valid are agents, sessions, sessions-per-host, host
22:8: path = "/var/mail/x" has no slash at its end; only Maildir is there as yet
23:1: [[channel.smtp.host]] has no match; write match = ["example.org"]
"#;
    let found: Vec<String> =
        wrong(text).iter().map(|line| line.replace("grange: /etc/grange/grange.toml:", "")).collect();
    assert_eq!(found.join("\n"), expected.trim());
}

#[test]
fn broken_toml_does_not_hide_other_mistakes() {
    let found = wrong("hostname = \n[smtpserver]\nworker = 2\nhostname\n");
    assert_eq!(found.len(), 3, "{found:#?}");
    assert!(found[0].starts_with("grange: /etc/grange/grange.toml:1:"), "{found:#?}");
    assert!(found[1].contains(":3:1: unknown key \"worker\" in [smtpserver]; did you mean \"workers\"?"));
    assert!(found[2].starts_with("grange: /etc/grange/grange.toml:4:"), "{found:#?}");
}

#[test]
fn included_files_are_merged_in_the_order_of_names() {
    let rule = |name: &str| format!("[[channel.smtp.host]]\nmatch = [\"{name}\"]\n");
    let main = "include = [\"conf.d/*.toml\"]\n[smtpserver]\nworkers = 3\n";
    let second = rule("b.example");
    let first = format!("[smtpserver]\nsessions = 7\n{}", rule("a.example"));
    let site = directory(&[
        ("grange.toml", main),
        ("conf.d/20.toml", &second),
        ("conf.d/10.toml", &first),
        ("conf.d/README", "not = read"),
        ("aliases", ""),
    ]);
    let config = load(&site).unwrap();
    assert_eq!((config.smtpserver.workers, config.smtpserver.sessions), (3, 7));
    let patterns: Vec<_> = config.channels["smtp"].hosts.iter().flat_map(|rule| &rule.patterns).collect();
    assert_eq!(patterns, ["a.example", "b.example"]);
    assert_eq!(config.router.aliases, Some(site.path().join("aliases")));
}

#[test]
fn a_key_in_two_files_names_both() {
    let site = directory(&[
        ("grange.toml", "include = [\"conf.d/*.toml\", \"gone.toml\"]\nhostname = \"a.example\"\n"),
        ("conf.d/x.toml", "include = []\nhostname = \"b.example\"\n"),
    ]);
    let found = load(&site).unwrap_err();
    assert!(found[0].starts_with("gone.toml: cannot be read:"), "{found:#?}");
    assert!(found[1].starts_with("conf.d/x.toml:1:1: an included file cannot include others"), "{found:#?}");
    assert!(
        found.contains(
            &"conf.d/x.toml:2:1: \"hostname\" is already set in grange.toml:2; keep one of them".to_owned()
        ),
        "{found:#?}"
    );
}

#[test]
fn a_file_that_cannot_be_read_is_a_problem() {
    let site = directory(&[]);
    assert!(load(&site).unwrap_err()[0].starts_with("grange.toml: cannot be read:"));
    fs::write(site.path().join("grange.toml"), b"# ok\n# \xff\n").unwrap();
    assert_eq!(load(&site).unwrap_err(), ["grange.toml:2: this is not UTF-8"]);
}

#[test]
fn the_tables_are_checked_too() {
    let site = directory(&[
        ("grange.toml", ""),
        ("routes", "a.example smtp!b\n\nc.example smpt!d\n"),
        ("aliases", "x: |/bin/y\nz: :include:/nonexistent/list\n"),
    ]);
    let found = load(&site).unwrap_err();
    assert_eq!(found.len(), 3, "{found:#?}");
    assert_eq!(
        found[0],
        "routes:3: \"smpt\" is not a configured channel; channels are smtp, mailbox, hold, error"
    );
    assert_eq!(found[1], "aliases:1: \"|/bin/y\": programs and files as alias targets come later");
    assert!(found[2].contains("aliases:2: :include:/nonexistent/list cannot be read"));
    let etc = site.path();
    let read = Config::read(&etc.join("grange.toml"), &paths(etc), "h.example").unwrap();
    assert_eq!(check_all::check_all(&read).len(), 3);
}

#[test]
fn mistakes_in_the_configuration_do_not_hide_those_in_its_tables() {
    let main = "[smtpserver]\nrelay-network = [\"192.0.2.0/24\"]\n[router]\nroutes = \"hops\"\n\
                [scheduler]\nretry = [\"15 minuts\"]\n";
    let site = directory(&[("grange.toml", main), ("hops", "a.example smtp!b\n\nc.example smpt!d\n")]);
    assert_eq!(
        load(&site).unwrap_err(),
        [
            "grange.toml:2:1: unknown key \"relay-network\" in [smtpserver]; did you mean \"relay-networks\"?",
            "grange.toml:6:10: retry[0] = \"15 minuts\" is not a duration; write 15m",
            "hops:3: \"smpt\" is not a configured channel; channels are smtp, mailbox, hold, error",
        ]
    );
}

#[test]
fn inline_routes_are_checked_with_their_places() {
    let text =
        "[router.routes]\n\"A.example\" = \"smtp!a\"\n\"a.example\" = \"smtp!b\"\n\".\" = \"smpt!d\"\n";
    let found = wrong(text);
    assert_eq!(
        found,
        [
            "grange: /etc/grange/grange.toml:3:1: \"a.example\" is already in /etc/grange/grange.toml:2; keep one of them",
            "grange: /etc/grange/grange.toml:4:7: \"smpt\" is not a configured channel; channels are smtp, mailbox, hold, error",
        ]
    );
}

#[test]
fn what_is_shown_reads_back_as_itself() {
    let text = r#"
hostname = "a.example"
local-domains = []
journal = "/var/log/\"odd\""
[smtpserver]
listen = ["*:0", "unix:lmtp"]
data-timeout = "1500ms"
[spool]
commit-delay = 0
[router]
routes = { "." = "smtp!r", ".x" = "error!5.7.1 \"no\"" }
[[channel.smtp.host]]
match = ["*"]
messages-per-session = 1
"#;
    let config = parse(text).unwrap();
    for all in [false, true] {
        let shown = config.show(all);
        assert_eq!(parse(&shown).as_ref(), Ok(&config), "{shown}");
    }
    let short = config.show(false);
    assert!(short.lines().count() < 30 && !short.contains("recipients"), "{short}");
    let file = parse("[router]\nroutes = \"r\"\naliases = \"/x/a\"").unwrap();
    assert_eq!(parse(&file.show(false)).as_ref(), Ok(&file));
}

/// Section, name and default of every parameter, as `show` prints them.
fn rows() -> Vec<(String, String, String)> {
    let shown = parse("hostname = \"mail.example.org\"\n").unwrap().show(true);
    let mut section = String::new();
    let mut rows = Vec::new();
    for line in shown.lines() {
        if let Some((name, value)) = line.split_once(" = ") {
            rows.push((section.clone(), name.to_owned(), value.to_owned()));
        } else if !line.is_empty() {
            section = line.to_owned();
        }
    }
    let host = registry::HOST.iter().map(|row| row.name.to_owned());
    rows.extend(host.map(|name| ("[[channel.smtp.host]]".to_owned(), name, String::new())));
    rows
}

/// What differs from site to site, so that no default is told.
const SITE: [&str; 9] =
    ["hostname", "local-domains", "aliases", "routes", "listen", "users", "senders", "access", "policy"];

fn shipped(name: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..").join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn every_parameter_is_in_the_commented_file_with_its_default() {
    let file = shipped("etc/grange.toml");
    let mut section = "";
    let mut said = Vec::new();
    for line in file.lines() {
        let line = line.strip_prefix('#').unwrap_or(line);
        if line.starts_with('[') {
            section = line;
        } else if let Some((name, value)) = line.split_once(" = ") {
            said.push((
                section.to_owned(),
                name.to_owned(),
                value.split("  #").next().unwrap_or_default().trim().to_owned(),
            ));
        }
    }
    for (section, name, default) in rows() {
        let found = said.iter().find(|row| row.0 == section && row.1 == name);
        let found = found.unwrap_or_else(|| panic!("{section} {name} is not in etc/grange.toml"));
        let site = SITE.contains(&name.as_str());
        assert!(
            default.is_empty() || site || found.2 == default,
            "{section} {name}: {} is not {default}",
            found.2
        );
    }
}

#[test]
fn the_commented_file_is_accepted_with_and_without_its_comments() {
    let file = shipped("etc/grange.toml");
    parse(&file).unwrap();
    let open = |line: &str| {
        line.strip_prefix('#').filter(|l| l.contains(" = ") && !l.starts_with(' ')).map(str::to_owned)
    };
    let head = |line: &str| line.strip_prefix('#').filter(|l| l.starts_with('[')).map(str::to_owned);
    let all: Vec<String> = file
        .lines()
        .map(|line| open(line).or_else(|| head(line)).unwrap_or_else(|| line.to_owned()))
        .collect();
    // With all of it there are accounts, and so a certificate.
    parse(&all.join("\n").replace("certificates = []", "certificates = [\"both.pem\"]")).unwrap();
}

/// The page without its markup: one line per item, `section name: text`.
fn items(page: &str) -> Vec<String> {
    let mut section = String::new();
    let mut items: Vec<String> = Vec::new();
    for line in page.lines() {
        if let Some(title) = line.strip_prefix(".Ss ") {
            section = title.trim_end_matches("\\&").to_owned();
        } else if let Some(name) = line.strip_prefix(".It Ic ") {
            items.push(format!("{section} {name}:"));
        } else if let Some(item) = items.last_mut() {
            item.push(' ');
            item.push_str(&line.trim_start_matches(".Li ").replace("\\(dq", "\""));
        }
    }
    items
}

#[test]
fn every_parameter_is_in_the_manual_page() {
    fn check<T>(items: &[String], section: &str, rows: &[Parameter<T>]) {
        for row in rows {
            let head = format!("{section} {}:", row.name);
            let item = items.iter().find(|item| item.starts_with(&head));
            let item = item.unwrap_or_else(|| panic!("{head} is not in the page"));
            assert!(item.contains(row.doc), "{head} is not told as {}", row.doc);
            assert_eq!(item.contains("takes a restart"), !row.reload, "{head}");
            let bounds = match row.kind {
                Kind::Count(least, most) => format!("A number, {least} to {most}."),
                Kind::Duration(least, most) => {
                    format!("A duration, {} to {}.", print_duration(least), print_duration(most))
                }
                Kind::Size(least, most) => format!("A size, {} to {}.", print_size(least), print_size(most)),
                _ => continue,
            };
            assert!(item.contains(&bounds), "{head} does not say {bounds}");
        }
    }
    let items = items(&shipped("man/grange.toml.5"));
    check(&items, "Above the first section", registry::COMMON);
    check(&items, "[spool]", registry::SPOOL);
    check(&items, "[smtpserver]", registry::SMTPSERVER);
    check(&items, "[router]", registry::ROUTER);
    check(&items, "[scheduler]", registry::SCHEDULER);
    check(&items, "[dns]", registry::DNS);
    check(&items, "[auth]", registry::AUTH);
    check(&items, "[tls]", registry::TLS);
    check(&items, "[admission]", registry::ADMISSION);
    check(&items, "[channel.NAME]", registry::CHANNEL);
    check(&items, "[[channel.NAME.host]]", registry::HOST);
    for (section, name, default) in rows() {
        let site = SITE.contains(&name.as_str());
        let item = items.iter().find(|item| item.starts_with(&format!("{section} {name}:")));
        if let (Some(item), false, false) = (item, site, default.is_empty()) {
            assert!(item.contains(&format!("Default: {default} .")), "{item}: not {default}");
        }
    }
}

#[test]
fn the_shipped_tables_are_accepted_with_and_without_their_comments() {
    use crate::tables::{AccessTable, Aliases, PolicyTable, RouteTable};
    for open in [false, true] {
        let bare = |line: &str| match line.strip_prefix('#') {
            Some(example) if open && !example.starts_with(' ') => example.to_owned(),
            _ => line.to_owned(),
        };
        let text = |name: &str| shipped(name).lines().map(bare).collect::<Vec<_>>().join("\n");
        let (_, problems) = Aliases::parse(text("etc/aliases").as_bytes(), Path::new("aliases"));
        assert_eq!(problems, []);
        let (table, problems) =
            RouteTable::parse(text("etc/routes").as_bytes(), Path::new("routes"), &CHANNELS);
        assert_eq!(problems, []);
        assert_eq!(table.get(".").is_some(), open);
        let (table, problems) = AccessTable::parse(text("etc/access").as_bytes(), Path::new("access"));
        assert_eq!(problems, []);
        assert_eq!(table.has_names(), open);
        let (table, problems) = PolicyTable::parse(text("etc/policy").as_bytes(), Path::new("policy"));
        assert_eq!(problems, []);
        assert_eq!(table.rules.len() > 8, open);
    }
}

#[test]
fn what_a_reload_cannot_change_is_named() {
    let one = parse("").unwrap();
    let two = parse("user = \"mail\"\n[smtpserver]\nlisten = []\nworkers = 9\n").unwrap();
    assert_eq!(one.needs_restart(&two), ["user", "[smtpserver] listen"]);
    assert_eq!(one.needs_restart(&one), [""; 0]);
}

#[test]
fn a_backend_is_one_of_three_and_says_where_the_spool_is() {
    let plain = parse("").unwrap();
    assert_eq!((plain.common.spool.backend, plain.warning()), (Backend::Segments, None));
    let memory = parse("[spool]\nbackend = \"memory\"\n").unwrap();
    assert_ne!(memory.common.paths.spool, plain.common.paths.spool);
    assert!(memory.warning().unwrap().starts_with("[spool] backend = \"memory\": "));
    assert_eq!(plain.needs_restart(&memory), ["[spool] backend"]);
    let wrong = parse("[spool]\nbackend = \"disk\"\n").unwrap_err();
    let why = "backend = \"disk\" is no backend; write \"segments\", \"memory\" or \"null\"";
    assert!(matches!(&wrong[..], [only] if only.ends_with(why)), "{wrong:?}");
}

#[test]
fn every_row_is_a_sentence_and_fits_its_type() {
    fn check<T>(rows: &[Parameter<T>], typed: &mut T) {
        for row in rows {
            assert!(row.doc.ends_with('.') && row.doc.len() > 10, "{}", row.name);
            if let (
                Field::Number(number),
                Kind::Count(least, most) | Kind::Duration(least, most) | Kind::Size(least, most),
            ) = ((row.field)(typed), row.kind)
            {
                assert!((least..=most).contains(&number.get()), "the default of {}", row.name);
                number.set(most);
                assert_eq!(number.get(), most, "{} cannot hold its largest value", row.name);
            }
        }
    }
    let mut config = parse("").unwrap();
    check(registry::COMMON, &mut config.common);
    check(registry::SPOOL, &mut config.common.spool);
    check(registry::SMTPSERVER, &mut config.smtpserver);
    check(registry::ROUTER, &mut config.router);
    check(registry::SCHEDULER, &mut config.scheduler);
    check(registry::DNS, &mut config.dns);
    check(registry::AUTH, &mut config.auth);
    check(registry::TLS, &mut config.tls);
    check(registry::ADMISSION, &mut config.admission);
    for channel in config.channels.values_mut() {
        check(registry::CHANNEL, channel);
    }
}

proptest! {
    #[test]
    fn no_text_panics(text in "[a-z0-9.=\"'\\[\\]{},#\\n é-]{0,80}") {
        let _ = parse(&text);
        let _ = parse(&format!("[smtpserver]\nlisten = {text}\n[[channel.smtp.host]]\n{text}"));
    }

    #[test]
    fn numbers_survive_show(jobs in 1u64..1_000_000, expire in 60_000u64..31_622_400_000, size in 65_536u64..1_000_000_000_000) {
        let text = format!("[scheduler]\njobs = {jobs}\nexpire = \"{expire}ms\"\n[smtpserver]\nmessage-size = {size}\n");
        let config = parse(&text).unwrap();
        prop_assert_eq!(parse(&config.show(false)), Ok(config));
    }
}

#[test]
fn who_wants_no_warnings_of_delay_writes_an_empty_list() {
    let warnings = |text: &str| parse(text).unwrap().scheduler.delay_warning;
    assert_eq!(warnings(""), [4 * 3_600_000]);
    assert_eq!(warnings("[scheduler]\ndelay-warning = []\n"), [0_u64; 0]);
    assert_eq!(warnings("[scheduler]\ndelay-warning = [\"1h\", \"1d\"]\n"), [3_600_000, 86_400_000]);
}
