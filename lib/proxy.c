/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/proxy.h"

#include <pthread.h>
#include <string.h>

#include "lib/alloc.h"
#include "lib/log.h"
#include "lib/process.h"

#define PREFIX "Acquire::"
#define DIRECT ""

/* One setting: "Acquire::SCHEME::NAME[::HOST] VALUE". */
struct setting {
	char *scheme, *name, *host, *value; /* owned; host: NULL = of all servers */
};

static VEC(struct setting) settings; /* none is freed, since callers hold their strings */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static const char proxy[] = "Proxy";
static const char *const auto_detect[] = { "Proxy-Auto-Detect", "ProxyAutoDetect" }; /* the second is the older name */

/* The settings of these schemes count for a URL, the first one first: https takes those of http when it has none. */
static const struct {
	const char *url, *schemes[2];
} fallbacks[] = {
	{ "http://", { "http" } },
	{ "https://", { "https", "http" } },
};

static bool is_setting(const char *name)
{
	bool known = !strcasecmp(name, proxy);

	for (size_t i = 0; i < ARRAY_SIZE(auto_detect); i++)
		known |= !strcasecmp(name, auto_detect[i]);
	return known;
}

/* Cuts the part before the next "::" off. */
static char *next_part(char **rest)
{
	char *part = *rest, *end = part ? strstr(part, "::") : NULL;

	*rest = end ? end + strlen("::") : NULL;
	if (end)
		*end = '\0';
	return part;
}

static void read_line(char *line)
{
	char *key = strsep(&line, " "), *value = line;

	if (!value || !*value || strchr(value, '"') || strncasecmp(key, PREFIX, strlen(PREFIX)) != 0)
		return;
	key += strlen(PREFIX);
	const char *scheme = next_part(&key), *name = next_part(&key);
	if (name && is_setting(name))
		vec_push(&settings, (struct setting){ .scheme = xstrdup(scheme),
						      .name = xstrdup(name),
						      .host = xstrdup_or_null(key),
						      .value = xstrdup(value) });
}

void proxy_read_apt(const char *dump)
{
	CLEANUP(free_p) char *copy = xstrdup(dump);
	char *rest = copy, *line;

	while ((line = strsep(&rest, "\n")))
		read_line(line);
}

void proxy_apt_conf(struct text *ret)
{
	for (size_t i = 0; i < settings.n; i++) {
		const struct setting *s = &settings.at[i];
		text_addf(ret, PREFIX "%s::%s%s%s \"%s\";\n", s->scheme, s->name, s->host ? "::" : "",
			  s->host ? s->host : "", s->value);
	}
}

/* The last one counts, as in apt. */
static const char *find(const char *scheme, const char *name, const char *host)
{
	const char *value = NULL;

	for (size_t i = 0; i < settings.n; i++) {
		const struct setting *s = &settings.at[i];
		if (!strcasecmp(s->scheme, scheme) && !strcasecmp(s->name, name) && text_same(s->host, host))
			value = s->value;
	}
	return value;
}

/* "DIRECT", and anything else that is no URL: apt finds no server in it, and connects directly. */
static const char *as_proxy(const char *value)
{
	return value && !strstr(value, "://") ? DIRECT : value;
}

/* "host" of "http://host:80/path"; owned by the caller. */
static char *host_of(const char *url)
{
	const char *host = strstr(url, "://") + strlen("://");
	const char *end = *host == '[' ? strchr(host, ']') : NULL;

	return end ? xstrndup(host + 1, (size_t)(end - host - 1)) : xstrndup(host, strcspn(host, ":/?#"));
}

/* Asks the program of Proxy-Auto-Detect and remembers its answer as the server's own setting. */
static const char *ask(const char *program, const char *scheme, const char *host, const char *url)
{
	CLEANUP(text_done) struct text answer = { 0 };
	char *argv[] = { (char *)program, (char *)url, NULL };
	struct error err = { 0 };

	text_add(&answer, "");
	if (process_capture(argv, &answer, &err) < 0)
		log_warning("apt's %s: %s; its proxy is not used", auto_detect[0], err.text);
	char *value = err.class ? answer.data : text_trim(answer.data);
	vec_push(&settings, (struct setting){ .scheme = xstrdup(scheme),
					      .name = xstrdup(proxy),
					      .host = xstrdup(host),
					      .value = xstrndup(value, strcspn(value, "\n")) });
	return settings.at[settings.n - 1].value;
}

static const char *detect(const char *scheme, const char *host, const char *url)
{
	const char *own = find(scheme, proxy, host), *program = NULL;

	for (size_t i = 0; !program && i < ARRAY_SIZE(auto_detect); i++)
		program = find(scheme, auto_detect[i], NULL);
	return own || !program ? own : ask(program, scheme, host, url);
}

static const char *find_for(const char *const *schemes, size_t n, const char *url)
{
	CLEANUP(free_p) char *host = host_of(url);
	const char *value = detect(schemes[0], host, url);

	for (size_t i = 0; (!value || !*value) && i < n && schemes[i]; i++)
		value = find(schemes[i], proxy, host);
	for (size_t i = 0; (!value || !*value) && i < n && schemes[i]; i++)
		value = find(schemes[i], proxy, NULL);
	return value && *value ? as_proxy(value) : NULL;
}

const char *proxy_find(const char *url)
{
	const char *found = NULL;

	pthread_mutex_lock(&lock);
	for (size_t i = 0; i < ARRAY_SIZE(fallbacks); i++)
		if (text_starts(url, fallbacks[i].url))
			found = find_for(fallbacks[i].schemes, ARRAY_SIZE(fallbacks[i].schemes), url);
	pthread_mutex_unlock(&lock);
	return found;
}
