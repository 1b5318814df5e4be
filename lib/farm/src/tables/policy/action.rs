//! The action of a rule, with its codes and its text.

use super::words::{Mistake, Word};
use super::{Action, Refusal, Template};
use proto::status::Status;

/// The words that begin an action.
pub(super) const WORDS: [&str; 6] = ["accept", "reject", "defer", "hold", "tag", "warn"];

/// Longest text and tag, in octets: it has to fit into a line of a reply.
const LONGEST: usize = 400;

/// Whether the action begins with this word.
pub(super) fn begins(word: &Word) -> bool {
    WORDS.contains(&word.text.as_str())
}

/// Whether it only warns, and what it does. The first of the words begins an action.
pub(super) fn read(words: &[Word]) -> Result<(bool, Action), Mistake> {
    let Some((first, rest)) = words.split_first() else { return Ok((false, Action::Accept)) };
    match first.text.as_str() {
        "warn" => warned(first, rest),
        "reject" => refusal(rest, 5).map(|refusal| (false, Action::Refuse(refusal))),
        "defer" => refusal(rest, 4).map(|refusal| (false, Action::Refuse(refusal))),
        "hold" => text(rest, "held by the policy").map(|why| (false, Action::Hold(why))),
        "tag" => tag(first, rest).map(|tag| (false, Action::Tag(tag))),
        _ => match rest.first() {
            None => Ok((false, Action::Accept)),
            Some(surplus) => Err(surplus.wrong("accept takes no text; write # in front of a remark")),
        },
    }
}

fn warned(warn: &Word, rest: &[Word]) -> Result<(bool, Action), Mistake> {
    match rest.first() {
        Some(next) if begins(next) && next.text != "warn" => read(rest).map(|(_, action)| (true, action)),
        Some(next) => Err(next.wrong("warn is followed by an action, as in warn reject")),
        None => Err(warn.wrong_behind("warn is followed by an action, as in warn reject")),
    }
}

/// Codes are taken where they stand; without them they are those of a policy (RFC 3463 section 3.8).
fn refusal(rest: &[Word], class: u8) -> Result<Refusal, Mistake> {
    let (code, rest) = match rest.split_first() {
        Some((first, behind)) if is_code(first) => (reply_code(first, class)?, behind),
        _ => (if class == 5 { 550 } else { 450 }, rest),
    };
    let (status, rest) = match rest.split_first() {
        Some((first, behind)) if first.text.parse::<Status>().is_ok() => (status(first, class)?, behind),
        _ => (if class == 5 { Status::permanent(7, 1) } else { Status::transient(7, 1) }, rest),
    };
    let usual = if class == 5 { "refused by the policy of this host" } else { "not now; try again later" };
    let text = text(rest, usual)?;
    Ok(Refusal { code, status, text })
}

fn is_code(word: &Word) -> bool {
    word.text.len() == 3 && word.text.bytes().all(|c| c.is_ascii_digit())
}

fn reply_code(word: &Word, class: u8) -> Result<u16, Mistake> {
    let code = word.text.parse().unwrap_or(0u16);
    let good = match class {
        5 => (500..560).contains(&code),
        _ => code == 421 || (450..460).contains(&code),
    };
    let cure = if class == 5 { "reject answers 500 to 559" } else { "defer answers 421 or 450 to 459" };
    if good { Ok(code) } else { Err(word.wrong(format!("\"{code}\" does not go with this action; {cure}"))) }
}

fn status(word: &Word, class: u8) -> Result<Status, Mistake> {
    let own = word.text.parse::<Status>().ok().filter(|_| word.text.starts_with(char::from(b'0' + class)));
    own.ok_or_else(|| {
        word.wrong(format!("\"{}\" does not go with this action; it begins with {class}", word.text))
    })
}

fn text(words: &[Word], usual: &str) -> Result<Template, Mistake> {
    let Some(first) = words.first() else { return Ok(Template::fixed(usual)) };
    let length: usize = words.iter().map(|word| word.text.len() + 1).sum();
    if length > LONGEST {
        return Err(first.wrong(format!("this text has {length} octets; {LONGEST} are allowed")));
    }
    if let Some(word) =
        words.iter().find(|word| word.text.contains(|c: char| c.is_control() || c == '\u{fffd}'))
    {
        return Err(word.wrong("this is not printable text in UTF-8"));
    }
    Template::of(words)
}

fn tag(word: &Word, rest: &[Word]) -> Result<String, Mistake> {
    let good = |c: u8| c.is_ascii_alphanumeric() || b"-_.".contains(&c);
    match rest {
        [] => Err(word.wrong_behind("tag needs a name, as in tag suspect")),
        [name] if name.text.len() <= 64 && name.text.bytes().all(good) => Ok(name.text.clone()),
        [name] => {
            Err(name
                .wrong(format!("\"{}\" is not a tag; use at most 64 letters, digits, -, _ and .", name.text)))
        }
        [_, surplus, ..] => Err(surplus.wrong("a tag is one word")),
    }
}
