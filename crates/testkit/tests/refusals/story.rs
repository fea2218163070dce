//! A refusal as it stands in the events of the side that refused, and in those of the other.

use std::net::SocketAddr;

use adit_model::event::{Asked, Event, Happening, MessageInfo, Party, Role};
use adit_model::fact::{Case, Fact, Side};
use adit_model::feature::Feature;
use adit_model::proposal::{Proposal, SaKind, Suite};
use adit_model::reason::Refusal;
use adit_model::selector::Selector;
use adit_model::{Mono, Now, Wall};
use adit_wire::v2::Notify;

use crate::Row;

const WEST: &str = "192.0.2.1";
const EAST: &str = "192.0.2.2";

struct Story {
    case: Case,
    role: Role,
    seconds: u64,
}

pub fn ike(text: &str) -> Proposal {
    Proposal::parse(text, SaKind::Ike).unwrap()
}

pub fn esp(text: &str) -> Proposal {
    Proposal::parse(text, SaKind::Esp).unwrap()
}

fn suite(proposal: &Proposal) -> Suite {
    adit_model::proposal::choose(
        std::slice::from_ref(proposal),
        std::slice::from_ref(proposal),
        true,
    )
    .unwrap()
    .2
}

impl Story {
    fn new(role: Role) -> Self {
        let mut story = Self {
            case: Case {
                subject: "site".into(),
                ..Case::default()
            },
            role,
            seconds: 1_000,
        };
        story
            .case
            .products
            .insert(Side::Local, adit_model::product::Product::Adit);
        story
    }

    fn tell(&mut self, what: Happening) {
        self.seconds += 1;
        let address = |a: &str| SocketAddr::new(a.parse().unwrap(), 500);
        let (local, remote) = match self.role {
            Role::Initiator => (WEST, EAST),
            Role::Responder => (EAST, WEST),
        };
        let event = Event {
            at: Now {
                mono: Mono(self.seconds * 1_000_000_000),
                wall: Wall(self.seconds * 1_000),
            },
            connection: Some("site".into()),
            role: Some(self.role),
            local: Some(address(local)),
            remote: Some(address(remote)),
            what,
        };
        let line = self.seconds - 1_000;
        let source = format!("{local} events");
        self.case
            .facts
            .push(Fact::from_event(&event, Side::Local, &source, line));
    }

    /// A request and its answer, as this side sees it.
    fn exchange(&mut self, name: &str) {
        let message = |response| MessageInfo {
            exchange: name.into(),
            message_id: 0,
            response,
            payloads: Vec::new(),
            octets: 240,
        };
        match self.role {
            Role::Initiator => {
                self.tell(Happening::Sent(message(false)));
                self.tell(Happening::Received(message(true)));
            }
            Role::Responder => {
                self.tell(Happening::Received(message(false)));
                self.tell(Happening::Sent(message(true)));
            }
        }
    }

    /// Everything that went well before.
    fn until(&mut self, row: &Row) {
        let first = ["IKE_SA_INIT", "IKE_SESSION_RESUME"];
        if self.role == Role::Initiator {
            self.tell(Happening::Initiating {
                proposals: vec![ike("aes128gcm16-prfsha256-x25519")],
            });
        }
        self.exchange("IKE_SA_INIT");
        if first.contains(&row.about) {
            return;
        }
        self.tell(Happening::NatDetection {
            local_behind_nat: false,
            remote_behind_nat: false,
            peer_supports: true,
        });
        let agreed = suite(&ike("aes128gcm16-prfsha256-x25519"));
        self.tell(Happening::IkeProposalChosen { suite: agreed });
        if row.about == "IKE_INTERMEDIATE" {
            return self.exchange(row.about);
        }
        self.exchange("IKE_AUTH");
        if row.about == "IKE_AUTH" {
            return;
        }
        self.tell(Happening::IkeEstablished {
            local_id: "west.lab".parse().unwrap(),
            remote_id: "east.lab".parse().unwrap(),
            suite: agreed,
            spis: (1, 2),
        });
        let later = row.about.contains("rekeying") || !row.about.starts_with("CHILD_SA");
        if later {
            let nets = |text: &str| vec![text.parse().unwrap()];
            self.tell(Happening::ChildEstablished {
                child: "lan".into(),
                spi_in: 0x1000,
                spi_out: 0x2000,
                suite: suite(&esp("aes128gcm16")),
                ts_local: nets("10.1.0.0/24"),
                ts_remote: nets("10.2.0.0/24"),
                narrowed: false,
                udp_encap: false,
            });
        }
    }

    fn end(mut self, by: Party) -> Case {
        self.tell(Happening::IkeClosed {
            by,
            cause: "failed".into(),
        });
        self.case
    }
}

/// The evidence of the side that refused.
pub fn refusing(row: &Row) -> Case {
    let mut story = Story::new(row.by);
    story.until(row);
    story.tell(Happening::Refused {
        what: row.about.into(),
        refusal: row.refusal.clone(),
        notify: row
            .told
            .split(' ')
            .next()
            .filter(|name| *name != "-")
            .map(str::to_owned),
    });
    story.end(Party::Us)
}

/// The evidence of the other side, which knows the notify only.
pub fn refused(row: &Row, notify: &Notify) -> Case {
    let role = match row.by {
        Role::Initiator => Role::Responder,
        Role::Responder => Role::Initiator,
    };
    let mut story = Story::new(role);
    story.until(row);
    story.tell(Happening::PeerRefused {
        what: row.about.into(),
        notify: notify.kind.0,
        name: notify.kind.to_string(),
        data: notify.data.iter().map(|o| format!("{o:02x}")).collect(),
        asked: Asked {
            local_id: Some("west.lab".parse().unwrap()),
            remote_id: Some("east.lab".parse().unwrap()),
            ts_local: asked(row, "10.1.0.0/24", WEST),
            ts_remote: asked(row, "10.2.0.0/24", EAST),
            ..Asked::default()
        },
    });
    story.end(Party::Us)
}

/// The traffic that was asked for: the hosts themselves where the mode is what was refused.
fn asked(row: &Row, network: &str, host: &str) -> Vec<Selector> {
    let hosts = matches!(
        row.refusal,
        Refusal::Mode { .. }
            | Refusal::Unsupported {
                what: Feature::TransportBehindNat
            }
    );
    let text = if hosts { host } else { network };
    vec![text.parse().unwrap()]
}
