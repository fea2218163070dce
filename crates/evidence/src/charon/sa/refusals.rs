//! What an IKE SA's lines tell of a refusal, as one value with both sides' lists.

use adit_model::event::Happening;
use adit_model::identity::Identity;
use adit_model::proposal::{Proposal, TransformKind, closest_difference};
use adit_model::reason::{CertificateProblem, Refusal};
use adit_wire::iana::NotifyType;

use super::{Loaded, PSK, SIGNATURE, Sa, unknown_identity};

impl Sa {
    pub(super) fn no_ike_proposal(&self) -> Happening {
        let (offered, configured) = (&self.ike.received, &self.ike.configured);
        self.refused(
            self.first(),
            Refusal::NoIkeProposal {
                offered: offered.clone(),
                configured: configured.clone(),
                differs: self.differs(configured, offered, true),
            },
            NotifyType::NO_PROPOSAL_CHOSEN,
        )
    }

    pub(super) fn no_child_proposal(&self) -> Happening {
        let (offered, configured) = (&self.esp.received, &self.esp.configured);
        let ke = self.exchange.as_deref() != Some("IKE_AUTH");
        self.refused(
            self.child_name(),
            Refusal::NoEspProposal {
                offered: offered.clone(),
                configured: configured.clone(),
                differs: self.differs(configured, offered, ke),
            },
            NotifyType::NO_PROPOSAL_CHOSEN,
        )
    }

    /// Proposals were compared in this exchange, and none fits.
    pub(crate) fn none_fits(&self) -> bool {
        self.lacks.is_some()
    }

    /// The refusal that a comparison without a fit leads to.
    pub(crate) fn unfit(&self, ike: bool) -> Happening {
        if ike {
            self.no_ike_proposal()
        } else {
            self.no_child_proposal()
        }
    }

    /// In what the two lists differ; where one isn't in the log, what the comparison said of it.
    fn differs(
        &self,
        configured: &[Proposal],
        offered: &[Proposal],
        ke: bool,
    ) -> Vec<TransformKind> {
        if configured.is_empty() || offered.is_empty() {
            return self.lacks.into_iter().collect();
        }
        closest_difference(configured, offered, ke)
    }

    /// No connection for the two identities: which of them is the unknown one, as far as the loaded connections tell.
    pub(super) fn no_peer_config(&self, loaded: &Loaded) -> Refusal {
        let received = self.their_id.clone().unwrap_or_else(unknown_identity);
        if !loaded.theirs.is_empty() && !loaded.theirs.contains(&received) {
            return Refusal::PeerIdentity {
                received,
                expected: loaded.theirs.clone(),
            };
        }
        if let Some(requested) = &self.our_id
            && !loaded.ours.is_empty()
            && !loaded.ours.contains(requested)
        {
            return Refusal::OurIdentity {
                requested: requested.clone(),
                ours: loaded.ours.clone(),
            };
        }
        Refusal::PeerIdentity {
            received,
            expected: Vec::new(),
        }
    }

    /// The peer's certificate isn't trusted; or certificates aren't what this side wants at all.
    pub(super) fn no_public_key(
        &self,
        theirs: Option<Identity>,
        kind: &str,
        loaded: &Loaded,
    ) -> Refusal {
        const RSA: u8 = 1;
        const ECDSA: u8 = 9;
        let wants_psk = loaded
            .their_class
            .as_deref()
            .is_some_and(|class| class.contains("pre-shared"));
        if wants_psk {
            return Refusal::AuthMethod {
                received: u16::from(match kind {
                    "RSA" => RSA,
                    "ECDSA" => ECDSA,
                    _ => SIGNATURE,
                }),
                expected: u16::from(PSK),
            };
        }
        let peer = theirs
            .or_else(|| self.their_id.clone())
            .unwrap_or_else(unknown_identity);
        // A subject as a whole is an identity that its certificate has without a further name.
        let by_name = matches!(
            peer,
            Identity::Fqdn(_) | Identity::Email(_) | Identity::Address(_)
        );
        let problem = match self.certificate {
            Some(problem) => problem,
            None if self.untried && by_name => CertificateProblem::Name,
            None => CertificateProblem::Unknown,
        };
        Refusal::Certificate {
            peer,
            problem,
            detail: None,
        }
    }

    pub(super) fn not_authenticated(&self, refusal: Refusal) -> Happening {
        self.refused(
            "IKE_AUTH".to_owned(),
            refusal,
            NotifyType::AUTHENTICATION_FAILED,
        )
    }

    pub(super) fn refused(&self, what: String, refusal: Refusal, notify: NotifyType) -> Happening {
        Happening::Refused {
            what,
            refusal,
            notify: Some(notify.to_string()),
        }
    }
}
