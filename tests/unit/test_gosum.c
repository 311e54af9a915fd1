/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/gomod/gosum.h"

#include "builder/lock/lock_component.h"
#include "lib/alloc.h"
#include "tests/unit/check.h"

/* As cri-dockerd has it: versions replaced by others; as Kubernetes has it: modules of the same repository. */
static const char of_component[] = "module example.org/tool\n"
				   "\n"
				   "go 1.25.0\n"
				   "\n"
				   "godebug default=go1.25\n"
				   "\n"
				   "require (\n"
				   "\texample.org/a v1.2.3\n"
				   "\texample.org/api v0.0.0\n"
				   "\texample.org/more v1.0.1 // indirect\n"
				   ")\n"
				   "\n"
				   "exclude example.org/a v1.2.4\n"
				   "\n"
				   "replace (\n"
				   "\texample.org/a => example.org/a v1.2.2\n"
				   "\texample.org/b v1.0.0 => example.net/fork v1.0.1\n"
				   "\texample.org/api => ./staging/api\n"
				   ")\n";

static bool is_made(struct component *c, const char *want)
{
	CLEANUP(text_done) struct text made = { 0 };
	struct error err = { 0 };

	c->go.module = "example.org/tool";
	if (gosum_main_module(c, "1.5.2", of_component, &made, &err) == 0 && text_same(made.data, want))
		return true;
	printf("# %s%s\n", err.text, made.data ? made.data : "");
	return false;
}

TEST(gosum_main_module_does_what_the_components_own_does)
{
	struct component c = { .go = { .released_with = "v0.{minor-number}.{patch-number}" } };

	CHECK(is_made(&c, "module nodekiln\n\ngo 1.25.0\n"
			  "godebug default=go1.25\n"
			  "require example.org/a v1.2.3\n"
			  "require example.org/api v0.0.0\n"
			  "require example.org/more v1.0.1\n"
			  "exclude example.org/a v1.2.4\n"
			  "replace example.org/a => example.org/a v1.2.2\n"
			  "replace example.org/b v1.0.0 => example.net/fork v1.0.1\n"
			  "replace example.org/api => example.org/api v0.5.2\n"
			  "require example.org/tool v1.5.2\n"));
}

TEST(gosum_main_module_requires_what_is_released_together_once)
{
	char *more[] = { "example.org/more" };
	struct component c = { .go = { .modules = { more, 1, 0 } } };

	CHECK(is_made(&c, "module nodekiln\n\ngo 1.25.0\n"
			  "godebug default=go1.25\n"
			  "require example.org/a v1.2.3\n"
			  "require example.org/api v0.0.0\n"
			  "exclude example.org/a v1.2.4\n"
			  "replace example.org/a => example.org/a v1.2.2\n"
			  "replace example.org/b v1.0.0 => example.net/fork v1.0.1\n"
			  "require example.org/tool v1.5.2\n"
			  "require example.org/more v1.5.2\n"));
}

TEST(gosum_main_module_needs_a_go_line)
{
	CLEANUP(text_done) struct text made = { 0 };
	struct component c = { .go = { .module = "example.org/tool" } };
	struct error err = { 0 };

	CHECK(gosum_main_module(&c, "1.5.2", "module example.org/tool\n", &made, &err) < 0);
	CHECK_STR(err.text, "the go.mod of example.org/tool has no go line");
}

#define SUM "h1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
#define MOD "h1:BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBA="

TEST(gosum_parse_pairs)
{
	static const char text[] = "a.example/b v1.0.0 " SUM "\na.example/b v1.0.0/go.mod " MOD "\n"
				   "a.example/a v2.0.0+incompatible/go.mod " MOD "\n";
	CLEANUP(lock_component_done) struct lock_component c = { 0 };
	CLEANUP(text_done) struct text back = { 0 };
	struct error err = { 0 };

	CHECK(gosum_parse(text, &c, &err) == 0 && c.modules.n == 2);
	CHECK_STR(c.modules.at[0].path, "a.example/a");
	CHECK(!c.modules.at[0].sum);
	CHECK_STR(c.modules.at[1].sum, SUM);
	CHECK_STR(c.modules.at[1].mod_sum, MOD);
	gosum_print(&c, &back);
	CHECK_STR(back.data, "a.example/a v2.0.0+incompatible/go.mod " MOD "\n"
			     "a.example/b v1.0.0 " SUM "\na.example/b v1.0.0/go.mod " MOD "\n");
}

TEST(gosum_parse_refuses)
{
	static const char *const bad[] = { "a.example/b v1.0.0 " SUM "\n", "a.example/b v1.0.0\n",
					   "../b v1.0.0 " SUM "\n", "a.example/b v1.0.0 h2:AAAA\n",
					   "a.example/b 1.0/go.mod " MOD "\n" };

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		CLEANUP(lock_component_done) struct lock_component c = { 0 };
		struct error err = { 0 };
		CHECK(gosum_parse(bad[i], &c, &err) < 0 && text_starts(err.text, "go.sum has "));
	}
}
