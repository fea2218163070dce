//! What decides whether the IKE SA comes up: versions, proposals, methods, identities, keys.

use adit_model::identity::Identity;
use adit_model::peer_config::{AuthMethod, PeerConnection, PeerId, Place, Setting, Versions};
use adit_model::proposal::{Proposal, TransformKind, choose, closest_difference};
use std::net::IpAddr;

use super::difference::{Difference, Outcome, Value, quoted};
use super::version;
use super::words::{Topic, setting, spelled};
use crate::compare::{changes, kinds};
use crate::verdict::{AtFault, Fix};

/// Differences of the IKE SA.
pub(crate) fn compare(a: &PeerConnection, b: &PeerConnection) -> Vec<Difference> {
    let mut out = Vec::new();
    out.extend(versions(a, b));
    if !out.is_empty() {
        // What the two would say in different versions can't be compared.
        return out;
    }
    let version = version(a, b);
    out.extend(addresses(a, b));
    out.extend(proposals(a, b, version));
    out.extend(methods(a, b));
    out.extend(identities(a, b));
    out.extend(keys(a, b));
    if version == Some(1) {
        out.extend(exchange(a, b));
        out.extend(strict_lifetimes(a, b));
    }
    out.extend(encapsulation(a, b));
    out
}

/// `setting to value` for both.
pub(super) fn both(
    a: &PeerConnection,
    b: &PeerConnection,
    topic: Topic,
    ours: &str,
    theirs: &str,
) -> Fix {
    Fix {
        local: format!("{} {ours}", setting(a.dialect, topic)),
        remote: format!("{} {theirs}", setting(b.dialect, topic)),
    }
}

fn versions(a: &PeerConnection, b: &PeerConnection) -> Option<Difference> {
    let (x, y) = (a.versions.value, b.versions.value);
    let takes = |v: Versions, n: u8| if n == 1 { v.v1 } else { v.v2 };
    let in_common = (x.v1 && y.v1) || (x.v2 && y.v2);
    // An end that does both begins one version, and the other end may not take that one.
    let wrong_start = |starter: &PeerConnection, s: Versions, other: Versions| {
        starter.starts_by_itself() && !takes(other, s.initiates)
    };
    let (ours_fails, theirs_fails) = (wrong_start(a, x, y), wrong_start(b, y, x));
    let works = (a.starts_by_itself() && !ours_fails) || (b.starts_by_itself() && !theirs_fails);
    if in_common && (works || !(ours_fails || theirs_fails)) {
        return None;
    }
    let (ours, theirs) = (x.to_string(), y.to_string());
    let summary = if in_common {
        let (who, v) = if ours_fails {
            ("our side", x)
        } else {
            ("the peer", y)
        };
        format!(
            "IKE versions: {who} begins IKEv{}, and the other end takes only the other version",
            v.initiates
        )
    } else {
        format!("IKE versions: we do {ours}, the peer does {theirs}")
    };
    Some(
        Difference {
            cause: "ike-version-mismatch",
            outcome: Outcome::FailsAtIke,
            confidence: 0.95,
            side: AtFault::Both,
            summary,
            explanation: "An end that is asked in a version that it doesn't do stays silent or answers INVALID_MAJOR_VERSION or NO_PROPOSAL_CHOSEN.".to_owned(),
            ours: Some(Value::of(&a.versions, ours.clone())),
            theirs: Some(Value::of(&b.versions, theirs.clone())),
            fix: both(a, b, Topic::IkeVersion, "IKEv2 (or what the peer does)", "IKEv2 (or what we do)"),
            message_for_peer: format!("Your side is configured for {theirs}, ours for {ours}. Shall we both use IKEv2?"),
        }
        .with_defaults(),
    )
}

fn private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(a) => {
            let [x, y, ..] = a.octets();
            a.is_private() || (x == 100 && (64..128).contains(&y)) || a.is_link_local()
        }
        IpAddr::V6(a) => a.is_unique_local() || a.is_unicast_link_local(),
    }
}

/// All addresses of an end, where nothing else stands there.
fn addresses_of(places: &[Place]) -> Option<Vec<IpAddr>> {
    places.iter().map(Place::address).collect()
}

fn addresses(a: &PeerConnection, b: &PeerConnection) -> Vec<Difference> {
    let mut out = Vec::new();
    for (wanted, is, ours_wants, who) in [
        (&a.remote, &b.local, true, "the peer"),
        (&b.remote, &a.local, false, "our side"),
    ] {
        let (Some(w), Some(i)) = (addresses_of(&wanted.value), addresses_of(&is.value)) else {
            continue;
        };
        if w.is_empty() || i.is_empty() || w.iter().any(|x| i.contains(x)) {
            continue;
        }
        // Behind a NAT an end doesn't have the address that the other end sees.
        if i.iter().any(|x| private(*x)) && w.iter().all(|x| !private(*x)) {
            continue;
        }
        if w.iter()
            .any(|x| i.iter().any(|y| x.is_ipv4() != y.is_ipv4()))
            && w.len() == 1
            && i.len() == 1
        {
            continue;
        }
        // Between private networks a translation may stand as well; a slip of the pen leaves most of the address as it is.
        let apart = |x: &IpAddr, y: &IpAddr| match (x, y) {
            (IpAddr::V4(x), IpAddr::V4(y)) => x.octets().get(..2) != y.octets().get(..2),
            _ => false,
        };
        let translated = i
            .iter()
            .all(|x| private(*x) && w.iter().all(|y| apart(x, y)));
        let (cause, side) = if ours_wants {
            ("peer-address-wrong", AtFault::Local)
        } else {
            ("no-matching-connection-on-responder", AtFault::Remote)
        };
        let (expected, actual) = (
            Value::of(wanted, quoted(&wanted.value)),
            Value::of(is, quoted(&is.value)),
        );
        let (ours, theirs) = if ours_wants {
            (expected, actual)
        } else {
            (actual, expected)
        };
        out.push(Difference {
            cause,
            outcome: if translated {
                Outcome::Warning
            } else {
                Outcome::FailsAtIke
            },
            confidence: if translated { 0.5 } else { 0.8 },
            side,
            summary: format!(
                "addresses: {who} is at {}, and the other end looks for it at {}{}",
                quoted(&is.value),
                quoted(&wanted.value),
                if translated {
                    "; that is right only if a NAT translates the one into the other"
                } else {
                    ""
                }
            ),
            explanation: "A daemon takes the connection whose addresses fit the packet. With another address of the peer it finds none, or sends to somebody else.".to_owned(),
            fix: both(
                a,
                b,
                Topic::PeerAddress,
                &format!("{} (the peer's own)", quoted(&b.local.value)),
                &format!("{} (ours)", quoted(&a.local.value)),
            ),
            message_for_peer: format!(
                "Your gateway's configuration names {} for our gateway, which is {}; ours names {} for yours, which is {}. Please check.",
                quoted(&b.remote.value),
                quoted(&a.local.value),
                quoted(&a.remote.value),
                quoted(&b.local.value)
            ),
            ours: Some(ours),
            theirs: Some(theirs),
        });
    }
    out.truncate(1);
    out
}

/// In IKEv1 the hash is the PRF too.
fn as_of(version: Option<u8>, list: &[Proposal]) -> Vec<Proposal> {
    list.iter()
        .cloned()
        .map(|mut p| {
            if version == Some(1) {
                p.prf.clear();
            }
            p
        })
        .collect()
}

fn proposals(a: &PeerConnection, b: &PeerConnection, version: Option<u8>) -> Option<Difference> {
    let (Some(ours), Some(theirs)) = (&a.ike.value, &b.ike.value) else {
        return None;
    };
    let (x, y) = (as_of(version, ours), as_of(version, theirs));
    if x.is_empty() || y.is_empty() || choose(&x, &y, true).is_some() {
        return None;
    }
    let differs = closest_difference(&x, &y, true);
    let cause = if differs == [TransformKind::KeyExchange] {
        "ike-dh-group-mismatch"
    } else {
        "ike-proposal-mismatch"
    };
    Some(
        Difference {
            cause,
            outcome: Outcome::FailsAtIke,
            confidence: 0.95,
            side: AtFault::Both,
            summary: format!(
                "the IKE proposals have nothing in common; they differ in {}",
                kinds(&differs)
            ),
            explanation: format!(
                "We have {}. The peer has {}. The responder takes a proposal only whole: encryption, integrity or PRF, and group.",
                short(ours),
                short(theirs)
            ),
            ours: Some(Value::of(&a.ike, short(ours))),
            theirs: Some(Value::of(&b.ike, short(theirs))),
            fix: added(a, b, &x, &y, Topic::IkeProposals, true),
            message_for_peer: format!(
                "Our gateways' IKE proposals have nothing in common ({}): we have {}, you have {}. Which one shall we both take?",
                kinds(&differs),
                short(ours),
                short(theirs)
            ),
        }
        .with_defaults(),
    )
}

/// A list that may be long.
pub(super) fn short(list: &[Proposal]) -> String {
    const MOST: usize = 4;
    let mut out = quoted(list.get(..MOST).unwrap_or(list));
    if list.len() > MOST {
        out.push_str(&format!(" and {} more", list.len() - MOST));
    }
    out
}

/// What either end can add so that the lists meet.
pub(super) fn added(
    a: &PeerConnection,
    b: &PeerConnection,
    ours: &[Proposal],
    theirs: &[Proposal],
    topic: Topic,
    ke: bool,
) -> Fix {
    let Some((mine, yours)) = changes(ours, theirs, ke) else {
        return Fix::default();
    };
    let line = |c: &PeerConnection, p: &Proposal| {
        format!(
            "{} add {}",
            setting(c.dialect, topic),
            spelled(p, c.dialect)
        )
    };
    Fix {
        local: line(a, &mine.add),
        remote: line(b, &yours.add),
    }
}

fn methods(a: &PeerConnection, b: &PeerConnection) -> Option<Difference> {
    let first = |list: &[AuthMethod]| -> Vec<AuthMethod> {
        list.iter()
            .copied()
            .filter(|m| *m != AuthMethod::Xauth)
            .collect()
    };
    for (is, wants, ours) in [
        (&a.local_auth, &b.remote_auth, true),
        (&b.local_auth, &a.remote_auth, false),
    ] {
        let (i, w) = (first(&is.value), first(&wants.value));
        let xauth = |list: &[AuthMethod]| list.contains(&AuthMethod::Xauth);
        let differ = !i.is_empty() && !w.is_empty() && !i.iter().any(|m| w.contains(m));
        let one_xauth = xauth(&is.value) != xauth(&wants.value)
            && version(a, b) == Some(1)
            && is.is_written()
            && wants.is_written();
        if !differ && !one_xauth {
            continue;
        }
        let (have, expect) = (quoted(&is.value), quoted(&wants.value));
        let (who, other) = if ours {
            ("our side", "the peer")
        } else {
            ("the peer", "our side")
        };
        let (have_value, expect_value) = (
            Value::of(is, have.clone()),
            Value::of(wants, expect.clone()),
        );
        let (mine, yours) = if ours {
            (have_value, expect_value)
        } else {
            (expect_value, have_value)
        };
        return Some(
            Difference {
                cause: "auth-method-mismatch",
                outcome: Outcome::FailsAtIke,
                confidence: 0.94,
                side: AtFault::Both,
                summary: format!("{who} authenticates by {have}, and {other} expects {expect}"),
                explanation: "Each end has to prove itself in the way that the other end demands.".to_owned(),
                ours: Some(mine),
                theirs: Some(yours),
                fix: both(a, b, Topic::Auth, "the same method on both sides", "the same method on both sides"),
                message_for_peer: format!("One of our two gateways authenticates by {have} while the other expects {expect}. Which method do we agree on?"),
            }
            .with_defaults(),
        );
    }
    None
}

fn identities(a: &PeerConnection, b: &PeerConnection) -> Vec<Difference> {
    let mut out = Vec::new();
    for (sender, wanter, ours) in [(a, b, true), (b, a, false)] {
        out.extend(identity(a, b, sender, wanter, ours));
    }
    out
}

fn identity(
    a: &PeerConnection,
    b: &PeerConnection,
    sender: &PeerConnection,
    wanter: &PeerConnection,
    ours: bool,
) -> Option<Difference> {
    let sends = sender.effective_local_id()?;
    let wants = wanter.effective_remote_id()?;
    if sends.satisfies(&wants) != Some(false) {
        return None;
    }
    let address = |id: &PeerId| match id {
        PeerId::Is(Identity::Address(address)) => Some(*address),
        _ => None,
    };
    let nat = address(&sends).is_some_and(private) && address(&wants).is_none_or(|w| !private(w));
    let looks_alike = sends.to_string().trim_start_matches(['@', '"'])
        == wants.to_string().trim_start_matches(['@', '"'])
        || bare(&sends) == bare(&wants);
    let cause = if looks_alike {
        "id-type-mismatch"
    } else if nat && sender.local_id.value.is_none() {
        "nat-private-ip-as-id"
    } else {
        "id-mismatch"
    };
    let (who, other) = if ours {
        ("our side", "the peer")
    } else {
        ("the peer", "our side")
    };
    let kind = |id: &PeerId| match id {
        PeerId::Is(Identity::Address(_)) => "an address",
        PeerId::Is(Identity::Fqdn(_)) => "a name",
        PeerId::Is(Identity::Email(_)) => "a mail address",
        PeerId::Is(Identity::KeyId(_)) => "a key id",
        PeerId::Name(_) => "a distinguished name",
        _ => "an identity",
    };
    let own = |id: &Setting<Option<PeerId>>, places: &Setting<Vec<Place>>, text: String| {
        if id.value.is_some() {
            Value::of(id, text)
        } else {
            Value::of(places, text)
        }
    };
    let sent = own(&sender.local_id, &sender.local, sends.to_string());
    let wanted = own(&wanter.remote_id, &wanter.remote, wants.to_string());
    let (mine, yours) = if ours { (sent, wanted) } else { (wanted, sent) };
    let certain = sender.local_id.is_written() && wanter.remote_id.is_written();
    Some(Difference {
        cause,
        outcome: Outcome::FailsAtIke,
        confidence: if certain { 0.94 } else { 0.82 },
        side: AtFault::Both,
        summary: format!("{who} says that it is {sends} ({}), and {other} expects {wants} ({})", kind(&sends), kind(&wants)),
        explanation: "An identity is compared with its type: a name isn't an address, and a key id that reads like a name isn't one. Without an identity an end takes its own address, which behind a NAT is the private one.".to_owned(),
        ours: Some(mine),
        theirs: Some(yours),
        fix: if ours {
            Fix {
                local: format!("{} {wants}", setting(a.dialect, Topic::LocalId)),
                remote: format!("{} {sends}", setting(b.dialect, Topic::RemoteId)),
            }
        } else {
            Fix {
                local: format!("{} {sends}", setting(a.dialect, Topic::RemoteId)),
                remote: format!("{} {wants}", setting(b.dialect, Topic::LocalId)),
            }
        },
        message_for_peer: if ours {
            format!("Our gateway identifies itself as {sends}; yours expects {wants}. Please expect {sends}, or tell us to send {wants}.")
        } else {
            format!("Your gateway identifies itself as {sends}; ours expects {wants}. Please send {wants}, or tell us to expect {sends}.")
        },
    })
}

/// The text of an identity without its type.
fn bare(id: &PeerId) -> String {
    match id {
        PeerId::Is(Identity::KeyId(octets)) => String::from_utf8_lossy(octets).to_ascii_lowercase(),
        PeerId::Is(Identity::Fqdn(t) | Identity::Email(t)) => t.to_ascii_lowercase(),
        PeerId::Is(Identity::Address(a)) => a.to_string(),
        PeerId::Name(t) => t.rsplit("CN=").next().unwrap_or(t).to_ascii_lowercase(),
        id => id.to_string(),
    }
}

fn keys(a: &PeerConnection, b: &PeerConnection) -> Option<Difference> {
    let by_key = |c: &PeerConnection| c.local_auth.value.contains(&AuthMethod::Psk);
    if !by_key(a) || !by_key(b) {
        return None;
    }
    let (ours, theirs) = (a.psk.as_ref()?, b.psk.as_ref()?);
    let (x, y) = (ours.digest?, theirs.digest?);
    if x == y {
        return None;
    }
    let writing = ours.trimmed.is_some() && ours.trimmed == theirs.trimmed;
    let (cause, summary) = if writing {
        (
            "psk-formatting",
            "the pre-shared keys differ only in blanks, quotes or their encoding (0x, 0s)",
        )
    } else {
        (
            "psk-mismatch",
            "the pre-shared keys of the two sides differ",
        )
    };
    Some(Difference {
        cause,
        outcome: Outcome::FailsAtIke,
        confidence: 0.96,
        side: AtFault::Both,
        summary: summary.to_owned(),
        explanation: "The octets of the two keys were compared by a digest that is worth nothing after this run; neither key is shown.".to_owned(),
        ours: Some(Value::from_source(&ours.source, "a key")),
        theirs: Some(Value::from_source(&theirs.source, "another key")),
        fix: both(a, b, Topic::Key, "the agreed key, written anew", "the agreed key, written anew"),
        message_for_peer: "The pre-shared keys of our two gateways differ. Let us set a fresh random key on both sides, handed over on a channel that we both trust (not this one).".to_owned(),
    })
}

fn exchange(a: &PeerConnection, b: &PeerConnection) -> Option<Difference> {
    if a.aggressive.value == b.aggressive.value {
        return None;
    }
    let name = |yes: bool| if yes { "aggressive mode" } else { "main mode" };
    let (ours, theirs) = (name(a.aggressive.value), name(b.aggressive.value));
    Some(
        Difference {
            cause: "ikev1-exchange-mode-mismatch",
            outcome: Outcome::FailsAtIke,
            confidence: 0.9,
            side: AtFault::Both,
            summary: format!("we use {ours} for IKEv1 phase 1, the peer uses {theirs}"),
            explanation: "An end doesn't answer an exchange that it isn't configured for."
                .to_owned(),
            ours: Some(Value::of(&a.aggressive, ours)),
            theirs: Some(Value::of(&b.aggressive, theirs)),
            fix: both(
                a,
                b,
                Topic::Exchange,
                "main mode, or better IKEv2",
                "main mode, or better IKEv2",
            ),
            message_for_peer: format!(
                "Our gateway uses {ours}, yours {theirs}. Shall we both use IKEv2?"
            ),
        }
        .with_defaults(),
    )
}

fn strict_lifetimes(a: &PeerConnection, b: &PeerConnection) -> Option<Difference> {
    if !(a.strict_lifetime.value || b.strict_lifetime.value) {
        return None;
    }
    let (x, y) = (a.ike_life.value?, b.ike_life.value?);
    (x != y).then(|| Difference {
        cause: "ikev1-strict-lifetime",
        outcome: Outcome::FailsAtIke,
        confidence: 0.85,
        side: AtFault::Both,
        summary: format!(
            "the lifetimes of phase 1 are {} s and {} s, and one end insists on its own",
            x.as_secs(),
            y.as_secs()
        ),
        explanation: "An end that is strict about lifetimes refuses any other than its own; others take the shorter one.".to_owned(),
        ours: Some(Value::of(&a.ike_life, format!("{} s", x.as_secs()))),
        theirs: Some(Value::of(&b.ike_life, format!("{} s", y.as_secs()))),
        fix: both(a, b, Topic::Lifetimes, "the same as the peer's", "the same as ours"),
        message_for_peer: format!("Our IKE lifetime is {} s, yours {} s; please let us use the same.", x.as_secs(), y.as_secs()),
    })
}

fn encapsulation(a: &PeerConnection, b: &PeerConnection) -> Option<Difference> {
    let (forced, without) = if a.force_encap.value && !b.nat_t.value && b.nat_t.is_written() {
        (&a.force_encap, &b.nat_t)
    } else if b.force_encap.value && !a.nat_t.value && a.nat_t.is_written() {
        (&b.force_encap, &a.nat_t)
    } else {
        return None;
    };
    let ours_forced = core::ptr::eq(forced, &a.force_encap);
    let (f, w) = (
        Value::of(forced, "ESP always in UDP"),
        Value::of(without, "no NAT traversal"),
    );
    let (ours, theirs) = if ours_forced { (f, w) } else { (w, f) };
    Some(Difference {
        cause: "encap-type-mismatch",
        outcome: Outcome::OneWay,
        confidence: 0.85,
        side: AtFault::Both,
        summary: "one end always packs ESP into UDP, and the other end has NAT traversal switched off".to_owned(),
        explanation: "ESP in UDP 4500 and bare ESP (IP protocol 50) don't meet.".to_owned(),
        ours: Some(ours),
        theirs: Some(theirs),
        fix: both(a, b, Topic::Encapsulation, "the same on both sides", "the same on both sides"),
        message_for_peer: "One of our gateways forces UDP encapsulation of ESP and the other has NAT traversal off; please let us agree.".to_owned(),
    })
}

/// Whether both run the same family of daemons.
pub(super) fn strongswan(c: &PeerConnection) -> bool {
    c.dialect.is_strongswan()
}
