//! Sealing and opening ESP packets with the ciphers offered by default never touches the heap.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod counting;

use adit_crypto::{EncrKind, EspCipher, provider};
use counting::allocations;

#[test]
fn sealing_and_opening() {
    let provider = provider::aws_lc();
    let mut checked = 0;
    for encr in provider
        .encr
        .iter()
        .map(|encr| encr.spec())
        .filter(|spec| spec.default_offer)
    {
        let bits = encr.has_key_length.then_some(256);
        let integs = match encr.kind {
            EncrKind::Aead => vec![None],
            EncrKind::Cipher => {
                let offered = provider.integ.iter().map(|integ| integ.spec());
                offered
                    .filter(|spec| spec.default_offer)
                    .map(|spec| Some(spec.id))
                    .collect()
            }
        };
        for integ in integs {
            let protection = provider.protection(encr.id, bits, integ).unwrap();
            let cipher = EspCipher::new(&protection, &vec![1; protection.keymat_len()]).unwrap();
            let shape = cipher.shape();
            let mut packet = vec![0; 8 + shape.iv_len + 1024 + shape.icv_len];
            let payload = vec![0; 1022];
            let touched = allocations(|| {
                for high in [None, Some(1)] {
                    for counter in 0..10 {
                        cipher.seal(&mut packet, high, counter).unwrap();
                        cipher.open(&mut packet, high).unwrap();
                        let trailer = [0, 4];
                        cipher
                            .seal_from(&mut packet, &payload, &trailer, high, counter + 10)
                            .unwrap();
                        cipher.open(&mut packet, high).unwrap();
                    }
                }
            });
            assert_eq!(touched, 0, "{protection:?}");
            checked += 1;
        }
    }
    assert_eq!(checked, 5);
    let one = allocations(|| drop(std::hint::black_box(vec![0_u8; 1])));
    assert_eq!(one, 1, "the counter counts");
}
