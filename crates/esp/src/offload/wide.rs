//! Sums in registers that not every processor has: the only `unsafe` of this crate.
//!
//! Every payload is summed on either side of the tunnel. x86-64 at large has registers of 16 octets; those with AVX2, which are
//! all that a gateway is likely to meet, have 32, and sum in three fifths of the time.

/// As [`super::checksum::plain`]; `None` where that is as quick.
#[cfg(target_arch = "x86_64")]
pub(super) fn sum(octets: &[u8]) -> Option<u64> {
    if octets.len() < WORTHWHILE || !std::arch::is_x86_feature_detected!("avx2") {
        return None;
    }
    // SAFETY: the processor has what the function is compiled for.
    Some(unsafe { with_avx2(octets) })
}

/// As [`super::checksum::plain`]; `None` where that is as quick.
#[cfg(not(target_arch = "x86_64"))]
pub(super) fn sum(_: &[u8]) -> Option<u64> {
    None
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn with_avx2(octets: &[u8]) -> u64 {
    super::checksum::plain(octets)
}

/// Fewer octets, headers and addresses above all, aren't worth the question what the processor has.
#[cfg(target_arch = "x86_64")]
const WORTHWHILE: usize = 128;
