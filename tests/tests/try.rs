//! `make run`: the first message lands in one command.

use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use system_tests::daemon::programs;

#[test]
fn the_first_message_lands_and_nothing_is_left() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let scratch = tempfile::tempdir().unwrap();
    let output = Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/try"))
        .arg(programs())
        .env("GRANGE_TRY_ONCE", "1")
        .env("GRANGE_TRY_PORT", port.to_string())
        .env("TMPDIR", scratch.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    for words in [
        "It landed in",
        "Subject: hello, Grange",
        "Delivered-To:",
        " accepted ",
        " delivered ",
        "Now try",
        "queue list",
        "is removed",
    ] {
        assert!(said.contains(words), "{words}\n{said}");
    }
    assert_eq!(std::fs::read_dir(scratch.path()).unwrap().count(), 0, "the scratch root is gone");
}
