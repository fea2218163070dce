//! DSCP and ECN between inner and outer header (RFC 2983, RFC 6040, RFC 4301 5.1.2).
//!
//! Outwards the inner header's bits are copied, unless the configuration says otherwise. Inwards only a mark of congestion
//! passes, because anybody on the path can write the outer header: the DSCP stays outside unless it is asked for.

use adit_model::carriage::{Carriage, Dscp, Ecn};
use adit_model::drops::DropReason;
use adit_wire::ip::set_traffic_class;

const NOT_ECT: u8 = 0;
const ECT_1: u8 = 1;
const CE: u8 = 3;
const ECN_BITS: u8 = 3;

/// DSCP and ECN of the outer header around an inner packet with `inner` (RFC 6040 4.1).
#[must_use]
pub fn outer(carriage: &Carriage, inner: u8) -> u8 {
    let dscp = match carriage.dscp {
        Dscp::Copy => inner & !ECN_BITS,
        Dscp::Fixed(dscp) => dscp << 2,
    };
    let ecn = match carriage.ecn {
        Ecn::Normal => inner & ECN_BITS,
        Ecn::Compat => NOT_ECT,
    };
    dscp | ecn
}

/// DSCP and ECN that the inner packet goes on with, where its own are `inner` and it came in a packet with `outer`
/// (RFC 6040 4.2).
///
/// # Errors
/// [`DropReason::EspEcn`]: the path says that there is congestion to a sender that doesn't know of such marks; only a loss
/// tells it.
pub fn arriving(carriage: &Carriage, inner: u8, outer: u8) -> Result<u8, DropReason> {
    let dscp = if carriage.dscp_in { outer } else { inner } & !ECN_BITS;
    let ecn = match (inner & ECN_BITS, outer & ECN_BITS) {
        (NOT_ECT, CE) => return Err(DropReason::EspEcn),
        (NOT_ECT, _) => NOT_ECT,
        (CE, _) | (_, CE) => CE,
        (_, ECT_1) => ECT_1,
        (inner, _) => inner,
    };
    Ok(dscp | ecn)
}

/// Gives the inner packet at the front of `packet` what [`arriving`] says.
///
/// # Errors
/// As [`arriving`]; nothing has changed then.
pub(crate) fn arrive(carriage: &Carriage, packet: &mut [u8], outer: u8) -> Result<(), DropReason> {
    let inner = of(packet);
    let combined = arriving(carriage, inner, outer)?;
    if combined != inner {
        set_traffic_class(packet, combined);
    }
    Ok(())
}

/// DSCP and ECN of an IP packet; 0 if it is none.
pub(crate) fn of(packet: &[u8]) -> u8 {
    match packet {
        [first, second, ..] if first >> 4 == 6 => first << 4 | second >> 4,
        [_, second, ..] => *second,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ECT_0: u8 = 2;
    const EF: u8 = 46 << 2;
    const AF11: u8 = 10 << 2;

    /// RFC 6040 4.2, figure 4: rows are the inner field, columns the outer one.
    #[test]
    fn abuse_99_congestion_marks_are_combined_as_the_table_says() {
        let order = [NOT_ECT, ECT_0, ECT_1, CE];
        let table = [
            (
                NOT_ECT,
                [
                    Ok(NOT_ECT),
                    Ok(NOT_ECT),
                    Ok(NOT_ECT),
                    Err(DropReason::EspEcn),
                ],
            ),
            (ECT_0, [Ok(ECT_0), Ok(ECT_0), Ok(ECT_1), Ok(CE)]),
            (ECT_1, [Ok(ECT_1), Ok(ECT_1), Ok(ECT_1), Ok(CE)]),
            (CE, [Ok(CE), Ok(CE), Ok(CE), Ok(CE)]),
        ];
        let carriage = Carriage::default();
        for (inner, row) in table {
            for (outer, expected) in order.into_iter().zip(row) {
                let found = arriving(&carriage, EF | inner, AF11 | outer);
                assert_eq!(found, expected.map(|ecn| EF | ecn), "{inner} in {outer}");
            }
        }
    }

    /// RFC 6040 4.1, and RFC 2983: copied or fixed.
    #[test]
    fn the_outer_header_shows_what_it_is_configured_to() {
        let normal = Carriage::default();
        let compat = Carriage {
            ecn: Ecn::Compat,
            ..normal
        };
        let fixed = Carriage {
            dscp: Dscp::Fixed(10),
            ..normal
        };
        for ecn in [NOT_ECT, ECT_0, ECT_1, CE] {
            assert_eq!(outer(&normal, EF | ecn), EF | ecn);
            assert_eq!(outer(&compat, EF | ecn), EF);
            assert_eq!(outer(&fixed, EF | ecn), AF11 | ecn);
        }
        let silent = Carriage {
            dscp: Dscp::Fixed(0),
            ecn: Ecn::Compat,
            ..normal
        };
        for inner in 0..=u8::MAX {
            assert_eq!(
                outer(&silent, inner),
                0,
                "nothing of the inner header shows"
            );
        }
    }

    #[test]
    fn a_dscp_comes_in_only_where_that_is_asked_for() {
        let uniform = Carriage {
            dscp_in: true,
            ..Carriage::default()
        };
        assert_eq!(arriving(&uniform, EF | ECT_0, AF11 | CE), Ok(AF11 | CE));
        assert_eq!(arriving(&Carriage::default(), EF, AF11), Ok(EF));
    }
}
