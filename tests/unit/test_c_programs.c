/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/source/c_programs.h"
#include "tests/unit/fake_toolchain.h"

static const char *printed;

/* gcc makes its output file; the program prints. */
static int answer(const struct toolchain_step *step, const char *line, struct error *err UNUSED)
{
	if (text_starts(line, "gcc "))
		fake_put(step->work, "/pause", "compiled");
	else if (step->output)
		text_add(step->output, printed);
	return 0;
}

static struct component make_pause(char *file)
{
	struct component c = {
		.name = (char *)"pause", .file = file, .version = (char *)"3.10", .source = COMPONENT_C
	};
	struct component_program p = { .name = (char *)"pause",
				       .package = (char *)"pause/pause.c",
				       .output = (char *)"pause {version}" };

	strings_add(&p.check, "-v");
	vec_push(&c.programs, p);
	return c;
}

static void pause_done(struct component *c)
{
	strings_done(&c->programs.at[0].check);
	vec_done(&c->programs);
}

TEST(c_programs_compile_and_check)
{
	CLEANUP(own_cache_close) struct own_cache w = { .cache.fd = -1 };
	CLEANUP(lock_done) struct lock lock = { 0 };

	FAKE_ROOT();
	CHECK(own_cache_open(&w) == 0);
	CLEANUP(free_p) char *file = xasprintf("%s/components/pause.yaml", path);
	fake_put(path, "/components/pause/pause.c", "int main(void) { return 0; }\n");
	struct component c = make_pause(file);
	struct toolchain t = fake_toolchain(path, &lock, &w.cache);
	fake_answer = answer;
	printed = "pause 2\n";
	CHECK(c_programs_compile(&c, &t, "key", &err) == -1 && err.class == ERROR_COMMAND);
	CHECK_STR(err.text,
		  "compile pause/pause.c: the compiled pause prints 'pause 2' for `pause -v`, not 'pause 3.10'");
	CHECK(!cache_has(&w.cache, "artifacts", "key"));
	printed = "pause 3.10\n";
	text_done(&fake_steps);
	CHECK_STR(c_programs_compile(&c, &t, "key", &err) < 0 ? err.text : "", "");
	CHECK_STR(fake_steps.data,
		  ".: gcc -std=gnu17 -Os -Wall -Werror -static -s -DVERSION=\"3.10\" -o pause pause.c\n"
		  ".: /build/pause -v\n");
	CLEANUP(free_p) char *program = fake_get(w.cache.path, "/artifacts/key/bin/pause");
	CHECK_STR(program, "compiled");
	fake_answer = NULL;
	text_done(&fake_steps);
	pause_done(&c);
	FAKE_ROOT_END();
}

TEST(c_programs_key_of_each_input)
{
	CLEANUP(lock_done) struct lock lock = { 0 };
	char keys[4][SHA256_HEX];

	FAKE_ROOT();
	CLEANUP(free_p) char *file = xasprintf("%s/pause.yaml", path);
	struct component c = make_pause(file);
	CHECK(c_programs_key(&c, &lock, keys[0], &err) == -1 && strstr(err.text, "pause/pause.c"));
	fake_put(path, "/pause/pause.c", "one");
	CHECK(c_programs_key(&c, &lock, keys[0], &err) == 0);
	fake_put(path, "/pause/pause.c", "two");
	CHECK(c_programs_key(&c, &lock, keys[1], &err) == 0);
	c.version = (char *)"3.11";
	CHECK(c_programs_key(&c, &lock, keys[2], &err) == 0);
	vec_push(&lock.group[LOCK_GO],
		 ((struct lock_package){ .name = xstrdup("gcc"), .version = xstrdup("1"), .sha256 = xstrdup("s") }));
	CHECK(c_programs_key(&c, &lock, keys[3], &err) == 0);
	for (int i = 0; i < 4; i++)
		for (int k = 0; k < i; k++)
			CHECK(strcmp(keys[i], keys[k]) != 0);
	pause_done(&c);
	FAKE_ROOT_END();
}
