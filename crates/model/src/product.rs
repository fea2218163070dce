//! Whose gateway it is.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A product family: what a person would call the gateway, and what decides which commands work on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Product {
    /// This one.
    Adit,
    /// strongSwan: charon, swanctl, the `ipsec` script of its starter.
    Strongswan,
    /// Libreswan, Openswan and FreeS/WAN: pluto.
    Libreswan,
    /// ipsec-tools: racoon and setkey.
    Racoon,
    /// Vyatta, VyOS and `EdgeOS`.
    Vyos,
    /// illumos and Solaris: in.iked.
    Illumos,
    /// Palo Alto Networks PAN-OS.
    Panos,
    /// Cisco IOS and IOS XE.
    CiscoIos,
    /// Cisco ASA and Firepower.
    CiscoAsa,
    /// Juniper Junos.
    Juniper,
    /// Fortinet `FortiOS`.
    Fortigate,
    /// `MikroTik` `RouterOS`.
    Mikrotik,
    /// Amazon's site-to-site VPN.
    Aws,
    /// Microsoft's Azure VPN gateway.
    Azure,
    /// Microsoft Windows.
    Windows,
    /// OpenBSD's iked and isakmpd.
    Openbsd,
}

impl Product {
    /// The id that the pages of causes and their fixes use.
    #[must_use]
    pub fn id(self) -> &'static str {
        match self {
            Product::Adit => "adit",
            Product::Strongswan => "strongswan",
            Product::Libreswan => "libreswan",
            Product::Racoon => "racoon",
            Product::Vyos => "vyos",
            Product::Illumos => "illumos",
            Product::Panos => "panos",
            Product::CiscoIos => "cisco-ios",
            Product::CiscoAsa => "cisco-asa",
            Product::Juniper => "juniper",
            Product::Fortigate => "fortigate",
            Product::Mikrotik => "mikrotik",
            Product::Aws => "aws",
            Product::Azure => "azure",
            Product::Windows => "windows",
            Product::Openbsd => "openbsd",
        }
    }
}

impl fmt::Display for Product {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Product::Adit => "Adit",
            Product::Strongswan => "strongSwan",
            Product::Libreswan => "Libreswan",
            Product::Racoon => "racoon",
            Product::Vyos => "VyOS",
            Product::Illumos => "illumos",
            Product::Panos => "PAN-OS",
            Product::CiscoIos => "Cisco IOS",
            Product::CiscoAsa => "Cisco ASA",
            Product::Juniper => "Juniper",
            Product::Fortigate => "FortiGate",
            Product::Mikrotik => "MikroTik",
            Product::Aws => "AWS",
            Product::Azure => "Azure",
            Product::Windows => "Windows",
            Product::Openbsd => "OpenBSD",
        })
    }
}
