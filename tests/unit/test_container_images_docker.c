/* SPDX-License-Identifier: Apache-2.0 */
/* `docker` as a script. */
#include "builder/oci/container_images_engine.h"
#include "tests/unit/fake_root.h"

TEST(container_images_docker_import_and_answers)
{
	FAKE_ROOT();

	fake_program(path, "docker", "echo \"$@\" >>$root/calls\ncase $* in *broken*) exit 1;; esac");
	CHECK(container_images_docker.answers(&err) == 0);
	CHECK(container_images_docker.import("/tmp/0.tar", &err) == 0);
	CLEANUP(free_p) char *calls = fake_get(path, "/calls");
	CLEANUP(free_p)
	char *want = xasprintf("--host unix://%s version\n--host unix://%s load --quiet --input /tmp/0.tar\n",
			       container_images_docker.socket, container_images_docker.socket);
	CHECK_STR(calls, want);
	CHECK(container_images_docker.import("/tmp/broken.tar", &err) < 0 && err.class == ERROR_COMMAND);
	FAKE_ROOT_END();
}
