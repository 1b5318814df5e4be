//! The library's errors in the words of the journal.

use crate::Broken;
use rustls::{Error, InvalidMessage, PeerIncompatible};

/// Why a session failed, in a few words.
pub(crate) fn broken(error: &Error) -> Broken {
    Broken(match error {
        Error::AlertReceived(alert) => format!("the peer sent alert: {}", spaced(&format!("{alert:?}"))),
        Error::InvalidMessage(
            InvalidMessage::InvalidContentType
            | InvalidMessage::UnknownProtocolVersion
            | InvalidMessage::MessageTooLarge,
        ) => "what the peer sent is not TLS".into(),
        Error::PeerIncompatible(PeerIncompatible::NoCertificateRequestSignatureSchemesInCommon) => {
            "no signature scheme in common".into()
        }
        Error::PeerIncompatible(why) => format!("the peer is incompatible: {}", spaced(&format!("{why:?}"))),
        Error::PeerMisbehaved(why) => format!("the peer misbehaved: {}", spaced(&format!("{why:?}"))),
        Error::NoCertificatesPresented => "the peer presented no certificate".into(),
        Error::General(why) if why == "no server certificate chain resolved" => {
            "no certificate here that the peer can verify".into()
        }
        other => other.to_string(),
    })
}

/// `UnknownCA` as `unknown CA`, `Tls12NotOffered` as `tls12 not offered`.
pub(crate) fn spaced(camel: &str) -> String {
    let mut words = String::with_capacity(camel.len() + 8);
    let mut previous = ' ';
    let mut rest = camel.chars().peekable();
    while let Some(c) = rest.next() {
        let acronym = previous.is_uppercase() || rest.peek().is_none_or(|next| next.is_uppercase());
        if c.is_uppercase() && previous.is_lowercase() {
            words.push(' ');
        }
        words.push(if c.is_uppercase() && !acronym { c.to_ascii_lowercase() } else { c });
        previous = c;
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustls::AlertDescription;

    #[test]
    fn alerts_are_told_in_words() {
        let alert = |description| broken(&Error::AlertReceived(description)).to_string();
        assert_eq!(alert(AlertDescription::UnknownCA), "the peer sent alert: unknown CA");
        assert_eq!(alert(AlertDescription::HandshakeFailure), "the peer sent alert: handshake failure");
        let junk = Error::InvalidMessage(InvalidMessage::InvalidContentType);
        assert_eq!(broken(&junk).to_string(), "what the peer sent is not TLS");
    }
}
