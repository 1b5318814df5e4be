//! What is agreed on, and what fails.

use super::world::{Kind, NOW, carry, client, connect, file, material, pair, pem, server};
use crate::{ClientContext, Clock, Material, ServerContext, TicketKeys, Version};

#[test]
fn each_kind_of_key_serves_with_the_newest_version_and_the_hybrid_group() {
    for kind in [Kind::Rsa, Kind::P256, Kind::Ed25519] {
        let server = server(&material(vec![pair(kind, &["mail.example.org"])]));
        let (one, other) = connect(&client(), &server, "mail.example.org");
        for facts in [one.facts().unwrap(), other.facts().unwrap()] {
            assert_eq!(facts.version, "TLSv1.3");
            assert_eq!(facts.group, "X25519MLKEM768");
            assert!(facts.cipher.starts_with("TLS_AES_"), "{}", facts.cipher);
            assert_eq!(facts.server_name.as_deref(), Some("mail.example.org"));
            assert!(!facts.resumed);
        }
    }
}

#[test]
fn both_sides_derive_the_same_channel_bindings() {
    let server = server(&material(vec![
        pair(Kind::P256, &["other.example"]),
        pair(Kind::P256, &["mail.example.org"]),
    ]));
    let (one, other) = connect(&client(), &server, "mail.example.org");
    assert!(one.exporter().is_some());
    assert_eq!(one.exporter(), other.exporter());
    assert!(one.server_end_point().is_some());
    assert_eq!(one.server_end_point(), other.server_end_point());
    let (further, _) = connect(&client(), &server, "mail.example.org");
    assert_ne!(one.exporter(), further.exporter());
}

#[test]
fn a_session_is_resumed_by_another_context_with_the_same_secret_and_not_with_another() {
    let keys = TicketKeys::draw(3600).unwrap();
    let pairs = vec![pair(Kind::P256, &["mail.example.org"])];
    let material = Material { tickets: Some(keys), ..material(pairs) };
    let (first, second) = (server(&material), server(&material));
    let client = client();
    let (mut one, mut other) = connect(&client, &first, "mail.example.org");
    carry(&mut one, &mut other, usize::MAX).unwrap();
    one.read(&mut [0; 100]).unwrap();
    let (one, other) = connect(&client, &second, "mail.example.org");
    assert!(one.facts().unwrap().resumed && other.facts().unwrap().resumed);
    assert_eq!(one.exporter(), other.exporter());
    assert_eq!(one.server_end_point(), other.server_end_point());
    let stranger = server(&Material { tickets: Some(TicketKeys::draw(3600).unwrap()), ..material });
    let (one, _) = connect(&client, &stranger, "mail.example.org");
    assert!(!one.facts().unwrap().resumed);
}

#[test]
fn a_server_is_verified_by_its_name_and_its_authority() {
    let pair = pair(Kind::P256, &["mail.example.org"]);
    let server = server(&material(vec![pair.clone()]));
    let trusting = ClientContext::with_roots(&pair.chain, Clock::new(NOW)).unwrap();
    let verdict = |client: &ClientContext, name: &str| {
        connect(client, &server, name).0.facts().unwrap().peer.unwrap().verified
    };
    assert_eq!(verdict(&trusting, "mail.example.org"), Ok(()));
    assert!(verdict(&trusting, "other.example.org").unwrap_err().contains("not valid for name"));
    assert_eq!(verdict(&client(), "mail.example.org"), Err("no authority is trusted".into()));
    let late = ClientContext::with_roots(&pair.chain, Clock::new(95_617_584_000)).unwrap();
    assert!(verdict(&late, "mail.example.org").unwrap_err().contains("expired"));
}

#[test]
fn one_who_does_not_speak_tls_is_told_so() {
    let server = server(&material(vec![pair(Kind::P256, &["mail.example.org"])]));
    let mut session = server.session().unwrap();
    session.receive(b"EHLO client.example\r\n");
    let error = session.read(&mut []).unwrap_err();
    assert_eq!(error.to_string(), "what the peer sent is not TLS");
    let mut alert = Vec::new();
    session.send(&mut alert).unwrap();
    assert_eq!(alert.first(), Some(&21), "an alert is still sent");
    assert_eq!(session.read(&mut []).unwrap_err(), error, "and it stays broken");
}

#[test]
fn a_material_without_certificates_is_no_tls_and_a_broken_authority_an_error() {
    assert!(ServerContext::new(&Material::default(), Clock::new(NOW)).unwrap().is_none());
    let client_ca = Some(file("ca.pem", "nothing".into()));
    let error = ServerContext::new(&Material { client_ca, ..Material::default() }, Clock::new(NOW));
    assert!(error.unwrap_err().to_string().starts_with("ca.pem: there is no certificate in it"));
}

#[test]
fn the_least_version_holds_for_the_server() {
    let pairs = vec![pair(Kind::P256, &["mail.example.org"])];
    let server = server(&Material { min_version: Version::V13, ..material(pairs) });
    let (one, _) = connect(&client(), &server, "mail.example.org");
    assert_eq!(one.facts().unwrap().version, "TLSv1.3");
}

#[test]
fn neither_keys_nor_secrets_are_printed() {
    let pair = pair(Kind::P256, &["mail.example.org"]);
    let key = String::from_utf8(pair.key.octets.clone()).unwrap();
    let line = key.lines().nth(1).unwrap().to_owned();
    let material = Material { tickets: Some(TicketKeys::draw(60).unwrap()), ..material(vec![pair]) };
    let text = format!("{material:?}");
    assert!(!text.contains(&line) && text.contains("key.pem"), "{text}");
    assert!(text.contains("TicketKeys(every 60 s)"), "{text}");
    assert!(pem(b"a").contains("YQ=="));
}
