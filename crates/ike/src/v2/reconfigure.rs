//! An IKE SA that goes on under another configuration of its connection: children that aren't configured any more are
//! deleted, those that are configured otherwise are put in the place of the old ones, all others stay.

use std::sync::Arc;

use adit_model::connection::{self, Connection};

use crate::cx::Cx;
use crate::v2::agenda::Task;
use crate::v2::config_payload;
use crate::v2::established::Established;
use crate::v2::tending::Missing;

impl Established {
    /// The connection is configured so from now on. What isn't about children counts from the next renewal on.
    pub fn reconfigure(&mut self, cx: &mut Cx<'_>, connection: Arc<Connection>) {
        let before = self.children_here();
        self.secured.head.connection = connection;
        if self.replaced.is_some() {
            return;
        }
        let now = self.children_here();
        for old in &before {
            if now.iter().any(|c| c.has_terms_of(old)) {
                continue;
            }
            let name = &old.name;
            let there = self.children.iter().any(|c| c.name == *name)
                || self.missing.iter().any(|m| m.name == *name);
            self.agenda.forget_child(name);
            self.unwant(name);
            if there {
                self.ask_anew(name);
            }
        }
        self.work(cx);
    }

    /// A pair has come that was agreed on under `config`: it goes again if that isn't what is configured any more.
    pub fn came_under(&mut self, spi_in: u32, config: &connection::Child) {
        let now = self.children_here();
        if !now.iter().any(|c| c.has_terms_of(config)) {
            self.agenda.add(Task::DeleteChild(spi_in));
            self.ask_anew(&config.name);
        }
    }

    /// The peer has refused a child as it was configured when we asked. If it is configured otherwise by now, it is asked for
    /// again at once: the refusal is about terms that nobody has any more. Says whether that is so.
    pub fn refused_under(&mut self, config: &connection::Child) -> bool {
        let now = self.children_here();
        let otherwise =
            self.is_configured(&config.name) && !now.iter().any(|c| c.has_terms_of(config));
        if otherwise {
            self.ask_anew(&config.name);
        }
        otherwise
    }

    /// Whether a child of this name is configured.
    pub fn is_configured(&self, name: &str) -> bool {
        let children = &self.connection().children;
        children.iter().any(|c| c.name == name)
    }

    /// What is configured, as it is for these peers: inner addresses that were given stand in the place of the pools
    /// that they come from, which may grow.
    fn children_here(&self) -> Vec<connection::Child> {
        let head = &self.secured.head;
        let children = head.connection.children.iter();
        children
            .map(|c| config_payload::effective(head, c))
            .collect()
    }

    /// Behind the deletion of what there is, the child is asked for as it is configured now.
    fn ask_anew(&mut self, name: &str) {
        if self.is_configured(name) {
            self.missing.retain(|m| m.name != name);
            self.missing.push(Missing::new(name));
            self.agenda.add(Task::NewChild(name.to_owned()));
        }
    }
}
