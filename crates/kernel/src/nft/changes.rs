//! Being told when somebody takes something out of a table, instead of looking again and again.

use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};

use super::{HEADER, SUBSYSTEM};
use crate::error::{KernelError, Result};
use crate::netlink::codec::{Answer, messages, text};
use crate::sys::socket as sys;

/// A socket that has something to read when tables, chains or rules of its network namespace have changed.
#[derive(Debug)]
pub struct FilterChanges {
    fd: OwnedFd,
}

impl FilterChanges {
    /// Is told from now on about the calling thread's network namespace. Never blocks.
    ///
    /// # Errors
    /// When CAP_NET_ADMIN is missing or this kernel has no nf_tables.
    pub fn open() -> Result<Self> {
        let what = "be told about changes of the packet filter";
        let fail = |error: io::Error| KernelError::new(what, "", error);
        let kind = libc::SOCK_RAW | libc::SOCK_NONBLOCK;
        let fd = sys::socket(libc::AF_NETLINK, kind, libc::NETLINK_NETFILTER).map_err(fail)?;
        // struct sockaddr_nl: family, padding, port (the kernel chooses), groups.
        let mut address = [0u8; 12];
        address[..2].copy_from_slice(&(libc::AF_NETLINK as u16).to_ne_bytes());
        address[8..].copy_from_slice(&GROUPS.to_ne_bytes());
        sys::bind(fd.as_fd(), &address).map_err(fail)?;
        Ok(Self { fd })
    }

    /// Takes what has come; says whether something of `table` was taken away, by whomever, or may have been.
    #[must_use]
    pub fn take(&self, table: &str) -> bool {
        let mut buffer = vec![0; BUFFER];
        let mut lost = false;
        loop {
            match sys::receive(self.fd.as_fd(), &mut buffer, libc::MSG_TRUNC) {
                Ok(received) => {
                    let bytes = buffer.get(..received.length).unwrap_or_default();
                    // What was cut off isn't known.
                    lost |= received.wire_length > buffer.len()
                        || messages(bytes).any(|message| takes_away(&message, table));
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.raw_os_error() == Some(libc::ENOBUFS) => lost = true,
                Err(_) => return lost,
            }
        }
    }
}

impl AsRawFd for FilterChanges {
    fn as_raw_fd(&self) -> RawFd {
        self.fd.as_raw_fd()
    }
}

fn takes_away(message: &Answer<'_>, table: &str) -> bool {
    let [kind, subsystem] = message.kind.to_le_bytes();
    u16::from(subsystem) == SUBSYSTEM
        && DELETIONS.contains(&u16::from(kind))
        && message
            .attributes(HEADER)
            .find(TABLE)
            .is_some_and(|name| text(name) == table)
}

/// NFNLGRP_NFTABLES, which is the seventh.
const GROUPS: u32 = 1 << 6;
/// Of a table, a chain, a rule.
const DELETIONS: [u16; 3] = [2, 5, 8];
/// The name of the table is the first attribute of all of them.
const TABLE: u16 = 1;
/// As much as the kernel puts together.
const BUFFER: usize = 32_768;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::{Batch, count_rules, delete_table};
    use super::*;
    use crate::block::{self, PolicyBlock, ProtectedTunnel};
    use crate::{NetNs, closed};

    #[test]
    fn it_is_told_what_is_taken_out_of_our_table_and_of_no_other() {
        if !closed::can_administer() {
            eprintln!("skipped: changes of the packet filter: no CAP_NET_ADMIN");
            return;
        }
        let block = |table: &str| {
            let mut block = PolicyBlock::new(table);
            let nets = ["10.1.0.0/16", "10.2.0.0/16"].map(|net| vec![net.parse().unwrap()]);
            let [local, remote] = nets;
            block
                .tunnels
                .push(ProtectedTunnel::new("office", local, remote, "adit0"));
            block
        };
        let ns = NetNs::create().unwrap();
        let body = || {
            let (ours, theirs) = (block("ours"), block("theirs"));
            let changes = match FilterChanges::open() {
                Ok(changes) => changes,
                Err(error) => {
                    eprintln!("skipped: changes of the packet filter: {error}");
                    return;
                }
            };
            for block in [&ours, &theirs] {
                block::install(block).unwrap();
            }
            let _ = changes.take("ours");
            assert!(block::is_whole(&ours).unwrap());

            delete_table("theirs").unwrap();
            assert!(!changes.take("ours"));
            assert!(block::is_whole(&ours).unwrap());

            let mut flush = Batch::new("ours");
            flush.flush_rules();
            flush.commit("flush").unwrap();
            assert!(changes.take("ours"));
            assert!(!changes.take("ours"), "it was taken");
            assert_eq!(count_rules("ours").unwrap(), 0);
            assert!(!block::is_whole(&ours).unwrap(), "its counters stand alone");
            block::install(&ours).unwrap();
            assert!(block::is_whole(&ours).unwrap());

            let _ = changes.take("ours");
            delete_table("ours").unwrap();
            assert!(changes.take("ours"));
            assert!(!block::is_whole(&ours).unwrap());
        };
        ns.run(body).unwrap();
    }
}
