//! SKEYSEED, prf+ and the key schedule on NIST's IKEv2 vectors (RFC 7296 2.13, 2.14, 2.17, 2.18).

use adit_crypto::{
    ChildKeys, IkeKeyInputs, IkeKeys, IkeSuite, Prf, PrfSpec, Secret, child_keymat, prf_plus,
};
use adit_wire::iana::{EncrId, IntegId, PrfId};
use aws_lc_rs::hmac;

use crate::support::{Fields, Record, json_vectors, real, records, secret, vectors};

/// NIST also tests HMAC-SHA2-224, which IKEv2 has no number for; prf+ takes any [`Prf`].
struct Sha224;

impl Prf for Sha224 {
    fn spec(&self) -> &PrfSpec {
        &PrfSpec {
            id: PrfId(0),
            output_len: 28,
            fixed_key: false,
            default_offer: false,
        }
    }

    fn compute(&self, key: &[u8], parts: &[&[u8]]) -> Secret {
        let key = hmac::Key::new(hmac::HMAC_SHA224, key);
        Secret::new(hmac::sign(&key, &parts.concat()).as_ref().to_vec())
    }
}

fn prf(hash: &str) -> &'static dyn Prf {
    let id = match hash {
        "SHA-1" => PrfId::PRF_HMAC_SHA1,
        "SHA-224" | "SHA2-224" => return &Sha224,
        "SHA-256" | "SHA2-256" => PrfId::PRF_HMAC_SHA2_256,
        "SHA-384" | "SHA2-384" => PrfId::PRF_HMAC_SHA2_384,
        "SHA-512" | "SHA2-512" => PrfId::PRF_HMAC_SHA2_512,
        other => panic!("unknown hash {other}"),
    };
    real().prf(id).unwrap()
}

struct Case {
    hash: String,
    ni: Vec<u8>,
    nr: Vec<u8>,
    shared: Vec<u8>,
    shared_new: Vec<u8>,
    spi_i: [u8; 8],
    spi_r: [u8; 8],
    skeyseed: Vec<u8>,
    dkm: Vec<u8>,
    dkm_child: Vec<u8>,
    dkm_child_dh: Vec<u8>,
    skeyseed_rekey: Vec<u8>,
}

fn concatenated(keys: &IkeKeys) -> Vec<u8> {
    [
        &keys.sk_d,
        &keys.sk_ai,
        &keys.sk_ar,
        &keys.sk_ei,
        &keys.sk_er,
        &keys.sk_pi,
        &keys.sk_pr,
    ]
    .map(Secret::expose)
    .concat()
}

fn check(case: &Case) {
    let prf = prf(&case.hash);
    let (ni, nr) = (case.ni.as_slice(), case.nr.as_slice());
    let shared = secret(&case.shared);
    let shared_new = secret(&case.shared_new);
    let inputs = IkeKeyInputs {
        ni,
        nr,
        shared: &shared,
        spi_i: case.spi_i,
        spi_r: case.spi_r,
    };

    // The cipher decides only where the material is cut, not what it is.
    let protection = real()
        .protection(
            EncrId::ENCR_AES_CBC,
            Some(128),
            Some(IntegId::AUTH_HMAC_SHA1_96),
        )
        .unwrap();
    let suite = IkeSuite { protection, prf };
    let keys = IkeKeys::derive(&suite, &inputs);
    let all = concatenated(&keys);
    let overlap = all.len().min(case.dkm.len());
    assert!(
        overlap > prf.spec().output_len,
        "all of SK_d is covered, and more"
    );
    assert_eq!(all[..overlap], case.dkm[..overlap]);

    let seed: [&[u8]; 4] = [ni, nr, &case.spi_i, &case.spi_r];
    assert_eq!(
        prf_plus(prf, &case.skeyseed, &seed, case.dkm.len()).expose(),
        case.dkm
    );

    let child = child_keymat(prf, &keys.sk_d, None, ni, nr, case.dkm_child.len());
    assert_eq!(child.expose(), case.dkm_child);
    let len = case.dkm_child_dh.len();
    let child_dh = child_keymat(prf, &keys.sk_d, Some(&shared_new), ni, nr, len);
    assert_eq!(child_dh.expose(), case.dkm_child_dh);
    let cut = ChildKeys::derive(&protection, prf, &keys.sk_d, None, ni, nr, &[]);
    let both = [cut.initiator.expose(), cut.responder.expose()].concat();
    assert_eq!(both, case.dkm_child[..both.len()]);

    let inputs = IkeKeyInputs {
        shared: &shared_new,
        ..inputs
    };
    let rekeyed = IkeKeys::derive_rekeyed(&suite, prf, &keys.sk_d, &inputs, &[]);
    let expected = prf_plus(prf, &case.skeyseed_rekey, &seed, all.len());
    assert_eq!(concatenated(&rekeyed), expected.expose());
}

#[test]
fn nist_ikev2_vectors() {
    let Some(text) = vectors("cavp/ikev2.rsp") else {
        return;
    };
    let mut passed = 0;
    for record in records(&text) {
        let hash = record
            .iter()
            .find(|(name, _)| name.starts_with("SHA-"))
            .unwrap()
            .0
            .clone();
        check(&Case {
            hash,
            ni: record.get("Ni"),
            nr: record.get("Nr"),
            shared: record.get("g^ir"),
            shared_new: record.get("g^ir (new)"),
            spi_i: record.get("SPIi").try_into().unwrap(),
            spi_r: record.get("SPIr").try_into().unwrap(),
            skeyseed: record.get("SKEYSEED"),
            dkm: record.get("DKM"),
            dkm_child: record.get("DKM(Child SA)"),
            dkm_child_dh: record.get("DKM(Child SA D-H)"),
            skeyseed_rekey: record.get("SKEYSEED(Rekey)"),
        });
        passed += 1;
    }
    println!("NIST IKEv2 key derivation: {passed}/280");
    assert_eq!(passed, 280);
}

#[test]
fn acvp_shaped_ikev2_case() {
    let Some(file) = json_vectors("acvp/libreswan_acvp_ikev2.json") else {
        return;
    };
    let (input, expected) = (&file["input"], &file["expected"]);
    check(&Case {
        hash: input.text("hashAlg").to_owned(),
        ni: input.octets("nInit"),
        nr: input.octets("nResp"),
        shared: input.octets("gir"),
        shared_new: input.octets("girNew"),
        spi_i: input.octets("spiInit").try_into().unwrap(),
        spi_r: input.octets("spiResp").try_into().unwrap(),
        skeyseed: expected.octets("sKeySeed"),
        dkm: expected.octets("derivedKeyingMaterial"),
        dkm_child: expected.octets("derivedKeyingMaterialChild"),
        dkm_child_dh: expected.octets("derivedKeyingMaterialDh"),
        skeyseed_rekey: expected.octets("sKeySeedReKey"),
    });
}

/// With a prf of fixed key length SKEYSEED is keyed by the first 8 octets of each nonce, while prf+ sees all of both
/// (RFC 7296 2.14).
#[test]
fn fixed_key_prf_uses_the_head_of_each_nonce() {
    let suite = real()
        .ike_suite(
            EncrId::ENCR_AES_CBC,
            Some(128),
            Some(IntegId::AUTH_AES_XCBC_96),
            PrfId::PRF_AES128_XCBC,
        )
        .unwrap();
    let (ni, nr, shared) = ([0x11; 32], [0x22; 32], secret(&[0x33; 32]));
    let inputs = IkeKeyInputs {
        ni: &ni,
        nr: &nr,
        shared: &shared,
        spi_i: [1; 8],
        spi_r: [2; 8],
    };
    let keys = IkeKeys::derive(&suite, &inputs);

    let skeyseed = suite
        .prf
        .compute(&[[0x11; 8], [0x22; 8]].concat(), &[&[0x33; 32]]);
    let seed: [&[u8]; 4] = [&ni, &nr, &[1; 8], &[2; 8]];
    let expected = prf_plus(suite.prf, skeyseed.expose(), &seed, 7 * 16);
    assert_eq!(concatenated(&keys), expected.expose());
}
