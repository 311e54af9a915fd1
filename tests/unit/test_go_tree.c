/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/gomod/go_tree.h"
#include "tests/unit/fake_root.h"
#include "tests/unit/own_cache.h"

static struct lock_package package(const char *name, const char *sha256)
{
	return (struct lock_package){
		.name = (char *)name, .version = (char *)"1", .architecture = (char *)"amd64", .sha256 = (char *)sha256
	};
}

/* The directory of the build cache that a tree of these two packages uses; owned by the caller. */
static char *cache_of(struct own_cache *w, const char *go, const char *library)
{
	struct lock lock = { 0 };
	struct go_tree g = { .toolchain = { .lock = &lock, .cache = &w->cache } };
	struct error err = { 0 };
	char *bind = NULL;

	vec_push(&lock.group[LOCK_GO], package("golang-1.26-go", go));
	vec_push(&lock.group[LOCK_GO], package("libseccomp-dev", library));
	if (go_tree_keep_cache(&g, &err) == 0 && g.binds.list.n == 1)
		bind = xstrdup(g.binds.list.at[0].source);
	sandbox_binds_done(&g.binds);
	strings_done(&g.environment);
	vec_done(&lock.group[LOCK_GO]);
	return bind;
}

TEST(go_tree_caches_of_each_tree)
{
	CLEANUP(own_cache_close) struct own_cache w = { .cache.fd = -1 };

	CHECK(own_cache_open(&w) == 0);
	CLEANUP(free_p) char *one = cache_of(&w, "a", "b"), *again = cache_of(&w, "a", "b");
	CLEANUP(free_p) char *other_go = cache_of(&w, "x", "b"), *other_library = cache_of(&w, "a", "x");
	CHECK(one && other_go && other_library);
	CHECK_STR(again, one);
	CHECK(strcmp(one, other_go) != 0 && strcmp(one, other_library) != 0);
}

/* A user who can write there decides what runs in nodes. */
TEST(go_tree_cache_of_others_is_not_used)
{
	CLEANUP(own_cache_close) struct own_cache w = { .cache.fd = -1 };

	CHECK(own_cache_open(&w) == 0);
	CLEANUP(free_p) char *bind = cache_of(&w, "a", "b");
	CHECK(bind);
	CHECK(chmod(bind, 0777) == 0);
	CLEANUP(free_p) char *none = cache_of(&w, "a", "b");
	CHECK(!none);
}

/* What root could do to the network of the host. The MTU that is set is the one that lo has. */
static const char probe[] = "socket(R, PF_INET, SOCK_RAW, 1) and print 'raw '; print $!{EPERM} ? 'EPERM ' : $!;"
			    "socket(P, 17, SOCK_RAW, 0) and print 'packets '; print $!{EAFNOSUPPORT} ? 'none ' : $!;"
			    "socket(U, PF_INET, SOCK_DGRAM, 0) or print 'no socket ';"
			    "my $lo = pack('a16i@40', 'lo', 0); ioctl(U, 0x8921, $lo) or print 'no lo ';"
			    "ioctl(U, 0x8922, $lo) and print 'interfaces '; print $!{EPERM} ? 'EPERM ' : $!;"
			    "system('mount -t tmpfs x /tmp 2>/dev/null') == 0 and print 'mounts ';"
			    "open(F, '<', 'private') and print 'files'";

TEST(go_tree_run_has_no_rights_over_the_host)
{
	CLEANUP(strings_done) struct strings argv = { 0 };
	CLEANUP(text_done) struct text output = { 0 };
	struct lock lock = { 0 };
	static const char *const links[] = { "bin", "sbin", "lib", "lib64" };

	if (geteuid() != 0)
		SKIP("needs root");
	FAKE_ROOT();
	CLEANUP(free_p) char *tree = xasprintf("%s/tree", path), *work = xasprintf("%s/work", path);
	CLEANUP(free_p) char *private = xasprintf("%s/private", work);
	struct go_tree g = { .toolchain = { .lock = &lock, .root = tree }, .work = work };
	fake_put(path, "/tree/etc/hostname", "");
	fake_put(path, "/work/private", "");
	CHECK(chmod(private, 0600) == 0 && chown(private, 1, 1) == 0);
	for (size_t i = 0; i < ARRAY_SIZE(links); i++) {
		CLEANUP(free_p) char *link = xasprintf("%s/%s", tree, links[i]), *to = xasprintf("usr/%s", links[i]);
		CHECK(symlink(to, link) == 0);
	}
	sandbox_binds_add_read_only(&g.binds, "/usr", "/usr");
	strings_add_all(&argv, "perl", "-MErrno", "-MSocket", "-e", probe, NULL);
	struct go_run run = { .directory = ".", .argv = &argv, .network = true, .output = &output };
	CHECK_STR(go_tree_run(&g, &run, &err) < 0 ? err.text : "", "");
	CHECK_STR(output.data, "EPERM none EPERM files");
	sandbox_binds_done(&g.binds);
	FAKE_ROOT_END();
}

static bool asked_with_network;

static int answer(const struct toolchain *t UNUSED, const struct toolchain_step *step, struct error *err UNUSED)
{
	asked_with_network = step->network;
	text_add(step->output, "https://proxy.example,direct\n");
	return 0;
}

/* In a build the Go may be that of another one's lock, and the host's network is not for it. */
TEST(go_tree_proxy_without_network)
{
	struct lock lock = { 0 };
	struct go_tree g = { .toolchain = { .lock = &lock, .run = answer } };
	CLEANUP(free_p) char *proxy = NULL;
	struct error err = { 0 };

	vec_push(&lock.group[LOCK_GO], package("golang-1.26-go", "a"));
	CHECK(go_tree_proxy(&g, &proxy, &err) == 0 && !asked_with_network);
	CHECK_STR(proxy, "https://proxy.example,direct");
	vec_done(&lock.group[LOCK_GO]);
}
