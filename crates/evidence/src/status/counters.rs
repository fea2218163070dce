//! Counters of errors, by the names that products give them: `name: number`, `name number`, `number name`.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use adit_model::fact::Fact;
use adit_model::sign::Sign;
use aho_corasick::AhoCorasick;

use super::sign;
use crate::reading::Place;
use crate::text::Line;

/// Where the number stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Number {
    /// Behind the name.
    After,
    /// Before the name.
    Before,
}
use Number::{After, Before};

/// A counter's name, where its number is, and what it means when it isn't 0.
static COUNTERS: &[(&str, Number, Sign)] = &[
    // Cisco: `show crypto ipsec sa detail`.
    ("#pkts invalid sa (rcv)", After, Sign::SpiUnknown),
    ("#pkts verify failed", After, Sign::EspIntegrityFailed),
    ("#pkts replay failed (rcv)", After, Sign::EspReplayed),
    (
        "#pkts replay rollover (send)",
        After,
        Sign::SequenceExhausted,
    ),
    (
        "#pkts invalid identity (recv)",
        After,
        Sign::InnerOutsideSelectors,
    ),
    ("#pkts internal err (recv)", After, Sign::IpsecDropped),
    // Junos: `show security ipsec statistics`.
    (
        "ESP authentication failures",
        After,
        Sign::EspIntegrityFailed,
    ),
    ("ESP decryption failures", After, Sign::EspIntegrityFailed),
    (
        "AH authentication failures",
        After,
        Sign::EspIntegrityFailed,
    ),
    ("Replay errors", After, Sign::EspReplayed),
    ("Invalid SPI", After, Sign::SpiUnknown),
    ("Bad SPI", After, Sign::SpiUnknown),
    ("TS check fail", After, Sign::InnerOutsideSelectors),
    // PAN-OS: `show vpn flow tunnel-id`, global counters.
    ("authentication errors", After, Sign::EspIntegrityFailed),
    ("decryption errors", After, Sign::EspIntegrityFailed),
    ("replay packets", After, Sign::EspReplayed),
    ("flow_tunnel_natt_nomatch", After, Sign::SpiUnknown),
    ("flow_ipsec_no_sa", After, Sign::SpiUnknown),
    ("tunnel_ipsec_replay", After, Sign::EspReplayed),
    // illumos: `kstat -m ip -n ipdrop`.
    ("esp_no_sa", After, Sign::SpiUnknown),
    ("ah_no_sa", After, Sign::SpiUnknown),
    ("esp_bad_auth", After, Sign::EspIntegrityFailed),
    ("ah_bad_auth", After, Sign::EspIntegrityFailed),
    ("esp_early_replay", After, Sign::EspReplayed),
    ("esp_replay", After, Sign::EspReplayed),
    ("ah_early_replay", After, Sign::EspReplayed),
    ("ah_replay", After, Sign::EspReplayed),
    ("esp_bytes_expire", After, Sign::SaExpired),
    ("spd_esp_innermismatch", After, Sign::InnerOutsideSelectors),
    ("spd_ah_innermismatch", After, Sign::InnerOutsideSelectors),
    ("spd_got_esp", After, Sign::InboundPolicyRefused),
    ("spd_got_ah", After, Sign::InboundPolicyRefused),
    ("spd_got_secure", After, Sign::InboundPolicyRefused),
    ("spd_bad_espealg", After, Sign::InboundPolicyRefused),
    ("spd_bad_espaalg", After, Sign::InboundPolicyRefused),
    ("spd_bad_ahalg", After, Sign::InboundPolicyRefused),
    ("spd_bad_selfencap", After, Sign::InboundPolicyRefused),
    ("spd_got_selfencap", After, Sign::InboundPolicyRefused),
    ("spd_got_clear", After, Sign::ClearTrafficArrived),
    // The BSDs: `netstat -s -p esp`.
    ("packets dropped; no TDB", Before, Sign::SpiUnknown),
    (
        "packets dropped; bad authentication detected",
        Before,
        Sign::EspIntegrityFailed,
    ),
    (
        "possible replay packets detected",
        Before,
        Sign::EspReplayed,
    ),
    (
        "packets blocked due to policy",
        Before,
        Sign::InboundPolicyRefused,
    ),
    ("replay counter wraps", Before, Sign::SequenceExhausted),
    // Reassembly: `netstat -s`, `nstat`.
    ("packet reassembles failed", Before, Sign::ReassemblyFailed),
    ("packet reassemblies failed", Before, Sign::ReassemblyFailed),
    (
        "fragments dropped after timeout",
        Before,
        Sign::ReassemblyFailed,
    ),
    ("IpReasmFails", After, Sign::ReassemblyFailed),
    ("Ip6ReasmFails", After, Sign::ReassemblyFailed),
    ("#pkts decaps failed (rcv)", After, Sign::IpsecDropped),
];

static SEARCH: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
    AhoCorasick::builder()
        .ascii_case_insensitive(true)
        .build(COUNTERS.iter().map(|(name, ..)| name))
        .ok()
});

/// Counters by name and by how often they were shown: the first value, the last one, and where it stands.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    seen: BTreeMap<usize, (u64, u64, Place)>,
}

impl Counters {
    /// The next line.
    pub(super) fn line(&mut self, line: &Line<'_>, place: &dyn Fn() -> Place) {
        let Some(search) = SEARCH.as_ref() else {
            return;
        };
        for hit in search.find_iter(line.body) {
            let which = hit.pattern().as_usize();
            let Some((_, number, _)) = COUNTERS.get(which) else {
                continue;
            };
            let count = match number {
                After => line.body.get(hit.end()..).and_then(leading),
                Before => line.body.get(..hit.start()).and_then(trailing),
            };
            let Some(count) = count else {
                continue;
            };
            let place = place();
            self.seen
                .entry(which)
                .and_modify(|(_, last, at)| {
                    // Of several SAs the one that has errors counts.
                    if count > 0 {
                        (*last, *at) = (count, place.clone());
                    }
                })
                .or_insert((count, count, place));
        }
        self.state(line, place);
    }

    /// `replay-window 0 replay 3 failed 12` of `ip -s xfrm state`.
    fn state(&mut self, line: &Line<'_>, place: &dyn Fn() -> Place) {
        if !line.body.trim_ascii_start().starts_with("replay-window") {
            return;
        }
        let words: Vec<&str> = line.body.split_ascii_whitespace().collect();
        let ["replay-window", _, "replay", replay, "failed", failed] = words.as_slice() else {
            return;
        };
        for (key, value) in [(COUNTERS.len(), replay), (COUNTERS.len() + 1, failed)] {
            if let Ok(count @ 1..) = value.parse::<u64>() {
                self.seen.insert(key, (count, count, place()));
            }
        }
    }

    /// The counters that aren't 0.
    pub(super) fn finish(&self, facts: &mut Vec<Fact>) {
        for (which, (_, last, place)) in &self.seen {
            let what = match COUNTERS.get(*which) {
                Some((.., what)) => *what,
                None if *which == COUNTERS.len() => Sign::EspReplayed,
                None => Sign::EspIntegrityFailed,
            };
            if *last > 0 {
                let count = last.to_string();
                let mut values = vec![("count", count.as_str())];
                // Since the host started, and whatever the packet was.
                if COUNTERS
                    .get(*which)
                    .is_some_and(|c| c.0.ends_with("no TDB"))
                {
                    values.push(("of", "host"));
                }
                facts.push(sign(place.clone(), what, &values));
            }
        }
    }
}

/// The number that follows, behind at most a colon, an equals sign and blanks.
fn leading(text: &str) -> Option<u64> {
    let text = text.trim_start_matches([' ', '\t', ':', '=', '"', '|']);
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    text.get(..end)?.parse().ok()
}

/// The number before, with a blank between.
fn trailing(text: &str) -> Option<u64> {
    text.trim_end().rsplit([' ', '\t']).next()?.parse().ok()
}
