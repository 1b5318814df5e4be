//! What no value can know alone: parameters, and tables, that make no sense together.

use super::*;

#[test]
fn a_listener_that_begins_with_tls_needs_a_certificate() {
    let listen = "[smtpserver]\nlisten = [\"*:25\", \"*:465\"]\n";
    assert_eq!(
        wrong(listen),
        [
            "grange: /etc/grange/grange.toml:2:1: 0.0.0.0:465 begins with TLS, and there is no certificate; name one in [tls] certificates"
        ]
    );
    let config = parse(&format!("{listen}[tls]\ncertificates = [\"both.pem\", \"/a /b\"]\n")).unwrap();
    let pairs = &config.tls.certificates;
    assert_eq!((pairs[0].chain == pairs[0].key, pairs[1].key.to_str()), (true, Some("/b")));
    let mistake = wrong("[tls]\ncertificates = [\"a b c\"]\nmin-version = \"1.1\"\n");
    assert!(mistake[0].contains("certificates[0] = \"a b c\" is not a pair of files; write"), "{mistake:?}");
    assert!(mistake[1].contains("min-version = \"1.1\" is none of 1.2, 1.3"), "{mistake:?}");
}

#[test]
fn accounts_for_a_listener_for_submission_need_a_certificate_unless_it_is_on_loopback() {
    let listen = |at: &str| format!("[smtpserver]\nlisten = [\"submission://{at}:25\"]\n");
    let (auth, tls) = ("[auth]\nusers = \"users\"\n", "[tls]\ncertificates = [\"both.pem\"]\n");
    let outside = listen("192.0.2.1");
    assert!(wrong(&format!("{outside}{auth}"))[0].ends_with(
        "submission://192.0.2.1:25 is for submission, where AUTH is offered only under TLS, and there is no \
         certificate; name one in [tls] certificates"
    ));
    assert!(parse(&format!("{outside}{auth}{tls}")).is_ok());
    assert!(parse(&format!("{}{auth}", listen("127.0.0.1"))).is_ok());
}

#[test]
fn a_policy_that_asks_for_names_needs_somebody_who_finds_them_out() {
    let check = |more: &str, access: &str| {
        let text = format!("[smtpserver]\npolicy = \"policy\"\n{more}");
        let rules = "mail accept\nrcpt !name reject\n";
        load(&directory(&[("grange.toml", text.as_str()), ("policy", rules), ("access", access)]))
    };
    let found = check("", "192.0.2.1 accept\n").unwrap_err();
    assert!(found[0].starts_with("policy:2: this rule asks for the name of a client"), "{found:?}");
    assert!(check("", ".example.org accept\n").is_ok());
    assert!(check("xclient-networks = [\"192.0.2.1\"]\n", "").is_ok());
    assert!(check("[admission]\nnames = \"always\"\n", "").is_ok());
    assert!(check("[admission]\nnames = \"never\"\n", ".example.org accept\n").is_err());
}
