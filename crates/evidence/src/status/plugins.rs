//! `ipsec listplugins`, and the line `loaded plugins:` of charon's start and status: whether one of them opens IKE's
//! sockets.

use adit_model::fact::Fact;
use adit_model::sign::Sign;

use super::sign;
use crate::reading::Place;
use crate::text::Line;

/// Follows one list.
#[derive(Debug, Default)]
pub(super) struct Plugins {
    open: Option<Place>,
    daemon: bool,
    sockets: bool,
    /// What lets the daemon be asked: it comes after the sockets, so that all of them have been listed.
    control: bool,
    /// Some list has a plugin that makes public keys.
    keys: bool,
    /// The last list that has none.
    keyless: Option<Place>,
}

impl Plugins {
    /// The next line.
    pub(super) fn line(
        &mut self,
        line: &Line<'_>,
        place: &dyn Fn() -> Place,
        facts: &mut Vec<Fact>,
    ) {
        let body = line.body.trim();
        if let Some((_, list)) = body.split_once("loaded plugins: ") {
            let mut names = list.split_whitespace();
            // The order is that of loading: a socket comes before what lets the daemon be asked.
            let whole = matches!(names.next(), Some("charon" | "charon-systemd"))
                && names.clone().any(|n| matches!(n, "stroke" | "vici"));
            if whole && !names.clone().any(opens_sockets) {
                facts.push(lacking(place()));
            }
            if names.any(makes_public_keys) {
                self.keys = true;
            } else if whole {
                self.keyless = Some(place());
            }
            return;
        }
        if body.contains("listplugins") || body.starts_with("List of loaded Plugins") {
            self.close(facts);
            self.open = Some(place());
            return;
        }
        if self.open.is_none() || body.is_empty() {
            return;
        }
        // Features that another one only wishes for, and those that didn't load, say so.
        let feature = [" (soft)", " (not loaded)"]
            .iter()
            .fold(body, |feature, told| feature.trim_end_matches(told));
        if feature.contains(char::is_whitespace) {
            self.close(facts);
            return;
        }
        if let Some(name) = body.strip_suffix(':') {
            self.daemon |= name == "charon";
            self.keys |= makes_public_keys(name);
            self.sockets |= opens_sockets(name);
            self.control |= matches!(name, "stroke" | "vici");
        }
    }

    /// The end of the list, which begins with the daemon itself.
    fn close(&mut self, facts: &mut Vec<Fact>) {
        let list = core::mem::take(self);
        (self.keys, self.keyless) = (list.keys, list.keyless);
        if let Some(place) = list
            .open
            .filter(|_| list.daemon && list.control && !list.sockets)
        {
            facts.push(lacking(place));
        }
    }

    /// The end of the text. Where lists differ, nobody knows whose it is that failed.
    pub(super) fn finish(&mut self, facts: &mut Vec<Fact>) {
        self.close(facts);
        if let Some(place) = self.keyless.take().filter(|_| !self.keys) {
            facts.push(sign(
                place,
                Sign::FeatureNotLoaded,
                &[("feature", "public keys (RSA, ECDSA)"), ("listed", "yes")],
            ));
        }
    }
}

fn opens_sockets(plugin: &str) -> bool {
    plugin.starts_with("socket-") || plugin == "load-tester"
}

/// Whether a plugin makes keys of what a certificate or a file holds. `pubkey`, `pkcs1` and `x509` read the form alone.
fn makes_public_keys(plugin: &str) -> bool {
    [
        "gmp",
        "openssl",
        "gcrypt",
        "botan",
        "wolfssl",
        "curve25519",
        "pkcs11",
        "tpm",
    ]
    .contains(&plugin)
}

fn lacking(place: Place) -> Fact {
    sign(
        place,
        Sign::FeatureMissing,
        &[
            ("feature", "the list of plugins"),
            ("needs", "a socket for IKE (socket-default)"),
        ],
    )
}
