//! `snoop`, of illumos and Solaris: `192.0.2.10 -> 198.51.100.20  ESP SPI=0x11a183ba Replay=15027`.

use std::net::SocketAddr;

use adit_wire::ip::protocol;

use super::super::{IKE_PORT, NAT_T_PORT};
use super::hosts::plausible;
use super::ike::Said;
use super::{Piece, Printed, number};

impl Printed {
    /// Takes in a line of snoop; says whether it was one.
    pub(super) fn snoop_line(&mut self, line: u64, body: &str) -> bool {
        let Some((head, tail)) = body.split_once(" -> ") else {
            return false;
        };
        let Some(from) = head.split_whitespace().next_back().filter(|t| plausible(t)) else {
            return false;
        };
        let tail = tail.trim_start();
        let Some((to, what)) = tail.split_once(char::is_whitespace) else {
            return false;
        };
        if !plausible(to) {
            return false;
        }
        let what = what.trim_start();
        let Some((name, detail)) = what.split_once(' ') else {
            return false;
        };
        let protocol = match name {
            "ESP" => protocol::ESP,
            "AH" => protocol::AH,
            "UDP" => protocol::UDP,
            "TCP" => protocol::TCP,
            "ICMP" => protocol::ICMP,
            _ => return false,
        };
        let detail = detail.trim_start();
        let known = ["SPI=", "IP fragment", "D=", "Echo", "Destination", "Time"];
        if !known.iter().any(|k| detail.starts_with(k)) {
            return false;
        }
        let (from, to) = (self.hosts.host(from), self.hosts.host(to));
        let port = |name| number(detail, name).and_then(|n| u16::try_from(n).ok());
        let ends = (
            SocketAddr::new(
                from,
                port("S=").filter(|_| detail.starts_with("D=")).unwrap_or(0),
            ),
            SocketAddr::new(
                to,
                port("D=").filter(|_| detail.starts_with("D=")).unwrap_or(0),
            ),
        );
        let length = super::length(detail, "LEN=");
        let packet = self.packet(line, ends, length.map_or(0, |l| l.saturating_add(20)));
        if detail.starts_with("IP fragment") {
            let small = |name| number(detail, name).and_then(|n| u32::try_from(n).ok());
            let piece = Piece {
                protocol,
                identification: small("ID=").unwrap_or(0),
                offset: small("Offset=").unwrap_or(0),
                octets: None,
                more: small("MF=") != Some(0),
            };
            self.piece(&packet, &piece);
            return true;
        }
        let sequence = || {
            let spi = number(detail, "SPI=").and_then(|n| u32::try_from(n).ok());
            let replay = number(detail, "Replay=").and_then(|n| u32::try_from(n).ok());
            spi.zip(replay)
        };
        match protocol {
            protocol::ESP | protocol::AH => {
                if let Some((spi, replay)) = sequence() {
                    let name = if protocol == protocol::ESP {
                        "esp"
                    } else {
                        "ah"
                    };
                    self.sorter.sa(name, spi, replay, ends, false, packet.at);
                }
            }
            protocol::UDP => {
                let ports = [ends.0.port(), ends.1.port()];
                if ports.contains(&IKE_PORT) || ports.contains(&NAT_T_PORT) {
                    // Only that it is IKE is told; this system's daemon speaks version 1, and begins with main mode.
                    let octets = length.unwrap_or(8).saturating_sub(8);
                    if ports.contains(&NAT_T_PORT) && octets <= 1 {
                        self.sorter.keepalive(ends, packet.at);
                        return true;
                    }
                    let said = Said {
                        version: 1,
                        exchange: "ID_PROT",
                        octets,
                        marked: ports.contains(&NAT_T_PORT),
                        opens: ports.contains(&IKE_PORT) && !self.ike.goes_on(ends, octets),
                        ..Said::default()
                    };
                    let (message, same) = self.ike.message(&packet, said);
                    self.sorter.message(message, same);
                } else {
                    let ports = (ports[0], ports[1]);
                    self.sorter.outside(protocol, Some(ports), packet.at);
                }
            }
            protocol::TCP => {
                let ports = (ends.0.port(), ends.1.port());
                self.sorter.outside(protocol, Some(ports), packet.at);
            }
            _ => self.sorter.outside(protocol, None, packet.at),
        }
        true
    }
}
