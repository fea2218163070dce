//! The program as operators and scripts meet it, in the order in which they would: what it says without a gateway,
//! what it says of a configuration, the demo, a gateway whose answers are made up, and two real ones.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod applying;
mod cert;
mod check;
mod configurations;
mod contract;
mod credentials;
mod daemons;
mod demo_real;
mod demo_virtual;
mod documents;
mod evidence;
mod foreign;
mod journal;
mod manual;
mod pair;
mod program;
mod reading;
mod recordings;
mod rehearsing;
mod renewing;
mod reporting;
mod sites;
mod units;
mod verifying;
