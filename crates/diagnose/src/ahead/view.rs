//! The facts of a case that rules about the future ask for.

use adit_model::ahead::{Ahead, Weight};
use adit_model::connection::{Child, Connection};
use adit_model::fact::{Case, Fact, Known, Side};

use super::Forewarning;
use crate::verdict::{AtFault, Fix};

/// A case, seen from its local side.
pub(crate) struct View<'a> {
    case: &'a Case,
    /// As configured.
    pub connection: Option<&'a Connection>,
}

impl<'a> View<'a> {
    pub fn new(case: &'a Case) -> Self {
        let connection = case.of(Side::Local).find_map(|fact| match &fact.what {
            Known::Configured { connection } => Some(connection.as_ref()),
            _ => None,
        });
        Self { case, connection }
    }

    /// What is known of the future, with the facts that say so.
    pub fn all(&self) -> impl Iterator<Item = (&'a Fact, &'a Ahead)> {
        self.case.facts.iter().filter_map(|fact| match &fact.what {
            Known::Ahead { ahead } => Some((fact, ahead.as_ref())),
            _ => None,
        })
    }

    /// A configured child.
    pub fn child(&self, name: &str) -> Option<&'a Child> {
        self.connection?.children.iter().find(|c| c.name == name)
    }

    /// What will fail because of `fact`.
    pub fn warn(&self, fact: &Fact, side: AtFault, summary: impl Into<String>) -> Forewarning {
        let subject = match &fact.subject {
            Some(subject) => subject.clone(),
            None => self.case.subject.clone(),
        };
        Forewarning {
            subject,
            child: None,
            cause: String::new(),
            weight: Weight::Warning,
            side,
            summary: summary.into(),
            consequence: String::new(),
            days: None,
            evidence: vec![fact.into()],
            fix: Fix::default(),
        }
    }
}
