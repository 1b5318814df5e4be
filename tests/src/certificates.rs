//! Certificates for tests, made by `openssl` as an administrator would.

use crate::tools;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A self-signed certificate and its key.
#[derive(Debug, Clone)]
pub struct Certificate {
    /// The chain: one certificate.
    pub chain: PathBuf,
    /// Its key.
    pub key: PathBuf,
}

impl Certificate {
    /// Makes one for `host`, a name or an address, in `directory`; `kind` is `rsa`, `p256` or `ed25519`. Existing files are
    /// replaced in one step. As its own authority it proves itself, and nobody else.
    ///
    /// `None` where `openssl` is missing, as [`tools::find`] says.
    pub fn make(directory: &Path, host: &str, kind: &str) -> Option<Self> {
        let openssl = tools::find("openssl")?;
        let algorithm: &[&str] = match kind {
            "rsa" => &["-newkey", "rsa:2048"],
            "p256" => &["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"],
            "ed25519" => &["-newkey", "ed25519"],
            _ => panic!("no such kind of key: {kind}"),
        };
        let name = if host.parse::<std::net::IpAddr>().is_ok() { "IP" } else { "DNS" };
        let (chain, key) = (directory.join(format!("{host}.pem")), directory.join(format!("{host}.key")));
        let (new_chain, new_key) = (chain.with_extension("pem.new"), key.with_extension("key.new"));
        let made = Command::new(openssl)
            .args(["req", "-x509", "-nodes", "-days", "30", "-subj", &format!("/CN={host}")])
            .args(["-addext", &format!("subjectAltName={name}:{host}")])
            .args(["-addext", "basicConstraints=critical,CA:FALSE"])
            .args(algorithm)
            .arg("-out")
            .arg(&new_chain)
            .arg("-keyout")
            .arg(&new_key)
            .stderr(Stdio::null())
            .status()
            .unwrap();
        assert!(made.success(), "openssl makes no {kind} certificate");
        std::fs::rename(new_key, &key).unwrap();
        std::fs::rename(new_chain, &chain).unwrap();
        Some(Self { chain, key })
    }

    /// The value of a pair in `certificates`.
    pub fn pair(&self) -> String {
        format!("{} {}", self.chain.display(), self.key.display())
    }
}
