/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/profile.h"

#include "tests/unit/check.h"

static bool has_arg(const struct profile *p, const char *name, const char *value)
{
	for (size_t i = 0; i < ARRAY_SIZE(p->kubelet_args) && p->kubelet_args[i].name; i++)
		if (!strcmp(p->kubelet_args[i].name, name))
			return !strcmp(p->kubelet_args[i].value, value);
	return false;
}

TEST(profile_is_by_where_the_node_runs)
{
	struct facts machine = { 0 };
	const struct profile *vm = profile_of(&machine);

	machine.container = (char *)"lxc";
	const struct profile *privileged = profile_of(&machine);
	machine.user_namespace = true;
	const struct profile *unprivileged = profile_of(&machine);
	CHECK(!vm->kubelet_args[0].name && !vm->checks[0] && !vm->keep_conntrack);
	CHECK_STR(privileged->name, "privileged container");
	CHECK(has_arg(privileged, "fail-swap-on", "false") && privileged->keep_conntrack && privileged->checks[0]);
	CHECK(!has_arg(privileged, "feature-gates", "KubeletInUserNamespace=true"));
	CHECK_STR(unprivileged->name, "unprivileged container");
	CHECK(has_arg(unprivileged, "fail-swap-on", "false"));
	CHECK(has_arg(unprivileged, "feature-gates", "KubeletInUserNamespace=true") && unprivileged->first_minor >= 22);
}
