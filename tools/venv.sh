#!/usr/bin/env bash
# venv.sh FOLDER REQUIREMENTS: a Python environment in FOLDER with exactly these requirements; nothing to do when it has them.
set -euo pipefail
folder=$1 requirements=$2
stamp="$folder/.installed"
cmp -s "$requirements" "$stamp" 2>/dev/null && exit 0
echo "==> Python packages of $requirements"
python3 -m venv "$folder"
"$folder/bin/pip" install --quiet --disable-pip-version-check -r "$requirements"
cp "$requirements" "$stamp"
