//! What to write, in the words of each product.

use adit_model::peer_config::Dialect;
use adit_model::proposal::Proposal;

/// What a setting is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Topic {
    IkeVersion,
    IkeProposals,
    EspProposals,
    Pfs,
    LocalId,
    RemoteId,
    Auth,
    Key,
    Networks,
    Mode,
    Start,
    Lifetimes,
    Exchange,
    Encapsulation,
    PeerAddress,
}

/// The setting's name in a product.
pub(crate) fn setting(dialect: Dialect, topic: Topic) -> &'static str {
    use Dialect as D;
    use Topic as T;
    match (topic, dialect) {
        (T::IkeVersion, D::StrongswanStroke) => "keyexchange=",
        (T::IkeVersion, D::Swanctl) => "version =",
        (T::IkeVersion, D::Libreswan | D::Openswan) => "ikev2= (keyexchange= since 5.0)",
        (T::IkeVersion, D::Vyatta) => "ike-group … ike-version",
        (T::IkeVersion, D::Vyos) => "ike-group … key-exchange",
        (T::IkeVersion, D::Panos) => "ike gateway … protocol version",
        (T::IkeVersion, D::Junos) => "ike gateway … version",
        (T::IkeVersion, D::Fortios) => "set ike-version",
        (T::IkeVersion, D::Routeros) => "/ip ipsec peer exchange-mode=",
        (T::IkeVersion, D::CiscoIos | D::CiscoAsa) => "crypto ikev2 or crypto isakmp/ikev1",
        (T::IkeVersion, D::Adit | D::Racoon | D::Illumos) => "(one version only)",
        (T::IkeProposals, D::StrongswanStroke | D::Libreswan | D::Openswan) => "ike=",
        (T::IkeProposals, D::Swanctl) => "proposals =",
        (T::IkeProposals, D::Adit) => "ike =",
        (T::IkeProposals, D::Vyatta | D::Vyos) => "ike-group … proposal",
        (T::IkeProposals, D::Panos) => "ike-crypto-profiles",
        (T::IkeProposals, D::Junos) => "security ike proposal",
        (T::IkeProposals, D::Fortios) => "phase1-interface: set proposal, set dhgrp",
        (T::IkeProposals, D::Routeros) => {
            "/ip ipsec profile enc-algorithm= hash-algorithm= dh-group="
        }
        (T::IkeProposals, D::CiscoIos | D::CiscoAsa) => {
            "crypto ikev2 proposal, crypto isakmp policy"
        }
        (T::IkeProposals, D::Racoon) => "remote … proposal { … }",
        (T::IkeProposals, D::Illumos) => "p1_xform in ike/config",
        (T::EspProposals, D::StrongswanStroke) => "esp=",
        (T::EspProposals, D::Libreswan | D::Openswan) => "esp= (phase2alg=)",
        (T::EspProposals, D::Swanctl) => "esp_proposals =",
        (T::EspProposals, D::Adit) => "esp =",
        (T::EspProposals, D::Vyatta | D::Vyos) => "esp-group … proposal",
        (T::EspProposals, D::Panos) => "ipsec-crypto-profiles",
        (T::EspProposals, D::Junos) => "security ipsec proposal",
        (T::EspProposals, D::Fortios) => "phase2-interface: set proposal",
        (T::EspProposals, D::Routeros) => "/ip ipsec proposal",
        (T::EspProposals, D::CiscoIos) => "crypto ipsec transform-set",
        (T::EspProposals, D::CiscoAsa) => {
            "crypto ipsec ikev2 ipsec-proposal, crypto ipsec ikev1 transform-set"
        }
        (T::EspProposals, D::Racoon) => "sainfo: encryption_algorithm, authentication_algorithm",
        (T::EspProposals, D::Illumos) => "encr_algs and encr_auth_algs in ipsecinit.conf",
        (T::Pfs, D::StrongswanStroke) => "the group at the end of esp=",
        (T::Pfs, D::Swanctl) => "the group at the end of esp_proposals",
        (T::Pfs, D::Adit) => "the group at the end of esp",
        (T::Pfs, D::Libreswan | D::Openswan) => "pfs= and the group in esp=",
        (T::Pfs, D::Vyatta | D::Vyos) => "esp-group … pfs",
        (T::Pfs, D::Panos) => "ipsec-crypto-profiles … dh-group",
        (T::Pfs, D::Junos) => "ipsec policy … perfect-forward-secrecy keys",
        (T::Pfs, D::Fortios) => "phase2-interface: set pfs, set dhgrp",
        (T::Pfs, D::Routeros) => "/ip ipsec proposal pfs-group=",
        (T::Pfs, D::CiscoIos | D::CiscoAsa) => "set pfs",
        (T::Pfs, D::Racoon) => "sainfo: pfs_group",
        (T::Pfs, D::Illumos) => "p2_pfs",
        (T::LocalId, D::StrongswanStroke | D::Libreswan | D::Openswan) => "leftid=",
        (T::LocalId, D::Swanctl) => "local { id = }",
        (T::LocalId, D::Adit) => "local_id =",
        (T::LocalId, D::Vyatta) => "peer … authentication id",
        (T::LocalId, D::Vyos) => "peer … authentication local-id",
        (T::LocalId, D::Panos) => "ike gateway … local-id",
        (T::LocalId, D::Junos) => "ike gateway … local-identity",
        (T::LocalId, D::Fortios) => "set localid",
        (T::LocalId, D::Routeros) => "/ip ipsec identity my-id=",
        (T::LocalId, D::CiscoIos) => "identity local",
        (T::LocalId, D::CiscoAsa) => "crypto isakmp identity",
        (T::LocalId, D::Racoon) => "my_identifier",
        (T::LocalId, D::Illumos) => "local_id",
        (T::RemoteId, D::StrongswanStroke | D::Libreswan | D::Openswan) => "rightid=",
        (T::RemoteId, D::Swanctl) => "remote { id = }",
        (T::RemoteId, D::Adit) => "remote_id =",
        (T::RemoteId, D::Vyatta | D::Vyos) => "peer … authentication remote-id",
        (T::RemoteId, D::Panos) => "ike gateway … peer-id",
        (T::RemoteId, D::Junos) => "ike gateway … remote-identity",
        (T::RemoteId, D::Fortios) => "set peertype one, set peerid",
        (T::RemoteId, D::Routeros) => "/ip ipsec identity remote-id=",
        (T::RemoteId, D::CiscoIos) => "match identity remote",
        (T::RemoteId, D::CiscoAsa) => "tunnel-group",
        (T::RemoteId, D::Racoon) => "peers_identifier",
        (T::RemoteId, D::Illumos) => "remote_id",
        (T::Auth, D::StrongswanStroke) => "leftauth=, rightauth= (authby=)",
        (T::Auth, D::Libreswan | D::Openswan) => "authby=",
        (T::Auth, D::Swanctl) => "local { auth = }, remote { auth = }",
        (T::Auth, D::Adit) => "auth =",
        (T::Auth, D::Vyatta | D::Vyos) => "peer … authentication mode",
        (T::Auth, D::Panos) => "ike gateway … authentication",
        (T::Auth, D::Junos) => "ike proposal … authentication-method",
        (T::Auth, D::Fortios) => "set authmethod",
        (T::Auth, D::Routeros) => "/ip ipsec identity auth-method=",
        (T::Auth, D::CiscoIos | D::CiscoAsa) => "authentication",
        (T::Auth, D::Racoon) => "authentication_method",
        (T::Auth, D::Illumos) => "auth_method",
        (T::Key, D::StrongswanStroke | D::Libreswan | D::Openswan) => "/etc/ipsec.secrets",
        (T::Key, D::Swanctl) => "secrets { ike-… { secret = } }",
        (T::Key, D::Adit) => "the file of auth = { psk_file = }",
        (T::Key, D::Vyatta) => "peer … authentication pre-shared-secret",
        (T::Key, D::Vyos) => "vpn ipsec authentication psk … secret",
        (T::Key, D::Panos) => "ike gateway … pre-shared-key",
        (T::Key, D::Junos) => "ike policy … pre-shared-key",
        (T::Key, D::Fortios) => "set psksecret",
        (T::Key, D::Routeros) => "/ip ipsec identity secret=",
        (T::Key, D::CiscoIos) => "crypto isakmp key, crypto ikev2 keyring",
        (T::Key, D::CiscoAsa) => "tunnel-group … ipsec-attributes",
        (T::Key, D::Racoon) => "psk.txt",
        (T::Key, D::Illumos) => "ike.preshared",
        (T::Networks, D::StrongswanStroke | D::Libreswan | D::Openswan) => {
            "leftsubnet=, rightsubnet="
        }
        (T::Networks, D::Swanctl) => "local_ts, remote_ts",
        (T::Networks, D::Adit) => "local_net, remote_net",
        (T::Networks, D::Vyatta | D::Vyos) => "tunnel … local prefix, remote prefix",
        (T::Networks, D::Panos) => "proxy-id",
        (T::Networks, D::Junos) => "proxy-identity, traffic-selector",
        (T::Networks, D::Fortios) => "src-subnet, dst-subnet",
        (T::Networks, D::Routeros) => "/ip ipsec policy src-address= dst-address=",
        (T::Networks, D::CiscoIos | D::CiscoAsa) => "the crypto map's access list",
        (T::Networks, D::Racoon) => "spdadd, sainfo",
        (T::Networks, D::Illumos) => "laddr, raddr in ipsecinit.conf",
        (T::Mode, D::StrongswanStroke | D::Libreswan | D::Openswan) => "type=",
        (T::Mode, D::Swanctl | D::Adit) => "mode =",
        (T::Mode, D::Vyatta | D::Vyos) => "esp-group … mode",
        (T::Mode, _) => "mode",
        (T::Start, D::StrongswanStroke | D::Libreswan | D::Openswan) => "auto=start",
        (T::Start, D::Swanctl) => "start_action = start",
        (T::Start, D::Adit) => "start = \"auto\"",
        (T::Start, D::Vyos | D::Vyatta) => "peer … connection-type initiate",
        (T::Start, D::Panos) => "passive-mode no",
        (T::Start, D::Junos) => "establish-tunnels immediately",
        (T::Start, D::Fortios) => "set auto-negotiate enable",
        (T::Start, D::Routeros) => "/ip ipsec peer passive=no",
        (T::Start, D::CiscoAsa) => "set connection-type bidirectional",
        (T::Start, D::Racoon) => "passive off",
        (T::Start, _) => "traffic from this side",
        (T::Lifetimes, D::StrongswanStroke) => "ikelifetime=, lifetime=",
        (T::Lifetimes, D::Libreswan | D::Openswan) => "ikelifetime=, salifetime=",
        (T::Lifetimes, D::Swanctl) => "rekey_time, life_time",
        (T::Lifetimes, D::Racoon) => "lifetime time, proposal_check",
        (T::Lifetimes, D::Illumos) => "p1_lifetime_secs, p2_lifetime_secs",
        (T::Lifetimes, _) => "lifetime",
        (T::Exchange, D::StrongswanStroke) => "aggressive=",
        (T::Exchange, D::Libreswan | D::Openswan) => "aggressive= (aggrmode=)",
        (T::Exchange, D::Racoon | D::Routeros) => "exchange_mode",
        (T::Exchange, D::Fortios) => "set mode main|aggressive",
        (T::Exchange, D::Junos) => "ike policy … mode",
        (T::Exchange, D::Panos) => "ikev1 exchange-mode",
        (T::Exchange, _) => "aggressive",
        (T::Encapsulation, D::StrongswanStroke) => "forceencaps=",
        (T::Encapsulation, D::Libreswan | D::Openswan) => "encapsulation=, nat_traversal=",
        (T::Encapsulation, D::Swanctl) => "encap =",
        (T::Encapsulation, D::Vyos | D::Vyatta) => "force-udp-encapsulation",
        (T::Encapsulation, _) => "NAT traversal",
        (T::PeerAddress, D::StrongswanStroke | D::Libreswan | D::Openswan) => "right=",
        (T::PeerAddress, D::Swanctl) => "remote_addrs =",
        (T::PeerAddress, D::Adit) => "remote =",
        (T::PeerAddress, D::Vyos) => "peer … remote-address",
        (T::PeerAddress, _) => "the peer's address",
    }
}

/// A proposal in a product's words.
pub(crate) fn spelled(proposal: &Proposal, dialect: Dialect) -> String {
    match dialect {
        Dialect::Libreswan | Dialect::Openswan => {
            let text = proposal.to_string();
            let mut parts: Vec<String> = Vec::new();
            let mut groups: Vec<String> = Vec::new();
            for word in text.split('-') {
                if word.starts_with("prf") && !proposal.integ.is_empty() {
                    continue;
                }
                if let Some(number) = group_number(proposal, word) {
                    groups.push(format!("dh{number}"));
                    continue;
                }
                let word = word.strip_prefix("prf").unwrap_or(word);
                let word = match word {
                    "sha256" => "sha2_256".to_owned(),
                    "sha384" => "sha2_384".to_owned(),
                    "sha512" => "sha2_512".to_owned(),
                    w if w.contains("gcm16") => {
                        format!(
                            "aes_gcm{}",
                            w.trim_start_matches("aes").trim_end_matches("gcm16")
                        )
                    }
                    w => w.to_owned(),
                };
                parts.push(word);
            }
            let mut out = parts.join("-");
            if !groups.is_empty() {
                out.push(';');
                out.push_str(&groups.join("+"));
            }
            out
        }
        Dialect::StrongswanStroke | Dialect::Swanctl | Dialect::Adit => proposal.to_string(),
        _ => proposal
            .to_string()
            .split('-')
            .map(|word| match group_number(proposal, word) {
                Some(number) => format!("group {number}"),
                None => word.to_owned(),
            })
            .collect::<Vec<_>>()
            .join(", "),
    }
}

/// The number of a key exchange method of the proposal by its keyword.
fn group_number(proposal: &Proposal, word: &str) -> Option<u16> {
    proposal
        .ke
        .iter()
        .find(|ke| adit_model::keywords::ke_name(**ke) == word)
        .map(|ke| ke.0)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use adit_model::proposal::SaKind;

    #[test]
    fn a_proposal_in_the_words_of_each() {
        let p = Proposal::parse("aes256-sha256-modp2048", SaKind::Ike).unwrap();
        assert_eq!(spelled(&p, Dialect::Libreswan), "aes256-sha2_256;dh14");
        assert_eq!(
            spelled(&p, Dialect::Swanctl),
            "aes256-sha256-prfsha256-modp2048"
        );
        assert_eq!(
            spelled(&p, Dialect::Panos),
            "aes256, sha256, prfsha256, group 14"
        );
        let p = Proposal::parse("aes256gcm16-prfsha512-ecp256", SaKind::Ike).unwrap();
        assert_eq!(spelled(&p, Dialect::Libreswan), "aes_gcm256-sha2_512;dh19");
    }
}
