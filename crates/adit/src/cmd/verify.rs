//! `adit verify`: from the wire, whether traffic to a peer is encrypted.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::net::IpAddr;
use std::path::Path;
use std::time::{Duration, Instant, UNIX_EPOCH};

use adit_evidence::capture::{Answer, Cipher, Given, Proof, Protected, Proving, ShownAgain, Watch};
use adit_gateway::client::Client;
use adit_kernel::capture::{Capture, Frame};
use adit_kernel::netlink::Netlink;
use adit_kernel::xfrm::Xfrm;
use adit_model::connection::{Connection, Remote};
use adit_model::fact::Known;
use adit_model::policy::{Action, Policy};
use adit_model::proposal::Suite;
use adit_model::selector::Selector;
use adit_model::show::{PolicyAction, Shown, Topic};
use adit_wire::iana::EncrId;
use anyhow::{Context, anyhow};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use serde::Serialize;

use super::{Outcome, print, print_json, run};
use crate::cli::VerifyArgs;
use crate::exit::{Exit, Failure};
use crate::render::style::Palette;

/// The `adit.verify/1` document.
#[derive(Debug, Serialize)]
pub struct Document {
    /// Always `adit.verify/1`.
    pub schema: &'static str,
    /// The peer.
    pub peer: IpAddr,
    /// The interface, or the file.
    pub seen_at: String,
    /// Traffic that is to be protected.
    pub protected: Vec<Networks>,
    /// What was seen, and what it proves.
    #[serde(flatten)]
    pub proof: Proof,
}

/// Networks of one child, with protocol and port where only those are protected.
#[derive(Debug, Serialize)]
pub struct Networks {
    /// Ours; empty is any.
    pub local: Vec<Selector>,
    /// The peer's.
    pub remote: Vec<Selector>,
}

/// Looks, and tells.
pub fn verify(args: &VerifyArgs) -> Outcome {
    let Subject { watch, cipher } = subject(args)?;
    let peer = watch.peer;
    let protected = watch.protected.iter().map(|p| Networks {
        local: p.local.clone(),
        remote: p.remote.clone(),
    });
    let protected = protected.collect();
    let proving = Proving::new(watch);
    let (seen_at, proof) = match &args.from {
        Some(path) => {
            let given = Given {
                shown_again: if args.kernel_ipsec {
                    ShownAgain::ByKernel
                } else {
                    ShownAgain::Unknown
                },
                cipher,
                missed: 0,
            };
            let proof = of_file(path, proving, given)?;
            (path.display().to_string(), proof)
        }
        None => live(args, peer, proving, cipher)?,
    };
    let document = Document {
        schema: "adit.verify/1",
        peer,
        seen_at,
        protected,
        proof,
    };
    if args.json {
        print_json(&document)?;
    } else {
        print(&crate::render::verify::text(&document, Palette::stdout()))?;
    }
    Ok(match document.proof.verdict {
        Answer::Encrypted => Exit::Done,
        Answer::Clear | Answer::Readable | Answer::Incomplete | Answer::Nothing => Exit::Findings,
    })
}

/// What is looked for, and what is known of it.
struct Subject {
    watch: Watch,
    cipher: Cipher,
}

impl Subject {
    /// What the command line names: any traffic with those networks.
    fn named(peer: IpAddr, args: &VerifyArgs) -> Self {
        Self {
            watch: Watch {
                peer,
                protected: vec![Protected {
                    local: Vec::new(),
                    remote: args.net.iter().copied().map(Selector::net).collect(),
                }],
                policies: Vec::new(),
            },
            cipher: Cipher::Unseen,
        }
    }
}

/// The peer's address, and the traffic with it that is to be protected.
fn subject(args: &VerifyArgs) -> Result<Subject, Failure> {
    let address: Option<IpAddr> = args.peer.parse().ok();
    if let (Some(peer), false) = (address, args.net.is_empty()) {
        return Ok(Subject::named(peer, args));
    }
    let known = known(args)?;
    let meant = |c: &&Connection| match address {
        Some(peer) => c.remote == Remote::Address(peer),
        None => c.name == args.peer,
    };
    let found: Vec<&Connection> = known.connections.iter().filter(meant).collect();
    let peer = address.or_else(|| {
        found.iter().find_map(|c| match c.remote {
            Remote::Address(peer) => Some(peer),
            Remote::Name(_) | Remote::Any => None,
        })
    });
    let Some(peer) = peer else {
        return Err(Failure::usage(anyhow!(
            "the address of {} isn't configured; fix: adit verify ADDRESS --net NETWORK",
            args.peer
        )));
    };
    let cipher = known.cipher(&found);
    if !args.net.is_empty() {
        let named = Subject::named(peer, args);
        return Ok(Subject { cipher, ..named });
    }
    let protected: Vec<Protected> = found
        .iter()
        .flat_map(|c| &c.children)
        .map(|child| Protected {
            local: child.local_ts.clone(),
            remote: child.remote_ts.clone(),
        })
        .filter(|p| !p.remote.is_empty())
        .collect();
    if protected.is_empty() {
        return Err(Failure::usage(anyhow!(
            "no tunnel to {peer} with networks of its own is configured, so which traffic is to be protected isn't known; fix: adit verify {peer} --net NETWORK"
        )));
    }
    if protected.iter().any(Protected::is_anything) {
        return Err(Failure::usage(anyhow!(
            "the tunnel to {peer} takes anything from anywhere, so routes decide what is to be protected and this host's own traffic can't be told from it; fix: adit verify {peer} --net NETWORK, with the networks that are routed into it"
        )));
    }
    let watch = Watch {
        peer,
        protected,
        policies: known.policies,
    };
    Ok(Subject { watch, cipher })
}

/// What a configuration or the running gateway says.
struct Told {
    connections: Vec<Connection>,
    policies: Vec<Policy>,
    /// What ESP of each tunnel was agreed on; `None` without a running gateway.
    agreed: Option<Vec<(String, Suite)>>,
}

impl Told {
    /// Whether ESP of these connections encrypts.
    fn cipher(&self, found: &[&Connection]) -> Cipher {
        let of = |name: &str| found.iter().any(|c| c.name == name);
        let mut agreed = self.agreed.iter().flatten().filter(|(name, _)| of(name));
        if agreed.clone().any(|(_, suite)| !encrypts(suite.encr.id)) {
            return Cipher::None;
        }
        let mut children = found.iter().flat_map(|c| &c.children);
        let open = children.any(|child| {
            let mut offered = child.esp.iter().flat_map(|p| &p.encr);
            offered.any(|encr| !encrypts(encr.id))
        });
        match (open, agreed.next()) {
            (true, None) => Cipher::Open,
            _ if found.is_empty() => Cipher::Unseen,
            _ => Cipher::Encrypts,
        }
    }
}

/// Whether an algorithm of ESP keeps what it protects from being read.
fn encrypts(id: EncrId) -> bool {
    !matches!(id, EncrId::ENCR_NULL | EncrId::ENCR_NULL_AUTH_AES_GMAC)
}

/// That of the file that was given, or of the running gateway.
fn known(args: &VerifyArgs) -> Result<Told, Failure> {
    if let Some(file) = &args.config {
        let (_, configuration) = run::read(file)?;
        return Ok(Told {
            connections: configuration.connections,
            policies: configuration.policies,
            agreed: None,
        });
    }
    let mut client = Client::connect(&args.state.state)
        .map_err(Failure::from)
        .map_err(|failure| Failure {
            error: failure.error.context(
                "the protected networks are asked of the running gateway; --net NETWORK or -c FILE tell them as well",
            ),
            ..failure
        })?;
    let cases = client.cases(None, false)?;
    let facts = cases.into_iter().flat_map(|case| case.facts);
    let connections = facts.filter_map(|fact| match fact.what {
        Known::Configured { connection } => Some(*connection),
        _ => None,
    });
    let connections = connections.collect();
    let policies = match client.show(Topic::Policy, None)? {
        Shown::Policy(shown) => shown.policies,
        _ => Vec::new(),
    };
    let policies = policies.into_iter().filter_map(|entry| {
        let selectors = |texts: Vec<String>| -> Option<Vec<Selector>> {
            texts.iter().map(|text| text.parse().ok()).collect()
        };
        Some(Policy {
            name: entry.policy?,
            action: match entry.action {
                PolicyAction::Bypass => Action::Bypass,
                PolicyAction::Drop => Action::Drop,
                PolicyAction::Protect => return None,
            },
            local: selectors(entry.local)?,
            remote: selectors(entry.remote)?,
        })
    });
    let policies = policies.collect();
    let agreed = match client.show(Topic::IpsecSa, None)? {
        Shown::IpsecSa(shown) => shown.ipsec_sas,
        _ => Vec::new(),
    };
    let agreed = agreed
        .into_iter()
        .filter_map(|sa| Some((sa.tunnel, Suite::try_from(sa.proposal).ok()?)));
    Ok(Told {
        connections,
        policies,
        agreed: Some(agreed.collect()),
    })
}

fn of_file(path: &Path, mut proving: Proving, given: Given) -> Result<Proof, Failure> {
    let name = path.display().to_string();
    let mut input: Box<dyn Read> = if path == Path::new("-") {
        Box::new(std::io::stdin().lock())
    } else {
        let file = File::open(path).with_context(|| format!("opening {name}"));
        Box::new(file.map_err(Failure::usage)?)
    };
    let mut chunk = vec![0; 1 << 20];
    loop {
        let octets = match input.read(&mut chunk) {
            Ok(0) => break,
            Ok(octets) => octets,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => {
                let error = anyhow::Error::from(error).context(format!("reading {name}"));
                return Err(Failure::usage(error));
            }
        };
        let part = chunk.get(..octets).unwrap_or_default();
        let fed = proving.feed(part).context(name.clone());
        fed.map_err(Failure::usage)?;
    }
    let proof = proving.finish(given).context(name);
    proof.map_err(Failure::usage)
}

/// Longest frame that is taken.
const LARGEST: usize = 65_536 + 18;

/// Watches the interface that leads to the peer.
fn live(
    args: &VerifyArgs,
    peer: IpAddr,
    mut proving: Proving,
    cipher: Cipher,
) -> Result<(String, Proof), Failure> {
    let interface = match &args.interface {
        Some(name) => name.clone(),
        None => towards(peer)?,
    };
    let capture = Capture::open(Some(&interface)).context("watching the wire")?;
    if !args.json {
        eprintln!(
            "watching {interface} for {} s; traffic between the sites is needed meanwhile",
            args.seconds
        );
    }
    let before = kernel_sas(peer);
    proving.feed(&head()).context("the capture")?;
    let mut buffer = vec![0; LARGEST];
    let end = Instant::now() + Duration::from_secs(args.seconds);
    loop {
        match capture.receive(&mut buffer) {
            Ok(frame) => {
                if let Some(packet) = frame.ip_packet(&buffer) {
                    proving
                        .feed(&record(&frame, packet))
                        .context("the capture")?;
                }
                if Instant::now() < end {
                    continue;
                }
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(anyhow!(error).context("watching the wire").into()),
        }
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            break;
        }
        let patience = Timespec {
            tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: i64::from(left.subsec_nanos()),
        };
        // An interrupted wait is a short wait.
        let _ = poll(&mut [PollFd::new(&capture, PollFlags::IN)], Some(&patience));
    }
    let missed = capture.statistics()?.1;
    let given = Given {
        missed: missed.into(),
        ..judged(before, kernel_sas(peer), cipher)
    };
    let proof = proving.finish(given).context("the capture")?;
    Ok((interface, proof))
}

/// What the kernel's IPsec has for a peer.
#[derive(Clone, Copy, Default)]
struct KernelSas {
    /// SAs that open what the peer sends.
    opens: bool,
    /// An SA that encrypts nothing.
    readable: bool,
}

/// Looks; `None` when one may not.
fn kernel_sas(peer: IpAddr) -> Option<KernelSas> {
    let states = Xfrm::open().and_then(|mut xfrm| xfrm.states()).ok()?;
    let mut found = KernelSas::default();
    for state in states {
        let from_peer = state.source == peer;
        if from_peer || state.id.destination == peer {
            found.opens |= from_peer;
            found.readable |= !state.algorithms.encrypts();
        }
    }
    Some(found)
}

/// What a host's kernel had before and after tells of what was seen between.
fn judged(before: Option<KernelSas>, after: Option<KernelSas>, cipher: Cipher) -> Given {
    let shown_again = match (before, after) {
        (Some(before), Some(after)) if !before.opens && !after.opens => ShownAgain::Never,
        (Some(_), Some(_)) => ShownAgain::ByKernel,
        _ => ShownAgain::Unknown,
    };
    let readable = [before, after].iter().flatten().any(|sas| sas.readable);
    Given {
        shown_again,
        cipher: if readable { Cipher::None } else { cipher },
        missed: 0,
    }
}

/// The interface of the route to the peer.
fn towards(peer: IpAddr) -> Result<String, Failure> {
    let mut netlink = Netlink::open().map_err(anyhow::Error::from)?;
    let route = netlink
        .route_to(peer, None)
        .with_context(|| format!("the route to {peer}"))?;
    let device = route
        .device
        .ok_or_else(|| anyhow!("no route leads to {peer}; fix: --interface NAME"))?;
    let link = netlink
        .link_by_index(device)
        .with_context(|| format!("the interface that leads to {peer}"))?;
    Ok(link.name)
}

/// The head of a capture file of Linux's cooked frames, which tell who sent a packet.
fn head() -> Vec<u8> {
    const COOKED: u32 = 113;
    let words = [0xa1b2_3c4d, 0x0002_0004, 0, 0, 1 << 18, COOKED];
    words
        .iter()
        .flat_map(|word: &u32| word.to_be_bytes())
        .collect()
}

/// A packet as a record of such a file.
fn record(frame: &Frame, packet: &[u8]) -> Vec<u8> {
    let at = frame.at.duration_since(UNIX_EPOCH).unwrap_or_default();
    let length = u32::try_from(16 + packet.len()).unwrap_or(u32::MAX);
    let seconds = u32::try_from(at.as_secs()).unwrap_or(u32::MAX);
    let mut out = Vec::with_capacity(32 + packet.len());
    for word in [seconds, at.subsec_nanos(), length, length] {
        out.extend(word.to_be_bytes());
    }
    let sent: u16 = if frame.outgoing { 4 } else { 0 };
    out.extend(sent.to_be_bytes());
    // Kind of interface, and the sender's link address: nobody asks for these.
    out.extend([0; 12]);
    out.extend(frame.protocol.to_be_bytes());
    out.extend(packet);
    out
}
