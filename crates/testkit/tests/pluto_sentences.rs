//! Sentences of pluto's, of its own files, host and kernel and of what it refuses, each where it stands in a log: what
//! settles the cause by itself, and what doesn't.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use adit_diagnose::{Answer, diagnose};
use adit_evidence::{case, read};
use adit_model::fact::Side;
use adit_model::now::Wall;

/// 2026-11-22T00:00:00Z.
const NOW: Wall = Wall(1_795_305_600_000);

/// What stands before a sentence, and the head of its own line.
type Place = (&'static [&'static str], &'static str);

const START: Place = (
    &["Starting Pluto (Libreswan Version 3.25 XFRM(netkey) FORK) pid:812"],
    "",
);
const LOAD: Place = (&[], "\"gw\": ");
const MAIN_RESPONDER: Place = (
    &[
        "packet from 198.51.100.7:500: received Vendor ID payload [Dead Peer Detection]",
        "\"gw\" #1: responding to Main Mode",
        "\"gw\" #1: STATE_MAIN_R2: sent MR2, expecting MI3",
    ],
    "\"gw\" #1: ",
);
const QUICK_INITIATOR: Place = (
    &[
        "\"gw\" #1: STATE_MAIN_I4: ISAKMP SA established {auth=PRESHARED_KEY cipher=aes_256 integ=sha group=MODP2048}",
        "\"gw\" #2: initiating Quick Mode PSK+ENCRYPT+TUNNEL+PFS {using isakmp#1 msgid:5c1de1b7 proposal=AES_CBC_256-HMAC_SHA1_96 pfsgroup=MODP2048}",
    ],
    "\"gw\" #2: ",
);
const QUICK_RESPONDER: Place = (
    &[
        "\"gw\" #1: STATE_MAIN_R3: sent MR3, ISAKMP SA established {auth=PRESHARED_KEY cipher=aes_256 integ=sha group=MODP2048}",
        "\"gw\" #1: the peer proposed: 10.1.0.0/24:0/0 -> 10.2.0.0/24:0/0",
        "\"gw\" #2: responding to Quick Mode proposal {msgid:9d1c0e5a}",
    ],
    "\"gw\" #2: ",
);
const V2_INITIATOR: Place = (
    &[
        "\"gw\" #1: initiating IKEv2 connection to 198.51.100.7 using UDP",
        "\"gw\" #1: sent IKE_SA_INIT request to 198.51.100.7:500",
        "\"gw\" #1: sent IKE_AUTH request {cipher=AES_GCM_16_256 integ=n/a prf=HMAC_SHA2_512 group=MODP2048}",
    ],
    "\"gw\" #1: ",
);
const V2_RESPONDER: Place = (
    &[
        "\"gw\" #1: sent IKE_SA_INIT reply {cipher=AES_GCM_16_256 integ=n/a prf=HMAC_SHA2_512 group=MODP2048}",
    ],
    "\"gw\" #1: ",
);

/// What a log says whose last line is the sentence.
fn verdict((before, head): Place, sentence: &str) -> String {
    let lines = before
        .iter()
        .map(|line| (*line).to_owned())
        .chain([format!("{head}{sentence}")]);
    let log: String = lines
        .enumerate()
        .map(|(at, line)| format!("Nov 21 06:08:{:02} gwa pluto[812]: {line}\n", 2 * at))
        .collect();
    let verdict = diagnose(&case(
        None,
        vec![read("log", Side::Local, log.as_bytes(), NOW)],
    ));
    match verdict.verdict {
        Answer::Cause => verdict.cause().unwrap().to_owned(),
        Answer::Healthy => "healthy".to_owned(),
        Answer::Undecided => "undecided".to_owned(),
    }
}

fn lead(rows: &[(Place, &str, &str)]) {
    let wrong: Vec<String> = rows
        .iter()
        .filter_map(|(place, want, sentence)| {
            let got = verdict(*place, sentence);
            (got != *want).then(|| format!("{got} for {want}: {sentence}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn files_databases_and_the_kernel() {
    lead(&[
        (
            START,
            "daemon-not-running",
            "lock file \"/run/pluto/pluto.pid\" already exists",
        ),
        (
            START,
            "daemon-not-running",
            "Initialization of NSS with read-write database \"sql:/etc/ipsec.d\" failed (-8174)",
        ),
        (
            START,
            "daemon-not-running",
            "FATAL ERROR: NSS: initialization using read-only database \"sql:/var/lib/ipsec/nss\" failed: SEC_ERROR_LEGACY_DATABASE: The certificate/key database is in an old, unsupported format.",
        ),
        (
            START,
            "private-key-missing",
            "NSS Password file \"/etc/ipsec.d/nsspassword\" does not contain token \"NSS Certificate DB\"",
        ),
        (
            START,
            "private-key-missing",
            "authentication of \"NSS Certificate DB\" failed",
        ),
        (
            LOAD,
            "private-key-missing",
            "left certificate with nickname 'gw.example' not found in NSS DB",
        ),
        (
            V2_RESPONDER,
            "id-mismatch",
            "ID_DER_ASN1_DN 'UID=jane, CN=laptop7.example.org, O=Example does not match expected O=Example, CN=*, UID=*",
        ),
        (
            LOAD,
            "cert-expired",
            "left certificate 'gw.example' is expired/invalid",
        ),
        (
            V2_INITIATOR,
            "private-key-missing",
            "connection gw's RSA private key not found",
        ),
        (
            START,
            "psk-formatting",
            "\"/etc/ipsec.secrets\" line 3: malformed end of RSA private key -- indented '}' required",
        ),
        (
            START,
            "psk-formatting",
            "\"/etc/ipsec.secrets\" line 3: WARNING: ignored unrecognized keyword: PKS",
        ),
        (
            LOAD,
            "config-syntax-rejected",
            "virtual string \"vhst:%priv\" is missing prefix - virtual selection is disabled for connection 'gw'",
        ),
        (
            LOAD,
            "peer-dns-unresolvable",
            "failed to resolve 'right=gw.example', domain 'gw.example' does not exist: name error (rcode 3)",
        ),
        (
            START,
            "kernel-module-or-algo-missing",
            "FATAL ERROR: socket() in init_netlink(). Errno 93: Protocol not supported",
        ),
        (
            START,
            "kernel-module-or-algo-missing",
            "Failed to bind bcast socket in init_netlink() - Perhaps kernel has no CONFIG_XFRM_USER support. Errno 2: No such file or directory",
        ),
        (
            QUICK_INITIATOR,
            "kernel-module-or-algo-missing",
            "missing CONFIG_XFRM_INTERFACE support in kernel",
        ),
        (
            QUICK_INITIATOR,
            "algorithm-not-available",
            "XFRM: unknown authentication algorithm: AES_XCBC_96",
        ),
        (
            QUICK_INITIATOR,
            "hw-offload-fault",
            "connection cannot be NAT'ed and use nic-offload=packet",
        ),
        (
            QUICK_INITIATOR,
            "if-id-or-mark-mismatch",
            "ipsec-interface ipsec1 exists but is invalid, IFLA_XFRM_IF_ID attribute 3 does not match ipsec-interface ID 1",
        ),
        (
            QUICK_INITIATOR,
            "updown-script-failure",
            "fgets failed on output of up-client command",
        ),
        (
            QUICK_INITIATOR,
            "updown-script-failure",
            "command \"PLUTO_VERB='up-client' ipsec _updown\": fork() failed: Cannot allocate memory",
        ),
        (
            START,
            "daemon-not-running",
            "destination directory \"/var/lib/ipsec/nss\" is missing or permission denied",
        ),
    ]);
}

#[test]
fn what_is_refused() {
    lead(&[
        (
            QUICK_RESPONDER,
            "ts-mismatch",
            "peer proposal was reject in a virtual connection policy: a private network virtual IP was required, but the proposed IP did not match our list (virtual-private=)",
        ),
        (
            QUICK_RESPONDER,
            "ts-mismatch",
            "  a private network virtual IP was required, but the proposed IP did not match our list (virtual_private=)",
        ),
        (
            QUICK_RESPONDER,
            "ts-mismatch",
            "no suitable connection: a specific network IP was required, but the proposed IP did not match our list (subnet=vhost:list)",
        ),
        (
            QUICK_RESPONDER,
            "esp-proposal-mismatch",
            "1DES was proposed, it is insecure and was rejected",
        ),
        (
            QUICK_RESPONDER,
            "mode-mismatch",
            "ENCAPSULATION_MODE_UDP_TUNNEL_DRAFTS must only be used with old IETF drafts",
        ),
        (
            QUICK_RESPONDER,
            "ipcomp-mismatch",
            "compression proposed by 198.51.100.7, but KLIPS is not configured with IPCOMP",
        ),
        (
            V2_RESPONDER,
            "ike-proposal-mismatch",
            "no proposal chosen from: 1:IKE:ENCR=3DES;PRF=HMAC_SHA1;INTEG=HMAC_SHA1_96;DH=MODP1024",
        ),
        (
            V2_RESPONDER,
            "esp-proposal-mismatch",
            "no proposal chosen from: 1:ESP:ENCR=3DES;INTEG=HMAC_SHA1_96;ESN=DISABLED",
        ),
        (
            V2_RESPONDER,
            "ike-proposal-mismatch",
            "No PARENT proposal selected",
        ),
        (
            V2_INITIATOR,
            "invalid-ke-loop",
            "DH group retries exhausted after 3 attempts",
        ),
        (
            V2_INITIATOR,
            "cookie-challenge-fails",
            "IKEv2_COOKIE notify payload too big - packet dropped",
        ),
        (
            V2_RESPONDER,
            "half-open-limit",
            "too many half open IKE SAs",
        ),
        (
            V2_INITIATOR,
            "ppk-required-mismatch",
            "N(PPK_IDENTITY) not received and connection                 insists on PPK. Abort!",
        ),
        (
            V2_RESPONDER,
            "psk-mismatch",
            "Authentication failed AUTH mismatch!",
        ),
        (
            V2_RESPONDER,
            "crl-unreachable",
            "missing or expired CRL in strict mode, failing pending update and forcing CRL update",
        ),
        (
            V2_RESPONDER,
            "crl-unreachable",
            "NSS: IPsec certificate CN=x invalid: SEC_ERROR_CRL_EXPIRED: The CRL for the certificate's issuer has expired.",
        ),
        (
            V2_RESPONDER,
            "ca-not-trusted",
            "NSS: IPsec certificate CN=x invalid: SEC_ERROR_CERT_NOT_IN_NAME_SPACE: The Certifying Authority for this certificate is not permitted to issue a certificate with this name.",
        ),
        (
            MAIN_RESPONDER,
            "crl-unreachable",
            "no crl from issuer \"CN=ca\" found (strict=yes)",
        ),
        (
            MAIN_RESPONDER,
            "cert-revoked",
            "certificate was revoked on Jan 01 00:00:00 UTC 2020",
        ),
        (
            MAIN_RESPONDER,
            "eap-xauth-failure",
            "XAUTH: PAM auth chain failed with '7'",
        ),
        (
            MAIN_RESPONDER,
            "eap-xauth-failure",
            "PAM: creation of PAM authentication process for user 'joe' failed",
        ),
        (
            MAIN_RESPONDER,
            "virtual-ip-or-cp-failure",
            "XAUTH IP addresspool 10.9.0.0-10.9.0.9 for the conn gw user=joe cannot start at address zero",
        ),
    ]);
}

#[test]
fn what_settles_nothing() {
    lead(&[
        (START, "undecided", "Pluto is NOT running in FIPS mode"),
        (
            START,
            "undecided",
            "Kernel does not support NIC esp-hw-offload",
        ),
        (
            START,
            "undecided",
            "plutodebug='klips' invalid, keyword ignored",
        ),
        (
            START,
            "undecided",
            "crl issuer cacert not found for (file:///etc/ipsec.d/crls/ca.pem)",
        ),
        (
            START,
            "undecided",
            "\"/etc/ipsec.secrets\" line 3: WARNING: The :RSA secrets entries for X.509 certificates are no longer needed",
        ),
        (
            MAIN_RESPONDER,
            "undecided",
            "WARNING: connection PSK length of 5 bytes is too short for sha PRF in FIPS mode (10 bytes required)",
        ),
        (
            V2_INITIATOR,
            "undecided",
            "STATE_PARENT_I1: received unauthenticated v2N_NO_PROPOSAL_CHOSEN - ignored",
        ),
        (
            V2_INITIATOR,
            "undecided",
            "AUTH response contained the error notification AUTHENTICATION_FAILED",
        ),
        (
            V2_INITIATOR,
            "undecided",
            "IKE SA authentication request rejected: AUTHENTICATION_FAILED",
        ),
        (
            QUICK_INITIATOR,
            "undecided",
            "unroute-client command exited with status 2",
        ),
        (
            QUICK_INITIATOR,
            "undecided",
            "up-client output: Error: Peer netns reference is invalid.",
        ),
        (
            QUICK_INITIATOR,
            "undecided",
            "pending Quick Mode with 198.51.100.7 \"gw\" took too long -- replacing phase 1",
        ),
        (
            QUICK_INITIATOR,
            "undecided",
            "cannot route -- route already in use for \"other\" - but allowing anyway",
        ),
        (
            QUICK_RESPONDER,
            "undecided",
            "peer Virtual IP 10.2.0.0/24 overlapping 10.2.0.0/24 from \"other\" permitted by mutual consent (and kernel support)",
        ),
        (
            START,
            "undecided",
            "pluto killed by SIGTERM, terminating without restart",
        ),
    ]);
}

/// A scanner's request, which no connection is for.
const STRANGER: &str = "packet from 203.0.113.9:500: initial Main Mode message received on 192.0.2.1:500 but no connection has been authorized with policy PSK+IKEV1_ALLOW";
const STRANGER_AGGRESSIVE: &str = "packet from 203.0.113.9:500: initial Aggressive Mode message from 203.0.113.9:500 but no (wildcard) connection has been configured with policy=PSK+AGGRESSIVE";

/// Tunnels that fail, each for its own reason.
const FAILING: [(&str, &[&str]); 4] = [
    (
        "psk-mismatch",
        &[
            "\"rw\"[1] 198.51.100.7 #1: responding to Main Mode from unknown peer 198.51.100.7:500",
            "\"rw\"[1] 198.51.100.7 #1: STATE_MAIN_R2: sent MR2, expecting MI3",
            "\"rw\"[1] 198.51.100.7 #1: probable authentication failure (mismatch of preshared secrets?): malformed payload in packet",
        ],
    ),
    (
        "ike-proposal-mismatch",
        &[
            "\"rw\"[1] 198.51.100.7 #1: no local proposal matches remote proposals 1:IKE:ENCR=3DES;PRF=HMAC_SHA1;INTEG=HMAC_SHA1_96;DH=MODP1024",
            "\"rw\"[1] 198.51.100.7 #1: responding to IKE_SA_INIT message (ID 0) from 198.51.100.7:500 with unencrypted notification NO_PROPOSAL_CHOSEN",
        ],
    ),
    (
        "id-mismatch",
        &[
            "\"gw\" #1: initiating Main Mode",
            "\"gw\" #1: STATE_MAIN_I3: sent MI3, expecting MR3",
            "\"gw\" #1: we require IKEv1 peer to have ID '198.51.100.7', but peer declares '198.51.100.8'",
            "\"gw\" #1: sending encrypted notification INVALID_ID_INFORMATION to 198.51.100.7:500",
        ],
    ),
    (
        "undecided",
        &[
            "\"gw\" #1: initiating IKEv2 connection to 198.51.100.7 using UDP",
            "\"gw\" #1: sent IKE_SA_INIT request to 198.51.100.7:500",
            "\"gw\" #1: 60 second timeout exceeded after 7 retransmits.  No response (or no acceptable response) to our first IKEv2 message",
        ],
    ),
];

#[test]
fn a_stranger_hides_no_failure() {
    for (want, lines) in FAILING {
        let (last, before) = lines.split_last().unwrap();
        assert_eq!(verdict((before, ""), last), want);
        for stranger in [STRANGER, STRANGER_AGGRESSIVE] {
            assert_eq!(verdict((lines, ""), stranger), want, "{stranger}");
            let after: &'static [&'static str] = [&[stranger], before].concat().leak();
            assert_eq!(verdict((after, ""), last), want, "{stranger}");
        }
    }
    // Who asks from where the tunnel's own peer is may be the peer.
    let (_, lines) = FAILING[0];
    let near = STRANGER.replace("203.0.113.9", "198.51.100.8");
    let got = verdict((lines, ""), &near);
    assert_eq!(got, "no-matching-connection-on-responder");
    assert_eq!(
        verdict((&[], ""), STRANGER),
        "no-matching-connection-on-responder"
    );
}

#[test]
fn a_connection_that_was_not_loaded_is_why_none_is_found() {
    let refused =
        "\"gw\": failed to add connection: leftsubnet=10.1.0.0/33 invalid, mask is too big";
    let lines: &'static [&'static str] = vec![refused].leak();
    assert_eq!(verdict((lines, ""), STRANGER), "config-syntax-rejected");
}
