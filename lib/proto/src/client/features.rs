//! What the server offers.

use crate::reply::Reply;

/// The extensions of a server that this client makes use of; none after HELO.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Features {
    /// PIPELINING (RFC 2920).
    pub pipelining: bool,
    /// SIZE with its limit in octets; 0 where no limit is told (RFC 1870 section 4).
    pub size: Option<u64>,
    /// 8BITMIME (RFC 6152).
    pub eight_bit_mime: bool,
    /// CHUNKING (RFC 3030 section 2).
    pub chunking: bool,
    /// BINARYMIME (RFC 3030 section 3); it counts only with CHUNKING.
    pub binary_mime: bool,
    /// SMTPUTF8 (RFC 6531).
    pub smtp_utf8: bool,
    /// DSN (RFC 3461).
    pub dsn: bool,
    /// DELIVERBY with the shortest time that is taken, in seconds; 0 where none is told (RFC 2852 section 3).
    pub deliver_by: Option<u64>,
    /// MT-PRIORITY (RFC 6710).
    pub mt_priority: bool,
    /// REQUIRETLS (RFC 8689).
    pub require_tls: bool,
    /// STARTTLS (RFC 3207).
    pub start_tls: bool,
    /// AUTH, by whatever mechanism (RFC 4954).
    pub auth: bool,
    /// RCPTMAX of LIMITS: recipients of one transaction (RFC 9422 section 4.2).
    pub recipients: Option<usize>,
    /// MAILMAX of LIMITS: transactions of one connection (RFC 9422 section 4.1).
    pub transactions: Option<u64>,
}

impl Features {
    /// Reads the reply to EHLO or LHLO; its first line is the server's name, and what is not understood is passed over.
    pub fn of(reply: &Reply) -> Self {
        let mut features = Self::default();
        for line in reply.lines.iter().skip(1) {
            let (keyword, parameter) = line.trim().split_once(' ').unwrap_or((line.trim(), ""));
            features.note(&keyword.to_ascii_uppercase(), parameter.trim());
        }
        features
    }

    fn note(&mut self, keyword: &str, parameter: &str) {
        match keyword {
            "PIPELINING" => self.pipelining = true,
            "SIZE" => self.size = Some(parameter.parse().unwrap_or(0)),
            "8BITMIME" => self.eight_bit_mime = true,
            "CHUNKING" => self.chunking = true,
            "BINARYMIME" => self.binary_mime = true,
            "SMTPUTF8" => self.smtp_utf8 = true,
            "DSN" => self.dsn = true,
            "DELIVERBY" => self.deliver_by = Some(parameter.parse().unwrap_or(0)),
            "MT-PRIORITY" => self.mt_priority = true,
            "REQUIRETLS" => self.require_tls = true,
            "STARTTLS" => self.start_tls = true,
            "AUTH" => self.auth = true,
            "LIMITS" => parameter.split_ascii_whitespace().for_each(|limit| self.limit(limit)),
            _ => {}
        }
    }

    /// One limit; a name that is not known and a number that is none are passed over (RFC 9422 section 3).
    fn limit(&mut self, limit: &str) {
        let Some((name, value)) = limit.split_once('=') else { return };
        let Some(value) = value.parse().ok().filter(|&value: &u32| value > 0) else { return };
        match name.to_ascii_uppercase().as_str() {
            "RCPTMAX" => self.recipients = usize::try_from(value).ok(),
            "MAILMAX" => self.transactions = Some(value.into()),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offered(lines: &[&str]) -> Features {
        let lines = lines.iter().map(|&line| line.to_owned()).collect();
        Features::of(&Reply { code: 250, status: None, lines, cause: None })
    }

    #[test]
    fn keywords_are_read_in_any_case() {
        let features =
            offered(&["mx.example.net", "pipelining", "Size 1000", "8BITMIME", "XYZZY 1 2", "Dsn"]);
        let expected =
            Features { pipelining: true, size: Some(1000), eight_bit_mime: true, ..Features::default() };
        assert_eq!(features, Features { dsn: true, ..expected });
    }

    #[test]
    fn each_keyword_has_its_place() {
        let lines = "mx\nCHUNKING\nBINARYMIME\nSMTPUTF8\nDELIVERBY 240\nMT-PRIORITY MIXER\nREQUIRETLS\nSTARTTLS\nAUTH PLAIN";
        let expected = Features {
            chunking: true,
            binary_mime: true,
            smtp_utf8: true,
            deliver_by: Some(240),
            mt_priority: true,
            require_tls: true,
            start_tls: true,
            auth: true,
            ..Features::default()
        };
        assert_eq!(offered(&lines.split('\n').collect::<Vec<_>>()), expected);
    }

    #[test]
    fn the_name_of_the_server_is_no_keyword() {
        assert_eq!(offered(&["PIPELINING"]), Features::default());
    }

    #[test]
    fn a_size_without_a_number_is_no_limit() {
        assert_eq!(offered(&["mx", "SIZE", "DELIVERBY"]).size, Some(0));
        assert_eq!(offered(&["mx", "SIZE", "DELIVERBY"]).deliver_by, Some(0));
    }

    #[test]
    fn limits_that_make_sense_are_kept() {
        let limits = |text: &str| {
            let features = offered(&["mx", text]);
            (features.recipients, features.transactions)
        };
        assert_eq!(limits("LIMITS RCPTMAX=20 MAILMAX=5 XMAX=1"), (Some(20), Some(5)));
        assert_eq!(limits("LIMITS rcptmax=7"), (Some(7), None));
        assert_eq!(limits("LIMITS RCPTMAX=0 MAILMAX=many RCPTMAX"), (None, None));
    }
}
