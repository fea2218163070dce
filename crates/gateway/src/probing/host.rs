//! What this host itself has: the ports of IKE.

use adit_kernel::who_holds_udp_port;
use adit_model::probed::{Check, Outcome};
use adit_model::sign::Sign;

use super::{Situation, sign};

/// Tests of the host as such.
pub(super) fn checks(situation: &Situation) -> Vec<Check> {
    let ports = situation.ports.iter().copied();
    ports.filter(|port| *port != 0).map(port_check).collect()
}

/// Whether somebody else has bound a port of ours. A socket on one address gets that address's packets, and not ours
/// on all.
fn port_check(port: u16) -> Check {
    let id = format!("port-{port}");
    let holders = who_holds_udp_port(port);
    let ours = std::process::id();
    let others: Vec<String> = holders
        .iter()
        .filter(|holder| holder.process.as_ref().is_none_or(|(pid, _)| *pid != ours))
        .map(ToString::to_string)
        .collect();
    if others.is_empty() {
        let summary = if holders.is_empty() {
            format!("nobody listens on UDP {port}")
        } else {
            format!("UDP {port} is held by this gateway alone")
        };
        let outcome = if holders.is_empty() {
            Outcome::Note
        } else {
            Outcome::Well
        };
        return Check::new(&id, outcome, summary);
    }
    let others = others.join(", ");
    let summary = format!("UDP {port} is held by somebody else, too: {others}");
    let port = port.to_string();
    Check::new(&id, Outcome::Finding, summary)
        .fix(format!("end it, or have it use another port: {others}"))
        .value("holders", &others)
        .fact(sign(
            Sign::PortInUse,
            &[("port", &port), ("holder", &others)],
        ))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::net::UdpSocket;
    use std::os::fd::OwnedFd;
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn a_port_that_another_process_holds_is_found_with_its_name() {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let port = socket.local_addr().unwrap().port();
        assert_eq!(port_check(port).outcome, Outcome::Well);
        // Another process gets the socket, and this one lets go of it.
        let mut sleeper = Command::new("sleep")
            .arg("60")
            .stdin(Stdio::from(OwnedFd::from(socket)))
            .spawn()
            .unwrap();
        let check = port_check(port);
        sleeper.kill().unwrap();
        sleeper.wait().unwrap();
        assert_eq!(check.outcome, Outcome::Finding, "{check:?}");
        let pid = format!("pid {}", sleeper.id());
        assert!(check.values["holders"].contains(&pid), "{check:?}");
        assert_eq!(check.facts.len(), 1);
        assert_eq!(port_check(port).outcome, Outcome::Note);
    }
}
