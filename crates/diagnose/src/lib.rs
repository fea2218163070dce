//! From evidence to a verdict: why a tunnel is broken, whose side it is, and what to change.
//!
//! [`diagnose`] reads an [`adit_model::fact::Case`] and nothing else. It first finds the attempt that is in question
//! (the latest one that tells something; what lies before a success is history), then asks every rule. A rule knows one
//! cause. It answers that it found it, that it is possible, that it can't be it, or nothing.
//!
//! Found causes make a verdict, consequences folded under the cause that they depend on. Where there is none, the
//! verdict is *undecided*: it names what remains possible and which evidence would separate it. A side that was told
//! `AUTHENTICATION_FAILED` can't know whether its key or its identity was wrong, so no rule claims to; the side that
//! refused knows, and when its evidence is in the case, rules say so with both sides' values. Silence is told apart by
//! ICMP errors and probes, and by what the other side received.
//!
//! Every rule carries its page ([`explain`]), so what is shown and what is judged stand in one file.
//!
//! The verdict is a plain value ([`Verdict`], the `adit.why/1` document); rendering belongs to whoever shows it.

mod ahead;
mod aside;
mod ask;
mod attempt;
mod beside;
mod chance;
mod childless;
mod compare;
mod complaint;
mod config;
mod engine;
mod finding;
mod inner;
mod kernel_answer;
mod kernel_release;
mod let_in;
mod missing;
mod monitored;
mod nat;
mod nat_rule;
mod numbered;
mod outrun;
mod overcome;
mod pinned;
mod plane;
mod progress;
mod refused;
mod registry;
mod regressed;
mod rhythm;
mod rule;
mod rules;
mod seen;
mod setting;
mod signals;
mod standing;
mod stranger;
mod too_early;
mod verdict;
mod waiting;
mod whose;
mod wire;
mod xfrm;

pub use ahead::{Forewarning, Premortem, TunnelAhead, foresee, foreseen_causes};
pub use ask::{Question, next_question};
pub use config::{
    CheckFinding, CheckReport, Checked, Difference, End, Outcome, PairReport, Value, best_pair,
    check, compare, pair, version,
};
pub use engine::diagnose;
pub use registry::{explain, nearest, rule, rules};
pub use rule::{Need, Page, Rule};
pub use verdict::{
    AnnouncedBy, Answer, AtFault, Consequence, Evidence, Finding, Fix, Missing, Possible, RuledOut,
    Verdict,
};
