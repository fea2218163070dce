//! Policies, profiles and transform sets: what both phases of a connection offer.

use core::time::Duration;

use adit_model::connection::Mode;
use adit_model::keywords::Word;
use adit_model::peer_config::{
    AuthMethod, Dialect, PeerChild, PeerConnection, Pfs, Setting, Versions,
};
use adit_model::proposal::Proposal;
use adit_wire::iana::KeMethod;

use super::super::algorithm::{
    add, algorithm, complete_ike, drop_integrity_of_aead, group_number, split_aead,
};
use super::super::context::{Context, Line};
use super::super::value::{duration, identity};
use super::{Command, Device};

impl<'x> Device<'x, '_> {
    pub(super) fn phase1(
        &self,
        ctx: &mut Context<'_>,
        c: &mut PeerConnection,
        v1: bool,
        v2: bool,
        profile: Option<&str>,
        line: &Line,
    ) {
        c.versions = ctx.at(
            Versions {
                v1,
                v2,
                initiates: if v2 { 2 } else { 1 },
            },
            line,
        );
        c.ike_life = Setting::default_of(Some(Duration::from_secs(86400)));
        c.fragmentation = Setting::default_of(false);
        let heads: Vec<&[&str]> = if v2 {
            vec![
                &["crypto", "ikev2", "proposal"],
                &["crypto", "ikev2", "policy"],
            ]
        } else {
            vec![
                &["crypto", "isakmp", "policy"],
                &["crypto", "ikev1", "policy"],
            ]
        };
        let mut list = Vec::new();
        let mut at = None;
        let mut whole = true;
        let mut methods = Vec::new();
        for policy in heads.iter().flat_map(|head| self.every(head)) {
            match self.policy(policy, v2) {
                Some(p) => {
                    at = at.or(Some(policy.line));
                    list.extend(split_aead(p));
                }
                // An IKEv2 policy of IOS only names proposals.
                None if v2 && policy.find(&["proposal"]).is_some() => continue,
                None => whole = false,
            }
            if let Some(life) = policy.find(&["lifetime"])
                && let Some(d) = duration(life.last())
            {
                c.ike_life = ctx.at(Some(d), life.line);
            }
            if let Some(auth) = policy.find(&["authentication"]) {
                methods.push((method(auth.word(1)), auth.line));
            }
        }
        if let Some(line) = at {
            c.ike = ctx.at(Some(list).filter(|_| whole), line);
        }
        let profile = profile.and_then(|name| self.find(&["crypto", "ikev2", "profile", name]));
        if let Some(profile) = profile {
            self.profile(ctx, profile, c);
        } else if let Some((_, line)) = methods.first() {
            let all: Vec<AuthMethod> = methods.iter().map(|(m, _)| *m).collect();
            c.local_auth = ctx.at(all.clone(), line);
            c.remote_auth = ctx.at(all, line);
        } else if self.dialect == Dialect::CiscoAsa {
            self.group_methods(ctx, c);
        }
        for keepalive in self.every(&["crypto", "isakmp", "keepalive"]) {
            c.dpd_delay = ctx.at(duration(keepalive.word(3)), keepalive.line);
        }
        if let Some(no) = self.find(&["no", "crypto", "ipsec", "nat-transparency"]) {
            c.nat_t = ctx.at(false, no.line);
        }
    }

    pub(super) fn policy(&self, policy: &Command<'_>, v2: bool) -> Option<Proposal> {
        let mut p = Proposal::default();
        for c in &policy.below {
            let values = c.words.get(1..).unwrap_or_default();
            match c.word(0) {
                "encryption" | "encr" => {
                    // `aes 256` in IKEv1, one name or several in IKEv2.
                    let mut i = 0;
                    while let Some(name) = values.get(i) {
                        let bits = values
                            .get(i + 1)
                            .filter(|b| matches!(b.as_str(), "128" | "192" | "256"));
                        let full = match bits {
                            Some(bits) => format!("{name}{bits}"),
                            None if name == "aes" => "aes128".to_owned(),
                            None => name.clone(),
                        };
                        i += 1 + usize::from(bits.is_some());
                        add(&mut p, algorithm(&full)?);
                    }
                }
                "integrity" | "hash" => {
                    for name in values.iter().filter(|n| *n != "null") {
                        add(&mut p, algorithm(name)?);
                    }
                }
                "prf" => {
                    for name in values {
                        if let Word::Integ(integ) = algorithm(name)? {
                            p.prf.extend(adit_model::keywords::prf_of_integ(integ));
                        }
                    }
                }
                "group" => {
                    for number in values {
                        p.ke.push(group_number(number.parse().ok()?)?);
                    }
                }
                _ => {}
            }
        }
        if !v2 {
            // What IKEv1 policies leave out has a default.
            if p.encr.is_empty() {
                add(&mut p, algorithm("des")?);
            }
            if p.integ.is_empty() {
                add(&mut p, algorithm("sha1")?);
            }
            if p.ke.is_empty() {
                p.ke.extend(group_number(if self.dialect == Dialect::CiscoAsa {
                    2
                } else {
                    1
                }));
            }
        }
        complete_ike(&mut p);
        (!p.encr.is_empty()).then_some(p)
    }

    pub(super) fn profile(&self, ctx: &Context<'_>, profile: &Command<'_>, c: &mut PeerConnection) {
        for b in &profile.below {
            let kind = |at: usize| match b.word(at) {
                "fqdn" => identity(&format!("fqdn:{}", b.word(at + 1))),
                "email" => identity(&format!("email:{}", b.word(at + 1))),
                "key-id" => identity(&format!("keyid:{}", b.word(at + 1))),
                "address" => identity(b.word(at + 1)),
                "any" => identity("%any"),
                _ => None,
            };
            if b.is(&["identity", "local"]) {
                c.local_id = ctx.at(kind(2), b.line);
            } else if b.is(&["match", "identity", "remote"]) && !c.remote_id.is_written() {
                let any = b.word(4) == "0.0.0.0";
                c.remote_id = ctx.at(if any { identity("%any") } else { kind(3) }, b.line);
            } else if b.is(&["authentication", "local"]) {
                c.local_auth = ctx.at(vec![method(b.word(2))], b.line);
            } else if b.is(&["authentication", "remote"]) {
                // Any of several is taken.
                let mut all = core::mem::take(&mut c.remote_auth.value);
                if !c.remote_auth.is_written() {
                    all.clear();
                }
                all.push(method(b.word(2)));
                all.dedup();
                c.remote_auth = ctx.at(all, b.line);
            } else if b.is(&["dpd"]) {
                c.dpd_delay = ctx.at(duration(b.word(1)), b.line);
            } else if b.is(&["lifetime"])
                && let Some(d) = duration(b.word(1))
            {
                c.ike_life = ctx.at(Some(d), b.line);
            }
        }
    }

    /// What ASA's tunnel group of the peer says.
    pub(super) fn group_methods(&self, ctx: &Context<'_>, c: &mut PeerConnection) {
        let names: Vec<String> = c.remote.value.iter().map(ToString::to_string).collect();
        for group in self
            .every(&["tunnel-group"])
            .filter(|g| names.iter().any(|n| n == g.word(1)))
        {
            for b in &group.below {
                let psk = b.words.iter().any(|w| w == "pre-shared-key");
                let method = if psk {
                    AuthMethod::Psk
                } else if b
                    .words
                    .iter()
                    .any(|w| w == "certificate" || w == "trust-point")
                {
                    AuthMethod::PublicKey
                } else {
                    continue;
                };
                let remote_only = b.words.iter().any(|w| w == "remote-authentication");
                let local_only = b.words.iter().any(|w| w == "local-authentication");
                if !remote_only {
                    c.local_auth = ctx.at(vec![method], b.line);
                }
                if !local_only {
                    c.remote_auth = ctx.at(vec![method], b.line);
                }
            }
        }
    }

    /// Transform sets and IKEv2 IPsec proposals by name.
    pub(super) fn transforms(&self, ctx: &Context<'_>, names: &[&str], child: &mut PeerChild) {
        let mut list = Vec::new();
        let mut at = None;
        let mut whole = true;
        for name in names {
            let heads: [&[&str]; 3] = [
                &["crypto", "ipsec", "transform-set"],
                &["crypto", "ipsec", "ikev1", "transform-set"],
                &["crypto", "ipsec", "ikev2", "ipsec-proposal"],
            ];
            let found = heads.iter().find_map(|head| {
                self.every(head)
                    .find(|c| c.word(head.len()) == *name && c.word(head.len() + 1) != "mode")
                    .map(|c| (c, head.len() + 1))
            });
            let Some((set, from)) = found else {
                whole = false;
                continue;
            };
            at = at.or(Some(set.line));
            let mut p = Proposal::default();
            let mut all: Vec<String> = set.words.get(from..).unwrap_or_default().to_vec();
            for b in &set.below {
                if b.is(&["protocol", "esp"]) {
                    all.extend(b.words.get(3..).unwrap_or_default().iter().cloned());
                } else if b.is(&["mode", "transport"]) {
                    child.mode = ctx.at(Mode::Transport, b.line);
                }
            }
            if self
                .all
                .iter()
                .any(|c| c.words.iter().any(|w| w == name) && c.last() == "transport")
            {
                child.mode = ctx.at(Mode::Transport, set.line);
            }
            whole &= transforms(&all, &mut p, &mut child.ah);
            drop_integrity_of_aead(&mut p);
            if !p.encr.is_empty() || !p.integ.is_empty() {
                list.extend(split_aead(p));
            }
        }
        if let Some(line) = at {
            child.esp = ctx.at(Some(list).filter(|l| whole && !l.is_empty()), line);
        }
    }

    pub(super) fn pfs(
        &self,
        ctx: &Context<'_>,
        written: Option<(Option<&str>, &Line)>,
        child: &mut PeerChild,
    ) {
        child.pfs = match written {
            Some((Some(name), line)) => ctx.at(
                match algorithm(name) {
                    Some(Word::Ke(ke)) => Some(Pfs::of(vec![ke])),
                    _ => None,
                },
                line,
            ),
            Some((None, line)) => {
                let default: Vec<KeMethod> = group_number(if self.dialect == Dialect::CiscoAsa {
                    2
                } else {
                    1
                })
                .into_iter()
                .collect();
                ctx.at(Some(Pfs::of(default)), line)
            }
            None => Setting::default_of(Some(Pfs::AsPeer)),
        };
    }

    pub(super) fn life(
        &self,
        ctx: &Context<'_>,
        own: Option<(&[String], &Line)>,
        child: &mut PeerChild,
    ) {
        let global = self
            .find(&["crypto", "ipsec", "security-association", "lifetime"])
            .map(|c| (c.words.as_slice(), c.line));
        let seconds = if self.dialect == Dialect::CiscoAsa {
            28800
        } else {
            3600
        };
        child.life = Setting::default_of(Some(Duration::from_secs(seconds)));
        for (words, line) in [global, own].into_iter().flatten() {
            if let Some(at) = words.iter().position(|w| w == "seconds")
                && let Some(d) = words.get(at + 1).and_then(|w| duration(w))
            {
                child.life = ctx.at(Some(d), line);
            }
            if let Some(at) = words.iter().position(|w| w == "kilobytes") {
                let kilobytes: Option<u64> = words.get(at + 1).and_then(|w| w.parse().ok());
                child.life_bytes = ctx.at(kilobytes.and_then(|k| k.checked_mul(1024)), line);
            }
        }
        child.replay_window = Setting::default_of(64);
    }
}

fn method(word: &str) -> AuthMethod {
    match word {
        "pre-share" | "pre-shared-key" => AuthMethod::Psk,
        "eap" => AuthMethod::Eap,
        _ => AuthMethod::PublicKey,
    }
}

/// `esp-aes 256 esp-sha256-hmac`, or names of IKEv2 proposals. Whether all were understood.
fn transforms(words: &[String], p: &mut Proposal, ah: &mut bool) -> bool {
    let mut whole = true;
    let mut i = 0;
    while let Some(word) = words.get(i) {
        i += 1;
        let bits = words
            .get(i)
            .filter(|b| matches!(b.as_str(), "128" | "192" | "256"));
        let name = word.strip_prefix("esp-").unwrap_or(word);
        if let Some(hash) = word.strip_prefix("ah-") {
            *ah = true;
            match algorithm(hash.trim_end_matches("-hmac")) {
                Some(found) => add(p, found),
                None => whole = false,
            }
            continue;
        }
        let full = match (bits, name) {
            (Some(bits), _) => {
                i += 1;
                format!("{name}{bits}")
            }
            (None, "aes") => "aes128".to_owned(),
            (None, "null") if !p.encr.is_empty() => continue,
            _ => name.trim_end_matches("-hmac").to_owned(),
        };
        // `128-aes` on old IOS.
        let full = match full.split_once("-aes") {
            Some((bits, "")) => format!("aes{bits}"),
            _ => full,
        };
        match algorithm(&full) {
            Some(found) => add(p, found),
            None => whole = false,
        }
    }
    whole
}
