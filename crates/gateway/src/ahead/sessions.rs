//! From where this host is managed: sessions of `sshd`, as the kernel lists them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;

/// An established session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Session {
    /// Our end.
    pub local: IpAddr,
    /// The other end.
    pub remote: IpAddr,
}

/// Those to the port of `sshd`, without those of this host with itself.
pub(crate) fn look(root: &Path) -> Vec<Session> {
    let read = |name: &str| std::fs::read_to_string(root.join(name)).unwrap_or_default();
    let mut found: Vec<Session> = ["proc/net/tcp", "proc/net/tcp6"]
        .iter()
        .flat_map(|name| parse(&read(name)))
        .filter(|s| !s.remote.is_loopback() && s.remote != s.local)
        .collect();
    found.sort_unstable();
    found.dedup();
    found.truncate(MOST);
    found
}

/// Established sessions of `/proc/net/tcp` or `tcp6` (proc(5)): local and remote address, then the state.
fn parse(text: &str) -> Vec<Session> {
    let line = |line: &str| {
        let mut fields = line.split_whitespace().skip(1);
        let (local, remote, state) = (fields.next()?, fields.next()?, fields.next()?);
        let ((local, port), (remote, _)) = (end(local)?, end(remote)?);
        (state == ESTABLISHED && port == SSH).then_some(Session { local, remote })
    };
    text.lines().skip(1).filter_map(line).collect()
}

/// `0101A8C0:0016`: words of 32 bits in the host's order, each in hex.
fn end(text: &str) -> Option<(IpAddr, u16)> {
    let (address, port) = text.split_once(':')?;
    let word = |at: usize| -> Option<[u8; 4]> {
        let digits = address.get(at * 8..at * 8 + 8)?;
        Some(u32::from_str_radix(digits, 16).ok()?.to_ne_bytes())
    };
    let address = match address.len() {
        8 => IpAddr::V4(Ipv4Addr::from(word(0)?)),
        32 => {
            let mut octets = [0; 16];
            for (at, four) in octets.chunks_exact_mut(4).enumerate() {
                four.copy_from_slice(&word(at)?);
            }
            IpAddr::V6(Ipv6Addr::from(octets)).to_canonical()
        }
        _ => return None,
    };
    Some((address, u16::from_str_radix(port, 16).ok()?))
}

const ESTABLISHED: &str = "01";
const SSH: u16 = 22;
/// Sessions that are told of.
const MOST: usize = 64;

#[cfg(all(test, target_endian = "little"))]
mod tests {
    use super::*;

    #[test]
    fn established_sessions_of_sshd_are_found() {
        let text = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n   0: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1\n   1: 0100000A:0016 0900020A:C350 01 00000000:00000000 02:000A 00000000 0 0 2 2\n   2: 0100000A:1F90 0900020A:C351 01 00000000:00000000 02:000A 00000000 0 0 2 2\n";
        assert_eq!(
            parse(text),
            [Session {
                local: [10, 0, 0, 1].into(),
                remote: [10, 2, 0, 9].into()
            }]
        );
        let six = "head\n 0: 0000000000000000FFFF00000100000A:0016 0000000000000000FFFF00000900020A:C350 01 x\n";
        assert_eq!(parse(six), parse(text));
    }
}
