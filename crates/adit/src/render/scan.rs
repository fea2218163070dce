//! What an IKE peer accepts, for a terminal.

use adit_model::scanned::{Grade, Scanned, ScannedV1, ScannedV2};

use super::style::Palette;
use super::wrap::{beside, labelled, paragraph};

/// All that was learned, and the advice.
pub fn text(scanned: &Scanned, palette: Palette) -> String {
    let mut out = palette.bold(&scanned.host);
    if scanned.host != scanned.address.to_string() {
        out.push_str(&format!(" ({})", scanned.address));
    }
    out.push('\n');
    for port in &scanned.ports {
        let mark = match port.answers {
            Some(true) => palette.good("ok     "),
            Some(false) => palette.open("silent "),
            None => palette.dim("unknown"),
        };
        let label = format!("  {mark}  UDP {:<5}", port.port);
        out.push_str(&beside(&label, &port.outcome));
    }
    if let Some(v2) = &scanned.ike_v2 {
        out.push_str(&version_2(v2));
    }
    out.push_str(&version_1(&scanned.ike_v1, palette));
    if !scanned.algorithms.is_empty() {
        out.push_str("\nAccepted by IKE version 2\n");
    }
    for algorithm in &scanned.algorithms {
        let mark = match (algorithm.accepted, algorithm.grade) {
            (Some(false), _) => continue,
            (None, _) => palette.dim("unknown"),
            (_, Grade::Good) => palette.good("good   "),
            (_, Grade::Fair) => palette.value("fair   "),
            (_, Grade::Weak) => palette.open("WEAK   "),
            (_, Grade::Broken) => palette.bad("BROKEN "),
        };
        let label = format!("  {mark}  {:9}  {:24}", algorithm.kind, algorithm.name);
        out.push_str(&beside(&label, &algorithm.reason));
    }
    out.push('\n');
    for advice in &scanned.advice {
        out.push_str(&labelled(0, "advice", advice));
    }
    if scanned.answers() && !scanned.is_complete() {
        out.push_str(&paragraph(
            0,
            "Not everything was asked or answered, so what is missing here may be accepted or not; fix: adit scan again, with a larger --most if that was the bound.",
        ));
    }
    let sent = scanned.sent;
    out.push_str(&paragraph(
        0,
        &format!(
            "sent {} messages, {} octets, in {} ms; {} half-open IKE SAs may stay with the peer for a while",
            sent.packets, sent.octets, scanned.took_ms, scanned.half_open
        ),
    ));
    out
}

fn version_2(v2: &ScannedV2) -> String {
    let mut out = String::new();
    let mut tell = |label: &str, values: &[String]| {
        if !values.is_empty() {
            out.push_str(&labelled(2, label, &values.join(", ")));
        }
    };
    tell("chooses", &v2.chosen);
    tell("vendor", &v2.vendors);
    tell("notifies", &v2.notifies);
    tell("hashes of signatures", &v2.signature_hashes);
    let yes = |name: &str, yes: bool| yes.then(|| name.to_owned());
    let can: Vec<String> = [
        yes("fragmentation (RFC 7383)", v2.fragmentation),
        yes("asks for a cookie", v2.cookie),
        yes("asks for certificates", v2.wants_certificate),
        yes("we are behind a NAT", v2.we_are_behind_nat == Some(true)),
        yes("it is behind a NAT", v2.it_is_behind_nat == Some(true)),
    ]
    .into_iter()
    .flatten()
    .collect();
    tell("besides", &can);
    out
}

fn version_1(v1: &ScannedV1, palette: Palette) -> String {
    let told = match (v1.answers, &v1.refused) {
        (None, _) => "wasn't asked".to_owned(),
        (Some(false), _) => "doesn't answer (Main Mode)".to_owned(),
        (Some(true), Some(refused)) => format!("answers, and refuses: {refused}"),
        (Some(true), None) => palette.open(&format!("answers: {}", v1.chosen)),
    };
    let mut out = labelled(2, "IKE version 1", &told);
    if !v1.vendors.is_empty() {
        out.push_str(&labelled(4, "vendor", &v1.vendors.join(", ")));
    }
    out
}
