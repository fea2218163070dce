//! What does the peer take? A peer that has refused every IKE proposal of ours is asked about others, one at a time.
//!
//! Each question is a first message with a single proposal, from a port of its own. A peer that takes one keeps a half-open
//! IKE SA for half a minute, and many peers bound these by address (strongSwan to five), so asking ends with the second that
//! is taken, after ten questions, or after five seconds.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::{Duration, Instant};

use adit_crypto::Provider;
use adit_ike::probe::offer;
use adit_kernel::{Netlink, UdpPort};
use adit_model::event::Happening;
use adit_model::fact::{OfferOutcome, Probe};
use adit_model::proposal::{Proposal, SaKind, choose};
use adit_wire::iana::NotifyType;
use adit_wire::v2::{IkeSpi, Message, Payload, PayloadList};

use crate::attempt::TaskDone;
use crate::gateway::Gateway;
use crate::probe::wait;
use crate::retry::Presence;
use crate::turns::whatever_happens;

/// What products commonly take, the likeliest first; the last ones are weak and only asked about, never used.
const COMMON: [&str; 12] = [
    "aes256-sha256-modp2048",
    "aes128-sha256-modp2048",
    "aes256-sha256-ecp256",
    "aes256gcm16-prfsha384-ecp384",
    "aes128gcm16-prfsha256-ecp256",
    "aes256-sha512-modp4096",
    "aes256-sha384-ecp384",
    "aes128gcm16-prfsha256-x25519",
    "aes128-sha256-x25519",
    "aes256-sha1-modp2048",
    "aes128-sha1-modp1024",
    "3des-sha1-modp1024",
];
const MOST: usize = 10;
const ENOUGH: usize = 2;
/// How long all of it may take.
const LONGEST: Duration = Duration::from_secs(5);
/// How long one answer is waited for.
const PATIENCE: Duration = Duration::from_millis(700);

/// Whom to ask about what.
struct Plan {
    provider: Provider,
    from: Option<IpAddr>,
    to: SocketAddr,
    alternatives: Vec<Proposal>,
}

impl Gateway {
    /// Asks a tunnel's peer beside the loop what it takes, if it has refused everything that we offer. Says whether it is
    /// being asked.
    pub(crate) fn start_offers(&mut self, name: &str) -> bool {
        let refused = self.refused_every_proposal(name);
        let Some(tunnel) = self.tunnels.get_mut(name) else {
            return false;
        };
        let (Some(peer), true) = (tunnel.peer, refused && tunnel.presence != Presence::Up) else {
            return tunnel.offering;
        };
        if tunnel.offering {
            return true;
        }
        tunnel.offering = true;
        let connection = &tunnel.connection;
        let plan = Plan {
            provider: self.provider.clone(),
            from: connection.local,
            to: SocketAddr::new(peer, connection.remote_port),
            alternatives: alternatives(&connection.ike),
        };
        let (tasks, tunnel) = (self.tasks.clone(), name.to_owned());
        self.turns.run(move || {
            let probes = whatever_happens(|| plan.run(), Vec::new);
            // The loop is gone when the gateway stops.
            let _ = tasks.blocking_send(TaskDone::Offered { tunnel, probes });
        });
        true
    }

    /// A peer has been asked.
    pub(crate) fn offered(&mut self, name: &str, probes: Vec<Probe>) {
        let now = self.clock.now();
        if let Some(tunnel) = self.tunnels.get_mut(name) {
            tunnel.offering = false;
            tunnel.offered = Some((now.mono, now.wall, probes));
        }
        self.answer_cases();
    }

    /// Whether that is how the latest attempt of ours ended.
    fn refused_every_proposal(&self, name: &str) -> bool {
        let records = self.log.of(Some(name));
        let last = records.iter().rev().find_map(|r| match &r.event.what {
            Happening::PeerRefused { what, notify, .. } => {
                Some(what == "IKE_SA_INIT" && *notify == NotifyType::NO_PROPOSAL_CHOSEN.0)
            }
            Happening::GaveUp { .. } | Happening::IkeProposalChosen { .. } => Some(false),
            _ => None,
        });
        last == Some(true)
    }
}

/// Common proposals that have nothing in common with ours: the peer has refused those.
fn alternatives(ours: &[Proposal]) -> Vec<Proposal> {
    COMMON
        .iter()
        .filter_map(|text| Proposal::parse(text, SaKind::Ike).ok())
        .filter(|other| choose(ours, std::slice::from_ref(other), true).is_none())
        .take(MOST)
        .collect()
}

impl Plan {
    /// Asks. Blocks for at most [`LONGEST`].
    fn run(self) -> Vec<Probe> {
        let any = match self.to.ip() {
            IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
        };
        let Ok(socket) = UdpPort::bind(SocketAddr::new(any, 0)) else {
            return Vec::new();
        };
        // Policies of the kernel's IPsec that cover the peer aren't for these. Where there are none, neither is this.
        let _ = socket.bypass_ipsec();
        let source = || {
            Netlink::open()
                .ok()?
                .own_route_to(self.to.ip())
                .ok()?
                .source
        };
        let local = SocketAddr::new(self.from.or_else(source).unwrap_or(any), 0);
        let begun = Instant::now();
        let mut probes = Vec::new();
        let mut taken = 0;
        for offered in &self.alternatives {
            if taken == ENOUGH || begun.elapsed() + PATIENCE > LONGEST {
                break;
            }
            let Some((spi, datagram)) = offer(&self.provider, offered, local, self.to) else {
                continue;
            };
            let outcome = self.ask(&socket, spi, &datagram);
            taken += usize::from(outcome == OfferOutcome::Taken);
            probes.push(Probe::IkeOffer {
                to: self.to.ip(),
                port: self.to.port(),
                offered: Box::new(offered.clone()),
                outcome,
            });
        }
        probes
    }

    fn ask(&self, socket: &UdpPort, spi: IkeSpi, datagram: &[u8]) -> OfferOutcome {
        if socket.send(datagram, self.to, self.from).is_err() {
            return OfferOutcome::Silent;
        }
        let begun = Instant::now();
        let mut buffer = vec![0; 65_536];
        while begun.elapsed() < PATIENCE {
            wait(socket, PATIENCE.saturating_sub(begun.elapsed()));
            while let Ok(received) = socket.receive(&mut buffer) {
                let answer = Message::parse(received.payload(&buffer)).ok();
                if let Some(answer) = answer.filter(|m| m.header.spi_i == spi)
                    && received.from.ip() == self.to.ip()
                {
                    return said(&answer.payloads);
                }
            }
        }
        OfferOutcome::Silent
    }
}

fn said(payloads: &PayloadList) -> OfferOutcome {
    let refused = payloads.notify(NotifyType::NO_PROPOSAL_CHOSEN);
    let chose = payloads.iter().any(|p| matches!(p, Payload::Sa(_)));
    match (refused, chose) {
        (Some(_), _) => OfferOutcome::Refused,
        (None, true) => OfferOutcome::Taken,
        (None, false) => OfferOutcome::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_refused_already_is_not_asked_again_and_all_of_it_is_bounded() {
        let parse =
            |text: &str| Proposal::parse(text, SaKind::Ike).unwrap_or_else(|e| panic!("{e}"));
        let all = alternatives(&[parse("aes256gcm16-prfsha512-x448")]);
        assert_eq!(all.len(), MOST);
        let some = alternatives(&[
            parse("aes256-sha256-modp2048"),
            parse("aes128-sha256-x25519"),
        ]);
        assert!(!some.contains(&parse("aes256-sha256-modp2048")));
        assert!(!some.contains(&parse("aes128-sha256-x25519")));
        assert!(
            COMMON
                .iter()
                .all(|text| Proposal::parse(text, SaKind::Ike).is_ok())
        );
    }
}
