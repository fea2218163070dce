//! What an endpoint promises, in the order of an IKE SA's life; two endpoints in a laboratory, or one and a scripted
//! peer.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

mod handshake;

mod probe;

mod sa_init;

mod asking;
mod auth;

mod ppk;

mod additional;

mod certificates;

mod child;

mod mode;

mod traffic;

mod config_payload;

mod nat;

mod mobike;
mod mobike_abuse;

mod fragments;

mod rekey;

mod renewal;

mod reconfigured;

mod succession;

mod lost_state;

mod collisions;

mod followup;
// An attempt that is ended for the peer's sake.
mod giving_way;

mod window;

mod later;

mod lifetime;

mod recorded;

mod abuse;

mod impostors;

mod holding;
mod hostile;
