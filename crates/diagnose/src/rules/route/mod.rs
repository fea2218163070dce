//! The ways that packets take before and after the tunnel.

mod asymmetric_routing_bypass;
mod cloud_route_table_missing;
mod foreign_agent_route_capture;
mod inside_tunnel_address_or_bgp_wrong;
mod overbroad_remote_selector;
mod overlapping_subnets;
mod policy_route_table_220_lost;
mod redundant_tunnel_asymmetry;
mod return_route_missing_behind_gateway;
mod route_to_remote_subnet_missing;
mod source_address_outside_selectors;
mod source_dest_check;
mod tunnel_route_captures_peer;

use crate::rule::Rule;

pub(crate) static RULES: &[&Rule] = &[
    &asymmetric_routing_bypass::RULE,
    &cloud_route_table_missing::RULE,
    &foreign_agent_route_capture::RULE,
    &inside_tunnel_address_or_bgp_wrong::RULE,
    &overbroad_remote_selector::RULE,
    &overlapping_subnets::RULE,
    &policy_route_table_220_lost::RULE,
    &redundant_tunnel_asymmetry::RULE,
    &return_route_missing_behind_gateway::RULE,
    &route_to_remote_subnet_missing::RULE,
    &source_address_outside_selectors::RULE,
    &source_dest_check::RULE,
    &tunnel_route_captures_peer::RULE,
];
