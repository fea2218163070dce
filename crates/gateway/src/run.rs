//! The life of a gateway: the loop, and the end.

use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until};

use crate::attempt::TaskDone;
use crate::control::{Answer, Command};
use crate::error::{GatewayError, runtime_error};
use crate::gateway::Gateway;
use crate::options::{ExitReason, Options};
use crate::protocol::{Request, Response};
use crate::start::{self, Ready, SetUp};

/// Runs a gateway until it is told to stop. Blocks; starts a runtime on the calling thread, whose network namespace
/// becomes the gateway's.
///
/// # Errors
/// [`GatewayError`] when it can't start. Nothing is half-configured then.
pub fn run(mut options: Options) -> Result<ExitReason, GatewayError> {
    start::look_up(&mut options)?;
    start::choose(&mut options)?;
    let ready = start::get_ready(&options)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(runtime_error("start the asynchronous runtime"))?;
    let reason = runtime.block_on(live(&options, ready));
    // Probes that are still on their way end by themselves; nobody waits for them.
    runtime.shutdown_background();
    reason
}

async fn live(options: &Options, ready: Ready) -> Result<ExitReason, GatewayError> {
    let signals = Signals::new().map_err(runtime_error("listen for signals"))?;
    let (tasks, tasks_done) = mpsc::channel(64);
    // Dropped in reverse order: the lock goes when device and ports have gone.
    let SetUp {
        lock: _lock,
        mut gateway,
        control,
    } = start::set_up(options, ready, tasks)?;
    let (commands, requests) = mpsc::channel(16);
    let server = tokio::spawn(control.serve(commands));
    let mut inputs = Inputs {
        requests,
        tasks_done,
        signals,
    };
    tracing::info!(
        "gateway with {} tunnels; control socket in {}",
        options.config.connections.len(),
        options.state_dir.display()
    );
    let (reason, asker) = inputs.serve(&mut gateway).await;
    farewell(&mut gateway, &mut inputs).await;
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

/// What the loop listens to beside sockets and device.
struct Inputs {
    requests: mpsc::Receiver<Command>,
    tasks_done: mpsc::Receiver<TaskDone>,
    signals: Signals,
}

impl Inputs {
    /// The loop. Ends with the reason, and with whom to tell when the gateway has stopped.
    async fn serve(
        &mut self,
        gateway: &mut Gateway,
    ) -> (ExitReason, Option<oneshot::Sender<Answer>>) {
        let mut turn = Turn::begin("starting");
        loop {
            gateway.settle();
            turn.end();
            let deadline = gateway.deadline().map(|at| gateway.clock.instant(at));
            tokio::select! {
                slot = gateway.sockets.readable() => {
                    turn = Turn::begin("a packet");
                    gateway.on_socket(slot);
                }
                word = gateway.backend.told() => {
                    turn = Turn::begin("a word from the data plane");
                    gateway.on_word(word);
                }
                () = until(deadline) => {
                    turn = Turn::begin("a timer");
                    gateway.on_deadline();
                }
                () = gateway.network.changed() => {
                    turn = Turn::begin("a change of the network");
                    gateway.on_network_change();
                }
                () = gateway.filter.changed() => {
                    turn = Turn::begin("a change of the packet filter");
                    gateway.on_filter_change();
                }
                Some(done) = self.tasks_done.recv() => {
                    turn = Turn::begin("the end of a task");
                    gateway.on_task(done);
                }
                Some(command) = self.requests.recv() => {
                    if command.request == Request::Shutdown {
                        return (ExitReason::Command, Some(command.answer));
                    }
                    turn = Turn::begin("a command");
                    gateway.on_command(command);
                }
                _ = self.signals.terminate.recv() => return (ExitReason::Signal, None),
                _ = self.signals.interrupt.recv() => return (ExitReason::Signal, None),
                _ = self.signals.reload.recv() => {
                    turn = Turn::begin("a reload");
                    gateway.reload(false, None);
                }
            }
        }
    }
}

/// One turn of the loop, in which nothing else is done: packets wait and timers are late.
struct Turn {
    with: &'static str,
    since: Instant,
}

impl Turn {
    fn begin(with: &'static str) -> Self {
        Self {
            with,
            since: Instant::now(),
        }
    }

    /// A turn that took long is told of: what follows late is explained by it.
    fn end(&self) {
        let took = self.since.elapsed();
        if took >= LONG {
            let (with, ms) = (self.with, took.as_millis());
            tracing::warn!("{with} kept everything else waiting for {ms} ms");
        }
    }
}

/// Tells the peers, waits for them a little, and leaves the host. The block stays: the tunnels are still configured.
async fn farewell(gateway: &mut Gateway, inputs: &mut Inputs) {
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
            word = gateway.backend.told() => gateway.on_word(word),
            () = until(next) => gateway.on_deadline(),
            () = sleep_until(end) => break,
        }
        gateway.settle();
    }
    if let Some(host) = &mut gateway.host {
        gateway.backend.leave();
        host.leave();
    }
    // That the tunnels are down is for the hook as well.
    let end = Instant::now() + HOOKS;
    while gateway.hook.is_busy() {
        tokio::select! {
            Some(done) = inputs.tasks_done.recv() => {
                if let TaskDone::Hooked(ended) = done {
                    gateway.hooked(ended);
                }
            }
            () = sleep_until(end) => break,
        }
    }
    gateway.leave_hooks_out();
    let now = gateway.clock.now();
    gateway.log.recorder.end(now);
}

async fn until(deadline: Option<std::time::Instant>) {
    match deadline {
        Some(at) => sleep_until(at.into()).await,
        None => std::future::pending().await,
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

/// From how long on a turn of the loop is told of.
const LONG: Duration = Duration::from_millis(400);
/// How long peers have to answer our farewell.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long the hook's runs may take after that, all of them.
const HOOKS: Duration = Duration::from_secs(5);
/// Turns that connections get before the runtime goes.
const TURNS: usize = 32;
/// How long the control socket may take to close.
const MOMENT: Duration = Duration::from_millis(200);
