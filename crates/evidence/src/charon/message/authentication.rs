//! Who the two sides are, and whether they can prove it.

use adit_model::reason::CertificateProblem;

use super::Said;
use crate::charon::value;

pub(super) fn authentication(text: &str) -> Option<Said> {
    if let Some(rest) = text
        .strip_prefix("looking for peer configs matching ")
        .or_else(|| {
            // `looking for pre-shared key peer configs matching …` of IKEv1.
            let told = text.strip_prefix("looking for ")?;
            told.split_once(" peer configs matching ")
                .map(|(_, rest)| rest)
        })
    {
        let [(_, ours), (_, theirs)] = value::pair(rest)?;
        return Some(Said::LookingForPeer { ours, theirs });
    }
    if text.starts_with("no matching peer config found") || text.trim() == "no peer config found" {
        return Some(Said::NoPeerConfig);
    }
    if let Some(said) = chosen(text) {
        return Some(said);
    }
    if text.starts_with("tried ") && text.ends_with("but MAC mismatched") {
        let (_, rest) = text.split_once(" for ")?;
        let (_, theirs) = rest.split_once(" - ")?;
        let theirs = theirs.rsplit_once(", but").map_or(theirs, |(id, _)| id);
        return Some(Said::MacMismatch {
            theirs: value::identity(theirs),
        });
    }
    // IKEv1 keys its messages with the pre-shared key: with another key they can't be read, or their hash differs.
    if [
        "invalid ID_V1 payload length, decryption failed",
        "invalid HASH_V1 payload length, decryption failed",
        "calculated HASH does not match HASH payload",
    ]
    .iter()
    .any(|head| text.starts_with(head))
    {
        return Some(Said::MacMismatch { theirs: None });
    }
    if let Some(rest) = text.strip_prefix("no shared key found for ") {
        let (ours, theirs) = rest.split_once(" - ")?;
        return Some(Said::NoKey {
            ours: value::identity(ours),
            theirs: value::identity(theirs),
        });
    }
    if let Some(rest) = text.strip_prefix("no trusted ") {
        let (kind, theirs) = rest
            .split_once(" public key found for ")
            .or_else(|| Some((rest.strip_suffix(" public key found")?, "")))?;
        return Some(Said::NoPublicKey {
            theirs: value::identity(theirs),
            kind: kind.to_owned(),
        });
    }
    if let Some(said) = credentials(text) {
        return Some(said);
    }
    if let Some(rest) = text.strip_prefix("constraint requires ") {
        let (required, _) = rest.split_once(" authentication")?;
        return Some(Said::Method {
            required: required.to_owned(),
        });
    }
    if let Some((own, _)) = text
        .strip_prefix("authentication of '")
        .and_then(|rest| rest.split_once("' (myself) "))
    {
        return value::identity(own).map(Said::Proves);
    }
    let by_peer = text.starts_with("authentication of ") && !text.contains("(myself)");
    (by_peer && text.ends_with("successful")).then_some(Said::Authenticated)
}

/// Which connection the peer gets, and whether it is whom that one wants.
fn chosen(text: &str) -> Option<Said> {
    for head in ["selected peer config ", "switching to peer config "] {
        if let Some(name) = text.strip_prefix(head) {
            let quote = name.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
            let (name, rest) = name.get(1..)?.split_once(quote)?;
            return rest
                .trim()
                .is_empty()
                .then(|| Said::Chosen(name.to_owned()));
        }
    }
    let (received, wanted) = text
        .strip_prefix("received IDr ")
        .and_then(|rest| rest.split_once(", but require "))
        .or_else(|| {
            text.strip_prefix("IDir ")?
                .split_once(" does not match to ")
        })?;
    Some(Said::OtherPeer {
        received: value::identity(received),
        wanted: value::identity(wanted),
    })
}

/// What goes wrong with certificates, with the own key, and with the user behind the peer.
fn credentials(text: &str) -> Option<Said> {
    use CertificateProblem as P;
    if text.starts_with("received end entity cert ") {
        return Some(Said::CertificateCame);
    }
    if text.starts_with("using certificate ") || text.starts_with("using trusted certificate ") {
        return Some(Said::CertificateTried);
    }
    let certificate = [
        ("no issuer certificate found for ", P::Untrusted),
        ("self-signed certificate ", P::Untrusted),
        ("reached end of incomplete trust chain ", P::Untrusted),
        ("certificate was revoked on ", P::Revoked),
        (
            "constraint check failed: certificate does not confirm identity ",
            P::Name,
        ),
        ("rejecting certificate without digitalSignature ", P::Usage),
    ]
    .into_iter()
    .find_map(|(head, problem)| text.starts_with(head).then_some(problem));
    if let Some(problem) = certificate {
        return Some(Said::Certificate(problem));
    }
    if let Some(rest) = text.strip_prefix("no ")
        && let Some((_, id)) = rest.split_once("private key found for ")
    {
        return Some(Said::NoPrivateKey(value::identity(id)));
    }
    if let Some(rest) = text.strip_prefix("EAP method ") {
        let (method, user) = rest.split_once(" failed for peer ")?;
        return Some(Said::UserFailed {
            method: method.to_owned(),
            user: user.to_owned(),
        });
    }
    if let Some(rest) = text.strip_prefix("XAuth authentication of ") {
        let user = rest.strip_suffix(" failed")?;
        return Some(Said::UserFailed {
            method: "XAUTH".to_owned(),
            user: user.trim_matches('\'').to_owned(),
        });
    }
    if text.starts_with("could not decrypt payloads") {
        return Some(Said::Undecipherable);
    }
    text.starts_with("no virtual IP found, sending INTERNAL_ADDRESS_FAILURE")
        .then_some(Said::NoAddress)
}
