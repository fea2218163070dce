//! All that this side knows about a tunnel, as a case for diagnosis.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use adit_crypto::pki::Cert;
use adit_esp::ChildReport;
use adit_evidence::recording::Past;
use adit_model::certificate::CertificateUse;
use adit_model::connection::{Connection, Remote};
use adit_model::drops::DropReason;
use adit_model::event::Event;
use adit_model::fact::{Case, Fact, Known, Probe, Side, Source};
use adit_model::host::{Certificate, HostState};
use adit_model::product::Product;
use adit_model::{Mono, Wall};

use crate::clock::rfc3339;
use crate::events::{EventLog, Record};
use crate::keys::KeyStore;
use crate::retry::Presence;
use crate::tunnel::Tunnel;

/// What a case is made from.
pub struct Evidence<'a> {
    /// When it is made.
    pub now: Mono,
    /// The tunnel.
    pub tunnel: &'a Tunnel,
    /// What happened.
    pub log: &'a EventLog,
    /// Drops of the whole gateway, by reason.
    pub totals: BTreeMap<DropReason, u64>,
    /// Drops of each child.
    pub children: &'a [ChildReport],
    /// What earlier gateways have left about it.
    pub past: Option<&'a Past>,
}

/// Makes the case of a tunnel.
#[must_use]
pub fn build(evidence: &Evidence<'_>) -> Case {
    let tunnel = evidence.tunnel;
    let name = &tunnel.connection.name;
    let mut facts = vec![
        configured(&tunnel.connection),
        state(
            "gateway",
            name,
            Known::Daemon { running: true },
            "the gateway runs".to_owned(),
        ),
        state(
            "gateway",
            name,
            Known::TunnelState {
                up: tunnel.presence == Presence::Up,
            },
            match tunnel.presence {
                Presence::Up => format!("{name} is up"),
                Presence::Trying => format!("{name} is being set up"),
                Presence::Nothing => format!("{name} is down"),
            },
        ),
    ];
    // Where two sides' events are read together, the identity tells whose they are; host names may be the same.
    let source = format!("{} events", tunnel.connection.local_id);
    let past = evidence.past.filter(|past| counts(past, evidence));
    facts.extend(past.iter().flat_map(|past| past.facts.iter().cloned()));
    for record in records(evidence) {
        facts.push(Fact::from_event(
            &record.event,
            Side::Local,
            &source,
            record.number,
        ));
    }
    let counts = |at: &Mono| evidence.now.since(*at) < PROBES_COUNT;
    if let Some((_, wall, probes)) = tunnel.probed.as_ref().filter(|(at, ..)| counts(at)) {
        facts.extend(probes.iter().map(|probe| probed(name, *wall, probe)));
    }
    if let Some((_, wall, checks)) = tunnel.checked.as_ref().filter(|(at, ..)| counts(at)) {
        facts.extend(checks.iter().flat_map(|check| check.told_of(name, *wall)));
    }
    let lasts = |at: &Mono| evidence.now.since(*at) < OFFERS_COUNT;
    if let Some((_, wall, probes)) = tunnel.offered.as_ref().filter(|(at, ..)| lasts(at)) {
        facts.extend(probes.iter().map(|probe| probed(name, *wall, probe)));
    }
    for (reason, count) in drops(evidence) {
        let text = format!("{count} packets: {}", reason.meaning());
        facts.push(state(
            "counters",
            name,
            Known::Drops { reason, count },
            text,
        ));
    }
    Case {
        subject: name.clone(),
        facts,
        covered: BTreeMap::from([(
            Side::Local,
            past.map_or_else(
                || evidence.log.covers_newest_attempt(name),
                |past| past.covers,
            ),
        )]),
        products: BTreeMap::from([(Side::Local, Product::Adit)]),
        clock_offset_ms: None,
    }
}

/// How a tunnel is configured.
pub(crate) fn configured(connection: &Connection) -> Fact {
    let name = &connection.name;
    let what = Known::Configured {
        connection: Box::new(connection.clone()),
    };
    state(
        "configuration",
        name,
        what,
        format!("tunnel {name} is configured"),
    )
}

/// The tunnel's events, and those of strangers that may be its peer: an exchange that is refused early belongs to no
/// connection yet.
fn records(evidence: &Evidence<'_>) -> Vec<Arc<Record>> {
    let tunnel = evidence.tunnel;
    let mut records = evidence.log.of(Some(&tunnel.connection.name));
    records.extend(
        evidence
            .log
            .of(None)
            .into_iter()
            .filter(|record| may_be_peer(tunnel, &record.event)),
    );
    records.sort_by_key(|record| record.number);
    records
}

/// How long tests count: those of a case that waits for other tunnels' as well are still its own.
const PROBES_COUNT: Duration = Duration::from_secs(30);
/// How long it counts what a peer said that it takes: its administrator may be at work, too.
const OFFERS_COUNT: Duration = Duration::from_secs(600);

pub(crate) fn may_be_peer(tunnel: &Tunnel, event: &Event) -> bool {
    event.remote.is_some_and(|remote| {
        tunnel.peer == Some(remote.ip()) || tunnel.connection.remote == Remote::Any
    })
}

/// The latest attempt counts: an earlier gateway's does as long as this one has made none, and is configured the same.
fn counts(past: &Past, evidence: &Evidence<'_>) -> bool {
    let tunnel = evidence.tunnel;
    let name = &tunnel.connection.name;
    tunnel.presence == Presence::Nothing
        && past.connection == *tunnel.connection
        && !evidence
            .log
            .has_attempt(name, |event| may_be_peer(tunnel, event))
}

/// Drops of this tunnel, and of what can't be told to be of any.
fn drops(evidence: &Evidence<'_>) -> Vec<(DropReason, u64)> {
    let name = &evidence.tunnel.connection.name;
    evidence
        .totals
        .iter()
        .filter_map(|(reason, total)| {
            let others: u64 = evidence
                .children
                .iter()
                .filter(|report| report.child.connection != *name)
                .map(|report| report.drops.of(*reason))
                .sum();
            let count = total.saturating_sub(others);
            (count > 0).then_some((*reason, count))
        })
        .collect()
}

/// The certificates that say who we are, and this host's clock: a peer that refuses them doesn't say why.
pub fn own_certificates(tunnel: &str, keys: &KeyStore, now: Wall) -> Vec<Fact> {
    let host = |shown: HostState, text: String| {
        let what = Known::Host {
            state: Box::new(shown),
        };
        state("host", tunnel, what, text)
    };
    let own = |(name, used_as, _): &(&str, CertificateUse, &Cert)| {
        *name == tunnel && *used_as == CertificateUse::Own
    };
    let mut facts: Vec<Fact> = keys
        .certificates()
        .filter(own)
        .map(|(_, _, cert)| {
            let certificate = Certificate {
                subject: cert.subject().to_string(),
                issuer: cert.issuer().to_string(),
                from: Some(cert.not_before()),
                until: Some(cert.not_after()),
                names: None,
                authority: false,
            };
            let text = format!(
                "our certificate {} is valid from {} to {}",
                certificate.subject,
                rfc3339(cert.not_before()),
                rfc3339(cert.not_after())
            );
            host(HostState::Certificate(certificate), text)
        })
        .collect();
    if !facts.is_empty() {
        let text = format!("our clock says {}", rfc3339(now));
        facts.push(host(HostState::Clock { at: now }, text));
    }
    facts
}

fn state(source: &str, subject: &str, what: Known, text: String) -> Fact {
    Fact {
        source: Source {
            name: source.to_owned(),
            line: None,
            text,
        },
        at: None,
        side: Side::Local,
        subject: Some(subject.to_owned()),
        role: None,
        what,
    }
}

fn probed(subject: &str, at: Wall, probe: &Probe) -> Fact {
    Fact {
        at: Some(at),
        ..state(
            "probe",
            subject,
            Known::Probed {
                probe: probe.clone(),
            },
            probe.to_string(),
        )
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::sample;
    use adit_model::Now;
    use adit_model::event::Happening;
    use adit_model::fact::ProbeOutcome;
    use adit_model::probed::{Check, Outcome};

    fn event(connection: Option<&str>, remote: &str) -> Event {
        Event {
            at: Now::default(),
            connection: connection.map(str::to_owned),
            role: None,
            local: None,
            remote: remote.parse().ok(),
            what: Happening::PeerAlive,
        }
    }

    #[test]
    fn a_case_holds_its_tunnels_events_and_those_of_its_peer_before_it_was_known() {
        let mut log = EventLog::default();
        log.record(event(None, "192.0.2.2:500"));
        log.record(event(None, "198.51.100.9:500"));
        log.record(event(Some("another"), "192.0.2.2:500"));
        log.record(event(Some("office"), "192.0.2.2:500"));
        let mut tunnel = Tunnel::new(Arc::new(sample::connection("office")), Mono(0));
        tunnel.probed = Some((
            Mono(0),
            Wall(5),
            vec![Probe::IkeInit {
                to: [192, 0, 2, 2].into(),
                port: 4500,
                outcome: ProbeOutcome::AnsweredVersion(1),
            }],
        ));
        let case = build(&Evidence {
            now: Mono(0),
            tunnel: &tunnel,
            log: &log,
            totals: BTreeMap::from([(DropReason::OutNoSa, 3)]),
            children: &[],
            past: None,
        });
        let lines: Vec<_> = case
            .happenings()
            .map(|(fact, _)| fact.source.line.unwrap())
            .collect();
        assert_eq!(lines, [1, 4]);
        assert!(case.covers(Side::Local) && !case.covers(Side::Remote));
        let texts: Vec<_> = case.facts.iter().map(|f| f.source.text.as_str()).collect();
        assert!(texts.contains(&"IKE_SA_INIT to 192.0.2.2 port 4500: answered with IKE version 1"));
        assert!(case.facts.iter().any(|f| f.what
            == Known::Drops {
                reason: DropReason::OutNoSa,
                count: 3
            }));
        assert!(
            case.facts
                .iter()
                .any(|f| f.what == Known::TunnelState { up: false })
        );
    }

    #[test]
    fn what_was_tested_counts_no_longer_than_it_tells_the_present() {
        let tested = |presence, now| {
            let mut tunnel = Tunnel::new(Arc::new(sample::connection("office")), Mono(0));
            tunnel.presence = presence;
            let probe = Probe::Route {
                to: [192, 0, 2, 2].into(),
                exists: false,
            };
            let check = |id| {
                Check::new(id, Outcome::Well, "the same words").fact(Known::Probed {
                    probe: probe.clone(),
                })
            };
            tunnel.probed = Some((Mono(0), Wall(5), vec![probe.clone()]));
            let checks = vec![check("route-to-peer"), check("echo")];
            tunnel.checked = Some((Mono(0), Wall(5), checks));
            let case = build(&Evidence {
                now,
                tunnel: &tunnel,
                log: &EventLog::default(),
                totals: BTreeMap::new(),
                children: &[],
                past: None,
            });
            let facts = case.facts.into_iter();
            facts
                .map(|f| f.source.name)
                .filter(|name| name.starts_with("probe"))
                .collect::<Vec<_>>()
        };
        let checks = ["probe route-to-peer", "probe echo"];
        let soon = Mono(1_000_000_000);
        let all = [&["probe"], checks.as_slice()].concat();
        assert_eq!(tested(Presence::Nothing, soon), all);
        assert_eq!(tested(Presence::Up, soon), all);
        let later = Mono(60_000_000_000);
        assert!(tested(Presence::Nothing, later).is_empty());
        assert!(tested(Presence::Up, later).is_empty());
    }
}
