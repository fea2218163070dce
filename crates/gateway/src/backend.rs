//! What carries packets: one of a few known ways.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use adit_esp::{ApplyError, ChildName, ChildReport, DataPlane, PairReport, Word};
use adit_model::Mono;
use adit_model::connection::Connection;
use adit_model::dataplane::DataPlaneRequest;
use adit_model::drops::DropReason;
use adit_model::policy::Policy;
use adit_model::status::{DataPlaneStatus, OffloadStatus};

use crate::dataplane::{self, UserSpace};
use crate::departed::Carried;
use crate::interfaces::Opened;
use crate::xfrm::{InKernel, InKernelError, Told};

/// The way in use.
pub enum Backend {
    /// Our own data plane over a TUN device.
    User(Box<UserSpace>),
    /// The kernel's IPsec.
    Kernel(Box<InKernel>),
    /// None: requests are accepted and no packet is carried.
    Fake,
}

/// Why what the key exchange asks for can't be carried out. Nothing has changed then.
#[derive(Debug, thiserror::Error)]
pub enum BackendError {
    /// Our own data plane says so.
    #[error(transparent)]
    User(#[from] ApplyError),
    /// The kernel says so.
    #[error(transparent)]
    Kernel(#[from] InKernelError),
}

impl Backend {
    /// Sets what is to be protected.
    pub fn set_policy(&mut self, connections: &[Arc<Connection>], exceptions: &[Policy]) {
        match self {
            Backend::User(user) => {
                user.set_policy(connections);
                user.plane.set_exceptions(exceptions.to_vec());
            }
            Backend::Kernel(kernel) => kernel.set_policy(connections, exceptions),
            Backend::Fake => {}
        }
    }

    /// Takes the devices of tunnels that are new.
    pub fn open_doors(&mut self, opened: Vec<Opened>) {
        match self {
            Backend::User(user) => {
                for Opened { door, queues } in opened {
                    user.open(door, queues);
                }
            }
            // The kernel's own interfaces have no queues.
            Backend::Kernel(_) | Backend::Fake => {}
        }
    }

    /// Sets the numbers of the kernel's own interfaces of tunnels, before [`Self::set_policy`].
    pub fn set_interfaces(&mut self, interfaces: BTreeMap<String, u32>) {
        if let Backend::Kernel(kernel) = self {
            kernel.set_interfaces(interfaces);
        }
    }

    /// Other tunnels than before pass in clear. Our own data plane only sees what is led into it, and needn't know; the
    /// kernel's policies catch what passes.
    pub fn protect(&mut self, connections: &[Arc<Connection>], exceptions: &[Policy]) {
        if let Backend::Kernel(_) = self {
            self.set_policy(connections, exceptions);
        }
    }

    /// Carries out what the key exchange asks for.
    ///
    /// # Errors
    /// [`BackendError`]; nothing has changed then.
    pub fn apply(&mut self, now: Mono, request: DataPlaneRequest) -> Result<(), BackendError> {
        match self {
            Backend::User(user) => Ok(user.plane.apply(now, request)?),
            Backend::Kernel(kernel) => Ok(kernel.apply(now, request)?),
            Backend::Fake => Ok(()),
        }
    }

    /// The numbers of our threads that carry packets.
    #[must_use]
    pub fn threads(&self) -> Vec<i32> {
        match self {
            Backend::User(user) => user.thread_numbers(),
            Backend::Kernel(_) | Backend::Fake => Vec::new(),
        }
    }

    /// What a child has carried over all SAs that it has had, where that is counted without them.
    #[must_use]
    pub fn carried(&self, connection: &str, child: &str) -> Option<Carried> {
        match self {
            Backend::User(user) => {
                let report = user.plane.child_report(connection, child)?;
                Some(Carried {
                    came: report.counters.packets_in,
                    went: report.counters.packets_out,
                })
            }
            Backend::Kernel(_) | Backend::Fake => None,
        }
    }

    /// Waits until those who carry packets have something to tell.
    pub async fn told(&mut self) -> dataplane::Word {
        match self {
            Backend::User(user) => user.told().await,
            Backend::Kernel(kernel) => {
                kernel.readable().await;
                dataplane::Word::Kernel
            }
            Backend::Fake => std::future::pending().await,
        }
    }

    /// What else they have to tell now.
    pub fn told_too(&mut self) -> Option<dataplane::Word> {
        match self {
            Backend::User(user) => user.told_too(),
            Backend::Kernel(_) | Backend::Fake => None,
        }
    }

    /// A router says that a packet of the SA with `spi_out` was too long for `mtu` octets; `None` where that is the kernel's
    /// business.
    pub fn hear_path_mtu(
        &mut self,
        now: Mono,
        peer: IpAddr,
        spi_out: u32,
        mtu: usize,
    ) -> Option<Word> {
        match self {
            Backend::User(user) => Some(user.plane.hear_path_mtu(now, peer, spi_out, mtu)),
            Backend::Kernel(_) | Backend::Fake => None,
        }
    }

    /// Sets the MTU of the link that leads to a peer.
    pub fn set_link_mtu_to(&mut self, peer: IpAddr, mtu: usize) {
        match self {
            Backend::User(user) => user.plane.set_link_mtu_to(peer, mtu),
            // The kernel knows the way itself.
            Backend::Kernel(_) | Backend::Fake => {}
        }
    }

    /// Forgets what routers said long ago.
    pub fn forget_path_mtus(&mut self, now: Mono) {
        match self {
            Backend::User(user) => user.plane.forget_path_mtus(now),
            Backend::Kernel(_) | Backend::Fake => {}
        }
    }

    /// When [`Self::forget_path_mtus`] is next to be called.
    #[must_use]
    pub fn path_mtus_due(&self) -> Option<Mono> {
        match self {
            Backend::User(user) => user.plane.path_mtus_due(),
            Backend::Kernel(_) | Backend::Fake => None,
        }
    }

    /// When [`Self::tend`] has something to do by itself.
    #[must_use]
    pub fn due(&self) -> Option<Mono> {
        match self {
            Backend::Kernel(kernel) => Some(kernel.due()),
            Backend::User(user) => user.plane.dummies_due(),
            Backend::Fake => None,
        }
    }

    /// Does what is due, `now`.
    pub fn tend(&mut self, now: Mono) -> Told {
        match self {
            Backend::Kernel(kernel) if kernel.due() <= now => kernel.tend(now),
            Backend::User(user) => {
                user.send_dummies(now);
                Told::default()
            }
            _ => Told::default(),
        }
    }

    /// Leaves the host. Policies of the kernel stay, and hold traffic back beside the block.
    pub fn leave(&mut self) {
        if let Backend::Kernel(kernel) = self {
            kernel.leave();
        }
    }

    /// Traffic of every child.
    #[must_use]
    pub fn children(&self) -> Vec<ChildReport> {
        match self {
            Backend::User(user) => user.plane.children(),
            Backend::Kernel(kernel) => kernel.children(),
            Backend::Fake => Vec::new(),
        }
    }

    /// Whether packets without an SA are counted by child. The kernel counts them for the whole host.
    #[must_use]
    pub fn counts_held_back(&self) -> bool {
        !matches!(self, Backend::Kernel(_))
    }

    /// Traffic of every pair of SAs.
    #[must_use]
    pub fn pairs(&self) -> Vec<PairReport> {
        match self {
            Backend::User(user) => user.plane.pairs(),
            Backend::Kernel(kernel) => kernel.pairs(),
            Backend::Fake => Vec::new(),
        }
    }

    /// How packets are carried.
    #[must_use]
    pub fn status(&self) -> Option<DataPlaneStatus> {
        match self {
            Backend::User(user) => Some(user.status()),
            Backend::Kernel(_) => Some(DataPlaneStatus {
                backend: "kernel".to_owned(),
                reason: String::new(),
                latency_out: None,
                latency_in: None,
                threads: Vec::new(),
            }),
            Backend::Fake => None,
        }
    }

    /// What network devices do of children; `None` where it isn't the kernel that could ask them.
    #[must_use]
    pub fn offloads(&self) -> Option<BTreeMap<Arc<ChildName>, OffloadStatus>> {
        match self {
            Backend::Kernel(kernel) => Some(kernel.offloads()),
            Backend::User(_) | Backend::Fake => None,
        }
    }

    /// The devices that lead to peers may be others now.
    pub fn look_at_devices(&mut self) {
        if let Backend::Kernel(kernel) = self {
            kernel.look_at_devices();
        }
    }

    /// Our own data plane, where that carries packets.
    pub fn plane(&mut self) -> Option<&mut DataPlane> {
        match self {
            Backend::User(user) => Some(&mut user.plane),
            Backend::Kernel(_) | Backend::Fake => None,
        }
    }

    /// All drops of the data path.
    #[must_use]
    pub fn drops(&self) -> BTreeMap<DropReason, u64> {
        match self {
            Backend::User(user) => user.drops(),
            Backend::Kernel(kernel) => kernel.drops(),
            Backend::Fake => BTreeMap::new(),
        }
    }
}
