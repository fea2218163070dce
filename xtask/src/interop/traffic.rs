//! Pings through tunnels, and pings that must get nowhere.

use std::collections::BTreeSet;
use std::process::{Child, Stdio};

use anyhow::Result;

use super::lab::Lab;
use super::patience;
use super::scenario::Tunnel;
use crate::exec;

/// Pings between what the selectors name, both ways, in each address family.
pub struct Pings {
    count: u32,
    pings: Vec<(String, Child)>,
}

impl Pings {
    /// Starts them: until so many answers have come to each, at this interval in seconds.
    pub fn start(lab: &Lab, tunnel: &Tunnel, count: u32, interval: &str) -> Result<Self> {
        let seconds = f64::from(count) * interval.parse::<f64>()?;
        let deadline = format!(
            "{:.0}",
            seconds.ceil() + 4.0 * f64::from(patience::factor())
        );
        let mut pings = Vec::new();
        for (nets, targets) in [
            (&tunnel.west_net, &tunnel.east_net),
            (&tunnel.east_net, &tunnel.west_net),
        ] {
            for net in targets {
                let source = nets.iter().find(|n| n.contains(':') == net.contains(':'));
                let (Some((from, _)), Some((_, target))) =
                    (source.and_then(|net| lab.speaker(net)), lab.speaker(net))
                else {
                    continue;
                };
                let mut command = lab.brief(&from, "ping");
                // With a deadline ping waits for answers that are late; without one it gives them two round trips.
                command.args([
                    "-n",
                    "-c",
                    &count.to_string(),
                    "-i",
                    interval,
                    "-w",
                    &deadline,
                    &target,
                ]);
                command
                    .stdin(Stdio::null())
                    .stdout(Stdio::piped())
                    .stderr(Stdio::null());
                pings.push((format!("{from} to {target}"), command.spawn()?));
            }
        }
        anyhow::ensure!(!pings.is_empty(), "the selectors hold no host to ping");
        Ok(Self { count, pings })
    }

    /// Waits for their end; a single lost packet is an error.
    pub fn finish(self) -> Result<()> {
        let mut lost = Vec::new();
        for (what, child) in self.pings {
            let done = child.wait_with_output()?;
            let answered = answered(&String::from_utf8_lossy(&done.stdout));
            let missing: Vec<_> = (1..=self.count)
                .filter(|number| !answered.contains(number))
                .collect();
            if !missing.is_empty() {
                let some = missing.get(..missing.len().min(20)).unwrap_or_default();
                lost.push(format!(
                    "{what}: no answer to {} of {}, first {some:?}",
                    missing.len(),
                    self.count
                ));
            }
        }
        anyhow::ensure!(
            lost.is_empty(),
            "ping through the tunnel: {}",
            lost.join("; ")
        );
        Ok(())
    }
}

/// The numbers of the echo requests that were answered.
fn answered(output: &str) -> BTreeSet<u32> {
    let number = |line: &str| {
        line.split_once("icmp_seq=")?
            .1
            .split(' ')
            .next()?
            .parse()
            .ok()
    };
    output
        .lines()
        .filter(|line| line.contains(" bytes from "))
        .filter_map(number)
        .collect()
}

/// Pings that must not be answered and must not leave in clear: forwarded from the LAN and local from the gateway
/// itself, with and without the LAN's address as source, in every address family of the selectors.
pub struct Hopeless {
    pings: Vec<(String, Child)>,
}

impl Hopeless {
    /// Starts them; they go on for so many seconds.
    pub fn start(lab: &Lab, tunnel: &Tunnel, seconds: u32) -> Result<Self> {
        let mut pings = Vec::new();
        for (own, other) in tunnel.west_net.iter().zip(&tunnel.east_net) {
            let (Some((near, address)), Some((_, target))) = (lab.speaker(own), lab.speaker(other))
            else {
                continue;
            };
            // A LAN's gateway has the address below its host's.
            let gateway = address.replace(".0.2", ".0.1").replace("::2", "::1");
            let forwarded = [(near.as_str(), None)]
                .into_iter()
                .filter(|_| near != "west");
            for (from, source) in forwarded.chain([("west", Some(&gateway)), ("west", None)]) {
                let mut command = lab.brief(from, "ping");
                command.args([
                    "-q",
                    "-n",
                    "-i",
                    "0.2",
                    "-W",
                    "1",
                    "-w",
                    &seconds.to_string(),
                ]);
                if let Some(source) = source {
                    command.args(["-I", source]);
                }
                command
                    .arg(&target)
                    .stdin(Stdio::null())
                    .stdout(Stdio::piped())
                    .stderr(Stdio::null());
                pings.push((format!("{from} to {target}"), command.spawn()?));
            }
        }
        anyhow::ensure!(!pings.is_empty(), "the selectors hold no host to ping");
        Ok(Self { pings })
    }

    /// Waits for their end; an answer is an error.
    pub fn finish(self) -> Result<()> {
        for (what, child) in self.pings {
            let done = child.wait_with_output()?;
            anyhow::ensure!(
                !done.status.success(),
                "{what} was answered although there is no tunnel"
            );
        }
        Ok(())
    }
}

/// One packet of `caller`'s side for the other one, answered or not.
pub fn knock(lab: &Lab, tunnel: &Tunnel, caller: &str) -> Result<()> {
    let (own, other) = match caller {
        "west" => (&tunnel.west_net, &tunnel.east_net),
        _ => (&tunnel.east_net, &tunnel.west_net),
    };
    let speaker = |nets: &[String]| nets.first().and_then(|net| lab.speaker(net));
    let (Some((from, _)), Some((_, target))) = (speaker(own), speaker(other)) else {
        anyhow::bail!("the selectors hold no host");
    };
    exec::output(
        lab.brief(&from, "ping")
            .args(["-q", "-n", "-c", "1", "-W", "0.3", &target]),
    )?;
    Ok(())
}

/// No packet of the LANs left either gateway in clear.
pub fn no_leak(lab: &Lab) -> Result<()> {
    for gateway in lab.gateways() {
        let packets = lab.leaked(gateway)?;
        anyhow::ensure!(packets == 0, "packets in clear from {gateway}: {packets}");
    }
    Ok(())
}

/// The guard itself works: without tunnel and without block, a ping is counted.
pub fn guard_counts(lab: &Lab, gateway: &str, target: &str) -> Result<()> {
    let before = lab.leaked(gateway)?;
    let _ = exec::output(
        lab.brief(gateway, "ping")
            .args(["-q", "-n", "-c", "1", "-W", "1", "-w", "1", target]),
    )?;
    anyhow::ensure!(
        lab.leaked(gateway)? > before,
        "the leak guard of {gateway} does not count"
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::answered;

    #[test]
    fn only_answers_count() {
        let output = "PING 10.2.0.2 (10.2.0.2) 56(84) bytes of data.\n\
            64 bytes from 10.2.0.2: icmp_seq=1 ttl=62 time=0.4 ms\n\
            From 10.1.0.1 icmp_seq=2 Destination Net Unreachable\n\
            64 bytes from fd00:2::2: icmp_seq=3 ttl=62 time=0.3 ms\n";
        assert_eq!(answered(output).into_iter().collect::<Vec<_>>(), [1, 3]);
    }
}
