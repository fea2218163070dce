//! We put a new IKE SA in this one's place (RFC 7296 1.3.2, 2.18), perhaps while the peer does the same (2.8.2,
//! 2.25.2).

use adit_crypto::{IkeKeyInputs, IkeKeys};
use adit_model::Secret;
use adit_model::event::{Asked, Happening, Party, Role};
use adit_model::keywords;
use adit_model::proposal::{Proposal, SaKind, Suite};
use adit_model::reason::Refusal;
use adit_wire::iana::{ExchangeType, KeMethod, NotifyType};
use adit_wire::v2::{IkeSpi, Nonce, Notify, Payload, PayloadList};

use crate::channel::Channel;
use crate::cx::{Cx, Note};
use crate::describe;
use crate::head::Head;
use crate::secured::Secured;
use crate::v2::agenda::InFlight;
use crate::v2::closing::{Closing, delete_ike};
use crate::v2::established::Established;
use crate::v2::followup::{PEER_IS_AT_IT, Progress, Series, Unfinished};
use crate::v2::lifespan::Setback;
use crate::v2::own_ke::OwnKe;
use crate::v2::rekey::REKEYING;
use crate::v2::{Phase, keymat, proposals};

/// A new IKE SA that we have asked for.
pub(crate) struct IkeAttempt {
    our_spi: IkeSpi,
    proposals: Vec<Proposal>,
    nonce: Vec<u8>,
    ke: OwnKe,
    tried: Vec<KeMethod>,
    rival: Option<Box<Rival>>,
    /// What the peer has agreed to, while further key exchanges are under way.
    follows: Option<Box<(Terms, Series)>>,
}

/// What the peer has agreed to.
struct Terms {
    suite: Suite,
    peer_spi: IkeSpi,
    shared: Secret,
    nr: Vec<u8>,
}

/// The IKE SA that the peer has put in the same one's place meanwhile.
struct Rival {
    /// `None` while the peer's further key exchanges are under way.
    secured: Option<Secured>,
    /// The lower one of the two nonces that made it.
    lowest: Vec<u8>,
}

impl IkeAttempt {
    pub fn begin(old: &Secured, cx: &mut Cx<'_>) -> Result<Self, Refusal> {
        let configured = &old.head.connection.ike;
        let proposals = proposals::usable(cx.provider, configured, SaKind::Ike);
        let offered = |m: &KeMethod| proposals.iter().any(|p| p.ke.contains(m));
        // What the peer took before it will take again.
        let before = old.head.suite.and_then(|suite| suite.ke).filter(offered);
        let first = proposals.iter().find_map(|p| p.ke.first().copied());
        let method = before.or(first).ok_or_else(|| Refusal::Local {
            problem: "no IKE proposal that is implemented".to_owned(),
        })?;
        let ke = OwnKe::start(cx.provider, method)?;
        Ok(Self {
            our_spi: cx.new_ike_spi(),
            proposals,
            nonce: cx.new_nonce(),
            ke,
            tried: vec![method],
            rival: None,
            follows: None,
        })
    }

    /// Whether the peer has agreed and further key exchanges are under way.
    pub fn goes_on(&self) -> bool {
        self.follows.is_some()
    }

    /// Nothing comes of it.
    pub fn release(&self, cx: &mut Cx<'_>) {
        cx.desk.spis.release_ike(self.our_spi);
        if let Some(secured) = self.rival.as_ref().and_then(|rival| rival.secured.as_ref()) {
            cx.desk.spis.release_ike(secured.head.our_spi);
        }
    }

    /// `SA, Ni, KEi`
    pub fn request(&self) -> PayloadList {
        let spi = self.our_spi.to_bytes();
        PayloadList(vec![
            Payload::Sa(proposals::to_wire(&self.proposals, SaKind::Ike, &spi, true)),
            Payload::Nonce(Nonce(self.nonce.clone())),
            self.ke.payload(),
        ])
    }

    /// Whether the peer has made a new IKE SA as well.
    pub fn has_rival(&self) -> bool {
        self.rival.is_some()
    }

    /// The peer has made the IKE SA `secured` in the same one's place, or will make one, from nonces of which `lowest` is
    /// the lower one.
    pub fn meets(&mut self, secured: Option<Secured>, lowest: Vec<u8>) {
        self.rival = Some(Box::new(Rival { secured, lowest }));
    }

    /// The peer deletes the old IKE SA before it has answered: what it made in its place stays, if it made one, and
    /// ours is forgotten (2.25.2).
    pub fn overtaken(self, ike: &mut Established, cx: &mut Cx<'_>) {
        cx.desk.spis.release_ike(self.our_spi);
        if let Some(secured) = self.rival.and_then(|rival| rival.secured) {
            ike.hand_over(cx, secured, Party::Peer);
        }
    }

    /// The peer has answered.
    pub fn concluded(
        mut self: Box<Self>,
        ike: Box<Established>,
        cx: &mut Cx<'_>,
        answer: &PayloadList,
    ) -> Phase {
        if let Some(follows) = self.follows.take() {
            return self.followed(ike, cx, *follows, answer);
        }
        if answer.sa().is_none()
            && let Some(notify) = answer.error_notify()
        {
            return self.refused(ike, cx, notify);
        }
        let agreed = self
            .agreed(answer)
            .and_then(|terms| Ok((Series::after(cx, &terms.suite, answer)?, terms)));
        match agreed {
            Ok((Progress::Done(_), terms)) => self.finish(ike, cx, terms, &[]),
            Ok((Progress::More(series), terms)) => self.go_on(ike, cx, terms, series),
            Err(refusal) => self.unusable(ike, cx, &refusal),
        }
    }

    /// For the peer the new IKE SA is there and has the children: there is no way on with this one.
    fn unusable(&self, ike: Box<Established>, cx: &mut Cx<'_>, refusal: &Refusal) -> Phase {
        ike.refused_by_us(cx, REKEYING.to_owned(), refusal);
        self.release(cx);
        ike.close(cx, "failed")
    }

    /// The peer has agreed; further key exchanges follow. If it has begun to put an IKE SA in the same one's place as
    /// well, who had the lowest of the four nonces stops here, where nothing is there yet (RFC 9370 2.2.4).
    fn go_on(
        mut self: Box<Self>,
        mut ike: Box<Established>,
        cx: &mut Cx<'_>,
        terms: Terms,
        series: Series,
    ) -> Phase {
        if let Some(cause) = ike.doomed {
            self.release(cx);
            return Closing::begin(cx, ike.secured, Vec::new(), delete_ike(), cause);
        }
        let lowest = self.nonce.as_slice().min(&terms.nr).to_vec();
        match self.rival.take() {
            Some(rival) if lowest < rival.lowest => {
                collision(cx, &ike.secured.head, Party::Peer);
                cx.desk.spis.release_ike(self.our_spi);
                match rival.secured {
                    Some(secured) => ike.hand_over(cx, secured, Party::Peer),
                    None => {
                        let (setback, problem) = PEER_IS_AT_IT;
                        ike.span.put_off(cx, setback, problem.to_owned());
                    }
                }
                ike.work(cx);
                return Phase::Established(ike);
            }
            Some(rival) if rival.secured.is_none() => {
                collision(cx, &ike.secured.head, Party::Us);
                ike.drop_unfinished(cx, Unfinished::replaces_ike);
            }
            rival => self.rival = rival,
        }
        self.send_next(ike, cx, terms, series)
    }

    fn send_next(
        mut self: Box<Self>,
        mut ike: Box<Established>,
        cx: &mut Cx<'_>,
        terms: Terms,
        series: Series,
    ) -> Phase {
        let request = series.request();
        self.follows = Some(Box::new((terms, series)));
        ike.ask(
            cx,
            InFlight::Ike(self),
            ExchangeType::IKE_FOLLOWUP_KE,
            request,
        );
        Phase::Established(ike)
    }

    /// The peer has answered one of the further key exchanges.
    fn followed(
        self: Box<Self>,
        ike: Box<Established>,
        cx: &mut Cx<'_>,
        (terms, series): (Terms, Series),
        answer: &PayloadList,
    ) -> Phase {
        if answer.ke().is_none()
            && let Some(notify) = answer.error_notify()
        {
            return self.refused(ike, cx, notify);
        }
        match series.answered(cx, answer) {
            Ok(Progress::More(series)) => match ike.doomed {
                Some(cause) => {
                    self.release(cx);
                    Closing::begin(cx, ike.secured, Vec::new(), delete_ike(), cause)
                }
                None => self.send_next(ike, cx, terms, series),
            },
            Ok(Progress::Done(secrets)) => self.finish(ike, cx, terms, &secrets),
            Err(refusal) => self.unusable(ike, cx, &refusal),
        }
    }

    /// What the answer agrees to.
    fn agreed(&self, answer: &PayloadList) -> Result<Terms, Refusal> {
        let mismatch = |problem: &str| Refusal::AnswerMismatch {
            problem: problem.to_owned(),
        };
        let (Some(sa), Some(nr)) = (answer.sa(), answer.nonce()) else {
            return Err(mismatch("SA or Nr is missing"));
        };
        let (suite, spi) = proposals::accept_answer(sa, &self.proposals, SaKind::Ike, 8, true)?;
        let peer_spi = <[u8; 8]>::try_from(spi.as_slice())
            .map(IkeSpi::from_bytes)
            .ok()
            .filter(|spi| !spi.is_zero())
            .ok_or_else(|| mismatch("the proposal has no IKE SPI"))?;
        let chosen = suite.ke.unwrap_or(KeMethod::NONE);
        let shared = self.ke.finish(chosen, answer)?;
        Ok(Terms {
            suite,
            peer_spi,
            shared,
            nr: nr.0.clone(),
        })
    }

    /// Makes the IKE SA that both sides have agreed on.
    fn finish(
        self,
        ike: Box<Established>,
        cx: &mut Cx<'_>,
        terms: Terms,
        additional: &[Secret],
    ) -> Phase {
        match self.made(&ike.secured, cx, terms, additional) {
            Ok((new, lowest)) => self.take_place(ike, cx, new, &lowest),
            Err(refusal) => self.unusable(ike, cx, &refusal),
        }
    }

    /// The new IKE SA, and the lower one of the nonces that made it.
    fn made(
        &self,
        old: &Secured,
        cx: &mut Cx<'_>,
        terms: Terms,
        additional: &[Secret],
    ) -> Result<(Secured, Vec<u8>), Refusal> {
        let mismatch = |problem: &str| Refusal::AnswerMismatch {
            problem: problem.to_owned(),
        };
        let Terms {
            suite,
            peer_spi,
            shared,
            nr,
        } = terms;
        let algorithms =
            keymat::ike_suite(cx.provider, &suite).map_err(|error| mismatch(&error.to_string()))?;
        let inputs = IkeKeyInputs {
            ni: &self.nonce,
            nr: &nr,
            shared: &shared,
            spi_i: self.our_spi.to_bytes(),
            spi_r: peer_spi.to_bytes(),
        };
        let keys = IkeKeys::derive_rekeyed(
            &algorithms,
            old.channel.prf,
            &old.channel.sk_d,
            &inputs,
            additional,
        );
        keymat::tell(cx, &suite, &inputs, &keys);
        let fragmentation = old.channel.fragmentation;
        let channel = Channel::new(&algorithms, keys, Role::Initiator, fragmentation)
            .map_err(|error| mismatch(&error.to_string()))?;
        let head = Head {
            our_spi: self.our_spi,
            peer_spi,
            role: Role::Initiator,
            suite: Some(suite),
            ..old.head.clone()
        };
        let lowest = self.nonce.as_slice().min(&nr).to_vec();
        Ok((Secured::new(head, channel, 0, 0), lowest))
    }

    /// Of two new IKE SAs that goes whose exchange had the lowest of the four nonces, and whoever made it deletes it;
    /// the maker of the other one, which gets the children, deletes the old IKE SA.
    fn take_place(
        self,
        mut ike: Box<Established>,
        cx: &mut Cx<'_>,
        new: Secured,
        lowest: &[u8],
    ) -> Phase {
        match self.rival {
            Some(rival) if lowest < rival.lowest.as_slice() => {
                collision(cx, &ike.secured.head, Party::Peer);
                // Without a new IKE SA yet, the peer goes on with its own further key exchanges.
                if let Some(secured) = rival.secured {
                    ike.hand_over(cx, secured, Party::Peer);
                }
                ike.work(cx);
                let closing = Closing::replaced(cx, new);
                cx.note(Note::New(closing));
                Phase::Established(ike)
            }
            rival => {
                if let Some(rival) = rival {
                    collision(cx, &ike.secured.head, Party::Us);
                    match rival.secured {
                        Some(secured) => {
                            let redundant = ike.redundant(cx, secured);
                            cx.note(Note::New(Phase::Established(Box::new(redundant))));
                        }
                        None => ike.drop_unfinished(cx, Unfinished::replaces_ike),
                    }
                }
                ike.hand_over(cx, new, Party::Us);
                Closing::replaced(cx, ike.secured)
            }
        }
    }

    fn refused(
        mut self: Box<Self>,
        mut ike: Box<Established>,
        cx: &mut Cx<'_>,
        notify: &Notify,
    ) -> Phase {
        if notify.kind == NotifyType::INVALID_KE_PAYLOAD
            && let Some(method) = proposals::other_method(&self.proposals, &self.tried, notify)
            && let Ok(ke) = OwnKe::start(cx.provider, method)
        {
            let what = Happening::KeRetry {
                from: keywords::ke_name(self.ke.method),
                to: keywords::ke_name(method),
                by: Party::Peer,
            };
            cx.event(&ike.secured.head, what);
            ike.peer_is_at_ease();
            self.tried.push(method);
            self.ke = ke;
            self.nonce = cx.new_nonce();
            let request = self.request();
            ike.ask(
                cx,
                InFlight::Ike(self),
                ExchangeType::CREATE_CHILD_SA,
                request,
            );
            return Phase::Established(ike);
        }
        let busy = notify.kind == NotifyType::TEMPORARY_FAILURE;
        if !busy {
            let refused = Happening::PeerRefused {
                what: REKEYING.to_owned(),
                notify: notify.kind.0,
                name: notify.kind.to_string(),
                data: describe::hex(&notify.data),
                asked: Asked {
                    proposals: self.proposals.clone(),
                    ..Asked::default()
                },
            };
            cx.event(&ike.secured.head, refused);
        }
        cx.desk.spis.release_ike(self.our_spi);
        if let Some(secured) = self.rival.and_then(|rival| rival.secured) {
            ike.hand_over(cx, secured, Party::Peer);
            return Phase::Established(ike);
        }
        if let Some(cause) = ike.doomed {
            return Closing::begin(cx, ike.secured, Vec::new(), delete_ike(), cause);
        }
        if busy {
            ike.peer_is_busy(cx.now.mono);
            let problem = "the peer is busy".to_owned();
            let wait = ike.span.put_off(cx, Setback::Busy, problem);
            ike.put_off(cx, REKEYING.to_owned(), wait);
        } else {
            ike.peer_is_at_ease();
            let problem = format!("the peer answered {}", notify.kind);
            ike.span.put_off(cx, Setback::Refused, problem);
            if notify.kind == NotifyType::NO_ADDITIONAL_SAS {
                ike.start_over(cx);
            }
        }
        ike.work(cx);
        Phase::Established(ike)
    }
}

/// Tells that both sides had the same idea.
fn collision(cx: &mut Cx<'_>, head: &Head, kept: Party) {
    let what = Happening::RekeyCollision {
        what: "the IKE SA".to_owned(),
        kept,
    };
    cx.event(head, what);
}
