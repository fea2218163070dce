//! `cookie-challenge-fails`: a cookie comes back wrong.

use adit_model::event::{Happening, Party};
use adit_model::fact::Side;
use adit_model::sign::Sign;

use crate::finding::{COUNTED, SYMPTOM};
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::signals::Signals;
use crate::verdict::AtFault;

const LOOP: usize = 3;

pub(crate) static RULE: Rule = Rule {
    id: "cookie-challenge-fails",
    recurs: false,
    page: Page {
        title: "The cookie comes back wrong",
        what: "A responder under load asks initiators to return a cookie made of their address, SPI and nonce. It doesn't fit when a NAT changes the source between two tries, when two hosts share an address, or when the initiator doesn't return it.",
        initiator: "N(COOKIE) again and again.",
        responder: "\"found cookie, but content invalid\", \"DOS cookies do not match\".",
        look_alikes: &[
            (
                "half-open-limit",
                "Is a cookie asked for, or is the request dropped?",
            ),
            ("invalid-ke-loop", "Is it a group that is asked for?"),
        ],
        fix: &[
            (
                "any",
                "Find out why so many IKE SAs are half open; look for a NAT with several outside addresses.",
            ),
            (
                "strongswan",
                "`charon.cookie_threshold`, `charon.block_threshold`; `swanctl --stats`.",
            ),
        ],
        source: "RFC 7296 2.6",
    },
    needs: &[Need::RefusingSideLog],
    depends_on: &["half-open-limit"],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    const FIX: &str = "see whether a NAT changes the initiator's address or port between tries, and why so many IKE SAs are half open (strongSwan: cookie_threshold; swanctl --stats)";
    if let Some(seen) = s.sign(Sign::CookieRefused) {
        return Found::by(
            seen,
            COUNTED - 0.02,
            "a cookie came back that doesn't fit the request",
        )
        .at(AtFault::Unknown)
        .because("A cookie is bound to address, SPI and nonce of the initiator. One of them changed between the two requests, or the cookie is too old.")
        .fix(FIX)
        .done();
    }
    let asked: Vec<_> = s
        .happenings(Side::Local)
        .filter(|(_, h)| matches!(h, Happening::Cookie { by: Party::Peer }))
        .map(|(fact, _)| fact)
        .collect();
    match asked.last() {
        Some(last) if asked.len() >= LOOP => Found::on(
            last,
            SYMPTOM,
            AtFault::Unknown,
            format!("the peer asked for a cookie {} times in one attempt", asked.len()),
        )
        .with(asked.iter().copied())
        .because("Once is normal for a responder under load. That it asks again means that what came back didn't fit.")
        .fix(FIX)
        .done(),
        _ => Judgement::Silent,
    }
}
