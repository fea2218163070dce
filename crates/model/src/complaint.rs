//! What people say is wrong, in their own words: the symptom, before anybody has looked.

use serde::{Deserialize, Serialize};

/// A symptom that a person tells. It names no cause; it puts some before others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Complaint {
    /// It can't be connected at all.
    NeverConnects,
    /// The tunnel is up and nothing passes.
    NothingPasses,
    /// Something isn't reached, and nothing is said of the tunnel.
    NothingReached,
    /// Traffic flows, or can be begun, in one direction only.
    OneWay,
    /// Large packets, transfers or pages stall.
    LargeFails,
    /// Pings and other small packets pass.
    SmallPasses,
    /// It is slow.
    Slow,
    /// It breaks again and again after the same time.
    Periodic,
    /// It breaks now and then, without a rhythm.
    NowAndThen,
    /// It breaks when keys are replaced.
    AtRekey,
    /// It breaks, or must be woken, after a time without traffic.
    AfterIdle,
    /// It doesn't come back after this host restarted.
    AfterRestart,
    /// It is dead since the other gateway restarted or lost its SAs.
    AfterPeerRestart,
    /// It doesn't work on the other node of a cluster.
    AfterFailover,
    /// It came with a new version of something.
    AfterUpgrade,
    /// It only comes up when a certain side begins.
    OneSideBegins,
    /// Of several networks only some are reached.
    SomeNetworks,
    /// A second client takes the first one's place.
    SecondClientKicks,
    /// The gateway itself reaches the far network, and hosts behind it don't.
    GatewayOnly,
    /// The host can't be reached any more since the tunnel was set up.
    AccessLost,
    /// Traffic goes unencrypted.
    InClear,
    /// It works over another access network.
    OtherAccessWorks,
    /// All tunnels fell together.
    AllTunnels,
    /// It works once offload to hardware is off.
    WorksWithoutOffload,
    /// It works once SELinux or AppArmor is off.
    WorksWithoutConfinement,
    /// It works once perfect forward secrecy is off.
    WorksWithoutPfs,
    /// The versions before this one don't do it, with the same configuration.
    WorksInOlderVersions,
    /// It works once ESP is forced into UDP.
    WorksInUdp,
    /// The daemon crashes.
    Crashes,
    /// It works once a route was added by hand.
    WorksWithRoute,
    /// It works once a firewall is off.
    WorksWithoutFirewall,
    /// It works once a filter on a gateway of the tunnel is off.
    WorksWithoutGatewayFirewall,
    /// The tunnel's packets were seen to leave with a translated source, or exempting them helped.
    SourceTranslated,
    /// ESP was seen to be dropped or never to arrive.
    EspVanishes,
    /// Only IKE's ports are let in, while the tunnel is up.
    EspNotPermitted,
    /// IKE's ports were found closed, or its packets dropped by a filter.
    IkeFiltered,
    /// The filter for forwarded packets was seen to drop them.
    ForwardFiltered,
    /// The cloud's check of source and destination was found on.
    ForwardingCheckSeen,
    /// Pings with a source address inside are answered, and those without one aren't.
    WorksFromInside,
    /// A route to the far network was found missing.
    RouteMissing,
    /// The kernel counts packets for which it has a policy and no SA.
    StatesMissing,
    /// Smaller TCP segments helped.
    DiagnosedMtu,
    /// Hosts behind the gateway reach the far network, and the gateway itself doesn't.
    OnlyBehindWorks,
    /// Nothing of what this side sends was seen to arrive at the other gateway.
    PeerHearsNothing,
    /// The other gateway was seen to answer, and its answers don't arrive.
    AnswersVanish,
    /// IKE was seen to leave with another source address than the configured one.
    IkeSourceDiffers,
    /// Of several networks the one that was set up last is reached, and it alone.
    LastNetworkWins,
    /// Both networks were found to have the same addresses.
    SameNetworks,
    /// An end moved to another address or port, and what goes to it was seen to go on to the old one.
    OldAddressKept,
    /// Both gateways are behind a NAT.
    BothBehindNat,
    /// It works again once the tunnel, or a gateway, is restarted.
    RestartHelps,
    /// The network card puts all ESP in UDP on one queue, whatever it is told, and other packets on many.
    OneQueue,
    /// A gateway was seen to call itself by its private address, and the other one to expect something else.
    PrivateIdentity,
    /// The identity in phase 1 was seen to be refused.
    IdentityRefused,
    /// The route to the server itself was seen to lead into the tunnel.
    ServerBehindTunnel,
    /// The host itself, or all that it says, was cut off once the tunnel was there.
    CutOff,
    /// What the gateway itself sends into the tunnel has no answer.
    GatewayFails,
    /// It works once the daemon installs no policies for a tunnel that has an interface.
    WorksWithoutPolicies,
    /// A source was translated into the tunnel's own network, and the packet was seen to leave beside the tunnel.
    TranslatedBeside,
    /// One processor was seen full with the tunnel's packets while the others rest.
    OneCoreBusy,
    /// It ends with a lifetime, and rekeying is switched off.
    EndsWithoutRekey,
    /// A client of Windows disconnects after five minutes without traffic.
    WindowsIdle,
    /// What the gateway passes on to a machine beside it was seen to leave, and not to arrive there.
    ForwardedVanishes,
    /// The same of answers to what that machine asked.
    AnswersForwardedVanish,
    /// SAs were seen between networks that are far apart, with an end at a private address.
    PrivateTarget,
    /// A NAT gave an end another address or port, and the other end was seen to keep to the old one.
    NatMoved,
    /// No symptom: all is well, and the question is another one.
    AllWell,
    /// It doesn't work, and no more is said.
    Fails,
}

impl Complaint {
    /// Every one, in the order of the list above.
    pub const ALL: [Complaint; 68] = [
        Complaint::NeverConnects,
        Complaint::NothingPasses,
        Complaint::NothingReached,
        Complaint::OneWay,
        Complaint::LargeFails,
        Complaint::SmallPasses,
        Complaint::Slow,
        Complaint::Periodic,
        Complaint::NowAndThen,
        Complaint::AtRekey,
        Complaint::AfterIdle,
        Complaint::AfterRestart,
        Complaint::AfterPeerRestart,
        Complaint::AfterFailover,
        Complaint::AfterUpgrade,
        Complaint::OneSideBegins,
        Complaint::SomeNetworks,
        Complaint::SecondClientKicks,
        Complaint::GatewayOnly,
        Complaint::AccessLost,
        Complaint::InClear,
        Complaint::OtherAccessWorks,
        Complaint::AllTunnels,
        Complaint::WorksWithoutOffload,
        Complaint::WorksWithoutConfinement,
        Complaint::WorksWithoutPfs,
        Complaint::WorksInOlderVersions,
        Complaint::WorksInUdp,
        Complaint::Crashes,
        Complaint::WorksWithRoute,
        Complaint::WorksWithoutFirewall,
        Complaint::WorksWithoutGatewayFirewall,
        Complaint::SourceTranslated,
        Complaint::EspVanishes,
        Complaint::EspNotPermitted,
        Complaint::IkeFiltered,
        Complaint::ForwardFiltered,
        Complaint::ForwardingCheckSeen,
        Complaint::WorksFromInside,
        Complaint::RouteMissing,
        Complaint::StatesMissing,
        Complaint::DiagnosedMtu,
        Complaint::OnlyBehindWorks,
        Complaint::PeerHearsNothing,
        Complaint::AnswersVanish,
        Complaint::IkeSourceDiffers,
        Complaint::LastNetworkWins,
        Complaint::SameNetworks,
        Complaint::OldAddressKept,
        Complaint::BothBehindNat,
        Complaint::RestartHelps,
        Complaint::OneQueue,
        Complaint::PrivateIdentity,
        Complaint::IdentityRefused,
        Complaint::ServerBehindTunnel,
        Complaint::CutOff,
        Complaint::GatewayFails,
        Complaint::WorksWithoutPolicies,
        Complaint::TranslatedBeside,
        Complaint::OneCoreBusy,
        Complaint::EndsWithoutRekey,
        Complaint::WindowsIdle,
        Complaint::ForwardedVanishes,
        Complaint::AnswersForwardedVanish,
        Complaint::PrivateTarget,
        Complaint::NatMoved,
        Complaint::AllWell,
        Complaint::Fails,
    ];

    /// Whether something is wrong at all, and not merely how things are.
    #[must_use]
    pub fn is_trouble(self) -> bool {
        !matches!(
            self,
            Complaint::SmallPasses | Complaint::BothBehindNat | Complaint::AllWell
        )
    }

    /// Whether it tells what somebody saw of the cause, and not only of its effect.
    #[must_use]
    pub fn is_seen(self) -> bool {
        matches!(
            self,
            Complaint::WorksWithoutFirewall
                | Complaint::WorksWithoutOffload
                | Complaint::WorksInOlderVersions
                | Complaint::SourceTranslated
                | Complaint::EspVanishes
                | Complaint::EspNotPermitted
                | Complaint::IkeFiltered
                | Complaint::ForwardFiltered
                | Complaint::ForwardingCheckSeen
                | Complaint::WorksFromInside
                | Complaint::RouteMissing
                | Complaint::StatesMissing
                | Complaint::DiagnosedMtu
                | Complaint::OnlyBehindWorks
                | Complaint::PeerHearsNothing
                | Complaint::AnswersVanish
                | Complaint::IkeSourceDiffers
                | Complaint::LastNetworkWins
                | Complaint::SameNetworks
                | Complaint::OldAddressKept
                | Complaint::OneQueue
                | Complaint::PrivateIdentity
                | Complaint::IdentityRefused
                | Complaint::ServerBehindTunnel
                | Complaint::WorksWithoutPolicies
                | Complaint::TranslatedBeside
                | Complaint::OneCoreBusy
                | Complaint::EndsWithoutRekey
                | Complaint::WindowsIdle
                | Complaint::ForwardedVanishes
                | Complaint::AnswersForwardedVanish
                | Complaint::PrivateTarget
                | Complaint::NatMoved
        )
    }

    /// The symptom in words, as a part of a sentence.
    #[must_use]
    pub fn said(self) -> &'static str {
        match self {
            Complaint::NeverConnects => "that it can't be connected",
            Complaint::NothingPasses => "that the tunnel is up and nothing passes",
            Complaint::NothingReached => "that something isn't reached",
            Complaint::OneWay => "that traffic flows one way only",
            Complaint::LargeFails => "that large packets or transfers stall",
            Complaint::SmallPasses => "that small packets pass",
            Complaint::Slow => "that it is slow",
            Complaint::Periodic => "that it breaks again and again after the same time",
            Complaint::NowAndThen => "that it breaks now and then",
            Complaint::AtRekey => "that it breaks when keys are replaced",
            Complaint::AfterIdle => "that it breaks after a time without traffic",
            Complaint::AfterRestart => "that it doesn't come back after a restart",
            Complaint::AfterPeerRestart => "that it is dead since the other gateway restarted",
            Complaint::AfterFailover => "that it broke with a failover",
            Complaint::AfterUpgrade => "that it broke with an upgrade",
            Complaint::OneSideBegins => "that it only comes up when a certain side begins",
            Complaint::SomeNetworks => "that only some of the networks are reached",
            Complaint::SecondClientKicks => "that a second client takes the first one's place",
            Complaint::GatewayOnly => "that only the gateway itself reaches the other network",
            Complaint::AccessLost => "that the host itself can't be reached any more",
            Complaint::InClear => "that traffic goes unencrypted",
            Complaint::OtherAccessWorks => "that it works over another access network",
            Complaint::AllTunnels => "that all tunnels fell together",
            Complaint::Fails => "that it doesn't work",
            Complaint::AllWell => "that all is well",
            Complaint::SourceTranslated => {
                "that packets for the tunnel leave with a translated source"
            }
            Complaint::EspVanishes => "that ESP is dropped on its way",
            Complaint::EspNotPermitted => "that only IKE's ports are permitted",
            Complaint::IkeFiltered => "that a filter drops IKE",
            Complaint::ForwardFiltered => "that the filter for forwarded packets drops them",
            Complaint::ForwardingCheckSeen => {
                "that the cloud's check of source and destination is on"
            }
            Complaint::WorksFromInside => {
                "that pings with an inside source are answered and others aren't"
            }
            Complaint::RouteMissing => "that a route to the far network is missing",
            Complaint::StatesMissing => "that the kernel has a policy and no SA for the packets",
            Complaint::DiagnosedMtu => "that smaller TCP segments help",
            Complaint::OnlyBehindWorks => {
                "that hosts behind the gateway reach the far network and the gateway itself doesn't"
            }
            Complaint::PeerHearsNothing => "that nothing arrives at the other gateway",
            Complaint::AnswersVanish => "that the other gateway's answers don't arrive",
            Complaint::IkeSourceDiffers => {
                "that IKE leaves with another source address than the configured one"
            }
            Complaint::LastNetworkWins => {
                "that of several networks only the one set up last is reached"
            }
            Complaint::SameNetworks => "that both networks have the same addresses",
            Complaint::OldAddressKept => {
                "that what goes to an end that moved goes on to its old address or port"
            }
            Complaint::BothBehindNat => "that both gateways are behind a NAT",
            Complaint::RestartHelps => "that a restart helps",
            Complaint::OneQueue => {
                "that the network card puts all ESP in UDP on one queue, and other packets on many"
            }
            Complaint::PrivateIdentity => {
                "that a gateway calls itself by its private address, which the other one doesn't expect"
            }
            Complaint::IdentityRefused => "that the identity in phase 1 is refused",
            Complaint::OneCoreBusy => "that one processor has all the work and the others rest",
            Complaint::EndsWithoutRekey => {
                "that it ends with its lifetime while rekeying is switched off"
            }
            Complaint::WindowsIdle => {
                "that a client of Windows disconnects after five minutes without traffic"
            }
            Complaint::ForwardedVanishes => {
                "that what the gateway passes on to a machine beside it leaves and doesn't arrive"
            }
            Complaint::AnswersForwardedVanish => {
                "that answers which the gateway passes on to a machine beside it leave and don't arrive"
            }
            Complaint::PrivateTarget => "that the SAs lead to a private address of another network",
            Complaint::NatMoved => {
                "that a NAT gave an end another address or port, and the other end keeps to the old one"
            }
            Complaint::ServerBehindTunnel => "that the route to the server leads into the tunnel",
            Complaint::CutOff => "that the host is cut off once the tunnel is there",
            Complaint::GatewayFails => "that what the gateway itself sends has no answer",
            Complaint::WorksWithoutPolicies => "that it works without the tunnel's policies",
            Complaint::TranslatedBeside => {
                "that packets get a source of the tunnel's and leave beside it"
            }
            Complaint::WorksWithoutOffload => "that it works without offload to hardware",
            Complaint::WorksWithoutConfinement => "that it works without SELinux or AppArmor",
            Complaint::WorksWithoutPfs => "that it works without perfect forward secrecy",
            Complaint::WorksInOlderVersions => "that older versions don't do it",
            Complaint::WorksInUdp => "that it works once ESP is forced into UDP",
            Complaint::Crashes => "that the daemon crashes",
            Complaint::WorksWithRoute => "that it works once a route is added by hand",
            Complaint::WorksWithoutFirewall => "that it works without the firewall",
            Complaint::WorksWithoutGatewayFirewall => {
                "that it works without the firewall of a gateway"
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Complaint;

    #[test]
    fn all_of_them_are_in_the_list() {
        for (at, complaint) in Complaint::ALL.into_iter().enumerate() {
            assert_eq!(complaint as usize, at, "{complaint:?}");
        }
        assert_eq!(Complaint::ALL.len(), Complaint::Fails as usize + 1);
    }
}
