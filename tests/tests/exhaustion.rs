//! Clients that hold on to what the server has: time, memory, its attention. Each costs its own session, the
//! journal says why it ended, and everybody else is served meanwhile.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use system_tests::certificates::Certificate;
use system_tests::daemon::local_user;
use system_tests::{Client, Grange, PATIENCE, tools, wait_until};

/// The limits of these tests: whoever waits for them waits not long.
const HASTE: &str = "command-timeout = \"1s\"\ndata-timeout = \"1s\"\ndata-rate = 1000\n";

fn open_to(user: &str) -> String {
    format!("EHLO client.example\r\nMAIL FROM:<you@client.example>\r\nRCPT TO:<{user}@example.org>\r\n")
}

/// The events `closed` with all these words.
fn closed(grange: &Grange, words: &[&str]) -> usize {
    let journal = grange.journal();
    let closed = journal.lines().filter(|line| line.contains(" closed "));
    closed.filter(|line| words.iter().all(|word| line.contains(word))).count()
}

/// A server with a plain port, one for submission and one that begins with TLS, and accounts.
fn site(more: &str) -> Option<Grange> {
    let mut grange = Grange::prepare("");
    let etc = grange.root().join("etc");
    let pair = Certificate::make(&etc, "mail.example.org", "p256")?.pair();
    std::fs::write(etc.join("users"), "").unwrap();
    grange.configure(&format!(
        "[smtpserver]\nlisten = [\"127.0.0.1:0\", \"submission://127.0.0.1:0\", \"submissions://127.0.0.1:0\"]\n\
         sessions-per-client = 20000\n{more}\n[tls]\ncertificates = [{pair:?}]\n[auth]\nusers = \"ROOT/etc/users\"\n"
    ));
    grange.go();
    Some(grange)
}

/// The first octets of a handshake that never goes on.
const HALF_A_HANDSHAKE: &[u8] = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03";

/// A state in which a client falls silent: the port, what it has said, what it hears at last, what the journal says.
struct Silence {
    port: u16,
    said: Vec<u8>,
    heard: &'static str,
    why: &'static str,
}

fn silences(grange: &Grange) -> Vec<Silence> {
    let [smtp, submission, submissions] = grange.ports[..] else { panic!("{:?}", grange.ports) };
    let open = open_to(&local_user());
    let plain = |said: &str| Silence {
        port: smtp,
        said: said.as_bytes().to_vec(),
        heard: "421 4.4.2 timeout; closing\r\n",
        why: " why=timeout ",
    };
    let secret =
        |port, said: &[u8]| Silence { port, said: said.to_vec(), heard: "", why: " why=tls-handshake " };
    vec![
        plain(""),
        plain("EHL"),
        plain("EHLO client.example\r\n"),
        plain(&open),
        plain(&format!("{open}DATA\r\n")),
        plain(&format!("{open}DATA\r\nSubject: x\r\n\r\nhalf a li")),
        plain(&format!("{open}DATA\r\nSubject: x\r\n\r\n.\r")),
        plain(&format!("{open}BDAT 100000\r\n")),
        plain(&format!("{open}BDAT 100000\r\nSubject: x")),
        plain(&format!("{open}BDAT 2\r\nxx")),
        Silence { port: submission, ..plain("EHLO client.example\r\nAUTH LOGIN\r\n") },
        Silence { port: submission, ..plain("EHLO client.example\r\nAUTH LOGIN\r\nYW5") },
        secret(smtp, b"EHLO client.example\r\nSTARTTLS\r\n"),
        secret(submissions, b""),
        secret(submissions, HALF_A_HANDSHAKE),
    ]
}

#[test]
fn silence_in_any_state_ends_the_session_and_the_journal_says_so() {
    let Some(grange) = site(HASTE) else { return };
    let silences = silences(&grange);
    let begun = Instant::now();
    let mut clients: Vec<Client> = silences
        .iter()
        .map(|silence| {
            let mut client = Client::raw(silence.port);
            client.send(&silence.said);
            client
        })
        .collect();
    grange.serves();
    for (client, Silence { said, heard, .. }) in clients.iter_mut().zip(&silences) {
        let rest = client.rest();
        assert!(rest.ends_with(heard), "after {}: {rest}", String::from_utf8_lossy(said));
    }
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    for why in [" why=timeout ", " why=tls-handshake "] {
        let count = silences.iter().filter(|silence| silence.why == why).count();
        wait_until(why, || closed(&grange, &[why, " mails=0 "]) == count);
    }
    assert_eq!(closed(&grange, &["alert=\"the client did not finish it in time\""]), 3, "{}", grange.told());
}

#[test]
fn a_trickle_keeps_neither_a_handshake_nor_an_exchange_of_auth_alive() {
    let Some(grange) = site(HASTE) else { return };
    let [smtp, submission, submissions] = grange.ports[..] else { panic!("{:?}", grange.ports) };
    let doors: [(u16, &[u8]); 4] = [
        (submission, b"EHLO client.example\r\nAUTH LOGIN\r\n"),
        (smtp, b"EHLO client.example\r\nSTARTTLS\r\n"),
        (submissions, HALF_A_HANDSHAKE),
        (smtp, b"EHLO client.example\r\nRCPT TO:<"),
    ];
    let mut streams = doors.map(|(port, said)| {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(said).unwrap();
        // What follows STARTTLS at once would be thrown away.
        wait_until("STARTTLS is answered", || {
            port == submissions || stream.peek(&mut [0; 400]).unwrap() > 300
        });
        stream.write_all(if said.ends_with(b"STARTTLS\r\n") { HALF_A_HANDSHAKE } else { b"x" }).unwrap();
        stream.set_nonblocking(true).unwrap();
        stream
    });
    let begun = Instant::now();
    let mut over = [false; 4];
    wait_until("all of them are ended", || {
        for (stream, over) in streams.iter_mut().zip(&mut over) {
            let _it_may_be_closed = stream.write(b"\0");
            *over |= match stream.read(&mut [0; 4096]) {
                Ok(octets) => octets == 0,
                Err(error) => error.kind() != std::io::ErrorKind::WouldBlock,
            };
        }
        over == [true; 4]
    });
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    wait_until("it is told", || {
        (closed(&grange, &[" why=timeout "]), closed(&grange, &[" why=tls-handshake "])) == (2, 2)
    });
    grange.serves();
}

#[test]
fn how_a_client_left_is_told_and_only_whole_messages_are_kept() {
    let grange = Grange::start("");
    let open = open_to(&local_user());
    let half = format!("{open}DATA\r\nSubject: x\r\n\r\nbo");
    // It closes its half behind a whole message: it gets its 250.
    let mut client = Client::raw(grange.port);
    client.send(format!("{half}dy\r\n.\r\n").as_bytes());
    client.finish();
    assert!(client.rest().contains(" accepted\r\n"));
    grange.wait_for_line(&[" closed ", " why=eof mails=1 rcpts=1 refused=0 "]);
    // Behind half a message, or half a chunk: nothing is kept.
    for half in [&half, &format!("{open}BDAT 50\r\nSubject: x\r\n")] {
        let mut client = Client::raw(grange.port);
        client.send(half.as_bytes());
        client.finish();
        assert!(!client.rest().contains(" accepted"));
    }
    wait_until("both are told", || closed(&grange, &[" why=eof mails=0 rcpts=0 "]) == 2);
    // A reset in the middle of data.
    let mut client = Client::raw(grange.port);
    client.send(half.as_bytes());
    client.reset();
    grange.wait_for_line(&[" closed ", " why=error mails=0 rcpts=0 refused=0 "]);
    grange.serves();
    assert_eq!(grange.wait_for_mail(&local_user(), 2).len(), 2);
}

#[test]
fn whoever_tries_addresses_or_contents_out_is_sent_away() {
    let grange = Grange::start("[smtpserver]\nlisten = [\"127.0.0.1:0\"]\nrefusals = 100\n");
    let guesses: String = (0..300).map(|n| format!("RCPT TO:<guess{n}@example.org>\r\n")).collect();
    let mut client = Client::raw(grange.port);
    client.send(format!("{}{guesses}", open_to("guess")).as_bytes());
    let heard = client.rest();
    assert_eq!(heard.matches("\r\n550 5.1.1 ").count(), 99, "{heard}");
    assert!(heard.ends_with("\r\n421 4.7.0 too much was refused; closing\r\n"), "{heard}");
    grange.wait_for_line(&[" refused ", " verb=RCPT ", " rule=refusals value=100 limit=100"]);
    grange.wait_for_line(&[" closed ", " why=refusals mails=0 rcpts=0 refused=100 "]);
    // Messages that are refused at their end count, too.
    let to = format!("<{}@example.org>", local_user());
    let message =
        format!("MAIL FROM:<you@client.example>\r\nRCPT TO:{to}\r\nDATA\r\nx\ny\r\n.\r\n").repeat(101);
    let mut client = Client::raw(grange.port);
    client.send(format!("EHLO client.example\r\n{message}").as_bytes());
    let heard = client.rest();
    let refused = heard.matches("\r\n550 5.5.2 ").count();
    assert!(heard.ends_with("\r\n421 4.7.0 too much was refused; closing\r\n"), "{refused}: {heard}");
    assert_eq!(refused, 99, "{heard}");
    grange.serves();
}

#[test]
fn a_client_that_never_reads_is_not_read_either_and_ends() {
    let section = "[smtpserver]\nlisten = [\"127.0.0.1:0\"]\nworkers = 1\nidle-commands = 1000000\n\
                   command-timeout = \"2s\"\n";
    let grange = Grange::start(section);
    grange.serves();
    let before = grange.resident();
    let mut streams: Vec<TcpStream> = (0..5)
        .map(|_| {
            let stream = TcpStream::connect(("127.0.0.1", grange.port)).unwrap();
            stream.set_nonblocking(true).unwrap();
            stream
        })
        .collect();
    // Each command brings a reply that is much longer; 100,000 of them are more than any socket holds.
    let commands = b"EHLO x\r\n".repeat(100_000);
    let mut sent = vec![0; streams.len()];
    let mut most = 0;
    wait_until("all of them are ended", || {
        for (stream, sent) in streams.iter_mut().zip(&mut sent) {
            match stream.write(&commands[*sent..]) {
                Ok(octets) => *sent += octets,
                Err(_it_is_full_or_gone) => {}
            }
        }
        most = most.max(grange.resident());
        closed(&grange, &[" why=timeout "]) == streams.len()
    });
    println!("a worker with 5 clients that never read grows from {before} KiB to {most} KiB");
    assert!(most < before + (8 << 10), "{before} KiB before, {most} KiB at most");
    grange.serves();
    let line = grange.wait_for_line(&[" closed ", " why=timeout ", " mails=0 "]);
    assert!(line.contains(" helo=x "), "{line}");
}

#[test]
fn under_tls_a_client_that_never_reads_costs_as_little() {
    let Some(python) = tools::find("python3") else { return };
    let Some(grange) = site("workers = 1\nidle-commands = 1000000\ncommand-timeout = \"2s\"") else { return };
    // A first handshake brings what all of them share.
    let script = "import socket, ssl, sys\n\
                  c = ssl.create_default_context(); c.check_hostname = False; c.verify_mode = ssl.CERT_NONE\n\
                  t = c.wrap_socket(socket.create_connection(('127.0.0.1', int(sys.argv[1]))))\n\
                  t.settimeout(0.5)\n\
                  for n in range(int(sys.argv[2])):\n    \
                      try: t.sendall(b'EHLO x\\r\\n' * 10000)\n    \
                      except OSError: break\n\
                  sys.stdin.read()\n";
    let submissions = grange.ports[2].to_string();
    let start = |count: &str| {
        let mut command = Command::new(&python);
        command.args(["-c", script, &submissions, count]).stdin(Stdio::piped()).spawn().unwrap()
    };
    let mut first = start("0");
    drop(first.stdin.take());
    first.wait().unwrap();
    let before = grange.resident();
    let mut clients: Vec<_> = (0..3).map(|_| start("1000")).collect();
    let mut most = 0;
    wait_until("all of them are ended", || {
        most = most.max(grange.resident());
        closed(&grange, &[" why=timeout ", " tls=TLSv1.3 "]) == clients.len()
    });
    println!("a worker with 3 clients that never read under TLS grows from {before} KiB to {most} KiB");
    assert!(most < before + (8 << 10), "{before} KiB before, {most} KiB at most");
    grange.serves();
    for client in &mut clients {
        drop(client.stdin.take());
        client.wait().unwrap();
    }
}

/// Ten thousand, or as many sessions as the descriptors of this process, or those of two workers, allow.
fn many() -> usize {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap();
    let line = limits.lines().find(|line| line.starts_with("Max open files")).unwrap();
    let mut numbers = line.split_whitespace().filter_map(|word| word.parse::<usize>().ok());
    let (soft, hard) = (numbers.next().unwrap_or(usize::MAX), numbers.next().unwrap_or(usize::MAX));
    10_000.min(soft.saturating_sub(400)).min(hard.saturating_sub(600))
}

/// How long 99 of 100 new clients wait for their banner at most.
fn banner_p99(port: u16) -> Duration {
    let wait = || {
        let begun = Instant::now();
        let mut client = Client::raw(port);
        assert_eq!(client.reply(), 220, "{}", client.last);
        begun.elapsed()
    };
    let mut waits: Vec<Duration> = (0..200).map(|_| wait()).collect();
    waits.sort_unstable();
    waits[waits.len() * 99 / 100]
}

#[test]
fn ten_thousand_idle_sessions_keep_nobody_waiting() {
    let many = many();
    let section = "[smtpserver]\nlisten = [\"127.0.0.1:0\"]\nsessions = 20000\nsessions-per-client = 20000\n";
    let grange = Grange::start(section);
    let before = grange.resident();
    let begun = Instant::now();
    let mut idle: Vec<Client> = Vec::with_capacity(many);
    while idle.len() < many {
        // In groups, so that none overflows the queue of the listener.
        let group: Vec<Client> = (0..100).map(|_| Client::raw(grange.port)).collect();
        idle.extend(group.into_iter().map(|mut client| {
            client.send(b"EHLO client.example\r\n");
            assert_eq!((client.reply(), client.reply()), (220, 250), "{}", client.last);
            client
        }));
    }
    let (took, grown) = (begun.elapsed(), grange.resident().saturating_sub(before));
    // The best of three: other tests run at the same time.
    let p99 = (0..3).map(|_| banner_p99(grange.port)).min().unwrap();
    println!(
        "{many} idle sessions after EHLO in {took:?}, {grown} KiB more in a worker; a banner in p99 {p99:?}"
    );
    assert!(p99 < Duration::from_millis(50), "p99 {p99:?}");
    grange.serves();
    for client in idle.iter_mut().step_by(many / 10) {
        client.expect(250, "NOOP");
    }
}
