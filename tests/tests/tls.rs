//! TLS as clients see it: names and keys, resumption, what is injected, and certificates that are replaced under way.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};
use system_tests::certificates::Certificate;
use system_tests::daemon::is_root;
use system_tests::{Client, Grange, PATIENCE, tools, wait_until};

const HOSTS: [(&str, &str); 3] =
    [("mail.example.org", "rsa"), ("p256.example.org", "p256"), ("ed25519.example.org", "ed25519")];

/// A server with a port for STARTTLS and one that begins with TLS, and a certificate for each of the hosts.
struct Site {
    grange: Grange,
    starttls: u16,
    implicit: u16,
}

impl Site {
    fn start(more: &str) -> Option<Self> {
        let mut grange = Grange::prepare("");
        let etc = grange.root().join("etc");
        let mut pairs = Vec::new();
        for (host, kind) in HOSTS {
            pairs.push(format!("{:?}", Certificate::make(&etc, host, kind)?.pair()));
        }
        grange.configure(&format!(
            "[smtpserver]\nlisten = [\"127.0.0.1:0\", \"submissions://127.0.0.1:0\"]\n\
             [tls]\ncertificates = [{}]\n{more}",
            pairs.join(", ")
        ));
        grange.go();
        let [starttls, implicit] = grange.ports[..] else { panic!("two doors: {:?}", grange.ports) };
        Some(Self { grange, starttls, implicit })
    }

    fn etc(&self) -> std::path::PathBuf {
        self.grange.root().join("etc")
    }

    /// What `openssl s_client` says about a session in which it only says QUIT.
    fn ask(&self, implicit: bool, host: &str, more: &[&str]) -> String {
        let mut talk =
            Talk::start(if implicit { self.implicit } else { self.starttls }, implicit, host, more);
        talk.say("QUIT");
        talk.rest()
    }

    /// The fingerprint of the certificate that a new client gets.
    fn served(&self) -> String {
        let told = self.ask(false, "mail.example.org", &[]);
        fingerprint(&told, true)
    }
}

/// SHA-256 of the certificate in this text or file.
fn fingerprint(what: &str, is_text: bool) -> String {
    let openssl = tools::find("openssl").unwrap();
    let mut command = Command::new(openssl);
    command.args(["x509", "-noout", "-fingerprint", "-sha256"]).stdout(Stdio::piped()).stdin(Stdio::piped());
    if !is_text {
        command.args(["-in", what]);
    }
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    if is_text {
        stdin.write_all(what.as_bytes()).unwrap();
    }
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{what}");
    String::from_utf8(output.stdout).unwrap()
}

/// A session of `openssl s_client`.
struct Talk {
    child: Child,
    stdin: ChildStdin,
    lines: Receiver<String>,
}

impl Talk {
    fn start(port: u16, implicit: bool, host: &str, more: &[&str]) -> Self {
        let mut command = Command::new(tools::find("openssl").unwrap());
        command.args(["s_client", "-connect", &format!("127.0.0.1:{port}"), "-servername", host]);
        // Otherwise a line that begins with Q or R is a command to it.
        command.args(["-crlf", "-nocommands", "-ign_eof"]);
        if !implicit {
            command.args(["-starttls", "smtp", "-name", "client.example"]);
        }
        command.args(more).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let (stdin, stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        Self { child, stdin, lines }
    }

    fn say(&mut self, line: &str) {
        writeln!(self.stdin, "{line}").unwrap();
        self.stdin.flush().unwrap();
    }

    /// Reads until a line begins like this.
    fn wait_for(&self, beginning: &str) -> String {
        let until = Instant::now() + PATIENCE;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let line = self.lines.recv_timeout(left).unwrap_or_else(|_| panic!("no line {beginning:?}"));
            if line.starts_with(beginning) {
                return line;
            }
        }
    }

    /// Everything up to its end.
    fn rest(self) -> String {
        let Self { mut child, stdin, lines } = self;
        let until = Instant::now() + PATIENCE;
        let mut told = String::new();
        while let Ok(line) = lines.recv_timeout(until.saturating_duration_since(Instant::now())) {
            told.push_str(&line);
            told.push('\n');
        }
        drop(stdin);
        child.wait().unwrap();
        told
    }
}

#[test]
fn each_kind_of_key_is_served_by_its_name_on_both_doors_with_both_versions() {
    let Some(site) = Site::start("") else { return };
    for (host, _) in HOSTS {
        for (option, version) in [("-tls1_2", "TLSv1.2"), ("-tls1_3", "TLSv1.3")] {
            for implicit in [false, true] {
                let told = site.ask(implicit, host, &[option]);
                let named = told.lines().any(|line| line.starts_with("subject=") && line.ends_with(host));
                assert!(named && told.contains(version), "{host} {option} {implicit}:\n{told}");
                assert!(told.contains("\n221 "), "it has said QUIT in peace:\n{told}");
            }
        }
    }
    let told = site.ask(false, "unknown.example.net", &[]);
    assert!(told.lines().any(|line| line.starts_with("subject=") && line.ends_with(HOSTS[0].0)), "{told}");
    site.grange.wait_for_line(&["closed", "why=quit", "tls=TLSv1.2"]);
    site.grange.wait_for_line(&["closed", "why=quit", "tls=TLSv1.3"]);
}

#[test]
fn a_client_without_the_kind_of_key_gets_another_certificate_that_it_can_verify() {
    let Some(site) = Site::start("") else { return };
    let told = site.ask(false, "p256.example.org", &["-sigalgs", "rsa_pss_rsae_sha256"]);
    assert!(told.lines().any(|line| line.starts_with("subject=") && line.ends_with(HOSTS[0].0)), "{told}");
}

#[test]
fn a_session_is_resumed_whichever_worker_takes_it() {
    let Some(site) = Site::start("") else { return };
    for (option, version) in [("-tls1_2", "TLSv1.2"), ("-tls1_3", "TLSv1.3")] {
        let file = site.grange.root().join(version).display().to_string();
        let told = site.ask(false, "mail.example.org", &[option, "-sess_out", &file]);
        assert!(told.contains(&format!("New, {version}")), "{told}");
        for _ in 0..4 {
            let told = site.ask(false, "mail.example.org", &[option, "-sess_in", &file]);
            assert!(told.contains(&format!("Reused, {version}")), "{told}");
        }
    }
}

#[test]
fn without_tickets_nothing_is_resumed_and_without_1_2_nobody_speaks_it() {
    let Some(site) = Site::start("session-tickets = 0\nmin-version = \"1.3\"\n") else { return };
    let file = site.grange.root().join("session").display().to_string();
    let told = site.ask(true, "mail.example.org", &["-sess_out", &file]);
    assert!(told.contains("TLSv1.3") && !Path::new(&file).exists(), "{told}");
    let mut talk = Talk::start(site.implicit, true, "mail.example.org", &["-tls1_2"]);
    let _it_may_be_gone = writeln!(talk.stdin, "QUIT");
    assert!(!talk.rest().contains("220 "));
    let line = site.grange.wait_for_line(&["closed", "why=tls-handshake"]);
    assert!(line.contains("alert=\"the peer is incompatible: "), "{line}");
}

#[test]
fn commands_behind_starttls_are_thrown_away_and_told_of() {
    let Some(site) = Site::start("") else { return };
    let Some(python) = tools::find("python3") else { return };
    let script = format!(
        "import socket, ssl\n\
         s = socket.create_connection(('127.0.0.1', {}))\n\
         f = s.recv(999)\n\
         s.sendall(b'EHLO client.example\\r\\n'); f = s.recv(9999)\n\
         assert b'STARTTLS' in f\n\
         s.sendall(b'STARTTLS\\r\\nMAIL FROM:<evil@example.net>\\r\\n'); f = s.recv(999)\n\
         assert f.startswith(b'220 ') and f.count(b'\\r\\n') == 1, f\n\
         c = ssl.create_default_context(); c.check_hostname = False; c.verify_mode = ssl.CERT_NONE\n\
         t = c.wrap_socket(s)\n\
         t.sendall(b'RCPT TO:<postmaster>\\r\\n'); f = t.recv(999)\n\
         assert f.startswith(b'503 '), f\n\
         t.sendall(b'EHLO client.example\\r\\n'); f = t.recv(9999)\n\
         assert f.startswith(b'250-') and b'STARTTLS' not in f, f\n\
         t.sendall(b'STARTTLS\\r\\n'); f = t.recv(999)\n\
         assert f.startswith(b'503 '), f\n\
         t.sendall(b'QUIT\\r\\n'); f = t.recv(999)\n\
         assert f.startswith(b'221 '), f\n\
         assert t.recv(1) == b''\n",
        site.starttls
    );
    let output = Command::new(python).args(["-c", &script]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let line = site.grange.wait_for_line(&["plaintext-after-starttls"]);
    let injected = "MAIL FROM:<evil@example.net>\r\n".len();
    assert!(line.contains("client=127.0.0.1") && line.ends_with(&format!("octets={injected}")), "{line}");
}

#[test]
fn what_is_no_handshake_is_told_in_one_line_and_holds_nobody_up() {
    let Some(site) = Site::start("") else { return };
    let mut silent = Client::raw(site.implicit);
    let mut client = Client::raw(site.implicit);
    client.send(b"GET / HTTP/1.0\r\n\r\n");
    client.reply();
    let line = site.grange.wait_for_line(&["closed", "why=tls-handshake"]);
    assert!(line.contains("alert=\"what the peer sent is not TLS\""), "{line}");
    assert!(site.ask(true, "mail.example.org", &[]).contains("\n221 "), "others are served meanwhile");
    silent.send(b"\x16");
}

#[test]
fn a_replaced_certificate_is_served_within_two_seconds_and_no_session_breaks() {
    let Some(site) = Site::start("") else { return };
    let mut standing = Talk::start(site.starttls, false, "mail.example.org", &[]);
    standing.say("EHLO client.example");
    standing.wait_for("250 ");
    let before = site.served();
    let replaced = Instant::now();
    let new = Certificate::make(&site.etc(), "mail.example.org", "p256").unwrap();
    let new = fingerprint(&new.chain.display().to_string(), false);
    assert_ne!(new, before);
    wait_until("the new certificate is served", || site.served() == new);
    assert!(replaced.elapsed() < Duration::from_secs(2), "after {:?}", replaced.elapsed());
    let line = site.grange.wait_for_line(&["tls-reload", "mail.example.org"]);
    assert!(line.ends_with("certificates=3"), "{line}");
    standing.say("NOOP");
    standing.wait_for("250 ");
    standing.say("QUIT");
    standing.wait_for("221 ");
}

#[test]
fn a_reload_takes_other_files_and_refuses_those_that_cannot_be_used() {
    let Some(site) = Site::start("") else { return };
    let before = site.served();
    let listen = "listen = [\"127.0.0.1:0\", \"submissions://127.0.0.1:0\"]";
    let configure = |pair: &str| {
        let text = format!("[smtpserver]\n{listen}\n[tls]\ncertificates = [{pair:?}]\n");
        site.grange.configure(&text);
        site.grange.grange(&["reload"])
    };
    let refused = configure("missing.pem missing.key");
    assert!(!refused.status.success(), "{refused:?}");
    let told = [refused.stdout, refused.stderr].concat();
    assert!(String::from_utf8_lossy(&told).contains("missing.pem"), "{}", String::from_utf8_lossy(&told));
    assert_eq!(site.served(), before);
    let directory = site.etc().join("2");
    std::fs::create_dir(&directory).unwrap();
    let new = Certificate::make(&directory, "mail.example.org", "ed25519").unwrap();
    assert!(configure(&new.pair()).status.success());
    let new = fingerprint(&new.chain.display().to_string(), false);
    wait_until("the new certificate is served", || site.served() == new);
}

#[test]
fn a_session_cannot_be_negotiated_anew() {
    let Some(site) = Site::start("") else { return };
    let script = format!(
        "{{ sleep 0.5; echo R; sleep 0.5; }} | openssl s_client -connect 127.0.0.1:{} -tls1_2 2>&1",
        site.implicit
    );
    let output = Command::new("sh").args(["-c", &script]).output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(told.contains("RENEGOTIATING") && told.contains("no renegotiation"), "{told}");
    assert!(site.ask(true, "mail.example.org", &[]).contains("\n221 "));
}

#[test]
fn a_link_that_is_turned_to_other_files_counts_as_a_change() {
    let Some(site) = Site::start("") else { return };
    let directory = site.etc().join("2");
    std::fs::create_dir(&directory).unwrap();
    let new = Certificate::make(&directory, "mail.example.org", "rsa").unwrap();
    for name in ["mail.example.org.key", "mail.example.org.pem"] {
        let link = site.etc().join("link");
        std::os::unix::fs::symlink(directory.join(name), &link).unwrap();
        std::fs::rename(&link, site.etc().join(name)).unwrap();
    }
    let new = fingerprint(&new.chain.display().to_string(), false);
    wait_until("the new certificate is served", || site.served() == new);
}

#[test]
fn a_broken_pair_keeps_the_old_one_and_is_told_of_once() {
    let Some(site) = Site::start("") else { return };
    let before = site.served();
    let key = site.etc().join("mail.example.org.key");
    let good = std::fs::read(&key).unwrap();
    std::fs::write(&key, "half a key").unwrap();
    let line = site.grange.wait_for_line(&["tls-error"]);
    assert!(line.contains("mail.example.org.key") && line.contains("no private key in it"), "{line}");
    assert_eq!(site.served(), before);
    let new = Certificate::make(&site.etc(), "p256.example.org", "p256").unwrap();
    // Another look, at another state of the files, tells of it again; a look at the same state does not.
    wait_until("the second state is looked at", || site.grange.journal().matches("tls-error").count() == 2);
    std::fs::write(&key, good).unwrap();
    site.grange.wait_for_line(&["tls-reload"]);
    let told = site.ask(true, "p256.example.org", &[]);
    assert_eq!(fingerprint(&told, true), fingerprint(&new.chain.display().to_string(), false));
    assert_eq!(site.grange.journal().matches("tls-error").count(), 2);
}

#[test]
fn a_key_that_only_root_may_read_serves_though_the_workers_are_not_root() {
    if !is_root() {
        return;
    }
    let mut grange = Grange::prepare("");
    let Some(pair) = Certificate::make(&grange.root().join("etc"), "mail.example.org", "p256") else {
        return;
    };
    grange.configure(&format!("[tls]\ncertificates = [{:?}]\n", pair.pair()));
    let file = grange.root().join("etc/grange.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace("user = \"root\"", "user = \"nobody\"")).unwrap();
    grange.go();
    let worker = grange.pids("smtpserver").last().copied().unwrap();
    let status = std::fs::read_to_string(format!("/proc/{worker}/status")).unwrap();
    assert!(!status.contains("Uid:\t0\t"), "{status}");
    let mut talk = Talk::start(grange.port, false, "mail.example.org", &[]);
    talk.say("QUIT");
    let told = talk.rest();
    assert!(told.contains("TLSv1.3") && told.contains("\n221 "), "{told}");
}

#[test]
fn a_key_that_all_may_read_is_warned_of() {
    use std::os::unix::fs::PermissionsExt;
    let Some(site) = Site::start("") else { return };
    let key = site.etc().join("mail.example.org.key");
    assert_eq!(std::fs::metadata(&key).unwrap().permissions().mode() & 0o777, 0o600);
    let warnings = |output: &[u8]| String::from_utf8_lossy(output).contains("chmod 600");
    assert!(!warnings(&site.grange.grange(&["check"]).stdout));
    std::fs::set_permissions(&key, PermissionsExt::from_mode(0o644)).unwrap();
    let output = site.grange.grange(&["check"]);
    assert!(warnings(&output.stdout), "{}", String::from_utf8_lossy(&output.stdout));
}

#[test]
fn without_a_certificate_starttls_is_not_there_and_a_wrong_one_stops_the_start() {
    let grange = Grange::start("");
    let mut client = grange.connect();
    assert_eq!(client.say("EHLO client.example"), 250);
    assert!(!client.last.contains("STARTTLS"), "{}", client.last);
    assert_eq!(client.say("STARTTLS") / 100, 5);
    let broken = Grange::prepare("[tls]\ncertificates = [\"missing.pem missing.key\"]\n");
    let output = broken.grange(&["start", "--foreground"]);
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(78), "{told}");
    assert!(told.contains("missing.pem cannot be read: "), "{told}");
}
