//! The VICI protocol, both sides: the messages that swanctl and other tools exchange with an IKE daemon over its control
//! socket. There is no codec yet.
