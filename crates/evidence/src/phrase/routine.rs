//! What daemons and hosts write on a day on which nothing is wrong.
//!
//! Sentences are searched for by the part of them that these lines don't hold. So whoever finds that reading became slow
//! on somebody's log adds the kind of line that log is full of. Numbers may be any.

/// Lines without the times before them.
pub(super) const LINES: &str = r##"
DMN] Starting IKE charon daemon (strongSwan 5.9.8, Linux 6.18.44-fc-v595, x86_64)
CFG] loaded IKE shared key with id 'ike-1' for: '%any'
CFG]  conn gw:
CFG]   child net:
CFG]    rekey_time = 3600
CFG]    life_time = 3960
CFG]    rand_time = 360
CFG]    rekey_bytes = 0
CFG]    life_bytes = 0
CFG]    rand_bytes = 0
CFG]    rekey_packets = 0
CFG]    life_packets = 0
CFG]    rand_packets = 0
CFG]    updown = (null)
CFG]    hostaccess = 0
CFG]    ipcomp = 0
CFG]    mode = TUNNEL
CFG]    policies = 1
CFG]    policies_fwd_out = 0
CFG]    dpd_action = none
CFG]    start_action = none
CFG]    close_action = none
CFG]    reqid = 0
CFG]    tfc = 0
CFG]    priority = 0
CFG]    interface = (null)
CFG]    if_id_in = 0
CFG]    if_id_out = 0
CFG]    mark_in = 0/0
CFG]    mark_in_sa = 0
CFG]    mark_out = 0/0
CFG]    set_mark_in = 0/0
CFG]    set_mark_out = 0/0
CFG]    label = (null)
CFG]    label_mode = system
CFG]    inactivity = 0
CFG]    proposals = ESP:AES_GCM_16_128/CURVE_25519/NO_EXT_SEQ
CFG]    local_ts = 10.2.0.0/24
CFG]    remote_ts = 10.1.0.0/24
CFG]    hw_offload = no
CFG]    sha256_96 = 0
CFG]    copy_df = 1
CFG]    copy_ecn = 1
CFG]    copy_dscp = out
CFG]   version = 2
CFG]   local_addrs = 192.168.0.2
CFG]   remote_addrs = 192.168.0.1
CFG]   local_port = 500
CFG]   remote_port = 500
CFG]   send_certreq = 1
CFG]   send_cert = CERT_SEND_IF_ASKED
CFG]   ppk_id = (null)
CFG]   ppk_required = 0
CFG]   mobike = 1
CFG]   aggressive = 0
CFG]   dscp = 0x00
CFG]   encap = 0
CFG]   dpd_delay = 0
CFG]   dpd_timeout = 5
CFG]   fragmentation = 2
CFG]   childless = 0
CFG]   unique = UNIQUE_NO
CFG]   keyingtries = 1
CFG]   reauth_time = 0
CFG]   rekey_time = 14400
CFG]   over_time = 1440
CFG]   rand_time = 1440
CFG]   proposals = IKE:AES_GCM_16_128/PRF_HMAC_SHA2_256/CURVE_25519
CFG]   if_id_in = 0
CFG]   if_id_out = 0
CFG]   mediation = 0
CFG]   local:
CFG]    id = east.lab
CFG]    class = pre-shared key
CFG]   remote:
CFG]    id = west.lab
CFG] added vici connection: gw
NET] received packet: from 192.168.0.1[500] to 192.168.0.2[500] (232 bytes)
ENC] parsed IKE_SA_INIT request 0 [ SA KE No N(NATD_S_IP) N(NATD_D_IP) N(FRAG_SUP) N(HASH_ALG) N(REDIR_SUP) ]
CFG] looking for an IKEv2 config for 192.168.0.2...192.168.0.1
CFG]   candidate: 192.168.0.2...192.168.0.1, prio 3100
CFG] found matching ike config: 192.168.0.2...192.168.0.1 with prio 3100
IKE] local endpoint changed from 0.0.0.0[500] to 192.168.0.2[500]
IKE] remote endpoint changed from 0.0.0.0 to 192.168.0.1[500]
IKE] 192.168.0.1 is initiating an IKE_SA
IKE] IKE_SA (unnamed)[1] state change: CREATED => CONNECTING
CFG] selecting proposal:
CFG]   proposal matches
CFG] received proposals: IKE:AES_GCM_16_128/PRF_HMAC_SHA2_256/CURVE_25519
CFG] configured proposals: IKE:AES_GCM_16_128/PRF_HMAC_SHA2_256/CURVE_25519
CFG] selected proposal: IKE:AES_GCM_16_128/PRF_HMAC_SHA2_256/CURVE_25519
CFG] received supported signature hash algorithms: sha256 sha384 sha512 identity
IKE] remote host is behind NAT
CFG] sending supported signature hash algorithms: sha256 sha384 sha512 identity
ENC] generating IKE_SA_INIT response 0 [ SA KE No N(NATD_S_IP) N(NATD_D_IP) N(FRAG_SUP) N(HASH_ALG) N(CHDLESS_SUP) N(MULT_AUTH) ]
NET] sending packet: from 192.168.0.2[500] to 192.168.0.1[500] (240 bytes)
ENC] parsed IKE_AUTH request 1 [ IDi N(INIT_CONTACT) IDr AUTH SA TSi TSr N(MOBIKE_SUP) N(ADD_4_ADDR) N(ADD_6_ADDR) N(ADD_6_ADDR) N(MULT_AUTH) N(EAP_ONLY) N(MSG_ID_SYN_SUP) ]
IKE] remote endpoint changed from 192.168.0.1[500] to 192.168.0.1[4500]
CFG] looking for peer configs matching 192.168.0.2[east.lab]...192.168.0.1[west.lab]
CFG]   candidate "gw", match: 20/20/3100 (me/other/ike)
CFG] selected peer config 'gw'
IKE] authentication of 'west.lab' with pre-shared key successful
IKE] peer supports MOBIKE
IKE] got additional MOBIKE peer address: 10.1.0.1
IKE] got additional MOBIKE peer address: fd00:1::1
IKE] got additional MOBIKE peer address: fd00:c0::1
IKE] authentication of 'east.lab' (myself) with pre-shared key
IKE] successfully created shared key MAC
IKE] IKE_SA gw[1] established between 192.168.0.2[east.lab]...192.168.0.1[west.lab]
IKE] IKE_SA gw[1] state change: CONNECTING => ESTABLISHED
IKE] scheduling rekeying in 13337s
IKE] maximum IKE_SA lifetime 14777s
CFG] looking for a child config for 10.2.0.0/24 === 10.1.0.0/24
CFG] proposing traffic selectors for us:
CFG]  10.2.0.0/24
CFG] proposing traffic selectors for other:
CFG]   candidate "net" with prio 5+5
CFG] found matching child config "net" with prio 10
CFG] received proposals: ESP:AES_GCM_16_128/NO_EXT_SEQ
CFG] configured proposals: ESP:AES_GCM_16_128/CURVE_25519/NO_EXT_SEQ
CFG] selected proposal: ESP:AES_GCM_16_128/NO_EXT_SEQ
CFG] selecting traffic selectors for us:
CFG]  config: 10.2.0.0/24, received: 10.2.0.0/24 => match: 10.2.0.0/24
CFG] selecting traffic selectors for other:
IKE] CHILD_SA net{1} established with SPIs e07d69b8_i 070cbbeb_o and TS 10.2.0.0/24 === 10.1.0.0/24
ENC] generating IKE_AUTH response 1 [ IDr AUTH SA TSi TSr N(MOBIKE_SUP) N(ADD_4_ADDR) N(ADD_6_ADDR) N(ADD_6_ADDR) ]
ENC] parsed CREATE_CHILD_SA request 2 [ N(REKEY_SA) SA No KE TSi TSr ]
CFG] received proposals: ESP:AES_GCM_16_128/CURVE_25519/NO_EXT_SEQ
CFG] selected proposal: ESP:AES_GCM_16_128/CURVE_25519/NO_EXT_SEQ
IKE] inbound CHILD_SA net{2} established with SPIs c701959c_i 2a3d9c6b_o and TS 10.2.0.0/24 === 10.1.0.0/24
ENC] generating CREATE_CHILD_SA response 2 [ SA No KE TSi TSr ]
ENC] parsed INFORMATIONAL request 3 [ D ]
IKE] received DELETE for ESP CHILD_SA with SPI 070cbbeb
IKE] closing CHILD_SA net{1} with SPIs e07d69b8_i (168 bytes) 070cbbeb_o (168 bytes) and TS 10.2.0.0/24 === 10.1.0.0/24
IKE] sending DELETE for ESP CHILD_SA with SPI e07d69b8
IKE] CHILD_SA closed
IKE] outbound CHILD_SA net{2} established with SPIs c701959c_i 2a3d9c6b_o and TS 10.2.0.0/24 === 10.1.0.0/24
ENC] generating INFORMATIONAL response 3 [ D ]
ENC] parsed INFORMATIONAL request 4 [ N(ADD_4_ADDR) N(ADD_6_ADDR) N(ADD_6_ADDR) ]
ENC] generating INFORMATIONAL response 4 [ ]
IKE] keeping connection path 192.168.0.2 - 192.168.0.1
IKE] sending address list update using MOBIKE
ENC] generating INFORMATIONAL request 0 [ N(ADD_4_ADDR) N(ADD_6_ADDR) N(ADD_6_ADDR) ]
ENC] parsed INFORMATIONAL response 0 [ ]
IKE] nothing to initiate
ENC] parsed CREATE_CHILD_SA request 6 [ SA No KE ]
IKE] IKE_SA gw[2] state change: CREATED => CONNECTING
IKE] IKE_SA gw[2] rekeyed between 192.168.0.2[east.lab]...192.168.0.1[west.lab]
IKE] IKE_SA gw[1] state change: ESTABLISHED => REKEYED
ENC] generating CREATE_CHILD_SA response 6 [ SA No KE ]
IKE] received DELETE for IKE_SA gw[1]
IKE] deleting IKE_SA gw[1] between 192.168.0.2[east.lab]...192.168.0.1[west.lab]
IKE] IKE_SA gw[1] state change: REKEYED => DELETING
IKE] IKE_SA deleted
IKE] IKE_SA gw[1] state change: DELETING => DESTROYING
IKE] IKE_SA gw[2] state change: ESTABLISHED => DELETING
DMN] SIGTERM received, shutting down
[IKE] initiating IKE_SA gw[1] to 198.51.100.9
[IKE] initiating Main Mode IKE_SA gw[1] to 198.51.100.9
[IKE] initiating Aggressive Mode IKE_SA gw[1] to 198.51.100.9
[IKE] 198.51.100.9 is initiating a Main Mode IKE_SA
[ENC] generating ID_PROT request 0 [ SA V V V V V ]
[ENC] parsed ID_PROT response 0 [ SA V V V ]
[ENC] generating ID_PROT request 0 [ KE No NAT-D NAT-D ]
[ENC] generating ID_PROT request 0 [ ID HASH N(INITIAL_CONTACT) ]
[ENC] parsed ID_PROT response 0 [ ID HASH ]
[ENC] generating QUICK_MODE request 2719041811 [ HASH SA No KE ID ID ]
[ENC] parsed QUICK_MODE response 2719041811 [ HASH SA No KE ID ID ]
[ENC] generating QUICK_MODE request 2719041811 [ HASH ]
[ENC] generating INFORMATIONAL_V1 request 1422518822 [ HASH N(DPD) ]
[ENC] parsed INFORMATIONAL_V1 request 3251772410 [ HASH N(DPD_ACK) ]
[ENC] parsed INFORMATIONAL_V1 request 3251772410 [ HASH D ]
[ENC] generating IKE_AUTH request 1 [ IDi CERT CERTREQ IDr AUTH CPRQ(ADDR DNS) SA TSi TSr N(MOBIKE_SUP) N(NO_ADD_ADDR) N(EAP_ONLY) N(MSG_ID_SYN_SUP) ]
[ENC] parsed IKE_AUTH response 1 [ IDr CERT AUTH CPRP(ADDR DNS) SA TSi TSr N(AUTH_LFT) N(MOBIKE_SUP) ]
[ENC] generating CREATE_CHILD_SA request 12 [ N(REKEY_SA) SA No KE TSi TSr ]
[ENC] parsed IKE_AUTH request 1 [ EF(1/3) ]
[ENC] received fragment #1 of 3, waiting for complete IKE message
[ENC] received fragment #3 of 3, reassembled fragmented IKE message (1808 bytes)
[ENC] splitting IKE message (1808 bytes) into 2 fragments
[IKE] received DPD vendor ID
[IKE] received XAuth vendor ID
[IKE] received NAT-T (RFC 3947) vendor ID
[IKE] received FRAGMENTATION vendor ID
[IKE] received strongSwan vendor ID
[IKE] received draft-ietf-ipsec-nat-t-ike-02 vendor ID
[IKE] received Cisco Unity vendor ID
[IKE] sending XAuth vendor ID
[IKE] sending DPD vendor ID
[IKE] sending NAT-T (RFC 3947) vendor ID
[IKE] local host is behind NAT, sending keep alives
[IKE] remote host is behind NAT
[IKE] sending keep alive to 198.51.100.9[4500]
[IKE] sending DPD request
[IKE] received cert request for "C=CH, O=Example, CN=Example Root CA"
[IKE] sending cert request for "C=CH, O=Example, CN=Example Root CA"
[IKE] sending end entity cert "C=CH, O=Example, CN=gw.example.org"
[IKE] received end entity cert "C=CH, O=Example, CN=peer.example.org"
[CFG]   using certificate "C=CH, O=Example, CN=peer.example.org"
[CFG]   using trusted ca certificate "C=CH, O=Example, CN=Example Root CA"
[CFG]   using trusted certificate "C=CH, O=Example, CN=Example Root CA"
[CFG]   reached self-signed root ca with a path length of 0
[CFG] checking certificate status of "C=CH, O=Example, CN=peer.example.org"
[CFG] certificate status is good
[CFG] certificate status is not available
[CFG]   fetching crl from 'http://crl.example.org/root.crl' ...
[CFG]   crl correctly signed by "C=CH, O=Example, CN=Example Root CA"
[CFG]   crl is valid: until Dec 21 06:06:09 2026
[IKE] authentication of 'peer.example.org' with RSA_EMSA_PKCS1_SHA2_256 successful
[IKE] authentication of 'gw.example.org' (myself) with ECDSA-256 signature successful
[IKE] IKE_SA gw[1] established between 192.0.2.1[gw.example.org]...198.51.100.9[peer.example.org]
[IKE] scheduling reauthentication in 9793s
[IKE] received AUTH_LIFETIME of 3307s, scheduling reauthentication in 3127s
[IKE] establishing CHILD_SA net{1}
[IKE] establishing CHILD_SA net{7} reqid 1
[IKE] CHILD_SA net{1} established with SPIs c3a1e4f2_i 5d9c0b77_o and TS 10.1.0.0/16 === 10.2.0.0/16
[IKE] inbound CHILD_SA net{2} established with SPIs c3a1e4f2_i 5d9c0b77_o and TS 10.1.0.0/16 === 10.2.0.0/16
[KNL] creating rekey job for CHILD_SA ESP/0xc3a1e4f2/192.0.2.1
[KNL] creating delete job for CHILD_SA ESP/0xc3a1e4f2/192.0.2.1
[KNL] received a XFRM_MSG_EXPIRE
[KNL] adding SAD entry with SPI c3a1e4f2 and reqid {1}
[KNL]   using encryption algorithm AES_GCM_16 with key size 160
[KNL]   using replay window of 32 packets
[KNL]   HW offload: no
[KNL] adding policy 10.1.0.0/16 === 10.2.0.0/16 out [priority 375423, refcount 1]
[KNL] querying SAD entry with SPI c3a1e4f2
[KNL] deleting SAD entry with SPI c3a1e4f2
[KNL] deleted SAD entry with SPI c3a1e4f2
[KNL] querying policy 10.2.0.0/16 === 10.1.0.0/16 in
[KNL] sending XFRM_MSG_NEWSA 210: => 476 bytes @ 0x7f2f5c7f9a10
[KNL] got SPI c3a1e4f2
[KNL] getting iface name for index 2
[KNL] 192.0.2.1 is on interface eth0
[KNL] installing route: 10.2.0.0/16 via 192.0.2.254 src 10.1.0.1 dev eth0
[MGR] checkout IKEv2 SA by message with SPIs 71de0b8b8eec19c5_i 0000000000000000_r
[MGR] created IKE_SA (unnamed)[1]
[MGR] IKE_SA gw[1] successfully checked out
[MGR] checkin IKE_SA gw[1]
[MGR] checkin of IKE_SA successful
[MGR] checkout IKE_SA with unique ID 1
[MGR] checkin and destroy IKE_SA gw[1]
[NET] waiting for data on sockets
[NET] received packet => 232 bytes @ 0x7f2f5c7f9a10
[JOB] watcher got notification, rebuilding
[JOB] watched FD 15 ready to read
[JOB] next event in 9s 990ms, waiting
[JOB] got event, queuing job for execution
[JOB] no events, waiting
[DMN] loaded plugins: charon aes des rc2 sha2 sha1 md5 random nonce x509 revocation constraints pubkey pkcs1 pkcs7 pkcs8 pem openssl gmp xcbc cmac hmac attr kernel-netlink resolve socket-default vici updown eap-mschapv2 xauth-generic counters
[LIB] loaded plugins: charon aes des rc2 sha2 sha1 md5 random nonce
[JOB] spawning 16 worker threads
[CFG] loading ca certificates from '/etc/ipsec.d/cacerts'
[CFG]   loaded ca certificate "C=CH, O=Example, CN=Example Root CA" from '/etc/ipsec.d/cacerts/root.pem'
[CFG] loading secrets from '/etc/ipsec.secrets'
[CFG]   loaded IKE secret for 192.0.2.1 198.51.100.9
[CFG]   loaded RSA private key from '/etc/ipsec.d/private/gw.pem'
[CFG] received stroke: add connection 'gw'
[CFG] added configuration 'gw'
[CFG] received stroke: initiate 'gw'
[CFG] assigned virtual IP 10.3.0.7 to peer
[IKE] peer requested virtual IP %any
[CFG] assigning new lease to 'peer.example.org'
[IKE] assigning virtual IP 10.3.0.7 to peer 'peer.example.org'
[CFG] lease 10.3.0.7 by 'peer.example.org' went offline
[IKE] installing new virtual IP 10.3.0.7
[CFG] vici client 1 connected
[CFG] vici client 1 registered for: list-sa
[CFG] vici client 1 requests: list-sas
[CFG] vici client 1 disconnected
[CHD]   using AES_CBC for encryption
[CHD]   using HMAC_SHA2_256_128 for integrity
[CHD] adding inbound ESP SA
[CHD]   SPI 0xc3a1e4f2, src 198.51.100.9 dst 192.0.2.1
[CHD] adding outbound ESP SA
[CHD] CHILD_SA net{1} state change: CREATED => INSTALLING
[CHD] CHILD_SA net{1} state change: INSTALLING => INSTALLED
[CHD] CHILD_SA net{1} state change: INSTALLED => REKEYING
[IKE] queueing IKE_INIT task
[IKE] queueing CHILD_CREATE task
[IKE] activating new tasks
[IKE]   activating IKE_NATD task
[IKE] reinitiating already active tasks
[IKE] natd_chunk => 22 bytes @ 0x7f2f5c7f9a10
[IKE] shared Diffie Hellman secret => 32 bytes @ 0x7f2f5c7f9a10
[IKE] closing CHILD_SA net{1} with SPIs c3a1e4f2_i (84 bytes) 5d9c0b77_o (84 bytes) and TS 10.1.0.0/16 === 10.2.0.0/16
[IKE] detected rekeying of CHILD_SA net{1}
[IKE] CHILD_SA rekey: rekeyed CHILD_SA
[IKE] received DELETE for ESP CHILD_SA with SPI 5d9c0b77
[IKE] sending DELETE for IKE_SA gw[1]
[IKE] deleting IKE_SA gw[1] between 192.0.2.1[gw.example.org]...198.51.100.9[peer.example.org]
[IKE] reauthenticating IKE_SA gw[1]
[IKE] peer supports MOBIKE, but disabled in config
+ peer.example.org 10.2.0.0/16 == 198.51.100.9 -- 192.0.2.1 == 10.1.0.0/16
- peer.example.org 10.2.0.0/16 == 198.51.100.9 -- 192.0.2.1 == 10.1.0.0/16
"gw" #1: initiating IKEv2 connection
"gw" #1: initiating IKEv2 connection to 198.51.100.9 using UDP
"gw" #1: sent IKE_SA_INIT request to 198.51.100.9:UDP/500
"gw" #1: STATE_PARENT_I1: sent v2I1, expected v2R1
"gw" #1: processed IKE_SA_INIT response from 198.51.100.9:UDP/500 {cipher=AES_GCM_16_256 integ=n/a prf=HMAC_SHA2_512 group=DH19}, initiating IKE_AUTH
"gw" #1: sent IKE_AUTH request to 198.51.100.9:UDP/500; Child SA #2 {ESP <0x5d9c0b77}
"gw" #2: STATE_PARENT_I2: sent v2I2, expected v2R2 {auth=IKEv2 cipher=AES_GCM_16_256 integ=n/a prf=HMAC_SHA2_512 group=MODP2048}
"gw" #1: initiator established IKE SA; authenticated peer using authby=secret and ID_FQDN '@peer.example.org'
"gw" #2: initiator established Child SA using #1; IPsec tunnel [10.1.0.0/16===10.2.0.0/16] {ESP/ESN=>0xc3a1e4f2 <0x5d9c0b77 xfrm=AES_GCM_16_256-NONE DPD=passive}
"gw" #1: responder established IKE SA; authenticated peer using authby=rsasig and ID_DER_ASN1_DN 'C=CH, O=Example, CN=peer.example.org'
"gw" #2: responder established Child SA using #1; IPsec tunnel [10.1.0.0/16===10.2.0.0/16] {ESPinUDP=>0xc3a1e4f2 <0x5d9c0b77 xfrm=AES_CBC_256-HMAC_SHA2_512_256 NATD=198.51.100.9:4500 DPD=active}
"gw" #1: processing IKE_SA_INIT request from 198.51.100.9:UDP/500 containing SA,KE,Ni,N(IKEV2_FRAGMENTATION_SUPPORTED),N(SIGNATURE_HASH_ALGORITHMS),N(NAT_DETECTION_SOURCE_IP),N(NAT_DETECTION_DESTINATION_IP)
"gw" #1: proposal 1:IKE=AES_GCM_C_256-HMAC_SHA2_512-ECP_256 chosen from remote proposals 1:IKE:ENCR=AES_GCM_C_256;PRF=HMAC_SHA2_512,HMAC_SHA2_256;DH=ECP_256,MODP2048[first-match]
"gw" #1: sent IKE_SA_INIT response to 198.51.100.9:UDP/500 {cipher=AES_GCM_16_256 integ=n/a prf=HMAC_SHA2_512 group=DH19}
"gw" #1: processing decrypted IKE_AUTH request from 198.51.100.9:UDP/500 containing SK{IDi,IDr,AUTH,SA,TSi,TSr,N(INITIAL_CONTACT)}
"gw" #1: STATE_PARENT_R1: received v2I1, sent v2R1 {auth=IKEv2 cipher=AES_GCM_16_256 integ=n/a prf=HMAC_SHA2_512 group=MODP2048}
"gw" #2: negotiated new IPsec SA [10.1.0.0-10.1.255.255:0-65535 0] -> [10.2.0.0-10.2.255.255:0-65535 0]
"gw" #2: STATE_V2_IPSEC_R: IPsec SA established tunnel mode {ESP=>0xc3a1e4f2 <0x5d9c0b77 xfrm=AES_GCM_16_256-NONE NATOA=none NATD=none DPD=passive}
"gw" #3: initiating rekey to replace Child SA #2 using IKE SA #1
"gw" #3: sent CREATE_CHILD_SA request to rekey Child SA #2 using IKE SA #1 {ESP <0x5d9c0b77}
"gw" #3: initiator rekeyed Child SA #2 using #1; IPsec tunnel [10.1.0.0/16===10.2.0.0/16] {ESP/ESN=>0xc3a1e4f2 <0x5d9c0b77 xfrm=AES_GCM_16_256-NONE DPD=passive}
"gw" #3: responder rekeyed Child SA #2 using #1; IPsec tunnel [10.1.0.0/16===10.2.0.0/16] {ESP=>0xc3a1e4f2 <0x5d9c0b77 xfrm=AES_GCM_16_256-NONE DPD=passive}
"gw" #4: initiator rekeyed IKE SA #1 {cipher=AES_GCM_16_256 integ=n/a prf=HMAC_SHA2_512 group=DH19}
"gw" #2: ESP traffic information: in=84B out=84B
"gw" #2: deleting state (STATE_V2_IPSEC_I) aged 28800.123456s and NOT sending notification
"gw" #1: deleting state (STATE_MAIN_I4) aged 3600.000s and sending notification
"gw" #2: deleting other state #2 (STATE_QUICK_I2) aged 28800s and sending notification
"gw" #1: initiating IKEv1 Main Mode connection
"gw" #1: initiating Main Mode
"gw" #1: initiating Main Mode to replace #7
"gw" #1: responding to Main Mode
"gw" #1: sent Main Mode request
"gw" #1: STATE_MAIN_I1: sent MI1, expecting MR1
"gw" #1: transition from state STATE_MAIN_I1 to state STATE_MAIN_I2
"gw" #1: STATE_MAIN_I2: sent MI2, expecting MR2
"gw" #1: STATE_MAIN_I3: sent MI3, expecting MR3
"gw" #1: STATE_MAIN_R1: sent MR1, expecting MI2
"gw" #1: STATE_MAIN_R3: sent MR3, ISAKMP SA established {auth=PRESHARED_KEY cipher=aes_256 integ=sha2_256 group=MODP2048}
"gw" #1: received Vendor ID payload [Dead Peer Detection]
"gw" #1: received Vendor ID payload [RFC 3947] method set to=115
"gw" #1: ignoring unknown Vendor ID payload [4f45606c50487c5662707575]
"gw" #1: ignoring Vendor ID payload [FRAGMENTATION 80000000]
"gw" #1: enabling possible NAT-traversal with method RFC 3947 (NAT-Traversal)
"gw" #1: NAT-Traversal: Result using RFC 3947 (NAT-Traversal) sender port 500: no NAT detected
"gw" #1: NAT-Traversal: Result using draft-ietf-ipsec-nat-t-ike (MacOS X): i am NATed
"gw" #1: Main mode peer ID is ID_IPV4_ADDR: '198.51.100.9'
"gw" #1: Peer ID is ID_IPV4_ADDR: '198.51.100.9'
"gw" #1: STATE_MAIN_I4: ISAKMP SA established {auth=PRESHARED_KEY cipher=oakley_3des_cbc_192 integ=sha group=MODP1024}
"gw" #1: Dead Peer Detection (RFC 3706): enabled
"gw" #2: initiating Quick Mode PSK+ENCRYPT+TUNNEL+PFS+UP+IKEV1_ALLOW+SAREF_TRACK+IKE_FRAG_ALLOW+ESN_NO {using isakmp#1 msgid:5d9c0b77 proposal=defaults pfsgroup=MODP2048}
"gw" #2: initiating Quick Mode RSASIG+ENCRYPT+TUNNEL+PFS+UP+IKEv2ALLOW to replace #7 {using isakmp#1 msgid:5d9c0b77 proposal=AES(12)_256-SHA1(2)_160 pfsgroup=OAKLEY_GROUP_MODP1024}
"gw" #2: the peer proposed: 10.1.0.0/16:0/0 -> 10.2.0.0/16:0/0
"gw" #2: responding to Quick Mode proposal {msgid:5d9c0b77}
"gw" #2:     us: 10.1.0.0/16===192.0.2.1<192.0.2.1>
"gw" #2:   them: 198.51.100.9<198.51.100.9>===10.2.0.0/16
"gw" #2: keeping refhim=0 during rekey
"gw" #2: transition from state STATE_QUICK_R0 to state STATE_QUICK_R1
"gw" #2: STATE_QUICK_R1: sent QR1, inbound IPsec SA installed, expecting QI2
"gw" #2: STATE_QUICK_R2: IPsec SA established tunnel mode {ESP=>0xc3a1e4f2 <0x5d9c0b77 xfrm=AES_256-HMAC_SHA1 NATOA=none NATD=none DPD=none}
"gw" #2: STATE_QUICK_I2: sent QI2, IPsec SA established tunnel mode {ESP/NAT=>0xc3a1e4f2 <0x5d9c0b77 xfrm=AES_256-HMAC_SHA1 NATOA=none NATD=198.51.100.9:4500 DPD=none}
"gw" #2: Configured DPD (RFC 3706) support not enabled because remote peer did not advertise DPD support
"gw": added IKEv2 connection
"gw": added connection description "gw"
"gw": adding interface eth0 192.0.2.1:UDP/500
added IKEv1 connection "gw"
adding interface eth0/eth0 192.0.2.1:500
adding interface eth0/eth0 192.0.2.1:4500
loading secrets from "/etc/ipsec.secrets"
listening for IKE messages
forgetting secrets
Starting Pluto (Libreswan Version 4.9 IKEv2 IKEv1 XFRM XFRMI esp-hw-offload FORK PTHREAD_SETSCHEDPRIO NSS (IPsec profile) (NSS-KDF) DNSSEC SYSTEMD_WATCHDOG LIBCAP_NG AUDIT AUTH_PAM NETWORKMANAGER CURL(non-NSS))
| *received 380 bytes from 198.51.100.9:500 on eth0 192.0.2.1:500 using UDP
| **parse ISAKMP Message:
|    initiator SPI: 71 de 0b 8b  8e ec 19 c5
|    next payload type: ISAKMP_NEXT_v2SA (0x21)
|    exchange type: ISAKMP_v2_IKE_SA_INIT (0x22)
|    flags: 8 (0x8)
|    Message ID: 0 (00 00 00 00)
|    length: 380 (00 00 01 7c)
| processing payload: ISAKMP_NEXT_v2SA (len=36)
| ***emit IKEv2 Security Association Payload:
| event_schedule: newref EVENT_SA_REPLACE-pe@0x55d0; timeout in 3330 seconds for #1
| stop processing: from 198.51.100.9:500
| spent 0.123 (0.456) milliseconds in process_packet()
| libevent_free: delref ptr-libevent@0x55d0
systemd[1]: Started Session 12 of user root.
CRON[812]: (root) CMD (run-parts --report /etc/cron.hourly)
sshd[812]: Accepted publickey for admin from 192.0.2.7 port 51002 ssh2: ED25519 SHA256:x
sshd[812]: pam_unix(sshd:session): session opened for user admin(uid=1000) by (uid=0)
sudo: admin : TTY=pts/0 ; PWD=/home/admin ; USER=root ; COMMAND=/usr/sbin/ipsec statusall
dhclient[812]: DHCPREQUEST for 192.0.2.1 on eth0 to 192.0.2.254 port 67
dhclient[812]: bound to 192.0.2.1 -- renewal in 1700 seconds.
systemd[1]: Reloading.
systemd-networkd[812]: eth0: Gained carrier
kernel: eth0: link becomes ready
"##;
