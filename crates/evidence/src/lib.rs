//! Reads what other products and the wire say about a tunnel into [`adit_model::fact`]s, so that diagnosis judges it
//! as it judges our own events. Captures are read by [`capture`].

#![forbid(unsafe_code)]

pub mod capture;
