#!/usr/bin/env bash
# Runs the whole stack in a Kubernetes cluster on this machine, without Azure: kind, the three images, overlays/kind.
#
# Usage: scripts/kind-up.sh [--delete]
#   --delete  remove the cluster with everything in it
#
# Settings: KIND_CLUSTER (default mcpstack), the cluster's name; ROLLOUT_DEADLINE_SECONDS (default 600), how long each
# program may take; PYTHON_IMAGE, another base for the images. Repeatable: after a change it builds again and replaces
# what runs. Needs docker, kind (0.24 or newer, which enforces NetworkPolicies) and kubectl. The stack signs in anybody:
# for one's own machine alone.
# When it fails: the pods' reasons stand above the end; put right what they say and run it again.
set -euo pipefail
# shellcheck source=scripts/lib/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
# shellcheck source=scripts/lib/servers.sh
source "$ROOT/scripts/lib/servers.sh"
: "${KIND_CLUSTER:=mcpstack}"

delete=false
while (($#)); do
  case $1 in
    --help | -h) show_help "$0" && exit ;;
    --delete) delete=true ;;
    *) unknown_option "$1" ;;
  esac
  shift
done

for program in docker kind kubectl; do
  command -v "$program" >/dev/null || fail -c "$EXIT_USAGE" "$program is missing" \
    "docker: https://docs.docker.com/engine/install  kind: https://kind.sigs.k8s.io  kubectl: https://kubernetes.io/docs/tasks/tools"
done

# Beside the user's own clusters, never among them: what is applied here must not reach another one.
export KUBECONFIG=$WORK/kubeconfig

if [[ $delete == true ]]; then
  step "Cluster $KIND_CLUSTER"
  kind delete cluster --name "$KIND_CLUSTER" || fail "kind could not remove the cluster"
  exit
fi

# build IMAGE:FILE
build() {
  local arguments=()
  [[ -z ${PYTHON_IMAGE:-} ]] || arguments+=(--build-arg "PYTHON_IMAGE=$PYTHON_IMAGE")
  docker build --file "$ROOT/${1##*:}" --target "${1%%:*}" "${arguments[@]}" --tag "mcpstack/${1%%:*}:local" "$ROOT" ||
    fail "docker could not build ${1%%:*}" "its message stands above"
}

step "Images"
for image in authserver:Dockerfile.auth mcpserver:Dockerfile.mcp devstack:Dockerfile.auth; do
  build "$image"
done

step "Cluster $KIND_CLUSTER"
if ! kind get clusters 2>/dev/null | grep -qxF "$KIND_CLUSTER"; then
  kind create cluster --name "$KIND_CLUSTER" || fail "kind could not make a cluster" "its message stands above"
fi
kind get kubeconfig --name "$KIND_CLUSTER" >"$KUBECONFIG" || fail "kind does not give the cluster's credentials"
kind load docker-image --name "$KIND_CLUSTER" mcpstack/authserver:local mcpstack/mcpserver:local mcpstack/devstack:local ||
  fail "kind could not load the images" "its message stands above"

step "Stack"
running=$(kubectl get deployments authserver mcpserver --namespace "$NAMESPACE" --ignore-not-found --output name) ||
  fail "the cluster does not say what runs in it"
kubectl apply --kustomize "$ROOT/k8s/overlays/kind" || fail "the cluster refused k8s/overlays/kind" "its message stands above"
if [[ -n $running ]]; then
  # The images' tag is the same each time: only a restart takes the new ones.
  kubectl rollout restart deployment/authserver deployment/mcpserver --namespace "$NAMESPACE" >/dev/null ||
    fail "the servers could not be restarted" "its message stands above"
fi
for server in authserver mcpserver; do
  wait_for_server "$server"
done

step "Done"
note "kubectl --context kind-$KIND_CLUSTER --namespace $NAMESPACE port-forward deployment/authserver 8080 8083"
note "Then point a client at http://localhost:8080/mcp, and sign in as alice@contoso.example with any password."
note "No such context: kind export kubeconfig --name $KIND_CLUSTER"
