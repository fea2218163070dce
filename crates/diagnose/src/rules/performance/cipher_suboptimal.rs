//! `cipher-suboptimal`: the cipher is slower than it need be.

use adit_model::event::Happening;
use adit_model::fact::Known;
use adit_model::sign::Sign;

use crate::finding::CONDITION;
use crate::plane::possible;
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::signals::Signals;
use crate::verdict::AtFault;

pub(crate) static RULE: Rule = Rule {
    id: "cipher-suboptimal",
    page: Page {
        title: "The cipher is slower than it need be",
        what: "3DES, or AES-CBC with an HMAC, costs several times what AES-GCM costs on processors with AES instructions.",
        initiator: "Slow.",
        responder: "Slow.",
        look_alikes: &[("cpu-crypto-bound", "Are the processors busy at all?")],
        fix: &[
            ("any", "aes128gcm or aes256gcm for ESP on both sides."),
            ("strongswan", "`esp_proposals = aes128gcm16`."),
            ("libreswan", "`esp=aes_gcm128`."),
            (
                "vyatta",
                "`set security vpn ipsec esp-group NAME proposal 1 encryption aes128gcm128`, hash null.",
            ),
        ],
        source: "RFC 4106; RFC 8221",
    },
    needs: &[Need::RefusingSideLog],
    depends_on: &[],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    let busy = s.first_sign(&[Sign::AllCoresBusy, Sign::CoreBusy]);
    let measured = s.throughput().next();
    if busy.is_none() && measured.is_none() {
        return Judgement::Silent;
    }
    let slow = s.case.facts.iter().rev().find_map(|f| match &f.what {
        Known::Happened {
            happening: Happening::ChildEstablished { suite, .. },
        } => {
            let text = suite.to_string().to_ascii_uppercase();
            (text.contains("3DES") || text.contains("CBC")).then_some((f, text))
        }
        _ => None,
    });
    match (slow, busy) {
        (Some((f, text)), Some(busy)) if text.contains("3DES") => Found::on(
            f,
            CONDITION + 0.08,
            AtFault::Both,
            "the processor is busy and the tunnel uses 3DES, the slowest cipher there is",
        )
        .with([busy.fact])
        .because("3DES costs about ten times what AES costs, and has no instructions in hardware.")
        .fix("use AES-GCM for ESP on both sides")
        .done(),
        (Some((_, text)), _) => possible(
            38,
            format!("the tunnel uses {text}"),
            "throughput with AES-GCM, and whether a processor is busy meanwhile",
        ),
        (None, _) => Judgement::Silent,
    }
}
