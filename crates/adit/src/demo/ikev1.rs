//! A stand-in for a gateway that speaks only IKEv1: it answers on the far gateway's ports as such products do.

use std::io::ErrorKind;
use std::net::UdpSocket;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use adit_kernel::netns::NetNs;
use adit_sim::V1Only;
use adit_wire::udp_encap::{Encapsulated, classify, mark_ike};
use anyhow::{Context, Result};

use super::plan;

/// The running stand-in; dropping it ends it.
pub struct Ikev1Peer {
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

const IKE: u16 = 500;
const NAT_T: u16 = 4500;

impl Ikev1Peer {
    /// Binds the IKE ports of `ns` and answers.
    pub fn start(ns: &NetNs) -> Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let mut peer = Self {
            stop: Arc::clone(&stop),
            threads: Vec::new(),
        };
        for port in [IKE, NAT_T] {
            let socket = ns
                .run(|| UdpSocket::bind((plan::EAST, port)))?
                .with_context(|| format!("binding port {port} of the IKEv1 gateway"))?;
            socket
                .set_read_timeout(Some(Duration::from_millis(50)))
                .context("setting a timeout")?;
            let stop = Arc::clone(&stop);
            let thread = std::thread::Builder::new()
                .name(format!("ikev1-{port}"))
                .spawn(move || serve(&socket, port, &stop));
            peer.threads
                .push(thread.context("starting the IKEv1 gateway")?);
        }
        Ok(peer)
    }
}

impl Drop for Ikev1Peer {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        for thread in self.threads.drain(..) {
            // A thread that failed has ended, which is what is wanted.
            let _ = thread.join();
        }
    }
}

fn serve(socket: &UdpSocket, port: u16, stop: &AtomicBool) {
    let mut buffer = [0; 4096];
    while !stop.load(Ordering::Acquire) {
        let (len, from) = match socket.recv_from(&mut buffer) {
            Ok(received) => received,
            Err(error)
                if matches!(
                    error.kind(),
                    ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted
                ) =>
            {
                continue;
            }
            Err(_) => return,
        };
        let datagram = &buffer[..len];
        let answer = if port == NAT_T {
            match classify(datagram) {
                Ok(Encapsulated::Ike(message)) => V1Only::default()
                    .answer(message)
                    .map(|answer| mark_ike(&answer)),
                _ => None,
            }
        } else {
            V1Only::default().answer(datagram)
        };
        if let Some(answer) = answer {
            // An answer that gets lost is one that the other side asks for again.
            let _ = socket.send_to(&answer, from);
        }
    }
}
