//! Balancers: the true client is known everywhere, and nobody else can say who he is.

use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use system_tests::{Client, Grange, tools, wait_until};

const TRUSTED: &str = "[smtpserver]\nlisten = [\"127.0.0.1:0\"]\nrelay-networks = []\n\
                       [admission]\nproxy-networks = [\"127.0.0.1\"]\n";

/// A binary header: command, family, what follows.
fn binary(command: u8, family: u8, behind: &[u8]) -> Vec<u8> {
    let length = u16::try_from(behind.len()).unwrap().to_be_bytes();
    [&b"\r\n\r\n\0\r\nQUIT\n"[..], &[command, family], &length, behind].concat()
}

/// The greeting after these octets, and the journal's line about the end of the session.
fn session(grange: &Grange, header: &[u8]) -> String {
    let mut client = Client::raw(grange.port);
    client.send(header);
    assert_eq!(client.reply(), 220, "{}", client.last);
    let before = grange.journal().len();
    client.expect(250, "EHLO client.example").expect(221, "QUIT");
    system_tests::wait_for("the end of the session", || {
        let journal = grange.journal();
        journal.get(before..)?.lines().find(|line| line.contains(" closed ")).map(str::to_owned)
    })
}

#[test]
fn both_versions_name_the_true_client() {
    let grange = Grange::start(TRUSTED);
    let line = session(&grange, b"PROXY TCP4 192.0.2.7 127.0.0.1 40000 25\r\n");
    assert!(line.contains(" client=192.0.2.7 "), "{line}");
    let line = session(&grange, b"PROXY TCP6 2001:db8::7 ::1 40000 25\r\n");
    assert!(line.contains(" client=2001:db8::7 "), "{line}");
    let four = [192, 0, 2, 8, 127, 0, 0, 1, 0x9c, 0x40, 0, 25];
    // An addition (the client's host name) is skipped.
    let line = session(&grange, &binary(0x21, 0x11, &[&four[..], &[2, 0, 3], b"a.b"].concat()));
    assert!(line.contains(" client=192.0.2.8 "), "{line}");
    for header in [binary(0x20, 0x11, &four), binary(0x21, 0, &[]), b"PROXY UNKNOWN\r\n".to_vec()] {
        let line = session(&grange, &header);
        assert!(line.contains(" client=127.0.0.1 "), "{line}");
    }
}

#[test]
fn a_header_may_come_in_pieces_and_no_octet_behind_it_is_lost() {
    let grange = Grange::start(TRUSTED);
    let mut stream = TcpStream::connect(("127.0.0.1", grange.port)).unwrap();
    stream.set_nodelay(true).unwrap();
    let header = binary(0x21, 0x11, &[192, 0, 2, 9, 127, 0, 0, 1, 0x9c, 0x40, 0, 25]);
    for octet in &header {
        stream.write_all(&[*octet]).unwrap();
        std::thread::yield_now();
    }
    let mut client = Client::raw(grange.port);
    client.send(b"PROXY TCP4 192.0.2.9 127.0.0.1 40000 25\r\nEHLO client.example\r\nNOOP\r\nQUIT\r\n");
    assert_eq!([client.reply(), client.reply(), client.reply(), client.reply()], [220, 250, 250, 221]);
    drop(stream);
    wait_until("both are over", || grange.journal().matches(" closed client=192.0.2.9 ").count() == 2);
}

#[test]
fn what_is_no_header_is_closed_unanswered_and_told() {
    let grange = Grange::start(TRUSTED);
    for octets in
        [&b"EHLO client.example\r\n"[..], b"PROXY TCP4 192.0.2.7\r\n", &binary(0x2f, 0x11, &[0; 12])]
    {
        let mut client = Client::raw(grange.port);
        client.send(octets);
        assert_eq!(client.reply(), 0, "{}", client.last);
    }
    let line =
        grange.wait_for_line(&["turned-away client=127.0.0.1 ", " rule=proxy value=\"no PROXY header\""]);
    assert!(line.ends_with(" reply=-"), "{line}");
    grange.wait_for_line(&["rule=proxy value=\"a PROXY line that makes no sense\""]);
    let mut silent = Client::raw(grange.port);
    assert_eq!(silent.reply(), 0);
    grange.wait_for_line(&["rule=proxy value=\"no whole PROXY header in time\""]);
    assert_eq!(grange.gauge("smtpserver", "sessions"), 0.0, "nothing stays counted");
}

#[test]
fn a_header_from_anybody_else_is_a_bad_command() {
    let grange = Grange::start(&TRUSTED.replace("\"127.0.0.1\"", "\"192.0.2.1\""));
    let mut client = grange.connect();
    let code = client.say("PROXY TCP4 192.0.2.7 127.0.0.1 40000 25");
    assert!(code == 0 || code / 100 == 5, "{}", client.last);
    let closed = client.try_say("QUIT");
    assert!(closed.is_none_or(|code| code == 221), "{closed:?}");
    let line = grange.wait_for_line(&[" closed "]);
    assert!(line.contains(" client=127.0.0.1 "), "{line}");
}

/// haproxy; ends when it is dropped.
struct Balancer(Child);

impl Drop for Balancer {
    fn drop(&mut self) {
        system_tests::daemon::kill(self.0.id());
        let _ended = self.0.wait();
    }
}

#[test]
fn behind_haproxy_the_journal_shows_the_true_client() {
    let Some(haproxy) = tools::find("haproxy") else { return };
    let grange = Grange::start(TRUSTED);
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let file = grange.root().join("haproxy.cfg");
    let text = format!(
        "defaults\n mode tcp\n timeout connect 5s\n timeout client 30s\n timeout server 30s\n\
         listen smtp\n bind 127.0.0.1:{port}\n source 127.0.0.1\n server grange 127.0.0.1:{} send-proxy-v2\n",
        grange.port
    );
    std::fs::write(&file, text).unwrap();
    let child = Command::new(haproxy).args(["-db", "-f"]).arg(&file).stdin(Stdio::null()).spawn().unwrap();
    let _balancer = Balancer(child);
    wait_until("the balancer listens", || TcpStream::connect(("127.0.0.1", port)).is_ok());
    // The true client has an address of its own.
    let script = "import smtplib,sys\n\
                  s=smtplib.SMTP(source_address=('127.0.0.77',0))\n\
                  print(s.connect('127.0.0.1',int(sys.argv[1]))[0], s.ehlo()[0], s.quit()[0])\n";
    let Some(python) = tools::find("python3") else { return };
    let said = Command::new(python).args(["-c", script, &port.to_string()]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&said.stdout).trim(), "220 250 221");
    let line = grange.wait_for_line(&[" closed client=127.0.0.77 "]);
    assert!(line.contains("why=quit"), "{line}");
}
