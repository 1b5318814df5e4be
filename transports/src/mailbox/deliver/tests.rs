use super::*;
use crate::agent::{Desk, Work};
use farm::clock::Moment;
use farm::config::{Paths, defaults};
use farm::event_loop::EventLoop;
use farm::fault::Faults;
use proto::address::ReversePath;
use proto::envelope::Shape;
use proto::id::SpoolId;
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A user of one's own: home in a directory of the test's, rights of the test.
struct Bench {
    home: TempDir,
    mailbox: Mailbox,
}

const RECEIVED: u64 = 1_764_000_000_123;

fn own(name: &str, home: &Path) -> Account {
    let own = sys::user::own_account().unwrap().unwrap();
    Account { name: if name == "ann" { own.name.clone() } else { name.into() }, home: home.into(), ..own }
}

impl Bench {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let path = format!("{}/%u/", home.path().display());
        Self { mailbox: mailbox(&path), home }
    }

    /// Where mail goes: the directory is named for the user.
    fn maildir(&self) -> PathBuf {
        self.home.path().join(own("ann", Path::new("/")).name)
    }

    fn deliver(&mut self, index: u32) -> Disposition {
        deliver(&mut self.mailbox, "ann", index, b"Subject: x\r\n\r\n.hi\r\n")
    }

    fn files(&self, part: &str) -> Vec<PathBuf> {
        let list = std::fs::read_dir(self.maildir().join(part)).unwrap();
        list.map(|entry| entry.unwrap().path()).collect()
    }
}

fn mailbox(path: &str) -> Mailbox {
    let paths = Paths { etc: "/x".into(), spool: "/x".into(), run: "/x".into(), libexec: "/x".into() };
    let mut config = defaults(&paths, "mail.example.org");
    config.common.user = "root".into();
    let mut channel = config.channels.remove("mailbox").unwrap();
    channel.path = path.into();
    let lookup: fn(&str) -> io::Result<Option<Account>> = |name| match name {
        "broken" => Err(io::ErrorKind::TimedOut.into()),
        "nobody-here" => Ok(None),
        "homeless" => Ok(Some(own("ann", Path::new("/no/such/home")))),
        name => Ok(Some(own(name, Path::new("/")))),
    };
    Mailbox::with_users(&Settings { common: config.common, channel }, lookup)
}

fn deliver(mailbox: &mut Mailbox, user: &str, index: u32, content: &[u8]) -> Disposition {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(b"front").unwrap();
    file.write_all(content).unwrap();
    let mut desk = Desk::default();
    desk.shelve(1, file.into());
    let terms = proto::terms::RecipientTerms::default();
    let recipient =
        JobRecipient { index, address: "ann@example.org".parse().unwrap(), user: user.into(), terms };
    let job = Job {
        job: 1,
        id: SpoolId::new(RECEIVED, 1, 2, 3),
        received: RECEIVED,
        from: ReversePath::Mailbox("bob@example.net".parse().unwrap()),
        host: user.into(),
        shape: Shape::default(),
        terms: proto::terms::Terms::default(),
        file: 1,
        record: None,
        offset: 5,
        length: u64::try_from(content.len()).unwrap(),
        checksum: None,
        recipients: vec![recipient.clone()],
    };
    let work: Work = desk.accept(job).unwrap();
    let event_loop = EventLoop::new().unwrap();
    let now = Moment::default();
    let mut turn = Turn { now, desk: &mut desk, event_loop: &event_loop, faults: &mut Faults::default() };
    mailbox.deliver(&work, &recipient, &mut turn)
}

#[test]
fn a_message_lands_in_new_with_its_trace_and_lf_line_ends() {
    let mut bench = Bench::new();
    let said = bench.deliver(0);
    assert_eq!((said.outcome, said.status), (Outcome::Delivered, Status::OK), "{said:?}");
    let files = bench.files("new");
    let text = std::fs::read_to_string(&files[0]).unwrap();
    assert_eq!(text, "Return-Path: <bob@example.net>\nDelivered-To: ann@example.org\nSubject: x\n\n.hi\n");
    let name = files[0].file_name().unwrap().to_str().unwrap();
    let id = SpoolId::new(RECEIVED, 1, 2, 3);
    assert_eq!(name, format!("1764000000.{id}.0.mail.example.org"));
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&files[0]), mode(&bench.maildir()), bench.files("tmp").len()), (0o600, 0o700, 0));
}

#[test]
fn a_message_that_has_been_in_the_mailbox_is_a_loop() {
    let mut bench = Bench::new();
    let content = |field: &str| {
        format!("Received: x\r\n{field}\r\nSubject: x\r\n\r\nDelivered-To: ann@example.org\r\n")
    };
    let said = deliver(&mut bench.mailbox, "ann", 0, content("delivered-to: ann@EXAMPLE.org").as_bytes());
    assert_eq!((said.outcome, said.status), (Outcome::Failed, Status::permanent(4, 6)), "{said:?}");
    assert!(bench.files("new").is_empty() && bench.files("tmp").is_empty());
    let said = deliver(&mut bench.mailbox, "ann", 0, content("Delivered-To: bob@example.org").as_bytes());
    assert_eq!(said.outcome, Outcome::Delivered, "{said:?}");
}

#[test]
fn a_repeat_is_recognised_even_after_it_was_read() {
    let mut bench = Bench::new();
    bench.deliver(0);
    assert_eq!(bench.deliver(0).reply, "already in the mailbox");
    let file = bench.files("new").remove(0);
    let name = file.file_name().unwrap().to_str().unwrap().to_owned();
    std::fs::rename(&file, bench.maildir().join("cur").join(format!("{name}:2,S"))).unwrap();
    assert_eq!(bench.deliver(0).reply, "already in the mailbox");
    assert!(bench.files("new").is_empty());
    assert_eq!(bench.deliver(1).reply, "delivered to the mailbox", "another recipient is another delivery");
}

#[test]
fn what_a_dead_attempt_left_in_tmp_is_replaced() {
    let mut bench = Bench::new();
    bench.deliver(0);
    let name = bench.files("new").remove(0);
    std::fs::rename(&name, bench.maildir().join("tmp").join(name.file_name().unwrap())).unwrap();
    assert_eq!(bench.deliver(0).reply, "delivered to the mailbox");
    assert_eq!((bench.files("new").len(), bench.files("tmp").len()), (1, 0));
}

#[test]
fn symbolic_links_lead_nowhere() {
    let elsewhere = tempfile::tempdir().unwrap();
    for part in ["", "new", "tmp"] {
        let mut bench = Bench::new();
        if part.is_empty() {
            symlink(elsewhere.path(), bench.maildir()).unwrap();
        } else {
            std::fs::create_dir(bench.maildir()).unwrap();
            symlink(elsewhere.path(), bench.maildir().join(part)).unwrap();
        }
        let said = bench.deliver(0);
        assert_eq!((said.outcome, said.status), (Outcome::Deferred, Status::transient(2, 0)), "{said:?}");
        assert!(said.reply.contains("symbolic links are not followed"), "{said:?}");
    }
    assert_eq!(std::fs::read_dir(elsewhere.path()).unwrap().count(), 0);
}

#[test]
fn a_link_in_place_of_the_file_is_removed_and_not_written_through() {
    let mut bench = Bench::new();
    bench.deliver(0);
    let name = bench.files("new").remove(0);
    let name = name.file_name().unwrap();
    std::fs::remove_file(bench.maildir().join("new").join(name)).unwrap();
    let victim = bench.home.path().join("victim");
    std::fs::write(&victim, "precious").unwrap();
    symlink(&victim, bench.maildir().join("tmp").join(name)).unwrap();
    assert_eq!(bench.deliver(0).outcome, Outcome::Delivered);
    assert_eq!(std::fs::read_to_string(victim).unwrap(), "precious");
    assert!(bench.files("new")[0].symlink_metadata().unwrap().is_file());
}

#[test]
fn users_that_cannot_be_delivered_to() {
    let mut bench = Bench::new();
    let mut to = |user| {
        let said = deliver(&mut bench.mailbox, user, 0, b"x");
        (said.outcome, said.status.to_string())
    };
    assert_eq!(to("nobody-here"), (Outcome::Failed, "5.1.1".into()));
    assert_eq!(to("broken"), (Outcome::Deferred, "4.3.0".into()));
    bench.mailbox.path = "~/Maildir/".into();
    let said = deliver(&mut bench.mailbox, "homeless", 0, b"x");
    assert_eq!((said.outcome, said.status.to_string()), (Outcome::Deferred, "4.2.0".into()), "{said:?}");
    bench.mailbox.path = "/var/mail/%u".into();
    assert_eq!(bench.deliver(0).status.to_string(), "4.3.5");
}

#[test]
fn root_has_no_mailbox_unless_grange_runs_as_root() {
    let mut bench = Bench::new();
    bench.mailbox.root_allowed = false;
    bench.mailbox.lookup = |name| Ok(Some(Account { name: name.into(), uid: 0, gid: 0, home: "/".into() }));
    let said = deliver(&mut bench.mailbox, "root", 0, b"x");
    assert_eq!((said.outcome, said.status.to_string()), (Outcome::Deferred, "4.3.0".into()));
    assert!(said.reply.contains("alias root to a person"));
}

#[test]
fn a_body_that_ends_too_early_leaves_nothing_behind() {
    let mut bench = Bench::new();
    let file = tempfile::tempfile().unwrap();
    let body = crate::agent::Body::new(std::sync::Arc::new(file), 0, 10);
    let place = Place::of(&bench.mailbox.path, &own("ann", Path::new("/"))).unwrap();
    let maildir = Maildir::open(&place).unwrap();
    let ann = "ann@example.org".parse().unwrap();
    assert!(maildir.deliver("x", |file| content::write("A: b\r\n", &body, &ann, file)).is_err());
    assert_eq!((bench.files("new").len(), bench.files("tmp").len()), (0, 0));
    bench.mailbox.hostname = "a/b:c".into();
    assert_eq!(bench.deliver(0).outcome, Outcome::Delivered);
    assert!(bench.files("new")[0].to_str().unwrap().ends_with("a\\057b\\072c"));
}
