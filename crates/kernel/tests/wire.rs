//! Sockets, captures, NAT and faults, between hosts in private namespaces.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::net::{IpAddr, SocketAddr};

use adit_kernel::filter::{self, Fault};
use adit_kernel::{Capture, EspSocket, PathErrorKind, UdpPort, who_holds_udp_port};
use adit_wire::ip::IpPacket;
use common::{Host, cable, eventually, permitted};

/// Two hosts on one link: 192.0.2.1 and .2, 2001:db8::1 and ::2.
fn pair() -> (Host, Host) {
    let (one, two) = (Host::new(), Host::new());
    cable(&one, "eth0", &two, "eth0");
    one.address("eth0", &["192.0.2.1/24", "192.0.2.11/24", "2001:db8::1/64"]);
    two.address("eth0", &["192.0.2.2/24", "2001:db8::2/64"]);
    (one, two)
}

fn bind(host: &Host, address: &str) -> UdpPort {
    host.run(|| UdpPort::bind(address.parse().unwrap()).unwrap())
}

#[test]
fn a_port_knows_its_local_address_and_answers_from_it() {
    if !permitted("local addresses of datagrams", false) {
        return;
    }
    let (one, two) = pair();
    for (any, ours, theirs) in [
        ("0.0.0.0:500", "192.0.2.11", "192.0.2.2:500"),
        ("[::]:500", "2001:db8::1", "[2001:db8::2]:500"),
    ] {
        let (near, far) = (bind(&one, any), bind(&two, theirs));
        let ours: IpAddr = ours.parse().unwrap();
        far.send(b"hello", SocketAddr::new(ours, 500), None)
            .unwrap();
        let mut buffer = [0; 64];
        let received = eventually("a datagram", || near.receive(&mut buffer).ok());
        assert_eq!(received.payload(&buffer), b"hello");
        assert_eq!(
            (received.to, received.from),
            (ours, theirs.parse().unwrap())
        );
        assert!(!received.truncated && received.interface > 1);

        near.send(b"answer", received.from, Some(received.to))
            .unwrap();
        let answer = eventually("an answer", || far.receive(&mut buffer).ok());
        assert_eq!(answer.from, SocketAddr::new(ours, 500));
        far.send(&[7; 100], SocketAddr::new(ours, 500), None)
            .unwrap();
        assert!(eventually("a long datagram", || near.receive(&mut buffer).ok()).truncated);
    }
}

#[test]
fn a_closed_port_is_reported_and_never_breaks_the_socket() {
    if !permitted("ICMP errors on UDP sockets", false) {
        return;
    }
    let (one, _two) = pair();
    for (ours, theirs) in [
        ("0.0.0.0:0", "192.0.2.2:500"),
        ("[::]:0", "[2001:db8::2]:500"),
    ] {
        let port = bind(&one, ours);
        let to: SocketAddr = theirs.parse().unwrap();
        assert_eq!(port.receive_error().unwrap(), None);
        port.send(b"anyone?", to, None).unwrap();
        let error = eventually("a port-unreachable", || port.receive_error().unwrap());
        assert_eq!(error.kind, PathErrorKind::PortUnreachable);
        assert_eq!(
            (error.offender, error.destination),
            (Some(to.ip()), Some(to))
        );
        // A report must not come out of the next send or receive as its failure.
        for _ in 0..3 {
            port.send(b"again", to, None).unwrap();
        }
        let waiting = port.receive(&mut [0; 10]).unwrap_err();
        assert_eq!(waiting.kind(), std::io::ErrorKind::WouldBlock);
    }
}

#[test]
fn a_dead_host_is_reported_by_this_host() {
    if !permitted("unreachable hosts", false) {
        return;
    }
    let (one, _two) = pair();
    one.run(|| {
        // Three unanswered ARP requests, a second apart by default.
        adit_kernel::sysctl::write("net.ipv4.neigh.eth0.retrans_time_ms", "50").unwrap();
    });
    let port = bind(&one, "0.0.0.0:0");
    port.send(b"anyone?", "192.0.2.99:500".parse().unwrap(), None)
        .unwrap();
    let error = eventually("a host-unreachable", || port.receive_error().unwrap());
    assert_eq!(error.kind, PathErrorKind::HostUnreachable);
    assert_eq!(error.destination, Some("192.0.2.99:500".parse().unwrap()));
}

#[test]
fn a_packet_too_big_names_the_mtu() {
    if !permitted("path MTU errors", false) {
        return;
    }
    let (one, _two) = pair();
    let port = bind(&one, "0.0.0.0:0");
    port.set_dont_fragment(true).unwrap();
    let to = "192.0.2.2:500".parse().unwrap();
    let refused = port.send(&[0; 1600], to, None).unwrap_err();
    assert_eq!(refused.raw_os_error(), Some(libc::EMSGSIZE));
    let error = port.receive_error().unwrap().unwrap();
    assert_eq!(error.kind, PathErrorKind::FragNeeded { mtu: 1500 });
    port.set_dont_fragment(false).unwrap();
    assert_eq!(port.send(&[0; 1600], to, None).unwrap(), 1600);
}

#[test]
fn a_taken_port_says_who_holds_it() {
    if !permitted("who holds a port", false) {
        return;
    }
    let host = Host::new();
    let _first = bind(&host, "127.0.0.1:500");
    let refused = host.run(|| UdpPort::bind("127.0.0.1:500".parse().unwrap()).unwrap_err());
    assert_eq!(refused.errno, Some(libc::EADDRINUSE));
    let hint = refused.hint.unwrap();
    let me = format!("(pid {}) on 127.0.0.1:500", std::process::id());
    assert!(hint.starts_with("held by ") && hint.contains(&me), "{hint}");
    assert_eq!(host.run(|| who_holds_udp_port(500)).len(), 1);
    assert_eq!(host.run(|| who_holds_udp_port(501)).len(), 0);
}

/// Sockets that share a port would take in any other that wants to share it.
#[test]
fn a_port_that_several_sockets_share_is_shared_with_nobody_else() {
    if !permitted("a port that is shared", false) {
        return;
    }
    let host = Host::new();
    let several = |address: &str| {
        let address = address.parse().unwrap();
        host.run(|| UdpPort::bind_several(address, 3))
    };
    for address in ["0.0.0.0:4500", "[::]:4500"] {
        let ours = several(address).unwrap();
        assert_eq!(ours.len(), 3);
        let refused = several(address).unwrap_err();
        assert_eq!(refused.errno, Some(libc::EADDRINUSE));
        let me = format!("(pid {})", std::process::id());
        assert!(refused.hint.unwrap().contains(&me));
        drop(ours);
        assert!(several(address).is_ok());
    }
}

/// Whether routers may cut a packet is settled by the socket that it leaves by, for good.
#[test]
fn one_socket_lets_packets_be_cut_and_one_does_not() {
    if !permitted("DF of what is sent", false) {
        return;
    }
    let (one, two) = pair();
    let tap = two.run(|| Capture::open(Some("eth0")).unwrap());
    let mut ports = one
        .run(|| UdpPort::bind_several("0.0.0.0:4500".parse().unwrap(), 2))
        .unwrap();
    let (uncut, cut) = (ports.pop().unwrap(), ports.pop().unwrap());
    cut.mind_the_path(false).unwrap();
    uncut.mind_the_path(true).unwrap();
    let to = "192.0.2.2:4500".parse().unwrap();
    for (port, octets, df) in [(&cut, 100, false), (&uncut, 100, true)] {
        port.send(&vec![0x55; octets], to, None).unwrap();
        let mut buffer = [0; 4096];
        let found = eventually("the packet", || {
            let frame = tap.receive(&mut buffer).ok()?;
            let packet = IpPacket::parse(frame.ip_packet(&buffer)?).ok()?;
            (packet.protocol == 17).then_some(packet.dont_fragment)
        });
        assert_eq!(found, df);
    }
    let refused = uncut.send(&[0; 1600], to, None).unwrap_err();
    assert_eq!(refused.raw_os_error(), Some(libc::EMSGSIZE));
    assert_eq!(cut.send(&[0; 1600], to, None).unwrap(), 1600);
}

#[test]
fn plain_esp_travels_without_its_ip_header() {
    if !permitted("plain ESP", false) {
        return;
    }
    let (one, two) = pair();
    for (ours, theirs) in [("192.0.2.11", "192.0.2.2"), ("2001:db8::1", "2001:db8::2")] {
        let (ours, theirs): (IpAddr, IpAddr) = (ours.parse().unwrap(), theirs.parse().unwrap());
        let open = |host: &Host, address| host.run(|| EspSocket::bind(address).unwrap());
        let (near, far) = (open(&one, ours), open(&two, theirs));
        let packet = [
            &0x1234_5678u32.to_be_bytes()[..],
            &[0, 0, 0, 1],
            &[0xaa; 24],
        ]
        .concat();
        near.send(&packet, theirs, None).unwrap();
        let mut buffer = [0; 200];
        let received = eventually("an ESP packet", || far.receive(&mut buffer).ok());
        assert_eq!(received.payload(&buffer), packet);
        assert_eq!((received.from.ip(), received.to), (ours, theirs));
    }
}

#[test]
fn a_host_that_takes_no_esp_says_so() {
    if !permitted("ICMP errors on ESP sockets", false) {
        return;
    }
    let (one, _two) = pair();
    for (ours, theirs) in [("192.0.2.1", "192.0.2.2"), ("2001:db8::1", "2001:db8::2")] {
        let theirs: IpAddr = theirs.parse().unwrap();
        let socket = one.run(|| EspSocket::bind(ours.parse().unwrap()).unwrap());
        socket.send(&[1; 32], theirs, None).unwrap();
        let error = eventually("a protocol-unreachable", || socket.receive_error().unwrap());
        assert_eq!(error.kind, PathErrorKind::ProtocolUnreachable);
        assert_eq!(error.destination.unwrap().ip(), theirs);
    }
}

#[test]
fn a_capture_sees_both_directions_with_time_and_interface() {
    if !permitted("packet capture", false) {
        return;
    }
    let (one, two) = pair();
    let before = std::time::SystemTime::now();
    let capture = one.run(|| Capture::open(Some("eth0")).unwrap());
    let everything = one.run(|| Capture::open(None).unwrap());
    let port = bind(&two, "192.0.2.2:500");
    bind(&one, "192.0.2.1:500")
        .send(b"hello", "192.0.2.2:500".parse().unwrap(), None)
        .unwrap();
    eventually("the datagram", || port.receive(&mut [0; 10]).ok());
    assert!(one.reaches("127.0.0.1"));

    let mut buffer = [0; 2000];
    let mut frames = Vec::new();
    while let Ok(frame) = capture.receive(&mut buffer) {
        assert!(frame.at >= before && frame.hardware == 1);
        frames.push((
            frame.protocol,
            frame.outgoing,
            frame.ip_packet(&buffer).map(<[u8]>::to_vec),
        ));
    }
    let (_, _, sent) = frames
        .iter()
        .find(|(protocol, outgoing, _)| *protocol == 0x0800 && *outgoing)
        .unwrap();
    assert!(sent.as_ref().unwrap().ends_with(b"hello"));
    assert!(
        frames
            .iter()
            .any(|(protocol, outgoing, _)| *protocol == 0x0806 && !outgoing),
        "the ARP answer"
    );

    let mut interfaces = Vec::new();
    while let Ok(frame) = everything.receive(&mut buffer) {
        interfaces.push(frame.interface);
    }
    assert!(interfaces.contains(&1) && interfaces.iter().any(|index| *index > 1));
    let (captured, lost) = capture.statistics().unwrap();
    assert!(captured >= 1 && lost == 0);
    let missing = one.run(|| Capture::open(Some("eth9")).unwrap_err());
    assert!(missing.is_not_found());
}

#[test]
fn a_nat_hides_the_source() {
    if !permitted("masquerading", false) {
        return;
    }
    let (inside, nat, outside) = (Host::new(), Host::forwarding(), Host::new());
    cable(&inside, "eth0", &nat, "in0");
    cable(&nat, "out0", &outside, "eth0");
    inside.address("eth0", &["10.0.0.2/24"]);
    nat.address("in0", &["10.0.0.1/24"]);
    nat.address("out0", &["203.0.113.1/24"]);
    outside.address("eth0", &["203.0.113.2/24"]);
    inside.route("0.0.0.0/0", "10.0.0.1");
    // The outside has no way back to 10.0.0.0/24.
    assert!(!inside.reaches("203.0.113.2"));
    for _ in 0..2 {
        nat.run(|| filter::masquerade("adit-nat", "out0").unwrap());
    }
    assert!(inside.reaches("203.0.113.2"));
    let (near, far) = (
        bind(&inside, "10.0.0.2:500"),
        bind(&outside, "203.0.113.2:500"),
    );
    near.send(b"hello", far.local(), None).unwrap();
    let received = eventually("a datagram", || far.receive(&mut [0; 10]).ok());
    assert_eq!(received.from.ip().to_string(), "203.0.113.1");
    assert!(nat.run(|| filter::remove("adit-nat").unwrap()));
    assert!(!nat.run(|| filter::remove("adit-nat").unwrap()));
}

#[test]
fn faults_drop_just_what_they_name() {
    if !permitted("injected faults", false) {
        return;
    }
    let (one, router, two) = (Host::new(), Host::forwarding(), Host::new());
    cable(&one, "eth0", &router, "a");
    cable(&router, "b", &two, "eth0");
    one.address("eth0", &["192.0.2.2/24"]);
    router.address("a", &["192.0.2.1/24"]);
    router.address("b", &["198.51.100.1/24"]);
    two.address("eth0", &["198.51.100.2/24"]);
    one.route("0.0.0.0/0", "192.0.2.1");
    two.route("0.0.0.0/0", "198.51.100.1");
    let ports = [500, 4500].map(|port| {
        let at = |host, address: &str| bind(host, &format!("{address}:{port}"));
        (at(&one, "192.0.2.2"), at(&two, "198.51.100.2"))
    });
    let esp = |host: &Host, address: &str| {
        host.run(|| EspSocket::bind(address.parse().unwrap()).unwrap())
    };
    let (esp_one, esp_two) = (esp(&one, "192.0.2.2"), esp(&two, "198.51.100.2"));
    // Which of UDP 500, UDP 4500, ESP and ping get through. The ping comes last, so the others have had their time.
    let passing = || {
        for (near, far) in &ports {
            near.send(b"x", far.local(), None).unwrap();
        }
        esp_one.send(&[1; 32], esp_two.local(), None).unwrap();
        let echo = one.reaches("198.51.100.2");
        let mut buffer = [0; 100];
        let mut got = |(_, far): &(UdpPort, UdpPort)| far.receive(&mut buffer).is_ok();
        let udp = (got(&ports[0]), got(&ports[1]));
        (udp.0, udp.1, esp_two.receive(&mut buffer).is_ok(), echo)
    };
    let fault =
        |faults: &[Fault]| router.run(|| filter::drop_traffic("adit-fault", faults).unwrap());
    assert_eq!(passing(), (true, true, true, true));
    fault(&[Fault::UdpPort(500)]);
    assert_eq!(passing(), (false, true, true, true));
    assert_eq!(
        router
            .run(|| filter::dropped("adit-fault").unwrap())
            .packets,
        1
    );
    fault(&[Fault::UdpPort(4500), Fault::Esp]);
    assert_eq!(passing(), (true, false, false, true));
    fault(&[Fault::Host("198.51.100.2".parse().unwrap())]);
    assert_eq!(passing(), (false, false, false, false));
    fault(&[Fault::All]);
    assert_eq!(passing(), (false, false, false, false));
    assert!(router.run(|| filter::remove("adit-fault").unwrap()));
    assert_eq!(passing(), (true, true, true, true));
}
