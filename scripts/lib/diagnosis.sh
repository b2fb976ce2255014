# shellcheck shell=bash
# Owns what an error means and what to do about it: Azure's (quota, region, permission) and those of pods (image pull,
# scheduling, crashes). Sourced by lib/common.sh; only reads, and prints to standard output.

# passes_by_itself FILE: whether an Azure error is one that goes away. Authorization is: a role that has just been given
# takes minutes to be in force.
passes_by_itself() {
  grep -qiE 'TooManyRequests|\b429\b|ServiceUnavailable|\b50[0234]\b|InternalServerError|GatewayTimeout|timed? ?out|Connection (reset|aborted|refused)|RemoteDisconnected|name resolution|AnotherOperationInProgress|ServiceActivating|\b409\b.*(progress|transition)|AuthorizationFailed|ForbiddenByRbac|Forbidden|unauthorized|\b403\b' "$1" &&
    ! grep -qiE 'QuotaExceeded|RequestDisallowedByPolicy|SkuNotAvailable' "$1"
}

# explain_azure FILE: one paragraph for each known cause found in an error's text.
explain_azure() {
  local found=0
  if grep -qiE 'Quota|exceeding approved|OperationNotAllowed.*cores' "$1"; then
    found=1
    printf '    quota: the subscription may not have that many here. See: az vm list-usage --location %s --output table\n' "${AZURE_LOCATION:-REGION}"
    printf '    ask for more in the portal (Quotas), or choose a region with room: azd env set AZURE_LOCATION …\n'
  fi
  if grep -qiE 'SkuNotAvailable|NotAvailableForSubscription|LocationNotAvailable|not available in (the )?(location|region)|AllocationFailed|ZonalAllocationFailed|unsupported (location|region)|does not support' "$1"; then
    found=1
    printf '    region: %s does not offer it to this subscription, or has none left. Choose another: docs/azure.md\n' "${AZURE_LOCATION:-this region}"
  fi
  if grep -qiE 'AuthorizationFailed|Forbidden|LinkedAuthorizationFailed|does not have authorization|Authorization_RequestDenied|Insufficient privileges|unauthorized' "$1"; then
    found=1
    printf '    permission: whoever is signed in (az account show) lacks a role. Provisioning needs Owner, or Contributor with\n'
    printf '    User Access Administrator; applications need Application Administrator in Entra ID.\n'
    printf '    Roles given a moment ago take up to five minutes: run this again.\n'
  fi
  if grep -qiE 'RequestDisallowedByPolicy' "$1"; then
    found=1
    printf '    policy: an Azure Policy of the subscription forbids it; the message above names it.\n'
  fi
  if grep -qiE 'MissingSubscriptionRegistration|not registered to use namespace' "$1"; then
    found=1
    printf '    provider: the subscription has not used this service yet: az provider register --namespace NAME (see above)\n'
  fi
  if grep -qiE 'az login|AADSTS|refresh token|ExpiredAuthentication|Please run' "$1"; then
    found=1
    printf '    sign-in: az login --tenant %s\n' "${AZURE_TENANT_ID:-TENANT}"
  fi
  if grep -qiE 'FlagMustBeSetForRestore|soft.?delete|already exists in deleted state|ServiceAlreadyExistsInSoftDeletedState' "$1"; then
    found=1
    printf '    name: something of this name was deleted and is still kept. docs/deployment.md, "Deploy again", says how to get rid of it\n'
  fi
  ((found)) || printf '    the message above is all that is known; docs/deployment.md says how to look further\n'
}

# explain_pods NAMESPACE SELECTOR: for each pod that is not ready, why, in the words of this project.
explain_pods() {
  local namespace=$1 selector=$2 name phase ready reasons messages
  local fields='{.metadata.name}{"|"}{.status.phase}{"|"}{range .status.conditions[?(@.type=="Ready")]}{.status}{end}{"|"}'
  fields+='{range .status.initContainerStatuses[*]}{.state.waiting.reason} {end}'
  fields+='{range .status.containerStatuses[*]}{.state.waiting.reason} {.state.terminated.reason} {.lastState.terminated.reason} {end}'
  fields+='{range .status.conditions[?(@.type=="PodScheduled")]}{.reason}{end}{"|"}'
  fields+='{range .status.conditions[?(@.type=="PodScheduled")]}{.message}{end}{range .status.containerStatuses[*]} {.state.waiting.message}{end}'
  kubectl get pods --namespace "$namespace" --selector "$selector" \
    --output "jsonpath={range .items[*]}$fields{\"\\n\"}{end}" >"$WORK/pods" || return 0
  if [[ ! -s $WORK/pods ]]; then
    printf '    no pods yet: kubectl get events --namespace %s --sort-by .lastTimestamp\n' "$namespace"
  fi
  while IFS='|' read -r name phase ready reasons messages; do
    [[ -z $name || $ready == True ]] && continue
    printf '    pod %s: %s %s\n' "$name" "${phase:-unknown}" "$(tr -s ' ' <<<"$reasons")"
    [[ -z ${messages// /} ]] || printf '      %s\n' "${messages# }"
    explain_pod "$namespace" "$name" "$reasons $messages"
  done <"$WORK/pods"
}

# explain_pod NAMESPACE NAME REASONS
explain_pod() {
  case $3 in
    *ImagePull* | *ErrImage* | *InvalidImageName*)
      printf '      image pull: is the tag in the registry (scripts/build-and-push.sh), may the cluster pull (role AcrPull), is there a way out?\n'
      ;;
    *Unschedulable*nvidia* | *Unschedulable*gpu* | *Unschedulable*taint* | *Unschedulable*affinity*)
      printf '      allocation: no node takes it. For the model: GPU quota and capacity, kubectl get nodeclaims; else the system pool is full\n'
      ;;
    *Unschedulable*)
      printf '      allocation: the nodes are full and the autoscaler has not added one: kubectl describe pod --namespace %s %s\n' "$1" "$2"
      ;;
    *CreateContainerConfigError* | *FailedMount* | *ContainerCreating*)
      printf '      start: a volume or a setting is missing. The master secret: kubectl describe pod --namespace %s %s\n' "$1" "$2"
      ;;
    *OOMKilled*)
      printf '      memory: it was killed at its limit\n'
      ;;
    *)
      printf '      it runs but is not ready. Its last lines:\n'
      kubectl logs --namespace "$1" "$2" --all-containers --tail 15 2>&1 | sed 's/^/        /' || true
      return
      ;;
  esac
  if [[ $3 == *CrashLoopBackOff* || $3 == *OOMKilled* || $3 == *Error* ]]; then
    kubectl logs --namespace "$1" "$2" --all-containers --tail 15 2>&1 | sed 's/^/        /' || true
  fi
}
