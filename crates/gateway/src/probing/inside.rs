//! What answers through the tunnel: echo requests with their loss and round trip, and the largest packet that arrives
//! whole.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use adit_kernel::{Netlink, PathErrorKind, PingOptions, PingOutcome, UdpPort, ping};
use adit_model::carriage::{Carriage, Cut};
use adit_model::fact::Known;
use adit_model::host::HostState;
use adit_model::policy::Action;
use adit_model::probed::{Check, Outcome, Sent};
use adit_model::selector::Selector;
use adit_model::sign::Sign;

use super::esp::shared_device;
use super::{Carrier, Situation, sample, sign};
use crate::probe::wait;

/// Tests through a tunnel that is up, with echo requests to `target` or to whoever answers.
pub(super) fn checks(situation: &Situation, target: Option<IpAddr>) -> Vec<Check> {
    if !situation.up {
        return vec![unknown("the tunnel isn't up")];
    }
    let own = own_addresses();
    let leads = |to, from| into_tunnel(situation, to, from);
    let asking = match Asking::of(situation, target, &own, leads) {
        Ok(asking) => asking,
        Err(why) => return vec![unknown(&why)],
    };
    let Some((target, mut sent)) = asking.find() else {
        let tried: Vec<String> = asking
            .targets
            .iter()
            .map(|(to, _)| to.to_string())
            .collect();
        let mut sent = Sent::default();
        for (to, _) in &asking.targets {
            sent.add(SMALL + headers(*to));
        }
        let summary = format!(
            "nobody answered an echo through the tunnel: {}",
            tried.join(", ")
        );
        // Whom nobody has named may not be there.
        return vec![if asking.named {
            let mut check = Check::new("inside-ping", Outcome::Finding, summary);
            for (to, from) in &asking.targets {
                check = check.fact(pinged(*to, *from, SMALL, false, 1, 0));
            }
            check
                .sent(sent)
                .fix("adit trace shows where the packets stay")
        } else {
            Check::new(
                "inside-ping",
                Outcome::Unknown,
                format!("{summary}; --inside names a host that does"),
            )
            .sent(sent)
        }];
    };
    let (to, from) = target;
    let mut trips = Vec::new();
    for _ in 0..PINGS {
        sent.add(SMALL + headers(to));
        if let Answer::Came(rtt) = ask(to, from, SMALL, false) {
            trips.push(rtt);
            std::thread::sleep(PAUSE);
        }
    }
    let mut checks = vec![ping_check(to, from, &trips, sent)];
    let all_came = trips.len() as u64 == u64::from(PINGS);
    checks.extend(size_checks(situation, to, from, all_came));
    checks
}

/// Whether these tests show that packets pass the tunnel, long ones too.
pub(super) fn passes(checks: &[Check]) -> bool {
    ["inside-ping", "inside-mtu"].iter().all(|id| {
        let mut checks = checks.iter();
        checks.any(|check| check.id == *id && check.outcome == Outcome::Well)
    })
}

/// Whether some small packets pass the tunnel and others don't: the path loses them (one alone may have been anything's). What passes by size and by protocol can't be
/// told apart from that, and asking the peer over such a path takes long.
pub(super) fn loses(checks: &[Check]) -> bool {
    let lost = |check: &Check| check.values.get("lost")?.parse::<u32>().ok();
    let mut pings = checks.iter().filter(|check| check.id == "inside-ping");
    pings.any(|check| lost(check).is_some_and(|lost| (2..PINGS).contains(&lost)))
}

fn unknown(why: &str) -> Check {
    Check::new("inside-ping", Outcome::Unknown, why)
}

fn ping_check(to: IpAddr, from: IpAddr, trips: &[Duration], sent: Sent) -> Check {
    let (all, came) = (u64::from(PINGS), trips.len() as u64);
    let ms = |time: Duration| format!("{:.1}", time.as_secs_f64() * 1e3);
    let total: Duration = trips.iter().sum();
    let mean = total
        .checked_div(u32::try_from(trips.len()).unwrap_or(1))
        .unwrap_or_default();
    let worst = trips.iter().max().copied().unwrap_or_default();
    let best = trips.iter().min().copied().unwrap_or_default();
    let lost = all - came.min(all);
    let summary = format!(
        "{to} answers through the tunnel: {came} of {all} echoes, round trip {} / {} / {} ms (least, mean, most)",
        ms(best),
        ms(mean),
        ms(worst)
    );
    let outcome = if lost == 0 {
        Outcome::Well
    } else {
        Outcome::Finding
    };
    let mut check = Check::new("inside-ping", outcome, summary)
        .value("lost", lost)
        .value("mean_ms", ms(mean))
        .sent(sent);
    if came > 0 {
        check = check.fact(pinged(to, from, SMALL, false, all, came));
    }
    if lost > 0 {
        check =
            check.fix("the path loses packets: compare with echoes to the peer's outside address");
    }
    check
}

/// The longest packet to an address that the host lets through, and the longest that the device takes.
fn longest(to: IpAddr, from: IpAddr) -> Option<(usize, usize)> {
    let mut netlink = Netlink::open().ok()?;
    let way = netlink.route_to(to, Some(from)).ok()?;
    let link = netlink.link_by_index(way.device?).ok()?;
    let known = way.mtu.filter(|mtu| *mtu > 0).unwrap_or(link.mtu);
    let octets = |mtu: u32| usize::try_from(mtu).ok();
    Some((octets(known.min(link.mtu))?, octets(link.mtu)?))
}

/// The largest packet that arrives uncut, and so does an answer of its size; and whether longer ones arrive that are cut
/// with the ESP around them. Where small ones get lost (not `all_came`), that a long one doesn't come is told of no size.
fn size_checks(situation: &Situation, to: IpAddr, from: IpAddr, all_came: bool) -> Vec<Check> {
    let Some((mut most, device)) = longest(to, from) else {
        return Vec::new();
    };
    if situation.carrier == Carrier::Kernel(None) {
        // ESP comes around what the link takes.
        most = most.min(1400);
    }
    let mut sent = Sent::default();
    let found = largest(SMALL + headers(to), most, |size| {
        sent.add(size);
        ask(to, from, size.saturating_sub(headers(to)), true)
    });
    let id = "inside-mtu";
    let said = |told: Option<usize>| {
        let said = told.map(|mtu| format!("; longer ones are answered with \"at most {mtu}\""));
        said.unwrap_or_default()
    };
    let passes = match &found {
        Largest::Whole { good, .. } => Some(*good),
        _ => None,
    };
    let lost = match &found {
        Largest::Vanish { bad, .. } => lost_on(situation, (to, from), *bad, &mut sent),
        _ => None,
    };
    let check = match found {
        Largest::Whole { good, told } => {
            let said = said(told);
            Check::new(
                id,
                Outcome::Well,
                format!("packets of {good} octets pass the tunnel whole in both directions{said}"),
            )
            .value("octets", good)
        }
        Largest::Vanish { .. } if !all_came => {
            let why =
                "small echoes through the tunnel get lost too, so which sizes pass can't be told";
            Check::new(id, Outcome::Unknown, why)
        }
        Largest::Vanish {
            good,
            bad,
            asked,
            told,
        } => {
            let said = said(told);
            let behind = |size: usize| size.saturating_sub(headers(to));
            let way = match lost {
                Some("out") => ", on the way there",
                Some(_) => ", on the way back: they arrive there",
                None => "",
            };
            let mut check = Check::new(
                id,
                Outcome::Finding,
                format!("packets of {good} octets pass the tunnel and those of {bad} vanish{way}, unless they are cut{said}"),
            )
            .value("octets", good)
            .value("vanish", bad);
            if let Some(lost) = lost {
                check = check.value("lost_on_the_way", lost);
            }
            check
            .fix(format!(
                "tell hosts by a smaller MTU: `mtu = {good}` of the tunnel's interface, or the gateway started with `--tun-mtu {good}`{}, and let ICMP \"too big\" pass on the path",
                shared_device(good)
            ))
            .fact(pinged(to, from, behind(good), true, 1, 1))
            .fact(pinged(to, from, behind(bad), true, asked, 0))
        }
        Largest::Unclear(why) => Check::new(id, Outcome::Unknown, why),
    };
    let mut checks = vec![check.sent(sent)];
    let cut_outside = |carriage: &Carriage| carriage.fragment == Cut::Outer;
    let mut children = situation.connection.children.iter();
    if let (Some(good), Carrier::Device(_)) = (passes, &situation.carrier)
        && to.is_ipv4()
        && device > good
        && children.any(|child| cut_outside(&child.carriage))
    {
        checks.push(cut_check(to, from, good, device));
    }
    checks
}

/// On which way packets of so many octets are lost whose echoes don't come: `out`, `back`; `None` if the host there doesn't
/// show it. A datagram to a port that nobody has is answered with a short message, however long it is itself.
fn lost_on(
    situation: &Situation,
    (to, from): (IpAddr, IpAddr),
    bad: usize,
    sent: &mut Sent,
) -> Option<&'static str> {
    let takes = |selectors: &[Selector], port, address| {
        let mut all = selectors.iter();
        all.any(|selector| selector.matches(17, port, address))
    };
    let mut children = situation.children.iter();
    if !children.any(|child| takes(&child.local, None, from) && takes(&child.remote, None, to)) {
        return None;
    }
    let socket = UdpPort::bind(SocketAddr::new(from, 0)).ok()?;
    socket.go_with_others().ok()?;
    socket.set_dont_fragment(true).ok()?;
    let mut port = CLOSED;
    let mut reaches = |size: usize| -> bool {
        port += 1;
        let at = SocketAddr::new(to, port);
        let datagram = vec![0; size.saturating_sub(headers(to))];
        if socket.send(&datagram, at, None).is_err() {
            return false;
        }
        sent.add(size);
        let until = Instant::now() + PATIENCE;
        while let Some(left) = until.checked_duration_since(Instant::now()) {
            wait(&socket, left);
            while let Ok(Some(error)) = socket.receive_error() {
                if error.kind == PathErrorKind::PortUnreachable && error.destination == Some(at) {
                    return true;
                }
            }
        }
        false
    };
    let short = SMALL + headers(to);
    if !reaches(short) {
        return None;
    }
    if (0..OFTEN).any(|_| reaches(bad)) {
        return Some("back");
    }
    reaches(short).then_some("out")
}

/// Whether a packet arrives that may be cut, and is where ESP is around it already.
fn cut_check(to: IpAddr, from: IpAddr, good: usize, long: usize) -> Check {
    let id = "inside-cut";
    let mut sent = Sent::default();
    for _ in 0..OFTEN {
        sent.add(long);
        if let Answer::Came(_) = ask(to, from, long.saturating_sub(headers(to)), false) {
            let summary =
                format!("packets of {long} octets, whose ESP travels in fragments, arrive");
            return Check::new(id, Outcome::Well, summary).sent(sent);
        }
    }
    let octets = long.to_string();
    Check::new(
        id,
        Outcome::Finding,
        format!("packets of {good} octets pass, and of those of {long}, whose ESP travels in fragments, none of {OFTEN} arrived"),
    )
    .value("octets", long)
    .fix("let IP fragments pass on the path, or have packets cut before they are protected (`fragment = \"inner\"`)")
    .fact(sign(
        Sign::FragmentDropped,
        &[("octets", &octets), ("path", "yes")],
    ))
    .sent(sent)
}

/// What the largest packet is that passes whole.
#[derive(Debug, PartialEq, Eq)]
enum Largest {
    /// All that are sent do, or those that don't are answered with what would.
    Whole { good: usize, told: Option<usize> },
    /// Larger ones never arrived, however often they were sent, and nobody said why.
    Vanish {
        good: usize,
        bad: usize,
        asked: u64,
        told: Option<usize>,
    },
    /// Answers don't go together.
    Unclear(String),
}

/// Seeks the largest packet between `small`, which passes, and `most`. The least that isn't answered is asked again: it may
/// have been lost. Where a router says what it takes, that is followed downwards, as by hosts.
fn largest(small: usize, most: usize, mut ask: impl FnMut(usize) -> Answer) -> Largest {
    let mut good = small;
    // The least that is refused, and what is said of it.
    let (mut refused, mut told) = (None, None);
    // What isn't answered, and how often it was asked.
    let mut silent: BTreeMap<usize, u64> = BTreeMap::new();
    let mut next = Some(most.max(small));
    for _ in 0..MOST_ASKED {
        let bad = silent
            .first_key_value()
            .map(|(size, asked)| (*size, *asked));
        let least = refused.into_iter().chain(bad.map(|(size, _)| size)).min();
        let between = least
            .filter(|least| *least > good + NEAR && told != Some(good))
            .map(|least| usize::midpoint(good, least));
        let again = bad
            .filter(|(_, asked)| *asked < OFTEN)
            .map(|(size, _)| size);
        let Some(size) = next.take().or(between).or(again) else {
            break;
        };
        match ask(size) {
            Answer::Came(_) => {
                good = good.max(size);
                silent = silent.split_off(&(good + 1));
            }
            Answer::TooBig(mtu) => {
                let mtu = mtu as usize;
                if mtu <= good && told != Some(mtu) {
                    return Largest::Unclear(format!(
                        "packets of {size} octets are answered with \"at most {mtu}\", though those of {good} pass"
                    ));
                }
                silent.remove(&size);
                refused = Some(refused.map_or(size, |least: usize| least.min(size)));
                told = Some(mtu);
                next = (mtu < size && mtu > good).then_some(mtu);
            }
            Answer::No => *silent.entry(size).or_default() += 1,
        }
    }
    match silent.pop_first() {
        None => Largest::Whole { good, told },
        Some((bad, OFTEN)) => Largest::Vanish {
            good,
            bad,
            asked: OFTEN,
            told,
        },
        Some((bad, _)) => Largest::Unclear(format!(
            "packets are lost whatever their size: those of {good} octets passed, and one of {bad} didn't"
        )),
    }
}

/// Whom to ask, and from where.
struct Asking {
    /// Target and source.
    targets: Vec<(IpAddr, IpAddr)>,
    /// Somebody has named it.
    named: bool,
}

impl Asking {
    /// `own` are this host's addresses; `leads` says what is wrong with a way into the tunnel.
    fn of(
        situation: &Situation,
        target: Option<IpAddr>,
        own: &[IpAddr],
        mut leads: impl FnMut(IpAddr, IpAddr) -> Result<(), String>,
    ) -> Result<Self, String> {
        let source = |to: &IpAddr| {
            own.iter()
                .find(|from| carries_echoes(situation, **from, *to))
                .copied()
        };
        let wanted: Vec<IpAddr> = match target {
            Some(target) => vec![target],
            None => situation
                .children
                .iter()
                .flat_map(|child| &child.remote)
                .filter(|selector| !selector.start.is_unspecified())
                .flat_map(|selector| [sample(selector, 1), sample(selector, 2)])
                .filter(|to| Some(*to) != situation.peer)
                .take(MOST_TARGETS)
                .collect(),
        };
        let mut targets: Vec<(IpAddr, IpAddr)> = wanted
            .into_iter()
            .filter_map(|to| Some((to, source(&to)?)))
            .collect();
        targets.dedup();
        if targets.is_empty() {
            return Err(match target {
                Some(target) => format!(
                    "the tunnel takes no echo from an address of this host to {target}; ask from a host behind it, and for one of the remote network"
                ),
                None => "no address of this host is in the tunnel's local network, or the tunnel takes no echoes from it; ask from a host behind it".to_owned(),
            });
        }
        let mut astray = None;
        targets.retain(|(to, from)| match leads(*to, *from) {
            Ok(()) => true,
            Err(why) => {
                astray.get_or_insert(why);
                false
            }
        });
        match astray {
            Some(why) if targets.is_empty() => Err(why),
            _ => Ok(Self {
                targets,
                named: target.is_some(),
            }),
        }
    }

    /// The first that answers; all are asked at once.
    fn find(&self) -> Option<((IpAddr, IpAddr), Sent)> {
        let mut sent = Sent::default();
        let threads: Vec<_> = self
            .targets
            .iter()
            .copied()
            .map(|(to, from)| {
                sent.add(SMALL + headers(to));
                let asked = std::thread::Builder::new().name("probe".to_owned());
                let asked =
                    asked.spawn(move || matches!(ask(to, from, SMALL, false), Answer::Came(_)));
                ((to, from), asked)
            })
            .collect();
        let mut found = None;
        for (target, asked) in threads {
            let answers = asked.ok().and_then(|thread| thread.join().ok()) == Some(true);
            if answers && found.is_none() {
                found = Some(target);
            }
        }
        found.map(|target| (target, sent))
    }
}

/// Whether a child takes echoes between these addresses.
fn carries_echoes(situation: &Situation, from: IpAddr, to: IpAddr) -> bool {
    echoes_by(situation, from, to).is_some()
}

/// The child that takes echoes between these addresses.
pub(crate) fn echoes_by(situation: &Situation, from: IpAddr, to: IpAddr) -> Option<&str> {
    let protocol = if to.is_ipv4() { 1 } else { 58 };
    let takes = |selectors: &[Selector], address| {
        let mut all = selectors.iter();
        all.any(|selector| selector.matches(protocol, None, address))
    };
    let mut children = situation.children.iter();
    let found = children.find(|child| takes(&child.local, from) && takes(&child.remote, to))?;
    Some(&found.child)
}

/// Whether packets go into the tunnel, and where they go otherwise.
fn into_tunnel(situation: &Situation, to: IpAddr, from: IpAddr) -> Result<(), String> {
    let told = |error: adit_kernel::KernelError| format!("no way leads to {to}: {error}");
    let mut netlink = Netlink::open().map_err(told)?;
    let way = netlink.route_to(to, Some(from)).map_err(told)?;
    let device = way
        .device
        .and_then(|index| netlink.link_by_index(index).ok());
    leads_in(
        situation,
        to,
        device.as_ref().map(|link| link.name.as_str()),
    )
}

fn leads_in(situation: &Situation, to: IpAddr, device: Option<&str>) -> Result<(), String> {
    match &situation.carrier {
        carrier if carrier.device().is_some_and(|name| device != Some(name)) => Err(format!(
            "packets to {to} go by {} and not into the tunnel",
            device.unwrap_or("no device")
        )),
        // Policies take packets from any way, unless another one takes them before.
        Carrier::Kernel(None)
            if situation
                .policies
                .iter()
                .filter(|policy| policy.action != Action::Drop)
                .flat_map(|policy| &policy.remote)
                .any(|selector| (selector.start..=selector.end).contains(&to)) =>
        {
            Err(format!("a policy has packets to {to} go round the tunnel"))
        }
        _ => Ok(()),
    }
}

/// This host's addresses.
pub(crate) fn own_addresses() -> Vec<IpAddr> {
    let addresses = Netlink::open().and_then(|mut netlink| netlink.addresses());
    addresses
        .unwrap_or_default()
        .iter()
        .filter(|address| !address.tentative)
        .map(|address| address.net.addr())
        .collect()
}

#[derive(Clone, Copy)]
enum Answer {
    Came(Duration),
    TooBig(u32),
    No,
}

/// One echo with so many octets behind its headers.
fn ask(to: IpAddr, from: IpAddr, size: usize, whole: bool) -> Answer {
    let options = PingOptions {
        source: Some(from),
        timeout: PATIENCE,
        size,
        dont_fragment: whole,
        ..PingOptions::default()
    };
    match ping(to, &options) {
        Ok(PingOutcome::Reply { rtt }) => Answer::Came(rtt),
        Ok(PingOutcome::Error(error)) => match error.kind {
            PathErrorKind::FragNeeded { mtu } => Answer::TooBig(mtu),
            _ => Answer::No,
        },
        _ => Answer::No,
    }
}

fn pinged(to: IpAddr, from: IpAddr, size: usize, whole: bool, sent: u64, received: u64) -> Known {
    Known::Host {
        state: Box::new(HostState::Ping {
            to: to.to_string(),
            from: Some(from.to_string()),
            size: u32::try_from(size).unwrap_or(u32::MAX),
            whole,
            sent,
            received,
        }),
    }
}

/// Octets of the headers of IP and ICMP.
fn headers(to: IpAddr) -> usize {
    if to.is_ipv4() { 28 } else { 48 }
}

/// From here on (33434 and above) traceroutes look for ports that nobody has.
const CLOSED: u16 = 33_434;
/// Octets behind the headers of an ordinary echo.
const SMALL: usize = 56;
const PINGS: u32 = 5;
const PAUSE: Duration = Duration::from_millis(50);
const PATIENCE: Duration = Duration::from_millis(500);
const MOST_TARGETS: usize = 4;
/// Echoes by which the largest packet is sought.
const MOST_ASKED: usize = 14;
/// How often a size isn't answered before it is said to vanish.
const OFTEN: u64 = 3;
/// Octets by which a size that passes and one that doesn't differ at last.
const NEAR: usize = 8;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::probing::testing::situation;

    const CAME: Answer = Answer::Came(Duration::ZERO);

    #[test]
    fn a_path_that_loses_some_is_told_from_one_that_lets_nothing_pass() {
        let (to, from) = ([10, 2, 0, 1].into(), [10, 1, 0, 1].into());
        for (came, some_get_lost) in [(0, false), (1, true), (3, true), (4, false), (5, false)] {
            let trips = vec![Duration::from_millis(3); came];
            let checks = [ping_check(to, from, &trips, Sent::default())];
            assert_eq!(loses(&checks), some_get_lost, "{came} of {PINGS}");
        }
        assert!(!loses(&[unknown("the tunnel isn't up")]));
    }

    #[test]
    fn the_largest_packet_is_found_by_halves_and_what_vanishes_is_asked_three_times() {
        let whole = largest(84, 1400, |_| CAME);
        assert_eq!(
            whole,
            Largest::Whole {
                good: 1400,
                told: None
            }
        );
        let mut asked = Vec::new();
        let hole = largest(84, 1400, |size| {
            asked.push(size);
            if size > 1300 { Answer::No } else { CAME }
        });
        let Largest::Vanish {
            good,
            bad,
            asked: times,
            told: None,
        } = hole
        else {
            panic!("{hole:?}");
        };
        assert!((1280..=1300).contains(&good) && (1301..=1320).contains(&bad));
        assert_eq!(asked.iter().filter(|size| **size == bad).count(), 3);
        assert_eq!(times, 3);
    }

    #[test]
    fn falling_limits_of_routers_are_followed_and_are_no_black_hole() {
        let found = largest(84, 1400, |size| match size {
            1361.. => Answer::TooBig(1360),
            1281..=1360 => Answer::TooBig(1280),
            _ => CAME,
        });
        let told = Some(1280);
        assert_eq!(found, Largest::Whole { good: 1280, told });
    }

    #[test]
    fn a_limit_that_is_no_limit_is_unclear() {
        for mtu in [0, 40, 84] {
            let found = largest(84, 1400, |_| Answer::TooBig(mtu));
            assert!(matches!(found, Largest::Unclear(_)), "{mtu}: {found:?}");
        }
        // One that is no help is sought by halves.
        let found = largest(84, 1400, |size| {
            if size > 1000 {
                Answer::TooBig(9000)
            } else {
                CAME
            }
        });
        assert!(
            matches!(
                found,
                Largest::Whole {
                    good: 990..=1000,
                    ..
                }
            ),
            "{found:?}"
        );
    }

    #[test]
    fn echoes_that_are_lost_at_times_decide_nothing() {
        let mut lost = true;
        let found = largest(84, 1400, |_| {
            lost = !lost;
            if lost { Answer::No } else { CAME }
        });
        assert!(!matches!(found, Largest::Vanish { .. }), "{found:?}");
        // One alone costs nothing.
        let mut count = 0;
        let found = largest(84, 1400, |_| {
            count += 1;
            if count == 1 { Answer::No } else { CAME }
        });
        let told = None;
        assert_eq!(found, Largest::Whole { good: 1400, told });
    }

    #[test]
    fn only_what_the_tunnel_takes_is_asked_and_only_where_it_leads_there() {
        let mut situation = situation("10.1.0.0/24", "10.2.0.0/24");
        let own = ["192.0.2.1".parse().unwrap(), "10.1.0.254".parse().unwrap()];
        let (here, there): (IpAddr, IpAddr) = (own[1], "10.2.0.9".parse().unwrap());
        let of = |situation: &Situation, to, astray: bool| {
            let leads = |_, _| {
                if astray {
                    Err("astray".to_owned())
                } else {
                    Ok(())
                }
            };
            Asking::of(situation, Some(to), &own, leads).map(|asking| asking.targets)
        };
        assert_eq!(of(&situation, there, false), Ok(vec![(there, here)]));
        assert_eq!(of(&situation, there, true), Err("astray".to_owned()));
        // One of the internet.
        assert!(of(&situation, "198.51.100.9".parse().unwrap(), false).is_err());
        // What takes TCP alone takes no echo.
        situation.children[0].remote[0].protocol = 6;
        assert!(of(&situation, there, false).is_err());
        assert_eq!(leads_in(&situation, there, Some("adit0")), Ok(()));
        assert!(leads_in(&situation, there, Some("wan")).is_err());
    }
}
