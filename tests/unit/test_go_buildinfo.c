/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/fuzz/corpus/go_buildinfo/ has real programs of which objcopy(1) left only the section .go.buildinfo (bridge, etcd, kubelet),
 * one with a replaced module and one that was linked without modules. tests/golden/go_buildinfo/NAME.txt is what
 * `go version -m` prints of them. The broken ones are made of these.
 */
#include <elf.h>
#include <stdio.h>
#include <unistd.h>

#include "builder/golang/go_buildinfo.h"
#include "lib/file.h"
#include "tests/unit/check.h"

#define CORPUS "tests/fuzz/corpus/go_buildinfo/"
#define GOLDEN "tests/golden/go_buildinfo/"
#define MAGIC "\xff Go buildinf:"

static int read_text(void *context, uint64_t from, size_t len, struct text *ret, struct error *err UNUSED)
{
	const struct text *t = context;

	if (from < t->len)
		text_addn(ret, t->data + from, len < t->len - from ? len : t->len - (size_t)from);
	return 0;
}

static int read_fd(void *context, uint64_t from, size_t len, struct text *ret, struct error *err UNUSED)
{
	CLEANUP(free_p) char *buffer = xmalloc(len + 1);
	ssize_t n = pread(*(int *)context, buffer, len, (off_t)from);

	if (n > 0)
		text_addn(ret, buffer, (size_t)n);
	return n < 0 ? error_set(err, ERROR_FAILED, "pread") : 0;
}

static void pclose_p(FILE **f)
{
	if (*f)
		pclose(*f);
}

static void print_module(const char *kind, const struct go_module *m, struct text *ret)
{
	if (!m->path)
		return;
	text_addf(ret, "\t%s\t%s", kind, m->path);
	if (*m->version)
		text_addf(ret, "\t%s", m->version);
	text_addf(ret, "%s%s\n", m->sum ? "\t" : "", m->sum ? m->sum : "");
}

/* As `go version -m` does, without the file's name. */
static void print(const struct go_buildinfo *b, struct text *ret)
{
	text_addf(ret, "%s\n", b->go);
	if (b->package)
		text_addf(ret, "\tpath\t%s\n", b->package);
	print_module("mod", &b->main.module, ret);
	print_module("=>", &b->main.replaced_by, ret);
	for (size_t i = 0; i < b->linked.n; i++) {
		print_module("dep", &b->linked.at[i].module, ret);
		print_module("=>", &b->linked.at[i].replaced_by, ret);
	}
	for (size_t i = 0; i < b->settings.n; i++)
		text_addf(ret, "\tbuild\t%s\n", b->settings.at[i]);
}

static int parse(const struct text *file, struct text *ret, struct error *err)
{
	CLEANUP(go_buildinfo_done) struct go_buildinfo b = { 0 };
	int rc = go_buildinfo_read(&(struct go_file){ read_text, (void *)file }, &b, err);

	if (rc > 0)
		print(&b, ret);
	return rc;
}

TEST(go_buildinfo_is_what_go_prints)
{
	static const char *const names[] = { "bridge", "etcd", "kubelet", "plain", "replaced" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		CLEANUP(text_done) struct text file = { 0 }, want = { 0 }, got = { 0 };
		CLEANUP(free_p) char *program = xasprintf(CORPUS "%s", names[i]);
		CLEANUP(free_p) char *golden = xasprintf(GOLDEN "%s.txt", names[i]);
		struct error err = { 0 };
		CHECK(file_read(AT_FDCWD, program, 1 << 20, &file, &err) == 0);
		CHECK(file_read(AT_FDCWD, golden, 1 << 20, &want, &err) == 0);
		CHECK(parse(&file, &got, &err) == 1);
		CHECK_STR(got.data, want.data);
	}
}

/* The host's go is a Go program itself. */
TEST(go_buildinfo_of_the_host)
{
	CLEANUP(go_buildinfo_done) struct go_buildinfo b = { 0 };
	CLEANUP(text_done) struct text path = { 0 }, got = { 0 }, want = { 0 };
	struct error err = { 0 };

	CLEANUP(pclose_p) FILE *which = popen("go env GOROOT 2>/dev/null", "re");
	for (int c; which && (c = getc(which)) > ' ';)
		text_addf(&path, "%c", c);
	if (!path.len)
		SKIP("the host has no go");
	text_add(&path, "/bin/go");
	CLEANUP(close_p) int fd = open(path.data, O_RDONLY | O_CLOEXEC);
	CHECK(fd >= 0 && go_buildinfo_read(&(struct go_file){ read_fd, &fd }, &b, &err) == 1);
	print(&b, &got);
	CLEANUP(free_p) char *command = xasprintf("go version -m %s", path.data);
	CLEANUP(pclose_p) FILE *said = popen(command, "re");
	for (int c; said && (c = getc(said)) != EOF;)
		text_addf(&want, "%c", c);
	CHECK(text_starts(want.data, path.data));
	CHECK_STR(got.data, want.data + path.len + 2);
}

TEST(go_buildinfo_version_of_modules)
{
	CLEANUP(text_done) struct text file = { 0 };
	CLEANUP(go_buildinfo_done) struct go_buildinfo b = { 0 }, replaced = { 0 };
	struct go_file from = { read_text, &file };
	struct error err = { 0 };

	CHECK(file_read(AT_FDCWD, CORPUS "kubelet", 1 << 20, &file, &err) == 0);
	CHECK(go_buildinfo_read(&from, &b, &err) == 1);
	CHECK_STR(go_buildinfo_version(&b, "k8s.io/kubernetes"), "v1.37.2");
	CHECK_STR(go_buildinfo_version(&b, "sigs.k8s.io/yaml"), "v1.6.0");
	CHECK(!go_buildinfo_version(&b, "sigs.k8s.io"));
	text_done(&file);
	CHECK(file_read(AT_FDCWD, CORPUS "replaced", 1 << 20, &file, &err) == 0);
	CHECK(go_buildinfo_read(&from, &replaced, &err) == 1);
	CHECK_STR(go_buildinfo_version(&replaced, "golang.org/x/mod"), "(devel)");
}

/* A program without sections; the magic is not at its first multiple of 16. text: after the header. */
static void make_elf(const void *text, size_t len, uint8_t flags, struct text *ret)
{
	Elf64_Ehdr elf = { .e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB },
			   .e_phoff = sizeof elf,
			   .e_phentsize = sizeof(Elf64_Phdr),
			   .e_phnum = 2 };
	Elf64_Phdr segment[2] = { { .p_type = PT_LOAD, .p_flags = PF_R | PF_X, .p_offset = 0, .p_filesz = 64 },
				  { .p_type = PT_LOAD,
				    .p_flags = PF_R | PF_W,
				    .p_offset = sizeof elf + sizeof segment,
				    .p_filesz = 16 + 32 + len } };
	char header[16 + 32] = { 0 };

	memcpy(header + 16, MAGIC, strlen(MAGIC));
	header[16 + 15] = (char)flags;
	text_addn(ret, &elf, sizeof elf);
	text_addn(ret, segment, sizeof segment);
	text_addn(ret, header, sizeof header);
	text_addn(ret, text, len);
}

/* Every beginning of a program, with the texts of a real one: it is none, or broken, and never read beyond its end. */
TEST(go_buildinfo_cut_off)
{
	CLEANUP(text_done) struct text real = { 0 }, file = { 0 };
	struct error err = { 0 };
	int not = 0, broken = 0;

	CHECK(file_read(AT_FDCWD, CORPUS "bridge", 1 << 20, &real, &err) == 0);
	const char *magic = memmem(real.data, real.len, MAGIC, strlen(MAGIC));
	CHECK(magic);
	make_elf(magic + 32, 1800, 2, &file);
	for (size_t len = 0; len < file.len; len++) {
		/* its end is known to the sanitizer */
		CLEANUP(free_p) char *copy = memcpy(xmalloc(len + !len), file.data, len);
		CLEANUP(text_done) struct text got = { 0 };
		struct text part = { .data = copy, .len = len };
		int rc = parse(&part, &got, &err);
		not += rc == 0;
		broken += rc < 0 && strstr(err.text, "Go's build information is broken");
		CHECK(rc <= 0 || len > 1500);
	}
	CHECK(not > 200 && broken > 1000);
}

/* modules: without markers; NULL = no second text. */
static int parse_made(const char *go, const char *modules, struct text *ret, struct error *err)
{
	CLEANUP(text_done) struct text file = { 0 }, texts = { 0 };

	text_addf(&texts, "%c%s", (int)strlen(go), go);
	if (modules) {
		size_t n = strlen(modules) + 2 * 16;
		const uint8_t varint[] = { (uint8_t)((n & 0x7f) | 0x80), (uint8_t)(n >> 7) };
		text_addn(&texts, varint, sizeof varint);
		text_addf(&texts, "0123456789abcdef%s0123456789abcdef", modules);
	}
	make_elf(texts.data, texts.len, 2, &file);
	return parse(&file, ret, err);
}

TEST(go_buildinfo_in_a_segment)
{
	CLEANUP(text_done) struct text got = { 0 };
	struct error err = { 0 };

	CHECK(parse_made("go1.27", "path\ta/b\nmod\ta\t(devel)\t\ndep\tc\tv1.0.0\th1:x=\n=>\td\tv2.0.0\th1:y=\n", &got,
			 &err) == 1);
	CHECK_STR(got.data,
		  "go1.27\n\tpath\ta/b\n\tmod\ta\t(devel)\n\tdep\tc\tv1.0.0\th1:x=\n\t=>\td\tv2.0.0\th1:y=\n");
}

TEST(go_buildinfo_should_fail)
{
	static const struct {
		const char *modules, *said;
	} cases[] = {
		{ NULL, "longer than the section" },
		{ "path\n", "no value" },
		{ "dep\tx\tv1.0.0\th1:x=\tmore\tfields\n", "too many" },
		{ "path\ta\nmod\ta\t(devel)\nmod\tb\t(devel)\n", "unknown" },
		{ "=>\td\tv2.0.0\n", "follows no module" },
		{ "dep\tx\tv1\n=>\td\tv2\n=>\te\tv3\n", "follows no module" },
		{ "what\tx\n", "unknown" },
		{ "path\ta\x1b[2Jb\n", "not printable" },
		{ "path\ta\xff\n", "not printable" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CLEANUP(text_done) struct text got = { 0 };
		struct error err = { 0 };
		CHECK(parse_made("go1.27", cases[i].modules, &got, &err) == -1);
		CHECK(strstr(err.text, cases[i].said) && got.len == 0);
	}
}

TEST(go_buildinfo_varint_limits)
{
	static const char endless[] = "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
			  huge[] = "\xff\xff\xff\xff\xff\xff\xff\x7f go";
	CLEANUP(text_done) struct text a = { 0 }, b = { 0 }, old = { 0 }, got = { 0 };
	struct error err = { 0 };

	make_elf(endless, sizeof endless, 2, &a);
	make_elf(huge, sizeof huge, 2, &b);
	CHECK(parse(&a, &got, &err) == -1 && parse(&b, &got, &err) == -1);
	/* of Go 1.17 and before: pointers instead of texts */
	make_elf(huge, sizeof huge, 0, &old);
	CHECK(parse(&old, &got, &err) == 0);
}

TEST(go_buildinfo_not_a_go_program)
{
	CLEANUP(go_buildinfo_done) struct go_buildinfo b = { 0 };
	CLEANUP(close_p) int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	CLEANUP(text_done) struct text script = { 0 };
	struct error err = { 0 };

	CHECK(go_buildinfo_read(&(struct go_file){ read_fd, &fd }, &b, &err) == 0);
	text_add(&script, "#!/bin/sh\nexec true                                                                  \n");
	CHECK(go_buildinfo_read(&(struct go_file){ read_text, &script }, &b, &err) == 0);
}
