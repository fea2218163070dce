//! The other end of the control socket: blocking, one call per request.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::IpAddr;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use adit_diagnose::Premortem;
use adit_model::fact::Case;
use adit_model::plan::Plan;
use adit_model::probed::Probed;
use adit_model::selector::Selector;
use adit_model::show::{Shown, Topic};
use adit_model::status::Status;
use adit_model::traced::Traced;

use crate::events::Record;
use crate::protocol::{
    Applied, DropCount, LONGEST_LINE, Renewal, Request, RequestError, Response, SOCKET_NAME, Walk,
};

/// A connection to a running gateway.
#[derive(Debug)]
pub struct Client {
    stream: BufReader<UnixStream>,
    /// Everything takes so many times as long as usual.
    slowness: u32,
}

/// Why a gateway couldn't be asked, or said no.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nobody answers on the socket.
    #[error("no gateway is running with the state directory {}. Fix: start it with adit run, or name its directory with --state", .dir.display())]
    NotRunning {
        /// The state directory.
        dir: PathBuf,
    },
    /// The socket is there and may not be used.
    #[error("no permission to use the control socket {}; run as the gateway's user (usually root)", .path.display())]
    Permission {
        /// The socket.
        path: PathBuf,
    },
    /// The gateway didn't answer in time.
    #[error("the gateway doesn't answer")]
    Timeout,
    /// Talking failed.
    #[error("can't talk to the gateway: {0}")]
    Io(#[source] io::Error),
    /// It answered something that isn't an answer; client and gateway are of different versions.
    #[error("the gateway's answer isn't understood ({0}); is it another version?")]
    Protocol(String),
    /// It refused.
    #[error("{message}")]
    Refused {
        /// Kind of refusal.
        error: RequestError,
        /// What to do about it.
        message: String,
    },
}

/// What came of `up` or `down`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Whether the tunnel is as wanted now.
    pub reached: bool,
    /// What there is to say.
    pub summary: String,
}

impl Client {
    /// Connects to the gateway that uses `state_dir`.
    ///
    /// # Errors
    /// [`ClientError::NotRunning`], [`ClientError::Permission`] or [`ClientError::Io`].
    pub fn connect(state_dir: &Path) -> Result<Self, ClientError> {
        let path = state_dir.join(SOCKET_NAME);
        let stream = UnixStream::connect(&path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => ClientError::NotRunning {
                dir: state_dir.to_owned(),
            },
            io::ErrorKind::PermissionDenied => ClientError::Permission { path },
            _ => ClientError::Io(error),
        })?;
        let client = Self {
            stream: BufReader::new(stream),
            slowness: 1,
        };
        client.patience(Some(PATIENCE))?;
        Ok(client)
    }

    /// Waits so many times as long for answers, where the gateway runs on a slow machine.
    ///
    /// # Errors
    /// [`ClientError::Io`].
    pub fn slowed(mut self, factor: u32) -> Result<Self, ClientError> {
        self.slowness = factor.max(1);
        self.patience(Some(PATIENCE))?;
        Ok(self)
    }

    /// The status document, of all tunnels or of one.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn status(&mut self, tunnel: Option<&str>) -> Result<Status, ClientError> {
        let tunnel = tunnel.map(str::to_owned);
        match self.ask(&Request::Status { tunnel })? {
            Response::Status { status } => Ok(status),
            other => Err(unexpected(&other)),
        }
    }

    /// Sets a tunnel up and tells `event` what happens meanwhile. `wait` zero returns at once.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn up(
        &mut self,
        tunnel: &str,
        wait: Duration,
        event: impl FnMut(&Record),
    ) -> Result<Outcome, ClientError> {
        let request = Request::Up {
            tunnel: tunnel.to_owned(),
            wait_ms: millis(wait),
        };
        self.change(&request, wait, event)
    }

    /// Takes a tunnel down and tells `event` what happens meanwhile. Its traffic stays blocked.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn down(
        &mut self,
        tunnel: &str,
        wait: Duration,
        event: impl FnMut(&Record),
    ) -> Result<Outcome, ClientError> {
        let request = Request::Down {
            tunnel: tunnel.to_owned(),
            wait_ms: millis(wait),
        };
        self.change(&request, wait, event)
    }

    /// Gives a tunnel new keys. Tells `event` what happens meanwhile.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn rekey(
        &mut self,
        tunnel: &str,
        what: Renewal,
        wait: Duration,
        event: impl FnMut(&Record),
    ) -> Result<Outcome, ClientError> {
        let request = Request::Rekey {
            tunnel: tunnel.to_owned(),
            what,
            wait_ms: millis(wait),
        };
        self.change(&request, wait, event)
    }

    /// Cuts a child, a tunnel or every tunnel, and sets up again what is for that gateway to set up. Tells `event` what
    /// happens meanwhile.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn reset(
        &mut self,
        tunnel: Option<&str>,
        child: Option<&str>,
        wait: Duration,
        event: impl FnMut(&Record),
    ) -> Result<Outcome, ClientError> {
        let request = Request::Reset {
            tunnel: tunnel.map(str::to_owned),
            child: child.map(str::to_owned),
            dry_run: false,
            wait_ms: millis(wait),
        };
        self.change(&request, wait, event)
    }

    /// What [`reset`](Self::reset) would cut.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn plan_reset(
        &mut self,
        tunnel: Option<&str>,
        child: Option<&str>,
    ) -> Result<Plan, ClientError> {
        self.plan(&Request::Reset {
            tunnel: tunnel.map(str::to_owned),
            child: child.map(str::to_owned),
            dry_run: true,
            wait_ms: 0,
        })
    }

    /// Has the configuration read again; with `dry_run` only says what would change.
    ///
    /// # Errors
    /// [`ClientError`]; nothing has changed then.
    pub fn reload(&mut self, dry_run: bool) -> Result<Plan, ClientError> {
        self.plan(&Request::Reload { dry_run })
    }

    /// Has the gateway run with another configuration, as [`Request::Apply`] says, which `request` is.
    ///
    /// # Errors
    /// [`ClientError`]; nothing has changed then.
    pub fn apply(&mut self, request: &Request) -> Result<Applied, ClientError> {
        self.send(request)?;
        self.patience(Some(2 * PATIENCE))?;
        let answer = self.receive();
        self.patience(Some(PATIENCE))?;
        match answer? {
            Response::Applied { applied } => Ok(*applied),
            other => Err(unexpected(&other)),
        }
    }

    /// Keeps the configuration that was applied; the file that it was written to.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn confirm(&mut self) -> Result<Option<String>, ClientError> {
        match self.ask(&Request::Confirm)? {
            Response::Confirmed { saved } => Ok(saved),
            other => Err(unexpected(&other)),
        }
    }

    /// Brings the configuration back that held before the one that was applied.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn revert(&mut self) -> Result<(), ClientError> {
        self.done(&Request::Revert)
    }

    /// Lifts the block of a tunnel that was taken down, or of all that were.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn unblock(&mut self, tunnel: Option<&str>) -> Result<(), ClientError> {
        let tunnel = tunnel.map(str::to_owned);
        self.done(&Request::Unblock { tunnel })
    }

    /// All that this side knows about one tunnel or each, with probes of peers that don't answer if `probe`.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn cases(&mut self, tunnel: Option<&str>, probe: bool) -> Result<Vec<Case>, ClientError> {
        self.cases_after(tunnel, probe, false)
    }

    /// The same; with `let_peer_begin` the peers of tunnels that aren't up have six seconds to begin themselves before.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn cases_after(
        &mut self,
        tunnel: Option<&str>,
        probe: bool,
        let_peer_begin: bool,
    ) -> Result<Vec<Case>, ClientError> {
        let tunnel = tunnel.map(str::to_owned);
        self.send(&Request::Case {
            tunnel,
            probe,
            let_peer_begin,
        })?;
        // Tests over a path that loses much, on a busy host, may take longer than a plain answer.
        self.patience(Some(2 * PATIENCE))?;
        let cases = self.receive_cases();
        self.patience(Some(PATIENCE))?;
        cases
    }

    fn receive_cases(&mut self) -> Result<Vec<Case>, ClientError> {
        let mut cases = Vec::new();
        loop {
            match self.receive()? {
                Response::Case { case } => cases.push(*case),
                Response::Done => return Ok(cases),
                other => return Err(unexpected(&other)),
            }
        }
    }

    /// Tests what a tunnel's packets meet, with echo requests to `inside` through the tunnel.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn probe(&mut self, tunnel: &str, inside: Option<IpAddr>) -> Result<Probed, ClientError> {
        let tunnel = tunnel.to_owned();
        self.send(&Request::Probe { tunnel, inside })?;
        self.patience(Some(2 * PATIENCE))?;
        let answer = self.receive();
        self.patience(Some(PATIENCE))?;
        match answer? {
            Response::Probed { probed } => Ok(*probed),
            other => Err(unexpected(&other)),
        }
    }

    /// What will fail of one tunnel or of all. `operator` is the address from which the one who asks is logged in.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn foresee(
        &mut self,
        tunnel: Option<&str>,
        operator: Option<IpAddr>,
    ) -> Result<Premortem, ClientError> {
        let tunnel = tunnel.map(str::to_owned);
        self.send(&Request::Foresee { tunnel, operator })?;
        self.patience(Some(2 * PATIENCE))?;
        let answer = self.receive();
        self.patience(Some(PATIENCE))?;
        match answer? {
            Response::Foreseen { premortem } => Ok(*premortem),
            other => Err(unexpected(&other)),
        }
    }

    /// What happened so far, oldest first.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn events(&mut self, tunnel: Option<&str>) -> Result<Vec<Record>, ClientError> {
        let mut records = Vec::new();
        self.stream_events(tunnel, false, |record| {
            records.push(record);
            true
        })?;
        Ok(records)
    }

    /// What happened and what happens from now on, until `event` returns false or the gateway ends.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn follow(
        &mut self,
        tunnel: Option<&str>,
        event: impl FnMut(Record) -> bool,
    ) -> Result<(), ClientError> {
        self.patience(None)?;
        let result = self.stream_events(tunnel, true, event);
        self.patience(Some(PATIENCE))?;
        result
    }

    /// Every drop counter that isn't zero.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn drops(&mut self) -> Result<Vec<DropCount>, ClientError> {
        match self.ask(&Request::Drops)? {
            Response::Drops { drops } => Ok(drops),
            other => Err(unexpected(&other)),
        }
    }

    /// The state in detail, of all tunnels or of one.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn show(&mut self, topic: Topic, tunnel: Option<&str>) -> Result<Shown, ClientError> {
        let tunnel = tunnel.map(str::to_owned);
        match self.ask(&Request::Show { topic, tunnel })? {
            Response::Shown { shown } => Ok(*shown),
            other => Err(unexpected(&other)),
        }
    }

    /// Follows packets between two hosts, as [`Request::Trace`] says, which `request` is.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn trace(&mut self, request: &Request, wait: Duration) -> Result<Traced, ClientError> {
        self.patience(Some(wait + PATIENCE))?;
        let answer = self.ask(request);
        self.patience(Some(PATIENCE))?;
        match answer? {
            Response::Traced { traced } => Ok(*traced),
            other => Err(unexpected(&other)),
        }
    }

    /// Follows so many packets between two networks through the gateway, for so long at most; gives what became of them.
    ///
    /// # Errors
    /// [`ClientError`]; [`RequestError::NotNow`] where the gateway follows packets for somebody else, or carries none itself.
    pub fn walk(
        &mut self,
        (local, remote): (Selector, Selector),
        packets: u64,
        wait: Duration,
    ) -> Result<Vec<Walk>, ClientError> {
        self.patience(Some(wait + PATIENCE))?;
        let request = Request::Walk {
            local,
            remote,
            packets,
            wait_ms: millis(wait),
        };
        let answer = self.ask(&request);
        self.patience(Some(PATIENCE))?;
        match answer? {
            Response::Walked { walks, .. } => Ok(walks),
            other => Err(unexpected(&other)),
        }
    }

    /// Stops the gateway. It has told its peers when this returns.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn shutdown(&mut self) -> Result<(), ClientError> {
        self.done(&Request::Shutdown)
    }

    fn change(
        &mut self,
        request: &Request,
        wait: Duration,
        mut event: impl FnMut(&Record),
    ) -> Result<Outcome, ClientError> {
        self.patience(Some(wait + PATIENCE))?;
        self.send(request)?;
        let outcome = loop {
            match self.receive()? {
                Response::Event { record } => event(&record),
                Response::Missed { .. } => {}
                Response::Outcome { reached, summary } => break Outcome { reached, summary },
                other => return Err(unexpected(&other)),
            }
        };
        self.patience(Some(PATIENCE))?;
        Ok(outcome)
    }

    fn stream_events(
        &mut self,
        tunnel: Option<&str>,
        follow: bool,
        mut event: impl FnMut(Record) -> bool,
    ) -> Result<(), ClientError> {
        let tunnel = tunnel.map(str::to_owned);
        self.send(&Request::Events { tunnel, follow })?;
        loop {
            match self.receive()? {
                Response::Event { record } => {
                    if !event(*record) {
                        return Ok(());
                    }
                }
                Response::Missed { .. } => {}
                Response::Done => return Ok(()),
                other => return Err(unexpected(&other)),
            }
        }
    }

    fn plan(&mut self, request: &Request) -> Result<Plan, ClientError> {
        match self.ask(request)? {
            Response::Plan { plan } => Ok(*plan),
            other => Err(unexpected(&other)),
        }
    }

    fn done(&mut self, request: &Request) -> Result<(), ClientError> {
        match self.ask(request)? {
            Response::Done => Ok(()),
            other => Err(unexpected(&other)),
        }
    }

    fn ask(&mut self, request: &Request) -> Result<Response, ClientError> {
        self.send(request)?;
        self.receive()
    }

    fn patience(&self, limit: Option<Duration>) -> Result<(), ClientError> {
        self.stream
            .get_ref()
            .set_read_timeout(limit.map(|limit| limit.saturating_mul(self.slowness)))
            .map_err(ClientError::Io)
    }

    fn send(&mut self, request: &Request) -> Result<(), ClientError> {
        let mut line =
            serde_json::to_vec(request).map_err(|e| ClientError::Protocol(e.to_string()))?;
        line.push(b'\n');
        self.stream
            .get_mut()
            .write_all(&line)
            .map_err(ClientError::Io)
    }

    /// The next answer; a refusal becomes an error.
    fn receive(&mut self) -> Result<Response, ClientError> {
        let mut line = Vec::new();
        (&mut self.stream)
            .take(LONGEST_LINE as u64)
            .read_until(b'\n', &mut line)
            .map_err(|error| match error.kind() {
                io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => ClientError::Timeout,
                _ => ClientError::Io(error),
            })?;
        if line.last() != Some(&b'\n') {
            return Err(ClientError::Io(io::ErrorKind::UnexpectedEof.into()));
        }
        match serde_json::from_slice(&line) {
            Ok(Response::Error { error, message }) => Err(ClientError::Refused { error, message }),
            Ok(response) => Ok(response),
            Err(error) => Err(ClientError::Protocol(error.to_string())),
        }
    }
}

fn unexpected(response: &Response) -> ClientError {
    let text = serde_json::to_string(response).unwrap_or_default();
    ClientError::Protocol(text.chars().take(80).collect())
}

fn millis(wait: Duration) -> u64 {
    u64::try_from(wait.as_millis()).unwrap_or(u64::MAX)
}

/// How long a gateway may take for an answer that it doesn't have to wait for; probes take four seconds of it.
const PATIENCE: Duration = Duration::from_secs(10);
