//! Code points: known ones have names, unknown ones stay themselves.

use adit_wire::iana::*;

macro_rules! each_table {
    ($($table:ident),* $(,)?) => {
        $(
            assert!($table::KNOWN.is_sorted(), stringify!($table));
            for point in $table::KNOWN {
                assert_eq!(Some(point.to_string().as_str()), point.known_name());
                assert_eq!($table::from(point.0), *point);
            }
            let unknown = $table(250);
            assert_eq!(unknown.known_name(), None);
            assert_eq!(unknown.to_string(), format!("{}(250)", stringify!($table)));
        )*
    };
}

#[test]
fn tables_are_sorted_named_and_keep_the_unknown() {
    each_table!(
        ExchangeType,
        PayloadType,
        ProtocolId,
        TransformType,
        EncrId,
        PrfId,
        IntegId,
        KeMethod,
        EsnId,
        NotifyType,
        V1NotifyType,
        AuthMethod,
        IdType,
        CertEncoding,
        CfgType,
        CfgAttribute,
        TsType,
    );
}

/// RFC 7296 3.10.1: errors are below 16384.
#[test]
fn notifications_are_errors_or_status() {
    assert!(NotifyType::INVALID_KE_PAYLOAD.is_error());
    assert!(NotifyType(16383).is_error());
    assert!(!NotifyType::INITIAL_CONTACT.is_error());
}

/// RFC 7296 3.2: the critical bit means nothing on the payloads that it defines itself.
#[test]
fn payloads_of_rfc_7296_are_known_as_such() {
    assert!(PayloadType::SA.is_rfc7296() && PayloadType::EAP.is_rfc7296());
    assert!(!PayloadType::SKF.is_rfc7296() && !PayloadType::V1_SA.is_rfc7296());
}
