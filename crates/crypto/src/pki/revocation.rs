//! Whether the certificates of a chain are revoked: what would tell it, and what documents at hand say.

use adit_model::Wall;
use adit_model::certificate_reason::{CertificateReason, RefusedCertificate};

use super::cert::Cert;
use super::chain::Chain;
use super::crl::{RevocationList, Revoked, Status};
use super::ocsp::{self, StatusResponse};

/// What follows when the status of a certificate isn't known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RevocationPolicy {
    /// It is refused.
    Strict,
    /// It is refused when it says where its status is told.
    IfUri,
    /// It is accepted; only what is known to be revoked is refused.
    #[default]
    Relaxed,
}

/// What was fetched, or lies in files.
#[derive(Clone, Default)]
pub struct Documents {
    /// Revocation lists.
    pub lists: Vec<RevocationList>,
    /// Answers of responders, with the nonce of the request.
    pub responses: Vec<(StatusResponse, Option<Vec<u8>>)>,
    /// What couldn't be fetched: URL and why.
    pub failures: Vec<(String, String)>,
}

/// A certificate whose status isn't known yet, and where it is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusNeed {
    /// The certificate.
    pub cert: Cert,
    /// Who issued it.
    pub issuer: Cert,
    /// Where a revocation list is; any one will do.
    pub crl_urls: Vec<String>,
    /// Where a responder is; any one will do.
    pub ocsp_urls: Vec<String>,
}

impl StatusNeed {
    /// The body of the request to a responder.
    #[must_use]
    pub fn ocsp_request(&self, nonce: Option<&[u8]>) -> Vec<u8> {
        ocsp::request(&self.cert, &self.issuer, nonce)
    }
}

impl Chain {
    /// The certificates whose status the documents don't tell and that say where it is told.
    #[must_use]
    pub fn needs(&self, documents: &Documents, now: Wall) -> Vec<StatusNeed> {
        let unknown = |(cert, issuer): &(&Cert, &Cert)| {
            has_url(cert) && documents.status(cert, issuer, now).is_err()
        };
        self.pairs()
            .filter(unknown)
            .map(|(cert, issuer)| StatusNeed {
                crl_urls: cert.extensions().crl_urls.clone(),
                ocsp_urls: cert.extensions().ocsp_urls.clone(),
                cert: cert.clone(),
                issuer: issuer.clone(),
            })
            .collect()
    }

    /// Judges every certificate but the trusted one.
    ///
    /// # Errors
    /// `Revoked`, or `StatusUnknown` where the policy asks for more.
    pub fn revocation(
        &self,
        documents: &Documents,
        now: Wall,
        policy: RevocationPolicy,
    ) -> Result<(), Box<RefusedCertificate>> {
        let mut unknown = None;
        for (cert, issuer) in self.pairs() {
            match documents.status(cert, issuer, now) {
                Ok((Status::Good, _)) => {}
                // Nothing is worse, so it is told even when another one's status isn't known.
                Ok((Status::Revoked(revoked), by)) => return Err(refused(cert, revoked, by)),
                Err(why) => {
                    let required = match policy {
                        RevocationPolicy::Strict => true,
                        RevocationPolicy::IfUri => has_url(cert),
                        RevocationPolicy::Relaxed => false,
                    };
                    if required && unknown.is_none() {
                        unknown = Some(cert.refused(CertificateReason::StatusUnknown { why }));
                    }
                }
            }
        }
        unknown.map_or(Ok(()), Err)
    }

    /// Each certificate with its issuer.
    fn pairs(&self) -> impl Iterator<Item = (&Cert, &Cert)> {
        let certs = self.certificates();
        certs.iter().zip(certs.iter().skip(1))
    }
}

fn has_url(cert: &Cert) -> bool {
    let extensions = cert.extensions();
    !extensions.crl_urls.is_empty() || !extensions.ocsp_urls.is_empty()
}

fn refused(cert: &Cert, revoked: Revoked, by: &str) -> Box<RefusedCertificate> {
    cert.refused(CertificateReason::Revoked {
        serial: cert.serial_text(),
        at: revoked.at,
        cause: revoked.cause().to_owned(),
        by: by.to_owned(),
    })
}

impl Documents {
    /// What is known of `cert`, and who says it; else what was in the way.
    fn status(
        &self,
        cert: &Cert,
        issuer: &Cert,
        now: Wall,
    ) -> Result<(Status, &'static str), Vec<String>> {
        let mut why = Vec::new();
        let mut good = None;
        let lists = self.lists.iter().filter(|l| l.issuer() == cert.issuer());
        let told = lists
            .map(|list| (list.status(cert, issuer, now), "CRL"))
            .chain(self.responses.iter().map(|(response, nonce)| {
                let status = response.status(cert, issuer, nonce.as_deref(), now);
                (status, "OCSP")
            }));
        for (status, by) in told {
            match status {
                Ok(Status::Revoked(revoked)) => return Ok((Status::Revoked(revoked), by)),
                Ok(Status::Good) => good = good.or(Some((Status::Good, by))),
                Err(problem) => why.push(problem),
            }
        }
        if let Some(good) = good {
            return Ok(good);
        }
        let extensions = cert.extensions();
        let urls = || extensions.crl_urls.iter().chain(&extensions.ocsp_urls);
        let failed = self
            .failures
            .iter()
            .filter(|(url, _)| urls().any(|u| u == url));
        why.extend(failed.map(|(url, problem)| format!("{url}: {problem}")));
        if why.is_empty() {
            why.push(if has_url(cert) {
                "nothing was fetched from where it says its status is told".to_owned()
            } else {
                "no CRL of its issuer is at hand, and it doesn't say where one is".to_owned()
            });
        }
        Err(why)
    }
}
