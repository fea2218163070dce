//! What a line of somebody's log, status or listing means, whatever its wording.
//!
//! Exchanges are told as [`crate::event::Happening`]s. A sign is everything else that a product says about itself, its
//! host or its peer: a file it couldn't load, a policy the kernel refused, a switch that a checking tool reports. Many
//! products say the same thing in many wordings; each becomes the same sign, so that a rule knows no wording.

mod lasts;

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
    /// A router or the neighbour look-up reports that the address can't be reached. `address`, `by`.
    HostUnreachable,
    /// Neither end of a connection is an address of this host, or one that it was told to use isn't. `address`, `other`;
    /// `checked` when the host's addresses were looked at just now.
    LocalAddressMissing,
    /// The host sends again, from an address of its own. `address`.
    LocalAddressBack,
    /// An address was looked for on this host and isn't on it; which end of the tunnel it is isn't said. `address`.
    AddressNotHere,
    /// A daemon found no address to listen on but loopback and link-local ones. `addresses`.
    ListensInsideOnly,
    /// The address that the peer leased us was put on an interface, and the daemon doesn't find it there. `address`.
    LeasedAddressNotFound,
    /// An interface lost its link. `interface`.
    LinkDown,
    /// The first message wasn't answered, and no more is said. `peer`.
    FirstMessageUnanswered,
    /// Setting up ended by time, at a step that isn't told. `peer`.
    NegotiationTimedOut,
    /// A set-up failed, and the program doesn't say why or at which step.
    NegotiationFailed,
    /// The peer answered the first message and not a later one. `peer`.
    LaterMessageUnanswered,
    /// We answered the peer's first message, and its next one didn't come while the log went on. `seconds`.
    PeerDidNotGoOn,
    /// A capture saw no packet of what it was asked for. `interface`, `host`.
    NothingCaptured,

    // ── route ──
    /// A route of the tunnel couldn't be installed because it is in use or conflicts. `route`.
    RouteConflict,
    /// A route of the tunnel couldn't be put into the kernel. `route`, `errno`.
    RouteNotInstalled,
    /// This host has no address in its own selectors, so that its own traffic has no route into the tunnel. `selector`.
    NoAddressInSelector,
    /// A tunnel's packets to its own end are routed into the tunnel. `interface`.
    RecursiveRouting,
    /// A policy catches the host's traffic to itself or to its neighbours. `source`, `destination`.
    OwnTrafficCaught,
    /// The peer can't be reached any more since routes changed. `peer`.
    RouteToPeerLost,
    /// A table of routes was asked for and is empty. `table`.
    RouteTableEmpty,
    /// A gateway has no route for a packet. `source`, `destination`.
    NextHopMissing,
    /// A packet entered a tunnel interface of several peers, and its next hop is no peer's inside address. `interface`.
    NextHopIsNoPeer,
    /// Networks overlap. `network`, `other`.
    NetworksOverlap,
    /// A routing neighbour through the tunnel isn't reached. `neighbour`, `state`.
    NeighbourDown,
    /// A routing neighbour has another AS number, address or router id than is configured. `neighbour`, `problem`.
    NeighbourDiffers,
    /// A cloud's tunnel is up and no routes came over it.
    TunnelWithoutRoutes,
    /// The cloud drops what a host forwards (source/destination check). `host`.
    ForwardingCheckOn,
    /// A route of a cloud's table leads nowhere any more. `network`, `target`.
    RouteBlackhole,
    /// A route table doesn't take over the routes of the VPN gateway. `table`.
    PropagationOff,

    // ── firewall ──
    /// Sending to the peer is forbidden by a filter of this host. `address`.
    SendForbidden,
    /// A test from this host was forbidden by a filter of this host itself.
    TestForbidden,
    /// A filter on the way said by ICMP that it rejects. `address`, `port`, `by`.
    RejectedOnTheWay,
    /// Nobody takes packets at a port, said the host by ICMP. `address`, `port`, `by`.
    PortRefused,
    /// A filter drops UDP to the host that it protects. `port`, `source`, `rule`.
    UdpDropped,
    /// A filter lets through only what is listed, and a port of IKE isn't. `port`, `rule`; `answers` when it lets in
    /// what answers the host's own packets, `of` when it is the gateway's list of its own services.
    PortNotPermitted,
    /// The service filter of a gateway drops what is sent to the gateway itself. `port`, `source`, `destination`,
    /// `protocol`, `rule`.
    ServiceRefused,
    /// A filter drops ESP. `source`, `rule`.
    EspDropped,
    /// A filter lets through only what is listed: IKE is, and ESP isn't. `keys` is `swarm` where the list is of a node of
    /// Docker Swarm, whose overlays have ESP and no IKE.
    EspNotPermitted,
    /// A filter drops what is forwarded. `source`, `destination`, `rule`; `inside` when both are known to be a tunnel's.
    ForwardDropped,
    /// The filter for forwarded packets drops what no rule takes, and none of its rules lets a tunnel's packets through.
    /// `count`: how many it dropped.
    ForwardClosed,
    /// No policy between zones lets a packet through. `source`, `destination`, `rule`.
    ZoneDenied,
    /// A filter at a tunnel interface or an outside interface drops. `interface`, `direction`, `rule`.
    InterfaceDenied,
    /// A host or a filter drops IP fragments. `source`; `path` when it is somebody on the way, and `octets`, of the packets
    /// inside the tunnel that were lost.
    FragmentDropped,
    /// A source address was taken for forged. `source`, `destination`, `interface`.
    SpoofDropped,
    /// A filter drops the second packet of a TCP connection whose first one it never saw. `source`, `destination`, `device`.
    AnswerOutOfState,
    /// A message of IKE arrived that no IKE daemon sends. `peer`.
    MangledIke,
    /// Nothing arrives at a port of IKE, though a filter counts there or somebody looks. `port`.
    IkeNeverArrives,
    /// A filter drops ICMP, and with it what tells that a packet is too large. `rule`, `source`.
    IcmpDropped,
    /// An inspection that looks into packets stopped IKE or ESP, or calls it an attack. `rule`.
    InspectionDropped,
    /// A traceroute through the tunnel isn't answered any more after a hop. `at`, `destination`.
    TraceEnds,
    /// A filter's memory of an IKE flow has seen no answer. `source`, `destination`, `port`.
    FlowUnanswered,
    /// A host's packets leave by another `interface`, translated to `source`, than those of the same sender for an `other`
    /// host beside it, which leave `by` their own. `destination`.
    LeavesOtherwise,
    /// Of a packet that was logged at each interface, a step is missing: `at` is the last one that it took: `arrived`,
    /// `left` (to the inside), `answer` (came from the inside). `source`, `destination`.
    WalkEnds,

    // ── nat ──
    /// The daemon runs without NAT traversal.
    NatTraversalOff,
    /// A NAT that knows IPsec keeps the port of IKE.
    NatPassthrough,
    /// The peer's address or port behind its NAT changed. `from`, `to`.
    NatMappingChanged,
    /// The peer's address or port behind its NAT changed, and the change can't be followed.
    NatMappingNotFollowed,
    /// No keepalives are sent to keep a NAT's mapping.
    NatKeepaliveOff,
    /// Somebody says that several clients share a NAT.
    ClientsShareNat,
    /// Peers of different identities are up from one address, each with an SA in transport mode for the same packets.
    /// `peer` is the address, `networks` what the SAs are for as far as it is shown.
    TransportSharesAddress,
    /// Transport mode isn't possible because of a NAT.
    TransportRefusedByNat,
    /// Packets are translated on their way out before IPsec sees them. `rule`.
    TunnelTranslated,
    /// Packets that leave are translated; whether those of the tunnel are exempt isn't shown. `rule`.
    Masquerading,
    /// Packets of the tunnel are exempt from translation. `rule`.
    TunnelExempt,
    /// A packet's way back would be translated otherwise than its way here. `source`, `destination`.
    NatAsymmetric,
    /// The gateway's own IKE packets are translated. `rule`.
    IkeTranslated,
    /// What a message of IKE tells of its address is wrong: there was none yet, `to`; or it is to force UDP, `forced`.
    SourceUnspecified,
    /// What isn't IKE came to IKE's own port from the peer, and was read as IKE: ESP in UDP, mostly. `version`, `peer`.
    EspReadAsIke,

    // ── ike-sa-init ──
    /// Requests are ignored because too many IKE SAs are half open. `peer`, `limit`.
    HalfOpenLimit,
    /// A message of an IKE version that isn't spoken or allowed here was refused or ignored. `version`, `peer`.
    IkeVersionRefused,
    /// None of the peer's proposals for the IKE SA (phase 1) is acceptable. `offered`, `configured`.
    IkeProposalsRefused,
    /// One of the offers for the IKE SA (phase 1) was taken.
    IkeOfferTaken,
    /// One of the peer's offers for the IKE SA (phase 1) isn't one of this side's, in an attribute; another pair may fit.
    /// `ours`, `theirs`.
    IkeOfferDiffers,
    /// The peer says that no proposal of ours is acceptable; in which phase isn't said. `peer`.
    ProposalsRefusedByPeer,
    /// The peer says so in a message without protection: it is about the first exchange. `peer`.
    FirstProposalsRefusedByPeer,
    /// NO_PROPOSAL_CHOSEN is answered in the first exchange; what for isn't said. `peer`.
    FirstExchangeRefused,
    /// The key exchange group is all that isn't acceptable of a proposal. `offered`, `wanted`.
    IkeGroupRefused,
    /// A group is asked for that isn't in the own proposals. `wanted`.
    IkeGroupNotOffered,
    /// The first exchange turns in a circle: groups or cookies are asked for again and again. `rounds`.
    FirstExchangeLoops,
    /// No connection is configured for whom a first message came from. `peer`, `local`.
    NoConnectionForPeer,
    /// The peer began in a mode of IKEv1 (main, aggressive) that isn't configured or allowed here. `mode`.
    ExchangeModeRefused,
    /// The lifetime that the peer proposes isn't accepted. `offered`, `configured`.
    LifetimeRefused,
    /// A cookie came back that is wrong or too old. `peer`.
    CookieRefused,
    /// The daemon or its library lacks an algorithm that is configured or was negotiated. `algorithm`; `of` (any) where it
    /// may be another protocol's.
    AlgorithmUnavailable,
    /// The connection that was taken for the peer doesn't fit it. `connection`, `problem`.
    ConnectionUnsuitable,
    /// No other connection fits the peer either.
    NoOtherConnection,
    /// Requests go to a port of the peer that isn't one of IKE's. `port`.
    IkePortUnusual,
    /// A connection was to be begun that is for any peer, so that it can only answer. `connection`.
    PeerNotNamed,
    /// Somebody told the daemon to begin a connection. `connection`.
    BegunByHand,
    /// Traffic asked for an SA, and nothing serves the request. `reqid`.
    AcquireUnserved,
    /// The kernel has not one policy of IPsec.
    PoliciesAbsent,
    /// The kernel asked an SA for a policy of its own that the daemon doesn't know. `policy`.
    AcquireForForeignPolicy,

    // ── ike-auth ──
    /// Loading secrets ended without any, because a file that was to be included isn't there. `path`.
    SecretsNoneLoaded,
    /// A pre-shared key was looked for and not found. `local`, `remote`.
    PskNotFound,
    /// A message decrypted to nonsense: the keys derived from the pre-shared keys differ (IKEv1).
    DecryptedToNonsense,
    /// The side that compared says that the pre-shared keys differ. `peer`.
    PskDiffers,
    /// A line of secrets isn't understood, or its key isn't what was meant. `path`, `line`, `problem`.
    SecretMalformed,
    /// The peer isn't whom the connection expects. `received`, `expected`.
    PeerIdentityUnexpected,
    /// No connection is configured for the identities of a request. `local`, `remote`; `each` (yes) where the search goes on.
    NoConnectionForIdentity,
    /// A list of networks was typed with masks where bits that don't count are wanted, so that it fits nothing. `mask`.
    MaskForWildcard,
    /// An identity that a peer may have stands in a list of them. `id`, without its type.
    IdentityListed,
    /// The identity that is asked for isn't ours. `received`, `expected`.
    OwnIdentityUnexpected,
    /// The type of the peer's identity isn't the configured one. `received`, `expected`.
    IdentityTypeUnexpected,
    /// The peer authenticates in another way than is wanted. `received`, `expected`.
    AuthMethodUnexpected,
    /// A responder whose first choice of a connection didn't fit the peer goes on with another one.
    NextConnectionTried,
    /// The server asks for an EAP method. `method`.
    EapRequested,
    /// The peer proves who it is with a signature, not with a pre-shared key.
    PeerSigns,
    /// The peer says that authentication failed, and not why. `peer`.
    AuthenticationRefusedByPeer,
    /// A certificate is past its end. `subject`, `until`.
    CertificateExpired,
    /// A certificate isn't valid yet. `subject`, `from`.
    CertificateNotYetValid,
    /// A certificate isn't valid by the verifier's clock: before its begin or past its end. `from`, `until`.
    CertificateOutsideValidity,
    /// The clock of the host is wrong, or jumped. `problem`.
    ClockWrong,
    /// Nothing keeps the clock of the host right.
    ClockUnsynchronised,
    /// No trust anchor for a certificate. `subject`, `issuer`.
    IssuerUnknown,
    /// The peer asks for a certificate of CAs that aren't known here. `count`, `subject`.
    RequestedCaUnknown,
    /// The peer's certificate was looked at, or its proof was right, and nothing more is told of that IKE SA.
    PeerCertificateTried,
    /// No key of the peer is trusted; why its certificate was refused, other lines say. `peer`.
    PeerKeyUntrusted,
    /// A certificate doesn't hold the identity that goes with it. `identity`; `own` when it is the own one that is loaded.
    CertificateNameMismatch,
    /// A certificate is revoked. `subject`, `reason`.
    CertificateRevoked,
    /// A revocation list or an OCSP answer couldn't be fetched, or is too old. `uri`, `problem`.
    RevocationUnavailable,
    /// A certificate was refused because its revocation status isn't known.
    RevocationRequired,
    /// The own private key is missing, can't be read, or isn't the certificate's. `identity`, `path`; `kind` of a
    /// key that wasn't understood.
    PrivateKeyMissing,
    /// Signing with the own key failed; why isn't said. `identity`; `scheme` where the key was there and what it was to
    /// make is named.
    OwnSignatureFailed,
    /// A signature scheme, a hash or a key size isn't accepted. `scheme`.
    SignatureRefused,
    /// A certificate isn't made for this use. `usage`.
    KeyUsageRefused,
    /// The peer sent no certificate, and none of it is configured. `peer`.
    PeerCertificateMissing,
    /// An EAP or XAUTH method failed. `method`, `peer`; `of` when it is the keys that it should have made (`keys`).
    UserAuthenticationFailed,
    /// A user was let in.
    UserLetIn,
    /// The server that checks users doesn't answer. `server`.
    UserServerUnreachable,
    /// Some fragments of an IKE message came, and the message never became whole. `have`, `of`; `cut` when the
    /// evidence ends there.
    IkeFragmentsIncomplete,
    /// A request that proves an identity came again though it was answered. `times`: so often, where one line stands for
    /// several; `of`: how many fragments it has; `octets`:
    /// the size of the answer, in one piece; `port`: the UDP port, where no exchange shows it.
    AuthenticationRepeated,
    /// A message holds payloads that have no place in it, and was dropped. `exchange`, `payloads`.
    MessageUnexpected,
    /// A payload of the peer's isn't in the form that the standard gives it. `payload`, `field`.
    PayloadDefect,
    /// A list of proposals of the peer's isn't numbered, or isn't measured, as the standard has it. `number`, `expected`.
    ProposalListBroken,
    /// The peer repeats the last message of an exchange that is over here, and the daemon doesn't know it for what it is.
    RepetitionNotTaken,
    /// A message that has to be encrypted came in the clear, and was dropped. `payload`.
    MessageInClear,
    /// A message of an IKE SA that was just agreed on fails its integrity check: the two sides' keys differ.
    IkeIntegrityFailed,
    /// A post-quantum pre-shared key was mixed in.
    PpkUsed,
    /// A post-quantum pre-shared key is required and missing on one side. `id`.
    PpkMissing,
    /// No free address is left for a client. `pool`.
    AddressPoolExhausted,

    // ── child ──
    /// The initiator asked for no virtual address where one is required, or the other way round.
    VirtualAddressMissing,
    /// No virtual address was given, or the configuration payload wasn't understood. `peer`.
    VirtualAddressRefused,
    /// The daemon asked a DHCP server for a client's virtual address. `server`; `via` which interface, where none is served.
    LeaseSought,
    /// A DHCP server's answer to that was taken.
    LeaseOffered,
    /// The algorithms for the traffic don't fit: what this side has, and what the peer has. `ours`, `theirs`, `what`.
    EspProposalRefused,
    /// NO_PROPOSAL_CHOSEN is answered to a request for a CHILD SA; what for isn't said. `peer`; `words` is `all` where the
    /// product refuses ciphers, group and networks in the same words.
    ChildRequestRefused,
    /// The other product's list for the second phase is shown, outside of a configuration that can be read. `hashes`, `ciphers`.
    ChildProposalsShown,
    /// The key exchange of a CHILD SA (PFS) differs or is on one side only. `ours`, `theirs`.
    PfsDiffers,
    /// The traffic that one side asked for isn't what the other has. `local`, `remote` (of the side that says it),
    /// `name`.
    TrafficRefused,
    /// Selectors agree in addresses and differ in protocol or port. `ours`, `theirs`.
    SelectorPortDiffers,
    /// An access list or map with another peer's entry was chosen first. `name`.
    PolicyOrderWrong,
    /// A child of a connection was taken for a request that another child fits as well. `name`, `other`.
    ChildrenRatedAlike,
    /// Tunnel mode and transport mode meet. `ours`, `theirs`; `remark` where a side only says why it doesn't use one.
    ModeDiffers,
    /// Extended sequence numbers are wanted by one side only.
    EsnDiffers,
    /// The peer takes no further CHILD SA.
    NoMoreChildren,
    /// One side compresses and the other doesn't.
    CompressionRefused,
    /// Somebody says that the IKE SA (phase 1) comes up.
    FirstPhaseDone,
    /// An SA for the traffic came up, in a log that isn't followed further. `what`.
    SecondPhaseDone,
    /// An SA for the traffic couldn't be set up, and the IKE SA stays or goes for it; the line doesn't say why. `problem`
    /// where a notify is named; `phase` where nobody will say more.
    ChildFailed,
    /// The SA is up for less than is configured. `ours`, `theirs`.
    SelectorsNarrowed,
    /// The interface or the mark that a policy is bound to isn't there or is another. `name`.
    InterfaceIdMissing,
    /// Another connection's policy covers the same traffic. `name`, `other`.
    TrafficOwnedByOther,

    // ── esp-dataplane ──
    /// ESP packets came with an SPI that no SA has. `spi`, `peer`, `count`.
    SpiUnknown,
    /// The peer says that it doesn't know an SPI that was used.
    SpiRefusedByPeer,
    /// The integrity check of ESP packets failed. `spi`, `peer`, `count`; `misaligned` when they are of a length that the
    /// agreed algorithms can't make.
    EspIntegrityFailed,
    /// HMAC-SHA2-256 is cut to 96 bits.
    TruncationShort,
    /// HMAC-SHA2-256 is cut to 128 bits.
    TruncationFull,
    /// ESP packets were dropped as replays. `spi`, `peer`, `count`.
    EspReplayed,
    /// The sequence numbers of an SA are used up. `spi`.
    SequenceExhausted,
    /// A decrypted packet was dropped because no policy takes it. `source`, `destination`, `count`.
    InboundPolicyRefused,
    /// A decrypted packet lies outside of the selectors of its SA. `source`, `destination`, `local`, `remote`.
    InnerOutsideSelectors,
    /// A packet was to be sent by the tunnel and its selectors don't cover it. `source`, `destination`.
    OutsideSelectors,
    /// A policy holds back ICMPv6, and with it the look-up of neighbours. `source`, `destination`.
    NeighbourDiscoveryHeld,
    /// Traffic waits for an SA that is being set up. `reqid`, `source`, `destination`.
    TrafficWaits,
    /// A packet was dropped by IPsec; only the name of what dropped it is told. `by`, `direction`.
    IpsecDropped,

    // ── kernel ──
    /// Forwarding of packets is off. `path`.
    ForwardingOff,
    /// Reverse path filtering is on. `path`.
    ReversePathFilterOn,
    /// A packet that came out of a tunnel went no further, while others were forwarded into it. `source`, `destination`,
    /// `interface`.
    StoppedBehindTunnel,
    /// A packet came in whose source can't be behind that interface. `source`, `to`, `dev`.
    MartianSource,
    /// Packets were dropped by reverse path filtering. `count`.
    ReversePathDrops,
    /// ICMP redirects are sent or followed. `path`.
    RedirectsOn,
    /// A gateway told hosts by ICMP redirect to go round it. `from`, `to`.
    RedirectSent,
    /// The policy check of a route based tunnel's interface is on. `path`.
    InterfacePolicyChecked,
    /// The kernel lacks a protocol, a module or an algorithm. `what`, `errno`; `needs` the release of Linux that has it.
    KernelSupportMissing,
    /// The kernel's part of IPsec isn't loaded; perhaps only because nothing has started it. `what`.
    StackNotLoaded,
    /// The list of loaded modules has none of IPsec's; a kernel may have them built in.
    StackUnlisted,
    /// The kernel has no such table for the packet filter. `table`.
    FilterTableMissing,
    /// A module of the kernel or a type of device couldn't be loaded. `what`, `errno`.
    ModuleMissing,
    /// A daemon reads a file that a tool has made from another one: what is written elsewhere isn't used. `path`.
    GeneratedConfigRead,
    /// The kernel's release, as a program or a listing tells it. `release`.
    KernelRelease,
    /// The kernel answered a request with an error; which request is told by another line. `errno`.
    KernelError,
    /// An SA couldn't be put into the kernel. `what`, `errno`.
    StateNotInstalled,
    /// A policy couldn't be put into the kernel. `policy`, `errno`.
    PolicyNotInstalled,
    /// The kernel refused a policy or an SA because another one has its selector, mark or SPI. `policy`, `owner`.
    PolicyInUse,
    /// A policy of the kernel's IPsec that isn't the tunnel's takes the tunnel's packets: it throws them away, has them pass
    /// in clear, or wants them protected by an SA of its own. `policy`, `blocks` when it throws them away, `allows` when it
    /// has them pass.
    ForeignPolicy,
    /// Cryptography in hardware failed or isn't possible. `device`, `problem`.
    OffloadFailed,
    /// A counter of the kernel's IPsec errors isn't zero. `name`, `count`.
    KernelDrops,

    // ── performance ──
    /// A packet was too big for the path. `mtu`.
    PacketTooBig,
    /// A router or the own stack says by ICMP, or by an error, that a packet doesn't fit. `mtu`, `by`, `port`.
    FragmentationNeeded,
    /// The MSS of TCP is clamped. `rule`.
    MssClamped,
    /// A connection of TCP begins with this MSS. `mss`, `source`, `destination`.
    SynMss,
    /// Packets leave an interface in another order than they came, or are thrown away, by their class. `interface`, `kind`.
    QueuesSorted,
    /// Packets of one SA are marked differently. `spi`.
    ClassesDiffer,
    /// The network card does part of IPsec. `feature`.
    OffloadOn,
    /// Fragments couldn't be put together. `count`.
    ReassemblyFailed,
    /// A limit of the line or of the cloud was reached. `what`, `count`.
    LimitReached,
    /// A user-space reader prints each packet that it lets pass. `rule`, `count`.
    PacketsLogged,
    /// Traffic is encrypted with a cipher that is slow on today's processors. `algorithm`.
    SlowCipher,
    /// One processor is busy. `cpu`, `percent`, `what`; `of` when it is with programs.
    CoreBusy,
    /// Every processor is busy. `percent`.
    AllCoresBusy,
    /// The threads that carry a tunnel's packets have had no time left for a while. `seconds`, `busy` and `waits` (of the
    /// fullest one's time, in per cent: at work or waiting for a processor, and waiting alone), `full` threads of
    /// `threads`, which number is `configured` or not, `allowed` processors of `processors`, `lost` packets that nobody had
    /// time for beside `packets` that were carried, `throttled` (of the time, in per cent: by a quota), `cipher`, and of its
    /// cost `share` (of the threads' time, in per cent), `ns` and `faster_ns` (for a packet, and with `faster`).
    PlaneFull,

    // ── rekey ──
    /// Replacing an SA failed. `what`.
    RekeyFailed,
    /// The peer refused to replace an SA. `what`, `problem`; `then` when the IKE SA is set up anew instead.
    RekeyRefused,
    /// The traffic of the SA that replaces another isn't the same as the other's.
    TrafficChanged,
    /// The request to replace an SA wasn't answered. `what`.
    RekeyUnanswered,
    /// Both sides replaced an SA at the same time. `what`.
    RekeyCollision,
    /// An SA reached the end of its life. `what`; `idle` (maybe) where it is also said of one that carried nothing.
    SaExpired,
    /// SAs aren't replaced on this side: they expire. `name`.
    RekeyOff,
    /// The IKE SA is set up anew instead of being rekeyed. `name`.
    Reauthenticating,
    /// A new IKE SA is made before the old one is deleted.
    MakeBeforeBreak,
    /// Authenticating again failed, or the side that should couldn't. `name`.
    ReauthenticationFailed,
    /// The peer must authenticate again within a time that it was told, and didn't. `name`, `seconds`.
    ReauthenticationMissed,
    /// A delete names an SA that isn't known here. `spi`.
    DeleteForUnknown,
    /// Lifetimes differ. `ours`, `theirs`.
    LifetimeDiffers,
    /// Lifetimes in octets or packets end SAs. `name`.
    VolumeLimit,
    /// An IKE SA that was replaced waits for its end. `seconds`.
    ReplacedIkeSaLives,

    // ── lifecycle ──
    /// The IKE daemon doesn't run, or nothing answers at its control socket.
    DaemonNotRunning,
    /// The command that starts or asks the daemon wasn't understood. `command`.
    ControlCommandUnknown,
    /// The daemon crashed or aborted by itself, or the kernel under it did. `problem`, `part`.
    DaemonCrashed,
    /// The daemon was killed from outside, such as for want of memory. `problem`.
    DaemonKilled,
    /// The daemon is started over and over. `problem`.
    DaemonRestarts,
    /// The service isn't started at boot. `name`.
    ServiceDisabled,
    /// A connection that was asked for isn't loaded. `name`.
    ConnectionNotLoaded,
    /// The daemon listed no connection, and then the configuration was loaded by hand.
    NothingLoaded,
    /// The daemon runs and lists not one connection.
    NoConnections,
    /// A connection couldn't be loaded. `name`, `problem`.
    ConnectionLoadFailed,
    /// What runs isn't what is configured: uncommitted, unsaved or unloaded changes. `name`.
    ConfigPending,
    /// Configuration is lost when the host restarts. `path`.
    ConfigVolatile,
    /// The peer is declared dead. `peer`.
    PeerDeclaredDead,
    /// After the peer's death the tunnel is cleared or held and nobody sets it up again. `name`.
    DeathEndsTunnel,
    /// The peer doesn't do dead peer detection. `peer`.
    DeathUndetectable,
    /// Dead peer detection is off. `name`.
    DeathDetectionOff,
    /// A tunnel was closed for want of traffic. `name`, `seconds`.
    IdleClosed,
    /// A monitor that sends through the tunnel declares it down. `name`, `target`.
    MonitorDown,
    /// Not one of a monitor's packets through the tunnel was answered. `sent`.
    MonitorUnanswered,
    /// An older SA of the same identity was removed for a new one. `peer`; `of` when it was taken for a peer that
    /// authenticates again (`reauthentication`).
    DuplicateRemoved,
    /// Nothing had come through the SA for traffic that the peer deleted, on which we had sent. `child`.
    NothingCame,
    /// Something had come through the SA for traffic that the peer deleted. `child`.
    SomethingCame,
    /// The peer restarted and said so; its old SAs were removed. `peer`.
    PeerRestarted,
    /// A packet of an SA that isn't known here: the peer still uses one from before. `peer`.
    SaForgotten,
    /// The peer deleted its SA. `what`; `child` when it was one that carries traffic.
    PeerDeleted,
    /// An SA that carries traffic ended within seconds after it had come up.
    ChildShortLived,
    /// An address of the tunnel's ends changed. `from`, `to`.
    AddressChanged,
    /// The provider replaces an end of the tunnel. `told` when that is `past`, `ahead` or `denied`.
    EndpointReplaced,
    /// Stopping the service cuts the network that the stop needs.
    StopCutsNetwork,
    /// Traffic passes in clear until the service runs.
    ClearUntilStarted,

    // ── config ──
    /// A configuration file doesn't parse. `path`, `line`, `problem`.
    ConfigSyntax,
    /// A configuration or a file that it names couldn't be read. `path`, `problem`; `kind` of a certificate that wasn't
    /// understood.
    ConfigUnreadable,
    /// A keyword isn't known. `keyword`, `path`, `line`.
    ConfigKeywordUnknown,
    /// A value isn't allowed for its keyword. `keyword`, `value`, `path`, `line`.
    ConfigValueInvalid,
    /// A connection or another part of the configuration was refused when it was loaded. `name`, `problem`.
    ConnectionRejected,
    /// The same connection, child or policy is there twice. `name`, `other`; `reqid` when they share a request id.
    ConnectionDuplicate,
    /// A plugin couldn't be loaded. `plugin`, `problem`; `thread` when a daemon says so.
    PluginMissing,
    /// The daemon lacks what it can't do without, because a plugin isn't there. `feature`, `needs`.
    FeatureMissing,
    /// What the configuration asks for is in no loaded plugin. `feature`; `listed` where a list of the plugins shows it and
    /// nothing asks for it yet.
    FeatureNotLoaded,
    /// A command line of a configuration wasn't taken. `command`; `algorithm` where what wasn't taken is a proposal
    /// that is spelt as the product spells them.
    CommandNotTaken,
    /// Of two versions of a configuration that somebody compares, one lacks a line, and nothing stands in its place.
    /// `setting`.
    ConfigLineMissing,
    /// A template or a deployment's input couldn't be made into a configuration. `problem`.
    TemplateBroken,
    /// The value of a setting that may be given for all peers and for one. `setting`.
    DefaultOverridden,
    /// Packets came in clear that should have been protected. `source`, `destination`.
    ClearTrafficArrived,
    /// Traffic is let through in clear while there is no SA. `name`.
    ClearOnFailure,
    /// A policy exempts from protection what a tunnel should carry. `policy`, `tunnel`.
    BypassInstalled,
    /// A switch for tests is on, or a rule for tests is there. `what`.
    TestSettingOn,
    /// A host sends in clear to one that takes protected packets only, or isn't on the list of those that use IPsec.
    /// `host`.
    HostLeftOut,
    /// A difference between vendors is named as what breaks. `what`.
    VendorDiffers,

    // ── host ──
    /// The IKE ports are held by somebody else. `port`.
    PortInUse,
    /// No socket for IKE could be opened; why, other lines say.
    SocketsMissing,
    /// A checking tool finds nobody listening on the IKE port. Some look where newer systems don't show it.
    NotListening,
    /// Something was denied to the daemon: capability, AppArmor, SELinux, file rights. `path`, `operation`; `by` is `user`
    /// where a user typed a command without having the rights for it.
    Denied,
    /// The kernel's table of connections is full.
    ConntrackFull,
    /// A script that is run when a tunnel goes up or down failed. `command`, `problem`.
    UpdownFailed,
    /// A program of this host that runs scripts spoke, and at once the daemon was told to close an SA. `by`.
    ClosedByScript,
    /// A file system is full. `path`; `of` is `tunnels` where a daemon of theirs says so, or of one of their files.
    DiskFull,
    /// Names or DNS servers that the tunnel brings couldn't be set on this host. `server`, `problem`.
    ResolverNotSet,
    /// A setting that the gateway gave for inside the tunnel (a name server) couldn't be put to use here. `attribute`.
    AttributeNotTaken,
    /// A cluster of applications lost members while tunnels are well. `what`.
    ApplicationSplit,
    /// An inner contradiction that the daemon survived. `problem`.
    ContradictionSurvived,
    /// A daemon keeps a processor busy by itself, and has done so for long. `program`, `time`.
    DaemonSpins,
    /// ESP in UDP reached the daemon instead of the kernel. `peer`.
    EspReachedDaemon,

    // ── ha ──
    /// The two nodes of a cluster are both active, or their states differ.
    ClusterSplit,
    /// Two hosts use one address. `address`; `of` a lease when it is one inside the tunnel, of the users `one` and `other`.
    AddressDuplicate,
    /// IKE SAs of one identity take turns, and the senders of those that were replaced go on. `count` packets on CHILD SAs
    /// of `replaced` ones, in `seconds`; `turns` IKE SAs in all. `began` is `us` where it isn't the peer that replaced them,
    /// so that it may not know of it.
    ReplacedSends,
    /// This node isn't the one that has the shared address. `name`.
    NodeStandby,
    /// This node took over. `name`.
    NodeTookOver,
    /// The hook that a change of node runs isn't the one that knows IPsec. `name`.
    TransitionHookOld,
    /// Counters of SAs that were taken over are behind. `name`.
    SequenceBehind,
    /// A neighbour still had the hardware address of the other node. `address`.
    NeighbourMoved,
    /// SAs were taken down because somebody changed or removed the configuration of their tunnel.
    TakenForChange,
    /// Somebody restarted every tunnel at once. `command`; `script`: the program that did it by itself; `watches`: `other`,
    /// where it did so for something that isn't the tunnel.
    AllTunnelsRestarted,

    // ── overlay ──
    /// Traffic of an overlay network passes outside the tunnel. `port`.
    OverlayInClear,
    /// A filter stopped traffic of an overlay network in clear. `port`.
    OverlayBlocked,
    /// Lifetimes are set so short that negotiation never rests. `name`, `seconds`.
    LifetimeShort,
}
