//! What a line of somebody's log, status or listing means, whatever its wording.
//!
//! Exchanges are told as [`crate::event::Happening`]s. A sign is everything else that a product says about itself, its
//! host or its peer: a file it couldn't load, a policy the kernel refused, a switch that a checking tool reports. Many
//! products say the same thing in many wordings; each becomes the same sign, so that a rule knows no wording.

use serde::{Deserialize, Serialize};

/// What was seen. The values that go with it (a path, an algorithm, an identity) stand beside it in
/// [`crate::fact::Known::Sign`], by the names that each variant lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sign {
    // ── link ──
    /// The peer's name has no address. `name`, `problem`.
    PeerNameUnresolved,
    /// A send was refused because there is no way to the address. `address`.
    NetworkUnreachable,

    // ── route ──
    /// A route of the tunnel couldn't be installed because it is in use or conflicts. `route`.
    RouteConflict,

    // ── firewall ──
    /// Sending to the peer is forbidden by a filter of this host. `address`.
    SendForbidden,

    // ── nat ──
    /// The daemon runs without NAT traversal.
    NatTraversalOff,

    // ── ike-sa-init ──
    /// Requests are ignored because too many IKE SAs are half open. `peer`, `limit`.
    HalfOpenLimit,

    // ── ike-auth ──
    /// A pre-shared key was looked for and not found. `local`, `remote`.
    PskNotFound,
    /// A message decrypted to nonsense: the keys derived from the pre-shared keys differ (IKEv1).
    DecryptedToNonsense,
    /// A certificate is past its end. `subject`, `until`.
    CertificateExpired,
    /// A certificate isn't valid yet. `subject`, `from`.
    CertificateNotYetValid,
    /// No trust anchor for a certificate. `subject`, `issuer`.
    IssuerUnknown,
    /// An EAP or XAUTH method failed. `method`, `peer`.
    UserAuthenticationFailed,

    // ── child ──
    /// The initiator asked for no virtual address where one is required, or the other way round.
    VirtualAddressMissing,

    // ── esp-dataplane ──
    /// ESP packets came with an SPI that no SA has. `spi`, `peer`.
    SpiUnknown,

    // ── kernel ──
    /// Forwarding of packets is off. `path`.
    ForwardingOff,
    /// Reverse path filtering is on. `path`.
    ReversePathFilterOn,
    /// The kernel lacks a protocol, a module or an algorithm. `what`, `errno`.
    KernelSupportMissing,
    /// The kernel refused a policy because another one has its selector. `policy`, `owner`.
    PolicyInUse,

    // ── performance ──
    /// A packet was too big for the path. `mtu`.
    PacketTooBig,

    // ── rekey ──
    /// Replacing an SA failed. `what`.
    RekeyFailed,

    // ── lifecycle ──
    /// The IKE daemon doesn't run, or nothing answers at its control socket.
    DaemonNotRunning,
    /// The daemon crashed or aborted. `problem`.
    DaemonCrashed,
    /// The peer is declared dead. `peer`.
    PeerDeclaredDead,

    // ── config ──
    /// A configuration file doesn't parse. `path`, `line`, `problem`.
    ConfigSyntax,
    /// A configuration or a file that it names couldn't be read. `path`, `problem`.
    ConfigUnreadable,
    /// A keyword isn't known. `keyword`, `path`, `line`.
    ConfigKeywordUnknown,
    /// A plugin couldn't be loaded. `plugin`, `problem`.
    PluginMissing,

    // ── host ──
    /// The IKE ports are held by somebody else. `port`.
    PortInUse,
    /// Something was denied to the daemon: capability, AppArmor, SELinux, file rights. `path`, `operation`.
    Denied,

    // ── ha ──
    /// The two nodes of a cluster are both active, or their states differ.
    ClusterSplit,

    // ── overlay ──
    /// Traffic of an overlay network passes outside the tunnel. `port`.
    OverlayInClear,
}

impl Sign {
    /// Whether it is a state that lasts until somebody changes it. What isn't is over once the tunnel has come up
    /// after it.
    #[must_use]
    pub fn lasts(self) -> bool {
        matches!(
            self,
            Sign::ForwardingOff | Sign::ReversePathFilterOn | Sign::NatTraversalOff
        )
    }
}
