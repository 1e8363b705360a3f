#!/usr/bin/env bash
# All that is to be learnt from a GPU in one go, in at most nine minutes, on a machine without network.
#
#   OUT=results bench/on_gpu.sh          in the project's root, with the four MNIST files in .mnist/
#
# It needs Python with NumPy, CuPy, pytest, typer, rich, pillow and safetensors; PyTorch and JAX are
# compared with where they are installed. Each step has a time limit of its own, and one that fails
# does not end the others. What they find is written to $OUT as it comes; a summary ends it all.
# Without a GPU it rehearses on the CPU, with as little work as touches every step.
#
# Variables: OUT (a new folder), BUDGET (seconds, 525), CIRESAN_EPOCHS (80), WORKERS (6, of pytest),
# MLP_DATA_DIR (MNIST's folder), PY (python3), SKIP (such as "bench train": steps to leave out).
set -u
cd "$(dirname "$0")/.." || exit 1
begin=$(date +%s)
OUT=${OUT:-$(mktemp -d)}
PY=${PY:-python3}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
mkdir -p "$OUT"
OUT=$(cd "$OUT" && pwd)
rm -f "$OUT"/{steps.log,tests.log,tests.xml,checks.jsonl,checks.log,gpu-run.jsonl,bench.log,train.log,doctor.json}

left() { echo $((${BUDGET:-525} - $(date +%s) + begin)); }
say() { echo "$*" | tee -a "$OUT/steps.log"; }

# step NAME LIMIT RESERVE FILE COMMAND...: at most LIMIT seconds, and RESERVE kept for later steps.
# An interrupt ends it, so that pytest writes its report and mlp its model, even where a shell had
# its background jobs ignore interrupts.
reset=()
env --default-signal=INT true 2>/dev/null && reset=(env --default-signal=INT)
step() {
    local name=$1 limit=$2 reserve=$3 file=$4 room start code
    shift 4
    case " ${SKIP:-} " in *" ${name%%-*} "*) say "step $name: left out" && return ;; esac
    ((${gpus:-1})) || limit=$((limit * 4)) # a rehearsal may share its machine
    room=$(($(left) - reserve))
    ((limit > room)) && limit=$room
    ((limit < 8)) && say "step $name: no time left" && return
    start=$(date +%s)
    timeout -s INT -k 10 "$limit" "${reset[@]}" "$@" >>"$OUT/$file" 2>&1 </dev/null
    code=$?
    say "step $name: exit $code after $(($(date +%s) - start)) s of $limit$( ((code == 124 || code == 137)) && echo ', TIMED OUT')"
    return "$code"
}

# --- The machine -----------------------------------------------------------------------------------

export PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=$PWD${PYTHONPATH:+:$PYTHONPATH}
export MLP_OFFLINE=1
export CUPY_CACHE_DIR=${CUPY_CACHE_DIR:-$scratch/cupy} # a kernel is compiled once for all steps
export XLA_PYTHON_CLIENT_PREALLOCATE=false TF_CPP_MIN_LOG_LEVEL=2 # JAX would take 75 % of the memory
unset OPENBLAS_CORETYPE                                           # the doctor calls it a problem

for folder in "${MLP_DATA_DIR:-}" .mnist; do
    if [ -n "$folder" ] && ls "$folder"/train-images-idx3-ubyte* >/dev/null 2>&1; then
        MLP_DATA_DIR=$(cd "$folder" && pwd)
        export MLP_DATA_DIR
        digits=there
        break
    fi
done
say "MNIST: ${digits:-missing, synthetic digits stand in}"

count='import cupy; print(cupy.cuda.runtime.getDeviceCount())'
gpus=$(timeout 60 "$PY" -c "$count" 2>/dev/null | tail -n 1)
case $gpus in '' | *[!0-9]*) gpus=0 ;; esac
((gpus)) || say "NO GPU: this is a rehearsal on the CPU"
if ((gpus)); then device=cuda; else device=cpu; fi
{
    "$PY" -VV
    "$PY" -m pip list --format=freeze 2>/dev/null | grep -iE '^(numpy|cupy|torch|jax|triton|nvidia|cuda|pytest)'
    env | grep -E '^(CUDA|CUPY|NVIDIA|OPENBLAS|OMP|XLA)'
    timeout 20 nvidia-smi --format=csv \
        --query-gpu=name,driver_version,memory.total,memory.used,clocks.sm,clocks.mem,clocks.max.sm,temperature.gpu,power.draw,mig.mode.current,compute_mode
} >>"$OUT/steps.log" 2>&1
timeout 20 "$PY" -c 'import mlp' 2>>"$OUT/steps.log" || say "import mlp FAILED: $(tail -n 1 "$OUT/steps.log")"

# --- Is it right? The tests, and what they do not look at --------------------------------------------

mapfile -t files < <(grep -rlE 'mark\.cuda|backend: Backend' tests --include='test_*.py' | sort)
options=(-m cuda -q --tb=short -p no:cacheprovider --durations=10 --junitxml="$OUT/tests.xml")
options+=(-o "addopts=--import-mode=importlib") # not pyproject.toml's, which need pytest-xdist
((gpus)) && options+=(--require-cuda)
parallel=()
((gpus)) && "$PY" -c 'import xdist' 2>/dev/null && parallel=(-n "${WORKERS:-6}")
tests() { step "$1" 150 300 tests.log "$PY" -m pytest "${options[@]}" "${@:2}" "${files[@]}"; }
tests tests "${parallel[@]}"
code=$?
# 0: all passed; 1: some failed; 5: there were none. Else pytest itself could not run.
((code > 1 && code != 5)) && tests tests-again --continue-on-collection-errors

step checks 125 200 checks.log "$PY" -m bench.gpu_checks --device "$device" --seconds 90 --out "$OUT/checks.jsonl"

# --- How fast is it? Contests and trainings ----------------------------------------------------------

room=$(($(left) - 125))
((room > 215)) && room=215
contest=(--deadline $((room - 35)) --out "$OUT/gpu-run.jsonl")
((gpus)) || contest=(--dry-run --deadline 0 --out "$OUT/gpu-run.jsonl")
step bench "$room" 110 bench.log "$PY" -W always -m bench.gpu "${contest[@]}"

train() { # NAME LIMIT RESERVE OPTIONS...
    echo "=== $1: ${*:4}" >>"$OUT/train.log"
    step "train-$1" "$2" "$3" train.log "$PY" -m mlp train --device "$device" --json --force --out "$scratch/$1.safetensors" "${@:4}"
}
data=() default=() full=100 ciresan=${CIRESAN_EPOCHS:-80}
((gpus)) && [ -z "${digits:-}" ] && data=(--dataset synthetic:20000+2000)
((gpus)) || { data=(--dataset synthetic:100+50) default=(--epochs 2) full=5 ciresan=2; }
train default 30 80 "${data[@]}" "${default[@]}"
train full 25 65 "${data[@]}" --batch-size full --lr 0.5 --epochs "$full" --report-every 10
train ciresan 60 22 "${data[@]}" --preset ciresan --epochs "$ciresan" --report-every 10

if ((gpus)); then seconds=6; else seconds=0; fi
step doctor 30 3 doctor.json "$PY" -m mlp doctor --json --seconds "$seconds"

# --- The summary -------------------------------------------------------------------------------------

"$PY" -m bench.gpu_summary "$OUT" 2>&1 | tee "$OUT/summary.txt"
say "all of it: $(($(date +%s) - begin)) s, in $OUT"
