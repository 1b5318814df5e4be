use super::*;
use proptest::prelude::*;

fn mailbox(text: &str) -> Mailbox {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn fault(text: &str) -> MailboxError {
    text.parse::<Mailbox>().unwrap_err()
}

#[test]
fn every_form_of_a_local_part_is_read() {
    for text in [
        "ann@example.org",
        "a.b.c@example.org",
        "a+b!#$%&'*/=?^_`{|}~-@example.org",
        "\"a b\"@example.org",
        "\"\"@example.org",
        "\"a@b\"@example.org",
        "\"a\\\"b\\\\c\"@example.org",
        "ann@[192.0.2.1]",
        "ann@[IPv6:2001:db8::1]",
        "ann@xn--bcher-kva.example",
        "ann@my_host.internal",
        "ann@localhost",
    ] {
        assert_eq!(mailbox(text).to_string(), text);
    }
}

#[test]
fn needless_quotes_and_the_case_of_the_domain_make_no_difference() {
    assert_eq!(mailbox("\"ann\"@Example.ORG"), mailbox("ann@example.org"));
    assert_eq!(mailbox("\"\\a\\n\\n\"@example.org"), mailbox("ann@example.org"));
    assert_ne!(mailbox("Ann@example.org"), mailbox("ann@example.org"));
    assert_eq!(mailbox("\"a\\ b\"@example.org").to_string(), "\"a b\"@example.org");
    assert_eq!(mailbox("\"a\\ b\"@example.org").user(), "a b");
    assert_eq!(mailbox("\"a..b\"@example.org").local_part(), "\"a..b\"");
}

#[test]
fn the_place_of_the_fault_is_named() {
    use LocalPartError as Local;
    let domain = |at, source| MailboxError::Domain { at, source };
    for (text, expected) in [
        ("@example.org", Local::Empty.into()),
        ("ann", MailboxError::NoDomain),
        ("a b@example.org", Local::Octet { at: 1 }.into()),
        (".a@example.org", Local::Octet { at: 0 }.into()),
        ("a..b@example.org", Local::Octet { at: 2 }.into()),
        ("a.@example.org", Local::Octet { at: 1 }.into()),
        ("a\r\n@example.org", Local::Octet { at: 1 }.into()),
        ("\u{fc}@example.org", Local::NonAscii { at: 0 }.into()),
        ("\"ab", Local::Unclosed.into()),
        ("\"a\0\"@example.org", Local::Octet { at: 2 }.into()),
        ("\"a\"b@example.org", MailboxError::Octet { at: 3 }),
        ("a@", domain(2, DomainError::Empty)),
        ("a@b@c", domain(2, DomainError::Octet { at: 1 })),
        ("a@b..c", domain(2, DomainError::Label { at: 2 })),
        ("a@b.", domain(2, DomainError::Label { at: 2 })),
        ("a@-b.c", domain(2, DomainError::Octet { at: 0 })),
        ("a@b.c-", domain(2, DomainError::Octet { at: 3 })),
        ("a@b c", domain(2, DomainError::Octet { at: 1 })),
        ("a@b\u{fc}cher.example", domain(2, DomainError::NonAscii { at: 1 })),
    ] {
        assert_eq!(fault(text), expected, "{text:?}");
    }
}

#[test]
fn bad_address_literals_are_refused() {
    for text in [
        "[]",
        "[192.0.2]",
        "[192.0.2.256]",
        "[192.0.2.01]",
        "[192.0.2.1",
        "192.0.2.1]",
        "[::1]",
        "[IPv6:]",
        "[IPv6:1::2::3]",
        "[IPv6:192.0.2.1]",
        "[IPv6:fe80::1%eth0]",
        "[IPv4:192.0.2.1]",
        "[x-tag:what]",
        "[192.0.2.1].org",
    ] {
        assert!(text.parse::<Domain>().is_err(), "{text}");
    }
    assert_eq!("[ipv6:2001:DB8::1]".parse::<Domain>().unwrap().to_string(), "[IPv6:2001:db8::1]");
}

#[test]
fn lengths_are_limited() {
    let long = |n: usize| "a".repeat(n);
    assert_eq!(mailbox(&format!("{}@b", long(64))).local_part().len(), 64);
    assert_eq!(fault(&format!("{}@b", long(65))), LocalPartError::TooLong { length: 65 }.into());
    let labels = [long(63), long(63), long(63), long(63)].join(".");
    assert!(labels.parse::<Domain>().is_ok());
    assert_eq!(format!("{labels}.a").parse::<Domain>(), Err(DomainError::TooLong { length: 257 }));
    assert_eq!(long(64).parse::<Domain>(), Err(DomainError::Label { at: 0 }));
    assert_eq!(fault(&format!("a@{labels}")), MailboxError::TooLong { length: 257 });
}

#[test]
fn a_mailbox_is_joined_from_its_parts() {
    let domain: Domain = "example.org".parse().unwrap();
    assert_eq!(Mailbox::new("ann", domain.clone()), Ok(mailbox("ann@example.org")));
    assert_eq!(Mailbox::new("a@b", domain), Err(LocalPartError::Octet { at: 1 }.into()));
}

#[test]
fn people_may_write_unicode_domains() {
    let found = Mailbox::from_unicode("ann@B\u{fc}cher.example").unwrap();
    assert_eq!(found, mailbox("ann@xn--bcher-kva.example"));
    assert_eq!(Domain::from_unicode("b\u{200f}.example"), Err(DomainError::Idna));
    assert!(Mailbox::from_unicode("\u{fc}@example.org").is_err());
}

#[test]
fn paths_drop_their_source_route() {
    let ann = ForwardPath::Mailbox(mailbox("ann@example.org"));
    for text in
        ["<ann@example.org>", "<@a.example,@b.example:ann@example.org>", "<@[IPv6:::1]:ann@example.org>"]
    {
        assert_eq!(text.parse(), Ok(ann.clone()), "{text}");
    }
    assert_eq!(
        "<@a.example:ann@example.org>".parse::<ReversePath>().unwrap().to_string(),
        "<ann@example.org>"
    );
    for (text, at) in [
        ("<@a.example>", 1),
        ("<@a.example,ann@example.org>", 12),
        ("<@:ann@example.org>", 1),
        ("<@a b:ann@example.org>", 1),
    ] {
        assert_eq!(text.parse::<ForwardPath>(), Err(PathError::Route { at }), "{text}");
    }
}

#[test]
fn special_paths_are_recognised() {
    assert_eq!("<>".parse(), Ok(ReversePath::Null));
    assert_eq!("<>".parse::<ForwardPath>(), Err(PathError::Null));
    assert_eq!("<POSTmaster>".parse(), Ok(ForwardPath::Postmaster));
    assert_eq!(ForwardPath::Postmaster.to_string(), "<Postmaster>");
    for text in ["", "<", "ann@example.org", "<ann@example.org", "ann@example.org>"] {
        assert_eq!(text.parse::<ReversePath>(), Err(PathError::Brackets), "{text}");
    }
    let long = format!("<@{}:a@b>", "a.".repeat(130));
    assert_eq!(long.parse::<ReversePath>(), Err(PathError::TooLong { length: long.len() }));
}

proptest! {
    #[test]
    fn printing_then_parsing_is_the_identity(local in "[a-z.\" \\\\@]{0,10}", name in "[a-z0-9]{1,5}(\\.[A-Z]{1,3})?") {
        let quoted: String = local.chars().flat_map(|c| ['\\', c]).collect();
        let first = mailbox(&format!("\"{quoted}\"@{name}"));
        prop_assert_eq!(first.user(), local);
        prop_assert_eq!(&mailbox(&first.to_string()), &first);
        let path = format!("<{first}>");
        let argument = format!("{path} SIZE=1>");
        prop_assert_eq!(split_path(&argument), Ok((path.as_str(), " SIZE=1>")));
        prop_assert_eq!(path.parse(), Ok(ReversePath::Mailbox(first)));
    }

    #[test]
    fn what_is_accepted_is_printable_and_short(text in "<?[ -~\u{0}-\u{ff}]{0,40}@?[ -~]{0,20}>?") {
        if let Ok(path) = text.parse::<ForwardPath>() {
            let printed = path.to_string();
            prop_assert!(printed.len() <= 256 && printed.bytes().all(|c| (b' '..=b'~').contains(&c)));
            prop_assert_eq!(printed.parse(), Ok(path));
        }
    }
}
