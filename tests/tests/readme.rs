//! What the prose shows is true.

use std::path::Path;
use std::process::Command;
use system_tests::certificates::Certificate;
use system_tests::daemon::{is_root, local_user, programs};
use system_tests::{Grange, tools};

/// Parameters that name a table, which must exist.
const TABLES: [&str; 6] = ["aliases", "routes", "policy", "users", "senders", "access"];

fn page(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join(name);
    std::fs::read_to_string(path).unwrap()
}

/// The blocks of a text that are in this language.
fn fenced(text: &str, language: &str) -> Vec<String> {
    let opening = format!("```{language}\n");
    text.split(&opening).skip(1).map(|rest| rest.split("```").next().unwrap().to_owned()).collect()
}

/// The blocks of a page that are in this language.
fn blocks(name: &str, language: &str) -> Vec<String> {
    fenced(&page(name), language)
}

fn checked(text: &str) -> String {
    let grange = Grange::prepare("");
    if text.contains("mail.pem") {
        let etc = grange.root().join("etc");
        let Some(pair) = Certificate::make(&etc, "mail.example.org", "p256") else {
            return "Some(0)".to_owned();
        };
        std::fs::rename(pair.chain, etc.join("mail.pem")).unwrap();
        std::fs::rename(pair.key, etc.join("mail.key")).unwrap();
    }
    std::fs::write(grange.root().join("etc/grange.toml"), text).unwrap();
    let output = grange.grange(&["config", "check"]);
    format!(
        "{:?} {}",
        output.status.code(),
        String::from_utf8_lossy(&[output.stdout, output.stderr].concat())
    )
}

#[test]
fn the_configuration_in_the_readme_is_valid() {
    let blocks = blocks("README.md", "toml");
    assert!(!blocks.is_empty());
    for block in blocks {
        let said = checked(&block);
        assert!(said.starts_with("Some(0)"), "{said}\n{block}");
    }
}

/// What the README says below a heading, up to the next one.
fn section(heading: &str) -> String {
    let text = page("README.md");
    let rest = text.split(&format!("\n## {heading}\n")).nth(1).unwrap();
    rest.split("\n## ").next().unwrap().to_owned()
}

/// Has a shell do this, beside the configuration of an instance.
fn done(root: &Path, script: &str) -> String {
    let path = format!("{}:{}", programs().display(), std::env::var("PATH").unwrap());
    let mut shell = Command::new("sh");
    shell.args(["-ec", script]).env("PATH", path).env("GRANGE_ROOT", root).current_dir(root.join("etc"));
    let output = shell.output().unwrap();
    let told = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success(), "{script}\n{told}");
    told
}

#[test]
fn who_does_what_the_section_on_submission_says_sends_a_mail() {
    if !is_root() || ["openssl", "swaks"].iter().any(|tool| tools::find(tool).is_none()) {
        return;
    }
    let mut grange = Grange::prepare("");
    let root = grange.root().to_owned();
    let (file, user) = (root.join("etc/grange.toml"), local_user());
    let section = section("Submission with TLS and passwords")
        .replace("/etc/grange", root.join("etc").to_str().unwrap())
        .replace(" ann", &format!(" {user}"));
    let [prepare, send] = &fenced(&section, "sh")[..] else { panic!("two steps: {section}") };
    // Here is neither its group, nor its user, nor a terminal; and its ports are taken.
    let typed = format!("echo sesame | grange password --stdin {user}");
    done(
        &root,
        &prepare.replace("chgrp grange users && ", "").replace(&format!("grange password {user}"), &typed),
    );
    let text = fenced(&section, "toml").concat();
    let listen = "listen = [\"127.0.0.1:0\", \"submission://127.0.0.1:0\", \"submissions://127.0.0.1:0\"]";
    let here = text.replace("listen = [\"*:25\", \"*:587\", \"*:465\"]", listen);
    assert_ne!(here, text);
    let common = std::fs::read_to_string(&file).unwrap();
    let mailbox = common.lines().skip_while(|line| *line != "[channel.mailbox]").take(2);
    let mailbox = mailbox.collect::<Vec<_>>().join("\n");
    let journal = root.join("journal");
    std::fs::write(&file, format!("user = \"root\"\njournal = {journal:?}\n{here}\n{mailbox}\n")).unwrap();
    let lines: Vec<&str> = send.lines().filter(|line| !line.starts_with("grange start")).collect();
    let [check, swaks] = lines[..] else { panic!("{send}") };
    done(&root, check);
    grange.go();
    let port = format!(":{} --auth-password sesame", grange.ports[1]);
    let told = done(&root, &swaks.replace(":587", &port));
    assert!(told.contains("=== TLS started with cipher TLSv1.3") && told.contains("235 "), "{told}");
    grange.wait_for_mail(&user, 1);
    grange.wait_for_line(&[" accepted ", &format!("account={user}"), "tls=TLSv1.3"]);
}

#[test]
fn the_tables_in_the_readme_are_valid_and_a_mistake_in_one_would_be_found() {
    let grange = Grange::prepare("[smtpserver]\npolicy = \"policy\"\n");
    let check = || grange.grange(&["config", "check"]);
    let tables = blocks("README.md", "text");
    assert_eq!(tables.len(), 2);
    for table in &tables {
        let name = table.lines().next().unwrap().strip_prefix("# /etc/grange/").unwrap();
        std::fs::write(grange.root().join("etc").join(name), table).unwrap();
    }
    let output = check();
    assert!(output.status.success(), "{output:?}");
    for name in ["access", "policy"] {
        let file = grange.root().join("etc").join(name);
        let text = std::fs::read_to_string(&file).unwrap();
        std::fs::write(&file, text.replace("reject", "rejct")).unwrap();
        assert!(!check().status.success(), "{name}");
        std::fs::write(&file, text).unwrap();
    }
}

#[test]
fn the_commented_configuration_is_valid_with_and_without_its_comments() {
    let text = page("etc/grange.toml");
    assert!(checked(&text).starts_with("Some(0)"));
    // A commented parameter has no blank behind its mark. An include must exist, a table too.
    let shown: String = text
        .lines()
        .map(|line| line.strip_prefix('#').filter(|rest| !rest.starts_with(' ')).unwrap_or(line))
        .filter(|line| !TABLES.iter().any(|table| line.starts_with(&format!("{table} ="))))
        .map(|line| format!("{line}\n"))
        .collect();
    let said = checked(&shown);
    assert!(said.starts_with("Some(0)"), "{said}\n{shown}");
}

#[test]
fn the_commands_in_the_readme_exist() {
    let grange = Grange::prepare("");
    let shell = blocks("README.md", "sh").concat();
    let lines = shell.lines().filter_map(|line| line.strip_prefix("grange "));
    let mut count = 0;
    for line in lines {
        let words: Vec<&str> = line
            .split('#')
            .next()
            .unwrap()
            .split_whitespace()
            .filter(|word| !word.starts_with('-'))
            .collect();
        let verb = words.first().unwrap();
        let help = grange.grange(&[verb, "--help"]);
        assert!(help.status.success(), "{line}: {}", String::from_utf8_lossy(&help.stderr));
        count += 1;
    }
    assert!(count >= 5, "only {count} commands found");
}
