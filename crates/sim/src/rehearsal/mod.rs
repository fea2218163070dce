//! Two configurations negotiate: each becomes a gateway of a world of its own making, whatever product it was written
//! for, and the tunnel lives through what a tunnel lives through.
//!
//! 1. `ground`: where the two gateways are, from what each file says of itself and of the other; whether a NAT must lie
//!    between.
//! 2. `convert`: what a file of another product says becomes a connection of ours, with that product's defaults. What
//!    our engine doesn't have is listed, and what can't be played at all is refused ([`Unplayable`]).
//! 3. `keys`: pre-shared keys by their digests; certificates are made for the occasion.
//! 4. `play`: set-up, traffic, the first renewal of each child, of the IKE SA, and reauthentication, in virtual time;
//!    once for each end that begins.
//!
//! Nothing here judges: a run ends in what both gateways know ([`Run::cases`]), as a live tunnel does.

mod convert;
mod ground;
mod keys;
mod play;

use core::fmt;
use core::time::Duration;

use adit_model::connection::Connection;
use adit_model::fact::{Case, Side};
use adit_model::inner::Pool;
use adit_model::peer_config::PeerConnection;
use adit_model::policy::Policy;

/// One end, as it was read.
#[derive(Clone)]
pub struct End {
    /// What its gateway is called: its file.
    pub name: String,
    /// What its file says.
    pub connection: PeerConnection,
    /// The same exactly, where it is our own product's.
    pub own: Option<Own>,
}

/// What our own configuration says beyond a [`PeerConnection`].
#[derive(Clone)]
pub struct Own {
    /// The connection.
    pub connection: Connection,
    /// Addresses that are given to peers.
    pub pools: Vec<Pool>,
    /// Policies that go before it.
    pub policies: Vec<Policy>,
}

/// Something that was assumed or left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// Whose configuration it is about; `None` for what lies between.
    pub side: Option<Side>,
    /// In one sentence.
    pub text: String,
}

/// What came of it.
#[derive(Clone, Debug)]
pub struct Rehearsal {
    /// What the files don't say and was taken to be so.
    pub assumed: Vec<Note>,
    /// What the files say and wasn't played.
    pub left_out: Vec<Note>,
    /// One for each end that begins.
    pub runs: Vec<Run>,
}

/// One life of the tunnel.
#[derive(Clone, Debug)]
pub struct Run {
    /// Who began.
    pub initiator: Side,
    /// Its configuration says that it does; else somebody had to ask it to.
    pub by_itself: bool,
    /// What happened, in order; nothing after the first failure.
    pub stages: Vec<Stage>,
    /// What each side knows in the end, the local one's and the remote one's.
    pub cases: [Case; 2],
}

impl Run {
    /// Where it failed.
    #[must_use]
    pub fn failed(&self) -> Option<&Stage> {
        self.stages.iter().find(|s| s.outcome == Outcome::Failed)
    }
}

/// A part of the tunnel's life.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stage {
    /// Which.
    pub what: What,
    /// How it went.
    pub outcome: Outcome,
    /// When it was over, since the beginning.
    pub at: Duration,
    /// What there is to say about it.
    pub detail: String,
}

/// The parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum What {
    /// The IKE SA is set up.
    Ike,
    /// So are the CHILD SAs.
    Children,
    /// Traffic passes, both ways.
    Traffic,
    /// The CHILD SAs are renewed for the first time.
    RekeyChild,
    /// The IKE SA is.
    RekeyIke,
    /// The two ends authenticate anew.
    Reauthenticate,
}

impl What {
    /// Its word in documents.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            What::Ike => "ike",
            What::Children => "children",
            What::Traffic => "traffic",
            What::RekeyChild => "rekey-child",
            What::RekeyIke => "rekey-ike",
            What::Reauthenticate => "reauthenticate",
        }
    }
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            What::Ike => "IKE SA",
            What::Children => "CHILD SAs",
            What::Traffic => "traffic",
            What::RekeyChild => "first child rekey",
            What::RekeyIke => "IKE rekey",
            What::Reauthenticate => "reauthentication",
        })
    }
}

/// How a part went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// Well.
    Passed,
    /// Not.
    Failed,
    /// It isn't part of this tunnel's life.
    NotPlayed,
}

/// Why two configurations can't be played.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unplayable(pub String);

/// What is noted on the way.
#[derive(Default)]
struct Notes {
    assumed: Vec<Note>,
    left_out: Vec<Note>,
}

impl Notes {
    fn assume(&mut self, side: impl Into<Option<Side>>, text: impl Into<String>) {
        note(&mut self.assumed, side.into(), text.into());
    }

    fn leave_out(&mut self, side: impl Into<Option<Side>>, text: impl Into<String>) {
        note(&mut self.left_out, side.into(), text.into());
    }
}

fn note(list: &mut Vec<Note>, side: Option<Side>, text: String) {
    let note = Note { side, text };
    if !list.contains(&note) {
        list.push(note);
    }
}

/// The end of an array of both.
fn index(side: Side) -> usize {
    match side {
        Side::Local => 0,
        Side::Remote => 1,
    }
}

/// The two sides in the order of arrays.
const SIDES: [Side; 2] = [Side::Local, Side::Remote];

/// Plays two ends against each other. The same ends and seed give the same story.
///
/// # Errors
/// [`Unplayable`], where our engine has no part for what both want.
pub fn rehearse(ends: &[End; 2], seed: u64) -> Result<Rehearsal, Unplayable> {
    let mut notes = Notes::default();
    let ground = ground::find(ends, &mut notes)?;
    let connections = convert::both(ends, &ground, &mut notes)?;
    let keys = keys::both(ends, &connections, &mut notes)?;
    let can = |side: Side| {
        let connection = &connections[index(side)].connection;
        matches!(
            connection.remote,
            adit_model::connection::Remote::Address(_)
        )
    };
    let asked = |side: Side| {
        let end = &ends[index(side)];
        match &end.own {
            Some(own) => own.connection.start != adit_model::connection::Start::Passive,
            None => end.connection.starts_by_itself(),
        }
    };
    let mut begin: Vec<(Side, bool)> = SIDES
        .into_iter()
        .filter(|side| can(*side) && asked(*side))
        .map(|side| (side, true))
        .collect();
    if begin.is_empty() {
        begin = SIDES
            .into_iter()
            .filter(|side| can(*side))
            .map(|side| (side, false))
            .collect();
    }
    if begin.is_empty() {
        return Err(Unplayable(
            "neither end knows an address of the other, so neither can begin".to_owned(),
        ));
    }
    let only = begin.len() == 1;
    let runs = begin
        .into_iter()
        .map(|(initiator, by_itself)| {
            let stage = play::Setting {
                ends,
                ground: &ground,
                connections: &connections,
                keys: &keys,
                initiator,
                by_itself,
                only,
            };
            play::run(&stage, seed, &mut notes)
        })
        .collect();
    Ok(Rehearsal {
        assumed: notes.assumed,
        left_out: notes.left_out,
        runs,
    })
}
