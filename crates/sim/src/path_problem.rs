//! What an ICMP error tells, in the model's words.

use adit_model::event::PathProblem;
use adit_wire::icmp::IcmpMessage;
use adit_wire::ip::{IpPacket, protocol};

/// What the error in `packet` says; `None` when it is no error.
pub(crate) fn path_problem_of(packet: &IpPacket<'_>, message: &IcmpMessage) -> Option<PathProblem> {
    let v4 = packet.protocol == protocol::ICMP;
    match message {
        IcmpMessage::Unreachable { code, detail, .. } => Some(match (v4, code) {
            (true, 0) | (false, 0) => PathProblem::NetUnreachable,
            (true, 1) | (false, 3) => PathProblem::HostUnreachable,
            (true, 3) | (false, 4) => PathProblem::PortUnreachable,
            (true, 4) => PathProblem::FragmentationNeeded(detail & 0xffff),
            (true, 9 | 10 | 13) | (false, 1) => PathProblem::AdminProhibited,
            (true, code) => PathProblem::Other(3, *code),
            (false, code) => PathProblem::Other(1, *code),
        }),
        IcmpMessage::PacketTooBig { mtu, .. } => Some(PathProblem::FragmentationNeeded(*mtu)),
        _ => None,
    }
}

/// What was quoted by an error.
pub(crate) fn quoted(message: &IcmpMessage) -> &[u8] {
    match message {
        IcmpMessage::Unreachable { quoted, .. } | IcmpMessage::PacketTooBig { quoted, .. } => {
            quoted
        }
        _ => &[],
    }
}
