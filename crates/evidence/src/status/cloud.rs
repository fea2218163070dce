//! What a cloud's command line says about hosts that forward and about route tables.

use adit_model::fact::Fact;
use adit_model::sign::Sign;

use super::sign;
use crate::reading::Place;
use crate::text::Line;

/// Reads JSON line by line, as far as one key needs the one before it.
#[derive(Debug, Default)]
pub(crate) struct Cloud {
    host: String,
    table: String,
    /// The network of the route whose members follow.
    network: String,
    /// Inside of `"SourceDestCheck": {`, where the value comes on the next line.
    check: bool,
}

impl Cloud {
    /// The next line.
    pub(super) fn line(
        &mut self,
        line: &Line<'_>,
        place: &dyn Fn() -> Place,
        facts: &mut Vec<Fact>,
    ) {
        let body = line.body.trim().trim_end_matches(',');
        let Some((key, value)) = body
            .strip_prefix('"')
            .and_then(|b| b.split_once("\":"))
            .map(|(key, value)| (key, value.trim()))
        else {
            if body.starts_with('}') {
                self.check = false;
                self.network.clear();
            }
            return;
        };
        match (key, value) {
            ("InstanceId", id) => id.trim_matches('"').clone_into(&mut self.host),
            ("RouteTableId", id) => id.trim_matches('"').clone_into(&mut self.table),
            ("DestinationCidrBlock", net) => net.trim_matches('"').clone_into(&mut self.network),
            ("DestinationIpv6CidrBlock" | "DestinationPrefixListId", _) => self.network.clear(),
            ("State", "\"blackhole\"") if !self.network.is_empty() => {
                let values = [("network", self.network.as_str())];
                facts.push(sign(place(), Sign::RouteBlackhole, &values));
            }
            ("SourceDestCheck", "{") => self.check = true,
            ("SourceDestCheck", "true") => self.tell(place, facts),
            ("Value", "true") if self.check => self.tell(place, facts),
            ("PropagatingVgws", "[]") => {
                let values = [("table", self.table.as_str())];
                facts.push(sign(place(), Sign::PropagationOff, &values));
            }
            _ => {}
        }
    }

    fn tell(&mut self, place: &dyn Fn() -> Place, facts: &mut Vec<Fact>) {
        self.check = false;
        let values = [("host", self.host.as_str())];
        facts.push(sign(place(), Sign::ForwardingCheckOn, &values));
    }
}
