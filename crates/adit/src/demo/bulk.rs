//! A bulk TCP transfer between the LAN hosts, checked octet by octet.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use adit_kernel::netns::NetNs;
use anyhow::{Context, Result, bail};

/// What a transfer came to.
#[derive(Clone, Copy, Debug)]
pub struct Transfer {
    /// Octets that arrived as they were sent.
    pub octets: u64,
    /// How long it took.
    pub took: Duration,
}

const CHUNK: usize = 64 * 1024;

/// Sends `octets` from a host in `from` to `to`, a free address and port of a host in `at`.
pub fn transfer(from: &NetNs, at: &NetNs, to: SocketAddr, octets: u64) -> Result<Transfer> {
    let listener = at
        .run(|| TcpListener::bind(to))?
        .with_context(|| format!("listening on {to}"))?;
    std::thread::scope(|scope| {
        let receiver = scope.spawn(move || receive(&listener, octets));
        let began = Instant::now();
        let sent = from.run(|| send(to, octets))?;
        if let Err(error) = sent {
            // Unblocks a receiver that still waits for a connection; whether that works doesn't matter any more.
            let _ = at.run(|| TcpStream::connect_timeout(&to, Duration::from_secs(1)));
            let _ = receiver.join();
            return Err(error);
        }
        let octets = receiver
            .join()
            .map_err(|_| anyhow::anyhow!("the receiving host failed"))??;
        Ok(Transfer {
            octets,
            took: began.elapsed(),
        })
    })
}

fn send(to: SocketAddr, octets: u64) -> Result<()> {
    let mut stream = TcpStream::connect_timeout(&to, Duration::from_secs(5))
        .with_context(|| format!("connecting to {to} through the tunnel"))?;
    stream
        .set_write_timeout(Some(Duration::from_secs(10)))
        .context("setting a timeout")?;
    let mut chunk = vec![0; CHUNK];
    let mut at = 0;
    while at < octets {
        let len = CHUNK.min(usize::try_from(octets - at).unwrap_or(CHUNK));
        fill(&mut chunk[..len], at);
        stream
            .write_all(&chunk[..len])
            .context("sending through the tunnel")?;
        at += len as u64;
    }
    Ok(())
}

fn receive(listener: &TcpListener, octets: u64) -> Result<u64> {
    let (mut stream, _) = listener.accept().context("waiting for the transfer")?;
    stream
        .set_read_timeout(Some(Duration::from_secs(10)))
        .context("setting a timeout")?;
    let (mut got, mut want) = (vec![0; CHUNK], vec![0; CHUNK]);
    let mut at = 0;
    while at < octets {
        let len = stream
            .read(&mut got)
            .context("receiving through the tunnel")?;
        if len == 0 {
            break;
        }
        fill(&mut want[..len], at);
        if got[..len] != want[..len] {
            bail!("the transfer was damaged near octet {at}");
        }
        at += len as u64;
    }
    Ok(at)
}

/// A pattern that depends on the position, so that loss, repetition and reordering show.
fn fill(chunk: &mut [u8], at: u64) {
    for (i, octet) in chunk.iter_mut().enumerate() {
        let position = at + i as u64;
        *octet = (position ^ (position >> 8) ^ (position >> 16)) as u8;
    }
}
