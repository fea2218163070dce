//! Which signs are states that stand until somebody changes them, and which are events that pass.

use super::Sign;

impl Sign {
    /// Whether it is a state that lasts until somebody changes it. What isn't is over once the tunnel has come up
    /// after it.
    #[must_use]
    pub fn lasts(self) -> bool {
        matches!(
            self,
            Sign::ForwardingOff
                | Sign::ConfigLineMissing
                | Sign::ChildrenRatedAlike
                | Sign::LeasedAddressNotFound
                | Sign::FilterTableMissing
                | Sign::ReversePathFilterOn
                | Sign::NatTraversalOff
                | Sign::ClientsShareNat
                | Sign::TransportSharesAddress
                | Sign::ClockUnsynchronised
                | Sign::RekeyOff
                | Sign::MakeBeforeBreak
                | Sign::ServiceDisabled
                | Sign::ConfigPending
                | Sign::ConfigVolatile
                | Sign::DeathDetectionOff
                | Sign::ReversePathDrops
                | Sign::MartianSource
                | Sign::StoppedBehindTunnel
                | Sign::RedirectsOn
                | Sign::RedirectSent
                | Sign::InterfacePolicyChecked
                | Sign::KernelDrops
                | Sign::KernelRelease
                | Sign::ForeignPolicy
                | Sign::TruncationShort
                | Sign::TruncationFull
                | Sign::EspIntegrityFailed
                | Sign::EspReplayed
                | Sign::InnerOutsideSelectors
                | Sign::OutsideSelectors
                | Sign::InboundPolicyRefused
                | Sign::IpsecDropped
                | Sign::NoAddressInSelector
                | Sign::RouteNotInstalled
                | Sign::RecursiveRouting
                | Sign::OwnTrafficCaught
                | Sign::NetworksOverlap
                | Sign::RouteTableEmpty
                | Sign::NextHopMissing
                | Sign::NextHopIsNoPeer
                | Sign::NeighbourDown
                | Sign::NeighbourDiffers
                | Sign::TunnelWithoutRoutes
                | Sign::ForwardingCheckOn
                | Sign::RouteBlackhole
                | Sign::PropagationOff
                | Sign::FragmentationNeeded
                | Sign::IkeNeverArrives
                | Sign::IcmpDropped
                | Sign::InspectionDropped
                | Sign::MssClamped
                | Sign::SynMss
                | Sign::QueuesSorted
                | Sign::ClassesDiffer
                | Sign::OffloadOn
                | Sign::ReassemblyFailed
                | Sign::LimitReached
                | Sign::PacketsLogged
                | Sign::CoreBusy
                | Sign::SlowCipher
                | Sign::AllCoresBusy
                | Sign::PlaneFull
                | Sign::ClearTrafficArrived
                | Sign::ClearOnFailure
                | Sign::BypassInstalled
                | Sign::TestSettingOn
                | Sign::HostLeftOut
                | Sign::DefaultOverridden
                | Sign::PortNotPermitted
                | Sign::UdpDropped
                | Sign::ServiceRefused
                | Sign::EspDropped
                | Sign::EspNotPermitted
                | Sign::ForwardDropped
                | Sign::ZoneDenied
                | Sign::InterfaceDenied
                | Sign::FragmentDropped
                | Sign::SpoofDropped
                | Sign::AnswerOutOfState
                | Sign::FlowUnanswered
                | Sign::LeavesOtherwise
                | Sign::IdentityListed
                | Sign::WalkEnds
                | Sign::TraceEnds
                | Sign::NatKeepaliveOff
                | Sign::TunnelTranslated
                | Sign::Masquerading
                | Sign::TunnelExempt
                | Sign::NatAsymmetric
                | Sign::ChildProposalsShown
                | Sign::IkeTranslated
                | Sign::SourceUnspecified
                | Sign::EspReadAsIke
                | Sign::ProposalListBroken
                | Sign::AddressDuplicate
                | Sign::ReplacedSends
                | Sign::NothingCame
                | Sign::SomethingCame
                | Sign::NodeStandby
                | Sign::TransitionHookOld
                | Sign::OverlayInClear
                | Sign::OverlayBlocked
                | Sign::LifetimeShort
        )
    }
}
