//! Connections in `ipsec status` and `ipsec auto --status` of Libreswan and Openswan.

use core::time::Duration;

use adit_model::connection::Mode;
use adit_model::peer_config::{
    AuthMethod, Dialect, PeerChild, PeerConnection, PeerId, Setting, Versions,
};
use adit_model::selector::Selector;

use super::{MOST, Shown, networks, shown};
use crate::config::value;
use crate::pluto::configured;
use crate::reading::Place as Where;

/// Connections shown so far.
#[derive(Debug, Default)]
pub(super) struct Statuses {
    all: Vec<Shown>,
}

impl Statuses {
    /// The next line: `000 "gw-b": 10.1.0.0/24===192.0.2.1[@gw-a]...198.51.100.1[@gw-b]===10.2.0.0/24; …`, and what stands
    /// below it under the same name.
    pub(super) fn line(&mut self, body: &str, place: &dyn Fn() -> Where) {
        let body = body.strip_prefix("000 ").unwrap_or(body).trim_start();
        let Some((name, rest)) = body.strip_prefix('"').and_then(|b| b.split_once("\":")) else {
            self.bare(body, place);
            return;
        };
        let rest = rest.trim_start();
        if let Some(ends) = rest.split(';').next().and_then(ends)
            && rest.contains(';')
        {
            if self.all.len() < MOST && !self.all.iter().any(|(c, _)| c.name == name) {
                let place = place();
                self.all.push((connection(name, ends, &place), place));
            }
            return;
        }
        let Some((c, _)) = self.all.iter_mut().rfind(|(c, _)| c.name == name) else {
            return;
        };
        for part in rest.split([';', ',']).map(str::trim) {
            told(c, part, place);
        }
        lists(c, rest, place);
    }

    /// The line of ends without its head, as people cut it out: only where both ends have an address and a network.
    fn bare(&mut self, body: &str, place: &dyn Fn() -> Where) {
        if !body.contains("===") {
            return;
        }
        let Some((ours, theirs)) = body.split(';').next().and_then(ends) else {
            return;
        };
        let whole = |end: &End<'_>| {
            end.host.parse::<core::net::IpAddr>().is_ok()
                && end.net.is_some_and(|net| net.parse::<Selector>().is_ok())
        };
        let name = theirs.host.to_owned();
        if whole(&ours)
            && whole(&theirs)
            && self.all.len() < MOST
            && !self.all.iter().any(|(c, _)| c.name == name)
        {
            let place = place();
            self.all
                .push((connection(&name, (ours, theirs), &place), place));
        }
    }

    /// All of them.
    pub(super) fn finish(&mut self) -> Vec<Shown> {
        core::mem::take(&mut self.all)
    }
}

/// One end of the line of ends.
struct End<'t> {
    host: &'t str,
    id: Option<&'t str>,
    net: Option<&'t str>,
}

/// `10.1.0.0/24===10.0.0.5[192.0.2.1,+S=C]---10.0.0.1...198.51.100.1<198.51.100.1>[@gw-b]===10.2.0.0/24`.
fn ends(text: &str) -> Option<(End<'_>, End<'_>)> {
    let (ours, theirs) = text.split_once("...")?;
    let (our_net, ours) = match ours.split_once("===") {
        Some((net, rest)) => (Some(net), rest),
        None => (None, ours),
    };
    let (theirs, their_net) = match theirs.rsplit_once("===") {
        Some((rest, net)) => (rest, Some(net)),
        None => (theirs, None),
    };
    let ours = ours.split("---").next()?;
    let theirs = theirs.rsplit("---").next()?;
    Some((end(ours, our_net)?, end(theirs, their_net)?))
}

/// `192.0.2.1<192.0.2.1>[@gw-a,+S=C]:17/1701`.
fn end<'t>(text: &'t str, net: Option<&'t str>) -> Option<End<'t>> {
    let host = text.split(['<', '[']).next()?;
    let host = match host.split_once(':') {
        // A protocol and port of the traffic, or a port of IKE; IPv6 has more colons.
        Some((host, ports)) if ports.contains('/') || host.contains('.') => host,
        _ => host,
    };
    let id = text
        .split_once('[')
        .and_then(|(_, t)| t.rsplit_once(']'))
        .map(|(inside, _)| without_flags(inside))
        .filter(|id| !id.starts_with('+'));
    (!host.is_empty() && !host.contains(' ')).then_some(End { host, id, net })
}

/// The identity without the switches behind it: `192.0.2.1,+S=C`, `@gw,MS+XS+S=C`.
fn without_flags(inside: &str) -> &str {
    match inside.rsplit_once(',') {
        Some((id, flags))
            if flags
                .chars()
                .all(|c| c.is_ascii_uppercase() || "+=?".contains(c))
                && flags.contains(['+', '='])
                && !flags.starts_with(' ') =>
        {
            id
        }
        _ => inside,
    }
}

fn connection(name: &str, (ours, theirs): (End<'_>, End<'_>), place: &Where) -> PeerConnection {
    let mut c = PeerConnection::new(name, Dialect::Libreswan, place.source.clone());
    c.listed = true;
    c.local = shown(vec![value::place(ours.host)], place);
    c.remote = shown(vec![value::place(theirs.host)], place);
    c.local_id = id(&ours, place);
    c.remote_id = id(&theirs, place);
    let mut child = PeerChild::new(name, place.source.clone());
    let nets = |net: Option<&str>| -> Setting<Vec<Option<Selector>>> {
        match net.map(|n| n.trim_matches(['{', '}'])) {
            None => shown(vec![None], place),
            Some(text) => networks(text).map_or_else(
                || Setting::default_of(vec![None]),
                |nets| shown(nets, place),
            ),
        }
    };
    child.local_ts = nets(ours.net);
    child.remote_ts = nets(theirs.net);
    c.children.push(child);
    c
}

fn id(end: &End<'_>, place: &Where) -> Setting<Option<PeerId>> {
    match end.id.or(Some(end.host)).and_then(value::identity) {
        Some(id) => shown(Some(id), place),
        None => Setting::default(),
    }
}

/// One statement below the line of ends.
fn told(c: &mut PeerConnection, part: &str, place: &dyn Fn() -> Where) {
    let Some((key, said)) = part.split_once([':', '=']) else {
        return;
    };
    let said = said.trim();
    match key {
        "our auth" | "my auth" => auth(&mut c.local_auth, said, place),
        "their auth" => auth(&mut c.remote_auth, said, place),
        "our id" | "my id" if said != "(none)" => {
            if let Some(id) = value::identity(said) {
                c.local_id = shown(Some(id), &place());
            }
        }
        "their id" if said != "(none)" => {
            if let Some(id) = value::identity(said) {
                c.remote_id = shown(Some(id), &place());
            }
        }
        "ike_life" => {
            if let Some(life) = seconds(said) {
                c.ike_life = shown(Some(life), &place());
            }
        }
        "ipsec_life" => {
            if let (Some(life), Some(child)) = (seconds(said), c.children.first_mut()) {
                child.life = shown(Some(life), &place());
            }
        }
        "policy" => policy(c, said, &place()),
        _ => {}
    }
}

fn seconds(text: &str) -> Option<Duration> {
    value::duration(text).filter(|d| !d.is_zero())
}

fn auth(to: &mut Setting<Vec<AuthMethod>>, said: &str, place: &dyn Fn() -> Where) {
    let method = match said.split(['(', ' ']).next() {
        Some("secret") => AuthMethod::Psk,
        Some("rsasig" | "ecdsa" | "digsig" | "RSASIG" | "ECDSA") => AuthMethod::PublicKey,
        Some("null") => AuthMethod::Null,
        _ => return,
    };
    *to = shown(vec![method], &place());
}

/// `IKEv2+PSK+ENCRYPT+TUNNEL+PFS+…`, in older versions with `IKEV1_ALLOW` and `IKEV2_ALLOW` for the version.
fn policy(c: &mut PeerConnection, said: &str, place: &Where) {
    let has = |word: &str| said.split('+').any(|w| w == word);
    let v1 = has("IKEv1") || has("IKEV1_ALLOW");
    let v2 = has("IKEv2") || has("IKEV2_ALLOW");
    let versions = match (v1, v2) {
        (true, false) => Some(Versions::V1),
        (false, true) => Some(Versions::V2),
        (true, true) => Some(Versions {
            initiates: if has("IKEV2_PROPOSE") { 2 } else { 1 },
            ..Versions::BOTH
        }),
        (false, false) => None,
    };
    if let Some(versions) = versions {
        c.versions = shown(versions, place);
    }
    if has("AGGRESSIVE") {
        c.aggressive = shown(true, place);
    }
    for auth in [&mut c.local_auth, &mut c.remote_auth] {
        if !auth.is_written() {
            let method = match (has("PSK"), has("RSASIG")) {
                (true, false) => AuthMethod::Psk,
                (false, true) => AuthMethod::PublicKey,
                _ => continue,
            };
            *auth = shown(vec![method], place);
        }
    }
    if let Some(child) = c.children.first_mut() {
        let mode = if has("TUNNEL") {
            Mode::Tunnel
        } else {
            Mode::Transport
        };
        child.mode = shown(mode, place);
        child.ah = has("AUTHENTICATE") && !has("ENCRYPT");
    }
}

/// `IKE algorithms: AES_CBC_256-HMAC_SHA2_256-MODP2048`, `ESP algorithms: …`: what it would take.
fn lists(c: &mut PeerConnection, rest: &str, place: &dyn Fn() -> Where) {
    let behind = |heads: &[&str]| heads.iter().find_map(|head| rest.strip_prefix(head));
    let ike = behind(&[
        "IKE algorithms: ",
        "IKEv2 algorithms: ",
        "IKE algorithms wanted: ",
    ]);
    let esp = behind(&["ESP algorithms: ", "ESP algorithms wanted: "]);
    if let Some(list) = ike {
        let all = configured(&unnumbered(list), true);
        if !all.is_empty() {
            c.ike = shown(Some(all), &place());
        }
    } else if let Some(list) = esp
        && let Some(child) = c.children.first_mut()
    {
        let mut all = configured(&unnumbered(list), false);
        for one in &mut all {
            one.ke.clear();
        }
        if !all.is_empty() {
            child.esp = shown(Some(all), &place());
        }
    }
}

/// `AES_CBC(7)_256-SHA1(2)_000-MODP1024(2); flags=-strict` of older versions, without the numbers of the algorithms.
fn unnumbered(list: &str) -> String {
    let mut out = String::with_capacity(list.len());
    let mut inside = false;
    for c in list.split(';').next().unwrap_or(list).chars() {
        match c {
            '(' => inside = true,
            ')' => inside = false,
            _ if inside => {}
            c => out.push(c),
        }
    }
    out.replace("_000", "")
}

#[cfg(test)]
mod bare_tests {
    #![allow(clippy::unwrap_used)]
    use super::super::tests::place;
    use super::*;

    #[test]
    fn a_line_of_ends_tells_without_its_head() {
        let read = |line: &str| {
            let mut statuses = Statuses::default();
            statuses.line(line, &place);
            statuses.finish()
        };
        let all = read(
            "10.20.0.0/24===192.0.2.2<192.0.2.2>[@gw-a,+S=C]---192.0.2.1...198.51.100.9<198.51.100.9>[+S=C]===10.0.0.0/8; unrouted",
        );
        let (c, _) = all.first().unwrap();
        assert_eq!((c.name.as_str(), c.listed), ("198.51.100.9", true));
        let child = c.children.first().unwrap();
        assert_eq!(
            child.local_ts.value,
            [Some("10.20.0.0/24".parse().unwrap())]
        );
        assert_eq!(child.remote_ts.value, [Some("10.0.0.0/8".parse().unwrap())]);
        for other in [
            "=== the left side...and the right side===",
            "10.20.0.0/24===gw...198.51.100.9===10.0.0.0/8",
            "see 10.20.0.0/24===192.0.2.2...198.51.100.9===10.0.0.0/8",
        ] {
            assert!(read(other).is_empty(), "{other}");
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::tests::place;
    use super::*;

    fn one(lines: &[&str]) -> PeerConnection {
        let mut statuses = Statuses::default();
        for line in lines {
            statuses.line(line, &place);
        }
        let mut all = statuses.finish();
        assert_eq!(all.len(), 1);
        all.pop().unwrap().0
    }

    #[test]
    fn libreswans_lines() {
        let c = one(&[
            "000 \"to-b\": 10.1.0.0/24===192.0.2.1[@gw-a]...198.51.100.1[@gw-b]===10.2.0.0/24; unrouted; eroute owner: #0",
            "000 \"to-b\":     oriented; my_ip=unset; their_ip=unset;",
            "000 \"to-b\":   our auth:secret, their auth:secret",
            "000 \"to-b\":   ike_life: 28800s; ipsec_life: 3600s; replay_window: 32; rekey_margin: 540s;",
            "000 \"to-b\":   policy: PSK+ENCRYPT+TUNNEL+PFS+UP+IKEV1_ALLOW+SAREF_TRACK+IKE_FRAG_ALLOW+ESN_NO;",
            "000 \"to-b\":   IKE algorithms: AES_CBC_256-HMAC_SHA2_256-MODP2048",
            "000 \"to-b\":   ESP algorithms: AES_CBC_256-HMAC_SHA2_256_128",
        ]);
        assert_eq!(c.versions.value, Versions::V1);
        assert_eq!(c.local_id.value, value::identity("@gw-a"));
        assert_eq!(c.local_auth.value, [AuthMethod::Psk]);
        assert!(c.ike.value.is_some());
        let child = c.children.first().unwrap();
        assert!(child.esp.value.is_some());
        assert_eq!(child.life.value, Some(Duration::from_secs(3600)));
    }

    #[test]
    fn openswans_line_of_ends() {
        let c = one(&[
            "000 \"to-b\": 10.1.0.0/24===10.0.0.5<10.0.0.5>[192.0.2.1,+S=C]---10.0.0.1...198.51.100.1<198.51.100.1>[+S=C]===10.2.0.0/24; erouted; eroute owner: #2",
            "000 \"to-b\":   IKE algorithms wanted: AES_CBC(7)_256-SHA1(2)_000-MODP1024(2); flags=-strict",
            "000 \"to-b\":   ESP algorithms wanted: AES(12)_128-SHA1(2)_000; flags=-strict",
        ]);
        assert_eq!(c.local.value, [value::place("10.0.0.5")]);
        let ike = c.ike.value.as_ref().and_then(|all| all.first()).unwrap();
        assert_eq!((ike.encr.len(), ike.integ.len(), ike.ke.len()), (1, 1, 1));
        assert!(c.children.first().unwrap().esp.value.is_some());
        assert_eq!(c.local_id.value, value::identity("192.0.2.1"));
        assert_eq!(c.remote.value, [value::place("198.51.100.1")]);
    }
}
