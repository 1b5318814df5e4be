//! Each mechanism with the example of its RFC, and with what a client must not get away with.

use super::*;
use proptest::prelude::*;
use secrets::encoding;

/// The keys of the example of RFC 7677 section 3, for everybody.
fn pencil(_: &str) -> Result<Keys, &'static str> {
    Ok(Keys::derive("pencil", &encoding::decode("W22ZaJ0SNY7soEsUEjb6gQ==").unwrap(), 4096))
}

const NONCE: &str = "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";

fn facts(tls: Option<&Tls>) -> Facts<'_> {
    Facts { tls, offers_plus: tls.is_some(), keys: &pencil, nonce: NONCE }
}

fn tls() -> Tls {
    Tls { exporter: b"exported".to_vec(), end_point: b"hashed".to_vec(), names: Vec::new() }
}

fn text(step: Step) -> String {
    match step {
        Step::Challenge(octets) => String::from_utf8(octets).unwrap(),
        other => panic!("no challenge: {other:?}"),
    }
}

fn reason(step: Step) -> &'static str {
    match step {
        Step::Failed { reason, .. } => reason,
        other => panic!("no failure: {other:?}"),
    }
}

#[test]
fn plain_is_user_and_password_and_nobody_else() {
    let one = |response: &[u8]| Exchange::Plain.begin(Some(response), &facts(None));
    let tim = Claim { user: "tim".into(), password: "tanstaaftanstaaf".into() };
    assert_eq!(one(b"\0tim\0tanstaaftanstaaf"), Step::Compare(tim.clone()));
    assert_eq!(one(b"tim\0tim\0tanstaaftanstaaf"), Step::Compare(tim));
    assert_eq!(reason(one(b"Ursel\0Kurt\0xipj3plmq")), "authorization-identity");
    for broken in
        [&b""[..], b"tim", b"\0tim", b"\0tim\0a\0b", b"\0\0a", b"\0tim\0", b"\0t\nm\0a", b"\0\xff\0a"]
    {
        assert_eq!(reason(one(broken)), "malformed", "{broken:?}");
    }
}

#[test]
fn plain_without_an_initial_response_is_asked_for_it() {
    assert_eq!(Exchange::Plain.begin(None, &facts(None)), Step::Challenge(Vec::new()));
}

#[test]
fn login_asks_for_name_and_password() {
    let mut exchange = Exchange::by("LOGIN").unwrap();
    assert_eq!(text(exchange.begin(None, &facts(None))), "Username:");
    assert_eq!(text(exchange.respond(b"tim", &facts(None))), "Password:");
    let tim = Claim { user: "tim".into(), password: "sesame".into() };
    assert_eq!(exchange.respond(b"sesame", &facts(None)), Step::Compare(tim));
    let mut exchange = Exchange::by("LOGIN").unwrap();
    assert_eq!(text(exchange.begin(Some(b"tim"), &facts(None))), "Password:");
    assert_eq!(reason(exchange.respond(b"", &facts(None))), "malformed");
}

#[test]
fn scram_goes_as_in_rfc_7677() {
    let mut exchange = Exchange::by("SCRAM-SHA-256").unwrap();
    let first = text(exchange.begin(Some(b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO"), &facts(None)));
    assert_eq!(
        first,
        "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
    );
    let proof = b"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
    let last = text(exchange.respond(proof, &facts(None)));
    assert_eq!(last, "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
    assert_eq!(exchange.respond(b"", &facts(None)), Step::Proved("user".into()));
    assert_eq!(reason(exchange.respond(b"", &facts(None))), "malformed");
}

/// A client's last message for a first one, with a password.
fn answer(first: &str, challenge: &str, binding: &[u8], password: &str) -> Vec<u8> {
    let bare = first.splitn(3, ',').nth(2).unwrap();
    let header = &first[..first.len() - bare.len()];
    let nonce = challenge.split(',').next().unwrap();
    let channel = encoding::encode(&[header.as_bytes(), binding].concat());
    let without = format!("c={channel},{nonce}");
    let message = format!("{bare},{challenge},{without}");
    let salt = encoding::decode("W22ZaJ0SNY7soEsUEjb6gQ==").unwrap();
    let proof = secrets::scram::prove(password, &salt, 4096, message.as_bytes());
    format!("{without},p={}", encoding::encode(&proof)).into_bytes()
}

/// A whole exchange with this header, this binding and this password.
fn go(mechanism: &str, header: &str, binding: &[u8], password: &str, facts: &Facts<'_>) -> Step {
    let mut exchange = Exchange::by(mechanism).unwrap();
    let first = format!("{header}n=user,r=fyko");
    let challenge = match exchange.begin(Some(first.as_bytes()), facts) {
        Step::Challenge(octets) => String::from_utf8(octets).unwrap(),
        step => return step,
    };
    match exchange.respond(&answer(&first, &challenge, binding, password), facts) {
        Step::Challenge(signature) if signature.starts_with(b"v=") => exchange.respond(b"", facts),
        step => step,
    }
}

#[test]
fn scram_plus_is_bound_to_the_connection() {
    let tls = tls();
    let facts = facts(Some(&tls));
    let plus = |header, binding| go("SCRAM-SHA-256-PLUS", header, binding, "pencil", &facts);
    let user = Step::Proved("user".into());
    assert_eq!(plus("p=tls-exporter,,", b"exported"), user);
    assert_eq!(plus("p=tls-server-end-point,,", b"hashed"), user);
    assert_eq!(reason(plus("p=tls-exporter,,", b"another")), "channel-binding");
    assert_eq!(reason(plus("p=tls-exporter,,", b"")), "channel-binding");
    assert_eq!(reason(plus("p=tls-unique,,", b"x")), "channel-binding");
    assert_eq!(reason(plus("n,,", b"")), "channel-binding");
    assert_eq!(reason(plus("y,,", b"")), "channel-binding");
}

#[test]
fn without_octets_to_bind_to_there_is_no_binding() {
    let facts = facts(None);
    let plus = |facts: &Facts<'_>| go("SCRAM-SHA-256-PLUS", "p=tls-exporter,,", b"", "pencil", facts);
    assert_eq!(reason(plus(&facts)), "channel-binding");
    let empty = Tls::default();
    assert_eq!(reason(plus(&Facts { tls: Some(&empty), ..facts })), "channel-binding");
}

#[test]
fn a_client_from_which_plus_was_hidden_is_refused() {
    let tls = tls();
    let y = |facts: &Facts<'_>| go("SCRAM-SHA-256", "y,,", b"", "pencil", facts);
    assert_eq!(reason(y(&facts(Some(&tls)))), "channel-binding-stripped");
    assert_eq!(y(&facts(None)), Step::Proved("user".into()));
    let p = go("SCRAM-SHA-256", "p=tls-exporter,,", b"exported", "pencil", &facts(Some(&tls)));
    assert_eq!(reason(p), "channel-binding");
}

#[test]
fn scram_refuses_a_wrong_password_and_another_identity() {
    let facts = facts(None);
    assert_eq!(reason(go("SCRAM-SHA-256", "n,,", b"", "pencils", &facts)), "wrong-password");
    assert_eq!(go("SCRAM-SHA-256", "n,a=user,", b"", "pencil", &facts), Step::Proved("user".into()));
    let other = go("SCRAM-SHA-256", "n,a=root,", b"", "pencil", &facts);
    assert_eq!(reason(other), "authorization-identity");
}

#[test]
fn names_have_escapes() {
    let mut exchange = Exchange::by("SCRAM-SHA-256").unwrap();
    text(exchange.begin(Some(b"n,,n=a=2Cb=3Dc,r=x"), &facts(None)));
    let step = exchange.respond(b"c=biws,r=wrong,p=AAAA", &facts(None));
    assert_eq!(step, Step::Failed { user: "a,b=c".into(), reason: "wrong-password" });
    let mut exchange = Exchange::by("SCRAM-SHA-256").unwrap();
    assert_eq!(reason(exchange.begin(Some(b"n,,n=a=2cb,r=x"), &facts(None))), "malformed");
}

#[test]
fn scram_refuses_what_is_malformed() {
    for first in ["", "n", "n,,", "n,,n=,r=x", "n,,n=u,r=", "n,,m=x,n=u,r=x", "n,b=c,n=u,r=x", "n,,n=u,r=a b"]
    {
        let mut exchange = Exchange::by("SCRAM-SHA-256").unwrap();
        assert_eq!(reason(exchange.begin(Some(first.as_bytes()), &facts(None))), "malformed", "{first}");
    }
    for last in ["", "c=biws", "c=biws,r=x", "r=x,c=biws,p=AAAA", "c=biws,r=x,p=*"] {
        let mut exchange = Exchange::by("SCRAM-SHA-256").unwrap();
        text(exchange.begin(Some(b"n,,n=u,r=x"), &facts(None)));
        assert_eq!(reason(exchange.respond(last.as_bytes(), &facts(None))), "malformed", "{last}");
    }
}

#[test]
fn the_proof_binds_extensions_of_the_client_too() {
    let mut exchange = Exchange::by("SCRAM-SHA-256").unwrap();
    let first = "n,,n=user,r=fyko,x=1";
    let challenge = text(exchange.begin(Some(first.as_bytes()), &facts(None)));
    let last = answer(first, &challenge, b"", "pencil");
    assert!(text(exchange.respond(&last, &facts(None))).starts_with("v="));
}

#[test]
fn external_is_for_certificates() {
    let one = |response: &[u8]| Exchange::External.begin(Some(response), &facts(None));
    assert_eq!(one(b""), Step::Certificate { user: None });
    assert_eq!(one(b"ann"), Step::Certificate { user: Some("ann".into()) });
    assert_eq!(reason(one(b"a\0b")), "malformed");
}

proptest! {
    #[test]
    fn no_client_breaks_a_mechanism(which in 0_usize..5, answers in proptest::collection::vec("[np,=acnry\\PC\0]{0,40}", 1..4)) {
        let tls = tls();
        let mut exchange = Exchange::by(farm::config::MECHANISMS[which]).unwrap();
        for answer in answers {
            let step = exchange.respond(answer.as_bytes(), &facts(Some(&tls)));
            prop_assert!(!matches!(step, Step::Proved(_)));
        }
    }
}
