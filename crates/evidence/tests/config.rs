//! Configurations of every dialect: what is understood of them, and that no key gets through.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use adit_evidence::{ConfigReading, DigestKey, read_config};
use adit_model::peer_config::{AuthMethod, Dialect, PeerConnection, Pfs, Starts, Versions};

/// The key of every fixture, in one form or another.
const KEY: &str = "correct-horse-7";

fn read(text: &str) -> ConfigReading {
    let reading = read_config(
        "fixture",
        text.replace("KEY", KEY).as_bytes(),
        Some(&DigestKey::new([9; 32])),
    );
    let everything = format!("{reading:?}");
    assert!(!everything.contains(KEY), "a key got through: {everything}");
    reading
}

fn one(text: &str, dialect: Dialect) -> PeerConnection {
    let reading = read(text);
    assert_eq!(
        reading.dialects.iter().map(|(d, _)| *d).collect::<Vec<_>>(),
        [dialect],
        "{reading:?}"
    );
    let [one] = reading.connections.as_slice() else {
        panic!("not one connection: {:?}", reading.connections);
    };
    one.clone()
}

fn ike(c: &PeerConnection) -> Vec<String> {
    c.ike
        .value
        .as_ref()
        .expect("IKE proposals")
        .iter()
        .map(ToString::to_string)
        .collect()
}

fn esp(c: &PeerConnection) -> Vec<String> {
    c.children[0]
        .esp
        .value
        .as_ref()
        .expect("ESP proposals")
        .iter()
        .map(ToString::to_string)
        .collect()
}

fn nets(c: &PeerConnection) -> (String, String) {
    let text = |list: &[Option<adit_model::selector::Selector>]| {
        list.iter()
            .map(|s| s.map_or("dynamic".to_owned(), |s| s.to_string()))
            .collect::<Vec<_>>()
            .join(",")
    };
    (
        text(&c.children[0].local_ts.value),
        text(&c.children[0].remote_ts.value),
    )
}

fn pfs(c: &PeerConnection) -> String {
    c.children[0]
        .pfs
        .value
        .as_ref()
        .map_or("unknown".to_owned(), ToString::to_string)
}

/// What all fixtures below have in common: one tunnel between the same two gateways, seen from either.
fn is_the_tunnel(c: &PeerConnection) {
    assert_eq!(c.local.value[0].to_string(), "192.0.2.1", "local of {c:?}");
    assert_eq!(c.remote.value[0].to_string(), "198.51.100.1");
    assert_eq!(c.local_auth.value, [AuthMethod::Psk]);
    assert_eq!(
        nets(c),
        ("10.1.0.0/24".to_owned(), "10.2.0.0/24".to_owned())
    );
    let psk = c.psk.as_ref().expect("a key");
    assert_eq!(
        psk.digest,
        DigestKey::new([9; 32]).digest(KEY.as_bytes()),
        "{psk:?}"
    );
}

#[test]
fn strongswan_ipsec_conf() {
    let c = one(
        "# strongSwan 5.9
config setup
    uniqueids=yes
conn %default
    keyexchange=ikev2
    ike=aes256-sha256-modp2048!
conn gw-b
    also=child
    left=192.0.2.1
    leftid=@gw-a
    leftsubnet=10.1.0.0/24
    leftauth=psk
    right=198.51.100.1
    rightauth=psk
    rightsubnet=10.2.0.0/24
    auto=start
conn child
    esp=aes256gcm16-ecp256!
    lifetime=1h
192.0.2.1 198.51.100.1 : PSK \"KEY\"
",
        Dialect::StrongswanStroke,
    );
    is_the_tunnel(&c);
    assert_eq!(c.versions.value, Versions::V2);
    assert_eq!(ike(&c), ["aes256-sha256-prfsha256-modp2048"]);
    assert_eq!(esp(&c), ["aes256gcm16"]);
    assert_eq!(pfs(&c), "ecp256");
    assert_eq!(c.children[0].starts.value, Starts::Now);
    assert_eq!(c.children[0].life.value.unwrap().as_secs(), 3600);
    assert_eq!(c.ike.source().unwrap().line, Some(6));
}

#[test]
fn swanctl_conf() {
    let c = one(
        "connections {
  gw-b {
    version = 2
    local_addrs = 192.0.2.1
    remote_addrs = 198.51.100.1
    proposals = aes256-sha256-modp2048
    local { auth = psk  id = gw-a }
    remote {
      auth = psk
      id = gw-b
    }
    children {
      net {
        local_ts = 10.1.0.0/24
        remote_ts = 10.2.0.0/24
        esp_proposals = aes256gcm16-ecp256
        start_action = trap
      }
    }
  }
}
secrets { ike-b { id-1 = gw-a
  id-2 = gw-b
  secret = \"KEY\" } }
",
        Dialect::Swanctl,
    );
    is_the_tunnel(&c);
    assert_eq!(c.effective_local_id().unwrap().to_string(), "gw-a");
    assert_eq!(ike(&c), ["aes256-sha256-prfsha256-modp2048"]);
    assert_eq!(pfs(&c), "ecp256");
    assert_eq!(c.children[0].starts.value, Starts::OnDemand);
}

#[test]
fn libreswan_ipsec_conf() {
    let c = one(
        "conn gw-b
    left=192.0.2.1
    leftid=@gw-a
    leftsubnet=10.1.0.0/24
    right=198.51.100.1
    rightsubnet=10.2.0.0/24
    authby=secret
    ikev2=insist
    ike=aes256-sha2_256;dh14
    esp=aes_gcm256
    salifetime=1h
    auto=ondemand

: PSK \"KEY\"
",
        Dialect::Libreswan,
    );
    is_the_tunnel(&c);
    assert_eq!(c.versions.value, Versions::V2);
    assert_eq!(ike(&c), ["aes256-sha256-prfsha256-modp2048"]);
    assert_eq!(esp(&c), ["aes256gcm16"]);
    assert_eq!(c.children[0].pfs.value, Some(Pfs::AsIke));
    assert!(!c.children[0].pfs.is_written());
}

#[test]
fn vyatta_and_vyos() {
    let c = one(
        "set security vpn ipsec ike-group I ike-version 2
set security vpn ipsec ike-group I lifetime 28800
set security vpn ipsec ike-group I proposal 1 dh-group 14
set security vpn ipsec ike-group I proposal 1 encryption aes256
set security vpn ipsec ike-group I proposal 1 hash sha2_256
set security vpn ipsec esp-group E pfs dh-group20
set security vpn ipsec esp-group E proposal 1 encryption aes128gcm128
set security vpn ipsec esp-group E proposal 1 hash null
set security vpn ipsec site-to-site peer 198.51.100.1 authentication mode pre-shared-secret
set security vpn ipsec site-to-site peer 198.51.100.1 authentication pre-shared-secret 'KEY'
set security vpn ipsec site-to-site peer 198.51.100.1 ike-group I
set security vpn ipsec site-to-site peer 198.51.100.1 local-address 192.0.2.1
set security vpn ipsec site-to-site peer 198.51.100.1 tunnel 1 esp-group E
set security vpn ipsec site-to-site peer 198.51.100.1 tunnel 1 local prefix 10.1.0.0/24
set security vpn ipsec site-to-site peer 198.51.100.1 tunnel 1 remote prefix 10.2.0.0/24
",
        Dialect::Vyatta,
    );
    is_the_tunnel(&c);
    assert_eq!(ike(&c), ["aes256-sha256-prfsha256-modp2048"]);
    assert_eq!(esp(&c), ["aes128gcm16"]);
    assert_eq!(pfs(&c), "ecp384");
    let c = one(
        "vpn {
    ipsec {
        authentication {
            psk b {
                id 192.0.2.1
                id 198.51.100.1
                secret \"KEY\"
            }
        }
        esp-group E {
            pfs disable
            proposal 1 {
                encryption aes256
                hash sha256
            }
        }
        ike-group I {
            key-exchange ikev2
            proposal 1 {
                dh-group 19
                encryption aes256
                hash sha256
            }
        }
        site-to-site {
            peer b {
                authentication {
                    mode pre-shared-secret
                }
                default-esp-group E
                ike-group I
                local-address 192.0.2.1
                remote-address 198.51.100.1
                tunnel 0 {
                    local { prefix 10.1.0.0/24 }
                    remote { prefix 10.2.0.0/24 }
                }
            }
        }
    }
}
",
        Dialect::Vyos,
    );
    is_the_tunnel(&c);
    assert_eq!(pfs(&c), "no PFS");
    assert_eq!(ike(&c), ["aes256-sha256-prfsha256-ecp256"]);
}

#[test]
fn a_command_that_lost_a_letter_is_told() {
    let reading = read(
        "set security vpn ipsec ike-group I ike-version 2
et security vpn ipsec site-to-site peer 198.51.100.1 authentication id 192.0.2.1
set security vpn ipsec site-to-site peer 198.51.100.1 ike-group I
",
    );
    let lost = reading
        .lints
        .iter()
        .find(|l| l.cause == "config-line-lost")
        .expect("a lint");
    assert_eq!(lost.source.line, Some(2));
    assert!(lost.source.text.starts_with("et security"), "{lost:?}");
}

#[test]
fn junos() {
    let c = one(
        "set security ike proposal P authentication-method pre-shared-keys
set security ike proposal P dh-group group14
set security ike proposal P authentication-algorithm sha-256
set security ike proposal P encryption-algorithm aes-256-cbc
set security ike policy PO proposals P
set security ike policy PO pre-shared-key ascii-text \"KEY\"
set security ike gateway G ike-policy PO
set security ike gateway G address 198.51.100.1
set security ike gateway G local-address 192.0.2.1
set security ike gateway G version v2-only
set security ipsec proposal P2 encryption-algorithm aes-256-gcm
set security ipsec policy PO2 perfect-forward-secrecy keys group14
set security ipsec policy PO2 proposals P2
set security ipsec vpn V bind-interface st0.0
set security ipsec vpn V ike gateway G
set security ipsec vpn V ike ipsec-policy PO2
set security ipsec vpn V ike proxy-identity local 10.1.0.0/24
set security ipsec vpn V ike proxy-identity remote 10.2.0.0/24
set security ipsec vpn V establish-tunnels immediately
",
        Dialect::Junos,
    );
    is_the_tunnel(&c);
    assert_eq!(c.versions.value, Versions::V2);
    assert_eq!(ike(&c), ["aes256-sha256-prfsha256-modp2048"]);
    assert_eq!(esp(&c), ["aes256gcm16"]);
    assert_eq!(pfs(&c), "modp2048");
    assert_eq!(c.children[0].starts.value, Starts::Now);
}

#[test]
fn pan_os_as_commands_and_as_xml() {
    let c = one(
        "set network ike crypto-profiles ike-crypto-profiles P dh-group group14
set network ike crypto-profiles ike-crypto-profiles P hash sha256
set network ike crypto-profiles ike-crypto-profiles P encryption [ aes-256-cbc aes-128-cbc ]
set network ike crypto-profiles ike-crypto-profiles P lifetime hours 8
set network ike crypto-profiles ipsec-crypto-profiles P2 esp encryption aes-256-gcm
set network ike crypto-profiles ipsec-crypto-profiles P2 esp authentication none
set network ike crypto-profiles ipsec-crypto-profiles P2 dh-group no-pfs
set network ike gateway G protocol version ikev2
set network ike gateway G protocol ikev2 ike-crypto-profile P
set network ike gateway G local-address ip 192.0.2.1/24
set network ike gateway G peer-address ip 198.51.100.1
set network ike gateway G authentication pre-shared-key key KEY
set network tunnel ipsec T auto-key ike-gateway G
set network tunnel ipsec T auto-key ipsec-crypto-profile P2
set network tunnel ipsec T auto-key proxy-id N local 10.1.0.0/24
set network tunnel ipsec T auto-key proxy-id N remote 10.2.0.0/24
set network tunnel ipsec T tunnel-interface tunnel.1
",
        Dialect::Panos,
    );
    is_the_tunnel(&c);
    assert_eq!(c.versions.value, Versions::V2);
    assert_eq!(ike(&c), ["aes256-aes128-sha256-prfsha256-modp2048"]);
    assert_eq!(pfs(&c), "no PFS");
    assert_eq!(c.ike_life.value.unwrap().as_secs(), 8 * 3600);
    let c = one(
        "<config version=\"10.1.0\">
<devices><entry name=\"localhost.localdomain\"><network>
<ike>
 <crypto-profiles><ike-crypto-profiles><entry name=\"P\">
  <encryption><member>aes-256-cbc</member></encryption>
  <hash><member>sha256</member></hash>
  <dh-group><member>group14</member></dh-group>
 </entry></ike-crypto-profiles></crypto-profiles>
 <gateway><entry name=\"G\">
  <authentication><pre-shared-key><key>KEY</key></pre-shared-key></authentication>
  <protocol><ikev2><ike-crypto-profile>P</ike-crypto-profile></ikev2><version>ikev2</version></protocol>
  <local-address><ip>192.0.2.1/24</ip></local-address>
  <peer-address><ip>198.51.100.1</ip></peer-address>
 </entry></gateway>
</ike>
<tunnel><ipsec><entry name=\"T\"><auto-key>
 <ike-gateway><entry name=\"G\"/></ike-gateway>
 <proxy-id><entry name=\"N\"><local>10.1.0.0/24</local><remote>10.2.0.0/24</remote></entry></proxy-id>
</auto-key></entry></ipsec></tunnel>
</network></entry></devices></config>
",
        Dialect::Panos,
    );
    is_the_tunnel(&c);
    assert_eq!(ike(&c), ["aes256-sha256-prfsha256-modp2048"]);
}

#[test]
fn cisco_ios_with_ikev1_and_a_crypto_map() {
    let c = one(
        "crypto isakmp policy 10
 encr aes 256
 hash sha256
 authentication pre-share
 group 14
crypto isakmp key KEY address 198.51.100.1
!
crypto ipsec transform-set T esp-aes 256 esp-sha256-hmac
 mode tunnel
!
crypto map M 10 ipsec-isakmp
 set peer 198.51.100.1
 set transform-set T
 set pfs group14
 match address 101
!
interface GigabitEthernet0/0
 ip address 192.0.2.1 255.255.255.0
 crypto map M
!
access-list 101 permit ip 10.1.0.0 0.0.0.255 10.2.0.0 0.0.0.255
",
        Dialect::CiscoIos,
    );
    is_the_tunnel(&c);
    assert_eq!(c.versions.value, Versions::V1);
    assert_eq!(ike(&c), ["aes256-sha256-prfsha256-modp2048"]);
    assert_eq!(esp(&c), ["aes256-sha256"]);
    assert_eq!(pfs(&c), "modp2048");
}

#[test]
fn cisco_asa_with_ikev2() {
    let c = one(
        "interface GigabitEthernet0/0
 nameif outside
 ip address 192.0.2.1 255.255.255.0
object network L
 subnet 10.1.0.0 255.255.255.0
access-list ACL extended permit ip object L 10.2.0.0 255.255.255.0
crypto ipsec ikev2 ipsec-proposal X
 protocol esp encryption aes-256
 protocol esp integrity sha-256
crypto map M 1 match address ACL
crypto map M 1 set peer 198.51.100.1
crypto map M 1 set ikev2 ipsec-proposal X
crypto map M interface outside
crypto ikev2 policy 1
 encryption aes-256
 integrity sha256
 group 14
 prf sha256
 lifetime seconds 86400
crypto ikev2 enable outside
tunnel-group 198.51.100.1 type ipsec-l2l
tunnel-group 198.51.100.1 ipsec-attributes
 ikev2 remote-authentication pre-shared-key KEY
 ikev2 local-authentication pre-shared-key KEY
",
        Dialect::CiscoAsa,
    );
    assert_eq!(c.remote.value[0].to_string(), "198.51.100.1");
    assert_eq!(c.versions.value, Versions::V2);
    assert_eq!(ike(&c), ["aes256-sha256-prfsha256-modp2048"]);
    assert_eq!(esp(&c), ["aes256-sha256"]);
    assert_eq!(
        nets(&c),
        ("10.1.0.0/24".to_owned(), "10.2.0.0/24".to_owned())
    );
    assert_eq!(c.local_auth.value, [AuthMethod::Psk]);
    assert!(c.psk.unwrap().digest.is_some());
}

#[test]
fn fortios() {
    let c = one(
        "config vpn ipsec phase1-interface
    edit \"to-b\"
        set interface \"port1\"
        set ike-version 2
        set local-gw 192.0.2.1
        set proposal aes256-sha256
        set dhgrp 14
        set remote-gw 198.51.100.1
        set psksecret KEY
    next
end
config vpn ipsec phase2-interface
    edit \"p2\"
        set phase1name \"to-b\"
        set proposal aes256gcm
        set dhgrp 14
        set src-subnet 10.1.0.0 255.255.255.0
        set dst-subnet 10.2.0.0 255.255.255.0
    next
end
",
        Dialect::Fortios,
    );
    is_the_tunnel(&c);
    assert_eq!(c.versions.value, Versions::V2);
    assert_eq!(ike(&c), ["aes256-sha256-prfsha256-modp2048"]);
    assert_eq!(pfs(&c), "modp2048");
}

#[test]
fn routeros() {
    let c = one(
        "/ip ipsec profile
add dh-group=modp2048 enc-algorithm=aes-256 hash-algorithm=sha256 name=p1
/ip ipsec peer
add address=198.51.100.1/32 exchange-mode=ike2 local-address=192.0.2.1 name=b profile=p1
/ip ipsec proposal
add auth-algorithms=sha256 enc-algorithms=aes-256-cbc name=p2 pfs-group=none
/ip ipsec identity
add peer=b secret=KEY
/ip ipsec policy
add dst-address=10.2.0.0/24 peer=b proposal=p2 src-address=10.1.0.0/24 tunnel=yes
",
        Dialect::Routeros,
    );
    is_the_tunnel(&c);
    assert_eq!(c.versions.value, Versions::V2);
    assert_eq!(ike(&c), ["aes256-sha256-prfsha256-modp2048"]);
    assert_eq!(esp(&c), ["aes256-sha256"]);
    assert_eq!(pfs(&c), "no PFS");
}

#[test]
fn racoon_with_setkey() {
    let c = one(
        "remote 198.51.100.1 {
    exchange_mode main;
    proposal_check strict;
    proposal {
        encryption_algorithm aes 256;
        hash_algorithm sha256;
        authentication_method pre_shared_key;
        dh_group 14;
    }
}
sainfo address 10.1.0.0/24 any address 10.2.0.0/24 any {
    pfs_group modp2048;
    encryption_algorithm aes 256;
    authentication_algorithm hmac_sha256;
    compression_algorithm deflate;
}
spdadd 10.1.0.0/24 10.2.0.0/24 any -P out ipsec esp/tunnel/192.0.2.1-198.51.100.1/require;
spdadd 10.2.0.0/24 10.1.0.0/24 any -P in ipsec esp/tunnel/198.51.100.1-192.0.2.1/require;
",
        Dialect::Racoon,
    );
    assert_eq!(c.local.value[0].to_string(), "192.0.2.1");
    assert_eq!(
        nets(&c),
        ("10.1.0.0/24".to_owned(), "10.2.0.0/24".to_owned())
    );
    assert!(c.strict_lifetime.value);
    assert_eq!(ike(&c), ["aes256-sha256-prfsha256-modp2048"]);
    assert_eq!(esp(&c), ["aes256-sha256"]);
    assert_eq!(pfs(&c), "modp2048");
}

/// What in.iked has in memory says the same as the file it came from.
#[test]
fn illumos_rules_from_the_daemon() {
    let reading = read(
        "# ikeadm dump rule

GLOBL: Label 'n1-n2', key manager cookie 3
GLOBL: local_idtype=IPv4 Address, ike_mode=Aggressive Mode
GLOBL: p1_nonce_len=20, p2_nonce_len=32, p2_pfs=true (group 5)
GLOBL: p2_lifetime=28800 seconds, p2_softlife=25920 seconds
LOCIP: IP address range(s):
LOCIP: 192.0.2.1 (n1.example.org)
REMIP: IP address range(s):
REMIP: AF_INET: port 0, 198.51.100.1 (n2.example.org).
REMID: Identity descriptors:
REMID: Includes:
REMID:    n2.example.org
REMID: Excludes:
REMID:    n3.example.org
XFRMS: Available Transforms:
XF  0: Authentication method: pre-shared key
XF  0: Encryption alg: aes-cbc(256..256); Authentication alg: hmac-sha256
XF  0: PRF: HMAC SHA1; Oakley Group: 1536-bit MODP (group 5)
XF  0: Phase 2 PFS is not used
XF  0: Lifetime limits:
XF  0: 14400 seconds; 0 kbytes protected; 0 keymat provided.

GLOBL: Label 'n1-n4', key manager cookie 4
GLOBL: local_idtype=IPv4 Address, ike_mode=Main Mode
GLOBL: p1_nonce_len=20, p2_nonce_len=32, p2_pfs=false (group 0)
LOCIP: IP address range(s):
LOCIP: 192.0.2.1 <unknown>
REMIP: IP address range(s):
REMIP: 198.51.100.4 <unknown>
XFRMS: Available Transforms:
XF  0: Authentication method: RSA signatures
XF  0: Encryption alg: 3des; Authentication alg: sha1
XF  0: PRF: <unknown>; Oakley Group: 1024-bit MODP (group 2)

Completed dump of policy rules
",
    );
    let [one, two] = reading.connections.as_slice() else {
        panic!("{reading:?}");
    };
    assert_eq!(one.dialect, Dialect::Illumos);
    assert_eq!(one.name, "n1-n2");
    assert_eq!(one.local.value[0].to_string(), "192.0.2.1");
    assert_eq!(one.remote.value[0].to_string(), "198.51.100.1");
    assert!(one.aggressive.value);
    assert_eq!(
        one.remote_id.value.as_ref().unwrap().to_string(),
        "n2.example.org"
    );
    assert_eq!(ike(one), ["aes256-sha256-prfsha256-modp1536"]);
    assert_eq!(one.local_auth.value, [AuthMethod::Psk]);
    assert_eq!(pfs(one), "modp1536");
    assert_eq!(one.remote.source().unwrap().line, Some(10));
    assert_eq!(two.name, "n1-n4");
    assert!(!two.aggressive.value);
    assert_eq!(two.local_auth.value, [AuthMethod::PublicKey]);
    assert_eq!(ike(two), ["3des-sha1-prfsha1-modp1024"]);
    assert_eq!(pfs(two), "no PFS");
}

#[test]
fn illumos() {
    let reading = read(
        "p1_lifetime_secs 900
p2_lifetime_secs 300
p2_softlife_secs 150
p2_pfs 2
{
  label \"n1-n2\"
  local_addr 192.0.2.1
  remote_addr 198.51.100.1
  p1_xform { auth_method preshared oakley_group 5 auth_alg sha256 encr_alg aes }
  p2_pfs 5
}
{ localidtype IP localid 192.0.2.1 remoteidtype IP remoteid 198.51.100.1 key \"KEY\" }
{ ulp udp laddr 192.0.2.1 raddr 198.51.100.1 } ipsec { encr_algs aes encr_auth_algs sha512 sa shared }
",
    );
    let [c] = reading.connections.as_slice() else {
        panic!("{reading:?}");
    };
    assert_eq!(c.dialect, Dialect::Illumos);
    assert_eq!(c.local.value[0].to_string(), "192.0.2.1");
    assert_eq!(ike(c), ["aes128-aes192-aes256-sha256-prfsha256-modp1536"]);
    assert_eq!(pfs(c), "modp1536");
    assert_eq!(
        nets(c),
        (
            "192.0.2.1/32[udp]".to_owned(),
            "198.51.100.1/32[udp]".to_owned()
        )
    );
    assert_eq!(c.children[0].soft_life.value.unwrap().as_secs(), 150);
    assert!(c.psk.as_ref().unwrap().digest.is_some());
    assert!(
        reading
            .lints
            .iter()
            .any(|l| l.cause == "global-vs-rule-setting-conflict")
    );
}

#[test]
fn words_that_nobody_knows_are_told_with_the_nearest_one() {
    for (text, cause, near) in [
        (
            "conn a\n    left=192.0.2.1\n    rihgt=198.51.100.1\n    authby=secret\n    ikev2=insist\n",
            "config-syntax-rejected",
            "right",
        ),
        (
            "connections {\n a {\n  remot_addrs = 198.51.100.1\n  children {\n  }\n }\n}\n",
            "config-syntax-rejected",
            "remote_addrs",
        ),
        (
            "con a\n    left=192.0.2.1\nconn b\n    left=192.0.2.1\n    right=198.51.100.1\n",
            "config-line-lost",
            "conn",
        ),
    ] {
        let reading = read(text);
        assert!(
            reading
                .lints
                .iter()
                .any(|l| l.cause == cause && l.message.contains(&format!("`{near}`"))),
            "{near}: {:?}",
            reading.lints
        );
    }
}

#[test]
fn words_of_the_product_are_no_lint() {
    for text in [
        "# strongSwan 5.9\nconn a\n    keyexchange=ikev2\n    left=192.0.2.1\n    right=198.51.100.1\n    rightsubnet=10.2.0.0/24\n    rightauth=psk\n    closeaction=restart\n    margintime=9m\n    auto=start\n",
        "conn a\n    left=192.0.2.1\n    right=198.51.100.1\n    rightrsasigkey=0sAQ\n    authby=rsasig\n    ikev2=insist\n    encapsulation=auto\n    dpddelay=10\n    auto=start\n",
    ] {
        let reading = read(text);
        assert!(reading.lints.is_empty(), "{:?}", reading.lints);
    }
}

#[test]
fn a_key_behind_a_misspelt_word_is_never_shown() {
    for text in [
        "conn a\n left=192.0.2.1\n secert=KEY\n",
        "connections {\n a {\n  children { }\n }\n}\nsecrets {\n ike-1 {\n  secert = \"KEY\"\n }\n}\n",
        "192.0.2.1 : PKS \"KEY\"\nconn a\n left=192.0.2.1\n : PKS \"KEY\"\n",
        ": PSK \"KEY\n: PSK KEY KEY\n",
        "set vpn ipsec site-to-site peer a authentication pre-shared-secrte KEY\n",
        "set network ike gateway G authentication pre-shared-key key KEY\nset network ike gatway G authentication pre-shared-key key KEY\n",
        "crypto isakmp key KEY\ncrypto isakmp kye KEY address 1.2.3.4\n",
        "config vpn ipsec phase1-interface\nedit x\nset psksecret KEY\nset pskscret KEY\n",
        "/ip ipsec peer\nadd secret=KEY secrt=KEY\n",
        "{ localidtype IP key KEY }\n{ label x kye KEY }\n",
        "conn a\n left=192.0.2.1\n  KEY\n",
    ] {
        let _ = read(text);
    }
}

#[test]
fn networks_that_a_paste_hides_are_not_the_ends_own_addresses() {
    let hidden = |text: &str| {
        let reading = read(text);
        let child = &reading.connections.first().expect(text).children[0];
        for networks in [&child.local_ts, &child.remote_ts] {
            assert!(networks.is_written() && networks.value.is_empty(), "{text}");
        }
    };
    hidden(
        "conn a\n    left=192.0.2.1\n    leftsubnet=10.x.x.0/24\n    right=198.51.100.1\n    rightsubnet={10.2.0.0/24 y.y.y.y/16}\n    authby=secret\n    phase2alg=aes128-sha1\n",
    );
    hidden(
        "conn a\n    left=192.0.2.1\n    leftsubnet=*.*.*.*/24\n    right=198.51.100.1\n    rightsubnet=a.b.c.d/16\n    keyexchange=ikev2\n    esp=aes128-sha256!\n",
    );
    hidden(
        "connections {\n  a {\n    remote_addrs = 198.51.100.1\n    children {\n      b {\n        local_ts = 10.x.x.0/24\n        remote_ts = 172.x.x.0/16\n      }\n    }\n  }\n}\n",
    );
    hidden(
        "set vpn ipsec site-to-site peer 198.51.100.1 authentication mode pre-shared-secret\nset vpn ipsec site-to-site peer 198.51.100.1 tunnel 1 local prefix 10.x.x.0/24\nset vpn ipsec site-to-site peer 198.51.100.1 tunnel 1 remote prefix 10.y.y.0/24\n",
    );
}

/// A pool that no section of the text has; names that plugins answer to aren't meant.
#[test]
fn a_connection_names_a_pool_that_is_not_there() {
    let text = |pools: &str| {
        format!(
            "connections {{\n  users {{\n    version = 2\n    {pools}\n    remote {{\n      auth = eap-mschapv2\n    }}\n  }}\n}}\npools {{\n  ee5ef34a {{\n    addrs = 10.56.2.0/24\n  }}\n}}\n"
        )
    };
    let about_pools = |pools: &str| {
        let lints = read(&text(pools)).lints;
        lints
            .into_iter()
            .filter(|lint| lint.cause == "virtual-ip-or-cp-failure")
            .map(|lint| lint.fix)
            .collect::<Vec<_>>()
    };
    assert_eq!(about_pools("pools = Users"), ["pools = ee5ef34a"]);
    assert_eq!(about_pools("**pools = Users**"), ["pools = ee5ef34a"]);
    assert!(about_pools("pools = ee5ef34a, dhcp, radius").is_empty());
}
