//! `diagnose debug application ike` of FortiOS: which phase it is whose proposals aren't accepted.

use adit_model::fact::Fact;
use adit_model::sign::Sign;

use super::sign;
use crate::reading::Place;
use crate::text::Line;

/// The protocol of the proposal that was printed last.
#[derive(Debug, Default)]
pub(crate) struct FortigateIke {
    proposal: Option<Protocol>,
}

#[derive(Clone, Copy, Debug)]
enum Protocol {
    Ike,
    Esp,
}

impl FortigateIke {
    /// The next line: `ike 0:NAME: protocol = ESP:`, `ike 0:NAME: no proposal chosen`.
    pub(super) fn line(
        &mut self,
        line: &Line<'_>,
        place: &dyn Fn() -> Place,
        facts: &mut Vec<Fact>,
    ) {
        let Some((_, said)) = line.body.split_once("ike ").filter(|(_, said)| {
            said.starts_with(|c: char| c.is_ascii_digit()) || said.starts_with("V=")
        }) else {
            return;
        };
        if let Some((_, protocol)) = said.split_once("protocol = ") {
            self.proposal = if protocol.starts_with("ESP") {
                Some(Protocol::Esp)
            } else if protocol.starts_with("IKE") || protocol.starts_with("ISAKMP") {
                Some(Protocol::Ike)
            } else {
                None
            };
            return;
        }
        let refused = [
            "peer SA proposal not match local policy",
            "no matching proposal",
            "no proposal chosen",
            "no SA proposal chosen",
        ];
        if refused.iter().any(|words| said.contains(words)) {
            let said = match self.proposal.take() {
                Some(Protocol::Esp) => Sign::EspProposalRefused,
                Some(Protocol::Ike) => Sign::IkeProposalsRefused,
                None => return,
            };
            facts.push(sign(place(), said, &[]));
        } else if said.contains("matched proposal") || said.contains("received ") {
            // The next message, or a proposal that was taken.
            self.proposal = None;
        }
    }
}
