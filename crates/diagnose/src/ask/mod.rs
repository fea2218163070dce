//! What a person can be asked when the evidence doesn't decide.
//!
//! Each question divides causes: some go with *yes*, some with *no*. An answer is a fact like any other
//! ([`adit_model::fact::Known::Answered`]), so a verdict that took answers into account quotes them.

mod questions;

use adit_model::fact::{Case, Known};

use crate::verdict::{Answer, Verdict};
use questions::QUESTIONS;

/// Something that a person can find out and say yes or no to.
#[derive(Debug, PartialEq, Eq)]
pub struct Question {
    /// Its name in facts, in kebab case.
    pub id: &'static str,
    /// The question.
    pub text: &'static str,
    /// Where the answer is found.
    pub how: &'static str,
    /// Causes that go with yes.
    pub yes: &'static [&'static str],
    /// Causes that go with no.
    pub no: &'static [&'static str],
}

impl Question {
    /// Whether the answer speaks for the cause, against it, or neither.
    pub(crate) fn speaks(&self, yes: bool, cause: &str) -> Option<bool> {
        let (with, without) = if yes {
            (self.yes, self.no)
        } else {
            (self.no, self.yes)
        };
        if with.contains(&cause) {
            return Some(true);
        }
        without.contains(&cause).then_some(false)
    }

    /// The cause of a question's own name.
    pub(crate) fn by_id(id: &str) -> Option<&'static Question> {
        QUESTIONS.iter().find(|q| q.id == id)
    }
}

/// The question whose answer would narrow an undecided verdict the most; `skip` holds the ids of those that were put
/// already. With nothing to go by, the first that is left.
#[must_use]
pub fn next_question(verdict: &Verdict, skip: &[&str]) -> Option<&'static Question> {
    if verdict.verdict != Answer::Undecided {
        return None;
    }
    let open = || QUESTIONS.iter().filter(|q| !skip.contains(&q.id));
    let left: Vec<&str> = verdict.possible.iter().map(|p| p.cause.as_str()).collect();
    let narrows = |q: &&Question| {
        let with = |list: &[&str]| left.iter().filter(|c| list.contains(c)).count();
        with(q.yes).min(left.len() - with(q.yes)) + with(q.no).min(left.len() - with(q.no))
    };
    if left.is_empty() {
        return open().next();
    }
    open()
        .filter(|q| narrows(q) > 0)
        // The earlier of equals: it is the more general one.
        .rev()
        .max_by_key(narrows)
}

/// The answers in a case.
pub(crate) fn answers(case: &Case) -> impl Iterator<Item = (&'static Question, bool)> + '_ {
    case.facts.iter().filter_map(|f| match &f.what {
        Known::Answered { question, yes } => Some((Question::by_id(question)?, *yes)),
        _ => None,
    })
}
