use super::*;
use farm::config::{Paths, defaults};
use secrets::stored::is_password;
use tempfile::TempDir;

const SCRAM_LINE: &str = "{SCRAM-SHA-256}4096,W22ZaJ0SNY7soEsUEjb6gQ==,WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=,wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=";
const ANN: &str = "$5$rounds=1000$abcdefgh$ErG1rn0GpODYQsD0nq3v3MbXT2boicTUhjw4zQRk1//";

fn section(directory: &Path) -> Auth {
    let at = |name: &str| directory.join(name);
    let paths = Paths { etc: at("etc"), spool: at("spool"), run: at("run"), libexec: at("libexec") };
    Auth { users: Some(at("users")), ..defaults(&paths, "mail.example.org").auth }
}

fn accounts(users: &str) -> (Accounts, TempDir) {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("users"), users).unwrap();
    let mut accounts = Accounts::new(&section(directory.path()), [7; 32]);
    accounts.refresh(0);
    (accounts, directory)
}

#[test]
fn an_unknown_user_has_a_stand_in_of_the_same_form() {
    let (accounts, _directory) = accounts(&format!("ann:{ANN}\n"));
    let (stored, real) = accounts.password("ANN").unwrap();
    assert!(real && is_password("sesame", &stored).unwrap());
    let (stand_in, real) = accounts.password("eve").unwrap();
    assert!(!real && stand_in == stored);
}

#[test]
fn the_stand_in_of_an_empty_file_is_comparable_and_nobodys() {
    let (accounts, _directory) = accounts("ann:*\n");
    for name in ["ann", "eve"] {
        let (stored, real) = accounts.password(name).unwrap();
        assert!(!real && is_password("x", &stored) == Ok(false), "{name}");
    }
}

#[test]
fn keys_of_an_unknown_user_look_like_those_of_the_others() {
    let (accounts, _directory) = accounts(&format!("ann:{SCRAM_LINE}\nbob:{ANN}\n"));
    let (ann, eve, bob) = (accounts.keys("ann"), accounts.keys("eve"), accounts.keys("bob"));
    let (ann, eve, bob) = (ann.unwrap(), eve.unwrap(), bob.unwrap());
    assert_eq!((eve.salt.len(), eve.iterations), (ann.salt.len(), ann.iterations));
    assert_eq!((bob.salt.len(), bob.iterations), (ann.salt.len(), ann.iterations));
    assert!(eve == accounts.keys("Eve").unwrap() && eve != bob);
}

#[test]
fn a_file_that_cannot_be_read_and_a_broken_line_are_not_a_wrong_password() {
    let (mut accounts, directory) = accounts(&format!("ann:x\nbob:{ANN}\n"));
    assert_eq!(accounts.password("ann").unwrap_err(), UNREADABLE);
    assert_eq!(accounts.grant("ann").unwrap_err(), UNREADABLE);
    assert!(accounts.password("bob").unwrap().1);
    fs::remove_file(directory.path().join("users")).unwrap();
    assert_eq!(accounts.refresh(1_000).len(), 1);
    assert_eq!(accounts.refresh(2_000).len(), 0, "it is said once");
    assert_eq!(accounts.password("bob").unwrap_err(), UNREADABLE);
    assert_eq!(accounts.keys("eve").unwrap_err(), UNREADABLE);
    assert_eq!(accounts.by_certificate(&["x".into()], None).unwrap_err(), UNREADABLE);
}

#[test]
fn a_changed_file_is_read_again() {
    let (mut accounts, directory) = accounts("");
    assert!(!accounts.password("ann").unwrap().1);
    fs::write(directory.path().join("users"), format!("ann:{ANN}\n")).unwrap();
    accounts.refresh(LOOK);
    assert!(accounts.password("ann").unwrap().1);
}

#[test]
fn a_line_without_a_name_makes_the_unknown_uncertain() {
    let (accounts, _directory) = accounts(&format!(":x\nann:{ANN}\n"));
    assert!(accounts.password("ann").unwrap().1);
    assert_eq!(accounts.password("eve").unwrap_err(), UNREADABLE);
}

#[test]
fn a_certificate_has_one_owner() {
    let (accounts, _directory) = accounts("ann:*:cert=ann.example,both\nbob:*:cert=BOTH\n");
    let by =
        |name: &str, wanted| accounts.by_certificate(&[name.into()], wanted).map(|user| user.name.clone());
    assert_eq!(by("Ann.Example", None), Ok("ann".into()));
    assert_eq!(by("both", None), Err("certificate"));
    assert_eq!(by("both", Some("BOB")), Ok("bob".into()));
    assert_eq!(by("ann.example", Some("bob")), Err("certificate"));
    assert_eq!(accounts.by_certificate(&[], None).unwrap_err(), "no-certificate");
}

#[test]
fn limits_and_senders_come_from_line_and_section() {
    let directory = tempfile::tempdir().unwrap();
    let file = |name: &str| directory.path().join(name);
    let line = format!("ann:{ANN}:messages=5/1h recipients=none senders=a@example.org\nbob:{ANN}\n");
    fs::write(file("users"), line).unwrap();
    fs::write(file("senders"), "*@example.net: ann, bob\n").unwrap();
    let section = Auth {
        senders: Some(file("senders")),
        messages: "9/1h".parse().ok(),
        recipients: "99/1h".parse().ok(),
        ..section(directory.path())
    };
    let mut accounts = Accounts::new(&section, [7; 32]);
    assert_eq!(accounts.refresh(0), []);
    let ann = accounts.grant("ANN").unwrap();
    assert_eq!((ann.account.as_str(), ann.counts_messages, ann.counts_recipients), ("ann", true, false));
    assert_eq!(ann.senders, ["a@example.org", "*@example.net"]);
    assert_eq!(accounts.limits("bob").messages, "9/1h".parse().ok());
    assert_eq!(accounts.limits("ann").messages, "5/1h".parse().ok());
}
