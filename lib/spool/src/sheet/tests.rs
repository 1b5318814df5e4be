use super::*;
use proptest::prelude::*;
use proto::terms::{BodyKind, ByMode, DeliverBy, Notify, RecipientTerms, Ret};

const LINES: &str = "From <a@b.example>\nTo <c@d.example> smtp d.example c@d.example\nShape size=1 header=1 longest=0 eight=0 dot=1\n";

#[test]
fn an_unknown_optional_line_is_preserved_and_copied() {
    let sheet = parse(format!("{LINES}colour deep blue\n").as_bytes());
    assert_eq!((sheet.held, sheet.preserved.as_slice()), (None, &["colour deep blue".to_owned()][..]));
    let copy = print(&sheet.envelope, &sheet.kind, None, &sheet.preserved);
    assert!(copy.ends_with("colour deep blue\n"));
}

#[test]
fn an_unknown_mandatory_line_holds_the_entry() {
    let sheet = parse(format!("{LINES}Priority high\n").as_bytes());
    assert_eq!(sheet.held, Some(Held::UnknownLine("Priority".to_owned())));
    assert_eq!(sheet.envelope.recipients.len(), 1);
}

#[test]
fn lines_that_cannot_be_read_hold_the_entry() {
    for line in [
        "To c@d.example",
        "To <>",
        "To <c@d> smtp",
        "To <c@d> a b c d",
        "Of x",
        "File /etc/passwd",
        "Utf8 1",
        "By 5",
        "By 5 X",
        "Hold x",
        "body 7BIT",
        "ret HALF",
        "priority x",
        "notify 1 NEVER",
        "notify 0 NEVER,DELAY",
        "orcpt 0",
        "orcpt x y",
    ] {
        let sheet = parse(format!("{LINES}{line}\n").as_bytes());
        assert_eq!(sheet.held, Some(Held::BadLine(line.to_owned())));
    }
    assert_eq!(parse(b"").held, Some(Held::Missing("From")));
    assert_eq!(parse(b"From <>\n").held, Some(Held::Missing("Shape")));
    assert_eq!(parse(b"From <\xff>\n").held, Some(Held::NotText));
}

fn route() -> impl Strategy<Value = Option<Route>> {
    proptest::option::of(any::<(String, String, String)>().prop_map(|(channel, host, user)| Route {
        channel,
        host,
        user,
    }))
}

fn kind() -> impl Strategy<Value = Kind> {
    prop_oneof![
        Just(Kind::Message),
        any::<u64>().prop_map(|ms| Kind::Notice { of: SpoolId::new(ms, 1, 2, 3) }),
        any::<(u64, u32, u32, bool)>().prop_map(|(offset, attempt, first, closed)| {
            let of = Place { segment: SpoolId::new(offset, 1, 2, 3), offset };
            Kind::Expansion(Expansion { of, attempt, first, closed })
        }),
    ]
}

fn terms() -> impl Strategy<Value = Terms> {
    let body =
        prop_oneof![Just(BodyKind::SevenBit), Just(BodyKind::EightBitMime), Just(BodyKind::BinaryMime)];
    let ret = prop_oneof![Just(None), Just(Some(Ret::Full)), Just(Some(Ret::Headers))];
    let words = any::<(Option<String>, Option<String>)>();
    let by = proptest::option::of(any::<(u64, bool, bool)>());
    (body, any::<(bool, bool)>(), ret, words, any::<Option<i8>>(), by, any::<Option<u64>>()).prop_map(
        |(body, (utf8, require_tls), ret, (envid, auth), priority, by, hold_until)| {
            let mode = |returned| if returned { ByMode::Return } else { ByMode::Notify };
            let deliver_by =
                by.map(|(until, returned, trace)| DeliverBy { until, mode: mode(returned), trace });
            Terms { body, utf8, require_tls, ret, envid, priority, deliver_by, hold_until, auth }
        },
    )
}

fn recipient_terms() -> impl Strategy<Value = RecipientTerms> {
    any::<(Option<(bool, bool, bool)>, Option<String>)>().prop_map(|(notify, orcpt)| RecipientTerms {
        notify: notify.map(|(success, failure, delay)| Notify { success, failure, delay }),
        orcpt,
    })
}

#[test]
fn what_must_be_honoured_holds_a_message_that_does_not_know_it() {
    let deliver_by = DeliverBy { until: 5, mode: ByMode::Return, trace: false };
    let mandatory = Terms {
        utf8: true,
        require_tls: true,
        body: BodyKind::BinaryMime,
        hold_until: Some(5),
        deliver_by: Some(deliver_by),
        ..Terms::default()
    };
    let optional = Terms {
        body: BodyKind::EightBitMime,
        ret: Some(Ret::Full),
        envid: Some("a".to_owned()),
        auth: Some("<>".to_owned()),
        priority: Some(1),
        deliver_by: Some(DeliverBy { mode: ByMode::Notify, ..deliver_by }),
        ..Terms::default()
    };
    let lines = |terms: &Terms| {
        let envelope = Envelope { terms: terms.clone(), ..parse(LINES.as_bytes()).envelope };
        let text = print(&envelope, &Kind::Message, None, &[]);
        text.lines().skip(4).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(lines(&mandatory), ["Utf8", "RequireTls", "Binary", "Hold 5", "By 5 R"]);
    assert_eq!(lines(&optional), ["by 5 N", "body 8BITMIME", "ret FULL", "priority 1", "envid a", "auth <>"]);
    assert_eq!(lines(&Terms::default()), [""; 0]);
}

proptest! {
    #[test]
    fn printing_then_parsing_is_the_identity(
        routes in proptest::collection::vec(route(), 0..5),
        null: bool,
        origin in any::<(String, String, String, String, String, String)>(),
        terms in terms(),
        of_recipients in proptest::collection::vec(recipient_terms(), 5),
        shape in any::<(u64, u64, u32, bool, bool, bool, bool)>(),
        kind in kind(),
        large in proptest::option::of(any::<(u64, u32)>()),
    ) {
        let mailbox: Mailbox = "\"a b%c\"@example.org".parse().unwrap();
        let envelope = Envelope {
            from: if null { ReversePath::Null } else { ReversePath::Mailbox(mailbox.clone()) },
            recipients: routes
                .into_iter()
                .zip(of_recipients)
                .map(|(route, terms)| Recipient { terms, ..Recipient::new(mailbox.clone(), route) })
                .collect(),
            received: shape.0 / 3,
            origin: Origin {
                client: origin.0,
                helo: origin.1,
                protocol: origin.2,
                session: origin.3,
                account: origin.4,
                tls: origin.5,
            },
            shape: Shape {
                size: shape.0, header: shape.1, longest_line: shape.2, eight_bit: shape.3, leading_dot: shape.4,
                utf8_header: shape.5, binary: shape.6,
            },
            terms,
        };
        let large = large.map(|(length, sum)| LargeFile { id: SpoolId::new(length, 1, 2, 3), length, sum });
        let preserved = vec!["later thing".to_owned()];
        let text = print(&envelope, &kind, large.as_ref(), &preserved);
        let sheet = Sheet { envelope, kind, large, preserved, held: None, copied: None };
        prop_assert_eq!(parse(text.as_bytes()), sheet.clone());
        let from = Place { segment: SpoolId::new(7, 1, 2, 3), offset: 4096 };
        let copy = print_copy(&print_copy(text.as_bytes(), Place { offset: 9, ..from }), from);
        prop_assert_eq!(parse(&copy), Sheet { copied: Some(from), ..sheet });
    }

    #[test]
    fn any_octets_give_some_sheet(octets: Vec<u8>) {
        parse(&octets);
    }
}
