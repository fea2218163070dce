//! Forms in which keys are written down.

use adit_model::proposal::{Proposal, SaKind};
use adit_model::secret::Secret;
use adit_wire::iana::{EncrId, IntegId};

use super::dump::Dump;
use super::{Algorithms, Direction, EspKeys, IkeKeys, Keys, LONGEST, MOST, V1Keys};

pub(super) fn keys(text: &str) -> Keys {
    let mut keys = Keys::default();
    let mut dump = Dump::default();
    let mut pluto = Pluto::default();
    let mut xfrm = Xfrm::default();
    for (number, line) in (1..).zip(text.lines()) {
        if dump.line(line, &mut keys) {
            continue;
        }
        let line = line.trim();
        let found = own(line)
            .or_else(|| table(line))
            .or_else(|| pluto.line(line, &dump))
            .or_else(|| xfrm.line(line));
        match found {
            Some(Ok(found)) => found.into_iter().for_each(|found| keys.add(found)),
            Some(Err(why)) if keys.problems.len() < MOST_PROBLEMS => {
                keys.problems.push(format!("line {number}: {why}"));
            }
            _ => {}
        }
    }
    dump.finish(&mut keys);
    keys
}

/// Problems told.
const MOST_PROBLEMS: usize = 100;

/// Why a line with a key is of no use, for people.
type Useless = &'static str;

const UNUSABLE: Useless = "a key that can't be used";

/// `None`: the line is none of the form. Else what it gives, or why it gives nothing.
type Line = Option<Result<Option<Found>, Useless>>;

/// A key that a line or some lines tell.
pub(super) enum Found {
    Ike(IkeKeys),
    Esp(EspKeys),
    V1(V1Keys),
}

fn usable(found: Option<Found>) -> Result<Option<Found>, Useless> {
    found.map(Some).ok_or(UNUSABLE)
}

impl Keys {
    pub(super) fn add(&mut self, found: Found) {
        match found {
            Found::Ike(ike) if ike.is_whole() && self.ike.len() < MOST => self.ike.push(ike),
            Found::Esp(esp) if !esp.keys.encryption.is_empty() && self.esp.len() < MOST => {
                self.esp.push(esp);
            }
            Found::V1(v1) if !v1.key.is_empty() && self.v1.len() < MOST => self.v1.push(v1),
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

/// `ike SPIi SPIr aes256gcm16 ei=HEX er=HEX [ai=HEX ar=HEX]`, `ikev1 COOKIE key=HEX`, `esp SPI aes128-sha256 key=HEX [auth=HEX]`.
fn own(line: &str) -> Line {
    let mut words = line.split_whitespace();
    let kind = words.next()?;
    if !matches!(kind, "ike" | "esp" | "ikev1") {
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
    Some(usable((|| {
        if kind == "ikev1" {
            return Some(Found::V1(V1Keys {
                cookie: Some(spi64(words.first()?)?),
                key: Some(value("key=")?).filter(|k| !k.is_empty())?,
            }));
        }
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
            whole: false,
        }))
    })()))
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

/// Wireshark's tables: `cookie,key` of IKEv1, `SPIi,SPIr,SK_ei,SK_er,"AES-CBC-128 [RFC3602]",SK_ai,SK_ar,"HMAC_SHA2_256_128 [RFC4868]"`, and
/// `"IPv4","192.0.2.1","198.51.100.1","0xc1a2b3c4","AES-CBC [RFC3602]","0x…","HMAC-SHA-256-128 [RFC4868]","0x…"`.
fn table(line: &str) -> Line {
    let cells = cells(line);
    let cell = |at: usize| cells.get(at).map(String::as_str);
    let first = cell(0)?;
    let is_spi = first.len() == 16 && spi64(first).is_some();
    if let [_, key] = cells.as_slice() {
        return is_spi.then(|| {
            usable((|| {
                Some(Found::V1(V1Keys {
                    cookie: spi64(first),
                    key: Some(secret(key)?).filter(|k| !k.is_empty())?,
                }))
            })())
        });
    }
    if cells.len() < 8 {
        return None;
    }
    if first == "IPv4" || first == "IPv6" {
        return Some(usable((|| {
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
                whole: false,
            }))
        })()));
    }
    if !is_spi {
        return None;
    }
    Some(usable((|| {
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
    })()))
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

/// `| ikev2 I 0xSPIi 0xSPIr sha256:0xHEX aes256:0xHEX`, and the same with `R`: what Libreswan prints with `plutodebug=private`
/// for `tcpdump -E`. A combined-mode cipher's salt isn't in it; `plutodebug=crypt` shows that beside.
#[derive(Default)]
struct Pluto {
    initiator: Option<((u64, u64), Direction)>,
}

impl Pluto {
    fn line(&mut self, line: &str, dump: &Dump) -> Line {
        let (_, rest) = line.split_once("| ikev2 ")?;
        let words: Vec<&str> = rest.split_whitespace().collect();
        let [role @ ("I" | "R"), spi_i, spi_r, integ, encr] = words.as_slice() else {
            return None;
        };
        let spis = (spi64(spi_i)?, spi64(spi_r)?);
        let (integ_name, integrity) = integ.split_once(':')?;
        let (encr_name, encryption) = encr.split_once(':')?;
        let read = || {
            let keys = Direction {
                encryption: secret(encryption)?,
                integrity: if integ_name == "none" {
                    Secret::default()
                } else {
                    secret(integrity)?
                },
            };
            (!keys.encryption.is_empty()).then_some(keys)
        };
        let Some(mut keys) = read() else {
            return Some(Err(UNUSABLE));
        };
        if integ_name == "none" {
            let octets = if encr_name.contains("ccm") { 3 } else { 4 };
            let Some(salt) = dump.salt(*role == "R").get(..octets) else {
                return Some(Err(
                    "a combined-mode key without its salt, which plutodebug=crypt shows",
                ));
            };
            keys.encryption = Secret::new([keys.encryption.expose(), salt].concat());
        }
        if *role == "I" {
            self.initiator = Some((spis, keys));
            return Some(Ok(None));
        }
        let (of, initiator) = self.initiator.take()?;
        if of != spis {
            return Some(Err("a key of one side only"));
        }
        // The lengths tell the algorithms.
        Some(Ok(Some(Found::Ike(IkeKeys {
            spis: Some(spis),
            algorithms: None,
            initiator,
            responder: keys,
        }))))
    }
}

/// `ip xfrm state`: the SPI first, then its keys.
#[derive(Default)]
struct Xfrm {
    spi: Option<u32>,
    integ: Option<(Option<IntegId>, Secret)>,
}

impl Xfrm {
    fn line(&mut self, line: &str) -> Line {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            ["proto", "esp", "spi", spi, ..] => {
                let number = spi.split('(').next().unwrap_or_default();
                self.spi = spi64(number).and_then(|s| u32::try_from(s).ok());
                self.integ = None;
                None
            }
            ["auth-trunc" | "auth", name, key, ..] if name.starts_with("hmac(") => {
                self.integ = Some((xfrm_integ(name, words.get(3).copied()), secret(key)?));
                None
            }
            ["enc", name, key, ..] if self.spi.is_some() => {
                let (integ, integrity) = self.integ.take().unwrap_or_default();
                Some(usable(self.esp(name, key, integ, integrity)))
            }
            ["aead", name, key, ..] if self.spi.is_some() => {
                Some(usable(self.esp(name, key, None, Secret::default())))
            }
            _ => None,
        }
    }

    fn esp(
        &mut self,
        name: &str,
        key: &str,
        integ: Option<IntegId>,
        integrity: Secret,
    ) -> Option<Found> {
        let encryption = secret(key)?;
        let bits = |salt: usize| {
            let octets = encryption.len().checked_sub(salt)?;
            u16::try_from(octets * 8).ok()
        };
        let (id, key_bits) = match name {
            "cbc(aes)" => (EncrId::ENCR_AES_CBC, bits(0)),
            "cbc(des3_ede)" => (EncrId::ENCR_3DES, None),
            "rfc3686(ctr(aes))" => (EncrId::ENCR_AES_CTR, bits(4)),
            "rfc4106(gcm(aes))" => (EncrId::ENCR_AES_GCM_16, bits(4)),
            "rfc4309(ccm(aes))" => (EncrId::ENCR_AES_CCM_16, bits(3)),
            "rfc7539esp(chacha20,poly1305)" => (EncrId::ENCR_CHACHA20_POLY1305, None),
            _ => return None,
        };
        Some(Found::Esp(EspKeys {
            spi: self.spi.take(),
            algorithms: Some((id, key_bits, integ)),
            keys: Direction {
                encryption,
                integrity,
            },
            whole: false,
        }))
    }
}

fn xfrm_integ(name: &str, bits: Option<&str>) -> Option<IntegId> {
    Some(match (name, bits) {
        ("hmac(md5)", _) => IntegId::AUTH_HMAC_MD5_96,
        ("hmac(sha1)", _) => IntegId::AUTH_HMAC_SHA1_96,
        ("hmac(sha256)", Some("128")) => IntegId::AUTH_HMAC_SHA2_256_128,
        ("hmac(sha384)", _) => IntegId::AUTH_HMAC_SHA2_384_192,
        ("hmac(sha512)", _) => IntegId::AUTH_HMAC_SHA2_512_256,
        _ => return None,
    })
}
