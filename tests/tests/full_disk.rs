//! A spool without space: 452 well before the disk is full, and nothing that was accepted is lost.

use std::path::{Path, PathBuf};
use std::process::Command;
use system_tests::daemon::is_root;
use system_tests::{Grange, Sink, wait_until};

/// A small file system on a directory, until it is dropped.
struct SmallDisk(PathBuf);

impl SmallDisk {
    /// `None` where this user may not mount.
    fn on(directory: &Path, size: &str) -> Option<Self> {
        std::fs::create_dir_all(directory).unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"]).arg(directory);
        let mounted = is_root() && mount.output().is_ok_and(|output| output.status.success());
        if !mounted {
            println!(
                "skipped: a full disk needs a file system of its own, and this user may not mount one here"
            );
        }
        mounted.then(|| Self(directory.to_owned()))
    }

    /// Octets that are free.
    fn free(&self) -> u64 {
        let output = Command::new("df").args(["--output=avail", "-B1"]).arg(&self.0).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        text.lines().nth(1).and_then(|line| line.trim().parse().ok()).unwrap()
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _gone = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

/// One message of this size in a session of its own: the code and the text of its last reply.
fn send(grange: &Grange, to: &str, size: usize) -> (u16, String) {
    let mut client = grange.connect();
    client.expect(250, "EHLO client.example");
    for command in ["MAIL FROM:<you@client.example>".to_owned(), format!("RCPT TO:<{to}>")] {
        let code = client.say(&command);
        if code != 250 {
            return (code, client.last);
        }
    }
    let code = client.say("DATA");
    if code != 354 {
        return (code, client.last);
    }
    let line = format!("{}\r\n", "x".repeat(70));
    let content = format!("Subject: {to}\r\n\r\n{}", line.repeat(size / line.len()));
    client.send(&system_tests::client::stuffed(content.as_bytes()));
    (client.reply(), client.last)
}

#[test]
fn without_the_reserve_nothing_is_accepted() {
    let grange = Grange::start("[spool]\nreserve = \"1T\"\n");
    let (code, text) = send(&grange, "ann@far.example", 1000);
    assert_eq!(code, 452, "{text}");
    assert!(text.starts_with("452 4.3.1 no space; try again later"), "{text}");
    assert!(grange.queue().is_empty());
}

#[test]
fn a_disk_that_fills_up_is_answered_452_and_loses_nothing() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let mut grange = Grange::prepare(&format!(
        "[router]\nroutes = {{ \".\" = \"smtp!127.0.0.1:{port}\" }}\n[scheduler]\nretry = [\"1h\"]\n\
         [spool]\nreserve = \"16M\"\nsegment-size = \"4M\"\n"
    ));
    let Some(disk) = SmallDisk::on(&grange.root().join("spool"), "64M") else { return };
    grange.go();
    let mut accepted = 0;
    let refusal = loop {
        let (code, text) = send(&grange, &format!("r{accepted}@far.example"), 100_000);
        if code != 250 {
            break text;
        }
        accepted += 1;
        assert!(accepted < 1000, "64 MiB hold no 1,000 messages of 100 kB");
    };
    assert!(refusal.starts_with("452 4.3.1 no space"), "{refusal}");
    let left = disk.free();
    assert!(left > 4 << 20, "{left} octets are left: that is not well before the disk is full");
    assert!(accepted > 50, "only {accepted} were accepted");
    wait_until("all that were accepted wait", || grange.queue().len() == accepted);
    let sink = Sink::on(std::net::TcpListener::bind(("127.0.0.1", port)).unwrap(), |_| None);
    assert!(grange.grange(&["queue", "retry", "--all"]).status.success());
    sink.wait_for(accepted);
    grange.wait_until_empty();
    assert_eq!(sink.count(), accepted);
    wait_until("there is room again", || send(&grange, "late@far.example", 100_000).0 == 250);
    println!("{accepted} messages fitted; {} KiB were left; all were delivered", left >> 10);
    grange.stop();
}
