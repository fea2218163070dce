//! Identities that RouterOS lists: rows of `/ip ipsec identity print`, and exports whose lines were glued together.

use adit_model::fact::Fact;
use adit_model::sign::Sign;

use super::sign;
use crate::reading::Place;
use crate::text::{Line, split_at_rare};

/// The next line: each `remote-id=fqdn:branch` of it.
pub(super) fn line(line: &Line<'_>, place: &dyn Fn() -> Place, facts: &mut Vec<Fact>) {
    let mut rest = line.body;
    while let Some((_, behind)) = split_at_rare(rest, "remote-id=") {
        rest = behind;
        // An export breaks its lines behind `=`.
        let value = behind.trim_start_matches(['\\', '"']);
        let word = value.split_ascii_whitespace().next().unwrap_or_default();
        // Rows go on with other settings, a secret among them, which may stand without a blank.
        let id = ["secret=", "password=", "key=", "peer=", "\""]
            .iter()
            .filter_map(|name| word.find(name))
            .min()
            .and_then(|end| word.get(..end))
            .unwrap_or(word);
        let known = ["fqdn:", "user-fqdn:", "key-id:", "address:"];
        let name = known.iter().find_map(|kind| id.strip_prefix(kind));
        if let Some(name) = name.filter(|n| !n.is_empty()) {
            facts.push(sign(place(), Sign::IdentityListed, &[("id", name)]));
        }
    }
}

#[cfg(test)]
mod tests {
    use adit_model::fact::{Known, Side};
    use adit_model::now::Wall;
    use adit_model::sign::Sign;

    use crate::reading::read;

    #[test]
    fn rows_and_glued_lines_name_their_identities() {
        let text = "0 peer=in auth-method=pre-shared-key remote-id=fqdn:alpha secret=\"x\" generate-policy=port-strict\n\
                    1 peer=in auth-method=pre-shared-key remote-id=fqdn:betasecret=\"x\"generate-policy=no\n\
                    /ip ipsec identityadd peer=\\in remote-id=\\user-fqdn:c@example.net\n\
                    2 peer=out remote-id=ignore\n\
                    3 peer=out remote-id=fqdn:deltapassword=\"hush\"\n";
        let facts = read("paste", Side::Local, text.as_bytes(), Wall(0)).facts;
        let ids: Vec<_> = facts
            .iter()
            .filter_map(|f| match &f.what {
                Known::Sign {
                    sign: Sign::IdentityListed,
                    values,
                } => values.get("id").map(String::as_str),
                _ => None,
            })
            .collect();
        assert_eq!(ids, ["alpha", "beta", "c@example.net", "delta"]);
    }
}
