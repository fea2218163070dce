//! The tracer of packets that illumos' IPsec drops, block by block.

use adit_model::fact::Fact;
use adit_model::sign::Sign;

use super::sign;
use crate::reading::Place;
use crate::text::Line;

/// `IPsec dropped an inbound IPv4 packet.`, then a line for each value, last `Dropped by: …`.
#[derive(Debug, Default)]
pub(crate) struct IpDrop {
    block: Option<Block>,
    told: usize,
}

#[derive(Debug)]
struct Block {
    inbound: bool,
    source: String,
    destination: String,
}

/// So many blocks are told.
const MOST: usize = 64;

impl IpDrop {
    /// The next line.
    pub(super) fn line(
        &mut self,
        line: &Line<'_>,
        place: &dyn Fn() -> Place,
        facts: &mut Vec<Fact>,
    ) {
        let body = line.body.trim();
        if let Some(rest) = body.strip_prefix("IPsec dropped an ") {
            self.block = Some(Block {
                inbound: rest.starts_with("inbound"),
                source: String::new(),
                destination: String::new(),
            });
            return;
        }
        let Some(block) = &mut self.block else {
            return;
        };
        let Some((name, value)) = body.split_once(':') else {
            return;
        };
        let value = value.trim();
        match name {
            "Src IP address" => value.clone_into(&mut block.source),
            "Dst IP address" => value.clone_into(&mut block.destination),
            "Dropped by" if self.told < MOST => {
                self.told += 1;
                let (source, destination) = (block.source.as_str(), block.destination.as_str());
                let direction = if block.inbound { "inbound" } else { "outbound" };
                let values = [
                    ("peer", source),
                    ("source", source),
                    ("destination", destination),
                    ("by", value),
                    ("direction", direction),
                ];
                facts.push(sign(place(), reason(value, block.inbound), &values));
                self.block = None;
            }
            _ => {}
        }
    }
}

/// What the name of a dropper or of its counter means (`ip_drop_init` names the counters).
fn reason(by: &str, inbound: bool) -> Sign {
    let by = by.to_ascii_lowercase();
    let has = |words: &[&str]| words.iter().any(|w| by.contains(w));
    if has(&["esp_no_sa", "ah_no_sa"]) {
        Sign::SpiUnknown
    } else if has(&["replay"]) {
        Sign::EspReplayed
    } else if has(&["bad_auth", "bad_padding", "bad_padlen"]) {
        Sign::EspIntegrityFailed
    } else if has(&[
        "spd_got",
        "spd_bad",
        "spd_no_policy",
        "innermismatch",
        "badid",
    ]) && inbound
    {
        Sign::InboundPolicyRefused
    } else if has(&["acquire_timeout", "inlarval_timeout", "acquire_toofull"]) {
        Sign::TrafficWaits
    } else if has(&["bytes_expire"]) {
        Sign::SaExpired
    } else {
        Sign::IpsecDropped
    }
}
