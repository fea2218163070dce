//! What every reader of configurations is handed, and what it leaves behind.

use core::fmt;

use adit_crypto::provider;
use adit_model::credential::{FileRole, NamedFile};
use adit_model::fact::Source;
use adit_model::peer_config::{KeyDigest, Lint, Setting, Weight};
use adit_wire::iana::PrfId;

use crate::text::secret_words;

/// The key under which pre-shared keys are digested: drawn by the edge, once per run, and never stored.
#[derive(Clone)]
pub struct DigestKey([u8; 32]);

impl DigestKey {
    /// Takes octets that nobody else knows.
    #[must_use]
    pub fn new(octets: [u8; 32]) -> Self {
        Self(octets)
    }

    /// The digest of a pre-shared key's octets, under this key.
    #[must_use]
    pub fn digest(&self, secret: &[u8]) -> Option<KeyDigest> {
        let provider = provider::aws_lc();
        let prf = provider.prf(PrfId::PRF_HMAC_SHA2_256).ok()?;
        let full = prf.compute(&self.0, &[secret]);
        let mut out = [0; 16];
        for (to, from) in out.iter_mut().zip(full.expose()) {
            *to = *from;
        }
        Some(KeyDigest(out))
    }
}

impl fmt::Debug for DigestKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DigestKey")
    }
}

/// A line of a configuration, mended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) number: u64,
    pub(crate) text: String,
}

/// Names the text, makes sources and collects lints.
#[derive(Debug)]
pub(crate) struct Context<'a> {
    pub(crate) name: &'a str,
    /// Where the lines are from, when they are from several files.
    pub(crate) origins: &'a [Origin],
    pub(crate) key: Option<&'a DigestKey>,
    pub(crate) block: u32,
    /// Version of the product, where it was given or is told.
    pub(crate) version: Option<(u16, u16)>,
    pub(crate) lints: Vec<Lint>,
    /// Files that it names.
    pub(crate) files: Vec<NamedFile>,
}

/// Lines from this one on are of a file, where they have other numbers.
#[derive(Clone, Debug)]
pub(crate) struct Origin {
    pub(crate) from: u64,
    pub(crate) name: String,
    pub(crate) first: u64,
}

/// More isn't told of one text.
const MOST_LINTS: usize = 200;

impl Context<'_> {
    /// The line as a source; what may be a secret is taken out.
    pub(crate) fn source(&self, line: &Line) -> Source {
        self.quote(line.number, &quotable(&line.text))
    }

    /// A source with a text of its own.
    pub(crate) fn quote(&self, number: u64, text: &str) -> Source {
        let of = self.origins.iter().rev().find(|o| o.from <= number);
        let (name, number) = of.map_or((self.name, number), |o| {
            (o.name.as_str(), number - o.from + o.first)
        });
        Source {
            name: name.to_owned(),
            line: Some(number),
            text: text.trim().to_owned(),
        }
    }

    /// A value that stands on that line.
    pub(crate) fn at<T>(&self, value: T, line: &Line) -> Setting<T> {
        Setting::written(value, self.source(line))
    }

    /// A file that holds a certificate, a key or more of the configuration.
    pub(crate) fn file(
        &mut self,
        role: FileRole,
        path: &str,
        connection: Option<&str>,
        line: &Line,
    ) {
        const LONGEST: usize = 1024;
        let named = path.starts_with('%') || path.contains("://") || path.starts_with("pkcs11:");
        let (role, path) = match role {
            // Its name may hold a PIN.
            FileRole::PrivateKey { .. } if named => (FileRole::KeyStore, "a token"),
            role if named && role != FileRole::KeyStore => return,
            role => (role, path),
        };
        if self.files.len() < MOST_LINTS && !path.is_empty() && path.len() < LONGEST {
            let source = match role {
                FileRole::KeyStore => self.quote(line.number, path),
                _ => self.source(line),
            };
            self.files.push(NamedFile {
                role,
                path: path.to_owned(),
                connection: connection.map(ToOwned::to_owned),
                source,
            });
        }
    }

    /// Something is wrong with a line.
    pub(crate) fn lint(
        &mut self,
        cause: &str,
        weight: Weight,
        connection: Option<&str>,
        source: Source,
        message: impl Into<String>,
        fix: impl Into<String>,
    ) {
        if self.lints.len() < MOST_LINTS {
            self.lints.push(Lint {
                cause: cause.to_owned(),
                weight,
                connection: connection.map(ToOwned::to_owned),
                message: message.into(),
                fix: fix.into(),
                source,
            });
        }
    }

    /// A keyword that the product doesn't know. Its value isn't quoted: it may be a secret behind a misspelt word.
    pub(crate) fn unknown(
        &mut self,
        connection: Option<&str>,
        line: &Line,
        word: &str,
        known: &[&str],
        product: &str,
    ) {
        let near = adit_model::text::did_you_mean(word, known.iter().copied());
        let source = self.quote(line.number, &format!("{word} …"));
        match near {
            Some(near) => self.lint(
                "config-syntax-rejected",
                Weight::Error,
                connection,
                source,
                format!("`{word}` isn't a word of {product}; did you mean `{near}`?"),
                near,
            ),
            None => self.lint(
                "config-syntax-rejected",
                Weight::Warning,
                connection,
                source,
                format!("`{word}` isn't a word of {product} that is known here"),
                "",
            ),
        }
    }
}

/// What stands in the place of a secret.
const REMOVED: &str = "[removed]";

/// The line up to the first word after which a secret may stand. Only values that can't be a secret follow such a word:
/// none, a keyword of an authentication method, or a file's name.
pub(crate) fn quotable(text: &str) -> String {
    const HARMLESS: [&str; 14] = [
        "",
        "}",
        "{",
        "address",
        "hostname",
        "local",
        "remote",
        "mode",
        "id",
        "main",
        "type",
        "ipsec-l2l",
        "pre-share",
        "life",
    ];
    let mut from = 0;
    let word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    while let Some(start) = text
        .get(from..)
        .and_then(|t| t.find(word))
        .map(|i| i + from)
    {
        let end = text
            .get(start..)
            .and_then(|t| t.find(|c| !word(c)))
            .map_or(text.len(), |i| i + start);
        let token = text.get(start..end).unwrap_or_default();
        let lower = token.to_ascii_lowercase();
        if secret_words::all().any(|w| w == lower)
            || numbered_secret(&lower)
            || nearly_secret(&lower)
        {
            let rest = text.get(end..).unwrap_or_default();
            let value = rest.trim_start_matches([' ', '\t', '=', ':']);
            let first = value.split([' ', '\t', ';']).next().unwrap_or_default();
            let first = first.to_ascii_lowercase();
            let between = rest.get(..rest.len() - value.len()).unwrap_or_default();
            // Behind `=` stands a value, whatever it looks like; behind a keyring's key, whose key it is.
            let assigned =
                between.contains(['=', ':']) && !matches!(first.as_str(), "" | "{" | "}");
            let keyring =
                lower.starts_with("pre-shared-key") && matches!(first.as_str(), "local" | "remote");
            let named =
                value.is_empty() || (HARMLESS.contains(&first.as_str()) && !assigned && !keyring);
            if !named {
                let head = text.get(..end).unwrap_or_default();
                return format!("{}{between}{REMOVED}", crate::text::redact(head));
            }
        }
        from = end.max(start + 1);
    }
    crate::text::redact(text)
}

/// A misspelt word after which a secret would stand.
fn nearly_secret(word: &str) -> bool {
    const SHORTEST: usize = 5;
    const LONGEST: usize = 32;
    // A word of its own, and near to another.
    if word == "authby" {
        return false;
    }
    (SHORTEST..LONGEST).contains(&word.len())
        && secret_words::all()
            .filter(|w| w.len() >= SHORTEST && w.len().abs_diff(word.len()) <= 2)
            .any(|w| adit_model::text::distance(word, w) <= if w.len() > 6 { 2 } else { 1 })
        || matches!(word, "pks" | "kye" | "pkss" | "spk" | "ksp" | "psks")
}

/// `secret-1`, `psk2`.
fn numbered_secret(word: &str) -> bool {
    let plain = word.trim_end_matches(|c: char| c.is_ascii_digit() || c == '-');
    plain != word && matches!(plain, "secret" | "psk" | "password")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_follows_a_secrets_word_is_never_quoted() {
        for line in [
            "10.0.0.1 @east : PSK \"hunter2 hunter2\"",
            ": PSK hunter2",
            "secret = hunter2",
            "set vpn ipsec site-to-site peer a authentication pre-shared-secret hunter2",
            "crypto isakmp key hunter2 address 1.2.3.4",
            "crypto isakmp key 6 hunter2 address 1.2.3.4",
            "pre-shared-key hunter2",
            "ikev2 local-authentication pre-shared-key hunter2",
            "set psksecret hunter2",
            "set security ike policy p pre-shared-key ascii-text \"hunter2\"",
            "{ localidtype IP key \"hunter2\" }",
            "add address=1.2.3.4/32 secret=\"hunter2\" peer=x",
            "add 1.2.3.4 5.6.7.8 esp 0x201 -E aes-cbc key hunter2",
            "PSK=hunter2",
            "password: hunter2",
            ": RSA key.pem \"hunter2\"",
            "set network ike gateway G authentication pre-shared-key key hunter2",
        ] {
            assert!(!quotable(line).contains("hunter2"), "{}", quotable(line));
        }
    }

    #[test]
    fn other_lines_stay_as_they_are() {
        for line in [
            "authby=secret",
            "keyexchange=ikev2",
            "leftsubnet=10.1.0.0/24",
            "authentication pre-share",
            "local { auth = psk",
        ] {
            assert_eq!(quotable(line), line);
        }
    }

    #[test]
    fn digests_are_equal_within_a_run_and_differ_between_runs() {
        let run = DigestKey::new([1; 32]);
        assert_eq!(run.digest(b"a"), run.digest(b"a"));
        assert_ne!(run.digest(b"a"), run.digest(b"b"));
        assert_ne!(run.digest(b"a"), DigestKey::new([2; 32]).digest(b"a"));
    }
}
