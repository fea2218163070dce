//! Evidence as typed facts with a source, and cases made of them.
//!
//! `diagnose` reads nothing else. Whether a fact came from a live endpoint, a probe, a configuration or somebody's
//! log makes no difference to a rule.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::event::{Event, Happening, PathProblem, Role};
use crate::now::Wall;
use crate::product::Product;
use crate::proposal::Proposal;

/// Whose evidence a fact is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// The side that asks.
    Local,
    /// The other gateway.
    Remote,
}

impl Side {
    /// The other side.
    #[must_use]
    pub fn other(self) -> Side {
        match self {
            Side::Local => Side::Remote,
            Side::Remote => Side::Local,
        }
    }
}

/// Where a fact was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// File, host or component: `east.log`, `west events`, `probe`.
    pub name: String,
    /// Line or record number, from 1.
    pub line: Option<u64>,
    /// The line itself, or the event in one sentence; never a secret.
    pub text: String,
}

/// One thing known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fact {
    /// Where it was read.
    pub source: Source,
    /// When it happened, as far as the source tells.
    pub at: Option<Wall>,
    /// Whose evidence it is.
    pub side: Side,
    /// The tunnel or peer it is about, by the name its own side uses.
    pub subject: Option<String>,
    /// The part its side played, where that is known.
    pub role: Option<Role>,
    /// What is known.
    pub what: Known,
}

/// What a fact says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Known {
    /// Something happened.
    Happened {
        /// What.
        happening: Happening,
    },
    /// A probe was answered, or wasn't.
    Probed {
        /// What was asked and what came of it.
        probe: Probe,
    },
    /// Whether the IKE daemon of this side runs.
    Daemon {
        /// It runs.
        running: bool,
    },
    /// A connection is configured on this side.
    Configured {
        /// As configured.
        connection: Box<crate::connection::Connection>,
    },
    /// A connection as a configuration of any product has it.
    PeerConfigured {
        /// As written, with the product's defaults.
        connection: Box<crate::peer_config::PeerConnection>,
    },
    /// A pre-shared key that a configuration has, as a digest.
    PeerKey {
        /// For whom, and its digest.
        key: Box<crate::peer_config::SharedKey>,
    },
    /// A configuration has something wrong by itself.
    ConfigLint {
        /// What.
        lint: Box<crate::peer_config::Lint>,
    },
    /// What a tunnel's state is now.
    TunnelState {
        /// All children are up.
        up: bool,
    },
    /// A line of a log, a status or a listing says something about its host, its product or its peer.
    Sign {
        /// What it says.
        sign: crate::sign::Sign,
        /// The values in it, by the names that [`crate::sign::Sign`] gives; never a secret.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        values: BTreeMap<String, String>,
    },
    /// A person tells what is wrong, in words of their own.
    Complained {
        /// The symptom.
        complaint: crate::complaint::Complaint,
        /// After how many seconds, where the person says so.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        after_s: Option<u64>,
    },
    /// A person tells what was wrong: they changed it, and then it worked, or it turned out so.
    PinnedDown {
        /// The thing.
        culprit: crate::culprit::Culprit,
        /// How they came upon it.
        by: crate::culprit::PinnedBy,
    },
    /// A person tells what they changed without any difference.
    TriedInVain {
        /// What they changed.
        culprit: crate::culprit::Culprit,
    },
    /// A person answered a question.
    Answered {
        /// The question's id.
        question: String,
        /// The answer.
        yes: bool,
    },
    /// A drop counter's value, and how it grew over the window.
    Drops {
        /// Which counter.
        reason: crate::drops::DropReason,
        /// Packets.
        count: u64,
    },
    /// A listing shows something of the host.
    Host {
        /// What.
        state: Box<crate::host::HostState>,
    },
    /// A status shows how much SAs carried.
    Carried {
        /// Their counters.
        traffic: Box<crate::traffic::SaTraffic>,
    },
    /// A status lists an SA, or none.
    Listed {
        /// What it lists.
        sa: Box<crate::listed::ListedSa>,
    },
    /// Something is known of what the tunnel will meet.
    Ahead {
        /// What.
        ahead: Box<crate::ahead::Ahead>,
    },
    /// Packets were seen on the wire, or weren't.
    Wire {
        /// Which.
        seen: Wire,
    },
}

/// What a capture shows of the traffic between two gateways, summed up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "wire", rename_all = "kebab-case")]
pub enum Wire {
    /// ESP or AH of one SA in one direction.
    Flow {
        /// `esp` or `ah`.
        protocol: String,
        /// SPI, chosen by the receiver.
        spi: u32,
        /// It left the gateway beside which the capture was made; otherwise it came to it.
        outbound: bool,
        /// It travels in UDP (RFC 3948).
        udp: bool,
        /// Packets.
        packets: u64,
        /// Sequence numbers that never were seen.
        missing: u64,
        /// Sequence numbers that were seen twice.
        duplicates: u64,
        /// Of these, packets that are the same and came again later.
        #[serde(default)]
        replayed: u64,
        /// Of these, packets with other contents than the one that had the number before.
        #[serde(default)]
        reused: u64,
        /// Packets that came more than 64 numbers late.
        #[serde(default)]
        very_late: u64,
        /// Classes of service (DSCP) that its packets bear, as far as they are told.
        #[serde(default)]
        classes: u32,
        /// The number from which the sender fell back to the beginning under the same SPI.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        restarted_at: Option<u32>,
        /// Packets of the higher count that came after it fell back: two count under one SPI.
        #[serde(default)]
        interleaved: u64,
        /// When its first packet was seen.
        first: Wall,
        /// When its last packet was seen.
        last: Wall,
    },
    /// Packets that left this gateway and reached the other one with other contents, by captures of both.
    Altered {
        /// What they are: an IKE exchange or `esp`.
        what: String,
        /// How many.
        packets: u64,
    },
    /// A side's ESP in UDP came from another port than before, and what goes to it still went to the old one.
    Rebound {
        /// The gateway beside which the capture was made is the one whose port changed.
        ours: bool,
        /// Port that it came from before.
        before: u16,
        /// Port that it comes from since.
        now: u16,
        /// Packets to the old port, more than a second after the change.
        astray: u64,
    },
    /// The first message of IKE came again and again, each time some seconds after it had been answered: who sent it doesn't
    /// get the answers, or doesn't take them.
    RepeatedInVain {
        /// The gateway beside which the capture was made is the one that asks.
        ours: bool,
        /// It is known beside which gateway the capture was made.
        known: bool,
        /// How often it came again.
        times: u64,
    },
    /// A side's IKE comes from another port than one of IKE's, and what the other side sends goes to one from which none of it
    /// comes.
    WrongPort {
        /// The gateway beside which the capture was made is the one whose port is another.
        ours: bool,
        /// Port that its messages come from.
        from: u16,
        /// Port that those to it go to.
        to: u16,
        /// How many went there.
        packets: u64,
    },
    /// ESP went both ways, and then only one way until the capture ended.
    Stalled {
        /// What goes on leaves the gateway beside which the capture was made; otherwise it comes to it.
        outbound: bool,
        /// Packets since the last one of the other direction.
        packets: u64,
        /// When the first of these was seen.
        since: Wall,
        /// IKE requests in the same direction since then that nobody answered within a second.
        unanswered_requests: u64,
        /// IKE messages that came the other way since then.
        heard: u64,
    },
    /// Packets between the gateways in IP fragments.
    Fragments {
        /// IP protocol of the fragmented packets: 17 for IKE and ESP in UDP, 50 for ESP.
        protocol: u8,
        /// They left the gateway beside which the capture was made.
        outbound: bool,
        /// Packets of which all fragments were seen.
        complete: u64,
        /// Packets of which fragments are missing.
        incomplete: u64,
        /// Of these, how many showed nothing but their first fragment.
        only_first: u64,
    },
    /// Packets in clear where protected ones were expected, all in one direction.
    Clear {
        /// IP protocol.
        protocol: u8,
        /// The lower port of TCP or UDP.
        port: Option<u16>,
        /// Sender.
        from: IpAddr,
        /// Receiver.
        to: IpAddr,
        /// They were on their way out, where that can be told.
        outbound: Option<bool>,
        /// Packets.
        packets: u64,
        /// How many came right behind an ESP packet: what Linux shows of it after decryption.
        decrypted: u64,
        /// How many went on at once as an ESP packet: a gateway with one interface shows them coming and leaving.
        encrypted: u64,
        /// It goes between the gateways themselves.
        between_gateways: bool,
    },
    /// Whether what left one gateway reached the other, by captures of both.
    Crossing {
        /// `esp`, `esp in udp`, `ah`, or the name of an IKE exchange.
        what: String,
        /// Packets that were seen to leave the gateway whose fact this is, and could have been seen to
        /// arrive at the other.
        sent: u64,
        /// Packets of these that arrived.
        arrived: u64,
        /// Octets of the largest packet that arrived; 0 for none.
        largest_arrived: u64,
        /// Octets of the largest packet that left.
        largest_sent: u64,
    },
}

/// An active test and its outcome.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "probe", rename_all = "kebab-case")]
pub enum Probe {
    /// An ICMP echo to the peer's address.
    Echo {
        /// To whom.
        to: IpAddr,
        /// What came of it.
        outcome: ProbeOutcome,
    },
    /// Several ICMP echoes to the peer's address, one soon after the other: whether packets are lost on the way.
    Echoes {
        /// To whom.
        to: IpAddr,
        /// How many.
        sent: u32,
        /// How many were answered.
        answered: u32,
    },
    /// An IKE_SA_INIT request (no key is ever agreed) to a UDP port of the peer.
    IkeInit {
        /// To whom.
        to: IpAddr,
        /// To which port: 500, or 4500 with the non-ESP marker.
        port: u16,
        /// What came of it.
        outcome: ProbeOutcome,
    },
    /// One IKE_SA_INIT request sent several times over, though it was answered: whether such datagrams are lost on the way. A
    /// responder answers each (RFC 7296 2.1).
    IkeRepeated {
        /// To whom.
        to: IpAddr,
        /// To which port.
        port: u16,
        /// How many times.
        sent: u32,
        /// How many answers came.
        answered: u32,
    },
    /// An IKE_SA_INIT request with a single proposal, to learn whether the peer would take it.
    IkeOffer {
        /// To whom.
        to: IpAddr,
        /// To which port.
        port: u16,
        /// What was offered.
        offered: Box<Proposal>,
        /// What came of it.
        outcome: OfferOutcome,
    },
    /// Whether our host has a route to the peer.
    Route {
        /// To whom.
        to: IpAddr,
        /// It has.
        exists: bool,
    },
    /// Short test packets that look like ESP, counted by both gateways.
    EspPath {
        /// The peer.
        to: IpAddr,
        /// In UDP, or plain.
        udp: bool,
        /// From us to the peer, or from it to us.
        outbound: bool,
        /// The tunnel's packets travel like that.
        in_use: bool,
        /// How many.
        sent: u32,
        /// How many arrived.
        arrived: u32,
    },
    /// Test packets that look like ESP, which nobody may cut: long ones vanish, and nobody says so.
    EspSize {
        /// The peer.
        to: IpAddr,
        /// In UDP, or plain.
        udp: bool,
        /// From us to the peer, or from it to us.
        outbound: bool,
        /// Octets of the longest that arrived, with the IP header.
        passes: u32,
        /// Octets of the shortest that didn't.
        vanishes: u32,
        /// Octets of the longest inner packet that fits, where that is known.
        inside: Option<u32>,
    },
    /// Whether the control socket of our own gateway answers.
    Control {
        /// It does.
        answers: bool,
    },
}

impl fmt::Display for Probe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Probe::Echo { to, outcome } => write!(f, "ICMP echo to {to}: {outcome}"),
            Probe::Echoes { to, sent, answered } => {
                write!(f, "{sent} ICMP echoes to {to}: {answered} answered")
            }
            Probe::IkeInit { to, port, outcome } => {
                write!(f, "IKE_SA_INIT to {to} port {port}: {outcome}")
            }
            Probe::IkeRepeated {
                to,
                port,
                sent,
                answered,
            } => write!(
                f,
                "{sent} times IKE_SA_INIT to {to} port {port}: {answered} answers"
            ),
            Probe::IkeOffer {
                to,
                port,
                offered,
                outcome,
            } => write!(f, "offering {to} port {port} {offered}: {outcome}"),
            Probe::Route { to, exists: true } => write!(f, "there is a route to {to}"),
            Probe::Route { to, exists: false } => write!(f, "there is no route to {to}"),
            Probe::EspPath {
                to,
                udp,
                outbound,
                sent,
                arrived,
                ..
            } => write!(
                f,
                "{arrived} of {sent} test packets of {} {} {to} arrived",
                if *udp { "ESP in UDP" } else { "plain ESP" },
                if *outbound { "to" } else { "from" }
            ),
            Probe::EspSize {
                to,
                udp,
                outbound,
                passes,
                vanishes,
                ..
            } => write!(
                f,
                "{} packets of {passes} octets {} {to} arrive, those of {vanishes} vanish",
                if *udp { "ESP in UDP" } else { "plain ESP" },
                if *outbound { "to" } else { "from" }
            ),
            Probe::Control { answers: true } => f.write_str("the gateway answers"),
            Probe::Control { answers: false } => f.write_str("the gateway doesn't answer"),
        }
    }
}

/// What a peer says to a single proposal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OfferOutcome {
    /// It chose it.
    Taken,
    /// It answered that it takes no such proposal (NO_PROPOSAL_CHOSEN).
    Refused,
    /// It answered something else, which says nothing about the proposal.
    Other,
    /// It didn't answer.
    Silent,
}

impl fmt::Display for OfferOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            OfferOutcome::Taken => "taken",
            OfferOutcome::Refused => "refused",
            OfferOutcome::Other => "answered, without saying",
            OfferOutcome::Silent => "no answer",
        })
    }
}

/// What came of a probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", content = "value", rename_all = "kebab-case")]
pub enum ProbeOutcome {
    /// An answer, after so many milliseconds; for IKE the major version of the answer's header is in
    /// [`ProbeOutcome::AnsweredVersion`] instead.
    Answered(u64),
    /// An IKE answer of this major version.
    AnsweredVersion(u8),
    /// An ICMP error or a local refusal.
    Failed(PathProblem),
    /// Silence for so many milliseconds.
    Silent(u64),
    /// The probe couldn't be made (no permission, no socket).
    NotMade,
}

impl fmt::Display for ProbeOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ProbeOutcome::Answered(ms) => write!(f, "answered after {ms} ms"),
            ProbeOutcome::AnsweredVersion(version) => {
                write!(f, "answered with IKE version {version}")
            }
            ProbeOutcome::Failed(problem) => write!(f, "failed: {problem}"),
            ProbeOutcome::Silent(ms) => write!(f, "no answer in {ms} ms"),
            ProbeOutcome::NotMade => f.write_str("couldn't be made"),
        }
    }
}

/// All that is known about one subject.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Case {
    /// The tunnel or peer in question, by the local name.
    pub subject: String,
    /// The facts, in the order they were read; each side's in time order.
    pub facts: Vec<Fact>,
    /// Which sides' evidence covers the whole attempt, so that absence counts.
    pub covered: BTreeMap<Side, bool>,
    /// Whose gateway each side is, as far as its evidence tells.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub products: BTreeMap<Side, Product>,
    /// By how many milliseconds the peer's clock is ahead of ours, where messages in both sides' evidence tell. The
    /// times of the peer's facts are by our clock already.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock_offset_ms: Option<i64>,
}

impl Case {
    /// Facts of one side.
    pub fn of(&self, side: Side) -> impl Iterator<Item = &Fact> {
        self.facts.iter().filter(move |f| f.side == side)
    }

    /// Every happening, with its fact.
    pub fn happenings(&self) -> impl Iterator<Item = (&Fact, &Happening)> {
        self.facts.iter().filter_map(|f| match &f.what {
            Known::Happened { happening } => Some((f, happening)),
            _ => None,
        })
    }

    /// Adds what the other gateway knows: its own case, told from its side. The subject stays ours.
    ///
    /// Facts that the other side holds about us (none today) would come back as ours; its own become the remote's.
    #[must_use]
    pub fn joined_with(mut self, other: Case) -> Case {
        self.facts.extend(other.facts.into_iter().map(|fact| Fact {
            side: fact.side.other(),
            ..fact
        }));
        for (side, covered) in other.covered {
            let known = self.covered.entry(side.other()).or_default();
            *known |= covered;
        }
        for (side, product) in other.products {
            self.products.entry(side.other()).or_insert(product);
        }
        self
    }

    /// Forgets the digests of pre-shared keys: they were made under a key of another run, and those of this one would
    /// differ from them whatever the keys are.
    pub fn forget_keys(&mut self) {
        for fact in &mut self.facts {
            let key = match &mut fact.what {
                Known::PeerConfigured { connection } => connection.psk.as_mut(),
                Known::PeerKey { key } => Some(&mut **key),
                _ => None,
            };
            if let Some(key) = key {
                key.digest = None;
                key.trimmed = None;
            }
        }
    }

    /// Whether that side's evidence is complete for the attempt in question.
    #[must_use]
    pub fn covers(&self, side: Side) -> bool {
        self.covered.get(&side).copied().unwrap_or(false)
    }
}

impl Fact {
    /// The fact that an event is, as side `side`'s record number `line` in `source`.
    #[must_use]
    pub fn from_event(event: &Event, side: Side, source: &str, line: u64) -> Fact {
        Fact {
            source: Source {
                name: source.to_owned(),
                line: Some(line),
                text: event.to_string(),
            },
            at: Some(event.at.wall),
            side,
            subject: event.connection.clone(),
            role: event.role,
            what: Known::Happened {
                happening: event.what.clone(),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn case(subject: &str) -> Case {
        let fact = Fact {
            source: Source {
                name: subject.to_owned(),
                line: None,
                text: String::new(),
            },
            at: None,
            side: Side::Local,
            subject: Some(subject.to_owned()),
            role: None,
            what: Known::TunnelState { up: false },
        };
        Case {
            subject: subject.to_owned(),
            facts: vec![fact],
            covered: [(Side::Local, true)].into(),
            ..Case::default()
        }
    }

    #[test]
    fn the_other_gateways_own_evidence_is_the_remote_sides() {
        let joined = case("west").joined_with(case("east"));
        assert_eq!(joined.subject, "west");
        assert_eq!(
            joined
                .of(Side::Remote)
                .map(|f| f.source.name.as_str())
                .collect::<Vec<_>>(),
            ["east"]
        );
        assert!(joined.covers(Side::Local) && joined.covers(Side::Remote));
    }
}
