/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the identity of this machine (SMBIOS uuid, network cards and address), and the ports in use. */
#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/cards.h"
#include "agent/facts_internal.h"
#include "lib/alloc.h"

#define TCP_LISTEN 0x0a /* in /proc/net/tcp */

static void lower(char *s)
{
	for (; s && *s; s++)
		*s = (char)tolower((unsigned char)*s);
}

static void read_macs(int rootfd, struct facts *m)
{
	CLEANUP(cards_done) struct cards cards = { 0 };

	cards_read(rootfd, m->container != NULL, &cards);
	for (size_t i = 0; i < cards.n; i++)
		if (cards.at[i].mac)
			strings_own(&m->macs, TAKE(cards.at[i].mac));
	strings_sort(&m->macs);
}

/* connect() on a datagram socket selects the source address of the route and sends nothing. The targets are
 * reserved for documentation, so only a default route leads to them. */
static char *source_address(int family)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(9) };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons(9) };
	struct sockaddr *to = family == AF_INET ? (struct sockaddr *)&v4 : (struct sockaddr *)&v6;
	socklen_t len = family == AF_INET ? sizeof v4 : sizeof v6;
	CLEANUP(close_p) int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	char text[INET6_ADDRSTRLEN];

	inet_pton(AF_INET, "192.0.2.1", &v4.sin_addr);
	inet_pton(AF_INET6, "2001:db8::1", &v6.sin6_addr);
	if (fd < 0 || connect(fd, to, len) < 0 || getsockname(fd, to, &len) < 0)
		return NULL;
	const void *from = family == AF_INET ? (const void *)&v4.sin_addr : (const void *)&v6.sin6_addr;
	return inet_ntop(family, from, text, sizeof text) ? xstrdup(text) : NULL;
}

/* "  0: 0100007F:1F90 00000000:0000 0A ...": number, local address, remote address, state. */
static void add_listeners(const char *table, struct facts_ports *ports)
{
	unsigned port, state;

	for (const char *line = table; line && *line; line += strcspn(line, "\n"), line += *line == '\n')
		if (sscanf(line, " %*u: %*[0-9A-Fa-f]:%x %*[0-9A-Fa-f]:%*x %x", &port, &state) == 2 &&
		    state == TCP_LISTEN)
			vec_push(ports, (uint16_t)port);
}

static void read_ports(int rootfd, struct facts *m)
{
	static const char *const tables[] = { "proc/net/tcp", "proc/net/tcp6" };

	for (size_t i = 0; i < ARRAY_SIZE(tables); i++) {
		CLEANUP(free_p) char *table = guest_text(rootfd, tables[i]);
		add_listeners(table, &m->ports);
	}
}

void facts_identity(int rootfd, struct facts *m)
{
	/* A container sees its host's uuid. */
	m->uuid = m->container ? NULL : guest_word(rootfd, "sys/class/dmi/id/product_uuid");
	lower(m->uuid);
	read_macs(rootfd, m);
	m->address = source_address(AF_INET);
	if (!m->address)
		m->address = source_address(AF_INET6);
	read_ports(rootfd, m);
}
