//! Sentences about clusters.

use std::collections::VecDeque;

use adit_model::sign::Sign;

use super::{Phrase, any};
use crate::text::Line;

pub(super) static PHRASES: &[Phrase] = &[
    // strongSwan's ha plugin.
    any(
        Sign::ClusterSplit,
        "HA segment {name:w} was handled twice, dropping",
    ),
    // Cisco, FortiGate, PAN-OS, Junos.
    any(Sign::ClusterSplit, "HA-6-SPLIT_BRAIN"),
    any(
        Sign::ClusterSplit,
        "received lower priority advert, forcing new election",
    ),
    any(
        Sign::AddressDuplicate,
        "%IP-4-DUPADDR: Duplicate address {address:w} on",
    ),
    any(Sign::AddressDuplicate, "IPv6 duplicate address {address:w}"),
    any(Sign::AddressDuplicate, "{address:w} is using my IP address"),
    any(
        Sign::NeighbourMoved,
        "arp: {address:w} moved from {} to {} on",
    ),
    any(Sign::NodeStandby, "{name:w} Entering BACKUP STATE"),
    any(Sign::NodeStandby, "{name:w} Entering FAULT STATE"),
    any(
        Sign::NodeStandby,
        "VRRP_Instance({name}) Entering BACKUP STATE",
    ),
    any(
        Sign::NodeStandby,
        "VRRP_Instance({name}) Entering FAULT STATE",
    ),
    any(Sign::NodeTookOver, "{name:w} Entering MASTER STATE"),
    any(
        Sign::NodeTookOver,
        "VRRP_Instance({name}) Entering MASTER STATE",
    ),
    any(
        Sign::NodeTookOver,
        "HA segment {name:w} was not handled, taking",
    ),
    any(Sign::NodeTookOver, "HA segment {name:w} activated"),
    // CARP: the kernels of FreeBSD and OpenBSD, pfSense and OPNsense.
    any(Sign::NodeStandby, "carp: {name}: MASTER -> BACKUP"),
    any(Sign::NodeStandby, "carp: {name}: INIT -> BACKUP"),
    any(Sign::NodeTookOver, "carp: {name}: BACKUP -> MASTER"),
    any(Sign::NodeTookOver, "carp: {name}: INIT -> MASTER"),
    any(
        Sign::NodeStandby,
        "{name:w} state transition: MASTER -> BACKUP",
    ),
    any(
        Sign::NodeTookOver,
        "{name:w} state transition: BACKUP -> MASTER",
    ),
    any(Sign::NodeStandby, "has resumed CARP state \"BACKUP\""),
    any(Sign::NodeStandby, "has resumed the state \"BACKUP\""),
    any(Sign::NodeTookOver, "has resumed CARP state \"MASTER\""),
    any(Sign::NodeTookOver, "has resumed the state \"MASTER\""),
    // ifconfig.
    any(Sign::NodeStandby, "carp: BACKUP vhid {}"),
    // A state, not a change.
    any(Sign::NodeTookOver, "carp: MASTER vhid {state:w}"),
    // In users' words.
    any(Sign::NodeStandby, "CARP status is BACKUP"),
    any(Sign::NodeStandby, "CARP status is `BACKUP`"),
    any(Sign::NodeStandby, "CARP status is \"BACKUP\""),
    any(Sign::NodeStandby, "CARP state is BACKUP"),
    any(Sign::NodeStandby, "VRRP state is BACKUP"),
    any(Sign::NodeStandby, "became the CARP standby"),
    any(Sign::NodeStandby, "became the CARP backup"),
    any(Sign::NodeStandby, "became CARP backup"),
    any(Sign::NodeStandby, "became the standby node"),
    any(Sign::NodeStandby, "became the backup node"),
    any(Sign::SequenceBehind, "resyncing CHILD_SA using a rekey"),
    // VyOS and Vyatta.
    any(Sign::TransitionHookOld, "run-transition-scripts"),
    any(Sign::AllTunnelsRestarted, "$ restart vpn"),
    any(Sign::AllTunnelsRestarted, "# restart vpn"),
    any(Sign::AllTunnelsRestarted, "Restarting IPsec process"),
    // Watchdogs and other scripts.
    any(Sign::AllTunnelsRestarted, "Restarting IPsec service"),
    any(Sign::AllTunnelsRestarted, "Restarting IPsec daemon"),
    any(Sign::AllTunnelsRestarted, "Restarting the IPsec service"),
    any(Sign::AllTunnelsRestarted, "Restarting strongSwan service"),
    any(Sign::AllTunnelsRestarted, "Restarting service strongswan"),
    any(Sign::AllTunnelsRestarted, "Restarting service ipsec"),
    // What sudo writes of it.
    any(
        Sign::AllTunnelsRestarted,
        "COMMAND={command:w}ipsec restart",
    ),
    any(
        Sign::AllTunnelsRestarted,
        "COMMAND={command:w}systemctl restart ipsec",
    ),
    any(
        Sign::AllTunnelsRestarted,
        "COMMAND={command:w}systemctl restart strongswan",
    ),
];

/// Programs that do what a person, an update or the configuration's keeper told them, and the service's own.
const TOLD_TO: [&str; 34] = [
    "sudo",
    "systemd",
    "init",
    "procd",
    "charon",
    "pluto",
    "ipsec",
    "starter",
    "swanctl",
    "su",
    "bash",
    "login",
    "vyos",
    "audit",
    "php",
    "rc.",
    "configd",
    "puppet",
    "ansible",
    "python",
    "chef",
    "cfengine",
    "cf-agent",
    "salt",
    "needrestart",
    "unattended-upgr",
    "apt",
    "dpkg",
    "yum",
    "dnf",
    "packagekit",
    "cloud-init",
    "kernel",
    "ubus",
];

/// The program that restarts everything by itself: one that watches, neither a person nor the service's own.
pub(super) fn script<'a>(line: &Line<'a>) -> Option<&'a str> {
    // BusyBox writes a facility, a name and no number: `daemon.info watcher: …`. So it's one of the first two words.
    let headed = || {
        line.at?;
        let mut words = line.body.splitn(3, ' ');
        let first = words.next()?;
        let head = first
            .strip_suffix(':')
            .filter(|_| words.clone().next().is_some());
        let name = head.or_else(|| {
            words
                .next()?
                .strip_suffix(':')
                .filter(|_| words.next().is_some())
        })?;
        (name.len() > 1).then_some(name)
    };
    let name = line.program.or_else(headed)?;
    (!TOLD_TO.iter().any(|p| name.starts_with(p))).then_some(name)
}

/// What a program that watches something said last, the latest last.
#[derive(Debug, Default)]
pub(super) struct Watcher {
    name: String,
    said: VecDeque<String>,
}

impl Watcher {
    /// So much of a line tells what it is about.
    const HEAD: usize = 240;
    /// Between what it missed and what it does stands what it is about to do.
    const LINES: usize = 2;

    pub(super) fn hear(&mut self, line: &Line<'_>) {
        let Some(name) = script(line) else { return };
        if self.name != name {
            self.name.clear();
            self.name.push_str(name);
            self.said.clear();
        }
        let oldest = self.said.len() == Self::LINES;
        let mut said = oldest
            .then(|| self.said.pop_front())
            .flatten()
            .unwrap_or_default();
        said.clear();
        said.extend(line.body.chars().take(Self::HEAD));
        self.said.push_back(said);
    }

    /// Whether the same program has just told that something fails which isn't the tunnel, its traffic or its peer.
    pub(super) fn missed_something_else(&self, script: &str) -> bool {
        const OF_THE_TUNNEL: [&str; 26] = [
            "ping", "respon", "reach", "traffic", "tunnel", "dead", "lost", "loss", "peer",
            "remote", "gateway", "answer", "repl", "packet", "vpn", "ipsec", "route", "link",
            "dpd", "host", "chang", "config", "updat", "upgrad", "appl", "reload",
        ];
        const FAILS: [&str; 6] = ["not ", "n't ", "fail", "missing", "timeout", "timed out"];
        let holds = |words: &[&str]| {
            let said = |line: &String| {
                let line = line.to_ascii_lowercase();
                words.iter().any(|word| line.contains(word))
            };
            self.said.iter().any(said)
        };
        self.name == script && holds(&FAILS) && !holds(&OF_THE_TUNNEL)
    }
}

/// Whether a user tells it of the other node of the cluster.
pub(super) fn is_of_another(body: &str) -> bool {
    const OTHERS: [&str; 6] = [
        "other ",
        "second ",
        "secondary",
        "peer ",
        "partner",
        "its mate",
    ];
    let body = body.to_ascii_lowercase();
    body.split_once(" became ").is_some_and(|(who, _)| {
        let who = who.rsplit(['.', ',', ';']).next().unwrap_or(who);
        OTHERS.iter().any(|other| format!("{who} ").contains(other))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written<'a>(program: &'a str, body: &'a str) -> Line<'a> {
        Line {
            at: None,
            program: Some(program),
            body,
        }
    }

    #[test]
    fn who_restarts_because_he_was_told_to_watches_nothing() {
        for program in [
            "php-fpm",
            "puppet-agent",
            "ansible-ansible.legacy.command",
            "unattended-upgrade",
            "needrestart",
            "dpkg",
            "salt-minion",
            "procd",
        ] {
            let line = written(program, "Restarting IPsec service");
            assert_eq!(script(&line), None, "{program}");
        }
        let line = written("cpe-guard", "Restarting IPsec service");
        assert_eq!(script(&line), Some("cpe-guard"));
    }

    #[test]
    fn what_a_watchdog_missed_is_in_its_line_before() {
        for (said, other) in [
            (
                "management agent has not registered yet, attempt 2 of 5",
                true,
            ),
            ("controller session failed, attempt 3", true),
            ("3 pings lost to 10.0.0.1, check failed", false),
            ("gateway 10.0.0.1 is dead, check failed", false),
            ("hub does not answer", false),
            ("update of the configuration is not loaded yet", false),
            ("started", false),
        ] {
            let mut watcher = Watcher::default();
            watcher.hear(&written("cpe-guard", said));
            watcher.hear(&written("charon", "retransmit 1 of request failed"));
            assert_eq!(watcher.missed_something_else("cpe-guard"), other, "{said}");
            assert!(!watcher.missed_something_else("other-guard"), "{said}");
        }
        let mut watcher = Watcher::default();
        watcher.hear(&written("cpe-guard", "no answer from 10.0.0.1"));
        watcher.hear(&written("cpe-guard", "agent is not registered"));
        assert!(!watcher.missed_something_else("cpe-guard"));
        for next in ["step 1 of 3", "step 2 of 3"] {
            watcher.hear(&written("cpe-guard", "agent is not registered"));
            watcher.hear(&written("cpe-guard", next));
            assert!(watcher.missed_something_else("cpe-guard"));
        }
    }

    #[test]
    fn whose_state_a_user_tells_is_seen() {
        for (told, another) in [
            (
                "A node still asks, after it became the CARP standby node.",
                false,
            ),
            (
                "We have a cluster, the other node became the standby node.",
                true,
            ),
            ("Since the secondary became CARP backup nothing works", true),
            (
                "On the other site all is well. This one became the backup node.",
                false,
            ),
            ("VRRP_Instance(VI_1) Entering BACKUP STATE", false),
        ] {
            assert_eq!(is_of_another(told), another, "{told}");
        }
    }
}
