//! What is refused, and in which words.

use adit_crypto::{EspCipher, KeError, OpenError, SealError, SkCipher, Unsupported, provider};
use adit_wire::iana::{EncrId, IntegId, KeMethod, PrfId};

use crate::support::{Scripted, hex, real};

#[test]
fn combinations_that_cannot_work() {
    let refuse = |encr, bits, integ| real().protection(encr, bits, integ).unwrap_err();
    let sha256 = Some(IntegId::AUTH_HMAC_SHA2_256_128);
    let (gcm, cbc, chacha) = (
        EncrId::ENCR_AES_GCM_16,
        EncrId::ENCR_AES_CBC,
        EncrId::ENCR_CHACHA20_POLY1305,
    );

    assert_eq!(refuse(cbc, Some(128), None), Unsupported::IntegMissing(cbc));
    assert_eq!(
        refuse(cbc, Some(128), Some(IntegId::NONE)),
        Unsupported::IntegMissing(cbc)
    );
    assert_eq!(
        refuse(gcm, Some(128), sha256),
        Unsupported::IntegSuperfluous {
            encr: gcm,
            integ: IntegId::AUTH_HMAC_SHA2_256_128
        }
    );
    assert_eq!(
        refuse(gcm, None, None),
        Unsupported::KeyBits {
            encr: gcm,
            bits: None
        }
    );
    assert_eq!(
        refuse(gcm, Some(160), None),
        Unsupported::KeyBits {
            encr: gcm,
            bits: Some(160)
        }
    );
    assert_eq!(
        refuse(chacha, Some(128), None),
        Unsupported::KeyBits {
            encr: chacha,
            bits: Some(128)
        }
    );
    assert!(real().protection(chacha, None, Some(IntegId::NONE)).is_ok());
    for encr in [EncrId::ENCR_NULL, EncrId::ENCR_NULL_AUTH_AES_GMAC] {
        let (bits, integ) = if encr == EncrId::ENCR_NULL {
            (None, sha256)
        } else {
            (Some(128), None)
        };
        assert!(real().protection(encr, bits, integ).is_ok(), "ESP may");
        assert_eq!(
            real()
                .ike_suite(encr, bits, integ, PrfId::PRF_HMAC_SHA2_256)
                .unwrap_err(),
            Unsupported::NotForIke(encr)
        );
    }
}

#[test]
fn unsupported_says_what_it_is_about() {
    let text = real()
        .protection(EncrId::ENCR_AES_CBC, Some(128), None)
        .unwrap_err()
        .to_string();
    assert_eq!(text, "ENCR_AES_CBC needs an integrity algorithm beside it");
    let text = real().ke(KeMethod::MODP_1024).err().unwrap().to_string();
    assert_eq!(text, "modp1024 is not implemented");
}

/// y in {0, 1, p - 1, p, 2^2048 - 1} would confine the secret to a few values (RFC 6989 2.1); 2 and p - 2 would not.
#[test]
fn modp_public_values_at_the_edges() {
    let p = hex(
        "ffffffffffffffffc90fdaa22168c234c4c6628b80dc1cd129024e088a67cc74
         020bbea63b139b22514a08798e3404ddef9519b3cd3a431b302b0a6df25f1437
         4fe1356d6d51c245e485b576625e7ec6f44c42e9a637ed6b0bff5cb6f406b7ed
         ee386bfb5a899fa5ae9f24117c4b1fe649286651ece45b3dc2007cb8a163bf05
         98da48361c55d39a69163fa8fd24cf5f83655d23dca3ad961c62f356208552bb
         9ed529077096966d670c354e4abc9804f1746c08ca18217c32905e462e36ce3b
         e39e772c180e86039b2783a2ec07a28fb5c55df06f4c52c9de2bcbf695581718
         3995497cea956ae515d2261898fa051015728e5a8aacaa68ffffffffffffffff",
    );
    let ke = real().ke(KeMethod::MODP_2048).unwrap();
    let padded = |last: u8| [vec![0; 255], vec![last]].concat();
    let below_p = |by: u8| {
        let mut value = p.clone();
        value[255] -= by;
        value
    };
    let answer = |public: &[u8]| ke.respond(real().random.as_ref(), public);
    for outside in [padded(0), padded(1), below_p(1), p.clone(), vec![0xff; 256]] {
        assert_eq!(
            answer(&outside).err(),
            Some(KeError::InvalidPublic(KeMethod::MODP_2048))
        );
    }
    for inside in [padded(2), below_p(2)] {
        assert!(answer(&inside).is_ok());
    }
}

#[test]
fn points_off_the_curve() {
    for method in [KeMethod::ECP_256, KeMethod::ECP_384, KeMethod::ECP_521] {
        let ke = real().ke(method).unwrap();
        let (ephemeral, mut public) = ke.start(real().random.as_ref());
        *public.last_mut().unwrap() ^= 1;
        assert_eq!(
            ephemeral.finish(&public).err(),
            Some(KeError::InvalidPublic(method))
        );
    }
}

/// Nothing but the given source makes the ephemeral key: the same octets give the same public value.
#[test]
fn ephemeral_keys_come_from_the_given_randomness() {
    for ke in real().ke {
        let script = || Scripted(std::sync::Mutex::new((1..=255).collect()));
        assert_eq!(
            ke.start(&script()).1,
            ke.start(&script()).1,
            "{}",
            ke.spec().id
        );
    }
}

/// A draw that is not below the order of P-256 is thrown away, not reduced.
#[test]
fn scalars_outside_the_group_are_drawn_again() {
    let ke = real().ke(KeMethod::ECP_256).unwrap();
    let script = |octets: Vec<u8>| Scripted(std::sync::Mutex::new(octets));
    let good = vec![0x42; 32];
    let after_bad = [vec![0xff; 32], vec![0; 32], good.clone()].concat();
    assert_eq!(ke.start(&script(after_bad)).1, ke.start(&script(good)).1);
}

#[test]
fn private_values_out_of_range() {
    for (method, private) in [
        (KeMethod::MODP_2048, vec![0; 32]),
        (KeMethod::MODP_2048, vec![1; 257]),
        (KeMethod::ECP_256, vec![0; 32]),
        (KeMethod::ECP_256, vec![0xff; 32]),
        (KeMethod::CURVE25519, vec![1; 31]),
    ] {
        let refused = real()
            .ke(method)
            .unwrap()
            .dangerous_start_with(&private)
            .err();
        assert_eq!(refused, Some(KeError::BadPrivate(method)));
    }
}

#[test]
fn buffers_without_room() {
    let protection = real()
        .protection(
            EncrId::ENCR_AES_CBC,
            Some(128),
            Some(IntegId::AUTH_HMAC_SHA2_256_128),
        )
        .unwrap();
    let cipher = EspCipher::new(&protection, &[1; 48]).unwrap();
    for len in [0, 7, 8, 8 + 16, 8 + 16 + 15, 8 + 16 + 16 + 1] {
        assert_eq!(
            cipher.seal(&mut vec![0; len], None, 1),
            Err(SealError::Layout),
            "{len}"
        );
    }
    assert_eq!(
        cipher.open(&mut [0; 8 + 16 + 15 + 16], None),
        Err(OpenError::Misaligned { len: 15, block: 16 })
    );
    assert_eq!(
        cipher.open(&mut [0; 39], None),
        Err(OpenError::TooShort { need: 40, have: 39 })
    );

    let mut sk = SkCipher::new(&protection, &[1; 16], &[1; 32]).unwrap();
    assert_eq!(
        sk.seal(&mut vec![0; 31], 28, b""),
        Err(SealError::Layout),
        "no payload header"
    );
    assert_eq!(
        sk.seal(&mut vec![0; 32], 10, b""),
        Err(SealError::Layout),
        "inside the IKE header"
    );
    assert_eq!(
        sk.seal(&mut vec![0; 32], 28, &[0; 70_000]),
        Err(SealError::TooLong)
    );
    assert!(matches!(
        sk.open(&mut [0; 40], usize::MAX),
        Err(OpenError::TooShort { .. })
    ));
}

/// A peer with the right keys can still send a Pad Length that points in front of the payloads.
#[test]
fn pad_length_beyond_the_payload() {
    let protection = real()
        .protection(EncrId::ENCR_AES_GCM_16, Some(128), None)
        .unwrap();
    let sk = SkCipher::new(&protection, &[1; 20], &[]).unwrap();
    // Sealed through the ESP door, which adds no padding of its own: three octets, the last one claiming 200.
    let key = crate::support::aead(EncrId::ENCR_AES_GCM_16, &[1; 20]);
    let (header, iv, mut body, mut icv) = ([0; 32], [0; 8], [7, 7, 200], [0; 16]);
    key.seal(&iv, &header, &mut body, &mut icv).unwrap();
    let mut message = [&header[..], &iv, &body, &icv].concat();
    assert_eq!(
        sk.open(&mut message, 32),
        Err(OpenError::BadPadding {
            pad_len: 200,
            len: 2
        })
    );
}

#[test]
fn a_provider_shows_no_secret() {
    let text = format!("{:?}", provider::fake(0x5eed));
    assert!(text.contains("ENCR_AES_GCM_16") && text.contains("x25519"));
    assert!(!text.contains("5eed") && !text.contains("24301"));
}
