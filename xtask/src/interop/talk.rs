//! Single flows between hosts of the lab, by ping or TCP.

use std::fmt;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde::Deserialize;

use super::lab::Lab;
use crate::exec;

/// `westlan > 10.2.0.2`, `westlan > 10.2.0.2 tcp 22`, `west > 10.2.0.2 as 10.1.0.1`, `westlan > 10.2.0.2 tcp 22 by ssh`: who asks whom for what, and
/// which child is to carry it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Flow {
    from: String,
    to: String,
    port: Option<u16>,
    /// The sender's address, for pings.
    source: Option<String>,
    pub child: Option<String>,
}

impl TryFrom<String> for Flow {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let wrong = || format!("{text:?} is no flow");
        let (from, rest) = text.split_once(" > ").ok_or_else(wrong)?;
        let mut words = rest.split(' ');
        let mut flow = Self {
            from: from.to_owned(),
            to: words.next().ok_or_else(wrong)?.to_owned(),
            port: None,
            source: None,
            child: None,
        };
        while let Some(word) = words.next() {
            let value = words.next().ok_or_else(wrong)?;
            match word {
                "tcp" => flow.port = Some(value.parse().map_err(|_| wrong())?),
                "as" => flow.source = Some(value.to_owned()),
                "by" => flow.child = Some(value.to_owned()),
                _ => return Err(wrong()),
            }
        }
        Ok(flow)
    }
}

impl fmt::Display for Flow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} > {}", self.from, self.to)?;
        self.port.map_or(Ok(()), |port| write!(f, " tcp {port}"))
    }
}

impl Flow {
    /// Whether it is answered within the time; the first packets may be lost.
    pub fn works(&self, lab: &Lab, patience: Duration) -> Result<bool> {
        let deadline = Instant::now() + patience;
        loop {
            let answered = match self.port {
                Some(port) => self.connects(lab, port)?,
                None => {
                    exec::output(
                        lab.brief(&self.from, "ping")
                            .args(["-n", "-q", "-c", "1", "-W", "1"])
                            .args(self.source.iter().flat_map(|source| ["-I", source]))
                            .arg(&self.to),
                    )?
                    .success
                }
            };
            if answered || Instant::now() >= deadline {
                return Ok(answered);
            }
        }
    }

    fn connects(&self, lab: &Lab, port: u16) -> Result<bool> {
        let host = owner(lab, &self.to)?;
        let to = SocketAddr::new(self.to.parse().context("not an address")?, port);
        // Its queue takes the connection; nobody has to accept it.
        let _listener = within(lab, &host, move || TcpListener::bind(to))??;
        let second = Duration::from_secs(1);
        Ok(within(lab, &self.from, move || {
            TcpStream::connect_timeout(&to, second)
        })?
        .is_ok())
    }
}

/// The host of the lab that has this address.
fn owner(lab: &Lab, address: &str) -> Result<String> {
    for host in ["westlan", "eastlan", "west", "east"] {
        let listing = exec::checked(lab.brief(host, "ip").args(["-o", "addr"]))?.stdout;
        if listing.contains(&format!(" {address}/")) {
            return Ok(host.to_owned());
        }
    }
    anyhow::bail!("no host has {address}")
}

/// Runs on a thread that has moved into the namespace of a host.
fn within<T: Send>(lab: &Lab, host: &str, act: impl FnOnce() -> T + Send) -> Result<T> {
    let file = Path::new("/run/netns").join(lab.namespace(host));
    let space = std::fs::File::open(&file).with_context(|| file.display().to_string())?;
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| -> Result<T> {
            let kind = rustix::thread::LinkNameSpaceType::Network;
            rustix::thread::move_into_link_name_space(space.as_fd(), Some(kind))?;
            Ok(act())
        });
        thread
            .join()
            .map_err(|_| anyhow::anyhow!("a thread in {host} died"))?
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flows_read() {
        let flow = Flow::try_from("westlan > 10.2.0.2 tcp 22 by ssh".to_owned()).unwrap();
        assert_eq!((flow.port, flow.child.as_deref()), (Some(22), Some("ssh")));
        assert_eq!(flow.to_string(), "westlan > 10.2.0.2 tcp 22");
        assert!(Flow::try_from("westlan 10.2.0.2".to_owned()).is_err());
        assert!(Flow::try_from("a > b udp 1".to_owned()).is_err());
    }
}
