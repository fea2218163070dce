//! What a network device does of a state or a policy, and which way a state's packets go.
//!
//! A device is only asked. Where it can't, the kernel says so (EINVAL mostly), or silently does it all itself: a device
//! without anything for IPsec, and a driver that answers EOPNOTSUPP, count as no offload asked for. So what a state came to
//! is known when it is read back.

use super::layout::{Fields, Reader};

/// A device that does a state's work (`struct xfrm_user_offload`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Offload {
    /// The index of the interface.
    pub device: u32,
    /// Whether it is a state of packets that are received.
    pub inbound: bool,
    /// Whether the device does all of it, headers, sequence numbers and policies too (Linux 6.2), and not only the
    /// cryptography. Its policies have to name the device as well.
    pub packet: bool,
}

/// Which way a state's packets go (Linux 6.10). A kernel that was told refuses a state that is set up for the other way,
/// and packets that use it for that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SaDirection {
    /// They are received.
    In,
    /// They are sent.
    Out,
}

impl Offload {
    /// XFRM_OFFLOAD_IPV6 isn't set, as iproute2 doesn't: no kernel reads it.
    pub(super) fn emit(self) -> Vec<u8> {
        let flag = |on: bool, bit: u8| if on { bit } else { 0 };
        emit(
            self.device,
            flag(self.inbound, INBOUND) | flag(self.packet, PACKET),
        )
    }

    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        let device = reader.u32()?;
        let flags = reader.u8()?;
        // Without a device nothing is offloaded, whatever else is said.
        (device != 0).then_some(Self {
            device,
            inbound: flags & INBOUND != 0,
            packet: flags & PACKET != 0,
        })
    }
}

/// What a policy says of a device that does all of its traffic's work.
pub(super) fn emit_of_policy(device: u32) -> Vec<u8> {
    emit(device, PACKET)
}

fn emit(device: u32, flags: u8) -> Vec<u8> {
    let mut fields = Fields::default();
    fields.u32(device).u8(flags).zeros(3);
    fields.bytes().to_vec()
}

impl SaDirection {
    pub(super) const fn number(self) -> u8 {
        match self {
            Self::In => 1,
            Self::Out => 2,
        }
    }

    pub(super) const fn of(number: u8) -> Option<Self> {
        match number {
            1 => Some(Self::In),
            2 => Some(Self::Out),
            _ => None,
        }
    }
}

const INBOUND: u8 = 2;
const PACKET: u8 = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_is_written_reads_back() {
        for device in [1, 42, u32::MAX] {
            for flags in 0..4_u8 {
                let offload = Offload {
                    device,
                    inbound: flags & 1 != 0,
                    packet: flags & 2 != 0,
                };
                assert_eq!(Offload::parse(&offload.emit()), Some(offload));
            }
        }
        for number in 0..=u8::MAX {
            let read = SaDirection::of(number).map(SaDirection::number);
            assert_eq!(read, (1..=2).contains(&number).then_some(number));
        }
    }

    #[test]
    fn what_is_too_short_or_names_no_device_is_no_offload() {
        let whole = emit_of_policy(7);
        assert_eq!(whole.len(), 8, "struct xfrm_user_offload");
        for end in 0..5 {
            assert_eq!(Offload::parse(&whole[..end]), None);
        }
        assert_eq!(Offload::parse(&[0; 8]), None);
        // Bits that nobody knows yet are nobody's business.
        let flags = Offload::parse(&[3, 0, 0, 0, 0xf9, 0, 0, 0]);
        assert!(flags.is_some_and(|offload| !offload.inbound && !offload.packet));
    }
}
