#!/usr/bin/env bash
# Installs, builds, and runs every test; ends with `N passed, N failed`.
#   tools/check.sh           about 20 minutes on 2 cores after the build
#   tools/check.sh --slow    also what takes longer
set -uo pipefail
cd "$(dirname "$0")/.."

slow=no
case "${1:-}" in
  "") ;;
  --slow) slow=yes ;;
  *) echo "usage: tools/check.sh [--slow]" >&2; exit 2 ;;
esac

tools/setup.sh --test || exit 1
python=.venv-test/bin/python
build=build
logs=$build/check
passed=0
failed=0
shares=()

mkdir -p "$logs"
started=$(date +%s)
if ! { cmake --preset release -DNF_TESTS=ON -DNF_WERROR=ON && cmake --build --preset release; } >"$logs/build.log" 2>&1; then
  grep -E "error|FAILED" "$logs/build.log" | head -n 30 >&2
  echo "check: the build failed; the whole log is $logs/build.log" >&2
  echo "0 passed, 1 failed"
  exit 1
fi
echo "build: $(($(date +%s) - started)) s"

# stage NAME COMMAND...: runs it, counts the tests it reports as `N passed, N failed` (any number of such lines), or
# itself as one test; shows its output when it failed.
stage() {
  local name=$1 log=$logs/$1.log begin end good bad
  shift
  begin=$(date +%s)
  "$@" >"$log" 2>&1
  local status=$?
  end=$(date +%s)
  good=$(grep -oE '[0-9]+ passed' "$log" | awk '{ n += $1 } END { print n + 0 }')
  bad=$(grep -oE '[0-9]+ failed' "$log" | awk '{ n += $1 } END { print n + 0 }')
  if [ $status -ne 0 ] && [ "$bad" -eq 0 ]; then bad=1; fi
  if [ $status -eq 0 ] && [ "$good" -eq 0 ]; then good=1; fi
  [ $status -eq 0 ] && [ "$bad" -eq 0 ] || tail -n 60 "$log"
  printf '%s: %d passed, %d failed, %d s\n' "$name" "$good" "$bad" $((end - begin))
  shares+=("$name $((end - begin))")
  passed=$((passed + good))
  failed=$((failed + bad))
}

format() {
  git ls-files '*.cpp' '*.h' | xargs clang-format-22 --dry-run -Werror
}

lit_tests() {
  /usr/lib/llvm-22/bin/lit -v "$build/test" | tee "$logs/lit.full" | grep -vE '^PASS'
  local status=${PIPESTATUS[0]}
  awk '/^ *Passed *:/ { sub(/^[^:]*: */, ""); p = $1 + 0 }
    /^ *(Failed|Unresolved|Timed Out) *:/ { sub(/^[^:]*: */, ""); f += $1 + 0 }
    END { printf "%d passed, %d failed\n", p, f }' "$logs/lit.full"
  return "$status"
}

unit_tests() {
  local status=0 binary
  for binary in "$build"/bin/*-tests; do
    "$binary" --gtest_brief=1 >"$logs/unit.one" 2>&1 || { status=1; cat "$logs/unit.one"; }
    awk '/\[  PASSED  \]/ { p = $4 } /\[  FAILED  \] [0-9]+ test/ { f = $4 }
      END { printf "%d passed, %d failed\n", p, f }' "$logs/unit.one"
  done
  return $status
}

stage layout python3 test/layout.py
stage format format
stage lit lit_tests
stage unit unit_tests
for script in test/e2e/*_test.py test/numerics/*_test.py; do
  [ -e "$script" ] || continue
  stage "$(basename "$script" .py)" "$python" "$script"
done
if [ $slow = yes ]; then
  for script in test/e2e/*_slow.py test/numerics/*_slow.py; do
    [ -e "$script" ] || continue
    stage "$(basename "$script" .py)" "$python" "$script"
  done
fi

printf '%s\n' "${shares[@]}" | awk '{ t += $2; n[NR] = $1; s[NR] = $2 }
  END { printf "after the build: %d s (", t; for (i = 1; i <= NR; i++) printf "%s%s %d", (i > 1 ? ", " : ""), n[i], s[i]; print ")" }'
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
