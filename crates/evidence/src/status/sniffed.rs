//! What a sniffer on an interface says by what it prints: nothing before it was stopped (`Using device admin0
//! (promiscuous mode)`, and then `^C`), or ESP on the very interface of a tunnel.

use std::net::Ipv4Addr;

use adit_model::fact::Fact;
use adit_model::sign::Sign;

use super::{command, sign};
use crate::reading::Place;
use crate::text::Line;

/// Follows sniffers.
#[derive(Debug, Default)]
pub(crate) struct Sniffed {
    /// The host that a command asks for.
    host: Option<String>,
    /// A sniffer has begun and printed nothing yet: its interface, and where that stands.
    open: Option<(String, Place)>,
    /// The tunnel's interface that packets are printed of.
    tunnel: Option<String>,
    /// ESP on such an interface: from whom, and the fact that it makes unless answers come the same way.
    esp: Option<(String, Fact)>,
}

impl Sniffed {
    /// The next line.
    pub(super) fn line(
        &mut self,
        line: &Line<'_>,
        place: &dyn Fn() -> Place,
        facts: &mut Vec<Fact>,
    ) {
        let body = line.body.trim();
        if let Some((interface, place)) = self.open.take() {
            if body.is_empty() {
                self.open = Some((interface, place));
            } else if body.starts_with("^C") || command(body).is_some() || prompts(body) {
                let host = self.host.take().unwrap_or_default();
                let mut values = vec![("interface", interface.as_str())];
                if !host.is_empty() {
                    values.push(("host", host.as_str()));
                }
                facts.push(sign(place, Sign::NothingCaptured, &values));
            }
        }
        if let Some(interface) = self.tunnel.take()
            && self.esp(&interface, body, place)
            && command(body).is_none()
        {
            self.tunnel = Some(interface);
        }
        if let Some(interface) = begins(body) {
            self.open = Some((interface.to_owned(), place()));
            self.tunnel = is_of_tunnel(interface).then(|| interface.to_owned());
        } else if body.contains("snoop ") || body.contains("tcpdump ") {
            let mut words = body.split_ascii_whitespace();
            self.host = words
                .by_ref()
                .any(|word| word == "host")
                .then(|| words.next().unwrap_or_default().to_owned());
        }
    }
}

impl Sniffed {
    /// A packet on a tunnel's interface. Somebody's own ESP through the tunnel is between hosts inside and has answers; a
    /// gateway's that is led back into its tunnel is between public addresses and has none. `false` once it's the former.
    fn esp(&mut self, interface: &str, body: &str, place: &dyn Fn() -> Place) -> bool {
        let Some((from, to)) = ends_of_esp(body) else {
            return true;
        };
        match &self.esp {
            Some((source, _)) if source == to => {
                self.esp = None;
                return false;
            }
            Some(_) => {}
            None => {
                let fact = sign(place(), Sign::RecursiveRouting, &[("interface", interface)]);
                self.esp = Some((from.to_owned(), fact));
            }
        }
        true
    }

    /// What is sure once everything is read.
    pub(super) fn finish(self, facts: &mut Vec<Fact>) {
        facts.extend(self.esp.map(|(_, fact)| fact));
    }
}

/// Between whom a printed packet of ESP travels, where neither is a host inside: `IP 192.0.2.1 > 198.51.100.9: ESP(spi=…`.
/// One of them may have a name.
fn ends_of_esp(body: &str) -> Option<(&str, &str)> {
    let (head, rest) = body.split_once(" > ")?;
    let (to, rest) = rest.split_once(": ")?;
    let from = head.rsplit(' ').next()?;
    let public = |text: &str| match text.parse::<Ipv4Addr>() {
        Ok(a) => Some(!(a.is_private() || a.is_loopback() || a.is_link_local())),
        Err(_) => None,
    };
    let outside = [public(from), public(to)];
    (rest.starts_with("ESP(spi=")
        && outside.contains(&Some(true))
        && !outside.contains(&Some(false)))
    .then_some((from, to))
}

/// `[root@node02 (DC-remote1) ~] ipadm show-addr`, a prompt without a mark at its end.
fn prompts(body: &str) -> bool {
    body.strip_prefix('[')
        .and_then(|b| b.split_once("] "))
        .is_some_and(|(prompt, _)| prompt.contains('@'))
}

/// Interfaces whose packets aren't encrypted yet, by the names that they are given. KLIPS' `ipsec0` is none: what is
/// sniffed there has its ESP header already.
fn is_of_tunnel(interface: &str) -> bool {
    ["vti", "xfrm", "ip_vti", "st0", "ipsec-", "tun-"]
        .iter()
        .any(|head| interface.starts_with(head))
}

/// The interface of a sniffer that begins: `Using device external0 (promiscuous mode)`,
/// `listening on eth0, link-type EN10MB (Ethernet), …`.
fn begins(body: &str) -> Option<&str> {
    if let Some(rest) = body.strip_prefix("Using device ") {
        return rest
            .ends_with("promiscuous mode)")
            .then(|| rest.split(' ').next())?;
    }
    let (_, rest) = body.split_once("listening on ")?;
    let (interface, rest) = rest.split_once(',')?;
    (interface != "any" && rest.trim_start().starts_with("link-type")).then_some(interface)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use adit_model::fact::{Known, Side};
    use adit_model::now::Wall;
    use adit_model::sign::Sign;

    use crate::reading::read;

    fn interfaces(text: &str) -> Vec<String> {
        let facts = read("paste", Side::Local, text.as_bytes(), Wall(0)).facts;
        facts
            .into_iter()
            .filter_map(|f| match f.what {
                Known::Sign {
                    sign: Sign::NothingCaptured,
                    mut values,
                } => values.remove("interface"),
                _ => None,
            })
            .collect()
    }

    #[test]
    fn esp_on_the_tunnels_own_interface_is_routed_into_it() {
        let said = |interface: &str, packet: &str| {
            let text = format!(
                "# tcpdump -ni {interface} esp\nlistening on {interface}, link-type RAW (Raw IP), capture size 262144 bytes\n11:51:48.4 IP {packet}\n"
            );
            let facts = read("paste", Side::Local, text.as_bytes(), Wall(0)).facts;
            facts.into_iter().any(|f| match f.what {
                Known::Sign { sign, values } => {
                    sign == Sign::RecursiveRouting && values["interface"] == interface
                }
                _ => false,
            })
        };
        let esp = "192.0.2.1 > 198.51.100.9: ESP(spi=0xc66b7237,seq=0x12a), length 136";
        assert!(said("vti-branch", esp));
        assert!(said("xfrm0", esp));
        assert!(!said("eth0", esp));
        // Somebody's own tunnel through this one.
        assert!(!said("vti0", &esp.replace("198.51.100.9", "10.2.0.9")));
        let answer = "198.51.100.9 > 192.0.2.1: ESP(spi=0x05110aa3,seq=0x30), length 136";
        assert!(!said(
            "vti0",
            &format!("{esp}\n11:51:48.9 IP {answer}\n11:51:49.4 IP {esp}")
        ));
        assert!(!said(
            "vti0",
            "10.1.0.2 > 10.2.0.2: ICMP echo request, id 1, seq 1, length 64"
        ));
    }

    #[test]
    fn only_a_sniffer_that_was_stopped_saw_nothing() {
        let snoop = "Using device admin0 (promiscuous mode)\n";
        assert_eq!(interfaces(&format!("{snoop}^C\n")), ["admin0"]);
        let prompt = "[root@node02 (DC) ~] ipadm show-addr\n";
        assert_eq!(interfaces(&format!("{snoop}\n{prompt}")), ["admin0"]);
        let packet = "192.0.2.1 -> 198.51.100.1  UDP D=500 S=500 LEN=232\n";
        assert!(interfaces(&format!("{snoop}{packet}^C\n")).is_empty());
        // What was cut off may have gone on.
        assert!(interfaces(snoop).is_empty());
    }
}
