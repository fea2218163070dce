//! Sentences about what the kernel can, does and refuses.

use std::collections::BTreeMap;

use adit_model::sign::Sign;

use super::{Phrase, any};

/// Whether a module that `modprobe` doesn't find is one that no tunnel needs.
pub(super) fn is_of_another(line: &str, values: &BTreeMap<String, String>) -> bool {
    /// Parts of the names of modules: of IPsec, of tunnels, of ciphers and of the packet filter.
    const NEEDED: [&str; 34] = [
        "xfrm",
        "esp",
        "ah4",
        "ah6",
        "af_key",
        "ipcomp",
        "vti",
        "ipsec",
        "tun",
        "l2tp",
        "ppp",
        "gre",
        "aes",
        "sha",
        "md5",
        "des",
        "ccm",
        "gcm",
        "cbc",
        "hmac",
        "ghash",
        "chacha",
        "poly1305",
        "camellia",
        "blowfish",
        "authenc",
        "seqiv",
        "echainiv",
        "crypt",
        "xt_",
        "ip_tables",
        "iptable",
        "nft_",
        "udp",
    ];
    line.contains("modprobe: ")
        && values.get("what").is_some_and(|what| {
            let what = what.trim_matches(['\'', '"', '`']);
            !what.is_empty() && !NEEDED.iter().any(|part| what.contains(part))
        })
}

pub(super) static PHRASES: &[Phrase] = &[
    // `ipsec verify` of Openswan and Libreswan, and the warnings of older start-up scripts.
    any(Sign::ReversePathFilterOn, "Checking rp_filter [ENABLED]"),
    any(Sign::ReversePathFilterOn, "{path:w}/rp_filter [ENABLED]"),
    any(
        Sign::ReversePathFilterOn,
        "WARNING: {path:w} has route filtering turned on",
    ),
    any(
        Sign::ReversePathFilterOn,
        "Checking for 'rp_filter' [FAILED]",
    ),
    any(
        Sign::ForwardingOff,
        "Two or more interfaces found, checking IP forwarding [FAILED]",
    ),
    any(Sign::ForwardingOff, "checking IP forwarding [DISABLED]"),
    any(Sign::ForwardingOff, "{path:w}/ip_forward [DISABLED]"),
    // KLIPS looks for many ciphers when it is loaded; without these two no tunnel carries anything.
    any(
        Sign::KernelSupportMissing,
        "KLIPS: lookup for ciphername=cbc(aes): not found",
    ),
    any(
        Sign::KernelSupportMissing,
        "KLIPS: lookup for ciphername=cbc(des3_ede): not found",
    ),
    any(Sign::RedirectsOn, "ICMP default/{path:w} [NOT DISABLED]"),
    any(
        Sign::RedirectsOn,
        "testing for disabled ICMP {path:w} [FAILED]",
    ),
    any(Sign::RedirectsOn, "Please disable {path:w} or NETKEY will"),
    any(
        Sign::RedirectsOn,
        "Please disable /proc/sys/net/ipv4/conf/*/{path:w}",
    ),
    any(
        Sign::StackNotLoaded,
        "Checking for IPsec support in kernel [FAILED]",
    ),
    any(
        Sign::StackNotLoaded,
        "Checking if IPsec support in kernel [FAILED]",
    ),
    any(Sign::KernelSupportMissing, "{what} [VERY BROKEN KERNEL]"),
    any(
        Sign::KernelSupportMissing,
        "XFRM larval drop [OLD OR BROKEN KERNEL]",
    ),
    any(
        Sign::ModuleMissing,
        "Checking 'ip' command [IP XFRM BROKEN]",
    ),
    // The kernel's own log.
    any(
        Sign::MartianSource,
        "martian source {to:w} from {source:w}, on dev {dev:w}",
    ),
    any(Sign::MartianSource, "martian source {source:w} from"),
    any(Sign::RedirectSent, "ICMP redirect {to:w} to host {from:w}"),
    any(Sign::RedirectSent, "Redirect Host(New nexthop: {to:w})"),
    any(Sign::RedirectSent, "ICMP redirect {to:w} to net {from:w}"),
    // charon: kernel-netlink, kernel-pfkey.
    any(
        Sign::KernelSupportMissing,
        "unable to create netlink socket: {errno}",
    ),
    any(
        Sign::KernelSupportMissing,
        "unable to create netlink event socket: {errno}",
    ),
    any(
        Sign::KernelSupportMissing,
        "unable to create netlink socket",
    ),
    any(
        Sign::KernelSupportMissing,
        "unable to create XFRM event socket",
    ),
    any(
        Sign::KernelSupportMissing,
        "unable to bind XFRM event socket",
    ),
    any(Sign::KernelSupportMissing, "unable to create PF_KEY socket"),
    any(
        Sign::KernelSupportMissing,
        "unable to create PF_KEY event socket",
    ),
    any(
        Sign::KernelSupportMissing,
        "unable to register PF_KEY socket",
    ),
    any(
        Sign::KernelSupportMissing,
        "Cannot open netlink socket: {errno}",
    ),
    any(
        Sign::KernelSupportMissing,
        "algorithm {what} not supported by kernel!",
    ),
    any(
        Sign::KernelSupportMissing,
        "extended sequence numbers (ESN) not supported by kernel",
    ),
    any(Sign::ModuleMissing, "no {stack:w} IPsec stack detected"),
    any(Sign::ModuleMissing, "failed to create TUN device: {errno}"),
    any(
        Sign::ModuleMissing,
        "failed to open {what:w}/tun: No such {errno}",
    ),
    any(Sign::ModuleMissing, "failed to open /dev/net/tun: {errno}"),
    any(
        Sign::KernelSupportMissing,
        "failed to create XFRM interface '{what}'",
    ),
    any(
        Sign::KernelSupportMissing,
        "netlink error: Protocol not supported",
    ),
    any(Sign::KernelError, "received netlink error: {errno}"),
    any(Sign::KernelError, "netlink write error: {errno}"),
    any(
        Sign::ModuleMissing,
        "unable to create IPv4 routing table rule",
    ),
    any(
        Sign::KernelSupportMissing,
        "will not be started as /proc/net/pfkey is not",
    ),
    any(
        Sign::StateNotInstalled,
        "unable to add SAD entry with SPI {what:w}: {errno}",
    ),
    any(
        Sign::StateNotInstalled,
        "unable to add SAD entry with SPI {what:w} ({errno})",
    ),
    any(
        Sign::StateNotInstalled,
        "unable to add SAD entry with SPI {what:w}",
    ),
    any(
        Sign::StateNotInstalled,
        "unable to update SAD entry with SPI {what:w}: {errno}",
    ),
    any(
        Sign::StateNotInstalled,
        "unable to install {what}IPsec SA (SAD) in kernel",
    ),
    any(
        Sign::StateNotInstalled,
        "unable to install {what}IPsec SA (SAD)",
    ),
    any(Sign::StateNotInstalled, "unable to install IPsec SA (SAD)"),
    any(
        Sign::StateNotInstalled,
        "unable to allocate {what:w} from kernel",
    ),
    any(Sign::StateNotInstalled, "allocating SPI failed: {errno}"),
    any(
        Sign::PolicyNotInstalled,
        "unable to add policy {policy} (mark",
    ),
    any(Sign::PolicyNotInstalled, "unable to add policy {policy}"),
    any(Sign::PolicyNotInstalled, "unable to update policy {policy}"),
    any(Sign::PolicyNotInstalled, "unable to add policy: {errno}"),
    any(
        Sign::PolicyNotInstalled,
        "unable to install IPsec policies (SPD) in kernel",
    ),
    any(
        Sign::PolicyInUse,
        "unable to install policy {policy} for reqid {}, the same policy for reqid {owner} exists",
    ),
    any(
        Sign::PolicyInUse,
        "unable to install policy {policy:w} === {}",
    ),
    // pluto: netlink, PF_KEY and the shunts of its own.
    any(
        Sign::StateNotInstalled,
        "ERROR: netlink response for Add SA {what:w} included errno {errno}",
    ),
    any(
        Sign::StateNotInstalled,
        "ERROR: netlink response for Upd SA {what:w} included errno {errno}",
    ),
    any(
        Sign::StateNotInstalled,
        "netlink response for Add SA {what:w}: {errno}",
    ),
    any(
        Sign::StateNotInstalled,
        "netlink response for Add SA {errno}",
    ),
    any(
        Sign::StateNotInstalled,
        "netlink response for Get SPI {what:w} included errno {errno}",
    ),
    any(
        Sign::StateNotInstalled,
        "netlink_get_spi for {what:w} failed with errno {errno}",
    ),
    any(
        Sign::StateNotInstalled,
        "PF_KEY K_SADB_ADD response for {what} included errno {errno}",
    ),
    any(
        Sign::StateNotInstalled,
        "ERROR: PF_KEY {} response for Add SA {what:w} included errno {errno}",
    ),
    // What can't be deleted wasn't there; only what can't be set is missing.
    any(
        Sign::PolicyNotInstalled,
        "XFRM_MSG_NEWPOLICY response for flow {policy} included errno {errno}",
    ),
    any(
        Sign::PolicyNotInstalled,
        "XFRM_MSG_UPDPOLICY response for flow {policy} included errno {errno}",
    ),
    any(
        Sign::PolicyNotInstalled,
        "XFRM_MSG_NEWPOLICY response for flow {policy}: {errno}",
    ),
    any(
        Sign::PolicyNotInstalled,
        "XFRM_MSG_UPDPOLICY response for flow {policy}: {errno}",
    ),
    any(
        Sign::PolicyNotInstalled,
        "XFRM_MSG_NEWPOLICY {policy} response for flow {}: {errno}",
    ),
    any(
        Sign::PolicyNotInstalled,
        "XFRM_MSG_UPDPOLICY {policy} response for flow {}: {errno}",
    ),
    any(
        Sign::PolicyInUse,
        "cannot install kernel policy {policy}; it is in use by the {} connection \"{owner}\"",
    ),
    any(
        Sign::PolicyInUse,
        "cannot install kernel policy {policy}; it is in use by",
    ),
    any(
        Sign::PolicyInUse,
        "cannot install eroute -- it is in use for \"{owner}\"",
    ),
    any(
        Sign::PolicyInUse,
        "cannot install eroute -- it is in use for",
    ),
    any(
        Sign::PolicyInUse,
        "cannot route -- route already in use for \"{owner}\"",
    ),
    any(
        Sign::KernelSupportMissing,
        "ERROR: no XFRM kernel support detected",
    ),
    any(
        Sign::KernelSupportMissing,
        "no XFRM kernel support detected, missing {what}",
    ),
    // The socket was never opened, or nobody in the kernel listens to it.
    any(
        Sign::KernelSupportMissing,
        "netlink write() of {what} failed: Bad file descriptor",
    ),
    any(
        Sign::KernelSupportMissing,
        "netlink write() of {what} failed: Connection refused",
    ),
    any(
        Sign::KernelSupportMissing,
        "netlink write() of {what} failed. Errno 9:",
    ),
    any(
        Sign::KernelSupportMissing,
        "netlink write() of {what} failed. Errno 111:",
    ),
    any(
        Sign::KernelSupportMissing,
        "kernel interface auto-pick failed - no suitable kernel stack found",
    ),
    any(
        Sign::KernelSupportMissing,
        "kernel interface '{what}' not available",
    ),
    any(
        Sign::KernelSupportMissing,
        "perhaps kernel was not compiled with {what:w}",
    ),
    any(
        Sign::KernelSupportMissing,
        "may be missing {what:w} support in kernel",
    ),
    any(
        Sign::KernelSupportMissing,
        "ipsec-interface={what:w} is not supported",
    ),
    any(
        Sign::KernelSupportMissing,
        "ipsec-interface={}not supported. {what}",
    ),
    any(
        Sign::KernelSupportMissing,
        "requested algorithm is not available in the kernel",
    ),
    any(
        Sign::KernelSupportMissing,
        "algorithm {what} is not valid in the kernel",
    ),
    any(
        Sign::KernelSupportMissing,
        "MOBIKE kernel support missing for {what}",
    ),
    any(
        Sign::KernelSupportMissing,
        "because kernel is not configured to do {what:w}",
    ),
    any(
        Sign::KernelSupportMissing,
        "unable to start Openswan IPsec, no {what}!",
    ),
    any(
        Sign::KernelSupportMissing,
        "ESPINUDP for this kernel not supported or not found",
    ),
    any(
        Sign::EspReachedDaemon,
        "recvfrom {peer:w} has no Non-ESP marker",
    ),
    any(
        Sign::KernelSupportMissing,
        "has failed, possible causes include: unsupported {what}",
    ),
    any(
        Sign::KernelSupportMissing,
        "NAT-Traversal: ESPINUDP({:n}) not supported by kernel",
    ),
    any(
        Sign::KernelSupportMissing,
        "FATAL: kernel too old or {what} is missing",
    ),
    any(Sign::ModuleMissing, "no kernel code presently loaded"),
    // iproute2, setkey, racoon, modprobe and insmod.
    any(
        Sign::KernelSupportMissing,
        "Cannot open netlink socket: Protocol not supported",
    ),
    // A refusal is no lack: a filter of system calls, or a right that a container doesn't have.
    any(Sign::Denied, "pfkey_open: Operation not permitted"),
    any(Sign::Denied, "pfkey_open: Permission denied"),
    any(Sign::Denied, "socket(PF_KEY): Operation not permitted"),
    any(Sign::Denied, "socket(PF_KEY): Permission denied"),
    any(Sign::KernelSupportMissing, "pfkey_open: {errno}"),
    any(
        Sign::Denied,
        "libipsec failed pfkey open (Operation not permitted)",
    ),
    any(
        Sign::Denied,
        "libipsec failed pfkey open: Operation not permitted",
    ),
    any(
        Sign::KernelSupportMissing,
        "libipsec failed pfkey open ({errno})",
    ),
    any(
        Sign::KernelSupportMissing,
        "libipsec failed pfkey open: {errno}",
    ),
    any(Sign::KernelSupportMissing, "socket(PF_KEY): {errno}"),
    any(
        Sign::ModuleMissing,
        "modprobe: FATAL: Module {what:w} not found",
    ),
    any(Sign::ModuleMissing, "modprobe: module {what:w} not found"),
    any(
        Sign::ModuleMissing,
        "modprobe: Can't locate module {what:w}",
    ),
    any(
        Sign::ModuleMissing,
        "add tunnel \"{what}\" failed: No such device",
    ),
    any(
        Sign::ModuleMissing,
        "add tunnel \"{what}\" failed: Operation not supported",
    ),
    any(
        Sign::ModuleMissing,
        "modprobe: ERROR: could not insert '{what}': {errno}",
    ),
    any(
        Sign::ModuleMissing,
        "modprobe: can't change directory to '/lib/modules",
    ),
    any(Sign::ModuleMissing, "modprobe: can't load module {what:w}"),
    any(Sign::ModuleMissing, "could not open moddep file '{what}'"),
    any(
        Sign::ModuleMissing,
        "RTNETLINK answers: Protocol not supported",
    ),
    any(
        Sign::ModuleMissing,
        "RTNETLINK answers: Operation not supported",
    ),
    any(Sign::ModuleMissing, "Error: Unknown device type"),
    any(Sign::ModuleMissing, "RTNETLINK answers: Not supported"),
    any(
        Sign::ModuleMissing,
        "Setup XFRM interface {what:w} fail: {errno}",
    ),
    any(
        Sign::KernelSupportMissing,
        "Requested {what:w} algorithm not found",
    ),
    any(Sign::OffloadFailed, "Type doesn't support {problem}"),
    any(Sign::OffloadFailed, "Cannot offload xfrm {problem}"),
    any(Sign::OffloadFailed, "Device failed to offload {problem}"),
    any(Sign::StateNotInstalled, "pfkey ADD failed: {errno}"),
    any(Sign::StateNotInstalled, "pfkey UPDATE failed: {errno}"),
    any(Sign::PolicyNotInstalled, "pfkey X_SPDADD failed: {errno}"),
    any(Sign::StateNotInstalled, "pfkey_add: failed: {errno}"),
    any(
        Sign::KernelSupportMissing,
        "Please load the {what:w} kernel module",
    ),
    any(
        Sign::ModuleMissing,
        "failed to find a module named {what:w}",
    ),
    any(
        Sign::ModuleMissing,
        "insmod: can't insert '{what}': {errno}",
    ),
    // A table of the packet filter. IPv6's is often left out on purpose.
    any(
        Sign::FilterTableMissing,
        "can't initialize iptables table `{table}': Table does not exist",
    ),
    any(
        Sign::FilterTableMissing,
        "can't initialize iptables table '{table}': Table does not exist",
    ),
    any(
        Sign::FilterTableMissing,
        "can't initialize iptables table `{table}': iptables who?",
    ),
    any(
        Sign::ModuleMissing,
        "Extension {what:w} revision {:n} not supported, missing kernel module",
    ),
    any(
        Sign::FilterTableMissing,
        "iptables-restore: unable to initialize table '{table}'",
    ),
    // What a policy of the host forbids to the daemon's library (FIPS, crypto-policies).
    any(
        Sign::AlgorithmUnavailable,
        "{algorithm:w} not supported in FIPS mode",
    ),
    any(
        Sign::AlgorithmUnavailable,
        "{algorithm:w} is not allowed in FIPS mode",
    ),
    any(Sign::AlgorithmUnavailable, "PSK not allowed in FIPS mode"),
    any(
        Sign::AlgorithmUnavailable,
        "ENCRYPTION_ALGORITHM {algorithm} not supported!",
    ),
    any(
        Sign::AlgorithmUnavailable,
        "INTEGRITY_ALGORITHM {algorithm} not supported!",
    ),
    any(
        Sign::AlgorithmUnavailable,
        "PSEUDO_RANDOM_FUNCTION {algorithm} not supported!",
    ),
    any(
        Sign::AlgorithmUnavailable,
        "KDF_PRF with {algorithm:w} not supported",
    ),
    any(
        Sign::AlgorithmUnavailable,
        "ESP transform {algorithm} not implemented",
    ),
    any(
        Sign::AlgorithmUnavailable,
        "encryption algorithm {algorithm} not implemented or allowed",
    ),
    // Programs in Go speak in small letters.
    any(
        Sign::KernelSupportMissing,
        "IPSec with tunneling requires support for {what}",
    ),
    any(
        Sign::KernelSupportMissing,
        "requires support for {what} (Linux {needs:w} or later).\" error=\"{errno}\"",
    ),
    any(Sign::KernelRelease, "kernel ({release:w}) versions: "),
    any(Sign::KernelRelease, "Linux version {release:w} ("),
    any(Sign::KernelRelease, "Linux {:w} {release:w} #1 SMP"),
    any(
        Sign::KernelSupportMissing,
        "creating netlink handle: protocol not supported",
    ),
    any(
        Sign::KernelSupportMissing,
        "xfrm {what} protocol not supported",
    ),
    any(
        Sign::KernelSupportMissing,
        "xfrm {what} function not implemented",
    ),
    any(Sign::PolicyInUse, "xfrm {policy} file exists"),
    any(
        Sign::PolicyNotInstalled,
        "PF_KEY {} response for flow {policy} included errno {errno}",
    ),
    // Hardware.
    any(
        Sign::OffloadFailed,
        "HW offload is not supported by device {device}",
    ),
    any(
        Sign::OffloadFailed,
        "HW offload is not supported by {problem}",
    ),
    any(Sign::OffloadFailed, "failed to configure HW offload"),
    any(
        Sign::OffloadFailed,
        "esp-hw-offload possibly not available {problem}",
    ),
    any(Sign::OffloadFailed, "esp-hw-offload possibly not available"),
    any(
        Sign::OffloadFailed,
        "offload to {device:w} because SIOCETHTOOL {problem}",
    ),
    any(Sign::OffloadFailed, "no kernel support for nic-offload"),
    any(
        Sign::OffloadFailed,
        "CRYPTO: The {device} hardware accelerator encountered an error {problem}",
    ),
    any(
        Sign::OffloadFailed,
        "CRYPTO: The {device} hardware accelerator encountered an error",
    ),
    any(Sign::OffloadFailed, "%HW_VPN-1-HPRXERR: {problem}"),
    any(Sign::OffloadFailed, "%VPN_HW-{:n}-{problem}"),
    any(
        Sign::OffloadFailed,
        "hardware crypto engine {problem}, packet",
    ),
];
