//! Policy rules: which table to look up for which packets.

use ipnet::IpNet;

use super::Netlink;
use super::codec::{Answer, CREATE, EXCLUSIVE, Message, u32_at};
use super::link::{gone_is_fine, present_is_fine};
use super::route::{ADIT_PROTOCOL, address_bytes, family_of, parse_address};
use crate::error::Result;

/// A rule that sends packets to a routing table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Order; lower is asked first (main: 32766).
    pub priority: u32,
    /// Packets from this prefix (`None`: any).
    pub from: Option<IpNet>,
    /// Packets to this prefix. It also fixes the family, so a rule without `from` needs it.
    pub to: IpNet,
    /// Packets with this mark only (`None`: any).
    pub mark: Option<u32>,
    /// Packets of this protocol and these ports only.
    pub flow: Flow,
    /// The table to look up.
    pub table: u32,
}

/// Protocol and ports of packets.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Flow {
    /// IP protocol (`None`: any).
    pub protocol: Option<u8>,
    /// First and last source port (`None`: any).
    pub source: Option<(u16, u16)>,
    /// First and last destination port (`None`: any).
    pub destination: Option<(u16, u16)>,
}

impl Netlink {
    /// The rules that have a destination or come from us; the kernel's three defaults are left out.
    ///
    /// # Errors
    /// When the kernel refuses the listing.
    pub fn rules(&mut self) -> Result<Vec<Rule>> {
        let message = Message::new(RTM_GETRULE, 0, &[0; HEADER]);
        let found = self
            .transport
            .dump("list the routing rules", "", &message)?;
        Ok(found
            .iter()
            .filter_map(|answer| parse(&answer.as_answer()))
            .collect())
    }

    /// Adds a rule; says whether it is new.
    ///
    /// # Errors
    /// When CAP_NET_ADMIN is missing.
    pub fn add_rule(&mut self, rule: &Rule) -> Result<bool> {
        let message = message(RTM_NEWRULE, CREATE | EXCLUSIVE, rule);
        present_is_fine(
            self.transport
                .request("add the routing rule for", rule.to, message),
        )
    }

    /// Deletes a rule; says whether it was there.
    ///
    /// # Errors
    /// When CAP_NET_ADMIN is missing.
    pub fn delete_rule(&mut self, rule: &Rule) -> Result<bool> {
        let message = message(RTM_DELRULE, 0, rule);
        gone_is_fine(
            self.transport
                .request("delete the routing rule for", rule.to, message),
        )
    }
}

fn message(kind: u16, flags: u16, rule: &Rule) -> Message {
    let mut header = [0; HEADER];
    header[0] = family_of(rule.to.addr());
    header[1] = rule.to.prefix_len();
    header[2] = rule.from.map_or(0, |from| from.prefix_len());
    header[7] = ACTION_TO_TABLE;
    let mut message = Message::new(kind, flags, &header);
    if rule.to.prefix_len() > 0 {
        message.put(FRA_DST, &address_bytes(rule.to.network()));
    }
    if let Some(from) = rule.from.filter(|from| from.prefix_len() > 0) {
        message.put(FRA_SRC, &address_bytes(from.network()));
    }
    if let Some(mark) = rule.mark {
        message.put_u32(FRA_FWMARK, mark);
    }
    if let Some(protocol) = rule.flow.protocol {
        message.put(FRA_IP_PROTOCOL, &[protocol]);
    }
    let ports = |(first, last): (u16, u16)| [first.to_ne_bytes(), last.to_ne_bytes()].concat();
    if let Some(range) = rule.flow.source {
        message.put(FRA_SOURCE_PORTS, &ports(range));
    }
    if let Some(range) = rule.flow.destination {
        message.put(FRA_DESTINATION_PORTS, &ports(range));
    }
    message
        .put_u32(FRA_PRIORITY, rule.priority)
        .put_u32(FRA_TABLE, rule.table)
        .put(FRA_PROTOCOL, &[ADIT_PROTOCOL]);
    message
}

fn parse(answer: &Answer<'_>) -> Option<Rule> {
    let attributes = answer.attributes(HEADER);
    let prefix = |kind, at: usize| {
        let address = attributes.find(kind).and_then(parse_address)?;
        IpNet::new(address, *answer.body.get(at)?).ok()
    };
    let ours = attributes.find(FRA_PROTOCOL) == Some(&[ADIT_PROTOCOL]);
    let any = match i32::from(*answer.body.first()?) {
        libc::AF_INET => IpNet::new([0; 4].into(), 0).ok()?,
        _ => IpNet::new([0; 16].into(), 0).ok()?,
    };
    let to = prefix(FRA_DST, 1).or(ours.then_some(any))?;
    Some(Rule {
        priority: attributes
            .find(FRA_PRIORITY)
            .and_then(|value| u32_at(value, 0))?,
        from: prefix(FRA_SRC, 2),
        to,
        mark: attributes
            .find(FRA_FWMARK)
            .and_then(|value| u32_at(value, 0))
            .filter(|mark| *mark != 0),
        flow: Flow {
            protocol: attributes
                .find(FRA_IP_PROTOCOL)
                .and_then(|value| value.first().copied())
                .filter(|protocol| *protocol != 0),
            source: attributes.find(FRA_SOURCE_PORTS).and_then(range),
            destination: attributes.find(FRA_DESTINATION_PORTS).and_then(range),
        },
        table: attributes
            .find(FRA_TABLE)
            .and_then(|value| u32_at(value, 0))?,
    })
}

fn range(value: &[u8]) -> Option<(u16, u16)> {
    let &[a, b, c, d] = value else { return None };
    let range = (u16::from_ne_bytes([a, b]), u16::from_ne_bytes([c, d]));
    (range != (0, 0)).then_some(range)
}

const HEADER: usize = 12;
const RTM_NEWRULE: u16 = 32;
const RTM_DELRULE: u16 = 33;
const RTM_GETRULE: u16 = 34;
const ACTION_TO_TABLE: u8 = 1;
const FRA_DST: u16 = 1;
const FRA_SRC: u16 = 2;
const FRA_PRIORITY: u16 = 6;
const FRA_FWMARK: u16 = 10;
const FRA_TABLE: u16 = 15;
const FRA_PROTOCOL: u16 = 21;
const FRA_IP_PROTOCOL: u16 = 22;
const FRA_SOURCE_PORTS: u16 = 23;
const FRA_DESTINATION_PORTS: u16 = 24;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::codec::messages;
    use super::*;

    #[test]
    fn rules_read_back_as_written() {
        for to in ["10.2.0.0/16", "0.0.0.0/0", "2001:db8::/32"] {
            let rule = Rule {
                priority: 220,
                from: None,
                to: to.parse().unwrap(),
                mark: to.starts_with("10.").then_some(7),
                flow: Flow {
                    protocol: Some(6),
                    source: None,
                    destination: Some((80, 90)),
                },
                table: 220,
            };
            let bytes = message(RTM_NEWRULE, 0, &rule).finish(1);
            assert_eq!(parse(&messages(&bytes).next().unwrap()), Some(rule));
        }
    }
}
