//! `cipher-suboptimal`: the cipher is slower than it need be.

use adit_model::complaint::Complaint;
use adit_model::sign::Sign;

use crate::finding::CONDITION;
use crate::plane::possible;
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::signals::Signals;
use crate::verdict::AtFault;

pub(crate) static RULE: Rule = Rule {
    id: "cipher-suboptimal",
    recurs: false,
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
    if busy.is_none() && measured.is_none() && s.complains(Complaint::Slow).is_none() {
        return Judgement::Silent;
    }
    let Some(slow) = s.sign(Sign::SlowCipher) else {
        return Judgement::Silent;
    };
    let cipher = slow.value_or("algorithm", "a cipher in CBC mode");
    let line = slow.fact.source.text.to_ascii_lowercase();
    let triple = line.contains("3des") || line.contains("des3");
    match busy {
        Some(busy) if triple => Found::by(
            slow,
            CONDITION + 0.08,
            "the processor is busy and the tunnel uses 3DES, the slowest cipher there is",
        )
        .at(AtFault::Both)
        .with([busy.fact])
        .because("3DES costs about ten times what AES costs, and has no instructions in hardware.")
        .fix("use AES-GCM for ESP on both sides")
        .done(),
        _ => possible(
            38,
            format!("the tunnel uses {cipher} and not AES-GCM"),
            "throughput with AES-GCM, and whether a processor is busy meanwhile",
        ),
    }
}
