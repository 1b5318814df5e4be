//! Every cell of the table in `states.rs`.

use super::super::*;
use super::shell::{Shell, everything};
use crate::limits::Limits;
use crate::reply::Reply;
use crate::status::Status;

fn cells(line: &str) -> Option<Vec<String>> {
    let row = line.strip_prefix("//! |").filter(|row| !row.starts_with('-'))?;
    Some(row.trim_end_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect())
}

fn line_of(verb: &str) -> &'static str {
    match verb {
        "EHLO" => "EHLO mx.example.net\r\n",
        "HELO" => "HELO mx.example.net\r\n",
        "LHLO" => "LHLO mx.example.net\r\n",
        "MAIL" => "MAIL FROM:<news@example.net>\r\n",
        "RCPT" => "RCPT TO:<ann@example.org>\r\n",
        "RCPT-refused" => "RCPT TO:<nosuch@example.org>\r\n",
        "DATA" => "DATA\r\n",
        "BDAT" => "BDAT 3\r\na\r\n",
        "BDAT-last" => "BDAT 3 LAST\r\na\r\n",
        "RSET" => "RSET\r\n",
        "NOOP" => "NOOP\r\n",
        "VRFY" => "VRFY ann\r\n",
        "EXPN" => "EXPN list\r\n",
        "ETRN" => "ETRN example.net\r\n",
        "HELP" => "HELP\r\n",
        "AUTH" => "AUTH PLAIN AGFubgBzZWNyZXQ=\r\n",
        "AUTH-begin" => "AUTH PLAIN\r\n",
        "STARTTLS" => "STARTTLS\r\n",
        "XCLIENT" => "XCLIENT ADDR=192.0.2.1\r\n",
        "XFORWARD" => "XFORWARD ADDR=192.0.2.1\r\n",
        "QUIT" => "QUIT\r\n",
        "SEND" => "SEND FROM:<a@b>\r\n",
        "GET" => "GET / HTTP/1.1\r\n",
        "XYZZY" => "XYZZY\r\n",
        other => panic!("{other} is no row"),
    }
}

fn bring_to(state: &str) -> Shell {
    let refusal = Reply::new(554, Status::permanent(7, 1), "not you").into();
    let standing = Standing { refusal: (state == "unwelcome").then_some(refusal), ..everything() };
    let mut shell = Shell::new(Limits::default(), standing);
    let verbs: &[&str] = match state {
        "connected" | "unwelcome" => &[],
        "identified" => &["EHLO"],
        "authenticating" => &["EHLO", "AUTH-begin"],
        "transacting" => &["EHLO", "MAIL"],
        "with-recipient" => &["EHLO", "MAIL", "RCPT"],
        "between" => &["EHLO", "MAIL", "RCPT", "BDAT"],
        other => panic!("{other} is no column"),
    };
    verbs.iter().for_each(|verb| shell.receive(line_of(verb).as_bytes()));
    assert_eq!(state_of(&shell), state);
    shell
}

/// The state as a client would find it out.
fn state_of(shell: &Shell) -> &'static str {
    use super::super::states::State;
    match &shell.session.state {
        State::Closing(_) => "closing",
        State::Connected => "connected",
        State::Unwelcome => "unwelcome",
        State::Identified(_) => "identified",
        State::Authenticating(_) => "authenticating",
        State::Transacting(state) if state.transaction.recipients.is_empty() => "transacting",
        State::Transacting(_) => "with-recipient",
        State::Between(_) => "between",
        State::Receiving(_) => "receiving",
        _ => "waiting",
    }
}

#[test]
fn every_cell_of_the_table_holds() {
    let mut rows = include_str!("../states.rs").lines().filter_map(cells);
    let states = rows.next().unwrap();
    let (mut executed, mut wrong) = (0, Vec::new());
    for row in rows {
        for (state, cell) in states.iter().zip(&row).skip(1) {
            let (code, next) = cell.split_once(' ').unwrap_or((cell, state));
            let mut shell = bring_to(state);
            shell.receive(line_of(&row[0]).as_bytes());
            if (shell.code(), state_of(&shell)) != (code, next) {
                wrong.push(format!("{} in {state}: {} {}", row[0], shell.code(), state_of(&shell)));
            }
            executed += 1;
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert_eq!(executed, 24 * 7);
}
