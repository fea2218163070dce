//! ESP that encrypts nothing (RFC 2410, RFC 4543), by its look: in tunnel mode an IP packet stands right behind the header,
//! or behind the eight octets of an initialisation vector (compare RFC 5879).

/// Where the inner packet begins in ESP: behind the header, and behind an initialisation vector as well.
const PLACES: [usize; 2] = [8, 16];
/// Padding, its length, the next header, and an integrity check value, at most.
const MOST_BEHIND: usize = 255 + 2 + 64;

/// Whether anybody can read what an ESP packet carries; of one that was `cut` only the beginning is here.
pub(super) fn is_readable(esp: &[u8], cut: bool) -> bool {
    PLACES.iter().any(|at| {
        esp.get(*at..).is_some_and(|inner| {
            let fits = |length: usize| match inner.len().checked_sub(length) {
                Some(behind) => (2..=MOST_BEHIND).contains(&behind),
                None => cut,
            };
            is_ipv4(inner, fits) || is_ipv6(inner, fits)
        })
    })
}

/// A header without options whose checksum is right: one in sixteen million of what is encrypted looks like that.
fn is_ipv4(inner: &[u8], fits: impl Fn(usize) -> bool) -> bool {
    let Some(header) = inner.first_chunk::<20>() else {
        return false;
    };
    let words = header.chunks_exact(2).map(|w| match w {
        [high, low] => u32::from(u16::from_be_bytes([*high, *low])),
        _ => 0,
    });
    let sum: u32 = words.sum();
    let length = usize::from(u16::from_be_bytes([header[2], header[3]]));
    // All ones in ones' complement is what a right checksum makes of the sum (RFC 1071).
    header[0] == 0x45 && sum != 0 && sum.is_multiple_of(0xffff) && fits(length)
}

/// A header whose length fits, and whose next header is a common one.
fn is_ipv6(inner: &[u8], fits: impl Fn(usize) -> bool) -> bool {
    let Some(&[first, _, _, _, high, low, next, hops, ..]) = inner.first_chunk::<40>() else {
        return false;
    };
    let length = 40 + usize::from(u16::from_be_bytes([high, low]));
    first >> 4 == 6 && hops > 0 && matches!(next, 0 | 6 | 17 | 44 | 58 | 132) && fits(length)
}

#[cfg(test)]
mod tests {
    use super::is_readable;

    /// ESP around a packet of 60 octets, with `before` octets between.
    fn esp(inner: &[u8], before: usize) -> Vec<u8> {
        let mut out = vec![0xc0, 0, 0, 1, 0, 0, 0, 9];
        out.resize(8 + before, 0x7e);
        out.extend(inner);
        out.extend([1, 2, 2, 4]);
        out.resize(out.len() + 12, 0x33);
        out
    }

    fn ipv4() -> Vec<u8> {
        let mut packet = vec![
            0x45, 0, 0, 60, 0x1c, 0x46, 0x40, 0, 64, 6, 0, 0, 10, 1, 0, 2, 10, 2, 0, 2,
        ];
        let sum: u32 = packet
            .chunks(2)
            .map(|w| u32::from(w[0]) << 8 | u32::from(w[1]))
            .sum();
        let sum = !u16::try_from((sum & 0xffff) + (sum >> 16)).unwrap();
        packet[10..12].copy_from_slice(&sum.to_be_bytes());
        packet.resize(60, 0);
        packet
    }

    #[test]
    fn what_is_not_encrypted_is_told_from_what_is() {
        for before in [0, 8] {
            assert!(is_readable(&esp(&ipv4(), before), false), "{before}");
            assert!(!is_readable(&esp(&ipv4(), before + 1), false), "{before}");
        }
        let mut wrong = ipv4();
        wrong[10] ^= 1;
        assert!(!is_readable(&esp(&wrong, 0), false));
        let mut ipv6 = vec![0x60, 0, 0, 0, 0, 20, 6, 64];
        ipv6.resize(60, 0x20);
        assert!(is_readable(&esp(&ipv6, 8), false));
        let whole = esp(&ipv4(), 0);
        assert!(is_readable(&whole[..40], true));
        assert!(!is_readable(&whole[..40], false));
        assert!(!is_readable(&[0x55; 120], false));
        assert!(!is_readable(&[], true));
    }
}
