/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/gomod/gomod_internal.h"

#include <unistd.h>

#include "builder/lock/lock_component.h"
#include "tests/unit/own_cache.h"

static int load(const struct gomod *g, const struct component *c)
{
	CLEANUP(lock_component_done) struct lock_component solution = { 0 };

	return gomod_solution_load(g, c, "1.37.2", &solution);
}

TEST(gomod_solution_of_each_trust)
{
	static const struct {
		const char *name, *value;
	} settings[] = { { "GOSUMDB", "off" }, { "GONOSUMDB", "example.com" }, { "GOPRIVATE", "*.com" } };
	CLEANUP(own_cache_close) struct own_cache w = { .cache.fd = -1 };
	struct component c = { .name = (char *)"x", .version = (char *)"1.37", .go.module = (char *)"example.com/x" };
	struct lock_component solution = { .name = (char *)"x",
					   .version = (char *)"1.37.2",
					   .source = COMPONENT_GO_MODULES,
					   .go_package = (char *)"golang-1.26-go",
					   .go_mod = (char *)"module nodekiln\n" };
	struct error err = { 0 };

	CHECK(own_cache_open(&w) == 0);
	struct gomod g = { .components = &c, .n = 1, .cache = &w.cache };
	setenv("GOENV", "off", 1);
	for (size_t i = 0; i < ARRAY_SIZE(settings); i++)
		unsetenv(settings[i].name);
	for (size_t i = 0; i < ARRAY_SIZE(settings); i++) {
		setenv(settings[i].name, settings[i].value, 1);
		CHECK(load(&g, &c) == 0);
		CHECK_STR(gomod_solution_store(&g, &c, &solution, &err) < 0 ? err.text : "", "");
		CHECK(load(&g, &c) == 1);
		unsetenv(settings[i].name);
		CHECK(load(&g, &c) == 0);
	}
	CLEANUP(free_p) char *release = gomod_solution_release(&g, &c);
	CHECK_STR(release, "1.37.2");
	/* What compiles a lock can write modules/, and must not decide what others lock. */
	CHECK(unlinkat(w.cache.fd, "modules", AT_REMOVEDIR) == 0);
}
