//! What is strongSwan's own in ipsec.conf: its words, its proposals with `!`, its defaults.

use core::time::Duration;

use adit_model::keywords;
use adit_model::peer_config::{
    PeerChild, PeerConnection, Pfs, Setting, Versions, Weight, WhenDead,
};
use adit_model::proposal::{Proposal, SaKind};
use adit_wire::iana::{EsnId, IntegId};

use super::algorithm::{drop_integrity_of_aead, split_aead};
use super::context::{Context, Line};
use super::ipsec_conf::Param;
use super::value::{boolean, duration, unless_zero, when_dead};

/// Words that only strongSwan has.
pub(crate) const ONLY: &[&str] = &[
    "leftauth",
    "rightauth",
    "leftauth2",
    "rightauth2",
    "charondebug",
    "charonstart",
    "plutostart",
    "strictcrlpolicy",
    "leftfirewall",
    "rightfirewall",
    "lefthostaccess",
    "margintime",
    "closeaction",
    "installpolicy",
    "eap_identity",
    "cachecrls",
    "leftsendcert",
    "rightsendcert",
    "leftdns",
    "rightdns",
    "rightgroups",
    "mark_in",
    "mark_out",
    "leftikeport",
    "reauth",
    "marginbytes",
    "marginpackets",
    "lifetime",
    "lifebytes",
    "lifepackets",
    "inactivity",
    "keyingtries%",
    "leftallowany",
    "rightallowany",
    "aaa_identity",
    "xauth_identity",
    "leftca",
    "leftcert2",
    "leftid2",
    "modeconfig",
    "replay_window",
    "rightsourceip",
];

/// Every word of strongSwan's ipsec.conf; those of the right end are those of the left.
pub(crate) const WORDS: &[&str] = &[
    "also",
    "aaa_identity",
    "aggressive",
    "ah",
    "auth",
    "authby",
    "auto",
    "closeaction",
    "compress",
    "dpdaction",
    "dpddelay",
    "dpdtimeout",
    "inactivity",
    "eap_identity",
    "esp",
    "forceencaps",
    "fragmentation",
    "ike",
    "ikedscp",
    "ikelifetime",
    "installpolicy",
    "keyexchange",
    "keyingtries",
    "lifebytes",
    "lifepackets",
    "lifetime",
    "keylife",
    "marginbytes",
    "marginpackets",
    "margintime",
    "rekeymargin",
    "mark",
    "mark_in",
    "mark_out",
    "mobike",
    "modeconfig",
    "reauth",
    "rekey",
    "rekeyfuzz",
    "replay_window",
    "reqid",
    "sha256_96",
    "tfc",
    "type",
    "xauth",
    "xauth_identity",
    "mediation",
    "mediated_by",
    "me_peerid",
    "left",
    "leftallowany",
    "leftauth",
    "leftauth2",
    "leftca",
    "leftca2",
    "leftcert",
    "leftcert2",
    "leftcertpolicy",
    "leftdns",
    "leftfirewall",
    "leftgroups",
    "leftgroups2",
    "lefthostaccess",
    "leftid",
    "leftid2",
    "leftikeport",
    "leftprotoport",
    "leftsendcert",
    "leftsigkey",
    "leftrsasigkey",
    "leftsourceip",
    "leftsubnet",
    "leftsubnetwithin",
    "leftupdown",
    "leftnexthop",
    "leftnatip",
    "leftcustomid",
    "pfs",
    "pfsgroup",
    "eap",
    "keep_alive",
    "nat_traversal",
    "plutostart",
    "charonstart",
    "plutodebug",
    "interfaces",
    "cacert",
    "crluri",
    "crluri1",
    "crluri2",
    "ocspuri",
    "ocspuri1",
    "ocspuri2",
    "certuribase",
    "cachecrls",
    "charondebug",
    "strictcrlpolicy",
    "uniqueids",
    "hidetos",
    "klipsdebug",
    "nocrsend",
    "overridemtu",
    "prepluto",
    "postpluto",
    "syslog",
    "virtual_private",
    "dumpdir",
    "fragicmp",
    "packetdefault",
    "pkcs11module",
    "pkcs11keepstate",
    "pkcs11proxy",
    "crlcheckinterval",
    "ldaphost",
    "force_keepalive",
    "port_start",
];

const HOUR: u64 = 3600;

/// Fills in what strongSwan reads in its own way, and its defaults.
pub(crate) fn complete(
    ctx: &mut Context<'_>,
    params: &[Param<'_>],
    c: &mut PeerConnection,
    child: &mut PeerChild,
) {
    let get = |key: &str| params.iter().find(|p| p.key == key);
    c.versions = match get("keyexchange") {
        Some(p) => ctx.at(
            match p.value.as_str() {
                "ikev1" => Versions::V1,
                "ikev2" => Versions::V2,
                _ => Versions::BOTH,
            },
            p.line,
        ),
        None => Setting::default_of(Versions::BOTH),
    };
    c.ike = match get("ike") {
        Some(p) => {
            let list = proposals(ctx, &c.name, p.line, &p.value, SaKind::Ike, true);
            ctx.at(list, p.line)
        }
        None => Setting::default_of(Some(default_ike(ctx.version))),
    };
    let esp = get("esp").or_else(|| get("ah"));
    child.ah = get("ah").is_some() && get("esp").is_none();
    let (list, pfs) = match esp {
        Some(p) => {
            let list = proposals(ctx, &c.name, p.line, &p.value, SaKind::Esp, true);
            let (list, pfs) = apart(list);
            (ctx.at(list, p.line), ctx.at(pfs, p.line))
        }
        None => (
            Setting::default_of(Some(default_esp(ctx.version))),
            Setting::default_of(Some(default_pfs(ctx.version))),
        ),
    };
    child.esp = list;
    child.pfs = pfs;
    if let Some(p) = get("pfs") {
        let source = ctx.source(p.line);
        ctx.lint(
            "config-syntax-rejected",
            Weight::Hint,
            Some(&c.name),
            source,
            "strongSwan ignores `pfs` since 5.0: there is PFS if `esp` names a group",
            "esp=…-modp2048",
        );
    }
    c.ike_life = match get("ikelifetime") {
        Some(p) => ctx.at(duration(&p.value).and_then(unless_zero), p.line),
        None => Setting::default_of(Some(Duration::from_secs(3 * HOUR))),
    };
    if !child.life.is_written() {
        child.life = Setting::default_of(Some(Duration::from_secs(HOUR)));
    }
    c.reauth = match get("reauth").and_then(|p| Some((p, boolean(&p.value)?))) {
        Some((p, yes)) => ctx.at(yes, p.line),
        None => Setting::default_of(true),
    };
    if !c.mobike.is_written() {
        c.mobike = Setting::default_of(true);
    }
    // Without an action the peer isn't asked.
    let no_action = matches!(c.dpd_action.value, WhenDead::Nothing);
    if no_action {
        c.dpd_delay.value = None;
    } else if !c.dpd_delay.is_written() {
        c.dpd_delay = Setting::default_of(Some(Duration::from_secs(30)));
    }
    if let Some((p, action)) = get("closeaction").and_then(|p| Some((p, when_dead(&p.value)?))) {
        child.close_action = ctx.at(action, p.line);
    }
    if let Some((p, yes)) = get("sha256_96").and_then(|p| Some((p, boolean(&p.value)?))) {
        child.sha256_96 = ctx.at(yes, p.line);
    }
    if let Some(p) = get("aggressive").filter(|_| c.versions.value == Versions::V2) {
        let source = ctx.source(p.line);
        ctx.lint(
            "ikev1-exchange-mode-mismatch",
            Weight::Hint,
            Some(&c.name),
            source,
            "`aggressive` has no meaning with IKEv2",
            "remove it",
        );
    }
}

/// Proposals of `ike=`, `esp=`, `proposals` and `esp_proposals`. `stroke` adds the defaults unless the text ends in
/// `!`. `None` when something in it can't be read.
pub(crate) fn proposals(
    ctx: &mut Context<'_>,
    connection: &str,
    line: &Line,
    text: &str,
    kind: SaKind,
    stroke: bool,
) -> Option<Vec<Proposal>> {
    let strict = !stroke || text.trim_end().ends_with('!');
    let mut out: Vec<Proposal> = Vec::new();
    let mut whole = true;
    for item in text.split(',') {
        let item = item.trim().trim_end_matches('!').trim();
        if item.is_empty() {
            continue;
        }
        if item == "default" {
            out.extend(match kind {
                SaKind::Ike => default_ike(ctx.version),
                SaKind::Esp => default_esp(ctx.version),
            });
            continue;
        }
        match one(item, kind) {
            Ok(mut list) => out.append(&mut list),
            Err(why) => {
                whole = false;
                let source = ctx.source(line);
                ctx.lint(
                    "config-syntax-rejected",
                    Weight::Error,
                    Some(connection),
                    source,
                    why,
                    "write algorithms as strongSwan names them, joined by `-`",
                );
            }
        }
        lint_aead(ctx, connection, line, item, kind);
    }
    if !strict {
        out.extend(match kind {
            SaKind::Ike => default_ike(ctx.version),
            SaKind::Esp => default_esp(ctx.version),
        });
    }
    (whole && !out.is_empty()).then_some(out)
}

fn one(item: &str, kind: SaKind) -> Result<Vec<Proposal>, String> {
    if item.contains(';') {
        return Err(format!(
            "`{item}`: strongSwan joins a group by `-`; `;` is Libreswan's way"
        ));
    }
    let mut plain = Vec::new();
    let mut truncated = false;
    for word in item.split('-') {
        let word = word.trim();
        match word {
            // A key exchange more, of RFC 9370; none at all.
            w if w.starts_with("ke") && w.contains('_') => {}
            "modpnull" | "modpnone" | "none" | "prfnone" => {}
            "sha256_96" | "sha2_256_96" => {
                truncated = true;
                plain.push("sha256");
            }
            _ => plain.push(word),
        }
    }
    let mut p: Proposal = plain.join("-").parse().map_err(|e| format!("{e}"))?;
    if truncated {
        p.integ.retain(|i| *i != IntegId::AUTH_HMAC_SHA2_256_128);
        // The private number that strongSwan gives it.
        p.integ.push(IntegId(1026));
    }
    if p.encr.is_empty() && !p.integ.is_empty() && kind == SaKind::Esp {
        // AH.
        return Ok(vec![p]);
    }
    if p.encr.is_empty() {
        return Err(format!("`{item}` names no encryption algorithm"));
    }
    if kind == SaKind::Ike {
        if p.prf.is_empty() {
            p.prf = p
                .integ
                .iter()
                .filter_map(|i| keywords::prf_of_integ(*i))
                .collect();
        }
        if p.ke.is_empty() {
            return Err(format!(
                "`{item}` names no key exchange group, which IKE needs"
            ));
        }
        if p.prf.is_empty() {
            return Err(format!(
                "`{item}` names neither integrity algorithm nor PRF, and IKE needs a PRF"
            ));
        }
    } else if p.esn == [EsnId::NO_ESN] {
        p.esn.clear();
    }
    let mut list = split_aead(p);
    list.iter_mut().for_each(drop_integrity_of_aead);
    Ok(list)
}

fn lint_aead(ctx: &mut Context<'_>, connection: &str, line: &Line, item: &str, kind: SaKind) {
    let Ok(p) = item.parse::<Proposal>() else {
        return;
    };
    let aead = !p.encr.is_empty() && p.encr.iter().all(|e| e.is_aead());
    if aead && !p.integ.is_empty() {
        let source = ctx.source(line);
        let (message, fix) = match kind {
            SaKind::Ike => (
                "an AEAD cipher has no integrity algorithm of its own; strongSwan takes the hash for the PRF",
                "write the PRF instead, such as prfsha256",
            ),
            SaKind::Esp => (
                "an AEAD cipher has no integrity algorithm of its own; the hash is left out",
                "remove the hash",
            ),
        };
        ctx.lint(
            "config-syntax-rejected",
            Weight::Hint,
            Some(connection),
            source,
            message,
            fix,
        );
    }
}

/// ESP proposals without their groups, and the groups.
pub(crate) fn apart(list: Option<Vec<Proposal>>) -> (Option<Vec<Proposal>>, Option<Pfs>) {
    let Some(mut list) = list else {
        return (None, None);
    };
    let groups = Pfs::of_list(&list);
    for p in &mut list {
        p.ke.clear();
    }
    (Some(list), Some(groups))
}

fn parse(texts: &[&str]) -> Vec<Proposal> {
    texts.iter().filter_map(|t| t.parse().ok()).collect()
}

/// A version as far as defaults depend on it; `None` where it isn't known.
pub(crate) type Version = Option<(u16, u16)>;

/// What strongSwan offers for IKE when nothing is written, as far as plugins agree. 5.6.1 dropped MD5 and the groups of
/// 1024 and 1536 bits.
pub(crate) fn default_ike(version: Version) -> Vec<Proposal> {
    const KE: &str = "curve25519-ecp256-ecp384-ecp521-curve448-ecp256bp-ecp384bp-ecp512bp-modp3072-modp4096-modp6144-modp8192-modp2048";
    const PRF: &str = "prfsha256-prfsha384-prfsha512-prfaesxcbc-prfaescmac-prfsha1";
    let old = version.is_some_and(|v| v < (5, 6));
    let (cipher, integ, prf, ke) = if old {
        ("-3des", "-md5", "-prfmd5", "-modp1536-modp1024")
    } else {
        ("", "", "", "")
    };
    parse(&[
        &format!(
            "aes128-aes192-aes256{cipher}-sha256-sha384-sha512-aesxcbc-aescmac-sha1{integ}-{PRF}{prf}-{KE}{ke}"
        ),
        &format!(
            "aes128gcm16-aes192gcm16-aes256gcm16-chacha20poly1305-aes128ccm16-aes192ccm16-aes256ccm16-aes128gcm12-aes192gcm12-aes256gcm12-aes128gcm8-aes192gcm8-aes256gcm8-{PRF}{prf}-{KE}{ke}"
        ),
    ])
}

/// What strongSwan offers for ESP when nothing is written: AES-GCM since 5.9.0; 3DES, Blowfish and MD5 up to 5.6.0.
pub(crate) fn default_esp(version: Version) -> Vec<Proposal> {
    const CLASSIC: &str = "aes128-aes192-aes256-sha256-sha384-sha512-sha1-aesxcbc";
    match version {
        // 5.3 had no SHA-2 among them; when it came isn't told.
        Some(v) if v < (5, 4) => parse(&["aes128-aes192-aes256-3des-blowfish256-sha1-aesxcbc-md5"]),
        Some(v) if v < (5, 6) => parse(&[&format!("{CLASSIC}-3des-blowfish256-md5")]),
        Some(v) if v < (5, 9) => parse(&[CLASSIC]),
        _ => parse(&["aes128gcm16-aes192gcm16-aes256gcm16", CLASSIC]),
    }
}

/// PFS with the default ESP proposals: none up to 6.0.1, and whatever the peer wants since.
pub(crate) fn default_pfs(version: Version) -> Pfs {
    if version.is_some_and(|v| v >= (6, 0)) {
        Pfs::AsPeer
    } else {
        Pfs::Off
    }
}
