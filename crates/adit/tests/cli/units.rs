//! The units that systemd starts: that it takes them, and that what they say does what it is for.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use adit_kernel::netlink::{Route, VethEnd};
use adit_kernel::{NetNs, Netlink, PingOptions, PingOutcome, block, ping, sysctl};
use std::os::fd::AsFd;

use crate::program::Dir;
use crate::sites::permitted;

const CONFIG: &str = r#"
[tunnel.office]
local      = "192.0.2.1"
remote     = "192.0.2.2"
local_id   = "west.lab"
remote_id  = "east.lab"
auth       = { psk_file = "office.psk" }

[tunnel.office.child.lan]
local_net  = ["10.1.0.0/24", "fd00:1::/64"]
remote_net = ["10.2.0.0/24", "fd00:2::/64"]
"#;

fn units() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../packaging/systemd")
}

fn unit(name: &str) -> String {
    std::fs::read_to_string(units().join(name)).unwrap()
}

/// The values of a key.
fn values<'u>(unit: &'u str, key: &str) -> Vec<&'u str> {
    unit.lines()
        .filter_map(|line| line.strip_prefix(key)?.strip_prefix('='))
        .collect()
}

#[test]
fn the_block_comes_before_the_network_and_the_gateway_after_it() {
    let block = unit("adit-block.service");
    assert!(values(&block, "Before")[0].contains("network-pre.target"));
    assert_eq!(values(&block, "Wants"), ["network-pre.target"]);
    assert_eq!(values(&block, "DefaultDependencies"), ["no"]);
    assert!(
        values(&block, "ExecStop").is_empty(),
        "only adit unblock lifts it"
    );
    let gateway = unit("adit.service");
    assert!(values(&gateway, "After")[0].contains("adit-block.service"));
    assert!(values(&gateway, "ExecStart")[0].ends_with("-c /etc/adit/adit.toml"));
}

/// `adit apply` writes what is confirmed beside the configuration file, and then in its place.
#[test]
fn the_gateway_may_write_where_its_configuration_is() {
    let gateway = unit("adit.service");
    assert_eq!(values(&gateway, "ProtectSystem"), ["strict"]);
    let (_, config) = values(&gateway, "ExecStart")[0]
        .rsplit_once(" -c ")
        .unwrap();
    let folder = Path::new(config).parent().unwrap();
    let writable = values(&gateway, "ReadWritePaths");
    let mut writable = writable.iter().flat_map(|paths| paths.split_whitespace());
    // A folder that isn't there is no reason not to start.
    assert!(
        writable.any(|path| path
            .strip_prefix('-')
            .is_some_and(|p| Path::new(p) == folder)),
        "{gateway}"
    );
}

#[test]
fn systemd_takes_the_units() {
    let found = Command::new("systemd-analyze").arg("--version").output();
    if !found.is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: what systemd says of the units: no systemd-analyze here");
        return;
    }
    let dir = Dir::new("units");
    // It looks for the programs; here they aren't installed.
    for name in ["adit-block.service", "adit.service"] {
        let text = unit(name).replace("/usr/bin/adit", env!("CARGO_BIN_EXE_adit"));
        std::fs::write(dir.at(name), text).unwrap();
    }
    for name in ["adit-block.service", "adit.service"] {
        let Output { status, stderr, .. } = Command::new("systemd-analyze")
            .args(["verify", "--man=no"])
            .arg(dir.at(name))
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&stderr);
        // Of the machine's own units it says what it likes.
        let about: Vec<_> = said.lines().filter(|line| line.contains("adit")).collect();
        assert!(about.is_empty(), "{about:?}");
        assert!(status.success() || about.is_empty(), "{said}");
    }
}

/// A network namespace that nothing has been done to, the file system as a package leaves it, and the command to the letter.
#[test]
fn the_units_command_blocks_before_there_is_a_network() {
    if !permitted("the boot unit's command") {
        return;
    }
    let unit = unit("adit-block.service");
    let command = values(&unit, "ExecStart")[0].to_owned();
    let dir = Dir::new("boot");
    for sub in ["bin", "etc/adit"] {
        std::fs::create_dir_all(dir.at(sub)).unwrap();
    }
    std::fs::write(dir.at("bin/adit"), "").unwrap();
    std::fs::write(dir.at("etc/adit/adit.toml"), CONFIG).unwrap();
    let (host, world) = (NetNs::create().unwrap(), NetNs::create().unwrap());
    let script = r#"
mount --make-rprivate / &&
mount -t overlay none -o "lowerdir=$1/bin:/usr/bin" /usr/bin &&
mount -t overlay none -o "lowerdir=$1/etc:/etc" /etc &&
mount --bind "$2" /usr/bin/adit || exit 111
exec $3
"#;
    let mut run = Command::new("unshare");
    run.args(["--mount", "sh", "-c", script, "sh"])
        .arg(dir.path())
        .arg(env!("CARGO_BIN_EXE_adit"))
        .arg(&command);
    host.start_inside(&mut run).unwrap();
    let ran = run.output().unwrap();
    let said = String::from_utf8_lossy(&ran.stderr);
    if ran.status.code() == Some(111) {
        eprintln!(
            "skipped: the boot unit's command as installed: no overlay file system here: {said}"
        );
        return;
    }
    assert!(ran.status.success(), "{said}");
    assert!(said.contains("traffic of 1 tunnel is blocked"), "{said}");

    // The network comes up only now, with a way on which everything would be answered.
    connect(&host, &world);
    for (to, passes) in [
        ("192.0.2.2", true),
        ("2001:db8::2", true),
        ("10.2.0.1", false),
        ("fd00:2::1", false),
    ] {
        let options = PingOptions {
            timeout: Duration::from_millis(400),
            ..PingOptions::default()
        };
        let answered = host.run(|| {
            matches!(
                ping(to.parse().unwrap(), &options),
                Ok(PingOutcome::Reply { .. })
            )
        });
        assert_eq!(answered.unwrap(), passes, "{to}");
    }
    let counts = host.run(|| block::read_counters("adit").unwrap()).unwrap();
    assert_eq!(counts[0].tunnel, "office");
    assert_eq!(counts[0].clear_out.packets, 2);
}

fn connect(host: &NetNs, world: &NetNs) {
    let end = |namespace| VethEnd {
        name: "wan",
        namespace: Some(namespace),
    };
    Netlink::open()
        .unwrap()
        .add_veth(end(host.as_fd()), end(world.as_fd()))
        .unwrap();
    for (ns, addresses) in [
        (host, &["192.0.2.1/24", "2001:db8::1/64"][..]),
        (world, &["192.0.2.2/24", "2001:db8::2/64"][..]),
    ] {
        ns.run(|| {
            sysctl::skip_duplicate_address_detection().unwrap();
            let mut netlink = Netlink::open().unwrap();
            netlink.set_link_up(1, true).unwrap();
            let index = netlink.link("wan").unwrap().index;
            netlink.set_link_up(index, true).unwrap();
            for net in addresses {
                netlink.add_address(index, net.parse().unwrap()).unwrap();
            }
        })
        .unwrap();
    }
    world
        .run(|| {
            let mut netlink = Netlink::open().unwrap();
            for net in ["10.2.0.1/32", "fd00:2::1/128"] {
                netlink.add_address(1, net.parse().unwrap()).unwrap();
            }
        })
        .unwrap();
    host.run(|| {
        let mut netlink = Netlink::open().unwrap();
        let index = netlink.link("wan").unwrap().index;
        assert!(
            netlink
                .wait_until_ready(index, Duration::from_secs(5))
                .unwrap()
        );
        for (all, via) in [("0.0.0.0/0", "192.0.2.2"), ("::/0", "2001:db8::2")] {
            let route = Route::to_gateway(all.parse().unwrap(), via.parse().unwrap());
            assert!(netlink.add_route(&route).unwrap());
        }
    })
    .unwrap();
}
