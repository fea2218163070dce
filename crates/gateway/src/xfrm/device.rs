//! Network devices that do a pair's work, where its child asks for that (`hw_offload`).
//!
//! The device is the one that leads to the peer. It is asked when states are put in, and asked again when another one leads
//! there. Whatever a device refuses, the kernel does itself, and it is told why. What is offloaded in the end is only known
//! from the kernel: it takes a wish that it silently doesn't fulfil.
//!
//! A device that does all of it (`packet`) has the numbers of packets, too, so such states can't go on elsewhere: a number
//! that was used twice would be the end of all secrecy. They end, and the key exchange makes others.

use std::collections::BTreeMap;
use std::sync::Arc;

use adit_esp::ChildName;
use adit_kernel::xfrm::{Offload, State, Xfrm};
use adit_kernel::{KernelError, Netlink};
use adit_model::carriage::HwOffload;
use adit_model::dataplane::Path;
use adit_model::status::{OffloadStatus, OffloadedTo};

use super::InKernel;
use super::pair::Pair;

/// A device that leads to a peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// Its index.
    pub index: u32,
    /// Its name.
    pub name: String,
}

/// What a pair wishes for, and what came of it.
#[derive(Clone, Debug, Default)]
pub struct Placed {
    /// As configured.
    pub wish: HwOffload,
    /// The device that was asked last.
    pub asked: Option<Device>,
    /// Why the kernel does it itself; `None` where all of it is offloaded.
    pub instead: Option<String>,
}

impl Placed {
    /// A wish that nobody was asked for yet.
    pub fn new(wish: HwOffload) -> Self {
        Self {
            wish,
            ..Self::default()
        }
    }

    /// From now on the device is meant that leads to the other end of a path.
    pub fn ask(&mut self, path: &Path) {
        if self.wish == HwOffload::Off {
            return;
        }
        (self.asked, self.instead) = (None, None);
        match leading_to(path) {
            Ok(device) => self.asked = Some(device),
            Err(error) => self.refuse(error.to_string()),
        }
    }

    /// Doesn't ask a device again that has refused the policies of states that it has whole.
    pub fn leave_out(&mut self, refused: Option<&(Device, String)>) {
        if let Some((device, why)) = refused
            && self.wish == HwOffload::Packet
            && self.asked.as_ref() == Some(device)
        {
            self.refuse(why);
        }
    }

    /// What a state is put in with.
    pub fn offload(&self, inbound: bool) -> Option<Offload> {
        let packet = match self.wish {
            HwOffload::Off => return None,
            HwOffload::Crypto => false,
            HwOffload::Packet => true,
        };
        let device = self.asked.as_ref().filter(|_| self.instead.is_none())?;
        Some(Offload {
            device: device.index,
            inbound,
            packet,
        })
    }

    /// The kernel does it itself. The first reason is the one that is told.
    pub fn refuse(&mut self, why: impl Into<String>) {
        self.instead.get_or_insert_with(|| why.into());
    }

    /// Whether the device that has states whole refuses their policies, and how.
    pub fn refusal_of_policies(
        &self,
        state: &State,
        error: &KernelError,
    ) -> Option<(Device, String)> {
        whole(state)?;
        let device = self.asked.clone()?;
        let says_no = matches!(error.errno, Some(libc::EINVAL | libc::EOPNOTSUPP));
        says_no.then(|| (device, self.refusal("the policies", error)))
    }

    fn refusal(&self, what: &str, error: &KernelError) -> String {
        let said = match (&error.hint, error.errno) {
            (Some(hint), _) => hint.clone(),
            (None, Some(errno)) => std::io::Error::from_raw_os_error(errno).to_string(),
            (None, None) => error.to_string(),
        };
        let advice = match self.wish {
            HwOffload::Packet => ", and `hw_offload = \"crypto\"` asks for less",
            HwOffload::Off | HwOffload::Crypto => "",
        };
        format!("doesn't take {what} ({said}{advice})")
    }

    /// Why the kernel does it itself, and that it does.
    pub fn sentence(&self) -> Option<String> {
        let why = self.instead.as_ref()?;
        let whose = match &self.asked {
            Some(device) => format!("{}, which leads to the peer, ", device.name),
            None => String::new(),
        };
        Some(format!(
            "{whose}{why}; the tunnel works without, in the kernel"
        ))
    }
}

/// The device that leads to the other end of a path.
fn leading_to(path: &Path) -> Result<Device, KernelError> {
    let mut netlink = Netlink::open()?;
    let (ours, theirs) = (path.local.ip(), path.remote.ip());
    let way = netlink.own_route_from(ours, theirs)?;
    let index = way.device.ok_or_else(|| {
        let what = "find the device that leads to";
        KernelError::own(what, theirs, "the route names none")
    })?;
    let name = netlink.link_by_index(index)?.name;
    Ok(Device { index, name })
}

/// The device that does all of a state's work.
pub fn whole(state: &State) -> Option<u32> {
    let offload = state.offload.filter(|offload| offload.packet)?;
    Some(offload.device)
}

/// Adds a state, without its device where that refuses.
///
/// # Errors
/// When the kernel doesn't take it without a device either.
pub fn add(xfrm: &mut Xfrm, state: &mut State, placed: &mut Placed) -> Result<(), KernelError> {
    let Err(error) = xfrm.add_state(state) else {
        return Ok(());
    };
    if state.offload.is_none() || error.is_present() || error.is_permission() {
        return Err(error);
    }
    state.offload = None;
    // If it isn't the device's fault, this fails as well.
    xfrm.add_state(state)?;
    let refusal = placed.refusal("the SAs", &error);
    placed.refuse(refusal);
    Ok(())
}

/// Adds the receiving and the sending state of a pair, by the device as far as that goes; both or neither.
///
/// # Errors
/// When the kernel doesn't take them.
pub fn add_pair(
    xfrm: &mut Xfrm,
    [receiving, sending]: [&mut State; 2],
    placed: &mut Placed,
) -> Result<(), KernelError> {
    receiving.offload = placed.offload(true);
    add(xfrm, receiving, placed)?;
    sending.offload = placed.offload(false);
    let mut outcome = add(xfrm, sending, placed);
    if outcome.is_ok() && whole(receiving).is_some() && whole(sending).is_none() {
        // Half of it whole isn't what policies can say.
        receiving.offload = None;
        outcome = xfrm
            .delete_state(&receiving.id)
            .and_then(|_| xfrm.add_state(receiving));
        if outcome.is_err() {
            let _ = xfrm.delete_state(&sending.id);
        }
    }
    if outcome.is_err() {
        let _ = xfrm.delete_state(&receiving.id);
    }
    look(xfrm, [receiving, sending], placed);
    outcome
}

/// Looks whether states are a device's work that were to be.
pub fn look(xfrm: &mut Xfrm, states: [&State; 2], placed: &mut Placed) {
    for state in states.into_iter().filter(|state| state.offload.is_some()) {
        let there = xfrm.state(&state.id).ok().flatten();
        if there.is_some_and(|there| there.offload.is_none()) {
            placed.refuse("does no cryptography for IPsec");
        }
    }
}

impl InKernel {
    /// Asks the devices that lead to peers now, where they aren't those that were asked before.
    pub fn look_at_devices(&mut self) {
        // What a device could have whole begins with new keys.
        let wishes = |pair: &Pair| match pair.placed.wish {
            HwOffload::Off => false,
            HwOffload::Crypto => !pair.gone,
            HwOffload::Packet => !pair.gone && whole(&pair.sending).is_some(),
        };
        let others: Vec<(usize, Path)> = self
            .pairs
            .iter()
            .enumerate()
            .filter(|(_, pair)| wishes(pair))
            // While nothing leads there, nothing leaves.
            .filter(|(_, pair)| {
                leading_to(&pair.path).is_ok_and(|now| pair.placed.asked.as_ref() != Some(&now))
            })
            .map(|(at, pair)| (at, pair.path))
            .collect();
        for (at, path) in others {
            if let Err(error) = self.move_pair(at, path) {
                tracing::warn!("{error}");
            }
        }
    }

    /// What devices do for each child that wishes for it, as the kernel tells now.
    pub fn offloads(&self) -> BTreeMap<Arc<ChildName>, OffloadStatus> {
        let mut found = BTreeMap::new();
        let wishing = || {
            self.pairs
                .iter()
                .filter(|p| p.placed.wish != HwOffload::Off)
        };
        if wishing().next().is_none() {
            return found;
        }
        let states = self.xfrm.borrow_mut().states().unwrap_or_default();
        let mut netlink = Netlink::open().ok();
        let mut to = |of: &State| {
            let state = states.iter().find(|state| state.id == of.id)?;
            let offload = state.offload?;
            let link = netlink.as_mut()?.link_by_index(offload.device);
            Some(OffloadedTo {
                device: link.map_or_else(|_| format!("#{}", offload.device), |link| link.name),
                does: if offload.packet { "packet" } else { "crypto" }.to_owned(),
            })
        };
        // The newest one counts.
        for pair in wishing() {
            let status = OffloadStatus {
                wanted: pair.placed.wish.word().to_owned(),
                inward: to(&pair.receiving),
                outward: to(&pair.sending),
                instead: pair.placed.sentence(),
            };
            found.insert(Arc::clone(&pair.child), status);
        }
        found
    }

    /// Says in the log why a pair isn't offloaded, unless its child's last one wasn't for the same reason.
    pub(super) fn tell_of_device(&mut self, at: Option<usize>) {
        let Some(pair) = at.and_then(|at| self.pairs.get(at)) else {
            return;
        };
        let (child, why) = (Arc::clone(&pair.child), pair.placed.sentence());
        let Some(why) = why else {
            self.not_offloaded.remove(&child);
            return;
        };
        if self.not_offloaded.get(&child) != Some(&why) {
            tracing::warn!(
                "{}: `hw_offload` of {}: {why}",
                child.connection,
                child.child
            );
            self.not_offloaded.insert(child, why);
        }
    }
}
