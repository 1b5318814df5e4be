//! Outgoing connections that nobody waits for.

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, SockaddrStorage, UnixAddr, connect, socket};
use std::io;
use std::net::{SocketAddr, TcpStream};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::path::Path;

/// Begins to connect and returns at once. The stream is non-blocking; when it becomes writable, [`established`] tells
/// what came of it.
///
/// # Errors
/// As `connect(2)`, where it fails at once: no route, no descriptor left.
pub fn start(address: SocketAddr) -> io::Result<TcpStream> {
    let family = if address.is_ipv6() { AddressFamily::Inet6 } else { AddressFamily::Inet };
    let stream = TcpStream::from(socket(family, SockType::Stream, SockFlag::empty(), None)?);
    fcntl(&stream, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC))?;
    stream.set_nonblocking(true)?;
    stream.set_nodelay(true)?;
    match connect(stream.as_raw_fd(), &SockaddrStorage::from(address)) {
        Ok(()) | Err(Errno::EINPROGRESS | Errno::EINTR) => Ok(stream),
        Err(e) => Err(e.into()),
    }
}

/// Connects to a socket in the file system without waiting for anybody. The stream is non-blocking.
///
/// # Errors
/// As `connect(2)`: nobody listens, not allowed, or `WouldBlock` when too many wait already.
pub fn local(path: &Path) -> io::Result<UnixStream> {
    let stream = UnixStream::from(socket(AddressFamily::Unix, SockType::Stream, SockFlag::empty(), None)?);
    fcntl(&stream, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC))?;
    stream.set_nonblocking(true)?;
    connect(stream.as_raw_fd(), &UnixAddr::new(path)?)?;
    Ok(stream)
}

/// Whether the connection that was begun stands; `false` while it is still under way.
///
/// # Errors
/// Why it came to nothing: refused, unreachable, reset.
pub fn established(stream: &TcpStream) -> io::Result<bool> {
    if let Some(error) = stream.take_error()? {
        return Err(error);
    }
    match stream.peer_addr() {
        Ok(_) => Ok(true),
        Err(e) if e.kind() == io::ErrorKind::NotConnected => Ok(false),
        Err(e) => Err(e),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;
    use std::time::Duration;

    fn outcome(address: SocketAddr) -> io::Result<bool> {
        let stream = start(address)?;
        for _ in 0..200 {
            if established(&stream)? {
                return Ok(true);
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(false)
    }

    #[test]
    fn a_listener_is_reached() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        assert!(outcome(listener.local_addr().unwrap()).unwrap());
    }

    #[test]
    fn a_socket_in_the_file_system_is_reached_or_is_not_there() {
        let path = std::env::temp_dir().join(format!("grange-connect.{}", std::process::id()));
        assert_eq!(local(&path).unwrap_err().kind(), io::ErrorKind::NotFound);
        let listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
        assert!(local(&path).is_ok());
        drop(listener);
        assert_eq!(local(&path).unwrap_err().kind(), io::ErrorKind::ConnectionRefused);
        std::fs::remove_file(&path).unwrap();
    }

    #[test]
    fn a_closed_port_refuses() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        assert_eq!(outcome(address).unwrap_err().kind(), io::ErrorKind::ConnectionRefused);
    }
}
