//! `sendmail`: takes a message from a local program and hands it to the running Grange.
//!
//! Decides what the options of sendmail mean here, completes the message (CRLF, From, Date, Message-ID; no Bcc), finds
//! the recipients, and speaks SMTP with the smtpserver over the socket `submit`. Does not queue anything itself and has
//! no rights of its own: with no server running it exits with 75, and nothing is lost that was accepted.
//!
//! | module | holds |
//! |---|---|
//! | `options` | the command line, which no library can parse |
//! | `intake` | standard input as lines, with CRLF |
//! | `heading` | the header section: split off, completed, stripped |
//! | `recipients` | addresses in header fields and arguments; who gets the message |
//! | `full_name` | a person's name as a phrase |
//! | `dialogue`, `outcome` | the SMTP session, and the exit code that follows from it |
//! | `relay` | `-bs`: the program speaks SMTP itself |
//! | `sendmail` | all of it in order |

mod dialogue;
mod full_name;
mod heading;
mod intake;
mod options;
mod outcome;
mod recipients;
mod relay;
mod sendmail;

pub use sendmail::sendmail;
