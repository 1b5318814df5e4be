//! The arithmetic of SCRAM-SHA-256: keys from a password, proof and signature from keys.
//!
//! Source: RFC 5802 section 3, RFC 7677.

use crate::encoding;
use farm::tables::ScramKeys;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use std::fmt;
use subtle::ConstantTimeEq;

/// Octets of a key, a proof, a signature.
const LENGTH: usize = 32;

/// What a server keeps of a password.
#[derive(Clone, PartialEq, Eq)]
pub struct Keys {
    /// Iterations of PBKDF2.
    pub iterations: u32,
    /// The salt.
    pub salt: Vec<u8>,
    stored: [u8; LENGTH],
    server: [u8; LENGTH],
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys").field("iterations", &self.iterations).finish_non_exhaustive()
    }
}

impl Keys {
    /// The keys of a prepared password.
    pub fn derive(password: &str, salt: &[u8], iterations: u32) -> Self {
        let mut salted = [0; LENGTH];
        pbkdf2::pbkdf2_hmac::<Sha256>(password.as_bytes(), salt, iterations, &mut salted);
        let stored = Sha256::digest(sign(&salted, b"Client Key")).into();
        Self { iterations, salt: salt.to_vec(), stored, server: sign(&salted, b"Server Key") }
    }

    /// The keys that a line of the users file holds; `None` if they are damaged.
    pub fn read(keys: &ScramKeys) -> Option<Self> {
        let key = |text: &str| encoding::decode(text)?.try_into().ok();
        let (stored, server) = (key(&keys.stored)?, key(&keys.server)?);
        Some(Self { iterations: keys.iterations, salt: encoding::decode(&keys.salt)?, stored, server })
    }

    /// Keys that fit no password, but are always the same for a name: what an unknown user has.
    pub fn decoy(secret: &[u8], name: &str, salt_length: usize, iterations: u32) -> Self {
        let draw = |what: &str| sign(secret, format!("{what} {name}").as_bytes());
        let salt = draw("salt").into_iter().chain(draw("more salt")).take(salt_length).collect();
        Self { iterations, salt, stored: draw("stored"), server: draw("server") }
    }

    /// As the users file has them, behind `{SCRAM-SHA-256}`.
    pub fn text(&self) -> String {
        let [salt, stored, server] = [&self.salt[..], &self.stored, &self.server].map(encoding::encode);
        format!("{},{salt},{stored},{server}", self.iterations)
    }

    /// Both keys are those of the same password.
    pub fn equal(&self, other: &Self) -> bool {
        bool::from(self.stored.ct_eq(&other.stored) & self.server.ct_eq(&other.server))
    }

    /// Whether a client that gives this proof knows the password.
    pub fn proves(&self, message: &[u8], proof: &[u8]) -> bool {
        let signature = sign(&self.stored, message);
        let key: Vec<u8> = signature.iter().zip(proof).map(|(a, b)| a ^ b).collect();
        let stored = Sha256::digest(&key);
        proof.len() == LENGTH && bool::from(self.stored.ct_eq(stored.as_slice()))
    }

    /// What proves to the client that we know the keys.
    pub fn signature(&self, message: &[u8]) -> Vec<u8> {
        sign(&self.server, message).to_vec()
    }
}

/// The client's part: what proves that it knows a prepared password.
pub fn prove(password: &str, salt: &[u8], iterations: u32, message: &[u8]) -> Vec<u8> {
    let mut salted = [0; LENGTH];
    pbkdf2::pbkdf2_hmac::<Sha256>(password.as_bytes(), salt, iterations, &mut salted);
    let key = sign(&salted, b"Client Key");
    let signature = sign(Sha256::digest(key).as_slice(), message);
    key.iter().zip(signature).map(|(a, b)| a ^ b).collect()
}

/// HMAC-SHA-256.
pub fn sign(key: &[u8], message: &[u8]) -> [u8; LENGTH] {
    // A key of any length is one; were it not, an empty one would fit no proof.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return [0; LENGTH] };
    mac.update(message);
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SALT: &str = "W22ZaJ0SNY7soEsUEjb6gQ==";
    const MESSAGE: &str = "n=user,r=rOprNGfwEbeRWgbNEkqO,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
    const PROOF: &str = "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
    const SIGNATURE: &str = "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=";

    fn keys() -> Keys {
        Keys::derive("pencil", &encoding::decode(SALT).unwrap(), 4096)
    }

    #[test]
    fn the_example_of_rfc_7677_holds() {
        let keys = keys();
        assert!(keys.proves(MESSAGE.as_bytes(), &encoding::decode(PROOF).unwrap()));
        assert_eq!(encoding::encode(&keys.signature(MESSAGE.as_bytes())), SIGNATURE);
        let proof = prove("pencil", &keys.salt, 4096, MESSAGE.as_bytes());
        assert_eq!(encoding::encode(&proof), PROOF);
    }

    #[test]
    fn another_message_or_proof_is_no_proof() {
        let keys = keys();
        let mut proof = encoding::decode(PROOF).unwrap();
        assert!(!keys.proves(b"n=user", &proof));
        proof[31] ^= 1;
        assert!(!keys.proves(MESSAGE.as_bytes(), &proof));
        assert!(!keys.proves(MESSAGE.as_bytes(), &proof[..31]));
        assert!(!keys.proves(MESSAGE.as_bytes(), &[]));
    }

    #[test]
    fn keys_read_back_as_themselves() {
        let keys = keys();
        let text = keys.text();
        let fields: Vec<&str> = text.split(',').collect();
        let [_, salt, stored, server] = fields[..] else { panic!("{text}") };
        let [salt, stored, server] = [salt, stored, server].map(str::to_owned);
        let read = Keys::read(&ScramKeys { iterations: 4096, salt, stored, server }).unwrap();
        assert!(read == keys && read.equal(&keys));
    }

    #[test]
    fn a_decoy_is_the_same_each_time_and_another_for_each_name() {
        let decoy = |name| Keys::decoy(b"secret", name, 16, 4096);
        assert!(decoy("eve").equal(&decoy("eve")) && decoy("eve").salt.len() == 16);
        assert!(!decoy("eve").equal(&decoy("bob")) && decoy("eve").salt != decoy("bob").salt);
    }
}
