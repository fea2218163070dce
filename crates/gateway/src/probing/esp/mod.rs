//! What the path between two gateways lets through: protocol 50, ESP in UDP, and how long their packets may be, in each direction.
//!
//! With a peer of our own kind both sides count. Over the IKE SA it is asked to take test packets ([`packet`]) under an SPI that no
//! SA has, and to send some ([`near`] asks, [`far`] answers). They meet all that ESP meets on the way, and no SA: they use up no
//! sequence number, and the data plane passes over them. A gateway that doesn't answer such questions leaves what the counters of
//! the SAs, echoes through the tunnel and routers say ([`alone`]).

mod alone;
mod far;
mod ladder;
mod near;
mod packet;
mod post;
mod size;
mod told;

use serde::{Deserialize, Serialize};

pub(crate) use self::far::Tests;
pub(super) use self::near::measure;
pub(crate) use self::post::Ends;
pub(super) use self::size::shared_device;
pub(super) use self::told::checks;

use self::packet::{Shot, Token};
use self::post::Word;

/// What is asked of the far side.
#[derive(Debug, Serialize, Deserialize)]
struct Order {
    token: Token,
    spi: u32,
    /// What it is to send after it has counted; a test begins without.
    shots: Option<Vec<Shot>>,
}

/// What the far side says.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Said {
    /// Why it does nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
    /// What it knows of the way to us; when a test begins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    limits: Option<Limits>,
    /// What has arrived since it was asked last.
    #[serde(default)]
    arrived: Vec<Shot>,
    /// What it has sent.
    #[serde(default)]
    sent: Vec<Shot>,
    /// What was said about packets that it sent before.
    #[serde(default)]
    words: Vec<Word>,
}

/// How long packets may be on the way to the other gateway, as a side knows it, in octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Limits {
    /// Of the link that leads there.
    pub link: u16,
    /// What its packets are kept within: that, or less where a router has said so.
    pub path: u16,
    /// Nobody may cut its packets on the way.
    pub whole: bool,
}

/// A word of the loop's or for it.
pub(crate) enum Errand {
    /// Test packets will come under this SPI, if no SA has it; what is told is why not.
    Expect(u32, tokio::sync::oneshot::Sender<Result<(), &'static str>>),
    /// They are over; so many came.
    Over(u32, u64),
    /// What a peer has asked for was done.
    Done(Box<far::Done>),
    /// A test of a peer's that nobody has gone on with.
    Forgotten(String, Token),
}

/// Packets that a side is asked for at once, at most.
const MOST_SHOTS: usize = 20;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use adit_model::event::PathProblem;

    #[test]
    fn questions_and_answers_fit_into_what_an_answer_may_be() {
        let shot = Shot {
            udp: false,
            octets: u16::MAX,
            whole: false,
        };
        let word = Word {
            udp: false,
            problem: PathProblem::FragmentationNeeded(u32::MAX),
            by: Some(std::net::Ipv6Addr::from([0xfe; 16]).into()),
        };
        let said = Said {
            problem: None,
            limits: None,
            arrived: vec![shot; 2 * MOST_SHOTS],
            sent: vec![shot; MOST_SHOTS],
            words: vec![word; 8],
        };
        assert!(serde_json::to_vec(&said).unwrap().len() < 4096);
        let order = Order {
            token: [255; 16],
            spi: u32::MAX,
            shots: Some(vec![shot; MOST_SHOTS]),
        };
        assert!(serde_json::to_vec(&order).unwrap().len() < 4096);
    }
}
