//! The security policies: which configured child a packet belongs to (RFC 4301 4.4.1).

use std::sync::Arc;

use adit_model::selector::Selector;
use adit_wire::ip::IpPacket;

/// One child's selectors. Policies are searched in order; the first that takes a packet has it.
pub(crate) struct Policy {
    /// Position of the child in the data plane's list.
    pub(crate) child: usize,
    pub(crate) local: Arc<[Selector]>,
    pub(crate) remote: Arc<[Selector]>,
}

/// Whether a packet goes from one of `from` to one of `to`: what a tunnel with these selectors would carry. Later fragments have no ports to show, so only selectors
/// for any port take them (RFC 4301 7).
#[must_use]
pub fn is_between(packet: &IpPacket<'_>, from: &[Selector], to: &[Selector]) -> bool {
    let ports = packet.ports();
    let (source, destination) = (ports.map(|p| p.source), ports.map(|p| p.destination));
    from.iter()
        .any(|s| s.matches(packet.protocol, source, packet.source))
        && to
            .iter()
            .any(|s| s.matches(packet.protocol, destination, packet.destination))
}
