#!/usr/bin/env bash
# The example backend's image localhost/tenantry-incidents, run once. SAVE=folder leaves it there as an OCI archive too.
# It is made of this machine's Python and the libraries that it is linked with: that takes neither a registry nor a mirror, and is less
# than a distribution with Python in it.
set -euo pipefail
cd "$(dirname "$0")/.."
version=$(sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"/\1/p' Cargo.toml)
name=localhost/tenantry-incidents:$version
export BUILDAH_ISOLATION=chroot
buildah() { command buildah --storage-driver vfs "$@"; }
work=$(mktemp -d)
container=
finish() { [ -z "$container" ] || buildah rm "$container" >/dev/null; rm -rf "$work"; }
trap finish EXIT
trap 'exit 130' INT TERM
echo "==> $name"

tools/venv.sh "$PWD/.demo/venv" examples/incidents/requirements.txt
python=$PWD/.demo/venv/bin/python3
read -r program library packages < <("$python" -c 'import os, sys, sysconfig as s
print(os.path.realpath(sys.executable), s.get_path("stdlib"), s.get_path("purelib"))')
root=$work/root
mkdir -p "$root"/{usr/bin,usr/lib/needed,app,lib64}
cp "$program" "$root/usr/bin/python3"
cp -r "$library" "$root/usr/lib/"
inside=$root/usr/lib/$(basename "$library")
# What only developers want.
rm -rf "$inside"/{test,idlelib,tkinter,turtledemo,ensurepip,lib2to3,pydoc_data,site-packages,dist-packages,config-*} "$inside"/lib-dynload/_tkinter*
cp -r "$packages" "$root/app/packages"
rm -rf "$root"/app/packages/{pip,setuptools,pkg_resources,_distutils_hack,pip-*,setuptools-*,distutils-precedence.pth}
cp -r examples/incidents/incidents "$root/app/"
find "$root" -name __pycache__ -prune -exec rm -rf {} +
# Checked against nothing: a time of change would not be the same twice.
"$python" -m compileall -q --invalidation-mode unchecked-hash -s "$root" "$root/usr/lib" "$root/app"

# What they are linked with, and who loads that.
linked() {
  find "$root" -type f \( -name '*.so' -o -name '*.so.*' -o -path '*/bin/python3' \) -print0 | xargs -0 -n1 ldd |
    sed -nE 's/^\s*(.* => )?(\/[^ ]+) .*/\2/p' | sort -u
}
while read -r file; do
  case $file in
    "$root"/*) ;;
    */ld-linux*) cp -L "$file" "$root/lib64/" ;;
    *) cp -L "$file" "$root/usr/lib/needed/" ;;
  esac
done < <(linked)

buildah build --quiet --timestamp "$(git log -1 --format=%ct)" --build-arg VERSION="$version" --build-arg REVISION="$(git rev-parse HEAD)" \
  --file examples/incidents/Dockerfile --tag "$name" "$work" >/dev/null
container=$(buildah from --pull-never "$name")
buildah run --env TENANTRY_ASSERTION_JWKS=/none "$container" -- python3 -c 'from incidents.app import Settings; Settings.from_environment(); import ssl, sqlite3, urllib.request' ||
  { echo "incidents-image.sh: $name does not run" >&2; exit 1; }
[ -z "${SAVE:-}" ] || { mkdir -p "$SAVE"; rm -f "$SAVE/tenantry-incidents.tar"; buildah push --quiet "$name" "oci-archive:$SAVE/tenantry-incidents.tar:$name"; }
buildah images --filter reference="$name" --format '{{.Name}}:{{.Tag}}  {{.Size}}'
