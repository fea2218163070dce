//! `algorithm-not-available`: an algorithm is configured that the daemon doesn't have.

use adit_model::feature::Feature;
use adit_model::sign::Sign;

use crate::finding::{COUNTED, SAID};
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::seen::Seen;
use crate::signals::{Signals, who};

pub(crate) static RULE: Rule = Rule {
    id: "algorithm-not-available",
    recurs: false,
    page: Page {
        title: "The daemon lacks an algorithm that is configured",
        what: "A proposal names an algorithm that this build, its plugins, its library or the system's crypto policy (FIPS, SHA-1 switched off) doesn't have. The proposal is dropped or the connection isn't loaded.",
        initiator: "An error when the connection is loaded or started, or a proposal that lacks a part.",
        responder: "The same on its side.",
        look_alikes: &[
            (
                "ike-proposal-mismatch",
                "Does the daemon complain when it loads the connection?",
            ),
            (
                "kernel-module-or-algo-missing",
                "Is it the kernel that lacks it?",
            ),
        ],
        fix: &[
            (
                "any",
                "Load the plugin or module, allow it in the crypto policy, or choose an algorithm that both have.",
            ),
            (
                "strongswan",
                "`swanctl --list-algs`; plugins openssl, gmp, curve25519, ml.",
            ),
            (
                "libreswan",
                "`ipsec algparse PROPOSAL`; `update-crypto-policies --show`; FIPS mode.",
            ),
        ],
        source: "RFC 8247",
    },
    needs: &[Need::RefusingSideLog],
    depends_on: &["plugin-missing"],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    let refused = s.unsupported(|f| matches!(f, Feature::Algorithm { .. }));
    if let Some((refused, feature)) = refused {
        return Found::on(
            refused.fact,
            SAID - 0.04,
            refused.side.into(),
            format!(
                "{} lacks an algorithm of its own configuration: {feature}",
                who(refused.side)
            ),
        )
        .because("It was agreed on, since it is configured, and can't be carried out.")
        .fix("take the algorithm out of the proposals, or run a version that has it")
        .done();
    }
    // A proposal that is skipped may hold a word that isn't known, or lack a part: then another line says so.
    let explained = |seen: &Seen<'_>| {
        s.signs_of(Sign::ConfigValueInvalid)
            .any(|x| x.fact.source.line != seen.fact.source.line)
            && s.signs_of(Sign::ConfigValueInvalid)
                .any(|x| x.fact.source.line == seen.fact.source.line)
    };
    let Some(seen) = s
        .sign(Sign::AlgorithmUnavailable)
        .filter(|seen| !explained(seen))
    else {
        return not_offered(s);
    };
    let algorithm = seen
        .value("algorithm")
        .map_or("an algorithm that is needed".to_owned(), |a| {
            format!("the algorithm {}", a.trim_matches('\''))
        });
    if seen.value("of") == Some("any") {
        return Judgement::Possible {
            weight: 45,
            because: format!(
                "{} doesn't have {algorithm}, for IPsec or for another protocol",
                seen.who()
            ),
            separated_by: "the command that was answered so",
        };
    }
    Found::by(
        seen,
        SAID - 0.04,
        format!("{} doesn't have {algorithm}", seen.who()),
    )
    .because("The daemon or its library says that it can't use it: it isn't built in, its plugin isn't loaded, or a crypto policy forbids it.")
    .fix("load what provides the algorithm (strongSwan: swanctl --list-algs shows what there is), allow it in the system's crypto policy, or configure another one on both sides")
    .done()
}

/// The command line doesn't take an algorithm that is spelt as it should be.
fn not_offered(s: &Signals<'_>) -> Judgement {
    let refused = |seen: &Seen<'_>| seen.value("algorithm").is_some();
    let Some(seen) = s.signs_of(Sign::CommandNotTaken).filter(refused).last() else {
        return Judgement::Silent;
    };
    Found::by(
        seen,
        COUNTED,
        format!(
            "{} doesn't have the algorithms {}",
            seen.who(),
            seen.value_or("algorithm", "that are configured")
        ),
    )
    .because("The command was understood up to the algorithms, and these aren't misspelt: this version, its licence (an evaluation or export licence has weak ciphers only) or its mode doesn't have them.")
    .fix("ask the command line which ones it has (`?` behind the keyword), and configure one of these on both sides, or get the licence or version that has the wanted one")
    .done()
}
