//! Proposals, as products' configurations write them.

use adit_model::product::Product;
use adit_model::proposal::Proposal;

use crate::compare::{list, toml};

/// One more proposal of the IKE SA.
pub(super) fn ike(product: Product, add: &Proposal, all: &[Proposal]) -> String {
    let place = match product {
        Product::Adit => return own("ike", add, all),
        Product::Strongswan => {
            let all = joined(all);
            return format!("proposals = {all} (swanctl.conf; in ipsec.conf `ike={all}!`)");
        }
        Product::Libreswan => return format!("`ike={}`", plutos(all)),
        Product::Racoon => "a `proposal { … }` of `remote` in racoon.conf",
        Product::Vyos => "a `set vpn ipsec ike-group GROUP proposal NUMBER …`",
        Product::Illumos => "a `p1_xform { … }` of the rule in /etc/inet/ike/config",
        Product::Panos => "the IKE Crypto profile",
        Product::CiscoIos => "`crypto ikev2 proposal` (IKEv1: `crypto isakmp policy`)",
        Product::CiscoAsa => "`crypto ikev2 policy` (IKEv1: `crypto ikev1 policy`)",
        Product::Juniper => "`set security ike proposal …`, and the policy that names it",
        Product::Fortigate => "`set proposal` and `set dhgrp` of the phase1-interface",
        Product::Mikrotik => "`/ip ipsec profile`",
        Product::Aws => "the tunnel options, phase 1",
        Product::Azure => "the connection's IPsec/IKE policy, IKE phase 1",
        Product::Windows => "`Set-VpnConnectionIPsecConfiguration`",
        Product::Openbsd => "`ikesa` in iked.conf",
    };
    format!("add {add} to {place}")
}

/// One more proposal of CHILD SAs.
pub(super) fn esp(product: Product, add: &Proposal, all: &[Proposal]) -> String {
    let place = match product {
        Product::Adit => return own("esp", add, all),
        Product::Strongswan => {
            let all = joined(all);
            return format!("esp_proposals = {all} (swanctl.conf; in ipsec.conf `esp={all}!`)");
        }
        Product::Libreswan => return format!("`esp={}`", plutos(all)),
        Product::Racoon => "the algorithms of `sainfo` in racoon.conf",
        Product::Vyos => "a `set vpn ipsec esp-group GROUP proposal NUMBER …`",
        Product::Illumos => "the action of the rule in /etc/inet/ipsecinit.conf",
        Product::Panos => "the IPSec Crypto profile",
        Product::CiscoIos => "`crypto ipsec transform-set`",
        Product::CiscoAsa => "`crypto ipsec ikev2 ipsec-proposal` (IKEv1: `transform-set`)",
        Product::Juniper => "`set security ipsec proposal …`, and the policy that names it",
        Product::Fortigate => "`set proposal` of the phase2-interface",
        Product::Mikrotik => "`/ip ipsec proposal`",
        Product::Aws => "the tunnel options, phase 2",
        Product::Azure => "the connection's IPsec/IKE policy, IKE phase 2",
        Product::Windows => "`Set-VpnConnectionIPsecConfiguration`",
        Product::Openbsd => "`childsa` in iked.conf",
    };
    format!("add {add} to {place}")
}

fn own(key: &str, add: &Proposal, all: &[Proposal]) -> String {
    let weak = if add.weak().is_empty() {
        ""
    } else {
        "\nallow_weak = true"
    };
    format!("{key} = {}{weak}", toml(all))
}

fn joined(all: &[Proposal]) -> String {
    list(all).replace(", ", ",")
}

/// Names as pluto's configuration has them.
fn plutos(all: &[Proposal]) -> String {
    let one = |proposal: &Proposal| {
        let text = proposal.to_string();
        let mut words: Vec<String> = text.split('-').map(pluto).collect();
        // One name stands for integrity and PRF.
        words.dedup();
        words.join("-")
    };
    let all: Vec<String> = all.iter().map(one).collect();
    all.join(",")
}

fn pluto(word: &str) -> String {
    let hash = word.strip_prefix("prf").unwrap_or(word);
    let known = match hash {
        "sha256" => "sha2_256",
        "sha384" => "sha2_384",
        "sha512" => "sha2_512",
        "aesxcbc" => "aes_xcbc",
        "ecp256" => "dh19",
        "ecp384" => "dh20",
        "ecp521" => "dh21",
        "x25519" => "dh31",
        "chacha20poly1305" => "chacha20_poly1305",
        "aes128gcm16" => "aes_gcm128",
        "aes192gcm16" => "aes_gcm192",
        "aes256gcm16" => "aes_gcm256",
        other => other,
    };
    known.to_owned()
}
