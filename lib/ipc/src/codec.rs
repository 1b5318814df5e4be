//! Frames: the only file that names bincode.
//!
//! A frame is a header of eight octets (payload length, protocol version, number of messages, all little-endian; the
//! top bit of the number says that one descriptor travels with it) and then the messages, one after another. Every
//! frame carries a list; one with a descriptor carries a list of one.

use serde::{Serialize, de::DeserializeOwned};

/// The version of everything in this crate. A change of any type here is a new number.
pub const PROTOCOL_VERSION: u16 = 2;

/// What this build calls itself; both ends of a channel must agree.
pub const BUILD: &str = concat!(env!("CARGO_PKG_VERSION"), "-ipc2");

/// Octets of a frame header.
pub const HEADER: usize = 8;

/// Largest payload that is accepted, in octets. Writers close a frame at [`COMFORTABLE`]; only a single message of
/// more than that makes a larger frame.
pub const LARGEST: usize = 4 << 20;

/// The payload size at which a writer starts the next frame, in octets.
pub const COMFORTABLE: usize = 64 << 10;

/// The bit of the message count that announces a descriptor.
const DESCRIPTOR: u16 = 1 << 15;

/// Why a frame was not understood. Whoever sent it is of another build or broken; the channel is closed.
#[derive(Debug, thiserror::Error)]
pub enum CodecError {
    /// The payload is longer than [`LARGEST`].
    #[error("a frame of {0} octets is over the limit of {LARGEST}")]
    TooLarge(usize),
    /// The other end speaks another version.
    #[error("protocol version {theirs}, but this program speaks {PROTOCOL_VERSION}; restart all of Grange")]
    Version {
        /// The version in the frame.
        theirs: u16,
    },
    /// The payload does not decode as its type.
    #[error("a message does not decode: {0}")]
    Garbled(String),
    /// Octets are left over behind the last message.
    #[error("{0} octets are left over behind the last message of a frame")]
    Trailing(usize),
}

/// What a frame header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameHeader {
    /// Octets of payload that follow.
    pub length: usize,
    /// Number of messages in the payload.
    pub messages: usize,
    /// One descriptor travels with this frame.
    pub descriptor: bool,
}

/// A frame under construction.
#[derive(Debug, Default)]
pub struct FrameWriter {
    buffer: Vec<u8>,
    messages: u16,
}

impl FrameWriter {
    /// Appends one message.
    ///
    /// # Errors
    /// [`CodecError::Garbled`] if the type cannot be encoded, [`CodecError::TooLarge`] for a message that no reader
    /// would take; the frame is as before.
    pub fn push<M: Serialize>(&mut self, message: &M) -> Result<(), CodecError> {
        if self.buffer.is_empty() {
            self.buffer.resize(HEADER, 0);
        }
        let before = self.buffer.len();
        let config = bincode::config::standard();
        if let Err(e) = bincode::serde::encode_into_std_write(message, &mut self.buffer, config) {
            self.buffer.truncate(before);
            return Err(CodecError::Garbled(e.to_string()));
        }
        let size = self.buffer.len() - before;
        if size > LARGEST - COMFORTABLE {
            self.buffer.truncate(before);
            return Err(CodecError::TooLarge(size));
        }
        self.messages += 1;
        Ok(())
    }

    /// There is nothing in it yet.
    pub fn is_empty(&self) -> bool {
        self.messages == 0
    }

    /// It is time to send this frame and start the next one.
    pub fn is_full(&self) -> bool {
        self.buffer.len() >= COMFORTABLE || self.messages >= DESCRIPTOR - 1
    }

    /// Closes the frame and hands over its octets; the writer is empty again.
    pub fn take(&mut self, descriptor: bool) -> Vec<u8> {
        let mut frame = std::mem::take(&mut self.buffer);
        let length = u32::try_from(frame.len().saturating_sub(HEADER)).unwrap_or(u32::MAX);
        let count = if descriptor { self.messages | DESCRIPTOR } else { self.messages };
        let header =
            length.to_le_bytes().into_iter().chain(PROTOCOL_VERSION.to_le_bytes()).chain(count.to_le_bytes());
        for (slot, octet) in frame.iter_mut().zip(header) {
            *slot = octet;
        }
        self.messages = 0;
        frame
    }
}

/// Reads a frame header, if all of it is there.
///
/// # Errors
/// [`CodecError::Version`] and [`CodecError::TooLarge`].
pub fn header(input: &[u8]) -> Result<Option<FrameHeader>, CodecError> {
    let Some(&[a, b, c, d, v, w, m, n]) = input.first_chunk::<HEADER>() else { return Ok(None) };
    let theirs = u16::from_le_bytes([v, w]);
    if theirs != PROTOCOL_VERSION {
        return Err(CodecError::Version { theirs });
    }
    let length = usize::try_from(u32::from_le_bytes([a, b, c, d])).unwrap_or(usize::MAX);
    if length > LARGEST {
        return Err(CodecError::TooLarge(length));
    }
    let count = u16::from_le_bytes([m, n]);
    Ok(Some(FrameHeader {
        length,
        messages: usize::from(count & !DESCRIPTOR),
        descriptor: count & DESCRIPTOR != 0,
    }))
}

/// Reads the messages of a payload.
///
/// # Errors
/// [`CodecError::Garbled`] and [`CodecError::Trailing`].
pub fn messages<M: DeserializeOwned>(mut payload: &[u8], count: usize) -> Result<Vec<M>, CodecError> {
    let config = bincode::config::standard().with_limit::<LARGEST>();
    let mut list = Vec::with_capacity(count.min(payload.len()));
    for _ in 0..count {
        let (message, used) = bincode::serde::decode_from_slice(payload, config)
            .map_err(|e| CodecError::Garbled(e.to_string()))?;
        payload = payload.get(used..).unwrap_or_default();
        list.push(message);
    }
    if payload.is_empty() { Ok(list) } else { Err(CodecError::Trailing(payload.len())) }
}

/// Encodes one value by itself; for sections of the configuration inside a message.
///
/// # Errors
/// [`CodecError::Garbled`] if the type cannot be encoded.
pub fn encode<M: Serialize>(value: &M) -> Result<Vec<u8>, CodecError> {
    bincode::serde::encode_to_vec(value, bincode::config::standard())
        .map_err(|e| CodecError::Garbled(e.to_string()))
}

/// The reverse of [`encode`].
///
/// # Errors
/// As [`messages`].
pub fn decode<M: DeserializeOwned>(octets: &[u8]) -> Result<M, CodecError> {
    let mut list = messages(octets, 1)?;
    list.pop().ok_or_else(|| CodecError::Garbled("empty".into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn frame(list: &[String], descriptor: bool) -> Vec<u8> {
        let mut writer = FrameWriter::default();
        for message in list {
            writer.push(message).unwrap();
        }
        writer.take(descriptor)
    }

    #[test]
    fn another_version_is_named() {
        let mut octets = frame(&["x".into()], false);
        octets[4] = 99;
        assert!(matches!(header(&octets), Err(CodecError::Version { theirs: 99 })));
    }

    #[test]
    fn octets_behind_the_last_message_are_an_error() {
        let octets = frame(&["x".into(), "y".into()], false);
        assert!(matches!(messages::<String>(&octets[HEADER..], 1), Err(CodecError::Trailing(2))));
    }

    #[test]
    fn a_writer_starts_afresh_after_each_frame() {
        let mut writer = FrameWriter::default();
        writer.push(&1_u32).unwrap();
        let first = writer.take(false);
        assert!(writer.is_empty());
        writer.push(&1_u32).unwrap();
        assert_eq!(writer.take(false), first);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(list in proptest::collection::vec(".*", 0..20), fd: bool) {
            let octets = frame(&list, fd);
            if list.is_empty() {
                prop_assert!(octets.is_empty());
            } else {
                let head = header(&octets).unwrap().unwrap();
                prop_assert_eq!(head.descriptor, fd);
                prop_assert_eq!(head.length, octets.len() - HEADER);
                let payload = octets.get(HEADER..).unwrap();
                prop_assert_eq!(messages::<String>(payload, head.messages).unwrap(), list);
            }
        }

        #[test]
        fn garbage_is_an_error_and_never_a_panic(octets: Vec<u8>, count in 0_usize..9) {
            let _ = header(&octets);
            let _ = messages::<Vec<String>>(&octets, count);
        }
    }
}
