//! The lines about what the sender asked for. A plain message has none of them.
//!
//! ```text
//! Utf8                            a capital: who does not know it must not deliver the message
//! RequireTls
//! Binary
//! Hold 1764000300000
//! By 1764000300000 RT
//! by 1764000300000 N              a sender who is only told can bear that one hop does not know of it
//! body 8BITMIME
//! ret HDRS
//! envid QQ314159
//! priority -3
//! auth <>
//! notify 0 SUCCESS,DELAY          with the index of the recipient, behind its line
//! orcpt 0 rfc822;ann@example.net
//! ```

use super::Known;
use crate::words::{self, Words};
use proto::envelope::Recipient;
use proto::terms::{BodyKind, ByMode, DeliverBy, RecipientTerms, Terms};
use std::fmt::Write as _;

/// Prints the lines about the message.
pub(super) fn print(text: &mut String, terms: &Terms) {
    let binary = terms.body == BodyKind::BinaryMime;
    for (keyword, set) in [("Utf8\n", terms.utf8), ("RequireTls\n", terms.require_tls), ("Binary\n", binary)]
    {
        text.push_str(if set { keyword } else { "" });
    }
    // Writing to a String cannot fail.
    if let Some(until) = terms.hold_until {
        let _ = writeln!(text, "Hold {until}");
    }
    if let Some(by) = terms.deliver_by {
        let (keyword, mode) = if by.mode == ByMode::Return { ("By", "R") } else { ("by", "N") };
        let trace = if by.trace { "T" } else { "" };
        let _ = writeln!(text, "{keyword} {} {mode}{trace}", by.until);
    }
    if terms.body == BodyKind::EightBitMime {
        let _ = writeln!(text, "body {}", terms.body.word());
    }
    if let Some(ret) = terms.ret {
        let _ = writeln!(text, "ret {}", ret.word());
    }
    if let Some(priority) = terms.priority {
        let _ = writeln!(text, "priority {priority}");
    }
    print_word(text, "envid", terms.envid.as_deref());
    print_word(text, "auth", terms.auth.as_deref());
}

/// Prints the lines about the recipient with this index.
pub(super) fn print_recipient(text: &mut String, index: usize, terms: &RecipientTerms) {
    if let Some(notify) = terms.notify {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "notify {index} {notify}");
    }
    if let Some(orcpt) = &terms.orcpt {
        print_word(text, &format!("orcpt {index}"), Some(orcpt));
    }
}

fn print_word(text: &mut String, keyword: &str, word: Option<&str>) {
    if let Some(word) = word {
        text.push_str(keyword);
        words::push(text, word);
        text.push('\n');
    }
}

/// Reads one line, whose first word is `keyword`.
pub(super) fn read(
    keyword: &str,
    mut words: Words<'_>,
    terms: &mut Terms,
    recipients: &mut [Recipient],
) -> Known {
    let understood = match keyword {
        "Utf8" => fill(&mut terms.utf8, Some(true)),
        "RequireTls" => fill(&mut terms.require_tls, Some(true)),
        "Binary" => fill(&mut terms.body, Some(BodyKind::BinaryMime)),
        "Hold" => fill(&mut terms.hold_until, words.parse().map(Some)),
        "By" | "by" => fill(&mut terms.deliver_by, deliver_by(&mut words).map(Some)),
        "body" => {
            let kind = BodyKind::EightBitMime;
            fill(&mut terms.body, words.skip(kind.word()).then_some(kind))
        }
        "ret" => fill(&mut terms.ret, words.parse().map(Some)),
        "priority" => fill(&mut terms.priority, words.parse().map(Some)),
        "envid" => fill(&mut terms.envid, words.text().map(Some)),
        "auth" => fill(&mut terms.auth, words.text().map(Some)),
        "notify" => {
            let of = of_recipient(&mut words, recipients);
            of.and_then(|of| fill(&mut of.notify, words.parse().map(Some)))
        }
        "orcpt" => {
            let of = of_recipient(&mut words, recipients);
            of.and_then(|of| fill(&mut of.orcpt, words.text().map(Some)))
        }
        _ => return Known::Unknown,
    };
    if understood.and_then(|()| words.end()).is_some() { Known::Understood } else { Known::Bad }
}

fn fill<T>(slot: &mut T, value: Option<T>) -> Option<()> {
    *slot = value?;
    Some(())
}

fn of_recipient<'a>(
    words: &mut Words<'_>,
    recipients: &'a mut [Recipient],
) -> Option<&'a mut RecipientTerms> {
    recipients.get_mut(words.parse::<usize>()?).map(|recipient| &mut recipient.terms)
}

fn deliver_by(words: &mut Words<'_>) -> Option<DeliverBy> {
    let until = words.parse()?;
    let (mode, trace) = match words.raw()? {
        "R" => (ByMode::Return, false),
        "RT" => (ByMode::Return, true),
        "N" => (ByMode::Notify, false),
        "NT" => (ByMode::Notify, true),
        _ => return None,
    };
    Some(DeliverBy { until, mode, trace })
}
