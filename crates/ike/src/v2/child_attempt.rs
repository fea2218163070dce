//! Our own CREATE_CHILD_SA requests for CHILD SAs: another one, or one in an old one's place (RFC 7296 1.3.1, 1.3.3),
//! and what becomes of them when the peer had the same idea (2.8.1, 2.25.1).

use adit_model::Secret;
use adit_model::connection::Mode;
use adit_model::event::{Happening, Party};
use adit_model::keywords;
use adit_model::proposal::{SaKind, Suite};
use adit_model::reason::Refusal;
use adit_wire::iana::{ExchangeType, KeMethod, NotifyType, ProtocolId};
use adit_wire::v2::{Nonce, Notify, Payload, PayloadList};

use crate::cx::Cx;
use crate::describe;
use crate::head::Head;
use crate::snapshot::ChildSaState;
use crate::v2::agenda::{InFlight, Task};
use crate::v2::child::{self, Agreed, Child, ChildEvent, KeySource};
use crate::v2::child_offer::Wish;
use crate::v2::established::Established;
use crate::v2::followup::{Progress, Series};
use crate::v2::lifespan::Setback;
use crate::v2::narrow::Traffic;
use crate::v2::own_ke::OwnKe;
use crate::v2::{config_payload, mode, proposals};

/// A CHILD SA that we have asked for.
pub(crate) struct ChildAttempt {
    wish: Wish,
    /// `spi_in` of the pair whose place it takes.
    pub replaces: Option<u32>,
    spi_in: u32,
    nonce: Vec<u8>,
    ke: Option<OwnKe>,
    tried: Vec<KeMethod>,
    rival: Option<Rival>,
    /// SPIs of pairs that the peer has deleted meanwhile; what it made for us may be among them.
    gone: Vec<u32>,
    /// What the peer has agreed to, while further key exchanges are under way.
    follows: Option<Box<(Terms, Series)>>,
}

/// What the peer has agreed to.
struct Terms {
    suite: Suite,
    spi_out: u32,
    mode: Mode,
    ts: Traffic,
    shared: Option<Secret>,
    nr: Vec<u8>,
}

/// The pair that the peer has put in the place of the same old one meanwhile.
struct Rival {
    /// The SPI that we receive under; `None` while the peer's further key exchanges are under way.
    spi_in: Option<u32>,
    /// The lower one of the two nonces that made it.
    lowest: Vec<u8>,
}

impl ChildAttempt {
    pub fn begin(
        head: &Head,
        cx: &mut Cx<'_>,
        name: &str,
        replaces: Option<u32>,
    ) -> Result<Self, Refusal> {
        let config = head.connection.children.iter().find(|c| c.name == name);
        let config = config.map(|c| config_payload::effective(head, c));
        let config = config.ok_or_else(|| Refusal::Local {
            problem: format!("no child `{name}` is configured"),
        })?;
        let wish = Wish::new(cx.provider, head, &config)?;
        let method = wish.proposals.iter().find_map(|p| p.ke.first().copied());
        let ke = method.map(|m| OwnKe::start(cx.provider, m)).transpose()?;
        Ok(Self {
            wish,
            replaces,
            spi_in: cx.new_esp_spi(),
            nonce: cx.new_nonce(),
            ke,
            tried: method.into_iter().collect(),
            rival: None,
            gone: Vec::new(),
            follows: None,
        })
    }

    /// Whether the peer has agreed and further key exchanges are under way.
    pub fn goes_on(&self) -> bool {
        self.follows.is_some()
    }

    pub fn name(&self) -> &str {
        &self.wish.config.name
    }

    /// Nothing comes of it.
    pub fn release(&self, cx: &mut Cx<'_>) {
        cx.desk.spis.release_esp(self.spi_in);
    }

    /// `[N(REKEY_SA),] SA, Ni, [KEi,] TSi, TSr, [N(USE_TRANSPORT_MODE), N(ESP_TFC_PADDING_NOT_SUPPORTED)]`
    pub fn request(&self) -> PayloadList {
        let rekey = self.replaces.map(|spi_in| {
            let kind = NotifyType::REKEY_SA;
            Payload::Notify(Notify::about_child(
                kind,
                ProtocolId::ESP,
                spi_in,
                Vec::new(),
            ))
        });
        let spi = self.spi_in.to_be_bytes();
        let sa = proposals::to_wire(&self.wish.proposals, SaKind::Esp, &spi, true);
        rekey
            .into_iter()
            .chain([Payload::Sa(sa), Payload::Nonce(Nonce(self.nonce.clone()))])
            .chain(self.ke.as_ref().map(OwnKe::payload))
            .chain(self.wish.selectors())
            .chain(mode::payload(self.wish.mode))
            .chain(mode::no_filling(self.wish.mode))
            .collect()
    }

    /// The peer has rekeyed `old` as well, which made the pair `new`, or will make one, from nonces of which `lowest` is
    /// the lower one.
    pub fn meets(&mut self, old: Option<u32>, new: Option<u32>, lowest: &[u8]) {
        if old.is_some() && self.replaces == old {
            self.rival = Some(Rival {
                spi_in: new,
                lowest: lowest.to_vec(),
            });
        }
    }

    /// The peer has deleted pairs before we know whether one of them is the one that we have asked for.
    pub fn gone(&mut self, spis_out: &[u32]) {
        if self.gone.len() < MOST_GONE {
            self.gone.extend(spis_out);
        }
    }

    /// The peer has answered.
    pub fn concluded(
        mut self: Box<Self>,
        ike: &mut Established,
        cx: &mut Cx<'_>,
        answer: &PayloadList,
    ) {
        if let Some(follows) = self.follows.take() {
            return self.followed(ike, cx, *follows, answer);
        }
        if answer.sa().is_none()
            && let Some(notify) = answer.error_notify()
        {
            return self.refused(ike, cx, notify);
        }
        mode::heed_filling(&mut self.wish.config, answer);
        let agreed = self
            .agreed(answer)
            .and_then(|terms| Ok((Series::after(cx, &terms.suite, answer)?, terms)));
        match agreed {
            Ok((Progress::Done(_), terms)) => self.install(ike, cx, terms, &[]),
            Ok((Progress::More(series), terms)) => self.go_on(ike, cx, terms, series),
            Err(refusal) => self.disown(ike, cx, &refusal),
        }
    }

    fn title(&self, ike: &Established) -> String {
        let head = &ike.secured.head;
        child::title_of(head, Some(self.name()), self.replaces.is_some())
    }

    /// For the peer the pair is there, and we can't use it.
    fn disown(&self, ike: &mut Established, cx: &mut Cx<'_>, refusal: &Refusal) {
        ike.peer_is_at_ease();
        ike.agenda.add(Task::Disown(self.spi_in));
        let what = self.title(ike);
        ike.refused_by_us(cx, what, refusal);
        let problem = refusal.to_string();
        ike.child_failed(cx, self.name(), self.replaces, Setback::Refused, problem);
    }

    fn lowest(&self, terms: &Terms) -> Vec<u8> {
        self.nonce.as_slice().min(&terms.nr).to_vec()
    }

    /// The peer has agreed; further key exchanges follow. If it has begun to put a pair in the same old one's place as
    /// well, who had the lowest of the four nonces stops here, where nothing is there yet (RFC 9370 2.2.4).
    fn go_on(
        mut self: Box<Self>,
        ike: &mut Established,
        cx: &mut Cx<'_>,
        terms: Terms,
        series: Series,
    ) {
        if let Some(rival) = &self.rival {
            let ours_stays = self.lowest(&terms) > rival.lowest;
            if !ours_stays {
                self.collided(ike, cx, Party::Peer);
                self.release(cx);
                let problem = "the peer is rekeying it".to_owned();
                let (name, old) = (self.name(), self.replaces);
                ike.child_failed(cx, name, old, Setback::Busy, problem);
                return;
            }
            self.overrule(ike, cx);
        }
        let request = series.request();
        self.follows = Some(Box::new((terms, series)));
        ike.ask(
            cx,
            InFlight::Child(self),
            ExchangeType::IKE_FOLLOWUP_KE,
            request,
        );
    }

    /// The peer stops what it has begun in the same old pair's place, and so do we.
    fn overrule(&self, ike: &mut Established, cx: &mut Cx<'_>) {
        let Some(old) = self.replaces else { return };
        if ike.peer_rekeys_child(old) {
            self.collided(ike, cx, Party::Us);
            ike.drop_unfinished(cx, |u| u.replaces_child() == Some(old));
        }
    }

    fn collided(&self, ike: &Established, cx: &mut Cx<'_>, kept: Party) {
        let what = Happening::RekeyCollision {
            what: child::title(&ike.secured.head, Some(self.name())),
            kept,
        };
        cx.event(&ike.secured.head, what);
    }

    /// The peer has answered one of the further key exchanges.
    fn followed(
        mut self: Box<Self>,
        ike: &mut Established,
        cx: &mut Cx<'_>,
        (terms, series): (Terms, Series),
        answer: &PayloadList,
    ) {
        if answer.ke().is_none()
            && let Some(notify) = answer.error_notify()
        {
            return self.refused(ike, cx, notify);
        }
        match series.answered(cx, answer) {
            Ok(Progress::More(series)) => {
                let request = series.request();
                self.follows = Some(Box::new((terms, series)));
                ike.ask(
                    cx,
                    InFlight::Child(self),
                    ExchangeType::IKE_FOLLOWUP_KE,
                    request,
                );
            }
            Ok(Progress::Done(secrets)) => self.install(ike, cx, terms, &secrets),
            Err(refusal) => self.disown(ike, cx, &refusal),
        }
    }

    /// What the answer agrees to.
    fn agreed(&self, answer: &PayloadList) -> Result<Terms, Refusal> {
        let mismatch = |problem: &str| Refusal::AnswerMismatch {
            problem: problem.to_owned(),
        };
        let granted = self.wish.granted(answer, true)?;
        let nr = answer.nonce().ok_or_else(|| mismatch("Nr is missing"))?;
        let shared = granted
            .suite
            .ke
            .map(|method| match &self.ke {
                Some(own) => own.finish(method, answer),
                None => Err(mismatch("a key exchange that was not offered")),
            })
            .transpose()?;
        Ok(Terms {
            suite: granted.suite,
            spi_out: granted.spi_out,
            mode: granted.mode,
            ts: granted.ts,
            shared,
            nr: nr.0.clone(),
        })
    }

    /// Makes the pair that both sides have agreed on.
    fn install(
        self: Box<Self>,
        ike: &mut Established,
        cx: &mut Cx<'_>,
        terms: Terms,
        additional: &[Secret],
    ) {
        ike.peer_is_at_ease();
        let lowest = self.lowest(&terms);
        let agreed = Agreed {
            config: &self.wish.config,
            spi_in: self.spi_in,
            spi_out: terms.spi_out,
            mode: terms.mode,
            suite: terms.suite,
            ts: terms.ts,
            replaces: None,
        };
        let source = KeySource {
            channel: &ike.secured.channel,
            shared: terms.shared.as_ref(),
            ni: &self.nonce,
            nr: &terms.nr,
            additional,
            ours: true,
        };
        match child::install(cx, &ike.secured.head, agreed, &source) {
            Ok(child) => self.take_place(ike, cx, child, &lowest),
            Err(refusal) => self.disown(ike, cx, &refusal),
        }
    }

    /// The new pair is there on both sides. Of two that replace the same old one, that goes whose exchange had the
    /// lowest of the four nonces, and whoever made it deletes it; the maker of the other one deletes the old pair.
    fn take_place(
        self: Box<Self>,
        ike: &mut Established,
        cx: &mut Cx<'_>,
        new: Child,
        lowest: &[u8],
    ) {
        let head = ike.secured.head.clone();
        ike.missing.retain(|m| m.name != new.name);
        let trigger = ike.secured.head.trigger.clone();
        if self.replaces.is_none() {
            let trigger = &mut ike.secured.head.trigger;
            trigger.take_if(|trigger| trigger.child == new.name);
        }
        // The peer grants what the packet has no use of: the next one doesn't ask at once.
        let useless = trigger.filter(|t| self.replaces.is_none() && t.child == new.name);
        if useless.is_some_and(|trigger| !new.takes(&trigger)) {
            let problem = "the peer granted other traffic than the packet's".to_owned();
            ike.child_failed(cx, &new.name, None, Setback::Refused, problem);
        }
        let new_in = new.spi_in;
        let gone = self.gone.contains(&new.spi_out);
        ike.children.push(new);
        if gone {
            return ike.remove_child(cx, new_in, ChildEvent::DeletedByPeer, Party::Peer);
        }
        ike.came_under(new_in, &self.wish.config);
        let Some(old) = self.replaces else { return };
        // What the peer has made in the old one's place, or is about to make.
        let theirs = self.rival.as_ref().and_then(|rival| rival.spi_in);
        let installed = |c: &Child| c.state == ChildSaState::Installed;
        let there = ike
            .children
            .iter()
            .any(|c| Some(c.spi_in) == theirs && installed(c));
        let coming = theirs.is_none() && ike.peer_rekeys_child(old);
        let rival = self.rival.as_ref().filter(|_| there || coming);
        let ours_stays = rival.is_none_or(|rival| lowest > rival.lowest.as_slice());
        if ours_stays {
            self.overrule(ike, cx);
        }
        let (stays, goes) = match theirs.filter(|_| there) {
            Some(theirs) if ours_stays => (new_in, Some(theirs)),
            Some(theirs) => (theirs, Some(new_in)),
            None if ours_stays => (new_in, None),
            None => {
                // The peer goes on with its own further key exchanges.
                self.collided(ike, cx, Party::Peer);
                ike.supersede(cx, new_in);
                ike.agenda.add(Task::DeleteChild(new_in));
                return;
            }
        };
        let kept = if ours_stays { Party::Us } else { Party::Peer };
        if let Some(goes) = goes {
            let what = Happening::RekeyCollision {
                what: child::title(&head, Some(self.name())),
                kept,
            };
            cx.event(&head, what);
            ike.supersede(cx, goes);
        }
        if ours_stays {
            ike.supersede(cx, old);
        }
        ike.agenda
            .add(Task::DeleteChild(if ours_stays { old } else { new_in }));
        let what = Happening::ChildRekeyed {
            child: self.wish.config.name.clone(),
            old,
            new: stays,
            by: kept,
        };
        cx.event(&head, what);
    }

    fn refused(mut self: Box<Self>, ike: &mut Established, cx: &mut Cx<'_>, notify: &Notify) {
        let what = self.title(ike);
        if notify.kind == NotifyType::INVALID_KE_PAYLOAD
            && let Some(method) = proposals::other_method(&self.wish.proposals, &self.tried, notify)
            && let Ok(ke) = OwnKe::start(cx.provider, method)
        {
            let from = self.ke.as_ref().map_or(KeMethod::NONE, |ke| ke.method);
            let what = Happening::KeRetry {
                from: keywords::ke_name(from),
                to: keywords::ke_name(method),
                by: Party::Peer,
            };
            cx.event(&ike.secured.head, what);
            ike.peer_is_at_ease();
            self.tried.push(method);
            self.ke = Some(ke);
            self.nonce = cx.new_nonce();
            let request = self.request();
            ike.ask(
                cx,
                InFlight::Child(self),
                ExchangeType::CREATE_CHILD_SA,
                request,
            );
            return;
        }
        self.release(cx);
        let (name, old) = (self.wish.config.name.clone(), self.replaces);
        if notify.kind == NotifyType::TEMPORARY_FAILURE {
            ike.peer_is_busy(cx.now.mono);
            let problem = "the peer is busy".to_owned();
            let wait = ike.child_failed(cx, &name, old, Setback::Busy, problem);
            ike.put_off(cx, what, wait);
            return;
        }
        ike.peer_is_at_ease();
        let refused = Happening::PeerRefused {
            what,
            notify: notify.kind.0,
            name: notify.kind.to_string(),
            data: describe::hex(&notify.data),
            asked: child::asked(&self.wish.config, &self.wish.proposals),
        };
        cx.event(&ike.secured.head, refused);
        match (notify.kind, old) {
            // The peer has lost the pair: what we have of it is of no use, and another one is asked for (2.25.1).
            (NotifyType::CHILD_SA_NOT_FOUND, Some(old)) => {
                let there = ike.children.iter().any(|c| c.spi_in == old);
                ike.remove_child(cx, old, ChildEvent::DeletedByPeer, Party::Peer);
                let other = ike
                    .children
                    .iter()
                    .any(|c| c.name == name && c.is_installed());
                if there && !other {
                    ike.agenda.add(Task::NewChild(name));
                }
            }
            (_, None) if ike.refused_under(&self.wish.config) => {}
            (kind, old) => {
                let problem = format!("the peer answered {kind}");
                let mut children = ike.children.iter();
                let replaced = children.find(|c| Some(c.spi_in) == old);
                // What was only tried needn't have come about.
                let on_trial = replaced.is_some_and(|c| c.span.is_trial());
                ike.child_failed(cx, &name, old, Setback::Refused, problem);
                if kind == NotifyType::NO_ADDITIONAL_SAS && old.is_some() && !on_trial {
                    ike.start_over(cx);
                }
            }
        }
    }
}

/// Bound of what is remembered of deletions while an answer is awaited.
const MOST_GONE: usize = 64;
