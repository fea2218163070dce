//! Sentences about configuration that isn't what its author thinks: files, words, values.

use std::collections::BTreeMap;

use adit_model::sign::Sign;

use super::{Phrase, any};
use crate::config::is_proposal;

/// The value that a command wasn't taken for, where it is a proposal in a product's own spelling: the keyword was
/// understood, and nothing is misspelt, so the product doesn't have the algorithm.
pub(super) fn algorithm(values: &BTreeMap<String, String>) -> Option<String> {
    let refused = values.get("command")?;
    is_proposal(refused).then(|| refused.clone())
}

pub(super) static PHRASES: &[Phrase] = &[
    // Parsers that name the file and the line: addconn of Libreswan and Openswan, starter and the settings of
    // strongSwan, iked of OpenBSD, racoon.
    any(
        Sign::ConfigSyntax,
        "cannot load config '{}': {path:w}:{line:n}: syntax error {problem}",
    ),
    any(
        Sign::ConfigSyntax,
        "{path:w}:{line:n}: syntax error{problem}",
    ),
    any(Sign::ConfigSyntax, "{path:w}:{line:n}: syntax error"),
    any(
        Sign::ConfigSyntax,
        "{path:w}:{line:n}: \"{problem}\" syntax error",
    ),
    any(
        Sign::ConfigSyntax,
        "syntax error at line {line:n} of {path:w}",
    ),
    any(Sign::ConfigSyntax, "parse error at line {line:n} of"),
    any(Sign::ConfigSyntax, "unexpected STRING [{problem}"),
    any(
        Sign::ConfigSyntax,
        "can not load config '{path}': {problem}",
    ),
    any(Sign::ConfigSyntax, "cannot load config '{path}': {problem}"),
    any(Sign::ConfigSyntax, "addconn, in config '{path}', {problem}"),
    any(
        Sign::ConfigSyntax,
        "failed to parse configuration file{path}",
    ),
    any(Sign::ConfigSyntax, "failed to parse configuration file"),
    any(Sign::ConfigSyntax, "fatal parse failure ({problem})"),
    any(Sign::ConfigSyntax, "failed to parse settings '{path}'"),
    any(Sign::ConfigSyntax, "invalid config file '{path}'"),
    any(
        Sign::ConfigSyntax,
        "unable to start strongSwan -- fatal errors in config",
    ),
    any(Sign::ConfigSyntax, "can't reload config file due to errors"),
    any(Sign::ConfigSyntax, "parsing error (1 fatal)"),
    any(Sign::ConfigSyntax, "parsing errors (1 fatal)"),
    any(Sign::ConfigSyntax, "parsing errors (2 fatal)"),
    any(Sign::ConfigSyntax, "parsing errors (3 fatal)"),
    any(Sign::ConfigSyntax, "parsing errors (4 fatal)"),
    any(
        Sign::ConfigSyntax,
        "section '{problem}' referenced in section '{}' not found",
    ),
    any(
        Sign::ConfigSyntax,
        "cannot find conn '{problem}' needed by conn '{}'",
    ),
    any(
        Sign::ConfigSyntax,
        "duplicate key '{problem}' in conn {} while processing def",
    ),
    any(
        Sign::ConfigSyntax,
        "Pluto ipsec.conf syntax [{problem} ERROR]",
    ),
    any(Sign::ConfigSyntax, "Pluto ipsec.conf syntax [FAILED]"),
    any(
        Sign::ConfigSyntax,
        "Pluto ipsec.secret syntax [PARSE ERROR]",
    ),
    any(
        Sign::ConfigSyntax,
        "setkey: line {line:n}: syntax error at {problem}",
    ),
    any(Sign::ConfigSyntax, "parse failed, line {line:n}."),
    any(Sign::ConfigSyntax, "{path:w}: No rules found"),
    any(Sign::ConfigSyntax, "has wrong number of fields in line"),
    any(
        Sign::ConfigSyntax,
        "line {line:n}) parameter is not within a section",
    ),
    any(Sign::ConfigSyntax, "line {line:n}) unknown section type"),
    any(Sign::ConfigSyntax, "line {line:n}) duplicated parameter"),
    // FreeS/WAN's and Openswan's reader of ipsec.conf: `(/etc/ipsec.conf, line 6) … -- `--start' aborted`.
    any(
        Sign::ConfigSyntax,
        "({path:w}, line {line:n}) {problem} -- `{:w}' aborted",
    ),
    any(
        Sign::ConfigSyntax,
        "({path:w}, line {line:n}) section header {problem}",
    ),
    any(Sign::ConfigSyntax, "ipsecconf: {problem} on line {line:n}"),
    any(
        Sign::ConfigSyntax,
        "Error before or at line {line:n}: {problem}",
    ),
    any(Sign::ConfigSyntax, "Configuration file {path:w} has errors"),
    any(
        Sign::ConfigSyntax,
        "addconn --config {path:w} --checkconfig (code=exited, status=1",
    ),
    any(
        Sign::ConfigSyntax,
        "addconn --config {path:w} --checkconfig (code=exited, status=3",
    ),
    // Files that can't be read.
    any(
        Sign::ConfigUnreadable,
        "addconn: ERROR: could not open '{path}': {problem}",
    ),
    any(
        Sign::ConfigUnreadable,
        "loading config file '{path}' failed",
    ),
    any(Sign::ConfigUnreadable, "can't load file '{path}'"),
    any(
        Sign::ConfigUnreadable,
        "failed to open config file '{path}'",
    ),
    any(
        Sign::ConfigUnreadable,
        "opening secrets file '{path}' failed: {problem}",
    ),
    any(
        Sign::ConfigUnreadable,
        "ipsec.conf not found at compiled-in location '{path}'",
    ),
    any(
        Sign::ConfigUnreadable,
        "no secrets filename matched \"{path}\"",
    ),
    // Words that aren't known.
    any(
        Sign::ConfigKeywordUnknown,
        "{path:w}:{line:n}: unrecognized keyword '{keyword}'",
    ),
    any(
        Sign::ConfigKeywordUnknown,
        "unrecognized '{}' keyword '{keyword}'",
    ),
    any(
        Sign::ConfigKeywordUnknown,
        "warning: unknown keyword '{keyword}'",
    ),
    any(Sign::ConfigKeywordUnknown, "# unknown keyword '{keyword}'"),
    any(
        Sign::ConfigKeywordUnknown,
        "invalid 'config setup' keyword ignored: {keyword:w}",
    ),
    any(
        Sign::ConfigKeywordUnknown,
        "invalid 'conn %%default' keyword ignored: {keyword:w}",
    ),
    any(
        Sign::ConfigKeywordUnknown,
        "invalid conn keyword ignored: {keyword:w}",
    ),
    any(
        Sign::ConfigValueInvalid,
        "bad {keyword:w} CA string '{value}': {} (ignored)",
    ),
    any(
        Sign::ConfigKeywordUnknown,
        "{path:w}:{line:n}: unknown keyword '{keyword}'",
    ),
    any(
        Sign::ConfigKeywordUnknown,
        "keyword '{keyword}' is not valid in a conn",
    ),
    any(
        Sign::ConfigKeywordUnknown,
        "unknown option: {keyword}, config discarded",
    ),
    any(Sign::ConfigKeywordUnknown, "unknown option: {keyword:w},"),
    // Values that aren't allowed.
    any(
        Sign::ConfigValueInvalid,
        "invalid value for: {keyword}, config discarded",
    ),
    any(
        Sign::ConfigValueInvalid,
        "{path:w}: {line:n}: keyword {keyword:w}, invalid value: {value}",
    ),
    any(
        Sign::ConfigValueInvalid,
        "keyword {keyword:w}, invalid value: {value}",
    ),
    any(
        Sign::ConfigValueInvalid,
        "keyword {keyword:w} accepts only one value, not {value}",
    ),
    any(
        Sign::ConfigValueInvalid,
        "bad duration value {keyword:w}={value}",
    ),
    any(
        Sign::ConfigValueInvalid,
        "bad percent value {keyword:w}={value}",
    ),
    any(
        Sign::ConfigValueInvalid,
        "# bad {} value: {keyword:w}={value}",
    ),
    any(
        Sign::ConfigValueInvalid,
        "bad argument value in conn '{value}'",
    ),
    any(
        Sign::ConfigValueInvalid,
        "bad argument value in config setup",
    ),
    any(
        Sign::ConfigValueInvalid,
        "bad value for {keyword:w}={value}",
    ),
    any(
        Sign::ConfigValueInvalid,
        "valid keyword, but value is not a number",
    ),
    any(
        Sign::ConfigValueInvalid,
        "skipped invalid proposal string: {value}",
    ),
    any(
        Sign::ConfigValueInvalid,
        "ignored invalid subnet token: {value}",
    ),
    any(Sign::ConfigValueInvalid, "invalid subnet: {value}, skipped"),
    any(
        Sign::ConfigValueInvalid,
        "a DH group is mandatory in IKE proposals",
    ),
    any(
        Sign::ConfigValueInvalid,
        "a key exchange method is mandatory in IKE proposals",
    ),
    any(
        Sign::ConfigValueInvalid,
        "an encryption algorithm is mandatory in IKE proposals",
    ),
    any(
        Sign::ConfigValueInvalid,
        "a PRF algorithm is mandatory in IKE proposals",
    ),
    any(
        Sign::ConfigValueInvalid,
        "classic and combined-mode (AEAD) encryption algorithms can't be contained in the same IKE proposal",
    ),
    any(
        Sign::ConfigValueInvalid,
        "connection authby= value is unknown",
    ),
    any(
        Sign::ConfigValueInvalid,
        "IKE proposal contains unexpected '{value}'",
    ),
    any(
        Sign::ConfigValueInvalid,
        "ESP proposal contains unexpected '{value}'",
    ),
    any(
        Sign::ConfigValueInvalid,
        "Encryption Algorithm (cipher) '{value}' is not recognized",
    ),
    any(
        Sign::ConfigValueInvalid,
        "Integrity Algorithm '{value}' is not recognized",
    ),
    any(
        Sign::ConfigValueInvalid,
        "Pseudorandom Function (KDF) '{value}' is not recognized",
    ),
    any(
        Sign::ConfigValueInvalid,
        "Pseudorandom Function (PRF) '{value}' is not recognized",
    ),
    any(
        Sign::ConfigValueInvalid,
        "Key Exchange Method (DH) '{value}' is not recognized",
    ),
    any(
        Sign::AlgorithmUnavailable,
        "Encryption Algorithm (cipher) '{algorithm}' is not supported",
    ),
    any(
        Sign::AlgorithmUnavailable,
        "Integrity Algorithm '{algorithm}' is not supported",
    ),
    any(
        Sign::AlgorithmUnavailable,
        "Key Exchange Method (DH) '{algorithm}' is not supported",
    ),
    any(
        Sign::ConfigValueInvalid,
        "with key length {value:n} invalid; valid key lengths:",
    ),
    any(
        Sign::ConfigValueInvalid,
        "cannot have '{value}' as the integrity algorithm",
    ),
    any(
        Sign::ConfigValueInvalid,
        "proposal missing encrypt transform",
    ),
    any(
        Sign::ConfigValueInvalid,
        "proposals do not support multiple transforms of the same type",
    ),
    any(
        Sign::ConfigValueInvalid,
        "either all or no ESP proposals should specify",
    ),
];
