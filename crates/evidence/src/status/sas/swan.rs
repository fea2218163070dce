//! strongSwan: `ipsec status`, `ipsec statusall`, `swanctl --list-sas`, and VyOS's `show vpn debug`, which prints them.

use adit_model::event::Role;
use adit_model::fact::Fact;
use adit_model::listed::{Layer, ListedSa, Stage};

use super::{address, child, listed, spi, waiting};
use crate::reading::Place;

/// The IKE SA whose lines follow.
#[derive(Debug)]
struct Open {
    sa: ListedSa,
    place: Place,
    /// It is a row of a whole `ipsec status`, which has a line for each SA.
    stroke: bool,
    /// It came up just now, so that its children may be on their way.
    young: bool,
    /// A line that belongs to no row followed.
    ended: bool,
    /// It has no children, as far as what follows tells.
    alone: bool,
    /// Lines about it followed, so that its children would have followed too.
    whole: bool,
    children: bool,
}

/// The word for children of an IKE SA that is shown with all that belongs to it.
const ALONE: &str = "none (whole)";

/// `ESTABLISHED 0 seconds ago`, `established 3s ago`: in so short a time a child needn't have come up.
fn is_young(body: &str) -> bool {
    const YOUNG: u64 = 9;
    let lower = body.to_ascii_lowercase();
    let Some((_, rest)) = lower.split_once("established ") else {
        return false;
    };
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = rest.split_at(digits);
    let seconds = unit.starts_with(" second") || unit.starts_with("s ");
    seconds && number.parse::<u64>().is_ok_and(|n| n <= YOUNG)
}

/// A prompt with the next command, a heading, or the end of what was marked as code.
fn begins_another(body: &str) -> bool {
    let prompt = body
        .split_once("# ")
        .or_else(|| body.split_once("$ "))
        .is_some_and(|(before, _)| {
            before.is_empty() || before.contains('@') || before.ends_with(['~', ']'])
        });
    prompt || body.starts_with("## ") || body.starts_with("```")
}

/// What was listed so far.
#[derive(Debug, Default)]
pub(super) struct Swan {
    open: Option<Open>,
    /// The head of `ipsec status` was seen.
    headed: bool,
    /// The command that shows it hands it on to a filter.
    piped: bool,
    /// Traps are listed: children come up when somebody asks for them.
    trapped: bool,
    /// IKE SAs that a head announced as being set up, before any row.
    announced: Option<Place>,
}

impl Swan {
    /// The next line.
    pub(super) fn line(&mut self, body: &str, place: &dyn Fn() -> Place, facts: &mut Vec<Fact>) {
        let body = body.trim();
        if let Some(open) = &mut self.open
            && (body.contains("QUICK_MODE") || body.contains("CHILD_CREATE"))
        {
            open.young = true;
        }
        if let Some(rest) = body.strip_prefix("Security Associations (") {
            self.finish(facts);
            self.headed = true;
            let mut numbers = rest
                .split(|c: char| !c.is_ascii_digit())
                .filter_map(|n| n.parse::<u32>().ok());
            match (numbers.next(), numbers.next()) {
                (Some(0), Some(0)) => {
                    let sa = ListedSa::new(Layer::Ike, Stage::Absent, "0 up, 0 connecting");
                    facts.push(listed(place(), sa));
                }
                (Some(_), Some(1..)) => self.announced = Some(place()),
                _ => {}
            }
        } else if body == "no match" {
            let sa = ListedSa::new(Layer::Ike, Stage::Absent, body);
            facts.push(listed(place(), sa));
        } else if let Some((sa, stroke)) = stroke_ike(body)
            .map(|sa| (sa, true))
            .or_else(|| swanctl_ike(body).map(|sa| (sa, false)))
        {
            self.announced = None;
            self.close(facts);
            self.open = Some(Open {
                sa,
                place: place(),
                stroke: stroke && self.headed,
                young: is_young(body),
                ended: false,
                alone: false,
                whole: false,
                children: false,
            });
        } else {
            self.detail(body, place, facts);
        }
    }

    /// A line about the IKE SA that was listed last.
    fn detail(&mut self, body: &str, place: &dyn Fn() -> Place, facts: &mut Vec<Fact>) {
        let Some(open) = &mut self.open else {
            return;
        };
        if let Some((_, spis)) = body
            .split_once(" SPIs: ")
            .filter(|_| body.contains("]: IKE"))
        {
            open.whole = true;
            open.sa.version = version(body);
            refine(&mut open.sa, spis);
        } else if body.contains("]: IKE proposal:") {
            open.whole = true;
        } else if let Some((_, tasks)) = body.split_once("]: Tasks active: ") {
            let asked = tasks
                .split_whitespace()
                .any(|t| matches!(t, "QUICK_MODE" | "CHILD_CREATE"));
            if asked && open.sa.stage == Stage::Up {
                open.children = true;
                let name = open.sa.name.clone();
                facts.push(listed(
                    place(),
                    child(Stage::ChildPending, name.as_deref(), tasks),
                ));
            }
        } else if body.starts_with("established ") && !open.stroke {
            // The last line about an IKE SA itself that every version prints.
            open.whole = true;
            open.young = is_young(body);
        } else if let Some(rest) = body.strip_prefix("remote '") {
            open.sa.peer = rest
                .split_once("' @ ")
                .and_then(|(_, at)| address(at.split_whitespace().next()?))
                .map(ToOwned::to_owned);
        } else if let Some(stage) = child_stage(body) {
            open.children = true;
            let name = open.sa.name.clone();
            facts.push(listed(place(), child(stage, name.as_deref(), "INSTALLED")));
        }
    }

    fn close(&mut self, facts: &mut Vec<Fact>) {
        let Some(open) = self.open.take() else {
            return;
        };
        if open.sa.stage == Stage::Up && open.whole && !open.children {
            let word = if open.alone { ALONE } else { "none" };
            let none = child(Stage::Absent, open.sa.name.as_deref(), word);
            facts.push(listed(open.place.clone(), none));
        }
        facts.push(listed(open.place, open.sa));
    }

    /// Any line, before it is looked at as a row.
    pub(super) fn shown_by(&mut self, body: &str) {
        if body.contains("ipsec status") || body.contains("--list-sas") {
            // Whoever passes it on to another program shows a part of it.
            self.piped = body.contains('|');
        }
        self.trapped |= body.contains("ROUTED");
    }

    /// A line that belongs to no row. Where the next command or heading follows an IKE SA, its children would have stood
    /// before it.
    pub(super) fn beside(&mut self, body: &str) {
        let body = body.trim();
        let Some(open) = self.open.as_mut().filter(|open| !open.ended) else {
            return;
        };
        // Lines about the IKE SA itself stand before the one that says how long it has been up.
        if body.is_empty() || !open.stroke && !open.whole {
            return;
        }
        if begins_another(body) && !open.young && !self.piped && !self.trapped {
            open.whole |= open.stroke;
            open.alone = open.whole;
        }
        open.ended = true;
    }

    /// What was listed last.
    pub(super) fn finish(&mut self, facts: &mut Vec<Fact>) {
        self.close(facts);
        if let Some(place) = self.announced.take() {
            let sa = ListedSa::new(Layer::Ike, Stage::Connecting, "connecting");
            facts.push(listed(place, sa));
        }
    }
}

fn stage(word: &str) -> Option<Stage> {
    Some(match word {
        "ESTABLISHED" | "REKEYING" | "REKEYED" => Stage::Up,
        "CONNECTING" | "CREATED" => Stage::Connecting,
        "DELETING" | "DESTROYING" | "PASSIVE" => Stage::Closing,
        _ => return None,
    })
}

/// `gw-b[3]: ESTABLISHED 38 minutes ago, 192.0.2.1[gw-a]...198.51.100.1[gw-b]`.
fn stroke_ike(body: &str) -> Option<ListedSa> {
    let (head, rest) = body.split_once("]: ")?;
    let (name, number) = head.rsplit_once('[')?;
    if name.is_empty() || name.contains(' ') || number.parse::<u32>().is_err() {
        return None;
    }
    let word = rest.split([' ', ',']).next()?;
    let stage = stage(word)?;
    let (_, ends) = rest.split_once(", ")?;
    let (_, remote) = ends.split_once("...")?;
    let mut sa = ListedSa {
        name: Some(name.to_owned()),
        peer: address(remote).map(ToOwned::to_owned),
        ..ListedSa::new(Layer::Ike, stage, word)
    };
    if name == "(unnamed)" {
        // Only who answers has no name for it before the other side has said who it is.
        (sa.name, sa.role) = (None, Some(Role::Responder));
        if stage == Stage::Connecting {
            sa.stage = Stage::FirstAnswered;
        }
    }
    Some(sa)
}

/// `gw-b: #3, ESTABLISHED, IKEv2, 65967eb4beab8549_i* 1eacdfa5f926b9a3_r`.
fn swanctl_ike(body: &str) -> Option<ListedSa> {
    let (name, rest) = body.split_once(": #")?;
    let mut parts = rest.splitn(4, ", ");
    parts.next()?.parse::<u32>().ok()?;
    let word = parts.next()?;
    let mut sa = ListedSa {
        name: Some(name.to_owned()),
        version: version(parts.next()?),
        ..ListedSa::new(Layer::Ike, stage(word)?, word)
    };
    refine(&mut sa, parts.next().unwrap_or_default());
    Some(sa)
}

/// `65967eb4beab8549_i* 1eacdfa5f926b9a3_r`: who is who, and how far one that isn't up got.
fn refine(sa: &mut ListedSa, spis: &str) {
    // Older versions write `a:b` and don't say who is who; only an initiator lacks the other's.
    if let Some((_, theirs)) = spis.split_once(':') {
        if sa.stage == Stage::Connecting && spi(theirs.trim()) == Some(false) {
            (sa.stage, sa.role) = (Stage::FirstUnanswered, Some(Role::Initiator));
        }
        return;
    }
    let mut words = spis.split([' ', ',']);
    let (Some(i), Some(r)) = (words.next(), words.next()) else {
        return;
    };
    sa.role = match (i.ends_with("_i*"), r.ends_with("_r*")) {
        (true, false) => Some(Role::Initiator),
        (false, true) => Some(Role::Responder),
        _ => None,
    };
    if matches!(sa.stage, Stage::Connecting | Stage::FirstAnswered) {
        let theirs = r.split('_').next().and_then(spi);
        sa.stage = waiting(sa.role, sa.version, theirs);
    }
}

fn version(text: &str) -> Option<u8> {
    if text.contains("IKEv1") {
        Some(1)
    } else if text.contains("IKEv2") {
        Some(2)
    } else {
        None
    }
}

/// `gw-b{7}:  INSTALLED, TUNNEL, …`, `net: #7, reqid 1, INSTALLED, …`, `net: #7, INSTALLED, …`.
fn child_stage(body: &str) -> Option<Stage> {
    let state = match body.split_once("}: ") {
        Some((_, rest)) => rest.trim_start().split(',').next()?,
        None => {
            let (_, rest) = body.split_once(": #")?;
            let mut parts = rest.split(", ").skip(1);
            // Versions before 5.3 don't write the reqid.
            parts.find(|part| !part.starts_with("reqid "))?
        }
    };
    match state {
        "INSTALLED" | "REKEYING" | "REKEYED" | "UPDATING" => Some(Stage::Up),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peers_spi_of_zero_means_that_nothing_came() {
        let sa = |line: &str| swanctl_ike(line).map(|sa| (sa.stage, sa.role));
        assert_eq!(
            sa("gw-b: #1, CONNECTING, IKEv2, 65967eb4beab8549_i* 0000000000000000_r"),
            Some((Stage::FirstUnanswered, Some(Role::Initiator)))
        );
        assert_eq!(
            sa("gw-b: #1, CONNECTING, IKEv2, 65967eb4beab8549_i 1eacdfa5f926b9a3_r*"),
            Some((Stage::FirstAnswered, Some(Role::Responder)))
        );
        assert_eq!(
            sa("gw-b: #1, CONNECTING, IKEv1, 65967eb4beab8549:0000000000000000"),
            Some((Stage::FirstUnanswered, Some(Role::Initiator)))
        );
        assert_eq!(
            sa("gw-b: #9, ESTABLISHED, IKEv2, adbf8bd39b23fd5b:cf503a5ea2e22817"),
            Some((Stage::Up, None))
        );
        assert_eq!(sa("net: #7, reqid 1, INSTALLED, TUNNEL"), None);
        for child in [
            "net: #7, reqid 1, INSTALLED, TUNNEL",
            "net: #7, INSTALLED, TUNNEL-in-UDP, ESP:AES_CBC-256",
        ] {
            assert_eq!(child_stage(child), Some(Stage::Up));
        }
    }

    #[test]
    fn logs_that_mention_a_state_are_no_rows() {
        assert_eq!(stroke_ike("charon[12]: ESTABLISHED in time"), None);
        assert_eq!(stroke_ike("a word [3]: ESTABLISHED 1 s ago, a...b"), None);
        let unnamed = stroke_ike("(unnamed)[7]: CONNECTING, 192.0.2.1[%any]...198.51.100.1[%any]");
        assert_eq!(unnamed.map(|sa| sa.stage), Some(Stage::FirstAnswered));
        assert!(stroke_ike("gw[3]: CONNECTING, 192.0.2.1[%any]...198.51.100.1[%any]").is_some());
    }
}
