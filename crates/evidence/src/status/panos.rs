//! `show vpn flow tunnel-id N` of PAN-OS: the counters of a tunnel's monitor.

use adit_model::fact::Fact;
use adit_model::sign::Sign;

use super::sign;
use crate::reading::Place;
use crate::text::Line;

/// The tunnel whose values the lines list.
#[derive(Debug, Default)]
pub(crate) struct PanosFlow {
    monitored: Option<u64>,
}

impl PanosFlow {
    /// The next line: `monitor packets sent:   18233`.
    pub(super) fn line(
        &mut self,
        line: &Line<'_>,
        place: &dyn Fn() -> Place,
        facts: &mut Vec<Fact>,
    ) {
        let Some((key, value)) = line.body.split_once(':') else {
            return;
        };
        let count = || value.trim().parse::<u64>().ok();
        match key.trim() {
            "monitor packets sent" | "monitor pkts sent" => {
                self.monitored = count();
            }
            "monitor packets recv" | "monitor pkts recv" => {
                if let (Some(0), Some(sent)) = (count(), self.monitored.take())
                    && sent > 0
                {
                    let sent = sent.to_string();
                    facts.push(sign(place(), Sign::MonitorUnanswered, &[("sent", &sent)]));
                }
            }
            _ => {}
        }
    }
}
