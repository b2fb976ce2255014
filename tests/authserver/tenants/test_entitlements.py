"""Scope arithmetic, for any entry, any roles and any request."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from authserver.model import TenantEntry
from authserver.upstream.entitlements import effective_scopes, program_scopes

SCOPES = ("mcp:tools", "snippets:read", "snippets:write", "model:invoke")
ROLES = ("Reader", "Writer", "mcp.admin")
GROUPS = ("g1", "g2")

scopes = st.lists(st.sampled_from(SCOPES), unique=True).map(tuple)
some_roles = st.lists(st.sampled_from(ROLES), unique=True).map(tuple)
some_groups = st.lists(st.sampled_from(GROUPS), unique=True).map(tuple)
entries = st.builds(
    TenantEntry,
    tid=st.just("t"),
    name=st.just("Tenant"),
    ceiling=scopes,
    roles=st.dictionaries(st.sampled_from(ROLES), scopes),
    groups=st.dictionaries(st.sampled_from(GROUPS), scopes),
    app_roles=st.dictionaries(st.sampled_from(ROLES), scopes),
)


@given(scopes, entries, some_roles, some_groups)
def test_nobody_gets_more_than_the_ceiling_or_than_was_asked_for(
    requested: tuple[str, ...], entry: TenantEntry, roles: tuple[str, ...], groups: tuple[str, ...]
) -> None:
    for got in (effective_scopes(requested, entry, roles, groups), program_scopes(requested, entry, roles)):
        assert set(got) <= set(entry.ceiling)
        assert got == tuple(scope for scope in requested if scope in got)


@given(scopes, entries, some_roles, some_groups, st.text())
def test_a_role_that_the_tenants_own_entry_does_not_name_changes_nothing(
    requested: tuple[str, ...],
    entry: TenantEntry,
    roles: tuple[str, ...],
    groups: tuple[str, ...],
    foreign: str,
) -> None:
    without = {name: given for name, given in entry.roles.items() if name != foreign}
    own = replace(entry, roles=without, app_roles={})
    assert effective_scopes(requested, own, (*roles, foreign), groups) == effective_scopes(
        requested, own, tuple(role for role in roles if role != foreign), groups
    )
    assert program_scopes(requested, own, (*roles, foreign)) == ()


@given(scopes, entries, some_roles, some_groups)
def test_a_scope_that_a_role_or_group_gives_is_held_through_one_of_them_alone(
    requested: tuple[str, ...], entry: TenantEntry, roles: tuple[str, ...], groups: tuple[str, ...]
) -> None:
    got = effective_scopes(requested, entry, roles, groups)
    reserved = {s for given in (*entry.roles.values(), *entry.groups.values()) for s in given}
    given_to_them = {s for role in roles for s in entry.roles.get(role, ())}
    given_to_them |= {s for group in groups for s in entry.groups.get(group, ())}
    assert set(got) & reserved <= given_to_them
    assert set(got) >= set(requested) & set(entry.ceiling) & (given_to_them | (set(SCOPES) - reserved))


@given(scopes, entries, some_roles, some_groups, some_roles, some_groups)
def test_another_role_or_group_never_takes_a_scope_away(
    requested: tuple[str, ...],
    entry: TenantEntry,
    roles: tuple[str, ...],
    groups: tuple[str, ...],
    more_roles: tuple[str, ...],
    more_groups: tuple[str, ...],
) -> None:
    fewer = effective_scopes(requested, entry, roles, groups)
    assert set(fewer) <= set(
        effective_scopes(requested, entry, (*roles, *more_roles), (*groups, *more_groups))
    )


@given(scopes, entries, some_roles, some_groups)
def test_a_tenant_without_a_ceiling_gives_nobody_anything(
    requested: tuple[str, ...], entry: TenantEntry, roles: tuple[str, ...], groups: tuple[str, ...]
) -> None:
    unconfigured = replace(entry, ceiling=())
    assert effective_scopes(requested, unconfigured, roles, groups) == ()
    assert program_scopes(requested, unconfigured, roles) == ()


def test_the_rule_in_one_example() -> None:
    entry = TenantEntry(
        "t",
        "Fabrikam",
        ceiling=("mcp:tools", "snippets:read", "snippets:write"),
        roles={"Writer": ("snippets:write", "model:invoke")},
        groups={"g1": ("snippets:read",)},
    )
    assert effective_scopes(SCOPES, entry, ()) == ("mcp:tools",)
    assert effective_scopes(SCOPES, entry, ("Writer",)) == ("mcp:tools", "snippets:write")
    assert effective_scopes(SCOPES, entry, ("Writer",), ("g1",)) == SCOPES[:3]
    assert effective_scopes(("snippets:write",), entry, ("mcp.admin",)) == ()
