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

impl Dialect {
    /// strongSwan reads it, or a product that writes strongSwan's configuration.
    #[must_use]
    pub fn is_strongswan(self) -> bool {
        matches!(
            self,
            Dialect::StrongswanStroke | Dialect::Swanctl | Dialect::Vyos | Dialect::Vyatta
        )
    }

    /// Its product narrows what is offered (RFC 7296 2.9), and takes several networks in one child.
    #[must_use]
    pub fn narrows(self) -> bool {
        self.is_strongswan() || matches!(self, Dialect::Adit | Dialect::Fortios)
    }

    /// Its product brings tunnels up by itself where nothing is written about it.
    #[must_use]
    pub fn starts_unasked(self) -> bool {
        matches!(
            self,
            Dialect::CiscoIos
                | Dialect::CiscoAsa
                | Dialect::Junos
                | Dialect::Panos
                | Dialect::Fortios
                | Dialect::Illumos
                | Dialect::Racoon
                | Dialect::Routeros
                | Dialect::Vyatta
        )
    }
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
