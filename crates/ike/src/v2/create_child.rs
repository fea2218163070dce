//! The peer's CREATE_CHILD_SA requests for CHILD SAs: another one, or one in an old one's place (RFC 7296 1.3.1, 1.3.3).

use adit_crypto::KeyExchange;
use adit_model::Secret;
use adit_model::connection::{self, Mode};
use adit_model::event::{Happening, Party};
use adit_model::feature::Feature;
use adit_model::keywords;
use adit_model::proposal::{SaKind, Suite};
use adit_model::reason::Refusal;
use adit_wire::iana::{KeMethod, NotifyType, ProtocolId};
use adit_wire::v2::{KePayload, Nonce, Payload, PayloadList};

use crate::cx::Cx;
use crate::snapshot::ChildSaState;
use crate::v2::child::{self, Agreed, ChildEvent, KeySource};
use crate::v2::closing::refuse;
use crate::v2::established::Established;
use crate::v2::followup::Goal;
use crate::v2::narrow::Traffic;
use crate::v2::{narrow, proposals};

pub(crate) fn answer(ike: &mut Established, cx: &mut Cx<'_>, request: &PayloadList) {
    let rekeying = request.notify(NotifyType::REKEY_SA).is_some();
    let unanswered = ike.agenda.is_making_child();
    let old = rekeyed(ike, request, unanswered);
    let result = old.and_then(|old| create(ike, cx, request, old));
    match result {
        Ok(response) => ike.secured.reply(cx, &response),
        Err((refusal, name)) => {
            let what = child::title_of(&ike.secured.head, name.as_deref(), rekeying);
            let notify = refuse(cx, &mut ike.secured, &refusal);
            let what = Happening::Refused {
                what,
                refusal,
                notify,
            };
            cx.event(&ike.secured.head, what);
        }
    }
}

/// A refusal, and the child that it is about.
type Refused = (Refusal, Option<String>);

/// Index of the child that REKEY_SA names by the SPI that the peer receives under, `None` without REKEY_SA.
/// While a request of ours is `unanswered`, the peer may speak of the pair that its answer will tell us of.
fn rekeyed(
    ike: &Established,
    request: &PayloadList,
    unanswered: bool,
) -> Result<Option<usize>, Refused> {
    let Some(notify) = request.notify(NotifyType::REKEY_SA) else {
        return Ok(None);
    };
    let spi = notify.child_spi().unwrap_or(0);
    let at = ike
        .children
        .iter()
        .position(|c| notify.protocol == ProtocolId::ESP && spi != 0 && c.spi_out == spi);
    let found = at.and_then(|at| Some((at, ike.children.get(at)?)));
    match found {
        None if unanswered && spi != 0 => {
            let problem = "a CHILD SA is being created".to_owned();
            Err((Refusal::Local { problem }, None))
        }
        None => Err((Refusal::ChildNotFound { spi }, None)),
        // RFC 9370 2.2.4: our own CREATE_CHILD_SA is answered and further key exchanges are under way.
        Some((_, child)) if ours_goes_on(ike, child.spi_in) => Err((
            Refusal::Local {
                problem: "the CHILD SA is being rekeyed".to_owned(),
            },
            Some(child.name.clone()),
        )),
        Some((at, child)) if child.state == ChildSaState::Installed => Ok(Some(at)),
        // RFC 7296 2.25.1.
        Some((_, child)) => Err((
            Refusal::Local {
                problem: "the CHILD SA is being replaced or deleted".to_owned(),
            },
            Some(child.name.clone()),
        )),
    }
}

/// What is agreed on for a CHILD SA, before its keys can be made.
pub(crate) struct Agreement {
    pub config: connection::Child,
    pub spi_in: u32,
    /// `spi_in` of the pair whose place it takes.
    pub replaces: Option<u32>,
    spi_out: u32,
    mode: Mode,
    suite: Suite,
    ts: Traffic,
    shared: Option<Secret>,
    ni: Vec<u8>,
    nr: Vec<u8>,
}

/// Agrees to the CHILD SA, and makes it unless more key exchanges are to follow; the payloads that say so:
/// `SA, Nr, [KEr,] TSi, TSr, [N(USE_TRANSPORT_MODE),] [N(ADDITIONAL_TS_POSSIBLE),]
/// [N(ESP_TFC_PADDING_NOT_SUPPORTED),] [N(ADDITIONAL_KEY_EXCHANGE)]`.
fn create(
    ike: &mut Established,
    cx: &mut Cx<'_>,
    request: &PayloadList,
    old: Option<usize>,
) -> Result<PayloadList, Refused> {
    let name = old
        .and_then(|at| ike.children.get(at))
        .map(|c| c.name.clone());
    let about = |refusal| (refusal, name.clone());
    if ike.replaced.is_some() || ike.doomed.is_some() {
        let problem = "the IKE SA has been replaced".to_owned();
        return Err(about(Refusal::Local { problem }));
    }
    // RFC 7296 2.25.2.
    if ike.agenda.ike_attempt().is_some() {
        let problem = "the IKE SA is being rekeyed".to_owned();
        return Err(about(Refusal::Local { problem }));
    }
    if ike.children.len() >= cx.settings.child_limit {
        let what = Feature::ManyChildren {
            limit: u32::try_from(cx.settings.child_limit).unwrap_or(u32::MAX),
        };
        return Err(about(Refusal::Unsupported { what }));
    }
    let head = &ike.secured.head;
    let selected =
        child::select(cx.provider, head, request, name.as_deref(), true).map_err(about)?;
    let title = Some(selected.config.name.clone());
    let suite = selected.choice.suite;
    let exchanged = key_exchange(cx, suite, request).map_err(|r| (r, title.clone()))?;
    let ni = request.nonce().map(|n| n.0.clone()).unwrap_or_default();
    let nr = cx.new_nonce();
    let spi_in = cx.new_esp_spi();
    let sa = proposals::answer(&selected.choice, SaKind::Esp, &spi_in.to_be_bytes());
    let (ts_i, ts_r) = (
        narrow::to_wire(&selected.ts.remote),
        narrow::to_wire(&selected.ts.local),
    );
    let notifies = selected.notifies();
    let (ke, shared) = exchanged.unzip();
    let replaces = old
        .and_then(|at| ike.children.get(at))
        .map(|child| child.spi_in);
    let lowest = ni.as_slice().min(&nr).to_vec();
    let nonce = Payload::Nonce(Nonce(nr.clone()));
    let agreement = Agreement {
        config: selected.config,
        spi_in,
        replaces,
        spi_out: selected.spi_out,
        mode: selected.mode,
        suite,
        ts: selected.ts,
        shared,
        ni,
        nr,
    };
    let follows = match suite.additional().next() {
        None => {
            finish(ike, cx, agreement, &[]).map_err(|refusal| (refusal, title))?;
            None
        }
        Some(_) => {
            for ours in ike.agenda.child_attempts() {
                ours.meets(replaces, None, &lowest);
            }
            let goal = Goal::Child(Box::new(agreement));
            Some(ike.await_followups(cx, &suite, goal))
        }
    };
    Ok([Payload::Sa(sa), nonce]
        .into_iter()
        .chain(ke.map(Payload::Ke))
        .chain([Payload::TsI(ts_i), Payload::TsR(ts_r)])
        .chain(notifies)
        .chain(follows)
        .collect())
}

/// Makes the CHILD SA that was agreed on, with the secrets of key exchanges that followed.
pub(crate) fn finish(
    ike: &mut Established,
    cx: &mut Cx<'_>,
    agreement: Agreement,
    additional: &[Secret],
) -> Result<(), Refusal> {
    let Agreement {
        config,
        spi_in,
        replaces,
        spi_out,
        mode,
        suite,
        ts,
        shared,
        ni,
        nr,
    } = agreement;
    let agreed = Agreed {
        config: &config,
        spi_in,
        spi_out,
        mode,
        suite,
        ts,
        replaces,
    };
    let source = KeySource {
        channel: &ike.secured.channel,
        shared: shared.as_ref(),
        ni: &ni,
        nr: &nr,
        additional,
        ours: false,
    };
    let new = child::install(cx, &ike.secured.head, agreed, &source).inspect_err(|_| {
        cx.desk.spis.release_esp(spi_in);
    })?;
    let old = ike.children.iter_mut().find(|c| Some(c.spi_in) == replaces);
    if let Some(old) = old {
        old.step(ChildEvent::Superseded, cx.now.mono);
        let what = Happening::ChildRekeyed {
            child: old.name.clone(),
            old: old.spi_in,
            new: spi_in,
            by: Party::Peer,
        };
        for ours in ike.agenda.child_attempts() {
            ours.meets(replaces, Some(spi_in), ni.as_slice().min(&nr));
        }
        cx.event(&ike.secured.head, what);
    }
    ike.peer_is_at_ease();
    ike.missing.retain(|m| m.name != new.name);
    ike.children.push(new);
    ike.came_under(spi_in, &config);
    Ok(())
}

fn ours_goes_on(ike: &Established, spi_in: u32) -> bool {
    ike.agenda.follows_child(spi_in)
}

/// Carries out the key exchange that `suite` asks for, if it does: our payload and the shared secret.
pub(crate) fn key_exchange(
    cx: &Cx<'_>,
    suite: Suite,
    request: &PayloadList,
) -> Result<Option<(KePayload, Secret)>, Refusal> {
    let Some(method) = suite.ke else {
        return Ok(None);
    };
    let name = keywords::ke_name;
    let ke = request
        .ke()
        .filter(|ke| ke.method == method)
        .ok_or_else(|| Refusal::KeMethod {
            received: name(request.ke().map_or(KeMethod::NONE, |ke| ke.method)),
            wanted: name(method),
        })?;
    let exchange: &'static dyn KeyExchange =
        cx.provider
            .ke(method)
            .map_err(|error| Refusal::Unsupported {
                what: Feature::algorithm(error),
            })?;
    let (data, secret) = exchange
        .respond(&*cx.provider.random, &ke.data)
        .map_err(|error| Refusal::KeValue {
            method: name(method),
            problem: error.to_string(),
        })?;
    Ok(Some((KePayload { method, data }, secret)))
}
