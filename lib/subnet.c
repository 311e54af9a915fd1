/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/subnet.h"

#include <arpa/inet.h>
#include <string.h>

static unsigned full_length(int family)
{
	return family == AF_INET ? 32 : 128;
}

static bool bit(const struct subnet *s, unsigned i)
{
	return s->address[i / 8] & (0x80 >> i % 8);
}

bool subnet_parse_address(const char *text, struct subnet *ret)
{
	struct subnet s = { .family = strchr(text, ':') ? AF_INET6 : AF_INET };

	if (inet_pton(s.family, text, s.address) != 1)
		return false;
	s.bits = full_length(s.family);
	*ret = s;
	return true;
}

/* Digits only, no leading zero, as other parsers of such texts require. */
static bool parse_length(const char *text, unsigned max, unsigned *ret)
{
	size_t n = strspn(text, "0123456789");
	unsigned bits = 0;

	if (n < 1 || n > 3 || text[n] || (n > 1 && text[0] == '0'))
		return false;
	for (size_t i = 0; i < n; i++)
		bits = bits * 10 + (unsigned)(text[i] - '0');
	*ret = bits;
	return bits <= max;
}

bool subnet_parse(const char *text, struct subnet *ret)
{
	char address[INET6_ADDRSTRLEN];
	const char *slash = strchr(text, '/');
	struct subnet s;

	if (!slash || (size_t)(slash - text) >= sizeof address)
		return false;
	memcpy(address, text, (size_t)(slash - text));
	address[slash - text] = '\0';
	if (!subnet_parse_address(address, &s) || !parse_length(slash + 1, full_length(s.family), &s.bits))
		return false;
	for (unsigned i = s.bits; i < full_length(s.family); i++)
		if (bit(&s, i))
			return false;
	*ret = s;
	return true;
}

bool subnet_overlap(const struct subnet *a, const struct subnet *b)
{
	unsigned shorter = a->bits < b->bits ? a->bits : b->bits;

	if (a->family != b->family)
		return false;
	for (unsigned i = 0; i < shorter; i++)
		if (bit(a, i) != bit(b, i))
			return false;
	return true;
}

struct subnet subnet_around(const struct subnet *address, unsigned bits)
{
	struct subnet s = *address;

	for (unsigned i = bits; i < full_length(s.family); i++)
		s.address[i / 8] &= (uint8_t) ~(0x80 >> i % 8);
	s.bits = bits;
	return s;
}

bool subnet_is_edge(const struct subnet *address, unsigned bits, bool one)
{
	for (unsigned i = bits; i < full_length(address->family); i++)
		if (bit(address, i) != one)
			return false;
	return bits < full_length(address->family);
}
