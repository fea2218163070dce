//! What the kernel's IPsec can't do, and so is left to our own data plane.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use adit_kernel::xfrm::{Protection, lacks_algorithm, probe_for};
use adit_kernel::{KernelError, UdpPort};
use adit_model::carriage::{Df, Dscp, Mss, Tfc};
use adit_model::connection::{Child, Connection, Mode};
use adit_model::proposal::{NO_ADDITIONAL, Suite};
use adit_wire::iana::EsnId;

use crate::interfaces;

/// The first thing in `connections` that the kernel can't carry, as half a sentence; `None` when it carries all.
#[must_use]
pub fn obstacle<'a>(connections: impl IntoIterator<Item = &'a Connection>) -> Option<String> {
    connections.into_iter().find_map(|connection| {
        let routed = connection.interface.is_some();
        let of_child =
            |child| of_child(child, routed).map(|why| format!("`{}`, {why}", child.name));
        let why = connection.children.iter().find_map(of_child);
        why.map(|why| format!("tunnel `{}` has {why}", connection.name))
    })
}

/// What of `connections` this kernel can't carry, found out by trying; half a sentence or a whole one. `None` when it can
/// carry all.
#[must_use]
pub fn lacking<'a>(
    connections: impl IntoIterator<Item = &'a Connection> + Clone,
) -> Option<String> {
    if let Some(why) = obstacle(connections.clone()) {
        return Some(why);
    }
    if let Some(routed) = connections
        .clone()
        .into_iter()
        .find(|c| c.interface.is_some())
        && let Err(error) = interfaces::probe_xfrm()
    {
        let tunnel = &routed.name;
        return Some(match error.is_unsupported() {
            true => format!(
                "this kernel lacks XFRM interfaces, which tunnel `{tunnel}` needs for its own ({error})"
            ),
            false => error.to_string(),
        });
    }
    let mut tried = Vec::new();
    for connection in connections {
        for child in &connection.children {
            for suite in suites(child) {
                let Some(protection) = Protection::of(&suite) else {
                    continue;
                };
                let way = (protection, suite.esn);
                if tried.contains(&way) {
                    continue;
                }
                if let Err(error) = probe_for(&protection, suite.esn) {
                    return Some(missing(&error, &suite, connection, child));
                }
                tried.push(way);
            }
        }
    }
    sockets().err().map(|error| error.to_string())
}

/// What a failed probe says about what is configured.
fn missing(error: &KernelError, suite: &Suite, connection: &Connection, child: &Child) -> String {
    if !lacks_algorithm(error) {
        return error.to_string();
    }
    let (tunnel, child) = (&connection.name, &child.name);
    format!("this kernel lacks {suite}, which `{child}` of tunnel `{tunnel}` offers ({error})")
}

/// Tries on sockets of no importance what those of the gateway need.
fn sockets() -> Result<(), KernelError> {
    for any in [
        IpAddr::from(Ipv4Addr::UNSPECIFIED),
        Ipv6Addr::UNSPECIFIED.into(),
    ] {
        match UdpPort::bind(SocketAddr::new(any, 0)) {
            Ok(socket) => {
                socket.bypass_ipsec()?;
                socket.open_esp_in_udp()?;
            }
            // A host without IPv6 (or IPv4) works with the other alone.
            Err(error) if error.is_unsupported() => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn of_child(child: &Child, routed: bool) -> Option<String> {
    let carriage = &child.carriage;
    if matches!(carriage.dscp, Dscp::Fixed(value) if value != 0) {
        return Some("a DSCP of its own outside".to_owned());
    }
    if carriage.df == Df::Set {
        return Some("DF set always".to_owned());
    }
    if matches!(carriage.mss, Mss::AtMost(_)) {
        return Some("an MSS of its own".to_owned());
    }
    if matches!(carriage.tfc, Tfc::Multiple(_)) {
        return Some("padding to multiples of a length".to_owned());
    }
    if !carriage.dummies.is_zero() {
        return Some("dummy packets".to_owned());
    }
    let whole = |list: &[adit_model::selector::Selector]| {
        list.iter()
            .any(|ts| ts.nets().iter().any(|net| net.prefix_len() == 0))
    };
    // What is led into an interface is told apart by that.
    if !routed && child.mode == Mode::Tunnel && whole(&child.local_ts) && whole(&child.remote_ts) {
        return Some("selectors for everything on both sides".to_owned());
    }
    suites(child)
        .find(|suite| Protection::of(suite).is_none())
        .map(|suite| format!("an algorithm that the kernel lacks ({suite})"))
}

fn suites(child: &Child) -> impl Iterator<Item = Suite> {
    child.esp.iter().flat_map(|proposal| {
        let extended = proposal.esn.contains(&EsnId::ESN);
        proposal.encr.iter().flat_map(move |encr| {
            let integ: Vec<_> = if encr.is_aead() || proposal.integ.is_empty() {
                vec![None]
            } else {
                proposal.integ.iter().copied().map(Some).collect()
            };
            integ.into_iter().map(move |integ| Suite {
                encr: *encr,
                prf: None,
                integ,
                ke: None,
                addke: NO_ADDITIONAL,
                esn: extended,
            })
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;
    use adit_model::connection::TunnelInterface;

    #[test]
    fn the_usual_is_carried_and_the_unusual_is_named() {
        let usual = sample::connection("office");
        assert_eq!(obstacle([&usual]), None);

        let mut dressed = usual.clone();
        dressed.children[0].carriage.dscp = Dscp::Fixed(46);
        let said = obstacle([&usual, &dressed]);
        assert_eq!(
            said.as_deref(),
            Some("tunnel `office` has `lan`, a DSCP of its own outside")
        );

        // Tried on a kernel: what it lacks is named, with who wants it.
        let suites: Vec<Suite> = suites(&usual.children[0]).collect();
        let said = |errno| {
            let cause = std::io::Error::from_raw_os_error(errno);
            let error = KernelError::new("add the SA", "", cause);
            missing(&error, &suites[0], &usual, &usual.children[0])
        };
        let lacks = said(libc::ENOSYS);
        let named = format!("lacks {}, which `lan` of tunnel `office` offers", suites[0]);
        assert!(lacks.contains(&named), "{lacks}");
        assert!(
            !said(libc::EPROTONOSUPPORT).contains("offers"),
            "no ESP at all"
        );

        let mut all = usual;
        let any = adit_model::selector::ANY_V4;
        (all.children[0].local_ts, all.children[0].remote_ts) = (vec![any], vec![any]);
        assert!(obstacle([&all]).is_some_and(|why| why.contains("both sides")));
        all.interface = Some(TunnelInterface {
            name: "ipsec7".to_owned(),
            addresses: Vec::new(),
            mtu: None,
            routes: Vec::new(),
        });
        assert_eq!(obstacle([&all]), None, "it says what is the tunnel's");
    }
}
