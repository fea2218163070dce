//! `virtual-ip-or-cp-failure`: a virtual address was asked for and not given, or wanted and not asked for.

use adit_model::reason::{AddressProblem, Refusal};
use adit_model::sign::Sign;

use crate::complaint::complained;
use crate::finding::{CONDITION, COUNTED, SAID, SYMPTOM};
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::seen::Seen;
use crate::signals::{Signals, notify, who};
use crate::verdict::AtFault;

pub(crate) static RULE: Rule = Rule {
    id: "virtual-ip-or-cp-failure",
    recurs: false,
    page: Page {
        title: "The virtual address of the client wasn't agreed",
        what: "A client may ask for an address inside the tunnel (configuration payload, mode config). The gateway needs a pool for it; and where it has one, it may insist that the client asks.",
        initiator: "INTERNAL_ADDRESS_FAILURE: asked and got none. FAILED_CP_REQUIRED: didn't ask and had to.",
        responder: "strongSwan: \"no virtual IP found, sending INTERNAL_ADDRESS_FAILURE\", \"expected a virtual IP request, sending FAILED_CP_REQUIRED\"; Libreswan: \"does not include a CP payload required by …modecfgserver\".",
        look_alikes: &[
            ("address-pool-exhausted", "Is there a pool, and is it full?"),
            (
                "ts-mismatch",
                "Is the notify about addresses or about networks?",
            ),
        ],
        fix: &[
            (
                "any",
                "Both or neither: a pool on the gateway and a request by the client.",
            ),
            (
                "adit",
                "client: `virtual_ip = true`; gateway: `pool = [\"NAME\"]` and `[pool.NAME]`",
            ),
            (
                "strongswan",
                "client: `vips = 0.0.0.0` (`leftsourceip=%config`); gateway: `pools = …` (`rightsourceip=10.9.0.0/24`)",
            ),
            (
                "libreswan",
                "client: `modecfgclient=yes`; gateway: `modecfgserver=yes`, `rightaddresspool=`",
            ),
            ("vyos", "`set vpn ipsec remote-access pool`"),
        ],
        source: "RFC 7296 2.19, 3.15.4",
    },
    needs: &[Need::RefusingSideLog],
    depends_on: &["address-pool-exhausted"],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    if let Some(seen) = s.sign(Sign::VirtualAddressMissing) {
        return Found::by(
            seen,
            SAID,
            "the gateway has a pool of virtual addresses and wants the client to ask for one, and the client didn't",
        )
        .at(AtFault::Both)
        .with(s.signs_of(Sign::VirtualAddressMissing).map(|x| x.fact))
        .because("FAILED_CP_REQUIRED says that the configuration payload was missing from the request.")
        .fix("let the client ask for a virtual address (adit: virtual_ip = true; strongSwan: vips = 0.0.0.0; Libreswan: modecfgclient=yes), or take the pool out of the gateway's connection")
        .done();
    }
    if let Some(seen) = s.sign(Sign::VirtualAddressRefused) {
        return refused(
            Found::by(seen, SAID, NONE_GIVEN).with(s.signs_of(seen.sign).map(|x| x.fact)),
        );
    }
    if let Some(judgement) = shared(s).or_else(|| precisely(s)) {
        return judgement;
    }
    if let Some(told) = s.told(notify::FAILED_CP_REQUIRED, false) {
        return Found::on(
            told.fact,
            SAID,
            AtFault::Both,
            "the responder wants the initiator to ask for a virtual address, and it didn't",
        )
        .because("FAILED_CP_REQUIRED says that the configuration payload was missing from the request.")
        .fix("let the client ask for a virtual address (strongSwan: vips = 0.0.0.0; Libreswan: modecfgclient=yes), or take the pool out of the gateway's connection")
        .done();
    }
    if let Some(told) = s.told.iter().rev().find(|t| t.v1_config) {
        return Found::on(
            told.fact,
            SAID,
            AtFault::Both,
            format!(
                "the peer answers the request for a virtual address (mode config) with {}",
                told.name
            ),
        )
        .because("In IKEv1 an address is asked for in an exchange of its own, after phase 1. A peer that has nothing to give, or doesn't know that exchange, refuses it, and phase 2 is never begun.")
        .fix("don't ask for an address (strongSwan: take leftsourceip or vips out; Libreswan: modecfgclient=no), or set up mode config on the peer")
        .done();
    }
    match s.told(notify::INTERNAL_ADDRESS_FAILURE, false) {
        Some(told) => refused(Found::on(told.fact, SAID, AtFault::Both, NONE_GIVEN)),
        None => no_lease(s).unwrap_or_else(|| not_taken(s)),
    }
}

/// A listing has one address at two users.
fn shared(s: &Signals<'_>) -> Option<Judgement> {
    let seen = s
        .signs_of(Sign::AddressDuplicate)
        .find(|x| x.value("of") == Some("lease"))?;
    // A device that comes back by another network may be listed twice for a while.
    if !complained(s) || s.refused_or_told() {
        return None;
    }
    Some(
        Found::by(
            seen,
            COUNTED,
            format!(
                "two users have the address {} inside the tunnel at once: {} and {}",
                seen.value_or("address", ""),
                seen.value_or("one", ""),
                seen.value_or("other", "")
            ),
        )
        .because("What is sent to the address goes to the one that connected last, and the other hears nothing. A lease belongs to one client: two pools of the same addresses, or a gateway that knows its clients by less than their names, give it away twice.")
        .fix("give each pool addresses of its own; update the gateway where clients behind one NAT or with one group's key share a lease (Libreswan before 3.26), and let each client have an identity of its own")
        .then("the leases beside the identities: ipsec trafficstatus, swanctl --list-pools --leases")
        .done(),
    )
}

/// The gateway leases addresses for its clients from a DHCP server, and asks again and again.
fn no_lease(s: &Signals<'_>) -> Option<Judgement> {
    // It asks five times, and once again where one datagram is lost.
    const SEVERAL: usize = 3;
    let offered = s.ever(Sign::LeaseOffered);
    let mut sought: Vec<_> = s
        .ever(Sign::LeaseSought)
        .into_iter()
        .filter(|x| {
            offered
                .iter()
                .all(|o| o.fact.source.line < x.fact.source.line)
        })
        .collect();
    // A DHCP server says so of a request that came where it serves nobody.
    let strays: Vec<_> = sought
        .extract_if(.., |x| x.value("via").is_some())
        .collect();
    // Others ask by DHCP too.
    const NEAR: u64 = 4;
    let strayed = strays.last().copied().filter(|x| {
        let line = x.fact.source.line;
        sought.iter().any(|asked| {
            let near = asked
                .fact
                .source
                .line
                .zip(line)
                .is_some_and(|(asked, line)| line > asked && line - asked <= NEAR);
            near && is_same_request(asked, x, strays.len() > 1)
        })
    });
    let last = *sought.last()?;
    if let Some(strayed) = strayed.filter(|_| !s.refused_or_told()) {
        return Some(
            Found::by(
                strayed,
                SYMPTOM,
                format!("the gateway asks for the client's address by DHCP, and the request comes to the server from {}, where it serves nobody", strayed.value_or("via", "elsewhere")),
            )
            .with([last.fact])
            .because("The request leaves by another interface than that of the network whose addresses are to be leased: a broadcast follows the default route unless the plugin binds to the interface.")
            .fix("give the plugin the server's address or the broadcast address of its network (strongSwan: charon.plugins.dhcp.server), and update strongSwan where it doesn't heed charon.plugins.dhcp.interface; or use a pool of the gateway's own")
            .then("tcpdump -ni any udp port 67 during an attempt: by which interface does the request leave?")
            .done(),
        );
    }
    // Newer versions name the client: what is asked for others asks once for each.
    sought.retain(|x| x.value("server") == last.value("server"));
    if sought.len() < SEVERAL || s.refused_or_told() {
        return None;
    }
    Some(
        Found::by(
            last,
            SYMPTOM,
            "the gateway asks for the client's address by DHCP again and again, and takes no offer",
        )
        .with(sought.iter().map(|x| x.fact))
        .because("The client's virtual address comes from a DHCP server here. Either no offer is sent, or none reaches the daemon: servers on the gateway itself, and those that answer an address where the daemon doesn't listen, are known for it.")
        .fix("give the plugin the server's address (strongSwan: charon.plugins.dhcp.server, .interface, .force_server_address), update strongSwan where the server is on the same host, or use a pool of the gateway's own (pools, rightsourceip=10.9.0.0/24)")
        .then("tcpdump -ni any udp port 67 or udp port 68 on the gateway during an attempt: is there an offer, and for whom?")
        .done(),
    )
}

/// Whether what came to the server may be what the gateway sent: by broadcast and for the same client, or more than once
/// where a line names none.
fn is_same_request(asked: &Seen<'_>, strayed: &Seen<'_>, again: bool) -> bool {
    let client = |text: &str| {
        text.split([' ', ','])
            .find(|w| w.len() == 17 && w.bytes().filter(|b| *b == b':').count() == 5)
            .map(str::to_ascii_lowercase)
    };
    let (one, other) = (&asked.fact.source.text, &strayed.fact.source.text);
    let same = match client(one).zip(client(other)) {
        Some((one, other)) => one == other,
        None => again,
    };
    one.contains("255.255.255.255") && same
}

/// The side that refused tells what is missing.
fn precisely(s: &Signals<'_>) -> Option<Judgement> {
    let (r, problem) = s.refusal(|r| match r {
        Refusal::NoAddress { problem } => Some(problem),
        _ => None,
    })?;
    let (fix, side) = match problem {
        // Another cause, or none that is told.
        AddressProblem::Full { .. } => return Some(Judgement::Silent),
        AddressProblem::NotFound => return None,
        AddressProblem::NoPool { .. } => (
            "give the gateway a pool of that family for this client (adit: [pool.NAME] and `pool` of the tunnel), or don't ask for an address on the client",
            AtFault::Both,
        ),
        AddressProblem::NotAsked { .. } => (
            "let the client ask for a virtual address (strongSwan: vips = 0.0.0.0; Libreswan: modecfgclient=yes), or take the pool out of the gateway's connection",
            AtFault::Both,
        ),
        AddressProblem::NotGiven { .. } => (
            "set up a pool of that family for this client on the gateway, or don't ask for an address on the client",
            AtFault::Both,
        ),
        AddressProblem::OtherFamily { .. } | AddressProblem::Unusable { .. } => (
            "set the gateway's pool to addresses of the family that is asked for, which a host can have",
            r.at_fault(),
        ),
    };
    Some(
        Found::on(r.fact, SAID, side, format!("at {}: {problem}", who(r.side)))
            .because("An address inside the tunnel is asked for in IKE_AUTH (CFG_REQUEST) and given in its answer; both sides have to be set up for it.")
            .fix(fix)
            .done(),
    )
}

/// The address was given, and something else that came with it couldn't be put to use.
fn not_taken(s: &Signals<'_>) -> Judgement {
    // Where the resolver itself complained, that is what is wrong.
    let calm = s.calm() && s.sign(Sign::ResolverNotSet).is_none();
    let Some(seen) = s.sign(Sign::AttributeNotTaken).filter(|_| calm) else {
        return Judgement::Silent;
    };
    Found::by(
        seen,
        CONDITION,
        "the gateway gave name servers with the virtual address, and they couldn't be set on this host",
    )
    .with(s.signs_of(seen.sign).map(|x| x.fact).take(3))
    .because("The configuration payload came and was read; the plugin that should have put the name servers into the resolver failed.")
    .fix("install openresolv or name the resolver's file (strongSwan: charon.plugins.resolve.file or .resolvconf.path), check the daemon's rights on it, or set the servers by hand")
    .then("ls -l /etc/resolv.conf; command -v resolvconf")
    .done()
}

const NONE_GIVEN: &str = "a virtual address was asked for, and none was given";

fn refused(found: Found) -> Judgement {
    found
        .at(AtFault::Both)
        .because("The gateway has no pool for this client, or no free address of the family that was asked for.")
        .fix("configure a pool with free addresses of that family on the gateway (strongSwan: pools, rightsourceip; Libreswan: rightaddresspool), or don't ask for one on the client")
        .done()
}
