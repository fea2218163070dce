//! Real daemons of others, unmodified, two of a kind in namespaces of their own: gathered from, judged, followed.
//!
//! strongSwan is the installed one. Libreswan's package can't be installed beside it: `ADIT_LIBRESWAN` names the folder in
//! which Debian's was unpacked (`dpkg -x`). Where one is missing its test says that it was skipped; with
//! `ADIT_REQUIRE_PEERS=1`, as `cargo xtask interop` runs them, it fails, Libreswan's where its package could be had.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::Value;

use crate::program::{DONE, Dir, FINDINGS, Ran, adit, eventually};
use crate::sites::{SOON, permitted};

/// Whether the test can't be made here; says so.
fn skipped(what: &str, missing: Option<&str>) -> bool {
    let Some(missing) = missing else {
        return !permitted(what);
    };
    assert!(
        std::env::var("ADIT_REQUIRE_PEERS").is_err(),
        "{what} can't be tested: {missing}"
    );
    eprintln!("skipped: {what}: {missing}");
    true
}

/// A host: a network, and files that no other host sees.
struct Host {
    net: String,
    holder: Child,
    daemons: Vec<Child>,
}

impl Host {
    /// `mounts` is run before anything else, in the host's own view of the files.
    fn new(name: &str, mounts: &str) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let net = format!("adit-{}-{number}-{name}", std::process::id());
        ip(&["netns", "add", &net]);
        let script = format!(
            "set -e; mount -t tmpfs none /run; mount -t tmpfs none /var/log; {mounts}\necho ready; exec sleep 600"
        );
        let mut holder = Command::new("ip")
            .args(["netns", "exec", &net])
            .args(["unshare", "-m", "--propagation", "private", "sh", "-c"])
            .arg(script)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(holder.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        assert_eq!(line, "ready\n");
        Self {
            net,
            holder,
            daemons: Vec::new(),
        }
    }

    /// A command of this host.
    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new("nsenter");
        command
            .args(["-t", &self.holder.id().to_string(), "-n", "-m", "--"])
            .args(words)
            .stdin(Stdio::null());
        command
    }

    fn run(&self, words: &[&str]) -> Output {
        self.command(words).output().unwrap()
    }

    fn starts(&mut self, words: &[&str], log: &str) {
        let script = format!("exec \"$@\" >{log} 2>&1");
        let whole = [&["sh", "-c", &script, "sh"][..], words].concat();
        let daemon = self.command(&whole).spawn().unwrap();
        self.daemons.push(daemon);
    }

    fn has(&self, path: &str) -> bool {
        self.run(&["test", "-S", path]).status.success()
    }

    fn log(&self, path: &str) -> String {
        String::from_utf8_lossy(&self.run(&["cat", path]).stdout).into_owned()
    }

    /// `adit collect` on this host; the bundle.
    fn collect(&self, dir: &Dir, product: &str, log: &str) -> String {
        let bundle = dir.at(&format!("{}.txt", self.net));
        let program = env!("CARGO_BIN_EXE_adit");
        let words = [
            program,
            "collect",
            "--product",
            product,
            "--log",
            log,
            "-o",
            &bundle,
        ];
        Ran::from(self.run(&words)).ends_with(DONE);
        bundle
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        for child in self.daemons.iter_mut().chain([&mut self.holder]) {
            let _ = child.kill();
            let _ = child.wait();
        }
        ip(&["netns", "del", &self.net]);
    }
}

fn ip(words: &[&str]) {
    assert!(Command::new("ip").args(words).status().unwrap().success());
}

/// A cable between two hosts, 192.0.2.1 and 192.0.2.2.
fn wire(west: &Host, east: &Host) {
    ip(&[
        "link", "add", "under", "netns", &west.net, "type", "veth", "peer", "under", "netns",
        &east.net,
    ]);
    for (host, address) in [(west, "192.0.2.1/24"), (east, "192.0.2.2/24")] {
        for words in [
            &["addr", "add", address, "dev", "under"][..],
            &["link", "set", "under", "up"],
            &["link", "set", "lo", "up"],
        ] {
            ip(&[&["-n", &host.net], words].concat());
        }
    }
}

fn causes(verdict: &Value) -> Vec<&str> {
    let findings = verdict["findings"].as_array().unwrap();
    findings
        .iter()
        .filter_map(|f| f["cause"].as_str())
        .collect()
}

/// What `adit why` says of a bundle, or of two.
fn judged(args: &[&str]) -> Value {
    adit(&[&["why", "--json"], args].concat())
        .ends_with(FINDINGS)
        .json()
}

/// Follows a log on its host until a cause is named.
struct Follower(Child);

impl Follower {
    fn new(host: &Host, log: &str) -> Self {
        let words = [env!("CARGO_BIN_EXE_adit"), "why", "-f", log, "--json"];
        Self(host.command(&words).stdout(Stdio::piped()).spawn().unwrap())
    }

    fn cause(&mut self) -> String {
        let mut out = BufReader::new(self.0.stdout.take().unwrap());
        loop {
            let mut line = String::new();
            assert!(out.read_line(&mut line).unwrap() > 0, "it ended");
            let verdict: Value = serde_json::from_str(&line).unwrap();
            if let Some(cause) = causes(&verdict).first() {
                return (*cause).to_owned();
            }
        }
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

const CHARON: &str = "/usr/lib/ipsec/charon";
const CHARON_LOG: &str = "/var/log/charon.log";

fn strongswan(dir: &Dir, name: &str, local: u8, key: &str) -> Host {
    let folder = dir.at(name);
    std::fs::create_dir_all(format!("{folder}/swanctl")).unwrap();
    let remote = 3 - local;
    dir.write(
        &format!("{name}/swanctl/swanctl.conf"),
        &format!(
            "connections {{\n  net {{\n    version = 2\n    local_addrs = 192.0.2.{local}\n    remote_addrs = 192.0.2.{remote}\n    local {{\n      auth = psk\n      id = gw{local}.example.org\n    }}\n    remote {{\n      auth = psk\n      id = gw{remote}.example.org\n    }}\n    children {{\n      net {{\n        local_ts = 10.{local}.0.0/24\n        remote_ts = 10.{remote}.0.0/24\n      }}\n    }}\n  }}\n}}\nsecrets {{\n  ike-net {{\n    id-1 = gw1.example.org\n    id-2 = gw2.example.org\n    secret = \"{key}\"\n  }}\n}}\n"
        ),
    );
    dir.write(
        &format!("{name}/strongswan.conf"),
        &format!(
            "charon {{\n  load_modular = yes\n  plugins {{\n    include /etc/strongswan.d/charon/*.conf\n  }}\n  filelog {{\n    file {{\n      path = {CHARON_LOG}\n      time_format = %b %e %T\n      flush_line = yes\n      default = 1\n    }}\n  }}\n}}\n"
        ),
    );
    let mut host = Host::new(
        name,
        &format!(
            "mount --bind {folder}/swanctl /etc/swanctl; mount --bind {folder}/strongswan.conf /etc/strongswan.conf"
        ),
    );
    host.starts(&[CHARON], "/dev/null");
    host
}

/// Loads what the daemon is to know, once it is there.
fn loaded(host: &Host) {
    let there = eventually(SOON, || host.has("/run/charon.vici").then_some(()));
    assert!(
        there.is_some(),
        "charon didn't start: {}",
        host.log(CHARON_LOG)
    );
    let ran = Ran::from(host.run(&["swanctl", "--load-all", "--noprompt"]));
    assert_eq!(ran.code, Some(0), "{}", ran.err);
}

#[test]
fn two_strongswans_with_different_keys() {
    let missing = (!Path::new(CHARON).exists() || !Path::new("/usr/sbin/swanctl").exists())
        .then_some("strongSwan isn't installed (strongswan-charon, strongswan-swanctl)");
    if skipped("gathering from running strongSwans", missing) {
        return;
    }
    let dir = Dir::new("strongswan");
    let west = strongswan(&dir, "west", 1, "correct horse battery staple");
    let east = strongswan(&dir, "east", 2, "correct horse battery stable");
    wire(&west, &east);
    loaded(&west);
    loaded(&east);
    let mut follower = Follower::new(&east, CHARON_LOG);
    let ran = west.run(&["swanctl", "--initiate", "--child", "net", "--timeout", "8"]);
    assert!(!ran.status.success(), "the keys differ");
    assert_eq!(follower.cause(), "psk-mismatch");

    let theirs = east.collect(&dir, "strongswan", CHARON_LOG);
    let text = std::fs::read_to_string(&theirs).unwrap();
    assert!(!text.contains("battery"), "a secret was handed on");
    for piece in [
        "==== command: swanctl --list-conns ====",
        "==== file: /etc/swanctl/swanctl.conf ====",
        "==== file: /var/log/charon.log ====",
        "gw1.example.org",
    ] {
        assert!(text.contains(piece), "without {piece}:\n{text}");
    }
    assert_eq!(causes(&judged(&[&theirs]))[0], "psk-mismatch");
    let ours = west.collect(&dir, "strongswan", CHARON_LOG);
    let both = judged(&["--local", &ours, "--remote", &theirs]);
    assert_eq!(causes(&both)[0], "psk-mismatch");
    // The side that was refused isn't told why.
    assert_eq!(judged(&[&ours])["verdict"], "undecided");
}

const PLUTO_LOG: &str = "/var/log/pluto.log";

fn libreswan(dir: &Dir, package: &str, name: &str, local: u8, networks: (u8, u8)) -> Host {
    let folder = dir.at(name);
    std::fs::create_dir_all(format!("{folder}/ipsec.d")).unwrap();
    let (remote, (own, other)) = (3 - local, networks);
    dir.write(
        &format!("{name}/ipsec.conf"),
        &format!(
            "config setup\n    logfile={PLUTO_LOG}\n\nconn net\n    authby=secret\n    ikev2=insist\n    left=192.0.2.{local}\n    leftid=@gw{local}.example.org\n    leftsubnet=10.{own}.0.0/24\n    right=192.0.2.{remote}\n    rightid=@gw{remote}.example.org\n    rightsubnet=10.{other}.0.0/24\n    auto=add\n"
        ),
    );
    dir.write(
        &format!("{name}/ipsec.secrets"),
        "@gw1.example.org @gw2.example.org : PSK \"correct horse battery staple\"\n",
    );
    let mut host = Host::new(
        name,
        &format!(
            "mount -t overlay o -o lowerdir={package}/usr/libexec:/usr/libexec /usr/libexec
             mount --bind {package}/usr/sbin/ipsec /usr/sbin/ipsec
             mount --bind {folder}/ipsec.conf /etc/ipsec.conf
             mount --bind {folder}/ipsec.secrets /etc/ipsec.secrets
             mount --bind {folder}/ipsec.d /etc/ipsec.d
             mount -t tmpfs none /var/lib
             mkdir -p /run/pluto /var/lib/ipsec/nss
             certutil -N -d sql:/var/lib/ipsec/nss --empty-password"
        ),
    );
    host.starts(
        &[
            "/usr/libexec/ipsec/pluto",
            "--nofork",
            "--config",
            "/etc/ipsec.conf",
        ],
        "/var/log/pluto.stderr",
    );
    host
}

#[test]
fn two_libreswans_with_different_networks() {
    let package = std::env::var("ADIT_LIBRESWAN").unwrap_or_default();
    let there = Path::new(&package).join("usr/libexec/ipsec/pluto").exists();
    if package.is_empty() {
        eprintln!("skipped: gathering from running Libreswans: ADIT_LIBRESWAN isn't set");
        return;
    }
    let missing = (!there).then_some("ADIT_LIBRESWAN names no folder with Libreswan's package");
    if skipped("gathering from running Libreswans", missing) {
        return;
    }
    let dir = Dir::new("libreswan");
    let west = libreswan(&dir, &package, "west", 1, (1, 2));
    let east = libreswan(&dir, &package, "east", 2, (2, 7));
    wire(&west, &east);
    for host in [&west, &east] {
        let up = eventually(SOON, || host.has("/run/pluto/pluto.ctl").then_some(()));
        assert!(up.is_some(), "pluto didn't start: {}", host.log(PLUTO_LOG));
        // The address is there now, and the connection may be oriented.
        for words in [
            &["ipsec", "whack", "--listen"][..],
            &["ipsec", "auto", "--add", "net"],
        ] {
            host.run(words);
        }
    }
    let mut follower = Follower::new(&east, PLUTO_LOG);
    west.run(&["timeout", "8", "ipsec", "auto", "--up", "net"]);
    assert_eq!(follower.cause(), "ts-mismatch", "{}", east.log(PLUTO_LOG));

    let theirs = east.collect(&dir, "libreswan", PLUTO_LOG);
    let text = std::fs::read_to_string(&theirs).unwrap();
    assert!(!text.contains("battery"), "a secret was handed on");
    for piece in [
        "==== command: ipsec status ====",
        "==== file: /etc/ipsec.conf ====",
        "==== file: /var/log/pluto.log ====",
    ] {
        assert!(text.contains(piece), "without {piece}:\n{text}");
    }
    assert_eq!(causes(&judged(&[&theirs]))[0], "ts-mismatch");
    let ours = west.collect(&dir, "libreswan", PLUTO_LOG);
    let both = judged(&["--local", &ours, "--remote", &theirs]);
    assert_eq!(causes(&both)[0], "ts-mismatch");
}
