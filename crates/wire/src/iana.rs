//! Code points of the IANA registries "Internet Key Exchange Version 2 (IKEv2) Parameters" and, where
//! version 1 needs them, "ISAKMP".
//!
//! Every code point is a numeric newtype. A value that no table knows stays what it is, round-trips, and
//! prints as `TypeName(number)`; nothing here ever maps an unknown value to a default.

macro_rules! code_points {
    ($(#[$doc:meta])* $name:ident($repr:ty) { $($konst:ident = $value:literal, $text:literal;)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub $repr);

        impl $name {
            $(#[doc = concat!("`", $text, "` (", stringify!($value), ").")] pub const $konst: $name = $name($value);)*

            /// Every value that this version of the table names, ascending.
            pub const KNOWN: &'static [$name] = &[$($name($value)),*];

            /// The registered name, or `None` for a value this table does not know.
            #[must_use]
            pub const fn known_name(self) -> Option<&'static str> {
                match self.0 { $($value => Some($text),)* _ => None }
            }
        }

        impl core::fmt::Display for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                match self.known_name() {
                    Some(name) => f.write_str(name),
                    None => write!(f, concat!(stringify!($name), "({})"), self.0),
                }
            }
        }

        impl core::fmt::Debug for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result { core::fmt::Display::fmt(self, f) }
        }

        impl From<$repr> for $name { fn from(value: $repr) -> Self { Self(value) } }
        impl From<$name> for $repr { fn from(value: $name) -> Self { value.0 } }
    };
}

code_points! {
    /// Exchange type of an IKE header (RFC 7296 3.1; RFC 2408 for version 1).
    ExchangeType(u8) {
        IDENTITY_PROTECTION = 2, "IDENTITY_PROTECTION";
        AGGRESSIVE = 4, "AGGRESSIVE";
        INFORMATIONAL_V1 = 5, "INFORMATIONAL_V1";
        QUICK_MODE = 32, "QUICK_MODE";
        NEW_GROUP_MODE = 33, "NEW_GROUP_MODE";
        IKE_SA_INIT = 34, "IKE_SA_INIT";
        IKE_AUTH = 35, "IKE_AUTH";
        CREATE_CHILD_SA = 36, "CREATE_CHILD_SA";
        INFORMATIONAL = 37, "INFORMATIONAL";
        IKE_SESSION_RESUME = 38, "IKE_SESSION_RESUME";
        GSA_AUTH = 39, "GSA_AUTH";
        GSA_REGISTRATION = 40, "GSA_REGISTRATION";
        GSA_REKEY = 41, "GSA_REKEY";
        IKE_INTERMEDIATE = 43, "IKE_INTERMEDIATE";
        IKE_FOLLOWUP_KE = 44, "IKE_FOLLOWUP_KE";
    }
}

code_points! {
    /// Payload type (RFC 7296 3.2; values below 33 belong to version 1, RFC 2408).
    PayloadType(u8) {
        NONE = 0, "none";
        V1_SA = 1, "SA(v1)";
        V1_KE = 4, "KE(v1)";
        V1_ID = 5, "ID(v1)";
        V1_HASH = 8, "HASH(v1)";
        V1_NONCE = 10, "NONCE(v1)";
        V1_NOTIFY = 11, "N(v1)";
        V1_DELETE = 12, "D(v1)";
        V1_VENDOR = 13, "VID(v1)";
        V1_NAT_D = 20, "NAT-D(v1)";
        SA = 33, "SA";
        KE = 34, "KE";
        ID_I = 35, "IDi";
        ID_R = 36, "IDr";
        CERT = 37, "CERT";
        CERTREQ = 38, "CERTREQ";
        AUTH = 39, "AUTH";
        NONCE = 40, "Nonce";
        NOTIFY = 41, "N";
        DELETE = 42, "D";
        VENDOR = 43, "V";
        TS_I = 44, "TSi";
        TS_R = 45, "TSr";
        SK = 46, "SK";
        CP = 47, "CP";
        EAP = 48, "EAP";
        GSPM = 49, "GSPM";
        SKF = 53, "SKF";
    }
}

code_points! {
    /// Security protocol (RFC 7296 3.3.1).
    ProtocolId(u8) {
        NONE = 0, "none";
        IKE = 1, "IKE";
        AH = 2, "AH";
        ESP = 3, "ESP";
    }
}

code_points! {
    /// Transform type (RFC 7296 3.3.2; 6 to 12 of RFC 9370).
    TransformType(u8) {
        ENCR = 1, "ENCR";
        PRF = 2, "PRF";
        INTEG = 3, "INTEG";
        KE = 4, "KE";
        ESN = 5, "ESN";
        ADDKE1 = 6, "ADDKE1";
        ADDKE2 = 7, "ADDKE2";
        ADDKE3 = 8, "ADDKE3";
        ADDKE4 = 9, "ADDKE4";
        ADDKE5 = 10, "ADDKE5";
        ADDKE6 = 11, "ADDKE6";
        ADDKE7 = 12, "ADDKE7";
    }
}

code_points! {
    /// Encryption algorithm, transform type 1.
    EncrId(u16) {
        ENCR_DES_IV64 = 1, "ENCR_DES_IV64";
        ENCR_DES = 2, "ENCR_DES";
        ENCR_3DES = 3, "ENCR_3DES";
        ENCR_RC5 = 4, "ENCR_RC5";
        ENCR_IDEA = 5, "ENCR_IDEA";
        ENCR_CAST = 6, "ENCR_CAST";
        ENCR_BLOWFISH = 7, "ENCR_BLOWFISH";
        ENCR_3IDEA = 8, "ENCR_3IDEA";
        ENCR_DES_IV32 = 9, "ENCR_DES_IV32";
        ENCR_NULL = 11, "ENCR_NULL";
        ENCR_AES_CBC = 12, "ENCR_AES_CBC";
        ENCR_AES_CTR = 13, "ENCR_AES_CTR";
        ENCR_AES_CCM_8 = 14, "ENCR_AES_CCM_8";
        ENCR_AES_CCM_12 = 15, "ENCR_AES_CCM_12";
        ENCR_AES_CCM_16 = 16, "ENCR_AES_CCM_16";
        ENCR_AES_GCM_8 = 18, "ENCR_AES_GCM_8";
        ENCR_AES_GCM_12 = 19, "ENCR_AES_GCM_12";
        ENCR_AES_GCM_16 = 20, "ENCR_AES_GCM_16";
        ENCR_NULL_AUTH_AES_GMAC = 21, "ENCR_NULL_AUTH_AES_GMAC";
        ENCR_CAMELLIA_CBC = 23, "ENCR_CAMELLIA_CBC";
        ENCR_CAMELLIA_CTR = 24, "ENCR_CAMELLIA_CTR";
        ENCR_CAMELLIA_CCM_8 = 25, "ENCR_CAMELLIA_CCM_8";
        ENCR_CAMELLIA_CCM_12 = 26, "ENCR_CAMELLIA_CCM_12";
        ENCR_CAMELLIA_CCM_16 = 27, "ENCR_CAMELLIA_CCM_16";
        ENCR_CHACHA20_POLY1305 = 28, "ENCR_CHACHA20_POLY1305";
        ENCR_AES_CCM_8_IIV = 29, "ENCR_AES_CCM_8_IIV";
        ENCR_AES_GCM_16_IIV = 30, "ENCR_AES_GCM_16_IIV";
        ENCR_CHACHA20_POLY1305_IIV = 31, "ENCR_CHACHA20_POLY1305_IIV";
        ENCR_KUZNYECHIK_MGM_KTREE = 32, "ENCR_KUZNYECHIK_MGM_KTREE";
        ENCR_MAGMA_MGM_KTREE = 33, "ENCR_MAGMA_MGM_KTREE";
        ENCR_KUZNYECHIK_MGM_MAC_KTREE = 34, "ENCR_KUZNYECHIK_MGM_MAC_KTREE";
        ENCR_MAGMA_MGM_MAC_KTREE = 35, "ENCR_MAGMA_MGM_MAC_KTREE";
        ENCR_SERPENT_CBC = 65004, "ENCR_SERPENT_CBC";
        ENCR_TWOFISH_CBC = 65005, "ENCR_TWOFISH_CBC";
        ENCR_TWOFISH_CBC_SSH = 65289, "ENCR_TWOFISH_CBC_SSH";
    }
}

code_points! {
    /// Pseudo-random function, transform type 2.
    PrfId(u16) {
        PRF_HMAC_MD5 = 1, "PRF_HMAC_MD5";
        PRF_HMAC_SHA1 = 2, "PRF_HMAC_SHA1";
        PRF_HMAC_TIGER = 3, "PRF_HMAC_TIGER";
        PRF_AES128_XCBC = 4, "PRF_AES128_XCBC";
        PRF_HMAC_SHA2_256 = 5, "PRF_HMAC_SHA2_256";
        PRF_HMAC_SHA2_384 = 6, "PRF_HMAC_SHA2_384";
        PRF_HMAC_SHA2_512 = 7, "PRF_HMAC_SHA2_512";
        PRF_AES128_CMAC = 8, "PRF_AES128_CMAC";
        PRF_HMAC_STREEBOG_512 = 9, "PRF_HMAC_STREEBOG_512";
    }
}

code_points! {
    /// Integrity algorithm, transform type 3.
    IntegId(u16) {
        NONE = 0, "NONE";
        AUTH_HMAC_MD5_96 = 1, "AUTH_HMAC_MD5_96";
        AUTH_HMAC_SHA1_96 = 2, "AUTH_HMAC_SHA1_96";
        AUTH_DES_MAC = 3, "AUTH_DES_MAC";
        AUTH_KPDK_MD5 = 4, "AUTH_KPDK_MD5";
        AUTH_AES_XCBC_96 = 5, "AUTH_AES_XCBC_96";
        AUTH_HMAC_MD5_128 = 6, "AUTH_HMAC_MD5_128";
        AUTH_HMAC_SHA1_160 = 7, "AUTH_HMAC_SHA1_160";
        AUTH_AES_CMAC_96 = 8, "AUTH_AES_CMAC_96";
        AUTH_AES_128_GMAC = 9, "AUTH_AES_128_GMAC";
        AUTH_AES_192_GMAC = 10, "AUTH_AES_192_GMAC";
        AUTH_AES_256_GMAC = 11, "AUTH_AES_256_GMAC";
        AUTH_HMAC_SHA2_256_128 = 12, "AUTH_HMAC_SHA2_256_128";
        AUTH_HMAC_SHA2_384_192 = 13, "AUTH_HMAC_SHA2_384_192";
        AUTH_HMAC_SHA2_512_256 = 14, "AUTH_HMAC_SHA2_512_256";
    }
}

code_points! {
    /// Key exchange method, transform type 4 (named by the keywords that configurations use).
    KeMethod(u16) {
        NONE = 0, "none";
        MODP_768 = 1, "modp768";
        MODP_1024 = 2, "modp1024";
        MODP_1536 = 5, "modp1536";
        MODP_2048 = 14, "modp2048";
        MODP_3072 = 15, "modp3072";
        MODP_4096 = 16, "modp4096";
        MODP_6144 = 17, "modp6144";
        MODP_8192 = 18, "modp8192";
        ECP_256 = 19, "ecp256";
        ECP_384 = 20, "ecp384";
        ECP_521 = 21, "ecp521";
        MODP_1024_160 = 22, "modp1024s160";
        MODP_2048_224 = 23, "modp2048s224";
        MODP_2048_256 = 24, "modp2048s256";
        ECP_192 = 25, "ecp192";
        ECP_224 = 26, "ecp224";
        BRAINPOOL_224 = 27, "ecp224bp";
        BRAINPOOL_256 = 28, "ecp256bp";
        BRAINPOOL_384 = 29, "ecp384bp";
        BRAINPOOL_512 = 30, "ecp512bp";
        CURVE25519 = 31, "x25519";
        CURVE448 = 32, "x448";
        GOST_256 = 33, "gost256";
        GOST_512 = 34, "gost512";
        ML_KEM_512 = 35, "mlkem512";
        ML_KEM_768 = 36, "mlkem768";
        ML_KEM_1024 = 37, "mlkem1024";
    }
}

code_points! {
    /// Sequence numbers, transform type 5 (RFC 7296 3.3.2).
    EsnId(u16) {
        NO_ESN = 0, "noesn";
        ESN = 1, "esn";
    }
}

code_points! {
    /// Notify message type (RFC 7296 3.10.1). Below 16384 an error, from there on a status.
    NotifyType(u16) {
        UNSUPPORTED_CRITICAL_PAYLOAD = 1, "UNSUPPORTED_CRITICAL_PAYLOAD";
        INVALID_IKE_SPI = 4, "INVALID_IKE_SPI";
        INVALID_MAJOR_VERSION = 5, "INVALID_MAJOR_VERSION";
        INVALID_SYNTAX = 7, "INVALID_SYNTAX";
        INVALID_MESSAGE_ID = 9, "INVALID_MESSAGE_ID";
        INVALID_SPI = 11, "INVALID_SPI";
        ATTRIBUTES_NOT_SUPPORTED = 13, "ATTRIBUTES_NOT_SUPPORTED";
        NO_PROPOSAL_CHOSEN = 14, "NO_PROPOSAL_CHOSEN";
        PAYLOAD_MALFORMED = 16, "PAYLOAD_MALFORMED";
        INVALID_KE_PAYLOAD = 17, "INVALID_KE_PAYLOAD";
        INVALID_ID_INFORMATION = 18, "INVALID_ID_INFORMATION";
        INVALID_CERT_ENCODING = 19, "INVALID_CERT_ENCODING";
        INVALID_CERTIFICATE = 20, "INVALID_CERTIFICATE";
        CERT_TYPE_UNSUPPORTED = 21, "CERT_TYPE_UNSUPPORTED";
        INVALID_CERT_AUTHORITY = 22, "INVALID_CERT_AUTHORITY";
        INVALID_HASH_INFORMATION = 23, "INVALID_HASH_INFORMATION";
        AUTHENTICATION_FAILED = 24, "AUTHENTICATION_FAILED";
        SINGLE_PAIR_REQUIRED = 34, "SINGLE_PAIR_REQUIRED";
        NO_ADDITIONAL_SAS = 35, "NO_ADDITIONAL_SAS";
        INTERNAL_ADDRESS_FAILURE = 36, "INTERNAL_ADDRESS_FAILURE";
        FAILED_CP_REQUIRED = 37, "FAILED_CP_REQUIRED";
        TS_UNACCEPTABLE = 38, "TS_UNACCEPTABLE";
        INVALID_SELECTORS = 39, "INVALID_SELECTORS";
        UNACCEPTABLE_ADDRESSES = 40, "UNACCEPTABLE_ADDRESSES";
        UNEXPECTED_NAT_DETECTED = 41, "UNEXPECTED_NAT_DETECTED";
        USE_ASSIGNED_HOA = 42, "USE_ASSIGNED_HoA";
        TEMPORARY_FAILURE = 43, "TEMPORARY_FAILURE";
        CHILD_SA_NOT_FOUND = 44, "CHILD_SA_NOT_FOUND";
        INVALID_GROUP_ID = 45, "INVALID_GROUP_ID";
        AUTHORIZATION_FAILED = 46, "AUTHORIZATION_FAILED";
        STATE_NOT_FOUND = 47, "STATE_NOT_FOUND";
        TS_MAX_QUEUE = 48, "TS_MAX_QUEUE";
        REGISTRATION_FAILED = 49, "REGISTRATION_FAILED";
        INITIAL_CONTACT = 16384, "INITIAL_CONTACT";
        SET_WINDOW_SIZE = 16385, "SET_WINDOW_SIZE";
        ADDITIONAL_TS_POSSIBLE = 16386, "ADDITIONAL_TS_POSSIBLE";
        IPCOMP_SUPPORTED = 16387, "IPCOMP_SUPPORTED";
        NAT_DETECTION_SOURCE_IP = 16388, "NAT_DETECTION_SOURCE_IP";
        NAT_DETECTION_DESTINATION_IP = 16389, "NAT_DETECTION_DESTINATION_IP";
        COOKIE = 16390, "COOKIE";
        USE_TRANSPORT_MODE = 16391, "USE_TRANSPORT_MODE";
        HTTP_CERT_LOOKUP_SUPPORTED = 16392, "HTTP_CERT_LOOKUP_SUPPORTED";
        REKEY_SA = 16393, "REKEY_SA";
        ESP_TFC_PADDING_NOT_SUPPORTED = 16394, "ESP_TFC_PADDING_NOT_SUPPORTED";
        NON_FIRST_FRAGMENTS_ALSO = 16395, "NON_FIRST_FRAGMENTS_ALSO";
        MOBIKE_SUPPORTED = 16396, "MOBIKE_SUPPORTED";
        ADDITIONAL_IP4_ADDRESS = 16397, "ADDITIONAL_IP4_ADDRESS";
        ADDITIONAL_IP6_ADDRESS = 16398, "ADDITIONAL_IP6_ADDRESS";
        NO_ADDITIONAL_ADDRESSES = 16399, "NO_ADDITIONAL_ADDRESSES";
        UPDATE_SA_ADDRESSES = 16400, "UPDATE_SA_ADDRESSES";
        COOKIE2 = 16401, "COOKIE2";
        NO_NATS_ALLOWED = 16402, "NO_NATS_ALLOWED";
        AUTH_LIFETIME = 16403, "AUTH_LIFETIME";
        MULTIPLE_AUTH_SUPPORTED = 16404, "MULTIPLE_AUTH_SUPPORTED";
        ANOTHER_AUTH_FOLLOWS = 16405, "ANOTHER_AUTH_FOLLOWS";
        REDIRECT_SUPPORTED = 16406, "REDIRECT_SUPPORTED";
        REDIRECT = 16407, "REDIRECT";
        REDIRECTED_FROM = 16408, "REDIRECTED_FROM";
        TICKET_LT_OPAQUE = 16409, "TICKET_LT_OPAQUE";
        TICKET_REQUEST = 16410, "TICKET_REQUEST";
        TICKET_ACK = 16411, "TICKET_ACK";
        TICKET_NACK = 16412, "TICKET_NACK";
        TICKET_OPAQUE = 16413, "TICKET_OPAQUE";
        LINK_ID = 16414, "LINK_ID";
        USE_WESP_MODE = 16415, "USE_WESP_MODE";
        ROHC_SUPPORTED = 16416, "ROHC_SUPPORTED";
        EAP_ONLY_AUTHENTICATION = 16417, "EAP_ONLY_AUTHENTICATION";
        CHILDLESS_IKEV2_SUPPORTED = 16418, "CHILDLESS_IKEV2_SUPPORTED";
        QUICK_CRASH_DETECTION = 16419, "QUICK_CRASH_DETECTION";
        IKEV2_MESSAGE_ID_SYNC_SUPPORTED = 16420, "IKEV2_MESSAGE_ID_SYNC_SUPPORTED";
        IPSEC_REPLAY_COUNTER_SYNC_SUPPORTED = 16421, "IPSEC_REPLAY_COUNTER_SYNC_SUPPORTED";
        IKEV2_MESSAGE_ID_SYNC = 16422, "IKEV2_MESSAGE_ID_SYNC";
        IPSEC_REPLAY_COUNTER_SYNC = 16423, "IPSEC_REPLAY_COUNTER_SYNC";
        SECURE_PASSWORD_METHODS = 16424, "SECURE_PASSWORD_METHODS";
        PSK_PERSIST = 16425, "PSK_PERSIST";
        PSK_CONFIRM = 16426, "PSK_CONFIRM";
        ERX_SUPPORTED = 16427, "ERX_SUPPORTED";
        IFOM_CAPABILITY = 16428, "IFOM_CAPABILITY";
        SENDER_REQUEST_ID = 16429, "SENDER_REQUEST_ID";
        IKEV2_FRAGMENTATION_SUPPORTED = 16430, "IKEV2_FRAGMENTATION_SUPPORTED";
        SIGNATURE_HASH_ALGORITHMS = 16431, "SIGNATURE_HASH_ALGORITHMS";
        CLONE_IKE_SA_SUPPORTED = 16432, "CLONE_IKE_SA_SUPPORTED";
        CLONE_IKE_SA = 16433, "CLONE_IKE_SA";
        PUZZLE = 16434, "PUZZLE";
        USE_PPK = 16435, "USE_PPK";
        PPK_IDENTITY = 16436, "PPK_IDENTITY";
        NO_PPK_AUTH = 16437, "NO_PPK_AUTH";
        INTERMEDIATE_EXCHANGE_SUPPORTED = 16438, "INTERMEDIATE_EXCHANGE_SUPPORTED";
        IP4_ALLOWED = 16439, "IP4_ALLOWED";
        IP6_ALLOWED = 16440, "IP6_ALLOWED";
        ADDITIONAL_KEY_EXCHANGE = 16441, "ADDITIONAL_KEY_EXCHANGE";
        USE_AGGFRAG = 16442, "USE_AGGFRAG";
        SUPPORTED_AUTH_METHODS = 16443, "SUPPORTED_AUTH_METHODS";
        SA_RESOURCE_INFO = 16444, "SA_RESOURCE_INFO";
        USE_PPK_INT = 16445, "USE_PPK_INT";
        PPK_IDENTITY_KEY = 16446, "PPK_IDENTITY_KEY";
        NULL_AUTH = 40960, "NULL_AUTH";
        USE_BEET_MODE = 40961, "USE_BEET_MODE";
        RADIUS_ATTRIBUTE = 40969, "RADIUS_ATTRIBUTE";
    }
}

code_points! {
    /// Notify message type of version 1 (RFC 2408 3.14.1, RFC 2407 4.6.3, RFC 3706).
    V1NotifyType(u16) {
        INVALID_PAYLOAD_TYPE = 1, "INVALID-PAYLOAD-TYPE";
        DOI_NOT_SUPPORTED = 2, "DOI-NOT-SUPPORTED";
        SITUATION_NOT_SUPPORTED = 3, "SITUATION-NOT-SUPPORTED";
        INVALID_COOKIE = 4, "INVALID-COOKIE";
        INVALID_MAJOR_VERSION = 5, "INVALID-MAJOR-VERSION";
        INVALID_MINOR_VERSION = 6, "INVALID-MINOR-VERSION";
        INVALID_EXCHANGE_TYPE = 7, "INVALID-EXCHANGE-TYPE";
        INVALID_FLAGS = 8, "INVALID-FLAGS";
        INVALID_MESSAGE_ID = 9, "INVALID-MESSAGE-ID";
        INVALID_PROTOCOL_ID = 10, "INVALID-PROTOCOL-ID";
        INVALID_SPI = 11, "INVALID-SPI";
        INVALID_TRANSFORM_ID = 12, "INVALID-TRANSFORM-ID";
        ATTRIBUTES_NOT_SUPPORTED = 13, "ATTRIBUTES-NOT-SUPPORTED";
        NO_PROPOSAL_CHOSEN = 14, "NO-PROPOSAL-CHOSEN";
        BAD_PROPOSAL_SYNTAX = 15, "BAD-PROPOSAL-SYNTAX";
        PAYLOAD_MALFORMED = 16, "PAYLOAD-MALFORMED";
        INVALID_KEY_INFORMATION = 17, "INVALID-KEY-INFORMATION";
        INVALID_ID_INFORMATION = 18, "INVALID-ID-INFORMATION";
        INVALID_CERT_ENCODING = 19, "INVALID-CERT-ENCODING";
        INVALID_CERTIFICATE = 20, "INVALID-CERTIFICATE";
        CERT_TYPE_UNSUPPORTED = 21, "CERT-TYPE-UNSUPPORTED";
        INVALID_CERT_AUTHORITY = 22, "INVALID-CERT-AUTHORITY";
        INVALID_HASH_INFORMATION = 23, "INVALID-HASH-INFORMATION";
        AUTHENTICATION_FAILED = 24, "AUTHENTICATION-FAILED";
        INVALID_SIGNATURE = 25, "INVALID-SIGNATURE";
        ADDRESS_NOTIFICATION = 26, "ADDRESS-NOTIFICATION";
        NOTIFY_SA_LIFETIME = 27, "NOTIFY-SA-LIFETIME";
        CERTIFICATE_UNAVAILABLE = 28, "CERTIFICATE-UNAVAILABLE";
        UNSUPPORTED_EXCHANGE_TYPE = 29, "UNSUPPORTED-EXCHANGE-TYPE";
        UNEQUAL_PAYLOAD_LENGTHS = 30, "UNEQUAL-PAYLOAD-LENGTHS";
        CONNECTED = 16384, "CONNECTED";
        RESPONDER_LIFETIME = 24576, "RESPONDER-LIFETIME";
        REPLAY_STATUS = 24577, "REPLAY-STATUS";
        INITIAL_CONTACT = 24578, "INITIAL-CONTACT";
        R_U_THERE = 36136, "R-U-THERE";
        R_U_THERE_ACK = 36137, "R-U-THERE-ACK";
    }
}

code_points! {
    /// Authentication method (RFC 7296 3.8).
    AuthMethod(u8) {
        RSA_SIGNATURE = 1, "RSA_SIGNATURE";
        SHARED_KEY_MIC = 2, "SHARED_KEY_MIC";
        DSS_SIGNATURE = 3, "DSS_SIGNATURE";
        ECDSA_SHA256_P256 = 9, "ECDSA_SHA256_P256";
        ECDSA_SHA384_P384 = 10, "ECDSA_SHA384_P384";
        ECDSA_SHA512_P521 = 11, "ECDSA_SHA512_P521";
        GENERIC_SECURE_PASSWORD = 12, "GENERIC_SECURE_PASSWORD";
        NULL = 13, "NULL";
        DIGITAL_SIGNATURE = 14, "DIGITAL_SIGNATURE";
    }
}

code_points! {
    /// Hash algorithm of a digital signature (RFC 7427 4; RFC 8420 for 5).
    HashAlgorithm(u16) {
        SHA1 = 1, "SHA1";
        SHA2_256 = 2, "SHA2_256";
        SHA2_384 = 3, "SHA2_384";
        SHA2_512 = 4, "SHA2_512";
        IDENTITY = 5, "IDENTITY";
        STREEBOG_256 = 6, "STREEBOG_256";
        STREEBOG_512 = 7, "STREEBOG_512";
    }
}

code_points! {
    /// Identification type (RFC 7296 3.5).
    IdType(u8) {
        IPV4_ADDR = 1, "ID_IPV4_ADDR";
        FQDN = 2, "ID_FQDN";
        RFC822_ADDR = 3, "ID_RFC822_ADDR";
        IPV6_ADDR = 5, "ID_IPV6_ADDR";
        IPV6_ADDR_SUBNET = 6, "ID_IPV6_ADDR_SUBNET";
        IPV4_ADDR_RANGE = 7, "ID_IPV4_ADDR_RANGE";
        IPV6_ADDR_RANGE = 8, "ID_IPV6_ADDR_RANGE";
        DER_ASN1_DN = 9, "ID_DER_ASN1_DN";
        DER_ASN1_GN = 10, "ID_DER_ASN1_GN";
        KEY_ID = 11, "ID_KEY_ID";
        KEY_LIST = 12, "ID_KEY_LIST";
        NULL = 13, "ID_NULL";
    }
}

code_points! {
    /// Certificate encoding (RFC 7296 3.6).
    CertEncoding(u8) {
        PKCS7_X509 = 1, "PKCS7_X509";
        PGP = 2, "PGP";
        DNS_SIGNED_KEY = 3, "DNS_SIGNED_KEY";
        X509_SIGNATURE = 4, "X509_SIGNATURE";
        KERBEROS_TOKEN = 6, "KERBEROS_TOKEN";
        CRL = 7, "CRL";
        ARL = 8, "ARL";
        SPKI = 9, "SPKI";
        X509_ATTRIBUTE = 10, "X509_ATTRIBUTE";
        RAW_RSA_KEY = 11, "RAW_RSA_KEY";
        HASH_AND_URL_X509 = 12, "HASH_AND_URL_X509";
        HASH_AND_URL_BUNDLE = 13, "HASH_AND_URL_BUNDLE";
        OCSP_CONTENT = 14, "OCSP_CONTENT";
        RAW_PUBLIC_KEY = 15, "RAW_PUBLIC_KEY";
    }
}

code_points! {
    /// Configuration payload type (RFC 7296 3.15).
    CfgType(u8) {
        CFG_REQUEST = 1, "CFG_REQUEST";
        CFG_REPLY = 2, "CFG_REPLY";
        CFG_SET = 3, "CFG_SET";
        CFG_ACK = 4, "CFG_ACK";
    }
}

code_points! {
    /// Configuration attribute (RFC 7296 3.15.1).
    CfgAttribute(u16) {
        INTERNAL_IP4_ADDRESS = 1, "INTERNAL_IP4_ADDRESS";
        INTERNAL_IP4_NETMASK = 2, "INTERNAL_IP4_NETMASK";
        INTERNAL_IP4_DNS = 3, "INTERNAL_IP4_DNS";
        INTERNAL_IP4_NBNS = 4, "INTERNAL_IP4_NBNS";
        INTERNAL_ADDRESS_EXPIRY = 5, "INTERNAL_ADDRESS_EXPIRY";
        INTERNAL_IP4_DHCP = 6, "INTERNAL_IP4_DHCP";
        APPLICATION_VERSION = 7, "APPLICATION_VERSION";
        INTERNAL_IP6_ADDRESS = 8, "INTERNAL_IP6_ADDRESS";
        INTERNAL_IP6_DNS = 10, "INTERNAL_IP6_DNS";
        INTERNAL_IP6_NBNS = 11, "INTERNAL_IP6_NBNS";
        INTERNAL_IP6_DHCP = 12, "INTERNAL_IP6_DHCP";
        INTERNAL_IP4_SUBNET = 13, "INTERNAL_IP4_SUBNET";
        SUPPORTED_ATTRIBUTES = 14, "SUPPORTED_ATTRIBUTES";
        INTERNAL_IP6_SUBNET = 15, "INTERNAL_IP6_SUBNET";
        MIP6_HOME_PREFIX = 16, "MIP6_HOME_PREFIX";
        INTERNAL_IP6_LINK = 17, "INTERNAL_IP6_LINK";
        INTERNAL_IP6_PREFIX = 18, "INTERNAL_IP6_PREFIX";
        HOME_AGENT_ADDRESS = 19, "HOME_AGENT_ADDRESS";
        P_CSCF_IP4_ADDRESS = 20, "P_CSCF_IP4_ADDRESS";
        P_CSCF_IP6_ADDRESS = 21, "P_CSCF_IP6_ADDRESS";
        FTT_KAT = 22, "FTT_KAT";
        EXTERNAL_SOURCE_IP4_NAT_INFO = 23, "EXTERNAL_SOURCE_IP4_NAT_INFO";
        TIMEOUT_PERIOD_FOR_LIVENESS_CHECK = 24, "TIMEOUT_PERIOD_FOR_LIVENESS_CHECK";
        INTERNAL_DNS_DOMAIN = 25, "INTERNAL_DNS_DOMAIN";
        INTERNAL_DNSSEC_TA = 26, "INTERNAL_DNSSEC_TA";
    }
}

code_points! {
    /// Traffic selector type (RFC 7296 3.13.1).
    TsType(u8) {
        TS_IPV4_ADDR_RANGE = 7, "TS_IPV4_ADDR_RANGE";
        TS_IPV6_ADDR_RANGE = 8, "TS_IPV6_ADDR_RANGE";
        TS_FC_ADDR_RANGE = 9, "TS_FC_ADDR_RANGE";
        TS_SECLABEL = 10, "TS_SECLABEL";
    }
}

impl NotifyType {
    /// Whether the type reports an error (RFC 7296 3.10.1: 0 to 16383).
    #[must_use]
    pub const fn is_error(self) -> bool {
        self.0 < 16384
    }
}

impl PayloadType {
    /// Whether RFC 7296 itself defines this type, so that the critical bit does not apply to it.
    #[must_use]
    pub const fn is_rfc7296(self) -> bool {
        self.0 >= 33 && self.0 <= 48
    }
}
