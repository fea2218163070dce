//! `config-syntax-rejected`: the daemon doesn't take the configuration.

use adit_model::sign::Sign;

use crate::finding::{CONDITION, COUNTED, SAID};
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::seen::Seen;
use crate::signals::Signals;

pub(crate) static RULE: Rule = Rule {
    id: "config-syntax-rejected",
    recurs: false,
    page: Page {
        title: "The daemon doesn't take the configuration",
        what: "A word, a value or a line of the configuration isn't what this daemon understands: misspelt, wrongly indented, of another product's dialect, or of another version. The connection, or all of them, aren't there.",
        initiator: "Nothing is sent: no such connection, or the daemon doesn't start.",
        responder: "No connection is found for the peer.",
        look_alikes: &[
            (
                "config-not-loaded",
                "Is there an error when the file is loaded?",
            ),
            (
                "config-line-lost",
                "Is the line in the file what was meant?",
            ),
            (
                "algorithm-not-available",
                "Is it a word of the language, or an algorithm that isn't built in?",
            ),
        ],
        fix: &[
            (
                "any",
                "Mend the line that is named, check the file, and load it again.",
            ),
            (
                "libreswan",
                "`ipsec addconn --checkconfig`; options of a conn are indented, sections aren't. Words of strongSwan (keyexchange=, dpdaction=restart, esp=...!) aren't all known.",
            ),
            (
                "strongswan",
                "`ipsec start --nofork` or `swanctl --load-all` names line and word; ipsec.conf and swanctl.conf are two languages.",
            ),
            ("vyos", "`commit` names the path that it refuses."),
            ("racoon", "`racoon -F -f FILE`."),
            ("openbsd", "`iked -n -f FILE`."),
        ],
        source: "ipsec.conf(5), swanctl.conf(5)",
    },
    needs: &[Need::RefusingSideLog],
    depends_on: &[],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    let syntax = s
        .signs_of(Sign::ConfigSyntax)
        .filter(|x| !beside(*x) && !mended(s, *x));
    // The line that names the place says more than the one that sums up.
    if let Some(seen) = best(syntax) {
        return found(
            s,
            seen,
            SAID,
            format!(
                "the configuration of {} doesn't parse{}",
                seen.who(),
                place(seen)
            ),
        );
    }
    let about_a_file = s
        .signs_of(Sign::ConnectionRejected)
        .any(|x| x.value("problem").is_some_and(credential));
    let refused = s.signs.iter().copied().filter(|x| match x.sign {
        // Without a name it sums up what the lines before have told.
        Sign::ConnectionRejected if about_a_file && x.value("problem").is_none() => false,
        Sign::ConnectionRejected => !x.value("problem").is_some_and(credential),
        Sign::ConnectionLoadFailed => x.value("problem").is_some_and(wording),
        _ => false,
    });
    if let Some(seen) = best(refused) {
        let name = seen.value("name").map_or_else(
            || "a connection".to_owned(),
            |n| format!("the connection {n}"),
        );
        return found(
            s,
            seen,
            COUNTED,
            format!(
                "{name} is refused at {} when it is loaded{}",
                seen.who(),
                place(seen)
            ),
        );
    }
    let value = best(
        s.signs_of(Sign::ConfigValueInvalid)
            .filter(|x| !x.value("keyword").is_some_and(names_a_file)),
    );
    if let Some(seen) = value.or_else(|| best(s.signs_of(Sign::ConfigKeywordUnknown))) {
        let what = match (seen.value("keyword"), seen.value("value")) {
            (Some(keyword), Some(value)) => format!("{keyword}={value} isn't allowed"),
            (Some(keyword), None) if seen.sign == Sign::ConfigKeywordUnknown => {
                format!("the word {keyword} isn't known")
            }
            (Some(keyword), None) => format!("the value of {keyword} isn't allowed"),
            (None, Some(value)) => format!("the value {value} isn't allowed"),
            (None, None) => "a value isn't allowed".to_owned(),
        };
        // A word that is only skipped may have nothing to do with an exchange that fails.
        if !s.calm() && seen.sign == Sign::ConfigKeywordUnknown {
            return Judgement::Possible {
                weight: 30,
                because: format!("in the configuration of {} {what}", seen.who()),
                separated_by: "whether the connection is loaded as it was meant",
            };
        }
        return found(
            s,
            seen,
            COUNTED,
            format!(
                "in the configuration of {} {what}{}",
                seen.who(),
                place(seen)
            ),
        );
    }
    match s.signs_of(Sign::ConfigValueInvalid).last() {
        // Of a daemon that says no more of the file, this is all that is known.
        Some(seen) if s.calm() && alone(s) => found(
            s,
            seen,
            CONDITION,
            format!(
                "a configuration is discarded at {}: what it names as {} isn't taken",
                seen.who(),
                seen.value_or("keyword", "a certificate")
            ),
        ),
        Some(seen) => Judgement::Possible {
            weight: 30,
            because: format!(
                "a certificate or key that the configuration of {} names isn't taken: {}",
                seen.who(),
                seen.said()
            ),
            separated_by: "whether the file is there and what it holds (openssl x509 -text, pki --print), and the daemon's own line about it",
        },
        None => Judgement::Silent,
    }
}

/// Nothing is told but that the connection is discarded.
fn alone(s: &Signals<'_>) -> bool {
    s.signs.iter().all(|x| {
        matches!(
            x.sign,
            Sign::ConfigValueInvalid | Sign::ConnectionRejected | Sign::ConnectionLoadFailed
        )
    })
}

/// Words whose values are files of credentials: what isn't taken is what the file holds.
fn names_a_file(keyword: &str) -> bool {
    [
        "certs",
        "cacerts",
        "pubkeys",
        "cert",
        "leftcert",
        "rightcert",
    ]
    .contains(&keyword)
}

/// The starter gave up for it, and later a peer was heard or asked: the file was mended in between.
fn mended(s: &Signals<'_>, seen: Seen<'_>) -> bool {
    gave_up(s) && (s.refused_or_told() && s.went_on(seen) || s.began_later(seen, &[]))
}

fn gave_up(s: &Signals<'_>) -> bool {
    s.signs_of(Sign::ConfigSyntax)
        .any(|x| x.fact.source.text.contains("fatal errors in config"))
}

/// Whether a connection that is begun later is none of those that were refused, or all were mended in between.
fn begins_another(s: &Signals<'_>, seen: Seen<'_>) -> bool {
    let refused: Vec<&str> = s
        .signs
        .iter()
        .filter(|x| {
            matches!(
                x.sign,
                Sign::ConfigSyntax
                    | Sign::ConfigValueInvalid
                    | Sign::ConnectionRejected
                    | Sign::ConnectionLoadFailed
            )
        })
        .filter_map(|x| x.value("name"))
        .map(|name| name.trim_matches(['\'', '"']))
        .collect();
    mended(s, seen) || s.began_later(seen, &refused)
}

/// A warning about a word that is skipped, or a file that isn't there, is no syntax error.
fn beside(seen: Seen<'_>) -> bool {
    seen.value("problem").is_some_and(|p| {
        p.starts_with("ignoring")
            || [
                "No such file",
                "can't load file",
                "could not open",
                "Permission denied",
            ]
            .iter()
            .any(|words| p.contains(words))
    })
}

/// Whether a problem is one of a certificate or a key, which the words of the configuration name rightly.
fn credential(problem: &str) -> bool {
    [
        "certificate",
        "NSS database",
        "private key",
        "CKAID",
        "ckaid",
        "expired",
    ]
    .iter()
    .any(|words| problem.contains(words))
        || problem
            .split_once("invalid value for: ")
            .and_then(|(_, rest)| rest.split([',', ' ']).next())
            .is_some_and(names_a_file)
}

/// Whether a problem is one of wording: a proposal that doesn't parse, a value that isn't one.
fn wording(problem: &str) -> bool {
    [
        "invalid",
        "unexpected",
        "unknown",
        "not recognized",
        "string error",
        "must ",
        "cannot ",
        "missing",
    ]
    .iter()
    .any(|words| problem.contains(words))
}

/// The line that says most, and of those the first: what follows is often only its consequence.
fn best<'a>(seen: impl Iterator<Item = Seen<'a>>) -> Option<Seen<'a>> {
    let count = |x: &Seen<'a>| {
        ["path", "line", "problem", "keyword", "name"]
            .iter()
            .filter(|name| x.value(name).is_some())
            .count()
    };
    seen.fold(None, |best: Option<Seen<'a>>, x| match best {
        Some(b) if count(&b) >= count(&x) => Some(b),
        _ => Some(x),
    })
}

fn place(seen: Seen<'_>) -> String {
    let mut out = String::new();
    match (seen.value("path"), seen.value("line")) {
        (Some(path), Some(line)) => out = format!(", at {path} line {line}"),
        (Some(path), None) => out = format!(", in {path}"),
        (None, Some(line)) => out = format!(", at line {line}"),
        (None, None) => {}
    }
    if let Some(problem) = seen
        .value("problem")
        .map(str::trim)
        .filter(|p| !p.is_empty())
    {
        out.push_str(": ");
        out.push_str(problem.trim_start_matches([',', ':', ' ']));
    }
    out
}

fn found(s: &Signals<'_>, seen: Seen<'_>, confidence: f64, summary: String) -> Judgement {
    if begins_another(s, seen) {
        return Judgement::Possible {
            weight: 25,
            because: format!("{summary}; later a connection was begun that is loaded"),
            separated_by: "whether the connection that fails was among those that were refused, and is loaded now",
        };
    }
    let others = s
        .signs
        .iter()
        .filter(|x| {
            matches!(
                x.sign,
                Sign::ConfigSyntax | Sign::ConfigKeywordUnknown | Sign::ConfigValueInvalid
            )
        })
        .map(|x| x.fact)
        .take(4);
    Found::by(seen, confidence, summary)
        .with(others)
        .because("What isn't understood isn't loaded, so the daemon doesn't have the connection, or doesn't start.")
        .fix("mend the line that is named, in the words of this product and version, and load the configuration again (Libreswan: ipsec addconn --checkconfig; strongSwan: swanctl --load-all)")
        .then("the output of the command that loads the configuration")
        .done()
}
