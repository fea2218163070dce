//! A proof as text: the answer, the counts, and what crossed in clear.

use std::fmt::Write as _;

use adit_evidence::capture::{Answer, BothWays, Cipher};

use super::style::Palette;
use super::wrap::{labelled, paragraph};
use crate::cmd::verify::Document;

/// So many kinds of clear packets are shown.
const MOST: usize = 20;

/// The whole report, ending in a newline.
pub fn text(document: &Document, p: Palette) -> String {
    let proof = &document.proof;
    let word = match proof.verdict {
        Answer::Encrypted => p.good("encrypted"),
        Answer::Clear => p.bad("in clear"),
        Answer::Readable => p.bad("ESP without encryption"),
        Answer::Incomplete => p.open("not proved"),
        Answer::Nothing => p.open("nothing seen"),
    };
    let mut out = format!("{}  {word}\n", p.bold(&document.peer.to_string()));
    let both = |label: &str, count: BothWays| match count.total() {
        0 => String::new(),
        _ => labelled(
            2,
            label,
            &format!("{} out, {} in", count.out, count.inwards),
        ),
    };
    out.push_str(&labelled(2, "seen at", &document.seen_at));
    out.push_str(&both("ESP", proof.esp));
    out.push_str(&both("ESP in UDP", proof.esp_in_udp));
    out.push_str(&both("AH, which encrypts nothing", proof.ah));
    out.push_str(&both("IKE", proof.ike));
    let clear = format!("{} out, {} in", proof.clear.out, proof.clear.inwards);
    out.push_str(&labelled(2, "in clear", &clear));
    if proof.shown_again > 0 {
        let again = format!(
            "{} packets, by the kernel that decrypted them",
            proof.shown_again
        );
        out.push_str(&labelled(2, "shown again", &again));
    }
    for (label, packets, what) in [
        (
            "not decided",
            proof.undecided,
            "in clear right behind ESP: shown again by a kernel that decrypts, or sent like that",
        ),
        (
            "not looked at",
            proof.unjudged,
            "of more hosts and services than are kept, or fragments without their beginning",
        ),
        ("missed", proof.missed, "passed while this host was busy"),
        (
            "readable",
            proof.readable,
            "of ESP have an IP packet in clear behind their header",
        ),
    ] {
        if packets > 0 {
            out.push_str(&labelled(2, label, &format!("{packets} packets {what}")));
        }
    }
    if proof.protected() > 0 {
        let cipher = match proof.cipher {
            Cipher::Encrypts => "",
            Cipher::None => "none: what was agreed on doesn't encrypt",
            Cipher::Open => "the configuration allows none, and what was agreed on isn't known",
            Cipher::Unseen => "isn't seen on the wire, only that it's ESP",
        };
        if !cipher.is_empty() {
            out.push_str(&labelled(2, "cipher", cipher));
        }
    }
    for nets in &document.protected {
        let list = |nets: &[adit_model::selector::Selector]| match nets {
            [] => "anything".to_owned(),
            nets => {
                let texts: Vec<String> = nets.iter().map(ToString::to_string).collect();
                texts.join(", ")
            }
        };
        let between = format!("{} and {}", list(&nets.local), list(&nets.remote));
        out.push_str(&labelled(2, "to be protected", &between));
    }
    if !proof.in_clear.is_empty() {
        let _ = writeln!(out, "\n{}", p.bold("In clear"));
        for c in proof.in_clear.iter().take(MOST) {
            let port = c
                .port
                .map_or_else(String::new, |port| format!(" port {port}"));
            let _ = writeln!(
                out,
                "  {}  {} to {}  {}{port}, {} packets, {} octets",
                c.first,
                c.from,
                c.to,
                protocol(c.protocol),
                c.packets,
                c.octets
            );
        }
        if let Some(more) = proof.in_clear.len().checked_sub(MOST).filter(|n| *n > 0) {
            let _ = writeln!(out, "  and {more} more kinds");
        }
    }
    let advice = match (proof.verdict, proof.ike.total()) {
        (Answer::Nothing, 0) => {
            "No packet between the two was seen: send something through the tunnel meanwhile, or watch another interface (--interface)."
        }
        (Answer::Nothing, _) => {
            "IKE was seen and no traffic: send something through the tunnel meanwhile."
        }
        (Answer::Incomplete, _) if proof.undecided > 0 => {
            "No packet in clear is certain, but the proof isn't complete: was it captured on a gateway whose kernel decrypts, say so with --kernel-ipsec, else capture between the gateways."
        }
        (Answer::Incomplete, _) => {
            "No packet in clear was seen, but not everything was seen or is known, so the proof isn't complete."
        }
        (Answer::Readable, _) => {
            "The packets crossed in ESP that encrypts nothing: whoever is on the way reads them."
        }
        _ => "",
    };
    if !advice.is_empty() {
        out.push_str(&paragraph(0, advice));
    }
    out
}

fn protocol(number: u8) -> String {
    match number {
        1 => "ICMP".to_owned(),
        6 => "TCP".to_owned(),
        17 => "UDP".to_owned(),
        58 => "ICMPv6".to_owned(),
        132 => "SCTP".to_owned(),
        other => format!("IP protocol {other}"),
    }
}
