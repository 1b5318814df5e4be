//! The dialogue against a server that speaks from a script.

use super::*;
use proto::address::ReversePath;
use proto::message::shape_of;
use std::io::{BufRead, BufReader};

/// Answers each command by its first word and, for RCPT, by the recipient; returns what was said.
fn server(
    stream: UnixStream,
    answer: impl Fn(&str) -> String + Send + 'static,
) -> std::thread::JoinHandle<String> {
    std::thread::spawn(move || {
        let mut said = String::new();
        let mut out = stream.try_clone().unwrap();
        out.write_all(b"220 here\r\n").unwrap();
        let mut in_content = false;
        for line in BufReader::new(stream).lines() {
            let line = line.unwrap();
            said.push_str(&line);
            said.push('\n');
            let reply = match (in_content, line.as_str()) {
                (true, ".") => {
                    in_content = false;
                    "250 2.0.0 ID accepted".to_owned()
                }
                (true, _) => continue,
                (false, "DATA") => {
                    let reply = answer("DATA");
                    in_content = reply.starts_with("354");
                    reply
                }
                (false, command) if command.starts_with("EHLO") => {
                    "250-here\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SIZE 100000000".to_owned()
                }
                (false, command) => answer(command),
            };
            if out.write_all(format!("{reply}\r\n").as_bytes()).is_err() {
                break;
            }
        }
        said
    })
}

fn run(
    recipients: &[&str],
    content: &[u8],
    answer: impl Fn(&str) -> String + Send + 'static,
) -> (Vec<Disposition>, String) {
    let (here, there) = UnixStream::pair().unwrap();
    let server = server(there, answer);
    let recipients = recipients.iter().map(|r| r.parse().unwrap()).collect();
    let transaction = Transaction::plain(ReversePath::Null, recipients, shape_of(content));
    let dispositions = submit(here, "h.example", transaction, content).unwrap();
    (dispositions, server.join().unwrap())
}

fn usual(command: &str) -> String {
    match command.split(' ').next().unwrap() {
        "DATA" => "354 go on".into(),
        "QUIT" => "221 2.0.0 bye".into(),
        _ => "250 2.0.0 ok".into(),
    }
}

#[test]
fn a_message_is_stuffed_and_accepted() {
    let (dispositions, said) = run(&["a@x.example"], "A: b\r\n\r\n.dot\r\n\u{e9}\r\n".as_bytes(), usual);
    assert_eq!(dispositions[0].outcome, Outcome::Delivered);
    assert!(said.contains("BODY=8BITMIME"), "{said}");
    assert!(said.contains("DATA\nA: b\n\n..dot\n\u{e9}\n.\nQUIT\n"), "{said}");
}

#[test]
fn who_is_refused_does_not_stop_the_others() {
    let (dispositions, said) = run(&["a@x.example", "b@x.example"], b"\r\nx\r\n", |command| match command {
        "RCPT TO:<a@x.example>" => "550 5.1.1 no such user".into(),
        _ => usual(command),
    });
    assert_eq!(dispositions[0].status, Status::permanent(1, 1));
    assert_eq!(dispositions[1].outcome, Outcome::Delivered);
    assert!(said.contains("\n.\n"), "{said}");
}

#[test]
fn nothing_is_sent_when_everybody_is_refused() {
    let (dispositions, said) = run(&["a@x.example"], b"\r\nsecret\r\n", |command| match command {
        "DATA" => "503 5.5.1 no recipients".into(),
        _ if command.starts_with("RCPT") => "550 5.1.1 no such user".into(),
        _ => usual(command),
    });
    assert_eq!(dispositions[0].status, Status::permanent(1, 1));
    assert!(!said.contains("secret"), "{said}");
}

#[test]
fn those_who_were_too_many_get_a_transaction_of_their_own() {
    let seen = std::sync::Mutex::new(0);
    let (dispositions, said) =
        run(&["a@x.example", "b@x.example", "c@x.example"], b"\r\nx\r\n", move |command| {
            let mut seen = seen.lock().unwrap();
            if command.starts_with("MAIL") {
                *seen = 0;
            }
            *seen += usize::from(command.starts_with("RCPT"));
            if *seen > 2 && command.starts_with("RCPT") {
                "452 4.5.3 too many".into()
            } else {
                usual(command)
            }
        });
    assert!(dispositions.iter().all(|d| d.outcome == Outcome::Delivered), "{dispositions:?}");
    assert_eq!(said.matches("MAIL FROM").count(), 2, "{said}");
}

#[test]
fn a_server_that_goes_away_defers_everybody() {
    let (here, there) = UnixStream::pair().unwrap();
    drop(there);
    let recipients = vec!["a@x.example".parse().unwrap()];
    let transaction = Transaction::plain(ReversePath::Null, recipients, shape_of(b""));
    let dispositions = submit(here, "h.example", transaction, b"").unwrap();
    assert!(matches!(dispositions[0].outcome, Outcome::Deferred | Outcome::HostDeferred));
}

#[test]
fn ten_thousand_recipients_do_not_lock_up() {
    let recipients: Vec<String> = (0..10_000).map(|n| format!("user{n}@long.domain.example")).collect();
    let recipients: Vec<&str> = recipients.iter().map(String::as_str).collect();
    let (dispositions, _) = run(&recipients, b"\r\nx\r\n", usual);
    assert!(dispositions.iter().all(|d| d.outcome == Outcome::Delivered));
}
