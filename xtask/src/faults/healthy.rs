//! Tunnels with which nothing is wrong, each configured otherwise: whatever is found in one is a false alarm.

use std::path::Path;
use std::time::Duration;

use serde::Serialize;
use serde_json::Value;

use super::act::{Act, Who};
use super::play::{self, Job};
use super::row::Fault;
use crate::interop::{Kind, Role};

/// A run.
#[derive(Clone, Debug, Serialize)]
pub struct Run {
    /// What it was configured with.
    pub configuration: String,
    pub role: Role,
    pub peer: Kind,
    /// What was found in it.
    pub alarms: Vec<String>,
    /// Why it couldn't be played.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_played: Option<String>,
}

/// The run of this number.
pub fn play(binary: &Path, index: usize, number: usize) -> Run {
    let (job, configuration) = job(number);
    let mut run = Run {
        configuration,
        role: job.role,
        peer: job.peer,
        alarms: Vec::new(),
        not_played: None,
    };
    match play::world(binary, index, &job, |ask| {
        // Right after it came up, and when packets have gone through for a while.
        let first = ask()?;
        std::thread::sleep(Duration::from_secs(2));
        Ok([first, ask()?])
    }) {
        Ok(documents) => {
            run.alarms = documents.iter().flat_map(alarms).collect();
            run.alarms.dedup();
        }
        Err(problem) => run.not_played = Some(format!("{problem:#}")),
    }
    run
}

/// What a document says is wrong; that it can't decide is an alarm too.
fn alarms(document: &Value) -> Vec<String> {
    let findings = document["findings"].as_array().into_iter().flatten();
    let mut alarms: Vec<String> = findings
        .filter_map(|finding| finding["cause"].as_str())
        .map(str::to_owned)
        .collect();
    if alarms.is_empty() && document["verdict"] != "healthy" {
        alarms.push(document["verdict"].as_str().unwrap_or("nothing").to_owned());
    }
    alarms
}

/// The configuration of this number: what is chosen of each kind changes at a pace of its own.
fn job(number: usize) -> (Job, String) {
    let of = |pace: usize, list: &[&str]| -> String {
        let chosen = list.get((number / pace + number * pace) % list.len());
        chosen.copied().unwrap_or_default().to_owned()
    };
    let role = if number.is_multiple_of(2) {
        Role::Initiator
    } else {
        Role::Responder
    };
    let peer = if (number / 2).is_multiple_of(2) {
        Kind::Adit
    } else {
        Kind::StrongSwan
    };
    let ike = of(
        1,
        &[
            "aes128gcm16-prfsha256-x25519",
            "aes256gcm16-prfsha384-ecp384",
            "aes256-sha256-modp2048",
            "chacha20poly1305-prfsha512-x25519",
            "aes128-sha512-ecp256",
            "aes192-sha384-modp3072",
            "aes256gcm16-prfsha256-modp4096",
        ],
    );
    let esp = of(
        3,
        &[
            "aes128gcm16-x25519",
            "aes256gcm16",
            "aes256-sha256-modp2048",
            "chacha20poly1305-x25519",
            "aes128-sha512",
        ],
    );
    let auth = of(
        5,
        &[
            "west_auth = \"psk\"\neast_auth = \"psk\"\n",
            "west_auth = \"cert\"\neast_auth = \"cert\"\n",
            "west_auth = \"cert\"\neast_auth = \"cert\"\neast_key = \"rsa2048\"\n",
            "west_auth = \"psk\"\neast_auth = \"cert\"\n",
            "west_auth = \"pubkey\"\neast_auth = \"pubkey\"\n",
            "west_auth = \"cert\"\neast_auth = \"cert\"\nintermediate = true\n",
        ],
    );
    // strongSwan's user-space ESP wants an address of its host in each of its networks.
    let several = match peer {
        Kind::Adit => {
            "west_net = [\"10.1.0.0/16\"]\neast_net = [\"10.2.0.0/24\", \"10.99.0.0/24\"]\n"
        }
        Kind::StrongSwan => "west_net = [\"10.1.0.0/16\"]\neast_net = [\"10.2.0.0/23\"]\n",
    };
    let nets = of(
        7,
        &[
            "",
            "west_net = [\"fd00:1::/64\"]\neast_net = [\"fd00:2::/64\"]\n",
            several,
        ],
    );
    let further = of(
        4,
        &[
            "",
            "child_keys = { df = \"copy\" }\n",
            "child_keys = { fragment = \"outer\" }\n",
            "keys = { dpd = \"off\" }\n",
            "child_keys = { tfc = \"mtu\", replay_window = 64 }\n",
            "keys = { monitor = { interval = \"500ms\", failures = 2 } }\n",
            "child_keys = { df = \"set\", mss = 1300 }\nkeys = { dpd = \"1s\" }\n",
        ],
    );
    let nat = of(2, &["router", "near", "none", "far", "router"]);
    let outer = match nat.as_str() {
        "router" | "none" if number % 5 == 4 => "outer_v6 = true\n",
        _ => "",
    };
    // Who calls a hidden gateway would need its NAT to send everything on; that isn't varied here.
    let nat = match (nat.as_str(), role) {
        ("near", Role::Responder) => "far".to_owned(),
        ("far", Role::Initiator) => "near".to_owned(),
        _ => nat,
    };
    let then = match number % 7 {
        2 => vec![Act::Rekeys(Who::We)],
        4 => vec![Act::RekeysIke(Who::We)],
        5 => vec![Act::Rekeys(Who::Peer)],
        _ => Vec::new(),
    };
    let text = format!(
        "name = \"healthy/{number}\"\nshows = \"C1\"\nwant = []\nside = []\nnat = \"{nat}\"\nafter = 1\n\
         then = [\"wait 1\"]\n[tunnel]\nike = \"{ike}\"\nesp = \"{esp}\"\n{auth}{nets}{further}{outer}"
    );
    let mut fault: Fault = match toml_edit::de::from_str(&text) {
        Ok(fault) => fault,
        // The test below reads every one.
        Err(problem) => unreachable!("{problem}: {text}"),
    };
    fault.then.extend(then);
    let line = format!("{ike}, {esp}, {nat} {auth}{nets}{further}{outer}");
    let told = line.trim().replace('\n', ", ");
    (Job { fault, role, peer }, told)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hundred_configurations_read_and_differ() {
        let all: std::collections::BTreeSet<_> = (0..100)
            .map(|number| {
                let (job, told) = job(number);
                format!("{told} {} {}", job.role, play::word(job.peer))
            })
            .collect();
        assert!(all.len() >= 95, "{}", all.len());
    }
}
