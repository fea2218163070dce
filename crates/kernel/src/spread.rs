//! Which of several sockets gets a received ESP packet: that of its SPI.

use std::io;
use std::os::fd::BorrowedFd;

use libc::sock_filter;

use crate::sys::socket;

/// Spreads what arrives for a shared UDP port by the first four octets of the datagram; a shorter one has the first
/// socket, because a load beyond the end makes the program return 0.
pub(crate) fn share_by_spi(fd: BorrowedFd<'_>, sockets: u32) -> io::Result<()> {
    let mut program = [
        op(LOAD_WORD, 0),
        op(MODULO, sockets.max(1)),
        op(RETURN_A, 0),
    ];
    socket::attach_program(fd, libc::SO_ATTACH_REUSEPORT_CBPF, &mut program)
}

/// Takes only packets whose SPI is `this` modulo `sockets`, and the first socket those that are too short for one: somebody
/// has to count them. A raw IPv4 socket sees the IP header, an IPv6 one doesn't.
pub(crate) fn take_share(fd: BorrowedFd<'_>, v6: bool, this: u32, sockets: u32) -> io::Result<()> {
    let (find, load) = if v6 {
        (op(LOAD_X, 0), op(LOAD_WORD, 0))
    } else {
        (op(LOAD_X_HEADER_LENGTH, 0), op(LOAD_WORD_AT_X, 0))
    };
    let mut program = [
        find,
        op(LOAD_LENGTH, 0),
        op(SUBTRACT_X, 0),
        sock_filter {
            code: JUMP_IF_AT_LEAST,
            jt: 1,
            jf: 0,
            k: 4,
        },
        op(RETURN, if this == 0 { u32::MAX } else { 0 }),
        load,
        op(MODULO, sockets.max(1)),
        sock_filter {
            code: JUMP_IF_EQUAL,
            jt: 0,
            jf: 1,
            k: this,
        },
        op(RETURN, u32::MAX),
        op(RETURN, 0),
    ];
    socket::attach_program(fd, libc::SO_ATTACH_FILTER, &mut program)
}

/// Takes only packets of one SPI: ESP in UDP to `port`, or plain ESP without one.
pub(crate) fn take_one(
    fd: BorrowedFd<'_>,
    v6: bool,
    port: Option<u16>,
    spi: u32,
) -> io::Result<()> {
    let equal = |k: u32, jf: u8| sock_filter {
        code: JUMP_IF_EQUAL,
        jt: 0,
        jf,
        k,
    };
    let find = if v6 {
        op(LOAD_X, 0)
    } else {
        op(LOAD_X_HEADER_LENGTH, 0)
    };
    // A load beyond the end of a packet refuses it.
    let mut program = vec![find];
    if let Some(port) = port {
        program.extend([op(LOAD_HALF_AT_X, 2), equal(port.into(), 3)]);
    }
    let at = if port.is_some() { 8 } else { 0 };
    program.extend([
        op(LOAD_WORD_AT_X, at),
        equal(spi, 1),
        op(RETURN, u32::MAX),
        op(RETURN, 0),
    ]);
    socket::attach_program(fd, libc::SO_ATTACH_FILTER, &mut program)
}

/// Takes no packet at all.
pub(crate) fn take_nothing(fd: BorrowedFd<'_>) -> io::Result<()> {
    socket::attach_program(fd, libc::SO_ATTACH_FILTER, &mut [op(RETURN, 0)])
}

const fn op(code: u16, k: u32) -> sock_filter {
    sock_filter {
        code,
        jt: 0,
        jf: 0,
        k,
    }
}

const LOAD_WORD: u16 = (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS) as u16;
const LOAD_WORD_AT_X: u16 = (libc::BPF_LD | libc::BPF_W | libc::BPF_IND) as u16;
const LOAD_HALF_AT_X: u16 = (libc::BPF_LD | libc::BPF_H | libc::BPF_IND) as u16;
const LOAD_X: u16 = (libc::BPF_LDX | libc::BPF_IMM) as u16;
const LOAD_X_HEADER_LENGTH: u16 = (libc::BPF_LDX | libc::BPF_B | libc::BPF_MSH) as u16;
const LOAD_LENGTH: u16 = (libc::BPF_LD | libc::BPF_W | libc::BPF_LEN) as u16;
const SUBTRACT_X: u16 = (libc::BPF_ALU | libc::BPF_SUB | libc::BPF_X) as u16;
const JUMP_IF_AT_LEAST: u16 = (libc::BPF_JMP | libc::BPF_JGE | libc::BPF_K) as u16;
const MODULO: u16 = (libc::BPF_ALU | libc::BPF_MOD | libc::BPF_K) as u16;
const JUMP_IF_EQUAL: u16 = (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16;
const RETURN: u16 = (libc::BPF_RET | libc::BPF_K) as u16;
const RETURN_A: u16 = (libc::BPF_RET | BPF_A) as u16;
/// The accumulator as what is returned (`linux/filter.h`).
const BPF_A: u32 = 0x10;
