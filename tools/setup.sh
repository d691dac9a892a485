#!/usr/bin/env bash
# Installs what building NormForge and running the demo need (Debian 12, apt). Idempotent and quiet.
#   tools/setup.sh          compiler, MLIR/LLVM 22, libraries, demo corpus
#   tools/setup.sh --test   also the test peers: lit, GoogleTest, and PyTorch in the virtual environment .venv-test
# CUDA is optional: it is used when it is already installed, and never installed from here.
set -euo pipefail
cd "$(dirname "$0")/.."

build_packages=(
  cmake ninja-build g++ clang-22 lld-22 ccache pkg-config
  llvm-22-dev llvm-22-tools libmlir-22-dev mlir-22-tools libzstd-dev zlib1g-dev
  libopenblas-serial-dev libtomlplusplus-dev libcli11-dev nlohmann-json3-dev libfmt-dev libxxhash-dev libpcre2-dev
  libprotobuf-dev protobuf-compiler libonnx-dev
  python3 sword-comm-tdavid
)
test_packages=(libonnx-testdata libgtest-dev libgmock-dev libbenchmark-dev clang-format-22 libclang-rt-22-dev python3-venv)

want=("${build_packages[@]}")
for_tests=no
case "${1:-}" in
  "") ;;
  --test) for_tests=yes; want+=("${test_packages[@]}") ;;
  *) echo "usage: tools/setup.sh [--test]" >&2; exit 2 ;;
esac

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }

missing=()
installed=$(dpkg-query -W -f '${Package} ${db:Status-Abbrev}\n' 2>/dev/null | awk '$2 == "ii" { print $1 }')
for package in "${want[@]}"; do
  grep -qx "$package" <<<"$installed" || missing+=("$package")
done

if [ ${#missing[@]} -gt 0 ]; then
  echo "setup: installing ${#missing[@]} packages: ${missing[*]}"
  log=$(mktemp)
  if ! { as_root apt-get update -qq && as_root env DEBIAN_FRONTEND=noninteractive \
         apt-get install -y -qq --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    echo "setup: apt could not install the packages above; Debian 12 with bookworm-security is expected" >&2
    exit 1
  fi
  rm -f "$log"
fi

if [ $for_tests = yes ]; then
  requirements=(test/requirements.txt test/requirements-no-deps.txt)
  stamp=.venv-test/.requirements
  if ! cat "${requirements[@]}" | cmp -s - "$stamp"; then
    echo "setup: installing the test peers (PyTorch and others) into .venv-test"
    python3 -m venv .venv-test
    .venv-test/bin/pip install --quiet --disable-pip-version-check -r "${requirements[0]}"
    .venv-test/bin/pip install --quiet --disable-pip-version-check --no-deps -r "${requirements[1]}"
    cat "${requirements[@]}" >"$stamp"
  fi
fi
echo "setup: ready"
