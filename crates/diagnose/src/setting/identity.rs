//! Identities, as products' configurations write them, with their types.

use core::net::IpAddr;

use adit_model::identity::Identity;
use adit_model::product::Product;

/// Who this gateway says it is.
pub(super) fn own_identity(product: Product, id: &Identity) -> Option<String> {
    Some(match product {
        Product::Adit => format!("local_id = \"{id}\""),
        Product::Strongswan => format!(
            "local {{ id = {} }} (swanctl.conf; in ipsec.conf `leftid={}`)",
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
        Product::CiscoIos => format!("`identity local {}` in the IKEv2 profile", ios(id)?),
        Product::CiscoAsa => match id {
            Identity::Address(_) => "`crypto isakmp identity address`".to_owned(),
            Identity::KeyId(_) | Identity::Other { .. } => {
                format!("`crypto isakmp identity key-id {id}`")
            }
            Identity::Name(_) => {
                format!("`crypto isakmp identity auto`, and a certificate for {id}")
            }
            Identity::Fqdn(_) | Identity::Email(_) => {
                format!("`crypto isakmp identity hostname`, and {id} as the host's name")
            }
        },
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

/// Whom it expects.
pub(super) fn peers_identity(product: Product, id: &Identity) -> Option<String> {
    Some(match product {
        Product::Adit => format!("remote_id = \"{id}\""),
        Product::Strongswan => format!(
            "remote {{ id = {} }} (swanctl.conf; in ipsec.conf `rightid={}`)",
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
        Product::CiscoIos => {
            format!("`match identity remote {}` in the IKEv2 profile", ios(id)?)
        }
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

/// Names of certificates are matched by a certificate map there, which is more than a word.
fn ios(id: &Identity) -> Option<String> {
    Some(match id {
        Identity::Address(address) => format!("address {address}"),
        Identity::Fqdn(name) => format!("fqdn {name}"),
        Identity::Email(name) => format!("email {name}"),
        Identity::KeyId(_) | Identity::Other { .. } => format!("key-id {id}"),
        Identity::Name(_) => return None,
    })
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
