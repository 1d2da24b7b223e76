#!/bin/sh
# Copies the jars of the Apache Kafka that pom.xml names into DIR, for
# TINGJI_TEST_KAFKA_LIBS=DIR. Exit 3: Maven, or its repository, is not there.
set -eu
dir=${1:?usage: fetch.sh DIR}
here=$(cd "$(dirname "$0")" && pwd)
want=$(cksum <"$here/pom.xml")
if [ -f "$dir/.pom" ] && [ "$(cat "$dir/.pom")" = "$want" ]; then
	exit 0
fi
command -v mvn >/dev/null || { echo "fetch.sh: mvn is not installed (apt-get install maven): no Apache Kafka to test against" >&2; exit 3; }
mkdir -p "$dir"
dir=$(cd "$dir" && pwd)
rm -f "$dir"/*.jar "$dir/.pom"
if ! mvn -B -q -ntp -f "$here/pom.xml" dependency:copy-dependencies -DincludeScope=runtime -DoutputDirectory="$dir" >"$dir/mvn.log" 2>&1; then
	echo "fetch.sh: Maven could not get Apache Kafka: $(grep -m1 ERROR "$dir/mvn.log" | cut -c1-200) (all in $dir/mvn.log)" >&2
	exit 3
fi
echo "$want" >"$dir/.pom"
