#!/usr/bin/env bash
# Checks, before anything is provisioned, what a deployment fails at most often: programs, sign-in, role, quota, region.
#
# Usage: scripts/check-prerequisites.sh
#
# Settings, from azd: AZURE_LOCATION, AZURE_SUBSCRIPTION_ID, OPERATOR_EMAIL. Run by azd before it provisions (hook
# preprovision). Changes one thing: it registers the provider Microsoft.Web for the subscription. What surely fails
# stops it; what may fail (a role that is given in a way this script does not see, no GPU quota, which only the model
# needs) is said and passed.
set -euo pipefail
# shellcheck source=scripts/lib/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"

case ${1:-} in
  --help | -h) show_help "$0" && exit ;;
  '') ;;
  *) unknown_option "$1" ;;
esac

"$ROOT/scripts/check-tools.sh"

load_values
step "Settings"
[[ -n ${OPERATOR_EMAIL:-} ]] ||
  fail -c "$EXIT_USAGE" "OPERATOR_EMAIL is not set: who gets the alerts" "azd env set OPERATOR_EMAIL you@example.com"
need AZURE_LOCATION AZURE_SUBSCRIPTION_ID
note "$AZURE_LOCATION, subscription $AZURE_SUBSCRIPTION_ID, alerts to $OPERATOR_EMAIL"

step "Sign-in"
# azd and the Azure CLI sign in each for itself; both are needed.
account=$(azure "you are not signed in to the Azure CLI: az login" az account show \
  --subscription "$AZURE_SUBSCRIPTION_ID" --output tsv --query '[user.name, name]') || exit
note "$(tr '\n\t' '  ' <<<"$account")"
azure "the Azure CLI cannot use the subscription" az account set --subscription "$AZURE_SUBSCRIPTION_ID"

# The network of a gateway of tier Standard v2 is delegated to it; the other providers Azure registers by itself.
azure "the provider Microsoft.Web is not registered" az provider register --namespace Microsoft.Web --output none

step "Role"
who=$(az ad signed-in-user show --query id --output tsv 2>/dev/null) || who=''
roles=''
if [[ -n $who ]]; then
  roles=$(az role assignment list --assignee "$who" --include-groups --include-inherited \
    --scope "/subscriptions/$AZURE_SUBSCRIPTION_ID" --query '[].roleDefinitionName' --output tsv 2>/dev/null) || roles=''
fi
if grep -qx Owner <<<"$roles" ||
  { grep -qx Contributor <<<"$roles" && grep -qx 'User Access Administrator' <<<"$roles"; }; then
  note "may create resources and give roles"
else
  note "not seen: Owner, or Contributor with User Access Administrator. Provisioning ends with"
  note "AuthorizationFailed if you have neither (permission)."
fi

step "GPU nodes in $AZURE_LOCATION (only the model needs them)"
size=$(sed -n 's/^ *instanceType: *//p' "$ROOT"/k8s/kaito/*.yaml 2>/dev/null | head -n 1) || true
size=${size:-Standard_NC24ads_A100_v4}
offer=$(az vm list-skus --location "$AZURE_LOCATION" --size "$size" --resource-type virtualMachines \
  --query "[?name=='$size'] | [0].[family, restrictions[0].reasonCode]" --output tsv 2>/dev/null) || offer=''
family=$(sed -n 1p <<<"${offer//$'\t'/$'\n'}") restriction=$(sed -n 2p <<<"${offer//$'\t'/$'\n'}")
if [[ -z $family || $family == None ]]; then
  note "region: $AZURE_LOCATION does not offer $size. Everything but the model works; docs/azure.md lists regions."
elif [[ -n $restriction && $restriction != None ]]; then
  note "region: $size is closed to this subscription in $AZURE_LOCATION ($restriction)."
else
  # JMESPath compares letter by letter, and Azure spells the family in two ways.
  free=$(az vm list-usage --location "$AZURE_LOCATION" --query '[].[name.value, limit, currentValue]' --output tsv 2>/dev/null |
    awk -v family="${family,,}" 'tolower($1) == family {print $2 - $3}') || free=''
  if ((${free:-0} > 0)); then
    note "$size: quota for $free more processors of $family"
  else
    note "quota: none left of $family in $AZURE_LOCATION. Ask for it in the portal (Quotas) before the model is used;"
    note "everything else works without."
  fi
fi
