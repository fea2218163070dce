//! What is Libreswan's and Openswan's own in ipsec.conf: their words, their proposals, their defaults by version.

mod defaults;

use core::time::Duration;

use adit_model::keywords::Word;
use adit_model::peer_config::{
    AuthMethod, Dialect, PeerChild, PeerConnection, Pfs, Setting, Versions, Weight, WhenDead,
};
use adit_model::proposal::{Proposal, SaKind};

use super::algorithm::{add, algorithm, complete_ike, drop_integrity_of_aead, split_aead};
use super::context::{Context, Line};
use super::ipsec_conf::{Param, Section, Sections};
use super::value::{boolean, duration, unless_zero};
use defaults::{default_esp, default_groups, default_hashes, default_ike};

/// Words that only Libreswan has.
pub(crate) const ONLY: &[&str] = &[
    "ikev2",
    "leftsubnets",
    "rightsubnets",
    "encapsulation",
    "negotiationshunt",
    "failureshunt",
    "narrowing",
    "sha2-truncbug",
    "salifetime",
    "ipsec-lifetime",
    "ikev1-policy",
    "virtual-private",
    "leftxauthserver",
    "leftmodecfgclient",
    "leftmodecfgserver",
    "modecfgpull",
    "modecfgdns",
    "leftaddresspool",
    "rightaddresspool",
    "retransmit-timeout",
    "retransmit-interval",
    "vti-interface",
    "ipsec-interface",
    "mark-out",
    "nic-offload",
    "intermediate",
    "ppk",
    "logfile",
    "leftikeport",
    "rightikeport",
    "ms-dh-downgrade",
    "dns-match-id",
    "cisco-unity",
    "nhelpers",
    "seedbits",
    "xauthby",
    "leftxauthclient",
    "phase2alg",
    "phase2",
    "ikepad",
    "decap-dscp",
    "dumpdir",
    "ike_frag",
];

/// Words that Openswan and early Libreswan have.
pub(crate) const OLD: &[&str] = &[
    "oe",
    "nat_traversal",
    "forceencaps",
    "klipsdebug",
    "leftnexthop",
    "rightnexthop",
    "force_keepalive",
    "protostack",
    "virtual_private",
    "plutostderrlog",
    "plutoopts",
];

/// Every word of Libreswan's and Openswan's ipsec.conf; those of the right end are those of the left.
pub(crate) const WORDS: &[&str] = &[
    "accept-redirects",
    "accept_redirects",
    "aggressive",
    "aggrmode",
    "ah",
    "also",
    "authby",
    "auto",
    "cisco-unity",
    "cisco_unity",
    "cat",
    "clones",
    "compress",
    "connalias",
    "connaddrfamily",
    "debug",
    "decap-dscp",
    "dns-match-id",
    "dpdaction",
    "dpddelay",
    "dpdtimeout",
    "dpd",
    "dpdport",
    "encap-dscp",
    "encapsulation",
    "enable-tcp",
    "esn",
    "esp",
    "failureshunt",
    "fake-strongswan",
    "forceencaps",
    "fragmentation",
    "clientaddrfamily",
    "hostaddrfamily",
    "ike",
    "ike_frag",
    "ikelifetime",
    "ikepad",
    "ikev1-policy",
    "ikev2",
    "initial-contact",
    "initial_contact",
    "initiateontraffic",
    "interfaces",
    "ipsec-interface",
    "ipsec-interface-managed",
    "ipsec-lifetime",
    "ipsec-max-bytes",
    "ipsec-max-packets",
    "intermediate",
    "keyexchange",
    "keyingtries",
    "keylife",
    "left",
    "leftaddresspool",
    "leftauth",
    "leftauthby",
    "leftautheap",
    "leftca",
    "leftcat",
    "leftcert",
    "leftckaid",
    "leftgroundhog",
    "leftid",
    "leftikeport",
    "leftinterface-ip",
    "leftmodecfgclient",
    "leftmodecfgserver",
    "leftnexthop",
    "leftprotoport",
    "leftpubkey",
    "leftrsasigkey",
    "leftrsasigkey2",
    "leftsendcert",
    "leftsourceip",
    "leftsubnet",
    "leftsubnets",
    "leftsubnetwithin",
    "leftupdown",
    "leftusername",
    "leftxauthclient",
    "leftxauthserver",
    "leftxauthusername",
    "leftvti",
    "loopback",
    "mark",
    "mark-in",
    "mark-out",
    "metric",
    "mobike",
    "modecfgbanner",
    "modecfgdns",
    "modecfgdns1",
    "modecfgdns2",
    "modecfgdomain",
    "modecfgdomains",
    "modecfgpull",
    "modecfgwins1",
    "modecfgwins2",
    "modecfg_wins",
    "ms-dh-downgrade",
    "ms-dh-fallback",
    "mtu",
    "narrowing",
    "nat-ikev1-method",
    "nat_ikev1_method",
    "nat-keepalive",
    "nat_keepalive",
    "negotiationshunt",
    "nic-offload",
    "nm-configured",
    "nopmtudisc",
    "overlapip",
    "pfs",
    "pfsgroup",
    "phase2",
    "phase2alg",
    "policy-label",
    "ppk",
    "ppk-ids",
    "priority",
    "protoport",
    "reauth",
    "redirect-to",
    "accept-redirect-to",
    "send-redirect",
    "rekey",
    "rekeyfuzz",
    "rekeymargin",
    "remote-peer-type",
    "remote_peer_type",
    "replay-window",
    "reqid",
    "require-id-on-certificate",
    "retransmit-interval",
    "retransmit-timeout",
    "salifetime",
    "send-esp-tfc-padding-not-supported",
    "send-no-esp-tfc",
    "send-vendorid",
    "send_vendorid",
    "session-resumption",
    "sendca",
    "sha2-truncbug",
    "sha2_truncbug",
    "share-lease",
    "tcp-remoteport",
    "tfc",
    "type",
    "type-of-service",
    "ukoption",
    "use-udp",
    "vti-interface",
    "vti-routing",
    "vti-shared",
    "xauthby",
    "xauthfail",
    "xfrm-if-id",
    "dontrekey",
    "pam-authorize",
    "leftpam-authorize",
    "keep_alive",
    "keep-alive",
    "force_keepalive",
    "iketos",
    "sareftrack",
    "nflog",
    "nflog-all",
    "auth",
    "authcert",
    "lifetime",
    "margintime",
    "config",
    "crl-strict",
    "crlcheckinterval",
    "crl-timeout",
    "curl-iface",
    "curl-timeout",
    "ddos-ike-threshold",
    "ddos-mode",
    "dnssec-anchors",
    "dnssec-enable",
    "dnssec-rootkey-file",
    "drop-oppo-null",
    "dumpdir",
    "expire-shunt-interval",
    "fragicmp",
    "global-redirect",
    "global-redirect-to",
    "hidetos",
    "ike-socket-bufsize",
    "ike-socket-errqueue",
    "ikeport",
    "ipsecdir",
    "ikev2-max-halfopen",
    "klipsdebug",
    "listen",
    "listen-tcp",
    "listen-udp",
    "logappend",
    "logfile",
    "logip",
    "logtime",
    "max-halfopen-ike",
    "myid",
    "myvendorid",
    "nat_traversal",
    "nat-ikeport",
    "nhelpers",
    "nocrsend",
    "nssdir",
    "ocsp-cache-max-age",
    "ocsp-cache-min-age",
    "ocsp-cache-size",
    "ocsp-enable",
    "ocsp-method",
    "ocsp-strict",
    "ocsp-timeout",
    "ocsp-trustname",
    "ocsp-uri",
    "oe",
    "overridemtu",
    "plutodebug",
    "plutofork",
    "plutoopts",
    "plutorestartoncrash",
    "plutostderrlog",
    "plutostderrlogtime",
    "plutowait",
    "protostack",
    "perpeerlog",
    "perpeerlogdir",
    "postpluto",
    "prepluto",
    "seccomp",
    "secretsfile",
    "seedbits",
    "shuntlifetime",
    "sourceip-range",
    "statsbin",
    "strictcrlpolicy",
    "syslog",
    "uniqueids",
    "virtual-private",
    "virtual_private",
    "xfrmlifetime",
    "packetdefault",
    "rp_filter",
    "interface-ip",
    "ikev1-secctx-attr-type",
    "secctx-attr-type",
    "plutostderr",
    "disable_port_floating",
    "disable-port-floating",
    "retransmits",
    "audit-log",
    "cacert",
];

const HOUR: u64 = 3600;

/// Fills in what Libreswan reads in its own way, and its defaults.
pub(crate) fn complete(
    ctx: &mut Context<'_>,
    all: &Sections<'_>,
    section: &Section<'_>,
    params: &[Param<'_>],
    c: &mut PeerConnection,
    child: &mut PeerChild,
) {
    let get = |key: &str| {
        params
            .iter()
            .find(|p| p.key == key)
            .filter(|p| !p.value.is_empty())
    };
    versions(ctx, c, &get);
    let v1 = c.versions.value.initiates == 1;
    let old = c.dialect == Dialect::Openswan || c.product_version.is_some_and(|v| v < (4, 0));
    c.ike = match get("ike") {
        Some(p) => {
            let list = proposals(ctx, &c.name, p.line, &p.value, SaKind::Ike, v1);
            ctx.at(list, p.line)
        }
        None => Setting::default_of(Some(default_ike(v1, old, c.product_version))),
    };
    let pfs = get("pfs").and_then(|p| Some((p, boolean(&p.value)?)));
    let esp = get("esp")
        .or_else(|| get("phase2alg"))
        .or_else(|| get("ah"));
    child.ah = get("phase2").is_some_and(|p| p.value == "ah")
        || (get("ah").is_some() && get("esp").is_none() && get("phase2alg").is_none());
    let mut groups = Vec::new();
    child.esp = match esp {
        Some(p) => {
            let list =
                proposals(ctx, &c.name, p.line, &p.value, SaKind::Esp, v1).map(|mut list| {
                    for one in &mut list {
                        groups.append(&mut one.ke);
                    }
                    list
                });
            ctx.at(list, p.line)
        }
        None => Setting::default_of(Some(default_esp(v1, old, c.product_version))),
    };
    if let Some(group) = get("pfsgroup").and_then(|p| match algorithm(&p.value) {
        Some(Word::Ke(group)) => Some(group),
        _ => None,
    }) {
        groups = vec![group];
    }
    groups.dedup();
    let with_pfs = if groups.is_empty() {
        Pfs::AsIke
    } else {
        Pfs::of(groups.clone())
    };
    child.pfs = match (&pfs, esp.filter(|_| !groups.is_empty())) {
        (Some((p, false)), _) => ctx.at(Some(Pfs::Off), p.line),
        (_, Some(esp)) => ctx.at(Some(with_pfs), esp.line),
        (Some((p, true)), None) => ctx.at(Some(with_pfs), p.line),
        (None, None) => Setting::default_of(Some(with_pfs)),
    };
    let default_life = if old || c.product_version.is_some_and(|v| v < (4, 2)) {
        HOUR
    } else {
        8 * HOUR
    };
    c.ike_life = match get("ikelifetime") {
        Some(p) => ctx.at(duration(&p.value).and_then(unless_zero), p.line),
        None => Setting::default_of(Some(Duration::from_secs(default_life))),
    };
    if !child.life.is_written() {
        child.life = Setting::default_of(Some(Duration::from_secs(8 * HOUR)));
    }
    if !c.dpd_delay.is_written() || c.dpd_delay.value.is_none() {
        c.dpd_action.value = WhenDead::Nothing;
    } else if !c.dpd_action.is_written() {
        c.dpd_action = Setting::default_of(WhenDead::Trap);
    }
    if !child.replay_window.is_written() && !old {
        child.replay_window = Setting::default_of(128);
    }
    for key in ["sha2-truncbug", "sha2_truncbug"] {
        if let Some((p, yes)) = get(key).and_then(|p| Some((p, boolean(&p.value)?))) {
            child.sha256_96 = ctx.at(yes, p.line);
        }
    }
    for (key, cause) in [
        ("failureshunt", "failure-policy-passthrough"),
        ("negotiationshunt", "failure-policy-passthrough"),
    ] {
        if let Some(p) = get(key).filter(|p| matches!(p.value.as_str(), "passthrough" | "pass")) {
            child.passes_in_clear = ctx.at(true, p.line);
            let source = ctx.source(p.line);
            ctx.lint(
                cause,
                Weight::Warning,
                Some(&c.name),
                source,
                format!(
                    "`{key}={}` lets traffic of the tunnel pass in clear when there is no SA",
                    p.value
                ),
                format!("{key}=drop"),
            );
        }
    }
    for key in [
        "leftxauthserver",
        "leftxauthclient",
        "rightxauthserver",
        "rightxauthclient",
    ] {
        if get(key).is_some_and(|p| p.value == "yes") {
            for auth in [&mut c.local_auth.value, &mut c.remote_auth.value] {
                if !auth.contains(&AuthMethod::Xauth) {
                    auth.push(AuthMethod::Xauth);
                }
            }
        }
    }
    one_sided_networks(ctx, c, &get);
    if let Some(p) = all.setup(section.setups, "nat_traversal") {
        if c.dialect == Dialect::Openswan {
            c.nat_t = ctx.at(boolean(&p.value).unwrap_or(true), p.line);
        }
    } else if c.dialect == Dialect::Openswan {
        c.nat_t = Setting::default_of(false);
    }
}

/// A list of networks at one end and none at the other: Libreswan 4 combines each with nothing, adds nothing, and says nothing
/// (`starter_permutate_conns`); its version 5 takes the host.
fn one_sided_networks<'p, 'a: 'p>(
    ctx: &mut Context<'_>,
    c: &PeerConnection,
    get: &impl Fn(&str) -> Option<&'p Param<'a>>,
) {
    let lost = [("left", "right"), ("right", "left")]
        .into_iter()
        .find_map(|(end, other)| {
            let list = get(&format!("{end}subnets"))?;
            let alone = get(&format!("{other}subnet")).is_none()
                && get(&format!("{other}subnets")).is_none();
            alone.then_some((list, end, other))
        });
    let Some((list, end, other)) = lost else {
        return;
    };
    if c.dialect == Dialect::Openswan || c.product_version.is_some_and(|v| v >= (5, 0)) {
        return;
    }
    let source = ctx.source(list.line);
    ctx.lint(
        "config-not-loaded",
        Weight::Error,
        Some(&c.name),
        source,
        format!(
            "`{end}subnets` without `{other}subnet` or `{other}subnets`: Libreswan before 5.0 loses such a connection, and doesn't say so"
        ),
        format!("{other}subnet=NETWORK, or `{end}subnet=` with one network in a connection of its own"),
    );
}

fn versions<'p, 'a: 'p>(
    ctx: &Context<'_>,
    c: &mut PeerConnection,
    get: &impl Fn(&str) -> Option<&'p Param<'a>>,
) {
    let exchange = get("keyexchange").and_then(|p| match p.value.as_str() {
        "ikev1" => Some((p, Versions::V1)),
        "ikev2" => Some((p, Versions::V2)),
        _ => None,
    });
    let ikev2 = get("ikev2").and_then(|p| {
        Some((
            p,
            match p.value.to_ascii_lowercase().as_str() {
                "insist" | "yes" | "propose" => Versions::V2,
                "no" | "never" => Versions::V1,
                // It begins IKEv1 and answers either.
                "permit" => Versions {
                    initiates: 1,
                    ..Versions::BOTH
                },
                _ => return None,
            },
        ))
    });
    c.versions = match exchange.or(ikev2) {
        Some((p, versions)) => ctx.at(versions, p.line),
        // Openswan permits IKEv2 and begins IKEv1; so did Libreswan before 4.
        None if c.dialect == Dialect::Openswan || c.product_version.is_some_and(|v| v < (4, 0)) => {
            Setting::default_of(Versions {
                initiates: 1,
                ..Versions::BOTH
            })
        }
        None if c.product_version.is_some() => Setting::default_of(Versions::V2),
        // Which one it is depends on a version that isn't known.
        None => Setting::default_of(Versions::BOTH),
    };
}

/// Proposals of `ike=` and `esp=`: `aes256-sha2_256;dh14,aes_gcm128+aes_gcm256;dh19`. `None` when one can't be read.
fn proposals(
    ctx: &mut Context<'_>,
    connection: &str,
    line: &Line,
    text: &str,
    kind: SaKind,
    v1: bool,
) -> Option<Vec<Proposal>> {
    if text.ends_with('!') {
        let source = ctx.source(line);
        ctx.lint(
            "config-syntax-rejected",
            Weight::Error,
            Some(connection),
            source,
            "`!` is strongSwan's; Libreswan uses what is written and nothing else",
            "remove the `!`",
        );
    }
    let mut out = Vec::new();
    let mut whole = true;
    for item in text.trim_end_matches('!').split(',') {
        let item = item.trim();
        if item.is_empty() {
            continue;
        }
        match one(item, kind, v1) {
            Ok(list) => out.extend(list),
            Err(word) => {
                whole = false;
                let source = ctx.source(line);
                let near = adit_model::keywords::nearest(&word);
                ctx.lint(
                    "config-syntax-rejected",
                    Weight::Error,
                    Some(connection),
                    source,
                    format!(
                        "`{word}` in `{item}` isn't an algorithm{}",
                        near.map(|n| format!("; did you mean `{n}`?"))
                            .unwrap_or_default()
                    ),
                    near.unwrap_or("write algorithms as Libreswan names them"),
                );
            }
        }
    }
    (whole && !out.is_empty()).then_some(out)
}

fn one(item: &str, kind: SaKind, v1: bool) -> Result<Vec<Proposal>, String> {
    let mut p = Proposal::default();
    let mut previous = String::new();
    let words = item
        .split(['-', ';', '+'])
        .map(str::trim)
        .filter(|w| !w.is_empty())
        .map(str::to_ascii_lowercase);
    for word in words {
        // The length of the check value, as old lists have it: `3des-md5-96`.
        if matches!(word.as_str(), "96" | "128") && !p.integ.is_empty() {
            continue;
        }
        // A key length of its own: `aes-256`.
        if let "128" | "192" | "256" = word.as_str()
            && !previous.is_empty()
        {
            p.encr.clear();
            if let Some(found) = algorithm(&format!("{previous}{word}")) {
                add(&mut p, found);
                continue;
            }
        }
        if matches!(word.as_str(), "none" | "null" | "nopfs" | "dh0") && !p.encr.is_empty() {
            continue;
        }
        let Some(found) = algorithm(&word) else {
            return Err(word);
        };
        previous = word;
        add(&mut p, found);
    }
    if p.encr.is_empty() && p.integ.is_empty() {
        return Err(item.to_owned());
    }
    match kind {
        SaKind::Ike => {
            if p.integ.is_empty() && p.prf.is_empty() {
                p.integ = default_hashes(v1);
            }
            complete_ike(&mut p);
            if p.ke.is_empty() {
                p.ke = default_groups(v1);
            }
        }
        SaKind::Esp => {
            let aead = !p.encr.is_empty() && p.encr.iter().all(|e| e.is_aead());
            if aead {
                drop_integrity_of_aead(&mut p);
            } else if p.integ.is_empty() {
                p.integ = default_hashes(v1);
            }
            p.prf.clear();
        }
    }
    Ok(split_aead(p))
}

/// `leftsubnets` and `rightsubnets` make one connection of each pair.
pub(crate) fn pairs(params: &[Param<'_>], child: PeerChild) -> Vec<PeerChild> {
    const MOST: usize = 256;
    let several = params
        .iter()
        .any(|p| matches!(p.key.as_str(), "leftsubnets" | "rightsubnets"));
    if !several {
        return vec![child];
    }
    let mut out = Vec::new();
    for (i, left) in child.local_ts.value.iter().enumerate() {
        for (j, right) in child.remote_ts.value.iter().enumerate() {
            if out.len() < MOST {
                let mut one = child.clone();
                one.name = format!("{}/{}x{}", child.name, i + 1, j + 1);
                one.local_ts.value = vec![*left];
                one.remote_ts.value = vec![*right];
                out.push(one);
            }
        }
    }
    out
}
