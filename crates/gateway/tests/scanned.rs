//! `adit scan`: what a peer answers and accepts, told right of gateways of both makers, with few messages.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod world;

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use adit_crypto::provider::aws_lc;
use adit_gateway::scan::{ScanOptions, scan};
use adit_kernel::NetNs;
use adit_model::scanned::{Grade, Scanned};
use adit_model::show::{Shown, Topic};
use world::{At, World, eventually, permitted};

fn ask(from: &NetNs, most: u64) -> Scanned {
    let options = ScanOptions {
        host: "192.0.2.2".to_owned(),
        address: [192, 0, 2, 2].into(),
        port: 500,
        nat_port: 4500,
        most,
    };
    from.run(|| scan(&options, &aws_lc()).unwrap()).unwrap()
}

fn accepted(scanned: &Scanned) -> Vec<&str> {
    let all = scanned.algorithms.iter();
    all.filter(|a| a.accepted == Some(true))
        .map(|a| a.name.as_str())
        .collect()
}

#[test]
fn a_gateway_of_ours_is_told_right_and_keeps_one_half_open_sa_at_most() {
    if !permitted("a scan") {
        return;
    }
    let world = World::new("scanned");
    world.configure(At::East, "correct horse battery staple\n");
    let mut east = world.start(At::East);
    let mut client = east.client();
    let scanned = ask(&world.west, 40);
    assert!(
        scanned.ports.iter().all(|port| port.answers == Some(true)),
        "{scanned:#?}"
    );
    assert_eq!(
        accepted(&scanned),
        ["x25519", "ENCR_AES_GCM_16 128", "PRF_HMAC_SHA2_256"]
    );
    // All of the others were refused, not merely unanswered.
    let refused = |a: &&adit_model::scanned::ScannedAlgorithm| a.accepted == Some(false);
    assert_eq!(
        scanned.algorithms.iter().filter(refused).count(),
        scanned.algorithms.len() - 3,
        "{scanned:#?}"
    );
    let v2 = scanned.ike_v2.as_ref().unwrap();
    assert!(v2.fragmentation && !v2.cookie);
    assert_eq!(
        (v2.we_are_behind_nat, v2.it_is_behind_nat),
        (Some(false), Some(false))
    );
    assert_eq!(
        v2.chosen,
        ["ENCR_AES_GCM_16 128", "PRF_HMAC_SHA2_256", "x25519"]
    );
    assert_eq!(scanned.advice, Vec::<String>::new());
    assert!(
        scanned.sent.packets <= 40 && scanned.took_ms < 15_000,
        "{scanned:#?}"
    );
    // Besides the one that it answered: it says nothing to version 1, and who says nothing may keep something.
    assert_eq!(scanned.ike_v1.answers, Some(false));
    assert_eq!(scanned.half_open, 2);
    let Shown::IkeSa(kept) = client.show(Topic::IkeSa, None).unwrap() else {
        panic!("another topic");
    };
    assert!(kept.ike_sas.len() <= 1, "{kept:#?}");
}

#[test]
fn a_scan_keeps_its_bounds_and_says_when_nobody_answers() {
    if !permitted("a scan") {
        return;
    }
    let world = World::new("silent");
    let scanned = ask(&world.west, 40);
    assert!(scanned.ports.iter().all(|port| port.answers == Some(false)));
    // The host says itself that nobody listens.
    assert!(
        scanned.ports[0].outcome.contains("port unreachable"),
        "{scanned:#?}"
    );
    assert!(scanned.sent.packets <= 5, "{scanned:#?}");
    world.configure(At::East, "correct horse battery staple\n");
    let mut east = world.start(At::East);
    east.client();
    let scanned = ask(&world.west, 6);
    assert_eq!(scanned.sent.packets, 6);
    assert!(scanned.algorithms.iter().any(|a| a.accepted.is_none()));
    // Version 1 has its turn all the same, and that something is missing is told.
    assert_eq!(scanned.ike_v1.answers, Some(false), "{scanned:#?}");
    assert!(scanned.answers() && !scanned.is_complete());
    let scanned = ask(&world.west, 1);
    assert_eq!(
        (scanned.ports[0].answers, scanned.ports[1].answers),
        (Some(true), None)
    );
    assert_eq!(scanned.ike_v1.answers, None, "{scanned:#?}");
}

/// A peer that hears and says nothing: who knows what it keeps.
#[test]
fn a_silent_peer_is_asked_twice_for_the_same_sa_and_what_it_may_keep_is_counted() {
    if !permitted("a scan") {
        return;
    }
    let world = World::new("deaf");
    let listen = |port| {
        let bind = || std::net::UdpSocket::bind(("192.0.2.2", port)).unwrap();
        let socket = world.east.run(bind).unwrap();
        socket.set_nonblocking(true).unwrap();
        socket
    };
    let sockets = [(listen(500), 0), (listen(4500), 4)];
    let scanned = ask(&world.west, 40);
    assert!(!scanned.answers(), "{scanned:#?}");
    let mut spis = std::collections::BTreeMap::<Vec<u8>, u64>::new();
    for (socket, marker) in &sockets {
        let mut buffer = [0; 65_536];
        while let Ok(length) = socket.recv(&mut buffer) {
            let message = &buffer[*marker..length];
            *spis.entry(message[..8].to_vec()).or_default() += 1;
        }
    }
    assert_eq!(spis.values().sum::<u64>(), scanned.sent.packets);
    assert!(spis.values().all(|times| *times == 2), "{spis:?}");
    assert_eq!(scanned.half_open, spis.len() as u64, "{scanned:#?}");
}

/// strongSwan's daemon in a namespace; ended when dropped.
struct Charon(Child);

impl Drop for Charon {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

const CHARON: &str = "/usr/lib/ipsec/charon";

fn charon(at: &NetNs, folder: &Path, connections: &str) -> Option<Charon> {
    if !Path::new(CHARON).exists() {
        eprintln!("skipped: a scan of strongSwan: {CHARON} isn't installed");
        return None;
    }
    let socket = folder.join("vici");
    let settings = format!(
        "charon {{
  load = random nonce openssl pem pkcs1 x509 pubkey des sha1 sha2 md5 hmac aes gmp kernel-netlink socket-default vici
  plugins {{ vici {{ socket = unix://{0} }} }}
}}
swanctl {{
  socket = unix://{0}
  load = random nonce openssl pem
}}
",
        socket.display()
    );
    std::fs::write(folder.join("strongswan.conf"), settings).unwrap();
    std::fs::create_dir_all(folder.join("swanctl")).unwrap();
    std::fs::write(folder.join("swanctl/swanctl.conf"), connections).unwrap();
    let mut command = Command::new("unshare");
    command
        .args(["-m", "--propagation", "private", "sh", "-c"])
        .args(["mount -t tmpfs none /run && exec \"$0\"", CHARON])
        .env("STRONGSWAN_CONF", folder.join("strongswan.conf"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    at.start_inside(&mut command).unwrap();
    let charon = Charon(command.spawn().unwrap());
    let loaded = eventually(Duration::from_secs(10), || {
        let mut command = Command::new("swanctl");
        command
            .args(["--load-all", "--noprompt"])
            .env("SWANCTL_DIR", folder.join("swanctl"))
            .env("STRONGSWAN_CONF", folder.join("strongswan.conf"))
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let done = command.status().is_ok_and(|status| status.success());
        if !done {
            std::thread::sleep(Duration::from_millis(200));
        }
        done.then_some(())
    });
    assert!(loaded.is_some(), "charon doesn't take its connection");
    Some(charon)
}

#[test]
fn strongswan_is_told_right_with_what_is_weak() {
    if !permitted("a scan of strongSwan") {
        return;
    }
    let world = World::new("charon");
    let connections = "connections { office {
  version = 0
  local_addrs = 192.0.2.2
  remote_addrs = %any
  proposals = aes128-sha256-modp2048,3des-sha1-modp1024,aes256gcm16-prfsha384-ecp384
  local { auth = psk
    id = east }
  remote { auth = psk }
  children { lan { } }
} }
secrets { ike-1 { secret = nothing } }
";
    let Some(_charon) = charon(&world.east, &world.dir(At::East), connections) else {
        return;
    };
    let scanned = ask(&world.west, 40);
    assert!(
        scanned.ports.iter().all(|port| port.answers == Some(true)),
        "{scanned:#?}"
    );
    let mut names = accepted(&scanned);
    names.sort_unstable();
    assert_eq!(
        names,
        [
            "AUTH_HMAC_SHA1_96",
            "AUTH_HMAC_SHA2_256_128",
            "ENCR_3DES",
            "ENCR_AES_CBC 128",
            "ENCR_AES_GCM_16 256",
            "PRF_HMAC_SHA1",
            "PRF_HMAC_SHA2_256",
            "PRF_HMAC_SHA2_384",
            "ecp384",
            "modp1024",
            "modp2048",
        ],
        "{scanned:#?}"
    );
    let worst = scanned.advice.first().unwrap();
    assert!(
        worst.contains("modp1024") && worst.contains("RFC 8247"),
        "{worst}"
    );
    assert!(scanned.advice.iter().any(|a| a.contains("ENCR_3DES")));
    assert_eq!(scanned.ike_v1.answers, Some(true), "{scanned:#?}");
    assert!(scanned.is_complete(), "{scanned:#?}");
    assert!(
        scanned
            .ike_v1
            .vendors
            .iter()
            .any(|v| v.contains("RFC 3706")),
        "{scanned:#?}"
    );
    assert!(scanned.advice.iter().any(|a| a.contains("RFC 9395")));
    assert!(scanned.sent.packets <= 40, "{scanned:#?}");
    let grade = |name: &str| {
        scanned
            .algorithms
            .iter()
            .find(|a| a.name == name)
            .unwrap()
            .grade
    };
    assert_eq!(grade("modp1024"), Grade::Broken);
}
