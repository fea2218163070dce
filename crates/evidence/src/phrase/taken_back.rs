//! Words beside a sentence that take back what it seems to say.

use adit_model::sign::Sign;

/// What is said, and with which words it isn't meant. All letters are small.
static TAKEN_BACK: &[(Sign, &str)] = &[
    // `Pluto is NOT running in FIPS mode` is told at every start.
    (Sign::DaemonNotRunning, "not running in fips mode"),
    // The signer of a revocation list, when files are loaded: no certificate was refused.
    (Sign::IssuerUnknown, "crl issuer cacert not found"),
    (Sign::PolicyInUse, "- but allowing anyway"),
    (Sign::TrafficOwnedByOther, "- but allowing anyway"),
    (Sign::NetworksOverlap, "permitted by mutual consent"),
    // Everything on both ends is what a tunnel with an interface of its own is for: who routes into it sets the routes.
    (Sign::NetworksOverlap, "= 0.0.0.0/0 cannot add route"),
    (Sign::NetworksOverlap, "= ::/0 cannot add route"),
    // A change of address that the tunnel went along with.
    (Sign::AddressChanged, "success mobike update"),
    // What an unexpected message carries is an error of the peer's, which says more than that it wasn't expected.
    (
        Sign::MessageUnexpected,
        "containing authentication_failed notification",
    ),
    (
        Sign::MessageUnexpected,
        "containing no_proposal_chosen notification",
    ),
    (
        Sign::MessageUnexpected,
        "containing ts_unacceptable notification",
    ),
    (
        Sign::MessageUnexpected,
        "containing temporary_failure notification",
    ),
    (
        Sign::MessageUnexpected,
        "containing child_sa_not_found notification",
    ),
    (
        Sign::MessageUnexpected,
        "containing invalid_spi notification",
    ),
    (
        Sign::MessageUnexpected,
        "containing invalid_ike_spi notification",
    ),
    (
        Sign::MessageUnexpected,
        "containing v2n_authentication_failed notification",
    ),
    (
        Sign::MessageUnexpected,
        "containing v2n_no_proposal_chosen notification",
    ),
    (
        Sign::MessageUnexpected,
        "containing v2n_ts_unacceptable notification",
    ),
    // Who makes the database of keys a second time.
    (Sign::DaemonNotRunning, "nss database already initialised"),
    // Outside of FIPS mode a short key is only remarked on.
    (Sign::SecretMalformed, "warning: connection psk length"),
    // Submariner's check that found nothing.
    (Sign::NetworksOverlap, "no cidr in cluster"),
    // Who tells people of a change carries no traffic.
    (Sign::TransitionHookOld, "/mail"),
    // A script that takes down what may not be there any more fails as often as it is run.
    (Sign::UpdownFailed, "down-client "),
    (Sign::UpdownFailed, "down-host "),
    (Sign::UpdownFailed, "unroute-client "),
    (Sign::UpdownFailed, "unroute-host "),
    // Packages that guides name and later versions don't have.
    (Sign::PluginMissing, "locate package strongswan-plugin-"),
    // Only who takes a rule away asks for one that matches; a lock that is waited for is had at last.
    (
        Sign::UpdownFailed,
        "does a matching rule exist in that chain",
    ),
    (
        Sign::UpdownFailed,
        "updown: rtnetlink answers: no such process",
    ),
    (Sign::UpdownFailed, "xtables lock; waiting"),
    (Sign::UpdownFailed, "xtables lock; still"),
    // A shell's remark that the directory it was started in is gone.
    (Sign::UpdownFailed, "getcwd() failed"),
    (
        Sign::UpdownFailed,
        "getcwd: cannot access parent directories",
    ),
    // A remark of `ip` on some kernels; the route was set.
    (Sign::UpdownFailed, "peer netns reference is invalid"),
    // Modules for a user's session, not for who may have one.
    (Sign::UserAuthenticationFailed, "pam_systemd.so)"),
    (Sign::UserAuthenticationFailed, "pam_gnome_keyring.so)"),
    (Sign::UserAuthenticationFailed, "pam_lastlog.so)"),
    (Sign::UserAuthenticationFailed, "pam_limits.so)"),
    (Sign::UserAuthenticationFailed, "pam_ck_connector.so)"),
    // A VPN without IPsec.
    (Sign::UserAuthenticationFailed, "pptp"),
    (Sign::CertificateExpired, "verify error: depth="),
    (Sign::CertificateNotYetValid, "verify error: depth="),
    (Sign::CertificateRevoked, "verify error: depth="),
    (Sign::IssuerUnknown, "verify error: depth="),
    // Somebody stopped it.
    (Sign::DaemonKilled, "killed by sigterm, terminating"),
    // A file that is missing, where a stack of the kernel may be named.
    (Sign::KernelSupportMissing, " ipsec, no /"),
    // FortiOS has one reason for both phases; which one it was stands before it.
    (Sign::IkeProposalsRefused, "ipsec phase 2 error"),
    // Its other kind of tunnel.
    (Sign::SecondPhaseDone, "tunneltype=\"ssl"),
    // RouterOS' scripts, mail, time and updates look names up too.
    (Sign::PeerNameUnresolved, "script,error"),
    (Sign::PeerNameUnresolved, "system,error"),
    (Sign::PeerNameUnresolved, "e-mail,error"),
    (Sign::PeerNameUnresolved, "ntp,"),
    // A crypto map that has no entry for the networks; what is proposed was agreed on before.
    (
        Sign::IkeProposalsRefused,
        "crypto map policy not found for remote",
    ),
    // AWS tells the states beside its message.
    (Sign::EspProposalRefused, "ike_phase1_state\":\"down"),
    (
        Sign::EspProposalRefused,
        "quick mode received notification from peer: no proposal chosen. invalid id",
    ),
    // A watchdog that is content.
    (Sign::AllTunnelsRestarted, "not restarting"),
    (Sign::AllTunnelsRestarted, "without restarting"),
    (Sign::AllTunnelsRestarted, "no need for restarting"),
    // A pool whose leases are out is kept as it is; and what isn't unloaded is still there.
    (Sign::ConnectionRejected, "has online leases, unable to"),
    (Sign::ConnectionRejected, "unloading "),
    (Sign::ConnectionNotLoaded, "unload: connection "),
    // What is taken away isn't missed.
    (Sign::RouteNotInstalled, "uninstalling "),
    (Sign::InterfaceIdMissing, "not found to delete"),
    // Who may not ask the kernel doesn't know what it has.
    (
        Sign::KernelSupportMissing,
        "event socket: operation not permitted",
    ),
    (
        Sign::KernelSupportMissing,
        "event socket: permission denied",
    ),
    (
        Sign::VirtualAddressRefused,
        "socket failed: operation not permitted",
    ),
    // `%any` is nobody's name.
    (Sign::PeerNameUnresolved, "unable to resolve %any"),
    (Sign::PeerNameUnresolved, "unable to resolve 0.0.0.0"),
    // What `--debug` may print, not an algorithm.
    (Sign::AlgorithmUnavailable, "fips: --debug "),
];

/// Whether the line doesn't mean what one of its sentences says.
pub(super) fn is_taken_back(sign: Sign, body: &str) -> bool {
    TAKEN_BACK
        .iter()
        .filter(|(of, _)| *of == sign)
        .any(|(_, words)| contains(body, words))
}

/// Whether the text holds the words, in either case.
fn contains(text: &str, words: &str) -> bool {
    text.as_bytes()
        .windows(words.len())
        .any(|w| w.eq_ignore_ascii_case(words.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_is_taken_back_by_words_beside_it() {
        for (sign, line) in [
            (Sign::DaemonNotRunning, "Pluto is NOT running in FIPS mode"),
            (
                Sign::IssuerUnknown,
                "CRL rejected: crl issuer cacert not found for CN=ca",
            ),
            (
                Sign::PolicyInUse,
                "cannot route -- route already in use for \"b\" - but allowing anyway",
            ),
            (
                Sign::NetworksOverlap,
                "no CIDR in cluster \"east\" overlaps with cluster \"west\"",
            ),
            (
                Sign::TransitionHookOld,
                "notify script /etc/keepalived/mail.sh exited with status 1",
            ),
            (
                Sign::UpdownFailed,
                "\"gw\": unroute-client command exited with status 2",
            ),
            (
                Sign::UpdownFailed,
                "updown: iptables: Bad rule (does a matching rule exist in that chain?).",
            ),
            (
                Sign::UpdownFailed,
                "updown: Another app is currently holding the xtables lock; waiting (1s) for it to exit...",
            ),
            (
                Sign::UpdownFailed,
                "updown: sh: 0: getcwd() failed: No such file or directory",
            ),
            (
                Sign::UserAuthenticationFailed,
                "PAM unable to dlopen(/lib/security/pam_systemd.so): /lib/security/pam_systemd.so: cannot open",
            ),
            (
                Sign::UserAuthenticationFailed,
                "The error code returned on failure is 691 (PPTP).",
            ),
            (
                Sign::CertificateExpired,
                "VERIFY ERROR: depth=0, error=certificate has expired: CN=ann",
            ),
        ] {
            assert!(is_taken_back(sign, line), "{line}");
        }
        for (sign, line) in [
            (
                Sign::DaemonNotRunning,
                "whack: Pluto is not running (no \"/run/pluto/pluto.ctl\")",
            ),
            (Sign::IssuerUnknown, "issuer cacert not found"),
            (
                Sign::UserAuthenticationFailed,
                "PAM unable to dlopen(pam_radius_auth.so): /lib/security/pam_radius_auth.so: cannot open",
            ),
            (
                Sign::UpdownFailed,
                "\"gw\": up-client command exited with status 2",
            ),
        ] {
            assert!(!is_taken_back(sign, line), "{line}");
        }
    }
}
