//! What lines say beside the attempt that failed: of another SA, or of what would only have mattered later.

use adit_model::event::Happening;
use adit_model::fact::{Fact, Known, Side};
use adit_model::sign::Sign;

use crate::rule::{Judgement, Rule};
use crate::seen::before;
use crate::signals::{Signals, notify};
use crate::verdict::Evidence;

/// How far the attempt got that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// The first exchange.
    First,
    /// The peer's proof of who it is: we refused it.
    Refused,
    /// Our proof of who we are: the peer refused it.
    Told,
    /// The SA for traffic, which we didn't take; the sides have proved themselves.
    Child,
    /// The SA for traffic, which is agreed on and which our kernel doesn't take.
    Kernel,
    /// The SA for traffic: the peer refused it.
    ChildTold,
}

/// Causes that can show once the sides have proved themselves, and not before.
const BEHIND_PROOF: &[&str] = &[
    "hw-offload-fault",
    "ipcomp-mismatch",
    "mode-mismatch",
    "policy-route-table-220-lost",
    "rekey-collision",
    "transport-mode-through-nat",
    "updown-script-failure",
    "virtual-ip-or-cp-failure",
];

/// What else isn't why the first exchange failed: others were refused, or another one's proof.
const NOT_FIRST: &[&str] = &[
    "half-open-limit",
    "peer-dns-unresolvable",
    "wrong-ike-config-selected",
];

/// What else isn't why we refused a proof: the first exchange went both ways.
const NOT_REFUSED: &[&str] = &[
    "algorithm-not-available",
    "conntrack-table-full",
    "half-open-limit",
    "peer-dns-unresolvable",
    "private-key-missing",
];

/// What else isn't why the peer refused ours: we had a key to make it with, and whom we trust isn't its concern.
const NOT_TOLD: &[&str] = &[
    "algorithm-not-available",
    "ca-not-trusted",
    "conntrack-table-full",
    "crl-unreachable",
    "dynamic-ip-changed",
    "half-open-limit",
    "peer-dns-unresolvable",
    "private-key-missing",
    "signature-or-keyusage-rejected",
];

/// What isn't why an SA for traffic was refused: the sides have proved themselves.
const NOT_CHILD: &[&str] = &[
    "conntrack-table-full",
    "eap-xauth-failure",
    "cert-expired",
    "cert-not-yet-valid",
    "cert-san-mismatch",
    "ca-not-trusted",
    "crl-unreachable",
    "half-open-limit",
    "peer-dns-unresolvable",
    "private-key-missing",
    "psk-formatting",
    "psk-not-found",
    "signature-or-keyusage-rejected",
    "wrong-ike-config-selected",
];

/// What else isn't why the peer refused it: our host had nothing to do yet.
const NOT_CHILD_TOLD: &[&str] = &[
    "hw-offload-fault",
    "policy-route-table-220-lost",
    "rekey-collision",
    "updown-script-failure",
];

/// What else isn't why a kernel doesn't take it: the mode is agreed on by then.
const NOT_KERNEL: &[&str] = &["mode-mismatch", "transport-mode-through-nat"];

/// Lines of the side that checks the peer's proof, or that has agreed on an SA for traffic.
const SAYS_END: &[(Sign, End)] = &[
    (Sign::AuthMethodUnexpected, End::Refused),
    (Sign::CertificateOutsideValidity, End::Refused),
    (Sign::PeerIdentityUnexpected, End::Refused),
    (Sign::PeerKeyUntrusted, End::Refused),
    (Sign::PskDiffers, End::Refused),
    (Sign::StateNotInstalled, End::Kernel),
];

/// What rests on lines beside the attempt alone, and can't be why the attempt ended where it did, is no more than
/// possible.
pub(crate) fn aside(s: &Signals<'_>, rule: &Rule, judgement: Judgement) -> Judgement {
    let Judgement::Found(found) = judgement else {
        return judgement;
    };
    // Openswan's phase 1 goes on without its key, and the peer refuses the proof.
    let without_key = rule.id == "private-key-missing"
        && s.told.iter().any(|t| t.side == Side::Local && t.v1_auth);
    let beside = !s.up
        && !without_key
        && end(s).is_some_and(|(end, last)| {
            let past = match end {
                End::First => [BEHIND_PROOF, NOT_FIRST],
                End::Refused => [BEHIND_PROOF, NOT_REFUSED],
                End::Told => [BEHIND_PROOF, NOT_TOLD],
                End::Child => [&[], NOT_CHILD],
                End::Kernel => [NOT_KERNEL, NOT_CHILD],
                End::ChildTold => [NOT_CHILD_TOLD, NOT_CHILD],
            };
            (past.iter().any(|ids| ids.contains(&rule.id))
                || (!matches!(end, End::Child | End::Kernel) && of_a_part(rule, &found.evidence))
                || (end == End::First
                    && rule.id == "conntrack-table-full"
                    && s.nothing_came().is_none())
                || (end == End::First && of_files(s, rule, &found.evidence))
                || (end == End::Refused && of_our_own(rule, &found.evidence)))
                && all_before(s, &found.evidence, passed(s, end).unwrap_or(last))
        });
    if !beside {
        return Judgement::Found(found);
    }
    Judgement::Possible {
        weight: 12,
        because: format!(
            "{}; the attempt that failed ends where that doesn't matter",
            found.summary
        ),
        separated_by: "whether it was said of the same tunnel",
    }
}

/// Where the last attempt of our side ended, and the line that says so.
fn end<'a>(s: &Signals<'a>) -> Option<(End, &'a Fact)> {
    let refused = s
        .refused
        .iter()
        .filter(|r| r.side == Side::Local && !r.rekeying)
        .filter_map(|r| Some((stage(r.about)?, r.fact)));
    let told = s
        .told
        .iter()
        .filter(|t| t.side == Side::Local && !t.rekeying)
        .filter_map(|t| {
            let end = if t.init {
                End::First
            } else if t.child {
                End::ChildTold
            } else if t.v1_auth || t.notify == notify::AUTHENTICATION_FAILED {
                End::Told
            } else {
                return None;
            };
            Some((end, t.fact))
        });
    let silent = s
        .nothing_came()
        .and_then(|silence| Some((End::First, *silence.facts.last()?)));
    let said = s.signs.iter().filter_map(|seen| {
        let (_, end) = SAYS_END.iter().find(|(sign, _)| *sign == seen.sign)?;
        (seen.side() == Side::Local).then_some((*end, seen.fact))
    });
    refused
        .chain(told)
        .chain(silent)
        .chain(said.filter(|_| !s.facts.is_empty()))
        .reduce(|a, b| if before(a.1, b.1) { b } else { a })
}

fn stage(about: &str) -> Option<End> {
    if about.starts_with("CHILD_SA") {
        Some(End::Child)
    } else if about == "IKE_AUTH" || about == "IKEv1 authentication" {
        Some(End::Refused)
    } else if about == "IKE_SA_INIT" || about == "IKEv1 phase 1" {
        Some(End::First)
    } else {
        None
    }
}

/// What has to have come after the lines, where it isn't the end: the proof that the SA for traffic follows.
fn passed<'a>(s: &Signals<'a>, end: End) -> Option<&'a Fact> {
    matches!(end, End::Child | End::Kernel | End::ChildTold).then(|| {
        s.facts.iter().rev().copied().find(|f| {
            matches!(
                &f.what,
                Known::Happened {
                    happening: Happening::IkeEstablished { .. }
                }
            )
        })
    })?
}

/// Whether the finding quotes nothing but signs, all of them said before that line.
fn all_before(s: &Signals<'_>, lines: &[Evidence], last: &Fact) -> bool {
    !lines.is_empty()
        && lines.iter().all(|line| {
            s.signs
                .iter()
                .any(|seen| line.is_of(seen.fact) && before(seen.fact, last))
        })
}

/// A part that warns of a right it may need, and that no exchange of IKE uses.
fn of_a_part(rule: &Rule, lines: &[Evidence]) -> bool {
    rule.id == "selinux-apparmor-or-caps"
        && lines
            .iter()
            .all(|line| line.text.contains(" require") && !line.text.contains("socket-"))
}

/// Files that it may not read, where no answer came to the first message: that is made without any.
fn of_files(s: &Signals<'_>, rule: &Rule, lines: &[Evidence]) -> bool {
    rule.id == "selinux-apparmor-or-caps"
        && s.nothing_came().is_some()
        && lines.iter().all(|line| {
            line.text.contains('/')
                && line.text.contains("ermission denied")
                && !line.text.contains("socket")
        })
}

/// Our certificate has another name than was configured: that says nothing of the peer's proof.
fn of_our_own(rule: &Rule, lines: &[Evidence]) -> bool {
    rule.id == "cert-san-mismatch"
        && lines.iter().all(|line| {
            line.text
                .contains("not confirmed by certificate, defaulting")
        })
}
