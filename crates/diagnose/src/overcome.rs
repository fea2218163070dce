//! What refused an attempt before the traffic got its SA, in logs that aren't followed exchange by exchange: who compares
//! what is proposed with each of several entries says of most of them that they don't fit.

use adit_model::fact::Fact;
use adit_model::sign::Sign;

use crate::numbered::Numbered;
use crate::seen::{Seen, before, hosts};

/// Whether an SA for the traffic came up after the line, between the same hosts, and none had before it. What is refused
/// of a tunnel that was up already is about replacing its SAs. `up` are the lines that say that one came up, `of` tells
/// whose they are.
pub(crate) fn is_overcome(seen: Seen<'_>, up: &[&Fact], of: &Numbered<'_>) -> bool {
    if up.is_empty() || !refuses(seen) {
        return false;
    }
    // Whoever asks in another version, and has nothing to do with the tunnel that came up beside it.
    if seen.sign == Sign::IkeVersionRefused {
        let refused = hosts(&seen.fact.source.text);
        let of = |x: &&Fact| {
            let done = hosts(&x.source.text);
            done.iter().any(|host| refused.contains(host))
        };
        let here = || up.iter().filter(|x| x.side == seen.fact.side);
        if here().next().is_some() && !here().any(of) {
            return true;
        }
    }
    let same = |x: &Fact| is_of_same(x, seen.fact) && !of.differ(x, seen.fact);
    up.iter().any(|x| before(seen.fact, x) && same(x))
        && !up.iter().any(|x| before(x, seen.fact) && same(x))
}

/// Whether it says why an attempt failed. Networks that one of several entries refuses stay refused when another one gets
/// its SA, except where each entry is only tried.
fn refuses(seen: Seen<'_>) -> bool {
    match seen.sign {
        Sign::TrafficRefused => seen.value("each").is_some(),
        sign => matches!(
            sign,
            Sign::IkeVersionRefused
                | Sign::NoConnectionForPeer
                | Sign::RekeyCollision
                | Sign::RevocationRequired
                | Sign::IkeProposalsRefused
                | Sign::ProposalsRefusedByPeer
                | Sign::FirstProposalsRefusedByPeer
                | Sign::FirstExchangeRefused
                | Sign::IkeGroupRefused
                | Sign::ExchangeModeRefused
                | Sign::AuthMethodUnexpected
                | Sign::AuthenticationRefusedByPeer
                | Sign::PskNotFound
                | Sign::PskDiffers
                | Sign::DecryptedToNonsense
                | Sign::PeerIdentityUnexpected
                | Sign::NoConnectionForIdentity
                | Sign::EspProposalRefused
                | Sign::ChildRequestRefused
                | Sign::PfsDiffers
                | Sign::ModeDiffers
                | Sign::ChildFailed
                | Sign::NegotiationFailed
                | Sign::NegotiationTimedOut
                | Sign::FirstMessageUnanswered
                | Sign::LaterMessageUnanswered
                // What hindered the daemon or the attempt, and no longer does.
                | Sign::NetworkUnreachable
                | Sign::HostUnreachable
                | Sign::LocalAddressMissing
                | Sign::PrivateKeyMissing
                | Sign::IssuerUnknown
                | Sign::UserAuthenticationFailed
                | Sign::UserServerUnreachable
                | Sign::DaemonNotRunning
                | Sign::ConfigSyntax
                | Sign::CertificateNameMismatch
                | Sign::Denied
        ),
    }
}

/// Whether the first phase overcomes it: each of several entries is compared with what the peer says of itself.
pub(crate) fn is_of_first_phase(sign: Sign) -> bool {
    matches!(
        sign,
        Sign::PeerIdentityUnexpected | Sign::NoConnectionForIdentity | Sign::PskNotFound
    )
}

/// Whether what is done isn't another peer's or another tunnel's.
pub(crate) fn is_of_same(done: &Fact, refused: &Fact) -> bool {
    let (done, refused) = (&done.source.text, &refused.source.text);
    let of_hosts = {
        let (done, refused) = (hosts(done), hosts(refused));
        done.is_empty() || refused.iter().all(|host| done.contains(host))
    };
    // FortiOS tries one tunnel after another for a peer.
    if refused.contains("gw validation failed") {
        return of_hosts;
    }
    let of_tunnel = match (tunnel(done), tunnel(refused)) {
        (Some(a), Some(b)) => a == b,
        _ => true,
    };
    of_hosts && of_tunnel
}

/// The tunnel that FortiOS names: `ike 0:branch:23: …`, `ike V=root:0:branch:23: …`.
fn tunnel(text: &str) -> Option<&str> {
    let is_number = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    let (_, rest) = text.rsplit_once("ike ")?;
    let mut parts = rest.split_whitespace().next()?.split(':');
    let first = parts.next()?;
    if first.starts_with("V=") {
        parts.next()?;
    } else if !is_number(first) {
        return None;
    }
    parts.next().filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::tunnel;

    #[test]
    fn fortios_names_the_tunnel() {
        assert_eq!(tunnel("ike 0:branch:23:p2:45: trying"), Some("branch"));
        let newer = "2025-06-02 14:07:31.5 ike V=root:0:branch:23: trying";
        assert_eq!(tunnel(newer), Some("branch"));
        assert_eq!(tunnel("ike 0: unknown SPI 9ec1b3f0"), None);
        assert_eq!(tunnel("what I like is a tunnel"), None);
        assert_eq!(tunnel("no such word"), None);
    }
}
