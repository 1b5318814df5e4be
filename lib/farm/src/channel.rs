//! A private channel to another process: typed messages both ways, in frames that carry lists, now and then with a
//! descriptor.
//!
//! Sending only collects; [`Channel::flush`] writes everything that was collected in a turn with as few system calls as
//! the socket allows. A channel is bounded by what its owner lets be in flight (credits), not by the channel.

use ipc::codec::{self, CodecError, FrameWriter, HEADER};
use serde::{Serialize, de::DeserializeOwned};
use std::collections::VecDeque;
use std::io::{self, Write};
use std::marker::PhantomData;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;
use sys::descriptor::Carrier;

/// Octets read at a time.
const READ: usize = 64 << 10;

/// Milliseconds until what a full socket did not take is written again.
const AGAIN: u64 = 5;

/// Why a channel cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum ChannelError {
    /// The system refused.
    #[error("channel: {0}")]
    Io(#[from] io::Error),
    /// The other end sent something that is not of this build.
    #[error("channel: {0}")]
    Codec(#[from] CodecError),
    /// A frame announced a descriptor that did not come, or one came unannounced.
    #[error("channel: descriptors and frames do not match")]
    Descriptor,
}

/// A message and the descriptor that travelled with it.
#[derive(Debug)]
pub struct Received<M> {
    /// The message.
    pub message: M,
    /// Its descriptor.
    pub descriptor: Option<OwnedFd>,
}

/// What one call of [`Channel::receive`] brought.
#[derive(Debug)]
pub struct Batch<M> {
    /// Messages in order.
    pub messages: Vec<Received<M>>,
    /// The other end is closed: nothing will come any more.
    pub ended: bool,
}

#[derive(Debug)]
struct Frame {
    octets: Vec<u8>,
    sent: usize,
    descriptor: Option<OwnedFd>,
}

/// One end of a channel: sends `Out`, receives `In`.
#[derive(Debug)]
pub struct Channel<Out, In> {
    stream: UnixStream,
    writer: FrameWriter,
    queue: VecDeque<Frame>,
    /// Where reads go first; allocated with the first one.
    scratch: Vec<u8>,
    input: Vec<u8>,
    descriptors: VecDeque<OwnedFd>,
    types: PhantomData<fn(Out) -> In>,
}

impl<Out: Serialize, In: DeserializeOwned> Channel<Out, In> {
    /// Takes over one end of a socketpair.
    ///
    /// # Errors
    /// As `fcntl(2)` when making it non-blocking.
    pub fn new(stream: UnixStream) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        Ok(Self {
            stream,
            writer: FrameWriter::default(),
            queue: VecDeque::new(),
            scratch: Vec::new(),
            input: Vec::new(),
            descriptors: VecDeque::new(),
            types: PhantomData,
        })
    }

    /// Takes over a descriptor that came from another process.
    ///
    /// # Errors
    /// As [`Channel::new`].
    pub fn from_descriptor(descriptor: OwnedFd) -> io::Result<Self> {
        Self::new(UnixStream::from(descriptor))
    }

    /// Collects a message.
    ///
    /// # Errors
    /// [`ChannelError::Codec`] if it cannot be encoded or no reader would take it.
    pub fn send(&mut self, message: &Out) -> Result<(), ChannelError> {
        self.writer.push(message)?;
        if self.writer.is_full() {
            self.close_frame(None);
        }
        Ok(())
    }

    /// Collects a message and the descriptor that travels with it.
    ///
    /// # Errors
    /// As [`Channel::send`].
    pub fn send_with(&mut self, message: &Out, descriptor: OwnedFd) -> Result<(), ChannelError> {
        self.close_frame(None);
        self.writer.push(message)?;
        self.close_frame(Some(descriptor));
        Ok(())
    }

    fn close_frame(&mut self, descriptor: Option<OwnedFd>) {
        if !self.writer.is_empty() {
            let octets = self.writer.take(descriptor.is_some());
            self.queue.push_back(Frame { octets, sent: 0, descriptor });
        }
    }

    /// Writes what was collected, until the socket would block. What is left goes out at the next call.
    ///
    /// # Errors
    /// [`ChannelError::Io`], as a rule `BrokenPipe`: the other end is gone.
    pub fn flush(&mut self) -> Result<(), ChannelError> {
        self.close_frame(None);
        while let Some(frame) = self.queue.front_mut() {
            let rest = frame.octets.get(frame.sent..).unwrap_or_default();
            let written = match &frame.descriptor {
                Some(descriptor) => self.stream.send_descriptor(rest, descriptor),
                None => self.stream.write(rest),
            };
            match written {
                Ok(octets) => {
                    frame.sent += octets;
                    frame.descriptor = None;
                    if frame.sent == frame.octets.len() {
                        self.queue.pop_front();
                    }
                }
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e.into()),
            }
        }
        Ok(())
    }

    /// Everything collected has been handed to the kernel.
    pub fn is_flushed(&self) -> bool {
        self.queue.is_empty() && self.writer.is_empty()
    }

    /// When [`Channel::flush`] is to be called again, for who watches for reading only: readiness for writing would be
    /// announced with every word that the other end reads, and would wake both for nothing. In the clock of `now`,
    /// milliseconds.
    pub fn next_flush(&self, now: u64) -> Option<u64> {
        (!self.is_flushed()).then_some(now + AGAIN)
    }

    /// Octets that wait for the socket.
    pub fn backlog(&self) -> usize {
        self.queue.iter().map(|frame| frame.octets.len() - frame.sent).sum()
    }

    /// Reads until the socket would block or ends.
    ///
    /// # Errors
    /// Whatever is wrong with the other end; the channel is to be closed.
    pub fn receive(&mut self) -> Result<Batch<In>, ChannelError> {
        let mut messages = Vec::new();
        loop {
            match self.read(&mut messages) {
                Ok(true) => {}
                Ok(false) => return Ok(Batch { messages, ended: true }),
                Err(ChannelError::Io(e)) if e.kind() == io::ErrorKind::WouldBlock => {
                    return Ok(Batch { messages, ended: false });
                }
                Err(e) => return Err(e),
            }
        }
    }

    /// Waits until something comes; for the start of a process, before it has a loop.
    ///
    /// # Errors
    /// As [`Channel::receive`].
    pub fn receive_waiting(&mut self) -> Result<Batch<In>, ChannelError> {
        let mut messages = Vec::new();
        self.stream.set_nonblocking(false)?;
        let more = self.read(&mut messages)?;
        self.stream.set_nonblocking(true)?;
        Ok(Batch { messages, ended: !more })
    }

    /// One read; `false` at the end.
    fn read(&mut self, messages: &mut Vec<Received<In>>) -> Result<bool, ChannelError> {
        self.scratch.resize(READ, 0);
        match self.stream.receive_descriptor(&mut self.scratch) {
            Ok((0, _)) => Ok(false),
            Ok((octets, descriptor)) => {
                self.input.extend_from_slice(self.scratch.get(..octets).unwrap_or_default());
                self.descriptors.extend(descriptor);
                self.decode(messages)?;
                Ok(true)
            }
            Err(e) if e.kind() == io::ErrorKind::ConnectionReset => Ok(false),
            Err(e) if e.kind() == io::ErrorKind::Interrupted => Ok(true),
            Err(e) => Err(e.into()),
        }
    }

    fn decode(&mut self, messages: &mut Vec<Received<In>>) -> Result<(), ChannelError> {
        let mut done = 0;
        while let Some(rest) = self.input.get(done..)
            && let Some(header) = codec::header(rest)?
            && let Some(payload) = rest.get(HEADER..HEADER + header.length)
        {
            let mut list = codec::messages::<In>(payload, header.messages)?.into_iter();
            if header.descriptor {
                let descriptor = Some(self.descriptors.pop_front().ok_or(ChannelError::Descriptor)?);
                let message = list.next().ok_or(ChannelError::Descriptor)?;
                messages.push(Received { message, descriptor });
            }
            messages.extend(list.map(|message| Received { message, descriptor: None }));
            done += HEADER + header.length;
        }
        self.input.drain(..done);
        if self.input.is_empty() && !self.descriptors.is_empty() {
            return Err(ChannelError::Descriptor);
        }
        Ok(())
    }
}

impl<Out, In> AsRawFd for Channel<Out, In> {
    fn as_raw_fd(&self) -> RawFd {
        self.stream.as_raw_fd()
    }
}

impl<Out, In> AsFd for Channel<Out, In> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair() -> (Channel<String, String>, Channel<String, String>) {
        let (here, there) = UnixStream::pair().unwrap();
        (Channel::new(here).unwrap(), Channel::new(there).unwrap())
    }

    fn texts(batch: Batch<String>) -> Vec<String> {
        batch.messages.into_iter().map(|received| received.message).collect()
    }

    #[test]
    fn messages_of_a_turn_arrive_in_order_in_one_batch() {
        let (mut here, mut there) = pair();
        for text in ["a", "b", "c"] {
            here.send(&text.into()).unwrap();
        }
        here.flush().unwrap();
        assert_eq!(texts(there.receive().unwrap()), ["a", "b", "c"]);
    }

    #[test]
    fn more_than_the_socket_takes_goes_out_in_pieces() {
        let (mut here, mut there) = pair();
        let long = "x".repeat(100_000);
        for _ in 0..50 {
            here.send(&long).unwrap();
        }
        let mut got = 0;
        while got < 50 {
            here.flush().unwrap();
            got += there.receive().unwrap().messages.len();
        }
        assert!(here.is_flushed());
        assert_eq!(here.backlog(), 0);
    }

    #[test]
    fn descriptors_stay_with_their_messages() {
        let (mut here, mut there) = pair();
        let files: Vec<_> = (0..20).map(|_| std::fs::File::open("/dev/null").unwrap()).collect();
        for (i, file) in files.into_iter().enumerate() {
            here.send(&format!("plain {i}")).unwrap();
            here.send_with(&format!("with {i}"), file.into()).unwrap();
        }
        here.flush().unwrap();
        let batch = there.receive().unwrap();
        assert_eq!(batch.messages.len(), 40);
        for received in batch.messages {
            assert_eq!(received.descriptor.is_some(), received.message.starts_with("with"));
        }
    }

    #[test]
    fn the_end_is_told_after_the_last_message() {
        let (mut here, mut there) = pair();
        here.send(&"last".into()).unwrap();
        here.flush().unwrap();
        drop(here);
        let batch = there.receive().unwrap();
        assert!(batch.ended);
        assert_eq!(texts(batch), ["last"]);
    }

    #[test]
    fn garbage_is_an_error() {
        let (here, there) = UnixStream::pair().unwrap();
        (&here).write_all(&[0xff; 64]).unwrap();
        let mut there = Channel::<String, String>::new(there).unwrap();
        assert!(matches!(there.receive(), Err(ChannelError::Codec(_))));
    }
}
