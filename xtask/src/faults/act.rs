//! What is done to a world: one act in one line of a row.

use std::fmt;
use std::process::{Child, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};
use rustix::process::Signal;
use serde::Deserialize;

use crate::exec;
use crate::interop::lab::Lab;
use crate::interop::patience;
use crate::interop::side::Side;

/// One act.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum Act {
    /// `net: ip route del …`: a command of a shell on a host.
    Run { host: String, line: String },
    /// `drop net forward udp dport 500`: a host's packet filter drops what the rule takes, in this chain.
    Drop {
        host: String,
        chain: Chain,
        rule: String,
    },
    /// `ping westlan 10.2.0.2 -s 1400`: from now on a host pings another one, with these words.
    Ping { host: String, words: String },
    /// `flood westlan 10.2.0.2 1200`: from now on a host sends as many datagrams of so many octets as it can.
    Flood {
        host: String,
        to: String,
        octets: usize,
    },
    /// `burn 4`: so many programs that rest for nothing share the first processor from now on.
    Burn(usize),
    /// `we keep-to-one-processor`: the first one.
    KeepsToOneProcessor(Who),
    /// `wait 3`, in seconds.
    Wait(u64),
    /// `settle`: until both gateways say that the tunnel is up.
    Settle,
    /// `peer forgets`: killed, and started again without a word.
    Forgets(Who),
    /// `peer dies`
    Dies(Who),
    /// `peer freezes`: it neither answers nor ends.
    Freezes(Who),
    /// `peer calls`: it sets the tunnel up, or tries to.
    Calls(Who),
    /// `peer hangs-up`: it deletes the tunnel.
    HangsUp(Who),
    /// `peer lets-go`: the same, without waiting for an answer.
    LetsGo(Who),
    /// `peer rekeys`: it replaces the CHILD SA.
    Rekeys(Who),
    /// `peer tries-to-rekey`: the same where that is what fails, at once or later.
    TriesToRekey(Who),
    /// `peer rekeys-ike`
    RekeysIke(Who),
}

/// Whose act it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    We,
    Peer,
    /// The third gateway.
    Third,
}

/// Where a filter looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chain {
    Input,
    Forward,
    Output,
}

impl fmt::Display for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Input => "input",
            Self::Forward => "forward",
            Self::Output => "output",
        })
    }
}

impl TryFrom<String> for Act {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let wrong = || format!("{text:?} is no act");
        if let Some((host, line)) = text.split_once(": ")
            && !host.contains(' ')
        {
            return Ok(Self::Run {
                host: host.to_owned(),
                line: line.to_owned(),
            });
        }
        let mut words = text.splitn(4, ' ');
        let (verb, first, second, rest) = (words.next(), words.next(), words.next(), words.next());
        let who = match verb {
            Some("we") => Some(Who::We),
            Some("peer") => Some(Who::Peer),
            Some("third") => Some(Who::Third),
            _ => None,
        };
        Ok(match (verb, first, second, rest) {
            (Some("drop"), Some(host), Some(chain), Some(rule)) => Self::Drop {
                host: host.to_owned(),
                chain: match chain {
                    "input" => Chain::Input,
                    "forward" => Chain::Forward,
                    "output" => Chain::Output,
                    _ => return Err(wrong()),
                },
                rule: rule.to_owned(),
            },
            (Some("ping"), Some(host), Some(to), rest) => Self::Ping {
                host: host.to_owned(),
                words: format!("{to} {}", rest.unwrap_or_default()),
            },
            (Some("flood"), Some(host), Some(to), Some(octets)) => Self::Flood {
                host: host.to_owned(),
                to: to.to_owned(),
                octets: octets.parse().map_err(|_| wrong())?,
            },
            (Some("burn"), Some(count), None, None) => {
                Self::Burn(count.parse().map_err(|_| wrong())?)
            }
            (Some("wait"), Some(seconds), None, None) => {
                Self::Wait(seconds.parse().map_err(|_| wrong())?)
            }
            (Some("settle"), None, None, None) => Self::Settle,
            (_, Some(what), None, None) => {
                let who = who.ok_or_else(wrong)?;
                match what {
                    "forget" | "forgets" => Self::Forgets(who),
                    "die" | "dies" => Self::Dies(who),
                    "freeze" | "freezes" => Self::Freezes(who),
                    "call" | "calls" => Self::Calls(who),
                    "hang-up" | "hangs-up" => Self::HangsUp(who),
                    "let-go" | "lets-go" => Self::LetsGo(who),
                    "rekey" | "rekeys" => Self::Rekeys(who),
                    "try-to-rekey" | "tries-to-rekey" => Self::TriesToRekey(who),
                    "rekey-ike" | "rekeys-ike" => Self::RekeysIke(who),
                    "keep-to-one-processor" => Self::KeepsToOneProcessor(who),
                    _ => return Err(wrong()),
                }
            }
            _ => return Err(wrong()),
        })
    }
}

/// Where acts are done.
pub struct Stage<'a> {
    pub lab: &'a Lab,
    pub near: Option<Side<'a>>,
    pub far: Option<Side<'a>>,
    pub third: Option<Side<'a>>,
    /// It has a tunnel of its own, which is to come up, too.
    pub awaits_third: bool,
    /// Commands that go on until the end.
    pub goes_on: Vec<Child>,
}

impl Drop for Stage<'_> {
    fn drop(&mut self) {
        for child in &mut self.goes_on {
            let _ = child.kill();
            let _ = child.wait();
        }
        // Somebody who is frozen can't be asked to end.
        for side in [&mut self.near, &mut self.far, &mut self.third]
            .into_iter()
            .flatten()
        {
            patience::signal(side.process(), Signal::CONT);
        }
    }
}

/// Who gets them may say that nobody listens: that is no reason to end.
const FLOOD: &str = "
import socket, sys
out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
out.connect((sys.argv[1], 9))
packet = bytes(int(sys.argv[2]))
while True:
    try:
        out.send(packet)
    except OSError:
        pass
";
/// How long a tunnel may take to come up.
const ESTABLISH: Duration = Duration::from_secs(12);

impl<'a> Stage<'a> {
    pub fn act(&mut self, act: &Act) -> Result<()> {
        match act {
            Act::Run { host, line } => {
                exec::checked(self.lab.brief(host, "sh").args(["-c", line]))?;
            }
            Act::Drop { host, chain, rule } => {
                let rules = format!(
                    "add table inet fault\nadd chain inet fault {chain} {{ type filter hook {chain} priority 0; policy accept; }}\n\
                     add rule inet fault {chain} {rule} counter drop\n"
                );
                exec::fed(self.lab.brief(host, "nft").args(["-f", "-"]), &rules)?;
            }
            Act::Ping { host, words } => self.ping(host, words)?,
            Act::Flood { host, to, octets } => self.flood(host, to, *octets)?,
            Act::Burn(count) => {
                for _ in 0..*count {
                    let mut command = self.lab.command("west", "taskset");
                    command.args(["-c", "0", "sh", "-c", "while :; do :; done"]);
                    self.goes_on.push(command.stdin(Stdio::null()).spawn()?);
                }
            }
            Act::KeepsToOneProcessor(who) => {
                let process = self.side(*who)?.process().id().to_string();
                let mut command = std::process::Command::new("taskset");
                exec::checked(command.args(["-a", "-c", "-p", "0", &process]))?;
            }
            Act::Wait(seconds) => {
                std::thread::sleep(Duration::from_secs(*seconds) * patience::factor());
            }
            Act::Settle => self.settle()?,
            Act::Forgets(who) => {
                let lab = self.lab;
                self.side(*who)?.forget(lab)?;
            }
            Act::Dies(who) => {
                let process = self.side(*who)?.process();
                process.kill()?;
                process.wait()?;
            }
            Act::Freezes(who) => {
                patience::signal(self.side(*who)?.process(), Signal::STOP);
            }
            Act::Calls(who) => {
                let call = self.side(*who)?.initiate_unwatched()?;
                self.goes_on.push(call);
            }
            Act::HangsUp(who) => self.side(*who)?.delete()?,
            Act::LetsGo(who) => self.side(*who)?.delete_unanswered()?,
            Act::Rekeys(who) => self.side(*who)?.rekey_child("net")?,
            // Who can tell at once that it failed says so, and who can't doesn't.
            Act::TriesToRekey(who) => drop(self.side(*who)?.rekey_child("net")),
            Act::RekeysIke(who) => self.side(*who)?.rekey_ike()?,
        }
        Ok(())
    }

    /// Pings until the end, five times a second.
    pub fn ping(&mut self, host: &str, words: &str) -> Result<()> {
        let mut command = self.lab.command(host, "ping");
        command.args(["-n", "-q", "-i", "0.2"]);
        command.args(words.split_whitespace());
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        self.goes_on.push(command.spawn()?);
        Ok(())
    }

    /// Sends until the end.
    fn flood(&mut self, host: &str, to: &str, octets: usize) -> Result<()> {
        let mut command = self.lab.command(host, "python3");
        command.args(["-c", FLOOD, to, &octets.to_string()]);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        self.goes_on.push(command.spawn()?);
        Ok(())
    }

    fn settle(&self) -> Result<()> {
        let (near, far) = (self.near.as_ref(), self.far.as_ref());
        let (near, far) = (near.context("we don't run")?, far.context("no peer")?);
        let up = |side: &Side<'_>| Ok::<_, anyhow::Error>(!side.snapshot()?.children.is_empty());
        let member = self.third.as_ref().filter(|_| self.awaits_third);
        patience::wait("the tunnel to come up", ESTABLISH, || {
            Ok(up(near)? && up(far)? && member.map_or(Ok(true), up)?)
        })
    }

    fn side(&mut self, who: Who) -> Result<&mut Side<'a>> {
        match who {
            Who::We => self.near.as_mut().context("we don't run"),
            Who::Peer => self.far.as_mut().context("no peer"),
            Who::Third => self.third.as_mut().context("no third gateway"),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn read(text: &str) -> Result<Act, String> {
        Act::try_from(text.to_owned())
    }

    #[test]
    fn acts_are_written_as_one_says_them() {
        assert_eq!(
            read("net: ip link set west mtu 1300").unwrap(),
            Act::Run {
                host: "net".into(),
                line: "ip link set west mtu 1300".into()
            }
        );
        assert_eq!(
            read("drop net forward udp dport 500").unwrap(),
            Act::Drop {
                host: "net".into(),
                chain: Chain::Forward,
                rule: "udp dport 500".into()
            }
        );
        assert_eq!(read("peer forgets").unwrap(), Act::Forgets(Who::Peer));
        assert_eq!(read("we rekey").unwrap(), Act::Rekeys(Who::We));
        assert_eq!(read("third dies").unwrap(), Act::Dies(Who::Third));
        assert_eq!(
            read("flood westlan 10.2.0.2 1200").unwrap(),
            Act::Flood {
                host: "westlan".into(),
                to: "10.2.0.2".into(),
                octets: 1200
            }
        );
        let tries = Act::TriesToRekey(Who::Peer);
        assert_eq!(read("peer tries-to-rekey").unwrap(), tries);
        for wrong in [
            "",
            "somebody dies",
            "drop net sideways udp",
            "wait long",
            "burn all",
            "peer sings",
        ] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
