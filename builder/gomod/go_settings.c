/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/gomod/go_settings.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/alloc.h"
#include "lib/file.h"

#define FILE_MAX (1u << 20)

static const struct {
	const char *name;
	bool in_file; /* also a line of Go's file; the others are read from the environment only */
} settings[] = {
	{ "GOPROXY", true },      { "GONOPROXY", true },    { "GOPRIVATE", true },   { "GOSUMDB", true },
	{ "GONOSUMDB", true },    { "GOINSECURE", true },   { "HTTP_PROXY", false }, { "http_proxy", false },
	{ "HTTPS_PROXY", false }, { "https_proxy", false }, { "NO_PROXY", false },   { "no_proxy", false },
};

const char *go_settings_get(const struct strings *list, const char *name)
{
	size_t len = strlen(name);

	for (size_t i = 0; i < list->n; i++)
		if (!strncmp(list->at[i], name, len) && list->at[i][len] == '=')
			return list->at[i] + len + 1;
	return NULL;
}

void go_settings_parse(const char *text, struct strings *ret)
{
	CLEANUP(free_p) char *copy = xstrdup(text);
	char *rest = copy, *line;

	while ((line = strsep(&rest, "\n"))) {
		line = text_trim(line);
		for (size_t i = 0; i < ARRAY_SIZE(settings); i++) {
			size_t len = strlen(settings[i].name);
			if (settings[i].in_file && !strncmp(line, settings[i].name, len) && line[len] == '=' &&
			    line[len + 1] && !go_settings_get(ret, settings[i].name))
				strings_add(ret, line);
		}
	}
}

/* NULL when the user has none, or wants none. */
static char *file_path(void)
{
	const char *chosen = getenv("GOENV"), *xdg = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");

	if (chosen && *chosen)
		return strcmp(chosen, "off") != 0 ? xstrdup(chosen) : NULL;
	if (xdg && *xdg)
		return xasprintf("%s/go/env", xdg);
	return home && *home ? xasprintf("%s/.config/go/env", home) : NULL;
}

int go_settings_read(struct strings *ret, struct error *err)
{
	CLEANUP(free_p) char *path = file_path();
	CLEANUP(text_done) struct text text = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(settings); i++) {
		const char *value = getenv(settings[i].name);
		if (value && *value)
			strings_addf(ret, "%s=%s", settings[i].name, value);
	}
	if (!path || access(path, F_OK) < 0)
		return 0;
	if (file_read(AT_FDCWD, path, FILE_MAX, &text, err) < 0)
		return error_wrap(err, "the settings of Go (GOENV)");
	go_settings_parse(text.data ? text.data : "", ret);
	return 0;
}

char *go_settings_netrc(void)
{
	const char *chosen = getenv("NETRC"), *home = getenv("HOME");
	CLEANUP(free_p)
	char *path = chosen && *chosen ? xstrdup(chosen) : home && *home ? xasprintf("%s/.netrc", home) : NULL;

	return path && access(path, R_OK) == 0 ? TAKE(path) : NULL;
}
