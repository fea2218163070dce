//! Addresses that are given, and asked for.

use adit_config::adit;

use crate::common::codes;

const POOL: &str = "[pool.guests]\naddresses = [\"10.3.0.0/24\"]\n";
const SERVER: &str = "[tunnel.road]\nremote = \"any\"\nlocal_id = \"east.lab\"\nremote_id = \"any\"\nauth = { psk_file = \"a\" }\n";
const CLIENT: &str =
    "[tunnel.road]\nremote = \"192.0.2.2\"\nlocal_id = \"west.lab\"\nauth = { psk_file = \"a\" }\n";

#[test]
fn addresses_are_given_or_asked_for() {
    let server = |tunnel: &str, child: &str| {
        format!(
            "{POOL}{SERVER}{tunnel}\n[tunnel.road.child.lan]\nlocal_net = [\"10.1.0.0/24\"]\n{child}\n"
        )
    };
    let client = |tunnel: &str, child: &str| {
        format!(
            "{POOL}{CLIENT}{tunnel}\n[tunnel.road.child.lan]\nremote_net = [\"10.1.0.0/24\"]\n{child}\n"
        )
    };
    let (given, _) = adit::parse("t", &server("pool = [\"guests\"]", ""));
    let given = given.unwrap().connections.remove(0);
    assert_eq!(given.inner.pools, ["guests"]);
    assert_eq!(
        given.children[0].remote_ts,
        ["10.3.0.0/24".parse().unwrap()]
    );
    let (asked, _) = adit::parse("t", &client("virtual_ip = true", ""));
    let asked = asked.unwrap().connections.remove(0);
    assert_eq!(
        asked.inner.wanted,
        ["0.0.0.0".parse::<std::net::IpAddr>().unwrap()]
    );
    assert_eq!(asked.children[0].local_ts, ["0.0.0.0/0".parse().unwrap()]);

    let one = |text: String| codes(&text);
    assert_eq!(
        one(server(
            "pool = [\"gests\"]",
            "remote_net = [\"10.3.0.0/24\"]"
        )),
        ["unknown-pool"]
    );
    assert_eq!(
        one(server(
            "pool = [\"guests\"]",
            "remote_net = [\"10.4.0.0/24\"]"
        )),
        ["pool-outside"]
    );
    assert_eq!(
        one(client("virtual_ip = true\nstart = \"passive\"", "")),
        ["virtual-ip-passive"]
    );
    assert_eq!(
        one(client("virtual_ip = true", "local_net = [\"10.9.0.0/24\"]")),
        ["local-net-and-virtual-ip"]
    );
    assert_eq!(
        one(client("virtual_ip = [\"10.3.0.7\", \"10.3.0.8\"]", "")),
        ["two-virtual-ips"]
    );
    assert_eq!(
        one(client("virtual_ip = 7", "local_net = [\"10.9.0.0/24\"]")).first(),
        Some(&"wrong-type")
    );
    assert_eq!(
        one(client("virtual_ip = \"fd00::7\"", "")),
        ["mixed-families", "mixed-families"]
    );
    assert_eq!(
        one(client(
            "pool = [\"guests\"]",
            "local_net = [\"10.9.0.0/24\"]"
        )),
        ["pool-not-passive", "pool-outside"]
    );
    // Tunnels of one pool have the same networks; who has an address decides.
    let two = server("pool = [\"guests\"]", "");
    let second = two.replace(POOL, "").replace("road", "other");
    let second = second.replace("remote_id = \"any\"", "remote_id = \"x.lab\"");
    assert!(one(format!("{two}{second}")).is_empty());
    let pool = |lines: &str| {
        server("", "remote_net = [\"10.2.0.0/24\"]").replace("addresses = [\"10.3.0.0/24\"]", lines)
    };
    assert_eq!(one(pool("")), ["missing-key"]);
    assert_eq!(
        one(pool("addresses = [\"10.3.0.0/24[tcp/80]\"]")),
        ["bad-pool"]
    );
    assert_eq!(
        one(pool("addresses = [\"10.3.0.1\"]\ndns = [\"ns.lab\"]")),
        ["bad-address"]
    );
    assert_eq!(
        one(pool("addresses = [\"10.3.0.1\"]\nsplit = [\"lan\"]")),
        ["bad-network"]
    );
    assert_eq!(
        one(pool("addresses = [\"10.3.0.1\"]\nper_identity = 0")),
        ["out-of-range"]
    );
}
