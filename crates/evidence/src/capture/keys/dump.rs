//! Keys that daemons print over several lines at their highest log levels: a label, then octets in hex.

use adit_model::secret::Secret;
use zeroize::Zeroizing;

use super::read::Found;
use super::{Direction, EspKeys, IkeKeys, Keys, LONGEST, V1Keys};

use Role::{I, R};

/// Whose key of the two.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    /// The initiator's.
    I,
    /// The responder's.
    R,
}

fn of<T>(both: &mut [T; 2], role: Role) -> &mut T {
    let [initiator, responder] = both;
    match role {
        I => initiator,
        R => responder,
    }
}

/// Which key a hex dump in a log holds.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Which {
    /// The IKE SA's of the initiator and the responder.
    Encryption(Role),
    Integrity(Role),
    /// The CHILD SA's of the initiator and the responder.
    ChildEncryption(Role),
    ChildIntegrity(Role),
    /// All keying material of one direction of a CHILD SA, in one piece.
    Whole,
    /// Two keys of one direction of a CHILD SA, one after the other.
    EspEncryption,
    EspIntegrity,
    /// The key of an ISAKMP SA of IKEv1.
    V1,
    /// The initiator's or responder's salt of a combined-mode cipher, in Libreswan's log.
    Salt(Role),
}

const LABELS: [(&str, Which); 26] = [
    // charon
    ("Sk_ei secret =>", Which::Encryption(I)),
    ("Sk_er secret =>", Which::Encryption(R)),
    ("Sk_ai secret =>", Which::Integrity(I)),
    ("Sk_ar secret =>", Which::Integrity(R)),
    ("encryption initiator key =>", Which::ChildEncryption(I)),
    ("encryption responder key =>", Which::ChildEncryption(R)),
    ("integrity initiator key =>", Which::ChildIntegrity(I)),
    ("integrity responder key =>", Which::ChildIntegrity(R)),
    ("encryption key Ka =>", Which::V1),
    // pluto
    ("| SK_ei", Which::Encryption(I)),
    ("| SK_er", Which::Encryption(R)),
    ("| SK_ai", Which::Integrity(I)),
    ("| SK_ar", Which::Integrity(R)),
    ("| our  keymat", Which::Whole),
    ("| peer keymat", Which::Whole),
    ("| inbound  keymat", Which::Whole),
    ("| outbound keymat", Which::Whole),
    ("|   inbound:", Which::Whole),
    ("|   outbound:", Which::Whole),
    ("KEYMAT computed:", Which::Whole),
    ("| ESP encrypt key:", Which::EspEncryption),
    ("| ESP integrity key:", Which::EspIntegrity),
    ("| enc key:", Which::V1),
    ("| initiator salt extracted len", Which::Salt(I)),
    ("| responder salt extracted len", Which::Salt(R)),
    // racoon
    ("final encryption key computed:", Which::V1),
];

/// Hex dumps of charon (`Sk_ei secret => 20 bytes @ 0x…`), of pluto (`| enc key:`, then lines of hex) and of racoon
/// (`final encryption key computed:`, then groups of eight digits).
#[derive(Default)]
pub(super) struct Dump {
    current: Option<(Which, usize)>,
    /// Lines since the label that may be without hex.
    patience: u8,
    octets: Zeroizing<Vec<u8>>,
    ike: [Direction; 2],
    child: [Direction; 2],
    esp: Direction,
    salts: [Secret; 2],
}

impl Dump {
    /// Whether the line belongs to a dump.
    pub(super) fn line(&mut self, line: &str, keys: &mut Keys) -> bool {
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
            if self.octets.is_empty() && self.patience > 0 && label(line).is_none() {
                self.patience -= 1;
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
        // racoon begins a dump on a line of its own, pluto says `unwrapped:` before.
        self.patience = u8::from(matches!(which, Which::V1 | Which::Salt(_)));
        self.current = Some((which, wanted));
        // What grows leaves copies behind.
        self.octets.reserve_exact(LONGEST);
        true
    }

    /// The salt that was shown last.
    pub(super) fn salt(&self, of_responder: bool) -> &[u8] {
        let [initiator, responder] = &self.salts;
        if of_responder { responder } else { initiator }.expose()
    }

    fn end(&mut self, which: Which, wanted: usize, keys: &mut Keys) {
        self.current = None;
        let octets = std::mem::take(&mut *self.octets);
        if octets.is_empty() || wanted > 0 && octets.len() != wanted {
            return;
        }
        let key = Secret::new(octets);
        match which {
            Which::Encryption(side) => {
                // The next IKE SA's keys begin with integrity, or without one with encryption.
                if side == I && !self.ike[0].encryption.is_empty() {
                    self.ike_done(keys);
                }
                of(&mut self.ike, side).encryption = key;
            }
            Which::Integrity(side) => {
                if side == I {
                    self.ike_done(keys);
                }
                of(&mut self.ike, side).integrity = key;
            }
            Which::ChildEncryption(side) => {
                if side == I {
                    self.child_done(keys);
                }
                of(&mut self.child, side).encryption = key;
            }
            Which::ChildIntegrity(side) => of(&mut self.child, side).integrity = key,
            Which::Whole => {
                let keys_of_one = Direction {
                    encryption: key,
                    ..Direction::default()
                };
                keys.add(esp(keys_of_one, true));
            }
            Which::EspEncryption => {
                self.esp_done(keys);
                self.esp.encryption = key;
            }
            Which::EspIntegrity => self.esp.integrity = key,
            Which::V1 => keys.add(Found::V1(V1Keys { cookie: None, key })),
            Which::Salt(side) => *of(&mut self.salts, side) = key,
        }
    }

    fn ike_done(&mut self, keys: &mut Keys) {
        let [initiator, responder] = std::mem::take(&mut self.ike);
        keys.add(Found::Ike(IkeKeys {
            spis: None,
            algorithms: None,
            initiator,
            responder,
        }));
    }

    fn child_done(&mut self, keys: &mut Keys) {
        for one in std::mem::take(&mut self.child) {
            keys.add(esp(one, false));
        }
    }

    fn esp_done(&mut self, keys: &mut Keys) {
        keys.add(esp(std::mem::take(&mut self.esp), false));
    }

    pub(super) fn finish(mut self, keys: &mut Keys) {
        if let Some((which, wanted)) = self.current {
            self.end(which, wanted, keys);
        }
        self.ike_done(keys);
        self.child_done(keys);
        self.esp_done(keys);
    }
}

fn esp(keys: Direction, whole: bool) -> Found {
    Found::Esp(EspKeys {
        spi: None,
        algorithms: None,
        keys,
        whole,
    })
}

fn label(line: &str) -> Option<Which> {
    LABELS
        .iter()
        .find(|(text, _)| line.contains(text))
        .map(|(_, which)| *which)
}

/// The octets of a line of a dump: `   16: CA 07 9F E0    ....` when so many came before, `|   ca 07 9f e0   ....`, or
/// `ca079fe0 11223344`.
fn hex_line(line: &str, before: usize) -> Option<Zeroizing<Vec<u8>>> {
    let offset = format!(" {before}: ");
    if let Some(at) = line.find(&offset) {
        return octets(line.get(at + offset.len()..)?);
    }
    if let Some((_, hex)) = line.split_once("| ") {
        return octets(hex);
    }
    let mut out = Zeroizing::new(Vec::with_capacity(32));
    for word in line.split_whitespace() {
        let group = matches!(word.len(), 2 | 4 | 6 | 8) && word.is_ascii();
        if !group || out.len() > 64 {
            return None;
        }
        for at in (0..word.len()).step_by(2) {
            out.push(u8::from_str_radix(word.get(at..at + 2)?, 16).ok()?);
        }
    }
    (!out.is_empty()).then_some(out)
}

fn octets(hex: &str) -> Option<Zeroizing<Vec<u8>>> {
    let mut octets = Zeroizing::new(Vec::with_capacity(16));
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
