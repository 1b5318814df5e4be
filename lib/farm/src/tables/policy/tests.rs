//! Rules that are read, and mistakes that are named.

use super::*;
use proptest::prelude::*;

fn parse(text: &str) -> (PolicyTable, Vec<String>) {
    let (table, problems) = PolicyTable::parse(text.as_bytes(), Path::new("/etc/grange/policy"));
    (table, problems.iter().map(ToString::to_string).collect())
}

fn rule(text: &str) -> Rule {
    let (mut table, problems) = parse(text);
    assert_eq!(problems, [""; 0]);
    assert_eq!(table.rules.len(), 1, "{text}");
    table.rules.remove(0)
}

fn problem(text: &str) -> String {
    let (_, problems) = parse(text);
    assert_eq!(problems.len(), 1, "{problems:?}");
    problems[0].strip_prefix("/etc/grange/policy:").unwrap().to_owned()
}

#[test]
fn a_rule_is_a_phase_conditions_and_an_action() {
    let read =
        rule("# why\nrcpt  client=192.0.2.0/24 !tls\n      to=@example.org  reject 554 5.7.9 no, %client\n");
    assert_eq!((read.line, read.phase, read.warn), (2, Phase::Rcpt, false));
    assert_eq!(
        read.conditions.iter().map(|c| (c.text.as_str(), c.negated)).collect::<Vec<_>>(),
        [("client=192.0.2.0/24", false), ("!tls", true), ("to=@example.org", false)]
    );
    let Action::Refuse(refusal) = read.action else { panic!("{:?}", read.action) };
    assert_eq!((refusal.code, refusal.status.to_string().as_str()), (554, "5.7.9"));
    assert_eq!(refusal.text.fill(|_| "X".into()), "no, X");
}

#[test]
fn every_action_has_its_usual_codes_and_text() {
    let shown = |text: &str| match rule(text).action {
        Action::Refuse(r) => format!("{} {} {}", r.code, r.status, r.text.fill(|_| "?".into())),
        Action::Hold(why) => format!("hold {}", why.fill(|_| "?".into())),
        other => format!("{other:?}"),
    };
    assert_eq!(shown("connect reject"), "550 5.7.1 refused by the policy of this host");
    assert_eq!(shown("mail from=<> defer"), "450 4.7.1 not now; try again later");
    assert_eq!(shown("mail defer 421 go away"), "421 4.7.1 go away");
    assert_eq!(shown("helo reject 5.7.8 100%% %helo,%name."), "550 5.7.8 100% ?,?.");
    assert_eq!(shown("data hold"), "hold held by the policy");
    assert_eq!(shown("data recipients>50 hold ask %from"), "hold ask ?");
    assert_eq!(shown("mail tag big.one"), "Tag(\"big.one\")");
    assert_eq!(shown("connect accept # ours"), "Accept");
    assert!(rule("rcpt warn reject").warn);
}

#[test]
fn every_condition_is_read() {
    let test = |word: &str| rule(&format!("content {word} accept")).conditions.remove(0).test;
    assert_eq!(test("size>10M"), Test::Size { more: true, than: 10 << 20 });
    assert_eq!(test("recipients<2"), Test::Recipients { more: false, than: 2 });
    assert_eq!(test("!account"), Test::Account(Vec::new()));
    assert_eq!(test("account=Ann"), Test::Account(vec!["ann".into()]));
    assert_eq!(test("tls=TLSv1.2"), Test::Tls(vec!["TLSv1.2".into()]));
    assert_eq!(test("name=.Example.ORG"), Test::Name(vec![NamePattern::Below(".example.org".into())]));
    assert_eq!(test("helo=[192.0.2.1]"), Test::Helo(vec![NamePattern::Exact("[192.0.2.1]".into())]));
    assert_eq!(test("service=lmtp,smtp"), Test::Service(vec!["lmtp".into(), "smtp".into()]));
    assert_eq!(test("listener=0.0.0.0:25"), Test::Listener(vec!["0.0.0.0:25".into()]));
    assert_eq!((test("local"), test("relay")), (Test::Local, Test::Relay));
    let Test::From(from) = test("from=<>,Ann@b\u{fc}cher.example,@x.example,.y.example") else { panic!() };
    assert_eq!(from.len(), 4);
    let domain = "xn--bcher-kva.example".parse().unwrap();
    assert!(from[0].matches(None) && from[1].matches(Some(("aNN", &domain))));
    assert!(!from[3].matches(Some(("a", &"y.example".parse().unwrap()))));
    assert!(from[3].matches(Some(("a", &"z.y.example".parse().unwrap()))));
}

#[test]
fn mistakes_name_line_column_and_the_nearest_word() {
    assert_eq!(problem("\nrcp accept"), "2:1: unknown phase \"rcp\"; did you mean \"rcpt\"?");
    assert_eq!(
        problem("mail frm=<> reject"),
        "1:6: unknown condition or action \"frm\"; did you mean \"from\"?"
    );
    assert_eq!(
        problem("mail !tsl=1 reject"),
        "1:7: unknown condition or action \"tsl\"; did you mean \"tls\"?"
    );
    assert_eq!(
        problem("mail rejct no"),
        "1:6: unknown condition or action \"rejct\"; did you mean \"reject\"?"
    );
    assert!(
        problem("helo to=@x reject").starts_with("1:6: \"to\" is not known at helo yet; ask for it at rcpt")
    );
    assert!(
        problem("mail client=192.0.2.1,300.1.1.1 reject").starts_with("1:23: \"300.1.1.1\" is not a network")
    );
    assert!(problem("mail client=192.0.2.1/24 reject").contains("write \"192.0.2.0/24\""));
    assert_eq!(problem("mail client reject"), "1:12: \"client\" needs a value: client=...");
    assert_eq!(problem("mail size=5 accept"), "1:10: \"size\" is compared by > or <, as in size>100");
    assert_eq!(problem("mail size>x accept"), "1:11: \"x\" is not a number, as in 100 or 10M");
    assert!(problem("mail from=ann reject").starts_with("1:11: \"ann\" is not a pattern"));
    assert_eq!(problem("mail service=smpt reject"), "1:14: unknown value \"smpt\"; did you mean \"smtp\"?");
    assert!(problem("mail relay").starts_with("1:11: this rule has no action; end it with one of accept,"));
    assert!(problem("mail reject 450 no").starts_with("1:13: \"450\" does not go with this action"));
    assert!(problem("mail defer 5.7.1 no").starts_with("1:12: \"5.7.1\" does not go with this action"));
    assert_eq!(
        problem("mail reject %clinet"),
        "1:13: unknown placeholder \"%clinet\"; did you mean \"%client\"?"
    );
    assert!(problem("mail accept yes").starts_with("1:13: accept takes no text"));
    assert!(problem("mail warn").starts_with("1:10: warn is followed by an action"));
    assert!(problem("mail tag").starts_with("1:9: tag needs a name"));
    assert!(problem("mail tag a!").starts_with("1:10: \"a!\" is not a tag"));
}

#[test]
fn all_mistakes_of_a_rule_are_told_and_the_rule_is_left_out() {
    let (table, problems) = parse("mial client=1 reject x\nmail accept\n");
    assert_eq!(problems.len(), 2, "{problems:?}");
    assert_eq!(table.rules.len(), 1);
}

proptest! {
    #[test]
    fn no_text_panics(text in "[a-z%=<>!,.@# \\t\\n0-9é]{0,80}", octets in proptest::collection::vec(any::<u8>(), 0..80)) {
        let _ = parse(&text);
        let _ = parse(&format!("content from={text} reject {text}"));
        let _ = PolicyTable::parse(&octets, Path::new("p"));
    }
}
