//! Adit, driven by its own command line: in the namespace `west`, and in `east` where the peer is a second one.

use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::Value;

use super::lab::Lab;
use super::patience::{self, wait};
use super::scenario::{Role, Tunnel};
use super::side::End;
use super::state::{self, Snapshot};
use super::suite;
use super::{callers, children, credentials};
use crate::exec;

/// `adit why` and `adit status` say so when no gateway answers.
const CANNOT_OBSERVE: i32 = 3;

/// What the peer is called where Adit knows it by a name.
const NAME: &str = "peer.lab";

/// A running gateway; dropped, it is stopped.
pub struct Adit<'a> {
    lab: &'a Lab,
    end: End,
    binary: PathBuf,
    config: PathBuf,
    process: Child,
    starts: usize,
}

impl<'a> Adit<'a> {
    /// Writes the configuration of tunnel `gw`, with its keys.
    pub fn write(lab: &Lab, end: &End, tunnel: &Tunnel) -> Result<PathBuf> {
        let folder = lab.kept.join(end.host);
        std::fs::create_dir_all(&folder)?;
        for (end, tunnel) in callers::tunnels(lab, end, tunnel) {
            // Without a key there is no file of it.
            if !tunnel.psk.is_empty() {
                secret(&folder.join(format!("{}.psk", end.name)), &tunnel.psk)?;
            }
        }
        if let Some(ppk) = &tunnel.ppk {
            secret(&folder.join("gw.ppk"), &ppk.key)?;
        }
        credentials::Credentials::of(&lab.kept, tunnel)?;
        let config = folder.join("gw.toml");
        std::fs::write(&config, native(lab, end, tunnel))?;
        Ok(config)
    }

    /// Writes the configuration and starts the gateway; it initiates by itself, if it is to.
    pub fn start(lab: &'a Lab, binary: &Path, end: End, tunnel: &Tunnel) -> Result<Self> {
        let config = Self::write(lab, &end, tunnel)?;
        if tunnel.by_name {
            names(lab, &end, &end.remote)?;
        }
        let process = spawn(lab, binary, end.host, &config, 0)?;
        let mut gateway = Self {
            lab,
            end,
            binary: binary.to_owned(),
            config,
            process,
            starts: 0,
        };
        gateway.listening()?;
        Ok(gateway)
    }

    /// Waits until the control socket answers.
    fn listening(&mut self) -> Result<()> {
        let log = self.log();
        wait("adit run to answer", Duration::from_secs(5), || {
            if let Some(status) = self.process.try_wait()? {
                let said = std::fs::read_to_string(&log).unwrap_or_default();
                anyhow::bail!("adit run ended with {status}: {}", said.trim());
            }
            Ok(
                exec::output(&mut self.command("status", &["--json"]))?.code
                    != Some(CANNOT_OBSERVE),
            )
        })
    }

    fn log(&self) -> PathBuf {
        log(self.lab, self.end.host, self.starts)
    }

    /// A subcommand about the running gateway.
    fn command(&self, verb: &str, args: &[&str]) -> Command {
        // It goes to a socket, so it may be asked anywhere.
        let ask = Command::new("timeout");
        about(ask, self.lab, &self.binary, self.end.host, verb, args)
    }

    /// Sets the tunnel up, and leaves it to itself.
    pub fn initiate_unwatched(&self) -> Result<Child> {
        let mut command = self.command("up", &["gw"]);
        command.stdin(Stdio::null()).stdout(Stdio::null());
        Ok(command.stderr(Stdio::null()).spawn()?)
    }

    /// The gateway itself.
    pub fn process(&mut self) -> &mut Child {
        &mut self.process
    }

    pub fn up(&self) -> Result<exec::Outcome> {
        exec::output(&mut self.command("up", &["gw"]))
    }

    pub fn down(&self) -> Result<()> {
        exec::checked(&mut self.command("down", &["gw"])).map(|_| ())
    }

    /// Has a changed configuration read.
    pub fn reload(&self, tunnel: &Tunnel) -> Result<()> {
        std::fs::write(&self.config, native(self.lab, &self.end, tunnel))?;
        exec::checked(&mut self.command("reload", &[])).map(|_| ())
    }

    /// Renews the keys of the child, or of the IKE SA.
    pub fn rekey(&self, what: &str) -> Result<()> {
        exec::checked(&mut self.command("rekey", &["gw", what])).map(|_| ())
    }

    /// The peer's name has another address from now on.
    pub fn rename(&self, address: &str) -> Result<()> {
        names(self.lab, &self.end, address)
    }

    /// SIGTERM; the gateway says goodbye to its peers and ends well.
    pub fn stop(&mut self) -> Result<()> {
        patience::signal(&self.process, rustix::process::Signal::TERM);
        let mut status = None;
        wait("adit run to end", Duration::from_secs(5), || {
            status = self.process.try_wait()?;
            Ok(status.is_some())
        })?;
        anyhow::ensure!(
            status.is_some_and(|status| status.success()),
            "adit run ended with {status:?}"
        );
        Ok(())
    }

    /// `kill -9`.
    pub fn kill(&mut self) -> Result<()> {
        self.process.kill()?;
        self.process.wait()?;
        Ok(())
    }

    /// A new process with the same configuration and state folder; it initiates by itself.
    pub fn restart(&mut self, tunnel: &Tunnel) -> Result<()> {
        self.end.starts = true;
        std::fs::write(&self.config, native(self.lab, &self.end, tunnel))?;
        self.start_again()
    }

    /// A new process with the same configuration.
    pub fn start_again(&mut self) -> Result<()> {
        self.starts += 1;
        self.process = spawn(
            self.lab,
            &self.binary,
            self.end.host,
            &self.config,
            self.starts,
        )?;
        self.listening()
    }

    /// The `adit.status/1` document as a snapshot of tunnel `gw`; empty while the gateway does not answer.
    pub fn snapshot(&self) -> Result<Snapshot> {
        self.snapshot_of("gw")
    }

    /// That of another tunnel.
    pub fn snapshot_of(&self, name: &str) -> Result<Snapshot> {
        let outcome = exec::output(&mut self.command("status", &["--json"]))?;
        if outcome.code == Some(CANNOT_OBSERVE) {
            return Ok(Snapshot::default());
        }
        let document = json(&outcome, "adit.status/1")?;
        snapshot(tunnel_of(&document, name)?)
    }

    /// Every pair of CHILD SAs that is in use.
    pub fn pairs(&self) -> Result<Vec<state::Child>> {
        let listing = exec::output(&mut self.command("show", &["ipsec-sa", "--json"]))?;
        let document = json(&listing, "adit.show.ipsec-sa/1")?;
        let all = document["ipsec_sas"].as_array().into_iter().flatten();
        let live = all.filter(|pair| pair["state"] == "installed");
        live.map(|pair| {
            Ok(state::Child {
                name: text(&pair["child"])?,
                mode: text(&pair["mode"])?,
                spi_in: state::spi(&text(&pair["spi_in"])?),
                spi_out: state::spi(&text(&pair["spi_out"])?),
                suite: suite::from_keywords(&text(&pair["proposal"])?),
                ts_local: texts(&pair["ts_local"]),
                ts_remote: texts(&pair["ts_remote"]),
                packets_in: pair["packets_in"].as_u64().context("no packets_in")?,
                packets_out: pair["packets_out"].as_u64().context("no packets_out")?,
            })
        })
        .collect()
    }

    /// How many IKE SAs are up.
    pub fn ike_sas(&self) -> Result<usize> {
        let listing = exec::output(&mut self.command("show", &["ike-sa", "--json"]))?;
        let document = json(&listing, "adit.show.ike-sa/1")?;
        let all = document["ike_sas"].as_array().into_iter().flatten();
        Ok(all.filter(|sa| sa["state"] == "established").count())
    }

    /// What it has written since it was started last.
    pub fn said(&self) -> String {
        std::fs::read_to_string(self.log()).unwrap_or_default()
    }

    /// How many IKE SAs there are, and how many pairs of CHILD SAs, old ones too.
    pub fn counts(&self) -> Result<(usize, usize)> {
        let count = |what: &str| -> Result<usize> {
            let outcome = exec::output(&mut self.command("show", &[what, "--json"]))?;
            let document = json(&outcome, &format!("adit.show.{what}/1"))?;
            let list = &document[what.replace('-', "_") + "s"];
            Ok(list.as_array().context("show: no list")?.len())
        };
        Ok((count("ike-sa")?, count("ipsec-sa")?))
    }

    /// The last event of that kind.
    pub fn last_event(&self, kind: &str) -> Result<Value> {
        let outcome = exec::output(&mut self.command("show", &["log", "gw", "--json"]))?;
        let document = json(&outcome, "adit.show.log/1")?;
        let events = document["events"].as_array().into_iter().flatten().rev();
        let mut said = events.map(|entry| &entry["event"]["what"]);
        let found = said.find(|what| what["event"] == kind);
        found
            .cloned()
            .with_context(|| format!("there was no event {kind}"))
    }

    /// The state word of the tunnel.
    pub fn state(&self) -> Result<String> {
        let document = json(
            &exec::output(&mut self.command("status", &["--json"]))?,
            "adit.status/1",
        )?;
        text(&tunnel_of(&document, "gw")?["state"])
    }

    /// The `adit.status/1` document.
    pub fn status(&self) -> Result<Value> {
        let outcome = exec::output(&mut self.command("status", &["--json"]))?;
        json(&outcome, "adit.status/1")
    }

    /// What the running gateway shows of a topic.
    pub fn show(&self, topic: &str) -> Result<Value> {
        let outcome = exec::output(&mut self.command("show", &[topic, "--json"]))?;
        json(&outcome, &format!("adit.show.{topic}/1"))
    }

    /// On whose side it has found a NAT.
    pub fn nat(&self) -> Result<String> {
        let outcome = exec::output(&mut self.command("status", &["--json"]))?;
        let document = json(&outcome, "adit.status/1")?;
        text(&tunnel_of(&document, "gw")?["ike"]["nat"])
    }

    /// The `adit.why/1` document about tunnel `gw`.
    pub fn why(&self) -> Result<Value> {
        let outcome = exec::output(&mut self.command("why", &["gw", "--json"]))?;
        std::fs::write(
            self.lab.kept.join(self.end.host).join("why.json"),
            &outcome.stdout,
        )?;
        json(&outcome, "adit.why/1")
    }
}

/// The `adit.why/1` document about a tunnel, asked on the host itself, whether its gateway runs or not.
pub fn why_on(lab: &Lab, binary: &Path, host: &str, tunnel: &str) -> Result<Value> {
    let ask = lab.brief(host, "timeout");
    let args = [tunnel, "--json"];
    let outcome = exec::output(&mut about(ask, lab, binary, host, "why", &args))?;
    std::fs::write(lab.kept.join(host).join("why.json"), &outcome.stdout)?;
    json(&outcome, "adit.why/1")
}

/// A subcommand about the gateway of a host. One without an answer must not hold up the suite.
fn about(
    mut timeout: Command,
    lab: &Lab,
    binary: &Path,
    host: &str,
    verb: &str,
    args: &[&str],
) -> Command {
    timeout
        .args(["--kill-after=1", "30"])
        .arg(binary)
        .arg(verb)
        .args(args)
        .arg("--state")
        .arg(state(lab, host));
    timeout
}

impl Drop for Adit<'_> {
    fn drop(&mut self) {
        let status =
            exec::output(&mut self.command("status", &["--json"])).map(|outcome| outcome.stdout);
        let _ = std::fs::write(
            self.lab.kept.join(self.end.host).join("status.json"),
            status.unwrap_or_default(),
        );
        patience::end(&mut self.process, Duration::from_secs(5));
    }
}

fn log(lab: &Lab, host: &str, starts: usize) -> PathBuf {
    lab.kept.join(host).join(format!("adit-{starts}.log"))
}

/// Where the gateway has its control socket.
fn state(lab: &Lab, host: &str) -> PathBuf {
    lab.state.join(format!("adit-{host}"))
}

fn spawn(lab: &Lab, binary: &Path, host: &str, config: &Path, starts: usize) -> Result<Child> {
    let output = std::fs::File::create(log(lab, host, starts))?;
    let hosts = hosts(lab, host);
    let mut command = if hosts.exists() {
        let mut command = lab.command(host, "unshare");
        let script = "mount --bind \"$0\" /etc/hosts && exec \"$@\"";
        command
            .args(["--mount", "sh", "-c", script])
            .arg(hosts)
            .arg(binary);
        command
    } else {
        lab.command(host, binary)
    };
    let backend = lab.setting.backend(host);
    command
        .args(["run", "--backend", &backend.to_string(), "-c"])
        .arg(config)
        .arg("--state")
        .arg(state(lab, host));
    command
        .stdin(Stdio::null())
        .stdout(output.try_clone()?)
        .stderr(output);
    lab.setting.clock(host, &mut command);
    command.spawn().context("cannot start adit run")
}

/// What the gateway takes for `/etc/hosts`, if it is there.
fn hosts(lab: &Lab, host: &str) -> PathBuf {
    lab.kept.join(host).join("hosts")
}

/// Gives the peer's name an address.
fn names(lab: &Lab, end: &End, address: &str) -> Result<()> {
    // In place: it is mounted.
    Ok(std::fs::write(
        hosts(lab, end.host),
        format!("127.0.0.1 localhost\n{address} {NAME}\n"),
    )?)
}

/// Writes a key so that only its owner can read it.
fn secret(path: &Path, key: &str) -> Result<()> {
    let mut options = std::fs::OpenOptions::new();
    let mut file = options
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)?;
    std::io::Write::write_all(&mut file, key.as_bytes())?;
    Ok(())
}

/// The line of a key that takes proposals; none where Adit's own are meant.
fn proposals(key: &str, list: &str) -> String {
    match list {
        "defaults" => String::new(),
        list => format!("{key} = [\"{}\"]\n", list.replace(',', "\", \"")),
    }
}

fn native_child(end: &End, tunnel: &Tunnel, child: &children::Child) -> String {
    let list = |items: &[String]| items.join("\", \"");
    let (own, other) = match end.side {
        "west" => (&child.west_net, &child.east_net),
        _ => (&child.east_net, &child.west_net),
    };
    let key = |name: &str, value: &Option<String>| match value {
        Some(value) => format!("{name} = \"{value}\"\n"),
        None => String::new(),
    };
    // What is given isn't written.
    let net = |key: &str, nets: &[String], given: bool| match given {
        true => String::new(),
        false => format!("{key} = [\"{}\"]\n", list(nets)),
    };
    let given = tunnel.pool.is_some();
    format!(
        "\n[tunnel.{}.child.{}]\n{}{}{}{}{}{}",
        end.name,
        child.name,
        net("local_net", own, given && end.initiates),
        net("remote_net", other, given && !end.initiates),
        proposals("esp", child.esp.as_deref().unwrap_or("defaults")),
        key("mode", &tunnel.mode),
        key("rekey", &tunnel.rekey_child),
        children::lines(&child.keys, " = ", true),
    )
}

/// The whole configuration.
fn native(lab: &Lab, end: &End, tunnel: &Tunnel) -> String {
    let tunnels = callers::tunnels(lab, end, tunnel);
    let tables: Vec<_> = tunnels.iter().map(|(end, t)| table(end, t)).collect();
    tables.join("\n") + &tunnel.native_pools(end)
}

fn table(end: &End, tunnel: &Tunnel) -> String {
    let (west, east) = (&tunnel.west_id, &tunnel.east_id);
    let (own, other) = match end.side {
        "west" => (west, east),
        _ => (east, west),
    };
    let key = |name: &str, value: &Option<String>| match value {
        Some(value) => format!("{name} = \"{value}\"\n"),
        None => String::new(),
    };
    format!(
        "[tunnel.{}]
{}remote = \"{}\"
local_id = \"{}\"
remote_id = \"{}\"
auth = {}
{}{}{}start = \"{}\"
test_rekey = \"{}\"
{}
{}{}",
        end.name,
        match (tunnel.roaming, end.initiates || end.liveness) {
            // Who set the tunnel up looks for changes; the other one would keep it from asking.
            (true, true) => "dpd = \"1s\"\n".to_owned(),
            (true, false) => String::new(),
            (false, _) => format!(
                "local = \"{}\"\n{}",
                end.local,
                if end.liveness { "dpd = \"1s\"\n" } else { "" }
            ),
        },
        if tunnel.any_remote || (tunnel.anyone && !end.initiates) {
            "any"
        } else if tunnel.by_name {
            NAME
        } else {
            &end.remote
        },
        own,
        callers::by_ca(end, tunnel).map_or(other.as_str(), |_| callers::ANYBODY),
        credentials::native(end, tunnel),
        proposals("ike", &tunnel.ike),
        tunnel.ppk.as_ref().map_or_else(String::new, |ppk| format!(
            "ppk = {{ id = \"{}\", file = \"gw.ppk\", required = {} }}\n",
            ppk.id, ppk.required
        )),
        if tunnel.allow_weak {
            "allow_weak = true\n"
        } else {
            ""
        },
        match (tunnel.on_demand && end.initiates, end.starts) {
            (true, _) => "on-demand",
            (false, true) => "auto",
            (false, false) => "passive",
        },
        tunnel.test_rekey.as_deref().unwrap_or("off"),
        key("rekey", &tunnel.rekey_ike) + &key("reauth", &tunnel.reauth),
        tunnel.native_pool(end) + &children::lines(&tunnel.keys, " = ", true),
        tunnel
            .children()
            .iter()
            .map(|child| native_child(end, tunnel, child))
            .chain(tunnel.policy.iter().map(|(name, keys)| {
                format!("\n[policy.{name}]\n{}", children::lines(keys, " = ", true))
            }))
            .collect::<String>(),
    )
}

fn json(outcome: &exec::Outcome, schema: &str) -> Result<Value> {
    let document: Value = serde_json::from_str(&outcome.stdout)
        .with_context(|| format!("no JSON (exit code {:?}): {}", outcome.code, outcome.text()))?;
    anyhow::ensure!(
        document["schema"] == schema,
        "schema is {}, not {schema}",
        document["schema"]
    );
    Ok(document)
}

/// The entry of a tunnel in the status document.
fn tunnel_of<'a>(document: &'a Value, name: &str) -> Result<&'a Value> {
    let mut tunnels = document["tunnels"].as_array().into_iter().flatten();
    let found = tunnels.find(|tunnel| tunnel["name"] == name);
    found.with_context(|| format!("status: no tunnel {name}"))
}

fn snapshot(tunnel: &Value) -> Result<Snapshot> {
    let mut found = Snapshot::default();
    let ike = &tunnel["ike"];
    if ike.is_object() && ike["established"].is_string() {
        found.ike.push(state::Ike {
            role: if ike["role"] == "initiator" {
                Role::Initiator
            } else {
                Role::Responder
            },
            local: text(&ike["local"])?
                .rsplit_once(':')
                .map_or_else(String::new, |(address, _)| {
                    address.trim_matches(['[', ']']).to_owned()
                }),
            remote: text(&ike["remote"])?,
            spis: (
                state::spi(&text(&ike["spis"][0])?),
                state::spi(&text(&ike["spis"][1])?),
            ),
            local_id: text(&ike["local_id"])?,
            remote_id: text(&ike["remote_id"])?,
            suite: suite::from_keywords(&text(&ike["proposal"])?),
        });
    }
    for child in tunnel["children"]
        .as_array()
        .context("status: no children")?
    {
        if child["state"] == "up" {
            found.children.push(state::Child {
                spi_in: state::spi(&text(&child["spi_in"])?),
                spi_out: state::spi(&text(&child["spi_out"])?),
                name: text(&child["name"])?,
                mode: text(&child["mode"])?,
                suite: suite::from_keywords(&text(&child["proposal"])?),
                ts_local: texts(&child["ts_local"]),
                ts_remote: texts(&child["ts_remote"]),
                packets_in: child["packets_in"]
                    .as_u64()
                    .context("status: no packets_in")?,
                packets_out: child["packets_out"]
                    .as_u64()
                    .context("status: no packets_out")?,
            });
        }
    }
    Ok(found)
}

fn text(value: &Value) -> Result<String> {
    Ok(value
        .as_str()
        .with_context(|| format!("status: {value} is not a text"))?
        .to_owned())
}

fn texts(value: &Value) -> Vec<String> {
    let items = value.as_array().into_iter().flatten();
    state::selectors(
        items
            .filter_map(|item| item.as_str().map(state::selector))
            .collect(),
    )
}
