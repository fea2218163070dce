//! The lab's CA as a host: both gateways reach it, each over a wire of its own, and ask it what it revoked.

use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};

use super::credentials::{Auth, Credentials};
use super::lab::Lab;
use super::patience::{self, wait};
use super::scenario::Tunnel;
use super::trust::{Lists, Responder};
use super::web;
use crate::exec;

/// The CA's address for both gateways.
pub const WEB: &str = "10.90.0.1";

/// Its running web server; dropped, it is stopped.
pub struct Authority {
    process: Child,
    log: PathBuf,
}

impl Authority {
    /// Makes the host and starts its server, where certificates lead to it.
    pub fn start(lab: &Lab, tunnel: &Tunnel) -> Result<Option<Self>> {
        if !tunnel.trust.needs_web() {
            return Ok(None);
        }
        lab.add("ca")?;
        lab.ip("ca", &[&format!("addr add {WEB}/32 dev lo")])?;
        for gateway in lab.gateways() {
            let net = match gateway {
                "west" => 1,
                "east" => 2,
                _ => 3,
            };
            lab.link(gateway, "ca", "ca", gateway)?;
            lab.ip(
                gateway,
                &[
                    &format!("addr add 10.90.{net}.1/24 dev ca"),
                    "link set ca up",
                    &format!("route add {WEB}/32 via 10.90.{net}.2"),
                ],
            )?;
            lab.ip(
                "ca",
                &[
                    &format!("addr add 10.90.{net}.2/24 dev {gateway}"),
                    &format!("link set {gateway} up"),
                ],
            )?;
        }
        let folder = Credentials::of(&lab.kept, tunnel)?.folder;
        let log = lab.kept.join("ca.log");
        let output = std::fs::File::create(lab.kept.join("ca.out"))?;
        let mut command = lab.command("ca", std::env::current_exe()?);
        command.arg("web").arg(&folder).arg(&log);
        command
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output);
        let process = command.spawn().context("cannot start the CA's server")?;
        let server = Self { process, log };
        wait("the CA's server", Duration::from_secs(3), || {
            let listening = exec::output(lab.command("ca", "ss").args(["-Hltn", "sport = :80"]))?;
            Ok(!listening.stdout.trim().is_empty())
        })?;
        Ok(Some(server))
    }

    /// Whether each gateway that was shown a certificate has asked about it, and was answered.
    pub fn was_asked(&self, tunnel: &Tunnel) -> Result<bool> {
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        let wanted = match (tunnel.trust.responder, tunnel.trust.lists) {
            (Responder::Delegated | Responder::Unmarked, _) => {
                format!("POST {} 200", web::RESPONDER)
            }
            (Responder::Dead, _) => "POST /gone 404".to_owned(),
            (Responder::None, Lists::Http) if tunnel.intermediate => "GET /sub.crl 200".to_owned(),
            _ => "GET /root.crl 200".to_owned(),
        };
        let asked = |from: &str| log.lines().any(|line| line == format!("{from} {wanted}"));
        Ok((tunnel.east_auth != Auth::Cert || asked("10.90.1.1"))
            && (tunnel.west_auth != Auth::Cert || asked("10.90.2.1")))
    }
}

impl Drop for Authority {
    fn drop(&mut self) {
        patience::end(&mut self.process, Duration::from_secs(1));
    }
}
