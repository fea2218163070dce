//! A tunnel that a program of the same host closes: the log has the program's lines, and at once the daemon's that it was told
//! to close an SA.

use adit_model::fact::Fact;
use adit_model::now::Wall;
use adit_model::sign::Sign;

use super::sign;
use crate::reading::Place;
use crate::text::Line;

/// Programs that run scripts when something happens on the host or in its network.
const PROGRAMS: [&str; 16] = [
    "opennhrp",
    "nhrpd",
    "keepalived",
    "vrrpd",
    "ucarp",
    "pacemaker",
    "crmd",
    "monit",
    "watchdog",
    "cron",
    "crond",
    "dhclient",
    "dhcpcd",
    "pppd",
    "ifplugd",
    "nm-dispatcher",
];

/// Whom the daemon may name as the one who asked: nobody.
const TOLD: [&str; 4] = [
    "vici terminate IKE_SA '",
    "vici terminate CHILD_SA '",
    "received stroke: terminate '",
    ": terminating SAs using this connection",
];

/// So long after the program's line, and so many lines, it is its doing.
const AT_ONCE_MS: u64 = 1_000;
const NEAR: u8 = 8;

/// The program that spoke last.
#[derive(Debug, Default)]
pub(crate) struct Script {
    last: Option<(&'static str, Wall, u8)>,
    told: bool,
}

impl Script {
    /// Whether a program has just spoken.
    pub(super) fn is_near(&self) -> bool {
        self.last.is_some()
    }

    /// The next line.
    pub(super) fn line(
        &mut self,
        line: &Line<'_>,
        place: &dyn Fn() -> Place,
        facts: &mut Vec<Fact>,
    ) {
        let program = line
            .program
            .and_then(|p| p.split(['[', '/']).next())
            .and_then(|p| PROGRAMS.iter().find(|known| p == **known));
        if let (Some(program), Some(at)) = (program, line.at) {
            self.last = Some((program, at, NEAR));
            return;
        }
        let Some((program, since, left)) = &mut self.last else {
            return;
        };
        *left = left.saturating_sub(1);
        let near = *left > 0
            && line
                .at
                .is_some_and(|at| at.0.abs_diff(since.0) <= AT_ONCE_MS);
        if !near {
            self.last = None;
        } else if !self.told && TOLD.iter().any(|words| line.body.contains(words)) {
            self.told = true;
            facts.push(sign(place(), Sign::ClosedByScript, &[("by", program)]));
        }
    }
}

#[cfg(test)]
mod tests {
    use adit_model::fact::{Known, Side};
    use adit_model::now::Wall;
    use adit_model::sign::Sign;

    use crate::reading::read;

    fn closed(text: &str) -> Option<String> {
        let facts = read("log", Side::Local, text.as_bytes(), Wall(1_795_241_400_000)).facts;
        facts.into_iter().find_map(|f| match f.what {
            Known::Sign {
                sign: Sign::ClosedByScript,
                mut values,
            } => values.remove("by"),
            _ => None,
        })
    }

    #[test]
    fn who_spoke_right_before_is_who_closed_it() {
        let program = "Nov 02 04:00:01 gw keepalived[711]: Script `check_wan` now returning 1\n";
        let told = "Nov 02 04:00:01 gw charon[912]: 08[CFG] vici terminate IKE_SA 'depot'\n";
        assert_eq!(
            closed(&format!("{program}{told}")).as_deref(),
            Some("keepalived")
        );
        assert_eq!(closed(told), None, "somebody typed it");
        let later = told.replace("04:00:01", "04:07:30");
        assert_eq!(closed(&format!("{program}{later}")), None);
        let whack =
            "Nov 02 04:00:02 gw pluto[88]: \"depot\": terminating SAs using this connection\n";
        assert_eq!(
            closed(&format!("{program}{whack}")).as_deref(),
            Some("keepalived")
        );
    }
}
