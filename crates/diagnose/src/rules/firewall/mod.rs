//! Filters on the path.

pub(crate) mod udp4500_blocked;
pub(crate) mod udp500_blocked;
pub(crate) mod udp500_reply_blocked;
