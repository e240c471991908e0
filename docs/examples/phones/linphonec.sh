#!/bin/sh
# linphonec in alice's place: it registers, and instead of a microphone it has a file, which it wants
# to be told during the call. Arguments are what somebody types there:
#   docs/examples/phones/linphonec.sh '1 call sip:bob@203.0.113.9' '3 play TONE.wav' '9 quit'
. "$(dirname "$0")/party.sh"
mkdir -p "$folder/.local/share/linphone"
cat >"$folder/phone" <<CONFIG
[sip]
sip_port=5060
sip_tcp_port=0
sip_tls_port=0
default_proxy=0
[proxy_0]
reg_proxy=<sip:$registrar>
reg_identity=sip:alice@$registrar
reg_expires=60
reg_sendregister=1
CONFIG
typed '0 soundcard use files' "$@" | HOME=$folder linphonec -c "$folder/phone" &
wait $!
