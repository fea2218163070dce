//! Proposals for ESP that a daemon prints transform by transform: its own list, and what the peer sent.
//!
//! FortiGate's debug and several small implementations do. A heading says whose list follows; a paste that lost its
//! beginning has a list before the first heading, which is the other side's.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use adit_model::fact::Fact;
use adit_model::sign::Sign;
use aho_corasick::AhoCorasick;

use super::sign;
use crate::reading::Place;
use crate::text::Line;

/// The transforms of one list.
#[derive(Debug, Default)]
struct List {
    encryption: BTreeSet<String>,
    integrity: BTreeSet<String>,
    groups: BTreeSet<String>,
    /// Something that only IKE's own proposals have.
    ike: bool,
}

impl List {
    fn is_empty(&self) -> bool {
        self.encryption.is_empty()
    }

    fn groups(&self) -> String {
        if self.groups.is_empty() {
            return "none".to_owned();
        }
        self.groups.iter().cloned().collect::<Vec<_>>().join(", ")
    }

    fn ciphers(&self) -> String {
        let all: Vec<&str> = self
            .encryption
            .iter()
            .chain(&self.integrity)
            .map(String::as_str)
            .collect();
        all.join(", ")
    }
}

/// Both sides' lists as far as they were printed.
#[derive(Debug, Default)]
pub(crate) struct Dump {
    ours: List,
    theirs: List,
    /// Printed before any heading.
    unnamed: List,
    /// Whose list the lines are of.
    peers: Option<bool>,
    last: Option<Place>,
}

const PEERS: [&str; 6] = [
    "peer proposal",
    "incoming proposal",
    "received proposal",
    "remote proposal",
    "peer's proposal",
    "their proposal",
];
const OURS: [&str; 6] = [
    "my proposal",
    "our proposal",
    "own proposal",
    "local proposal",
    "local policy",
    "configured proposal",
];

/// What some line of a dump has before anything of it is known. Most lines of most logs have none of it.
static BEGINS: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
    let words = PEERS
        .iter()
        .chain(&OURS)
        .chain(&["('type', '", "trans_id = ESP_"]);
    AhoCorasick::builder()
        .ascii_case_insensitive(true)
        .build(words)
        .ok()
});

/// A list is longer than this only by mistake.
const MOST: usize = 64;

impl Dump {
    /// The next line.
    pub(super) fn line(
        &mut self,
        line: &Line<'_>,
        place: &dyn Fn() -> Place,
        facts: &mut Vec<Fact>,
    ) {
        let body = line.body;
        let idle = self.peers.is_none() && self.unnamed.is_empty();
        if idle && !BEGINS.as_ref().is_some_and(|w| w.is_match(body)) {
            return;
        }
        let lower = || body.to_ascii_lowercase();
        // The rest of the work is for lines that can be a part of a dump.
        let heading = body.len() < 120 && {
            let lower = lower();
            let peers = PEERS.iter().any(|h| lower.contains(h));
            let ours = OURS.iter().any(|h| lower.contains(h));
            if peers != ours && !lower.contains("ike:") && !lower.contains("esp:") {
                if self.peers == Some(peers) || (!self.ours.is_empty() && !self.theirs.is_empty()) {
                    self.forget(peers);
                }
                self.peers = Some(peers);
                true
            } else {
                false
            }
        };
        if heading {
            return;
        }
        if body.contains("'type'") || body.contains("'id'") || body.contains(" = ") {
            self.transform(body);
            self.last = Some(place());
            return;
        }
        let lower = lower();
        let failed = lower.contains("no_proposal_chosen")
            || lower.contains("negotiation failure")
            || lower.contains("no suitable")
            || lower.contains("suitable matching proposal")
            || lower.contains("no sa proposal chosen")
            || lower.contains("no proposal chosen");
        if failed {
            self.compare(place, facts);
        }
    }

    /// A new list of the side that has one already.
    fn forget(&mut self, peers: bool) {
        if peers {
            self.theirs = List::default();
        } else {
            self.ours = List::default();
        }
    }

    fn transform(&mut self, body: &str) {
        let list = match self.peers {
            Some(true) => &mut self.theirs,
            Some(false) => &mut self.ours,
            None => &mut self.unnamed,
        };
        if list.encryption.len() + list.integrity.len() + list.groups.len() > MOST {
            return;
        }
        if let Some(group) = body.split("PFS DH group = ").nth(1) {
            list.groups.insert(group.trim().to_owned());
        } else if let Some(cipher) = body.split("trans_id = ESP_").nth(1) {
            list.encryption.insert(cipher.trim().to_owned());
        } else if body.contains("OAKLEY_") || body.contains("= KEY_IKE") {
            list.ike = true;
        } else if let Some(hash) = body.split("type = AUTH_ALG, val=").nth(1) {
            list.integrity.insert(hash.trim().to_owned());
        } else {
            // ('type', 'DH'), ('id', 'DH_14')
            let quoted: Vec<&str> = body.split('\'').skip(1).step_by(2).collect();
            for pair in quoted.windows(2) {
                let [_, value] = pair else { continue };
                let value = (*value).to_owned();
                if pair == ["protocol_id", "IKE"] || value.starts_with("PRF_") {
                    list.ike = true;
                } else if pair.first() != Some(&"id") {
                } else if value.starts_with("ENCR_") {
                    list.encryption.insert(value);
                } else if value.starts_with("AUTH_") {
                    list.integrity.insert(value);
                } else if value.starts_with("DH_") || value.starts_with("MODP") {
                    list.groups.insert(value);
                }
            }
        }
    }

    /// Both lists are there and nothing was chosen: what doesn't fit.
    fn compare(&mut self, place: &dyn Fn() -> Place, facts: &mut Vec<Fact>) {
        let both = core::mem::take(self);
        let (ours, theirs) = match (both.ours.is_empty(), both.theirs.is_empty()) {
            (false, false) => (&both.ours, &both.theirs),
            (true, false) => (&both.unnamed, &both.theirs),
            (false, true) => (&both.ours, &both.unnamed),
            (true, true) => return,
        };
        let cut = both.ours.is_empty() || both.theirs.is_empty();
        if ours.ike || theirs.ike || (ours.is_empty() && ours.groups.is_empty()) {
            return;
        }
        let meet = |a: &BTreeSet<String>, b: &BTreeSet<String>| {
            (a.is_empty() && b.is_empty()) || a.iter().any(|x| b.contains(x))
        };
        let ciphers =
            meet(&ours.encryption, &theirs.encryption) && meet(&ours.integrity, &theirs.integrity);
        let at = both.last.unwrap_or_else(place);
        // A list without its beginning may have lost its group.
        if cut && both.unnamed.groups.is_empty() {
            return;
        }
        if !meet(&ours.groups, &theirs.groups) && (ciphers || cut) {
            let (ours, theirs) = (ours.groups(), theirs.groups());
            let values = [("ours", ours.as_str()), ("theirs", theirs.as_str())];
            facts.push(sign(at, Sign::PfsDiffers, &values));
        } else if !ciphers && !cut {
            let (ours, theirs) = (ours.ciphers(), theirs.ciphers());
            let values = [("ours", ours.as_str()), ("theirs", theirs.as_str())];
            facts.push(sign(at, Sign::EspProposalRefused, &values));
        }
    }
}
