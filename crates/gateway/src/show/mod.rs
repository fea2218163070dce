//! The state of the gateway in detail: what `adit show` prints.

mod certs;
mod compare;
mod ike_sa;
mod ipsec_sa;
mod policy;

use std::sync::Arc;

use adit_model::drops::DropReason;
use adit_model::show::{
    Certificates, ChildDrops, DropCounter, Drops, IkeSas, IpsecSas, Log, LogEntry, Policies, Shown,
    Topic,
};

use crate::clock::rfc3339;
use crate::gateway::Gateway;
use crate::tunnel::Tunnel;

impl Gateway {
    /// The document of a topic, of one tunnel or of all.
    pub(crate) fn shown(&self, topic: Topic, only: Option<&str>) -> Shown {
        match topic {
            Topic::IkeSa => Shown::IkeSa(self.ike_sas(only)),
            Topic::IpsecSa => Shown::IpsecSa(self.ipsec_sas(only)),
            Topic::Policy => Shown::Policy(self.policies(only)),
            Topic::Certs => Shown::Certs(Certificates {
                schema: Certificates::SCHEMA.to_owned(),
                certificates: certs::loaded(&self.keys, only, self.clock.now().wall),
            }),
            Topic::Drops => Shown::Drops(self.every_drop(only)),
            Topic::Log => Shown::Log(self.kept_events(only)),
        }
    }

    fn ike_sas(&self, only: Option<&str>) -> IkeSas {
        let now = self.clock.now();
        let mut sas = self.endpoint.snapshot();
        sas.retain(|sa| only.is_none() || sa.connection.as_deref() == only);
        sas.sort_by_key(|sa| (sa.connection.is_none(), sa.connection.clone(), sa.spis));
        let detail = |sa| {
            let configured = self.configured(sa);
            ike_sa::detail(now, sa, configured)
        };
        IkeSas {
            schema: IkeSas::SCHEMA.to_owned(),
            ike_sas: sas.iter().map(detail).collect(),
        }
    }

    fn ipsec_sas(&self, only: Option<&str>) -> IpsecSas {
        let now = self.clock.now();
        let pairs = self.backend.pairs();
        let mut found = Vec::new();
        let mut sas = self.endpoint.snapshot();
        sas.sort_by_key(|sa| (sa.connection.clone(), sa.established));
        for sa in &sas {
            let name = sa.connection.as_deref();
            if name.is_none() || (only.is_some() && name != only) {
                continue;
            }
            for child in &sa.children {
                let traffic = pairs.iter().find(|p| p.spi_in == child.spi_in);
                let counters = traffic.map(|p| p.counters).unwrap_or_default();
                found.push(ipsec_sa::detail(
                    now,
                    sa,
                    child,
                    counters,
                    self.configured(sa),
                ));
            }
        }
        IpsecSas {
            schema: IpsecSas::SCHEMA.to_owned(),
            ipsec_sas: found,
        }
    }

    fn configured(
        &self,
        sa: &adit_ike::IkeSaSnapshot,
    ) -> Option<&Arc<adit_model::connection::Connection>> {
        let tunnel = self.tunnels.get(sa.connection.as_deref()?)?;
        Some(&tunnel.connection)
    }

    fn policies(&self, only: Option<&str>) -> Policies {
        let snapshot = self.endpoint.snapshot();
        let tunnels: Vec<&Tunnel> = self
            .tunnels
            .iter()
            .filter(|(name, _)| only.is_none_or(|only| only == name.as_str()))
            .map(|(_, tunnel)| tunnel)
            .collect();
        let mut policies = Vec::new();
        if only.is_none() {
            policies.extend(self.options.config.policies.iter().map(policy::configured));
        }
        for tunnel in tunnels {
            let held = self
                .host
                .as_ref()
                .is_some_and(|host| host.is_blocked(&tunnel.connection.name));
            policies.extend(policy::protected(tunnel, &snapshot, held));
        }
        if let Some(host) = self.host.as_ref().filter(|_| only.is_none()) {
            policies.extend(policy::bypassed(host.peers_let_through(), host.ike_ports()));
        }
        Policies {
            schema: Policies::SCHEMA.to_owned(),
            block: self.host.as_ref().map(|host| host.block_name().to_owned()),
            policies,
        }
    }

    fn every_drop(&self, only: Option<&str>) -> Drops {
        let totals = self.drop_totals();
        let children = self.backend.children();
        let of = |reason: &DropReason| {
            let by_child: Vec<ChildDrops> = children
                .iter()
                .filter(|report| only.is_none_or(|only| report.child.connection == only))
                .map(|report| ChildDrops {
                    tunnel: report.child.connection.clone(),
                    child: report.child.child.clone(),
                    packets: report.drops.of(*reason),
                })
                .filter(|drops| drops.packets > 0)
                .collect();
            let packets = match only {
                Some(_) => by_child.iter().map(|drops| drops.packets).sum(),
                None => totals.get(reason).copied().unwrap_or(0),
            };
            DropCounter {
                reason: *reason,
                layer: reason.layer(),
                severity: reason.severity(),
                packets,
                meaning: reason.meaning().to_owned(),
                by_child,
            }
        };
        Drops {
            schema: Drops::SCHEMA.to_owned(),
            tunnel: only.map(str::to_owned),
            drops: DropReason::ALL.iter().map(of).collect(),
        }
    }

    fn kept_events(&self, only: Option<&str>) -> Log {
        let records = match only {
            Some(name) => self.log.of(Some(name)),
            None => self.log.all(),
        };
        let entry = |record: &Arc<crate::events::Record>| LogEntry {
            number: record.number,
            at: rfc3339(record.event.at.wall),
            text: record.event.to_string(),
            event: record.event.clone(),
        };
        Log {
            schema: Log::SCHEMA.to_owned(),
            events: records.iter().map(entry).collect(),
        }
    }
}
