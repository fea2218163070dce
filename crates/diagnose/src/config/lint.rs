//! One end's configuration by itself: what can't work, what is unsafe, what was probably not meant.

use core::time::Duration;

use adit_model::fact::Source;
use adit_model::identity::Identity;
use adit_model::peer_config::{
    AuthMethod, Dialect, Lint, Origin, PeerChild, PeerConnection, PeerId, Place, Setting, Starts,
    Weight, WhenDead,
};
use adit_model::proposal::Proposal;
use std::net::IpAddr;

use super::child::span;
use super::pair::networks;
use super::words::{Topic, setting};

/// What is to be said about one end's connections.
pub(crate) fn lints(connections: &[PeerConnection]) -> Vec<Lint> {
    let mut out = Vec::new();
    for c in connections.iter().filter(|c| !c.listed) {
        let mut one = Lints { c, out: &mut out };
        one.algorithms();
        one.start();
        one.keys();
        one.identity();
        one.address_as_name();
        one.dead_peer();
        for child in &c.children {
            one.networks(child);
            one.lifetimes(child);
        }
    }
    if !connections.iter().any(|c| c.listed) {
        duplicates(connections, &mut out);
    }
    out
}

struct Lints<'x> {
    c: &'x PeerConnection,
    out: &'x mut Vec<Lint>,
}

impl Lints<'_> {
    fn tell<T>(
        &mut self,
        cause: &str,
        weight: Weight,
        at: &Setting<T>,
        message: String,
        fix: String,
    ) {
        let source = match &at.origin {
            Origin::Written(source) => source.clone(),
            Origin::Default => self.c.source.clone(),
        };
        self.tell_at(cause, weight, source, message, fix);
    }

    fn tell_at(
        &mut self,
        cause: &str,
        weight: Weight,
        source: Source,
        message: String,
        fix: String,
    ) {
        self.out.push(Lint {
            cause: cause.to_owned(),
            weight,
            connection: Some(self.c.name.clone()),
            message,
            fix,
            source,
        });
    }

    fn algorithms(&mut self) {
        let c = self.c;
        let mut all: Vec<(&Setting<Option<Vec<Proposal>>>, Topic)> =
            vec![(&c.ike, Topic::IkeProposals)];
        all.extend(c.children.iter().map(|x| (&x.esp, Topic::EspProposals)));
        let mut told: Vec<String> = Vec::new();
        for (setting_of, topic) in all {
            let Some(list) = setting_of
                .value
                .as_ref()
                .filter(|_| setting_of.is_written())
            else {
                continue;
            };
            let weak = |p: &Proposal| -> Vec<&'static str> {
                p.weak()
                    .into_iter()
                    .filter(|w| BROKEN.contains(w) || TOO_SHORT.contains(w))
                    .collect()
            };
            // What the product adds by itself isn't the writer's doing; only the first proposals are.
            let Some(words) = list.first().map(weak).filter(|w| !w.is_empty()) else {
                continue;
            };
            let only = list.iter().all(|p| !weak(p).is_empty());
            let text = words.join(", ");
            if told.contains(&text) {
                continue;
            }
            told.push(text.clone());
            self.tell(
                "algorithm-not-available",
                if only { Weight::Warning } else { Weight::Hint },
                setting_of,
                format!(
                    "{text}: weak, and refused or left out by current versions of several products"
                ),
                format!(
                    "{} with aes256gcm16 or aes256-sha256, and x25519, ecp256 or modp2048",
                    setting(c.dialect, topic)
                ),
            );
        }
    }

    fn start(&mut self) {
        let c = self.c;
        let reachable = c
            .remote
            .value
            .iter()
            .any(|p| matches!(p, Place::Address(_) | Place::Name(_)));
        for child in &c.children {
            match child.starts.value {
                // Where the address isn't written, an included section may hold it.
                Starts::Now | Starts::OnDemand
                    if !reachable && child.starts.is_written() && c.remote.is_written() => self.tell(
                    "nothing-triggers-initiation",
                    Weight::Error,
                    &child.starts,
                    "it is to be started, and the peer's address is any: there is nowhere to start to".to_owned(),
                    format!("{} the peer's address, or let it only answer", setting(c.dialect, Topic::PeerAddress)),
                ),
                Starts::NotLoaded => self.tell(
                    "config-not-loaded",
                    Weight::Warning,
                    &child.starts,
                    "it isn't loaded when the daemon starts".to_owned(),
                    "auto=add to answer, auto=start to begin".to_owned(),
                ),
                _ => {}
            }
        }
    }

    fn keys(&mut self) {
        let c = self.c;
        let by_key = c.local_auth.value.contains(&AuthMethod::Psk);
        if by_key && c.secrets_seen && c.psk.is_none() {
            self.tell(
                "psk-not-found",
                Weight::Error,
                &c.local_auth,
                "it authenticates by a pre-shared key, and none of the keys is for these two ends"
                    .to_owned(),
                format!(
                    "{} a key for both identities",
                    setting(c.dialect, Topic::Key)
                ),
            );
        }
    }

    fn identity(&mut self) {
        let c = self.c;
        let [Place::Address(local)] = c.local.value.as_slice() else {
            return;
        };
        let public_peer = c
            .remote
            .value
            .iter()
            .filter_map(Place::address)
            .any(|a| !private(a));
        let as_address = match &c.local_id.value {
            None => c.local_auth.value == [AuthMethod::Psk],
            Some(PeerId::Is(Identity::Address(a))) => a == local,
            _ => false,
        };
        if private(*local) && public_peer && as_address {
            self.tell(
                "nat-private-ip-as-id",
                Weight::Warning,
                &c.local,
                format!("it identifies itself by its private address {local}, which the peer doesn't see behind the NAT"),
                format!("{} the public address or a name, as the peer expects it", setting(c.dialect, Topic::LocalId)),
            );
        }
    }

    /// `@192.0.2.1`: a name that is written like an address. Certificates hold addresses as addresses.
    fn address_as_name(&mut self) {
        let c = self.c;
        let Some(PeerId::Is(Identity::Fqdn(name))) = &c.local_id.value else {
            return;
        };
        if c.certificate.is_some() && name.trim_start_matches('@').parse::<IpAddr>().is_ok() {
            self.tell(
                "cert-san-mismatch",
                Weight::Warning,
                &c.local_id,
                format!("it identifies itself by `{name}` as a name; a certificate would hold it as an address"),
                format!(
                    "{} the address itself, or what the certificate holds",
                    setting(c.dialect, Topic::LocalId)
                ),
            );
        }
    }

    fn dead_peer(&mut self) {
        const HASTY: Duration = Duration::from_secs(10);
        let c = self.c;
        let silent = c
            .dpd_timeout
            .value
            .filter(|t| *t > Duration::ZERO && *t < HASTY && c.dpd_timeout.is_written())
            .filter(|_| c.dpd_delay.value.is_some_and(|d| d > Duration::ZERO));
        if let Some(silent) = silent {
            self.tell(
                "dpd-too-aggressive",
                Weight::Warning,
                &c.dpd_timeout,
                format!(
                    "the peer counts as dead after {} s of silence",
                    silent.as_secs()
                ),
                "dead peer detection with a delay of 30 s and a timeout of two minutes".to_owned(),
            );
        }
        let begins = c.children.iter().any(|x| x.starts.value == Starts::Now);
        if begins
            && c.dpd_action.value == WhenDead::Clear
            && c.dpd_delay.value.is_some()
            && c.dpd_action.is_written()
        {
            self.tell(
                "dpd-action-clear",
                Weight::Warning,
                &c.dpd_action,
                "it begins the tunnel, and when the peer is silent it removes the tunnel and doesn't begin again".to_owned(),
                "dpd action restart".to_owned(),
            );
        }
    }

    fn networks(&mut self, child: &PeerChild) {
        let c = self.c;
        let (local, remote) = (
            networks(&child.local_ts.value),
            networks(&child.remote_ts.value),
        );
        if child.route_based.is_some() || c.virtual_ip.is_some() {
            return;
        }
        let everything = |list: &[adit_model::selector::Selector]| {
            list.iter().any(|s| s.to_string().ends_with("/0"))
        };
        if everything(&local) && everything(&remote) {
            // Products with tunnel interfaces write it so.
            if matches!(
                c.dialect,
                Dialect::StrongswanStroke
                    | Dialect::Swanctl
                    | Dialect::Libreswan
                    | Dialect::Openswan
            ) {
                self.tell(
                    "overbroad-remote-selector",
                    Weight::Warning,
                    &child.remote_ts,
                    "it takes all traffic of this host, the administrator's own session among it"
                        .to_owned(),
                    "a mark or if_id with a tunnel interface, or narrower networks".to_owned(),
                );
            }
            return;
        }
        if everything(&remote)
            && child.starts.value == Starts::Now
            && matches!(
                c.dialect,
                Dialect::StrongswanStroke
                    | Dialect::Swanctl
                    | Dialect::Libreswan
                    | Dialect::Openswan
            )
        {
            self.tell(
                "overbroad-remote-selector",
                Weight::Hint,
                &child.remote_ts,
                "all that the local network sends, answers to an administrator's session among it, goes into the tunnel as soon as it is up".to_owned(),
                "the peer's own networks, or a bypass for the networks from which this host is managed".to_owned(),
            );
        }
        let peer = c.remote.value.iter().filter_map(Place::address).find(|a| {
            remote
                .iter()
                .any(|s| s.protocol == 0 && s.matches(17, Some(500), *a) && s.start != s.end)
        });
        if let Some(peer) = peer
            && !everything(&remote)
        {
            self.tell(
                "tunnel-route-captures-peer",
                Weight::Warning,
                &child.remote_ts,
                format!("the peer's networks hold the peer's own address {peer}: what is sent to the gateway itself goes into the tunnel too"),
                "networks without the gateway's address".to_owned(),
            );
        }
        if !everything(&local)
            && !everything(&remote)
            && local
                .iter()
                .any(|x| remote.iter().any(|y| x.intersect(y).is_some()))
        {
            self.tell(
                "overlapping-subnets",
                Weight::Warning,
                &child.remote_ts,
                "our networks and the peer's overlap: hosts of one side look for the other side's on their own".to_owned(),
                "renumber one side, or translate (NETMAP)".to_owned(),
            );
        }
    }

    fn lifetimes(&mut self, child: &PeerChild) {
        if let (Some(soft), Some(hard)) = (child.soft_life.value, child.life.value)
            && soft >= hard
            && child.life.is_written()
        {
            self.tell(
                "rekey-disabled",
                Weight::Warning,
                &child.life,
                format!(
                    "the SA ends after {} and would be replaced after {}: it ends first",
                    span(hard),
                    span(soft)
                ),
                "a hard lifetime longer than the time of replacement".to_owned(),
            );
        }
        let ike = self.c.ike_life.value;
        if let (Some(ike), Some(life)) = (ike, child.life.value)
            && ike < life
            && self.c.ike_life.is_written()
            && child.life.is_written()
            && self.c.versions.value == adit_model::peer_config::Versions::V1
        {
            self.tell(
                "ikev1-phase1-expiry-kills-phase2",
                Weight::Hint,
                &self.c.ike_life,
                format!("phase 1 ends after {} and phase 2 after {}: some products end phase 2 with phase 1", span(ike), span(life)),
                "phase 1 longer than phase 2".to_owned(),
            );
        }
        if let Some(bytes) = child.life_bytes.value
            && bytes < 100 << 20
            && child.life_bytes.is_written()
        {
            self.tell(
                "volume-lifetime-small",
                Weight::Warning,
                &child.life_bytes,
                format!(
                    "the SA is replaced every {} MB, which a fast link reaches within seconds",
                    bytes >> 20
                ),
                "gigabytes, or no limit by volume".to_owned(),
            );
        }
    }
}

/// Broken outright.
const BROKEN: &[&str] = &["md5", "prfmd5", "3des", "null", "modp768"];
/// Too short for today.
const TOO_SHORT: &[&str] = &[
    "modp1024",
    "modp1536",
    "sha1",
    "prfsha1",
    "ecp192",
    "modp1024s160",
];

fn private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(a) => {
            let [x, y, ..] = a.octets();
            a.is_private() || (x == 100 && (64..128).contains(&y))
        }
        IpAddr::V6(a) => a.is_unique_local(),
    }
}

/// Two children for the same traffic to the same peer.
fn duplicates(connections: &[PeerConnection], out: &mut Vec<Lint>) {
    for (i, a) in connections.iter().enumerate() {
        for b in connections.iter().skip(i + 1) {
            let loaded = |c: &PeerConnection| {
                c.children
                    .iter()
                    .all(|x| x.starts.value != Starts::NotLoaded)
            };
            let known = a.remote.value.iter().any(|p| p.address().is_some());
            if a.block != b.block
                || !known
                || a.remote.value != b.remote.value
                || !loaded(a)
                || !loaded(b)
            {
                continue;
            }
            for x in &a.children {
                for y in &b.children {
                    let written = (x.local_ts.is_written() || x.remote_ts.is_written())
                        && !x.local_ts.value.is_empty()
                        && !x.remote_ts.value.is_empty();
                    if written
                        && x.local_ts.value == y.local_ts.value
                        && x.remote_ts.value == y.remote_ts.value
                    {
                        out.push(Lint {
                            cause: "duplicate-conn-or-reqid".to_owned(),
                            weight: Weight::Warning,
                            connection: Some(b.name.clone()),
                            message: format!(
                                "it has the same networks and the same peer as {}",
                                a.name
                            ),
                            fix: "keep one of the two".to_owned(),
                            source: y.source.clone(),
                        });
                    }
                }
            }
        }
    }
}
