//! A certificate as text.

use std::fmt::Write as _;

use adit_model::certificate::CertificateDetail;

use super::style::Palette;

/// Writes what everybody is told of a certificate, in lines that begin with `indent`; `issued_by` and `usage` go between.
pub fn lines(
    out: &mut String,
    indent: &str,
    certificate: &CertificateDetail,
    issued_by: &str,
    usage: &[String],
    p: Palette,
) {
    let mut line = |label: &str, text: &str| {
        let _ = writeln!(out, "{indent}{label:<13} {text}");
    };
    if !certificate.names.is_empty() {
        line("names", &certificate.names.join(", "));
    }
    line("issued by", issued_by);
    let until = format!(
        "{} to {}  {}",
        certificate.not_before,
        certificate.not_after,
        left(certificate, p)
    );
    line("valid", &until);
    line("key", &certificate.key);
    if !usage.is_empty() {
        line("usage", &usage.join(", "));
    }
    line("serial", &certificate.serial);
    line("sha256", &certificate.sha256);
}

fn left(certificate: &CertificateDetail, p: Palette) -> String {
    let days = certificate.days_left;
    let s = if days == 1 { "" } else { "s" };
    match certificate.expiry.as_str() {
        "ok" => p.good(&format!("{days} day{s} left")),
        "expired" => p.bad("expired"),
        "not-yet-valid" => p.bad("not yet valid"),
        _ => p.open(&format!("{days} day{s} left")),
    }
}
