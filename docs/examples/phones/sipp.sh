#!/bin/sh
# SIPp in alice's place; it sends audio too. It plays its parts one after the other, each to its end:
# register (its password is "secret"), call, answer, and hold, which is a call with a pause in it.
#   docs/examples/phones/sipp.sh register call answer
. "$(dirname "$0")/party.sh"
cd "$folder"
head -c 8000 /dev/zero | tr '\0' '\377' >audio.ulaw # a second of silence, as G.711 writes it
for part; do
    case $part in
    register) user=alice ;;
    *) user=bob ;;
    esac
    sipp "$registrar:5060" -sf "$here/sipp/$part.xml" -s "$user" -ap secret -m 1 -nostdin \
        -i "$address" -mi "$address" -p 5060 &
    wait $!
done
