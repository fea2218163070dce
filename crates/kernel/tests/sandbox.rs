//! The private world without root: entered by an unprivileged process, with a NAT, a block and a TUN inside.
//!
//! It has its own `main`, because a user namespace needs a process with a single thread. Root starts it again as
//! another user.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::os::unix::process::CommandExt;
use std::process::Command;

use adit_kernel::block::{self, BlockMechanism};
use adit_kernel::sandbox::{self, Refusal};
use adit_kernel::{NetNs, PolicyBlock, Tun, TunConfig, closed, filter, sysctl};
use common::{Host, cable};

fn main() {
    if std::env::args().any(|argument| argument == "--list") {
        return println!("unprivileged_world: test");
    }
    if rustix::process::geteuid().is_root() && std::env::var("ADIT_TEST_INSIDE").is_err() {
        // The program itself may lie where only root can read it; the descriptor can be executed all the same.
        let program = std::fs::File::open(std::env::current_exe().unwrap()).unwrap();
        let mut again = Command::new(format!("/proc/self/fd/{}", {
            use std::os::fd::AsRawFd;
            rustix::io::fcntl_setfd(&program, rustix::io::FdFlags::empty()).unwrap();
            program.as_raw_fd()
        }));
        let status = again
            .env("ADIT_TEST_INSIDE", "1")
            .uid(NOBODY)
            .gid(NOBODY)
            .status()
            .unwrap();
        assert!(status.success());
        return;
    }
    private_world_of_a_user();
}

fn private_world_of_a_user() {
    let required = std::env::var("ADIT_REQUIRE_NET").is_ok();
    let skip = |reason: String| {
        assert!(!required, "the private world can't be tested: {reason}");
        eprintln!("skipped: the private world without root: {reason}");
    };
    if let Err(closed) = closed::namespaces().unwrap() {
        return skip(closed.to_string());
    }

    // With a second thread it is refused, and nothing has changed.
    std::thread::scope(|scope| {
        let (stop, wait) = std::sync::mpsc::channel::<()>();
        scope.spawn(move || wait.recv());
        let refused = sandbox::enter().unwrap_err();
        assert!(
            matches!(&refused, Refusal::Failed(error) if error.to_string().contains("2 threads")),
            "{refused}"
        );
        drop(stop);
    });
    // The thread's entry may outlive its join for a moment.
    let world = common::eventually("one thread is left", || match sandbox::enter() {
        Ok(world) => Some(world),
        Err(Refusal::Failed(_)) => None,
        Err(Refusal::Closed(closed)) => panic!("{closed}"),
    });
    assert!(world.unprivileged);
    assert!(closed::can_administer());

    let (lan, router) = (Host::new(), Host::forwarding());
    cable(&lan, "eth0", &router, "a");
    lan.address("eth0", &["10.1.0.2/24", "2001:db8:1::2/64"]);
    router.address("a", &["10.1.0.1/24", "2001:db8:1::1/64"]);
    assert!(lan.reaches("10.1.0.1") && lan.reaches("2001:db8:1::1"));
    let installed = router.run(|| {
        filter::masquerade("adit-nat", "b").unwrap();
        block::install(&PolicyBlock::new("adit")).unwrap()
    });
    assert_eq!(installed, BlockMechanism::PacketFilter);
    match closed::tun() {
        Ok(()) => router.run(|| {
            assert_eq!(
                Tun::create(&TunConfig::new("adit0")).unwrap().name(),
                "adit0"
            )
        }),
        Err(closed) => skip(format!("TUN inside it: {closed}")),
    }

    // Here the process owns even the limits, so what a closed machine looks like can be tried.
    sysctl::write("user.max_net_namespaces", "0").unwrap();
    let closed = closed::namespaces().unwrap().unwrap_err();
    assert_eq!(
        (closed.setting.as_str(), closed.value.as_str()),
        ("user.max_net_namespaces", "0")
    );
    assert!(closed.remedy.contains("sysctl -w user.max_net_namespaces="));
    assert_eq!(NetNs::create().unwrap_err().errno, Some(libc::ENOSPC));
    println!("test unprivileged_world ... ok");
}

const NOBODY: u32 = 65_534;
