//! Descriptors between processes: at most one per message, close-on-exec from the first instant, surplus refused.

use nix::sys::socket::{ControlMessageOwned, MsgFlags, recvmsg};
use sendfd::SendWithFd;
use std::io::{self, IoSliceMut};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::net::{UnixDatagram, UnixStream};

/// A socket over which a descriptor can travel.
pub trait Carrier: AsRawFd {
    /// Sends octets and one descriptor with the first of them.
    ///
    /// # Errors
    /// As `sendmsg(2)`; `WouldBlock` on a full non-blocking socket, with nothing sent.
    fn send_descriptor(&self, octets: &[u8], descriptor: &OwnedFd) -> io::Result<usize>;

    /// Receives octets and the descriptor that travels with them, if any.
    ///
    /// # Errors
    /// As `recvmsg(2)`; `InvalidData` when more than one descriptor came (all of them are closed).
    fn receive_descriptor(&self, buffer: &mut [u8]) -> io::Result<(usize, Option<OwnedFd>)> {
        receive(self.as_raw_fd(), buffer)
    }
}

impl Carrier for UnixStream {
    fn send_descriptor(&self, octets: &[u8], descriptor: &OwnedFd) -> io::Result<usize> {
        self.send_with_fd(octets, &[descriptor.as_raw_fd()])
    }
}

impl Carrier for UnixDatagram {
    fn send_descriptor(&self, octets: &[u8], descriptor: &OwnedFd) -> io::Result<usize> {
        self.send_with_fd(octets, &[descriptor.as_raw_fd()])
    }
}

/// Room for one descriptor more than is allowed, so that a surplus is seen and not silently cut off.
const ROOM: usize = 2;

#[cfg(any(target_os = "linux", target_os = "freebsd", target_os = "netbsd"))]
const CLOSE_ON_EXEC: MsgFlags = MsgFlags::MSG_CMSG_CLOEXEC;
#[cfg(not(any(target_os = "linux", target_os = "freebsd", target_os = "netbsd")))]
const CLOSE_ON_EXEC: MsgFlags = MsgFlags::empty();

fn receive(socket: RawFd, buffer: &mut [u8]) -> io::Result<(usize, Option<OwnedFd>)> {
    let mut parts = [IoSliceMut::new(buffer)];
    let mut space = nix::cmsg_space!([RawFd; ROOM]);
    let message = recvmsg::<()>(socket, &mut parts, Some(&mut space), CLOSE_ON_EXEC)?;
    let mut received = Vec::new();
    for control in message.cmsgs()? {
        if let ControlMessageOwned::ScmRights(numbers) = control {
            // SAFETY: the kernel has just installed these descriptors for us, and nobody else knows their numbers.
            received.extend(numbers.into_iter().map(|number| unsafe { OwnedFd::from_raw_fd(number) }));
        }
    }
    if received.len() > 1 || message.flags.contains(MsgFlags::MSG_CTRUNC) {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "more than one descriptor in a message"));
    }
    let descriptor = received.pop();
    if let Some(descriptor) = &descriptor {
        ensure_close_on_exec(descriptor)?;
    }
    Ok((message.bytes, descriptor))
}

/// Where the kernel cannot set close-on-exec while it installs a descriptor, set it at once.
fn ensure_close_on_exec(descriptor: &OwnedFd) -> io::Result<()> {
    use nix::fcntl::{FcntlArg, FdFlag, fcntl};
    if CLOSE_ON_EXEC.is_empty() {
        fcntl(descriptor, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};

    #[test]
    fn a_descriptor_arrives_usable_and_close_on_exec() {
        use nix::fcntl::{FcntlArg, FdFlag, fcntl};
        let (here, there) = UnixStream::pair().unwrap();
        let (mut inner, outer) = UnixStream::pair().unwrap();
        here.send_descriptor(b"x", &OwnedFd::from(outer)).unwrap();
        let mut buffer = [0; 8];
        let (octets, descriptor) = there.receive_descriptor(&mut buffer).unwrap();
        assert_eq!(octets, 1);
        let descriptor = descriptor.unwrap();
        let flags = FdFlag::from_bits_retain(fcntl(&descriptor, FcntlArg::F_GETFD).unwrap());
        assert!(flags.contains(FdFlag::FD_CLOEXEC));
        UnixStream::from(descriptor).write_all(b"hello").unwrap();
        let mut text = String::new();
        inner.read_to_string(&mut text).unwrap();
        assert_eq!(text, "hello");
    }

    #[test]
    fn a_surplus_descriptor_is_refused_and_closed() {
        let (here, there) = UnixStream::pair().unwrap();
        let (mut inner, outer) = UnixStream::pair().unwrap();
        here.send_with_fd(b"x", &[outer.as_raw_fd(), outer.as_raw_fd()]).unwrap();
        drop(outer);
        let error = there.receive_descriptor(&mut [0; 8]).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        let mut text = String::new();
        assert_eq!(inner.read_to_string(&mut text).unwrap(), 0, "all copies are closed");
    }

    #[test]
    fn a_datagram_keeps_its_bounds_and_its_descriptor() {
        let (here, there) = UnixDatagram::pair().unwrap();
        let (_inner, outer) = UnixStream::pair().unwrap();
        here.send(b"plain").unwrap();
        here.send_descriptor(b"with", &outer.into()).unwrap();
        let mut buffer = [0; 64];
        assert!(matches!(there.receive_descriptor(&mut buffer), Ok((5, None))));
        assert!(matches!(there.receive_descriptor(&mut buffer), Ok((4, Some(_)))));
    }
}
