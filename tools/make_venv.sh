#!/usr/bin/env bash
# Create the virtual environment DIR with the first suitable Python; needs GB of free disk.
# Usage: make_venv.sh DIR GB
set -eu
dir=$1
need=$2
[ -x "$dir/bin/python" ] && exit 0
free=$(($(df -Pk . | awk 'NR == 2 {print $4}') / 1024 / 1024))
if [ "$free" -lt "$need" ]; then
    echo "make: the set-up needs $need GB of free disk here, there are $free: free some, or clone elsewhere" >&2
    exit 1
fi
for python in "${PYTHON:-}" python3.11 python3.12 python3.13 python3.10 python3; do
    [ -n "$python" ] || continue
    "$python" -c 'import sys; sys.exit(not (3, 10) <= sys.version_info < (3, 14))' 2>/dev/null || continue
    if "$python" -m venv "$dir" 2>/dev/null; then
        echo "make: $("$dir/bin/python" --version) in $dir"
        exit 0
    fi
    rm -rf "$dir"
done
echo 'make: no Python 3.10 to 3.13 that can create virtual environments: install one (with its venv' \
    'package), or name it: make PYTHON=/path/to/python3.11' >&2
exit 1
