//! Mail clients that people use, each with a large 8-bit mail: what arrives is what was sent, to the octet.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use system_tests::certificates::Certificate;
use system_tests::client::stuffed;
use system_tests::daemon::{is_root, local_user};
use system_tests::maildir::without_trace;
use system_tests::{Grange, tools, wait_for};

/// Octets of the mail, about.
const SIZE: usize = 2 << 20;

const PASSWORD: &str = "correct horse battery staple";

/// A server with its three doors, certificates for three names and an account `ann`.
struct Site {
    grange: Grange,
    certificates: Vec<(&'static str, Certificate)>,
    smtp: u16,
    submission: u16,
    submissions: u16,
}

impl Site {
    fn start() -> Option<Self> {
        let mut grange = Grange::prepare("");
        let etc = grange.root().join("etc");
        let mut certificates = Vec::new();
        for (host, kind) in
            [("mail.example.org", "rsa"), ("p256.example.org", "p256"), ("ed25519.example.org", "ed25519")]
        {
            certificates.push((host, Certificate::make(&etc, host, kind)?));
        }
        let pairs: Vec<_> = certificates.iter().map(|(_, pair)| format!("{:?}", pair.pair())).collect();
        grange.configure(&format!(
            "[smtpserver]\nlisten = [\"127.0.0.1:0\", \"submission://127.0.0.1:0\", \"submissions://127.0.0.1:0\"]\n\
             [tls]\ncertificates = [{}]\n[auth]\nusers = \"ROOT/etc/users\"\nsenders = \"\"\n",
            pairs.join(", ")
        ));
        std::fs::write(etc.join("users"), password_lines(&grange, "ann")).unwrap();
        grange.go();
        let [smtp, submission, submissions] = grange.ports[..] else {
            panic!("three doors: {:?}", grange.ports)
        };
        Some(Self { grange, certificates, smtp, submission, submissions })
    }

    fn to() -> String {
        format!("{}@example.org", local_user())
    }

    /// The mail that arrived, without our trace.
    fn arrived(&self) -> Vec<u8> {
        without_trace(&self.grange.wait_for_mail(&local_user(), 1)[0])
    }

    fn file(&self, name: &str, octets: &[u8]) -> PathBuf {
        let file = self.grange.root().join(name);
        std::fs::write(&file, octets).unwrap();
        file
    }

    /// What arrived is the content; if not, where it first differs.
    fn assert_unchanged(&self, content: &[u8]) {
        let arrived = self.arrived();
        let at = arrived.iter().zip(content).position(|(a, b)| a != b);
        assert!(
            arrived == content,
            "{} octets for {}, first difference at {at:?}: {:?}",
            arrived.len(),
            content.len(),
            at.map(|at| String::from_utf8_lossy(
                &arrived[at.saturating_sub(40)..(at + 40).min(arrived.len())]
            ))
        );
    }
}

/// The lines of the users file for an account, as `grange password` prints them.
fn password_lines(grange: &Grange, user: &str) -> Vec<u8> {
    let output = fed(grange.command("grange").args(["password", "--stdin", user]), PASSWORD.as_bytes());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// 8-bit octets of all kinds, leading dots, an empty line at the end: everything but NUL, bare CR and bare LF.
fn mail() -> Vec<u8> {
    let mut content = b"From: Ann <ann@example.org>\r\nTo: you <you@example.org>\r\nSubject: large\r\n\
        Date: Sun, 22 Nov 2026 12:00:00 +0000\r\nMessage-ID: <large@example.org>\r\nMIME-Version: 1.0\r\n\
        Content-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
        .to_vec();
    let mut seed: u32 = 1;
    while content.len() < SIZE {
        if seed.is_multiple_of(7) {
            content.push(b'.');
        }
        for _ in 0..seed % 900 {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let octet = seed.to_be_bytes()[0];
            content.push(if matches!(octet, 0 | b'\r' | b'\n') { b'.' } else { octet });
        }
        content.extend_from_slice(b"\r\n");
        seed = seed.wrapping_add(1);
    }
    content.extend_from_slice(b"..\r\n.\r\n\r\n");
    content
}

/// Runs a command with this on its standard input.
fn fed(command: &mut Command, input: &[u8]) -> Output {
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    let feeder = std::thread::spawn(move || {
        // A program that ends early has said why.
        let _broken_pipe = stdin.write_all(&input);
    });
    let output = child.wait_with_output().unwrap();
    feeder.join().unwrap();
    output
}

/// Runs a client, which must succeed.
fn run(command: &mut Command, input: &[u8]) -> String {
    let output = fed(command, input);
    let said =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{command:?}: {}", said.get(..4000).unwrap_or(&said));
    said
}

fn unix_lines(content: &[u8]) -> Vec<u8> {
    content.iter().copied().filter(|&octet| octet != b'\r').collect()
}

#[test]
fn swaks_with_starttls_and_plain() {
    let (Some(swaks), Some(site)) = (tools::find("swaks"), Site::start()) else { return };
    let content = mail();
    let mut data = stuffed(&content);
    data.truncate(data.len() - 2);
    let data = site.file("data", &data);
    run(
        Command::new(swaks)
            .args(["--server", "127.0.0.1", "--port", &site.submission.to_string(), "--tls"])
            .args(["--auth", "PLAIN", "--auth-user", "ann", "--auth-password", PASSWORD])
            .args(["--from", "ann@example.org", "--to", &Site::to(), "--suppress-data", "--no-data-fixup"])
            .args(["--data", &format!("@{}", data.display())]),
        b"",
    );
    site.assert_unchanged(&content);
}

#[test]
fn msmtp_with_starttls_and_scram() {
    let (Some(msmtp), Some(site)) = (tools::find("msmtp"), Site::start()) else { return };
    let content = mail();
    run(
        Command::new(msmtp)
            .args(["--host=127.0.0.1", &format!("--port={}", site.submission), "--tls=on"])
            .args(["--tls-certcheck=off", "--auth=scram-sha-256", "--user=ann", "--from=ann@example.org"])
            .args([&format!("--passwordeval=echo {PASSWORD}"), &Site::to()]),
        &unix_lines(&content),
    );
    site.assert_unchanged(&content);
}

#[test]
fn curl_with_implicit_tls_and_login() {
    let (Some(curl), Some(site)) = (tools::find("curl"), Site::start()) else { return };
    let content = mail();
    let file = site.file("mail.eml", &content);
    let url = format!("smtps://127.0.0.1:{}/client.example", site.submissions);
    run(
        Command::new(curl)
            .args(["--silent", "--show-error", "--insecure", "--url", &url])
            .args(["--mail-from", "ann@example.org", "--mail-rcpt", &Site::to()])
            .args(["--user", &format!("ann:{PASSWORD}"), "--login-options", "AUTH=LOGIN"])
            .arg("--upload-file")
            .arg(file),
        b"",
    );
    site.assert_unchanged(&content);
}

#[test]
fn python_smtplib_with_starttls() {
    let (Some(python), Some(site)) = (tools::find("python3"), Site::start()) else { return };
    let content = mail();
    let file = site.file("mail.eml", &content);
    let program = "import smtplib, ssl, sys\n\
        port, password, to, file = sys.argv[1:]\n\
        context = ssl.create_default_context()\n\
        context.check_hostname = False\n\
        context.verify_mode = ssl.CERT_NONE\n\
        with smtplib.SMTP('127.0.0.1', int(port)) as session:\n\
        \x20   session.starttls(context=context)\n\
        \x20   session.login('ann', password)\n\
        \x20   session.sendmail('ann@example.org', [to], open(file, 'rb').read(), mail_options=['BODY=8BITMIME'])\n";
    run(
        Command::new(python)
            .args(["-c", program, &site.submission.to_string(), PASSWORD, &Site::to()])
            .arg(file),
        b"",
    );
    site.assert_unchanged(&content);
}

#[test]
fn gsasl_proves_a_password_without_telling_it_with_and_without_channel_binding() {
    let (Some(gsasl), Some(site)) = (tools::find("gsasl"), Site::start()) else { return };
    for (mechanism, binding) in [("SCRAM-SHA-256", "--no-cb"), ("SCRAM-SHA-256-PLUS", "--verbose")] {
        // It is content with what it has proved, and then breaks off in one way or another.
        let output = fed(
            Command::new(&gsasl)
                .args(["--smtp", "--client", "--mechanism", mechanism, binding])
                .args(["--authentication-id=ann", "--authorization-id=", &format!("--password={PASSWORD}")])
                .args([&format!("--connect=localhost:{}", site.submission)])
                .arg("--x509-ca-file="),
            b"QUIT\r\n",
        );
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(said.contains("235 2.7.0"), "{mechanism}: {said}");
    }
    let closed = site.grange.wait_for_line(&["session ", " closed ", "account=ann"]);
    assert!(closed.contains("tls=TLSv1."), "{closed}");
}

#[test]
fn openssl_s_client_by_name_with_each_kind_of_key() {
    let (Some(openssl), Some(site)) = (tools::find("openssl"), Site::start()) else { return };
    let content = mail();
    let mut input = format!(
        "EHLO client.example\r\nMAIL FROM:<ann@example.net> BODY=8BITMIME\r\nRCPT TO:<{}>\r\nDATA\r\n",
        Site::to()
    )
    .into_bytes();
    input.extend_from_slice(&stuffed(&content));
    input.extend_from_slice(b"QUIT\r\n");
    for (count, (host, certificate)) in site.certificates.iter().enumerate() {
        let said = run(
            Command::new(&openssl)
                .args(["s_client", "-connect", &format!("127.0.0.1:{}", site.smtp), "-starttls", "smtp"])
                .args(["-servername", host, "-verify_hostname", host, "-verify_return_error", "-quiet"])
                .arg("-CAfile")
                .arg(&certificate.chain),
            &input,
        );
        assert!(said.contains("250 2.0.0 "), "{host}: {said}");
        let arrived = site.grange.wait_for_mail(&local_user(), count + 1);
        assert!(arrived.iter().all(|mail| without_trace(mail) == content), "{host}");
    }
}

#[test]
fn smtp_source_with_two_mebibytes() {
    let (Some(source), Some(site)) = (tools::find("smtp-source"), Site::start()) else { return };
    run(
        Command::new(source)
            .args([
                "-s",
                "4",
                "-m",
                "8",
                "-l",
                &SIZE.to_string(),
                "-f",
                "you@client.example",
                "-t",
                &Site::to(),
            ])
            .arg(format!("127.0.0.1:{}", site.smtp)),
        b"",
    );
    for mail in site.grange.wait_for_mail(&local_user(), 8) {
        let arrived = without_trace(&mail).len();
        assert!((SIZE - 2000..SIZE + 2000).contains(&arrived), "{arrived} octets");
    }
}

/// The body: as a relay, each of these adds fields of its own.
fn body(mail: &[u8]) -> &[u8] {
    let at = mail.windows(4).position(|window| window == b"\r\n\r\n").unwrap();
    &mail[at + 4..]
}

/// A file of a Maildir with CRLF line ends.
fn crlf(mail: &[u8]) -> Vec<u8> {
    mail.split(|&octet| octet == b'\n').collect::<Vec<_>>().join(&b"\r\n"[..])
}

/// One of the servers of the benchmark, whose mail for everybody goes to us.
struct Relay {
    name: &'static str,
    directory: tempfile::TempDir,
    port: u16,
    to: u16,
}

impl Relay {
    fn start(name: &'static str, to: u16) -> Option<Self> {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let directory = tempfile::Builder::new().prefix("grange-relay.").tempdir().unwrap();
        let relay = Self { name, directory, port: free, to };
        if !is_root() || !relay.does("check") {
            eprintln!("skipped: {name} is not there, or not root");
            return None;
        }
        assert!(relay.does("start"), "{name} does not start");
        system_tests::wait_until("it listens", || system_tests::Client::try_connect(free).is_some());
        Some(relay)
    }

    fn does(&self, function: &str) -> bool {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../bench/target.sh");
        let done = Command::new(script)
            .args([self.name, function])
            .env("BENCH_DIR", self.directory.path())
            .env("BENCH_PORT", self.port.to_string())
            .env("BENCH_RELAY_PORT", self.to.to_string())
            .env("BENCH_DEAD_PORT", "9")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        done.unwrap().success()
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.does("stop");
    }
}

#[test]
fn the_other_servers_pass_a_mail_on_to_us() {
    let Some(site) = Site::start() else { return };
    let content = mail();
    let mut taken = 0;
    for name in ["postfix", "exim", "opensmtpd"] {
        let Some(relay) = Relay::start(name, site.smtp) else { continue };
        let mut client = system_tests::Client::connect(relay.port);
        client.expect(250, "EHLO client.example");
        assert_eq!(
            client.deliver("ann@example.net", &[&Site::to()], &content),
            250,
            "{name}: {}",
            client.last
        );
        taken += 1;
        let arrived = site.grange.wait_for_mail(&local_user(), taken);
        assert!(
            arrived.iter().all(|mail| body(&crlf(mail)) == body(&content)),
            "{name}: the body has changed"
        );
    }
}

#[test]
fn a_client_that_talks_before_the_handshake_is_not_believed() {
    let Some(site) = Site::start() else { return };
    let mut client = system_tests::Client::connect(site.smtp);
    client.expect(250, "EHLO client.example");
    client.send(b"STARTTLS\r\nMAIL FROM:<injected@example.net>\r\n");
    assert_eq!(client.reply(), 220);
    site.grange.wait_for_line(&["plaintext-after-starttls"]);
    drop(client);
    let closed = wait_for("the end of the session", || {
        let journal = site.grange.journal();
        journal.lines().find(|line| line.contains(" closed ")).map(str::to_owned)
    });
    assert!(closed.contains("mails=0"), "{closed}");
}
