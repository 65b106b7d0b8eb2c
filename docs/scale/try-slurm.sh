#!/usr/bin/env bash
# Tries slurm-array.sh for real on one Debian machine: a Slurm controller and a node of its own, an array
# of four parts, their merge, and a campaign of one to compare with; then stops all it has started.
#
#   bash docs/scale/try-slurm.sh [SCENARIO|DIR]... [options of `bivalent fuzz`]
#
# Without arguments it is scenarios/fault --seeds 0..8192: 212,992 runs, a minute or so on two cores.
#
# BIVALENT is the command (default: target/release/bivalent, else bivalent). WORK is a new folder for
# everything (default: a temporary one, which stays). PORT and the port after it are used, on 127.0.0.1
# only. Packages are installed if they are missing, which needs root or sudo; nothing else does.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
PATH=$PATH:/usr/sbin:/sbin
port=${PORT:-36817}
default="$here/../../target/release/bivalent"
[[ -x $default ]] || default=bivalent
BIVALENT=$(command -v "${BIVALENT:-$default}") || { echo "build it first: cargo build --release" >&2; exit 1; }
BIVALENT=$(realpath "$BIVALENT")
export BIVALENT
(($# > 0)) || set -- "$(realpath --relative-to=. "$here/../../scenarios/fault")" --seeds 0..8192

say() { printf '\n== %s\n' "$*"; }

# 1. The packages.
missing=0
for command in munged slurmctld slurmd sbatch; do command -v "$command" > /dev/null || missing=1; done
if ((missing)); then
  sudo=()
  ((EUID == 0)) || sudo=(sudo)
  say "installing slurm-wlm and munge"
  "${sudo[@]}" apt-get update -qq
  "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends slurm-wlm munge > /dev/null
fi

# 2. A folder with everything in it. Munge wants its key private and its socket's folder open.
work=${WORK:-$(mktemp -d "${TMPDIR:-/tmp}/try-slurm.XXXXXX")}
mkdir -p "$work"/{munge,socket,state,spool,log}
chmod 755 "$work" "$work/socket"
chmod 700 "$work/munge"
(umask 077 && head -c 128 /dev/urandom > "$work/munge/key")

# 3. One controller and one node, both this machine. Nothing needs cgroups, a database or systemd.
host=$(hostname -s)
me=$(id -un)
# `slurmd -C` prints what this machine has: NodeName=... CPUs=2 ... RealMemory=24105
hardware=$(slurmd -C | head -n 1)
cat > "$work/slurm.conf" << END
ClusterName=try
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$port
SlurmdPort=$((port + 1))
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
SlurmUser=$me
SlurmdUser=$me
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket=$work/socket/munge
StateSaveLocation=$work/state
SlurmdSpoolDir=$work/spool
SlurmctldPidFile=$work/state/slurmctld.pid
SlurmdPidFile=$work/state/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
ReturnToService=2
MailProg=/bin/true
$hardware NodeAddr=127.0.0.1 State=UNKNOWN
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
END
export SLURM_CONF="$work/slurm.conf"

# 4. The daemons, and an end to them whatever happens.
daemons=()
start() { # NAME COMMAND...
  "${@:2}" > "$work/log/$1" 2>&1 &
  daemons+=("$!")
}
stop() {
  local code=$?
  trap - EXIT
  if ((code > 0)); then tail -n 5 "$work"/log/* >&2 || true; fi
  # Newest first. Each is ours: its number is the one it was started with.
  for ((at = ${#daemons[@]} - 1; at >= 0; at--)); do
    kill "${daemons[at]}" 2> /dev/null || true
    wait "${daemons[at]}" 2> /dev/null || true
  done
  say "stopped; all of it is in $work"
  exit "$code"
}
trap stop EXIT
trap 'exit 130' INT TERM
say "starting munged, slurmctld and slurmd in $work"
start munged munged --foreground --key-file="$work/munge/key" --seed-file="$work/munge/seed" \
  --socket="$work/socket/munge" --pid-file="$work/munge/pid" --log-file="$work/munge/log"
for ((i = 0; i < 50; i++)); do [[ -S $work/socket/munge ]] && break; sleep 0.1; done
start slurmctld slurmctld -D
start slurmd slurmd -D
for ((i = 0; i < 150; i++)); do [[ $(sinfo -h -t idle -o %D 2> /dev/null) == 1 ]] && break; sleep 0.2; done
sinfo -t idle | grep -q idle
sinfo

# 5. The array and its merge, as on any cluster; SBATCH_WAIT has the second sbatch wait for its job.
say "bash slurm-array.sh $*"
merged=0
OUT="$work/campaign" SBATCH_ARRAY_INX=1-4 SBATCH_WAIT=1 bash "$here/slurm-array.sh" "$@" || merged=$?
squeue --states=all --sort=i -O 'JobArrayID:10,Name:16,State:12,TimeUsed:8'
say "the merged summary, exit code $merged"
cat "$work/campaign/merge.log"

# 6. The campaign of one.
say "the same without an array"
one=0
"$BIVALENT" fuzz "$@" --out "$work/one" || one=$?
say "compared: exit codes $merged and $one"
((merged == one))
for file in latency.hlog steps.hlog summary.json summary.md; do
  cmp "$work/campaign/merged/$file" "$work/one/$file"
  echo "$file: identical"
done
if [[ -d $work/one/findings || -d $work/campaign/merged/findings ]]; then
  diff -r "$work/campaign/merged/findings" "$work/one/findings"
  echo "findings: identical"
fi
