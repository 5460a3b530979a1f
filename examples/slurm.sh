#!/bin/bash
# A sweep on several nodes of a Slurm cluster, from a folder that all of them share:
#   sbatch examples/slurm.sh studies/mnist_ablation.yaml --budget cpu
# It stops before the time limit ends it, and is queued again until every trial is complete.
#SBATCH --job-name=ganablate
#SBATCH --nodes=4
#SBATCH --ntasks-per-node=1
#SBATCH --cpus-per-task=16
#SBATCH --time=08:00:00
set -euo pipefail

nodes=($(scontrol show hostnames "$SLURM_JOB_NODELIST"))
head=$(srun --nodes=1 --ntasks=1 --nodelist="${nodes[0]}" hostname --ip-address | cut -d' ' -f1)
export RAY_ADDRESS="$head:$((20000 + SLURM_JOB_ID % 10000))"
export RAY_TMPDIR="/tmp/ray-$SLURM_JOB_ID"
# Whoever has the token can run code on the nodes as you; srun hands it to them.
export RAY_AUTH_MODE=token RAY_AUTH_TOKEN="$(openssl rand -hex 32)"

trap 'kill $(jobs -p); wait' EXIT  # Ray ends with this script

start() {  # NODE OPTION...: one task there, which lasts as long as the job
    srun --nodes=1 --ntasks=1 --cpus-per-task="$SLURM_CPUS_PER_TASK" --nodelist="$1" \
        ray start "${@:2}" --num-cpus="$SLURM_CPUS_PER_TASK" --disable-usage-stats --block &
}
start "${nodes[0]}" --head --node-ip-address="$head" --port="${RAY_ADDRESS##*:}"
until ray status > /dev/null 2>&1; do sleep 2; done
for node in "${nodes[@]:1}"; do start "$node" --address="$RAY_ADDRESS"; done
until [ "$(ray status | grep -c ' node_')" -ge "${#nodes[@]}" ]; do sleep 2; done

code=0
ganablate run "$@" --sweep sweeps/cluster.yaml --for 7h50m || code=$?
if [ "$code" = 75 ]; then scontrol requeue "$SLURM_JOB_ID"; fi  # trials are left: once more
exit "$code"
