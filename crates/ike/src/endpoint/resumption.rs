//! An IKE_SESSION_RESUME request: somebody would go on with a ticket of an IKE SA from before (RFC 5723). There are no
//! tickets of ours, and who is told so at once doesn't wait in vain and begins with IKE_SA_INIT (4.3.2).

use adit_model::Now;
use adit_model::drops::DropReason;
use adit_model::event::{Happening, Role};
use adit_model::feature::Feature;
use adit_model::reason::Refusal;
use adit_wire::iana::{ExchangeType, NotifyType};
use adit_wire::v2::{Flags, Header, IkeSpi};

use super::Endpoint;
use crate::head::Incoming;
use crate::notify;
use crate::output::Subject;
use crate::v2::init_answer;

impl Endpoint {
    pub(super) fn resumption_asked(&mut self, now: Now, incoming: &Incoming<'_>) {
        let (header, path) = (incoming.message.header, incoming.path);
        let refusal = Refusal::Unsupported {
            what: Feature::SessionResumption,
        };
        let reason = DropReason::IkeUnexpectedExchange;
        self.drop(now, path, reason, refusal.to_string());
        // With a nonce and a ticket it is longer than what is answered.
        let payloads = &incoming.message.payloads;
        let whole = payloads.nonce().is_some()
            && payloads.notify(NotifyType::TICKET_OPAQUE).is_some()
            && header.flags.initiator
            && !header.spi_i.is_zero()
            && header.message_id == 0;
        let known = !init_answer::candidates(&mut self.connections.values(), path).is_empty();
        if !whole || !known || !self.answers.allow(now.mono) {
            return;
        }
        let told = notify::for_refusal(&refusal, header.exchange);
        let what = Happening::Refused {
            what: header.exchange.to_string(),
            refusal,
            notify: told.as_ref().map(|n| n.kind.to_string()),
        };
        let subject = Subject {
            role: Some(Role::Responder),
            local: Some(path.local),
            remote: Some(path.remote),
            ..Subject::default()
        };
        self.desk.out.event(now, &subject, what);
        let answer = Header::v2(
            header.spi_i,
            IkeSpi::ZERO,
            ExchangeType::IKE_SESSION_RESUME,
            Flags::new(false, true),
            0,
        );
        if let Some(told) = told {
            self.say(&answer, told, path);
        }
    }
}
