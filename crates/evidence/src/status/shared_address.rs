//! Peers behind one NAT, as strongSwan's status lists them: two that are up from one address, in transport mode.

use adit_model::fact::Fact;
use adit_model::sign::Sign;

use super::sign;
use crate::reading::Place;
use crate::text::Line;

/// So many SAs of a list are compared.
const MOST: usize = 256;

/// Follows one list.
#[derive(Debug, Default)]
pub(super) struct SharedAddress {
    /// Address and identity of the peer whose SAs are listed below.
    peer: Option<(String, String)>,
    /// Those that have one in transport mode and in UDP.
    found: Vec<Child>,
    /// The networks of our side of the last of them.
    ours: Option<String>,
}

#[derive(Debug)]
struct Child {
    /// Of the connection, or of the SA for traffic.
    name: String,
    address: String,
    identity: String,
    networks: Option<String>,
    /// It carried something: to us, and from us.
    carried: (bool, bool),
    place: Place,
}

impl Child {
    /// Nothing but the addresses tells whose packet it is, so that another SA of the same connection is for the same.
    fn has_no_ports(&self) -> bool {
        self.networks.as_ref().is_some_and(|n| n.contains("[gre]"))
    }

    fn carries(&self) -> bool {
        self.carried == (true, true)
    }
}

impl SharedAddress {
    /// The next line.
    pub(super) fn line(&mut self, line: &Line<'_>, place: &dyn Fn() -> Place) {
        let body = line.body.trim();
        if let Some(peer) = stroke(body).or_else(|| vici(body)) {
            self.peer = Some(peer);
        } else if body.contains("INSTALLED, TRANSPORT")
            && (body.contains("ESP in UDP") || body.contains("-in-UDP"))
            && self.found.len() < MOST
        {
            let name = body.split(['{', ':']).next().unwrap_or_default();
            self.found
                .extend(self.peer.clone().map(|(address, identity)| Child {
                    name: name.to_owned(),
                    address,
                    identity,
                    networks: None,
                    carried: (false, false),
                    place: place(),
                }));
            self.ours = None;
        } else if let Some(child) = self.found.last_mut() {
            if let Some(networks) = networks(body) {
                child.networks.get_or_insert_with(|| networks.to_owned());
            } else if let Some(ours) = body.strip_prefix("local ") {
                self.ours = Some(ours.trim().to_owned());
            } else if let (Some(theirs), Some(ours)) = (body.strip_prefix("remote "), &self.ours) {
                let networks = format!("{ours} === {}", theirs.trim());
                child.networks.get_or_insert(networks);
            }
            let (to_us, from_us) = carried(body);
            child.carried.0 |= to_us;
            child.carried.1 |= from_us;
        }
    }

    /// The end of the text.
    pub(super) fn finish(&mut self, facts: &mut Vec<Fact>) {
        let found = core::mem::take(&mut self.found);
        // Marks tell them apart where both carry.
        let meet = |a: &Child, b: &Child| {
            a.address == b.address && a.identity != b.identity && !(a.carries() && b.carries())
        };
        let same = |a: &Child, b: &Child| match (&a.networks, &b.networks) {
            (Some(a), Some(b)) => a == b,
            (None, None) => false,
            _ => a.name == b.name && (a.has_no_ports() || b.has_no_ports()),
        };
        let unknown = |a: &Child, b: &Child| a.networks.is_none() || b.networks.is_none();
        let pair = |fits: &dyn Fn(&Child, &Child) -> bool| {
            found.iter().enumerate().find_map(|(at, a)| {
                let rest = found.get(at + 1..)?;
                Some((a, rest.iter().find(|b| meet(a, b) && fits(a, b))?))
            })
        };
        let known = pair(&same);
        if let Some((one, other)) = known.or_else(|| pair(&unknown)) {
            let networks = one.networks.as_ref().or(other.networks.as_ref());
            let mut values = vec![("peer", one.address.as_str())];
            values.extend(
                networks
                    .filter(|_| known.is_some())
                    .map(|n| ("networks", n.as_str())),
            );
            facts.push(sign(
                other.place.clone(),
                Sign::TransportSharesAddress,
                &values,
            ));
        }
    }
}

/// `7420 bytes_i (70 pkts, 2s ago), 9100 bytes_o`, `in  c1a2b3c4,  81223 bytes,   702 packets`: whether anything was
/// carried to us, and from us.
fn carried(body: &str) -> (bool, bool) {
    let some = |head: &str| {
        let count = head.split([' ', ',']).rfind(|word| !word.is_empty());
        count.is_some_and(|n| n.parse().is_ok_and(|n: u64| n > 0))
    };
    let before = |mark: &str| body.split_once(mark).is_some_and(|(head, _)| some(head));
    let listed = |way: &str| body.starts_with(way) && before(" bytes,");
    (
        before(" bytes_i") || listed("in "),
        before(" bytes_o") || listed("out "),
    )
}

/// `hub[7]: ESTABLISHED 9 seconds ago, 192.0.2.1[CN=hub]...198.51.100.7[CN=east]`: the peer.
fn stroke(body: &str) -> Option<(String, String)> {
    // A connection's name with a number behind it was taken for a program with its process.
    let ends = body
        .strip_prefix("ESTABLISHED ")
        .or_else(|| Some(body.split_once("]: ESTABLISHED ")?.1))?;
    let (_, peer) = ends.split_once("]...")?;
    let (address, identity) = peer.split_once('[')?;
    Some((
        address.to_owned(),
        identity.trim_end_matches(']').to_owned(),
    ))
}

/// `remote 'CN=east' @ 198.51.100.7[40211]`: the peer.
fn vici(body: &str) -> Option<(String, String)> {
    let (identity, at) = body.strip_prefix("remote ")?.split_once(" @ ")?;
    let (address, _) = at.split_once('[')?;
    let identity = identity.trim().trim_matches('\'').to_owned();
    Some((address.to_owned(), identity))
}

/// What the SA above is for: `hub{9}:   192.0.2.1/32[gre] === 198.51.100.7/32[gre]`.
fn networks(body: &str) -> Option<&str> {
    let (head, rest) = body.split_once("}:")?;
    (head.contains('{') && rest.contains(" === ")).then(|| rest.trim())
}

#[cfg(test)]
mod tests {
    use adit_model::fact::{Known, Side};
    use adit_model::now::Wall;
    use adit_model::sign::Sign;

    use crate::read;

    fn value(text: &str, name: &str) -> Option<String> {
        let read = read("x", Side::Local, text.as_bytes(), Wall(1_795_241_285_000));
        read.facts.into_iter().find_map(|f| match f.what {
            Known::Sign {
                sign: Sign::TransportSharesAddress,
                values,
            } => values.get(name).cloned(),
            _ => None,
        })
    }

    fn found(text: &str) -> Option<String> {
        value(text, "peer")
    }

    fn list(peers: &[(&str, &str, &str, &str)]) -> String {
        let mut text = format!(
            "Security Associations ({} up, 0 connecting):\n",
            peers.len()
        );
        for (at, (address, identity, mode, networks)) in peers.iter().enumerate() {
            text += &format!(
                "    spokes[{at}]: ESTABLISHED 9 seconds ago, 192.0.2.1[CN=hub]...{address}[{identity}]\n    spokes{{{at}}}:  INSTALLED, {mode}, reqid 1, ESP in UDP SPIs: c11a2b3c_i c44d5e6f_o\n    spokes{{{at}}}:   {networks}\n"
            );
        }
        text
    }

    #[test]
    fn two_peers_behind_one_address_in_transport_mode() {
        let gre = "192.0.2.1/32[gre] === 198.51.100.7/32[gre]";
        let (east, west) = (("198.51.100.7", "CN=east"), ("198.51.100.7", "CN=west"));
        let of = |(address, identity), mode, networks| (address, identity, mode, networks);
        let both = [of(east, "TRANSPORT", gre), of(west, "TRANSPORT", gre)];
        assert_eq!(found(&list(&both)).as_deref(), Some("198.51.100.7"));
        let l2tp = |port: &str| format!("192.0.2.1/32[udp/l2f] === 198.51.100.7/32[udp/{port}]");
        let (one, two) = (l2tp("50211"), l2tp("61004"));
        for peers in [
            [of(east, "TUNNEL", gre), of(west, "TUNNEL", gre)],
            [of(east, "TRANSPORT", gre), of(east, "TRANSPORT", gre)],
            [
                of(east, "TRANSPORT", gre),
                of(("203.0.113.9", "CN=west"), "TRANSPORT", gre),
            ],
            // The ports tell them apart.
            [of(east, "TRANSPORT", &one), of(west, "TRANSPORT", &two)],
        ] {
            assert_eq!(found(&list(&peers)), None, "{peers:?}");
        }
    }

    #[test]
    fn as_swanctl_lists_them() {
        let one = |at: u8, who: &str, bytes: u8, port: &str| {
            format!(
                "spokes: #{at}, ESTABLISHED, IKEv2, 11aa_i 22bb_r*\n  local  'CN=hub' @ 192.0.2.1[4500]\n  remote '{who}' @ 198.51.100.7[{at}]\n  gre: #{at}, reqid 1, INSTALLED, TRANSPORT-in-UDP, ESP:AES_GCM_16-128\n    in  c11a2b3c,  {bytes} bytes,  2 packets\n    out c44d5e6f,  91 bytes,  2 packets\n    local  192.0.2.1/32[{port}]\n    remote 198.51.100.7/32[{port}]\n"
            )
        };
        let text = one(7, "CN=east", 0, "gre") + &one(8, "CN=west", 70, "gre");
        assert_eq!(found(&text).as_deref(), Some("198.51.100.7"));
        assert_eq!(
            value(&text, "networks").as_deref(),
            Some("192.0.2.1/32[gre] === 198.51.100.7/32[gre]")
        );
        // Both carry, or the ports tell them apart.
        let carry = one(7, "CN=east", 50, "gre") + &one(8, "CN=west", 70, "gre");
        assert_eq!(found(&carry), None);
        let apart = one(7, "CN=east", 0, "udp/50211") + &one(8, "CN=west", 70, "udp/61004");
        assert_eq!(found(&apart), None);
        // Which networks they are for isn't shown.
        let short: String = text
            .lines()
            .filter(|l| !l.contains("/32["))
            .map(|l| format!("{l}\n"))
            .collect();
        assert_eq!(found(&short).as_deref(), Some("198.51.100.7"));
        assert_eq!(value(&short, "networks"), None);
        // A list that is cut within its last entry, of one connection that is for GRE.
        let gre = "192.0.2.1/32[gre] === 198.51.100.7/32[gre]";
        let both = list(&[
            ("198.51.100.7", "CN=east", "TRANSPORT", gre),
            ("198.51.100.7", "CN=west", "TRANSPORT", gre),
        ]);
        let cut = both.trim_end().rsplit_once('\n').unwrap().0;
        assert_eq!(value(cut, "networks").as_deref(), Some(gre));
    }
}
