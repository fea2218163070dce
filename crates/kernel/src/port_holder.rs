//! Who holds a UDP port: the answer to "address already in use".

use std::fmt;
use std::fs;
use std::net::{IpAddr, SocketAddr};

/// A socket bound to the port asked about, and the process behind it where that can be seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortHolder {
    /// The local address it is bound to.
    pub local: SocketAddr,
    /// Its owner's user id.
    pub user: u32,
    /// Process id and program name; `None` when the process belongs to another user, container or namespace.
    pub process: Option<(u32, String)>,
}

impl fmt::Display for PortHolder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.process {
            Some((pid, program)) => write!(f, "{program} (pid {pid}) on {}", self.local),
            None => write!(f, "a process of user {} on {}", self.user, self.local),
        }
    }
}

/// The sockets of this network namespace bound to UDP `port`.
pub fn who_holds_udp_port(port: u16) -> Vec<PortHolder> {
    let mut sockets = Vec::new();
    for table in ["/proc/thread-self/net/udp", "/proc/thread-self/net/udp6"] {
        let text = fs::read_to_string(table).unwrap_or_default();
        sockets.extend(text.lines().skip(1).filter_map(parse_line));
    }
    sockets
        .into_iter()
        .filter(|socket| socket.local.port() == port)
        .map(|socket| PortHolder {
            local: socket.local,
            user: socket.user,
            process: find_process(socket.inode),
        })
        .collect()
}

/// The holders in one line.
pub(crate) fn describe(port: u16) -> Option<String> {
    let holders: Vec<String> = who_holds_udp_port(port)
        .iter()
        .map(PortHolder::to_string)
        .collect();
    (!holders.is_empty()).then(|| holders.join(", "))
}

#[derive(Debug, PartialEq, Eq)]
struct Socket {
    local: SocketAddr,
    user: u32,
    inode: u64,
}

/// One line of `/proc/net/udp`: slot, local, remote, state, queues, timer, retransmits, uid, timeout, inode.
fn parse_line(line: &str) -> Option<Socket> {
    let mut fields = line.split_whitespace();
    let (address, port) = fields.nth(1)?.split_once(':')?;
    // The kernel prints each 32-bit word of the address as a number in its own byte order.
    let words: Option<Vec<[u8; 4]>> = address
        .as_bytes()
        .chunks(8)
        .map(|word| {
            let word = std::str::from_utf8(word).ok()?;
            u32::from_str_radix(word, 16).ok().map(u32::to_ne_bytes)
        })
        .collect();
    let bytes = words?.concat();
    let address: IpAddr = match bytes.len() {
        4 => <[u8; 4]>::try_from(bytes.as_slice()).ok()?.into(),
        _ => <[u8; 16]>::try_from(bytes.as_slice()).ok()?.into(),
    };
    let port = u16::from_str_radix(port, 16).ok()?;
    let user = fields.nth(5)?.parse().ok()?;
    let inode = fields.nth(1)?.parse().ok()?;
    Some(Socket {
        local: SocketAddr::new(address, port),
        user,
        inode,
    })
}

/// The first process with an open descriptor for the socket.
fn find_process(inode: u64) -> Option<(u32, String)> {
    let wanted = format!("socket:[{inode}]");
    fs::read_dir("/proc").ok()?.flatten().find_map(|entry| {
        let pid: u32 = entry.file_name().to_str()?.parse().ok()?;
        let holds = fs::read_dir(entry.path().join("fd"))
            .ok()?
            .flatten()
            .any(|fd| {
                fs::read_link(fd.path()).is_ok_and(|target| target.as_os_str() == wanted.as_str())
            });
        holds.then(|| (pid, program_name(pid)))
    })
}

fn program_name(pid: u32) -> String {
    fs::read_to_string(format!("/proc/{pid}/comm"))
        .map_or_else(|_| "?".to_owned(), |name| name.trim_end().to_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[cfg(target_endian = "little")]
    #[test]
    fn lines_of_the_kernels_tables_are_read() {
        let v4 = "  475: 0100007F:01F4 00000000:0000 07 00000000:00000000 00:00000000 00000000   998        0 23456 2 0000000000000000 0";
        let socket = parse_line(v4).unwrap();
        assert_eq!(socket.local, "127.0.0.1:500".parse().unwrap());
        assert_eq!((socket.user, socket.inode), (998, 23456));
        let v6 = "  475: B80D0120000000000000000001000000:1194 00000000000000000000000000000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 7 2 0000000000000000 0";
        assert_eq!(
            parse_line(v6).unwrap().local,
            "[2001:db8::1]:4500".parse().unwrap()
        );
        assert_eq!(parse_line("nonsense"), None);
        assert_eq!(parse_line("1: é0100007F:01F4 0"), None);
    }
}
