//! Listening sockets and the options of connections.

use nix::sys::socket::{
    AddressFamily, Backlog, SockFlag, SockType, SockaddrStorage, bind, listen, setsockopt, socket, sockopt,
};
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::UnixListener;
use std::path::Path;

/// Connections that may wait to be accepted.
const BACKLOG: i32 = 4096;

/// Binds and listens; an IPv6 socket serves IPv6 only, so that `*:25` can be two sockets. Non-blocking.
///
/// # Errors
/// As `bind(2)`: the address is in use, or not ours, or the port needs privileges.
pub fn tcp(address: SocketAddr) -> io::Result<TcpListener> {
    let family = if address.is_ipv6() { AddressFamily::Inet6 } else { AddressFamily::Inet };
    let descriptor = socket(family, SockType::Stream, SockFlag::empty(), None)?;
    let listener = TcpListener::from(descriptor);
    setsockopt(&listener, sockopt::ReuseAddr, &true)?;
    if address.is_ipv6() {
        setsockopt(&listener, sockopt::Ipv6V6Only, &true)?;
    }
    bind(listener.as_raw_fd(), &SockaddrStorage::from(address))?;
    listen(&listener, Backlog::new(BACKLOG)?)?;
    listener.set_nonblocking(true)?;
    close_on_exec(&listener)?;
    Ok(listener)
}

fn close_on_exec(listener: &TcpListener) -> io::Result<()> {
    use nix::fcntl::{FcntlArg, FdFlag, fcntl};
    fcntl(listener, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC))?;
    Ok(())
}

/// Binds a stream socket in the file system with these permissions. Non-blocking. What a dead process left there is
/// replaced; anything that is no socket is left alone.
///
/// # Errors
/// `AddrInUse` when somebody answers there, `AlreadyExists` when something other than a socket is there.
pub fn unix(path: &Path, mode: u32) -> io::Result<UnixListener> {
    clear_stale(path, || std::os::unix::net::UnixStream::connect(path).is_ok())?;
    let listener = UnixListener::bind(path)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// Binds a datagram socket in the file system with these permissions. Non-blocking; as [`unix`] otherwise.
///
/// # Errors
/// As [`unix`].
pub fn datagram(path: &Path, mode: u32) -> io::Result<std::os::unix::net::UnixDatagram> {
    clear_stale(path, || false)?;
    let socket = std::os::unix::net::UnixDatagram::bind(path)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

fn clear_stale(path: &Path, answers: impl FnOnce() -> bool) -> io::Result<()> {
    match std::fs::symlink_metadata(path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(e) => Err(e),
        Ok(facts) if !facts.file_type().is_socket() => Err(io::ErrorKind::AlreadyExists.into()),
        Ok(_) if answers() => Err(io::ErrorKind::AddrInUse.into()),
        Ok(_) => std::fs::remove_file(path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_families_can_share_a_port() {
        let four = tcp("127.0.0.1:0".parse().unwrap()).unwrap();
        let port = four.local_addr().unwrap().port();
        tcp(SocketAddr::new("::1".parse().unwrap(), port)).unwrap();
    }

    #[test]
    fn a_stale_socket_is_replaced_and_a_live_one_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("s");
        let first = unix(&path, 0o600).unwrap();
        assert_eq!(unix(&path, 0o600).unwrap_err().kind(), io::ErrorKind::AddrInUse);
        drop(first);
        unix(&path, 0o600).unwrap();
    }

    #[test]
    fn a_file_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("s");
        std::fs::write(&path, "precious").unwrap();
        assert_eq!(unix(&path, 0o600).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "precious");
    }
}
