//! The demo's addresses and configurations: what both worlds, real and virtual, are built from.
//!
//! ```text
//! west-lan 10.1.0.2 — west 192.168.1.1 — 192.168.1.254 nat 203.0.113.1 — 203.0.113.2 east — 10.2.0.2 east-lan
//! ```

use super::fault::Fault;

/// Address of west on the private link to the NAT box.
pub const WEST: &str = "192.168.1.1";
/// The NAT box on west's link.
pub const NAT_INSIDE: &str = "192.168.1.254";
/// The NAT box on the outside.
pub const NAT_OUTSIDE: &str = "203.0.113.1";
/// Address of east.
pub const EAST: &str = "203.0.113.2";
/// The host behind west.
pub const WEST_HOST: [&str; 2] = ["10.1.0.2", "fd00:1::2"];
/// The host behind east.
pub const EAST_HOST: [&str; 2] = ["10.2.0.2", "fd00:2::2"];
/// West as its LAN sees it.
pub const WEST_LAN: [&str; 2] = ["10.1.0.1", "fd00:1::1"];
/// East as its LAN sees it.
pub const EAST_LAN: [&str; 2] = ["10.2.0.1", "fd00:2::1"];
/// The networks of the story, for telling protected traffic in clear from everything else.
pub const PROTECTED: [&str; 4] = ["10.1.0.0/24", "10.2.0.0/24", "fd00:1::/64", "fd00:2::/64"];

/// The name of the tunnel on both sides.
pub const TUNNEL: &str = "office";

/// One side's configuration file and key.
#[derive(Clone, Debug)]
pub struct SidePlan {
    /// TOML text.
    pub config: String,
    /// Contents of `office.psk`.
    pub psk: String,
}

/// West, which starts the tunnel; no fault of the demo is made on its side.
pub fn west(key: &str) -> SidePlan {
    SidePlan {
        config: text(
            "auto",
            WEST,
            EAST,
            "west.lab",
            "east.lab",
            "aes128gcm16-prfsha256-x25519",
            "aes128gcm16",
            ["10.1.0.0/24", "fd00:1::/64"],
            ["10.2.0.0/24", "fd00:2::/64"],
        ),
        psk: key.to_owned(),
    }
}

/// East, which waits, with the fault if it is one of configuration.
pub fn east(key: &str, fault: Option<Fault>) -> SidePlan {
    let is = |f| fault == Some(f);
    let remote_id = if is(Fault::Id) {
        "branch.lab"
    } else {
        "west.lab"
    };
    let ike = match fault {
        Some(Fault::Proposal) => "aes256gcm16-prfsha256-x25519",
        Some(Fault::Dh) => "aes128gcm16-prfsha256-ecp384",
        _ => "aes128gcm16-prfsha256-x25519",
    };
    let esp = if is(Fault::Esp) {
        "chacha20poly1305"
    } else {
        "aes128gcm16"
    };
    let local_net = if is(Fault::Ts) {
        ["10.9.0.0/24", "fd00:9::/64"]
    } else {
        ["10.2.0.0/24", "fd00:2::/64"]
    };
    SidePlan {
        config: text(
            "passive",
            EAST,
            "any",
            "east.lab",
            remote_id,
            ike,
            esp,
            local_net,
            ["10.1.0.0/24", "fd00:1::/64"],
        ),
        psk: if is(Fault::Psk) {
            format!("{key}-but-not-the-same")
        } else {
            key.to_owned()
        },
    }
}

#[allow(clippy::too_many_arguments)] // One argument per line of the file; names at the only two callers say which.
fn text(
    start: &str,
    local: &str,
    remote: &str,
    local_id: &str,
    remote_id: &str,
    ike: &str,
    esp: &str,
    local_net: [&str; 2],
    remote_net: [&str; 2],
) -> String {
    format!(
        r#"[tunnel.{TUNNEL}]
local      = "{local}"
remote     = "{remote}"
local_id   = "{local_id}"
remote_id  = "{remote_id}"
auth       = {{ psk_file = "{TUNNEL}.psk" }}
ike        = ["{ike}"]
start      = "{start}"
retransmit = {{ initial = "250ms", tries = 4 }}

[tunnel.{TUNNEL}.child.lan]
local_net  = {local_net:?}
remote_net = {remote_net:?}
esp        = ["{esp}"]
"#
    )
}
