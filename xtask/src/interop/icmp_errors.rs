//! The step about ICMP errors from behind the peer, whose source no selector takes (RFC 4301 6).

use std::time::Duration;

use anyhow::Result;

use super::patience::wait;
use super::play::Stage;
use crate::exec;

/// A neighbour that isn't there is given up after three seconds.
const PATIENCE: Duration = Duration::from_secs(10);

/// What is sent to provoke an error, and what `ping` says about it.
const ERRORS: [(&[&str], &str); 3] = [
    (&["10.2.0.20"], "Destination Host Unreachable"),
    (&["-t", "2", "10.2.0.18"], "Time to live exceeded"),
    (
        &["-M", "do", "-s", "1100", "10.2.0.18"],
        "Frag needed and DF set (mtu = 1000)",
    ),
];

impl Stage<'_> {
    /// 10.2.0.16/28 is behind the peer, which reports errors from addresses outside; its LAN's links are narrow.
    pub(super) fn icmp_errors(&self) -> Result<()> {
        let ping = |args: &[&str]| {
            let mut command = self.lab.command("westlan", "ping");
            exec::output(command.args(["-n", "-c", "1", "-W", "4"]).args(args))
        };
        anyhow::ensure!(ping(&["10.2.0.18"])?.success, "10.2.0.18 doesn't answer");
        self.lab.narrow("east", 1000)?;
        for (args, wanted) in ERRORS {
            let mut last = String::new();
            wait(wanted, PATIENCE, || {
                last = ping(args)?.text();
                Ok(last.lines().any(|line| {
                    // Not from our own gateway, and not from where the selectors reach.
                    line.contains(wanted)
                        && !line.contains("From 10.1.")
                        && !line.contains("From 10.2.0.18 ")
                }))
            })
            .map_err(|error| error.context(last))?;
        }
        Ok(())
    }
}
