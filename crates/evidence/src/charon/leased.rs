//! The address that the peer leased us, and whether charon finds it on an interface after it was put there.

use std::collections::BTreeMap;

use adit_model::sign::Sign;

/// Addresses that were put on an interface.
#[derive(Debug, Default)]
pub(super) struct Leased {
    installed: Vec<String>,
}

impl Leased {
    /// The address that a line says is there after all.
    pub(super) fn appeared(text: &str) -> Option<&str> {
        let (address, interface) = text.split_once(" appeared on ")?;
        (!address.contains(' ') && !interface.is_empty()).then_some(address)
    }

    /// The next line; what it says when the address isn't found where it was put.
    pub(super) fn line(&mut self, text: &str) -> Option<(Sign, BTreeMap<String, String>)> {
        const MOST: usize = 8;
        if let Some(address) = text.strip_prefix("installing new virtual IP ") {
            if self.installed.len() == MOST {
                self.installed.remove(0);
            }
            self.installed.push(address.trim().to_owned());
            return None;
        }
        let address = text.strip_suffix(" is not a local address or the interface is down")?;
        let at = self.installed.iter().position(|a| a == address)?;
        let address = self.installed.remove(at);
        let values = BTreeMap::from([("address".to_owned(), address)]);
        Some((Sign::LeasedAddressNotFound, values))
    }
}
