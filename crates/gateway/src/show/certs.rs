//! Certificates that are held for tunnels.

use adit_model::Wall;
use adit_model::show::LoadedCertificate;

use crate::keys::KeyStore;

/// Those of one tunnel or of all, each once, what ends first before others.
pub fn loaded(keys: &KeyStore, only: Option<&str>, now: Wall) -> Vec<LoadedCertificate> {
    let mut found: Vec<(Wall, [u8; 32], LoadedCertificate)> = Vec::new();
    for (tunnel, used_as, cert) in keys.certificates() {
        let digest = cert.sha256();
        let same = found
            .iter_mut()
            .find(|(_, of, loaded)| *of == digest && loaded.used_as == used_as);
        match same {
            Some((_, _, loaded)) => loaded.tunnels.push(tunnel.to_owned()),
            None => found.push((
                cert.not_after(),
                digest,
                LoadedCertificate {
                    used_as,
                    tunnels: vec![tunnel.to_owned()],
                    certificate: cert.detail(now),
                },
            )),
        }
    }
    found.retain(|(_, _, loaded)| only.is_none_or(|only| loaded.tunnels.iter().any(|t| t == only)));
    found.sort_by_key(|(end, digest, loaded)| (*end, loaded.used_as, *digest));
    for (_, _, loaded) in &mut found {
        // A tunnel may name the same file twice.
        loaded.tunnels.dedup();
    }
    found.into_iter().map(|(_, _, loaded)| loaded).collect()
}
