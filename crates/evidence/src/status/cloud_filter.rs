//! Filters of clouds: AWS security groups (`describe-security-groups`, Terraform) and firewall rules of Google Cloud.
//!
//! Only a list that is whole says that something isn't let in.

use adit_model::fact::Fact;
use adit_model::sign::Sign;

use super::sign;
use crate::reading::Place;
use crate::text::Line;

/// What a group lets in.
#[derive(Debug)]
struct Group {
    place: Place,
    name: String,
    ike: bool,
    nat_t: bool,
    everything: bool,
    entries: u32,
}

impl Group {
    fn new(place: Place, name: &str) -> Self {
        Self {
            place,
            name: name.to_owned(),
            ike: false,
            nat_t: false,
            everything: false,
            entries: 0,
        }
    }

    fn lets_in(&mut self, protocol: &str, ports: Option<(u32, u32)>) {
        self.entries += 1;
        match protocol {
            "-1" | "all" => self.everything = true,
            "udp" | "17" => {
                let (low, high) = ports.unwrap_or((0, u32::from(u16::MAX)));
                self.ike |= low <= 500 && 500 <= high;
                self.nat_t |= low <= 4500 && 4500 <= high;
            }
            _ => {}
        }
    }

    fn tell(self, facts: &mut Vec<Fact>) {
        if self.everything || self.entries == 0 || (self.ike && self.nat_t) {
            return;
        }
        let port = if self.ike { "4500" } else { "500" };
        let values = [
            ("port", port),
            ("rule", self.name.as_str()),
            ("answers", "yes"),
        ];
        facts.push(sign(self.place, Sign::PortNotPermitted, &values));
    }
}

/// One entry while it is read.
#[derive(Debug, Default)]
struct Entry {
    protocol: String,
    from: Option<u32>,
    to: Option<u32>,
}

/// Follows the lists.
#[derive(Debug, Default)]
pub(super) struct CloudFilter {
    name: String,
    group: Option<Group>,
    /// How deep the brackets are within the list, and within a block of Terraform.
    depth: i32,
    terraform: bool,
    ingress: bool,
    entry: Entry,
    google: Option<Group>,
}

impl CloudFilter {
    /// The next line.
    pub(super) fn line(
        &mut self,
        line: &Line<'_>,
        place: &dyn Fn() -> Place,
        facts: &mut Vec<Fact>,
    ) {
        let body = line.body.trim();
        if self.google(body, place, facts) {
            return;
        }
        if self.group.is_none() {
            if let Some(rest) = body.strip_prefix("\"GroupName\":") {
                rest.trim()
                    .trim_matches(['"', ','])
                    .clone_into(&mut self.name);
            } else if body.starts_with("\"IpPermissions\": [") && !body.contains(']') {
                self.group = Some(Group::new(place(), &self.name));
                self.depth = 1;
                self.terraform = false;
            } else if let Some(rest) = body.strip_prefix("resource \"aws_security_group\" \"")
                && body.ends_with('{')
            {
                let name = rest.split('"').next().unwrap_or_default();
                self.group = Some(Group::new(place(), name));
                self.depth = 1;
                self.terraform = true;
                self.ingress = false;
            }
            return;
        }
        if self.terraform {
            if body.starts_with("ingress") && body.ends_with('{') {
                self.ingress = true;
                self.entry = Entry::default();
            }
            self.field(body, '=');
        } else {
            self.field(body, ':');
        }
        for c in body.chars() {
            self.depth += match c {
                '[' | '{' => 1,
                ']' | '}' => -1,
                _ => 0,
            };
        }
        let closes = body.starts_with('}');
        let list_entry = closes && self.depth == 1;
        if list_entry && (self.ingress || !self.terraform) {
            let entry = core::mem::take(&mut self.entry);
            let ports = entry.from.zip(entry.to);
            if let Some(group) = &mut self.group {
                group.lets_in(&entry.protocol, ports);
            }
            self.ingress = false;
        }
        if self.depth <= 0
            && let Some(group) = self.group.take()
        {
            group.tell(facts);
        }
    }

    fn field(&mut self, body: &str, equals: char) {
        let Some((name, value)) = body.split_once(equals) else {
            return;
        };
        let value = value.trim().trim_matches(['"', ',']).trim_matches('"');
        match name.trim().trim_matches('"') {
            "IpProtocol" | "protocol" => value.clone_into(&mut self.entry.protocol),
            "FromPort" | "from_port" => self.entry.from = value.parse().ok(),
            "ToPort" | "to_port" => self.entry.to = value.parse().ok(),
            _ => {}
        }
    }

    /// `NAME  NETWORK  DIRECTION  PRIORITY  ALLOW  DENY  DISABLED`, then rows with `tcp:22,udp:500,icmp`.
    fn google(&mut self, body: &str, place: &dyn Fn() -> Place, facts: &mut Vec<Fact>) -> bool {
        if self.google.is_none() && !body.starts_with("NAME") {
            return false;
        }
        let words: Vec<&str> = body.split_ascii_whitespace().collect();
        if words.starts_with(&["NAME", "NETWORK", "DIRECTION", "PRIORITY", "ALLOW"]) {
            self.google = Some(Group::new(place(), "the firewall rules"));
            return true;
        }
        let Some(group) = &mut self.google else {
            return false;
        };
        if let [_, _, direction @ ("INGRESS" | "EGRESS"), _, allow, ..] = words.as_slice() {
            if *direction == "INGRESS" {
                for item in allow.split(',') {
                    let (protocol, ports) = item.split_once(':').unwrap_or((item, ""));
                    let ends = ports.split_once('-').unwrap_or((ports, ports));
                    let ports = ends.0.parse().ok().zip(ends.1.parse().ok());
                    group.lets_in(protocol, ports);
                }
            }
            return true;
        }
        if body.is_empty() {
            return true;
        }
        if let Some(group) = self.google.take() {
            group.tell(facts);
        }
        false
    }
}
