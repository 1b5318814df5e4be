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
    /// How many commands that bring no message (NOOP, RSET, EHLO, HELP, VRFY and their like) may stand between two
    /// messages; default 100. The last of them is answered `421 4.7.0`, and the session ends.
    pub idle_commands: u32,
    /// How many recipients and messages may be refused between two messages that are taken; default 1,000. The last of
    /// them is answered `421 4.7.0`, and the session ends. A `452`, which asks to go on later, is not counted.
    pub refusals: u32,
    /// How many exchanges of AUTH may fail; default 3. The last of them is answered `421 4.7.0`, and the session ends.
    pub auth_failures: u32,
    /// Wait for a whole command, from the reply to the last one on; default 5 minutes (RFC 5321 section 4.5.3.2.7).
    pub command_wait: u64,
    /// Wait for the first octet of content; default 2 minutes.
    pub data_wait: u64,
    /// Wait for the next octets of content; default 3 minutes.
    pub block_wait: u64,
    /// Octets per second that content must bring on average, after the first [`block_wait`](Self::block_wait); default
    /// 500. With 0 any rate is good enough.
    pub data_rate: u64,
    /// Wait for the verdict on a recipient, before the client is told `451 4.3.0`; default 1 minute. The policy and the
    /// other offices of our own side have as long.
    pub verdict_wait: u64,
    /// Wait for our own side's part of AUTH, before the client is told `454 4.7.0`; default 1 minute. It must be longer than
    /// the answer to a failure is held back.
    pub auth_wait: u64,
    /// Wait for the end of a TLS handshake; default 30 seconds.
    pub handshake_wait: u64,
    /// How long a session may last; default 4 hours. It ends with a `421` at the next command.
    pub session_age: u64,
    /// Shortest time that BY may ask for together with return, in seconds; default 0 (RFC 2852 section 3).
    pub deliver_by: u64,
    /// How far ahead a message may be put that is to be held, in milliseconds; default 7 days; 0 offers nothing (RFC
    /// 4865 section 3).
    pub hold: u64,
}

impl Limits {
    /// The longest line that a session may leave unused, in octets: a command, or a line of AUTH.
    pub fn longest_line(&self) -> usize {
        self.command_line.max(AUTH_LINE)
    }
}

/// The longest line in an exchange of AUTH, in octets with its CRLF: RFC 4954 section 4.
pub const AUTH_LINE: usize = 12_288 + 2;

impl Default for Limits {
    fn default() -> Self {
        Self {
            command_line: 4096,
            message_size: 50 << 20,
            recipients: 10_000,
            bad_commands: 20,
            idle_commands: 100,
            refusals: 1000,
            auth_failures: 3,
            command_wait: 5 * MINUTE,
            data_wait: 2 * MINUTE,
            block_wait: 3 * MINUTE,
            data_rate: 500,
            verdict_wait: MINUTE,
            auth_wait: MINUTE,
            handshake_wait: MINUTE / 2,
            session_age: 240 * MINUTE,
            deliver_by: 0,
            hold: 7 * 24 * 60 * MINUTE,
        }
    }
}

const MINUTE: u64 = 60_000;
