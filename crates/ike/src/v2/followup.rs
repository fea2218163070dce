//! Additional key exchanges after CREATE_CHILD_SA, one in each IKE_FOLLOWUP_KE exchange (RFC 9370 2.2.4). The new SA is
//! there when the last of them is done.
//!
//! The responder hands out a link, which the initiator returns with the next exchange; who doesn't go on in time is
//! forgotten.

use std::collections::VecDeque;

use adit_model::event::Happening;
use adit_model::feature::Feature;
use adit_model::keywords::ke_name;
use adit_model::proposal::Suite;
use adit_model::reason::Refusal;
use adit_model::{Mono, Secret};
use adit_wire::iana::{KeMethod, NotifyType};
use adit_wire::v2::{KePayload, Notify, Payload, PayloadList};

use crate::cx::Cx;
use crate::v2::closing::refuse;
use crate::v2::established::Established;
use crate::v2::intermediate::{bad_value, value_for};
use crate::v2::lifespan::Setback;
use crate::v2::own_ke::OwnKe;
use crate::v2::{child, create_child, rekey};

/// As responder: what the peer has begun and not finished.
pub(crate) struct Unfinished {
    link: [u8; 8],
    left: VecDeque<KeMethod>,
    secrets: Vec<Secret>,
    until: Mono,
    goal: Goal,
}

/// What there will be in the end.
pub(crate) enum Goal {
    Child(Box<create_child::Agreement>),
    Ike(Box<rekey::Agreement>),
}

/// Most series of exchanges that a peer may have begun at the same time.
const MOST: usize = 4;

/// The link to the next exchange.
pub(crate) fn link(octets: &[u8]) -> Payload {
    let kind = NotifyType::ADDITIONAL_KEY_EXCHANGE;
    Payload::Notify(Notify::with_data(kind, octets.to_vec()))
}

impl Unfinished {
    pub fn deadline(&self) -> Mono {
        self.until
    }

    /// The old pair, by the SPI that we receive under, in whose place the new one is to come.
    pub fn replaces_child(&self) -> Option<u32> {
        match &self.goal {
            Goal::Child(agreement) => agreement.replaces,
            Goal::Ike(_) => None,
        }
    }

    pub fn replaces_ike(&self) -> bool {
        matches!(self.goal, Goal::Ike(_))
    }

    /// Nothing comes of it.
    pub fn release(self, cx: &mut Cx<'_>) {
        match self.goal {
            Goal::Child(agreement) => cx.desk.spis.release_esp(agreement.spi_in),
            Goal::Ike(agreement) => cx.desk.spis.release_ike(agreement.our_spi),
        }
    }

    fn title(&self, ike: &Established) -> String {
        match &self.goal {
            Goal::Child(agreement) => {
                let (name, rekeying) = (&agreement.config.name, agreement.replaces.is_some());
                child::title_of(&ike.secured.head, Some(name), rekeying)
            }
            Goal::Ike(_) => rekey::REKEYING.to_owned(),
        }
    }
}

impl Established {
    /// Waits for the additional key exchanges of `suite`; gives the link to the first of them.
    pub fn await_followups(&mut self, cx: &mut Cx<'_>, suite: &Suite, goal: Goal) -> Payload {
        let unfinished = Unfinished {
            link: cx.provider.random_octets(),
            left: suite.additional().collect(),
            secrets: Vec::new(),
            until: cx.now.mono + cx.settings.followup_timeout,
            goal,
        };
        // What is begun again, or for whatever reason not ended, isn't waited for any more.
        let (child, ike) = (unfinished.replaces_child(), unfinished.replaces_ike());
        self.drop_unfinished(cx, |u| {
            (child.is_some() && u.replaces_child() == child) || (ike && u.replaces_ike())
        });
        while self.unfinished.len() >= MOST {
            self.unfinished.remove(0).release(cx);
        }
        let payload = link(&unfinished.link);
        self.unfinished.push(unfinished);
        payload
    }

    /// Forgets what the peer has begun.
    pub fn drop_unfinished(&mut self, cx: &mut Cx<'_>, which: impl Fn(&Unfinished) -> bool) {
        for unfinished in core::mem::take(&mut self.unfinished) {
            if which(&unfinished) {
                unfinished.release(cx);
            } else {
                self.unfinished.push(unfinished);
            }
        }
    }

    /// The peer has begun to put another pair in this one's place.
    pub fn peer_rekeys_child(&self, spi_in: u32) -> bool {
        let mut unfinished = self.unfinished.iter();
        unfinished.any(|u| u.replaces_child() == Some(spi_in))
    }

    /// The peer has begun to put another IKE SA in this one's place.
    pub fn peer_rekeys_ike(&self) -> bool {
        self.unfinished.iter().any(Unfinished::replaces_ike)
    }

    /// Forgets what the peer didn't go on with.
    pub fn forget_unfinished(&mut self, cx: &mut Cx<'_>) {
        let now = cx.now.mono;
        for unfinished in core::mem::take(&mut self.unfinished) {
            if unfinished.until > now {
                self.unfinished.push(unfinished);
                continue;
            }
            let problem = format!(
                "{} ms without IKE_FOLLOWUP_KE",
                cx.settings.followup_timeout.as_millis()
            );
            let what = unfinished.title(self);
            self.refused_by_us(cx, what, &Refusal::Local { problem });
            unfinished.release(cx);
        }
    }
}

/// The peer goes on.
pub(crate) fn answer(ike: &mut Established, cx: &mut Cx<'_>, request: &PayloadList) {
    let link = request
        .notify(NotifyType::ADDITIONAL_KEY_EXCHANGE)
        .map_or(&[][..], |notify| notify.data.as_slice());
    let at = ike.unfinished.iter().position(|u| u.link == link);
    let (what, done) = match at.map(|at| ike.unfinished.remove(at)) {
        Some(unfinished) => {
            let what = unfinished.title(ike);
            (what, exchange(ike, cx, request, unfinished))
        }
        None => {
            let what = "IKE_FOLLOWUP_KE".to_owned();
            (what, Err(Refusal::FollowupNotFound))
        }
    };
    if let Err(refusal) = done {
        let notify = refuse(cx, &mut ike.secured, &refusal);
        let what = Happening::Refused {
            what,
            refusal,
            notify,
        };
        cx.event(&ike.secured.head, what);
    }
}

/// Carries out the exchange whose turn it is, and answers it; after the last one the new SA is there.
fn exchange(
    ike: &mut Established,
    cx: &mut Cx<'_>,
    request: &PayloadList,
    mut unfinished: Unfinished,
) -> Result<(), Refusal> {
    let method = unfinished.left.pop_front().unwrap_or(KeMethod::NONE);
    let answered = value_for(method, request).and_then(|theirs| {
        let exchange = cx
            .provider
            .ke(method)
            .map_err(|error| Refusal::Unsupported {
                what: Feature::algorithm(error),
            })?;
        exchange
            .respond(&*cx.provider.random, theirs)
            .map_err(|error| bad_value(method, &error.to_string()))
    });
    let (data, secret) = match answered {
        Ok(answered) => answered,
        Err(refusal) => {
            unfinished.release(cx);
            return Err(refusal);
        }
    };
    unfinished.secrets.push(secret);
    let mut response = PayloadList(vec![Payload::Ke(KePayload { method, data })]);
    if !unfinished.left.is_empty() {
        unfinished.link = cx.provider.random_octets();
        unfinished.until = cx.now.mono + cx.settings.followup_timeout;
        response.0.push(link(&unfinished.link));
        ike.unfinished.push(unfinished);
        ike.secured.reply(cx, &response);
        return Ok(());
    }
    let secrets = unfinished.secrets;
    match unfinished.goal {
        Goal::Child(agreement) => {
            create_child::finish(ike, cx, *agreement, &secrets)?;
            ike.secured.reply(cx, &response);
        }
        Goal::Ike(agreement) => {
            let new = rekey::finish(ike, cx, *agreement, &secrets)?;
            ike.secured.reply(cx, &response);
            rekey::settle(ike, cx, new);
        }
    }
    Ok(())
}

/// As initiator: the additional key exchanges that follow our CREATE_CHILD_SA.
pub(crate) struct Series {
    left: VecDeque<KeMethod>,
    secrets: Vec<Secret>,
    ke: OwnKe,
    link: Vec<u8>,
}

/// What an answer leads to.
pub(crate) enum Progress {
    /// To the next exchange.
    More(Series),
    /// To the end: the secrets of all of them.
    Done(Vec<Secret>),
}

impl Series {
    /// What follows the `answer` to CREATE_CHILD_SA, which chose `suite`; `Done` where nothing does.
    pub fn after(cx: &Cx<'_>, suite: &Suite, answer: &PayloadList) -> Result<Progress, Refusal> {
        Self::next(cx, suite.additional().collect(), Vec::new(), answer)
    }

    fn next(
        cx: &Cx<'_>,
        mut left: VecDeque<KeMethod>,
        secrets: Vec<Secret>,
        answer: &PayloadList,
    ) -> Result<Progress, Refusal> {
        let Some(method) = left.pop_front() else {
            return Ok(Progress::Done(secrets));
        };
        let link = answer
            .notify(NotifyType::ADDITIONAL_KEY_EXCHANGE)
            .ok_or_else(|| Refusal::AnswerMismatch {
                problem: format!("no link to the key exchange of {}", ke_name(method)),
            })?;
        Ok(Progress::More(Self {
            left,
            secrets,
            ke: OwnKe::start(cx.provider, method)?,
            link: link.data.clone(),
        }))
    }

    /// `KEi(n), N(ADDITIONAL_KEY_EXCHANGE)(link)`
    pub fn request(&self) -> PayloadList {
        PayloadList(vec![self.ke.payload(), link(&self.link)])
    }

    /// The peer has answered.
    pub fn answered(mut self, cx: &Cx<'_>, answer: &PayloadList) -> Result<Progress, Refusal> {
        self.secrets.push(self.ke.finish(self.ke.method, answer)?);
        Self::next(cx, self.left, self.secrets, answer)
    }
}

/// Why we don't begin what the peer has begun.
pub(crate) const PEER_IS_AT_IT: (Setback, &str) = (Setback::Busy, "the peer is rekeying it");
