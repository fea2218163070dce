//! Rekeying, resetting and reloading, between two gateways on the loopback device.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod pair;

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use adit_gateway::client::ClientError;
use adit_gateway::protocol::{Renewal, RequestError};
use adit_model::event::Happening;
use adit_model::show::Shown;
use adit_model::status::{Status, Tunnel, TunnelState};
use pair::{At, Pair, Running, eventually};
use serde_json::Value;

const WAIT: Duration = Duration::from_secs(10);

/// SPIs of the IKE SA and of the first child.
fn spis(tunnel: &Tunnel) -> ((String, String), String) {
    let ike = tunnel.ike.as_ref().unwrap().spis.clone();
    (ike, tunnel.children[0].spi_in.clone().unwrap())
}

fn refusal(error: ClientError) -> (RequestError, String) {
    match error {
        ClientError::Refused { error, message } => (error, message),
        other => panic!("{other}"),
    }
}

fn attempts(running: &mut Running, name: &str) -> usize {
    let events = running.client.events(Some(name)).unwrap();
    let begun = |what: &Happening| matches!(what, Happening::Initiating { .. });
    events.iter().filter(|r| begun(&r.event.what)).count()
}

/// Tunnels of these names are configured on both sides, and up.
fn up(pair: &Pair, names: &[&str]) -> (Running, Running) {
    for at in [At::West, At::East] {
        let texts: Vec<String> = (0u8..)
            .zip(names)
            .map(|(net, name)| pair.tunnel(at, name, net))
            .collect();
        pair.configure(at, &texts);
    }
    let (mut west, mut east) = pair.start_both();
    for name in names {
        west.wait_for(name, TunnelState::Up);
        east.wait_for(name, TunnelState::Up);
    }
    (west, east)
}

#[test]
fn new_keys_come_on_command_for_as_much_as_is_asked() {
    let pair = Pair::new("rekey");
    let (mut west, east) = up(&pair, &["office"]);
    let before = spis(&west.tunnel("office"));
    let client = &mut west.client;

    let outcome = client.rekey("office", Renewal::Child("lan".to_owned()), WAIT, |_| {});
    assert!(outcome.as_ref().unwrap().reached, "{outcome:?}");
    let child = spis(&west.tunnel("office"));
    assert_eq!(child.0, before.0);
    assert_ne!(child.1, before.1);

    let outcome = west.client.rekey("office", Renewal::IkeSa, WAIT, |_| {});
    assert!(outcome.as_ref().unwrap().reached, "{outcome:?}");
    let ike = spis(&west.tunnel("office"));
    assert_ne!(ike.0, child.0);
    assert_eq!(ike.1, child.1);

    let outcome = west
        .client
        .rekey("office", Renewal::Everything, WAIT, |_| {});
    assert!(outcome.as_ref().unwrap().reached, "{outcome:?}");
    let both = spis(&west.tunnel("office"));
    assert_ne!(both.0, ike.0);
    assert_ne!(both.1, ike.1);

    let outcome = west
        .client
        .rekey("office", Renewal::Reauthentication, WAIT, |_| {});
    assert!(outcome.as_ref().unwrap().reached, "{outcome:?}");
    let anew = spis(&west.tunnel("office"));
    assert_ne!(anew.0, both.0);
    assert_ne!(anew.1, both.1);

    let error = west
        .client
        .rekey("office", Renewal::Child("lam".to_owned()), WAIT, |_| {});
    let (error, message) = refusal(error.unwrap_err());
    assert_eq!(error, RequestError::UnknownChild);
    assert!(message.contains("did you mean `lan`?"), "{message}");
    east.end();
    west.end();
}

#[test]
fn a_reset_cuts_what_it_says_and_no_more() {
    let pair = Pair::new("reset");
    let (mut west, east) = up(&pair, &["office", "shop"]);
    let office = spis(&west.tunnel("office"));
    let shop = spis(&west.tunnel("shop"));

    let plan = west.client.plan_reset(Some("office"), None).unwrap();
    assert!(!plan.done);
    assert_eq!(plan.kept, ["shop"]);
    let [cut] = plan.cuts.as_slice() else {
        panic!("{plan:?}");
    };
    assert_eq!((cut.ike_sas, cut.ipsec_sas, cut.again), (1, 1, true));
    assert_eq!(spis(&west.tunnel("office")), office, "only told");

    let outcome = west.client.reset(Some("office"), Some("lan"), WAIT, |_| {});
    assert!(outcome.as_ref().unwrap().reached, "{outcome:?}");
    let child = spis(&west.tunnel("office"));
    assert_eq!(child.0, office.0);
    assert_ne!(child.1, office.1);

    let outcome = west.client.reset(Some("office"), None, WAIT, |_| {});
    assert!(outcome.as_ref().unwrap().reached, "{outcome:?}");
    let whole = spis(&west.tunnel("office"));
    assert_ne!(whole.0, child.0);
    assert_eq!(spis(&west.tunnel("shop")), shop);

    let outcome = west.client.reset(None, None, WAIT, |_| {});
    assert!(outcome.as_ref().unwrap().reached, "{outcome:?}");
    assert_ne!(spis(&west.tunnel("office")).0, whole.0);
    assert_ne!(spis(&west.tunnel("shop")).0, shop.0);

    // What there was before each cut is kept, and named.
    let outcome = west.client.reset(Some("office"), Some("lan"), WAIT, |_| {});
    let summary = outcome.unwrap().summary;
    let at = summary
        .find("is in ")
        .unwrap_or_else(|| panic!("{summary}"));
    let dir = PathBuf::from(&summary[at + 6..]);
    let old: Status = serde_json::from_slice(&fs::read(dir.join("status.json")).unwrap()).unwrap();
    let sas: Shown = serde_json::from_slice(&fs::read(dir.join("ipsec-sa.json")).unwrap()).unwrap();
    let now = west.tunnel("office");
    assert_eq!(old.tunnels.len(), 1);
    assert_ne!(old.tunnels[0].children[0].spi_in, now.children[0].spi_in);
    let Shown::IpsecSa(sas) = sas else {
        panic!("another topic");
    };
    assert_eq!(
        Some(&sas.ipsec_sas[0].spi_in),
        old.tunnels[0].children[0].spi_in.as_ref()
    );
    let case: Value =
        serde_json::from_slice(&fs::read(dir.join("case-office.json")).unwrap()).unwrap();
    assert_eq!(case["schema"], "adit.case/1");
    let recorded = fs::read_dir(&dir).unwrap().flatten();
    let segments = recorded.filter(|e| e.file_name().to_string_lossy().ends_with(".rec"));
    assert!(segments.count() > 0, "{}", dir.display());
    let kept = fs::read_dir(dir.parent().unwrap()).unwrap().count();
    assert_eq!(kept, 4, "one for each reset");
    // No room for it doesn't stop a reset, and is said.
    let all = dir.parent().unwrap();
    fs::remove_dir_all(all).unwrap();
    fs::write(all, b"in the way").unwrap();
    let outcome = west.client.reset(Some("office"), Some("lan"), WAIT, |_| {});
    let outcome = outcome.unwrap();
    assert!(
        outcome.reached && outcome.summary.contains("couldn't be kept"),
        "{outcome:?}"
    );
    east.end();
    west.end();
}

#[test]
fn a_reload_changes_what_has_changed_and_nothing_else() {
    let pair = Pair::new("reload");
    let (mut west, mut east) = up(&pair, &["office", "shop", "old"]);
    let office = spis(&west.tunnel("office"));
    let shop = spis(&west.tunnel("shop"));
    let begun = attempts(&mut west, "shop");

    // With one error nothing changes.
    let good = |at| {
        let mut texts = vec![
            pair.tunnel(at, "office", 0),
            pair.tunnel(at, "shop", 1).replace(
                "aes128gcm16-prfsha256-x25519",
                "aes256gcm16-prfsha256-x25519",
            ),
            pair.tunnel(at, "new", 3),
        ];
        texts.sort();
        texts
    };
    let mut bad = good(At::West);
    bad.push("[tunnel.broken]\nremotte = \"x\"\n".to_owned());
    pair.configure(At::West, &bad);
    let (error, message) = refusal(west.client.reload(false).unwrap_err());
    assert_eq!(error, RequestError::Configuration);
    assert!(
        message.contains("remotte") && message.contains("nothing was changed"),
        "{message}"
    );
    let mut lost = good(At::West);
    lost[0] = lost[0].replace("office.psk", "nowhere.psk");
    pair.configure(At::West, &lost);
    let (error, message) = refusal(west.client.reload(false).unwrap_err());
    assert_eq!(error, RequestError::Configuration);
    assert!(
        message.contains("nowhere.psk") && message.contains("west.toml:"),
        "{message}"
    );
    assert_eq!(west.client.status(None).unwrap().tunnels.len(), 3);

    pair.configure(At::West, &good(At::West));
    pair.configure(At::East, &good(At::East));
    let told = west.client.reload(true).unwrap();
    assert!(!told.done);
    assert_eq!(spis(&west.tunnel("shop")), shop, "only told");
    east.client.reload(false).unwrap();
    let plan = west.client.reload(false).unwrap();
    assert!(plan.done);
    assert_eq!(
        (&plan.kept[..], &plan.added[..]),
        (&["office".to_owned()][..], &["new".to_owned()][..])
    );

    for name in ["office", "shop", "new"] {
        west.wait_for(name, TunnelState::Up);
        east.wait_for(name, TunnelState::Up);
    }
    assert_eq!(spis(&west.tunnel("office")), office, "it wasn't touched");
    let suite = west.tunnel("shop").ike.unwrap().proposal.unwrap();
    assert_eq!(suite, "aes256gcm16-prfsha256-x25519");
    assert_ne!(spis(&west.tunnel("shop")).0, shop.0);
    assert!(attempts(&mut west, "shop") <= begun + 2);
    let names: Vec<String> = east
        .client
        .status(None)
        .unwrap()
        .tunnels
        .into_iter()
        .map(|t| t.name)
        .collect();
    assert!(!names.contains(&"old".to_owned()), "{names:?}");
    // Nothing is left of what was removed, at either side.
    let gone = eventually(|| {
        let shown = west
            .client
            .show(adit_model::show::Topic::IkeSa, None)
            .unwrap();
        let adit_model::show::Shown::IkeSa(document) = shown else {
            panic!("another topic");
        };
        let left = document
            .ike_sas
            .iter()
            .filter(|sa| sa.tunnel.as_deref() == Some("old"))
            .count();
        (left == 0).then_some(())
    });
    assert!(gone.is_some());

    // The same again changes nothing.
    let again = west.client.reload(false).unwrap();
    assert!(again.cuts.is_empty() && again.added.is_empty() && again.adjusted.is_empty());
    assert_eq!(again.kept.len(), 3);
    east.end();
    west.end();
}
