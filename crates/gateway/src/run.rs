//! From options to a running gateway, the loop, and the end.
//!
//! Everything that can be wrong is found before the host is changed: configuration, key files, privileges, the lock,
//! ports. What fails after that undoes what was done before it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use adit_crypto::Provider;
use adit_esp::DataPlane;
use adit_ike::{Endpoint, Settings};
use adit_kernel::sysctl;
use adit_model::connection::{AuthKind, Connection, Mode};
use rustix::thread::CapabilitySet;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use crate::backend::Backend;
use crate::clock::Clock;
use crate::control::{Answer, Command, ControlSocket};
use crate::dataplane::UserSpace;
use crate::error::GatewayError;
use crate::gateway::{Gateway, Parts};
use crate::host::Host;
use crate::keys::{self, KeyStore};
use crate::options::{BackendChoice, ExitReason, Options};
use crate::protocol::{Request, Response};
use crate::sockets::{Bound, Sockets};
use crate::state_dir::StateDir;
use crate::tunnel::Tunnel;

/// Finds what is wrong with the options, the configuration and its key files, without changing anything.
///
/// # Errors
/// [`GatewayError`], as [`run`] would give it.
pub fn check(options: &Options) -> Result<(), GatewayError> {
    if options.backend == BackendChoice::Kernel {
        return Err(GatewayError::KernelBackend);
    }
    for connection in &options.config.connections {
        for child in &connection.children {
            if child.mode == Mode::Transport {
                return Err(GatewayError::Unsupported {
                    tunnel: connection.name.clone(),
                    child: child.name.clone(),
                    problem: "transport mode isn't carried by the user-space backend. Fix: mode = \"tunnel\""
                        .to_owned(),
                });
            }
        }
    }
    read_keys(options).map(drop)
}

/// Runs a gateway until it is told to stop. Blocks; starts a runtime on the calling thread, whose network namespace
/// becomes the gateway's.
///
/// # Errors
/// [`GatewayError`] when it can't start. Nothing is half-configured then.
pub fn run(options: Options) -> Result<ExitReason, GatewayError> {
    check(&options)?;
    let keys = read_keys(&options)?;
    let host_too = options.backend != BackendChoice::Fake;
    if host_too {
        check_privileges(&options)?;
    }
    let lock = StateDir::lock(&options.state_dir)?;
    let ports = &options.config.gateway;
    let bound = Bound::bind(ports.ike_port, ports.nat_t_port, host_too)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(runtime_error("start the asynchronous runtime"))?;
    let reason = runtime.block_on(live(options, keys, bound))?;
    // Probes that are still on their way end by themselves; nobody waits for them.
    runtime.shutdown_background();
    drop(lock);
    Ok(reason)
}

async fn live(options: Options, keys: KeyStore, bound: Bound) -> Result<ExitReason, GatewayError> {
    let runtime = runtime_error("watch the gateway's descriptors");
    let provider = adit_crypto::provider::aws_lc();
    let connections: Vec<Arc<Connection>> = options
        .config
        .connections
        .iter()
        .cloned()
        .map(Arc::new)
        .collect();
    let signals = Signals::new().map_err(runtime_error("listen for signals"))?;
    let sockets = Sockets::register(bound).map_err(runtime)?;
    let control = ControlSocket::open(&options.state_dir)?;
    let (host, mut backend) = prepare_host(&options, &provider, &connections)?;
    backend.set_policy(&connections);
    let (tasks, tasks_done) = mpsc::channel(64);
    let mut gateway = assemble(
        &options,
        &connections,
        provider,
        |clock, provider, endpoint, tunnels| Parts {
            clock,
            provider,
            endpoint,
            backend,
            host,
            sockets,
            keys,
            tunnels,
            tasks,
            nat_port: options.config.gateway.nat_t_port,
        },
    );
    let (commands, requests) = mpsc::channel(16);
    let server = tokio::spawn(control.serve(commands));
    let mut inputs = Inputs {
        requests,
        tasks_done,
        signals,
    };
    tracing::info!(
        "gateway with {} tunnels; control socket in {}",
        connections.len(),
        options.state_dir.display()
    );
    let (reason, asker) = inputs.serve(&mut gateway).await;
    farewell(&mut gateway).await;
    if let Some(asker) = asker {
        // A client that left doesn't want to know.
        let _ = asker.send(Answer::Lines(vec![Response::Done]));
        // Its connection writes the line as soon as it gets a turn.
        for _ in 0..TURNS {
            tokio::task::yield_now().await;
        }
    }
    drop(inputs);
    // The server ends when nobody takes commands any more; it removes its socket.
    let _ = tokio::time::timeout(MOMENT, server).await;
    Ok(reason)
}

fn assemble(
    options: &Options,
    connections: &[Arc<Connection>],
    provider: Provider,
    parts: impl FnOnce(Clock, Provider, Endpoint, BTreeMap<String, Tunnel>) -> Parts,
) -> Gateway {
    let clock = Clock::start();
    let now = clock.now();
    let mut seed = [0; 32];
    provider.random.fill(&mut seed);
    let settings = Settings {
        ike_port: options.config.gateway.ike_port,
        nat_port: options.config.gateway.nat_t_port,
        ..Settings::default()
    };
    let mut endpoint = Endpoint::new(settings, provider.clone(), seed);
    let mut tunnels = BTreeMap::new();
    for connection in connections {
        endpoint.set_connection(now, Arc::clone(connection));
        let tunnel = Tunnel::new(Arc::clone(connection), now.mono);
        tunnels.insert(connection.name.clone(), tunnel);
    }
    Gateway::new(parts(clock, provider, endpoint, tunnels))
}

/// What the loop listens to beside sockets and device.
struct Inputs {
    requests: mpsc::Receiver<Command>,
    tasks_done: mpsc::Receiver<crate::attempt::TaskDone>,
    signals: Signals,
}

impl Inputs {
    /// The loop. Ends with the reason, and with whom to tell when the gateway has stopped.
    async fn serve(
        &mut self,
        gateway: &mut Gateway,
    ) -> (ExitReason, Option<tokio::sync::oneshot::Sender<Answer>>) {
        loop {
            gateway.settle();
            let deadline = gateway.deadline().map(|at| gateway.clock.instant(at));
            tokio::select! {
                slot = gateway.sockets.readable() => gateway.on_socket(slot),
                () = gateway.backend.readable() => gateway.on_tun(),
                () = until(deadline) => gateway.on_deadline(),
                Some(done) = self.tasks_done.recv() => gateway.on_task(done),
                Some(command) = self.requests.recv() => {
                    if command.request == Request::Shutdown {
                        return (ExitReason::Command, Some(command.answer));
                    }
                    gateway.on_command(command);
                }
                _ = self.signals.terminate.recv() => return (ExitReason::Signal, None),
                _ = self.signals.interrupt.recv() => return (ExitReason::Signal, None),
                _ = self.signals.reload.recv() => {
                    tracing::warn!("reloading the configuration isn't there yet; restart the gateway instead");
                }
            }
        }
    }
}

/// Tells the peers, waits for them a little, and leaves the host. The block stays: the tunnels are still configured.
async fn farewell(gateway: &mut Gateway) {
    tracing::info!("stopping; the peers are told, and clear traffic of the tunnels stays blocked");
    let now = gateway.clock.now();
    gateway.endpoint.shutdown(now);
    gateway
        .tunnels
        .values_mut()
        .for_each(|t| t.retry.command_down());
    gateway.settle();
    let end = Instant::now() + PATIENCE;
    while !gateway.endpoint.is_idle() && Instant::now() < end {
        let next = gateway
            .endpoint
            .poll_timeout()
            .map(|(at, _)| gateway.clock.instant(at));
        tokio::select! {
            slot = gateway.sockets.readable() => gateway.on_socket(slot),
            () = until(next) => gateway.on_deadline(),
            () = sleep_until(end) => break,
        }
        gateway.settle();
    }
    if let Some(host) = &mut gateway.host {
        host.leave();
    }
}

async fn until(deadline: Option<std::time::Instant>) {
    match deadline {
        Some(at) => sleep_until(at.into()).await,
        None => std::future::pending().await,
    }
}

fn prepare_host(
    options: &Options,
    provider: &Provider,
    connections: &[Arc<Connection>],
) -> Result<(Option<Host>, Backend), GatewayError> {
    if options.backend == BackendChoice::Fake {
        return Ok((None, Backend::Fake));
    }
    let (host, tun) = Host::prepare(options, provider, connections)?;
    match UserSpace::new(DataPlane::new(provider.clone()), tun) {
        Ok(user) => Ok((Some(host), Backend::User(Box::new(user)))),
        Err(cause) => {
            host.abandon();
            Err(runtime_error("watch the TUN device")(cause))
        }
    }
}

fn read_keys(options: &Options) -> Result<KeyStore, GatewayError> {
    let mut store = KeyStore::default();
    for connection in &options.config.connections {
        match connection.auth {
            AuthKind::Psk => {
                let tunnel = connection.name.clone();
                let Some(reference) = options.config.psk_of(&connection.name) else {
                    return Err(GatewayError::NoKey { tunnel });
                };
                let path: PathBuf = options.base_dir.join(&reference.psk_file);
                let key =
                    keys::read_psk(&path).map_err(|cause| GatewayError::Key { tunnel, cause })?;
                store.insert(&connection.name, key);
            }
        }
    }
    Ok(store)
}

fn check_privileges(options: &Options) -> Result<(), GatewayError> {
    let ports = &options.config.gateway;
    let first_free = sysctl::read("net.ipv4.ip_unprivileged_port_start")
        .ok()
        .and_then(|text| text.trim().parse().ok())
        .unwrap_or(1024);
    let low_port = ports.ike_port < first_free || ports.nat_t_port < first_free;
    let wanted = [
        (
            true,
            CapabilitySet::NET_ADMIN,
            "CAP_NET_ADMIN (TUN device, routes, packet filter)",
        ),
        (
            true,
            CapabilitySet::NET_RAW,
            "CAP_NET_RAW (ESP without UDP)",
        ),
        (
            low_port,
            CapabilitySet::NET_BIND_SERVICE,
            "CAP_NET_BIND_SERVICE (low UDP port)",
        ),
    ];
    let have = rustix::thread::capabilities(None)
        .map(|sets| sets.effective)
        .map_err(|error| runtime_error("read this process's capabilities")(error.into()))?;
    let missing: Vec<&str> = wanted
        .iter()
        .filter(|(needed, capability, _)| *needed && !have.contains(*capability))
        .map(|(_, _, name)| *name)
        .collect();
    if missing.is_empty() {
        Ok(())
    } else {
        Err(GatewayError::Privileges {
            missing: missing.join(", "),
        })
    }
}

/// The signals that a gateway minds.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
    reload: Signal,
}

impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            reload: signal(SignalKind::hangup())?,
        })
    }
}

fn runtime_error(what: &'static str) -> impl Fn(std::io::Error) -> GatewayError {
    move |cause| GatewayError::Runtime { what, cause }
}

/// How long peers have to answer our farewell.
const PATIENCE: Duration = Duration::from_secs(2);
/// Turns that connections get before the runtime goes.
const TURNS: usize = 32;
/// How long the control socket may take to close.
const MOMENT: Duration = Duration::from_millis(200);
