//! Runs every script of `tests/dialogues/` against the pure session, once with the client's octets in one piece, once
//! octet by octet. The same scripts can be run against a real server.
//!
//! # The form of a script
//! One item per line; an empty line and one that begins with `#` mean nothing.
//!
//! | line | meaning |
//! |---|---|
//! | `limit NAME N` | before anything else: a limit that differs from its default; the names are those of `Limits` |
//! | `session WORD...` | before anything else: the session is not that of a stranger at port 25. `lmtp`, `submission`: the listener; `relay`, `vrfy`, `expn`, `etrn`, `xclient`: what the client may do; `starttls`, `tls`, `require-tls`, `auth`, `auth-under-tls`: what is offered, is there and is asked for |
//! | `C: TEXT` | the client sends the text and CRLF; lines in a row are sent together |
//! | `C\| TEXT` | the client sends the text without CRLF; `\r`, `\n`, `\0`, `\\`, `\s` (space) and `\xHH` stand for octets |
//! | `C* N TEXT` | the client sends the text (with escapes, without CRLF) N times |
//! | `S: PATTERN` | the server sends a reply; its lines are joined by ` / `, `*` stands for anything |
//! | `ask ADDRESS -> accept`, `refuse`, `defer`, `relay` | before the reply to RCPT, the session asks about that recipient |
//! | `commit FROM RCPTS OCTETS` | before the reply to the end of data, a message is committed: reverse-path, number of recipients, size of the content as the client sent it |
//! | `content TEXT` | the content of the last message committed, with escapes |
//! | `secured` | the handshake of STARTTLS is done |
//! | `verify TEXT`, `expand TEXT`, `etrn TEXT`, `xclient TEXT`, `xforward TEXT` | the session asks for that |
//! | `wait N` | N seconds pass in silence |
//! | `closed` | the server closes the connection |
//!
//! The greeting is a reply like any other. The answers to `ask` are those of a host that is called `mail.example.org`,
//! has `example.org` as its only local domain, and relays for nobody: at `example.org`, `nosuch` is refused with `550`,
//! `later` is put off with `451`, everybody else is accepted; another domain is refused with `554`; `Postmaster` is accepted.
//! A real server is configured so, skips scripts with `wait`, and does not look at `ask`.

#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "test code")]

mod driver;

use driver::{Driver, Item};

#[test]
fn every_dialogue_runs_as_written() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/dialogues");
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "smtp") {
            continue;
        }
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let items = Item::parse(&std::fs::read_to_string(&path).unwrap());
        for size in [usize::MAX, 1] {
            Driver::new(&name, &items, size).run(&items);
        }
        count += 1;
    }
    assert!(count >= 25, "only {count} dialogues found");
}

#[test]
#[should_panic(expected = "line 3: expected \"250 *\", came \"221")]
fn a_wrong_reply_is_noticed() {
    let items = Item::parse("S: 220 *\nC: QUIT\nS: 250 *");
    Driver::new("wrong", &items, 1).run(&items);
}

#[test]
#[should_panic(expected = "not expected")]
fn a_surplus_reply_is_noticed() {
    let items = Item::parse("S: 220 *\nC: QUIT");
    Driver::new("surplus", &items, 1).run(&items);
}
