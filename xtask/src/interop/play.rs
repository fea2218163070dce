//! Playing one scenario: start both gateways, take the steps, check after each.

use std::fmt;
use std::time::{Duration, Instant};

use adit_model::event::Party;
use anyhow::{Context, Result};

use super::adit::Adit;
use super::authority::Authority;
use super::lab::Lab;
use super::patience::{self, wait};
use super::relay::Relay;
use super::scenario::{Kind, Overrides, Role, Scenario, Step, Tunnel};
use super::side::{End, Side};
use super::state::{self, Snapshot};
use super::strongswan::StrongSwan;
use super::{Gateway, callers, play_trust, suite, traffic};

/// The peer cannot do what the scenario asks for.
#[derive(Debug)]
pub struct Unsupported(pub String);

impl fmt::Display for Unsupported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Unsupported {}

/// How long a tunnel may take to come up.
pub(super) const ESTABLISH: Duration = Duration::from_secs(8);
/// How long both sides may take to notice what happened.
pub(super) const SETTLE: Duration = Duration::from_secs(4);
/// Longer than an exchange takes.
const EXCHANGE: Duration = Duration::from_millis(300);
/// When both sides are asked again.
const RENEWED: [Duration; 2] = [EXCHANGE, Duration::from_millis(1_300)];
/// How long Adit's own times of renewal may be.
pub(super) const RENEWAL: Duration = Duration::from_secs(25);
/// Long enough for several liveness checks of a peer that makes one a second.
const IDLE: Duration = Duration::from_secs(3);
/// How long the gateway stays killed.
const DEAD_SECONDS: u32 = 5;
/// How long a restarted gateway may take to be back.
const BACK: Duration = Duration::from_secs(3);

/// Plays a scenario in a lab of its own.
pub fn play(gateway: &Gateway, index: usize, scenario: &Scenario, role: Role) -> Result<()> {
    if let Some(reason) = &scenario.peer_cannot {
        return Err(Unsupported(reason.clone()).into());
    }
    let scenario = &scenario.with_given(role)?;
    let lab = Lab::new(index, scenario, role).context("the lab")?;
    let theirs = scenario.peer.over(&scenario.tunnel);
    let initiator = role == Role::Initiator;
    let [near_end, far_end] = ends(&lab, scenario, role);
    let relay = scenario.meddling;
    let relay = relay
        .map(|meddling| Relay::start(&lab, meddling))
        .transpose()?;
    let authority = Authority::start(&lab, &scenario.tunnel)?;
    let far = match (scenario.peer.absent, scenario.peer.kind, gateway) {
        (true, _, _) => None,
        (false, Kind::StrongSwan, _) => Some(Side::StrongSwan(StrongSwan::start(
            &lab, &far_end, &theirs,
        )?)),
        (false, Kind::Adit, Gateway::Adit(binary)) => Some(Side::Adit(Adit::start(
            &lab,
            binary,
            far_end.clone(),
            &theirs,
        )?)),
        (false, Kind::Adit, Gateway::StrongSwan) => {
            return Err(Unsupported("both ends of this one are Adit".into()).into());
        }
    };
    let near = match gateway {
        Gateway::Adit(binary) => {
            match Adit::start(&lab, binary, near_end.clone(), &scenario.tunnel) {
                Err(problem) if !scenario.never_starts.is_empty() => {
                    return play_trust::never_started(scenario, &problem, far.as_ref());
                }
                started => Side::Adit(started?),
            }
        }
        Gateway::StrongSwan => {
            play_trust::beyond_theirs(scenario)?;
            traffic::guard_counts(&lab, "west", "10.2.0.2")?;
            traffic::guard_counts(&lab, "east", "fd00:1::2")?;
            lab.reset_guard()?;
            // What is said in Adit's words isn't for strongSwan.
            let tunnel = Overrides::default().over(&scenario.tunnel);
            Side::StrongSwan(StrongSwan::start(&lab, &near_end, &tunnel)?)
        }
    };
    let starts = scenario.never_starts.is_empty() || matches!(gateway, Gateway::StrongSwan);
    anyhow::ensure!(starts, "Adit started although it must not");
    let (caller, tunnel) = match role {
        Role::Initiator => (&near_end, &scenario.tunnel),
        Role::Responder => (&far_end, &theirs),
    };
    // Its policies are those of the first one.
    let second = tunnel.of_second(role).map(|second| Tunnel {
        policy: tunnel.policy.clone(),
        ..second
    });
    let south = match (second, gateway) {
        (None, _) => None,
        (Some(tunnel), Gateway::Adit(binary)) if initiator || scenario.peer.kind == Kind::Adit => {
            let end = callers::end(&lab, caller);
            Some(Side::Adit(Adit::start(&lab, binary, end, &tunnel)?))
        }
        (Some(tunnel), _) => {
            let end = callers::end(&lab, caller);
            Some(Side::StrongSwan(StrongSwan::start(&lab, &end, &tunnel)?))
        }
    };
    let mut stage = Stage {
        lab: &lab,
        scenario,
        role,
        near_role: role,
        near,
        far,
        authority,
        relay,
        south,
    };
    for step in &scenario.steps {
        if step.is_about_adit() && matches!(gateway, Gateway::StrongSwan) {
            break;
        }
        stage
            .take(step)
            .with_context(|| format!("step {}", name(step)))?;
    }
    traffic::no_leak(&lab)
}

/// Both ends, ours first.
pub fn ends(lab: &Lab, scenario: &Scenario, role: Role) -> [End; 2] {
    let initiator = role == Role::Initiator;
    let near = End {
        name: "gw",
        side: "west",
        host: "west",
        local: lab.own("west").to_owned(),
        remote: lab.seen("east").to_owned(),
        version: 2,
        liveness: false,
        starts: initiator,
        initiates: initiator,
    };
    let far = End {
        name: "gw",
        side: "east",
        host: "east",
        local: lab.own("east").to_owned(),
        remote: lab.seen("west").to_owned(),
        version: scenario.peer.version.unwrap_or(2),
        liveness: scenario.peer.liveness,
        starts: false,
        initiates: !initiator,
    };
    [near, far]
}

/// Whether what both gateways say shows that a change has arrived.
type Arrived = Box<dyn Fn(&Snapshot, &Snapshot) -> bool>;

pub(super) struct Stage<'a> {
    pub(super) lab: &'a Lab,
    pub(super) scenario: &'a Scenario,
    /// Who starts from the near side's view.
    pub(super) role: Role,
    /// The near side's role in the present IKE SA.
    pub(super) near_role: Role,
    pub(super) near: Side<'a>,
    far: Option<Side<'a>>,
    pub(super) authority: Option<Authority>,
    pub(super) relay: Option<Relay>,
    /// The second caller.
    pub(super) south: Option<Side<'a>>,
}

impl Stage<'_> {
    fn take(&mut self, step: &Step) -> Result<()> {
        match step {
            Step::Establish => self.establish(),
            Step::Given => self.given(),
            Step::Agree => self.agree(),
            Step::Ping => self.ping(),
            Step::PeerRekeyChild => self.rekey(
                |side| side.rekey_child("net"),
                |before, after| {
                    before.ike[0].spis == after.ike[0].spis
                        && before.children[0].spi_in != after.children[0].spi_in
                },
            ),
            Step::PeerRekeyIke => {
                self.rekey(
                    |side| side.rekey_ike(),
                    |before, after| {
                        before.ike[0].spis != after.ike[0].spis
                            && before.children[0].spi_in == after.children[0].spi_in
                    },
                )?;
                // Whoever asks for the new IKE SA is its initiator (RFC 7296 2.18).
                self.near_role = Role::Responder;
                Ok(())
            }
            Step::WeRekeyChild => self.renewal(|before, after| {
                before.ike[0].spis == after.ike[0].spis
                    && before.children[0].spi_in != after.children[0].spi_in
            }),
            Step::WeRekeyIke => {
                self.renewal(|before, after| {
                    before.ike[0].spis != after.ike[0].spis
                        && before.children[0].spi_in == after.children[0].spi_in
                })?;
                self.near_role = Role::Initiator;
                Ok(())
            }
            Step::WeReauthenticate => {
                self.renewal(|before, after| {
                    before.ike[0].spis != after.ike[0].spis
                        && before.children[0].spi_in != after.children[0].spi_in
                })?;
                self.near_role = Role::Initiator;
                Ok(())
            }
            Step::PeerDeleteChild => {
                self.far()?.delete_child()?;
                self.until("the near child to be gone", |near, far| {
                    near.children.is_empty() && far.children.is_empty()
                })
            }
            Step::PeerDelete => {
                self.far()?.delete()?;
                self.gone()
            }
            Step::PeerResets => {
                let before = self.far()?.snapshot()?;
                self.far()?.delete()?;
                wait("a new tunnel", ESTABLISH, || {
                    let (near, far) = (self.near()?, self.far()?.snapshot()?);
                    Ok(near.is_up() && far.is_up() && far.ike[0].spis != before.ike[0].spis)
                })
            }
            Step::Down => {
                self.near.delete()?;
                self.gone()
            }
            Step::Up => {
                self.near.initiate()?;
                self.near_role = Role::Initiator;
                self.both_up(ESTABLISH)
            }
            Step::Stop => {
                self.adit()?.stop()?;
                let far = self.far()?;
                wait("the far side to have no SA", SETTLE, || {
                    Ok(far.snapshot()?.ike.is_empty())
                })
            }
            Step::Kill => {
                self.adit()?.kill()?;
                self.blocked(DEAD_SECONDS)
            }
            Step::Restart => {
                let started = Instant::now();
                let tunnel = self.scenario.tunnel.clone();
                self.adit()?.restart(&tunnel)?;
                self.near_role = Role::Initiator;
                self.both_up(BACK)?;
                anyhow::ensure!(
                    started.elapsed() <= BACK * patience::factor(),
                    "back after {:.1} s",
                    started.elapsed().as_secs_f64()
                );
                Ok(())
            }
            Step::Idle => {
                std::thread::sleep(IDLE);
                Ok(())
            }
            Step::Part => self.part(),
            Step::StaysDown => self.stays_down(),
            Step::Recovers => self.recover(),
            Step::Woken => self.woken(),
            Step::WeForget => self.forget(Party::Us),
            Step::PeerForgets => self.forget(Party::Peer),
            Step::Cut => self.lab.cut(),
            Step::Mend => self.lab.mend(),
            Step::Moves | Step::PeerMoves => {
                let gateway = if *step == Step::Moves { "west" } else { "east" };
                self.goes_on(|lab| {
                    let address = lab.readdress(gateway)?;
                    Ok(Box::new(move |near: &Snapshot, far: &Snapshot| {
                        let (mover, other) = if gateway == "west" {
                            (near, far)
                        } else {
                            (far, near)
                        };
                        let seen = other.ike[0].remote.rsplit_once(':');
                        mover.ike[0].local == address
                            && seen
                                .is_some_and(|(seen, _)| seen.trim_matches(['[', ']']) == address)
                    }))
                })
            }
            Step::Raw => self.travelled("raw_esp", "esp_in_udp"),
            Step::InUdp => self.travelled("esp_in_udp", "raw_esp"),
            Step::Renamed => self.renamed(),
            Step::IcmpErrors => self.icmp_errors(),
            Step::Keepalives => self.keepalives(),
            Step::NatForgets => {
                let place = |near: &Snapshot, far: &Snapshot| {
                    [&near.ike[0].remote, &far.ike[0].remote].map(Clone::clone)
                };
                let before = place(&self.near()?, &self.far()?.snapshot()?);
                self.goes_on(|lab| {
                    lab.forget_mappings()?;
                    Ok(Box::new(move |near: &Snapshot, far: &Snapshot| {
                        place(near, far) != before
                    }))
                })
            }
            Step::Quiet => self.quiet(),
            Step::Children => self.children(),
            Step::StartsWith(child) => self.starts_with(child),
            Step::Reload => self.reload(),
            Step::PeerComesAgain => self.far()?.initiate().map(drop),
            Step::Fails(child) => self.fails(child),
            Step::RenewsItself(child) => self.one_renewed(&self.near, child, RENEWAL, || Ok(())),
            Step::Negotiated(word) => self.negotiated(word),
            Step::Volume => self.volume(),
            Step::Readable => self.readable(),
            Step::Only(names) => self.only(names),
            Step::SecondHosts => self.second_hosts(),
            Step::Reauthenticated => self.reauthenticated(),
            Step::IkeSas(count) => self.ike_sas(*count),
            Step::Childless => self.childless(),
            Step::Reach(flow) => self.reach(flow),
            Step::Unreachable(flow) => self.unreachable(flow),
            Step::WeRekey(child) => self.rekey_one(&self.near, child),
            Step::PeerRekeys(child) => self.rekey_one(self.far()?, child),
            Step::PeerInitiates(child) => self.far()?.initiate_child(child).map(drop),
            Step::Logged(side, text) => self.logged(side, text),
            Step::Blocked => self.blocked(1),
            Step::Fail => self.fail(),
            Step::PeerRevoked => self.revoke("east"),
            Step::Repeated => self.repeated(),
            Step::Cookie => self.cookie(),
            Step::Distrusted => self.distrusted(),
            Step::Mixed(wanted) => self.mixed(*wanted),
            Step::Asked => self.asked(),
            Step::Diagnosed => self.diagnosed(),
        }
    }

    fn establish(&mut self) -> Result<()> {
        self.near_role = self.role;
        if !self.scenario.tunnel.child.is_empty() {
            return self.establish_all();
        }
        match (self.role, &self.near) {
            (Role::Initiator, Side::StrongSwan(daemon)) => drop(daemon.initiate()?),
            // It was started with `start = "auto"`.
            (Role::Initiator, Side::Adit(_)) => {}
            (Role::Responder, _) => drop(self.far()?.initiate()?),
        }
        self.both_up(ESTABLISH)?;
        self.establish_second()
    }

    fn agree(&self) -> Result<()> {
        let (near, far) = self.at_rest()?;
        state::mirrored(&near, &far)?;
        anyhow::ensure!(
            near.ike[0].role == self.near_role,
            "the near side says that it is the {}",
            near.ike[0].role
        );
        // Not merely equal on both sides, but what both are configured with.
        let theirs = self.scenario.peer.over(&self.scenario.tunnel);
        for configured in [&self.scenario.tunnel, &theirs] {
            for (words, negotiated) in [
                (&configured.ike, &far.ike[0].suite),
                (&configured.esp, &far.children[0].suite),
            ] {
                let words = suite::from_keywords(words);
                anyhow::ensure!(
                    suite::allows(&words, negotiated),
                    "configured {words:?}, negotiated {negotiated:?}"
                );
            }
        }
        self.nat_seen()?;
        self.agree_second()
    }

    fn ping(&self) -> Result<()> {
        let before = self.near()?;
        traffic::Pings::start(self.lab, &self.scenario.tunnel, 3, "0.1")?.finish()?;
        let after = self.near()?;
        let count = |snapshot: &Snapshot| {
            snapshot
                .children
                .first()
                .map_or((0, 0), |child| (child.packets_in, child.packets_out))
        };
        let ((in_before, out_before), (in_after, out_after)) = (count(&before), count(&after));
        anyhow::ensure!(
            in_after > in_before && out_after > out_before,
            "the near side counted no traffic: in {in_before} to {in_after}, out {out_before} to {out_after}"
        );
        self.ping_second()?;
        traffic::no_leak(self.lab)
    }

    /// Lets the peer replace an SA under traffic, and waits until both sides have settled on the new one. No packet
    /// may be lost on the way.
    fn rekey(
        &self,
        command: fn(&Side) -> Result<()>,
        replaced: fn(&Snapshot, &Snapshot) -> bool,
    ) -> Result<()> {
        let before = self.far()?.snapshot()?;
        anyhow::ensure!(before.is_up(), "nothing to rekey: {before:?}");
        let traffic = traffic::Pings::start(self.lab, &self.scenario.tunnel, 25, "0.02")?;
        command(self.far()?)?;
        self.until("both sides to have moved to the new SA", |near, far| {
            near.is_up() && far.is_up() && replaced(&before, far) && state_matches(near, far)
        })?;
        traffic.finish()
    }

    /// Adit's own time for renewal comes while packets flow.
    fn renewal(&self, replaced: fn(&Snapshot, &Snapshot) -> bool) -> Result<()> {
        let before = self.far()?.snapshot()?;
        anyhow::ensure!(before.is_up(), "nothing to renew: {before:?}");
        let traffic = traffic::Pings::start(self.lab, &self.scenario.tunnel, 700, "0.02")?;
        wait("both sides to have moved to the new SA", RENEWAL, || {
            let (near, far) = (self.near()?, self.far()?.snapshot()?);
            Ok(
                near.is_up()
                    && far.is_up()
                    && replaced(&before, &far)
                    && state_matches(&near, &far),
            )
        })?;
        traffic.finish().map_err(|lost| self.with_drops(lost))
    }

    /// What was lost, with what our gateway says that it has dropped.
    fn with_drops(&self, lost: anyhow::Error) -> anyhow::Error {
        let Side::Adit(adit) = &self.near else {
            return lost;
        };
        let drops = adit.show("drops").map(|shown| {
            let of = |drop: &serde_json::Value| {
                let packets = drop["packets"].as_u64().filter(|packets| *packets > 0)?;
                Some(format!("{packets} {}", drop["reason"].as_str()?))
            };
            let all = shown["drops"].as_array().into_iter().flatten();
            all.filter_map(of).collect::<Vec<_>>().join(", ")
        });
        match drops {
            Ok(drops) => anyhow::anyhow!("{lost:#}; our drop counters: {drops}"),
            Err(error) => anyhow::anyhow!("{lost:#}; no drop counters: {error:#}"),
        }
    }

    /// Something about addresses changes under traffic, and `change` says how to see that both sides know; the IKE SA is
    /// the same as before, and packets are carried again.
    fn goes_on(&self, change: impl FnOnce(&Lab) -> Result<Arrived>) -> Result<()> {
        let before = self.far()?.snapshot()?;
        anyhow::ensure!(before.is_up(), "nothing that could move: {before:?}");
        let traffic = traffic::Pings::start(self.lab, &self.scenario.tunnel, 30, "0.1")?;
        let arrived = change(self.lab)?;
        wait("both sides to go on elsewhere", ESTABLISH, || {
            let (near, far) = (self.near()?, self.far()?.snapshot()?);
            Ok(near.is_up() && far.is_up() && arrived(&near, &far))
        })?;
        // Some are lost on the way; what matters is what follows.
        let _ = traffic.finish();
        let (near, far) = (self.near()?, self.far()?.snapshot()?);
        state::mirrored(&near, &far)?;
        // strongSwan's user-space ESP can't change the addresses of a CHILD SA, so that is rekeyed instead.
        anyhow::ensure!(
            far.ike[0].spis == before.ike[0].spis,
            "another IKE SA than before: {before:?}, now {far:?}"
        );
        self.ping()
    }

    fn gone(&self) -> Result<()> {
        self.until("both sides to have no SA", |near, far| {
            near.ike.is_empty() && near.children.is_empty() && far.ike.is_empty()
        })?;
        if let Side::Adit(adit) = &self.near {
            let state = adit.state()?;
            anyhow::ensure!(state != "up", "status says {state} without an SA");
        }
        Ok(())
    }

    fn blocked(&self, seconds: u32) -> Result<()> {
        traffic::Hopeless::start(self.lab, &self.scenario.tunnel, seconds)?.finish()?;
        traffic::no_leak(self.lab)
    }

    fn fail(&self) -> Result<()> {
        if self.role == Role::Responder {
            let outcome = self.far()?.initiate()?;
            anyhow::ensure!(
                !outcome.success,
                "the far side came up although it must not"
            );
        }
        Ok(())
    }

    fn diagnosed(&mut self) -> Result<()> {
        let wanted = self
            .scenario
            .cause
            .clone()
            .context("the scenario names no cause")?;
        let serial = self.lab.kept.join("pki/east.serial");
        let serial = std::fs::read_to_string(serial).unwrap_or_default();
        let says = self.scenario.says.iter();
        let says: Vec<String> = says.map(|s| s.replace("{serial}", &serial)).collect();
        let adit = self.adit()?;
        // An initiator needs its time to be refused, or to give up.
        let mut last = String::from("nothing");
        wait(
            "adit why to name the cause",
            Duration::from_secs(12),
            || {
                let document = adit.why()?;
                let causes = |list: &str| -> Vec<String> {
                    let entries = document[list].as_array().into_iter().flatten();
                    entries
                        .filter_map(|entry| entry["cause"].as_str().map(str::to_owned))
                        .collect()
                };
                let (found, possible) = (causes("findings"), causes("possible"));
                last = format!(
                    "{} {found:?}, possible {possible:?}",
                    document["verdict"].as_str().unwrap_or("?")
                );
                let lacks = play_trust::lacking(&document, &says);
                if let Some(text) = lacks {
                    last.push_str(&format!(", without {text:?}"));
                    return Ok(false);
                }
                Ok(match document["verdict"].as_str() {
                    Some("cause") => found.first() == Some(&wanted),
                    Some("undecided") => {
                        possible.contains(&wanted)
                            && document["missing"]
                                .as_array()
                                .is_some_and(|missing| !missing.is_empty())
                    }
                    _ => false,
                })
            },
        )
        .with_context(|| format!("wanted {wanted}, got {last}"))
    }

    pub(super) fn both_up(&self, patience: Duration) -> Result<()> {
        wait("both sides to be up", patience, || {
            Ok(self.near()?.is_up() && self.far()?.snapshot()?.is_up())
        })
    }

    /// Both sides as they stand while nothing is being renewed. One is asked after the other, and the exchange of a renewal
    /// may lie between, or the time that an old IKE SA stays beside the one that was authenticated anew; these are over when
    /// they are asked for the last time. What they disagree on then, they disagree on.
    fn at_rest(&self) -> Result<(Snapshot, Snapshot)> {
        let look = || Ok((self.near()?, self.far()?.snapshot()?));
        for wait in RENEWED {
            let (near, far) = look()?;
            if state::mirrored(&near, &far).is_ok() {
                return Ok((near, far));
            }
            std::thread::sleep(wait);
        }
        look()
    }

    fn until(&self, what: &str, reached: impl Fn(&Snapshot, &Snapshot) -> bool) -> Result<()> {
        wait(what, SETTLE, || {
            Ok(reached(&self.near()?, &self.far()?.snapshot()?))
        })
    }

    pub(super) fn near(&self) -> Result<Snapshot> {
        self.near.snapshot()
    }

    pub(super) fn far(&self) -> Result<&Side<'_>> {
        self.far.as_ref().context("the scenario has no peer")
    }
}

impl<'a> Stage<'a> {
    pub(super) fn far_mut(&mut self) -> Result<&mut Side<'a>> {
        self.far.as_mut().context("the scenario has no peer")
    }

    pub(super) fn adit(&mut self) -> Result<&mut Adit<'a>> {
        match &mut self.near {
            Side::Adit(adit) => Ok(adit),
            Side::StrongSwan(_) => anyhow::bail!("this step is about Adit"),
        }
    }
}

pub(super) fn state_matches(near: &Snapshot, far: &Snapshot) -> bool {
    near.ike[0].spis == far.ike[0].spis
        && near.children[0].spi_in == far.children[0].spi_out
        && near.children[0].spi_out == far.children[0].spi_in
}

fn name(step: &Step) -> String {
    let text = format!("{step:?}");
    let (word, rest) = text.split_at(text.find('(').unwrap_or(text.len()));
    let mut name = String::new();
    for letter in word.chars() {
        if letter.is_uppercase() && !name.is_empty() {
            name.push('-');
        }
        name.extend(letter.to_lowercase());
    }
    name + rest
}
