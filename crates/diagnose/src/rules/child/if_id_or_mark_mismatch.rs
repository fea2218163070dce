//! `if-id-or-mark-mismatch`: the virtual interface and the policies don't belong together.

use adit_model::fact::Side;
use adit_model::sign::Sign;

use crate::finding::{COUNTED, SAID};
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::signals::Signals;
use crate::xfrm::words;

pub(crate) static RULE: Rule = Rule {
    id: "if-id-or-mark-mismatch",
    recurs: false,
    page: Page {
        title: "The tunnel's interface and its policies have different numbers",
        what: "With an XFRM interface or a VTI, policies and SAs carry a number (if_id, mark, key). Packets of another number never meet them: the tunnel is up and carries nothing.",
        initiator: "Nothing passes; `ip -d link` and `ip xfrm policy` show different numbers.",
        responder: "The same; XfrmInNoPols or XfrmInTmplMismatch grow.",
        look_alikes: &[("inbound-policy-mismatch", "Is a virtual interface in use?")],
        fix: &[
            (
                "any",
                "The same number on interface, connection and policy.",
            ),
            (
                "strongswan",
                "`if_id_in`, `if_id_out` (or `mark_in`, `mark_out`) as the interface's if_id (or key)",
            ),
            ("libreswan", "`ipsec-interface=`"),
            ("vyos", "the if_id is the number of the vti plus one"),
        ],
        source: "ip-xfrm(8), ip-link(8) of iproute2",
    },
    needs: &[Need::RefusingSideLog],
    depends_on: &[],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    let Some(seen) = s.sign(Sign::InterfaceIdMissing) else {
        return [Side::Local, Side::Remote]
            .into_iter()
            .find_map(|side| listed(s, side))
            .unwrap_or(Judgement::Silent);
    };
    let name = seen.value_or("name", "the tunnel's interface");
    Found::by(
        seen,
        SAID,
        format!(
            "the interface {name} that the policies are bound to isn't there, or has another number"
        ),
    )
    .because(
        "Policies and SAs with a number apply to packets of the interface with that number alone.",
    )
    .fix(format!(
        "create {name} with the if_id (or key) of the connection, before the connection is loaded"
    ))
    .done()
}

/// What the kernel has: policies and SAs, or policies and interfaces, of different numbers.
fn listed(s: &Signals<'_>, side: Side) -> Option<Judgement> {
    const FIX: &str = "give the interface, the connection and so the policies and SAs the same number (if_id_in and if_id_out, or mark_in and mark_out), and load the connection again";
    let spd = s.kernel(side)?;
    let number = |n: Option<u32>| n.map_or("none".to_owned(), |n| format!("{n:#x}"));
    if let Some(((policy_fact, policy), (sa_fact, sa))) = spd.numbered_apart() {
        return Some(
            Found::on(
                policy_fact,
                COUNTED,
                side.into(),
                format!(
                    "the policy {} has the interface number {}, and the SA for it {}",
                    words(policy),
                    number(policy.if_id),
                    number(sa.if_id)
                ),
            )
            .with([sa_fact])
            .because("A policy looks for an SA of its own number alone.")
            .fix(FIX)
            .done(),
        );
    }
    let numbers: Vec<_> = s.tunnel_interfaces(side).collect();
    let bound: Vec<_> = spd
        .policies
        .iter()
        .filter_map(|(fact, p)| {
            let mark = p.mark.as_deref().and_then(mark);
            Some((
                *fact,
                p.if_id.map(|n| ("xfrm", n)).or(mark.map(|n| ("vti", n)))?,
            ))
        })
        .collect();
    let (fact, (kind, wanted)) = *bound.first()?;
    let of_kind: Vec<_> = numbers.iter().filter(|(_, _, k, _)| *k == kind).collect();
    let (link, name, _, has) = *of_kind.first()?;
    let met = bound.iter().any(|(_, (k, n))| {
        of_kind
            .iter()
            .any(|(_, _, kind, has)| kind == k && has == n)
    });
    if met {
        return None;
    }
    Some(
        Found::on(
            fact,
            COUNTED,
            side.into(),
            format!(
                "the policies have the number {wanted:#x}, and the interface {name} has {has:#x}"
            ),
        )
        .with([*link])
        .because("Packets that are sent to the interface get its number, and no policy has it.")
        .fix(FIX)
        .done(),
    )
}

/// The value of `0x2a/0xffffffff`; a mark that is looked at in part isn't an interface's.
fn mark(text: &str) -> Option<u32> {
    let (value, mask) = text.split_once('/').unwrap_or((text, "0xffffffff"));
    let hex = |t: &str| match t.strip_prefix("0x") {
        Some(hex) => u32::from_str_radix(hex, 16).ok(),
        None => t.parse().ok(),
    };
    (hex(mask)? == u32::MAX)
        .then(|| hex(value))
        .flatten()
        .filter(|n| *n != 0)
}
