/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/login.h"

#include <ctype.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "lib/alloc.h"
#include "lib/vec.h"

/* For a URL and what is below it, or for a machine as apt_auth.conf(5) names it: [SCHEME://]HOST[:PORT][/PATH]. */
struct login {
	char *url; /* without a slash at its end; or the machine */
	char *user, *password;
};

static VEC(struct login) logins, machines; /* one for a URL; none is freed, since callers hold their strings */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* The parts of a URL, RFC 3986 section 3.2; a password may have an @ that is not encoded. */
struct parts {
	const char *userinfo; /* NULL when there is none */
	const char *host, *path;
};

static struct parts parts_of(const char *url)
{
	const char *scheme = strstr(url, "://");
	const char *authority = scheme ? scheme + strlen("://") : url;
	const char *path = authority + strcspn(authority, "/?#");
	const char *at = memrchr(authority, '@', (size_t)(path - authority));

	return (struct parts){ .userinfo = at ? authority : NULL, .host = at ? at + 1 : authority, .path = path };
}

/* "user:pa/ss@host" begins like a host and a port: what is before the slash is a part of the password. */
static bool looks_cut(const struct parts *p)
{
	const char *colon = memchr(p->host, ':', (size_t)(p->path - p->host));
	bool is_port = !colon || *p->host == '[' || strspn(colon + 1, "0123456789") == (size_t)(p->path - colon - 1);

	return !is_port && strchr(p->path, '@');
}

/* NULL when it is not percent-encoded, or decodes to what cannot be sent. */
static char *decode(const char *from, size_t n, const char *refused)
{
	CLEANUP(text_done) struct text decoded = { 0 };

	text_add(&decoded, "");
	for (size_t i = 0; i < n; i++) {
		char c = from[i];
		if (c == '%') {
			char hex[3] = { i + 2 < n ? from[i + 1] : '\0', i + 2 < n ? from[i + 2] : '\0', '\0' };
			if (i + 2 >= n || !isxdigit((unsigned char)hex[0]) || !isxdigit((unsigned char)hex[1]))
				return NULL;
			c = (char)strtol(hex, NULL, 16);
			i += 2;
		}
		if (!c || isspace((unsigned char)c) || iscntrl((unsigned char)c) || strchr(refused, c))
			return NULL;
		text_addn(&decoded, &c, 1);
	}
	return text_take(&decoded);
}

static char *scope_of(const char *url)
{
	size_t n = strcspn(url, "{?#");

	if (url[n] == '{')
		while (n > 0 && url[n - 1] != '/')
			n--;
	while (n > 0 && url[n - 1] == '/')
		n--;
	return xstrndup(url, n);
}

/* Both owned by the caller; false when they cannot be sent. */
static bool read_userinfo(const struct parts *p, char **ret_user, char **ret_password)
{
	size_t n = p->userinfo ? (size_t)(p->host - 1 - p->userinfo) : 0;
	const char *colon = n ? memchr(p->userinfo, ':', n) : NULL;
	size_t user = colon ? (size_t)(colon - p->userinfo) : n;

	if (!user)
		return false;
	*ret_user = decode(p->userinfo, user, ":");
	*ret_password = colon ? decode(colon + 1, n - user - 1, "") : xstrdup("");
	return *ret_user && *ret_password;
}

/* Takes over l. */
static void remember(struct login l)
{
	bool known = false;

	pthread_mutex_lock(&lock);
	for (size_t i = 0; i < logins.n && !known; i++)
		known = strcmp(logins.at[i].url, l.url) == 0;
	if (!known)
		vec_push(&logins, l);
	pthread_mutex_unlock(&lock);
	if (!known)
		return;
	free(l.url);
	free(l.user);
	free(l.password);
}

int login_split(char **url, const char *what, struct error *err)
{
	CLEANUP(free_p) char *user = NULL, *password = NULL;

	if (!*url)
		return 0;
	struct parts p = parts_of(*url);
	if (!p.userinfo && !looks_cut(&p))
		return 0;
	if (looks_cut(&p) || !read_userinfo(&p, &user, &password))
		return error_set(err, ERROR_INPUT,
				 "%s: the user and the password in the URL must be percent-encoded and have no blanks; "
				 "the URL is not shown here",
				 what);
	char *clean = xasprintf("%.*s%s", (int)(p.userinfo - *url), *url, p.host);
	remember((struct login){ .url = scope_of(clean), .user = TAKE(user), .password = TAKE(password) });
	wipe_free(*url);
	*url = clean;
	return 0;
}

static bool is_below(const char *url, const char *scope)
{
	size_t n = strlen(scope);

	return strncmp(url, scope, n) == 0 && (!url[n] || strchr("/?", url[n]));
}

/* As apt matches them (apt-pkg/contrib/netrc.cc): without a scheme https alone, without a port any, and a path is a beginning. */
static bool is_of_machine(const char *url, const char *machine)
{
	const char *host = strstr(url, "://"), *scheme = strstr(machine, "://");
	size_t n = host ? (size_t)(host - url) : 0;
	const char *token = scheme ? scheme + strlen("://") : machine;

	if (!host || (scheme ? (size_t)(scheme - machine) != n || strncmp(url, machine, n) != 0
			     : strncmp(url, "https://", strlen("https://")) != 0))
		return false;
	host += strlen("://");
	size_t length = strcspn(host, "/?#"), name = *host == '[' ? strcspn(host, "]") + 1 : strcspn(host, ":/?#");
	if (strchr(token, '/'))
		return text_starts(host, token);
	n = strlen(token);
	return (n == length || n == name) && strncmp(host, token, n) == 0;
}

bool login_find(const char *url, const char **ret_user, const char **ret_password)
{
	size_t best = 0;

	pthread_mutex_lock(&lock);
	for (size_t i = 0; i < logins.n; i++) {
		const struct login *l = &logins.at[i];
		if (strlen(l->url) <= best || !is_below(url, l->url))
			continue;
		best = strlen(l->url);
		*ret_user = l->user;
		*ret_password = l->password;
	}
	for (size_t i = 0; i < machines.n && !best; i++) {
		const struct login *l = &machines.at[i];
		if (!is_of_machine(url, l->url))
			continue;
		best = 1;
		*ret_user = l->user;
		*ret_password = l->password;
	}
	pthread_mutex_unlock(&lock);
	return best > 0;
}

/* apt uses the first line that fits, and takes a URL for the beginning of a text: the slash ends the directory's name. */
void login_auth_conf(struct text *ret)
{
	pthread_mutex_lock(&lock);
	for (size_t i = 0; i < logins.n; i++)
		text_addf(ret, "machine %s/ login %s password %s\n", logins.at[i].url, logins.at[i].user,
			  logins.at[i].password);
	for (size_t i = 0; i < machines.n; i++)
		text_addf(ret, "machine %s login %s password %s\n", machines.at[i].url, machines.at[i].user,
			  machines.at[i].password);
	pthread_mutex_unlock(&lock);
}

/* The next word of *rest, which is cut off; NULL at the end. A comment is the rest of its line. */
static char *next_word(char **rest)
{
	static const char blanks[] = " \t\r\n";
	char *word = *rest + strspn(*rest, blanks);

	while (*word == '#') {
		word += strcspn(word, "\n");
		word += strspn(word, blanks);
	}
	*rest = word + strcspn(word, blanks);
	if (**rest)
		*(*rest)++ = '\0';
	return *word ? word : NULL;
}

/* Takes over l, whose user and password may be NULL: a machine without them is none. */
static void remember_machine(struct login l)
{
	if (l.url && l.user) {
		l.password = l.password ? l.password : xstrdup("");
		pthread_mutex_lock(&lock);
		vec_push(&machines, l);
		pthread_mutex_unlock(&lock);
		return;
	}
	free(l.url);
	free(l.user);
	wipe_free(l.password);
}

static void set_once(char **to, const char *word)
{
	if (word && !*to)
		*to = xstrdup(word);
}

void login_read_auth_conf(const char *text)
{
	char *copy = xstrdup(text), *rest = copy, *word;
	struct login l = { 0 };

	while ((word = next_word(&rest))) {
		if (!strcmp(word, "machine")) {
			remember_machine(l);
			l = (struct login){ 0 };
			set_once(&l.url, next_word(&rest));
		} else if (!strcmp(word, "login")) {
			set_once(&l.user, next_word(&rest));
		} else if (!strcmp(word, "password")) {
			set_once(&l.password, next_word(&rest));
		}
	}
	remember_machine(l);
	wipe_free(copy);
}

int login_check_proxies(struct error *err)
{
	static const char *const names[] = {
		"http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY",
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		const char *value = getenv(names[i]);
		if (!value || !strchr(value, '@'))
			continue;
		struct parts p = parts_of(value);
		size_t host = strcspn(p.host, ":/");
		const char *port = p.host + host + (p.host[host] == ':');
		bool is_host = *p.host == '[' || (host > 0 && port + strspn(port, "0123456789") == p.path);
		if (!p.userinfo || !is_host || strchr(p.path, '@'))
			return error_set(
				err, ERROR_HOST,
				"%s in the environment is no URL of a proxy; the user and the password in it must "
				"be percent-encoded. It is not shown here",
				names[i]);
	}
	return 0;
}
