//! How an SA lives: messages that come and are repeated, up, down.

use core::net::SocketAddr;

use adit_model::event::{Happening, Party, Role};
use adit_model::identity::Identity;
use adit_model::phase::Phase;
use adit_model::proposal::Suite;
use adit_model::selector::Selector;

use super::super::said::Notify;
use super::super::step::{self, State, Up};
use super::super::value::{self, unknown_identity};
use super::{Around, Sa, UNKNOWN_SUITE};

/// Status notifies have numbers from here on (RFC 7296 3.10.1).
const FIRST_STATUS: u16 = 16_384;

impl Sa {
    /// A state that status output lists is what it is now, however it came there.
    pub(super) fn listed(
        &mut self,
        state: Option<&State>,
        up: Up,
        repeating: bool,
        around: Around,
    ) -> Vec<Happening> {
        let mut out = match state {
            Some(state) => self.reach(state),
            None => Vec::new(),
        };
        match up {
            Up::Ike => out.extend(self.ike_up(None, None, false)),
            Up::Child if !self.up => {
                out.extend(self.child_up(
                    None,
                    (None, None),
                    (Vec::new(), Vec::new()),
                    false,
                    around,
                ));
            }
            Up::Nothing if repeating => out.extend(self.retransmission()),
            _ => {}
        }
        out
    }

    pub(super) fn child_up(
        &mut self,
        suite: Option<Suite>,
        (spi_in, spi_out): (Option<u32>, Option<u32>),
        (ours, theirs): (Vec<Selector>, Vec<Selector>),
        udp_encap: bool,
        around: Around,
    ) -> Vec<Happening> {
        self.child = true;
        self.begun = true;
        self.up = true;
        self.spi_in = spi_in.unwrap_or(around.serial);
        let known = |told: Vec<Selector>, before: &[Selector]| {
            if told.is_empty() {
                before.to_vec()
            } else {
                told
            }
        };
        vec![Happening::ChildEstablished {
            child: self.child_base(),
            spi_in: self.spi_in,
            spi_out: spi_out.unwrap_or(0),
            suite: suite.unwrap_or(UNKNOWN_SUITE),
            ts_local: known(ours, &self.ts_ours),
            ts_remote: known(theirs, &self.ts_theirs),
            narrowed: false,
            udp_encap,
        }]
    }

    pub(super) fn nat_found(&mut self, us: bool, peer: bool) -> Happening {
        let (a, b) = self.nat.unwrap_or_default();
        let (local_behind_nat, remote_behind_nat) = (a | us, b | peer);
        self.nat = Some((local_behind_nat, remote_behind_nat));
        Happening::NatDetection {
            local_behind_nat,
            remote_behind_nat,
            peer_supports: true,
        }
    }

    pub(super) fn came(
        &mut self,
        exchange: &'static str,
        response: bool,
        payloads: Vec<String>,
        from: Option<SocketAddr>,
        around: Around,
    ) -> Vec<Happening> {
        self.peer = from.or(self.peer);
        self.begun = true;
        let errors: Vec<Notify> = payloads
            .iter()
            .filter_map(|p| value::notify(p.strip_prefix("N(")?.strip_suffix(')')?))
            .filter(|(number, _)| *number < FIRST_STATUS)
            .collect();
        if exchange == "IKE_SA_INIT" {
            self.role = self.role.or(Some(if response {
                Role::Initiator
            } else {
                Role::Responder
            }));
        }
        let mut out = self.message((exchange, response), true, payloads);
        if from.is_some_and(|f| f.port() == 4500) && exchange == "IKE_AUTH" {
            out.extend(self.float());
        }
        if response {
            out.extend(
                errors
                    .into_iter()
                    .flat_map(|notify| self.told_v2(notify, Some(exchange))),
            );
        } else if !around.stopping && exchange == "INFORMATIONAL" {
            // The initiator takes its word back.
            out.extend(
                errors
                    .into_iter()
                    .flat_map(|notify| self.told_v2(notify, Some("IKE_AUTH"))),
            );
        }
        out
    }

    pub(super) fn retransmission(&mut self) -> Vec<Happening> {
        self.attempt += 1;
        let exchange = match self.last_sent {
            _ if self.up && self.v1 && !self.child => "TRANSACTION",
            _ if self.up => "INFORMATIONAL",
            Some((name, _)) => name,
            None => return Vec::new(),
        };
        vec![Happening::Retransmitted {
            exchange: exchange.to_owned(),
            message_id: 0,
            attempt: self.attempt,
        }]
    }

    pub(super) fn gave_up(
        &mut self,
        retransmits: u32,
        waited_ms: u64,
        message: Option<&'static str>,
    ) -> Vec<Happening> {
        // The text of the first message of aggressive mode is the one of main mode.
        let sent = self
            .last_sent
            .map(|(name, _)| name)
            .filter(|name| message.is_none_or(|m| Phase::of(m) == Phase::of(name)));
        let mut out = Vec::new();
        if let Some(state) = message
            .filter(|_| sent.is_none())
            .and_then(|m| step::by_message((m, false)))
        {
            out = self.reach(state);
        }
        let exchange = match (sent, message) {
            _ if self.up => "INFORMATIONAL",
            (Some(name), _) | (None, Some(name)) => name,
            (None, None) => "unknown",
        };
        out.push(Happening::GaveUp {
            exchange: exchange.to_owned(),
            message_id: 0,
            transmissions: retransmits.saturating_add(1),
            waited_ms,
        });
        if self.up && !self.child {
            out.extend(self.close_now(Party::Us, "dead-peer"));
        }
        out
    }

    pub(super) fn ike_up(
        &mut self,
        suite: Option<Suite>,
        peer: Option<Identity>,
        rekeyed: bool,
    ) -> Vec<Happening> {
        self.begun = true;
        self.up = true;
        let suite = suite.or(self.chosen).unwrap_or(UNKNOWN_SUITE);
        let mut out = Vec::new();
        if suite != UNKNOWN_SUITE && self.chosen != Some(suite) {
            out.push(Happening::IkeProposalChosen { suite });
        }
        if !rekeyed {
            out.push(Happening::IkeEstablished {
                local_id: unknown_identity(),
                remote_id: peer
                    .or_else(|| self.their_id.clone())
                    .unwrap_or_else(unknown_identity),
                suite,
                spis: (0, 0),
            });
        }
        out
    }

    /// The state's name says that an SA is up, and a line says that the state is deleted.
    pub(super) fn gone(&mut self, state: Option<&str>, around: Around) -> Vec<Happening> {
        let was_up = self.up
            || state.is_some_and(|name| {
                step::up(name) != Up::Nothing
                    || name.starts_with("established")
                    || name.contains("SA established")
            });
        self.child |= state.is_some_and(step::of_child);
        if around.stopping {
            return self.close(Party::Us, "shutdown", around);
        }
        let cause = if was_up { "deleted" } else { "failed" };
        self.close(Party::Us, cause, around)
    }

    pub(super) fn close(&mut self, by: Party, cause: &str, around: Around) -> Vec<Happening> {
        if self.child {
            let was_up = core::mem::replace(&mut self.up, false);
            if !was_up || core::mem::replace(&mut self.closed, true) {
                return Vec::new();
            }
            return vec![Happening::ChildClosed {
                child: self.child_base(),
                spi_in: self.spi_in,
                by,
            }];
        }
        // An ISAKMP SA of IKEv1 may end while what it agreed on lives on.
        if self.v1 && around.children_up && self.up && by == Party::Us {
            self.closed = true;
            return Vec::new();
        }
        self.close_now(by, if around.replaced { "replaced" } else { cause })
    }

    pub(super) fn close_now(&mut self, by: Party, cause: &str) -> Vec<Happening> {
        if core::mem::replace(&mut self.closed, true) {
            return Vec::new();
        }
        vec![Happening::IkeClosed {
            by,
            cause: cause.to_owned(),
        }]
    }

    /// The daemon is gone, and this IKE SA with it.
    pub(crate) fn lost(&mut self) -> Option<Happening> {
        let was_up = self.up && !self.child && !core::mem::replace(&mut self.closed, true);
        was_up.then(|| Happening::IkeClosed {
            by: Party::Us,
            cause: "shutdown".to_owned(),
        })
    }
}
