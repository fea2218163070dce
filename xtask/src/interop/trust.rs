//! Where the lab's CA tells what it revoked, and what both gateways make of what they don't know.

use adit_crypto::pki::issue::Template;
use adit_model::Wall;
use anyhow::{Result, anyhow};
use serde::Deserialize;

use super::authority::WEB;
use super::credentials::DAY;
use super::web;

/// How the status of certificates is told, and whether it must be known.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Trust {
    /// What both sides are configured with.
    pub revocation: Option<Revocation>,
    pub lists: Lists,
    pub responder: Responder,
    /// Each side has the other's certificate itself, and strongSwan neither sends one nor asks for one.
    pub at_hand: bool,
    /// strongSwan takes what isn't known to be revoked, whatever `revocation` says.
    pub peer_relaxed: bool,
    /// This is the tunnel of a second caller whose certificate is from another CA.
    #[serde(skip)]
    pub elsewhere: bool,
    /// Lists are good for four seconds only, as if each were about to be replaced.
    pub short: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Revocation {
    Strict,
    IfUri,
    Relaxed,
}

/// Where revocation lists are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Lists {
    /// In files of both sides.
    #[default]
    File,
    /// Where the certificates say.
    Http,
    /// Nowhere.
    None,
}

/// The OCSP responder that certificates name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Responder {
    #[default]
    None,
    /// It signs with a key that the CA gave it for this.
    Delegated,
    /// It signs with a key that the CA gave it for something else.
    Unmarked,
    /// Neither of the two that are named answers.
    Dead,
}

const LISTS: u64 = 4000;

impl Trust {
    /// Whether the CA is asked for anything over HTTP.
    pub fn needs_web(&self) -> bool {
        self.lists == Lists::Http || self.responder != Responder::None
    }

    /// What a certificate from the CA `issuer` says about its list.
    pub fn crl_urls(&self, issuer: &str) -> Vec<String> {
        match self.lists {
            Lists::Http => vec![format!("http://{WEB}/{issuer}.crl")],
            Lists::File | Lists::None => Vec::new(),
        }
    }

    /// What a certificate says about the responder.
    pub fn ocsp_urls(&self) -> Vec<String> {
        match self.responder {
            Responder::None => Vec::new(),
            Responder::Delegated | Responder::Unmarked => {
                vec![format!("http://{WEB}{}", web::RESPONDER)]
            }
            // A port that nobody listens on, and a page that isn't there.
            Responder::Dead => vec![
                format!("http://{WEB}:81{}", web::RESPONDER),
                format!("http://{WEB}/gone"),
            ],
        }
    }

    /// When a list that is made at `at` says nothing any more.
    pub fn lists_end(&self, at: u64) -> u64 {
        at + if self.short { LISTS } else { 30 * DAY }
    }

    /// The responder's certificate.
    pub fn signer(&self, at: u64) -> Result<Template> {
        let subject = "O=Adit Lab, CN=Responder";
        let subject = subject.parse().map_err(|_| anyhow!("{subject}"))?;
        let mut template = Template::host(subject, Vec::new(), Wall(at - DAY), Wall(at + 30 * DAY));
        template.purposes = match self.responder {
            // For e-mail.
            Responder::Unmarked => vec!["1.3.6.1.5.5.7.3.4"],
            _ => vec!["1.3.6.1.5.5.7.3.9"],
        };
        Ok(template)
    }

    /// More keys of Adit's table of a peer's certificates.
    pub fn native(&self) -> String {
        let lists = match self.lists {
            Lists::File => ", crl = [\"../pki/root.crl\", \"../pki/sub.crl\"]",
            Lists::Http | Lists::None => "",
        };
        let policy = self.word().map(|w| format!(", revocation = \"{w}\""));
        format!("{lists}{}", policy.unwrap_or_default())
    }

    /// More lines of strongSwan's `remote` section.
    pub fn swanctl(&self, side: &str) -> String {
        let line = |word| format!("\n      revocation = {word}");
        match self.peer_relaxed && side == "east" {
            true => String::new(),
            false => self.word().map_or_else(String::new, line),
        }
    }

    /// More lines of strongSwan's connection.
    pub fn connection(&self) -> &'static str {
        match self.at_hand {
            true => "send_cert = never\n    send_certreq = no",
            false => "",
        }
    }

    fn word(&self) -> Option<&'static str> {
        self.revocation.map(|revocation| match revocation {
            Revocation::Strict => "strict",
            Revocation::IfUri => "ifuri",
            Revocation::Relaxed => "relaxed",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn certificates_name_only_what_there_is() {
        let none = Trust::default();
        assert!(
            !none.needs_web() && none.crl_urls("root").is_empty() && none.ocsp_urls().is_empty()
        );
        let http = Trust {
            lists: Lists::Http,
            ..Trust::default()
        };
        assert_eq!(http.crl_urls("sub"), ["http://10.90.0.1/sub.crl"]);
        assert!(http.needs_web() && !http.native().contains("crl ="));
        let dead = Trust {
            responder: Responder::Dead,
            revocation: Some(Revocation::Strict),
            ..Trust::default()
        };
        assert_eq!(dead.ocsp_urls().len(), 2);
        assert!(dead.native().contains("strict") && dead.swanctl("east").contains("strict"));
    }
}
