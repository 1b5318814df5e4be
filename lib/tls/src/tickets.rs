//! Session tickets that every process with the same secret can open (RFC 5077, RFC 8446 section 4.6.1).
//!
//! Time is cut into periods; the key of a period is derived from the secret and its number (HKDF, RFC 5869), so nothing
//! is stored and nobody has to agree on anything. A ticket is the period's number, a nonce, and what the library sealed
//! with AES-256-GCM, the number authenticated with it. Tickets of this period and of the one before are opened, unless
//! the certificates have changed since: what a session was told of them must still be true when it is resumed.

use crate::clock::Clock;
use crate::material::TicketKeys;
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::{hkdf, rand};
use rustls::server::ProducesTickets;

/// What the key is for; it separates it from any other use of the secret.
const PURPOSE: &[u8] = b"session tickets";

/// Octets of a period's number.
const NUMBER: usize = 8;

/// Seals and opens tickets.
#[derive(Debug)]
pub(crate) struct Tickets {
    keys: TicketKeys,
    /// What the certificates in use are known by.
    certificates: [u8; 32],
    clock: Clock,
}

impl Tickets {
    pub(crate) fn new(keys: TicketKeys, certificates: [u8; 32], clock: Clock) -> Self {
        Self { keys, certificates, clock }
    }

    fn period(&self) -> u64 {
        self.clock.seconds() / self.keys.rotation.max(1)
    }

    fn key(&self, period: &[u8; NUMBER]) -> Option<LessSafeKey> {
        let secret = hkdf::Salt::new(hkdf::HKDF_SHA256, PURPOSE).extract(&self.keys.secret);
        let mut key = [0; 32];
        let info: [&[u8]; 2] = [period, &self.certificates];
        secret.expand(&info, &AES_256_GCM).ok()?.fill(&mut key).ok()?;
        Some(LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &key).ok()?))
    }
}

impl ProducesTickets for Tickets {
    fn enabled(&self) -> bool {
        true
    }

    fn lifetime(&self) -> u32 {
        u32::try_from(self.keys.rotation).unwrap_or(u32::MAX)
    }

    fn encrypt(&self, plain: &[u8]) -> Option<Vec<u8>> {
        let number = self.period().to_be_bytes();
        let mut nonce = [0; NONCE_LEN];
        rand::fill(&mut nonce).ok()?;
        let mut sealed = plain.to_vec();
        let key = self.key(&number)?;
        key.seal_in_place_append_tag(
            Nonce::assume_unique_for_key(nonce),
            Aad::from(number.as_slice()),
            &mut sealed,
        )
        .ok()?;
        Some([number.as_slice(), &nonce, &sealed].concat())
    }

    fn decrypt(&self, ticket: &[u8]) -> Option<Vec<u8>> {
        let (number, rest) = ticket.split_first_chunk::<NUMBER>()?;
        let (nonce, sealed) = rest.split_first_chunk::<NONCE_LEN>()?;
        let (now, then) = (self.period(), u64::from_be_bytes(*number));
        if then != now && then.checked_add(1) != Some(now) {
            return None;
        }
        let mut sealed = sealed.to_vec();
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let plain = self.key(number)?.open_in_place(nonce, Aad::from(number.as_slice()), &mut sealed).ok()?;
        Some(plain.to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OURS: [u8; 32] = [1; 32];

    #[test]
    fn a_ticket_is_opened_by_all_who_share_the_secret_and_not_after_the_next_period() {
        let keys = TicketKeys::draw(100).unwrap();
        let (here, there) = (Clock::new(1_000), Clock::new(1_099));
        let (one, other) =
            (Tickets::new(keys.clone(), OURS, here), Tickets::new(keys.clone(), OURS, there.clone()));
        let ticket = one.encrypt(b"a session").unwrap();
        assert_eq!(other.decrypt(&ticket).as_deref(), Some(b"a session".as_slice()));
        let renewed = Tickets::new(keys, [2; 32], there.clone());
        assert_eq!(renewed.decrypt(&ticket), None, "the certificates are others");
        there.tell(1_199);
        assert!(other.decrypt(&ticket).is_some(), "the period before is taken");
        there.tell(1_200);
        assert_eq!(other.decrypt(&ticket), None);
    }

    #[test]
    fn a_ticket_that_was_touched_cut_or_made_elsewhere_is_not_opened() {
        let tickets = Tickets::new(TicketKeys::draw(100).unwrap(), OURS, Clock::new(1_000));
        let ticket = tickets.encrypt(b"a session").unwrap();
        for at in 0..ticket.len() {
            let mut touched = ticket.clone();
            touched[at] ^= 1;
            assert_eq!(tickets.decrypt(&touched), None, "octet {at}");
            assert_eq!(tickets.decrypt(&ticket[..at]), None, "{at} octets");
        }
        let stranger = Tickets::new(TicketKeys::draw(100).unwrap(), OURS, Clock::new(1_000));
        assert_eq!(stranger.decrypt(&ticket), None);
        assert_ne!(tickets.encrypt(b"a session").unwrap(), ticket, "each has a nonce of its own");
    }
}
