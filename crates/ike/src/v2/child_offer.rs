//! The CHILD SA that an initiator asks for in IKE_AUTH, and what the responder makes of it (RFC 7296 1.2, 2.9).

use adit_crypto::Provider;
use adit_model::connection::{self, Mode};
use adit_model::event::Happening;
use adit_model::proposal::{Proposal, SaKind, Suite};
use adit_model::reason::Refusal;
use adit_wire::iana::NotifyType;
use adit_wire::v2::PayloadList;

use crate::cx::Cx;
use crate::describe;
use crate::head::Head;
use crate::secured::Secured;
use crate::v2::child::{self, Agreed, Child, KeySource};
use crate::v2::narrow::{self, Traffic};
use crate::v2::proposals;
use crate::v2::transcript::Transcript;

/// The CHILD SA that IKE_AUTH asks for.
pub(crate) struct ChildOffer {
    pub config: connection::Child,
    pub proposals: Vec<Proposal>,
    pub spi_in: u32,
}

impl ChildOffer {
    /// The first configured child.
    pub fn new(cx: &mut Cx<'_>, head: &Head) -> Result<Self, Refusal> {
        let unusable = |problem: &str| Refusal::Local {
            problem: problem.to_owned(),
        };
        let config = head
            .connection
            .children
            .first()
            .ok_or_else(|| unusable("the connection has no child"))?
            .clone();
        let proposals = offered(cx.provider, &config)?;
        let spi_in = cx.new_esp_spi();
        Ok(Self {
            config,
            proposals,
            spi_in,
        })
    }

    /// Nothing comes of it.
    pub fn release(&self, cx: &mut Cx<'_>) {
        cx.desk.spis.release_esp(self.spi_in);
    }

    /// The CHILD SA that the response agrees to, `None` when the peer refused it, or what is wrong with it.
    pub fn conclude(
        &self,
        cx: &mut Cx<'_>,
        secured: &Secured,
        transcript: &Transcript,
        payloads: &PayloadList,
    ) -> Result<Option<Child>, Refusal> {
        let head = &secured.head;
        if payloads.sa().is_none()
            && let Some(notify) = payloads.error_notify()
        {
            let what = Happening::PeerRefused {
                what: child::title(head, Some(&self.config.name)),
                notify: notify.kind.0,
                name: notify.kind.to_string(),
                data: describe::hex(&notify.data),
                asked: child::asked(&self.config, &self.proposals),
            };
            cx.event(head, what);
            return Ok(None);
        }
        let (suite, spi_out, ts) = accepted(payloads, &self.config, &self.proposals, false)?;
        let (ni, nr) = transcript.nonces(head.role);
        let agreed = Agreed {
            config: &self.config,
            spi_in: self.spi_in,
            spi_out,
            suite,
            ts,
            replaces: None,
        };
        let source = KeySource {
            channel: &secured.channel,
            shared: None,
            ni,
            nr,
            additional: &[],
            ours: true,
        };
        child::install(cx, head, agreed, &source).map(Some)
    }
}

/// What we offer for a configured child.
pub(crate) fn offered(
    provider: &Provider,
    config: &connection::Child,
) -> Result<Vec<Proposal>, Refusal> {
    if config.mode == Mode::Transport {
        return Err(Refusal::Unsupported {
            what: "transport mode".to_owned(),
        });
    }
    let proposals = proposals::usable(provider, &config.esp, SaKind::Esp);
    if proposals.is_empty() {
        return Err(Refusal::Local {
            problem: "no ESP proposal that is implemented".to_owned(),
        });
    }
    Ok(proposals)
}

/// What a responder's answer agrees to, if that is part of what we offered: the suite, the SPI that it receives under,
/// and the traffic.
pub(crate) fn accepted(
    answer: &PayloadList,
    config: &connection::Child,
    proposals: &[Proposal],
    ke: bool,
) -> Result<(Suite, u32, Traffic), Refusal> {
    let mismatch = |problem: &str| Refusal::AnswerMismatch {
        problem: problem.to_owned(),
    };
    let (Some(sa), Some(ts_i), Some(ts_r)) = (answer.sa(), answer.ts_i(), answer.ts_r()) else {
        return Err(mismatch("neither a CHILD SA nor a reason against it"));
    };
    let (suite, spi) = proposals::accept_answer(sa, proposals, SaKind::Esp, 4, ke)?;
    let spi_out = child::child_spi(&spi).ok_or_else(|| mismatch("a reserved SPI"))?;
    let ts = Traffic {
        local: narrow::read(ts_i),
        remote: narrow::read(ts_r),
    };
    if ts.local.is_empty() || ts.remote.is_empty() {
        return Err(mismatch("traffic selectors of no known type"));
    }
    if !narrow::within(&ts.local, &config.local_ts)
        || !narrow::within(&ts.remote, &config.remote_ts)
    {
        return Err(mismatch("traffic selectors wider than asked for"));
    }
    if answer.notify(NotifyType::USE_TRANSPORT_MODE).is_some() {
        return Err(Refusal::Mode {
            requested_transport: true,
        });
    }
    Ok((suite, spi_out, ts))
}
