//! What single lines of charon, of its starter and of what is built on it decide; and that a line about something else
//! doesn't decide why an attempt failed.
#![allow(clippy::unwrap_used)]

use adit_diagnose::{Answer, Verdict, diagnose};
use adit_evidence::{case, read};
use adit_model::fact::Side;
use adit_model::now::Wall;

/// 2026-11-22T00:00:00Z.
const NOW: Wall = Wall(1_795_305_600_000);

fn judge(text: &str) -> Verdict {
    let reading = read("paste", Side::Local, text.as_bytes(), NOW);
    diagnose(&case(None, vec![reading]))
}

fn word(verdict: &Verdict) -> &str {
    match verdict.verdict {
        Answer::Healthy => "healthy",
        Answer::Undecided => "undecided",
        Answer::Cause => verdict.cause().unwrap(),
    }
}

/// The lines with times and threads, as syslog has them.
fn log<'l>(lines: impl IntoIterator<Item = &'l str>) -> String {
    lines
        .into_iter()
        .enumerate()
        .map(|(at, line)| {
            format!(
                "Nov 21 08:{:02}:{:02} hub charon[731]: {:02}{line}\n",
                at / 60,
                at % 60,
                at % 14 + 2
            )
        })
        .collect()
}

/// A line, and what it settles by itself.
const SETTLED: &[(&str, &str)] = &[
    (
        "[CFG] path length of 2 violates constraint of 1",
        "signature-or-keyusage-rejected",
    ),
    (
        "[CFG] intermediate CA 'CN=Branch CA' does not inherit permitted name constraint 'O=Hub'",
        "signature-or-keyusage-rejected",
    ),
    (
        "[CFG] subject address block 10.9.0.0/16 is not contained in any issuer address block",
        "signature-or-keyusage-rejected",
    ),
    (
        "[IKE] <hub|2> signature validation failed, looking for another key",
        "signature-or-keyusage-rejected",
    ),
    (
        "[CFG] constraint requires EAP vendor 311, but 9 was used",
        "auth-method-mismatch",
    ),
    (
        "[CFG] <hub|2> selected peer config 'hub' unacceptable: insufficient authentication rounds",
        "auth-method-mismatch",
    ),
    (
        "[CFG] constraint check failed: group membership to 'staff' required",
        "id-mismatch",
    ),
    (
        "[IKE] <hub|2> key exchange method ECP_521 not supported",
        "algorithm-not-available",
    ),
    (
        "[IKE] <hub|2> peer's proposal selection invalid",
        "vendor-incompatibility",
    ),
    (
        "[IKE] <hub|2> configuration payload negotation failed, no CHILD_SA built",
        "virtual-ip-or-cp-failure",
    ),
    (
        "[CFG] line 4: token must be either RSA, ECDSA, P12, PIN, PSK, EAP, XAUTH or NTLM",
        "psk-formatting",
    ),
    (
        "[CFG] detected duplicate IKE_SA for 'berta', triggering delete for old IKE_SA",
        "uniqueness-kicks-peer",
    ),
    (
        "[KNL] error installing route with policy 10.1.0.0/16 === 10.9.0.0/16 out",
        "policy-route-table-220-lost",
    ),
    (
        "[NET] unable to set IPSEC_POLICY on socket: Operation not permitted",
        "selinux-apparmor-or-caps",
    ),
    (
        "[NET] unable to set IPSEC_POLICY on socket: Protocol not available",
        "kernel-module-or-algo-missing",
    ),
    (
        "[LIB] integrity check of libstrongswan failed",
        "daemon-not-running",
    ),
    ("[ESP] ICV verification failed!", "esp-integrity-failure"),
    // The app and the desktop, which print no log.
    (
        "Failed to establish VPN: User authentication failed.",
        "eap-xauth-failure",
    ),
    (
        "Failed to establish VPN: Server address lookup failed.",
        "peer-dns-unresolvable",
    ),
    (
        "Failed to establish VPN: Client certificate unavailable.",
        "private-key-missing",
    ),
    (
        "Failed to establish VPN: Server is unreachable.",
        "undecided",
    ),
    (
        "<error> [1763712000.1] vpn[0x5581,\"work\"]: failed to connect: 'Invalid ESP proposal.'",
        "config-syntax-rejected",
    ),
    (
        "<error> [1763712000.1] vpn[0x5581,\"work\"]: failed to connect: 'Loading private key failed.'",
        "private-key-missing",
    ),
    // Which constraint it was is said before these.
    (
        "[CFG] <hub|2> selected peer config 'hub' unacceptable: constraint checking failed",
        "undecided",
    ),
    (
        "[CFG] <hub|2> selected peer config 'hub' unacceptable: non-matching authentication done",
        "undecided",
    ),
    // It does so a little later.
    (
        "[IKE] <hub|2> unable to reauthenticate in CHILD_SA REKEYING state, delaying for 9s",
        "undecided",
    ),
    (
        "[CFG] subject certificate invalid (valid from Feb 01 00:00:00 2031 to Feb 01 00:00:00 2033)",
        "cert-not-yet-valid",
    ),
];

#[test]
fn a_line_settles_what_it_says() {
    let wrong: Vec<String> = SETTLED
        .iter()
        .map(|(line, want)| (line, want, judge(&log([*line]))))
        .filter(|(_, want, verdict)| word(verdict) != **want)
        .map(|(line, _, verdict)| format!("{line}: {}", word(&verdict)))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Our first message isn't answered.
const UNANSWERED: &[&str] = &[
    "[IKE] <hub|2> initiating IKE_SA hub[2] to 192.0.2.80",
    "[ENC] <hub|2> generating IKE_SA_INIT request 0 [ SA KE No N(NATD_S_IP) N(NATD_D_IP) ]",
    "[NET] <hub|2> sending packet: from 198.51.100.5[500] to 192.0.2.80[500] (472 bytes)",
    "[IKE] <hub|2> retransmit 1 of request with message ID 0",
    "[IKE] <hub|2> retransmit 2 of request with message ID 0",
    "[IKE] <hub|2> giving up after 5 retransmits",
    "[IKE] <hub|2> establishing IKE_SA failed, peer not responding",
];

/// The peer refuses our proof and doesn't say why.
const REFUSED: &[&str] = &[
    "[IKE] <hub|2> initiating IKE_SA hub[2] to 192.0.2.80",
    "[ENC] <hub|2> generating IKE_SA_INIT request 0 [ SA KE No N(NATD_S_IP) N(NATD_D_IP) ]",
    "[NET] <hub|2> sending packet: from 198.51.100.5[500] to 192.0.2.80[500] (472 bytes)",
    "[NET] <hub|2> received packet: from 192.0.2.80[500] to 198.51.100.5[500] (472 bytes)",
    "[ENC] <hub|2> parsed IKE_SA_INIT response 0 [ SA KE No N(NATD_S_IP) N(NATD_D_IP) ]",
    "[CFG] <hub|2> selected proposal: IKE:AES_GCM_16_256/PRF_HMAC_SHA2_256/ECP_256",
    "[ENC] <hub|2> generating IKE_AUTH request 1 [ IDi IDr AUTH SA TSi TSr ]",
    "[ENC] <hub|2> parsed IKE_AUTH response 1 [ N(AUTH_FAILED) ]",
    "[IKE] <hub|2> received AUTHENTICATION_FAILED notify error",
];

/// The sides have proved themselves, and the peer doesn't take the networks.
const NO_TRAFFIC: &[&str] = &[
    "[IKE] <hub|2> initiating IKE_SA hub[2] to 192.0.2.80",
    "[ENC] <hub|2> generating IKE_AUTH request 1 [ IDi IDr AUTH SA TSi TSr ]",
    "[ENC] <hub|2> parsed IKE_AUTH response 1 [ IDr AUTH N(TS_UNACCEPT) ]",
    "[IKE] <hub|2> authentication of '192.0.2.80' with pre-shared key successful",
    "[IKE] <hub|2> IKE_SA hub[2] established between 198.51.100.5[hub]...192.0.2.80[192.0.2.80]",
    "[IKE] <hub|2> received TS_UNACCEPTABLE notify, no CHILD_SA built",
];

/// We refuse a user.
const WRONG_PASSWORD: &[&str] = &[
    "[IKE] <2> 192.0.2.80 is initiating IKE_SA (unnamed)[2]",
    "[ENC] <2> generating IKE_SA_INIT response 0 [ SA KE No N(NATD_S_IP) N(NATD_D_IP) ]",
    "[ENC] <2> parsed IKE_AUTH request 1 [ IDi CERTREQ CPRQ(ADDR) SA TSi TSr ]",
    "[CFG] <hub|2> selected peer config 'hub'",
    "[IKE] <hub|2> EAP-MS-CHAPv2 verification failed, retry (1)",
    "[IKE] <hub|2> EAP method EAP_MSCHAPV2 failed for peer berta",
    "[ENC] <hub|2> generating IKE_AUTH response 5 [ EAP/FAIL ]",
];

/// We take the peer's proof, and not its name.
const OTHER_NAME: &[&str] = &[
    "[IKE] <hub|2> initiating IKE_SA hub[2] to 192.0.2.80",
    "[ENC] <hub|2> generating IKE_AUTH request 1 [ IDi CERTREQ SA TSi TSr ]",
    "[ENC] <hub|2> parsed IKE_AUTH response 1 [ IDr CERT AUTH EAP/REQ/ID ]",
    "[IKE] <hub|2> authentication of 'gate.example' with RSA_EMSA_PKCS1_SHA2_256 successful",
    "[CFG] <hub|2> constraint check failed: identity 'hub.example' required",
    "[CFG] <hub|2> selected peer config 'hub' unacceptable: constraint checking failed",
    "[CFG] <hub|2> no alternative config found",
];

/// Our kernel doesn't take the SA.
const NO_ALGORITHM: &[&str] = &[
    "[IKE] <hub|2> initiating IKE_SA hub[2] to 192.0.2.80",
    "[IKE] <hub|2> IKE_SA hub[2] established between 198.51.100.5[hub]...192.0.2.80[192.0.2.80]",
    "[KNL] <hub|2> received netlink error: Function not implemented (38)",
    "[KNL] <hub|2> unable to add SAD entry with SPI c4d5e6f7 (FAILED)",
    "[IKE] <hub|2> unable to install inbound and outbound IPsec SA (SAD) in kernel",
];

/// The lines of an attempt, and the verdict on it.
type Attempt = (&'static [&'static str], &'static str);

/// Lines about other tunnels, or about what the attempt didn't get to, by the attempts of which they explain nothing.
const BESIDE: &[(&str, &[Attempt])] = &[
    (
        "[IKE] <old|1> CHILD_SA rekey collision won, deleting old child old{3}",
        &[(UNANSWERED, "undecided"), (REFUSED, "undecided")],
    ),
    (
        "[KNL] HW offload is not supported by device eth0",
        &[(UNANSWERED, "undecided"), (REFUSED, "undecided")],
    ),
    (
        "[IKE] <old|1> peer did not accept our IPComp proposal, IPComp disabled",
        &[(UNANSWERED, "undecided"), (REFUSED, "undecided")],
    ),
    (
        "[IKE] <old|1> not using transport mode, connection NATed",
        &[
            (UNANSWERED, "undecided"),
            (REFUSED, "undecided"),
            (WRONG_PASSWORD, "eap-xauth-failure"),
            (OTHER_NAME, "id-mismatch"),
            (NO_TRAFFIC, "ts-mismatch"),
            (NO_ALGORITHM, "kernel-module-or-algo-missing"),
        ],
    ),
    (
        "[IKE] <old|1> handling INTERNAL_IP4_DNS attribute failed",
        &[(UNANSWERED, "undecided"), (REFUSED, "undecided")],
    ),
    (
        "[CHD] updown: iptables: Bad rule (does a matching rule exist in that chain?).",
        &[(UNANSWERED, "undecided"), (REFUSED, "undecided")],
    ),
    (
        "[NET] ignoring IKE_SA setup from 203.0.113.99, peer too aggressive",
        &[(UNANSWERED, "undecided"), (REFUSED, "undecided")],
    ),
    (
        "[LIB] resolving 'other.example' failed: Temporary failure in name resolution",
        &[(UNANSWERED, "undecided"), (REFUSED, "undecided")],
    ),
    (
        "[LIB] dhcp plugin requires CAP_NET_BIND_SERVICE capability",
        &[
            (UNANSWERED, "undecided"),
            (REFUSED, "undecided"),
            (OTHER_NAME, "id-mismatch"),
        ],
    ),
    (
        "[CFG] loading private key from '/etc/ipsec.d/private/other.pem' failed",
        &[
            (REFUSED, "undecided"),
            (NO_TRAFFIC, "ts-mismatch"),
            (OTHER_NAME, "id-mismatch"),
            (NO_ALGORITHM, "kernel-module-or-algo-missing"),
        ],
    ),
    (
        "[CFG] line 9: missing token",
        &[(NO_TRAFFIC, "ts-mismatch")],
    ),
    (
        "[CFG] ca certificate \"CN=Other\" lacks ca basic constraint, discarded",
        &[(REFUSED, "undecided"), (NO_TRAFFIC, "ts-mismatch")],
    ),
    (
        "[CFG] no config named 'hbu'",
        &[
            (UNANSWERED, "undecided"),
            (REFUSED, "undecided"),
            (NO_TRAFFIC, "ts-mismatch"),
        ],
    ),
    (
        "[CFG] id 'hub.example' not confirmed by certificate, defaulting to 'CN=hub'",
        &[(WRONG_PASSWORD, "eap-xauth-failure")],
    ),
    (
        "[LIB] unable to load OpenSSL FIPS provider",
        &[
            (UNANSWERED, "undecided"),
            (REFUSED, "undecided"),
            (NO_TRAFFIC, "ts-mismatch"),
            (WRONG_PASSWORD, "eap-xauth-failure"),
        ],
    ),
];

#[test]
fn what_is_said_beside_an_attempt_does_not_decide_it() {
    let mut wrong = Vec::new();
    for (line, attempts) in BESIDE {
        for (attempt, want) in *attempts {
            let verdict = judge(&log([*line].into_iter().chain(attempt.iter().copied())));
            if word(&verdict) != *want {
                wrong.push(format!("{line}: {}, not {want}", word(&verdict)));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn alone_such_a_line_is_what_is_wrong() {
    for (line, want) in [
        ("[CFG] no config named 'hbu'", "config-not-loaded"),
        (
            "[CFG] loading private key from '/etc/ipsec.d/private/hub.pem' failed",
            "private-key-missing",
        ),
        (
            "[KNL] HW offload is not supported by device eth0",
            "hw-offload-fault",
        ),
        (
            "[LIB] dhcp plugin requires CAP_NET_BIND_SERVICE capability",
            "selinux-apparmor-or-caps",
        ),
    ] {
        assert_eq!(word(&judge(&log([line]))), want, "{line}");
    }
}

#[test]
fn a_daemon_that_has_only_esp_of_its_own_needs_a_tun_device() {
    let text = log([
        "[LIB] failed to open /dev/net/tun: No such file or directory",
        "[KNL] failed to create TUN device",
        "[LIB] plugin 'kernel-libipsec': failed to load - kernel_libipsec_plugin_create returned NULL",
        "[LIB] failed to load 1 critical plugin feature",
        "[DMN] initialization failed - aborting charon",
    ]);
    assert_eq!(word(&judge(&text)), "kernel-module-or-algo-missing");
}
