//! Scenarios as data: `interop/scenarios/*.toml`.

use std::fmt;
use std::path::Path;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use super::callers::Second;
use super::children::{Child, Keys, Pair};
use super::credentials::{Auth, Flaw, Key};
use super::given::Pool;
use super::relay::Meddling;
use super::setting::Setting;
use super::talk::Flow;
use super::trust::Trust;
use crate::workspace;

/// One tunnel to build, with what happens to it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// Unique, `group/what`.
    pub name: String,
    /// Adit's roles to play it in.
    #[serde(default = "both_roles")]
    pub roles: Vec<Role>,
    /// Who sits behind a NAT.
    #[serde(default)]
    pub nat: Nat,
    /// Who meddles with messages between the gateways.
    pub meddling: Option<Meddling>,
    /// What both gateways are configured with.
    #[serde(default)]
    pub tunnel: Tunnel,
    /// What the peer is, and has instead, where the two shall disagree.
    #[serde(default)]
    pub peer: Overrides,
    #[serde(default = "usual_steps")]
    pub steps: Vec<Step>,
    /// The pairs of SAs that both sides shall have (step `children`), where they aren't what is configured.
    pub pairs: Option<Vec<Pair>>,
    /// The children that Adit has after `reload`.
    pub reloaded: Option<Vec<Child>>,
    /// Which cases of other implementations' suites this is (`interop/matrix.toml`).
    #[serde(default)]
    pub plays: Vec<String>,
    /// Why strongSwan cannot play this one; then it isn't played.
    pub peer_cannot: Option<String>,
    /// Adit must not start, and say all of this; the peer hears nothing of it.
    #[serde(default)]
    pub never_starts: Vec<String>,
    /// The cause that `adit why` must name (step `diagnosed`).
    pub cause: Option<String>,
    /// What `adit why` must say too (step `diagnosed`); `{serial}` is that of the peer's certificate.
    #[serde(default)]
    pub says: Vec<String>,
    /// What carries packets; whoever plays it says so.
    #[serde(skip)]
    pub setting: Setting,
}

/// Who sends the first message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    Initiator,
    Responder,
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Initiator => "initiator",
            Self::Responder => "responder",
        })
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Nat {
    #[default]
    None,
    /// The gateway in `west`.
    Near,
    /// The gateway in `east`.
    Far,
    /// Each of them, behind one of its own.
    Both,
    /// Nobody: a router lies between them, `net`, that changes nothing.
    Router,
}

/// Settings of both ends; `west` is local to Adit.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Tunnel {
    /// Proposals joined by commas; `defaults` leaves them to Adit.
    pub ike: String,
    pub esp: String,
    pub psk: String,
    /// A post-quantum pre-shared key that is mixed in.
    pub ppk: Option<Ppk>,
    pub west_id: String,
    pub east_id: String,
    pub west_net: Vec<String>,
    pub east_net: Vec<String>,
    /// How each side authenticates, with what key, and what is wrong with its certificate.
    pub west_auth: Auth,
    pub east_auth: Auth,
    pub west_key: Key,
    pub east_key: Key,
    pub west_flaw: Option<Flaw>,
    pub east_flaw: Option<Flaw>,
    /// Certificates are from an intermediate CA, which only their owners have.
    pub intermediate: bool,
    /// Where the CA tells what is revoked, and what both sides make of it.
    pub trust: Trust,
    /// strongSwan signs with RSASSA-PSS.
    pub pss: bool,
    /// strongSwan doesn't know RFC 7427.
    pub classic: bool,
    /// strongSwan takes no fragments.
    pub unfragmented: bool,
    /// Algorithms that Adit offers only when asked to.
    pub allow_weak: bool,
    /// Adit, as the responder, does not know the peer's address.
    pub any_remote: bool,
    /// Neither of both, as the responder, does.
    pub anyone: bool,
    /// The gateways talk over IPv6.
    pub outer_v6: bool,
    /// When Adit rekeys the IKE SA and the CHILD SA, and authenticates anew, where that isn't its default.
    pub rekey_ike: Option<String>,
    pub rekey_child: Option<String>,
    pub reauth: Option<String>,
    /// When Adit rekeys each child on trial (`test_rekey`). Without it never: keys change when a scenario says so.
    pub test_rekey: Option<String>,
    /// Adit knows the peer by a name.
    pub by_name: bool,
    /// Who calls asks for an address inside the tunnel, out of this pool of who is called.
    pub pool: Option<Pool>,
    /// A second caller, `south`.
    pub second: Option<Second>,
    /// `south` is a copy of the far gateway, with its address, identity, keys and networks (the fault bench).
    pub twin: bool,
    /// Several children in place of the one between the networks above.
    pub child: Vec<Child>,
    /// `transport` or `tunnel`.
    pub mode: Option<String>,
    /// The initiator waits for a packet.
    pub on_demand: bool,
    /// Further keys of Adit's tunnel, of its children, and policies beside it.
    pub keys: Keys,
    pub child_keys: Keys,
    pub policy: std::collections::BTreeMap<String, Keys>,
    /// Addresses may change: neither gateway is told its own, and Adit as initiator asks for a sign of life every second.
    pub roaming: bool,
}

/// A post-quantum pre-shared key (RFC 8784).
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ppk {
    pub id: String,
    pub key: String,
    pub required: bool,
}

impl Tunnel {
    /// The third gateway, if there is one.
    pub fn third(&self) -> Option<&'static str> {
        (self.second.is_some() || self.twin).then_some("south")
    }

    /// The networks of all sides.
    pub fn nets(&self) -> impl Iterator<Item = &str> {
        let second = self.second.iter().flat_map(|second| &second.net);
        let both = self.west_net.iter().chain(&self.east_net);
        both.chain(second).map(String::as_str)
    }
}

impl Default for Tunnel {
    fn default() -> Self {
        Self {
            ike: "aes128gcm16-prfsha256-x25519".into(),
            esp: "aes128gcm16-x25519".into(),
            psk: "a-key-for-the-interop-lab-only".into(),
            ppk: None,
            west_id: "west.lab".into(),
            east_id: "east.lab".into(),
            west_net: vec!["10.1.0.0/24".into()],
            east_net: vec!["10.2.0.0/24".into()],
            west_auth: Auth::Psk,
            east_auth: Auth::Psk,
            west_key: Key::default(),
            east_key: Key::default(),
            west_flaw: None,
            east_flaw: None,
            intermediate: false,
            trust: Trust::default(),
            pss: false,
            classic: false,
            unfragmented: false,
            allow_weak: false,
            any_remote: false,
            anyone: false,
            outer_v6: false,
            rekey_ike: None,
            test_rekey: None,
            rekey_child: None,
            reauth: None,
            by_name: false,
            pool: None,
            second: None,
            twin: false,
            child: Vec::new(),
            mode: None,
            on_demand: false,
            keys: Keys::new(),
            child_keys: Keys::new(),
            policy: std::collections::BTreeMap::new(),
            roaming: false,
        }
    }
}

/// What runs in `east`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    #[default]
    StrongSwan,
    /// A second Adit, for what strongSwan 5.9 or its user-space ESP can't do.
    Adit,
}

/// The peer's values where they differ.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Overrides {
    pub kind: Kind,
    pub ike: Option<String>,
    pub esp: Option<String>,
    pub psk: Option<String>,
    pub ppk: Option<Ppk>,
    /// It neither gives addresses nor asks for one.
    pub no_pool: bool,
    /// strongSwan has no post-quantum pre-shared key.
    pub no_ppk: bool,
    pub west_id: Option<String>,
    pub east_id: Option<String>,
    pub west_auth: Option<Auth>,
    pub east_auth: Option<Auth>,
    pub west_net: Option<Vec<String>>,
    pub east_net: Option<Vec<String>>,
    pub child: Option<Vec<Child>>,
    pub mode: Option<String>,
    /// Further keys of the peer's connection, and of its children.
    pub keys: Keys,
    pub child_keys: Keys,
    /// 1 or 2; 2 if not given.
    pub version: Option<u8>,
    /// It checks every second whether Adit is alive.
    pub liveness: bool,
    /// The peer's daemon is not started.
    pub absent: bool,
}

impl Overrides {
    /// What the peer is configured with.
    pub fn over(&self, tunnel: &Tunnel) -> Tunnel {
        let pick =
            |own: &Option<String>, shared: &String| own.clone().unwrap_or_else(|| shared.clone());
        let nets = |own: &Option<Vec<String>>, shared: &Vec<String>| {
            own.clone().unwrap_or_else(|| shared.clone())
        };
        Tunnel {
            ike: pick(&self.ike, &tunnel.ike),
            esp: pick(&self.esp, &tunnel.esp),
            psk: pick(&self.psk, &tunnel.psk),
            ppk: match (&self.ppk, self.no_ppk) {
                (Some(own), _) => Some(own.clone()),
                (None, true) => None,
                (None, false) => tunnel.ppk.clone(),
            },
            pool: tunnel.pool.clone().filter(|_| !self.no_pool),
            west_id: pick(&self.west_id, &tunnel.west_id),
            east_id: pick(&self.east_id, &tunnel.east_id),
            west_auth: self.west_auth.unwrap_or(tunnel.west_auth),
            east_auth: self.east_auth.unwrap_or(tunnel.east_auth),
            west_net: nets(&self.west_net, &tunnel.west_net),
            east_net: nets(&self.east_net, &tunnel.east_net),
            child: self
                .child
                .clone()
                .unwrap_or_else(|| tunnel.child.iter().map(Child::without_keys).collect()),
            mode: self.mode.clone().or_else(|| tunnel.mode.clone()),
            keys: self.keys.clone(),
            child_keys: self.child_keys.clone(),
            // These are the near side's own.
            policy: std::collections::BTreeMap::new(),
            any_remote: false,
            by_name: false,
            rekey_ike: None,
            test_rekey: None,
            rekey_child: None,
            reauth: None,
            ..tunnel.clone()
        }
    }
}

/// What happens, in order. After the last one the leak counters must be zero.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// The callers have been given their addresses, and the called one's table says so.
    Given,
    /// The initiator starts; both sides become established, with every child if there are several.
    Establish,
    /// Both sides' structured states mirror each other.
    Agree,
    /// LAN host to LAN host, both directions, every address family of the selectors.
    Ping,
    /// strongSwan replaces the CHILD SA; both sides move to new SPIs.
    PeerRekeyChild,
    /// strongSwan replaces the IKE SA.
    PeerRekeyIke,
    /// Adit replaces the CHILD SA by itself (`rekey_child` says when), and no packet is lost.
    WeRekeyChild,
    /// Adit replaces the IKE SA by itself (`rekey_ike`), and no packet is lost.
    WeRekeyIke,
    /// Adit authenticates anew by itself (`reauth`), and no packet is lost.
    WeReauthenticate,
    /// strongSwan deletes the CHILD SA; Adit says that it is down.
    PeerDeleteChild,
    /// strongSwan deletes the IKE SA; Adit says that the tunnel is down.
    PeerDelete,
    /// strongSwan deletes the IKE SA, and Adit, which is to keep the tunnel up, makes a new one.
    PeerResets,
    /// `adit down`; strongSwan has no SA left.
    Down,
    /// `adit up` after a `down`.
    Up,
    /// SIGTERM to `adit run`; strongSwan has no SA left.
    Stop,
    /// `kill -9` to `adit run`; for 5 s nothing leaves in clear, forwarded or local, IPv4 or IPv6.
    Kill,
    /// A new `adit run`; established again in less than 3 s.
    Restart,
    /// Nothing, for a few seconds.
    Idle,
    /// After a cut: whoever looks for signs of life (`dpd`, `peer.liveness`) gives the other side up, Adit exactly when
    /// its settings say.
    Part,
    /// Adit has no SA, and none comes by itself.
    StaysDown,
    /// The tunnel comes up by itself, and is the only one.
    Recovers,
    /// Packets of the side that sets the tunnel up bring it up, and it is the only one.
    Woken,
    /// Adit is killed, starts again without any memory, and calls; the new tunnel is the only one.
    WeForget,
    /// The peer is, and does.
    PeerForgets,
    /// From now on nothing from outside arrives at any gateway.
    Cut,
    /// It does again.
    Mend,
    /// The near gateway gets another address under traffic, and loses the old one; the IKE SA goes on.
    Moves,
    /// The far gateway does.
    PeerMoves,
    /// ICMP errors from behind the peer come through the tunnel, whoever reports them.
    IcmpErrors,
    /// All protected packets so far went as ESP without UDP, or in UDP.
    Raw,
    InUdp,
    /// Every caller behind the NAT keeps its mapping open (RFC 3948 4).
    Keepalives,
    /// The far gateway gets another address, which its name now has; Adit finds it there by itself.
    Renamed,
    /// The NAT forgets its mappings and gives other ones; the IKE SA goes on.
    NatForgets,
    /// Neither side has an SA, and none comes by itself.
    Quiet,
    /// Both sides have the pairs of CHILD SAs that the scenario names, and no others.
    Children,
    /// Of several children only these are up, on both sides.
    Only(Vec<String>),
    /// The hosts of both LANs get a second address, 10.1.0.18 and 10.2.0.18, and the gateways the ones below.
    SecondHosts,
    /// Adit, or the peer, authenticates anew by itself, and all pairs come again.
    Reauthenticated,
    /// The first of several children comes up; where Adit starts, it asks for the others by itself.
    StartsWith(String),
    /// Adit reads its configuration again, which has other children now; what is as before isn't touched.
    Reload,
    /// The peer sets the tunnel up once more, without giving up what it has.
    PeerComesAgain,
    /// One of several children doesn't.
    Fails(String),
    /// One of several children is replaced when its time has come; the others stay.
    RenewsItself(String),
    /// This keyword is in what was negotiated for the first child.
    Negotiated(String),
    /// Enough goes through for the child to be replaced for that, and no packet is lost.
    Volume,
    /// What is carried can be read between the gateways.
    Readable,
    /// So many IKE SAs are up on both sides.
    IkeSas(usize),
    /// The IKE SA is up on both sides, without any child.
    Childless,
    /// A flow is answered, and the child that it names carried it.
    Reach(Flow),
    /// A flow isn't answered.
    Unreachable(Flow),
    /// Adit, or the peer, replaces one of several children; the others stay.
    WeRekey(String),
    PeerRekeys(String),
    /// The peer sets up one of several children.
    PeerInitiates(String),
    /// What a gateway wrote into its log: `west` or `east`, and a part of a line.
    Logged(String, String),
    /// The tunnel is not there, so its traffic is dropped and not leaked.
    Blocked,
    /// The initiator tries, and fails.
    Fail,
    /// Every answer that the relay lost came again as it was.
    Repeated,
    /// A gateway that was flooded asked the other one for a cookie, and got it back.
    Cookie,
    /// The CA revokes the certificate of strongSwan.
    PeerRevoked,
    /// Adit finds out, and neither side has an SA left.
    Distrusted,
    /// Whether the IKE SA has a post-quantum pre-shared key in its keys, as Adit says.
    Mixed(bool),
    /// Both gateways have asked the CA about each other, where it says that it tells.
    Asked,
    /// `adit why --json` names the cause, or is undecided with it among the candidates.
    Diagnosed,
}

impl Step {
    /// Whether only Adit can take it, or promises it: strongSwan does not block what a missing tunnel would protect, nor
    /// while it moves.
    pub fn is_about_adit(&self) -> bool {
        matches!(
            self,
            Self::PeerResets
                | Self::WeRekeyChild
                | Self::WeRekeyIke
                | Self::WeReauthenticate
                | Self::Stop
                | Self::Kill
                | Self::Restart
                | Self::Blocked
                | Self::WeRekey(_)
                | Self::Reload
                | Self::RenewsItself(_)
                | Self::Volume
                | Self::Reauthenticated
                | Self::Logged(..)
                | Self::Cut
                | Self::Moves
                | Self::PeerMoves
                | Self::NatForgets
                | Self::Renamed
                | Self::Woken
                | Self::WeForget
                | Self::Distrusted
                | Self::Mixed(_)
                | Self::Cookie
                | Self::Diagnosed
        )
    }
}

fn both_roles() -> Vec<Role> {
    vec![Role::Initiator, Role::Responder]
}

fn usual_steps() -> Vec<Step> {
    vec![Step::Establish, Step::Agree, Step::Ping]
}

/// All scenarios, in the order of the files and within them.
pub fn all() -> Result<Vec<Scenario>> {
    read(&workspace::root().join("interop/scenarios"))
}

fn read(folder: &Path) -> Result<Vec<Scenario>> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct File {
        scenario: Vec<Scenario>,
    }
    let entries =
        std::fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut files: Vec<_> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|e| e == "toml"))
        .collect();
    files.sort();
    let mut scenarios = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(&file)?;
        let parsed: File =
            toml_edit::de::from_str(&text).with_context(|| file.display().to_string())?;
        scenarios.extend(parsed.scenario);
    }
    Ok(scenarios)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scenario_reads_and_has_its_own_name() {
        let scenarios = all().unwrap();
        let mut names: Vec<_> = scenarios.iter().map(|scenario| &scenario.name).collect();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), scenarios.len());
        for scenario in &scenarios {
            assert_eq!(
                scenario.cause.is_some(),
                scenario.steps.contains(&Step::Diagnosed),
                "{}",
                scenario.name
            );
            assert!(!scenario.roles.is_empty(), "{}", scenario.name);
        }
    }
}
