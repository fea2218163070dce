//! Targets for what a peer's certificate leads to. Whatever stands in a CERT payload, in an extension that a CA signed, in
//! a revocation list or in a responder's answer is judged without a panic, to the same each time; and nothing that the
//! one CA here didn't sign is trusted, or clears a certificate that it revoked.

use std::sync::OnceLock;

use adit_crypto::pki::issue::{Issuer, Revocation, Template, self_signed};
use adit_crypto::pki::{
    Cert, ChainPolicy, Documents, NewKey, RevocationList, RevocationPolicy, SigningKey, Status,
    StatusResponse, Trust,
};
use adit_crypto::provider;
use adit_model::Wall;

/// A function that checks properties of one input.
pub type Target = fn(&[u8]);

/// Every target by name; the name is also that of its corpus.
pub const ALL: &[(&str, Target)] = &[("pki_chain", pki_chain), ("pki_status", pki_status)];

const NOW: Wall = Wall(1_795_219_200_000);
const YEAR: u64 = 31_536_000_000;

/// Extensions that the first octet of an input chooses.
const EXTENSIONS: [&str; 12] = [
    "2.5.29.19",
    "2.5.29.15",
    "2.5.29.37",
    "2.5.29.17",
    "2.5.29.30",
    "2.5.29.32",
    "2.5.29.33",
    "2.5.29.36",
    "2.5.29.54",
    "2.5.29.31",
    "1.3.6.1.5.5.7.1.1",
    "1.2.3.4",
];

/// A CA and a host's certificate of it; the same in every run.
pub struct World {
    ca: Cert,
    key: SigningKey,
    host: Cert,
    trust: Trust,
}

/// The one there is.
pub fn world() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(|| {
        let random = provider::fake(1).random;
        let new = || {
            SigningKey::generate(NewKey::Ed25519, &*random)
                .expect("a key")
                .0
        };
        let (key, host_key) = (new(), new());
        let template = template("CN=Root", true);
        let ca = self_signed(&key, &template, &*random).expect("a CA");
        let issuer = Issuer {
            cert: &ca,
            key: &key,
        };
        let host = issuer.issue(host_key.public(), &self::template("CN=gw", false), &*random);
        World {
            host: host.expect("a host"),
            trust: Trust {
                anchors: vec![ca.clone()],
                ..Trust::default()
            },
            ca,
            key,
        }
    })
}

fn template(name: &str, authority: bool) -> Template {
    let name = name.parse().expect("a name");
    let (from, until) = (Wall(NOW.0 - YEAR), Wall(NOW.0 + YEAR));
    let mut template = if authority {
        Template::authority(name, from, until)
    } else {
        Template::host(name, Vec::new(), from, until)
    };
    template.authority = authority.then_some(None);
    template
}

impl World {
    /// Documents that say the host's certificate is revoked, as seeds.
    pub fn list(&self) -> Vec<u8> {
        let issuer = Issuer {
            cert: &self.ca,
            key: &self.key,
        };
        let revoked = [Revocation {
            serial: self.host.serial().to_vec(),
            at: NOW,
            reason: 1,
        }];
        let list = issuer.revocation_list(1, &revoked, NOW, Wall(NOW.0 + YEAR));
        list.expect("a list")
    }

    /// A chain as a peer sends it.
    pub fn chain(&self) -> Vec<u8> {
        [self.host.to_der(), self.ca.to_der()].concat()
    }
}

/// A first octet of 0: certificates one after the other, the peer's first. Else an extension, in a certificate of a CA
/// between the trusted one and a host, and in the host's.
pub fn pki_chain(data: &[u8]) {
    let Some((&choice, rest)) = data.split_first() else {
        return;
    };
    let world = world();
    if choice == 0 {
        sent(world, rest);
    } else {
        signed(world, choice, rest);
    }
}

fn sent(world: &World, octets: &[u8]) {
    let mut certs = Vec::new();
    let mut left = octets;
    // Each is as long as it says.
    while left.len() > 4 && certs.len() < 20 {
        let length = match (left[0], left[1]) {
            (0x30, 0x82) => 4 + usize::from(u16::from_be_bytes([left[2], left[3]])),
            _ => left.len(),
        };
        let (one, rest) = left.split_at(length.min(left.len()));
        certs.extend(Cert::from_der(one));
        left = rest;
    }
    let Some((leaf, others)) = certs.split_first() else {
        return;
    };
    let policy = ChainPolicy::default();
    let found = world.trust.chain(leaf, others, NOW, &policy);
    let again = world.trust.chain(leaf, others, NOW, &policy);
    assert_eq!(found.as_ref().err(), again.as_ref().err());
    match found {
        Ok(chain) => {
            // Nobody else has the CA's key.
            assert!(*leaf == world.host || *leaf == world.ca);
            assert!(chain.certificates().last() == Some(&world.ca));
        }
        Err(refused) => assert!(!refused.to_string().is_empty()),
    }
    for identity in leaf.identities() {
        assert!(leaf.holds(&identity).is_ok());
    }
}

fn signed(world: &World, choice: u8, value: &[u8]) {
    let oid = EXTENSIONS[usize::from(choice) % EXTENSIONS.len()];
    let critical = choice & 0x80 != 0;
    let extension = (oid, critical, value.to_vec());
    let random = provider::fake(2).random;
    let mut between = template("CN=Between", true);
    between.further = vec![extension.clone()];
    let mut host = template("CN=gw, O=Lab", false);
    host.names = vec!["gw.lab".parse().expect("a name")];
    let top = Issuer {
        cert: &world.ca,
        key: &world.key,
    };
    // An extension that can't be read, or comes twice, makes no certificate.
    if let Ok(between) = top.issue(world.key.public(), &between, &*random) {
        let below = Issuer {
            cert: &between,
            key: &world.key,
        };
        let leaf = below
            .issue(world.key.public(), &host, &*random)
            .expect("a host");
        judge(world, &leaf, &[between]);
    }
    host.names.clear();
    host.further = vec![extension];
    if let Ok(leaf) = top.issue(world.key.public(), &host, &*random) {
        judge(world, &leaf, &[]);
    }
}

fn judge(world: &World, leaf: &Cert, others: &[Cert]) {
    let policy = ChainPolicy {
        policies: vec!["1.2.3.1".to_owned()],
        ..ChainPolicy::default()
    };
    let strict = world.trust.chain(leaf, others, NOW, &policy);
    let found = world
        .trust
        .chain(leaf, others, NOW, &ChainPolicy::default());
    // Who asks for more is given no more.
    assert!(strict.is_err() || found.is_ok());
    let Ok(chain) = found else {
        return;
    };
    let nothing = Documents::default();
    for need in chain.needs(&nothing, NOW) {
        assert!(!need.crl_urls.is_empty() || !need.ocsp_urls.is_empty());
        assert!(!need.ocsp_request(None).is_empty());
    }
    assert!(
        chain
            .revocation(&nothing, NOW, RevocationPolicy::Strict)
            .is_err()
    );
    assert!(
        chain
            .revocation(&nothing, NOW, RevocationPolicy::Relaxed)
            .is_ok()
    );
}

/// A revocation list or a responder's answer about a certificate that the one CA revoked.
pub fn pki_status(data: &[u8]) {
    let world = world();
    if let Ok(list) = RevocationList::from_file(data) {
        let status = list.status(&world.host, &world.ca, NOW);
        assert!(!matches!(status, Ok(Status::Good)));
    }
    if let Ok(answer) = StatusResponse::from_der(data) {
        let status = answer.status(&world.host, &world.ca, None, NOW);
        assert!(!matches!(status, Ok(Status::Good)));
    }
}
