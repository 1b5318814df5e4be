//! What the server offers.

use crate::disposition::{Disposition, Outcome};
use crate::envelope::Shape;
use crate::reply::Reply;
use crate::status::Status;

/// The extensions of a server that this client makes use of; none after HELO.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Features {
    /// PIPELINING (RFC 2920).
    pub pipelining: bool,
    /// SIZE with its limit in octets; 0 where no limit is told (RFC 1870 section 4).
    pub size: Option<u64>,
    /// 8BITMIME (RFC 6152).
    pub eight_bit_mime: bool,
}

impl Features {
    /// Reads the reply to EHLO or LHLO; its first line is the server's name, and what is not understood is passed over.
    pub fn of(reply: &Reply) -> Self {
        let mut features = Self::default();
        for line in reply.lines.iter().skip(1) {
            let (keyword, parameter) = line.trim().split_once(' ').unwrap_or((line.trim(), ""));
            match keyword.to_ascii_uppercase().as_str() {
                "PIPELINING" => features.pipelining = true,
                "SIZE" => features.size = Some(parameter.trim().parse().unwrap_or(0)),
                "8BITMIME" => features.eight_bit_mime = true,
                _ => {}
            }
        }
        features
    }

    /// Whether a message of this shape can be offered to the server at all; if not, why.
    ///
    /// Source: RFC 1870 section 5 (5.3.4), RFC 6152 section 3 (5.6.3, since we do not convert).
    pub(super) fn refusal(&self, shape: &Shape) -> Option<Disposition> {
        if let Some(limit) = self.size.filter(|&limit| limit > 0 && shape.size > limit) {
            let words = format!("a message of {} octets exceeds the server's limit of {limit}", shape.size);
            return Some(Disposition::local(Outcome::Failed, Status::permanent(3, 4), words));
        }
        if shape.eight_bit && !self.eight_bit_mime {
            let words = "the message has 8-bit content, and the server does not offer 8BITMIME";
            return Some(Disposition::local(Outcome::Failed, Status::permanent(6, 3), words));
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offered(lines: &[&str]) -> Features {
        let lines = lines.iter().map(|&line| line.to_owned()).collect();
        Features::of(&Reply { code: 250, status: None, lines })
    }

    #[test]
    fn keywords_are_read_in_any_case() {
        let features = offered(&["mx.example.net", "pipelining", "Size 1000", "8BITMIME", "XYZZY 1 2"]);
        assert_eq!(features, Features { pipelining: true, size: Some(1000), eight_bit_mime: true });
    }

    #[test]
    fn the_name_of_the_server_is_no_keyword() {
        assert_eq!(offered(&["PIPELINING"]), Features::default());
    }

    #[test]
    fn a_size_without_a_number_is_no_limit() {
        let features = offered(&["mx", "SIZE"]);
        assert_eq!(features.size, Some(0));
        assert_eq!(features.refusal(&Shape { size: u64::MAX, ..Shape::default() }), None);
    }

    #[test]
    fn what_the_server_cannot_take_is_refused_here() {
        let features = offered(&["mx", "SIZE 10"]);
        let status = |shape| features.refusal(&shape).map(|disposition| disposition.status.to_string());
        assert_eq!(status(Shape { size: 10, ..Shape::default() }), None);
        assert_eq!(status(Shape { size: 11, ..Shape::default() }), Some("5.3.4".into()));
        assert_eq!(status(Shape { eight_bit: true, ..Shape::default() }), Some("5.6.3".into()));
    }
}
