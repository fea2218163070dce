//! What answers through the tunnel: echo requests with their loss and round trip, and the largest packet that arrives
//! whole.

use std::net::IpAddr;
use std::time::Duration;

use adit_kernel::{Netlink, PathErrorKind, PingOptions, PingOutcome, ping};
use adit_model::fact::Known;
use adit_model::host::HostState;
use adit_model::probed::{Check, Outcome, Sent};

use super::{Carrier, Situation, sample};

/// Tests through a tunnel that is up, with echo requests to `target` or to whoever answers.
pub(super) fn checks(situation: &Situation, target: Option<IpAddr>) -> Vec<Check> {
    if !situation.up {
        return vec![unknown("the tunnel isn't up")];
    }
    let Some(asking) = Asking::of(situation, target) else {
        return vec![unknown(match target {
            Some(_) => {
                "no address of this host and of that family is in the tunnel's local network; ask from a host behind it"
            }
            None => {
                "no address of this host is in the tunnel's local network; ask from a host behind it"
            }
        })];
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
    checks.extend(size_check(situation, to, from));
    checks
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

/// The largest packet that arrives uncut, and so does an answer of its size.
fn size_check(situation: &Situation, to: IpAddr, from: IpAddr) -> Option<Check> {
    let mut netlink = Netlink::open().ok()?;
    let way = netlink.route_to(to, Some(from)).ok()?;
    let link = netlink.link_by_index(way.device?).ok()?;
    let mut most = way
        .mtu
        .filter(|mtu| *mtu > 0)
        .unwrap_or(link.mtu)
        .min(link.mtu) as usize;
    if situation.carrier == Carrier::Kernel {
        // ESP comes around what the link takes.
        most = most.min(1400);
    }
    let mut sent = Sent::default();
    let mut told = None;
    let mut try_size = |size: usize| {
        sent.add(size);
        let answer = ask(to, from, size.saturating_sub(headers(to)), true);
        if let Answer::TooBig(mtu) = answer {
            told = Some(mtu);
        }
        answer
    };
    let fits = |answer: &Answer| matches!(answer, Answer::Came(_));
    let mut good = SMALL + headers(to);
    let mut bad = None;
    let first = try_size(most);
    if fits(&first) {
        good = most;
    } else if let Answer::TooBig(mtu) = first {
        let mtu = mtu as usize;
        if mtu > good && mtu < most && fits(&try_size(mtu)) {
            good = mtu;
        } else {
            bad = Some(mtu.min(most));
        }
    } else if !fits(&try_size(most)) {
        // Twice: one alone may have been lost.
        bad = Some(most);
    } else {
        good = most;
    }
    if let Some(mut least_bad) = bad {
        for _ in 0..MOST_STEPS {
            if least_bad <= good + 8 {
                break;
            }
            let middle = usize::midpoint(good, least_bad);
            if fits(&try_size(middle)) {
                good = middle;
            } else {
                least_bad = middle;
            }
        }
        bad = Some(least_bad);
    }
    let id = "inside-mtu";
    let said = told.map(|mtu| format!("; longer ones are answered with \"at most {mtu}\""));
    let said = said.unwrap_or_default();
    Some(match bad {
        None => Check::new(
            id,
            Outcome::Well,
            format!("packets of {good} octets pass the tunnel whole in both directions{said}"),
        )
        .value("octets", good)
        .sent(sent),
        Some(bad) => Check::new(
            id,
            Outcome::Finding,
            format!("packets of {good} octets pass the tunnel and those of {bad} vanish, unless they are cut{said}"),
        )
        .value("octets", good)
        .value("vanish", bad)
        .fix(format!(
            "tell hosts by a smaller MTU: `mtu` of the tunnel's interface or --tun-mtu {good}, and let ICMP \"too big\" pass on the path"
        ))
        .fact(pinged(to, from, good - headers(to), true, 1, 1))
        .fact(pinged(to, from, bad - headers(to), true, 2, 0))
        .sent(sent),
    })
}

/// Whom to ask, and from where.
struct Asking {
    /// Target and source.
    targets: Vec<(IpAddr, IpAddr)>,
    /// Somebody has named it.
    named: bool,
}

impl Asking {
    fn of(situation: &Situation, target: Option<IpAddr>) -> Option<Self> {
        let own = own_addresses(situation);
        let source = |to: &IpAddr| {
            own.iter()
                .find(|from| from.is_ipv4() == to.is_ipv4())
                .copied()
        };
        let targets: Vec<IpAddr> = match target {
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
        let mut targets: Vec<(IpAddr, IpAddr)> = targets
            .into_iter()
            .filter_map(|to| Some((to, source(&to)?)))
            .collect();
        targets.dedup();
        (!targets.is_empty()).then_some(Self {
            targets,
            named: target.is_some(),
        })
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

/// This host's addresses that the tunnel takes.
fn own_addresses(situation: &Situation) -> Vec<IpAddr> {
    let addresses = Netlink::open().and_then(|mut netlink| netlink.addresses());
    addresses
        .unwrap_or_default()
        .iter()
        .filter(|address| !address.tentative)
        .map(|address| address.net.addr())
        .filter(|address| situation.is_ours(*address))
        .collect()
}

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
        bypass_ipsec: false,
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

/// Octets behind the headers of an ordinary echo.
const SMALL: usize = 56;
const PINGS: u32 = 5;
const PAUSE: Duration = Duration::from_millis(50);
const PATIENCE: Duration = Duration::from_millis(500);
const MOST_TARGETS: usize = 4;
/// Steps in which the largest packet is sought.
const MOST_STEPS: usize = 7;
