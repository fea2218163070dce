//! Sentences of other makers' gateways, each where it stands in a log: what settles the cause by itself, and what leaves it
//! open.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use adit_diagnose::{Answer, diagnose};
use adit_evidence::{case, read};
use adit_model::fact::Side;
use adit_model::now::Wall;

/// 2026-11-22T00:00:00Z.
const NOW: Wall = Wall(1_795_305_600_000);

/// What stands before each line of a log.
type Head = &'static str;

const PAN: Head = "2025-06-02 14:07:31.118 +0200  [PERR]: {    4:     }: ";
const PAN_SYSTEM: Head = "2025/06/02 14:07:31 info     vpn     gw-lyon ike-gene 0  ";
const FORTIOS: Head = "2025-06-02 14:07:31.552810 ike V=root:0:lyon:81: ";
const FORTIOS_EVENT: Head = "date=2025-06-02 time=14:07:31 devname=\"edge\" logid=\"0101037131\" type=\"event\" subtype=\"vpn\" level=\"error\" vpntunnel=\"lyon\" status=\"esp_error\" error_num=\"";
const ASA: Head = "Jun 02 2025 14:07:31: ";
const IOS: Head = "*Jun  2 14:07:31.552: ";
const JUNOS: Head = "Jun  2 14:07:31  srx-b kmd[2204]: ";
const ROUTEROS: Head = "14:07:31 ipsec,error ";
const SONICOS: Head =
    "id=firewall sn=0017C5AA0102 time=\"2025-06-02 14:07:31\" fw=192.0.2.1 pri=4 c=16 m=0 ";
const CHECK_POINT: Head =
    "2Jun2025; 14:07:31; cp1; reject; scheme: IKE; peer gateway: 198.51.100.7; IKE: ";
const RACOON: Head = "Jun  2 14:07:31 gw racoon: ";
const IKED: Head = "Jun  2 14:07:31 gw iked[4711]: ";
const ISAKMPD: Head = "Jun  2 14:07:31 gw isakmpd[4711]: ";
const WINDOWS: Head = "Can't connect to Head office. ";

const MACOS: Head = "Jun  2 14:07:31 mac neagent[4711]: ";
const ANDROID: Head = "06-02 14:07:31.552  1402  1437 E IkeV2VpnRunner: ";

/// What a log says whose lines these are.
fn verdict(head: Head, lines: &[&str]) -> String {
    let log: String = lines.iter().map(|l| format!("{head}{l}\n")).collect();
    let reading = read("paste", Side::Local, log.as_bytes(), NOW);
    let verdict = diagnose(&case(None, vec![reading]));
    match verdict.verdict {
        Answer::Cause => verdict.cause().unwrap().to_owned(),
        Answer::Healthy => "healthy".to_owned(),
        Answer::Undecided => {
            let possible = verdict.possible.first();
            possible.map_or("undecided".to_owned(), |p| format!("perhaps {}", p.cause))
        }
    }
}

const SENTENCES: &[(&str, Head, &[&str])] = &[
    // PAN-OS.
    (
        "id-mismatch",
        PAN,
        &[
            "192.0.2.1[500]-198.51.100.7[500]:0x7f0010: received ID_R (type fqdn [paris.example]) does not match my id",
        ],
    ),
    (
        "ts-mismatch",
        PAN,
        &["192.0.2.1[500]-198.51.100.7[500]:0x7f0010: responder's TSi does not match my selector"],
    ),
    (
        "mode-mismatch",
        PAN,
        &["192.0.2.1[500]-198.51.100.7[500]:0x7f0010: mode mismatch: peer transport mine tunnel"],
    ),
    (
        "ike-version-mismatch",
        PAN_SYSTEM,
        &["received IKEv2 request but no IKEv2 configuration for peer 198.51.100.7[500]"],
    ),
    (
        "ts-mismatch",
        PAN_SYSTEM,
        &[
            "IKE protocol notification message received: received notify type INVALID-ID-INFORMATION.",
        ],
    ),
    (
        "perhaps esp-spi-unknown",
        PAN_SYSTEM,
        &["IKE protocol notification message received: INVALID-SPI (11)."],
    ),
    // How far it got is in capitals in the daemon's own log.
    (
        "perhaps esp-proposal-mismatch",
        PAN,
        &[
            "====> IKEv2 IKE SA NEGOTIATION SUCCEEDED AS INITIATOR, non-rekey; gateway gw-lyon <====",
            "====> IKEv2 CHILD SA NEGOTIATION FAILED AS INITIATOR, non-rekey; gateway gw-lyon; message id:0x00000001; parent SN:7 <====",
        ],
    ),
    (
        "perhaps udp500-blocked",
        PAN,
        &["====> PHASE-1 NEGOTIATION FAILED AS INITIATOR, MAIN MODE <===="],
    ),
    // FortiOS.
    (
        "eap-xauth-failure",
        FORTIOS,
        &["peer has not completed XAUTH exchange"],
    ),
    (
        "peer-unreachable",
        FORTIOS,
        &[
            "could not send IKE Packet(ident_i1send):192.0.2.1:500->198.51.100.7:500, len=580, id=1f0c9c6a2b7d4e11/0000000000000000: error 101:Network is unreachable",
        ],
    ),
    (
        "esp-integrity-failure",
        FORTIOS_EVENT,
        &["Invalid ESP packet detected (invalid padding).\" spi=\"5c1d09aa\" seq=\"0000002c\""],
    ),
    // ASA.
    (
        "no-matching-connection-on-responder",
        ASA,
        &[
            "%ASA-3-713022: IP = 198.51.100.7, No Group found matching lyon for Pre-shared key peer 198.51.100.7",
        ],
    ),
    (
        "cert-expired",
        ASA,
        &[
            "%ASA-3-717009: Certificate validation failed. Certificate is expired, serial number: 5E01, subject name: cn=lyon.",
        ],
    ),
    (
        "address-pool-exhausted",
        ASA,
        &["%ASA-4-404101: ISAKMP: Failed to allocate address for client from pool staff"],
    ),
    (
        "ike-dh-group-mismatch",
        ASA,
        &[
            "%ASA-4-750003: Local:192.0.2.1:500 Remote:198.51.100.7:500 Username:Unknown IKEv2 Negotiation aborted due to ERROR: The peer's KE payload contained the wrong DH group",
        ],
    ),
    (
        "pfs-mismatch",
        ASA,
        &[
            "%ASA-3-713133: Group = 198.51.100.7, IP = 198.51.100.7, Mismatch: Overriding phase 2 DH Group(DH group 14) with phase 1 group(DH group 5",
        ],
    ),
    (
        "perhaps esp-blocked",
        ASA,
        &["%ASA-3-106010: Deny inbound protocol 50 src outside:198.51.100.7 dst dmz:10.9.0.4"],
    ),
    (
        "perhaps underlay-loss-or-flap",
        ASA,
        &[
            "%ASA-5-713259: Group = 198.51.100.7, IP = 198.51.100.7, Session is being torn down. Reason: Lost Service",
        ],
    ),
    (
        "inner-address-outside-selector",
        ASA,
        &[
            "%ASA-4-751027: Local:192.0.2.1:500 Remote:198.51.100.7:500 Username:198.51.100.7 IKEv2 Received INVALID_SELECTORS Notification from peer. Peer received a packet (SPI=0x5C1D09AA). The decapsulated inner packet didn't match the negotiated policy in the SA. Packet destination 10.1.0.4, port 0, source 10.7.0.4, port 0, protocol 6.",
        ],
    ),
    // IOS.
    (
        "ike-proposal-mismatch",
        IOS,
        &["ISAKMP:(0):no offers accepted!"],
    ),
    (
        "psk-not-found",
        IOS,
        &["ISAKMP:(0):Key not found in keyrings of profile , aborting exchange"],
    ),
    (
        "ts-mismatch",
        IOS,
        &["IKEv2:(SESSION ID = 4,SA ID = 2):Received TS unacceptable notify"],
    ),
    (
        "esp-integrity-failure",
        IOS,
        &[
            "%IPSEC-3-HMAC_ERROR: IPSec SA receives HMAC error, DP Handle 9, src_addr 198.51.100.7, dest_addr 192.0.2.1, SPI 0x5c1d09aa",
        ],
    ),
    // A licence for so many tunnels says nothing of the line.
    (
        "undecided",
        IOS,
        &[
            "%CERM-4-TUNNEL_LIMIT: Maximum tunnel limit of 225 reached for Crypto functionality with securityk9 technology package license.",
        ],
    ),
    // Junos, RouterOS, SonicOS, Check Point.
    (
        "id-mismatch",
        JUNOS,
        &["iked_pm_id_validate id NOT matched."],
    ),
    (
        "ike-proposal-mismatch",
        JUNOS,
        &["Peer proposed phase1 proposal conflicts with local configuration. Negotiation failed"],
    ),
    (
        "crl-unreachable",
        ROUTEROS,
        &[
            "unable to get certificate CRL(3) at depth:0 cert:CN=lyon",
            "can't verify peer's certificate from store",
        ],
    ),
    (
        "ca-not-trusted",
        ROUTEROS,
        &[
            "unable to get local issuer certificate(20) at depth:0 cert:CN=lyon",
            "can't verify peer's certificate from store",
        ],
    ),
    (
        "virtual-ip-or-cp-failure",
        ROUTEROS,
        &["got fatal error: INTERNAL_ADDRESS_FAILURE"],
    ),
    (
        "ike-proposal-mismatch",
        SONICOS,
        &["msg=\"IKE Responder: Phase 1 hash algorithm does not match\" n=3 src=198.51.100.7:500"],
    ),
    (
        "esp-integrity-failure",
        SONICOS,
        &["msg=\"IPSec Decryption Failed\" n=3 src=198.51.100.7"],
    ),
    (
        "mode-mismatch",
        SONICOS,
        &["msg=\"IKE Responder: Mode 2 - not tunnel mode\" n=3 src=198.51.100.7:500"],
    ),
    (
        "crl-unreachable",
        CHECK_POINT,
        &["Main Mode Invalid Certificate: Could not retrieve CRL. CN=lyon"],
    ),
    // racoon, iked, isakmpd.
    (
        "cert-san-mismatch",
        RACOON,
        &["ERROR: ID type mismatched. ID: FQDN CERT: IP."],
    ),
    (
        "ike-version-mismatch",
        RACOON,
        &["ERROR: Invalid exchange type 34 from 198.51.100.7[500]."],
    ),
    (
        "ike-proposal-mismatch",
        IKED,
        &["ikev2_sa_responder: no proposal chosen"],
    ),
    (
        "esp-proposal-mismatch",
        IKED,
        &["ikev2_resp_create_child_sa: no proposal chosen"],
    ),
    (
        "auth-method-mismatch",
        ISAKMPD,
        &[
            "attribute_unacceptable: AUTHENTICATION_METHOD: got RSA_SIG, expected PRE_SHARED",
            "message_negotiate_sa: no compatible proposal found",
        ],
    ),
    (
        "perhaps psk-mismatch",
        ISAKMPD,
        &[
            "message_recv: invalid payload type 77 in ISAKMP header (check passphrases, if applicable and in Phase 1)",
        ],
    ),
    (
        "pfs-mismatch",
        ISAKMPD,
        &["initiator_recv_HASH_SA_NONCE: disagreement on PFS"],
    ),
    (
        "psk-not-found",
        ISAKMPD,
        &["ike_auth_get_key: no key found for peer \"lyon\" or local ID \"paris\""],
    ),
    (
        "local-address-missing",
        ISAKMPD,
        &["udp_make: bind (9, 192.0.2.9, 16): Can't assign requested address"],
    ),
    // Windows.
    ("eap-xauth-failure", WINDOWS, &["Error 691"]),
    ("cert-san-mismatch", WINDOWS, &["Error 835"]),
    ("virtual-ip-or-cp-failure", WINDOWS, &["Error code 13899"]),
    ("perhaps udp500-blocked", WINDOWS, &["Error 809"]),
    (
        "esp-proposal-mismatch",
        "",
        &[
            "An IPsec quick mode negotiation failed.",
            "Failure Point: Local computer",
            "Failure Reason: Policy match error",
        ],
    ),
    (
        "ike-proposal-mismatch",
        "",
        &[
            "An IPsec quick mode negotiation failed.",
            "Failure Reason: Negotiation timed out",
            "An IPsec main mode negotiation failed.",
            "Failure Reason: Policy match error",
        ],
    ),
    (
        "crl-unreachable",
        "",
        &["Failure Reason: Certification Revocation check of peer's certificate failed"],
    ),
    // macOS, Android.
    (
        "ca-not-trusted",
        MACOS,
        &["Trust evaluate failure: [leaf AnchorTrusted]"],
    ),
    (
        "cert-san-mismatch",
        MACOS,
        &["Trust evaluate failure: [leaf SSLHostname]"],
    ),
    (
        "undecided",
        "Jun  2 14:07:31 mac nsurlsessiond[118]: ",
        &["Trust evaluate failure: [leaf AnchorTrusted SSLHostname]"],
    ),
    (
        "ts-mismatch",
        ANDROID,
        &["com.android.internal.net.ipsec.ike.exceptions.TsUnacceptableException"],
    ),
    (
        "peer-dns-unresolvable",
        ANDROID,
        &[
            "java.net.UnknownHostException: Unable to resolve host \"vpn.lyon.example\": No address associated with hostname",
        ],
    ),
    (
        "undecided",
        "06-02 14:07:31.552  1402  1437 W System.err: ",
        &[
            "java.net.UnknownHostException: Unable to resolve host \"news.lyon.example\": No address associated with hostname",
        ],
    ),
    // Counters count what they are called.
    (
        "undecided",
        "",
        &["InStateProtoError 691", "InStateProtoError 809"],
    ),
];

#[test]
fn each_sentence_says_what_it_means() {
    let wrong: Vec<String> = SENTENCES
        .iter()
        .filter_map(|(want, head, lines)| {
            let got = verdict(head, lines);
            (got != *want).then(|| format!("{got}, not {want}: {lines:?}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Logs whose last lines say that the traffic has its SA, and what is wrong without these.
const OVERCOME: &[(&str, Head, &[&str], &str)] = &[
    (
        "psk-mismatch",
        "2025/06/02 14:07:31 info     vpn     gw-lyon ike-nego 0  ",
        &["IKE phase-1 negotiation is failed likely due to pre-shared key mismatch."],
        "IKE phase-2 negotiation is succeeded as initiator, quick mode. Established SA: 192.0.2.1[500]-198.51.100.7[500] message id:0x7C01D2, SPI:0x9A/0xB7.",
    ),
    (
        "ts-mismatch",
        ASA,
        &[
            "%ASA-7-713222: Group = 198.51.100.7, IP = 198.51.100.7, Static Crypto Map check, map = wan_map, seq = 3, ACL does not match proxy IDs src:10.7.0.0 dst:10.1.0.0",
        ],
        "%ASA-5-713120: Group = 198.51.100.7, IP = 198.51.100.7, PHASE 2 COMPLETED (msgid=31b7c2)",
    ),
    (
        "ts-mismatch",
        "ike 0:lyon:81:p2-voice:90: ",
        &["specified selectors mismatch"],
        "added IPsec SA: SPIs=5c1d09aa/77e0b1c4",
    ),
    (
        "esp-proposal-mismatch",
        RACOON,
        &["ERROR: no suitable policy found."],
        "INFO: IPsec-SA established: ESP/Tunnel 198.51.100.7[0]->192.0.2.1[0] spi=90217(0x16069)",
    ),
    (
        "auth-method-mismatch",
        ISAKMPD,
        &["attribute_unacceptable: AUTHENTICATION_METHOD: got RSA_SIG, expected PRE_SHARED"],
        "isakmpd: quick mode done (as responder): src: 192.0.2.1 dst: 198.51.100.7",
    ),
    (
        "auth-method-mismatch",
        ROUTEROS,
        &[
            "rejected authmethod: DB(prop#1:trns#1):Peer(prop#1:trns#2) = pre-shared key:RSA signatures",
        ],
        "IPsec-SA established: 198.51.100.7[4500]->192.0.2.1[4500] spi=0x16069",
    ),
];

#[test]
fn what_a_later_sa_overcame_is_not_the_cause() {
    for (cause, head, refused, up) in OVERCOME {
        assert_eq!(verdict(head, refused), *cause, "{refused:?}");
        let then = [*refused, &[*up]].concat();
        assert_ne!(verdict(head, &then), *cause, "{then:?}");
        // Of a tunnel that was up it is about what replaces its SAs.
        let between = [&[*up], *refused, &[*up]].concat();
        assert_eq!(verdict(head, &between), *cause, "{between:?}");
    }
    // What another peer or another tunnel got.
    let (cause, head, refused, up) = OVERCOME[1];
    let other = up.replace("198.51.100.7", "203.0.113.40");
    assert_eq!(verdict(head, &[refused[0], &other]), cause);
    let log = [
        "ike 0:lyon:81:p2:90: specified selectors mismatch",
        "ike 0:nantes:82:p2:91: added IPsec SA: SPIs=5c1d09aa/77e0b1c4",
    ];
    assert_eq!(verdict("", &log), "ts-mismatch");
}

/// Lines about somebody else, or about one of several tries of which a later one succeeded.
#[test]
fn what_came_up_or_is_a_strangers_convicts_nobody() {
    let event = "date=2025-06-02 time=14:07:31 devname=\"edge\" type=\"event\" subtype=\"vpn\" ";
    let cases: &[(Head, &[&str])] = &[
        (
            event,
            &[
                "action=\"negotiate\" vpntunnel=\"lyon\" msg=\"IPsec phase 2 error\" status=\"failure\" reason=\"peer SA proposal not match\"",
            ],
        ),
        (
            event,
            &[
                "reason=\"peer SA proposal not match\" status=\"failure\" msg=\"IPsec phase 2 error\" action=\"negotiate\" vpntunnel=\"lyon\"",
            ],
        ),
        (
            event,
            &[
                "action=\"negotiate\" vpntunnel=\"lyon\" msg=\"IPsec phase 2 error\" status=\"failure\" reason=\"peer SA proposal not match\"",
                "action=\"install_sa\" vpntunnel=\"lyon\" msg=\"install IPsec SA\" in_spi=\"5c1d\" out_spi=\"77e0\"",
            ],
        ),
        (
            RACOON,
            &[
                "ERROR: Invalid exchange type 34 from 203.0.113.9[500].",
                "INFO: ISAKMP-SA established 192.0.2.1[500]-198.51.100.7[500] spi:aa:bb",
                "INFO: IPsec-SA established: ESP/Tunnel 198.51.100.7[0]->192.0.2.1[0] spi=90217(0x16069)",
            ],
        ),
        (ISAKMPD, &["message_recv: invalid version major 2"]),
        (
            ISAKMPD,
            &[
                "message_recv: reserved field non-zero: 7c in ISAKMP header (check passphrases, if applicable and in Phase 1)",
            ],
        ),
        (
            ASA,
            &[
                "%ASA-3-106010: Deny inbound protocol 50 src outside:203.0.113.9 dst inside:192.0.2.77",
                "%ASA-5-713120: Group = 198.51.100.7, IP = 198.51.100.7, PHASE 2 COMPLETED (msgid=31b7c2)",
            ],
        ),
        (
            IOS,
            &[
                "ISAKMP:(0): Key not found in keyrings of profile A, aborting exchange",
                "%CRYPTO-5-SESSION_STATUS: Crypto tunnel is UP. Peer 198.51.100.7:500 Id: 198.51.100.7",
            ],
        ),
        (
            ASA,
            &[
                "%ASA-4-750003: Local:192.0.2.1:500 Remote:198.51.100.7:500 Username:Unknown IKEv2 Negotiation aborted due to receipt of unknown tunnel group",
                "%ASA-5-750006: Local:192.0.2.1:500 Remote:198.51.100.7:500 Username:b IKEv2 SA UP. Reason: New Connection Established",
            ],
        ),
        (
            ASA,
            &[
                "%ASA-4-750001: Local:192.0.2.1:500 Remote:198.51.100.7:500 IPsec rekey collision detected",
                "%ASA-5-750006: Local:192.0.2.1:500 Remote:198.51.100.7:500 Username:b IKEv2 SA UP. Reason: New Connection Established",
            ],
        ),
        (
            "ike 0:",
            &[
                "nantes:81: gw validation failed",
                "lyon:82: established IKE SA 1f0a77c2/9b31d0e4",
            ],
        ),
        (
            JUNOS,
            &[
                "iked_pm_id_validate id NOT matched.",
                "iked_pm_id_validate id matched.",
            ],
        ),
        (
            IKED,
            &[
                "spi=0x1122334455667788: ikev2_sa_responder: no proposal chosen",
                "spi=0x99887766aabbccdd: established peer 198.51.100.7:500[FQDN/b] local 192.0.2.1:500[FQDN/a] policy 'x' as responder",
            ],
        ),
        (
            SONICOS,
            &[
                "msg=\"Received notify: INVALID_ID_INFO\" src=198.51.100.7 dst=192.0.2.1",
                "msg=\"IPSec SA added\" src=192.0.2.1 dst=198.51.100.7",
            ],
        ),
        (
            CHECK_POINT,
            &[
                "Invalid Certificate: Could not retrieve CRL",
                "Main Mode completion",
                "Quick Mode completion",
            ],
        ),
    ];
    for (head, lines) in cases {
        let got = verdict(head, lines);
        let open = got == "healthy" || got == "undecided" || got.starts_with("perhaps ");
        assert!(open, "{got}: {lines:?}");
    }
}
