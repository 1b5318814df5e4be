//! The attributes of XCLIENT, XFORWARD and XPLAY: `NAME=value NAME=value`.

use super::CommandError;
use crate::xtext;

/// Names in upper case, values decoded; no name stands twice.
///
/// Source: the documentation of Postfix, XCLIENT_README and XFORWARD_README: `attribute-name=attribute-value`, the value
/// in xtext.
pub(super) fn parse(arguments: &str) -> Result<Vec<(String, String)>, CommandError> {
    let mut found: Vec<(String, String)> = Vec::new();
    for word in arguments.split_ascii_whitespace() {
        let (name, value) = word.split_once('=').ok_or(CommandError::Parameter)?;
        if name.is_empty() || !name.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'_') {
            return Err(CommandError::Parameter);
        }
        let name = name.to_ascii_uppercase();
        if found.iter().any(|(other, _)| *other == name) {
            return Err(CommandError::Repeated { keyword: "an attribute" });
        }
        found.push((name, xtext::decode_text(value).ok_or(CommandError::Value { keyword: "an attribute" })?));
    }
    if found.is_empty() { Err(CommandError::Missing) } else { Ok(found) }
}
