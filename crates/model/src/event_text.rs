//! An event in one sentence, for logs and as the quoted line of evidence.

use core::fmt;

use crate::certificate::{CertificateUse, ExpiryProblem};
use crate::event::{Event, Happening, MessageInfo, Party, PathProblem, UnderWay};
use crate::monitored::Act;
use crate::reason_text::list;

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(name) = &self.connection {
            write!(f, "{name}: ")?;
        }
        write!(f, "{}", self.what)?;
        match (&self.what, self.remote) {
            (Happening::Sent(_) | Happening::Retransmitted { .. }, Some(to)) => {
                write!(f, " to {to}")
            }
            (
                Happening::Received(_)
                | Happening::Refused { .. }
                | Happening::PeerRefused { .. }
                | Happening::Dropped { .. },
                Some(from),
            ) => {
                write!(f, " (peer {from})")
            }
            (Happening::GaveUp { .. }, Some(peer)) => write!(f, " from {peer}"),
            _ => Ok(()),
        }
    }
}

impl fmt::Display for MessageInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.response { "response" } else { "request" };
        write!(
            f,
            "{} {kind} {} [ {} ]",
            self.exchange,
            self.message_id,
            self.payloads.join(" ")
        )
    }
}

impl fmt::Display for Party {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Party::Us => "us",
            Party::Peer => "the peer",
        })
    }
}

impl fmt::Display for PathProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PathProblem::PortUnreachable => f.write_str("port unreachable"),
            PathProblem::HostUnreachable => f.write_str("host unreachable"),
            PathProblem::NetUnreachable => f.write_str("network unreachable"),
            PathProblem::AdminProhibited => f.write_str("administratively prohibited"),
            PathProblem::FragmentationNeeded(mtu) => write!(f, "too big for the path (MTU {mtu})"),
            PathProblem::LocalSend(errno) => {
                let why = match errno {
                    1 | 13 => "its packet filter or a policy forbids it",
                    99 => "it doesn't have the address to send from",
                    100 => "the network is down",
                    101 => "no route to the network",
                    113 => "no route to the host",
                    _ => "",
                };
                let colon = if why.is_empty() { "" } else { ": " };
                write!(
                    f,
                    "the local host refused to send (errno {errno}{colon}{why})"
                )
            }
            PathProblem::Other(kind, code) => write!(f, "ICMP type {kind} code {code}"),
        }
    }
}

impl fmt::Display for Happening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Happening::Initiating { proposals } => {
                write!(f, "initiating, offering {}", list(proposals))
            }
            Happening::PeerUnresolved { name, problem } => {
                write!(f, "the peer's name {name} has no address: {problem}")
            }
            Happening::Sent(m) => write!(f, "sent {m}"),
            Happening::Received(m) => write!(f, "received {m}"),
            Happening::Retransmitted {
                exchange,
                message_id,
                attempt,
            } => write!(
                f,
                "retransmission {attempt} of {exchange} request {message_id}"
            ),
            Happening::GaveUp {
                exchange,
                message_id,
                transmissions,
                waited_ms,
            } => write!(
                f,
                "no answer to {exchange} request {message_id} after {transmissions} transmissions in {}.{:03} s",
                waited_ms / 1000,
                waited_ms % 1000
            ),
            Happening::PathFailed {
                problem,
                offender,
                remote_port,
            } => {
                match remote_port {
                    // ESP has none, and a path may fail before there is a datagram.
                    0 => write!(f, "a packet to the peer failed: {problem}")?,
                    port => write!(f, "a datagram to port {port} failed: {problem}")?,
                }
                offender.map_or(Ok(()), |who| write!(f, ", reported by {who}"))
            }
            Happening::Cookie { by } => write!(f, "{by} asked for a cookie"),
            Happening::KeRetry { from, to, by } => {
                write!(f, "{by} asked for key exchange {to} instead of {from}")
            }
            Happening::NatDetection {
                peer_supports: false,
                ..
            } => f.write_str("the peer doesn't support NAT traversal"),
            Happening::NatDetection {
                local_behind_nat,
                remote_behind_nat,
                ..
            } => f.write_str(match (local_behind_nat, remote_behind_nat) {
                (false, false) => "no NAT on the path",
                (true, false) => "we are behind a NAT",
                (false, true) => "the peer is behind a NAT",
                (true, true) => "both sides are behind a NAT",
            }),
            Happening::Floated => f.write_str("moved to port 4500"),
            Happening::PeerMoved { from, to } => write!(f, "the peer moved from {from} to {to}"),
            Happening::Moved { from, to } => write!(f, "we moved from {from} to {to}"),
            Happening::PathVerified { remote } => {
                write!(f, "the peer receives at {remote}; its traffic goes there")
            }
            Happening::IkeProposalChosen { suite } => write!(f, "IKE proposal agreed: {suite}"),
            Happening::IkeEstablished {
                local_id,
                remote_id,
                suite,
                spis,
            } => {
                write!(
                    f,
                    "IKE SA {:016x}_{:016x} established between {local_id} and {remote_id}, {suite}",
                    spis.0, spis.1
                )
            }
            Happening::ChildEstablished {
                child,
                spi_in,
                spi_out,
                suite,
                ts_local,
                ts_remote,
                narrowed,
                udp_encap,
            } => write!(
                f,
                "CHILD SA {child} established, SPIs {spi_in:08x} in {spi_out:08x} out, {suite}{}, {} === {}{}",
                if *udp_encap { " in UDP" } else { "" },
                list(ts_local),
                list(ts_remote),
                if *narrowed { " (narrowed)" } else { "" }
            ),
            Happening::Refused {
                what,
                refusal,
                notify,
            } => {
                write!(f, "refused {what}: {refusal}")?;
                notify
                    .as_ref()
                    .map_or(Ok(()), |n| write!(f, "; told the peer {n}"))
            }
            Happening::PeerRefused { what, name, .. } => {
                write!(f, "the peer refused {what} with {name}")
            }
            Happening::UnprotectedNotify { name, version, .. } => {
                write!(f, "an unprotected IKEv{version} message claims {name}")
            }
            Happening::ChildClosed { child, spi_in, by } => {
                write!(f, "CHILD SA {child} ({spi_in:08x} in) closed by {by}")
            }
            Happening::ChildRekeyed {
                child,
                old,
                new,
                by,
            } => write!(
                f,
                "CHILD SA {child} rekeyed by {by}, {new:08x} in instead of {old:08x}"
            ),
            Happening::IkeRekeyed { old, new, by } => write!(
                f,
                "IKE SA rekeyed by {by}, {:016x}_{:016x} instead of {:016x}_{:016x}",
                new.0, new.1, old.0, old.1
            ),
            Happening::RekeyCollision { what, kept } => write!(
                f,
                "both sides rekeyed {what} at once; what was begun by {kept} stays"
            ),
            Happening::PutOff { what, wait_ms } => write!(
                f,
                "the peer is busy (TEMPORARY_FAILURE); {what} is tried again in {}.{:03} s",
                wait_ms / 1000,
                wait_ms % 1000
            ),
            Happening::Expired { what, limit, why } => {
                write!(f, "{what} expired after {limit}")?;
                why.as_ref()
                    .map_or(Ok(()), |why| write!(f, ", not renewed: {why}"))
            }
            Happening::IkeClosed { by, cause } => write!(f, "IKE SA closed by {by}: {cause}"),
            Happening::AddressesLeased {
                identity,
                addresses,
            } => write!(f, "{identity} has been given {}", list(addresses)),
            Happening::AddressesReleased {
                identity,
                addresses,
            } => write!(f, "{} of {identity} is free again", list(addresses)),
            Happening::AddressesAssigned {
                addresses,
                dns,
                split,
                ignored,
            } => {
                write!(f, "the peer gives us {}", list(addresses))?;
                if !dns.is_empty() {
                    write!(f, ", name servers {}", list(dns))?;
                }
                if !split.is_empty() {
                    write!(f, ", networks {}", list(split))?;
                }
                if !ignored.is_empty() {
                    write!(f, "; without effect: {}", list(ignored))?;
                }
                Ok(())
            }
            Happening::InitialContact { closed } => write!(
                f,
                "INITIAL_CONTACT from the peer; {closed} older IKE SAs closed"
            ),
            Happening::CertificateExpiry {
                used_as,
                subject,
                serial,
                not_before,
                not_after,
                problem,
                days_left,
            } => {
                write!(f, "{used_as} `{subject}` (serial {serial}) ")?;
                match problem {
                    ExpiryProblem::Expires => {
                        let s = if *days_left == 1 { "" } else { "s" };
                        write!(f, "expires at {not_after}, in {days_left} day{s}")?;
                    }
                    ExpiryProblem::Expired => write!(f, "expired at {not_after}")?,
                    ExpiryProblem::NotYetValid => write!(f, "is valid from {not_before} on")?,
                }
                match (problem, used_as) {
                    (ExpiryProblem::NotYetValid, _) => {
                        f.write_str(": one of its begin and our clock is wrong")
                    }
                    (_, CertificateUse::Own) => {
                        f.write_str(": renew it (adit cert rotate NAME, then adit reload)")
                    }
                    (_, _) => f.write_str(": renew it (adit cert rotate --ca, then adit reload)"),
                }
            }
            Happening::MonitorJudged { why, .. } => write!(f, "the monitor: {why}"),
            Happening::MonitorActed {
                act,
                child,
                other,
                why,
            } => {
                write!(f, "the monitor {act}")?;
                if let Some(child) = child {
                    write!(f, " for {child}")?;
                }
                match (act, other) {
                    (Act::FailOver, Some(other)) => write!(f, " (into {other})")?,
                    (Act::FailBack, Some(other)) => write!(f, " (from {other})")?,
                    _ => {}
                }
                write!(f, ": {why}")
            }
            Happening::ProbeAnswered => f.write_str("answered a probe of the peer"),
            Happening::Foreseen {
                cause,
                summary,
                over: true,
                ..
            } => write!(f, "no longer to be feared ({cause}): {summary}"),
            Happening::Foreseen {
                cause,
                summary,
                consequence,
                ..
            } => write!(f, "will fail ({cause}): {summary}; {consequence}"),
            Happening::HookFailed { on, problem } => {
                write!(f, "the hook for `{on}`: {problem}")
            }
            Happening::AuthMethodsAnnounced { announced } => {
                write!(
                    f,
                    "the peer says which proofs it takes (RFC 9593): {announced}"
                )
            }
            Happening::HeldBack {
                ms,
                peer_began,
                under_way,
            } => write!(
                f,
                "we didn't try for {}.{} s, so that the peer would: it {}{}",
                ms / 1000,
                ms % 1000 / 100,
                if *peer_began { "did" } else { "didn't" },
                match under_way {
                    Some(UnderWay::Ended) =>
                        "; our own attempt, which was under way, was ended for that",
                    Some(UnderWay::WaitedFor) =>
                        "; our own attempt, which was under way, was waited for",
                    None => "",
                }
            ),
            Happening::ClearTraffic {
                child,
                passes: true,
            } => write!(
                f,
                "traffic of {child} passes in clear until there is an SA, since `policy` is \"optional\""
            ),
            Happening::ClearTraffic { child, .. } => {
                write!(
                    f,
                    "traffic of {child} is protected, and passes in clear no more"
                )
            }
            Happening::PeerAlive => f.write_str("the peer is alive"),
            Happening::Dropped { reason, detail } => {
                write!(f, "dropped a packet ({reason}): {detail}")
            }
        }
    }
}
