//! Both ends of a tunnel in one paste: whose listing is whose.
//!
//! People put what they asked one gateway under what they asked the other. Prompts name the hosts (`hub#show ip route`,
//! `root@gw-b:~# ipsec statusall`), and two statuses of one tunnel are mirror images: what is here in one is there in the
//! other. Only where addresses prove that a listing is the peer's does it become the peer's evidence. Logs aren't told
//! apart like this: their readers follow each IKE SA by itself.

use std::net::IpAddr;

use adit_model::fact::{Fact, Known};
use adit_model::host::HostState;
use adit_model::listed::Layer;
use adit_model::peer_config::Place;

use crate::text::Line;

/// So many prompts are kept.
const MOST: usize = 4096;

/// The prompts of a text.
#[derive(Debug, Default)]
pub(crate) struct Prompts {
    /// The line, and the host that it is of.
    all: Vec<(u64, String)>,
}

impl Prompts {
    /// The next line; `number` is asked for only when it has a prompt.
    pub(crate) fn line(&mut self, line: &Line<'_>, number: impl Fn() -> Option<u64>) {
        if self.all.len() < MOST
            && let Some(host) = host(line.body)
            && let Some(number) = number()
        {
            self.all.push((number, host.to_owned()));
        }
    }

    /// Makes listings of the other end's host the other side's evidence. `facts` are in the order of the lines.
    pub(crate) fn tell_apart(self, facts: &mut [Fact]) {
        let ends: Vec<Option<(IpAddr, IpAddr)>> = facts.iter().map(ends_of).collect();
        let Some(first) = ends.iter().flatten().next().copied() else {
            return;
        };
        // Where each line stands: behind the prompt of which host.
        let host_at = |line: u64| {
            let before = self.all.iter().rev().find(|(at, _)| *at <= line);
            before.map(|(_, host)| host.as_str())
        };
        let here = facts
            .iter()
            .zip(&ends)
            .find(|(_, e)| e.is_some())
            .and_then(|(f, _)| f.source.line)
            .and_then(host_at);
        let other_end = |name: &str| {
            let on = |f: &Fact| f.source.line.and_then(host_at) == Some(name);
            facts.iter().zip(&ends).any(|(f, e)| {
                on(f) && (own_address(f) == Some(first.1) || *e == Some((first.1, first.0)))
            })
        };
        let mut others: Vec<&str> = Vec::new();
        for (_, host) in &self.all {
            if Some(host.as_str()) != here && !others.contains(&host.as_str()) && other_end(host) {
                others.push(host);
            }
        }
        let mut turned = Vec::new();
        let mut mirrored = false;
        let mut last_host = None;
        for (fact, ends) in facts.iter().zip(&ends) {
            let host = fact.source.line.and_then(host_at);
            if host != last_host {
                mirrored = false;
                last_host = host;
            }
            match ends {
                Some(e) if *e == first => mirrored = false,
                Some((a, b)) if (*b, *a) == first => mirrored = true,
                _ => {}
            }
            let there = mirrored || host.is_some_and(|host| others.contains(&host));
            turned.push(there && is_listing(&fact.what));
        }
        for (fact, turn) in facts.iter_mut().zip(turned) {
            if turn {
                fact.side = fact.side.other();
            }
        }
    }
}

fn is_listing(what: &Known) -> bool {
    match what {
        Known::Listed { .. } | Known::Carried { .. } | Known::Host { .. } => true,
        Known::PeerConfigured { connection } => connection.listed,
        _ => false,
    }
}

/// The own address and the peer's, of a row that shows both.
fn ends_of(fact: &Fact) -> Option<(IpAddr, IpAddr)> {
    let (own, peer) = match &fact.what {
        Known::Listed { sa } if sa.layer == Layer::Ike => {
            // `gw[1]: ESTABLISHED 2 minutes ago, 192.0.2.1[gw-a]...198.51.100.1[gw-b]`.
            let (own, peer) = fact.source.text.split_once("...")?;
            let own = own.rsplit([' ', '\t']).next()?;
            (address(own)?, address(peer)?)
        }
        Known::PeerConfigured { connection } if connection.listed => {
            match (
                connection.local.value.as_slice(),
                connection.remote.value.as_slice(),
            ) {
                ([Place::Address(own)], [Place::Address(peer)]) => (*own, *peer),
                _ => return None,
            }
        }
        _ => return None,
    };
    (own != peer && !own.is_unspecified()).then_some((own, peer))
}

fn address(word: &str) -> Option<IpAddr> {
    word.split(['[', ' ']).next()?.parse().ok()
}

fn own_address(fact: &Fact) -> Option<IpAddr> {
    match &fact.what {
        Known::Host { state } => match &**state {
            HostState::Address { address, .. } => address.split('/').next()?.parse().ok(),
            _ => None,
        },
        _ => None,
    }
}

/// The host of a prompt with a command behind it.
pub(crate) fn host(body: &str) -> Option<&str> {
    const FAR: usize = 80;
    const VERBS: [&str; 14] = [
        "show",
        "sh ",
        "debug",
        "ping",
        "conf",
        "clear",
        "diag",
        "get ",
        "traceroute",
        "run ",
        "do ",
        "terminal",
        "exec",
        "packet-tracer",
    ];
    let body = body.trim_start().trim_start_matches('[');
    let at = body.find(['#', '$', '>']).filter(|at| *at < FAR)?;
    let (prompt, typed) = (body.get(..at)?, body.get(at + 1..)?);
    let named = |name: &str| {
        name.starts_with(|c: char| c.is_ascii_alphabetic())
            && name
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
    };
    if let Some((user, rest)) = prompt.split_once('@') {
        // `root@gw-b:~#`, `[root@gw-b ~]#`, `admin@gw-b>`.
        let name = rest.split([':', ' ', ']']).next()?;
        return (!typed.is_empty() && named(user) && named(name)).then_some(name);
    }
    // `hub#show ip route`, `hub(config)#do show run`, `fw-1 # diagnose vpn tunnel list`.
    let name = prompt.split('(').next()?.trim_end();
    let typed = typed.trim_start();
    (named(name) && VERBS.iter().any(|verb| typed.starts_with(verb))).then_some(name)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use adit_model::fact::Side;
    use adit_model::now::Wall;

    use super::*;
    use crate::reading::read;

    const NOW: Wall = Wall(1_795_241_400_000);

    #[test]
    fn prompts_name_their_host() {
        for (line, name) in [
            ("branch#show crypto ipsec sa", Some("branch")),
            ("hub-rtr(config)#do show ip route", Some("hub-rtr")),
            ("fw-1 # diagnose vpn tunnel list", Some("fw-1")),
            ("root@gw-b:~# ipsec statusall", Some("gw-b")),
            ("[root@gw-b ~]# ip route", Some("gw-b")),
            ("admin@edge> show security ike sa", Some("edge")),
            ("# ip route", None),
            ("3 -> 4 packets", None),
            ("the tunnel is #1 here", None),
        ] {
            assert_eq!(host(line), name, "{line}");
        }
    }

    #[test]
    fn the_mirror_image_of_a_status_is_the_peers() {
        let text = "\
      to-b[7]: ESTABLISHED 9 seconds ago, 192.0.2.1[gw-a]...198.51.100.1[gw-b]
      to-b{9}:  INSTALLED, TUNNEL, reqid 1, ESP SPIs: c1000001_i c2000002_o
      to-b{9}:  AES_CBC_256/HMAC_SHA2_256_128, 0 bytes_i, 840 bytes_o (10 pkts, 1s ago)
      to-b{9}:   10.1.0.0/24 === 10.2.0.0/24

      to-a[3]: ESTABLISHED 9 seconds ago, 198.51.100.1[gw-b]...192.0.2.1[gw-a]
      to-a{4}:  INSTALLED, TUNNEL, reqid 1, ESP SPIs: c2000002_i c1000001_o
      to-a{4}:  AES_CBC_256/HMAC_SHA2_256_128, 840 bytes_i (10 pkts, 1s ago), 0 bytes_o
      to-a{4}:   10.2.0.0/24 === 10.1.0.0/24
";
        let reading = read("paste", Side::Local, text.as_bytes(), NOW);
        let carried: Vec<Side> = reading
            .facts
            .iter()
            .filter(|f| matches!(f.what, Known::Carried { .. }))
            .map(|f| f.side)
            .collect();
        assert_eq!(carried, [Side::Local, Side::Remote]);
        // Two tunnels of one gateway are none of it.
        let two = text.replace(
            "198.51.100.1[gw-b]...192.0.2.1[gw-a]",
            "192.0.2.1[gw-a]...203.0.113.1[gw-c]",
        );
        let reading = read("paste", Side::Local, two.as_bytes(), NOW);
        assert!(reading.facts.iter().all(|f| f.side == Side::Local));
    }

    #[test]
    fn a_listing_behind_the_peers_prompt_is_the_peers() {
        let text = "\
branch#show crypto ipsec sa
    Crypto map tag: outside_map, local addr 203.0.113.10
   local  ident (addr/mask/prot/port): (10.1.0.0/255.255.255.0/0/0)
   remote ident (addr/mask/prot/port): (10.2.0.0/255.255.255.0/0/0)
   current_peer 203.0.113.1 port 500
    #pkts encaps: 4, #pkts encrypt: 4, #pkts digest: 4
    #pkts decaps: 0, #pkts decrypt: 0, #pkts verify: 0
     local crypto endpt.: 203.0.113.10, remote crypto endpt.: 203.0.113.1
hq#show ip route
Gateway of last resort is not set
C        10.2.0.0/24 is directly connected, Ethernet0/1
L        10.2.0.1/32 is directly connected, Ethernet0/1
C        203.0.113.0/24 is directly connected, Ethernet0/0
L        203.0.113.1/32 is directly connected, Ethernet0/0
";
        let sides = |text: &str| -> Vec<Side> {
            let reading = read("paste", Side::Local, text.as_bytes(), NOW);
            let route = |f: &&Fact| matches!(&f.what, Known::Host { state } if matches!(**state, HostState::Route(_)));
            reading.facts.iter().filter(route).map(|f| f.side).collect()
        };
        assert_eq!(sides(text), [Side::Remote, Side::Remote]);
        // Another router's table is nobody's that the tunnel knows.
        let third = text.replace("203.0.113.1/32", "203.0.113.7/32");
        assert_eq!(sides(&third), [Side::Local, Side::Local]);
    }
}
