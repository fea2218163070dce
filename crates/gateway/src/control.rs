//! The gateway's end of the control socket.
//!
//! A connection reads one request at a time, hands it to the loop as a [`Command`] and writes what comes back. It
//! never touches the gateway's state itself, and a slow or silent client holds up nobody but itself.

use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Semaphore, broadcast, mpsc, oneshot};

use crate::error::GatewayError;
use crate::events::Record;
use crate::protocol::{Request, RequestError, Response, SOCKET_NAME};

/// A request on its way to the loop.
pub struct Command {
    /// What is asked.
    pub request: Request,
    /// Where the answer goes. Dropping it unanswered says that the gateway is stopping.
    pub answer: oneshot::Sender<Answer>,
}

/// What the loop answers.
pub enum Answer {
    /// These lines.
    Lines(Vec<Response>),
    /// Events so far, then events as they happen.
    Stream {
        /// Events so far.
        first: Vec<Response>,
        /// Events from then on.
        feed: broadcast::Receiver<Arc<Record>>,
        /// Only this tunnel's.
        tunnel: Option<String>,
        /// The last line; without it the stream goes on until the client leaves.
        last: Option<oneshot::Receiver<Response>>,
    },
}

/// The socket's file, removed with this value.
#[derive(Debug)]
pub struct ControlSocket {
    path: PathBuf,
    listener: UnixListener,
}

impl ControlSocket {
    /// Opens the socket in `state_dir`, whose lock the caller holds: a file that is there belongs to nobody alive.
    ///
    /// # Errors
    /// When the file can't be removed or made.
    pub fn open(state_dir: &Path) -> Result<Self, GatewayError> {
        let path = state_dir.join(SOCKET_NAME);
        let fail = |what| {
            let path = path.clone();
            move |cause| GatewayError::State { what, path, cause }
        };
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(fail("remove the old control socket")(error));
            }
            _ => {}
        }
        // The directory lets nobody else in, so the moment between bind and chmod is nobody's chance.
        let listener = UnixListener::bind(&path).map_err(fail("make the control socket"))?;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))
            .map_err(fail("protect the control socket"))?;
        Ok(Self { path, listener })
    }

    /// Serves clients until the receiver of `commands` is gone.
    pub async fn serve(self, commands: mpsc::Sender<Command>) {
        let room = Arc::new(Semaphore::new(MOST_CLIENTS));
        loop {
            let Ok(permit) = Arc::clone(&room).acquire_owned().await else {
                return;
            };
            tokio::select! {
                () = commands.closed() => return,
                accepted = self.listener.accept() => match accepted {
                    Ok((stream, _)) => {
                        let commands = commands.clone();
                        tokio::spawn(async move {
                            let _permit = permit;
                            // A client that went away is none of our business.
                            let _ = converse(stream, commands).await;
                        });
                    }
                    Err(error) => {
                        tracing::warn!("can't accept a control connection: {error}");
                        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
                    }
                },
            }
        }
    }
}

impl Drop for ControlSocket {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

async fn converse(stream: UnixStream, commands: mpsc::Sender<Command>) -> io::Result<()> {
    let (read, mut write) = stream.into_split();
    let mut read = BufReader::new(read);
    let mut line = Vec::new();
    loop {
        line.clear();
        (&mut read)
            .take(LONGEST_REQUEST)
            .read_until(b'\n', &mut line)
            .await?;
        if line.last() != Some(&b'\n') {
            if !line.is_empty() {
                let error = unreadable("a request is one line of at most 4 MiB");
                say(&mut write, &error).await?;
            }
            return Ok(());
        }
        let request = match serde_json::from_slice::<Request>(&line) {
            Ok(request) => request,
            Err(error) => {
                say(&mut write, &unreadable(&error.to_string())).await?;
                continue;
            }
        };
        let (answer, answered) = oneshot::channel();
        let sent = commands.send(Command { request, answer }).await;
        match (sent, answered.await) {
            (Ok(()), Ok(Answer::Lines(lines))) => {
                for response in &lines {
                    say(&mut write, response).await?;
                }
            }
            (
                Ok(()),
                Ok(Answer::Stream {
                    first,
                    feed,
                    tunnel,
                    last,
                }),
            ) => {
                for response in &first {
                    say(&mut write, response).await?;
                }
                if !stream_events(&mut read, &mut write, feed, tunnel.as_deref(), last).await? {
                    return Ok(());
                }
            }
            (Err(_), _) | (_, Err(_)) => {
                let stopping = Response::Error {
                    error: RequestError::Stopping,
                    message: "the gateway is stopping".to_owned(),
                };
                say(&mut write, &stopping).await?;
            }
        }
    }
}

/// Passes events on until the last line is there. Returns false when the client has left.
async fn stream_events(
    read: &mut BufReader<OwnedReadHalf>,
    write: &mut OwnedWriteHalf,
    mut feed: broadcast::Receiver<Arc<Record>>,
    tunnel: Option<&str>,
    mut last: Option<oneshot::Receiver<Response>>,
) -> io::Result<bool> {
    let mut client_quiet = true;
    loop {
        tokio::select! {
            biased;
            received = feed.recv() => match received {
                Ok(record) => pass_on(write, &record, tunnel).await?,
                Err(broadcast::error::RecvError::Lagged(events)) => {
                    say(write, &Response::Missed { events }).await?;
                }
                Err(broadcast::error::RecvError::Closed) => return say(write, &Response::Done).await.map(|()| true),
            },
            outcome = wait_for(&mut last) => {
                // What happened before the outcome was sent before it, and the feed was asked first.
                let response = outcome.unwrap_or(Response::Done);
                return say(write, &response).await.map(|()| true);
            }
            more = read.fill_buf(), if client_quiet => {
                if more?.is_empty() {
                    return Ok(false);
                }
                client_quiet = false;
            }
        }
    }
}

async fn wait_for(last: &mut Option<oneshot::Receiver<Response>>) -> Option<Response> {
    match last {
        Some(receiver) => receiver.await.ok(),
        None => std::future::pending().await,
    }
}

async fn pass_on(
    write: &mut OwnedWriteHalf,
    record: &Arc<Record>,
    tunnel: Option<&str>,
) -> io::Result<()> {
    if tunnel.is_some() && record.event.connection.as_deref() != tunnel {
        return Ok(());
    }
    let record = Box::new(Record::clone(record));
    say(write, &Response::Event { record }).await
}

async fn say(write: &mut OwnedWriteHalf, response: &Response) -> io::Result<()> {
    let mut line = serde_json::to_vec(response)?;
    line.push(b'\n');
    write.write_all(&line).await
}

fn unreadable(problem: &str) -> Response {
    Response::Error {
        error: RequestError::Unreadable,
        message: format!("not a request: {problem}"),
    }
}

/// Longest request line in octets.
const LONGEST_REQUEST: u64 = 4 * 1024 * 1024;
/// Clients served at the same time.
const MOST_CLIENTS: usize = 64;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::client::{Client, ClientError};
    use crate::events::EventLog;
    use crate::scratch::Scratch;
    use adit_model::Now;
    use adit_model::event::{Event, Happening};
    use std::io::{BufRead, Write};
    use std::time::Duration;

    fn happened(connection: &str) -> Event {
        Event {
            at: Now::default(),
            connection: Some(connection.to_owned()),
            role: None,
            local: None,
            remote: None,
            what: Happening::PeerAlive,
        }
    }

    /// A loop that answers as a gateway would, on its own thread.
    fn answering(
        dir: &Scratch,
        mut answer: impl FnMut(Request) -> Option<Answer> + Send + 'static,
    ) -> std::thread::JoinHandle<()> {
        let path = dir.path().to_owned();
        let (ready, is_ready) = std::sync::mpsc::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async move {
                let socket = ControlSocket::open(&path).unwrap();
                let (commands, mut received) = mpsc::channel(4);
                let server = tokio::spawn(socket.serve(commands));
                ready.send(()).unwrap();
                while let Some(command) = received.recv().await {
                    let stop = command.request == Request::Shutdown;
                    if let Some(lines) = answer(command.request) {
                        let _ = command.answer.send(lines);
                    }
                    if stop {
                        break;
                    }
                }
                drop(received);
                server.await.unwrap();
                // Connections finish writing.
                tokio::time::sleep(Duration::from_millis(50)).await;
            });
        });
        is_ready.recv().unwrap();
        thread
    }

    fn done() -> Option<Answer> {
        Some(Answer::Lines(vec![Response::Done]))
    }

    #[test]
    fn one_connection_serves_many_requests_and_the_file_goes_with_the_gateway() {
        let dir = Scratch::new("control-many");
        let gateway = answering(&dir, |request| match request {
            Request::Drops => Some(Answer::Lines(vec![Response::Drops { drops: vec![] }])),
            _ => done(),
        });
        let mode = std::fs::metadata(dir.path().join(SOCKET_NAME)).unwrap();
        assert_eq!(mode.permissions().mode() & 0o777, 0o600);
        let mut client = Client::connect(dir.path()).unwrap();
        for _ in 0..3 {
            assert!(client.drops().unwrap().is_empty());
            client.unblock(None).unwrap();
        }
        client.shutdown().unwrap();
        gateway.join().unwrap();
        assert!(!dir.path().join(SOCKET_NAME).exists());
        assert!(matches!(
            Client::connect(dir.path()),
            Err(ClientError::NotRunning { .. })
        ));
    }

    #[test]
    fn events_of_the_tunnel_come_before_the_outcome() {
        let dir = Scratch::new("control-up");
        let gateway = answering(&dir, |request| match request {
            Request::Up { tunnel, .. } => {
                let mut log = EventLog::default();
                let feed = log.follow();
                log.record(happened("office"));
                log.record(happened("elsewhere"));
                log.record(happened("office"));
                let (last, outcome) = oneshot::channel();
                let _ = last.send(Response::Outcome {
                    reached: true,
                    summary: "up".to_owned(),
                });
                // The log lives on, as a gateway's does.
                std::mem::forget(log);
                Some(Answer::Stream {
                    first: vec![],
                    feed,
                    tunnel: Some(tunnel),
                    last: Some(outcome),
                })
            }
            _ => done(),
        });
        let mut client = Client::connect(dir.path()).unwrap();
        let mut seen = Vec::new();
        let outcome = client
            .up("office", Duration::from_secs(1), |r| seen.push(r.number))
            .unwrap();
        assert!(outcome.reached);
        assert_eq!(seen, [1, 3]);
        client.shutdown().unwrap();
        gateway.join().unwrap();
    }

    #[test]
    fn garbage_is_answered_and_harms_nobody() {
        let dir = Scratch::new("control-garbage");
        let gateway = answering(&dir, |_| done());
        let path = dir.path().join(SOCKET_NAME);
        let mut raw = std::os::unix::net::UnixStream::connect(&path).unwrap();
        raw.write_all(b"hello\n{\"request\":\"drops\"}\n").unwrap();
        let mut lines = std::io::BufReader::new(raw.try_clone().unwrap()).lines();
        let first = lines.next().unwrap().unwrap();
        assert!(first.contains("unreadable"), "{first}");
        assert!(lines.next().unwrap().unwrap().contains("done"));

        let mut endless = std::os::unix::net::UnixStream::connect(&path).unwrap();
        // Writing may fail once the gateway has given up on the line.
        let _ = endless.write_all(&vec![b'x'; 2 * LONGEST_REQUEST as usize]);
        let mut client = Client::connect(dir.path()).unwrap();
        client.shutdown().unwrap();
        gateway.join().unwrap();
    }

    #[test]
    fn a_request_that_nobody_answers_says_that_the_gateway_stops() {
        let dir = Scratch::new("control-dropped");
        let gateway = answering(&dir, |request| match request {
            Request::Drops => None,
            _ => done(),
        });
        let mut client = Client::connect(dir.path()).unwrap();
        assert!(matches!(
            client.drops(),
            Err(ClientError::Refused {
                error: RequestError::Stopping,
                ..
            })
        ));
        client.shutdown().unwrap();
        gateway.join().unwrap();
    }
}
