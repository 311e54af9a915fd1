/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/node_record.h"

#include <ctype.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "lib/alloc.h"
#include "lib/json.h"
#include "lib/macro.h"
#include "lib/validate.h"

#define WORD_MAX 40
#define ERROR_SENTENCE_MAX 4096
#define CUT "..."

static const char *const state_names[] = {
	[NODE_RECORD_UNKNOWN] = "unknown", [NODE_RECORD_BOOTING] = "booting", [NODE_RECORD_JOINING] = "joining",
	[NODE_RECORD_READY] = "ready",     [NODE_RECORD_FAILED] = "failed",
};

const char *node_record_state_name(enum node_record_state state)
{
	return state_names[state];
}

static enum node_record_state state_of(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(state_names); i++)
		if (text_same(state_names[i], name))
			return (enum node_record_state)i;
	return NODE_RECORD_UNKNOWN;
}

static int role_of(const char *name)
{
	for (int role = NODE_INIT; role <= NODE_WORKER; role++)
		if (text_same(node_role_name((enum node_role)role), name))
			return role;
	return -1;
}

/* The values go into kubeadm's configuration and into messages, and any user with VM.Config.Options may have written them,
 * so each is validated. */

static bool is_of(const char *s, const char *characters)
{
	size_t n = strspn(s, characters);

	return n > 0 && n <= WORD_MAX && !s[n];
}

static bool is_word(const char *s)
{
	return is_of(s, "abcdefghijklmnopqrstuvwxyz0123456789");
}

static bool is_date(const char *s)
{
	return is_of(s, "0123456789-:.TZ");
}

static bool is_version(const char *s)
{
	return is_of(s, "abcdefghijklmnopqrstuvwxyz0123456789.-+");
}

static bool is_mac(const char *s)
{
	return hex_is_valid(s, SHA256_HEX - 1);
}

static bool is_sentence(const char *s)
{
	size_t n = 0;

	while (s[n] >= ' ' && s[n] <= '~')
		n++;
	return n > 0 && n <= ERROR_SENTENCE_MAX && !s[n];
}

/* The line's text fields, each with its validator. */
static const struct record_field {
	const char *key;
	size_t offset;
	bool (*is_valid)(const char *s);
} fields[] = {
	{ "cluster", offsetof(struct node_record, cluster), dns_label_is_valid },
	{ "since", offsetof(struct node_record, since), is_date },
	{ "node", offsetof(struct node_record, node), dns_name_is_valid },
	{ "version", offsetof(struct node_record, version), is_version },
	{ "endpoint", offsetof(struct node_record, endpoint), endpoint_is_valid },
	{ "claim", offsetof(struct node_record, claim), is_word },
	{ "mark", offsetof(struct node_record, mark), is_word },
	{ "mac", offsetof(struct node_record, mac), is_mac },
	{ "error", offsetof(struct node_record, error), is_sentence },
};

static char **field_of(const struct node_record *m, const struct record_field *field)
{
	return (char **)((char *)m + field->offset);
}

/* The record's line in notes: its first byte, and its length without the end of line; NULL = none. */
static const char *find_line(const char *notes, size_t *ret_len)
{
	for (const char *line = notes; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (!text_starts(line, NODE_RECORD_NOTES_PREFIX))
			continue;
		*ret_len = strcspn(line, "\r\n");
		return line;
	}
	return NULL;
}

static void parse_hashes(const struct json *list, struct strings *ret)
{
	for (size_t i = 0; i < json_count(list); i++) {
		const char *hash = json_as_string(json_at(list, i));
		if (hash && ca_cert_hash_is_valid(hash))
			strings_add(ret, hash);
	}
}

static void parse_line(const char *line, size_t len, struct node_record *ret)
{
	size_t skip = strlen(NODE_RECORD_NOTES_PREFIX) - 1; /* the brace belongs to the value */
	CLEANUP(json_free_p) struct json *json = NULL;
	struct error ignored = { 0 };

	if (json_parse("notes", line + skip, len - skip, &json, &ignored) < 0)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		const char *value = json_get_string(json, fields[i].key);
		char **field = field_of(ret, &fields[i]);
		if (!value || !fields[i].is_valid(value))
			continue;
		free(*field);
		*field = xstrdup(value);
	}
	if (role_of(json_get_string(json, "role")) >= 0)
		ret->role = role_of(json_get_string(json, "role"));
	if (state_of(json_get_string(json, "state")) != NODE_RECORD_UNKNOWN)
		ret->state = state_of(json_get_string(json, "state"));
	if (!json_get_int(json, "vmid", &ret->vmid) || ret->vmid < 0)
		ret->vmid = 0;
	parse_hashes(json_get(json, "ca"), &ret->ca);
}

/* The record's tags: prefix and value. */
enum { TAG_CLUSTER, TAG_ROLE, TAG_STATE, TAG_KINDS };
static const char *const tag_prefix[TAG_KINDS] = { "k8s.cluster.", "k8s.role.", "k8s.state." };

/* The kind of a tag, and its value in lower case; TAG_KINDS = not one of the record's. */
static int tag_kind(const char *tag, char **ret_value)
{
	for (int kind = 0; kind < TAG_KINDS; kind++) {
		size_t n = strlen(tag_prefix[kind]);
		if (strncasecmp(tag, tag_prefix[kind], n) != 0)
			continue;
		*ret_value = xstrdup(tag + n);
		case_normalize(ret_value);
		return kind;
	}
	return TAG_KINDS;
}

static void split_tags(const char *tags, struct strings *ret)
{
	static const char between[] = ";, \t\n";

	while (tags && *tags) {
		size_t n = strcspn(tags, between);
		if (n)
			strings_own(ret, xstrndup(tags, n));
		tags += n + strspn(tags + n, between);
	}
}

static void parse_tag(const char *tag, struct node_record *ret)
{
	CLEANUP(free_p) char *value = NULL;
	int kind = tag_kind(tag, &value);

	if (kind == TAG_CLUSTER && dns_label_is_valid(value) && !ret->cluster)
		ret->cluster = TAKE(value);
	else if (kind == TAG_ROLE)
		ret->role = role_of(value);
	else if (kind == TAG_STATE)
		ret->state = state_of(value);
}

void node_record_parse(const char *tags, const char *notes, struct node_record *ret)
{
	CLEANUP(strings_done) struct strings list = { 0 };
	size_t len = 0;
	const char *line = notes ? find_line(notes, &len) : NULL;

	*ret = (struct node_record){ .role = -1 };
	split_tags(tags, &list);
	for (size_t i = 0; i < list.n; i++)
		parse_tag(list.at[i], ret);
	if (line)
		parse_line(line, len, ret);
}

static void add_tag(struct text *t, const char *prefix, const char *value)
{
	text_addf(t, "%s%s%s", t->len ? ";" : "", prefix, value);
}

char *node_record_tags(const struct node_record *m, const char *tags)
{
	CLEANUP(strings_done) struct strings list = { 0 };
	struct text t = { 0 };

	split_tags(tags, &list);
	for (size_t i = 0; i < list.n; i++) {
		CLEANUP(free_p) char *value = NULL;
		if (tag_kind(list.at[i], &value) == TAG_KINDS)
			add_tag(&t, list.at[i], "");
	}
	if (m->cluster)
		add_tag(&t, tag_prefix[TAG_CLUSTER], m->cluster);
	if (m->role >= 0)
		add_tag(&t, tag_prefix[TAG_ROLE], node_role_name((enum node_role)m->role));
	if (m->state != NODE_RECORD_UNKNOWN)
		add_tag(&t, tag_prefix[TAG_STATE], node_record_state_name(m->state));
	return text_take(&t);
}

static void normalize_tags(const char *tags, struct strings *ret)
{
	CLEANUP(strings_done) struct strings list = { 0 };

	split_tags(tags, &list);
	for (size_t i = 0; i < list.n; i++) {
		case_normalize(&list.at[i]);
		if (!strings_has(ret, list.at[i]))
			strings_add(ret, list.at[i]);
	}
}

bool node_record_tags_same(const char *a, const char *b)
{
	CLEANUP(strings_done) struct strings left = { 0 }, right = { 0 };

	normalize_tags(a, &left);
	normalize_tags(b, &right);
	for (size_t i = 0; i < left.n; i++)
		if (!strings_has(&right, left.at[i]))
			return false;
	return left.n == right.n;
}

/* error: the sentence to print instead of m->error; NULL = none. */
static void print_line(const struct node_record *m, const char *error, struct text *ret)
{
	CLEANUP(json_free_p) struct json *json = json_object();
	struct node_record shown = *m;

	shown.error = (char *)error;
	if (m->role >= 0)
		json_put_string(json, "role", node_role_name((enum node_role)m->role));
	if (m->state != NODE_RECORD_UNKNOWN)
		json_put_string(json, "state", node_record_state_name(m->state));
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		const char *value = *field_of(&shown, &fields[i]);
		if (value)
			json_put_string(json, fields[i].key, value);
	}
	if (m->vmid)
		json_put_int(json, "vmid", m->vmid);
	if (m->ca.n)
		json_put_strings(json, "ca", &m->ca);
	text_add(ret, "nodekiln: ");
	json_print(json, false, ret);
}

/* Copies what follows the line, except for more such lines, which would contradict it. */
static void add_rest(const char *rest, struct text *ret)
{
	size_t len;
	const char *line;

	while ((line = find_line(rest, &len))) {
		text_addn(ret, rest, (size_t)(line - rest));
		rest = line + len + strspn(line + len, "\r");
		rest += *rest == '\n';
	}
	text_add(ret, rest);
}

static void edit(const struct node_record *m, const char *error, const char *notes, struct text *ret)
{
	size_t len = 0, kept = strlen(notes);
	const char *line = find_line(notes, &len);

	if (line) {
		text_addn(ret, notes, (size_t)(line - notes));
		print_line(m, error, ret);
		add_rest(line + len, ret);
		return;
	}
	while (kept && strchr("\r\n", notes[kept - 1]))
		kept--;
	text_addn(ret, notes, kept);
	if (kept)
		text_add(ret, "\n\n"); /* a separate paragraph: the web UI renders Markdown */
	print_line(m, error, ret);
}

static size_t characters(const char *s)
{
	size_t n = 0;

	for (; *s; s++)
		n += ((unsigned char)*s & 0xC0) != 0x80;
	return n;
}

static char *printable_error(const char *error)
{
	char *copy = error && *error ? xstrdup(error) : NULL;

	for (char *c = copy; c && *c; c++)
		if (*c < ' ' || *c > '~')
			*c = isspace((unsigned char)*c) ? ' ' : '?';
	if (copy && strlen(copy) > ERROR_SENTENCE_MAX)
		strcpy(copy + ERROR_SENTENCE_MAX - strlen(CUT), CUT);
	return copy;
}

/* Shortens the sentence by excess characters; NULL when nothing would be left. */
static char *cut_error(char *error, size_t excess)
{
	size_t n = strlen(error), gone = excess + strlen(CUT);

	if (n <= gone) {
		free(error);
		return NULL;
	}
	strcpy(error + n - gone, CUT);
	return error;
}

int node_record_notes(const struct node_record *m, const char *notes, char **ret, struct error *err)
{
	CLEANUP(free_p) char *error = printable_error(m->error);
	CLEANUP(text_done) struct text t = { 0 };

	edit(m, error, notes ? notes : "", &t);
	size_t n = characters(t.data);
	if (n > NODE_RECORD_NOTES_MAX && error) {
		error = cut_error(error, n - NODE_RECORD_NOTES_MAX);
		text_done(&t);
		edit(m, error, notes ? notes : "", &t);
		n = characters(t.data);
	}
	if (n > NODE_RECORD_NOTES_MAX)
		return error_set(
			err, ERROR_SPACE,
			"the guest's notes would have %zu characters with nodekiln's line; Proxmox VE accepts %d; "
			"shorten the notes",
			n, NODE_RECORD_NOTES_MAX);
	*ret = text_take(&t);
	return 0;
}

static bool same_strings(const struct strings *a, const struct strings *b)
{
	for (size_t i = 0; i < a->n; i++)
		if (!strings_has(b, a->at[i]))
			return false;
	return a->n == b->n;
}

bool node_record_same(const struct node_record *a, const struct node_record *b)
{
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		if (!text_same(*field_of(a, &fields[i]), *field_of(b, &fields[i])))
			return false;
	return a->role == b->role && a->state == b->state && a->vmid == b->vmid && same_strings(&a->ca, &b->ca);
}

void node_record_done(struct node_record *m)
{
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		free(*field_of(m, &fields[i]));
	strings_done(&m->ca);
	*m = (struct node_record){ .role = -1 };
}
