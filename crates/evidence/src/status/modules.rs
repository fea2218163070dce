//! `lsmod`: whether IPsec's modules are among those that are loaded.

use adit_model::fact::Fact;
use adit_model::sign::Sign;

use super::sign;
use crate::reading::Place;
use crate::text::Line;

/// Modules of which a kernel that carries a tunnel has one, unless they are built in.
const OURS: [&str; 6] = ["esp4", "esp6", "af_key", "xfrm_user", "xfrm_algo", "ipcomp"];

/// A list shorter than this is an excerpt.
const LEAST: u32 = 10;

/// Follows one list.
#[derive(Debug, Default)]
pub(super) struct Modules {
    open: Option<Place>,
    rows: u32,
    found: bool,
}

impl Modules {
    /// The next line.
    pub(super) fn line(
        &mut self,
        line: &Line<'_>,
        place: &dyn Fn() -> Place,
        facts: &mut Vec<Fact>,
    ) {
        let mut words = line.body.split_ascii_whitespace();
        let first = words.next().unwrap_or_default();
        let size = words.next().unwrap_or_default();
        if (first, size) == ("Module", "Size") && words.next() == Some("Used") {
            *self = Self {
                open: Some(place()),
                ..Self::default()
            };
            return;
        }
        if self.open.is_none() {
            return;
        }
        if size.parse::<u64>().is_ok() {
            self.rows += 1;
            self.found |= OURS.contains(&first);
            return;
        }
        // Only a list behind which something else comes is known to be whole.
        if let Some(place) = self.open.take()
            && !self.found
            && self.rows >= LEAST
        {
            facts.push(sign(place, Sign::StackUnlisted, &[]));
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use adit_model::fact::{Known, Side};
    use adit_model::now::Wall;
    use adit_model::sign::Sign;

    use crate::reading::read;

    fn unlisted(modules: &[&str], behind: &str) -> bool {
        let rows: String = modules
            .iter()
            .map(|m| format!("{m:<24}16384  0\n"))
            .collect();
        let text = format!("# lsmod\nModule                  Size  Used by\n{rows}{behind}");
        let facts = read("paste", Side::Local, text.as_bytes(), Wall(0)).facts;
        facts.iter().any(|f| {
            matches!(
                f.what,
                Known::Sign {
                    sign: Sign::StackUnlisted,
                    ..
                }
            )
        })
    }

    #[test]
    fn a_whole_list_tells_what_isnt_in_it() {
        let others = [
            "tun", "bridge", "stp", "llc", "veth", "overlay", "loop", "ext4", "jbd2", "mbcache",
        ];
        assert!(unlisted(&others, "# uname -r\n"));
        let mut with = others.to_vec();
        with.push("esp4");
        assert!(!unlisted(&with, "# uname -r\n"));
        assert!(!unlisted(&others, ""), "it may go on");
        assert!(!unlisted(&others[..3], "# uname -r\n"), "an excerpt");
    }
}
