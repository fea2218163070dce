//! `shutdown-order-cuts-network`: a file system behind the tunnel doesn't wait for it at the start, and outlives it at the end.

use adit_model::ahead::Ahead as Known;
use adit_model::selector::Selector;

use super::view::View;
use super::{Ahead, Forewarning};
use crate::verdict::AtFault;

pub(super) static RULE: Ahead = Ahead {
    id: "shutdown-order-cuts-network",
    judge,
};

fn judge(view: &View<'_>, out: &mut Vec<Forewarning>) {
    let Some(connection) = view.connection else {
        return;
    };
    let mut told: Vec<&str> = Vec::new();
    // What the table says goes before what is mounted now: only there the order can be written.
    let mut mounts: Vec<_> = view
        .all()
        .filter_map(|(fact, known)| match known {
            Known::Mount {
                server,
                point,
                kind,
                listed,
                options,
            } => Some((fact, server, point, kind, listed, options)),
            _ => None,
        })
        .collect();
    mounts.sort_by_key(|(_, _, _, _, listed, _)| !**listed);
    for (fact, server, point, kind, listed, options) in mounts {
        let host = Selector::host(*server);
        let behind = connection.children.iter().find(|child| {
            let holds = |ts: &Selector| ts.intersect(&host).is_some();
            child.remote_ts.iter().any(holds)
        });
        let Some(child) = behind.filter(|_| !told.contains(&point.as_str())) else {
            continue;
        };
        told.push(point);
        if *listed && (ordered(options) || options.iter().any(|o| o == "noauto")) {
            continue;
        }
        let warning = view
            .warn(fact, AtFault::Local, format!("{point} ({kind} of {server}) is reached through {}, and nothing says that it needs the tunnel", child.name))
            .of_child(&child.name)
            .then("at the start it is mounted before the tunnel is up and fails or hangs; at the end the tunnel goes first, and unmounting hangs");
        out.push(if *listed {
            warning.fix(format!("add _netdev,x-systemd.requires=adit.service to the options of {point} in /etc/fstab (or x-systemd.automount), then systemctl daemon-reload"))
        } else {
            warning.note().fix(format!("mount {point} from a unit with Requires= and After=adit.service, or from /etc/fstab with x-systemd.requires=adit.service"))
        });
    }
}

/// Whether options make a mount wait for the gateway.
fn ordered(options: &[String]) -> bool {
    let names = |prefix: &str| {
        let mut all = options.iter().filter_map(|o| o.strip_prefix(prefix));
        all.any(|unit| unit.starts_with("adit"))
    };
    names("x-systemd.requires=")
        || names("x-systemd.after=")
        || options.iter().any(|o| o == "x-systemd.automount")
}

#[cfg(test)]
mod tests {
    use super::super::testing::{causes, connection, of};
    use super::*;

    fn told(server: [u8; 4], listed: bool, options: &str) -> Vec<String> {
        let mount = Known::Mount {
            server: server.into(),
            point: "/srv".to_owned(),
            kind: "nfs4".to_owned(),
            listed,
            options: options.split(',').map(str::to_owned).collect(),
        };
        causes(&of(connection(), vec![mount]))
    }

    #[test]
    fn a_mount_behind_the_tunnel_has_to_wait_for_it() {
        let server = [10, 2, 0, 9];
        let cause = ["shutdown-order-cuts-network"];
        assert_eq!(told(server, true, "rw"), cause);
        assert_eq!(told(server, true, "rw,_netdev"), cause);
        assert!(told(server, true, "_netdev,x-systemd.requires=adit.service").is_empty());
        assert!(told(server, true, "x-systemd.automount").is_empty());
        assert!(told(server, true, "noauto").is_empty());
        assert_eq!(told(server, false, "rw"), ["(shutdown-order-cuts-network)"]);
        assert!(told([10, 3, 0, 9], true, "rw").is_empty());
    }
}
