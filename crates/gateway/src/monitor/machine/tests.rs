//! Stories of a tunnel, its target and its peer, second by second.
#![allow(clippy::unwrap_used)]

use super::*;

/// What there is of the world around a monitor.
#[derive(Debug)]
struct Story {
    monitor: Monitor,
    now: u64,
    /// Whether the tunnel is up, its target answers, another host behind the peer does, and the peer does over IKE.
    up: bool,
    target: bool,
    another: bool,
    ike: bool,
    /// Packets of others that come in each second.
    traffic: u64,
    /// Whether echoes get into the tunnel.
    enters: bool,
    /// What mends the tunnel, so that the target answers again.
    mended_by: Option<Act>,
    /// The other tunnel can take the routes.
    ready: bool,
    counts: Counts,
    told: Vec<(u64, String)>,
}

const OFFICE: [u8; 4] = [10, 2, 0, 1];
const PRINTER: [u8; 4] = [10, 2, 0, 9];

fn host(address: [u8; 4]) -> Target {
    Target {
        to: address.into(),
        from: [10, 1, 0, 1].into(),
        child: "lan".to_owned(),
    }
}

/// An echo a second, three failures, two answers, ten seconds of hold-down.
fn settings(action: MonitorAction) -> Settings {
    Settings {
        targets: vec![OFFICE.into()],
        interval: Duration::from_secs(1),
        failures: 3,
        recover: 2,
        hold_down: Duration::from_secs(10),
        action,
        ..Settings::default()
    }
}

impl Story {
    fn of(settings: Settings) -> Self {
        Self {
            monitor: Monitor::new(settings, Mono(0)),
            now: 0,
            up: true,
            target: true,
            another: false,
            ike: true,
            traffic: 0,
            enters: true,
            mended_by: None,
            ready: false,
            counts: Counts::default(),
            told: Vec::new(),
        }
    }

    fn with(action: MonitorAction) -> Self {
        Self::of(settings(action))
    }

    fn now(&self) -> Mono {
        Mono(0) + Duration::from_secs(self.now)
    }

    /// Lets so many seconds pass.
    fn passes(&mut self, seconds: u64) -> &mut Self {
        for _ in 0..seconds {
            self.now += 1;
            self.counts.received += self.traffic;
            self.monitor.observed(self.now(), self.up, self.ready);
            self.obey();
            self.monitor.handle_timeout(self.now(), self.counts);
            self.obey();
            let due = self.monitor.deadline();
            assert!(due.is_none_or(|at| at > self.now()), "{:?}", self.monitor);
        }
        self
    }

    fn obey(&mut self) {
        while let Some(order) = self.monitor.poll() {
            let (now, rtt) = (self.now(), Duration::from_millis(20));
            match order {
                Order::Choose => {
                    let found = self.target.then(|| host(OFFICE));
                    self.monitor.chosen(now, found, rtt);
                }
                Order::Probe(target) => {
                    self.counts.sent += u64::from(self.enters);
                    let there = match target.to == IpAddr::from(OFFICE) {
                        true => self.target,
                        false => self.another,
                    };
                    if there && self.up {
                        self.counts.received += 1;
                        self.monitor.answered(now, rtt);
                    } else {
                        self.monitor.missed(now, self.counts);
                    }
                }
                Order::AskOthers => {
                    let found = self.another.then(|| host(PRINTER));
                    self.monitor.others(now, found, self.counts);
                }
                Order::AskForLife if self.ike => self.monitor.alive(now, self.counts),
                Order::AskForLife => {}
                Order::Act(act, why) => {
                    self.told.push((self.now, format!("{act:?}: {why}")));
                    if self.mended_by == Some(act) {
                        self.target = true;
                    }
                }
                Order::Tell(judged, why) => {
                    self.told
                        .push((self.now, format!("{}: {why}", judged.word())));
                }
            }
        }
    }

    /// What was told since the last time, without the reasons.
    fn heard(&mut self) -> Vec<String> {
        let told = std::mem::take(&mut self.told);
        let first =
            |(_, text): (u64, String)| text.split(':').next().unwrap_or_default().to_owned();
        told.into_iter().map(first).collect()
    }
}

fn fail_over() -> MonitorAction {
    MonitorAction::FailOver("backup".to_owned())
}

#[test]
fn a_tunnel_that_carries_is_told_of_once_and_left_alone() {
    let mut story = Story::with(MonitorAction::ReInitiate);
    story.passes(600);
    assert_eq!(story.heard(), ["carries"]);
    assert_eq!(story.monitor.target(), Some(&host(OFFICE)));
    assert!(story.monitor.last_answer().is_some());
}

#[test]
fn single_echoes_that_are_lost_say_nothing() {
    let mut story = Story::with(MonitorAction::ReInitiate);
    story.passes(10);
    for _ in 0..20 {
        story.target = false;
        story.passes(2);
        story.target = true;
        story.passes(1);
    }
    assert_eq!(story.heard(), ["carries"]);
}

#[test]
fn a_target_that_never_answered_proves_nothing() {
    let mut story = Story::with(MonitorAction::ReInitiate);
    story.target = false;
    story.passes(600);
    assert_eq!(story.heard(), ["no-target"]);
    story.target = true;
    story.passes(40);
    assert_eq!(story.heard(), ["carries"]);
}

#[test]
fn a_target_that_dies_while_another_host_answers_costs_the_tunnel_nothing() {
    let mut story = Story::with(MonitorAction::ReInitiate);
    story.passes(10).target = false;
    story.another = true;
    story.passes(300);
    assert_eq!(story.heard(), ["carries", "target-silent"]);
    // The one that was configured is still the one that is asked.
    assert_eq!(story.monitor.target(), Some(&host(OFFICE)));
    story.target = true;
    story.passes(10);
    assert_eq!(story.heard(), ["carries"]);
}

#[test]
fn where_nobody_was_named_whoever_answers_becomes_the_target() {
    let auto = Settings {
        targets: Vec::new(),
        ..settings(MonitorAction::ReInitiate)
    };
    let mut story = Story::of(auto);
    story.passes(10).target = false;
    story.another = true;
    story.passes(20);
    assert_eq!(story.heard(), ["carries", "target-silent", "carries"]);
    assert_eq!(story.monitor.target(), Some(&host(PRINTER)));
}

#[test]
fn a_target_that_dies_while_packets_come_in_costs_the_tunnel_nothing() {
    let mut story = Story::with(MonitorAction::ReInitiate);
    story.passes(10).target = false;
    story.traffic = 5;
    story.passes(300);
    assert_eq!(story.heard(), ["carries", "target-silent"]);
}

#[test]
fn it_keeps_looking_while_the_target_is_dead_and_finds_when_the_tunnel_breaks_too() {
    let mut story = Story::with(MonitorAction::Rekey);
    story.passes(10).target = false;
    story.another = true;
    story.passes(60);
    assert_eq!(story.heard(), ["carries", "target-silent"]);
    story.another = false;
    story.passes(20);
    assert_eq!(story.heard(), ["one-sided", "Rekey", "not-helped"]);
}

#[test]
fn echoes_that_this_host_stops_are_not_the_tunnels_fault() {
    let mut story = Story::with(MonitorAction::ReInitiate);
    story.passes(10).target = false;
    story.enters = false;
    story.passes(100);
    assert_eq!(story.heard(), ["carries", "not-sent"]);
}

#[test]
fn a_one_sided_tunnel_gets_new_keys_and_is_well_again() {
    let mut story = Story::with(MonitorAction::ReInitiate);
    story.passes(10).target = false;
    story.mended_by = Some(Act::Rekey);
    story.passes(8);
    let told = story.told.clone();
    assert!(
        told.iter()
            .any(|(_, text)| text.contains("the peer lives (IKE)")),
        "{told:?}"
    );
    assert_eq!(story.heard(), ["carries", "one-sided", "Rekey", "carries"]);
    assert!(!story.monitor.finds_fault());
}

#[test]
fn where_new_keys_do_not_help_the_tunnel_is_set_up_anew() {
    let mut story = Story::with(MonitorAction::ReInitiate);
    story.passes(10).target = false;
    story.mended_by = Some(Act::ReInitiate);
    story.passes(20);
    assert_eq!(
        story.heard(),
        ["carries", "one-sided", "Rekey", "ReInitiate", "carries"]
    );
}

#[test]
fn what_does_not_help_is_tried_ever_more_seldom() {
    let mut story = Story::with(MonitorAction::ReInitiate);
    story.passes(10).target = false;
    story.passes(1000);
    let acts: Vec<u64> = story
        .told
        .iter()
        .filter(|(_, text)| text.starts_with("Rekey"))
        .map(|(at, _)| *at)
        .collect();
    let gaps: Vec<u64> = acts.windows(2).map(|two| two[1] - two[0]).collect();
    assert!(gaps[0] >= 20 && gaps.is_sorted(), "{gaps:?}");
    assert!(gaps.last().is_some_and(|gap| *gap >= 160), "{gaps:?}");
    assert!(acts.len() <= 10, "{acts:?}");
}

#[test]
fn who_is_only_to_wait_tells_and_waits() {
    let mut story = Story::with(MonitorAction::WaitRecover);
    story.passes(10).target = false;
    story.passes(300);
    assert_eq!(story.heard(), ["carries", "one-sided"]);
    story.target = true;
    story.passes(10);
    assert_eq!(story.heard(), ["carries"]);
}

#[test]
fn who_may_only_renew_keys_does_not_cut_the_tunnel() {
    let mut story = Story::with(MonitorAction::Rekey);
    story.passes(10).target = false;
    story.passes(15);
    assert_eq!(
        story.heard(),
        ["carries", "one-sided", "Rekey", "not-helped"]
    );
}

#[test]
fn a_peer_that_is_silent_over_ike_too_is_left_to_dead_peer_detection() {
    let mut story = Story::with(MonitorAction::ReInitiate);
    story.passes(10).target = false;
    story.ike = false;
    story.passes(12);
    assert_eq!(story.heard(), ["carries", "peer-silent"]);
    story.up = false;
    story.passes(30);
    story.up = true;
    story.target = true;
    story.ike = true;
    story.passes(5);
    assert_eq!(story.heard(), ["carries"]);
}

#[test]
fn a_hint_makes_it_look_sooner_and_decides_where_packets_come_in() {
    let mut story = Story::with(MonitorAction::Rekey);
    story.passes(10).target = false;
    // What comes in still comes; what goes out is for an SA that the peer has no more.
    story.traffic = 5;
    story.passes(1).monitor.doubt();
    story.passes(1);
    assert_eq!(story.heard(), ["carries", "one-sided", "Rekey"]);
    // A hint alone does nothing.
    let mut story = Story::with(MonitorAction::Rekey);
    story.passes(10).monitor.doubt();
    story.passes(100);
    assert_eq!(story.heard(), ["carries"]);
}

#[test]
fn routes_are_led_elsewhere_at_once_and_come_back_after_the_hold_down() {
    let mut story = Story::with(fail_over());
    story.ready = true;
    story.passes(10).target = false;
    story.passes(5);
    assert_eq!(story.heard(), ["carries", "one-sided", "FailOver", "Rekey"]);
    assert_eq!(story.monitor.over(), Some("backup"));
    story.target = true;
    story.passes(8);
    assert_eq!(story.heard(), ["carries"]);
    assert!(story.monitor.over().is_some(), "not yet");
    story.passes(6);
    assert_eq!(story.heard(), ["FailBack"]);
    assert_eq!(story.monitor.over(), None);
}

#[test]
fn a_tunnel_that_flaps_is_not_followed() {
    let mut story = Story::with(fail_over());
    story.ready = true;
    story.passes(10);
    // Five seconds well, five seconds not, for ten minutes.
    for _ in 0..60 {
        story.target = false;
        story.passes(5);
        story.target = true;
        story.passes(5);
    }
    let all = story.told.clone();
    let count = |act: &str| all.iter().filter(|(_, text)| text.starts_with(act)).count();
    assert_eq!(count("FailOver"), 1, "{all:?}");
    assert_eq!(count("FailBack"), 0, "{all:?}");
    assert!(count("Rekey") <= 60, "{all:?}");
    story.passes(30);
    assert_eq!(story.monitor.over(), None);
}

#[test]
fn routes_stay_where_the_other_tunnel_is_no_better() {
    let mut story = Story::with(fail_over());
    story.passes(10).target = false;
    story.passes(4);
    assert_eq!(story.heard(), ["carries", "one-sided", "Rekey"]);
    story.ready = true;
    story.passes(1);
    assert_eq!(story.heard(), ["FailOver"]);
    // The other one goes while this one is well again.
    story.target = true;
    story.passes(3);
    story.ready = false;
    story.passes(2);
    assert_eq!(story.heard(), ["carries", "FailBack"]);
}

#[test]
fn a_tunnel_that_does_not_come_up_fails_over_too_unless_nobody_wants_it() {
    let mut story = Story::with(fail_over());
    (story.up, story.ready) = (false, true);
    story.passes(5);
    assert_eq!(story.heard(), ["down", "FailOver"]);
    let mut resting = Story::with(fail_over());
    (resting.up, resting.ready) = (false, true);
    for _ in 0..60 {
        resting.now += 1;
        resting.monitor.observed(resting.now(), false, true);
        resting.monitor.rests();
        resting
            .monitor
            .handle_timeout(resting.now(), resting.counts);
        resting.obey();
    }
    assert!(resting.heard().is_empty());
}

#[test]
fn what_could_not_be_done_is_tried_again_after_the_hold_down() {
    let mut story = Story::with(fail_over());
    story.ready = true;
    story.passes(10).target = false;
    story.passes(4);
    story.monitor.failed(story.now(), Act::FailOver);
    assert_eq!(story.monitor.over(), None);
    story.heard();
    story.passes(9);
    assert!(!story.heard().contains(&"FailOver".to_owned()));
    story.passes(2);
    assert!(story.heard().contains(&"FailOver".to_owned()));
}

#[test]
fn other_settings_are_taken_over_and_other_targets_chosen_anew() {
    let mut story = Story::with(fail_over());
    story.ready = true;
    story.passes(10).target = false;
    story.passes(6);
    assert!(story.monitor.over().is_some());
    let now = story.now();
    story.monitor.configure(settings(MonitorAction::Rekey), now);
    assert_eq!(story.monitor.over(), None);
    let other = Settings {
        targets: vec![PRINTER.into()],
        ..settings(MonitorAction::Rekey)
    };
    story.monitor.configure(other, now);
    assert_eq!(story.monitor.target(), None);
}

#[test]
fn packets_that_anybody_can_send_never_cut_a_tunnel_that_carries() {
    let mut story = Story::with(MonitorAction::ReInitiate);
    story.passes(10).target = false;
    story.traffic = 5;
    for _ in 0..100 {
        story.monitor.stray();
        story.passes(3);
    }
    assert_eq!(story.heard(), ["carries", "target-silent"]);
}

#[test]
fn packets_that_come_in_are_the_better_proof_than_an_answer_over_ike() {
    let mut story = Story::with(fail_over());
    story.ready = true;
    story.passes(10).target = false;
    (story.ike, story.traffic) = (false, 5);
    story.passes(60);
    assert_eq!(story.heard(), ["carries", "target-silent"]);
    assert_eq!(story.monitor.over(), None);
}

#[test]
fn new_keys_are_the_end_of_it_where_packets_come_in_after_them() {
    let mut story = Story::with(MonitorAction::ReInitiate);
    story.passes(10).target = false;
    story.passes(4);
    assert_eq!(story.heard(), ["carries", "one-sided", "Rekey"]);
    story.traffic = 5;
    story.passes(60);
    assert_eq!(story.heard(), ["target-silent"]);
}

#[test]
fn what_was_wanted_of_a_tunnel_that_was_down_is_not_done_to_one_that_is_up() {
    let mut story = Story::with(fail_over());
    story.up = false;
    story.passes(20);
    assert_eq!(story.heard(), ["down"], "nowhere to go");
    story.up = true;
    story.passes(1).ready = true;
    story.passes(60);
    assert_eq!(story.heard(), ["carries"]);
    assert_eq!(story.monitor.over(), None);
}

#[test]
fn routes_come_back_also_where_the_target_stays_silent_and_out_of_a_tunnel_that_is_gone() {
    let mut story = Story::with(fail_over());
    story.passes(10);
    (story.up, story.ready) = (false, true);
    story.passes(5);
    assert_eq!(story.heard(), ["carries", "down", "FailOver"]);
    (story.up, story.target, story.traffic) = (true, false, 5);
    story.passes(60);
    assert!(story.heard().contains(&"FailBack".to_owned()), "{story:?}");

    let mut story = Story::with(fail_over());
    (story.up, story.ready) = (false, true);
    story.passes(5);
    (story.up, story.ready, story.target) = (true, false, false);
    story.passes(3);
    assert_eq!(story.heard(), ["down", "FailOver", "FailBack"]);
}

#[test]
fn other_settings_in_the_midst_of_a_question_do_not_end_the_asking() {
    let mut story = Story::with(MonitorAction::Rekey);
    story.passes(10);
    let now = story.now() + Duration::from_secs(1);
    // The question is out, and its answer will be thrown away.
    story.monitor.handle_timeout(now, story.counts);
    let slower = Settings {
        failures: 5,
        ..settings(MonitorAction::Rekey)
    };
    story.monitor.configure(slower, now);
    while story.monitor.poll().is_some() {}
    assert!(story.monitor.deadline().is_some());
    story.now += 1;
    story.target = false;
    story.passes(6);
    assert_eq!(story.heard(), ["carries", "one-sided", "Rekey"]);
}
