#!/usr/bin/env bash
# From a clone to two trained models: installs, builds, compiles the demo's NormFormer and its Pre-LN twin to one
# executable each, prepares real English text, trains both on the same batches, evaluates, samples, and compares.
# Everything it makes lies in demo/. At most 12 minutes on 2 cores.
#   tools/demo.sh [--steps N]
set -euo pipefail
cd "$(dirname "$0")/.."

steps=()
case "${1:-}" in
  "") ;;
  --steps) steps=(--steps "${2:?--steps needs a number}") ;;
  *) echo "usage: tools/demo.sh [--steps N]" >&2; exit 2 ;;
esac

heading() { printf '\n== %s\n' "$*"; }
models=(preln-demo normformer-demo)
out=demo

heading "1. install what is missing"
tools/setup.sh

heading "2. build the compiler and the runtime"
log=build/demo-build.log
mkdir -p build "$out"
if ! { cmake --preset release && cmake --build --preset release --target nf-compile nfrt; } >"$log" 2>&1; then
  tail -n 30 "$log" >&2
  echo "demo: the build failed; the whole log is $log" >&2
  exit 1
fi
echo "built build/bin/nf-compile"

heading "3. compile each definition to one program that trains it"
for model in "${models[@]}"; do
  build/bin/nf-compile "models/$model.toml" -o "$out/$model"
done

heading "4. prepare the text (Spurgeon's Treasury of David, 1885, public domain; 4 MB)"
python3 tools/extract-corpus.py "$out/corpus.txt"
[ -e "$out/data/manifest.json" ] || "$out/normformer-demo" prepare "$out/corpus.txt" -o "$out/data" --tokenizer bpe

heading "5. train both on the same batches from the same initial weights"
for model in "${models[@]}"; do
  rm -rf "$out/run-$model"
  "$out/$model" train --data "$out/data" --out "$out/run-$model" --eval-every 100 --log-every 250 "${steps[@]}"
done

heading "6. held-out text"
for model in "${models[@]}"; do
  "$out/$model" eval --data "$out/data" --untrained | tee "$out/$model.before" >/dev/null
  "$out/$model" eval --data "$out/data" --checkpoint "$out/run-$model" | tee "$out/$model.after" >/dev/null
  awk -v model="$model" 'FNR == NR && /^perplexity/ { before = $3 } FNR != NR && /^perplexity/ { after = $3 }
    /^bits per byte/ { bits = $NF }
    END { printf "perplexity %s before %.2f after %.2f (%.3f bits a byte)\n", model, before, after, bits }' \
    "$out/$model.before" "$out/$model.after"
done
"$out/normformer-demo" data-stats "$out/data" | tee "$out/baselines"

heading "7. what it writes: \"The LORD is\""
sample=(--prompt "The LORD is" --tokens 48 --temperature 0.8 --seed 1)
echo "-- untrained"
"$out/normformer-demo" generate --untrained --data "$out/data" "${sample[@]}"
for model in "${models[@]}"; do
  echo "-- $model, trained"
  "$out/$model" generate --checkpoint "$out/run-$model" "${sample[@]}"
done

heading "8. the comparison"
python3 tools/demo-report.py "$out/run-preln-demo" "$out/run-normformer-demo"

cat <<EOF2

Where everything lies
  $out/preln-demo, $out/normformer-demo     the programs: copy one to another machine, it trains there
  $out/data                                 tokens and tokenizer
  $out/run-*/metrics.jsonl                  every step's loss, learning rate, gradient norm, tokens per second
  $out/run-*/step-*                         checkpoints (safetensors)
Try next
  $out/normformer-demo info
  $out/normformer-demo generate --checkpoint $out/run-normformer-demo --prompt "Blessed" --temperature 0.7
  $out/normformer-demo train --data $out/data --out $out/run-2 --lr 1e-2 --steps 500
  build/bin/nf-compile models/normformer-demo.toml --set norm.ffn_layernorm=false -o $out/ablation
  build/bin/nf-compile models/normformer-demo.toml --emit=fuse -o - | less
EOF2
