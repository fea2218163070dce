//! The state of a host as its tools list it, put together: each reader recognises its own lines.

use adit_model::fact::{Fact, Known};
use adit_model::host::HostState;
use adit_model::sign::Sign;

use super::{
    address, certificate, cloud_acl, cloud_filter, conntrack, fact, fortios_routes, modules,
    neighbour, nss, passage, qos, routeros_ids, rtnetlink, sign, strayed, xfrm,
};
use crate::reading::Place;
use crate::text::{Line, split_at_rare};

/// Readers of a host's state.
#[derive(Debug, Default)]
pub(super) struct Host {
    addresses: address::Addresses,
    certificates: certificate::Certificates,
    cloud_acl: cloud_acl::CloudAcl,
    cloud_filter: cloud_filter::CloudFilter,
    flows: conntrack::Flows,
    fortios_routes: fortios_routes::FortiosRoutes,
    modules: modules::Modules,
    nss: nss::Nss,
    neighbours: neighbour::Neighbours,
    passage: passage::Passage,
    qos: qos::Qos,
    rtnetlink: rtnetlink::Rtnetlink,
    strayed: strayed::Strayed,
    xfrm: xfrm::Xfrm,
}

impl Host {
    /// The next line.
    pub(super) fn line(
        &mut self,
        line: &Line<'_>,
        place: &dyn Fn() -> Place,
        facts: &mut Vec<Fact>,
    ) {
        self.addresses.line(line, place, facts);
        self.certificates.line(line, place, facts);
        self.cloud_acl.line(line, place, facts);
        self.cloud_filter.line(line, place, facts);
        self.fortios_routes.line(line, place, facts);
        self.modules.line(line, place, facts);
        self.nss.line(line, place);
        self.flows.line(line, place, facts);
        self.neighbours.line(line, place, facts);
        self.passage.line(line, place);
        self.qos.line(line, place, facts);
        routeros_ids::line(line, place, facts);
        self.rtnetlink.line(line, place, facts);
        self.strayed.line(line, place);
        self.xfrm.line(line, place, facts);
        facts.extend(clock(line.body, place));
        facts.extend(path(line.body, place));
    }

    /// What all of them read.
    pub(super) fn finish(mut self, facts: &mut Vec<Fact>) {
        self.certificates.finish(facts);
        self.cloud_acl.finish(facts);
        self.fortios_routes.finish(facts);
        self.nss.finish(facts);
        self.passage.finish(facts);
        self.qos.finish(facts);
        self.strayed.finish(facts);
        self.xfrm.finish(facts);
    }
}

/// `System time     : 7203.114 seconds slow of NTP time` of chronyc; less than a minute hurts no certificate.
fn clock(body: &str, place: &dyn Fn() -> Place) -> Option<Fact> {
    let (_, rest) = split_at_rare(body, "System time ")?;
    let (seconds, rest) = rest
        .trim_start_matches([' ', ':'])
        .split_once(" seconds ")?;
    let seconds: f64 = seconds.parse().ok()?;
    let off = rest.starts_with("slow of NTP") || rest.starts_with("fast of NTP");
    (off && seconds > 60.0).then(|| {
        let problem = format!("{seconds:.0} seconds {rest}");
        sign(place(), Sign::ClockWrong, &[("problem", problem.as_str())])
    })
}

/// `Resume: pmtu 1400 hops 8 back 8` of tracepath.
fn path(body: &str, place: &dyn Fn() -> Place) -> Option<Fact> {
    let rest = body.trim().strip_prefix("Resume: pmtu ")?;
    let mtu = rest.split(' ').next()?.parse().ok()?;
    let state = Box::new(HostState::PathMtu { mtu });
    Some(fact(place(), Known::Host { state }))
}
