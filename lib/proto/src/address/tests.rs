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
        ("\u{fc}\u{85}@example.org", Local::Octet { at: 2 }.into()),
        ("a\u{202e}b@example.org", Local::Octet { at: 1 }.into()),
        ("a\u{a0}b@example.org", Local::Octet { at: 1 }.into()),
        ("\"\u{2028}\"@example.org", Local::Octet { at: 1 }.into()),
        ("\"\\\u{fc}\"@example.org", Local::Octet { at: 2 }.into()),
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
        ("a@b\u{200f}.example", domain(2, DomainError::Idna)),
        ("a@\u{ff45}xample.org", domain(2, DomainError::Idna)),
        ("a@b\u{3002}c", domain(2, DomainError::Idna)),
        ("a@\u{fc}@b", domain(2, DomainError::Octet { at: 2 })),
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

#[test]
fn mail_in_utf8_has_its_addresses() {
    for text in [
        "j\u{fc}rgen@example.org",
        "\"j\u{fc}rgen m\"@example.org",
        "\u{7528}\u{6237}@\u{4f8b}\u{5b50}.\u{5e7f}\u{544a}",
        "ann@b\u{fc}cher.example",
    ] {
        assert_eq!(mailbox(text).to_string(), text);
        assert!(mailbox(text).is_utf8());
    }
    assert!(!mailbox("ann@xn--bcher-kva.example").is_utf8());
    assert_eq!(mailbox("ann@B\u{dc}CHER.Example").to_string(), "ann@b\u{fc}cher.example");
}

#[test]
fn u_labels_and_a_labels_are_equal() {
    use std::collections::HashSet;
    let (one, two) = (mailbox("ann@b\u{fc}cher.example"), mailbox("ann@XN--Bcher-KVA.example"));
    assert_eq!(one, two);
    assert_eq!(one.cmp(&two), std::cmp::Ordering::Equal);
    assert_eq!(HashSet::from([one.clone(), two.clone()]).len(), 1);
    assert_eq!(one.domain().canonical(), "xn--bcher-kva.example");
    assert_eq!(two.domain().canonical(), "xn--bcher-kva.example");
    assert_eq!(one.to_ascii().unwrap().to_string(), "ann@xn--bcher-kva.example");
    assert_eq!(mailbox("\u{fc}@b").to_ascii(), None);
}

#[test]
fn local_parts_are_compared_in_the_normal_form() {
    let (composed, decomposed) = (mailbox("j\u{fc}@example.org"), mailbox("ju\u{308}@example.org"));
    assert_eq!(composed, decomposed);
    assert_eq!(composed.user(), decomposed.user());
    assert_eq!(decomposed.local_part(), "ju\u{308}");
    assert_ne!(composed, mailbox("ju@example.org"));
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
            prop_assert!(printed.len() <= 256 && !printed.contains(char::is_control));
            prop_assert_eq!(printed.parse(), Ok(path));
        }
    }

    #[test]
    fn an_address_in_utf8_ends_where_it_should(local in "\\PC{0,12}|\"\\PC{0,12}\"|[^@]{1,6}", name in "\\PC{0,8}(\\.[a-z\u{e4}\u{df}\u{430}-\u{44f}]{1,4})?") {
        let text = format!("{local}@{name}");
        if let Ok(first) = text.parse::<Mailbox>() {
            let printed = first.to_string();
            prop_assert!(!printed.contains(char::is_control));
            let bare = !first.local_part().starts_with('"');
            let loose = printed.contains(['<', '>', ' ', '"', '\u{202e}']);
            prop_assert!(!bare || !loose);
            prop_assert_eq!(printed.parse::<Mailbox>().unwrap().to_string(), printed.clone());
            prop_assert_eq!(&mailbox(&printed), &first);
            let canonical = first.domain().canonical().into_owned();
            prop_assert!(canonical.is_ascii());
            prop_assert_eq!(&canonical.parse::<Domain>().unwrap(), first.domain());
            let argument = format!("<{printed}> SIZE=1>");
            prop_assert_eq!(split_path(&argument).unwrap().1, " SIZE=1>");
        }
    }

    #[test]
    fn names_in_utf8_keep_one_form(name in "[a-z\u{e4}\u{df}\u{c4}\u{430}-\u{44f}\u{4e00}-\u{4e20}]{1,8}(\\.[a-z\u{fc}]{1,4})?") {
        let first: Domain = name.parse().unwrap();
        prop_assert_eq!(first.to_string().parse::<Domain>().unwrap().to_string(), first.to_string());
        prop_assert_eq!(&first.canonical().parse::<Domain>().unwrap(), &first);
        prop_assert_eq!(&Domain::from_unicode(&name).unwrap(), &first);
    }
}
