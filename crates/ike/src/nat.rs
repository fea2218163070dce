//! NAT detection and the move to port 4500 (RFC 7296 2.23).

use std::net::{IpAddr, SocketAddr};

use adit_crypto::sha1;
use adit_wire::iana::NotifyType;
use adit_wire::v2::{IkeSpi, Notify, Payload, PayloadList};

use crate::head::NetPath;
use crate::settings::Settings;
use crate::snapshot::NatStatus;

/// SHA-1(SPIi | SPIr | address | port).
fn digest(spis: (IkeSpi, IkeSpi), end: SocketAddr) -> [u8; 20] {
    let (spi_i, spi_r) = (spis.0.to_bytes(), spis.1.to_bytes());
    let port = end.port().to_be_bytes();
    match end.ip() {
        IpAddr::V4(a) => sha1(&[&spi_i, &spi_r, &a.octets(), &port]),
        IpAddr::V6(a) => sha1(&[&spi_i, &spi_r, &a.octets(), &port]),
    }
}

/// The two notifies for a message with these SPIs in its header. With `pretend`, our own address is hidden behind a
/// hash that fits nothing: the peer will find us behind a NAT and encapsulate.
pub(crate) fn payloads(spis: (IkeSpi, IkeSpi), path: NetPath, pretend: bool) -> [Payload; 2] {
    let mut source = digest(spis, path.local);
    if pretend {
        source = sha1(&[&source]);
    }
    let notify = |kind, hash: [u8; 20]| Payload::Notify(Notify::with_data(kind, hash.to_vec()));
    [
        notify(NotifyType::NAT_DETECTION_SOURCE_IP, source),
        notify(
            NotifyType::NAT_DETECTION_DESTINATION_IP,
            digest(spis, path.remote),
        ),
    ]
}

/// What the notifies of a received message say about the path it came over. A sender may list several source
/// addresses; one that fits is enough.
pub(crate) fn detect(received: &PayloadList, spis: (IkeSpi, IkeSpi), path: NetPath) -> NatStatus {
    let hashes = |kind| {
        received
            .notifies()
            .filter(move |n| n.kind == kind)
            .map(|n| n.data.as_slice())
            .collect::<Vec<_>>()
    };
    let sources = hashes(NotifyType::NAT_DETECTION_SOURCE_IP);
    let destinations = hashes(NotifyType::NAT_DETECTION_DESTINATION_IP);
    let peer_supports = !sources.is_empty() && !destinations.is_empty();
    let differs = |list: &[&[u8]], end| {
        let expected = digest(spis, end);
        peer_supports && !list.iter().any(|hash| *hash == expected)
    };
    NatStatus {
        peer_supports,
        local_behind_nat: differs(&destinations, path.local),
        remote_behind_nat: differs(&sources, path.remote),
    }
}

/// What a message says of the address and port that it was sent to, which is where its sender sees us.
pub(crate) fn destination(received: &PayloadList) -> Option<&[u8]> {
    let notify = received.notify(NotifyType::NAT_DETECTION_DESTINATION_IP)?;
    Some(&notify.data)
}

/// Whether a hash of such a notify is that of `end`.
pub(crate) fn is_at(hash: &[u8], spis: (IkeSpi, IkeSpi), end: SocketAddr) -> bool {
    hash == digest(spis, end)
}

/// The path after the move to port 4500. A peer on an unusual port keeps it: somebody forwards it on purpose.
pub(crate) fn floated(path: NetPath, settings: &Settings) -> NetPath {
    let NetPath {
        mut local,
        mut remote,
    } = path;
    local.set_port(settings.nat_port);
    if remote.port() == settings.ike_port {
        remote.set_port(settings.nat_port);
    }
    NetPath { local, remote }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn path(local: &str, remote: &str) -> NetPath {
        NetPath {
            local: local.parse().unwrap(),
            remote: remote.parse().unwrap(),
        }
    }

    #[test]
    fn a_translated_source_is_the_senders_nat() {
        let spis = (IkeSpi(1), IkeSpi(2));
        let sent = path("10.0.0.2:500", "192.0.2.1:500");
        let list: PayloadList = payloads(spis, sent, false).into_iter().collect();

        let plain = detect(&list, spis, path("192.0.2.1:500", "10.0.0.2:500"));
        assert!(plain.peer_supports && !plain.found());
        let natted = detect(&list, spis, path("192.0.2.1:500", "198.51.100.7:1024"));
        assert!(natted.remote_behind_nat && !natted.local_behind_nat);
        let port_forwarded = detect(&list, spis, path("10.9.9.9:500", "10.0.0.2:500"));
        assert!(port_forwarded.local_behind_nat && !port_forwarded.remote_behind_nat);

        let pretended: PayloadList = payloads(spis, sent, true).into_iter().collect();
        assert!(detect(&pretended, spis, path("192.0.2.1:500", "10.0.0.2:500")).remote_behind_nat);
        assert_eq!(
            detect(&PayloadList::default(), spis, sent),
            NatStatus::default()
        );
    }

    #[test]
    fn both_ports_float_unless_the_peers_is_unusual() {
        let settings = Settings::default();
        assert_eq!(
            floated(path("10.0.0.2:500", "192.0.2.1:500"), &settings),
            path("10.0.0.2:4500", "192.0.2.1:4500")
        );
        assert_eq!(
            floated(path("10.0.0.2:500", "192.0.2.1:7777"), &settings),
            path("10.0.0.2:4500", "192.0.2.1:7777")
        );
    }
}
