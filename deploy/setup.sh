#!/usr/bin/env bash
# setup.sh run|test|lint|e2e|hearing|demo-model — installs the Debian packages that this
# machine lacks for `make run`, `make test`, `make lint`, `make e2e` or remaking the sample
# hearing, and says which and why. Installs nothing that is there already;
# elsewhere than on Debian or Ubuntu it prints what is missing and goes on.
set -euo pipefail

if ! command -v go >/dev/null; then
	echo "setup: Go 1.26 or newer is needed to build Tingji: https://go.dev/dl" >&2
	exit 1
fi

missing=() reasons=()
# need PACKAGE WHY TEST…: PACKAGE is needed when TEST fails.
need() {
	local package=$1 why=$2
	shift 2
	"$@" >/dev/null 2>&1 && return
	missing+=("$package")
	reasons+=("  $package: $why")
}
has() { command -v "$1"; }
font() { fc-list :lang=zh family | grep -q CJK; }

build() {
	need gcc "cgo, which links PortAudio" has gcc
	need libc6-dev "headers for cgo" test -e /usr/include/stdlib.h
	need pkg-config "finds PortAudio" has pkg-config
	need portaudio19-dev "microphones" pkg-config --exists portaudio-2.0
}

decoder() {
	need libpocketsphinx-dev "decodes for the demonstration recogniser" pkg-config --exists pocketsphinx
	need libsphinxbase-dev "its front end" pkg-config --exists sphinxbase
}

case "${1:-}" in
run)
	build
	decoder
	;;
test)
	build
	decoder
	need chromium "the page is tested in a real browser" has chromium
	need fontconfig "lists fonts" has fc-list
	need fonts-noto-cjk "Chinese on the page's screenshots" font
	need postgresql "the store is tested on PostgreSQL too" bash -c 'ls /usr/lib/postgresql/*/bin/initdb'
	need pulseaudio "virtual microphones for PortAudio" has pulseaudio
	need pulseaudio-utils "plays into the virtual microphones" has paplay
	need libasound2-plugins "PortAudio's way to PulseAudio" bash -c 'ls /usr/lib/*/alsa-lib/libasound_module_pcm_pulse.so'
	need ffmpeg "recordings that are neither WAV nor FLAC" has ffmpeg
	need libreoffice-writer-nogui "opens the record as DOCX, and makes PDF of it" has soffice
	need poppler-utils "reads the PDF back" has pdftotext
	;;
lint)
	build
	decoder
	need libespeak-ng-dev "what speaks the sample hearing is vetted too" test -e /usr/include/espeak-ng/speak_lib.h
	;;
e2e)
	need openjdk-17-jre-headless "runs Apache Kafka" has java
	need maven "fetches Apache Kafka" has mvn
	;;
hearing)
	build
	need libespeak-ng-dev "speaks the sample hearing" test -e /usr/include/espeak-ng/speak_lib.h
	;;
demo-model)
	build
	need libespeak-ng-dev "speaks what the model is trained on" test -e /usr/include/espeak-ng/speak_lib.h
	need sphinxtrain "trains it" test -e /usr/lib/sphinxtrain/bw
	need sphinxbase-utils "its front end and language model" has sphinx_fe
	need pocketsphinx "packs it" has pocketsphinx_mdef_convert
	;;
*)
	echo "usage: setup.sh run|test|lint|e2e|hearing|demo-model" >&2
	exit 2
	;;
esac

((${#missing[@]})) || exit 0
printf 'setup: %s\n' "missing for make $1:" >&2
printf '%s\n' "${reasons[@]}" >&2
if ! command -v apt-get >/dev/null; then
	echo "setup: this is no Debian: install these by hand; going on without them" >&2
	exit 0
fi
root=()
if ((EUID)); then
	command -v sudo >/dev/null || { echo "setup: not root and no sudo: install these by hand; going on without them" >&2; exit 0; }
	root=(sudo)
fi
install() {
	"${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${missing[@]}" >&2
}
echo "setup: installing with apt-get" >&2
install 2>/dev/null || { "${root[@]}" apt-get update -q >&2 && install; }
