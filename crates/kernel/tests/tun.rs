//! The TUN device.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use adit_kernel::netlink::Route;
use adit_kernel::tun::HEADER_LENGTH;
use adit_kernel::{Netlink, Tun, TunConfig, UdpPort};
use common::{Host, eventually, permitted};

#[test]
fn packets_come_out_as_routed_and_go_in_as_written() {
    if !permitted("reading and writing a TUN", true) {
        return;
    }
    let host = Host::new();
    let (tun, port) = host.run(|| {
        let tun = Tun::create(&TunConfig::new("adit0").with_mtu(1380)).unwrap();
        let mut netlink = Netlink::open().unwrap();
        netlink
            .add_address(tun.index(), "10.1.0.1/32".parse().unwrap())
            .unwrap();
        netlink
            .add_route(&Route::through("10.2.0.0/16".parse().unwrap(), tun.index()))
            .unwrap();
        let link = netlink.link(tun.name()).unwrap();
        assert_eq!((link.mtu, link.up, link.hardware), (1380, true, 65534));
        (
            tun,
            UdpPort::bind("10.1.0.1:4000".parse().unwrap()).unwrap(),
        )
    });
    let mut buffer = [0; 2000];
    let waiting = tun.read(&mut buffer).unwrap_err();
    assert_eq!(
        waiting.kind(),
        std::io::ErrorKind::WouldBlock,
        "the kernel says nothing on it by itself"
    );

    port.send(b"ping", "10.2.0.9:4000".parse().unwrap(), None)
        .unwrap();
    let length = tun.read(&mut buffer).unwrap();
    let mut packet = buffer[HEADER_LENGTH..length].to_vec();
    assert_eq!((packet[0], &packet[28..]), (0x45, &b"ping"[..]));

    // Swapping the addresses keeps every checksum.
    packet[12..20].rotate_left(4);
    assert_eq!(tun.write_packet(&packet).unwrap(), packet.len());
    let received = eventually("the packet", || port.receive(&mut buffer).ok());
    assert_eq!(
        (received.payload(&buffer), received.from),
        (&b"ping"[..], "10.2.0.9:4000".parse().unwrap())
    );

    let rubbish = tun.write_packet(&[0; 20]).unwrap_err();
    assert_eq!(rubbish.raw_os_error(), Some(libc::EINVAL));
}

/// A reader may have to wait for its processor.
#[test]
fn a_burst_waits_for_the_reader() {
    if !permitted("reading a TUN", true) {
        return;
    }
    let host = Host::new();
    let (tun, port) = host.run(|| {
        let tun = Tun::create(&TunConfig::new("adit0")).unwrap();
        let mut netlink = Netlink::open().unwrap();
        let own = "10.1.0.1/32".parse().unwrap();
        netlink.add_address(tun.index(), own).unwrap();
        let route = Route::through("10.2.0.0/16".parse().unwrap(), tun.index());
        netlink.add_route(&route).unwrap();
        (
            tun,
            UdpPort::bind("10.1.0.1:4000".parse().unwrap()).unwrap(),
        )
    });
    let to = "10.2.0.9:4000".parse().unwrap();
    for number in 0..1900_u32 {
        port.send(&number.to_be_bytes(), to, None).unwrap();
    }
    let mut buffer = [0; 2000];
    for number in 0..1900_u32 {
        let length = tun.read(&mut buffer).unwrap();
        assert_eq!(buffer[length - 4..length], number.to_be_bytes());
    }
}

#[test]
fn a_device_goes_with_its_owner_unless_persistent() {
    if !permitted("the life of a TUN", true) {
        return;
    }
    let host = Host::new();
    host.run(|| {
        let mut netlink = Netlink::open().unwrap();
        drop(Tun::create(&TunConfig::new("adit%d")).unwrap());
        assert!(netlink.link("adit0").unwrap_err().is_not_found());

        let config = TunConfig::new("adit1").persistent();
        let tun = Tun::create(&config).unwrap();
        let busy = Tun::create(&config).unwrap_err();
        assert!(
            busy.hint
                .unwrap()
                .contains("another process has this device")
        );
        drop(tun);
        let index = netlink.link("adit1").unwrap().index;
        // It can be taken up again, and then ends with its new owner.
        let again = Tun::create(&TunConfig::new("adit1")).unwrap();
        assert_eq!(again.index(), index);
        drop(again);
        assert!(netlink.link("adit1").unwrap_err().is_not_found());
        // `lo` is there already, and no TUN.
        let taken = Tun::create(&TunConfig::new("lo")).unwrap_err();
        assert!(taken.hint.unwrap().contains("has this name"));
        let long = Tun::create(&TunConfig::new("a-name-longer-than-15")).unwrap_err();
        assert_eq!(long.errno, Some(libc::EINVAL));
    });
}
