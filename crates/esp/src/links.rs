//! How long packets may be on the way to each peer: what our own link takes, and what routers have said.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::atomic::Ordering::Relaxed;

use adit_model::dataplane::Path;
use adit_model::now::Mono;

use crate::dress::Fit;
use crate::plane::DataPlane;
use crate::pmtu::{PathMtus, Word};
use crate::sa::{Live, Pair};

/// The limits of one data plane, in octets.
#[derive(Debug)]
pub(crate) struct Links {
    /// Of every link that isn't known better.
    every: usize,
    /// Of the device that inner packets come from and go to.
    device: usize,
    to: BTreeMap<IpAddr, usize>,
    learned: PathMtus,
}

/// IP itself carries no more.
const NO_LIMIT: usize = u16::MAX as usize;

impl Links {
    pub(crate) fn new() -> Self {
        Self {
            every: NO_LIMIT,
            device: NO_LIMIT,
            to: BTreeMap::new(),
            learned: PathMtus::default(),
        }
    }

    /// The MTU of our link towards `peer`.
    fn link(&self, peer: IpAddr) -> usize {
        self.to.get(&peer).copied().unwrap_or(self.every)
    }

    /// The longest packet that counts as fitting on the way to `peer`.
    pub(crate) fn most(&self, peer: IpAddr) -> usize {
        let link = self.link(peer);
        self.learned.of(peer).map_or(link, |mtu| mtu.min(link))
    }

    /// What fits on the path of a pair, which learns of it.
    pub(crate) fn fit(&self, pair: &Pair, path: &Path) -> Fit {
        let most = self.most(path.remote.ip());
        let fit = Fit::new(pair.outbound.cipher.shape(), path, most, self.device);
        pair.inner_mtu.store(fit.inner, Relaxed);
        fit
    }
}

impl DataPlane {
    /// Sets the MTU of the links that sealed packets leave by, in octets. Without this call the limit is that of IP
    /// itself. What is too long for the link is cut or refused, see [`View::seal`](crate::View::seal).
    pub fn set_link_mtu(&mut self, mtu: usize) {
        self.links.every = mtu;
        self.refit();
    }

    /// Sets the MTU of the link that packets to this peer leave by, in octets.
    pub fn set_link_mtu_to(&mut self, peer: IpAddr, mtu: usize) {
        if self.links.to.insert(peer, mtu) != Some(mtu) {
            self.refit();
        }
    }

    /// Sets the MTU of the device that inner packets come from and go to, in octets: no TCP connection agrees on larger
    /// segments.
    pub fn set_device_mtu(&mut self, mtu: usize) {
        self.links.device = mtu;
        self.refit();
    }

    /// A router says that a packet of the SA with `spi_out`, sent to `peer`, was longer than the `mtu` octets that it can
    /// pass on; 0 where it doesn't say how many these are.
    pub fn hear_path_mtu(&mut self, now: Mono, peer: IpAddr, spi_out: u32, mtu: usize) -> Word {
        let is_ours = |live: &Live| live.pair.spi_out == spi_out && live.path.remote.ip() == peer;
        if !self.live_pairs().any(is_ours) {
            return Word::Unfounded;
        }
        let before = self.links.link(peer);
        let word = self.links.learned.hear(now, peer, mtu, before);
        if matches!(word, Word::Taken(_)) {
            self.refit();
        }
        word
    }

    /// What packets to `peer` are kept within, in octets; `None` where no limit is known.
    #[must_use]
    pub fn path_mtu(&self, peer: IpAddr) -> Option<u16> {
        let most = self.links.most(peer);
        u16::try_from(most).ok().filter(|most| *most < u16::MAX)
    }

    /// Forgets what routers said longer than ten minutes ago: a longer packet finds out whether it still holds.
    pub fn forget_path_mtus(&mut self, now: Mono) {
        if self.links.learned.forget(now) {
            self.refit();
        }
    }

    /// When [`forget_path_mtus`](Self::forget_path_mtus) is next to be called.
    #[must_use]
    pub fn path_mtus_due(&self) -> Option<Mono> {
        self.links.learned.due()
    }
}
