//! The connections that charon prints when it loads them (level 2 of group CFG): who we are and whom we expect.

use std::sync::LazyLock;

use adit_model::identity::Identity;
use memchr::memmem::Finder;

use super::value;
use crate::text::split_at;

/// Identities and methods of the loaded connections.
#[derive(Debug, Default)]
pub(crate) struct Loaded {
    /// Who we are, in the connections that say so.
    pub(crate) ours: Vec<Identity>,
    /// Whom the connections expect.
    pub(crate) theirs: Vec<Identity>,
    /// How the peers must authenticate: `pre-shared key`, `public key`.
    pub(crate) their_class: Option<String>,
    side: Option<Which>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Which {
    Nothing,
    Local,
    Remote,
}

impl Loaded {
    /// Takes a line of such a printout. Whether it was one.
    pub(crate) fn line(&mut self, text: &str) -> bool {
        let indented = text.starts_with(' ');
        let text = text.trim();
        if indented && text.starts_with("conn ") && text.ends_with(':') {
            self.side = Some(Which::Nothing);
            return true;
        }
        let Some(side) = self.side else {
            return false;
        };
        if !indented {
            self.side = None;
            return false;
        }
        match text {
            "local:" => self.side = Some(Which::Local),
            "remote:" => self.side = Some(Which::Remote),
            _ => {
                static ASSIGNED: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(" = "));
                let Some((key, value)) = split_at(text, &ASSIGNED) else {
                    return true;
                };
                match (side, key) {
                    (Which::Local, "id") => keep(&mut self.ours, value),
                    (Which::Remote, "id") => keep(&mut self.theirs, value),
                    (Which::Remote, "class") => self.their_class = Some(value.to_owned()),
                    _ => {}
                }
            }
        }
        true
    }
}

fn keep(list: &mut Vec<Identity>, value: &str) {
    const MOST: usize = 64;
    if let Some(id) = value::identity(value)
        && !list.contains(&id)
        && list.len() < MOST
    {
        list.push(id);
    }
}
