//! Switches of the kernel as `sysctl`, `grep . /proc/sys/…` and a file of sysctl.d list them, and the counters of
//! `nstat` that belong to them.

use std::collections::BTreeMap;

use adit_model::fact::Fact;
use adit_model::sign::Sign;

use super::sign;
use crate::reading::Place;
use crate::text::Line;

/// Switches by name, the last value of each with where it stands.
#[derive(Debug, Default)]
pub(crate) struct Sysctl {
    seen: BTreeMap<String, (u64, Place)>,
    /// The switch that `cat` was asked for: its value is alone in the next line.
    asked: Option<String>,
}

impl Sysctl {
    /// The next line: `net.ipv4.ip_forward = 0`, `/proc/sys/net/ipv4/ip_forward:0`.
    pub(super) fn line(&mut self, line: &Line<'_>, place: &dyn Fn() -> Place) {
        if let Some(count) = reverse_path_drops(line.body) {
            self.seen.insert("drops".to_owned(), (count, place()));
        }
        let body = line.body.trim();
        if let Some(name) = self.asked.take()
            && let Ok(value) = body.parse::<u64>()
        {
            self.seen.insert(name, (value, place()));
            return;
        }
        self.asked = asked_for(body);
        let Some(at) = body.find("net.ipv4.").or_else(|| body.find("net/ipv4/")) else {
            return;
        };
        let (Some(head), Some(rest)) = (body.get(..at), body.get(at..)) else {
            return;
        };
        // A commented line switches nothing.
        if head.contains('#') {
            return;
        }
        let Some(end) = rest.find(|c: char| c.is_whitespace() || matches!(c, '=' | ':')) else {
            return;
        };
        let (name, value) = rest.split_at(end);
        let value = value.trim_start_matches(|c: char| c.is_whitespace() || matches!(c, '=' | ':'));
        let digits = value
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(value.len());
        let (Some(Ok(value)), true) = (
            value.get(..digits).map(str::parse::<u64>),
            value.get(digits..).is_some_and(|t| t.trim().is_empty()),
        ) else {
            return;
        };
        self.seen.insert(name.replace('/', "."), (value, place()));
    }

    /// The switches that stand in the way of tunnels.
    pub(super) fn finish(&self, facts: &mut Vec<Fact>) {
        for (name, (value, place)) in &self.seen {
            let Some(rest) = name.strip_prefix("net.ipv4.") else {
                if name == "drops" && *value > 0 {
                    let count = value.to_string();
                    facts.push(sign(
                        place.clone(),
                        Sign::ReversePathDrops,
                        &[("count", count.as_str())],
                    ));
                }
                continue;
            };
            let path = ("path", name.as_str());
            match (rest, value) {
                ("ip_forward" | "conf.all.forwarding", 0) => {
                    facts.push(sign(place.clone(), Sign::ForwardingOff, &[path]));
                }
                (rest, 0) if rest.starts_with("conf.vti") && rest.ends_with(".disable_policy") => {
                    facts.push(sign(place.clone(), Sign::InterfacePolicyChecked, &[path]));
                }
                (rest, 1) if rest.ends_with(".rp_filter") => {
                    let values = [path, ("listed", "yes")];
                    facts.push(sign(place.clone(), Sign::ReversePathFilterOn, &values));
                }
                _ => {}
            }
        }
    }
}

/// The switch in `# cat /proc/sys/net/ipv4/ip_forward`, where nothing is behind it.
fn asked_for(body: &str) -> Option<String> {
    let (head, path) = body.split_once("cat /proc/sys/net/ipv4/")?;
    let prompt = head.len() < 64 && !head.contains("echo");
    let alone = !path.is_empty() && !path.contains(char::is_whitespace);
    (prompt && alone).then(|| format!("net.ipv4.{}", path.replace('/', ".")))
}

/// `TcpExtIPReversePathFilter  120  0.0` of nstat, `IPReversePathFilter: 120` of netstat.
fn reverse_path_drops(body: &str) -> Option<u64> {
    let (_, rest) = body.split_once("IPReversePathFilter")?;
    rest.split(|c: char| c.is_whitespace() || matches!(c, ':' | '='))
        .find(|w| !w.is_empty())?
        .parse()
        .ok()
}
