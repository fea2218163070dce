//! The packet filters on a packet's way: whether what came to one went on, and which rule it was if it didn't.

use std::net::IpAddr;

use adit_kernel::Netlink;
use adit_kernel::ruleset::{self, Fate, Packet, Point, Tracked};
use adit_kernel::watch::{POINTS, TABLE};
use adit_model::traced::{HopOutcome, How};

use super::steps::Seen;
use super::way::Way;
use crate::host::BLOCK_TABLE;
use crate::protocol::WalkDirection;

/// Index and name.
type Device = (u32, String);

impl Seen<'_> {
    /// One filter point: whether packets that came to it went on.
    pub(super) fn filter(&self, way: &mut Way, back: bool, point: usize) -> bool {
        let (source, destination) = self.ends(back);
        let named = match POINTS.get(point) {
            Some(Point::Prerouting) => "prerouting",
            Some(Point::Input) => "input",
            Some(Point::Forward) => "forward",
            Some(Point::Output) => "output",
            _ => "postrouting",
        };
        let (came, went) = (
            self.count(back, point, true),
            self.count(back, point, false),
        );
        if !self.follows() {
            return true;
        }
        if came > 0 && went == 0 {
            let place = self.dropper(point, !back, source, destination);
            let (by, reason, fix) = match place {
                Some((table, text, fix, true)) if table == BLOCK_TABLE => (
                    "gateway",
                    format!("the gateway's own block holds it back at {named}: {text}"),
                    fix,
                ),
                Some((_, text, fix, true)) => {
                    ("filter", format!("dropped at {named} by {text}"), fix)
                }
                Some((_, text, fix, false)) => (
                    "filter",
                    format!("dropped at {named}, perhaps by {text}"),
                    fix,
                ),
                None => (
                    "filter",
                    format!(
                        "{came} packets came to {named} and none left it; which rule it was can't be told"
                    ),
                    Some("nft -a list ruleset".to_owned()),
                ),
            };
            way.stop(back, "filter", by, reason, fix);
            return false;
        }
        if came > 0 {
            way.hop(
                back,
                "filter",
                HopOutcome::Passed,
                format!("{named}: {came} came, {went} left"),
            );
        }
        true
    }

    /// The rule that drops such packets at a point: table, text, what to do, and whether it surely is that one.
    fn dropper(
        &self,
        point: usize,
        onward: bool,
        source: IpAddr,
        destination: IpAddr,
    ) -> Option<(String, String, Option<String>, bool)> {
        let rules = ruleset::read().ok()?.without(TABLE);
        let mut packet = Packet::between(source, destination);
        packet.protocol =
            Some(
                self.asked
                    .protocol
                    .unwrap_or(if source.is_ipv4() { 1 } else { 58 }),
            );
        // What is made here for a flow that begins at the peer's side is asked the other way round.
        let reply = onward == (self.turned && self.how == How::Sent);
        packet.tracked = match (reply, self.how) {
            (true, _) => Some(Tracked::Established),
            (false, How::Sent) => Some(Tracked::New),
            // Whether others' packets begin a connection isn't known.
            (false, _) => None,
        };
        (packet.input, packet.output) = self.devices(*POINTS.get(point)?, !onward);
        // An echo one way and its reply the other, as they are sent here; or the asked port where it is.
        (packet.source_port, packet.destination_port) = match (self.asked.protocol, !reply) {
            (None | Some(1 | 58), true) => (Some(if source.is_ipv4() { 8 } else { 128 }), None),
            (None | Some(1 | 58), false) => (Some(if source.is_ipv4() { 0 } else { 129 }), None),
            _ if onward => (None, self.asked.port),
            _ => (self.asked.port, None),
        };
        let (place, sure) = match rules.passage(&packet, *POINTS.get(point)?).fate {
            Fate::Dropped(place) => (place, true),
            Fate::Perhaps(place) => (place, false),
            Fate::Passes => return None,
        };
        let fix = place
            .deletion()
            .map(|deletion| format!("accept these packets before that rule, or: {deletion}"))
            .or_else(|| {
                Some(format!(
                    "accept these packets in chain {} of table {} {}",
                    place.chain, place.family, place.table
                ))
            });
        Some((place.table.clone(), place.to_string(), fix, sure))
    }

    /// The devices by which such packets come to a point and leave it, where they are known.
    fn devices(&self, point: Point, back: bool) -> (Option<Device>, Option<Device>) {
        let nowhere = || Some((0, String::new()));
        let find = |name: &str| {
            let link = Netlink::open().and_then(|mut netlink| netlink.link(name));
            Some((link.ok()?.index, name.to_owned()))
        };
        let tunnel = self.situation.carrier.device().and_then(find);
        let lan = || {
            let check = self.checks.iter().find(|c| c.id == "local-end")?;
            find(check.values.get("device")?)
        };
        let inside = || if self.is_here() { nowhere() } else { lan() };
        let (input, output) = match self.direction(back) {
            WalkDirection::Out => (inside(), tunnel),
            WalkDirection::In => (tunnel, inside()),
        };
        match point {
            Point::Prerouting | Point::Ingress | Point::Input => (input, None),
            Point::Forward | Point::Output | Point::Postrouting => (input, output),
        }
    }
}
