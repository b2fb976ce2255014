#!/usr/bin/env bash
# Builds the images of the two servers from the last commit and puts them into the registry, tagged with that commit.
#
# Usage: scripts/build-and-push.sh [--local]
#   --local  build with docker on this machine, for subscriptions without Azure Container Registry tasks
#
# Settings: ACR_NAME, ACR_LOGIN_SERVER (from azd); PYTHON_IMAGE to take the base image from a registry of one's own,
# where Docker Hub's limits are in the way (docs/images.md).
# What is not committed is not in the images, and a tag that is in the registry is neither built nor written again: it
# always means the same files. When it fails: what stands above the last line is the build's own output; run it again.
set -euo pipefail
# shellcheck source=scripts/lib/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"

builder=registry
while (($#)); do
  case $1 in
    --help | -h) show_help "$0" && exit ;;
    --local) builder=docker ;;
    *) unknown_option "$1" ;;
  esac
  shift
done

load_values
need ACR_NAME ACR_LOGIN_SERVER

revision=$(git -C "$ROOT" rev-parse HEAD 2>/dev/null) ||
  fail "there is no commit to build from" "the images are built from git: git init && git add . && git commit"
created=$(git -C "$ROOT" show --no-patch --format=%cI HEAD)
version=$(sed -n 's/^version = //p' "$ROOT/setup.cfg")
context=$WORK/context

# Nothing but what the commit holds, .dockerignore included.
unpack() {
  [[ ! -d $context ]] || return 0
  mkdir "$context"
  git -C "$ROOT" archive "$revision" | tar -x -f - -C "$context"
  git -C "$ROOT" diff --quiet HEAD || note "there are changes that are not committed; they are not in the images"
}

is_in_registry() {
  local repositories tags
  repositories=$(azure "the list of images in $ACR_NAME" az acr repository list --name "$ACR_NAME" --output tsv) || exit
  grep -qxF "$1" <<<"$repositories" || return 1
  tags=$(azure "the tags of $1 in $ACR_NAME" az acr repository show-tags --name "$ACR_NAME" --repository "$1" --output tsv) || exit
  grep -qxF "$revision" <<<"$tags"
}

build() {
  local image=$1 file=$2
  local arguments=(--build-arg "VERSION=$version" --build-arg "REVISION=$revision" --build-arg "CREATED=$created")
  [[ -z ${PYTHON_IMAGE:-} ]] || arguments+=(--build-arg "PYTHON_IMAGE=$PYTHON_IMAGE")
  if [[ $builder == docker ]]; then
    docker build --platform linux/amd64 --file "$context/$file" "${arguments[@]}" \
      --tag "$ACR_LOGIN_SERVER/$image:$revision" "$context" || fail "docker could not build $image"
    azure "signing docker in to $ACR_NAME" az acr login --name "$ACR_NAME" --output none
    docker push "$ACR_LOGIN_SERVER/$image:$revision" ||
      fail "docker could not push $image" "you need the role AcrPush on $ACR_NAME; then run this again"
  else
    azure "building $image in $ACR_NAME (its output stands above; without tasks: --local)" az acr build \
      --registry "$ACR_NAME" --image "$image:$revision" --platform linux/amd64 --file "$context/$file" \
      "${arguments[@]}" "$context"
  fi
  # From now on nobody who may push can put something else under this name.
  quietly az acr repository update --name "$ACR_NAME" --image "$image:$revision" --write-enabled false ||
    note "its tag could not be locked: whoever may push to $ACR_NAME could exchange it"
}

for image in authserver:Dockerfile.auth mcpserver:Dockerfile.mcp; do
  step "Image ${image%%:*}:$revision"
  if is_in_registry "${image%%:*}"; then
    note "is in the registry"
  else
    unpack
    build "${image%%:*}" "${image##*:}"
  fi
done
