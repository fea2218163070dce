//! What the words around a sentence add to its meaning, as values beside it: rules ask for those and know no wording.

use adit_model::sign::Sign;

/// The values that the line adds, by name.
pub(super) fn marks(sign: Sign, body: &str) -> Vec<(&'static str, &'static str)> {
    let has = |words: &str| body.contains(words);
    let mut out = Vec::new();
    match sign {
        // Cisco says so of either SA; what was offered follows.
        Sign::IkeProposalsRefused if has("Failed to find a matching policy") => {
            out.push(("of", "either"));
        }
        // IOS names each attribute of an offer that differs.
        Sign::IkeOfferDiffers
            if has("uthentication offered") || has("uthentication method offered") =>
        {
            out.push(("of", "method"));
        }
        // A debugger is also attached to a daemon that lives.
        Sign::DaemonCrashed if has("(gdb) bt") => out.push(("of", "debugger")),
        // How many features failed doesn't say of what.
        Sign::FeatureMissing if has("critical plugin feature") => out.push(("counted", "yes")),
        // "… authentication using Main Mode": main mode is what everybody has, so it is the method.
        Sign::ExchangeModeRefused if has("authentication using") => out.push(("of", "method")),
        // VPP compares an identity with each profile.
        Sign::PeerIdentityUnexpected if has("profile id") => out.push(("each", "yes")),
        // FortiOS says so of identities and of certificates.
        Sign::PeerIdentityUnexpected
            if has("gw validation failed") || has("gateway validation failed") =>
        {
            out.push(("of", "gateway"));
        }
        // A CA's certificate, by the daemon's words or by where the file is kept.
        Sign::ConfigUnreadable
            if ["ca certificate", "CA certificate", "/cacerts/", "/x509ca/"]
                .iter()
                .any(|words| has(words)) =>
        {
            out.push(("of", "ca"));
        }
        // ASA, FortiOS, PAN-OS and SonicOS compare networks with each entry; RouterOS may make one of a template then.
        Sign::TrafficRefused
            if has("ACL does not match proxy IDs")
                || has("TS matching result")
                || has("specified selectors mismatch")
                || has("Received notify: INVALID_ID_INFO\"")
                || has("policy not found") && has("ipsec") =>
        {
            out.push(("each", "yes"));
        }
        // It is said of the own certificate when it is loaded, and the subject is used instead.
        Sign::CertificateNameMismatch if has("defaulting to") => {
            out.push(("replaced", "yes"));
            if has("id '%any'") {
                out.push(("anybody", "yes"));
            }
        }
        // The older one goes a while later: it is what a peer does that authenticates again before it lets the old go.
        Sign::DuplicateRemoved if has("suspected reauthentication") => {
            out.push(("of", "reauthentication"));
        }
        // pluto says that it refuses a certificate after it has said why.
        Sign::PeerKeyUntrusted
            if has("X509: certificate payload rejected")
                || has("X509: CERT payload bogus")
                || has("X.509 certificate rejected")
                || has("failed verification")
                || has("failed IPsec verification")
                || has("failed TLS verification")
                || has("ertificate rejected for this connection") =>
        {
            out.push(("of", "unsaid"));
        }
        // A connection for whoever may come, of which the administrator chose that it does without.
        Sign::ClearOnFailure if has("+OPPORTUNISTIC") => out.push(("of", "anybody")),
        // A server within EAP asks for a certificate, whether it needs one or not.
        Sign::PrivateKeyMissing
            if has("skipping client authentication")
                || has("no usable TLS client certificate found") =>
        {
            out.push(("optional", "yes"));
        }
        // Inside of EAP, where the identity has to be in the certificate too.
        Sign::PeerKeyUntrusted if has("to verify TLS ") => out.push(("of", "tls")),
        Sign::UserAuthenticationFailed
            if has("no MSK established") || has("failed to establish MSK") =>
        {
            out.push(("of", "keys"));
        }
        // In quick mode, where networks are refused in the same words.
        Sign::ChildRequestRefused
            if has("NOTIFY PROPOSAL_NOT_CHOSEN") || has("received notice of type") =>
        {
            out.extend([("version", "1"), ("by", "peer")]);
        }
        // FortiOS' one reason for ciphers, group and networks alike.
        Sign::ChildRequestRefused if has("peer SA proposal not match") => {
            out.push(("words", "all"));
            if crate::status::has_assigned(body) {
                out.push(("networks", "given"));
            }
        }
        // isakmpd doesn't say who sent it.
        Sign::IkeVersionRefused if has("message_recv: invalid version") => {
            out.push(("sender", "unknown"));
        }
        // Check Point names the methods: with certificates there is no key to differ.
        Sign::DecryptedToNonsense if has("Main Mode") && has(", Certificate") => {
            out.push(("method", "certificate"));
        }
        Sign::DecryptedToNonsense if has("in ISAKMP header (check passphrases") => {
            out.push(("sender", "unknown"));
        }
        // Any host's packet that meets the outside address.
        Sign::EspDropped if has("106010: ") => out.push(("sender", "any")),
        // IOS says so of a signature as well.
        Sign::PskDiffers if has("Verification of peer's authentication data") => {
            out.push(("method", "any"));
        }
        // Azure's own reading of its log, between two gateways that prove themselves by a shared key.
        Sign::AuthenticationRefusedByPeer if has("Check shared key") => out.push(("method", "psk")),
        // VRP lets an SA go that carried nothing.
        Sign::SaExpired if has("phase1 hard expiry") || has("phase2 hard expiry") => {
            out.push(("idle", "maybe"));
        }
        // ASA warns, and looks for the group by other means.
        Sign::NoConnectionForIdentity if has("using certificate maps failed") => {
            out.push(("each", "yes"));
        }
        // Huawei's one reason for keys and certificates.
        Sign::PskDiffers
            if has("authentication fail ")
                || has("=authentication fail")
                || has("[authentication fail]") =>
        {
            out.push(("method", "any"));
        }
        Sign::ConnectionDuplicate if has("same reqid") => out.push(("reqid", "the same")),
        Sign::SourceUnspecified if has("faking NAT") => out.push(("forced", "yes")),
        // `%defaultroute` and the like aren't names of anybody.
        Sign::PeerNameUnresolved if has("=%") => out.push(("special", "yes")),
        Sign::EndpointReplaced => out.extend(of_another_time(body).map(|when| ("told", when))),
        // charon sets the whole IKE SA up anew instead.
        Sign::RekeyRefused if has("starting reauthentication") => {
            out.push(("then", "reauthentication"));
        }
        // The resolver's own words may be about anybody's look-up; these are a daemon's.
        Sign::PeerNameUnresolved if by_daemon(body) => out.push(("of", "peer")),
        _ => {}
    }
    out
}

/// Whether what is told of a provider's work is denied, over, or to come.
fn of_another_time(body: &str) -> Option<&'static str> {
    const PAST: [&str; 8] = [
        "last year",
        "last month",
        "last week",
        "last time",
        "weeks ago",
        "months ago",
        "years ago",
        "in the past",
    ];
    const AHEAD: [&str; 6] = [
        "scheduled",
        "will be",
        "will take",
        "is planned",
        "upcoming",
        "is going to",
    ];
    const DENIED: [&str; 10] = [
        " no ",
        "not ",
        "n't ",
        "without ",
        "never ",
        "neither ",
        "denies ",
        "denied ",
        "rules out",
        "ruled out",
    ];
    let body = format!(" {}", body.to_ascii_lowercase());
    let holds = |words: &[&str]| words.iter().any(|word| body.contains(word));
    if holds(&PAST) {
        Some("past")
    } else if holds(&DENIED) {
        Some("denied")
    } else {
        holds(&AHEAD).then_some("ahead")
    }
}

fn by_daemon(body: &str) -> bool {
    const WORDS: [&str; 8] = [
        "unable to resolve",
        "resolving '",
        // `lookup x: no such host` alone is what every program in Go says.
        "lookup failed",
        "did not resolve",
        "peer",
        "at load time",
        "dns resolution",
        "dns name",
    ];
    let body = body.to_ascii_lowercase();
    WORDS.iter().any(|word| body.contains(word))
}
