//! The certificates of this host, and which one a client gets.

use crate::material::{PemFile, PemPair};
use crate::provider::provider;
use crate::{Certificate, TlsError, Warning};
use aws_lc_rs::digest::{Context, SHA256};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{Error, InconsistentKeys};
use std::sync::{Arc, OnceLock};

/// A certificate with its key.
#[derive(Debug)]
pub(crate) struct Identity {
    key: Arc<CertifiedKey>,
    /// Its host names, in lower case.
    hosts: Vec<String>,
    /// The channel binding `tls-server-end-point`.
    pub(crate) end_point: Option<Vec<u8>>,
    fingerprint: [u8; 32],
}

/// All of them in the order of the configuration; the first is the default.
#[derive(Debug)]
pub(crate) struct Identities(Vec<Identity>);

/// Chooses for one session and remembers what it chose.
#[derive(Debug)]
pub(crate) struct Chooser {
    pub(crate) identities: Arc<Identities>,
    chosen: OnceLock<usize>,
}

/// All certificates in a file.
///
/// # Errors
/// There is none, or one cannot be understood.
pub(crate) fn certificates(file: &PemFile) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let bad = |why: &str| TlsError::file(&file.name, why);
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&file.octets).collect();
    let all = read.map_err(|_| bad("the PEM in it is damaged; fetch the file again"))?;
    if all.is_empty() {
        return Err(bad("there is no certificate in it; it must hold \"BEGIN CERTIFICATE\" in PEM"));
    }
    Ok(all)
}

impl Identity {
    /// Reads a pair and notes in `warnings` what is dubious at this time.
    fn new(pair: &PemPair, now: u64, warnings: &mut Vec<Warning>) -> Result<Self, TlsError> {
        let chain = certificates(&pair.chain)?;
        let first = chain.first().and_then(|first| Certificate::read(first));
        let Some(first) = first else {
            return Err(TlsError::file(&pair.chain.name, "its first certificate is none of X.509"));
        };
        let key = certified(chain, pair)?;
        let mut warn = |why: String| warnings.push(Warning { file: pair.chain.name.clone(), why });
        if now > first.not_after {
            warn(format!("expired {} days ago; renew it", (now - first.not_after) / 86_400));
        } else if now < first.not_before {
            warn("is not valid yet; look at the clock".into());
        }
        if first.hosts.is_empty() {
            warn("names no host in its alternative names; clients will not accept it".into());
        }
        let Certificate { hosts, end_point, fingerprint, .. } = first;
        Ok(Self { key: Arc::new(key), hosts, end_point, fingerprint })
    }
}

fn certified(chain: Vec<CertificateDer<'static>>, pair: &PemPair) -> Result<CertifiedKey, TlsError> {
    let bad = |why: String| TlsError::file(&pair.key.name, why);
    let key = PrivateKeyDer::from_pem_slice(&pair.key.octets).map_err(|_| {
        let sealed = pair.key.octets.windows(9).any(|part| part == b"ENCRYPTED");
        bad(if sealed {
            "the key is encrypted; write it out with `openssl pkey -in FILE -out FILE`".into()
        } else {
            "there is no private key in it; it must hold \"BEGIN PRIVATE KEY\" in PEM".into()
        })
    })?;
    CertifiedKey::from_der(chain, key, &provider()).map_err(|error| match error {
        Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => bad(format!(
            "the key does not belong to the first certificate of {}; name the two that were made together",
            pair.chain.name
        )),
        _ => bad("the key is of no use; make one of RSA (2048 bits or more), P-256 or Ed25519".into()),
    })
}

impl Identities {
    /// Reads all pairs, and what is dubious about them at this time.
    ///
    /// # Errors
    /// The first that cannot be used.
    pub(crate) fn new(pairs: &[PemPair], now: u64) -> Result<(Self, Vec<Warning>), TlsError> {
        let mut warnings = Vec::new();
        let all: Result<Vec<_>, _> =
            pairs.iter().map(|pair| Identity::new(pair, now, &mut warnings)).collect();
        Ok((Self(all?), warnings))
    }

    /// What all of them together are known by.
    pub(crate) fn digest(&self) -> [u8; 32] {
        let mut context = Context::new(&SHA256);
        self.0.iter().for_each(|identity| context.update(&identity.fingerprint));
        let mut digest = [0; 32];
        digest.copy_from_slice(context.finish().as_ref());
        digest
    }

    pub(crate) fn get(&self, index: usize) -> Option<&Identity> {
        self.0.get(index)
    }

    /// The place of the certificate for this name: one that names it, else one whose `*.` covers it, else the first;
    /// of several the first that `fits`.
    fn choose(&self, name: Option<&str>, fits: impl Fn(&CertifiedKey) -> bool) -> Option<usize> {
        let name = name.map(|name| name.trim_end_matches('.').to_ascii_lowercase());
        let star =
            name.as_ref().and_then(|name| name.split_once('.')).map(|(_, parent)| format!("*.{parent}"));
        let find = |wanted: &dyn Fn(&Identity) -> bool| {
            self.0.iter().position(|identity| wanted(identity) && fits(&identity.key))
        };
        let names = |wanted: &Option<String>| {
            wanted.as_ref().and_then(|wanted| find(&|identity| identity.hosts.contains(wanted)))
        };
        names(&name).or_else(|| names(&star)).or_else(|| find(&|_| true))
    }
}

impl Chooser {
    pub(crate) fn new(identities: &Arc<Identities>) -> Self {
        Self { identities: Arc::clone(identities), chosen: OnceLock::new() }
    }

    /// The one that was chosen.
    pub(crate) fn chosen(&self) -> Option<&Identity> {
        self.identities.get(*self.chosen.get()?)
    }
}

impl ResolvesServerCert for Chooser {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let fits = |key: &CertifiedKey| key.key.choose_scheme(hello.signature_schemes()).is_some();
        let index = self.identities.choose(hello.server_name(), fits)?;
        // After a HelloRetryRequest it is asked again, with the same hello but for its key share.
        let _the_same = self.chosen.set(index);
        self.identities.get(index).map(|identity| Arc::clone(&identity.key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::world::{Kind, pair};
    use rustls::{SignatureAlgorithm, SignatureScheme};

    const NOW: u64 = 1_700_000_000;

    fn identities() -> Identities {
        let pairs = [
            pair(Kind::P256, &["mail.example.org"]),
            pair(Kind::Rsa, &["mail.example.org"]),
            pair(Kind::P256, &["*.example.org", "example.net"]),
        ];
        Identities::new(&pairs, NOW).unwrap().0
    }

    #[test]
    fn a_name_is_found_exactly_then_by_its_star_then_the_first_counts() {
        let all = identities();
        let choose = |name| all.choose(name, |_| true).unwrap();
        assert_eq!(choose(Some("MAIL.example.org")), 0);
        assert_eq!(choose(Some("other.example.org.")), 2);
        assert_eq!(choose(Some("example.net")), 2);
        assert_eq!(choose(Some("a.b.example.org")), 0, "a star stands for one label");
        assert_eq!(choose(None), 0);
    }

    #[test]
    fn of_several_for_one_name_the_one_that_the_client_can_verify_is_taken() {
        let all = identities();
        let rsa_only = |key: &CertifiedKey| key.key.algorithm() == SignatureAlgorithm::RSA;
        assert_eq!(all.choose(Some("mail.example.org"), rsa_only), Some(1));
        let schemes = [SignatureScheme::ED25519];
        assert_eq!(all.choose(None, |key| key.key.choose_scheme(&schemes).is_some()), None);
    }

    #[test]
    fn a_pair_that_does_not_fit_or_is_no_pair_is_refused_with_the_file_and_the_cure() {
        let (one, other) = (pair(Kind::P256, &["a.example"]), pair(Kind::P256, &["a.example"]));
        let refused = |pair: PemPair| Identities::new(&[pair], NOW).unwrap_err().to_string();
        let mixed = PemPair { chain: one.chain.clone(), key: other.key };
        assert_eq!(
            refused(mixed),
            "key.pem: the key does not belong to the first certificate of chain.pem; name the two that were made together"
        );
        let swapped = PemPair { chain: one.key.clone(), key: one.chain.clone() };
        assert!(refused(swapped).starts_with("key.pem: there is no certificate in it"));
        let mut damaged = one.clone();
        damaged.key.octets =
            b"-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n".to_vec();
        assert!(refused(damaged).starts_with("key.pem: the key is encrypted; write it out with"));
    }

    #[test]
    fn an_expired_certificate_is_taken_with_a_warning() {
        let pair = pair(Kind::P256, &["a.example"]);
        let (_, warnings) = Identities::new(&[pair], 95_617_584_000).unwrap();
        assert!(warnings[0].why.starts_with("expired "), "{warnings:?}");
    }
}
