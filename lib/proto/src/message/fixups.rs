//! What a new message lacks, and what is wrong with it: only for submissions, where a user's program is the client.
//!
//! Decides which fields are put in front of the content, and whether its From can stay. Does not touch a field that is
//! there: what follows is passed on as it came, and a signature that held still holds. The header section is held back until its end, within a bound.
//!
//! Source: RFC 6409 sections 6.1 and 8 (Sender, Date, Message-ID), RFC 5322 section 3.6 (From once, Sender if From is not
//! who sends).

use super::{addresses, contains, date, fields};
use crate::address::{Mailbox, ReversePath};
use crate::reply::{Cause, Reply};
use crate::status::Status;

/// Longest header section of a submission, in octets.
pub const LONGEST: usize = 256 << 10;

/// A first line of so many octets without a colon is no field: lines end sooner (RFC 5322 section 2.1.1).
const LONGEST_NAME: usize = 1_000;

/// What is known of a submission besides its content.
pub struct Submission<'a> {
    /// The reverse-path of its transaction.
    pub sender: &'a ReversePath,
    /// What makes a Message-ID unique; a word.
    pub id: &'a str,
    /// The name of this host.
    pub host: &'a str,
    /// Now, UTC, milliseconds since 1970.
    pub now: u64,
    /// Whether the client may send from an address; without an account, from any.
    pub owns: &'a dyn Fn(&Mailbox) -> bool,
}

/// The beginning of a content, until its header section is complete.
#[derive(Debug, Default)]
pub struct Header {
    held: Vec<u8>,
    /// No line ends with the header section before this octet.
    seen: usize,
}

impl Header {
    /// Takes the next part of the content; `true` once the section is complete. What comes behind it is held, too.
    ///
    /// # Errors
    /// A 5xx reply: the section is longer than [`LONGEST`].
    pub fn take(&mut self, part: &[u8]) -> Result<bool, Reply> {
        self.held.extend_from_slice(part);
        if self.is_complete() {
            return Ok(true);
        }
        if self.held.len() > LONGEST {
            let cause = Cause::beyond("header-size", self.held.len(), LONGEST);
            let text = format!("the header section is longer than {LONGEST} octets");
            return Err(Reply::new(552, Status::permanent(3, 4), text).because(cause));
        }
        Ok(false)
    }

    /// Everything that was taken.
    pub fn held(&self) -> &[u8] {
        &self.held
    }

    fn is_complete(&mut self) -> bool {
        let starts = |held: &[u8], at: usize| held.get(at..).is_some_and(|rest| rest.starts_with(b"\r\n"));
        if self.seen == 0
            && (starts(&self.held, 0) || !(may_begin(&self.held) || begins_with_field(&self.held)))
        {
            return true;
        }
        while let Some(length) = self.held.get(self.seen..).and_then(|rest| memchr::memchr(b'\n', rest)) {
            let next = self.seen + length + 1;
            if starts(&self.held, next) {
                return true;
            }
            if next + 2 > self.held.len() {
                // The line behind is not there yet.
                return false;
            }
            self.seen = next;
        }
        false
    }
}

/// Whether the first line is a field.
fn begins_with_field(content: &[u8]) -> bool {
    let beginning = content.get(..LONGEST_NAME).unwrap_or(content);
    match memchr::memchr2(b':', b'\n', beginning).and_then(|end| beginning.split_at_checked(end)) {
        Some((name, [b':', ..])) => {
            let name = name.trim_ascii_end();
            !name.is_empty() && name.iter().all(u8::is_ascii_graphic)
        }
        _ => false,
    }
}

/// Whether the first line can become a field: not enough of it is there to tell.
fn may_begin(content: &[u8]) -> bool {
    let part_of_name = |octet: &u8| octet.is_ascii_graphic() && *octet != b':' || b" \t\r".contains(octet);
    content.len() < LONGEST_NAME && content.iter().all(part_of_name)
}

/// The fields that are to stand in front of the content, each with its CRLF; behind the last one an empty line, if the
/// content begins without a header section.
///
/// # Errors
/// A 5xx reply: From stands there twice, or is no list of mailboxes.
pub fn missing(content: &[u8], submission: &Submission<'_>) -> Result<Vec<u8>, Reply> {
    let Submission { sender, id, host, now, owns } = submission;
    let headless = !content.is_empty() && !content.starts_with(b"\r\n") && !begins_with_field(content);
    let header = if headless { &[] } else { content };
    let from = from(header)?;
    let lacks = |name: &str| !contains(header, name) && !is_sealed(header, name);
    let mut added = String::new();
    let mailbox = match sender {
        ReversePath::Null => None,
        ReversePath::Mailbox(mailbox) => Some(mailbox),
    };
    if let (None, Some(mailbox)) = (&from, mailbox) {
        added.push_str(&format!("From: <{mailbox}>\r\n"));
    }
    if let (Some(authors), Some(mailbox)) = (&from, mailbox)
        && lacks("Sender")
        && !authors.iter().any(|author| author == mailbox || owns(author))
    {
        added.push_str(&format!("Sender: <{mailbox}>\r\n"));
    }
    if lacks("Date") {
        added.push_str(&format!("Date: {}\r\n", date(*now)));
    }
    if lacks("Message-ID") {
        added.push_str(&format!("Message-ID: <{id}@{host}>\r\n"));
    }
    if headless {
        added.push_str("\r\n");
    }
    Ok(added.into_bytes())
}

/// Whether a signature (RFC 6376 section 3.5, tag `h`) says that there is no such field: it would not hold if there were.
fn is_sealed(header: &[u8], name: &str) -> bool {
    fields(header).filter(|field| field.is("DKIM-Signature")).any(|field| {
        let value = String::from_utf8_lossy(field.value);
        let tags = value.split(';').filter_map(|tag| tag.split_once('='));
        let mut signed = tags.filter(|(tag, _)| tag.trim() == "h").flat_map(|(_, names)| names.split(':'));
        signed.any(|signed| signed.trim().eq_ignore_ascii_case(name))
    })
}

/// The mailboxes of From; `None` without that field.
fn from(header: &[u8]) -> Result<Option<Vec<Mailbox>>, Reply> {
    let mut all = fields(header).filter(|field| field.is("From"));
    let Some(field) = all.next() else { return Ok(None) };
    if all.next().is_some() {
        return Err(bad_from("From stands there twice", ""));
    }
    let text = String::from_utf8_lossy(field.value);
    let shown = text.trim();
    let list = addresses(&text).map_err(|wrong| bad_from(&format!("From: {wrong}"), shown))?;
    let mailboxes = list.iter().map(|address| address.parse());
    let mailboxes: Result<Vec<Mailbox>, _> = mailboxes.collect();
    match mailboxes {
        Ok(mailboxes) if !mailboxes.is_empty() || text.contains(';') => Ok(Some(mailboxes)),
        Ok(_) => Err(bad_from("From names nobody", shown)),
        Err(_) => Err(bad_from("From is no list of addresses such as <ann@example.org>", shown)),
    }
}

fn bad_from(why: &str, value: &str) -> Reply {
    let value: String = value.chars().take(200).collect();
    Reply::new(550, Status::permanent(6, 0), why.to_owned()).because(Cause::met("from", value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const FULL: &str = "From: ann@example.org\r\nDate: d\r\nMessage-ID: <m@x>\r\n\r\n";

    fn fixed(content: &str, owned: &str) -> Result<String, String> {
        let sender = ReversePath::Mailbox("ann@example.org".parse().unwrap());
        let owns = |mailbox: &Mailbox| mailbox.to_string() == owned;
        let host = "mail.example.org";
        let submission = Submission { sender: &sender, id: "01J", host, now: 1_764_000_000_123, owns: &owns };
        let added = missing(content.as_bytes(), &submission).map_err(|reply| reply.to_string())?;
        Ok(String::from_utf8(added).unwrap())
    }

    #[test]
    fn what_is_missing_is_put_in_front_and_nothing_else() {
        assert_eq!(fixed(FULL, ""), Ok(String::new()));
        assert_eq!(
            fixed("Subject: x\r\n\r\nDate: body\r\n", ""),
            Ok("From: <ann@example.org>\r\nDate: Mon, 24 Nov 2025 16:00:00 +0000\r\n\
                Message-ID: <01J@mail.example.org>\r\n"
                .into())
        );
        assert_eq!(fixed(&FULL.replace("Date", "date"), ""), Ok(String::new()));
    }

    #[test]
    fn a_content_without_a_header_section_gets_one() {
        assert!(fixed("\r\nbody\r\n", "").unwrap().ends_with("mail.example.org>\r\n"));
        assert!(fixed("hello, world\r\n", "").unwrap().ends_with("mail.example.org>\r\n\r\n"));
        assert!(fixed("", "").unwrap().starts_with("From: "));
        // A last chunk need not end with a line.
        assert!(fixed("hello", "").unwrap().ends_with("mail.example.org>\r\n\r\n"));
        assert!(fixed("Subject: x", "").unwrap().ends_with("mail.example.org>\r\n"));
    }

    #[test]
    fn who_sends_for_another_is_named_as_the_sender() {
        let other = FULL.replace("ann@", "Boss <boss@");
        let other = other.replace("example.org\r\n", "example.org>\r\n");
        assert_eq!(fixed(&other, ""), Ok("Sender: <ann@example.org>\r\n".into()));
        assert_eq!(fixed(&other, "boss@example.org"), Ok(String::new()));
        assert_eq!(fixed(&format!("Sender: x@example.org\r\n{other}"), ""), Ok(String::new()));
    }

    #[test]
    fn a_field_of_which_a_signature_says_that_it_is_not_there_is_not_added() {
        let sealed = |names: &str| {
            let signature = format!("DKIM-Signature: v=1; d=example.net; h={names};\r\n\tb=abc=\r\n");
            fixed(&format!("{signature}From: boss@example.org\r\n\r\n"), "").unwrap()
        };
        assert_eq!(sealed("From:sender:\r\n\tDate : Message-Id"), "");
        assert!(sealed("From:To").contains("Sender: ") && sealed("From:To").contains("Message-ID: "));
        let bare = fixed("DKIM-Signature: h=Date\r\nFrom: ann@example.org\r\n\r\n", "").unwrap();
        assert!(bare.starts_with("Message-ID: <") && !bare.contains("Date"), "{bare}");
    }

    #[test]
    fn a_bad_from_is_refused() {
        for (value, why) in [
            ("ann", "550 5.6.0 From is no list"),
            ("ann@", "550 5.6.0 From is no list"),
            ("<ann@example.org", "550 5.6.0 From: '<' is not closed"),
            ("Ann Example ann@example.org", "550 5.6.0 From: a comma is missing"),
            ("", "550 5.6.0 From names nobody"),
            ("<>", "550 5.6.0 From names nobody"),
            ("a@b, ann", "550 5.6.0 From is no list"),
        ] {
            let told = fixed(&FULL.replace("ann@example.org", value), "").unwrap_err();
            assert!(told.starts_with(why), "{value}: {told}");
        }
        let twice = fixed(&format!("From: a@example.org\r\n{FULL}"), "").unwrap_err();
        assert!(twice.starts_with("550 5.6.0 From stands there twice"), "{twice}");
    }

    #[test]
    fn a_good_from_is_not() {
        for value in ["Ann <ann@example.org>", "\"a, b\" <ann@example.org>,\r\n bob@example.org", "Nobody:;"]
        {
            assert!(fixed(&FULL.replace("ann@example.org", value), "").is_ok(), "{value}");
        }
    }

    /// What goes on to the spool if the content comes in parts of these sizes.
    fn passed_on(content: &[u8], sizes: &[usize]) -> Result<Vec<u8>, String> {
        let sender = ReversePath::Mailbox("ann@example.org".parse().unwrap());
        let owns = |_: &Mailbox| false;
        let submission =
            Submission { sender: &sender, id: "01J", host: "mail.example.org", now: 0, owns: &owns };
        let mut header = Header::default();
        let mut rest = content;
        let mut sizes = sizes.iter().cycle();
        while !rest.is_empty() {
            let (part, after) = rest.split_at((*sizes.next().unwrap()).min(rest.len()));
            rest = after;
            if header.take(part).unwrap() {
                break;
            }
        }
        let added = missing(header.held(), &submission).map_err(|reply| reply.to_string())?;
        Ok([&added, header.held(), rest].concat())
    }

    fn complete_after(content: &[u8], sizes: &[usize]) -> Option<usize> {
        let mut header = Header::default();
        let mut rest = content;
        let mut sizes = sizes.iter().cycle();
        while !rest.is_empty() {
            let (part, after) = rest.split_at((*sizes.next().unwrap()).min(rest.len()));
            rest = after;
            if header.take(part).unwrap() {
                return Some(content.len() - rest.len());
            }
        }
        None
    }

    #[test]
    fn the_section_ends_with_its_empty_line_however_it_comes() {
        let content = b"From: a@x\r\nSubject: b\r\n c\r\n\r\nbody\r\n";
        for size in 1..40 {
            let end = complete_after(content, &[size]).unwrap();
            assert!((29..29 + size).contains(&end), "{size}: {end}");
        }
        assert_eq!(complete_after(b"\r\nbody", &[1]), Some(2));
        assert_eq!(complete_after(b"no field\r\n", &[100]), Some(10));
        assert_eq!(complete_after(b"A: b\r\n", &[3]), None);
    }

    #[test]
    fn a_section_without_end_is_refused() {
        let mut header = Header::default();
        let line = format!("X: {}\r\n", "x".repeat(900));
        let refused = (0..400).find_map(|_| header.take(line.as_bytes()).err()).unwrap();
        assert_eq!(refused.code, 552);
        assert!(header.held().len() <= LONGEST + line.len());
    }

    #[test]
    fn a_long_first_line_that_comes_octet_by_octet_costs_little() {
        let mut header = Header::default();
        let began = std::time::Instant::now();
        for _ in 0..LONGEST {
            if header.take(b"x").unwrap() {
                break;
            }
        }
        assert!(header.held().len() < 2_000, "a name of {} octets", header.held().len());
        assert!(began.elapsed() < std::time::Duration::from_secs(1));
    }

    proptest! {
        #[test]
        fn the_octets_do_not_depend_on_the_parts(
            content in "((From|Date|x y|Ann|é)?(: ?|)(a@b|<c@d>|,|)(\\r\\n|\\n|\\r|)( |\t|\\r\\n|)){0,8}",
            sizes in proptest::collection::vec(1_usize..9, 1..5),
        ) {
            let whole = passed_on(content.as_bytes(), &[content.len().max(1)]);
            if let Ok(octets) = &whole {
                prop_assert!(octets.ends_with(content.as_bytes()));
            }
            prop_assert_eq!(passed_on(content.as_bytes(), &sizes), whole);
        }

        #[test]
        fn no_content_breaks_it_and_what_is_added_are_fields(content in "[A-Za-z:@<>,\\r\\n é-]{0,80}") {
            if let Ok(added) = fixed(&content, "") {
                prop_assert!(added.is_empty() || added.ends_with("\r\n"));
                prop_assert_eq!(fields(added.as_bytes()).count() + usize::from(added.ends_with("\r\n\r\n")), added.matches("\r\n").count());
            }
        }

        #[test]
        fn the_end_does_not_depend_on_the_parts(content in "(A: b\\r\\n|\\r\\n|x|:| ){0,12}", sizes in proptest::collection::vec(1_usize..7, 1..5)) {
            let whole = complete_after(content.as_bytes(), &[content.len().max(1)]).is_some();
            prop_assert_eq!(complete_after(content.as_bytes(), &sizes).is_some(), whole);
        }
    }
}
