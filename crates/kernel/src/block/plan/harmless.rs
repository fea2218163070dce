//! What a chain neither stops nor counts, found before its exceptions are looked at.
//!
//! Nearly every packet of the host is one that no rule of a chain would stop or count. Such a packet passes whichever
//! exceptions there are: whether one of them lets it pass or none decides is the same. So a chain of its own asks the conditions of
//! those rules alone. When none holds the packet passes at once, past exceptions for ICMPv6, multicast, the peers and
//! policies, of which there may be hundreds. When one holds it goes back, and the whole list decides, as if nothing had been asked.

use crate::nft::Rule;

/// The rules of the chain that is asked before `decisions`, in which packets by way of one of `devices` may be exempt from the last ones.
pub(super) fn rules(decisions: &[Rule], devices: &[String]) -> Vec<Rule> {
    let asked: Vec<&Rule> = decisions.iter().filter(|r| r.stops_or_counts()).collect();
    let shortcuts: Vec<(usize, Rule)> = devices
        .iter()
        .flat_map(|name| {
            let way = [Rule::output_interface, Rule::input_interface];
            way.map(|by| by(Rule::new(), name))
        })
        .filter_map(|by| Some((exempt(&asked, &by)?, by.accept())))
        .collect();
    let mut rules = Vec::new();
    for (at, rule) in asked.iter().enumerate() {
        let here = shortcuts.iter().filter(|(first, _)| *first == at);
        rules.extend(here.map(|(_, shortcut)| shortcut.clone()));
        rules.push(rule.conditions().go_back());
    }
    rules.push(Rule::new().accept());
    rules
}

/// From which rule on all are for packets that go another way than `by`, so that those that go there can't be stopped or counted
/// any more; `None` where so few are left that asking costs as much.
fn exempt(asked: &[&Rule], by: &Rule) -> Option<usize> {
    let others = asked.iter().rev().take_while(|rule| rule.rules_out(by));
    let exempt = others.count();
    (exempt >= WORTHWHILE).then(|| asked.len() - exempt)
}

/// So many rules that are left out are worth one for every packet.
const WORTHWHILE: usize = 2;
