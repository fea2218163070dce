//! Evidence of something else: scanners, other programs, other tunnels, other times, and what a person says of those. None of
//! it may convict the tunnel.
#![allow(clippy::unwrap_used)]

use adit_diagnose::{Answer, diagnose};
use adit_evidence::{case, read};
use adit_model::fact::Side;
use adit_model::now::Wall;

/// 2026-11-22T00:00:00Z.
const NOW: Wall = Wall(1_795_305_600_000);

fn word(text: &str) -> String {
    let reading = read("paste", Side::Local, text.as_bytes(), NOW);
    let verdict = diagnose(&case(None, vec![reading]));
    match verdict.verdict {
        Answer::Healthy => "healthy".to_owned(),
        Answer::Undecided => "undecided".to_owned(),
        Answer::Cause => verdict.cause().unwrap().to_owned(),
    }
}

/// A stranger is turned away, and the tunnel comes up with its peer: in the words of each product.
const STRANGERS: &[(&str, &str)] = &[
    (
        "Nov  3 04:11:02 gw charon: 09[IKE] no IKE config found for 192.0.2.1...198.51.100.9, sending NO_PROPOSAL_CHOSEN",
        "Nov  3 06:02:10 gw charon: 12[IKE] IKE_SA hub[7] established between 192.0.2.1[192.0.2.1]...203.0.113.7[203.0.113.7]",
    ),
    (
        "Nov 03 2025 03:12:55: %ASA-5-713904: IP = 198.51.100.9, All SA proposals found unacceptable",
        "Nov 03 2025 07:40:02: %ASA-5-713120: Group = 203.0.113.7, IP = 203.0.113.7, PHASE 2 COMPLETED (msgid=9f3e1a22)",
    ),
    (
        "*Nov  3 05:10:00.101: %CRYPTO-4-IKMP_NO_SA: IKE message from 198.51.100.9 has no SA and is not an initialization offer",
        "*Nov  3 07:00:00.221: %CRYPTO-5-IKEV2_SESSION_STATUS: Crypto tunnel v2 is UP. Peer 203.0.113.7:500 Id: 203.0.113.7",
    ),
    (
        "*Nov  3 05:10:00.101: %SEC-6-IPACCESSLOGNP: list OUTSIDE denied 50 198.51.100.9 -> 192.0.2.77, 1 packet",
        "*Nov  3 07:00:00.221: %CRYPTO-5-SESSION_STATUS: Crypto tunnel is UP. Peer 203.0.113.7:500 Id: 203.0.113.7",
    ),
    (
        "2025/11/03 03:14:12 high vpn ike-nego-p1-fail IKE phase-1 negotiation is failed. Couldn't find configuration for IKE phase-1 request for peer IP 198.51.100.9[500].",
        "2025/11/03 08:00:21 info vpn ike-nego-p1-succ IKE phase-1 negotiation is succeeded as initiator, main mode. Established SA: 192.0.2.1[500]-203.0.113.7[500] cookie:a1:b2 lifetime 28800 Sec.",
    ),
    (
        "03:20:19 ipsec,error 198.51.100.9 failed to get valid proposal.",
        "07:15:00 ipsec,info peer authorized: branch 192.0.2.1[4500]-203.0.113.7[4500] spi:aabb:ccdd",
    ),
    (
        "ike Negotiate ISAKMP SA Error: ike 0:3df1fcaa/0000000000000000:101: no SA proposal chosen",
        "ike 0:hub:102:hub-p2:900: added IPsec SA: SPIs=c8a2a1f0/90ab12cd",
    ),
    (
        "date=2025-12-01 time=03:00:12 msg=\"IPsec phase 1 error\" action=\"negotiate\" remip=198.51.100.9 locip=192.0.2.1 vpntunnel=\"N/A\" status=\"negotiate_error\" reason=\"peer SA proposal not match local policy\"",
        "date=2025-12-01 time=08:00:12 msg=\"IPsec connection status change\" action=\"tunnel-up\" remip=203.0.113.7 locip=192.0.2.1 vpntunnel=\"hub\"",
    ),
    (
        "1Dec2025; 03:00:12; fw1; reject; scheme: IKE; src: 198.51.100.9; dst: 192.0.2.1; IKE: Main Mode Failed to match proposal: Transform: 3DES, MD5, Pre-shared secret, Group 1 (768 bit)",
        "1Dec2025; 08:00:12; fw1; keyinst; scheme: IKE; src: 203.0.113.7; dst: 192.0.2.1; IKE: Quick Mode completion; methods: ESP: AES-256 + SHA256",
    ),
    (
        "id=firewall time=\"2025-12-01 03:00:12\" fw=192.0.2.1 msg=\"IKE Responder: IKE proposal does not match (Phase 1)\" src=198.51.100.9:500:X1 dst=192.0.2.1:500:X1",
        "id=firewall time=\"2025-12-01 08:00:12\" fw=192.0.2.1 msg=\"IKE negotiation complete. Adding IPSec SA. (Phase 2)\" src=203.0.113.7:500:X1 dst=192.0.2.1:500:X1",
    ),
    (
        "Jan  4 02:10:02  srx kmd[15]: IKE Phase-1: (Responder) Policy lookup for Phase-1 [responder] failed for p1_local=ipv4(any:0,[0..3]=192.0.2.1) p1_remote=ipv4(udp:500,[0..3]=198.51.100.9)",
        "Jan  4 09:10:02  srx kmd[15]: KMD_VPN_UP_ALARM_USER: VPN to-hq from 203.0.113.7 is up. Local-ip: 192.0.2.1, gateway name: gw-hq",
    ),
    (
        "2025-12-01 02:11:00: ERROR: couldn't find configuration.",
        "2025-12-01 06:00:01: INFO: IPsec-SA established: ESP/Tunnel 203.0.113.7[0]->192.0.2.1[0] spi=1(0x1)",
    ),
];

#[test]
fn a_stranger_who_is_turned_away_convicts_nobody() {
    for (refused, up) in STRANGERS {
        assert_eq!(
            word(&format!("{refused}\n{up}\n")),
            "undecided",
            "{refused}"
        );
        // By himself he may be the peer.
        assert_ne!(word(&format!("{refused}\n")), "undecided", "{refused}");
    }
}

/// A few moments of a log are cut out for what fails in them.
#[test]
fn who_is_turned_away_moments_after_another_came_up_is_what_is_asked_about() {
    let up = "Nov 03 2025 07:40:02: %ASA-5-713120: Group = 203.0.113.7, IP = 203.0.113.7, PHASE 2 COMPLETED (msgid=9f3e1a22)\n";
    let refused = "Nov 03 2025 07:40:09: %ASA-5-713904: IP = 198.51.100.9, All SA proposals found unacceptable\n";
    assert_eq!(word(&format!("{up}{refused}")), "ike-proposal-mismatch");
}

/// Who asks again and again may be another tunnel's peer.
#[test]
fn who_is_turned_away_all_the_time_is_no_scanner() {
    let up = "Nov 03 2025 07:40:02: %ASA-5-713120: Group = 203.0.113.7, IP = 203.0.113.7, PHASE 2 COMPLETED (msgid=9f3e1a22)\n";
    let refused: String = (0..8)
        .map(|at| format!("Nov 03 2025 08:1{at}:00: %ASA-5-713904: IP = 198.51.100.9, All SA proposals found unacceptable\n"))
        .collect();
    assert_eq!(word(&format!("{up}{refused}")), "ike-proposal-mismatch");
}

const SILENCE: &str = "Nov  6 12:00:00 gw charon: 05[IKE] initiating IKE_SA hub[1] to 203.0.113.7\nNov  6 12:00:04 gw charon: 05[IKE] retransmit 1 of request with message ID 0\nNov  6 12:00:11 gw charon: 05[IKE] retransmit 2 of request with message ID 0\n";
const REFUSED: &str = "Nov  6 12:00:00 gw charon: 05[IKE] initiating IKE_SA hub[1] to 203.0.113.7\nNov  6 12:00:00 gw charon: 06[IKE] received NO_PROPOSAL_CHOSEN notify error\n";

#[test]
fn other_programs_convict_nobody() {
    for line in [
        "Nov  4 10:01:07 gw postfix/smtp[1404]: relay.example.net: Temporary failure in name resolution",
        "Nov  4 11:00:02 gw mysqld[511]: [ERROR] InnoDB: Write to file ./ibdata1 failed: No space left on device",
        "Nov  4 11:00:02 gw kernel: IPv4: martian source 10.8.0.5 from 10.8.0.1, on dev wg0",
        "Nov  4 11:00:02 gw setroubleshoot[70]: SELinux is preventing /usr/sbin/httpd from read access on the file index.html.",
        "Nov  4 11:00:02 gw borgmatic[9]: /mnt/backup/repo: No space left on device",
        "04:11:12 script,error backup.rsc: could not resolve dns name",
        "Nov  4 11:00:02 gw kernel: watchdog: BUG: soft lockup - CPU#1 stuck for 22s! [qemu-kvm:8812]",
        "Nov  4 11:00:02 gw nginx[12]: host not found in upstream \"app\": Name or service not known",
        "Nov  4 11:00:02 gw Keepalived_vrrp[70]: notify script /usr/local/sbin/tell-chat exited with status 2",
    ] {
        assert_eq!(word(&format!("{line}\n")), "undecided", "{line}");
        assert_eq!(word(&format!("{line}\n{SILENCE}")), "undecided", "{line}");
        assert_eq!(word(&format!("{line}\n{REFUSED}")), "undecided", "{line}");
    }
    for (line, cause) in [
        (
            "Nov  4 10:01:07 gw pluto[1404]: hub.example.net: Temporary failure in name resolution",
            "peer-dns-unresolvable",
        ),
        (
            "Nov  4 11:00:02 gw kernel: IPv4: martian source 10.8.0.5 from 10.8.0.1, on dev eth0",
            "rp-filter-drop",
        ),
        (
            "Nov  4 11:00:02 gw setroubleshoot[70]: SELinux is preventing /usr/libexec/ipsec/pluto from read access on the file hub.conf.",
            "selinux-apparmor-or-caps",
        ),
        (
            "Nov  4 11:00:02 gw Keepalived_vrrp[70]: notify script /etc/keepalived/ipsec.sh exited with status 2",
            "ha-transition-hook-wrong",
        ),
    ] {
        assert_eq!(word(&format!("{line}\n")), cause, "{line}");
    }
}

/// Who says that all is well asks about something else.
#[test]
fn who_says_that_all_is_well_has_no_fault_to_find() {
    let denied = "type=AVC msg=audit(1.1:5): avc:  denied  { read } for  pid=9 comm=\"pluto\" name=\"x\" scontext=system_u:system_r:ipsec_t:s0 tclass=file permissive=0\n";
    let scanner = "charon: 09[IKE] no IKE config found for 192.0.2.1...198.51.100.9, sending NO_PROPOSAL_CHOSEN\n";
    let group = "%ASA-5-713904: Group = DefaultRAGroup, IP = 198.51.100.9, All SA proposals found unacceptable\n";
    for words in [
        "What does this line mean? The tunnels to our branches all are up.",
        "Is it harmful that the log has this? All users connect without a problem.",
        "I ask out of curiosity, the VPN runs fine since March.",
    ] {
        for line in [denied, scanner, group] {
            assert_eq!(
                word(&format!("{words}\n\n{line}")),
                "undecided",
                "{words} {line}"
            );
        }
    }
    for words in [
        "What does this line mean? The tunnel to the branch does not come up.",
        "The first tunnel runs fine, this one does not connect.",
        "All tunnels are up on the first server. On the new one I get this error.",
        "It is stable until the rekey, then it fails with",
    ] {
        assert_ne!(
            word(&format!("{words}\n\n{scanner}")),
            "undecided",
            "{words}"
        );
    }
    assert_eq!(word(group), "ike-proposal-mismatch");
}

/// Whole networks of strangers ask every gateway; a peer asks from one address.
#[test]
fn several_who_are_turned_away_once_are_scanners() {
    let turned_away = |hosts: [&str; 3]| -> String {
        let lines = hosts.iter().enumerate().map(|(at, host)| {
format!("Nov 03 2025 0{at}:12:55: %ASA-5-713904: IP = {host}, All SA proposals found unacceptable\n")
        });
        lines.collect()
    };
    let all = turned_away(["198.51.100.9", "203.0.113.77", "185.1.2.3"]);
    assert_eq!(word(&all), "undecided");
    let one = turned_away(["203.0.113.77"; 3]);
    assert_eq!(word(&one), "ike-proposal-mismatch");
    let near = turned_away(["203.0.113.77", "203.0.113.78", "203.0.113.79"]);
    assert_eq!(word(&near), "ike-proposal-mismatch");
}

/// What a daemon does as well without, and a machine that breaks in another program's work.
#[test]
fn what_breaks_no_tunnel_convicts_none() {
    for text in [
        "type=AVC msg=audit(1.1:5): avc:  denied  { append } for  pid=9 comm=\"pluto\" path=\"/var/log/pluto.log\" dev=\"dm-0\" scontext=system_u:system_r:ipsec_t:s0 tclass=file permissive=0\n",
        "SELinux is preventing /usr/libexec/ipsec/pluto from open access on the file /var/log/pluto.log.\n",
        "kernel: BUG: soft lockup - CPU#0 stuck for 23s!\n",
        "[99.9] BUG: kernel NULL pointer dereference, address: 0000000000000018\n[99.9] CPU: 0 PID: 811 Comm: hostapd Tainted: G 5.15.134\n[99.9] RIP: ath10k_mac_op_flush+0x12/0x80\n",
        "Warning  Unhealthy  12m  kubelet  Readiness probe failed: connecting to 'unix:///var/run/charon.vici' failed: Connection refused\n",
        "12[CFG] sending DHCP DISCOVER for 7a:a7:00:00:00:01 to 10.9.0.255\n13[CFG] sending DHCP DISCOVER for 7a:a7:00:00:00:02 to 10.9.0.255\n14[CFG] sending DHCP DISCOVER for 7a:a7:00:00:00:03 to 10.9.0.255\n",
        "XfrmInNoStates 41\nXfrmInStateProtoError 2\nXfrmInStateSeqError 17\nXfrmInStateExpired 3\nXfrmInNoPols 9\nXfrmOutNoStates 60\n",
        "A list of what may be wrong with a tunnel: a NAT rule before it, a missing route, the firewall of either side, an MTU too high, rp_filter, overlapping networks.\n",
    ] {
        assert_eq!(word(text), "undecided", "{text}");
    }
    for (text, cause) in [
        (
            "12[CFG] sending DHCP DISCOVER for 7a:a7:00:00:00:01 to 10.9.0.255\n13[CFG] sending DHCP DISCOVER for 7a:a7:00:00:00:01 to 10.9.0.255\n14[CFG] sending DHCP DISCOVER for 7a:a7:00:00:00:01 to 10.9.0.255\n",
            "virtual-ip-or-cp-failure",
        ),
        (
            "XfrmInNoStates 1\nXfrmInStateSeqError 9017\n",
            "anti-replay-drops",
        ),
        (
            "[99.9] BUG: kernel NULL pointer dereference, address: 0000000000000018\n[99.9] CPU: 0 PID: 811 Comm: nginx Tainted: G 5.15.134\n[99.9] RIP: xfrm_lookup+0x12/0x80\n",
            "implementation-bug",
        ),
        (
            "[99.9] BUG: kernel NULL pointer dereference, address: 0000000000000018\n[99.9] CPU: 0 PID: 811 Comm: charon Tainted: G 5.15.134\n",
            "implementation-bug",
        ),
        (
            "Warning  Unhealthy  2m (x35 over 20m)  kubelet  Readiness probe failed: connecting to 'unix:///var/run/charon.vici' failed: Connection refused\n",
            "daemon-not-running",
        ),
    ] {
        assert_eq!(word(text), cause, "{text}");
    }
}

/// Without times the order tells: what is shown behind an SA that came up is what is asked about.
#[test]
fn lines_without_times_are_close_by_their_places() {
    let up = "%ASA-5-713120: Group = 203.0.113.7, IP = 203.0.113.7, PHASE 2 COMPLETED (msgid=9f3e1a22)\n";
    let refused = "%ASA-5-713904: IP = 198.51.100.9, All SA proposals found unacceptable\n";
    assert_eq!(word(&format!("{up}{refused}")), "ike-proposal-mismatch");
    assert_eq!(word(&format!("{refused}{up}")), "undecided");
    let far = "%ASA-6-302016: Teardown UDP connection\n".repeat(20);
    assert_eq!(word(&format!("{up}{far}{refused}")), "undecided");
    // Whom no connection is meant for may be anybody.
    let up = "13[IKE] IKE_SA lab[1] established between 192.0.2.1[a.lab]...203.0.113.7[b.lab]\n";
    let scanner =
        "06[IKE] no IKE config found for 192.0.2.1...198.51.100.9, sending NO_PROPOSAL_CHOSEN\n";
    assert_eq!(word(&format!("{up}{scanner}")), "undecided");
}

#[test]
fn what_a_person_says_of_another_time_is_not_of_now() {
    for line in [
        "# not the old \"unable to bind socket: Address already in use\" story, charon is alone on the box",
        "Tue: TS_UNACCEPTABLE -> we had /16 instead of /24, corrected.",
        "# rightid=@old was the reason for \"no matching peer config found\" in March, fixed",
        "Two years ago it was \"no shared key found for\", that was fixed.",
        "unable to bind socket: Address already in use -- another daemon is running, see FAQ",
        "In a thread it was \"unable to install inbound and outbound IPsec SA (SAD) in kernel\", not my message.",
    ] {
        assert_eq!(word(&format!("{line}\n\n{SILENCE}")), "undecided", "{line}");
    }
    for line in [
        "\tDBG1(DBG_IKE, \"no shared key found for '%Y'[%H] - '%Y'[%H]\", my_id, me, other_id, other);",
        "failregex = ^.*charon: .* no IKE config found for .*\\.\\.\\.<HOST>, sending NO_PROPOSAL_CHOSEN",
        "- `no private key found`: import the key.",
        "  * fix a crash: charon segfault when the peer sends an empty CERT payload",
    ] {
        assert_eq!(word(&format!("{line}\n\n{SILENCE}")), "undecided", "{line}");
    }
    let now = "The log says \"unable to bind socket: Address already in use\" since the update.\n";
    assert_eq!(word(now), "port-500-in-use");
}

/// What stood in the way of an earlier start, or only of files that the first exchange doesn't need.
#[test]
fn what_is_over_or_does_not_matter_yet_is_not_the_cause() {
    for lines in [
        "Sep 01 09:00:00 gw charon: 00[NET] unable to bind socket: Address already in use\n",
        "Nov  1 08:00:01 gw ipsec_starter[400]: /etc/ipsec.conf:12: syntax error, unexpected STRING [rigth]\nNov  1 08:00:01 gw ipsec_starter[400]: unable to start strongSwan -- fatal errors in config\n",
        "Nov  1 23:59:01 gw kernel: nf_conntrack: nf_conntrack: table full, dropping packet\n",
    ] {
        assert_eq!(word(&format!("{lines}{REFUSED}")), "undecided", "{lines}");
        assert_ne!(word(lines), "undecided", "{lines}");
    }
    let file = "Nov  6 08:00:00 gw charon: 00[LIB] opening '/etc/ipsec.d/cacerts/old.pem' failed: Permission denied\n";
    assert_eq!(word(&format!("{file}{SILENCE}")), "undecided");
}

/// The first exchange is small.
#[test]
fn a_long_ping_in_the_lan_does_not_refuse_a_proposal() {
    let ping = "$ ping -M do -s 8972 192.168.1.1\nping: local error: message too long, mtu=1500\n$ ping -c2 192.168.1.1\n2 packets transmitted, 2 received, 0% packet loss, time 1001ms\n";
    assert_eq!(word(&format!("{ping}{REFUSED}")), "undecided");
}

/// Any driver's fault looks like it, and the daemon worked after it.
#[test]
fn a_fault_of_the_kernel_before_a_refusal_is_not_its_cause() {
    let fault = "Nov  6 08:00:00 gw kernel: BUG: unable to handle kernel NULL pointer dereference at 0000000000000010\n";
    assert_eq!(word(&format!("{fault}{REFUSED}")), "undecided");
    assert_eq!(word(fault), "implementation-bug");
}

/// Counters of the whole host beside SAs that carry both ways, and one packet that came late.
#[test]
fn counters_beside_a_tunnel_that_carries_are_not_the_cause() {
    let counters = "XfrmInNoStates \t14\nXfrmOutNoStates \t31\n";
    let carries = "hub: #12, ESTABLISHED, IKEv2, 3a1b_i* 4c5d_r\n  local  'x' @ 192.0.2.1[4500]\n  remote 'y' @ 203.0.113.7[4500]\n  hub: #31, reqid 1, INSTALLED, TUNNEL-in-UDP, ESP:AES_GCM_16-256\n    in  c1d2e3f4,  88231 bytes,   812 packets,     1s ago\n    out c5d6e7f8,  99112 bytes,   900 packets,     0s ago\n";
    assert_eq!(word(&format!("{counters}{carries}")), "undecided");
    assert_ne!(word(counters), "undecided");
    let late = "*Sep 14 06:00:45.693: %CRYPTO-4-PKT_REPLAY_ERR: decrypt: replay check failed\n        connection id=29, sequence number=219\n";
    assert_eq!(word(late), "undecided");
    assert_eq!(word(&late.repeat(4)), "anti-replay-drops");
}

/// Words that only some releases have for what each of them can say.
#[test]
fn further_words_settle_the_cause() {
    for (text, cause) in [
        (
            "%ASA-4-750003: Local:192.0.2.1:500 Remote:203.0.113.7:500 Username:203.0.113.7 IKEv2 Negotiation aborted due to ERROR: Failed to find a matching policy\n%ASA-4-751022: Local:192.0.2.1:500 Remote:203.0.113.7:500 Username:203.0.113.7 IKEv2 Tunnel rejected: Crypto Map Policy not found for remote traffic selector 10.1.0.0/10.1.255.255/0/65535/0 local traffic selector 10.2.0.0/10.2.255.255/0/65535/0!\n",
            "ts-mismatch",
        ),
        (
            "%ASA-4-750003: Local:192.0.2.1:500 Remote:203.0.113.7:500 Username:203.0.113.7 IKEv2 Negotiation aborted due to ERROR: Failed to find a matching policy\n",
            "ike-proposal-mismatch",
        ),
        (
            "{\"details\":\"No Proposal Match Found. Notifying with \\\"No proposal chosen\\\"\",\"ike_phase1_state\":\"down\",\"ike_phase2_state\":\"down\"}\n",
            "ike-proposal-mismatch",
        ),
        (
            "{\"details\":\"No Proposal Match Found. Notifying with \\\"No proposal chosen\\\"\",\"ike_phase1_state\":\"up\",\"ike_phase2_state\":\"down\"}\n",
            "esp-proposal-mismatch",
        ),
        (
            "Mar 11 22:12:02 gw ipsec_setup: modprobe: Can't locate module ipsec\nMar 11 22:12:02 gw ipsec_setup: Fatal error, kernel appears to lack\nKLIPS.\n",
            "kernel-module-or-algo-missing",
        ),
        (
            "ipsec_setup: 003 IP interfaces ppp0 and ppp4 share address 10.9.0.1!\nipsec_setup: 003 no public interfaces found\n",
            "local-address-missing",
        ),
        (
            "2  0x0000000000401ed7 in segv_handler (signal=11) at charon.c:183\n3  <signal handler called>\n",
            "implementation-bug",
        ),
        (
            "type=AVC msg=audit(1.1:5) : avc:  denied  { append } for  pid=9 comm=sysctl path=/var/log/pluto.log dev=\"sda\" scontext=system_u:system_r:ifconfig_t:s0 tcontext=system_u:object_r:ipsec_log_t:s0 tclass=file permissive=0\n",
            "selinux-apparmor-or-caps",
        ),
    ] {
        assert_eq!(word(text), cause, "{text}");
    }
}

/// What is said of the tunnel's own peer, or of a tunnel that is configured, is no stranger's.
#[test]
fn what_the_own_peer_meets_still_convicts() {
    for (text, cause) in [
        (
            "*Nov  3 07:00:00.221: %CRYPTO-5-SESSION_STATUS: Crypto tunnel is UP. Peer 203.0.113.7:500 Id: 203.0.113.7\n\
             *Nov  3 07:10:00.101: %SEC-6-IPACCESSLOGNP: list OUT denied 50 192.0.2.77 -> 203.0.113.7, 1 packet\n",
            "esp-blocked",
        ),
        (
            "date=2025-12-01 time=08:00:12 logdesc=\"SSL VPN tunnel up\" action=\"tunnel-up\" tunneltype=\"ssl-tunnel\" remip=198.51.100.77 user=\"ann\"\n\
             date=2025-12-01 time=09:10:12 logdesc=\"IPsec phase 1 error\" action=\"negotiate\" remip=203.0.113.7 locip=192.0.2.1 vpntunnel=\"hub\" status=\"negotiate_error\" reason=\"peer SA proposal not match local policy\"\n",
            "ike-proposal-mismatch",
        ),
        (
            "date=2025-12-01 time=08:00:12 msg=\"IPsec connection status change\" action=\"tunnel-up\" remip=203.0.113.7 locip=192.0.2.1 vpntunnel=\"hub\"\n\
             date=2025-12-01 time=09:10:12 logdesc=\"IPsec phase 1 error\" action=\"negotiate\" remip=198.51.100.9 locip=192.0.2.1 vpntunnel=\"branch2\" status=\"negotiate_error\" reason=\"peer SA proposal not match local policy\"\n",
            "ike-proposal-mismatch",
        ),
    ] {
        assert_eq!(word(text), cause, "{text}");
    }
}

/// A certificate's time that no clock shows is none.
#[test]
fn impossible_times_are_none() {
    let said = word(
        "Nov 21 05:10:00 gw charon: 05[CFG] certificate invalid (valid from Mar 12 5000000000000000:00:00 2022 to Mar 11 09:00:00 2025)\n",
    );
    assert!(
        ["undecided", "cert-expired"].contains(&said.as_str()),
        "{said}"
    );
}
