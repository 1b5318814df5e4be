//! The files of `[tls]`: read, checked, and told whether they are still the same.
//!
//! Whoever runs this may read the keys; they travel on as a [`Material`]. Decides nothing about TLS: [`tls`] does.

use farm::config::{Config, Paths, Tls};
use farm::tables::{Stamp, stamp};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use tls::{Clock, Material, PemFile, PemPair, ServerContext, TicketKeys, TlsError, Version, Warning};

/// Permission bits by which anybody on this host may read a file.
const ANYBODY: u32 = 0o004;

/// Reads the files that the configuration names, and checks that they can be used at this time (seconds since 1970).
/// With them comes what is dubious about them.
///
/// # Errors
/// The first file that cannot be used, with the cure.
pub(crate) fn read(
    config: &Config,
    tickets: &TicketKeys,
    now: u64,
) -> Result<(Material, Vec<Warning>), TlsError> {
    let (tls, paths) = (&config.tls, &config.common.paths);
    let mut pairs = Vec::new();
    for (chain, key) in pairs_of(tls, paths) {
        pairs.push(PemPair { chain: PemFile::read(&chain)?, key: PemFile::read(&key)? });
    }
    let rotation = tls.session_tickets / 1000;
    let material = Material {
        pairs,
        client_ca: tls.client_ca.as_deref().map(PemFile::read).transpose()?,
        min_version: if tls.min_version == "1.3" { Version::V13 } else { Version::V12 },
        tickets: (rotation > 0).then(|| tickets.rotating(rotation)),
    };
    let context = ServerContext::new(&material, Clock::new(now))?;
    let mut warnings = context.map_or_else(Vec::new, |context| context.warnings().to_vec());
    warnings.extend(pairs_of(tls, paths).filter_map(|(_, key)| open_to_all(&key)));
    Ok((material, warnings))
}

/// The states of all files that the configuration names, with their names; symbolic links are followed. `None` for a file
/// that cannot be looked at.
pub(crate) fn stamps(config: &Config) -> Vec<(PathBuf, Option<Stamp>)> {
    let pairs = pairs_of(&config.tls, &config.common.paths).flat_map(|(chain, key)| [chain, key]);
    let files = pairs.chain(config.tls.client_ca.clone());
    files.map(|file| (file.clone(), stamp(&file))).collect()
}

fn pairs_of(tls: &Tls, paths: &Paths) -> impl Iterator<Item = (PathBuf, PathBuf)> {
    tls.certificates.iter().map(|pair| (paths.etc.join(&pair.chain), paths.etc.join(&pair.key)))
}

fn open_to_all(key: &Path) -> Option<Warning> {
    let facts = std::fs::metadata(key).ok().filter(|facts| facts.mode() & ANYBODY != 0)?;
    let why = format!("anybody may read this key (mode {:04o}); `chmod 600` it", facts.mode() & 0o7777);
    Some(Warning { file: key.display().to_string(), why })
}
