//! What rules say about clients.

use super::*;
use farm::tables::{Phase, PolicyTable};
use proto::address::ReversePath;
use proto::envelope::Recipient;
use std::path::Path;

fn table(text: &str) -> PolicyTable {
    let (table, problems) = PolicyTable::parse(text.as_bytes(), Path::new("policy"));
    assert_eq!(problems, []);
    table
}

fn facts<'a>() -> Facts<'a> {
    Facts {
        address: Some("192.0.2.7".parse().unwrap()),
        local: false,
        client: "192.0.2.7",
        relay: false,
        name: Some("mx.example.net"),
        listener: "0.0.0.0:25",
        service: "smtp",
        helo: Some("Mail.Example.Net"),
        tls: None,
        account: None,
        from: None,
        to: To::Nobody,
        size: None,
        recipients: 0,
    }
}

fn verdict(text: &str, phase: Phase, facts: &Facts<'_>) -> Verdict {
    judge(&table(text), phase, facts).verdict
}

fn refused(text: &str, phase: Phase, facts: &Facts<'_>) -> Option<String> {
    match verdict(text, phase, facts) {
        Verdict::Refuse(reply) => Some(reply.to_string()),
        _ => None,
    }
}

#[test]
fn the_first_rule_of_the_phase_that_matches_decides() {
    let text = "helo reject\nconnect client=192.0.2.0/24 accept\nconnect reject\n";
    assert_eq!(verdict(text, Phase::Connect, &facts()), Verdict::Accept);
    let other = Facts { address: Some("198.51.100.1".parse().unwrap()), ..facts() };
    assert_eq!(
        refused(text, Phase::Connect, &other).unwrap(),
        "550 5.7.1 refused by the policy of this host"
    );
    assert_eq!(verdict(text, Phase::Mail, &facts()), Verdict::Go);
}

#[test]
fn a_tag_and_a_warning_go_on_to_the_next_rule() {
    let rules = table("mail tag seen\nmail warn reject\nmail warn tag never\nmail defer later\n");
    let ruling = judge(&rules, Phase::Mail, &facts());
    assert_eq!(ruling.tags().collect::<Vec<_>>(), ["seen"]);
    assert_eq!(ruling.warnings().map(|step| step.rule.line).collect::<Vec<_>>(), [2, 3]);
    assert!(matches!(&ruling.verdict, Verdict::Refuse(reply) if reply.code == 450));
}

#[test]
fn the_text_holds_the_facts() {
    let from = ReversePath::Mailbox("ann@a.example".parse().unwrap());
    let to = "bob@b.example".parse().unwrap();
    let facts = Facts { from: Some(&from), to: To::One(&to), ..facts() };
    let said = refused("rcpt reject 554 5.7.9 %client %name %helo %from %to %account", Phase::Rcpt, &facts);
    assert_eq!(
        said.unwrap(),
        "554 5.7.9 192.0.2.7 mx.example.net Mail.Example.Net <ann@a.example> <bob@b.example> unknown"
    );
}

#[test]
fn a_refusal_names_the_rule_what_it_met_and_what_it_asks_for() {
    let text = "\n\nmail client=192.0.2.0/24 !tls !account helo=mail.example.net reject";
    let Verdict::Refuse(reply) = verdict(text, Phase::Mail, &facts()) else { panic!() };
    let cause = reply.cause.unwrap();
    assert_eq!(cause.rule, "policy:3");
    assert_eq!(cause.value, "client=192.0.2.7 tls=- account=- helo=Mail.Example.Net");
    assert_eq!(cause.limit, "client=192.0.2.0/24 !tls !account helo=mail.example.net");
}

/// Whether a rule with this condition matches.
fn matches(condition: &str, facts: &Facts<'_>) -> bool {
    verdict(&format!("content {condition} accept"), Phase::Content, facts) == Verdict::Accept
}

#[test]
fn every_condition_looks_at_its_fact_and_can_be_negated() {
    let null = ReversePath::Null;
    let ann = ReversePath::Mailbox("Ann@x.example".parse().unwrap());
    let all = [
        Recipient::new("a@sub.b.example".parse().unwrap(), None),
        Recipient::new("b@c.example".parse().unwrap(), None),
    ];
    let known = Facts {
        tls: Some("TLSv1.3"),
        account: Some("Ann"),
        from: Some(&ann),
        to: To::Any(&all),
        size: Some(1000),
        recipients: 2,
        relay: true,
        ..facts()
    };
    let local = Facts { address: None, local: true, name: None, helo: None, from: Some(&null), ..facts() };
    for (condition, first, second) in [
        ("client=192.0.2.7", true, false),
        ("client=2001:db8::/32,192.0.2.0/25", true, false),
        ("local", false, true),
        ("relay", true, false),
        ("name", true, false),
        ("name=.example.net", true, false),
        ("name=example.net", false, false),
        ("helo=MAIL.example.net", true, false),
        ("tls", true, false),
        ("tls=TLSv1.2", false, false),
        ("account", true, false),
        ("account=ann,bob", true, false),
        ("listener=0.0.0.0:25", true, true),
        ("service=submission", false, false),
        ("from=<>", false, true),
        ("from=ANN@x.example", true, false),
        ("from=@x.example,<>", true, true),
        ("to=.b.example", true, false),
        ("to=@b.example", false, false),
        ("to=b@c.example", true, false),
        ("size>999", true, false),
        ("size<1000", false, false),
        ("recipients>1", true, false),
        ("recipients<1", false, true),
    ] {
        assert_eq!(matches(condition, &known), first, "{condition}");
        assert_eq!(matches(condition, &local), second, "{condition}");
        assert_eq!(matches(&format!("!{condition}"), &known), !first, "!{condition}");
    }
}

#[test]
fn a_client_whose_address_nobody_knows_is_not_local() {
    let unknown = Facts { address: None, client: "unknown", ..facts() };
    assert!(!matches("local", &unknown) && matches("!local", &unknown));
    assert!(!matches("client=0.0.0.0/0,::/0", &unknown));
}

#[test]
fn an_accept_ends_the_asking_for_its_scope() {
    let rules = table("connect client=192.0.2.7 accept\nhelo accept\nmail accept\nrcpt accept");
    let settle = |scopes: &mut Scopes, phase| {
        assert!(scopes.begin(phase), "{phase:?}");
        scopes.settle(phase, &judge(&rules, phase, &facts()));
    };
    let mut scopes = Scopes::default();
    settle(&mut scopes, Phase::Rcpt);
    assert!(scopes.begin(Phase::Rcpt) && scopes.begin(Phase::Data));
    settle(&mut scopes, Phase::Mail);
    assert!(!scopes.begin(Phase::Rcpt) && !scopes.begin(Phase::Content));
    settle(&mut scopes, Phase::Mail);
    settle(&mut scopes, Phase::Helo);
    assert!(!scopes.begin(Phase::Mail));
    settle(&mut scopes, Phase::Helo);
    settle(&mut scopes, Phase::Connect);
    assert!(!scopes.begin(Phase::Helo) && !scopes.begin(Phase::Mail) && !scopes.begin(Phase::Data));
    assert!(scopes.begin(Phase::Connect) && scopes.begin(Phase::Helo));
}

#[test]
fn what_is_said_about_a_recipient_counts_once_it_is_taken() {
    let rules = table("connect tag a\nmail tag b\nrcpt tag a\nrcpt tag c\nrcpt hold look at %client\n");
    let mut scopes = Scopes::default();
    for phase in [Phase::Connect, Phase::Mail, Phase::Rcpt] {
        scopes.begin(phase);
        scopes.settle(phase, &judge(&rules, phase, &facts()));
    }
    assert_eq!((scopes.tags(), scopes.hold()), (vec!["a", "b"], None));
    scopes.recipient_taken();
    assert_eq!((scopes.tags(), scopes.hold()), (vec!["a", "b", "c"], Some("look at 192.0.2.7")));
    scopes.begin(Phase::Mail);
    assert_eq!((scopes.tags(), scopes.hold()), (vec!["a"], None));
}
