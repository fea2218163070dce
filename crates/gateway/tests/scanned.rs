//! `adit scan`: what a peer answers and accepts, told right of gateways of both makers, with few messages.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod joined;
mod world;

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use adit_crypto::provider::aws_lc;
use adit_gateway::scan::{ScanOptions, scan};
use adit_kernel::NetNs;
use adit_model::event::Happening;
use adit_model::probed::Outcome;
use adit_model::scanned::{Grade, Scanned};
use adit_model::show::{Shown, Topic};
use joined::{KEY, check, findings};
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
    world.configure(At::East, KEY);
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
    world.configure(At::East, KEY);
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

/// A daemon of others in a namespace; ended when dropped.
struct Daemon(Child);

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

const CHARON: &str = "/usr/lib/ipsec/charon";

fn charon(at: &NetNs, folder: &Path, connections: &str) -> Option<Daemon> {
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
    let charon = Daemon(command.spawn().unwrap());
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

/// Libreswan's daemon with a connection for whoever comes, out of the folder in which its package was unpacked (`ADIT_LIBRESWAN`):
/// it can't be installed beside strongSwan.
fn pluto(at: &NetNs, folder: &Path, proposals: &str) -> Option<Daemon> {
    let package = std::env::var("ADIT_LIBRESWAN").unwrap_or_default();
    if !Path::new(&package).join("usr/libexec/ipsec/pluto").exists() {
        let required = !package.is_empty() && std::env::var("ADIT_REQUIRE_PEERS").is_ok();
        assert!(
            !required,
            "ADIT_LIBRESWAN names no folder with Libreswan's package"
        );
        eprintln!("skipped: Libreswan: ADIT_LIBRESWAN names no folder with its package");
        return None;
    }
    let connection = format!(
        "config setup
conn office
    authby=secret
    ikev2=insist
    ike={proposals}
    left=192.0.2.2
    leftid=@gw2.example
    leftsubnet=10.2.0.0/24
    right=%any
    rightid=@gw1.example
    rightsubnet=10.1.0.0/24
    auto=add
"
    );
    let secret = format!("@gw1.example @gw2.example : PSK \"{}\"\n", KEY.trim_end());
    std::fs::write(folder.join("ipsec.conf"), connection).unwrap();
    std::fs::write(folder.join("ipsec.secrets"), secret).unwrap();
    std::fs::create_dir_all(folder.join("nss")).unwrap();
    let folder = folder.display();
    let script = format!(
        "set -e
mount -t tmpfs none /run
mkdir -p /run/pluto
mount -t overlay o -o lowerdir={package}/usr/libexec:/usr/libexec /usr/libexec
certutil -N -d sql:{folder}/nss --empty-password
exec /usr/libexec/ipsec/pluto --nofork --stderrlog --no-dnssec --config {folder}/ipsec.conf \
    --secretsfile {folder}/ipsec.secrets --ipsecdir {folder} --nssdir {folder}/nss --rundir {folder}"
    );
    let log = std::fs::File::create(format!("{folder}/pluto.log")).unwrap();
    let mut command = Command::new("unshare");
    command
        .args(["-m", "--propagation", "private", "sh", "-c", &script])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log);
    at.start_inside(&mut command).unwrap();
    let pluto = Daemon(command.spawn().unwrap());
    let said = || std::fs::read_to_string(format!("{folder}/pluto.log")).unwrap_or_default();
    let listens = eventually(Duration::from_secs(10), || {
        let said = said();
        let added = said.contains("\"office\": added");
        (added && said.contains("listening for IKE messages")).then_some(())
    });
    assert!(listens.is_some(), "pluto doesn't listen: {}", said());
    Some(pluto)
}

/// What another maker's gateway takes is told right, though it answers in its own way.
#[test]
fn libreswan_is_told_right() {
    if !permitted("a scan of Libreswan") {
        return;
    }
    let world = World::new("pluto");
    let proposals = "aes256-sha2_256;modp2048,aes_gcm256-sha2_256;dh19";
    let Some(_pluto) = pluto(&world.east, &world.dir(At::East), proposals) else {
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
            "AUTH_HMAC_SHA2_256_128",
            "ENCR_AES_CBC 256",
            "ENCR_AES_GCM_16 256",
            "PRF_HMAC_SHA2_256",
            "ecp256",
            "modp2048",
        ],
        "{scanned:#?}"
    );
    assert!(scanned.is_complete(), "{scanned:#?}");
    assert!(scanned.sent.packets <= 40, "{scanned:#?}");
    let v2 = scanned.ike_v2.as_ref().unwrap();
    assert!(v2.fragmentation, "{scanned:#?}");
    assert_eq!(
        (v2.we_are_behind_nat, v2.it_is_behind_nat),
        (Some(false), Some(false))
    );
    assert_eq!(
        v2.chosen,
        [
            "ENCR_AES_CBC 256",
            "PRF_HMAC_SHA2_256",
            "AUTH_HMAC_SHA2_256_128",
            "modp2048",
        ]
    );
    assert_eq!(scanned.advice, Vec::<String>::new());
}

/// What can be known of a path to a gateway of another maker, which counts nothing for us, is told, and nothing is made up.
#[test]
fn libreswan_is_probed_and_nothing_is_found_that_is_not_there() {
    if !permitted("a probe of Libreswan") {
        return;
    }
    let world = World::new("pluto-probed");
    let Some(_pluto) = pluto(
        &world.east,
        &world.dir(At::East),
        "aes_gcm128-sha2_256;dh31",
    ) else {
        return;
    };
    world.configure(At::West, KEY);
    let mut west = world.start(At::West);
    let mut client = west.client();
    // Where its kernel has no ESP it proves who it is, and then refuses the child.
    let met = eventually(Duration::from_secs(10), || {
        let records = client.events(Some("office")).unwrap();
        let met = |what: &Happening| {
            matches!(
                what,
                Happening::ChildEstablished { .. } | Happening::PeerRefused { .. }
            )
        };
        records.iter().any(|r| met(&r.event.what)).then_some(())
    });
    assert!(met.is_some(), "{}", west.log());
    let probed = client.probe("office", None).unwrap();
    for id in ["ike-500", "ike-4500"] {
        assert_eq!(check(&probed, id).outcome, Outcome::Well, "{probed:#?}");
    }
    assert!(findings(&probed).is_empty(), "{probed:#?}");
    for id in ["esp-plain", "esp-udp", "esp-mtu-out", "esp-mtu-in"] {
        let found = probed.checks.iter().find(|check| check.id == id);
        let found = found.is_none_or(|check| check.outcome != Outcome::Well || probed.up);
        assert!(found, "{id}: {probed:#?}");
    }
}
