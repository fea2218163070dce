//! From options to a gateway that can run.
//!
//! Everything that can be wrong is found before the host is changed: configuration, key files, privileges, the lock,
//! ports. What fails after that undoes what was done before it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use adit_config::Offload;
use adit_crypto::Provider;
use adit_ike::pools::Pools;
use adit_ike::{Endpoint, Settings};
use adit_kernel::sysctl;
use adit_model::carriage::HwOffload;
use adit_model::connection::Connection;
use rustix::thread::CapabilitySet;
use tokio::sync::mpsc;

use crate::addresses::NetworkWatch;
use crate::attempt::TaskDone;
use crate::backend::Backend;
use crate::claim::Claim;
use crate::clock::Clock;
use crate::control::ControlSocket;
use crate::credentials;
use crate::dataplane::{self, Carrier, UserSpace};
use crate::error::{GatewayError, runtime_error};
use crate::filter_watch::FilterWatch;
use crate::gateway::{Gateway, Parts};
use crate::host::Host;
use crate::interfaces::Queues;
use crate::journal::Journal;
use crate::keys::{self, KeyStore};
use crate::local_address;
use crate::mtu;
use crate::options::{BackendChoice, Options};
use crate::recorder;
use crate::sockets::{Bound, EspBy, Sockets};
use crate::state_dir::StateDir;
use crate::status::NOT_IN_USER_SPACE;
use crate::tunnel::Tunnel;
use crate::xfrm::{self, InKernel};

/// Finds what is wrong with the options, the configuration and its key files, without changing anything.
///
/// # Errors
/// [`GatewayError`], as [`run`](crate::run()) would give it.
pub fn check(options: &Options) -> Result<(), GatewayError> {
    look_at_mtu(options)?;
    read_keys(options).map(drop)
}

/// Whether the MTU that was asked for has room for what the tunnels carry.
///
/// # Errors
/// [`GatewayError::TooSmallForIpv6`].
pub(crate) fn look_at_mtu(options: &Options) -> Result<(), GatewayError> {
    let Some(mtu) = options.tun_mtu else {
        return Ok(());
    };
    match mtu::too_small(mtu, &options.config.connections) {
        None => Ok(()),
        Some(tunnel) => Err(GatewayError::TooSmallForIpv6 {
            mtu,
            tunnel: tunnel.to_owned(),
        }),
    }
}

/// What a gateway holds before it touches the host.
pub(crate) struct Ready {
    keys: KeyStore,
    bound: Bound,
    lock: Locks,
}

/// What keeps a second gateway from doing harm; held as long as the first one runs.
pub(crate) struct Locks {
    _state_dir: StateDir,
    /// A gateway that carries no packets changes nothing that another could.
    _host: Option<Claim>,
}

/// Finds the addresses of interfaces that the configuration names.
///
/// # Errors
/// [`GatewayError::Interface`].
pub(crate) fn look_up(options: &mut Options) -> Result<(), GatewayError> {
    let connections = &mut options.config.connections;
    connections.iter_mut().try_for_each(local_address::look_up)
}

/// Decides what carries packets, and says so.
///
/// # Errors
/// [`GatewayError::KernelBackend`] when the kernel was asked for and can't.
pub(crate) fn choose(options: &mut Options) -> Result<(), GatewayError> {
    let asked = match options.backend {
        BackendChoice::Auto => options.config.gateway.backend.into(),
        asked => asked,
    };
    let lacking = || xfrm::lacking(&options.config.connections);
    let (chosen, because) = match asked {
        BackendChoice::Fake => (BackendChoice::Fake, "as asked for".to_owned()),
        BackendChoice::User => (BackendChoice::User, "as configured".to_owned()),
        BackendChoice::Kernel => match lacking() {
            Some(why) => return Err(GatewayError::KernelBackend(why)),
            None => (BackendChoice::Kernel, "as configured".to_owned()),
        },
        BackendChoice::Auto => match lacking() {
            None => (
                BackendChoice::Kernel,
                "it has ESP and all that is configured".to_owned(),
            ),
            Some(why) => (
                BackendChoice::User,
                format!("not by the kernel's IPsec, since {why}"),
            ),
        },
    };
    let by = chosen.carrier();
    tracing::info!("packets are carried by {by}: {because}");
    (options.backend, options.because) = (chosen, because);
    Ok(())
}

/// Gets everything that the host gives without being changed.
///
/// # Errors
/// [`GatewayError`].
pub(crate) fn get_ready(options: &Options) -> Result<Ready, GatewayError> {
    look_at_mtu(options)?;
    let keys = read_keys(options)?;
    let carries = options.backend != BackendChoice::Fake;
    if carries {
        check_privileges(options)?;
    }
    let state_dir = StateDir::lock(&options.state_dir)?;
    let ports = &options.config.gateway;
    let esp = match options.backend {
        BackendChoice::Fake => EspBy::Nobody,
        BackendChoice::Kernel => EspBy::Kernel,
        BackendChoice::Auto | BackendChoice::User => {
            EspBy::Threads(threads(options), bundles(options))
        }
    };
    let bound = Bound::bind(ports.ike_port, ports.nat_t_port, esp)?;
    let host = carries.then(Claim::take).transpose()?;
    let lock = Locks {
        _state_dir: state_dir,
        _host: host,
    };
    Ok(Ready { keys, bound, lock })
}

/// A gateway on a prepared host, with what has to be kept as long as it runs.
pub(crate) struct SetUp {
    pub gateway: Gateway,
    pub control: ControlSocket,
    pub lock: Locks,
}

/// Changes the host and puts the gateway together. To be called inside the runtime. Work beside the loop reports to
/// `tasks`.
///
/// # Errors
/// [`GatewayError`]; the host is as before then.
pub(crate) fn set_up(
    options: &Options,
    ready: Ready,
    tasks: mpsc::Sender<TaskDone>,
) -> Result<SetUp, GatewayError> {
    let provider = adit_crypto::provider::aws_lc();
    let connections: Vec<Arc<Connection>> = options
        .config
        .connections
        .iter()
        .cloned()
        .map(Arc::new)
        .collect();
    let mut bound = ready.bound;
    let clock = Clock::start();
    let sockets =
        Sockets::register(&mut bound).map_err(runtime_error("watch the gateway's descriptors"))?;
    let control = ControlSocket::open(&options.state_dir)?;
    let (host, mut backend) =
        prepare_host(options, &provider, &connections, (bound.carriers(), clock))?;
    backend.set_policy(&connections, &options.config.policies);
    let (endpoint, tunnels) = key_exchange(options, &connections, &ready.keys, &provider, clock);
    let network = match &host {
        Some(_) => NetworkWatch::open(),
        None => NetworkWatch::default(),
    };
    let (recorder, earlier) = recorder::open(options);
    let filter = match &host {
        Some(_) => FilterWatch::open(),
        None => FilterWatch::default(),
    };
    let mut gateway = Gateway::new(Parts {
        clock,
        provider,
        endpoint,
        backend,
        host,
        network,
        filter,
        sockets,
        keys: ready.keys,
        pools: Pools::new(options.config.pools.clone()),
        tunnels,
        tasks,
        nat_port: options.config.gateway.nat_t_port,
        options: options.clone(),
        recorder,
    });
    gateway.log.journal = Journal::open();
    gateway.begin_recording(earlier);
    gateway.begin_to_look_at_translation();
    Ok(SetUp {
        gateway,
        control,
        lock: ready.lock,
    })
}

fn key_exchange(
    options: &Options,
    connections: &[Arc<Connection>],
    keys: &KeyStore,
    provider: &Provider,
    clock: Clock,
) -> (Endpoint, BTreeMap<String, Tunnel>) {
    let now = clock.now();
    let mut seed = [0; 32];
    provider.random.fill(&mut seed);
    let settings = Settings {
        ike_port: options.config.gateway.ike_port,
        nat_port: options.config.gateway.nat_t_port,
        answer_questions: options.config.gateway.answer_trace,
        tell_messages: options.config.gateway.recorder.on,
        tell_keys: options.config.gateway.recorder.on && options.config.gateway.recorder.keys,
        ..Settings::default()
    }
    .with_half_open(options.config.gateway.half_open);
    let mut endpoint = Endpoint::new(settings, provider.clone(), seed);
    let mut tunnels = BTreeMap::new();
    for connection in connections {
        endpoint.set_connection(now, Arc::clone(connection));
        if let Some(held) = keys.of(&connection.name) {
            endpoint.set_authorities(&connection.name, held.key_hashes());
        }
        let tunnel = Tunnel::new(Arc::clone(connection), now.mono);
        tunnels.insert(connection.name.clone(), tunnel);
    }
    (endpoint, tunnels)
}

fn prepare_host(
    options: &Options,
    provider: &Provider,
    connections: &[Arc<Connection>],
    (carriers, clock): (Vec<Carrier>, Clock),
) -> Result<(Option<Host>, Backend), GatewayError> {
    if options.backend == BackendChoice::Fake {
        return Ok((None, Backend::Fake));
    }
    let in_kernel = options.backend == BackendChoice::Kernel;
    let queues = Queues {
        count: carriers.len().max(1),
        bundles: bundles(options) && !in_kernel,
    };
    let (host, opened) = Host::prepare(options, provider, connections, queues)?;
    if in_kernel {
        return match InKernel::take_over(opened, clock, host.blocks_by_filter()) {
            Ok(mut kernel) => {
                kernel.set_interfaces(host.if_ids());
                Ok((Some(host), Backend::Kernel(Box::new(kernel))))
            }
            Err(error) => {
                host.abandon();
                Err(error)
            }
        };
    }
    // What an earlier gateway with the other backend left would catch packets before they come here.
    match xfrm::remove_left() {
        Err(error) if error.is_unsupported() => {}
        // It would look as if packets passed and nobody had them.
        Err(error) => {
            host.abandon();
            return Err(error.into());
        }
        Ok(()) => {}
    }
    let start = dataplane::Start {
        carriers,
        nat_port: options.config.gateway.nat_t_port,
        bundles: bundles(options),
        clock,
    };
    match UserSpace::start(provider.clone(), start) {
        Ok(user) => {
            let mut backend = Backend::User(Box::new(user));
            backend.open_doors(opened);
            Ok((Some(host), backend))
        }
        Err(cause) => {
            host.abandon();
            Err(runtime_error("start threads that carry packets")(cause))
        }
    }
}

/// How many threads carry packets.
fn threads(options: &Options) -> u32 {
    match options.config.gateway.threads {
        0 => std::thread::available_parallelism()
            .ok()
            .and_then(|threads| u32::try_from(threads.get()).ok())
            .unwrap_or(1)
            .min(MOST_THREADS),
        threads => threads.into(),
    }
}

/// Whether packets are carried in bundles where the kernel can.
fn bundles(options: &Options) -> bool {
    options.config.gateway.offload == Offload::Auto
}

/// What is chosen by itself; more may be configured.
const MOST_THREADS: u32 = 64;

/// What the configuration authenticates with.
pub(crate) fn read_keys(options: &Options) -> Result<KeyStore, GatewayError> {
    let mut store = KeyStore::default();
    let now = Clock::start().now().wall;
    for connection in &options.config.connections {
        let tunnel = connection.name.clone();
        let Some(files) = options.config.auth_of(&connection.name) else {
            return Err(GatewayError::NoKey { tunnel });
        };
        let mut opened = credentials::open(connection, files, &options.base_dir, now).map_err(
            |(key, cause)| GatewayError::Key {
                tunnel,
                sides: sides(connection),
                key,
                cause,
            },
        )?;
        for warning in opened.warnings {
            tracing::warn!("tunnel `{}`: {warning}", connection.name);
        }
        if options.backend == BackendChoice::User {
            for child in &connection.children {
                if child.carriage.hw_offload != HwOffload::Off {
                    let (tunnel, child) = (&connection.name, &child.name);
                    tracing::warn!(
                        "tunnel `{tunnel}`: `hw_offload` of `{child}`: {NOT_IN_USER_SPACE}"
                    );
                }
            }
        }
        if let Some(weak) = weak_algorithms(connection) {
            tracing::warn!(
                "tunnel `{}`: weak algorithms, which `allow_weak` permits: {weak}",
                connection.name
            );
        }
        if let Some(reference) = options.config.ppk_of(&connection.name) {
            let path = options.base_dir.join(&reference.file);
            let tunnel = connection.name.clone();
            let ppk = keys::read_psk(&path).map_err(|cause| GatewayError::Ppk { tunnel, cause })?;
            opened.credentials.ppk = Some(ppk);
        }
        store.insert(&connection.name, opened.credentials);
    }
    Ok(store)
}

/// Between whom it is that nothing can be proved.
fn sides(connection: &Connection) -> String {
    let remote = connection.remote_id.as_ref();
    let remote = remote.map_or_else(|| "any".to_owned(), ToString::to_string);
    format!("{} and {remote}", connection.local_id)
}

/// The weak algorithms that a tunnel offers or takes, for a warning.
fn weak_algorithms(connection: &Connection) -> Option<String> {
    let esp = connection.children.iter().flat_map(|child| &child.esp);
    let words: BTreeSet<_> = connection
        .ike
        .iter()
        .chain(esp)
        .flat_map(adit_model::proposal::Proposal::weak)
        .collect();
    let told = words.into_iter().map(|word| match word {
        "null" => "null (traffic is not encrypted)".to_owned(),
        word => word.to_owned(),
    });
    let told: Vec<_> = told.collect();
    (!told.is_empty()).then(|| told.join(", "))
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
