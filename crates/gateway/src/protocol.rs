//! What is said over the control socket: one JSON object per line, a request first, then its answers.

use std::net::IpAddr;

use adit_diagnose::{Forewarning, Premortem};
use adit_model::drops::{DropReason, Layer, Severity};
use adit_model::fact::Case;
use adit_model::plan::Plan;
use adit_model::probed::Probed;
use adit_model::selector::Selector;
use adit_model::show::{Shown, Topic};
use adit_model::status::Status;
use adit_model::traced::Traced;
use serde::{Deserialize, Serialize};
use std::time::Duration;

use crate::events::Record;

/// A question or command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "request", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Request {
    /// The state of all tunnels, or of one. Answer: [`Response::Status`].
    Status {
        /// Only this one.
        tunnel: Option<String>,
    },
    /// Set a tunnel up and keep it up. Answers: [`Response::Event`] while it is being set up, then
    /// [`Response::Outcome`].
    Up {
        /// Which.
        tunnel: String,
        /// How long to wait for the outcome in milliseconds; 0 doesn't wait.
        wait_ms: u64,
    },
    /// Take a tunnel down and keep it down; its traffic stays blocked. Answers as for [`Request::Up`].
    Down {
        /// Which.
        tunnel: String,
        /// How long to wait for the outcome in milliseconds; 0 doesn't wait.
        wait_ms: u64,
    },
    /// New keys for a tunnel that is up. Answers as for [`Request::Up`].
    Rekey {
        /// Which.
        tunnel: String,
        /// Which keys.
        #[serde(default)]
        what: Renewal,
        /// How long to wait for the outcome in milliseconds; 0 doesn't wait.
        wait_ms: u64,
    },
    /// Cut a child, a tunnel or every tunnel, and set up again what is for us to set up. Answers as for
    /// [`Request::Up`], or [`Response::Plan`].
    Reset {
        /// Which; all without it.
        tunnel: Option<String>,
        /// Only this child of it.
        child: Option<String>,
        /// Only say what it would cut.
        dry_run: bool,
        /// How long to wait for the outcome in milliseconds; 0 doesn't wait.
        wait_ms: u64,
    },
    /// Read the configuration again and change what has changed. Answer: [`Response::Plan`].
    Reload {
        /// Only say what it would do.
        dry_run: bool,
    },
    /// Run with another configuration, until it is confirmed or the time for that is up. Answer: [`Response::Applied`].
    Apply {
        /// The configuration itself; files in it are relative to where the gateway has its own.
        text: String,
        /// Only say what it would do.
        dry_run: bool,
        /// Within so many milliseconds it has to be confirmed, or the former one comes back; 0 keeps it at once.
        confirm_ms: u64,
        /// From where the one who asks is logged in.
        #[serde(default)]
        operator: Option<IpAddr>,
        /// Also if it may lock somebody out, and nothing would bring the former one back.
        #[serde(default)]
        anyway: bool,
    },
    /// Keep the configuration that was applied. Answer: [`Response::Confirmed`].
    Confirm,
    /// Bring the former configuration back now. Answer: [`Response::Done`].
    Revert,
    /// Let traffic of tunnels pass in clear that the block holds back now. Answer: [`Response::Done`].
    Unblock {
        /// Only this tunnel's; it must have been taken down.
        tunnel: Option<String>,
    },
    /// All that is known about one tunnel, or about each. Answers: [`Response::Case`] each, then [`Response::Done`].
    Case {
        /// Only this one.
        tunnel: Option<String>,
        /// Probe the peer (at most four seconds): of a tunnel that isn't up whether there is anybody, of one that is whether the path
        /// loses packets, and of one to which nothing comes any more both; it is asked for a sign of life then.
        probe: bool,
        /// Let the peer of a tunnel that isn't up begin for once: our own attempts are held back for six seconds at most, so
        /// that what we refuse it for is known from our own side. One that has refused all our IKE proposals is asked about
        /// others, one at a time: ten at most, until it takes two.
        #[serde(default)]
        let_peer_begin: bool,
    },
    /// What will fail and hasn't yet. Answer: [`Response::Foreseen`].
    Foresee {
        /// Only of this tunnel.
        tunnel: Option<String>,
        /// From where the one who asks is logged in.
        #[serde(default)]
        operator: Option<IpAddr>,
    },
    /// Test what a tunnel's packets meet: this host, the path, the peer, the inside. Bounded, and harmless to a tunnel
    /// that is up. Answer: [`Response::Probed`].
    Probe {
        /// Which.
        tunnel: String,
        /// Whom to ask through the tunnel; without it, addresses that are likely to answer.
        #[serde(default)]
        inside: Option<IpAddr>,
    },
    /// What happened. Answers: [`Response::Event`] each, then [`Response::Done`].
    Events {
        /// Only this tunnel's.
        tunnel: Option<String>,
        /// Go on with what happens from now on, until the connection is closed.
        follow: bool,
    },
    /// Dropped packets. Answer: [`Response::Drops`].
    Drops,
    /// The state in detail. Answer: [`Response::Shown`].
    Show {
        /// Of what.
        topic: Topic,
        /// Only of this tunnel.
        tunnel: Option<String>,
    },
    /// Follow packets between two hosts on their whole way through this one. Answer: [`Response::Traced`].
    Trace {
        /// Whose packets.
        from: IpAddr,
        /// To whom.
        to: IpAddr,
        /// IP protocol; without it, ICMP is sent and packets of every protocol are counted.
        #[serde(default)]
        protocol: Option<u8>,
        /// Destination port.
        #[serde(default)]
        port: Option<u16>,
        /// Whether one packet may be sent, if the local end is this host.
        send: bool,
        /// How long to wait for packets of others in milliseconds, where none is sent; at most [`LONGEST_WALK_MS`]. With 0
        /// nothing is followed, and what would happen is told.
        wait_ms: u64,
    },
    /// Follow packets between two networks through our own data plane, in both directions, step by step. One such request
    /// at a time; packets are slower meanwhile. Answer: [`Response::Walked`].
    Walk {
        /// Our side's packets, as a selector: `10.1.0.0/24`, `10.1.0.7[tcp/443]`.
        local: Selector,
        /// The other side's.
        remote: Selector,
        /// How many packets, or runs of packets of one flow; at most [`MOST_WALKS`].
        packets: u64,
        /// How long to wait for them in milliseconds; at most [`LONGEST_WALK_MS`].
        wait_ms: u64,
    },
    /// Stop the gateway: peers are told, the block stays. Answer: [`Response::Done`].
    Shutdown,
}

/// Which keys are renewed, and how.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Renewal {
    /// Those of the IKE SA and of all children.
    #[default]
    Everything,
    /// Those of the IKE SA.
    IkeSa,
    /// Those of a child.
    Child(String),
    /// All: both sides authenticate anew, with the certificates and keys that they have now.
    Reauthentication,
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "response", rename_all = "kebab-case")]
pub enum Response {
    /// The status document.
    Status {
        /// As `adit status --json` prints it.
        status: Status,
    },
    /// All that is known about a tunnel.
    Case {
        /// The facts, from this side's view.
        case: Box<Case>,
    },
    /// One event.
    Event {
        /// With its number.
        record: Box<Record>,
    },
    /// Events that were too many for this reader.
    Missed {
        /// How many.
        events: u64,
    },
    /// Every drop counter that isn't zero.
    Drops {
        /// By reason, in the order of [`DropReason::ALL`].
        drops: Vec<DropCount>,
    },
    /// The state in detail.
    Shown {
        /// As `adit show --json` prints it.
        shown: Box<Shown>,
    },
    /// What tests of a tunnel found.
    Probed {
        /// As `adit probe --json` prints it.
        probed: Box<Probed>,
    },
    /// What will fail.
    Foreseen {
        /// As `adit check --live --json` prints it.
        premortem: Box<Premortem>,
    },
    /// The way of packets.
    Traced {
        /// As `adit trace --json` prints it.
        traced: Box<Traced>,
    },
    /// What became of packets that were followed.
    Walked {
        /// The packets in the order in which they were done with.
        walks: Vec<Walk>,
        /// Steps that there was no room for.
        lost: u64,
    },
    /// What a command cuts.
    Plan {
        /// As `--json` prints it.
        plan: Box<Plan>,
    },
    /// Another configuration holds, or would.
    Applied {
        /// As `adit apply --json` prints it.
        applied: Box<Applied>,
    },
    /// The configuration stays.
    Confirmed {
        /// The file that it was written to, where the gateway has one.
        saved: Option<String>,
    },
    /// What came of a command that changes a tunnel.
    Outcome {
        /// Whether the tunnel is as wanted now.
        reached: bool,
        /// What there is to say.
        summary: String,
    },
    /// It is done, or there is no more.
    Done,
    /// It can't be done.
    Error {
        /// Kind of error.
        error: RequestError,
        /// What to do about it.
        message: String,
    },
}

/// Why a request isn't carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RequestError {
    /// The line isn't a request.
    Unreadable,
    /// No tunnel of that name.
    UnknownTunnel,
    /// The tunnel has no child of that name.
    UnknownChild,
    /// The configuration has errors; nothing was changed.
    Configuration,
    /// It may lock out who manages the host, and nothing would undo it.
    LockOut,
    /// The tunnel is in a state that doesn't allow it.
    NotNow,
    /// The gateway tried and failed.
    Failed,
    /// The gateway is stopping.
    Stopping,
}

/// What applying a configuration does: the `adit.apply/1` document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Applied {
    /// Always [`Applied::SCHEMA`].
    pub schema: String,
    /// What it cuts, adds and leaves.
    pub plan: Plan,
    /// Whom it may lock out.
    pub risks: Vec<Forewarning>,
    /// Within so many milliseconds it has to be confirmed; 0 if it hasn't to be.
    pub confirm_ms: u64,
    /// The file that it was written to, once that is done.
    pub saved: Option<String>,
}

impl Applied {
    /// The schema name and major version.
    pub const SCHEMA: &'static str = "adit.apply/1";

    /// The document.
    #[must_use]
    pub fn new(
        plan: Plan,
        risks: Vec<Forewarning>,
        confirm_ms: u64,
        saved: Option<String>,
    ) -> Self {
        Self {
            schema: Self::SCHEMA.to_owned(),
            plan,
            risks,
            confirm_ms,
            saved,
        }
    }
}

/// What became of one packet, or of a run of packets of one flow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Walk {
    /// Which way it went.
    pub direction: WalkDirection,
    /// Step by step. If it was dropped, the last one says so.
    pub steps: Vec<WalkStep>,
}

/// Which way a packet goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WalkDirection {
    /// To the peer.
    Out,
    /// From the peer.
    In,
}

/// What happened to a packet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "kebab-case")]
pub enum WalkStep {
    /// It belongs to this child.
    Policy {
        /// The tunnel.
        tunnel: String,
        /// The child.
        child: String,
    },
    /// This SA takes it.
    Sa {
        /// SPI in hex.
        spi: String,
    },
    /// It has this number.
    Sequence {
        /// The whole number, also where the packet bears half of it.
        number: u64,
    },
    /// It was sealed.
    Sealed {
        /// Octets of the ESP packet.
        octets: usize,
    },
    /// It was opened, and is within the selectors of its SA.
    Opened {
        /// Octets of the packet within.
        octets: usize,
    },
    /// It was dropped.
    Dropped {
        /// Why.
        reason: DropReason,
        /// What that means.
        meaning: String,
    },
}

/// How long our own attempts are held back at most so that the peer may begin.
pub const HOLDING: Duration = Duration::from_secs(6);
/// How long an attempt of ours that is under way then, and that nobody has answered, has to come to something, before it is ended.
pub const OWN_ATTEMPT: Duration = Duration::from_millis(1500);
/// The same of one that the peer has answered: it may have to wait for its key holder, or ask for revocation.
pub const ANSWERED_ATTEMPT: Duration = Duration::from_secs(4);
/// Most packets of one [`Request::Walk`].
pub const MOST_WALKS: u64 = 256;
/// How long a [`Request::Walk`] waits at most.
pub const LONGEST_WALK_MS: u64 = 60_000;

/// One drop counter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DropCount {
    /// Why the packets were dropped.
    pub reason: DropReason,
    /// Where.
    pub layer: Layer,
    /// How alarming it is.
    pub severity: Severity,
    /// How many packets.
    pub packets: u64,
    /// What it means.
    pub meaning: String,
    /// Tunnel and child (`office/lan`) that the packets belonged to, where known, with their numbers.
    pub by_child: Vec<(String, u64)>,
}

/// Longest line in octets that either side accepts.
pub const LONGEST_LINE: usize = 16 * 1024 * 1024;

/// Name of the socket in the state directory.
pub const SOCKET_NAME: &str = "control.sock";

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn requests_are_one_line_and_read_back() {
        let requests = [
            Request::Status { tunnel: None },
            Request::Up {
                tunnel: "office".to_owned(),
                wait_ms: 1000,
            },
            Request::Down {
                tunnel: "office".to_owned(),
                wait_ms: 0,
            },
            Request::Unblock { tunnel: None },
            Request::Case {
                tunnel: Some("two\nlines".to_owned()),
                probe: true,
                let_peer_begin: true,
            },
            Request::Events {
                tunnel: None,
                follow: true,
            },
            Request::Rekey {
                tunnel: "office".to_owned(),
                what: Renewal::Child("lan".to_owned()),
                wait_ms: 1,
            },
            Request::Reset {
                tunnel: None,
                child: None,
                dry_run: true,
                wait_ms: 1,
            },
            Request::Reload { dry_run: true },
            Request::Drops,
            Request::Probe {
                tunnel: "office".to_owned(),
                inside: Some([10, 2, 0, 1].into()),
            },
            Request::Trace {
                from: [10, 1, 0, 1].into(),
                to: [10, 2, 0, 1].into(),
                protocol: Some(6),
                port: Some(443),
                send: true,
                wait_ms: 0,
            },
            Request::Walk {
                local: "10.1.0.0/24".parse().unwrap(),
                remote: "10.2.0.9[tcp/443]".parse().unwrap(),
                packets: 1,
                wait_ms: 1000,
            },
            Request::Show {
                topic: Topic::IkeSa,
                tunnel: None,
            },
            Request::Shutdown,
        ];
        for request in requests {
            let line = serde_json::to_string(&request).unwrap();
            assert!(!line.contains('\n'));
            assert_eq!(serde_json::from_str::<Request>(&line).unwrap(), request);
        }
    }

    #[test]
    fn a_hand_written_request_may_leave_out_what_is_optional() {
        assert_eq!(
            serde_json::from_str::<Request>(r#"{"request":"status"}"#).unwrap(),
            Request::Status { tunnel: None }
        );
        assert!(serde_json::from_str::<Request>(r#"{"request":"status","tunel":"x"}"#).is_err());
        assert!(serde_json::from_str::<Request>(r#"{"request":"format-disk"}"#).is_err());
    }

    #[test]
    fn answers_read_back() {
        let answers = [
            Response::Case {
                case: Box::default(),
            },
            Response::Outcome {
                reached: true,
                summary: "up".to_owned(),
            },
            Response::Drops {
                drops: vec![DropCount {
                    reason: DropReason::OutNoSa,
                    layer: Layer::EspOut,
                    severity: Severity::Notable,
                    packets: 3,
                    meaning: DropReason::OutNoSa.meaning().to_owned(),
                    by_child: vec![("office/lan".to_owned(), 3)],
                }],
            },
            Response::Walked {
                walks: vec![Walk {
                    direction: WalkDirection::Out,
                    steps: vec![
                        WalkStep::Sealed { octets: 100 },
                        WalkStep::Dropped {
                            reason: DropReason::OutNoSa,
                            meaning: String::new(),
                        },
                    ],
                }],
                lost: 0,
            },
            Response::Error {
                error: RequestError::UnknownTunnel,
                message: "no such tunnel".to_owned(),
            },
        ];
        for answer in answers {
            let line = serde_json::to_string(&answer).unwrap();
            assert_eq!(serde_json::from_str::<Response>(&line).unwrap(), answer);
        }
    }
}
