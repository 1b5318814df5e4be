//! Mail from the programs of this host, and from the clients that everybody has.

use std::io::Write;
use std::process::{Command, Output, Stdio};
use system_tests::daemon::local_user;
use system_tests::maildir::without_trace;
use system_tests::{Grange, Sink, tools};

/// Runs a command with this input.
fn fed(command: &mut Command, input: &[u8]) -> Output {
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    // A program that ends early does not read everything.
    let writer = std::thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().unwrap();
    let _may_have_broken = writer.join().unwrap();
    output
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// The header section and the body of a delivered message.
fn parts(message: &[u8]) -> (String, Vec<u8>) {
    let at = message.windows(2).position(|two| two == b"\n\n").expect("a body");
    (String::from_utf8_lossy(&message[..at]).into_owned(), message[at + 2..].to_vec())
}

#[test]
fn sendmail_takes_the_recipients_from_the_header_section() {
    let sink = Sink::start();
    let grange = Grange::relaying_to(sink.port, "");
    let user = local_user();
    let message = format!(
        "From: you@client.example\nTo: {user}@example.org\nBcc: ann@far.example\nSubject: local\n\nhello\n.\nbye\n"
    );
    let output = fed(grange.command("sendmail").args(["-t", "-oi"]), message.as_bytes());
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let (header, body) = parts(&grange.wait_for_mail(&user, 1)[0]);
    assert_eq!(body, b"hello\n.\nbye\n", "-oi: a single dot ends nothing");
    assert!(!header.contains("Bcc"), "{header}");
    for field in ["Date: ", "Message-ID: <", "From: you@client.example", "Subject: local"] {
        assert!(header.lines().any(|line| line.starts_with(field)), "{field}\n{header}");
    }
    assert_eq!(sink.wait_for(1)[0].to, ["RCPT TO:<ann@far.example>"]);
    grange.wait_until_empty();
}

#[test]
fn sendmail_takes_sender_and_recipients_from_the_command_line() {
    let sink = Sink::start();
    let grange = Grange::relaying_to(sink.port, "");
    let mut sendmail = grange.command("sendmail");
    sendmail.args([
        "-i",
        "-f",
        "bounces@list.example",
        "-F",
        "The List",
        "ann@far.example",
        "bob@far.example",
    ]);
    let output = fed(&mut sendmail, b"Subject: list\n\nhello\n");
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let taken = sink.wait_for(1).remove(0);
    assert!(taken.from.starts_with("MAIL FROM:<bounces@list.example>"), "{}", taken.from);
    assert_eq!(taken.to.len(), 2);
    let text = String::from_utf8_lossy(&taken.content).into_owned();
    assert!(text.contains("From: The List <bounces@list.example>"), "{text}");
    grange.wait_until_empty();
}

#[test]
fn sendmail_speaks_smtp_on_its_standard_input() {
    let grange = Grange::start("");
    let user = local_user();
    let dialogue = format!(
        "EHLO here\r\nMAIL FROM:<you@client.example>\r\nRCPT TO:<{user}@example.org>\r\nDATA\r\n\
         Subject: by -bs\r\n\r\nhello\r\n.\r\nQUIT\r\n"
    );
    let output = fed(grange.command("sendmail").arg("-bs"), dialogue.as_bytes());
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let replies = said(&output);
    assert!(replies.starts_with("220 ") && replies.contains(" accepted\r\n221 "), "{replies}");
    let mail = grange.wait_for_mail(&user, 1);
    assert_eq!(without_trace(&mail[0]), b"Subject: by -bs\r\n\r\nhello\r\n");
}

#[test]
fn sendmail_says_why_nothing_was_accepted() {
    let mut grange = Grange::start("");
    let send = |grange: &Grange, arguments: &[&str]| {
        let output = fed(grange.command("sendmail").args(arguments), b"Subject: x\n\nx\n");
        (output.status.code(), said(&output))
    };
    let (code, why) = send(&grange, &["nosuch@example.org"]);
    assert!(code == Some(67) && why.contains("no such user"), "{code:?} {why}");
    let (code, why) = send(&grange, &["-Z"]);
    assert!(code == Some(64) && why.contains("-Z"), "{code:?} {why}");
    let (code, why) = send(&grange, &["-t"]);
    assert!(code.is_some_and(|code| code != 0), "no recipients at all: {why}");
    grange.stop();
    let (code, why) = send(&grange, &["ann@example.org"]);
    assert!(code == Some(75) && why.contains("not running"), "{code:?} {why}");
}

#[test]
fn mailq_and_newaliases_are_sendmail_by_another_name() {
    let grange = Grange::start("");
    for (name, option) in [("mailq", "-bp"), ("newaliases", "-bi")] {
        let own = grange.command(name).output().unwrap();
        let other = grange.command("sendmail").arg(option).output().unwrap();
        assert_eq!(own.status.code(), Some(0), "{}", said(&own));
        assert_eq!(said(&own), said(&other));
    }
}

#[test]
fn pythons_smtplib_delivers() {
    let Some(python) = tools::find("python3") else { return };
    let grange = Grange::start("");
    let user = local_user();
    let script = format!(
        "import smtplib, email.message\n\
         m = email.message.EmailMessage()\n\
         m['From'] = 'you@client.example'; m['To'] = '{user}@example.org'; m['Subject'] = 'gr\u{fc}n'\n\
         m.set_content('\u{e9}t\u{e9}\\n')\n\
         with smtplib.SMTP('127.0.0.1', {}, timeout=20) as s:\n    \
             print(s.send_message(m))\n",
        grange.port
    );
    let output = Command::new(python).args(["-c", &script]).output().unwrap();
    assert!(output.status.success(), "{}", said(&output));
    let mail = grange.wait_for_mail(&user, 1);
    assert!(String::from_utf8_lossy(&mail[0]).contains("Subject: =?utf-8?"), "its header is as it was");
}

/// Sends a message with `swaks` and these arguments; how it arrives at the sink and in the Maildir.
fn swaks(arguments: &[&str]) -> Option<[Vec<u8>; 2]> {
    let swaks = tools::find("swaks")?;
    let sink = Sink::start();
    let grange = Grange::relaying_to(sink.port, "");
    let user = local_user();
    let mut command = Command::new(swaks);
    command.args(["--server", &format!("127.0.0.1:{}", grange.port), "--from", "you@client.example"]);
    command.args(["--to", &format!("{user}@example.org,ann@far.example"), "--helo", "client.example"]);
    let output = command.arg("--suppress-data").args(arguments).stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{}", said(&output));
    let far = sink.wait_for(1).remove(0).content;
    let local = grange.wait_for_mail(&user, 1).remove(0);
    grange.wait_until_empty();
    Some([far, local])
}

fn with_crlf(data: &[u8]) -> Vec<u8> {
    let lines = data.split_inclusive(|&octet| octet == b'\n');
    lines.flat_map(|line| [line.strip_suffix(b"\n").unwrap_or(line), b"\r\n"].concat()).collect()
}

/// Octets that look like nothing in particular.
fn noise(octets: usize) -> Vec<u8> {
    let mut state = 1_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    };
    (0..octets).map(|_| next()).collect()
}

/// The first attachment of a message, as Python's `email` decodes it.
fn attachment(message: &[u8]) -> Option<Vec<u8>> {
    let script = "import email, email.policy, sys\n\
        m = email.message_from_binary_file(sys.stdin.buffer, policy=email.policy.default)\n\
        sys.stdout.buffer.write(next(m.iter_attachments()).get_content())";
    let output = fed(Command::new(tools::find("python3")?).args(["-c", script]), message);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(output.stdout)
}

#[test]
fn swaks_delivers_an_attachment_of_ten_mebibytes_unchanged() {
    let octets = noise(10 << 20);
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), &octets).unwrap();
    let attached = format!("@{}", file.path().display());
    let arrived = swaks(&["--attach", &attached, "--h-Subject", "large"]);
    for message in arrived.iter().flatten() {
        if let Some(came) = attachment(message) {
            assert!(came == octets, "{} octets of {} came", came.len(), octets.len());
        }
    }
    if let Some([far, local]) = arrived {
        assert!(without_trace(&far) == without_trace(&local), "the same for everybody");
    }
}

#[test]
fn swaks_delivers_eight_bits_unchanged() {
    let mut body =
        b"From: you@client.example\nSubject: 8 bits\nContent-Type: text/plain; charset=iso-8859-1\n\n"
            .to_vec();
    for line in 0_u8..8 {
        body.extend((0..32).map(|c| line * 32 + c).filter(|c| ![0, b'\n', b'\r'].contains(c)));
        body.extend(b"\n");
    }
    body.extend(b".\n..\n.a\n");
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), &body).unwrap();
    for message in swaks(&["--data", &format!("@{}", file.path().display())]).iter().flatten() {
        let came = without_trace(message);
        assert!(came.starts_with(&with_crlf(&body)), "{}", came.escape_ascii());
    }
}
