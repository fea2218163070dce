//! Packets that tcpdump and snoop print come to the same as the packets themselves.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use adit_evidence::{Product, case, read};
use adit_model::Wall;
use adit_model::event::{Happening, PathProblem};
use adit_model::fact::{Case, Known, Side, Wire};

/// 2026-11-22T00:00:00Z.
const NOW: Wall = Wall(1_795_305_600_000);

fn told(product: Product, text: &str) -> Case {
    let reading = read("paste", Side::Local, text.as_bytes(), NOW);
    let found: Vec<Product> = reading.recognised.iter().map(|r| r.product).collect();
    assert_eq!(found, [product], "{text}");
    case(None, vec![reading])
}

fn messages(case: &Case) -> Vec<(&str, u32, bool)> {
    case.happenings()
        .filter_map(|(_, h)| match h {
            Happening::Sent(m) | Happening::Received(m) => {
                Some((m.exchange.as_str(), m.message_id, m.response))
            }
            _ => None,
        })
        .collect()
}

const SET_UP: &str = "\
05:46:47.242731 IP 192.0.2.1.500 > 198.51.100.1.500: isakmp: parent_sa ikev2_init[I]
05:46:47.262731 IP 198.51.100.1.500 > 192.0.2.1.500: isakmp: parent_sa ikev2_init[R]
05:46:47.282731 IP 192.0.2.1.4500 > 198.51.100.1.4500: NONESP-encap: isakmp: child_sa  ikev2_auth[I]
05:46:49.282731 IP 192.0.2.1.4500 > 198.51.100.1.4500: NONESP-encap: isakmp: child_sa  ikev2_auth[I]
05:46:53.282731 IP 192.0.2.1.4500 > 198.51.100.1.4500: NONESP-encap: isakmp: child_sa  ikev2_auth[I]
";

#[test]
fn a_length_that_no_packet_has_is_no_sum_that_overflows() {
    let huge = "length 18446744073709551615";
    let line =
        |rest: &str| format!("05:46:47.242731 IP 192.0.2.1.4500 > 198.51.100.1.4500: {rest}\n");
    let esp = line(&format!("UDP-encap: ESP(spi=0xc0000001,seq=0x1), {huge}"));
    let clear = "05:46:47.242731 IP 192.0.2.1.53 > 198.51.100.1.53: UDP, ".to_owned() + huge + "\n";
    let verbose = format!(
        "05:46:47.242731 IP (tos 0x0, ttl 64, id 1, offset 0, flags [+], proto UDP (17), {huge})\n    192.0.2.1.500 > 198.51.100.1.500: isakmp: parent_sa ikev2_init[I]\n"
    );
    let text = format!(
        "{SET_UP}{}{}{}",
        esp.repeat(3),
        clear.repeat(3),
        verbose.repeat(3)
    );
    let reading = read("paste", Side::Local, text.as_bytes(), NOW);
    let capture = reading.capture.unwrap();
    let octets: Vec<u64> = capture.flows.iter().map(|f| f.largest).collect();
    assert!(
        !octets.is_empty() && octets.iter().all(|o| *o < 70_000),
        "{octets:?}"
    );
    assert!(!capture.clear.is_empty());
    assert!(capture.clear.iter().all(|c| c.octets < 3 * 70_000));
}

#[test]
fn a_set_up_that_is_not_answered() {
    let case = told(Product::Tcpdump, SET_UP);
    assert_eq!(
        messages(&case),
        [
            ("IKE_SA_INIT", 0, false),
            ("IKE_SA_INIT", 0, true),
            ("IKE_AUTH", 1, false)
        ]
    );
    let repeats = case
        .happenings()
        .filter(|(_, h)| matches!(h, Happening::Retransmitted { .. }));
    assert_eq!(repeats.count(), 2);
    assert!(
        case.happenings()
            .any(|(_, h)| matches!(h, Happening::Floated))
    );
    assert!(!case.covers(Side::Local), "a paste is an excerpt");
    let lines: Vec<_> = case.facts.iter().filter_map(|f| f.source.line).collect();
    assert!(lines.contains(&1) && lines.contains(&5));
}

/// Interfaces before the addresses, numbers, dates, names for addresses, names for ports, removed addresses.
#[test]
fn whatever_dress_the_line_wears() {
    let plain = messages(&told(Product::Tcpdump, SET_UP))
        .iter()
        .map(|(e, i, r)| ((*e).to_owned(), *i, *r))
        .collect::<Vec<_>>();
    let dressed = |change: &dyn Fn(&str) -> String| {
        SET_UP.lines().map(|l| change(l) + "\n").collect::<String>()
    };
    let variants = [
        dressed(&|l| l.replace("IP ", "eth0  Out IP ")),
        dressed(&|l| format!("    3  {l}")),
        dressed(&|l| format!("2026-11-21 {l}")),
        dressed(&|l| {
            l.replace("192.0.2.1", "gw-a.example")
                .replace(".4500", ".ipsec-nat-t")
                .replace(".500", ".isakmp")
        }),
        dressed(&|l| {
            l.replace("192.0.2.1", "x.x.x.x")
                .replace("198.51.100.1", "y.y.y.y")
        }),
        dressed(&|l| format!("> {l}")),
        dressed(&|l| l.split_once(' ').unwrap().1.to_owned()),
    ];
    for text in variants {
        let case = told(Product::Tcpdump, &text);
        let got: Vec<_> = messages(&case)
            .iter()
            .map(|(e, i, r)| ((*e).to_owned(), *i, *r))
            .collect();
        assert_eq!(got, plain, "{text}");
    }
}

#[test]
fn verbose_lines_tell_payloads_refusals_and_quoted_packets() {
    let case = told(
        Product::Tcpdump,
        "06:07:12.903618 IP (tos 0x0, ttl 64, id 47983, offset 0, flags [DF], proto UDP (17), length 268)
    192.0.2.1.500 > 198.51.100.1.500: isakmp 2.0 msgid 00000000: parent_sa ikev2_init[I]:
    (sa: len=44
        (p: #1 protoid=isakmp transform=4 len=44
            (t: #1 type=encr id=aes (type=keylen value=0100))
            (t: #2 type=integ id=#12 )
            (t: #3 type=prf id=#5 )
            (t: #4 type=dh id=modp2048 )))
    (v2ke: len=256 group=modp2048)
    (nonce: len=32 data=(48b690002f72cbfb1426...0000402f00020003000400050000000800004016))
06:07:12.904609 IP (tos 0x0, ttl 64, id 15630, offset 0, flags [DF], proto UDP (17), length 64)
    198.51.100.1.500 > 192.0.2.1.500: isakmp 2.0 msgid 00000000: parent_sa ikev2_init[R]:
    (n: prot_id=#0 type=14(no_protocol_chosen))
06:07:13.682094 IP (tos 0xc0, ttl 64, id 57133, offset 0, flags [none], proto ICMP (1), length 117)
    198.51.100.1 > 192.0.2.1: ICMP 198.51.100.1 udp port 500 unreachable, length 97
\tIP (tos 0x0, ttl 64, id 30732, offset 0, flags [DF], proto UDP (17), length 89)
    192.0.2.1.500 > 198.51.100.1.500: isakmp 2.0 msgid 00000000: parent_sa ikev2_init[I]:
    (v2e: len=25)
",
    );
    let offered = case.happenings().find_map(|(_, h)| match h {
        Happening::Initiating { proposals } => Some(proposals.clone()),
        _ => None,
    });
    let offered: Vec<String> = offered.unwrap().iter().map(ToString::to_string).collect();
    assert_eq!(offered, ["aes256-sha256-prfsha256-modp2048"]);
    assert!(case.happenings().any(
        |(_, h)| matches!(h, Happening::PeerRefused { notify: 14, asked, .. } if asked.proposals.len() == 1)
    ));
    let failed: Vec<_> = case
        .happenings()
        .filter_map(|(_, h)| match h {
            Happening::PathFailed {
                problem,
                remote_port,
                ..
            } => Some((*problem, *remote_port)),
            _ => None,
        })
        .collect();
    assert_eq!(failed, [(PathProblem::PortUnreachable, 500)]);
    assert_eq!(
        messages(&case).len(),
        2,
        "what an error quotes isn't sent again"
    );
}

fn wires(case: &Case) -> Vec<&Wire> {
    case.facts
        .iter()
        .filter_map(|f| match &f.what {
            Known::Wire { seen } => Some(seen),
            _ => None,
        })
        .collect()
}

#[test]
fn esp_with_gaps_and_one_way() {
    let case = told(
        Product::Tcpdump,
        "05:46:48.0 IP 192.0.2.1 > 198.51.100.1: ESP(spi=0xcd5e6f70,seq=0x3), length 100
05:46:48.1 IP 192.0.2.1 > 198.51.100.1: ESP(spi=0xcd5e6f70,seq=0x7), length 100
",
    );
    let [
        Wire::Flow {
            spi: 0xcd5e_6f70,
            outbound: true,
            udp: false,
            packets: 2,
            missing: 3,
            ..
        },
    ] = wires(&case).as_slice()
    else {
        panic!("{:?}", case.facts);
    };
}

#[test]
fn snoop_tells_fragments_and_overlays() {
    let case = told(
        Product::Snoop,
        "192.0.2.10 -> 198.51.100.20  ESP IP fragment ID=12388 Offset=0    MF=1 TOS=0x0 TTL=60
192.0.2.10 -> 198.51.100.20  ESP IP fragment ID=12388 Offset=1480 MF=0 TOS=0x0 TTL=60
198.51.100.20 -> 192.0.2.10  ESP SPI=0x83c78776 Replay=30625
  7   0.00123 192.0.2.10 -> 198.51.100.20  ESP SPI=0x11a183ba Replay=15027
192.0.2.10 -> 198.51.100.20  UDP D=4790 S=49251 LEN=118
",
    );
    let all = wires(&case);
    assert!(all.iter().any(|w| matches!(
        w,
        Wire::Fragments {
            protocol: 50,
            complete: 1,
            incomplete: 0,
            ..
        }
    )));
    assert!(all.iter().any(|w| matches!(
        w,
        Wire::Clear {
            port: Some(4790),
            between_gateways: true,
            ..
        }
    )));
    assert_eq!(
        all.iter()
            .filter(|w| matches!(w, Wire::Flow { .. }))
            .count(),
        2
    );
}

/// Arrows and lines that begin like a packet's aren't packets.
#[test]
fn other_text_is_no_capture() {
    for text in [
        "loaded ike secret 'ike-1' -> ok",
        "if a > b: then nothing",
        "10.1.0.0/24 -> 10.2.0.0/24 via tunnel",
        "Nov 21 05:46:47 gw pluto[812]: \"net\" #1: STATE_MAIN_I1: sent MI1 > expecting MR1: x",
    ] {
        let reading = read("paste", Side::Local, text.as_bytes(), NOW);
        assert!(reading.capture.is_none(), "{text}");
    }
}

const LIST: &str = "\
    1   0.000000    192.0.2.1 → 198.51.100.1 ISAKMP 282 IKE_SA_INIT MID=00 Initiator Request
    2   0.020000 198.51.100.1 → 192.0.2.1    ISAKMP 310 IKE_SA_INIT MID=00 Responder Response
    3   0.040000    192.0.2.1 → 198.51.100.1 ISAKMP 246 IKE_AUTH MID=01 Initiator Request
    4   2.040000    192.0.2.1 → 198.51.100.1 ISAKMP 246 IKE_AUTH MID=01 Initiator Request
    5   6.040000    192.0.2.1 → 198.51.100.1 ISAKMP 246 IKE_AUTH MID=01 Initiator Request
";

/// As tshark prints it, as Wireshark's list is copied, and as it is exported to CSV.
#[test]
fn wiresharks_list_in_its_three_dresses() {
    let cells = |line: &str| -> Vec<String> {
        let words: Vec<&str> = line.split_whitespace().filter(|w| *w != "→").collect();
        let (row, info) = words.split_at(6);
        row.iter()
            .map(|w| (*w).to_owned())
            .chain([info.join(" ")])
            .collect()
    };
    let tabs: String = LIST.lines().map(|l| cells(l).join("\t") + "\n").collect();
    let csv: String = LIST
        .lines()
        .map(|l| format!("\"{}\"\n", cells(l).join("\",\"")))
        .collect();
    for text in [LIST.to_owned(), LIST.replace('→', "->"), tabs, csv] {
        let case = told(Product::Sniffer, &text);
        assert_eq!(
            messages(&case),
            [
                ("IKE_SA_INIT", 0, false),
                ("IKE_SA_INIT", 0, true),
                ("IKE_AUTH", 1, false)
            ],
            "{text}"
        );
        let repeats = case
            .happenings()
            .filter(|(_, h)| matches!(h, Happening::Retransmitted { .. }));
        assert_eq!(repeats.count(), 2);
        // Seconds since the capture began are no time of day.
        assert!(case.facts.iter().all(|f| f.at.is_none()));
    }
}

#[test]
fn sniffers_of_firewalls_and_routers() {
    for text in [
        "2.511033 wan1 out 192.0.2.1.500 -> 198.51.100.1.500: udp 408
8.511501 wan1 out 192.0.2.1.500 -> 198.51.100.1.500: udp 408
",
        "2.511033 192.0.2.1.500 -> 198.51.100.1.500: udp 408
8.511501 192.0.2.1.500 -> 198.51.100.1.500: udp 408
",
        "   1: 12:34:56.789012       192.0.2.1.500 > 198.51.100.1.500:  udp 408
   2: 12:35:02.789012       802.1Q vlan#10 P0 192.0.2.1.500 > 198.51.100.1.500:  udp 408
",
        " INTERFACE   TIME    NUM  DI  SRC-MAC            DST-MAC            SRC-ADDRESS      DST-ADDRESS       PROTOCOL  SIZE  CPU
 ether1      2.511    1  ->  B8:69:F4:00:00:01  CC:2D:E0:00:00:02  192.0.2.1:500    198.51.100.1:500  ip:udp     450    0
 ether1      8.511    2  ->  B8:69:F4:00:00:01  CC:2D:E0:00:00:02  192.0.2.1:500    198.51.100.1:500  ip:udp     450    0
",
    ] {
        let case = told(Product::Sniffer, text);
        assert_eq!(messages(&case), [("ID_PROT", 0, false)], "{text}");
        let repeats = case
            .happenings()
            .filter(|(_, h)| matches!(h, Happening::Retransmitted { .. }));
        assert_eq!(repeats.count(), 1, "{text}");
    }
    // `tcpdump -q` doesn't look into packets either.
    let case = told(
        Product::Tcpdump,
        "05:46:47.2 IP 192.0.2.1.500 > 198.51.100.1.500: UDP, length 408
05:46:51.2 IP 192.0.2.1.500 > 198.51.100.1.500: UDP, length 408
",
    );
    assert_eq!(messages(&case), [("ID_PROT", 0, false)]);
    let esp = told(
        Product::Sniffer,
        "2.5 wan1 out 192.0.2.1 -> 198.51.100.1: ESP(spi=0xcd5e6f70,seq=0x3)
2.6 wan1 out 192.0.2.1 -> 198.51.100.1: ESP(spi=0xcd5e6f70,seq=0x7)
2.7 wan1 in 198.51.100.1 -> 192.0.2.1: ip-proto-50 120
",
    );
    let flows: Vec<_> = wires(&esp)
        .into_iter()
        .filter_map(|w| match w {
            Wire::Flow { spi, missing, .. } => Some((*spi, *missing)),
            _ => None,
        })
        .collect();
    assert_eq!(flows, [(0xcd5e_6f70, 3), (0, 0)]);
}

/// A sniffer's octets in hex are packets like those of a file: with and without the frame's header.
#[test]
fn octets_in_hex_are_read_as_packets() {
    let file = include_bytes!("captures/ike-proposal-mismatch.pcap");
    let mut at = 24;
    let mut packets = Vec::new();
    while at < file.len() {
        let octets = u32::from_le_bytes(file[at + 8..at + 12].try_into().unwrap()) as usize;
        packets.push(&file[at + 16..at + 16 + octets]);
        at += 16 + octets;
    }
    for skip in [0, 14] {
        let mut text = String::new();
        for (n, frame) in packets.iter().enumerate() {
            let (from, to) = [
                ("192.168.0.1", "192.168.0.2"),
                ("192.168.0.2", "192.168.0.1"),
            ][n % 2];
            let udp = frame.len() - 42;
            text += &format!("{n}.100000 port1 -- {from}.500 -> {to}.500: udp {udp}\n");
            for (line, octets) in frame[skip..].chunks(16).enumerate() {
                let words: Vec<String> = octets
                    .chunks(2)
                    .map(|w| w.iter().map(|o| format!("{o:02x}")).collect())
                    .collect();
                text += &format!("0x{:04x}\t {}\tE..t..@.@.\n", line * 16, words.join(" "));
            }
            text += "\n";
        }
        let case = told(Product::Sniffer, &text);
        assert!(
            case.happenings()
                .any(|(_, h)| matches!(h, Happening::PeerRefused { notify: 14, .. })),
            "{text}"
        );
    }
    let mut text = String::new();
    for (n, frame) in packets.iter().enumerate() {
        let (from, to) = [
            ("192.168.0.1", "192.168.0.2"),
            ("192.168.0.2", "192.168.0.1"),
        ][n % 2];
        let size = frame.len();
        text += &format!("   {n}  {size}    0.{n}00000   {from}   ->  {to}   48 CS6  UDP\n");
        for (line, octets) in frame.chunks(16).enumerate() {
            let words: Vec<String> = octets
                .chunks(4)
                .map(|w| w.iter().map(|o| format!("{o:02X}")).collect())
                .collect();
            text += &format!("  {:04X}:  {}   E..t..@.@.\n", line * 16, words.join(" "));
        }
        text += "\n";
    }
    let case = told(Product::Sniffer, &text);
    assert!(
        case.happenings()
            .any(|(_, h)| matches!(h, Happening::PeerRefused { notify: 14, .. })),
        "{text}"
    );
}

/// IOS-XE's brief list has no ports: only ESP tells what it is.
#[test]
fn a_router_s_brief_list_tells_esp() {
    let case = told(
        Product::Sniffer,
        " -----------------------------------------------------------------------------
 #   size   timestamp     source             destination      dscp    protocol
 -----------------------------------------------------------------------------
   0  154    0.000000   192.0.2.1        ->  198.51.100.1     0  BE   ESP
   1  154    1.001007   192.0.2.1        ->  198.51.100.1     0  BE   ESP
   2   98    1.200000   192.0.2.1        ->  198.51.100.1     0  BE   UDP
",
    );
    assert_eq!(messages(&case), []);
    assert_eq!(
        wires(&case)
            .into_iter()
            .filter(|w| matches!(w, Wire::Flow { .. }))
            .count(),
        1
    );
}

/// `tshark -V` of the lab's own capture (Wireshark 4.0), and `snoop -v`.
#[test]
fn packets_told_field_by_field() {
    let case = told_by(
        Product::Sniffer,
        include_str!("fixtures/ike-proposal-mismatch.tshark.txt"),
    );
    assert_eq!(
        messages(&case),
        [("IKE_SA_INIT", 0, false), ("IKE_SA_INIT", 0, true)]
    );
    assert!(
        case.happenings()
            .any(|(_, h)| matches!(h, Happening::PeerRefused { notify: 14, .. }))
    );
    let esp = told(
        Product::Snoop,
        "ETHER:  Packet 1 arrived at 10:02:11.18944
IP:   ----- IP Header -----
IP:
IP:   Total length = 152 bytes
IP:   Protocol = 50 (ESP)
IP:   Source address = 192.0.2.10, gw-a
IP:   Destination address = 198.51.100.20, 198.51.100.20
ESP:  ----- Encapsulating Security Payload -----
ESP:
ESP:  SPI = 0x11a183ba
ESP:  Replay = 15027
ESP:     ....ENCRYPTED DATA....
",
    );
    assert!(wires(&esp).iter().any(|w| matches!(
        w,
        Wire::Flow {
            spi: 0x11a1_83ba,
            udp: false,
            ..
        }
    )));
}

/// As `told`, among lines that other readers take for theirs too.
fn told_by(product: Product, text: &str) -> Case {
    let reading = read("paste", Side::Local, text.as_bytes(), NOW);
    assert!(reading.recognised.iter().any(|r| r.product == product));
    case(None, vec![reading])
}
