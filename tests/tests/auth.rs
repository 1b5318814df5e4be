//! Authentication as clients see it: mechanisms, failures, what an account may send, and Dovecot in the users file's place.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use system_tests::certificates::Certificate;
use system_tests::daemon::{is_root, kill, local_user};
use system_tests::{Client, Grange, tools, wait_until};

/// A submission for the local user, whose password is `sesame`; `options` go to its lines in the users file.
struct Site {
    grange: Grange,
    user: String,
}

const AUTH: &str = "[auth]\nfailure-delay = \"20ms\"\n";

impl Site {
    fn start(options: &str, auth: &str) -> Self {
        Self::listening("\"submission://127.0.0.1:0\"", "", options, auth)
    }

    fn listening(listen: &str, smtpserver: &str, options: &str, more: &str) -> Self {
        let mut grange = Grange::prepare("");
        let user = local_user();
        let lines = lines(&grange, &user, "sesame");
        let lines = lines.replacen('\n', &format!(":{options}\n"), 1);
        std::fs::write(grange.root().join("etc/users"), lines).unwrap();
        grange.configure(&format!(
            "[smtpserver]\nlisten = [{listen}]\nrelay-networks = []\n{smtpserver}\n{more}"
        ));
        grange.go();
        Self { grange, user }
    }

    fn address(&self) -> String {
        format!("{}@example.org", self.user)
    }

    /// A session that has authenticated.
    fn member(&self) -> Client {
        let mut client = self.grange.connect();
        client.expect(250, "EHLO client.example");
        client.expect(235, &format!("AUTH PLAIN {}", plain(&self.user, "sesame")));
        client
    }

    fn swaks(&self, arguments: &[&str]) -> Option<String> {
        let output = Command::new(tools::find("swaks")?)
            .args(["--server", &format!("127.0.0.1:{}", self.grange.port), "--from", &self.address()])
            .args(["--to", &self.address(), "--auth-user", &self.user])
            .args(arguments)
            .output()
            .unwrap();
        Some(String::from_utf8_lossy(&output.stdout).into_owned())
    }
}

/// What `grange password` prints.
fn lines(grange: &Grange, user: &str, password: &str) -> String {
    use std::io::Write;
    let mut command = grange.command("grange");
    command.args(["password", user, "--stdin"]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(format!("{password}\n").as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap()
}

/// The initial response of PLAIN, encoded.
fn plain(user: &str, password: &str) -> String {
    base64(format!("\0{user}\0{password}").as_bytes())
}

fn base64(octets: &[u8]) -> String {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in octets.chunks(3) {
        let number = (0..3).fold(0, |sum, at| sum << 8 | u32::from(*chunk.get(at).unwrap_or(&0)));
        for at in 0..4 {
            let letter = LETTERS[(number >> (18 - 6 * at) & 63) as usize];
            text.push(if at <= chunk.len() { char::from(letter) } else { '=' });
        }
    }
    text
}

#[test]
fn plain_and_login_with_the_right_password_deliver() {
    let site = Site::start("", AUTH);
    for mechanism in ["PLAIN", "LOGIN"] {
        let Some(told) = site.swaks(&["--auth", mechanism, "--auth-password", "sesame"]) else { return };
        assert!(told.contains("235 2.7.0") && told.contains("accepted"), "{told}");
    }
    site.grange.wait_for_mail(&site.user, 2);
    let account = format!("account={}", site.user);
    site.grange.wait_for_line(&["accepted", "from=<", &account]);
    site.grange.wait_for_line(&["closed", &account, "authfail=0"]);
}

#[test]
fn scram_is_understood_by_gsasl() {
    let site = Site::start("", AUTH);
    let Some(gsasl) = tools::find("gsasl") else { return };
    for (password, expected) in [("sesame", "235 2.7.0"), ("open", "535 5.7.8")] {
        let output = Command::new(&gsasl)
            .args(["--smtp", "--no-starttls", "--connect", &format!("127.0.0.1:{}", site.grange.port)])
            .args(["-m", "SCRAM-SHA-256", "-a", &site.user, "-p", password])
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let told = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(told.contains(expected), "{password}: {told}");
    }
    site.grange.wait_for_line(&["auth-failed", "mechanism=SCRAM-SHA-256", "why=wrong-password"]);
}

fn scram(port: u16, arguments: &[&str]) -> Option<String> {
    let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("harness/scram.py");
    let output = Command::new(tools::find("python3")?)
        .arg(script)
        .arg(port.to_string())
        .args(arguments)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(String::from_utf8(output.stdout).unwrap())
}

#[test]
fn under_tls_scram_can_be_bound_to_the_connection() {
    let directory = tempfile::tempdir().unwrap();
    let Some(certificate) = Certificate::make(directory.path(), "mail.example.org", "rsa") else { return };
    let more = format!("[tls]\ncertificates = [{:?}]\n{AUTH}", certificate.pair());
    let site = Site::listening("\"submissions://127.0.0.1:0\"", "", "", &more);
    let (port, user) = (site.grange.port, site.user.as_str());
    let Some(told) = scram(port, &["SCRAM-SHA-256-PLUS", user, "sesame"]) else { return };
    assert!(told.starts_with("235 2.7.0"), "{told}");
    let told = scram(port, &["SCRAM-SHA-256-PLUS", user, "open"]).unwrap();
    assert!(told.starts_with("535 5.7.8"), "{told}");
    site.grange.wait_for_line(&["auth-failed", "mechanism=SCRAM-SHA-256-PLUS", "why=wrong-password"]);
    // Somebody has taken -PLUS out of our words.
    let told = scram(port, &["SCRAM-SHA-256", user, "sesame", "y"]).unwrap();
    assert!(told.starts_with("535 5.7.8"), "{told}");
    site.grange.wait_for_line(&["auth-failed", "why=channel-binding-stripped"]);
    let told = scram(port, &["SCRAM-SHA-256", user, "sesame", "n"]).unwrap();
    assert!(told.starts_with("235 2.7.0"), "{told}");
}

/// A certificate for `bob.example.org` that is its own authority; chain and key.
fn client_certificate(directory: &Path) -> Option<Certificate> {
    let certificate = Certificate { chain: directory.join("bob.pem"), key: directory.join("bob.key") };
    let made = Command::new(tools::find("openssl")?)
        .args(["req", "-x509", "-nodes", "-days", "30", "-newkey", "rsa:2048", "-subj", "/CN=bob"])
        .args(["-addext", "subjectAltName=email:bob@example.org"])
        .args(["-addext", "extendedKeyUsage=clientAuth"])
        .args(["-addext", "basicConstraints=critical,CA:FALSE"])
        .arg("-out")
        .arg(&certificate.chain)
        .arg("-keyout")
        .arg(&certificate.key)
        .stderr(Stdio::null())
        .status()
        .unwrap();
    assert!(made.success());
    Some(certificate)
}

#[test]
fn a_certificate_that_was_verified_is_as_good_as_a_password() {
    let directory = tempfile::tempdir().unwrap();
    let Some(own) = Certificate::make(directory.path(), "mail.example.org", "rsa") else { return };
    let Some(bob) = client_certificate(directory.path()) else { return };
    let Some(python) = tools::find("python3") else { return };
    let authority = bob.chain.display();
    let more = format!("[tls]\ncertificates = [{:?}]\nclient-ca = \"{authority}\"\n{AUTH}", own.pair());
    let site = Site::listening("\"submissions://127.0.0.1:0\"", "", "\nbob:*:cert=bob@example.org", &more);
    let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("harness/external.py");
    let (port, chain, key) = (site.grange.port.to_string(), bob.chain.display(), bob.key.display());
    let external = |arguments: &[String]| {
        let output = Command::new(&python).arg(&script).arg(&port).args(arguments).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let (chain, key) = (chain.to_string(), key.to_string());
    assert!(external(&[chain.clone(), key.clone()]).starts_with("235 2.7.0"));
    assert!(external(&[chain.clone(), key.clone(), "bob".into()]).starts_with("235 2.7.0"));
    assert!(external(&[chain, key, site.user.clone()]).starts_with("535 5.7.8"));
    site.grange.wait_for_line(&["auth-failed", "mechanism=EXTERNAL", "why=certificate"]);
    // Without a certificate it is not offered.
    assert!(external(&["-".into(), "-".into()]).starts_with("504 5.5.4"));
}

#[test]
fn nothing_is_offered_in_the_clear_to_another_machine() {
    let trusting = "xclient-networks = [\"127.0.0.1\"]";
    let site = Site::listening("\"submission://127.0.0.1:0\"", trusting, "", AUTH);
    let mut client = site.grange.connect();
    client.expect(250, "EHLO client.example");
    assert!(client.last.contains("AUTH SCRAM-SHA-256 PLAIN LOGIN\r\n"), "{}", client.last);
    client.expect(220, "XCLIENT ADDR=192.0.2.7 NAME=[UNAVAILABLE]");
    client.expect(250, "EHLO client.example");
    assert!(!client.last.contains("AUTH"), "{}", client.last);
    client.expect(538, &format!("AUTH PLAIN {}", plain(&site.user, "sesame")));
    assert!(client.last.starts_with("538 5.7.11 "), "{}", client.last);
    client.expect(530, &format!("MAIL FROM:<{}>", site.address()));
}

#[test]
fn who_fails_too_often_is_sent_away_and_the_journal_says_who_and_why() {
    let site = Site::start("", AUTH);
    let mut client = site.grange.connect();
    client.expect(250, "EHLO client.example");
    client.expect(535, &format!("AUTH PLAIN {}", plain(&site.user, "open")));
    client.expect(535, &format!("AUTH PLAIN {}", plain("eve =x", "sesame")));
    client.expect(504, "AUTH CRAM-MD5");
    client.expect(421, "AUTH PLAIN AGE=");
    assert!(client.is_closed());
    let grange = &site.grange;
    let user = format!("account={}", site.user);
    grange.wait_for_line(&["auth-failed client=127.0.0.1 ", "mechanism=PLAIN", &user, "why=wrong-password"]);
    grange.wait_for_line(&["auth-failed", "account=\"eve =x\"", "why=unknown-user", "reply=\"535 5.7.8 "]);
    grange.wait_for_line(&["auth-failed", "why=malformed", "reply=\"421 4.7.0 "]);
    grange.wait_for_line(&["closed", "why=auth-failures", "authfail=3"]);
    wait_until("it is counted", || grange.gauge("authd", "failed") == 3.0);
}

#[test]
fn a_users_file_that_cannot_be_read_is_a_temporary_failure_until_it_can() {
    let site = Site::start("", AUTH);
    let file = site.grange.root().join("etc/users");
    let good = std::fs::read(&file).unwrap();
    let attempt = format!("AUTH PLAIN {}", plain(&site.user, "sesame"));
    let say = || {
        let mut client = site.grange.connect();
        client.expect(250, "EHLO client.example");
        client.say(&attempt)
    };
    assert_eq!(say(), 235);
    std::fs::remove_file(&file).unwrap();
    wait_until("it is seen", || say() == 454);
    site.grange.wait_for_line(&["authd table-mistakes errors=1", "users: cannot be read"]);
    std::fs::write(&file, good).unwrap();
    wait_until("it is read again", || say() == 235);
}

#[test]
fn an_account_sends_from_its_own_addresses_only() {
    let site = Site::start("senders=sales@example.net,*@example.com", AUTH);
    let mut client = site.member();
    for (from, code) in [
        (site.address(), 250),
        (site.address().to_uppercase(), 250),
        ("sales@example.net".into(), 250),
        ("any@example.com".into(), 250),
        (String::new(), 250),
        ("boss@example.org".into(), 553),
        (format!("{}@example.net", site.user), 553),
    ] {
        let got = client.say(&format!("MAIL FROM:<{from}>"));
        assert_eq!(got, code, "{from}: {}", client.last);
        client.expect(250, "RSET");
    }
    client.expect(553, "MAIL FROM:<boss@example.org>");
    assert_eq!(
        client.last,
        format!("553 5.7.1 <boss@example.org> is not an address of account {}\r\n", site.user)
    );
    site.grange.wait_for_line(&["refused", "verb=MAIL", "rule=sender-login", "value=<boss@example.org>"]);
    let site = Site::start("", &format!("{AUTH}sender-login = \"any\"\n"));
    site.member().expect(250, "MAIL FROM:<boss@example.org>");
}

#[test]
fn limits_of_an_account_hold_across_sessions_and_workers() {
    let site = Site::start("messages=3/1h recipients=4/1h", &format!("{AUTH}messages = \"1/1h\"\n"));
    let mut refusals = Vec::new();
    for _ in 0..6 {
        let mut client = site.member();
        if client.say(&format!("MAIL FROM:<{}>", site.address())) != 250 {
            refusals.push(client.last.clone());
            continue;
        }
        client.expect(250, &format!("RCPT TO:<{}>", site.address()));
    }
    assert_eq!(refusals.len(), 3, "{refusals:?}");
    assert!(
        refusals.iter().all(|told| told.starts_with("450 4.7.1 limit of 3 messages per 1h; try again in ")),
        "{refusals:?}"
    );
    site.grange.wait_for_line(&["refused", "verb=MAIL", "rule=account-messages value=3 limit=3/1h"]);
    assert_eq!(site.grange.gauge("authd", "limited"), 3.0);
}

#[test]
fn recipients_of_an_account_are_counted_too() {
    let site = Site::start("recipients=2/1h", AUTH);
    let mut client = site.member();
    client.expect(250, &format!("MAIL FROM:<{}>", site.address()));
    let to = format!("RCPT TO:<{}>", site.address());
    client.expect(250, &to).expect(250, &to).expect(450, &to);
    assert!(
        client.last.starts_with("450 4.7.1 limit of 2 recipients per 1h; try again in "),
        "{}",
        client.last
    );
    client.expect(354, "DATA");
    client.expect(250, "Subject: x\r\n\r\nhello\r\n.");
    site.grange.wait_for_line(&["refused", "verb=RCPT", "rule=account-recipients", "limit=2/1h"]);
}

#[test]
fn a_new_message_gets_what_it_lacks_and_only_there() {
    let listen = "\"submission://127.0.0.1:0\", \"smtp://127.0.0.1:0\"";
    let site = Site::listening(listen, "", "", AUTH);
    let (from, to) = (site.address(), site.address());
    let mut client = site.member();
    assert_eq!(client.deliver(&from, &[&to], b"Subject: one\r\n\r\nbody\r\n"), 250);
    let content =
        b"From: Boss <boss@example.org>\r\nDate: d\r\nMessage-ID: <m@x>\r\nSubject: two\r\n\r\nb\r\n";
    assert_eq!(client.deliver(&from, &[&to], content), 250);
    assert_eq!(client.deliver(&from, &[&to], b"From: Boss\r\n\r\nbody\r\n"), 550);
    assert!(client.last.starts_with("550 5.6.0 From is no list"), "{}", client.last);
    site.grange.wait_for_line(&["refused", "verb=DATA", "rule=from", "value=Boss"]);
    let begin = |client: &mut Client| {
        client.expect(250, &format!("MAIL FROM:<{from}>")).expect(250, &format!("RCPT TO:<{to}>"));
    };
    begin(&mut client);
    client.expect(250, "BDAT 14\r\nFrom: B\r\n\r\nx");
    client.expect(550, "BDAT 4 LAST\r\nyz");
    assert!(client.last.starts_with("550 5.6.0 From is no list"), "{}", client.last);
    begin(&mut client);
    client.send(b"BDAT 11\r\nSubject: fo");
    assert_eq!(client.reply(), 250, "{}", client.last);
    client.expect(250, "BDAT 12 LAST\r\nur\r\n\r\nbody");
    let mut relay = Client::connect(site.grange.ports[1]);
    relay.expect(250, "EHLO client.example");
    assert!(!relay.last.contains("AUTH"), "{}", relay.last);
    assert_eq!(relay.deliver("x@example.net", &[&to], b"Subject: three\r\n\r\nbody\r\n"), 250);
    let mails = site.grange.wait_for_mail(&site.user, 4);
    let mail = |subject: &str| {
        let mail = mails.iter().map(|mail| String::from_utf8_lossy(mail).into_owned());
        mail.into_iter().find(|mail| mail.contains(&format!("Subject: {subject}\n"))).unwrap()
    };
    let one = mail("one");
    assert!(one.contains(&format!("\nFrom: <{from}>\nDate: ")) && one.contains("\nMessage-ID: <"), "{one}");
    assert!(one.contains("\nSubject: one\n\nbody\n"), "{one}");
    assert!(mail("four").contains("\nDate: "));
    assert!(mail("two").contains(&format!("\nSender: <{from}>\nFrom: Boss <boss@example.org>\n")));
    let three = mail("three");
    assert!(!three.contains("\nDate: ") && !three.contains("\nMessage-ID: "), "{three}");
}

#[test]
fn a_restart_of_authd_costs_no_session() {
    let site = Site::start("", AUTH);
    let mut client = site.grange.connect();
    client.expect(250, "EHLO client.example");
    client.expect(334, "AUTH LOGIN");
    let before = site.grange.pids("authd");
    before.iter().for_each(|pid| kill(*pid));
    wait_until("it is another one", || {
        let now = site.grange.pids("authd");
        !now.is_empty() && now != before
    });
    client.expect(454, &base64(site.user.as_bytes()));
    client.expect(235, &format!("AUTH PLAIN {}", plain(&site.user, "sesame")));
    client.expect(250, &format!("MAIL FROM:<{}>", site.address()));
}

#[test]
fn behind_starttls_nothing_is_left_of_what_an_account_could_do() {
    let directory = tempfile::tempdir().unwrap();
    let Some(certificate) = Certificate::make(directory.path(), "mail.example.org", "rsa") else { return };
    let Some(python) = tools::find("python3") else { return };
    let more = format!("[tls]\ncertificates = [{:?}]\n{AUTH}", certificate.pair());
    let site = Site::listening("\"submission://127.0.0.1:0\"", "vrfy = \"relay\"", "", &more);
    let script = "import smtplib, ssl, sys\n\
                  client = smtplib.SMTP('127.0.0.1', int(sys.argv[1]))\n\
                  client.login(sys.argv[2], 'sesame')\n\
                  print(client.verify(sys.argv[3])[0])\n\
                  client.starttls(context=ssl._create_unverified_context())\n\
                  client.ehlo()\n\
                  print(client.verify(sys.argv[3])[0])\n\
                  print(client.mail(sys.argv[3])[0])\n";
    let port = site.grange.port.to_string();
    let output =
        Command::new(python).args(["-c", script, &port, &site.user, &site.address()]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "250\n252\n530\n");
}

#[test]
fn a_failure_that_is_held_back_for_longer_than_a_question_is_still_a_failure() {
    let timeout = "route-timeout = \"200ms\"";
    let site = Site::listening(
        "\"submission://127.0.0.1:0\"",
        timeout,
        "",
        "[auth]\nfailure-delay = \"600ms\"\nfailures = 1\n",
    );
    let mut client = site.grange.connect();
    client.expect(250, "EHLO client.example");
    client.expect(421, &format!("AUTH PLAIN {}", plain(&site.user, "open")));
    site.grange.wait_for_line(&["auth-failed", "why=wrong-password", "reply=\"421 4.7.0 "]);
}

#[test]
fn a_message_that_nobody_counts_in_time_is_refused_and_that_is_in_the_journal() {
    let timeout = "route-timeout = \"200ms\"";
    let site =
        Site::listening("\"submission://127.0.0.1:0\"", timeout, "messages=9/1h recipients=9/1h", AUTH);
    let mut client = site.member();
    let authd: Vec<String> = site.grange.pids("authd").iter().map(u32::to_string).collect();
    let signal = |name: &str| {
        assert!(Command::new("kill").arg(name).args(&authd).status().unwrap().success());
    };
    let mail = format!("MAIL FROM:<{}>", site.address());
    signal("-STOP");
    client.expect(451, &mail);
    site.grange.wait_for_line(&["refused", "verb=MAIL", &format!("from=<{}>", site.address())]);
    signal("-CONT");
    client.expect(250, &mail);
    signal("-STOP");
    client.expect(451, &format!("RCPT TO:<{}>", site.address()));
    site.grange.wait_for_line(&["refused", "verb=RCPT", &format!("to=<{}>", site.address())]);
    signal("-CONT");
    client.expect(250, &format!("RCPT TO:<{}>", site.address()));
}

#[test]
fn accounts_can_come_with_a_reload() {
    let mut grange = Grange::prepare("");
    let listen = "[smtpserver]\nlisten = [\"submission://127.0.0.1:0\"]\n";
    grange.configure(listen);
    grange.go();
    let mut client = grange.connect();
    client.expect(250, "EHLO client.example");
    assert!(!client.last.contains("AUTH"), "{}", client.last);
    let user = local_user();
    std::fs::write(grange.root().join("etc/accounts"), lines(&grange, &user, "sesame")).unwrap();
    grange.configure(&format!("{listen}{AUTH}users = \"accounts\"\nmechanisms = [\"login\"]\n"));
    assert!(grange.grange(&["reload"]).status.success());
    wait_until("only LOGIN is offered", || {
        let mut client = grange.connect();
        client.expect(250, "EHLO client.example");
        client.last.contains("AUTH LOGIN\r\n")
    });
    let mut client = grange.connect();
    client.expect(250, "EHLO client.example");
    client.expect(504, &format!("AUTH PLAIN {}", plain(&user, "sesame")));
    client.expect(334, &format!("AUTH LOGIN {}", base64(user.as_bytes())));
    client.expect(235, &base64(b"sesame"));
}

/// Dovecot's authentication service with a user `ann`; ends with the test.
struct Dovecot {
    child: Child,
    directory: tempfile::TempDir,
}

impl Dovecot {
    fn start() -> Option<Self> {
        let program = tools::find("dovecot")?;
        if !is_root() {
            eprintln!("skipped: Dovecot wants to be root");
            return None;
        }
        let directory = tempfile::Builder::new().prefix("grange-dovecot.").tempdir().unwrap();
        let path = directory.path().display().to_string();
        std::fs::write(directory.path().join("users"), "ann@example.org:{PLAIN}sesame::::::\n").unwrap();
        std::fs::write(
            directory.path().join("conf"),
            format!(
                "protocols =\nlisten = 127.0.0.1\nssl = no\nbase_dir = {path}/run\nstate_dir = {path}/state\n\
                 log_path = {path}/log\ndisable_plaintext_auth = no\nauth_mechanisms = plain login scram-sha-256\n\
                 auth_failure_delay = 0\n\
                 passdb {{\n driver = passwd-file\n args = {path}/users\n}}\n\
                 userdb {{\n driver = static\n args = uid=nobody gid=nogroup home=/nonexistent\n}}\n\
                 service auth {{\n unix_listener {path}/auth {{\n  mode = 0666\n }}\n}}\n\
                 service anvil {{\n unix_listener anvil-auth-penalty {{\n  mode = 0\n }}\n}}\n"
            ),
        )
        .unwrap();
        let child = Self::run(&program, directory.path());
        let dovecot = Self { child, directory };
        wait_until("dovecot listens", || dovecot.socket().exists());
        Some(dovecot)
    }

    fn run(program: &Path, directory: &Path) -> Child {
        Command::new(program).arg("-F").arg("-c").arg(directory.join("conf")).spawn().unwrap()
    }

    fn socket(&self) -> PathBuf {
        self.directory.path().join("auth")
    }

    /// All of it is gone at once: in good order, it would wait half a minute for its clients.
    fn stop(&mut self) {
        let pid = self.child.id();
        let own = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
        kill(pid);
        own.split_whitespace().filter_map(|pid| pid.parse().ok()).for_each(kill);
        self.child.wait().unwrap();
    }
}

impl Drop for Dovecot {
    fn drop(&mut self) {
        self.stop();
    }
}

#[test]
fn dovecot_can_be_asked_instead_and_may_be_away_for_a_while() {
    let Some(mut dovecot) = Dovecot::start() else { return };
    let more = format!("{AUTH}dovecot = \"{}\"\nusers = \"\"\n", dovecot.socket().display());
    let site = Site::start("", &more);
    let mut offered = String::new();
    wait_until("dovecot's mechanisms are offered", || {
        let mut client = site.grange.connect();
        client.expect(250, "EHLO client.example");
        offered = client.last.clone();
        offered.contains("AUTH SCRAM-SHA-256 PLAIN LOGIN\r\n")
    });
    let port = site.grange.port;
    let mut client = site.grange.connect();
    client.expect(250, "EHLO client.example");
    client.expect(535, &format!("AUTH PLAIN {}", plain("ann@example.org", "open")));
    client.expect(235, &format!("AUTH PLAIN {}", plain("ann@example.org", "sesame")));
    client.expect(250, "MAIL FROM:<ann@example.org>");
    client.expect(250, "RSET").expect(553, "MAIL FROM:<bob@example.org>");
    site.grange.wait_for_line(&["auth-failed", "account=ann@example.org", "why=wrong-password"]);
    if let Some(told) = scram(port, &["SCRAM-SHA-256", "ann@example.org", "sesame"]) {
        assert!(told.starts_with("235 2.7.0"), "{told}");
    }
    dovecot.stop();
    site.grange.wait_for_line(&["authd backend-lost", "auth: "]);
    let attempt = format!("AUTH PLAIN {}", plain("ann@example.org", "sesame"));
    let say = || {
        let mut client = Client::connect(port);
        client.expect(250, "EHLO client.example");
        client.say(&attempt)
    };
    assert_eq!(say(), 454);
    dovecot.child = Dovecot::run(&tools::find("dovecot").unwrap(), dovecot.directory.path());
    wait_until("dovecot is asked again", || say() == 235);
    site.grange.wait_for_line(&["authd backend-back"]);
}
