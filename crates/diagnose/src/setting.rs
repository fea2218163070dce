//! How a product's own configuration says one thing: a fix is for the one who has that product before him.
//!
//! A gateway whose product isn't known gets the thing in words, and the products that are met most as examples.

use core::fmt::Display;
use core::net::IpAddr;

use adit_model::identity::Identity;
use adit_model::product::Product;

/// What is to be set.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Setting<'a> {
    /// Who this gateway says it is.
    OwnIdentity(&'a Identity),
    /// Whom it expects.
    PeersIdentity(&'a Identity),
    /// Where the peer is; an address or a name.
    PeersAddress(&'a dyn Text),
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
                    .filter_map(|product| Some(format!("{product}: {}", self.written(product)?)))
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
        }
    }

    /// As the product writes it; nothing where it has no such setting.
    fn written(self, product: Product) -> Option<String> {
        match self {
            Setting::OwnIdentity(id) => own_identity(product, id),
            Setting::PeersIdentity(id) => peers_identity(product, id),
            Setting::PeersAddress(address) => peers_address(product, &address.to_string()),
        }
    }
}

fn own_identity(product: Product, id: &Identity) -> Option<String> {
    Some(match product {
        Product::Adit => format!("`local_id = \"{id}\"`"),
        Product::Strongswan => format!(
            "`local {{ id = {} }}` in swanctl.conf, `leftid={}` in ipsec.conf",
            quoted(id),
            quoted(id)
        ),
        Product::Libreswan => format!(
            "`leftid={}` (or `rightid=`, if right is its own end)",
            at_sign(id)
        ),
        Product::Racoon => format!("`my_identifier {};`", racoon(id)),
        Product::Vyos => {
            format!("`set vpn ipsec site-to-site peer PEER authentication local-id '{id}'`")
        }
        Product::Illumos => format!("`local_id \"{id}\"` in the rule of /etc/inet/ike/config"),
        Product::Panos => format!("IKE Gateway, Local Identification: {id}"),
        Product::CiscoIos => format!(
            "`identity local {}` in the IKEv2 profile; for IKEv1 `crypto isakmp identity {}`",
            ios(id),
            kind(id)
        ),
        Product::CiscoAsa => format!(
            "`crypto isakmp identity {}`, so that it sends {id}",
            kind(id)
        ),
        Product::Juniper => format!(
            "`set security ike gateway GATEWAY local-identity {}`",
            junos(id)
        ),
        Product::Fortigate => format!("`set localid \"{id}\"` in the phase1-interface"),
        Product::Mikrotik => format!("`/ip ipsec identity set NUMBER my-id={}`", routeros(id)),
        Product::Openbsd => format!("`srcid {}` in iked.conf", quoted(id)),
        Product::Aws | Product::Azure | Product::Windows => return None,
    })
}

fn peers_identity(product: Product, id: &Identity) -> Option<String> {
    Some(match product {
        Product::Adit => format!("`remote_id = \"{id}\"`"),
        Product::Strongswan => format!(
            "`remote {{ id = {} }}` in swanctl.conf, `rightid={}` in ipsec.conf",
            quoted(id),
            quoted(id)
        ),
        Product::Libreswan => format!(
            "`rightid={}` (or `leftid=`, if left is the peer's end)",
            at_sign(id)
        ),
        Product::Racoon => format!("`peers_identifier {};`", racoon(id)),
        Product::Vyos => {
            format!("`set vpn ipsec site-to-site peer PEER authentication remote-id '{id}'`")
        }
        Product::Illumos => format!("`remote_id \"{id}\"` in the rule of /etc/inet/ike/config"),
        Product::Panos => format!("IKE Gateway, Peer Identification: {id}"),
        Product::CiscoIos => format!(
            "`match identity remote {}` in the IKEv2 profile; for IKEv1 `match identity {}` in the ISAKMP profile",
            ios(id),
            ios(id)
        ),
        Product::CiscoAsa => {
            format!("a tunnel group by the name {id} (`tunnel-group {id} type ipsec-l2l`)")
        }
        Product::Juniper => format!(
            "`set security ike gateway GATEWAY remote-identity {}`",
            junos(id)
        ),
        Product::Fortigate => {
            format!("`set peertype one` and `set peerid \"{id}\"` in the phase1-interface")
        }
        Product::Mikrotik => format!("`/ip ipsec identity set NUMBER remote-id={}`", routeros(id)),
        Product::Openbsd => format!("`dstid {}` in iked.conf", quoted(id)),
        Product::Aws | Product::Azure | Product::Windows => return None,
    })
}

fn peers_address(product: Product, address: &str) -> Option<String> {
    Some(match product {
        Product::Adit => format!("`remote = \"{address}\"` in the tunnel that is meant"),
        Product::Strongswan => format!(
            "`remote_addrs = {address}` in swanctl.conf, then `swanctl --load-conns`; `right={address}` in ipsec.conf, then `ipsec update`"
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

/// In quotes where blanks or commas would end it.
fn quoted(id: &Identity) -> String {
    match id {
        Identity::Name(_) => format!("\"{id}\""),
        _ => id.to_string(),
    }
}

/// Names bear an at sign in pluto's configuration, lest they be looked up.
fn at_sign(id: &Identity) -> String {
    match id {
        Identity::Fqdn(name) => format!("@{name}"),
        _ => quoted(id),
    }
}

fn kind(id: &Identity) -> &'static str {
    match id {
        Identity::Address(_) => "address",
        Identity::Name(_) => "dn",
        Identity::KeyId(_) => "key-id",
        Identity::Fqdn(_) | Identity::Email(_) | Identity::Other { .. } => "hostname",
    }
}

fn racoon(id: &Identity) -> String {
    let kind = match id {
        Identity::Address(_) => "address",
        Identity::Fqdn(_) => "fqdn",
        Identity::Email(_) => "user_fqdn",
        Identity::Name(_) => "asn1dn",
        Identity::KeyId(_) | Identity::Other { .. } => "keyid",
    };
    match id {
        Identity::Address(address) => format!("{kind} {address}"),
        _ => format!("{kind} \"{id}\""),
    }
}

fn ios(id: &Identity) -> String {
    match id {
        Identity::Address(address) => format!("address {address}"),
        Identity::Fqdn(name) => format!("fqdn {name}"),
        Identity::Email(name) => format!("email {name}"),
        Identity::Name(_) => "dn".to_owned(),
        Identity::KeyId(_) | Identity::Other { .. } => format!("key-id {id}"),
    }
}

fn junos(id: &Identity) -> String {
    match id {
        Identity::Address(IpAddr::V6(address)) => format!("inet6 {address}"),
        Identity::Address(address) => format!("inet {address}"),
        Identity::Fqdn(name) => format!("hostname {name}"),
        Identity::Email(name) => format!("user-at-hostname {name}"),
        Identity::Name(_) => "distinguished-name".to_owned(),
        Identity::KeyId(_) | Identity::Other { .. } => format!("key-id {id}"),
    }
}

fn routeros(id: &Identity) -> String {
    match id {
        Identity::Address(address) => format!("address:{address}"),
        Identity::Fqdn(name) => format!("fqdn:{name}"),
        Identity::Email(name) => format!("user-fqdn:{name}"),
        Identity::Name(_) => format!("dn:\"{id}\""),
        Identity::KeyId(_) | Identity::Other { .. } => format!("key-id:{id}"),
    }
}

#[cfg(test)]
mod tests {
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
            (Product::Adit, &name, "`local_id = \"gw.example.org\"`"),
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
    fn an_unknown_product_gets_words_and_examples() {
        let [name, ..] = identities();
        let text = Setting::PeersIdentity(&name).at(None);
        for part in [
            "set the identity that is expected of the peer to gw.example.org",
            "Adit: `remote_id = \"gw.example.org\"`",
            "Libreswan: `rightid=@gw.example.org`",
        ] {
            assert!(text.contains(part), "{text}");
        }
    }
}
