//! `pmtu-blackhole`: what the device takes doesn't fit into the path once it is protected.

use adit_model::ahead::Ahead as Known;

use super::view::View;
use super::{Ahead, Forewarning};
use crate::verdict::AtFault;

pub(super) static RULE: Ahead = Ahead {
    id: "pmtu-blackhole",
    judge,
};

/// What every IPv6 link carries (RFC 8200 5).
const IPV6_LEAST: u32 = 1280;

fn judge(view: &View<'_>, out: &mut Vec<Forewarning>) {
    for (fact, known) in view.all() {
        let Known::Room {
            child,
            path_mtu,
            overhead,
            fits,
            device_mtu,
            ipv6,
            ..
        } = known
        else {
            continue;
        };
        // What IPv6 needs is cut outside, and the device can't be smaller.
        let tight = device_mtu.filter(|mtu| *mtu > *fits && !(*ipv6 && *mtu == IPV6_LEAST));
        if let Some(device) = tight {
            out.push(
                view.warn(fact, AtFault::Local, format!("packets of {device} octets, which the device takes, don't fit into {path_mtu} octets on the path: protection takes {overhead} and padding, and {fits} are left"))
                    .of_child(child)
                    .then("long packets are cut outside or are lost, where routers or firewalls stop fragments and the ICMP messages about them: small ones pass, transfers hang")
                    .fix(format!("set the MTU of the tunnel's device to {fits} or less (`mtu` of [tunnel.NAME.interface], or a gateway that is started anew now that the path is known)")),
            );
        } else if *ipv6 && *fits < IPV6_LEAST {
            out.push(
                view.warn(fact, AtFault::Path, format!("{fits} octets are left inside of {path_mtu} on the path, and IPv6 needs {IPV6_LEAST}"))
                    .of_child(child)
                    .note()
                    .then("IPv6 packets of 1280 octets are cut outside, which costs throughput and is lost where fragments are stopped")
                    .fix("a longer path MTU, or an algorithm that adds less (aes128gcm16)"),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{causes, connection, of};
    use super::*;

    fn told(path_mtu: u32, fits: u32, device: u32, ipv6: bool, mss: Option<u16>) -> Vec<String> {
        let room = Known::Room {
            child: "lan".to_owned(),
            path_mtu,
            overhead: 60,
            align: 4,
            fits,
            device_mtu: Some(device),
            ipv6,
            mss,
        };
        causes(&of(connection(), vec![room]))
    }

    #[test]
    fn a_device_that_takes_more_than_fits_is_told() {
        assert!(told(1500, 1438, 1438, true, None).is_empty());
        assert!(told(1500, 1438, 1418, true, None).is_empty());
        assert_eq!(told(1400, 1338, 1438, true, None), ["pmtu-blackhole"]);
        assert_eq!(told(1300, 1238, 1280, true, None), ["(pmtu-blackhole)"]);
        assert_eq!(told(1300, 1238, 1280, false, None), ["pmtu-blackhole"]);
    }

    #[test]
    fn segments_that_are_let_through_have_to_fit_too() {
        assert_eq!(
            told(1500, 1438, 1438, false, Some(1460)),
            ["mss-clamp-missing"]
        );
        assert!(told(1500, 1438, 1438, false, Some(1398)).is_empty());
    }
}
