//! The kernel's IPsec: `ip xfrm state`, `ip xfrm policy`, `ip xfrm monitor`, with and without `-s`.
//!
//! Entries are read word by word, so that neither indentation nor line breaks need to have survived.

use adit_model::fact::{Fact, Known};
use adit_model::host::{HostState, KernelPolicy, KernelSa, Listing, Template};
use adit_model::sign::Sign;
use adit_model::traffic::SaTraffic;

use super::{command, fact, sign};
use crate::reading::Place;
use crate::text::Line;

/// So many entries of a kind are kept.
const KEPT: usize = 256;

/// The kernel applies so many transformations to a packet at most (XFRM_MAX_DEPTH).
const DEPTH: usize = 6;
/// The selector's protocol and ports take no more characters.
const PORTS: usize = 64;

/// What is being read.
#[derive(Debug, Default)]
enum Entry {
    #[default]
    None,
    /// Both addresses are known, and not yet whose they are.
    Head(String, String, String),
    Sa(KernelSa),
    Policy(KernelPolicy),
}

/// Follows a listing.
#[derive(Debug, Default)]
pub(crate) struct Xfrm {
    entry: Entry,
    place: Option<Place>,
    /// What a monitor says is gone or over.
    over: bool,
    sas: Vec<(KernelSa, Place)>,
    policies: Vec<(KernelPolicy, Place)>,
    /// The list that was asked for, how many entries it has so far, and where.
    asked: Option<(Listing, u32, Place)>,
}

impl Xfrm {
    /// The next line.
    pub(super) fn line(
        &mut self,
        line: &Line<'_>,
        place: &dyn Fn() -> Place,
        facts: &mut Vec<Fact>,
    ) {
        let body = line.body.trim();
        if let Some(typed) = command(body) {
            self.close(facts);
            self.listed(facts);
            if let Some(what) = asks(typed) {
                self.asked = Some((what, 0, place()));
            }
            return;
        }
        let begins = ["src ", "Updated src ", "Deleted src ", "Expired src "]
            .iter()
            .any(|head| body.starts_with(head));
        if begins {
            self.close(facts);
            self.over = body.starts_with('D') || body.starts_with('E');
            self.place = Some(place());
            self.words(body);
        } else if body.starts_with("acquire proto ") {
            self.close(facts);
            facts.push(sign(place(), Sign::TrafficWaits, &[]));
        } else if !matches!(self.entry, Entry::None) && !body.is_empty() {
            if continues(body) {
                self.words(body);
            } else {
                self.close(facts);
                self.listed(facts);
            }
        } else if self.asked.as_ref().is_some_and(|(_, n, _)| *n == 0) && !body.is_empty() {
            // Something else than the list that was asked for.
            self.asked = None;
        }
    }

    /// What was read last, and how much the SAs carried, where no other listing tells.
    pub(super) fn finish(&mut self, facts: &mut Vec<Fact>) {
        self.close(facts);
        let told = facts
            .iter()
            .any(|f| matches!(f.what, Known::Carried { .. }));
        if !told {
            self.carried(facts);
        }
    }

    fn words(&mut self, body: &str) {
        let mut words = body.split_ascii_whitespace().peekable();
        while let Some(word) = words.next() {
            match (&mut self.entry, word) {
                (_, "sel") => return,
                (Entry::Policy(policy), "tmpl") if policy.templates.len() >= DEPTH => {
                    self.drop();
                    return;
                }
                (Entry::Policy(policy), "tmpl") => policy.templates.push(Template::default()),
                (Entry::Policy(policy), "src") => {
                    if let Some(template) = policy.templates.last_mut() {
                        template.from = value(&mut words);
                    }
                }
                (Entry::Policy(policy), "dst") => {
                    if let Some(template) = policy.templates.last_mut() {
                        template.to = value(&mut words);
                    }
                }
                (Entry::None, "src") => {
                    self.entry = Entry::Head(value(&mut words), String::new(), String::new());
                }
                (Entry::Head(_, to, _), "dst") => *to = value(&mut words),
                (Entry::Head(from, to, _), "proto")
                    if matches!(words.peek(), Some(&("esp" | "ah" | "comp"))) =>
                {
                    self.entry = Entry::Sa(KernelSa {
                        from: core::mem::take(from),
                        to: core::mem::take(to),
                        ..KernelSa::default()
                    });
                }
                (Entry::Head(from, to, ports), "dir") => {
                    self.entry = Entry::Policy(KernelPolicy {
                        from: core::mem::take(from),
                        to: core::mem::take(to),
                        device: device(ports),
                        ports: core::mem::take(ports),
                        direction: value(&mut words),
                        ..KernelPolicy::default()
                    });
                }
                (Entry::Head(..), "socket") => {
                    self.entry = Entry::None;
                    return;
                }
                (Entry::Head(_, _, ports), "uid") => {
                    words.next();
                    ports.clear();
                }
                // An SA whose protocol isn't named.
                (Entry::Head(from, to, _), "spi") => {
                    self.entry = Entry::Sa(KernelSa {
                        from: core::mem::take(from),
                        to: core::mem::take(to),
                        spi: words.next().and_then(number).unwrap_or_default(),
                        ..KernelSa::default()
                    });
                }
                // An SA without its own line: what follows are keys.
                (Entry::Head(..), "enc" | "auth" | "auth-trunc" | "aead" | "comp") => {
                    self.drop();
                    return;
                }
                (
                    Entry::Head(_, _, ports),
                    "proto" | "sport" | "dport" | "type" | "code" | "key" | "dev",
                ) => {
                    let value = words.next().unwrap_or_default();
                    if ports.len() + word.len() + value.len() + 2 <= PORTS {
                        if !ports.is_empty() {
                            ports.push(' ');
                        }
                        ports.push_str(word);
                        ports.push(' ');
                        ports.push_str(value);
                    }
                }
                (Entry::Head(..), _) => {}
                (Entry::Sa(sa), word) => self::sa(sa, word, &mut words),
                (Entry::Policy(policy), word) => self::policy(policy, word, &mut words),
                (Entry::None, _) => {}
            }
        }
    }

    /// What is open isn't what it seemed.
    fn drop(&mut self) {
        self.entry = Entry::None;
        self.place = None;
    }

    fn close(&mut self, facts: &mut Vec<Fact>) {
        let entry = core::mem::take(&mut self.entry);
        let Some(place) = self.place.take().filter(|_| !self.over) else {
            return;
        };
        match entry {
            Entry::Sa(sa) => {
                self.count(Listing::Sas);
                if sa.spi == 0 {
                    let ends = [
                        ("source", sa.from.as_str()),
                        ("destination", sa.to.as_str()),
                    ];
                    facts.push(sign(place, Sign::TrafficWaits, &ends));
                } else if self.sas.len() < KEPT {
                    let state = Box::new(HostState::Sa(sa.clone()));
                    facts.push(fact(place.clone(), Known::Host { state }));
                    self.sas.push((sa, place));
                }
            }
            Entry::Policy(policy) => {
                self.count(Listing::Policies);
                if self.policies.len() < KEPT {
                    let state = Box::new(HostState::Policy(policy.clone()));
                    facts.push(fact(place.clone(), Known::Host { state }));
                    self.policies.push((policy, place));
                }
            }
            // `socket` policies belong to a list, and carry nothing.
            Entry::None => self.count(Listing::Policies),
            Entry::Head(..) => {}
        }
    }

    fn count(&mut self, what: Listing) {
        if let Some((asked, entries, _)) = &mut self.asked
            && *asked == what
        {
            *entries += 1;
        }
    }

    /// What was asked for has been shown to its end.
    fn listed(&mut self, facts: &mut Vec<Fact>) {
        if let Some((what, entries, place)) = self.asked.take() {
            let state = Box::new(HostState::Listed { what, entries });
            facts.push(fact(place, Known::Host { state }));
        }
    }

    /// Which way an SA goes is told by the kernel, or by the policies that go out.
    fn carried(&self, facts: &mut Vec<Fact>) {
        let ours: Vec<&str> = self
            .policies
            .iter()
            .filter(|(p, _)| p.direction == "out")
            .flat_map(|(p, _)| p.templates.iter().map(|t| t.from.as_str()))
            .collect();
        for (sa, place) in &self.sas {
            let Some((octets, packets)) = sa.carried else {
                continue;
            };
            let out = match sa.direction.as_deref() {
                Some("out") => true,
                Some("in") => false,
                _ if ours.contains(&sa.from.as_str()) => true,
                _ if ours.contains(&sa.to.as_str()) => false,
                _ => continue,
            };
            let traffic = Box::new(if out {
                SaTraffic {
                    spi_out: Some(sa.spi),
                    packets_out: Some(packets),
                    octets_out: Some(octets),
                    ..SaTraffic::default()
                }
            } else {
                SaTraffic {
                    spi_in: Some(sa.spi),
                    packets_in: Some(packets),
                    octets_in: Some(octets),
                    ..SaTraffic::default()
                }
            });
            facts.push(fact(place.clone(), Known::Carried { traffic }));
        }
    }
}

/// The list that a command asks for as a whole.
fn asks(typed: &str) -> Option<Listing> {
    if typed.contains('|') {
        return None;
    }
    let mut words = typed
        .split_ascii_whitespace()
        .filter(|w| !w.starts_with('-'));
    words.find(|w| *w == "ip" || w.ends_with("/ip"))?;
    let object = words.next()?;
    if !matches!(object, "x" | "xf" | "xfr" | "xfrm") {
        return None;
    }
    let what = words.next()?;
    let mut words = words.filter(|w| !matches!(*w, "nokeys" | "nosock"));
    let whole = words.next().is_none_or(|w| {
        matches!(w, "list" | "ls" | "l" | "show" | "sh" | "s" | "lst") && words.next().is_none()
    });
    match what {
        _ if !whole => None,
        w if "state".starts_with(w) || w == "sa" => Some(Listing::Sas),
        w if "policy".starts_with(w) => Some(Listing::Policies),
        _ => None,
    }
}

/// Takes the device out of what a selector names beside its networks: `sport 16381 dev vrf-1`.
fn device(ports: &mut String) -> Option<String> {
    let words: Vec<&str> = ports.split(' ').collect();
    let at = words.iter().position(|w| *w == "dev")?;
    let name = words.get(at + 1).map(|name| (*name).to_owned());
    let rest: Vec<&str> = words
        .iter()
        .enumerate()
        .filter(|(n, _)| *n != at && *n != at + 1)
        .map(|(_, w)| *w)
        .collect();
    *ports = rest.join(" ");
    name
}

fn value<'t>(words: &mut core::iter::Peekable<impl Iterator<Item = &'t str>>) -> String {
    // An address that was removed leaves nothing between two words.
    words
        .next_if(|w| !matches!(*w, "dst" | "src" | "proto" | "dir"))
        .unwrap_or_default()
        .to_owned()
}

fn sa<'t>(
    sa: &mut KernelSa,
    word: &str,
    words: &mut core::iter::Peekable<impl Iterator<Item = &'t str>>,
) {
    match word {
        "spi" => sa.spi = words.next().and_then(number).unwrap_or_default(),
        "reqid" => sa.reqid = words.next().and_then(number),
        "mode" => sa.mode = value(words),
        "replay-window" if sa.window.is_none() => sa.window = words.next().and_then(number),
        "replay_window" => sa.window = words.next().and_then(number),
        "mark" => sa.mark = words.next().map(ToOwned::to_owned),
        "if_id" => sa.if_id = words.next().and_then(number),
        "encap" => sa.in_udp = true,
        // `use -` for one that wasn't yet.
        "lastused" | "use" => {
            sa.used |= words
                .peek()
                .is_some_and(|w| w.starts_with(|c: char| c.is_ascii_digit()));
        }
        "dir" => sa.direction = words.next().map(ToOwned::to_owned),
        _ => {
            if let Some(octets) = word.strip_suffix("(bytes),")
                && let Some(packets) = words.next().and_then(|w| w.strip_suffix("(packets)"))
            {
                sa.carried = octets.parse().ok().zip(packets.parse().ok());
            }
        }
    }
}

fn policy<'t>(
    policy: &mut KernelPolicy,
    word: &str,
    words: &mut core::iter::Peekable<impl Iterator<Item = &'t str>>,
) {
    match word {
        "priority" => policy.priority = words.next().and_then(number).unwrap_or_default(),
        "action" => policy.blocks = words.next() == Some("block"),
        "mark" => policy.mark = words.next().map(ToOwned::to_owned),
        "if_id" => policy.if_id = words.next().and_then(number),
        "reqid" => {
            if let Some(template) = policy.templates.last_mut() {
                template.reqid = words.next().and_then(number).unwrap_or_default();
            }
        }
        "mode" => {
            if let Some(template) = policy.templates.last_mut() {
                template.mode = value(words);
            }
        }
        _ => {}
    }
}

/// `0xc1a2b3c4`, `0xc1a2b3c4(3248665540)`, `16385`, `0×20` of web pages.
fn number(word: &str) -> Option<u32> {
    let word = word.split('(').next()?;
    match word.strip_prefix("0x").or_else(|| word.strip_prefix("0×")) {
        Some(hex) => u32::from_str_radix(hex, 16).ok(),
        None => word.parse().ok(),
    }
}

/// Whether a line belongs to the entry that is open.
fn continues(body: &str) -> bool {
    const FIRST: [&str; 34] = [
        "proto",
        "replay-window",
        "replay_window",
        "auth",
        "auth-trunc",
        "enc",
        "aead",
        "comp",
        "encap",
        "lastused",
        "anti-replay",
        "seq",
        "seq-hi",
        "if_id",
        "dir",
        "mark",
        "output-mark",
        "security",
        "sel",
        "tmpl",
        "lifetime",
        "limit:",
        "expire",
        "add",
        "use",
        "stats:",
        "level",
        "enc-mask",
        "crypto",
        "socket",
        "action",
        "coa",
        "uid",
        "hard",
    ];
    let first = body.split_ascii_whitespace().next().unwrap_or_default();
    FIRST.contains(&first)
        || first.ends_with("(bytes),")
        || first.len() == 8 && first.bytes().all(|b| b.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::reading::read;
    use adit_model::fact::Side;
    use adit_model::now::Wall;

    fn states(text: &str) -> Vec<HostState> {
        read("x", Side::Local, text.as_bytes(), Wall(1_795_241_400_000))
            .facts
            .into_iter()
            .filter_map(|f| match f.what {
                Known::Host { state } => Some(*state),
                _ => None,
            })
            .collect()
    }

    #[test]
    fn an_sa_that_was_used_says_so() {
        for (line, used) in [
            ("lastused 2024-03-02 11:20:08", true),
            ("add 2024-03-02 11:00:00 use 2024-03-02 11:20:08", true),
            ("add 2024-03-02 11:00:00 use -", false),
            ("expire use: soft 0(sec), hard 0(sec)", false),
        ] {
            let text = format!(
                "src 192.0.2.1 dst 198.51.100.7\n\tproto esp spi 0xc1a2b3c4 reqid 1 mode transport\n\t{line}\n"
            );
            assert!(
                matches!(states(&text).as_slice(), [HostState::Sa(sa)] if sa.used == used),
                "{line}"
            );
        }
    }

    #[test]
    fn keys_never_become_the_ports_of_a_policy() {
        for text in [
            "src 192.0.2.1 dst 198.51.100.7\n\tenc cbc(aes) 0x00112233445566778899aabbccddeeff\n\tdir out\n",
            "src 192.0.2.1 dst 198.51.100.7\n\tproto 50 spi 0xc1a2b3c4 reqid 1 mode tunnel\n\tenc cbc(aes) 0x00112233445566778899aabbccddeeff\n\tdir out\n",
        ] {
            let told = format!("{:?}", states(text));
            assert!(
                !told.contains("00112233") && !told.contains("Policy"),
                "{told}"
            );
        }
    }

    #[test]
    fn a_policy_has_no_more_templates_than_the_kernel_applies() {
        let text = format!(
            "src 10.1.0.0/24 dst 10.2.0.0/24 proto tcp dport 80\n\tdir out priority 1\n{}src 10.1.0.0/24 dst 10.3.0.0/24\n\tdir out priority 2\n\ttmpl src 192.0.2.1 dst 198.51.100.7\n",
            "\ttmpl src 192.0.2.1 dst 198.51.100.7\n\t\tproto esp reqid 1 mode tunnel\n"
                .repeat(1000)
        );
        let all = states(&text);
        assert_eq!(all.len(), 1, "{all:?}");
        assert!(matches!(all.first().unwrap(), HostState::Policy(p) if p.templates.len() == 1));
    }

    #[test]
    fn rows_of_a_daemons_status_push_no_sa_of_the_kernel_out() {
        let rows = "000 #1: \"to-b\":500 STATE_MAIN_I4 (ISAKMP SA established); EVENT_SA_REPLACE in 2541s; newest ISAKMP; nodpd; idle;\n".repeat(300);
        let text = format!(
            "src 192.0.2.1 dst 198.51.100.7\n\tproto esp spi 0xc1a2b3c4 reqid 1 mode tunnel\n\n{rows}"
        );
        assert!(matches!(states(&text).as_slice(), [HostState::Sa(_)]));
    }
}
