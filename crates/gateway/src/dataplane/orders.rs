//! What the loop tells a thread.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Arc, Mutex, PoisonError};

use adit_esp::{Door, Dummy};
use adit_kernel::Tun;
use rustix::event::{EventfdFlags, eventfd};

/// One thing that a thread is told.
#[derive(Debug)]
pub enum Order {
    /// There is a device for these tunnels, with this queue. It is to be read by this thread if `true`; by another else.
    Open(Door, Arc<Tun>, bool),
    /// The device is given up.
    Close(Door),
    /// These dummy packets are due.
    Dummies(Vec<Dummy>),
    /// The gateway ends.
    End,
}

/// Where orders wait until the thread looks. It looks when the bell rings, and takes the lock then only.
#[derive(Debug)]
pub struct Orders {
    waiting: Mutex<Vec<Order>>,
    bell: OwnedFd,
}

impl Orders {
    /// None yet.
    ///
    /// # Errors
    /// When the kernel has no more descriptors.
    pub fn new() -> io::Result<Self> {
        Ok(Self {
            waiting: Mutex::default(),
            bell: eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?,
        })
    }

    /// Gives an order.
    pub fn give(&self, order: Order) {
        self.waiting
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(order);
        // It can only be refused when it rings already.
        let _ = rustix::io::write(&self.bell, &1_u64.to_ne_bytes());
    }

    /// Takes all orders, and stops the bell.
    pub fn take(&self) -> Vec<Order> {
        let _ = rustix::io::read(&self.bell, &mut [0; 8]);
        std::mem::take(&mut self.waiting.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Readable while it rings.
    pub fn bell(&self) -> BorrowedFd<'_> {
        self.bell.as_fd()
    }
}
