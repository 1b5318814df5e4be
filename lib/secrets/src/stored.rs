//! Is this the password?

use crate::scram::Keys;
use argon2::{Algorithm, Argon2, Params, Version};
use base64ct::{Base64Unpadded, Encoding};
use farm::tables::StoredPassword;
use sha_crypt::password_hash::PasswordVerifier;
use sha_crypt::{PasswordHashRef, ShaCrypt};
use subtle::ConstantTimeEq;

/// A stored password cannot be compared with anything: it is damaged, or there is no memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the stored password cannot be compared")]
pub struct Incomparable;

/// Whether a prepared password is the stored one. This takes as long as whoever stored it wished: tens of milliseconds.
///
/// # Errors
/// [`Incomparable`]
pub fn is_password(password: &str, stored: &StoredPassword) -> Result<bool, Incomparable> {
    match stored {
        StoredPassword::Argon2id(hash) => argon2id(password, hash).ok_or(Incomparable),
        StoredPassword::ShaCrypt(hash) => sha_crypt(password, hash),
        StoredPassword::Scram(keys) => {
            let keys = Keys::read(keys).ok_or(Incomparable)?;
            Ok(Keys::derive(password, &keys.salt, keys.iterations).equal(&keys))
        }
        StoredPassword::None => Ok(false),
    }
}

/// Of several forms of a password, the one to compare with: the hardest to guess from.
pub fn best(passwords: &[StoredPassword]) -> Option<&StoredPassword> {
    passwords.iter().min_by_key(|password| match password {
        StoredPassword::Argon2id(_) => 0,
        StoredPassword::ShaCrypt(_) => 1,
        StoredPassword::Scram(_) => 2,
        StoredPassword::None => 3,
    })
}

fn argon2id(password: &str, hash: &str) -> Option<bool> {
    let fields: Vec<&str> = hash.split('$').collect();
    let ["", "argon2id", "v=19", parameters, salt, sum] = fields.as_slice() else { return None };
    let number = |name: &str| {
        let value = parameters.split(',').find_map(|part| part.strip_prefix(name)?.strip_prefix('='));
        value.and_then(|digits| digits.parse().ok())
    };
    let salt = Base64Unpadded::decode_vec(salt).ok()?;
    let sum = Base64Unpadded::decode_vec(sum).ok()?;
    let params = Params::new(number("m")?, number("t")?, number("p")?, Some(sum.len())).ok()?;
    let mut found = vec![0; sum.len()];
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    argon2.hash_password_into(password.as_bytes(), &salt, &mut found).ok()?;
    Some(found.ct_eq(&sum).into())
}

fn sha_crypt(password: &str, hash: &str) -> Result<bool, Incomparable> {
    let hash = PasswordHashRef::new(hash).map_err(|_| Incomparable)?;
    match ShaCrypt::default().verify_password(password.as_bytes(), hash) {
        Ok(()) => Ok(true),
        Err(sha_crypt::password_hash::Error::PasswordInvalid) => Ok(false),
        Err(_) => Err(Incomparable),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use StoredPassword as P;

    /// Made by argon2(1), `openssl passwd -5` and `-6`, of the password `sesame`.
    const ARGON: &str =
        "$argon2id$v=19$m=4096,t=2,p=1$c2FsdHNhbHQxMjM0NTY3OA$i///Lj0aOUvD5jFF6hI3rpYs11kdQEyIOoPeerOvuZk";
    const SHA256: &str = "$5$abcdefgh$4PbtPZdUc33o7LmNsM4HTsjYbIhyCeh4aCe.rEbHkq1";
    const SHA512: &str =
        "$6$abcdefgh$Bk2D4uYVcw0FbFPsWa0iJZ1DNfy8v6OjKcRcuBfMkWD1KdADPVnmQf5cr0O8HfAYpq1XrrjdgIRINkwgSKJ8/1";

    #[test]
    fn hashes_of_other_programs_are_understood() {
        let stored = [P::Argon2id(ARGON.into()), P::ShaCrypt(SHA256.into()), P::ShaCrypt(SHA512.into())];
        for stored in stored {
            assert_eq!(is_password("sesame", &stored), Ok(true), "{stored:?}");
            assert_eq!(is_password("Sesame", &stored), Ok(false), "{stored:?}");
            assert_eq!(is_password("", &stored), Ok(false), "{stored:?}");
        }
    }

    #[test]
    fn the_longer_example_of_sha_crypt_holds() {
        // From the specification of SHA-crypt, version 0.6: rounds and a salt of full length.
        let hash = "$6$rounds=10000$saltstringsaltst$OW1/O6BYHV6BcXZu8QVeXbDWra3Oeqh0sbHbbMCVNSnCM/UrjmM0Dp8vOuZeHBy/YTBmSK6H9qs/y3RnOaw5v.";
        assert_eq!(is_password("Hello world!", &P::ShaCrypt(hash.into())), Ok(true));
    }

    #[test]
    fn who_has_no_password_cannot_give_it() {
        assert_eq!(is_password("*", &P::None), Ok(false));
        assert_eq!(is_password("", &P::None), Ok(false));
    }

    #[test]
    fn a_damaged_hash_is_no_wrong_password() {
        for hash in
            ["$argon2id$v=19$m=8,t=1,p=1$!$x", "$argon2id$v=19$m=1,t=1,p=1$c2FsdHNhbHQ$c2FsdHNhbHQ", ""]
        {
            assert_eq!(is_password("x", &P::Argon2id(hash.into())), Err(Incomparable), "{hash}");
        }
        assert_eq!(is_password("x", &P::ShaCrypt("$6$".into())), Err(Incomparable));
    }
}
