//! Rules as the small programs nf_tables runs: load a field, compare, act.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::netlink::address_bytes;
use crate::netlink::codec::Message;

/// A rule under construction. Conditions are taken in order and must all hold; the action comes last.
///
/// In the `inet` family an address condition implies the packet's family, and the first one adds that test.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Rule {
    steps: Vec<Step>,
    family_tested: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    /// Loads packet metadata into the register.
    Meta(u32),
    /// Loads whether the route that the packet takes has IPsec on it.
    RouteIpsec,
    /// Loads something that connection tracking knows: a key, and of which direction of the connection.
    Tracked { key: u32, direction: Option<u8> },
    /// Loads bytes of a header into the register.
    Payload { base: u32, offset: u32, length: u32 },
    /// Keeps the bits of the register that the mask has.
    Mask(Vec<u8>),
    /// Goes on only if the comparison holds.
    Compare { operator: u32, value: Vec<u8> },
    /// Adds the packet to the table's counter of that name.
    Count(String),
    /// Ends with this verdict.
    Verdict(u32),
    /// Goes on with the rules of this chain, and behind this rule if none of them decides.
    Jump(String),
    /// Replaces the source address by that of the outgoing interface.
    Masquerade,
    /// Keeps connection tracking off.
    #[cfg(test)]
    NoTrack,
}

impl Rule {
    /// A rule for every packet.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Leaves by the interface called `name`.
    pub(crate) fn output_interface(self, name: &str) -> Self {
        self.interface(META_OUTPUT_NAME, name, EQUAL)
    }

    /// Leaves by another interface than `name`.
    pub(crate) fn not_output_interface(self, name: &str) -> Self {
        self.interface(META_OUTPUT_NAME, name, NOT_EQUAL)
    }

    /// Came in by the interface called `name`.
    pub(crate) fn input_interface(self, name: &str) -> Self {
        self.interface(META_INPUT_NAME, name, EQUAL)
    }

    /// Came in by another interface than `name`.
    pub(crate) fn not_input_interface(self, name: &str) -> Self {
        self.interface(META_INPUT_NAME, name, NOT_EQUAL)
    }

    /// Isn't going to be protected by the kernel's IPsec.
    pub(crate) fn not_to_be_protected(self) -> Self {
        self.load(Step::RouteIpsec).compare(EQUAL, &[0])
    }

    /// Wasn't protected by the kernel's IPsec when it came.
    pub(crate) fn came_unprotected(self) -> Self {
        self.load(Step::Meta(META_IPSEC)).compare(EQUAL, &[0])
    }

    /// Comes from inside `net`.
    pub(crate) fn source(self, net: IpNet) -> Self {
        self.address(Side::Source, net, EQUAL)
    }

    /// Came from inside `net` before its source was translated, as connection tracking knows; with `answer`, a packet of
    /// the connection's other direction. Nothing that isn't tracked matches.
    pub(crate) fn source_before_translation(self, net: IpNet, answer: bool) -> Self {
        let direction = u8::from(answer);
        let rule = self
            .load(Step::Tracked {
                key: TRACKED_DIRECTION,
                direction: None,
            })
            .compare(EQUAL, &[direction]);
        let v6 = net.addr().is_ipv6();
        let rule = rule.family(if v6 { libc::AF_INET6 } else { libc::AF_INET });
        if net.prefix_len() == 0 {
            return rule;
        }
        let key = if v6 {
            TRACKED_SOURCE_V6
        } else {
            TRACKED_SOURCE_V4
        };
        let load = Step::Tracked {
            key,
            direction: Some(direction),
        };
        rule.load(load).within(net, EQUAL)
    }

    /// Had a source port from `first` to `last` before its source was translated. To be asked after
    /// [`Self::source_before_translation`] with the same `answer`, of a protocol that is known to have ports.
    pub(crate) fn source_ports_before_translation(self, range: (u16, u16), answer: bool) -> Self {
        self.load(Step::Tracked {
            key: TRACKED_SOURCE_PORT,
            direction: Some(u8::from(answer)),
        })
        .between(range)
    }

    /// Isn't followed by connection tracking, so that nothing has translated it.
    pub(crate) fn untracked(self) -> Self {
        self.load(Step::Tracked {
            key: TRACKED_STATE,
            direction: None,
        })
        .load(Step::Mask(UNTRACKED.to_ne_bytes().to_vec()))
        .compare(NOT_EQUAL, &[0; 4])
    }

    /// Comes from outside `net`.
    pub(crate) fn not_source(self, net: IpNet) -> Self {
        self.address(Side::Source, net, NOT_EQUAL)
    }

    /// Goes into `net`.
    pub(crate) fn destination(self, net: IpNet) -> Self {
        self.address(Side::Destination, net, EQUAL)
    }

    /// Goes elsewhere than into `net`.
    pub(crate) fn not_destination(self, net: IpNet) -> Self {
        self.address(Side::Destination, net, NOT_EQUAL)
    }

    /// Carries IP protocol `number` (IPv6: after extension headers).
    pub(crate) fn protocol(self, number: u8) -> Self {
        self.load(Step::Meta(META_L4_PROTOCOL))
            .compare(EQUAL, &[number])
    }

    /// Carries this mark: a socket that sets it has sent the packet, or a rule has set it.
    pub(crate) fn marked(self, mark: u32) -> Self {
        self.load(Step::Meta(META_MARK))
            .compare(EQUAL, &mark.to_ne_bytes())
    }

    /// Is IPv4 (else: IPv6).
    pub(crate) fn version(self, v4: bool) -> Self {
        self.family(if v4 { libc::AF_INET } else { libc::AF_INET6 })
    }

    /// Has these octets at `offset` behind the IP header and its extensions.
    pub(crate) fn transport_octets(self, offset: u32, octets: &[u8]) -> Self {
        let length = u32::try_from(octets.len()).unwrap_or(0);
        self.load(Step::Payload {
            base: TRANSPORT_HEADER,
            offset,
            length,
        })
        .compare(EQUAL, octets)
    }

    /// Has this UDP source port.
    pub(crate) fn udp_source(self, port: u16) -> Self {
        self.udp(0, port)
    }

    /// Has this UDP destination port.
    pub(crate) fn udp_destination(self, port: u16) -> Self {
        self.udp(2, port)
    }

    /// Has a source port from `first` to `last`; the protocol has to be known to have ports.
    pub(crate) fn source_ports(self, range: (u16, u16)) -> Self {
        self.ports(0, range)
    }

    /// Has a destination port from `first` to `last`; the protocol has to be known to have ports.
    pub(crate) fn destination_ports(self, range: (u16, u16)) -> Self {
        self.ports(2, range)
    }

    /// Is IPv6 with a hop limit of 255: sent by a neighbour, not by way of a router.
    pub(crate) fn never_forwarded_v6(self) -> Self {
        self.family(libc::AF_INET6)
            .load(Step::Payload {
                base: NETWORK_HEADER,
                offset: 7,
                length: 1,
            })
            .compare(EQUAL, &[255])
    }

    /// Is an ICMPv6 message with a type from `first` to `last`.
    pub(crate) fn icmpv6_types(self, first: u8, last: u8) -> Self {
        self.protocol(58)
            .load(Step::Payload {
                base: TRANSPORT_HEADER,
                offset: 0,
                length: 1,
            })
            .compare(AT_LEAST, &[first])
            .compare(AT_MOST, &[last])
    }

    /// Then adds the packet to the named counter.
    pub(crate) fn count(self, counter: &str) -> Self {
        self.load(Step::Count(counter.to_owned()))
    }

    /// Then drops the packet.
    pub(crate) fn drop(self) -> Self {
        self.load(Step::Verdict(DROP))
    }

    /// Then lets the packet leave this chain.
    pub(crate) fn accept(self) -> Self {
        self.load(Step::Verdict(ACCEPT))
    }

    /// Then has the rules of another chain of the table asked, and those behind this one if none of them decides.
    pub(crate) fn jump(self, chain: &str) -> Self {
        self.load(Step::Jump(chain.to_owned()))
    }

    /// Then goes on behind the rule that jumped to this chain.
    pub(crate) fn go_back(self) -> Self {
        self.load(Step::Verdict(RETURN))
    }

    /// Whether something becomes of a packet that it matches: it is stopped or counted. All others let pass or look elsewhere.
    pub(crate) fn stops_or_counts(&self) -> bool {
        let does = |step: &Step| matches!(step, Step::Count(_) | Step::Verdict(DROP));
        self.steps.iter().any(does)
    }

    /// The same conditions, and nothing that is done where they hold.
    pub(crate) fn conditions(&self) -> Self {
        let is_action = |step: &Step| {
            matches!(
                step,
                Step::Count(_) | Step::Verdict(_) | Step::Jump(_) | Step::Masquerade
            )
        };
        let mut conditions = self.clone();
        conditions.steps.retain(|step| !is_action(step));
        conditions
    }

    /// Whether it asks that something be other than `condition`, which is one comparison, asks for: then it matches no packet
    /// that `condition` matches.
    pub(crate) fn rules_out(&self, condition: &Self) -> bool {
        let [load, Step::Compare { operator, value }] = condition.steps.as_slice() else {
            return false;
        };
        let other = Step::Compare {
            operator: NOT_EQUAL,
            value: value.clone(),
        };
        *operator == EQUAL
            && self
                .steps
                .array_windows()
                .any(|[first, second]| first == load && *second == other)
    }

    /// Then hides the source address behind that of the outgoing interface.
    pub(crate) fn masquerade(self) -> Self {
        self.load(Step::Masquerade)
    }

    /// Then keeps connection tracking from following the packet.
    #[cfg(test)]
    pub(crate) fn no_track(self) -> Self {
        self.load(Step::NoTrack)
    }

    /// Writes the rule's expressions into its message.
    pub(crate) fn encode(&self, message: &mut Message) {
        message.nest(RULE_EXPRESSIONS, |list| {
            for step in &self.steps {
                list.nest(LIST_ELEMENT, |element| encode(step, element));
            }
        });
    }

    fn load(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }

    fn compare(self, operator: u32, value: &[u8]) -> Self {
        self.load(Step::Compare {
            operator,
            value: value.to_vec(),
        })
    }

    fn interface(self, key: u32, name: &str, operator: u32) -> Self {
        // The register holds the whole name field, zeros included.
        let mut field = [0; libc::IFNAMSIZ];
        for (to, from) in field.iter_mut().zip(name.bytes()) {
            *to = from;
        }
        self.load(Step::Meta(key)).compare(operator, &field)
    }

    fn udp(self, offset: u32, port: u16) -> Self {
        self.protocol(17)
            .load(Step::Payload {
                base: TRANSPORT_HEADER,
                offset,
                length: 2,
            })
            .compare(EQUAL, &port.to_be_bytes())
    }

    fn ports(self, offset: u32, range: (u16, u16)) -> Self {
        self.load(Step::Payload {
            base: TRANSPORT_HEADER,
            offset,
            length: 2,
        })
        .between(range)
    }

    /// Compares the loaded port with a range.
    fn between(self, (first, last): (u16, u16)) -> Self {
        self.compare(AT_LEAST, &first.to_be_bytes())
            .compare(AT_MOST, &last.to_be_bytes())
    }

    fn family(mut self, family: i32) -> Self {
        if self.family_tested {
            return self;
        }
        self.family_tested = true;
        self.load(Step::Meta(META_FAMILY))
            .compare(EQUAL, &[family as u8])
    }

    fn address(mut self, side: Side, net: IpNet, operator: u32) -> Self {
        self = self.family(if net.addr().is_ipv6() {
            libc::AF_INET6
        } else {
            libc::AF_INET
        });
        if net.prefix_len() == 0 && operator == EQUAL {
            return self;
        }
        let (offset, length) = match (net.addr(), side) {
            (IpAddr::V4(_), Side::Source) => (12, 4),
            (IpAddr::V4(_), Side::Destination) => (16, 4),
            (IpAddr::V6(_), Side::Source) => (8, 16),
            (IpAddr::V6(_), Side::Destination) => (24, 16),
        };
        self = self.load(Step::Payload {
            base: NETWORK_HEADER,
            offset,
            length,
        });
        self.within(net, operator)
    }

    /// Compares the loaded address with a network.
    fn within(mut self, net: IpNet, operator: u32) -> Self {
        if net.prefix_len() < net.max_prefix_len() {
            self = self.load(Step::Mask(address_bytes(net.netmask())));
        }
        self.compare(operator, &address_bytes(net.network()))
    }
}

#[derive(Debug, Clone, Copy)]
enum Side {
    Source,
    Destination,
}

fn encode(step: &Step, message: &mut Message) {
    match step {
        Step::Meta(key) => expression(message, "meta", |data| {
            data.put_u32_be(META_TO, REGISTER)
                .put_u32_be(META_KEY, *key);
        }),
        Step::RouteIpsec => expression(message, "rt", |data| {
            data.put_u32_be(ROUTE_TO, REGISTER)
                .put_u32_be(ROUTE_KEY, ROUTE_IPSEC);
        }),
        Step::Tracked { key, direction } => expression(message, "ct", |data| {
            data.put_u32_be(TRACKED_TO, REGISTER)
                .put_u32_be(TRACKED_KEY, *key);
            if let Some(direction) = direction {
                data.put(TRACKED_OF, &[*direction]);
            }
        }),
        Step::Payload {
            base,
            offset,
            length,
        } => expression(message, "payload", |data| {
            data.put_u32_be(PAYLOAD_TO, REGISTER)
                .put_u32_be(PAYLOAD_BASE, *base)
                .put_u32_be(PAYLOAD_OFFSET, *offset)
                .put_u32_be(PAYLOAD_LENGTH, *length);
        }),
        Step::Mask(mask) => expression(message, "bitwise", |data| {
            let length = u32::try_from(mask.len()).unwrap_or(0);
            data.put_u32_be(BITWISE_FROM, REGISTER)
                .put_u32_be(BITWISE_TO, REGISTER)
                .put_u32_be(BITWISE_LENGTH, length)
                .nest(BITWISE_MASK, |value| {
                    value.put(DATA_VALUE, mask);
                })
                .nest(BITWISE_XOR, |value| {
                    value.put(DATA_VALUE, &vec![0; mask.len()]);
                });
        }),
        Step::Compare { operator, value } => expression(message, "cmp", |data| {
            data.put_u32_be(COMPARE_FROM, REGISTER)
                .put_u32_be(COMPARE_OPERATOR, *operator)
                .nest(COMPARE_DATA, |data| {
                    data.put(DATA_VALUE, value);
                });
        }),
        Step::Count(name) => expression(message, "objref", |data| {
            data.put_u32_be(OBJECT_TYPE, super::counter::OBJECT_COUNTER)
                .put_text(OBJECT_NAME, name);
        }),
        Step::Verdict(code) => verdict(message, *code, None),
        Step::Jump(chain) => verdict(message, JUMP, Some(chain)),
        Step::Masquerade => expression(message, "masq", |_| {}),
        #[cfg(test)]
        Step::NoTrack => expression(message, "notrack", |_| {}),
    }
}

fn verdict(message: &mut Message, code: u32, chain: Option<&str>) {
    expression(message, "immediate", |data| {
        data.put_u32_be(IMMEDIATE_TO, VERDICT_REGISTER)
            .nest(IMMEDIATE_DATA, |data| {
                data.nest(DATA_VERDICT, |verdict| {
                    verdict.put_u32_be(VERDICT_CODE, code);
                    if let Some(chain) = chain {
                        verdict.put_text(VERDICT_CHAIN, chain);
                    }
                });
            });
    });
}

fn expression(message: &mut Message, name: &str, fill: impl FnOnce(&mut Message)) {
    message
        .put_text(EXPRESSION_NAME, name)
        .nest(EXPRESSION_DATA, fill);
}

/// Every step works on the first 16-byte register.
const REGISTER: u32 = 1;
const VERDICT_REGISTER: u32 = 0;

/// NF_DROP, NF_ACCEPT, NFT_JUMP, NFT_RETURN.
const DROP: u32 = 0;
const ACCEPT: u32 = 1;
const JUMP: u32 = (-3_i32).cast_unsigned();
const RETURN: u32 = (-5_i32).cast_unsigned();

const EQUAL: u32 = 0;
const NOT_EQUAL: u32 = 1;
const AT_MOST: u32 = 3;
const AT_LEAST: u32 = 5;

const NETWORK_HEADER: u32 = 1;
const TRANSPORT_HEADER: u32 = 2;

const META_MARK: u32 = 3;
const META_INPUT_NAME: u32 = 6;
const META_OUTPUT_NAME: u32 = 7;
const META_FAMILY: u32 = 15;
const META_L4_PROTOCOL: u32 = 16;
/// NFT_META_SECPATH.
const META_IPSEC: u32 = 25;
/// NFT_RT_XFRM.
const ROUTE_IPSEC: u32 = 4;

/// NFT_CT_STATE, NFT_CT_DIRECTION, NFT_CT_PROTO_SRC, NFT_CT_SRC_IP, NFT_CT_SRC_IP6.
const TRACKED_STATE: u32 = 0;
const TRACKED_DIRECTION: u32 = 1;
const TRACKED_SOURCE_PORT: u32 = 11;
const TRACKED_SOURCE_V4: u32 = 19;
const TRACKED_SOURCE_V6: u32 = 21;
/// Of the state: NF_CT_STATE_INVALID_BIT (connection tracking wouldn't have it) and NF_CT_STATE_UNTRACKED_BIT.
const UNTRACKED: u32 = 1 | 1 << 6;

const RULE_EXPRESSIONS: u16 = 4;
const LIST_ELEMENT: u16 = 1;
const EXPRESSION_NAME: u16 = 1;
const EXPRESSION_DATA: u16 = 2;
const META_TO: u16 = 1;
const META_KEY: u16 = 2;
const ROUTE_TO: u16 = 1;
const ROUTE_KEY: u16 = 2;
const TRACKED_TO: u16 = 1;
const TRACKED_KEY: u16 = 2;
const TRACKED_OF: u16 = 3;
const PAYLOAD_TO: u16 = 1;
const PAYLOAD_BASE: u16 = 2;
const PAYLOAD_OFFSET: u16 = 3;
const PAYLOAD_LENGTH: u16 = 4;
const BITWISE_FROM: u16 = 1;
const BITWISE_TO: u16 = 2;
const BITWISE_LENGTH: u16 = 3;
const BITWISE_MASK: u16 = 4;
const BITWISE_XOR: u16 = 5;
const COMPARE_FROM: u16 = 1;
const COMPARE_OPERATOR: u16 = 2;
const COMPARE_DATA: u16 = 3;
const OBJECT_TYPE: u16 = 1;
const OBJECT_NAME: u16 = 2;
const IMMEDIATE_TO: u16 = 1;
const IMMEDIATE_DATA: u16 = 2;
const DATA_VALUE: u16 = 1;
const DATA_VERDICT: u16 = 2;
const VERDICT_CODE: u16 = 1;
const VERDICT_CHAIN: u16 = 2;

#[cfg(test)]
pub(crate) mod played;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::netlink::codec::{messages, text};

    /// The names of a rule's expressions, read back from its message.
    fn names(rule: &Rule) -> Vec<String> {
        let mut message = Message::new(0, 0, &[]);
        rule.encode(&mut message);
        let bytes = message.finish(1);
        let answer = messages(&bytes).next().unwrap();
        let list = answer.attributes(0).nested(RULE_EXPRESSIONS).unwrap();
        list.map(|(_, element)| {
            let element = crate::netlink::codec::Attributes(element);
            text(element.find(EXPRESSION_NAME).unwrap())
        })
        .collect()
    }

    #[test]
    fn the_family_is_tested_once_and_a_default_prefix_needs_no_address() {
        let all: IpNet = "0.0.0.0/0".parse().unwrap();
        let lan: IpNet = "10.1.0.0/16".parse().unwrap();
        let host: IpNet = "192.0.2.1/32".parse().unwrap();
        assert_eq!(
            names(&Rule::new().destination(all).drop()),
            ["meta", "cmp", "immediate"]
        );
        assert_eq!(
            names(&Rule::new().source(lan).destination(host).count("c").drop()),
            [
                "meta",
                "cmp",
                "payload",
                "bitwise",
                "cmp",
                "payload",
                "cmp",
                "objref",
                "immediate"
            ]
        );
    }

    #[test]
    fn conditions_rule_out_what_they_are_the_contrary_of() {
        let into = |name| Rule::new().output_interface(name);
        let lan: IpNet = "10.1.0.0/16".parse().unwrap();
        let stop = Rule::new().not_output_interface("adit0").source(lan);
        let stop = stop.count("c").drop();
        assert!(stop.stops_or_counts() && !stop.conditions().stops_or_counts());
        assert!(stop.rules_out(&into("adit0")) && stop.conditions().rules_out(&into("adit0")));
        assert!(!stop.rules_out(&into("adit1")));
        assert!(!stop.rules_out(&Rule::new().input_interface("adit0")));
        assert!(!into("adit0").drop().rules_out(&into("adit0")));
        assert!(!stop.rules_out(&Rule::new()) && !stop.rules_out(&stop.conditions()));
    }

    #[test]
    fn addresses_are_compared_under_their_mask() {
        let net: IpNet = "2001:db8:5::/48".parse().unwrap();
        let rule = Rule::new().destination(net);
        let mask: Vec<u8> = [vec![0xff; 6], vec![0; 10]].concat();
        assert!(rule.steps.contains(&Step::Mask(mask)));
        let value = address_bytes(net.network());
        assert_eq!(
            rule.steps.last(),
            Some(&Step::Compare {
                operator: EQUAL,
                value
            })
        );
    }
}
