#!/usr/bin/env bash
# The container images localhost/tenantry-operator, -proxy and -gate, each run once: images.sh [operator|proxy|gate ...]
# PROFILE=dev builds without optimisation, in a fraction of the time. SAVE=folder leaves each image there as an OCI archive too.
set -euo pipefail
cd "$(dirname "$0")/.."
[ $# -gt 0 ] || set -- operator proxy gate
declare -A folder=([operator]=operator [proxy]=proxy [gate]=proxy/gate)
profile=${PROFILE:-release}
target=$(rustc -vV | sed -n 's/^host: //p')
version=$(sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"/\1/p' Cargo.toml)
revision=$(git rev-parse HEAD)
bundle=${CA_BUNDLE:-/etc/ssl/certs/ca-certificates.crt}
[ -s "$bundle" ] || { echo "images.sh: no CA bundle at $bundle: install ca-certificates, or name one with CA_BUNDLE=" >&2; exit 1; }
# Without a container engine: no daemon, no overlay, no user namespaces.
export BUILDAH_ISOLATION=chroot
buildah() { command buildah --storage-driver vfs "$@"; }
work=$(mktemp -d)
container=
finish() { [ -z "$container" ] || buildah rm "$container" >/dev/null; rm -rf "$work"; }
trap finish EXIT

binaries=${CARGO_TARGET_DIR:-target}/$target/$([ "$profile" = dev ] && echo debug || echo "$profile")

mkdir "$work/data"
cp LICENSE "$work/LICENSE"
cp "$bundle" "$work/ca-certificates.crt"
for image in "$@"; do
  name=localhost/tenantry-$image:$version
  echo "==> $name ($profile)"
  # Each by itself: built together, a program would get the features that only the other asks of a shared crate.
  # With a target named, the flags reach only what runs in the container and not the build's own programs.
  AWS_LC_SYS_NO_JITTER_ENTROPY=1 RUSTFLAGS="-C target-feature=+crt-static" \
    cargo build --profile "$profile" --target "$target" --package "tenantry-$image" --bin "tenantry-$image"
  cp "$binaries/tenantry-$image" "$work/"
  # The time of the commit, not of the build: the same sources make the same image.
  buildah build --quiet --timestamp "$(git log -1 --format=%ct)" --build-arg VERSION="$version" --build-arg REVISION="$revision" \
    --file "${folder[$image]}/Dockerfile" --tag "$name" "$work" >/dev/null
  container=$(buildah from --pull-never "$name")
  said=$(buildah run "$container" -- "/tenantry-$image" --version) || true
  [ "$said" = "tenantry-$image $version" ] || { echo "images.sh: $name does not run: --version says '$said'" >&2; exit 1; }
  buildah rm "$container" >/dev/null
  container=
  [ -z "${SAVE:-}" ] || { mkdir -p "$SAVE"; rm -f "$SAVE/tenantry-$image.tar"; buildah push --quiet "$name" "oci-archive:$SAVE/tenantry-$image.tar:$name"; }
done
buildah images --filter reference='localhost/tenantry-*' --format '{{.Name}}:{{.Tag}}  {{.Size}}'
