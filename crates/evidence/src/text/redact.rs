//! Secrets taken out of a line before it is quoted.

use std::sync::LazyLock;

use super::secret_words::{BEFORE_HEX, BEFORE_SECRETS, COMMANDS, ENDINGS, KINDS, XFRM};

/// What sentences go on with after such a word: they speak of a secret and don't tell it.
const PROSE: [&str; 11] = [
    "auth", "mismatch", "is ", "for ", "not ", "was ", "found", "missing", "differ", "does",
    "between ",
];

/// Options of `setkey` that name an algorithm, after which the key follows.
const SETKEY: [&str; 2] = ["-E", "-A"];

/// Letters of `setkey -D` before an algorithm and its key.
const LETTERS: [&str; 2] = ["E", "A"];

/// With which two octets words end that announce a secret: most words of a log don't.
static ENDS: LazyLock<Vec<bool>> = LazyLock::new(|| {
    let mut ends = vec![false; 1 << 16];
    let lists = [
        BEFORE_SECRETS,
        ENDINGS,
        COMMANDS,
        BEFORE_HEX,
        XFRM,
        KINDS,
        &SETKEY,
    ];
    let words = lists.into_iter().flatten().copied();
    for end in words.chain(LETTERS).filter_map(end_of) {
        if let Some(ends) = ends.get_mut(end) {
            *ends = true;
        }
    }
    ends
});

/// The last two octets of a word, letters small; of a single letter, that one.
fn end_of(word: &str) -> Option<usize> {
    let mut octets = word.bytes().rev().map(|b| b.to_ascii_lowercase());
    let last = octets.next()?;
    let before = octets.next().unwrap_or(0);
    Some(usize::from(u16::from_le_bytes([last, before])))
}

/// What stands in the place of a secret.
const REMOVED: &str = "[removed]";

/// The line without what may be a secret: values of words that announce one, and hex that is as long as a key.
///
/// It errs on the side of removing; SPIs, cookies and addresses stay.
pub(crate) fn redact(text: &str) -> String {
    redact_with(text, |_| REMOVED.to_owned())
}

/// The line with what `replace` puts in the place of each secret.
pub(crate) fn redact_with(text: &str, mut replace: impl FnMut(&str) -> String) -> String {
    let mut out = Told {
        text,
        same: 0,
        changed: None,
    };
    let mut rest = text;
    while let Some((token, after)) = next_token(rest) {
        if !may_tell(token) {
            out.keep(token);
            rest = after;
            continue;
        }
        if is_key(token) {
            out.put(&replace(token));
            rest = after;
            continue;
        }
        if let Some((head, secret, tail)) = credentials(token, after) {
            out.keep(head);
            out.put(&replace(secret));
            rest = tail;
            continue;
        }
        out.keep(token);
        rest = after;
        if let Some((joint, secret)) = value(token, after, out.so_far()) {
            out.keep(joint);
            if !secret.is_empty() {
                out.put(&replace(secret));
            }
            rest = after.get(joint.len() + secret.len()..).unwrap_or_default();
        }
    }
    out.finish()
}

/// A line as far as it may be told. Few lines hold a secret, so nothing is copied before the first.
struct Told<'t> {
    text: &'t str,
    /// So much of the text's beginning is told as it is, while nothing was replaced.
    same: usize,
    changed: Option<String>,
}

impl Told<'_> {
    fn keep(&mut self, word: &str) {
        match &mut self.changed {
            Some(changed) => changed.push_str(word),
            None => self.same += word.len(),
        }
    }

    fn put(&mut self, instead: &str) {
        let same = self.text.get(..self.same).unwrap_or_default();
        self.changed
            .get_or_insert_with(|| same.to_owned())
            .push_str(instead);
    }

    fn so_far(&self) -> &str {
        let same = self.text.get(..self.same).unwrap_or_default();
        self.changed.as_deref().unwrap_or(same)
    }

    fn finish(self) -> String {
        let Self {
            text,
            same,
            changed,
        } = self;
        changed.unwrap_or_else(|| text.get(..same).unwrap_or_default().to_owned())
    }
}

/// The first word, run of blanks or single mark, and what follows it.
fn next_token(text: &str) -> Option<(&str, &str)> {
    let bytes = text.as_bytes();
    let first = *bytes.first()?;
    let end = if first == b' ' {
        bytes.iter().take_while(|b| **b == b' ').count()
    } else if first.is_ascii() && !is_of_word(first) {
        1
    } else {
        let plain = bytes.iter().take_while(|b| is_of_word(**b)).count();
        if bytes.get(plain).is_none_or(u8::is_ascii) {
            plain
        } else {
            let word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '/' | '+');
            let end = text.find(|c| !word(c)).unwrap_or(text.len());
            end.max(text.chars().next()?.len_utf8())
        }
    };
    Some(text.split_at(end))
}

/// Whether an ASCII character may be a word's.
fn is_of_word(octet: u8) -> bool {
    octet.is_ascii_alphanumeric() || matches!(octet, b'_' | b'-' | b'.' | b'/' | b'+')
}

/// Whether a token may be a secret, or announce one. It's told by little, since most tokens aren't and don't.
fn may_tell(token: &str) -> bool {
    token.len() >= SHORTEST_KEY
        || token.starts_with("0s")
        || token.starts_with("//")
        || end_of(token).is_some_and(|end| ENDS.get(end).is_some_and(|ends| *ends))
}

/// What stands between the word and its secret, and the secret, when the word announces one. `before` is the line up to
/// the word and with it.
fn value<'t>(token: &str, after: &'t str, before: &str) -> Option<(&'t str, &'t str)> {
    const JOINTS: [char; 8] = [' ', '\t', '=', ':', '"', '\'', '\\', ','];
    if !ENDS.get(end_of(token)?).is_some_and(|ends| *ends) {
        return None;
    }
    let lower = token.to_ascii_lowercase();
    let size = after.len() - after.trim_start_matches(JOINTS).len();
    let (joint, value) = after.split_at(size);
    let assigned = joint.contains(['=', ':']);
    // Blanks within the quotes are the secret's.
    let before_value = if assigned { joint.trim_end() } else { joint };
    let mark = before_value
        .chars()
        .last()
        .filter(|c| matches!(c, '"' | '\''));
    let known =
        BEFORE_SECRETS.contains(&lower.as_str()) || ENDINGS.iter().any(|e| lower.ends_with(e));
    let command = COMMANDS.contains(&lower.as_str())
        || (lower == "key"
            && before
                .trim_end_matches("key")
                .trim_end()
                .ends_with("isakmp"))
        || (lower == "password" && before.trim() == token && !value.contains(' '));
    if (known || KINDS.contains(&lower.as_str()))
        && let Some(mark) = mark
        && (assigned || joint.trim_start().starts_with(mark))
    {
        // Within three marks one is as good as any other character.
        let end = ["\"\"\"", "'''"]
            .into_iter()
            .find(|three| before_value.ends_with(three))
            .map(|three| value.rfind(three).unwrap_or(value.len()));
        let end = end.unwrap_or_else(|| unescaped(value, mark));
        return Some((joint, value.get(..end)?));
    }
    if known && assigned && mark.is_none() {
        let end = value.find([';', '}']).unwrap_or(value.len());
        return Some((joint, value.get(..end)?));
    }
    if command && !joint.is_empty() && !PROSE.iter().any(|p| value.starts_with(p)) {
        let ends = [" address ", " hostname ", ";", "}"];
        let end = ends.iter().filter_map(|e| value.find(e)).min();
        return Some((joint, value.get(..end.unwrap_or(value.len()))?));
    }
    // `: RSA gw.pem "passphrase"`.
    if KINDS.contains(&lower.as_str()) && before.trim_end_matches(token).trim_end().ends_with(':') {
        let start = value.find('"')? + 1;
        let secret = value.get(start..)?;
        let secret = secret.get(..unescaped(secret, '"'))?;
        return Some((after.get(..size + start)?, secret));
    }
    if BEFORE_HEX.contains(&lower.as_str())
        && let Some(hex) = hex_key(value)
    {
        return Some((joint, hex));
    }
    // `enc cbc(aes) 0x… `, `auth-trunc hmac(sha256) 0x… 128` of `ip xfrm state`.
    if XFRM.contains(&lower.as_str()) && !joint.is_empty() {
        let (algorithm, behind) = value.split_once([' ', '\t'])?;
        let blanks = behind.len() - behind.trim_start().len();
        let secret = behind.trim_start();
        let quoted = algorithm.contains('(') && secret.starts_with(['"', '\'']);
        if secret.starts_with("0x") || quoted {
            let end = match secret.chars().next().filter(|_| quoted) {
                Some(mark) => secret.get(1..)?.find(mark).map(|at| at + 2),
                None => secret.find([' ', '\t', ';', '\\', '"']),
            };
            return Some((
                after.get(..size + algorithm.len() + 1 + blanks)?,
                secret.get(..end.unwrap_or(secret.len()))?,
            ));
        }
    }
    // `E: 3des-cbc  8e1f00aa 8e1f00aa` of `setkey -D`.
    if LETTERS.contains(&token) && before.trim() == token && joint.starts_with(':') {
        let (algorithm, secret) = value.split_once(' ')?;
        let hex = |c: char| c.is_ascii_hexdigit() || c == ' ';
        if secret.trim().len() >= 8 && secret.trim().chars().all(hex) {
            return Some((after.get(..size + algorithm.len() + 1)?, secret));
        }
    }
    // `-E aes-cbc 0x…` of setkey.
    if SETKEY.contains(&token) {
        let algorithm = value.find(' ')? + 1;
        let secret = value.get(algorithm..)?;
        if secret.starts_with("0x") || secret.starts_with('"') {
            let end = secret.find(';').unwrap_or(secret.len());
            return Some((after.get(..size + algorithm)?, secret.get(..end)?));
        }
    }
    None
}

/// A key in hex at the beginning: a word, or two with a colon between, of whole octets.
fn hex_key(value: &str) -> Option<&str> {
    const SHORTEST: usize = 8;
    let end = value
        .find(|c: char| !c.is_ascii_alphanumeric() && c != ':')
        .unwrap_or(value.len());
    let word = value.get(..end)?;
    word.split(':')
        .map(|part| part.strip_prefix("0x").unwrap_or(part))
        .all(|part| {
            part.len() >= SHORTEST
                && part.len().is_multiple_of(2)
                && part.bytes().all(|b| b.is_ascii_hexdigit())
        })
        .then_some(word)
}

/// Where the quoted value ends: at the first mark that no backslash stands before.
fn unescaped(value: &str, mark: char) -> usize {
    let mut escaped = false;
    for (at, c) in value.char_indices() {
        if c == mark && !escaped {
            return at;
        }
        escaped = c == '\\' && !escaped;
    }
    value.len()
}

/// `//user:password@` of an address on the net: what stands before the user, the secret, and what follows.
fn credentials<'t>(token: &'t str, after: &'t str) -> Option<(&'t str, &'t str, &'t str)> {
    let user = token.strip_prefix("//").filter(|u| !u.is_empty())?;
    let end = after.find(['@', ' ', '/'])?;
    if !after.starts_with(':') || !after.get(end..)?.starts_with('@') || user.contains('/') {
        return None;
    }
    Some(("//", after.get(..end)?, after.get(end..)?))
}

/// So many digits in hex are a key.
const SHORTEST_KEY: usize = 24;

/// Hex or base64 as long as a key, which no SPI or cookie is.
fn is_key(token: &str) -> bool {
    const SHORTEST_BASE64: usize = 32;
    let hex = token.strip_prefix("0x").unwrap_or(token);
    if hex.len() >= SHORTEST_KEY && hex.bytes().all(|b| b.is_ascii_hexdigit()) {
        return true;
    }
    if token.starts_with("0s") && token.len() >= 10 {
        return true;
    }
    let has = |kind: fn(&u8) -> bool| token.bytes().any(|b| kind(&b));
    token.len() >= SHORTEST_BASE64
        && !token.starts_with('/')
        && token
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/'))
        && has(u8::is_ascii_uppercase)
        && has(u8::is_ascii_lowercase)
        && has(u8::is_ascii_digit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_go_and_values_stay() {
        for (text, want) in [
            (
                "1.2.3.4 : PSK \"top secret\" # old",
                "1.2.3.4 : PSK \"[removed]\" # old",
            ),
            ("secret = 0sFpZAZ", "secret = [removed]"),
            ("pre-shared-secret hunter2", "pre-shared-secret [removed]"),
            ("key 8e1f00aa8e1f00aa8e1f00aa8e1f00aa", "key [removed]"),
            (
                "tried 1 shared key for 'a' - 'b', but MAC mismatched",
                "tried 1 shared key for 'a' - 'b', but MAC mismatched",
            ),
            ("SPIs c1a2b3c4_i cd5e6f70_o", "SPIs c1a2b3c4_i cd5e6f70_o"),
            (
                "crypto isakmp key hunter2 address 192.0.2.1",
                "crypto isakmp key [removed] address 192.0.2.1",
            ),
        ] {
            assert_eq!(redact(text), want);
        }
    }

    #[test]
    fn nothing_of_a_secret_is_left_however_it_is_written() {
        for text in [
            "secret = hunter2!word",
            "secret = correct hunter2 battery",
            "secret = #hunter2",
            "secret=$hunter2",
            "secret = @hunter2",
            r#"secret = "ab\"cd hunter2""#,
            r#""psk": "hunter2", "peer": "a""#,
            r#"{\"psk\": \"hunter2\"}"#,
            "% Ambiguous command: \"crypto isakmp key hunter2 address 192.0.2.1\"",
            " pre-shared-key local hunter2",
            " pre-shared-key remote hunter2",
            "set vpn ipsec site-to-site peer a authentication pre-shared-secret hunter2",
            "encrypted-password $6$salt$hunter2",
            "plaintext-password \"hunter2\"",
            "private-key \"hunter2\"",
            "    password hunter2",
            "community = hunter2",
            "pin = hunter2",
            "database = mysql://user:hunter2@host/db",
            "add a b esp 1 -E 3des-cbc \"hunter2\";",
            ": RSA gw.pem \"hunter2\"",
            "user : EAP \"hunter2\"",
            "set psksecret ENC hunter2",
            "token 0sFhunter2FhXY",
            r#"psk = """ab"cd hunter2""""#,
            "psk = '''ab'cd hunter2'''",
            r#"psk = """ ab;hunter2""""#,
            r#"psk = " ab; hunter2""#,
        ] {
            assert!(!redact(text).contains("hunter2"), "{}", redact(text));
        }
    }

    #[test]
    fn keys_of_manual_sas_go_however_short() {
        for text in [
            "add esp spi 0x1000 src 192.0.2.1 dst 198.51.100.1 authalg md5 authkey 0123456789abcdef encralg des",
            "add esp encralg des encrkey 0123456789abcdef",
            "{ spi 0x1000 encr_alg des key 89abcdef }",
            "authkey 0x0123456789abcdef:0x0123456789abcdef",
            "flow esp enckey 0x0123456789abcdef",
            "set session-key inbound esp 1000 cipher 0123456789abcdef authenticator 0123456789abcdef",
            "\tenc cbc(des) 0x0123456789abcdef",
            "\tauth-trunc hmac(md5) 0x0123456789abcdef 96",
            "\tauth hmac(md5) 0x0123456789abcdef",
            "\taead rfc4106(gcm(aes)) 0x0123456789abcdef 128",
            "ip xfrm state add proto esp spi 1 enc 'cbc(des)' 0x0123456789abcdef",
            "ip xfrm state add proto esp spi 1 enc \"cbc(des)\" \"89abcdef\" sel",
            "\tE: des-cbc  01234567 89abcdef",
        ] {
            assert!(!redact(text).contains("89abcdef"), "{}", redact(text));
        }
        assert_eq!(
            redact("\tauth-trunc hmac(md5) 0x0123456789abcdef 96"),
            "\tauth-trunc hmac(md5) [removed] 96"
        );
    }

    #[test]
    fn sentences_about_secrets_stay() {
        for text in [
            "no shared key found for 'a'[a] - 'b'[b]",
            "pre-shared-key authentication failed",
            "authby=secret",
            "authentication of 'a' (myself) with pre-shared key",
            "loading secrets from \"/etc/ipsec.secrets\"",
            "policy: PSK+ENCRYPT+TUNNEL+PFS",
            "-A INPUT -p udp --dport 500 -j DROP",
            "cipher aes256 authenticator sha256",
            "auth method rsasig, policy any",
            "key 12 of keyring a",
            "enc cbc(aes) spi c1a2b3c4",
            "https://www.example.org/a@b",
        ] {
            assert_eq!(redact(text), text);
        }
    }
}
