//! A name server of its own for one test, and the port that is kept for it.

use crate::{tools, wait_for};
use std::io::{BufRead, BufReader};
use std::net::{TcpListener, UdpSocket};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};

/// `tests/harness/fakedns.py` with this table; ends when it is dropped.
#[derive(Debug)]
pub struct NameServer {
    child: Child,
    input: Option<ChildStdin>,
}

impl NameServer {
    /// Starts it at this port; `None` without Python.
    ///
    /// # Panics
    /// It does not come up.
    pub fn start(port: Port, table: &Path) -> Option<Self> {
        let number = port.number();
        drop(port);
        let python = tools::find("python3")?;
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("harness/fakedns.py");
        let mut child = Command::new(python)
            .arg(script)
            .args(["--port", &number.to_string()])
            .arg(table)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert!(line.contains(&number.to_string()), "it is ready: {line}");
        let input = child.stdin.take();
        Some(Self { child, input })
    }
}

impl Drop for NameServer {
    fn drop(&mut self) {
        drop(self.input.take());
        let _ended = self.child.wait();
    }
}

/// A port that is kept for a name server; until that starts, nobody answers there.
#[derive(Debug)]
pub struct Port(UdpSocket, TcpListener);

impl Port {
    /// Reserves one.
    pub fn reserve() -> Self {
        wait_for("a port that is free for both", || {
            let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
            let listener = TcpListener::bind(socket.local_addr().unwrap()).ok()?;
            Some(Self(socket, listener))
        })
    }

    /// Its number.
    pub fn number(&self) -> u16 {
        assert_eq!(self.0.local_addr().unwrap(), self.1.local_addr().unwrap());
        self.0.local_addr().unwrap().port()
    }
}
