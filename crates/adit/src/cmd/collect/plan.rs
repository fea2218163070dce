//! What is gathered from whom: commands that only read, and files.

use std::path::PathBuf;

use adit_model::product::Product;

/// One thing to gather.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// A command and its arguments. It changes nothing.
    Command(Vec<&'static str>),
    /// A file of text.
    File(&'static str),
    /// The same, by a name that isn't known beforehand.
    Given(PathBuf),
    /// A configuration in braces, without these of its top-level blocks.
    Blocks(&'static str, &'static [&'static str]),
    /// Every file of a folder whose name ends so.
    Folder(&'static str, &'static str),
    /// A file of secrets: whom they are for is told, their values aren't.
    Secrets(&'static str),
    /// Every file of secrets of a folder.
    SecretsFolder(&'static str, &'static str),
    /// The public part of every certificate of a folder.
    Certificates(&'static str),
    /// Lines of a log file that one of these programs wrote; its end, when it is long.
    Log(&'static str, &'static [&'static str]),
}

/// Programs whose lines count in a log that holds everybody's.
pub const PROGRAMS: &[&str] = &[
    "charon",
    "pluto",
    "ipsec",
    "swanctl",
    "strongswan",
    "starter",
    "addconn",
    "racoon",
    "kernel",
    "vpn",
];

/// The products that can be gathered from, with the commands that tell one.
pub const KNOWN: [(Product, &[&str]); 4] = [
    (
        Product::Vyos,
        &[
            "/opt/vyatta/bin/vyatta-op-cmd-wrapper",
            "/usr/bin/vyos-op-run",
        ],
    ),
    (
        Product::Strongswan,
        &[
            "/usr/sbin/swanctl",
            "/usr/lib/ipsec/charon",
            "/usr/libexec/ipsec/charon",
            "/usr/sbin/charon-systemd",
        ],
    ),
    (
        Product::Libreswan,
        &[
            "/usr/libexec/ipsec/pluto",
            "/usr/lib/ipsec/pluto",
            "/usr/local/libexec/ipsec/pluto",
        ],
    ),
    (Product::Racoon, &["/usr/sbin/racoon"]),
];

/// What every host tells, with whatever product, or without one.
pub fn host() -> Vec<Item> {
    let command = |line: &'static str| Item::Command(line.split(' ').collect());
    vec![
        command("uname -a"),
        command("date -u +%Y-%m-%dT%H:%M:%SZ"),
        command("ip -brief address"),
        command("ip -s link"),
        command("ip rule"),
        command("ip route show table all"),
        command("ip -6 route show table all"),
        command("ip -s xfrm state list nokeys"),
        command("ip -s xfrm policy"),
        Item::File("/proc/net/xfrm_stat"),
        command("nft list ruleset"),
        command("iptables-save -c"),
        command("ss -ulpn"),
        command(
            "sysctl -a --pattern net.ipv4.(ip_forward|conf.*.(rp_filter|disable_policy|disable_xfrm|send_redirects|accept_redirects))$",
        ),
        Item::File("/proc/modules"),
        command("df -h /var/log /etc"),
        command("systemctl status --no-pager strongswan strongswan-starter ipsec"),
        Item::Log("/var/log/syslog", PROGRAMS),
        Item::Log("/var/log/messages", PROGRAMS),
        Item::Log("/var/log/secure", PROGRAMS),
        Item::Log("/var/log/auth.log", PROGRAMS),
        Item::Log("/var/log/daemon.log", PROGRAMS),
    ]
}

/// What a gateway of this product tells of itself.
pub fn plan(product: Product) -> Vec<Item> {
    let command = |line: &'static str| Item::Command(line.split(' ').collect());
    match product {
        Product::Strongswan => vec![
            command("swanctl --version"),
            command("swanctl --stats"),
            command("swanctl --list-conns"),
            command("swanctl --list-sas"),
            command("swanctl --list-pols"),
            command("swanctl --list-pools"),
            command("ipsec statusall"),
            Item::File("/etc/strongswan.conf"),
            Item::File("/etc/swanctl/swanctl.conf"),
            Item::Folder("/etc/swanctl/conf.d", ".conf"),
            Item::File("/etc/ipsec.conf"),
            Item::Folder("/etc/ipsec.d", ".conf"),
            Item::Secrets("/etc/ipsec.secrets"),
            Item::SecretsFolder("/etc/ipsec.d", ".secrets"),
            Item::Certificates("/etc/swanctl/x509"),
            Item::Certificates("/etc/swanctl/x509ca"),
            Item::Certificates("/etc/ipsec.d/certs"),
            Item::Certificates("/etc/ipsec.d/cacerts"),
            Item::Log("/var/log/charon.log", &[]),
        ],
        Product::Libreswan => vec![
            command("ipsec version"),
            command("ipsec status"),
            command("ipsec trafficstatus"),
            command("ipsec verify"),
            Item::File("/etc/ipsec.conf"),
            Item::Folder("/etc/ipsec.d", ".conf"),
            Item::Secrets("/etc/ipsec.secrets"),
            Item::SecretsFolder("/etc/ipsec.d", ".secrets"),
            command("certutil -L -d sql:/var/lib/ipsec/nss"),
            Item::Log("/var/log/pluto.log", &[]),
        ],
        Product::Vyos => vec![
            command("/opt/vyatta/bin/vyatta-op-cmd-wrapper show version"),
            command("/opt/vyatta/bin/vyatta-op-cmd-wrapper show vpn ike sa"),
            command("/opt/vyatta/bin/vyatta-op-cmd-wrapper show vpn ipsec sa"),
            command("/opt/vyatta/bin/vyatta-op-cmd-wrapper show vpn debug"),
            command("swanctl --list-conns"),
            command("swanctl --list-sas"),
            command("ipsec statusall"),
            // Hashes of logins and private keys stand in these.
            Item::Blocks("/config/config.boot", &["system", "service", "pki"]),
            Item::File("/etc/ipsec.conf"),
            Item::File("/etc/swanctl/swanctl.conf"),
            Item::Secrets("/etc/ipsec.secrets"),
            Item::Log("/var/log/charon.log", &[]),
        ],
        Product::Racoon => vec![
            command("racoonctl -l show-sa isakmp"),
            command("setkey -DP"),
            Item::File("/etc/racoon/racoon.conf"),
            Item::File("/etc/ipsec-tools.conf"),
        ],
        _ => Vec::new(),
    }
}

/// The journal of the daemons, since so many minutes.
pub fn journal(minutes: u32) -> Vec<String> {
    let mut line = vec![
        "journalctl".to_owned(),
        "--no-pager".to_owned(),
        "--quiet".to_owned(),
        "-o".to_owned(),
        "short-iso".to_owned(),
        format!("--since=-{minutes}min"),
    ];
    for name in PROGRAMS.iter().filter(|p| **p != "kernel") {
        line.extend(["-t".to_owned(), (*name).to_owned()]);
    }
    line.extend(["-t".to_owned(), "charon-systemd".to_owned()]);
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_command_changes_anything() {
        const CHANGE: [&str; 14] = [
            "add",
            "del",
            "delete",
            "flush",
            "set",
            "update",
            "restart",
            "reload",
            "stop",
            "start",
            "up",
            "down",
            "--load-all",
            "-w",
        ];
        for (product, _) in KNOWN {
            for item in plan(product).into_iter().chain(host()) {
                if let Item::Command(words) = item {
                    assert!(!words.iter().any(|w| CHANGE.contains(w)), "{words:?}");
                }
            }
        }
    }

    #[test]
    fn files_of_keys_are_never_read() {
        for (product, _) in KNOWN {
            for item in plan(product).into_iter().chain(host()) {
                if let Item::File(path) | Item::Folder(path, _) | Item::Certificates(path) = item {
                    assert!(
                        !path.contains("private") && !path.contains("secrets"),
                        "{path}"
                    );
                }
            }
        }
    }
}
