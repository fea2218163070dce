//! A program of the operator's that is told when a tunnel comes up, goes down, has new keys or fails.
//!
//! It is run beside the loop, without a shell, with an environment that has what happened and nothing secret; for ten
//! seconds at most and four at a time. What else happens meanwhile waits, up to a bound.

use std::collections::VecDeque;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use adit_model::event::{Event, Happening};
use adit_model::monitored::Act;
use rustix::process::{Pid, Signal, kill_process_group};

use crate::attempt::TaskDone;
use crate::clock::rfc3339;
use crate::gateway::Gateway;
use crate::journal::child;
use crate::retry::Presence;

/// What is under way, and what waits.
#[derive(Debug, Default)]
pub(crate) struct Hook {
    running: usize,
    waiting: VecDeque<Call>,
    left_out: u64,
}

/// One thing to tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Call {
    on: &'static str,
    tunnel: String,
    environment: Vec<(&'static str, String)>,
}

/// A run of the program is over.
#[derive(Debug)]
pub(crate) struct Ended {
    call: Call,
    result: Result<(), String>,
}

impl Hook {
    /// Whether something is under way or waits.
    pub(crate) fn is_busy(&self) -> bool {
        self.running > 0 || !self.waiting.is_empty()
    }

    /// Has a call wait for its turn. Whoever can make a tunnel fail again and again, which strangers can where peers come
    /// from anywhere, takes no place from others: of one tunnel one failure waits, the newest, and where there is no
    /// place, failures and new keys are left out before what says whether a tunnel is up.
    fn wait(&mut self, call: Call) {
        let same = |other: &Call| other.on == call.on && other.tunnel == call.tunnel;
        if call.on == FAILED
            && let Some(at) = self.waiting.iter().position(same)
        {
            self.waiting.remove(at);
        }
        if self.waiting.len() >= MOST_WAITING {
            self.left_out += 1;
            let says_state = |call: &Call| matches!(call.on, UP | DOWN);
            let other = self.waiting.iter().position(|other| !says_state(other));
            match other.filter(|_| says_state(&call)) {
                Some(at) => drop(self.waiting.remove(at)),
                None => return,
            }
        }
        self.waiting.push_back(call);
    }
}

impl Gateway {
    /// Tells what an event means for who watches tunnels.
    pub(crate) fn tell_hook_of(&mut self, event: &Event) {
        let on = match &event.what {
            Happening::ChildRekeyed { .. } | Happening::IkeRekeyed { .. } => "rekeyed",
            Happening::Refused { .. }
            | Happening::PeerRefused { .. }
            | Happening::GaveUp { .. }
            | Happening::PeerUnresolved { .. }
            | Happening::Expired { .. } => FAILED,
            Happening::Foreseen { over: false, .. } => "foreseen",
            Happening::MonitorActed { act, .. } => match act {
                Act::FailOver => "failed-over",
                Act::FailBack => "failed-back",
                Act::Rekey | Act::ReInitiate => "monitor",
            },
            Happening::MonitorJudged { .. } => "monitor",
            _ => return,
        };
        let Some(tunnel) = event.connection.clone() else {
            return;
        };
        let peer = event.remote.map(|remote| remote.ip().to_string());
        let child = child(&event.what).map(str::to_owned);
        let text = event.what.to_string();
        self.tell_hook(on, tunnel, peer, child, text);
    }

    /// Tells that a tunnel has come up or gone down.
    pub(crate) fn tell_hook_of_state(&mut self, name: &str, before: Presence, now: Presence) {
        let (on, text) = match (before, now) {
            (Presence::Nothing | Presence::Trying, Presence::Up) => (UP, "it is up"),
            (Presence::Up, Presence::Nothing | Presence::Trying) => (DOWN, "it is down"),
            _ => return,
        };
        let tunnel = self.tunnels.get(name);
        let peer = tunnel.and_then(|t| t.peer).map(|peer| peer.to_string());
        self.tell_hook(on, name.to_owned(), peer, None, text.to_owned());
    }

    fn tell_hook(
        &mut self,
        on: &'static str,
        tunnel: String,
        peer: Option<String>,
        child: Option<String>,
        text: String,
    ) {
        if self.options.config.gateway.hook.is_empty() {
            return;
        }
        let at = rfc3339(self.clock.now().wall);
        let environment = [
            ("ADIT_EVENT", Some(on.to_owned())),
            ("ADIT_TUNNEL", Some(tunnel.clone())),
            ("ADIT_PEER", peer),
            ("ADIT_CHILD", child),
            ("ADIT_TEXT", Some(text)),
            ("ADIT_TIME", Some(at)),
        ];
        let set = environment
            .into_iter()
            // A zero octet can't be in an environment.
            .filter_map(|(name, value)| Some((name, value?.replace('\0', " "))));
        let call = Call {
            on,
            tunnel,
            environment: set.collect(),
        };
        self.hook.wait(call);
        self.run_hooks();
    }

    fn run_hooks(&mut self) {
        while self.hook.running < AT_ONCE {
            let Some(call) = self.hook.waiting.pop_front() else {
                return;
            };
            self.hook.running += 1;
            let program = self.options.config.gateway.hook.clone();
            let tasks = self.tasks.clone();
            tokio::task::spawn_blocking(move || {
                let result = run(&program, &call.environment, LONGEST);
                // The loop is gone when the gateway stops.
                let _ = tasks.blocking_send(TaskDone::Hooked(Ended { call, result }));
            });
        }
    }

    /// The gateway stops: what still waits isn't told any more, and that is recorded.
    pub(crate) fn leave_hooks_out(&mut self) {
        for call in std::mem::take(&mut self.hook.waiting) {
            let what = Happening::HookFailed {
                on: call.on.to_owned(),
                problem: "the gateway stopped before its turn came".to_owned(),
            };
            self.happened(Some(&call.tunnel), None, what);
        }
    }

    /// A run is over; the next begins.
    pub(crate) fn hooked(&mut self, ended: Ended) {
        self.hook.running = self.hook.running.saturating_sub(1);
        let Ended { call, result } = ended;
        let left_out = std::mem::take(&mut self.hook.left_out);
        let more = (left_out > 0).then(|| {
            format!("{left_out} more things happened than can wait for it; it wasn't told of them")
        });
        for problem in result.err().into_iter().chain(more) {
            let what = Happening::HookFailed {
                on: call.on.to_owned(),
                problem,
            };
            self.happened(Some(&call.tunnel), None, what);
        }
        self.run_hooks();
    }
}

/// Runs the program to its end, or kills it with all that it has started.
fn run(
    program: &[String],
    environment: &[(&'static str, String)],
    longest: Duration,
) -> Result<(), String> {
    let Some((name, arguments)) = program.split_first() else {
        return Ok(());
    };
    trusted(name).map_err(|error| format!("{name} isn't run: {error}"))?;
    let mut child = Command::new(name)
        .args(arguments)
        .env_clear()
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        .envs(environment.iter().map(|(name, value)| (name, value)))
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .map_err(|error| format!("{name} can't be run: {error}"))?;
    let begun = Instant::now();
    loop {
        match child.try_wait() {
            Ok(Some(status)) if status.success() => return Ok(()),
            Ok(Some(status)) => return Err(format!("{name} ended with {status}")),
            Ok(None) if begun.elapsed() < longest => std::thread::sleep(LOOK),
            Ok(None) => break,
            Err(error) => return Err(format!("{name}: {error}")),
        }
    }
    if let Some(group) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
        // It may have ended just now.
        let _ = kill_process_group(group, Signal::KILL);
    }
    // It is dead; only its entry is taken away.
    let _ = child.wait();
    Err(format!(
        "{name} was killed, since it hadn't ended after {} s",
        longest.as_secs_f32()
    ))
}

/// Whoever can write to the program can have the gateway do what they like.
fn trusted(name: &str) -> io::Result<()> {
    let meta = std::fs::metadata(name)?;
    let us = rustix::process::geteuid().as_raw();
    if meta.uid() != 0 && meta.uid() != us {
        let owner = meta.uid();
        return Err(io::Error::other(format!(
            "it belongs to user {owner}. Fix: chown {us} {name}"
        )));
    }
    if meta.mode() & 0o022 != 0 {
        return Err(io::Error::other(format!(
            "others than its owner can write to it. Fix: chmod go-w {name}"
        )));
    }
    Ok(())
}

/// How long the program may run.
const LONGEST: Duration = Duration::from_secs(10);
/// How often it is looked at.
const LOOK: Duration = Duration::from_millis(20);
/// Runs at a time.
const AT_ONCE: usize = 4;
const UP: &str = "up";
const DOWN: &str = "down";
const FAILED: &str = "failed";
/// Things to tell that may wait.
const MOST_WAITING: usize = 256;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    use crate::scratch::Scratch;

    fn script(scratch: &Scratch, text: &str) -> String {
        let path = scratch.path().join("hook");
        std::fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o700)).unwrap();
        path.display().to_string()
    }

    #[test]
    fn it_gets_arguments_and_environment_as_they_are_and_nothing_else() {
        let scratch = Scratch::new("hook-environment");
        let out = scratch.path().join("out");
        let name = script(&scratch, "{ env; echo \"first=$1\"; } > \"$2\"");
        let program = [
            name,
            "$(reboot); `id`".to_owned(),
            out.display().to_string(),
        ];
        let environment = [("ADIT_TEXT", "a\nb; $(id)".to_owned())];
        run(&program, &environment, LONGEST).unwrap();
        let text = std::fs::read_to_string(out).unwrap();
        assert!(text.contains("first=$(reboot); `id`\n"), "{text}");
        assert!(text.contains("ADIT_TEXT=a\nb; $(id)\n"), "{text}");
        assert!(!text.contains("CARGO") && !text.contains("HOME="), "{text}");
    }

    fn call(on: &'static str, tunnel: &str, text: &str) -> Call {
        Call {
            on,
            tunnel: tunnel.to_owned(),
            environment: vec![("ADIT_TEXT", text.to_owned())],
        }
    }

    #[test]
    fn failures_without_end_take_no_place_from_what_says_that_a_tunnel_is_down() {
        let mut hook = Hook::default();
        hook.wait(call(DOWN, "office", ""));
        for number in 0..1000 {
            hook.wait(call(FAILED, "guests", &number.to_string()));
        }
        assert_eq!(hook.waiting.len(), 2);
        assert_eq!(hook.waiting[1].environment[0].1, "999", "the newest");
        assert_eq!(hook.left_out, 0, "they are one failure");
        for number in 0..MOST_WAITING {
            hook.wait(call(FAILED, &format!("t{number}"), ""));
        }
        hook.wait(call(DOWN, "branch", ""));
        assert_eq!(hook.waiting.len(), MOST_WAITING);
        let down = hook.waiting.iter().filter(|call| call.on == DOWN);
        let tunnels: Vec<&str> = down.map(|call| call.tunnel.as_str()).collect();
        assert_eq!(tunnels, ["office", "branch"]);
        assert_eq!(hook.left_out, 3);
    }

    #[test]
    fn one_that_does_not_end_is_killed_with_what_it_started() {
        let scratch = Scratch::new("hook-endless");
        let mark = scratch.path().join("mark");
        let text = format!("(sleep 1; touch {}) & sleep 100", mark.display());
        let program = [script(&scratch, &text)];
        let error = run(&program, &[], Duration::from_millis(200)).unwrap_err();
        assert!(error.contains("was killed"), "{error}");
        std::thread::sleep(Duration::from_millis(1300));
        assert!(!mark.exists());
    }

    #[test]
    fn what_fails_and_what_others_can_write_to_is_said() {
        let scratch = Scratch::new("hook-failing");
        let name = script(&scratch, "exit 3");
        let error = run(std::slice::from_ref(&name), &[], LONGEST).unwrap_err();
        assert!(error.contains("exit status: 3"), "{error}");
        std::fs::set_permissions(&name, std::fs::Permissions::from_mode(0o722)).unwrap();
        let error = run(&[name], &[], LONGEST).unwrap_err();
        assert!(error.contains("chmod go-w"), "{error}");
        let missing = scratch.path().join("missing").display().to_string();
        assert!(run(&[missing], &[], LONGEST).is_err());
    }
}
