//! Commands: any line is a command or an error with a reply of one class.

use proto::command::Command;

pub(crate) fn check(octets: &[u8]) {
    for line in octets.split(|&octet| octet == b'\n') {
        match Command::parse(line) {
            Ok(command) => {
                let control = |&octet: &u8| octet != b'\t' && octet.is_ascii_control();
                assert!(!line.iter().any(control), "no command holds a control character: {command:?}");
            }
            Err(error) => {
                let reply = error.reply();
                assert_eq!(reply.class(), 5, "a syntax error is permanent: {error}");
                let mut printed = Vec::new();
                reply.write_to(&mut printed);
                assert_eq!(printed.iter().filter(|&&octet| octet == b'\n').count(), 1, "{error}");
            }
        }
    }
}
