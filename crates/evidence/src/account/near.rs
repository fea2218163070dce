//! Networks that somebody tells as the near ones of a tunnel, and addresses that sources are translated to.

use std::net::IpAddr;

use adit_model::selector::Selector;

use super::{holds, places};

/// So many of each are kept.
const MOST: usize = 16;

/// Whose networks a tunnel has at this end.
const OWN: &str = "my end|our end|this end|near end|local end|my side|our side|this side|local side|local selector|local ts |our selector|our phase #2|local phase #2|phase #2|tunnel network|encryption domain|leftsubnet";
/// And the far ones.
const FAR: &str = "remote|far |his |their |other end|other side|peer|partner|opposite|rightsubnet";
/// It is said to be the tunnel's.
const SAID: &str = "address of the phase #2|address in the phase #2|to the phase #2 network";
/// The address of an interface towards the Internet may be private, too.
const OUTSIDE: &str = "modem|cgnat|masquerad|wan address|wan ip|address of the wan|outside address|public address|providers router|provider";

/// What was told so far.
#[derive(Debug, Default)]
pub(super) struct Near {
    networks: Vec<Selector>,
    addresses: Vec<Selector>,
    said: bool,
    outside: bool,
}

impl Near {
    /// The next sentence, as it stands and in plain words.
    pub(super) fn sentence(&mut self, text: &str, plain: &str) {
        let last = |of: &str, before: usize| {
            let places = of.split('|').flat_map(|words| places(plain, words));
            places
                .filter(|(_, to)| *to <= before)
                .map(|(_, to)| to)
                .max()
        };
        if holds(plain, OWN) {
            let told = words(text).filter(|w| w.contains('/')).filter_map(|w| {
                let at = plain.find(super::plain(w).trim_start())?;
                (last(OWN, at)? > last(FAR, at).unwrap_or(0)).then(|| w.parse::<Selector>().ok())?
            });
            let room = MOST.saturating_sub(self.networks.len());
            self.networks.extend(told.take(room));
        }
        let Some((_, to)) = translated(plain) else {
            return;
        };
        self.said |= holds(plain, SAID);
        self.outside |= holds(plain, OUTSIDE);
        let told = words(text)
            .filter_map(|w| w.parse::<IpAddr>().ok())
            .map(|a| (super::plain(&a.to_string()), Selector::host(a)))
            .filter(|(a, _)| {
                plain
                    .get(to..)
                    .is_some_and(|rest| rest.starts_with(a.trim_start()))
            })
            .map(|(_, host)| host);
        let room = MOST.saturating_sub(self.addresses.len());
        self.addresses.extend(told.take(room));
    }

    /// A source was translated to an address of the tunnel's own network at this end.
    pub(super) fn translated_there(&self) -> bool {
        let inside = |a: &Selector| self.networks.iter().any(|n| n.contains(a));
        !self.outside && (self.said || self.addresses.iter().any(inside))
    }
}

/// Where a sentence tells of a translation, and what follows is what to.
fn translated(plain: &str) -> Option<(usize, usize)> {
    [
        "translated to ",
        "translated into ",
        "natted to ",
        "nated to ",
        "snatted to ",
        "nat to ",
    ]
    .into_iter()
    .flat_map(|words| places(plain, words))
    .next()
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| c.is_whitespace() || matches!(c, '(' | ')' | ',' | ';' | '`'))
        .map(|w| w.trim_end_matches(['.', ':', '?', '!']))
}
