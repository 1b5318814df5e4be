//! Every rule that a refusal can name is explained to the operator.

use std::fs;
use std::path::{Path, PathBuf};
use system_tests::Grange;

fn sources(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|end| end == "rs") {
            found.push(path);
        }
    }
}

/// The words in `Cause::of("word"`, wherever the line breaks.
fn rules(text: &str) -> Vec<String> {
    let text: String = text.split_whitespace().collect();
    let starts = ["Cause::of(\"", "Cause::met(\"", "Cause::beyond(\"", "rule:\""];
    let behind = starts.iter().flat_map(|start| text.match_indices(start).map(|(at, _)| at + start.len()));
    behind.filter_map(|at| text[at..].split('"').next().map(str::to_owned)).collect()
}

#[test]
fn every_rule_of_a_refusal_is_in_the_page_of_the_journal() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let page = fs::read_to_string(root.join("man/grange-journal.5")).unwrap();
    let page = page.split(".Ss Rules").nth(1).and_then(|rest| rest.split(".Ss ").next()).unwrap();
    let words: Vec<&str> = page.split_whitespace().collect();
    let mut files = Vec::new();
    for directory in ["lib/proto/src", "smtpserver/src/worker"] {
        sources(&root.join(directory), &mut files);
    }
    let is_test = |file: &PathBuf| {
        let inner = file.strip_prefix(root).unwrap_or(file);
        inner.components().any(|part| part.as_os_str().to_string_lossy().starts_with("tests"))
    };
    files.retain(|file| !is_test(file));
    assert!(files.len() > 50);
    let mut missing: Vec<String> = files
        .iter()
        .flat_map(|file| rules(&fs::read_to_string(file).unwrap()))
        .filter(|rule| !rule.contains(['{', ':']) && !words.contains(&rule.as_str()))
        .collect();
    missing.sort();
    missing.dedup();
    assert!(missing.is_empty(), "grange-journal(5) does not explain {missing:?}");
    assert!(rules("because(Cause::of(\n\"x-y\"))").contains(&"x-y".to_owned()));
}

/// The rules of the events `refused`, in their order.
fn refused_by(journal: &str) -> Vec<String> {
    let refused = journal.lines().filter(|line| line.contains(" refused "));
    refused.filter_map(|line| line.rsplit(" rule=").next()?.split(' ').next().map(str::to_owned)).collect()
}

#[test]
fn every_refusal_of_a_session_names_the_rule_by_which_it_was() {
    let section = "[smtpserver]\nlisten = [\"127.0.0.1:0\", \"submission://127.0.0.1:0\"]\nworkers = 1\nrelay-networks = []\n\
                   message-size = \"64K\"\nrecipients = 100\n";
    let grange = Grange::start(section);
    let mut client = grange.connect();
    let mut expected = Vec::new();
    for (code, rule, command) in [
        (503, "command-order", "MAIL FROM:<a@b.example>"),
        (250, "", "EHLO client.example"),
        (500, "syntax", "FROBNICATE"),
        (501, "syntax", "MAIL FROM:you"),
        (555, "syntax", "MAIL FROM:<a@b.example> FOO=BAR"),
        (552, "message-size", "MAIL FROM:<a@b.example> SIZE=99999999"),
        (250, "", "MAIL FROM:<a@b.example>"),
        (503, "command-order", "MAIL FROM:<a@b.example>"),
        (550, "recipient", "RCPT TO:<nosuch@example.org>"),
        (554, "relay", "RCPT TO:<a@far.example>"),
        (554, "no-recipients", "DATA"),
        (250, "", "RCPT TO:<postmaster>"),
        (354, "", "DATA"),
        (550, "smuggling", "a\nb\r\n."),
        (250, "", "MAIL FROM:<a@b.example>"),
        (250, "", "RCPT TO:<postmaster>"),
        (354, "", "DATA"),
        (554, "hops", &format!("{}\r\n.", "Received: x\r\n".repeat(150))),
        (500, "command-line", &"x".repeat(10_000)),
        (421, "not-smtp", "GET / HTTP/1.1"),
    ] {
        client.expect(code, command);
        expected.extend(Some(rule.to_owned()).filter(|rule| !rule.is_empty()));
    }
    let mut user = system_tests::Client::connect(grange.ports[1]);
    user.expect(250, "EHLO client.example").expect(530, "MAIL FROM:<a@b.example>").expect(221, "QUIT");
    expected.push("auth-required".to_owned());
    grange.wait_for_line(&["closed", "why=quit"]);
    assert_eq!(refused_by(&grange.journal()), expected, "{}", grange.journal());
    grange.wait_for_line(&["closed", "why=not-smtp", "refused=13", "helo=client.example"]);
    grange.wait_for_line(&["rule=message-size value=99999999 limit=65536"]);
}
