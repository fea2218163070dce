//! What a configuration of any product says about a tunnel, in words that two ends can be compared by.
//!
//! [`crate::connection::Connection`] is what our own gateway runs; a [`PeerConnection`] is what somebody's file says.
//! It keeps what the comparison needs and our gateway doesn't: whether a value was written or is the product's default
//! ([`Origin`]), on which line, and values that we wouldn't accept ourselves. A value that can't be known from the text
//! (a default that depends on an unknown version, an unreadable proposal) is `None`, never a guess.
//!
//! Pre-shared keys are here as keyed digests ([`KeyDigest`]): equal keys of one run are equal, and nothing else is told.

mod choice;
mod dialect;
mod end;
mod key;
mod own;
mod setting;

pub use choice::{AuthMethod, Pfs, Starts, Versions, WhenDead};
pub use dialect::Dialect;
pub use end::{PeerId, Place};
pub use key::{KeyDigest, SharedKey};
pub use setting::{Origin, Setting};

use core::time::Duration;

use serde::{Deserialize, Serialize};

use crate::connection::{Mode, Ppk};
use crate::fact::Source;
use crate::identity::Identity;
use crate::proposal::Proposal;
use crate::selector::Selector;

/// One end's networks: `None` stands for the end's own address (`dynamic`, host-to-host). An empty list is one that is written
/// and can't be read, as where a paste was made anonymous.
pub type Networks = Vec<Option<Selector>>;

/// One tunnel as one end has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeerConnection {
    /// Its name there.
    pub name: String,
    /// In whose language.
    pub dialect: Dialect,
    /// Version of the product, where the text tells it.
    #[serde(default)]
    pub product_version: Option<(u16, u16)>,
    /// Which of several configurations in one text it belongs to, from 0.
    pub block: u32,
    /// Where it begins.
    pub source: Source,
    /// It isn't from a configuration: a running daemon's status shows it, and what isn't written isn't the default but
    /// unknown.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub listed: bool,
    /// `left` and `right` don't tell which end is ours: [`PeerConnection::swapped`] is as good.
    pub swappable: bool,
    /// IKE versions.
    pub versions: Setting<Versions>,
    /// Our end.
    pub local: Setting<Vec<Place>>,
    /// The other end.
    pub remote: Setting<Vec<Place>>,
    /// Who we say we are; `None` is our address, or the certificate's subject.
    pub local_id: Setting<Option<PeerId>>,
    /// Whom we want; `None` is the peer's address.
    pub remote_id: Setting<Option<PeerId>>,
    /// How we authenticate.
    pub local_auth: Setting<Vec<AuthMethod>>,
    /// How the peer must.
    pub remote_auth: Setting<Vec<AuthMethod>>,
    /// The pre-shared key that fits the identities.
    pub psk: Option<SharedKey>,
    /// Secrets were part of the text, so that a key that isn't there is missing.
    pub secrets_seen: bool,
    /// Our certificate, as written.
    pub certificate: Option<Setting<String>>,
    /// The peer's certificate, as written.
    #[serde(default)]
    pub remote_certificate: Option<Setting<String>>,
    /// IKE proposals, most wanted first; `None` when they can't be known.
    pub ike: Setting<Option<Vec<Proposal>>>,
    /// Aggressive mode (IKEv1).
    pub aggressive: Setting<bool>,
    /// Lifetime of the IKE SA.
    pub ike_life: Setting<Option<Duration>>,
    /// The IKE SA is set up anew instead of rekeyed (IKEv2).
    pub reauth: Setting<bool>,
    /// SAs are replaced before they end.
    pub rekey: Setting<bool>,
    /// Idle time after which the peer is asked; `None` never asks.
    pub dpd_delay: Setting<Option<Duration>>,
    /// How long the peer may be silent (IKEv1).
    pub dpd_timeout: Setting<Option<Duration>>,
    /// What is done with a dead peer.
    pub dpd_action: Setting<WhenDead>,
    /// NAT traversal.
    pub nat_t: Setting<bool>,
    /// ESP in UDP even without a NAT.
    pub force_encap: Setting<bool>,
    /// MOBIKE.
    pub mobike: Setting<bool>,
    /// IKE messages may be fragmented.
    pub fragmentation: Setting<bool>,
    /// IKEv1 lifetimes must be the same as the peer's.
    pub strict_lifetime: Setting<bool>,
    /// It hands out addresses, or wants one.
    pub virtual_ip: Option<Setting<String>>,
    /// A post-quantum pre-shared key that is mixed in (RFC 8784).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ppk: Option<Setting<Ppk>>,
    /// Its CHILD SAs.
    pub children: Vec<PeerChild>,
}

/// One CHILD SA as one end has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeerChild {
    /// Its name there.
    pub name: String,
    /// Where it begins.
    pub source: Source,
    /// Our networks.
    pub local_ts: Setting<Networks>,
    /// The peer's networks.
    pub remote_ts: Setting<Networks>,
    /// It follows routes to a tunnel interface (VTI, XFRM interface, mark).
    pub route_based: Option<Setting<String>>,
    /// AH instead of ESP.
    pub ah: bool,
    /// Proposals without key exchange groups, most wanted first; `None` when they can't be known.
    pub esp: Setting<Option<Vec<Proposal>>>,
    /// Key exchange at rekeying.
    pub pfs: Setting<Option<Pfs>>,
    /// Tunnel or transport.
    pub mode: Setting<Mode>,
    /// Hard lifetime.
    pub life: Setting<Option<Duration>>,
    /// When it is replaced, where that is written on its own.
    pub soft_life: Setting<Option<Duration>>,
    /// Lifetime in bytes.
    pub life_bytes: Setting<Option<u64>>,
    /// Lifetime in packets.
    pub life_packets: Setting<Option<u64>>,
    /// Who starts.
    pub starts: Setting<Starts>,
    /// What is done when the peer closes it.
    pub close_action: Setting<WhenDead>,
    /// Anti-replay window in packets.
    pub replay_window: Setting<u32>,
    /// IP compression.
    pub compress: Setting<bool>,
    /// HMAC-SHA2-256 cut to 96 bits as in the draft.
    pub sha256_96: Setting<bool>,
    /// Traffic may pass in clear when the tunnel fails or is being set up.
    pub passes_in_clear: Setting<bool>,
}

impl PeerConnection {
    /// A connection of which nothing is known but its name.
    #[must_use]
    pub fn new(name: &str, dialect: Dialect, source: Source) -> Self {
        Self {
            name: name.to_owned(),
            dialect,
            product_version: None,
            block: 0,
            source,
            listed: false,
            swappable: false,
            versions: Setting::default_of(Versions::BOTH),
            local: Setting::default_of(vec![Place::Any]),
            remote: Setting::default_of(vec![Place::Any]),
            local_id: Setting::default(),
            remote_id: Setting::default(),
            local_auth: Setting::default(),
            remote_auth: Setting::default(),
            psk: None,
            secrets_seen: false,
            certificate: None,
            remote_certificate: None,
            ike: Setting::default(),
            aggressive: Setting::default(),
            ike_life: Setting::default(),
            reauth: Setting::default(),
            rekey: Setting::default_of(true),
            dpd_delay: Setting::default(),
            dpd_timeout: Setting::default(),
            dpd_action: Setting::default(),
            nat_t: Setting::default_of(true),
            force_encap: Setting::default(),
            mobike: Setting::default(),
            fragmentation: Setting::default_of(true),
            strict_lifetime: Setting::default(),
            virtual_ip: None,
            ppk: None,
            children: Vec::new(),
        }
    }

    /// The same with the ends exchanged.
    #[must_use]
    pub fn swapped(mut self) -> Self {
        core::mem::swap(&mut self.local, &mut self.remote);
        core::mem::swap(&mut self.local_id, &mut self.remote_id);
        core::mem::swap(&mut self.local_auth, &mut self.remote_auth);
        core::mem::swap(&mut self.certificate, &mut self.remote_certificate);
        for child in &mut self.children {
            core::mem::swap(&mut child.local_ts, &mut child.remote_ts);
        }
        self
    }

    /// Whether this end begins by itself: at once, or when traffic asks for it.
    #[must_use]
    pub fn starts_by_itself(&self) -> bool {
        let reachable = |place: &Place| !matches!(place, Place::Any | Place::Net(_));
        let unasked = self.dialect.starts_unasked()
            && self.children.iter().all(|child| !child.starts.is_written());
        let asked =
            |child: &PeerChild| matches!(child.starts.value, Starts::Now | Starts::OnDemand);
        self.remote.value.iter().any(reachable)
            && !self.children.is_empty()
            && (unasked || self.children.iter().any(asked))
    }

    /// Our identity as the peer will see it, as far as the text tells: the written one, or our only address.
    #[must_use]
    pub fn effective_local_id(&self) -> Option<PeerId> {
        effective(
            &self.local_id.value,
            &self.local.value,
            &self.local_auth.value,
        )
    }

    /// The identity that we expect: the written one, or the peer's only address.
    #[must_use]
    pub fn effective_remote_id(&self) -> Option<PeerId> {
        effective(
            &self.remote_id.value,
            &self.remote.value,
            &self.remote_auth.value,
        )
    }
}

impl PeerConnection {
    /// The key that a daemon would take for this connection: the one that names most of both ends, the first of equals.
    #[must_use]
    pub fn key_among<'k>(&self, keys: &'k [SharedKey]) -> Option<&'k SharedKey> {
        let candidates = |id: Option<PeerId>, place: Option<&Place>| -> Vec<PeerId> {
            let place = place.and_then(|place| match place {
                Place::Address(a) => Some(Identity::Address(*a)),
                // A key is found by the name that stands for the address, in a paste also where its numbers are struck out.
                Place::Name(name) => Some(Identity::Fqdn(name.clone())),
                _ => None,
            });
            id.into_iter().chain(place.map(PeerId::Is)).collect()
        };
        let ends = [
            candidates(self.effective_local_id(), self.local.value.first()),
            candidates(self.effective_remote_id(), self.remote.value.first()),
        ];
        let mut best: Option<(usize, &SharedKey)> = None;
        for key in keys {
            let score: usize = if key.ids.is_empty() {
                1
            } else {
                ends.iter()
                    .map(|end| {
                        if key.ids.iter().any(|id| end.contains(id)) {
                            3
                        } else {
                            usize::from(key.ids.contains(&PeerId::Any)) * 2
                        }
                    })
                    .sum()
            };
            if score > 0 && best.is_none_or(|(most, _)| score > most) {
                best = Some((score, key));
            }
        }
        best.map(|(_, key)| key)
    }

    /// Takes its key from what the same side has, where it has none yet.
    pub fn take_key(&mut self, keys: &[SharedKey]) {
        self.secrets_seen |= !keys.is_empty();
        let psk = |auth: &[AuthMethod]| auth.contains(&AuthMethod::Psk);
        if self.psk.is_none() && (psk(&self.local_auth.value) || psk(&self.remote_auth.value)) {
            self.psk = self.key_among(keys).cloned();
        }
    }
}

fn effective(id: &Option<PeerId>, places: &[Place], auth: &[AuthMethod]) -> Option<PeerId> {
    match (id, places) {
        (Some(id), _) => Some(id.clone()),
        // Without an identity a certificate's subject may be taken, so only with a key is it the address.
        (None, [Place::Address(a)]) if auth == [AuthMethod::Psk] => {
            Some(PeerId::Is(Identity::Address(*a)))
        }
        _ => None,
    }
}

impl PeerChild {
    /// A child of which nothing is known but its name.
    #[must_use]
    pub fn new(name: &str, source: Source) -> Self {
        Self {
            name: name.to_owned(),
            source,
            local_ts: Setting::default_of(vec![None]),
            remote_ts: Setting::default_of(vec![None]),
            route_based: None,
            ah: false,
            esp: Setting::default(),
            pfs: Setting::default(),
            mode: Setting::default(),
            life: Setting::default(),
            soft_life: Setting::default(),
            life_bytes: Setting::default(),
            life_packets: Setting::default(),
            starts: Setting::default(),
            close_action: Setting::default(),
            replay_window: Setting::default_of(32),
            compress: Setting::default(),
            sha256_96: Setting::default(),
            passes_in_clear: Setting::default(),
        }
    }
}

/// How bad something in a configuration is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Weight {
    /// The tunnel can't work with it, or the daemon refuses it.
    Error,
    /// It may well be wrong, or is unsafe.
    Warning,
    /// Worth knowing.
    Hint,
}

/// Something about one configuration by itself that a person should know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lint {
    /// Cause id of the catalogue.
    pub cause: String,
    /// How bad.
    pub weight: Weight,
    /// The connection it is about; `None` for the whole file.
    pub connection: Option<String>,
    /// What is wrong, in one sentence.
    pub message: String,
    /// What to write instead.
    pub fix: String,
    /// Where.
    pub source: Source,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn identities_are_compared_by_type_and_patterns_by_their_wildcards() {
        let is = |t: &str| PeerId::Is(t.parse().unwrap());
        assert_eq!(is("a.lab").satisfies(&is("A.lab")), Some(true));
        assert_eq!(is("a.lab").satisfies(&is("keyid:a.lab")), Some(false));
        assert_eq!(is("10.0.0.1").satisfies(&is("10.0.0.1")), Some(true));
        assert_eq!(is("10.0.0.1").satisfies(&PeerId::Any), Some(true));
        assert_eq!(PeerId::Any.satisfies(&is("a.lab")), None);
        let like = PeerId::Like("*.lab".to_owned());
        assert_eq!(is("a.lab").satisfies(&like), Some(true));
        assert_eq!(is("a.net").satisfies(&like), None);
    }

    #[test]
    fn a_digest_is_32_hex_digits_and_back() {
        let digest = KeyDigest([7; 16]);
        let text = String::from(digest);
        assert_eq!(KeyDigest::try_from(text).unwrap(), digest);
        for wrong in ["", "07", &"g".repeat(32), &"é".repeat(16)] {
            assert!(KeyDigest::try_from((*wrong).to_owned()).is_err());
        }
    }
}
