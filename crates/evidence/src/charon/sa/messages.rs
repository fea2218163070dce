//! What messages do to an IKE SA: those that came and went, those repeated, and the errors they carry.

use core::net::SocketAddr;

use adit_model::event::{Asked, Happening, MessageInfo, Party, Role};
use adit_model::now::Wall;
use adit_model::phase::Phase;
use adit_model::reason::Refusal;
use adit_wire::iana::{NotifyType, V1NotifyType};

use super::{Around, PSK, Sa, unknown_identity};

impl Sa {
    pub(super) fn datagram(
        &mut self,
        received: bool,
        from: Option<SocketAddr>,
        to: Option<SocketAddr>,
        octets: usize,
    ) -> Vec<Happening> {
        const NAT_T: u16 = 4500;
        let peer = if received { from } else { to };
        self.remote = peer.or(self.remote);
        let own = if received { to } else { from };
        self.local = own.map(|own| own.ip()).or(self.local);
        if received {
            self.octets = octets;
        } else {
            self.sent_octets = octets;
        }
        let moved = [from, to].iter().flatten().any(|e| e.port() == NAT_T);
        if moved && !self.floated {
            self.floated = true;
            return vec![Happening::Floated];
        }
        Vec::new()
    }

    pub(super) fn packet(
        &mut self,
        received: bool,
        message: MessageInfo,
        around: &Around<'_>,
    ) -> Vec<Happening> {
        let request = !message.response;
        self.hashed = message.payloads.first().is_some_and(|p| p == "HASH");
        self.told = None;
        self.child_deleted = false;
        (self.lacks, self.fits) = (None, false);
        self.answering = received && request;
        self.v1 |= matches!(
            message.exchange.as_str(),
            "ID_PROT" | "AGGRESSIVE" | "QUICK_MODE" | "INFORMATIONAL_V1" | "TRANSACTION"
        );
        if self.answering {
            self.ike.received.clear();
            self.ike.configured.clear();
            self.esp.received.clear();
            self.esp.configured.clear();
        }
        if received && request && opening(&message) {
            self.role = self.role.or(Some(Role::Responder));
        }
        if !received && !request && message.phase() == Some(Phase::First) {
            self.role = self.role.or(Some(Role::Responder));
        }
        if !received && request {
            self.asked_address = message.exchange == "TRANSACTION"
                && message.payloads.iter().any(|p| p.starts_with("CPRQ(ADDR"));
            if opening(&message) {
                self.role = self.role.or(Some(Role::Initiator));
                self.proven = None;
            }
            if self.v1 && message.phase() == Some(Phase::Authentication) {
                self.proven = Some(message.payloads.iter().any(|p| p == "HASH"));
            }
            // No window is larger, and a log of years must not fill memory.
            const REMEMBERED: usize = 16;
            while self.requests.len() >= REMEMBERED {
                self.requests.pop_first();
            }
            self.requests
                .insert(message.message_id, (step(&message), around.at));
            self.repeated = None;
            self.last_request = Some(message.message_id);
        }
        // An error that comes as a message of its own is about the exchange before it.
        let informational = message.exchange.starts_with("INFORMATIONAL");
        if !informational {
            self.exchange = Some(message.exchange.clone());
            if request {
                self.rekeying = message.payloads.iter().any(|p| p == "N(REKEY_SA)");
            }
        }
        let errors: Vec<NotifyType> = message
            .payloads
            .iter()
            .filter_map(|p| crate::charon::value::notify(p.strip_prefix("N(")?.strip_suffix(')')?))
            .filter(|n| n.0 < FIRST_STATUS)
            .collect();
        let cookie = message.payloads.iter().any(|p| p == "N(COOKIE)");
        if !received {
            // In phase 1 of IKEv1 keys are made of the pre-shared key: what they don't decrypt was encrypted with another.
            let nonsense = core::mem::take(&mut self.undecipherable)
                && message.exchange == "INFORMATIONAL_V1"
                && errors.contains(&NotifyType(PAYLOAD_MALFORMED))
                && !self.established;
            let mut out = vec![Happening::Sent(message)];
            if nonsense {
                let claimed = self.their_id.clone().unwrap_or_else(unknown_identity);
                out.push(self.not_authenticated(Refusal::AuthValue {
                    claimed,
                    method: PSK,
                }));
            }
            return out;
        }
        self.undecipherable = false;
        let asks_cookie = cookie && message.response;
        let mut out = vec![Happening::Received(message)];
        if asks_cookie {
            out.push(Happening::Cookie { by: Party::Peer });
        }
        if !request || informational {
            out.extend(errors.into_iter().filter_map(|n| self.told(n, false)));
        }
        out
    }

    /// The peer sent an error. It stands in the list of payloads and in words; it is told once.
    pub(super) fn told(&mut self, notify: NotifyType, child: bool) -> Option<Happening> {
        // Another group is only asked for; that has its own words.
        if self.told == Some(notify) || notify == NotifyType::INVALID_KE_PAYLOAD {
            return None;
        }
        self.told = Some(notify);
        let authentication = notify == NotifyType::AUTHENTICATION_FAILED;
        let child = child
            || match self.exchange.as_deref() {
                Some("CREATE_CHILD_SA" | "QUICK_MODE") => true,
                Some("IKE_AUTH") => !authentication,
                // What comes protected, after the keys were made, isn't about the first proposals.
                _ if self.hashed && notify == NotifyType::NO_PROPOSAL_CHOSEN => true,
                _ => self.established && !authentication,
            };
        let lists = if child { &self.esp } else { &self.ike };
        // What phase 1 of IKEv1 says of an identity and its proof (RFC 2408 3.14.1).
        let of_identity = match notify.0 {
            INVALID_ID_INFORMATION => self.proven.is_some(),
            PAYLOAD_MALFORMED | INVALID_HASH_INFORMATION => self.proven == Some(true),
            _ => false,
        };
        let what = if self.asked_address && self.exchange.as_deref() == Some("TRANSACTION") {
            "IKEv1 mode config".to_owned()
        } else if child {
            self.child_name()
        } else if of_identity {
            "IKEv1 authentication".to_owned()
        } else if authentication || self.exchange.as_deref() == Some("IKE_AUTH") {
            "IKE_AUTH".to_owned()
        } else {
            self.first()
        };
        Some(Happening::PeerRefused {
            what,
            notify: notify.0,
            name: self.name_of(notify),
            data: String::new(),
            asked: Asked {
                proposals: lists.configured.clone(),
                ts_local: self.ts_ours.clone(),
                ts_remote: self.ts_theirs.clone(),
                local_id: self.our_id.clone(),
                remote_id: self.their_id.clone(),
                auth: None,
            },
        })
    }

    /// The name of an error; IKEv1 has some that IKEv2 hasn't.
    fn name_of(&self, notify: NotifyType) -> String {
        match V1NotifyType(notify.0).known_name() {
            Some(name) if self.v1 && notify.known_name().is_none() => name.to_owned(),
            _ => notify.to_string(),
        }
    }

    pub(super) fn gave_up(&mut self, retransmits: u32, at: Option<Wall>) -> Vec<Happening> {
        let (message_id, exchange, since) = match self.repeated.take() {
            Some(step) => (0, step.to_owned(), None),
            None => self.request(None),
        };
        let waited_ms = match (since, at) {
            (Some(since), Some(at)) => at.0.saturating_sub(since.0),
            _ => 0,
        };
        let mut out = vec![Happening::GaveUp {
            exchange,
            message_id,
            transmissions: retransmits.saturating_add(1),
            waited_ms,
        }];
        if self.established {
            out.extend(self.close(Party::Us, "dead-peer"));
        }
        out
    }

    /// A request of ours: its ID, its exchange, its first transmission.
    pub(super) fn request(&self, id: Option<u32>) -> (u32, String, Option<Wall>) {
        let id = id.or(self.last_request);
        let known = id.and_then(|id| self.requests.get(&id));
        let exchange = known.map_or_else(
            // A log that begins in the middle: IKEv2 counts from the first exchange.
            || match id {
                Some(1) if !self.v1 && !self.established => "IKE_AUTH".to_owned(),
                Some(0) | None if !self.v1 && !self.established => "IKE_SA_INIT".to_owned(),
                _ => "unknown".to_owned(),
            },
            |(exchange, _)| exchange.clone(),
        );
        (id.unwrap_or(0), exchange, known.and_then(|(_, at)| *at))
    }
}

/// Errors of IKEv1 (RFC 2408 3.14.1).
const PAYLOAD_MALFORMED: u16 = 16;
const INVALID_ID_INFORMATION: u16 = 18;
const INVALID_HASH_INFORMATION: u16 = 23;

/// Status notifies have numbers from here on (RFC 7296 3.10.1).
const FIRST_STATUS: u16 = 16_384;

/// The exchange of a request, or which message of IKEv1's mode it is.
fn step(message: &MessageInfo) -> String {
    match (message.exchange.as_str(), message.phase()) {
        ("ID_PROT", Some(Phase::First)) => "MI1",
        ("ID_PROT", Some(Phase::Keys)) => "MI2",
        ("ID_PROT", Some(Phase::Authentication)) => "MI3",
        ("AGGRESSIVE", Some(Phase::First)) => "AI1",
        ("AGGRESSIVE", Some(Phase::Authentication)) => "AI2",
        (exchange, _) => exchange,
    }
    .to_owned()
}

/// Whether a message opens an IKE SA.
pub(crate) fn opening(message: &MessageInfo) -> bool {
    !message.response
        && match message.exchange.as_str() {
            "IKE_SA_INIT" => true,
            "ID_PROT" | "AGGRESSIVE" => message.payloads.first().is_some_and(|p| p == "SA"),
            _ => false,
        }
}
