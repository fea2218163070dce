//! What a message of charon says. One function per family of messages; wording that changed between versions stands
//! side by side (`inacceptable` until 5.5, `DH group` until 5.9, `key exchange method` since 6.0).

use core::net::{IpAddr, SocketAddr};

use adit_model::identity::Identity;
use adit_model::reason::CertificateProblem;
use adit_model::selector::Selector;
use adit_wire::iana::NotifyType;

use super::proposal::{self, Listed};
use super::value;

/// A message understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Said {
    Started,
    Stopping,
    /// `sending packet`, `received packet`.
    Datagram {
        received: bool,
        from: Option<SocketAddr>,
        to: Option<SocketAddr>,
        octets: usize,
    },
    /// `generating`, `parsed`.
    Packet {
        received: bool,
        exchange: String,
        response: bool,
        id: u32,
        payloads: Vec<String>,
    },
    Initiating {
        name: Option<String>,
        number: Option<u32>,
        to: Option<IpAddr>,
        v1: bool,
    },
    PeerInitiates {
        v1: bool,
    },
    Received(Listed),
    Configured(Listed),
    Selected(Listed),
    Retransmit {
        attempt: u32,
        id: Option<u32>,
        /// The message of IKEv1's main mode, where the line counts them.
        step: Option<&'static str>,
    },
    GivingUp {
        retransmits: u32,
    },
    NotResponding,
    /// The peer repeats a request that was answered; the answer is sent again.
    Duplicate,
    /// A notify that the peer sent about an error.
    Told {
        notify: NotifyType,
        child: bool,
    },
    NoIkeProposal,
    NoChildProposal,
    /// `no proposal found`, which IKEv1 says of both kinds.
    NoProposal,
    NoConfig {
        local: Option<IpAddr>,
        remote: Option<IpAddr>,
    },
    LookingForPeer {
        ours: Option<Identity>,
        theirs: Option<Identity>,
    },
    NoPeerConfig,
    MacMismatch {
        theirs: Option<Identity>,
    },
    NoKey {
        ours: Option<Identity>,
        theirs: Option<Identity>,
    },
    /// The identity that came isn't the one that is wanted.
    OtherPeer {
        received: Option<Identity>,
        wanted: Option<Identity>,
    },
    /// The name of the connection that was chosen for the peer.
    Chosen(String),
    /// Something is wrong with a certificate; that it isn't accepted is said later.
    Certificate(CertificateProblem),
    NoPrivateKey(Option<Identity>),
    UserFailed {
        method: String,
        user: String,
    },
    NoAddress,
    /// A message couldn't be decrypted.
    Undecipherable,
    /// A fragment of a message came; it is whole now, or it isn't.
    Fragment {
        number: u32,
        of: Option<u32>,
        whole: bool,
    },
    NoPublicKey {
        theirs: Option<Identity>,
        kind: String,
    },
    Method {
        required: String,
    },
    LookingForChild {
        ours: Vec<Selector>,
        theirs: Vec<Selector>,
    },
    ChildFound(String),
    /// What follows are our networks, or the peer's.
    Proposing {
        ours: bool,
    },
    TrafficRefused {
        ours: Vec<Selector>,
        theirs: Vec<Selector>,
    },
    Authenticated,
    IkeUp {
        name: Option<String>,
        number: Option<u32>,
        ours: Option<Identity>,
        theirs: Option<Identity>,
    },
    /// A new IKE SA took the place of the older ones of this connection.
    Rekeyed {
        number: Option<u32>,
    },
    EstablishingChild(String),
    ChildUp {
        name: String,
        spi_in: u32,
        spi_out: u32,
        ours: Vec<Selector>,
        theirs: Vec<Selector>,
    },
    ChildDown {
        name: String,
        spi_in: u32,
    },
    DeleteReceived {
        child: bool,
    },
    Deleting,
    Abandoned,
    BehindNat {
        us: bool,
    },
    ForcedEncapsulation,
    GroupWanted {
        from: String,
        to: String,
        by_peer: bool,
    },
    VersionRefused(u8),
    SendFailed(i32),
    /// A name that has no address.
    Unresolved(String),
}

/// The statement that a message makes, when it is one that counts.
pub(crate) fn said(text: &str) -> Option<Said> {
    packet(text)
        .or_else(|| datagram(text))
        .or_else(|| proposals(text))
        .or_else(|| fragment(text))
        .or_else(|| exchange(text))
        .or_else(|| authentication(text))
        .or_else(|| traffic(text))
        .or_else(|| life(text))
}

/// `generating IKE_SA_INIT request 0 [ SA KE No N(NATD_S_IP) ]`
fn packet(text: &str) -> Option<Said> {
    let (received, rest) = match text.strip_prefix("parsed ") {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix("generating ")?),
    };
    let (head, list) = rest.split_once(" [ ").or_else(|| rest.split_once(" ["))?;
    let mut words = head.split(' ');
    let (exchange, kind, id) = (words.next()?, words.next()?, words.next()?);
    let response = match kind {
        "request" => false,
        "response" => true,
        _ => return None,
    };
    // A list that was cut off counts as far as it goes.
    let list = list.split(']').next().unwrap_or(list);
    Some(Said::Packet {
        received,
        exchange: exchange.to_owned(),
        response,
        id: id.parse().ok()?,
        payloads: list.split_whitespace().map(payload).collect(),
    })
}

/// `N(NO_PROP)` with the notify's full name; other payloads as they are.
fn payload(word: &str) -> String {
    word.strip_prefix("N(")
        .and_then(|w| w.strip_suffix(')'))
        .and_then(value::notify)
        .map_or_else(|| word.to_owned(), |n| format!("N({n})"))
}

/// `received packet: from 192.0.2.1[500] to 198.51.100.1[500] (36 bytes)`
fn datagram(text: &str) -> Option<Said> {
    let (received, rest) = match text.strip_prefix("received packet: from ") {
        Some(rest) => (true, rest),
        None => (
            false,
            text.strip_prefix("sending packet: from ")
                .or_else(|| text.strip_prefix("sending packet from "))?,
        ),
    };
    let (from, rest) = rest.split_once(" to ")?;
    let (to, rest) = rest.split_once(" (").unwrap_or((rest, ""));
    Some(Said::Datagram {
        received,
        from: value::endpoint(from),
        to: value::endpoint(to),
        octets: rest
            .split(' ')
            .next()
            .and_then(|n| n.parse().ok())
            .unwrap_or(0),
    })
}

fn proposals(text: &str) -> Option<Said> {
    if let Some(list) = text.strip_prefix("received proposals: ") {
        return proposal::list(list).map(Said::Received);
    }
    if let Some(list) = text.strip_prefix("configured proposals: ") {
        return proposal::list(list).map(Said::Configured);
    }
    if let Some(one) = text.strip_prefix("selected proposal: ") {
        return proposal::list(one).map(Said::Selected);
    }
    if is_any(
        text,
        &[
            "received proposals unacceptable",
            "received proposals inacceptable",
        ],
    ) {
        return Some(Said::NoIkeProposal);
    }
    if text.starts_with("no acceptable proposal found")
        || text.trim_end() == "no matching proposal found"
        || text.starts_with("no matching proposal found, sending ")
    {
        return Some(Said::NoChildProposal);
    }
    if text.trim() == "no proposal found" {
        return Some(Said::NoProposal);
    }
    group_wanted(text)
}

/// Both sides' words about a key exchange method that has to be another.
fn group_wanted(text: &str) -> Option<Said> {
    for what in ["DH group ", "key exchange method "] {
        if let Some((_, rest)) = text
            .split_once("peer didn't accept ")
            .filter(|(_, rest)| rest.starts_with(what))
        {
            let (from, to) = rest.strip_prefix(what)?.split_once(", it requested ")?;
            return Some(wanted(from, to, true));
        }
        if let Some(rest) = text.strip_prefix(what) {
            let (from, rest) = rest.split_once(' ')?;
            let to = rest
                .strip_prefix("unacceptable, requesting ")
                .or_else(|| rest.strip_prefix("inacceptable, requesting "))?;
            return Some(wanted(from, to, false));
        }
    }
    None
}

fn wanted(from: &str, to: &str, by_peer: bool) -> Said {
    let name = |word: &str| {
        let word = word.trim();
        proposal::group(word).map_or_else(|| word.to_owned(), |ke| ke.to_string())
    };
    Said::GroupWanted {
        from: name(from),
        to: name(to),
        by_peer,
    }
}

fn exchange(text: &str) -> Option<Said> {
    if let Some(rest) = text.strip_prefix("initiating ") {
        let v1 = ["Main Mode ", "Aggressive Mode "]
            .iter()
            .find_map(|mode| rest.strip_prefix(mode));
        let (named, to) = v1
            .unwrap_or(rest)
            .strip_prefix("IKE_SA ")?
            .split_once(" to ")?;
        let (name, number) = numbered(named, '[', ']');
        return Some(Said::Initiating {
            name,
            number,
            to: value::address(to),
            v1: v1.is_some(),
        });
    }
    if let Some((_, what)) = text.split_once(" is initiating a") {
        return what.ends_with("IKE_SA").then_some(Said::PeerInitiates {
            v1: what.contains("Mode"),
        });
    }
    if let Some(rest) = text
        .strip_prefix("retransmit ")
        .or_else(|| text.strip_prefix("sending retransmit "))
    {
        let (attempt, rest) = rest.split_once(" of ")?;
        // IKEv2 names the message after `with message ID`, IKEv1 after `message ID`.
        let id = rest
            .split_once("message ID ")
            .and_then(|(_, id)| id.split([',', ' ']).next()?.parse().ok());
        let step = step(rest, id);
        // IKEv2 repeats only requests. IKEv1's responder repeats its answer until the next message comes.
        return (rest.starts_with("request") || step.is_some()).then_some(Said::Retransmit {
            attempt: attempt.parse().ok()?,
            id,
            step,
        });
    }
    if let Some(rest) = text.strip_prefix("giving up after ") {
        let retransmits = rest.split(' ').next()?.parse().ok()?;
        return Some(Said::GivingUp { retransmits });
    }
    if let Some(rest) = text.strip_prefix("received ") {
        if let Some((name, rest)) = rest.split_once(' ')
            && (rest.starts_with("notify error")
                || rest.starts_with("error notify")
                || rest.starts_with("notify, no CHILD_SA built"))
        {
            return value::notify(name).map(|notify| Said::Told {
                notify,
                child: rest.starts_with("notify, no CHILD_SA built"),
            });
        }
        if let Some(version) = rest.strip_prefix("unsupported IKE version ") {
            let major = version.split('.').next()?.trim().parse().ok()?;
            return Some(Said::VersionRefused(major));
        }
    }
    if let Some(rest) = text.strip_prefix("no IKE config found for ") {
        let (pair, _) = rest.split_once(", sending ").unwrap_or((rest, ""));
        let [(local, _), (remote, _)] = value::pair(pair)?;
        return Some(Said::NoConfig { local, remote });
    }
    if text.starts_with("received retransmit of request with ID")
        && text.contains("retransmitting response")
    {
        return Some(Said::Duplicate);
    }
    (text.starts_with("establishing IKE_SA failed, peer not responding")
        || text.starts_with("peer not responding, trying again"))
    .then_some(Said::NotResponding)
}

/// The message of main mode that is repeated: `request message ID 0, seq 3` is the initiator's third.
fn step(rest: &str, id: Option<u32>) -> Option<&'static str> {
    let (_, seq) = rest.split_once(", seq ")?;
    let seq: usize = seq.split([' ', ',']).next()?.parse().ok()?;
    let names = if rest.starts_with("request") {
        ["MI1", "MI2", "MI3"]
    } else {
        ["MR1", "MR2", "MR3"]
    };
    let at = seq.checked_sub(1).filter(|_| id == Some(0))?;
    names.get(at).copied()
}

fn authentication(text: &str) -> Option<Said> {
    if let Some(rest) = text
        .strip_prefix("looking for peer configs matching ")
        .or_else(|| {
            // `looking for pre-shared key peer configs matching …` of IKEv1.
            let (head, rest) = text.split_once(" peer configs matching ")?;
            head.starts_with("looking for ").then_some(rest)
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

/// `received fragment #1 of 3, waiting for complete IKE message`
fn fragment(text: &str) -> Option<Said> {
    let rest = text.strip_prefix("received fragment #")?;
    let (count, rest) = rest.split_once(", ")?;
    let (number, of) = match count.split_once(" of ") {
        Some((number, of)) => (number, of.parse().ok()),
        None => (count, None),
    };
    Some(Said::Fragment {
        number: number.parse().ok()?,
        of,
        whole: rest.starts_with("reassembl"),
    })
}

fn traffic(text: &str) -> Option<Said> {
    if let Some(rest) = text.strip_prefix("looking for a child config for ") {
        let (ours, theirs) = value::both_selectors(rest)?;
        return Some(Said::LookingForChild { ours, theirs });
    }
    if let Some(rest) = text.strip_prefix("found matching child config \"") {
        return Some(Said::ChildFound(rest.split('"').next()?.to_owned()));
    }
    if let Some(whose) = text.strip_prefix("proposing traffic selectors for ") {
        return Some(Said::Proposing {
            ours: whose.starts_with("us"),
        });
    }
    if let Some(rest) = text.strip_prefix("traffic selectors ") {
        let pair = rest
            .strip_suffix(" unacceptable")
            .or_else(|| rest.strip_suffix(" inacceptable"))?;
        let (ours, theirs) = value::both_selectors(pair)?;
        return Some(Said::TrafficRefused { ours, theirs });
    }
    let rest = text.strip_prefix("no matching CHILD_SA config found")?;
    let (ours, theirs) = rest
        .strip_prefix(" for ")
        .and_then(value::both_selectors)
        .unwrap_or_default();
    Some(Said::TrafficRefused { ours, theirs })
}

fn life(text: &str) -> Option<Said> {
    if let Some(rest) = text.strip_prefix("IKE_SA ") {
        if rest.starts_with("deleted") {
            return None;
        }
        if let Some((named, _)) = rest.split_once(" rekeyed between ") {
            let (_, number) = numbered(named, '[', ']');
            return Some(Said::Rekeyed { number });
        }
        let (named, pair) = rest.split_once(" established between ")?;
        let (name, number) = numbered(named, '[', ']');
        let [(_, ours), (_, theirs)] = value::pair(pair).unwrap_or_default();
        return Some(Said::IkeUp {
            name,
            number,
            ours,
            theirs,
        });
    }
    if let Some(rest) = text.strip_prefix("establishing CHILD_SA ") {
        return numbered(rest, '{', '}').0.map(Said::EstablishingChild);
    }
    let up = text.strip_prefix("inbound ").unwrap_or(text);
    if let Some(rest) = up.strip_prefix("CHILD_SA ") {
        return child_up(rest);
    }
    if let Some(rest) = text.strip_prefix("closing CHILD_SA ") {
        let (named, rest) = rest.split_once(" with SPIs ")?;
        let spi_in = spi(rest.split(' ').next()?, "_i")?;
        return Some(Said::ChildDown {
            name: numbered(named, '{', '}').0?,
            spi_in,
        });
    }
    if let Some(rest) = text.strip_prefix("received DELETE for ") {
        return Some(Said::DeleteReceived {
            child: rest.contains("CHILD_SA"),
        });
    }
    let starts = |heads: &[&str]| heads.iter().any(|h| text.starts_with(h));
    Some(
        if starts(&["deleting IKE_SA ", "sending DELETE for IKE_SA"]) {
            Said::Deleting
        } else if starts(&[
            "destroying IKE_SA in state CONNECTING",
            "deleting half open IKE_SA",
        ]) {
            Said::Abandoned
        } else if starts(&["local host is behind NAT"]) {
            Said::BehindNat { us: true }
        } else if starts(&["remote host is behind NAT"]) {
            Said::BehindNat { us: false }
        } else if starts(&["faking NAT situation"]) {
            Said::ForcedEncapsulation
        } else if starts(&[
            "Starting IKE charon daemon",
            "Starting IKEv2 charon daemon",
            "Starting charon",
        ]) {
            Said::Started
        } else if starts(&[
            "SIGTERM received, shutting down",
            "SIGINT received, shutting down",
        ]) {
            Said::Stopping
        } else if let Some(rest) = text.strip_prefix("error writing to socket: ") {
            Said::SendFailed(errno(rest)?)
        } else if let Some(rest) = text.strip_prefix("unable to resolve ") {
            Said::Unresolved(rest.split(',').next()?.trim().to_owned())
        } else {
            return None;
        },
    )
}

/// `net{7} established with SPIs c1a2b3c4_i cd5e6f70_o and TS 10.1.0.0/24 === 10.2.0.0/24`
fn child_up(text: &str) -> Option<Said> {
    let (named, rest) = text.split_once(" established with SPIs ")?;
    let (spis, ts) = rest.split_once(" and TS ").unwrap_or((rest, ""));
    let mut spis = spis.split(' ');
    let (ours, theirs) = value::both_selectors(ts).unwrap_or_default();
    Some(Said::ChildUp {
        name: numbered(named, '{', '}').0?,
        spi_in: spi(spis.next()?, "_i")?,
        spi_out: spis.next().and_then(|s| spi(s, "_o")).unwrap_or(0),
        ours,
        theirs,
    })
}

fn spi(text: &str, mark: &str) -> Option<u32> {
    u32::from_str_radix(text.strip_suffix(mark)?, 16).ok()
}

/// `gw-b[3]`, `net{7} reqid 1`: the name and the number.
fn numbered(text: &str, open: char, close: char) -> (Option<String>, Option<u32>) {
    let (name, rest) = text.split_once(open).unwrap_or((text, ""));
    let number = rest.split(close).next().and_then(|n| n.parse().ok());
    let name = name.trim();
    let known = !name.is_empty() && name != "(unnamed)";
    (known.then(|| name.to_owned()), number)
}

fn is_any(text: &str, all: &[&str]) -> bool {
    all.contains(&text.trim())
}

/// The numbers of the errors that tell where a packet got stuck.
fn errno(text: &str) -> Option<i32> {
    Some(match text.trim() {
        "Operation not permitted" => 1,
        "Invalid argument" => 22,
        "Message too long" => 90,
        "Cannot assign requested address" => 99,
        "Network is down" => 100,
        "Network is unreachable" => 101,
        "Connection refused" => 111,
        "No route to host" => 113,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn wording_of_all_versions() {
        for (old, new) in [
            (
                "received proposals inacceptable",
                "received proposals unacceptable",
            ),
            (
                "DH group MODP_2048 inacceptable, requesting ECP_256",
                "key exchange method MODP_2048 unacceptable, requesting ECP_256",
            ),
            (
                "peer didn't accept DH group MODP_1024, it requested MODP_2048",
                "peer didn't accept key exchange method MODP_1024, it requested MODP_2048",
            ),
            (
                "traffic selectors 10.2.0.0/24 === 10.1.0.0/24 inacceptable",
                "traffic selectors 10.2.0.0/24 === 10.1.0.0/24 unacceptable",
            ),
            (
                "received NO_PROPOSAL_CHOSEN error notify",
                "received NO_PROPOSAL_CHOSEN notify error",
            ),
            (
                "CHILD_SA net{7} established with SPIs c1a2b3c4_i cd5e6f70_o and TS 10.1.0.0/24 === 10.2.0.0/24",
                "inbound CHILD_SA net{7} established with SPIs c1a2b3c4_i cd5e6f70_o and TS 10.1.0.0/24 === 10.2.0.0/24",
            ),
        ] {
            let said_new = said(new);
            assert!(said_new.is_some(), "{new}");
            assert_eq!(said(old), said_new, "{old}");
        }
    }

    #[test]
    fn repeated_messages_of_main_mode_are_told_apart() {
        for (line, want) in [
            (
                "sending retransmit 1 of request message ID 0, seq 1",
                Some("MI1"),
            ),
            (
                "sending retransmit 2 of request message ID 0, seq 3",
                Some("MI3"),
            ),
            (
                "sending retransmit 1 of response message ID 0, seq 2",
                Some("MR2"),
            ),
            ("retransmit 1 of request with message ID 0", None),
        ] {
            let Some(Said::Retransmit {
                step, id: Some(0), ..
            }) = said(line)
            else {
                panic!("{line}");
            };
            assert_eq!(step, want, "{line}");
        }
        assert_eq!(said("retransmit 1 of response with message ID 0"), None);
    }

    #[test]
    fn a_cut_line_counts_as_far_as_it_goes() {
        let Some(Said::Packet { payloads, .. }) =
            said("parsed IKE_AUTH response 1 [ IDr AUTH N(TS_UNACCEPT) N(MOB")
        else {
            panic!("not understood");
        };
        assert_eq!(payloads[2], "N(TS_UNACCEPTABLE)");
    }

    #[test]
    fn missing_values_are_unknown() {
        assert_eq!(
            said("no IKE config found for ...x.x.x.x, sending NO_PROPOSAL_CHOSEN"),
            Some(Said::NoConfig {
                local: None,
                remote: None
            })
        );
        assert_eq!(said("received packet: from , something else"), None);
    }
}
