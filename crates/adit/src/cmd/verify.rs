//! `adit verify`: from the wire, whether traffic to a peer is encrypted.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::net::IpAddr;
use std::path::Path;
use std::time::{Duration, Instant, UNIX_EPOCH};

use adit_evidence::capture::{Answer, Capture as Seen, Dissector, Proof, Protected};
use adit_gateway::client::Client;
use adit_kernel::capture::{Capture, Frame};
use adit_kernel::netlink::Netlink;
use adit_model::connection::{Connection, Remote};
use adit_model::fact::Known;
use anyhow::{Context, anyhow};
use ipnet::IpNet;
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
    /// Networks whose traffic is to be protected.
    pub protected: Vec<Networks>,
    /// What was seen, and what it proves.
    #[serde(flatten)]
    pub proof: Proof,
    /// Packets that passed unseen: with any, the proof isn't complete.
    pub missed: u32,
}

/// Networks of one child.
#[derive(Debug, Serialize)]
pub struct Networks {
    /// Ours; empty is any.
    pub local: Vec<IpNet>,
    /// The peer's.
    pub remote: Vec<IpNet>,
}

/// Looks, and tells.
pub fn verify(args: &VerifyArgs) -> Outcome {
    let (peer, protected) = subject(args)?;
    let (seen_at, seen, missed) = match &args.from {
        Some(path) => (path.display().to_string(), of_file(path)?, 0),
        None => live(args, peer)?,
    };
    let document = Document {
        schema: "adit.verify/1",
        peer,
        seen_at,
        proof: Proof::of(&seen, peer, &protected),
        protected: protected
            .into_iter()
            .map(|p| Networks {
                local: p.local,
                remote: p.remote,
            })
            .collect(),
        missed,
    };
    if args.json {
        print_json(&document)?;
    } else {
        print(&crate::render::verify::text(&document, Palette::stdout()))?;
    }
    Ok(match document.proof.verdict {
        Answer::Encrypted => Exit::Done,
        Answer::Clear | Answer::Nothing => Exit::Findings,
    })
}

/// The peer's address, and the networks whose traffic with it is to be protected.
fn subject(args: &VerifyArgs) -> Result<(IpAddr, Vec<Protected>), Failure> {
    let address: Option<IpAddr> = args.peer.parse().ok();
    let named = Protected {
        local: Vec::new(),
        remote: args.net.clone(),
    };
    if let (Some(peer), false) = (address, args.net.is_empty()) {
        return Ok((peer, vec![named]));
    }
    let connections = connections(args)?;
    let meant = |c: &&Connection| match address {
        Some(peer) => c.remote == Remote::Address(peer),
        None => c.name == args.peer,
    };
    let found: Vec<&Connection> = connections.iter().filter(meant).collect();
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
    if !args.net.is_empty() {
        return Ok((peer, vec![named]));
    }
    let protected: Vec<Protected> = found
        .iter()
        .flat_map(|c| &c.children)
        .map(|child| Protected {
            local: child.local_ts.iter().flat_map(|s| s.nets()).collect(),
            remote: child.remote_ts.iter().flat_map(|s| s.nets()).collect(),
        })
        .collect();
    if protected.is_empty() {
        return Err(Failure::usage(anyhow!(
            "no tunnel to {peer} is configured, so which traffic is to be protected isn't known; fix: adit verify {peer} --net NETWORK"
        )));
    }
    Ok((peer, protected))
}

/// Those of the file that was given, or of the running gateway.
fn connections(args: &VerifyArgs) -> Result<Vec<Connection>, Failure> {
    if let Some(file) = &args.config {
        return Ok(run::read(file)?.1.connections);
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
    Ok(facts
        .filter_map(|fact| match fact.what {
            Known::Configured { connection } => Some(*connection),
            _ => None,
        })
        .collect())
}

fn of_file(path: &Path) -> Result<Seen, Failure> {
    let name = path.display().to_string();
    let mut input: Box<dyn Read> = if path == Path::new("-") {
        Box::new(std::io::stdin().lock())
    } else {
        let file = File::open(path).with_context(|| format!("opening {name}"));
        Box::new(file.map_err(Failure::usage)?)
    };
    let mut dissector = Dissector::new();
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
        let fed = dissector.feed(part).context(name.clone());
        fed.map_err(Failure::usage)?;
    }
    let read = dissector.finish().context(name);
    read.map_err(Failure::usage)
}

/// Longest frame that is taken.
const LARGEST: usize = 65_536 + 18;

/// Watches the interface that leads to the peer.
fn live(args: &VerifyArgs, peer: IpAddr) -> Result<(String, Seen, u32), Failure> {
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
    let mut dissector = Dissector::new();
    dissector.feed(&head()).context("the capture")?;
    let mut buffer = vec![0; LARGEST];
    let end = Instant::now() + Duration::from_secs(args.seconds);
    loop {
        match capture.receive(&mut buffer) {
            Ok(frame) => {
                if let Some(packet) = frame.ip_packet(&buffer) {
                    dissector
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
    let seen = dissector.finish().context("the capture")?;
    Ok((interface, seen, missed))
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
