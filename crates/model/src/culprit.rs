//! What a person found to be wrong with a tunnel: by changing one thing, after which it worked, or by looking.
//!
//! It stands between a symptom ([`crate::complaint`]) and a daemon's own words ([`crate::sign`]): somebody tells it, so a log
//! counts for more; but it names a thing, and not only an effect.

use serde::{Deserialize, Serialize};

/// The thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Culprit {
    /// The pre-shared key.
    Key,
    /// How the pre-shared key is written: quotes, characters, blanks.
    KeyForm,
    /// An identity.
    Identity,
    /// A private address that stands for an identity behind a NAT.
    PrivateIdentity,
    /// The key exchange group of IKE.
    IkeGroup,
    /// The algorithms of IKE.
    IkeAlgorithms,
    /// The algorithms of the traffic's SAs.
    EspAlgorithms,
    /// Algorithms, and of which phase isn't said.
    Algorithms,
    /// Perfect forward secrecy, or its group.
    Pfs,
    /// Lifetimes.
    Lifetimes,
    /// Dead peer detection that is off.
    DpdOff,
    /// Dead peer detection that is on, or too fast.
    DpdOn,
    /// A monitor of the tunnel.
    Monitor,
    /// NAT traversal that is off.
    NatTraversal,
    /// Main or aggressive mode.
    ExchangeMode,
    /// The version of IKE.
    IkeVersion,
    /// Tunnel or transport mode.
    EncapsulationMode,
    /// The networks (selectors, proxy ids, encryption domains).
    Networks,
    /// Several networks in one SA.
    NetworksTogether,
    /// Who may be connected once only (uniqueids).
    Uniqueness,
    /// Reverse path filtering.
    ReversePath,
    /// Forwarding of packets that is off.
    Forwarding,
    /// A module of the kernel.
    Module,
    /// A plugin of the daemon.
    Plugin,
    /// Fragmentation of IKE messages.
    IkeFragmentation,
    /// The replay window.
    ReplayWindow,
    /// Compression.
    Compression,
    /// The length of truncated HMAC-SHA2-256.
    Truncation,
    /// Reauthentication.
    Reauthentication,
    /// The clock.
    Clock,
    /// Another program at IKE's ports.
    PortTaken,
    /// A name that the certificate doesn't hold.
    CertificateName,
    /// A certificate's end.
    CertificateEnd,
    /// The authority, or a certificate between.
    Authority,
    /// What a certificate may be used for, or how it is signed.
    KeyUsage,
    /// The private key.
    PrivateKey,
    /// A filter that let no ESP through.
    EspFilter,
    /// The way back to the tunnel, at a host behind the other gateway.
    ReturnRoute,
    /// An old entry in a filter's memory.
    FilterMemory,
    /// A router's own idea of IPsec (passthrough, ALG).
    Passthrough,
    /// A forwarded port that was missing at a NAT.
    PortForward,
    /// The peer's name.
    PeerName,
    /// The number or mark that ties SAs to a tunnel interface.
    InterfaceNumber,
    /// A user's password or account.
    UserPassword,
    /// A route to the far network that nothing adds.
    RouteMissing,
    /// A route into the tunnel that takes too much.
    RouteOfTunnel,
    /// A route to the other gateway, outside of the tunnel.
    RouteToPeer,
    /// A route in a cloud's own table.
    CloudRoute,
    /// Cryptography in hardware, or its driver.
    Offload,
    /// Replacing SAs, which is off.
    Rekeying,
    /// A filter on a host.
    HostFilter,
    /// SELinux or AppArmor.
    Confinement,
    /// The size of packets (MTU, MSS).
    PacketSize,
    /// A rule that translates the source of packets.
    SourceNat,
    /// The version of a program: an older one does it.
    NewVersion,
}

/// How somebody came upon it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PinnedBy {
    /// It was changed, and then it worked.
    Change,
    /// It turned out to be wrong.
    Look,
}

impl Culprit {
    /// Every one, in the order of the list above.
    pub const ALL: [Culprit; 55] = [
        Culprit::Key,
        Culprit::KeyForm,
        Culprit::Identity,
        Culprit::PrivateIdentity,
        Culprit::IkeGroup,
        Culprit::IkeAlgorithms,
        Culprit::EspAlgorithms,
        Culprit::Algorithms,
        Culprit::Pfs,
        Culprit::Lifetimes,
        Culprit::DpdOff,
        Culprit::DpdOn,
        Culprit::Monitor,
        Culprit::NatTraversal,
        Culprit::ExchangeMode,
        Culprit::IkeVersion,
        Culprit::EncapsulationMode,
        Culprit::Networks,
        Culprit::NetworksTogether,
        Culprit::Uniqueness,
        Culprit::ReversePath,
        Culprit::Forwarding,
        Culprit::Module,
        Culprit::Plugin,
        Culprit::IkeFragmentation,
        Culprit::ReplayWindow,
        Culprit::Compression,
        Culprit::Truncation,
        Culprit::Reauthentication,
        Culprit::Clock,
        Culprit::PortTaken,
        Culprit::CertificateName,
        Culprit::CertificateEnd,
        Culprit::Authority,
        Culprit::KeyUsage,
        Culprit::PrivateKey,
        Culprit::EspFilter,
        Culprit::ReturnRoute,
        Culprit::FilterMemory,
        Culprit::Passthrough,
        Culprit::PortForward,
        Culprit::PeerName,
        Culprit::InterfaceNumber,
        Culprit::UserPassword,
        Culprit::RouteMissing,
        Culprit::RouteOfTunnel,
        Culprit::RouteToPeer,
        Culprit::CloudRoute,
        Culprit::Offload,
        Culprit::Rekeying,
        Culprit::HostFilter,
        Culprit::Confinement,
        Culprit::PacketSize,
        Culprit::SourceNat,
        Culprit::NewVersion,
    ];

    /// The thing, as a part of a sentence.
    #[must_use]
    pub fn named(self) -> &'static str {
        match self {
            Culprit::Key => "the pre-shared key",
            Culprit::KeyForm => "how the pre-shared key is written",
            Culprit::Identity => "an identity",
            Culprit::PrivateIdentity => "a private address as identity",
            Culprit::IkeGroup => "the key exchange group",
            Culprit::IkeAlgorithms => "the algorithms of IKE",
            Culprit::EspAlgorithms => "the algorithms for the traffic",
            Culprit::Algorithms => "the algorithms",
            Culprit::Pfs => "perfect forward secrecy",
            Culprit::Lifetimes => "the lifetimes",
            Culprit::DpdOff => "dead peer detection that was off",
            Culprit::DpdOn => "dead peer detection",
            Culprit::Monitor => "the monitor of the tunnel",
            Culprit::NatTraversal => "NAT traversal that was off",
            Culprit::ExchangeMode => "the exchange mode of IKEv1",
            Culprit::IkeVersion => "the version of IKE",
            Culprit::EncapsulationMode => "tunnel or transport mode",
            Culprit::Networks => "the networks",
            Culprit::NetworksTogether => "several networks in one SA",
            Culprit::Uniqueness => "that an identity may be connected only once",
            Culprit::ReversePath => "reverse path filtering",
            Culprit::Forwarding => "forwarding that was off",
            Culprit::Module => "a module of the kernel",
            Culprit::Plugin => "a plugin of the daemon",
            Culprit::IkeFragmentation => "the fragmentation of IKE messages",
            Culprit::ReplayWindow => "the replay window",
            Culprit::Compression => "compression",
            Culprit::Truncation => "the length of truncated HMAC-SHA2-256",
            Culprit::Reauthentication => "reauthentication",
            Culprit::Clock => "the clock",
            Culprit::PortTaken => "another program at IKE's ports",
            Culprit::CertificateName => "a name that isn't in the certificate",
            Culprit::CertificateEnd => "the end of a certificate",
            Culprit::Authority => "a certificate authority",
            Culprit::KeyUsage => "what a certificate may be used for",
            Culprit::PrivateKey => "the private key",
            Culprit::EspFilter => "a filter that let no ESP through",
            Culprit::ReturnRoute => "the way back from the hosts behind the other gateway",
            Culprit::FilterMemory => "an old entry in a filter's memory",
            Culprit::Passthrough => "a router's IPsec passthrough",
            Culprit::PortForward => "a port that wasn't forwarded",
            Culprit::PeerName => "the peer's name",
            Culprit::InterfaceNumber => "the number or mark of a tunnel interface",
            Culprit::UserPassword => "a user's account or password",
            Culprit::RouteMissing => "a route to the far network",
            Culprit::RouteOfTunnel => "a route into the tunnel",
            Culprit::RouteToPeer => "the route to the other gateway",
            Culprit::CloudRoute => "a route in the cloud's table",
            Culprit::Offload => "cryptography in hardware",
            Culprit::Rekeying => "replacing SAs, which was off",
            Culprit::HostFilter => "a filter on a host",
            Culprit::Confinement => "SELinux or AppArmor",
            Culprit::PacketSize => "the size of packets",
            Culprit::SourceNat => "a rule that translates the source of packets",
            Culprit::NewVersion => "the version",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Culprit;

    #[test]
    fn all_of_them_are_in_the_list() {
        for (at, culprit) in Culprit::ALL.into_iter().enumerate() {
            assert_eq!(culprit as usize, at, "{culprit:?}");
        }
        assert_eq!(Culprit::ALL.len(), Culprit::NewVersion as usize + 1);
    }
}
