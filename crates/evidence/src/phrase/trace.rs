//! FortiOS' trace of a packet on its way: the line that says why it was dropped names a number, and only the first line of
//! that number names the packet.

/// The packet that was named last.
#[derive(Debug, Default)]
pub(super) struct Trace(Option<Packet>);

#[derive(Debug)]
struct Packet {
    id: String,
    values: Vec<(&'static str, String)>,
}

impl Trace {
    /// The next line: `id=20085 trace_id=1 func=print_pkt_detail line=5 msg="vd-root:0 received a packet(proto=1,
    /// 10.2.0.15:1->10.1.0.1:2048) tun_id=198.51.100.20 from branch. …"`.
    pub(super) fn line(&mut self, body: &str) {
        if !body.starts_with("id=") {
            return;
        }
        if let Some((head, packet)) = body.split_once(" received a packet(proto=") {
            self.0 = number(head).and_then(|id| {
                let (protocol, ends) = packet.split_once(", ")?;
                let (source, rest) = ends.split_once("->")?;
                let (destination, _) = rest.split_once(')')?;
                Some(Packet {
                    id: id.to_owned(),
                    values: vec![
                        ("protocol", protocol.to_owned()),
                        ("source", source.to_owned()),
                        ("destination", destination.to_owned()),
                    ],
                })
            });
        }
    }

    /// What is known of the packet of which that line tells.
    pub(super) fn packet(&self, body: &str) -> impl Iterator<Item = (String, String)> + '_ {
        let of = number(body).map(ToOwned::to_owned);
        self.0
            .iter()
            .filter(move |packet| of.as_deref() == Some(packet.id.as_str()))
            .flat_map(|packet| packet.values.iter())
            .map(|(name, value)| ((*name).to_owned(), value.clone()))
    }
}

fn number(body: &str) -> Option<&str> {
    let (_, rest) = body.split_once(" trace_id=")?;
    rest.split(' ').next()
}

#[cfg(test)]
mod tests {
    use super::Trace;

    #[test]
    fn a_drop_is_of_the_packet_of_its_number() {
        let mut trace = Trace::default();
        trace.line("id=20085 trace_id=7 func=print_pkt_detail line=5 msg=\"vd-root:0 received a packet(proto=17, 192.0.2.7:500->198.51.100.1:500) from wan1. \"");
        let drop = |id: u32| {
            format!(
                "id=20085 trace_id={id} func=fw_local_in_handler line=500 msg=\"iprope_in_check() check failed on policy 0, drop\""
            )
        };
        let of = |id| trace.packet(&drop(id)).collect::<Vec<_>>();
        assert!(of(8).is_empty());
        let packet = of(7);
        let has = |name: &str, value: &str| packet.iter().any(|(n, v)| n == name && v == value);
        assert!(has("protocol", "17") && has("destination", "198.51.100.1:500"));
    }
}
