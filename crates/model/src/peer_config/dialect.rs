//! Whose language it is.

use core::fmt;

use serde::{Deserialize, Serialize};

/// Whose language a configuration is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Dialect {
    /// Adit's own TOML.
    Adit,
    /// strongSwan's ipsec.conf and ipsec.secrets.
    StrongswanStroke,
    /// strongSwan's swanctl.conf.
    Swanctl,
    /// ipsec.conf and ipsec.secrets of Libreswan.
    Libreswan,
    /// ipsec.conf and ipsec.secrets of Openswan.
    Openswan,
    /// Vyatta (`set security vpn`).
    Vyatta,
    /// VyOS (`set vpn ipsec`).
    Vyos,
    /// racoon.conf and setkey.
    Racoon,
    /// illumos: ike/config, ike.preshared, ipsecinit.conf.
    Illumos,
    /// PAN-OS.
    Panos,
    /// Cisco IOS and IOS-XE.
    CiscoIos,
    /// Cisco ASA.
    CiscoAsa,
    /// Junos.
    Junos,
    /// FortiOS.
    Fortios,
    /// RouterOS.
    Routeros,
}

impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Dialect::Adit => "Adit",
            Dialect::StrongswanStroke => "strongSwan ipsec.conf",
            Dialect::Swanctl => "strongSwan swanctl.conf",
            Dialect::Libreswan => "Libreswan ipsec.conf",
            Dialect::Openswan => "Openswan ipsec.conf",
            Dialect::Vyatta => "Vyatta",
            Dialect::Vyos => "VyOS",
            Dialect::Racoon => "racoon",
            Dialect::Illumos => "illumos IKE",
            Dialect::Panos => "PAN-OS",
            Dialect::CiscoIos => "Cisco IOS",
            Dialect::CiscoAsa => "Cisco ASA",
            Dialect::Junos => "Junos",
            Dialect::Fortios => "FortiOS",
            Dialect::Routeros => "MikroTik RouterOS",
        })
    }
}
