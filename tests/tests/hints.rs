//! Notification sockets that somebody floods with junk.

use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;
use system_tests::daemon::local_user;
use system_tests::{Grange, Sink};

/// Sends junk to a socket until it is dropped.
struct Flood {
    stop: Arc<AtomicBool>,
    sent: Arc<AtomicU64>,
    thread: Option<JoinHandle<()>>,
}

impl Flood {
    fn on(path: PathBuf, segments: PathBuf) -> Self {
        assert!(path.exists(), "{} is where everybody can send to", path.display());
        let (stop, sent) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let (stopped, counter) = (Arc::clone(&stop), Arc::clone(&sent));
        let thread = std::thread::spawn(move || {
            let socket = UnixDatagram::unbound().unwrap();
            socket.set_nonblocking(true).unwrap();
            let mut number = 0;
            while !stopped.load(Ordering::Relaxed) {
                number += 1;
                match socket.send_to(&junk(number, &segments), &path) {
                    Ok(_) => _ = counter.fetch_add(1, Ordering::Relaxed),
                    // The queue is full: honest hints need a chance, and the machine needs its processors.
                    Err(_) => std::thread::sleep(Duration::from_micros(200)),
                }
            }
        });
        Self { stop, sent, thread: Some(thread) }
    }
}

impl Drop for Flood {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.take().unwrap().join().unwrap();
    }
}

/// Noise, malformed hints, hints about segments that do not exist, and lies about those that do.
fn junk(number: u64, segments: &Path) -> Vec<u8> {
    let segment = || {
        let names = std::fs::read_dir(segments).into_iter().flatten().flatten();
        names.map(|entry| entry.file_name().to_string_lossy().into_owned()).next().unwrap_or_default()
    };
    match number % 6 {
        0 => Vec::new(),
        1 => vec![u8::try_from(number % 251).unwrap(); 60_000],
        2 => b"new ../../etc/passwd 0 4096".to_vec(),
        3 => format!("new {number:018} 0 {}", u64::MAX).into_bytes(),
        4 => format!("new {} 0 {}", segment(), u64::MAX).into_bytes(),
        _ => format!("new {} {} {}", segment(), number, number + 4096).into_bytes(),
    }
}

#[test]
fn mail_flows_through_a_flood_of_junk() {
    let sink = Sink::start();
    let mut grange =
        Grange::prepare(&format!("[router]\nroutes = {{ \".\" = \"smtp!127.0.0.1:{}\" }}\n", sink.port));
    // An alias with two targets takes the way through the router's notification socket.
    let aliases = format!("both: {}, bob@far.example\n", local_user());
    std::fs::write(grange.root().join("etc/aliases"), aliases).unwrap();
    grange.go();
    let pids = || [grange.pids("router"), grange.pids("scheduler")].concat();
    let before = pids();
    let segments = grange.root().join("spool/segments");
    let floods: Vec<Flood> = ["router.notify", "scheduler.notify"]
        .map(|socket| Flood::on(grange.root().join("run").join(socket), segments.clone()))
        .into();
    let mut client = grange.connect();
    client.expect(250, "EHLO client.example");
    for number in 0..50 {
        let content = format!("Subject: {number}\r\n\r\n{number}\r\n");
        let to = ["ann@far.example", "both@example.org"];
        assert_eq!(client.deliver("you@client.example", &to, content.as_bytes()), 250, "{}", client.last);
    }
    grange.wait_for_mail(&local_user(), 50);
    sink.wait_for(50);
    grange.wait_until_empty();
    let sent: Vec<u64> = floods.iter().map(|flood| flood.sent.load(Ordering::Relaxed)).collect();
    assert!(sent.iter().all(|&sent| sent > 100), "hardly any junk was taken: {sent:?}");
    drop(floods);
    grange.wait_for_line(&["hints-dropped", "scheduler "]);
    grange.wait_for_line(&["hints-dropped", "router"]);
    let after = pids();
    assert!(before.iter().all(|pid| after.contains(pid)), "nobody died of it: {before:?} {after:?}");
    let ann = sink.taken().iter().flat_map(|taken| &taken.to).filter(|to| to.contains("ann@")).count();
    let bob = sink.taken().iter().flat_map(|taken| &taken.to).filter(|to| to.contains("bob@")).count();
    assert_eq!((ann, bob, grange.mail_of(&local_user()).len()), (50, 50, 50), "each once");
    println!("50 messages flowed beside {sent:?} datagrams of junk");
}

#[test]
fn a_lie_about_the_end_of_a_segment_hides_nothing_that_comes_later() {
    let user = local_user();
    let mut grange = Grange::start("[smtpserver]\nlisten = [\"127.0.0.1:0\"]\nworkers = 1\n");
    let to = format!("{user}@example.org");
    let mut client = grange.connect();
    client.expect(250, "EHLO client.example");
    assert_eq!(client.deliver("you@client.example", &[&to], b"Subject: 1\r\n\r\n"), 250);
    grange.wait_for_mail(&user, 1);
    let socket = UnixDatagram::unbound().unwrap();
    for entry in std::fs::read_dir(grange.root().join("spool/segments")).unwrap().flatten() {
        let segment = entry.file_name().to_string_lossy().into_owned();
        // Behind the honest end there are zeros: in the middle of a block, at its end, and far behind.
        for end in [8787, 12_288, 20_000, 1 << 20] {
            let lie = format!("new {segment} 4096 {end}");
            socket.send_to(lie.as_bytes(), grange.root().join("run/scheduler.notify")).unwrap();
        }
    }
    for count in 2..=4 {
        assert_eq!(client.deliver("you@client.example", &[&to], b"Subject: more\r\n\r\n"), 250);
        grange.wait_for_mail(&user, count);
    }
    drop(client);
    grange.wait_until_empty();
    grange.stop();
    grange.go();
    grange.wait_until_empty();
    assert_eq!(grange.mail_of(&user).len(), 4);
}
