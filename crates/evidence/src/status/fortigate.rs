//! `diagnose debug application ike` of FortiOS, and its events: which phase it is whose proposals aren't accepted, and in
//! what they differ.

use std::collections::{BTreeMap, BTreeSet};

use adit_model::fact::Fact;
use adit_model::sign::Sign;

use super::sign;
use crate::reading::Place;
use crate::text::{Line, split_at_rare};

/// So many values of an attribute are kept.
const VALUES: usize = 32;

/// What names the second phase, in an event's text and in its fields.
const PHASE_2: [&str; 3] = ["IPsec phase 2 error", "mode=\"quick\"", "mode=quick "];
/// What names the first one.
const PHASE_1: [&str; 5] = [
    "IPsec phase 1 error",
    "mode=\"main\"",
    "mode=main ",
    "mode=\"aggressive\"",
    "mode=aggressive ",
];
/// Why an event says that proposals weren't accepted.
const REFUSED: [&str; 2] = [
    "reason=\"peer SA proposal not match local policy\"",
    "reason=peer SA proposal not match local policy ",
];

/// How the debug output says that no proposal fits.
const REFUSALS: [&str; 4] = [
    "peer SA proposal not match local policy",
    "no matching proposal",
    "no proposal chosen",
    "no SA proposal chosen",
];
/// What begins a list of proposals there.
const LISTS: [&str; 2] = ["incoming proposal", "my proposal"];
/// What stands in such a list.
const ITEMS: [&str; 7] = [
    "proposal id =",
    "protocol id =",
    "protocol =",
    "trans_id =",
    "encapsulation =",
    "type=",
    "PFS DH group =",
];

/// Refused in the second phase of a client that was given its address.
const GIVEN: [(&str, &str); 2] = [("networks", "given"), ("words", "all")];

/// Whether an event tells the address that a client of IKEv1 was given: `xauthuser="anna" assignip=10.9.0.4`, and not
/// `assignip=N/A`. A client of IKEv2 may ask for networks of its own.
pub(crate) fn has_assigned(body: &str) -> bool {
    let by_xauth = body
        .split_once("xauthuser=")
        .is_some_and(|(_, user)| !user.trim_start_matches(['"', '\\']).starts_with("N/A"));
    by_xauth
        && body.split_once("assignip=").is_some_and(|(_, rest)| {
            let address = rest.trim_start_matches(['"', '\\']);
            address.starts_with(|c: char| c.is_ascii_digit()) && !address.starts_with("0.0.0.0")
        })
}

/// The values of each attribute, by its type.
type Attributes = BTreeMap<String, BTreeSet<String>>;

/// What was printed of the two sides' proposals, and what an event that is spread over lines has told so far.
#[derive(Debug, Default)]
pub(crate) struct FortigateIke {
    proposal: Option<Protocol>,
    theirs: Attributes,
    ours: Attributes,
    list: List,
    /// A line has named the first exchange.
    first: bool,
    /// Lines of the debug output have been seen: what begins with nothing may be one too.
    bare: bool,
    event: Event,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Protocol {
    Ike,
    Esp,
}

/// Whose proposals are being printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum List {
    #[default]
    None,
    Theirs,
    Ours,
}

/// An event's fields, one by one.
#[derive(Debug, Default)]
struct Event {
    refused: Option<Place>,
    phase: Option<Protocol>,
    /// The client was given its address: the networks of the second phase are the gateway's own choice.
    assigned: bool,
    /// What was refused in the second phase, once it is told.
    told: Option<Place>,
}

impl FortigateIke {
    /// The next line: `ike 0:NAME: protocol = ESP:`, `ike 0:NAME: no proposal chosen`, `reason="peer SA proposal …"`.
    pub(super) fn line(
        &mut self,
        line: &Line<'_>,
        place: &dyn Fn() -> Place,
        facts: &mut Vec<Fact>,
    ) {
        let Some(said) = self.said(line.body) else {
            self.event(line.body, place, facts);
            return;
        };
        self.first |= said.contains("exchange=SA_INIT") || said.contains("SA_INIT error");
        let protocol = said
            .split_once("protocol = ")
            .or_else(|| said.split_once("protocol id = "));
        if let Some((_, protocol)) = protocol {
            self.proposal = if protocol.starts_with("ESP") || protocol.starts_with("IPSEC_ESP") {
                Some(Protocol::Esp)
            } else if protocol.starts_with("IKE") || protocol.starts_with("ISAKMP") {
                Some(Protocol::Ike)
            } else {
                None
            };
            return;
        }
        if said.contains("incoming proposal") {
            (self.list, self.theirs) = (List::Theirs, Attributes::new());
        } else if said.contains("my proposal") {
            (self.list, self.ours) = (List::Ours, Attributes::new());
        }
        if let Some((kind, value)) = attribute(said) {
            let list = match self.list {
                List::Theirs => &mut self.theirs,
                List::Ours => &mut self.ours,
                List::None => return,
            };
            let values = list.entry(kind).or_default();
            if values.len() < VALUES {
                values.insert(value);
            }
            return;
        }
        if REFUSALS.iter().any(|words| said.contains(words)) {
            let protocol = self.proposal.take().or(self.first.then_some(Protocol::Ike));
            self.list = List::None;
            let Some(protocol) = protocol else {
                return;
            };
            facts.push(self.refusal(protocol, place()));
        } else if said.contains("matched proposal") || said.contains("received ") {
            // The next message, or a proposal that was taken.
            self.proposal = None;
        }
    }

    /// What a line of the debug output says. Who pastes part of it leaves out what each line begins with; what the lines say
    /// of proposals is known by itself once one of them has been seen.
    fn said<'l>(&mut self, body: &'l str) -> Option<&'l str> {
        let numbered = |said: &str| said.starts_with(|c: char| c.is_ascii_digit());
        if let Some((_, said)) =
            split_at_rare(body, "ike ").filter(|(_, said)| numbered(said) || said.starts_with("V="))
        {
            self.bare = true;
            return Some(said);
        }
        // `0:TUNNEL:12: …`, or the words alone.
        let body = body.trim();
        let said = match body.split_once(':') {
            Some((vdom, rest)) if !vdom.is_empty() && vdom.bytes().all(|b| b.is_ascii_digit()) => {
                rest.rsplit_once(": ").map_or(rest, |(_, said)| said).trim()
            }
            _ => body,
        };
        self.bare |= LISTS.iter().any(|words| said.starts_with(words));
        let known = |words: &&str| said.starts_with(*words);
        (self.bare && LISTS.iter().chain(&ITEMS).chain(&REFUSALS).any(known)).then_some(said)
    }

    /// The refusal, with what differs where only the group does.
    fn refusal(&self, protocol: Protocol, place: Place) -> Fact {
        let apart: Vec<(&String, String, String)> = self
            .theirs
            .iter()
            .filter_map(|(kind, theirs)| {
                let ours = self.ours.get(kind)?;
                theirs
                    .is_disjoint(ours)
                    .then(|| (kind, listed(ours), listed(theirs)))
            })
            .collect();
        if let [(kind, ours, theirs)] = apart.as_slice()
            && ["DH_GROUP", "OAKLEY_GROUP", "PFS"].contains(&kind.as_str())
        {
            return match protocol {
                Protocol::Ike => sign(
                    place,
                    Sign::IkeGroupRefused,
                    &[("offered", theirs), ("wanted", ours)],
                ),
                Protocol::Esp => sign(
                    place,
                    Sign::PfsDiffers,
                    &[("ours", ours), ("theirs", theirs)],
                ),
            };
        }
        match protocol {
            Protocol::Ike => sign(place, Sign::IkeProposalsRefused, &[]),
            Protocol::Esp => sign(place, Sign::EspProposalRefused, &[]),
        }
    }

    /// An event of the log (`key="value"`), whose fields may stand on lines of their own.
    fn event(&mut self, body: &str, place: &dyn Fn() -> Place, facts: &mut Vec<Fact>) {
        if !body.contains(['=', 'p']) {
            return;
        }
        let says = |words: &[&str]| words.iter().any(|word| body.contains(word));
        // Another event begins; what the one before didn't say nobody says.
        if says(&["date="]) {
            self.event = Event::default();
        }
        if says(&PHASE_2) {
            self.event.phase = Some(Protocol::Esp);
        } else if says(&PHASE_1) {
            self.event.phase = self.event.phase.or(Some(Protocol::Ike));
        }
        if says(&REFUSED) {
            self.event.refused = Some(place());
        }
        if body.contains("assignip=") && has_assigned(body) {
            self.event.assigned = true;
            if let Some(told) = self.event.told.take() {
                facts.push(sign(told, Sign::ChildRequestRefused, &GIVEN));
            }
        }
        if let (Some(refused), Some(phase)) = (self.event.refused.clone(), self.event.phase) {
            // `IPsec phase 1 error` and the mode may follow each other; what names phase 2 is surer.
            facts.push(match phase {
                Protocol::Ike => sign(refused.clone(), Sign::IkeProposalsRefused, &[]),
                // FortiOS has this one reason for ciphers, group and networks of the second phase alike.
                Protocol::Esp if self.event.assigned => {
                    sign(refused.clone(), Sign::ChildRequestRefused, &GIVEN)
                }
                Protocol::Esp => sign(
                    refused.clone(),
                    Sign::ChildRequestRefused,
                    &[("words", "all")],
                ),
            });
            self.event = Event {
                told: (phase == Protocol::Esp && !self.event.assigned).then_some(refused),
                ..Event::default()
            };
        }
    }
}

/// `type=DH_GROUP, val=MODP1024 (Group 2)`, `trans_id = ESP_AES_CBC (key_len = 256)`, `PFS DH group = 14`.
fn attribute(said: &str) -> Option<(String, String)> {
    let (kind, value) = if let Some((_, rest)) = said.split_once("type=") {
        rest.split_once(", val=")?
    } else if let Some((_, value)) = said.split_once("PFS DH group = ") {
        ("PFS", value)
    } else if let Some((_, value)) = said.split_once("trans_id = ") {
        ("trans_id", value)
    } else {
        return None;
    };
    let value = value.trim().trim_end_matches(['.', ',']);
    let value = value.split_once(" (Group").map_or(value, |(v, _)| v);
    Some((kind.trim().to_owned(), value.to_owned()))
}

fn listed(values: &BTreeSet<String>) -> String {
    values.iter().cloned().collect::<Vec<_>>().join(", ")
}
