//! `[policy.NAME]`.

use adit_model::policy::{Action, Policy};

use crate::adit::child;
use crate::adit::keys::Section;
use crate::adit::reader::{Reader, Table};

/// What `action` may say.
pub(super) const ACTIONS: [(&str, Action); 2] =
    [("bypass", Action::Bypass), ("drop", Action::Drop)];

/// TCP, UDP, SCTP.
const WITH_PORTS: [u8; 3] = [6, 17, 132];

/// Reads all policies, in the order written.
pub(super) fn all(reader: &mut Reader<'_>, root: &Table<'_>) -> Vec<Policy> {
    let tables = reader.named_tables(root, "policy", Section::Policy);
    tables
        .into_iter()
        .map(|(name, table)| one(reader, name, &table))
        .collect()
}

fn one(reader: &mut Reader<'_>, name: &str, table: &Table<'_>) -> Policy {
    if !table.entries.contains_key("action") {
        reader.missing(table, "action", "action = \"bypass\"");
    }
    let policy = Policy {
        name: name.to_owned(),
        action: child::word(reader, table, "action", &ACTIONS),
        local: child::nets(reader, table, "local_net", "10.1.0.0/24"),
        remote: child::nets(reader, table, "remote_net", "10.2.0.0/24"),
    };
    for (key, list) in [("local_net", &policy.local), ("remote_net", &policy.remote)] {
        let portless = |s: &&adit_model::selector::Selector| {
            s.ports != (0, u16::MAX) && (!WITH_PORTS.contains(&s.protocol) || s.ports.0 > s.ports.1)
        };
        if let Some(found) = list.iter().find(portless) {
            reader
                .error(
                    "policy-ports",
                    &table.at_value(key),
                    format!("{found} has ports that a packet filter can't compare"),
                )
                .expected("ports of tcp, udp or sctp")
                .fix(format!("{key} = [\"10.2.0.0/24[tcp/443]\"]"));
        }
    }
    if !policy.local.is_empty() && !policy.remote.is_empty() && policy.pairs().next().is_none() {
        reader
            .error(
                "mixed-families",
                &table.at_value("remote_net"),
                format!("no packet matches both sides of `{name}`"),
            )
            .expected("a family and a protocol that both sides have")
            .fix("remote_net = [\"10.2.0.0/24\"]");
    }
    policy
}
