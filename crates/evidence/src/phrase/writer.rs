//! Whose line it is: programs of a host that have nothing to do with its tunnels, and whose troubles are told in the words of
//! the system and its libraries.

use adit_model::sign::Sign;

use crate::text::Line;

/// How the names of programs begin that serve, time, mail, update, watch or route something else.
const OTHERS: [&str; 117] = [
    "acpid",
    "amazon-ssm-agent",
    "anacron",
    "apache",
    "apt",
    "asterisk",
    "avahi",
    "bluetoothd",
    "borg",
    "certbot",
    "chef-client",
    "chronyd",
    "clamd",
    "collectd",
    "consul",
    "containerd",
    "cron",
    "crond",
    "crowdsec",
    "cupsd",
    "cups-",
    "curl",
    "dbus-daemon",
    "dhclient",
    "dhcpcd",
    "dhcpd",
    "dnf",
    "dnsmasq",
    "dovecot",
    "dpkg",
    "elasticsearch",
    "exim",
    "fail2ban",
    "filebeat",
    "firefox",
    "fluentd",
    "freshclam",
    "fwupd",
    "gdm",
    "gitlab",
    "gnome-",
    "grafana",
    "gunicorn",
    "haproxy",
    "hostapd",
    "httpd",
    "influxd",
    "java",
    "jenkins",
    "isc-dhcp",
    "kamailio",
    "kea-",
    "lighttpd",
    "logrotate",
    "mariadbd",
    "mdadm",
    "ModemManager",
    "mongod",
    "mosquitto",
    "mysqld",
    "named",
    "netdata",
    "nginx",
    "nmbd",
    "node_exporter",
    "nscd",
    "ntpd",
    "ntpdate",
    "openvpn",
    "ovpn-",
    "packagekitd",
    "php",
    "polkitd",
    "postfix",
    "postgres",
    "postscreen",
    "proftpd",
    "prometheus",
    "promtail",
    "pulseaudio",
    "puppet",
    "qmgr",
    "rabbitmq",
    "redis",
    "restic",
    "rsync",
    "salt-minion",
    "sendmail",
    "smartd",
    "smbd",
    "smtp",
    "snapd",
    "snmpd",
    "spamd",
    "squid",
    "sshd",
    "systemd-timesyncd",
    "tailscaled",
    "telegraf",
    "tomcat",
    "tracker-",
    "transmission",
    "udisksd",
    "unattended-upgr",
    "unbound",
    "udhcpd",
    "uwsgi",
    "vmtoolsd",
    "vsftpd",
    "waagent",
    "wg-quick",
    "wget",
    "winbindd",
    "wpa_supplicant",
    "yum",
    "zabbix",
    "zerotier",
];

/// What the system and its libraries let every program say. Anything else in a line that begins with another program's name
/// is of the line that a terminal broke off behind it.
const OF_ANYBODY: [Sign; 20] = [
    Sign::PeerNameUnresolved,
    Sign::NetworkUnreachable,
    Sign::HostUnreachable,
    Sign::LocalAddressMissing,
    Sign::CertificateExpired,
    Sign::CertificateNotYetValid,
    Sign::CertificateOutsideValidity,
    Sign::CertificateNameMismatch,
    Sign::IssuerUnknown,
    Sign::PeerKeyUntrusted,
    Sign::UserAuthenticationFailed,
    Sign::UserServerUnreachable,
    Sign::ConfigSyntax,
    Sign::ConfigUnreadable,
    Sign::AddressPoolExhausted,
    Sign::PortInUse,
    Sign::Denied,
    Sign::DiskFull,
    Sign::UpdownFailed,
    Sign::ModuleMissing,
];

/// Whether a program says it of itself that has nothing to do with tunnels.
pub(super) fn is_foreign(sign: Sign, line: &Line<'_>) -> bool {
    let other = |name: &str| OTHERS.iter().any(|o| name.starts_with(o));
    // A name without a number stands before the message, behind the host's.
    let foreign = line.program.map_or_else(
        || line.at.is_some() && leading(line.body).is_some_and(other),
        other,
    );
    let elsewhere = sign == Sign::DiskFull
        && (line.program.is_some_and(|p| !is_near(p)) || speakers(line.body).any(other));
    // Without a log's head: `curl: (60) SSL certificate problem: …`.
    let spoken = || {
        line.program.is_none()
            && speakers(line.body)
                .next()
                .is_some_and(|name| OTHERS.contains(&name))
    };
    (foreign || spoken()) && OF_ANYBODY.contains(&sign)
        || elsewhere
        || sign == Sign::PeerNameUnresolved && is_own_name(line)
        || sign == Sign::PortInUse && is_of_other_port(line)
        || is_looked_for(sign, line)
        || is_of_the_web(sign, line.body)
}

/// `sudo: unable to resolve host fw1: Name or service not known`: it is the name of the host itself.
fn is_own_name(line: &Line<'_>) -> bool {
    line.body.contains("unable to resolve host ")
        && (line.program == Some("sudo") || line.body.contains("sudo: "))
}

/// Whether a program that isn't IKE's found a port taken that isn't IKE's.
fn is_of_other_port(line: &Line<'_>) -> bool {
    const PORTS: [&str; 6] = [":500", ":4500", " 500", " 4500", "isakmp", "ipsec-nat-t"];
    line.program.is_some_and(|p| {
        !super::crash::is_ours(p) && !p.starts_with("NetworkManager") && !p.starts_with("systemd")
    }) && !PORTS.iter().any(|port| line.body.contains(port))
}

/// Whether a tool with which somebody looks at files doesn't find one, which may be another product's.
fn is_looked_for(sign: Sign, line: &Line<'_>) -> bool {
    const LOOKS: [&str; 22] = [
        "awk", "cat", "chmod", "chown", "cp", "diff", "egrep", "file", "find", "grep", "head",
        "less", "ls", "more", "mv", "nano", "rm", "sed", "stat", "tail", "vi", "vim",
    ];
    let files = matches!(
        sign,
        Sign::ConnectionLoadFailed | Sign::ConfigSyntax | Sign::ConfigUnreadable | Sign::Denied
    );
    // `bash: /etc/ipsec.conf: No such file or directory`.
    const SHELLS: [&str; 5] = ["bash", "-bash", "sh", "-sh", "zsh"];
    let mut speakers = speakers(line.body);
    files
        && line.at.is_none()
        && line.program.is_none()
        && speakers.next().is_some_and(|tool| {
            LOOKS.contains(&tool)
                || SHELLS.contains(&tool) && speakers.next().is_some_and(|of| of.ends_with(".conf"))
        })
}

/// Whether it is about the certificate of a server of the web, in the words of the libraries that ask one.
fn is_of_the_web(sign: Sign, body: &str) -> bool {
    const WORDS: [&str; 7] = [
        "SSL certificate problem",
        "SSL peer certificate",
        "https://",
        "tls: failed to verify",
        "x509: certificate",
        "CERTIFICATE_VERIFY_FAILED",
        "SSL routines",
    ];
    matches!(
        sign,
        Sign::CertificateExpired
            | Sign::CertificateNotYetValid
            | Sign::CertificateOutsideValidity
            | Sign::CertificateNameMismatch
            | Sign::IssuerUnknown
    ) && WORDS.iter().any(|words| body.contains(words))
        && !super::crash::names_ours(body)
}

/// Whether it is a program of a tunnel or one that writes what all programs say: where others write may be another disk.
fn is_near(name: &str) -> bool {
    const NEAR: [&str; 16] = [
        "rsyslogd", "syslog", "systemd", "kernel", "charon", "pluto", "racoon", "iked", "isakmpd",
        "ipsec", "starter", "swanctl", "addconn", "whack", "root", "sh",
    ];
    name.contains("swan") || name.contains("vpn") || NEAR.iter().any(|n| name.starts_with(n))
}

/// Whoever speaks, and for whom: `backup.sh: rsync: write failed`.
fn speakers(body: &str) -> impl Iterator<Item = &str> {
    body.split(": ")
        .take(3)
        .filter(|name| !name.contains(' '))
        .map(|name| name.rsplit('/').next().unwrap_or(name))
}

/// `db01 rsyslogd: …`: the program.
fn leading(body: &str) -> Option<&str> {
    let (head, _) = body.split_once(": ")?;
    let mut words = head.split(' ');
    let (first, second) = (words.next()?, words.next());
    let name = second.unwrap_or(first);
    words
        .next()
        .is_none()
        .then(|| name.rsplit('/').next().unwrap_or(name))
}

/// How the names of interfaces begin that other kinds of tunnels, bridges and containers have.
const DEVICES: [&str; 12] = [
    "wg",
    "docker",
    "virbr",
    "lxc",
    "lxd",
    "cni",
    "flannel",
    "cali",
    "cilium",
    "podman",
    "zt",
    "tailscale",
];

/// `br-` and twelve hexadecimal digits; `br-lan` may be a site's own network.
fn is_bridge_of_containers(name: &str) -> bool {
    name.strip_prefix("br-")
        .is_some_and(|id| id.len() == 12 && id.bytes().all(|b| b.is_ascii_hexdigit()))
}

/// Whether the kernel dropped a packet of an interface that is no tunnel's of IPsec nor on its way.
pub(super) fn is_of_other_device(sign: Sign, device: Option<&str>) -> bool {
    sign == Sign::MartianSource
        && device.is_some_and(|name| {
            DEVICES.iter().any(|d| name.starts_with(d)) || is_bridge_of_containers(name)
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use adit_model::now::Wall;

    fn foreign(text: &str) -> bool {
        let line = crate::text::prefix(text, Wall(1_795_241_285_000));
        is_foreign(Sign::PeerNameUnresolved, &line)
    }

    #[test]
    fn other_programs_are_known_by_name() {
        for line in [
            "Nov  4 10:01:07 gw postfix/smtp[1404]: relay.example: Temporary failure in name resolution",
            "Nov  4 10:01:07 gw chronyd[88]: Could not resolve host: Temporary failure in name resolution",
            "2026-11-04T10:01:07+01:00 gw snapd[3]: lookup api.example: Temporary failure in name resolution",
            "Nov  4 10:01:07 gw nginx: host not found: Name or service not known",
            "Nov  4 10:01:07 gw sudo: unable to resolve host gw: Name or service not known",
            "sudo: unable to resolve host gw: Temporary failure in name resolution",
        ] {
            assert!(foreign(line), "{line}");
        }
        for line in [
            "Nov  4 10:01:07 gw charon[9]: 00[CFG] Temporary failure in name resolution",
            "Nov  4 10:01:07 gw pluto[9]: hub.example: Temporary failure in name resolution",
            "Nov  4 10:01:07 gw NetworkManager[9]: Temporary failure in name resolution",
            "Nov  4 10:01:07 gw kernel: Temporary failure in name resolution",
            "hub.example: Temporary failure in name resolution",
            "ping: hub.example: Temporary failure in name resolution",
        ] {
            assert!(!foreign(line), "{line}");
        }
    }

    #[test]
    fn packets_of_containers_and_other_tunnels_are_no_concern() {
        assert!(is_of_other_device(Sign::MartianSource, Some("wg0")));
        assert!(is_of_other_device(Sign::MartianSource, Some("docker0")));
        for device in [
            None,
            Some("eth0"),
            Some("ipsec0"),
            Some("vti1"),
            Some("tun0"),
        ] {
            assert!(!is_of_other_device(Sign::MartianSource, device));
        }
    }
}
