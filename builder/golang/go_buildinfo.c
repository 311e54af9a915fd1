/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/golang/go_buildinfo.h"

#include <elf.h>
#include <string.h>

#include "lib/alloc.h"

#define MAGIC "\xff Go buildinf:"
#define ALIGNMENT 16u
#define HEADER 32u
#define FLAGS 15u           /* offset in the header */
#define FLAG_INLINE 2u      /* the texts follow the header */
#define SEARCHED (1u << 20) /* bytes of the section or segment in which the header is searched */
#define MARKER 16u
#define TEXT_MAX (4u << 20) /* bytes of the modules' text; that of kubelet has 20 KiB */
#define GO_MAX 256u         /* bytes of Go's version */
#define VARINT_MAX 10u
#define TABLE_MAX (1u << 20) /* bytes of a table of headers, or of section names */
#define SECTION ".go.buildinfo"

/* A part of the file. */
struct span {
	uint64_t start, size;
};

static int broken(struct error *err, const char *what)
{
	return error_set(err, ERROR_FAILED, "Go's build information is broken: %s", what);
}

/* 1 when the file has all of the part, 0 when it ends before. */
static int read_all(const struct go_file *file, uint64_t from, size_t len, struct text *ret, struct error *err)
{
	if (from > INT64_MAX)
		return 0;
	if (file->read(file->context, from, len, ret, err) < 0)
		return -1;
	return ret->len == len;
}

/* 1 when the table is complete, 0 when it is not there. */
static int read_table(const struct go_file *file, uint64_t from, size_t n, size_t size, size_t want, struct text *ret,
		      struct error *err)
{
	if (!from || !n || size != want || n * size > TABLE_MAX)
		return 0;
	return read_all(file, from, n * size, ret, err);
}

static int find_section(const struct go_file *file, const Elf64_Ehdr *elf, struct span *ret, struct error *err)
{
	CLEANUP(text_done) struct text table = { 0 }, names = { 0 };
	Elf64_Shdr s;
	int rc = read_table(file, elf->e_shoff, elf->e_shnum, elf->e_shentsize, sizeof s, &table, err);

	if (rc <= 0 || elf->e_shstrndx >= elf->e_shnum)
		return rc < 0 ? -1 : 0;
	memcpy(&s, table.data + elf->e_shstrndx * sizeof s, sizeof s);
	if (!s.sh_size || s.sh_size > TABLE_MAX)
		return 0;
	rc = read_all(file, s.sh_offset, s.sh_size, &names, err);
	for (size_t i = 0; rc > 0 && i < elf->e_shnum; i++) {
		memcpy(&s, table.data + i * sizeof s, sizeof s);
		if (s.sh_type == SHT_NOBITS || s.sh_name >= names.len || strcmp(names.data + s.sh_name, SECTION) != 0)
			continue;
		*ret = (struct span){ s.sh_offset, s.sh_size };
		return 1;
	}
	return rc < 0 ? -1 : 0;
}

static int find_segment(const struct go_file *file, const Elf64_Ehdr *elf, struct span *ret, struct error *err)
{
	CLEANUP(text_done) struct text table = { 0 };
	Elf64_Phdr p;
	int rc = read_table(file, elf->e_phoff, elf->e_phnum, elf->e_phentsize, sizeof p, &table, err);

	for (size_t i = 0; rc > 0 && i < elf->e_phnum; i++) {
		memcpy(&p, table.data + i * sizeof p, sizeof p);
		if (p.p_type != PT_LOAD || (p.p_flags & (PF_X | PF_W)) != PF_W || !p.p_filesz)
			continue;
		*ret = (struct span){ p.p_offset, p.p_filesz };
		return 1;
	}
	return rc < 0 ? -1 : 0;
}

/* 1 and the place of the header, from which the span then begins. */
static int find_header(const struct go_file *file, struct span *span, struct error *err)
{
	CLEANUP(text_done) struct text data = { 0 };
	size_t len = span->size < SEARCHED ? (size_t)span->size : SEARCHED;

	if (span->start > INT64_MAX)
		return 0;
	if (file->read(file->context, span->start, len, &data, err) < 0)
		return -1;
	for (size_t at = 0; data.len >= HEADER && at <= data.len - HEADER; at += ALIGNMENT) {
		if (memcmp(data.data + at, MAGIC, strlen(MAGIC)) != 0)
			continue;
		*span = (struct span){ span->start + at, span->size - at };
		return data.data[at + FLAGS] & FLAG_INLINE ? 1 : 0;
	}
	return 0;
}

static int find(const struct go_file *file, struct span *ret, struct error *err)
{
	CLEANUP(text_done) struct text head = { 0 };
	Elf64_Ehdr elf;
	int rc = read_all(file, 0, sizeof elf, &head, err);

	if (rc <= 0)
		return rc;
	memcpy(&elf, head.data, sizeof elf);
	if (memcmp(elf.e_ident, ELFMAG, SELFMAG) != 0 || elf.e_ident[EI_CLASS] != ELFCLASS64 ||
	    elf.e_ident[EI_DATA] != ELFDATA2LSB)
		return 0;
	rc = (elf.e_shnum ? find_section : find_segment)(file, &elf, ret, err);
	return rc <= 0 ? rc : find_header(file, ret, err);
}

/* 0 when there is no valid number. */
static size_t parse_varint(const struct text *bytes, uint64_t *ret)
{
	*ret = 0;
	for (size_t i = 0; i < bytes->len && i * 7 < 63; i++) {
		*ret |= (uint64_t)(bytes->data[i] & 0x7f) << (i * 7);
		if (!(bytes->data[i] & 0x80))
			return i + 1;
	}
	return 0;
}

/* Takes a text with its length from the beginning of the span. */
static int take_text(const struct go_file *file, struct span *span, uint64_t max, struct text *ret, struct error *err)
{
	CLEANUP(text_done) struct text bytes = { 0 };
	uint64_t len;
	size_t n = span->size < VARINT_MAX ? (size_t)span->size : VARINT_MAX;
	int rc;

	if (file->read(file->context, span->start, n, &bytes, err) < 0)
		return -1;
	n = parse_varint(&bytes, &len);
	if (!n || len > max || len > span->size - n)
		return broken(err, "a text is longer than the section, or than the limit");
	rc = read_all(file, span->start + n, (size_t)len, ret, err);
	if (rc < 0)
		return -1;
	if (rc == 0)
		return broken(err, "a text is cut off");
	*span = (struct span){ span->start + n + len, span->size - n - len };
	return 0;
}

/* Fields end at tabs. The last one is everything that is left. Returns how many there are. */
static size_t split(char *line, char **fields, size_t max)
{
	size_t n = 0;

	while (line && n + 1 < max)
		fields[n++] = strsep(&line, "\t");
	if (line)
		fields[n++] = line;
	return n;
}

static void module_done(struct go_module *m)
{
	free(m->path);
	free(m->version);
	free(m->sum);
	*m = (struct go_module){ 0 };
}

static void linked_done(struct go_linked *l)
{
	module_done(&l->module);
	module_done(&l->replaced_by);
}

/* fields: of a line with a module, the first is its kind. */
static struct go_module make_module(char **fields, size_t n)
{
	return (struct go_module){ .path = xstrdup(fields[1]),
				   .version = xstrdup(n > 2 ? fields[2] : ""),
				   .sum = n > 3 && *fields[3] ? xstrdup(fields[3]) : NULL };
}

/* *last: the module of the line before, which a line => replaces. */
static int read_line(char *line, struct go_buildinfo *b, struct go_linked **last, struct error *err)
{
	char *fields[5];
	size_t n = split(line, fields, ARRAY_SIZE(fields));

	if (n < 2 || !*fields[1] || n == ARRAY_SIZE(fields))
		return broken(err, "a line has no value, or too many");
	if (text_same(fields[0], "build") && n == 2) {
		strings_add(&b->settings, fields[1]);
	} else if (text_same(fields[0], "path") && n == 2 && !b->package) {
		b->package = xstrdup(fields[1]);
	} else if (text_same(fields[0], "mod") && !b->main.module.path) {
		b->main.module = make_module(fields, n);
		*last = &b->main;
	} else if (text_same(fields[0], "dep")) {
		vec_push(&b->linked, (struct go_linked){ .module = make_module(fields, n) });
		*last = &b->linked.at[b->linked.n - 1];
	} else if (text_same(fields[0], "=>") && *last && !(*last)->replaced_by.path) {
		(*last)->replaced_by = make_module(fields, n);
	} else {
		return broken(err, "a line is unknown, or follows no module");
	}
	return 0;
}

/* The texts are printed: to a terminal, and as JSON. */
static bool is_printable(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if ((s[i] < ' ' || s[i] > '~') && s[i] != '\t' && s[i] != '\n')
			return false;
	}
	return true;
}

static int read_modules(struct text *text, struct go_buildinfo *b, struct error *err)
{
	struct go_linked *last = NULL;
	char *rest, *line;

	/* Go ignores what is not between markers, too: a program that was linked without modules. */
	if (text->len <= 2 * MARKER || text->data[text->len - MARKER - 1] != '\n')
		return 0;
	text->data[text->len - MARKER] = '\0';
	rest = text->data + MARKER;
	if (!is_printable(rest, text->len - 2 * MARKER))
		return broken(err, "it has characters that are not printable ASCII");
	while ((line = strsep(&rest, "\n"))) {
		if (*line && read_line(line, b, &last, err) < 0)
			return -1;
	}
	return 0;
}

int go_buildinfo_read(const struct go_file *file, struct go_buildinfo *ret, struct error *err)
{
	CLEANUP(go_buildinfo_done) struct go_buildinfo b = { 0 };
	CLEANUP(text_done) struct text go = { 0 }, modules = { 0 };
	struct span span = { 0 };
	int rc = find(file, &span, err);

	if (rc <= 0)
		return rc;
	span = (struct span){ span.start + HEADER, span.size - HEADER };
	if (take_text(file, &span, GO_MAX, &go, err) < 0 || take_text(file, &span, TEXT_MAX, &modules, err) < 0)
		return -1;
	if (!go.len || !is_printable(go.data, go.len))
		return broken(err, "it has no version of Go");
	b.go = text_take(&go);
	if (read_modules(&modules, &b, err) < 0)
		return -1;
	*ret = TAKE(b);
	return 1;
}

void go_buildinfo_done(struct go_buildinfo *b)
{
	linked_done(&b->main);
	for (size_t i = 0; i < b->linked.n; i++)
		linked_done(&b->linked.at[i]);
	vec_done(&b->linked);
	strings_done(&b->settings);
	free(b->go);
	free(b->package);
}

static const char *version_of(const struct go_linked *l)
{
	return l->replaced_by.path ? l->replaced_by.version : l->module.version;
}

const char *go_buildinfo_version(const struct go_buildinfo *b, const char *path)
{
	if (text_same(b->main.module.path, path))
		return version_of(&b->main);
	for (size_t i = 0; i < b->linked.n; i++) {
		if (text_same(b->linked.at[i].module.path, path))
			return version_of(&b->linked.at[i]);
	}
	return NULL;
}
