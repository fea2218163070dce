//! How much SAs carried, as every product's status shows it.

use std::sync::LazyLock;

use adit_model::fact::{Fact, Known};
use adit_model::traffic::SaTraffic;
use aho_corasick::AhoCorasick;

use super::fact;
use crate::reading::Place;
use crate::text::{Line, split_at_pair};

/// What the lines of one SA have shown so far.
#[derive(Debug, Default)]
pub(crate) struct Carried {
    open: Option<(SaTraffic, Place)>,
    /// The tunnel that a line before named.
    name: Option<String>,
    /// The networks that lines before named, ours and theirs, as Cisco has them above the counters.
    idents: (Option<String>, Option<String>),
}

impl Carried {
    /// The next line.
    pub(super) fn line(
        &mut self,
        line: &Line<'_>,
        place: &dyn Fn() -> Place,
        facts: &mut Vec<Fact>,
    ) {
        if let Some((name, networks)) = networks(line.body) {
            let last = facts.iter_mut().rev().find_map(|f| match &mut f.what {
                Known::Carried { traffic } => Some(traffic),
                _ => None,
            });
            if let Some(traffic) = last.filter(|t| t.name.as_deref() == Some(name)) {
                traffic.networks.get_or_insert(networks);
            }
            return;
        }
        if let Some((ours, net)) = ident(line.body) {
            if ours {
                self.finish(facts);
                self.idents = (Some(net), None);
            } else {
                self.idents.1 = Some(net);
            }
            return;
        }
        let Some(mut part) = part(line.body) else {
            if let Some(name) = named(line.body) {
                self.finish(facts);
                self.name = Some(name.to_owned());
            }
            return;
        };
        if part.name.is_none() && part.spi_in.is_none() && part.spi_out.is_none() {
            part.name.clone_from(&self.name);
        }
        part.networks = self.idents.0.clone().zip(self.idents.1.clone());
        match &mut self.open {
            Some((open, _)) if fits(open, &part) => merge(open, part),
            _ => {
                self.finish(facts);
                self.open = Some((part, place()));
            }
        }
        let whole = |t: &SaTraffic| t.received().is_some() && t.sent().is_some();
        if self.open.as_ref().is_some_and(|(open, _)| whole(open)) {
            self.finish(facts);
        }
    }

    /// What was shown last.
    pub(super) fn finish(&mut self, facts: &mut Vec<Fact>) {
        if let Some((traffic, place)) = self.open.take()
            && (traffic.received().is_some() || traffic.sent().is_some())
        {
            let traffic = Box::new(traffic);
            facts.push(fact(place, Known::Carried { traffic }));
        }
    }
}

/// The line below the counters of `ipsec statusall`: `gw-b{7}:   10.1.0.0/24 === 10.2.0.0/24`.
fn networks(body: &str) -> Option<(&str, (String, String))> {
    let (head, rest) = split_at_pair(body, *b"}:")?;
    let (name, number) = head.trim_start().split_once('{')?;
    let (ours, theirs) = rest.split_once(" === ")?;
    let plain = number.bytes().all(|b| b.is_ascii_digit()) && rest.len() < 512;
    plain.then(|| (name, (ours.trim().to_owned(), theirs.trim().to_owned())))
}

/// `local  ident (addr/mask/prot/port): (10.1.0.0/255.255.255.0/0/0)` of Cisco: whether it is ours, and the network.
fn ident(body: &str) -> Option<(bool, String)> {
    let body = body.trim_start();
    if !body.starts_with(['l', 'r']) {
        return None;
    }
    let (head, rest) = body.split_once("ident (addr/mask/prot/port): (")?;
    let mut parts = rest.split([')', '/']);
    let net = crate::config::value::address_and_mask(parts.next()?, parts.next()?)?;
    match head.trim() {
        "local" => Some((true, net.to_string())),
        "remote" => Some((false, net.to_string())),
        _ => None,
    }
}

/// The tunnel whose counters follow: `name=to-b ver=2 …` of FortiOS, `current_peer 198.51.100.7 port 500` of Cisco.
fn named(body: &str) -> Option<&str> {
    let body = body.trim_start();
    let word = |rest: &str| rest.split_ascii_whitespace().next().map(str::len);
    if let Some(rest) = body
        .strip_prefix("name=")
        .filter(|_| body.contains(" ver="))
    {
        return rest.get(..word(rest)?);
    }
    let rest = body
        .strip_prefix("current_peer")
        .map(|rest| rest.trim_start_matches([':', ' ']))?;
    rest.get(..word(rest)?)
}

/// Whether a part adds to what is open rather than begins another SA.
fn fits(open: &SaTraffic, part: &SaTraffic) -> bool {
    let twice = |a: Option<u64>, b: Option<u64>| a.is_some() && b.is_some();
    !twice(open.received(), part.received()) && !twice(open.sent(), part.sent())
}

fn merge(open: &mut SaTraffic, part: SaTraffic) {
    open.spi_in = open.spi_in.or(part.spi_in);
    open.spi_out = open.spi_out.or(part.spi_out);
    open.packets_in = open.packets_in.or(part.packets_in);
    open.packets_out = open.packets_out.or(part.packets_out);
    open.octets_in = open.octets_in.or(part.octets_in);
    open.octets_out = open.octets_out.or(part.octets_out);
    open.name = open.name.take().or(part.name);
    open.networks = open.networks.take().or(part.networks);
}

/// What a line of the counters has; most lines have none of it, and one search tells.
const MARKS: [&str; 10] = [
    "bytes_i",
    "ESPin=",
    "ESP traffic information: in=",
    "inBytes=",
    "#pkts ",
    "dec:pkts/bytes=",
    "cap packets:",
    "crypted packets:",
    "rx(pkt,err):",
    "Bytes Tx ",
];

static SEARCH: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| AhoCorasick::new(MARKS).ok());

/// What one line shows.
fn part(body: &str) -> Option<SaTraffic> {
    if !SEARCH.as_ref().is_none_or(|s| s.is_match(body)) {
        return swanctl(body).or_else(|| vyatta(body));
    }
    let mut t = SaTraffic::default();
    if let Some(octets) = before(body, "bytes_i") {
        // `840 bytes_i (10 pkts, 3s ago), 0 bytes_o`; `100 bytes_i, 0 bytes_o (0s ago)`.
        t.octets_in = Some(octets);
        t.octets_out = before(body, "bytes_o");
        t.name = body.split_once("{").map(|(name, _)| name.trim().to_owned());
    } else if let Some((_, rest)) = body.split_once("ESPin=") {
        t.octets_in = amount(rest);
        t.octets_out = body.split_once("ESPout=").and_then(|(_, r)| amount(r));
    } else if let Some((_, rest)) = body.split_once("ESP traffic information: in=") {
        t.octets_in = amount(rest);
        t.octets_out = rest.split_once(" out=").and_then(|(_, r)| amount(r));
    } else if let Some((_, rest)) = body.split_once("inBytes=") {
        t.octets_in = amount(rest);
        t.octets_out = body.split_once("outBytes=").and_then(|(_, r)| amount(r));
        t.name = body.split('"').nth(1).map(ToOwned::to_owned);
    } else if let Some(n) = after(body, "#pkts encaps:") {
        t.packets_out = Some(n);
    } else if let Some(n) = after(body, "#pkts decaps:") {
        t.packets_in = Some(n);
    } else if let Some(n) = after(body, "#pkts enc'ed") {
        t.packets_out = Some(n);
    } else if let Some(n) = after(body, "#pkts dec'ed") {
        t.packets_in = Some(n);
    } else if let Some(n) = after(body, "dec:pkts/bytes=") {
        t.packets_in = Some(n);
        t.packets_out = after(body, "enc:pkts/bytes=");
    } else if let Some(n) = after(body, "encap packets:") {
        t.packets_out = Some(n);
    } else if let Some(n) = after(body, "decap packets:") {
        t.packets_in = Some(n);
    } else if let Some(n) = after(body, "Encrypted packets:") {
        t.packets_out = Some(n);
    } else if let Some(n) = after(body, "Decrypted packets:") {
        t.packets_in = Some(n);
    } else if let Some(n) = after(body, "rx(pkt,err):") {
        t.packets_in = Some(n);
        t.packets_out = after(body, "tx(pkt,err):");
    } else if let Some(n) = after(body, "Bytes Tx     :").or_else(|| after(body, "Bytes Tx :")) {
        t.octets_out = Some(n);
        t.octets_in = body
            .split_once("Bytes Rx")
            .and_then(|(_, rest)| leading(rest.trim_start_matches([' ', ':'])));
    } else {
        return swanctl(body).or_else(|| vyatta(body));
    }
    Some(t)
}

/// `in  c1a2b3c4 (-|0x00000002),    840 bytes,    10 packets,     3s ago`.
fn swanctl(body: &str) -> Option<SaTraffic> {
    let body = body.trim_start();
    let (inbound, rest) = match (body.strip_prefix("in "), body.strip_prefix("out ")) {
        (Some(rest), _) => (true, rest),
        (_, Some(rest)) => (false, rest),
        _ => return None,
    };
    let spi: String = rest
        .trim_start()
        .chars()
        .take_while(char::is_ascii_hexdigit)
        .collect();
    let spi = u32::from_str_radix(&spi, 16).ok()?;
    let octets = before(body, "bytes")?;
    let packets = before(body, "packets")?;
    Some(if inbound {
        SaTraffic {
            spi_in: Some(spi),
            packets_in: Some(packets),
            octets_in: Some(octets),
            ..SaTraffic::default()
        }
    } else {
        SaTraffic {
            spi_out: Some(spi),
            packets_out: Some(packets),
            octets_out: Some(octets),
            ..SaTraffic::default()
        }
    })
}

/// A row of `show vpn ipsec sa`: `1  8  up  1.8K/0.0  aes256  sha1 …` of Vyatta (out/in), and
/// `vpn-tunnel-0  up  3m40s  7K/0B  88/0  …` of VyOS (in/out, with packets behind it).
fn vyatta(body: &str) -> Option<SaTraffic> {
    if !body.contains("up") {
        return None;
    }
    let words: Vec<&str> = body.split_ascii_whitespace().collect();
    let up = words.iter().position(|w| *w == "up")?;
    let pairs: Vec<(u64, u64)> = words
        .get(up + 1..)?
        .iter()
        .take(3)
        .filter_map(|w| {
            let (a, b) = w.split_once('/')?;
            Some((amount(a)?, amount(b)?))
        })
        .collect();
    let row = words.get(up + 1)?.contains('/');
    match *pairs.as_slice() {
        [(octets_out, octets_in), ..] if row => Some(SaTraffic {
            octets_out: Some(octets_out),
            octets_in: Some(octets_in),
            ..SaTraffic::default()
        }),
        [(octets_in, octets_out), (packets_in, packets_out)] => Some(SaTraffic {
            name: words.first().map(|w| (*w).to_owned()),
            octets_in: Some(octets_in),
            octets_out: Some(octets_out),
            packets_in: Some(packets_in),
            packets_out: Some(packets_out),
            ..SaTraffic::default()
        }),
        // Before 1.4 without packets: `peer-198.51.100.1-tunnel-1  up  13m  0B/0B  198.51.100.1  …`.
        [(octets_in, octets_out)] if in_units(&words) => Some(SaTraffic {
            name: words.first().map(|w| (*w).to_owned()),
            octets_in: Some(octets_in),
            octets_out: Some(octets_out),
            ..SaTraffic::default()
        }),
        _ => None,
    }
}

/// Whether one of the words is a pair of octets with their units, as `2K/0B`.
fn in_units(words: &[&str]) -> bool {
    let unit = |text: &str| {
        text.starts_with(|c: char| c.is_ascii_digit()) && text.ends_with(['B', 'K', 'M', 'G'])
    };
    words
        .iter()
        .filter_map(|w| w.split_once('/'))
        .any(|(a, b)| unit(a) && unit(b))
}

/// The number before a word.
fn before(body: &str, word: &str) -> Option<u64> {
    let (head, _) = body.split_once(word)?;
    let number = head.trim_end();
    let digits = number.len() - number.bytes().rev().take_while(u8::is_ascii_digit).count();
    number.get(digits..)?.parse().ok()
}

/// The number behind some words.
fn after(body: &str, words: &str) -> Option<u64> {
    let (_, rest) = body.split_once(words)?;
    leading(rest.trim_start_matches([' ', ':']))
}

fn leading(text: &str) -> Option<u64> {
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    text.get(..end)?.parse().ok()
}

/// A number with a unit: `840B`, `2KB`, `1.8K`, `0.0`. Only whether it is 0 counts for more than its size.
fn amount(text: &str) -> Option<u64> {
    let end = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let number: f64 = text.get(..end)?.parse().ok()?;
    let scale = match text.get(end..)?.bytes().next() {
        Some(b'K' | b'k') => 1e3,
        Some(b'M') => 1e6,
        Some(b'G') => 1e9,
        Some(b'T') => 1e12,
        _ => 1.0,
    };
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let octets = (number * scale) as u64;
    Some(if number > 0.0 { octets.max(1) } else { 0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_directions_are_read_from_every_products_status() {
        let one = |body: &str| {
            let t = part(body);
            t.map(|t| (t.received(), t.sent()))
        };
        assert_eq!(
            one("gw-b{7}:  AES_GCM_16_128, 840 bytes_i (10 pkts, 3s ago), 0 bytes_o"),
            Some((Some(840), Some(0)))
        );
        assert_eq!(
            one("#2: \"gw-b\" esp.c1@198.51.100.1 Traffic: ESPin=840B ESPout=0B ESPmax=2^63B"),
            Some((Some(840), Some(0)))
        );
        assert_eq!(
            one("out cd5e6f70 (-|0x00000002),      0 bytes,     0 packets"),
            Some((None, Some(0)))
        );
        assert_eq!(
            one("1       8       up     1.8K/0.0       aes256  sha1"),
            Some((Some(0), Some(1800)))
        );
        assert_eq!(
            one("peer-b-tunnel-0  up  3m40s  7K/0B  88/0  198.51.100.1  N/A"),
            Some((Some(88), Some(0)))
        );
        assert_eq!(
            one("peer-b-tunnel-1  up  26 seconds  7K/0B  198.51.100.1  N/A"),
            Some((Some(7000), Some(0)))
        );
        assert_eq!(one("the link is up and 1/2 of it is used"), None);
    }
}
