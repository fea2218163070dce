//! What can be learned cheaply about a peer that doesn't answer: is there a route, does the host answer an echo, does
//! anything answer IKE on either port?
//!
//! An IKE_SA_INIT request with a fresh SPI and a throw-away key exchange is all that is sent; whatever comes back, no
//! key is agreed and nothing is kept. Everything ends within [`LONGEST`].

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use adit_crypto::Provider;
use adit_kernel::{KernelError, Netlink, PathErrorKind, PingOptions, PingOutcome, UdpPort, ping};
use adit_model::connection::Connection;
use adit_model::event::PathProblem;
use adit_model::fact::{Probe, ProbeOutcome};
use adit_wire::udp_encap::{Encapsulated, classify, mark_ike};
use adit_wire::v2::{Header, IkeSpi};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// What is to be found out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    /// Whether the path loses packets. For a tunnel that carries its traffic; IKE is asked only where no echo is answered,
    /// because then echoes don't tell.
    Path,
    /// Whether there is a way and somebody there.
    Everything,
    /// The same, for a tunnel that is up and to which nothing comes any more: meanwhile the peer is asked over its IKE SA,
    /// so it takes at least as long as it takes to say that this isn't answered.
    WhetherAlive,
}

/// Whom to ask, and how.
pub struct Plan {
    ask: Ask,
    to: IpAddr,
    from: Option<IpAddr>,
    questions: Vec<Question>,
}

/// One IKE_SA_INIT.
struct Question {
    port: u16,
    spi: IkeSpi,
    datagram: Vec<u8>,
    outcome: Option<ProbeOutcome>,
    /// How often it was sent.
    sent: u32,
    /// How many answers came.
    answers: u32,
}

impl Plan {
    /// Probes for the peer of `connection` at `to`: its IKE port and `nat_port`.
    #[must_use]
    pub fn new(
        provider: &Provider,
        connection: &Connection,
        to: IpAddr,
        nat_port: u16,
        ask: Ask,
    ) -> Self {
        let question = |port: u16, marked: bool| {
            let (spi, message) = adit_ike::probe::request(provider, connection)?;
            let datagram = if marked { mark_ike(&message) } else { message };
            Some(Question {
                port,
                spi,
                datagram,
                outcome: None,
                sent: 0,
                answers: 0,
            })
        };
        let questions = [
            question(connection.remote_port, false),
            question(nat_port, true),
        ];
        Self {
            ask,
            to,
            from: connection.local.filter(|a| a.is_ipv4() == to.is_ipv4()),
            questions: questions.into_iter().flatten().collect(),
        }
    }

    /// Asks. Blocks for at most [`LONGEST`]; to be run where blocking is allowed.
    #[must_use]
    pub fn run(mut self) -> Vec<Probe> {
        let started = Instant::now();
        let to = self.to;
        let exists = Netlink::open()
            .and_then(|mut netlink| netlink.route_to(to, self.from))
            .is_ok();
        let options = PingOptions {
            source: self.from,
            timeout: LONGEST,
            bypass_ipsec: true,
            ..PingOptions::default()
        };
        // Threads of their own, because an echo and IKE answers are waited for at the same time.
        let any_answered = Arc::new(AtomicBool::new(false));
        let echoes: Vec<_> = (0..ECHOES + MORE_ECHOES)
            .filter_map(|nth| {
                let mut options = options.clone();
                if nth > 0 || self.ask == Ask::Path {
                    options.timeout = EACH_ECHO;
                }
                let any_answered = Arc::clone(&any_answered);
                let echo = move || {
                    std::thread::sleep(BETWEEN * nth);
                    if nth >= ECHOES && any_answered.load(Relaxed) {
                        return ProbeOutcome::NotMade;
                    }
                    let outcome = echo(to, &options);
                    if matches!(outcome, ProbeOutcome::Answered(_)) {
                        any_answered.store(true, Relaxed);
                    }
                    outcome
                };
                let thread = std::thread::Builder::new().name("probe".to_owned());
                thread.spawn(echo).ok()
            })
            .collect();
        if self.ask != Ask::Path {
            self.ask_ike();
        }
        let mut echoes = echoes.into_iter();
        let first: Vec<_> = echoes.by_ref().take(ECHOES as usize).collect();
        let ended = |threads: Vec<std::thread::JoinHandle<ProbeOutcome>>| {
            threads.into_iter().filter_map(|thread| thread.join().ok())
        };
        let mut outcomes: Vec<ProbeOutcome> = ended(first).collect();
        // The others end by themselves.
        if !any_answered.load(Relaxed) {
            outcomes.extend(ended(echoes.collect()));
        }
        let echoes_tell = any_answered.load(Relaxed);
        if self.ask == Ask::Path && echoes_tell {
            self.questions.clear();
        } else if self.ask == Ask::Path {
            self.ask_ike();
        }
        let answered = |o: &&ProbeOutcome| matches!(o, ProbeOutcome::Answered(_));
        let first = outcomes.iter().find(answered).or(outcomes.first());
        let mut probes = vec![
            Probe::Route { to, exists },
            Probe::Echo {
                to,
                outcome: first.copied().unwrap_or(ProbeOutcome::NotMade),
            },
        ];
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let made = outcomes
            .iter()
            .filter(|o| !matches!(o, ProbeOutcome::NotMade));
        probes.push(Probe::Echoes {
            to,
            sent: count(made.count()),
            answered: count(outcomes.iter().filter(answered).count()),
        });
        // Where all is answered soon, an answer to a repetition may still be on its way; but what had to be asked again in a
        // tunnel that is up got lost.
        let silent = |q: &Question| matches!(q.outcome, Some(ProbeOutcome::Silent(_)));
        let to_the_end = self.ask == Ask::Path || self.questions.iter().any(silent);
        for question in self.questions {
            let port = question.port;
            let (sent, answered) = (question.sent, question.answers);
            // Of a peer behind a NAT whose tunnel is up nobody answers there.
            if self.ask != Ask::Path {
                probes.push(Probe::IkeInit {
                    to,
                    port,
                    outcome: question.outcome.unwrap_or(ProbeOutcome::NotMade),
                });
            }
            if answered > 0 && sent > 1 && to_the_end {
                probes.push(Probe::IkeRepeated {
                    to,
                    port,
                    sent,
                    answered: answered.min(sent),
                });
            }
        }
        if self.ask == Ask::WhetherAlive {
            std::thread::sleep(UNANSWERED.saturating_sub(started.elapsed()));
        }
        probes
    }

    fn ask_ike(&mut self) {
        let any = match self.to {
            IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
        };
        let Ok(socket) = UdpPort::bind(SocketAddr::new(any, 0)) else {
            return;
        };
        // Policies of the kernel's IPsec that cover the peer aren't for these. Where there are none, neither is this.
        let _ = socket.bypass_ipsec();
        let started = Instant::now();
        let mut sent = 0;
        let mut buffer = vec![0; 65_536];
        while self.questions.iter().any(|q| q.outcome.is_none()) {
            let waited = started.elapsed();
            if waited >= LONGEST {
                break;
            }
            if AGAIN.get(sent).is_some_and(|at| waited >= *at) {
                sent += 1;
                self.send(&socket);
            }
            let until = AGAIN.get(sent).copied().unwrap_or(LONGEST);
            wait(&socket, until.saturating_sub(waited));
            while let Ok(received) = socket.receive(&mut buffer) {
                self.answered(received.from, received.payload(&buffer));
            }
            while let Ok(Some(error)) = socket.receive_error() {
                let port = error.destination.map(|d| d.port());
                self.settle(
                    |q| Some(q.port) == port,
                    ProbeOutcome::Failed(problem(error.kind)),
                );
            }
        }
        let silence = ProbeOutcome::Silent(millis(started.elapsed()));
        self.settle(|_| true, silence);
    }

    fn send(&mut self, socket: &UdpPort) {
        let (to, from) = (self.to, self.from);
        // What was answered is asked again beside what wasn't: else it couldn't be told whether only that is lost.
        let goes_on =
            |q: &&mut Question| matches!(q.outcome, None | Some(ProbeOutcome::AnsweredVersion(_)));
        for question in self.questions.iter_mut().filter(goes_on) {
            let to = SocketAddr::new(to, question.port);
            match socket.send(&question.datagram, to, from) {
                Ok(_) => question.sent += 1,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => {
                    let errno = error.raw_os_error().unwrap_or(0);
                    let failed = ProbeOutcome::Failed(PathProblem::LocalSend(errno));
                    question.outcome.get_or_insert(failed);
                }
            }
        }
    }

    /// An answer counts when it carries the SPI of a question; nobody else can know it.
    fn answered(&mut self, from: SocketAddr, datagram: &[u8]) {
        if from.ip() != self.to {
            return;
        }
        let message = match classify(datagram) {
            Ok(Encapsulated::Ike(message)) => message,
            _ => datagram,
        };
        let Ok(header) = Header::parse(message) else {
            return;
        };
        let outcome = ProbeOutcome::AnsweredVersion(header.version.major);
        for question in &mut self.questions {
            question.answers += u32::from(question.spi == header.spi_i);
        }
        self.settle(|q| q.spi == header.spi_i, outcome);
    }

    fn settle(&mut self, which: impl Fn(&Question) -> bool, outcome: ProbeOutcome) {
        for question in &mut self.questions {
            if question.outcome.is_none() && which(question) {
                question.outcome = Some(outcome);
            }
        }
    }
}

/// A kernel's report in the words of events.
#[must_use]
pub fn problem(kind: PathErrorKind) -> PathProblem {
    match kind {
        PathErrorKind::PortUnreachable => PathProblem::PortUnreachable,
        PathErrorKind::HostUnreachable => PathProblem::HostUnreachable,
        PathErrorKind::NetUnreachable => PathProblem::NetUnreachable,
        PathErrorKind::AdminProhibited => PathProblem::AdminProhibited,
        PathErrorKind::FragNeeded { mtu } => PathProblem::FragmentationNeeded(mtu),
        PathErrorKind::ProtocolUnreachable => PathProblem::Other(3, 2),
        PathErrorKind::TimeExceeded => PathProblem::Other(11, 0),
        PathErrorKind::Other {
            icmp_type: 0,
            icmp_code: 0,
            errno,
        } => PathProblem::LocalSend(errno),
        PathErrorKind::Other {
            icmp_type,
            icmp_code,
            ..
        } => PathProblem::Other(icmp_type, icmp_code),
    }
}

fn echo(to: IpAddr, options: &PingOptions) -> ProbeOutcome {
    match ping(to, options) {
        Ok(PingOutcome::Reply { rtt }) => ProbeOutcome::Answered(millis(rtt)),
        Ok(PingOutcome::Error(error)) => ProbeOutcome::Failed(problem(error.kind)),
        Ok(PingOutcome::Timeout) => ProbeOutcome::Silent(millis(options.timeout)),
        Err(KernelError {
            errno: Some(errno @ (libc::ENETUNREACH | libc::EHOSTUNREACH)),
            ..
        }) => ProbeOutcome::Failed(PathProblem::LocalSend(errno)),
        Err(_) => ProbeOutcome::NotMade,
    }
}

pub(crate) fn wait(socket: &UdpPort, time: Duration) {
    let limit = Timespec {
        tv_sec: i64::try_from(time.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: i64::from(time.subsec_nanos()),
    };
    // An interrupted or failed wait is only a shorter one; the caller watches the clock.
    let _ = poll(&mut [PollFd::new(socket, PollFlags::IN)], Some(&limit));
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// The most that probing takes: a router looks for a host for three seconds before it says that there is none.
pub const LONGEST: Duration = Duration::from_millis(3400);
/// When an unanswered question is asked.
const AGAIN: [Duration; 4] = [
    Duration::ZERO,
    Duration::from_millis(400),
    Duration::from_millis(1000),
    Duration::from_millis(1800),
];
/// How many echoes tell whether packets are lost, how far apart they are, and how long each is waited for.
const ECHOES: u32 = 10;
/// How many more are sent for as long as none was answered: of a path that loses six of seven, ten echoes and their answers
/// all get lost once in five times, and then it looks like a host that answers none.
const MORE_ECHOES: u32 = 16;
const BETWEEN: Duration = Duration::from_millis(80);
const EACH_ECHO: Duration = Duration::from_millis(1000);
/// A request of the IKE SA has been repeated twice by then (`retransmit` of 500 ms, times 1.8).
const UNANSWERED: Duration = Duration::from_millis(1700);

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use adit_wire::iana::ExchangeType;
    use adit_wire::v2::Flags;

    use super::*;
    use crate::sample;
    use adit_wire::v2::Message;

    fn asked(plan: &Plan) -> &Question {
        plan.questions.first().unwrap()
    }

    fn plan(port: u16) -> Plan {
        let provider = adit_crypto::provider::fake(7);
        let mut connection = sample::connection("office");
        connection.local = None;
        connection.remote_port = port;
        Plan::new(
            &provider,
            &connection,
            Ipv4Addr::LOCALHOST.into(),
            port,
            Ask::Everything,
        )
    }

    #[test]
    fn the_question_is_a_whole_first_message_and_each_has_its_own_spi() {
        let plan = plan(500);
        let message = Message::parse(&asked(&plan).datagram).unwrap();
        assert_eq!(message.header.exchange, ExchangeType::IKE_SA_INIT);
        assert!(message.header.spi_r.is_zero());
        assert_ne!(plan.questions[0].spi, plan.questions[1].spi);
        assert_eq!(plan.questions[1].datagram.get(..4), Some(&[0; 4][..]));
    }

    #[test]
    fn an_answer_counts_by_its_spi_and_tells_its_version() {
        let mut plan = plan(500);
        let from = SocketAddr::new(plan.to, 500);
        let mut header = Header::v2(
            IkeSpi(1),
            IkeSpi(2),
            ExchangeType::IKE_SA_INIT,
            Flags::new(false, true),
            0,
        );
        let mut stranger = Vec::new();
        header.emit(&mut stranger);
        plan.answered(from, &stranger);
        assert_eq!(asked(&plan).outcome, None);
        header.spi_i = asked(&plan).spi;
        header.version.major = 1;
        let mut answer = Vec::new();
        header.emit(&mut answer);
        plan.answered(SocketAddr::from(([192, 0, 2, 66], 500)), &answer);
        assert_eq!(asked(&plan).outcome, None);
        plan.answered(from, &answer);
        assert_eq!(asked(&plan).outcome, Some(ProbeOutcome::AnsweredVersion(1)));
    }

    #[test]
    fn a_closed_port_is_told_apart_from_silence() {
        // Bound and closed again, so that nobody listens there.
        let port = std::net::UdpSocket::bind("127.0.0.1:0")
            .and_then(|s| s.local_addr())
            .unwrap()
            .port();
        let probes = plan(port).run();
        assert!(probes.contains(&Probe::Route {
            to: Ipv4Addr::LOCALHOST.into(),
            exists: true
        }));
        assert!(
            probes.iter().any(|p| matches!(
                p,
                Probe::IkeInit {
                    outcome: ProbeOutcome::Failed(PathProblem::PortUnreachable),
                    ..
                }
            )),
            "{probes:?}"
        );
    }

    #[test]
    fn a_path_whose_echoes_tell_costs_no_ike_message() {
        let nobody = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        let mut connection = sample::connection("office");
        connection.local = None;
        connection.remote_port = nobody.local_addr().unwrap().port();
        let provider = adit_crypto::provider::fake(7);
        let to = Ipv4Addr::LOCALHOST.into();
        let plan = Plan::new(
            &provider,
            &connection,
            to,
            connection.remote_port,
            Ask::Path,
        );
        let probes = plan.run();
        let echoed = probes
            .iter()
            .any(|p| matches!(p, Probe::Echoes { answered: 1.., .. }));
        nobody.set_nonblocking(true).unwrap();
        let asked = nobody.recv_from(&mut [0; 2048]).is_ok();
        // Where this host may send no echoes, IKE is all there is to ask.
        assert_eq!(asked, !echoed, "{probes:?}");
        assert!(!probes.iter().any(|p| matches!(p, Probe::IkeInit { .. })));
    }

    /// What is answered is asked again as long as the other port is silent; each answer counts.
    #[test]
    fn what_is_answered_is_repeated_beside_what_is_not() {
        let bind = || std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        let port = |socket: &std::net::UdpSocket| socket.local_addr().unwrap().port();
        let (answering, silent) = (bind(), bind());
        let mut connection = sample::connection("office");
        connection.local = None;
        connection.remote_port = port(&answering);
        let provider = adit_crypto::provider::fake(7);
        let to = Ipv4Addr::LOCALHOST.into();
        let plan = Plan::new(&provider, &connection, to, port(&silent), Ask::Everything);
        let at = port(&answering);
        let spi = asked(&plan).spi;
        answering.set_read_timeout(Some(LONGEST)).unwrap();
        // Every other one gets lost.
        let responder = std::thread::spawn(move || {
            let response = Flags::new(false, true);
            let header = Header::v2(spi, IkeSpi(2), ExchangeType::IKE_SA_INIT, response, 0);
            let mut answer = Vec::new();
            header.emit(&mut answer);
            let mut buffer = [0; 2048];
            for nth in 0..AGAIN.len() {
                let (_, from) = answering.recv_from(&mut buffer).unwrap();
                if nth % 2 == 0 {
                    answering.send_to(&answer, from).unwrap();
                }
            }
        });
        let probes = plan.run();
        responder.join().unwrap();
        let repeated = Probe::IkeRepeated {
            to,
            port: at,
            sent: 4,
            answered: 2,
        };
        assert!(probes.contains(&repeated), "{probes:?}");
        drop(silent);
    }
}
