//! A Grange of its own for one test.

use crate::{Client, wait_for};
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use tempfile::TempDir;

/// The directory of the programs under test.
pub fn programs() -> PathBuf {
    let mut directory = std::env::current_exe().unwrap();
    directory.pop();
    if directory.ends_with("deps") {
        directory.pop();
    }
    assert!(
        directory.join("libexec/smtpserver").exists(),
        "the programs are not laid out in {}; run `make build` first",
        directory.display()
    );
    directory
}

/// The user to whom these tests deliver: the current one, or for root an ordinary system user.
pub fn local_user() -> String {
    let name = Command::new("id").arg("-un").output().unwrap();
    let name = String::from_utf8(name.stdout).unwrap().trim().to_owned();
    if name == "root" { "games".into() } else { name }
}

/// A running Grange in a root of its own.
#[derive(Debug)]
pub struct Grange {
    root: TempDir,
    supervisor: Option<Child>,
    /// The port on which it listens, at 127.0.0.1; the first one if there are several.
    pub port: u16,
    /// All its ports, in the order of `listen`.
    pub ports: Vec<u16>,
    /// Descriptors that each of its programs may have, if not as many as the system allows.
    pub open_files: Option<u32>,
}

/// What the configuration of a test says unless it says otherwise.
const COMMON: &str = r#"
hostname = "mail.example.org"
local-domains = ["example.org"]
user = "root"
journal = "ROOT/journal"
[channel.mailbox]
path = "ROOT/mail/%u/"
[dns]
nameservers = ["127.0.0.1:9"]
timeout = "500ms"
attempts = 1
"#;

impl Grange {
    /// Starts one with the usual configuration and `more` of it; `ROOT` stands for the root directory. A section
    /// that `more` opens must not be one of the usual ones.
    pub fn start(more: &str) -> Self {
        let mut grange = Self::prepare(more);
        grange.go();
        grange
    }

    /// Starts one whose mail for everybody else goes to this port of 127.0.0.1.
    pub fn relaying_to(port: u16, more: &str) -> Self {
        Self::start(&format!("[router]\nroutes = {{ \".\" = \"smtp!127.0.0.1:{port}\" }}\n{more}"))
    }

    /// Makes the root and the configuration without starting anything.
    pub fn prepare(more: &str) -> Self {
        let root = tempfile::Builder::new().prefix("grange-test.").tempdir().unwrap();
        // The mailbox agent acts as the recipient, who must be able to pass.
        open_to_all(root.path());
        let grange = Self { root, supervisor: None, port: 0, ports: Vec::new(), open_files: None };
        let path = grange.root.path();
        std::fs::create_dir(path.join("etc")).unwrap();
        let user = local_user();
        let mail = path.join("mail");
        std::fs::create_dir_all(mail.join(&user)).unwrap();
        open_to_all(&mail);
        let given = Command::new("chown").arg(&user).arg(mail.join(&user)).status().unwrap();
        assert!(given.success());
        grange.configure(more);
        grange
    }

    /// Writes the configuration anew.
    pub fn configure(&self, more: &str) {
        let mut text = COMMON.to_owned();
        if !is_root() {
            text = text.replace("user = \"root\"\n", "");
        }
        if !more.contains("[smtpserver]") {
            text.push_str("[smtpserver]\nlisten = [\"127.0.0.1:0\"]\n");
        }
        text.push_str(more);
        let text = text.replace("ROOT", &self.root.path().display().to_string());
        std::fs::write(self.root.path().join("etc/grange.toml"), text).unwrap();
    }

    /// Starts the supervisor and waits until all is ready.
    pub fn go(&mut self) {
        let stderr =
            std::fs::File::options().create(true).append(true).open(self.root.path().join("stderr")).unwrap();
        let mut supervisor = self
            .supervisor_command()
            .args(["start", "--foreground"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(stderr)
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(supervisor.stdout.take().unwrap()).read_line(&mut line).unwrap();
        self.supervisor = Some(supervisor);
        let words = line.split_whitespace().skip_while(|word| *word != "on");
        self.ports = words.filter_map(|word| word.rsplit(':').next()?.parse().ok()).collect();
        let port = self.ports.first().copied();
        self.port = port.unwrap_or_else(|| panic!("it did not start: {line:?}\n{}", self.told()));
    }

    fn supervisor_command(&self) -> Command {
        let plain = self.command("grange");
        let Some(most) = self.open_files else { return plain };
        // It replaces itself with the program, so that the process id is the supervisor's.
        let mut limited = Command::new("prlimit");
        limited.arg(format!("--nofile={most}:{most}")).arg(plain.get_program());
        limited.env("GRANGE_ROOT", self.root.path());
        limited
    }

    /// Everything that it wrote: for messages of failing tests.
    pub fn told(&self) -> String {
        let stderr = std::fs::read_to_string(self.root.path().join("stderr")).unwrap_or_default();
        format!("{stderr}{}", self.journal())
    }

    /// One of the programs, to be run against this Grange.
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new(programs().join(program));
        command.env("GRANGE_ROOT", self.root.path());
        command
    }

    /// Runs `grange` with these arguments.
    pub fn grange(&self, arguments: &[&str]) -> Output {
        self.command("grange").args(arguments).output().unwrap()
    }

    /// Runs `grange --json` with these arguments; the lines of its output.
    pub fn json(&self, arguments: &[&str]) -> Vec<Value> {
        let output = self.command("grange").arg("--json").args(arguments).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The status.
    pub fn status(&self) -> Value {
        self.json(&["status"]).into_iter().next().unwrap_or(Value::Null)
    }

    /// One figure of one program in the status.
    pub fn gauge(&self, role: &str, name: &str) -> f64 {
        let status = self.status();
        let lines = status["farm"].as_array().cloned().unwrap_or_default();
        let line = lines.iter().find(|line| line["role"] == role);
        line.and_then(|line| line["gauges"][name].as_f64()).unwrap_or(f64::NAN)
    }

    /// The process ids of one program.
    pub fn pids(&self, role: &str) -> Vec<u32> {
        let status = self.status();
        let lines = status["farm"].as_array().cloned().unwrap_or_default();
        let line = lines.iter().find(|line| line["role"] == role);
        let pids = line.and_then(|line| line["pids"].as_array().cloned()).unwrap_or_default();
        pids.iter().filter_map(|pid| pid.as_u64()?.try_into().ok()).collect()
    }

    /// The messages in the queue.
    pub fn queue(&self) -> Vec<Value> {
        self.json(&["queue", "list"])
    }

    /// Waits until the queue is empty.
    pub fn wait_until_empty(&self) {
        crate::wait_until("the queue is empty", || self.gauge("scheduler", "messages") == 0.0);
    }

    /// A new SMTP session.
    pub fn connect(&self) -> Client {
        Client::connect(self.port)
    }

    /// A mail for the local user can be sent.
    pub fn serves(&self) {
        let mut client = self.connect();
        client.expect(250, "EHLO client.example");
        let to = format!("{}@example.org", local_user());
        let code = client.deliver("you@client.example", &[&to], b"Subject: on\r\n\r\n");
        assert_eq!(code, 250, "{}", client.last);
        client.expect(221, "QUIT");
    }

    /// Resident memory of the largest worker of the smtpserver, in KiB.
    pub fn resident(&self) -> u64 {
        let of = |pid: u32| {
            let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
            let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
            line.split_whitespace().nth(1)?.parse().ok()
        };
        self.pids("smtpserver").into_iter().filter_map(of).max().unwrap()
    }

    /// The root directory.
    pub fn root(&self) -> &Path {
        self.root.path()
    }

    /// The journal so far.
    pub fn journal(&self) -> String {
        std::fs::read_to_string(self.root.path().join("journal")).unwrap_or_default()
    }

    /// Waits for a journal line that has all these words.
    pub fn wait_for_line(&self, words: &[&str]) -> String {
        let what = format!("a journal line with {words:?}");
        wait_for(&what, || {
            let journal = self.journal();
            journal.lines().find(|line| words.iter().all(|word| line.contains(word))).map(str::to_owned)
        })
    }

    /// The messages that arrived for a local user, as files.
    pub fn mail_of(&self, user: &str) -> Vec<PathBuf> {
        crate::maildir::messages(&self.root.path().join("mail").join(user))
    }

    /// Waits until a local user has this many messages; their contents.
    pub fn wait_for_mail(&self, user: &str, count: usize) -> Vec<Vec<u8>> {
        let what = format!("{count} messages for {user}");
        let files = wait_for(&what, || Some(self.mail_of(user)).filter(|files| files.len() >= count));
        files.iter().map(|file| std::fs::read(file).unwrap()).collect()
    }

    /// The supervisor's process id.
    pub fn supervisor_pid(&self) -> u32 {
        self.supervisor.as_ref().map_or(0, Child::id)
    }

    /// Kills every process of it at once.
    pub fn kill_all(&mut self) {
        let mut pids = vec![self.supervisor_pid()];
        pids.extend(self.survivors());
        for pid in pids {
            kill(pid);
        }
        if let Some(mut supervisor) = self.supervisor.take() {
            supervisor.wait().unwrap();
        }
        crate::wait_until("everything is dead", || self.survivors().is_empty());
    }

    /// Stops it in good order.
    pub fn stop(&mut self) {
        let stopped = self.grange(&["stop"]);
        assert!(stopped.status.success(), "{}\n{}", String::from_utf8_lossy(&stopped.stderr), self.told());
        if let Some(mut supervisor) = self.supervisor.take() {
            assert!(supervisor.wait().unwrap().success(), "{}", self.told());
        }
        crate::wait_until("nothing is left", || self.survivors().is_empty());
    }

    /// Processes of this Grange that live, by the root in their environment.
    pub fn survivors(&self) -> Vec<u32> {
        let mark = format!("GRANGE_ROOT={}", self.root.path().display());
        let processes = std::fs::read_dir("/proc").unwrap().flatten();
        let pids = processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        pids.filter(|pid: &u32| {
            let environment = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            *pid != std::process::id()
                && environment.split(|&octet| octet == 0).any(|entry| entry == mark.as_bytes())
        })
        .collect()
    }
}

impl Drop for Grange {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- what it said:\n{}", self.told());
        }
        if let Some(mut supervisor) = self.supervisor.take() {
            kill(supervisor.id());
            let _reaped = supervisor.wait();
        }
        for pid in self.survivors() {
            kill(pid);
        }
    }
}

/// Kills a process by its id.
pub fn kill(pid: u32) {
    signal(pid, "-KILL");
}

/// Sends a signal to a process by its id.
pub fn signal(pid: u32, signal: &str) {
    if pid > 1 {
        let _gone_already =
            Command::new("kill").args([signal, &pid.to_string()]).stderr(Stdio::null()).status();
    }
}

/// The tests run as root.
pub fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output().unwrap();
    id.stdout == b"0\n"
}

fn open_to_all(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
}
