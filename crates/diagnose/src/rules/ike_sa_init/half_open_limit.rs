//! `half-open-limit`: new requests are ignored because too many are half open.

use adit_model::drops::DropReason;
use adit_model::event::Happening;
use adit_model::reason::Refusal;
use adit_model::sign::Sign;

use crate::finding::SYMPTOM;
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::signals::{Signals, who};

pub(crate) static RULE: Rule = Rule {
    id: "half-open-limit",
    recurs: false,
    page: Page {
        title: "Too many half-open IKE SAs",
        what: "A responder that keeps many unfinished IKE SAs, in all or from one address, ignores further requests. The half-open ones are often the failed tries of the same peer, of clients behind one NAT, or a scan.",
        initiator: "Silence; or N(COOKIE).",
        responder: "strongSwan: \"ignoring IKE_SA setup from …, per-IP half-open IKE_SA limit of 5 reached\"; Libreswan: \"pluto is overloaded with half-open IKE SAs\".",
        look_alikes: &[
            (
                "udp500-reply-blocked",
                "Are the half-open ones this peer's own tries, whose answers don't arrive?",
            ),
            (
                "cookie-challenge-fails",
                "Is a cookie asked for, or is the request dropped?",
            ),
        ],
        fix: &[
            (
                "any",
                "Remove what makes the tries fail; let clients behind one NAT have a higher limit.",
            ),
            (
                "strongswan",
                "`charon.block_threshold` (per address), `charon.init_limit_half_open`, `charon.half_open_timeout`.",
            ),
            (
                "adit",
                "`half_open_per_source`, `half_open_limit` of [gateway].",
            ),
            ("libreswan", "`ddos-ike-threshold`, `max-halfopen-ike`."),
        ],
        source: "RFC 7296 2.6",
    },
    needs: &[Need::RefusingSideLog],
    depends_on: &["udp500-reply-blocked", "psk-mismatch"],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    let refused = s
        .refusal(|r| matches!(r, Refusal::HalfOpenLimit { .. }).then_some(()))
        .map(|(r, ())| (r.fact, r.side));
    let seen = s.sign(Sign::HalfOpenLimit);
    let Some((fact, side)) = seen.map(|x| (x.fact, x.side())).or(refused) else {
        return dropped(s);
    };
    let limit = seen
        .and_then(|x| x.value("limit"))
        .map_or(String::new(), |limit| format!(" (the limit is {limit})"));
    Found::on(
        fact,
        SYMPTOM + 0.07,
        side.into(),
        format!("{} ignores new requests because too many IKE SAs are half open{limit}", who(side)),
    )
    .with(s.signs_of(Sign::HalfOpenLimit).map(|x| x.fact).take(3))
    .because("Requests that were begun and not finished count against a limit, and it is reached. What made them stay unfinished is the deeper reason: tries that fail, clients behind one address, or a scan.")
    .fix("find out why the earlier requests weren't finished (do our answers arrive?), and raise the limit per address if many clients share one")
    .done()
}

/// The gateway counts what it drops, and says which bound was reached. A tunnel that is up isn't kept out.
fn dropped(s: &Signals<'_>) -> Judgement {
    let all: Vec<_> = s
        .case
        .happenings()
        .filter_map(|(fact, h)| match h {
            Happening::Dropped {
                reason: DropReason::IkeHalfOpenLimit,
                detail,
            } => Some((fact, detail)),
            _ => None,
        })
        .collect();
    let Some((fact, detail)) = all.last().filter(|_| !s.up) else {
        return Judgement::Silent;
    };
    Found::on(
        fact,
        SYMPTOM + 0.07,
        fact.side.into(),
        format!("{} drops first requests of its peers: {detail}", who(fact.side)),
    )
    .with(all.iter().map(|(fact, _)| *fact).take(3))
    .because("Requests that were begun and not finished count against a limit, and it is reached. What made them stay unfinished is the deeper reason: tries that fail, clients behind one address, or a scan.")
    .fix("find out why the earlier requests weren't finished (do our answers arrive?), and raise half_open_per_source if many clients share one address, or half_open_limit")
    .done()
}
