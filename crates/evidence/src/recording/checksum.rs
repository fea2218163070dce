//! CRC-32 as IEEE 802.3 has it: it finds torn and damaged frames, and protects against nobody.

const TABLE: [u32; 256] = table();

const fn table() -> [u32; 256] {
    let mut table = [0; 256];
    let mut at = 0;
    while at < 256 {
        let mut value = at as u32;
        let mut bit = 0;
        while bit < 8 {
            value = if value & 1 == 1 {
                0xedb8_8320 ^ (value >> 1)
            } else {
                value >> 1
            };
            bit += 1;
        }
        table[at] = value;
        at += 1;
    }
    table
}

/// The checksum of these octets.
pub(super) fn of(octets: &[u8]) -> u32 {
    !octets.iter().fold(!0u32, |crc, octet| {
        let index = usize::from(crc.to_le_bytes()[0] ^ octet);
        TABLE.get(index).copied().unwrap_or_default() ^ (crc >> 8)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The check value that every list of CRCs has.
    #[test]
    fn the_check_value_is_right() {
        assert_eq!(of(b"123456789"), 0xcbf4_3926);
        assert_eq!(of(b""), 0);
    }
}
