//! New lines for the users file.

use crate::scram::Keys;
use argon2::{Algorithm, Argon2, Params, Version};
use base64ct::{Base64Unpadded, Encoding};

/// Octets of a salt.
const SALT: usize = 16;

/// Memory in KiB, passes and lanes of argon2id: what OWASP advises at least for a server.
const ARGON2: (u32, u32, u32) = (19 * 1024, 2, 1);

/// Iterations of SCRAM: RFC 7677 section 4 asks for at least 4,096; more cost the client, too.
const ITERATIONS: u32 = 15_000;

/// Why no line could be made.
#[derive(Debug, thiserror::Error)]
pub enum MakeError {
    /// The system gives no random numbers.
    #[error("no random numbers: {0}")]
    Random(#[from] getrandom::Error),
    /// There is no memory.
    #[error("argon2id: {0}")]
    Argon2(argon2::Error),
}

/// The lines of a user with a prepared password: one for PLAIN and LOGIN, one for SCRAM.
///
/// # Errors
/// The system has no random numbers or no memory.
pub fn lines(name: &str, password: &str) -> Result<[String; 2], MakeError> {
    Ok([
        format!("{name}:{}", argon2id(password, &salt()?)?),
        format!("{name}:{{SCRAM-SHA-256}}{}", Keys::derive(password, &salt()?, ITERATIONS).text()),
    ])
}

/// Random octets: for salts, nonces, secrets.
///
/// # Errors
/// The system has none.
pub fn random<const N: usize>() -> Result<[u8; N], getrandom::Error> {
    let mut octets = [0; N];
    getrandom::fill(&mut octets)?;
    Ok(octets)
}

fn salt() -> Result<[u8; SALT], getrandom::Error> {
    random()
}

fn argon2id(password: &str, salt: &[u8]) -> Result<String, MakeError> {
    let (memory, passes, lanes) = ARGON2;
    let params = Params::new(memory, passes, lanes, None).map_err(MakeError::Argon2)?;
    let mut sum = [0; Params::DEFAULT_OUTPUT_LEN];
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    argon2.hash_password_into(password.as_bytes(), salt, &mut sum).map_err(MakeError::Argon2)?;
    let [salt, sum] = [salt, &sum].map(Base64Unpadded::encode_string);
    Ok(format!("$argon2id$v=19$m={memory},t={passes},p={lanes}${salt}${sum}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stored::is_password;
    use farm::tables::Users;
    use std::path::Path;

    #[test]
    fn what_is_made_is_read_and_is_the_password_in_both_forms() {
        let text = lines("ann", "open sesame").unwrap().join("\n");
        let (users, problems) = Users::parse(text.as_bytes(), Path::new("users"));
        assert_eq!(problems, []);
        let ann = users.get("ann").unwrap();
        assert_eq!(ann.passwords.len(), 2);
        for stored in &ann.passwords {
            assert_eq!(is_password("open sesame", stored), Ok(true));
            assert_eq!(is_password("open sesam", stored), Ok(false));
        }
    }

    #[test]
    fn the_same_password_gives_other_lines_each_time() {
        assert_ne!(lines("ann", "x").unwrap(), lines("ann", "x").unwrap());
    }
}
