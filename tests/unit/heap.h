/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What the heap has, what is free among it: a secret that was freed as it was is still there.
 */
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__)
#define HEAP_IS_OURS 0 /* the sanitizer has a heap of its own */
#else
#define HEAP_IS_OURS 1
#endif

/* How often; the memory that malloc() has mapped for large blocks is not looked at: free() unmaps it. */
static inline unsigned heap_has(const char *secret)
{
	static char maps[1 << 16];
	int fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
	size_t len = 0;
	unsigned times = 0;
	unsigned long begin, end;

	for (ssize_t n; fd >= 0 && (n = read(fd, maps + len, sizeof maps - 1 - len)) > 0;)
		len += (size_t)n;
	close(fd);
	maps[len] = '\0';
	char *line = strstr(maps, "[heap]");
	while (line && line > maps && line[-1] != '\n')
		line--;
	if (!line || sscanf(line, "%lx-%lx", &begin, &end) != 2)
		return 1; /* nothing was looked at */
	for (const char *at = (const char *)begin;
	     (at = memmem(at, (size_t)((const char *)end - at), secret, strlen(secret))); at++)
		times++;
	return times;
}
