//! How a product's own configuration says one thing: a fix is for the one who has that product before him.
//!
//! A gateway whose product isn't known gets the thing in words, and the products that are met most as examples.

mod identity;
mod proposals;

use core::fmt::Display;

use adit_model::identity::Identity;
use adit_model::product::Product;
use adit_model::proposal::Proposal;
use adit_model::selector::Selector;

use crate::compare::{list, toml};
use identity::{own_identity, peers_identity};
use proposals::{esp, ike};

/// What is to be set.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Setting<'a> {
    /// Who this gateway says it is.
    OwnIdentity(&'a Identity),
    /// Whom it expects.
    PeersIdentity(&'a Identity),
    /// Where the peer is; an address or a name.
    PeersAddress(&'a dyn Text),
    /// One more proposal for the IKE SA, and the whole list with it.
    IkeProposals(&'a Proposal, &'a [Proposal]),
    /// One more proposal for CHILD SAs, and the whole list with it.
    EspProposals(&'a Proposal, &'a [Proposal]),
    /// A child's networks: the gateway's own side, and the peer's.
    Networks(&'a [Selector], &'a [Selector]),
}

/// What can be shown, and looked at while debugging.
pub(crate) trait Text: Display + core::fmt::Debug {}
impl<T: Display + core::fmt::Debug> Text for T {}

impl Setting<'_> {
    /// What to write into the configuration of a gateway.
    pub(crate) fn at(self, product: Option<Product>) -> String {
        match product.and_then(|product| self.written(product)) {
            Some(written) => written,
            None if product.is_some() => self.meaning(),
            None => {
                let examples = [Product::Adit, Product::Strongswan, Product::Libreswan];
                let examples: Vec<String> = examples
                    .into_iter()
                    .filter_map(|product| {
                        Some(format!(
                            "{product}: {}",
                            self.written(product)?.replace('\n', ", ")
                        ))
                    })
                    .collect();
                format!("{} ({})", self.meaning(), examples.join("; "))
            }
        }
    }

    /// The same without any product's words.
    fn meaning(self) -> String {
        match self {
            Setting::OwnIdentity(id) => format!("set the gateway's own identity to {id}"),
            Setting::PeersIdentity(id) => {
                format!("set the identity that is expected of the peer to {id}")
            }
            Setting::PeersAddress(address) => {
                format!("set the peer's address of the connection to {address}")
            }
            Setting::IkeProposals(add, _) => format!("add {add} to the proposals of phase 1 (IKE)"),
            Setting::EspProposals(add, _) => format!("add {add} to the proposals of phase 2 (ESP)"),
            Setting::Networks(own, other) => format!(
                "set the networks of its own side to {}, and those of the other side to {}",
                list(own),
                list(other)
            ),
        }
    }

    /// As the product writes it; nothing where it has no such setting.
    fn written(self, product: Product) -> Option<String> {
        match self {
            Setting::OwnIdentity(id) => own_identity(product, id),
            Setting::PeersIdentity(id) => peers_identity(product, id),
            Setting::PeersAddress(address) => peers_address(product, &address.to_string()),
            Setting::IkeProposals(add, all) => Some(ike(product, add, all)),
            Setting::EspProposals(add, all) => Some(esp(product, add, all)),
            Setting::Networks(own, other) => networks(product, own, other),
        }
    }
}

fn peers_address(product: Product, address: &str) -> Option<String> {
    Some(match product {
        Product::Adit => format!("remote = \"{address}\" (in the tunnel that is meant)"),
        Product::Strongswan => format!(
            "remote_addrs = {address} (swanctl.conf, then `swanctl --load-conns`; in ipsec.conf `right={address}`, then `ipsec update`)"
        ),
        Product::Libreswan => format!(
            "`right={address}` (or `left=`, if left is the peer's end), then `ipsec auto --replace NAME`"
        ),
        Product::Racoon => format!("`remote {address} {{ … }}` in racoon.conf"),
        Product::Vyos => format!(
            "`set vpn ipsec site-to-site peer PEER remote-address {address}` (before 1.4 the peer's name is its address)"
        ),
        Product::Illumos => format!(
            "`remote_addr {address}` in the rule of /etc/inet/ike/config, then `ikeadm read rule`"
        ),
        Product::Panos => format!("IKE Gateway, Peer IP Address: {address}"),
        Product::CiscoIos => format!(
            "`set peer {address}` in the crypto map, and its key: `crypto isakmp key … address {address}` or `address {address}` in the keyring"
        ),
        Product::CiscoAsa => format!(
            "`crypto map MAP NUMBER set peer {address}` and `tunnel-group {address} type ipsec-l2l`"
        ),
        Product::Juniper => format!("`set security ike gateway GATEWAY address {address}`"),
        Product::Fortigate => format!("`set remote-gw {address}` in the phase1-interface"),
        Product::Mikrotik => format!("`/ip ipsec peer set NUMBER address={address}/32`"),
        Product::Openbsd => format!("`peer {address}` in iked.conf"),
        Product::Azure => format!("local network gateway, IP address: {address}"),
        Product::Aws => format!("a customer gateway with the address {address}"),
        Product::Windows => return None,
    })
}

fn networks(product: Product, own: &[Selector], other: &[Selector]) -> Option<String> {
    let joined = |nets: &[Selector]| list(nets).replace(", ", ",");
    Some(match product {
        Product::Adit => format!("local_net = {}\nremote_net = {}", toml(own), toml(other)),
        Product::Strongswan => format!(
            "local_ts = {}\nremote_ts = {} (swanctl.conf; in ipsec.conf `leftsubnet=` and `rightsubnet=`)",
            joined(own),
            joined(other)
        ),
        Product::Libreswan => format!(
            "`leftsubnets={{{}}}` and `rightsubnets={{{}}}` (the other way round, if right is its own end)",
            joined(own),
            joined(other)
        ),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use adit_model::proposal::SaKind;

    use super::*;

    fn identities() -> [Identity; 3] {
        ["gw.example.org", "192.0.2.1", "C=CH, O=Lab, CN=gw"].map(|id| match id.parse() {
            Ok(id) => id,
            Err(e) => panic!("{e}"),
        })
    }

    #[test]
    fn each_product_is_told_in_its_own_words() {
        let [name, address, subject] = identities();
        for (product, id, written) in [
            (Product::Adit, &name, "local_id = \"gw.example.org\""),
            (Product::Libreswan, &name, "`leftid=@gw.example.org`"),
            (Product::Libreswan, &address, "`leftid=192.0.2.1`"),
            (
                Product::Libreswan,
                &subject,
                "`leftid=\"C=CH, O=Lab, CN=gw\"`",
            ),
            (
                Product::Racoon,
                &name,
                "`my_identifier fqdn \"gw.example.org\";`",
            ),
            (
                Product::Racoon,
                &address,
                "`my_identifier address 192.0.2.1;`",
            ),
            (
                Product::CiscoIos,
                &name,
                "`identity local fqdn gw.example.org`",
            ),
            (Product::Juniper, &address, "local-identity inet 192.0.2.1`"),
            (Product::Mikrotik, &name, "my-id=fqdn:gw.example.org`"),
        ] {
            let text = Setting::OwnIdentity(id).at(Some(product));
            assert!(text.contains(written), "{product}: {text}");
        }
    }

    #[test]
    fn nobody_is_told_in_the_words_of_another_product() {
        let [name, ..] = identities();
        for product in [
            Product::Strongswan,
            Product::Libreswan,
            Product::Racoon,
            Product::Vyos,
            Product::CiscoIos,
            Product::Aws,
            Product::Windows,
        ] {
            for setting in [
                Setting::OwnIdentity(&name),
                Setting::PeersIdentity(&name),
                Setting::PeersAddress(&name),
            ] {
                let text = setting.at(Some(product));
                assert!(text.contains("gw.example.org"), "{text}");
                for adits in ["local_id = ", "remote_id = ", "remote = "] {
                    assert!(!text.contains(adits), "{product}: {text}");
                }
            }
        }
    }

    #[test]
    fn proposals_are_added_in_each_products_own_names() {
        let parse = |text| Proposal::parse(text, SaKind::Ike).unwrap_or_default();
        let all = ["aes128-sha256-modp2048", "aes256gcm16-prfsha384-ecp384"].map(parse);
        for (product, written) in [
            (
                Product::Adit,
                "ike = [\"aes128-sha256-prfsha256-modp2048\", \"aes256gcm16-prfsha384-ecp384\"]",
            ),
            (
                Product::Strongswan,
                "proposals = aes128-sha256-prfsha256-modp2048,aes256gcm16-prfsha384-ecp384 ",
            ),
            (
                Product::Libreswan,
                "`ike=aes128-sha2_256-modp2048,aes_gcm256-sha2_384-dh20`",
            ),
            (Product::CiscoAsa, "crypto ikev2 policy"),
            (Product::Aws, "aes256gcm16-prfsha384-ecp384"),
        ] {
            let text = Setting::IkeProposals(&all[1], &all).at(Some(product));
            assert!(text.contains(written), "{product}: {text}");
        }
        let text = Setting::IkeProposals(&all[1], &all).at(None);
        assert!(
            text.starts_with("add aes256gcm16-prfsha384-ecp384 to"),
            "{text}"
        );
    }

    #[test]
    fn what_is_weak_has_to_be_allowed_here() {
        let weak = Proposal::parse("3des-sha1-modp1024", SaKind::Ike).unwrap_or_default();
        let text =
            Setting::IkeProposals(&weak, core::slice::from_ref(&weak)).at(Some(Product::Adit));
        assert!(text.ends_with("allow_weak = true"), "{text}");
    }

    #[test]
    fn an_unknown_product_gets_words_and_examples() {
        let [name, ..] = identities();
        let text = Setting::PeersIdentity(&name).at(None);
        for part in [
            "set the identity that is expected of the peer to gw.example.org",
            "Adit: remote_id = \"gw.example.org\"",
            "Libreswan: `rightid=@gw.example.org`",
        ] {
            assert!(text.contains(part), "{text}");
        }
    }
}
