//! Blocks of PEM (RFC 7468), with what people do to them: text around, blank lines, carriage returns, cut ends.

use zeroize::Zeroizing;

use super::Octets;

/// What stands between `-----BEGIN …-----` and its end.
pub(super) struct Block {
    pub(super) label: String,
    /// A header says that a passphrase opens it (RFC 1421 4.6.1.1, as openssl writes RSA and EC keys).
    pub(super) encrypted: bool,
    /// `None` where it isn't base64, or has no end.
    pub(super) octets: Option<Octets>,
}

pub(super) fn blocks(octets: &[u8]) -> Vec<Block> {
    let mut out = Vec::new();
    let mut open: Option<(Block, Octets)> = None;
    for line in octets.split(|o| *o == b'\n') {
        let line = line.trim_ascii();
        if let Some(label) = mark(line, b"-----BEGIN ") {
            close(&mut out, open.take(), false);
            let block = Block {
                label,
                encrypted: false,
                octets: None,
            };
            open = Some((block, Zeroizing::new(Vec::new())));
        } else if mark(line, b"-----END ").is_some() {
            close(&mut out, open.take(), true);
        } else if let Some((block, body)) = &mut open {
            if line.contains(&b':') {
                block.encrypted |= line.ends_with(b"ENCRYPTED");
            } else if !line.starts_with(b"DEK-Info") {
                body.extend_from_slice(line);
            }
        }
    }
    close(&mut out, open, false);
    out
}

fn mark(line: &[u8], begin: &[u8]) -> Option<String> {
    let label = line.strip_prefix(begin)?.strip_suffix(b"-----")?;
    Some(String::from_utf8_lossy(label).into_owned())
}

fn close(out: &mut Vec<Block>, open: Option<(Block, Octets)>, whole: bool) {
    if let Some((mut block, body)) = open {
        block.octets = base64(&body).filter(|_| whole);
        out.push(block);
    }
}

/// Base64 (RFC 4648 4) without blanks.
fn base64(text: &[u8]) -> Option<Octets> {
    let mut out = Zeroizing::new(Vec::with_capacity(text.len() / 4 * 3 + 3));
    let (mut bits, mut held) = (0u32, 0u32);
    let body = text.strip_suffix(b"=").unwrap_or(text);
    for c in body.strip_suffix(b"=").unwrap_or(body) {
        let value = match c {
            b'A'..=b'Z' => c - b'A',
            b'a'..=b'z' => c - b'a' + 26,
            b'0'..=b'9' => c - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        held = (held << 6) | u32::from(value);
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            out.push((held >> bits) as u8);
            held &= (1 << bits) - 1;
        }
    }
    Some(out)
}

/// A block, in lines of 64 characters (RFC 7468 2).
pub(super) fn write(label: &str, octets: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digit = |value: u32| char::from(ALPHABET[(value & 63) as usize]);
    // What grows leaves copies behind, and this may be a key.
    let mut out = String::with_capacity(octets.len() * 3 / 2 + 2 * label.len() + 64);
    out.push_str(&format!("-----BEGIN {label}-----\n"));
    for line in octets.chunks(48) {
        for three in line.chunks(3) {
            let octet = |at: usize| three.get(at).map_or(0, |o| u32::from(*o));
            let value = octet(0) << 16 | octet(1) << 8 | octet(2);
            out.push(digit(value >> 18));
            out.push(digit(value >> 12));
            out.push(if three.len() > 1 {
                digit(value >> 6)
            } else {
                '='
            });
            out.push(if three.len() > 2 { digit(value) } else { '=' });
        }
        out.push('\n');
    }
    out.push_str(&format!("-----END {label}-----\n"));
    out
}
