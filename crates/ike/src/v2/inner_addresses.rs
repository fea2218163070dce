//! Addresses inside the tunnel of an IKE SA that is up (RFC 7296 2.19): those that the peer may use, and those that it
//! gave us.

use std::sync::Arc;

use adit_model::drops::DropReason;
use adit_model::event::Happening;
use adit_model::reason::AddressProblem;
use adit_wire::iana::CfgType;
use adit_wire::v2::PayloadList;

use crate::cx::Cx;
use crate::lease::Lease;
use crate::output::Output;
use crate::snapshot::Inner;
use crate::v2::config_payload;
use crate::v2::established::Established;

impl Established {
    /// The peer may use these addresses inside the tunnel as long as this IKE SA, or one in its place, is up.
    pub fn give(&mut self, cx: &mut Cx<'_>, lease: &Lease) {
        let inner = Inner {
            theirs: lease.addresses.clone(),
            split: lease.split.clone(),
            ..Inner::default()
        };
        self.secured.head.inner = Arc::new(inner);
        self.lease = Some(lease.id);
        let what = Happening::AddressesLeased {
            identity: self.remote_id.clone(),
            addresses: lease.addresses.clone(),
        };
        cx.event(&self.secured.head, what);
    }

    /// They are no longer in use.
    pub fn end_lease(&mut self, cx: &mut Cx<'_>) {
        if let Some(lease) = self.lease.take() {
            cx.desk.out.push(Output::LeaseEnd(lease));
            let what = Happening::AddressesReleased {
                identity: self.remote_id.clone(),
                addresses: self.secured.head.inner.theirs.clone(),
            };
            cx.event(&self.secured.head, what);
        }
    }

    /// Takes the addresses that the peer gives us, if we want some.
    pub fn take_addresses(
        &mut self,
        cx: &mut Cx<'_>,
        answer: &PayloadList,
    ) -> Result<(), AddressProblem> {
        if self.connection().inner.wanted.is_empty() {
            self.unasked_configuration(cx, answer);
            return Ok(());
        }
        let (inner, ignored) = config_payload::given(&self.secured.head, answer)?;
        let what = Happening::AddressesAssigned {
            addresses: inner.ours.clone(),
            dns: inner.dns.clone(),
            split: inner.split.iter().map(ToString::to_string).collect(),
            ignored,
        };
        self.secured.head.inner = Arc::new(inner);
        cx.event(&self.secured.head, what);
        Ok(())
    }

    /// Configuration that nobody asked for is counted and has no effect (RFC 7296 3.15).
    pub fn unasked_configuration(&self, cx: &mut Cx<'_>, payloads: &PayloadList) {
        let set = payloads.cp().filter(|cp| cp.kind != CfgType::CFG_REQUEST);
        if let Some(cp) = set {
            let detail = format!("{} with {} attributes", cp.kind, cp.attributes.len());
            let head = &self.secured.head;
            cx.drop(head, head.path, DropReason::IkeUnaskedConfiguration, detail);
        }
    }
}
