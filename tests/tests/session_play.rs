//! `grange session`: a session as any client, with reasons, of which nothing is kept.

use serde_json::Value;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use system_tests::daemon::{is_root, local_user};
use system_tests::{Grange, tools};

fn start() -> Grange {
    let section = "[smtpserver]\nlisten = [\"127.0.0.1:0\", \"lmtp://127.0.0.2:0\"]\nrelay-networks = [\"192.0.2.0/24\"]\npolicy = \"policy\"\netrn = \"relay\"\n";
    let mut grange = Grange::prepare(section);
    let rules = "connect client=203.0.113.0/24 reject 554 5.7.1 go away\n\
                 mail from=@b.example !account warn reject\nmail from=<> hold look\n";
    std::fs::write(grange.root().join("etc/policy"), rules).unwrap();
    grange.go();
    grange
}

fn play(grange: &Grange, arguments: &[&str], script: &str) -> Output {
    let mut child = grange
        .command("grange")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let _it_may_have_ended = child.stdin.take().unwrap().write_all(script.as_bytes());
    child.wait_with_output().unwrap()
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

#[test]
fn a_script_sees_what_the_client_would_be_told_and_why() {
    let grange = start();
    let script = format!(
        "EHLO b.example\nMAIL FROM:<bob@b.example>\nRCPT TO:<nosuch@example.org>\nRCPT TO:<a@far.example>\n\
         RCPT TO:<{}@example.org>\nDATA\nSubject: s\n\nx\n.\nFROBNICATE\n",
        local_user()
    );
    let output = play(&grange, &["session", "-t", "--client", "198.51.100.7"], &script);
    let said = text(&output);
    let file = grange.root().join("etc/policy").display().to_string();
    for expected in [
        format!(
            "*** rule=policy:2 says=\"warn reject 550 5.7.1\" value=\"from=<bob@b.example> account=-\" \
             limit=\"from=@b.example !account\" at={file}:2\n250 2.1.0 <bob@b.example> sender ok"
        ),
        "*** rule=recipient says=refuse value=<nosuch@example.org>\n550 5.1.1".to_owned(),
        "*** rule=relay says=refuse value=far.example limit=local-domains\n554 5.7.1 relaying to far.example is \
         not allowed from 198.51.100.7"
            .to_owned(),
        format!("*** rule=router says=\"mailbox!{0} for {0}\" value=<{0}@example.org>\n250 2.1.5", local_user()),
        ".\n250 2.0.0 trial: would be accepted".to_owned(),
        "*** rule=syntax says=refuse\n500 5.5.1".to_owned(),
    ] {
        assert!(said.contains(&expected), "{expected}\n---\n{said}");
    }
    assert_eq!(output.status.code(), Some(77), "something was refused for good");
}

#[test]
fn nothing_of_it_is_kept_counted_or_told() {
    let grange = start();
    let script = "EHLO x\nMAIL FROM:<>\nRCPT TO:<postmaster>\nDATA\nA: b\n\n.\nMAIL FROM:<>\nRCPT TO:<no@example.org>\n";
    let output = play(&grange, &["session", "--client", "198.51.100.7"], script);
    let said = text(&output);
    assert!(said.contains("*** rule=policy says=hold value=look\n250 2.0.0 trial"), "{said}");
    grange.wait_for_line(&["play", "as=198.51.100.7", "client=\"uid"]);
    grange.wait_for_line(&["closed", "client=\"uid", "mails=0", "refused=0"]);
    let journal = grange.journal();
    assert!(!journal.contains("accepted") && !journal.contains(" refused "), "{journal}");
    assert!(!journal.contains("client=198.51.100.7"), "{journal}");
    assert!(grange.queue().is_empty());
}

#[test]
fn with_lmtp_no_recipient_is_told_that_a_message_was_accepted() {
    let grange = start();
    let to = format!("RCPT TO:<{}@example.org>\nRCPT TO:<postmaster>\n", local_user());
    let script = format!("LHLO x\nMAIL FROM:<a@b.example>\n{to}DATA\nA: b\n\n.\n");
    let output = play(&grange, &["session", "--client", "192.0.2.1", "--listener", "127.0.0.2:0"], &script);
    let said = text(&output);
    assert_eq!(said.matches("250 2.0.0 trial: would be accepted").count(), 2, "{said}");
    assert_eq!(said.matches(" accepted\n").count(), 2, "{said}");
}

#[test]
fn no_queue_is_started_by_a_session_that_is_only_played() {
    let grange = start();
    let output = play(&grange, &["session", "--client", "192.0.2.1"], "EHLO x\nETRN b.example\n");
    assert!(text(&output).contains("\n250 2.0.0 trial: the queue would be started"), "{}", text(&output));
}

#[test]
fn a_client_that_would_not_be_greeted_is_not_and_json_gives_the_same_facts() {
    let grange = start();
    let output =
        play(&grange, &["--json", "session", "--client", "203.0.113.9", "--name", "mx.c.example"], "");
    let said = text(&output);
    let first: Value = serde_json::from_str(said.lines().next().unwrap()).unwrap();
    assert_eq!(
        (&first["code"], &first["text"][0]),
        (&Value::from(554), &Value::from("5.7.1 go away")),
        "{said}"
    );
    let reasons = first["reasons"].as_array().unwrap();
    let rule = reasons.iter().find(|reason| reason["rule"] == "policy:1").unwrap();
    assert_eq!(rule["value"], "client=203.0.113.9");
    let relay = "EHLO x\nMAIL FROM:<a@b.example>\nRCPT TO:<a@far.example>\n";
    let output = play(&grange, &["session", "--client", "192.0.2.1", "--tls", "--account", "ann"], relay);
    assert!(text(&output).contains("says=\"smtp!far.example for a@far.example\""), "{}", text(&output));
    assert!(output.status.success());
}

#[test]
fn only_root_and_the_own_user_may_play() {
    let grange = start();
    if !is_root() || tools::find("setpriv").is_none() || !Path::new("/usr/bin/python3").exists() {
        return;
    }
    let script = "import socket,sys\ns=socket.socket(socket.AF_UNIX);s.connect(sys.argv[1])\nf=s.makefile('rw')\n\
                  f.readline();f.write('XPLAY ADDR=192.0.2.1\\r\\n');f.flush();print(f.readline())\n";
    let output = Command::new("setpriv")
        .args(["--reuid=65534", "--regid=65534", "--clear-groups", "/usr/bin/python3", "-c", script])
        .arg(grange.root().join("run/submit"))
        .output()
        .unwrap();
    assert!(text(&output).starts_with("502 5.5.1"), "{}", text(&output));
    let bad = play(&grange, &["session", "--client", "192.0.2.1", "--listener", "0.0.0.0:99"], "");
    assert_eq!(bad.status.code(), Some(64), "{}", text(&bad));
}
