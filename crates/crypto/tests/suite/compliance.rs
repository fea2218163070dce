//! What protocol code relies on, run on every provider.

use adit_crypto::{
    BadKey, ChildKeys, EncrKind, EspCipher, IkeKeyInputs, IkeKeys, KeError, KeyExchange, OpenError,
    Protection, Provider, SealError, SkCipher, Unsupported, provider,
};
use adit_wire::iana::{EncrId, IntegId, KeMethod, PrfId};

fn providers() -> [(&'static str, Provider); 2] {
    [("aws_lc", provider::aws_lc()), ("fake", provider::fake(7))]
}

/// Every combination of cipher, key length and integrity algorithm.
fn protections(provider: &Provider) -> Vec<Protection> {
    let mut out = Vec::new();
    for encr in provider.encr {
        let spec = encr.spec();
        for &bits in spec.key_bits {
            let attribute = spec.has_key_length.then_some(bits);
            match spec.kind {
                EncrKind::Aead => out.push(provider.protection(spec.id, attribute, None).unwrap()),
                EncrKind::Cipher => out.extend(provider.integ.iter().map(|integ| {
                    provider
                        .protection(spec.id, attribute, Some(integ.spec().id))
                        .unwrap()
                })),
            }
        }
    }
    out
}

fn keymat(len: usize, seed: u8) -> Vec<u8> {
    (0..len)
        .map(|at| seed.wrapping_mul(31).wrapping_add(at.to_le_bytes()[0]))
        .collect()
}

#[test]
fn registry_has_what_the_product_offers() {
    for (name, provider) in providers() {
        for encr in [
            EncrId::ENCR_AES_GCM_16,
            EncrId::ENCR_CHACHA20_POLY1305,
            EncrId::ENCR_AES_CBC,
        ] {
            assert!(
                provider.encr(encr).unwrap().spec().default_offer,
                "{name} {encr}"
            );
        }
        for encr in [
            EncrId::ENCR_AES_CTR,
            EncrId::ENCR_AES_CCM_8,
            EncrId::ENCR_AES_CCM_12,
            EncrId::ENCR_AES_CCM_16,
            EncrId::ENCR_AES_GCM_8,
            EncrId::ENCR_AES_GCM_12,
            EncrId::ENCR_NULL_AUTH_AES_GMAC,
            EncrId::ENCR_3DES,
            EncrId::ENCR_NULL,
        ] {
            assert!(
                !provider.encr(encr).unwrap().spec().default_offer,
                "{name} {encr}"
            );
        }
        for integ in [IntegId::AUTH_AES_CMAC_96, IntegId::AUTH_AES_XCBC_96] {
            assert!(
                !provider.integ(integ).unwrap().spec().default_offer,
                "{name} {integ}"
            );
        }
        for ke in [14, 15, 16, 19, 20, 21, 31, 36] {
            assert!(
                provider.ke(KeMethod(ke)).unwrap().spec().default_offer,
                "{name} {ke}"
            );
        }
        assert_eq!(
            provider.ke(KeMethod(2)).err(),
            Some(Unsupported::Ke(KeMethod(2)))
        );
        assert_eq!(
            provider.encr(EncrId(999)).err(),
            Some(Unsupported::Encr(EncrId(999)))
        );
        assert_eq!(
            provider.prf(PrfId(999)).err(),
            Some(Unsupported::Prf(PrfId(999)))
        );
        assert_eq!(
            provider.integ(IntegId(999)).err(),
            Some(Unsupported::Integ(IntegId(999)))
        );
    }
}

#[test]
fn esp_round_trip_and_every_single_bit_forgery() {
    for (name, provider) in providers() {
        for protection in protections(&provider) {
            let cipher = EspCipher::new(&protection, &keymat(protection.keymat_len(), 1)).unwrap();
            let shape = cipher.shape();
            let body = keymat(48, 2);
            for high in [None, Some(5)] {
                let blank = [vec![0; shape.iv_len], body.clone(), vec![0; shape.icv_len]].concat();
                let mut packet = [b"SPI!\x00\x00\x00\x09".to_vec(), blank].concat();
                let clear = packet.clone();
                cipher.seal(&mut packet, high, 9).unwrap();
                assert_ne!(packet, clear, "{name} {protection:?}");

                let mut opened = packet.clone();
                let inside = cipher.open(&mut opened, high).unwrap();
                assert_eq!(opened[inside], body, "{name} {protection:?}");

                for bit in 0..packet.len() * 8 {
                    let mut forged = packet.clone();
                    forged[bit / 8] ^= 1 << (bit % 8);
                    let refused = cipher.open(&mut forged, high);
                    assert_eq!(
                        refused,
                        Err(OpenError::BadIcv),
                        "{name} {protection:?} bit {bit}"
                    );
                }
                for len in 0..packet.len() {
                    assert!(cipher.open(&mut packet[..len].to_vec(), high).is_err());
                }
            }
        }
    }
}

#[test]
fn from_one_buffer_into_another_is_the_same_packet() {
    for (name, provider) in providers() {
        for protection in protections(&provider) {
            let cipher = EspCipher::new(&protection, &keymat(protection.keymat_len(), 1)).unwrap();
            let shape = cipher.shape();
            for high in [None, Some(5)] {
                for blocks in [0, 1, 3, 15, 16, 17, 31, 64, 88] {
                    let body = keymat(blocks * shape.block_len.max(4) + shape.block_len.max(4), 2);
                    for tail in [0, 2, 4] {
                        let (payload, trailer) = body.split_at(body.len() - tail);
                        let header = b"SPI!\x00\x00\x00\x09".to_vec();
                        let (iv, icv) = (vec![0; shape.iv_len], vec![0; shape.icv_len]);
                        let mut expected = [header.clone(), iv, body.clone(), icv.clone()].concat();
                        cipher.seal(&mut expected, high, 9).unwrap();
                        let mut packet = vec![0xee; expected.len()];
                        packet[..8].copy_from_slice(&header);
                        cipher
                            .seal_from(&mut packet, payload, trailer, high, 9)
                            .unwrap();
                        assert_eq!(packet, expected, "{name} {protection:?} {blocks} {tail}");
                        for wrong in [expected.len() - 1, expected.len() + 1] {
                            packet.resize(wrong, 0);
                            let refused = cipher.seal_from(&mut packet, payload, trailer, high, 9);
                            assert_eq!(refused, Err(SealError::Layout));
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn every_wrong_key_octet_is_noticed() {
    for (name, provider) in providers() {
        for protection in protections(&provider) {
            let right = keymat(protection.keymat_len(), 1);
            let shape = protection.shape();
            let mut packet = vec![0; 8 + shape.iv_len + 48 + shape.icv_len];
            EspCipher::new(&protection, &right)
                .unwrap()
                .seal(&mut packet, None, 1)
                .unwrap();
            // Where an integrity algorithm decides, only its key is noticed; the cipher's key shows in the text.
            let from = if protection.integ_id().is_some() {
                protection.encr_key_len()
            } else {
                0
            };
            for at in from..right.len() {
                let mut wrong = right.clone();
                wrong[at] ^= 0x10;
                let cipher = EspCipher::new(&protection, &wrong).unwrap();
                let refused = cipher.open(&mut packet.clone(), None);
                assert_eq!(
                    refused,
                    Err(OpenError::BadIcv),
                    "{name} {protection:?} octet {at}"
                );
            }
        }
    }
}

#[test]
fn ivs_differ_and_those_of_cbc_cannot_be_guessed() {
    for (_, provider) in providers() {
        for protection in protections(&provider) {
            let cipher = EspCipher::new(&protection, &keymat(protection.keymat_len(), 1)).unwrap();
            let shape = cipher.shape();
            if shape.iv_len == 0 {
                continue;
            }
            let iv = |counter| {
                let mut packet = vec![0; 8 + shape.iv_len + 16 + shape.icv_len];
                cipher.seal(&mut packet, None, counter).unwrap();
                packet[8..8 + shape.iv_len].to_vec()
            };
            assert_ne!(iv(1), iv(2), "{protection:?}");
            if shape.block_len > 1 {
                let shared = iv(1).iter().zip(iv(2)).filter(|(a, b)| *a == b).count();
                assert!(shared <= 3, "{protection:?}: IVs of neighbours look alike");
            } else {
                assert_eq!(
                    iv(1),
                    1_u64.to_be_bytes(),
                    "{protection:?}: the counter itself"
                );
            }
        }
    }
}

#[test]
fn wrong_key_lengths_are_refused() {
    for (_, provider) in providers() {
        for protection in protections(&provider) {
            let len = protection.keymat_len();
            for wrong in [0, len - 1, len + 1] {
                assert!(matches!(
                    EspCipher::new(&protection, &keymat(wrong, 1)).err(),
                    Some(BadKey { .. })
                ));
            }
        }
    }
}

/// A sealed IKE message of any inner length opens, and nothing but the exact message does.
#[test]
fn sk_round_trip() {
    for (name, provider) in providers() {
        for protection in protections(&provider) {
            if !provider.encr(protection.encr_id()).unwrap().spec().for_ike {
                continue;
            }
            let sk_e = keymat(protection.encr_key_len(), 1);
            let sk_a = keymat(protection.integ_key_len(), 2);
            let mut sealing = SkCipher::new(&protection, &sk_e, &sk_a).unwrap();
            let opening = SkCipher::new(&protection, &sk_e, &sk_a).unwrap();
            let mut seen = Vec::new();
            for inner_len in [0, 1, 15, 16, 17, 100] {
                let inner = keymat(inner_len, 3);
                // An IKE header, and the header of an SK payload whose lengths are not yet known.
                let mut message = [keymat(24, 4), vec![0; 8]].concat();
                sealing.seal(&mut message, 28, &inner).unwrap();
                assert_eq!(message.len(), 32 + sealing.sealed_len(inner_len));
                assert_eq!(
                    message[24..28],
                    u32::try_from(message.len()).unwrap().to_be_bytes()
                );
                let payload_len = u16::try_from(message.len() - 28).unwrap();
                assert_eq!(message[30..32], payload_len.to_be_bytes());
                seen.push(message[32..32 + sealing.shape().iv_len].to_vec());

                let mut opened = message.clone();
                let range = opening.open(&mut opened, 32).unwrap();
                assert_eq!(opened[range], inner, "{name} {protection:?}");
                for at in 0..message.len() {
                    let mut forged = message.clone();
                    forged[at] ^= 0x40;
                    assert_eq!(opening.open(&mut forged, 32), Err(OpenError::BadIcv));
                    assert!(opening.open(&mut message[..at].to_vec(), 32).is_err());
                }
            }
            seen.sort();
            seen.dedup();
            assert_eq!(seen.len(), 6, "{name} {protection:?}: an IV was used twice");
        }
    }
}

fn exchange(ke: &'static dyn KeyExchange, provider: &Provider) -> Vec<u8> {
    let (initiator, public_i) = ke.start(provider.random.as_ref());
    let (public_r, secret_r) = ke.respond(provider.random.as_ref(), &public_i).unwrap();
    let secret_i = initiator.finish(&public_r).unwrap();
    let spec = ke.spec();
    assert_eq!(
        (public_i.len(), public_r.len()),
        (spec.initiator_len, spec.responder_len)
    );
    assert_eq!(secret_i.len(), spec.shared_len);
    assert_eq!(secret_i.expose(), secret_r.expose(), "{}", spec.id);
    assert_ne!(public_i, public_r);
    secret_i.expose().to_vec()
}

#[test]
fn both_sides_of_every_key_exchange_agree() {
    for (_, provider) in providers() {
        for &ke in provider.ke {
            assert_ne!(
                exchange(ke, &provider),
                exchange(ke, &provider),
                "a fresh secret each time"
            );
        }
    }
}

#[test]
fn bad_public_values_are_refused() {
    for (name, provider) in providers() {
        for &ke in provider.ke {
            let spec = ke.spec();
            let answer = |public: &[u8]| {
                ke.respond(provider.random.as_ref(), public)
                    .map(|_| ())
                    .unwrap_err()
            };
            let right = spec.initiator_len;
            for wrong in [0, 1, right - 1, right + 1] {
                assert_eq!(
                    answer(&vec![2; wrong]),
                    KeError::WrongLength {
                        method: spec.id,
                        expected: right,
                        got: wrong
                    }
                );
            }
            // Zeros are an element of ML-KEM's ring; coefficients above the modulus aren't (FIPS 203 7.2).
            let outsider = if spec.may_be_first { 0 } else { 0xff };
            let zero = answer(&vec![outsider; right]);
            let outside = [
                KeError::InvalidPublic(spec.id),
                KeError::ZeroSecret(spec.id),
            ];
            assert!(outside.contains(&zero), "{name} {}", spec.id);
        }
    }
}

/// The whole path from exchange to packet, for every suite the provider offers by default.
#[test]
fn a_tunnel_from_nothing() {
    for (_, provider) in providers() {
        let ke = provider.ke(KeMethod::CURVE25519).unwrap();
        for encr in provider
            .encr
            .iter()
            .map(|encr| encr.spec())
            .filter(|spec| spec.default_offer)
        {
            let integ = (encr.kind == EncrKind::Cipher).then_some(IntegId::AUTH_HMAC_SHA2_256_128);
            let bits = encr.has_key_length.then_some(256);
            let prf = PrfId::PRF_HMAC_SHA2_384;
            let suite = provider.ike_suite(encr.id, bits, integ, prf).unwrap();
            let shared = adit_crypto::Secret::new(exchange(ke, &provider));
            let (ni, nr) = (
                provider.random_octets::<32>(),
                provider.random_octets::<32>(),
            );
            let inputs = IkeKeyInputs {
                ni: &ni,
                nr: &nr,
                shared: &shared,
                spi_i: [1; 8],
                spi_r: [2; 8],
            };
            let keys = IkeKeys::derive(&suite, &inputs);
            assert_ne!(keys.sk_ei.expose(), keys.sk_er.expose());
            assert_ne!(keys.sk_pi.expose(), keys.sk_pr.expose());
            assert!(
                SkCipher::new(&suite.protection, keys.sk_ei.expose(), keys.sk_ai.expose()).is_ok()
            );
            assert!(
                SkCipher::new(&suite.protection, keys.sk_er.expose(), keys.sk_ar.expose()).is_ok()
            );

            let child = ChildKeys::derive(
                &suite.protection,
                suite.prf,
                &keys.sk_d,
                None,
                &ni,
                &nr,
                &[],
            );
            assert!(EspCipher::new(&suite.protection, child.initiator.expose()).is_ok());
            assert!(EspCipher::new(&suite.protection, child.responder.expose()).is_ok());
            assert_ne!(child.initiator.expose(), child.responder.expose());
        }
    }
}

#[test]
fn the_fake_provider_repeats_itself_and_the_real_one_does_not() {
    let run = |provider: &Provider| {
        let ke = provider.ke(KeMethod::MODP_2048).unwrap();
        (provider.random_octets::<24>(), exchange(ke, provider))
    };
    assert_eq!(run(&provider::fake(1)), run(&provider::fake(1)));
    assert_ne!(run(&provider::fake(1)), run(&provider::fake(2)));
    assert_ne!(run(&provider::aws_lc()), run(&provider::aws_lc()));
}

/// A fragment (RFC 7383): the fragment numbers stand between the payload header and the IV, and are authenticated.
#[test]
fn skf_round_trip() {
    for (_, provider) in providers() {
        let protection = provider
            .protection(EncrId::ENCR_AES_GCM_16, Some(256), None)
            .unwrap();
        let mut cipher = SkCipher::new(&protection, &keymat(36, 1), &[]).unwrap();
        let mut message = [keymat(24, 4), vec![0; 8], vec![0, 2, 0, 3]].concat();
        cipher.seal(&mut message, 28, b"second of three").unwrap();
        assert_eq!(
            usize::from(u16::from_be_bytes([message[30], message[31]])),
            message.len() - 28
        );
        let mut renumbered = message.clone();
        renumbered[33] = 1;
        assert_eq!(cipher.open(&mut renumbered, 36), Err(OpenError::BadIcv));
        let inner = cipher.open(&mut message, 36).unwrap();
        assert_eq!(&message[inner], b"second of three");
    }
}

/// One key serves several threads.
#[test]
fn threads_share_a_cipher() {
    let provider = provider::aws_lc();
    for protection in protections(&provider) {
        let cipher = EspCipher::new(&protection, &keymat(protection.keymat_len(), 1)).unwrap();
        let shape = cipher.shape();
        let seal = |counter| {
            let mut packet = vec![0; 8 + shape.iv_len + 64 + shape.icv_len];
            cipher.seal(&mut packet, None, counter).unwrap();
            packet
        };
        let alone: Vec<_> = (0..64).map(seal).collect();
        std::thread::scope(|scope| {
            let both = [(); 2].map(|()| scope.spawn(|| (0..64).map(seal).collect::<Vec<_>>()));
            for one in both {
                assert_eq!(one.join().unwrap(), alone, "{protection:?}");
            }
        });
    }
}
