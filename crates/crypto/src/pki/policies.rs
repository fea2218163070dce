//! Certificate policies along a path (RFC 5280 6.1), kept as sets rather than as a tree: under which name a policy goes
//! at this place of the path, and what it was called where the path begins.

use std::collections::{BTreeMap, BTreeSet};

use adit_model::certificate_reason::{CertificateReason, RefusedCertificate};

use super::cert::Cert;
use super::extensions::ANY_POLICY;

/// Checks a path (leaf first, without the trusted CA) against the policies that are required; none means any.
pub(super) fn check(path: &[&Cert], required: &[String]) -> Result<(), Box<RefusedCertificate>> {
    let count = u32::try_from(path.len()).unwrap_or(u32::MAX);
    let mut explicit = if required.is_empty() { count + 1 } else { 0 };
    let (mut mapping, mut inhibit_any) = (count + 1, count + 1);
    let mut any = true;
    let mut valid: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (below, cert) in path.iter().enumerate().rev() {
        let last = below == 0;
        let extensions = cert.extensions();
        let with_any = |p: &[String]| {
            p.iter().any(|p| p == ANY_POLICY)
                && (inhibit_any > 0 || (!last && cert.is_self_issued()))
        };
        match &extensions.policies {
            None => {
                any = false;
                valid.clear();
            }
            Some(policies) if with_any(policies) => {}
            Some(policies) => {
                let before = core::mem::take(&mut valid);
                for policy in policies.iter().filter(|p| *p != ANY_POLICY) {
                    let known = before.get(policy).cloned();
                    let originals = known.or_else(|| any.then(|| [policy.clone()].into()));
                    if let Some(originals) = originals {
                        valid.insert(policy.clone(), originals);
                    }
                }
                any = false;
            }
        }
        if explicit == 0 && !any && valid.is_empty() {
            return Err(refused(cert, required, &[]));
        }
        if last {
            // requireExplicitPolicy: 0 in the leaf itself counts at once (RFC 5280 6.1.5 b).
            if extensions.explicit_policy == Some(0) {
                explicit = 0;
            }
            break;
        }
        let before = valid.clone();
        for (from, _) in &extensions.mappings {
            valid.remove(from);
        }
        if mapping > 0 {
            for (from, to) in &extensions.mappings {
                let known = before.get(from).cloned();
                if let Some(originals) = known.or_else(|| any.then(|| [from.clone()].into())) {
                    valid.entry(to.clone()).or_default().extend(originals);
                }
            }
        }
        if !cert.is_self_issued() {
            for left in [&mut explicit, &mut mapping, &mut inhibit_any] {
                *left = left.saturating_sub(1);
            }
        }
        for (left, limit) in [
            (&mut explicit, extensions.explicit_policy),
            (&mut mapping, extensions.inhibit_mapping),
            (&mut inhibit_any, extensions.inhibit_any),
        ] {
            *left = limit.map_or(*left, |limit| limit.min(*left));
        }
    }
    let Some(leaf) = path.first() else {
        return Ok(());
    };
    let has: BTreeSet<&String> = valid.values().flatten().collect();
    let fits = any || required.is_empty() || required.iter().any(|r| has.contains(r));
    if explicit == 0 && (!fits || (!any && valid.is_empty())) {
        let has: Vec<String> = has.into_iter().cloned().collect();
        return Err(refused(leaf, required, &has));
    }
    Ok(())
}

fn refused(cert: &Cert, required: &[String], has: &[String]) -> Box<RefusedCertificate> {
    cert.refused(CertificateReason::Policy {
        needs: if required.is_empty() {
            vec!["any, by its CA's demand".to_owned()]
        } else {
            required.to_vec()
        },
        has: has.to_vec(),
    })
}
