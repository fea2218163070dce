//! `address-pool-exhausted`: no free address is left for a client.

use adit_model::reason::{AddressProblem, Refusal};
use adit_model::sign::Sign;

use crate::finding::SAID;
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::signals::{Signals, who};

const INTERNAL_ADDRESS_FAILURE: u16 = 36;

pub(crate) static RULE: Rule = Rule {
    id: "address-pool-exhausted",
    recurs: false,
    page: Page {
        title: "No address is left for a client",
        what: "A responder that gives addresses to clients has handed out all of its pool, or leases of clients that are gone still hold them.",
        initiator: "INTERNAL_ADDRESS_FAILURE; the IKE SA may stay up without a CHILD SA.",
        responder: "strongSwan: \"pool … is full, unable to assign address\"; Libreswan: \"no free address in addresspool\"; Cisco: \"Cannot obtain an IP address for remote peer\".",
        look_alikes: &[(
            "virtual-ip-or-cp-failure",
            "Is there a pool at all, and did the client ask for an address?",
        )],
        fix: &[
            (
                "any",
                "Make the pool larger, or let leases of dead clients end sooner (DPD).",
            ),
            (
                "adit",
                "`addresses` of `[pool.NAME]`, then `adit reload`; `adit status` lists who has what.",
            ),
            (
                "strongswan",
                "`pools { x { addrs = 10.9.0.0/22 } }`; `swanctl --list-pools --leases`.",
            ),
            (
                "libreswan",
                "`rightaddresspool=`; each login of the same user may take one: `uniqueids`.",
            ),
        ],
        source: "RFC 7296 3.15.4",
    },
    needs: &[Need::RefusingSideLog],
    depends_on: &[],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    if let Some(seen) = s.sign(Sign::AddressPoolExhausted) {
        let pool = seen
            .value("pool")
            .map_or(String::new(), |pool| format!(" {pool}"));
        let told: Vec<_> = s
            .told
            .iter()
            .filter(|t| t.notify == INTERNAL_ADDRESS_FAILURE)
            .map(|t| t.fact)
            .collect();
        // Who has no answer to the first message has asked for no address yet.
        if s.nothing_came().is_some() && told.is_empty() {
            return Judgement::Possible {
                weight: 20,
                because: format!(
                    "the address pool{pool} of {} has no free address; the attempt ends before one is asked for",
                    who(seen.side())
                ),
                separated_by: "how far an attempt gets once its first message is answered",
            };
        }
        return Found::by(
            seen,
            SAID,
            format!(
                "the address pool{pool} of {} has no free address",
                who(seen.side())
            ),
        )
        .with(told)
        .because("The client asked for an address, and every address of the pool is given out.")
        .fix("make the pool larger, or free leases of clients that are gone (shorter DPD)")
        .done();
    }
    let full = s.refusal(|r| match r {
        Refusal::NoAddress {
            problem: problem @ AddressProblem::Full { .. },
        } => Some(problem),
        _ => None,
    });
    if let Some((r, problem)) = full {
        let told = s
            .told
            .iter()
            .filter(|t| t.notify == INTERNAL_ADDRESS_FAILURE);
        return Found::on(
            r.fact,
            SAID,
            r.side.into(),
            format!("at {}: {problem}", who(r.side)),
        )
        .with(told.map(|t| t.fact))
        .because("The client asked for an address, and every address of the pool is given out.")
        .fix("make the pool larger, or free leases of clients that are gone (shorter DPD)")
        .done();
    }
    let known = s.refusal(|r| match r {
        Refusal::NoAddress { problem } if *problem != AddressProblem::NotFound => Some(()),
        _ => None,
    });
    if known.is_some() {
        return Judgement::Silent;
    }
    let refused = s
        .refusal(|r| matches!(r, Refusal::NoAddress { .. }).then_some(()))
        .map(|(r, ())| r.fact);
    let told = s
        .told
        .iter()
        .find(|t| t.notify == INTERNAL_ADDRESS_FAILURE)
        .map(|t| t.fact);
    match refused.or(told) {
        Some(_) => Judgement::Possible {
            weight: 50,
            because: "INTERNAL_ADDRESS_FAILURE is the answer of a responder whose pool is full"
                .to_owned(),
            separated_by: "the responder's list of pools and leases",
        },
        None => Judgement::Silent,
    }
}
