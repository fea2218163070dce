//! `plugin-missing`: a plugin or a package of the daemon isn't there.

use adit_model::sign::Sign;

use crate::finding::{COUNTED, SAID, SYMPTOM};
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::seen::{Seen, before};
use crate::signals::Signals;

pub(crate) static RULE: Rule = Rule {
    id: "plugin-missing",
    recurs: false,
    page: Page {
        title: "A plugin or a package of the daemon isn't there",
        what: "What the configuration needs is in a plugin or package that isn't installed, isn't loaded, or lacks a library of its own: an EAP method, the fetcher of revocation lists, the socket, a data base.",
        initiator: "The daemon doesn't start, or a step fails with *not found*, *no capable*, *unable to load*.",
        responder: "The same.",
        look_alikes: &[
            (
                "kernel-module-or-algo-missing",
                "Is it a part of the daemon that is missing, or of the kernel?",
            ),
            ("algorithm-not-available", "Is it an algorithm?"),
            (
                "config-not-loaded",
                "Is the plugin switched off in strongswan.conf?",
            ),
        ],
        fix: &[
            (
                "any",
                "Install the package that has it, load it, and restart the daemon.",
            ),
            (
                "strongswan",
                "`ipsec listplugins` or `swanctl --stats` shows what is loaded. Debian: libcharon-extra-plugins, libstrongswan-extra-plugins, strongswan-swanctl; RHEL: strongswan-sqlite and others; OpenWrt: strongswan-mod-NAME. No `load =` by hand in strongswan.conf.",
            ),
            (
                "networkmanager",
                "network-manager-strongswan, network-manager-l2tp (with their -gnome parts).",
            ),
            (
                "libreswan",
                "A build with the option (USE_XAUTHPAM, USE_LIBCURL, USE_DNSSEC).",
            ),
        ],
        source: "strongswan.conf(5), PluginLoad",
    },
    needs: &[Need::RefusingSideLog],
    depends_on: &[
        "kernel-module-or-algo-missing",
        "port-500-in-use",
        "selinux-apparmor-or-caps",
    ],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    let missing = best(s.signs_of(Sign::FeatureMissing));
    // How many features failed doesn't say of what.
    let counted = missing.is_some_and(|x| x.value("counted").is_some());
    if counted {
        return Judgement::Possible {
            weight: 40,
            because: "a part that the daemon can't do without failed to load".to_owned(),
            separated_by: "which feature it was: the lines before say what it needs",
        };
    }
    // OpenSSL goes on without its approved mode.
    if let Some(seen) = missing.filter(|x| x.fact.source.text.contains("FIPS")) {
        return beside(
            s,
            seen,
            format!("OpenSSL's FIPS mode isn't there at {}", seen.who()),
        );
    }
    if let Some(seen) = missing {
        let what = seen
            .value("needs")
            .or_else(|| seen.value("feature"))
            .unwrap_or("a part that it can't do without");
        return found(
            s,
            seen,
            SAID,
            format!(
                "the daemon of {} lacks {what}, because no plugin that has it is loaded",
                seen.who()
            ),
        );
    }
    if let Some(judgement) = without_keys(s) {
        return judgement;
    }
    if let Some(seen) = s
        .signs_of(Sign::FeatureNotLoaded)
        .filter(|x| x.value("listed").is_none())
        .last()
    {
        let what = seen.value_or("feature", "it");
        // Without a fetcher revocation isn't checked, and most connections go on.
        if what == "fetcher" {
            return beside(
                s,
                seen,
                "no plugin that fetches revocation lists is loaded".to_owned(),
            );
        }
        return found(
            s,
            seen,
            COUNTED,
            format!("no loaded plugin of {} has {what}", seen.who()),
        );
    }
    let missing = |x: &Seen<'_>| !usual(*x);
    if let Some(seen) = s.signs_of(Sign::PluginMissing).filter(missing).last() {
        // What hindered a plugin is said beside its name.
        let name = seen
            .value("plugin")
            .or_else(|| {
                s.signs_of(Sign::PluginMissing)
                    .find_map(|x| x.value("plugin"))
            })
            .map_or_else(|| "the program".to_owned(), |p| format!("the plugin {p}"));
        let why = seen
            .value("problem")
            .map_or_else(|| "it isn't installed".to_owned(), ToOwned::to_owned);
        return beside(
            s,
            seen,
            format!("{name} of {} can't be loaded: {why}", seen.who()),
        );
    }
    match not_understood(s) {
        Some(seen) => Judgement::Possible {
            weight: 40,
            because: format!(
                "a certificate isn't understood at {}: {}",
                seen.who(),
                seen.said()
            ),
            separated_by: "the list of loaded plugins, and the certificate's key type and signature algorithm",
        },
        None => Judgement::Silent,
    }
}

/// A certificate that couldn't be read, though it is there.
fn not_understood<'a>(s: &Signals<'a>) -> Option<Seen<'a>> {
    s.signs_of(Sign::ConfigUnreadable)
        .find(|x| x.value("kind").is_some())
}

/// No certificate, or no key, is understood: without a plugin that makes public keys none is, and with it the file is to
/// blame.
fn without_keys(s: &Signals<'_>) -> Option<Judgement> {
    let listed = s
        .signs_of(Sign::FeatureNotLoaded)
        .find(|x| x.value("listed").is_some())?;
    // The daemon lists its plugins when it starts, before it reads anything.
    let seen = [Sign::ConfigUnreadable, Sign::PrivateKeyMissing]
        .into_iter()
        .find_map(|sign| {
            s.signs_of(sign)
                .find(|x| x.value("kind").is_some() && before(listed.fact, x.fact))
        })?;
    Some(
        Found::by(
            seen,
            COUNTED,
            format!("no loaded plugin of {} has {}, so that no certificate and no key is understood", seen.who(), listed.value_or("feature", "public keys")),
        )
        .with([listed.fact])
        .because("x509, pkcs1 and pubkey read the form of a certificate; the key in it is made by another plugin: openssl, gmp, gcrypt, botan or wolfssl.")
        .fix("build or install the daemon with openssl (or gmp, and the plugins of ciphers and hashes), and see that it is loaded")
        .then("the list of loaded plugins (swanctl --stats, ipsec statusall)")
        .done(),
    )
}

/// Said at every start of many hosts, and harms nobody: a plugin that finds nothing to do returns nothing, and
/// distributions list more plugins than they install.
fn usual(seen: Seen<'_>) -> bool {
    seen.value("problem").is_some_and(|problem| {
        problem.contains("returned NULL")
            || (problem.contains("no plugin file available") && !needed(seen))
    })
}

/// Without these nothing goes; without others a daemon goes on.
fn needed(seen: Seen<'_>) -> bool {
    const NEEDED: [&str; 6] = ["kernel-", "socket-", "openssl", "nonce", "stroke", "vici"];
    let name = seen.value_or("plugin", "");
    NEEDED.iter().any(|needed| name.starts_with(needed))
}

/// What a daemon can do without: it is the cause only where nothing else is told.
fn beside(s: &Signals<'_>, seen: Seen<'_>, summary: String) -> Judgement {
    let alone = s.case.happenings().next().is_none()
        && s.signs.iter().all(|x| {
            matches!(
                x.sign,
                Sign::FeatureMissing
                    | Sign::FeatureNotLoaded
                    | Sign::PluginMissing
                    | Sign::ConfigUnreadable
                    | Sign::DaemonNotRunning
                    | Sign::DaemonRestarts
                    | Sign::DaemonCrashed
            )
        });
    // A file that doesn't fit the libraries beside it is a fault of how it was built, and what it brings is missed.
    let unfit = seen.value("problem").is_some_and(|problem| {
        problem.contains("symbol not found") || problem.contains("undefined symbol")
    });
    let goes_on = seen.value("thread").is_some() && !needed(seen) && !unfit;
    if alone && s.calm() && !goes_on {
        return found(s, seen, SYMPTOM, summary);
    }
    Judgement::Possible {
        weight: 25,
        because: summary,
        separated_by: "whether the connection needs that plugin",
    }
}

fn best<'a>(mut seen: impl Iterator<Item = Seen<'a>>) -> Option<Seen<'a>> {
    let first = seen.next()?;
    if first.value("needs").is_some() {
        return Some(first);
    }
    // A feature that needs another of the same list is only its consequence: the first that names what it needs counts.
    seen.find(|x| x.value("needs").is_some()).or(Some(first))
}

fn found(s: &Signals<'_>, seen: Seen<'_>, confidence: f64, summary: String) -> Judgement {
    let others = s
        .signs
        .iter()
        .filter(|x| {
            matches!(
                x.sign,
                Sign::FeatureMissing | Sign::FeatureNotLoaded | Sign::PluginMissing
            )
        })
        .map(|x| x.fact)
        .take(4);
    Found::by(seen, confidence, summary)
        .with(others)
        .because("The daemon can only do what its plugins bring.")
        .fix("install the package that has the plugin (and the library that it names), see that it is loaded, and restart the daemon")
        .then("the list of loaded plugins (swanctl --stats, ipsec statusall)")
        .done()
}
