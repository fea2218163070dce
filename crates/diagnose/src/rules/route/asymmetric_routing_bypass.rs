//! `asymmetric-routing-bypass`: one side sends by the tunnel, and the other answers outside of it.

use adit_model::fact::Side;
use adit_model::sign::Sign;

use crate::finding::{CONDITION, COUNTED, SYMPTOM};
use crate::inner::{host_of, is_public};
use crate::plane::{possible, tunnel_device};
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::seen::Seen;
use crate::signals::Signals;
use crate::verdict::AtFault;

pub(crate) static RULE: Rule = Rule {
    id: "asymmetric-routing-bypass",
    recurs: false,
    page: Page {
        title: "One side sends by the tunnel, and the other answers outside of it",
        what: "The packets of one direction go through the tunnel and those of the other take another way: a route, a policy or a translation on the answering side sends them elsewhere.",
        initiator: "Counter out grows, counter in stays.",
        responder: "Counter in grows, counter out stays.",
        look_alikes: &[
            (
                "esp-blocked-one-way",
                "Does the answering side's outbound counter grow (then ESP is lost on the way), or is it zero (then it is routing, translation or a filter behind it)?",
            ),
            (
                "return-route-missing-behind-gateway",
                "Do the answers reach the answering gateway at all?",
            ),
            (
                "snat-before-ipsec",
                "Do the answers leave with a translated source?",
            ),
        ],
        fix: &[(
            "any",
            "Make both directions use the tunnel: routes, order of policies, weights of several paths; a strict reverse path filter must be off where asymmetry is wanted.",
        )],
        source: "RFC 4301 5",
    },
    needs: &[Need::TwoSidedCapture],
    depends_on: &["route-to-remote-subnet-missing"],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    for side in [Side::Local, Side::Remote] {
        let Some(carried) = s.carried(side).filter(|c| c.only_receives()) else {
            continue;
        };
        // Where the host itself says that the way back isn't the tunnel, nothing else is needed.
        let device = s
            .links()
            .any(|(f, name, _)| f.side == side && tunnel_device(name));
        let out = s.ways().find(|(f, to, way)| {
            f.side == side
                && s.protected_by_selectors(to) == Some(true)
                && device
                && !way.device.as_deref().is_some_and(tunnel_device)
        });
        if let (Some((fact, to, way)), Some(first)) = (out, carried.facts.first()) {
            return Found::on(
                fact,
                SYMPTOM,
                side.into(),
                format!(
                    "the tunnel only receives, and the way back to {to} is by {} instead",
                    way.device.as_deref().unwrap_or("another interface")
                ),
            )
            .with([*first])
            .because("The SA counts packets in and none out, and the host takes another way for the answers.")
            .fix("route the other side's network by the tunnel")
            .done();
        }
    }
    // Servers of the Internet answer what was given up long ago, at every gateway.
    let of_a_site = |seen: &Seen<'_>| {
        !s.is_none_of_the_tunnel(*seen)
            && !seen
                .value("source")
                .and_then(host_of)
                .is_some_and(|host| is_public(&host))
    };
    if let Some(seen) = s
        .signs_of(Sign::AnswerOutOfState)
        .filter(of_a_site)
        .last()
        .filter(|_| s.calm() && !s.fails_in_ike() && !s.works_in_between())
    {
        return Found::by(
            seen,
            CONDITION,
            format!(
                "the filter of {} drops answers from {} to connections whose first packet it never saw: that took another way",
                seen.who(),
                seen.value_or("source", "the other side")
            ),
        )
        .because("A filter that follows connections lets an answer pass where the question went by. The question went into the tunnel or came out of it, and the answer goes past it, or the other way round.")
        .fix("let both directions take the tunnel: take out the other route to that network, or the one that goes first")
        .then("on the host that answers and on its gateway: ip route get to the host that asks")
        .done();
    }
    let clear = s.sign(Sign::ClearTrafficArrived);
    if let (Some(seen), Some(carried)) = (clear, s.carried(Side::Local).filter(|_| s.up))
        && seen.side() == Side::Local
        && carried.only_sends()
    {
        return Found::by(
            seen,
            COUNTED,
            "what we send into the tunnel arrives, and the other side's packets come outside of it, in clear",
        )
        .at(AtFault::Remote)
        .with(carried.facts)
        .because("The tunnel sends and receives nothing, and packets from the peer's network to ours come by the outside interface without protection; they are dropped here.")
        .fix("have our networks lead into the tunnel at the peer: its routes, the order of its rules for tables (ip rule), and its policies")
        .then("on the peer: ip route get to an address of ours, from one of its network")
        .done();
    }
    if clear.is_some() {
        return possible(
            38,
            "packets come in clear that should come by the tunnel",
            "whether the sender's policy covers them, or its route leads them past the tunnel",
        );
    }
    Judgement::Silent
}
