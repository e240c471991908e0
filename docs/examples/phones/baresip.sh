#!/bin/sh
# baresip in alice's place: it registers, takes every call, and sends a tone. Arguments are what
# somebody types there:
#   docs/examples/phones/baresip.sh '1 /dial sip:bob@203.0.113.9' '2 /hold' '5 /resume' '9 /quit'
. "$(dirname "$0")/party.sh"
cat >"$folder/config" <<CONFIG
poll_method epoll
sip_listen $address:5060
net_interface ${INTERFACE:-gn-in}
module_path /usr/lib/baresip/modules
module stdio.so
module ausine.so
module aufile.so
module g711.so
module_tmp account.so
module_app menu.so
audio_source ausine,440
ausrc_srate 48000
ausrc_channels 2
audio_player aufile,$folder/heard.wav
audio_alert aufile,/dev/null
CONFIG
account="<sip:alice@$registrar>;regint=60;audio_codecs=PCMU;answermode=auto"
echo "$account" >"$folder/accounts"
touch "$folder/contacts"
typed "$@" | baresip -4 -f "$folder" &
wait $!
