//! What becomes of a message on its way.

use std::collections::HashSet;
use std::time::Duration;

use serde::Deserialize;

use super::{EACH, SOURCES};

/// What the relay does to IKE messages; everything else it hands on as it came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Meddling {
    /// Each message arrives twice.
    Twice,
    /// Of each answer the first copy is lost.
    LostAnswers,
    /// A payload that nobody knows, marked as one that must be understood, is put into IKE_SA_INIT requests.
    Critical,
    /// As `Critical`, into the first one only.
    CriticalOnce,
    /// IKE_SA_INIT requests say that they are of the third major version.
    MajorVersion,
    /// As `MajorVersion`, the first one only.
    MajorVersionOnce,
    /// IKE_SA_INIT answers say that their sender takes ECDSA over P-384 and no other method (RFC 9593).
    OtherMethods,
    /// Each answer comes late, so that ESP overtakes it.
    LateAnswers,
    /// Before the first IKE_SA_INIT request come many that nobody made, from many addresses.
    Flood,
}

const ALL: [(&str, Meddling); 9] = [
    ("twice", Meddling::Twice),
    ("lost-answers", Meddling::LostAnswers),
    ("critical", Meddling::Critical),
    ("critical-once", Meddling::CriticalOnce),
    ("major-version", Meddling::MajorVersion),
    ("major-version-once", Meddling::MajorVersionOnce),
    ("other-methods", Meddling::OtherMethods),
    ("late-answers", Meddling::LateAnswers),
    ("flood", Meddling::Flood),
];

impl Meddling {
    pub fn named(name: &str) -> Option<Self> {
        let found = ALL.iter().find(|(of, _)| *of == name);
        found.map(|(_, meddling)| *meddling)
    }

    pub fn name(self) -> &'static str {
        let found = ALL.iter().find(|(_, of)| *of == self);
        found.map_or("", |(name, _)| name)
    }
}

/// Where a message goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Toward {
    West,
    East,
}

/// What a message becomes, and what is written about it.
#[derive(Debug, Default)]
pub struct Passed {
    pub datagrams: Vec<Vec<u8>>,
    /// How long they are held up.
    pub delay: Duration,
    pub notes: Vec<String>,
}

pub struct Meddler {
    meddling: Meddling,
    /// Answers that were lost once.
    lost: HashSet<Vec<u8>>,
    /// Something was done that is done once.
    done: bool,
}

/// How late an answer is: several packets of a ping come before it.
const LATE: Duration = Duration::from_millis(70);
const IKE_SA_INIT: u8 = 34;
const RESPONSE: u8 = 0x20;
/// In the range of payload types that nobody has given out.
const UNKNOWN_PAYLOAD: u8 = 99;
const NOTIFY: u8 = 41;
const COOKIE: u16 = 16_390;
const SUPPORTED_AUTH_METHODS: u16 = 16_443;

impl Meddler {
    pub fn new(meddling: Meddling) -> Self {
        Self {
            meddling,
            lost: HashSet::new(),
            done: false,
        }
    }

    /// The message of IKE in a datagram to this port, and where it begins.
    fn message(port: u16, datagram: &[u8]) -> Option<(usize, &[u8])> {
        let begin = match port {
            500 => 0,
            _ if datagram.starts_with(&[0; 4]) => 4,
            _ => return None,
        };
        let message = datagram.get(begin..)?;
        (message.len() >= 28).then_some((begin, message))
    }

    pub fn pass(&mut self, port: u16, toward: Toward, datagram: &[u8]) -> Passed {
        let Some((begin, message)) = Self::message(port, datagram) else {
            return Passed {
                datagrams: vec![datagram.to_vec()],
                ..Passed::default()
            };
        };
        let opens = message.get(18) == Some(&IKE_SA_INIT) && !is_response(message);
        let once = |done: bool| opens && !done;
        let mut delay = Duration::ZERO;
        let (datagrams, fate) = match self.meddling {
            Meddling::Twice => (vec![datagram.to_vec(), datagram.to_vec()], "twice"),
            Meddling::LostAnswers
                if is_response(message) && self.lost.insert(datagram.to_vec()) =>
            {
                (Vec::new(), "lost")
            }
            Meddling::LateAnswers if is_response(message) => {
                delay = LATE;
                (vec![datagram.to_vec()], "late")
            }
            Meddling::OtherMethods if message.get(18) == Some(&IKE_SA_INIT) => {
                (vec![with_methods(begin, datagram)], "changed")
            }
            Meddling::Critical if opens => (vec![with_payload(begin, datagram)], "changed"),
            Meddling::MajorVersion if opens => (vec![with_version(begin, datagram)], "changed"),
            Meddling::CriticalOnce if once(self.done) => {
                self.done = true;
                (vec![with_payload(begin, datagram)], "changed")
            }
            Meddling::MajorVersionOnce if once(self.done) => {
                self.done = true;
                (vec![with_version(begin, datagram)], "changed")
            }
            _ => (vec![datagram.to_vec()], "passed"),
        };
        let to = match toward {
            Toward::West => "to west",
            Toward::East => "to east",
        };
        let digest = message
            .iter()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, octet| {
                (hash ^ u64::from(*octet)).wrapping_mul(0x0100_0000_01b3)
            });
        let what = describe(port, datagram);
        let notes = vec![format!("{fate} {to}: {what} {digest:016x}")];
        Passed {
            datagrams,
            delay,
            notes,
        }
    }

    /// Requests to send before this one, in batches of one source each.
    pub fn forged(&mut self, port: u16, datagram: &[u8]) -> Option<Vec<Vec<u8>>> {
        let (_, message) = Self::message(port, datagram)?;
        let opens = message.get(18) == Some(&IKE_SA_INIT) && !is_response(message);
        if self.meddling != Meddling::Flood || self.done || !opens {
            return None;
        }
        self.done = true;
        let many = (1..=SOURCES).flat_map(|source| (0..EACH).map(move |n| (source, n)));
        let forged = many.map(|(source, number)| {
            let mut request = message.to_vec();
            for (octet, value) in request
                .iter_mut()
                .zip([0xf0, source, number, 1, 2, 3, 4, 5])
            {
                *octet = value;
            }
            request
        });
        Some(forged.collect())
    }
}

/// A message in a few words.
pub fn describe(port: u16, datagram: &[u8]) -> String {
    let Some((_, message)) = Meddler::message(port, datagram) else {
        return "nothing".to_owned();
    };
    let exchange = match message.get(18) {
        Some(34) => "IKE_SA_INIT".to_owned(),
        Some(35) => "IKE_AUTH".to_owned(),
        Some(36) => "CREATE_CHILD_SA".to_owned(),
        Some(37) => "INFORMATIONAL".to_owned(),
        other => format!("exchange {}", other.copied().unwrap_or(0)),
    };
    let kind = if is_response(message) {
        "response"
    } else {
        "request"
    };
    let id = message.get(20..24).unwrap_or_default();
    let id = id.iter().fold(0, |id, octet| id << 8 | u32::from(*octet));
    // A notify comes first where there is a cookie, or nothing but an error.
    let notify = message
        .get(34..36)
        .filter(|_| message.get(16) == Some(&NOTIFY))
        .map(|kind| u16::from_be_bytes([kind[0], kind[1]]));
    let notify = match notify {
        Some(COOKIE) => " cookie".to_owned(),
        Some(other) => format!(" notify {other}"),
        None => String::new(),
    };
    format!("{exchange} {kind} {id}{notify}")
}

fn is_response(message: &[u8]) -> bool {
    message.get(19).is_some_and(|flags| flags & RESPONSE != 0)
}

fn with_version(begin: usize, datagram: &[u8]) -> Vec<u8> {
    let mut changed = datagram.to_vec();
    if let Some(version) = changed.get_mut(begin + 17) {
        *version = 0x30;
    }
    changed
}

fn with_payload(begin: usize, datagram: &[u8]) -> Vec<u8> {
    let mut changed = datagram.to_vec();
    let next = std::mem::replace(&mut changed[begin + 16], UNKNOWN_PAYLOAD);
    let payload = [next, 0x80, 0, 8, 1, 2, 3, 4];
    changed.splice(begin + 28..begin + 28, payload);
    let length = u32::try_from(changed.len() - begin).unwrap_or(u32::MAX);
    changed.splice(begin + 24..begin + 28, length.to_be_bytes());
    changed
}

/// Every SUPPORTED_AUTH_METHODS of the message says something else.
fn with_methods(begin: usize, datagram: &[u8]) -> Vec<u8> {
    // One announcement: its length, ECDSA with SHA-384 over P-384, any CA.
    const DATA: [u8; 3] = [3, 10, 0];
    let mut changed = datagram.get(..begin + 28).unwrap_or_default().to_vec();
    let mut kind = datagram.get(begin + 16).copied().unwrap_or(0);
    let mut rest = datagram.get(begin + 28..).unwrap_or_default();
    while let (true, Some([next, _, high, low])) = (kind != 0, rest.first_chunk::<4>()) {
        let length = usize::from(u16::from_be_bytes([*high, *low])).max(4);
        let (payload, behind) = rest.split_at(length.min(rest.len()));
        let is_methods =
            kind == NOTIFY && payload.get(6..8) == Some(&SUPPORTED_AUTH_METHODS.to_be_bytes());
        if is_methods {
            let length = u16::try_from(8 + DATA.len()).unwrap_or(u16::MAX);
            changed.extend([*next, 0]);
            changed.extend(length.to_be_bytes());
            changed.extend([0, 0]);
            changed.extend(SUPPORTED_AUTH_METHODS.to_be_bytes());
            changed.extend(DATA);
        } else {
            changed.extend_from_slice(payload);
        }
        (kind, rest) = (*next, behind);
    }
    let length = u32::try_from(changed.len() - begin).unwrap_or(u32::MAX);
    changed.splice(begin + 24..begin + 28, length.to_be_bytes());
    changed
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A header with a nonce payload behind it.
    fn message(exchange: u8, flags: u8) -> Vec<u8> {
        let mut out = vec![7; 16];
        out.extend([40, 0x20, exchange, flags, 0, 0, 0, 1, 0, 0, 0, 36]);
        out.extend([0, 0, 0, 8, 9, 9, 9, 9]);
        out
    }

    /// As port 4500 shows it: IKE with four zeros in front.
    fn with_marker(datagram: Vec<u8>) -> Vec<u8> {
        match datagram.get(17) {
            Some(0x20) => [vec![0; 4], datagram].concat(),
            _ => datagram,
        }
    }

    fn passed(meddling: Meddling, datagrams: &[Vec<u8>]) -> Vec<Vec<Vec<u8>>> {
        let mut meddler = Meddler::new(meddling);
        let pass = |d: &Vec<u8>| meddler.pass(500, Toward::East, d).datagrams;
        datagrams.iter().map(pass).collect()
    }

    #[test]
    fn names_are_those_of_the_scenarios() {
        for (name, meddling) in ALL {
            assert_eq!(Meddling::named(name), Some(meddling));
            assert_eq!(meddling.name(), name);
        }
    }

    #[test]
    fn messages_are_doubled_lost_once_or_left_alone() {
        let (request, response) = (message(35, 8), message(35, RESPONSE));
        let twice = passed(Meddling::Twice, std::slice::from_ref(&request));
        assert_eq!(twice, [[request.clone(), request.clone()]]);
        let lost = passed(
            Meddling::LostAnswers,
            &[request.clone(), response.clone(), response.clone()],
        );
        assert_eq!(lost, [vec![request], vec![], vec![response]]);
        let mut late = Meddler::new(Meddling::LateAnswers);
        let delays = [message(35, 8), message(35, RESPONSE), vec![1; 60]]
            .map(|datagram| late.pass(4500, Toward::West, &with_marker(datagram)).delay);
        assert_eq!(delays, [Duration::ZERO, LATE, Duration::ZERO]);
        // ESP in UDP has no zeros in front.
        let esp = vec![1; 60];
        let mut meddler = Meddler::new(Meddling::Twice);
        let alone = meddler.pass(4500, Toward::West, &esp);
        assert_eq!((alone.datagrams, alone.notes.len()), (vec![esp], 0));
    }

    #[test]
    fn a_payload_is_put_in_front_and_lengths_stay_true() {
        let opening = message(IKE_SA_INIT, 8);
        let all = passed(Meddling::CriticalOnce, &[opening.clone(), opening.clone()]);
        let changed = &all[0][0];
        assert_eq!((changed[16], changed[27]), (UNKNOWN_PAYLOAD, 44));
        assert_eq!(changed[28..32], [40, 0x80, 0, 8]);
        assert_eq!(changed[36..], opening[28..]);
        assert_eq!(all[1], std::slice::from_ref(&opening));
        let version = passed(Meddling::MajorVersion, &[opening]);
        assert_eq!(version[0][0][17], 0x30);
    }

    #[test]
    fn what_a_side_takes_is_replaced_and_nothing_else() {
        let mut answer = message(IKE_SA_INIT, RESPONSE);
        answer[28] = NOTIFY;
        answer.extend([40, 0, 0, 12, 0, 0, 0x40, 0x3b, 4, 14, 0, 1]);
        answer.extend([0, 0, 0, 8, 5, 5, 5, 5]);
        answer[27] = 56;
        let changed = passed(Meddling::OtherMethods, std::slice::from_ref(&answer)).remove(0);
        let mut expected = answer[..36].to_vec();
        expected[27] = 55;
        expected.extend([40, 0, 0, 11, 0, 0, 0x40, 0x3b, 3, 10, 0]);
        expected.extend([0, 0, 0, 8, 5, 5, 5, 5]);
        assert_eq!(changed, [expected]);
    }

    #[test]
    fn a_flood_comes_once_and_every_request_is_another() {
        let mut meddler = Meddler::new(Meddling::Flood);
        let forged = meddler.forged(500, &message(IKE_SA_INIT, 8)).unwrap();
        let different: HashSet<_> = forged.iter().collect();
        assert_eq!(different.len(), usize::from(SOURCES) * usize::from(EACH));
        assert!(meddler.forged(500, &message(IKE_SA_INIT, 8)).is_none());
    }

    #[test]
    fn a_cookie_is_recognised() {
        let mut answer = message(IKE_SA_INIT, RESPONSE);
        answer[16] = NOTIFY;
        answer[34..36].copy_from_slice(&COOKIE.to_be_bytes());
        assert_eq!(describe(500, &answer), "IKE_SA_INIT response 1 cookie");
        assert_eq!(describe(500, &[]), "nothing");
    }
}
