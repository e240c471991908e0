# What the scripts beside this one begin with: whom they play, and a folder that goes when they end.
# They leave their program in the background, and wait: so they hear at once that they are to end.
set -eu
address=${ADDRESS:-192.168.20.100}
registrar=${REGISTRAR:-203.0.113.9}
here=$(cd "$(dirname "$0")" && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
trap 'kill -KILL "$!"; exit 1' INT TERM

# What somebody types: each argument is seconds since the one before, and a line.
typed() {
    for line; do
        sleep "${line%% *}"
        echo "${line#* }"
    done
}
