//! A name server that answers from a table, for tests.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// A running name server; it ends when this is dropped.
pub(crate) struct FakeDns {
    child: Child,
    directory: tempfile::TempDir,
    /// Where it listens.
    pub(crate) address: SocketAddr,
}

impl FakeDns {
    /// Starts one with this table.
    pub(crate) fn start(table: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("table");
        std::fs::write(&path, table).unwrap();
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/harness/fakedns.py");
        let mut child = Command::new("python3")
            .arg(script)
            .arg("--log")
            .arg(directory.path().join("log"))
            .arg(path)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3 is needed for this test");
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().replace(' ', ":").parse().expect("the fake name server says where it is");
        Self { child, directory, address }
    }

    /// Replaces the table.
    pub(crate) fn rewrite(&self, table: &str) {
        let new = self.directory.path().join("new");
        std::fs::write(&new, table).unwrap();
        std::fs::rename(new, self.directory.path().join("table")).unwrap();
    }

    /// The questions so far, as `udp example.test MX`.
    pub(crate) fn questions(&self) -> Vec<String> {
        let log: PathBuf = self.directory.path().join("log");
        std::fs::read_to_string(log).unwrap().lines().map(str::to_owned).collect()
    }

    /// How often exactly this was asked, over UDP.
    pub(crate) fn asked(&self, question: &str) -> usize {
        let question = format!("udp {question}");
        self.questions().iter().filter(|line| **line == question).count()
    }
}

impl Drop for FakeDns {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}
