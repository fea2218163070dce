//! Whether peers' certificates are revoked, as far as it is told over HTTP: asked when a peer authenticates whose status
//! must be known, and kept.
//!
//! Responders are asked first, being fresh and small, then lists are fetched. A source that failed isn't tried again for a
//! minute, so that a dead server delays one attempt and not every one.

use std::time::Duration;

use adit_crypto::pki::{Documents, RevocationList, StatusNeed, StatusResponse};
use adit_ike::{KeyRequest, KeyRequestId};
use adit_model::{Mono, Wall};

use crate::attempt::TaskDone;
use crate::gateway::Gateway;
use crate::http::{self, Request};

/// How long one source may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long a source that failed isn't asked again.
const SULK: Duration = Duration::from_secs(60);
/// As many documents of a kind are kept, the newest ones.
const KEPT: usize = 256;
/// More octets of a list aren't read.
const LONGEST_LIST: usize = 16 << 20;
/// More octets of an answer aren't read.
const LONGEST_ANSWER: usize = 64 << 10;
/// More sources aren't asked for one peer.
const MOST_SOURCES: usize = 8;

/// What was fetched and is kept.
#[derive(Default)]
pub(crate) struct Statuses {
    lists: Vec<(String, RevocationList)>,
    responses: Vec<(StatusResponse, Option<Vec<u8>>)>,
    failures: Vec<(String, String, Mono)>,
}

/// What one round of asking came to.
#[derive(Default)]
pub struct Fetched {
    lists: Vec<(String, RevocationList)>,
    responses: Vec<(StatusResponse, Option<Vec<u8>>)>,
    failures: Vec<(String, String)>,
}

/// A certificate's status to be asked for, with the nonce of its request.
type Question = (StatusNeed, [u8; 16]);

impl Gateway {
    /// Answers a request of the key exchange, at once or when a peer's status was asked for.
    pub(crate) fn on_key_request(&mut self, id: KeyRequestId, request: KeyRequest) {
        let now = self.clock.now();
        let known = self.statuses.documents(now.mono);
        let mut needs = self.keys.needs(now.wall, &request, &known);
        needs.retain_mut(|need| self.statuses.worth_asking(need, now.mono));
        if needs.is_empty() {
            let answer = self.keys.answer(&self.provider, now.wall, &request, &known);
            self.note_peer(&request, &answer);
            self.endpoint.handle_answer(now, id, answer);
            return;
        }
        let questions: Vec<Question> = needs
            .into_iter()
            .map(|need| (need, self.provider.random_octets()))
            .collect();
        let tasks = self.tasks.clone();
        tokio::spawn(async move {
            let fetched = fetch(questions, now.wall, false).await;
            // The loop is gone when the gateway stops.
            let _ = tasks
                .send(TaskDone::Statuses {
                    id,
                    request: Box::new(request),
                    fetched,
                })
                .await;
        });
    }

    /// What was asked is answered, as far as it was.
    pub(crate) fn on_statuses(&mut self, id: KeyRequestId, request: &KeyRequest, fetched: Fetched) {
        let now = self.clock.now();
        for (url, problem) in &fetched.failures {
            tracing::warn!("whether a certificate is revoked: {url}: {problem}");
        }
        self.statuses.keep(fetched, now.mono);
        let known = self.statuses.documents(now.mono);
        let answer = self.keys.answer(&self.provider, now.wall, request, &known);
        self.note_peer(request, &answer);
        self.endpoint.handle_answer(now, id, answer);
    }
}

impl Statuses {
    /// Lists that were fetched.
    pub(crate) fn lists(&self) -> impl Iterator<Item = &RevocationList> {
        self.lists.iter().map(|(_, list)| list)
    }

    fn documents(&self, now: Mono) -> Documents {
        let failed = self
            .failures
            .iter()
            .filter(|(.., at)| now.since(*at) < SULK);
        Documents {
            lists: self.lists.iter().map(|(_, list)| list.clone()).collect(),
            responses: self.responses.clone(),
            failures: failed
                .map(|(url, problem, _)| (url.clone(), problem.clone()))
                .collect(),
        }
    }

    /// Leaves out the sources that failed a moment ago; whether any is left.
    fn worth_asking(&self, need: &mut StatusNeed, now: Mono) -> bool {
        let sulks = |url: &String| {
            let failed = |(of, _, at): &(String, String, Mono)| of == url && now.since(*at) < SULK;
            self.failures.iter().any(failed)
        };
        need.crl_urls.retain(|url| !sulks(url));
        need.ocsp_urls.retain(|url| !sulks(url));
        !need.crl_urls.is_empty() || !need.ocsp_urls.is_empty()
    }

    fn keep(&mut self, fetched: Fetched, now: Mono) {
        for (url, list) in fetched.lists {
            self.lists.retain(|(of, _)| *of != url);
            self.lists.push((url, list));
        }
        self.responses.extend(fetched.responses);
        for (url, problem) in fetched.failures {
            self.failures.retain(|(of, ..)| *of != url);
            self.failures.push((url, problem, now));
        }
        self.failures.retain(|(.., at)| now.since(*at) < SULK);
        newest(&mut self.lists);
        newest(&mut self.responses);
        newest(&mut self.failures);
    }
}

fn newest<T>(all: &mut Vec<T>) {
    let excess = all.len().saturating_sub(KEPT);
    all.drain(..excess);
}

/// Asks for each certificate until a source tells its status.
async fn fetch(questions: Vec<Question>, now: Wall, loopback: bool) -> Fetched {
    let mut out = Fetched::default();
    for (need, nonce) in questions {
        if !asked(&need, &nonce, now, loopback, &mut out).await {
            listed(&need, now, loopback, &mut out).await;
        }
    }
    out
}

async fn asked(
    need: &StatusNeed,
    nonce: &[u8],
    now: Wall,
    loopback: bool,
    out: &mut Fetched,
) -> bool {
    let body = need.ocsp_request(Some(nonce));
    for url in need.ocsp_urls.iter().take(MOST_SOURCES) {
        let request = Request {
            url,
            body: Some(("application/ocsp-request", &body)),
            longest: LONGEST_ANSWER,
            loopback,
        };
        let told = http::ask(request, PATIENCE).await.and_then(|octets| {
            let response = StatusResponse::from_der(&octets)?;
            let status = response.status(&need.cert, &need.issuer, Some(nonce), now);
            status.map(|_| response)
        });
        match told {
            Ok(response) => {
                out.responses.push((response, Some(nonce.to_vec())));
                return true;
            }
            Err(problem) => out.failures.push((url.clone(), problem)),
        }
    }
    false
}

async fn listed(need: &StatusNeed, now: Wall, loopback: bool, out: &mut Fetched) {
    for url in need.crl_urls.iter().take(MOST_SOURCES) {
        let request = Request {
            url,
            body: None,
            longest: LONGEST_LIST,
            loopback,
        };
        let told = http::ask(request, PATIENCE).await.and_then(|octets| {
            let list = RevocationList::from_file(&octets)?;
            let status = list.status(&need.cert, &need.issuer, now);
            status.map(|_| list)
        });
        match told {
            Ok(list) => {
                out.lists.push((url.clone(), list));
                return;
            }
            Err(problem) => out.failures.push((url.clone(), problem)),
        }
    }
}

#[cfg(test)]
mod tests;
