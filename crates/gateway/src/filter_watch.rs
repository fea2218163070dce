//! Word from the kernel that somebody has taken something out of the block: a firewall that was reloaded, `nft flush ruleset`.
//!
//! Where the kernel doesn't tell, the block is looked at whenever the host is.

use adit_kernel::nft::FilterChanges;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use crate::gateway::Gateway;
use crate::host::BLOCK_TABLE;
use crate::watched::watch;

/// What the kernel tells of the packet filter.
#[derive(Default)]
pub(crate) struct FilterWatch(Option<AsyncFd<FilterChanges>>);

impl FilterWatch {
    /// Watches the calling thread's network namespace, if the kernel lets us.
    pub(crate) fn open() -> Self {
        let watched = FilterChanges::open()
            .map_err(|error| error.to_string())
            .and_then(|changes| watch(changes, Interest::READABLE).map_err(|e| e.to_string()));
        Self(
            watched
                .inspect_err(|problem| {
                    tracing::debug!("{problem}; the block is looked at every two seconds instead");
                })
                .ok(),
        )
    }

    /// Waits until something of the block was taken away, perhaps by this gateway.
    pub(crate) async fn changed(&self) {
        let Some(changes) = &self.0 else {
            return std::future::pending().await;
        };
        loop {
            let Ok(mut ready) = changes.readable().await else {
                // The runtime is going down.
                return std::future::pending().await;
            };
            let lost = changes.get_ref().take(BLOCK_TABLE);
            ready.clear_ready();
            if lost {
                return;
            }
        }
    }
}

impl Gateway {
    /// The kernel says that something of the block was taken away.
    pub(crate) fn on_filter_change(&mut self) {
        if let Some(host) = &mut self.host {
            tracing::debug!("the kernel tells that something of the block was taken away");
            host.keep_block();
        }
    }
}
