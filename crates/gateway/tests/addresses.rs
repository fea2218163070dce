//! Addresses inside tunnels, given by one gateway to another on the loopback device, and what a reload makes of them.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod pair;

use adit_model::show::{IkeSaDetail, Shown, Topic};
use adit_model::status::{PoolStatus, TunnelState};
use pair::{At, Pair, Running, eventually};

/// The tunnel `road`: east gives addresses of these pools, west asks for one.
fn road(pair: &Pair, at: At, pools: &str) -> Vec<String> {
    let text = pair.tunnel(at, "road", 0);
    match at {
        At::West => vec![
            text.replace("mobike = false", "mobike = false\nvirtual_ip = true")
                .replace("local_net = [\"10.1.0.0/24\"]\n", ""),
        ],
        At::East => vec![
            pools.to_owned(),
            text.replace("mobike = false", "mobike = false\npool = [\"guests\"]")
                .replace("remote_net = [\"10.1.0.0/24\"]\n", ""),
        ],
    }
}

fn pool(range: &str, dns: &str) -> String {
    format!(
        "\n[pool.guests]\naddresses = [\"{range}\"]\ndns = [\"{dns}\"]\nsplit = [\"10.2.0.0/25\"]\n"
    )
}

fn table(east: &mut Running) -> PoolStatus {
    east.client.status(None).unwrap().pools.remove(0)
}

fn ike_sa(running: &mut Running) -> IkeSaDetail {
    let Shown::IkeSa(mut document) = running.client.show(Topic::IkeSa, Some("road")).unwrap()
    else {
        panic!("another topic");
    };
    document.ike_sas.retain(|sa| sa.state == "established");
    document.ike_sas.remove(0)
}

#[test]
fn a_reload_cuts_only_whose_address_is_gone() {
    let pair = Pair::new("pools");
    pair.configure(At::West, &road(&pair, At::West, ""));
    pair.configure(
        At::East,
        &road(&pair, At::East, &pool("10.3.0.0/25", "10.2.0.53")),
    );
    let (mut west, mut east) = pair.start_both();
    west.wait_for("road", TunnelState::Up);
    east.wait_for("road", TunnelState::Up);

    // Both tell who has what.
    let ours = ike_sa(&mut west);
    assert_eq!(ours.local_virtual_ips, ["10.3.0.1"]);
    assert_eq!(
        (&ours.dns[..], &ours.split[..]),
        (
            &["10.2.0.53".to_owned()][..],
            &["10.2.0.0/25".to_owned()][..]
        )
    );
    assert_eq!(ike_sa(&mut east).remote_virtual_ips, ["10.3.0.1"]);
    let child = &west.tunnel("road").children[0];
    assert_eq!(
        (&child.ts_local[..], &child.ts_remote[..]),
        (
            &["10.3.0.1/32".to_owned()][..],
            &["10.2.0.0/25".to_owned()][..]
        )
    );
    let held = table(&mut east);
    assert_eq!((held.size, held.leased), (126, 1));
    assert_eq!(
        (held.leases[0].identity.as_str(), held.leases[0].in_use),
        ("gw1.road.example", true)
    );
    let spis = |sa: &IkeSaDetail| (sa.spi_initiator.clone(), sa.spi_responder.clone());
    let before = spis(&ours);
    let pairs = |running: &mut Running| -> Vec<_> {
        let children = running.tunnel("road").children;
        let pair = children.into_iter().map(|c| (c.state, c.spi_in, c.spi_out));
        pair.collect()
    };
    let pairs_before = (pairs(&mut west), pairs(&mut east));

    // The pool grows: nobody is cut, and there is room for more.
    pair.configure(
        At::East,
        &road(&pair, At::East, &pool("10.3.0.0/24", "10.2.0.54")),
    );
    let plan = east.client.reload(false).unwrap();
    assert_eq!(
        (plan.cuts.len(), &plan.adjusted[..]),
        (0, &["road".to_owned()][..])
    );
    let held = table(&mut east);
    assert_eq!((held.size, held.leased), (254, 1));
    assert_eq!(spis(&ike_sa(&mut west)), before);
    assert_eq!((pairs(&mut west), pairs(&mut east)), pairs_before);

    // A mistake changes nothing.
    pair.configure(
        At::East,
        &road(&pair, At::East, &pool("10.3.0.0/33", "10.2.0.54")),
    );
    assert!(east.client.reload(false).is_err());
    assert_eq!(table(&mut east).size, 254);

    // Another range: what was given isn't given any more, so it is cut, and another one comes.
    pair.configure(
        At::East,
        &road(&pair, At::East, &pool("10.4.0.0/24", "10.2.0.54")),
    );
    let plan = east.client.reload(true).unwrap();
    assert!(plan.cuts[0].why.contains("10.3.0.1"), "{plan:?}");
    assert_eq!(spis(&ike_sa(&mut west)), before, "only told");
    east.client.reload(false).unwrap();
    let given = eventually(|| {
        let Shown::IkeSa(document) = west.client.show(Topic::IkeSa, Some("road")).unwrap() else {
            panic!("another topic");
        };
        let mut up = document
            .ike_sas
            .into_iter()
            .filter(|sa| sa.state == "established");
        up.find(|sa| sa.local_virtual_ips == ["10.4.0.1"])
    });
    assert_eq!(given.expect("no new address").dns, ["10.2.0.54"]);
    let held = table(&mut east);
    assert_eq!((held.leased, held.leases.len()), (1, 1));
    west.end();
    east.end();
}

#[test]
fn a_peer_without_a_pool_left_is_told_so() {
    let pair = Pair::new("full");
    pair.configure(At::West, &road(&pair, At::West, ""));
    let pools = pool("fd00:3::/64", "10.2.0.53");
    let east: Vec<String> = road(&pair, At::East, &pools)
        .into_iter()
        .map(|t| t.replace("10.2.0.0/24", "fd00:2::/64"))
        .collect();
    pair.configure(At::East, &east);
    let (mut west, mut east) = pair.start_both();
    let told = eventually(|| {
        let tunnel = west.tunnel("road");
        tunnel.cause.filter(|_| tunnel.state != TunnelState::Up)
    });
    assert_eq!(told.as_deref(), Some("virtual-ip-or-cp-failure"));
    assert_eq!(table(&mut east).leased, 0);
    west.end();
    east.end();
}
