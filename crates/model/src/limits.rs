//! How much of what nobody has authenticated for yet is kept (RFC 7296 2.6, RFC 8019 4).

/// Bounds of half-open IKE SAs: those that peers have begun and not authenticated for yet.
///
/// A source is an IPv4 address, or the IPv6 network of 64 bits that whoever has an address in it usually has as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HalfOpen {
    /// How many there may be; beyond that first requests are dropped.
    pub limit: u32,
    /// From how many on every first request has to return a cookie; 0 asks always.
    pub cookies_from: u32,
    /// How many one source may have, once it has shown by a cookie that it is there.
    pub per_source: u32,
    /// From how many of its own on a source has to return a cookie, whatever others do.
    pub cookies_from_per_source: u32,
}

impl Default for HalfOpen {
    fn default() -> Self {
        Self {
            limit: 1000,
            cookies_from: 100,
            per_source: 50,
            cookies_from_per_source: 10,
        }
    }
}
