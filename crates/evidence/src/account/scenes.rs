//! What only several sentences tell together: where something is, what was seen there, and what wasn't seen elsewhere.

use adit_model::complaint::Complaint;

use super::holds;

/// Somebody guesses, asks for advice or gives it.
const UNSURE: &str = "whether|should|might|maybe|perhaps|could be|i think|i guess|suspect|probably|assum|not sure|wonder|possib|make sure|please|would be|in theory|in the docs|documentation|last year|last month|last week|another tunnel|other tunnel";
/// It is so on purpose, or it was another's, another time or another machine.
const APART_FROM_IT: &str = "on purpose|as wanted|as it should|as they should|as they ought|as it ought|as intended|by design|is wanted|demands|colleague|customer|forum|in the lab|old box|old gateway|old firewall|replaced it|unplugged|wrong machine|what we want|what i want";

/// Machines whose network somebody else makes.
const VIRTUAL: &str = "aws|ec2|azure|gcp|google cloud|vpc|vnet|openstack|ibm cloud|hetzner cloud|digitalocean|droplet|oracle cloud|oci |cloud|instance|vm |vms|virtual machine|proxmox|esxi|vsphere|vmware|kvm|hypervisor|hyper v|kubernetes|openshift|node |nodes|pod |pods";
/// A gateway passes it on, and it isn't the gateway that misses it.
const FORWARDS: &str = "forward|passes it on|passes them on|passed on|routes it|routes the";
const GATEWAY: &str = "gateway|router|vpn server|vpn instance|vpn vm|strongswan|libreswan";
const GATEWAY_MISSES: &str = "gateway never|gateway doesnt|gateway does not|gateway node never|gateway node doesnt|gateway vm never|gateway vm doesnt|gateway instance never|gateway instance doesnt|gateway sees|at the gateway|reach the gateway|reaches the gateway|to the gateway|vpn server never|vpn server doesnt|vpn instance never|vpn instance doesnt|vpn vm never|router never|router doesnt";
const PASSES_ON: &str = "forward|leave|leaving|goes out|go out|going out|sent out|sends|comes out|out of|passes|passed on";
const INTERFACE: &str = "eth0|eth1|eth2|ens|enp|eno|enx|vnic|network interface|nic |mac address|correct mac|right mac|lan interface|inside interface|private interface|internal interface";
const FROM_TUNNEL: &str =
    "tunnel|decrypt|ipsec|vpn|branch|remote|reply|replies|answer|response|syn ack|syn";
const ANSWER: &str = "syn ack|synack|reply|replies|answer|response";
const MISSED: &str = "never receive|never arriv|never see|never saw|never get|never reach|never show|doesnt receive|does not receive|not receiv|doesnt arriv|does not arriv|dont arriv|do not arriv|doesnt see|does not see|dont see|do not see|sees nothing|see nothing|saw nothing|shows nothing|stays empty|is empty|nothing arriv|no packet arriv|nothing is seen|nothing there|nothing on";
const WATCHED: &str = "tcpdump|capture|wireshark|sniff|tshark|trace";
/// Who misses it is at the far end, or nothing is passed on.
const BEYOND: &str = "on the branch|in the branch|at the branch|remote client|client on the remote|at the remote|on the remote|through the tunnel|to the tunnel|in clear|forwards nothing|forward nothing|doesnt forward|does not forward|forwards none|not forwarded|shows up there|server s eth|servers eth";
/// Something else is known to drop it, or the two aren't in one network.
const DROPPED_THERE: &str =
    "nsg|security group|firewall drops|firewall blocks|arp |vlan|drops it|drops them|drops the";
/// It is about what goes to the other gateway, or the packets are seen.
const OUTWARD: &str = "esp packet|ike |udp #500|#4500|isakmp|wan |other gateway|remote gateway|peer gateway|peer s|internet|isp |provider";

const ONE: &str = "one core|single core|one cpu|single cpu|one of the core|one of the cpu|one of the processor|one processor|single processor|one thread|single thread|core #0|cpu #0|cpu0|cpu1|cpu2|cpu3|cpu4|cpu5|cpu6|cpu7|only #1 core|only #1 cpu|#1 core|#1 cpu";
const FULL: &str = "#100|#99|fully loaded|fully used|fully utili|full load|maxed|maxes|saturat|pegged|at full|at its limit|is full|no time left";
const OTHERS_REST: &str = "idle|other core|other cpu|all the other|all other|the others|the rest|rest of the|remaining|do nothing|doing nothing|near zero";
const OF_TUNNEL: &str =
    "ipsec|esp |tunnel|vpn|ksoftirq|softirq|soft irq|encrypt|decrypt|gateway|cable driver|si ";
const SPEED: &str =
    "throughput|bandwidth|gbit|mbit|gbps|mbps|gb s|mb s|iperf|slow|speed|performance";
const PROGRAM: &str = "server behind|mail server|file server|database|web server|backup|another process|other process|process has|process is|process takes|process uses|process with|openvpn|wireguard|compil|cron|charon|pluto|suricata|snort|java |all cores|all cpus|all core|every core|each core|all of the cores";

/// Something else than the tunnel's packets takes the processor's time, or not all the time.
const OTHER_LOAD: &str = "iperf process|iperf3 process|itself|rsync|scp |syslog|logs each|one queue|without the tunnel|without ipsec|without the vpn|without encryption|ddos|attack|now and then|for a second";

const REKEY_OFF: &str = "rekey no|rekey is no|rekey set to no|rekey is set to no|rekey to no|rekeying off|rekeying is off|rekeying disabled|rekeying is disabled|rekeying switched off|rekey disabled|rekey is disabled|rekey time #0|rekey time is #0|dontrekey|dont rekey";
const ENDS: &str = "disconnect|drop|lose |loses|lost|expire|goes down|go down|ends |end after|end with|is closed|are closed|terminat|torn down|cut off";
const LIFETIME: &str = "lifetime|ikelifetime|salifetime|ike life|sa life|life time|keylife|only with rekey|not happen with|doesnt happen with|dont happen with|rekey yes";
const IN_TIME: &str = "after about|after exactly|after around|after roughly|after approximately|after #|after one|after an|after eight|after twenty|every #|every hour|each hour|hourly|exactly|when the lifetime|lifetime expires|end of the lifetime|lifetime is over|lifetime ends|ikelifetime expires|only with rekey|not happen with|doesnt happen with|dont happen with";
const OVERCOME: &str = "tried|no difference|is gone|are gone|fixed|helped|helps|solved|solves|no longer|is stable|works fine|idle|inactiv|without traffic|mismatch|differ|docs|manual|guide|recommend|should|refused|rejected|no proposal|pfs";

/// Something else ends it, or somebody wants that.
const OTHER_END: &str = "dh group|modp|licen|deletes|sends a delete|session timeout|radius|reconnects|dsl|pppoe|for the test";

const WINDOWS: &str = "windows|win10|win11|win #10|win #11|win #7";
const IDLE: &str = "idle|inactiv|unused|no traffic|without traffic|nothing is sent|no activity";
const FIVE_MINUTES: &str = "#5 min|#5min|#5 m |five min|#300 s|#300s";
const DISCONNECTS: &str =
    "disconnect|drop|goes down|is closed|closes|terminat|hangs up|torn down|loses the connection";
const STILL_THERE: &str = "still shows|still says|still connected|remains connected|shows connected|still up|after #5 minutes of use|even while|even when|even with|even if traffic|udp timeout|nat timeout|mapping";

/// The machine sleeps, or it is another clock or session that ends.
const OTHER_IDLE: &str = "standby|stand by|sleep|hibernat|suspend|screen|lid |radius|session timeout|rdp|group policy|lte|dpd|stays up|who copy";

const APART: &str = "two hosters|both hosters|each hoster|across hosters|two providers|both providers|each provider|across providers|different provider|different hoster|other provider|other hoster|two clouds|different cloud|other cloud|across clouds|two data cent|different data cent|two sites|over the internet|across the internet|hoster a|hoster b|provider a|provider b|different region";
const SAS: &str = "xfrm state|ip xfrm|sa between|sas between|sas are|sa is|esp |sas |security association|tunnel to|tunnel endpoint";
const PUBLIC: &str = "public";
const PRIVATE: &str =
    "private #|private address|private ip|its private|internal address|internal ip|rfc1918";
const BETWEEN: &str = "between|and|to |towards";
const ANNOUNCES: &str = "announces|announced|advertises|advertised|publishes|published|registers|registered|reports|reported";
const INSTEAD: &str = "instead of|rather than|and not the public|not its public";
/// It is routes that are announced, a NAT is known of, or nothing is wrong.
const ELSE_ANNOUNCED: &str =
    "bgp|ospf|route|nat |nat t|behind nat|is up|passes|works|normal|only slow";

const NAT: &str = "nat |nats|cgnat|nat router|nat gateway|nat box|nat device";
const GIVES: &str = "gave|gives|hands|assigns|assigned|allocat|changed the|changes the|maps|mapped|remap|rebind|rebound|new public|new external|new source port|new mapping|another port|another public|different port|new port|different public";
const OLD_KEPT: &str = "old address|old ip|old public|old port|old mapping|old endpoint|old source port|previous address|previous ip|previous port|previous public|former address|former ip|former port|former public|stale address|stale endpoint|isnt updated|is not updated|never updated|not updated|doesnt follow|does not follow|never follows|doesnt update|does not update";
const MOVED_ITSELF: &str = "crypto map|dyndns|ddns|dyn dns|replaced|provider gave|isp gave|provider assign|isp assign|isps |the isp|remote gateway is|still sends to|roam|lte|wi fi|wifi|wlan|switches network|changes network|another network|mobike disabled|dns|nat rule|nat polic|configur|config |set to";

/// What was told so far.
#[derive(Debug, Default)]
pub(super) struct Scenes {
    /// The machines are virtual.
    machines: bool,
    /// The ends are in networks of different owners.
    apart: bool,
}

impl Scenes {
    /// Whether a line that is no sentence may tell something too.
    pub(super) fn listens(&self) -> bool {
        self.apart
    }

    /// The next sentence; `before` it is another one.
    pub(super) fn sentence(&mut self, before: &str, sentence: &str, asks: bool) -> Vec<Complaint> {
        self.machines |= holds(sentence, VIRTUAL);
        self.apart |= holds(sentence, APART);
        let mut out = Vec::new();
        if asks || holds(sentence, UNSURE) {
            return out;
        }
        let both = format!("{before}{sentence}");
        if holds(&both, APART_FROM_IT) {
            return out;
        }
        let all = |groups: &[&str]| groups.iter().all(|g| holds(&both, g));
        if holds(sentence, MISSED)
            && self.machines
            && all(&[PASSES_ON, INTERFACE, FROM_TUNNEL, WATCHED])
            && !holds(&both, OUTWARD)
            && !holds(&both, GATEWAY_MISSES)
            && !holds(&both, DROPPED_THERE)
        {
            let answers = all(&[ANSWER, FORWARDS, GATEWAY]) && !holds(&both, BEYOND);
            out.push(if answers {
                Complaint::AnswersForwardedVanish
            } else {
                Complaint::ForwardedVanishes
            });
        }
        if all(&[ONE, FULL, OTHERS_REST, OF_TUNNEL, SPEED])
            && !holds(&both, PROGRAM)
            && !holds(&both, OTHER_LOAD)
        {
            out.push(Complaint::OneCoreBusy);
        }
        if all(&[ENDS, REKEY_OFF, LIFETIME, IN_TIME])
            && !holds(&both, OVERCOME)
            && !holds(&both, OTHER_END)
        {
            out.push(Complaint::EndsWithoutRekey);
        }
        if holds(sentence, FIVE_MINUTES)
            && all(&[WINDOWS, IDLE, DISCONNECTS])
            && !holds(&both, STILL_THERE)
            && !holds(&both, OTHER_IDLE)
        {
            out.push(Complaint::WindowsIdle);
        }
        let of_others = self.apart
            && [SAS, PUBLIC, PRIVATE, BETWEEN]
                .iter()
                .all(|g| holds(sentence, g))
            && seen_at_the_public_end(sentence);
        let announced = [PRIVATE, ANNOUNCES, INSTEAD, PUBLIC]
            .iter()
            .all(|g| holds(sentence, g));
        if (of_others || announced)
            && !holds(&both, "leftid|rightid|identit|id ")
            && !holds(&both, ELSE_ANNOUNCED)
        {
            out.push(Complaint::PrivateTarget);
        }
        if all(&[NAT, GIVES, OLD_KEPT]) && !holds(&both, MOVED_ITSELF) {
            out.push(Complaint::NatMoved);
        }
        out
    }
}

/// Whether a later sentence knows something else that brings the scene about.
pub(super) fn explains(sentence: &str, of: Complaint) -> bool {
    let else_known = match of {
        Complaint::ForwardedVanishes | Complaint::AnswersForwardedVanish => DROPPED_THERE,
        Complaint::OneCoreBusy => OTHER_LOAD,
        Complaint::EndsWithoutRekey => OTHER_END,
        Complaint::PrivateTarget => ELSE_ANNOUNCED,
        Complaint::WindowsIdle => OTHER_IDLE,
        Complaint::NatMoved => MOVED_ITSELF,
        _ => return false,
    };
    holds(sentence, else_known)
}

/// `On A there are SAs between A's public address and …`: behind a NAT, the end with the private address has to see them so.
fn seen_at_the_public_end(sentence: &str) -> bool {
    let mut words = sentence.split_whitespace().peekable();
    while let Some(word) = words.next() {
        let host = words.peek().copied().unwrap_or_default();
        if word == "on" && !host.is_empty() && holds(sentence, &format!("{host}s public")) {
            return true;
        }
    }
    holds(sentence, "our public|my public|our own public")
}
