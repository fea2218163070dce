//! Builders of cases.

use std::net::SocketAddr;

use adit_diagnose::{Answer, Finding, Verdict, diagnose};
use adit_model::connection::{Authentication, Child, Connection, Mode, Remote, Retransmit, Start};
use adit_model::event::{Asked, Event, Happening, MessageInfo, Party, PathProblem, Role};
use adit_model::fact::{Case, Fact, Known, Probe, ProbeOutcome, Side, Source};
use adit_model::life::{ChildLife, Life};
use adit_model::product::Product;
use adit_model::proposal::{Proposal, SaKind, Suite};
use adit_model::reason::Refusal;
use adit_model::selector::Selector;
use adit_model::{Mono, Now, Wall};

pub use adit_model::event::Role::{Initiator, Responder};
pub use adit_model::fact::Side::{Local, Remote as There};

pub const WEST: &str = "192.168.0.1";
pub const EAST: &str = "192.168.0.2";

pub fn ike(text: &str) -> Proposal {
    Proposal::parse(text, SaKind::Ike).unwrap()
}

pub fn esp(text: &str) -> Proposal {
    Proposal::parse(text, SaKind::Esp).unwrap()
}

pub fn nets(text: &str) -> Vec<Selector> {
    text.split(' ').map(|t| t.parse().unwrap()).collect()
}

/// A case that grows event by event, a second apart.
pub struct Story {
    pub case: Case,
    seconds: u64,
    lines: [u64; 2],
}

impl Story {
    pub fn new() -> Self {
        Self {
            case: Case {
                subject: "office".into(),
                ..Case::default()
            },
            seconds: 1_000,
            lines: [0, 0],
        }
    }

    pub fn later(mut self, seconds: u64) -> Self {
        self.seconds += seconds;
        self
    }

    /// What the two gateways are.
    pub fn between(mut self, ours: Product, theirs: Product) -> Self {
        self.case.products = [(Side::Local, ours), (Side::Remote, theirs)].into();
        self
    }

    pub fn event(mut self, side: Side, role: Role, what: Happening) -> Self {
        self.seconds += 1;
        let index = usize::from(side == Side::Remote);
        self.lines[index] += 1;
        let (own, other) = match side {
            Side::Local => (WEST, EAST),
            Side::Remote => (EAST, WEST),
        };
        let address = |a: &str| SocketAddr::new(a.parse().unwrap(), 500);
        let event = Event {
            at: Now {
                mono: Mono(self.seconds * 1_000_000_000),
                wall: Wall(self.seconds * 1000),
            },
            connection: Some("office".into()),
            role: Some(role),
            local: Some(address(own)),
            remote: Some(address(other)),
            what,
        };
        let source = match side {
            Side::Local => "west events",
            Side::Remote => "east events",
        };
        self.case
            .facts
            .push(Fact::from_event(&event, side, source, self.lines[index]));
        self
    }

    pub fn known(mut self, side: Side, what: Known) -> Self {
        self.case.facts.push(Fact {
            source: Source {
                name: "probe".into(),
                line: None,
                text: format!("{what:?}"),
            },
            at: None,
            side,
            subject: Some("office".into()),
            role: None,
            what,
        });
        self
    }

    pub fn covers(mut self, side: Side) -> Self {
        self.case.covered.insert(side, true);
        self
    }

    pub fn initiating(self) -> Self {
        self.event(
            Local,
            Initiator,
            Happening::Initiating {
                proposals: vec![ike("aes128gcm16-prfsha256-x25519")],
            },
        )
        .sent(Local, Initiator, "IKE_SA_INIT", false)
    }

    pub fn sent(self, side: Side, role: Role, exchange: &str, response: bool) -> Self {
        self.event(
            side,
            role,
            Happening::Sent(message(exchange, response, 240)),
        )
    }

    pub fn received(self, side: Side, role: Role, exchange: &str, response: bool) -> Self {
        self.event(
            side,
            role,
            Happening::Received(message(exchange, response, 240)),
        )
    }

    /// The first exchange succeeds, seen by the initiator.
    pub fn init_done(self, nat: bool) -> Self {
        let story = self
            .received(Local, Initiator, "IKE_SA_INIT", true)
            .event(Local, Initiator, detection(nat))
            .event(Local, Initiator, chosen());
        let story = if nat {
            story.event(Local, Initiator, Happening::Floated)
        } else {
            story
        };
        story.sent(Local, Initiator, "IKE_AUTH", false)
    }

    /// The peer answers the first exchange, seen by the peer.
    pub fn their_init(self, nat: bool) -> Self {
        self.received(There, Responder, "IKE_SA_INIT", false)
            .event(There, Responder, chosen())
            .event(There, Responder, detection(nat))
            .sent(There, Responder, "IKE_SA_INIT", true)
    }

    /// We answer the first exchange.
    pub fn our_init(self, nat: bool) -> Self {
        self.received(Local, Responder, "IKE_SA_INIT", false)
            .event(Local, Responder, chosen())
            .event(Local, Responder, detection(nat))
            .sent(Local, Responder, "IKE_SA_INIT", true)
    }

    pub fn gave_up(self, exchange: &str) -> Self {
        let what = Happening::GaveUp {
            exchange: exchange.into(),
            message_id: u32::from(exchange != "IKE_SA_INIT"),
            transmissions: 7,
            waited_ms: 60_000,
        };
        self.event(Local, Initiator, what).event(
            Local,
            Initiator,
            Happening::IkeClosed {
                by: Party::Us,
                cause: "failed".into(),
            },
        )
    }

    pub fn refused(self, side: Side, role: Role, what: &str, refusal: Refusal) -> Self {
        let notify = match &refusal {
            Refusal::NoIkeProposal { .. }
            | Refusal::NoConnection { .. }
            | Refusal::NoEspProposal { .. } => Some("NO_PROPOSAL_CHOSEN"),
            Refusal::MajorVersion { .. } => Some("INVALID_MAJOR_VERSION"),
            Refusal::TrafficSelectors { .. } => Some("TS_UNACCEPTABLE"),
            Refusal::HalfOpenLimit { .. } => None,
            _ => Some("AUTHENTICATION_FAILED"),
        };
        self.event(
            side,
            role,
            Happening::Refused {
                what: what.into(),
                refusal,
                notify: notify.map(str::to_owned),
            },
        )
    }

    pub fn peer_refused(self, what: &str, notify: u16, name: &str, asked: Asked) -> Self {
        self.peer_refused_with(what, notify, name, "", asked)
    }

    pub fn peer_refused_with(
        self,
        what: &str,
        notify: u16,
        name: &str,
        data: &str,
        asked: Asked,
    ) -> Self {
        self.event(
            Local,
            Initiator,
            Happening::PeerRefused {
                what: what.into(),
                notify,
                name: name.into(),
                data: data.into(),
                asked,
            },
        )
        .event(
            Local,
            Initiator,
            Happening::IkeClosed {
                by: Party::Us,
                cause: "failed".into(),
            },
        )
    }

    pub fn unprotected(self, notify: u16, name: &str, version: u8) -> Self {
        self.event(
            Local,
            Initiator,
            Happening::UnprotectedNotify {
                notify,
                name: name.into(),
                version,
            },
        )
    }

    pub fn icmp(self, problem: PathProblem, offender: &str) -> Self {
        self.event(
            Local,
            Initiator,
            Happening::PathFailed {
                problem,
                offender: Some(offender.parse().unwrap()),
                remote_port: 500,
            },
        )
    }

    pub fn established(self, side: Side, role: Role) -> Self {
        self.event(
            side,
            role,
            Happening::IkeEstablished {
                local_id: "west.lab".parse().unwrap(),
                remote_id: "east.lab".parse().unwrap(),
                suite: suite(),
                spis: (1, 2),
            },
        )
    }

    pub fn child_up(self, side: Side, role: Role) -> Self {
        self.event(
            side,
            role,
            Happening::ChildEstablished {
                child: "lan".into(),
                spi_in: 0xc1,
                spi_out: 0xc2,
                suite: suite(),
                ts_local: nets("10.1.0.0/24"),
                ts_remote: nets("10.2.0.0/24"),
                narrowed: false,
                udp_encap: false,
            },
        )
    }

    pub fn echo(self, answered: bool) -> Self {
        let outcome = if answered {
            ProbeOutcome::Answered(3)
        } else {
            ProbeOutcome::Silent(1000)
        };
        let to = EAST.parse().unwrap();
        self.known(
            Local,
            Known::Probed {
                probe: Probe::Echo { to, outcome },
            },
        )
    }

    pub fn ike_probe(self, port: u16, outcome: ProbeOutcome) -> Self {
        let to = EAST.parse().unwrap();
        self.known(
            Local,
            Known::Probed {
                probe: Probe::IkeInit { to, port, outcome },
            },
        )
    }

    pub fn configured(self, side: Side, connection: Connection) -> Self {
        self.known(
            side,
            Known::Configured {
                connection: Box::new(connection),
            },
        )
    }

    pub fn verdict(&self) -> Verdict {
        let mut case = self.case.clone();
        // A story of no product is the events of a gateway, and no lines that somebody picked.
        if case.products.is_empty() {
            case.products.insert(Side::Local, Product::Adit);
        }
        let verdict = diagnose(&case);
        sound(&verdict);
        verdict
    }

    /// The verdict must be this cause, and only it.
    #[track_caller]
    pub fn cause(&self, cause: &str) -> Finding {
        let verdict = self.verdict();
        assert_eq!(verdict.verdict, Answer::Cause, "{verdict:#?}");
        assert_eq!(verdict.cause(), Some(cause), "{verdict:#?}");
        assert_eq!(verdict.findings.len(), 1, "{verdict:#?}");
        let finding = verdict.findings[0].clone();
        assert!(!finding.evidence.is_empty(), "{finding:#?}");
        assert!(!finding.message_for_peer.is_empty(), "{finding:#?}");
        finding
    }

    /// The verdict must be undecided, with all of these among what is possible.
    #[track_caller]
    pub fn undecided(&self, among: &[&str]) -> Verdict {
        let verdict = self.verdict();
        assert_eq!(verdict.verdict, Answer::Undecided, "{verdict:#?}");
        for cause in among {
            assert!(verdict.names(cause), "{cause}: {verdict:#?}");
        }
        verdict
    }
}

/// What holds for every verdict.
#[track_caller]
pub fn sound(v: &Verdict) {
    assert_eq!(v.schema, "adit.why/1");
    assert!(!v.summary.is_empty());
    match v.verdict {
        Answer::Cause => {
            assert!(!v.findings.is_empty() && v.possible.is_empty());
            assert!(
                v.findings
                    .iter()
                    .all(|f| f.confidence >= 0.7 && f.confidence < 1.0)
            );
            assert!(
                v.findings
                    .iter()
                    .all(|f| !f.fix.local.is_empty() || !f.fix.remote.is_empty())
            );
        }
        Answer::Undecided => {
            assert!(v.findings.is_empty() && !v.missing.is_empty(), "{v:#?}");
            assert!(v.missing.iter().all(|m| !m.collect.is_empty()));
            assert!(
                v.possible
                    .iter()
                    .all(|p| !p.because.is_empty() && !p.separated_by.is_empty())
            );
        }
        Answer::Healthy => assert!(v.findings.is_empty() && v.possible.is_empty()),
    }
    for r in &v.ruled_out {
        assert!(!r.because.is_empty());
        assert!(
            !v.names(&r.cause),
            "{} is both possible and ruled out",
            r.cause
        );
    }
    // Every cause that is named has a page.
    for cause in v
        .findings
        .iter()
        .map(|f| &f.cause)
        .chain(v.possible.iter().map(|p| &p.cause))
    {
        assert!(adit_diagnose::explain(cause).is_some(), "{cause}");
    }
}

pub fn message(exchange: &str, response: bool, octets: usize) -> MessageInfo {
    MessageInfo {
        exchange: exchange.into(),
        message_id: u32::from(exchange != "IKE_SA_INIT"),
        response,
        payloads: vec!["SA".into()],
        octets,
    }
}

pub fn suite() -> Suite {
    "aes128gcm16-prfsha256-x25519"
        .to_owned()
        .try_into()
        .unwrap()
}

pub fn chosen() -> Happening {
    Happening::IkeProposalChosen { suite: suite() }
}

pub fn detection(nat: bool) -> Happening {
    Happening::NatDetection {
        local_behind_nat: nat,
        remote_behind_nat: false,
        peer_supports: true,
    }
}

/// Our side, or with the two ends exchanged the peer's.
pub fn connection(own: &str, other: &str) -> Connection {
    let (local, remote, local_net, remote_net) = if own == "west.lab" {
        (WEST, EAST, "10.1.0.0/24", "10.2.0.0/24")
    } else {
        (EAST, WEST, "10.2.0.0/24", "10.1.0.0/24")
    };
    Connection {
        name: "office".into(),
        local: Some(local.parse().unwrap()),
        remote: Remote::Address(remote.parse().unwrap()),
        local_id: own.parse().unwrap(),
        remote_id: Some(other.parse().unwrap()),
        auth: Authentication::PSK,
        ike: vec![ike("aes128gcm16-prfsha256-x25519")],
        start: Start::Auto,
        children: vec![Child {
            name: "lan".into(),
            local_ts: nets(local_net),
            remote_ts: nets(remote_net),
            esp: vec![esp("aes128gcm16")],
            mode: Mode::Tunnel,
            replay_window: 1024,
            life: ChildLife::default(),
            leeway: adit_model::connection::Leeway::default(),
            carriage: adit_model::carriage::Carriage::default(),
        }],
        dpd_delay: core::time::Duration::from_secs(30),
        retransmit: Retransmit::default(),
        window: 1,
        local_interface: None,
        protection: adit_model::connection::Protection::default(),
        interface: None,
        monitor: None,
        force_encap: false,
        inner: adit_model::inner::InnerAddresses::default(),
        ppk: None,
        mobike: false,
        remote_port: 500,
        life: Life::default(),
    }
}

pub fn west() -> Connection {
    connection("west.lab", "east.lab")
}

pub fn east() -> Connection {
    connection("east.lab", "west.lab")
}

pub fn asked_ids() -> Asked {
    Asked {
        local_id: Some("west.lab".parse().unwrap()),
        remote_id: Some("east.lab".parse().unwrap()),
        ..Asked::default()
    }
}
