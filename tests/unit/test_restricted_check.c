/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/pipeline/restricted_check.h"
#include "lib/job.h"
#include "tests/unit/own_cache.h"
#include "tests/unit/restricted.h"

struct check {
	struct own_cache *cache;
	struct recipe recipe;
};

static int check_in_container(void *context, struct error *err)
{
	struct check *c = context;

	if (restricted_enter(err) < 0)
		return -1;
	return restricted_check(&c->recipe, &c->cache->cache, err);
}

static int run_check(struct check *c, struct error *err)
{
	CLEANUP(job_stop) struct job job = { 0 };

	if (job_start(&job, check_in_container, c, err) < 0)
		return -1;
	return job_wait(&job, err);
}

/* An empty sandbox of the cache's file system works here. */
TEST(restricted_check_tries_a_sandbox)
{
	CLEANUP(own_cache_close) struct own_cache w = { .cache.fd = -1 };
	struct check c = { .cache = &w, .recipe.name = (char *)"node" };
	struct error err = { 0 };

	if (geteuid() != 0)
		SKIP("needs root");
	CHECK(own_cache_open(&w) == 0);
	CHECK_STR(run_check(&c, &err) < 0 ? err.text : "", "");
}

TEST(restricted_check_refuses_images)
{
	CLEANUP(own_cache_close) struct own_cache w = { .cache.fd = -1 };
	struct check c = { .cache = &w, .recipe = { .name = (char *)"node", .images.control_plane = true } };
	struct error err = { 0 };

	if (geteuid() != 0)
		SKIP("needs root");
	CHECK(own_cache_open(&w) == 0);
	CHECK(run_check(&c, &err) < 0 && err.class == ERROR_HOST);
	CHECK(text_starts(err.text, "recipe 'node' preloads images"));
	/* Where mounts are possible, nothing is refused. */
	CHECK(restricted_check(&c.recipe, &w.cache, &err) == 0);
}

/* Those of components are preloaded as well, unless there is no runtime. */
TEST(restricted_check_refuses_images_of_components)
{
	CLEANUP(own_cache_close) struct own_cache w = { .cache.fd = -1 };
	struct component_image image = { .name = (char *)"pause" };
	struct component pause = { .name = (char *)"pause", .source = COMPONENT_C };
	struct check c = { .cache = &w, .recipe = { .name = (char *)"node", .runtime = RUNTIME_CONTAINERD } };
	struct error err = { 0 };

	if (geteuid() != 0)
		SKIP("needs root");
	CHECK(own_cache_open(&w) == 0);
	vec_push(&pause.images, image);
	vec_push(&c.recipe.components, pause);
	CHECK(run_check(&c, &err) < 0 && err.class == ERROR_HOST);
	CHECK(text_starts(err.text, "recipe 'node' preloads images"));
	c.recipe.runtime = RUNTIME_NONE;
	CHECK_STR(run_check(&c, &err) < 0 ? err.text : "", "");
	vec_done(&c.recipe.components.at[0].images);
	vec_done(&c.recipe.components);
}

/* The scratch directory cannot be made: the reason is an error of the host, with the context. */
TEST(restricted_check_reports_the_cache)
{
	CLEANUP(own_cache_close) struct own_cache w = { .cache.fd = -1 };
	struct check c = { .cache = &w, .recipe.name = (char *)"node" };
	struct error err = { 0 };

	if (geteuid() != 0)
		SKIP("needs root");
	CHECK(own_cache_open(&w) == 0);
	CHECK(tree_remove(w.cache.fd, "tmp", &err) == 0);
	CHECK(run_check(&c, &err) < 0 && err.class == ERROR_HOST);
	CHECK(text_starts(err.text, "a build with neither CAP_SYS_ADMIN nor user namespaces: "));
}
