/* SPDX-License-Identifier: Apache-2.0 */
/* tests/golden/license/ has licence files of real modules, as they are. */
#include "builder/pipeline/license.h"
#include "tests/unit/fake_root.h"

#define FOLDER "tests/golden/license/"

static char *classify_file(const char *name)
{
	CLEANUP(free_p) char *file = xasprintf(FOLDER "%s", name);
	CLEANUP(text_done) struct text text = { 0 };
	struct error err = { 0 };

	return file_read(AT_FDCWD, file, LICENSE_TEXT_MAX, &text, &err) < 0 ? xstrdup(err.text)
									    : license_classify(text.data);
}

TEST(license_of_real_texts)
{
	static const struct {
		const char *name, *expression;
	} cases[] = {
		{ "blake3", "CC0-1.0" },
		{ "containerd", "Apache-2.0" },
		{ "filepath-securejoin", "BSD-3-Clause AND MPL-2.0" },
		{ "go-difflib", "BSD-3-Clause" }, /* "The names of its contributors may not be used to endorse ..." */
		{ "go-spew", "ISC" },
		{ "json-iterator", "MIT" },
		{ "sigs-yaml", "Apache-2.0 AND BSD-3-Clause AND MIT" },
		{ "websocket", "BSD-2-Clause" },
		{ "x-mod", "BSD-3-Clause" },
		{ "yaml.v3", "Apache-2.0 AND MIT" },
		/* a choice of two */
		{ "dd-trace-go", NULL },
		{ "kubernetes-logo", NULL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CLEANUP(free_p) char *got = classify_file(cases[i].name);
		CHECK_STR(got ? got : "unsure", cases[i].expression ? cases[i].expression : "unsure");
	}
}

#define MIT_GRANT                                                                                                      \
	"Permission is hereby granted, free of charge, to any person obtaining a copy\n * of this software and "       \
	"associated documentation files (the \"Software\"), to deal\n"

/* Texts that differ by a clause. */
TEST(license_of_similar_texts)
{
	static const struct {
		const char *text, *expression;
	} cases[] = {
		{ "", NULL },
		{ "All rights reserved.", NULL },
		{ "Do what you like; it is under the Apache License.", NULL },
		{ MIT_GRANT, "MIT-0" },
		{ MIT_GRANT "The above copyright notice and this permission notice must be included in\nall copies or "
			    "substantial portions of the Software.",
		  "MIT" },
		{ MIT_GRANT "The Commons Clause applies.", NULL },
		{ "// Licensed under the Apache License, Version 2.0 (the \"License\");\n", "Apache-2.0" },
		{ "Licensed under the Apache License, Version 2.0 or MIT, at your option.", NULL },
		{ "licensed under the apache license version 2 01", NULL },
		{ "GNU GENERAL PUBLIC LICENSE\nVersion 3\nEveryone is permitted to copy and distribute verbatim "
		  "copies\n"
		  " of this license document, but changing it is not allowed.",
		  NULL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CLEANUP(free_p) char *got = license_classify(cases[i].text);
		CHECK_STR(got ? got : "unsure", cases[i].expression ? cases[i].expression : "unsure");
	}
}

static void add_module(struct lock_component *c, const char *path, const char *version)
{
	vec_push(&c->modules, (struct lock_module){ .path = (char *)path, .version = (char *)version });
}

static int put_license(const char *root, const char *name, const char *to)
{
	CLEANUP(free_p) char *file = xasprintf(FOLDER "%s", name);
	CLEANUP(text_done) struct text text = { 0 };
	struct error err = { 0 };

	if (file_read(AT_FDCWD, file, LICENSE_TEXT_MAX, &text, &err) < 0)
		return -1;
	fake_put(root, to, text.data);
	return 0;
}

TEST(licenses_of_modules)
{
	CLEANUP(licenses_done) struct licenses found = { 0 };
	struct lock_component c = { 0 };
	FAKE_ROOT();

	add_module(&c, "a.example/both", "v1.0.0");
	add_module(&c, "a.example/choice", "v1.0.0");
	add_module(&c, "a.example/none", "v1.0.0");
	add_module(&c, "a.example/not/linked", "v1.0.0");
	CHECK(put_license(path, "go-spew", "/a.example/both@v1.0.0/LICENSE") == 0);
	CHECK(put_license(path, "x-mod", "/a.example/both@v1.0.0/licence.txt") == 0);
	fake_put(path, "/a.example/both@v1.0.0/PATENTS", "Additional IP Rights Grant");
	CHECK(put_license(path, "x-mod", "/a.example/choice@v1.0.0/LICENSE") == 0);
	CHECK(put_license(path, "dd-trace-go", "/a.example/choice@v1.0.0/LICENSE-other") == 0);
	fake_put(path, "/a.example/none@v1.0.0/NOTICE", "x");
	CHECK(licenses_read(path, &c, &found, &err) == 0 && found.list.n == 3);
	CHECK_STR(licenses_find(&found, "a.example/both", "v1.0.0"), "BSD-3-Clause AND ISC");
	CHECK(!licenses_find(&found, "a.example/choice", "v1.0.0") &&
	      !licenses_find(&found, "a.example/none", "v1.0.0"));
	CHECK(!licenses_find(&found, "a.example/both", "v1.0.1") && !licenses_find(NULL, "a.example/both", "v1.0.0"));
	vec_done(&c.modules);
	FAKE_ROOT_END();
}
