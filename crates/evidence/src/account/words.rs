//! In which words people tell a symptom.

use adit_model::complaint::Complaint;

/// A symptom is told by a sentence that holds something of each group and nothing of `unless`. Alternatives are
/// beginnings of words, in small letters without punctuation, divided by `|`.
pub(super) struct Words {
    pub(super) complaint: Complaint,
    pub(super) groups: &'static [&'static str],
    pub(super) unless: &'static str,
    /// What was switched off, when that is what the sentence has to tell.
    pub(super) without: &'static str,
    /// It tells what helped: a question doesn't.
    pub(super) experiment: bool,
}

const fn told(complaint: Complaint, groups: &'static [&'static str]) -> Words {
    Words {
        complaint,
        groups,
        unless: "",
        without: "",
        experiment: false,
    }
}

const fn helped(complaint: Complaint, groups: &'static [&'static str]) -> Words {
    Words {
        complaint,
        groups,
        unless: HELPS_NOT,
        without: "",
        experiment: true,
    }
}

/// It works once something is off.
const fn without(complaint: Complaint, thing: &'static str) -> Words {
    Words {
        complaint,
        groups: &[HELPS],
        unless: HELPS_NOT_OFF,
        without: thing,
        experiment: true,
    }
}

const UP: &str = "tunnel is up|tunnels are up|tunnel up|tunnel comes up|tunnel came up|tunnel is established|tunnel establish|tunnel is connected|tunnel connects|tunnel shows up|tunnel shows as up|vpn is up|vpn is connected|vpn connects|vpn establish|connection is established|connection is up|connection establish|connects fine|connects successfully|connected successfully|connects but|is connected but|is established but|are established|both phases|phase 2 is up|phase 2 comes up|sa is established|sas are established|is active";
const PASSES_NOT: &str = "no traffic|no packet|packet loss is #100|#100 packet loss|#100 loss|traffic does not|traffic doesnt|traffic isnt|traffic is not|traffic cant|traffic cannot|traffic not|cant ping|cannot ping|can not ping|unable to ping|not able to ping|couldnt ping|cant reach|cannot reach|can not reach|unable to reach|cant access|cannot access|can not access|unable to access|no ping|ping fails|pings fail|ping times out|ping doesnt|ping does not|nothing passes|nobody reaches|no one reaches|nobody can reach|nobody in the office reaches|reaches anything|reach anything|containers cant|clients cant|nothing goes through|nothing gets through|nothing comes back|no data|no response|no reply|no internet|without internet|no connectivity|dont pass|doesnt pass|does not pass|not passing|isnt passing|not flow|isnt flow|doesnt flow|does not flow|is not reachable|isnt reachable|are not reachable|arent reachable|is unreachable|are unreachable";
const BREAKS: &str = "drop|disconnect|goes down|go down|went down|going down|stops|stop work|dies|die |is lost|lost for|gets lost|down for|is gone|reconnect|flap|lose the connection|lose connection|lose their connection|loses the connection|loses connection|loses its connection|interrupt|is cut|hangs|fails|falls over|needs a restart|outage";

const LOWERED: &str = "mtu set to #|mss set to #|lowering the mtu|lowering mtu|lower mtu|lower the mtu|lowered the mtu|smaller mtu|mtu lower|reducing the mtu|reducing mtu|reduce the mtu|reduced the mtu|decreasing the mtu|decreasing mtu|decrease the mtu|decreased the mtu|lowering the mss|lowering mss|reducing the mss|reducing mss|reduced the mss|clamping the mss|clamping mss|mtu to #|set the mtu|setting the mtu|changed the mtu|changing the mtu|set the mss|setting the mss|adjusting the mtu|adjusting mtu|adjusted the mtu|adjust the mtu|adjusting the mss|adjusting mss|adjusted the mss|adjust the mss";
const HELPS_NOT: &str = "not |cannot|didnt|doesnt|dont|hasnt|havent|hadnt|isnt|wasnt|arent|wont|wouldnt|cant|couldnt|unable|still|neither|nothing|never|no difference|no effect|no change|no luck|no avail|in vain|unsuccessful|without success|without effect|without any effect|without luck|whether|should|might|maybe|perhaps|hoping|try ";
/// Where something is on as well, it isn't known what the sentence says of which.
const HELPS_NOT_OFF: &str = "not |cannot|didnt|doesnt|dont|hasnt|havent|hadnt|isnt|wasnt|arent|wont|wouldnt|cant|couldnt|unable|still|neither|nothing|never|no difference|no effect|no change|no luck|no avail|in vain|unsuccessful|without success|without effect|without any effect|without luck|whether|should|might|maybe|perhaps|hoping|try |enabl|turned on|turning on|switched on|switching on|reenabl";
pub(super) const HELPS: &str = "get it working|get this working|got it working|got this working|gets it working|working by|made everything work|fixes|fixed|helps|helped|solves|solved|resolves|resolved|made it work|makes it work|it works|works fine|everything works|works then|it worked|then work|cures|cured|goes away|go away|went away|ping works|pings work|line rate|full speed|full rate|wire speed|runs clean|can connect again|connects again|i can connect|it connects|works again";

/// Kinds of causes, as people list them.
pub(super) const CAUSES: &[&str] = &[
    "route|routing",
    "nat |snat|masquerad",
    "firewall|acl |security group",
    "mtu|mss|fragment",
    "rp filter|reverse path|anti spoof",
    "ip forward|forwarding",
    "overlap|same subnet",
    "spi ",
    "esp blocked|esp is blocked|protocol #50",
    "psk|preshared|pre shared",
    "proposal|cipher|dh group|pfs",
    "identit|leftid|rightid|peer id",
    "lifetime|rekey|dpd",
    "certificat",
    "selector|proxy id|subnets differ",
];

/// All is well.
const WELL: &str = "tunnels are all up|tunnels all are up|branches all are up|all of them are up|all are up|all of which are up|tunnels are up|all tunnels are up|all tunnels up|everything is up|all is up|all up and|all up since|unaffected|not affected|arent affected|no outage|no incident|no impact|nobody noticed|no user noticed|nobody complain|no one complain|noone complain|no complaints|without trouble|without a problem|without problem|without any problem|without a hitch|without issue|without any issue|without incident|runs fine|running fine|runs well|runs without|been running without|was stable|up and stable|passes traffic|traffic passes|traffic flows|carries traffic|tunnel works|tunnels work|vpn works|ipsec works|ipsec is fine|vpn is fine|tunnel is fine|vpn was up|tunnel was up|tunnels were up|tunnels were back|vpn was back|everything works|everybody happy|everybody is happy|everything is fine|everything is ok|everything ok|all green|is all good|out of curiosity|my understanding|for the record";
/// Who says so of anything else has something that isn't well.
pub(super) const TROUBLE: &str = "however|terminat|doesnt|does not|dont connect|do not connect|fails|failing|failed to|unable|not working|not work|isnt working|cant |cannot |can not |wont |couldnt|following error|get error|get an error|this error|such an error|get the error|getting error|gives error|urgent|goes down|went down|is down|stopped working|stays down";
/// Versions from another one on, or what they break.
pub(super) const NEWER: &str = "or higher|or newer|or later|and higher|and newer|and later|and above|or above|since #|newer version|newer release|no longer work|not present|not affected|does not occur|doesnt occur|does not happen|doesnt happen|did not occur|didnt occur|lost|broken|regression";
/// All traffic is meant to go through the tunnel.
pub(super) const WANTED: &str = "as wanted|on purpose|intentional|intended|by design|full tunnel|fulltunnel|all traffic goes|all traffic by|all traffic via|all traffic through|all our traffic|everything goes by|everything goes via|everything goes through|everything by the|goes by the|goes via the|goes through the|its internet by|internet by the|internet via the|internet through the";
/// Hosts behind a gateway.
pub(super) const BEHIND: &str = "pcs|pc |clients|client |users|user |lan hosts|hosts in the lan|hosts of the lan|hosts behind|from the lan|our lan|machines|devices|workstation|laptop|nobody|no one|everybody|everything|nothing works|other pods|from pods|from a pod|between pods";
/// Who is at the other end.
pub(super) const FAR: &str = "far admin|other admin|peers admin|admin of the|other side|far side|remote side|other end|far end|remote end|partner|his server|their server|his firewall|their firewall";
/// It has what was sent.
pub(super) const FAR_HAS: &str = "arrive|sees|see the|receives|received|gets our|get our|answers|replies|dropping us|drops our|dropped our|blocks our|blocked our";
/// They don't do better.
pub(super) const BEHIND_FAIL: &str = "no reply|no answer|no response|same |timeout|times out|time out|cant |cannot|fail|either|neither|too |as well|not |none|nothing|unable|nobody|no one";
/// It isn't so, it isn't so always, somebody only wants to understand why it isn't, or it is what others say of their part.
const WELL_NOT: &str = "not between|within each|only within|apart from|this one|causing|but |until|except|however|although|though|when |then |after |before |unless|if |once |fail|not work|doesnt|dont |didnt|isnt|arent|wasnt|cant|cannot|couldnt|unable|no longer|anymore|any more|stops|stopped|drops|for a while|at first|used to|was working|worked|should|why |not able|nothing|no traffic|slow|only |without vpn|without ipsec|without the vpn|without the tunnel|over the internet|with the other|other tunnel|from the other|one way|one direction|sometimes|again|hang|stuck|on the first|the first one|on another|on the other|on one of|on all other|elsewhere|say |says |claim|swear|assure|insist|according to|told us|told me|tells us|tells me|their |the provider|the isp|our isp|our provider|hosting";

const LARGE: &str = "large|big file|big packet|big payload|bigger|everything above|packets over #|packets above #|anything above|anything over|bulk|file transfer|copying file|copy file|copying a file|full size|mtu";
const STALLS: &str = "hang|stall|freez|timeout|timeouts|times out|time out|never complete|incomplete|unresponsive|fail|stuck|lost|vanish|disappear|is gone|are gone|never arrive|drop|dont get|doesnt get|do not get|does not get";
const BY_TCP: &str = "ssh|curl|wget|tls|rdp|https|web page|website|sftp|scp|smb|share|login";
const THEN_STALLS: &str = "then hang|hang after|freez after|then freez|then stall|but hang|but freez|but stall|hangs after|freezes after|hangs when|hangs on ls|freezes when|half load|partly load|partially load|load partially|load only|never finish";
const SOME_PAGES: &str = "some site|some website|some web site|some web page|some webpage|some page|some of the site|some of the website|certain site|certain website|certain web|certain page|many site|many website|many other site|many web|many page|most site|most website|most other site|most page|several site|several website|other sites|other websites|others |a few sites|a few websites|half of the sites|half the sites|half of the websites";
const PAGES_STALL: &str = "never load|never open|never finish|never come|dont load|doesnt load|do not load|not loading|wont load|hang|load forever|loading forever|forever|time out|timeout|timing out|get stuck|gets stuck|stuck|freez|stall";
const OF_THE_WEB: &str =
    "web|page|load|open |opens|browser|google|youtube|http|chrome|safari|facebook";
const SAME_PAGES: &str =
    "to them|to those|to these|to all of them|to the same|websites|web sites|web pages";
const PINGS: &str = "pings to them are|pings to them work|ping to them is|ping to them works|ping to those works|ping to these works|ping work|pings work|ping is fine|pings are fine|can ping|icmp work|ping ok|ping succe|pings succe|ping goes through|pings go through";

/// Ways to say that something was switched off, wherever it stands beside its name.
pub(super) const OFF: &[&str] = &[
    "disabl",
    "uncheck",
    "untick",
    "switched off ",
    "switching off ",
    "switch off ",
    "turn off ",
    "turned off ",
    "turning off ",
    "turned it off ",
    "set to no ",
    "permissive",
    "setenforce #0 ",
    "flush",
    "iptables f ",
    "blacklist",
    "unload",
    "rmmod ",
    "remove the ",
    "removed the ",
    "removing the ",
];
/// Those that stand before it.
pub(super) const OFF_BEFORE: &[&str] = &[
    "without ",
    "stopped ",
    "stopping ",
    "stop ",
    "delete ",
    "deleted ",
    "deleting ",
];
/// Those that stand behind it.
pub(super) const OFF_BEHIND: &[&str] = &["off ", "is stopped ", "was stopped "];

/// What else takes somebody's access, or the network, away.
macro_rules! cut_by_others {
    () => {
        "now its fine|forgot|forgotten|password|fail2ban|modem|dsl|thunderstorm|power |provider|isp |migrat|rebooted|firewall rules|filter rules|pass rule|rules were reset|default route|bgp|ospf|gui|upload|hung|once a day|for an hour|for a minute|for a second|large|big |download|copy|file|output|print|dmesg|run top|to hosts in|to a server|to servers|at the centre|other end|the peer|peers |partner"
    };
}

pub(super) static TABLE: &[Words] = &[
    told(
        Complaint::NeverConnects,
        &[
            "cant connect|cannot connect|can not connect|unable to connect|not able to connect|couldnt connect|could not connect|never connect|fails to connect|failed to connect|wont connect|does not connect|doesnt connect|not connecting",
        ],
    ),
    told(Complaint::NothingPasses, &[UP, PASSES_NOT]),
    Words {
        unless: UP,
        ..told(Complaint::NothingReached, &[PASSES_NOT])
    },
    Words {
        unless: UP,
        ..told(
            Complaint::NothingReached,
            &[
                "ping |pings |pinging ",
                "does not work|doesnt work|do not work|dont work|not working|isnt working|fails|failing|without success",
            ],
        )
    },
    told(
        Complaint::OneWay,
        &[
            "one way|one direction|a single direction|only in one|unidirectional|in the other direction|not the other way|not vice versa|the reverse direction|way only",
            "traffic|ping|packet|tunnel|flow|reach|work|communicat|connect|data|count",
        ],
    ),
    told(
        Complaint::OneWay,
        &[
            "can ping|can reach|can access|is able to|able to ping|able to reach|ping works|flows from|traffic from|works from",
            "but not from|but not the other|but they cant|but they cannot|but the other|but not back|but not to|but the reverse|but from the|not from us|but cant ping from|but cannot ping from|but not vice",
        ],
    ),
    told(
        Complaint::OneWay,
        &[
            "no packets being encrypted|no packets being decrypted|no packet is decrypted|no packet is encrypted|no packets are decrypted|no packets are encrypted|nothing is decrypted|nothing is encrypted|not being decrypted|not being encrypted",
        ],
    ),
    Words {
        unless: "large number|largely|large network|large deployment|large site|large compan|large office",
        ..told(Complaint::LargeFails, &[LARGE, STALLS])
    },
    told(Complaint::LargeFails, &[BY_TCP, THEN_STALLS]),
    // Of pages that are reached alike, those that send more never come.
    Words {
        unless: "dns|resolv|block|filter|captcha|location|geo|country|proxy|certificate|certificat|turned out|turns out|ublock|adblock|netflix|streaming|data cent|reset|list|forbid|appliance|since the|was replaced",
        ..told(
            Complaint::LargeFails,
            &[SOME_PAGES, PAGES_STALL, OF_THE_WEB],
        )
    },
    Words {
        unless: "cant ping|cannot ping|no ping",
        ..told(Complaint::SmallPasses, &[PINGS, SAME_PAGES])
    },
    // A change of the size that helps says both.
    helped(Complaint::LargeFails, &[LOWERED, HELPS]),
    helped(Complaint::SmallPasses, &[LOWERED, HELPS]),
    told(
        Complaint::SmallPasses,
        &[
            "small request|small packet|smaller packet|packets under #|packets below #|packets up to #|small ping|small transfer",
            "pass|work|fine|ok |arrive|go through|goes through|get through|succe|only",
        ],
    ),
    // A ping passes the tunnel where the sentence says so, or sets it against what is large: others reach the peer itself.
    told(Complaint::SmallPasses, &[PINGS, UP]),
    told(Complaint::SmallPasses, &[PINGS, LARGE, STALLS]),
    told(Complaint::SmallPasses, &[PINGS, BY_TCP, THEN_STALLS]),
    Words {
        unless: "slowpath|slow path|allow|follow",
        ..told(
            Complaint::Slow,
            &[
                "slow|throughput|bandwidth|transfer rate|download speed|upload speed|speed of|speeds of|performance",
                "slow|low|poor|drops to|only|no more than|instead of|expected|should be|worse|bad|terrible|limited to|where the|without the vpn|without vpn|without ipsec|reaches|get ",
            ],
        )
    },
    told(
        Complaint::Periodic,
        &[
            "after #60 min|after one hour|after #1 hour|after #8 hours|after eight hours|after #24 hours|every #|each #|every two |every three |every four |every six |every eight |every ten |every twelve |every twenty|every thirty|every hour|every day|every night|each hour|every few minutes|every couple|hourly|once a day|once an hour|after exactly #|exactly after #|always after #|after about #|after around #|after approximately #|after # hour|after # minute|after # second|about every|roughly every|regularly|at regular",
            BREAKS,
        ],
    ),
    // Once in some hours it is a lifetime that ends.
    Words {
        unless: "hour|day|as configured|as it should|as expected|as intended|by design|that works|which works|is fine|is ok|no problem|normal",
        ..told(
            Complaint::Periodic,
            &[
                "every #|every few seconds|every few minutes|every minute|over and over|again and again",
                "reestablish|re establish|gets renegotiated|is set up anew|comes up anew",
            ],
        )
    },
    told(
        Complaint::NowAndThen,
        &[
            "from time to time|now and then|now and again|intermittent|random|sporadic|sometimes|occasionally|unstable|keeps flapping|keeps reconnecting|keeps dropping|keeps disconnecting|keep dropping|several times a day|many times a day|a few times a day|constantly",
            BREAKS,
        ],
    ),
    told(
        Complaint::NowAndThen,
        &[
            "after some time|after a while|after some hours|after a few hours|after several hours|after a few minutes|after a few days|after some days|after a couple of",
            "not able|no traffic|unable|cant|cannot|stops|drop|fail|lost|doesnt|no longer|breaks|disconnect|dies",
        ],
    ),
    told(
        Complaint::AtRekey,
        &[
            "rekey|re key|reauth|re auth|lifetime expire|lifetime end|lifetime is over|when the lifetime|phase 2 lifetime|at the end of the lifetime|renegotiat",
            BREAKS,
        ],
    ),
    told(
        Complaint::AfterIdle,
        &[
            "idle|no traffic for|without traffic|inactiv|unused|not used for|nothing is sent|quiet",
            "drop|disconnect|goes down|went down|stops|dies|lost|gone|fail|cant|cannot|doesnt|does not|timeout|times out|closed|torn down|down",
        ],
    ),
    told(
        Complaint::AfterRestart,
        &[
            "after a reboot|after reboot|after rebooting|after a restart of the|after restart|after the host restart|after the server restart|on boot|at boot|after boot|after power|power cut|power outage|power failure|power loss|blackout",
            "not come|since then no|doesnt|does not|isnt|is not|down|manual|by hand|fail|stays|gone|lost|have to|need to|until",
        ],
    ),
    told(
        Complaint::AfterPeerRestart,
        &[
            "other side|other gateway|other firewall|other end|other router|peer|remote|far end|far side|they|their",
            "was rebooted|was restarted|is rebooted|is restarted|reboots|restarts|rebooted|restarted|crashed|lost power|was replaced|flushed|cleared its",
        ],
    ),
    told(
        Complaint::AfterFailover,
        &[
            "failover|fails over|failed over|fail over|switchover|new master|backup node|standby takes|standby took|becomes master|vrrp|carp|passive node|secondary node",
        ],
    ),
    told(
        Complaint::AfterUpgrade,
        &[
            "after upgrad|after the upgrad|after updat|after the updat|since upgrad|since the upgrad|since updat|since the updat|after an upgrad|after an updat|upgraded to|upgraded from|updated to|updated from|worked before|used to work|worked with version|worked on version|after migrating",
        ],
    ),
    told(
        Complaint::OneSideBegins,
        &[
            "only comes up|only come up|comes up only|only works when|only works if|works only when|works only if|only establish|establishes only|only be initiated|only initiate|has to initiate|must initiate|can only be started|cant initiate|cannot initiate|unable to initiate|only when",
            "initiat|they|other side|remote|peer|their side|from our side|we ping|we start|traffic from",
        ],
    ),
    told(
        Complaint::SomeNetworks,
        &[
            "only one subnet|only one of the|only the first|only the last|only the second|one of the subnets|one of the networks|the second subnet|second network|other subnets|other networks|only one network|one subnet works|not all subnets|not all networks|first subnet work|only one selector|only # subnet",
        ],
    ),
    told(
        Complaint::SecondClientKicks,
        &[
            "second client|another client|second user|second device|other client|two clients|two devices|one client at a time|one user at a time|one device at a time|more than one client|multiple clients|when another user",
            "disconnect|drop|kick|stop|lose|lost|at a time|fail|same nat|behind the same|cant|cannot|not able",
        ],
    ),
    told(
        Complaint::SecondClientKicks,
        &[
            "same lan|same network|same nat|same ip|same public|same router|same wifi|same wi fi|same house|one ip|#1 ip|one nat|one router|when the phone|when the pc|when the first|with mac|with the phone",
            "client|clients|device|devices|phone|phones|computer|computers|laptop|notebook|pc |pcs",
            "only #1|only one|one at a time|at the same time|will disconnect|gets disconnected|get disconnected|kicks|is dropped|is kicked|simultaneously",
        ],
    ),
    told(
        Complaint::SecondClientKicks,
        &[
            "client|clients|device|devices|phone|user|pc |pcs|computer|laptop|notebook|machines",
            "second one connects|another one connects|next one connects|other one connects|second connects|second user connects|another user connects",
            "dropped|disconnect|kick|lose|lost|stops",
        ],
    ),
    told(
        Complaint::SomeNetworks,
        &[
            "only to the subnet|only to the network|only to one|only to the last|only to the first|only the last|only the first|only use one of|only use #1 of|only works for one|only works for the|only works with one",
            "subnet|subnets|network|networks|phase #2|selector",
        ],
    ),
    told(
        Complaint::GatewayOnly,
        &[
            "from the gateway|from the router|from the vpn server|from the firewall itself|from the instance|gateway itself|router itself|the instance itself|server itself",
            "but not from|but hosts|but other|other instances|but clients|but machines|not behind|behind it cant|behind it cannot|other host|but lan",
        ],
    ),
    Words {
        unless: cut_by_others!(),
        ..told(
            Complaint::AccessLost,
            &[
                "all network traffic is blocked|all traffic is blocked|no network traffic at all|not even ping itself|cant ping itself|ping to #127|pinging #127|ping #127|lose my ssh|loses my ssh|lost my ssh|lost ssh|lose ssh|lost access|lose access|lost my connection|lose my connection|lost connectivity|lose connectivity|locked out|locked myself out|unreachable|no longer reachable|not reachable any|answers nothing|cant ssh|cannot ssh",
                "after|when|once|since|as soon|restart|start|any more|anymore",
            ],
        )
    },
    Words {
        unless: concat!(
            cut_by_others!(),
            "|no longer any problem|not lose|dont lose|doesnt lose|without losing|dpd|rekey|reboot|remote lan|remote network|remote subnet|other side|far end|through the tunnel|over the tunnel|via the tunnel|over the vpn|through the vpn"
        ),
        ..told(
            Complaint::CutOff,
            &[
                "all network traffic is blocked|all traffic is blocked|blocks all traffic|blocks all network|no network traffic at all|not even ping itself|cant ping itself|ping to #127|pinging #127|ping #127|ping localhost|lose my ssh|loses my ssh|lost my ssh|lost ssh|lose ssh|ssh session dies|ssh session drops|ssh session hangs|ssh session freezes|ssh drops|ssh dies|ssh hangs|ssh freezes|lost access to the server|lose access to the server|lost access to the machine|lost access to the host|lost access to the box|lose access to the box|lose access to the machine|lose access to my|lost access to my|locked out|locked myself out|server becomes unreachable|server is unreachable|host becomes unreachable|machine becomes unreachable|vps becomes unreachable|box becomes unreachable|instance becomes unreachable|loses all network|lose all network|loses network|lose network|lost all network|loses all connectivity|lose all connectivity|communication is abnormal|communication abnormal|network is abnormal|network abnormal|network is dead|networking dies|networking stops|network stops|whole network is down|cant reach the local lan|cannot reach the local lan|cant reach my own lan|cannot reach its own lan|cant reach its own lan|cant reach local hosts|cannot reach local hosts|local hosts unreachable|local lan becomes unreachable",
                "after|when|once|since|as soon|moment |on start|brings up|bring up|comes up|starting ipsec|start ipsec",
                // What was set up or begun.
                "start|comes up|come up|came up|goes up|brings up|bring up|brought up|enabl|activat|config|appli|apply|establish|connect|load|add |added|install|set up|setting up|tunnel|ipsec|vpn",
            ],
        )
    },
    Words {
        unless: "but not from|but hosts|but other|but clients|from the gateway works|from the gateway i can|works from|can ping from|is fine|ping does|ping works|pings work|but ping|pcs|pc |clients|users|our lan|lan clients|lan hosts|from the lan|of the lan|nobody|no one|everybody|nothing works|ping i |with i |i eth|i lan|i br|with source|with the source|as source|as the source|source address|internet|mirror|provider|isp |remote gateway|peer gateway|other gateway|default gateway|to the gateway",
        ..told(
            Complaint::GatewayFails,
            &[
                "from the gateway|from the router|from the firewall|from the node|from the worker|from the host itself|from the vpn server|from the server itself|from the box itself|host network|hostnetwork|from the gateway node|from a gateway",
                "ping|curl|reach|connect|telnet|ssh",
                "wont work|doesnt work|does not work|not work|fails|times out|timeout|cannot|cant |unable|no reply|no answer|not possible|not reachable|no response",
                "pod|remote|other |far |opposite|branch|tunnel|behind|inside of|network|subnet|#10 |#172 |#192 |peers lan",
            ],
        )
    },
    told(
        Complaint::InClear,
        &[
            "traffic|packet|ping|data|communication|icmp",
            "unencrypted|not encrypted|isnt encrypted|arent encrypted|in clear|in the clear|cleartext|clear text|plaintext|plain text|bypass the tunnel|bypasses the tunnel|outside the tunnel|outside of the tunnel|not go through the tunnel|doesnt go through the tunnel|not going through the tunnel",
        ],
    ),
    told(
        Complaint::OtherAccessWorks,
        &[
            "works over|works from|works on|works fine over|works fine from|works fine on|works with|connects over|connects from|connects on|works via|no problem over|no problem on",
            "lte|4g|5g|mobile|hotspot|tether|other provider|another provider|other isp|another isp|cellular|different network|another network|other network|home network|wifi at|at home",
        ],
    ),
    told(
        Complaint::AllTunnels,
        &[
            "all tunnels|all the tunnels|every tunnel|all vpns|all peers|all connections|all our tunnels|all of our tunnels",
            "drop|went down|go down|goes down|are down|disconnect|lost|reset|fell|restart|fail",
        ],
    ),
    told(
        Complaint::BothBehindNat,
        &[
            "both sides|both ends|both gateways|both routers|both peers|both devices|both sites|both firewalls|both machines|both servers|both hosts|each side|each end",
            "behind nat|behind a nat|behind nats|behind a router|behind routers|behind a nated|behind natted|behind nat routers|natted|nated|behind a firewall with nat|over nat|behind cgnat",
        ],
    ),
    Words {
        unless: "still|not help|doesnt help|does not help|even after|lost after|after a restart of the|after reboot|after a reboot",
        ..told(
            Complaint::RestartHelps,
            &[
                "restart|reboot|bounc|reset|disconnect and reconnect|reconnect|clear the|clearing the|toggl|turn it off and on|down and up",
                "tunnel|vpn|ipsec|service|strongswan|connection|sa |sas |peer|firewall|router|opnsense|pfsense|daemon|gateway",
                "works again|it works|then works|fixes|solves|helps|comes back|is back|recovers|only way|to solve this|to fix this|to fix it|all is good|resolves|get it back|get it working|work again|solve this",
            ],
        )
    },
    // What somebody switched, and that it helped.
    without(
        Complaint::WorksWithoutOffload,
        "offload|esp hw offload|hw offload|lro|gro |gso |tso |large receive|generic receive",
    ),
    without(
        Complaint::WorksWithoutConfinement,
        "selinux|apparmor|setenforce",
    ),
    without(Complaint::WorksWithoutPfs, "pfs|perfect forward"),
    // One that is on and makes it slower.
    Words {
        unless: "no difference|doesnt change|does not change|nothing chang|as before|faster|without |better|improv|increas|disabled|although|even |despite|still|not supported|core|cpu|softirq|single|one tunnel|other tunnel|profile|policy|at the same time|because|bottleneck|disk|backup|tunnel itself|other site|renegotiat|except",
        experiment: true,
        ..told(
            Complaint::WorksWithoutOffload,
            &[
                "esp offload|esp4 offload|esp6 offload|hw offload|offload",
                "as soon as|as only|once |after |whenever |if i |if we |when i |when we |when esp|when the",
                "load |loaded|loading|modprobe|insmod|turned on|turning on|switched on|switching on|enable",
                "speed|throughput|bandwidth|gbit|mbit|gb s|mb s|rate",
                "but speed|but the speed|but throughput|but the throughput|drops to|drops from|falls to|falls from|collapse|goes down to|instead of #",
            ],
        )
    },
    Words {
        unless: "whether|should|might|maybe|perhaps|if |over |may be|could be|end of life|supported|default|dropped|removed|deprecat|algorithm|cipher|sha1|3des|modp|no longer propos|affected|vulnerab|release notes|previous version|colleague|supplier|customer|throughput|solved|broke ",
        experiment: true,
        ..told(
            Complaint::WorksInOlderVersions,
            &[
                "version|release|strongswan #|libreswan #|openswan #|kernel #|with #|in #|on #",
                "and earlier|and lower|or lower|or earlier|and older|or older|and below|or below|and previous|or previous|and before",
                "does not occur|doesnt occur|did not occur|didnt occur|does not happen|doesnt happen|is not present|not affected|everything is ok|everything ok|everything is fine|everything works|works fine|works well|works correctly|work fine|it works|worked fine|was fine|is fine|no such problem|no problem|not reproduc",
            ],
        )
    },
    Words {
        unless: "whether|should|might|maybe|perhaps|default|dropped|removed|deprecat|algorithm|cipher|sha1|3des|modp|other |another |this one|different ",
        experiment: true,
        ..told(
            Complaint::WorksInOlderVersions,
            &[
                "same config|same ipsec conf|same swanctl|same setup|identical config|identical setup|unchanged config|configuration unchanged|config unchanged",
                "works with|works on|works in|works fine with|works fine on|works well with|worked with|worked fine with|worked on|work with|is fine with|is ok with",
                "fails|but not|and not|stops working|is broken|no longer work|does not with|doesnt with",
                "strongswan #|libreswan #|openswan #|charon #|openiked #|racoon #|version #|versions #|release #",
            ],
        )
    },
    helped(
        Complaint::WorksInUdp,
        &[
            "forceencaps|force encaps|encapsulation forced|encap forced|forced encaps|forcing encaps|force udp encap|forced udp encap|forcing udp encap|forcing nat t|force nat t|forced nat t|forcing udp|encap yes|encapsulation yes",
            HELPS,
        ],
    ),
    Words {
        unless: "not crash|didnt crash|doesnt crash|dont crash|no crash|without crash|crash loop|whether|laptop|browser|windows crash|phone|fixed in|fixed with|kernel panic",
        ..told(
            Complaint::Crashes,
            &[
                "strongswan|charon|pluto|libreswan|openswan|racoon|iked|ike daemon|the daemon|there is a crash",
                "crash|segfault|segmentation fault|sigsegv|signal #11|signal #6|core dump|dumps core|dumped core",
            ],
        )
    },
    // Of the gateway's own table: what hosts behind it lack is another cause, and so is a filter's rule.
    Words {
        unless: concat!(
            "not |cannot|didnt|doesnt|dont |isnt|cant|still|neither|nothing|never|no difference|no effect|no luck|whether|should|might|maybe|perhaps|hoping|try |says|manual|docs|tells|told|customer|colleague|",
            "rule|polic|exempt|nat |masquerad|filter|firewall|on the server|on the file server|on the windows|on the host|on each|on every|on my pc|on the pc|on the client|on both|behind|file server|core switch|metric|return |their end|route back|route map|reflector"
        ),
        ..helped(
            Complaint::WorksWithRoute,
            &[
                "if there is a route in place|if a route is in place|when a route is in place|with a route in place|with the route in place|as long as there is a route|as long as the route|with a static route in place|only with a route|only with a static route|only if there is a route|only if i add|only when i add",
                "pass traffic|passes traffic|traffic passes|traffic flows|works|can ping|can reach|ping goes through|pings go through",
                "route |routes ",
            ],
        )
    },
    Words {
        groups: &[
            HELPS,
            "on the router|on that router|on this router|on one router|on both routers|on the gateway|on that gateway|on the sending|on openwrt|on opnsense|on pfsense|on vyos|on the edgerouter|routers firewall|gateways firewall",
        ],
        ..without(
            Complaint::WorksWithoutGatewayFirewall,
            "firewall|ufw|iptable|firewalld|nftables|packet filter",
        )
    },
    without(
        Complaint::WorksWithoutPolicies,
        "install policy|install policies|installpolicy|the policy installation",
    ),
    without(
        Complaint::WorksWithoutFirewall,
        "firewall|ufw|iptable|firewalld|nftables|windows defender|packet filter",
    ),
    Words {
        unless: WELL_NOT,
        ..told(Complaint::AllWell, &[WELL])
    },
    Words {
        unless: "without problem|without a problem|without any problem|no problem|not a problem|without an error|without error",
        ..told(
            Complaint::Fails,
            &[
                "doesnt work|does not work|not working|isnt working|stopped working|stops working|wont work|gives error|give error|get error|this error|following error|an error|with error|problem|nothing works",
            ],
        )
    },
];
