//! Files of certificates and keys that a configuration names: what is in them, whether they belong together, and
//! whether they hold what the connections need.

use adit_model::credential::{Certificate, Credential, FileRole, Item, Look, PublicKey, attribute};
use adit_model::fact::Source;
use adit_model::identity::Identity;
use adit_model::now::Wall;
use adit_model::peer_config::{AuthMethod, Lint, PeerConnection, PeerId, Setting, Weight};

/// What is to be said about one end's files.
pub(crate) fn lints(
    connections: &[PeerConnection],
    credentials: &[Credential],
    now: Option<Wall>,
) -> Vec<Lint> {
    let mut out = Vec::new();
    for credential in credentials {
        one(credential, credentials, now, &mut out);
    }
    for own in of(credentials, &FileRole::Certificate) {
        key_fits(own, credentials, &mut out);
        issued_here(own, credentials, &mut out);
    }
    for c in connections {
        for (role, id, auth) in [
            (FileRole::Certificate, &c.local_id, &c.local_auth),
            (FileRole::PeerCertificate, &c.remote_id, &c.remote_auth),
        ] {
            if auth.value.contains(&AuthMethod::PublicKey) {
                identity(c, &role, id, credentials, &mut out);
            }
        }
    }
    out
}

/// Our certificates that none of the other end's CAs issued, directly or through certificates at hand, and that the
/// other end doesn't hold itself. `pairs` are names of our connections and of theirs.
///
/// It is an error only when it is known whom the other trusts: its connection asks for CAs by name, or its product has
/// a folder of them (`folder`), and that was seen. What lies between must be known as well: all issuers are at hand, or
/// the folder from which we send them was seen. Otherwise either may be where nobody looked.
pub(crate) fn untrusted<'c>(
    ours: &'c [Credential],
    theirs: &[Credential],
    pairs: &[(&str, &str)],
    folder: bool,
) -> Vec<(&'c Credential, Weight)> {
    let trusted = authorities(theirs);
    if trusted.is_empty() || !all_seen(ours.iter().chain(theirs)) || !store_seen(theirs) {
        return Vec::new();
    }
    let all: Vec<&Certificate> = ours.iter().chain(theirs).flat_map(certificates).collect();
    // With one file for both hosts, the other end's own is what the file calls ours.
    let pinned: Vec<&Credential> = of(theirs, &FileRole::PeerCertificate)
        .chain(of(theirs, &FileRole::Certificate))
        .collect();
    let mut out = Vec::new();
    for own in of(ours, &FileRole::Certificate) {
        let Some(owner) = leaf(own) else {
            continue;
        };
        let others: Vec<&str> = match &own.named.connection {
            Some(name) => pairs
                .iter()
                .filter(|(a, _)| a == name)
                .map(|(_, b)| *b)
                .collect(),
            None => pairs.iter().map(|(_, b)| *b).collect(),
        };
        let theirs_is = |c: &Credential| {
            let of = c.named.connection.as_deref();
            of.is_none_or(|name| others.contains(&name))
        };
        // What the other end holds of ours may be this one, when it isn't to be seen.
        let held = pinned.iter().any(|c| match &c.look {
            Look::Holds(_) => certificates(c).any(|c| c.key.digest == owner.key.digest),
            Look::Missing | Look::Unreadable(_) => {
                c.named.role == FileRole::PeerCertificate && theirs_is(c)
            }
        }) || of(theirs, &FileRole::PeerKey).any(theirs_is);
        let named = || {
            of(theirs, &FileRole::Authority)
                .filter(|c| c.named.connection.is_some() && theirs_is(c))
        };
        // Who names CAs trusts no others.
        let asked = named().next().is_some() && named().all(|c| leaf(c).is_some());
        let chained = if asked {
            let named: Vec<&Certificate> = named().flat_map(certificates).collect();
            chain(owner, &named, &all)
        } else {
            chain(owner, &trusted, &all)
        };
        if others.is_empty() || held || chained {
            continue;
        }
        let known = asked || (folder && folder_seen(theirs));
        let between = rooted(owner, &all) || folder_seen(ours);
        let weight = if known && between {
            Weight::Error
        } else {
            Weight::Warning
        };
        out.push((own, weight));
    }
    out
}

/// Whether everything in these files was looked at.
fn all_seen<'c>(mut list: impl Iterator<Item = &'c Credential>) -> bool {
    list.all(|c| !items(c).contains(&Item::More))
}

/// Whether no CA may be where it can't be read.
fn store_seen(list: &[Credential]) -> bool {
    !list.iter().any(|c| {
        matches!(c.look, Look::Unreadable(_))
            && matches!(
                c.named.role,
                FileRole::Authority | FileRole::Store | FileRole::Beside
            )
    })
}

/// Whether there is a folder of CAs, and all of it could be read.
fn folder_seen(list: &[Credential]) -> bool {
    let unread = |i: &Item| matches!(i, Item::Broken(_) | Item::Unread(_) | Item::More);
    let mut files = of(list, &FileRole::Store).peekable();
    files.peek().is_some()
        && files.all(|c| matches!(&c.look, Look::Holds(items) if !items.iter().any(unread)))
}

/// Whether every issuer is at hand, up to those that signed themselves.
fn rooted(leaf: &Certificate, all: &[&Certificate]) -> bool {
    reached(leaf, all).iter().all(|d| {
        all.iter()
            .any(|c| c.digest == *d && !c.signed_by.is_empty())
    })
}

fn of<'c>(list: &'c [Credential], role: &FileRole) -> impl Iterator<Item = &'c Credential> {
    list.iter().filter(move |c| c.named.role == *role)
}

fn items(credential: &Credential) -> &[Item] {
    match &credential.look {
        Look::Holds(items) => items,
        Look::Missing | Look::Unreadable(_) => &[],
    }
}

fn certificates(credential: &Credential) -> impl Iterator<Item = &Certificate> {
    items(credential).iter().filter_map(|item| match item {
        Item::Certificate(c) => Some(&**c),
        _ => None,
    })
}

/// The first certificate of a file is the owner's; others are its chain.
fn leaf(credential: &Credential) -> Option<&Certificate> {
    certificates(credential).next()
}

fn authorities(list: &[Credential]) -> Vec<&Certificate> {
    list.iter()
        .filter(|c| {
            matches!(
                c.named.role,
                FileRole::Authority | FileRole::Store | FileRole::Beside
            )
        })
        .flat_map(certificates)
        .filter(|c| c.authority)
        .collect()
}

fn chain(leaf: &Certificate, trusted: &[&Certificate], all: &[&Certificate]) -> bool {
    let reached = reached(leaf, all);
    trusted.iter().any(|t| reached.contains(&t.digest))
}

/// The certificate itself, those that signed it, and so on.
fn reached(leaf: &Certificate, all: &[&Certificate]) -> Vec<[u8; 32]> {
    const DEEPEST: usize = 8;
    let mut reached = vec![leaf.digest];
    for _ in 0..DEEPEST {
        let next: Vec<[u8; 32]> = all
            .iter()
            .filter(|c| reached.contains(&c.digest))
            .flat_map(|c| c.signed_by.iter().copied())
            .filter(|d| !reached.contains(d))
            .collect();
        if next.is_empty() {
            break;
        }
        for one in next {
            if !reached.contains(&one) {
                reached.push(one);
            }
        }
    }
    reached
}

fn tell(
    out: &mut Vec<Lint>,
    at: &Credential,
    cause: &str,
    weight: Weight,
    message: String,
    fix: impl Into<String>,
) {
    out.push(Lint {
        cause: cause.to_owned(),
        weight,
        connection: at.named.connection.clone(),
        message,
        fix: fix.into(),
        source: at.named.source.clone(),
    });
}

/// What a role wants to find, as a person says it, and the cause when it isn't there.
fn wanted(role: &FileRole) -> (&'static str, &'static str) {
    match role {
        FileRole::PrivateKey { .. } | FileRole::KeyStore => {
            ("a private key", "private-key-missing")
        }
        FileRole::Authority | FileRole::Store => ("a CA's certificate", "ca-not-trusted"),
        FileRole::PeerKey => ("the peer's key", "ca-not-trusted"),
        FileRole::SharedKeys => ("pre-shared keys", "psk-not-found"),
        FileRole::Certificate => ("our certificate", "private-key-missing"),
        FileRole::PeerCertificate | FileRole::Beside => ("a certificate", "ca-not-trusted"),
    }
}

fn one(c: &Credential, all: &[Credential], now: Option<Wall>, out: &mut Vec<Lint>) {
    let (want, cause) = wanted(&c.named.role);
    let path = &c.path;
    if matches!(c.named.role, FileRole::KeyStore | FileRole::PeerKey) {
        return;
    }
    match &c.look {
        Look::Missing => tell(
            out,
            c,
            cause,
            Weight::Error,
            format!("{want} is to be in {path}, and there is no such file"),
            "put it there, or write the name of the file that has it",
        ),
        Look::Unreadable(problem) => tell(
            out,
            c,
            cause,
            match c.named.role {
                FileRole::Beside | FileRole::Store => Weight::Hint,
                _ => Weight::Warning,
            },
            format!("{path} can't be read: {problem}"),
            "give it to the daemon's user, or let adit check run as that user",
        ),
        Look::Holds(items) => {
            contents(c, items, want, cause, out);
            if let Some(now) = now {
                validity(c, all, now, out);
            }
        }
    }
}

fn contents(c: &Credential, items: &[Item], want: &str, cause: &str, out: &mut Vec<Lint>) {
    let path = &c.path;
    let broken = items.iter().find(|i| matches!(i, Item::Broken(_)));
    let fits = match &c.named.role {
        FileRole::SharedKeys | FileRole::KeyStore | FileRole::PeerKey => return,
        // Nobody may need what only lies there.
        FileRole::Beside | FileRole::Store => true,
        FileRole::Certificate | FileRole::PeerCertificate => {
            items.iter().any(|i| matches!(i, Item::Certificate(_)))
        }
        FileRole::Authority => items
            .iter()
            .any(|i| matches!(i, Item::Certificate(c) if c.authority)),
        FileRole::PrivateKey { .. } => items.iter().any(|i| matches!(i, Item::PrivateKey { .. })),
    };
    if let Some(broken) = broken {
        let message = format!("{path} holds {broken}: it is cut or changed");
        let fix = "copy the file again, from its first to its last line";
        let weight = match &c.named.role {
            FileRole::Beside | FileRole::Store => Weight::Hint,
            _ if fits => Weight::Warning,
            _ => Weight::Error,
        };
        tell(out, c, cause, weight, message, fix);
        return;
    }
    if !fits && let Some(unread) = items.iter().find(|i| matches!(i, Item::Unread(_))) {
        let message = format!("{path} holds {unread}, so it wasn't judged");
        let fix = format!(
            "make sure that the daemon reads it, or convert it (openssl): {want} in PKCS #8 or X.509"
        );
        tell(out, c, cause, Weight::Hint, message, fix);
        return;
    }
    if !fits {
        let what = items
            .first()
            .map_or("nothing that is known".to_owned(), ToString::to_string);
        let message = format!("{path} is to hold {want}, and holds {what}");
        let fix = format!("name the file that holds {want}");
        tell(out, c, cause, Weight::Error, message, fix);
        return;
    }
    let FileRole::PrivateKey { kind, passphrase } = &c.named.role else {
        return;
    };
    for item in items {
        let Item::PrivateKey {
            encrypted,
            kind: is,
            ..
        } = item
        else {
            continue;
        };
        if *encrypted && !passphrase {
            tell(
                out,
                c,
                "private-key-missing",
                Weight::Error,
                format!("the key in {path} is under a passphrase, and none is given"),
                "write the passphrase behind the file's name, or take it off the key (openssl pkey)",
            );
        }
        if let (Some(says), Some(is)) = (kind, is)
            && says != is
        {
            tell(
                out,
                c,
                "private-key-missing",
                Weight::Error,
                format!(
                    "the line says {says}, and the key in {path} is one of {is}: it isn't loaded"
                ),
                format!(": {is} in place of : {says}"),
            );
        }
    }
}

const DAY: u64 = 86_400_000;

fn in_time(one: &Certificate, now: Wall) -> bool {
    one.not_before <= now && now <= one.not_after
}

/// Whether nothing can be verified without this one: a file's own certificate, or the only issuer in its time.
fn needed(c: &Credential, one: &Certificate, all: &[Credential], now: Wall) -> bool {
    let at_hand: Vec<&Certificate> = all.iter().flat_map(certificates).collect();
    match &c.named.role {
        FileRole::Certificate | FileRole::PeerCertificate => {
            let Some(own) = leaf(c) else {
                return false;
            };
            let chain = reached(own, &at_hand);
            let only_issuer_of = |x: &&Certificate| {
                chain.contains(&x.digest)
                    && x.digest != one.digest
                    && x.signed_by.contains(&one.digest)
                    && !at_hand
                        .iter()
                        .any(|y| x.signed_by.contains(&y.digest) && in_time(y, now))
            };
            own.digest == one.digest || at_hand.iter().any(only_issuer_of)
        }
        // Old CAs are kept beside those that came after them.
        FileRole::Authority => !of(all, &FileRole::Authority)
            .filter(|x| x.named.connection == c.named.connection)
            .flat_map(certificates)
            .any(|x| x.authority && in_time(x, now)),
        _ => false,
    }
}

fn validity(c: &Credential, all: &[Credential], now: Wall, out: &mut Vec<Lint>) {
    const SOON: u64 = 14 * DAY;
    let path = &c.path;
    for one in certificates(c) {
        let own = leaf(c).is_some_and(|leaf| leaf.digest == one.digest);
        let (role, effect) = match &c.named.role {
            FileRole::Certificate if own => ("our certificate", "the peer refuses it"),
            FileRole::Certificate => ("an issuer of our certificate", "the peer refuses both"),
            FileRole::PeerCertificate if own => ("the peer's certificate", "it is refused here"),
            FileRole::PeerCertificate => (
                "an issuer of the peer's certificate",
                "what it issued is refused here",
            ),
            FileRole::Authority => ("the CA's certificate", "what it issued is refused here"),
            _ => ("the certificate", "who uses it is refused"),
        };
        // The weight, and what comes of it.
        let judged = || {
            if needed(c, one, all, now) {
                (Weight::Error, effect)
            } else {
                (Weight::Hint, "nothing is known to need it")
            }
        };
        let days = |a: Wall, b: Wall| (a.0.saturating_sub(b.0)) / DAY;
        let subject = &one.subject;
        if one.not_after < now {
            let ago = days(now, one.not_after);
            let (gravely, effect) = judged();
            let message = format!("{role} in {path} ({subject}) expired {ago} days ago: {effect}");
            tell(out, c, "cert-expired", gravely, message, "issue it anew");
        } else if one.not_before > now {
            let still = days(one.not_before, now);
            let (gravely, effect) = judged();
            let message =
                format!("{role} in {path} ({subject}) isn't valid before {still} days: {effect}");
            let fix = "wait, correct this host's clock, or issue it anew";
            tell(out, c, "cert-not-yet-valid", gravely, message, fix);
        } else if one.not_after.0.saturating_sub(now.0) < SOON {
            let left = days(one.not_after, now);
            let message = format!("{role} in {path} ({subject}) expires in {left} days");
            let then = Wall(one.not_after.0.saturating_add(1));
            let weight = if needed(c, one, all, then) {
                Weight::Warning
            } else {
                Weight::Hint
            };
            let fix = "issue it anew before that";
            tell(out, c, "cert-expired", weight, message, fix);
        }
    }
}

/// Whether one of the keys at hand is the certificate's. That none is there says nothing: it may be on a card, or out
/// of reach.
fn key_fits(own: &Credential, all: &[Credential], out: &mut Vec<Lint>) {
    let Some(leaf) = leaf(own) else {
        return;
    };
    let mut keys: Vec<(&Credential, &PublicKey)> = Vec::new();
    for c in all {
        for item in items(c) {
            match item {
                Item::PrivateKey {
                    public: Some(key), ..
                } => keys.push((c, key)),
                // What can't be looked into may be the one.
                Item::PrivateKey { .. } => return,
                _ => {}
            }
        }
    }
    let unread = all.iter().any(|c| match (&c.look, &c.named.role) {
        (_, FileRole::KeyStore) => true,
        (Look::Holds(items), _) => items
            .iter()
            .any(|i| matches!(i, Item::Broken(_) | Item::Unread(_) | Item::More)),
        (_, role) => matches!(
            role,
            FileRole::PrivateKey { .. } | FileRole::Store | FileRole::Beside
        ),
    });
    if keys.is_empty() || unread || keys.iter().any(|(_, key)| key.digest == leaf.key.digest) {
        return;
    }
    let list: Vec<String> = keys
        .iter()
        .map(|(c, key)| format!("{} ({})", c.path, key.algorithm))
        .collect();
    tell(
        out,
        own,
        "private-key-missing",
        Weight::Error,
        format!(
            "the certificate in {} ({}) has another key than {}: nothing can be signed with it",
            own.path,
            leaf.key.algorithm,
            list.join(", ")
        ),
        "the private key from which this certificate's request was made, or a certificate for this key",
    );
}

/// That our own CAs didn't issue our certificate is no fault by itself: the peer's have to.
fn issued_here(own: &Credential, all: &[Credential], out: &mut Vec<Lint>) {
    let trusted = authorities(all);
    let Some(leaf) = leaf(own) else {
        return;
    };
    let at_hand: Vec<&Certificate> = all.iter().flat_map(certificates).collect();
    let self_signed = leaf.signed_by.contains(&leaf.digest);
    let whole = all_seen(all.iter()) && store_seen(all);
    if trusted.is_empty() || self_signed || !whole || chain(leaf, &trusted, &at_hand) {
        return;
    }
    tell(
        out,
        own,
        "ca-not-trusted",
        Weight::Hint,
        format!(
            "none of the CAs here issued the certificate in {}; its issuer is {}",
            own.path, leaf.issuer
        ),
        "make sure that the peer has that CA, and send certificates in between",
    );
}

/// Whether the certificate holds the identity that is written beside it.
fn identity(
    c: &PeerConnection,
    role: &FileRole,
    id: &Setting<Option<PeerId>>,
    credentials: &[Credential],
    out: &mut Vec<Lint>,
) {
    let (Some(written), Some(source)) = (&id.value, id.source()) else {
        return;
    };
    let mut certificates: Vec<&Credential> = of(credentials, role)
        .filter(|x| x.named.connection.as_deref() == Some(&c.name))
        .filter(|x| leaf(x).is_some())
        .collect();
    let (Some(one), None) = (certificates.pop(), certificates.pop()) else {
        return;
    };
    let Some(leaf) = leaf(one) else {
        return;
    };
    if holds(leaf, written) != Some(false) {
        return;
    }
    let names: Vec<String> = leaf.names.iter().map(ToString::to_string).collect();
    let names = if names.is_empty() {
        "no alternative names".to_owned()
    } else {
        names.join(", ")
    };
    let (whose, effect) = if *role == FileRole::Certificate {
        ("our", "the peer refuses it, or is told the subject instead")
    } else {
        ("the peer's", "it is refused")
    };
    out.push(Lint {
        cause: "cert-san-mismatch".to_owned(),
        weight: Weight::Warning,
        connection: Some(c.name.clone()),
        message: format!(
            "{whose} identity {written} isn't in the certificate {} ({}; {names}): {effect}",
            one.path, leaf.subject
        ),
        fix: "an identity that the certificate holds, or a certificate with this one as subjectAltName".to_owned(),
        source: Source::clone(source),
    });
}

/// Whether the identity is among the certificate's names. `None` where it can't be told.
fn holds(certificate: &Certificate, id: &PeerId) -> Option<bool> {
    match id {
        PeerId::Is(id @ (Identity::Fqdn(_) | Identity::Email(_) | Identity::Address(_))) => {
            let id = PeerId::Is(id.clone());
            let mut names = certificate.names.iter().cloned().map(PeerId::Is);
            Some(names.any(|name| name.satisfies(&id) == Some(true)))
        }
        PeerId::Name(name) => Some(parts(name)? == parts(&certificate.subject)?),
        _ => None,
    }
}

/// Attributes of a distinguished name, sorted. `None` for one that isn't written in full, or that has a kind of
/// attribute whose name isn't the same everywhere.
fn parts(name: &str) -> Option<Vec<(&'static str, String)>> {
    if name.contains(['*', '\\', '"', '+']) {
        return None;
    }
    let mut out = Vec::new();
    for part in name.split([',', '/']).filter(|p| !p.trim().is_empty()) {
        let (kind, value) = part.split_once('=')?;
        out.push((attribute(kind)?, value.trim().to_ascii_lowercase()));
    }
    out.sort();
    Some(out)
}
