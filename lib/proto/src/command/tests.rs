use super::*;
use proptest::prelude::*;

fn parse(line: &str) -> Result<Command, CommandError> {
    Command::parse(line.as_bytes())
}

fn told(line: &str) -> String {
    parse(line).unwrap_err().reply().to_string()
}

#[test]
fn case_and_white_space_do_not_matter() {
    let mail = parse("MAIL FROM:<a@example.org> SIZE=10 BODY=8BITMIME").unwrap();
    assert_eq!(parse("mail  from: <a@EXAMPLE.org>  body=8bitmime  size=10  ").unwrap(), mail);
    assert_eq!(parse("quit \t"), Ok(Command::Quit));
    assert_eq!(parse("ehlo mx.example.net extra"), Ok(Command::Ehlo("mx.example.net".to_owned())));
}

#[test]
fn a_quoted_local_part_may_hold_brackets_and_spaces() {
    let Ok(Command::Rcpt { to: ForwardPath::Mailbox(mailbox), .. }) =
        parse("RCPT TO:<\"a> SIZE=1\"@example.org>")
    else {
        panic!("not a mailbox")
    };
    assert_eq!(mailbox.user(), "a> SIZE=1");
}

#[test]
fn the_null_reverse_path_is_no_forward_path() {
    assert!(matches!(parse("MAIL FROM:<>"), Ok(Command::Mail { from: ReversePath::Null, .. })));
    assert_eq!(told("RCPT TO:<>"), "501 5.1.3 the address is empty");
    assert_eq!(parse("RCPT TO:<postMASTER>"), Ok(Command::Rcpt { to: ForwardPath::Postmaster, parameters: RcptParameters::default() }));
    assert!(parse("MAIL FROM:<postmaster>").is_err());
}

#[test]
fn a_huge_size_is_the_largest_one() {
    let Ok(Command::Mail { parameters, .. }) = parse("MAIL FROM:<> SIZE=99999999999999999999") else {
        panic!("not a MAIL")
    };
    assert_eq!(parameters.size, Some(u64::MAX));
}

#[test]
fn each_mistake_has_its_answer() {
    for (line, reply) in [
        ("EHLO", "501 5.5.4 argument missing"),
        ("HELO  ", "501 5.5.4 argument missing"),
        ("VRFY", "501 5.5.4 argument missing"),
        ("DATA now", "501 5.5.4 no argument allowed"),
        ("RSET x", "501 5.5.4 no argument allowed"),
        ("MAIL", "501 5.5.4 write FROM:<address>"),
        ("MAIL TO:<a@b>", "501 5.5.4 write FROM:<address>"),
        ("RCPT FROM:<a@b>", "501 5.5.4 write TO:<address>"),
        ("MAIL FROM:a@b", "501 5.1.7 the address must stand in angle brackets"),
        ("MAIL FROM:<a@b", "501 5.1.7 the address must stand in angle brackets"),
        ("MAIL FROM:<a@b>SIZE=1", "501 5.1.7 the address must stand in angle brackets"),
        ("MAIL FROM:<a b@c>", "501 5.1.7 octet 1 of the local part cannot stand there"),
        ("MAIL FROM:<a@b> SIZE", "501 5.5.4 bad value of SIZE"),
        ("MAIL FROM:<a@b> SIZE=-1", "501 5.5.4 bad value of SIZE"),
        ("MAIL FROM:<a@b> BODY=BINARYMIME", "501 5.5.4 bad value of BODY"),
        ("MAIL FROM:<a@b> SIZE=1 SIZE=2", "501 5.5.4 SIZE given twice"),
        ("MAIL FROM:<a@b> X-NEW=1", "555 5.5.4 unknown parameter X-NEW"),
        ("MAIL FROM:<a@b> =1", "501 5.5.4 malformed parameter"),
        ("RCPT TO:<a@b> NOTIFY=NEVER", "555 5.5.4 unknown parameter NOTIFY"),
        ("NOOP \0", "500 5.5.2 control character at octet 5"),
        ("RCPT TO:<\u{fc}@b>", "553 5.6.7 octet 0 of the local part is not ASCII"),
    ] {
        assert_eq!(told(line), reply, "{line:?}");
    }
}

#[test]
fn other_protocols_and_extensions_are_told_apart() {
    assert_eq!(parse("GET / HTTP/1.1"), Ok(Command::Foreign));
    assert_eq!(parse("STARTTLS"), Ok(Command::Unimplemented));
    assert_eq!(parse(""), Ok(Command::Unknown));
    assert_eq!(parse("MAILX FROM:<a@b>"), Ok(Command::Unknown));
    assert_eq!(Command::parse(b"\xff\xfe"), Ok(Command::Unknown));
}

proptest! {
    #[test]
    fn no_line_is_beyond_an_answer(line in prop::collection::vec(any::<u8>(), 0..60), verb in "(MAIL FROM:|RCPT TO:|EHLO )?") {
        if let Err(error) = Command::parse(&[verb.as_bytes(), &line].concat()) {
            prop_assert_eq!(error.reply().class(), 5);
        }
    }
}
