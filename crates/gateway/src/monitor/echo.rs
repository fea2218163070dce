//! Echoes through a tunnel: whom to ask, from where, and whether they answer. All of it blocks, and runs beside the loop.

use std::net::IpAddr;
use std::time::Duration;

use adit_kernel::{PingOptions, PingOutcome, ping};
use adit_model::monitored::Monitor as Settings;
use ipnet::IpNet;

use super::machine::Target;
use crate::probing::inside::{echoes_by, own_addresses};
use crate::probing::{Carrier, Situation, sample};

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Question {
    /// Who answers of those who may be asked.
    Choose,
    /// Whether this one does.
    Target(Target),
    /// Whether anybody but this one does.
    Others(IpAddr),
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Somebody answered, after so long.
    Came(Target, Duration),
    /// Nobody did.
    Nobody,
    /// Nobody could be asked, and why.
    CannotAsk(String),
}

/// An answer, and what it is one to.
#[derive(Debug)]
pub(crate) struct Asked {
    pub tunnel: String,
    /// What the monitor was configured to when it asked.
    pub settings: Settings,
    pub question: Question,
    pub answer: Answer,
}

/// Asks. `seen` are hosts that were seen to answer.
pub(crate) fn ask(
    situation: &Situation,
    settings: &Settings,
    question: &Question,
    seen: &[IpAddr],
) -> Answer {
    if situation.carrier == Carrier::Nobody {
        return Answer::CannotAsk("nothing carries packets here".to_owned());
    }
    let device = device(situation);
    let patience = settings.interval.min(LONGEST);
    let hosts = match question {
        Question::Target(target) => return first(vec![target.clone()], device, patience),
        Question::Choose if !settings.targets.is_empty() => settings.targets.clone(),
        Question::Choose => likely(situation, seen),
        Question::Others(_) => {
            let mut all = settings.targets.clone();
            all.extend(likely(situation, seen));
            all
        }
    };
    let own = match settings.source {
        Some(source) => vec![source],
        None => own_addresses(),
    };
    let mut targets = targets(situation, &hosts, &own);
    if let Question::Others(silent) = question {
        targets.retain(|target| target.to != *silent);
    } else if targets.is_empty() {
        return Answer::CannotAsk(without(&hosts, settings.source));
    }
    first(targets, device, patience)
}

/// The interface that leads into this tunnel, also while routes lead elsewhere.
fn device(situation: &Situation) -> Option<String> {
    match (&situation.connection.interface, &situation.carrier) {
        (_, Carrier::Nobody) => None,
        (Some(own), _) => Some(own.name.clone()),
        (None, carrier) => carrier.device().map(str::to_owned),
    }
}

/// Hosts behind the peer that may be there: the other end of the interface, whoever was seen to answer, and those whose
/// addresses come first.
fn likely(situation: &Situation, seen: &[IpAddr]) -> Vec<IpAddr> {
    let interface = situation.connection.interface.iter();
    let mut all: Vec<IpAddr> = interface
        .flat_map(|interface| &interface.addresses)
        .flat_map(|net| beside(*net))
        .collect();
    all.extend(seen);
    let behind = situation.children.iter().flat_map(|child| &child.remote);
    let known = behind.filter(|selector| !selector.start.is_unspecified());
    all.extend(known.flat_map(|selector| [sample(selector, 1), sample(selector, 2)]));
    let mut found: Vec<IpAddr> = Vec::new();
    for to in all {
        if Some(to) != situation.peer && !found.contains(&to) && found.len() < MOST {
            found.push(to);
        }
    }
    found
}

/// Other addresses of the network that one of ours is in.
fn beside(net: IpNet) -> Vec<IpAddr> {
    let whole = net.prefix_len() == net.max_prefix_len();
    let others = net.hosts().filter(|host| *host != net.addr() && !whole);
    others.take(2).collect()
}

/// Which of `hosts` can be asked through the tunnel, each from one of our `own` addresses, the nearest first.
fn targets(situation: &Situation, hosts: &[IpAddr], own: &[IpAddr]) -> Vec<Target> {
    let nets: Vec<IpNet> = {
        let interface = situation.connection.interface.iter();
        interface.flat_map(|i| i.addresses.clone()).collect()
    };
    let found = hosts.iter().filter_map(|to| {
        let near = |from: &&IpAddr| {
            let mut nets = nets.iter();
            nets.any(|net| net.addr() == **from && net.contains(to))
        };
        let takes = |from: &IpAddr| {
            let child = echoes_by(situation, *from, *to)?;
            Some(Target {
                to: *to,
                from: *from,
                child: child.to_owned(),
            })
        };
        let first = own.iter().filter(near).find_map(takes);
        first.or_else(|| own.iter().find_map(takes))
    });
    found.collect()
}

fn without(hosts: &[IpAddr], source: Option<IpAddr>) -> String {
    let from = source.map_or_else(|| "any address of this host".to_owned(), |s| s.to_string());
    if hosts.is_empty() {
        return "it doesn't know whom to ask: `target` of the monitor names a host behind the peer"
            .to_owned();
    }
    let to: Vec<String> = hosts.iter().map(ToString::to_string).collect();
    format!(
        "the tunnel takes no echo from {from} to {}",
        to.join(" or ")
    )
}

/// The first that answers, when all have been asked at once.
fn first(targets: Vec<Target>, device: Option<String>, patience: Duration) -> Answer {
    let asked: Vec<_> = targets
        .into_iter()
        .map(|target| {
            let options = PingOptions {
                source: Some(target.from),
                device: device.clone(),
                timeout: patience,
                ..PingOptions::default()
            };
            let to = target.to;
            let thread = std::thread::Builder::new().name("monitor".to_owned());
            (target, thread.spawn(move || ping(to, &options)))
        })
        .collect();
    let mut found = Answer::Nobody;
    for (target, thread) in asked {
        let outcome = thread.ok().and_then(|thread| thread.join().ok());
        match outcome {
            Some(Ok(PingOutcome::Reply { rtt })) if found == Answer::Nobody => {
                found = Answer::Came(target, rtt);
            }
            Some(Err(error)) => tracing::debug!("{error}"),
            _ => {}
        }
    }
    found
}

/// How long an answer is waited for at most.
const LONGEST: Duration = Duration::from_secs(2);
/// Hosts that are asked at a time.
const MOST: usize = 8;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::sync::Arc;

    use adit_model::connection::{Connection, TunnelInterface};

    use crate::probing::testing::situation;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn who_was_seen_to_answer_comes_before_those_who_may_not_be_there() {
        let situation = situation("10.1.0.0/24", "10.2.0.0/24");
        let found = likely(&situation, &[ip("10.2.0.77")]);
        assert_eq!(found, [ip("10.2.0.77"), ip("10.2.0.1"), ip("10.2.0.2")]);
        let own = [ip("192.0.2.1"), ip("10.1.0.254")];
        let asked = targets(&situation, &found, &own);
        assert_eq!(asked.len(), 3);
        assert!(asked.iter().all(|t| t.from == own[1] && t.child == "lan"));
        // Nothing that the tunnel doesn't carry.
        assert!(targets(&situation, &[ip("198.51.100.1")], &own).is_empty());
        assert!(targets(&situation, &found, &own[..1]).is_empty());
    }

    #[test]
    fn the_far_end_of_an_interface_is_asked_from_the_near_one() {
        let mut situation = situation("0.0.0.0/0", "0.0.0.0/0");
        let mut connection = Connection::clone(&situation.connection);
        connection.interface = Some(TunnelInterface {
            name: "office0".to_owned(),
            addresses: vec!["10.255.0.1/30".parse().unwrap()],
            mtu: None,
            routes: Vec::new(),
        });
        situation.connection = Arc::new(connection);
        let found = likely(&situation, &[]);
        assert_eq!(found, [ip("10.255.0.2")]);
        let own = [ip("10.1.0.1"), ip("10.255.0.1")];
        let asked = targets(&situation, &found, &own);
        assert_eq!(asked[0].from, own[1]);
        assert_eq!(device(&situation).as_deref(), Some("office0"));
        assert!(beside("10.255.0.1/32".parse().unwrap()).is_empty());
        assert_eq!(beside("10.255.0.1/31".parse().unwrap()), [ip("10.255.0.0")]);
    }
}
