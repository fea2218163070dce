//! `eap-xauth-failure`: the user behind the peer didn't authenticate.

use adit_model::reason::Refusal;
use adit_model::sign::Sign;

use crate::finding::{COUNTED, SAID};
use crate::let_in::is_of_ppp;
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::seen::Seen;
use crate::signals::{Signals, notify, who};
use crate::verdict::AtFault;

pub(crate) static RULE: Rule = Rule {
    id: "eap-xauth-failure",
    recurs: false,
    page: Page {
        title: "The user's authentication failed (EAP, XAUTH)",
        what: "The gateways agree, and the person or device behind the client doesn't authenticate: a wrong name or password, no entry for it, a method that one side lacks, a SIM whose answer is wrong, or a RADIUS or AAA server that doesn't answer.",
        initiator: "EAP_FAILURE, XAUTH status FAIL, or AUTHENTICATION_FAILED after rounds of EAP.",
        responder: "strongSwan: \"EAP method … failed for peer …\", \"XAuth authentication of … failed\", \"no XAuth secret found\"; Libreswan: \"XAUTH: User …: Authentication Failed\"; Cisco: \"Remote peer has failed user authentication\".",
        look_alikes: &[
            (
                "psk-mismatch",
                "Did the gateways authenticate to each other before the user was asked?",
            ),
            (
                "auth-method-mismatch",
                "Does the responder want EAP or XAUTH at all?",
            ),
        ],
        fix: &[
            (
                "any",
                "Check name and password as the client sends them, their entry on the server, and the server's own log.",
            ),
            (
                "strongswan",
                "`secrets { eap-x { id = … secret = … } }` (ipsec.secrets: `user : EAP \"…\"` or `XAUTH`), `swanctl --load-creds`; eap-radius: the server's address and secret.",
            ),
            (
                "libreswan",
                "/etc/ipsec.d/passwd, or PAM as `xauthby=` says; htpasswd -d only with a crypt that the system takes.",
            ),
        ],
        source: "RFC 7296 2.16; RFC 3748 4.2; draft-beaulieu-ike-xauth",
    },
    needs: &[Need::RefusingSideLog],
    depends_on: &[
        "plugin-missing",
        "ca-not-trusted",
        "cert-expired",
        "cert-san-mismatch",
        "config-not-loaded",
    ],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    // Anybody may ask a server. Where a tunnel's own lines are there, it is the gateway only when they name the address.
    let stranger = |x: &Seen<'_>| {
        x.fact.source.text.contains("from unknown client")
            && !alone(s)
            && !x.value("server").is_some_and(|a| s.names(a))
    };
    let unreachable = s.sign(Sign::UserServerUnreachable);
    if let Some(seen) = unreachable.filter(stranger) {
        return Judgement::Possible {
            weight: 40,
            because: format!(
                "a server that checks users doesn't know one who asks it: {}",
                seen.said()
            ),
            separated_by: "whether the address is the one from which this gateway asks",
        };
    }
    if let Some(seen) = unreachable {
        return Found::by(
            seen,
            COUNTED,
            format!("the server that checks users doesn't answer {}", seen.who()),
        )
        .because("The gateway passes names and passwords on to another server, and that one is silent; users can't be told apart from strangers.")
        .fix("restore the way to the RADIUS or AAA server (address, port 1812, shared secret, its log)")
        .done();
    }
    let refused = s.refusal(|r| match r {
        Refusal::User { method, user } => Some((method.clone(), user.clone())),
        _ => None,
    });
    let failed = s.sign(Sign::UserAuthenticationFailed);
    // A server has many clients: what it says is about this tunnel's user where nothing else is known of an attempt.
    if let Some(seen) = failed.filter(|x| refused.is_none() && of_server(*x) && !alone(s)) {
        return Judgement::Possible {
            weight: 35,
            because: format!("a server that checks users refused one: {}", seen.said()),
            separated_by: "whether the user is the one of this tunnel, at that time",
        };
    }
    // A decoded message may be of a first try, or of another user.
    let failed_for_good = |x: &Seen<'_>| refused_beside(s, *x) && !let_in(s);
    if let Some(seen) =
        failed.filter(|x| refused.is_none() && is_decoded(*x) && !failed_for_good(x))
    {
        return Judgement::Possible {
            weight: 30,
            because: format!("a decoded message ends EAP with a failure: {}", seen.said()),
            separated_by: "whether it is of the attempt in question, and what the gateway sends with it",
        };
    }
    // Without IKE's SA nobody gets as far as PPP: it is another connection's, an uplink's say.
    if let Some(seen) =
        failed.filter(|x| refused.is_none() && is_of_ppp(&x.fact.source.text) && !s.up && !s.calm())
    {
        return Judgement::Possible {
            weight: 35,
            because: format!("PPP didn't let a user in: {}", seen.said()),
            separated_by: "whether that PPP runs within this tunnel, or is the line of an uplink",
        };
    }
    let (fact, side, user, method) = match (failed, refused) {
        (Some(seen), _) => (
            seen.fact,
            seen.side(),
            seen.value("peer").map(ToOwned::to_owned),
            seen.value("method").map(ToOwned::to_owned),
        ),
        (None, Some((r, (method, user)))) => (r.fact, r.side, Some(user), Some(method)),
        (None, None) => return ended(s),
    };
    if let Some(seen) = failed.filter(|x| x.value("of") == Some("keys")) {
        return keyless(seen);
    }
    let by_certificate = |x: &Seen<'_>| {
        x.value("problem")
            .is_some_and(|alert| alert.contains("certificate"))
            && s.signs_of(Sign::PeerKeyUntrusted)
                .any(|untrusted| untrusted.value("of") == Some("tls"))
    };
    if let Some(seen) = failed.filter(by_certificate) {
        return Judgement::Possible {
            weight: 45,
            because: format!("EAP's TLS ended over a certificate: {}", seen.said()),
            separated_by: "whether its CA is missing where it is verified, or the name of the user in it",
        };
    }
    let user = user.map_or(String::new(), |user| {
        format!(" of {}", user.trim_matches('\''))
    });
    let method = method.map_or(String::new(), |method| format!(" ({method})"));
    let all: Vec<_> = s
        .signs_of(Sign::UserAuthenticationFailed)
        .map(|x| x.fact)
        .collect();
    Found::on(
        fact,
        SAID,
        AtFault::Unknown,
        format!("the user authentication{user}{method} failed at {}", who(side)),
    )
    .with(all)
    .because("The gateways got as far as asking for the user. What was answered didn't satisfy the side that checks: name, password or method.")
    .fix("check the user's name and password on both ends, that the checking side has an entry for exactly this name, and that both allow the same EAP or XAUTH method")
    .done()
}

/// The user was let in, and the method made no keys (RFC 7296 2.16): the client, which has them, can't agree with the gateway
/// on what proves the exchange.
fn keyless(seen: Seen<'_>) -> Judgement {
    Found::by(
        seen,
        COUNTED,
        format!("the user's EAP method succeeded and left {} without its keys (MSK)", seen.who()),
    )
    .because("IKEv2 proves both sides with the key that the EAP method makes. A RADIUS server hands it over in its Access-Accept, as MS-MPPE-Send-Key and MS-MPPE-Recv-Key; without them the gateway's proof isn't the client's.")
    .fix("let the RADIUS server send the MPPE keys (FreeRADIUS: use_mppe = yes in mods-enabled/mschap, and no policy that removes them from the Access-Accept)")
    .then("the server's debug output: whether its last Access-Accept holds MS-MPPE-Recv-Key")
    .done()
}

/// Whether it is EAP's failure in a message that somebody decoded.
fn is_decoded(seen: Seen<'_>) -> bool {
    let text = &seen.fact.source.text;
    text.contains("EAP payload") || text.contains("Payload: EAP")
}

/// Whether the gateway refuses what EAP failed for.
fn refused_beside(s: &Signals<'_>, seen: Seen<'_>) -> bool {
    let text = &seen.fact.source.text;
    // A decoder's list is of one message.
    text.trim_start().starts_with("Payload: ")
        || text.contains("AUTHENTICATION_FAILED")
        || text.contains("type 24")
        || s.told(notify::AUTHENTICATION_FAILED, false).is_some()
        || s.sign(Sign::AuthenticationRefusedByPeer).is_some()
}

/// Whether somebody got through.
fn let_in(s: &Signals<'_>) -> bool {
    s.up || s.authenticated().is_some() || s.sign(Sign::UserLetIn).is_some()
}

/// Whether it is a RADIUS server that speaks, and not the gateway.
fn of_server(seen: Seen<'_>) -> bool {
    const WORDS: [&str; 6] = [
        "Login incorrect",
        "mschap: ",
        "No Auth-Type found",
        "sub-module failed",
        "Failed to authenticate the user",
        "The attempted logon is invalid",
    ];
    WORDS
        .iter()
        .any(|words| seen.fact.source.text.contains(words))
}

/// Whether nothing but users that weren't let in is told.
fn alone(s: &Signals<'_>) -> bool {
    s.case.happenings().next().is_none()
        && s.signs.iter().all(|x| {
            matches!(
                x.sign,
                Sign::UserAuthenticationFailed | Sign::UserLetIn | Sign::UserServerUnreachable
            )
        })
}

/// The exchange ended in the user's own stage: whoever asks for the user has proved itself before, and the gateways' keys,
/// identities and connections were accepted for that.
fn ended(s: &Signals<'_>) -> Judgement {
    let Some(end) = s.user_refused() else {
        return Judgement::Silent;
    };
    let found = Found::on(
        end.fact,
        COUNTED,
        AtFault::Unknown,
        match end.status {
            Some(status) => format!("{} doesn't let the user in: {status}", who(end.checker)),
            None => format!(
                "the user authentication (EAP) ended with a failure at {}",
                who(end.checker)
            ),
        },
    );
    let because = if end.status.is_some() {
        "A server of Windows tells by a number of its remote access what it has against the user. Its key, the identities and the connection are accepted by then."
    } else if end.proof.is_some() {
        "The answer with EAP came after the gateway had proved itself: its key, the identities and the connection are accepted by then. What failed is the user's own part: the name that is sent as EAP identity, the password, or the method."
    } else {
        "The answer came to a message that carries EAP and nothing else. What failed is the user's own part: the name that is sent as EAP identity, the password, or the method."
    };
    found
        .with(end.proof)
        .because(because)
        .fix("give the name that the checking side knows as the EAP identity (strongSwan: eap_identity= or eap_id, with a secret of type EAP for exactly it), and let both allow the same EAP method")
        .then("the log of the side that checks users: RADIUS, AAA or the gateway itself")
        .done()
}
