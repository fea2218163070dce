//! Lists of rules: iptables in both forms, nftables, ufw, firewalld.
//!
//! Conclusions are drawn only from a list that is whole and plain: as soon as another chain decides, or a rule lets
//! everything in, nothing is said.

use adit_model::sign::Sign;

use super::super::command;
use super::Told;
use super::forward::Forward;
use crate::reading::Place;

/// Where the next lines belong.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Chain {
    #[default]
    None,
    Input,
    Postrouting,
    Other,
}

/// How a list is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Style {
    Table,
    Commands,
    Nft,
    Ufw,
    Firewalld,
}

/// What the rules for the host itself let in.
#[derive(Debug)]
struct Input {
    place: Place,
    /// What no rule takes is dropped.
    closed: bool,
    /// Another chain, or a rule for everything, may let IKE in.
    open_elsewhere: bool,
    ike: bool,
    nat_t: bool,
    /// ESP is let in, or what IPsec has opened.
    esp: bool,
    /// The ports by which the nodes of Docker Swarm find each other, and that of its overlays.
    swarm: [bool; 2],
    /// Answers to what this host sent are let in.
    answers: bool,
    /// Whoever pasted it says that it is the side that is asked.
    responder: bool,
    /// Packets that rules for UDP 500 counted, those for UDP 4500 alone, and all others; `None` where none is counted.
    counted: (Option<u64>, Option<u64>, u64),
    rules: u32,
    /// The list is iptables' or nftables' own, where ESP would be named.
    plain: bool,
}

/// Follows lists of rules.
#[derive(Debug, Default)]
pub(super) struct Rules {
    chain: Chain,
    style: Option<Style>,
    input: Option<Input>,
    forward: Forward,
    active: bool,
    /// What stands before a rule of `iptables-save -c`.
    count: Option<u64>,
    /// The last sentence before the list is about the side that is asked.
    responder: bool,
}

impl Rules {
    /// The next line, which may tell something by itself.
    pub(super) fn line(&mut self, body: &str, place: &dyn Fn() -> Place) -> Option<Told> {
        let (count, body) = counted(body);
        self.count = count;
        if let Some(responder) = about(body) {
            self.responder = responder;
        }
        // What somebody typed behind a table ends it.
        if self.style == Some(Style::Table) && command(body).is_some() {
            self.chain = Chain::None;
            self.forward.inside = false;
        }
        self.forward.heading(body, place);
        if self.heading(body, place) {
            return None;
        }
        if let Some(told) = self.style.and_then(|style| size(style, body)) {
            return Some(told);
        }
        match self.style? {
            Style::Table if self.forward.inside && is_rule(Style::Table, body) => {
                self.forward.rule(body);
            }
            Style::Commands if body.starts_with("-A FORWARD ") => self.forward.rule(body),
            Style::Nft if self.forward.inside && is_rule(Style::Nft, body) => {
                self.forward.nft_rule(body);
            }
            _ => {}
        }
        match (self.style?, self.chain) {
            (Style::Ufw, _) => self.ufw(body),
            (Style::Firewalld, _) => self.firewalld(body),
            (style, Chain::Input) if is_rule(style, body) => self.input_rule(style, body),
            (style, Chain::Postrouting) if is_rule(style, body) => return translation(body),
            (Style::Commands, _) if body.starts_with("-A ") || body.starts_with("-P ") => {
                return self.command(body, place);
            }
            _ => {}
        }
        None
    }

    /// What the lists say as a whole.
    pub(super) fn finish(self) -> impl Iterator<Item = (Told, Place)> {
        let input = self.input.and_then(Input::finish);
        input.into_iter().chain(self.forward.finish())
    }

    /// Lines that begin a list or a chain.
    fn heading(&mut self, body: &str, place: &dyn Fn() -> Place) -> bool {
        if let Some(rest) = body.strip_prefix("Chain ") {
            let name = rest.split(' ').next().unwrap_or("");
            self.style = Some(Style::Table);
            self.chain = chain(name);
            if self.chain == Chain::Input {
                self.begin(
                    place(),
                    rest.contains("policy DROP") || rest.contains("policy REJECT"),
                );
            }
            return true;
        }
        if let Some(rest) = body.strip_prefix(':')
            && let Some((name, rest)) = rest.split_once(' ')
            && rest.ends_with(']')
        {
            self.style = Some(Style::Commands);
            if name == "INPUT" {
                self.begin(place(), rest.starts_with("DROP"));
            }
            self.chain = Chain::Other;
            return true;
        }
        if matches!(body, "*filter" | "*nat" | "*mangle" | "*raw") {
            self.style = Some(Style::Commands);
            self.chain = Chain::Other;
            return true;
        }
        // One rule that somebody shows by itself.
        if self.style.is_none() && body.starts_with("-A ") && body.contains(" -j ") {
            self.style = Some(Style::Commands);
        }
        // `iptables -S` begins with the policies of chains.
        if body.starts_with("-P ") && body.split_ascii_whitespace().count() == 3 {
            self.style = Some(Style::Commands);
            self.chain = Chain::Other;
        }
        if self.style != Some(Style::Nft)
            && body.ends_with('{')
            && ["table ip ", "table inet ", "table ip6 "]
                .iter()
                .any(|t| body.starts_with(t))
        {
            self.style = Some(Style::Nft);
            self.chain = Chain::None;
            return true;
        }
        if self.style == Some(Style::Nft) {
            return self.nft_heading(body, place);
        }
        if body == "Status: active" {
            self.style = Some(Style::Ufw);
            self.active = false;
            self.begin(place(), true);
            return true;
        }
        if body.ends_with("(active)") && !body.contains(' ')
            || body.ends_with(" (active)") && body.split(' ').count() == 2
        {
            self.style = Some(Style::Firewalld);
            self.begin(place(), true);
            return true;
        }
        false
    }

    fn nft_heading(&mut self, body: &str, place: &dyn Fn() -> Place) -> bool {
        if let Some(name) = body
            .strip_prefix("chain ")
            .and_then(|b| b.strip_suffix('{'))
        {
            self.chain = chain(name.trim());
            // What comes in is known by its hook.
            if self.chain == Chain::Input {
                self.chain = Chain::Other;
            }
            return true;
        }
        if body.starts_with("type ") && body.contains("hook ") {
            self.forward.nft(body, place);
            self.chain = if body.contains("hook input") {
                self.begin(place(), body.contains("policy drop"));
                Chain::Input
            } else if body.contains("hook postrouting") && body.contains("type nat") {
                Chain::Postrouting
            } else {
                Chain::Other
            };
            return true;
        }
        if body == "}" {
            self.forward.inside = false;
        }
        body == "}" || (body.starts_with("table ") && body.ends_with('{'))
    }

    fn begin(&mut self, place: Place, closed: bool) {
        self.input.get_or_insert(Input {
            place,
            closed,
            open_elsewhere: false,
            ike: false,
            nat_t: false,
            esp: false,
            swarm: [false; 2],
            answers: false,
            responder: self.responder,
            counted: (None, None, 0),
            rules: 0,
            plain: matches!(
                self.style,
                Some(Style::Table | Style::Commands | Style::Nft)
            ),
        });
    }

    fn command(&mut self, body: &str, place: &dyn Fn() -> Place) -> Option<Told> {
        let mut words = body.split_ascii_whitespace().skip(1);
        let name = words.next()?;
        if body.starts_with("-P ") {
            if name == "INPUT" {
                self.begin(place(), words.next() == Some("DROP"));
            }
            return None;
        }
        match chain(name) {
            Chain::Input => {
                self.begin(place(), false);
                self.input_rule(Style::Commands, body);
                None
            }
            Chain::Postrouting => translation(body),
            _ => None,
        }
    }

    /// A rule for what comes to the host.
    fn input_rule(&mut self, style: Style, body: &str) {
        let Some(input) = self.input.as_mut() else {
            return;
        };
        input.rules += 1;
        let lower = body.to_ascii_lowercase();
        let accepts = has_word(&lower, "accept");
        let drops = has_word(&lower, "drop") || has_word(&lower, "reject");
        if !accepts && !drops {
            let says = ["log", "return", "counter", "target"]
                .iter()
                .any(|w| has_word(&lower, w));
            input.open_elsewhere |= !says;
            return;
        }
        let plain = [
            "dpt", "dport", "state", "policy", "icmp", "tcp", "-i ", "iif", "-s ", "saddr",
        ]
        .iter()
        .all(|w| !lower.contains(w));
        let udp_or_all = !has_word(&lower, "tcp") && !lower.contains("icmp");
        if drops {
            // The last rule drops what the others didn't take.
            let everybody = style != Style::Table || !names_host(&lower);
            input.closed |= plain && everybody && udp_or_all && !has_word(&lower, "udp");
            return;
        }
        if let Some(count) = self.count.or_else(|| count(style, body)) {
            let udp = has_word(&lower, "udp");
            let (ike, nat_t, others) = &mut input.counted;
            let sum = if udp && names_port(&lower, 500, &["isakmp"]) {
                ike.get_or_insert(0)
            } else if udp && names_port(&lower, 4500, &["ipsec-nat-t"]) {
                nat_t.get_or_insert(0)
            } else {
                others
            };
            *sum = sum.saturating_add(count);
        }
        input.answers |= lower.contains("established");
        input.esp |= has_word(&lower, "esp")
            || has_word(&lower, "50")
            || lower.contains("ipsec") && !lower.contains("ipsec-nat-t");
        let all_from = lower.contains("-s ") || lower.contains("saddr");
        input.ike |= names_port(&lower, 500, &["isakmp"]) && udp_or_all;
        input.nat_t |= names_port(&lower, 4500, &["ipsec-nat-t", "ipsec-msft"]) && udp_or_all;
        input.overlay(&lower);
        let named = lower.contains("dpt")
            || lower.contains("dport")
            || lower.contains("state")
            || lower.contains("icmp");
        // A table without counters doesn't show interfaces: a rule for everything may be that for `lo`.
        let everything = udp_or_all
            && !named
            && !lower.contains("iif")
            && !lower.contains("-i lo")
            && !has_word(&lower, "esp")
            && !has_word(&lower, "ah");
        input.open_elsewhere |= everything && (style != Style::Table || all_from || plain);
    }

    fn ufw(&mut self, body: &str) {
        if body.starts_with("To ") && body.contains("Action") {
            self.active = true;
            return;
        }
        if !self.active || !body.contains("ALLOW") && !body.contains("LIMIT") {
            return;
        }
        let lower = body.to_ascii_lowercase();
        if let Some(input) = self.input.as_mut() {
            input.rules += 1;
            input.ike |= names_port(&lower, 500, &["isakmp", "ipsec"]);
            input.nat_t |= names_port(&lower, 4500, &["ipsec"]);
            input.overlay(&lower);
            input.open_elsewhere |= lower.starts_with("anywhere");
        }
    }

    fn firewalld(&mut self, body: &str) {
        let lower = body.to_ascii_lowercase();
        let Some(input) = self.input.as_mut() else {
            return;
        };
        if let Some(services) = lower.strip_prefix("services:") {
            input.rules += 1;
            let ipsec = has_word(services, "ipsec");
            input.ike |= ipsec;
            input.nat_t |= ipsec;
        } else if lower.starts_with("ports:") || lower.starts_with("rule ") {
            input.ike |= names_port(&lower, 500, &["ipsec"]);
            input.nat_t |= names_port(&lower, 4500, &["ipsec"]);
            input.overlay(&lower);
            input.esp |= has_word(&lower, "esp");
        } else if lower.starts_with("protocols:") {
            input.esp |= has_word(&lower, "esp");
        } else if let Some(target) = lower.strip_prefix("target:") {
            input.open_elsewhere |= target.trim() == "accept";
        }
    }
}

impl Input {
    /// A rule may be for the nodes of Docker Swarm.
    fn overlay(&mut self, rule: &str) {
        let [found, carried] = &mut self.swarm;
        *found |= names_port(rule, 7946, &[]);
        *carried |= names_port(rule, 4789, &["vxlan"]);
    }

    fn finish(self) -> Option<(Told, Place)> {
        let input = self;
        let unused = match input.counted {
            (Some(0), _, 1_000..) => Some("500"),
            (Some(1..), Some(0), _) => Some("4500"),
            _ => None,
        };
        // A port that nobody uses says nothing where ESP isn't let in: it may be the one that is used.
        let no_esp = input.closed
            && !input.open_elsewhere
            && input.ike
            && input.nat_t
            && !input.esp
            && input.plain;
        if no_esp && unused == Some("4500") {
            return Some(((Sign::EspNotPermitted, Vec::new()), input.place));
        }
        if let Some(port) = unused {
            let mut values = vec![("port", port.to_owned()), ("counted", "yes".to_owned())];
            if input.responder {
                values.push(("whose", "responder".to_owned()));
            }
            return Some(((Sign::IkeNeverArrives, values), input.place));
        }
        if !input.closed || input.open_elsewhere || input.rules == 0 {
            return None;
        }
        if input.ike && input.nat_t {
            let told = (Sign::EspNotPermitted, Vec::new());
            return no_esp.then_some((told, input.place));
        }
        // Swarm hands the keys of its overlays out itself: its nodes need ESP and no IKE.
        if input.swarm == [true; 2] && !input.ike && !input.nat_t {
            let values = vec![("keys", "swarm".to_owned())];
            return (!input.esp).then_some(((Sign::EspNotPermitted, values), input.place));
        }
        let port = if input.ike { "4500" } else { "500" };
        let mut values = vec![("port", port.to_owned())];
        if input.answers {
            values.push(("answers", "yes".to_owned()));
        }
        Some(((Sign::PortNotPermitted, values), input.place))
    }
}

/// Whether a rule of a table is for some hosts only.
fn names_host(rule: &str) -> bool {
    rule.split_ascii_whitespace()
        .map(|word| word.trim_start_matches('!'))
        .filter(|word| !matches!(*word, "0.0.0.0/0" | "::/0"))
        .any(|word| {
            let address = word.split_once('/').map_or(word, |(address, _)| address);
            address.parse::<core::net::IpAddr>().is_ok()
        })
}

/// Whether a sentence between two outputs says that what follows is of the side that is asked; `None` for what isn't one.
fn about(body: &str) -> Option<bool> {
    const ASKED: [&str; 9] = [
        "server",
        "responder",
        "peer",
        "remote",
        "hub",
        "headquarters",
        "hq",
        "other",
        "concentrator",
    ];
    const ASKS: [&str; 7] = [
        "client",
        "initiator",
        "laptop",
        "phone",
        "branch",
        "spoke",
        "roadwarrior",
    ];
    let prose = body.contains(' ')
        && body.chars().all(|c| {
            c.is_alphabetic() || matches!(c, ' ' | ',' | '.' | ':' | ';' | '\'' | '-' | '(' | ')')
        });
    let lower = body.to_ascii_lowercase();
    let one_of = |words: &[&str]| words.iter().any(|w| has_word(&lower, w));
    prose.then(|| one_of(&ASKED) && !one_of(&ASKS))
}

fn chain(name: &str) -> Chain {
    // Orchestrators mark what their chains are for; what isn't marked passes them by.
    const MARKED: [&str; 5] = ["KUBE", "cali", "CILIUM", "FLANNEL", "DOCKER"];
    match name {
        "INPUT" => Chain::Input,
        "POSTROUTING" => Chain::Postrouting,
        _ if MARKED.iter().any(|m| name.starts_with(m)) => Chain::Other,
        // Zones and scripts have chains of their own for what leaves: `zone_wan_postrouting`, `srcnat_wan`.
        _ if name.to_ascii_lowercase().contains("postrouting") || name.starts_with("srcnat") => {
            Chain::Postrouting
        }
        _ => Chain::Other,
    }
}

/// `[12:840] -A INPUT …` of `iptables-save -c`: the packets, and the rule.
fn counted(body: &str) -> (Option<u64>, &str) {
    let split = || {
        let (head, rule) = body.strip_prefix('[')?.split_once("] ")?;
        let (packets, octets) = head.split_once(':')?;
        octets.parse::<u64>().ok()?;
        rule.starts_with("-A ")
            .then_some((packets.parse::<u64>().ok()?, rule))
    };
    split().map_or((None, body), |(count, rule)| (Some(count), rule))
}

/// How many packets a rule counted: the first column of `iptables -vL`, `counter packets 12 bytes 840` of nftables.
fn count(style: Style, body: &str) -> Option<u64> {
    let word = match style {
        Style::Table => body.split_ascii_whitespace().next()?,
        Style::Nft => body
            .split_once("counter packets ")?
            .1
            .split_ascii_whitespace()
            .next()?,
        _ => return None,
    };
    let scale = match word.bytes().last()? {
        b'K' => 1_000,
        b'M' => 1_000_000,
        b'G' => 1_000_000_000,
        _ => 1,
    };
    let digits = word.trim_end_matches(['K', 'M', 'G']);
    digits.parse::<u64>().ok()?.checked_mul(scale)
}

/// Whether a line is a rule, and not a heading of columns.
fn is_rule(style: Style, body: &str) -> bool {
    match style {
        Style::Table => {
            !body.starts_with("target ") && !body.starts_with("pkts ") && !body.starts_with("num ")
        }
        Style::Nft => {
            !body.starts_with('#') && !body.starts_with("set ") && !body.starts_with("elements")
        }
        Style::Commands => body.starts_with("-A "),
        Style::Ufw | Style::Firewalld => true,
    }
}

/// A rule in any chain that bears on how large packets may be: the MSS is clamped, or ICMP is dropped.
fn size(style: Style, body: &str) -> Option<Told> {
    if matches!(style, Style::Ufw | Style::Firewalld) || !is_rule(style, body) {
        return None;
    }
    let lower = body.to_ascii_lowercase();
    let rule = vec![("rule", body.to_owned())];
    if has_word(&lower, "tcpmss") || lower.contains("maxseg size set") {
        return Some((Sign::MssClamped, rule));
    }
    let drops = has_word(&lower, "drop") || has_word(&lower, "reject");
    let icmp = has_word(&lower, "icmp");
    if !drops || !icmp {
        return None;
    }
    // A rule for one kind of ICMP, by its number or name.
    let kind = lower
        .split_once("icmp-type ")
        .or_else(|| lower.split_once("icmptype "))
        .or_else(|| lower.split_once("icmp type "))
        .map(|(_, rest)| rest.trim_start());
    let tells = kind.is_none_or(|kind| {
        [
            "3",
            "any",
            "destination-unreachable",
            "fragmentation-needed",
            "255",
        ]
        .iter()
        .any(|k| kind.split([' ', '/', ',', '}']).next() == Some(*k))
            || kind.starts_with('{') && kind.contains("destination-unreachable")
    });
    let limited = lower.contains("limit") || lower.contains(" ! ") || lower.contains("!=");
    (tells && !limited).then_some((Sign::IcmpDropped, rule))
}

/// A rule for what leaves: it translates, or it exempts.
fn translation(body: &str) -> Option<Told> {
    let lower = body.to_ascii_lowercase();
    let rule = vec![("rule", body.to_owned())];
    let ipsec = lower.contains("pol ipsec")
        || lower.contains("meta secpath exists")
        || lower.contains("ipsec out");
    let spares = has_word(&lower, "accept") || has_word(&lower, "return");
    if spares {
        // A destination of its own before the rule that translates is how networks are exempt.
        let network =
            lower.contains("-d ") || lower.contains("daddr") || ipsec || table_destination(&lower);
        return network.then_some((Sign::TunnelExempt, rule));
    }
    let translates = ["masquerade", "snat", "netmap"]
        .iter()
        .any(|w| has_word(&lower, w));
    if !translates {
        return None;
    }
    if names_port(&lower, 500, &["isakmp"]) {
        return Some((Sign::IkeTranslated, rule));
    }
    if lower.contains("pol none")
        || lower.contains("! -d")
        || lower.contains("daddr !=")
        || lower.contains(" ! --dst")
        || lower.contains(" ! --destination")
        || lower.contains("dst-address=!")
        || is_negated_address(&lower)
    {
        return Some((Sign::TunnelExempt, rule));
    }
    Some((Sign::Masquerading, rule))
}

/// Whether a table's rule has an address that it isn't for: `anywhere  !10.2.0.0/16`. An interface that it isn't for, as
/// in the rules of containers, exempts no tunnel.
fn is_negated_address(rule: &str) -> bool {
    rule.match_indices(" !").any(|(at, mark)| {
        rule.get(at + mark.len()..)
            .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
    })
}

/// Whether the last address of a table's rule is a network.
fn table_destination(rule: &str) -> bool {
    rule.split_ascii_whitespace()
        .filter(|word| word.contains('/') && word.starts_with(|c: char| c.is_ascii_digit()))
        .any(|word| !word.starts_with("0.0.0.0"))
}

fn has_word(text: &str, word: &str) -> bool {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '_')
        .any(|w| w == word)
}

/// Whether a rule names a port, by number, as the end of a range, or by name.
fn names_port(rule: &str, port: u16, names: &[&str]) -> bool {
    let numbers = rule
        .split(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '.')
        .any(|word| {
            let mut ends = word.split('-').map(str::parse::<u16>);
            match (ends.next(), ends.next()) {
                (Some(Ok(one)), None) => one == port,
                (Some(Ok(low)), Some(Ok(high))) => (low..=high).contains(&port),
                _ => false,
            }
        });
    numbers || names.iter().any(|name| has_word(rule, name))
}
