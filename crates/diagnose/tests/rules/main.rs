//! Every rule on fixtures made of the model's own events: both roles, one side's evidence and both sides'.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod addresses;
mod ask;
mod child;
mod common;
mod general;
mod ike_auth;
mod ike_sa_init;
mod lifecycle;
mod live;
mod plane;
mod processors;
mod schema;
mod signs;
mod silence;
mod stages;
mod wire;
