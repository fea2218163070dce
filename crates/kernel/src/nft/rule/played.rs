//! Chains of rules played on a described packet as the kernel plays them, for tests: what two plans make of the same packet.

use super::*;

/// A packet at one point of its way, all of it known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Packet {
    pub(crate) mark: u32,
    /// Device that it came in by; empty for what this host has made.
    pub(crate) input: String,
    pub(crate) output: String,
    pub(crate) v6: bool,
    pub(crate) protocol: u8,
    pub(crate) network: Vec<u8>,
    /// What follows; short when the packet is.
    pub(crate) transport: Vec<u8>,
    pub(crate) to_be_protected: bool,
    pub(crate) came_protected: bool,
    pub(crate) tracked: Option<Tracked>,
}

/// What connection tracking knows of a packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tracked {
    pub(crate) direction: u8,
    /// Source address and port of each direction.
    pub(crate) sources: [(IpAddr, u16); 2],
}

/// What became of a packet.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Outcome {
    pub(crate) dropped: bool,
    /// Counters that it was added to.
    pub(crate) counted: Vec<String>,
    /// Rules that were looked at.
    pub(crate) rules: usize,
}

/// Plays the rules of the chain called `base`.
pub(crate) fn play(chains: &[(&str, Vec<Rule>)], base: &str, packet: &Packet) -> Outcome {
    let mut outcome = Outcome::default();
    outcome.dropped = chain(chains, base, packet, &mut outcome) == Some(DROP);
    outcome
}

/// The verdict of a chain that ends the whole; `None` when it has none.
fn chain(
    chains: &[(&str, Vec<Rule>)],
    name: &str,
    packet: &Packet,
    outcome: &mut Outcome,
) -> Option<u32> {
    let (_, rules) = chains.iter().find(|(other, _)| *other == name)?;
    for rule in rules {
        outcome.rules += 1;
        let mut register: Vec<u8> = Vec::new();
        for step in &rule.steps {
            match step {
                Step::Verdict(RETURN) => return None,
                Step::Verdict(code) => return Some(*code),
                Step::Jump(to) => match chain(chains, to, packet, outcome) {
                    None => {}
                    end => return end,
                },
                Step::Count(counter) => outcome.counted.push(counter.clone()),
                Step::Mask(mask) => {
                    for (octet, mask) in register.iter_mut().zip(mask) {
                        *octet &= mask;
                    }
                }
                Step::Compare { operator, value } => {
                    let order = register.as_slice().cmp(value);
                    let holds = match *operator {
                        EQUAL => order.is_eq(),
                        NOT_EQUAL => order.is_ne(),
                        AT_MOST => order.is_le(),
                        AT_LEAST => order.is_ge(),
                        other => unreachable!("operator {other}"),
                    };
                    if !holds {
                        break;
                    }
                }
                Step::Masquerade | Step::NoTrack => unreachable!("{step:?}"),
                load => match loaded(load, packet) {
                    Some(octets) => register = octets,
                    None => break,
                },
            }
        }
    }
    None
}

/// What is loaded; `None` where the kernel leaves the rule.
fn loaded(step: &Step, packet: &Packet) -> Option<Vec<u8>> {
    let name = |name: &str| {
        let mut field = name.as_bytes().to_vec();
        field.resize(libc::IFNAMSIZ, 0);
        field
    };
    Some(match step {
        Step::Meta(META_MARK) => packet.mark.to_ne_bytes().to_vec(),
        Step::Meta(META_INPUT_NAME) => name(&packet.input),
        Step::Meta(META_OUTPUT_NAME) => name(&packet.output),
        Step::Meta(META_FAMILY) => {
            vec![if packet.v6 {
                libc::AF_INET6
            } else {
                libc::AF_INET
            } as u8]
        }
        Step::Meta(META_L4_PROTOCOL) => vec![packet.protocol],
        Step::Meta(META_IPSEC) => vec![u8::from(packet.came_protected)],
        Step::RouteIpsec => vec![u8::from(packet.to_be_protected)],
        Step::Payload {
            base,
            offset,
            length,
        } => {
            let header = match *base {
                NETWORK_HEADER => &packet.network,
                _ => &packet.transport,
            };
            let (offset, length) = (*offset as usize, *length as usize);
            header.get(offset..offset + length)?.to_vec()
        }
        Step::Tracked { key, direction } => match (*key, &packet.tracked) {
            // NF_CT_STATE_UNTRACKED_BIT; NF_CT_STATE_NEW.
            (TRACKED_STATE, None) => (1_u32 << 6).to_ne_bytes().to_vec(),
            (TRACKED_STATE, Some(_)) => (1_u32 << 3).to_ne_bytes().to_vec(),
            (_, None) => return None,
            (TRACKED_DIRECTION, Some(tracked)) => vec![tracked.direction],
            (key, Some(tracked)) => {
                let (address, port) = tracked.sources.get(usize::from((*direction)?))?;
                match (key, address) {
                    (TRACKED_SOURCE_PORT, _) => port.to_be_bytes().to_vec(),
                    (TRACKED_SOURCE_V4, IpAddr::V4(address)) => address.octets().to_vec(),
                    (TRACKED_SOURCE_V6, IpAddr::V6(address)) => address.octets().to_vec(),
                    _ => return None,
                }
            }
        },
        other => unreachable!("{other:?}"),
    })
}
