//! What can be known of the path with a peer that doesn't count: by the counters of the SAs, by echoes through the tunnel in the
//! encapsulation that it uses, and by what routers say about two packets of plain ESP. The rest is said not to be known.

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use adit_crypto::Provider;
use adit_esp::Overhead;
use adit_kernel::Netlink;
use adit_kernel::test_port::TestPort;
use adit_model::dataplane::Path;
use adit_model::event::PathProblem;
use adit_model::probed::{Check, Outcome, Sent};

use super::near::{Expected, Why};
use super::packet::{self, SHORTEST, Shot, Token};
use super::size::kind;
use crate::asking::Asker;
use crate::probe::problem;
use crate::probing::Situation;

/// Why nobody counts, and what routers say all the same.
pub(in crate::probing) struct Alone {
    pub(super) why: Why,
    knocked: Knocked,
}

/// What came of packets of plain ESP that belong to no SA.
#[derive(Default)]
struct Knocked {
    said: Option<(PathProblem, Option<IpAddr>)>,
    sent: Sent,
}

impl Alone {
    /// Sends what is needed, beside what is known.
    pub(super) fn of(situation: &Situation, provider: &Provider, asker: &Asker, why: Why) -> Self {
        let proven = !situation.is_in_udp() && situation.carried().1 > 0;
        // A peer of our own kind that can't count now is asked again later, which shows more.
        let asked = matches!(
            why,
            Why::Host(_) | Why::Older | Why::Silent | Why::Slow | Why::Refused(_)
        );
        let knocked = (!proven && !asked)
            .then(|| knock(situation, provider, asker))
            .flatten();
        Self {
            why,
            knocked: knocked.unwrap_or_default(),
        }
    }

    fn because(&self) -> String {
        match &self.why {
            Why::Down => "the tunnel isn't up, so the peer can't be asked to count".to_owned(),
            Why::Foreign => "the peer isn't an Adit (or has `answer_trace = false`), so nobody counts what arrives there".to_owned(),
            Why::Older => "the peer is an Adit that is older than this test".to_owned(),
            Why::Silent => "the peer didn't answer in time what it has counted".to_owned(),
            Why::Slow => "the path or the peer is too slow for the test, or loses too much of it".to_owned(),
            Why::Refused(problem) => format!("the peer doesn't count for us: {problem}"),
            Why::Host(problem) => format!("this host can't send test packets: {problem}"),
        }
    }

    pub(super) fn checks(&self, situation: &Situation, others: &[Check]) -> Vec<Check> {
        let mut checks = vec![self.plain(situation, others)];
        if situation.up {
            checks.push(self.in_udp(situation, others));
            checks.extend(self.sizes(situation, others));
        }
        checks
    }

    fn plain(&self, situation: &Situation, others: &[Check]) -> Check {
        let used = situation.up && !situation.is_in_udp();
        let id = "esp-plain";
        let name = &situation.connection.name;
        let check = match self.knocked.said {
            _ if used && answered(others, "inside-ping") => proven(id, false),
            Some((problem, by)) if refuses(problem) => {
                let by = by.map_or("this host".to_owned(), |by| by.to_string());
                let summary =
                    format!("plain ESP (IP protocol 50) is refused: {by} says of ours: {problem}");
                if used {
                    Check::new(id, Outcome::Finding, summary).fix(format!(
                        "permit IP protocol 50 there, or force UDP encapsulation: `force_encap = true` in [tunnel.{name}]"
                    ))
                } else {
                    Check::new(id, Outcome::Note, summary)
                }
            }
            _ if used => self.carries(id, false, situation),
            _ => {
                let packets = self.knocked.sent.packets;
                let said = if packets > 0 {
                    format!("no router refused {packets} packets of it, which shows little")
                } else {
                    "none was sent".to_owned()
                };
                Check::new(
                    id,
                    Outcome::Unknown,
                    format!(
                        "whether plain ESP (IP protocol 50) passes can't be known: {}; {said}",
                        self.because()
                    ),
                )
            }
        };
        check.value("in_use", used).sent(self.knocked.sent)
    }

    fn in_udp(&self, situation: &Situation, others: &[Check]) -> Check {
        let used = situation.is_in_udp();
        let id = "esp-udp";
        let check = match used {
            true if answered(others, "inside-ping") => proven(id, true),
            true => self.carries(id, true, situation),
            false => {
                let ike = if answered(others, "ike-4500") {
                    "UDP 4500 passes for IKE (ike-4500), and whether ESP in it does"
                } else {
                    "whether ESP in UDP (port 4500) passes"
                };
                let summary = format!("{ike} can't be known: {}", self.because());
                Check::new(id, Outcome::Unknown, summary)
            }
        };
        check.value("in_use", used)
    }

    /// Of the kind that the tunnel uses, what the SAs have counted.
    fn carries(&self, id: &str, udp: bool, situation: &Situation) -> Check {
        let (out, back) = situation.carried();
        let counted = format!(
            "{} is what the tunnel uses: {out} packets were sent under its SAs and {back} came",
            kind(udp)
        );
        let because = self.because();
        if back > 0 {
            let summary = format!(
                "{counted}, so it passes from the peer; whether ours arrive can't be known: {because}"
            );
            return Check::new(id, Outcome::Unknown, summary);
        }
        let summary = format!(
            "{counted}: it may be stopped in either direction, or nobody may answer; which can't be known: {because}"
        );
        let check = Check::new(id, Outcome::Unknown, summary);
        if udp || out == 0 {
            return check;
        }
        let name = &situation.connection.name;
        check.fix(format!(
            "to find out: with `force_encap = true` in [tunnel.{name}] ESP travels in UDP; if packets come then, IP protocol 50 is what is stopped"
        ))
    }

    /// The longest packets, by echoes, which go both ways.
    fn sizes(&self, situation: &Situation, others: &[Check]) -> Vec<Check> {
        let inside = others.iter().find(|check| check.id == "inside-mtu");
        let octets = inside.and_then(|check| check.values.get("octets")?.parse::<usize>().ok());
        let outer = octets.and_then(|octets| situation.outer(octets));
        let lost = inside.and_then(|check| check.values.get("lost_on_the_way"));
        let of = |id: &str, direction: &str, way: &str| {
            let name = kind(situation.is_in_udp());
            match (inside.map(|check| check.outcome), outer) {
                (Some(Outcome::Well), Some(outer)) => Check::new(
                    id,
                    Outcome::Well,
                    format!(
                        "{name} packets of {outer} octets {direction}, around echoes (inside-mtu)"
                    ),
                )
                .value("octets", outer),
                (Some(Outcome::Finding), Some(outer)) => {
                    let lost = lost.map_or("unknown", String::as_str);
                    let (outcome, whose) = match lost {
                        lost if lost == way => {
                            (Outcome::Note, ", and longer ones are lost on this way")
                        }
                        "out" | "back" => (
                            Outcome::Well,
                            ", and it is on the other way that longer ones are lost",
                        ),
                        _ => (
                            Outcome::Unknown,
                            "; on which way longer ones are lost can't be known",
                        ),
                    };
                    Check::new(
                        id,
                        outcome,
                        format!("{name} packets of {outer} octets {direction}, around echoes (inside-mtu){whose}"),
                    )
                    .value("octets", outer)
                }
                _ => Check::new(
                    id,
                    Outcome::Unknown,
                    format!(
                        "how long {name} packets may be that {direction} can't be known: {}, and no echo through the tunnel shows it",
                        self.because()
                    ),
                ),
            }
        };
        vec![
            of("esp-mtu-out", "reach the peer", "out"),
            of("esp-mtu-in", "come from the peer", "back"),
        ]
    }
}

/// An echo through the tunnel was answered in the kind that it uses.
fn proven(id: &str, udp: bool) -> Check {
    let summary = format!(
        "{} passes both ways: the tunnel uses it, and echoes through it are answered (inside-ping)",
        kind(udp)
    );
    Check::new(id, Outcome::Well, summary)
}

fn answered(others: &[Check], id: &str) -> bool {
    let mut others = others.iter();
    others.any(|check| check.id == id && check.outcome == Outcome::Well)
}

/// Whether such a word is about a packet's kind: a filter's, or that of a host without ESP.
fn refuses(problem: PathProblem) -> bool {
    matches!(
        problem,
        PathProblem::AdminProhibited
            | PathProblem::Other(3, 2)
            | PathProblem::LocalSend(libc::EPERM)
    )
}

impl Situation {
    /// Whether ESP travels in UDP: as it is, or as it is configured.
    pub(super) fn is_in_udp(&self) -> bool {
        self.in_udp.unwrap_or(self.connection.force_encap)
    }

    /// Packets that the tunnel's SAs have sent and received.
    pub(super) fn carried(&self) -> (u64, u64) {
        let sum = |of: fn(&crate::asking::Sa) -> u64| self.counts.iter().map(of).sum();
        (sum(|sa| sa.packets_out), sum(|sa| sa.packets_in))
    }

    /// Octets of the ESP packet around so many.
    pub(super) fn outer(&self, inner: usize) -> Option<usize> {
        let ((shape, _), ends) = (self.protection.as_ref()?, self.ends?);
        let path = Path {
            local: ends.local,
            remote: ends.remote,
            udp_encap: self.is_in_udp(),
        };
        Some(Overhead::new(*shape, &path).outer_len(inner))
    }
}

/// Sends two packets of plain ESP that belong to no SA, and waits a moment for what routers say.
fn knock(situation: &Situation, provider: &Provider, asker: &Asker) -> Option<Knocked> {
    let peer = situation.peer?;
    let local = situation.local.map(|local| local.ip());
    let local = local
        .or(situation.connection.local)
        .or_else(|| Netlink::open().ok()?.own_route_to(peer).ok()?.source)?;
    let mut token = Token::default();
    provider.random.fill(&mut token);
    let spi = u32::from_be_bytes(*token.first_chunk()?) | 0x100;
    let _expected = Expected::begin(asker, spi).ok()?;
    let port = TestPort::open(local, None, spi).ok()?;
    let shot = Shot {
        udp: false,
        octets: SHORTEST,
        whole: true,
    };
    let to = SocketAddr::new(peer, 0);
    let mut knocked = Knocked::default();
    for number in 0..KNOCKS {
        let content = packet::content(shot, &token, number, port.headers())?;
        match port.send(&content, to) {
            Ok(()) => knocked.sent.add(SHORTEST.into()),
            Err(error) => {
                let errno = error.raw_os_error().unwrap_or(0);
                knocked.said = Some((PathProblem::LocalSend(errno), None));
                return Some(knocked);
            }
        }
    }
    let begun = Instant::now();
    while begun.elapsed() < PATIENCE {
        if let Ok(Some(error)) = port.receive_error(to) {
            knocked.said = Some((problem(error.kind), error.offender));
            break;
        }
        std::thread::sleep(LOOK);
    }
    Some(knocked)
}

/// Packets of plain ESP.
const KNOCKS: u32 = 2;
/// How long routers are waited for, and how often that is looked at.
const PATIENCE: Duration = Duration::from_millis(600);
const LOOK: Duration = Duration::from_millis(20);

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::asking::Sa;
    use crate::probing::testing::situation;

    fn told(in_udp: bool, carried: (u64, u64), others: &[Check], knocked: Knocked) -> Vec<Check> {
        let mut situation = situation("10.1.0.0/24", "10.2.0.0/24");
        situation.in_udp = Some(in_udp);
        situation.counts = vec![Sa {
            spi_in: 1,
            spi_out: 2,
            packets_in: carried.1,
            packets_out: carried.0,
        }];
        let alone = Alone {
            why: Why::Foreign,
            knocked,
        };
        alone.checks(&situation, others)
    }

    fn well(id: &str) -> Check {
        Check::new(id, Outcome::Well, "")
    }

    #[test]
    fn what_a_foreign_peer_leaves_unknown_is_said_to_be() {
        let checks = told(false, (9, 0), &[], Knocked::default());
        assert!(
            checks.iter().all(|c| c.outcome == Outcome::Unknown),
            "{checks:#?}"
        );
        assert!(
            checks[0]
                .summary
                .contains("9 packets were sent under its SAs and 0 came")
        );
        assert!(checks[0].fix.as_ref().unwrap().contains("force_encap"));
        assert!(checks[1].summary.contains("isn't an Adit"));
        let checks = told(true, (9, 4), &[well("ike-4500")], Knocked::default());
        assert!(
            checks[1].summary.contains("passes from the peer"),
            "{checks:#?}"
        );
        assert_eq!(checks[1].fix, None);
    }

    #[test]
    fn an_echo_proves_the_kind_that_the_tunnel_uses_and_no_other() {
        let checks = told(true, (9, 9), &[well("inside-ping")], Knocked::default());
        let outcomes: Vec<Outcome> = checks.iter().map(|c| c.outcome).collect();
        assert_eq!(outcomes[..2], [Outcome::Unknown, Outcome::Well]);
    }

    #[test]
    fn a_router_that_refuses_plain_esp_is_named() {
        let said = || Knocked {
            said: Some((PathProblem::AdminProhibited, Some([198, 51, 100, 1].into()))),
            sent: Sent::default(),
        };
        let checks = told(false, (9, 0), &[], said());
        assert_eq!(checks[0].outcome, Outcome::Finding);
        assert!(checks[0].summary.contains("198.51.100.1 says of ours"));
        assert_eq!(told(true, (9, 9), &[], said())[0].outcome, Outcome::Note);
    }
}
