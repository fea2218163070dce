//! The way between two gateways as it is: a router in it with a narrower link, and marks on the outside of packets.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod joined;
mod narrow;
mod stream;
mod world;

use std::net::{IpAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use adit_kernel::netlink::Route;
use adit_kernel::ping::{PingOptions, PingOutcome, ping};
use adit_kernel::tun::HEADER_LENGTH;
use adit_kernel::{Capture, NetNs, Netlink, PathErrorKind, Tun, TunConfig};
use adit_model::drops::DropReason;
use adit_wire::icmp::{Family, IcmpMessage};
use adit_wire::ip::{IpPacket, emit_packet, protocol, set_traffic_class};
use joined::{KEY, both_up};
use narrow::{narrow, squeeze, unplug};
use world::{At, World, address, eventually, permitted};

/// How the gateways talk to each other.
#[derive(Clone, Copy, Debug)]
struct Outside {
    v6: bool,
    encap: bool,
}

impl Outside {
    const ALL: [Self; 4] = [
        Self::new(false, false),
        Self::new(false, true),
        Self::new(true, false),
        Self::new(true, true),
    ];

    const fn new(v6: bool, encap: bool) -> Self {
        Self { v6, encap }
    }

    /// Octets around an inner packet: IP, UDP, ESP, trailer.
    fn overhead(self) -> u32 {
        let (ip, udp) = (
            if self.v6 { 40 } else { 20 },
            if self.encap { 8 } else { 0 },
        );
        ip + udp + 8 + 8 + 16 + 2
    }

    fn configure(self, world: &World, at: At, child: &str) {
        world.configure_with(at, KEY, |text| {
            let text = if self.v6 {
                text.replace("192.0.2.", "2001:db8::")
            } else {
                text
            };
            let encap = if self.encap {
                "force_encap = true\n"
            } else {
                ""
            };
            text.replace("start =", &format!("{encap}start =")) + child
        });
    }
}

/// What becomes of an echo request whose whole packet has so many octets and mustn't be cut.
fn echo(from: &NetNs, to: &str, octets: u32) -> Option<PingOutcome> {
    let to: IpAddr = to.parse().unwrap();
    let headers = if to.is_ipv4() { 28 } else { 48 };
    let options = PingOptions {
        timeout: Duration::from_millis(300),
        size: usize::try_from(octets - headers).unwrap(),
        dont_fragment: true,
        ..PingOptions::default()
    };
    // Its own kernel refuses what it has been told not to send.
    from.run(|| ping(to, &options).ok()).unwrap()
}

fn passes(from: &NetNs, to: &str, octets: u32) -> bool {
    matches!(echo(from, to, octets), Some(PingOutcome::Reply { .. }))
}

/// The size that who sends too long packets is told.
fn told(from: &NetNs, to: &str, octets: u32) -> Option<u32> {
    eventually(Duration::from_secs(5), || match echo(from, to, octets) {
        Some(PingOutcome::Error(error)) => match error.kind {
            PathErrorKind::FragNeeded { mtu } => Some(mtu),
            _ => None,
        },
        _ => None,
    })
}

/// Whether one TCP connection from west carries what it is given.
fn tcp_passes(world: &World, to: &str) -> bool {
    stream::tcp_passes(
        &world.west_lan,
        &world.east_lan,
        to,
        Duration::from_secs(10),
    )
}

/// RFC 4301 8.2: what a router says about an ESP packet reaches the host whose packet was too long.
#[test]
fn a_router_with_a_narrower_link_is_heard_and_hosts_are_told() {
    if !permitted("a narrower link in the path") {
        return;
    }
    for outside in Outside::ALL {
        let (world, _router) = narrow("narrow", 1400);
        outside.configure(&world, At::West, "df = \"set\"\n");
        outside.configure(&world, At::East, "df = \"set\"\n");
        let (west, _east) = both_up(&world);
        // Nobody has told TCP yet, and its segments are too long.
        assert!(
            tcp_passes(&world, "10.2.0.2"),
            "{outside:?}: {}",
            west.log()
        );
        let said = "are at most 1400 octets long now";
        assert!(west.log().contains(said), "{outside:?}: {}", west.log());
        let fits = 1400 - outside.overhead();
        let mtu = told(&world.west_lan, "10.2.0.2", 1410);
        // ESP aligns what it seals to four octets.
        let near = |mtu: u32| (fits - 3..=fits).contains(&mtu);
        assert!(mtu.is_some_and(near), "{outside:?}: {mtu:?}, not {fits}");
        let fits = mtu.unwrap();
        assert!(passes(&world.west_lan, "10.2.0.2", fits), "{outside:?}");
        assert!(
            tcp_passes(&world, "fd00:2::2"),
            "{outside:?}: {}",
            west.log()
        );
    }
}

/// RFC 8201 4, RFC 4459 3.2: a path that takes no more than every link of IPv6 does carries IPv6 all the same.
#[test]
fn ipv6_passes_a_path_that_is_too_narrow_for_it() {
    if !permitted("a path of 1280 octets") {
        return;
    }
    for outside in [
        Outside::new(true, false),
        Outside::new(true, true),
        Outside::new(false, true),
    ] {
        let (world, _router) = narrow("least", 1280);
        // What it sends back is as long.
        squeeze(&world.east, "wan", 1280);
        outside.configure(&world, At::West, "df = \"set\"\n");
        outside.configure(&world, At::East, "df = \"set\"\n");
        let (west, _east) = both_up(&world);
        let mtu = told(&world.west_lan, "fd00:2::2", 1400);
        assert_eq!(mtu, Some(1280), "{outside:?}: {}", west.log());
        let whole = eventually(Duration::from_secs(5), || {
            passes(&world.west_lan, "fd00:2::2", 1280).then_some(())
        });
        assert!(whole.is_some(), "{outside:?}: {}", west.log());
        assert!(
            tcp_passes(&world, "fd00:2::2"),
            "{outside:?}: {}",
            west.log()
        );
    }
}

/// What anybody may say who knows the gateways' addresses.
#[test]
fn abuse_94_a_forged_word_about_the_path_changes_nothing() {
    if !permitted("forged ICMP") {
        return;
    }
    for outside in [Outside::new(false, false), Outside::new(false, true)] {
        let (world, router) = narrow("forged", 1500);
        outside.configure(&world, At::West, "df = \"set\"\n");
        outside.configure(&world, At::East, "");
        let (mut west, _east) = both_up(&world);
        let largest = 1400;
        assert!(
            passes(&world.west_lan, "10.2.0.2", largest),
            "{}",
            west.log()
        );
        let tunnel = west.client().status(None).unwrap().tunnels.remove(0);
        let ours = u32::from_str_radix(tunnel.children[0].spi_out.as_ref().unwrap(), 16).unwrap();
        // Under an SPI that isn't ours, and about a packet to somebody else.
        for (spi, to) in [(ours ^ 1, "192.0.2.2"), (ours, "192.0.2.9")] {
            let message = too_big(outside, spi, to);
            let send = || {
                let tun = Tun::create(&TunConfig::new("liar")).unwrap();
                for _ in 0..5 {
                    tun.write_packet(&message).unwrap();
                }
                // It is forwarded at once.
                std::thread::sleep(Duration::from_millis(100));
            };
            router.run(send).unwrap();
        }
        assert!(
            passes(&world.west_lan, "10.2.0.2", largest),
            "{}",
            west.log()
        );
        assert!(!west.log().contains("octets long now"), "{}", west.log());
    }
}

/// A router's message that a packet of West under `spi` to `to` was longer than 600 octets.
fn too_big(outside: Outside, spi: u32, to: &str) -> Vec<u8> {
    let west: IpAddr = "192.0.2.1".parse().unwrap();
    let router: IpAddr = "198.51.100.2".parse().unwrap();
    let mut body = Vec::new();
    if outside.encap {
        for port in [4500_u16, 4500] {
            body.extend(port.to_be_bytes());
        }
        body.extend([0x05, 0x00, 0, 0]);
    }
    body.extend(spi.to_be_bytes());
    body.resize(64, 0x33);
    let number = if outside.encap {
        protocol::UDP
    } else {
        protocol::ESP
    };
    let mut quoted = Vec::new();
    emit_packet(west, to.parse().unwrap(), number, &body, &mut quoted).unwrap();
    let message = IcmpMessage::Unreachable {
        code: 4,
        detail: 600,
        quoted,
    };
    let family = Family::of(router, west);
    let (mut inner, mut out) = (Vec::new(), Vec::new());
    message.emit(family, &mut inner).unwrap();
    emit_packet(router, west, family.protocol(), &inner, &mut out).unwrap();
    out
}

/// A wire of IPv4 between the gateways that shows the outside of protected packets and may mark them.
struct Wire {
    stop: Arc<AtomicBool>,
    marks: Arc<AtomicBool>,
    /// Traffic classes of protected packets from west, and from east.
    seen: Arc<Mutex<[Vec<u8>; 2]>>,
    thread: Option<JoinHandle<()>>,
}

const CE: u8 = 0b11;
const ECT: u8 = 0b10;

impl Wire {
    fn between(world: &World) -> Self {
        unplug(world);
        let end = |ns: &NetNs, net: &str, via: &str| {
            let config = TunConfig::new("wan").with_mtu(1500);
            let tun = ns.run(|| Tun::create(&config).unwrap()).unwrap();
            address(ns, "wan", &[net]);
            let route = || {
                let mut netlink = Netlink::open().unwrap();
                let all = Route::to_gateway("0.0.0.0/0".parse().unwrap(), via.parse().unwrap());
                netlink.replace_route(&all).unwrap();
            };
            ns.run(route).unwrap();
            tun
        };
        let ends = [
            end(&world.west, "192.0.2.1/24", "192.0.2.2"),
            end(&world.east, "192.0.2.2/24", "192.0.2.1"),
        ];
        let (stop, marks) = (
            Arc::new(AtomicBool::new(false)),
            Arc::new(AtomicBool::new(false)),
        );
        let seen: Arc<Mutex<[Vec<u8>; 2]>> = Arc::default();
        let (ended, marking, kept) = (Arc::clone(&stop), Arc::clone(&marks), Arc::clone(&seen));
        let thread = std::thread::spawn(move || {
            let mut buffer = vec![0; 70_000];
            while !ended.load(Ordering::Relaxed) {
                let mut idle = true;
                for (from, to) in [(0, 1), (1, 0)] {
                    while let Ok(length) = ends[from].read(&mut buffer) {
                        idle = false;
                        let packet = &mut buffer[HEADER_LENGTH..length];
                        let Ok(ip) = IpPacket::parse(packet) else {
                            continue;
                        };
                        let ports = ip.payload().first_chunk() == Some(&4500_u16.to_be_bytes());
                        let (class, marker) = (ip.traffic_class, ip.payload().get(8..12));
                        let ike = ip.protocol == protocol::UDP && marker == Some(&[0; 4]);
                        if !ike && (ip.protocol == protocol::ESP || ports) {
                            kept.lock().unwrap()[from].push(class);
                            if marking.load(Ordering::Relaxed) {
                                // Who marks congestion may think little of classes.
                                set_traffic_class(packet, CE);
                            }
                        }
                        ends[to].write_packet(packet).unwrap();
                    }
                }
                if idle {
                    std::thread::sleep(Duration::from_micros(200));
                }
            }
        });
        Self {
            stop,
            marks,
            seen,
            thread: Some(thread),
        }
    }

    fn marks(&self, on: bool) {
        self.marks.store(on, Ordering::Relaxed);
    }

    /// Traffic classes seen since the last call.
    fn take(&self) -> [Vec<u8>; 2] {
        std::mem::take(&mut self.seen.lock().unwrap())
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let _ = self.thread.take().unwrap().join();
    }
}

/// Sends a datagram with this traffic class; that with which it arrives, `None` if it doesn't.
fn arrives(from: &NetNs, (to, address): (&NetNs, &str), class: u8) -> Option<u8> {
    let tap = to.run(|| Capture::open(Some("eth0")).unwrap()).unwrap();
    let send = || {
        let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
        rustix::net::sockopt::set_ip_tos(&socket, class).unwrap();
        socket.send_to(b"marked?", (address, 7002)).unwrap();
    };
    from.run(send).unwrap();
    let end = Instant::now() + Duration::from_millis(500);
    let mut buffer = vec![0; 4096];
    while Instant::now() < end {
        if let Ok(frame) = tap.receive(&mut buffer)
            && let Some(Ok(ip)) = frame.ip_packet(&buffer).map(IpPacket::parse)
            && ip.protocol == protocol::UDP
            && ip.destination.to_string() == address
        {
            return Some(ip.traffic_class);
        }
    }
    None
}

/// RFC 6040, RFC 2983.
#[test]
fn abuse_99_real_outer_headers_show_what_is_configured_and_marks_come_in() {
    if !permitted("marks on the outside") {
        return;
    }
    const EF: u8 = 46 << 2;
    for outside in [Outside::new(false, false), Outside::new(false, true)] {
        let world = World::new("marks");
        let wire = Wire::between(&world);
        outside.configure(&world, At::West, "");
        outside.configure(&world, At::East, "dscp = 8\n");
        let (west, mut east) = both_up(&world);
        let (eastbound, westbound) = ((&world.east_lan, "10.2.0.2"), (&world.west_lan, "10.1.0.2"));
        wire.take();
        for class in [0, EF, EF | ECT, ECT] {
            let arrived = arrives(&world.west_lan, eastbound, class);
            assert_eq!(arrived, Some(class), "{outside:?}: {}", west.log());
            assert_eq!(wire.take()[0], [class], "as the inner one's");
        }
        let arrived = arrives(&world.east_lan, westbound, EF | ECT);
        assert_eq!(arrived, Some(EF | ECT), "{outside:?}: {}", west.log());
        let [_, from_east] = wire.take();
        // There may be an ICMP error about the other direction's datagrams among them.
        assert!(from_east.contains(&(8 << 2 | ECT)), "{from_east:?}");
        assert!(
            from_east.iter().all(|class| class >> 2 == 8),
            "{from_east:?}"
        );

        wire.marks(true);
        let arrived = arrives(&world.west_lan, eastbound, EF | ECT);
        assert_eq!(
            arrived,
            Some(EF | CE),
            "{outside:?}: the mark, and no class"
        );
        let arrived = arrives(&world.west_lan, eastbound, EF);
        assert_eq!(arrived, None, "{outside:?}: only its loss tells the sender");
        let drops = east.client().drops().unwrap();
        let marked = drops.iter().find(|drop| drop.reason == DropReason::EspEcn);
        assert_eq!(marked.map(|drop| drop.packets), Some(1), "{outside:?}");
    }
}
