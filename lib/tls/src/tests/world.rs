//! Certificates, and two ends of a connection without a network.

use crate::{Broken, ClientContext, Clock, Material, PemFile, PemPair, ServerContext, Session};
use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ED25519, PKCS_RSA_SHA256};

/// The time of the tests: within the validity of all that is made here.
pub(crate) const NOW: u64 = 1_750_000_000;

/// A kind of key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Rsa,
    P256,
    Ed25519,
}

/// A certificate that has signed itself for these names, and its key in PEM.
pub(crate) fn certificate(kind: Kind, names: &[&str]) -> (Vec<u8>, String) {
    let algorithm = match kind {
        Kind::Rsa => &PKCS_RSA_SHA256,
        Kind::P256 => &PKCS_ECDSA_P256_SHA256,
        Kind::Ed25519 => &PKCS_ED25519,
    };
    let key = KeyPair::generate_for(algorithm).unwrap();
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut parameters = CertificateParams::new(names.clone()).unwrap();
    for (at, name) in names.iter().enumerate().filter(|(_, name)| name.contains('@')) {
        parameters.subject_alt_names[at] = rcgen::SanType::Rfc822Name(name.as_str().try_into().unwrap());
    }
    let certificate = parameters.self_signed(&key).unwrap();
    (certificate.der().to_vec(), key.serialize_pem())
}

/// The same as files `chain.pem` and `key.pem`.
pub(crate) fn pair(kind: Kind, names: &[&str]) -> PemPair {
    let (der, key) = certificate(kind, names);
    PemPair { chain: file("chain.pem", pem(&der)), key: file("key.pem", key) }
}

pub(crate) fn file(name: &str, text: String) -> PemFile {
    PemFile { name: name.into(), octets: text.into_bytes() }
}

/// A certificate in PEM.
pub(crate) fn pem(der: &[u8]) -> String {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::from("-----BEGIN CERTIFICATE-----\n");
    for line in der.chunks(48) {
        for part in line.chunks(3) {
            let word =
                part.iter().fold(0_usize, |word, &c| word << 8 | usize::from(c)) << (8 * (3 - part.len()));
            for place in 0..4 {
                let letter = ALPHABET[word >> (18 - 6 * place) & 63];
                text.push(if place <= part.len() { char::from(letter) } else { '=' });
            }
        }
        text.push('\n');
    }
    text + "-----END CERTIFICATE-----\n"
}

pub(crate) fn server(material: &Material) -> ServerContext {
    ServerContext::new(material, Clock::new(NOW)).unwrap().unwrap()
}

pub(crate) fn material(pairs: Vec<PemPair>) -> Material {
    Material { pairs, ..Material::default() }
}

pub(crate) fn client() -> ClientContext {
    ClientContext::without_roots(Clock::new(NOW)).unwrap()
}

/// Carries octets between the two until nothing moves; each gets at most `step` at once.
pub(crate) fn carry(one: &mut Session, other: &mut Session, step: usize) -> Result<(), Broken> {
    loop {
        let (mut there, mut back) = (Vec::new(), Vec::new());
        one.send(&mut there).unwrap();
        other.send(&mut back).unwrap();
        if there.is_empty() && back.is_empty() {
            return Ok(());
        }
        for (octets, taker) in [(there, &mut *other), (back, &mut *one)] {
            for part in octets.chunks(step) {
                taker.receive(part);
                if taker.is_handshaking() {
                    taker.read(&mut [])?;
                }
            }
        }
    }
}

/// Two that have shaken hands.
pub(crate) fn connect(client: &ClientContext, server: &ServerContext, name: &str) -> (Session, Session) {
    let (mut one, mut other) = (client.session(name).unwrap(), server.session().unwrap());
    carry(&mut one, &mut other, usize::MAX).unwrap();
    assert!(!one.is_handshaking() && !other.is_handshaking());
    (one, other)
}

/// Everything that there is to read.
pub(crate) fn read_all(session: &mut Session) -> Vec<u8> {
    let mut all = Vec::new();
    let mut room = [0; 1000];
    loop {
        let octets = session.read(&mut room).unwrap();
        all.extend_from_slice(&room[..octets]);
        if !session.has_more() {
            return all;
        }
    }
}
