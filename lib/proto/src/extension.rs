//! The service extensions that EHLO announces.

use crate::server::Privileges;
use jiff::Timestamp;

/// What a server offers at one moment of a session, in the words of EHLO.
///
/// Sources: RFC 2920 (PIPELINING), RFC 1870 (SIZE), RFC 6152 (8BITMIME), RFC 2034 (ENHANCEDSTATUSCODES), RFC 3030
/// (CHUNKING, BINARYMIME), RFC 6531 (SMTPUTF8), RFC 3461 (DSN), RFC 2852 (DELIVERBY), RFC 4865 (FUTURERELEASE), RFC 6710
/// (MT-PRIORITY), RFC 9422 (LIMITS), RFC 3207 (STARTTLS), RFC 8689 (REQUIRETLS), RFC 4954 (AUTH), RFC 1985 (ETRN), RFC
/// 5321 sections 4.1.1.6 to 4.1.1.8 (VRFY, EXPN, HELP).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extensions<'a> {
    /// The largest content in octets, as SIZE announces it.
    pub size: u64,
    /// The most recipients of a message.
    pub recipients: usize,
    /// The shortest time that DELIVERBY takes, in seconds.
    pub deliver_by: u64,
    /// FUTURERELEASE, if it is offered.
    pub future_release: Option<FutureRelease>,
    /// STARTTLS is offered.
    pub starttls: bool,
    /// REQUIRETLS is offered: the connection is protected.
    pub require_tls: bool,
    /// The mechanisms of AUTH; with none it is not offered.
    pub mechanisms: &'a [String],
    /// What this client may do.
    pub privileges: Privileges,
}

/// The limits of FUTURERELEASE.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FutureRelease {
    /// In seconds from now.
    pub interval: u64,
    /// In milliseconds since 1970 (UTC).
    pub until: u64,
}

/// The attributes that XCLIENT takes.
pub const XCLIENT: &[&str] = &["NAME", "ADDR", "PORT", "PROTO", "HELO", "LOGIN", "DESTADDR", "DESTPORT"];

/// The attributes that XFORWARD takes.
pub const XFORWARD: &[&str] = &["NAME", "ADDR", "PORT", "PROTO", "HELO", "IDENT", "SOURCE"];

impl Extensions<'_> {
    /// The keyword lines of the reply to EHLO, after its greeting line.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = vec![
            "PIPELINING".to_owned(),
            format!("SIZE {}", self.size),
            "8BITMIME".to_owned(),
            "ENHANCEDSTATUSCODES".to_owned(),
            "CHUNKING".to_owned(),
            "BINARYMIME".to_owned(),
            "SMTPUTF8".to_owned(),
            "DSN".to_owned(),
            if self.deliver_by == 0 {
                "DELIVERBY".to_owned()
            } else {
                format!("DELIVERBY {}", self.deliver_by)
            },
            "MT-PRIORITY".to_owned(),
            format!("LIMITS RCPTMAX={}", self.recipients),
        ];
        lines.extend(self.future_release.map(FutureRelease::line));
        let Self { starttls, require_tls, privileges, .. } = *self;
        for (offered, word) in [
            (starttls, "STARTTLS"),
            (require_tls, "REQUIRETLS"),
            (privileges.vrfy, "VRFY"),
            (privileges.expn, "EXPN"),
            (privileges.etrn, "ETRN"),
        ] {
            lines.extend(offered.then(|| word.to_owned()));
        }
        lines.extend((!self.mechanisms.is_empty()).then(|| format!("AUTH {}", self.mechanisms.join(" "))));
        lines.extend(privileges.xclient.then(|| format!("XCLIENT {}", XCLIENT.join(" "))));
        lines.extend(privileges.xforward.then(|| format!("XFORWARD {}", XFORWARD.join(" "))));
        lines.push("HELP".to_owned());
        lines
    }
}

impl FutureRelease {
    fn line(self) -> String {
        let seconds = i64::try_from(self.until / 1000).unwrap_or(i64::MAX);
        let until = Timestamp::from_second(seconds).unwrap_or(Timestamp::MAX);
        format!("FUTURERELEASE {} {until}", self.interval)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limits_of_a_future_release_are_in_seconds_and_in_a_date() {
        let release = FutureRelease { interval: 3600, until: 1_764_000_000_123 };
        assert_eq!(release.line(), "FUTURERELEASE 3600 2025-11-24T16:00:00Z");
    }
}
