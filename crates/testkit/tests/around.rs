//! What the programs around an IKE daemon say: L2TP and PPP, NetworkManager, systemd, packages, containers, clusters and
//! the servers that check users. What settles the cause, and what is about something else.
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

/// The lines with times, as syslog has them.
fn log(lines: &[&str]) -> String {
    let stamped = lines.iter().enumerate();
    stamped
        .map(|(at, line)| format!("Nov 21 08:14:{at:02} hub {line}\n"))
        .collect()
}

fn judge_all(table: &[(&[&str], &str)]) {
    let got = table.iter().map(|(lines, expected)| {
        let got = word(&log(lines));
        (got != *expected).then(|| format!("{got} instead of {expected}: {lines:#?}"))
    });
    let wrong: Vec<String> = got.flatten().collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// IPsec is up, and L2TP begins within it.
const L2TP: &[&str] = &[
    "charon: 11[IKE] CHILD_SA depot{1} established with SPIs c1d2e3f4_i 0a1b2c3d_o and TS 192.0.2.20/32[udp/l2f] === 198.51.100.7/32[udp/l2f]",
    "xl2tpd[2301]: Connecting to host 198.51.100.7, port 1701",
];

#[test]
fn what_l2tp_and_ppp_say_within_the_tunnel() {
    let user = "eap-xauth-failure";
    for (line, expected) in [
        (
            "pppd[9]: No CHAP secret found for authenticating carol",
            user,
        ),
        ("pppd[9]: CHAP peer authentication failed for carol", user),
        ("pppd[9]: PAP peer authentication failed for carol", user),
        (
            "NetworkManager[7]: pppd[9]: MS-CHAP authentication failed: E=691 Access denied",
            user,
        ),
        (
            "pppd[9]: but I couldn't find any suitable secret (password) for it to use to do so.",
            user,
        ),
        (
            "pppd[9]: but I couldn't find any secret (password) which would let it use an IP address.",
            user,
        ),
        (
            "pppd[9]: LCP terminated by peer (peer refused to authenticate)",
            user,
        ),
        (
            "pppd[9]: sent [CHAP Failure id=0x2 \"E=691 R=1 C=00 V=0\"]",
            user,
        ),
        (
            "xl2tpd[3]: child_handler : pppd exited for call 42 with code 19",
            user,
        ),
        (
            "pppd[9]: rc_send_server: no reply from RADIUS server 192.0.2.5:1812",
            user,
        ),
        (
            "pppd[9]: This system lacks kernel support for PPP. This could be because",
            "kernel-module-or-algo-missing",
        ),
        (
            "pppd[9]: Couldn't open the /dev/ppp device: No such file or directory",
            "kernel-module-or-algo-missing",
        ),
        (
            "pppd[9]: MPPE required, but kernel has no support.",
            "kernel-module-or-algo-missing",
        ),
        (
            "pppd[9]: Couldn't open the /dev/ppp device: Operation not permitted",
            "selinux-apparmor-or-caps",
        ),
        (
            "pppd[9]: In file /etc/ppp/options.depot: unrecognized option 'lcp-echo'",
            "config-syntax-rejected",
        ),
        (
            "pppd[9]: Can't open options file /etc/ppp/options.depot: No such file or directory",
            "config-not-loaded",
        ),
        (
            "pppd[9]: Terminating connection due to lack of activity.",
            "idle-teardown",
        ),
        (
            "xl2tpd[3]: control_finish: Out of IP addresses on tunnel 4!",
            "address-pool-exhausted",
        ),
        (
            "xl2tpd[3]: parse_config: line 9: Unknown field 'lnss'",
            "config-syntax-rejected",
        ),
        (
            "xl2tpd[3]: child_handler : pppd exited for call 42 with code 4",
            "kernel-module-or-algo-missing",
        ),
        (
            "pppd[9]: Please load the ppp_generic kernel module.",
            "kernel-module-or-algo-missing",
        ),
        // What may have many reasons, and what harms nobody.
        ("pppd[9]: LCP: timeout sending Config-Requests", "undecided"),
        (
            "pppd[9]: MPPE required but peer negotiation failed",
            "undecided",
        ),
        (
            "xl2tpd[3]: Maximum retries exceeded for tunnel 4. Closing.",
            "undecided",
        ),
        (
            "xl2tpd[3]: L2TP kernel support not detected (try modprobing l2tp_ppp and pppol2tp)",
            "undecided",
        ),
        (
            "pppd[9]: Cannot determine ethernet address for proxy ARP",
            "undecided",
        ),
        (
            "xl2tpd[3]: init_network: Unable to bind socket: Address already in use. Terminating.",
            "undecided",
        ),
    ] {
        let lines: Vec<&str> = L2TP.iter().copied().chain([line]).collect();
        let got = word(&log(&lines)).replace("healthy", "undecided");
        assert_eq!(got, expected, "{line}");
    }
}

#[test]
fn what_starts_and_installs_the_daemon() {
    judge_all(&[
        (
            &[
                "NetworkManager[7]: <warn> [1.2] vpn[0x5,a1,\"Depot\"]: starting: failure to start VPN service: Failed to execute child process “/usr/libexec/ipsec/charon-nm” (No such file or directory)",
            ],
            "plugin-missing",
        ),
        (
            &["sh[4]: Failed to restart ipsec.service: Unit not found."],
            "plugin-missing",
        ),
        (
            &[
                "sh[4]: Failed to start strongswan-swanctl.service: Unit strongswan-swanctl.service not found.",
            ],
            "plugin-missing",
        ),
        (
            &["cloud-init[4]: E: Unable to locate package strongswan-pki"],
            "plugin-missing",
        ),
        (
            &["sh[4]: Error: Unable to find a match: libreswan"],
            "plugin-missing",
        ),
        (
            &[
                "ovs-ctl[4]: 2026-11-16T10:00:00Z | 0 | ovs-monitor-ipsec | ERR | IKE daemon is not installed in the system.",
            ],
            "plugin-missing",
        ),
        (
            &[
                "sh[4]: Failed to enable unit: Unit file /etc/systemd/system/ipsec.service is masked.",
            ],
            "daemon-not-running",
        ),
        (
            &["sh[4]: Reloading strongSwan IPsec failed: starter is not running"],
            "daemon-not-running",
        ),
        (
            &["engine[1]: F0826 22:38:16.405002 1 libreswan.go:365] Pluto exited: exit status 1"],
            "daemon-not-running",
        ),
        (
            &[
                "kubelet[4]: Back-off restarting failed container libreswan in pod vpn-0_default(a1)",
            ],
            "service-crash-loop",
        ),
        (
            &[
                "systemd[4]: strongswan.service: Unable to locate executable '/usr/sbin/charon-systemd': Permission denied",
            ],
            "selinux-apparmor-or-caps",
        ),
        (
            &[
                "kubectl[4]: pods \"ipsec-\" is forbidden: unable to validate against any security context constraint: [capabilities.add: Invalid value: \"NET_ADMIN\"]",
            ],
            "selinux-apparmor-or-caps",
        ),
        (
            &[
                "kernel: audit: type=1400 audit(1.1:7): apparmor=\"DENIED\" operation=\"open\" profile=\"/usr/lib/NetworkManager/nm-l2tp-service\" name=\"/etc/ipsec.d/x.secrets\" pid=91 comm=\"nm-l2tp-servic\" requested_mask=\"r\" denied_mask=\"r\" fsuid=0 ouid=0",
            ],
            "selinux-apparmor-or-caps",
        ),
        (
            &[
                "docker[4]: Ports are not available: exposing port UDP 0.0.0.0:500 -> 0.0.0.0:0: listen udp 0.0.0.0:500: bind: Only one usage of each socket address",
            ],
            "port-500-in-use",
        ),
        (
            &[
                "engine[1]: GlobalCIDR \"242.0.0.0/16\" of local cluster \"east\" overlaps with remote cluster west",
            ],
            "overlapping-subnets",
        ),
        (
            &[
                "cilium-agent[1]: level=fatal msg=\"Error while creating daemon\" error=\"unable to setup encryption: missing IPSec key or invalid format\" subsys=daemon",
            ],
            "psk-formatting",
        ),
        (
            &[
                "cilium-agent[1]: level=error msg=\"IPsec enable failed\" error=\"unable to replace remote state: function not implemented\" spi=3 subsys=linux-datapath",
            ],
            "kernel-module-or-algo-missing",
        ),
        (
            &[
                "Keepalived_vrrp[811]: Disabling notify script /etc/keepalived/tunnels.sh since not found/accessible",
            ],
            "ha-transition-hook-wrong",
        ),
        (
            &[
                "docker[4]: Warning: Extension policy revision 0 not supported, missing kernel module?",
            ],
            "kernel-module-or-algo-missing",
        ),
        // A command of another product isn't a daemon that doesn't run.
        (
            &["sh[4]: /usr/sbin/ipsec: unknown command `verify' (`ipsec --help' for list)"],
            "undecided",
        ),
        (
            &["xl2tpd[4]: start: Unable to open config file"],
            "undecided",
        ),
    ]);
}

#[test]
fn who_checks_users() {
    let user = "eap-xauth-failure";
    judge_all(&[
        (
            &["freeradius[5]: (3) mschap: ERROR: MS-CHAP2-Response is incorrect"],
            user,
        ),
        (
            &[
                "radiusd[5]: Login incorrect (mschap: MS-CHAP2-Response is incorrect): [carol] (from client hub port 3)",
            ],
            user,
        ),
        (
            &[
                "radiusd[5]: Ignoring request to auth address * port 1812 bound to server default from unknown client 192.0.2.1 port 41022 proto udp",
            ],
            user,
        ),
        (
            &[
                "radiusd[5]: (0) Received packet from 192.0.2.1 with invalid Message-Authenticator!  (Shared secret is incorrect.)",
            ],
            user,
        ),
        (
            &[
                "pluto[5]: pam_unix(pluto:auth): authentication failure; logname= uid=0 euid=0 tty= ruser= rhost=203.0.113.9  user=carol",
            ],
            user,
        ),
        (
            &[
                "sshd[5]: pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost=203.0.113.9  user=root",
            ],
            "undecided",
        ),
    ]);
}

/// An attempt that meets silence.
const SILENCE: &[&str] = &[
    "charon[911]: 05[IKE] initiating IKE_SA depot[1] to 198.51.100.7",
    "charon[911]: 05[NET] sending packet: from 192.0.2.20[500] to 198.51.100.7[500] (464 bytes)",
    "charon[911]: 08[IKE] retransmit 1 of request with message ID 0",
    "charon[911]: 09[IKE] retransmit 2 of request with message ID 0",
    "charon[911]: 10[IKE] giving up after 5 retransmits",
];

/// What stands in the same log beside it.
#[test]
fn what_others_suffer_is_not_the_tunnels_trouble() {
    for lines in [
        &[
            "kernel: Chrome_IOThread[9911]: segfault at 10 ip 00005 sp 00007 error 4 in chrome[55+4000]",
        ][..],
        &["systemd-coredump[91]: Process 801 (tracker-miner-f) of user 1000 dumped core."],
        &["systemd[1]: cups.service: Main process exited, code=dumped, status=11/SEGV"],
        &["smbd[77]: *** buffer overflow detected ***: terminated"],
        &["node_exporter[77]: panic: runtime error: index out of range [3] with length 3"],
        &["runsv[3]: grafana: terminated by signal SIGSEGV"],
        &["dockerd[3]: grafana exited with code 139"],
        &["subctl[3]: no CIDR in cluster \"east\" overlaps with cluster \"west\""],
        &[
            "kubectl[4]: pods \"nginx-1\" is forbidden: unable to validate against any pod security policy: []",
        ],
        &["Keepalived_vrrp[5]: notify script /etc/keepalived/mail.sh exited with status 1"],
        &["agent[4]: unable to setup encryption: open /sys/class/net/x: no such file or directory"],
        &[
            "docker[4]: Ports are not available: exposing port UDP 0.0.0.0:500 -> 0.0.0.0:0: listen udp 0.0.0.0:500: bind: An attempt was made to access a socket in a way forbidden by its access permissions.",
        ],
        &["xl2tpd[9]: init_network: Unable to bind socket: Address already in use. Terminating."],
        &["radiusd[5]: Login incorrect (mschap: FAILED): [dave] (from client wlan port 3)"],
        &["modprobe: FATAL: Module nvidia not found in directory /lib/modules/6.1.0"],
        // A start that failed, and one that didn't.
        &[
            "systemd[1]: strongswan.service: Main process exited, code=exited, status=1/FAILURE",
            "systemd[1]: strongswan.service: Failed with result 'exit-code'.",
        ],
        &[
            "systemd[1]: strongswan.service: Main process exited, code=killed, status=9/KILL",
            "systemd[1]: strongswan.service: Failed with result 'timeout'.",
        ],
        &[
            "swanctl[9]: connecting to 'unix:///var/run/charon.vici' failed: No such file or directory",
        ],
    ] {
        let all: Vec<&str> = lines.iter().chain(SILENCE).copied().collect();
        assert_eq!(word(&log(&all)), "undecided", "{lines:#?}");
    }
}

#[test]
fn a_script_that_takes_rules_away_or_waits_has_not_failed() {
    for line in [
        "charon: 07[CHD] updown: iptables: Bad rule (does a matching rule exist in that chain?).",
        "charon: 07[CHD] updown: Another app is currently holding the xtables lock; waiting (1s) for it to exit...",
    ] {
        assert_eq!(word(&log(&[line])), "undecided", "{line}");
    }
    let lost = "charon: 07[CHD] updown: Another app is currently holding the xtables lock. Perhaps you want to use the -w option?";
    assert_eq!(word(&log(&[lost])), "updown-script-failure");
}

/// What others don't find or can't look up leaves alone what the daemon says.
#[test]
fn what_the_daemon_says_stands_beside_the_trouble_of_others() {
    let daemon = "charon: 05[IKE] no shared key found for 'hub' - 'depot'";
    for line in [
        "snapd[3]: cannot refresh: dial tcp: lookup api.snapcraft.io: Temporary failure in name resolution",
        "radiusd[5]: Login incorrect (mschap: FAILED): [dave] (from client wlan port 3)",
        "modprobe: FATAL: Module nvidia not found in directory /lib/modules/6.1.0",
        "apt[5]: E: Unable to locate package strongswan-plugin-openssl",
    ] {
        assert_eq!(word(&log(&[line, daemon])), "psk-not-found", "{line}");
        assert_eq!(word(&log(&[daemon, line])), "psk-not-found", "{line}");
    }
}

/// NetworkManager's plugin asks whether pluto runs, and starts it.
#[test]
fn a_daemon_that_listens_after_it_was_missed_runs() {
    let missed = "NetworkManager[7]: whack: Pluto is not running (no \"/run/pluto/pluto.ctl\")";
    let listens = "pluto[99]: listening for IKE messages";
    assert_eq!(word(&log(&[missed])), "daemon-not-running");
    assert_eq!(word(&log(&[missed, listens])), "undecided");
    assert_eq!(word(&log(&[listens, missed])), "daemon-not-running");
    let stops = "pluto[99]: shutting down";
    assert_eq!(word(&log(&[missed, listens, stops])), "daemon-not-running");
}

/// The lines below a unit's state may be of an earlier start.
#[test]
fn a_unit_that_is_active_runs() {
    let status = |state: &str, line: &str| {
        word(&format!(
            "● strongswan.service - strongSwan\n   Loaded: loaded (/lib/systemd/system/strongswan.service; enabled)\n   Active: {state} since Mon 2026-11-16 10:00:00 UTC; 1h ago\n\nNov 16 09:59:58 hub {line}\n"
        ))
    };
    let failed = "systemd[1]: strongswan.service: Failed with result 'exit-code'.";
    assert_eq!(status("active (running)", failed), "undecided");
    assert_eq!(
        status("failed (Result: exit-code)", failed),
        "daemon-not-running"
    );
    let refused = "ipsec[99]: charon refused to be started";
    assert_eq!(status("active (running)", refused), "daemon-not-running");
}

/// Of several units with an IKE daemon, the one that is masked isn't the one that holds the tunnel.
#[test]
fn a_masked_unit_beside_a_tunnel_that_is_up_is_not_the_cause() {
    let masked = "Unit ipsec.service is masked.\n";
    let up = "hq: #1, ESTABLISHED, IKEv2, aabbccdd11223344_i* 1122334455667788_r\n  local  'a' @ 192.0.2.1[4500]\n  remote 'b' @ 198.51.100.7[4500]\n  hq: #1, reqid 1, INSTALLED, TUNNEL, ESP:AES_GCM_16-256\n";
    assert_eq!(word(masked), "daemon-not-running");
    assert_ne!(word(&format!("{masked}{up}")), "daemon-not-running");
}
