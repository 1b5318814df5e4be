//! A person's name as a phrase of a header field.
//!
//! Sources: RFC 5322 section 3.2.5 (phrase), RFC 2047 sections 2, 4.2 and 5 (encoded words).

/// Most characters between `=?utf-8?q?` and `?=`, so that an encoded word has at most 75.
const ROOM: usize = 75 - 12;

/// The name as words, a quoted string, or encoded words, whichever is the simplest that is right.
pub(super) fn phrase(name: &str) -> String {
    let name: String = name.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let name = name.trim();
    let is_atom = |c: char| c == ' ' || c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c);
    if !name.is_ascii() {
        return encoded(name);
    }
    if name.chars().all(is_atom) && !name.contains("=?") {
        return name.to_owned();
    }
    let quoted = name.replace('\\', "\\\\").replace('"', "\\\"");
    format!("\"{quoted}\"")
}

fn encoded(name: &str) -> String {
    let mut words = vec![String::new()];
    for c in name.chars() {
        let mut buffer = [0; 4];
        let piece: String = match c {
            ' ' => "_".into(),
            _ if c.is_ascii_alphanumeric() => c.into(),
            _ => c.encode_utf8(&mut buffer).bytes().map(|octet| format!("={octet:02X}")).collect(),
        };
        match words.last_mut() {
            Some(word) if word.len() + piece.len() <= ROOM => word.push_str(&piece),
            _ => words.push(piece),
        }
    }
    let words: Vec<String> = words.iter().map(|word| format!("=?utf-8?q?{word}?=")).collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_simplest_form_is_taken() {
        assert_eq!(phrase("Ann Example"), "Ann Example");
        assert_eq!(phrase("Ann B. \"C\" \\"), "\"Ann B. \\\"C\\\" \\\\\"");
        assert_eq!(phrase("=?utf-8?q?x?="), "\"=?utf-8?q?x?=\"");
        assert_eq!(phrase("Zoë X"), "=?utf-8?q?Zo=C3=AB_X?=");
    }

    #[test]
    fn a_name_injects_no_field() {
        assert_eq!(phrase("a\r\nBcc: b"), "\"a  Bcc: b\"");
    }

    #[test]
    fn a_long_name_becomes_several_words_cut_between_characters() {
        let phrase = phrase(&"ë".repeat(40));
        assert!(phrase.split(' ').all(|word| word.len() <= 75 && word.ends_with("=C3=AB?=")), "{phrase}");
    }
}
