//! The one bare hash that IKEv2 asks for.

use aws_lc_rs::digest;

/// SHA-1 over the concatenation of `parts`: what NAT detection hashes addresses with (RFC 7296 2.23). It hides
/// nothing and proves nothing, so the hash's age doesn't matter there; use it for nothing else.
#[must_use]
pub fn sha1(parts: &[&[u8]]) -> [u8; 20] {
    let mut context = digest::Context::new(&digest::SHA1_FOR_LEGACY_USE_ONLY);
    parts.iter().for_each(|part| context.update(part));
    let mut out = [0; 20];
    for (to, from) in out.iter_mut().zip(context.finish().as_ref()) {
        *to = *from;
    }
    out
}

#[cfg(test)]
mod tests {
    #[test]
    fn fips_180_example() {
        let expected = [
            0xa9, 0x99, 0x3e, 0x36, 0x47, 0x06, 0x81, 0x6a, 0xba, 0x3e, 0x25, 0x71, 0x78, 0x50,
            0xc2, 0x6c, 0x9c, 0xd0, 0xd8, 0x9d,
        ];
        assert_eq!(super::sha1(&[b"a", b"bc"]), expected);
    }
}
