#!/usr/bin/env bash
# A fuzz campaign as a Slurm array: a part a task, all below one folder, then a job that merges them.
#
#   bash slurm-array.sh [SCENARIO|DIR]... [--seeds A..B | --runs N | --for TIME] [any option of `bivalent fuzz`]
#
# submits the array and the merge. OUT is the folder of all parts, on a file system that every node
# sees (default: ./campaign). BIVALENT is the command (default: bivalent). Options of sbatch: the lines
# below, or its own variables, such as SBATCH_ACCOUNT, SBATCH_PARTITION, SBATCH_ARRAY_INX, SBATCH_TIMELIMIT.
# The same command again goes on where parts were lost or cut off; finished parts end at once.
#
#SBATCH --job-name=bivalent-fuzz
#SBATCH --array=1-16%8
#SBATCH --ntasks=1
#SBATCH --cpus-per-task=1
#SBATCH --mem=1G
#SBATCH --time=02:00:00
# Near the end of its time a task is asked to stop: it writes what it has, and exits 130.
#SBATCH --signal=B:INT@120
# A task whose node is lost, or that is pre-empted, is put back, and goes on in its folder.
#SBATCH --requeue
#SBATCH --open-mode=append
set -euo pipefail

export BIVALENT="${BIVALENT:-bivalent}"
export OUT="${OUT:-$PWD/campaign}"

if [[ -n ${SLURM_ARRAY_TASK_ID:-} ]]; then
  # An array of some parts only would be taken for all there are.
  first=${SLURM_ARRAY_TASK_MIN:?} last=${SLURM_ARRAY_TASK_MAX:?} count=${SLURM_ARRAY_TASK_COUNT:?}
  if ((first > 1 || last - first + 1 != count)); then
    echo "submit the whole array again: finished parts end at once" >&2
    exit 2
  fi
  # exec: the signal above goes to the script's own process.
  exec "$BIVALENT" fuzz "$@" --jobs "${SLURM_CPUS_PER_TASK:-1}" --partition auto --out "$OUT"
fi

mkdir -p "$OUT"
array=$(env -u SBATCH_WAIT sbatch --parsable --output="$OUT/part-%a.log" "$0" "$@")
array=${array%%;*}
echo "array $array: $OUT/part-*.log"
# afterany: a part that has findings has failed, and is what the merge is for.
printf -v merge '%q merge %q --out %q' "$BIVALENT" "$OUT" "$OUT/merged"
echo "merge after it: $OUT/merge.log, $OUT/merged/"
env -u SBATCH_ARRAY_INX SBATCH_MEM_PER_NODE="${SBATCH_MEM_PER_NODE:-1G}" SBATCH_TIMELIMIT="${SBATCH_TIMELIMIT:-00:30:00}" \
  sbatch --job-name=bivalent-merge --dependency="afterany:$array" --ntasks=1 --output="$OUT/merge.log" --wrap="$merge"
