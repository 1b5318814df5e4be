use super::*;
use crate::terms::{BodyKind, ByMode, Notify, Ret};
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
    assert_eq!(
        parse("RCPT TO:<postMASTER>"),
        Ok(Command::Rcpt { to: ForwardPath::Postmaster, parameters: RcptParameters::default() })
    );
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
        ("MAIL FROM:<a@b> BODY=9BIT", "501 5.5.4 bad value of BODY"),
        ("MAIL FROM:<a@b> RET=HALF", "501 5.5.4 bad value of RET"),
        ("MAIL FROM:<a@b> SMTPUTF8=1", "501 5.5.4 bad value of SMTPUTF8"),
        ("MAIL FROM:<a@b> SMTPUTF8 SMTPUTF8", "501 5.5.4 SMTPUTF8 given twice"),
        ("MAIL FROM:<a@b> REQUIRETLS=yes", "501 5.5.4 bad value of REQUIRETLS"),
        ("MAIL FROM:<a@b> NOTIFY=NEVER", "555 5.5.4 unknown parameter NOTIFY"),
        ("MAIL FROM:<a@b> HOLDFOR=9 HOLDUNTIL=2030-01-01T00:00:00Z", "501 5.5.4 HOLDUNTIL given twice"),
        ("MAIL FROM:<a@b> SIZE=1 SIZE=2", "501 5.5.4 SIZE given twice"),
        ("MAIL FROM:<a@b> X-NEW=1", "555 5.5.4 unknown parameter X-NEW"),
        ("MAIL FROM:<a@b> =1", "501 5.5.4 malformed parameter"),
        ("RCPT TO:<a@b> SIZE=1", "555 5.5.4 unknown parameter SIZE"),
        ("RCPT TO:<a@b> NOTIFY=NEVER,DELAY", "501 5.5.4 bad value of NOTIFY"),
        ("RCPT TO:<a@b> ORCPT=rfc822", "501 5.5.4 bad value of ORCPT"),
        ("NOOP \0", "500 5.5.2 control character at octet 5"),
        (
            "RCPT TO:<a@\u{fc} b>",
            "501 5.1.3 octet 2 of the domain cannot stand there, counted from octet 2 of the mailbox",
        ),
        ("VRFY \u{fc}", "553 5.6.7 an address beyond ASCII needs SMTPUTF8"),
        ("EXPN", "501 5.5.4 argument missing"),
        ("LHLO", "501 5.5.4 argument missing"),
        ("STARTTLS now", "501 5.5.4 no argument allowed"),
        ("BDAT", "501 5.5.4 argument missing"),
        ("BDAT -1", "501 5.5.4 bad value of the chunk size"),
        ("BDAT 0x10 LAST", "501 5.5.4 bad value of the chunk size"),
        ("BDAT 99999999999999999999", "501 5.5.4 bad value of the chunk size"),
        ("BDAT 000000000000000000001", "501 5.5.4 bad value of the chunk size"),
        ("BDAT 1 FIRST", "501 5.5.4 no argument allowed"),
        ("BDAT 1 LAST 2", "501 5.5.4 no argument allowed"),
        ("ETRN", "501 5.5.4 argument missing"),
        ("ETRN a b", "501 5.5.4 no argument allowed"),
        ("ETRN -a", "501 5.5.4 bad value of ETRN"),
        ("ETRN #", "501 5.5.4 bad value of ETRN"),
        ("AUTH", "501 5.5.4 argument missing"),
        ("AUTH PLA?N", "501 5.5.4 bad value of the mechanism"),
        ("AUTH ABCDEFGHIJKLMNOPQRSTU", "501 5.5.4 bad value of the mechanism"),
        ("AUTH PLAIN AGEA=", "501 5.5.2 the initial response is not base64"),
        ("AUTH PLAIN *", "501 5.5.2 the initial response is not base64"),
        ("AUTH PLAIN = =", "501 5.5.4 no argument allowed"),
        ("XCLIENT", "501 5.5.4 argument missing"),
        ("XCLIENT ADDR", "501 5.5.4 malformed parameter"),
        ("XCLIENT =1", "501 5.5.4 malformed parameter"),
        ("XCLIENT HELO=a+0D+0Ab", "501 5.5.4 bad value of an attribute"),
        ("XFORWARD ADDR=1 addr=2", "501 5.5.4 an attribute given twice"),
    ] {
        assert_eq!(told(line), reply, "{line:?}");
    }
}

#[test]
fn other_protocols_and_extensions_are_told_apart() {
    assert_eq!(parse("GET / HTTP/1.1"), Ok(Command::Foreign));
    assert_eq!(parse("TURN"), Ok(Command::Unimplemented));
    assert_eq!(parse(""), Ok(Command::Unknown));
    assert_eq!(parse("MAILX FROM:<a@b>"), Ok(Command::Unknown));
    assert_eq!(Command::parse(b"\xff\xfe"), Ok(Command::Unknown));
}

#[test]
fn every_parameter_of_mail_is_read() {
    let line = "MAIL FROM:<a@b> SIZE=1 BODY=binarymime SMTPUTF8 RET=HDRS ENVID=QQ314+20159 AUTH=<> BY=-120;NT \
                HOLDUNTIL=2030-01-01T00:00:01+01:00 MT-PRIORITY=-9 REQUIRETLS";
    let Ok(Command::Mail { parameters, .. }) = parse(line) else { panic!("not a MAIL") };
    let expected = MailParameters {
        size: Some(1),
        body: BodyKind::BinaryMime,
        utf8: true,
        ret: Some(Ret::Headers),
        envid: Some("QQ314+20159".to_owned()),
        auth: Some("<>".to_owned()),
        by: Some(By { seconds: -120, mode: ByMode::Notify, trace: true }),
        hold: Some(Hold::Until(1_893_452_401_000)),
        priority: Some(-9),
        require_tls: true,
    };
    assert_eq!(parameters, expected);
    assert_eq!(
        parameters.keywords().collect::<Vec<_>>().join(" "),
        "BINARYMIME SMTPUTF8 RET ENVID AUTH BY MT-PRIORITY REQUIRETLS HOLDUNTIL"
    );
    assert_eq!(MailParameters { size: Some(1), ..MailParameters::default() }.keywords().count(), 0);
}

#[test]
fn every_repeated_parameter_is_refused() {
    for parameter in
        ["SIZE=1", "BODY=7BIT", "RET=FULL", "ENVID=a", "AUTH=<>", "BY=1;R", "HOLDFOR=1", "MT-PRIORITY=1"]
    {
        let keyword = parameter.split('=').next().unwrap();
        let expected = format!("501 5.5.4 {keyword} given twice");
        assert_eq!(told(&format!("MAIL FROM:<a@b> {parameter} {}", parameter.to_lowercase())), expected);
    }
    for parameter in ["NOTIFY=NEVER", "ORCPT=rfc822;a@b"] {
        let keyword = parameter.split('=').next().unwrap();
        assert_eq!(
            told(&format!("RCPT TO:<a@b> {parameter} {parameter}")),
            format!("501 5.5.4 {keyword} given twice")
        );
    }
}

#[test]
fn every_parameter_of_rcpt_is_read() {
    let Ok(Command::Rcpt { parameters, .. }) = parse("RCPT TO:<a@b> NOTIFY=success,DELAY ORCPT=rfc822;a+40B")
    else {
        panic!("not a RCPT")
    };
    let notify = Some(Notify { success: true, failure: false, delay: true });
    assert_eq!(parameters, RcptParameters { notify, orcpt: Some("rfc822;a+40B".to_owned()) });
    assert_eq!(parameters.keywords().collect::<Vec<_>>(), ["NOTIFY", "ORCPT"]);
    let Ok(Command::Rcpt { parameters, .. }) = parse("RCPT TO:<a@b> ORCPT=utf-8;j\u{fc}@b\\x{2B}") else {
        panic!("not a RCPT")
    };
    assert_eq!(parameters.orcpt.as_deref(), Some("utf-8;j\\x{FC}@b\\x{2B}"));
}

#[test]
fn values_are_held_to_their_grammar() {
    let long = |n: usize| "a".repeat(n);
    for (good, parameter) in [
        (true, "BY=999999999;R".to_owned()),
        (true, "BY=+5;rt".to_owned()),
        (true, "BY=0;N".to_owned()),
        (false, "BY=0;R".to_owned()),
        (false, "BY=-1;RT".to_owned()),
        (false, "BY=1000000000;N".to_owned()),
        (false, "BY=5".to_owned()),
        (false, "BY=5;T".to_owned()),
        (false, "BY=--5;N".to_owned()),
        (false, "BY=\u{661};N".to_owned()),
        (true, "HOLDFOR=86400".to_owned()),
        (false, "HOLDFOR=1234567890".to_owned()),
        (false, "HOLDFOR=-1".to_owned()),
        (true, "HOLDUNTIL=2030-02-28T23:59:59.5-08:00".to_owned()),
        (false, "HOLDUNTIL=2030-02-30T23:59:59Z".to_owned()),
        (false, "HOLDUNTIL=2030-02-28T23:59:59".to_owned()),
        (false, "HOLDUNTIL=2030-02-28T23:59Z".to_owned()),
        (false, "HOLDUNTIL=20300228T235959Z".to_owned()),
        (false, "HOLDUNTIL=1969-12-31T23:59:59Z".to_owned()),
        (false, "HOLDUNTIL=tomorrow".to_owned()),
        (true, "MT-PRIORITY=0".to_owned()),
        (true, "MT-PRIORITY=9".to_owned()),
        (false, "MT-PRIORITY=-0".to_owned()),
        (false, "MT-PRIORITY=+1".to_owned()),
        (false, "MT-PRIORITY=10".to_owned()),
        (true, format!("ENVID={}", long(100))),
        (false, format!("ENVID={}", long(101))),
        (false, "ENVID=".to_owned()),
        (false, "ENVID=a+0A".to_owned()),
        (false, "ENVID=+C3+BC".to_owned()),
        (true, "AUTH=e+3Dmc2@example.com".to_owned()),
        (false, "AUTH=a=b".to_owned()),
        (false, "AUTH=ann".to_owned()),
        (false, "AUTH=<ann@example.com>".to_owned()),
        (true, "AUTH=+3C+3E".to_owned()),
    ] {
        assert_eq!(parse(&format!("MAIL FROM:<a@b> {parameter}")).is_ok(), good, "{parameter}");
    }
    for (good, parameter) in [
        (true, "NOTIFY=NEVER".to_owned()),
        (false, "NOTIFY=".to_owned()),
        (false, "NOTIFY=SUCCESS,".to_owned()),
        (false, "NOTIFY=SUCCESS,NEVER".to_owned()),
        (true, format!("ORCPT=x-400;{}", long(494))),
        (false, format!("ORCPT=x-400;{}", long(495))),
        (false, "ORCPT=;a".to_owned()),
        (false, "ORCPT=rfc822;".to_owned()),
        (false, "ORCPT=rfc822;a+0Db".to_owned()),
        (false, "ORCPT=rfc822;\u{fc}".to_owned()),
        (false, "ORCPT=rfc822;+C3+BC".to_owned()),
        (false, "ORCPT=utf-8;\\x{0A}".to_owned()),
        (false, format!("ORCPT=utf-8;{}", "\u{fc}".repeat(90))),
    ] {
        assert_eq!(parse(&format!("RCPT TO:<a@b> {parameter}")).is_ok(), good, "{parameter}");
    }
}

#[test]
fn the_commands_of_extensions_are_read() {
    let auth = |initial: Option<&[u8]>| {
        Ok(Command::Auth { mechanism: "PLAIN".to_owned(), initial: initial.map(<[u8]>::to_vec) })
    };
    let pairs =
        |pairs: &[(&str, &str)]| pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
    for (line, command) in [
        ("LHLO mx.example.net", Ok(Command::Lhlo("mx.example.net".to_owned()))),
        ("BDAT 0", Ok(Command::Bdat { size: 0, last: false })),
        ("bdat 18446744073709551615 last", Ok(Command::Bdat { size: u64::MAX, last: true })),
        ("STARTTLS", Ok(Command::StartTls)),
        ("ETRN @Example.net", Ok(Command::Etrn("@Example.net".to_owned()))),
        ("ETRN #queue", Ok(Command::Etrn("#queue".to_owned()))),
        ("AUTH plain", auth(None)),
        ("AUTH PLAIN =", auth(Some(b""))),
        ("AUTH PLAIN AGEAYg==", auth(Some(b"\0a\0b"))),
        ("VRFY ann", Ok(Command::Vrfy { argument: "ann".to_owned(), utf8: false })),
        ("EXPN b\u{fc}ro SMTPutf8", Ok(Command::Expn { argument: "b\u{fc}ro".to_owned(), utf8: true })),
        ("VRFY SMTPUTF8", Ok(Command::Vrfy { argument: "SMTPUTF8".to_owned(), utf8: false })),
        (
            "XCLIENT addr=IPV6:::1 NAME=[UNAVAILABLE] LOGIN=a+20b",
            Ok(Command::Xclient(pairs(&[("ADDR", "IPV6:::1"), ("NAME", "[UNAVAILABLE]"), ("LOGIN", "a b")]))),
        ),
        ("XFORWARD SOURCE=LOCAL", Ok(Command::Xforward(pairs(&[("SOURCE", "LOCAL")])))),
        ("XPLAY TLS=", Ok(Command::Play(pairs(&[("TLS", "")])))),
        ("HELP  mail ", Ok(Command::Help("mail".to_owned()))),
    ] {
        assert_eq!(parse(line), command, "{line:?}");
    }
}

#[test]
fn an_address_in_utf8_is_read_and_other_octets_are_not() {
    let Ok(Command::Rcpt { to, .. }) = parse("RCPT TO:<j\u{fc}@b\u{fc}cher.example>") else {
        panic!("not a RCPT")
    };
    assert!(to.is_utf8());
    let error = Command::parse(b"RCPT TO:<j\xfc@example.org>").unwrap_err();
    assert_eq!(error.reply().to_string(), "501 5.5.2 octet 10 of the line is not UTF-8");
}

proptest! {
    #[test]
    fn no_line_is_beyond_an_answer(line in prop::collection::vec(any::<u8>(), 0..60), verb in "(MAIL FROM:|MAIL FROM:<> |RCPT TO:|RCPT TO:<a@b> |EHLO |AUTH |BDAT |XCLIENT )?") {
        if let Err(error) = Command::parse(&[verb.as_bytes(), &line].concat()) {
            prop_assert_eq!(error.reply().class(), 5);
        }
    }
}
