# shellcheck shell=bash
# Owns how far the model is, read from what Kaito, Karpenter and Kubernetes say of it. Sourced by wait-for-model.sh,
# diagnose.sh and teardown.sh; only reads.
#
#   replicas = 0:  stopping (pods or nodes are left) → stopped
#   replicas > 0:  no nodes → node not ready → loading ⇄ restarted → ready
#                                                      ↘ failed (restarted too often, or Kaito says so)

# Used by those who source this.
# shellcheck disable=SC2034
readonly EXIT_MODEL_FAILED=4
# Kaito labels the workspaces and the pods of an InferenceSet with this.
readonly CREATED_BY=inferenceset.kaito.sh/created-by
# What the workspace asks its nodes to carry, as drawn.
readonly GPU_NODES=workload=gpu,kaito=true
: "${MODEL_MAX_RESTARTS:=5}"

# model_state NAMESPACE NAME: one line, the first words of which are the state.
model_state() {
  local namespace=$1 name=$2 replicas desired ready nodes ready_nodes owned pods restarts failed
  replicas=$(kubectl get inferenceset "$name" --namespace "$namespace" --ignore-not-found \
    --output 'jsonpath={.spec.replicas} {.status.readyReplicas} {.metadata.name}') || return
  [[ -n $replicas ]] || {
    echo absent
    return
  }
  desired=$(cut -d' ' -f1 <<<"$replicas") ready=$(cut -d' ' -f2 <<<"$replicas")
  desired=${desired:-1} ready=${ready:-0}
  nodes=$(kubectl get nodes --selector "$GPU_NODES,apps=$name" --output \
    'jsonpath={range .items[*]}{.metadata.name}={.status.conditions[?(@.type=="Ready")].status}{"\n"}{end}') || return
  ready_nodes=$(grep -c '=True$' <<<"$nodes" || true)
  nodes=$(grep -c . <<<"$nodes" || true)
  owned=$(kubectl get workspaces,pods --namespace "$namespace" --selector "$CREATED_BY=$name" --output \
    'jsonpath={range .items[*]}{.kind} {.metadata.name} {.status.state} {.status.containerStatuses[*].restartCount}{"\n"}{end}') || return
  pods=$(grep -c '^Pod ' <<<"$owned" || true)
  if ((desired == 0)); then
    if ((pods + nodes == 0)); then
      echo "stopped: no pods, no GPU nodes"
    else
      echo "stopping: $pods pods and $nodes GPU nodes are left"
    fi
    return
  fi
  failed=$(awk '$1 == "Workspace" && $3 == "Failed" {print $2; exit}' <<<"$owned")
  restarts=$(awk '$1 == "Pod" {for (i = 3; i <= NF; i++) if ($i > most) most = $i} END {print most + 0}' <<<"$owned")
  if [[ -n $failed ]]; then
    echo "failed: Kaito says so of workspace $failed"
  elif ((ready >= desired)); then
    echo "ready: $ready of $desired replicas"
  elif ((restarts >= MODEL_MAX_RESTARTS)); then
    echo "failed: the model's pod was restarted $restarts times"
  elif ((nodes == 0)); then
    echo "no nodes: Karpenter makes one (5 to 10 minutes)"
  elif ((ready_nodes < nodes)); then
    echo "node not ready: $ready_nodes of $nodes GPU nodes are"
  elif ((restarts > 0)); then
    echo "restarted: $restarts times, of at most $MODEL_MAX_RESTARTS"
  else
    echo "loading: image, weights, warm-up ($ready of $desired replicas are ready)"
  fi
}

# explain_model NAMESPACE NAME: what to look at, in the order of the way a model takes: nodes, image, download.
explain_model() {
  local namespace=$1 name=$2
  printf '\nworkspaces:\n'
  kubectl get workspaces --namespace "$namespace" --selector "$CREATED_BY=$name" --output \
    'jsonpath={range .items[*]}    {.metadata.name}: {.status.state}{range .status.conditions[?(@.status!="True")]}{"\n"}      {.type}: {.reason}: {.message}{end}{"\n"}{end}' || true
  printf 'GPU nodes (allocation):\n'
  kubectl get nodeclaims --output \
    'jsonpath={range .items[*]}    {.metadata.name}{range .status.conditions[?(@.status!="True")]}{"\n"}      {.type}: {.reason}: {.message}{end}{"\n"}{end}' >"$WORK/nodeclaims" 2>/dev/null || true
  if [[ -s $WORK/nodeclaims ]]; then
    cat "$WORK/nodeclaims"
    explain_azure "$WORK/nodeclaims"
  else
    printf '    Karpenter has asked for none: kubectl logs --namespace karpenter deployment/karpenter --tail 50\n'
  fi
  printf 'pods (image pull, model download, start):\n'
  explain_pods "$namespace" "$CREATED_BY=$name"
}
