//! Debian's tools, as a user would run them.

use std::path::PathBuf;

/// Finds a program; where it is missing, the test says what it skips, and fails if no skip is allowed.
///
/// # Panics
/// The program is missing and `GRANGE_NO_SKIP` is set.
pub fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var("PATH").unwrap_or_default();
    let directories = std::env::split_paths(&path).chain(["/usr/sbin".into(), "/sbin".into()]);
    let found = directories.map(|directory| directory.join(program)).find(|file| file.exists());
    if found.is_none() {
        assert!(std::env::var_os("GRANGE_NO_SKIP").is_none(), "{program} is not installed");
        eprintln!("skipped: {program} is not installed");
    }
    found
}
