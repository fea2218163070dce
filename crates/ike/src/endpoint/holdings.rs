//! How much an endpoint holds.

use super::Endpoint;
use crate::v2::Phase;

/// What an endpoint holds, in numbers: what piles up over months shows here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Holdings {
    /// IKE SAs, also those that are being set up, or only remembered for a peer that missed our last answer.
    pub ike_sas: usize,
    /// CHILD SAs.
    pub child_sas: usize,
    /// Our requests to peers that wait for answers.
    pub requests: usize,
    /// Answers that are kept for peers that ask again (RFC 7296 2.1).
    pub answers: usize,
    /// IKE SPIs in use, or spoken for.
    pub ike_spis: usize,
    /// ESP SPIs in use, or spoken for.
    pub esp_spis: usize,
    /// Pairs of the data plane, as the endpoint knows them.
    pub pairs: usize,
    /// Deadlines.
    pub timers: usize,
    /// What else refers to an IKE SA: questions to the key holder, first requests, IKE SAs that come in another one's
    /// place.
    pub references: usize,
}

impl Endpoint {
    /// How much there is of everything.
    #[must_use]
    pub fn holdings(&self) -> Holdings {
        let mut held = Holdings {
            ike_sas: self.sas.len(),
            ike_spis: self.desk.spis.len().0,
            esp_spis: self.desk.spis.len().1,
            pairs: self.desk.pairs.len(),
            timers: self.timers.len(),
            references: self.key_requests.len()
                + self.first_requests.len()
                + self.reauthentications.len(),
            ..Holdings::default()
        };
        for phase in self.sas.values() {
            let secured = match phase {
                Phase::Established(p) => {
                    held.child_sas += p.children.len();
                    &p.secured
                }
                Phase::Closing(p) => &p.secured,
                _ => continue,
            };
            held.requests += secured.pending.len();
            held.answers += secured.replies.kept();
        }
        held
    }
}
