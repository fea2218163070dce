//! What `adit show` is told by a gateway with a real peer: two gateways on the loopback device.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod pair;
mod pki;

use adit_model::certificate::CertificateUse;
use adit_model::event::Happening;
use adit_model::show::{IkeSas, IpsecSas, PolicyAction, PolicyNow, Shown, Topic};
use adit_model::status::TunnelState;
use pair::{At, Pair};
use pki::{Ca, trust};

fn ike_sas(shown: Shown) -> IkeSas {
    match shown {
        Shown::IkeSa(document) => document,
        other => panic!("{other:?}"),
    }
}

fn ipsec_sas(shown: Shown) -> IpsecSas {
    match shown {
        Shown::IpsecSa(document) => document,
        other => panic!("{other:?}"),
    }
}

fn whats(differences: &[adit_model::show::Difference]) -> Vec<&str> {
    differences.iter().map(|d| d.what.as_str()).collect()
}

#[test]
fn what_was_negotiated_is_told_with_where_it_differs_from_the_configuration() {
    let pair = Pair::new("shown");
    let west = pair
        .tunnel(At::West, "office", 0)
        .replace("ike = [", "ike = [\"aes256gcm16-prfsha384-ecp384\", ")
        .replace("remote_id = \"gw2.office.example\"", "remote_id = \"any\"")
        .replace("10.1.0.0/24", "10.1.0.0/16");
    pair.configure(At::West, &[west]);
    pair.configure(At::East, &[pair.tunnel(At::East, "office", 0)]);
    let (mut running_west, mut running_east) = pair.start_both();
    running_west.wait_for("office", TunnelState::Up);
    running_east.wait_for("office", TunnelState::Up);
    let (west, east) = (&mut running_west.client, &mut running_east.client);

    let document = ike_sas(west.show(Topic::IkeSa, Some("office")).unwrap());
    let [sa] = document.ike_sas.as_slice() else {
        panic!("{document:?}");
    };
    assert_eq!(sa.tunnel.as_deref(), Some("office"));
    assert_eq!(
        (sa.state.as_str(), sa.role.as_str()),
        ("established", "initiator")
    );
    assert_eq!(sa.proposal_number, Some(2));
    assert_eq!(sa.remote_id.as_deref(), Some("gw2.office.example"));
    assert_eq!(sa.local_auth.as_deref(), Some("a pre-shared key"));
    assert_eq!(sa.children, ["lan"]);
    assert!(sa.rekey_at > sa.established);
    assert_eq!(whats(&sa.differences)[..2], ["proposal", "peer-identity"]);
    let theirs = ike_sas(east.show(Topic::IkeSa, None).unwrap());
    assert_eq!(theirs.ike_sas[0].spi_initiator, sa.spi_initiator);
    assert_eq!(theirs.ike_sas[0].spi_responder, sa.spi_responder);
    assert_eq!(theirs.ike_sas[0].proposal_number, Some(1));
    assert!(!whats(&theirs.ike_sas[0].differences).contains(&"proposal"));

    let document = ipsec_sas(west.show(Topic::IpsecSa, None).unwrap());
    let [pair_of_sas] = document.ipsec_sas.as_slice() else {
        panic!("{document:?}");
    };
    assert_eq!(pair_of_sas.ike_spi, sa.spi_initiator);
    assert_eq!(pair_of_sas.ts_local, ["10.1.0.0/24"]);
    let told = whats(&pair_of_sas.differences);
    assert!(told.contains(&"local-selectors"), "{told:?}");
    assert!(!told.contains(&"remote-selectors"), "{told:?}");
    let theirs = ipsec_sas(east.show(Topic::IpsecSa, None).unwrap());
    assert_eq!(theirs.ipsec_sas[0].spi_in, pair_of_sas.spi_out);

    let Shown::Policy(policies) = west.show(Topic::Policy, None).unwrap() else {
        panic!("another topic");
    };
    assert_eq!(policies.policies[0].now, PolicyNow::Protected);
    assert_eq!(policies.policies[0].local, ["10.1.0.0/16"]);
    let Shown::Log(log) = west.show(Topic::Log, Some("office")).unwrap() else {
        panic!("another topic");
    };
    assert!(log.events.windows(2).all(|w| w[0].number < w[1].number));
    assert!(log.events.iter().any(|e| e.text.contains("office")));
    let Shown::Drops(drops) = west.show(Topic::Drops, None).unwrap() else {
        panic!("another topic");
    };
    assert_eq!(drops.drops.len(), adit_model::drops::DropReason::ALL.len());
    assert!(west.show(Topic::IkeSa, Some("nowhere")).is_err());
    running_west.end();
    running_east.end();
}

#[test]
fn loaded_certificates_are_shown_with_their_tunnels_and_told_of_before_they_end() {
    let pair = Pair::new("certs");
    let ca = Ca::new("Lab CA");
    trust(&pair.dir, "ca.pem", &[&ca]);
    for at in [At::West, At::East] {
        let (us, days) = (at.number(), if at == At::West { 10 } else { 100 });
        ca.issue(
            &pair.dir,
            &format!("gw{us}"),
            &format!("gw{us}.office.example"),
            days,
        );
        let certs =
            format!("auth = {{ cert = \"gw{us}.pem\", key = \"gw{us}.key\", ca = [\"ca.pem\"] }}");
        let tunnel = pair
            .tunnel(at, "office", 0)
            .replace("auth = { psk_file = \"office.psk\" }", &certs);
        let other = tunnel
            .replace("[tunnel.office", "[tunnel.shop")
            .replace(".0.0/24", ".1.0/24")
            .replace(
                &format!("remote_id = \"gw{}.office.example\"", 3 - us),
                "remote_id = \"elsewhere.example\"",
            )
            .replace("start = \"auto\"", "start = \"passive\"");
        pair.configure(at, &[tunnel, other]);
    }
    let (mut west, east) = pair.start_both();
    west.wait_for("office", TunnelState::Up);

    let Shown::Certs(shown) = west.client.show(Topic::Certs, None).unwrap() else {
        panic!("another topic");
    };
    let [own, authority] = shown.certificates.as_slice() else {
        panic!("{shown:?}");
    };
    assert_eq!(own.used_as, CertificateUse::Own);
    assert_eq!(own.tunnels, ["office", "shop"]);
    let certificate = &own.certificate;
    assert_eq!(certificate.subject, "CN=gw1.office.example");
    assert_eq!(certificate.issuer, "CN=Lab CA");
    assert_eq!(certificate.names, ["DNS:gw1.office.example"]);
    assert_eq!(
        (certificate.days_left, certificate.expiry.as_str()),
        (10, "14")
    );
    assert_eq!(authority.used_as, CertificateUse::Authority);
    assert!(authority.certificate.authority);
    assert_eq!(authority.certificate.expiry, "ok");

    let events = west.client.events(Some("shop")).unwrap();
    let told: Vec<String> = events
        .iter()
        .filter(|r| matches!(r.event.what, Happening::CertificateExpiry { .. }))
        .map(|r| r.event.to_string())
        .collect();
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(
        told[0].starts_with("shop: our certificate `CN=gw1.office.example`")
            && told[0].contains("in 10 days"),
        "{told:?}"
    );
    east.end();
    west.end();
}

#[test]
fn configured_policies_are_shown_before_what_tunnels_protect() {
    let pair = Pair::new("policies");
    let policies = r#"
[policy.local]
action = "bypass"
local_net = ["10.1.0.0/24"]
remote_net = ["10.1.0.0/24"]

[policy.no-telnet]
action = "drop"
local_net = ["0.0.0.0/0"]
remote_net = ["10.2.0.0/24[tcp/23]"]
"#;
    pair.configure(
        At::West,
        &[pair.tunnel(At::West, "office", 0), policies.to_owned()],
    );
    let mut west = pair.start(At::West);
    let Shown::Policy(shown) = west.client.show(Topic::Policy, None).unwrap() else {
        panic!("another topic");
    };
    let rows: Vec<_> = shown
        .policies
        .iter()
        .map(|p| (p.action, p.now, p.policy.as_deref(), p.tunnel.as_deref()))
        .collect();
    assert_eq!(
        rows,
        [
            (PolicyAction::Bypass, PolicyNow::Clear, Some("local"), None),
            (
                PolicyAction::Drop,
                PolicyNow::Dropped,
                Some("no-telnet"),
                None
            ),
            (
                PolicyAction::Protect,
                PolicyNow::Clear,
                None,
                Some("office")
            ),
        ]
    );
    assert_eq!(shown.policies[1].remote, ["10.2.0.0/24[tcp/23]"]);
    let Shown::Policy(office) = west.client.show(Topic::Policy, Some("office")).unwrap() else {
        panic!("another topic");
    };
    assert_eq!(office.policies.len(), 1);
    west.end();
}
