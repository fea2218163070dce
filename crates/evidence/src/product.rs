//! Whose words a text holds, told from words that only that product uses.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use adit_model::product::Product;

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

/// Finds the words in every line: the first four octets of each, letters small, are in a filter of 2 KiB.
struct Search {
    filter: [u64; 256],
    /// The words' first four octets, ascending, and their places in the list.
    words: Vec<(u32, usize)>,
}

static SEARCH: LazyLock<Search> = LazyLock::new(|| {
    let mut search = Search {
        filter: [0; 256],
        words: Vec::new(),
    };
    for (at, (word, ..)) in WORDS.iter().enumerate() {
        let first = word.bytes().take(4).fold(0, with);
        let (cell, bit) = place(first);
        if let Some(cell) = search.filter.get_mut(cell) {
            *cell |= bit;
        }
        search.words.push((first, at));
    }
    search.words.sort_unstable();
    search
});

/// The last four octets with one more. Some marks become others, which only means that more is compared.
#[inline]
fn with(octets: u32, next: u8) -> u32 {
    octets >> 8 | u32::from(next | 0x20) << 24
}

/// The cell of the filter, and the bit in it.
#[inline]
fn place(octets: u32) -> (usize, u64) {
    let hash = octets.wrapping_mul(0x9e37_79b1);
    ((hash >> 24) as usize, 1 << (hash >> 18 & 63))
}

/// Counts the words that tell a product.
#[derive(Debug, Default)]
pub(crate) struct Telltales {
    weights: BTreeMap<Product, u32>,
}

impl Telltales {
    /// The next line.
    pub(crate) fn line(&mut self, text: &str) {
        let search = &*SEARCH;
        let mut last = 0;
        for (end, byte) in text.bytes().enumerate() {
            last = with(last, byte);
            let (cell, bit) = place(last);
            if search.filter[cell % 256] & bit != 0 {
                self.look(text, end.wrapping_sub(3), last);
            }
        }
    }

    /// Holds the words that may begin here against the text.
    #[inline(never)]
    fn look(&mut self, text: &str, start: usize, first: u32) {
        let rest = text.as_bytes().get(start..).unwrap_or_default();
        let words = &SEARCH.words;
        let begin = words.partition_point(|(w, _)| *w < first);
        let here = words.iter().skip(begin).take_while(|(w, _)| *w == first);
        for (_, at) in here {
            let Some((word, product, weight)) = WORDS.get(*at) else {
                continue;
            };
            let here = rest.get(..word.len());
            if here.is_some_and(|here| here.eq_ignore_ascii_case(word.as_bytes())) {
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
    fn every_word_is_found_wherever_it_stands_in_either_case() {
        for (word, product, _) in WORDS {
            assert!(word.len() >= 4, "{word}: too short to be searched for");
            for line in [(*word).to_owned(), format!("é {}x", word.to_uppercase())] {
                let mut telltales = Telltales::default();
                telltales.line(&line);
                assert!(telltales.weights.contains_key(product), "{line}");
            }
        }
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
