//! Tunnels that the kernel's IPsec carries.
#![allow(clippy::unwrap_used, clippy::expect_used, dead_code)]

use std::time::Duration;

use adit_kernel::xfrm::{self, State, Xfrm};

use crate::joined;
use crate::world::{At, Running, World, permitted};

/// The guest of `cargo xtask kernel` is slow.
pub const WAIT: Duration = Duration::from_secs(30);

/// Both gateways' configurations ask for the kernel.
pub fn in_kernel(text: &str) -> String {
    format!("[gateway]\nbackend = \"kernel\"\n{text}")
}

pub fn possible(what: &str) -> bool {
    if !permitted(what) {
        return false;
    }
    match xfrm::probe() {
        Ok(()) => true,
        Err(error) => {
            eprintln!("skipped: {what}: {error}");
            false
        }
    }
}

/// Both sides up; `west` and `east` change the configurations' texts.
pub fn up(
    world: &World,
    west: impl Fn(String) -> String,
    east: impl Fn(String) -> String,
) -> (Running, Running) {
    joined::up_with(world, |at, text| match at {
        At::West => west(in_kernel(&text)),
        At::East => east(in_kernel(&text)),
    })
}

pub fn same(text: String) -> String {
    text
}

/// The states at a gateway.
pub fn states(world: &World, at: At) -> Vec<State> {
    let states = world.ns(at).run(|| Xfrm::open().unwrap().states().unwrap());
    states.unwrap()
}
