/* SPDX-License-Identifier: Apache-2.0 */
/* In the role of cri-dockerd, which comes from outside Debian's mirrors: takes the socket from systemd, says that it is ready, and
 * answers no request. */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define LISTEN_FD 3 /* sd_listen_fds(3) */

static int notify(const char *said)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	const char *where = getenv("NOTIFY_SOCKET");
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

	if (fd < 0 || !where || strlen(where) >= sizeof to.sun_path)
		return -1;
	memcpy(to.sun_path, where, strlen(where));
	socklen_t length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(where));
	return sendto(fd, said, strlen(said), 0, (const struct sockaddr *)&to, length) < 0 ? -1 : close(fd);
}

int main(void)
{
	if (!getenv("LISTEN_FDS") || notify("READY=1") < 0)
		return 1;
	for (int fd; (fd = accept(LISTEN_FD, NULL, NULL)) >= 0;)
		close(fd);
	return 1;
}
