//! Addresses that peers gave us, as far as our device has them.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// Addresses inside tunnels, by tunnel.
pub type ByTunnel = BTreeMap<String, BTreeSet<IpAddr>>;

/// What the devices are to have, and what they got from us.
#[derive(Debug, Default)]
pub struct Given {
    wanted: ByTunnel,
    /// Each with the first tunnel that it was given through.
    present: BTreeMap<IpAddr, String>,
}

impl Given {
    /// Takes what is to be from now on; says whether that is another thing than before.
    pub fn want(&mut self, wanted: ByTunnel) -> bool {
        let changed = self.wanted != wanted;
        self.wanted = wanted;
        changed
    }

    /// Whether the device has what it is to have, and no more.
    pub fn is_settled(&self) -> bool {
        self.all().keys().eq(self.present.keys())
    }

    /// Those that packets can be sent from.
    pub fn usable(&self) -> ByTunnel {
        let mut usable = self.wanted.clone();
        for addresses in usable.values_mut() {
            addresses.retain(|address| self.present.contains_key(address));
        }
        usable
    }

    /// Adds what is missing, all that can be.
    ///
    /// # Errors
    /// The first one of `add`.
    pub fn add<T, E>(
        &mut self,
        mut add: impl FnMut(&str, IpAddr) -> Result<T, E>,
    ) -> Result<(), E> {
        let mut outcome = Ok(());
        let mut missing = self.all();
        missing.retain(|address, _| !self.present.contains_key(address));
        for (address, tunnel) in missing {
            match add(&tunnel, address) {
                Ok(_) => {
                    self.present.insert(address, tunnel);
                }
                Err(error) => outcome = outcome.and(Err(error)),
            }
        }
        outcome
    }

    /// Deletes what is left over, all that can be.
    ///
    /// # Errors
    /// The first one of `delete`.
    pub fn delete<T, E>(
        &mut self,
        mut delete: impl FnMut(&str, IpAddr) -> Result<T, E>,
    ) -> Result<(), E> {
        let mut outcome = Ok(());
        let all = self.all();
        let mut surplus = self.present.clone();
        surplus.retain(|address, _| !all.contains_key(address));
        for (address, tunnel) in surplus {
            match delete(&tunnel, address) {
                Ok(_) => {
                    self.present.remove(&address);
                }
                Err(error) => outcome = outcome.and(Err(error)),
            }
        }
        outcome
    }

    fn all(&self) -> BTreeMap<IpAddr, String> {
        let mut all = BTreeMap::new();
        for (tunnel, addresses) in &self.wanted {
            for address in addresses {
                all.entry(*address).or_insert_with(|| tunnel.clone());
            }
        }
        all
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn given(addresses: &[&str]) -> ByTunnel {
        let addresses = addresses.iter().map(|a| a.parse().unwrap());
        BTreeMap::from([("office".to_owned(), addresses.collect())])
    }

    /// What is refused is tried again, and stands in nothing's way.
    #[test]
    fn what_failed_is_tried_again() {
        let mut ours = Given::default();
        assert!(ours.want(given(&["10.3.0.1", "10.3.0.2"])));
        let refused: IpAddr = "10.3.0.1".parse().unwrap();
        let once = |_: &str, address: IpAddr| {
            if address == refused {
                Err("no")
            } else {
                Ok(())
            }
        };
        assert_eq!(ours.add(once), Err("no"));
        assert!(!ours.is_settled());
        assert_eq!(ours.usable(), given(&["10.3.0.2"]));
        assert!(!ours.want(given(&["10.3.0.1", "10.3.0.2"])));
        let mut tried = Vec::new();
        let again = |_: &str, address| {
            tried.push(address);
            Ok::<(), ()>(())
        };
        ours.add(again).unwrap();
        assert_eq!(tried, [refused]);
        assert!(ours.is_settled());

        // The same when they go.
        assert!(ours.want(ByTunnel::new()));
        assert_eq!(ours.delete(once), Err("no"));
        assert!(!ours.is_settled());
        let mut tried = Vec::new();
        ours.delete(|_: &str, address| {
            tried.push(address);
            Ok::<(), ()>(())
        })
        .unwrap();
        assert_eq!(tried, [refused]);
        assert!(ours.is_settled());
    }
}
