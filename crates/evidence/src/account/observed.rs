//! What people found, in their words: not a symptom, but what they saw of its cause.
//!
//! Only what is told as seen counts. A guess (*maybe the firewall drops ESP*) and a question don't.

use adit_model::complaint::Complaint;

use super::words::Words;

macro_rules! unsure {
    () => {
        "were going to|im going to|plan to|planned|planning|change request|about to|we want to|i want to|we will|ill |whether|should|might|maybe|perhaps|could be|can be |i think|i guess|i suspect|suspect|probably|seems|seem to|assum|if |unless|not sure|wonder|possib|make sure|please check|verify|hypothes|theory|no firewall|isnt blocked|not blocked|arent blocked|wasnt blocked|not dropped|isnt dropped|arent dropped|not natted|isnt natted|not being nat|nothing is dropped|no drops|try to|allowed|permitted|not the firewall|before the fix|by default"
    };
}

/// It was so, it is so of another tunnel, or somebody read of it.
macro_rules! elsewhere {
    () => {
        "any more|anymore|no longer|changed|corrected|is gone|was gone|last week|last month|last year|another tunnel|other tunnel|another customer|other customer|different customer|another gateway of|in the docs|documentation|manual|read about|we read|used to|is up|are up|came up|comes up|works|does not have|doesnt have|not the problem|isnt the problem|nothing is broken"
    };
}

const fn saw(complaint: Complaint, groups: &'static [&'static str]) -> Words {
    Words {
        complaint,
        groups,
        unless: UNSURE,
        without: "",
        experiment: true,
    }
}

/// It isn't known, or it isn't so.
const UNSURE: &str = unsure!();

const PACKETS: &str =
    "packet|traffic|ping|icmp|request|source address|source ip|connection to the remote|data ";
const FIREWALL: &str = "firewall|filter rule|filter table|iptables|nftables|firewalld|ufw|default deny|default drop|default block|deny rule|block rule|wan rule|input chain|wan interface|security group|acl|access list";
const STOPPED: &str = "drop|block|discard|reject|denied|filtered|lost|swallow|run against|runs against|runs into|thrown away";
const IKE_PORTS: &str = "udp #500|udp #4500|port #500|port #4500|ports #500|ports #4500|udp500|udp4500|isakmp|ike request|ike packet|vpn request|ike traffic|#500 udp|#4500 udp|#500 and #4500";

pub(super) static TABLE: &[Words] = &[
    // Of what ought not to be, somebody knows that it is.
    Words {
        complaint: Complaint::SourceTranslated,
        groups: &[
            "masquerades|masquerading|natting|nats |snats|translates",
            "packet|traffic",
            "shouldnt|should not|mustnt|must not",
            "ipsec|vpn|tunnel",
        ],
        unless: "whether|might|maybe|perhaps|i think|i guess|suspect|probably",
        without: "",
        experiment: false,
    },
    saw(
        Complaint::TranslatedBeside,
        &[
            "translated to #10|translated to #172|translated to #192|translated into #10|translated into #172|translated into #192|natted to #10|natted to #172|natted to #192|nated to #10|nated to #172|nated to #192|snatted to #10|snatted to #172|snatted to #192|nat to #10|nat to #172|nat to #192|translated to an address of the phase #2|translated to an address in the phase #2|translated to the phase #2 network",
            "not being tunneled|not tunneled|isnt tunneled|not being tunnelled|not tunnelled|isnt tunnelled|not go into the tunnel|not enter the tunnel|doesnt enter the tunnel|does not enter the tunnel|never enters the tunnel|leaves the wan unencrypted|leaves wan unencrypted|not being encrypted|not encrypted|isnt encrypted|goes out the wan|goes out of wan|goes out wan|leaves by the wan|leaves on the wan|leaves through the wan",
            "packet|traffic|ping|icmp|request",
        ],
    ),
    Words {
        unless: concat!(
            unsure!(),
            "|as wanted|is wanted|of course|on purpose|as it should|as they should|as intended|core switch|to the internet"
        ),
        ..saw(
            Complaint::SourceTranslated,
            &[
                "masqueraded|gets masquerad|get masquerad|natted|nated|being nat|gets nat|get nat|snatted|snated|being translated|gets translated|translated to the",
                PACKETS,
                "before|instead of|tunnel|ipsec|policy|wan|public|outside|external|outgoing|remote subnet|remote network",
            ],
        )
    },
    saw(
        Complaint::SourceTranslated,
        &[
            "leaving with|leaves with|leave with|going out with|goes out with|go out with|sent out with|sent with",
            "public|wan|external|outside|isp",
            "source|src|address|ip",
            "tunnel|ipsec|vpn|esp|encrypt",
        ],
    ),
    saw(
        Complaint::SourceTranslated,
        &[
            "exclu|exempt|bypass rule|nonat|no nat rule|nat bypass|accept rule|return rule",
            "masquerad|nat rule|source nat|snat|postrouting|nat table",
            "fixed|fixes|solved|solves|resolved|resolves|works now|it works|now works|working now|made it work|did the trick",
        ],
    ),
    saw(
        Complaint::WorksFromInside,
        &[
            "ping s #|ping i #|ping i eth|ping i br|ping i lan|with source|source interface|specify the source|specifying the source|specify a source|with the source|source address set|from the lan interface|from the inside interface|from the lan ip|from the inside ip",
            "ping|icmp",
            "succeed|works|is fine|replies|gets answers|is answered|are answered|gets replies|goes through",
            "but ping|but without|but a plain|but normal|but a normal|but not without|but when i dont|without it|without s |without i |without a source|without the source|without specifying",
        ],
    ),
    Words {
        unless: concat!(
            unsure!(),
            "|esp problem|esp issue|esp trouble|esp error|esp packet problem|esp traffic problem|esp traffic issue|all esp comes|all esp arrives|pass traffic|passes traffic"
        ),
        ..saw(
            Complaint::EspVanishes,
            &[
                "no incoming esp|no esp comes|no esp arriv|esp packet|esp traffic|protocol #50|proto #50|esp is|esp was|esp gets|no esp|esp never|esp doesnt|esp does not|the esp|drops esp|blocks esp|dropping esp|blocking esp|esp protocol",
                "no incoming esp|no esp comes|no esp arriv|never arriv|not arriv|dont arriv|doesnt arriv|ever arriv|never reach|dont reach|doesnt reach|not reach|are dropped|is dropped|was dropped|were dropped|are blocked|is blocked|was blocked|were blocked|gets blocked|get blocked|get dropped|gets dropped|filtered|blocks|blocking|drops|dropping|are discarded|no esp packet|no esp traffic",
            ],
        )
    },
    Words {
        unless: "whether|should|might|maybe|perhaps|i think|i guess|suspect|probably|seems|assum|if |not sure|wonder|possib|verify|only #22",
        ..saw(
            Complaint::EspNotPermitted,
            &[
                "only allow|only permit|allows only|permits only|only udp|only ports|only port|only open|opened only|are the only",
                "#500",
                "security group|firewall|acl|access list|rule",
                "tunnel|established|both side|connected|ike is up|sa is up|esp",
            ],
        )
    },
    saw(Complaint::IkeFiltered, &[IKE_PORTS, STOPPED, FIREWALL]),
    Words {
        unless: "whether|should|might|maybe|perhaps|i think|i guess|suspect|probably|seems|assum|if |not sure|wonder|possib|verify|are open|is open|were opened already",
        ..saw(
            Complaint::IkeFiltered,
            &[
                "not open|wasnt open|werent open|not opened|wasnt allowed|werent allowed|not allowed|were closed|was closed|are closed|had to open|opening|after i opened|after opening|i opened|forgot to open|missing allow",
                IKE_PORTS,
                "works|worked|solved|fixed|resolved|connects|it was|turned out|turns out|forgot",
            ],
        )
    },
    saw(
        Complaint::ForwardFiltered,
        &[
            "forward chain|forward policy|forwarding policy|chain forward|forward rule|forwarding rule",
            STOPPED,
        ],
    ),
    saw(
        Complaint::ForwardingCheckSeen,
        &[
            "source dest check|source destination check|src dst check|source dst check|sourcedestcheck|source dest checking|source destination checking|ip forwarding on the nic|ip forwarding on the azure",
            "still enabled|is enabled|was enabled|still on|was on|is on|forgot|disabling|after disabl|i disabled|wasnt disabled|not disabled|was not disabled|were enabled",
        ],
    ),
    Words {
        unless: "add the missing|adding the missing",
        ..saw(
            Complaint::RouteMissing,
            &[
                "there is no route|theres no route|there was no route|no route for|no route to the remote|no route is|no route was|route is missing|route was missing|missing route|missing the route|doesnt have a route|does not have a route|didnt have a route|had no route|has no route|route isnt there|route is not there|route isnt installed|route is not installed|route doesnt exist|route does not exist|route was not added|route wasnt added|route isnt added|route is not added|routes are not added|routes arent added|doesnt add a route|does not add a route|doesnt add the route|does not add the route|no routes are added",
                "remote|tunnel|subnet|network|vpn|other side|lan|back",
            ],
        )
    },
    saw(
        Complaint::OnlyBehindWorks,
        &[
            "hosts on any|hosts on either|hosts on both|hosts in both|hosts of both|hosts of the lans|clients on both|from the lan|from lan|from clients|from a client|from hosts behind|from a host behind|from devices|from a pc|from the network behind|from behind|from my pc|from other machines|from the inside|hosts in the lan|hosts on the lan|lan hosts|lan clients|machines in the lan|clients behind|devices in the lan|hosts behind",
            "works|can ping|can reach|is fine|are fine|ok |reach",
            "not from the router|not from the gateway|not from the firewall|not from the vpn server|not from the server itself|not from the box|but not from the|from the router itself|from the gateway itself|from the firewall itself|from the device itself|from the vpn gateway itself|from the box itself|from opnsense itself|from pfsense itself|router itself|gateway itself|firewall itself|routers themselves|gateways themselves|firewalls themselves|but the opnsense|but the pfsense|but the firewalls cant|but the firewalls cannot|but the routers cant|but the routers cannot|but the gateways cant|but the gateways cannot",
            "not |cant|cannot|doesnt|fails|isnt|unable|no reply|times out|timeout",
        ],
    ),
    saw(
        Complaint::PeerHearsNothing,
        &[
            "tcpdump|capture|sniff|wireshark|log on the|logs on the|log of the|logs of the|see nothing|sees nothing|shows nothing|nothing arrives|no packets arrive|dont arrive|doesnt arrive|never arrive|never reach|not reach|dont reach",
            "other side|other end|remote|peer|far end|far side|the server|responder|their side|other gateway|other firewall|other router|other site",
            "nothing arriv|no packet|no packets|not see any|doesnt see any|dont see any|nothing is received|never arriv|not arriv|dont arriv|doesnt arriv|sees nothing|see nothing|never reach|doesnt receive|does not receive|not receiving|no traffic arriv|no incoming|nothing comes in|no request|nothing from",
            "ike|isakmp|udp|port #500|#500|initiat|negotiat|phase #1|phase1|handshake",
        ],
    ),
    // What comes out of a tunnel is no answer of IKE.
    Words {
        unless: "decrypt|forwarded|forwards|through the tunnel",
        ..saw(
            Complaint::AnswersVanish,
            &[
                "other side|other end|remote|peer|far end|responder|their side|server|they",
                "answers|replies|responds|sends a reply|sends a response|sends the reply|sends the response|sends an answer|response leaves|reply leaves|is replying|is responding|is answering",
                "never arriv|never reach|never receiv|doesnt arriv|does not arriv|dont receive|do not receive|not received|doesnt reach|does not reach|never gets|never get |never see|dont see it|do not see it|is lost|gets lost",
            ],
        )
    },
    saw(
        Complaint::LastNetworkWins,
        &[
            "only to the subnet|only the last|only to the last|only for the last|only the newest|last one works|last one is reachable|last subnet works|only the one|replaces the previous|the previous one stops|the first one stops|the other one stops|the others stop",
            "last |latest|newest|next one|second|another",
            "subnet|subnets|phase #2|network|networks|selector|child",
        ],
    ),
    saw(
        Complaint::IkeSourceDiffers,
        &[
            "phase #1|phase1|ike|isakmp|udp #500|port #500|vpn connection|negotiation",
            "different source|wrong source|another source|other source|different local address|wrong local address|source address is wrong|source address is different",
            "address|ip",
        ],
    ),
    saw(
        Complaint::OldAddressKept,
        &[
            "old address|old ip|old public ip|old wan ip|old external ip|old port|old endpoint|old mapping|old source port|previous address|previous ip|previous public ip|previous port|former address|former ip|stale address|stale ip|stale endpoint",
            "keeps sending|keep sending|kept sending|still sends|still sent|still sending|still being sent|are still sent|is still sent|continues to send|continued to send|continues sending|goes on sending|sends its|sends esp|sent to the|being sent to|are sent to|is sent to|replies to|answers to|still uses|still using|keeps using|keep using|continues to use|continues using|go to|goes to|going to|goes out to",
            "esp|packet|traffic|tunnel|ipsec|vpn|peer|server|gateway|client|side|nat",
        ],
    ),
    Words {
        unless: "whether|might|maybe|perhaps|i think|i guess|suspect|probably|seems|assum|if |not sure|wonder|possib|verify|avoid|dont overlap|not overlap|no overlap|different subnet|must not|cant have",
        ..saw(
            Complaint::SameNetworks,
            &[
                "home router|home routers|home network|home lan|home networks|local network at home|clients network|their router|hotel network|hotel wifi|their lan|their network|their side|the other side is|customers lan|customers network|both sides|both ends|both sites|both networks|both lans|both offices|both locations|the other side also|remote side also|same on both|each side|two sites|local and remote|local and the remote|remote and local|their lan|their network",
                "so is ours|so is our|is ours too|is also ours|as is ours|as ours|same subnet|same network|same lan|same ip range|same range|same address range|same private|same #1|identical subnet|identical network|overlap|also uses #1",
                "subnet|network|lan |range|#192|#10|#172",
            ],
        )
    },
    saw(
        Complaint::OneQueue,
        &[
            "esp |ipsec|nat t |natt |udp encap",
            "udp|nat t|natt|#4500",
            "queue #|one queue|single queue|same queue|one rx queue|same rx queue|first queue|one receive queue|same core|one core|single core|cpu#",
            "always|all of|all the|everything|every packet|only",
            "no matter|regardless|whatever the|other udp|other traffic|tcp is|tcp and|plain esp|not spread|any other",
        ],
    ),
    Words {
        unless: concat!(
            unsure!(),
            "|",
            elsewhere!(),
            "|phase #2|phase2|second phase|quick mode|proxy id|subnet|selector|network|not fail|doesnt fail|established"
        ),
        ..saw(
            Complaint::IdentityRefused,
            &[
                "invalid id |invalid id information|invalid identity|invalid identification|error #18|notify #18",
                "phase #1|phase1|main mode|aggressive mode|ike sa|first phase",
                "replies|answers|responds|sends back|says|saying|reports|returns|fails|complain|rejects|refuses|error",
            ],
        )
    },
    // Of the server of the tunnel only: others are meant to be behind it.
    Words {
        unless: concat!(
            unsure!(),
            "|no route|without a route|missing|isnt|is not|not through|not via|not over|not into|not by|doesnt|does not|dont|do not|never|cant|cannot|nothing|add a route|added a route|adding|server lan|server subnet|server network|servers lan|servers subnet|servers network|server side|inside address|inside ip|internal|private|via eth|via wlan|via en|default route|as it ought|as it should|as expected|correctly|on purpose|gateway lan|gateway subnet|gateway network|gateway side|behind"
        ),
        ..saw(
            Complaint::ServerBehindTunnel,
            &[
                "route to the vpn server|route to the l2tp server|route to the vpn gateway|route to the vpn endpoint|route to the tunnel endpoint|route to the peers public|route to the servers public|route for the vpn server|route for the vpn gateway|packets to the vpn server|packets for the vpn server|traffic to the vpn server|traffic for the vpn server|packets to the vpn gateway|traffic to the vpn gateway|vpn servers address is routed|vpn servers ip is routed|vpn server is routed|vpn servers public ip is routed",
                "into the tunnel|via the tunnel|through the tunnel|over the tunnel|inside the tunnel|into the vpn|via ppp|through ppp|over ppp|into ppp|on ppp|to ppp|dev ppp|via tun|through tun|over tun|to itself",
            ],
        )
    },
    // Which of the two addresses it is, and which it ought to be, tells the order of the words.
    Words {
        unless: concat!(
            unsure!(),
            "|",
            elsewhere!(),
            "|instead of the private|instead of its private|instead of a private|instead of private|instead of the internal|instead of its internal|instead of the lan|instead of its lan|instead of the inside|rather than the private|rather than its private|rather than a private|rather than private|rather than by|rather than the internal|rather than its internal|rather than the lan|rather than the inside|from the private|from its private|from private"
        ),
        ..saw(
            Complaint::PrivateIdentity,
            &[
                "private ip|private address|private ipv4|internal ip|internal address|lan ip|lan address|inside address|rfc1918|local private",
                "identif|identity|identities|as id |as its id|as the id|id payload|peer id|ike id|idi |local id|remote id|ip in the connection request|ip in the request|ip in its request|address in the connection request|address in the request|address in its request",
                "not match|isnt match|doesnt match|does not match|arent match|mismatch|instead of|expects|rather than",
            ],
        )
    },
    saw(
        Complaint::StatesMissing,
        &[
            "xfrmoutnostates",
            "increas|rising|rises|grow|grows|going up|goes up|incremented|increments|counter|failing with|fails with|counts up|shows",
        ],
    ),
    saw(
        Complaint::DiagnosedMtu,
        &[
            "tcpmss|set mss #|mss clamp|clamp mss|clamp the mss|clamping the mss|mssfix|tcp mss|mss to #|mss of #|clamp mss to pmtu",
            "fixed|fixes|solved|solves|resolved|resolves|works now|it works|now works|everything works|working now|made it work|did the trick|helped|cured|cures",
        ],
    ),
];
