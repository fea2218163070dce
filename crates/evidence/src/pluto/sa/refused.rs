//! What a state was refused, what it refuses, and in which words.

use core::net::IpAddr;

use adit_model::event::{Asked, Happening, MessageInfo};
use adit_model::identity::Identity;
use adit_model::proposal::{TransformKind, closest_difference};
use adit_model::reason::Refusal;
use adit_model::selector::Selector;

use super::super::said::Notify;
use super::super::value::unknown_identity;
use super::{Around, Sa};

const PSK: u8 = 2;
const RSA: u8 = 1;
const NO_PROPOSAL_CHOSEN: u16 = 14;
const PAYLOAD_MALFORMED: u16 = 16;
const INVALID_ID_INFORMATION: u16 = 18;
const INVALID_HASH_INFORMATION: u16 = 23;
const AUTHENTICATION_FAILED: u16 = 24;
const TS_UNACCEPTABLE: u16 = 38;

impl Sa {
    /// An error of IKEv1. It names no message; which one it is about follows from how far things got.
    pub(super) fn told_v1(
        &mut self,
        notify: Notify,
        _protected: Option<bool>,
        around: Around,
    ) -> Vec<Happening> {
        let (number, name) = notify;
        if self.told == Some(number) {
            return Vec::new();
        }
        self.told = Some(number);
        self.v1 = true;
        let child = self.child || self.up || around.child_asked;
        let what = if child {
            self.child_name()
        } else if self.reached_authentication() {
            self.authentication()
        } else {
            self.first_exchange()
        };
        let came = MessageInfo {
            exchange: "INFORMATIONAL_V1".to_owned(),
            message_id: 0,
            response: false,
            payloads: vec![format!("N({name})")],
            octets: 0,
        };
        vec![
            Happening::Received(came),
            self.peer_refused(what, number, name, child),
        ]
    }

    pub(super) fn told_v2(
        &mut self,
        notify: Notify,
        exchange: Option<&'static str>,
    ) -> Vec<Happening> {
        let (number, name) = notify;
        if self.told == Some(number) {
            return Vec::new();
        }
        self.told = Some(number);
        let exchange = exchange.unwrap_or(match self.last_sent {
            Some((name, _)) => name,
            None => "IKE_SA_INIT",
        });
        match exchange {
            "IKE_SA_INIT" => vec![Happening::UnprotectedNotify {
                notify: number,
                name: name.to_owned(),
                version: 2,
            }],
            "CHILD" | "CREATE_CHILD_SA" => {
                let what = self.child_name();
                vec![self.peer_refused(what, number, name, true)]
            }
            "IKE_AUTH" if number == AUTHENTICATION_FAILED => {
                vec![self.peer_refused("IKE_AUTH".to_owned(), number, name, false)]
            }
            "IKE_AUTH" => {
                let what = self.child_name();
                vec![self.peer_refused(what, number, name, true)]
            }
            _ => Vec::new(),
        }
    }

    pub(super) fn peer_refused(
        &self,
        what: String,
        number: u16,
        name: &str,
        child: bool,
    ) -> Happening {
        Happening::PeerRefused {
            what,
            notify: number,
            name: name.to_owned(),
            data: String::new(),
            asked: Asked {
                proposals: if child {
                    self.configured_esp.clone()
                } else {
                    self.configured.clone()
                },
                remote_id: self.their_id.clone(),
                ..Asked::default()
            },
        }
    }

    /// We send an error. Its reason was told before, or the log begins after it: then the notify and the state tell it, as
    /// far as they can.
    pub(super) fn sending(
        &mut self,
        notify: Notify,
        exchange: Option<&'static str>,
        protected: Option<bool>,
        around: Around,
    ) -> Vec<Happening> {
        if self.refused {
            return Vec::new();
        }
        let (number, _) = notify;
        if number == AUTHENTICATION_FAILED
            && !self.child
            && let Some(id) = self.their_id.as_ref().filter(|id| is_named_address(id))
        {
            // Its certificate holds an address as an address, and no name of that text.
            let refusal = Refusal::PeerIdentity {
                received: id.clone(),
                expected: Vec::new(),
            };
            return vec![self.refuse(self.authentication(), refusal)];
        }
        let child = self.child || self.up || around.child_asked;
        let auth = self.reached_authentication();
        let refusal = match number {
            INVALID_ID_INFORMATION if child => {
                let (ours, theirs) = (self.ts_ours.clone(), self.ts_theirs.clone());
                return vec![self.traffic_refused(ours, theirs)];
            }
            INVALID_ID_INFORMATION if auth => {
                let refusal = Refusal::PeerIdentity {
                    received: self.their_id.clone().unwrap_or_else(unknown_identity),
                    expected: Vec::new(),
                };
                return vec![self.refuse(self.authentication(), refusal)];
            }
            TS_UNACCEPTABLE => {
                let (ours, theirs) = (self.ts_ours.clone(), self.ts_theirs.clone());
                return vec![self.traffic_refused(ours, theirs)];
            }
            // The state has a connection, so proposals were compared. Without one, in IKEv1, and for a CHILD SA's rekeying
            // it may be for something else: then it is a sign only.
            NO_PROPOSAL_CHOSEN if exchange == Some("IKE_SA_INIT") && self.name.is_some() => {
                let refusal = self.no_ike_proposal();
                return vec![self.refuse(self.first_exchange(), refusal)];
            }
            NO_PROPOSAL_CHOSEN
                if !self.v1 && (exchange == Some("IKE_AUTH") || (child && protected.is_none())) =>
            {
                self.no_esp_proposal()
            }
            INVALID_HASH_INFORMATION if !child => return self.wrong_key(true),
            PAYLOAD_MALFORMED if auth && !child && self.v1 => return self.wrong_key(true),
            _ => return Vec::new(),
        };
        vec![self.refuse(self.child_name(), refusal)]
    }

    /// The messages that carry identities are under way, or have come.
    pub(super) fn reached_authentication(&self) -> bool {
        self.seen.iter().any(|((name, _), _)| {
            matches!(*name, "MR2" | "MI3" | "MR3" | "AR1" | "AI2" | "IKE_AUTH")
        })
    }

    pub(super) fn wrong_key(&mut self, psk: bool) -> Vec<Happening> {
        let claimed = self.their_id.clone().unwrap_or_else(unknown_identity);
        let method = if psk { PSK } else { RSA };
        let refusal = Refusal::AuthValue { claimed, method };
        vec![self.refuse(self.authentication(), refusal)]
    }

    pub(super) fn traffic_refused(
        &mut self,
        ours: Vec<Selector>,
        theirs: Vec<Selector>,
    ) -> Happening {
        let refusal = Refusal::TrafficSelectors {
            offered_local: ours,
            offered_remote: theirs,
            configured_local: Vec::new(),
            configured_remote: Vec::new(),
        };
        self.refuse(self.child_name(), refusal)
    }

    pub(super) fn no_ike_proposal(&self) -> Refusal {
        Refusal::NoIkeProposal {
            offered: self.offered.clone(),
            configured: self.configured.clone(),
            differs: closest_difference(&self.configured, &self.offered, true),
        }
    }

    pub(super) fn no_esp_proposal(&self) -> Refusal {
        let (configured, offered) = (&self.configured_esp, &self.offered);
        let mut differs = closest_difference(configured, offered, false);
        // Our list may be the one of IKE_AUTH, which names no group: what fits it and is refused differs in the group.
        if differs.is_empty() && !configured.is_empty() && !offered.is_empty() {
            differs.push(TransformKind::KeyExchange);
        }
        Refusal::NoEspProposal {
            offered: offered.clone(),
            configured: configured.clone(),
            differs,
        }
    }

    /// Each transform of phase 1 that is told of was refused, and nothing was answered: several are enough to say that all
    /// were.
    pub(crate) fn refused_all(&mut self) -> Option<Happening> {
        // A responder refuses one after the other until it finds one. Of a log that shows the exchange, as many must be
        // shown; where nothing but refusals was quoted, they are what failed.
        let several = if self.seen.is_empty() && !self.begun {
            1
        } else {
            3
        };
        let answered = self
            .seen
            .iter()
            .any(|((name, _), _)| matches!(*name, "MR1" | "AR1"));
        if self.offered.len() < several || answered || self.refused || self.child || self.up {
            return None;
        }
        self.v1 = true;
        let refusal = self.no_ike_proposal();
        Some(self.refuse(self.first_exchange(), refusal))
    }

    /// What was sent to the peer stands in a line of its own, if anything was.
    pub(super) fn refuse(&mut self, what: String, refusal: Refusal) -> Happening {
        self.refused = true;
        self.begun = true;
        Happening::Refused {
            what,
            refusal,
            notify: None,
        }
    }

    /// The first exchange, as refusals name it.
    pub(super) fn first_exchange(&self) -> String {
        if self.v1 {
            "IKEv1 phase 1".to_owned()
        } else {
            "IKE_SA_INIT".to_owned()
        }
    }

    pub(super) fn authentication(&self) -> String {
        if self.v1 {
            "IKEv1 authentication".to_owned()
        } else {
            "IKE_AUTH".to_owned()
        }
    }

    pub(super) fn child_base(&self) -> String {
        self.name.clone().unwrap_or_else(|| "(unnamed)".to_owned())
    }

    pub(super) fn child_name(&self) -> String {
        let mark = if self.replaces { " (rekeying)" } else { "" };
        format!("CHILD_SA {}{mark}", self.child_base())
    }
}

/// `@192.0.2.1`: a host name whose text is an address.
fn is_named_address(id: &Identity) -> bool {
    matches!(id, Identity::Fqdn(name) if name.trim_start_matches('@').parse::<IpAddr>().is_ok())
}
