"""Every .bicep file is Bicep, and what one file says of another is so. There is no compiler here to ask."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.support import bicep

_REPOSITORY: Final = Path(__file__).parents[2]
_FILES: Final = sorted((*_REPOSITORY.glob("infra/**/*.bicep"), *_REPOSITORY.glob("apim/**/*.bicep")))

# One API version for each kind of resource: the newest stable one in Azure's published types of August 2026,
# unless a reason is given. Another version is a decision: change it here, after reading what it changes.
_VERSIONS: Final = {
    "Microsoft.AlertsManagement/prometheusRuleGroups": "2023-03-01",
    "Microsoft.ApiManagement/": "2024-05-01",
    "Microsoft.Authorization/": "2022-04-01",
    "Microsoft.Cache/redisEnterprise": "2025-07-01",
    "Microsoft.ContainerRegistry/registries": "2025-11-01",
    "Microsoft.ContainerService/managedClusters": "2026-05-01",
    # 2024-10-01 and later are previews.
    "Microsoft.Insights/actionGroups": "2023-01-01",
    "Microsoft.Insights/components": "2020-02-02",
    "Microsoft.Insights/dataCollection": "2024-03-11",
    # Never had a stable version that has destinations of one table each.
    "Microsoft.Insights/diagnosticSettings": "2021-05-01-preview",
    # 2026-01-01 is for rules by query; those on platform metrics are documented with this one.
    "Microsoft.Insights/metricAlerts": "2018-03-01",
    # Later ones add kinds of rule that are not used here.
    "Microsoft.Insights/scheduledQueryRules": "2023-12-01",
    "Microsoft.Insights/webtests": "2022-06-15",
    "Microsoft.Insights/workbooks": "2023-06-01",
    # 2026-02-01 changes what a vault does by default; this one says what it does.
    "Microsoft.KeyVault/vaults": "2025-05-01",
    "Microsoft.ManagedIdentity/userAssignedIdentities": "2024-11-30",
    # What AKS' own templates for managed Prometheus use.
    "Microsoft.Monitor/accounts": "2023-04-03",
    "Microsoft.Network/privateDnsZones": "2024-06-01",
    "Microsoft.Network/": "2025-07-01",
    "Microsoft.OperationalInsights/workspaces": "2025-07-01",
    "Microsoft.Resources/resourceGroups": "2025-04-01",
    "Microsoft.Storage/storageAccounts": "2025-08-01",
    # The extension's own, set in bicepconfig.json.
    "Microsoft.Graph/": "v1.0",
}
# Of Bicep's functions, those that may be needed here.
_FUNCTIONS: Final = frozenset(
    {
        "concat",
        "contains",
        "empty",
        "environment",
        "format",
        "guid",
        "items",
        "join",
        "last",
        "length",
        "loadJsonContent",
        "loadTextContent",
        "map",
        "pickZones",
        "replace",
        "resourceGroup",
        "split",
        "subscription",
        "subscriptionResourceId",
        "tenant",
        "toLower",
        "union",
        "uniqueString",
    }
)
# Properties of a module's call beside its parameters.
_MODULE_PROPERTIES: Final = {"name", "scope", "params", "dependsOn"}


def _id(path: Path) -> str:
    return str(path.relative_to(_REPOSITORY))


def _problems(file: bicep.BicepFile) -> Iterator[str]:
    """Yield what a compiler would refuse, as far as it can be told without Azure's types."""
    for name in sorted(file.references - file.declared):
        yield f"{name} is not declared"
    for name in sorted((file.parameters.keys() | file.variables.keys()) - file.references):
        yield f"{name} is not used"
    for name in sorted(file.calls - _FUNCTIONS):
        yield f"{name}() is not a function that is known here"
    for name, output in sorted(file.module_outputs):
        if name in file.modules and output not in _called(file, file.modules[name]).outputs:
            yield f"{name} has no output {output}"
    for name, module in file.modules.items():
        path = (file.path.parent / module.target).resolve()
        if not path.is_file():
            yield f"{name}: there is no {module.target}"
            continue
        assert module.body is not None
        if extra := bicep.properties(module.body).keys() - _MODULE_PROPERTIES:
            yield f"{name}: {sorted(extra)}"
        passed = module.value("params")
        given = set(bicep.properties(passed)) if passed is not None else set()
        called = _called(file, module)
        for parameter in sorted(given - called.parameters.keys()):
            yield f"{name}: {module.target} has no parameter {parameter}"
        for parameter in sorted(called.required - given):
            yield f"{name}: {module.target} wants {parameter}"


def _called(file: bicep.BicepFile, module: bicep.Declaration) -> bicep.BicepFile:
    path = (file.path.parent / module.target).resolve()
    return bicep.read(path) if path.is_file() else bicep.parse(b"")


@pytest.mark.parametrize("path", _FILES, ids=_id)
def test_a_file_is_bicep(path: Path) -> None:
    assert not bicep.read(path).errors


@pytest.mark.parametrize("path", _FILES, ids=_id)
def test_a_file_declares_what_it_uses_and_passes_what_its_modules_want(path: Path) -> None:
    assert not list(_problems(bicep.read(path)))


@pytest.mark.parametrize("path", _FILES, ids=_id)
def test_a_file_begins_by_saying_what_it_owns(path: Path) -> None:
    assert path.read_text("utf-8").startswith("// ")


@pytest.mark.parametrize("path", _FILES, ids=_id)
def test_resources_are_of_the_versions_that_were_decided(path: Path) -> None:
    for name, resource in bicep.read(path).resources.items():
        kind, _, version = resource.target.partition("@")
        decided = next((v for prefix, v in _VERSIONS.items() if kind.startswith(prefix)), None)
        assert version == decided, f"{name}: {resource.target}"


def test_no_version_is_decided_for_what_is_not_there() -> None:
    kinds = {r.target for path in _FILES for r in bicep.read(path).resources.values()}
    assert not [prefix for prefix in _VERSIONS if not any(kind.startswith(prefix) for kind in kinds)]


@pytest.mark.parametrize("path", _FILES, ids=_id)
def test_files_that_are_loaded_are_there(path: Path) -> None:
    source = path.read_text("utf-8")
    loaded = re.findall(r"load(?:Json|Text|Yaml)Content\('([^']+)'", source)
    assert not [name for name in loaded if not (path.parent / name).is_file()]


def test_every_module_is_used() -> None:
    called = {
        (path.parent / module.target).resolve()
        for path in _FILES
        for module in bicep.read(path).modules.values()
    }
    modules = {path.resolve() for path in _REPOSITORY.glob("infra/modules/*.bicep")}
    assert modules <= called


def test_extensions_are_configured() -> None:
    configured = json.loads((_REPOSITORY / "bicepconfig.json").read_text("utf-8"))["extensions"]
    used = {name for path in _FILES for name in bicep.read(path).extensions}
    assert used == set(configured)
    assert configured["microsoftGraphV1"] == "br:mcr.microsoft.com/bicep/extensions/microsoftgraph/v1.0:1.0.0"


def test_names_come_from_abbreviations_that_are_there_and_all_are_used() -> None:
    abbreviations = json.loads((_REPOSITORY / "infra" / "abbreviations.json").read_text("utf-8"))
    source = (_REPOSITORY / "infra" / "main.bicep").read_text("utf-8")
    assert set(re.findall(r"abbreviations\.(\w+)\}", source)) == set(abbreviations)


def test_azd_passes_parameters_that_exist_and_every_required_one() -> None:
    passed = json.loads((_REPOSITORY / "infra" / "main.parameters.json").read_text("utf-8"))["parameters"]
    main = bicep.read(_REPOSITORY / "infra" / "main.bicep")
    assert set(passed) <= set(main.parameters)
    assert main.required <= set(passed)
    for name, given in passed.items():
        default = re.fullmatch(r"\$\{[A-Z_]+(?:=(.*))?\}", given["value"])
        assert default, f"{name} does not come from azd's environment"
        declared = main.parameters[name].node.named_children[-1]
        if name not in main.required:
            assert (default[1] or "") == bicep.literal(declared), f"{name} has two defaults"


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("param a string", "a is not used"),
        ("output a string = b", "b is not declared"),
        ("output a string = nosuch('x')", "nosuch() is not a function that is known here"),
        ("module m 'nowhere.bicep' = {\n  params: {}\n}", "m: there is no nowhere.bicep"),
        (
            "module m 'modules/workbook.bicep' = {\n  params: { x: 1 }\n}",
            "m: modules/workbook.bicep has no parameter x",
        ),
        ("module m 'modules/workbook.bicep' = {\n  params: {}\n}", "m: modules/workbook.bicep wants tags"),
        ("module m 'modules/aks.bicep' = {\n}\noutput a string = m.outputs.b", "m has no output b"),
    ],
)
def test_a_mistake_is_found(source: str, problem: str) -> None:
    file = bicep.parse(source.encode(), _REPOSITORY / "infra" / "written.bicep")
    assert not file.errors
    assert problem in list(_problems(file))


def test_a_missing_comma_is_no_bicep() -> None:
    assert bicep.parse(b"var a = concat(\n  'x'\n  'y'\n)\n").errors
