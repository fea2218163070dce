//! A refusal in one sentence.

use core::fmt;
use std::net::IpAddr;

use crate::reason::{AddressProblem, CertificateProblem, PpkProblem, Refusal};

/// Values of a list joined for a sentence; `nothing` when there are none.
pub(crate) fn list<T: fmt::Display>(items: &[T]) -> String {
    if items.is_empty() {
        return "nothing".to_owned();
    }
    items
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(", ")
}

impl fmt::Display for CertificateProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            CertificateProblem::Untrusted => "no trusted CA vouches for it",
            CertificateProblem::Expired => "it has expired",
            CertificateProblem::NotYetValid => "it isn't valid yet",
            CertificateProblem::Revoked => "it is revoked",
            CertificateProblem::StatusUnknown => "its revocation status can't be found out",
            CertificateProblem::Name => "it doesn't hold this identity",
            CertificateProblem::Usage => "it isn't made for this use",
            CertificateProblem::Unknown => "it isn't trusted",
        })
    }
}

impl fmt::Display for AddressProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AddressProblem::NotFound => f.write_str("no address could be found for the client"),
            AddressProblem::NoPool { asked } => write!(
                f,
                "the client asks for {}, and there is no pool for it",
                addresses(asked)
            ),
            AddressProblem::Full { pool, leased, size } => write!(
                f,
                "the pool `{pool}` is full: {leased} of {size} addresses are given away"
            ),
            AddressProblem::NotAsked { pools } => write!(
                f,
                "the client doesn't ask for an address; it has to have one of the pool {}",
                list(pools)
            ),
            AddressProblem::NotGiven { asked } => {
                write!(f, "we asked for {}, and none was given", addresses(asked))
            }
            AddressProblem::OtherFamily { asked, given } => write!(
                f,
                "we asked for {}, and were given {}",
                addresses(asked),
                list(given)
            ),
            AddressProblem::Unusable { given } => {
                write!(f, "the address that was given, {given}, is none for a host")
            }
        }
    }
}

/// Wanted addresses in words.
fn addresses(wanted: &[IpAddr]) -> String {
    let words: Vec<String> = wanted
        .iter()
        .map(|address| match address {
            IpAddr::V4(v4) if v4.is_unspecified() => "an IPv4 address".to_owned(),
            IpAddr::V6(v6) if v6.is_unspecified() => "an IPv6 address".to_owned(),
            address => address.to_string(),
        })
        .collect();
    words.join(" and ")
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::Malformed {
                field,
                offset,
                problem,
            } => write!(f, "malformed message: {field} at octet {offset}: {problem}"),
            Refusal::CriticalPayload { payload } => {
                write!(f, "payload type {payload} must be understood and isn't")
            }
            Refusal::Presence { problem } => write!(f, "wrong payloads: {problem}"),
            Refusal::MajorVersion { received } => {
                write!(f, "IKE version {received} isn't spoken here")
            }
            Refusal::NoIkeProposal {
                offered,
                configured,
                differs,
            } => {
                write!(
                    f,
                    "no IKE proposal in common: offered {}; configured {}; they differ in {}",
                    list(offered),
                    list(configured),
                    list(differs)
                )
            }
            Refusal::KeMethod { received, wanted } => {
                write!(f, "key exchange {received} was tried, {wanted} is wanted")
            }
            Refusal::KeValue { method, problem } => {
                write!(f, "the {method} key exchange value is invalid: {problem}")
            }
            Refusal::NoConnection { local, remote } => write!(
                f,
                "no connection is configured between {local} and {remote}"
            ),
            Refusal::PeerIdentity { received, expected } => write!(
                f,
                "the peer says it is {received}; expected {}",
                list(expected)
            ),
            Refusal::OurIdentity { requested, ours } => write!(
                f,
                "the peer wants to talk to {requested}; we are {}",
                list(ours)
            ),
            Refusal::AuthMethod { received, expected } => write!(
                f,
                "the peer authenticates with method {received}; {expected} is configured"
            ),
            Refusal::AuthValue { claimed, method: 2 } => {
                write!(f, "the pre-shared key of {claimed} differs from ours")
            }
            Refusal::AuthValue { claimed, method } => write!(
                f,
                "the authentication of {claimed} (method {method}) doesn't verify"
            ),
            Refusal::Signature {
                claimed, problem, ..
            } => write!(f, "the signature of {claimed} isn't accepted: {problem}"),
            Refusal::NoSignature {
                identity,
                makes,
                takes,
            } => write!(
                f,
                "no key of {identity} makes a signature that the peer takes: we make {}; it takes {}",
                list(makes),
                list(takes)
            ),
            Refusal::NoKey { local, remote } => {
                write!(f, "no key is configured for {local} and {remote}")
            }
            Refusal::Certificate {
                peer,
                detail: Some(detail),
                ..
            } => write!(f, "the certificate of {peer} is refused: {detail}"),
            Refusal::Certificate { peer, problem, .. } => {
                write!(f, "the certificate of {peer} is refused: {problem}")
            }
            Refusal::NoPrivateKey { identity } => {
                write!(f, "there is no private key for {identity}")
            }
            Refusal::Ppk {
                theirs,
                ours,
                problem,
            } => {
                let named = |id: &Option<String>| match id {
                    Some(id) => format!("`{id}`"),
                    None => "none".to_owned(),
                };
                let (theirs, ours) = (named(theirs), named(ours));
                match problem {
                    PpkProblem::PeerHasNone => write!(
                        f,
                        "the post-quantum pre-shared key {ours} is required, and the peer uses none"
                    ),
                    PpkProblem::NotNamed => write!(
                        f,
                        "the peer announced a post-quantum pre-shared key and named none; ours is {ours}"
                    ),
                    PpkProblem::Unknown => write!(
                        f,
                        "the peer's post-quantum pre-shared key is {theirs}; ours is {ours}"
                    ),
                    PpkProblem::NotTaken => write!(
                        f,
                        "the peer didn't take the post-quantum pre-shared key {ours}, which is required"
                    ),
                    PpkProblem::NoKey => {
                        write!(f, "the post-quantum pre-shared key {ours} can't be had")
                    }
                }
            }
            Refusal::User { method, user } => {
                write!(f, "the user {user} didn't authenticate ({method})")
            }
            Refusal::NoAddress { problem } => problem.fmt(f),
            Refusal::NoEspProposal {
                offered,
                configured,
                differs,
            } => {
                write!(
                    f,
                    "no ESP proposal in common: offered {}; configured {}; they differ in {}",
                    list(offered),
                    list(configured),
                    list(differs)
                )
            }
            Refusal::TrafficSelectors {
                offered_local,
                offered_remote,
                configured_local,
                configured_remote,
            } => write!(
                f,
                "no traffic in common: offered {} to {}; configured {} to {}",
                list(offered_local),
                list(offered_remote),
                list(configured_local),
                list(configured_remote)
            ),
            Refusal::Mode {
                requested_transport: true,
            } => f.write_str("transport mode was asked for, tunnel mode is configured"),
            Refusal::Mode {
                requested_transport: false,
            } => f.write_str("tunnel mode was asked for, transport mode is configured"),
            Refusal::Addresses { from, to, problem } => {
                write!(f, "the peer can't go on from {from} to {to}: {problem}")
            }
            Refusal::Translated { sent, seen } => write!(
                f,
                "addresses were changed on the way, where no NAT may be: sent between {}; arrived between {}",
                list(sent),
                list(seen)
            ),
            Refusal::Unsupported { what } => what.fmt(f),
            Refusal::ChildNotFound { spi } => write!(f, "there is no CHILD SA with SPI {spi:08x}"),
            Refusal::FollowupNotFound => {
                f.write_str("nothing is known of the key exchange that this one follows")
            }
            Refusal::AnswerMismatch { problem } => {
                write!(f, "the peer's answer doesn't fit the request: {problem}")
            }
            Refusal::PeerIsHere {
                peer,
                from,
                present,
            } => write!(
                f,
                "{peer} comes from {from} and is connected from {present} already"
            ),
            Refusal::HalfOpenLimit { half_open, limit } => {
                write!(f, "{half_open} IKE SAs are half open, the limit is {limit}")
            }
            Refusal::Local { problem } => f.write_str(problem),
        }
    }
}
