//! The things of a tunnel that people change, by the names that they give them.

use adit_model::culprit::Culprit;

/// What has to be done to a thing for it to have been at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Done {
    /// It was changed, corrected, or used instead.
    Changed,
    /// It was corrected or entered anew; that it is used says nothing.
    Corrected,
    /// It was switched on, added or loaded.
    On,
    /// It was switched off, removed or relaxed.
    Off,
    /// It is what the writer has to do without: a driver that isn't loaded, hardware that isn't used.
    Unused,
    /// Its name tells what was done: `uniqueids=no`.
    Named,
}

// Words that are adjectives and nouns too (correct, match, open, switch) tell how things are, and not what was done.
const CORRECT: &str = "changed|changing|change to|corrected|correcting|fixed the|fixing the|reenter|re enter|retyp|replaced|replacing|updated|updating|edited|editing|recreat|reset the|resetting|regenerat|renewed|renewing|reissu|entered|entering|matched|matching|aligned|aligning|shorten|simplif|recopied|copied again|sync|synchroni";
const CHANGE: &str = "lowered|lowering|reduced|reducing|decreas|clamp|set |sets |setting |switched|switching|adjusted|adjusting|modified|modifying|specified|specifying|using |put |putting|swapped|swapping|mirror|writing|wrote|moved|moving|added|adding|defined|defining";
const ON: &str = "enabled|enabling|enable |turned on|turning on|turn on|activated|activating|switched|switching|added|adding|add the|installed|installing|install |loaded|loading|load the|imported|importing|set |setting |created|creating|generat|inserted|allowed|allowing|allow |permitted|permitting|opened|opening|forwarded|forwarding|modprobe|insmod|using |put |putting|configured|configuring|rebuil|recompil|compiled|copied|copying|changed|changing";
const OFF: &str = "disabl|removed|removing|remove the|turned|turning|switched|switching|stopped|stopping|killed|killing|deleted|deleting|flushed|flushing|cleared|clearing|increased|increasing|raised|raising|relaxed|lowered|lowering|reduced|reducing|decreased|turn off |switch off |unload|set |setting |changed|changing|permissive|loosen|deactivat|uninstall";

const UNUSED: &str = "disabl|removed|removing|remove the|turned off|turning off|turn off |switched off|switching off|switch off |unload|blacklist|denylist|blocklist|rmmod|modprobe r |comment|isnt loaded|is not loaded|not loaded|deactivat|uninstall|without|no longer loaded|bypass";

impl Done {
    /// The verbs that tell it.
    pub(super) fn verbs(self) -> &'static [&'static str] {
        match self {
            Done::Changed => &[CORRECT, CHANGE],
            Done::Corrected => &[CORRECT],
            Done::On => &[ON],
            Done::Off => &[OFF],
            Done::Unused => &[UNUSED],
            Done::Named => &[],
        }
    }
}

/// A thing, and how a sentence names it.
pub(super) struct Thing {
    pub(super) culprit: Culprit,
    pub(super) names: &'static str,
    /// The sentence holds something of each of these as well.
    pub(super) also: &'static [&'static str],
    /// It holds none of these.
    pub(super) unless: &'static str,
    pub(super) done: Done,
}

const fn thing(culprit: Culprit, names: &'static str, done: Done) -> Thing {
    Thing {
        culprit,
        names,
        also: &[],
        unless: "",
        done,
    }
}

const KEY: &str = "psk|pre shared key|preshared key|pre shared secret|preshared secret|shared secret|shared key|the secret|secret key|passphrase";
const IDENTITY: &str = "leftid|rightid|left id|right id|local id|remote id|peer id|my id|myid|localid|peerid|local identifier|peer identifier|remote identifier|my identifier|identifier|identity|identities|ike id|ikeid|idr |idi |the id |an id |as id |ids ";
const PHASE_2: &str =
    "phase #2|phase2|phase ii|pfs|esp |quick mode|child|ipsec proposal|ipsec policy|transform set";
const GROUP: &str = "dh group|dhgroup|diffie hellman|dh #|dh|modp|group #|groups|key exchange group|ecp#|pfsgroup|dhgrp";
const ALGORITHMS: &str = "proposal|encryption|cipher|algorithm|hash|integrity|aes|sha1|sha2|sha384|sha512|sha #|md5|#3des|transform|crypto suite|prf";
const CERTIFICATE: &str = "certificat|cert |certs ";

const OFFLOAD: &str = "hw offload|hardware offload|esp offload|esp hw|ipsec offload|crypto offload|nic offload|npu offload|offload ipsec|offload esp|inline crypto|inline ipsec|hw crypto|hardware crypto|crypto hardware|hardware ipsec|hardware accel|hw accel|ipsec accel|crypto accel|cryptographic accel|accelerat|crypto engine|crypto driver|driver for the crypto|cryptodev|af alg|afalg|safexcel|crypto safexcel|eip93|eip97|eip197|eip76|qat |qat#|intel qat|quickassist|caam|marvell cesa|mv cesa|cesa|crypto ccp|ccp crypto|sunxi ss|sun8i ce|mtk crypto|crypto4xx|talitos|octeontx|otx2 cpt|nitrox|chcr|octeon crypto|cavium|offload";

/// What a trial in vain may have been about, beside [`THINGS`]: that it helped is heard elsewhere.
pub(super) static TRIALS: &[Thing] = &[
    Thing {
        unless: "on the router|on the provider|isp",
        ..thing(
            Culprit::HostFilter,
            "firewall|ufw|iptable|firewalld|nftables|windows defender|packet filter",
            Done::Off,
        )
    },
    thing(Culprit::Confinement, "selinux|apparmor", Done::Off),
    thing(Culprit::PacketSize, "mtu|mss", Done::Changed),
];

/// Of one kind, what is more exact stands first.
pub(super) static THINGS: &[Thing] = &[
    Thing {
        also: &[
            "special char|quot|trailing|whitespace|white space|blank|newline|line break|escap|encod|hex|base64|exclamation|dollar|ampersand|symbol|umlaut|non ascii|shorter|longer",
        ],
        ..thing(Culprit::KeyForm, KEY, Done::Off)
    },
    Thing {
        unless: "private key",
        ..thing(Culprit::Key, KEY, Done::Corrected)
    },
    Thing {
        also: &[
            "private ip|private address|internal ip|internal address|lan ip",
            "nat",
        ],
        ..thing(Culprit::PrivateIdentity, IDENTITY, Done::Changed)
    },
    Thing {
        also: &[CERTIFICATE],
        ..thing(
            Culprit::CertificateName,
            "san |subjectaltname|subject alt|subjectalt|common name|cn |dns name|altname",
            Done::Changed,
        )
    },
    Thing {
        unless: "user identity|if id|eap identity",
        ..thing(Culprit::Identity, IDENTITY, Done::Changed)
    },
    thing(
        Culprit::Truncation,
        "sha2 truncbug|truncbug|sha2 trunc|truncation|sha256 #96|#96 bit trunc|#128 bit trunc",
        Done::Changed,
    ),
    Thing {
        also: &[PHASE_2],
        ..thing(Culprit::Pfs, GROUP, Done::Changed)
    },
    thing(Culprit::Pfs, "pfs|perfect forward", Done::Changed),
    thing(Culprit::Pfs, "pfs|perfect forward", Done::Off),
    thing(Culprit::IkeGroup, GROUP, Done::Changed),
    Thing {
        also: &[PHASE_2],
        unless: "phase #1|phase1|phase i |main mode|isakmp|encryption domain",
        ..thing(Culprit::EspAlgorithms, ALGORITHMS, Done::Changed)
    },
    Thing {
        also: &[
            "phase #1|phase1|phase i |ike |ike policy|main mode|isakmp|ikev1|ikev2|ike proposal",
        ],
        unless: "phase #2|phase2|phase ii|quick mode|child|encryption domain",
        ..thing(Culprit::IkeAlgorithms, ALGORITHMS, Done::Changed)
    },
    Thing {
        unless: "certificat|signature|encryption domain",
        ..thing(Culprit::Algorithms, ALGORITHMS, Done::Changed)
    },
    Thing {
        unless: "cpu|until |expire|dhcp|lease",
        ..thing(
            Culprit::Lifetimes,
            "lifetime|life time|ikelifetime|keylife|salifetime|rekey time|rekeytime|sa life|key life|lifebytes|lifesize|rekey interval",
            Done::Changed,
        )
    },
    thing(Culprit::DpdOn, "dpd|dead peer|liveness", Done::Off),
    thing(Culprit::DpdOff, "dpd|dead peer|liveness", Done::On),
    thing(
        Culprit::Monitor,
        "tunnel monitor|vpn monitor|ip sla|icmp monitor|health check|sla monitor",
        Done::Off,
    ),
    Thing {
        unless: "keepalive|keep alive",
        ..thing(
            Culprit::NatTraversal,
            "nat t |natt|nat traversal|nat travers|nattraversal|ipsec over udp",
            Done::On,
        )
    },
    thing(
        Culprit::ExchangeMode,
        "aggressive mode|main mode|aggressive",
        Done::Changed,
    ),
    thing(
        Culprit::IkeVersion,
        "ikev1|ikev2|ike version|ike v1|ike v2|keyexchange",
        Done::Changed,
    ),
    thing(
        Culprit::EncapsulationMode,
        "transport mode|tunnel mode|type transport|type tunnel",
        Done::Changed,
    ),
    thing(
        Culprit::NetworksTogether,
        "separate conn|separate child|separate phase|separate tunnel|one subnet per|each subnet in|individual phase|conn per subnet|child per subnet|sa per subnet|tunnel per subnet|split the subnets|splitting the subnets|split tunnels per",
        Done::Changed,
    ),
    Thing {
        unless: "route|routes|masquerad|firewall rule|nat rule|snat|dhcp",
        ..thing(
            Culprit::Networks,
            "leftsubnet|rightsubnet|local subnet|remote subnet|subnet|proxy id|proxyid|traffic selector|selectors|encryption domain|interesting traffic|crypto acl|crypto access|netmask|phase #2 network|local network|remote network|remote ts|local ts|address range",
            Done::Changed,
        )
    },
    thing(
        Culprit::Uniqueness,
        "uniqueids no|uniqueids never|unique no|unique never|unique keep",
        Done::Named,
    ),
    thing(
        Culprit::Uniqueness,
        "uniqueids|unique ids|uniqueness|unique policy",
        Done::Off,
    ),
    thing(
        Culprit::Truncation,
        "sha2 truncbug yes|sha256 #96 yes",
        Done::Named,
    ),
    thing(
        Culprit::IkeFragmentation,
        "fragmentation yes|ike frag yes|fragmentation force",
        Done::Named,
    ),
    thing(
        Culprit::Reauthentication,
        "reauth no|make before break yes|ikev2 reauth no",
        Done::Named,
    ),
    thing(
        Culprit::ReplayWindow,
        "replay window #0|replay window to #0|replay window of #0",
        Done::Named,
    ),
    thing(
        Culprit::ReversePath,
        "rp filter is #0|rp filter is #2|rp filter set from #1|rp filter from #1|rp filter #0|rp filter #2|rp filter to #0|rp filter to #2",
        Done::Named,
    ),
    thing(
        Culprit::Forwarding,
        "ip forward #1|ip forward to #1|echo #1 proc sys net ipv4 ip forward|echo #1 proc sys net ipv4 conf all forwarding",
        Done::Named,
    ),
    thing(Culprit::Compression, "compress no|ipcomp no", Done::Named),
    thing(
        Culprit::NatTraversal,
        "nat traversal yes|nat traversal to yes",
        Done::Named,
    ),
    thing(
        Culprit::ReversePath,
        "rp filter|rpfilter|reverse path|urpf",
        Done::Off,
    ),
    Thing {
        unless: "port forward",
        ..thing(
            Culprit::Forwarding,
            "ip forward|ipforward|ipv4 forward|ipv6 forward|packet forwarding|ip routing|ipv4 ip forward",
            Done::On,
        )
    },
    thing(
        Culprit::Module,
        "modprobe|insmod|kernel module|kernel modules|kmod|linux modules|config xfrm|config inet|af key|esp4|xfrm user|xfrm interface module|xfrm module|kernel option|kernel config",
        Done::On,
    ),
    thing(
        Culprit::Plugin,
        "plugin|plugins|libcharon|libstrongswan|strongswan mod|strongswan plugin|extra plugins|standard plugins",
        Done::On,
    ),
    Thing {
        unless: "mtu|mss|df bit|ip fragment",
        ..thing(
            Culprit::IkeFragmentation,
            "ike fragment|ike frag|ikev2 frag|ikev1 frag|fragmentation",
            Done::On,
        )
    },
    thing(
        Culprit::ReplayWindow,
        "replay|antireplay|anti replay",
        Done::Off,
    ),
    thing(Culprit::Compression, "compress|ipcomp", Done::Off),
    Thing {
        unless: "certificat",
        ..thing(
            Culprit::Reauthentication,
            "reauth|make before break",
            Done::Changed,
        )
    },
    Thing {
        unless: "clock rate|around the clock|o clock",
        ..thing(
            Culprit::Clock,
            "clock|ntp|ntpd|ntpdate|system time|chrony|system date|the date|timezone|time zone|hwclock",
            Done::Changed,
        )
    },
    Thing {
        also: &[
            "another|other |already|listening|occupied|using|process|service|daemon|taken|in use",
        ],
        unless: "firewall|router|forward|isp|blocked|open",
        ..thing(
            Culprit::PortTaken,
            "port #500|port #4500|ports #500|udp #500",
            Done::Off,
        )
    },
    Thing {
        also: &["expired|expiry|renew|out of date|validity|no longer valid"],
        ..thing(
            Culprit::CertificateEnd,
            "certificat|cert |certs |ca |crl",
            Done::Changed,
        )
    },
    thing(
        Culprit::Authority,
        "root ca |ca certificat|ca cert|cacert|intermediate|trust store|truststore|certificate chain|trusted root|issuing ca|ca chain|issuer",
        Done::On,
    ),
    Thing {
        also: &[CERTIFICATE],
        ..thing(
            Culprit::KeyUsage,
            "extended key usage|extendedkeyusage|eku|serverauth|server auth|key usage|keyusage|ikeintermediate|sha1|sha #1",
            Done::Changed,
        )
    },
    thing(
        Culprit::PrivateKey,
        "private key|key file|keyfile|privatekey",
        Done::Changed,
    ),
    Thing {
        also: &["firewall|filter|security group|acl|rule|allow|permit|open|iptables|isp|router"],
        unless: "esp proposal|aes|sha|phase #2|dh ",
        ..thing(
            Culprit::EspFilter,
            "esp |protocol #50|proto #50|ip #50",
            Done::On,
        )
    },
    thing(
        Culprit::ReturnRoute,
        "return route|route back|back route|reverse route|return path|default gateway on the server|default gateway of the server|gateway on the server|route on the server|route on the remote host|route on the host behind|route on the hosts|route to our network on",
        Done::On,
    ),
    thing(
        Culprit::FilterMemory,
        "conntrack|state table|firewall states|nat session|connection tracking|firewall state|states",
        Done::Off,
    ),
    thing(
        Culprit::Passthrough,
        "ipsec passthrough|ipsec pass through|vpn passthrough|vpn pass through|ipsec alg|alg |ipsec helper",
        Done::Off,
    ),
    thing(
        Culprit::PortForward,
        "port forward|ports forward|forward udp|forwarding udp|forward port|forwarding port|forwarded port|forwarded udp|forward ports|portforward",
        Done::On,
    ),
    Thing {
        also: &[
            "ip |address",
            "peer|remote|right|gateway|endpoint|other side|server",
        ],
        unless: "certificat|leftid|rightid|identity| id |inside|client",
        ..thing(
            Culprit::PeerName,
            "hostname|host name|dns name|domain name|dyndns|ddns|name resolution|dns resolution",
            Done::Changed,
        )
    },
    // Of IKE itself, another cause.
    Thing {
        unless: "port forward|dnat|destination nat|static port|one to one|#1 #1 nat|#1:#1|bridge mode|guest|reload|reboot|peer doesnt answer|peer does not answer|peer never answers|gateway doesnt answer|peers admin|peer s admin|his source nat|their source nat|his nat|their nat|inbound|nat t |phase #1|negotiat|isakmp|ike |connects|came up|comes up",
        ..thing(
            Culprit::SourceNat,
            "masquerad|outbound nat|source nat|snat|nat rule|postrouting",
            Done::Off,
        )
    },
    Thing {
        unless: "tcp segmentation|checksum offload|rx checksum|tx checksum|openvpn|wireguard|spare router|new router|other router|another router|router in|restart|reboot|each morning|every morning|each night|every night|bios|by mistake|for ssl",
        ..thing(Culprit::Offload, OFFLOAD, Done::Unused)
    },
    Thing {
        unless: "tcp segmentation|checksum offload|openvpn|wireguard",
        ..thing(
            Culprit::Offload,
            "hw offload no|nic offload no|hw offload to no|offload set to no",
            Done::Named,
        )
    },
    thing(
        Culprit::Rekeying,
        "rekey yes|rekey to yes|rekey back to yes",
        Done::Named,
    ),
    thing(
        Culprit::InterfaceNumber,
        "if id|ifid|xfrm interface id|vti key|fwmark|mark in|mark out|the mark|marks",
        Done::Changed,
    ),
    Thing {
        also: &["user|radius|eap|xauth|login|account|ldap|domain"],
        ..thing(
            Culprit::UserPassword,
            "password|user name|username|credential|radius secret",
            Done::Changed,
        )
    },
];
