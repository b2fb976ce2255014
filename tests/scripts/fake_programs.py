"""Stand-ins for az, azd, helm, docker and kubelogin: they note what they are asked, and answer as those do.

Run by scripts/*.sh under the programs' names (tests.scripts.machine links them); a program of its own, so it
may import the standard library alone. What Azure "has" is in the JSON file $FAKE_CLOUD, which tests write and
read.
"""

import fcntl
import json
import os
import sys

# Each import more would be felt: a deployment calls these programs fifty times.
State = dict


def main() -> int:
    """Answer as the program that this file was called as."""
    program, words = os.path.basename(sys.argv[0]), sys.argv[1:]
    with open(os.environ["FAKE_CLOUD"], "r+", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        state: State = json.load(file)
        state["calls"].append([program, *words])
        try:
            failure = _failure(state, [program, *words])
            if failure is None:
                _PROGRAMS[program](state, words)
        finally:
            file.seek(0)
            file.truncate()
            json.dump(state, file)
    if failure is not None:
        print(failure, file=sys.stderr)
        return 1
    return 0


def _failure(state: State, call: list[str]) -> str | None:
    """Return what a call fails with: the first of the failures for it that has not been used up."""
    for failure in state["failures"]:
        if " ".join(call).startswith(failure["call"]) and failure["times"] > 0:
            failure["times"] -= 1
            return str(failure["message"])
    return None


def _read(path: str) -> str:
    with open(path, encoding="utf-8") as file:
        return file.read()


def _write(path: str, text: str) -> None:
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def _option(words: list[str], name: str) -> str:
    return words[words.index(name) + 1]


def _az(state: State, words: list[str]) -> None:
    command = " ".join(words).partition(" --")[0]
    match command:
        case "version":
            print("2.80.0")
        case "account show":
            print("operator@contoso.example\tContoso")
        case "aks get-credentials":
            _write(_option(words, "--file"), json.dumps(state["kubeconfig"]))
        case "aks list":
            print("\n".join(state["clusters"]))
        case "aks show":
            print("/subscriptions/s/resourceGroups/n/providers/m/kubelet")
            print("11111111-1111-1111-1111-111111111111")
        case "network vnet show":
            print("22222222-2222-2222-2222-222222222222")
        case "acr repository list":
            print("\n".join(state["images"]))
        case "acr repository show-tags":
            print("\n".join(state["images"][_option(words, "--repository")]))
        case "acr build":
            image, _, tag = _option(words, "--image").partition(":")
            state["contexts"][image] = sorted(os.listdir(words[-1]))
            state["images"].setdefault(image, []).append(tag)
        case "keyvault secret list":
            print("\n".join(state["secrets"]))
        case "keyvault secret list-deleted":
            print("\n".join(state["deleted_secrets"]))
        case "keyvault secret recover":
            name = _option(words, "--name")
            state["secrets"][name] = state["deleted_secrets"].pop(name)
        case "keyvault secret show":
            print(state["secrets"][_option(words, "--name")])
        case "keyvault secret backup":
            _write(_option(words, "--file"), "encrypted by Azure")
        case "keyvault secret set":
            state["secrets"][_option(words, "--name")] = _read(_option(words, "--file"))
        case "deployment group create":
            parameters = _read(_option(words, "--parameters").removeprefix("@"))
            template = os.path.basename(_option(words, "--template-file"))
            state["gateway"][template] = json.loads(parameters)["parameters"]
        case "apim product list" | "apim api list":
            print("\n".join(state["samples"][words[1]]))
        case "apim product delete" | "apim api delete":
            state["samples"][words[1]].remove(_option(words, f"--{words[1]}-id"))
        case "deployment sub list":
            print(state["deployment"])
        case "deployment operation sub list":
            print(json.dumps(state["operations"], indent=1))
        case "ad signed-in-user show":
            print("33333333-3333-3333-3333-333333333333")
        case "role assignment list":
            print("\n".join(state["roles"]))
        case "vm list-skus":
            print("\t".join(state["gpu_offer"]))
        case "vm list-usage":
            print("\n".join("\t".join(map(str, usage)) for usage in state["usage"]))
        case "ad app show":
            if _option(words, "--id") not in state["applications"]:
                raise SystemExit(3)
            print(f"object-of-{_option(words, '--id')}")
        case "ad app delete":
            state["applications"].remove(_option(words, "--id"))
        case "account set" | "provider register" | "acr login" | "acr repository update" | "rest":
            pass
        case _:
            raise SystemExit(f"no such command here: az {command}")


def _azd(state: State, words: list[str]) -> None:
    match words[0]:
        case "env":
            for name, value in state["values"].items():
                quoted = str(value).replace("\\", "\\\\").replace('"', '\\"')
                print(f'{name}="{quoted}"')
        case "version":
            print("azd version 1.20.1 (commit abc)")
        case "down":
            state["clusters"] = []


def _helm(state: State, words: list[str]) -> None:
    if words[0] == "version":
        print("v3.19.0+g1234567")
        return
    if words[0] == "pull":
        name = words[1].rpartition("/")[2].removesuffix(".tgz")
        _write(f"{_option(words, '--destination')}/{name}.tgz", state["chart"])
        return
    release = words[2]
    state["releases"][release] = _read(_option(words, "--values"))
    if not state["operators_start"]:
        return
    # What the charts install, as far as the scripts look at it.
    namespace = _option(words, "--namespace")
    labels = {"app.kubernetes.io/instance": release}
    key = [{"name": "SSH_PUBLIC_KEY", "value": _line(state["releases"][release], "SSH_PUBLIC_KEY")}]
    pod = {"containers": [{"name": "controller", "image": release, "env": key}]}
    template = {"metadata": {"labels": labels}, "spec": pod}
    deployment = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": release, "namespace": namespace, "labels": labels},
        "spec": {"replicas": 1, "selector": {"matchLabels": labels}, "template": template},
    }
    item = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}
    manifest = f"{_option(words, '--values')}.chart.json"
    _write(manifest, f"{json.dumps(item)}\n{json.dumps(deployment)}\n")
    os.spawnvp(os.P_WAIT, "kubectl", ["kubectl", "apply", "--server-side", "--filename", manifest])


def _line(values: str, name: str) -> str:
    return next((line.split('"')[1] for line in values.splitlines() if name in line), "")


def _docker(state: State, words: list[str]) -> None:
    if words[0] == "push":
        image, _, tag = words[1].rpartition("/")[2].partition(":")
        state["images"].setdefault(image, []).append(tag)


def _kubelogin(_state: State, words: list[str]) -> None:
    if words[0] == "--version":
        print("kubelogin version\ngit hash: v0.2.10/abc")


_PROGRAMS = {"az": _az, "azd": _azd, "helm": _helm, "docker": _docker, "kubelogin": _kubelogin}

if __name__ == "__main__":
    sys.exit(main())
