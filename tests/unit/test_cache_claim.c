/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/cache/cache_claim.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/own_cache.h"

#define KEY "0123456789abcdef"
#define PAUSE 200000 /* microseconds that the other process has in hand */

static int make(struct cache *cache)
{
	CLEANUP(close_p) int fd = -1;
	CLEANUP(free_p) char *scratch = NULL;
	struct error err = { 0 };

	return cache_scratch(cache, &scratch, &fd, &err) < 0 ? -1
							     : cache_publish(cache, scratch, "artifacts", KEY, &err);
}

/* A process that claims the entry, says so, and makes it after a while; with `hang` it never does. Returns its pid. */
static pid_t other_build(bool hang)
{
	int said[2];
	char byte = 0;

	if (pipe(said) < 0)
		return -1;
	pid_t pid = fork();
	if (pid == 0) {
		CLEANUP(cache_claim_done) struct cache_claim claim = CACHE_CLAIM_NONE;
		struct cache cache = { .fd = -1 };
		struct error err = { 0 };

		if (cache_open(&cache, &err) < 0 || cache_claim(&cache, "artifacts", KEY, "it", &claim, &err) < 0 ||
		    !claim.needed || write(said[1], "x", 1) != 1)
			_exit(1);
		usleep(PAUSE);
		if (hang)
			pause();
		int rc = make(&cache);
		cache_claim_done(&claim);
		_exit(rc < 0);
	}
	close(said[1]);
	if (read(said[0], &byte, 1) != 1)
		pid = -1;
	close(said[0]);
	return pid;
}

static bool is_tidy(const struct own_cache *w)
{
	return faccessat(w->cache.fd, "tmp/artifacts." KEY ".claim", F_OK, 0) < 0;
}

TEST(cache_claim_waits_for_another_build)
{
	CLEANUP(own_cache_close) struct own_cache w = { .cache.fd = -1 };
	CLEANUP(cache_claim_done) struct cache_claim claim = CACHE_CLAIM_NONE;
	struct error err = { 0 };
	int status;

	CHECK(own_cache_open(&w) == 0);
	pid_t pid = other_build(false);
	CHECK(pid > 0 && !cache_has(&w.cache, "artifacts", KEY));
	CHECK(cache_claim(&w.cache, "artifacts", KEY, "it", &claim, &err) == 0);
	CHECK(!claim.needed && cache_has(&w.cache, "artifacts", KEY));
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
	cache_claim_done(&claim);
	CHECK(is_tidy(&w));
	/* and nothing is claimed that is there */
	CHECK(cache_claim(&w.cache, "artifacts", KEY, "it", &claim, &err) == 0 && !claim.needed && claim.fd < 0);
}

TEST(cache_claim_is_taken_over)
{
	CLEANUP(own_cache_close) struct own_cache w = { .cache.fd = -1 };
	CLEANUP(cache_claim_done) struct cache_claim claim = CACHE_CLAIM_NONE;
	struct error err = { 0 };
	int status;

	CHECK(own_cache_open(&w) == 0);
	pid_t pid = other_build(true);
	CHECK(pid > 0 && kill(pid, SIGKILL) == 0 && waitpid(pid, &status, 0) == pid);
	CHECK(!is_tidy(&w));
	CHECK(cache_claim(&w.cache, "artifacts", KEY, "it", &claim, &err) == 0 && claim.needed);
	cache_claim_done(&claim);
	CHECK(is_tidy(&w));
	/* a maker that fails leaves it to the next one */
	CHECK(cache_claim(&w.cache, "artifacts", KEY, "it", &claim, &err) == 0 && claim.needed);
}

/* cache_open() removes what a killed build has left, but not what is in use. */
TEST(cache_claim_survives_other_builds)
{
	CLEANUP(own_cache_close) struct own_cache w = { .cache.fd = -1 };
	CLEANUP(cache_claim_done) struct cache_claim claim = CACHE_CLAIM_NONE;
	CLEANUP(cache_close) struct cache second = { .fd = -1 };
	struct error err = { 0 };

	CHECK(own_cache_open(&w) == 0 && cache_claim(&w.cache, "artifacts", KEY, "it", &claim, &err) == 0);
	CHECK(cache_open(&second, &err) == 0 && !is_tidy(&w));
}
