//! Why we refuse.

use adit_model::identity::Identity;
use adit_model::reason::CertificateProblem;

use super::super::{proposal, value};
use super::Said;
use crate::text::split_at_rare;
use value::after;

/// AUTH methods (RFC 7296 3.8).
pub(crate) const RSA: u16 = 1;
pub(crate) const PSK: u16 = 2;
/// No AUTH payload at all: EAP is asked for (RFC 7296 2.16).
pub(crate) const EAP: u16 = 0;
const NULL: u16 = 13;
const SIGNATURE: u16 = 14;
/// XAUTHInitPreShared and XAUTHInitRSA; each is followed by the one of the responder (draft-beaulieu-ike-xauth 7.2).
const XAUTH_INIT_PSK: u16 = 65_001;
const XAUTH_INIT_RSA: u16 = 65_005;

pub(super) fn said(text: &str) -> Option<Said> {
    no_connection(text)
        .or_else(|| proposals(text))
        .or_else(|| identity(text))
        .or_else(|| authentication(text))
        .or_else(|| traffic(text))
}

/// No connection is for this peer: it comes from elsewhere, or with another version, mode or method.
pub(super) fn no_connection(text: &str) -> Option<Said> {
    // `initial Main Mode message received on …`, `initial parent SA message …`, `ISAKMP_v2_IKE_SA_INIT message …`.
    let initial = (text.starts_with("initial ") || text.contains("IKE_SA_INIT "))
        && !text.contains("claiming to be from");
    let refused = [
        "no connection has been authorized",
        "no matching connection has been authorized",
        "no (wildcard) connection has been configured",
        "no suitable connection found",
        "forbids connection",
    ]
    .iter()
    .any(|r| text.contains(r));
    if !(initial && refused) {
        return None;
    }
    let aggressive = text.contains("Aggressive Mode");
    Some(Said::NoConnection {
        local: after(text, "received on ")
            .or_else(|| after(text, " on "))
            .and_then(value::address),
        aggressive,
        v1: aggressive || text.contains("Main Mode"),
    })
}

fn proposals(text: &str) -> Option<Said> {
    if text.contains("Transform [") && text.contains("refused") {
        return proposal::transform(text).map(Said::TransformRefused);
    }
    if text.starts_with("no acceptable Oakley Transform") {
        return Some(Said::NoIkeTransform);
    }
    if text.starts_with("no acceptable Proposal in IPsec SA") {
        return Some(Said::NoIpsecProposal);
    }
    // Versions 3.18 to 3.23 have other words.
    let unmatched = after(text, "no local proposal matches remote proposal")
        .or_else(|| text.strip_prefix("no proposal chosen from:"));
    if let Some(rest) = unmatched {
        // Where the list stands on lines of its own, the first of them tells what it is about.
        if rest.trim_start_matches(['s', ':', ' ']).is_empty() {
            return None;
        }
        let (ike, offered) = proposal::list(rest);
        return Some(Said::NoProposalV2 { ike, offered });
    }
    // charon says `no acceptable proposal found`, and of a CHILD SA.
    if text.contains("No acceptable proposal")
        || (text.starts_with("no acceptable proposal")
            && !text.starts_with("no acceptable proposal found"))
    {
        return Some(Said::NoProposalV2 {
            ike: true,
            offered: Vec::new(),
        });
    }
    if text.starts_with("we require PFS but") {
        return Some(Said::PfsMissing);
    }
    // `local IKE proposals (IKE SA initiator selecting KE): 1:IKE:ENCR=…`, `constructed local ESP/AH proposals for …`.
    if text.contains("local IKE proposals") || text.contains("local ESP/AH proposals") {
        let (_, proposals) = proposal::list(text);
        return (!proposals.is_empty()).then(|| Said::Ours {
            ike: text.contains("local IKE"),
            proposals,
        });
    }
    // `1:IKE=AES_CBC_256-HMAC_SHA1-HMAC_SHA1_96-MODP1536` under `IKE SA proposals (connection add):`.
    if text.as_bytes().first().is_some_and(u8::is_ascii_digit)
        && let Some((number, rest)) = text.split_once(':')
        && number.len() < 4
    {
        let (kind, algorithms) = rest.split_once('=')?;
        let ike = kind == "IKE";
        let proposals = proposal::configured(algorithms, ike);
        return (ike || kind == "ESP").then_some(Said::Ours { ike, proposals });
    }
    if let Some(rest) = text.strip_prefix("initiator guessed wrong keying material group (") {
        let (from, rest) = rest.split_once(')')?;
        let to = after(rest, "requesting ")?;
        return Some(group_wanted(from, to, false, false));
    }
    let lower = text
        .strip_prefix("Received ")
        .or_else(|| text.strip_prefix("received "));
    if let Some(rest) = lower.and_then(|r| r.strip_prefix("unauthenticated INVALID_KE_PAYLOAD")) {
        let from = after(rest, " to DH ")
            .or_else(|| after(rest, "DH "))
            .or_else(|| after(rest, "KEM "))
            .unwrap_or(rest);
        let to = after(rest, "suggested ").unwrap_or_default();
        return Some(group_wanted(
            from,
            to.trim_start_matches("DH "),
            true,
            false,
        ));
    }
    if text.contains("unauthenticated INVALID_KE_PAYLOAD") && text.contains("not acceptable") {
        let from = after(text, " to DH ").unwrap_or_default();
        let to = after(text, "suggested ").unwrap_or_default();
        return Some(group_wanted(from, to.trim_start_matches("DH "), true, true));
    }
    version(text)
}

fn group_wanted(from: &str, to: &str, by_peer: bool, last: bool) -> Said {
    let name = |text: &str| {
        let word = text.split([' ', ';', ',', '.']).next().unwrap_or(text);
        proposal::group(word)
    };
    Said::GroupWanted {
        from: name(from),
        to: name(to),
        by_peer,
        last,
    }
}

fn version(text: &str) -> Option<Said> {
    if text.starts_with("rejecting IKEv1 packet")
        || text.starts_with("ignoring IKEv1 packet as")
        || text.starts_with("received IKEv1 packet but")
    {
        return Some(Said::VersionRefused(1));
    }
    let rest = after(text, "IKE major version '")
        .or_else(|| after(text, "IKE major version "))
        .filter(|_| text.starts_with("ignoring packet") || text.starts_with("message contains"))?;
    Some(Said::VersionRefused(value::number(rest)?))
}

fn identity(text: &str) -> Option<Said> {
    // Aggressive mode brings the identity with the first message; the line names the one that is wanted.
    if text.contains("packet claiming to be from ") {
        return Some(Said::UnknownId(None));
    }
    if let Some(rest) = after(text, "eer ID is ").filter(|_| text.len() < 400) {
        return value::quoted(rest)
            .and_then(value::identity)
            .map(Said::PeerId);
    }
    if text.starts_with("we require") && text.contains("peer declares") {
        let (want, have) = split_at_rare(text, "but peer declares")?;
        let id = |part: &str| -> Option<Identity> { value::identity(value::quoted(part)?) };
        return Some(Said::WrongId {
            expected: id(want),
            received: id(have),
        });
    }
    if text.starts_with("no suitable connection for peer") {
        return Some(Said::UnknownId(
            value::quoted(text).and_then(value::identity),
        ));
    }
    if let Some(rest) = text.strip_prefix("No policy for initiator with id=") {
        return Some(Said::UnknownId(
            rest.split(" (me").next().and_then(value::identity),
        ));
    }
    if text.starts_with("Peer mismatch on first found connection") {
        return Some(Said::UnknownId(None));
    }
    (text.starts_with("Peer ID") && text.contains("mismatched on first found connection"))
        .then(|| Said::UnknownId(value::quoted(text).and_then(value::identity)))
}

fn authentication(text: &str) -> Option<Said> {
    const KEY_DIFFERS: [&str; 10] = [
        "probable authentication failure (mismatch of preshared secrets",
        "received Hash Payload does not match computed value",
        "PSK Authentication failed",
        "PSK authentication failed",
        "AUTH mismatch: Received AUTH != computed AUTH",
        "authentication failed: computed hash does not match hash received",
        "authentication failed: hash mismatch",
        "PSK auth failed",
        "Authentication failed: AUTH mismatch",
        "Authentication failed AUTH mismatch",
    ];
    if KEY_DIFFERS.iter().any(|head| text.starts_with(head))
        || text.contains("(mismatch of preshared secrets")
    {
        let peer = after(text, "from peer ")
            .and_then(value::quoted)
            .and_then(value::identity);
        return Some(Said::WrongKey { psk: true, peer });
    }
    if let Some(rest) = text.strip_prefix("authentication failed: using ") {
        return Some(Said::WrongKey {
            psk: false,
            peer: value::quoted(rest).and_then(value::identity),
        });
    }
    if (text.contains("Signature check (on ") && text.contains(") failed"))
        || text.starts_with("RSA authentication failed")
        || (text.starts_with("RSA authentication of ") && text.ends_with("failed"))
        || (text.starts_with("Digital Signature authentication using ") && text.contains(" failed"))
        || text.starts_with("Digital Signature authentication failed")
    {
        return Some(Said::WrongKey {
            psk: false,
            peer: None,
        });
    }
    if let Some(garbled) = garbled(text) {
        return Some(garbled);
    }
    if let Some(rest) = after(text, "no preshared key found for ")
        .or_else(|| after(text, "no PSK found for "))
        .or_else(|| after(text, "No matching PSK found for connection"))
        .or_else(|| after(text, "Failed to find our PreShared Key"))
    {
        let pair = text.contains("no preshared key");
        let id = |part: &str| value::identity(value::quoted(part)?).filter(|_| pair);
        let (ours, theirs) = rest.split_once(" and ").unwrap_or((rest, ""));
        return Some(Said::NoKey {
            ours: id(ours),
            theirs: id(theirs),
        });
    }
    if let Some(problem) = certificate(text) {
        return Some(Said::Certificate(problem));
    }
    if text.starts_with("unable to locate my private key")
        || text.starts_with("private key for connection not found")
        || text.starts_with("Failed to find our RSA key")
        || text.starts_with("Failed to find our ECDSA key")
        || text.starts_with("No RSA private key found")
        || (text.contains("private key")
            && text.contains(" has type ")
            && text.contains("is needed"))
        || (text.starts_with("no ") && text.ends_with("private key for connection"))
    {
        return Some(Said::NoPrivateKey);
    }
    if let Some(rest) = text.strip_prefix("XAUTH: User ") {
        let (user, rest) = rest.split_once(": ")?;
        return rest
            .starts_with("Authentication Failed")
            .then(|| Said::UserRefused(user.to_owned()));
    }
    if text.starts_with("no RSA public key known for")
        || text.starts_with("no ECDSA public key known for")
        || text.starts_with("no public key known for")
    {
        return Some(Said::NoPublicKey(
            value::quoted(text).and_then(value::identity),
        ));
    }
    method(text)
}

/// What is wrong with the peer's certificate, where the line says so itself.
fn certificate(text: &str) -> Option<CertificateProblem> {
    let lower = text.to_ascii_lowercase();
    let alternative = lower.contains("subjectaltname") || lower.contains("certificate san");
    if alternative
        && (lower.contains("does not match")
            || lower.contains("unmatched")
            || lower.contains("is not specified")
            || lower.contains("contains no subjectaltname"))
    {
        return Some(CertificateProblem::Name);
    }
    if lower.starts_with("x509: authentication failed; peer id") {
        return Some(CertificateProblem::Name);
    }
    let rejected = lower.starts_with("authentication failed: no certificate matched")
        || lower.contains("certificate rejected for this connection")
        || lower.contains("certificate payload rejected for this connection")
        || lower.contains("cert payload bogus or revoked");
    rejected.then_some(CertificateProblem::Unknown)
}

/// A payload of phase 1 that can't be what it was sent as.
fn garbled(text: &str) -> Option<Said> {
    let identification = text.contains("ISAKMP Identification Payload");
    let hash = text.contains("ISAKMP Hash Payload") || text.contains("ISAKMP Signature Payload");
    let senseless = (text.contains("must be zero") && text.contains("but is not"))
        || text.contains("should have been zero")
        || text.contains("has an unknown value")
        || text.contains("is larger than can fit")
        || text.contains("is smaller than minimum");
    (senseless && (identification || hash)).then_some(Said::Garbled { identification })
}

fn method(text: &str) -> Option<Said> {
    let attempted = ["eer attempted ", "eer attempted authentication through "]
        .iter()
        .filter_map(|mark| after(text, mark))
        .next_back();
    if let Some(rest) = attempted {
        let (received, wanted) = rest.split_once("but ")?;
        return Some(Said::Method {
            received: number(received),
            expected: number(wanted),
        });
    }
    // Without AUTH an initiator asks for EAP (RFC 7296 2.16).
    if (text.starts_with("missing payload") && text.contains("v2AUTH"))
        || (text.contains("unexpected ")
            && text.contains("IKE_AUTH")
            && text.contains("IDi")
            && lacks(text, "AUTH"))
    {
        return Some(Said::Method {
            received: EAP,
            expected: RSA,
        });
    }
    if let Some(said) = xauth(text) {
        return Some(said);
    }
    // `policy does not allow OAKLEY_RSA_SIG authentication.  Attribute OAKLEY_AUTHENTICATION_METHOD`
    let rest = text.strip_prefix("policy does not allow ")?;
    let (received, _) = rest.split_once(" authentication")?;
    let received = number(received);
    Some(Said::MethodProposed {
        received,
        expected: if received == PSK { RSA } else { PSK },
    })
}

/// `policy mandates Extended Authentication (XAUTH) with PSK of initiator (we are responder).`, or `does not allow`; of
/// pre-shared keys the latter doesn't name them.
fn xauth(text: &str) -> Option<Said> {
    let (mandated, rest) = match text.strip_prefix("policy mandates ") {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix("policy does not allow ")?),
    };
    let rest = rest.strip_prefix("Extended Authentication (XAUTH)")?;
    let plain = if rest.trim_start().starts_with("with RSA") {
        RSA
    } else {
        PSK
    };
    let of_initiator = rest.contains("of initiator");
    let extended = match (plain, of_initiator) {
        (PSK, true) => XAUTH_INIT_PSK,
        (PSK, false) => XAUTH_INIT_PSK + 1,
        (_, true) => XAUTH_INIT_RSA,
        (_, false) => XAUTH_INIT_RSA + 1,
    };
    let (received, expected) = if mandated {
        (plain, extended)
    } else {
        (extended, plain)
    };
    Some(Said::MethodProposed { received, expected })
}

fn number(text: &str) -> u16 {
    let upper = text.to_ascii_uppercase();
    if upper.contains("PSK") || upper.contains("SECRET") || upper.contains("PRESHARED") {
        PSK
    } else if upper.contains("EAP") {
        EAP
    } else if upper.contains("NULL") {
        NULL
    } else if upper.contains("DIGITAL") || upper.contains("ECDSA") {
        SIGNATURE
    } else {
        RSA
    }
}

/// `…; missing payloads: SA,KE,Ni`.
fn lacks(text: &str, payload: &str) -> bool {
    after(text, "missing payloads: ").is_some_and(|list| {
        list.split([';', ' '])
            .next()
            .is_some_and(|list| list.split(',').any(|one| one == payload))
    })
}

fn traffic(text: &str) -> Option<Said> {
    if let Some(rest) = after(text, "because no connection is known") {
        let (ours, theirs) = value::both_ends(rest).unwrap_or_default();
        return Some(Said::NoChild { ours, theirs });
    }
    if let Some(rest) = text.strip_prefix("the peer proposed: ") {
        // `10.2.0.0/24:0/0 -> 10.1.0.0/24:0/0`, since version 4 `10.2.0.0/24 -<all>-> 10.1.0.0/24`, since version 5
        // `10.2.0.0/24===10.1.0.0/24`.
        let (ours, theirs) = rest.split_once("-> ").or_else(|| rest.split_once("==="))?;
        let ours = ours.split_whitespace().next().unwrap_or_default();
        return Some(Said::PeerProposed {
            ours: value::selectors(ours),
            theirs: value::selectors(theirs),
        });
    }
    for (head, ours) in [("us:", true), ("them:", false)] {
        if let Some(rest) = text.strip_prefix(head) {
            let networks = value::end(rest, ours);
            return (!networks.is_empty()).then_some(Said::End { ours, networks });
        }
    }
    if text.starts_with("No IKEv2 connection found with compatible Traffic Selectors")
        || text.contains("responding with TS_UNACCEPTABLE")
        || text.starts_with("rejecting responder TSi/TSr")
    {
        return Some(Said::TrafficRefused);
    }
    if text.contains("subnet returned doesn't match my")
        || text.contains("subnet returned does not match my")
    {
        let (_, rest) = text.split_once("us:")?;
        let (ours, theirs) = rest.split_once("vs them:")?;
        return Some(Said::OtherTraffic {
            ours: value::selectors(ours),
            theirs: value::selectors(theirs),
        });
    }
    if text.starts_with("cannot install kernel policy")
        || text.starts_with("cannot install eroute")
        || (text.starts_with("cannot route -- route already in use")
            && !text.ends_with("but allowing anyway"))
        || text.contains("netlink response for Add SA")
        || text.contains("setup_half_ipsec_sa() hit fail")
        || (text.starts_with("state transition function for") && text.contains("internal error"))
    {
        return Some(Said::KernelRefused(text.chars().take(120).collect()));
    }
    if text.contains("peer returned port doesn't match")
        || text.contains("peer returned protocol id does not match")
    {
        return Some(Said::OtherTraffic {
            ours: Vec::new(),
            theirs: Vec::new(),
        });
    }
    let lower = text.to_ascii_lowercase();
    let requires = lower.contains("policy dictates")
        || lower.contains("local policy requires")
        || lower.starts_with("local policy is t");
    (requires && lower.contains(" mode") && (lower.contains("but peer"))).then(|| Said::Mode {
        requested_transport: after(&lower, "but peer").is_some_and(|r| r.contains("transport"))
            && !lower.contains("did not request"),
    })
}
