//! Certificates of clients.

use super::world::{Kind, NOW, carry, certificate, client, file, material, pair, pem, server};
use crate::peer::TakingAny;
use crate::provider::provider;
use crate::session::{Session, Side};
use crate::{Clock, Facts, Material, PemFile, ServerContext};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection};
use std::sync::Arc;

/// What a server that asks for certificates learns of a client with this one.
fn met(server: &ServerContext, certificate: Vec<u8>, key: &str) -> Facts {
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
    let config = ClientConfig::builder_with_details(provider(), Arc::new(Clock::new(NOW)))
        .with_safe_default_protocol_versions()
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(TakingAny::new()))
        .with_client_auth_cert(vec![CertificateDer::from(certificate)], key)
        .unwrap();
    let name = ServerName::try_from("mail.example.org").unwrap();
    let connection = ClientConnection::new(Arc::new(config), name.clone()).unwrap();
    let mut one = Session::new(connection.into(), Side::Client { name, servers: None }, Clock::new(NOW));
    let mut other = server.session().unwrap();
    carry(&mut one, &mut other, usize::MAX).unwrap();
    other.facts().unwrap()
}

fn asking(authority: PemFile) -> ServerContext {
    let pairs = vec![pair(Kind::P256, &["mail.example.org"])];
    server(&Material { client_ca: Some(authority), ..material(pairs) })
}

/// An authority, and a certificate that it has given to `alice@example.org`.
fn authority() -> (String, Vec<u8>, String) {
    let key = rcgen::KeyPair::generate().unwrap();
    let mut parameters = rcgen::CertificateParams::new(Vec::new()).unwrap();
    parameters.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let certificate = parameters.self_signed(&key).unwrap();
    let issuer = rcgen::Issuer::new(parameters, key);
    let own = rcgen::KeyPair::generate().unwrap();
    let mut parameters = rcgen::CertificateParams::new(Vec::new()).unwrap();
    let mailbox = rcgen::SanType::Rfc822Name("alice@example.org".try_into().unwrap());
    parameters.subject_alt_names.push(mailbox);
    let given = parameters.signed_by(&own, &issuer).unwrap();
    (pem(certificate.der()), given.der().to_vec(), own.serialize_pem())
}

#[test]
fn a_client_whose_authority_is_trusted_is_verified_and_named() {
    let (authority, certificate, key) = authority();
    let facts = met(&asking(file("ca.pem", authority)), certificate, &key);
    let peer = facts.peer.unwrap();
    assert_eq!(peer.verified, Ok(()));
    assert_eq!(peer.certificate.mailboxes, ["alice@example.org"]);
}

#[test]
fn a_stranger_is_taken_and_not_verified_and_nobody_needs_a_certificate() {
    let (authority, ..) = authority();
    let server = asking(file("ca.pem", authority));
    let (der, key) = certificate(Kind::P256, &["client.example"]);
    let peer = met(&server, der, &key).peer.unwrap();
    assert!(peer.verified.is_err());
    assert_eq!(peer.certificate.hosts, ["client.example"]);
    let (_, other) = super::world::connect(&client(), &server, "mail.example.org");
    assert_eq!(other.facts().unwrap().peer, None);
}

#[test]
fn without_an_authority_no_client_is_asked() {
    let server = server(&material(vec![pair(Kind::P256, &["mail.example.org"])]));
    let (der, key) = certificate(Kind::P256, &["client.example"]);
    assert_eq!(met(&server, der, &key).peer, None);
}
