//! Keys renewed, tunnels reset, configurations and certificates replaced, at a gateway that runs.

use adit_model::plan::Plan;
use adit_model::show::{Certificates, LoadedCertificate};
use adit_model::status::{Status, TunnelState};
use rustix::process::Signal;

use crate::program::{DONE, USAGE, adit, eventually};
use crate::sites::{At, Gateway, KEY, SOON, Sites, permitted};

/// SPIs of the IKE SA, and of what the child receives.
fn spis(gateway: &Gateway) -> ((String, String), String) {
    let tunnel = gateway.tunnel().unwrap();
    let child = tunnel.children[0].spi_in.clone().unwrap();
    (tunnel.ike.unwrap().spis, child)
}

#[test]
fn rekey_renews_as_much_as_is_asked_and_says_what_it_cannot() {
    if !permitted("rekeying") {
        return;
    }
    let sites = Sites::new("rekey");
    let (west, _east) = sites.pair();
    let mut before = spis(&west);
    for (args, ike, child) in [
        (&["rekey", "office", "lan"][..], false, true),
        (&["rekey", "office", "--ike"], true, false),
        (&["rekey", "office"], true, true),
        (&["rekey", "office", "--reauth"], true, true),
    ] {
        let ran = west.adit(&[args, &["--json"]].concat()).ends_with(DONE);
        let status: Status = ran.json();
        assert_eq!(status.tunnels[0].state, TunnelState::Up);
        let now = spis(&west);
        assert_eq!(now.0 != before.0, ike, "{args:?}");
        assert_eq!(now.1 != before.1, child, "{args:?}");
        before = now;
        assert!(sites.connected(), "{args:?}");
    }
    for (args, words) in [
        (&["rekey", "offise"][..], "did you mean `office`?"),
        (&["rekey", "office", "lam"], "did you mean `lan`?"),
        (&["rekey", "office", "lan", "--ike"], "cannot be used with"),
        (
            &["rekey", "office", "--ike", "--reauth"],
            "cannot be used with",
        ),
    ] {
        let ran = west.adit(args).ends_with(USAGE).only_complains();
        assert!(ran.err.contains(words), "{}", ran.err);
    }
    west.adit(&["down", "office"]).ends_with(DONE);
    let ran = west
        .adit(&["rekey", "office"])
        .ends_with(USAGE)
        .only_complains();
    assert!(ran.err.contains("adit up office"), "{}", ran.err);
}

#[test]
fn reset_says_what_it_cuts_and_cuts_no_more() {
    if !permitted("resetting") {
        return;
    }
    let sites = Sites::new("reset");
    let (west, _east) = sites.pair();
    let before = spis(&west);

    // Nobody is there to be asked.
    let ran = west
        .adit(&["reset", "office", "lan"])
        .ends_with(USAGE)
        .only_complains();
    assert!(ran.err.contains("office/lan will be cut"), "{}", ran.err);
    assert!(
        ran.err.contains("in the last second") && ran.err.contains("--yes"),
        "{}",
        ran.err
    );
    let plan: Plan = west
        .adit(&["reset", "--all", "--dry-run", "--json"])
        .ends_with(DONE)
        .json();
    assert!(!plan.done);
    assert_eq!((plan.cuts[0].ike_sas, plan.cuts[0].ipsec_sas), (1, 1));
    assert_eq!(spis(&west), before, "only told");

    let plan: Plan = west
        .adit(&["reset", "office", "lan", "--yes", "--json"])
        .ends_with(DONE)
        .json();
    assert!(plan.done);
    assert_eq!(plan.cuts[0].child.as_deref(), Some("lan"));
    let child = spis(&west);
    assert_eq!(child.0, before.0);
    assert_ne!(child.1, before.1);
    west.adit(&["reset", "office", "--yes"]).ends_with(DONE);
    let tunnel = spis(&west);
    assert_ne!(tunnel.0, child.0);
    west.adit(&["reset", "--all", "--yes"]).ends_with(DONE);
    assert_ne!(spis(&west).0, tunnel.0);
    assert!(sites.connected());
    for (args, words) in [
        (&["reset", "offise", "--yes"][..], "did you mean `office`?"),
        (&["reset", "office", "lam", "--yes"], "did you mean `lan`?"),
        (&["reset", "--yes"], "<NAME>"),
        (
            &["reset", "office", "--all", "--yes"],
            "cannot be used with",
        ),
    ] {
        let ran = west.adit(args).ends_with(USAGE).only_complains();
        assert!(ran.err.contains(words), "{}", ran.err);
    }
}

#[test]
fn reload_takes_all_or_nothing() {
    if !permitted("reloading") {
        return;
    }
    let sites = Sites::new("reload");
    let (west, _east) = sites.pair();
    let before = spis(&west);
    let config = sites.dir.at("west.toml");
    let good = std::fs::read_to_string(&config).unwrap();

    std::fs::write(&config, good.replace("remote_net", "remot_net")).unwrap();
    let ran = west.adit(&["reload"]).ends_with(USAGE).only_complains();
    assert!(
        ran.err.contains("west.toml:") && ran.err.contains("nothing was changed"),
        "{}",
        ran.err
    );
    let second = "\n[tunnel.office.child.second]\nlocal_net = [\"10.1.9.0/24\"]\nremote_net = [\"10.2.9.0/24\"]\n";
    std::fs::write(&config, format!("{good}{second}")).unwrap();
    let plan: Plan = west
        .adit(&["reload", "--dry-run", "--json"])
        .ends_with(DONE)
        .json();
    assert_eq!(
        (plan.done, &plan.added[..]),
        (false, &["office/second".to_owned()][..])
    );
    assert_eq!(west.tunnel().unwrap().children.len(), 1);
    let ran = west.adit(&["reload"]).ends_with(DONE);
    assert!(ran.out.contains("new: office/second"), "{}", ran.out);
    assert_eq!(west.tunnel().unwrap().children.len(), 2);

    // SIGHUP does the same.
    std::fs::write(&config, &good).unwrap();
    west.signal(Signal::HUP);
    let there = eventually(SOON, || {
        let tunnel = west.tunnel()?;
        (tunnel.children.len() == 1).then_some(())
    });
    assert!(there.is_some(), "{}", west.log());
    assert_eq!(spis(&west), before);
    assert!(sites.connected());
}

/// Everything by commands, as docs/gateway.md tells it.
#[test]
fn a_host_and_the_ca_are_rotated_at_the_command_line() {
    if !permitted("rotating certificates") {
        return;
    }
    let sites = Sites::new("rotate");
    let pki = sites.dir.at("pki");
    adit(&["cert", "init", &pki, "--name", "First CA"]).ends_with(DONE);
    for name in ["gw1.example", "gw2.example"] {
        adit(&["cert", "issue", name, "--dir", &pki]).ends_with(DONE);
    }
    let start = |at: At, us: u8| {
        let config = sites.configure(at, KEY);
        let text = std::fs::read_to_string(&config).unwrap();
        let auth = format!(
            "auth = {{ cert = \"pki/gw{us}.example.pem\", key = \"pki/gw{us}.example.key\", ca = [\"pki/ca.pem\"] }}"
        );
        let line = text.lines().find(|line| line.starts_with("auth")).unwrap();
        std::fs::write(&config, text.replace(line, &auth)).unwrap();
        sites.start_with(at, &config, &sites.state(at))
    };
    let mut east = start(At::East, 2);
    east.answers();
    let mut west = start(At::West, 1);
    west.wait_for(TunnelState::Up);
    let reload = || {
        for gateway in [&west, &east] {
            let plan: Plan = gateway.adit(&["reload", "--json"]).ends_with(DONE).json();
            assert!(plan.cuts.is_empty(), "{plan:?}");
        }
    };
    let anew = || {
        west.adit(&["rekey", "office", "--reauth"]).ends_with(DONE);
        assert!(sites.connected());
    };
    let shown = || -> Certificates {
        west.adit(&["show", "certs", "office", "--json"])
            .ends_with(DONE)
            .json()
    };
    let serials = || -> Vec<String> {
        let of = |c: &LoadedCertificate| c.certificate.serial.clone();
        shown().certificates.iter().map(of).collect()
    };

    let first = serials();
    adit(&["cert", "rotate", "gw1.example", "--dir", &pki]).ends_with(DONE);
    reload();
    anew();
    let leaf = serials();
    assert_eq!(leaf.len(), 2);
    assert_eq!(
        leaf.iter().filter(|s| first.contains(s)).count(),
        1,
        "the CA's"
    );

    adit(&["cert", "rotate", "--ca", "--dir", &pki]).ends_with(DONE);
    reload();
    assert_eq!(serials().len(), 3, "both CAs are trusted");
    for name in ["gw1.example", "gw2.example"] {
        adit(&["cert", "rotate", name, "--dir", &pki]).ends_with(DONE);
        reload();
        anew();
    }
    adit(&["cert", "rotate", "--ca", "--finish", "--dir", &pki]).ends_with(DONE);
    reload();
    anew();
    let last = serials();
    assert_eq!(last.len(), 2);
    assert!(last.iter().all(|s| !first.contains(s) && !leaf.contains(s)));
}
