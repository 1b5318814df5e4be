//! Clients that break off, dawdle, flood or speak something else: each costs its own session and nothing more.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};
use system_tests::daemon::local_user;
use system_tests::{Grange, PATIENCE, wait_until};

const HASTE: &str = "[smtpserver]\nlisten = [\"127.0.0.1:0\"]\ncommand-timeout = \"1s\"\ndata-timeout = \"1s\"\n\
                     data-rate = 1000\nsessions-per-client = 1000\n";

/// A stream that reads for as long as a test may take.
fn stream(grange: &Grange) -> TcpStream {
    let stream = TcpStream::connect(("127.0.0.1", grange.port)).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_nodelay(true).unwrap();
    stream
}

/// Everything that comes until the server closes.
fn rest(stream: &mut TcpStream) -> String {
    let mut all = Vec::new();
    let _reset_is_an_end_too = stream.read_to_end(&mut all);
    String::from_utf8_lossy(&all).into_owned()
}

fn open_to(user: &str) -> String {
    format!("EHLO client.example\r\nMAIL FROM:<you@client.example>\r\nRCPT TO:<{user}@example.org>\r\n")
}

/// A session that is still served afterwards.
fn serves(grange: &Grange) {
    let user = local_user();
    let mut client = grange.connect();
    client.expect(250, "EHLO client.example");
    let code =
        client.deliver("you@client.example", &[&format!("{user}@example.org")], b"Subject: on\r\n\r\n");
    assert_eq!(code, 250);
}

#[test]
fn a_client_that_closes_its_half_gets_every_answer_and_its_message_is_taken() {
    let grange = Grange::start("");
    let mut stream = stream(&grange);
    let all = format!("{}DATA\r\nSubject: half\r\n\r\nbody\r\n.\r\nQUIT\r\n", open_to(&local_user()));
    stream.write_all(all.as_bytes()).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    let heard = rest(&mut stream);
    assert!(heard.contains(" accepted\r\n221 "), "{heard}");
    grange.wait_for_mail(&local_user(), 1);
}

#[test]
fn half_a_message_is_no_message_however_its_client_leaves() {
    let grange = Grange::start("");
    for content in
        ["DATA\r\nSubject: x\r\n\r\nbo", "BDAT 100 LAST\r\nSubject: x\r\n\r\nbo", "BDAT 4\r\na\r\n\r\n"]
    {
        let mut stream = stream(&grange);
        stream.write_all(format!("{}{content}", open_to(&local_user())).as_bytes()).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        assert!(!rest(&mut stream).contains("accepted"));
        // What was sent to it and never read makes its end a reset.
        let mut reset = self::stream(&grange);
        reset.write_all(format!("{}{content}", open_to(&local_user())).as_bytes()).unwrap();
        wait_until("something to read is there", || {
            reset.peek(&mut [0; 64]).is_ok_and(|octets| octets == 64)
        });
        drop(reset);
    }
    wait_until("all are gone", || grange.gauge("smtpserver", "sessions") == 0.0);
    serves(&grange);
    assert_eq!(grange.wait_for_mail(&local_user(), 1).len(), 1);
}

#[test]
fn a_trickle_keeps_no_session_in_any_state() {
    let grange = Grange::start(HASTE);
    let open = open_to(&local_user());
    let states = [
        String::new(),
        "EHLO client.example\r\n".to_owned(),
        open.clone(),
        format!("{open}DATA\r\n"),
        format!("{open}BDAT 100000\r\n"),
        format!("{open}BDAT 2\r\nxx"),
        "BDAT 100000\r\n".to_owned(),
    ];
    let mut streams: Vec<_> = states.iter().map(|_| stream(&grange)).collect();
    for (stream, state) in streams.iter_mut().zip(&states) {
        stream.write_all(state.as_bytes()).unwrap();
        stream.set_nonblocking(true).unwrap();
    }
    let begun = Instant::now();
    let mut heard = vec![Vec::new(); streams.len()];
    let mut over = vec![false; streams.len()];
    wait_until("all sessions are ended", || {
        for ((stream, heard), over) in streams.iter_mut().zip(&mut heard).zip(&mut over) {
            let _it_may_be_closed = stream.write(b"x");
            let mut octets = [0; 4096];
            match stream.read(&mut octets) {
                Ok(0) => *over = true,
                Ok(count) => heard.extend_from_slice(&octets[..count]),
                Err(error) => *over |= error.kind() != std::io::ErrorKind::WouldBlock,
            }
        }
        over.iter().all(|over| *over)
    });
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    for (state, heard) in states.iter().zip(&heard) {
        let heard = String::from_utf8_lossy(heard);
        assert!(heard.contains("421 4.4.2 "), "after {state:?}: {heard}");
    }
    serves(&grange);
}

#[test]
fn a_web_browser_is_sent_away_with_its_first_line() {
    let grange = Grange::start("");
    let user = local_user();
    let mut stream = stream(&grange);
    let request = format!("POST / HTTP/1.1\r\nHost: x\r\n\r\n{}DATA\r\nx\r\n.\r\n", open_to(&user));
    stream.write_all(request.as_bytes()).unwrap();
    let heard = rest(&mut stream);
    assert!(heard.contains("421 4.7.0 this is a mail server") && !heard.contains("250"), "{heard}");
    grange.wait_for_line(&["closed", "why=not-smtp"]);
}

#[test]
fn noise_ends_after_a_few_mistakes() {
    let grange = Grange::start("");
    let mut stream = stream(&grange);
    let noise: Vec<u8> = (0..200_000_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let _it_may_be_closed = stream.write_all(&noise);
    let _it_may_be_closed = stream.write_all(&b"\r\n".repeat(100));
    let _it_may_be_closed = stream.shutdown(Shutdown::Write);
    assert!(!rest(&mut stream).contains("250"));
    serves(&grange);
}

#[test]
fn a_flood_of_chunks_that_nobody_wants_is_ended() {
    let grange = Grange::start("[smtpserver]\nlisten = [\"127.0.0.1:0\"]\nmessage-size = \"64K\"\n");
    let mut stream = stream(&grange);
    stream.write_all(open_to("nosuch").as_bytes()).unwrap();
    let chunk = [&b"BDAT 60000\r\n"[..], &[b'x'; 60_000]].concat();
    let sent = (0..2000).take_while(|_| stream.write_all(&chunk).is_ok()).count();
    assert!(sent < 1500, "{sent} chunks went through");
    grange.wait_for_line(&["closed", "why=flood"]);
    serves(&grange);
}
