//! Messages to the service manager that started this process (systemd, sd_notify(3)): a datagram to the socket that
//! `NOTIFY_SOCKET` names.

use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

use crate::error::LinuxError;

/// A manager that does not read its socket for so long is not waited for.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Sends lines of `NAME=value` to `socket`: a path, or a name behind `@` that stands in no file system.
///
/// # Errors
/// [`LinuxError::ServiceManager`].
pub fn notify_service_manager(socket: &str, message: &str) -> Result<(), LinuxError> {
    send(socket, message).map_err(|source| LinuxError::ServiceManager {
        socket: socket.to_owned(),
        source,
    })
}

fn send(socket: &str, message: &str) -> io::Result<()> {
    let address = match socket.strip_prefix('@') {
        Some(name) => SocketAddr::from_abstract_name(name)?,
        None => SocketAddr::from_pathname(socket)?,
    };
    let sender = UnixDatagram::unbound()?;
    sender.set_write_timeout(Some(TIMEOUT))?;
    sender.send_to_addr(message.as_bytes(), &address)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn received(manager: &UnixDatagram) -> String {
        let mut buffer = [0; 256];
        let length = manager.recv(&mut buffer).unwrap();
        String::from_utf8(buffer[..length].to_vec()).unwrap()
    }

    #[test]
    fn a_message_is_one_datagram_to_a_path() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let manager = UnixDatagram::bind(&path).unwrap();
        let socket = path.to_str().unwrap();
        notify_service_manager(socket, "READY=1\nSTATUS=waiting").unwrap();
        notify_service_manager(socket, "STOPPING=1").unwrap();
        assert_eq!(received(&manager), "READY=1\nSTATUS=waiting");
        assert_eq!(received(&manager), "STOPPING=1");
    }

    #[test]
    fn or_to_a_name_that_is_in_no_file_system() {
        let name = format!("ferrite-test-{}", std::process::id());
        let address = SocketAddr::from_abstract_name(&name).unwrap();
        let manager = UnixDatagram::bind_addr(&address).unwrap();
        notify_service_manager(&format!("@{name}"), "WATCHDOG=1").unwrap();
        assert_eq!(received(&manager), "WATCHDOG=1");
    }

    #[test]
    fn a_socket_that_nobody_reads_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("gone");
        let error = notify_service_manager(path.to_str().unwrap(), "READY=1").unwrap_err();
        assert!(error.to_string().contains("gone"), "{error}");
    }
}
