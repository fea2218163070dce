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
        Product::Libreswan => match plutos(all) {
            Some(all) => return format!("`ike={all}`"),
            None => "`ike=`",
        },
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
        Product::Libreswan => match plutos(all) {
            Some(all) => return format!("`esp={all}`"),
            None => "`esp=`",
        },
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

/// As pluto's configuration has them: one algorithm of a kind in each proposal, names of its own, and no word for the size of
/// sequence numbers, which is another option's. `None` where a name isn't known, or there would be too many.
fn plutos(all: &[Proposal]) -> Option<String> {
    let mut written: Vec<String> = Vec::new();
    for proposal in all {
        for one in singles(proposal) {
            let text = one.to_string();
            let mut words = text.split('-').map(pluto).collect::<Option<Vec<_>>>()?;
            // One name stands for integrity and PRF.
            words.dedup();
            let text = words.join("-");
            if !written.contains(&text) {
                written.push(text);
            }
        }
        if written.len() > MOST {
            return None;
        }
    }
    Some(written.join(","))
}

/// So many proposals are still a line that somebody reads.
const MOST: usize = 12;

/// Every choice of one algorithm of each kind.
fn singles(proposal: &Proposal) -> Vec<Proposal> {
    fn each<T: Clone>(
        from: Vec<Proposal>,
        of: impl Fn(&mut Proposal) -> &mut Vec<T>,
    ) -> Vec<Proposal> {
        let mut singles = Vec::new();
        for mut one in from {
            let kinds = core::mem::take(of(&mut one));
            if kinds.is_empty() {
                singles.push(one);
                continue;
            }
            for kind in kinds {
                let mut single = one.clone();
                *of(&mut single) = vec![kind];
                singles.push(single);
            }
        }
        singles.truncate(MOST + 1);
        singles
    }
    let mut bare = proposal.clone();
    bare.esn.clear();
    let singles = each(vec![bare], |p| &mut p.encr);
    let singles = each(singles, |p| &mut p.integ);
    let singles = each(singles, |p| &mut p.prf);
    each(singles, |p| &mut p.ke)
}

fn pluto(word: &str) -> Option<String> {
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
        "md5" | "sha1" | "3des" => hash,
        _ if hash.starts_with("modp") => hash,
        _ => {
            let bits = hash.strip_prefix("aes")?;
            let (bits, mode) = bits.split_at_checked(3)?;
            let mode = match mode {
                "" => return Some(format!("aes{bits}")),
                "gcm8" => "gcm_a",
                "gcm12" => "gcm_b",
                "gcm16" => "gcm",
                "ctr" => "ctr",
                _ => return None,
            };
            return Some(format!("aes_{mode}{bits}"));
        }
    };
    Some(known.to_owned())
}

#[cfg(test)]
mod tests {
    use adit_model::proposal::SaKind;

    use super::*;

    fn parse(text: &str, kind: SaKind) -> Proposal {
        Proposal::parse(text, kind).unwrap_or_else(|e| panic!("{text}: {e}"))
    }

    #[test]
    fn pluto_gets_one_algorithm_of_a_kind_and_no_word_for_sequence_numbers() {
        let esp = |text| plutos(&[parse(text, SaKind::Esp)]);
        assert_eq!(
            esp("aes256-sha256-noesn").as_deref(),
            Some("aes256-sha2_256")
        );
        assert_eq!(
            esp("aes128-aes256-sha256").as_deref(),
            Some("aes128-sha2_256,aes256-sha2_256")
        );
        assert_eq!(esp("aes256gcm16-esn").as_deref(), Some("aes_gcm256"));
        let ike = parse("aes128-sha256-modp2048-ecp256", SaKind::Ike);
        assert_eq!(
            plutos(&[ike]).as_deref(),
            Some("aes128-sha2_256-modp2048,aes128-sha2_256-dh19")
        );
    }

    #[test]
    fn what_pluto_has_no_known_name_for_is_told_in_words() {
        let odd = parse("aes128ccm16", SaKind::Esp);
        assert_eq!(plutos(core::slice::from_ref(&odd)), None);
        let text = super::esp(Product::Libreswan, &odd, core::slice::from_ref(&odd));
        assert_eq!(text, "add aes128ccm16 to `esp=`");
    }
}
