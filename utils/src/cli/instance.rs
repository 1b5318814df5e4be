//! Which Grange is meant: the installed one, or the one below a directory.

use farm::config::{Config, Paths, Problem};
use farm::exit::{Exit, Fatal};
use std::path::{Path, PathBuf};

/// Environment variable that names a directory as `--root` does.
pub(crate) const ROOT_VARIABLE: &str = "GRANGE_ROOT";

/// Where one Grange has its things.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Instance {
    /// The directory of `--root`, absolute; none for the installed one.
    pub(crate) root: Option<PathBuf>,
    /// The configuration file.
    pub(crate) file: PathBuf,
    /// The directories.
    pub(crate) paths: Paths,
}

impl Instance {
    /// The instance below `root`; without one, below the directory in [`ROOT_VARIABLE`]; without that, the installed one.
    ///
    /// # Errors
    /// The current directory is gone, so that a relative root means nothing.
    pub(crate) fn find(root: Option<PathBuf>) -> Result<Self, Fatal> {
        let named =
            root.or_else(|| std::env::var_os(ROOT_VARIABLE).filter(|v| !v.is_empty()).map(PathBuf::from));
        let Some(root) = named else { return Ok(Self::installed()) };
        let root =
            std::path::absolute(&root).map_err(Fatal::doing(Exit::Usage, root.display().to_string()))?;
        let program = std::env::current_exe().ok();
        Ok(Self::below(root, program.as_deref()))
    }

    fn installed() -> Self {
        let paths = Paths {
            etc: "/etc/grange".into(),
            spool: "/var/spool/grange".into(),
            run: "/run/grange".into(),
            libexec: "/usr/libexec/grange".into(),
        };
        Self { root: None, file: paths.etc.join("grange.toml"), paths }
    }

    /// The programs lie below the root; in a build tree they lie beside the program that runs.
    fn below(root: PathBuf, program: Option<&Path>) -> Self {
        let own = root.join("libexec");
        let libexec = match program.and_then(Path::parent) {
            Some(directory) if !own.exists() => directory.join("libexec"),
            _ => own,
        };
        let (etc, spool, run) = (root.join("etc"), root.join("spool"), root.join("run"));
        Self { file: etc.join("grange.toml"), paths: Paths { etc, spool, run, libexec }, root: Some(root) }
    }

    /// Reads the configuration, and looks at no table.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub(crate) fn read(&self) -> Result<Config, Vec<Problem>> {
        Config::read(&self.file, &self.paths, &system_hostname())
    }

    /// Reads the configuration, and checks the tables that it names.
    ///
    /// # Errors
    /// Everything that is wrong with any of them.
    pub(crate) fn load(&self) -> Result<Config, Vec<Problem>> {
        Config::load(&self.file, &self.paths, &system_hostname())
    }

    /// The directory of the spool: where the configuration puts it, if it can be read.
    pub(crate) fn spool(&self) -> PathBuf {
        self.read().map_or_else(|_| self.paths.spool.clone(), |config| config.common.paths.spool)
    }

    /// The control socket.
    pub(crate) fn control(&self) -> PathBuf {
        self.paths.run.join("control")
    }

    /// The socket for local submission.
    pub(crate) fn submit(&self) -> PathBuf {
        self.paths.run.join("submit")
    }
}

/// The name of this host as the system knows it.
pub(crate) fn system_hostname() -> String {
    sys::process::hostname().unwrap_or_else(|_| "localhost".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_root_holds_everything() {
        let scratch = tempfile::tempdir().unwrap();
        let root = scratch.path().to_owned();
        let instance = Instance::below(root.clone(), Some(Path::new("/build/debug/grange")));
        assert_eq!(instance.file, root.join("etc/grange.toml"));
        assert_eq!(instance.control(), root.join("run/control"));
        assert_eq!(instance.paths.libexec, Path::new("/build/debug/libexec"));
    }

    #[test]
    fn a_root_may_bring_its_own_programs() {
        let scratch = tempfile::tempdir().unwrap();
        let root = scratch.path().to_owned();
        std::fs::create_dir(root.join("libexec")).unwrap();
        let instance = Instance::below(root.clone(), Some(Path::new("/build/debug/grange")));
        assert_eq!(instance.paths.libexec, root.join("libexec"));
    }
}
