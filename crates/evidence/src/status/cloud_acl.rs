//! Filters of clouds whose rules have an order: AWS network ACLs (`describe-network-acls`) and Azure's network security
//! groups (`az network nsg rule list`), as JSON and as tables.
//!
//! The first rule that fits a packet decides. Both clouds translate the addresses of their gateways, so what counts is
//! UDP 500 and 4500: ESP never comes there by itself.

use adit_model::fact::Fact;
use adit_model::sign::Sign;

use super::{command, sign};
use crate::reading::Place;
use crate::text::Line;

/// More rules of one list aren't kept.
const MOST: usize = 512;

/// A rule while it is read, and afterwards.
#[derive(Clone, Debug, Default)]
struct Rule {
    order: u32,
    name: String,
    inbound: bool,
    allow: Option<bool>,
    protocol: String,
    /// Where it is about some ports only.
    ports: Vec<(u32, u32)>,
    /// It is about everybody's packets.
    anyone: bool,
}

impl Rule {
    fn fits(&self, port: u32) -> bool {
        matches!(self.protocol.as_str(), "-1" | "17" | "udp" | "*" | "all")
            && (self.ports.is_empty() || self.ports.iter().any(|p| p.0 <= port && port <= p.1))
    }

    fn port_words(&mut self, text: &str) {
        for part in text
            .split([' ', ','])
            .filter(|p| !p.is_empty() && *p != "*")
        {
            let (low, high) = part.split_once('-').unwrap_or((part, part));
            if let (Ok(low), Ok(high)) = (low.parse(), high.parse()) {
                self.ports.push((low, high));
            }
        }
    }
}

/// Whose list it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cloud {
    Aws,
    Azure,
}

#[derive(Debug)]
struct List {
    cloud: Cloud,
    place: Place,
    rules: Vec<Rule>,
    /// It was read to its end.
    closed: bool,
}

impl List {
    fn tell(mut self, facts: &mut Vec<Fact>) {
        self.rules.retain(|r| r.inbound && r.allow.is_some());
        self.rules.sort_by_key(|r| r.order);
        // AWS lists the rule that is behind all others; without it the list isn't whole.
        let whole = match self.cloud {
            Cloud::Aws => self.rules.iter().any(|r| r.order >= 32767),
            Cloud::Azure => self.closed,
        };
        if self.rules.is_empty() || !whole {
            return;
        }
        for port in [500, 4500] {
            // A refusal of some hosts' packets says nothing of the peer's.
            let first = self
                .rules
                .iter()
                .find(|r| r.fits(port) && (r.allow == Some(true) || r.anyone));
            if first.is_some_and(|r| r.allow == Some(true)) {
                continue;
            }
            let name = first.map_or("none that fits", |r| r.name.as_str());
            let port = port.to_string();
            let mut values = vec![("port", port.as_str()), ("rule", name)];
            // A security group lets in what answers; an ACL has no memory.
            if self.cloud == Cloud::Azure {
                values.push(("answers", "yes"));
            }
            facts.push(sign(self.place, Sign::PortNotPermitted, &values));
            return;
        }
    }
}

/// Follows the lists.
#[derive(Debug, Default)]
pub(super) struct CloudAcl {
    list: Option<List>,
    rule: Rule,
    /// Where an element of JSON began; depth within the list.
    depth: i32,
    json: bool,
    /// The key whose list of values goes on over lines.
    key: String,
}

impl CloudAcl {
    /// The next line.
    pub(super) fn line(
        &mut self,
        line: &Line<'_>,
        place: &dyn Fn() -> Place,
        facts: &mut Vec<Fact>,
    ) {
        let body = line.body.trim();
        if self.list.is_some() && !self.json {
            if self.row(body) {
                return;
            }
            self.finish(facts);
        }
        if self.json {
            self.element(body, facts);
            return;
        }
        // Most lines of most texts are no head of a table.
        let cells: Vec<&str> = if body.contains("Egress") || body.contains("DestinationPortRanges")
        {
            cells(body)
        } else {
            Vec::new()
        };
        if cells.starts_with(&["CidrBlock", "Egress"]) {
            self.begin(Cloud::Aws, place(), false);
        } else if cells.contains(&"Priority")
            && cells.contains(&"Access")
            && cells.contains(&"DestinationPortRanges")
        {
            self.begin(Cloud::Azure, place(), false);
        } else if body.starts_with("\"Entries\": [") && !body.contains(']') {
            self.begin(Cloud::Aws, place(), true);
        } else if body.starts_with("\"access\": \"") {
            // The first key of a rule in the order of the alphabet; its brace was the line before.
            self.begin(Cloud::Azure, place(), true);
            self.depth = 1;
            self.element(body, facts);
        }
    }

    /// The text ends, or something else begins.
    pub(super) fn finish(&mut self, facts: &mut Vec<Fact>) {
        self.json = false;
        self.keep();
        if let Some(list) = self.list.take() {
            list.tell(facts);
        }
    }

    fn begin(&mut self, cloud: Cloud, place: Place, json: bool) {
        self.list = Some(List {
            cloud,
            place,
            rules: Vec::new(),
            closed: !json,
        });
        self.rule = Rule::default();
        self.depth = 0;
        self.json = json;
    }

    fn keep(&mut self) {
        let rule = core::mem::take(&mut self.rule);
        if let Some(list) = &mut self.list
            && rule.allow.is_some()
            && list.rules.len() < MOST
        {
            list.rules.push(rule);
        }
    }

    /// A line of a JSON list.
    fn element(&mut self, body: &str, facts: &mut Vec<Fact>) {
        let (key, value) = match body.split_once(':') {
            Some((key, value)) if body.starts_with('"') => {
                key.trim_matches('"').clone_into(&mut self.key);
                (self.key.clone(), value)
            }
            _ => (self.key.clone(), body),
        };
        let value = value.trim().trim_end_matches(',').trim_matches('"');
        if !body.starts_with(['{', '}', '[', ']']) {
            self.field(&key, value);
        }
        for c in body.chars() {
            self.depth += match c {
                '[' | '{' => 1,
                ']' | '}' => -1,
                _ => 0,
            };
        }
        if body.starts_with('}') && self.depth == 0 {
            self.keep();
        }
        if self.depth < 0 {
            if let Some(list) = &mut self.list {
                list.closed = true;
            }
            self.finish(facts);
        } else if self.depth == 0 && command(body).is_some() {
            self.finish(facts);
        }
    }

    fn field(&mut self, key: &str, value: &str) {
        let rule = &mut self.rule;
        match key {
            "Egress" => rule.inbound = value == "false",
            "direction" => rule.inbound = value == "Inbound",
            "Protocol" | "protocol" => rule.protocol = value.to_ascii_lowercase(),
            "RuleAction" | "access" => rule.allow = Some(value.eq_ignore_ascii_case("allow")),
            "RuleNumber" | "priority" => {
                rule.order = value.parse().unwrap_or(u32::MAX);
                if rule.name.is_empty() {
                    value.clone_into(&mut rule.name);
                }
            }
            "name" => value.clone_into(&mut rule.name),
            "CidrBlock" | "Ipv6CidrBlock" => rule.anyone = value == "0.0.0.0/0" || value == "::/0",
            "sourceAddressPrefix" => {
                rule.anyone |= matches!(value, "*" | "Internet" | "0.0.0.0/0");
            }
            "From" => rule.ports = value.parse().map(|p| (p, p)).into_iter().collect(),
            "To" => {
                if let (Some(range), Ok(to)) = (rule.ports.last_mut(), value.parse()) {
                    range.1 = to;
                }
            }
            "destinationPortRange" | "destinationPortRanges" => rule.port_words(value),
            _ => {}
        }
    }

    /// A line of a table; whether it is one.
    fn row(&mut self, body: &str) -> bool {
        let frame = |c: char| matches!(c, '+' | '-' | '|' | ' ');
        if !body.is_empty() && body.chars().all(frame) {
            return true;
        }
        let cells: Vec<&str> = cells(body);
        let Some(list) = &self.list else {
            return false;
        };
        match (list.cloud, cells.as_slice()) {
            (Cloud::Aws, ["PortRange"] | ["From", "To"] | ["CidrBlock", ..] | ["Entries"]) => true,
            (Cloud::Aws, [from, to]) if from.parse::<u32>().is_ok() => {
                self.field("From", from);
                self.field("To", to);
                true
            }
            (Cloud::Aws, [cidr, egress @ ("True" | "False"), protocol, action, number]) => {
                self.keep();
                self.field("CidrBlock", cidr);
                self.field("Egress", &egress.to_ascii_lowercase());
                self.field("Protocol", protocol);
                self.field("RuleAction", action);
                self.field("RuleNumber", number);
                true
            }
            (Cloud::Azure, words) => {
                let at = words.iter().position(|w| matches!(*w, "Allow" | "Deny"));
                let Some((at, rest)) = at.and_then(|at| Some((at, words.get(at..)?))) else {
                    return false;
                };
                let [access, protocol, direction, rest @ ..] = rest else {
                    return false;
                };
                let order = words.iter().take(at).filter_map(|w| w.parse::<u32>().ok());
                // Priorities begin at 100; a source port may stand behind.
                let Some(order) = order.filter(|n| (100..=65_535).contains(n)).take(1).last()
                else {
                    return false;
                };
                self.keep();
                self.field("access", access);
                self.field("protocol", protocol);
                self.field("direction", direction);
                self.field("name", words.first().copied().unwrap_or_default());
                self.rule.order = order;
                // Before the action stand source ports, source addresses and a group of sources.
                let source = at.checked_sub(2).and_then(|i| words.get(i)).copied();
                self.field("sourceAddressPrefix", source.unwrap_or_default());
                for ports in rest {
                    let is_port = *ports == "*" || ports.starts_with(|c: char| c.is_ascii_digit());
                    if !is_port || ports.contains(['.', '/']) || *ports == "*" {
                        break;
                    }
                    self.rule.port_words(ports);
                }
                true
            }
            _ => false,
        }
    }
}

/// The words of a row, without the frame around them.
fn cells(body: &str) -> Vec<&str> {
    body.split(|c: char| c == '|' || c.is_whitespace())
        .filter(|w| !w.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use adit_model::fact::{Known, Side};
    use adit_model::now::Wall;
    use adit_model::sign::Sign;

    use crate::reading::read;

    fn closed(text: &str) -> Vec<(String, String)> {
        let facts = read("paste", Side::Local, text.as_bytes(), Wall(0)).facts;
        facts
            .into_iter()
            .filter_map(|f| match f.what {
                Known::Sign {
                    sign: Sign::PortNotPermitted,
                    mut values,
                } => Some((values.remove("port")?, values.remove("rule")?)),
                _ => None,
            })
            .collect()
    }

    fn one(port: &str, rule: &str) -> Vec<(String, String)> {
        vec![(port.to_owned(), rule.to_owned())]
    }

    fn entry(number: u32, egress: bool, protocol: &str, action: &str, port: &str) -> String {
        let range = match port {
            "" => String::new(),
            port => format!(
                "                    \"PortRange\": {{\n                        \"From\": {port},\n                        \"To\": {port}\n                    }},\n"
            ),
        };
        format!(
            "                {{\n                    \"CidrBlock\": \"0.0.0.0/0\",\n                    \"Egress\": {egress},\n{range}                    \"Protocol\": \"{protocol}\",\n                    \"RuleAction\": \"{action}\",\n                    \"RuleNumber\": {number}\n                }},\n"
        )
    }

    fn aws(entries: &[String]) -> String {
        format!(
            "{{\n    \"NetworkAcls\": [\n        {{\n            \"Entries\": [\n{}            ],\n            \"IsDefault\": false\n        }}\n    ]\n}}\n",
            entries.concat()
        )
    }

    #[test]
    fn an_acl_of_aws_is_read_in_its_order() {
        let last = entry(32767, false, "-1", "deny", "");
        let ike = entry(100, false, "17", "allow", "500");
        let nat = entry(110, false, "17", "allow", "4500");
        let out = entry(100, true, "-1", "allow", "");
        assert_eq!(
            closed(&aws(&[out.clone(), last.clone()])),
            one("500", "32767")
        );
        assert_eq!(
            closed(&aws(&[last.clone(), ike.clone()])),
            one("4500", "32767")
        );
        assert!(closed(&aws(&[ike.clone(), nat.clone(), last.clone()])).is_empty());
        let before = entry(90, false, "17", "deny", "4500");
        assert_eq!(closed(&aws(&[before, ike, nat, last])), one("4500", "90"));
        assert!(closed(&aws(&[out])).is_empty(), "not the whole list");
    }

    #[test]
    fn an_acl_as_a_table_too() {
        let text = "||                              Entries                              ||\n|+------------+---------+-----------+-------------+-------------+|\n||  CidrBlock |  Egress |  Protocol |  RuleAction |  RuleNumber ||\n|+------------+---------+-----------+-------------+-------------+|\n||  0.0.0.0/0 |  False  |  17       |  allow      |  100        ||\n|+------------+---------+-----------+-------------+-------------+|\n|||                   PortRange                                  |||\n||+------------------------------+-------------------------------+||\n|||             From             |              To               |||\n||+------------------------------+-------------------------------+||\n|||  500                         |  500                          |||\n||+------------------------------+-------------------------------+||\n||  CidrBlock |  Egress |  Protocol |  RuleAction |  RuleNumber ||\n||  0.0.0.0/0 |  False  |  -1       |  deny       |  32767      ||\n|+------------+---------+-----------+-------------+-------------+|\n";
        assert_eq!(closed(text), one("4500", "32767"));
    }

    #[test]
    fn a_group_of_azure_is_read_in_both_forms() {
        let table = "Name     ResourceGroup    Priority    SourcePortRanges    SourceAddressPrefixes    SourceASG    Access    Protocol    Direction    DestinationPortRanges    DestinationAddressPrefixes    DestinationASG\n-------  ---------------  ----------  ------------------  -----------------------  -----------  --------  ----------  -----------  -----------------------  ----------------------------  ----------------\nssh      vpn-rg           1000        *                   *                        None         Allow     Tcp         Inbound      22                       *                             None\n";
        assert_eq!(closed(table), one("500", "none that fits"));
        let ike = "ike      vpn-rg           1010        *                   *                        None         Allow     Udp         Inbound      500 4500                 *                             None\n";
        assert!(closed(&format!("{table}{ike}")).is_empty());
        let json = "[\n  {\n    \"access\": \"Allow\",\n    \"destinationPortRange\": \"500\",\n    \"destinationPortRanges\": [],\n    \"direction\": \"Inbound\",\n    \"name\": \"ike\",\n    \"priority\": 100,\n    \"protocol\": \"Udp\",\n    \"sourceAddressPrefix\": \"*\",\n    \"sourceAddressPrefixes\": []\n  },\n  {\n    \"access\": \"Deny\",\n    \"destinationPortRanges\": [\n      \"4500\",\n      \"1701\"\n    ],\n    \"direction\": \"Inbound\",\n    \"name\": \"no-nat-t\",\n    \"priority\": 200,\n    \"protocol\": \"*\",\n    \"sourceAddressPrefix\": \"*\"\n  }\n]\n";
        assert_eq!(closed(json), one("4500", "no-nat-t"));
    }
}
