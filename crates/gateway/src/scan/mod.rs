//! What an IKE peer answers and accepts: `adit scan`. No gateway has to run for it.
//!
//! At most [`MOST`] first messages are sent, one each [`PACE`] at the most, from a port of their own. Of all of them, those
//! that are meant may leave a half-open IKE SA with the peer, as a rule one of each version: they are counted. The others
//! are refused by construction ([`adit_ike::scan`]). What isn't answered is asked once more with the same message, which
//! to the peer is the same IKE SA (RFC 7296 2.1). No secret is used and none is asked for.

mod advice;
mod vendors;

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use adit_crypto::Provider;
use adit_ike::scan::{self, Algorithm, Answered, AnsweredV1, Question};
use adit_kernel::{KernelError, Netlink, PathErrorKind, UdpPort};
use adit_model::probed::Sent;
use adit_model::scanned::{SCHEMA, Scanned, ScannedPort, ScannedV1, ScannedV2};
use adit_wire::iana::{KeMethod, NotifyType};
use adit_wire::udp_encap::{Encapsulated, classify, mark_ike};
use adit_wire::v2::IkeSpi;

use crate::probe::{problem, wait};
use crate::probing::since;

/// Whom to ask, and how hard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScanOptions {
    /// As it was asked for.
    pub host: String,
    /// Its address.
    pub address: IpAddr,
    /// Its port of IKE.
    pub port: u16,
    /// Its port for IKE and ESP in UDP.
    pub nat_port: u16,
    /// Most messages.
    pub most: u64,
}

/// Most messages, unless said otherwise.
pub const MOST: u64 = 40;
/// Least time between two messages.
pub const PACE: Duration = Duration::from_millis(200);
/// How long an answer is waited for.
const PATIENCE: Duration = Duration::from_millis(1200);

/// Asks. Blocks for about ten seconds.
///
/// # Errors
/// When no socket can be opened, or there is no route to the host.
pub fn scan(options: &ScanOptions, provider: &Provider) -> Result<Scanned, KernelError> {
    let started = Instant::now();
    let mut asker = Asker::open(options)?;
    let mut scanned = Scanned {
        schema: SCHEMA.to_owned(),
        host: options.host.clone(),
        address: options.address,
        ports: Vec::new(),
        ike_v2: None,
        ike_v1: ScannedV1::default(),
        algorithms: Vec::new(),
        advice: Vec::new(),
        half_open: 0,
        sent: Sent::default(),
        took_ms: 0,
    };
    let mut opened = None;
    for port in [options.port, options.nat_port] {
        let to = SocketAddr::new(options.address, port);
        let marked = port == options.nat_port;
        // Once it is known what the peer says, the other port is only to answer at all.
        let before = asker.sent.packets;
        let (outcome, answer) = match &opened {
            None => asker.introduce(provider, to, marked),
            Some(Opened { group, cookie, .. }) => {
                let algorithm = Algorithm::Group(*group);
                let question = scan::about(provider, algorithm, &[], cookie.as_deref());
                let answer = question.and_then(|q| asker.ask(&q, to, marked));
                (asker.told(answer.is_some()), None)
            }
        };
        let asked = asker.sent.packets > before;
        scanned.ports.push(ScannedPort {
            port,
            answers: asked.then_some(outcome.is_none()),
            outcome: outcome.unwrap_or_else(|| "IKE version 2 answers".to_owned()),
        });
        if let Some(answer) = answer {
            opened = Some(Opened {
                to,
                marked,
                ..answer
            });
        }
    }
    if let Some(opened) = opened {
        scanned.algorithms = asker.algorithms(provider, &opened);
        scanned.ike_v2 = Some(shown(&opened));
    }
    scanned.ike_v1 = asker.version_1(provider, SocketAddr::new(options.address, options.port));
    scanned.half_open = asker.half_open;
    scanned.advice = advice::of(&scanned);
    scanned.sent = asker.sent;
    scanned.took_ms = since(started);
    Ok(scanned)
}

/// What the question that was meant came to.
struct Opened {
    to: SocketAddr,
    marked: bool,
    answered: Answered,
    /// A group that the peer takes.
    group: KeMethod,
    cookie: Option<Vec<u8>>,
}

struct Asker {
    socket: UdpPort,
    local: SocketAddr,
    sent: Sent,
    most: u64,
    /// Of those, kept for questions that come last.
    reserved: u64,
    /// Questions that were meant and of which the peer may keep something.
    half_open: u64,
    last: Option<Instant>,
    /// What the network said last.
    error: Option<String>,
}

enum Heard {
    V2(Box<Answered>),
    V1(Box<AnsweredV1>),
}

impl Asker {
    fn open(options: &ScanOptions) -> Result<Self, KernelError> {
        let mut netlink = Netlink::open()?;
        let way = netlink.route_to(options.address, None)?;
        let local = way.source.unwrap_or(options.address);
        let socket = UdpPort::bind(SocketAddr::new(local, 0))?;
        // Policies of the kernel's IPsec that cover the host aren't for this. Where there are none, neither is this.
        let _ = socket.bypass_ipsec();
        let local = SocketAddr::new(local, socket.local().port());
        Ok(Self {
            socket,
            local,
            sent: Sent::default(),
            most: options.most,
            reserved: 0,
            half_open: 0,
            last: None,
            error: None,
        })
    }

    /// Sends the question that is meant, again with the group or the cookie that the peer wants. Tells what was in the
    /// way, or what it came to.
    fn introduce(
        &mut self,
        provider: &Provider,
        to: SocketAddr,
        marked: bool,
    ) -> (Option<String>, Option<Opened>) {
        let mut group = KeMethod::CURVE25519;
        let mut cookie: Option<Vec<u8>> = None;
        let mut last = None;
        for _ in 0..4 {
            let question = scan::open(provider, (self.local, to), group, cookie.as_deref());
            let Some(question) = question else {
                break;
            };
            match self.ask_meant(&question, to, marked) {
                Some(Heard::V2(answered)) => {
                    let wanted = answered.wanted_group();
                    let asks = answered.notify(NotifyType::COOKIE).map(<[u8]>::to_vec);
                    last = Some(Opened {
                        to,
                        marked,
                        answered: *answered,
                        group: wanted.unwrap_or(group),
                        cookie: cookie.clone(),
                    });
                    match (asks, wanted) {
                        (Some(asked), _) if cookie.is_none() => cookie = Some(asked),
                        (_, Some(wanted)) if wanted != group => group = wanted,
                        _ => break,
                    }
                }
                Some(Heard::V1(_)) => return (Some("only version 1 answers".to_owned()), None),
                None => break,
            }
        }
        let told = self.told(last.is_some());
        if let Some(opened) = &mut last {
            opened.cookie = cookie;
        }
        (told, last)
    }

    fn told(&mut self, answered: bool) -> Option<String> {
        let error = self.error.take();
        if answered {
            return None;
        }
        Some(error.unwrap_or_else(|| "no answer".to_owned()))
    }

    /// One question and its answer. A message may be lost; a second one isn't by chance.
    fn ask(&mut self, question: &Question, to: SocketAddr, marked: bool) -> Option<Heard> {
        for attempt in 0..2 {
            if attempt > 0 && !self.may_send() {
                break;
            }
            self.send(question, to, marked)?;
            let until = Instant::now() + PATIENCE;
            let mut heard = None;
            self.listen(to, until, |spi, answer| {
                if spi == question.spi {
                    heard = Some(answer);
                }
                heard.is_some()
            });
            if heard.is_some() || self.error.is_some() {
                return heard;
            }
        }
        None
    }

    /// One question of which something may come, and its answer. Who doesn't answer may have kept it all the same.
    fn ask_meant(&mut self, question: &Question, to: SocketAddr, marked: bool) -> Option<Heard> {
        let before = self.sent.packets;
        let heard = self.ask(question, to, marked);
        let kept = match &heard {
            Some(Heard::V2(answered)) => answered.chosen.is_some(),
            Some(Heard::V1(answered)) => answered.chosen.is_some(),
            None => self.sent.packets > before && self.error.is_none(),
        };
        self.half_open += u64::from(kept);
        heard
    }

    fn may_send(&self) -> bool {
        self.sent.packets + self.reserved < self.most
    }

    /// Sends a question when its time has come; `None` when there may be no more, or none can be sent.
    fn send(&mut self, question: &Question, to: SocketAddr, marked: bool) -> Option<()> {
        if !self.may_send() {
            self.error = Some(format!("not asked: {} messages are the most", self.most));
            return None;
        }
        if let Some(last) = self.last {
            std::thread::sleep(PACE.saturating_sub(last.elapsed()));
        }
        self.last = Some(Instant::now());
        let datagram = if marked {
            mark_ike(&question.message)
        } else {
            question.message.clone()
        };
        self.sent
            .add(datagram.len() + if to.is_ipv4() { 28 } else { 48 });
        match self.socket.send(&datagram, to, None) {
            Ok(_) => Some(()),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Some(()),
            Err(error) => {
                self.error = Some(error.to_string());
                None
            }
        }
    }

    /// Hands on answers until that is enough or time is up.
    fn listen(
        &mut self,
        from: SocketAddr,
        until: Instant,
        mut hear: impl FnMut(IkeSpi, Heard) -> bool,
    ) {
        let mut buffer = vec![0; 65_536];
        while let Some(left) = until.checked_duration_since(Instant::now()) {
            wait(&self.socket, left);
            while let Ok(received) = self.socket.receive(&mut buffer) {
                if received.from != from {
                    continue;
                }
                let datagram = received.payload(&buffer);
                let message = match classify(datagram) {
                    Ok(Encapsulated::Ike(message)) => message,
                    _ => datagram,
                };
                let heard = scan::read(message, (self.local, from))
                    .map(|(spi, answered)| (spi, Heard::V2(Box::new(answered))))
                    .or_else(|| {
                        let (spi, answered) = scan::read_v1(message)?;
                        Some((spi, Heard::V1(Box::new(answered))))
                    });
                if let Some((spi, answer)) = heard
                    && hear(spi, answer)
                {
                    return;
                }
            }
            while let Ok(Some(error)) = self.socket.receive_error() {
                // That a first message is cut on the way is no failure.
                if !matches!(error.kind, PathErrorKind::FragNeeded { .. }) {
                    self.error = Some(problem(error.kind).to_string());
                    return;
                }
            }
        }
    }

    /// Asks about each algorithm; answers are heard while the next questions go out. One message is kept for version 1.
    fn algorithms(
        &mut self,
        provider: &Provider,
        opened: &Opened,
    ) -> Vec<adit_model::scanned::ScannedAlgorithm> {
        self.reserved = 1;
        let algorithms = scan::algorithms();
        let is_group = |a: &&Algorithm| matches!(a, Algorithm::Group(_));
        let mut accepted: Vec<(Algorithm, bool)> = Vec::new();
        // Groups first: a peer that couples algorithms takes the others only with groups that it takes.
        let groups: Vec<Algorithm> = algorithms.iter().filter(is_group).copied().collect();
        self.round(provider, opened, &groups, &[], &mut accepted);
        let mut taken: Vec<KeMethod> = accepted
            .iter()
            .filter_map(|(algorithm, yes)| match algorithm {
                Algorithm::Group(id) if *yes => Some(*id),
                _ => None,
            })
            .collect();
        if taken.is_empty() {
            taken.push(opened.group);
        }
        let others: Vec<Algorithm> = algorithms
            .iter()
            .filter(|a| !is_group(a))
            .copied()
            .collect();
        self.round(provider, opened, &others, &taken, &mut accepted);
        self.error = None;
        self.reserved = 0;
        algorithms
            .into_iter()
            .map(|algorithm| {
                let said = accepted.iter().find(|(of, _)| *of == algorithm);
                advice::judged(algorithm, said.map(|(_, yes)| *yes))
            })
            .collect()
    }

    fn round(
        &mut self,
        provider: &Provider,
        opened: &Opened,
        algorithms: &[Algorithm],
        groups: &[KeMethod],
        accepted: &mut Vec<(Algorithm, bool)>,
    ) {
        let mut asked: BTreeMap<u64, Algorithm> = BTreeMap::new();
        let cookie = opened.cookie.as_deref();
        let mut questions = Vec::new();
        for algorithm in algorithms {
            if let Some(question) = scan::about(provider, *algorithm, groups, cookie) {
                asked.insert(question.spi.0, *algorithm);
                questions.push(question);
            }
        }
        // What was lost on the way is asked once more.
        for _ in 0..2 {
            for question in &questions {
                if !asked.contains_key(&question.spi.0) {
                    continue;
                }
                if self.send(question, opened.to, opened.marked).is_none() {
                    break;
                }
                // What has come by the time of the next one.
                let until = Instant::now() + PACE;
                self.listen(opened.to, until, |spi, heard| {
                    hear(&mut asked, accepted, spi, &heard)
                });
            }
            let until = Instant::now() + PATIENCE;
            while !asked.is_empty() && Instant::now() < until {
                self.listen(opened.to, until, |spi, heard| {
                    hear(&mut asked, accepted, spi, &heard)
                });
            }
            if asked.is_empty() || !self.may_send() {
                break;
            }
        }
    }

    /// A first message of version 1.
    fn version_1(&mut self, provider: &Provider, to: SocketAddr) -> ScannedV1 {
        let before = self.sent.packets;
        let answer =
            scan::open_v1(provider).and_then(|question| self.ask_meant(&question, to, false));
        let Some(Heard::V1(answered)) = answer else {
            let asked = self.sent.packets > before;
            return ScannedV1 {
                answers: asked.then_some(false),
                ..ScannedV1::default()
            };
        };
        ScannedV1 {
            answers: Some(true),
            chosen: answered
                .chosen
                .map_or_else(String::new, |chosen| advice::v1_suite(&chosen)),
            refused: answered.notify.map(|notify| {
                let notify = adit_wire::iana::V1NotifyType(notify);
                notify.to_string()
            }),
            vendors: answered
                .vendors
                .iter()
                .map(|id| vendors::name(id))
                .collect(),
        }
    }
}

/// Takes an answer; whether it was to the last question that is open.
fn hear(
    asked: &mut BTreeMap<u64, Algorithm>,
    accepted: &mut Vec<(Algorithm, bool)>,
    spi: IkeSpi,
    heard: &Heard,
) -> bool {
    let Heard::V2(answered) = heard else {
        return false;
    };
    if let (Some(algorithm), Some(yes)) = (asked.get(&spi.0).copied(), answered.accepts()) {
        asked.remove(&spi.0);
        accepted.push((algorithm, yes));
    }
    asked.is_empty()
}

fn shown(opened: &Opened) -> ScannedV2 {
    let answered = &opened.answered;
    let hashes = answered
        .notify(NotifyType::SIGNATURE_HASH_ALGORITHMS)
        .unwrap_or_default();
    ScannedV2 {
        chosen: answered
            .chosen
            .iter()
            .flatten()
            .map(advice::transform)
            .collect(),
        notifies: answered
            .notifies
            .iter()
            .map(|(kind, _)| kind.to_string())
            .collect(),
        vendors: answered
            .vendors
            .iter()
            .map(|id| vendors::name(id))
            .collect(),
        fragmentation: answered
            .notify(NotifyType::IKEV2_FRAGMENTATION_SUPPORTED)
            .is_some(),
        signature_hashes: hashes.chunks_exact(2).map(advice::hash).collect(),
        cookie: opened.cookie.is_some(),
        wants_certificate: answered.wants_certificate,
        we_are_behind_nat: answered.nat.map(|nat| nat.local_behind_nat),
        it_is_behind_nat: answered.nat.map(|nat| nat.remote_behind_nat),
    }
}
