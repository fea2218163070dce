//! Whose words a text holds, told from words that only that product uses.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use adit_model::product::Product;
use aho_corasick::{AhoCorasick, AhoCorasickKind};

/// Words that tell a product, and how much they count: the name of a system outweighs that of a daemon it uses.
static WORDS: &[(&str, Product, u32)] = &[
    ("strongswan", Product::Strongswan, 3),
    ("charon", Product::Strongswan, 2),
    ("[IKE]", Product::Strongswan, 1),
    ("[CFG]", Product::Strongswan, 1),
    ("[KNL]", Product::Strongswan, 1),
    ("swanctl", Product::Strongswan, 2),
    ("libreswan", Product::Libreswan, 3),
    ("openswan", Product::Libreswan, 3),
    ("freeswan", Product::Libreswan, 3),
    ("pluto", Product::Libreswan, 2),
    ("STATE_MAIN_", Product::Libreswan, 1),
    ("STATE_PARENT_", Product::Libreswan, 1),
    ("STATE_QUICK_", Product::Libreswan, 1),
    ("addconn", Product::Libreswan, 2),
    ("ipsec whack", Product::Libreswan, 2),
    ("racoon", Product::Racoon, 3),
    ("isakmp.c:", Product::Racoon, 2),
    ("ipsec_doi.c:", Product::Racoon, 2),
    ("vyos", Product::Vyos, 6),
    ("vyatta", Product::Vyos, 6),
    ("EdgeOS", Product::Vyos, 6),
    ("set vpn ipsec ", Product::Vyos, 6),
    ("show vpn ipsec sa", Product::Vyos, 4),
    ("show vpn debug", Product::Vyos, 6),
    ("in.iked", Product::Illumos, 4),
    ("ikeadm", Product::Illumos, 4),
    ("ipseckey", Product::Illumos, 4),
    ("ipsecconf", Product::Illumos, 4),
    ("SunOS", Product::Illumos, 4),
    ("ikemgr", Product::Panos, 4),
    ("PAN-OS", Product::Panos, 6),
    ("IKE phase-1 negotiation", Product::Panos, 3),
    ("IKE phase-2 negotiation", Product::Panos, 3),
    ("show vpn ike-sa", Product::Panos, 4),
    ("show vpn ipsec-sa", Product::Panos, 4),
    ("%CRYPTO-", Product::CiscoIos, 4),
    ("ISAKMP:(", Product::CiscoIos, 3),
    ("show crypto session", Product::CiscoIos, 3),
    ("%ASA-", Product::CiscoAsa, 5),
    ("tunnel-group", Product::CiscoAsa, 4),
    ("kmd[", Product::Juniper, 4),
    ("KMD_", Product::Juniper, 4),
    ("show security ike", Product::Juniper, 4),
    ("show security ipsec", Product::Juniper, 4),
    ("set security i", Product::Juniper, 4),
    ("fortigate", Product::Fortigate, 4),
    ("ike 0:", Product::Fortigate, 3),
    ("diagnose vpn", Product::Fortigate, 4),
    ("get vpn ipsec tunnel", Product::Fortigate, 4),
    ("vd: root", Product::Fortigate, 3),
    ("mikrotik", Product::Mikrotik, 4),
    ("RouterOS", Product::Mikrotik, 4),
    ("/ip ipsec", Product::Mikrotik, 4),
    ("ipsec,error", Product::Mikrotik, 4),
    ("ipsec,info", Product::Mikrotik, 3),
    ("ipsec,debug", Product::Mikrotik, 3),
    ("AWS tunnel", Product::Aws, 5),
    ("cgw-", Product::Aws, 2),
    ("SESSION_ID :{", Product::Azure, 4),
    ("IkeLogs", Product::Azure, 4),
    ("RasClient", Product::Windows, 3),
    ("IKEEXT", Product::Windows, 4),
    ("ERROR_IPSEC_IKE_", Product::Windows, 4),
    ("error code returned on failure is", Product::Windows, 3),
    ("dialed a connection named", Product::Windows, 3),
    (
        "IKE authentication credentials are unacceptable",
        Product::Windows,
        3,
    ),
    (
        "L2TP connection attempt failed because",
        Product::Windows,
        3,
    ),
    ("isakmpd", Product::Openbsd, 4),
    ("iked[", Product::Openbsd, 3),
    ("iked.conf", Product::Openbsd, 3),
];

static SEARCH: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
    AhoCorasick::builder()
        .ascii_case_insensitive(true)
        .kind(Some(AhoCorasickKind::DFA))
        .build(WORDS.iter().map(|(word, ..)| word))
        .ok()
});

/// Counts the words that tell a product.
#[derive(Debug, Default)]
pub(crate) struct Telltales {
    weights: BTreeMap<Product, u32>,
}

impl Telltales {
    /// The next line.
    pub(crate) fn line(&mut self, text: &str) {
        let Some(search) = SEARCH.as_ref() else {
            return;
        };
        for hit in search.find_overlapping_iter(text) {
            if let Some((_, product, weight)) = WORDS.get(hit.pattern().as_usize()) {
                let sum = self.weights.entry(*product).or_default();
                *sum = sum.saturating_add(*weight);
            }
        }
    }

    /// The product whose words were most, if any were.
    pub(crate) fn product(&self) -> Option<Product> {
        let (product, _) = self.weights.iter().max_by_key(|(_, weight)| **weight)?;
        // A system that says its own name uses another's daemon.
        if *product == Product::Strongswan && self.weights.contains_key(&Product::Vyos) {
            return Some(Product::Vyos);
        }
        Some(*product)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(lines: &[&str]) -> Option<Product> {
        let mut telltales = Telltales::default();
        for line in lines {
            telltales.line(line);
        }
        telltales.product()
    }

    #[test]
    fn a_products_own_words_tell_it() {
        assert_eq!(
            told(&["Nov  1 10:00:00 gw pluto[7]: x"]),
            Some(Product::Libreswan)
        );
        assert_eq!(told(&["09[IKE] initiating"]), Some(Product::Strongswan));
        assert_eq!(
            told(&["vyos charon: 09[IKE] initiating", "charon: 09[IKE] x"]),
            Some(Product::Vyos)
        );
        assert_eq!(told(&["nothing of the kind"]), None);
    }
}
