//! The CHILD SA that an initiator asks for in IKE_AUTH, and what the responder makes of it (RFC 7296 1.2, 2.9).

use std::sync::Arc;

use adit_crypto::Provider;
use adit_model::connection::{self, Mode};
use adit_model::dataplane::Trigger;
use adit_model::event::Happening;
use adit_model::proposal::{Proposal, SaKind, Suite};
use adit_model::reason::Refusal;
use adit_model::selector::Selector;
use adit_wire::v2::{Payload, PayloadList};

use crate::cx::Cx;
use crate::describe;
use crate::head::Head;
use crate::secured::Secured;
use crate::v2::child::{self, Agreed, Child, KeySource};
use crate::v2::config_payload;
use crate::v2::mode;
use crate::v2::narrow::{self, Traffic};
use crate::v2::proposals;
use crate::v2::transcript::Transcript;

/// The CHILD SA that IKE_AUTH asks for.
pub(crate) struct ChildOffer {
    pub wish: Wish,
    pub spi_in: u32,
}

/// What we ask for, for a configured child.
pub(crate) struct Wish {
    pub config: connection::Child,
    pub proposals: Vec<Proposal>,
    pub mode: Mode,
    /// All traffic that it may have.
    whole: Traffic,
    /// Our side's traffic stands for an address that we are yet to be given.
    placeholder: bool,
    /// The packet that it is asked for because of.
    trigger: Option<Arc<Trigger>>,
}

/// What a responder's answer agrees to.
pub(crate) struct Answer {
    pub suite: Suite,
    pub spi_out: u32,
    pub mode: Mode,
    pub ts: Traffic,
}

impl ChildOffer {
    /// The child that a packet wants through, or the first configured one.
    pub fn new(cx: &mut Cx<'_>, head: &Head) -> Result<Self, Refusal> {
        let children = &head.connection.children;
        let triggered = head.trigger.as_ref();
        let config = triggered
            .and_then(|trigger| children.iter().find(|c| c.name == trigger.child))
            .or(children.first())
            .ok_or_else(|| Refusal::Local {
                problem: "the connection has no child".to_owned(),
            })?;
        let wish = Wish::new(cx.provider, head, config)?;
        let spi_in = cx.new_esp_spi();
        Ok(Self { wish, spi_in })
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
                what: child::title(head, Some(&self.wish.config.name)),
                notify: notify.kind.0,
                name: notify.kind.to_string(),
                data: describe::hex(&notify.data),
                asked: child::asked(&self.wish.config, &self.wish.proposals),
            };
            cx.event(head, what);
            return Ok(None);
        }
        let mut answer = self.wish.granted(payloads, false)?;
        // What was a placeholder in the request is what we were given now (RFC 7296 2.19).
        let mut config = config_payload::effective(head, &self.wish.config);
        mode::heed_filling(&mut config, payloads);
        if !head.connection.inner.wanted.is_empty() {
            answer.ts = given(head, &config, &answer)?;
        }
        let (ni, nr) = transcript.nonces(head.role);
        let agreed = Agreed {
            config: &config,
            spi_in: self.spi_in,
            spi_out: answer.spi_out,
            mode: answer.mode,
            suite: answer.suite,
            ts: answer.ts,
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

/// What of an answer's traffic is left when we only use the address that we were given.
fn given(head: &Head, config: &connection::Child, answer: &Answer) -> Result<Traffic, Refusal> {
    let whole = mode::traffic(head, config, answer.mode);
    let ts = narrow::narrowed(&answer.ts, &whole).ok_or_else(|| Refusal::AnswerMismatch {
        problem: "traffic selectors without the address that was given".to_owned(),
    })?;
    if config.leeway.narrow || ts.covers(&whole) {
        return Ok(ts);
    }
    Err(Refusal::TrafficSelectors {
        offered_local: ts.local,
        offered_remote: ts.remote,
        configured_local: whole.local,
        configured_remote: whole.remote,
    })
}

impl Wish {
    pub fn new(
        provider: &Provider,
        head: &Head,
        config: &connection::Child,
    ) -> Result<Self, Refusal> {
        let unusable = |problem: &str| Refusal::Local {
            problem: problem.to_owned(),
        };
        let mode = mode::wanted(head, config)?;
        let whole = mode::traffic(head, config, mode);
        if whole.local.is_empty() || whole.remote.is_empty() {
            let problem = "transport mode carries the peers' own traffic, and none is configured";
            return Err(unusable(problem));
        }
        let proposals = proposals::usable(provider, &config.esp, SaKind::Esp);
        if proposals.is_empty() {
            return Err(unusable("no ESP proposal that is implemented"));
        }
        let trigger = head.trigger.clone();
        Ok(Self {
            placeholder: !head.connection.inner.wanted.is_empty() && head.inner.ours.is_empty(),
            trigger: trigger.filter(|trigger| trigger.child == config.name),
            config: config.clone(),
            proposals,
            mode,
            whole,
        })
    }

    /// TSi and TSr: the packet's own selectors first, so that a responder that can't take all traffic takes at least
    /// what is wanted now (RFC 7296 2.9).
    pub fn selectors(&self) -> [Payload; 2] {
        let mut asked = self.whole.clone();
        if let Some(trigger) = &self.trigger {
            first(&mut asked.local, trigger.local);
            first(&mut asked.remote, trigger.remote);
        }
        [
            Payload::TsI(narrow::to_wire(&asked.local)),
            Payload::TsR(narrow::to_wire(&asked.remote)),
        ]
    }

    /// What a responder's answer agrees to, if that is part of what we asked for.
    pub fn granted(&self, answer: &PayloadList, ke: bool) -> Result<Answer, Refusal> {
        let mismatch = |problem: &str| Refusal::AnswerMismatch {
            problem: problem.to_owned(),
        };
        let (Some(sa), Some(ts_i), Some(ts_r)) = (answer.sa(), answer.ts_i(), answer.ts_r()) else {
            return Err(mismatch("neither a CHILD SA nor a reason against it"));
        };
        let (suite, spi) = proposals::accept_answer(sa, &self.proposals, SaKind::Esp, 4, ke)?;
        let spi_out = child::child_spi(&spi).ok_or_else(|| mismatch("a reserved SPI"))?;
        let ts = Traffic {
            local: narrow::read(ts_i),
            remote: narrow::read(ts_r),
        };
        if ts.local.is_empty() || ts.remote.is_empty() {
            return Err(mismatch("traffic selectors of no known type"));
        }
        if !self.whole.covers(&ts) {
            return Err(mismatch("traffic selectors wider than asked for"));
        }
        let config = &self.config;
        if !config.leeway.narrow && !self.placeholder && !ts.covers(&self.whole) {
            return Err(Refusal::TrafficSelectors {
                offered_local: ts.local,
                offered_remote: ts.remote,
                configured_local: config.local_ts.clone(),
                configured_remote: config.remote_ts.clone(),
            });
        }
        let mode = mode::answered(config, self.mode, mode::asked(answer))?;
        Ok(Answer {
            suite,
            spi_out,
            mode,
            ts,
        })
    }
}

/// Puts `wanted` before the others, if they take it.
fn first(selectors: &mut Vec<Selector>, wanted: Selector) {
    if narrow::within(&[wanted], selectors) {
        selectors.retain(|s| *s != wanted);
        selectors.insert(0, wanted);
    }
}
