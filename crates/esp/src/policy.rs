//! The security policies: which configured child a packet belongs to (RFC 4301 4.4.1).

use std::sync::Arc;

use adit_model::selector::Selector;

use crate::flow::Flow;

/// One child's selectors. Policies are searched in order; the first that takes a packet has it.
pub(crate) struct Policy {
    /// Position of the child in the data plane's list.
    pub(crate) child: usize,
    pub(crate) local: Arc<[Selector]>,
    pub(crate) remote: Arc<[Selector]>,
}

impl Policy {
    pub(crate) fn takes_outbound(&self, flow: &Flow) -> bool {
        flow.is_between(&self.local, &self.remote)
    }
}
