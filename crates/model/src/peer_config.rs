//! What a configuration of any product says about a tunnel, in words that two ends can be compared by.
//!
//! [`crate::connection::Connection`] is what our own gateway runs; a [`PeerConnection`] is what somebody's file says.
//! It keeps what the comparison needs and our gateway doesn't: whether a value was written or is the product's default
//! ([`Origin`]), on which line, and values that we wouldn't accept ourselves. A value that can't be known from the text
//! (a default that depends on an unknown version, an unreadable proposal) is `None`, never a guess.
//!
//! Pre-shared keys are here as keyed digests ([`KeyDigest`]): equal keys of one run are equal, and nothing else is told.

use core::fmt;
use core::time::Duration;
use std::net::IpAddr;

use adit_wire::iana::KeMethod;
use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::connection::{AuthKind, Connection, Mode, Remote, Start};
use crate::fact::Source;
use crate::identity::Identity;
use crate::proposal::Proposal;
use crate::selector::Selector;

/// Whose language a configuration is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Dialect {
    /// Adit's own TOML.
    Adit,
    /// strongSwan's ipsec.conf and ipsec.secrets.
    StrongswanStroke,
    /// strongSwan's swanctl.conf.
    Swanctl,
    /// ipsec.conf and ipsec.secrets of Libreswan.
    Libreswan,
    /// ipsec.conf and ipsec.secrets of Openswan.
    Openswan,
    /// Vyatta (`set security vpn`).
    Vyatta,
    /// VyOS (`set vpn ipsec`).
    Vyos,
    /// racoon.conf and setkey.
    Racoon,
    /// illumos: ike/config, ike.preshared, ipsecinit.conf.
    Illumos,
    /// PAN-OS.
    Panos,
    /// Cisco IOS and IOS-XE.
    CiscoIos,
    /// Cisco ASA.
    CiscoAsa,
    /// Junos.
    Junos,
    /// FortiOS.
    Fortios,
    /// RouterOS.
    Routeros,
}

impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Dialect::Adit => "Adit",
            Dialect::StrongswanStroke => "strongSwan ipsec.conf",
            Dialect::Swanctl => "strongSwan swanctl.conf",
            Dialect::Libreswan => "Libreswan ipsec.conf",
            Dialect::Openswan => "Openswan ipsec.conf",
            Dialect::Vyatta => "Vyatta",
            Dialect::Vyos => "VyOS",
            Dialect::Racoon => "racoon",
            Dialect::Illumos => "illumos IKE",
            Dialect::Panos => "PAN-OS",
            Dialect::CiscoIos => "Cisco IOS",
            Dialect::CiscoAsa => "Cisco ASA",
            Dialect::Junos => "Junos",
            Dialect::Fortios => "FortiOS",
            Dialect::Routeros => "MikroTik RouterOS",
        })
    }
}

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// It is written there.
    Written(Source),
    /// It isn't written; the product takes this one.
    Default,
}

/// A value with its origin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setting<T> {
    /// The value.
    pub value: T,
    /// Where it comes from.
    pub origin: Origin,
}

impl<T> Setting<T> {
    /// A value that the product takes when nothing is written.
    pub fn default_of(value: T) -> Self {
        Self {
            value,
            origin: Origin::Default,
        }
    }

    /// A value that is written.
    pub fn written(value: T, source: Source) -> Self {
        Self {
            value,
            origin: Origin::Written(source),
        }
    }

    /// Whether it is written.
    #[must_use]
    pub fn is_written(&self) -> bool {
        matches!(self.origin, Origin::Written(_))
    }

    /// Where it is written.
    #[must_use]
    pub fn source(&self) -> Option<&Source> {
        match &self.origin {
            Origin::Written(source) => Some(source),
            Origin::Default => None,
        }
    }
}

impl<T: Default> Default for Setting<T> {
    fn default() -> Self {
        Self::default_of(T::default())
    }
}

/// A pre-shared key that can be compared and not read: a digest under a key that lives as long as the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct KeyDigest(pub [u8; 16]);

impl From<KeyDigest> for String {
    fn from(digest: KeyDigest) -> String {
        digest.0.iter().map(|b| format!("{b:02x}")).collect()
    }
}

impl TryFrom<String> for KeyDigest {
    type Error = &'static str;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        const WRONG: &str = "a key digest is 32 hex digits";
        let mut out = [0; 16];
        if text.len() != 32 || !text.is_ascii() {
            return Err(WRONG);
        }
        for (i, octet) in out.iter_mut().enumerate() {
            let digits = text.get(2 * i..2 * i + 2).ok_or(WRONG)?;
            *octet = u8::from_str_radix(digits, 16).map_err(|_| WRONG)?;
        }
        Ok(Self(out))
    }
}

/// A pre-shared key as far as anybody may know it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SharedKey {
    /// The digest; `None` where the paste has stars or a placeholder in its place, or no run key was given.
    pub digest: Option<KeyDigest>,
    /// The digest without blanks around it and without one pair of quotes: equal here and not above means that only
    /// the writing differs.
    pub trimmed: Option<KeyDigest>,
    /// The identities that it is for; empty is for all.
    pub ids: Vec<PeerId>,
    /// Where it is, redacted.
    pub source: Source,
}

/// Which IKE versions a connection uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Versions {
    /// It takes part in IKEv1.
    pub v1: bool,
    /// It takes part in IKEv2.
    pub v2: bool,
    /// The version that it starts with as initiator.
    pub initiates: u8,
}

impl Versions {
    /// IKEv1 alone.
    pub const V1: Versions = Versions {
        v1: true,
        v2: false,
        initiates: 1,
    };
    /// IKEv2 alone.
    pub const V2: Versions = Versions {
        v1: false,
        v2: true,
        initiates: 2,
    };
    /// Both; IKEv2 is begun.
    pub const BOTH: Versions = Versions {
        v1: true,
        v2: true,
        initiates: 2,
    };
}

impl fmt::Display for Versions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match (self.v1, self.v2) {
            (true, false) => "IKEv1",
            (false, true) => "IKEv2",
            (true, true) => "IKEv1 and IKEv2",
            (false, false) => "no IKE version",
        })
    }
}

/// Where an end is.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Place {
    /// Anywhere, or whatever the host has.
    Any,
    /// At this address.
    Address(IpAddr),
    /// Somewhere in this network.
    Net(IpNet),
    /// Wherever this name points; also an interface's name.
    Name(String),
}

impl Place {
    /// The address, where it is one.
    #[must_use]
    pub fn address(&self) -> Option<IpAddr> {
        match self {
            Place::Address(a) => Some(*a),
            _ => None,
        }
    }

    /// Whether both can be the same host. Names may be anything.
    #[must_use]
    pub fn meets(&self, other: &Place) -> bool {
        match (self, other) {
            (Place::Address(a), Place::Address(b)) => a == b,
            (Place::Address(a), Place::Net(n)) | (Place::Net(n), Place::Address(a)) => {
                n.contains(a)
            }
            _ => true,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Any => f.write_str("any"),
            Place::Address(a) => a.fmt(f),
            Place::Net(n) => n.fmt(f),
            Place::Name(n) => f.write_str(n),
        }
    }
}

/// An identity as a configuration writes it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PeerId {
    /// Whoever authenticates.
    Any,
    /// This one, type included.
    Is(Identity),
    /// A distinguished name, in a normal form (`CN=…` parts in their order, without blanks around commas).
    Name(String),
    /// A pattern with wildcards.
    Like(String),
}

impl PeerId {
    /// Whether an end that sends `self` is who an end wants that expects `wanted`. `None` where it can't be told.
    #[must_use]
    pub fn satisfies(&self, wanted: &PeerId) -> Option<bool> {
        match (self, wanted) {
            (_, PeerId::Any) => Some(true),
            (PeerId::Any, _) => None,
            (PeerId::Is(a), PeerId::Is(b)) => Some(same_identity(a, b)),
            (PeerId::Name(a), PeerId::Name(b)) => Some(a.eq_ignore_ascii_case(b)),
            (PeerId::Is(_), PeerId::Name(_)) | (PeerId::Name(_), PeerId::Is(_)) => Some(false),
            (a, PeerId::Like(pattern)) => {
                wildcard(&a.to_string(), pattern.trim_start_matches('@')).then_some(true)
            }
            (PeerId::Like(_), _) => None,
        }
    }
}

/// Names are compared without regard to case, as the daemons do (RFC 7296 3.5 leaves it to them).
fn same_identity(a: &Identity, b: &Identity) -> bool {
    match (a, b) {
        (Identity::Fqdn(a), Identity::Fqdn(b)) | (Identity::Email(a), Identity::Email(b)) => {
            a.eq_ignore_ascii_case(b)
        }
        _ => a == b,
    }
}

/// `*` stands for anything.
fn wildcard(text: &str, pattern: &str) -> bool {
    let (text, pattern) = (text.to_ascii_lowercase(), pattern.to_ascii_lowercase());
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| text.strip_prefix(first)) else {
        return false;
    };
    let mut last = None;
    for part in parts {
        let Some(at) = rest.find(part) else {
            return false;
        };
        rest = rest.get(at + part.len()..).unwrap_or_default();
        last = Some(part);
    }
    rest.is_empty() || last == Some("")
}

impl fmt::Display for PeerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PeerId::Any => f.write_str("any"),
            PeerId::Is(id) => id.fmt(f),
            PeerId::Name(name) | PeerId::Like(name) => f.write_str(name),
        }
    }
}

/// How an end authenticates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AuthMethod {
    /// By a pre-shared key.
    Psk,
    /// By a certificate or a raw key.
    PublicKey,
    /// By EAP (IKEv2).
    Eap,
    /// By XAuth after the first method (IKEv1).
    Xauth,
    /// Not at all (RFC 7619).
    Null,
}

impl fmt::Display for AuthMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            AuthMethod::Psk => "pre-shared key",
            AuthMethod::PublicKey => "certificate or public key",
            AuthMethod::Eap => "EAP",
            AuthMethod::Xauth => "XAuth",
            AuthMethod::Null => "no authentication",
        })
    }
}

/// Who starts, and whether at all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Starts {
    /// At once.
    Now,
    /// When traffic asks for it.
    OnDemand,
    /// Only answers.
    #[default]
    Passive,
    /// Isn't loaded at all.
    NotLoaded,
}

impl fmt::Display for Starts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Starts::Now => "starts at once",
            Starts::OnDemand => "starts on traffic",
            Starts::Passive => "only answers",
            Starts::NotLoaded => "isn't loaded",
        })
    }
}

/// What is done when the peer is dead, or has closed the SA.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WhenDead {
    /// Nothing, or the peer isn't asked.
    #[default]
    Nothing,
    /// The SAs are removed.
    Clear,
    /// A trap waits for traffic.
    Trap,
    /// It is set up anew.
    Restart,
}

impl fmt::Display for WhenDead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            WhenDead::Nothing => "does nothing",
            WhenDead::Clear => "clears",
            WhenDead::Trap => "waits for traffic",
            WhenDead::Restart => "restarts",
        })
    }
}

/// Key exchange when a CHILD SA is replaced (with IKEv1: when it is made).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Pfs {
    /// None.
    Off,
    /// With one of the key exchange methods of this proposal, most wanted first; nothing else is in it.
    Groups(Proposal),
    /// Whatever group the IKE SA has.
    AsIke,
    /// Taken as the peer proposes it.
    AsPeer,
}

impl Pfs {
    /// These groups, or none.
    #[must_use]
    pub fn of(ke: Vec<KeMethod>) -> Self {
        if ke.is_empty() {
            Pfs::Off
        } else {
            Pfs::Groups(Proposal {
                ke,
                ..Proposal::default()
            })
        }
    }
}

impl fmt::Display for Pfs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Pfs::Off => f.write_str("no PFS"),
            Pfs::AsIke => f.write_str("the IKE SA's group"),
            Pfs::AsPeer => f.write_str("as the peer proposes"),
            Pfs::Groups(groups) => {
                let names: Vec<String> = groups
                    .ke
                    .iter()
                    .map(|g| crate::keywords::ke_name(*g))
                    .collect();
                f.write_str(&names.join(", "))
            }
        }
    }
}

/// One end's networks: `None` stands for the end's own address (`dynamic`, host-to-host).
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
            let address = place.and_then(Place::address);
            id.into_iter()
                .chain(address.map(|a| PeerId::Is(Identity::Address(a))))
                .collect()
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

impl PeerConnection {
    /// What our own gateway's connection is in these words. `source` is where it is written.
    #[must_use]
    pub fn from_own(connection: &Connection, source: &Source) -> Self {
        fn at<T>(value: T, source: &Source) -> Setting<T> {
            Setting::written(value, source.clone())
        }
        let starts = match connection.start {
            Start::Auto => Starts::Now,
            Start::OnDemand => Starts::OnDemand,
            Start::Passive => Starts::Passive,
        };
        let place = |address: &Option<IpAddr>| address.map_or(Place::Any, Place::Address);
        let auth = match connection.auth {
            AuthKind::Psk => vec![AuthMethod::Psk],
        };
        let mut out = PeerConnection::new(&connection.name, Dialect::Adit, source.clone());
        out.versions = at(Versions::V2, source);
        out.local = at(vec![place(&connection.local)], source);
        out.remote = at(
            vec![match &connection.remote {
                Remote::Address(a) => Place::Address(*a),
                Remote::Name(n) => Place::Name(n.clone()),
                Remote::Any => Place::Any,
            }],
            source,
        );
        out.local_id = at(Some(PeerId::Is(connection.local_id.clone())), source);
        out.remote_id = at(
            Some(connection.remote_id.clone().map_or(PeerId::Any, PeerId::Is)),
            source,
        );
        out.local_auth = at(auth.clone(), source);
        out.remote_auth = at(auth, source);
        out.ike = at(Some(connection.ike.clone()), source);
        out.force_encap = at(connection.force_encap, source);
        out.dpd_delay = at(Some(connection.dpd_delay).filter(|d| !d.is_zero()), source);
        out.dpd_action = at(WhenDead::Restart, source);
        out.children = connection
            .children
            .iter()
            .map(|child| {
                let mut own = PeerChild::new(&child.name, source.clone());
                own.local_ts = at(child.local_ts.iter().copied().map(Some).collect(), source);
                own.remote_ts = at(child.remote_ts.iter().copied().map(Some).collect(), source);
                let groups: Vec<KeMethod> = child.esp.iter().flat_map(|p| p.ke.clone()).collect();
                own.pfs = at(Some(Pfs::of(groups)), source);
                own.esp = at(
                    Some(
                        child
                            .esp
                            .iter()
                            .cloned()
                            .map(|p| Proposal {
                                ke: Vec::new(),
                                ..p
                            })
                            .collect(),
                    ),
                    source,
                );
                own.mode = at(child.mode, source);
                own.starts = at(starts, source);
                own.replay_window = at(child.replay_window, source);
                own
            })
            .collect();
        out
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
