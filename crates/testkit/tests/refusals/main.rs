//! Every refusal, in one table: which notify tells the peer of it, and what diagnosis makes of it where it was said, where
//! only the notify was heard, and where both are known. A refusal without a row doesn't compile.

#![allow(clippy::unwrap_used)]

mod certificates;
mod story;
mod table;

use adit_diagnose::{Answer, AtFault, Verdict, diagnose};
use adit_ike::notify_for;
use adit_model::event::Role;
use adit_model::reason::Refusal;
use adit_wire::iana::ExchangeType;

/// One refusal and what is to come of it.
pub struct Row {
    /// The refusal.
    pub refusal: Refusal,
    /// What it is about, as events name it.
    pub about: &'static str,
    /// The part that the refusing side plays.
    pub by: Role,
    /// The notify and its data in hex, `NAME 0102`; `-` when nothing is said.
    pub told: &'static str,
    /// What the refusing side's evidence shows.
    pub said: Said,
    /// The cause that the other side's evidence alone has to leave possible, or to decide.
    pub heard: &'static str,
}

/// What the refusing side's evidence shows.
pub enum Said {
    /// The cause, and whose fault it is, seen from there.
    Is(&'static str, AtFault),
    /// A cause among others.
    MayBe(&'static str),
}

impl Row {
    /// The exchange whose request is refused.
    pub fn exchange(&self) -> ExchangeType {
        match self.about {
            "IKE_SA_INIT" => ExchangeType::IKE_SA_INIT,
            "IKE_SESSION_RESUME" => ExchangeType::IKE_SESSION_RESUME,
            "IKE_INTERMEDIATE" => ExchangeType::IKE_INTERMEDIATE,
            "IKE_AUTH" => ExchangeType::IKE_AUTH,
            "IKE_FOLLOWUP_KE" => ExchangeType::IKE_FOLLOWUP_KE,
            "the peer's change of addresses" | "INFORMATIONAL" => ExchangeType::INFORMATIONAL,
            _ => ExchangeType::CREATE_CHILD_SA,
        }
    }
}

/// What a verdict says, in a line.
fn told(verdict: &Verdict) -> String {
    match verdict.findings.first() {
        Some(finding) => format!("{} at {:?}", finding.cause, finding.side),
        None => format!("{:?}: {}", verdict.verdict, verdict.summary),
    }
}

/// What is wrong about a row; nothing when all is as it says.
fn wrongs(row: &Row) -> Vec<String> {
    let mut wrongs = Vec::new();
    let mut expect = |right: bool, what: &str, is: String| {
        if !right {
            wrongs.push(format!("{}: {what}: {is}", row.refusal));
        }
    };
    let notify = notify_for(&row.refusal, row.exchange());
    let says = notify.as_ref().map_or("-".to_owned(), |notify| {
        let data: String = notify.data.iter().map(|o| format!("{o:02x}")).collect();
        format!("{} {data}", notify.kind).trim_end().to_owned()
    });
    expect(says == row.told, "the notify", says.clone());

    let refusing = story::refusing(row);
    let verdict = diagnose(&refusing);
    match row.said {
        Said::Is(cause, side) => {
            let right = verdict.verdict == Answer::Cause
                && verdict.findings.first().is_some_and(|finding| {
                    let fix = match side {
                        AtFault::Remote => &finding.fix.remote,
                        _ => &finding.fix.local,
                    };
                    finding.cause == cause
                        && finding.side == side
                        && !finding.evidence.is_empty()
                        && !fix.is_empty()
                });
            expect(right, "where it was said", told(&verdict));
        }
        Said::MayBe(cause) => expect(verdict.names(cause), "where it was said", told(&verdict)),
    }
    let Some(notify) = notify else { return wrongs };
    let refused = story::refused(row, &notify);
    let verdict = diagnose(&refused);
    let named = match verdict.verdict {
        Answer::Cause => verdict.cause() == Some(row.heard),
        Answer::Undecided => verdict.names(row.heard),
        Answer::Healthy => false,
    };
    expect(named, "where it was heard", told(&verdict));
    if let Said::Is(cause, _) = row.said {
        let verdict = diagnose(&refused.joined_with(refusing));
        let right = verdict.cause() == Some(cause);
        expect(right, "with both sides' evidence", told(&verdict));
    }
    wrongs
}

#[test]
fn every_refusal_is_told_to_the_peer_and_explained() {
    let rows = table::rows().into_iter().chain(certificates::rows());
    let wrongs: Vec<String> = rows.flat_map(|row| wrongs(&row)).collect();
    assert!(wrongs.is_empty(), "{}", wrongs.join("\n"));
}
