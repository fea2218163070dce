//! Sentences about connections and commands that aren't taken when a configuration is loaded.

use adit_model::sign::Sign;

use super::{Phrase, any, by};

/// Whether the command stands where a person types it: at the beginning of a line, or behind a prompt. What tells to run it
/// has begun nothing.
pub(super) fn is_typed(sign: Sign, body: &str) -> bool {
    if sign != Sign::BegunByHand {
        return true;
    }
    let at = ["ipsec up ", "ipsec auto ", "ipsec whack ", "swanctl "]
        .iter()
        .filter_map(|command| body.find(command))
        .min()
        .unwrap_or(0);
    let before = body.get(..at).unwrap_or_default();
    let before = before.trim_end_matches("/usr/sbin/").trim_end();
    let before = before.strip_suffix("sudo").unwrap_or(before).trim_end();
    before.is_empty() || before.ends_with(['#', '$', '>', '%', '~'])
}

pub(super) static PHRASES: &[Phrase] = &[
    // Two children, in a person's words.
    any(Sign::ConnectionDuplicate, "child SAs that have same reqid"),
    any(
        Sign::ConnectionDuplicate,
        "child SAs that have the same reqid",
    ),
    any(Sign::ConnectionDuplicate, "child SAs have the same reqid"),
    any(Sign::ConnectionDuplicate, "child SAs with the same reqid"),
    any(Sign::ConnectionDuplicate, "child SAs share the same reqid"),
    any(Sign::ConnectionDuplicate, "CHILD_SAs have the same reqid"),
    any(Sign::ConnectionDuplicate, "CHILD_SAs with the same reqid"),
    any(Sign::ConnectionDuplicate, "CHILD_SAs get the same reqid"),
    any(
        Sign::ConnectionDuplicate,
        "installed again, but with the same reqid",
    ),
    // Typed at a shell.
    any(Sign::BegunByHand, "ipsec up {connection:w}"),
    any(Sign::BegunByHand, "ipsec auto --up {connection:w}"),
    any(
        Sign::BegunByHand,
        "ipsec auto --asynchronous --up {connection:w}",
    ),
    any(
        Sign::BegunByHand,
        "ipsec whack --name {connection:w} --initiate",
    ),
    any(Sign::BegunByHand, "swanctl --initiate "),
    any(Sign::BegunByHand, "swanctl -i "),
    // Connections that are refused when they are loaded.
    any(
        Sign::ConnectionRejected,
        "loading connection '{name}' failed: {problem}",
    ),
    any(
        Sign::ConnectionRejected,
        "\"{name}\": failed to add connection: {problem}",
    ),
    any(
        Sign::ConnectionRejected,
        "failed to add connection: {problem}",
    ),
    any(
        Sign::ConnectionRejected,
        "loading pool '{name}' failed: {problem}",
    ),
    any(
        Sign::ConnectionRejected,
        "loading authority '{name}' failed: {problem}",
    ),
    any(Sign::ConnectionRejected, "connections, 1 failed to load"),
    any(Sign::ConnectionRejected, "connections, 2 failed to load"),
    any(Sign::ConnectionRejected, "connections, 3 failed to load"),
    any(
        Sign::ConnectionRejected,
        "ignored conn '{name}' due to {problem}",
    ),
    any(
        Sign::ConnectionRejected,
        "Failed to add connection \"{name}\"{:w} {problem}",
    ),
    any(
        Sign::ConnectionRejected,
        "Failed to load connection \"{name}\"{:w} {problem}",
    ),
    // Of parts that can't go together: pluto since version 3, starter.
    any(
        Sign::ConnectionRejected,
        "loading secret '{name}' failed: {problem}",
    ),
    any(Sign::ConnectionRejected, "pools, {:n} failed to load"),
    any(Sign::ConnectionRejected, "authorities, {:n} failed to load"),
    any(
        Sign::ConnectionRejected,
        "ignored ca '{name}' due to {problem}",
    ),
    any(
        Sign::ConnectionRejected,
        "can't have both 'ah' and 'esp' options",
    ),
    any(
        Sign::ConnectionRejected,
        "cannot have both {}firewall and {}updown",
    ),
    any(
        Sign::ConnectionRejected,
        "ID cannot be specified as %fromcert if PSK or AUTH-NULL is used",
    ),
    any(
        Sign::ConnectionRejected,
        "IKEv1 does not support Labeled IPsec",
    ),
    any(
        Sign::ConnectionRejected,
        "cannot specify aggressive mode with IKEv2",
    ),
    any(
        Sign::ConnectionRejected,
        "cannot specify aggressive mode without ike= to set algorithm",
    ),
    any(
        Sign::ConnectionRejected,
        "can not specify aggressive mode without ike= to set algorithm",
    ),
    any(
        Sign::ConnectionRejected,
        "cannot have protoports with wildcard (%any) ports on both sides",
    ),
    any(
        Sign::ConnectionRejected,
        "cannot mix PSK and NULL authentication (",
    ),
    any(
        Sign::ConnectionRejected,
        "cannot specify both {}addresspool= and {}subnet",
    ),
    any(
        Sign::ConnectionRejected,
        "cannot specify both ms-dh-downgrade=yes and pfs-rekey-workaround=yes",
    ),
    any(
        Sign::ConnectionRejected,
        "connection missing --host after --to",
    ),
    any(
        Sign::ConnectionRejected,
        "connection missing --host before --to",
    ),
    any(
        Sign::ConnectionRejected,
        "connection with encap_proto=ah cannot specify tfc=",
    ),
    any(
        Sign::ConnectionRejected,
        "connection with type=transport cannot specify tfc=",
    ),
    any(
        Sign::ConnectionRejected,
        "dpddelay specified, but dpdtimeout is zero, both should be specified",
    ),
    any(
        Sign::ConnectionRejected,
        "dpdtimeout specified, but dpddelay is zero, both should be specified",
    ),
    any(
        Sign::ConnectionRejected,
        "address family {} conflicts with {problem}",
    ),
    any(
        Sign::ConnectionRejected,
        "hosts cannot both be 0.0.0.0 or 0::0",
    ),
    any(
        Sign::ConnectionRejected,
        "shunt connection must have shunt policy (eg --pass, --drop or --reject)",
    ),
    any(
        Sign::ConnectionRejected,
        "connection cannot specify --ikev2 and --aggressive",
    ),
    any(
        Sign::ConnectionRejected,
        "connection cannot specify --ecdsa and --ikev1-allow",
    ),
    any(
        Sign::ConnectionRejected,
        "connection cannot specify --ikev1-allow and --ecdsa-sha2 or --rsa-sha2",
    ),
    any(
        Sign::ConnectionRejected,
        "nic-offload=packet cannot specify encapsulation=yes",
    ),
    any(
        Sign::ConnectionRejected,
        "more than one IKEv1 {} algorithm ({problem}) is not allowed in quick mode",
    ),
    any(
        Sign::ConnectionRejected,
        "does not support {}subnet= with multiple selectors without cisco-split=yes",
    ),
    any(
        Sign::ConnectionRejected,
        "never-negotiate connection cannot have authby=",
    ),
    any(Sign::ConfigValueInvalid, "# bad port: {keyword:w}={value}"),
    any(
        Sign::ConfigValueInvalid,
        "# bad protocol: {keyword:w}={value}",
    ),
    any(Sign::ConfigValueInvalid, "# bad value: {keyword:w}={value}"),
    any(
        Sign::ConfigValueInvalid,
        "bad argument value in ca '{value}'",
    ),
    any(
        Sign::ConfigValueInvalid,
        "{keyword:w}addresspool={value} invalid,",
    ),
    any(
        Sign::ConfigValueInvalid,
        "{keyword:w}sourceip={value} invalid,",
    ),
    any(
        Sign::ConfigValueInvalid,
        "{keyword:w}protoport={value} invalid,",
    ),
    any(Sign::ConfigValueInvalid, "sourceip={value} invalid, {}"),
    any(
        Sign::ConfigValueInvalid,
        "IKE DH algorithm 'none' not permitted",
    ),
    any(
        Sign::ConfigValueInvalid,
        "DH algorithm {value:w} is invalid as PFS policy is disabled",
    ),
    any(
        Sign::ConfigValueInvalid,
        "IKE Key Exchange algorithm 'NONE' not permitted",
    ),
    any(
        Sign::ConfigValueInvalid,
        "authby=ecdsa cannot use sha1, only sha2",
    ),
    any(
        Sign::ConfigValueInvalid,
        "additional {keyword:w} in authby={value} is not supported by IKEv1",
    ),
    any(
        Sign::ConfigValueInvalid,
        "virtual {}subnet={value} invalid, missing \"vhost:\" or \"vnet:\"",
    ),
    any(
        Sign::ConfigValueInvalid,
        "wrong encryption key length - key size must be 128 (default), 192 or 256",
    ),
    any(Sign::ConfigValueInvalid, "ipsec-interface={value} invalid:"),
    any(
        Sign::ConfigKeywordUnknown,
        "unsupported keyword '{keyword}' in conn '{}'",
    ),
    any(
        Sign::ConfigKeywordUnknown,
        "unsupported keyword '{keyword}' in ca '{}'",
    ),
    any(
        Sign::ConfigKeywordUnknown,
        "unsupported keyword '{keyword}' in config setup",
    ),
    any(
        Sign::ConfigKeywordUnknown,
        "ignoring unsupported secret '{keyword}'",
    ),
    any(
        Sign::ConnectionRejected,
        "attempt to load incomplete connection",
    ),
    any(
        Sign::ConnectionRejected,
        "conn {name:w} did not load properly",
    ),
    any(
        Sign::ConnectionRejected,
        "while loading '{name}': {problem}",
    ),
    any(
        Sign::ConnectionRejected,
        "WARNING: connection {name:w} marked as INVALID_CONFIG",
    ),
    any(
        Sign::ConnectionRejected,
        "This new crypto map will remain disabled until {problem}",
    ),
    any(Sign::ConnectionRejected, "crypto map {name} is incomplete"),
    // The same thing twice.
    any(
        Sign::ConnectionDuplicate,
        "attempt to redefine connection \"{name}\"",
    ),
    any(
        Sign::ConnectionDuplicate,
        "not establishing CHILD_SA {name:w} due to existing duplicate {other}",
    ),
    any(
        Sign::ConnectionDuplicate,
        "CHILD_SA '{name}' is already being routed",
    ),
    any(
        Sign::ConnectionDuplicate,
        "duplicate {other} with SPIs {} and TS {name}",
    ),
    any(Sign::ConnectionDuplicate, "duplicate conn name '{name}'"),
    // Vyatta and VyOS.
    by(
        &["vyatta", "vyos", "vbash", "cli-shell-api"],
        Sign::CommandNotTaken,
        "Invalid command: [{command}]",
    ),
    any(
        Sign::CommandNotTaken,
        "Configuration path: [{command}] is not valid",
    ),
    any(
        Sign::CommandNotTaken,
        "Configuration path: {command} is not valid",
    ),
    any(
        Sign::CommandNotTaken,
        "Configuration path [{command}] is not valid",
    ),
    any(
        Sign::CommandNotTaken,
        "Configuration path: [{command}] isn't valid",
    ),
    any(
        Sign::CommandNotTaken,
        "% Invalid input detected at '^' marker",
    ),
    any(Sign::CommandNotTaken, "% Incomplete command"),
    any(Sign::CommandNotTaken, "% Ambiguous command: \"{command}\""),
    any(
        Sign::CommandNotTaken,
        "command parse error before '{command}'",
    ),
    any(
        Sign::CommandNotTaken,
        "value parse error before '{command}'",
    ),
    any(Sign::CommandNotTaken, "Command fail. Return code {:n}"),
    any(Sign::CommandNotTaken, "bad command name {command:w} (line"),
    any(Sign::CommandNotTaken, "expected end of command (line"),
    any(Sign::ConnectionRejected, "VPN configuration error{problem}"),
    any(Sign::ConnectionRejected, "VPN commit error{problem}"),
    // What a commit of VyOS or EdgeOS refuses: the path, or the part that lacks something.
    any(
        Sign::ConnectionRejected,
        "Missing esp-group on tunnel {:w} for site-to-site peer {name:w}",
    ),
    any(
        Sign::ConnectionRejected,
        "Invalid esp-group on tunnel {:w} for site-to-site peer {name:w}",
    ),
    any(
        Sign::ConnectionRejected,
        "VTI interface {interface:w} for site-to-site peer {name:w} does not exist",
    ),
    any(
        Sign::ConnectionRejected,
        "with ESP transport mode on tunnel {:w} for site-to-site peer {name:w}",
    ),
    any(
        Sign::ConnectionRejected,
        "Incorrect peer name \"{name}\" Peer name can contain",
    ),
    any(
        Sign::ConnectionRejected,
        "Missing {problem} on {name:w} remote-access config",
    ),
    any(
        Sign::ConnectionRejected,
        "Invalid {problem} on {name:w} remote-access config",
    ),
    any(
        Sign::ConnectionRejected,
        "specified for peer \"{name}\" has not been configured",
    ),
    any(
        Sign::ConnectionRejected,
        "specified for peer \"{name}\" tunnel {:w} has not been configured",
    ),
    any(
        Sign::ConnectionRejected,
        "No IKE group specified for peer \"{name}\"",
    ),
    any(
        Sign::ConnectionRejected,
        "No ESP group specified for peer \"{name}\"",
    ),
    any(
        Sign::PrivateKeyMissing,
        "Missing private key on specified PKI certificate \"{identity}\"",
    ),
    any(
        Sign::PrivateKeyMissing,
        "Missing private key on specified local-key \"{identity}\"",
    ),
    any(Sign::ConnectionRejected, "[[vpn]] failed"),
    any(Sign::ConnectionRejected, "[[vpn ipsec]] failed"),
    any(Sign::ConnectionRejected, "[ vpn ipsec ] {problem}"),
    any(
        Sign::ConnectionRejected,
        "error: configuration check-out failed",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_typed_at_a_prompt_and_told_in_a_sentence() {
        for typed in [
            "ipsec up site",
            "# ipsec up site",
            "root@gw:~# sudo ipsec auto --up site",
            "[admin@gw ~]$ swanctl --initiate --child site",
            "gw> /usr/sbin/swanctl -i --child site",
        ] {
            assert!(is_typed(Sign::BegunByHand, typed), "{typed}");
        }
        for told in [
            "it only comes up after ipsec up site",
            "please run: ipsec auto --up site",
            "ExecStart=/usr/sbin/swanctl --initiate --child site",
            "use 'swanctl -i' to start",
        ] {
            assert!(!is_typed(Sign::BegunByHand, told), "{told}");
        }
    }
}
