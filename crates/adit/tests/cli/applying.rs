//! Another configuration on approval: it goes again unless it is confirmed, and what would lock somebody out isn't kept at once.

use std::time::Duration;

use adit_gateway::protocol::Applied;
use adit_kernel::Netlink;
use adit_kernel::netlink::VethEnd;
use serde_json::Value;

use crate::program::{DONE, FINDINGS, Ran, USAGE, command, eventually};
use crate::sites::{Gateway, SOON, Sites, permitted};

/// A command of somebody who is logged in from an address.
fn logged_in(gateway: &Gateway, from: &str, args: &[&str]) -> Ran {
    let mut command = command(&[args, &["--state", &gateway.state]].concat());
    let session = format!("{from} 50000 192.0.2.1 22");
    command.env("SSH_CONNECTION", session);
    command.output().unwrap().into()
}

fn children(gateway: &Gateway) -> usize {
    gateway.tunnel().unwrap().children.len()
}

#[test]
fn what_nobody_confirms_goes_again_and_what_is_confirmed_is_in_the_file() {
    if !permitted("applying a configuration") {
        return;
    }
    let sites = Sites::new("apply");
    let (west, _east) = sites.pair();
    assert!(sites.connected());
    let config = sites.dir.at("west.toml");
    let former = std::fs::read_to_string(&config).unwrap();
    let second = "\n[tunnel.office.child.second]\nlocal_net = [\"10.1.9.0/24\"]\nremote_net = [\"10.2.9.0/24\"]\n";
    let wanted = format!("{former}{second}");
    let new = sites.dir.write("new.toml", &wanted);

    let ran = west
        .adit(&["apply", &new, "--dry-run", "--json"])
        .ends_with(DONE);
    let told: Applied = ran.json();
    assert_eq!(
        (told.schema.as_str(), told.plan.done),
        ("adit.apply/1", false)
    );
    assert_eq!(told.plan.added, ["office/second"]);
    assert_eq!((children(&west), told.confirm_ms), (1, 0));

    // Whoever began it is gone; the former one comes back by itself.
    let ran = west
        .adit(&["apply", &new, "--confirm", "3s", "--json"])
        .ends_with(DONE);
    let told: Applied = ran.json();
    assert!(told.plan.done && told.confirm_ms > 0 && told.saved.is_none());
    assert!(ran.err.contains("adit apply --confirm"), "{}", ran.err);
    assert_eq!(children(&west), 2);
    west.adit(&["apply", &new]).ends_with(USAGE);
    west.adit(&["reload"]).ends_with(USAGE);
    assert!(sites.connected());
    let back = eventually(SOON, || (children(&west) == 1).then_some(()));
    assert!(back.is_some(), "{}", west.log());
    assert!(
        west.log().contains("former one holds again"),
        "{}",
        west.log()
    );
    west.adit(&["apply", "--confirm"]).ends_with(USAGE);
    assert_eq!(std::fs::read_to_string(&config).unwrap(), former);
    assert!(sites.connected());

    // Taken back at once.
    west.adit(&["apply", &new]).ends_with(DONE);
    assert_eq!(children(&west), 2);
    west.adit(&["apply", "--revert"]).ends_with(DONE);
    assert_eq!(children(&west), 1);

    // Confirmed, from another login.
    west.adit(&["apply", &new, "--confirm", "2s"])
        .ends_with(DONE);
    west.adit(&["apply", "--confirm"]).ends_with(DONE);
    std::thread::sleep(Duration::from_secs(3));
    assert_eq!(children(&west), 2);
    assert_eq!(std::fs::read_to_string(&config).unwrap(), wanted);
    let before = std::fs::read_to_string(format!("{config}.before")).unwrap();
    assert_eq!(before, former);
    west.adit(&["reload"]).ends_with(DONE);
    assert_eq!(children(&west), 2);

    // With an error nothing changes.
    let wrong = sites
        .dir
        .write("wrong.toml", "[tunnel.office]\nremote = 7\n");
    let ran = west
        .adit(&["apply", &wrong])
        .ends_with(USAGE)
        .only_complains();
    assert!(ran.err.contains("nothing was changed"), "{}", ran.err);
    assert!(sites.connected());
}

#[test]
fn a_configuration_that_catches_the_login_is_not_kept_at_once() {
    if !permitted("a configuration that locks out") {
        return;
    }
    let sites = Sites::new("lock-out");
    let (west, _east) = sites.pair();
    let former = std::fs::read_to_string(sites.dir.at("west.toml")).unwrap();
    let wide = former.replace(
        "[\"10.2.0.0/24\"]",
        "[\"10.2.0.0/24\", \"198.51.100.0/24\"]",
    );
    let new = sites.dir.write("wide.toml", &wide);
    let (there, elsewhere) = ("198.51.100.9", "203.0.113.9");

    let ran = logged_in(&west, there, &["apply", &new, "--keep"]).ends_with(FINDINGS);
    assert!(
        ran.err.contains(there) && ran.err.contains("nothing was changed"),
        "{}",
        ran.err
    );
    let remote = || west.tunnel().unwrap().children[0].ts_remote.clone();
    assert_eq!(remote(), ["10.2.0.0/24"]);
    let ran = logged_in(&west, there, &["apply", &new, "--dry-run", "--json"]).ends_with(FINDINGS);
    let told: Value = ran.json();
    assert_eq!(told["risks"][0]["cause"], "overbroad-remote-selector");
    logged_in(&west, elsewhere, &["apply", &new, "--dry-run"]).ends_with(DONE);

    // With a time to confirm in it is tried, and the one who is locked out gets back in.
    let ran = logged_in(&west, there, &["apply", &new, "--confirm", "2s"]).ends_with(DONE);
    assert!(ran.out.contains(there), "{}", ran.out);
    let policy = || west.adit(&["show", "policy", "office", "--json"]).out;
    assert!(policy().contains("198.51.100.0/24"));
    let back = eventually(SOON, || {
        (!policy().contains("198.51.100.0/24")).then_some(())
    });
    assert!(back.is_some(), "{}", west.log());
    let up = eventually(SOON, || sites.connected().then_some(()));
    assert!(up.is_some(), "{}", west.log());
}

#[test]
fn what_can_not_be_written_is_not_kept_and_not_begun() {
    if !permitted("a configuration that can't be written") {
        return;
    }
    let sites = Sites::new("apply-unwritten");
    let (west, _east) = sites.pair();
    let config = sites.dir.at("west.toml");
    let former = std::fs::read_to_string(&config).unwrap();
    let second = "\n[tunnel.office.child.second]\nlocal_net = [\"10.1.9.0/24\"]\nremote_net = [\"10.2.9.0/24\"]\n";
    let wanted = format!("{former}{second}");
    let new = sites.dir.write("new.toml", &wanted);

    // Neither for good nor on approval, which nobody could give.
    let obstacle = format!("{config}.new");
    std::fs::create_dir(&obstacle).unwrap();
    for how in ["--keep", "--confirm=3s"] {
        let ran = west.adit(&["apply", &new, how]);
        assert_ne!(ran.code, Some(DONE), "{how}");
        assert!(ran.err.contains("nothing was changed"), "{}", ran.err);
        assert_eq!(children(&west), 1);
    }
    west.adit(&["apply", "--confirm"]).ends_with(USAGE);
    west.adit(&["apply", &new, "--dry-run"]).ends_with(DONE);
    std::fs::remove_dir(&obstacle).unwrap();

    // Found out only when it holds already: the former one comes back, or nothing is confirmed.
    let obstacle = format!("{config}.before");
    std::fs::create_dir(&obstacle).unwrap();
    let ran = west.adit(&["apply", &new, "--keep"]);
    assert_ne!(ran.code, Some(DONE));
    assert!(ran.err.contains("holds again"), "{}", ran.err);
    assert_eq!(children(&west), 1);
    west.adit(&["apply", &new, "--confirm", "60s"])
        .ends_with(DONE);
    let ran = west.adit(&["apply", "--confirm"]);
    assert_ne!(ran.code, Some(DONE));
    assert!(ran.err.contains("isn't confirmed"), "{}", ran.err);
    assert_eq!(std::fs::read_to_string(&config).unwrap(), former);
    std::fs::remove_dir(&obstacle).unwrap();
    west.adit(&["apply", "--confirm"]).ends_with(DONE);
    assert_eq!(children(&west), 2);
    assert_eq!(std::fs::read_to_string(&config).unwrap(), wanted);
    assert!(sites.connected());
}

#[test]
fn a_former_configuration_that_can_not_come_back_is_tried_again() {
    if !permitted("a configuration that doesn't come back at once") {
        return;
    }
    let sites = Sites::new("apply-again");
    let (west, _east) = sites.pair();
    let config = sites.dir.at("west.toml");
    let plain = std::fs::read_to_string(&config).unwrap();
    let own = format!("{plain}\n[tunnel.office.interface]\nname = \"vpn0\"\n");
    let own = sites.dir.write("own.toml", &own);
    west.adit(&["apply", &own, "--keep"]).ends_with(DONE);
    let (has, lacks) = (|| has_link(&sites, "vpn0"), || !has_link(&sites, "vpn0"));
    assert!(has());

    // The name of its interface is somebody else's meanwhile.
    let plain = sites.dir.write("plain.toml", &plain);
    west.adit(&["apply", &plain, "--confirm", "2s"])
        .ends_with(DONE);
    assert!(lacks());
    sites
        .west
        .run(|| {
            let end = |name| VethEnd {
                name,
                namespace: None,
            };
            Netlink::open()
                .unwrap()
                .add_veth(end("vpn0"), end("other"))
                .unwrap();
        })
        .unwrap();
    let failed = eventually(SOON, || {
        west.log().contains("doesn't come back").then_some(())
    });
    assert!(failed.is_some(), "{}", west.log());
    let ran = west.adit(&["apply", "--revert"]);
    assert_ne!(ran.code, Some(DONE));
    assert!(ran.err.contains("tried again"), "{}", ran.err);
    assert!(!west.log().contains("holds again"), "{}", west.log());

    sites
        .west
        .run(|| {
            let mut netlink = Netlink::open().unwrap();
            let index = netlink.link("vpn0").unwrap().index;
            netlink.delete_link(index).unwrap();
        })
        .unwrap();
    let back = eventually(SOON, || west.log().contains("holds again").then_some(()));
    assert!(back.is_some(), "{}", west.log());
    assert!(has());
    west.adit(&["apply", "--confirm"]).ends_with(USAGE);
}

fn has_link(sites: &Sites, name: &str) -> bool {
    let found = || Netlink::open().unwrap().link(name).is_ok();
    sites.west.run(found).unwrap()
}
