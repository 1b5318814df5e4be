//! Where a session stands, in one word.

use std::fmt;

/// What a session waits for; prints as the words that a disposition uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Stage {
    /// For the greeting.
    Greeting,
    /// For the reply to EHLO, LHLO or HELO.
    Hello,
    /// For the reply to STARTTLS.
    StartTls,
    /// For the shell, which secures the connection.
    Handshake,
    /// For the next transaction.
    Idle,
    /// For the reply to MAIL.
    Mail,
    /// For the reply to a RCPT.
    Rcpt,
    /// For the reply to DATA.
    Data,
    /// For the shell, which sends the content.
    Content,
    /// For a reply after the end of data.
    EndOfData,
    /// For the reply to RSET.
    Rset,
    /// For the reply to QUIT.
    Quit,
    /// For nothing any more.
    Closed,
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Greeting => "waiting for the greeting",
            Self::Hello => "waiting for the reply to EHLO",
            Self::StartTls => "waiting for the reply to STARTTLS",
            Self::Handshake => "securing the connection",
            Self::Idle => "idle",
            Self::Mail => "waiting for the reply to MAIL",
            Self::Rcpt => "waiting for the reply to RCPT",
            Self::Data => "waiting for the reply to DATA",
            Self::Content => "sending the content",
            Self::EndOfData => {
                "waiting for the reply to the end of data; the message may have been delivered"
            }
            Self::Rset => "waiting for the reply to RSET",
            Self::Quit => "waiting for the reply to QUIT",
            Self::Closed => "closed",
        })
    }
}
