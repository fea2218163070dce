//! Short examples printed in RFCs, typed in: what a fresh clone tests.

use adit_crypto::{EspCipher, SkCipher};
use adit_wire::iana::{EncrId, KeMethod, PrfId};

use crate::support::{cipher, hex, real, secret};

/// RFC 4231 4.2-4.5, 4.7, 4.8: key, data, HMAC-SHA-256, -384, -512.
const HMAC_CASES: &[[&str; 5]] = &[
    [
        "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b",
        "4869205468657265",
        "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
        "afd03944d84895626b0825f4ab46907f15f9dadbe4101ec682aa034c7cebc59cfaea9ea9076ede7f4af152e8b2fa9cb6",
        "87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cdedaa833b7d6b8a702038b274eaea3f4e4
         be9d914eeb61f1702e696c203a126854",
    ],
    [
        "4a656665",
        "7768617420646f2079612077616e7420666f72206e6f7468696e673f",
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
        "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649",
        "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fd
         caeab1a34d4a6b4b636e070a38bce737",
    ],
    [
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        "dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd",
        "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe",
        "88062608d3e6ad8a0aa2ace014c8a86f0aa635d947ac9febe83ef4e55966144b2a5ab39dc13814b94e3ab6e101a34f27",
        "fa73b0089d56a284efb0f0756c890be9b1b5dbdd8ee81a3655f83e33b2279d39bf3e848279a722c806b485a47e67c807
         b946a337bee8942674278859e13292fb",
    ],
    [
        "0102030405060708090a0b0c0d0e0f10111213141516171819",
        "cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd",
        "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b",
        "3e8a69b7783c25851933ab6290af6ca77a9981480850009cc5577c6e1f573b4e6801dd23c4a7d679ccf8a386c674cffb",
        "b0ba465637458c6990e5a8c5f61d4af7e576d97ff94b872de76f8050361ee3dba91ca5c11aa25eb4d679275cc5788063
         a5f19741120c4f2de2adebeb10a298dd",
    ],
    [
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
         aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
         aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        "54657374205573696e67204c6172676572205468616e20426c6f636b2d53697a65204b6579202d2048617368204b6579
         204669727374",
        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
        "4ece084485813e9088d2c63a041bc5b44f9ef1012a2b588f3cd11f05033ac4c60c2ef6ab4030fe8296248df163f44952",
        "80b24263c7c1a3ebb71493c1dd7be8b49b46d1f41b4aeec1121b013783f8f3526b56d037e05f2598bd0fd2215d6a1e52
         95e64f73f63f0aec8b915a985d786598",
    ],
];

#[test]
fn rfc4231_hmac() {
    for [key, data, sha256, sha384, sha512] in HMAC_CASES {
        for (id, expected) in [
            (PrfId::PRF_HMAC_SHA2_256, sha256),
            (PrfId::PRF_HMAC_SHA2_384, sha384),
            (PrfId::PRF_HMAC_SHA2_512, sha512),
        ] {
            let data = hex(data);
            let (front, back) = data.split_at(data.len() / 3);
            let prf = real().prf(id).unwrap();
            assert_eq!(prf.compute(&hex(key), &[&data]).expose(), hex(expected));
            assert_eq!(
                prf.compute(&hex(key), &[front, back]).expose(),
                hex(expected)
            );
        }
    }
}

/// RFC 2202 3, cases 1, 2 and 6.
#[test]
fn rfc2202_hmac_sha1() {
    let prf = real().prf(PrfId::PRF_HMAC_SHA1).unwrap();
    let compute = |key: &[u8], data: &[u8]| prf.compute(key, &[data]).expose().to_vec();
    assert_eq!(
        compute(&[0x0b; 20], b"Hi There"),
        hex("b617318655057264e28bc0b6fb378c8ef146be00")
    );
    assert_eq!(
        compute(b"Jefe", b"what do ya want for nothing?"),
        hex("effcdf6ae5eb2fa2d27416d5f184df9c259a7c79")
    );
    assert_eq!(
        compute(
            &[0xaa; 80],
            b"Test Using Larger Than Block-Size Key - Hash Key First"
        ),
        hex("aa4ae5e15272d00e95705637ce8a3b55ed402112")
    );
}

/// RFC 3602 4, cases 1, 2 and 6 (the encrypted part of an ESP packet).
#[test]
fn rfc3602_aes_cbc() {
    for (key, iv, plain, encrypted) in [
        (
            "06a9214036b8a15b512e03d534120006",
            "3dafba429d9eb430b422da802c9fac41",
            "53696e676c6520626c6f636b206d7367",
            "e353779c1079aeb82708942dbe77181a",
        ),
        (
            "c286696d887c9aa0611bbb3e2025a45a",
            "562e17996d093d28ddb3ba695a2e6f58",
            "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
            "d296cd94c2cccf8a3a863028b5e1dc0a7586602d253cfff91b8266bea6d61ab1",
        ),
        (
            "90d382b410eeba7ad938c46cec1a82bf",
            "69d08df7d203329db093fc4924e5bd80",
            "0800b5e8a80a0500a69c083d0b660e0077777777777777777777777701020201",
            "f51995881ec4e0c4488987ce742e8109689bb379d2d750c0d915dca346a89f75",
        ),
    ] {
        let key = cipher(EncrId::ENCR_AES_CBC, &hex(key));
        let mut body = hex(plain);
        key.encrypt(&hex(iv), &mut body);
        assert_eq!(body, hex(encrypted));
        key.decrypt(&hex(iv), &mut body);
        assert_eq!(body, hex(plain));
    }
}

fn agree(method: KeMethod, cases: [(&str, &str); 2], shared: &str) {
    let ke = real().ke(method).unwrap();
    let [(private_i, public_i), (private_r, public_r)] = cases.map(|(d, q)| (hex(d), hex(q)));
    let (i, sent_i) = ke.dangerous_start_with(&private_i).unwrap();
    let (r, sent_r) = ke.dangerous_start_with(&private_r).unwrap();
    assert_eq!(
        (sent_i.as_slice(), sent_r.as_slice()),
        (&public_i[..], &public_r[..])
    );
    assert_eq!(i.finish(&public_r).unwrap().expose(), hex(shared));
    assert_eq!(r.finish(&public_i).unwrap().expose(), hex(shared));
}

/// RFC 5903 8.1: the KE payload holds x | y, the secret is x alone (9).
#[test]
fn rfc5903_256_bit_group() {
    agree(
        KeMethod::ECP_256,
        [
            (
                "c88f01f510d9ac3f70a292daa2316de544e9aab8afe84049c62a9c57862d1433",
                "dad0b65394221cf9b051e1feca5787d098dfe637fc90b9ef945d0c3772581180
                 5271a0461cdb8252d61f1c456fa3e59ab1f45b33accf5f58389e0577b8990bb3",
            ),
            (
                "c6ef9c5d78ae012a011164acb397ce2088685d8f06bf9be0b283ab46476bee53",
                "d12dfb5289c8d4f81208b70270398c342296970a0bccb74c736fc7554494bf63
                 56fbf3ca366cc23e8157854c13c58d6aac23f046ada30f8353e74f33039872ab",
            ),
        ],
        "d6840f6b42f6edafd13116e0e12565202fef8e9ece7dce03812464d04b9442de",
    );
}

/// RFC 5903 8.2.
#[test]
fn rfc5903_384_bit_group() {
    agree(
        KeMethod::ECP_384,
        [
            (
                "099f3c7034d4a2c699884d73a375a67f7624ef7c6b3c0f160647b67414dce655e35b538041e649ee3faef896783ab194",
                "667842d7d180ac2cde6f74f37551f55755c7645c20ef73e31634fe72b4c55ee6de3ac808acb4bdb4c88732aee95f41aa
                 9482ed1fc0eeb9cafc4984625ccfc23f65032149e0e144ada024181535a0f38eeb9fcff3c2c947dae69b4c634573a81c",
            ),
            (
                "41cb0779b4bdb85d47846725fbec3c9430fab46cc8dc5060855cc9bda0aa2942e0308312916b8ed2960e4bd55a7448fc",
                "e558dbef53eecde3d3fccfc1aea08a89a987475d12fd950d83cfa41732bc509d0d1ac43a0336def96fda41d0774a3571
                 dcfbec7aacf3196472169e838430367f66eebe3c6e70c416dd5f0c68759dd1fff83fa40142209dff5eaad96db9e6386c",
            ),
        ],
        "11187331c279962d93d604243fd592cb9d0a926f422e47187521287e7156c5c4d603135569b9e9d09cf5d4a270f59746",
    );
}

/// RFC 5903 8.3.
#[test]
fn rfc5903_521_bit_group() {
    agree(
        KeMethod::ECP_521,
        [
            (
                "0037ade9319a89f4dabdb3ef411aaccca5123c61acab57b5393dce47608172a095aa85a30fe1c2952c6771d937ba9777
                 f5957b2639bab072462f68c27a57382d4a52",
                "0015417e84dbf28c0ad3c278713349dc7df153c897a1891bd98bab4357c9ecbee1e3bf42e00b8e380aeae57c2d107564
                 941885942af5a7f4601723c4195d176ced3e
                 017cae20b6641d2eeb695786d8c946146239d099e18e1d5a514c739d7cb4a10ad8a788015ac405d7799dc75e7b7d5b6c
                 f2261a6a7f1507438bf01beb6ca3926f9582",
            ),
            (
                "0145ba99a847af43793fdd0e872e7cdfa16be30fdc780f97bccc3f078380201e9c677d600b343757a3bdbf2a3163e4c2
                 f869cca7458aa4a4effc311f5cb151685eb9",
                "00d0b3975ac4b799f5bea16d5e13e9af971d5e9b984c9f39728b5e5739735a219b97c356436adc6e95bb0352f6be64a6
                 c2912d4ef2d0433ced2b6171640012d9460f
                 015c68226383956e3bd066e797b623c27ce0eac2f551a10c2c724d9852077b87220b6536c5c408a1d2aebb8e86d678ae
                 49cb57091f4732296579ab44fcd17f0fc56a",
            ),
        ],
        "01144c7d79ae6956bc8edb8e7c787c4521cb086fa64407f97894e5e6b2d79b04d1427e73ca4baa240a34786859810c06
         b3c715a3a8cc3151f2bee417996d19f3ddea",
    );
}

/// RFC 8031, appendix A.
#[test]
fn rfc8031_curve25519() {
    agree(
        KeMethod::CURVE25519,
        [
            (
                "751fb4308655b476b6789b7325f9ea8cddd16a58533ff6d9e60009464a5f9d94",
                "48d5ddd4061257ba166fa3f9bbdb74f1a4e81c089384fa77f790709f0dfbc766",
            ),
            (
                "0a54645253290d60ddadd0e030bacd9e5501efdc220755a1e978f1b839a05688",
                "0be7c1f5aad87d7e448662673298a443478b859745179eaf564c79c0ef6eee25",
            ),
        ],
        "c74950607a12327f3204d94b6825bfb068b7f8319a9e3708ed3d43ce8130c950",
    );
}

/// RFC 7634, appendix A: a whole ESP packet in tunnel mode, from the IV that the text gives.
#[test]
fn rfc7634_esp_packet() {
    let protection = real()
        .protection(EncrId::ENCR_CHACHA20_POLY1305, None, None)
        .unwrap();
    let keymat = hex("808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9fa0a1a2a3");
    let cipher = EspCipher::new(&protection, &keymat).unwrap();
    let plain = hex(
        "45000054a6f200004001e778c6336405c000020508005b7a3a080000553bec10
         0007362708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20212223
         2425262728292a2b2c2d2e2f303132333435363701020204",
    );
    let expected = hex("01020304000000051011121314151617
         24039428b97f417e3c13753a4f05087b67c352e6a7fab1b982d466ef407ae5c6
         14ee8099d52844eb61aa95dfab4c02f72aa71e7c4c4f64c9befe2facc638e8f3
         cbec163fac469b502773f6fb94e664da9165b82829f641e0
         76aaa8266b7fb0f7b11b369907e1ad43");

    let counter = 0x1011_1213_1415_1617;
    let mut packet = [
        hex("01020304000000050000000000000000"),
        plain.clone(),
        vec![0; 16],
    ]
    .concat();
    cipher.seal(&mut packet, None, counter).unwrap();
    assert_eq!(packet, expected);
    let inside = cipher.open(&mut packet, None).unwrap();
    assert_eq!(packet[inside], plain);
}

/// RFC 7634, appendix B: a whole IKE message. (Its header has Message ID 9 and no flags.)
#[test]
fn rfc7634_ike_message() {
    let suite = real()
        .ike_suite(
            EncrId::ENCR_CHACHA20_POLY1305,
            None,
            None,
            PrfId::PRF_HMAC_SHA2_256,
        )
        .unwrap();
    let sk_e = hex("808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9fa0a1a2a3");
    let cipher = SkCipher::new(&suite.protection, secret(&sk_e).expose(), &[]).unwrap();
    let inner = hex("0000000c000040010000000a");
    let expected = hex(
        "c0c1c2c3c4c5c6c7d0d1d2d3d4d5d6d72e202500000000090000004529000029
         1011121314151617610394701f8d017f7c129248896b71bfe25236efd7cdc67066906315b2",
    );

    // The lengths are left open: sealing fills them in.
    let mut message = hex("c0c1c2c3c4c5c6c7d0d1d2d3d4d5d6d72e202500000000090000000029000000");
    cipher
        .dangerous_seal_with_iv(&mut message, 28, &inner, &hex("1011121314151617"))
        .unwrap();
    assert_eq!(message, expected);
    assert_eq!(message.len(), 32 + cipher.sealed_len(inner.len()));
    let range = cipher.open(&mut message, 32).unwrap();
    assert_eq!(message[range], inner);
}
