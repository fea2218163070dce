//! `cipher-suboptimal`: the cipher is slower than it need be.

use adit_model::complaint::Complaint;
use adit_model::sign::Sign;

use super::full::full_threads;
use crate::finding::{CONDITION, COUNTED};
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
    if let Some(judgement) = fills_the_threads(s) {
        return judgement;
    }
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

/// Our own threads have no time left, most of it goes into the cipher, and another would take far less: all of it is
/// measured.
fn fills_the_threads(s: &Signals<'_>) -> Option<Judgement> {
    /// Of the time that they ran, in per cent; and how many times longer than the quickest.
    const MOST_OF_IT: u64 = 50;
    const SLOWER: u64 = 2;
    /// Where others have the processors for much of the time: what a quicker cipher would carry in the time that is left
    /// outweighs them.
    const SLOWER_BY_FAR: u64 = 10;
    let threads = full_threads(s)?;
    if threads.by_quota() {
        return None;
    }
    let others = threads.others_have_it();
    let full = threads.seen;
    let number = |name| full.value(name).and_then(|n| n.parse::<u64>().ok());
    let (share, ns, faster_ns) = (number("share")?, number("ns")?, number("faster_ns")?);
    // The share is of the time that they ran or waited.
    let ran = 100_u64.saturating_sub(threads.waits);
    let of_ran = share
        .saturating_mul(100)
        .checked_div(ran)
        .map_or(100, |part| part.min(100));
    let slower = if others { SLOWER_BY_FAR } else { SLOWER };
    if share.saturating_mul(100) < MOST_OF_IT * ran || ns < slower.saturating_mul(faster_ns) {
        return None;
    }
    let beside = if others {
        format!(
            " Other programs take processors, too: the threads wait {} % of their time.",
            threads.waits
        )
    } else {
        String::new()
    };
    let (cipher, faster) = (full.value("cipher")?, full.value("faster")?);
    Some(
        Found::by(
            full,
            COUNTED + 0.02,
            format!("{cipher} is what limits the tunnel: it takes {of_ran} % of the time that the threads that carry packets get, and they have no time left"),
        )
        .at(AtFault::Both)
        .because(format!(
            "On this host {cipher} takes {} µs for a packet, and {faster} {} µs. For {} s no time has been left. {}{beside}",
            micros(ns),
            micros(faster_ns),
            full.value_or("seconds", "several"),
            threads.lost(),
        ))
        .fix(format!("use {faster} for ESP on both sides"))
        .then("adit status: packets and octets of each thread before and after the change")
        .done(),
    )
}

/// Microseconds with one digit behind the point.
fn micros(ns: u64) -> String {
    format!("{}.{}", ns / 1000, ns % 1000 / 100)
}
