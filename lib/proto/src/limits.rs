//! How much a client may ask for, and how long it may take.

/// The limits of a session. Times are in milliseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Longest command line, in octets with its CRLF; default 4,096. A longer one is refused with `500 5.5.2` and
    /// skipped up to its CRLF. RFC 5321 section 4.5.3.1.4 sets a floor of 512.
    pub command_line: usize,
    /// Largest content, in octets as it is stored; default 50 MiB. A larger one is refused with `552 5.3.4`, at MAIL
    /// where the client declares it (RFC 1870 section 6).
    pub message_size: u64,
    /// Most recipients of a message; default 10,000. Further ones are answered `452 4.5.3`; RFC 5321 section
    /// 4.5.3.1.8 sets a floor of 100.
    pub recipients: usize,
    /// How many commands may be refused for their syntax or their place; default 20. The last of them is answered
    /// `421 4.7.0`, and the session ends.
    pub bad_commands: u32,
    /// Wait for a command; default 5 minutes (RFC 5321 section 4.5.3.2.7).
    pub command_wait: u64,
    /// Wait for the first octet of content; default 2 minutes.
    pub data_wait: u64,
    /// Wait for the next octets of content; default 3 minutes.
    pub block_wait: u64,
    /// Wait for the verdict on a recipient, before the client is told `451 4.3.0`; default 1 minute.
    pub verdict_wait: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            command_line: 4096,
            message_size: 50 << 20,
            recipients: 10_000,
            bad_commands: 20,
            command_wait: 5 * MINUTE,
            data_wait: 2 * MINUTE,
            block_wait: 3 * MINUTE,
            verdict_wait: MINUTE,
        }
    }
}

const MINUTE: u64 = 60_000;
