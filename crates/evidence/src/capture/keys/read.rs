//! Forms in which keys are written down.

use adit_model::proposal::{Proposal, SaKind};
use adit_model::secret::Secret;
use adit_wire::iana::{EncrId, IntegId};

use super::{Algorithms, Direction, EspKeys, IkeKeys, Keys, MOST};

/// Octets of the longest key that is believed.
const LONGEST: usize = 256;

pub(super) fn keys(text: &str) -> Keys {
    let mut keys = Keys::default();
    let mut dump = Dump::default();
    for (number, line) in (1..).zip(text.lines()) {
        if dump.line(line, &mut keys) {
            continue;
        }
        let line = line.trim();
        let known = own(line).or_else(|| table(line)).map(|found| match found {
            Some(found) => keys.add(found),
            None => keys
                .problems
                .push(format!("line {number}: a key that can't be used")),
        });
        let _ = known;
    }
    dump.finish(&mut keys);
    keys
}

enum Found {
    Ike(IkeKeys),
    Esp(EspKeys),
}

impl Keys {
    fn add(&mut self, found: Found) {
        match found {
            Found::Ike(ike) if ike.is_whole() && self.ike.len() < MOST => self.ike.push(ike),
            Found::Esp(esp) if !esp.keys.encryption.is_empty() && self.esp.len() < MOST => {
                self.esp.push(esp);
            }
            _ => {}
        }
    }
}

fn secret(hex: &str) -> Option<Secret> {
    let hex = hex.trim().trim_matches('"');
    let hex = hex.strip_prefix("0x").unwrap_or(hex);
    if !hex.len().is_multiple_of(2) || hex.len() > 2 * LONGEST || !hex.is_ascii() {
        return None;
    }
    let octets: Option<Vec<u8>> = (0..hex.len() / 2)
        .map(|i| u8::from_str_radix(hex.get(2 * i..2 * i + 2)?, 16).ok())
        .collect();
    octets.map(Secret::new)
}

fn spi64(hex: &str) -> Option<u64> {
    let hex = hex.trim().trim_matches('"');
    u64::from_str_radix(hex.strip_prefix("0x").unwrap_or(hex), 16).ok()
}

/// `ike SPIi SPIr aes256gcm16 ei=HEX er=HEX [ai=HEX ar=HEX]`, `esp SPI aes128-sha256 key=HEX [auth=HEX]`.
fn own(line: &str) -> Option<Option<Found>> {
    let mut words = line.split_whitespace();
    let kind = words.next()?;
    if kind != "ike" && kind != "esp" {
        return None;
    }
    let words: Vec<&str> = words.collect();
    if !words.iter().any(|w| w.contains('=')) {
        return None;
    }
    let value = |name: &str| {
        words
            .iter()
            .find_map(|w| w.strip_prefix(name))
            .map_or(Some(Secret::default()), secret)
    };
    Some((|| {
        if kind == "ike" {
            let spis = (spi64(words.first()?)?, spi64(words.get(1)?)?);
            return Some(Found::Ike(IkeKeys {
                spis: Some(spis),
                algorithms: Some(proposal(words.get(2)?, SaKind::Ike)?),
                initiator: Direction {
                    encryption: value("ei=")?,
                    integrity: value("ai=")?,
                },
                responder: Direction {
                    encryption: value("er=")?,
                    integrity: value("ar=")?,
                },
            }));
        }
        Some(Found::Esp(EspKeys {
            spi: Some(u32::try_from(spi64(words.first()?)?).ok()?),
            algorithms: Some(proposal(words.get(1)?, SaKind::Esp)?),
            keys: Direction {
                encryption: value("key=")?,
                integrity: value("auth=")?,
            },
        }))
    })())
}

fn proposal(text: &str, kind: SaKind) -> Option<Algorithms> {
    // An IKE proposal wants a group, which plays no part here.
    let read =
        Proposal::parse(text, kind).or_else(|_| Proposal::parse(&format!("{text}-x25519"), kind));
    let read = read.or_else(|_| Proposal::parse(&format!("{text}-prfsha256-x25519"), kind));
    let read = read.ok()?;
    let encr = read.encr.first()?;
    Some((encr.id, encr.key_bits, read.integ.first().copied()))
}

/// Wireshark's tables: `SPIi,SPIr,SK_ei,SK_er,"AES-CBC-128 [RFC3602]",SK_ai,SK_ar,"HMAC_SHA2_256_128 [RFC4868]"`, and
/// `"IPv4","192.0.2.1","198.51.100.1","0xc1a2b3c4","AES-CBC [RFC3602]","0x…","HMAC-SHA-256-128 [RFC4868]","0x…"`.
fn table(line: &str) -> Option<Option<Found>> {
    let cells = cells(line);
    let cell = |at: usize| cells.get(at).map(String::as_str);
    if cells.len() < 8 {
        return None;
    }
    let first = cell(0)?;
    if first == "IPv4" || first == "IPv6" {
        return Some((|| {
            let keys = Direction {
                encryption: secret(cell(5)?)?,
                integrity: secret(cell(7)?)?,
            };
            let encr = cell(4)?;
            let bits = u16::try_from(keys.encryption.len() * 8).ok()?;
            let id = encr_id(encr)?;
            let salt = match id {
                EncrId::ENCR_AES_CBC | EncrId::ENCR_3DES => 0,
                EncrId::ENCR_AES_CCM_8 | EncrId::ENCR_AES_CCM_12 | EncrId::ENCR_AES_CCM_16 => 24,
                _ => 32,
            };
            let bits = needs_bits(id).then(|| bits.saturating_sub(salt));
            Some(Found::Esp(EspKeys {
                spi: u32::try_from(spi64(cell(3)?).unwrap_or(u64::MAX)).ok(),
                algorithms: Some((id, bits, integ_id(cell(6)?)?)),
                keys,
            }))
        })());
    }
    if first.len() != 16 || spi64(first).is_none() {
        return None;
    }
    Some((|| {
        let name = cell(4)?;
        let id = encr_id(name)?;
        let bits = ["128", "192", "256"]
            .iter()
            .find(|b| name.split(" with").next().is_some_and(|n| n.contains(**b)))
            .and_then(|b| b.parse().ok());
        Some(Found::Ike(IkeKeys {
            spis: Some((spi64(first)?, spi64(cell(1)?)?)),
            algorithms: Some((id, bits.filter(|_| needs_bits(id)), integ_id(cell(7)?)?)),
            initiator: Direction {
                encryption: secret(cell(2)?)?,
                integrity: secret(cell(5)?)?,
            },
            responder: Direction {
                encryption: secret(cell(3)?)?,
                integrity: secret(cell(6)?)?,
            },
        }))
    })())
}

/// Cells between commas, quotes taken off.
fn cells(line: &str) -> Vec<String> {
    let mut out = vec![String::new()];
    let mut quoted = false;
    for c in line.chars() {
        match c {
            '"' => quoted = !quoted,
            ',' if !quoted => {
                if out.len() > 16 {
                    return Vec::new();
                }
                out.push(String::new());
            }
            c => {
                if let Some(last) = out.last_mut() {
                    last.push(c);
                }
            }
        }
    }
    out.iter().map(|c| c.trim().to_owned()).collect()
}

fn needs_bits(id: EncrId) -> bool {
    !matches!(id, EncrId::ENCR_3DES | EncrId::ENCR_CHACHA20_POLY1305)
}

fn encr_id(name: &str) -> Option<EncrId> {
    let with = |octets: &str| name.contains(&format!("with {octets} octet"));
    Some(match name {
        _ if name.starts_with("3DES") || name.starts_with("TripleDES") => EncrId::ENCR_3DES,
        _ if name.starts_with("AES-CBC") => EncrId::ENCR_AES_CBC,
        _ if name.starts_with("AES-CTR") => EncrId::ENCR_AES_CTR,
        _ if name.starts_with("AES-GCM") && with("8") => EncrId::ENCR_AES_GCM_8,
        _ if name.starts_with("AES-GCM") && with("12") => EncrId::ENCR_AES_GCM_12,
        _ if name.starts_with("AES-GCM") => EncrId::ENCR_AES_GCM_16,
        _ if name.starts_with("AES-CCM") && with("8") => EncrId::ENCR_AES_CCM_8,
        _ if name.starts_with("AES-CCM") && with("12") => EncrId::ENCR_AES_CCM_12,
        _ if name.starts_with("AES-CCM") => EncrId::ENCR_AES_CCM_16,
        _ if name.starts_with("ChaCha20") => EncrId::ENCR_CHACHA20_POLY1305,
        _ => return None,
    })
}

/// `None` when it isn't known; `Some(None)` for none.
fn integ_id(name: &str) -> Option<Option<IntegId>> {
    let name = name.split(' ').next()?.replace('-', "_");
    Some(match name.as_str() {
        "NONE" | "NULL" | "" => None,
        "HMAC_MD5_96" => Some(IntegId::AUTH_HMAC_MD5_96),
        "HMAC_SHA1_96" | "HMAC_SHA_1_96" => Some(IntegId::AUTH_HMAC_SHA1_96),
        "HMAC_SHA2_256_128" | "HMAC_SHA_256_128" => Some(IntegId::AUTH_HMAC_SHA2_256_128),
        "HMAC_SHA2_384_192" | "HMAC_SHA_384_192" => Some(IntegId::AUTH_HMAC_SHA2_384_192),
        "HMAC_SHA2_512_256" | "HMAC_SHA_512_256" => Some(IntegId::AUTH_HMAC_SHA2_512_256),
        _ => return None,
    })
}

/// Which key a hex dump in a log holds.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Which {
    Ei,
    Er,
    Ai,
    Ar,
    EncryptionInitiator,
    EncryptionResponder,
    IntegrityInitiator,
    IntegrityResponder,
}

/// Hex dumps of charon (`Sk_ei secret => 20 bytes @ 0x…`) and of pluto (`| SK_ei …`, then lines of hex).
#[derive(Default)]
struct Dump {
    current: Option<(Which, usize)>,
    octets: zeroize::Zeroizing<Vec<u8>>,
    ike: IkeKeys,
    child: [Direction; 2],
}

impl Dump {
    /// Whether the line belongs to a dump.
    fn line(&mut self, line: &str, keys: &mut Keys) -> bool {
        if let Some((which, wanted)) = self.current {
            if let Some(octets) = hex_line(line, self.octets.len()) {
                if self.octets.len() + octets.len() <= LONGEST {
                    self.octets.extend_from_slice(&octets);
                }
                if wanted > 0 && self.octets.len() >= wanted {
                    self.end(which, wanted, keys);
                }
                return true;
            }
            self.end(which, wanted, keys);
        }
        let Some(which) = label(line) else {
            return false;
        };
        let wanted = line
            .split_once("=> ")
            .and_then(|(_, rest)| rest.split(' ').next()?.parse().ok())
            .unwrap_or(0);
        self.current = Some((which, wanted));
        true
    }

    fn end(&mut self, which: Which, wanted: usize, keys: &mut Keys) {
        self.current = None;
        let octets = std::mem::take(&mut *self.octets);
        if octets.is_empty() || wanted > 0 && octets.len() != wanted {
            return;
        }
        let key = Secret::new(octets);
        let [initiator, responder] = &mut self.child;
        let place = match which {
            Which::Ei => {
                // The next IKE SA's.
                let integrity = std::mem::take(&mut self.ike.initiator.integrity);
                let other = std::mem::take(&mut self.ike.responder.integrity);
                if self.ike.is_whole() {
                    let mut whole = std::mem::take(&mut self.ike);
                    whole.initiator.integrity = integrity;
                    whole.responder.integrity = other;
                    keys.add(Found::Ike(whole));
                } else {
                    self.ike = IkeKeys::default();
                    self.ike.initiator.integrity = integrity;
                    self.ike.responder.integrity = other;
                }
                &mut self.ike.initiator.encryption
            }
            Which::Er => &mut self.ike.responder.encryption,
            Which::Ai => {
                if self.ike.is_whole() {
                    keys.add(Found::Ike(std::mem::take(&mut self.ike)));
                }
                &mut self.ike.initiator.integrity
            }
            Which::Ar => &mut self.ike.responder.integrity,
            Which::EncryptionInitiator => {
                for keys_of_one in [std::mem::take(initiator), std::mem::take(responder)] {
                    keys.add(esp(keys_of_one));
                }
                &mut self.child[0].encryption
            }
            Which::EncryptionResponder => &mut responder.encryption,
            Which::IntegrityInitiator => &mut initiator.integrity,
            Which::IntegrityResponder => &mut responder.integrity,
        };
        *place = key;
    }

    fn finish(mut self, keys: &mut Keys) {
        if let Some((which, wanted)) = self.current {
            self.end(which, wanted, keys);
        }
        keys.add(Found::Ike(self.ike));
        for one in self.child {
            keys.add(esp(one));
        }
    }
}

fn esp(keys: Direction) -> Found {
    Found::Esp(EspKeys {
        spi: None,
        algorithms: None,
        keys,
    })
}

fn label(line: &str) -> Option<Which> {
    const LABELS: [(&str, Which); 12] = [
        ("Sk_ei secret =>", Which::Ei),
        ("Sk_er secret =>", Which::Er),
        ("Sk_ai secret =>", Which::Ai),
        ("Sk_ar secret =>", Which::Ar),
        ("encryption initiator key =>", Which::EncryptionInitiator),
        ("encryption responder key =>", Which::EncryptionResponder),
        ("integrity initiator key =>", Which::IntegrityInitiator),
        ("integrity responder key =>", Which::IntegrityResponder),
        ("| SK_ei", Which::Ei),
        ("| SK_er", Which::Er),
        ("| SK_ai", Which::Ai),
        ("| SK_ar", Which::Ar),
    ];
    LABELS
        .iter()
        .find(|(text, _)| line.contains(text))
        .map(|(_, which)| *which)
}

/// The octets of a line of a dump: `   16: CA 07 9F E0    ....` when so many came before, or `|   ca 07 9f e0`.
fn hex_line(line: &str, before: usize) -> Option<zeroize::Zeroizing<Vec<u8>>> {
    let offset = format!(" {before}: ");
    let hex = match line.find(&offset) {
        Some(at) => line.get(at + offset.len()..)?,
        None => line.rsplit_once("| ").map(|(_, hex)| hex)?,
    };
    let mut octets = zeroize::Zeroizing::new(Vec::with_capacity(16));
    for word in hex.split_whitespace() {
        if word.len() != 2 || octets.len() == 16 {
            break;
        }
        let Ok(octet) = u8::from_str_radix(word, 16) else {
            break;
        };
        octets.push(octet);
    }
    (!octets.is_empty()).then_some(octets)
}
